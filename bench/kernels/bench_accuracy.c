/* The table of docs/accuracy.md: how far each elementary function is from the exact value, in units
 * of the last place (ULP), the worst over random arguments and over all instruction sets of this
 * machine. The exact values are those of kernels/k_ref.h, in long double; float16 and bfloat16 are
 * computed as float32 and rounded once.
 *
 *     make accuracy        writes docs/accuracy.md
 *
 * Arguments: a third each of any finite bit pattern, uniform in (-12, 12), and near 1 and 0.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/k_ref.h"
#include "kernels/kernels.h"

enum { N = 1 << 16, ROUNDS = 4 };

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

static double uniform(double lo, double hi) {
    return lo + (hi - lo) * (double)(random_bits() >> 11) * 0x1p-53;
}

static double any_finite(mx_dtype t) {
    uint64_t bits = random_bits();
    double wide;
    float narrow;
    memcpy(&wide, &bits, 8);
    memcpy(&narrow, &bits, 4);
    double x = t == MX_FLOAT64 ? wide : (double)narrow;
    return isfinite(x) ? x : 1;
}

static double argument(mx_dtype t, size_t k) {
    switch (k % 3) {
    case 0: return t == MX_COMPLEX64 ? uniform(-3, 3) : any_finite(t);
    case 1: return t == MX_COMPLEX64 ? uniform(-10, 10) : uniform(-12, 12);
    default: return (double)(random_bits() % 2) + ldexp(uniform(-1, 1), -(int)(random_bits() % 20));
    }
}

static void fill(mx_dtype t, void *p) {
    for (size_t k = 0; k < N; k++) {
        if (t == MX_FLOAT64)
            ((double *)p)[k] = argument(t, k);
        else if (t == MX_FLOAT32)
            ((float *)p)[k] = (float)argument(t, k);
        else
            ((mx_complex64 *)p)[k] =
                (mx_complex64){(float)argument(t, k), (float)argument(t, k / 3)};
    }
}

typedef struct worst {
    double error, sum;
    size_t count;
    mx_ref a, b;
} worst;

/* Around a zero that is no simple argument the relative error means nothing: there the distance
   counts as if the value were 1. */
static double distance(mx_pointwise op, mx_ref want, mx_ref got) {
    double e = mx_ref_error(want, got);
    bool zeros = op == MX_PW_lgamma || op == MX_PW_digamma || op == MX_PW_logaddexp;
    if (!zeros || !isfinite(e) || want.type == MX_COMPLEX64)
        return e;
    double one = want.type == MX_FLOAT32 ? FLT_EPSILON : DBL_EPSILON;
    return fmin(e, (double)fabsl(want.re - got.re) / one / fmax(1, fabs((double)want.re)));
}

static char in[2][N * 8], out[N * 8];
static mx_ref want[N];

static void find_wanted(mx_pointwise op, mx_dtype t) {
    for (size_t k = 0; k < N; k++)
        want[k] = mx_ref_pointwise(op, mx_ref_load(t, in[0], k), mx_ref_load(t, in[1], k), want[k]);
}

static void compare(worst *w, mx_pointwise op, mx_dtype t, const mx_kernels *kernels) {
    mx_k_pw f = kernels->pointwise->op[op][t];
    if (mx_pw_infos[op].arity == 1)
        f.unary(out, in[0], N);
    else
        f.binary(out, in[0], in[1], N);
    for (size_t k = 0; k < N; k++) {
        double e = distance(op, want[k], mx_ref_load(t, out, k));
        w->sum += e, w->count++;
        if (e > w->error)
            w->error = e, w->a = mx_ref_load(t, in[0], k), w->b = mx_ref_load(t, in[1], k);
    }
}

static worst measure(mx_pointwise op, mx_dtype t) {
    worst w = {0};
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int round = 0; round < ROUNDS; round++) {
        fill(t, in[0]);
        fill(t, in[1]);
        find_wanted(op, t);
        for (int i = 0; i < count; i++)
            compare(&w, op, t, all[i]);
    }
    return w;
}

static void print_cell(mx_pointwise op, mx_dtype t) {
    if (!mx_pw_accepts(mx_pw_infos[op].domain, t)) {
        printf(" | |");
        return;
    }
    worst w = measure(op, t);
    printf(" %.2f | %.3f |", w.error, w.sum / (double)w.count);
}

static void print_row(mx_pointwise op) {
    printf("| %s |", mx_pw_infos[op].name);
    print_cell(op, MX_FLOAT32);
    print_cell(op, MX_FLOAT64);
    print_cell(op, MX_COMPLEX64);
    putchar('\n');
    fflush(stdout);
}

static bool is_elementary(mx_pointwise op) {
    mx_pw_domain d = mx_pw_infos[op].domain;
    return d == MX_PWD_INEXACT || d == MX_PWD_FLOAT || op == MX_PW_power;
}

static void print_head(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    printf(
        "# Accuracy\n\nWritten by `make accuracy` (`bench/kernels/bench_accuracy.c`): the distance of "
        "each elementary function "
        "from its exact value\nin units of the last place (ULP), worst and mean over %d random "
        "arguments. A value "
        "that is correctly rounded is\nwithin 0.5. Instruction sets:",
        N * ROUNDS);
    for (int i = 0; i < count; i++)
        printf(" %s", all[i]->name);
    printf(".\n\nfloat16 and bfloat16 are computed as float32 and rounded once. Near the zeros of "
           "lgamma, digamma and "
           "logaddexp\nthe distance counts as if the value were 1. Complex functions: the larger "
           "part counts.\n"
           "`tests/kernels/test_k_pointwise.c` holds these limits for special values as well, "
           "`tests/kernels/test_k_umath.c` compares "
           "with\nNumPy's published validation sets.\n\n"
           "| function | float32 worst | mean | float64 worst | mean | complex64 worst | mean |\n"
           "|---|---|---|---|---|---|---|\n");
}

int main(void) {
    print_head();
    for (int op = 0; op < MX_PW_COUNT; op++)
        if (is_elementary((mx_pointwise)op))
            print_row((mx_pointwise)op);
    return 0;
}
