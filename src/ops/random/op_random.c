/* Distributions: pointwise programs over random bits, with the same results as MLX. Where no key is
 * given the thread's own sequence has the next one (op_random_state.c).
 */
#include <math.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "kernels/random/k_random.h"
#include "kernels/kernels.h"
#include "ops/linalg/linalg.h"
#include "ops/random/random.h"
#include "ops/rules.h"

/* --- uniform ---------------------------------------------------------------------- */

/* Programs keep halves in float32 between operations; here every step is rounded, as
 * MLX does. */
mx_array *mx_random_rounded(mx_array *a) {
    return !a || mx_dtype_compute(mx_dtype_of(a)) == mx_dtype_of(a)
               ? a
               : mx_astype(mx_astype(a, MX_FLOAT32), mx_dtype_of(a));
}

static mx_array *times(mx_array *a, mx_array *b) {
    return mx_random_rounded(mx_mul(a, b));
}

static mx_array *plus(mx_array *a, mx_array *b) {
    return mx_random_rounded(mx_add(a, b));
}

/* The largest number of the dtype below 1. */
static double below_one(mx_dtype t) {
    switch (t) {
    case MX_FLOAT16: return 1 - 0x1p-11;
    case MX_BFLOAT16: return 1 - 0x1p-8;
    case MX_FLOAT64: return 1 - 0x1p-53;
    default: return 1 - 0x1p-24;
    }
}

mx_array *mx_random_unit_of(mx_array *bits, mx_dtype t) {
    mx_dtype wide = mx_dtype_compute(t);
    mx_array *u = mx_mul_s(mx_astype(bits, wide), 0x1p-32);
    return mx_astype(mx_minimum(u, mx_scalar(below_one(t), wide)), t);
}

static mx_array *words(const int *shape, int ndim, mx_array *key) {
    return mx_random_bits(shape, ndim, 4, key ? key : mx_random_next_key());
}

mx_array *mx_random_unit(const int *shape, int ndim, mx_dtype t, mx_array *key) {
    return mx_random_unit_of(words(shape, ndim, key), t);
}

/* In (-1, 1), float32. */
static mx_array *symmetric(const int *shape, int ndim, mx_array *key) {
    double lo = -below_one(MX_FLOAT32);
    return mx_add_s(mx_mul_s(mx_random_unit(shape, ndim, MX_FLOAT32, key), 2), lo);
}

static bool check_float(const char *op, mx_dtype t) {
    return mx_dtype_is_float(t) ||
           mx_fail(MX_INVALID, "[%s] Can only generate %s numbers with real floating point type.",
                   op, op);
}

/* Parameters must broadcast to the requested shape, not beyond it. */
bool mx_random_fits(const char *op, const mx_array *a, const int *shape, int ndim) {
    mx_shape s;
    char ta[256], ts[256];
    if (!a || !mx_broadcast_shapes("broadcast_shapes", shape, ndim, a->shape, a->ndim, &s))
        return false;
    for (int i = 0, lead = s.ndim - ndim; i < s.ndim; i++)
        if (lead || s.dim[i] != shape[i])
            return mx_fail(MX_INVALID,
                           "[%s] Cannot generate random values of shape %s from "
                           "parameters of shape %s.",
                           op, mx_shape_text(ts, sizeof ts, shape, ndim),
                           mx_shape_text(ta, sizeof ta, a->shape, a->ndim));
    return true;
}

mx_array *mx_random_uniform(mx_array *lo, mx_array *hi, const int *shape, int ndim, mx_dtype t,
                            mx_array *key) {
    if (!check_float("uniform", t) || !mx_random_fits("uniform", lo, shape, ndim) ||
        !mx_random_fits("uniform", hi, shape, ndim))
        return NULL;
    lo = mx_astype(lo, t);
    mx_array *range = mx_random_rounded(mx_sub(mx_astype(hi, t), lo));
    return plus(times(mx_random_unit(shape, ndim, t, key), range), lo);
}

