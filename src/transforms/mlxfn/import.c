/* Functions from files: see export.h. A file is read and its graph is made once on stand-ins, so
 * that what is wrong with it is said when it is loaded. A call makes the graph for its shapes once
 * and then runs the plan. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "transforms/compile.h"
#include "transforms/mlxfn/export.h"
#include "transforms/mlxfn/import_read.h"

struct mx_imported {
    mx_fn_file file;
    mx_closure **call; /* of each trace */
};

/* --- making the graph ------------------------------------------------------------------ */

/* Operations whose state goes with the shape of their first input. */
static bool is_bound(mx_fn_op op) {
    switch (op) {
    case MX_FN_Slice:
    case MX_FN_SliceUpdate:
    case MX_FN_Split:
    case MX_FN_AsStrided:
    case MX_FN_DynamicSlice:
    case MX_FN_Gather:
    case MX_FN_FFT: return true;
    default: return false;
    }
}

static bool fits_trace(const mx_fn_entry *e, const mx_array *a) {
    return !e->first || mx_shape_is(a, e->first->shape, e->first->ndim) ||
           mx_fail(MX_INVALID, "[Primitive::output_shapes] %s cannot infer output shapes.",
                   mx_fn_infos[e->op].name);
}

static bool check_outputs(const mx_fn_entry *e, mx_array *const *out, bool shapeless) {
    char is[256], says[256];
    for (int j = 0; j < e->nout; j++) {
        const mx_fn_out *g = &e->given[j];
        if (!out[j])
            return mx_fail(MX_INTERNAL, "[%s] nothing was made", mx_fn_infos[e->op].name);
        if (mx_dtype_of(out[j]) == g->dtype &&
            (shapeless || mx_shape_is(out[j], g->shape, g->ndim)))
            continue;
        return mx_fail(MX_FORMAT, "[%s] the result is %s %s, the file says %s %s",
                       mx_fn_infos[e->op].name,
                       mx_shape_text(is, sizeof is, out[j]->shape, out[j]->ndim),
                       mx_dtype_name(mx_dtype_of(out[j])),
                       mx_shape_text(says, sizeof says, g->shape, g->ndim),
                       mx_dtype_name(g->dtype));
    }
    return true;
}

typedef struct making {
    const mx_fn_trace *t;
    bool shapeless;
    mx_array **value; /* by slot */
    mx_array **room;  /* of an entry */
} making;

static bool make_entry(making *m, const mx_fn_entry *e) {
    mx_array **in = m->room, **out = in + e->nin;
    for (int i = 0; i < e->nin; i++)
        in[i] = m->value[e->in[i]];
    memset(out, 0, (size_t)e->nout * sizeof *out);
    mx_fn_call c = {e->op, e->arg, e->given, e->nout, m->shapeless};
    if ((m->shapeless && !fits_trace(e, e->nin ? in[0] : NULL)) ||
        !mx_fn_build(&c, in, e->nin, out) || !check_outputs(e, out, m->shapeless))
        return false;
    for (int j = 0; j < e->nout; j++)
        m->value[e->out[j]] = out[j];
    return true;
}

static size_t most_arrays(const mx_fn_trace *t) {
    size_t most = 0;
    for (int32_t i = 0; i < t->n_entry; i++) {
        size_t n = (size_t)t->entry[i].nin + (size_t)t->entry[i].nout;
        most = n > most ? n : most;
    }
    return most;
}

static bool open_making(making *m, const mx_fn_trace *t, bool shapeless, mx_array *const *in) {
    *m = (making){t, shapeless, mx_calloc((size_t)t->n_slot + 1, sizeof *m->value),
                  mx_calloc(most_arrays(t) + 1, sizeof *m->room)};
    if (!m->value || !m->room)
        return false;
    for (int32_t s = 0; s < t->n_slot; s++)
        m->value[s] = s < t->n_in ? in[s] : t->constant[s];
    return true;
}

static void close_making(making *m) {
    mx_free(m->value);
    mx_free(m->room);
}

/* --- loading: the graph on stand-ins ---------------------------------------------------------- */

