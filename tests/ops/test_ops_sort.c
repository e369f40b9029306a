/* Sorting, partitions, medians, searches: values from MLX 0.32, layouts, derivatives,
 * refusals. */
#include "ops_check.h"

static mx_array *grid(void) {
    return mx_reshape(F(3, 1, 2, NAN, 5, -1), LIST(2, 3));
}

static void test_values(void) {
    mx_array *a = grid();
    VALUES(mx_sort(a, -1), 0, 1, 2, 3, -1, 5, NAN);
    VALUES(mx_sort(a, 0), 0, 3, 1, -1, NAN, 5, 2);
    VALUES(mx_argsort(a, 1), 0, 1, 2, 0, 2, 1, 0);
    VALUES(mx_argsort(a, 0), 0, 0, 0, 1, 1, 1, 0);
    DTYPE(mx_argsort(a, 0), MX_UINT32);
    VALUES(mx_argsort(F(2, 1, 2, 1), 0), 0, 1, 3, 0, 2);
    mx_array *x = F(5, 1, 9, 3, 7), *p = mx_partition(x, 2, 0);
    VALUES(mx_slice_axis(p, 0, 2, 3), 0, 5);
    VALUES(mx_sort(p, 0), 0, 1, 3, 5, 7, 9);
    VALUES(mx_slice_axis(mx_take(x, mx_argpartition(x, -2, 0), 0), 0, 3, 4), 0, 7);
    VALUES(mx_sort(mx_topk(x, 3, -1), 0), 0, 5, 7, 9);
    SHAPE(mx_topk(a, 0, 1), 2, 0);
    VALUES(mx_topk(a, 1, 0), 0, NAN, 5, 2);
    for (int t = 0; t < MX_DTYPE_COUNT; t++)
        VALUES(mx_sort(mx_astype(F(1, 0, 1, 0), (mx_dtype)t), 0), 0, 0, 0, 1, 1);
}

/* Sorted along each axis of views: no neighbour is smaller, and taking by argsort gives
 * the same. */
static void test_layouts(void) {
    mx_array *plain = mx_reshape(mx_sin(mx_arange(0, 9 * 70 * 11, 1, MX_FLOAT32)), LIST(9, 70, 11));
    mx_array *views[3] = {plain, mx_transpose(plain), mx_flip(plain, LIST(0, 2))};
    for (int v = 0; v < 3; v++)
        for (int axis = 0; axis < 3; axis++) {
            mx_array *s = mx_sort(views[v], axis);
            mx_array *rises = mx_greater_equal(mx_diff(s, 1, axis), mx_scalar(0, MX_FLOAT32));
            VALUES(mx_reduce(MX_ALL, rises, NULL, 0, false), 0, 1);
            SAME(mx_take_along_axis(views[v], mx_argsort(views[v], axis), axis), s, 0);
            SAME(mx_sort(mx_partition(views[v], 3, axis), axis), s, 0);
        }
    mx_array *big =
        mx_remainder(mx_mul(mx_arange(0, 100000, 1, MX_INT32), mx_scalar_i64(7919, MX_INT32)),
                     mx_scalar_i64(100000, MX_INT32));
    SAME(mx_sort(big, 0), mx_arange(0, 100000, 1, MX_INT32), 0);
}

/* A row so long that it is sorted in parts: as taking by argsort, whatever the dtype; all equal;
   sorted before. */
static void test_long_rows(void) {
    mx_array *wave =
        mx_mul(mx_sin(mx_arange(0, 100003, 1, MX_FLOAT32)), mx_scalar(100, MX_FLOAT32));
    for (int t = MX_UINT8; t < MX_DTYPE_COUNT; t++) {
        mx_array *x =
            mx_astype(t == MX_COMPLEX64 || t >= MX_FLOAT16 ? wave : mx_abs(wave), (mx_dtype)t);
        mx_array *s = mx_sort(x, 0);
        SAME(mx_take(x, mx_argsort(x, 0), 0), s, 0);
        SAME(mx_sort(s, 0), s, 0);
    }
    mx_array *same = mx_broadcast_to(mx_scalar(INFINITY, MX_FLOAT32), LIST(70000));
    SAME(mx_sort(same, 0), same, 0);
}

