/* Functions traced once and used with other shapes: compiled, and through files. Each case is
 * called with three sets of shapes; the results are those of the function itself, or the call is
 * refused. */
#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/trace/trace.h"
#include "io/io.h"
#include "io_files.h"
#include "ops/ops.h"
#include "transforms/compile.h"
#include "transforms/mlxfn/export.h"
#include "transforms/transforms.h"

enum { X = 2 };
#define AXES(...) \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define CASE(name, expression)                   \
    static mx_array *name(mx_array *const *in) { \
        mx_array *x = in[0], *y = in[1];         \
        (void)y;                                 \
        return expression;                       \
    }

/* With numbers that the function itself says, as public calls do. */
#define SAID_CASE(name, expression)              \
    static mx_array *name(mx_array *const *in) { \
        mx_array *x = in[0];                     \
        mx_trace_set_says(true);                 \
        mx_array *said = expression;             \
        mx_trace_set_says(false);                \
        return said;                             \
    }

/* x (n, m), y (m) */
CASE(add, mx_add(x, y))
CASE(mean, mx_mean(x, AXES(0), true))
CASE(mean_all, mx_mul(mx_mean(x, NULL, 0, false), y))
CASE(var, mx_var(x, AXES(-1), false, 0))
CASE(deviation, mx_std(x, AXES(0), false, 1))
CASE(standard, mx_div(mx_sub(x, mx_mean(x, AXES(1), true)), mx_std(x, AXES(1), true, 0)))
CASE(softmax, mx_softmax(x, AXES(-1), true))
CASE(softmax_first, mx_softmax(x, AXES(0), true))
CASE(softmax_all, mx_softmax(x, AXES(0, 1), true))
CASE(logsumexp, mx_logsumexp(x, AXES(0, 1), true))
CASE(flat, mx_flatten(x, 0, -1))
SAID_CASE(line, mx_reshape(x, AXES(-1)))
SAID_CASE(column, mx_reshape(x, AXES(-1, 1)))
CASE(expanded, mx_expand_dims(x, AXES(0, 2)))
CASE(squeezed, mx_squeeze_axis(mx_sum(x, AXES(1), true), 1))
CASE(parts, mx_unflatten(x, 0, AXES(1, -1)))
CASE(rows_affine, mx_addmm(y, mx_expand_dim(x, 0), mx_matmul(mx_transpose(x), x), 1, 1))
CASE(zeros, mx_add(mx_zeros_like(x), y))
CASE(ones, mx_ones_like(x))
CASE(gram, mx_matmul(x, mx_transpose(x)))
CASE(batch, mx_matmul(mx_expand_dim(x, 0), mx_transpose(x)))
CASE(affine, mx_addmm(y, x, mx_matmul(mx_transpose(x), x), 2, 0.5))
CASE(joined, mx_concatenate((mx_array *[]){x, x}, 2, 1))
CASE(stacked, mx_stack((mx_array *[]){x, x}, 2, 1))
CASE(sorted, mx_sort(x, 0))
CASE(sums, mx_scan(MX_CUMSUM, x, 0, false, true))
CASE(best, mx_arg_reduce_all(true, x, false))
SAID_CASE(padded, mx_pad(x, AXES(0, 1), (const int[]){1, 0}, (const int[]){0, 2}, NULL, "constant"))
CASE(normed, mx_rms_norm(x, y, 1e-5))
CASE(layer, mx_layer_norm(x, y, NULL, 1e-5))
CASE(cubes, mx_sum_all(mx_mul(x, mx_square(mx_mul(x, y)))))
CASE(spread, mx_sum_all(mx_square(mx_sub(mx_flatten(x, 0, 1), mx_mean(x, NULL, 0, false)))))
CASE(clipped, mx_clip(x, mx_scalar(2, MX_FLOAT32), mx_mean(x, NULL, 0, false)))
/* These hold numbers of the shapes. */
CASE(rest, mx_slice_axis(x, 0, 1, 2))
CASE(flipped, mx_flip(x, AXES(0)))
CASE(rows, mx_take(x, mx_scalar_i64(0, MX_INT32), 0))
CASE(rolled, mx_roll(x, AXES(2, -1), AXES(0, 1)))
CASE(rolled_flat, mx_roll(x, AXES(5), NULL, 0))
CASE(tail_set, mx_slice_update(MX_SCATTER_NONE, x, mx_scalar(7, MX_FLOAT32), (int[]){0, -1},
                               (int[]){1000, 1000}, NULL))