/* What was recorded becomes an error of the file. */
static void *blame_file(mx_source *s, const mx_fn_entry *e) {
    char why[200];
    mx_status status = mx_error_status();
    if (status == MX_NOMEM)
        return NULL;
    strncpy(why, mx_error_message(), sizeof why - 1);
    why[sizeof why - 1] = 0;
    mx_error_clear();
    return mx_fail(status == MX_UNSUPPORTED ? status : MX_FORMAT, "[%s] '%s' at byte %zu: %s",
                   s->op, s->name, e->at, why);
}

static bool note_first(mx_fn_trace *t, mx_fn_entry *e, const mx_array *a) {
    mx_fn_out *o = mx_arena_alloc(&t->memory, 1, sizeof *o);
    int *shape = o ? mx_arena_alloc(&t->memory, (size_t)a->ndim + 1, sizeof *shape) : NULL;
    if (!shape)
        return false;
    memcpy(shape, a->shape, (size_t)a->ndim * sizeof *shape);
    *o = (mx_fn_out){0, shape, a->ndim, mx_dtype_of(a)};
    e->first = o;
    return true;
}

static mx_array **stand_ins(const mx_fn_trace *t) {
    mx_array **in = mx_calloc((size_t)t->n_in + 1, sizeof *in);
    for (int i = 0; in && i < t->n_in; i++) {
        in[i] = mx_placeholder(t->in[i].shape, t->in[i].ndim, t->in[i].dtype);
        if (in[i])
            in[i]->tracer = mx_trace_level();
    }
    return in;
}

static bool try_trace(mx_source *s, mx_fn_file *f, mx_fn_trace *t) {
    mx_scope scope = mx_scope_open();
    making m = {0};
    mx_trace_enter();
    mx_array **in = stand_ins(t);
    bool ok = in && !mx_failed() && open_making(&m, t, false, in);
    for (int32_t i = 0; ok && i < t->n_entry; i++) {
        mx_fn_entry *e = &t->entry[i];
        ok = make_entry(&m, e) || blame_file(s, e);
        if (ok && f->shapeless && e->nin && is_bound(e->op))
            ok = note_first(t, e, m.value[e->in[0]]);
    }
    mx_trace_leave();
    close_making(&m);
    mx_free(in);
    mx_scope_close(scope);
    return ok;
}

/* --- calling ---------------------------------------------------------------------------------- */

enum { MOST_PLANS = 16 }; /* of a shapeless trace; another has one */

typedef struct traced {
    const mx_fn_trace *t;
    bool shapeless;
} traced;

static bool make_graph(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    const traced *p = self->payload;
    making m;
    (void)nin;
    bool ok = open_making(&m, p->t, p->shapeless, in);
    for (int32_t i = 0; ok && i < p->t->n_entry; i++)
        ok = make_entry(&m, &p->t->entry[i]);
    for (int i = 0; ok && i < p->t->n_out; i++)
        ok = mx_arrays_add(out, m.value[p->t->out[i]]);
    close_making(&m);
    return ok;
}

static mx_closure *trace_closure(const mx_fn_trace *t, bool shapeless) {
    traced *p = mx_malloc(sizeof *p);
    if (!p)
        return NULL;
    *p = (traced){t, shapeless};
    mx_closure *plain = mx_closure_new(make_graph, p, mx_free);
    mx_closure *kept = plain ? mx_compile_few(plain, MOST_PLANS) : NULL;
    if (plain)
        mx_object_release(&plain->object);
    return kept;
}

static bool load(mx_imported *f, mx_source *s) {
    if (!mx_fn_read(s, &f->file) ||
        !(f->call = mx_calloc((size_t)f->file.n_trace + 1, sizeof *f->call)))
        return false;
    for (int32_t i = 0; i < f->file.n_trace; i++)
        if (!try_trace(s, &f->file, &f->file.trace[i]) ||
            !(f->call[i] = trace_closure(&f->file.trace[i], f->file.shapeless)))
            return false;
    return true;
}