/* The float above 2^32, so that a probability of 1 is certain. */
#define ABOVE_2_32 4294967808.0

mx_array *mx_random_bernoulli(mx_array *p, const int *shape, int ndim, mx_array *key) {
    if (!p || !mx_random_fits("bernoulli", p, shape, ndim))
        return NULL;
    if (!mx_dtype_is_float(mx_dtype_of(p)))
        return mx_fail(MX_INVALID, "[bernoulli] bernoulli probability `p` must be a float type.");
    mx_array *bits = words(shape, ndim, key);
    mx_array *below = mx_mul_s(mx_astype(p, MX_FLOAT32), ABOVE_2_32);
    return mx_less(mx_astype(bits, MX_FLOAT32), below);
}

/* The cast comes before the clamp, so that bounds which the dtype cannot hold wrap as
 * they do in MLX. */
mx_array *mx_random_randint(mx_array *lo, mx_array *hi, const int *shape, int ndim, mx_dtype t,
                            mx_array *key) {
    if (!lo || !hi)
        return NULL;
    if (!mx_dtype_is_integer(t) && t != MX_BOOL)
        return mx_fail(MX_INVALID, "[randint] randint only accepts integer dtypes and bool.");
    mx_array *u = mx_random_uniform(mx_astype(lo, MX_FLOAT32), mx_astype(hi, MX_FLOAT32), shape,
                                    ndim, MX_FLOAT32, key);
    mx_array *last =
        mx_astype(mx_sub(hi, mx_scalar(1, hi->dtype == MX_BOOL ? MX_INT32 : mx_dtype_of(hi))), t);
    return mx_maximum(mx_minimum(mx_astype(mx_floor(u), t), last), mx_astype(lo, t));
}

/* --- normal ----------------------------------------------------------------------- */

static mx_array *erfinv_of_symmetric(const int *shape, int ndim, mx_dtype t, mx_array *key) {
    return mx_astype(mx_erfinv(symmetric(shape, ndim, key)), t);
}

