/* Random graphs, evaluated whole (fused) and node by node: the results are equal to the last
   bit. */

#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "same_values.h"

static uint32_t state = 1;

static int roll(int n) {
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (uint32_t)n);
}

enum { MOST = 60, ROWS = 37, COLS = 211 };

typedef struct graph {
    mx_array *a[MOST];
    int n;
    bool eager;
} graph;

static void add(graph *g, mx_array *a) {
    CHECK(a != NULL);
    if (g->eager)
        CHECK(mx_eval1(a));
    g->a[g->n++] = a;
}

static void start(graph *g, bool eager) {
    int full[2] = {ROWS, COLS}, row[2] = {1, COLS}, col[2] = {ROWS, 1}, turned[2] = {COLS, ROWS};
    *g = (graph){.eager = eager};
    mx_array *key = mx_random_key(check_seed(7));
    add(g, mx_random_normal(full, 2, MX_FLOAT32, NULL, NULL, key));
    add(g, mx_random_normal(row, 2, MX_FLOAT32, NULL, NULL, key));
    add(g, mx_random_normal(col, 2, MX_FLOAT32, NULL, NULL, key));
    add(g, mx_transpose(mx_random_normal(turned, 2, MX_FLOAT32, NULL, NULL, key)));
    add(g, mx_scalar(0.25, MX_FLOAT32));
}

/* One more node over earlier ones. All stay of a shape that broadcasts to (ROWS,COLS). */
static mx_array *grow(const graph *g) {
    mx_array *x = g->a[roll(g->n)], *y = g->a[roll(g->n)], *z = g->a[roll(g->n)];
    static const int last[1] = {-1};
    switch (roll(12)) {
    case 0: return mx_add(x, y);
    case 1: return mx_sub(x, y);
    case 2: return mx_mul(x, y);
    case 3: return mx_maximum(x, y);
    case 4: return mx_tanh(x);
    case 5: return mx_sigmoid(x);
    case 6: return mx_where(mx_greater(x, y), y, z);
    case 7: return mx_square(mx_sin(x));
    case 8: return mx_mul(x, mx_sigmoid(x));
    case 9: return x->ndim == 2 ? mx_sum(x, last, 1, true) : mx_negative(x);
    case 10: return mx_astype(mx_less(x, y), MX_FLOAT32);
    default: return x->ndim == 2 ? mx_softmax(mx_add(x, y), last, 1, false) : mx_abs(x);
    }
}

static void build(graph *g, uint32_t seed, int nodes) {
    state = (uint32_t)check_seed(seed);
    start(g, g->eager);
    while (g->n < 5 + nodes)
        add(g, grow(g));
}

/* Keep only some results, so that the rest is inside programs. */
static int keep(graph *g, mx_array **kept, uint32_t seed) {
    int n = 0;
    state = (uint32_t)check_seed(seed) ^ 0x5bd1e995u;
    kept[n++] = mx_array_retain(g->a[g->n - 1]);
    for (int i = 5; i < g->n - 1; i++)
        if (roll(6) == 0)
            kept[n++] = mx_array_retain(g->a[i]);
    return n;
}

static void compare(uint32_t seed, int nodes) {
    graph fused = {0}, eager = {.eager = true};
    mx_array *a[MOST], *b[MOST];
    mx_scope s = mx_scope_open();
    build(&eager, seed, nodes);
    int n = keep(&eager, b, seed);
    mx_scope_close(s);
    s = mx_scope_open();
    build(&fused, seed, nodes);
    keep(&fused, a, seed);
    mx_scope_close(s);
    CHECK(mx_eval(a, n));
    s = mx_scope_open();
    int wrong = 0;
    for (int i = 0; i < n; i++)
        wrong += !same_values(a[i], b[i]);
    if (wrong)
        printf("seed %u, %d nodes: %d of %d differ\n", seed, nodes, wrong, n);
    CHECK_EQ_INT(wrong, 0);
    mx_scope_close(s);
    for (int i = 0; i < n; i++) {
        mx_array_release(a[i]);
        mx_array_release(b[i]);
    }
}

int main(void) {
    for (uint32_t seed = 1; seed <= 300; seed++)
        compare(seed, 2 + (int)(seed % 50));
    return check_done();
}
