/* Reading and writing through indices: values from MLX 0.32, layouts, derivatives, refusals. */
#include "ops_check.h"

static mx_array *take2(mx_array *a, mx_array *idx, int axis) {
    return mx_take(a, idx, axis);
}

static void test_take(void) {
    mx_array *a = ops_grid(3, 4);
    VALUES(take2(a, I(0, -1), 1), 0, 0, 3, 4, 7, 8, 11);
    VALUES(take2(a, I(2, 0), 0), 0, 8, 9, 10, 11, 0, 1, 2, 3);
    VALUES(mx_take_flat(a, I(0, -1)), 0, 0, 11);
    SHAPE(take2(a, mx_scalar(1, MX_INT32), 0), 4);
    VALUES(take2(a, mx_scalar(1, MX_INT32), 1), 0, 1, 5, 9);
    mx_array *grid = mx_reshape(I(0, 1, 2, 3, 2, 1), LIST(3, 2));
    SHAPE(take2(a, grid, 1), 3, 3, 2);
    VALUES(take2(mx_transpose(a), I(1, -3), 0), 0, 1, 5, 9, 1, 5, 9);
    VALUES(take2(mx_flip(a, LIST(1)), I(0, 3), 1), 0, 3, 0, 7, 4, 11, 8);
    VALUES(take2(a, mx_transpose(grid), 0) ? take2(mx_slice_axis(a, 0, 1, 3), I(1), 0) : NULL, 0, 8,
           9, 10, 11);
    mx_array *cube = mx_reshape(mx_arange(0, 60, 1, MX_INT16), LIST(3, 4, 5));
    SAME(take2(cube, I(3, 1), 1),
         mx_stack((mx_array *[]){mx_squeeze_axis(mx_slice_axis(cube, 1, 3, 4), 1),
                                 mx_squeeze_axis(mx_slice_axis(cube, 1, 1, 2), 1)},
                  2, 1),
         0);
    DTYPE(take2(cube, I(0), 0), MX_INT16);
    VALUES(take2(a, mx_astype(I(1), MX_UINT8), 0), 0, 4, 5, 6, 7);
    VALUES(take2(a, mx_astype(I(-1), MX_INT64), 0), 0, 8, 9, 10, 11);
    VALUES(take2(mx_broadcast_to(F(1, 2), LIST(3, 2)), I(2, 0), 0), 0, 1, 2, 1, 2);
}

static void test_empty(void) {
    mx_array *e = mx_zeros(LIST(0, 3), MX_FLOAT32), *none = mx_zeros(LIST(0), MX_INT32);
    SHAPE(take2(e, none, 0), 0, 3);
    CHECK(mx_eval1(take2(e, none, 0)));
    SHAPE(take2(e, I(0), 1), 0, 1);
    CHECK(mx_eval1(take2(e, I(0), 1)));
    CHECK(mx_eval1(take2(ops_grid(3, 4), none, 1)));
    CHECK(mx_eval1(mx_scatter(MX_SCATTER_SUM, ops_grid(3, 4), &none,
                              mx_zeros(LIST(0, 1, 4), MX_FLOAT32), LIST(0))));
    FAILS(take2(e, I(0), 0), "[take] Cannot do a non-empty take from an empty axis.");
}

