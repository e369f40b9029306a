/* Functions in files: from the reference package (tests/data/mlxfn), to files and back, and files
   that are wrong. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/trace/trace.h"
#include "io/io.h"
#include "io_files.h"
#include "ops/linalg/linalg.h"
#include "ops/ops.h"
#include "transforms/compile.h"
#include "transforms/mlxfn/export.h"
#include "transforms/transforms.h"

/* --- calls ------------------------------------------------------------------------- */

enum { MOST = 8 };

static mx_imported *import(const char *path) {
    mx_imported *f = mx_import_function(path);
    CHECK_MSG(f != NULL, "%s: %s", path, mx_error_message());
    return f;
}

/* The k-th result of one call, owned by the scope; NULL: refused. */
static mx_array *result(mx_imported *f, mx_array *const *in, int n, size_t k) {
    mx_arrays out = {0};
    bool ok = f && mx_imported_call(f, in, n, NULL, 0, &out) && mx_eval(out.item, (int)out.count);
    mx_array *y = ok && k < out.count ? mx_own(mx_array_retain(out.item[k])) : NULL;
    mx_arrays_free(&out);
    return y;
}

static double apart(mx_array *a, mx_array *b) {
    if (!a || !b || a->dtype != b->dtype || !mx_same_shape(a, b))
        return INFINITY;
    mx_array *x = mx_astype(a, MX_FLOAT64), *y = mx_astype(b, MX_FLOAT64);
    mx_array *d =
        mx_where(mx_logical_and(mx_isnan(x), mx_isnan(y)), mx_zero_like(x), mx_abs(mx_sub(x, y)));
    d = mx_where(mx_equal(x, y), mx_zero_like(x), d);
    d = a->size ? mx_reduce(MX_MAX, mx_div(d, mx_add_s(mx_abs(y), 1)), NULL, 0, false) : NULL;
    return !a->size ? 0 : mx_eval1(d) ? *(double *)d->data : INFINITY;
}

/* --- files of the reference ---------------------------------------------------------- */

typedef struct given {
    mx_array *in[MOST];
    const char *key[MOST];
    int n_args, n_keys;
} given;

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The arrays of call k: see make_mlxfn.py. */
static given arguments(const mx_map *arrays, int k) {
    given g = {.n_args = 0};
    char name[32], head[16];
    mx_array *a;
    while (snprintf(name, sizeof name, "%d.%d", k, g.n_args), (a = mx_map_get(arrays, name)))
        g.in[g.n_args++] = a;
    size_t n = (size_t)snprintf(head, sizeof head, "%d.", k);
    for (size_t i = 0; i < arrays->count; i++) {
        const char *key = arrays->entry[i].key;
        if (strncmp(key, head, n) == 0 && strncmp(key + n, "out", 3) &&
            (key[n] < '0' || key[n] > '9'))
            g.key[g.n_keys++] = key + n;
    }
    qsort(g.key, (size_t)g.n_keys, sizeof *g.key, by_name);
    for (int i = 0; i < g.n_keys; i++)
        g.in[g.n_args + i] = mx_map_get(arrays, g.key[i] - n);
    return g;
}

static void check_call(const char *file, mx_imported *f, const mx_map *arrays, int k) {
    given g = arguments(arrays, k);
    mx_arrays out = {0};
    char name[40];
    bool ok = mx_imported_call(f, g.in, g.n_args, g.key, g.n_keys, &out);
    CHECK_MSG(ok, "%s, call %d: %s", file, k, mx_error_message());
    for (size_t j = 0; ok && j < out.count; j++) {
        snprintf(name, sizeof name, "%d.out%zu", k, j);
        double d = apart(out.item[j], mx_map_get(arrays, name));
        CHECK_MSG(d < 2e-5, "%s, call %d, result %zu is %g apart", file, k, j, d);
    }
    snprintf(name, sizeof name, "%d.out%zu", k, out.count);
    CHECK_MSG(out.count > 0 && !mx_map_has(arrays, name), "%s: %zu results", file, out.count);
    mx_arrays_free(&out);
}

static const char *const files[] = {
    "mlp",   "mlp_grad", "attention",      "pointwise", "reductions", "since_4",  "indexing",
    "named", "products", "linear_algebra", "several",   "shapeless",  "constants"};
enum { FILES = sizeof files / sizeof *files };

static const char *reference_file(const char *name, const char *ending) {
    static char path[2][1024];
    static int next;
    char *p = path[next++ % 2];
    snprintf(p, sizeof *path, "%s/tests/data/mlxfn/%s%s", check_source(), name, ending);
    return p;
}

