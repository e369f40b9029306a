/* Values of float16 and bfloat16 do not depend on what is computed together.
 *
 * Random graphs of halves, mixed with other dtypes, are evaluated after every operation, all at
 * once, here and there, compiled, compiled for any shape, on several threads and with every
 * instruction set; so are their gradients. Results are equal to the last bit. */

#include "base/half.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/show/print.h"
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "same_values.h"
#include "transforms/compile.h"
#include "transforms/transforms.h"

enum { MOST = 48, GIVEN = 6, ROWS = 37, COLS = 211 };

typedef enum how { AT_ONCE, EVERY_STEP, HERE_AND_THERE } how;

/* What a closure builds: everything but `how` decides the graph. */
typedef struct recipe {
    uint32_t seed;
    int nodes;
    /* only operations that are exact or correctly rounded: equal with every instruction set */
    bool exact;
    bool smooth; /* for gradients: floats alone */
    how how;
} recipe;

typedef struct graph {
    recipe r;
    uint32_t state, pause;
    mx_array *a[MOST];
    int n;
} graph;

static int next(uint32_t *state, int n) {
    *state = *state * 1664525u + 1013904223u;
    return (int)((*state >> 8) % (uint32_t)n);
}
static int roll(graph *g, int n) {
    return next(&g->state, n);
}
/* Mostly one of the last, so that chains become long. */
static mx_array *any(graph *g) {
    return g->a[roll(g, 3) ? g->n - 1 - roll(g, 4) : roll(g, g->n)];
}

/* --- the operations --------------------------------------------------------------------------- */

static mx_array *cast(graph *g, mx_array *x) {
    static const mx_dtype to[] = {MX_FLOAT16, MX_BFLOAT16, MX_FLOAT32, MX_FLOAT64,
                                  MX_INT32,   MX_INT8,     MX_UINT16,  MX_BOOL};
    return mx_astype(x, to[roll(g, g->r.smooth ? 4 : 8)]);
}

static mx_array *number(mx_array *x) {
    return mx_dtype_of(x) == MX_BOOL ? mx_astype(x, MX_FLOAT16) : x;
}

static mx_array *real(mx_array *x) {
    return mx_dtype_is_float(mx_dtype_of(x)) ? x : mx_astype(x, MX_BFLOAT16);
}

static mx_array *exact(graph *g) {
    mx_array *x = number(any(g)), *y = number(any(g)), *z = any(g);
    switch (roll(g, 12)) {
    case 0: return mx_add(x, y);
    case 1: return mx_sub(x, y);
    case 2: return mx_mul(x, y);
    case 3: return mx_div(x, y);
    case 4: return mx_maximum(x, mx_minimum(y, z));
    case 5: return mx_where(mx_less(x, y), y, z);
    case 6: return mx_square(x);
    case 7: return mx_sqrt(mx_abs(x));
    case 8: return mx_negative(mx_floor(x));
    case 9: return mx_mul_s(real(x), 0.1);
    case 10: return mx_astype(mx_equal(mx_add(x, y), mx_add(y, x)), MX_FLOAT16);
    default: return cast(g, x);
    }
}

static mx_array *rounded(graph *g) {
    mx_array *x = real(any(g)), *y = real(any(g));
    int axis = roll(g, 2);
    switch (roll(g, 14)) {
    case 0: return mx_exp(mx_negative(mx_abs(x)));
    case 1: return mx_tanh(x);
    case 2: return mx_sigmoid(mx_mul(x, y));
    case 3: return mx_log1p(mx_abs(x));
    case 4: return mx_sin(x);
    case 5: return mx_power(mx_abs(x), mx_scalar_like(x, 1.5));
    case 6: return mx_logaddexp(x, y);
    case 7: return x->ndim == 2 ? mx_sum_axis(x, axis, true) : mx_erf(x);
    case 8: return x->ndim == 2 ? mx_mean(mx_square(x), &axis, 1, true) : mx_cos(x);
    case 9: return x->ndim == 2 ? mx_reduce(MX_MAX, mx_add(x, y), &axis, 1, true) : x;
    case 10: return x->ndim == 2 ? mx_softmax(mx_add(x, y), &axis, 1, false) : x;
    case 11: return x->ndim == 2 ? mx_logsumexp(mx_mul(x, y), &axis, 1, true) : x;
    case 12: return x->ndim == 2 ? mx_var(x, &axis, 1, true, 0) : x;
    default:
        return x->ndim == 2 ? mx_scan(MX_CUMSUM, mx_mul_s(x, 0.01), axis, false, true)
                            : mx_rsqrt(mx_add_s(mx_square(x), 1));
    }
}

