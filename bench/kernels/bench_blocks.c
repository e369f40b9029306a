/* Products with blocks of GGUF files beside what the machine can do, measured in the same run: a
 * vector times matrices that are in no cache beside reading them, many rows beside a loop of
 * nothing but dot products of bytes, and small matrices in cache, microseconds a call.
 *
 *     bench_blocks [word ...]     only rows whose name contains a word */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "base/machine/cpuinfo.h"
#include "base/threads/pool.h"
#include "cpu/quant/quant_engine.h"
#include "kernels/blocks/blocks.h"
#include "kernels/kernels.h"

enum { BYTES = 256 << 20, AHEAD = 512, PIECE = 1 << 16, REPEATS = 7, DOTS = 1 << 20 };

/* BENCH_CPU=1: processor time of each thread, for a machine that does other things as well. */
static bool by_processor;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(by_processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    double ms = (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
    return by_processor ? ms / mx_pool_threads() : ms;
}

static void *get(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p)
        exit(1);
    return p;
}

static double least(double a, double b) {
    return a < b ? a : b;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_body(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        const uint64_t *p = (const uint64_t *)ctx + i * (PIECE / 8);
        uint64_t s[8] = {0};
        for (int k = 0; k < PIECE / 8; k += 8) {
            __builtin_prefetch(p + k + AHEAD);
            for (int j = 0; j < 8; j++)
                s[j] += p[k + j];
        }
        uint64_t sum = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
        __asm__ volatile("" : : "r"(sum)); // it is read for its own sake
    }
}

static double read_ms(const void *p, size_t bytes) {
    double start = now_ms();
    mx_parallel_for((int64_t)(bytes / PIECE), 4, read_body, (void *)(uintptr_t)p);
    return now_ms() - start;
}

/* --- dot products of bytes -------------------------------------------------------------------- */

/* `n` rounds of a dozen sums, products of bytes to int32 as the instruction set has them; how many
   products that was. */
#if defined(__x86_64__)
__attribute__((target("avx2"))) static double dots_avx2(int64_t n) {
    __m256i a[12] = {0}, w = _mm256_set1_epi32(0x01020304), ones = _mm256_set1_epi16(1);
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < 12; j++) {
            __asm__ volatile("" : "+x"(w));
            a[j] = _mm256_add_epi32(a[j], _mm256_madd_epi16(_mm256_maddubs_epi16(w, w), ones));
            __asm__ volatile("" : "+x"(a[j]));
        }
    for (int j = 0; j < 12; j++)
        __asm__ volatile("" : : "x"(a[j]));
    return (double)n * 12 * 32;
}
__attribute__((target("avx512f,avx512vnni"))) static double dots_vnni(int64_t n) {
    __m512i a[12] = {0}, w = _mm512_set1_epi32(0x01020304);
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < 12; j++) {
            a[j] = _mm512_dpbusd_epi32(a[j], w, w);
            __asm__ volatile("" : "+v"(a[j]));
        }
    return (double)n * 12 * 64;
}
static double dots(int64_t n) {
    return mx_cpuinfo_get()->avx512_vnni ? dots_vnni(n) : mx_cpuinfo_get()->avx2 ? dots_avx2(n) : 0;
}
#elif defined(__ARM_FEATURE_DOTPROD)
static double dots(int64_t n) {
    int32x4_t a[12] = {0};
    int8x16_t w = vdupq_n_s8(3);
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < 12; j++) {
            a[j] = vdotq_s32(a[j], w, w);
            __asm__ volatile("" : "+w"(a[j]));
        }
    return (double)n * 12 * 16;
}
#else
static double dots(int64_t n) {
    return (double)n * 0;
}
#endif

static double dots_of[64];

static void dots_body(void *ctx, int64_t begin, int64_t end) {
    (void)ctx;
    for (int64_t i = begin; i < end; i++)
        dots_of[i] = dots(DOTS);
}

/* Products of bytes a second, of all threads, in thousands of millions. */
static double peak(void) {
    int n = mx_pool_threads() < 64 ? mx_pool_threads() : 64;
    double best = 1e9, count = 0;
    for (int r = 0; r < REPEATS; r++) {
        double start = now_ms();
        mx_parallel_for(n, 1, dots_body, NULL);
        best = least(best, now_ms() - start);
    }
    for (int i = 0; i < n; i++)
        count += dots_of[i];
    return count / best * 1e-6;
}

/* --- products --------------------------------------------------------------------------------- */

typedef struct bench {
    const mx_block_format *f;
    int m, n, k;
    char *w; /* `copies` matrices */
    int copies;
    size_t bytes; /* of one */
    float *x, *y;
} bench;

