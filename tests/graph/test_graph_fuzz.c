/* Random graphs of 5 to 50 operations in float64: evaluated node by node and whole they agree to
 * the last bit, and every pair of transforms on them is right (transform_chain.h).
 *
 *     test_graph_fuzz [graphs [first seed]]
 *
 * Half of the graphs are smooth and checked against differences; the others may have kinks.
 */
#include <stdlib.h>

#include "transforms/transform_chain.h"

enum { LEAVES = 3, MOST_NODES = 50, MOST_SIZE = 600, MOST_NDIM = 4 };

typedef struct graph {
    uint64_t state;
    bool kinks, eager;
    mx_array *a[LEAVES + MOST_NODES];
    int n;
} graph;

static int roll(graph *g, int n) {
    return (int)(noise(&g->state) * n);
}

static mx_array *any(graph *g) {
    return g->a[roll(g, g->n)];
}

static int any_axis(graph *g, const mx_array *a) {
    return a->ndim ? roll(g, a->ndim) : 0;
}

/* --- one more operation over x: values stay moderate ------------------------------------------ */

static mx_array *one_plus_square(mx_array *x) {
    return mx_add_s(mx_square(x), 1);
}

static mx_array *unary(graph *g, mx_array *x) {
    switch (roll(g, g->kinks ? 14 : 11)) {
    case 0: return mx_sin(x);
    case 1: return mx_cos(x);
    case 2: return mx_tanh(x);
    case 3: return mx_sigmoid(x);
    case 4: return mx_exp(mx_tanh(x));
    case 5: return mx_log1p(mx_square(x));
    case 6: return mx_erf(x);
    case 7: return mx_sqrt(one_plus_square(x));
    case 8: return mx_negative(x);
    case 9: return mx_mul_s(x, 0.5);
    case 10: return mx_arctan(x);
    case 11: return mx_abs(x);
    case 12: return mx_sub(x, mx_floor(x));
    default: return mx_where(mx_less(x, mx_zero_like(x)), mx_mul_s(x, 0.1), x);
    }
}

static mx_array *binary(graph *g, mx_array *x, mx_array *y) {
    switch (roll(g, g->kinks ? 8 : 5)) {
    case 0: return mx_add(x, y);
    case 1: return mx_sub(x, y);
    case 2: return mx_mul(mx_tanh(x), y);
    case 3: return mx_div(x, one_plus_square(y));
    case 4: return mx_arctan2(x, one_plus_square(y));
    case 5: return mx_maximum(x, y);
    case 6: return mx_minimum(x, mx_mul_s(y, 2));
    default: return mx_where(mx_greater(x, y), mx_sin(y), x);
    }
}

static mx_array *reduced(graph *g, mx_array *x) {
    int axis = any_axis(g, x);
    bool keep = roll(g, 2);
    switch (roll(g, g->kinks ? 6 : 4)) {
    case 0: return mx_mean(x, &axis, 1, keep);
    case 1: return mx_sum(mx_tanh(x), &axis, 1, keep);
    case 2: return mx_logsumexp(x, &axis, 1, keep);
    case 3: return mx_var(x, &axis, 1, keep, 0);
    case 4: return mx_reduce(MX_MAX, x, &axis, 1, keep);
    default: return mx_reduce(MX_MIN, x, &axis, 1, keep);
    }
}

static mx_array *along(graph *g, mx_array *x) {
    int axis = any_axis(g, x), last = -1;
    switch (roll(g, g->kinks ? 6 : 4)) {
    case 0: return mx_softmax(x, &axis, 1, false);
    case 1: return mx_mul_s(mx_scan(MX_CUMSUM, x, axis, roll(g, 2), true), 0.3);
    case 2: return mx_scan(MX_CUMLOGSUMEXP, x, axis, false, true);
    case 3: return mx_softmax(mx_mul_s(x, 2), &last, 1, true);
    case 4: return mx_sort(x, axis);
    default: return mx_scan(MX_CUMMAX, x, axis, false, true);
    }
}

static mx_array *viewed(graph *g, mx_array *x) {
    int axis = any_axis(g, x), n = x->shape[axis], from = roll(g, n);
    switch (roll(g, 8)) {
    case 0: return mx_transpose(x);
    case 1: return mx_flatten(x, 0, -1);
    case 2: return mx_slice_axis(x, axis, from, n);
    case 3: return mx_flip(x, &axis, 1);
    case 4: return mx_expand_dim(x, axis);
    case 5: return mx_moveaxis(x, axis, 0);
    case 6: return mx_roll(x, &from, 1, &axis, 1);
    default: return mx_contiguous(mx_swapaxes(x, axis, -1), false);
    }
}

