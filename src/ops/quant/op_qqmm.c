/* Products of two quantized matrices: x is quantized on the way, and w as well unless it comes so.
 * What is rounded to a format's numbers passes derivatives on as if it were not (straight through),
 * so that layers with such products can be trained.
 */
#include "base/status.h"
#include "ops/quant/quant.h"

enum { TEXT = 256 };

/* --- rounding --------------------------------------------------------------------------------- */

/* a [, global scale] -> the nearest numbers of the format, in dtype */
static bool infer_round(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_quant *p = params;
    mx_p_quant q = *p;
    mx_out packed[3];
    mx_dtype t = (mx_dtype)p->dtype;
    (void)nout;
    if (!mx_prims[MX_PRIM_quantize]->infer(&q, in, nin, packed, p->mode == MX_AFFINE ? 3 : 2))
        return false;
    if (in[0]->dtype == MX_FLOAT64 || !mx_dtype_valid(t) || !mx_dtype_is_float(t) ||
        t == MX_FLOAT64 || (p->mode == MX_AFFINE && t != mx_dtype_of(in[0])))
        return mx_fail(MX_INVALID, "[quant_round] the dtypes do not fit");
    *out = (mx_out){t, mx_shape_of(in[0])};
    return true;
}

static bool round_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (need[0])
        grad[0] = mx_astype(cot[0], mx_dtype_of(y->in[0]));
    return !mx_failed();
}

static bool round_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    out[0] = tan[0] ? mx_astype(tan[0], mx_dtype_of(mx_node_out(y, 0))) : NULL;
    return !mx_failed();
}

static bool round_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes) {
    if (axes[0] < 0 || (y->nin == 2 && axes[1] >= 0))
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    mx_array *to[2] = {mx_moveaxis(in[0], axes[0], 0), y->nin == 2 ? in[1] : NULL};
    out[0] = mx_apply(MX_PRIM_quant_round, y->params, to, y->nin);
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_quant_round = {
    .name = "QuantRound",
    .fields = mx_quant_fields,
    .param_size = sizeof(mx_p_quant),
    .infer = infer_round,
    .vjp = round_vjp,
    .jvp = round_jvp,
    .vmap = round_vmap,
};

/* With a global scale the numbers need float32. */
static mx_array *rounded(mx_array *a, mx_quant_format f, mx_array *global) {
    mx_p_quant p = mx_quant_params(f);
    if (!a)
        return NULL;
    mx_array *in[2] = {a->dtype == MX_FLOAT64 ? mx_astype(a, MX_FLOAT32) : a, global};
    if (!in[0])
        return NULL;
    p.dtype = global ? MX_FLOAT32 : in[0]->dtype;
    return mx_apply(MX_PRIM_quant_round, &p, in, global ? 2 : 1);
}

/* --- what fits together ----------------------------------------------------------------------- */

static bool check_globals(const char *op, mx_quant_format f, const mx_array *gx,
                          const mx_array *gw) {
    if (f.mode == MX_AFFINE)
        return mx_fail(MX_INVALID,
                       "[%s] mode 'affine' has biases, which are not given here: 'mxfp4', 'mxfp8' "
                       "or 'nvfp4' are expected",
                       op);
    if (f.mode != MX_NVFP4 && (gx || gw))
        return mx_fail(MX_INVALID,
                       "[%s] Global scale is only supported for 'nvfp4' quantization mode.", op);
    if (!gx != !gw)
        return mx_fail(MX_INVALID,
                       "[%s] For nvfp4 mode, either both global_scale_x and global_scale_w must be "
                       "provided, or neither.",
                       op);
    return true;
}

static bool check_floats(const char *op, const mx_array *x, const mx_array *w,
                         const mx_array *scales) {
    char tx[TEXT], tw[TEXT];
    if (!scales && w->dtype == MX_UINT32)
        return mx_fail(MX_INVALID, "[%s] Scales must be provided if second argument is quantized.",
                       op);
    if (!mx_dtype_is_float(mx_dtype_of(x)) || (!scales && !mx_dtype_is_float(mx_dtype_of(w))))
        return mx_fail(MX_INVALID,
                       "[%s] Only real floating types are supported but the arguments are %s and "
                       "%s.",
                       op, mx_dtype_name(mx_dtype_of(x)), mx_dtype_name(mx_dtype_of(w)));
    if (scales || (x->ndim && w->ndim >= 2 && x->shape[x->ndim - 1] == w->shape[w->ndim - 1]))
        return true;
    return mx_fail(MX_INVALID,
                   "[%s] Last dimension of first input with shape %s must match last dimension of "
                   "second input with shape %s.",
                   op, mx_shape_text(tx, TEXT, x->shape, x->ndim),
                   mx_shape_text(tw, TEXT, w->shape, w->ndim));
}

/* The matrices and indices of one product; those of a plain product are NULL and `plain`. */
typedef struct product {
    mx_array *w, *scales, *lhs, *rhs;
    bool plain, sorted;
} product;

static mx_array *with_quantized(const product *p, mx_array *x, mx_quant_format f) {
    return p->plain ? mx_quantized_matmul(x, p->w, p->scales, NULL, true, f)
                    : mx_gather_qmm(x, p->w, p->scales, NULL, p->lhs, p->rhs, true, f, p->sorted);
}

static mx_array *with_floats(const product *p, mx_array *x, mx_array *w) {
    mx_array *turned = mx_swapaxes(w, -1, -2);
    return p->plain ? mx_matmul(x, turned) : mx_gather_mm(x, turned, p->lhs, p->rhs, p->sorted);
}

static mx_array *multiply(const char *op, const product *p, mx_array *x, mx_quant_format f,
                          mx_array *gx, mx_array *gw) {
    if (!x || !p->w || !check_globals(op, f, gx, gw) || !check_floats(op, x, p->w, p->scales))
        return NULL;
    mx_dtype t = mx_dtype_of(x);
    if (!p->scales)
        t = mx_dtype_promote(t, mx_dtype_of(p->w));
    bool row = x->ndim == 1;
    mx_array *q = rounded(row ? mx_expand_dim(x, 0) : x, f, gx), *y;
    if (p->scales) {
        y = with_quantized(p, q, f);
        y = gw ? mx_mul(y, mx_mul_s(gw, 1.0 / MX_NVFP4_MOST)) : y;
    } else {
        y = with_floats(p, q, rounded(p->w, f, gw));
    }
    y = row ? mx_squeeze_axis(y, -2) : y;
    return y ? mx_astype(y, t) : NULL;
}

/* --- the operations --------------------------------------------------------------------------- */

mx_array *mx_qqmm(mx_array *x, mx_array *w, mx_array *scales, mx_quant_format f, mx_array *gx,
                  mx_array *gw) {
    product p = {.w = w, .scales = scales, .plain = true};
    return multiply("qqmm", &p, x, f, gx, gw);
}

mx_array *mx_gather_qqmm(mx_array *x, mx_array *w, mx_array *scales, mx_array *lhs, mx_array *rhs,
                         mx_quant_format f, mx_array *gx, mx_array *gw, bool sorted) {
    product p = {.w = w, .scales = scales, .lhs = lhs, .rhs = rhs, .sorted = sorted};
    p.plain = !lhs && !rhs;
    return multiply("gather_qqmm", &p, x, f, gx, gw);
}
