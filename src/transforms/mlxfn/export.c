/* Exporting functions: trace, lower, write. See export.h and mlxfn.h. */
#include "transforms/mlxfn/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "graph/array/params.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "io/io.h"
#include "ops/ops.h"
#include "transforms/mlxfn/import_read.h"
#include "transforms/simplify.h"
#include "transforms/traced.h"

typedef struct trace {
    mx_text head; /* keys, inputs, outputs and the length of the tape */
    mx_fn_tape tape;
    char *signature; /* equal for traces that fit the same arguments */
} trace;

struct mx_exporter {
    mx_writer *file; /* NULL: in memory */
    char *path, *metadata;
    bool shapeless;
    trace *trace;
    size_t count, room;
};

static void trace_free(trace *t) {
    mx_text_free(&t->head);
    mx_fn_tape_free(&t->tape);
    mx_free(t->signature);
}

static void exporter_free(mx_exporter *e) {
    for (size_t i = 0; i < e->count; i++)
        trace_free(&e->trace[i]);
    mx_free(e->trace);
    mx_free(e->path);
    mx_free(e->metadata);
    mx_free(e);
}

mx_exporter *mx_exporter_open(const char *path, bool shapeless, const char *metadata) {
    mx_exporter *e = mx_calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->shapeless = shapeless;
    e->path = mx_strdup(path ? path : "memory");
    e->metadata = mx_strdup(metadata ? metadata : "");
    e->file = path && e->path && e->metadata ? mx_writer_open("export_function", path) : NULL;
    if (path ? e->file != NULL : e->path && e->metadata)
        return e;
    exporter_free(e);
    return NULL;
}

/* --- tracing ------------------------------------------------------------------------ */

static bool call(mx_closure *f, mx_arrays *in, mx_arrays *out) {
    mx_scope s = mx_scope_open();
    bool ok = mx_closure_call(f, in->item, (int)in->count, out) && !mx_failed();
    mx_scope_close(s);
    if (!ok && !mx_failed())
        mx_fail(MX_INVALID, "[export_function] the function failed without an error");
    return ok;
}

/* --- lowering: the graph again, from operations that the format has ------------------ */

typedef struct lowering {
    const mx_recipe *r;
    mx_array **value; /* by slot */
    mx_array **room;  /* of a step's inputs and outputs */
    bool changed;
} lowering;

static bool lower_step(lowering *l, const mx_recipe_step *s) {
    const mx_node *n = s->node;
    mx_array **in = l->room, **out = in + n->nin;
    for (int i = 0; i < n->nin; i++)
        in[i] = l->value[s->in[i]];
    memset(out, 0, n->nout * sizeof *out);
    int done = mx_fn_lower(n, in, out, mx_trace_shapeless());
    l->changed |= done == 1;
    if (done < 0 ||
        (done == 0 && !mx_apply_multi((mx_prim)n->prim, n->params, in, n->nin, out, n->nout)))
        return false;
    for (int j = 0; j < n->nout; j++)
        if (s->out[j] >= 0)
            l->value[s->out[j]] = out[j];
    return true;
}

static size_t most_arrays(const mx_recipe *r) {
    size_t most = 0;
    for (int32_t i = 0; i < r->n_step; i++) {
        size_t n = (size_t)r->step[i].node->nin + r->step[i].node->nout;
        most = n > most ? n : most;
    }
    return most;
}

static bool run_lowering(lowering *l, mx_arrays *out) {
    const mx_recipe *r = l->r;
    bool ok = true;
    for (int32_t s = 0; s < r->n_slot; s++)
        if (s < r->n_in || mx_array_available(r->proto[s]))
            l->value[s] = r->proto[s];
    for (int32_t i = 0; ok && i < r->n_step; i++)
        ok = lower_step(l, &r->step[i]);
    for (int i = 0; ok && i < r->n_out; i++)
        ok = mx_arrays_add(out, l->value[r->out_slot[i]]);
    return ok && !mx_failed();
}

