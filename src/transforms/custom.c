/* Custom functions: see custom.h. */
#include "transforms/custom.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "ops/rules.h"
#include "transforms/custom_map.h"
#include "transforms/transforms.h"

/* --- the node: inputs, then the results of f -------------------------------------------------- */

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params;
    for (int j = 0; j < nout; j++) {
        const mx_array *r = in[nin - nout + j];
        out[j].dtype = mx_dtype_of(r);
        out[j].shape.ndim = r->ndim;
        memcpy(out[j].shape.dim, r->shape, (size_t)r->ndim * sizeof(int));
    }
    return true;
}

static mx_custom *rules_of(const mx_node *y) {
    return (mx_custom *)((const mx_p_custom *)y->params)->rules;
}

/* An array for every output: what is missing is zero. */
static mx_array **filled(const mx_node *y, mx_array *const *from) {
    mx_array **all = mx_calloc((size_t)y->nout + 1, sizeof *all);
    for (int j = 0; all && j < y->nout; j++)
        all[j] = from[j] ? from[j] : mx_zeros_like(y->in[y->nin - y->nout + j]);
    return all;
}

static bool take(const mx_arrays *from, int n, const bool *need, mx_array **to, const char *what) {
    if ((int)from->count != n)
        return mx_fail(MX_INVALID, "[custom_function] the %s gave %zu arrays, %d are needed", what,
                       from->count, n);
    for (int i = 0; i < n; i++)
        if (!need || need[i])
            to[i] = mx_own(mx_array_retain(from->item[i]));
    return true;
}

static bool any(const bool *need, int n) {
    for (int i = 0; i < n; i++)
        if (need[i])
            return true;
    return false;
}

/* Tangents have the shape and the dtype of what they belong to. */
static bool fit_tangents(const mx_node *y, mx_array **out) {
    for (int j = 0; j < y->nout; j++) {
        const mx_array *like = y->in[y->nin - y->nout + j];
        char got[128], wanted[128];
        if (out[j] && !mx_same_shape(out[j], like))
            return mx_fail(
                MX_INVALID,
                "[custom jvp] The rule returned a tangent of shape %s for an output of shape %s.",
                mx_shape_text(got, sizeof got, out[j]->shape, out[j]->ndim),
                mx_shape_text(wanted, sizeof wanted, like->shape, like->ndim));
        out[j] = out[j] ? mx_astype(out[j], mx_dtype_of(like)) : NULL;
    }
    return true;
}

/* What f reads besides its inputs is constant to a rule, which is not asked where nothing else
   varies. */
static bool vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_custom *c = rules_of(y);
    int n = y->nin - y->nout;
    if (!c->vjp) { /* on to f's graph */
        for (int j = 0; j < y->nout; j++)
            grad[n + j] = need[n + j] ? cot[j] : NULL;
        return true;
    }
    if (!any(need, n))
        return true;
    mx_arrays grads = {0};
    mx_array **all = filled(y, cot);
    bool ok = all && c->vjp(c->vjp_self, y->in, need, n, all, y->in + n, y->nout, &grads) &&
              take(&grads, n, need, grad, "vjp");
    mx_arrays_free(&grads);
    mx_free(all);
    return ok && !mx_failed();
}

static bool jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_custom *c = rules_of(y);
    int n = y->nin - y->nout, nargs = 0;
    if (!c->jvp) {
        for (int j = 0; j < y->nout; j++)
            out[j] = tan[n + j];
        return true;
    }
    mx_arrays tangents = {0};
    int *argnums = mx_calloc((size_t)n + 1, sizeof *argnums);
    mx_array **given = mx_calloc((size_t)n + 1, sizeof *given);
    for (int i = 0; argnums && given && i < n; i++)
        if (tan[i]) {
            argnums[nargs] = i;
            given[nargs++] = tan[i];
        }
    bool none = argnums && given && nargs == 0;
    bool ok = none || (argnums && given &&
                       c->jvp(c->jvp_self, y->in, n, given, argnums, nargs, &tangents) &&
                       take(&tangents, y->nout, NULL, out, "jvp") && fit_tangents(y, out));
    mx_arrays_free(&tangents);
    mx_free(argnums);
    mx_free(given);
    return ok && !mx_failed();
}

/* Without a rule the results arrive batched, and the other rules are mapped over the batch. */
static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    mx_custom *c = rules_of(y);
    int n_in = y->nin - y->nout;
    if (!c->vmap)
        return mx_custom_map(c, in, axes, n_in, y->nout, n, out, out_axes);
    mx_arrays made = {0};
    bool ok = c->vmap(c->vmap_self, in, axes, n_in, &made, out_axes, y->nout) &&
              take(&made, y->nout, NULL, out, "vmap");
    mx_arrays_free(&made);
    return ok && !mx_failed();
}

static const mx_field fields[] = {MX_FIELD(mx_p_custom, rules, OBJECT), MX_FIELD_END};