static void test_median(void) {
    mx_array *a = grid();
    VALUES(mx_median(a, LIST(1), false), 0, 2, NAN);
    VALUES(mx_median(F(1, 2, 3, 4), NULL, 0, false), 0, 2.5);
    VALUES(mx_median(a, NULL, 0, false), 0, NAN);
    SHAPE(mx_median(a, LIST(1), true), 2, 1);
    SHAPE(mx_median(a, NULL, 0, true), 1, 1);
    VALUES(mx_median(ops_grid(3, 4), LIST(0), false), 0, 4, 5, 6, 7);
    DTYPE(mx_median(I(1, 2), NULL, 0, false), MX_FLOAT32);
    FAILS(mx_median(mx_zeros(LIST(0), MX_FLOAT32), NULL, 0, false),
          "[median] Cannot take median along empty axis.");
}

static void test_search_and_differences(void) {
    mx_array *s = F(1, 2, 2, 3), *v = F(0, 2, 2.5, 3, 4);
    VALUES(mx_searchsorted(s, v, false), 0, 0, 1, 3, 3, 4);
    VALUES(mx_searchsorted(s, v, true), 0, 0, 3, 3, 4, 4);
    VALUES(mx_searchsorted(mx_zeros(LIST(0), MX_FLOAT32), v, true), 0, 0, 0, 0, 0, 0);
    VALUES(mx_searchsorted(F(1, NAN), F(NAN, 2), false), 0, 1, 1);
    VALUES(mx_diff(I(1, 4, 9, 16), 1, 0), 0, 3, 5, 7);
    VALUES(mx_diff(I(1, 4, 9, 16), 2, -1), 0, 2, 2);
    SHAPE(mx_diff(I(1), 3, 0), 0);
}

static void test_permutations(void) {
    mx_array *key = mx_random_key(7), *a = mx_astype(ops_grid(3, 4), MX_INT32);
    VALUES(mx_random_permutation_n(10, key), 0, 4, 6, 1, 2, 5, 7, 8, 3, 0, 9);
    VALUES(mx_random_permutation(a, 0, key), 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    VALUES(mx_random_permutation(a, 1, key), 0, 0, 1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10);
}

static void test_refusals(void) {
    mx_array *a = grid();
    FAILS(mx_sort(a, 4), "[sort] Axis 4 is out of bounds for array with 2 dimensions.");
    FAILS(mx_argsort(mx_scalar(1, MX_FLOAT32), -1),
          "[argsort] Axis -1 is out of bounds for array with 0 dimensions.");
    FAILS(mx_partition(a, 7, -1),
          "[partition] Received invalid kth 7 along axis -1 for array with shape: (2,3)");
    FAILS(mx_topk(a, 4, -1),
          "[topk] Received invalid k=4 along axis -1 for array with shape: (2,3)");
    FAILS(mx_topk(a, -1, -1), "[topk] Received invalid k=-1");
    FAILS(mx_searchsorted(a, a, false), "[searchsorted]");
    CHECK(mx_eval1(mx_sort(mx_zeros(LIST(0, 3), MX_FLOAT32), 0)));
    CHECK(mx_eval1(mx_argsort(mx_zeros(LIST(3, 0), MX_FLOAT32), 0)));
}

static mx_array *f_sort(mx_array *const *in) {
    return mx_sort(in[0], 0);
}
static mx_array *f_partition(mx_array *const *in) {
    return mx_partition(in[0], 2, 1);
}
static mx_array *f_topk(mx_array *const *in) {
    return mx_topk(in[0], 2, 1);
}
static mx_array *f_median(mx_array *const *in) {
    return mx_median(in[0], LIST(1), false);
}
static mx_array *f_diff(mx_array *const *in) {
    return mx_diff(in[0], 2, 1);
}

static void test_derivatives(void) {
    mx_array *a = mx_sin(mx_mul_s(ops_grid(3, 5), 2.3));
    DERIVATIVES(f_sort, a);
    DERIVATIVES(f_partition, a);
    DERIVATIVES(f_topk, a);
    DERIVATIVES(f_median, a);
    DERIVATIVES(f_diff, a);
}

int main(void) {
    RUN_SCOPED(test_values);
    RUN_SCOPED(test_layouts);
    RUN_SCOPED(test_long_rows);
    RUN_SCOPED(test_median);
    RUN_SCOPED(test_search_and_differences);
    RUN_SCOPED(test_permutations);
    RUN_SCOPED(test_refusals);
    RUN_SCOPED(test_derivatives);
    return check_done();
}
