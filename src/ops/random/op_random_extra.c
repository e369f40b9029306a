/* Distributions that MLX does not have. Rejection runs a fixed number of rounds, so that the
 * numbers are arrays like others: what is still refused then (less than one in 10^13) takes the
 * distribution's middle. */
#include <math.h>

#include "base/status.h"
#include "ops/standard/extra.h"
#include "ops/rules.h"

static mx_array *uniform(const int *shape, int ndim, mx_array *key) {
    return mx_random_uniform(mx_scalar(0, MX_FLOAT32), mx_scalar(1, MX_FLOAT32), shape, ndim,
                             MX_FLOAT32, key);
}

static mx_array *row(mx_array *keys, int i) {
    return mx_squeeze_axis(mx_slice_axis(keys, 0, i, i + 1), 0);
}

static mx_array *keys_for(mx_array *key, int n) {
    return mx_random_split(key ? key : mx_random_next_key(), n);
}

static bool check_float(const char *op, mx_dtype t) {
    return mx_dtype_is_float(t) ||
           mx_fail(MX_INVALID, "[%s] the numbers are floats, not %s", op, mx_dtype_name(t));
}

/* y where a parameter is one: 0 or more. NaN where it is negative or NaN. */
static mx_array *nan_below_zero(mx_array *parameter, mx_array *y) {
    mx_array *valid = y ? mx_greater_equal(parameter, mx_zero_like(parameter)) : NULL;
    return valid ? mx_where(valid, y, mx_scalar_like(y, NAN)) : NULL;
}

mx_array *mx_random_exponential(mx_array *scale, const int *shape, int ndim, mx_dtype t,
                                mx_array *key) {
    if (!scale || !check_float("exponential", t))
        return NULL;
    mx_array *u = uniform(shape, ndim, key);
    mx_array *mean = mx_astype(scale, MX_FLOAT32);
    mx_array *y = mx_mul(mx_negative(mx_log1p(mx_negative(u))), mean);
    return mx_astype(mx_broadcast_to(nan_below_zero(mean, y), shape, ndim), t);
}

/* --- gamma ------------------------------------------------------------------------------------ */

enum { GAMMA_ROUNDS = 10 };

/* Marsaglia and Tsang, A simple method for generating gamma variables, 2000, for alpha >= 1: d v
   with v = (1 + c x)^3 and normal x, taken where log u < x^2 / 2 + d - d v + d log v; more than 95
   in 100 are. */
static mx_array *gamma_above_one(mx_array *alpha, const int *shape, int ndim, mx_array *keys) {
    mx_array *d = mx_add_s(alpha, -1.0 / 3), *c = mx_rdiv_s(1.0 / 3, mx_sqrt(d)), *result = d;
    for (int i = GAMMA_ROUNDS - 1; i >= 0 && result; i--) {
        mx_array *x = mx_random_normal(shape, ndim, MX_FLOAT32, NULL, NULL, row(keys, 2 * i));
        mx_array *u = uniform(shape, ndim, row(keys, 2 * i + 1)), *v = mx_add_s(mx_mul(c, x), 1);
        if (!u || !v)
            return NULL;
        mx_array *positive = mx_greater(v, mx_zero_like(v));
        v = mx_where(positive, mx_mul(v, mx_square(v)), mx_one_like(v));
        mx_array *bound =
            mx_add(mx_mul_s(mx_square(x), 0.5), mx_mul(d, mx_add(mx_rsub_s(1, v), mx_log(v))));
        result =
            mx_where(mx_logical_and(positive, mx_less(mx_log(u), bound)), mx_mul(d, v), result);
    }
    return result;
}

