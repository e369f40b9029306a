/* Evaluations side by side: what two threads get of small work beside one, and how long a step of a
 * high priority takes while a batch job has all threads.
 *
 *     bench_streams [milliseconds a row, 500 unless said]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/threads/pool.h"
#include "graph/eval/eval.h"
#include "graph/eval/stream.h"
#include "graph/trace/scope.h"
#include "ops/ops.h"

enum { MOST = 8, SAMPLES = 4000 };

static double row_us = 500e3;
static atomic_bool stop;

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static mx_array *matrix(int n) {
    int shape[2] = {n, n};
    return mx_full_s(shape, 2, 0.5, MX_FLOAT32);
}

/* --- throughput of small work ----------------------------------------------------------------- */

/* A layer of a small network: too little for threads. */
static bool small_step(mx_array *x, mx_array *w) {
    mx_scope s = mx_scope_open();
    mx_array *y = mx_tanh(mx_add_s(mx_matmul(x, w), 0.1));
    bool ok = mx_eval1(mx_sum(mx_mul(y, x), NULL, 0, false));
    mx_scope_close(s);
    return ok;
}

/* The number of steps that it makes. */
static void *small_work(void *count) {
    mx_scope s = mx_scope_open();
    mx_array *x = matrix(24), *w = matrix(24);
    mx_array *both[2] = {x, w};
    bool ok = mx_eval(both, 2);
    int64_t n = 0;
    for (; ok && !atomic_load_explicit(&stop, memory_order_relaxed); n++)
        ok = small_step(x, w);
    *(int64_t *)count = n;
    mx_scope_close(s);
    return NULL;
}

/* Steps a second of so many threads together. */
static double throughput(int threads) {
    pthread_t t[MOST];
    int64_t count[MOST] = {0}, sum = 0;
    const struct timespec row = {(time_t)(row_us / 1e6), (long)(row_us * 1e3) % 1000000000};
    atomic_store(&stop, false);
    double start = now_us();
    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, small_work, &count[i]);
    nanosleep(&row, NULL);
    atomic_store(&stop, true);
    for (int i = 0; i < threads; i++) {
        pthread_join(t[i], NULL);
        sum += count[i];
    }
    return (double)sum / (now_us() - start) * 1e6;
}

/* --- latency beside a batch job --------------------------------------------------------------- */

static void *batch_job(void *unused) {
    (void)unused;
    mx_scope s = mx_scope_open();
    mx_array *x = matrix(768), *w = matrix(768);
    while (!atomic_load(&stop)) {
        mx_scope t = mx_scope_open();
        mx_array *y = x;
        for (int i = 0; i < 8; i++)
            y = mx_tanh(mx_mul_s(mx_matmul(y, w), 1e-3));
        mx_eval1(y);
        mx_scope_close(t);
    }
    mx_scope_close(s);
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A step of some layers on threads, with a pause after it; the median and the 95th of a hundred. */
static void latency(const char *name, int priority) {
    static double took[SAMPLES];
    mx_scope s = mx_scope_open();
    mx_stream stream = mx_current_stream();
    mx_stream_new(stream.device, &stream);
    mx_stream_set_priority(stream, priority);
    mx_scope_use(stream);
    mx_array *x = matrix(192), *w = matrix(192);
    int n = 0;
    for (double start = now_us(); n < SAMPLES && now_us() - start < row_us; n++) {
        const struct timespec pause = {0, 2000 * 1000};
        mx_scope t = mx_scope_open();
        double begin = now_us();
        mx_array *y = x;
        for (int i = 0; i < 12; i++)
            y = mx_tanh(mx_mul_s(mx_matmul(y, w), 1e-2));
        mx_eval1(y);
        took[n] = now_us() - begin;
        mx_scope_close(t);
        nanosleep(&pause, NULL);
    }
    qsort(took, (size_t)n, sizeof *took, ascending);
    printf("%s\t%.0f us\t%.0f us\n", name, took[n / 2], took[n * 95 / 100]);
    mx_stream_set_priority(stream, 0);
    mx_scope_close(s);
}

int main(int argc, char **argv) {
    pthread_t batch;
    if (argc > 1)
        row_us = atof(argv[1]) * 1e3;
    double one = throughput(1);
    printf("small work\tsteps a second\tof one thread\n");
    for (int n = 1; n <= MOST && n <= mx_pool_threads(); n *= 2) {
        double all = throughput(n);
        printf("%d threads\t%.0f\t%.2f\n", n, all, all / one);
    }
    printf("step of 12 products\tmedian\t95%%\n");
    latency("alone", 0);
    atomic_store(&stop, false);
    pthread_create(&batch, NULL, batch_job, NULL);
    latency("beside a batch job", 0);
    latency("beside it, with priority", 10);
    atomic_store(&stop, true);
    pthread_join(batch, NULL);
    return 0;
}
