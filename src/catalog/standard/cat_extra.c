/* Pointwise operations, linear algebra, transforms and random numbers beyond the original's. */
#include "capi/capi.h"
#include "catalog/cat.h"

/* --- pointwise -------------------------------------------------------------------------------- */

static int call_unary(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    return cat_array(&args[0]) || op->function.unary(OUT, ARRAY(0), ON(1));
}

static int call_binary(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    return cat_pair(&args[0], &args[1]) || op->function.binary(OUT, ARRAY(0), ARRAY(1), ON(2));
}

/* --- linear algebra --------------------------------------------------------------------------- */

/* a, n, stream */
static int call_matrix_power(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_linalg_matrix_power(OUT, ARRAY(0), INT(1), ON(2));
}

/* a, rtol, hermitian, stream */
static int call_matrix_rank(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_optional_array(&args[1]) ||
           mlx_linalg_matrix_rank(OUT, ARRAY(0), cat_handle(&args[1]), FLAG(2), ON(3));
}

/* a, p, stream */
static int call_cond(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    double p = cat_number(&args[1]);
    (void)op;
    return cat_array(&args[0]) ||
           mlx_linalg_cond(OUT, ARRAY(0), cat_is_none(&args[1]) ? NULL : &p, ON(2));
}

/* a, b, rcond, stream */
static int call_lstsq(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    double rcond = cat_is_none(&args[2]) ? -1 : cat_number(&args[2]);
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_linalg_lstsq(cat_results(res, MLX_VALUE_TUPLE), ARRAY(0), ARRAY(1), rcond, ON(3));
}

/* x, axis, keepdims, ord, stream */
static int call_vector_norm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one;
    cat_list axes = cat_ints(&args[1], &one);
    (void)op;
    return cat_array(&args[0]) || mlx_linalg_vector_norm(OUT, ARRAY(0), cat_number(&args[3]),
                                                         cat_is_none(&args[1]) ? NULL : axes.ints,
                                                         axes.count, FLAG(2), ON(4));
}

/* x, keepdims, ord, stream */
static int call_matrix_norm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    static const int last[2] = {-2, -1};
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    return args[2].kind == MLX_VALUE_STRING
               ? mlx_linalg_norm_matrix(OUT, ARRAY(0), args[2].as.string, last, 2, FLAG(1), ON(3))
               : mlx_linalg_norm(OUT, ARRAY(0), cat_number(&args[2]), last, 2, FLAG(1), ON(3));
}

/* x, stream */
static int call_matrix_transpose(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_matrix_transpose(OUT, ARRAY(0), ON(1));
}

/* x, offset, stream */
static int call_diagonal(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_diagonal(OUT, ARRAY(0), INT(1), -2, -1, ON(2));
}

/* x, offset, dtype, stream */
static int call_trace(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) ||
           mlx_trace(OUT, ARRAY(0), INT(1), -2, -1,
                     cat_dtype_or(&args[2], mlx_array_dtype(ARRAY(0))), ON(3));
}

/* --- random numbers --------------------------------------------------------------------------- */

#define SHAPE(i) args[i].as.ints, (size_t)args[i].count

typedef struct distribution {
    int (*call)(mlx_array *, const mlx_array, const int *, size_t, mlx_dtype, const mlx_array,
                const mlx_stream);
    mlx_dtype dtype;
} distribution;

/* The shape of a where none is given. */
static int own_shape(mlx_value *shape, mlx_array a) {
    size_t n = mlx_array_ndim(a);
    if (!cat_is_none(shape))
        return 0;
    if (mlx_value_new_ints(shape, n))
        return 1;
    capi_pins(a, "RandomBits");
    for (size_t i = 0; i < n; i++)
        shape->as.ints[i] = mlx_array_shape(a)[i];
    return 0;
}

