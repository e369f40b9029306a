/* Joining, splitting, padding, writing into regions: values and messages as the
   reference gives them. */
#include "cases/op_check.h"

static mx_array *a34(void) {
    return ramp(MX_INT32, SHAPE(3, 4));
}
static mx_array *a6(void) {
    return ramp(MX_INT32, SHAPE(2, 3));
}

static mx_array *join(mx_array *a, mx_array *b, int axis) {
    mx_array *in[2] = {a, b};
    return mx_concatenate(in, 2, axis);
}
static mx_array *pile(mx_array *a, mx_array *b, int axis) {
    mx_array *in[2] = {a, b};
    return mx_stack(in, 2, axis);
}

static void concatenate(void) {
    IS(join(a6(), a6(), 0), "array([[0, 1, 2],[3, 4, 5],[0, 1, 2],[3, 4, 5]], dtype=int32)");
    IS(join(a6(), mx_transpose(ramp(MX_INT32, SHAPE(1, 2))), -1),
       "array([[0, 1, 2, 0],[3, 4, 5, 1]], dtype=int32)");
    IS(join(VECTOR(INT32, 1), VECTOR(FLOAT32, 1.5), 0), "array([1, 1.5], dtype=float32)");
    IS(join(mx_zeros(SHAPE(0, 3), MX_INT32), a6(), 0), "array([[0, 1, 2],[3, 4, 5]], dtype=int32)");
    FAILS(mx_concatenate(NULL, 0, 0), "[concatenate] No arrays provided for concatenation");
    FAILS(join(a6(), a34(), 0),
          "However, the provided shapes are (2,3), (3,4), and the concatenation axis is 0.");
    FAILS(join(a6(), VECTOR(INT32, 1), 0), "However, got arrays with dimensions 2 and 1.");
    FAILS(join(a6(), a6(), 2),
          "[concatenate] Axis 2 is out of bounds for array with 2 dimensions.");
    IS(pile(VECTOR(INT8, 1, 2), VECTOR(INT8, 3, 4), 1), "array([[1, 3],[2, 4]], dtype=int8)");
    IS(pile(mx_scalar(1, MX_INT8), mx_scalar(2, MX_INT8), 0), "array([1, 2], dtype=int8)");
    FAILS(pile(a6(), a34(), 0), "[stack] All arrays must have the same shape");
    FAILS(pile(a6(), a6(), 3), "[stack] Axis 3 is out of bounds for array with 3 dimensions.");
}

static void join_many(int n) {
    mx_array **in = malloc((size_t)n * sizeof *in);
    CHECK(in != NULL);
    for (int i = 0; in && i < n; i++)
        in[i] = mx_full_s(SHAPE(2), i, MX_INT64);
    char sum[64], end[64];
    snprintf(sum, sizeof sum, "array(%lld, dtype=int64)", (long long)n * (n - 1));
    snprintf(end, sizeof end, "array([%d, %d, %d], dtype=int64)", n - 2, n - 1, n - 1);
    mx_array *y = in ? mx_concatenate(in, n, 0) : NULL, *z = in ? mx_stack(in, n, 1) : NULL;
    IS(mx_sum_all(y), sum);
    IS(mx_slice_axis(y, 0, 2 * n - 3, 2 * n), end);
    IS(mx_sum_all(z), sum);
    CHECK(z && z->shape[0] == 2 && z->shape[1] == n);
    free(in);
}

static void many_arrays(void) {
    join_many(300);
    join_many(70000);
    join_many(200000);
}

/* As many as a node's count can say, and one more. */
static void too_many_arrays(void) {
    int n = MX_MAX_ARITY + 1;
    mx_array *a = VECTOR(INT8, 1), **in = malloc((size_t)n * sizeof *in);
    CHECK(in != NULL);
    for (int i = 0; in && i < n; i++)
        in[i] = a;
    if (in)
        FAILS(mx_concatenate(in, n, 0),
              "[Concatenate] 16777216 arrays where at most 16777215 are possible");
    free(in);
}

static void split(void) {
    mx_array *out[4], *a = ramp(MX_INT32, SHAPE(10));
    CHECK(mx_split(a, LIST(-3, 2, -1), 0, out));
    IS(out[0], "array([0, 1, 2, ..., 4, 5, 6], dtype=int32)");
    IS(out[1], "array([], dtype=int32)");
    IS(out[2], "array([2, 3, 4, ..., 6, 7, 8], dtype=int32)");
    IS(out[3], "array([9], dtype=int32)");
    CHECK(mx_split_equal(a34(), 2, 1, out));
    IS(out[1], "array([[2, 3],[6, 7],[10, 11]], dtype=int32)");
    CHECK(!mx_split_equal(a34(), 2, 0, out));
    CHECK_HAS(mx_error_message(), "attempting 2 splits along axis 0 for shape (3,4).");
    mx_error_clear();
    CHECK(!mx_split_equal(a34(), 0, 0, out));
    CHECK_HAS(mx_error_message(), "[split] num_splits must be positive and non-zero but got 0.");
    mx_error_clear();
}

