/* Running recipes: anew as nodes, or as one Compiled node. See recipe.h. */
#include <string.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/eval/recipe.h"
#include "graph/trace/scope.h"
#include "graph/array/view.h"
#include "graph/watch/watch.h"

/* --- replay ----------------------------------------------------------------------------------- */

static bool replay_step(const mx_recipe_step *s, mx_array **value, mx_array **in, mx_array **out) {
    const mx_node *n = s->node;
    for (int i = 0; i < n->nin; i++)
        in[i] = value[s->in[i]];
    uint32_t former = mx_source_set(n->source);
    bool ok = mx_apply_multi((mx_prim)n->prim, n->params, in, n->nin, out, n->nout);
    mx_source_set(former);
    if (!ok)
        return false;
    for (int j = 0; j < n->nout; j++)
        if (s->out[j] >= 0)
            value[s->out[j]] = out[j];
    return true;
}

static int widest_step(const mx_recipe *r) {
    int most = 1;
    for (int32_t i = 0; i < r->n_step; i++) {
        const mx_node *n = r->step[i].node;
        most = n->nin > most ? n->nin : most;
        most = n->nout > most ? n->nout : most;
    }
    return most;
}

static void start_values(const mx_recipe *r, mx_array *const *in, mx_array **value) {
    for (int32_t s = 0; s < r->n_slot; s++)
        value[s] = s < r->n_in ? in[s] : mx_recipe_captured(r, s) ? r->proto[s] : NULL;
}

bool mx_recipe_replay(const mx_recipe *r, mx_array *const *in, mx_array **out) {
    r = r->plain ? r->plain : r;
    size_t wide = (size_t)widest_step(r);
    mx_array **value = mx_malloc(((size_t)r->n_slot + 2 * wide) * sizeof *value);
    bool ok = value != NULL;
    if (ok)
        start_values(r, in, value);
    for (int32_t i = 0; ok && i < r->n_step; i++)
        ok = replay_step(&r->step[i], value, value + r->n_slot, value + (size_t)r->n_slot + wide);
    for (int i = 0; ok && i < r->n_out; i++)
        out[i] = value[r->out_slot[i]];
    mx_free(value);
    return ok;
}

/* --- one node --------------------------------------------------------------------------------- */

bool mx_recipe_call(mx_recipe *r, mx_array *const *in, mx_array **out) {
    mx_array *few[8], **made = r->n_made <= 8 ? few : mx_calloc((size_t)r->n_made, sizeof *made);
    mx_p_compiled p = {&r->object};
    bool ok = made && (r->n_made == 0 ||
                       mx_apply_multi(MX_PRIM_compiled, &p, in, r->n_in, made, r->n_made));
    for (int i = 0; ok && i < r->n_out; i++) {
        int32_t s = r->out_slot[i];
        out[i] = s < r->n_in                       ? in[s]
                 : mx_array_available(r->proto[s]) ? mx_own(mx_array_retain(r->proto[s]))
                                                   : NULL;
        for (int k = 0; k < r->n_made && !out[i]; k++)
            out[i] = r->made_slot[k] == s ? made[k] : NULL;
    }
    if (made != few)
        mx_free(made);
    return ok;
}

static bool infer_compiled(const void *params, mx_array *const *in, int nin, mx_out *out,
                           int nout) {
    const mx_recipe *r = (const mx_recipe *)((const mx_p_compiled *)params)->recipe;
    (void)in;
    (void)nin;
    for (int k = 0; k < nout; k++) {
        const mx_array *p = r->proto[r->made_slot[k]];
        out[k].dtype = mx_dtype_of(p);
        out[k].shape.ndim = p->ndim;
        memcpy(out[k].shape.dim, p->shape, (size_t)p->ndim * sizeof(int));
    }
    return true;
}

/* Under a transform the nodes themselves are needed. */
static bool expand_compiled(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_recipe *r = (const mx_recipe *)((const mx_p_compiled *)y->params)->recipe;
    mx_array **all = mx_calloc((size_t)r->n_out + 1, sizeof *all);
    bool ok = all && mx_recipe_replay(r, in, all);
    for (int k = 0; ok && k < r->n_made; k++)
        for (int i = 0; i < r->n_out; i++)
            if (r->out_slot[i] == r->made_slot[k])
                out[k] = all[i];
    mx_free(all);
    return ok;
}

