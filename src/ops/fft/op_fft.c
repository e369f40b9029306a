/* Fourier transforms: see fft.h. The transforms are linear, so their derivatives are transforms. */
#include "ops/fft/fft.h"

#include <math.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/ops.h"
#include "ops/rules.h"

/* --- the node: one axis ----------------------------------------------------------------------- */

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_fft *p = params;
    (void)nin;
    (void)nout;
    out->dtype = p->kind == MX_P_FFT_FROM_HALF ? MX_FLOAT32 : MX_COMPLEX64;
    out->shape = mx_shape_of(in[0]);
    out->shape.dim[p->axis] = p->kind == MX_P_FFT_TO_HALF ? p->n / 2 + 1 : p->n;
    return true;
}

static mx_array *transform(mx_array *a, int kind, bool inverse, int axis, int n, double scale) {
    mx_p_fft p = {kind, axis, n, inverse, scale};
    return mx_apply1(MX_PRIM_fft, &p,
                     a ? mx_astype(a, kind == MX_P_FFT_TO_HALF ? MX_FLOAT32 : MX_COMPLEX64) : NULL);
}

/* a cut or padded with zeros to n along an axis. */
static mx_array *resize(mx_array *a, int axis, int n) {
    if (!a || a->shape[axis] == n)
        return a;
    if (a->shape[axis] > n)
        return mx_slice_axis(a, axis, 0, n);
    int low = 0, high = n - a->shape[axis];
    return mx_pad(a, &axis, 1, &low, &high, mx_zero_like(a), "constant");
}

/* 1 for the elements of a half spectrum that stand for themselves, 2 for those with a mirror
   image. */
static mx_array *mirror_weights(int n, int axis, int ndim) {
    int half = n / 2 + 1, shape[MX_MAX_NDIM];
    mx_array *k = mx_arange(0, half, 1, MX_INT32);
    mx_array *alone =
        mx_equal(mx_remainder(mx_mul_s(k, 2), mx_scalar(n, MX_INT32)), mx_scalar(0, MX_INT32));
    for (int i = 0; i < ndim; i++)
        shape[i] = i == axis ? half : 1;
    return mx_reshape(mx_where(alone, mx_scalar(1, MX_FLOAT32), mx_scalar(2, MX_FLOAT32)), shape,
                      ndim);
}

/* The conjugate transpose of the transform. */
static bool vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_fft *p = y->params;
    mx_array *g = cot[0], *x = y->in[0];
    (void)need;
    if (p->kind == MX_P_FFT_FULL)
        g = transform(g, MX_P_FFT_FULL, !p->inverse, p->axis, p->n, p->scale);
    else if (p->kind == MX_P_FFT_TO_HALF)
        g = mx_real(transform(g, MX_P_FFT_FULL, true, p->axis, p->n, p->scale));
    else
        g = mx_mul(transform(g, MX_P_FFT_TO_HALF, false, p->axis, p->n, p->scale),
                   mirror_weights(p->n, p->axis, x->ndim));
    grad[0] = resize(g, p->axis, x->shape[p->axis]);
    return grad[0] != NULL;
}

