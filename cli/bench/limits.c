/* Bandwidth and arithmetic of all threads at once. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/limits.h"
#include "output/output.h"

enum { MOST_THREADS = 1024 };

int cli_threads(void) {
    const char *wanted = getenv("MLX_NUM_THREADS");
    int n = wanted ? atoi(wanted) : 0;
    cpu_set_t set;
    if (n <= 0)
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < MOST_THREADS ? n : MOST_THREADS;
}

typedef struct work work;
/* Does something once; returns how much. */
typedef double work_fn(work *w);

struct work {
    work_fn *fn;
    pthread_barrier_t *barrier;
    char *from, *to; /* this thread's share */
    size_t bytes;
    long rounds;
    double seconds, done, took, sink;
};

/* Until the time is over, from when all threads are there. */
static void *labour(void *argument) {
    work *w = argument;
    w->fn(w); // pages and clocks warm up
    pthread_barrier_wait(w->barrier);
    double began = cli_seconds();
    do
        w->done += w->fn(w);
    while (cli_seconds() - began < w->seconds);
    w->took = cli_seconds() - began;
    return NULL;
}

/* All threads at it; how much a second, or 0: they could not be started. */
static double rate_once(const work *plan, int threads) {
    static work all[MOST_THREADS];
    pthread_t id[MOST_THREADS];
    pthread_barrier_t barrier;
    size_t share = plan->bytes / (size_t)threads & ~(size_t)63;
    double sum = 0;
    int begun = 0;
    if (pthread_barrier_init(&barrier, NULL, (unsigned)threads))
        return 0;
    for (; begun < threads; begun++) {
        all[begun] = *plan;
        all[begun].barrier = &barrier;
        all[begun].bytes = share;
        all[begun].from += share * (size_t)begun;
        all[begun].to += share * (size_t)begun;
        if (pthread_create(&id[begun], NULL, labour, &all[begun]))
            return 0; // those that wait for the others end with the process
    }
    for (int i = 0; i < begun; i++) {
        pthread_join(id[i], NULL);
        sum += all[i].done / all[i].took;
    }
    pthread_barrier_destroy(&barrier);
    return sum;
}

/* The best of several, as of operations: something else may be running. */
static double rate(work plan, work_fn *fn, int threads) {
    enum { TIMES = 4 };
    double best = 0;
    plan.fn = fn;
    plan.seconds /= TIMES;
    for (int i = 0; i < TIMES; i++) {
        double once = rate_once(&plan, threads);
        if (once <= 0)
            return 0;
        best = once > best ? once : best;
    }
    return best;
}

/* --- what is done ----------------------------------------------------------------------------- */

typedef uint64_t words __attribute__((vector_size(64)));

static double read_all(work *w) {
    const words *at = (const words *)w->from;
    words sum[4] = {{0}};
    for (size_t i = 0; i + 4 <= w->bytes / sizeof *at; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += at[i + (size_t)k];
    for (int k = 0; k < 8; k++)
        w->sink += (double)(sum[0] + sum[1] + sum[2] + sum[3])[k];
    return (double)w->bytes;
}

static double copy_all(work *w) {
    memcpy(w->to, w->from, w->bytes);
    return 2 * (double)w->bytes;
}

static double float32_all(work *w) {
    return cli_peak_float32(w->rounds, &w->sink);
}

static double float64_all(work *w) {
    return cli_peak_float64(w->rounds, &w->sink);
}

int cli_measure(cli_limits *out, size_t bytes, double seconds) {
    bytes = (bytes + 4095) & ~(size_t)4095;
    work plan = {.bytes = bytes, .seconds = seconds, .rounds = 20000};
    plan.from = aligned_alloc(4096, bytes), plan.to = aligned_alloc(4096, bytes);
    out->threads = cli_threads();
    if (plan.from && plan.to) {
        memset(plan.from, 1, bytes), memset(plan.to, 1, bytes);
        out->read = rate(plan, read_all, out->threads);
        out->copy = rate(plan, copy_all, out->threads);
        out->float32 = rate(plan, float32_all, out->threads);
        out->float64 = rate(plan, float64_all, out->threads);
    }
    free(plan.from), free(plan.to);
    return !(out->read > 0 && out->copy > 0 && out->float32 > 0 && out->float64 > 0);
}
