/* Measuring the machine: see limits.h. The best of some rounds counts, as other programs disturb.
 *
 *     bandwidth   all threads add up 128 MiB, more than most caches hold, a piece each
 *     flops       all threads run the matrix product's register tile over panels that stay in the
 *                 first-level cache
 */
#include "graph/profile/limits.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/threads/lock.h"
#include "base/threads/pool.h"
#include "kernels/kernels.h"
#include "kernels/matmul/k_matmul.h"

enum { ROUNDS = 5, WORDS = 16 << 20, WORD_GRAIN = 1 << 16, GROUPS = 128, TILES = 400 };

static mx_limits measured;
static bool is_measured;

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Seconds of the fastest round. */
static double best(mx_range_body *body, void *ctx, int64_t n, int64_t grain) {
    double least = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double start = seconds();
        mx_parallel_for(n, grain, body, ctx);
        double took = seconds() - start;
        least = i == 0 || took < least ? took : least;
    }
    return least > 1e-9 ? least : 1e-9;
}

/* --- bandwidth -------------------------------------------------------------------------------- */

typedef struct reading {
    const uint64_t *from;
    _Atomic uint64_t sum; /* so that nothing is left out */
} reading;

static void read_words(void *ctx, int64_t begin, int64_t end) {
    reading *r = ctx;
    uint64_t sum[8] = {0};
    for (int64_t i = begin; i + 8 <= end; i += 8)
        for (int k = 0; k < 8; k++)
            sum[k] += r->from[i + k];
    for (int k = 1; k < 8; k++)
        sum[0] += sum[k];
    r->sum += sum[0];
}

static bool measure_bandwidth(mx_limits *out) {
    size_t bytes = WORDS * sizeof(uint64_t);
    uint64_t *words = mx_malloc(bytes); // arrays' memory is counted
    if (!words)
        return false;
    memset(words, 1, bytes); // else all pages may be the one of zeros
    reading r = {.from = words};
    out->bandwidth = (double)bytes / best(read_words, &r, WORDS, WORD_GRAIN);
    mx_free(words);
    return true;
}

/* --- operations ------------------------------------------------------------------------------- */

enum { PANEL = 64 }; /* no tile is wider */

static void run_tiles(void *ctx, int64_t begin, int64_t end) {
    const mx_k_gemm *g = ctx;
    float a[PANEL * GROUPS], b[PANEL * GROUPS], c[PANEL * PANEL];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    for (int64_t i = begin; i < end; i++)
        g->tile(g->mr, g->nr, GROUPS, a, b, c, g->nr, i > begin);
}

static void measure_flops(mx_limits *out) {
    const mx_k_gemm *g = mx_kernels_get()->matmul->f32;
    int64_t tiles = (int64_t)TILES * mx_pool_threads();
    double one = 2.0 * g->mr * g->nr * GROUPS * g->kgroup;
    out->flops = one * (double)tiles / best(run_tiles, (void *)g, tiles, TILES / 8);
}

/* --- once ------------------------------------------------------------------------------------- */

bool mx_limits_known(mx_limits *out) {
    mx_lock(MX_LOCK_PROFILE);
    bool known = is_measured;
    if (known)
        *out = measured;
    mx_unlock(MX_LOCK_PROFILE);
    return known;
}

bool mx_limits_measure(mx_limits *out) {
    if (mx_limits_known(out))
        return true;
    if (!measure_bandwidth(out))
        return false;
    measure_flops(out);
    mx_lock(MX_LOCK_PROFILE);
    measured = *out;
    is_measured = true;
    mx_unlock(MX_LOCK_PROFILE);
    return true;
}
