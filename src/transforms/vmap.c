/* vmap: see vmap.h. */
#include "transforms/vmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "graph/watch/source.h"
#include "ops/rules.h"
#include "transforms/traced.h"

/* --- axes ------------------------------------------------------------------------------------- */

/* The axis of a: 0 <= result < ndim, -1 for no axis, -2 and an error out of range. An output that
   has no batch axis yet gets one (`extra` is 1). */
static int batch_axis(const char *what, int axis, const mx_array *a, int extra) {
    char text[256];
    int ndim = a->ndim + extra;
    if (axis == MX_NO_AXIS)
        return -1;
    if (axis >= -ndim && axis < ndim)
        return axis < 0 ? axis + ndim : axis;
    mx_fail(MX_RANGE, "[vmap] Invalid %s axis %d for array with shape %s", what, axis,
            mx_shape_text(text, sizeof text, a->shape, a->ndim));
    return -2;
}

/* The common size of the batched axes, 1 when there is none; -1 and an error when they disagree. */
static int batch_size(mx_array *const *in, int n, const int *in_axes) {
    int size = -1;
    for (int i = 0; i < n; i++) {
        int axis = batch_axis("vectorization", in_axes[i], in[i], 0);
        if (axis == -2)
            return -1;
        if (axis < 0)
            continue;
        if (size >= 0 && in[i]->shape[axis] != size) {
            mx_fail(MX_INVALID, "[vmap] Inconsistent axis sizes: %d and %d.", size,
                    in[i]->shape[axis]);
            return -1;
        }
        size = in[i]->shape[axis];
    }
    return size < 0 ? 1 : size;
}

/* --- tracing ---------------------------------------------------------------------------------- */

static mx_array *without_axis(const mx_array *a, int axis) {
    mx_shape s = {.ndim = 0};
    for (int i = 0; i < a->ndim; i++)
        if (i != axis)
            s.dim[s.ndim++] = a->shape[i];
    mx_array *p = mx_placeholder(s.dim, s.ndim, mx_dtype_of(a));
    if (p)
        p->tracer = mx_trace_level();
    return p;
}

static bool make_inputs(mx_array *const *in, int n, const int *in_axes, mx_arrays *s_in) {
    for (int i = 0; i < n; i++) {
        int axis = batch_axis("vectorization", in_axes[i], in[i], 0);
        if (axis == -2 || !mx_arrays_add(s_in, axis < 0 ? in[i] : without_axis(in[i], axis)))
            return false;
    }
    return true;
}

bool mx_vmap_trace(mx_closure *f, mx_array *const *in, int n, const int *in_axes, mx_arrays *s_in,
                   mx_arrays *s_out) {
    if (batch_size(in, n, in_axes) < 0)
        return false;
    mx_scope s = mx_scope_open();
    mx_trace_enter();
    bool ok = make_inputs(in, n, in_axes, s_in) && mx_closure_call(f, s_in->item, n, s_out);
    mx_trace_leave();
    mx_scope_close(s);
    return ok;
}

/* --- replacing -------------------------------------------------------------------------------- */

/* What stands for an array of the trace: the batched array and its batch axis, -1 for none. */
typedef struct batched {
    mx_array *a;
    int axis;
} batched;

/* What stands for input i while the function is traced. */
typedef struct seed {
    const mx_array *a;
    int i;
} seed;

typedef struct replacing {
    mx_traced t;
    int n; /* batch size */
    mx_array *const *in, *const *s_in;
    seed *seed; /* of each input, by address */
    const int *in_axes;
    int n_in;
    batched **value; /* by step: of each output */
    batched *room;
    mx_array **args; /* of one step: replaced inputs, then outputs */
    int *axes;       /* of one step: inputs', then outputs' */
} replacing;

static int by_address(const void *x, const void *y) {
    uintptr_t a = (uintptr_t)((const seed *)x)->a, b = (uintptr_t)((const seed *)y)->a;
    return (a > b) - (a < b);
}

static bool list_seeds(replacing *r) {
    r->seed = mx_calloc((size_t)r->n_in + 1, sizeof *r->seed);
    for (int i = 0; r->seed && i < r->n_in; i++)
        r->seed[i] = (seed){r->s_in[i], i};
    if (r->seed)
        qsort(r->seed, (size_t)r->n_in, sizeof *r->seed, by_address);
    return r->seed != NULL;
}

static batched seed_value(const replacing *r, mx_array *a) {
    const seed *s = bsearch(&(seed){.a = a}, r->seed, (size_t)r->n_in, sizeof *r->seed, by_address);
    if (!s)
        return (batched){a, -1};
    return (batched){r->in[s->i], batch_axis("vectorization", r->in_axes[s->i], r->in[s->i], 0)};
}

static batched value_of(const replacing *r, mx_array *a, int32_t step) {
    if (step >= 0)
        return r->t.varies[step] ? r->value[step][a->index] : (batched){a, -1};
    return seed_value(r, a);
}

static bool apply_rule(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes) {
    const mx_prim_desc *d = mx_node_desc(y);
    if (d->vmap)
        return d->vmap(y, in, axes, n, out, out_axes);
    if (d->traits & MX_TRAIT_POINTWISE)
        return mx_pointwise_vmap(y, in, axes, n, out, out_axes);
    return mx_loop_vmap(y, in, axes, n, out, out_axes);
}

