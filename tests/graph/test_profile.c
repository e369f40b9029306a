/* Profiles: what is recorded of known programs, what a trace file holds, and who may call when. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <jansson.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream s; /* empty: the default one */
static const char *self;

static mlx_array filled(float v, int ndim, const int *shape) {
    mlx_array a = mlx_array_new(), value = mlx_array_new_float(v), dense = mlx_array_new();
    mlx_full(&a, shape, (size_t)ndim, value, MLX_FLOAT32, s);
    mlx_contiguous(&dense, a, false, s);
    mlx_array_eval(dense);
    mlx_array_free(a);
    mlx_array_free(value);
    return dense;
}
#define FILLED(v, ...) \
    filled(v, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

static mlx_profile started(size_t memory) {
    mlx_profile p = mlx_profile_new();
    CHECK(mlx_profile_start(p, memory) == 0);
    return p;
}

static size_t count_of(mlx_profile p) {
    size_t n = 0;
    CHECK(mlx_profile_count(&n, NULL, p) == 0);
    return n;
}

static mlx_profile_event event_of(mlx_profile p, size_t i) {
    mlx_profile_event e = {.name = ""};
    CHECK(mlx_profile_get(&e, p, i) == 0);
    return e;
}

/* The one event of evaluating a, which is let go. */
static mlx_profile_event only_event(mlx_profile *p, mlx_array a) {
    *p = started(0);
    CHECK(mlx_array_eval(a) == 0);
    CHECK(mlx_profile_stop(*p) == 0);
    CHECK_EQ_INT(count_of(*p), 1);
    mlx_array_free(a);
    return event_of(*p, 0);
}

static const char *temporary(char *path, size_t size, const char *name) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, size, "%s/test_profile_%d_%s", folder ? folder : "/tmp", (int)getpid(), name);
    return path;
}

static bool is_kind(const json_t *e, const char *kind) {
    return !strcmp(json_string_value(json_object_get(e, "ph")), kind);
}

static json_t *load_trace(const char *path) {
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    CHECK_MSG(root != NULL, "%s: %s at line %d", path, root ? "" : error.text, error.line);
    return root;
}

/* --- events of known programs ----------------------------------------------------------------- */

/* exp(x) * x + x */
static mlx_array pointwise(mlx_array x) {
    mlx_array y = mlx_array_new();
    mlx_exp(&y, x, s);
    mlx_multiply(&y, y, x, s);
    mlx_add(&y, y, x, s);
    return y;
}

static void a_fused_program(void) {
    mlx_array x = FILLED(1, 30, 40);
    mlx_profile p;
    mlx_profile_array a;
    mlx_profile_event e = only_event(&p, pointwise(x));
    CHECK_STR(e.name, "Exp+Multiply+Add");
    CHECK(e.fused && !e.failed && e.source == NULL && e.depth == 0);
    CHECK_NEAR(e.flops, 3 * 1200, 0);
    CHECK_EQ_INT(e.bytes_read, 4800);
    CHECK_EQ_INT(e.bytes_written, 4800);
    CHECK_EQ_INT(e.input_count, 1);
    CHECK_EQ_INT(e.output_count, 1);
    CHECK(mlx_profile_get_array(&a, p, 0, true, 0) == 0 && a.dtype == MLX_FLOAT32 && a.ndim == 2);
    CHECK(a.shape[0] == 30 && a.shape[1] == 40);
    CHECK(mlx_profile_get_array(&a, p, 0, true, 1) == 1);
    CHECK(e.duration_ns > 0 && e.self_ns == e.duration_ns && e.start_ns >= 0);
    CHECK_EQ_INT(e.thread, gettid());
    CHECK(e.active >= 9600);
    mlx_profile_free(p);
    mlx_array_free(x);
}

static void repeats_are_counted(void) {
    mlx_array x = FILLED(1, 8), y = mlx_array_new();
    mlx_profile p;
    mlx_exp(&y, x, s);
    for (int i = 0; i < 3; i++)
        mlx_add(&y, y, x, s);
    mlx_profile_event e = only_event(&p, y);
    CHECK_STR(e.name, "Exp+Add x3");
    mlx_profile_free(p);
    mlx_array_free(x);
}

