/* Transforms applied one after the other to a row of the case table, and what must come out.
 *
 *     VJP         the gradient of <u, f(x)>, u fixed by the shape of f(x)
 *     JVP         f'(x) t, t fixed by the shape of x
 *     VMAP        f over a batch along axis 0 of every input
 *     COMPILE, CHECKPOINT, CUSTOM (with rules of its own): f
 *
 * So the last transform of a chain can be checked against the function before it: by differences,
 * by a loop over the batch, or by equality.
 */
#ifndef TRANSFORM_CHAIN_H
#define TRANSFORM_CHAIN_H

#include "cases/op_case_run.h"

#include "base/mem.h"
#include "transforms/compile.h"
#include "transforms/custom.h"
#include "transforms/vmap.h"

typedef enum transform { VJP, JVP, VMAP, COMPILE, CHECKPOINT, CUSTOM, TRANSFORMS } transform;
static const char *const transform_names[] = {"vjp",     "jvp",        "vmap",
                                              "compile", "checkpoint", "custom"};

/* A function made of another one; counted by its closure. */
typedef struct link {
    const op_case *c;
    mx_closure *inner; /* NULL: the row's operation */
    int n_in, n_out;
} link;

static void free_link(void *payload) {
    link *l = payload;
    if (l->inner)
        mx_object_release(&l->inner->object);
    mx_free(l);
}

/* A closure that takes the reference to inner. */
static mx_closure *link_new(mx_closure_fn *call, const op_case *c, mx_closure *inner, int n_out) {
    link *l = mx_malloc(sizeof *l);
    *l = (link){c, inner, inputs_of(c), n_out};
    return mx_closure_new(call, l, free_link);
}

static int outputs_of(const mx_closure *f) {
    return ((const link *)f->payload)->n_out;
}

static bool call_row(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const link *l = self->payload;
    return n == l->n_in && mx_arrays_add(out, l->c->f(in));
}

/* --- directions ----------------------------------------------------------------------- */

/* Numbers that depend on the shape and the seed alone. */
static mx_array *direction(const mx_array *like, uint64_t seed) {
    mx_array *r = mx_array_empty(like->shape, like->ndim, MX_FLOAT64);
    seed = check_seed(seed);
    for (int64_t i = 0; r && i < r->size; i++)
        ((double *)r->data)[i] = 2 * noise(&seed) - 1;
    return r;
}

/* The places of the differentiable inputs. */
static int free_places(const op_case *c, int *at) {
    int n = 0;
    for (int i = 0; i < inputs_of(c); i++)
        if (differentiable(&c->in[i]))
            at[n++] = i;
    return n;
}

/* --- vjp, jvp --------------------------------------------------------------------------- */

/* <u, f(x)> over all outputs. */
static bool call_weighed(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_closure *f = self->payload;
    mx_arrays y = {0};
    mx_array *sum = f->call(f, in, n, &y) ? mx_scalar(0, MX_FLOAT64) : NULL;
    for (size_t i = 0; i < y.count; i++)
        sum = mx_add(sum, mx_sum_all(mx_mul(y.item[i], direction(y.item[i], 50 + i))));
    bool ok = mx_arrays_add(out, sum);
    mx_arrays_free(&y);
    return ok;
}

static bool call_vjp(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const link *l = self->payload;
    int at[CASE_INPUTS], k = free_places(l->c, at);
    mx_closure f = mx_closure_local(call_weighed, l->inner);
    mx_arrays value = {0};
    bool ok = mx_value_and_grad(&f, in, n, at, k, &value, out);
    mx_arrays_free(&value);
    return ok;
}

/* A function of some of the inputs; the others are fixed. */
typedef struct fixed {
    mx_closure *f;
    mx_array *const *in;
    int n;
    const int *at;
} fixed;

static bool call_fixed(mx_closure *self, mx_array *const *x, int n, mx_arrays *out) {
    const fixed *k = self->payload;
    mx_array *in[CASE_INPUTS];
    for (int i = 0; i < k->n; i++)
        in[i] = k->in[i];
    for (int i = 0; i < n; i++)
        in[k->at[i]] = x[i];
    return k->f->call(k->f, in, k->n, out);
}