static const mx_field compiled_fields[] = {MX_FIELD(mx_p_compiled, recipe, OBJECT), MX_FIELD_END};

const mx_prim_desc mx_desc_compiled = {
    .name = "Compiled",
    .traits = MX_TRAIT_SHARES,
    .fields = compiled_fields,
    .param_size = sizeof(mx_p_compiled),
    .infer = infer_compiled,
    .expand = expand_compiled,
};

/* --- running the plan ------------------------------------------------------------------------- */

/* Arrays made on the way have one reference, the value's; those given from outside are not counted
   here. */
enum { SPARE_NDIM = 5 };

typedef struct run {
    const mx_recipe *r;
    const mx_backend *b;
    mx_array **value;
    bool *ours;        /* by slot: made in this run, dies in it */
    mx_array **arrays; /* of the program that runs */
    bool *donate;      /* for its inputs */
    /* by number of dimensions: one that died, for the next that is made */
    mx_array *spare[SPARE_NDIM];
} run;

/* A shell for what p is in the memory of one of as many dimensions. Strides come with its
   buffer. */
static mx_array *renew(mx_array *a, const mx_array *p) {
    int64_t *strides = a->strides;
    int *shape = a->shape;
    memset(a, 0, sizeof *a);
    atomic_init(&a->refs, 1);
    atomic_init(&a->state, MX_PENDING);
    a->dtype = p->dtype;
    a->ndim = p->ndim;
    a->size = p->size;
    a->strides = strides;
    a->shape = shape;
    if (p->ndim)
        memcpy(shape, p->shape, (size_t)p->ndim * sizeof *shape);
    return a;
}

static mx_array *make_shell(run *x, const mx_array *p) {
    mx_array **spare = p->ndim < SPARE_NDIM ? &x->spare[p->ndim] : NULL, *a = spare ? *spare : NULL;
    if (!a)
        return mx_array_shell(p->shape, p->ndim, mx_dtype_of(p));
    *spare = NULL;
    return renew(a, p);
}

/* Nobody else can have it: it was made in this run. */
static void let_die(run *x, mx_array *a) {
    mx_array **spare = a->ndim < SPARE_NDIM ? &x->spare[a->ndim] : NULL;
    if (!spare || *spare || atomic_load(&a->refs) != 1) {
        mx_array_release(a);
        return;
    }
    mx_buffer_release(a->buffer);
    a->buffer = NULL;
    *spare = a;
}

static bool make_outputs(run *x, const mx_recipe_unit *u) {
    for (int32_t j = 0; j < u->n_out; j++) {
        int32_t s = u->out[j];
        if (s < 0 || x->value[s])
            continue;
        const mx_array *p = x->r->proto[s];
        if (!(x->value[s] = make_shell(x, p)))
            return false;
        x->ours[s] = true;
    }
    return true;
}

static bool dies(const mx_recipe_unit *u, int32_t slot) {
    for (int32_t i = 0; i < u->n_dead; i++)
        if (u->dead[i] == slot)
            return true;
    return false;
}

/* May the unit overwrite this value? It is ours, dies here, and lies alone in its block. */
static bool may_overwrite(const run *x, const mx_recipe_unit *u, int32_t slot) {
    const mx_array *a = x->value[slot];
    return x->ours[slot] && a->row_contiguous && a->buffer && !a->buffer->borrowed &&
           atomic_load(&a->buffer->refs) == 1 && dies(u, slot);
}

/* The unit's program over this run's arrays; its outputs are still to be filled in. */
static mx_program program_of(const run *x, const mx_recipe_unit *u, const int32_t *in) {
    mx_program p = u->program;
    p.in = x->arrays;
    p.out = x->arrays + p.n_in;
    for (int i = 0; i < p.n_in; i++) {
        p.in[i] = x->value[in[i]];
        x->donate[i] = !u->has_feed && may_overwrite(x, u, in[i]);
    }
    return p;
}

