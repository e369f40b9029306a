/* Simplification of traced graphs: see simplify.h. One pass, inputs first; value numbering by a
 * hash of (primitive, parameters, inputs) as in Click 1995. */
#include "transforms/simplify.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/array/params.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "graph/watch/source.h"
#include "ops/reduce/windows.h"
#include "transforms/traced.h"

typedef struct graph {
    mx_traced t;
    mx_array ***made; /* by step: the arrays that stand for its outputs, owned by the scope */
    mx_array **room;  /* that made points into */
    int32_t *chain;   /* hash chains of steps */
    int32_t *bucket;
    size_t buckets;
} graph;

static void graph_free(graph *g) {
    mx_traced_free(&g->t);
    mx_free(g->made);
    mx_free(g->room);
    mx_free(g->chain);
    mx_free(g->bucket);
}

/* --- constants -------------------------------------------------------------------------------- */

/* Fills stay: they cost nothing, and each call's result gets memory of its own. */
static bool folds(const graph *g, const mx_array *a, int32_t step) {
    return step >= 0 && !g->t.varies[step] && a->node->prim != MX_PRIM_full;
}

/* Evaluate what the varying part and the outputs take from the rest. */
static bool fold(graph *g, const mx_arrays *out) {
    mx_arrays fixed = {0};
    bool ok = true;
    for (int32_t i = 0; ok && i < g->t.plan.n_step; i++) {
        const mx_step *s = &g->t.plan.step[i];
        bool reads = g->t.varies[i] || s->node->prim == MX_PRIM_full;
        for (int k = 0; ok && reads && k < s->node->nin; k++)
            if (folds(g, s->node->in[k], g->t.plan.src[s->src + k]))
                ok = mx_arrays_add(&fixed, s->node->in[k]);
    }
    for (size_t k = 0; ok && k < out->count; k++)
        if (folds(g, out->item[k], g->t.out_step[k]))
            ok = mx_arrays_add(&fixed, out->item[k]);
    ok = ok && mx_eval(fixed.item, (int)fixed.count);
    mx_arrays_free(&fixed);
    return ok;
}

bool mx_fold_constants(mx_arrays *outputs) {
    graph g = {0};
    bool ok = mx_traced_open(&g.t, outputs->item, outputs->count, NULL, 0) && fold(&g, outputs);
    graph_free(&g);
    return ok;
}

bool mx_read_loaded(const mx_arrays *outputs) {
    mx_traced t;
    mx_arrays loaded = {0};
    bool ok = mx_traced_open(&t, outputs->item, outputs->count, NULL, 0);
    for (int32_t i = 0; ok && i < t.plan.n_step; i++)
        if (t.plan.step[i].node->prim == MX_PRIM_load)
            ok = mx_arrays_add(&loaded, t.plan.step[i].node->out[0]);
    ok = ok && mx_eval(loaded.item, (int)loaded.count);
    mx_arrays_free(&loaded);
    mx_traced_free(&t);
    return ok;
}

/* --- rules: what a node over these inputs can be replaced by, or NULL ------------------------- */

static bool lossless(mx_dtype from, mx_dtype to) {
    return from == to || ((from == MX_FLOAT16 || from == MX_BFLOAT16) && to == MX_FLOAT32) ||
           (from == MX_FLOAT32 && to == MX_FLOAT64);
}

/* The node that made a, if it is of this primitive and is not yet data. */
static const mx_node *made_by(const mx_array *a, mx_prim p) {
    // of a transform around this one, which watches it
    bool outer = a->tracer && a->tracer < mx_trace_level();
    return a->node && !outer && !mx_array_available(a) && a->node->prim == p ? a->node : NULL;
}

/* Does it lie row by row for sure? Sums follow strides (MX_TRAIT_STRIDES), so nothing that lies
 * otherwise may take the place of what does. */
static bool lies_dense(const mx_array *a) {
    while (a->node && a->node->prim == MX_PRIM_reshape)
        a = a->node->in[0];
    return a->node && !(mx_node_desc(a->node)->traits & MX_TRAIT_VIEW);
}

