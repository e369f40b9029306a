/* What the library itself costs: building and evaluating tiny operations. */
#include <stdio.h>
#include <time.h>

#include "graph/eval.h"
#include "ops/ops.h"

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static mx_array *small(void) {
    int shape[2] = {8, 8};
    return mx_array_retain(mx_full_s(shape, 2, 1, MX_FLOAT32));
}

/* One add, built and evaluated, many times. */
static void single(void) {
    enum { N = 200000 };
    mx_scope s = mx_scope_open();
    mx_array *x = small(), *y = mx_contiguous(x, false);
    mx_eval1(y);
    double build = 0, start = now_us();
    for (int i = 0; i < N; i++) {
        mx_scope t = mx_scope_open();
        double b = i % 64 ? 0 : now_us();
        mx_array *z = mx_add(y, y);
        if (b > 0)
            build += now_us() - b;
        mx_eval1(z);
        mx_scope_close(t);
    }
    printf("add 8x8, build and eval\t%.3f us\n", (now_us() - start) / N);
    printf("add 8x8, build (with the clock)\t%.3f us\n", build / (N / 64));
    mx_array_release(x);
    mx_scope_close(s);
}

static void chain(int n) {
    mx_scope s = mx_scope_open();
    mx_array *x = small();
    double start = now_us();
    for (int i = 0; i < n; i++) {
        mx_scope t = mx_scope_open();
        mx_array *y = mx_array_retain(mx_add(x, x));
        mx_array_release(x);
        x = y;
        mx_scope_close(t);
    }
    double built = now_us();
    mx_eval1(x);
    double done = now_us();
    mx_array_release(x);
    printf("chain of %d adds: build %.3f us, eval %.3f us each\n", n, (built - start) / n, (done - built) / n);
    mx_scope_close(s);
}

int main(void) {
    single();
    chain(500);
    chain(500);
    chain(1000000);
    return 0;
}