/* A recipe (taken over) made of what the format has: lowered until nothing changes. */
enum { MOST_ROUNDS = 64 };

static mx_recipe *lowered(mx_recipe *r) {
    bool changed = true, ok = r != NULL;
    for (int round = 0; ok && changed; round++) {
        mx_arrays out = {0};
        mx_scope s = mx_scope_open();
        lowering l = {r, mx_calloc((size_t)r->n_slot + 1, sizeof *l.value),
                      mx_calloc(most_arrays(r) + 1, sizeof *l.room), false};
        ok = l.value && l.room && run_lowering(&l, &out);
        mx_recipe *next =
            ok && l.changed ? mx_recipe_new(r->proto, r->n_in, out.item, (int)out.count) : NULL;
        ok = ok && (!l.changed || next);
        changed = l.changed;
        if (ok && changed && round == MOST_ROUNDS)
            ok = mx_fail(MX_INTERNAL, "[export_function] an operation expands into itself") != NULL;
        mx_free(l.value);
        mx_free(l.room);
        mx_arrays_free(&out);
        mx_scope_close(s);
        if (next) {
            mx_recipe_release(r);
            r = next;
        }
    }
    if (ok)
        return r;
    mx_recipe_release(r);
    return NULL;
}

static mx_array *whole_slice(mx_array *a) {
    int start[MX_MAX_NDIM], step[MX_MAX_NDIM];
    for (int i = 0; i < a->ndim; i++) {
        start[i] = 0;
        step[i] = 1;
    }
    mx_p_slice p = {{a->ndim, start}, {a->ndim, a->shape}, {a->ndim, step}, {0, NULL}};
    return a->ndim ? mx_apply1(MX_PRIM_slice, &p, a) : a;
}

/* In front of each argument a slice of all of it, which holds for its shape alone. */
static mx_recipe *guarded(mx_recipe *r) {
    mx_arrays in = {0}, out = {0};
    mx_array **results = r ? mx_calloc((size_t)r->n_out + 1, sizeof *results) : NULL;
    mx_recipe *g = NULL;
    mx_scope s = mx_scope_open();
    bool ok = results != NULL;
    for (int i = 0; ok && i < r->n_in; i++)
        ok = mx_arrays_add(&in, whole_slice(r->proto[i]));
    if (ok && mx_recipe_replay(r, in.item, results) &&
        mx_arrays_add_all(&out, results, (size_t)r->n_out))
        g = mx_recipe_new(r->proto, r->n_in, out.item, (int)out.count);
    mx_scope_close(s);
    mx_arrays_free(&in);
    mx_arrays_free(&out);
    mx_free(results);
    mx_recipe_release(r);
    return g;
}

static mx_recipe *record(mx_closure *f, mx_array *const *in, int n, bool shapeless) {
    mx_arrays inputs = {0}, outputs = {0};
    mx_recipe *r = NULL;
    mx_scope s = mx_scope_open();
    bool former = mx_trace_set_shapeless(shapeless), said = mx_trace_set_says(false);
    const char *pinned = mx_trace_set_pin(NULL);
    mx_trace_enter();
    if (mx_traced_inputs(in, n, &inputs) && call(f, &inputs, &outputs) && mx_read_loaded(&outputs))
        r = lowered(mx_recipe_new(inputs.item, (int)inputs.count, outputs.item,
                                  (int)outputs.count));
    if (mx_trace_pinned())
        r = guarded(r);
    mx_trace_leave();
    mx_trace_set_pin(pinned);
    mx_trace_set_says(said);
    mx_trace_set_shapeless(former);
    mx_scope_close(s);
    mx_arrays_free(&inputs);
    mx_arrays_free(&outputs);
    return r;
}

/* --- constants ------------------------------------------------------------------------ */

/* Those of the traces before, by address: each stands in the file once. */
typedef struct constants {
    mx_fn_tape_constant *item;
    size_t count;
} constants;

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const mx_fn_tape_constant *)a)->key,
              y = (uintptr_t)((const mx_fn_tape_constant *)b)->key;
    return (x > y) - (x < y);
}

