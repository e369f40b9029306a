/* Linear algebra composed of factorisations and reductions: inverses, determinants, norms, cross
   products. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "ops/standard/extra.h"
#include "ops/linalg/linalg.h"
#include "ops/rules.h"

static mx_array *H(mx_array *a) {
    mx_array *t = mx_swapaxes(a, -1, -2);
    return t && mx_dtype_of(t) == MX_COMPLEX64 ? mx_conjugate(t) : t;
}

mx_array *mx_cholesky_inv(mx_array *l, bool upper) {
    mx_array *inverse = mx_tri_inv(l, upper);
    return upper ? mx_matmul(inverse, H(inverse)) : mx_matmul(H(inverse), inverse);
}

/* V diag(1/s) U^H over the singular values above max(M,N) eps of the largest (Penrose 1955). */
mx_array *mx_pinv(mx_array *a) {
    mx_array *all[3];
    if (!a || !mx_svd(a, all))
        return NULL;
    int m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], k = m < n ? m : n;
    if (k == 0)
        return mx_zeros_like(mx_swapaxes(a, -1, -2));
    mx_array *s = all[1], *largest = mx_reduce(MX_MAX, s, (int[]){-1}, 1, true);
    double eps = mx_dtype_of(s) == MX_FLOAT64 ? DBL_EPSILON : (double)FLT_EPSILON;
    mx_array *kept = mx_greater(s, mx_mul_s(largest, (m > n ? m : n) * eps));
    mx_array *inverse =
        mx_where(kept, mx_reciprocal(mx_where(kept, s, mx_one_like(s))), mx_zero_like(s));
    mx_array *v = H(mx_slice_axis(all[2], -2, 0, k)), *uh = H(mx_slice_axis(all[0], -1, 0, k));
    return mx_matmul(mx_mul(v, mx_expand_dim(inverse, -2)), uh);
}

/* The diagonal of U, and the sign that the row exchanges give, (...). */
static bool lu_diagonal(const char *op, mx_array *a, mx_array **diagonal, mx_array **sign) {
    mx_array *lu[2];
    if (!a)
        return false;
    if (a->ndim < 2 || a->shape[a->ndim - 1] != a->shape[a->ndim - 2])
        return mx_fail(MX_INVALID,
                       "[linalg::%s] Determinants are only defined for square matrices.", op);
    a = mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a)));
    if (!a || !mx_lu_factor(a, lu))
        return false;
    int n = a->shape[a->ndim - 1];
    mx_dtype t = mx_dtype_of(lu[0]);
    mx_array *moved = mx_not_equal(lu[1], mx_arange(0, n, 1, MX_UINT32));
    mx_array *count = mx_sum_axis(mx_astype(moved, MX_INT32), -1, false);
    mx_array *odd = mx_astype(mx_remainder(count, mx_scalar(2, MX_INT32)), t);
    *diagonal = mx_diagonal(lu[0], 0, -2, -1);
    *sign = mx_rsub_s(1, mx_mul_s(odd, 2));
    return *diagonal && *sign;
}

mx_array *mx_det(mx_array *a) {
    mx_array *diagonal = NULL, *sign = NULL;
    if (!lu_diagonal("det", a, &diagonal, &sign))
        return NULL;
    return mx_mul(sign, mx_reduce(MX_PROD, diagonal, (int[]){-1}, 1, false));
}

bool mx_slogdet(mx_array *a, mx_array *out[2]) {
    mx_array *diagonal = NULL, *sign = NULL;
    if (!lu_diagonal("slogdet", a, &diagonal, &sign))
        return false;
    out[0] = mx_mul(sign, mx_reduce(MX_PROD, mx_sign(diagonal), (int[]){-1}, 1, false));
    out[1] = mx_sum_axis(mx_log(mx_abs(diagonal)), -1, false);
    return out[0] && out[1];
}

/* --- norms ------------------------------------------------------------------------------------ */

/* Of a norm of elements of dtype t; inside it squares and sums are taken as mx_inside says. */
static mx_dtype norm_dtype(mx_dtype t) {
    return t == MX_COMPLEX64 ? MX_FLOAT32 : mx_dtype_to_inexact(t);
}

