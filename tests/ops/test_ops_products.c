/* gather_mm, segmented_mm, block_masked_mm: every order of the pairs, dtypes, refusals. */
#include <stdlib.h>

#include "mlx/c/mlx.h"
#include "mlx/c/ops_more.h"
#include "gradients.h"
#include "cases/op_check.h"
#include "tolerance.h"

#define ONES(...)  mx_ones(SHAPE(__VA_ARGS__), MX_FLOAT32)
#define INDEX(...) VECTOR(UINT32, __VA_ARGS__)

static const mx_dtype floats[] = {MX_FLOAT16, MX_BFLOAT16, MX_FLOAT32, MX_FLOAT64};

static bool near(mx_array *a, mx_array *b, double by) {
    mx_array *same = mx_allclose(mx_astype(a, MX_FLOAT32), mx_astype(b, MX_FLOAT32), by, by, false);
    return value_of(same) == 1;
}

/* --- gather_mm ------------------------------------------------------------------------ */

/* a (pairs or fewer, m, k), b (e, k, n) and indices against take and matmul. */
static void check_gather(mx_array *a, mx_array *b, mx_array *i, mx_array *j, const char *what) {
    mx_array *y = mx_gather_mm(a, b, i, j, false);
    mx_array *left = i ? mx_take(a, i, 0) : a, *right = j ? mx_take(b, j, 0) : b;
    CHECK_MSG(y && y->dtype == a->dtype, "%s: %s", what, mx_error_message());
    CHECK_MSG(near(y, mx_matmul(left, right), sum_tolerance(mx_dtype_of(a), 40)), "%s, %s", what,
              mx_dtype_name(mx_dtype_of(a)));
}

static mx_array *picks(int count, int below, unsigned seed) {
    mx_array *u = noise((int[]){count}, 1, seed, MX_FLOAT64);
    return mx_astype(mx_mul_s(mx_add_s(u, 1), below / 2.0), MX_UINT32);
}

static void gathered(void) {
    for (int f = 0; f < 4; f++) {
        mx_array *a = noise((int[]){12, 3, 40}, 3, 1, floats[f]),
                 *b = noise((int[]){5, 40, 24}, 3, 2, floats[f]),
                 *tall = noise((int[]){4, 70, 40}, 3, 3, floats[f]),
                 *one = noise((int[]){12, 1, 40}, 3, 4, floats[f]);
        mx_array *j = picks(12, 5, 5), *sorted = mx_sort(j, 0);
        check_gather(a, b, NULL, j, "rows moved");
        check_gather(a, b, NULL, sorted, "rows in place");
        check_gather(one, b, NULL, sorted, "single rows in place");
        check_gather(one, b, picks(30, 12, 6), picks(30, 5, 7), "pairs");
        check_gather(tall, b, picks(9, 4, 8), picks(9, 5, 9), "tall matrices");
        check_gather(a, b, picks(5, 12, 10), NULL, "all of b");
        check_gather(mx_swapaxes(mx_contiguous(mx_swapaxes(a, 1, 2), false), 1, 2), b, NULL, j,
                     "transposed rows");
    }
}

static void gather_shapes(void) {
    mx_array *a = ONES(2, 3, 4), *b = ONES(3, 4, 5), *v = VECTOR(FLOAT32, 1, 2, 3, 4);
    mx_array *y = mx_gather_mm(a, b, mx_reshape(INDEX(0, 1), SHAPE(2, 1)), INDEX(2, 0, 1), false);
    CHECK(y && mx_shape_is(y, SHAPE(2, 3, 3, 5)) && value_of(mx_sum_all(y)) == 4 * 2 * 3 * 3 * 5);
    IS(mx_gather_mm(v, ONES(3, 4, 2), NULL, INDEX(0, 2), false),
       "array([[10, 10],[10, 10]], dtype=float32)");
    IS(mx_gather_mm(ONES(2, 1, 4), v, INDEX(1), NULL, false), "array([[10]], dtype=float32)");
    IS(mx_gather_mm(v, v, mx_scalar(0, MX_INT32), mx_scalar(0, MX_INT32), false),
       "array(30, dtype=float32)");
    IS(mx_gather_mm(ONES(1, 4), ONES(4, 1), NULL, NULL, false), "array([[4]], dtype=float32)");
    y = mx_gather_mm(a, b, mx_zeros(SHAPE(0), MX_UINT32), mx_zeros(SHAPE(0), MX_UINT32), false);
    CHECK(y && mx_shape_is(y, SHAPE(0, 3, 5)) && mx_eval1(y));
    y = mx_gather_mm(ONES(2, 3, 0), ONES(3, 0, 5), INDEX(0, 1), INDEX(2, 0), false);
    CHECK(y && value_of(mx_sum_all(y)) == 0);
    mx_array *deep = mx_swapaxes(ramp(MX_FLOAT32, SHAPE(2, 3, 1, 4)), 0, 1); // (3,2,1,4)
    IS(mx_gather_mm(deep, ONES(1, 4, 1), INDEX(1, 2), INDEX(0), false),
       "array([[[54]],[[22]]], dtype=float32)");
    IS(mx_gather_mm(a, b, VECTOR(INT32, -1), VECTOR(INT64, -3), true),
       "array([[[4, 4, 4, 4, 4],[4, 4, 4, 4, 4],[4, 4, 4, 4, 4]]], dtype=float32)");
}

