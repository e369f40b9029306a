/* The C API's pointwise, creation, view and join functions: results, handles, bad arguments. */
#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream s; /* empty: the default stream */
static char last[512];

static void note(const char *message, void *data) {
    (void)data;
    snprintf(last, sizeof last, "%s", message);
}

static mlx_array floats(int n, const float *v) {
    return mlx_array_new_data(v, &n, 1, MLX_FLOAT32);
}

static bool is(mlx_array a, const char *want, const char *what, int line) {
    mlx_string text = mlx_string_new();
    mlx_array_tostring(&text, a);
    bool ok = check_str(mlx_string_data(text), want, what, __FILE__, line);
    mlx_string_free(text);
    return ok;
}
#define IS(a, want) is(a, want, #a, __LINE__)

static void results_and_handles(void) {
    mlx_array a = floats(3, (float[]){1, 2, 3}), b = floats(3, (float[]){4, 5, 6}),
              r = mlx_array_new();
    CHECK_EQ_INT(mlx_add(&r, a, b, s), 0);
    IS(r, "array([5, 7, 9], dtype=float32)");
    mlx_array copy = r; /* the same box: it sees what the handle is set to */
    CHECK_EQ_INT(mlx_divide(&r, r, a, s), 0);
    CHECK(copy.ctx == r.ctx);
    IS(copy, "array([5, 3.5, 3], dtype=float32)");
    CHECK_EQ_INT(mlx_square(&r, r, s), 0);
    CHECK_EQ_INT(mlx_round(&r, r, 0, s), 0);
    IS(r, "array([25, 12, 9], dtype=float32)");
    mlx_array none = {NULL};
    CHECK_EQ_INT(mlx_clip(&r, r, none, b, s), 0);
    IS(r, "array([4, 5, 6], dtype=float32)");
    mlx_optional_float two = {2, true}, no = {0, false};
    CHECK_EQ_INT(mlx_nan_to_num(&r, r, 0, two, no, s), 0);
    CHECK_EQ_INT(mlx_astype(&r, r, MLX_INT8, s), 0);
    IS(r, "array([4, 5, 6], dtype=int8)");
    CHECK_EQ_INT(mlx_logical_xor(&r, a, none, s), 1);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(r);
}

static void several_results(void) {
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    mlx_vector_array v = mlx_vector_array_new();
    CHECK_EQ_INT(mlx_arange(&a, 0, 6, 1, MLX_INT32, s), 0);
    CHECK_EQ_INT(mlx_split(&v, a, 3, 0, s), 0);
    CHECK_EQ_INT(mlx_vector_array_size(v), 3);
    CHECK_EQ_INT(mlx_vector_array_get(&b, v, 1), 0);
    IS(b, "array([2, 3], dtype=int32)");
    CHECK_EQ_INT(mlx_concatenate(&b, v, s), 0);
    IS(b, "array([0, 1, 2, 3, 4, 5], dtype=int32)");
    CHECK_EQ_INT(mlx_stack_axis(&b, v, 1, s), 0);
    IS(b, "array([[0, 2, 4],\n       [1, 3, 5]], dtype=int32)");
    CHECK_EQ_INT(mlx_unstack(&v, b, 1, s), 0);
    CHECK_EQ_INT(mlx_vector_array_size(v), 3);
    CHECK_EQ_INT(mlx_split_sections(&v, a, (int[]){1, 4}, 2, 0, s), 0);
    CHECK_EQ_INT(mlx_vector_array_get(&b, v, 1), 0);
    IS(b, "array([1, 2, 3], dtype=int32)");
    CHECK_EQ_INT(mlx_divmod(&v, a, b, s), 1);
    CHECK_HAS(last, "[broadcast_shapes] Shapes (6) and (3) cannot be broadcast.");
    CHECK_EQ_INT(mlx_meshgrid(&v, v, true, "ij", s), 0);
    CHECK_EQ_INT(mlx_meshgrid(&v, v, true, "foo", s), 1);
    CHECK_HAS(last, "[meshgrid] Invalid indexing value.");
    CHECK_EQ_INT(mlx_broadcast_arrays(&v, v, s), 0);
    CHECK_EQ_INT(mlx_depends(&v, v, v), 0);
    mlx_vector_array_free(v);
    mlx_array_free(a);
    mlx_array_free(b);
}

