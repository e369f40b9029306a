/* Nodes that .mlxfn files have no operation for, in terms of nodes that they have. See mlxfn.h. */
#include "base/mem.h"
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/conv/conv.h"
#include "ops/ops.h"
#include "transforms/mlxfn/mlxfn.h"

static bool is_float(const mx_array *a) {
    return mx_dtype_is_inexact(mx_dtype_of(a));
}

static int made(mx_array *a, mx_array **out) {
    return (out[0] = a) ? 1 : -1;
}

/* --- pointwise --------------------------------------------------------------------- */

static mx_array *truncated(mx_array *x) {
    return is_float(x) ? mx_where(mx_less(x, mx_zero_like(x)), mx_ceil(x), mx_floor(x)) : x;
}

static mx_array *inverted(mx_array *x) {
    return x->dtype == MX_BOOL ? mx_logical_not(x)
                               : mx_bitwise_xor(x, mx_scalar_i64(-1, mx_dtype_of(x)));
}

/* Of complex numbers; MLX 0.32 gives something else for its own Sigmoid of them. */
static mx_array *complex_sigmoid(mx_array *x) {
    return mx_rdiv_s(1, mx_add_s(mx_exp(mx_negative(x)), 1));
}

/* Parts of what is not complex. */
static mx_array *part(const mx_node *n, mx_array *x) {
    return n->prim == MX_PRIM_imag ? mx_zeros_like(x) : x;
}

/* --- creation ---------------------------------------------------------------------- */

static mx_array *linspace(const mx_node *n) {
    const mx_p_linspace *p = n->params;
    int parts = p->endpoint ? p->n - 1 : p->n;
    mx_dtype wide = p->dtype == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32;
    mx_array *t = mx_mul_s(mx_arange(0, p->n, 1, wide), parts > 0 ? 1.0 / parts : 0);
    mx_array *x = mx_add(mx_mul_s(mx_rsub_s(1, t), p->start), mx_mul_s(t, p->stop));
    return mx_astype(x, (mx_dtype)p->dtype);
}

/* eye: j - i == k; tri: j - i <= k */
static mx_array *diagonal(const mx_node *n) {
    const mx_p_diagonal *p = n->params;
    mx_array *i = mx_expand_dim(mx_arange(p->k, (double)p->k + p->rows, 1, MX_INT32), 1);
    mx_array *j = mx_arange(0, p->columns, 1, MX_INT32);
    return mx_astype(n->prim == MX_PRIM_eye ? mx_equal(i, j) : mx_greater_equal(i, j),
                     (mx_dtype)p->dtype);
}

/* Numbers that the node says. */
static mx_array *said(mx_array *(*f)(const mx_node *), const mx_node *n) {
    bool former = mx_trace_set_says(true);
    mx_array *y = f(n);
    mx_trace_set_says(former);
    return y;
}

/* --- one axis ---------------------------------------------------------------------- */

/* Over no axis: the same values in the result's dtype. */
static mx_array *not_reduced(const mx_node *n, mx_array *x) {
    const mx_p_reduce *p = n->params;
    bool truth = p->op == MX_ALL || p->op == MX_ANY;
    return truth ? mx_not_equal(x, mx_zero_like(x)) : mx_astype(x, mx_dtype_of(n->out[0]));
}

/* The format has these over the last axis only. */
static mx_array *over_last(const mx_node *n, mx_array *x) {
    int axis = *(const int *)n->params, keep = -1;
    mx_array *t = mx_swapaxes(x, axis, -1);
    if (n->prim == MX_PRIM_softmax)
        return mx_contiguous(mx_swapaxes(mx_softmax(t, &keep, 1, true), axis, -1), false);
    bool keepdims = ((const mx_p_logsumexp *)n->params)->keepdims;
    mx_array *y = mx_swapaxes(mx_logsumexp(t, &keep, 1, true), axis, -1);
    return keepdims ? y : mx_squeeze_axis(y, axis);
}

