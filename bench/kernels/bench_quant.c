/* Products with quantized matrices beside the same product with the matrix in its plain dtype, and
 * beside dequantizing it first, in the same run: milliseconds, best of several, and GB/s of the
 * words and scales.
 *
 *     bench_quant [word ...]     only rows whose name contains a word */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/half.h"
#include "base/threads/pool.h"
#include "cpu/quant/quant_engine.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/kernels.h"

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

typedef struct row {
    const char *name;
    mx_quant_format f;
    mx_dtype dtype; /* of x, y and the scales */
    int m, n, k;    /* x (m,k), W (n,k) */
    bool plain;     /* x (m,n) times W, not its transpose */
} row;

static const row rows[] = {
    {"vector 4096", {MX_AFFINE, 4, 64}, MX_FLOAT32, 1, 4096, 4096, false},
    {"vector 4096", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096 g32", {MX_AFFINE, 4, 32}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096", {MX_AFFINE, 2, 64}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096", {MX_AFFINE, 3, 64}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096", {MX_AFFINE, 6, 64}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096", {MX_AFFINE, 8, 64}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096", {MX_MXFP4, 4, 32}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096", {MX_MXFP8, 8, 32}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096", {MX_NVFP4, 4, 16}, MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096 plain", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 1, 4096, 4096, true},
    {"vector 1024", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 1, 1024, 1024, false},
    {"4 vectors 4096", {MX_AFFINE, 4, 64}, MX_FLOAT32, 4, 4096, 4096, false},
    {"8 vectors 4096", {MX_AFFINE, 4, 64}, MX_FLOAT32, 8, 4096, 4096, false},
    {"8 vectors 4096", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 8, 4096, 4096, false},
    {"16 vectors 4096", {MX_AFFINE, 4, 64}, MX_FLOAT32, 16, 4096, 4096, false},
    {"16 vectors 4096", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 16, 4096, 4096, false},
    {"32 vectors 4096", {MX_AFFINE, 4, 64}, MX_FLOAT32, 32, 4096, 4096, false},
    {"32 vectors 4096", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 32, 4096, 4096, false},
    {"32 vectors 4096", {MX_AFFINE, 3, 64}, MX_BFLOAT16, 32, 4096, 4096, false},
    {"prompt 128 x 1024", {MX_AFFINE, 4, 64}, MX_FLOAT32, 128, 1024, 1024, false},
    {"prompt 128 x 1024", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 128, 1024, 1024, false},
    {"prompt 512 x 4096", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 512, 4096, 4096, false},
    {"prompt 512 x 4096 plain", {MX_AFFINE, 4, 64}, MX_BFLOAT16, 512, 4096, 4096, true},
};

typedef struct bench {
    const row *r;
    mx_quant_matrix w;
    size_t bytes; /* of words, scales, biases */
    void *full;   /* W in its plain dtype */
    void *fresh;  /* room for another */
    void *x, *y;
} bench;

static void *get(size_t bytes) {
    void *p = malloc(bytes);
    if (!p)
        exit(1);
    memset(p, 0, bytes);
    return p;
}

static void fill(void *p, mx_dtype t, size_t n) {
    uint32_t u = 1;
    for (size_t i = 0; i < n; i++) {
        u = u * 1664525u + 1013904223u;
        float f = (float)(int32_t)u * 4e-10f;
        mx_kernels_get()->pointwise->cast[MX_FLOAT32][t]((char *)p + i * mx_dtype_size(t), &f, 1);
    }
}

static void prepare(bench *b) {
    const row *r = b->r;
    bool affine = r->f.mode == MX_AFFINE;
    size_t count = (size_t)r->n * (size_t)r->k, size = mx_dtype_size(r->dtype);
    size_t scale_size = affine ? size : 1, groups = count / (size_t)r->f.group;
    void *w = get(count * (size_t)r->f.bits / 8), *s = get(groups * scale_size);
    void *c = get(groups * scale_size);
    b->full = get(count * size);
    b->fresh = get(count * size);
    b->x = get((size_t)r->m * (size_t)(r->plain ? r->n : r->k) * size);
    b->y = get((size_t)r->m * (size_t)(r->plain ? r->k : r->n) * size);
    fill(b->full, r->dtype, count);
    fill(b->x, r->dtype, (size_t)r->m * (size_t)(r->plain ? r->n : r->k));
    mx_kernels_get()->quant->quantize[r->dtype](w, s, c, b->full, r->f, (ptrdiff_t)groups, 1);
    b->bytes = count * (size_t)r->f.bits / 8 + groups * scale_size * (affine ? 2 : 1);
    b->w = (mx_quant_matrix){.format = r->f,
                             .stype = affine ? r->dtype : MX_UINT8,
                             .w = w,
                             .scales = s,
                             .biases = affine ? c : NULL,
                             .w_rs = r->k * r->f.bits / 8,
                             .s_rs = r->k / r->f.group * (ptrdiff_t)scale_size,
                             .factor = 1};
}

static void drop(bench *b) {
    free((char *)b->w.w);
    free((char *)b->w.scales);
    if (b->w.biases)
        free((char *)b->w.biases);
    free(b->full);
    free(b->fresh);
    free(b->x);
    free(b->y);
}

static void quantized(const bench *b) {
    const row *r = b->r;
    mx_qmm_run run = {b->w, r->m, 0};
    mx_qmm_args a = {.dtype = r->dtype,
                     .transpose = !r->plain,
                     .n = r->plain ? r->k : r->n,
                     .k = r->plain ? r->n : r->k,
                     .x = b->x,
                     .y = b->y,
                     .runs = &run,
                     .run_count = 1};
    mx_qmm(&a);
}

static void dense(const bench *b, const void *w) {
    const row *r = b->r;
    int n = r->plain ? r->k : r->n, k = r->plain ? r->n : r->k;
    mx_gemm_args g = mx_gemm_contiguous(r->dtype, r->m, n, k, b->x, w, b->y);
    if (!r->plain)
        g.b = (mx_matrix){w, 1, k};
    mx_gemm(&g);
}

static void plain(const bench *b) {
    dense(b, b->full);
}

static void dequantize_rows(void *ctx, int64_t begin, int64_t end) {
    const bench *b = ctx;
    int64_t bytes = b->r->k * (int64_t)mx_dtype_size(b->r->dtype);
    for (int64_t i = begin; i < end; i++)
        mx_kernels_get()->quant->dequantize[b->r->dtype]((char *)b->fresh + i * bytes, &b->w, i,
                                                         b->r->k);
}

static void first_dequantized(const bench *b) {
    mx_parallel_for(b->r->n, 16, dequantize_rows, (void *)b);
    dense(b, b->fresh);
}

static double best(void (*f)(const bench *), const bench *b, double seconds) {
    double least = 1e30, until = now_ms() + seconds * 1e3;
    do {
        double start = now_ms();
        f(b);
        double t = now_ms() - start;
        least = t < least ? t : least;
    } while (now_ms() < until);
    return least;
}

static void measure(const row *r) {
    static const char *const modes[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
    bench b = {.r = r};
    prepare(&b);
    double q = 1e30, p = 1e30, d = 1e30;
    for (int turn = 0; turn < 3; turn++) {
        double t = best(quantized, &b, 0.1);
        q = t < q ? t : q;
        t = best(plain, &b, 0.05);
        p = t < p ? t : p;
        t = best(first_dequantized, &b, 0.05);
        d = t < d ? t : d;
    }
    printf("%-24s %-6s %d bits %-8s %8.4f ms %6.1f GB/s   plain %8.4f ms   dequantized first %8.4f "
           "ms\n",
           r->name, modes[r->f.mode], r->f.bits, mx_dtype_name(r->dtype), q,
           (double)b.bytes / q * 1e-6, p, d);
    drop(&b);
}

static bool wanted(const row *r, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strstr(r->name, argv[i]))
            return true;
    return argc == 1;
}

int main(int argc, char **argv) {
    printf("%d threads, %s\n", mx_pool_threads(), mx_kernels_get()->name);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (wanted(&rows[i], argc, argv))
            measure(&rows[i]);
    return 0;
}
