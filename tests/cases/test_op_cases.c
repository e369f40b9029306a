/* The checks of the case table: see op_cases.h. */
#include <stdlib.h>

#include "op_case_run.h"

#include "base/mem.h"
#include "base/threads/pool.h"
#include "kernels/kernels.h"
#include "io/io.h"
#include "io_files.h"
#include "transforms/compile.h"
#include "transforms/mlxfn/export.h"
#include "transforms/vmap.h"

/* --- value, dtypes, layouts ------------------------------------------------------- */

static mx_array *by_points(const op_case *c, mx_array *const *in, const mx_array *like) {
    mx_array *y = mx_array_empty(like->shape, like->ndim, MX_FLOAT64), *x[CASE_INPUTS];
    for (int i = 0; i < inputs_of(c); i++)
        x[i] = doubles(mx_broadcast_to(in[i], like->shape, like->ndim));
    for (int64_t k = 0; k < y->size; k++) {
        double v[CASE_INPUTS];
        for (int i = 0; i < inputs_of(c); i++)
            v[i] = at(x[i], k);
        ((double *)y->data)[k] = c->point(v);
    }
    return y;
}

static void check_value(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    make_inputs(c, SHORT, 1, MX_FLOAT64, in);
    mx_array *y = c->f(in);
    if (!CHECK_MSG(mx_eval1(y), "%s: %s", c->name, mx_error_message())) {
        mx_error_clear();
        return;
    }
    if (c->point)
        same(c, "value", y, by_points(c, in, y), tolerance(c, MX_FLOAT64));
    if (c->other)
        same(c, "the other way", y, c->other(in), tolerance(c, MX_FLOAT64));
}

static void check_dtypes(const op_case *c) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16,
                                     MX_INT16,   MX_INT32,   MX_INT64};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        mx_dtype t = types[k];
        bool half = t == MX_FLOAT16 || t == MX_BFLOAT16, whole = !mx_dtype_is_inexact(t);
        if ((whole && !(c->flags & INTS)) || (half && (c->flags & NO_HALF)))
            continue;
        mx_array *in[CASE_INPUTS], *wide[CASE_INPUTS];
        make_inputs(c, SHORT, 2, t, in);
        for (int i = 0; i < inputs_of(c); i++)
            wide[i] = differentiable(&c->in[i]) ? mx_astype(in[i], MX_FLOAT64) : in[i];
        same(c, mx_dtype_name(t), c->f(in), c->f(wide), tolerance(c, t));
    }
}

/* The same values in column order, reversed, and with gaps. */
static mx_array *laid_out(mx_array *a, int how) {
    mx_array *y = how == 0   ? mx_transpose(mx_contiguous(mx_transpose(a), false))
                  : how == 1 ? mx_flip(mx_contiguous(mx_flip(a, NULL, 0), false), NULL, 0)
                             : a;
    if (how == 2 && a->ndim) {
        int start[CASE_NDIM] = {0}, stop[CASE_NDIM], step[CASE_NDIM];
        y = mx_repeat(a, 2, -1);
        for (int i = 0; i < a->ndim; i++) {
            stop[i] = y->shape[i];
            step[i] = i == a->ndim - 1 ? 2 : 1;
        }
        mx_eval1(y);
        y = mx_slice(y, start, stop, step);
    }
    mx_eval1(y);
    return y;
}

static void check_layouts(const op_case *c) {
    static const char *const names[] = {"columns", "reversed", "gaps"};
    mx_array *in[CASE_INPUTS], *other[CASE_INPUTS];
    make_inputs(c, SHORT + 1, 3, MX_FLOAT32, in);
    mx_array *y = c->f(in);
    for (int how = 0; how < 3; how++) {
        for (int i = 0; i < inputs_of(c); i++)
            other[i] = laid_out(in[i], how);
        same(c, names[how], c->f(other), y, tolerance(c, MX_FLOAT32));
    }
    for (int i = 0; i < inputs_of(c); i++) {
        other[i] = in[i]->ndim
                       ? mx_broadcast_to(mx_slice_axis(in[i], 0, 0, 1), in[i]->shape, in[i]->ndim)
                       : in[i];
        in[i] = mx_add(other[i], mx_zeros_like(other[i]));
        mx_eval1(in[i]);
    }
    same(c, "broadcast", c->f(other), c->f(in), tolerance(c, MX_FLOAT32));
    if (c->flags & NO_EMPTY)
        return;
    make_inputs(c, 0, 3, MX_FLOAT32, in);
    CHECK_MSG(mx_eval1(c->f(in)), "%s of empty arrays: %s", c->name, mx_error_message());
    mx_error_clear();
}