/* Of a length of its own, or with another factor than 1 forward and 1 / n backward. */
static bool is_plain_fft(const mx_p_fft *p, const mx_array *x) {
    int want = p->kind == MX_P_FFT_FROM_HALF ? p->n / 2 + 1 : p->n;
    return x->shape[p->axis] == want && p->scale == (p->inverse ? 1.0 / p->n : 1.0);
}

static mx_array *fitted(mx_array *x, int axis, int n) {
    int low = 0, high = n - x->shape[axis];
    if (high <= 0)
        return mx_slice_axis(x, axis, 0, n);
    return mx_pad(x, &axis, 1, &low, &high, mx_zero_like(x), "constant");
}

static mx_array *fft(const mx_p_fft *p, mx_array *x) {
    mx_p_fft q = *p;
    q.scale = p->inverse ? 1.0 / p->n : 1.0;
    x = fitted(x, p->axis, p->kind == MX_P_FFT_FROM_HALF ? p->n / 2 + 1 : p->n);
    mx_array *y = mx_apply1(MX_PRIM_fft, &q, x);
    return p->scale == q.scale ? y : mx_mul_s(y, p->scale / q.scale);
}

/* By the transposed matrix: the transform of the unit vectors has it in its rows. */
static mx_array *hadamard_transposed(const mx_p_hadamard *p, mx_array *x) {
    mx_p_hadamard q = *p;
    q.transposed = false;
    mx_array *units = mx_eye(x->shape[x->ndim - 1], x->shape[x->ndim - 1], 0, mx_dtype_of(x));
    mx_array *m = mx_apply1(MX_PRIM_hadamard, &q, units);
    return x->ndim == 1 ? mx_matmul(m, x) : mx_matmul(x, mx_transpose(m));
}

/* --- products of chosen and of quantized matrices ------------------------------------- */

/* MLX takes uint32 indices as they are: what counts from the end is counted from the start. */
static mx_array *from_start(mx_array *index, const mx_array *matrices) {
    int64_t n = 1;
    for (int i = 0; i < matrices->ndim - 2; i++)
        n *= matrices->shape[i];
    mx_array *wide = mx_astype(index, MX_INT64);
    mx_array *back = mx_add(wide, mx_scalar_i64(n, MX_INT64));
    return mx_astype(mx_where(mx_less(wide, mx_zero_like(wide)), back, wide), MX_UINT32);
}

/* The node with its last two inputs, indices into the matrices of inputs 0 and 1, so. */
static int with_indices(const mx_node *n, mx_array *const *in, mx_array **out) {
    mx_array *all[6];
    int k = n->nin - 2;
    if (in[k]->dtype == MX_UINT32 && in[k + 1]->dtype == MX_UINT32)
        return 0;
    for (int i = 0; i < k; i++)
        all[i] = in[i];
    for (int i = 0; i < 2; i++)
        all[k + i] = from_start(in[k + i], in[i]);
    return made(mx_apply((mx_prim)n->prim, n->params, all, n->nin), out);
}

/* Affine codes of 2, 4 or 8 bits, low ones first in a word: code scale + bias. */
static mx_array *dequantized(const mx_p_quant *p, mx_array *const *in) {
    mx_array *shifts = mx_arange(0, 32, p->bits, MX_UINT32);
    mx_array *mask = mx_scalar((1 << p->bits) - 1, MX_UINT32);
    mx_array *codes = mx_bitwise_and(mx_right_shift(mx_expand_dim(in[0], -1), shifts), mask);
    mx_array *line = mx_astype(mx_flatten(codes, -2, -1), mx_dtype_of(in[1]));
    mx_array *groups = mx_unflatten(line, -1, (int[]){-1, p->group}, 2);
    mx_array *y = mx_add(mx_mul(groups, mx_expand_dim(in[1], -1)), mx_expand_dim(in[2], -1));
    return mx_flatten(y, -2, -1);
}

static int lower_dequantize(const mx_p_quant *p, mx_array *const *in, mx_array **out) {
    bool whole = p->mode == MX_AFFINE && 32 % p->bits == 0;
    return whole ? made(dequantized(p, in), out) : 0;
}