/* A program that a reduction reads is part of the reduction's event. */
static void a_fed_reduction(void) {
    mlx_array x = FILLED(1, 64, 32), y = mlx_array_new();
    mlx_profile p;
    mlx_multiply(&y, x, x, s);
    mlx_sum(&y, y, false, s);
    mlx_profile_event e = only_event(&p, y);
    CHECK_STR(e.name, "Multiply+Sum");
    CHECK(!e.fused);
    CHECK_NEAR(e.flops, 2 * 64 * 32, 0);
    CHECK_EQ_INT(e.bytes_read, 4 * 64 * 32);
    CHECK_EQ_INT(e.bytes_written, 4);
    mlx_profile_free(p);
    mlx_array_free(x);
}

static void views_move_nothing(void) {
    mlx_array x = FILLED(1, 64, 32), y = mlx_array_new();
    mlx_exp(&y, x, s);
    mlx_transpose(&y, y, s);
    mlx_profile p = started(0);
    CHECK(mlx_array_eval(y) == 0 && mlx_profile_stop(p) == 0);
    CHECK_EQ_INT(count_of(p), 2);
    mlx_profile_event e = event_of(p, 1);
    CHECK_STR(e.name, "Transpose");
    CHECK(e.bytes_read == 0 && e.bytes_written == 0 && e.flops == 0);
    mlx_profile_free(p);
    mlx_array_free(x);
    mlx_array_free(y);
}

static void a_broadcast_is_read_once(void) {
    mlx_array row = FILLED(1, 32), x = FILLED(1, 64, 32), y = mlx_array_new();
    mlx_profile p;
    mlx_add(&y, x, row, s);
    mlx_profile_event e = only_event(&p, y);
    CHECK_EQ_INT(e.bytes_read, 4 * (64 * 32 + 32));
    CHECK_NEAR(e.flops, 64 * 32, 0);
    mlx_profile_free(p);
    mlx_array_free(row);
    mlx_array_free(x);
}

/* --- operations by formula -------------------------------------------------------------------- */

enum { M = 6, N = 10, K = 8 };

