/* The derivative of a convolution towards its weight, as an operation of its own:
 *
 *     x (N, I..., C)  g (N, P..., O)  ->  (O, K..., C / groups)
 *     w[o, t, c] = sum over n, p of g[n, p, o] X[n, p stride - pad_low + t kernel_dilation, c]
 *
 * (op_conv.c says what X is). It is linear in both; its derivatives are convolutions.
 */
#include "base/status.h"
#include "ops/conv/conv.h"
#include "ops/rules.h"

static bool check(const mx_p_conv_weight *p, const mx_array *x, const mx_array *g) {
    int nd = x->ndim - 2;
    bool ok = nd >= 1 && nd <= 3 && g->ndim == x->ndim && x->dtype == g->dtype &&
              mx_dtype_is_float(mx_dtype_of(x)) && x->shape[0] == g->shape[0] &&
              p->kernel.n == nd && p->conv.stride.n == nd && p->conv.pad_low.n == nd &&
              p->conv.pad_high.n == nd && p->conv.kernel_dilation.n == nd &&
              p->conv.input_dilation.n == nd && p->conv.groups > 0;
    ok = ok && x->shape[nd + 1] % p->conv.groups == 0 && g->shape[nd + 1] % p->conv.groups == 0;
    return ok || mx_fail(MX_INVALID, "[conv] a weight's derivative of arrays that do not fit");
}

/* As many positions along axis i as the cotangent has? */
static bool check_axis(const mx_p_conv_weight *p, const mx_array *x, const mx_array *g, int i) {
    const mx_p_conv *c = &p->conv;
    if (c->stride.v[i] < 1 || c->kernel_dilation.v[i] < 1 || c->input_dilation.v[i] < 1 ||
        p->kernel.v[i] < 1)
        return mx_fail(MX_INVALID, "[conv] sizes, strides and dilations must be positive");
    int64_t room = mx_conv_dilated(x->shape[i + 1], c->input_dilation.v[i]) + c->pad_low.v[i] +
                   (int64_t)c->pad_high.v[i] -
                   mx_conv_dilated(p->kernel.v[i], c->kernel_dilation.v[i]);
    return (room >= 0 && room / c->stride.v[i] + 1 == g->shape[i + 1]) ||
           mx_fail(MX_INVALID, "[conv] axis %d of the cotangent does not fit", i + 1);
}

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_conv_weight *p = params;
    (void)nout;
    if (nin != 2)
        return mx_fail(MX_INVALID, "[conv] two arrays are expected");
    if (!check(p, in[0], in[1]))
        return false;
    int nd = in[0]->ndim - 2;
    out->dtype = mx_dtype_of(in[0]);
    out->shape.ndim = nd + 2;
    out->shape.dim[0] = in[1]->shape[nd + 1];
    out->shape.dim[nd + 1] = in[0]->shape[nd + 1] / p->conv.groups;
    for (int i = 0; i < nd; i++) {
        if (!check_axis(p, in[0], in[1], i))
            return false;
        out->shape.dim[i + 1] = p->kernel.v[i];
    }
    return true;
}

static bool vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_conv_weight *p = y->params;
    mx_trace_pin("Convolution");
    if (need[0])
        grad[0] = mx_conv_towards_input(&p->conv, y->in[0], cot[0], y->in[1]);
    if (need[1])
        grad[1] = mx_apply2(MX_PRIM_conv, &p->conv, y->in[0], cot[0]);
    return !mx_failed();
}

static bool jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_prim p = (mx_prim)y->prim;
    mx_array *a = tan[0] ? mx_apply2(p, y->params, tan[0], y->in[1]) : NULL;
    mx_array *b = tan[1] ? mx_apply2(p, y->params, y->in[0], tan[1]) : NULL;
    out[0] = a && b ? mx_add(a, b) : a ? a : b;
    return !mx_failed();
}

static const mx_field fields[] = {MX_FIELD(mx_p_conv_weight, conv.stride, INTS),
                                  MX_FIELD(mx_p_conv_weight, conv.pad_low, INTS),
                                  MX_FIELD(mx_p_conv_weight, conv.pad_high, INTS),
                                  MX_FIELD(mx_p_conv_weight, conv.kernel_dilation, INTS),
                                  MX_FIELD(mx_p_conv_weight, conv.input_dilation, INTS),
                                  MX_FIELD(mx_p_conv_weight, conv.groups, INT),
                                  MX_FIELD(mx_p_conv_weight, conv.flip, BOOL),
                                  MX_FIELD(mx_p_conv_weight, kernel, INTS),
                                  MX_FIELD_END};

const mx_prim_desc mx_desc_conv_weight = {
    .name = "ConvolutionWeight",
    .fields = fields,
    .param_size = sizeof(mx_p_conv_weight),
    .infer = infer,
    .vjp = vjp,
    .jvp = jvp,
    .vmap = mx_loop_vmap,
};