static mx_array *grow(graph *g) {
    return g->r.exact || roll(g, 2) ? exact(g) : rounded(g);
}

/* --- building --------------------------------------------------------------------------------- */

static void add(graph *g, mx_array *a) {
    CHECK(a != NULL);
    bool pause = g->r.how == EVERY_STEP || (g->r.how == HERE_AND_THERE && next(&g->pause, 4) == 0);
    if (a && pause)
        CHECK(mx_eval1(a));
    g->a[g->n++] = a;
}

static bool build(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    const recipe *r = self->payload;
    graph g = {.r = *r, .state = (uint32_t)check_seed(r->seed), .pause = r->seed ^ 77};
    for (int i = 0; i < nin; i++)
        add(&g, in[i]);
    while (g.n < nin + r->nodes)
        add(&g, grow(&g));
    bool ok = mx_arrays_add(out, g.a[g.n - 1]);
    for (int i = nin; i < g.n - 1; i++)
        if (roll(&g, 6) == 0)
            ok = ok && mx_arrays_add(out, g.a[i]);
    return ok;
}

/* The sum of all that is real, in float32. */
static bool build_loss(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    mx_arrays y = {0};
    bool ok = build(self, in, nin, &y);
    mx_array *sum = mx_scalar(0, MX_FLOAT32);
    for (size_t i = 0; i < y.count; i++)
        if (mx_dtype_is_float(mx_dtype_of(y.item[i])))
            sum = mx_add(sum, mx_sum_all(mx_astype(mx_tanh(y.item[i]), MX_FLOAT32)));
    ok = ok && mx_arrays_add(out, sum);
    mx_arrays_free(&y);
    return ok;
}

static const int all_inputs[GIVEN] = {0, 1, 2, 3, 4, 5};

static bool build_gradient(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    mx_closure *loss = self->payload;
    mx_arrays y = {0}, g = {0};
    bool ok = mx_value_and_grad(loss, in, nin, all_inputs, nin, &y, &g) &&
              mx_arrays_add_all(out, y.item, y.count) && mx_arrays_add_all(out, g.item, g.count);
    mx_arrays_free(&y);
    mx_arrays_free(&g);
    return ok;
}

static void make_inputs(mx_array **in) {
    int full[2] = {ROWS, COLS}, row[2] = {1, COLS}, col[2] = {ROWS, 1}, turned[2] = {COLS, ROWS};
    mx_array *key = mx_random_key(check_seed(7));
    in[0] = mx_random_normal(full, 2, MX_FLOAT16, NULL, NULL, key);
    in[1] = mx_mul_s(mx_random_normal(row, 2, MX_BFLOAT16, NULL, NULL, key), 100);
    in[2] = mx_mul_s(mx_random_normal(col, 2, MX_FLOAT16, NULL, NULL, key), 30);
    in[3] = mx_transpose(mx_random_normal(turned, 2, MX_BFLOAT16, NULL, NULL, key));
    in[4] = mx_scalar(0.3, MX_FLOAT16);
    in[5] = mx_random_normal(full, 2, MX_FLOAT32, NULL, NULL, key);
    CHECK(mx_eval(in, GIVEN));
}

/* --- comparing -------------------------------------------------------------------------------- */

static int differing(const mx_arrays *a, const mx_arrays *b) {
    int wrong = a->count == b->count ? 0 : 1;
    for (size_t i = 0; i < a->count && i < b->count; i++)
        wrong += !same_values(a->item[i], b->item[i]);
    return wrong;
}

/* f at the inputs, evaluated together. */
static mx_arrays results(mx_closure *f, mx_array *const *in, int threads) {
    mx_arrays out = {0};
    mx_scope s = mx_scope_open();
    mx_pool_set_threads(threads);
    CHECK(mx_closure_call(f, in, GIVEN, &out));
    mx_scope_close(s);
    CHECK(mx_eval(out.item, (int)out.count));
    mx_pool_set_threads(0);
    return out;
}