static bench prepare(const char *mode, int m, int n, int k, size_t total) {
    bench b = {.f = mx_block_by_name(mode), .m = m, .n = n, .k = k};
    b.bytes = (size_t)n * (size_t)(k / b.f->items) * b.f->bytes;
    b.copies = (int)(total / b.bytes) + 1;
    b.w = get(b.bytes * (size_t)b.copies + PIECE);
    b.x = get((size_t)m * (size_t)k * sizeof *b.x);
    b.y = get((size_t)m * (size_t)n * sizeof *b.y);
    float *row = get((size_t)k * sizeof *row);
    uint32_t u = 1;
    for (int i = 0; i < m * k; i++)
        b.x[i] = (float)(int32_t)(u = u * 1664525u + 1013904223u) * 4e-10f;
    for (int i = 0; i < k; i++)
        row[i] = b.x[i] * 0.5f;
    mx_blocks_encode(b.f, b.w, row, (size_t)(k / b.f->items));
    size_t one = b.bytes / (size_t)n;
    for (size_t at = one; at < b.bytes * (size_t)b.copies; at += one)
        memcpy(b.w + at, b.w, one);
    free(row);
    return b;
}

static void drop(bench *b) {
    free(b->w);
    free(b->x);
    free(b->y);
}

static void multiply(const bench *b, int copy) {
    mx_quant_matrix w = {.format = {(mx_quant_mode)(MX_BLOCK_MODE + b->f->id), 0, b->f->items},
                         .w = b->w + (size_t)copy * b->bytes,
                         .w_rs = (ptrdiff_t)(b->bytes / (size_t)b->n),
                         .factor = 1};
    mx_qmm_run run = {w, b->m, 0};
    mx_qmm_args a = {.dtype = MX_FLOAT32,
                     .transpose = true,
                     .n = b->n,
                     .k = b->k,
                     .x = b->x,
                     .y = b->y,
                     .runs = &run,
                     .run_count = 1};
    mx_qmm(&a);
}

static double all_copies_ms(const bench *b) {
    double start = now_ms();
    for (int i = 0; i < b->copies; i++)
        multiply(b, i);
    return now_ms() - start;
}

static void vector_row(const char *mode) {
    bench b = prepare(mode, 1, 4096, 4096, BYTES);
    size_t bytes = b.bytes * (size_t)b.copies;
    double read = 1e9, product = 1e9;
    for (int r = 0; r < REPEATS; r++) {
        read = least(read, read_ms(b.w, bytes));
        product = least(product, all_copies_ms(&b));
    }
    printf("vector x %-8s 4096x4096   %8.3f ms  %6.1f GB/s of %6.1f read  %5.1f%%\n", mode,
           product / b.copies, (double)bytes / product * 1e-6, (double)bytes / read * 1e-6,
           read / product * 100);
    drop(&b);
}

static void many_row(const char *mode, int m, double most) {
    bench b = prepare(mode, m, 4096, 4096, 0);
    double best = 1e9, count = (double)m * 4096 * 4096;
    for (int r = 0; r < REPEATS; r++)
        best = least(best, all_copies_ms(&b) / b.copies);
    printf("%d rows x %-8s 4096x4096 %8.2f ms  %6.0f GMAC/s of %6.0f     %5.1f%%\n", m, mode, best,
           count / best * 1e-6, most, count / best * 1e-6 / most * 100);
    drop(&b);
}

static void small_row(const char *mode, int n, int k) {
    enum { CALLS = 200 };
    bench b = prepare(mode, 1, n, k, 0);
    double best = 1e9;
    for (int r = 0; r < REPEATS * 3; r++) {
        double start = now_ms();
        for (int i = 0; i < CALLS; i++)
            multiply(&b, 0);
        best = least(best, (now_ms() - start) / CALLS);
    }
    printf("small %-8s %5dx%-5d       %8.2f us  %6.1f GB/s from cache\n", mode, n, k, best * 1e3,
           (double)b.bytes / best * 1e-6);
    drop(&b);
}

/* --- which ------------------------------------------------------------------------------------ */

static bool wanted(int argc, char **argv, const char *name) {
    bool any = argc <= 1;
    for (int i = 1; i < argc; i++)
        any = any || strstr(name, argv[i]);
    return any;
}

int main(int argc, char **argv) {
    static const char *const modes[] = {"q4_0", "q4_1", "q5_0", "q8_0",   "q2_k",   "q3_k",
                                        "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4_gguf"};
    static const int small[][2] = {{576, 576}, {192, 576}, {1536, 576}, {576, 1536}};
    enum { MODES = sizeof modes / sizeof *modes, SMALL = sizeof small / sizeof *small };
    char name[64];
    by_processor = getenv("BENCH_CPU") != NULL;
    printf("%s, %d threads, %s\n", mx_kernels_get()->name, mx_pool_threads(),
           mx_cpuinfo_get()->name);
    for (int i = 0; i < MODES; i++) {
        snprintf(name, sizeof name, "vector %s", modes[i]);
        if (wanted(argc, argv, name))
            vector_row(modes[i]);
    }
    double most = peak();
    for (int i = 0; i < MODES; i++) {
        snprintf(name, sizeof name, "512 rows %s", modes[i]);
        if (wanted(argc, argv, name))
            many_row(modes[i], 512, most);
    }
    for (int i = 0; i < SMALL; i++) {
        snprintf(name, sizeof name, "small q4_1 %dx%d", small[i][0], small[i][1]);
        if (wanted(argc, argv, name))
            small_row("q4_1", small[i][0], small[i][1]);
    }
    return 0;
}
