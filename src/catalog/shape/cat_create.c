/* Arrays made from nothing: ranges, constants, matrices, windows. */
#include <math.h>

#include "catalog/cat.h"

/* --- ranges ----------------------------------------------------------------------------------- */

static mlx_dtype number_dtype(const mlx_value *v) {
    bool wide = v->kind == MLX_VALUE_INT && v->as.integer != (int32_t)v->as.integer;
    return v->kind == MLX_VALUE_FLOAT  ? MLX_FLOAT32
           : v->kind == MLX_VALUE_BOOL ? MLX_BOOL
           : wide                      ? MLX_INT64
                                       : MLX_INT32;
}

/* The dtype of a range: the widest of what is given, bool (which no range has) where that is
   all. */
static mlx_dtype range_dtype(const mlx_value *start, const mlx_value *stop, const mlx_value *step) {
    const mlx_value *all[] = {start, stop, step};
    mlx_dtype t = MLX_BOOL;
    for (int i = 0; i < 3; i++)
        if (!cat_is_none(all[i]) && number_dtype(all[i]) > t)
            t = number_dtype(all[i]);
    return t;
}

static int arange(mlx_value *res, const mlx_value *start, const mlx_value *stop,
                  const mlx_value *step, const mlx_value *dtype, mlx_stream s) {
    static const mlx_value zero = {.kind = MLX_VALUE_INT},
                           one = {.kind = MLX_VALUE_INT, .as.integer = 1};
    mlx_dtype t = cat_dtype_or(dtype, range_dtype(start, stop, step));
    if (cat_is_none(stop)) {
        stop = start;
        start = &zero;
    }
    if (cat_is_none(step))
        step = &one;
    return mlx_arange(OUT, cat_number(start), cat_number(stop), cat_number(step), t, s);
}

/* start, stop, step, dtype, stream */
static int call_arange(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return arange(res, &args[0], &args[1], &args[2], &args[3], ON(4));
}

/* stop, step, dtype, stream */
static int call_arange_stop(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    static const mlx_value none = {.kind = MLX_VALUE_NONE};
    (void)op;
    return arange(res, &args[0], &none, &args[1], &args[2], ON(3));
}

/* start, stop, num, endpoint, dtype, stream */
static int call_linspace(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_linspace_endpoint(OUT, cat_number(&args[0]), cat_number(&args[1]),
                                 cat_int_or(&args[2], 50), FLAG(3),
                                 cat_dtype_or(&args[4], MLX_FLOAT32), ON(5));
}

/* --- constants -------------------------------------------------------------------------------- */

/* shape, dtype, stream */
int cat_call_filled(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const cat_filled *f = op->function.family;
    int one;
    cat_list shape = cat_ints(&args[0], &one);
    return f->call(OUT, shape.ints, shape.count, cat_dtype_or(&args[1], MLX_FLOAT32), ON(2));
}

/* a, dtype, stream */
int cat_call_filled_like(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const cat_filled_like *f = op->function.family;
    return cat_array(&args[0]) ||
           f->call(OUT, ARRAY(0), cat_dtype_or(&args[1], mlx_array_dtype(ARRAY(0))), ON(2));
}

/* shape, vals, dtype, stream */
int cat_call_full(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one;
    cat_list shape = cat_ints(&args[0], &one);
    (void)op;
    if (cat_is_none(&args[2]) ? cat_array(&args[1]) : cat_scalar_as(&args[1], args[2].as.dtype))
        return 1;
    return mlx_full(OUT, shape.ints, shape.count, ARRAY(1),
                    cat_dtype_or(&args[2], mlx_array_dtype(ARRAY(1))), ON(3));
}

/* a, vals, dtype, stream */
int cat_call_full_like(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    mlx_dtype t = cat_dtype_or(&args[2], mlx_array_dtype(ARRAY(0)));
    return cat_scalar_as(&args[1], t) || mlx_full_like(OUT, ARRAY(0), ARRAY(1), t, ON(3));
}

/* --- matrices and windows --------------------------------------------------------------------- */

/* n, m, k, dtype, stream */
int cat_call_diagonal_ones(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const cat_diagonal_ones *f = op->function.family;
    return f->call(OUT, INT(0), cat_int_or(&args[1], INT(0)), INT(2),
                   cat_dtype_or(&args[3], MLX_FLOAT32), ON(4));
}

/* n, dtype, stream */
static int call_identity(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_identity(OUT, INT(0), cat_dtype_or(&args[1], MLX_FLOAT32), ON(2));
}

typedef struct triangle {
    int (*call)(mlx_array *, const mlx_array, int, const mlx_stream);
} triangle;

/* x, k, stream */
static int call_triangle(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const triangle *f = op->function.family;
    return cat_array(&args[0]) || f->call(OUT, ARRAY(0), INT(1), ON(2));
}