static void reference_files(void) {
    for (int i = 0; i < FILES; i++) {
        mx_map arrays = {0};
        mx_scope s = mx_scope_open();
        mx_imported *f = import(reference_file(files[i], ".mlxfn"));
        CHECK(mx_load_safetensors(reference_file(files[i], ".safetensors"), false, &arrays, NULL));
        for (int k = 0; f && k < 8; k++)
            if (arguments(&arrays, k).n_args)
                for (int twice = 0; twice < 2; twice++)
                    check_call(files[i], f, &arrays, k);
        mx_imported_free(f);
        mx_free_arrays(&arrays);
        mx_scope_close(s);
    }
}

/* --- files of our own ------------------------------------------------------------------- */

static mx_array *ramp(int rows, int columns) {
    return mx_reshape(mx_arange(1, 1 + rows * columns, 1, MX_FLOAT32), (int[]){rows, columns}, 2);
}

static bool whole_function(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_array *sum = NULL, *lu[2];
    (void)self;
    for (int i = 0; i < n; i++)
        sum = sum ? mx_add(sum, in[i]) : in[i];
    mx_array *y = mx_mul(mx_lgamma(sum), ramp(3, 3));
    return mx_lu_factor(mx_add(y, mx_eye(3, 3, 0, MX_FLOAT32)), lu) && mx_arrays_add(out, y) &&
           mx_arrays_add(out, lu[1]) && mx_arrays_add(out, in[0]) && mx_arrays_add(out, in[0]);
}

static bool write_with(const char *path, mx_closure_fn *fn, bool shapeless, mx_array *const *in,
                       int n) {
    mx_closure k = mx_closure_local(fn, NULL);
    mx_exporter *e = mx_exporter_open(path, shapeless, "words");
    bool ok = e && mx_exporter_add(e, &k, in, n, NULL, 0);
    return mx_exporter_close(e) && ok;
}

static void there_and_back(void) {
    mx_array *in[2] = {ramp(3, 3), ramp(3, 3)};
    mx_arrays want = {0};
    mx_closure k = mx_closure_local(whole_function, NULL);
    CHECK(whole_function(&k, in, 2, &want) && mx_eval(want.item, (int)want.count));
    CHECK_MSG(write_with(own_path("whole.mlxfn"), whole_function, false, in, 2), "%s",
              mx_error_message());
    mx_imported *f = import(own_path("whole.mlxfn"));
    for (size_t j = 0; f && j < want.count; j++)
        CHECK_NEAR(apart(result(f, in, 2, j), want.item[j]), 0, 0);
    CHECK_STR(f ? mx_imported_metadata(f) : NULL, "words");
    CHECK(!result(f, in, 1, 0));
    CHECK(strstr(mx_error_message(), "[import_function::call] No imported function found"));
    mx_error_clear();
    mx_imported_free(f);
    mx_arrays_free(&want);
}

/* Its gradient, its batch and it compiled: an imported function is a function like others. */
static bool call_imported(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    return mx_imported_call(self->payload, in, n, NULL, 0, out);
}

static bool cubes(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self, (void)n;
    return mx_arrays_add(out, mx_sum_all(mx_mul(in[0], mx_square(in[0]))));
}

static void under_transforms(void) {
    mx_array *x = ramp(2, 2), *one = mx_scalar(1, MX_FLOAT32);
    mx_arrays outs = {0}, grads = {0};
    CHECK(write_with(own_path("cubes.mlxfn"), cubes, false, &x, 1));
    mx_imported *f = import(own_path("cubes.mlxfn"));
    mx_closure k = mx_closure_local(call_imported, f);
    CHECK(f && mx_vjp(&k, &x, 1, &one, 1, &outs, &grads) && grads.count == 1);
    if (grads.count)
        CHECK_NEAR(apart(grads.item[0], mx_mul_s(mx_square(x), 3)), 0, 1e-6);
    mx_closure *c = mx_compile(&k, false);
    mx_arrays_free(&outs);
    CHECK(c && c->call(c, &x, 1, &outs) && outs.count == 1);
    if (outs.count)
        CHECK_NEAR(apart(outs.item[0], mx_scalar(100, MX_FLOAT32)), 0, 1e-6);
    if (c)
        mx_object_release(&c->object);
    mx_arrays_free(&outs);
    mx_arrays_free(&grads);
    mx_imported_free(f);
}

/* --- from several threads ------------------------------------------------------------------ */

typedef struct work {
    mx_imported *f;
    int rows, wrong;
} work;

