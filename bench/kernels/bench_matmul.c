/* The matmul engine beside OpenBLAS in the same run: matrix sizes, dtypes, matrix-vector shapes.
 * GFLOP/s for products, GB/s of the matrix for products with a vector; best of several runs. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/half.h"
#include "base/threads/pool.h"
#include "cpu/matmul/matmul_engine.h"

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void fill(void *p, mx_dtype t, int64_t n) {
    uint32_t x = 1;
    for (int64_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        float f = (float)(int32_t)x * 4e-10f;
        if (t == MX_FLOAT32)
            ((float *)p)[i] = f;
        else if (t == MX_FLOAT64)
            ((double *)p)[i] = f;
        else if (t == MX_FLOAT16)
            ((uint16_t *)p)[i] = mx_f32_to_f16(f);
        else
            ((uint16_t *)p)[i] = mx_f32_to_bf16(f);
    }
}

typedef struct shape {
    const char *name;
    mx_dtype dtype;
    int m, n, k;
    bool b_transposed;
} shape;

static void blas(const shape *s, const void *a, const void *b, void *c) {
    CBLAS_TRANSPOSE t = s->b_transposed ? CblasTrans : CblasNoTrans;
    int ldb = s->b_transposed ? s->k : s->n;
    if (s->dtype == MX_FLOAT32)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, t, s->m, s->n, s->k, 1, a, s->k, b, ldb, 0, c,
                    s->n);
    else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, t, s->m, s->n, s->k, 1, a, s->k, b, ldb, 0, c,
                    s->n);
}

static void ours(const shape *s, const void *a, const void *b, void *c) {
    mx_gemm_args g = mx_gemm_contiguous(s->dtype, s->m, s->n, s->k, a, b, c);
    if (s->b_transposed)
        g.b = (mx_matrix){b, 1, s->k};
    mx_gemm(&g);
}

typedef void product(const shape *, const void *, const void *, void *);

static double once(product *f, const shape *s, const void *a, const void *b, void *c, int inner) {
    double start = now_ms();
    for (int i = 0; i < inner; i++)
        f(s, a, b, c);
    return (now_ms() - start) / inner;
}

/* Runs of both by turns, so that noise strikes both. */
static void run(const shape *s) {
    size_t size = mx_dtype_size(s->dtype);
    int64_t na = (int64_t)s->m * s->k, nb = (int64_t)s->k * s->n, nc = (int64_t)s->m * s->n;
    void *a = malloc((size_t)na * size), *b = malloc((size_t)nb * size);
    void *c = malloc((size_t)nc * size);
    if (!a || !b || !c)
        exit(1);
    fill(a, s->dtype, na);
    fill(b, s->dtype, nb);
    bool wide = s->dtype == MX_FLOAT32 || s->dtype == MX_FLOAT64;
    double flops = 2.0 * s->m * s->n * s->k, best = 1e30, best_blas = 1e30;
    int inner = flops < 1e6 ? (int)(1e6 / flops) + 1 : 1;
    double until = now_ms() + 400;
    while (now_ms() < until) {
        double t = once(ours, s, a, b, c, inner);
        best = t < best ? t : best;
        if (wide) {
            t = once(blas, s, a, b, c, inner);
            best_blas = t < best_blas ? t : best_blas;
        }
    }
    printf("%-26s %-9s %8.4f ms %7.1f GFLOP/s %6.1f GB/s", s->name, mx_dtype_name(s->dtype), best,
           flops / best * 1e-6, (double)(na > nb ? na : nb) * (double)size / best * 1e-6);
    if (wide)
        printf("   OpenBLAS %8.4f ms %7.1f   ratio %.2f", best_blas, flops / best_blas * 1e-6,
               best_blas / best);
    putchar('\n');
    free(a);
    free(b);
    free(c);
}

static const shape shapes[] = {
    {"1024^3", MX_FLOAT32, 1024, 1024, 1024, false},
    {"1024^3", MX_BFLOAT16, 1024, 1024, 1024, false},
    {"1024^3", MX_FLOAT16, 1024, 1024, 1024, false},
    {"1024^3", MX_FLOAT64, 1024, 1024, 1024, false},
    {"1024^3 b transposed", MX_FLOAT32, 1024, 1024, 1024, true},
    {"1024^3 b transposed", MX_BFLOAT16, 1024, 1024, 1024, true},
    {"2048^3", MX_FLOAT32, 2048, 2048, 2048, false},
    {"512^3", MX_FLOAT32, 512, 512, 512, false},
    {"256^3", MX_FLOAT32, 256, 256, 256, false},
    {"64^3", MX_FLOAT32, 64, 64, 64, false},
    {"16^3", MX_FLOAT32, 16, 16, 16, false},
    {"8^3", MX_FLOAT32, 8, 8, 8, false},
    {"128 x 1024 x 784", MX_FLOAT32, 128, 1024, 784, false},
    {"64 x 64 x 100000", MX_FLOAT32, 64, 64, 100000, false},
    {"32 x 4096 x 4096 bt", MX_FLOAT32, 32, 4096, 4096, true},
    {"32 x 4096 x 4096 bt", MX_BFLOAT16, 32, 4096, 4096, true},
    {"vector 4096 x 4096", MX_FLOAT32, 1, 4096, 4096, false},
    {"vector 4096 x 4096 bt", MX_FLOAT32, 1, 4096, 4096, true},
    {"vector 4096 x 4096", MX_BFLOAT16, 1, 4096, 4096, false},
    {"vector 4096 x 4096 bt", MX_BFLOAT16, 1, 4096, 4096, true},
    {"vector 4096 x 4096 bt", MX_FLOAT16, 1, 4096, 4096, true},
    {"8 vectors 4096 x 4096 bt", MX_FLOAT32, 8, 4096, 4096, true},
    {"8 vectors 4096 x 4096", MX_BFLOAT16, 8, 4096, 4096, false},
    {"4096 x 4096 vector", MX_FLOAT32, 4096, 1, 4096, false},
};

/* Arguments: words; only rows whose name or dtype contains one of them. */
static bool wanted(const shape *s, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strstr(s->name, argv[i]) || strstr(mx_dtype_name(s->dtype), argv[i]))
            return true;
    return argc == 1;
}

int main(int argc, char **argv) {
    openblas_set_num_threads(mx_pool_threads());
    printf("%d threads\n", mx_pool_threads());
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (wanted(&shapes[i], argc, argv))
            run(&shapes[i]);
    return 0;
}
