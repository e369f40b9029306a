/* Single elements through indices, which take a way of their own, are those of rows of two: all
 * dtypes, indices of every kind and shape, arrays that lie anyhow, on both sides of every cut. */
#include "ops_check.h"
#include "same_values.h"

static mx_array *numbers(int n, mx_dtype t) {
    int shape[1] = {n};
    return mx_astype(mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(120, MX_INT32), shape, 1,
                                       MX_INT32, mx_random_key(check_seed(3))),
                     t);
}

/* Of rows of two of the same. */
static mx_array *by_rows(mx_array *x, mx_array *idx) {
    mx_array *two[2] = {x, x};
    mx_array *rows = mx_take(mx_contiguous(mx_stack(two, 2, -1), false), idx, 0);
    return mx_squeeze_axis(mx_slice_axis(rows, -1, 0, 1), -1);
}

static void compare(mx_array *x, mx_array *idx) {
    CHECK_MSG(same_values(mx_take(x, idx, 0), by_rows(x, idx)), "%s of %d through %s of %d",
              mx_dtype_name(mx_dtype_of(x)), x->shape[0], mx_dtype_name(mx_dtype_of(idx)),
              (int)idx->size);
    int column[2] = {x->shape[0], 1};
    mx_array *wide = mx_take(mx_reshape(x, column, 2), idx, 0);
    CHECK(same_values(mx_squeeze_axis(wide, -1), by_rows(x, idx)));
}

static mx_array *indices(int count, int size, mx_dtype t) {
    bool is_signed = t == MX_INT8 || t == MX_INT16 || t == MX_INT32 || t == MX_INT64;
    int shape[1] = {count}, low = is_signed ? -size : 0;
    return mx_astype(mx_random_randint(mx_scalar(low, MX_INT32), mx_scalar(size, MX_INT32), shape,
                                       1, MX_INT32, mx_random_key(check_seed((uint64_t)count))),
                     t);
}

static void dtypes(void) {
    static const mx_dtype kinds[] = {MX_UINT8, MX_UINT16, MX_UINT32, MX_UINT64,
                                     MX_INT8,  MX_INT16,  MX_INT32,  MX_INT64};
    for (int t = 0; t < MX_DTYPE_COUNT; t++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            mx_scope s = mx_scope_open();
            compare(numbers(100, (mx_dtype)t), indices(77, 100, kinds[k]));
            mx_scope_close(s);
        }
}

static void shapes(void) {
    static const int counts[] = {0, 1, 7, 8, 9, 15, 16, 17, 2047, 2048, 2049, 16385, 70001};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        mx_scope s = mx_scope_open();
        mx_array *x = numbers(5000, MX_FLOAT32), *idx = indices(counts[i], 2500, MX_INT64);
        compare(x, idx);
        int start[1] = {4999}, stop[1] = {-5001}, step[1] = {-2};
        compare(mx_slice(x, start, stop, step), idx);
        compare(x, mx_flip(idx, NULL, 0));
        if (counts[i] % 7 == 0)
            compare(x, mx_transpose(mx_reshape(idx, LIST(7, counts[i] / 7))));
        mx_scope_close(s);
    }
    mx_scope s = mx_scope_open();
    compare(numbers(50, MX_INT16), mx_broadcast_to(I(3), LIST(5, 40)));
    compare(numbers(50, MX_INT16), mx_scalar(-50, MX_INT32));
    mx_scope_close(s);
}

static void refusals(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = numbers(5000, MX_FLOAT32), *none = mx_zeros(LIST(0), MX_FLOAT32);
    mx_array *far = mx_mul_s(mx_ones(LIST(9000), MX_INT32), 5000);
    FAILS(mx_take(x, far, 0), "[gather] index 5000 is out of bounds for axis 0 with size 5000.");
    FAILS(mx_take(x, I(0, -5001), 0), "index -5001 is out of bounds for axis 0 with size 5000");
    FAILS(mx_take(none, I(0), 0), "empty");
    CHECK(mx_eval1(mx_take(none, mx_zeros(LIST(0), MX_INT32), 0)));
    mx_scope_close(s);
}

int main(void) {
    RUN(dtypes);
    RUN(shapes);
    RUN(refusals);
    return check_done();
}