/* Below 1: the number for alpha + 1 times u^(1/alpha), which is 0 for alpha 0. */
mx_array *mx_random_gamma(mx_array *alpha, const int *shape, int ndim, mx_dtype t, mx_array *key) {
    if (!alpha || !check_float("gamma", t))
        return NULL;
    mx_array *keys = keys_for(key, 2 * GAMMA_ROUNDS + 1);
    mx_array *a = mx_broadcast_to(mx_astype(alpha, MX_FLOAT32), shape, ndim);
    if (!a || !keys)
        return NULL;
    mx_array *small = mx_less(a, mx_one_like(a));
    mx_array *y = gamma_above_one(mx_where(small, mx_add_s(a, 1), a), shape, ndim, keys);
    mx_array *factor =
        mx_power(uniform(shape, ndim, row(keys, 2 * GAMMA_ROUNDS)), mx_reciprocal(mx_abs(a)));
    y = mx_where(small, mx_mul(y, factor), y);
    return mx_astype(nan_below_zero(a, y), t);
}

mx_array *mx_random_beta(mx_array *a, mx_array *b, const int *shape, int ndim, mx_dtype t,
                         mx_array *key) {
    mx_array *keys = a && b && check_float("beta", t) ? keys_for(key, 2) : NULL;
    if (!keys)
        return NULL;
    mx_array *x = mx_random_gamma(a, shape, ndim, MX_FLOAT32, row(keys, 0));
    mx_array *y = mx_random_gamma(b, shape, ndim, MX_FLOAT32, row(keys, 1));
    return mx_astype(mx_div(x, mx_add(x, y)), t);
}

/* --- Poisson ---------------------------------------------------------------------------------- */

enum { ARRIVALS = 48, POISSON_ROUNDS = 16, POISSON_LARGE = 10 };

/* Below 10: how many arrivals, exponential times apart, come before lam; more than 48 do once in
   10^17. */
static mx_array *count_arrivals(mx_array *lam, const int *shape, int ndim, mx_array *key) {
    int more[MX_MAX_NDIM];
    if (ndim == MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[poisson] at most %d axes", MX_MAX_NDIM - 1);
    for (int i = 0; i < ndim; i++)
        more[i] = shape[i];
    more[ndim] = ARRIVALS;
    mx_array *gaps = mx_negative(mx_log1p(mx_negative(uniform(more, ndim + 1, key))));
    mx_array *times = gaps ? mx_scan(MX_CUMSUM, gaps, ndim, false, true) : NULL;
    return mx_sum_axis(mx_astype(mx_less(times, mx_expand_dim(lam, -1)), MX_FLOAT32), -1, false);
}

/* From 10 on: Hoermann, The transformed rejection method for generating Poisson random variables,
   1993 (PTRS). */
static mx_array *poisson_round(mx_array *lam, mx_array *u, mx_array *v, mx_array *result) {
    if (!lam || !u || !v)
        return NULL;
    mx_array *b = mx_add_s(mx_mul_s(mx_sqrt(lam), 2.53), 0.931),
             *a = mx_add_s(mx_mul_s(b, 0.02483), -0.059);
    mx_array *inverse = mx_add_s(mx_rdiv_s(1.1328, mx_add_s(b, -3.4)), 1.1239);
    mx_array *centred = mx_add_s(u, -0.5), *edge = mx_rsub_s(0.5, mx_abs(centred));
    edge = edge ? mx_maximum(edge, mx_scalar_like(edge, 1e-7)) : NULL;
    mx_array *slope = mx_add(mx_div(mx_mul_s(a, 2), edge), b);
    mx_array *k = mx_floor(mx_add_s(mx_add(mx_mul(slope, centred), lam), 0.43));
    if (!k)
        return NULL;
    mx_array *density = mx_sub(mx_sub(mx_mul(k, mx_log(lam)), lam), mx_lgamma(mx_add_s(k, 1)));
    mx_array *left = mx_log(mx_div(mx_mul(v, inverse), mx_add(mx_div(a, mx_square(edge)), b)));
    mx_array *taken =
        mx_logical_and(mx_less_equal(left, density), mx_greater_equal(k, mx_zero_like(k)));
    return mx_where(taken, k, result);
}

static mx_array *poisson_by_rejection(mx_array *lam, const int *shape, int ndim, mx_array *keys) {
    mx_array *result = mx_floor(lam);
    for (int i = POISSON_ROUNDS - 1; i >= 0 && result; i--)
        result = poisson_round(lam, uniform(shape, ndim, row(keys, 2 * i)),
                               uniform(shape, ndim, row(keys, 2 * i + 1)), result);
    return result;
}

/* The largest integer of t that is a float32 too. */
static double largest_count(mx_dtype t) {
    int bits = 8 * (int)mx_dtype_size(t) - (mx_dtype_category(t) == MX_CAT_SIGNED);
    return bits <= 24 ? ldexp(1, bits) - 1 : ldexp(1, bits) - ldexp(1, bits - 24);
}

/* Counts in t. Integers have no NaN and end somewhere: -1 stands for no count, the largest number
   for larger ones. */
static mx_array *counts_as(mx_array *lam, mx_array *y, mx_dtype t) {
    if (!y || mx_dtype_is_inexact(t))
        return mx_astype(nan_below_zero(lam, y), t);
    mx_array *counts = mx_astype(mx_minimum(y, mx_scalar_like(y, largest_count(t))), t);
    mx_array *none = mx_astype(mx_scalar(-1, MX_INT32), t);
    return mx_where(mx_greater_equal(lam, mx_zero_like(lam)), counts, none);
}

mx_array *mx_random_poisson(mx_array *lam, const int *shape, int ndim, mx_dtype t, mx_array *key) {
    mx_array *keys = lam ? keys_for(key, 2 * POISSON_ROUNDS + 1) : NULL;
    mx_array *l = keys ? mx_broadcast_to(mx_astype(lam, MX_FLOAT32), shape, ndim) : NULL;
    if (!l)
        return NULL;
    mx_array *limit = mx_scalar_like(l, POISSON_LARGE), *large = mx_greater_equal(l, limit);
    mx_array *few =
        count_arrivals(mx_minimum(l, limit), shape, ndim, row(keys, 2 * POISSON_ROUNDS));
    mx_array *many = poisson_by_rejection(mx_maximum(l, limit), shape, ndim, keys);
    return counts_as(l, mx_where(large, many, few), t);
}

/* --- choices ---------------------------------------------------------------------------------- */

static mx_array *with_replacement(int n, const int *shape, int ndim, mx_array *p, mx_array *key) {
    if (!p)
        return mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(n, MX_INT32), shape, ndim,
                                 MX_INT32, key);
    return mx_random_categorical_shape(mx_log(p), -1, shape, ndim, key);
}