/* a -> wider -> narrow is a -> narrow, or a itself. */
static mx_array *simpler_cast(const mx_node *n, mx_array *a) {
    mx_dtype to = mx_dtype_of(n->out[0]);
    const mx_node *inner = made_by(a, MX_PRIM_astype);
    if (mx_dtype_of(a) == to)
        return a;
    if (!inner || !lossless(mx_dtype_of(inner->in[0]), mx_dtype_of(a)))
        return NULL;
    mx_array *from = inner->in[0];
    if (mx_dtype_of(from) == to)
        return lies_dense(from) ? from : NULL;
    return mx_apply1(MX_PRIM_astype, n->params, from);
}

/* The last of a chain of reshapes of what lies dense, or of broadcasts, is all that counts. */
static mx_array *simpler_shape(const mx_node *n, mx_array *a) {
    const mx_node *inner = made_by(a, (mx_prim)n->prim);
    bool joins =
        inner && inner->nin == 1 && (inner->prim == MX_PRIM_broadcast || lies_dense(inner->in[0]));
    mx_array *from = joins ? inner->in[0] : a;
    if (mx_same_shape(from, n->out[0]))
        return from;
    return from != a ? mx_apply1((mx_prim)n->prim, n->params, from) : NULL;
}

/* A fill needs no broadcast before it. */
static mx_array *simpler_fill(const mx_node *n, mx_array *a) {
    const mx_node *inner = made_by(a, MX_PRIM_broadcast);
    return inner && inner->nin == 1 ? mx_apply1(MX_PRIM_full, n->params, inner->in[0]) : NULL;
}

static mx_array *simpler_transpose(const mx_node *n, mx_array *a) {
    const mx_p_transpose *p = n->params;
    const mx_node *inner = made_by(a, MX_PRIM_transpose);
    int axes[MX_MAX_NDIM];
    bool same = true;
    for (int i = 0; i < p->axes.n; i++) {
        axes[i] =
            inner ? ((const mx_p_transpose *)inner->params)->axes.v[p->axes.v[i]] : p->axes.v[i];
        same &= axes[i] == i;
    }
    if (same)
        return inner ? inner->in[0] : a;
    mx_p_transpose q = {{p->axes.n, axes}};
    return inner ? mx_apply1(MX_PRIM_transpose, &q, inner->in[0]) : NULL;
}

/* Windows of a padded array need no padded array. */
static mx_array *simpler_reduction(const mx_node *n, mx_array *a) {
    const mx_node *view = made_by(a, MX_PRIM_as_strided);
    const mx_node *pad = view ? made_by(view->in[0], MX_PRIM_pad) : NULL;
    return pad ? mx_reduce_windows(view, pad, n->params) : NULL;
}

static mx_array *simpler(const mx_node *n, mx_array *const *in) {
    if (n->nin != 1)
        return NULL;
    switch (n->prim) {
    case MX_PRIM_astype: return simpler_cast(n, in[0]);
    case MX_PRIM_reshape:
    case MX_PRIM_broadcast: return simpler_shape(n, in[0]);
    case MX_PRIM_full: return simpler_fill(n, in[0]);
    case MX_PRIM_transpose: return simpler_transpose(n, in[0]);
    case MX_PRIM_reduce: return simpler_reduction(n, in[0]);
    default: return NULL;
    }
}

/* --- value numbering -------------------------------------------------------------------------- */

static size_t hash(const mx_node *n, mx_array *const *in) {
    uint64_t h = mx_params_hash(mx_node_desc(n), n->params) ^ n->prim * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < n->nin; i++)
        h = (h ^ (uintptr_t)in[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 29);
}

/* The inputs of step i after replacement. */
static void replaced_inputs(const graph *g, int32_t i, mx_array **in) {
    const mx_step *s = &g->t.plan.step[i];
    for (int k = 0; k < s->node->nin; k++) {
        int32_t m = g->t.plan.src[s->src + k];
        mx_array *a = s->node->in[k];
        in[k] = m >= 0 && g->t.varies[m] ? g->made[m][a->index] : a;
    }
}

static bool equal_step(const graph *g, int32_t j, const mx_node *n, mx_array *const *in,
                       mx_array **scratch) {
    const mx_node *o = g->t.plan.step[j].node;
    if (o->prim != n->prim || o->nin != n->nin || o->nout != n->nout ||
        !mx_params_equal(mx_node_desc(n), o->params, n->params))
        return false;
    replaced_inputs(g, j, scratch);
    return memcmp(scratch, in, n->nin * sizeof *in) == 0;
}