static mx_array *root_of_squares(mx_array *x, const int *axes, int n, bool keepdims) {
    if (x && mx_dtype_of(x) == MX_COMPLEX64)
        x = mx_abs(x);
    return mx_sqrt(mx_sum(mx_square(x), axes, n, keepdims));
}

mx_array *mx_norm_l2(mx_array *a, const int *axes, int n, bool keepdims) {
    return a ? mx_astype(root_of_squares(mx_inside(a), axes, n, keepdims),
                         norm_dtype(mx_dtype_of(a)))
             : NULL;
}

static bool nothing_along(const mx_array *x, const int *axes, int n) {
    for (int i = 0; i < (axes ? n : x->ndim); i++) {
        int axis = axes ? axes[i] + (axes[i] < 0 ? x->ndim : 0) : i;
        if (axis >= 0 && axis < x->ndim && x->shape[axis] == 0)
            return true;
    }
    return false;
}

mx_array *mx_largest_size(mx_array *x, const int *axes, int n, bool keepdims) {
    bool nothing = x && nothing_along(x, axes, n);
    return nothing ? mx_sum(x, axes, n, keepdims) : mx_reduce(MX_MAX, x, axes, n, keepdims);
}

static mx_array *extreme_size(mx_array *x, const int *axes, int n, bool keepdims, bool largest) {
    if (largest)
        return mx_largest_size(x, axes, n, keepdims);
    if (x && nothing_along(x, axes, n))
        return mx_fail(
            MX_INVALID,
            "[linalg::norm] An empty array has no norm that is the smallest of something.");
    return mx_reduce(MX_MIN, x, axes, n, keepdims);
}

static mx_array *norm_inside(mx_array *x, double ord, const int *axes, int n, bool keepdims) {
    if (isinf(ord))
        return extreme_size(x, axes, n, keepdims, ord > 0);
    if (ord == 0)
        return mx_sum(mx_not_equal(x, mx_zero_like(x)), axes, n, keepdims);
    if (ord == 1)
        return mx_sum(x, axes, n, keepdims);
    return mx_pow_s(mx_sum(mx_pow_s(x, ord), axes, n, keepdims), 1 / ord);
}

mx_array *mx_vector_norm(mx_array *a, double ord, const int *axes, int n, bool keepdims) {
    if (!a || ord == 2)
        return mx_norm_l2(a, axes, n, keepdims);
    mx_array *y = norm_inside(mx_abs(mx_inside(a)), ord, axes, n, keepdims);
    return mx_astype(y, norm_dtype(mx_dtype_of(a)));
}

/* The matrix (rows, columns) that two axes name, last. */
static mx_array *matrix_last(mx_array *a, int row, int col) {
    mx_array *moved = mx_moveaxis(a, row, -1);
    return mx_moveaxis(moved, col - (col > row), -1);
}

static mx_array *restore_axes(mx_array *y, const int *axes, bool keepdims) {
    int sorted[2] = {axes[0] < axes[1] ? axes[0] : axes[1], axes[0] < axes[1] ? axes[1] : axes[0]};
    return keepdims ? mx_expand_dims(y, sorted, 2) : y;
}

/* Sums along one axis, the largest or smallest along the other: the 1 and infinity norms. */
static mx_array *sums_norm(mx_array *a, int sum_axis, bool largest) {
    mx_array *sums = mx_sum_axis(mx_abs(a), sum_axis, false);
    return extreme_size(sums, (int[]){-1}, 1, false, largest);
}

static mx_array *matrix_norm(mx_array *a, double ord, const int *axes, bool keepdims) {
    mx_array *x = matrix_last(mx_inside(a), axes[0], axes[1]), *y;
    if (!x)
        return NULL;
    if (fabs(ord) == 1)
        y = sums_norm(x, -2, ord > 0);
    else if (isinf(ord))
        y = sums_norm(x, -1, ord > 0);
    else if (fabs(ord) == 2)
        y = extreme_size(mx_svdvals(x), (int[]){-1}, 1, false, ord > 0);
    else
        return mx_fail(MX_INVALID, "[linalg::norm] Invalid ord %g for matrix norm.", ord);
    return restore_axes(mx_astype(y, norm_dtype(mx_dtype_of(a))), axes, keepdims);
}

