/* Every pair of transforms on every row of the case table, every triple on the composites: see
 * transform_chain.h. With arguments: only the rows of these names. */
#include "transform_chain.h"

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

/* --- against the function before ------------------------------------------------------- */

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

/* jvp: each output. vjp: <gradient, t> is <u, f'(x) t>. */
static void check_differences(const chain *k, const results *y, bool back) {
    double h = k->c->flags & SINGLE ? 1e-2 : 1e-5, tolerance = k->c->flags & SINGLE ? 2e-2 : 1e-5;
    results up = moved(k, h), down = moved(k, -h);
    double got = 0, want = 0;
    bool ok = CHECK_MSG(up.ok && down.ok, "%s, %s, differences: %s", k->c->name, k->name, mx_error_message());
    for (size_t i = 0; ok && i < up.list.count; i++) {
        mx_array *d = mx_mul_s(mx_sub(up.list.item[i], down.list.item[i]), 0.5 / h);
        if (back)
            want += product(d, direction(d, 50 + i));
        else
            same(k->c, k->name, y->list.item[i], d, tolerance);
    }
    int at_[CASE_INPUTS], n = free_places(k->c, at_);
    for (int i = 0; ok && back && i < n; i++)
        got += product(y->list.item[i], direction(k->in[at_[i]], 80 + (uint64_t)i));
    if (ok && back)
        CHECK_MSG(isfinite(got) && near(got, want, tolerance), "%s, %s: %.9g, differences give %.9g", k->c->name, k->name, got,
                  want);
    mx_arrays_free(&up.list);
    mx_arrays_free(&down.list);
}

/* --- chains -------------------------------------------------------------------------------- */

static bool derives(transform t) {
    return t == VJP || t == JVP;
}

/* Does the row have what the chain needs? At most two derivatives and two batch axes. */
static bool fits(const op_case *c, const transform *t, int n) {
    int derivatives = 0, axes = 0;
    for (int i = 0; i < n; i++) {
        derivatives += derives(t[i]);
        axes += t[i] == VMAP;
    }
    int at[CASE_INPUTS], most = c->flags & NO_GRAD || free_places(c, at) == 0 ? 0 : c->flags & NO_SECOND ? 1 : 2;
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
        case JVP: check_differences(&k, &y, t[n - 1] == VJP); break;
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

static void check_pairs(const op_case *c) {
    for (int i = 0; i < TRANSFORMS * TRANSFORMS; i++) {
        transform t[2] = {(transform)(i / TRANSFORMS), (transform)(i % TRANSFORMS)};
        if (fits(c, t, 2))
            check_chain(c, t, 2);
    }
}

static void check_triples(const op_case *c) {
    for (int i = 0; i < TRANSFORMS * TRANSFORMS * TRANSFORMS; i++) {
        transform t[3] = {(transform)(i / TRANSFORMS / TRANSFORMS), (transform)(i / TRANSFORMS % TRANSFORMS),
                          (transform)(i % TRANSFORMS)};
        if (fits(c, t, 3))
            check_chain(c, t, 3);
    }
}

static bool wanted(const op_case *c, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], c->name) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const op_case *c = families[i]; c->name; c++) {
            check_where = c->name;
            if (wanted(c, argc, argv))
                check_pairs(c);
            if (wanted(c, argc, argv) && families[i] == op_cases_composite)
                check_triples(c);
        }
    return check_done();
}