/* --- derivatives ------------------------------------------------------------------ */

/* The operation as a function of its differentiable inputs; the others stay. */
typedef struct function {
    const op_case *c;
    mx_array *in[CASE_INPUTS];
} function;

static int free_inputs(const op_case *c, mx_array *const *in, mx_array **out) {
    int n = 0;
    for (int i = 0; i < inputs_of(c); i++)
        if (differentiable(&c->in[i]))
            out[n++] = in[i];
    return n;
}

static mx_array *apply(const function *f, mx_array *const *x) {
    mx_array *in[CASE_INPUTS];
    for (int i = 0, n = 0; i < inputs_of(f->c); i++)
        in[i] = differentiable(&f->c->in[i]) ? x[n++] : f->in[i];
    return f->c->f(in);
}

static bool call(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)nin;
    return mx_arrays_add(out, apply(self->payload, in));
}

static double dot(mx_array *a, mx_array *b) {
    mx_array *x = doubles(a), *y = doubles(b);
    double sum = 0;
    for (int64_t i = 0; x && y && i < x->size; i++)
        sum += at(x, i) * at(y, i);
    return x && y ? sum : NAN;
}

static mx_array *random_like(mx_array *a, uint64_t seed) {
    mx_array *r = mx_array_empty(a->shape, a->ndim, MX_FLOAT64);
    seed = check_seed(seed);
    for (int64_t i = 0; r && i < r->size; i++)
        ((double *)r->data)[i] = 2 * noise(&seed) - 1;
    return r;
}

static double step_of(const op_case *c) {
    return c->flags & SINGLE ? 1e-2 : 1e-5;
}

/* (f(x + h t) - f(x - h t)) / 2h */
static mx_array *difference(const function *f, mx_array *const *x, mx_array *const *t, int n) {
    mx_array *up[CASE_INPUTS] = {0}, *down[CASE_INPUTS] = {0};
    double h = step_of(f->c);
    for (int i = 0; i < n; i++) {
        up[i] = mx_add(x[i], mx_mul_s(t[i], h));
        down[i] = mx_sub(x[i], mx_mul_s(t[i], h));
    }
    return mx_mul_s(mx_sub(apply(f, up), apply(f, down)), 0.5 / h);
}

static void check_derivatives(const op_case *c) {
    function f = {.c = c};
    mx_array *x[CASE_INPUTS] = {0}, *t[CASE_INPUTS] = {0};
    make_inputs(c, SHORT, 4, MX_FLOAT64, f.in);
    int n = free_inputs(c, f.in, x);
    mx_closure k = mx_closure_local(call, &f);
    mx_array *y = c->f(f.in), *g = y && mx_eval1(y) ? random_like(y, 5) : NULL;
    mx_arrays outs = {0}, outs2 = {0}, grads = {0}, tangents = {0};
    for (int i = 0; i < n; i++)
        t[i] = random_like(x[i], 6 + (uint64_t)i);
    bool back = g && mx_vjp(&k, x, n, &g, 1, &outs, &grads);
    CHECK_MSG(back && (int)grads.count == n, "%s, vjp: %s", c->name, mx_error_message());
    mx_error_clear();
    bool forth = mx_jvp(&k, x, n, t, n, &outs2, &tangents);
    CHECK_MSG(forth && tangents.count == 1, "%s, jvp: %s", c->name, mx_error_message());
    mx_error_clear();
    if (back && forth && (int)grads.count == n && tangents.count == 1) {
        double sum = 0, want = dot(g, difference(&f, x, t, n));
        bool single = c->flags & SINGLE;
        for (int i = 0; i < n; i++)
            sum += dot(grads.item[i], t[i]);
        CHECK_MSG(near(sum, want, single ? 2e-3 : 2e-6), "%s, vjp: %.9g, differences give %.9g",
                  c->name, sum, want);
        double across = dot(g, tangents.item[0]);
        CHECK_MSG(near(across, sum, single ? 1e-5 : 1e-9), "%s, jvp: %.12g, vjp gives %.12g",
                  c->name, across, sum);
    }
    mx_arrays_free(&outs);
    mx_arrays_free(&outs2);
    mx_arrays_free(&grads);
    mx_arrays_free(&tangents);
}