static mlx_array matmul(void) {
    mlx_array a = FILLED(1, 3, M, K), b = FILLED(1, 3, K, N), y = mlx_array_new();
    mlx_matmul(&y, a, b, s);
    mlx_array_free(a);
    mlx_array_free(b);
    return y;
}
static mlx_array addmm(void) {
    mlx_array a = FILLED(1, M, K), b = FILLED(1, K, N), c = FILLED(1, M, N), y = mlx_array_new();
    mlx_addmm(&y, c, a, b, 1, 1, s);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(c);
    return y;
}
static mlx_array complex_product(void) {
    mlx_array a = FILLED(1, M, K), b = FILLED(1, K, N), y = mlx_array_new();
    mlx_astype(&a, a, MLX_COMPLEX64, s);
    mlx_astype(&b, b, MLX_COMPLEX64, s);
    mlx_array_eval(a);
    mlx_array_eval(b);
    mlx_matmul(&y, a, b, s);
    mlx_array_free(a);
    mlx_array_free(b);
    return y;
}
static mlx_array conv2d(void) { /* 3x3, 8 channels in 2 groups to 4, 5x5 places */
    mlx_array x = FILLED(1, 1, 5, 5, 8), w = FILLED(1, 4, 3, 3, 4), y = mlx_array_new();
    mlx_conv2d(&y, x, w, 1, 1, 1, 1, 1, 1, 2, s);
    mlx_array_free(x);
    mlx_array_free(w);
    return y;
}
static mlx_array attention(const char *mask) {
    mlx_array q = FILLED(1, 2, 4, 6, 8), k = FILLED(1, 2, 2, 7, 8), v = FILLED(1, 2, 2, 7, 16);
    mlx_array y = mlx_array_new(), none = {NULL};
    mlx_fast_scaled_dot_product_attention(&y, q, k, v, 1, mask, none, none, s);
    mlx_array_free(q);
    mlx_array_free(k);
    mlx_array_free(v);
    return y;
}
static mlx_array full_attention(void) {
    return attention("");
}
static mlx_array causal_attention(void) {
    return attention("causal");
}
static mlx_array fft(void) {
    mlx_array x = FILLED(1, 3, 64), y = mlx_array_new();
    mlx_astype(&x, x, MLX_COMPLEX64, s);
    mlx_array_eval(x);
    mlx_fft_fft(&y, x, 64, 1, MLX_FFT_NORM_BACKWARD, s);
    mlx_array_free(x);
    return y;
}
static mlx_array rfft(void) {
    mlx_array x = FILLED(1, 3, 64), y = mlx_array_new();
    mlx_fft_rfft(&y, x, 64, 1, MLX_FFT_NORM_BACKWARD, s);
    mlx_array_free(x);
    return y;
}
static mlx_array softmax(void) {
    mlx_array x = FILLED(1, 3, 64), y = mlx_array_new();
    mlx_softmax_axis(&y, x, 1, false, s);
    mlx_array_free(x);
    return y;
}
static mlx_array sort(void) {
    mlx_array x = FILLED(1, 3, 64), y = mlx_array_new();
    mlx_sort_axis(&y, x, 1, s);
    mlx_array_free(x);
    return y;
}
static mlx_array rms_norm(void) {
    mlx_array x = FILLED(1, 3, 64), w = FILLED(1, 64), y = mlx_array_new();
    mlx_fast_rms_norm(&y, x, w, 1e-5F, s);
    mlx_array_free(x);
    mlx_array_free(w);
    return y;
}
static mlx_array cholesky(void) {
    mlx_array x = mlx_array_new(), y = mlx_array_new();
    mlx_eye(&x, 12, 12, 0, MLX_FLOAT32, s);
    mlx_array_eval(x);
    mlx_linalg_cholesky(&y, x, false, s);
    mlx_array_free(x);
    return y;
}
static mlx_array take(void) { /* 5 rows of 100 */
    mlx_array x = FILLED(1, 100, 16), i = mlx_array_new(), y = mlx_array_new();
    mlx_zeros(&i, (int[]){5}, 1, MLX_INT32, s);
    mlx_contiguous(&i, i, false, s);
    mlx_array_eval(i);
    mlx_take_axis(&y, x, i, 0, s);
    mlx_array_free(x);
    mlx_array_free(i);
    return y;
}

static const struct row {
    const char *name;
    mlx_array (*make)(void);
    double flops;
    long read, written; /* bytes */
} rows[] = {
    {"Matmul", matmul, 2.0 * 3 * M *N *K, 4 * 3 * (M * K + K * N), 4 * 3 * M *N},
    {"AddMM", addmm, 2.0 * M *N *K + 2 * M *N, 4 * (M * K + K * N + M * N), 4 * M *N},
    {"Matmul", complex_product, 8.0 * M *N *K, 8 * (M * K + K * N), 8 * M *N},
    {"Convolution", conv2d, 2.0 * 5 * 5 * 4 * 9 * 4, 4 * (200 + 144), 400},
    {"ScaledDotProductAttention", full_attention, 2.0 * 4 * 6 * 7 * (2 * 8 + 2 * 16 + 5),
     4 * (2 * 4 * 6 * 8 + 2 * 2 * 7 * (8 + 16)), 4 * 2 * 4 * 6 * 16},
    {"ScaledDotProductAttention", causal_attention, 2.0 * 4 * (42 - 15) * (2 * 8 + 2 * 16 + 5),
     4 * (2 * 4 * 6 * 8 + 2 * 2 * 7 * (8 + 16)), 4 * 2 * 4 * 6 * 16},
    {"FFT", fft, 3.0 * 5 * 64 * 6, 8 * 192, 8 * 192},
    {"FFT", rfft, 3.0 * 2.5 * 64 * 6, 4 * 192, 8 * 3 * 33},
    {"Softmax", softmax, 5.0 * 192, 4 * 192, 4 * 192},
    {"Sort", sort, 192.0 * 6, 4 * 192, 4 * 192},
    {"RMSNorm", rms_norm, 4.0 * 192, 4 * (192 + 64), 4 * 192},
    {"Cholesky", cholesky, 12.0 * 12 * 12 / 3, 4 * 144, 4 * 144},
    {"Gather", take, 0, 4 * (5 * 16 + 5), 4 * 5 * 16},
};

