/* Attention: prefill and decoding shapes in three dtypes; milliseconds, best of several runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/half.h"
#include "base/threads/pool.h"
#include "cpu/attention/attention_engine.h"

typedef struct shape {
    const char *name;
    int64_t h, hk, lq, lk, d;
    bool causal;
} shape;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void *fill(mx_dtype t, int64_t n) {
    void *p = malloc((size_t)n * mx_dtype_size(t));
    uint32_t x = 1;
    for (int64_t i = 0; p && i < n; i++) {
        x = x * 1664525u + 1013904223u;
        float f = (float)(int32_t)x * 4e-10f;
        if (t == MX_FLOAT32)
            ((float *)p)[i] = f;
        else
            ((uint16_t *)p)[i] = t == MX_FLOAT16 ? mx_f32_to_f16(f) : mx_f32_to_bf16(f);
    }
    return p;
}

static void run(const shape *s, mx_dtype t) {
    mx_attend_args a = {.dtype = t,
                        .batch = 1,
                        .heads = s->h,
                        .kv_heads = s->hk,
                        .q_len = s->lq,
                        .k_len = s->lk,
                        .dim = s->d,
                        .v_dim = s->d,
                        .q_s = {0, s->lq * s->d, s->d, 1},
                        .k_s = {0, s->lk * s->d, s->d, 1},
                        .v_s = {0, s->lk * s->d, s->d, 1},
                        .out_s = {0, s->lq * s->d, s->d},
                        .scale = 0.125f,
                        .causal = s->causal};
    void *q = fill(t, s->h * s->lq * s->d), *k = fill(t, s->hk * s->lk * s->d);
    void *v = fill(t, s->hk * s->lk * s->d);
    a.q = q;
    a.k = k;
    a.v = v;
    a.out = malloc((size_t)(s->h * s->lq * s->d) * mx_dtype_size(t));
    double best = 1e30;
    for (double until = now_ms() + 300; now_ms() < until;) {
        double start = now_ms();
        mx_attend(&a);
        double took = now_ms() - start;
        best = took < best ? took : best;
    }
    double flops = 4.0 * (double)(s->h * s->lq * s->lk * s->d);
    double bytes = 2.0 * (double)(s->hk * s->lk * s->d) * (double)mx_dtype_size(t);
    printf("%-34s %-9s %8.4f ms %7.1f GFLOP/s %6.1f GB/s\n", s->name, mx_dtype_name(t), best,
           flops / best * 1e-6, bytes / best * 1e-6);
    free(q);
    free(k);
    free(v);
    free(a.out);
}

int main(void) {
    static const shape shapes[] = {
        {"prefill 16 x 512 x 64", 16, 16, 512, 512, 64, false},
        {"prefill 16 x 512 x 64 causal", 16, 16, 512, 512, 64, true},
        {"prefill 8 over 2 x 2048 x 128", 8, 2, 2048, 2048, 128, true},
        {"decode 32 over 8 x 2048 x 64", 32, 8, 1, 2048, 64, false},
        {"decode 32 over 8 x 2048 x 128", 32, 8, 1, 2048, 128, false},
        {"decode 8 x 256 x 64", 8, 8, 1, 256, 64, false},
    };
    static const mx_dtype types[] = {MX_FLOAT32, MX_BFLOAT16, MX_FLOAT16};
    printf("%d threads\n", mx_pool_threads());
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int t = 0; t < 3; t++)
            run(&shapes[i], types[t]);
    return 0;
}