/* --- the choice -------------------------------------------------------------------- */

static int lower_pointwise(const mx_node *n, mx_array *const *in, mx_array **out) {
    switch (n->prim) {
    case MX_PRIM_trunc: return made(truncated(in[0]), out);
    case MX_PRIM_bitwise_invert: return made(inverted(in[0]), out);
    case MX_PRIM_sigmoid:
        return in[0]->dtype == MX_COMPLEX64 ? made(complex_sigmoid(in[0]), out) : 0;
    case MX_PRIM_real:
    case MX_PRIM_imag:
    case MX_PRIM_conjugate: return in[0]->dtype == MX_COMPLEX64 ? 0 : made(part(n, in[0]), out);
    default: return 0;
    }
}

static int lower_axis(const mx_node *n, mx_array *const *in, mx_array **out) {
    if (n->prim == MX_PRIM_reduce)
        return ((const mx_p_reduce *)n->params)->axes.n ? 0 : made(not_reduced(n, in[0]), out);
    if (n->prim == MX_PRIM_fft)
        return is_plain_fft(n->params, in[0]) ? 0 : made(fft(n->params, in[0]), out);
    return *(const int *)n->params == in[0]->ndim - 1 ? 0 : made(over_last(n, in[0]), out);
}

/* What a function with rules of its own computes. */
static int pass_results(const mx_node *n, mx_array *const *in, mx_array **out) {
    for (int j = 0; j < n->nout; j++)
        out[j] = in[n->nin - n->nout + j];
    return 1;
}

/* q as many heads as k, no sinks, a mask as it is: what MLX writes, for any shapes. */
static mx_array *plain_attention(const mx_p_attention *p, mx_array *const *in) {
    mx_array *scores = mx_matmul(mx_mul_s(in[0], p->scale), mx_swapaxes(in[1], -1, -2));
    return mx_matmul(mx_softmax(scores, (int[]){-1}, 1, true), in[2]);
}

/* Expansions hold numbers of the shapes that they were made for. */
static int lower_shapeless(const mx_node *n, mx_array *const *in, mx_array **out) {
    const mx_p_attention *p = n->params;
    bool heads = n->prim == MX_PRIM_attention && in[0]->shape[1] == in[1]->shape[1];
    return heads && !p->causal && !p->mask && !p->sinks ? made(plain_attention(p, in), out) : 0;
}

int mx_fn_lower(const mx_node *n, mx_array *const *in, mx_array **out, bool shapeless) {
    switch (n->prim) {
    case MX_PRIM_addmm: // c is broadcast to a shape that is not known
        if (!shapeless)
            return 0;
        break;
    case MX_PRIM_rope:
    case MX_PRIM_attention:
        if (shapeless)
            return lower_shapeless(n, in, out);
        break;
    case MX_PRIM_gather_mm:
    case MX_PRIM_gather_qmm: return with_indices(n, in, out);
    case MX_PRIM_quantize: return 0; // its expansion, which derivatives need, holds itself
    case MX_PRIM_dequantize: return lower_dequantize(n->params, in, out);
    case MX_PRIM_custom: return pass_results(n, in, out);
    case MX_PRIM_linspace: return made(said(linspace, n), out);
    case MX_PRIM_hadamard:
        if (!((const mx_p_hadamard *)n->params)->transposed)
            return 0;
        return made(hadamard_transposed(n->params, in[0]), out);
    case MX_PRIM_conv_weight: return made(mx_conv_weight_by_conv(n->params, in[0], in[1]), out);
    case MX_PRIM_eye:
    case MX_PRIM_tri: return made(said(diagonal, n), out);
    case MX_PRIM_reduce:
    case MX_PRIM_softmax:
    case MX_PRIM_logsumexp:
    case MX_PRIM_fft: return lower_axis(n, in, out);
    default: break;
    }
    if (mx_prim_is_pointwise((mx_prim)n->prim))
        return lower_pointwise(n, in, out);
    const mx_prim_desc *d = mx_node_desc(n);
    return d->expand ? d->expand(n, in, out) ? 1 : -1 : 0;
}