/* The last event, for what is put together of several. */
static void operations_by_formula(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlx_array y = rows[i].make();
        mlx_profile p = started(0);
        CHECK(mlx_array_eval(y) == 0 && mlx_profile_stop(p) == 0);
        mlx_profile_event e = {.name = ""};
        for (size_t k = 0; k < count_of(p) && strcmp(e.name, rows[i].name); k++)
            e = event_of(p, k);
        CHECK_STR(e.name, rows[i].name);
        CHECK_MSG(e.flops == rows[i].flops, "%s: %g operations, expected %g", rows[i].name, e.flops,
                  rows[i].flops);
        CHECK_MSG((long)e.bytes_read == rows[i].read, "%s: %ld bytes read, expected %ld",
                  rows[i].name, (long)e.bytes_read, rows[i].read);
        CHECK_MSG((long)e.bytes_written == rows[i].written, "%s: %ld bytes written, expected %ld",
                  rows[i].name, (long)e.bytes_written, rows[i].written);
        mlx_profile_free(p);
        mlx_array_free(y);
    }
}

/* Of many inputs the first twelve are listed; all are counted in bytes. */
static void many_inputs(void) {
    enum { INPUTS = 20 };
    mlx_vector_array in = mlx_vector_array_new();
    mlx_array x, y = mlx_array_new();
    mlx_profile p;
    mlx_profile_array a;
    char path[256];
    for (int i = 0; i < INPUTS; i++) {
        mlx_vector_array_append_value(in, x = FILLED((float)i, 2, 3));
        mlx_array_free(x);
    }
    CHECK(mlx_concatenate_axis(&y, in, 0, s) == 0);
    mlx_profile_event e = only_event(&p, y);
    CHECK_STR(e.name, "Concatenate");
    CHECK_EQ_INT(e.input_count, 12);
    CHECK_EQ_INT(e.bytes_read, INPUTS * 24);
    CHECK(mlx_profile_get_array(&a, p, 0, false, 11) == 0 && a.shape[1] == 3);
    CHECK(mlx_profile_get_array(&a, p, 0, false, 12) == 1);
    CHECK(mlx_profile_get_array(&a, p, 0, true, 0) == 0 && a.shape[0] == 2 * INPUTS);
    CHECK(mlx_profile_write(p, temporary(path, sizeof path, "many.json")) == 0);
    json_t *root = load_trace(path), *all = json_object_get(root, "traceEvents"), *v;
    size_t i;
    json_array_foreach(all, i, v) {
        if (is_kind(v, "X"))
            CHECK_HAS(json_string_value(json_object_get(json_object_get(v, "args"), "inputs")),
                      "float32 (2,3), ...");
    }
    json_decref(root);
    unlink(path);
    mlx_profile_free(p);
    mlx_vector_array_free(in);
}

/* --- nesting, streams, threads ---------------------------------------------------------------- */

static int product_of(mlx_array *res, const mlx_array x) {
    mlx_array t = mlx_array_new();
    int failed = mlx_transpose(&t, x, s) || mlx_matmul(res, x, t, s) || mlx_exp(res, *res, s);
    mlx_array_free(t);
    return failed;
}

/* Compiled: Transpose, Matmul, Exp lie inside, and their times add up. */
static void compiled_functions_nest(void) {
    mlx_closure f = mlx_closure_new_unary(product_of), g = mlx_closure_new();
    mlx_array x = FILLED(1, 16, 16);
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new();
    CHECK(mlx_compile(&g, f, false) == 0 && mlx_closure_apply(&out, g, in) == 0);
    mlx_profile p = started(0);
    CHECK(mlx_eval(out) == 0 && mlx_profile_stop(p) == 0);
    CHECK_EQ_INT(count_of(p), 4);
    static const char *const names[] = {"Transpose", "Matmul", "Exp", "Compiled"};
    mlx_profile_event whole = event_of(p, 3);
    int64_t inside = 0;
    for (size_t i = 0; i < 4; i++) {
        mlx_profile_event e = event_of(p, i);
        CHECK_STR(e.name, names[i]);
        CHECK_EQ_INT(e.depth, i < 3);
        CHECK(e.start_ns >= whole.start_ns &&
              e.start_ns + e.duration_ns <= whole.start_ns + whole.duration_ns);
        inside += i < 3 ? e.duration_ns : 0;
    }
    CHECK_EQ_INT(whole.self_ns, whole.duration_ns - inside);
    CHECK(whole.bytes_read == 0 && whole.bytes_written == 0 && whole.flops == 0);
    mlx_profile_free(p);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_closure_free(f);
    mlx_closure_free(g);
    mlx_array_free(x);
}

