/* Views, shapes and creation: values, dtypes and messages as the reference gives them;
 * pending and available inputs; strided, empty and scalar ones. */
#include "cases/op_check.h"

#include "graph/array/view.h"

static mx_array *a23(void) {
    return ramp(MX_FLOAT32, SHAPE(2, 3));
}
/* The same, available, so that views are made at once. */
static mx_array *now(mx_array *a) {
    CHECK(mx_eval1(a));
    return a;
}

static void reshape(void) {
    for (int available = 0; available < 2; available++) {
        mx_array *a = available ? now(a23()) : a23();
        IS(mx_reshape(a, SHAPE(3, 2)), "array([[0, 1],[2, 3],[4, 5]], dtype=float32)");
        IS(mx_reshape(a, SHAPE(-1)), "array([0, 1, 2, 3, 4, 5], dtype=float32)");
        IS(mx_reshape(mx_transpose(a), SHAPE(6)), "array([0, 3, 1, 4, 2, 5], dtype=float32)");
        IS(mx_reshape(mx_transpose(a), SHAPE(3, 1, 2)),
           "array([[[0, 3]],[[1, 4]],[[2, 5]]], dtype=float32)");
    }
    mx_array *e = mx_zeros(SHAPE(0), MX_FLOAT32);
    IS(mx_reshape(e, SHAPE(3, -1)), "array([[],[],[]], dtype=float32)");
    FAILS(mx_reshape(a23(), SHAPE(4)), "[reshape] Cannot reshape array of size 6 into shape (4).");
    FAILS(mx_reshape(a23(), SHAPE(-1, 4)),
          "[reshape] Cannot reshape array of size 6 into shape (1,4).");
    FAILS(mx_reshape(a23(), SHAPE(-1, -1)), "[reshape] Reshape can only infer one dimension.");
    FAILS(mx_reshape(e, SHAPE(-1, 0)), "[reshape] Cannot infer the shape of an empty array");
    FAILS(mx_reshape(e, NULL, 0), "[reshape] Cannot reshape array of size 0 into shape ().");
}

/* Strides are found wherever they exist, and nothing is copied then. */
static void reshape_shares_memory(void) {
    mx_array *a = now(ramp(MX_FLOAT32, SHAPE(4, 6, 8)));
    mx_array *half = mx_slice_axis(a, 1, 2, 5);
    mx_array *b = mx_reshape(half, SHAPE(2, 2, 3, 4, 2));
    CHECK(b && mx_array_available(b) && b->buffer == a->buffer);
    mx_array *c = mx_reshape(half, SHAPE(12, 8));
    CHECK(c && !mx_array_available(c));
    IS(mx_slice_axis(mx_slice_axis(c, 0, 3, 5), 1, 0, 2),
       "array([[64, 65],[72, 73]], dtype=float32)");
    mx_array *d = mx_reshape(mx_broadcast_to(now(a23()), SHAPE(4, 2, 3)), SHAPE(4, 6));
    CHECK(d && mx_array_available(d));
}

static void broadcast(void) {
    IS(mx_broadcast_to(a23(), SHAPE(2, 2, 3)),
       "array([[[0, 1, 2],[3, 4, 5]],[[0, 1, 2],[3, 4, 5]]], dtype=float32)");
    FAILS(mx_broadcast_to(a23(), SHAPE(3)),
          "Cannot broadcast array of shape (2,3) into shape (3).");
    FAILS(mx_broadcast_to(a23(), SHAPE(4, 2)),
          "[broadcast_shapes] Shapes (2,3) and (4,2) cannot be broadcast.");
    FAILS(mx_add(a23(), mx_zeros(SHAPE(2, 2), MX_FLOAT32)),
          "[broadcast_shapes] Shapes (2,3) and (2,2) cannot be broadcast.");
    FAILS(mx_broadcast_to(a23(), SHAPE(-1, 3)), "[broadcast_to] Negative dimensions not allowed.");
    mx_array *in[2] = {a23(), VECTOR(FLOAT32, 7)}, *out[2];
    CHECK(mx_broadcast_arrays(in, 2, out));
    IS(out[1], "array([[7, 7, 7],[7, 7, 7]], dtype=float32)");
}

