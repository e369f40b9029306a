/* Nanoseconds per element of every pointwise kernel, in the first-level cache, on one thread.
 *
 *     bench_pointwise [dtype] [operation]      a column per instruction set; default float32, all
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/pointwise/k_pointwise.h"
#include "kernels/kernels.h"

enum { N = 1024, BYTES = 8 * N, REPEAT = 16, ROUNDS = 60 };

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static char in[3][BYTES], out[BYTES];

/* Ordinary values within every function's domain but arccosh's: 0.01 to 0.9, or small integers. */
static void fill_inputs(mx_dtype t, bool above_one) {
    for (int j = 0; j < 3; j++)
        for (size_t k = 0; k < N; k++) {
            double x = 0.01 + 0.89 * (double)((k * 7919 + (size_t)j * 31) % N) / N + above_one;
            float f = (float)x, c[2] = {f, f / 2};
            uint64_t i = (k * 7919 + (size_t)j * 31) % 100 + 1;
            size_t size = mx_dtype_size(t);
            const void *from = t == MX_FLOAT64                        ? (void *)&x
                               : t == MX_FLOAT32 || t == MX_COMPLEX64 ? (void *)c
                                                                      : (void *)&i;
            i = t == MX_BOOL ? i & 1 : i;
            memcpy(in[j] + k * size, from, size);
        }
}
static void call(mx_pointwise op, mx_k_pw f) {
    if (mx_pw_infos[op].arity == 1)
        f.unary(out, in[0], N);
    else if (mx_pw_infos[op].arity == 2)
        f.binary(out, in[0], in[1], N);
    else
        f.ternary(out, in[0], in[1], in[2], N);
}
static double measure(mx_pointwise op, mx_k_pw f) {
    double best = 1e9;
    for (int r = 0; r < ROUNDS; r++) {
        double start = seconds();
        for (int k = 0; k < REPEAT; k++)
            call(op, f);
        double ns = (seconds() - start) * 1e9 / (REPEAT * N);
        best = ns < best ? ns : best;
    }
    return best;
}
static void run_operation(mx_pointwise op, mx_dtype t) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    if (!all[0]->pointwise->op[op][t].unary)
        return;
    fill_inputs(op == MX_PW_select ? MX_FLOAT32 : t, op == MX_PW_arccosh);
    printf("%-16s", mx_pw_infos[op].name);
    for (int i = 0; i < count; i++)
        printf("%10.3f", measure(op, all[i]->pointwise->op[op][t]));
    printf("\n");
}
static void run_casts(mx_dtype t) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    fill_inputs(t, false);
    for (int to = 0; to < MX_DTYPE_COUNT; to++) {
        printf("to %-13s", mx_dtype_name((mx_dtype)to));
        for (int i = 0; i < count; i++)
            printf("%10.3f",
                   measure(MX_PW_abs, (mx_k_pw){.unary = all[i]->pointwise->cast[t][to]}));
        printf("\n");
    }
}

int main(int argc, char **argv) {
    int count;
    mx_dtype t = MX_FLOAT32;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int k = 0; argc > 1 && k < MX_DTYPE_COUNT; k++)
        if (strcmp(mx_dtype_name((mx_dtype)k), argv[1]) == 0)
            t = (mx_dtype)k;
    printf("%-16s", mx_dtype_name(t));
    for (int i = 0; i < count; i++)
        printf("%10s", all[i]->name);
    printf("   ns per element\n");
    for (int op = 0; op < MX_PW_COUNT; op++)
        if (argc < 3 || strcmp(mx_pw_infos[op].name, argv[2]) == 0)
            run_operation((mx_pointwise)op, t);
    if (argc < 3)
        run_casts(t);
    return 0;
}