static mx_array *pad1(mx_array *a, int low, int high, mx_array *value, const char *mode) {
    int axis = 0;
    return mx_pad(a, &axis, 1, &low, &high, value, mode);
}

static void pad(void) {
    mx_array *v = ramp(MX_INT32, SHAPE(4));
    IS(mx_pad(a6(), LIST(0, -1), (int[]){1, 0}, (int[]){0, 2}, NULL, "constant"),
       "array([[0, 0, 0, 0, 0],[0, 1, 2, 0, 0],[3, 4, 5, 0, 0]], dtype=int32)");
    IS(mx_slice_axis(pad1(v, 2, 1, mx_scalar(1.5, MX_FLOAT32), "constant"), 0, 0, 3),
       "array([1, 1, 0], dtype=int32)");
    IS(mx_slice_axis(pad1(v, 2, 1, NULL, "edge"), 0, 0, 3), "array([0, 0, 0], dtype=int32)");
    IS(mx_slice_axis(pad1(v, 2, 1, NULL, "edge"), 0, 4, 7), "array([2, 3, 3], dtype=int32)");
    IS(mx_slice_axis(pad1(v, 5, 1, NULL, "reflect"), 0, 0, 6),
       "array([1, 2, 3, 2, 1, 0], dtype=int32)");
    IS(mx_slice_axis(pad1(v, 6, 1, NULL, "symmetric"), 0, 0, 6),
       "array([2, 3, 3, 2, 1, 0], dtype=int32)");
    IS(mx_pad(mx_scalar(3, MX_FLOAT32), NULL, 0, NULL, NULL, NULL, "constant"),
       "array(3, dtype=float32)");
    FAILS(pad1(v, -1, 0, NULL, "constant"),
          "Invalid low padding size (-1) passed to pad for axis 0.");
    FAILS(pad1(v, 1, 1, NULL, "foo"), "Invalid padding mode (foo) passed to pad");
    FAILS(pad1(mx_zeros(SHAPE(0), MX_INT8), 1, 1, NULL, "reflect"), "nothing to repeat");
    FAILS(pad1(mx_zeros(SHAPE(0), MX_INT8), 1, 1, NULL, "symmetric"), "nothing to repeat");
    IS(pad1(mx_zeros(SHAPE(0), MX_INT8), 1, 2, NULL, "edge"), "array([0, 0, 0], dtype=int8)");
}

static void repetition(void) {
    IS(mx_tile(VECTOR(INT32, 1, 2), LIST(2, 2)), "array([[1, 2, 1, 2],[1, 2, 1, 2]], dtype=int32)");
    IS(mx_tile(a6(), LIST(2)), "array([[0, 1, 2, 0, 1, 2],[3, 4, 5, 3, 4, 5]], dtype=int32)");
    CHECK(mx_shape_is(mx_tile(a6(), LIST(0, 2)), SHAPE(0, 6)));
    IS(mx_repeat(a6(), 2, 1), "array([[0, 0, 1, 1, 2, 2],[3, 3, 4, 4, 5, 5]], dtype=int32)");
    CHECK(mx_shape_is(mx_repeat(a6(), 0, 0), SHAPE(0, 3)));
    FAILS(mx_repeat(a6(), -1, 0), "[repeat] Number of repeats cannot be negative");
    FAILS(mx_repeat(a6(), 2, 3), "[repeat] Axis 3 is out of bounds for array with 2 dimensions.");
    FAILS(mx_repeat(a6(), INT32_MAX, 0), "[repeat]");
    FAILS(mx_tile(a6(), LIST(-1)), "[tile]");
    IS(mx_roll(a6(), LIST(7), NULL, 0), "array([[5, 0, 1],[2, 3, 4]], dtype=int32)");
    IS(mx_roll(a6(), LIST(1, 1), LIST(0, 1)), "array([[5, 3, 4],[2, 0, 1]], dtype=int32)");
    IS(mx_roll(a6(), LIST(-1), LIST(1)), "array([[1, 2, 0],[4, 5, 3]], dtype=int32)");
    IS(mx_roll(mx_scalar(3, MX_INT8), LIST(2), NULL, 0), "array(3, dtype=int8)");
    FAILS(mx_roll(a6(), LIST(1), LIST(4)), "[roll] Invalid axis 4 for array with 2 dimensions.");
}

