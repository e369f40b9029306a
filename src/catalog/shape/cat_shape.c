/* Views and casts: the same elements in another shape, order or dtype. */
#include <string.h>

#include "capi/capi.h"
#include "catalog/cat.h"

/* --- adapters --------------------------------------------------------------------------------- */

typedef struct shaped {
    int (*call)(mlx_array *, const mlx_array, const int *, size_t, const mlx_stream);
} shaped;

/* a, shape, stream */
static int call_shaped(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const shaped *f = op->function.family;
    return cat_array(&args[0]) ||
           f->call(OUT, ARRAY(0), args[1].as.ints, (size_t)args[1].count, ON(2));
}

typedef struct axes_family {
    int (*all)(mlx_array *, const mlx_array, const mlx_stream);
    int (*axes)(mlx_array *, const mlx_array, const int *, size_t, const mlx_stream);
} axes_family;

/* a, axis or axes (None: all), stream */
static int call_axes(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const axes_family *f = op->function.family;
    int one;
    cat_list axes = cat_ints(&args[1], &one);
    if (cat_array(&args[0]))
        return 1;
    return cat_is_none(&args[1]) ? f->all(OUT, ARRAY(0), ON(2))
                                 : f->axes(OUT, ARRAY(0), axes.ints, axes.count, ON(2));
}

/* self, *axes, stream: none stands for all */
static int call_transpose_method(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (!args[1].count)
        return cat_array(&args[0]) || mlx_transpose(OUT, ARRAY(0), ON(2));
    return cat_array(&args[0]) ||
           mlx_transpose_axes(OUT, ARRAY(0), args[1].as.ints, (size_t)args[1].count, ON(2));
}

typedef struct with_ints {
    int (*one)(mlx_array *, const mlx_array, int, const mlx_stream);
    int (*two)(mlx_array *, const mlx_array, int, int, const mlx_stream);
    int (*three)(mlx_array *, const mlx_array, int, int, int, const mlx_stream);
} with_ints;

/* a, one, two or three ints, stream */
static int call_with_ints(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const with_ints *f = op->function.family;
    if (cat_array(&args[0]))
        return 1;
    if (f->one)
        return f->one(OUT, ARRAY(0), INT(1), ON(2));
    return f->two ? f->two(OUT, ARRAY(0), INT(1), INT(2), ON(3))
                  : f->three(OUT, ARRAY(0), INT(1), INT(2), INT(3), ON(4));
}

/* a, axis, shape, stream */
static int call_unflatten(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) ||
           mlx_unflatten(OUT, ARRAY(0), INT(1), args[2].as.ints, (size_t)args[2].count, ON(3));
}

/* a, allow_col_major, stream */
static int call_contiguous(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_contiguous(OUT, ARRAY(0), FLAG(1), ON(2));
}

typedef struct cast_family {
    int (*call)(mlx_array *, const mlx_array, mlx_dtype, const mlx_stream);
} cast_family;

/* a, dtype, stream */
static int call_cast(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const cast_family *f = op->function.family;
    return cat_array(&args[0]) || f->call(OUT, ARRAY(0), args[1].as.dtype, ON(2));
}

/* Strides of rows one after the other. */
static void row_strides(int64_t *strides, const int *shape, size_t n) {
    int64_t step = 1;
    for (size_t i = n; i-- > 0; step *= shape[i] > 0 ? shape[i] : 1)
        strides[i] = step;
}

enum { MAX_NDIM = 64 };

/* a, shape, strides, offset, stream */
static int call_as_strided(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int64_t strides[MAX_NDIM];
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    bool own = cat_is_none(&args[1]);
    const int *shape = own ? mlx_array_shape(ARRAY(0)) : args[1].as.ints;
    size_t n = own ? mlx_array_ndim(ARRAY(0)) : (size_t)args[1].count;
    size_t n_strides = cat_is_none(&args[2]) ? n : (size_t)args[2].count;
    if (n > MAX_NDIM || n_strides > MAX_NDIM || INT(3) < 0)
        return cat_fail(MX_INVALID, "[as_strided] at most %d axes, and no negative offset",
                        MAX_NDIM);
    row_strides(strides, shape, n);
    for (int i = 0; !cat_is_none(&args[2]) && i < args[2].count; i++)
        strides[i] = args[2].as.ints[i];
    if (mlx_as_strided(OUT, ARRAY(0), shape, n, strides, n_strides, (size_t)INT(3), ON(4)))
        return 1;
    mx_error_clear();
    return mx_readable(capi_in(res->as.array)) ? 0 : capi_report(); // a host would read it
}

typedef struct atleast {
    int (*call)(mlx_array *, const mlx_array, const mlx_stream);
} atleast;