/* a, offset, axis1, axis2, dtype, stream */
static int call_trace(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) ||
           mlx_trace(OUT, ARRAY(0), INT(1), INT(2), INT(3),
                     cat_dtype_or(&args[4], mlx_array_dtype(ARRAY(0))), ON(5));
}

typedef struct window {
    int (*call)(mlx_array *, int, const mlx_stream);
} window;

/* M, stream */
static int call_window(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const window *f = op->function.family;
    return f->call(OUT, INT(0), ON(1));
}

/* --- rows ------------------------------------------------------------------------------------- */

#define FILLED "(shape: int | Sequence[int], dtype: Dtype | None = float32, *, " STREAM
#define LIKE   "(a: array, /, dtype: Dtype | None = None, *, " STREAM
#define ARANGE_DOC                                                                               \
    "The numbers start, start + step, ... before stop. They are float32 where one of the three " \
    "is a float, else int32, or int64 where that is too small."

const mlx_operation cat_create_rows[] = {
    {CORE,
     "arange(start : int | float, stop : None | int | float, step : None | int | float = None, "
     "dtype: Dtype | None = None, *, " STREAM,
     ARANGE_DOC, call_arange},
    {CORE,
     "arange(stop : int | float, step : None | int | float = None, dtype: Dtype | None = None, *, " STREAM,
     ARANGE_DOC, call_arange_stop},
    {CORE,
     "arange(first: int | float, /, stop: None | int | float = None, step: None | int | float = "
     "None, "
     "dtype: Dtype | None = None, *, device: StreamOrDevice = None) -> array",
     ARANGE_DOC, call_arange},
    {CORE,
     "linspace(start: scalar, stop: scalar, num: int | None = 50, endpoint: bool = True, "
     "dtype: Dtype | None = float32, " STREAM,
     "num numbers at equal distances from start to stop, which is the last of them if endpoint.",
     call_linspace},
    {CORE, "zeros" FILLED, "An array of zeros.", cat_call_filled, FAMILY(cat_filled, mlx_zeros)},
    {CORE, "ones" FILLED, "An array of ones.", cat_call_filled, FAMILY(cat_filled, mlx_ones)},
    {CORE, "zeros_like" LIKE, "Zeros in the shape of a, and in its dtype unless another is given.",
     cat_call_filled_like, FAMILY(cat_filled_like, mlx_zeros_like_dtype)},
    {CORE, "ones_like" LIKE, "Ones in the shape of a, and in its dtype unless another is given.",
     cat_call_filled_like, FAMILY(cat_filled_like, mlx_ones_like_dtype)},
    {CORE,
     "full(shape: int | Sequence[int], vals: scalar | array, dtype: Dtype | None = None, *, " STREAM,
     "vals broadcast to a shape, in its own dtype unless another is given.", cat_call_full},
    {CORE, "full_like(a: array, vals: scalar | array, dtype: Dtype | None = None, *, " STREAM,
     "vals broadcast to the shape of a, in the dtype of a unless another is given.",
     cat_call_full_like},
    {CORE,
     "eye(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = float32, *, " STREAM,
     "A matrix of n rows and m (n) columns with ones on diagonal k; k > 0 lies above the main one.",
     cat_call_diagonal_ones, FAMILY(cat_diagonal_ones, mlx_eye)},
    {CORE, "tri(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = None, *, " STREAM,
     "A matrix of n rows and m (n) columns with ones on and below diagonal k.",
     cat_call_diagonal_ones, FAMILY(cat_diagonal_ones, mlx_tri)},
    {CORE, "identity(n: int, dtype: Dtype | None = float32, *, " STREAM,
     "The identity matrix of n rows.", call_identity},
    {CORE, "tril(x: array, k: int = 0, *, " STREAM, "Matrices with zeros above diagonal k.",
     call_triangle, FAMILY(triangle, mlx_tril)},
    {CORE, "triu(x: array, k: int = 0, *, " STREAM, "Matrices with zeros below diagonal k.",
     call_triangle, FAMILY(triangle, mlx_triu)},
    {CORE,
     "trace(a: array, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Dtype | None = "
     "None, *, " STREAM,
     "The sums of the diagonals of the matrices along two axes.", call_trace},
    {CORE, "bartlett(M: int, *, " STREAM_TYPES,
     "The Bartlett window of M points: a triangle with zeros at its ends.", call_window,
     FAMILY(window, mlx_bartlett)},
    {CORE, "blackman(M: int, *, " STREAM,
     "The Blackman window of M points: 0.42 - 0.5 cos + 0.08 cos twice as fast.", call_window,
     FAMILY(window, mlx_blackman)},
    {CORE, "hamming(M: int, *, " STREAM, "The Hamming window of M points: 0.54 - 0.46 cos.",
     call_window, FAMILY(window, mlx_hamming)},
    {CORE, "hanning(M: int, *, " STREAM_TYPES, "The Hann window of M points: 0.5 - 0.5 cos.",
     call_window, FAMILY(window, mlx_hanning)},
    {NULL},
};