static void compare(const char *what, const recipe *r, mx_closure *f, mx_array *const *in,
                    int threads, const mx_arrays *expected) {
    mx_scope s = mx_scope_open();
    mx_arrays got = f ? results(f, in, threads) : (mx_arrays){0};
    int wrong = differing(&got, expected);
    CHECK_MSG(wrong == 0, "%s, %s, seed %u, %d nodes: %d of %zu differ", mx_kernels_get()->name,
              what, r->seed, r->nodes, wrong, expected->count);
    mx_arrays_free(&got);
    mx_scope_close(s);
}

static void compare_compiled(const char *what, const recipe *r, mx_closure *f, bool shapeless,
                             mx_array *const *in, const mx_arrays *expected) {
    mx_closure *c = mx_compile(f, shapeless);
    compare(what, r, c, in, 2, expected);
    if (c)
        mx_object_release(&c->object);
}

static mx_arrays check_values(const recipe *given, mx_array *const *in) {
    recipe every = *given, once = *given, some = *given;
    every.how = EVERY_STEP;
    once.how = AT_ONCE;
    some.how = HERE_AND_THERE;
    mx_closure f = mx_closure_local(build, &every), g = mx_closure_local(build, &once),
               h = mx_closure_local(build, &some);
    mx_arrays expected = results(&f, in, 1);
    compare("on four threads", given, &f, in, 4, &expected);
    compare("at once", given, &g, in, 1, &expected);
    compare("at once on four threads", given, &g, in, 4, &expected);
    compare("here and there", given, &h, in, 2, &expected);
    compare_compiled("compiled", given, &g, false, in, &expected);
    compare_compiled("compiled for any shape", given, &g, true, in, &expected);
    return expected;
}

static void check_gradients(const recipe *given, mx_array *const *in) {
    recipe every = *given, once = *given;
    every.how = EVERY_STEP;
    once.how = AT_ONCE;
    mx_closure f = mx_closure_local(build_loss, &every), g = mx_closure_local(build_loss, &once);
    mx_closure *c = mx_compile(&g, false);
    mx_closure df = mx_closure_local(build_gradient, &f), dg = mx_closure_local(build_gradient, &g),
               dc = mx_closure_local(build_gradient, c);
    mx_arrays expected = results(&df, in, 1);
    compare("gradient at once", given, &dg, in, 4, &expected);
    compare("gradient of the compiled function", given, c ? &dc : NULL, in, 2, &expected);
    compare_compiled("compiled gradient", given, &dg, false, in, &expected);
    mx_arrays_free(&expected);
    if (c)
        mx_object_release(&c->object);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void with_each_set(void (*test)(uint32_t seed, mx_array *const *in, mx_arrays *first),
                          uint32_t seeds) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    const char *own = mx_kernels_get()->name;
    mx_array *in[GIVEN];
    mx_scope s = mx_scope_open();
    make_inputs(in);
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        mx_arrays first = {0};
        for (int i = 0; i < count; i++) {
            CHECK(mx_kernels_choose(all[i]->name));
            test(seed, in, &first);
        }
        mx_arrays_free(&first);
    }
    CHECK(mx_kernels_choose(own));
    mx_scope_close(s);
}

static void one_graph(uint32_t seed, mx_array *const *in, mx_arrays *first) {
    (void)first;
    recipe r = {.seed = seed, .nodes = 2 + (int)(seed * 7 % 40)};
    mx_arrays y = check_values(&r, in);
    mx_arrays_free(&y);
}
static void random_graphs(void) {
    with_each_set(one_graph, 200);
}

static void one_exact(uint32_t seed, mx_array *const *in, mx_arrays *first) {
    recipe r = {.seed = seed + 1000, .nodes = 2 + (int)(seed * 7 % 40), .exact = true};
    mx_arrays y = check_values(&r, in);
    if (first->count)
        CHECK_MSG(differing(&y, first) == 0, "%s: differs from another instruction set, seed %u",
                  mx_kernels_get()->name, r.seed);
    else
        CHECK(mx_arrays_add_all(first, y.item, y.count));
    mx_arrays_free(&y);
}
static void exact_graphs(void) {
    with_each_set(one_exact, 100);
}

static void one_gradient(uint32_t seed, mx_array *const *in, mx_arrays *first) {
    (void)first;
    recipe r = {.seed = seed + 2000, .nodes = 2 + (int)(seed * 5 % 16), .smooth = true};
    check_gradients(&r, in);
}
static void gradients(void) {
    with_each_set(one_gradient, 150);
}

int main(void) {
    RUN(random_graphs);
    RUN(exact_graphs);
    RUN(gradients);
    return check_done();
}