/* parameter, shape, dtype, key, stream */
static int call_distribution(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const distribution *f = op->function.family;
    return cat_array(&args[0]) || cat_optional_array(&args[3]) || own_shape(&args[1], ARRAY(0)) ||
           f->call(OUT, ARRAY(0), SHAPE(1), cat_dtype_or(&args[2], f->dtype), cat_handle(&args[3]),
                   ON(4));
}

/* a, b, shape, dtype, key, stream */
static int call_beta(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_array sum = mlx_array_new();
    (void)op;
    int status = cat_array(&args[0]) || cat_array(&args[1]) || cat_optional_array(&args[4]) ||
                 mlx_add(&sum, ARRAY(0), ARRAY(1), ON(5)) || own_shape(&args[2], sum) ||
                 mlx_random_beta(OUT, ARRAY(0), ARRAY(1), SHAPE(2),
                                 cat_dtype_or(&args[3], MLX_FLOAT32), cat_handle(&args[4]), ON(5));
    mlx_array_free(sum);
    return status;
}

/* a, shape, replace, p, axis, key, stream: a number stands for the numbers below it */
static int call_choice(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_array below = mlx_array_new();
    (void)op;
    if (args[0].kind == MLX_VALUE_INT) {
        if (mlx_arange(&below, 0, INT(0), 1, MLX_INT32, ON(6)))
            return 1;
        args[0] = (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = below};
    }
    return cat_array(&args[0]) || cat_optional_array(&args[3]) || cat_optional_array(&args[5]) ||
           mlx_random_choice(OUT, ARRAY(0), SHAPE(1), FLAG(2), cat_handle(&args[3]), INT(4),
                             cat_handle(&args[5]), ON(6));
}

/* --- rows ------------------------------------------------------------------------------------- */

#define LINALG "mlx.core.linalg"
#define RANDOM "mlx.core.random"
#define B(name, f, doc)                                                                          \
    {                                                                                            \
        CORE, name "(x1: scalar | array, x2: scalar | array, /, *, " STREAM, doc, call_binary, { \
            .binary = f                                                                          \
        }                                                                                        \
    }
#define U(name, f, doc)                                           \
    {                                                             \
        CORE, name "(a: array, /, *, " STREAM, doc, call_unary, { \
            .unary = f                                            \
        }                                                         \
    }
#define L(name, f, doc)                                          \
    {                                                            \
        LINALG, name "(a: array, *, " STREAM, doc, call_unary, { \
            .unary = f                                           \
        }                                                        \
    }
#define KEYED "key: array | None = None, " STREAM
#define DRAW(name, p, type, f, d, doc)                                                          \
    {RANDOM,                                                                                    \
     name "(" p ", shape: Sequence[int] | None = None, dtype: Dtype | None = " type ", " KEYED, \
     doc, call_distribution, FAMILY(distribution, f, d)}

