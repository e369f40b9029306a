/* Random numbers. A key of None takes the next one of the thread's own sequence. */
#include "capi/capi.h"
#include "catalog/cat.h"

/* The key in args[i], or an empty handle. */
#define KEY(i)        cat_handle(&args[i])
#define FLOAT32_OR(i) cat_dtype_or(&args[i], MLX_FLOAT32)
#define SHAPE(i)      args[i].as.ints, (size_t)args[i].count

/* --- keys ------------------------------------------------------------------------------------- */

static int call_seed(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)res, (void)op;
    return mlx_random_seed((uint64_t)args[0].as.integer);
}

static int call_key(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_random_key(OUT, (uint64_t)args[0].as.integer);
}

/* key, num, stream */
static int call_split(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_random_split_num(OUT, ARRAY(0), INT(1), ON(2));
}

/* --- distributions ---------------------------------------------------------------------------- */

typedef struct between {
    int (*call)(mlx_array *, const mlx_array, const mlx_array, const int *, size_t, mlx_dtype,
                const mlx_array, const mlx_stream);
    mlx_dtype dtype;
} between;

/* The shape in `shape`, or the common one of two arrays, owned by `shape` from then on. */
static int own_shape(mlx_value *shape, mlx_array a, mlx_array b) {
    int ints[64];
    size_t n;
    if (!cat_is_none(shape))
        return 0;
    if (mlx_broadcast_shapes(ints, &n, mlx_array_shape(a), mlx_array_ndim(a), mlx_array_shape(b),
                             mlx_array_ndim(b)) ||
        mlx_value_new_ints(shape, n))
        return 1;
    for (size_t i = 0; i < n; i++)
        shape->as.ints[i] = ints[i];
    capi_pins(a, "RandomBits");
    capi_pins(b, "RandomBits");
    return 0;
}

/* low, high, shape, dtype, key, stream */
static int call_between(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const between *f = op->function.family;
    mlx_dtype t = cat_dtype_or(&args[3], f->dtype);
    return cat_precise(&args[0], t) || cat_precise(&args[1], t) || cat_optional_array(&args[4]) ||
           own_shape(&args[2], ARRAY(0), ARRAY(1)) ||
           f->call(OUT, ARRAY(0), ARRAY(1), SHAPE(2), t, KEY(4), ON(5));
}

/* p, shape, key, stream */
static int call_bernoulli(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_optional_array(&args[2]) ||
           own_shape(&args[1], ARRAY(0), ARRAY(0)) ||
           mlx_random_bernoulli(OUT, ARRAY(0), SHAPE(1), KEY(2), ON(3));
}

/* shape, dtype, loc, scale, key, stream */
static int call_normal(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    mlx_dtype t = FLOAT32_OR(1);
    for (int i = 2; i < 4; i++)
        if (!cat_is_none(&args[i]) && cat_precise(&args[i], t))
            return 1;
    return cat_optional_array(&args[4]) ||
           mlx_random_normal_broadcast(OUT, SHAPE(0), t, cat_handle(&args[2]), cat_handle(&args[3]),
                                       KEY(4), ON(5));
}

/* shape, dtype, loc, scale, key, stream */
static int call_laplace(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_optional_array(&args[4]) ||
           mlx_random_laplace_f64(OUT, SHAPE(0), FLOAT32_OR(1),
                                  cat_number_for(&args[2], FLOAT32_OR(1)),
                                  cat_number_for(&args[3], FLOAT32_OR(1)), KEY(4), ON(5));
}

/* shape, dtype, key, stream */
static int call_gumbel(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_optional_array(&args[2]) ||
           mlx_random_gumbel(OUT, SHAPE(0), FLOAT32_OR(1), KEY(2), ON(3));
}

/* mean, cov, shape, dtype, key, stream */
static int call_multivariate_normal(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || cat_optional_array(&args[4]) ||
           mlx_random_multivariate_normal(OUT, ARRAY(0), ARRAY(1), SHAPE(2), FLOAT32_OR(3), KEY(4),
                                          ON(5));
}

/* --- choices ---------------------------------------------------------------------------------- */

