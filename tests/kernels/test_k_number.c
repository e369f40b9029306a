/* Kernels of an operation with one number, of every instruction set, against the kernel of the
 * operation where an operand is full of that number: the same bits on both sides, whatever the bits
 * of the operands mean, on both sides of every vector, and nothing behind. Comparisons of eight
 * bytes, which have loops of their own, also against comparisons one by one. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/pointwise/k_pw_chain.h"

enum { N = 150, ROOM = 8 * (N + 1) };

static uint64_t state;

static uint64_t any(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 20;
}

/* Often one of a few, so that some are equal; bools are 0 or 1. */
static void fill(unsigned char *to, mx_dtype t) {
    size_t item = mx_dtype_size(t);
    static uint64_t few[4];
    for (int i = 0; i < 4; i++)
        few[i] = any() << 32 ^ any();
    for (int i = 0; i < N; i++) {
        uint64_t bits = any() % 2 ? any() << 32 ^ any() : few[any() % 4];
        bits = t == MX_BOOL ? bits % 2 : bits;
        memcpy(to + (size_t)i * item, &bits, item);
    }
}

static bool is_nan(const unsigned char *p, mx_dtype t) {
    uint16_t half;
    double d;
    float f;
    memcpy(&half, p, 2);
    if (t == MX_FLOAT16 || t == MX_BFLOAT16)
        return (half & 0x7fff) > (t == MX_FLOAT16 ? 0x7c00 : 0x7f80);
    memcpy(&f, p, t == MX_FLOAT32 ? 4 : 0);
    memcpy(&d, p, t == MX_FLOAT64 ? 8 : 0);
    return t == MX_FLOAT32 ? isnan(f) : t == MX_FLOAT64 && isnan(d);
}

static bool same(const unsigned char *a, const unsigned char *b, int n, mx_dtype t) {
    size_t item = mx_dtype_size(t);
    for (int i = 0; i < n; i++) {
        const unsigned char *x = a + (size_t)i * item, *y = b + (size_t)i * item;
        if (memcmp(x, y, item) && !(is_nan(x, t) && is_nan(y, t)))
            return false;
    }
    return true;
}

static unsigned char a[ROOM], b[ROOM], full[ROOM], want[ROOM], got[ROOM];

static void check(const mx_kernels *k, mx_pointwise op, mx_dtype t, int n, bool turned) {
    mx_k_binary *f = k->pointwise->op[op][t].binary;
    mx_dtype result = mx_pw_infos[op].result == MX_PWR_BOOL ? MX_BOOL : t;
    size_t bytes = (size_t)n * mx_dtype_size(result), item = mx_dtype_size(t);
    for (int i = 0; i < n; i++)
        memcpy(full + (size_t)i * item, b, item);
    memset(got, 0x5a, sizeof got);
    f(want, turned ? full : a, turned ? a : full, (size_t)n);
    k->chain->number[op][t](got, a, b, (size_t)n, turned);
    CHECK_MSG(same(got, want, n, result) && got[bytes] == 0x5a, "%s: %s of %s, %d%s", k->name,
              mx_pw_infos[op].name, mx_dtype_name(t), n, turned ? ", turned" : "");
    if (result != t)
        return;
    memcpy(got, a, (size_t)n * item);
    k->chain->number[op][t](got, got, b, (size_t)n, turned);
    CHECK_MSG(same(got, want, n, result), "%s: %s of %s, %d in place", k->name,
              mx_pw_infos[op].name, mx_dtype_name(t), n);
}

static void numbers(void) {
    int count, kernels = 0;
    const mx_kernels *const *all = mx_kernels_all(&count);
    state = check_seed(11);
    for (int i = 0; i < count; i++)
        for (int op = 0; op < MX_PW_COUNT; op++)
            for (int t = 0; t < MX_DTYPE_COUNT; t++) {
                if (!all[i]->chain->number[op][t])
                    continue;
                kernels++;
                fill(a, (mx_dtype)t);
                fill(b, (mx_dtype)t);
                for (int n = 0; n <= N; n += n < 70 ? 1 : 16) {
                    check(all[i], (mx_pointwise)op, (mx_dtype)t, n, false);
                    check(all[i], (mx_pointwise)op, (mx_dtype)t, n, true);
                }
            }
    CHECK(kernels > 150 * count);
}

/* -1, 0, 1; 2 where there is no order */
static int order(mx_dtype t, int i) {
    int64_t x, y;
    uint64_t u, v;
    double d, e;
    memcpy(&x, a + 8 * i, 8);
    memcpy(&y, b + 8 * i, 8);
    memcpy(&u, &x, 8);
    memcpy(&v, &y, 8);
    memcpy(&d, &x, 8);
    memcpy(&e, &y, 8);
    if (t == MX_INT64)
        return (x > y) - (x < y);
    if (t == MX_UINT64)
        return (u > v) - (u < v);
    return isnan(d) || isnan(e) ? 2 : (d > e) - (d < e);
}

static bool holds(mx_pointwise op, int order) {
    switch (op) {
    case MX_PW_equal: return order == 0;
    case MX_PW_not_equal: return order != 0;
    case MX_PW_less: return order == -1;
    case MX_PW_less_equal: return order == -1 || order == 0;
    case MX_PW_greater: return order == 1;
    default: return order == 1 || order == 0;
    }
}

static void check_wide(const mx_kernels *k, mx_dtype t, int n) {
    static const mx_pointwise ops[] = {MX_PW_equal,      MX_PW_not_equal, MX_PW_less,
                                       MX_PW_less_equal, MX_PW_greater,   MX_PW_greater_equal};
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        memset(got, 7, sizeof got);
        k->pointwise->op[ops[o]][t].binary(got, a, b, (size_t)n);
        for (int i = 0; i < n; i++)
            CHECK_MSG(got[i] == holds(ops[o], order(t, i)), "%s: %s of %s, %d of %d", k->name,
                      mx_pw_infos[ops[o]].name, mx_dtype_name(t), i, n);
        CHECK(got[n] == 7);
    }
}

static void wide(void) {
    static const mx_dtype types[] = {MX_INT64, MX_UINT64, MX_FLOAT64};
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    state = check_seed(12);
    for (size_t t = 0; t < 3; t++) {
        fill(a, types[t]);
        fill(b, types[t]);
        memcpy(b, a, 8 * N / 2);
        for (int i = 0; i < count; i++)
            for (int n = 0; n <= N; n += n < 40 ? 1 : 22)
                check_wide(all[i], types[t], n);
    }
}

int main(void) {
    RUN(numbers);
    RUN(wide);
    return check_done();
}
