/* Running recipes: anew as nodes, or as one Compiled node. See recipe.h. */
#include <string.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/beside.h"
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
        int32_t s = r->out_slot[i], k = r->out_made[i];
        out[i] = s < r->n_in ? in[s] : k >= 0 ? made[k] : mx_own(mx_array_retain(r->proto[s]));
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
    for (int i = 0; ok && i < r->n_out; i++)
        if (r->out_made[i] >= 0)
            out[r->out_made[i]] = all[i];
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
    int crew; /* units that may run at a time */
    mx_array **value;
    int32_t *left;     /* by slot: uses to come */
    bool *ours;        /* by slot: made in this run, dies in it */
    bool *ran;         /* by unit */
    mx_array **arrays; /* of the programs that run: most_arrays for each of a crew */
    bool *donate;      /* for their inputs, likewise */
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

/* Is this its only use to come? Then the unit may have its memory, if that is nobody else's. */
static bool is_given(const run *x, int32_t slot) {
    return x->value[slot] && x->ours[slot] && x->left[slot] == 1;
}

static bool may_overwrite(const run *x, int32_t slot) {
    const mx_array *a = x->value[slot];
    return is_given(x, slot) && a->row_contiguous && a->buffer && !a->buffer->borrowed &&
           atomic_load(&a->buffer->refs) == 1;
}

/* A unit that is run, with memory of its own while others run beside it. */
enum { FEW_ARRAYS = 16 };

typedef struct job {
    const mx_recipe_unit *unit;
    mx_task task;
    mx_node node; /* the traced one over this run's arrays */
    mx_program program;
    mx_array **arrays, *few[FEW_ARRAYS]; /* the node's */
    bool ok;
} job;

/* The unit's program over this run's arrays, as the k-th of a crew; its outputs are still to be
   filled in. */
static void write_program(const run *x, const int32_t *in, int k, job *j) {
    const mx_recipe_unit *u = j->unit;
    mx_program *p = &j->program;
    bool *donate = x->donate + (size_t)k * (size_t)x->r->most_arrays;
    *p = u->program;
    p->in = x->arrays + (size_t)k * (size_t)x->r->most_arrays;
    p->out = p->in + p->n_in;
    for (int i = 0; i < p->n_in; i++) {
        p->in[i] = x->value[in[i]];
        donate[i] = !u->has_feed && may_overwrite(x, in[i]);
    }
    j->task.program = p;
    j->task.donate = donate;
}

static bool open_program(const run *x, int k, job *j) {
    const mx_recipe_unit *u = j->unit;
    write_program(x, u->in, k, j);
    for (int32_t i = 0; i < u->n_out; i++)
        j->program.out[i] = x->value[u->out[i]];
    return true;
}

/* An input that is not given gets a second reference for the time being, so that it is not
   taken. */
static bool open_node(const run *x, int k, job *j) {
    const mx_recipe_unit *u = j->unit;
    size_t all = (size_t)u->n_in + (size_t)u->n_out;
    mx_node *n = &j->node;
    j->arrays = all <= FEW_ARRAYS ? j->few : mx_malloc(all * sizeof *j->arrays);
    if (!j->arrays)
        return false;
    *n = *u->node;
    n->in = j->arrays;
    n->out = j->arrays + u->n_in;
    for (int32_t i = 0; i < u->n_in; i++) {
        int32_t s = u->in[i];
        n->in[i] = x->value[s] ? x->value[s] : x->r->proto[s]; /* a fed input has a shape only */
        if (!is_given(x, s))
            mx_array_retain(n->in[i]);
    }
    for (int32_t i = 0; i < u->n_out; i++)
        n->out[i] = u->out[i] >= 0 ? x->value[u->out[i]] : NULL;
    j->task.node = n;
    j->task.out = n->out;
    if (u->has_feed) {
        write_program(x, u->feed_in, k, j);
        j->program.out[0] = x->r->proto[u->in[0]];
        j->task.donate = NULL;
    }
    return true;
}

static void open_job(run *x, const mx_recipe_unit *u, int k, job *j) {
    j->unit = u;
    j->task = (mx_task){.backend = x->b};
    j->arrays = NULL;
    j->ok = make_outputs(x, u) && (u->node ? open_node(x, k, j) : open_program(x, k, j));
}

static void compute(job *j) {
    if (j->ok)
        j->ok = j->unit->spread ? mx_spread(&j->node, j->node.out) : mx_run(&j->task);
}

static void drop_value(run *x, int32_t slot) {
    let_die(x, x->value[slot]);
    x->value[slot] = NULL;
    x->ours[slot] = false;
}

static void count_off(run *x, const int32_t *slots, int32_t n) {
    for (int32_t i = 0; i < n; i++)
        if (x->left[slots[i]] != MX_LIVES_ON && --x->left[slots[i]] == 0 && x->ours[slots[i]])
            drop_value(x, slots[i]);
}

static void finish(run *x, const mx_recipe_unit *u) {
    for (int32_t j = 0; j < u->n_out; j++) {
        int32_t s = u->out[j];
        if (s < 0 || !x->ours[s])
            continue;
        atomic_store_explicit(&x->value[s]->state, MX_AVAILABLE, memory_order_release);
        if (!x->left[s]) // nobody reads it
            drop_value(x, s);
    }
    count_off(x, u->in, u->n_in);
    if (u->has_feed)
        count_off(x, u->feed_in, u->program.n_in);
}