/* logits, axis, shape, num_samples, key, stream */
static int call_categorical(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    bool shape = !cat_is_none(&args[2]), num = !cat_is_none(&args[3]);
    (void)op;
    if (shape && num)
        return cat_fail(MX_INVALID,
                        "[categorical] at most one of shape and num_samples can be given");
    if (cat_array(&args[0]) || cat_optional_array(&args[4]))
        return 1;
    if (shape)
        return mlx_random_categorical_shape(OUT, ARRAY(0), INT(1), SHAPE(2), KEY(4), ON(5));
    return num ? mlx_random_categorical_num_samples(OUT, ARRAY(0), INT(1), INT(3), KEY(4), ON(5))
               : mlx_random_categorical(OUT, ARRAY(0), INT(1), KEY(4), ON(5));
}

/* x, axis, key, stream */
static int call_permutation(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_optional_array(&args[2]))
        return 1;
    if (args[0].kind == MLX_VALUE_INT)
        return mlx_random_permutation_arange(OUT, INT(0), KEY(2), ON(3));
    return cat_array(&args[0]) || mlx_random_permutation(OUT, ARRAY(0), INT(1), KEY(2), ON(3));
}

/* --- rows ------------------------------------------------------------------------------------- */

#define RANDOM "mlx.core.random"
#define KEYED  "key: array | None = None, " STREAM
#define SHAPED "shape: Sequence[int] = [], dtype: Dtype | None = float32, "

const mlx_operation cat_random_rows[] = {
    {RANDOM, "seed(seed: int) -> None", "Start the thread's sequence of keys from a seed.",
     call_seed},
    {RANDOM, "key(seed: int) -> array", "A key from a seed: two uint32.", call_key},
    {RANDOM, "split(key: array, num: int = 2, " STREAM, "num new keys from one, as rows.",
     call_split},
    {RANDOM, "uniform(low: scalar | array = 0, high: scalar | array = 1, " SHAPED KEYED,
     "Numbers evenly distributed in [low, high), which broadcast to the shape.", call_between,
     FAMILY(between, mlx_random_uniform, MLX_FLOAT32)},
    {RANDOM,
     "randint(low: scalar | array, high: scalar | array, shape: Sequence[int] = [], dtype: Dtype "
     "| None = int32, " KEYED,
     "Integers evenly distributed in [low, high), which broadcast to the shape.", call_between,
     FAMILY(between, mlx_random_randint, MLX_INT32)},
    {RANDOM,
     "truncated_normal(lower: scalar | array, upper: scalar | array, shape: Sequence[int] | None "
     "= None, dtype: "
     "Dtype | None = float32, " KEYED,
     "Numbers with a standard normal distribution, of which those in (lower, upper) are kept.",
     call_between, FAMILY(between, mlx_random_truncated_normal, MLX_FLOAT32)},
    {RANDOM, "bernoulli(p: scalar | array = 0.5, shape: Sequence[int] | None = None, " KEYED,
     "True with probability p, in the shape of p unless another is given.", call_bernoulli},
    {RANDOM,
     "normal(" SHAPED
     "loc: scalar | array | None = None, scale: scalar | array | None = None, " KEYED,
     "Numbers with a normal distribution of mean loc (0) and standard deviation scale (1).",
     call_normal},
    {RANDOM, "laplace(" SHAPED "loc: float = 0.0, scale: float = 1.0, " KEYED,
     "Numbers with a Laplace distribution around loc: density exp(-|x - loc| / scale) / (2 scale).",
     call_laplace},
    {RANDOM, "gumbel(" SHAPED KEYED,
     "Numbers with a standard Gumbel distribution: -log(-log(u)) of uniform u.", call_gumbel},
    {RANDOM, "multivariate_normal(mean: array, cov: array, " SHAPED KEYED,
     "Vectors with a normal distribution of mean (..., N) and covariance (..., N, N). shape is "
     "that of the result "
     "without its last axis; by default that of the batch.",
     call_multivariate_normal},
    {RANDOM,
     "categorical(logits: array, axis: int = -1, shape: Sequence[int] | None = None, num_samples: "
     "int | None = "
     "None, " KEYED,
     "Indices along an axis with probabilities softmax(logits): one for each place of the other "
     "axes, a shape of them, "
     "or num_samples for each place.",
     call_categorical},
    {RANDOM, "permutation(x: int | array, axis: int = 0, " KEYED,
     "The slabs of an array along an axis in random order, or the integers below x.",
     call_permutation},
    {NULL},
};