static mx_array *update(mx_scatter_op op, mx_array *a, mx_array *u) {
    return mx_slice_update(op, a, u, (int[]){0, 3}, (int[]){3, 0}, (int[]){2, -2});
}

static void regions(void) {
    IS(update(MX_SCATTER_NONE, a34(), mx_scalar(-1, MX_FLOAT32)),
       "array([[0, -1, 2, -1],[4, 5, 6, 7],[8, -1, 10, -1]], dtype=int32)");
    IS(update(MX_SCATTER_SUM, a34(), mx_reshape(VECTOR(INT32, 10, 20), SHAPE(2, 1))),
       "array([[0, 11, 2, 13],[4, 5, 6, 7],[8, 29, 10, 31]], dtype=int32)");
    IS(update(MX_SCATTER_PROD, a34(), mx_scalar(2, MX_INT32)),
       "array([[0, 2, 2, 6],[4, 5, 6, 7],[8, 18, 10, 22]], dtype=int32)");
    IS(update(MX_SCATTER_MAX, a34(), mx_scalar(5, MX_INT32)),
       "array([[0, 5, 2, 5],[4, 5, 6, 7],[8, 9, 10, 11]], dtype=int32)");
    IS(update(MX_SCATTER_MIN, a34(), mx_scalar(5, MX_INT32)),
       "array([[0, 1, 2, 3],[4, 5, 6, 7],[8, 5, 10, 5]], dtype=int32)");
    FAILS(update(MX_SCATTER_NONE, a34(), a6()), "cannot be broadcast");
}

/* The array that is updated keeps its value where others still see it, and lends its
   memory where none does. */
static void updates_do_not_leak(void) {
    mx_array *a = mx_add_s(a34(), 0);
    CHECK(mx_eval1(a));
    mx_array *b = update(MX_SCATTER_NONE, a, mx_scalar(-1, MX_INT32));
    CHECK(mx_eval1(b));
    IS(a, "array([[0, 1, 2, 3],[4, 5, 6, 7],[8, 9, 10, 11]], dtype=int32)");
    mx_array *z = mx_zeros(SHAPE(3, 4), MX_INT32);
    IS(update(MX_SCATTER_NONE, z, mx_scalar(1, MX_INT32)),
       "array([[0, 1, 0, 1],[0, 0, 0, 0],[0, 1, 0, 1]], dtype=int32)");
    IS(mx_sum_all(z), "array(0, dtype=int32)");
}

static void moving_regions(void) {
    mx_array *at = VECTOR(INT64, 1);
    IS(mx_dynamic_slice(a34(), at, LIST(1), (int[]){3, 2}),
       "array([[1, 2],[5, 6],[9, 10]], dtype=int32)");
    IS(mx_dynamic_slice(a34(), VECTOR(UINT8, 2, 1), LIST(1, 0), (int[]){1, 2}),
       "array([[6, 7]], dtype=int32)");
    FAILS(mx_dynamic_slice(a34(), VECTOR(INT32, 3), LIST(1), (int[]){3, 2}), "[slice]");
    FAILS(mx_dynamic_slice(a34(), VECTOR(INT32, -1), LIST(1), (int[]){3, 2}), "[slice]");
    FAILS(mx_dynamic_slice(a34(), at, LIST(5), (int[]){3, 2}), "[slice]");
    FAILS(mx_dynamic_slice(a34(), at, LIST(1), (int[]){5, 2}),
          "[slice] Invalid slice size (5,2) for array with shape (3,4).");
    FAILS(mx_dynamic_slice(a34(), VECTOR(INT32, 1, 2), LIST(1), (int[]){1, 2}),
          "[slice] Number of starting indices 2 does not match number of axes 1.");
    IS(mx_dynamic_slice_update(a34(), VECTOR(INT32, 0, 0), at, LIST(1)),
       "array([[0, 0, 0, 3],[4, 0, 0, 7],[8, 0, 0, 11]], dtype=int32)");
    IS(mx_dynamic_slice_update(a34(), mx_zeros(SHAPE(1, 2), MX_INT32), at, LIST(1)),
       "array([[0, 0, 0, 3],[4, 5, 6, 7],[8, 9, 10, 11]], dtype=int32)");
    IS(mx_dynamic_slice_update(a34(), mx_scalar(0, MX_INT32), at, LIST(1)),
       "array([[0, 0, 2, 3],[4, 0, 6, 7],[8, 0, 10, 11]], dtype=int32)");
}

int main(void) {
    SCOPED(concatenate);
    SCOPED(many_arrays);
    SCOPED(too_many_arrays);
    SCOPED(split);
    SCOPED(pad);
    SCOPED(repetition);
    SCOPED(regions);
    SCOPED(updates_do_not_leak);
    SCOPED(moving_regions);
    return check_done();
}