static void shapes_and_regions(void) {
    mlx_array a = mlx_array_new(), u = mlx_array_new(), r = mlx_array_new();
    mlx_arange(&a, 0, 6, 1, MLX_INT32, s);
    CHECK_EQ_INT(mlx_reshape(&a, a, (int[]){2, -1}, 2, s), 0);
    CHECK_EQ_INT(mlx_slice(&r, a, (int[]){0, 2}, 2, (int[]){2, -4}, 2, (int[]){1, -2}, 2, s), 0);
    IS(r, "array([[2, 0],\n       [5, 3]], dtype=int32)");
    CHECK_EQ_INT(mlx_slice(&r, a, (int[]){0}, 1, (int[]){2}, 1, (int[]){1}, 1, s), 1);
    CHECK_HAS(last, "[slice] Invalid number of indices or strides for array with dimension 2.");
    mlx_ones(&u, NULL, 0, MLX_INT32, s);
    CHECK_EQ_INT(
        mlx_slice_update_add(&r, a, u, (int[]){0, 0}, 2, (int[]){1, 3}, 2, (int[]){1, 2}, 2, s), 0);
    IS(r, "array([[1, 1, 3],\n       [3, 4, 5]], dtype=int32)");
    mlx_array at = mlx_array_new_int(1);
    CHECK_EQ_INT(mlx_slice_dynamic(&r, a, at, (int[]){1}, 1, (int[]){2, 2}, 2, s), 0);
    IS(r, "array([[1, 2],\n       [4, 5]], dtype=int32)");
    CHECK_EQ_INT(mlx_slice_update_dynamic(&r, a, u, at, (int[]){1}, 1, s), 0);
    IS(r, "array([[0, 1, 2],\n       [3, 1, 5]], dtype=int32)");
    CHECK_EQ_INT(mlx_pad_symmetric(&r, u, 1, u, "constant", s), 0);
    CHECK_EQ_INT(mlx_pad(&r, a, (int[]){1}, 1, (int[]){1}, 1, (int[]){0}, 1, u, "constant", s), 0);
    IS(r, "array([[1, 0, 1, 2],\n       [1, 3, 4, 5]], dtype=int32)");
    CHECK_EQ_INT(mlx_squeeze_axes(&r, u, NULL, 0, s), 0);
    CHECK_EQ_INT(mlx_transpose_axes(&r, a, (int[]){1, 0}, 2, s), 0);
    CHECK_EQ_INT(mlx_roll_axis(&r, r, (int[]){1, 1}, 2, 0, s), 0);
    IS(r, "array([[1, 4],\n       [2, 5],\n       [0, 3]], dtype=int32)");
    CHECK_EQ_INT(mlx_roll_axis(&r, r, (int[]){1}, 1, 7, s), 1);
    CHECK_EQ_INT(mlx_as_strided(&r, a, (int[]){2}, 1, (int64_t[]){3, 1}, 2, 0, s), 1);
    CHECK_EQ_INT(mlx_as_strided(&r, a, (int[]){2}, 1, (int64_t[]){3}, 1, 2, s), 0);
    IS(r, "array([2, 5], dtype=int32)");
    mlx_array_free(a);
    mlx_array_free(u);
    mlx_array_free(r);
    mlx_array_free(at);
}

static void bad_arguments(void) {
    mlx_array none = {NULL}, r = mlx_array_new();
    CHECK_EQ_INT(mlx_add(&r, none, none, s), 1);
    CHECK(r.ctx == NULL);
    CHECK_EQ_INT(mlx_zeros(&r, (int[]){2}, 1, (mlx_dtype)99, s), 1);
    CHECK_EQ_INT(mlx_full(&r, (int[]){2}, 1, none, MLX_FLOAT32, s), 1);
    CHECK_EQ_INT(mlx_zeros(&r, (int[]){-2}, 1, MLX_INT8, s), 1);
    int many[100];
    for (int i = 0; i < 100; i++)
        many[i] = 1;
    CHECK_EQ_INT(mlx_zeros(&r, many, 100, MLX_INT8, s), 1);
    CHECK_EQ_INT(mlx_ones(&r, (int[]){1 << 30, 1 << 30, 1 << 30}, 3, MLX_INT8, s), 1);
    CHECK_EQ_INT(mlx_ones(&r, (int[]){2}, 1, MLX_INT8, s), 0);
    CHECK_EQ_INT(mlx_reshape(&r, r, many, 100, s), 1);
    CHECK_EQ_INT(mlx_expand_dims_axes(&r, r, many, 100, s), 1);
    CHECK_EQ_INT(mlx_transpose_axes(&r, r, many, 100, s), 1);
    CHECK_EQ_INT(mlx_tile(&r, r, many, 100, s), 1);
    IS(r, "array([1, 1], dtype=int8)"); /* failures left it alone */
    mlx_array_free(r);
}

static void rules(void) {
    int shape[4];
    size_t n = 0;
    CHECK_EQ_INT(mlx_broadcast_shapes(shape, &n, (int[]){2, 1, 5}, 3, (int[]){3, 1}, 2), 0);
    CHECK(n == 3 && shape[0] == 2 && shape[1] == 3 && shape[2] == 5);
    CHECK_EQ_INT(mlx_broadcast_shapes(shape, &n, (int[]){2, 5}, 2, (int[]){3, 5}, 2), 1);
    CHECK_STR(last, "[broadcast_shapes] Shapes (2,5) and (3,5) cannot be broadcast.");
    mlx_dtype t;
    bool yes;
    CHECK(mlx_result_type(&t, MLX_INT32, MLX_UINT32) == 0 && t == MLX_INT64);
    CHECK(mlx_can_cast(&yes, MLX_INT32, MLX_FLOAT16) == 0 && yes);
    CHECK(mlx_can_cast(&yes, MLX_FLOAT16, MLX_INT32) == 0 && !yes);
    CHECK(mlx_issubdtype(&yes, MLX_BFLOAT16, "floating") == 0 && yes);
    CHECK(mlx_issubdtype(&yes, MLX_BOOL, "number") == 0 && !yes);
    CHECK(mlx_issubdtype(&yes, MLX_UINT8, "uint8") == 0 && yes);
}

int main(void) {
    s = mlx_stream_new();
    mlx_set_error_handler(note, NULL, NULL);
    RUN(results_and_handles);
    RUN(several_results);
    RUN(shapes_and_regions);
    RUN(bad_arguments);
    RUN(rules);
    return check_done();
}