static void test_refusals(void) {
    mx_array *a = ops_grid(3, 4), *mask = mx_greater(a, mx_scalar(100, MX_FLOAT32)), *i = I(0),
             *bad = I(1, 7, -9);
    FAILS(take2(a, F(0), 0), "Indices must be integral.");
    FAILS(take2(a, mx_astype(i, MX_BOOL), 0), "Boolean indices not supported.");
    FAILS(take2(a, i, 5), "[take] Received invalid axis 5 for array with 2 dimensions.");
    FAILS(take2(a, bad, 1), "[gather] index 7 is out of bounds for axis 1 with size 4.");
    CHECK(mx_eval1(mx_copy(a)));
    FAILS(mx_take_along_axis(a, I(0), 1), "[take_along_axis] Indices of dimension 1 "
                                          "does not match array of dimension 2.");
    FAILS(mx_take_along_axis(a, mx_reshape(I(0, 5, 0), LIST(3, 1)), 1),
          "index 5 is out of bounds for axis 1 with size 4");
    FAILS(mx_take_along_axis(a, mx_reshape(I(0, 1, 0, 1), LIST(2, 2)), 1), "cannot be broadcast");
    FAILS(mx_scatter(MX_SCATTER_NONE, a, &bad, mx_zeros(LIST(3, 1, 4), MX_FLOAT32), LIST(0)),
          "[scatter] index 7 is out of bounds for axis 0 with size 3.");
    FAILS(mx_scatter(MX_SCATTER_SUM, a, &i, mx_zeros(LIST(1, 1, 5), MX_FLOAT32), LIST(0)),
          "[scatter] updates have 5");
    FAILS(mx_scatter(MX_SCATTER_SUM, a, &i, mx_zeros(LIST(4), MX_FLOAT32), LIST(0)),
          "[scatter] updates with 1");
    FAILS(mx_scatter_axis(MX_SCATTER_NONE, a, mx_reshape(I(-5), LIST(1, 1)), F(1), 1),
          "index -5 is out of bounds");
    FAILS(mx_gather(a, &i, LIST(0), (int[]){4, 1}),
          "[gather] slice size 4 along axis 0 with 3 elements");
    FAILS(mx_masked_scatter(a, mx_logical_not(mask), F(1, 2)),
          "selects 12 elements, the source has 2");
    CHECK(mx_eval1(mx_masked_scatter(a, mask, F(1))));
}

static void test_gather(void) {
    mx_array *a = mx_reshape(mx_arange(0, 60, 1, MX_FLOAT32), LIST(3, 4, 5));
    mx_array *idx[2] = {I(0, 2), mx_reshape(I(1, -1, 0), LIST(3, 1))};
    mx_array *g = mx_gather(a, idx, LIST(0, 2), (int[]){1, 2, 1});
    SHAPE(g, 3, 2, 1, 2, 1);
    VALUES(g, 0, 1, 6, 41, 46, 4, 9, 44, 49, 0, 5, 40, 45);
    mx_array *start = I(1, 0);
    VALUES(mx_gather(ops_grid(3, 4), &start, LIST(1), (int[]){2, 3}), 0, 1, 2, 3, 5, 6, 7, 0, 1, 2,
           4, 5, 6);
}

static void test_along_axis(void) {
    mx_array *a = ops_grid(3, 4), *idx = mx_reshape(I(0, -1, 2), LIST(3, 1));
    VALUES(mx_take_along_axis(a, idx, 1), 0, 0, 7, 10);
    VALUES(mx_take_along_axis(a, mx_reshape(I(0, 1), LIST(1, 2)), 1), 0, 0, 1, 4, 5, 8, 9);
    VALUES(mx_take_along_axis(mx_transpose(a), mx_transpose(idx), 0), 0, 0, 7, 10);
    VALUES(mx_scatter_axis(MX_SCATTER_NONE, a, idx, mx_scalar(9, MX_FLOAT32), 1), 0, 9, 1, 2, 3, 4,
           5, 6, 9, 8, 9, 9, 11);
    VALUES(mx_scatter_axis(MX_SCATTER_NONE, mx_astype(a, MX_INT32), idx, F(9.5), 1), 0, 9, 1, 2, 3,
           4, 5, 6, 9, 8, 9, 9, 11);
    mx_array *big = mx_reshape(mx_sin(mx_arange(0, 9 * 70 * 11, 1, MX_FLOAT32)), LIST(9, 70, 11));
    for (int axis = 0; axis < 3; axis++) { // reversed by index, and put back
        int n = big->shape[axis], shape[3] = {1, 1, 1};
        shape[axis] = n;
        mx_array *back = mx_broadcast_to(mx_reshape(mx_arange(n - 1, -1, -1, MX_INT32), shape, 3),
                                         big->shape, 3);
        SAME(mx_take_along_axis(big, back, axis), mx_flip(big, &axis, 1), 0);
        SAME(mx_scatter_axis(MX_SCATTER_NONE, mx_zeros_like(big), back, big, axis),
             mx_flip(big, &axis, 1), 0);
        mx_array *zero = mx_zeros(big->shape, 3, MX_INT32);
        mx_array *total = mx_scatter_axis(MX_SCATTER_SUM, mx_zeros_like(big), zero, big, axis);
        SAME(mx_slice_axis(total, axis, 0, 1), mx_sum_axis(big, axis, true), 1e-5);
    }
}