static bool gather_constants(const mx_exporter *e, constants *c) {
    size_t most = 1;
    for (size_t i = 0; i < e->count; i++)
        most += e->trace[i].tape.constants;
    *c = (constants){mx_calloc(most, sizeof *c->item), 0};
    if (!c->item)
        return false;
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; k < e->trace[i].tape.constants; k++)
            c->item[c->count++] = e->trace[i].tape.constant[k];
    qsort(c->item, c->count, sizeof *c->item, by_address);
    return true;
}

/* 0: not there yet */
static uint64_t id_of_constant(const constants *c, mx_array *a) {
    mx_fn_tape_constant wanted = {.key = a};
    const mx_fn_tape_constant *found =
        bsearch(&wanted, c->item, c->count, sizeof wanted, by_address);
    return found ? found->id : 0;
}

/* --- writing -------------------------------------------------------------------------- */

typedef struct writing {
    constants before;
    const mx_recipe *r;
    mx_fn_tape *t;
    bool shapeless;
    uint64_t *id;    /* by slot; 0: nothing has needed it yet */
    mx_array **room; /* of a step */
    uint64_t *ids;   /* of a step */
} writing;

/* The axes of an array, those that are farther apart in memory first. false: so they are, or there
   is no such order. */
static bool order_in_memory(const mx_array *a, int *order) {
    int64_t apart[MX_MAX_NDIM];
    bool moved = false;
    for (int i = 0; i < a->ndim; i++) {
        int k = i;
        if (a->shape[i] > 1 && !a->strides[i])
            return false;
        apart[i] = a->shape[i] > 1 ? llabs(a->strides[i]) : i ? apart[i - 1] : INT64_MAX;
        for (; k > 0 && apart[order[k - 1]] < apart[i]; k--)
            order[k] = order[k - 1], moved = true;
        order[k] = i;
    }
    return moved;
}

/* Its elements as they lie in memory, and the step that makes the array of them: what reads it in
   its order, a product of a transposed weight, has the same bits as before. */
static bool write_moved(writing *w, uint64_t *id, mx_array *a, const int *order) {
    int back[MX_MAX_NDIM];
    mx_array *moved = *id ? NULL : mx_transpose_axes(a, order, a->ndim);
    if (*id)
        mx_fn_tape_const_again(w->t, *id);
    else if (*id = w->t->next++, !moved || !mx_fn_tape_const(w->t, *id, moved, a))
        return false;
    for (int i = 0; i < a->ndim; i++)
        back[order[i]] = i;
    mx_fn_arg axes = {.ints = {a->ndim, back}};
    mx_fn_out out = {0, a->shape, a->ndim, mx_dtype_of(a)};
    *id = mx_fn_tape_op(w->t, MX_FN_Transpose, id, 1, &axes, &out, 1);
    return true;
}

static bool write_constant(writing *w, uint64_t *id, mx_array *a) {
    int order[MX_MAX_NDIM];
    *id = id_of_constant(&w->before, a);
    if (!mx_array_available(a))
        return mx_fail(MX_INVALID,
                       "[export_function] the function uses an array of a transform around it");
    if (!a->row_contiguous && order_in_memory(a, order))
        return write_moved(w, id, a, order);
    if (*id)
        return mx_fn_tape_const_again(w->t, *id), true;
    *id = w->t->next++;
    return mx_fn_tape_const(w->t, *id, a, a);
}

/* An input or constant goes to the tape when something first needs it. */
static bool need(writing *w, int32_t slot) {
    if (w->id[slot])
        return true;
    if (slot >= w->r->n_in)
        return write_constant(w, &w->id[slot], w->r->proto[slot]);
    w->id[slot] = w->t->next++;
    mx_fn_tape_input(w->t, w->id[slot]);
    return true;
}

