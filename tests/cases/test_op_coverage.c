/* Every primitive of prims.def is built by some row of the case table: in the row's graph, in the
 * graph of its gradient, compiled, or as a checkpoint. */
#include "op_case_run.h"

#include "graph/trace/trace.h"
#include "transforms/compile.h"
#include "transforms/custom.h"
#include "transforms/traced.h"

static bool seen[MX_PRIM_COUNT];

/* Primitives that wait for their row, each with the reason. */
static const struct {
    mx_prim prim;
    const char *why;
} exempt[] = {
    {MX_PRIM_load, "needs a file: test_io_load"},
    {MX_PRIM_plugin, "its meaning is a program's: test_capi_operation"},
    {MX_PRIM_reduce_windows, "stands for others where no transform looks: test_ops_windows"},
    {MX_PRIM_COUNT, NULL},
};

static void note(mx_array *const *roots, size_t n) {
    mx_traced t;
    if (CHECK_MSG(mx_traced_open(&t, roots, n, NULL, 0), "%s: %s", check_where, mx_error_message()))
        for (int32_t i = 0; i < t.plan.n_step; i++)
            seen[t.plan.step[i].node->prim] = true;
    mx_error_clear();
    mx_traced_free(&t);
}

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    return mx_arrays_add(out, ((const op_case *)self->payload)->f(in));
}

/* With placeholders for inputs nothing is available, so every view is a node. */
static void note_graph(const op_case *c, mx_closure *k, mx_array *const *in, int n) {
    mx_array *p[CASE_INPUTS] = {0};
    mx_arrays out = {0};
    mx_closure *checkpoint = mx_checkpoint(k);
    mx_trace_enter();
    for (int i = 0; i < n; i++) {
        p[i] = mx_placeholder(in[i]->shape, in[i]->ndim, mx_dtype_of(in[i]));
        p[i]->tracer = mx_trace_level();
    }
    bool ok = checkpoint && checkpoint->call(checkpoint, p, n, &out);
    if (CHECK_MSG(ok, "%s: %s", c->name, mx_error_message()))
        note(out.item, out.count);
    mx_error_clear();
    mx_trace_leave();
    mx_arrays_free(&out);
    mx_object_release(&checkpoint->object);
}

/* The gradient towards the first input. */
static void note_gradient(const op_case *c, mx_closure *k, mx_array *const *in, int n) {
    mx_arrays outs = {0}, grads = {0};
    mx_array *y = c->f(in), *g = y ? mx_ones_like(y) : NULL;
    if (g && mx_vjp(k, in, n, &g, 1, &outs, &grads))
        note(grads.item, grads.count);
    mx_error_clear(); // what it refuses is test_op_cases' business
    mx_arrays_free(&outs);
    mx_arrays_free(&grads);
}

static void note_compiled(mx_closure *k, mx_array *const *in, int n) {
    mx_arrays out = {0};
    mx_closure *compiled = mx_compile(k, false);
    if (compiled && CHECK(compiled->call(compiled, in, n, &out)))
        note(out.item, out.count);
    mx_arrays_free(&out);
    mx_object_release(&compiled->object);
}

static void note_case(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    mx_closure k = mx_closure_local(call, (void *)(uintptr_t)c);
    mx_scope s = mx_scope_open();
    check_where = c->name;
    make_inputs(c, SHORT, 1, MX_FLOAT32, in);
    note_graph(c, &k, in, inputs_of(c));
    note_gradient(c, &k, in, inputs_of(c));
    note_compiled(&k, in, inputs_of(c));
    mx_scope_close(s);
}

static const char *excuse(mx_prim p) {
    for (int i = 0; exempt[i].why; i++)
        if (exempt[i].prim == p)
            return exempt[i].why;
    return "";
}

int main(void) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const op_case *c = families[i]; c->name; c++)
            note_case(c);
    check_where = "coverage";
    for (int p = 0; p < MX_PRIM_COUNT; p++) {
        const char *name = mx_prims[p]->name, *why = excuse((mx_prim)p);
        CHECK_MSG(seen[p] || *why, "no row of the case table builds %s", name);
        CHECK_MSG(!seen[p] || !*why, "%s has a row and is still exempt: %s", name, why);
    }
    return check_done();
}