static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    mx_p_fft p = *(const mx_p_fft *)y->params;
    (void)n;
    p.axis++;
    out[0] = mx_apply1(MX_PRIM_fft, &p, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field fields[] = {
    MX_FIELD(mx_p_fft, kind, INT),     MX_FIELD(mx_p_fft, axis, INT),
    MX_FIELD(mx_p_fft, n, INT),        MX_FIELD(mx_p_fft, inverse, BOOL),
    MX_FIELD(mx_p_fft, scale, DOUBLE), MX_FIELD_END,
};

const mx_prim_desc mx_desc_fft = {
    .name = "FFT",
    .fields = fields,
    .param_size = sizeof(mx_p_fft),
    .infer = infer,
    .vjp = vjp,
    .jvp = mx_linear_jvp,
    .vmap = vmap,
};

/* --- several axes ----------------------------------------------------------------------------- */

static double factor(int n, bool inverse, mx_fft_norm norm) {
    if (norm == MX_NORM_ORTHO)
        return 1 / sqrt((double)n);
    return (norm == MX_NORM_BACKWARD) == inverse ? 1 / (double)n : 1;
}

static const char *op_name(bool real, bool inverse) {
    return real ? (inverse ? "irfftn" : "rfftn") : inverse ? "ifftn" : "fftn";
}

/* The axes (normalised) and the lengths along them; the count, or -1 and an error. */
static int plan(const char *op, const mx_array *a, const int *s, int n_s, const int *axes,
                int n_axes, bool half_in, int *axis, int *len) {
    bool seen[MX_MAX_NDIM] = {false};
    int count = axes ? n_axes : a->ndim;
    if (a->ndim == 0)
        mx_fail(MX_INVALID, "[%s] Requires array with at least one dimension.", op);
    else if (s && !axes)
        mx_fail(MX_INVALID, "[%s] `axes` should not be `None` if `s` is not `None`.", op);
    else if (s && n_s != n_axes)
        mx_fail(MX_INVALID, "[%s] Shape and axes have different sizes.", op);
    else if (count > a->ndim)
        mx_fail(MX_INVALID, "[%s] %d axes were given for an array with %d dimensions", op, count,
                a->ndim);
    for (int i = 0; i < count && !mx_failed(); i++) {
        axis[i] = mx_axis(op, axes ? axes[i] : i, a->ndim);
        if (axis[i] < 0)
            return -1;
        if (seen[axis[i]])
            mx_fail(MX_INVALID, "[%s] Duplicated axis received (%d)", op, axis[i]);
        seen[axis[i]] = true;
        int64_t n = s                           ? s[i]
                    : half_in && i == count - 1 ? 2 * ((int64_t)a->shape[axis[i]] - 1)
                                                : a->shape[axis[i]];
        if (mx_axis_fits(op, n))
            len[i] = (int)n;
        if (n <= 0)
            mx_fail(MX_INVALID, "[%s] Invalid FFT output size requested (%d)", op, (int)n);
    }
    return mx_failed() ? -1 : count;
}

mx_array *mx_fftn(mx_array *a, const int *s, int n_s, const int *axes, int n_axes, mx_fft_form form,
                  bool inverse, mx_fft_norm norm) {
    int axis[MX_MAX_NDIM], len[MX_MAX_NDIM];
    bool real = form == MX_FFT_REAL;
    int count =
        a ? plan(op_name(real, inverse), a, s, n_s, axes, n_axes, real && inverse, axis, len) : -1;
    if (count <= 0)
        return count ? NULL : a;
    int last = count - 1;
    double f = factor(len[last], inverse, norm);
    if (real && !inverse)
        a = transform(a, MX_P_FFT_TO_HALF, false, axis[last], len[last], f);
    for (int i = last - real; i >= 0; i--)
        a = transform(a, MX_P_FFT_FULL, inverse, axis[i], len[i], factor(len[i], inverse, norm));
    if (real && inverse)
        a = transform(a, MX_P_FFT_FROM_HALF, true, axis[last], len[last], f);
    return a;
}

/* --- frequencies and shifts ------------------------------------------------------------------- */

static bool check_frequencies(const char *op, int n, double d) {
    if (n <= 0)
        return mx_fail(MX_INVALID, "[%s] n must be positive, %d was given", op, n);
    return d != 0 || mx_fail(MX_INVALID, "[%s] `d` must be non-zero.", op);
}

mx_array *mx_fftfreq(int n, double d, mx_dtype t) {
    if (!check_frequencies("fftfreq", n, d))
        return NULL;
    mx_array *k = mx_arange(0, n, 1, t), *upper = mx_scalar((n - 1) / 2, t);
    return mx_mul_s(mx_where(mx_greater(k, upper), mx_add_s(k, -n), k), 1 / (n * d));
}

mx_array *mx_rfftfreq(int n, double d, mx_dtype t) {
    if (!check_frequencies("rfftfreq", n, d))
        return NULL;
    return mx_mul_s(mx_arange(0, n / 2 + 1, 1, t), 1 / (n * d));
}

mx_array *mx_fftshift(mx_array *a, const int *axes, int n, bool inverse) {
    int axis[MX_MAX_NDIM], shift[MX_MAX_NDIM];
    int count = a ? mx_axes_sorted("fftshift", axes, n, a->ndim, axis) : -1;
    if (count < 0)
        return NULL;
    for (int i = 0; i < count && mx_trace_shapeless(); i++) {
        mx_array *size = mx_number_of_elements(mx_stop_gradient(a), &axis[i], 1, false, MX_INT32);
        mx_array *half = mx_floor_divide(size, mx_scalar(2, MX_INT32));
        a = mx_roll_any(a, inverse ? mx_negative(half) : half, axis[i]);
    }
    if (mx_trace_shapeless())
        return a;
    for (int i = 0; i < count; i++) {
        int size = a->shape[axis[i]];
        shift[i] = inverse ? -(size / 2) : size / 2;
    }
    return count ? mx_roll(a, shift, count, axis, count) : a;
}
