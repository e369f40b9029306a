/* Linear algebra that is composed of factorisations and products. */
#include <float.h>
#include <math.h>

#include "base/status.h"
#include "ops/standard/extra.h"
#include "ops/linalg/linalg.h"

static bool is_square(const char *op, const mx_array *a) {
    if (a->ndim >= 2 && a->shape[a->ndim - 1] == a->shape[a->ndim - 2])
        return true;
    return mx_fail(MX_INVALID, "[linalg::%s] square matrices are needed", op);
}

/* --- powers ----------------------------------------------------------------------------------- */

static mx_array *identity_like(const mx_array *a) {
    return mx_broadcast_to(mx_eye(a->shape[a->ndim - 1], a->shape[a->ndim - 1], 0, mx_dtype_of(a)),
                           a->shape, a->ndim);
}

/* By squaring: one product for each bit of n, and one for each that is set. */
mx_array *mx_matrix_power(mx_array *a, int n) {
    if (!a || !is_square("matrix_power", a))
        return NULL;
    if (n == 0)
        return identity_like(a);
    mx_array *square = n < 0 ? mx_inv(a) : a, *power = NULL;
    for (unsigned bits = n < 0 ? 0u - (unsigned)n : (unsigned)n; bits && square; bits >>= 1) {
        if (bits & 1)
            power = power ? mx_matmul(power, square) : square;
        if (bits > 1)
            square = mx_matmul(square, square);
    }
    return square ? power : NULL;
}

/* --- ranks and conditions --------------------------------------------------------------------- */

static double precision(const mx_array *a) {
    return mx_dtype_of(a) == MX_FLOAT64 ? DBL_EPSILON : FLT_EPSILON;
}

static int larger_side(const mx_array *a) {
    int m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
    return m > n ? m : n;
}

/* Singular values; of a Hermitian matrix the sizes of its eigenvalues. */
static mx_array *singular_values(mx_array *a, bool hermitian) {
    return hermitian ? mx_abs(mx_eigvalsh(a, false)) : mx_svdvals(a);
}

mx_array *mx_matrix_rank(mx_array *a, mx_array *rtol, bool hermitian) {
    if (!a || a->ndim < 2)
        return a ? mx_fail(MX_INVALID, "[linalg::matrix_rank] a matrix is needed") : NULL;
    mx_array *s = singular_values(a, hermitian);
    if (!s)
        return NULL;
    mx_array *most = mx_largest_size(s, (int[]){-1}, 1, true);
    mx_array *r = rtol ? mx_expand_dim(rtol, -1) : mx_scalar_like(s, larger_side(a) * precision(s));
    return mx_sum_axis(mx_astype(mx_greater(s, mx_mul(most, r)), MX_INT32), -1, false);
}

mx_array *mx_cond(mx_array *a, const double *ord) {
    int axes[2] = {-2, -1};
    if (!a || a->ndim < 2)
        return a ? mx_fail(MX_INVALID, "[linalg::cond] a matrix is needed") : NULL;
    if (!a->shape[a->ndim - 1] || !a->shape[a->ndim - 2])
        return mx_fail(MX_INVALID, "[linalg::cond] a matrix without elements has no condition");
    if (ord && fabs(*ord) != 2)
        return is_square("cond", a) ? mx_mul(mx_norm(a, *ord, axes, 2, false),
                                             mx_norm(mx_inv(a), *ord, axes, 2, false))
                                    : NULL;
    mx_array *s = mx_svdvals(a);
    mx_array *most = mx_reduce(MX_MAX, s, (int[]){-1}, 1, false),
             *least = mx_reduce(MX_MIN, s, (int[]){-1}, 1, false);
    return ord && *ord < 0 ? mx_div(least, most) : mx_div(most, least);
}

/* --- the exponential -------------------------------------------------------------------------- */

/* Higham, The scaling and squaring method for the matrix exponential revisited, 2005: Pade
   approximants of degree 7 for float32 and 13 for float64, after halving until the 1-norm is below
   theta. How often is an array too, so that batches, derivatives and compiled functions need no
   evaluation; SQUARINGS are enough for norms whose exponential is a number. */
enum { SQUARINGS = 12 };

static mx_array *scaled_sum(mx_array *a, double x, mx_array *b, double y) {
    return mx_add(mx_mul_s(a, x), mx_mul_s(b, y));
}

