/* Nodes: their parameters, and making them. */
#include "graph/array/node.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "graph/watch/source.h"

/* --- parameters ------------------------------------------------------------------------------- */

static size_t list_bytes(const mx_field *f, const char *params) {
    if (f->kind == MX_F_INTS)
        return (size_t)((const mx_ints *)(params + f->offset))->n * sizeof(int);
    if (f->kind == MX_F_LONGS)
        return (size_t)((const mx_longs *)(params + f->offset))->n * sizeof(int64_t);
    return 0;
}

static size_t pad8(size_t n) {
    return (n + 7) & ~(size_t)7;
}

static size_t lists_size(const mx_prim_desc *d, const void *params) {
    size_t total = 0;
    for (const mx_field *f = d->fields; f && f->name; f++)
        total += pad8(list_bytes(f, params));
    return total;
}

static const void *list_of(const mx_field *f, const char *params) {
    return f->kind == MX_F_INTS ? (const void *)((const mx_ints *)(params + f->offset))->v
                                : (const void *)((const mx_longs *)(params + f->offset))->v;
}

/* Copy the parameters to `to`, the lists they point to behind them. */
static void copy_params(const mx_prim_desc *d, const void *params, char *to) {
    memcpy(to, params, d->param_size);
    char *tail = to + pad8(d->param_size);
    for (const mx_field *f = d->fields; f && f->name; f++) {
        if (f->kind != MX_F_INTS && f->kind != MX_F_LONGS)
            continue;
        size_t bytes = list_bytes(f, params);
        if (bytes)
            memcpy(tail, list_of(f, params), bytes);
        if (f->kind == MX_F_INTS)
            ((mx_ints *)(to + f->offset))->v = (const int *)tail;
        else
            ((mx_longs *)(to + f->offset))->v = (const int64_t *)tail;
        tail += pad8(bytes);
    }
}

static size_t scalar_size(mx_field_kind k) {
    switch (k) {
    case MX_F_BOOL: return sizeof(bool);
    case MX_F_LONG: return sizeof(int64_t);
    case MX_F_DOUBLE: return sizeof(double);
    case MX_F_OBJECT: return sizeof(void *);
    default: return sizeof(int);
    }
}

/* The bytes that stand for a field: the list, or the scalar itself. */
static const void *field_bytes(const mx_field *f, const char *params, size_t *n) {
    bool list = f->kind == MX_F_INTS || f->kind == MX_F_LONGS;
    *n = list ? list_bytes(f, params) : scalar_size(f->kind);
    return list ? list_of(f, params) : params + f->offset;
}

bool mx_params_equal(const mx_prim_desc *d, const void *a, const void *b) {
    for (const mx_field *f = d->fields; f && f->name; f++) {
        size_t na, nb;
        const void *pa = field_bytes(f, a, &na), *pb = field_bytes(f, b, &nb);
        if (na != nb || (na && memcmp(pa, pb, na) != 0))
            return false;
    }
    return true;
}

/* FNV-1a over the fields' bytes. */
uint64_t mx_params_hash(const mx_prim_desc *d, const void *p) {
    uint64_t h = 0xcbf29ce484222325u;
    for (const mx_field *f = d->fields; f && f->name; f++) {
        size_t n;
        const unsigned char *bytes = field_bytes(f, p, &n);
        for (size_t i = 0; i < n; i++)
            h = (h ^ bytes[i]) * 0x100000001b3u;
        h = (h ^ n) * 0x100000001b3u;
    }
    return h;
}

/* --- making ----------------------------------------------------------------------------------- */

static void retain_objects(mx_node *n) {
    const mx_field *f = mx_node_desc(n)->fields;
    for (; f && f->name; f++)
        if (f->kind == MX_F_OBJECT)
            mx_object_retain(*(mx_object **)((char *)n->params + f->offset));
}