static bool write_step(writing *w, const mx_recipe_step *s) {
    const mx_node *n = s->node;
    mx_array **in = w->room, **out = in + n->nin;
    uint64_t *in_id = w->ids, *out_id = in_id + n->nin;
    for (int i = 0; i < n->nin; i++) {
        if (!need(w, s->in[i]))
            return false;
        in[i] = w->r->proto[s->in[i]];
        in_id[i] = w->id[s->in[i]];
    }
    for (int j = 0; j < n->nout; j++) {
        out[j] = s->out[j] >= 0 ? w->r->proto[s->out[j]] : NULL;
        out_id[j] = w->t->next++;
    }
    mx_fn_step step = {w->t, n, w->shapeless, in, out, in_id, out_id};
    bool ok = mx_fn_write(&step);
    for (int j = 0; j < n->nout; j++)
        if (s->out[j] >= 0)
            w->id[s->out[j]] = out_id[j];
    return ok && !w->t->bytes.failed;
}

static bool write_tape(writing *w) {
    const mx_recipe *r = w->r;
    bool ok = true;
    for (int32_t i = 0; ok && i < r->n_step; i++)
        ok = write_step(w, &r->step[i]);
    for (int i = 0; ok && i < r->n_out; i++)
        ok = need(w, r->out_slot[i]);
    for (int i = 0; ok && i < r->n_in; i++) // a number even where nothing reads it
        w->id[i] = w->id[i] ? w->id[i] : w->t->next++;
    return ok;
}

static bool write_head(writing *w, mx_text *head, const char *const *keys, int n_keys) {
    const mx_recipe *r = w->r;
    mx_fn_put_u64(head, (uint64_t)n_keys);
    for (int i = 0; i < n_keys; i++)
        mx_fn_put_string(head, keys[i]);
    mx_fn_put_u64(head, (uint64_t)r->n_in);
    for (int i = 0; i < r->n_in; i++)
        mx_fn_put_u64(head, w->id[i]);
    mx_fn_put_u64(head, (uint64_t)r->n_in);
    for (int i = 0; i < r->n_in; i++) {
        mx_fn_put_shape(head, r->proto[i]->shape, r->proto[i]->ndim);
        mx_fn_put_dtype(head, mx_dtype_of(r->proto[i]));
    }
    mx_fn_put_u64(head, (uint64_t)r->n_out);
    for (int i = 0; i < r->n_out; i++)
        mx_fn_put_u64(head, w->id[r->out_slot[i]]);
    mx_fn_put_u64(head, w->t->count);
    return !head->failed;
}

/* Ids go on from the trace before, so that none is that of a constant. */
static bool write_trace(const mx_exporter *e, const mx_recipe *r, trace *t, const char *const *keys,
                        int n_keys) {
    size_t wide = most_arrays(r) + 1;
    writing w = {.r = r, .t = &t->tape, .shapeless = e->shapeless};
    w.id = mx_calloc((size_t)r->n_slot + 1, sizeof *w.id);
    w.room = mx_calloc(wide, sizeof *w.room);
    w.ids = mx_calloc(wide, sizeof *w.ids);
    t->tape.next = e->count ? e->trace[e->count - 1].tape.next : 1;
    bool ok = w.id && w.room && w.ids && gather_constants(e, &w.before) && write_tape(&w) &&
              write_head(&w, &t->head, keys, n_keys);
    if (t->tape.bytes.failed || t->head.failed)
        mx_fail_nomem("export_function", t->tape.bytes.len);
    mx_free(w.before.item);
    mx_free(w.id);
    mx_free(w.room);
    mx_free(w.ids);
    return ok;
}

/* --- the exporter ----------------------------------------------------------------------- */

/* What two traces may not share: keys, dtypes and shapes, or their lengths when shapeless. */
static char *signature(const mx_exporter *e, mx_array *const *in, int n_args,
                       const char *const *keys, int n_keys) {
    mx_text t = {0};
    char shape[1024];
    for (int i = 0; i < n_args + n_keys; i++) {
        if (i >= n_args)
            mx_text_add(&t, "%zu %s ", strlen(keys[i - n_args]), keys[i - n_args]);
        mx_text_add(&t, "%d/%d", in[i]->dtype, in[i]->ndim);
        if (!e->shapeless)
            mx_text_str(&t, mx_shape_text(shape, sizeof shape, in[i]->shape, in[i]->ndim));
        mx_text_char(&t, ';');
    }
    mx_text_char(&t, '.');
    return mx_text_take(&t);
}

