/* The CPU backend's face towards the graph: see graph/eval/backend.h. */
#include "cpu/cpu.h"

#include "base/status.h"
#include "cpu/program/cpu_program.h"

static cpu_run_fn *const families[MX_PRIM_COUNT] = {
#define PRIM(name, Name, family) cpu_##family,
#include "graph/array/prims.def"
};

static bool run(mx_node *n, mx_array **out, const mx_program *feed) {
    return families[n->prim](n, out, feed);
}

/* Pointwise nodes always come as programs. */
bool cpu_pointwise(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)out;
    (void)feed;
    return mx_fail(MX_INTERNAL, "[%s] a pointwise node was run by itself", mx_node_desc(n)->name);
}

const mx_backend mx_cpu_backend = {
    .name = "cpu",
    .run = run,
    .run_program = cpu_program_run,
    .can_feed = cpu_can_feed,
};
