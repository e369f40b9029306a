/* compile: see compile.h. */
#include "transforms/compile.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/lock.h"
#include "graph/eval/recipe.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "transforms/shapeless.h"
#include "transforms/simplify.h"
#include "transforms/traced.h"

/* --- caches ----------------------------------------------------------------------------------- */

/* One trace: what it was made for, and what came out. */
typedef struct entry {
    struct entry *next;
    mx_recipe *recipe;
    uint64_t *constants;
    size_t n_constants;
    bool shapeless;
    mx_closure *per_shape; /* shapeless: the template's graph for given shapes, compiled */
} entry;

/* Counted: closures and the table of ids hold it. */
typedef struct cache {
    mx_object object;
    entry *first;
    uintptr_t id; /* 0: belongs to its closure alone */
    int most;     /* entries that are kept; 0: all */
    struct cache *next;
} cache;

static cache *table; /* caches with an id */

static void free_entries(entry *e) {
    while (e) {
        entry *next = e->next;
        mx_recipe_release(e->recipe);
        mx_free(e->constants);
        if (e->per_shape)
            mx_object_release(&e->per_shape->object);
        mx_free(e);
        e = next;
    }
}

static void destroy_cache(mx_object *o) {
    cache *c = (cache *)o;
    free_entries(c->first);
    mx_free(c);
}

static cache *cache_new(uintptr_t id) {
    cache *c = mx_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    atomic_init(&c->object.refs, 1);
    c->object.destroy = destroy_cache;
    c->id = id;
    return c;
}

/* The cache of an id, with a reference for the caller. */
static cache *cache_of(uintptr_t id) {
    mx_lock(MX_LOCK_COMPILE);
    cache *c = table;
    while (c && c->id != id)
        c = c->next;
    if (!c && (c = cache_new(id))) {
        c->next = table;
        table = c;
    }
    if (c)
        mx_object_retain(&c->object);
    mx_unlock(MX_LOCK_COMPILE);
    return c;
}

void mx_compile_erase(uintptr_t id) {
    mx_lock(MX_LOCK_COMPILE);
    cache **at = &table;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    cache *c = *at;
    if (c)
        *at = c->next;
    mx_unlock(MX_LOCK_COMPILE);
    if (c)
        mx_object_release(&c->object);
}

void mx_compile_clear_cache(void) {
    mx_lock(MX_LOCK_COMPILE);
    cache *c = table;
    table = NULL;
    mx_unlock(MX_LOCK_COMPILE);
    while (c) {
        cache *next = c->next;
        mx_object_release(&c->object);
        c = next;
    }
}

/* --- modes ------------------------------------------------------------------------------------ */

static atomic_int mode = -1;

mx_compile_mode mx_compile_get_mode(void) {
    int m = atomic_load(&mode);
    if (m < 0) {
        const char *off = getenv("MLX_DISABLE_COMPILE");
        m = off && *off && *off != '0' ? MX_COMPILE_DISABLED : MX_COMPILE_ENABLED;
        atomic_store(&mode, m);
    }
    return (mx_compile_mode)m;
}

void mx_compile_set_mode(mx_compile_mode m) {
    atomic_store(&mode, (int)m);
}

/* --- tracing ---------------------------------------------------------------------------------- */

typedef struct compiled {
    mx_closure *f;
    cache *cache;
    bool shapeless;
    uint64_t *constants;
    size_t n_constants;
} compiled;

static bool call_function(mx_closure *f, mx_arrays *in, mx_arrays *out) {
    mx_scope s = mx_scope_open();
    bool ok = mx_closure_call(f, in->item, (int)in->count, out);
    mx_scope_close(s);
    return ok;
}

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

/* Is `a` in the sorted list? Numbers are not asked about: constants of programs are shared. */
static bool is_given(const mx_array *a, mx_array *const *sorted, int n) {
    return a && a->ndim && bsearch(&a, sorted, (size_t)n, sizeof *sorted, by_address);
}

static bool takes_in(const mx_traced *t, const mx_arrays *out, mx_array *const *sorted, int n) {
    bool found = false;
    for (size_t k = 0; !found && k < out->count; k++)
        found = is_given(out->item[k], sorted, n);
    for (int32_t i = 0; !found && i < t->plan.n_step; i++)
        for (int k = 0; !found && k < t->plan.step[i].node->nin; k++)
            found = is_given(t->plan.step[i].node->in[k], sorted, n);
    return found;
}

/* An argument that the function also takes in by another name would be a constant of the trace,
   which later calls would not see change: refused. */
static bool captures_no_argument(mx_array *const *in, int n, const mx_arrays *out) {
    mx_traced t;
    mx_array **sorted = mx_memdup(in, (size_t)n * sizeof *sorted);
    if (!sorted)
        return false;
    qsort(sorted, (size_t)n, sizeof *sorted, by_address);
    bool ok = mx_traced_open(&t, out->item, out->count, NULL, 0);
    if (ok && takes_in(&t, out, sorted, n))
        ok = mx_fail(MX_INVALID,
                     "[compile] Attempting to compile a function with uncaptured inputs is not "
                     "allowed.") != NULL;
    mx_traced_free(&t);
    mx_free(sorted);
    return ok;
}