CASE(column_gather,
     mx_gather(x, (mx_array *[]){mx_scalar_i64(-1, MX_INT32)}, AXES(1), (int[]){-1, 1}))

typedef struct shapeless_case {
    const char *name;
    mx_array *(*f)(mx_array *const *in);
    bool bound;    /* refused with other shapes */
    bool gradient; /* also of its gradient towards x */
    bool file;     /* refused where it comes from a file */
} shapeless_case;

#define ROW(name) {#name, name, false, false, false}
static const shapeless_case cases[] = {
    ROW(add),
    ROW(mean),
    ROW(mean_all),
    ROW(var),
    ROW(deviation),
    ROW(standard),
    ROW(softmax),
    ROW(softmax_first),
    ROW(softmax_all),
    ROW(logsumexp),
    ROW(flat),
    ROW(line),
    ROW(column),
    ROW(expanded),
    ROW(squeezed),
    ROW(parts),
    ROW(rows_affine),
    ROW(zeros),
    ROW(ones),
    ROW(gram),
    ROW(batch),
    ROW(affine),
    ROW(joined),
    ROW(stacked),
    ROW(sorted),
    ROW(sums),
    ROW(best),
    ROW(padded),
    ROW(normed),
    ROW(layer),
    ROW(clipped),
    {"cubes", cubes, false, true, false},
    {"spread", spread, false, true, false},
    {"rest", rest, true, false, false},
    {"flipped", flipped, false, false, true},
    {"rows", rows, false, false, true},
    {"rolled", rolled, false, false, true},
    {"rolled_flat", rolled_flat, false, false, true},
    {"tail_set", tail_set, false, false, true},
    {"column_gather", column_gather, false, false, true},
};

/* --- calls -------------------------------------------------------------------------- */

static const int shapes[][2] = {{3, 4}, {5, 2}, {1, 6}, {3, 4}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void make(int k, mx_array **in) {
    int n = shapes[k][0], m = shapes[k][1];
    mx_array *t = mx_sin(mx_arange(1 + k, 1 + k + n * m, 1, MX_FLOAT32));
    in[0] = mx_reshape(t, (int[]){n, m}, 2);
    in[1] = mx_add_s(mx_arange(0, m, 1, MX_FLOAT32), 0.5);
    mx_eval(in, X);
}

static int calls;

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    calls++;
    return mx_arrays_add(out, ((const shapeless_case *)self->payload)->f(in));
}

/* The gradient of a sum towards x. */
static bool call_gradient(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_arrays outs = {0};
    mx_closure k = mx_closure_local(call, self->payload);
    const int first = 0;
    bool ok = mx_value_and_grad(&k, in, n, &first, 1, &outs, out);
    mx_arrays_free(&outs);
    return ok;
}

/* The one result; NULL: refused. */
static mx_array *result(mx_closure *f, mx_array *const *in) {
    mx_arrays out = {0};
    bool ok = f->call(f, in, X, &out) && mx_eval(out.item, (int)out.count);
    mx_array *y = ok && out.count == 1 ? mx_own(mx_array_retain(out.item[0])) : NULL;
    mx_arrays_free(&out);
    return y;
}