/* rows 0, 0 and 2 of a (3,4) grid updated with 2 */
static mx_array *update(mx_scatter_op op, double v) {
    mx_array *idx = I(0, 0, 2);
    return mx_scatter(op, ops_grid(3, 4), &idx, mx_full_s(LIST(3, 1, 4), v, MX_FLOAT32), LIST(0));
}

static void test_scatter(void) {
    VALUES(update(MX_SCATTER_NONE, 2), 0, 2, 2, 2, 2, 4, 5, 6, 7, 2, 2, 2, 2);
    VALUES(update(MX_SCATTER_SUM, 2), 0, 4, 5, 6, 7, 4, 5, 6, 7, 10, 11, 12, 13);
    VALUES(update(MX_SCATTER_PROD, 2), 0, 0, 4, 8, 12, 4, 5, 6, 7, 16, 18, 20, 22);
    VALUES(update(MX_SCATTER_MAX, 2), 0, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    VALUES(update(MX_SCATTER_MIN, 2), 0, 0, 1, 2, 2, 4, 5, 6, 7, 2, 2, 2, 2);
    mx_array *idx[2] = {I(0, 2, 0), I(1, 3, 1)};
    VALUES(mx_scatter(MX_SCATTER_SUM, ops_grid(3, 4), idx, mx_reshape(F(10, 20, 30), LIST(3, 1, 1)),
                      LIST(0, 1)),
           0, 0, 41, 2, 3, 4, 5, 6, 7, 8, 9, 10, 31);
    int t[] = {MX_BOOL, MX_UINT8, MX_INT64, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64, MX_COMPLEX64};
    for (int i = 0; i < 7; i++) {
        mx_array *at = I(1, 1), *z = mx_zeros(LIST(3), (mx_dtype)t[i]);
        VALUES(mx_scatter(MX_SCATTER_SUM, z, &at, mx_ones(LIST(2, 1), (mx_dtype)t[i]), LIST(0)), 0,
               0, t[i] == MX_BOOL ? 1 : 2, 0);
    }
}

/* Counting: many updates to few places, and long rows, give what sums give. */
static void test_scatter_large(void) {
    mx_array *i = mx_arange(0, 50000, 1, MX_INT32),
             *at = mx_remainder(i, mx_scalar_i64(7, MX_INT32));
    mx_array *n = mx_scatter(MX_SCATTER_SUM, mx_zeros(LIST(7), MX_INT32), &at,
                             mx_ones(LIST(50000, 1), MX_INT32), LIST(0));
    VALUES(n, 0, 7143, 7143, 7143, 7143, 7143, 7143, 7142);
    mx_array *rows = mx_reshape(mx_sin(mx_arange(0, 600 * 333, 1, MX_FLOAT32)), LIST(600, 333));
    mx_array *where = mx_remainder(mx_arange(0, 600, 1, MX_INT32), mx_scalar_i64(2, MX_INT32));
    mx_array *got = mx_scatter(MX_SCATTER_SUM, mx_zeros(LIST(2, 333), MX_FLOAT32), &where,
                               mx_expand_dim(rows, 1), LIST(0));
    SAME(got, mx_sum_axis(mx_reshape(rows, LIST(300, 2, 333)), 0, false), 1e-4);
    mx_array *big = mx_take(rows, mx_arange(599, -1, -1, MX_INT32), 0);
    SAME(big, mx_flip(rows, LIST(0)), 0);
    SAME(mx_take(rows, mx_arange(332, -1, -1, MX_INT32), 1), mx_flip(rows, LIST(1)), 0);
}

/* What halves give must be what float64 gives, rounded once: the numbers below add and multiply
   exactly in float32. */
static mx_array *sixteenths(const int *shape, int ndim) {
    int64_t n = 1;
    for (int i = 0; i < ndim; i++)
        n *= shape[i];
    mx_array *i = mx_arange(0, (double)n, 1, MX_INT32);
    i = mx_remainder(mx_mul(i, mx_scalar_i64(37, MX_INT32)), mx_scalar_i64(64, MX_INT32));
    return mx_reshape(mx_mul_s(mx_astype(i, MX_FLOAT64), 1.0 / 16), shape, ndim);
}

static void scatters_as_float64(mx_scatter_op op, mx_array *a, mx_array *at, mx_array *u) {
    for (int i = 0; i < 2; i++) {
        mx_dtype t = i ? MX_BFLOAT16 : MX_FLOAT16;
        SAME(mx_scatter(op, mx_astype(a, t), &at, mx_astype(u, t), LIST(0)),
             mx_astype(mx_scatter(op, a, &at, u, LIST(0)), t), 0);
    }
}

static void adds_along_as_float64(mx_array *a, mx_array *at, mx_array *u, int axis) {
    for (int i = 0; i < 2; i++) {
        mx_dtype t = i ? MX_BFLOAT16 : MX_FLOAT16;
        SAME(mx_scatter_axis(MX_SCATTER_SUM, mx_astype(a, t), at, mx_astype(u, t), axis),
             mx_astype(mx_scatter_axis(MX_SCATTER_SUM, a, at, u, axis), t), 0);
    }
}

static void test_scatter_halves(void) {
    mx_array *many = mx_remainder(mx_arange(0, 3000, 1, MX_INT32), mx_scalar_i64(3, MX_INT32));
    mx_array *rows = sixteenths(LIST(3000, 1, 5));
    scatters_as_float64(MX_SCATTER_SUM, sixteenths(LIST(4, 5)), many, rows);
    // few of many places
    scatters_as_float64(MX_SCATTER_SUM, sixteenths(LIST(9000, 5)), many, rows);
    scatters_as_float64(MX_SCATTER_SUM, mx_transpose(sixteenths(LIST(5, 9000))), many, rows);
    scatters_as_float64(MX_SCATTER_SUM, sixteenths(LIST(9000, 130)), many,
                        mx_broadcast_to(sixteenths(LIST(1, 1, 130)), LIST(3000, 1, 130)));
    // they overlap
    scatters_as_float64(MX_SCATTER_SUM, sixteenths(LIST(90000)), many, sixteenths(LIST(3000, 2)));
    scatters_as_float64(MX_SCATTER_SUM, sixteenths(LIST(50)), I(-1, 7, 0), sixteenths(LIST(3, 1)));
    scatters_as_float64(MX_SCATTER_PROD, mx_ones(LIST(100), MX_FLOAT64), I(7, 7, 7, 90, 7, 7, 7),
                        mx_full_s(LIST(7, 1), 1.125, MX_FLOAT64));
    mx_array *at = mx_remainder(mx_reshape(mx_arange(0, 6000, 1, MX_INT32), LIST(2000, 3)),
                                mx_scalar_i64(2, MX_INT32));
    mx_array *u = sixteenths(LIST(2000, 3));
    adds_along_as_float64(sixteenths(LIST(4, 3)), at, u, 0);
    adds_along_as_float64(mx_transpose(sixteenths(LIST(3, 4))), at, u, 0);
    adds_along_as_float64(sixteenths(LIST(3, 4)), mx_transpose(at), mx_transpose(u), 1);
}

static void test_masked(void) {
    mx_array *a = ops_grid(3, 4),
             *m = mx_greater(mx_remainder(a, mx_scalar(3, MX_FLOAT32)), mx_scalar(1, MX_FLOAT32));
    VALUES(mx_masked_scatter(a, m, F(-1, -2, -3, -4)), 0, 0, 1, -1, 3, 4, -2, 6, 7, -3, 9, 10, -4);
    mx_array *row = mx_greater(F(0, 1, 0), mx_scalar(0, MX_FLOAT32));
    VALUES(mx_masked_scatter(a, row, F(1, 2, 3, 4)), 0, 0, 1, 2, 3, 1, 2, 3, 4, 8, 9, 10, 11);
    mx_array *big = mx_arange(0, 100000, 1, MX_INT32),
             *odd = mx_equal(mx_remainder(big, mx_scalar_i64(2, MX_INT32)),
                             mx_scalar_i64(1, MX_INT32));
    SAME(mx_masked_scatter(mx_zeros_like(big), odd, big),
         mx_where(odd, mx_floor_divide(big, mx_scalar_i64(2, MX_INT32)), mx_zero_like(big)), 0);
}

/* --- derivatives ------------------------------------------------------------------ */

static mx_array *index02(void) {
    return I(0, 2, 0);
}
static mx_array *f_take0(mx_array *const *in) {
    return mx_take(in[0], index02(), 0);
}
static mx_array *f_take1(mx_array *const *in) {
    return mx_take(in[0], mx_reshape(I(0, 3, 0, 1), LIST(2, 2)), 1);
}
static mx_array *f_gather(mx_array *const *in) {
    mx_array *idx[2] = {I(0, 2), mx_reshape(I(1, -1, 0), LIST(3, 1))};
    return mx_gather(in[0], idx, LIST(0, 1), (int[]){1, 1});
}
static mx_array *f_slices(mx_array *const *in) {
    mx_array *start = I(1, 0);
    return mx_gather(in[0], &start, LIST(1), (int[]){2, 3});
}
static mx_array *f_along(mx_array *const *in) {
    return mx_take_along_axis(in[0], mx_reshape(I(0, 0, -1, 2, 1, 1), LIST(3, 2)), 1);
}

static mx_array *put(mx_scatter_op op, mx_array *const *in) {
    mx_array *idx = op == MX_SCATTER_NONE ? I(1, 0, 2) : index02();
    return mx_scatter(op, in[0], &idx, in[1], LIST(0));
}
static mx_array *f_put(mx_array *const *in) {
    return put(MX_SCATTER_NONE, in);
}
static mx_array *f_add(mx_array *const *in) {
    return put(MX_SCATTER_SUM, in);
}
static mx_array *f_prod(mx_array *const *in) {
    return put(MX_SCATTER_PROD, in);
}
static mx_array *f_max(mx_array *const *in) {
    return put(MX_SCATTER_MAX, in);
}
static mx_array *f_min(mx_array *const *in) {
    return put(MX_SCATTER_MIN, in);
}

static mx_array *put_axis(mx_scatter_op op, mx_array *const *in) {
    return mx_scatter_axis(op, in[0], mx_reshape(I(0, 3, 1, 2, 3, 0), LIST(3, 2)), in[1], 1);
}
static mx_array *f_put_axis(mx_array *const *in) {
    return put_axis(MX_SCATTER_NONE, in);
}
static mx_array *f_add_axis(mx_array *const *in) {
    return put_axis(MX_SCATTER_SUM, in);
}
static mx_array *f_prod_axis(mx_array *const *in) {
    return put_axis(MX_SCATTER_PROD, in);
}
static mx_array *f_masked(mx_array *const *in) {
    mx_array *m = mx_greater(mx_remainder(ops_grid(3, 4), mx_scalar(3, MX_FLOAT32)),
                             mx_scalar(1, MX_FLOAT32));
    return mx_masked_scatter(in[0], m, in[1]);
}

static void test_derivatives(void) {
    mx_array *a = mx_sin(mx_add_s(ops_grid(3, 4), 1)),
             *u = mx_cos(mx_reshape(mx_arange(0, 12, 1, MX_FLOAT32), LIST(3, 1, 4)));
    mx_array *zeros = mx_where(mx_greater(u, mx_scalar(0.9, MX_FLOAT32)), mx_zero_like(u), u);
    mx_array *v = mx_cos(mx_reshape(mx_arange(3, 9, 1, MX_FLOAT32), LIST(3, 2)));
    DERIVATIVES(f_take0, a);
    DERIVATIVES(f_take1, a);
    DERIVATIVES(f_gather, a);
    DERIVATIVES(f_slices, a);
    DERIVATIVES(f_along, a);
    DERIVATIVES(f_put, a, u);
    DERIVATIVES(f_add, a, u);
    DERIVATIVES(f_prod, a, u);
    DERIVATIVES(f_prod, a, zeros);
    DERIVATIVES(f_max, a, u);
    DERIVATIVES(f_min, a, u);
    DERIVATIVES(f_put_axis, a, v);
    DERIVATIVES(f_add_axis, a, v);
    DERIVATIVES(f_prod_axis, a, v);
}

static void test_masked_derivatives(void) {
    DERIVATIVES(f_masked, mx_sin(ops_grid(3, 4)), F(1, 2, 3, 4, 5));
}

int main(void) {
    RUN_SCOPED(test_take);
    RUN_SCOPED(test_empty);
    RUN_SCOPED(test_refusals);
    RUN_SCOPED(test_gather);
    RUN_SCOPED(test_along_axis);
    RUN_SCOPED(test_scatter);
    RUN_SCOPED(test_scatter_large);
    RUN_SCOPED(test_scatter_halves);
    RUN_SCOPED(test_masked);
    RUN_SCOPED(test_derivatives);
    RUN_SCOPED(test_masked_derivatives);
    return check_done();
}
