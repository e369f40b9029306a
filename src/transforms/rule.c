/* The derivative of one step, also where its primitive has no rule of its own:
 *
 *     no vjp, but an expansion     the vjp of the expansion
 *     no jvp, but an expansion     the jvp of the expansion
 *     no jvp, but a vjp            vjp is linear in the cotangent u: (J' u)' = J, so the jvp is the
 *                                  vjp, towards u, of the vjp
 */
#include "base/mem.h"
#include "base/status.h"
#include "ops/rules.h"
#include "transforms/tape.h"

static bool no_rule(const char *op, const mx_node *y) {
    return mx_fail(MX_UNSUPPORTED, "[%s] Not implemented for %s.", op, mx_node_desc(y)->name);
}

/* The node as a function of its inputs, through its expansion. */
static bool call_expansion(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    const mx_node *y = self->payload;
    mx_array **result = mx_calloc(y->nout, sizeof *result);
    (void)nin;
    bool ok = result && mx_node_desc(y)->expand(y, in, result) && !mx_failed() &&
              mx_arrays_add_all(out, result, y->nout);
    mx_free(result);
    return ok;
}

/* Results of a transform become temporaries of the scope. */
static void give(const mx_arrays *from, mx_array **to, const bool *wanted) {
    for (size_t i = 0; i < from->count; i++)
        if (!wanted || wanted[i])
            to[i] = mx_own(mx_array_retain(from->item[i]));
}

static bool expansion_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                          mx_array **grad) {
    mx_closure f = mx_closure_local(call_expansion, (void *)y);
    mx_arrays out = {0}, g = {0};
    bool ok = mx_vjp(&f, y->in, y->nin, cot, y->nout, &out, &g);
    if (ok)
        give(&g, grad, need);
    mx_arrays_free(&out);
    mx_arrays_free(&g);
    return ok && !mx_failed();
}

static bool expansion_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_closure f = mx_closure_local(call_expansion, (void *)y);
    mx_arrays value = {0}, t = {0};
    bool ok = mx_jvp(&f, y->in, y->nin, tan, y->nin, &value, &t);
    if (ok)
        give(&t, out, NULL);
    mx_arrays_free(&value);
    mx_arrays_free(&t);
    return ok && !mx_failed();
}

/* --- the rules -------------------------------------------------------------------------------- */

static bool all_alive(const mx_node *y) {
    for (int j = 0; j < y->nout; j++)
        if (!y->out[j])
            return false;
    return true;
}

/* Rules read the outputs. Where nobody kept one of several, the primitive is applied anew: NULL on
   failure. A Custom node's rules look at its inputs alone. */
static const mx_node *whole(const mx_node *y) {
    if (all_alive(y) || y->prim == MX_PRIM_custom)
        return y;
    mx_array **out = mx_calloc(y->nout, sizeof *out);
    bool ok = out && mx_apply_multi((mx_prim)y->prim, y->params, y->in, y->nin, out, y->nout);
    const mx_node *anew = ok ? out[0]->node : NULL;
    mx_free(out);
    return anew;
}

/* Is input i one that says where? */
static bool is_place(const mx_node *y, int i) {
    const mx_places *p = &mx_node_desc(y)->places;
    int first = p->first < 0 ? y->nin + p->first : p->first;
    return p->op && i >= first && i < y->nin - p->after;
}

static bool refuse_places(const mx_node *y, const char *what) {
    return mx_fail(
        MX_INVALID,
        "[%s] Cannot calculate %s with respect to indices. Use stop_gradient on indices to "
        "stop gradients from being computed.",
        mx_node_desc(y)->places.op, what);
}

bool mx_step_vjp(const mx_node *given, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_node *y = whole(given);
    if (!y)
        return false;
    const mx_prim_desc *d = mx_node_desc(y);
    for (int i = 0; d->places.op && i < y->nin; i++)
        if (need[i] && is_place(y, i))
            return refuse_places(y, "VJP");
    if (d->vjp)
        return d->vjp(y, cot, need, grad) && !mx_failed();
    if (d->traits & MX_TRAIT_POINTWISE)
        return mx_pointwise_vjp(y, cot, need, grad);
    return d->expand ? expansion_vjp(y, cot, need, grad) : no_rule("vjp", y);
}

/* --- the jvp by transposing the vjp ----------------------------------------------------------- */

typedef struct pullback {
    const mx_node *node;
    const bool *need;
} pullback;

/* Cotangents of the outputs -> gradients of the needed inputs. */
static bool call_pullback(mx_closure *self, mx_array *const *cot, int n, mx_arrays *out) {
    const pullback *p = self->payload;
    mx_array **grad = mx_calloc((size_t)p->node->nin + 1, sizeof *grad);
    (void)n;
    bool ok = grad && mx_step_vjp(p->node, cot, p->need, grad);
    for (int i = 0; i < p->node->nin && ok; i++)
        if (p->need[i])
            ok = mx_arrays_add(out, grad[i] ? grad[i] : mx_zeros_like(p->node->in[i]));
    mx_free(grad);
    return ok;
}

static bool transpose_with(const mx_node *y, mx_array *const *tan, bool *need, mx_array **u,
                           mx_array **t, mx_array **out) {
    int n = 0;
    pullback p = {y, need};
    mx_closure f = mx_closure_local(call_pullback, &p);
    mx_arrays value = {0}, g = {0};
    for (int i = 0; i < y->nin; i++)
        if ((need[i] = tan[i] != NULL))
            t[n++] = tan[i];
    for (int j = 0; j < y->nout; j++) {
        mx_array *like = mx_node_out(y, j);
        u[j] =
            like ? mx_zeros(like->shape, like->ndim, mx_dtype_of(like)) : mx_scalar(0, MX_FLOAT32);
    }
    bool ok = mx_vjp(&f, u, y->nout, t, n, &value, &g);
    if (ok)
        give(&g, out, NULL);
    mx_arrays_free(&value);
    mx_arrays_free(&g);
    return ok && !mx_failed();
}

static bool transposed_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    size_t nin = y->nin, nout = y->nout;
    mx_array **room = mx_calloc(nin + nout + 1, sizeof *room);
    bool *need = mx_calloc(nin + 1, sizeof *need);
    bool ok = room && need && transpose_with(y, tan, need, room, room + nout, out);
    mx_free(room);
    mx_free(need);
    return ok;
}

bool mx_step_jvp(const mx_node *given, mx_array *const *tan, mx_array **out) {
    const mx_node *y = whole(given);
    if (!y)
        return false;
    const mx_prim_desc *d = mx_node_desc(y);
    for (int i = 0; d->places.op && i < y->nin; i++)
        if (tan[i] && is_place(y, i))
            return refuse_places(y, "JVP");
    if (d->jvp)
        return d->jvp(y, tan, out) && !mx_failed();
    if (d->traits & MX_TRAIT_POINTWISE)
        return mx_pointwise_jvp(y, tan, out);
    if (d->expand)
        return expansion_jvp(y, tan, out);
    return d->vjp ? transposed_jvp(y, tan, out) : no_rule("jvp", y);
}