static bool run_program(const run *x, const mx_recipe_unit *u) {
    mx_program p = program_of(x, u, u->in);
    for (int32_t j = 0; j < u->n_out; j++)
        p.out[j] = x->value[u->out[j]];
    return mx_run(&(mx_task){x->b, NULL, NULL, &p, x->donate});
}

/* A copy of the traced node over this run's arrays. An input that lives on, or is used twice, gets
   a second reference for the time being, so that it is not taken. */
static bool run_with(const run *x, const mx_recipe_unit *u, mx_array **arrays,
                     const mx_program *feed) {
    mx_node n = *u->node;
    n.in = arrays;
    n.out = arrays + u->n_in;
    for (int32_t i = 0; i < u->n_in; i++) {
        int32_t s = u->in[i];
        n.in[i] = x->value[s] ? x->value[s] : x->r->proto[s]; /* a fed input has a shape only */
        if (!x->value[s] || !x->ours[s] || !dies(u, s))
            mx_array_retain(n.in[i]);
    }
    for (int32_t j = 0; j < u->n_out; j++)
        n.out[j] = u->out[j] >= 0 ? x->value[u->out[j]] : NULL;
    mx_task task = {x->b, &n, n.out, feed, NULL};
    bool ok = u->spread ? mx_spread(&n, n.out) : mx_run(&task);
    for (int32_t i = 0; i < u->n_in; i++) {
        int32_t s = u->in[i];
        if (!x->value[s] || !x->ours[s] || !dies(u, s))
            mx_array_release(n.in[i]);
    }
    return ok;
}

static bool run_node(const run *x, const mx_recipe_unit *u) {
    mx_array *few[16];
    size_t n = (size_t)u->n_in + (size_t)u->n_out;
    mx_array **arrays = n <= 16 ? few : mx_malloc(n * sizeof *arrays);
    mx_program feed;
    if (u->has_feed) {
        feed = program_of(x, u, u->feed_in);
        feed.out[0] = x->r->proto[u->in[0]];
    }
    bool ok = arrays && run_with(x, u, arrays, u->has_feed ? &feed : NULL);
    if (arrays != few)
        mx_free(arrays);
    return ok;
}

static void finish(run *x, const mx_recipe_unit *u) {
    for (int32_t j = 0; j < u->n_out; j++)
        if (u->out[j] >= 0 && x->ours[u->out[j]])
            atomic_store_explicit(&x->value[u->out[j]]->state, MX_AVAILABLE, memory_order_release);
    for (int32_t i = 0; i < u->n_dead; i++) {
        int32_t s = u->dead[i];
        if (x->ours[s]) {
            let_die(x, x->value[s]);
            x->value[s] = NULL;
            x->ours[s] = false;
        }
    }
}

static bool run_unit(run *x, const mx_recipe_unit *u) {
    if (!make_outputs(x, u) || !(u->node ? run_node(x, u) : run_program(x, u)))
        return false;
    finish(x, u);
    return true;
}

bool mx_recipe_run(const mx_recipe *r, mx_array *const *in, mx_array **out, const mx_backend *b) {
    run x = {.r = r, .b = b};
    x.value = mx_malloc(((size_t)r->n_slot + 1) * sizeof *x.value);
    x.ours = mx_calloc((size_t)r->n_slot + 1, sizeof *x.ours);
    x.arrays = mx_malloc(((size_t)r->most_arrays + 1) * sizeof *x.arrays);
    x.donate = mx_malloc(((size_t)r->most_arrays + 1) * sizeof *x.donate);
    bool ok = x.value && x.ours && x.arrays && x.donate;
    if (ok)
        start_values(r, in, x.value);
    for (int k = 0; ok && k < r->n_made; k++)
        if (out[k])
            x.value[r->made_slot[k]] = out[k];
    for (int32_t i = 0; ok && i < r->n_unit; i++)
        ok = !mx_interrupted() && run_unit(&x, &r->unit[i]);
    for (int32_t s = 0; x.value && x.ours && s < r->n_slot; s++)
        if (x.ours[s])
            mx_array_release(x.value[s]);
    for (int k = 0; k < SPARE_NDIM; k++)
        mx_array_release(x.spare[k]);
    mx_free(x.value);
    mx_free(x.ours);
    mx_free(x.arrays);
    mx_free(x.donate);
    return ok;
}