const mlx_operation cat_extra_rows[] = {
    U("cbrt", mlx_cbrt,
      "The real cube root of each element, of negative ones too. Integers become float32."),
    U("exp2", mlx_exp2, "2 to the power of each element. Integers become float32."),
    U("sinc", mlx_sinc, "sin(pi a) / (pi a) for each element, and 1 where it is 0."),
    B("fmax", mlx_fmax,
      "The larger of x1 and x2, element by element; where one is NaN, the other."),
    B("fmin", mlx_fmin,
      "The smaller of x1 and x2, element by element; where one is NaN, the other."),
    B("heaviside", mlx_heaviside, "0 where x1 is negative, x2 where it is 0, else 1; NaN stays."),
    B("hypot", mlx_hypot, "sqrt(x1^2 + x2^2), element by element, without overflow on the way."),
    B("copysign", mlx_copysign, "The size of x1 with the sign of x2, element by element."),
    B("nextafter", mlx_nextafter,
      "The floating-point number next to x1 in the direction of x2, element by element."),
    {CORE,
     "signbit(x: array, /, *, " STREAM,
     "Whether the sign of each element is minus, also of -0.0.",
     call_unary,
     {.unary = mlx_signbit}},

    L("svdvals", mlx_linalg_svdvals, "The singular values of a matrix, descending."),
    L("expm", mlx_linalg_expm, "The exponential of a square matrix (not of its elements)."),
    {LINALG, "matrix_power(a: array, n: int, *, " STREAM,
     "A square matrix times itself, n times; the inverse for a negative n.", call_matrix_power},
    {LINALG,
     "matrix_rank(a: array, *, rtol: scalar | array | None = None, hermitian: bool = False, " STREAM,
     "How many singular values of a matrix are above rtol times the largest, as int32. rtol is by "
     "default the larger side "
     "times the precision of the dtype.",
     call_matrix_rank},
    {LINALG, "cond(a: array, p: None | int | float = None, *, " STREAM,
     "The condition of a matrix: its norm of order p (2) times that of its inverse.", call_cond},
    {LINALG,
     "lstsq(a: array, b: array, rcond: float | None = None, *, stream: StreamOrDevice = None) -> "
     "tuple[array, array, "
     "array, array]",
     "x with the least |a x - b|, the squares of these distances for each column, the rank of a, "
     "and its singular values, "
     "of which those below rcond times the largest count as 0.",
     call_lstsq},
    {LINALG,
     "vector_norm(x: array, /, *, axis: None | int | Sequence[int] = None, keepdims: bool = "
     "False, ord: int | float "
     "= 2, " STREAM,
     "The norm of all elements, or of those along axes, as one vector.", call_vector_norm},
    {LINALG,
     "matrix_norm(x: array, /, *, keepdims: bool = False, ord: int | float | str = 'fro', " STREAM,
     "The norm of the matrices in the last two axes.", call_matrix_norm},
    {CORE, "matrix_transpose(a: array, /, *, " STREAM,
     "The matrices in the last two axes transposed.", call_matrix_transpose},
    {LINALG, "matrix_transpose(x: array, /, *, " STREAM,
     "The matrices in the last two axes transposed.", call_matrix_transpose},
    {LINALG, "diagonal(x: array, /, *, offset: int = 0, " STREAM,
     "The diagonals of the matrices in the last two axes.", call_diagonal},
    {LINALG, "trace(x: array, /, *, offset: int = 0, dtype: Dtype | None = None, " STREAM,
     "The sums of the diagonals of the matrices in the last two axes.", call_trace},

    DRAW("exponential", "scale: scalar | array = 1.0", "float32", mlx_random_exponential,
         MLX_FLOAT32,
         "Numbers with an exponential distribution of mean scale; NaN where that is "
         "negative."),
    DRAW("gamma", "alpha: scalar | array", "float32", mlx_random_gamma, MLX_FLOAT32,
         "Numbers with a gamma distribution of shape alpha and scale 1 (Marsaglia and Tsang 2000); "
         "NaN where alpha is negative."),
    DRAW("poisson", "lam: scalar | array = 1.0", "int32", mlx_random_poisson, MLX_INT32,
         "Counts with a Poisson distribution of mean lam (Hoermann 1993). Where lam is negative or "
         "NaN: NaN, in an integer dtype -1; what is too large for that is its largest number that "
         "float32 has."),
    {RANDOM,
     "beta(a: scalar | array, b: scalar | array, shape: Sequence[int] | None = None, dtype: Dtype "
     "| None = float32, " KEYED,
     "Numbers with a beta distribution: x / (x + y) of gamma numbers of shapes a and b.",
     call_beta},
    {RANDOM,
     "choice(a: int | array, shape: Sequence[int] = [], replace: bool = True, p: array | None = "
     "None, axis: int = 0, " KEYED,
     "Slabs of an array along an axis, or integers below a, chosen with probabilities p or "
     "equally; no one twice unless "
     "replace.",
     call_choice},
    {NULL},
};
