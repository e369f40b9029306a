/* The walk over a trace for mlx_function_exporter_visit. */
#include "capi/transforms/export_visit.h"

#include <string.h>

#include "base/mem.h"

typedef struct walk {
    const mlx_export_visitor *v;
    const mx_fn_trace *t;
    mlx_exported_array *array; /* by slot */
    bool *told;                /* by slot: it has an id */
    size_t next;               /* id */
    mlx_exported_array *room;  /* what the visitor is shown */
} walk;

static bool went(capi_callback c, int result) {
    return capi_callback_end(c, "function_exporter_visit", result);
}

/* --- arrays of the trace --------------------------------------------------------------- */

static mlx_exported_array described(const mx_fn_out *o) {
    return (mlx_exported_array){0, o->shape, (size_t)o->ndim, (mlx_dtype)o->dtype};
}

static void describe(walk *w) {
    const mx_fn_trace *t = w->t;
    for (int i = 0; i < t->n_in; i++)
        w->array[i] = described(&t->in[i]);
    for (int32_t s = 0; s < t->n_slot; s++)
        if (t->constant[s])
            w->array[s] =
                (mlx_exported_array){0, t->constant[s]->shape, (size_t)t->constant[s]->ndim,
                                     (mlx_dtype)mx_dtype_of(t->constant[s])};
    for (int32_t i = 0; i < t->n_entry; i++)
        for (int j = 0; j < t->entry[i].nout; j++)
            w->array[t->entry[i].out[j]] = described(&t->entry[i].given[j]);
}

/* The most arrays that are shown at once. */
static size_t most_arrays(const mx_fn_trace *t) {
    size_t most = (size_t)t->n_slot + (size_t)t->n_out;
    for (int32_t i = 0; i < t->n_entry; i++) {
        size_t n = (size_t)t->entry[i].nin + (size_t)t->entry[i].nout;
        most = n > most ? n : most;
    }
    return most;
}

static mlx_exported_array shown(walk *w, int32_t slot) {
    if (!w->told[slot])
        w->array[slot].id = w->next++;
    w->told[slot] = true;
    return w->array[slot];
}

static const mlx_exported_array *show(walk *w, mlx_exported_array *room, const int32_t *slot,
                                      int n) {
    for (int i = 0; i < n; i++)
        room[i] = shown(w, slot[i]);
    return room;
}

/* --- inputs, outputs, constants --------------------------------------------------------- */

static bool visit_inputs(walk *w) {
    const mx_fn_trace *t = w->t;
    size_t n = (size_t)t->n_in, keys = (size_t)t->n_keys;
    for (int i = 0; i < t->n_in; i++)
        w->room[i] = shown(w, i);
    capi_callback c = capi_callback_begin();
    int result = w->v->inputs ? w->v->inputs(w->v->payload, w->room, n) : 0;
    if (!result && w->v->keyword_inputs)
        result = w->v->keyword_inputs(w->v->payload, t->key, w->room + n - keys, keys);
    return went(c, result);
}

static bool visit_outputs(walk *w) {
    const mlx_exported_array *out = show(w, w->room, w->t->out, w->t->n_out);
    capi_callback c = capi_callback_begin();
    return went(c, w->v->outputs ? w->v->outputs(w->v->payload, out, (size_t)w->t->n_out) : 0);
}

static bool tell_constants(walk *w, const mlx_array *values, size_t n) {
    capi_callback c = capi_callback_begin();
    return went(c, w->v->constants ? w->v->constants(w->v->payload, w->room, values, n) : 0);
}

static bool visit_constants(walk *w) {
    size_t n = 0;
    bool ok = true;
    mlx_array *values = mx_calloc((size_t)w->t->n_slot + 1, sizeof *values);
    for (int32_t s = 0; values && ok && s < w->t->n_slot; s++)
        if (w->t->constant[s]) {
            w->room[n] = shown(w, s);
            values[n] = capi_new(w->t->constant[s]);
            ok = values[n++].ctx != NULL;
        }
    ok = values && ok && tell_constants(w, values, n);
    for (size_t i = 0; i < n; i++)
        mlx_array_free(values[i]);
    mx_free(values);
    return ok;
}

/* --- primitives --------------------------------------------------------------------------- */

static bool widen(mlx_exported_argument *to, mx_ints from, mx_arena *memory) {
    int64_t *list = mx_arena_alloc(memory, (size_t)from.n + 1, sizeof *list);
    for (int i = 0; list && i < from.n; i++)
        list[i] = from.v[i];
    to->list = list;
    to->count = (size_t)from.n;
    return list != NULL;
}

/* By its letter in mlxfn_ops.def. */
static bool take_argument(mlx_exported_argument *to, char letter, const mx_fn_arg *a,
                          mx_arena *memory) {
    *to = (mlx_exported_argument){.kind = MLX_EXPORTED_INT};
    switch (letter) {
    case 'b':
    case 'z': to->kind = MLX_EXPORTED_BOOL; break;
    case 't': to->kind = MLX_EXPORTED_DTYPE; break;
    case 's': to->kind = MLX_EXPORTED_STRING; break;
    case 'd':
    case 'f': to->kind = MLX_EXPORTED_FLOAT; break;
    case 'I':
    case 'Q': to->kind = MLX_EXPORTED_LIST; break;
    case 'S':
    case 'L': to->kind = MLX_EXPORTED_SHAPE; break;
    default: break; // i and q
    }
    if (letter == 'I' || letter == 'S')
        return widen(to, a->ints, memory);
    if (letter == 'L' || letter == 'Q')
        to->list = a->longs.v, to->count = (size_t)a->longs.n;
    else if (letter == 's')
        to->text = a->s;
    else if (letter == 'd' || letter == 'f')
        to->real = a->d;
    else
        to->integer = a->i;
    return true;
}

static bool visit_entry(walk *w, const mx_fn_entry *e) {
    mlx_exported_argument argument[MX_FN_ARGS];
    const char *letters = mx_fn_infos[e->op].state;
    size_t n = strlen(letters);
    mx_arena memory = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = take_argument(&argument[i], letters[i], &e->arg[i], &memory);
    const mlx_exported_array *in = show(w, w->room, e->in, e->nin);
    const mlx_exported_array *out = show(w, w->room + e->nin, e->out, e->nout);
    mlx_exported_primitive p = {mx_fn_infos[e->op].name, in,       out, (size_t)e->nin,
                                (size_t)e->nout,         argument, n};
    if (ok && w->v->primitive) {
        capi_callback c = capi_callback_begin();
        ok = went(c, w->v->primitive(w->v->payload, &p));
    }
    mx_arena_free(&memory);
    return ok;
}

bool capi_visit_trace(const mx_fn_trace *t, const mlx_export_visitor *v) {
    walk w = {v,
              t,
              mx_calloc((size_t)t->n_slot + 1, sizeof *w.array),
              mx_calloc((size_t)t->n_slot + 1, sizeof *w.told),
              0,
              mx_calloc(most_arrays(t) + 1, sizeof *w.room)};
    bool ok = w.array && w.told && w.room;
    if (ok)
        describe(&w);
    ok = ok && visit_inputs(&w) && visit_outputs(&w) && visit_constants(&w);
    for (int32_t i = 0; ok && i < t->n_entry; i++)
        ok = visit_entry(&w, &t->entry[i]);
    mx_free(w.array);
    mx_free(w.told);
    mx_free(w.room);
    return ok;
}
