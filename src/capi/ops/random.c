/* The C API: random numbers. An empty key stands for the next of the thread's own sequence. */
#include "capi/ops/op_call.h"

/* Nothing goes with the shape of a key, be it a tracer. */
static mx_array *the_key(mlx_array key) {
    bool says = mx_trace_set_says(true);
    mx_array *k = capi_opt(key);
    mx_trace_set_says(says);
    return k;
}

static mx_array *key_or_next(mlx_array key) {
    mx_array *k = the_key(key);
    return k ? k : mx_random_next_key();
}

int mlx_random_key(mlx_array *res, uint64_t seed) {
    capi_call c = capi_begin_default();
    return capi_end(&c, res, mx_random_key(seed));
}
int mlx_random_seed(uint64_t seed) {
    mx_random_seed(seed);
    return 0;
}
int mlx_random_get_state(mlx_array *res) {
    capi_call c = capi_begin_default();
    return capi_end(&c, res, mx_random_get_state());
}
int mlx_random_set_state(const mlx_array state) {
    capi_call c = capi_begin_default();
    return capi_end_ok(&c, mx_random_set_state(capi_in(state)));
}
int mlx_random_split_num(mlx_array *res, const mlx_array key, int num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_random_split(capi_in(key), num));
}
int mlx_random_split(mlx_array *res_0, mlx_array *res_1, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *both = mx_random_split(capi_in(key), 2);
    mx_array *row[2] = {mx_squeeze_axis(mx_slice_axis(both, 0, 0, 1), 0),
                        mx_squeeze_axis(mx_slice_axis(both, 0, 1, 2), 0)};
    return capi_end2(&c, res_0, res_1, row[0] && row[1], row);
}
int mlx_random_bits(mlx_array *res, const int *shape, size_t shape_num, int width,
                    const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_random_bits(shape, capi_count(shape, shape_num), width, key_or_next(key)));
}

/* --- distributions ---------------------------------------------------------------- */

int mlx_random_uniform(mlx_array *res, const mlx_array low, const mlx_array high, const int *shape,
                       size_t shape_num, mlx_dtype dtype, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *lo = capi_in(low), *hi = capi_says(capi_in(high));
    mx_array *r =
        t == MX_DTYPE_COUNT
            ? NULL
            : mx_random_uniform(lo, hi, shape, capi_count(shape, shape_num), t, the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_randint(mlx_array *res, const mlx_array low, const mlx_array high, const int *shape,
                       size_t shape_num, mlx_dtype dtype, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *lo = capi_in(low), *hi = capi_says(capi_in(high));
    mx_array *r =
        t == MX_DTYPE_COUNT
            ? NULL
            : mx_random_randint(lo, hi, shape, capi_count(shape, shape_num), t, the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_truncated_normal(mlx_array *res, const mlx_array lower, const mlx_array upper,
                                const int *shape, size_t shape_num, mlx_dtype dtype,
                                const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *lo = capi_in(lower), *hi = capi_says(capi_in(upper));
    mx_array *r = t == MX_DTYPE_COUNT
                      ? NULL
                      : mx_random_truncated_normal(lo, hi, shape, capi_count(shape, shape_num), t,
                                                   the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_normal(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                      float loc, float scale, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *l = loc != 0 ? mx_scalar(loc, MX_FLOAT32) : NULL;
    mx_array *d = scale != 1 ? mx_scalar(scale, MX_FLOAT32) : NULL;
    mx_array *r = t == MX_DTYPE_COUNT ? NULL
                                      : mx_random_normal(shape, capi_count(shape, shape_num), t, l,
                                                         d, the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_normal_broadcast(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                                const mlx_array loc, const mlx_array scale, const mlx_array key,
                                const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *r = t == MX_DTYPE_COUNT
                      ? NULL
                      : mx_random_normal(shape, capi_count(shape, shape_num), t, capi_opt(loc),
                                         capi_opt(scale), the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_gumbel(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                      const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *r = t == MX_DTYPE_COUNT
                      ? NULL
                      : mx_random_gumbel(shape, capi_count(shape, shape_num), t, the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_laplace(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                       float loc, float scale, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *r = t == MX_DTYPE_COUNT ? NULL
                                      : mx_random_laplace(shape, capi_count(shape, shape_num), t,
                                                          loc, scale, the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_bernoulli(mlx_array *res, const mlx_array p, const int *shape, size_t shape_num,
                         const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_random_bernoulli(capi_says(capi_in(p)), shape, capi_count(shape, shape_num),
                                        the_key(key)));
}

/* --- choices ---------------------------------------------------------------------- */

int mlx_random_categorical(mlx_array *res, const mlx_array logits, int axis, const mlx_array key,
                           const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_random_categorical(capi_in(logits), axis, the_key(key)));
}
int mlx_random_categorical_shape(mlx_array *res, const mlx_array logits, int axis, const int *shape,
                                 size_t shape_num, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r = mx_random_categorical_shape(capi_in(logits), axis, shape,
                                              capi_count(shape, shape_num), the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_categorical_num_samples(mlx_array *res, const mlx_array logits_, int axis,
                                       int num_samples, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r = mx_random_categorical_samples(capi_in(logits_), axis, num_samples, the_key(key));
    return capi_end(&c, res, r);
}
int mlx_random_permutation(mlx_array *res, const mlx_array x, int axis, const mlx_array key,
                           const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_random_permutation(capi_in(x), axis, the_key(key)));
}
int mlx_random_permutation_arange(mlx_array *res, int x, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_random_permutation_n(x, the_key(key)));
}
int mlx_random_multivariate_normal(mlx_array *res, const mlx_array mean, const mlx_array cov,
                                   const int *shape, size_t shape_num, mlx_dtype dtype,
                                   const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *m = capi_in(mean), *v = capi_in(cov);
    mx_array *r = t == MX_DTYPE_COUNT
                      ? NULL
                      : mx_random_multivariate_normal(m, v, shape, capi_count(shape, shape_num), t,
                                                      the_key(key));
    return capi_end(&c, res, r);
}
