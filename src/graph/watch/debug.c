/* Finding who made the first NaN: see debug.h. */
#include "graph/watch/debug.h"

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/show/name.h"
#include "graph/watch/scan.h"
#include "graph/watch/source.h"

/* Input i of a program may be overwritten: none may. */
static const bool keep[3 * MX_PROGRAM_MAX];

static const char *const words[] = {"NaN", "infinity"};

/* --- saying it -------------------------------------------------------------------------------- */

typedef struct culprit {
    const char *name;
    uint32_t source;
    mx_array *const *in;
    int n_in;
    const mx_array *out;
    bool infinite;
} culprit;

static void put_array(mx_text *t, const mx_array *a) {
    char shape[128];
    mx_text_add(t, "%s %s", mx_dtype_name(mx_dtype_of(a)),
                mx_shape_text(shape, sizeof shape, a->shape, a->ndim));
}

enum { LISTED = 6 };

static void describe(mx_text *t, const culprit *c) {
    const char *source = mx_source_text(c->source);
    mx_text_add(t, "%s made the first %s", c->name, words[c->infinite]);
    if (source)
        mx_text_add(t, " at %.300s", source);
    mx_text_add(t, ": %lld of the values of its result ",
                (long long)mx_scan_bad(c->out, c->infinite));
    put_array(t, c->out);
    mx_text_str(t, c->n_in ? ", from " : ", from no array");
    for (int i = 0; i < c->n_in && i < LISTED; i++) {
        mx_text_str(t, i ? ", " : "");
        put_array(t, c->in[i]);
    }
    mx_text_str(t, c->n_in > LISTED ? ", ..." : "");
}

/* False, with the error. */
static bool blame(const culprit *c) {
    mx_text t = {0};
    describe(&t, c);
    if (!t.failed)
        mx_fail(MX_NOT_FINITE, "[debug] %s", mx_text_view(&t));
    mx_text_free(&t);
    return false;
}

/* --- a program, an operation at a time -------------------------------------------------------- */

typedef struct walk {
    const mx_task *t;
    bool infinite;
    mx_array **value; /* of the program: its inputs, then results that are still needed */
    int *last;        /* the last instruction that reads a value */
} walk;

static int arity(const mx_instr *i) {
    return i->op == MX_OPC_CAST ? 1 : mx_pw_infos[i->op].arity;
}

static mx_array *run_one(const walk *w, const mx_instr *from, mx_array **in) {
    const mx_program *p = w->t->program;
    mx_instr instr = *from;
    mx_array *out = mx_array_shell(p->shape, p->ndim, (mx_dtype)from->to);
    uint16_t value = (uint16_t)arity(from);
    for (int k = 0; k < 3; k++)
        instr.arg[k] = (uint16_t)(k < value ? k : 0);
    mx_program one = *p;
    one.n_in = value;
    one.n_instr = one.n_out = 1;
    one.in = in;
    one.instr = &instr;
    one.out_value = &value;
    one.out = &out;
    if (out && w->t->backend->run_program(&one, keep)) {
        atomic_store_explicit(&out->state, MX_AVAILABLE, memory_order_release);
        return out;
    }
    mx_array_release(out);
    return NULL;
}

static bool any_bad(mx_array *const *a, int n, bool infinite) {
    for (int i = 0; i < n; i++)
        if (mx_scan_bad(a[i], infinite))
            return true;
    return false;
}

/* False: it is the one, or it could not be run. */
static bool step(walk *w, int k) {
    const mx_program *p = w->t->program;
    const mx_instr *i = &p->instr[k];
    mx_array *in[3], *out;
    for (int j = 0; j < arity(i); j++)
        in[j] = w->value[i->arg[j]];
    if (!(out = w->value[p->n_in + k] = run_one(w, i, in)))
        return false;
    mx_prim prim = i->op == MX_OPC_CAST ? MX_PRIM_astype : (mx_prim)i->op;
    culprit c = {mx_prims[prim]->name, i->source, in, arity(i), out, w->infinite};
    if (any_bad(&out, 1, w->infinite) && !any_bad(in, arity(i), w->infinite))
        return blame(&c);
    for (int j = 0; j < arity(i); j++) {
        int v = i->arg[j];
        if (w->last[v] == k && v >= p->n_in && w->value[v]) {
            mx_array_release(w->value[v]);
            w->value[v] = NULL;
        }
    }
    return true;
}

static bool walk_program(walk *w) {
    const mx_program *p = w->t->program;
    bool ok = true;
    for (int k = 0; k < p->n_in; k++)
        w->value[k] = p->in[k];
    for (int k = 0; k < p->n_instr; k++)
        for (int j = 0; j < arity(&p->instr[k]); j++)
            w->last[p->instr[k].arg[j]] = k;
    for (int k = 0; ok && k < p->n_instr; k++)
        ok = step(w, k);
    for (int k = 0; k < p->n_instr; k++)
        mx_array_release(w->value[p->n_in + k]);
    return ok;
}

/* True: none of its operations made it. */
static bool search_program(const mx_task *t, bool infinite) {
    size_t n = (size_t)(t->program->n_in + t->program->n_instr);
    walk w = {t, infinite, mx_calloc(n, sizeof *w.value), mx_calloc(n, sizeof *w.last)};
    bool ok = w.value && w.last && walk_program(&w);
    mx_free(w.value);
    mx_free(w.last);
    return ok;
}

/* --- a task ----------------------------------------------------------------------------------- */

static bool any_input(const mx_task *t, bool infinite) {
    for (int i = 0; i < mx_task_inputs(t); i++) {
        mx_array *a = mx_task_input(t, i);
        if (any_bad(&a, 1, infinite))
            return true;
    }
    return false;
}

static const mx_array *bad_output(const mx_task *t, bool infinite) {
    for (int j = 0; j < mx_task_outputs(t); j++) {
        mx_array *a = mx_task_output(t, j);
        if (a && any_bad(&a, 1, infinite))
            return a;
    }
    return NULL;
}

/* Views show what is there; what a recipe computes is looked at itself. */
static bool is_looked_at(const mx_task *t) {
    mx_prim p = t->node ? (mx_prim)t->node->prim : MX_PRIM_COUNT;
    bool passes = t->node && mx_node_desc(t->node)->traits & MX_TRAIT_VIEW && p != MX_PRIM_view;
    return !passes && p != MX_PRIM_compiled && p != MX_PRIM_custom;
}

static bool check(const mx_task *t, bool infinite) {
    const mx_array *out = bad_output(t, infinite);
    if (!out || any_input(t, infinite))
        return true;
    if (t->program && !search_program(t, infinite))
        return false;
    const mx_node *n = t->node;
    if (!n)
        return true;
    const char *name = mx_operation_name((mx_prim)n->prim, mx_operation_variant(n));
    return blame(&(culprit){name, n->source, n->in, n->nin, out, infinite});
}

/* A second reference to each input, or none: nobody takes its memory. */
static void hold(const mx_task *t, bool on) {
    for (int i = 0; t->node && i < t->node->nin; i++)
        if (on)
            mx_array_retain(t->node->in[i]);
        else
            mx_array_release(t->node->in[i]);
}

bool mx_debug_run(const mx_task *t, unsigned watched) {
    mx_task careful = *t;
    if (!is_looked_at(t))
        return mx_task_run(t);
    careful.donate = keep;
    hold(t, true);
    bool ok = mx_task_run(&careful) && (!(watched & MX_WATCH_NAN) || check(t, false)) &&
              (!(watched & MX_WATCH_INFINITY) || check(t, true));
    hold(t, false);
    return ok;
}
