/* A custom function under vmap: its rules, written for single examples, are themselves mapped over
 * the batch. The mapped rules take what the given ones take, each array with the axis its
 * counterpart has. */
#include "transforms/custom_map.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "ops/rules.h"
#include "transforms/vmap.h"

/* The rules being mapped, and the batch axis of each input and each result (0, or MX_NO_AXIS). */
typedef struct mapped {
    mx_object object;
    mx_custom *inner;
    int n_in, nout;
    int axes[];
} mapped;

static void destroy_mapped(mx_object *o) {
    mapped *m = (mapped *)o;
    mx_object_release(&m->inner->object);
    mx_free(m);
}

/* --- vjp: primals, cotangents, outputs -> one gradient a primal ------------------------------- */

typedef struct vjp_call {
    const mapped *m;
    const bool *need;
} vjp_call;

static bool call_vjp(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const vjp_call *v = self->payload;
    const mapped *m = v->m;
    (void)n;
    return m->inner->vjp(m->inner->vjp_self, in, v->need, m->n_in, in + m->n_in,
                         in + m->n_in + m->nout, m->nout, out);
}

/* Gradients come with the batch in front; one of an input without a batch is summed over it. */
static bool settle_gradients(const mapped *m, const mx_arrays *made, mx_arrays *grads) {
    for (int i = 0; i < m->n_in; i++) {
        mx_array *g = made->item[i];
        if (!mx_arrays_add(grads, m->axes[i] == MX_NO_AXIS ? mx_sum_axis(g, 0, false) : g))
            return false;
    }
    return true;
}

static bool map_over(mx_closure_fn *call, void *payload, mx_array *const *in, int n,
                     const int *axes, int nout, mx_arrays *out) {
    mx_closure f = mx_closure_local(call, payload);
    mx_arrays s_in = {0}, s_out = {0};
    int *front = mx_calloc((size_t)nout + 1, sizeof *front);
    bool ok = front && mx_vmap_trace(&f, in, n, axes, &s_in, &s_out);
    if (ok && (int)s_out.count != nout)
        ok = mx_fail(MX_INVALID, "[custom_function] a rule gave %zu arrays, %d are needed",
                     s_out.count, nout);
    ok = ok && mx_vmap_replace(in, s_in.item, n, s_out.item, nout, axes, front, out);
    mx_arrays_free(&s_in);
    mx_arrays_free(&s_out);
    mx_free(front);
    return ok;
}

static bool mapped_vjp(mx_object *self, mx_array *const *primals, const bool *need, int n,
                       mx_array *const *cotangents, mx_array *const *outputs, int nout,
                       mx_arrays *grads) {
    const mapped *m = (const mapped *)self;
    vjp_call call = {m, need};
    size_t all = (size_t)n + 2 * (size_t)nout;
    mx_arrays made = {0};
    mx_array **in = mx_malloc((all + 1) * sizeof *in);
    int *axes = mx_malloc((all + 1) * sizeof *axes);
    bool ok = in && axes;
    if (ok) {
        memcpy(in, primals, (size_t)n * sizeof *in);
        memcpy(in + n, cotangents, (size_t)nout * sizeof *in);
        memcpy(in + n + nout, outputs, (size_t)nout * sizeof *in);
        memcpy(axes, m->axes, (size_t)(n + nout) * sizeof *axes);
        memcpy(axes + n + nout, m->axes + n, (size_t)nout * sizeof *axes);
        ok = map_over(call_vjp, &call, in, (int)all, axes, n, &made) &&
             settle_gradients(m, &made, grads);
    }
    mx_arrays_free(&made);
    mx_free(in);
    mx_free(axes);
    return ok;
}

/* --- jvp: primals, tangents -> one tangent an output ------------------------------------------ */

typedef struct jvp_call {
    const mapped *m;
    const int *argnums;
    int nargs;
} jvp_call;

static bool call_jvp(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const jvp_call *j = self->payload;
    const mx_custom *c = j->m->inner;
    (void)n;
    return c->jvp(c->jvp_self, in, j->m->n_in, in + j->m->n_in, j->argnums, j->nargs, out);
}

static bool mapped_jvp(mx_object *self, mx_array *const *primals, int n, mx_array *const *tangents,
                       const int *argnums, int nargs, mx_arrays *out) {
    const mapped *m = (const mapped *)self;
    jvp_call call = {m, argnums, nargs};
    mx_array **in = mx_malloc(((size_t)n + (size_t)nargs + 1) * sizeof *in);
    int *axes = mx_malloc(((size_t)n + (size_t)nargs + 1) * sizeof *axes);
    bool ok = in && axes;
    for (int i = 0; ok && i < n; i++) {
        in[i] = primals[i];
        axes[i] = m->axes[i];
    }
    for (int k = 0; ok && k < nargs; k++) {
        in[n + k] = tangents[k];
        axes[n + k] = m->axes[argnums[k]];
    }
    ok = ok && map_over(call_jvp, &call, in, n + nargs, axes, m->nout, out);
    mx_free(in);
    mx_free(axes);
    return ok;
}

/* --- the batched node ------------------------------------------------------------------------- */

static mapped *mapped_new(mx_custom *rules, const int *axes, int n_in, int nout) {
    mapped *m = mx_malloc(sizeof *m + (size_t)(n_in + nout) * sizeof *m->axes);
    if (!m)
        return NULL;
    *m = (mapped){.inner = rules, .n_in = n_in, .nout = nout};
    atomic_init(&m->object.refs, 1);
    m->object.destroy = destroy_mapped;
    mx_object_retain(&rules->object);
    for (int i = 0; i < n_in + nout; i++)
        m->axes[i] = i < n_in && axes[i] < 0 ? MX_NO_AXIS : 0;
    return m;
}

static mx_custom *mapped_rules(mx_custom *rules, const int *axes, int n_in, int nout) {
    mx_custom *c = mx_custom_new();
    mapped *m = c ? mapped_new(rules, axes, n_in, nout) : NULL;
    if (!m) {
        mx_object_release(c ? &c->object : NULL);
        return NULL;
    }
    if (rules->vjp) {
        c->vjp = mapped_vjp;
        c->vjp_self = mx_object_retain(&m->object);
    }
    if (rules->jvp) {
        c->jvp = mapped_jvp;
        c->jvp_self = mx_object_retain(&m->object);
    }
    mx_object_release(&m->object);
    return c;
}

bool mx_custom_map(mx_custom *rules, mx_array *const *in, const int *axes, int n_in, int nout,
                   int batch, mx_array **out, int *out_axes) {
    mx_custom *c = mapped_rules(rules, axes, n_in, nout);
    mx_array **front = mx_calloc((size_t)(n_in + nout) + 1, sizeof *front);
    bool ok = c && front;
    for (int i = 0; ok && i < n_in + nout; i++) {
        bool batched = i >= n_in || axes[i] >= 0;
        front[i] = batched ? mx_batch_front_full(in[i], axes[i], batch) : in[i];
        ok = front[i] != NULL;
    }
    ok = ok && mx_custom_apply(c, front, n_in, front + n_in, nout, out);
    for (int j = 0; j < nout; j++)
        out_axes[j] = 0;
    mx_object_release(c ? &c->object : NULL);
    mx_free(front);
    return ok;
}