/* Before anything is counted off, as what is_given says must be what it said. */
static void give_back(run *x, job *j) {
    const mx_recipe_unit *u = j->unit;
    for (int32_t i = 0; j->arrays && i < u->n_in; i++)
        if (!is_given(x, u->in[i]))
            mx_array_release(j->node.in[i]);
    if (j->arrays != j->few)
        mx_free(j->arrays);
}

static bool run_unit(run *x, const mx_recipe_unit *u) {
    job j;
    open_job(x, u, 0, &j);
    compute(&j);
    give_back(x, &j);
    if (j.ok)
        finish(x, u);
    return j.ok;
}

/* --- crews ------------------------------------------------------------------------------------ */

static bool are_there(const run *x, const int32_t *slots, int32_t n) {
    for (int32_t i = 0; i < n; i++)
        if (!x->value[slots[i]] || !mx_array_available(x->value[slots[i]]))
            return false;
    return true;
}

/* A node that is fed has no input 0. */
static bool is_ready(const run *x, const mx_recipe_unit *u) {
    int32_t fed = u->has_feed;
    return are_there(x, u->in + fed, u->n_in - fed) &&
           (!fed || are_there(x, u->feed_in, u->program.n_in));
}

/* The unit at `at` and others that may run beside it; 1: it should run alone. */
static int gather(const run *x, int32_t at, int32_t *crew) {
    const mx_recipe_unit *u = &x->r->unit[crew[0] = at];
    double all = u->work;
    int n = 1;
    for (int32_t k = u->beside; k >= 0 && k <= at + MX_WINDOW && n < MX_CREW; k = u->beside) {
        u = &x->r->unit[k];
        if (x->ran[k] || !is_ready(x, u))
            continue;
        all += u->work;
        crew[n++] = k;
    }
    return mx_beside_pays(n, all) ? n : 1;
}

static void compute_one(void *jobs, int i) {
    compute((job *)jobs + i);
}

static bool run_crew(run *x, const int32_t *crew, int n) {
    job j[MX_CREW];
    bool all = true, failed = mx_failed();
    for (int i = 0; i < n; i++)
        open_job(x, &x->r->unit[crew[i]], i, &j[i]);
    mx_beside(n, compute_one, j);
    for (int i = 0; i < n; i++)
        give_back(x, &j[i]);
    for (int i = 0; i < n; i++)
        if (j[i].ok)
            finish(x, j[i].unit);
    if (!failed)
        mx_error_clear();
    for (int i = 0; i < n && all; i++) // what failed is tried alone, and so says why
        all = j[i].ok || run_unit(x, &x->r->unit[crew[i]]);
    return all;
}

/* The unit at this place, and others where there are some to run beside it. */
static bool run_from(run *x, int32_t at) {
    int32_t crew[MX_CREW];
    int n = x->crew > 1 ? gather(x, at, crew) : 1;
    if (n == 1)
        return run_unit(x, &x->r->unit[at]);
    for (int i = 0; i < n; i++)
        x->ran[crew[i]] = true;
    return run_crew(x, crew, n);
}

/* --- a run ------------------------------------------------------------------------------------ */

enum { ROOM = 4096 }; /* bytes that a small recipe needs */

/* All lists of a run, in `few` where they fit; NULL: out of memory. */
static void *make_room(run *x, char *few) {
    size_t slots = (size_t)x->r->n_slot, units = (size_t)x->r->n_unit;
    size_t wide = (size_t)x->r->most_arrays * (size_t)x->crew;
    size_t bytes =
        (slots + wide) * sizeof *x->value + slots * sizeof *x->left + slots + units + wide;
    char *room = bytes <= ROOM ? few : mx_malloc(bytes);
    if (!room)
        return NULL;
    x->value = (mx_array **)room;
    x->arrays = x->value + slots;
    x->left = (int32_t *)(x->arrays + wide);
    x->ours = (bool *)(x->left + slots);
    x->ran = x->ours + slots;
    x->donate = x->ran + units;
    memset(x->ours, 0, slots + units);
    memcpy(x->left, x->r->uses, slots * sizeof *x->left);
    return room;
}

static void let_go(run *x) {
    for (int32_t s = 0; s < x->r->n_slot; s++)
        if (x->ours[s])
            mx_array_release(x->value[s]);
    for (int k = 0; k < SPARE_NDIM; k++)
        mx_array_release(x->spare[k]);
}

bool mx_recipe_run(const mx_recipe *r, mx_array *const *in, mx_array **out, const mx_backend *b) {
    _Alignas(16) char few[ROOM];
    run x = {.r = r, .b = b, .crew = r->crews && mx_beside_possible(r->n_unit) ? MX_CREW : 1};
    void *room = make_room(&x, few);
    bool ok = room != NULL;
    if (!ok)
        return false;
    start_values(r, in, x.value);
    for (int k = 0; k < r->n_made; k++)
        if (out[k])
            x.value[r->made_slot[k]] = out[k];
    for (int32_t i = 0; ok && i < r->n_unit; i++)
        ok = x.ran[i] || (!mx_interrupted() && run_from(&x, i));
    let_go(&x);
    if (room != few)
        mx_free(room);
    return ok;
}