/* The first of a permutation; with probabilities those whose log p plus Gumbel noise is largest. */
static mx_array *without_replacement(int n, int k, const int *shape, int ndim, mx_array *p,
                                     mx_array *key) {
    mx_array *order;
    if (p) {
        mx_array *noise = mx_random_gumbel(&n, 1, MX_FLOAT32, key);
        order = mx_argsort(mx_negative(mx_add(mx_log(p), noise)), 0);
    } else {
        order = mx_random_permutation_n(n, key);
    }
    return order ? mx_reshape(mx_slice_axis(order, 0, 0, k), shape, ndim) : NULL;
}

mx_array *mx_random_choice(mx_array *a, const int *shape, int ndim, bool replace, mx_array *p,
                           int axis, mx_array *key) {
    int64_t k = 1;
    if (!a ||
        (a->ndim == 0 ? (mx_fail(MX_INVALID, "[choice] an array with an axis is needed"), true)
                      : false) ||
        (axis = mx_axis("choice", axis, a->ndim)) < 0 || !mx_shape_size(shape, ndim, 1, &k))
        return NULL;
    int n = a->shape[axis];
    if (p && (p->ndim != 1 || p->shape[0] != n))
        return mx_fail(MX_INVALID, "[choice] p must be a vector of %d", n);
    if (k > 0 && (n == 0 || (!replace && k > n)))
        return mx_fail(MX_INVALID, "[choice] %lld of %d cannot be chosen without repetition",
                       (long long)k, n);
    mx_array *at = replace ? with_replacement(n, shape, ndim, p, key)
                           : without_replacement(n, (int)k, shape, ndim, p, key);
    return mx_take(a, at, axis);
}