static int append_atleast(mlx_vector_array out, const atleast *f, mlx_vector_array from, size_t i,
                          mlx_stream s) {
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    int status = mlx_vector_array_get(&a, from, i) || f->call(&b, a, s) ||
                 mlx_vector_array_append_value(out, b);
    mlx_array_free(a);
    mlx_array_free(b);
    return status;
}

/* *arys, stream: one array gives an array, others a list */
static int call_atleast(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_vector_array *list = cat_results(res, MLX_VALUE_ARRAYS);
    size_t n = mlx_vector_array_size(args[0].as.arrays);
    *list = mlx_vector_array_new();
    for (size_t i = 0; i < n; i++)
        if (append_atleast(*list, op->function.family, args[0].as.arrays, i, ON(1)))
            return 1;
    if (n != 1)
        return !list->ctx;
    mlx_array only = mlx_array_new();
    int status = mlx_vector_array_get(&only, *list, 0);
    mlx_value_free(res);
    *OUT = only;
    return status;
}

/* *arrays, stream */
static int call_broadcast_arrays(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_broadcast_arrays(cat_results(res, MLX_VALUE_ARRAYS), args[0].as.arrays, ON(1));
}

/* *shapes */
static int call_broadcast_shapes(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int shape[MAX_NDIM];
    size_t n = 0;
    (void)op;
    if (!args[0].count)
        return cat_fail(MX_INVALID, "[broadcast_shapes] at least one shape is needed");
    for (int i = 0; i < args[0].count; i++) {
        const mlx_value *next = &args[0].as.items[i];
        int together[MAX_NDIM];
        if (next->count > MAX_NDIM)
            return cat_fail(MX_INVALID, "[broadcast_shapes] at most %d axes", MAX_NDIM);
        if (mlx_broadcast_shapes(together, &n, shape, n, next->as.ints, (size_t)next->count))
            return 1;
        memcpy(shape, together, n * sizeof *shape);
    }
    if (mlx_value_new_ints(res, n))
        return 1;
    memcpy(res->as.ints, shape, n * sizeof *shape);
    return 0;
}

/* --- rows ------------------------------------------------------------------------------------- */

#define CAST_DOC \
    "The elements converted to dtype. Floats are rounded towards zero on the way to integers."