static void *call_often(void *arg) {
    work *w = arg;
    for (int i = 0; i < 50; i++) {
        mx_scope s = mx_scope_open();
        int n = 1 + (w->rows + i) % 5;
        mx_array *x = ramp(n, 2), *want = mx_sum_all(mx_mul(x, mx_square(x)));
        w->wrong += !(apart(result(w->f, &x, 1, 0), want) < 1e-6);
        mx_scope_close(s);
    }
    return NULL;
}

static void threads(void) {
    mx_array *x = ramp(2, 2);
    pthread_t thread[4];
    work w[4];
    CHECK(write_with(own_path("threads.mlxfn"), cubes, true, &x, 1));
    mx_imported *f = import(own_path("threads.mlxfn"));
    for (int i = 0; f && i < 4; i++) {
        w[i] = (work){f, i, 0};
        CHECK(pthread_create(&thread[i], NULL, call_often, &w[i]) == 0);
    }
    for (int i = 0; f && i < 4; i++) {
        pthread_join(thread[i], NULL);
        CHECK_EQ_INT(w[i].wrong, 0);
    }
    mx_imported_free(f);
}

/* --- what an exporter refuses -------------------------------------------------------------- */

static bool fails(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self, (void)in, (void)n, (void)out;
    return mx_fail(MX_INVALID, "[test] no") != NULL;
}

static void refusals(void) {
    mx_array *x = ramp(2, 2);
    mx_closure k = mx_closure_local(cubes, NULL), bad = mx_closure_local(fails, NULL);
    CHECK(!mx_exporter_open("/no/such/folder/f.mlxfn", false, NULL));
    CHECK(strstr(mx_error_message(), "[export_function]"));
    mx_error_clear();
    mx_exporter *e = mx_exporter_open(own_path("twice.mlxfn"), false, NULL);
    CHECK(e && mx_exporter_add(e, &k, &x, 1, NULL, 0) && !mx_exporter_add(e, &k, &x, 1, NULL, 0));
    CHECK(strstr(mx_error_message(), "twice with the same signature"));
    mx_error_clear();
    CHECK(!mx_exporter_add(e, &bad, (mx_array *[]){ramp(3, 2)}, 1, NULL, 0));
    CHECK_STR(mx_error_message(), "[test] no");
    CHECK_EQ_INT(mx_trace_level(), 0);
    mx_error_clear();
    CHECK(mx_exporter_close(e));
    mx_imported *f = import(own_path("twice.mlxfn"));
    CHECK(result(f, &x, 1, 0) != NULL);
    mx_imported_free(f);
    e = mx_exporter_open(own_path("none.mlxfn"), false, NULL);
    CHECK(mx_exporter_close(e) && access(own_path("none.mlxfn"), F_OK) != 0);
    CHECK(!mx_import_function(own_path("none.mlxfn")));
    mx_error_clear();
}

/* --- long graphs ------------------------------------------------------------------------------ */

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { LONG_NODES = 20000 };
#else
enum { LONG_NODES = 1000000 };
#endif

static bool long_chain(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_array *x = in[0];
    (void)self, (void)n;
    for (int i = 0; i < LONG_NODES && x; i++)
        x = i % 2 ? mx_add(x, in[0]) : mx_negative(x);
    return mx_arrays_add(out, x);
}

/* No recursion, nothing quadratic, nothing kept. */
static void a_million_nodes(void) {
    int64_t live = mx_alloc_live();
    mx_scope s = mx_scope_open();
    mx_array *x = mx_ones((int[]){2}, 1, MX_FLOAT32);
    CHECK_MSG(write_with(own_path("long.mlxfn"), long_chain, false, &x, 1), "%s",
              mx_error_message());
    mx_imported *f = import(own_path("long.mlxfn"));
    CHECK_NEAR(apart(result(f, &x, 1, 0), x), 0, 0);
    mx_imported_free(f);
    mx_scope_close(s);
    CHECK(mx_alloc_live() - live < 16);
}

/* --- files that are wrong --------------------------------------------------------------------- */

/* Neither a crash nor a leak: an error, or a function that may be called. */
static bool loads(const char *bytes, size_t n) {
    // a new file is not waited for, one that is cut and written again is
    remove(own_path("wrong.mlxfn"));
    mx_imported *f = mx_import_function(write_file("wrong.mlxfn", bytes, n));
    bool ok = f != NULL;
    if (ok != !mx_failed())
        CHECK_MSG(false, "a failure without an error, or an error without a failure");
    mx_imported_free(f);
    mx_error_clear();
    return ok;
}

static void truncated(void) {
    size_t n;
    char *bytes = read_file(reference_file("named", ".mlxfn"), &n);
    int64_t live = mx_alloc_live();
    int loaded = 0;
    for (size_t cut = 0; cut < n; cut++)
        loaded += loads(bytes, cut);
    CHECK_EQ_INT(loaded, 0);
    CHECK(loads(bytes, n));
    CHECK_EQ_INT(mx_alloc_live(), live);
    free(bytes);
}