static void transpose(void) {
    mx_array *a = ramp(MX_INT16, SHAPE(2, 1, 3));
    IS(mx_transpose(a), "array([[[0, 3]],[[1, 4]],[[2, 5]]], dtype=int16)");
    IS(mx_transpose_axes(a, LIST(1, 0, -1)), "array([[[0, 1, 2],[3, 4, 5]]], dtype=int16)");
    IS(mx_moveaxis(a, 0, -1), "array([[[0, 3],[1, 4],[2, 5]]], dtype=int16)");
    IS(mx_swapaxes(a, 0, 2), "array([[[0, 3]],[[1, 4]],[[2, 5]]], dtype=int16)");
    FAILS(mx_transpose_axes(a23(), LIST(0)), "axes for array with 2 dimensions.");
    FAILS(mx_transpose_axes(a23(), LIST(0, 0)), "[transpose] Repeat axes not allowed.");
    FAILS(mx_transpose_axes(a23(), LIST(0, 2)),
          "[transpose] Invalid axis (2) for array with 2 dimensions.");
    FAILS(mx_swapaxes(a23(), 0, 2), "[swapaxes] Invalid axis 2 for array with 2 dimensions.");
    FAILS(mx_moveaxis(a23(), 3, 0), "[moveaxis] Invalid axis 3 for array with 2 dimensions.");
}

static void slice(void) {
    mx_array *a = ramp(MX_INT32, SHAPE(10));
    const int none[1] = {-100};
    IS(mx_slice(a, (int[]){-3}, (int[]){100}, (int[]){1}), "array([7, 8, 9], dtype=int32)");
    IS(mx_slice(a, (int[]){1}, (int[]){8}, (int[]){3}), "array([1, 4, 7], dtype=int32)");
    IS(mx_slice(a, (int[]){8}, none, (int[]){-3}), "array([8, 5, 2], dtype=int32)");
    IS(mx_slice(a, (int[]){5}, (int[]){2}, (int[]){1}), "array([], dtype=int32)");
    IS(mx_slice(a, (int[]){2}, (int[]){5}, (int[]){-1}), "array([], dtype=int32)");
    IS(mx_slice(a, (int[]){INT32_MAX}, (int[]){INT32_MIN}, (int[]){INT32_MIN}),
       "array([9], dtype=int32)");
    FAILS(mx_slice(a, (int[]){0}, (int[]){1}, (int[]){0}), "[slice]");
    IS(mx_flip(a23(), LIST(1)), "array([[2, 1, 0],[5, 4, 3]], dtype=float32)");
    IS(mx_flip(a23(), NULL, 0), "array([[5, 4, 3],[2, 1, 0]], dtype=float32)");
    FAILS(mx_flip(a23(), LIST(4)), "[flip] Axis 4 is out of bounds for array with 2 dimensions.");
    IS(mx_add(mx_flip(now(a23()), NULL, 0), a23()), "array([[5, 5, 5],[5, 5, 5]], dtype=float32)");
}

