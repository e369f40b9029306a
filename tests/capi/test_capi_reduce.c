/* The C API's reductions, scans, indexing, sorting and random numbers: results and bad
 * arguments. */
#include "check.h"
#include "mlx/c/mlx.h"
#include "mlx/c/ops_more.h"

static mlx_stream s; /* empty: the default stream */
static mlx_array none;
static char last[512];

static void note(const char *message, void *data) {
    (void)data;
    snprintf(last, sizeof last, "%s", message);
}

static mlx_array grid(void) { /* 0 .. 5 as (2,3) */
    return mlx_array_new_data((float[]){0, 1, 2, 3, 4, 5}, (int[]){2, 3}, 2, MLX_FLOAT32);
}

static mlx_array ints(int n, const int *v) {
    return mlx_array_new_data(v, &n, 1, MLX_INT32);
}

static bool is(int status, const mlx_array *a, const char *want, const char *what, int line) {
    mlx_string text = mlx_string_new();
    mlx_array_tostring(&text, *a);
    bool succeeded = check_int(status, 0, what, __FILE__, line);
    bool right = check_str(mlx_string_data(text), want, what, __FILE__, line);
    mlx_string_free(text);
    return succeeded && right;
}
/* IS(call, "array(..)"): the call succeeds and leaves this in r. */
#define IS(call, want) is(call, &r, want, #call, __LINE__)

static bool is_bad(int status, const char *part, const char *what, int line) {
    bool failed = check_int(status, 1, what, __FILE__, line);
    return check_has(last, part, what, __FILE__, line) && failed;
}
/* BAD(call, "part of the message") */
#define BAD(call, part) is_bad(call, part, #call, __LINE__)

static void reductions(void) {
    mlx_array a = grid(), r = mlx_array_new();
    IS(mlx_sum(&r, a, false, s), "array(15, dtype=float32)");
    IS(mlx_sum_axis(&r, a, -1, true, s), "array([[3],\n       [12]], dtype=float32)");
    IS(mlx_prod_axes(&r, a, (int[]){0}, 1, false, s), "array([0, 4, 10], dtype=float32)");
    IS(mlx_max_axis(&r, a, 0, false, s), "array([3, 4, 5], dtype=float32)");
    IS(mlx_min(&r, a, false, s), "array(0, dtype=float32)");
    IS(mlx_all_axis(&r, a, 1, false, s), "array([False, True], dtype=bool)");
    IS(mlx_any(&r, a, false, s), "array(True, dtype=bool)");
    IS(mlx_argmax_axis(&r, a, 1, false, s), "array([2, 2], dtype=uint32)");
    IS(mlx_argmin(&r, a, false, s), "array(0, dtype=uint32)");
    IS(mlx_mean_axis(&r, a, 1, false, s), "array([1, 4], dtype=float32)");
    IS(mlx_var(&r, a, false, 1, s), "array(3.5, dtype=float32)");
    IS(mlx_count_nonzero(&r, a, false, s), "array(5, dtype=int32)");
    IS(mlx_median(&r, a, (int[]){1}, 1, false, s), "array([1, 4], dtype=float32)");
    IS(mlx_number_of_elements(&r, a, (int[]){0, 1}, 2, false, MLX_INT32, s),
       "array(6, dtype=int32)");
    IS(mlx_sum_axes(&r, a, NULL, 0, false, s),
       "array([[0, 1, 2],\n       [3, 4, 5]], dtype=float32)");
    IS(mlx_softmax_axis(&r, a, 0, true, s) || mlx_sum(&r, r, false, s), "array(3, dtype=float32)");
    IS(mlx_cumsum(&r, a, 1, false, true, s),
       "array([[0, 1, 3],\n       [3, 7, 12]], dtype=float32)");
    IS(mlx_cumsum_dtype(&r, a, 0, true, true, MLX_INT32, s),
       "array([[3, 5, 7],\n       [3, 4, 5]], dtype=int32)");
    BAD(mlx_sum_axis(&r, a, 4, false, s), "[sum]");
    BAD(mlx_max(&r, none, false, s), "");
    mlx_array_free(a);
    mlx_array_free(r);
}