static mx_node *node_new(mx_prim p, const void *params, mx_array *const *in, int nin, int nout) {
    uint32_t source = mx_source_here(); // a function of the host
    const mx_prim_desc *d = mx_prims[p];
    bool has = d->param_size > 0;
    size_t fixed = sizeof(mx_node) + (size_t)(nin + nout) * sizeof(mx_array *);
    size_t total = fixed + (has ? pad8(d->param_size) + lists_size(d, params) : 0);
    mx_node *n = mx_malloc(total);
    if (!n)
        return NULL;
    atomic_init(&n->refs, 1);
    n->prim = (uint8_t)p;
    n->nin = (uint32_t)nin & MX_MAX_ARITY;
    n->nout = (uint32_t)nout & MX_MAX_ARITY;
    n->mark = 0;
    n->claim = 0;
    n->source = (uint16_t)source;
    n->stream = mx_scope_stream();
    n->in = (mx_array **)(n + 1);
    n->out = n->in + nin;
    memset(n->out, 0, (size_t)nout * sizeof *n->out);
    n->params = has ? (char *)n + fixed : NULL;
    if (has)
        copy_params(d, params, n->params);
    for (int i = 0; i < nin; i++)
        n->in[i] = mx_array_retain(in[i]);
    retain_objects(n);
    return n;
}

/* Make output j of n, to which it takes over a reference; the scope owns it. */
static mx_array *output_new(mx_node *n, int j, const mx_out *o, uint8_t level) {
    mx_array *a = mx_array_shell(o->shape.dim, o->shape.ndim, o->dtype);
    if (!a) {
        mx_node_release(n);
        return NULL;
    }
    a->tracer = level;
    a->index = (uint32_t)j & MX_MAX_ARITY;
    a->node = n;
    n->out[j] = a;
    return mx_own(a);
}

static uint8_t level_of(mx_array *const *in, int nin) {
    uint8_t level = 0;
    for (int i = 0; i < nin; i++)
        level = in[i]->tracer > level ? in[i]->tracer : level;
    return level && mx_trace_active() ? level : 0;
}

static bool apply_inferred(mx_prim p, const void *params, mx_array *const *in, int nin,
                           const mx_out *o, mx_array **out, int nout) {
    mx_node *n = node_new(p, params, in, nin, nout);
    bool ok = n != NULL;
    uint8_t level = level_of(in, nin);
    if (ok && nout == 1)
        return (out[0] = output_new(n, 0, o, level)) != NULL;
    for (int j = 0; j < nout && ok; j++)
        ok = (out[j] = output_new(mx_node_retain(n), j, &o[j], level)) != NULL;
    mx_node_release(n);
    return ok;
}

enum { FEW_OUTPUTS = 4 };

_Static_assert(MX_PRIM_COUNT <= 256, "a node has eight bits for its primitive");

static bool check_arity(mx_prim p, int nin, int nout) {
    int most = nin > nout ? nin : nout;
    return most <= MX_MAX_ARITY ||
           mx_fail(MX_INVALID, "[%s] %d arrays where at most %d are possible", mx_prims[p]->name,
                   most, MX_MAX_ARITY);
}

bool mx_apply_multi(mx_prim p, const void *params, mx_array *const *in, int nin, mx_array **out,
                    int nout) {
    mx_out few[FEW_OUTPUTS], *o = few;
    for (int j = 0; j < nout; j++)
        out[j] = NULL;
    for (int i = 0; i < nin; i++)
        if (!in[i] || !mx_readable(in[i]))
            return false;
    if (!check_arity(p, nin, nout))
        return false;
    if (nout > FEW_OUTPUTS && !(o = mx_calloc((size_t)nout, sizeof *o)))
        return false;
    for (int j = 0; j < nout; j++)
        o[j].shape.ndim = 0;
    bool ok = mx_prims[p]->infer(params, in, nin, o, nout) &&
              apply_inferred(p, params, in, nin, o, out, nout);
    if (o != few)
        mx_free(o);
    return ok;
}

mx_array *mx_apply(mx_prim p, const void *params, mx_array *const *in, int nin) {
    mx_array *out;
    return mx_apply_multi(p, params, in, nin, &out, 1) ? out : NULL;
}