static int32_t find_equal(const graph *g, const mx_node *n, mx_array *const *in, size_t h,
                          mx_array **scratch) {
    int32_t j = g->bucket[h % g->buckets] - 1;
    while (j >= 0 && !equal_step(g, j, n, in, scratch))
        j = g->chain[j] - 1;
    return j;
}

static bool same_inputs(const mx_node *n, mx_array *const *in) {
    return memcmp(n->in, in, n->nin * sizeof *in) == 0;
}

/* The outputs themselves, held by the scope. False where one is gone, which an equal node may want,
   or memory is short. */
static bool keep_outputs(mx_node *n, mx_array **made) {
    bool whole = true;
    mx_node_hold_outputs(n, made);
    for (int j = 0; j < n->nout; j++)
        whole &= made[j] && mx_own(made[j]);
    return whole;
}

static bool rewrite_node(graph *g, int32_t i, mx_array **in) {
    mx_node *n = g->t.plan.step[i].node;
    replaced_inputs(g, i, in);
    size_t h = hash(n, in);
    int32_t j = find_equal(g, n, in, h, in + n->nin);
    if (j >= 0) {
        memcpy(g->made[i], g->made[j], n->nout * sizeof *g->made[i]);
        return true;
    }
    g->chain[i] = g->bucket[h % g->buckets];
    g->bucket[h % g->buckets] = i + 1;
    mx_array *better = n->nout == 1 ? simpler(n, in) : NULL;
    if (better) {
        g->made[i][0] = better;
        return true;
    }
    if (same_inputs(n, in) && keep_outputs(n, g->made[i]))
        return true;
    return !mx_failed() &&
           mx_apply_multi((mx_prim)n->prim, n->params, in, n->nin, g->made[i], n->nout);
}

/* What stands for a node was written where the node was. */
static bool rewrite_step(graph *g, int32_t i, mx_array **in) {
    uint32_t former = mx_source_set(g->t.plan.step[i].node->source);
    bool ok = rewrite_node(g, i, in);
    mx_source_set(former);
    return ok;
}

static bool make_tables(graph *g, size_t *most_in) {
    size_t outputs = 0, n = (size_t)g->t.plan.n_step;
    for (size_t i = 0; i < n; i++) {
        outputs += g->t.plan.step[i].node->nout;
        *most_in = g->t.plan.step[i].node->nin > *most_in ? g->t.plan.step[i].node->nin : *most_in;
    }
    g->buckets = 2 * n + 1;
    g->made = mx_calloc(n + 1, sizeof *g->made);
    g->room = mx_calloc(outputs + 1, sizeof *g->room);
    g->chain = mx_calloc(n + 1, sizeof *g->chain);
    g->bucket = mx_calloc(g->buckets, sizeof *g->bucket);
    if (!g->made || !g->room || !g->chain || !g->bucket)
        return false;
    mx_array **next = g->room;
    for (size_t i = 0; i < n; next += g->t.plan.step[i++].node->nout)
        g->made[i] = next;
    return true;
}

static bool rewrite(graph *g) {
    size_t most = 0;
    if (!make_tables(g, &most))
        return false;
    mx_array **in = mx_calloc(2 * most + 2, sizeof *in);
    bool ok = in != NULL;
    for (int32_t i = 0; ok && i < g->t.plan.n_step; i++) {
        mx_scope_use(g->t.plan.step[i].node->stream);
        if (g->t.varies[i])
            ok = rewrite_step(g, i, in);
    }
    mx_free(in);
    return ok;
}

static bool replace_outputs(const graph *g, mx_arrays *out) {
    for (size_t k = 0; k < out->count; k++) {
        mx_array *a = out->item[k];
        int32_t i = g->t.out_step[k];
        mx_array *now = i >= 0 && g->t.varies[i] ? g->made[i][a->index] : a;
        out->item[k] = mx_array_retain(now);
        mx_array_release(a);
    }
    return true;
}

bool mx_simplify(mx_arrays *outputs) {
    graph g = {0};
    mx_scope s = mx_scope_open();
    bool ok = mx_traced_open(&g.t, outputs->item, outputs->count, NULL, 0) && fold(&g, outputs) &&
              rewrite(&g) && replace_outputs(&g, outputs);
    graph_free(&g);
    mx_scope_close(s);
    return ok;
}