mx_imported *mx_import_source(mx_source *s) {
    mx_imported *f = mx_calloc(1, sizeof *f);
    if (f && load(f, s))
        return f;
    mx_imported_free(f);
    return NULL;
}

mx_imported *mx_import_function(const char *path) {
    mx_source s;
    mx_imported *f = mx_source_whole(&s, "import_function", path) ? mx_import_source(&s) : NULL;
    mx_source_close(&s);
    return f;
}

void mx_imported_free(mx_imported *f) {
    for (int32_t i = 0; f && f->call && i < f->file.n_trace; i++)
        if (f->call[i])
            mx_object_release(&f->call[i]->object);
    if (f) {
        mx_free(f->call);
        mx_fn_file_free(&f->file);
    }
    mx_free(f);
}

const char *mx_imported_metadata(const mx_imported *f) {
    return f->file.metadata;
}

/* --- which trace fits ------------------------------------------------------------------------- */

typedef struct arguments {
    mx_array *const *in;
    int n_args;
    const char *const *key;
    int n_keys;
} arguments;

static bool same_keys(const mx_fn_trace *t, const arguments *a) {
    bool same = t->n_keys == a->n_keys && t->n_in == a->n_args + a->n_keys;
    for (int i = 0; same && i < t->n_keys; i++)
        same = strcmp(t->key[i], a->key[i]) == 0;
    return same;
}

static bool fits(const mx_fn_file *f, const mx_fn_trace *t, const arguments *a) {
    bool ok = same_keys(t, a);
    for (int i = 0; ok && i < t->n_in; i++)
        ok = mx_dtype_of(a->in[i]) == t->in[i].dtype && a->in[i]->ndim == t->in[i].ndim &&
             (f->shapeless || mx_shape_is(a->in[i], t->in[i].shape, t->in[i].ndim));
    return ok;
}

static void say_input(mx_text *t, int i, const char *key, const int *shape, int ndim, mx_dtype d) {
    char text[256];
    if (key)
        mx_text_add(t, "\"%s\": ", key);
    else
        mx_text_add(t, "%d: ", i + 1);
    mx_text_add(t, "%s %s\n", mx_shape_text(text, sizeof text, shape, ndim), mx_dtype_name(d));
}

static void say_trace(mx_text *t, int number, const mx_fn_trace *tr) {
    int n_args = tr->n_in - tr->n_keys;
    mx_text_add(t, " %d. Function with %d positional inputs and %d keyword inputs:\n", number,
                n_args, tr->n_keys);
    for (int i = 0; i < tr->n_in; i++) {
        mx_text_str(t, "   ");
        say_input(t, i, i < n_args ? NULL : tr->key[i - n_args], tr->in[i].shape, tr->in[i].ndim,
                  tr->in[i].dtype);
    }
}

static bool refuse(const mx_fn_file *f, const arguments *a) {
    mx_text t = {0};
    for (int32_t i = 0; i < f->n_trace && i < 8; i++)
        say_trace(&t, i + 1, &f->trace[i]);
    mx_text_add(&t, "\nCalled with %d positional inputs and %d keyword inputs:\n", a->n_args,
                a->n_keys);
    for (int i = 0; i < a->n_args + a->n_keys && i < 32; i++) {
        mx_text_str(&t, "  ");
        say_input(&t, i, i < a->n_args ? NULL : a->key[i - a->n_args], a->in[i]->shape,
                  a->in[i]->ndim, mx_dtype_of(a->in[i]));
    }
    mx_fail(
        MX_INVALID,
        "[import_function::call] No imported function found which matches the given positional and "
        "keyword arguments. Possible functions include:\n%s",
        mx_text_view(&t));
    mx_text_free(&t);
    return false;
}

bool mx_imported_call(mx_imported *f, mx_array *const *in, int n_args, const char *const *keys,
                      int n_keys, mx_arrays *out) {
    arguments a = {in, n_args, keys, n_keys};
    for (int32_t i = 0; i < f->file.n_trace; i++)
        if (fits(&f->file, &f->file.trace[i], &a))
            return mx_closure_call(f->call[i], in, n_args + n_keys, out);
    return refuse(&f->file, &a);
}