/* The axes given, normalised, or all of them; the count or -1. */
static int norm_axes(const mx_array *a, const int *axes, int n, int out[2]) {
    int count = axes ? n : a->ndim;
    if (count > 2 || count < 1) {
        mx_fail(MX_INVALID, count > 2
                                ? "[linalg::norm] Received too many axes for norm."
                                : "[linalg::norm] A norm with an order needs one or two axes.");
        return -1;
    }
    for (int i = 0; i < count; i++)
        if ((out[i] = mx_axis("linalg::norm", axes ? axes[i] : i, a->ndim)) < 0)
            return -1;
    if (count == 2 && out[0] == out[1]) {
        mx_fail(MX_INVALID, "[linalg::norm] The two axes are the same.");
        return -1;
    }
    return count;
}

mx_array *mx_norm(mx_array *a, double ord, const int *axes, int n, bool keepdims) {
    int of[2], count = a ? norm_axes(a, axes, n, of) : -1;
    if (count < 0)
        return NULL;
    return count == 1 ? mx_vector_norm(a, ord, of, 1, keepdims) : matrix_norm(a, ord, of, keepdims);
}

static mx_array *nuclear_norm(mx_array *a, const int *axes, bool keepdims) {
    mx_array *y = mx_sum_axis(mx_svdvals(matrix_last(mx_inside(a), axes[0], axes[1])), -1, false);
    return restore_axes(mx_astype(y, norm_dtype(mx_dtype_of(a))), axes, keepdims);
}

mx_array *mx_norm_matrix(mx_array *a, const char *ord, const int *axes, int n, bool keepdims) {
    int of[2], count = a ? (axes ? n : a->ndim) : 0;
    if (!a || !ord)
        return a ? mx_fail(MX_INVALID, "[linalg::norm] the order is NULL") : NULL;
    if (count != 2)
        return mx_fail(
            MX_INVALID,
            "[linalg::norm] Norm '%s' only supported for matrices, but received %d axis/axes.", ord,
            count);
    if (norm_axes(a, axes, n, of) < 0)
        return NULL;
    if (!strcmp(ord, "fro") || !strcmp(ord, "f"))
        return mx_norm_l2(a, of, 2, keepdims);
    if (!strcmp(ord, "nuc"))
        return nuclear_norm(a, of, keepdims);
    return mx_fail(MX_INVALID, "[linalg::norm] Invalid ord value '%s' for matrix norm.", ord);
}

/* --- cross product ---------------------------------------------------------------------------- */

/* The components along the last axis, a zero for a missing third. */
static bool components(mx_array *a, mx_array *out[3]) {
    int n = a->shape[a->ndim - 1];
    for (int i = 0; i < n; i++)
        out[i] = mx_slice_axis(a, -1, i, i + 1);
    if (n == 2)
        out[2] = mx_zeros_like(out[0]);
    return !mx_failed();
}

mx_array *mx_cross(mx_array *a, mx_array *b, int axis) {
    mx_array *u[3], *v[3], *w[3];
    if (!mx_promote2(&a, &b))
        return NULL;
    int ia = mx_axis("linalg::cross", axis, a->ndim), ib = mx_axis("linalg::cross", axis, b->ndim);
    if (ia < 0 || ib < 0)
        return NULL;
    int na = a->shape[ia], nb = b->shape[ib];
    if ((na != 2 && na != 3) || (nb != 2 && nb != 3))
        return mx_fail(MX_INVALID, "[linalg::cross] The specified axis must have size 2 or 3.");
    if (!components(mx_moveaxis(a, ia, -1), u) || !components(mx_moveaxis(b, ib, -1), v))
        return NULL;
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;
        if (!(w[i] = mx_sub(mx_mul(u[j], v[k]), mx_mul(u[k], v[j]))))
            return NULL;
    }
    return mx_moveaxis(mx_concatenate(w, 3, -1), -1, axis);
}