static mx_array *gather_sorted(mx_array *const *x) {
    return mx_gather_mm(x[0], x[1], NULL, INDEX(0, 0, 2), true);
}

static void gather_derivative(void) {
    mx_array *x[2] = {NOISE(1, 3, 2, 4), NOISE(2, 4, 4, 5)};
    check_gradients("gather_mm", gather_sorted, x, 2);
}

static void gather_refusals(void) {
    mx_array *a = ONES(2, 3, 4), *b = ONES(3, 4, 5), *i = INDEX(0, 1);
    FAILS(mx_gather_mm(a, b, i, VECTOR(FLOAT32, 0, 1), false),
          "[gather_mm] Got indices with invalid dtype. Indices must be integral.");
    FAILS(mx_gather_mm(a, b, i, INDEX(0, 3), false),
          "[gather_mm] index 3 is out of bounds for axis 0 with size 3.");
    FAILS(mx_gather_mm(a, b, VECTOR(INT32, 0, -3), i, false),
          "[gather_mm] index -3 is out of bounds for axis 0 with size 2.");
    FAILS(mx_gather_mm(a, b, i, INDEX(0, 1, 2), false),
          "[broadcast_shapes] Shapes (2) and (3) cannot be broadcast.");
    FAILS(mx_gather_mm(a, ONES(3, 5, 4), i, i, false),
          "[gather_mm] Last dimension of first input with shape (2,3,4) must match second to last "
          "dimension of second input with shape (3,5,4).");
    FAILS(mx_gather_mm(mx_astype(a, MX_INT32), mx_astype(b, MX_INT32), i, i, false),
          "[gather_mm] Only real floating point types are supported but int32 and int32 were "
          "provided which results in int32, which is not a real floating point type.");
    FAILS(mx_gather_mm(mx_scalar(1, MX_FLOAT32), b, i, i, false),
          "[gather_mm] Got 0 dimension input. Inputs must have at least one dimension.");
}

/* --- segmented_mm --------------------------------------------------------------------- */

static mx_array *ranges(mx_dtype t, int count, const double *v) {
    return mx_astype(mx_array_from(v, SHAPE(count, 2), MX_FLOAT64), t);
}
#define RANGES(t, ...)                                                                \
    ranges(MX_##t, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double) / 2), \
           (const double[]){__VA_ARGS__})

static void segmented(void) {
    for (int f = 0; f < 4; f++) {
        mx_array *a = noise((int[]){33, 400}, 2, 1, floats[f]),
                 *b = noise((int[]){400, 20}, 2, 2, floats[f]);
        mx_array *y = mx_segmented_mm(a, b, RANGES(INT64, 0, 100, 100, 101, 101, 400, 7, 7, 9, 3));
        mx_array *parts[2] = {
            mx_matmul(mx_slice_axis(a, 1, 0, 100), mx_slice_axis(b, 0, 0, 100)),
            mx_matmul(mx_slice_axis(a, 1, 101, 400), mx_slice_axis(b, 0, 101, 400))};
        CHECK(y && mx_shape_is(y, SHAPE(5, 33, 20)) && y->dtype == a->dtype);
        for (int i = 0; i < 2; i++)
            CHECK(near(mx_squeeze_axis(mx_slice_axis(y, 0, 2 * i, 2 * i + 1), 0), parts[i],
                       sum_tolerance(floats[f], 300)));
        CHECK_NEAR(value_of(mx_sum_all(mx_abs(mx_slice_axis(y, 0, 3, 5)))), 0, 0);
    }
    IS(mx_segmented_mm(ramp(MX_FLOAT32, SHAPE(1, 4)), ONES(4, 1), INDEX(1, 3)),
       "array([[3]], dtype=float32)");
    IS(mx_segmented_mm(ramp(MX_INT32, SHAPE(1, 4)), ONES(4, 1), RANGES(UINT8, 1, 3, 0, 4)),
       "array([[[3]],[[6]]], dtype=float32)");
}