/* <t, J* g> as a function of the inputs: its derivative is the operation's second. */
typedef struct slope {
    function *f;
    mx_array *g, **t;
} slope;

static mx_array *slope_at(const slope *s, mx_array *const *x, int n) {
    mx_closure k = mx_closure_local(call, s->f);
    mx_arrays outs = {0}, grads = {0};
    mx_array *sum = mx_vjp(&k, x, n, &s->g, 1, &outs, &grads) ? mx_scalar(0, MX_FLOAT64) : NULL;
    for (size_t i = 0; i < grads.count; i++)
        sum = mx_add(sum, mx_sum_all(mx_mul(grads.item[i], s->t[i])));
    mx_arrays_free(&outs);
    mx_arrays_free(&grads);
    return sum;
}

static bool call_slope(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    return mx_arrays_add(out, slope_at(self->payload, in, nin));
}

static void check_second(const op_case *c) {
    function f = {.c = c};
    mx_array *x[CASE_INPUTS] = {0}, *t[CASE_INPUTS] = {0}, *up[CASE_INPUTS], *down[CASE_INPUTS];
    make_inputs(c, SHORT, 10, MX_FLOAT64, f.in);
    int n = free_inputs(c, f.in, x);
    mx_array *y = c->f(f.in), *one = mx_scalar(1, MX_FLOAT64);
    double h = step_of(c);
    for (int i = 0; i < n; i++) {
        t[i] = random_like(x[i], 11 + (uint64_t)i);
        up[i] = mx_add(x[i], mx_mul_s(t[i], h));
        down[i] = mx_sub(x[i], mx_mul_s(t[i], h));
    }
    slope s = {&f, y && mx_eval1(y) ? random_like(y, 12) : NULL, t};
    mx_closure k = mx_closure_local(call_slope, &s);
    mx_arrays outs = {0}, grads = {0};
    bool ok = s.g && mx_vjp(&k, x, n, &one, 1, &outs, &grads);
    if (CHECK_MSG(ok, "%s, second derivative: %s", c->name, mx_error_message())) {
        double sum = 0,
               want = dot(mx_sub(slope_at(&s, up, n), slope_at(&s, down, n)), one) / (2 * h);
        for (int i = 0; i < n; i++)
            sum += dot(grads.item[i], t[i]);
        CHECK_MSG(near(sum, want, c->flags & SINGLE ? 1e-2 : 1e-5),
                  "%s, second derivative: %.9g, differences give %.9g", c->name, sum, want);
    }
    mx_error_clear();
    mx_arrays_free(&outs);
    mx_arrays_free(&grads);
}

/* --- vmap, compile ----------------------------------------------------------------- */

static bool call_all(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)nin;
    return mx_arrays_add(out, ((const op_case *)self->payload)->f(in));
}

/* A transform of the operation, applied; lets go of the transform. */
static mx_array *applied(mx_closure *transformed, mx_array *const *in, int n) {
    mx_arrays out = {0};
    bool ok = transformed != NULL;
    for (int i = 0; i < n; i++)
        ok = ok && in[i];
    ok = ok && transformed->call(transformed, in, n, &out) && out.count == 1;
    mx_array *y = ok ? mx_own(mx_array_retain(out.item[0])) : NULL;
    mx_arrays_free(&out);
    if (transformed)
        mx_object_release(&transformed->object);
    return y;
}

/* The first input is batched along axis 0, the second along its last, an index not at all. */
static void check_vmap(const op_case *c) {
    mx_array *in[CASE_INPUTS], *items[BATCH][CASE_INPUTS], *results[BATCH];
    int n = inputs_of(c), axes[CASE_INPUTS], front = 0;
    for (int k = 0; k < BATCH; k++) {
        make_inputs(c, SHORT, 7 + (uint64_t)k, MX_FLOAT32, items[k]);
        for (int i = 0; i < n; i++)
            items[k][i] = c->in[i].index ? items[0][i] : items[k][i];
        results[k] = c->f(items[k]);
    }
    for (int i = 0; i < n; i++) {
        mx_array *column[BATCH];
        for (int k = 0; k < BATCH; k++)
            column[k] = items[k][i];
        axes[i] = c->in[i].index ? MX_NO_AXIS : i % 2 ? column[0]->ndim : 0;
        in[i] = c->in[i].index ? column[0] : mx_stack(column, BATCH, axes[i]);
    }
    mx_closure k = mx_closure_local(call_all, (void *)(uintptr_t)c);
    mx_array *y = applied(mx_vmap(&k, axes, n, &front, 1), in, n);
    same(c, "vmap", y, mx_stack(results, BATCH, 0), tolerance(c, MX_FLOAT32));
}