static void axes_of_size_one(void) {
    mx_array *a = mx_expand_dims(a23(), LIST(0, -1));
    CHECK(a && mx_shape_is(a, SHAPE(1, 2, 3, 1)));
    CHECK(mx_shape_is(mx_squeeze(a, NULL, 0), SHAPE(2, 3)));
    CHECK(mx_shape_is(mx_squeeze_axis(a, -1), SHAPE(1, 2, 3)));
    CHECK(mx_shape_is(mx_squeeze(a, (const int[]){0}, 0), SHAPE(1, 2, 3, 1)));
    CHECK(mx_shape_is(mx_atleast(a23(), 3), SHAPE(2, 3, 1)));
    CHECK(mx_shape_is(mx_atleast(VECTOR(INT8, 1, 2), 3), SHAPE(1, 2, 1)));
    CHECK(mx_shape_is(mx_atleast(mx_scalar(1, MX_INT8), 2), SHAPE(1, 1)));
    FAILS(mx_squeeze_axis(a23(), 0),
          "[squeeze] Cannot squeeze axis 0 with size 2 which is not equal to 1.");
    FAILS(mx_squeeze_axis(a23(), 5),
          "[squeeze] Axis 5 is out of bounds for array with 2 dimensions.");
    FAILS(mx_expand_dim(a23(), 5),
          "[expand_dims] Axis 5 is out of bounds for array with 3 dimensions.");
    FAILS(mx_expand_dims(a23(), LIST(0, 0)), "[expand_dims] Received duplicate axes.");
    CHECK(mx_shape_is(mx_flatten(a23(), -5, 5), SHAPE(6)));
    CHECK(mx_shape_is(mx_flatten(mx_scalar(1, MX_INT8), 0, -1), SHAPE(1)));
    FAILS(mx_flatten(a23(), 1, 0), "[flatten] start_axis must be less than or equal to end_axis");
    CHECK(mx_shape_is(mx_unflatten(a23(), 1, SHAPE(3, -1)), SHAPE(2, 3, 1)));
    FAILS(mx_unflatten(a23(), 1, SHAPE(2, -1)),
          "[Unflatten] Cannot unflatten axis 1 with size 3 into shape (2,1).");
    FAILS(mx_unflatten(a23(), 3, SHAPE(3, 1)),
          "[unflatten] Invalid axes 3 for array with 2 dimensions.");
}

static void as_strided(void) {
    mx_array *a = ramp(MX_INT32, SHAPE(2, 3));
    IS(mx_as_strided(a, (int[]){2, 2}, (int64_t[]){1, 1}, 2, 1),
       "array([[1, 2],[2, 3]], dtype=int32)");
    IS(mx_as_strided(a, (int[]){2, 2}, (int64_t[]){-1, 1}, 2, 1),
       "array([[1, 2],[0, 1]], dtype=int32)");
    IS(mx_as_strided(mx_transpose(a), (int[]){3}, (int64_t[]){1}, 1, 0),
       "array([0, 3, 1], dtype=int32)");
    FAILS(mx_as_strided(a, (int[]){2, 2}, (int64_t[]){100, 1}, 2, 1), "[as_strided]");
    FAILS(mx_as_strided(a, (int[]){2}, (int64_t[]){-1}, 1, 0), "[as_strided]");
    FAILS(mx_as_strided(a, (int[]){3}, (int64_t[]){INT64_MAX}, 1, 0), "[as_strided]");
}

static void view_as(void) {
    IS(mx_view_as(VECTOR(FLOAT32, 1, -2), MX_INT32),
       "array([1065353216, -1073741824], dtype=int32)");
    IS(mx_view_as(VECTOR(UINT16, 1, 2), MX_UINT32), "array([131073], dtype=uint32)");
    IS(mx_view_as(VECTOR(UINT32, 131073), MX_UINT16), "array([1, 2], dtype=uint16)");
    mx_array *odd =
        mx_slice_axis(now(VECTOR(UINT8, 9, 1, 0, 2, 0)), 0, 1, 5); /* not aligned to 2 */
    IS(mx_view_as(odd, MX_UINT16), "array([1, 2], dtype=uint16)");
    IS(mx_view_as(mx_transpose(ramp(MX_UINT8, SHAPE(2, 2))), MX_UINT16),
       "array([[512],[769]], dtype=uint16)");
    FAILS(mx_view_as(VECTOR(INT8, 1, 2, 3), MX_INT16), "[view] When viewing as a larger dtype");
    FAILS(mx_view_as(mx_scalar(1, MX_INT8), MX_INT16), "[view] Changing the type of a scalar");
}