const mx_prim_desc mx_desc_custom = {
    .name = "Custom",
    .traits = MX_TRAIT_SHARES,
    .fields = fields,
    .param_size = sizeof(mx_p_custom),
    .infer = infer,
    .vjp = vjp,
    .jvp = jvp,
    .vmap = vmap,
};

/* --- the closure ------------------------------------------------------------------------------ */

typedef struct custom_call {
    mx_closure *f;
    mx_custom *rules;
} custom_call;

static bool wrap(const custom_call *c, mx_array *const *in, int n, const mx_arrays *results,
                 mx_arrays *out) {
    mx_array **made = mx_calloc(results->count + 1, sizeof *made);
    bool ok = made && mx_custom_apply(c->rules, in, n, results->item, (int)results->count, made) &&
              mx_arrays_add_all(out, made, results->count);
    mx_free(made);
    return ok;
}

static bool call_custom(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const custom_call *c = self->payload;
    mx_arrays results = {0};
    if (!mx_trace_active())
        return mx_closure_call(c->f, in, n, out);
    mx_scope s = mx_scope_open();
    bool ok = mx_closure_call(c->f, in, n, &results) &&
              (results.count == 0 || wrap(c, in, n, &results, out));
    mx_arrays_free(&results);
    mx_scope_close(s);
    return ok;
}

static void destroy_call(void *payload) {
    custom_call *c = payload;
    mx_object_release(&c->f->object);
    mx_object_release(&c->rules->object);
    mx_free(c);
}

mx_closure *mx_custom_function(mx_closure *f, mx_custom *rules) {
    custom_call *c = mx_malloc(sizeof *c);
    if (!c)
        return NULL;
    *c = (custom_call){f, rules};
    mx_object_retain(&f->object);
    mx_object_retain(&rules->object);
    return mx_closure_new(call_custom, c, destroy_call);
}

/* --- checkpoints ------------------------------------------------------------------------------ */

/* f as a function of the primals whose gradients are needed. */
typedef struct needed {
    mx_closure *f;
    mx_array **in;
    const bool *need;
    int n;
} needed;

static bool call_needed(mx_closure *self, mx_array *const *x, int count, mx_arrays *out) {
    const needed *k = self->payload;
    (void)count;
    for (int i = 0, j = 0; i < k->n; i++)
        if (k->need[i])
            k->in[i] = x[j++];
    return k->f->call(k->f, k->in, k->n, out);
}

static bool spread(const needed *k, mx_array *const *primals, const mx_arrays *some,
                   mx_arrays *grads) {
    bool ok = true;
    for (int i = 0, j = 0; i < k->n && ok; i++)
        ok = mx_arrays_add(grads, k->need[i] ? some->item[j++] : primals[i]);
    return ok;
}

static bool again(needed *k, mx_array **x, mx_array *const *primals, mx_array *const *cotangents,
                  int nout, mx_arrays *grads) {
    mx_closure f = mx_closure_local(call_needed, k);
    mx_arrays value = {0}, some = {0};
    int count = 0;
    for (int i = 0; i < k->n; i++)
        if (k->need[i])
            x[count++] = k->in[i];
    bool ok =
        mx_vjp(&f, x, count, cotangents, nout, &value, &some) && spread(k, primals, &some, grads);
    mx_arrays_free(&value);
    mx_arrays_free(&some);
    return ok;
}

/* Integers have no derivative to wait for, and must not look as if they had one. */
static bool wait_for(mx_array *const *primals, int n, mx_array *const *cotangents, int nout,
                     mx_array **late) {
    if (!mx_depends(primals, n, cotangents, nout, late))
        return false;
    for (int i = 0; i < n; i++)
        if (!mx_dtype_is_inexact(mx_dtype_of(primals[i])))
            late[i] = primals[i];
    return true;
}

/* f again, from primals that wait for the cotangents: its inner values live only while they are
   used. */
static bool recompute(mx_object *self, mx_array *const *primals, const bool *need, int n,
                      mx_array *const *cotangents, mx_array *const *outputs, int nout,
                      mx_arrays *grads) {
    mx_array **late = mx_calloc(2 * (size_t)n + 1, sizeof *late);
    needed k = {(mx_closure *)self, late, need, n};
    (void)outputs;
    mx_scope s = mx_scope_open();
    bool ok = late && wait_for(primals, n, cotangents, nout, late) &&
              again(&k, late + n, primals, cotangents, nout, grads);
    mx_scope_close(s);
    mx_free(late);
    return ok;
}

mx_closure *mx_checkpoint(mx_closure *f) {
    mx_custom *c = mx_custom_new();
    if (!c)
        return NULL;
    c->vjp = recompute;
    c->vjp_self = mx_object_retain(&f->object);
    mx_closure *r = mx_custom_function(f, c);
    mx_object_release(&c->object);
    return r;
}