/* Every bit of every byte of the small files, some of the larger ones. */
static void flipped(void) {
    int64_t live = mx_alloc_live();
    static const char *const some[] = {"named", "several", "reductions", "linear_algebra"};
    for (int i = 0; i < 4; i++) {
        size_t n;
        char *bytes = read_file(reference_file(some[i], ".mlxfn"), &n);
        for (size_t at = 0; at < n; at += i ? 7 : 1)
            for (int bit = 0; bit < 8; bit += i ? 3 : 1) {
                bytes[at] ^= (char)(1 << bit);
                loads(bytes, n);
                bytes[at] ^= (char)(1 << bit);
            }
        CHECK(loads(bytes, n));
        free(bytes);
    }
    CHECK_EQ_INT(mx_alloc_live(), live);
}

/* Numbers that are huge, negative or of something that comes later, at every place. */
static void replaced(void) {
    static const uint64_t huge[] = {UINT64_MAX, INT64_MAX, 1u << 31, 1u << 20, 0};
    size_t n;
    int64_t live = mx_alloc_live();
    char *bytes = read_file(reference_file("several", ".mlxfn"), &n), former[8];
    for (size_t at = 0; at + 8 <= n; at++)
        for (int k = 0; k < 5; k++) {
            memcpy(former, bytes + at, 8);
            memcpy(bytes + at, &huge[k], 8);
            loads(bytes, n);
            memcpy(bytes + at, former, 8);
        }
    CHECK_EQ_INT(mx_alloc_live(), live);
    free(bytes);
}

/* What a file's error says. */
static void said(const char *bytes, size_t n, const char *what) {
    CHECK(!mx_import_function(write_file("wrong.mlxfn", bytes, n)));
    CHECK_MSG(strstr(mx_error_message(), what) && strstr(mx_error_message(), "wrong.mlxfn"),
              "%s lacks '%s'", mx_error_message(), what);
    mx_error_clear();
}

static void messages(void) {
    size_t n;
    char *bytes = read_file(reference_file("named", ".mlxfn"), &n), *at;
    char version = bytes[10];
    bytes[10] = '9';
    said(bytes, n, "version '0.92.2' is not known");
    bytes[10] = version;
    said(bytes, n - 1, "are left");
    at = memmem(bytes, n, "Multiply", 8);
    if (CHECK(at != NULL)) {
        memcpy(at, "Multiplx", 8);
        said(bytes, n, "the operation 'Multiplx' is not known");
        memcpy(at, "Subtract", 8);
        CHECK(loads(bytes, n));
        memcpy(at, "Multiply", 8);
    }
    free(bytes);
}

/* Each allocation fails once: while writing; while reading and calling. */
static bool write_one(void) {
    mx_array *in[2] = {ramp(3, 3), ramp(3, 3)};
    return in[0] && in[1] && write_with(own_path("oom.mlxfn"), whole_function, false, in, 2);
}

static bool read_one(void) {
    mx_array *in[2] = {ramp(3, 3), ramp(3, 3)};
    mx_imported *f = in[0] && in[1] ? mx_import_function(own_path("oom.mlxfn")) : NULL;
    bool ok = f && result(f, in, 2, 0);
    mx_imported_free(f);
    return ok;
}

static bool in_scope(bool (*run)(void)) {
    mx_scope s = mx_scope_open();
    bool ok = run() && !mx_failed();
    mx_scope_close(s);
    return ok;
}

static void fail_each(bool (*run)(void)) {
    CHECK(in_scope(run));
    int64_t live = mx_alloc_live();
    uint64_t k = 0;
    bool done = false;
    while (!done && ++k < 5000) {
        mx_alloc_fail_at(k);
        done = in_scope(run);
        mx_alloc_fail_at(0);
        if (!done && mx_error_status() != MX_NOMEM)
            CHECK_MSG(false, "allocation %llu: %s", (unsigned long long)k, mx_error_message());
        mx_error_clear();
    }
    CHECK_MSG(k > 50 && k < 5000, "%llu allocations", (unsigned long long)k);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

static void memory_runs_out(void) {
    fail_each(write_one);
    fail_each(read_one);
}

int main(void) {
    RUN(reference_files);
    RUN(there_and_back);
    RUN(under_transforms);
    RUN(threads);
    RUN(refusals);
    RUN(a_million_nodes);
    RUN(truncated);
    RUN(flipped);
    RUN(replaced);
    RUN(messages);
    RUN(memory_runs_out);
    files_done();
    return check_done();
}
