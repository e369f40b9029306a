/* The normal distribution between two ends: the inverse of erf of a uniform number between those of
 * the ends, as MLX does it, and with other means where they are too far out for that.
 */
#include <math.h>

#include "base/status.h"
#include "graph/array/read.h"
#include "ops/random/random.h"
#include "ops/rules.h"

/* --- far out ---------------------------------------------------------------------------------- */

/* Where all of erf rounds to 1 the tail Q is taken by its logarithm, up to a constant, from the
   asymptotic series log Q(x) = -x^2 / 2 - log x + log(1 - 1/x^2 + 3/x^4 - 15/x^6)
   (Abramowitz and Stegun 26.2.12), good to 10^-3 from 4 on, to 10^-5 from 6 on. */
enum { FAR = 4, STEPS = 6 };

static mx_array *correction(mx_array *x) {
    mx_array *r = mx_reciprocal(mx_square(x));
    mx_array *inner = mx_add_s(mx_mul(r, mx_add_s(mx_mul_s(r, -15), 3)), -1);
    return mx_sub(mx_log1p(mx_mul(r, inner)), mx_log(x));
}

static mx_array *log_tail(mx_array *x) {
    return mx_add(mx_mul_s(mx_square(x), -0.5), correction(x));
}

/* Between 0 < lo < hi: x with log Q(x) = log(Q(lo) - u (Q(lo) - Q(hi))), by x = sqrt(2
   (correction(x) - log Q)), which gains a factor of x^2 a step. */
static mx_array *from_tail(mx_array *lo, mx_array *hi, mx_array *u) {
    mx_array *start = log_tail(lo), *ratio = mx_exp(mx_sub(log_tail(hi), start));
    mx_array *wanted = mx_add(start, mx_log1p(mx_negative(mx_mul(u, mx_rsub_s(1, ratio)))));
    mx_array *x = lo;
    for (int i = 0; i < STEPS && x; i++)
        x = mx_sqrt(mx_mul_s(mx_sub(correction(x), wanted), 2));
    return x;
}

/* On both sides of 0: u counts from the end that is nearer to it. */
static mx_array *from_tails(mx_array *lo, mx_array *hi, mx_array *u) {
    mx_array *below = mx_less(hi, mx_zero_like(hi));
    mx_array *near = mx_where(below, mx_negative(hi), lo),
             *far = mx_where(below, mx_negative(lo), hi);
    mx_array *x = from_tail(near, far, mx_where(below, mx_rsub_s(1, u), u));
    return mx_where(below, mx_negative(x), x);
}

/* May an element be far out? Unknown values may. */
static bool may_be_far(const mx_array *lo, const mx_array *hi) {
    const mx_array *both[2] = {lo, hi};
    double v[2];
    for (int i = 0; i < 2; i++) {
        const mx_array *a = both[i];
        if (!mx_array_available(a) || a->tracer || a->size != 1)
            return true;
        v[i] = mx_read_double(a->data, mx_dtype_of(a));
    }
    return v[0] < v[1] && v[0] * v[1] > 0 && fmin(fabs(v[0]), fabs(v[1])) >= FAR;
}

/* Both ends beyond FAR on one side, and erf the same for both. */
static mx_array *is_far(mx_array *lo, mx_array *hi, mx_array *a, mx_array *b) {
    mx_array *limit = mx_scalar_like(lo, FAR), *low = mx_scalar_like(lo, -FAR);
    mx_array *out = mx_logical_or(mx_greater_equal(lo, limit), mx_less_equal(hi, low));
    return mx_logical_and(mx_logical_and(out, mx_less(lo, hi)), mx_equal(a, b));
}

/* --- the distribution ------------------------------------------------------------------------- */

static mx_array *erf_of(mx_array *x, mx_array *root) {
    return mx_random_rounded(mx_erf(mx_random_rounded(mx_div(x, root))));
}

static mx_array *scaled(mx_array *u, mx_array *by) {
    return mx_random_rounded(mx_mul(u, by));
}

mx_array *mx_random_truncated_normal(mx_array *lo, mx_array *hi, const int *shape, int ndim,
                                     mx_dtype t, mx_array *key) {
    if (!mx_dtype_is_float(t))
        return mx_fail(MX_INVALID,
                       "[trunc_normal] trunc_normal only accepts floating point dtypes.");
    if (!mx_random_fits("uniform", lo, shape, ndim) || !mx_random_fits("uniform", hi, shape, ndim))
        return NULL;
    bool far = may_be_far(lo, hi);
    mx_array *root = mx_scalar(sqrt(2), t), *u = mx_random_unit(shape, ndim, t, key);
    lo = mx_astype(lo, t);
    hi = mx_astype(hi, t);
    mx_array *a = erf_of(lo, root), *b = erf_of(hi, root);
    mx_array *between = mx_random_rounded(mx_add(scaled(u, mx_random_rounded(mx_sub(b, a))), a));
    mx_array *x = scaled(root, mx_random_rounded(mx_erfinv(between)));
    if (far) {
        mx_array *tail = from_tails(mx_inside(lo), mx_inside(hi), mx_inside(u));
        x = mx_where(is_far(lo, hi, a, b), mx_astype(tail, t), x);
    }
    return x ? mx_maximum(mx_minimum(hi, x), lo) : NULL;
}