static void check_result(const shapeless_case *c, const char *how, mx_array *y, mx_array *want) {
    bool ok = y && want && y->dtype == want->dtype && mx_same_shape(y, want);
    mx_array *near = ok ? mx_allclose(y, want, 1e-5, 1e-6, true) : NULL;
    ok = ok && mx_eval1(near) && *(bool *)near->data;
    CHECK_MSG(ok, "%s, %s: %s", c->name, how, mx_failed() ? mx_error_message() : "another result");
    mx_error_clear();
}

static void check_calls(const shapeless_case *c, const char *how, mx_closure *f,
                        mx_closure *plain) {
    for (int k = 0; k < SHAPES; k++) {
        mx_array *in[X];
        make(k, in);
        mx_array *y = result(f, in);
        bool bound = c->bound || (c->file && strcmp(how, "compiled") != 0);
        if (!bound || (shapes[k][0] == shapes[0][0] && shapes[k][1] == shapes[0][1])) {
            check_result(c, how, y, result(plain, in));
            continue;
        }
        CHECK_MSG(!y && strstr(mx_error_message(), "cannot infer output shapes"), "%s, %s: %s",
                  c->name, how, mx_error_message());
        mx_error_clear();
    }
}

/* One call of the function for all shapes. */
static void check_compiled(const shapeless_case *c, mx_closure *plain) {
    mx_closure *f = mx_compile(plain, true);
    mx_array *in[X];
    make(0, in);
    calls = 0;
    for (int k = 0; f && k < SHAPES; k++) {
        make(k, in);
        result(f, in);
        mx_error_clear();
    }
    CHECK_MSG(calls == 1, "%s was called %d times", c->name, calls);
    if (f)
        check_calls(c, "compiled", f, plain);
    if (f)
        mx_object_release(&f->object);
    CHECK(!mx_trace_shapeless());
}

static bool call_imported(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    return mx_imported_call(self->payload, in, n, NULL, 0, out);
}

/* Arrays of other shapes than the trace's, for another engine (reference_mlxfn.py). */
static void keep_arrays(const shapeless_case *c, mx_closure *plain) {
    mx_array *in[X];
    mx_map arrays = {0};
    char name[128];
    make(1, in);
    mx_map_set(&arrays, "in0", in[0], NULL);
    mx_map_set(&arrays, "in1", in[1], NULL);
    mx_map_set(&arrays, "out", result(plain, in), NULL);
    snprintf(name, sizeof name, "%s.safetensors", c->name);
    CHECK(mx_save_safetensors(own_path(name), &arrays, NULL));
    mx_map_free(&arrays, NULL);
}

static void check_file(const shapeless_case *c, mx_closure *plain) {
    mx_array *in[X];
    char name[128];
    const char *keep = getenv("MLX_TEST_KEEP");
    make(0, in);
    snprintf(name, sizeof name, "%s.mlxfn", c->name);
    if (keep)
        snprintf(folder, sizeof folder, "%s", keep);
    mx_exporter *e = mx_exporter_open(own_path(name), true, NULL);
    bool ok = e && mx_exporter_add(e, plain, in, X, NULL, 0);
    ok = mx_exporter_close(e) && ok;
    mx_imported *f = ok ? mx_import_function(own_path(name)) : NULL;
    CHECK_MSG(f != NULL, "%s: %s", c->name, mx_error_message());
    if (keep && !c->bound && !c->file)
        keep_arrays(c, plain);
    mx_closure k = mx_closure_local(call_imported, f);
    if (f)
        check_calls(c, "from its file", &k, plain);
    mx_error_clear();
    mx_imported_free(f);
}

static void check_case(const shapeless_case *c) {
    mx_closure plain = mx_closure_local(c->gradient ? call_gradient : call, (void *)(uintptr_t)c);
    mx_scope s = mx_scope_open();
    check_compiled(c, &plain);
    check_file(c, &plain);
    mx_scope_close(s);
}

/* --- plans ---------------------------------------------------------------------------- */