static bool is_new(const mx_exporter *e, const char *text) {
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->trace[i].signature, text) == 0)
            return mx_fail(MX_INVALID,
                           "[export_function] Attempting to export a function twice with "
                           "the same signature is not allowed.");
    return true;
}

bool mx_exporter_add(mx_exporter *e, mx_closure *f, mx_array *const *in, int n_args,
                     const char *const *keys, int n_keys) {
    trace t = {.signature = signature(e, in, n_args, keys, n_keys)};
    bool ok = t.signature && is_new(e, t.signature) &&
              mx_grow(&e->trace, &e->room, e->count + 1, sizeof t);
    mx_recipe *r = ok ? record(f, in, n_args + n_keys, e->shapeless) : NULL;
    ok = r && write_trace(e, r, &t, keys, n_keys);
    mx_recipe_release(r);
    if (ok)
        e->trace[e->count++] = t;
    else
        trace_free(&t);
    return ok;
}

static bool put_file(mx_sink *k, const void *bytes, size_t n) {
    return mx_writer_put(k->to, bytes, n);
}

static bool put_memory(mx_sink *k, const void *bytes, size_t n) {
    mx_text *t = k->to;
    mx_text_put(t, bytes, n);
    return !t->failed || mx_fail_nomem(k->op, n);
}

static bool put_tape(mx_sink *k, const mx_fn_tape *t) {
    size_t at = 0;
    const char *bytes = mx_text_view(&t->bytes);
    for (size_t i = 0; i < t->constants; i++) {
        if (!mx_sink_put(k, bytes + at, t->constant[i].at - at) ||
            !mx_sink_array(k, t->constant[i].a))
            return false;
        at = t->constant[i].at;
    }
    return mx_sink_put(k, bytes + at, t->bytes.len - at);
}

static bool put_all(const mx_exporter *e, bool (*put)(mx_sink *, const void *, size_t), void *to) {
    mx_sink k = {"export_function", e->path, put, to, 0};
    mx_text head = {0};
    int32_t count = (int32_t)e->count;
    mx_fn_put_string(&head, MX_FN_VERSION);
    for (int i = 0; i < 4; i++)
        mx_text_char(&head, (char)(count >> 8 * i & 255));
    mx_text_char(&head, e->shapeless);
    mx_fn_put_string(&head, e->metadata);
    bool ok = !head.failed && mx_sink_put(&k, head.data, head.len);
    for (size_t i = 0; ok && i < e->count; i++)
        ok = mx_sink_put(&k, e->trace[i].head.data, e->trace[i].head.len) &&
             put_tape(&k, &e->trace[i].tape);
    mx_text_free(&head);
    return ok;
}

void mx_exporter_abandon(mx_exporter *e) {
    mx_writer_abandon(e->file);
    e->file = NULL;
}

bool mx_exporter_close(mx_exporter *e) {
    if (!e)
        return true;
    bool some = e->file && e->count > 0, ok = !some || put_all(e, put_file, e->file);
    if (some && ok)
        ok = mx_writer_commit(e->file);
    else if (e->file)
        mx_writer_abandon(e->file);
    exporter_free(e);
    return ok;
}

bool mx_exporter_read(const mx_exporter *e, mx_fn_file *f) {
    mx_text bytes = {0};
    mx_source s;
    bool ok = put_all(e, put_memory, &bytes);
    size_t size = bytes.len;
    mx_buffer *b = ok ? mx_buffer_borrow(bytes.data, size, mx_free, bytes.data) : NULL;
    if (!b) {
        mx_text_free(&bytes);
        return false;
    }
    mx_source_memory(&s, "export_function", e->path, b, size);
    mx_buffer_release(b);
    ok = mx_fn_read(&s, f);
    mx_source_close(&s);
    return ok;
}
