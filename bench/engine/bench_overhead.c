/* What the library itself costs: building and evaluating tiny operations. */
#include <stdio.h>
#include <time.h>

#include "base/threads/pool.h"
#include "graph/eval/eval.h"
#include "graph/profile/profile.h"
#include "ops/ops.h"
#include "transforms/compile.h"
#include "transforms/transforms.h"

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
    printf("chain of %d adds: build %.3f us, eval %.3f us each\n", n, (built - start) / n,
           (done - built) / n);
    mx_scope_close(s);
}

/* --- a gradient beside its function: 8x8, built and evaluated --------------------------------- */

static mx_array *waves(mx_array *const *x) {
    return mx_sum_all(mx_mul(mx_sin(x[0]), mx_exp(x[1])));
}
static mx_array *regression(mx_array *const *x) {
    return mx_mean(mx_square(mx_sub(mx_matmul(x[0], x[1]), x[2])), NULL, 0, false);
}
static mx_array *layer(mx_array *const *x) {
    return mx_sum_all(mx_square(mx_tanh(mx_add(mx_matmul(x[0], x[1]), x[2]))));
}

typedef struct measured {
    mx_array *(*f)(mx_array *const *);
    int n;
    mx_array *x[3];
    mx_closure *compiled;
} measured;

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    return mx_arrays_add(out, ((measured *)self->payload)->f(in));
}

static void forward(measured *m) {
    mx_scope s = mx_scope_open();
    mx_array *y = mx_array_retain(m->f(m->x));
    mx_scope_close(s);
    mx_eval1(y);
    mx_array_release(y);
}

/* The gradients and the value. */
static bool differentiate(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    measured *m = self->payload;
    mx_closure f = mx_closure_local(call, m);
    mx_arrays y = {0};
    bool ok =
        mx_value_and_grad(&f, in, n, (int[]){0, 1, 2}, n, &y, out) && mx_arrays_add(out, y.item[0]);
    mx_arrays_free(&y);
    return ok;
}

static void compute(mx_closure *f, measured *m) {
    mx_arrays all = {0};
    mx_scope s = mx_scope_open();
    if (mx_closure_call(f, m->x, m->n, &all))
        mx_eval(all.item, (int)all.count);
    mx_arrays_free(&all);
    mx_scope_close(s);
}

static void value_and_grad(measured *m) {
    mx_closure g = mx_closure_local(differentiate, m);
    compute(&g, m);
}

static void compiled(measured *m) {
    compute(m->compiled, m);
}

/* The best of many rounds. */
static double best_of(void (*run)(measured *), measured *m) {
    double best = 1e9;
    for (int round = 0; round < 200; round++) {
        double start = now_us();
        for (int i = 0; i < 100; i++)
            run(m);
        double us = (now_us() - start) / 100;
        best = us < best ? us : best;
    }
    return best;
}

static double best_compiled(mx_closure_fn *f, measured *m) {
    mx_closure plain = mx_closure_local(f, m);
    if (!(m->compiled = mx_compile(&plain, false)))
        return 0;
    double best = best_of(compiled, m);
    mx_object_release(&m->compiled->object);
    return best;
}

static void gradient(const char *name, mx_array *(*f)(mx_array *const *), int n) {
    mx_scope s = mx_scope_open();
    measured m = {f, n, {0}, NULL};
    for (int i = 0; i < n; i++) {
        m.x[i] =
            mx_random_normal((int[]){8, 8}, 2, MX_FLOAT32, NULL, NULL, mx_random_key((uint64_t)i));
        mx_eval1(m.x[i]);
    }
    double one = best_of(forward, &m), both = best_of(value_and_grad, &m);
    printf("%s: forward %.2f us, value_and_grad %.2f us, %.2f times\n", name, one, both,
           both / one);
    one = best_compiled(call, &m);
    both = best_compiled(differentiate, &m);
    printf("%s, compiled: forward %.2f us, value_and_grad %.2f us, %.2f times\n", name, one, both,
           both / one);
    mx_scope_close(s);
}

/* --- a profile that runs beside none ---------------------------------------------------------- */

/* Processor time, on one thread: what others do on the machine does not count. */
static double processor_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static double round_us(void (*run)(measured *), measured *m, int calls) {
    double start = processor_us();
    for (int i = 0; i < calls; i++)
        run(m);
    return (processor_us() - start) / calls;
}

static void profiled(const char *name, mx_array *(*f)(mx_array *const *), int n, int size,
                     int calls) {
    mx_scope s = mx_scope_open();
    measured m = {f, n, {0}, NULL};
    mx_profile p = {0};
    double best[2] = {1e9, 1e9};
    for (int i = 0; i < n; i++) {
        m.x[i] = mx_random_normal((int[]){size, size}, 2, MX_FLOAT32, NULL, NULL,
                                  mx_random_key((uint64_t)i));
        mx_eval1(m.x[i]);
    }
    for (int round = 0; round < 60; round++) { // by turns, the best of both
        bool on = round % 2 && mx_profile_start(&p, 0);
        double us = round_us(value_and_grad, &m, calls);
        best[on] = us < best[on] ? us : best[on];
        mx_profile_clear(&p);
    }
    printf("%s %dx%d, value_and_grad: profile off %.2f us, on %.2f us, %.2f%% more\n", name, size,
           size, best[0], best[1], 100 * (best[1] / best[0] - 1));
    mx_scope_close(s);
}

int main(void) {
    mx_pool_set_threads(1);
    profiled("sum(tanh(x w + b)^2)", layer, 3, 8, 400);
    profiled("sum(tanh(x w + b)^2)", layer, 3, 128, 40);
    profiled("sum(tanh(x w + b)^2)", layer, 3, 512, 4);
    mx_pool_set_threads(0);
    gradient("sum(sin x exp y)", waves, 2);
    gradient("mean((x w - y)^2)", regression, 3);
    gradient("sum(tanh(x w + b)^2)", layer, 3);
    single();
    chain(500);
    chain(500);
    chain(1000000);
    return 0;
}