static bool call_jvp(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const link *l = self->payload;
    mx_array *x[CASE_INPUTS], *t[CASE_INPUTS];
    int at[CASE_INPUTS], k = free_places(l->c, at);
    fixed g = {l->inner, in, n, at};
    mx_closure f = mx_closure_local(call_fixed, &g);
    mx_arrays value = {0};
    for (int i = 0; i < k; i++) {
        x[i] = in[at[i]];
        t[i] = direction(x[i], 80 + (uint64_t)i);
    }
    bool ok = mx_jvp(&f, x, k, t, k, &value, out);
    mx_arrays_free(&value);
    return ok;
}

/* --- custom: rules that differentiate and map the function itself -------------------------- */

static bool rule_vjp(mx_object *self, mx_array *const *in, const bool *need, int n,
                     mx_array *const *cot, mx_array *const *outputs, int nout, mx_arrays *grads) {
    mx_closure *inner = (mx_closure *)self;
    const link *l = inner->payload;
    mx_array *x[CASE_INPUTS];
    int at[CASE_INPUTS], k = free_places(l->c, at);
    fixed g = {inner, in, n, at};
    mx_closure f = mx_closure_local(call_fixed, &g);
    mx_arrays value = {0}, some = {0};
    (void)outputs, (void)need;
    for (int i = 0; i < k; i++)
        x[i] = in[at[i]];
    bool ok = mx_vjp(&f, x, k, cot, nout, &value, &some);
    for (int i = 0, j = 0; i < n && ok; i++)
        ok = mx_arrays_add(grads,
                           differentiable(&l->c->in[i]) ? some.item[j++] : mx_zeros_like(in[i]));
    mx_arrays_free(&value);
    mx_arrays_free(&some);
    return ok;
}

static bool rule_jvp(mx_object *self, mx_array *const *in, int n, mx_array *const *tangents,
                     const int *argnums, int k, mx_arrays *out) {
    mx_array *x[CASE_INPUTS];
    fixed g = {(mx_closure *)self, in, n, argnums};
    mx_closure f = mx_closure_local(call_fixed, &g);
    mx_arrays value = {0};
    for (int i = 0; i < k; i++)
        x[i] = in[argnums[i]];
    bool ok = mx_jvp(&f, x, k, tangents, k, &value, out);
    mx_arrays_free(&value);
    return ok;
}

static bool rule_vmap(mx_object *self, mx_array *const *in, const int *axes, int n, mx_arrays *out,
                      int *out_axes, int nout) {
    int in_axes[CASE_INPUTS];
    for (int i = 0; i < n; i++)
        in_axes[i] = axes[i] < 0 ? MX_NO_AXIS : axes[i];
    for (int j = 0; j < nout; j++)
        out_axes[j] = 0;
    mx_closure *f = mx_vmap((mx_closure *)self, in_axes, n, out_axes, nout);
    bool ok = f && f->call(f, in, n, out);
    mx_object_release(f ? &f->object : NULL);
    return ok;
}

static mx_closure *custom_of(mx_closure *f) {
    mx_custom *rules = mx_custom_new();
    rules->vjp = rule_vjp;
    rules->jvp = rule_jvp;
    rules->vmap = rule_vmap;
    rules->vjp_self = mx_object_retain(&f->object);
    rules->jvp_self = mx_object_retain(&f->object);
    rules->vmap_self = mx_object_retain(&f->object);
    mx_closure *made = mx_custom_function(f, rules);
    mx_object_release(&rules->object);
    return made;
}

/* --- chains ----------------------------------------------------------------------------------- */

static bool call_inner(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const link *l = self->payload;
    return l->inner->call(l->inner, in, n, out);
}

static mx_closure *row_of(const op_case *c) {
    return link_new(call_row, c, NULL, 1);
}

/* Lets go of f. */
static mx_closure *mapped(mx_closure *f) {
    int front[CASE_INPUTS] = {0};
    return mx_vmap(f, front, ((const link *)f->payload)->n_in, front, outputs_of(f));
}

/* t of f. Takes the reference to f. */
static mx_closure *transformed(transform t, mx_closure *f) {
    const op_case *c = ((const link *)f->payload)->c;
    int at[CASE_INPUTS], n_out = outputs_of(f);
    mx_closure *made = NULL;
    switch (t) {
    case VJP: return link_new(call_vjp, c, f, free_places(c, at));
    case JVP: return link_new(call_jvp, c, f, n_out);
    case VMAP: made = mapped(f); break;
    case COMPILE: made = mx_compile(f, false); break;
    case CHECKPOINT: made = mx_checkpoint(f); break;
    case CUSTOM: made = custom_of(f); break;
    case TRANSFORMS: break;
    }
    mx_object_release(&f->object);
    return link_new(call_inner, c, made, n_out);
}