static void indexing(void) {
    mlx_array a = grid(), r = mlx_array_new(), i = ints(2, (int[]){1, -1}),
              far = ints(1, (int[]){7});
    IS(mlx_take_axis(&r, a, i, 1, s), "array([[1, 2],\n       [4, 5]], dtype=float32)");
    IS(mlx_take(&r, a, i, s), "array([1, 5], dtype=float32)");
    IS(mlx_gather_single(&r, a, i, 0, (int[]){1, 1}, 2, s) || mlx_flatten(&r, r, 0, -1, s),
       "array([3, 3], dtype=float32)");
    mlx_array u = mlx_array_new(), row = mlx_array_new();
    mlx_ones(&u, (int[]){2, 1, 3}, 3, MLX_FLOAT32, s);
    IS(mlx_scatter_add_single(&r, a, i, u, 0, s),
       "array([[0, 1, 2],\n       [5, 6, 7]], dtype=float32)");
    mlx_vector_array v = mlx_vector_array_new_value(i);
    IS(mlx_scatter(&r, a, v, u, (int[]){0}, 1, s),
       "array([[0, 1, 2],\n       [1, 1, 1]], dtype=float32)");
    BAD(mlx_scatter(&r, a, v, u, (int[]){0, 1}, 2, s), "1 index arrays for 2 axes");
    mlx_reshape(&row, i, (int[]){2, 1}, 2, s);
    IS(mlx_take_along_axis(&r, a, row, 1, s), "array([[1],\n       [5]], dtype=float32)");
    IS(mlx_put_along_axis(&r, a, row, row, 1, s),
       "array([[0, 1, 2],\n       [3, 4, -1]], dtype=float32)");
    BAD(mlx_take_axis(&r, a, far, 0, s) || mlx_array_eval(r),
        "[gather] index 7 is out of bounds for axis 0 with size 2.");
    BAD(mlx_gather_single(&r, a, i, 0, (int[]){1}, 1, s), "slice_sizes");
    mlx_array all[] = {a, r, i, far, u, row};
    for (int k = 0; k < 6; k++)
        mlx_array_free(all[k]);
    mlx_vector_array_free(v);
}

static void sorting(void) {
    mlx_array a = ints(4, (int[]){3, 1, 2, 0}), r = mlx_array_new();
    IS(mlx_sort(&r, a, s), "array([0, 1, 2, 3], dtype=int32)");
    IS(mlx_argsort_axis(&r, a, -1, s), "array([3, 1, 2, 0], dtype=uint32)");
    IS(mlx_topk(&r, a, 1, s), "array([3], dtype=int32)");
    IS(mlx_diff(&r, a, 1, -1, s), "array([-2, 1, -2], dtype=int32)");
    BAD(mlx_partition(&r, a, 9, s), "[partition] Received invalid kth 9");
    mlx_array_free(a);
    mlx_array_free(r);
}

static void random_numbers(void) {
    mlx_array key = mlx_array_new(), r = mlx_array_new(), r2 = mlx_array_new();
    mlx_array lo = mlx_array_new_float(0), hi = mlx_array_new_float(1);
    mlx_random_key(&key, 7);
    IS(mlx_random_split(&r2, &r, key, s), "array([1948237315, 1058547403], dtype=uint32)");
    IS(mlx_random_bits(&r, (int[]){0}, 1, 4, key, s), "array([], dtype=uint32)");
    IS(mlx_random_permutation_arange(&r, 10, key, s),
       "array([4, 6, 1, ..., 3, 0, 9], dtype=uint32)");
    mlx_random_seed(3);
    IS(mlx_random_uniform(&r, lo, hi, (int[]){2}, 1, MLX_FLOAT32, none, s),
       "array([0.520858, 0.244856], dtype=float32)");
    IS(mlx_random_normal(&r, (int[]){2}, 1, MLX_FLOAT32, 0, 1, none, s),
       "array([-0.0859878, -1.85632], dtype=float32)");
    BAD(mlx_random_uniform(&r, lo, hi, (int[]){2}, 1, MLX_INT32, key, s), "[uniform]");
    mlx_array all[] = {key, r, r2, lo, hi};
    for (int k = 0; k < 5; k++)
        mlx_array_free(all[k]);
}

int main(void) {
    s = mlx_default_cpu_stream_new();
    mlx_set_error_handler(note, NULL, NULL);
    RUN(reductions);
    RUN(indexing);
    RUN(sorting);
    RUN(random_numbers);
    mlx_stream_free(s);
    return check_done();
}