/* What f makes of placeholders like `in`, made smaller and kept. own: f is the program's. */
static mx_recipe *trace(mx_closure *f, mx_array *const *in, int n, bool own,
                        bool (*shrink)(mx_arrays *),
                        mx_recipe *(*keep)(mx_array *const *, int, mx_array *const *, int)) {
    mx_arrays inputs = {0}, outputs = {0};
    mx_recipe *r = NULL;
    mx_scope s = mx_scope_open();
    bool ok = mx_traced_inputs(in, n, &inputs) && call_function(f, &inputs, &outputs) &&
              (!own || captures_no_argument(in, n, &outputs)) && shrink(&outputs);
    mx_scope_close(s);
    if (ok)
        r = keep(inputs.item, (int)inputs.count, outputs.item, (int)outputs.count);
    mx_arrays_free(&inputs);
    mx_arrays_free(&outputs);
    return r;
}

static bool replay(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const mx_recipe *r = self->payload;
    mx_array **results = mx_calloc((size_t)r->n_out + 1, sizeof *results);
    (void)n;
    bool ok = results && mx_recipe_replay(r, in, results) &&
              mx_arrays_add_all(out, results, (size_t)r->n_out);
    mx_free(results);
    return ok;
}

/* The trace itself, whose nodes are replayed, and a smaller graph made from it, which is run. */
static mx_recipe *trace_both(mx_closure *f, mx_array *const *in, int n, bool own) {
    mx_recipe *plain = trace(f, in, n, own, mx_fold_constants, mx_recipe_steps);
    mx_closure again = mx_closure_local(replay, plain);
    mx_recipe *r = plain ? trace(&again, in, n, false, mx_simplify, mx_recipe_new) : NULL;
    if (r)
        r->plain = plain;
    else
        mx_recipe_release(plain);
    return r;
}

/* A template keeps what operations mean: only constants are computed. */
static mx_recipe *trace_function(mx_closure *f, mx_array *const *in, int n, bool own,
                                 bool shapeless) {
    bool former = mx_trace_set_shapeless(shapeless || mx_trace_shapeless());
    bool said = mx_trace_set_says(false);
    const char *pinned = mx_trace_set_pin(NULL);
    bool whole = mx_trace_shapeless() || mx_compile_get_mode() == MX_COMPILE_NO_SIMPLIFY;
    mx_trace_enter();
    mx_recipe *r =
        whole ? trace(f, in, n, own, mx_fold_constants, mx_recipe_new) : trace_both(f, in, n, own);
    mx_trace_leave();
    mx_trace_set_pin(pinned);
    mx_trace_set_says(said);
    mx_trace_set_shapeless(former);
    return r;
}

/* --- looking up ------------------------------------------------------------------------------- */

static bool fits_array(const mx_array *p, const mx_array *a, bool shapeless) {
    return p->dtype == a->dtype && p->ndim == a->ndim && (shapeless || mx_same_shape(p, a));
}

static bool fits(const entry *e, const compiled *c, mx_array *const *in, int n) {
    if (e->recipe->n_in != n || e->n_constants != c->n_constants || e->shapeless != c->shapeless ||
        (e->n_constants &&
         memcmp(e->constants, c->constants, e->n_constants * sizeof *e->constants) != 0))
        return false;
    for (int i = 0; i < n; i++)
        if (!fits_array(e->recipe->proto[i], in[i], c->shapeless))
            return false;
    return true;
}

/* What a trace is called through, with references for the caller. */
typedef struct found {
    mx_recipe *recipe;
    mx_closure *per_shape; /* shapeless */
} found;

static found hold(const entry *e) {
    if (e->per_shape)
        mx_object_retain(&e->per_shape->object);
    return (found){mx_recipe_retain(e->recipe), e->per_shape};
}

static void let_go(found *f) {
    mx_recipe_release(f->recipe);
    if (f->per_shape)
        mx_object_release(&f->per_shape->object);
}

/* The entry moves to the front, so that the last ones are those that were used longest ago. */
static found find(const compiled *c, mx_array *const *in, int n) {
    found f = {NULL, NULL};
    mx_lock(MX_LOCK_COMPILE);
    entry **at = &c->cache->first, *e;
    while ((e = *at) && !fits(e, c, in, n))
        at = &e->next;
    if (e) {
        *at = e->next;
        e->next = c->cache->first;
        c->cache->first = e;
        f = hold(e);
    }
    mx_unlock(MX_LOCK_COMPILE);
    return f;
}