static bool replace_step(replacing *r, int32_t i) {
    const mx_step *s = &r->t.plan.step[i];
    const mx_node *y = s->node;
    mx_array **out = r->args + y->nin;
    int *out_axes = r->axes + y->nin;
    bool any = false;
    for (int k = 0; k < y->nin; k++) {
        batched v = value_of(r, y->in[k], r->t.plan.src[s->src + k]);
        r->args[k] = v.a;
        r->axes[k] = v.axis;
        any |= v.axis >= 0;
    }
    for (int j = 0; j < y->nout; j++) {
        out[j] = NULL;
        out_axes[j] = -1;
    }
    mx_scope_use(y->stream);
    uint32_t former = mx_source_set(y->source);
    bool ok = any ? apply_rule(y, r->args, r->axes, r->n, out, out_axes)
                  : mx_apply_multi((mx_prim)y->prim, y->params, r->args, y->nin, out, y->nout);
    mx_source_set(former);
    for (int j = 0; j < y->nout; j++)
        r->value[i][j] = (batched){out[j], out_axes[j]};
    return ok && !mx_failed();
}

static bool make_room(replacing *r) {
    size_t outputs = 0, most = 0, n = (size_t)r->t.plan.n_step;
    for (size_t i = 0; i < n; i++) {
        const mx_node *y = r->t.plan.step[i].node;
        outputs += y->nout;
        most = (size_t)y->nin + y->nout > most ? (size_t)y->nin + y->nout : most;
    }
    r->value = mx_calloc(n + 1, sizeof *r->value);
    r->room = mx_calloc(outputs + 1, sizeof *r->room);
    r->args = mx_calloc(most + 1, sizeof *r->args);
    r->axes = mx_calloc(most + 1, sizeof *r->axes);
    if (!r->value || !r->room || !r->args || !r->axes)
        return false;
    batched *next = r->room;
    for (size_t i = 0; i < n; next += r->t.plan.step[i++].node->nout)
        r->value[i] = next;
    return true;
}

/* The result with its batch axis where it was asked for. */
static mx_array *place_axis(const replacing *r, batched v, int want) {
    if (!v.a)
        return NULL;
    if (want == MX_NO_AXIS && v.axis < 0)
        return v.a;
    if (want == MX_NO_AXIS)
        return mx_fail(MX_INVALID, "[vmap] an output depends on the batch and needs a batch axis");
    int axis = batch_axis("output vectorization", want, v.a, v.axis < 0);
    if (axis < 0)
        return NULL;
    return mx_moveaxis(v.axis < 0 ? mx_batch_front_full(v.a, -1, r->n) : v.a,
                       v.axis < 0 ? 0 : v.axis, axis);
}

static bool replace(replacing *r, mx_array *const *s_out, int nout, const int *out_axes,
                    mx_arrays *out) {
    if (!mx_traced_open(&r->t, s_out, (size_t)nout, r->s_in, (size_t)r->n_in) || !make_room(r) ||
        !list_seeds(r))
        return false;
    for (int32_t i = 0; i < r->t.plan.n_step; i++)
        if (r->t.varies[i] && !replace_step(r, i))
            return false;
    for (int k = 0; k < nout; k++)
        if (!mx_arrays_add(out,
                           place_axis(r, value_of(r, s_out[k], r->t.out_step[k]), out_axes[k])))
            return false;
    return true;
}

bool mx_vmap_replace(mx_array *const *in, mx_array *const *s_in, int n, mx_array *const *s_out,
                     int nout, const int *in_axes, const int *out_axes, mx_arrays *out) {
    replacing r = {
        .n = batch_size(in, n, in_axes), .in = in, .s_in = s_in, .in_axes = in_axes, .n_in = n};
    if (r.n < 0)
        return false;
    mx_scope s = mx_scope_open();
    bool ok = replace(&r, s_out, nout, out_axes, out);
    mx_traced_free(&r.t);
    mx_free(r.value);
    mx_free(r.seed);
    mx_free(r.room);
    mx_free(r.args);
    mx_free(r.axes);
    mx_scope_close(s);
    return ok;
}

/* --- the closure ------------------------------------------------------------------------------ */

typedef struct mapped {
    mx_closure *f;
    int n_in, n_out;
    int axes[]; /* inputs', then outputs' */
} mapped;

static bool call_mapped(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mapped *m = self->payload;
    mx_arrays s_in = {0}, s_out = {0};
    if (n != m->n_in)
        return mx_fail(MX_INVALID, "[vmap] the function was given %d inputs and %d axes", n,
                       m->n_in);
    bool ok = mx_vmap_trace(m->f, in, n, m->axes, &s_in, &s_out);
    if (ok && (int)s_out.count != m->n_out)
        ok = mx_fail(MX_INVALID, "[vmap] the function gave %zu outputs for %d axes", s_out.count,
                     m->n_out);
    ok = ok &&
         mx_vmap_replace(in, s_in.item, n, s_out.item, m->n_out, m->axes, m->axes + m->n_in, out);
    mx_arrays_free(&s_in);
    mx_arrays_free(&s_out);
    return ok;
}

static void destroy_mapped(void *payload) {
    mapped *m = payload;
    mx_object_release(&m->f->object);
    mx_free(m);
}

mx_closure *mx_vmap(mx_closure *f, const int *in_axes, int n_in, const int *out_axes, int n_out) {
    mapped *m = mx_malloc(sizeof *m + (size_t)(n_in + n_out) * sizeof *m->axes);
    if (!m)
        return NULL;
    *m = (mapped){f, n_in, n_out};
    if (n_in)
        memcpy(m->axes, in_axes, (size_t)n_in * sizeof *in_axes);
    if (n_out)
        memcpy(m->axes + n_in, out_axes, (size_t)n_out * sizeof *out_axes);
    mx_object_retain(&f->object);
    return mx_closure_new(call_mapped, m, destroy_mapped);
}
