/* The primitive of operations that programs add: what it means stands in their table. */
#include "ops/plugin/plugin.h"

#include "base/status.h"
#include "ops/rules.h"

static const mx_p_plugin *params_of(const mx_node *y) {
    return y->params;
}
static const mx_plugin_op *op_of(const mx_node *y) {
    return mx_plugin_at(params_of(y)->op);
}

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_plugin *p = params;
    const mx_plugin_op *op = mx_plugin_at(p->op);
    (void)nout;
    return op->infer(op, p->numbers.v, in, nin, out);
}

static bool refuse(const mx_plugin_op *op, const char *rule) {
    return mx_fail(MX_UNSUPPORTED, "[%s] The operation was registered without a %s rule.", op->name,
                   rule);
}

static bool vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_plugin_op *op = op_of(y);
    return op->vjp ? op->vjp(op, y, cot, need, grad) : refuse(op, "vjp");
}

static bool jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_plugin_op *op = op_of(y);
    return op->jvp ? op->jvp(op, y, tan, out) : refuse(op, "jvp");
}

static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    const mx_plugin_op *op = op_of(y);
    return op->vmap ? op->vmap(op, y, in, axes, out, out_axes)
                    : mx_loop_vmap(y, in, axes, n, out, out_axes);
}

static const mx_field fields[] = {MX_FIELD(mx_p_plugin, op, INT),
                                  MX_FIELD(mx_p_plugin, numbers, LONGS), MX_FIELD_END};

const mx_prim_desc mx_desc_plugin = {
    .name = "Plugin",
    .fields = fields,
    .param_size = sizeof(mx_p_plugin),
    .infer = infer,
    .vjp = vjp,
    .jvp = jvp,
    .vmap = vmap,
};

bool mx_plugin_apply(int op, const int64_t *numbers, int count, mx_array *const *in, int n,
                     mx_array **out) {
    mx_p_plugin p = {op, {count, numbers}};
    return mx_apply_multi(MX_PRIM_plugin, &p, in, n, out, mx_plugin_at(op)->results);
}