static mx_array *apart(mx_array *const *x) {
    return mx_segmented_mm(x[0], x[1], RANGES(INT32, 0, 2, 3, 3, 3, 6));
}
static mx_array *across(mx_array *const *x) {
    return mx_segmented_mm(x[0], x[1], RANGES(INT32, 0, 4, 2, 6, 1, 2));
}

static void segmented_derivatives(void) {
    mx_array *x[2] = {NOISE(1, 3, 6), NOISE(2, 6, 4)};
    check_gradients("segments apart", apart, x, 2);
    check_gradients("segments across", across, x, 2);
}

static void segmented_refusals(void) {
    mx_array *a = ONES(2, 6), *b = ONES(6, 3), *s = RANGES(UINT32, 0, 2);
    FAILS(mx_segmented_mm(a, b, INDEX(0, 2, 3)),
          "[segmented_mm] The segments should have shape (..., 2) but (3) was provided.");
    FAILS(mx_segmented_mm(a, b, VECTOR(FLOAT32, 0, 1)),
          "[segmented_mm] Got segments with invalid dtype. Segments must be integral.");
    FAILS(mx_segmented_mm(ONES(2, 2, 6), b, s), "[segmented_mm] Batched matmul not supported");
    FAILS(mx_segmented_mm(a, a, s),
          "[segmented_mm] Last dimension of first input with shape (2,6) must match second to last "
          "dimension of second input with shape (2,6).");
    FAILS(mx_segmented_mm(a, b, RANGES(INT32, 0, 1, 4, 7)),
          "[segmented_mm] segment 1 is (4,7), which is not within an inner dimension of 6.");
    FAILS(mx_segmented_mm(a, b, RANGES(INT32, -4, -1)),
          "[segmented_mm] segment 0 is (-4,-1), which is not within an inner dimension of 6.");
    FAILS(mx_segmented_mm(mx_astype(a, MX_COMPLEX64), b, s),
          "[segmented_mm] Only real floating point types are supported but complex64 and complex64 "
          "were provided which results in complex64, which is not a real floating point type.");
}

/* --- block_masked_mm ------------------------------------------------------------------ */

static void masked(void) {
    mx_array *a = ONES(64, 96), *b = ONES(96, 40),
             *lhs = mx_reshape(VECTOR(BOOL, 1, 0, 1, 0, 1, 0), SHAPE(2, 3));
    mx_array *y = mx_block_masked_mm(a, b, 32, NULL, lhs, NULL);
    CHECK_NEAR(value_of(mx_sum_all(y)), 32 * 40 * (64 + 32), 0);
    y = mx_block_masked_mm(a, b, 32, mx_full_s(SHAPE(2, 2), 2, MX_FLOAT32),
                           mx_full_s(SHAPE(2, 3), 3, MX_FLOAT32),
                           mx_full_s(SHAPE(3, 2), 5, MX_FLOAT32));
    CHECK_NEAR(value_of(mx_sum_all(y)), 2880 * 64 * 40, 0);
    y = mx_block_masked_mm(a, b, 64, NULL, VECTOR(INT32, 0, 2), NULL); // one row of blocks
    CHECK_NEAR(value_of(mx_sum_all(y)), 64 * 64 * 40, 0);
    mx_array *nan = mx_full_s(SHAPE(2, 32, 32), NAN, MX_FLOAT16),
             *one = mx_ones(SHAPE(32, 32), MX_FLOAT16);
    y = mx_block_masked_mm(nan, one, 32, NULL, mx_zeros(SHAPE(1, 1), MX_BOOL), NULL);
    CHECK(y && y->dtype == MX_FLOAT16 && value_of(mx_sum_all(y)) == 0);
    y = mx_block_masked_mm(nan, one, 32, mx_zeros(SHAPE(2, 1, 1), MX_BOOL), NULL, NULL);
    CHECK_NEAR(value_of(mx_sum_all(y)), 0, 0);
    y = mx_block_masked_mm(nan, one, 32, NULL, mx_zeros(SHAPE(1, 1), MX_FLOAT16), NULL);
    CHECK(isnan(value_of(mx_sum_all(y))));
    IS(mx_block_masked_mm(ONES(2), ONES(2), 32, NULL, NULL, mx_full_s(SHAPE(1), 3, MX_FLOAT32)),
       "array(6, dtype=float32)");
}

