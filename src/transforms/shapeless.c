/* See shapeless.h. */
#include "transforms/shapeless.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "ops/ops.h"
#include "ops/rules.h"

/* --- what cannot be made again ----------------------------------------------------------- */

static bool has_no_words(const mx_p_reshape *p) {
    bool none = p->how == MX_TO_SHAPE || p->how == MX_TO_FLAT || p->how == MX_TO_PARTS;
    return none && !p->asked.n && p->shape.n;
}

/* Primitives whose parameters go with the shape of their first input. */
static bool is_bound(const mx_node *n) {
    switch (n->prim) {
    case MX_PRIM_slice: return !((const mx_p_slice *)n->params)->asked.n;
    case MX_PRIM_slice_update: return !((const mx_p_slice_update *)n->params)->asked.n;
    case MX_PRIM_gather: return !((const mx_p_gather *)n->params)->asked.n;
    case MX_PRIM_reshape: return n->nin == 1 && has_no_words(n->params);
    case MX_PRIM_as_strided:
    case MX_PRIM_dynamic_slice:
    case MX_PRIM_fft:
    case MX_PRIM_hadamard:
    case MX_PRIM_categorical:
    case MX_PRIM_compiled: return true;
    default: return false;
    }
}

static bool same_inputs(const mx_recipe *r, const mx_recipe_step *s, mx_array *const *in) {
    int n = s->node->prim == MX_PRIM_compiled ? s->node->nin : 1;
    for (int i = 0; i < n; i++)
        if (!mx_same_shape(in[i], r->proto[s->in[i]]))
            return false;
    return true;
}

/* --- what is made from what was asked ------------------------------------------------------ */

static mx_array *summed(mx_array *a, mx_array *like) {
    mx_array *y = mx_unbroadcast(a, like);
    if (y && !mx_same_shape(y, like))
        return mx_fail(MX_INVALID, "[vjp] a gradient does not have the shape of its input: the "
                                   "function was traced with an axis of size 1 there");
    return y;
}

/* Without axes of size 1: as many are left as in the trace, which what follows relies on. */
static mx_array *bare(mx_array *a, int ndim) {
    mx_array *y = mx_squeeze(a, NULL, 0);
    return y && y->ndim != ndim
               ? mx_fail(MX_INVALID, "[squeeze] %d axes are not of size 1, in the trace %d were",
                         y->ndim, ndim)
               : y;
}

static mx_array *reshape(const mx_p_reshape *p, mx_array *const *in, int nin) {
    const int *asked = p->asked.v;
    int n = p->asked.n;
    if (p->how == MX_TO_SUMMED)
        return summed(in[0], in[1]);
    if (nin > 1)
        return mx_reshape_like(in[0], in[1]);
    switch (p->how) {
    case MX_TO_BARE: return bare(in[0], p->shape.n);
    case MX_TO_FLAT: return n == 2 ? mx_flatten(in[0], asked[0], asked[1]) : NULL;
    case MX_TO_PARTS: return n > 1 ? mx_unflatten(in[0], asked[0], asked + 1, n - 1) : NULL;
    case MX_TO_SQUEEZED: return n ? mx_squeeze(in[0], asked, n) : in[0];
    case MX_TO_EXPANDED: return mx_expand_dims(in[0], asked, n);
    default:
        return p->asked.n || !p->shape.n ? mx_reshape(in[0], asked, n)
                                         : mx_reshape(in[0], p->shape.v, p->shape.n);
    }
}

static mx_array *slice(const mx_p_slice *p, mx_array *a) {
    const int *asked = p->asked.v, n = p->asked.n / 3;
    return n == a->ndim ? mx_slice_asked(a, asked, asked + n, asked + 2 * n) : NULL;
}

static mx_array *slice_update(const mx_p_slice_update *p, mx_array *a, mx_array *update) {
    const int *asked = p->asked.v, n = p->asked.n / 3;
    return n == a->ndim
               ? mx_slice_update(MX_SCATTER_NONE, a, update, asked, asked + n, asked + 2 * n)
               : NULL;
}

static mx_array *gather(const mx_p_gather *p, mx_array *const *in, int nin) {
    int sizes[MX_MAX_NDIM];
    mx_p_gather q = *p;
    for (int i = 0; i < p->asked.n; i++)
        sizes[i] = p->asked.v[i] < 0 ? in[0]->shape[i] : p->asked.v[i];
    q.slice.v = sizes;
    return mx_apply(MX_PRIM_gather, &q, in, nin);
}

/* The first in the shape of both. */
static mx_array *filled(mx_array *const *in) {
    mx_shape s;
    return mx_broadcast_shapes("broadcast_shapes", in[0]->shape, in[0]->ndim, in[1]->shape,
                               in[1]->ndim, &s)
               ? mx_fill(in[0], s.dim, s.ndim)
               : NULL;
}

