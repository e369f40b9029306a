/* The rows of the performance table, one line each: name and best milliseconds.
 *
 *     bench_anchors [substring]      runs the rows whose name contains it
 *
 * Each row builds an expression over prepared inputs and evaluates it; the best of several rounds
 * counts (the machine is noisy, the best is what the code can do). bench/compare.py runs this
 * beside NumPy and PyTorch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"

static mx_array *x4, *y4, *z4;                      /* 4M float32 */
static mx_array *x4h, *y4h, *z4h, *x4b, *y4b, *z4b; /* the same in float16 and bfloat16 */
static mx_array *m2, *m2w, *m2b;                    /* 2048x2048, 2048 */
static mx_array *n512;                              /* 512x2048 */
static mx_array *a1, *b1, *a1b, *b1b, *a1h, *b1h;   /* 1024x1024 in three dtypes */
static mx_array *w4, *v4, *w4b, *v4b;               /* 4096x4096, 4096x1 */
static mx_array *q, *k, *v, *dq, *dk, *dv;
static mx_array *key, *idx, *table;

static mx_array *normal(int d0, int d1, mx_dtype t) {
    int shape[2] = {d0, d1};
    return mx_random_normal(shape, d1 ? 2 : 1, t, NULL, NULL, mx_random_next_key());
}

static mx_array *normal4(int b, int h, int l, int d) {
    int shape[4] = {b, h, l, d};
    return mx_random_normal(shape, 4, MX_FLOAT32, NULL, NULL, mx_random_next_key());
}

static void prepare(void) {
    int ids[1] = {65536};
    mx_random_seed(0);
    x4 = normal(1 << 22, 0, MX_FLOAT32), y4 = normal(1 << 22, 0, MX_FLOAT32),
    z4 = normal(1 << 22, 0, MX_FLOAT32);
    x4h = mx_astype(x4, MX_FLOAT16), y4h = mx_astype(y4, MX_FLOAT16),
    z4h = mx_astype(z4, MX_FLOAT16);
    x4b = mx_astype(x4, MX_BFLOAT16), y4b = mx_astype(y4, MX_BFLOAT16),
    z4b = mx_astype(z4, MX_BFLOAT16);
    m2 = normal(2048, 2048, MX_FLOAT32), m2w = normal(2048, 0, MX_FLOAT32),
    m2b = normal(2048, 0, MX_FLOAT32);
    n512 = normal(512, 2048, MX_FLOAT32);
    a1 = normal(1024, 1024, MX_FLOAT32), b1 = normal(1024, 1024, MX_FLOAT32);
    a1b = mx_astype(a1, MX_BFLOAT16), b1b = mx_astype(b1, MX_BFLOAT16);
    a1h = mx_astype(a1, MX_FLOAT16), b1h = mx_astype(b1, MX_FLOAT16);
    w4 = normal(4096, 4096, MX_FLOAT32), v4 = normal(4096, 1, MX_FLOAT32);
    w4b = mx_astype(w4, MX_BFLOAT16), v4b = mx_astype(v4, MX_BFLOAT16);
    q = normal4(1, 16, 512, 64), k = normal4(1, 16, 512, 64), v = normal4(1, 16, 512, 64);
    dq = normal4(1, 32, 1, 128), dk = normal4(1, 8, 2048, 128), dv = normal4(1, 8, 2048, 128);
    key = mx_random_key(1);
    table = normal(32768, 256, MX_FLOAT32);
    idx = mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(32768, MX_INT32), ids, 1, MX_INT32,
                            key);
    mx_array *all[] = {x4,  y4,   z4, x4h, y4h, z4h, x4b, y4b, z4b,   m2, m2w,
                       m2b, n512, a1, b1,  a1b, b1b, a1h, b1h, w4,    v4, w4b,
                       v4b, q,    k,  v,   dq,  dk,  dv,  key, table, idx};
    mx_eval(all, sizeof all / sizeof *all);
}

static mx_array *gelu(mx_array *x) {
    mx_array *half = mx_mul_s(x, 0.5);
    return mx_mul(half, mx_add_s(mx_erf(mx_mul_s(x, 0.70710678118654752)), 1));
}

static mx_array *nine(mx_array *x, mx_array *y, mx_array *z) {
    mx_array *a = mx_tanh(mx_add(mx_mul(x, y), z));
    mx_array *b = mx_mul(mx_exp(mx_mul_s(mx_square(x), -0.5)), a);
    return mx_sqrt(mx_abs(mx_add(b, z)));
}

static const int last[1] = {-1};
static const int four_million[1] = {1 << 22};

typedef struct row {
    const char *name;
    mx_array *(*build)(void);
} row;

#define ROW(label, fn, expression) \
    static mx_array *fn(void) {    \
        return expression;         \
    }
#include "bench_anchors.def"
#undef ROW

static const row rows[] = {
#define ROW(label, fn, expression) {label, fn},
#include "bench_anchors.def"
#undef ROW
};

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* Milliseconds of one evaluation, or -1 and the message. */
static double once(const row *r) {
    mx_scope s = mx_scope_open();
    double start = now_ms();
    mx_scope building = mx_scope_open(); // temporaries are let go, as by the public functions
    mx_array *y = mx_scope_return(building, r->build());
    bool ok = y && mx_eval1(y);
    double ms = now_ms() - start;
    mx_scope_close(s);
    if (ok)
        return ms;
    fprintf(stderr, "%s: %s\n", r->name, mx_error_message());
    mx_error_clear();
    return -1;
}

static void measure(const row *r) {
    double best = once(r), spent = best;
    for (int i = 0; best >= 0 && i < 200 && (i < 5 || spent < 400); i++) {
        double ms = once(r);
        spent += ms;
        best = ms < best ? ms : best;
    }
    printf("%s\t%.4f\n", r->name, best);
    fflush(stdout);
}

int main(int argc, char **argv) {
    mx_scope s = mx_scope_open();
    prepare();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (argc < 2 || strstr(rows[i].name, argv[1]))
            measure(&rows[i]);
    mx_scope_close(s);
    return 0;
}