/* Cuts off what is more than the cache keeps. */
static entry *surplus(cache *c) {
    entry **at = &c->first;
    for (int i = 0; c->most && *at && i < c->most; i++)
        at = &(*at)->next;
    entry *rest = c->most ? *at : NULL;
    if (rest)
        *at = NULL;
    return rest;
}

static bool keep(const compiled *c, const found *f) {
    entry *e = mx_calloc(1, sizeof *e);
    uint64_t *constants = mx_memdup(c->constants, c->n_constants * sizeof *constants);
    if (!e || !constants) {
        mx_free(e);
        mx_free(constants);
        return false;
    }
    *e = (entry){NULL,        mx_recipe_retain(f->recipe), constants, c->n_constants, c->shapeless,
                 f->per_shape};
    if (e->per_shape)
        mx_object_retain(&e->per_shape->object);
    mx_lock(MX_LOCK_COMPILE);
    e->next = c->cache->first;
    c->cache->first = e;
    entry *rest = surplus(c->cache);
    mx_unlock(MX_LOCK_COMPILE);
    free_entries(rest);
    return true;
}

/* A trace that took in arrays of a transform around it holds for this call only. */
static bool is_closed(const mx_recipe *r) {
    for (int32_t s = r->n_in; s < r->n_slot; s++)
        if (mx_recipe_captured(r, s) && r->proto[s]->tracer && mx_trace_active())
            return false;
    return true;
}

/* --- calling ---------------------------------------------------------------------------------- */

static bool any_traced(mx_array *const *in, int n) {
    for (int i = 0; i < n; i++)
        if (in[i]->tracer && mx_trace_active())
            return true;
    return false;
}

static bool run(mx_recipe *r, mx_array *const *in, int n, mx_arrays *out) {
    mx_array **results = mx_calloc((size_t)r->n_out + 1, sizeof *results);
    mx_scope s = mx_scope_open();
    if (r->pinned || !r->shapeless)
        mx_trace_pin(r->pinned ? r->pinned : "Compiled");
    bool inlined = any_traced(in, n) || !is_closed(r);
    bool ok = results &&
              (inlined ? mx_recipe_replay(r, in, results) : mx_recipe_call(r, in, results)) &&
              mx_arrays_add_all(out, results, (size_t)r->n_out);
    mx_scope_close(s);
    mx_free(results);
    return ok;
}

enum { PLANS = 16 }; /* of one template */

/* The template's graph for given shapes as a compiled closure of its own. */
static mx_closure *per_shape(mx_recipe *template) {
    mx_closure *made = mx_shapeless_closure(template),
               *c = made ? mx_compile_few(made, PLANS) : NULL;
    if (made)
        mx_object_release(&made->object);
    return c;
}

static bool new_trace(const compiled *c, mx_array *const *in, int n, found *f) {
    // a template's arguments, and a transform's, are no mistake
    bool own = !c->cache->most && !any_traced(in, n);
    f->recipe = trace_function(c->f, in, n, own, c->shapeless);
    if (!f->recipe || (c->shapeless && !(f->per_shape = per_shape(f->recipe))))
        return false;
    return !is_closed(f->recipe) || keep(c, f);
}

static bool call_compiled(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    compiled *c = self->payload;
    if (mx_compile_get_mode() == MX_COMPILE_DISABLED)
        return mx_closure_call(c->f, in, n, out);
    found f = find(c, in, n);
    bool ok = f.recipe || new_trace(c, in, n, &f);
    if (ok && f.per_shape)
        ok = mx_closure_call(f.per_shape, in, n, out);
    else if (ok)
        ok = run(f.recipe, in, n, out);
    let_go(&f);
    return ok;
}

static void destroy_compiled(void *payload) {
    compiled *c = payload;
    mx_object_release(&c->f->object);
    mx_object_release(&c->cache->object);
    mx_free(c->constants);
    mx_free(c);
}

static mx_closure *make(mx_closure *f, cache *own, bool shapeless, const uint64_t *constants,
                        size_t n) {
    compiled *c = own ? mx_calloc(1, sizeof *c) : NULL;
    uint64_t *copy = c ? mx_memdup(constants, n * sizeof *copy) : NULL;
    if (!copy) {
        mx_free(c);
        if (own)
            mx_object_release(&own->object);
        return NULL;
    }
    *c = (compiled){f, own, shapeless, copy, n};
    mx_object_retain(&f->object);
    return mx_closure_new(call_compiled, c, destroy_compiled);
}

mx_closure *mx_compile(mx_closure *f, bool shapeless) {
    return make(f, cache_new(0), shapeless, NULL, 0);
}

mx_closure *mx_compile_few(mx_closure *f, int most) {
    cache *own = cache_new(0);
    if (own)
        own->most = most;
    return make(f, own, false, NULL, 0);
}

mx_closure *mx_compile_id(mx_closure *f, uintptr_t id, bool shapeless, const uint64_t *constants,
                          size_t n) {
    return make(f, cache_of(id), shapeless, constants, n);
}