static void check_compile(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    make_inputs(c, SHORT, 13, MX_FLOAT32, in);
    mx_closure k = mx_closure_local(call_all, (void *)(uintptr_t)c);
    mx_array *y = applied(mx_compile(&k, false), in, inputs_of(c));
    same(c, "compiled", y, c->f(in), tolerance(c, MX_FLOAT32));
}

/* --- files ------------------------------------------------------------------------- */

/* $MLX_TEST_KEEP/<name><ending>: files that stay, for another engine to run; else one that goes. */
static const char *file_of(const op_case *c, const char *ending) {
    static char path[512];
    const char *keep = getenv("MLX_TEST_KEEP");
    if (!keep)
        return own_path("case.mlxfn");
    snprintf(path, sizeof path, "%s/%s%s", keep, c->name, ending);
    return path;
}

/* in0, in1, ... and out, for the other engine. */
static void keep_arrays(const op_case *c, mx_array *const *in, mx_array *y) {
    static const char *const names[] = {"in0", "in1", "in2", "in3"};
    mx_map arrays = {0};
    for (int i = 0; i < inputs_of(c); i++)
        mx_map_set(&arrays, names[i], in[i], NULL);
    mx_map_set(&arrays, "out", y, NULL);
    CHECK(mx_save_safetensors(file_of(c, ".safetensors"), &arrays, NULL));
    mx_map_free(&arrays, NULL);
}

static void check_export(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    mx_arrays out = {0};
    int n = inputs_of(c);
    make_inputs(c, SHORT, 15, MX_FLOAT32, in);
    mx_closure k = mx_closure_local(call_all, (void *)(uintptr_t)c);
    mx_array *y = c->f(in);
    mx_exporter *e = mx_exporter_open(file_of(c, ".mlxfn"), false, NULL);
    bool ok = e && mx_exporter_add(e, &k, in, n, NULL, 0);
    ok = mx_exporter_close(e) && ok;
    if (getenv("MLX_TEST_KEEP"))
        keep_arrays(c, in, y);
    mx_imported *f = ok ? mx_import_function(file_of(c, ".mlxfn")) : NULL;
    ok = f && mx_imported_call(f, in, n, NULL, 0, &out);
    CHECK_MSG(ok, "%s, exported: %s", c->name, mx_error_message());
    if (ok)
        same(c, "from its file", mx_own(mx_array_retain(out.item[0])), y, tolerance(c, MX_FLOAT32));
    mx_error_clear();
    mx_imported_free(f);
    mx_arrays_free(&out);
}

/* --- instruction sets, threads ---------------------------------------------------- */

static void check_sets(const op_case *c) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    const char *chosen = mx_kernels_get()->name;
    mx_array *in[CASE_INPUTS], *first = NULL;
    make_inputs(c, 61, 8, MX_FLOAT32, in);
    for (int k = 0; k < count; k++) {
        mx_kernels_choose(all[k]->name);
        mx_array *y = c->f(in);
        mx_eval1(y);
        if (first)
            same(c, all[k]->name, y, first, tolerance(c, MX_FLOAT32));
        else
            first = y;
    }
    mx_kernels_choose(chosen);
}

static void check_threads(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    make_inputs(c, LONG, 9, MX_FLOAT32, in);
    mx_pool_set_threads(1);
    mx_array *one = c->f(in);
    mx_eval1(one);
    mx_pool_set_threads(4);
    mx_array *four = c->f(in);
    mx_eval1(four);
    mx_pool_set_threads(0);
    same(c, "four threads", four, one, 0);
}

/* --- memory runs out ---------------------------------------------------------------- */