/* Odd and even parts of the approximant's numerator. */
static void pade7(mx_array *a, mx_array *i, mx_array **u, mx_array **v) {
    mx_array *a2 = mx_matmul(a, a), *a4 = mx_matmul(a2, a2), *a6 = mx_matmul(a4, a2);
    *u = mx_matmul(a, mx_add(scaled_sum(a6, 1, a4, 1512), scaled_sum(a2, 277200, i, 8648640)));
    *v = mx_add(scaled_sum(a6, 56, a4, 25200), scaled_sum(a2, 1995840, i, 17297280));
}

static void pade13(mx_array *a, mx_array *i, mx_array **u, mx_array **v) {
    mx_array *a2 = mx_matmul(a, a), *a4 = mx_matmul(a2, a2), *a6 = mx_matmul(a4, a2);
    mx_array *high = mx_add(mx_add(a6, mx_mul_s(a4, 16380)), mx_mul_s(a2, 40840800));
    mx_array *low = mx_add(scaled_sum(a6, 33522128640, a4, 10559470521600),
                           scaled_sum(a2, 1187353796428800, i, 32382376266240000));
    *u = mx_matmul(a, mx_add(mx_matmul(a6, high), low));
    high = mx_add(mx_add(mx_mul_s(a6, 182), mx_mul_s(a4, 960960)), mx_mul_s(a2, 1323241920));
    low = mx_add(scaled_sum(a6, 670442572800, a4, 129060195264000),
                 scaled_sum(a2, 7771770303897600, i, 64764752532480000));
    *v = mx_add(mx_matmul(a6, high), low);
}

mx_array *mx_expm(mx_array *a) {
    if (!a || !is_square("expm", a))
        return NULL;
    mx_dtype t = mx_dtype_of(a), wide = mx_dtype_compute(mx_dtype_to_inexact(t));
    bool twice = wide == MX_FLOAT64;
    mx_array *x = mx_astype(a, wide), *u, *v;
    mx_array *norm = mx_stop_gradient(mx_norm(x, 1, (int[]){-2, -1}, 2, true));
    mx_array *times =
        mx_ceil(mx_log2(mx_mul_s(norm, 1 / (twice ? 5.371920351148152 : 3.925724783138660))));
    times = times ? mx_clip(times, mx_zero_like(times), mx_scalar_like(times, SQUARINGS)) : NULL;
    if (!times)
        return NULL;
    x = mx_div(x, mx_power(mx_scalar_like(times, 2), times));
    (twice ? pade13 : pade7)(x, mx_eye(a->shape[a->ndim - 1], a->shape[a->ndim - 1], 0, wide), &u,
                             &v);
    mx_array *y = mx_solve(mx_sub(v, u), mx_add(v, u));
    for (int k = 0; k < SQUARINGS && y; k++)
        y = mx_where(mx_greater(times, mx_scalar_like(times, k)), mx_matmul(y, y), y);
    return mx_astype(y, mx_dtype_to_inexact(t));
}

/* --- least squares ---------------------------------------------------------------------------- */

static mx_array *hermitian(mx_array *a) {
    return mx_conjugate(mx_swapaxes(a, -1, -2));
}

/* By singular values, of which those below rcond times the largest count as 0. */
bool mx_lstsq(mx_array *a, mx_array *b, double rcond, mx_array *out[4]) {
    mx_array *usv[3];
    if (!a || !b)
        return false;
    if (a->ndim < 2 || b->ndim < 1)
        return mx_fail(MX_INVALID, "[linalg::lstsq] a matrix and a vector or matrix are needed");
    bool vector = b->ndim == 1;
    if (!mx_svd(a, usv))
        return false;
    mx_array *s = usv[1], *y = vector ? mx_expand_dim(b, -1) : b;
    int k = s->shape[s->ndim - 1];
    mx_array *most = mx_largest_size(s, (int[]){-1}, 1, true);
    mx_array *kept =
        mx_greater(s, mx_mul_s(most, rcond < 0 ? larger_side(a) * precision(s) : rcond));
    mx_array *inverse =
        mx_where(kept, mx_div(mx_one_like(s), mx_where(kept, s, mx_one_like(s))), mx_zero_like(s));
    mx_array *left = hermitian(mx_slice_axis(usv[0], -1, 0, k)),
             *right = hermitian(mx_slice_axis(usv[2], -2, 0, k));
    mx_array *x = mx_matmul(right, mx_mul(mx_expand_dim(inverse, -1), mx_matmul(left, y)));
    mx_array *rest = mx_square(mx_abs(mx_sub(mx_matmul(a, x), y)));
    out[0] = vector ? mx_squeeze_axis(x, -1) : x;
    out[1] = mx_sum_axis(rest, -2, false);
    out[2] = mx_sum_axis(mx_astype(kept, MX_INT32), -1, false);
    out[3] = s;
    return out[0] && out[1] && out[2] && out[3];
}