static mx_array *joined(graph *g, mx_array *x) {
    int axis = any_axis(g, x), one = 1, none = 0;
    mx_array *pair[2] = {x, mx_tanh(x)};
    switch (roll(g, 4)) {
    case 0: return mx_concatenate(pair, 2, axis);
    case 1: return mx_stack(pair, 2, axis);
    case 2: return mx_pad(x, &axis, 1, &one, &none, NULL, "constant");
    default: return mx_repeat(x, 2, axis);
    }
}

static mx_array *indexed(graph *g, mx_array *x) {
    int axis = any_axis(g, x), n = x->shape[axis];
    mx_array *places =
        mx_remainder(mx_mul_s(mx_arange(0, n, 1, MX_INT32), 2), mx_scalar_i64(n, MX_INT32));
    mx_array *order = mx_stop_gradient(mx_argsort(x, axis));
    switch (roll(g, g->kinks ? 3 : 1)) {
    case 0: return mx_take(x, places, axis);
    case 1: return mx_take_along_axis(x, order, axis);
    default: return mx_scatter_axis(MX_SCATTER_SUM, x, order, mx_sin(x), axis);
    }
}

static mx_array *multiplied(graph *g, mx_array *x) {
    if (x->ndim < 2)
        return mx_mul_s(mx_inner(x, x), 0.2);
    mx_array *y = mx_tanh(mx_swapaxes(x, -1, -2));
    return mx_mul_s(roll(g, 2) ? mx_matmul(x, y) : mx_matmul(y, x), 0.3);
}

/* NULL without an error: that would not fit. */
static mx_array *grown(graph *g) {
    mx_array *x = any(g), *y = any(g);
    int kind = roll(g, 16);
    if (kind < 4 || x->ndim == 0)
        return unary(g, x);
    if (kind < 8)
        return binary(g, x, y);
    if (x->size == 0 || (kind >= 13 && (x->ndim == MOST_NDIM || x->size * 2 > MOST_SIZE)))
        return NULL;
    switch (kind) {
    case 8: return reduced(g, x);
    case 9:
    case 10: return along(g, x);
    case 11:
    case 12: return viewed(g, x);
    case 13: return joined(g, x);
    case 14: return indexed(g, x);
    default: return multiplied(g, x);
    }
}

/* --- graphs ----------------------------------------------------------------------------------- */

static bool fits_in(const mx_array *a) {
    return a && a->ndim <= MOST_NDIM && a->size <= MOST_SIZE;
}

/* Shapes that do not broadcast are refused; another operation is tried. */
static bool add(graph *g) {
    for (int tries = 0; tries < 100; tries++) {
        mx_array *a = grown(g);
        mx_error_clear();
        if (!fits_in(a))
            continue;
        if (g->eager && !mx_eval1(a))
            return false;
        g->a[g->n++] = a;
        return true;
    }
    return false;
}

static uint64_t seed;
static bool eager;

/* The last three values in one, so that the graph has several ends. */
static mx_array *build(mx_array *const *in) {
    graph g = {.state = check_seed(seed) * 2654435761u + 1,
               .kinks = seed % 2,
               .eager = eager,
               .n = LEAVES};
    int nodes = 5 + roll(&g, MOST_NODES - 4);
    for (int i = 0; i < LEAVES; i++)
        g.a[i] = in[i];
    for (int i = 0; i < nodes; i++)
        if (!add(&g))
            return mx_failed() ? NULL : mx_fail(MX_INTERNAL, "[fuzz] nothing fits");
    mx_array *y = g.a[g.n - 1];
    for (int i = 2; i <= 3; i++)
        y = mx_add(y, mx_mean(mx_sin(g.a[g.n - i]), NULL, 0, false));
    return y;
}

static void check_whole(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    mx_scope s = mx_scope_open();
    make_inputs(c, SHORT, 1, MX_FLOAT64, in);
    eager = true;
    mx_array *one_by_one = build(in);
    eager = false;
    same(c, "node by node", build(in), one_by_one, 0);
    mx_scope_close(s);
}

int main(int argc, char **argv) {
    long graphs = argc > 1 ? atol(argv[1]) : 200, first = argc > 2 ? atol(argv[2]) : 1;
    for (long i = 0; i < graphs; i++) {
        char name[40];
        seed = (uint64_t)(first + i);
        snprintf(name, sizeof name, "graph %ld", first + i);
        op_case c = {name,
                     build,
                     NULL,
                     NULL,
                     seed % 2 ? KINKS : 0,
                     {{2, {3, 4}, -1, 1, false, false},
                      {1, {4}, -1, 1, false, false},
                      {3, {2, 3, 1}, -1, 1, false, false}}};
        check_where = name;
        check_whole(&c);
        check_pairs(&c);
    }
    return check_done();
}