const mlx_operation cat_shape_rows[] = {
    {CORE, "reshape(a: array, /, shape: Sequence[int], *, " STREAM,
     "The elements in another shape with as many of them. One size may be -1: it is found from "
     "the others.",
     call_shaped, FAMILY(shaped, mlx_reshape)},
    {METHOD, "reshape(self, *shape, " STREAM_TYPES, NULL, call_shaped, FAMILY(shaped, mlx_reshape)},
    {CORE, "broadcast_to(a: scalar | array, /, shape: Sequence[int], *, " STREAM,
     "The array repeated along axes of size 1 and along new axes in front, without a copy.",
     call_shaped, FAMILY(shaped, mlx_broadcast_to)},
    {CORE, "transpose(a: array, /, axes: Sequence[int] | None = None, *, " STREAM,
     "The axes in another order, reversed where none is given.", call_axes,
     FAMILY(axes_family, mlx_transpose, mlx_transpose_axes)},
    {METHOD, "transpose(self, *axes, " STREAM_TYPES, NULL, call_transpose_method},
    {CORE, "squeeze(a: array, /, axis: None | int | Sequence[int] = None, *, " STREAM,
     "The array without its axes of size 1, or without those given, whose size must be 1.",
     call_axes, FAMILY(axes_family, mlx_squeeze, mlx_squeeze_axes)},
    {METHOD,
     "squeeze(self, axis: int | collections.abc.Sequence[int] | None = None, *, " STREAM_TYPES,
     NULL, call_axes, FAMILY(axes_family, mlx_squeeze, mlx_squeeze_axes)},
    {CORE, "expand_dims(a: array, /, axis: int | Sequence[int], *, " STREAM,
     "The array with new axes of size 1, which stand at these places of the result.", call_axes,
     FAMILY(axes_family, NULL, mlx_expand_dims_axes)},
    {CORE, "flip(a: array, /, axis: None | int | Sequence[int] = None, *, " STREAM,
     "The elements in reverse order along all axes, or along those given.", call_axes,
     FAMILY(axes_family, mlx_flip, mlx_flip_axes)},
    {CORE, "flatten(a: array, /, start_axis: int = 0, end_axis: int = -1, *, " STREAM,
     "The axes from start_axis to end_axis, both included, joined to one.", call_with_ints,
     FAMILY(with_ints, .two = mlx_flatten)},
    {METHOD, "flatten(self, start_axis: int = 0, end_axis: int = -1, *, " STREAM_TYPES, NULL,
     call_with_ints, FAMILY(with_ints, .two = mlx_flatten)},
    {CORE, "unflatten(a: array, /, axis: int, shape: Sequence[int], *, " STREAM,
     "One axis replaced by several, whose sizes (one may be -1) multiply to its size.",
     call_unflatten},
    {CORE, "swapaxes(a: array, /, axis1 : int, axis2: int, *, " STREAM,
     "Two axes with their places exchanged.", call_with_ints,
     FAMILY(with_ints, .two = mlx_swapaxes)},
    {METHOD, "swapaxes(self, axis1: int, axis2: int, *, " STREAM_TYPES, NULL, call_with_ints,
     FAMILY(with_ints, .two = mlx_swapaxes)},
    {CORE, "moveaxis(a: array, /, source: int, destination: int, *, " STREAM,
     "One axis moved to another place; the others keep their order.", call_with_ints,
     FAMILY(with_ints, .two = mlx_moveaxis)},
    {METHOD, "moveaxis(self, source: int, destination: int, *, " STREAM_TYPES, NULL, call_with_ints,
     FAMILY(with_ints, .two = mlx_moveaxis)},
    {CORE, "diag(a: array, /, k: int = 0, *, " STREAM,
     "A matrix with a vector on diagonal k, or the diagonal k of a matrix; k > 0 lies above the "
     "main one.",
     call_with_ints, FAMILY(with_ints, .one = mlx_diag)},
    {METHOD, "diag(self, k: int = 0, *, " STREAM_TYPES, NULL, call_with_ints,
     FAMILY(with_ints, .one = mlx_diag)},
    {CORE, "diagonal(a: array, offset: int = 0, axis1: int = 0, axis2: int = 1, " STREAM,
     "The diagonals of the matrices along two axes, as the last axis.", call_with_ints,
     FAMILY(with_ints, .three = mlx_diagonal)},
    {METHOD, "diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1, " STREAM_TYPES, NULL,
     call_with_ints, FAMILY(with_ints, .three = mlx_diagonal)},
    {CORE, "round(a: array, /, decimals: int = 0, " STREAM,
     "Each element rounded to a number of decimals, halves to the even neighbour.", call_with_ints,
     FAMILY(with_ints, .one = mlx_round)},
    {METHOD, "round(self, decimals: int = 0, *, " STREAM_TYPES, NULL, call_with_ints,
     FAMILY(with_ints, .one = mlx_round)},
    {CORE, "diff(a: array, /, n: int = 1, axis: int = -1, *, " STREAM,
     "The differences of neighbours along an axis, taken n times.", call_with_ints,
     FAMILY(with_ints, .two = mlx_diff)},
    {CORE,
     "as_strided(a: array, /, shape: Sequence[int] | None = None, strides: Sequence[int] | None = "
     "None, "
     "offset: int = 0, *, " STREAM,
     "A view of the row-major elements of a: element (i, j, ...) is the one at offset + i * "
     "strides[0] + j * "
     "strides[1] + ..., which must lie inside a.",
     call_as_strided},
    {CORE, "contiguous(a: array, /, allow_col_major: bool = False, *, " STREAM,
     "The same array laid out row after row, or column after column where that is allowed and the "
     "case.",
     call_contiguous},
    {CORE, "view(a: scalar | array, dtype: Dtype, " STREAM,
     "The same bytes as elements of another dtype; the last axis shrinks or grows with the size "
     "of an element.",
     call_cast, FAMILY(cast_family, mlx_view)},
    {METHOD, "view(self, dtype: Dtype, *, " STREAM_TYPES, NULL, call_cast,
     FAMILY(cast_family, mlx_view)},
    {CORE, "astype(a: array, dtype: Dtype, /, *, " STREAM, CAST_DOC, call_cast,
     FAMILY(cast_family, mlx_astype)},
    {METHOD, "astype(self, dtype: Dtype, " STREAM_TYPES, NULL, call_cast,
     FAMILY(cast_family, mlx_astype)},
    {CORE, "atleast_1d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]",
     "Arrays with at least one axis; a list of them where several are given.", call_atleast,
     FAMILY(atleast, mlx_atleast_1d)},
    {CORE, "atleast_2d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]",
     "Arrays with at least two axes; a list of them where several are given.", call_atleast,
     FAMILY(atleast, mlx_atleast_2d)},
    {CORE, "atleast_3d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]",
     "Arrays with at least three axes; a list of them where several are given.", call_atleast,
     FAMILY(atleast, mlx_atleast_3d)},
    {CORE, "broadcast_arrays(*arrays: array, stream: StreamOrDevice = None) -> tuple[array, ...]",
     "The arrays broadcast to their common shape, as a list.", call_broadcast_arrays},
    {CORE, "broadcast_shapes(*shapes: Sequence[int]) -> tuple[int]",
     "The shape that arrays of these shapes broadcast to.", call_broadcast_shapes},
    {NULL},
};
