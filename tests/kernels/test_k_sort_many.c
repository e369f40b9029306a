/* The order of many keys, in every instruction set: whatever the keys are, each index stands once,
 * and in front of larger keys and of later equals. */
#include <string.h>

#include "kernel_values.h"
#include "kernels/sort/k_sort.h"

static const mx_dtype dtypes[] = {MX_UINT32, MX_INT32,   MX_FLOAT32,  MX_UINT64,
                                  MX_INT64,  MX_FLOAT64, MX_COMPLEX64};
static const size_t sizes[] = {255, 256, 257, 511, 1000, 4097, 65535, 65536, 100003};

/* --- keys: as bits of any dtype --------------------------------------------------------------- */

typedef uint64_t keys(size_t i, size_t n, int width);

static uint64_t any(size_t i, size_t n, int width) {
    (void)i, (void)n, (void)width;
    return kv_bits();
}
static uint64_t few(size_t i, size_t n, int width) {
    (void)i, (void)n, (void)width;
    return kv_bits() % 5;
}
static uint64_t rising(size_t i, size_t n, int width) {
    (void)n, (void)width;
    return 3 * i;
}
static uint64_t falling(size_t i, size_t n, int width) {
    (void)width;
    return n - i / 2;
}
static uint64_t all_but_one(size_t i, size_t n, int width) {
    return i == n / 2 ? (uint64_t)1 << (width - 2) : 7;
}
/* Half of what is in a bucket is in one of the buckets in it. */
static uint64_t crowded(size_t i, size_t n, int width) {
    (void)n;
    uint64_t bits = kv_bits();
    return (width == 64 ? bits : bits & UINT32_MAX) >> i % (size_t)width;
}
static uint64_t apart(size_t i, size_t n, int width) {
    (void)n;
    return kv_bits() % 300 | (uint64_t)(i & 1) << (width - 2);
}
static keys *const kinds[] = {any, few, rising, falling, all_but_one, crowded, apart};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void fill(void *x, mx_dtype t, size_t n, keys *of) {
    size_t item = mx_dtype_size(t);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = of(i, n, (int)item * 8);
        memcpy((char *)x + i * item, &bits, item);
    }
}

/* --- their order ------------------------------------------------------------------------------ */

static int compare(double a, double b) {
    return (a > b) - (a < b);
}
/* Below 0: the i-th before the j-th. */
static int compare_keys(mx_dtype t, const void *x, size_t i, size_t j) {
    value a = kv_get(t, x, (ptrdiff_t)i), b = kv_get(t, x, (ptrdiff_t)j);
    bool no_a = isnan(a.re) || isnan(a.im), no_b = isnan(b.re) || isnan(b.im);
    if (t == MX_UINT64)
        return ((uint64_t)a.i > (uint64_t)b.i) - ((uint64_t)a.i < (uint64_t)b.i);
    if (kv_is_int(t))
        return (a.i > b.i) - (a.i < b.i);
    if (no_a || no_b)
        return no_a - no_b;
    int real = compare(a.re, b.re);
    return real ? real : compare(a.im, b.im);
}

static bool in_order(mx_dtype t, const void *x, const uint32_t *at, size_t n) {
    bool *seen = calloc(n, 1), good = seen != NULL;
    for (size_t i = 0; i < n && good; i++) {
        good = at[i] < n && !seen[at[i]];
        if (good && i) {
            int c = compare_keys(t, x, at[i - 1], at[i]);
            good = c < 0 || (c == 0 && at[i - 1] < at[i]);
        }
        if (good)
            seen[at[i]] = true;
    }
    free(seen);
    return good;
}

static void check_order(const mx_kernels *set, mx_dtype t, size_t n, int kind) {
    size_t bytes = mx_sort_scratch(t, n);
    void *x = kv_memory(t, n), *scratch = aligned_alloc(64, (bytes + 63) / 64 * 64);
    uint32_t *at = malloc(n * sizeof *at);
    fill(x, t, n, kinds[kind]);
    set->sort->argsort[t](at, x, n, scratch);
    CHECK_MSG(in_order(t, x, at, n), "%s argsort %s %zu, keys %d", set->name, mx_dtype_name(t), n,
              kind);
    free(at);
    free(scratch);
    kv_free(t, x);
}

static void orders(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                for (int kind = 0; kind < KINDS; kind++)
                    check_order(sets[s], dtypes[t], sizes[i], kind);
}

int main(void) {
    RUN(orders);
    return check_done();
}
