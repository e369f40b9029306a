/* Factors in other sizes than the primitives make them: see standard.h. */
#include "base/status.h"
#include "ops/linalg/linalg.h"
#include "ops/standard/standard.h"

static mx_array *H(mx_array *a) {
    mx_array *t = mx_swapaxes(a, -1, -2);
    return t && mx_dtype_of(t) == MX_COMPLEX64 ? mx_conjugate(t) : t;
}

/* A tall matrix is Q R, and its singular vectors are Q times those of R (Chan 1982). */
static bool svd_tall(mx_array *a, mx_array *out[3]) {
    mx_array *qr[2];
    if (!mx_qr(a, qr) || !mx_svd(qr[1], out))
        return false;
    out[0] = mx_matmul(qr[0], out[0]);
    return out[0] != NULL;
}

bool mx_svd_thin(mx_array *a, mx_array *out[3]) {
    if (!a || a->ndim < 2 || a->shape[a->ndim - 1] == a->shape[a->ndim - 2])
        return mx_svd(a, out);
    if (a->shape[a->ndim - 2] > a->shape[a->ndim - 1])
        return svd_tall(a, out);
    mx_array *tall[3];
    if (!svd_tall(H(a), tall))
        return false;
    out[0] = H(tall[2]);
    out[1] = tall[1];
    out[2] = H(tall[0]);
    return out[0] && out[2];
}

/* The reflections of [A I] are those of A, and applied to I they give all of Q. */
bool mx_qr_complete(mx_array *a, mx_array *out[2]) {
    if (!a || a->ndim < 2 || a->shape[a->ndim - 2] <= a->shape[a->ndim - 1])
        return mx_qr(a, out);
    int m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], shape[MX_MAX_NDIM];
    a = mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a)));
    for (int i = 0; a && i < a->ndim; i++)
        shape[i] = a->shape[i];
    shape[a ? a->ndim - 1 : 0] = m;
    mx_array *identity =
        a ? mx_broadcast_to(mx_eye(m, m, 0, mx_dtype_of(a)), shape, a->ndim) : NULL;
    mx_array *wide = identity ? mx_concatenate((mx_array *[]){a, identity}, 2, -1) : NULL;
    if (!wide || !mx_qr(wide, out))
        return false;
    out[1] = mx_slice_axis(out[1], -1, 0, n);
    return out[1] != NULL;
}

mx_array *mx_pinv_above(mx_array *a, mx_array *rtol) {
    mx_array *svd[3];
    if (!a || !rtol || !mx_svd_thin(a, svd))
        return NULL;
    if (!svd[1]->size)
        return mx_zeros_like(mx_swapaxes(a, -1, -2));
    mx_array *s = svd[1], *largest = mx_reduce(MX_MAX, s, (int[]){-1}, 1, true);
    mx_array *kept =
        mx_greater(s, mx_mul(largest, mx_expand_dim(mx_astype(rtol, mx_dtype_of(s)), -1)));
    mx_array *inverse =
        mx_where(kept, mx_reciprocal(mx_where(kept, s, mx_one_like(s))), mx_zero_like(s));
    return mx_matmul(mx_mul(H(svd[2]), mx_expand_dim(inverse, -2)), H(svd[0]));
}