/* Real and imaginary part have variance 1/2 each. */
static mx_array *normal_complex(const int *shape, int ndim, mx_array *loc, mx_array *scale,
                                mx_array *key) {
    int pairs[MX_MAX_NDIM + 1];
    if (ndim >= MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[normal] more than %d dimensions.", MX_MAX_NDIM - 1);
    for (int i = 0; i < ndim; i++)
        pairs[i] = shape[i];
    pairs[ndim] = 2;
    mx_array *z = mx_view_as(erfinv_of_symmetric(pairs, ndim + 1, MX_FLOAT32, key), MX_COMPLEX64);
    z = mx_squeeze_axis(z, -1);
    if (scale)
        z = mx_mul(z, mx_astype(scale, MX_COMPLEX64));
    return loc ? mx_add(z, mx_astype(loc, MX_COMPLEX64)) : z;
}

mx_array *mx_random_normal(const int *shape, int ndim, mx_dtype t, mx_array *loc, mx_array *scale,
                           mx_array *key) {
    if (t == MX_COMPLEX64)
        return normal_complex(shape, ndim, loc, scale, key);
    if (!mx_dtype_is_float(t))
        return mx_fail(MX_INVALID,
                       "[normal] Only floating point and complex64 types are supported.");
    mx_array *factor = mx_scalar(sqrt(2), t);
    if (scale)
        factor = times(mx_astype(scale, t), factor);
    mx_array *z = times(erfinv_of_symmetric(shape, ndim, t, key), factor);
    return loc ? plus(z, mx_astype(loc, t)) : z;
}

/* mean + z (U sqrt(S) Vt) where cov = U S Vt. mean (...,N), cov (...,N,N): shape..., N
 */
static mx_array *correlate(mx_array *z, mx_array *mean, mx_array *cov) {
    mx_array *f[3];
    if (!z || !mx_svd(cov, f))
        return NULL;
    mx_array *root = mx_matmul(mx_mul(f[0], mx_expand_dim(mx_sqrt(f[1]), -2)), f[2]);
    return mx_add(mean, mx_squeeze_axis(mx_matmul(mx_expand_dim(z, -2), root), -2));
}

static bool check_covariance(const mx_array *mean, const mx_array *cov, mx_dtype t) {
    if (t != MX_FLOAT32)
        return mx_fail(MX_INVALID, "[multivariate_normal] dtype must be float32.");
    if (mean->ndim < 1 || cov->ndim < 2)
        return mx_fail(MX_INVALID,
                       "[multivariate_normal] mean must have at least one dimension, cov two.");
    int n = mean->shape[mean->ndim - 1];
    return (cov->shape[cov->ndim - 1] == n && cov->shape[cov->ndim - 2] == n) ||
           mx_fail(MX_INVALID, "[multivariate_normal] mean and cov must have compatible shapes.");
}

mx_array *mx_random_multivariate_normal(mx_array *mean, mx_array *cov, const int *shape, int ndim,
                                        mx_dtype t, mx_array *key) {
    mx_shape s;
    if (!mean || !cov || !check_covariance(mean, cov, t))
        return NULL;
    if (!mx_broadcast_shapes("broadcast_shapes", mean->shape, mean->ndim - 1, cov->shape,
                             cov->ndim - 2, &s) ||
        !mx_broadcast_shapes("broadcast_shapes", shape, ndim, s.dim, s.ndim, &s))
        return NULL;
    if (s.ndim >= MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[multivariate_normal] more than %d dimensions.",
                       MX_MAX_NDIM - 1);
    s.dim[s.ndim++] = mean->shape[mean->ndim - 1];
    mx_array *z = mx_random_normal(s.dim, s.ndim, MX_FLOAT32, NULL, NULL, key);
    return correlate(z, mx_astype(mean, t), mx_astype(cov, t));
}

/* --- Gumbel, Laplace -------------------------------------------------------------- */

mx_array *mx_random_gumbel_of(mx_array *bits, mx_dtype t) {
    mx_array *inner = mx_random_rounded(mx_log(mx_random_unit_of(bits, t)));
    return mx_negative(mx_random_rounded(mx_log(mx_negative(inner))));
}

mx_array *mx_random_gumbel(const int *shape, int ndim, mx_dtype t, mx_array *key) {
    return check_float("uniform", t) ? mx_random_gumbel_of(words(shape, ndim, key), t) : NULL;
}

mx_array *mx_random_laplace(const int *shape, int ndim, mx_dtype t, double loc, double scale,
                            mx_array *key) {
    if (!mx_dtype_is_float(t))
        return mx_fail(MX_INVALID, "[laplace] Only real floating point types are supported.");
    mx_array *u = symmetric(shape, ndim, key);
    mx_array *x = mx_astype(mx_mul(mx_sign(u), mx_log1p(mx_negative(mx_abs(u)))), t);
    if (scale != 1)
        x = times(x, mx_scalar(scale, t));
    return loc != 0 ? plus(x, mx_scalar(loc, t)) : x;
}

/* --- permutations ----------------------------------------------------------------- */

/* Sorting random bits gives each order with the same probability. */
mx_array *mx_random_permutation_n(int n, mx_array *key) {
    if (n < 0)
        return mx_fail(MX_INVALID, "[permutation] %d elements.", n);
    return mx_argsort(mx_random_bits(&n, 1, 4, key ? key : mx_random_next_key()), 0);
}

mx_array *mx_random_permutation(mx_array *a, int axis, mx_array *key) {
    if (!a || (axis = mx_axis("permutation", axis, a->ndim)) < 0)
        return NULL;
    return mx_take(a, mx_random_permutation_n(a->shape[axis], key), axis);
}