/* The inputs of a row with this many batch axes in front. */
static void chain_inputs(const op_case *c, int levels, uint64_t seed, mx_array **in) {
    mx_array *items[BATCH][CASE_INPUTS];
    if (levels == 0) {
        make_inputs(c, SHORT, seed, MX_FLOAT64, in);
        return;
    }
    for (int b = 0; b < BATCH; b++)
        chain_inputs(c, levels - 1, seed * 3 + (uint64_t)b, items[b]);
    for (int i = 0; i < inputs_of(c); i++) {
        mx_array *column[BATCH];
        for (int b = 0; b < BATCH; b++)
            column[b] = items[b][i];
        in[i] = mx_stack(column, BATCH, 0);
        mx_eval1(in[i]);
    }
}

typedef struct results {
    mx_arrays list;
    bool ok;
} results;

static results call(mx_closure *f, mx_array *const *in, int n) {
    results r = {{0}, false};
    r.ok = f->call(f, in, n, &r.list) && (int)r.list.count == outputs_of(f) &&
           mx_eval(r.list.item, (int)r.list.count);
    return r;
}

typedef struct chain {
    const op_case *c;
    char name[80];
    mx_closure *before, *f; /* without and with the last transform */
    mx_array *in[CASE_INPUTS];
    int n;
} chain;

static double chain_tolerance(const chain *k) {
    return k->c->flags & SINGLE ? 2e-4 : 1e-9;
}

/* --- checks: against the function before ------------------------------------------------------ */

static void check_equal(const chain *k, const results *y) {
    results want = call(k->before, k->in, k->n);
    CHECK_MSG(want.ok, "%s, %s: %s", k->c->name, k->name, mx_error_message());
    for (size_t i = 0; i < want.list.count && y->ok && want.ok; i++)
        same(k->c, k->name, y->list.item[i], want.list.item[i], chain_tolerance(k));
    mx_arrays_free(&want.list);
}

static void check_loop(const chain *k, const results *y) {
    mx_array *item[CASE_INPUTS];
    for (int b = 0; b < BATCH; b++) {
        for (int i = 0; i < k->n; i++)
            item[i] = mx_squeeze_axis(mx_slice_axis(k->in[i], 0, b, b + 1), 0);
        results want = call(k->before, item, k->n);
        CHECK_MSG(want.ok, "%s, %s, item %d: %s", k->c->name, k->name, b, mx_error_message());
        for (size_t i = 0; i < want.list.count && want.ok; i++)
            same(k->c, k->name, mx_squeeze_axis(mx_slice_axis(y->list.item[i], 0, b, b + 1), 0),
                 want.list.item[i], chain_tolerance(k));
        mx_arrays_free(&want.list);
    }
}

/* The function before, a step along the direction from the inputs. */
static results moved(const chain *k, double h) {
    mx_array *in[CASE_INPUTS];
    int at[CASE_INPUTS], n = free_places(k->c, at);
    for (int i = 0; i < k->n; i++)
        in[i] = k->in[i];
    for (int i = 0; i < n; i++)
        in[at[i]] = mx_add(in[at[i]], mx_mul_s(direction(in[at[i]], 80 + (uint64_t)i), h));
    return call(k->before, in, k->n);
}

static double product(mx_array *a, mx_array *b) {
    mx_array *x = doubles(mx_sum_all(mx_mul(a, b)));
    return x ? at(x, 0) : NAN;
}

/* <gradient, t> of the chain's result. */
static double along_direction(const chain *k, const results *y) {
    int at[CASE_INPUTS], n = free_places(k->c, at);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += product(y->list.item[i], direction(k->in[at[i]], 80 + (uint64_t)i));
    return sum;
}

/* <gradient, t> is <u, f'(x) t>, for functions with kinks, where differences may step over one. */
static void check_adjoint(const chain *k, const results *y) {
    mx_object_retain(&k->before->object);
    mx_closure *f = transformed(JVP, k->before);
    results forth = call(f, k->in, k->n);
    double got = along_direction(k, y), want = forth.ok ? 0 : NAN;
    for (size_t i = 0; forth.ok && i < forth.list.count; i++)
        want += product(forth.list.item[i], direction(forth.list.item[i], 50 + i));
    CHECK_MSG(isfinite(got) && near(got, want, 1e-9), "%s, %s: %.12g, jvp gives %.12g", k->c->name,
              k->name, got, want);
    mx_arrays_free(&forth.list);
    mx_object_release(&f->object);
}