/* Everything once: forwards, backwards, batched, compiled. False at the first failure. */
static bool everything(const op_case *c) {
    function f = {.c = c};
    mx_array *x[CASE_INPUTS] = {0};
    make_inputs(c, SHORT, 14, MX_FLOAT32, f.in);
    if (mx_failed())
        return false;
    int n = free_inputs(c, f.in, x), axes[CASE_INPUTS], front = 0;
    for (int i = 0; i < CASE_INPUTS; i++)
        axes[i] = MX_NO_AXIS;
    axes[0] = 0;
    mx_closure k = mx_closure_local(call, &f),
               all = mx_closure_local(call_all, (void *)(uintptr_t)c);
    mx_arrays outs = {0}, grads = {0};
    mx_array *y = c->f(f.in), *g = y ? mx_ones_like(y) : NULL;
    bool ok = mx_eval1(y);
    if (ok && !(c->flags & NO_GRAD))
        ok = g && mx_vjp(&k, x, n, &g, 1, &outs, &grads) && mx_eval(grads.item, (int)grads.count);
    mx_arrays_free(&outs);
    mx_arrays_free(&grads);
    mx_array *batch[CASE_INPUTS] = {f.in[0] ? mx_expand_dim(f.in[0], 0) : NULL, f.in[1], f.in[2],
                                    f.in[3]};
    if (ok && !(c->flags & NO_VMAP))
        ok = mx_eval1(applied(mx_vmap(&all, axes, inputs_of(c), &front, 1), batch, inputs_of(c)));
    return ok && mx_eval1(applied(mx_compile(&all, false), f.in, inputs_of(c)));
}

static bool in_scope(const op_case *c) {
    mx_scope s = mx_scope_open();
    bool ok = everything(c);
    mx_scope_close(s);
    return ok;
}

/* Each allocation fails once: an error that says so, nothing lost, and the next try succeeds. */
static void check_memory(const op_case *c) {
    bool whole = in_scope(c) && in_scope(c);
    if (!CHECK_MSG(whole, "%s: %s", c->name, mx_error_message()))
        return;
    int64_t live = mx_alloc_live();
    uint64_t n = 0;
    for (bool ok = false; !ok && n < 10000;) {
        mx_alloc_fail_at(++n);
        ok = in_scope(c);
        mx_alloc_fail_at(0);
        if (!ok && mx_error_status() != MX_NOMEM)
            CHECK_MSG(false, "%s, allocation %d fails: \"%s\"", c->name, (int)n,
                      mx_error_message());
        mx_error_clear();
        if (mx_alloc_live() != live)
            CHECK_MSG(false, "%s, allocation %d fails: %lld allocations are lost", c->name, (int)n,
                      (long long)(mx_alloc_live() - live));
        live = mx_alloc_live();
    }
    CHECK_MSG(n > 1 && n < 10000, "%s: %d allocations", c->name, (int)n);
}

/* --- all of it -------------------------------------------------------------------- */

static void check_case(const op_case *c) {
    static const struct {
        void (*run)(const op_case *);
        unsigned unless;
    } checks[] = {{check_value, 0},
                  {check_dtypes, 0},
                  {check_layouts, 0},
                  {check_derivatives, NO_GRAD},
                  {check_second, NO_GRAD | NO_SECOND},
                  {check_vmap, NO_VMAP},
                  {check_compile, 0},
                  {check_export, NO_EXPORT},
                  {check_sets, 0},
                  {check_threads, 0},
                  {check_memory, 0}};
    check_where = c->name;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (c->flags & checks[i].unless)
            continue;
        mx_scope s = mx_scope_open();
        checks[i].run(c);
        mx_scope_close(s);
        CHECK_MSG(!mx_failed(), "%s leaves an error: %s", c->name, mx_error_message());
        mx_error_clear();
    }
}

#define FAMILY(name) #name,
static const char *const family_names[] = {OP_FAMILIES};
#undef FAMILY

/* Is the family what "reduce/" asks for, or a part of it, as pointwise_bits is of pointwise? */
static bool is_of_family(const char *asked, const char *family) {
    size_t n = strlen(asked) - 1;
    return asked[n] == '/' && strncmp(asked, family, n) == 0 &&
           (family[n] == 0 || family[n] == '_');
}
static bool is_asked(const char *asked, const char *family, const char *name) {
    return !asked || strcmp(asked, name) == 0 || (*asked && is_of_family(asked, family));
}

static void check_asked(const char *asked) {
    int found = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const op_case *c = families[i]; c->name; c++)
            if (is_asked(asked, family_names[i], c->name))
                check_case(c), found++;
    CHECK_MSG(found, "no row is called '%s'", asked ? asked : "");
}

/* With arguments: only the operations of those names, or those of the families. */
int main(int argc, char **argv) {
    if (argc < 2)
        check_asked(NULL);
    for (int i = 1; i < argc; i++)
        check_asked(argv[i]);
    files_done();
    return check_done();
}