/* A call with shapes that were seen before makes one node. */
static void plans_are_kept(void) {
    const shapeless_case *c = &cases[5];
    mx_closure plain = mx_closure_local(call, (void *)(uintptr_t)c);
    mx_closure *f = mx_compile(&plain, true);
    mx_array *in[X];
    mx_arrays out = {0};
    for (int k = 0; f && k < 2; k++) {
        make(1, in);
        mx_arrays_free(&out);
        CHECK(f->call(f, in, X, &out) && out.count == 1);
    }
    if (out.count)
        CHECK(out.item[0]->node && out.item[0]->node->prim == MX_PRIM_compiled);
    mx_arrays_free(&out);
    if (f)
        mx_object_release(&f->object);
}

/* Lengths that grow without end do not make memory grow without end. */
static void few_plans(void) {
    const shapeless_case *c = &cases[6];
    mx_closure plain = mx_closure_local(call, (void *)(uintptr_t)c);
    mx_closure *f = mx_compile(&plain, true);
    int64_t at[3] = {0};
    for (int n = 1; f && n <= 300; n++) {
        mx_scope s = mx_scope_open();
        mx_array *in[X] = {mx_ones((int[]){n, 3}, 2, MX_FLOAT32),
                           mx_ones((int[]){3}, 1, MX_FLOAT32)};
        CHECK(mx_eval(in, X) && result(f, in) != NULL);
        mx_scope_close(s);
        at[n <= 100 ? 0 : n <= 200 ? 1 : 2] = mx_alloc_live();
    }
    CHECK_EQ_INT(at[1], at[0]);
    CHECK_EQ_INT(at[2], at[0]);
    if (f)
        mx_object_release(&f->object);
}

/* What fails leaves nothing behind: neither the flag nor the level, nor memory. */
static bool fails(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self, (void)in, (void)n, (void)out;
    CHECK(mx_trace_shapeless() && mx_trace_level() == 1);
    return mx_fail(MX_INVALID, "[test] no") != NULL;
}

static void failures(void) {
    mx_closure plain = mx_closure_local(fails, NULL);
    mx_closure *f = mx_compile(&plain, true);
    mx_array *in[X];
    make(0, in);
    CHECK(f && !result(f, in));
    CHECK_STR(mx_error_message(), "[test] no");
    CHECK(!mx_trace_shapeless() && mx_trace_level() == 0);
    mx_error_clear();
    if (f)
        mx_object_release(&f->object);
}

/* Compiled, called with two shapes. */
static bool everything(void) {
    mx_scope s = mx_scope_open();
    mx_closure plain = mx_closure_local(call, (void *)(uintptr_t)&cases[5]);
    mx_closure *f = mx_compile(&plain, true);
    bool ok = f != NULL;
    for (int k = 0; ok && k < 2; k++) {
        mx_array *in[X];
        make(k, in);
        ok = !mx_failed() && result(f, in) && !mx_failed();
    }
    if (f)
        mx_object_release(&f->object);
    mx_scope_close(s);
    return ok;
}

static void memory_runs_out(void) {
    CHECK(everything());
    int64_t live = mx_alloc_live();
    uint64_t k = 0;
    bool done = false;
    while (!done && ++k < 5000) {
        mx_alloc_fail_at(k);
        done = everything();
        mx_alloc_fail_at(0);
        if (!done && mx_error_status() != MX_NOMEM)
            CHECK_MSG(false, "allocation %llu: %s", (unsigned long long)k, mx_error_message());
        mx_error_clear();
    }
    CHECK_MSG(k > 100 && k < 5000, "%llu allocations", (unsigned long long)k);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

int main(void) {
    int64_t live = mx_alloc_live();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_where = cases[i].name;
        check_case(&cases[i]);
    }
    RUN(plans_are_kept);
    RUN(few_plans);
    RUN(failures);
    RUN(memory_runs_out);
    CHECK_MSG(mx_alloc_live() - live < 100, "%lld more allocations live",
              (long long)(mx_alloc_live() - live));
    if (!getenv("MLX_TEST_KEEP"))
        files_done();
    return check_done();
}