static void masked_refusals(void) {
    mx_array *a = ONES(64, 96), *b = ONES(96, 40);
    FAILS(mx_block_masked_mm(a, b, 16, NULL, NULL, NULL),
          "[block_masked_mm] Only block_sizes 32, 64 are supported. Got block size 16.");
    FAILS(mx_block_masked_mm(a, b, 32, NULL, ONES(2, 2), NULL),
          "[broadcast_shapes] Shapes (2,2) and (2,3) cannot be broadcast.");
    FAILS(mx_block_masked_mm(a, b, 32, NULL, ONES(2, 2, 3), NULL),
          "[block_masked_mm] a mask of shape (2,2,3) does not broadcast to (2,3).");
    FAILS(mx_block_masked_mm(a, a, 32, NULL, NULL, NULL),
          "[block_masked_mm] Last dimension of first input with shape (64,96) must match second to "
          "last dimension of second input with shape (64,96).");
    FAILS(mx_block_masked_mm(mx_astype(a, MX_INT8), mx_astype(b, MX_INT8), 32, NULL, NULL, NULL),
          "[block_masked_mm] Only real floating point types");
}

/* --- the C API ------------------------------------------------------------------------ */

static bool sums_to(mlx_array y, float want) {
    mlx_array sum = mlx_array_new();
    mlx_stream s = mlx_default_cpu_stream_new();
    float got = NAN;
    bool ok = mlx_sum(&sum, y, false, s) == 0 && mlx_array_item_float32(&got, sum) == 0;
    mlx_array_free(sum);
    mlx_stream_free(s);
    return ok && got == want;
}

static void paths(mlx_vector_array in) {
    mlx_vector_int path = mlx_vector_int_new();
    mlx_string text = mlx_string_new();
    int first = -1, second = -1;
    CHECK_EQ_INT(mlx_einsum_path(&path, "ij,jk", in), 0);
    CHECK_EQ_INT(mlx_vector_int_size(path), 2);
    mlx_vector_int_get(&first, path, 0);
    mlx_vector_int_get(&second, path, 1);
    CHECK(first == 0 && second == 1);
    CHECK_EQ_INT(mlx_einsum_path_text(&text, "ij,jk", in), 0);
    CHECK_HAS(mlx_string_data(text), "Naive FLOP count:  16\n");
    mlx_string_free(text);
    mlx_vector_int_free(path);
}

static void public_functions(void) {
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array one = mlx_array_new(), y = mlx_array_new(), none = {0};
    mlx_ones(&one, (int[]){2, 2}, 2, MLX_FLOAT32, s);
    mlx_array index = mlx_array_new_data((uint32_t[]){0, 0}, (int[]){2}, 1, MLX_UINT32);
    mlx_vector_array in = mlx_vector_array_new_data((mlx_array[]){one, one}, 2);
    CHECK(mlx_einsum(&y, "ij,jk", in, s) == 0 && sums_to(y, 8));
    CHECK(mlx_vecdot(&y, one, one, 0, s) == 0 && sums_to(y, 4));
    CHECK(mlx_hadamard_transform(&y, one, (mlx_optional_float){1, true}, s) == 0 && sums_to(y, 4));
    CHECK(mlx_gather_mm(&y, one, one, index, none, false, s) == 0 && sums_to(y, 16));
    CHECK(mlx_block_masked_mm(&y, one, one, 32, none, none, none, s) == 0 && sums_to(y, 8));
    CHECK(mlx_segmented_mm(&y, one, one, index, s) == 0 && sums_to(y, 0));
    paths(in);
    mlx_vector_array_free(in);
    mlx_array_free(index);
    mlx_array_free(one);
    mlx_array_free(y);
    mlx_stream_free(s);
}

int main(void) {
    SCOPED(gathered);
    SCOPED(gather_shapes);
    SCOPED(gather_derivative);
    SCOPED(gather_refusals);
    SCOPED(segmented);
    SCOPED(segmented_derivatives);
    SCOPED(segmented_refusals);
    SCOPED(masked);
    SCOPED(masked_refusals);
    RUN(public_functions);
    return check_done();
}