/* jvp: each output. vjp: <gradient, t> is <u, f'(x) t>. */
static void check_differences(const chain *k, const results *y, bool back) {
    double h = k->c->flags & SINGLE ? 1e-2 : 1e-5, tolerance = k->c->flags & SINGLE ? 2e-2 : 1e-5;
    results up = moved(k, h), down = moved(k, -h);
    double want = 0;
    bool ok = CHECK_MSG(up.ok && down.ok, "%s, %s, differences: %s", k->c->name, k->name,
                        mx_error_message());
    for (size_t i = 0; ok && i < up.list.count; i++) {
        mx_array *d = mx_mul_s(mx_sub(up.list.item[i], down.list.item[i]), 0.5 / h);
        if (back)
            want += product(d, direction(d, 50 + i));
        else
            same(k->c, k->name, y->list.item[i], d, tolerance);
    }
    if (ok && back) {
        double got = along_direction(k, y);
        CHECK_MSG(isfinite(got) && near(got, want, tolerance),
                  "%s, %s: %.9g, differences give %.9g", k->c->name, k->name, got, want);
    }
    mx_arrays_free(&up.list);
    mx_arrays_free(&down.list);
}

/* --- checks: all chains ----------------------------------------------------------------------- */

static bool derives(transform t) {
    return t == VJP || t == JVP;
}

/* Does the row have what the chain needs? At most two derivatives and two batch axes. */
static bool row_fits(const op_case *c, const transform *t, int n) {
    int derivatives = 0, axes = 0;
    for (int i = 0; i < n; i++) {
        derivatives += derives(t[i]);
        axes += t[i] == VMAP;
    }
    int at[CASE_INPUTS], most = c->flags & NO_GRAD || free_places(c, at) == 0 ? 0
                                : c->flags & NO_SECOND                        ? 1
                                                                              : 2;
    return derivatives <= most && axes <= (c->flags & NO_VMAP ? 0 : 2);
}

/* t[0] is applied first. */
static void check_chain(const op_case *c, const transform *t, int n) {
    chain k = {.c = c, .n = inputs_of(c)};
    int levels = 0;
    mx_scope s = mx_scope_open();
    k.before = row_of(c);
    for (int i = 0; i < n; i++) {
        levels += t[i] == VMAP;
        char rest[80];
        snprintf(rest, sizeof rest, "%s", k.name);
        snprintf(k.name, sizeof k.name, i ? "%s of %.60s" : "%s", transform_names[t[i]], rest);
        if (i < n - 1)
            k.before = transformed(t[i], k.before);
    }
    k.f = transformed(t[n - 1], mx_object_retain(&k.before->object) ? k.before : NULL);
    chain_inputs(c, levels, 21, k.in);
    results y = call(k.f, k.in, k.n);
    if (CHECK_MSG(y.ok, "%s, %s: %s", c->name, k.name, mx_error_message())) {
        switch (t[n - 1]) {
        case VJP:
            if (c->flags & KINKS)
                check_adjoint(&k, &y);
            else
                check_differences(&k, &y, true);
            break;
        case JVP:
            if (!(c->flags & KINKS))
                check_differences(&k, &y, false);
            break;
        case VMAP: check_loop(&k, &y); break;
        default: check_equal(&k, &y);
        }
    }
    mx_error_clear();
    mx_arrays_free(&y.list);
    mx_object_release(&k.f->object);
    mx_object_release(&k.before->object);
    mx_scope_close(s);
}

__attribute__((unused)) static void check_pairs(const op_case *c) {
    for (int i = 0; i < TRANSFORMS * TRANSFORMS; i++) {
        transform t[2] = {(transform)(i / TRANSFORMS), (transform)(i % TRANSFORMS)};
        if (row_fits(c, t, 2))
            check_chain(c, t, 2);
    }
}

__attribute__((unused)) static void check_triples(const op_case *c) {
    for (int i = 0; i < TRANSFORMS * TRANSFORMS * TRANSFORMS; i++) {
        transform t[3] = {(transform)(i / TRANSFORMS / TRANSFORMS),
                          (transform)(i / TRANSFORMS % TRANSFORMS), (transform)(i % TRANSFORMS)};
        if (row_fits(c, t, 3))
            check_chain(c, t, 3);
    }
}

#endif