static void contiguous(void) {
    mx_array *a = now(a23()), *t = mx_transpose(a);
    CHECK(mx_contiguous(a, false) == a);
    mx_array *c = now(mx_contiguous(t, false));
    CHECK(c->row_contiguous && c->buffer != a->buffer);
    mx_array *same = now(mx_contiguous(t, true));
    CHECK(!same->row_contiguous && same->buffer == a->buffer);
    IS(c, "array([[0, 3],[1, 4],[2, 5]], dtype=float32)");
    mx_array *out[1], *dep = mx_add_s(a, 1), *in[1] = {mx_mul_s(a, 2)};
    CHECK(mx_depends(in, 1, &dep, 1, out));
    IS(out[0], "array([[0, 2, 4],[6, 8, 10]], dtype=float32)");
    CHECK(mx_array_available(dep));
}

static void sequences(void) {
    IS(mx_arange(0, 1, 0.25, MX_FLOAT32), "array([0, 0.25, 0.5, 0.75], dtype=float32)");
    IS(mx_arange(5, 0, 1, MX_INT32), "array([], dtype=int32)");
    IS(mx_arange(5, 0, -2, MX_INT64), "array([5, 3, 1], dtype=int64)");
    IS(mx_arange(0, 10, 2.7, MX_INT32), "array([0, 2, 4, 6], dtype=int32)");
    IS(mx_arange(0.5, 10, 2.7, MX_INT32), "array([0, 3, 6, 9], dtype=int32)");
    IS(mx_arange(-3, 3, 1, MX_UINT8), "array([253, 254, 255, 0, 1, 2], dtype=uint8)");
    IS(mx_slice_axis(mx_arange(-3, 3, 0.7, MX_FLOAT16), 0, 0, 3),
       "array([-3, -2.30078, -1.59961], dtype=float16)");
    IS(mx_arange(0, 10, 3, MX_COMPLEX64), "array([0+0j, 3+0j, 6+0j, 9+0j], dtype=complex64)");
    FAILS(mx_arange(0, 1, 0, MX_FLOAT32), "[arange] step must be nonzero.");
    FAILS(mx_arange(0, NAN, 1, MX_FLOAT32), "[arange] Cannot compute length.");
    FAILS(mx_arange(0, 1e18, 1, MX_FLOAT32), "[arange] Maximum size exceeded.");
    FAILS(mx_arange(0, 5, 1, MX_BOOL), "bool not supported for arange.");
    IS(mx_linspace(0, 10, 4, true, MX_INT32), "array([0, 3, 6, 10], dtype=int32)");
    IS(mx_linspace(0, 1, 5, false, MX_FLOAT32), "array([0, 0.2, 0.4, 0.6, 0.8], dtype=float32)");
    IS(mx_linspace(2, 3, 4, true, MX_FLOAT16), "array([2, 2.33398, 2.66602, 3], dtype=float16)");
    IS(mx_linspace(3, 4, 1, true, MX_FLOAT64), "array([3], dtype=float64)");
    IS(mx_linspace(3, 4, 0, true, MX_FLOAT64), "array([], dtype=float64)");
    FAILS(mx_linspace(0, 1, -1, true, MX_FLOAT32),
          "[linspace] number of samples, -1, must be non-negative.");
}