static void streams_have_numbers(void) {
    mlx_device cpu = mlx_device_new_type(MLX_CPU, 0);
    mlx_stream other = mlx_stream_new_device(cpu);
    mlx_array x = FILLED(1, 4), y = mlx_array_new();
    int number = -1;
    mlx_profile p;
    CHECK(mlx_stream_get_index(&number, other) == 0 && mlx_exp(&y, x, other) == 0);
    CHECK_EQ_INT(only_event(&p, y).stream, number);
    mlx_profile_free(p);
    mlx_array_free(x);
    mlx_stream_free(other);
    mlx_device_free(cpu);
}

enum { THREADS = 6, EACH = 40 };

static void *evaluate_many(void *numbers) {
    *(int64_t *)numbers = gettid();
    mlx_array x = FILLED(1, 32, 32);
    for (int i = 0; i < EACH; i++) {
        mlx_array y = pointwise(x);
        mlx_array_eval(y);
        mlx_array_free(y);
    }
    mlx_array_free(x);
    return NULL;
}

/* Each thread's events are its own, none is lost, and those of one thread do not overlap. */
static void threads_at_once(void) {
    pthread_t thread[THREADS];
    int64_t number[THREADS], end[THREADS] = {0};
    int programs[THREADS] = {0};
    mlx_profile p = started(0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, evaluate_many, &number[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    CHECK(mlx_profile_stop(p) == 0);
    for (size_t i = 0; i < count_of(p); i++) {
        mlx_profile_event e = event_of(p, i);
        for (int k = 0; k < THREADS; k++) {
            if (e.thread != number[k])
                continue;
            CHECK(e.start_ns >= end[k]);
            end[k] = e.start_ns + e.duration_ns;
            programs[k] += !strcmp(e.name, "Exp+Multiply+Add");
        }
    }
    for (int k = 0; k < THREADS; k++)
        CHECK_EQ_INT(programs[k], EACH);
    mlx_profile_free(p);
}

static void queued_evaluations(void) {
    mlx_array x = FILLED(1, 4), y = pointwise(x);
    mlx_vector_array all = mlx_vector_array_new_value(y);
    mlx_profile p = started(0);
    CHECK(mlx_async_eval(all) == 0 && mlx_synchronize(s) == 0 && mlx_profile_stop(p) == 0);
    CHECK_EQ_INT(count_of(p), 1);
    CHECK(event_of(p, 0).thread != gettid());
    mlx_profile_free(p);
    mlx_vector_array_free(all);
    mlx_array_free(y);
    mlx_array_free(x);
}

/* A child of fork records on, under its own number. */
static void a_forked_process(void) {
    mlx_array x = FILLED(1, 4), y = pointwise(x);
    mlx_profile p = started(0);
    mlx_array_eval(y);
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        mlx_array z = pointwise(x);
        mlx_profile_event e[2];
        bool ok = mlx_array_eval(z) == 0 && mlx_profile_stop(p) == 0 &&
                  mlx_profile_get(&e[0], p, 0) == 0 && mlx_profile_get(&e[1], p, 1) == 0;
        _exit(ok && e[0].thread == getppid() && e[1].thread == getpid() ? 0 : 1);
    }
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(mlx_profile_stop(p) == 0);
    CHECK_EQ_INT(count_of(p), 1);
    mlx_profile_free(p);
    mlx_array_free(x);
    mlx_array_free(y);
}

static void several_profiles(void) {
    mlx_array x = FILLED(1, 4), y;
    mlx_profile outer = started(0), inner;
    only_event(&inner, pointwise(x));
    mlx_array_eval(y = pointwise(x));
    CHECK(mlx_profile_stop(outer) == 0);
    CHECK_EQ_INT(count_of(outer), 2);
    CHECK_EQ_INT(count_of(inner), 1);
    mlx_array_eval(x); /* nothing runs, nobody records */
    CHECK_EQ_INT(count_of(outer), 2);
    mlx_profile_free(outer);
    mlx_profile_free(inner);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* --- failures and limits ---------------------------------------------------------------------- */

static void quiet(const char *message, void *data) {
    (void)message, (void)data;
}

static void an_operation_that_fails(void) {
    mlx_array x = FILLED(1, 4), far = mlx_array_new_int(9), y = mlx_array_new();
    mlx_reshape(&far, far, (int[]){1}, 1, s);
    mlx_array_eval(far);
    mlx_take(&y, x, far, s);
    mlx_profile p = started(0);
    CHECK(mlx_array_eval(y) == 1 && mlx_profile_stop(p) == 0);
    mlx_profile_event e = event_of(p, count_of(p) - 1);
    CHECK(e.failed && e.bytes_written == 0);
    mlx_profile_free(p);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(far);
}

/* 64 KiB hold some hundred events: of 3000 the last ones are kept, and the others counted. */
static void the_ring_is_bounded(void) {
    enum { EVENTS = 3000 };
    mlx_array x = FILLED(1, 4), y;
    mlx_profile p = started(1);
    for (int i = 0; i < EVENTS; i++) {
        mlx_array_eval(y = pointwise(x));
        mlx_array_free(y);
    }
    CHECK(mlx_profile_stop(p) == 0);
    uint64_t dropped = 0;
    size_t kept = 0;
    CHECK(mlx_profile_count(&kept, &dropped, p) == 0);
    CHECK_EQ_INT(kept + dropped, EVENTS);
    CHECK(kept > 300 && kept < 1000);
    for (size_t i = 1; i < kept; i++)
        CHECK(event_of(p, i).start_ns > event_of(p, i - 1).start_ns);
    mlx_string text = mlx_string_new();
    CHECK(mlx_profile_text(&text, p) == 0);
    CHECK_HAS(mlx_string_data(text), "earlier events had no room");
    mlx_string_free(text);
    mlx_profile_free(p);
    mlx_array_free(x);
}

static void calls_in_the_wrong_order(void) {
    mlx_profile p = mlx_profile_new(), none = {NULL};
    mlx_profile_event e;
    mlx_profile_row r;
    size_t n;
    CHECK(mlx_profile_stop(p) == 1);
    CHECK_HAS(mlx_last_error_message(), "does not run");
    CHECK(mlx_profile_count(&n, NULL, p) == 1);
    CHECK_HAS(mlx_last_error_message(), "has not run");
    CHECK(mlx_profile_start(p, 0) == 0 && mlx_profile_start(p, 0) == 1);
    CHECK_HAS(mlx_last_error_message(), "runs already");
    CHECK(mlx_profile_get(&e, p, 0) == 1);
    CHECK_HAS(mlx_last_error_message(), "still runs");
    CHECK(mlx_profile_stop(p) == 0 && mlx_profile_count(&n, NULL, p) == 0 && n == 0);
    CHECK(mlx_profile_get(&e, p, 0) == 1 && mlx_profile_get_row(&r, p, 0) == 1);
    CHECK(mlx_profile_write(p, NULL) == 1 && mlx_profile_write(p, "/no such folder/x") == 1);
    CHECK(mlx_profile_start(none, 0) == 1 && mlx_profile_free(none) == 0);
    CHECK(mlx_profile_start(p, SIZE_MAX / 2) == 1);
    CHECK_EQ_INT(mlx_last_error_code(), MLX_ERROR_MEMORY);
    CHECK(mlx_profile_start(p, 0) == 0); /* freed while it runs */
    mlx_profile_free(p);
}

static void out_of_memory(void) {
    mlx_array x = FILLED(1, 4), y = mlx_array_new();
    bool done = false;
    for (uint64_t k = 1; !done && k < 200; k++) {
        mlx_profile p = mlx_profile_new();
        mlx_string text = mlx_string_new();
        int64_t live = mx_alloc_live();
        mlx_array_free(y);
        y = pointwise(x);
        mx_alloc_fail_at(k);
        done = mlx_profile_start(p, 0) == 0 && mlx_array_eval(y) == 0 && mlx_profile_stop(p) == 0 &&
               mlx_profile_text(&text, p) == 0;
        mx_alloc_fail_at(0);
        CHECK(done || mlx_last_error_code() == MLX_ERROR_MEMORY);
        mlx_string_free(text);
        mlx_profile_free(p);
        CHECK(mx_alloc_live() <= live + 8);
    }
    CHECK(done);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* --- the table -------------------------------------------------------------------------------- */

static void the_table(void) {
    mlx_array x = FILLED(1, 64, 64), y;
    mlx_profile p = started(0);
    for (int i = 0; i < 5; i++) {
        mlx_array_eval(y = pointwise(x));
        mlx_array_free(y);
    }
    y = mlx_array_new();
    mlx_matmul(&y, x, x, s);
    CHECK(mlx_array_eval(y) == 0 && mlx_profile_stop(p) == 0);
    size_t n = 0;
    uint64_t calls = 0;
    int64_t all = 0, before = INT64_MAX;
    CHECK(mlx_profile_row_count(&n, p) == 0);
    CHECK_EQ_INT(n, 2);
    for (size_t i = 0; i < n; i++) {
        mlx_profile_row r;
        CHECK(mlx_profile_get_row(&r, p, i) == 0);
        CHECK(r.self_ns <= before && r.share > 0);
        bool product = !strcmp(r.name, "Matmul");
        CHECK_EQ_INT(r.calls, product ? 1 : 5);
        CHECK_NEAR(r.flops, product ? 2.0 * 64 * 64 * 64 : 5 * 3 * 64 * 64, 0);
        CHECK_EQ_INT(r.bytes, (product ? 2 : 5 * 2) * 4 * 64 * 64);
        calls += r.calls;
        all += before = r.self_ns;
    }
    CHECK_EQ_INT(calls, 6);
    CHECK(all > 0);
    mlx_string text = mlx_string_new();
    CHECK(mlx_profile_text(&text, p) == 0);
    CHECK_HAS(mlx_string_data(text), "operation");
    CHECK_HAS(mlx_string_data(text), "Exp+Multiply+Add");
    CHECK_HAS(mlx_string_data(text), "6 events");
    mlx_string_free(text);
    double bandwidth = 0, flops = 0;
    CHECK(mlx_machine_limits(&bandwidth, &flops) == 0 && bandwidth > 0 && flops > 0);
    mlx_profile_free(p);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* --- trace files ------------------------------------------------------------------------------ */

/* Every event has what the format wants; gives the number of operations. */
static size_t check_trace(const json_t *all) {
    size_t i, operations = 0;
    json_t *e;
    CHECK(json_is_array(all));
    json_array_foreach(all, i, e) {
        CHECK(json_is_string(json_object_get(e, "ph")) &&
              json_is_string(json_object_get(e, "name")));
        CHECK(json_is_integer(json_object_get(e, "pid")) &&
              json_is_integer(json_object_get(e, "tid")));
        CHECK(json_is_object(json_object_get(e, "args")));
        if (is_kind(e, "M"))
            continue;
        CHECK(is_kind(e, "X") || is_kind(e, "C"));
        CHECK(json_number_value(json_object_get(e, "ts")) >= 0);
        CHECK(is_kind(e, "C") || json_number_value(json_object_get(e, "dur")) >= 0);
        operations += is_kind(e, "X");
    }
    return operations;
}

static uint32_t here;
static uint32_t say_here(void *data) {
    (void)data;
    return here;
}

/* A name of a file may hold any bytes. */
static void a_trace_with_hostile_names(void) {
    char path[256];
    mlx_array x = FILLED(1, 4, 5);
    mlx_profile p = started(0);
    here = mlx_source_add("a\"\\\n\x01</script>\xff\xc3\xa9.py", 7);
    CHECK(here != 0 && mlx_source_add("a\"\\\n\x01</script>\xff\xc3\xa9.py", 7) == here);
    CHECK_EQ_INT(mlx_source_add(NULL, 1), 0);
    mlx_source_set_hook(say_here, NULL);
    CHECK_EQ_INT(mlx_source_here(), here);
    mlx_array y = pointwise(x);
    mlx_source_set_hook(NULL, NULL);
    CHECK(mlx_array_eval(y) == 0 && mlx_profile_stop(p) == 0);
    CHECK_EQ_INT(mlx_source_here(), 0);
    CHECK(mlx_profile_write(p, temporary(path, sizeof path, "hostile.json")) == 0);
    json_t *root = load_trace(path), *all = json_object_get(root, "traceEvents"), *e = NULL;
    CHECK_EQ_INT(check_trace(all), 1);
    for (size_t i = 0; i < json_array_size(all) && !(e && is_kind(e, "X")); i++)
        e = json_array_get(all, i);
    const json_t *args = json_object_get(e, "args");
    CHECK_STR(json_string_value(json_object_get(args, "source")),
              "a\"\\\n\x01</script>\xef\xbf\xbd\xc3\xa9.py:7");
    CHECK_STR(json_string_value(json_object_get(args, "inputs")), "float32 (4,5)");
    CHECK_EQ_INT(json_integer_value(json_object_get(args, "read")), 80);
    CHECK_EQ_INT(json_integer_value(json_object_get(args, "flops")), 60);
    json_decref(root);
    FILE *file = fopen(path, "r"); /* may stand inside a page */
    char text[4096] = "";
    size_t n = fread(text, 1, sizeof text - 1, file);
    CHECK(n > 0 && !strstr(text, "</script>"));
    fclose(file);
    unlink(path);
    mlx_profile_free(p);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* What a program does that is run with MLX_TRACE: an evaluation, and a child with its own end. */
static int traced_program(void) {
    mlx_array x = FILLED(1, 4), y = pointwise(x);
    mlx_array_eval(y);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    waitpid(child, NULL, 0);
    mlx_array_free(x);
    mlx_array_free(y);
    return 0;
}

/* Runs this program so, stderr into errors; its exit status. */
static int run_traced(const char *trace, const char *errors, pid_t *pid) {
    int status = -1;
    if ((*pid = fork()) == 0) {
        setenv("MLX_TRACE", trace, 1);
        if (!freopen(errors, "w", stderr))
            _exit(9);
        execl(self, self, "traced", (char *)NULL);
        _exit(9);
    }
    waitpid(*pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_environment(void) {
    char path[256], errors[256], pattern[300], written[300], line[512] = "";
    pid_t pid;
    temporary(path, sizeof path, "env");
    temporary(errors, sizeof errors, "stderr");
    snprintf(pattern, sizeof pattern, "%s_%%p.json", path);
    CHECK_EQ_INT(run_traced(pattern, errors, &pid), 0);
    snprintf(written, sizeof written, "%s_%d.json", path, (int)pid);
    json_t *root = load_trace(written);
    CHECK(check_trace(json_object_get(root, "traceEvents")) >= 2);
    json_decref(root);
    unlink(written);
    CHECK_EQ_INT(run_traced("/no such folder/trace.json", errors, &pid), 0);
    FILE *file = fopen(errors, "r");
    CHECK(file && fgets(line, sizeof line, file));
    CHECK_HAS(line, "MLX_TRACE: there is no trace");
    if (file)
        fclose(file);
    unlink(errors);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "traced"))
        return traced_program();
    self = "/proc/self/exe";
    mlx_set_error_handler(quiet, NULL, NULL);
    RUN(a_fused_program);
    RUN(repeats_are_counted);
    RUN(a_fed_reduction);
    RUN(views_move_nothing);
    RUN(a_broadcast_is_read_once);
    RUN(operations_by_formula);
    RUN(many_inputs);
    RUN(compiled_functions_nest);
    RUN(streams_have_numbers);
    RUN(threads_at_once);
    RUN(queued_evaluations);
    RUN(a_forked_process);
    RUN(several_profiles);
    RUN(an_operation_that_fails);
    RUN(the_ring_is_bounded);
    RUN(calls_in_the_wrong_order);
    RUN(out_of_memory);
    RUN(the_table);
    RUN(a_trace_with_hostile_names);
    RUN(the_environment);
    return check_done();
}
