/* Sorting kernels of every instruction set: order, permutation, stability, NaN last. */
#include "kernel_values.h"
#include "kernels/sort/k_sort.h"

static const size_t sizes[] = {1, 2, 3, 10, 33, 64, 65, 100, 255, 1000, 2048, 20000};
#define SIZES (sizeof sizes / sizeof *sizes)
#define MOST  300

static bool is_nan(value v) {
    return isnan(v.re) || isnan(v.im);
}
/* a strictly before b, NaN last */
static bool before(mx_dtype t, value a, value b) {
    if (is_nan(a) || is_nan(b))
        return !is_nan(a) && is_nan(b);
    if (t == MX_UINT64)
        return (uint64_t)a.i < (uint64_t)b.i;
    return kv_is_int(t) ? a.i < b.i : a.re < b.re || (a.re == b.re && a.im < b.im);
}

/* Values from a narrow or the whole range, with NaN, infinities and zeros of both signs. */
static void *data(mx_dtype t, size_t n, bool narrow) {
    void *x = kv_memory(t, n);
    for (size_t i = 0; i < n; i++) {
        value v = kv_small(9);
        if (!narrow)
            v = (value){ldexp(kv_unit(), (int)kv_below(20)), kv_unit(), (int64_t)kv_bits()};
        if (!narrow && kv_below(10) == 0)
            v.re = (double[]){NAN, INFINITY, -INFINITY, -0.0, 0.0, -NAN}[kv_below(6)];
        kv_put(t, x, (ptrdiff_t)i, v);
    }
    return x;
}

static mx_dtype key_type;
static const void *key_data;
static int by_value(const void *a, const void *b) {
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    value x = kv_get(key_type, key_data, i), y = kv_get(key_type, key_data, j);
    return before(key_type, x, y) ? -1 : before(key_type, y, x) ? 1 : i < j ? -1 : 1;
}

static void check_sort(const mx_kernels *set, mx_dtype t, size_t n, bool narrow, void *scratch) {
    void *x = data(t, n, narrow), *y = kv_memory(t, n);
    uint32_t *want = malloc(n * 4), *got = malloc(n * 4);
    for (size_t i = 0; i < n; i++)
        want[i] = (uint32_t)i;
    key_type = t;
    key_data = x;
    qsort(want, n, sizeof *want, by_value);
    set->sort->argsort[t](got, x, n, scratch);
    CHECK_MSG(memcmp(got, want, n * 4) == 0, "%s argsort %s %zu", set->name, mx_dtype_name(t), n);
    memcpy(y, x, n * mx_dtype_size(t));
    set->sort->sort[t](y, y, n, scratch); // in place
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        value a = kv_get(t, y, (ptrdiff_t)i), b = kv_get(t, x, want[i]);
        same &= kv_same(a, b);
    }
    CHECK_MSG(same, "%s sort %s %zu", set->name, mx_dtype_name(t), n);
    kv_free(t, x);
    kv_free(t, y);
    free(want);
    free(got);
}

/* Around place k nothing is out of order. */
static bool parted(mx_dtype t, const void *x, const uint32_t *at, size_t n, size_t k) {
    value p = kv_get(t, x, at ? at[k] : (ptrdiff_t)k);
    for (size_t i = 0; i < n; i++) {
        value v = kv_get(t, x, at ? at[i] : (ptrdiff_t)i);
        if (i < k ? before(t, p, v) : before(t, v, p))
            return false;
    }
    return true;
}

static void check_partition(const mx_kernels *set, mx_dtype t, size_t n, bool narrow,
                            void *scratch) {
    void *x = data(t, n, narrow), *y = kv_memory(t, n), *sorted = kv_memory(t, n);
    uint32_t *at = malloc(n * 4);
    bool *seen = calloc(n, 1), all = true;
    size_t k = kv_below(n);
    set->sort->argpartition[t](at, x, n, k, scratch);
    CHECK_MSG(parted(t, x, at, n, k), "%s argpartition %s %zu", set->name, mx_dtype_name(t), n);
    for (size_t i = 0; i < n; i++) {
        all &= at[i] < n && !seen[at[i]];
        seen[at[i] < n ? at[i] : 0] = true;
    }
    CHECK(all);
    memcpy(y, x, n * mx_dtype_size(t));
    set->sort->partition[t](y, y, n, k, scratch); // in place
    CHECK_MSG(parted(t, y, NULL, n, k), "%s partition %s %zu", set->name, mx_dtype_name(t), n);
    set->sort->sort[t](sorted, x, n, scratch);
    CHECK(kv_same(kv_get(t, sorted, (ptrdiff_t)k), kv_get(t, y, (ptrdiff_t)k)) ||
          is_nan(kv_get(t, y, (ptrdiff_t)k)));
    set->sort->sort[t](y, y, n, scratch); // the same elements
    all = true;
    for (size_t i = 0; i < n; i++) {
        value a = kv_get(t, y, (ptrdiff_t)i), b = kv_get(t, sorted, (ptrdiff_t)i);
        all &= kv_same(a, b) || (is_nan(a) && is_nan(b));
    }
    CHECK(all);
    kv_free(t, x);
    kv_free(t, y);
    kv_free(t, sorted);
    free(at);
    free(seen);
}

static void sorts(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int t = 0; t < MX_DTYPE_COUNT; t++)
            for (size_t i = 0; i < SIZES; i++)
                for (int narrow = 0; narrow < 2; narrow++) {
                    size_t bytes = mx_sort_scratch((mx_dtype)t, sizes[i]);
                    void *scratch = aligned_alloc(64, (bytes + 63) / 64 * 64);
                    check_sort(sets[s], (mx_dtype)t, sizes[i], narrow, scratch);
                    check_partition(sets[s], (mx_dtype)t, sizes[i], narrow, scratch);
                    free(scratch);
                }
}

/* Whatever number of vectors is sorted in registers, and however full they are. */
static void lengths(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    void *scratch = aligned_alloc(64, (mx_sort_scratch(MX_FLOAT64, MOST) + 63) / 64 * 64);
    for (int s = 0; s < count; s++)
        for (int t = 0; t < MX_DTYPE_COUNT; t++)
            for (size_t n = 1; n <= MOST; n++)
                check_sort(sets[s], (mx_dtype)t, n, n % 4 == 0, scratch);
    free(scratch);
}

static void scratch_size(void) {
    CHECK(mx_sort_scratch(MX_FLOAT32, 1000) >= 16000);
    CHECK_EQ_INT(mx_sort_scratch(MX_FLOAT64, SIZE_MAX / 8), 0);
}

int main(void) {
    RUN(sorts);
    RUN(lengths);
    RUN(scratch_size);
    return check_done();
}
