/* Compiling: what the first call costs, and what later calls save.
 *
 *     first     a graph of N nodes traced, simplified and planned (goal: 1,000 nodes in 20 ms)
 *     call      small graphs, compiled and not (goal: half)
 *     shapeless the same with a plan for the shape, and with a shape that is new
 */
#include <stdio.h>
#include <time.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "transforms/compile.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* --- graphs ------------------------------------------------------------------------- */

typedef struct graph {
    const char *name;
    mx_array *(*make)(mx_array *const *in, int n);
    int n;
} graph;

/* n operations in a row, none of which is another's equal. */
static mx_array *chain(mx_array *const *in, int n) {
    mx_array *x = in[0];
    for (int i = 0; i < n; i++)
        x = i % 2 ? mx_add(x, in[1]) : mx_mul(x, in[1]);
    return x;
}

/* Layers of product, bias, tanh and a sum: nodes that are no programs. */
static mx_array *layers(mx_array *const *in, int n) {
    mx_array *x = in[0];
    for (int i = 0; i < n; i++)
        x = mx_tanh(mx_add(mx_matmul(x, in[1]), mx_sum_axis(x, 0, true)));
    return x;
}

static const graph graphs[] = {{"chain of 10", chain, 10},
                               {"chain of 100", chain, 100},
                               {"3 layers", layers, 3},
                               {"25 layers", layers, 25}};

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const graph *g = self->payload;
    (void)n;
    return mx_arrays_add(out, g->make(in, g->n));
}

/* --- timing: the least of several ----------------------------------------------------- */

static double one_call(mx_closure *f, mx_array *const *in) {
    mx_arrays out = {0};
    mx_scope s = mx_scope_open();
    double start = now();
    bool ok = mx_closure_call(f, in, 2, &out) && mx_eval(out.item, (int)out.count);
    double spent = now() - start;
    mx_arrays_free(&out);
    mx_scope_close(s);
    if (!ok)
        printf("%s\n", mx_error_message());
    return spent;
}

static double least(mx_closure *f, mx_array *const *in, int times) {
    double best = 1e30;
    for (int i = 0; i < times; i++) {
        double t = one_call(f, in);
        best = t < best ? t : best;
    }
    return best;
}

static void inputs(int n, mx_array **in) {
    in[0] = mx_mul_s(mx_ones((int[]){n, 8}, 2, MX_FLOAT32), 0.5);
    in[1] = mx_mul_s(mx_ones((int[]){8, 8}, 2, MX_FLOAT32), 0.25);
    if (n != 8)
        in[1] = mx_mul_s(mx_ones((int[]){1, 8}, 2, MX_FLOAT32), 0.25);
    mx_eval(in, 2);
}

static double first_call(const graph *g, mx_array *const *in, bool shapeless) {
    double best = 1e30;
    for (int i = 0; i < 5; i++) {
        mx_closure plain = mx_closure_local(call, (void *)(uintptr_t)g);
        mx_closure *f = mx_compile(&plain, shapeless);
        double t = f ? one_call(f, in) : 0;
        best = t < best ? t : best;
        if (f)
            mx_object_release(&f->object);
    }
    return best;
}

static void bench_first(const char *name, mx_array *(*make)(mx_array *const *, int), int n,
                        int nodes) {
    mx_array *in[2];
    graph g = {name, make, n};
    inputs(8, in);
    double t = first_call(&g, in, false);
    printf("first   %-16s %6d nodes  %8.2f ms  %6.2f us a node  (shapeless %.2f ms)\n", name, nodes,
           t / 1000, t / nodes, first_call(&g, in, true) / 1000);
}

static void bench_call(const graph *g) {
    mx_array *in[2];
    inputs(8, in);
    mx_closure plain = mx_closure_local(call, (void *)(uintptr_t)g);
    mx_closure *f = mx_compile(&plain, false), *any = mx_compile(&plain, true);
    if (f && any) {
        double eager = least(&plain, in, 2000);
        double kept = least(f, in, 2000), shapeless = least(any, in, 2000);
        printf(
            "call    %-16s eager %8.2f us  compiled %8.2f us (%.2f)  shapeless %8.2f us (%.2f)\n",
            g->name, eager, kept, kept / eager, shapeless, shapeless / eager);
    }
    if (f)
        mx_object_release(&f->object);
    if (any)
        mx_object_release(&any->object);
}

int main(void) {
    mx_scope s = mx_scope_open();
    bench_first("chain", chain, 1000, 1000);
    bench_first("layers", layers, 250, 1000);
    bench_first("chain", chain, 100000, 100000);
    for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++)
        bench_call(&graphs[i]);
    mx_scope_close(s);
    return mx_failed();
}