static bool make_step(const mx_recipe *r, const mx_recipe_step *s, mx_array *const *in,
                      mx_array **out) {
    const mx_node *n = s->node;
    const mx_p_count *c = n->params;
    if (is_bound(n) && !same_inputs(r, s, in))
        return mx_fail(MX_INVALID, "[Primitive::output_shapes] %s cannot infer output shapes.",
                       mx_node_desc(n)->name);
    const mx_p_addmm *m = n->params;
    if (n->prim == MX_PRIM_matmul) // of these shapes as it would be without a template
        return (out[0] = mx_matmul(in[0], in[1])) != NULL;
    if (n->prim == MX_PRIM_addmm)
        return (out[0] = mx_addmm(in[2], in[0], in[1], m->alpha, m->beta)) != NULL;
    if (n->prim == MX_PRIM_slice && ((const mx_p_slice *)n->params)->asked.n)
        return (out[0] = slice(n->params, in[0])) != NULL;
    if (n->prim == MX_PRIM_slice_update && ((const mx_p_slice_update *)n->params)->asked.n)
        return (out[0] = slice_update(n->params, in[0], in[1])) != NULL;
    if (n->prim == MX_PRIM_gather && ((const mx_p_gather *)n->params)->asked.n)
        return (out[0] = gather(n->params, in, n->nin)) != NULL;
    if (n->prim == MX_PRIM_reshape)
        return (out[0] = reshape(n->params, in, n->nin)) != NULL;
    if (n->prim == MX_PRIM_full && n->nin > 1 && !mx_trace_shapeless())
        return (out[0] = filled(in)) != NULL;
    if (n->prim == MX_PRIM_number_of_elements)
        return (out[0] = mx_number_of_elements(in[0], c->axes.n ? c->axes.v : &(int){0}, c->axes.n,
                                               c->inverted, (mx_dtype)c->dtype)) != NULL;
    return mx_apply_multi((mx_prim)n->prim, n->params, in, n->nin, out, n->nout);
}

/* --- all of it ------------------------------------------------------------------------------ */

static int widest(const mx_recipe *r) {
    int most = 1;
    for (int32_t i = 0; i < r->n_step; i++) {
        int n = r->step[i].node->nin + r->step[i].node->nout;
        most = n > most ? n : most;
    }
    return most;
}

/* What was said in the trace is said again; of products, compositions, nothing is. */
static bool make_said(const mx_recipe *r, const mx_recipe_step *s, mx_array *const *in,
                      mx_array **out) {
    mx_prim p = (mx_prim)s->node->prim;
    bool former = mx_trace_set_says(p != MX_PRIM_matmul && p != MX_PRIM_addmm);
    bool ok = make_step(r, s, in, out);
    mx_trace_set_says(former);
    return ok;
}

/* Numbers of the shapes of the trace, that no parameter tells of, are in it. */
static bool is_free(const mx_recipe *r, mx_array *const *in) {
    if (r->pinned)
        mx_trace_pin(r->pinned);
    for (int i = 0; r->pinned && i < r->n_in; i++)
        if (!mx_same_shape(in[i], r->proto[i]))
            return mx_fail(MX_INVALID, "[Primitive::output_shapes] %s cannot infer output shapes.",
                           r->pinned);
    return true;
}

static bool make_all(const mx_recipe *r, mx_array *const *in, mx_array **value, mx_array **room) {
    for (int32_t s = 0; s < r->n_slot; s++)
        value[s] = s < r->n_in ? in[s] : mx_recipe_captured(r, s) ? r->proto[s] : NULL;
    for (int32_t i = 0; i < r->n_step; i++) {
        const mx_recipe_step *s = &r->step[i];
        mx_array **out = room + s->node->nin;
        for (int k = 0; k < s->node->nin; k++)
            room[k] = value[s->in[k]];
        if (!make_said(r, s, room, out))
            return false;
        for (int j = 0; j < s->node->nout; j++)
            if (s->out[j] >= 0)
                value[s->out[j]] = out[j];
    }
    return true;
}

bool mx_shapeless_make(const mx_recipe *r, mx_array *const *in, mx_arrays *out) {
    mx_array **value = mx_calloc((size_t)r->n_slot + (size_t)widest(r) + 1, sizeof *value);
    bool ok = value && is_free(r, in) && make_all(r, in, value, value + r->n_slot);
    for (int i = 0; ok && i < r->n_out; i++)
        ok = mx_arrays_add(out, value[r->out_slot[i]]);
    mx_free(value);
    return ok && !mx_failed();
}

static bool call(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)nin;
    return mx_shapeless_make(self->payload, in, out);
}

static void release(void *r) {
    mx_recipe_release(r);
}

mx_closure *mx_shapeless_closure(mx_recipe *r) {
    return mx_closure_new(call, mx_recipe_retain(r), release);
}