static void matrices(void) {
    IS(mx_eye(3, 4, -1, MX_INT32), "array([[0, 0, 0, 0],[1, 0, 0, 0],[0, 1, 0, 0]], dtype=int32)");
    IS(mx_eye(2, 2, 5, MX_BFLOAT16), "array([[0, 0],[0, 0]], dtype=bfloat16)");
    IS(mx_tri(3, 4, 1, MX_INT32), "array([[1, 1, 0, 0],[1, 1, 1, 0],[1, 1, 1, 1]], dtype=int32)");
    IS(mx_tri(2, 2, -1, MX_COMPLEX64), "array([[0+0j, 0+0j],[1+0j, 0+0j]], dtype=complex64)");
    IS(mx_tril(mx_add_s(a23(), 1), 0), "array([[1, 0, 0],[4, 5, 0]], dtype=float32)");
    IS(mx_triu(mx_add_s(a23(), 1), 1), "array([[0, 2, 3],[0, 0, 6]], dtype=float32)");
    FAILS(mx_eye(-1, 2, 0, MX_FLOAT32), "[eye] N and M must be positive integers.");
    FAILS(mx_tril(VECTOR(INT8, 1, 2), 0), "[tril] array must be at least 2-D");
    IS(mx_diag(VECTOR(FLOAT32, 1, 2), -1), "array([[0, 0, 0],[1, 0, 0],[0, 2, 0]], dtype=float32)");
    IS(mx_diag(VECTOR(FLOAT32, 1, 2), 1), "array([[0, 1, 0],[0, 0, 2],[0, 0, 0]], dtype=float32)");
    IS(mx_diag(a23(), 1), "array([1, 5], dtype=float32)");
    IS(mx_diagonal(a23(), -1, 0, 1), "array([3], dtype=float32)");
    IS(mx_diagonal(a23(), 7, 0, 1), "array([], dtype=float32)");
    IS(mx_diagonal(ramp(MX_INT32, SHAPE(2, 3, 2)), 0, 0, 2),
       "array([[0, 7],[2, 9],[4, 11]], dtype=int32)");
    FAILS(mx_diagonal(a23(), 0, 0, 0), "[diagonal] axis1 and axis2 cannot be the same axis");
    FAILS(mx_diag(mx_scalar(1, MX_INT8), 0),
          "[diag] array must be 1-D or 2-D, got array with 0 dimensions.");
    IS(mx_trace(ramp(MX_FLOAT32, SHAPE(3, 3)), 0, 0, 1, MX_FLOAT32), "array(12, dtype=float32)");
}

static void filled(void) {
    IS(mx_full_s(SHAPE(2), 3, MX_UINT8), "array([3, 3], dtype=uint8)");
    IS(mx_full(SHAPE(2, 2), VECTOR(FLOAT32, 1, 2), MX_INT64),
       "array([[1, 2],[1, 2]], dtype=int64)");
    FAILS(mx_zeros(SHAPE(-1, 2), MX_FLOAT32), "[full] Negative dimensions not allowed.");
    FAILS(mx_full(SHAPE(2), mx_zeros(SHAPE(3), MX_INT8), MX_INT8),
          "[broadcast_shapes] Shapes (3) and (2) cannot be broadcast.");
    /* no memory is behind it until it is looked at */
    mx_array *huge = mx_zeros(SHAPE(1 << 20, 1 << 20), MX_FLOAT32);
    CHECK(huge && huge->size == 1LL << 40);
    FAILS(huge, "[allocate] out of memory");
    IS(mx_window("hanning", 5), "array([0, 0.5, 1, 0.5, 7.64274e-15], dtype=float32)");
    IS(mx_window("bartlett", 5), "array([0, 0.5, 1, 0.5, 0], dtype=float32)");
    IS(mx_window("hamming", 5), "array([0.08, 0.54, 1, 0.54, 0.08], dtype=float32)");
    IS(mx_window("hanning", 1), "array([1], dtype=float32)");
    IS(mx_window("hanning", -3), "array([], dtype=float32)");
    mx_array *in[2] = {VECTOR(INT32, 1, 2), VECTOR(INT32, 1, 2, 3)}, *out[2];
    CHECK(mx_meshgrid(in, 2, false, true, out));
    IS(out[0], "array([[1, 2],[1, 2],[1, 2]], dtype=int32)");
    IS(out[1], "array([[1, 1],[2, 2],[3, 3]], dtype=int32)");
}

int main(void) {
    SCOPED(reshape);
    SCOPED(reshape_shares_memory);
    SCOPED(broadcast);
    SCOPED(transpose);
    SCOPED(slice);
    SCOPED(axes_of_size_one);
    SCOPED(as_strided);
    SCOPED(view_as);
    SCOPED(contiguous);
    SCOPED(sequences);
    SCOPED(matrices);
    SCOPED(filled);
    return check_done();
}
