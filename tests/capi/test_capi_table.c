/* One call of each operation of the C API on small arrays. The expected texts are what MLX 0.32.2
   prints. */
#include <math.h>

#include "check.h"
#include "mlx/c/mlx.h"
#include "mlx/c/ops_more.h"

#define L(...) (int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int)

/* Arguments of the rows, and the result. */
static mlx_stream s;
static mlx_array r, none, f, p, q, i, k, b, c, m, w, x, rows, rows_are_zero, sc, key, three, heads,
    queries, two_numbers, row_updates, zero, hundred, minus_one, one, zeros_2, unit;
static mlx_vector_array pair, index_list;
static const mlx_optional_float base = {10000, true};

static bool printed(int failed, const char *want, const char *what, int line) {
    mlx_string text = mlx_string_new();
    bool ok =
        check_that(!failed && !mlx_array_tostring(&text, r), __FILE__, line, "%s fails", what);
    char flat[512];
    size_t n = 0;
    for (const char *t = ok ? mlx_string_data(text) : ""; *t && n < sizeof flat - 1; t++)
        if (*t != '\n' && (*t != ' ' || (n && flat[n - 1] != ' ')))
            flat[n++] = *t;
        else if (*t == '\n' && n && flat[n - 1] != ' ')
            flat[n++] = ' ';
    flat[n] = 0;
    ok = ok && check_str(flat, want, what, __FILE__, line);
    mlx_string_free(text);
    return ok;
}
#define IS(call, want) printed(call, want, #call, __LINE__)

static mlx_array floats(const float *v, int rows_, int columns) {
    return mlx_array_new_data(v, rows_ ? (int[]){rows_, columns} : &columns, rows_ ? 2 : 1,
                              MLX_FLOAT32);
}
#define F(...) floats((float[]){__VA_ARGS__}, 0, sizeof((float[]){__VA_ARGS__}) / sizeof(float))
#undef I /* of complex.h */
#define I(...) mlx_array_new_data((int[]){__VA_ARGS__}, L3(__VA_ARGS__), 1, MLX_INT32)
#define L3(...)                                    \
    &(int) {                                       \
        sizeof((int[]){__VA_ARGS__}) / sizeof(int) \
    }

static mlx_array ramp(int count, double step, const int *shape, size_t ndim) {
    mlx_array a = mlx_array_new();
    mlx_arange(&a, 0, count, 1, MLX_FLOAT32, s);
    mlx_array by = mlx_array_new_float((float)step);
    mlx_multiply(&a, a, by, s);
    mlx_reshape(&a, a, shape, ndim, s);
    mlx_array_free(by);
    return a;
}

static mlx_array *const all[] = {&r,
                                 &f,
                                 &p,
                                 &q,
                                 &i,
                                 &k,
                                 &b,
                                 &c,
                                 &m,
                                 &w,
                                 &x,
                                 &rows,
                                 &rows_are_zero,
                                 &sc,
                                 &key,
                                 &three,
                                 &heads,
                                 &queries,
                                 &two_numbers,
                                 &row_updates,
                                 &zero,
                                 &hundred,
                                 &minus_one,
                                 &one,
                                 &zeros_2,
                                 &unit};

static void make_arguments(void) {
    r = mlx_array_new();
    f = F(0.25F, -1.5F, 3);
    p = F(0.5F, 1, 2);
    q = F(0.75F, 0.25F, 0.5F);
    x = F(1, INFINITY, NAN);
    two_numbers = F(7, 8);
    i = I(5, -3, 2);
    k = I(1, 2, 3);
    rows = I(1, 0);
    m = floats((float[]){1, 2, 3, 4}, 2, 2);
    w = floats((float[]){2, -1, 0, 1, 3, 5}, 2, 3);
    row_updates = ramp(6, 1, L(2, 1, 3));
    one = mlx_array_new_float(1);
    mlx_add(&row_updates, row_updates, one, s);
    b = mlx_array_new_data((bool[]){true, false, true}, L3(1, 2, 3), 1, MLX_BOOL);
    rows_are_zero = mlx_array_new_data((bool[]){false, false, true}, L3(1, 2, 3), 1, MLX_BOOL);
    c = mlx_array_new_data((float[]){1, 2, 3, -1}, L3(1, 2), 1, MLX_COMPLEX64);
    sc = mlx_array_new_float(2);
    three = mlx_array_new_int(3);
    zero = mlx_array_new_int(0);
    hundred = mlx_array_new_int(100);
    minus_one = mlx_array_new_float(-1);
    key = mlx_array_new();
    mlx_random_key(&key, 7);
    zeros_2 = F(0, 0);
    unit = floats((float[]){1, 0, 0, 1}, 2, 2);
    heads = ramp(8, 1, L(1, 2, 4));
    queries = ramp(8, 0.1F, L(1, 1, 2, 4));
    pair = mlx_vector_array_new_data((mlx_array[]){k, i}, 2);
    index_list = mlx_vector_array_new_value(rows);
}

static void free_arguments(void) {
    for (size_t j = 0; j < sizeof all / sizeof *all; j++)
        mlx_array_free(*all[j]);
    mlx_vector_array_free(pair);
    mlx_vector_array_free(index_list);
}

static void unary(void) {
    IS(mlx_abs(&r, f, s), "array([0.25, 1.5, 3], dtype=float32)");
    IS(mlx_ceil(&r, f, s), "array([1, -1, 3], dtype=float32)");
    IS(mlx_floor(&r, f, s), "array([0, -2, 3], dtype=float32)");
    IS(mlx_degrees(&r, f, s), "array([14.3239, -85.9437, 171.887], dtype=float32)");
    IS(mlx_radians(&r, f, s), "array([0.00436332, -0.0261799, 0.0523599], dtype=float32)");
    IS(mlx_exp(&r, f, s), "array([1.28403, 0.22313, 20.0855], dtype=float32)");
    IS(mlx_expm1(&r, f, s), "array([0.284025, -0.77687, 19.0855], dtype=float32)");
    IS(mlx_sign(&r, f, s), "array([1, -1, 1], dtype=float32)");
    IS(mlx_square(&r, f, s), "array([0.0625, 2.25, 9], dtype=float32)");
    IS(mlx_tanh(&r, f, s), "array([0.244919, -0.905148, 0.995055], dtype=float32)");
    IS(mlx_sin(&r, f, s), "array([0.247404, -0.997495, 0.14112], dtype=float32)");
    IS(mlx_cos(&r, f, s), "array([0.968912, 0.0707372, -0.989992], dtype=float32)");
    IS(mlx_tan(&r, f, s), "array([0.255342, -14.1014, -0.142547], dtype=float32)");
    IS(mlx_sinh(&r, f, s), "array([0.252612, -2.12928, 10.0179], dtype=float32)");
    IS(mlx_cosh(&r, f, s), "array([1.03141, 2.35241, 10.0677], dtype=float32)");
    IS(mlx_arcsinh(&r, f, s), "array([0.247466, -1.19476, 1.81845], dtype=float32)");
    IS(mlx_arctan(&r, f, s), "array([0.244979, -0.982794, 1.24905], dtype=float32)");
    IS(mlx_erf(&r, f, s), "array([0.276326, -0.966105, 0.999978], dtype=float32)");
    IS(mlx_negative(&r, f, s), "array([-0.25, 1.5, -3], dtype=float32)");
    IS(mlx_logical_not(&r, f, s), "array([False, False, False], dtype=bool)");
    IS(mlx_isnan(&r, x, s), "array([False, False, True], dtype=bool)");
    IS(mlx_isinf(&r, x, s), "array([False, True, False], dtype=bool)");
    IS(mlx_isfinite(&r, x, s), "array([True, False, False], dtype=bool)");
    IS(mlx_isposinf(&r, x, s), "array([False, True, False], dtype=bool)");
    IS(mlx_isneginf(&r, x, s), "array([False, False, False], dtype=bool)");
    IS(mlx_sigmoid(&r, p, s), "array([0.622459, 0.731059, 0.880797], dtype=float32)");
    IS(mlx_log(&r, p, s), "array([-0.693147, 0, 0.693147], dtype=float32)");
    IS(mlx_log2(&r, p, s), "array([-1, 0, 1], dtype=float32)");
    IS(mlx_log10(&r, p, s), "array([-0.30103, 0, 0.30103], dtype=float32)");
    IS(mlx_log1p(&r, p, s), "array([0.405465, 0.693147, 1.09861], dtype=float32)");
    IS(mlx_sqrt(&r, p, s), "array([0.707107, 1, 1.41421], dtype=float32)");
    IS(mlx_rsqrt(&r, p, s), "array([1.41421, 1, 0.707107], dtype=float32)");
    IS(mlx_reciprocal(&r, p, s), "array([2, 1, 0.5], dtype=float32)");
    IS(mlx_arccos(&r, q, s), "array([0.722734, 1.31812, 1.0472], dtype=float32)");
    IS(mlx_arcsin(&r, q, s), "array([0.848062, 0.25268, 0.523599], dtype=float32)");
    IS(mlx_arctanh(&r, q, s), "array([0.972955, 0.255413, 0.549306], dtype=float32)");
    IS(mlx_erfinv(&r, q, s), "array([0.81342, 0.225312, 0.476936], dtype=float32)");
    IS(mlx_arccosh(&r, k, s), "array([0, 1.31696, 1.76275], dtype=float32)");
    IS(mlx_bitwise_invert(&r, i, s), "array([-6, 2, -3], dtype=int32)");
    IS(mlx_real(&r, c, s), "array([1, 3], dtype=float32)");
    IS(mlx_imag(&r, c, s), "array([2, -1], dtype=float32)");
    IS(mlx_conjugate(&r, c, s), "array([1-2j, 3+1j], dtype=complex64)");
    IS(mlx_positive(&r, f, s), "array([0.25, -1.5, 3], dtype=float32)");
    IS(mlx_trunc(&r, f, s), "array([0, -1, 3], dtype=float32)");
    IS(mlx_lgamma(&r, k, s), "array([0, 0, 0.693147], dtype=float32)");
    IS(mlx_digamma(&r, k, s), "array([-0.577216, 0.422784, 0.922784], dtype=float32)");
    IS(mlx_stop_gradient(&r, f, s), "array([0.25, -1.5, 3], dtype=float32)");
    IS(mlx_copy(&r, f, s), "array([0.25, -1.5, 3], dtype=float32)");
    IS(mlx_ones_like(&r, i, s), "array([1, 1, 1], dtype=int32)");
    IS(mlx_zeros_like(&r, f, s), "array([0, 0, 0], dtype=float32)");
    IS(mlx_ones_like_dtype(&r, f, MLX_INT8, s), "array([1, 1, 1], dtype=int8)");
    IS(mlx_zeros_like_dtype(&r, f, MLX_BOOL, s), "array([False, False, False], dtype=bool)");
}

static void binary(void) {
    IS(mlx_equal(&r, f, p, s), "array([False, False, False], dtype=bool)");
    IS(mlx_not_equal(&r, f, p, s), "array([True, True, True], dtype=bool)");
    IS(mlx_less(&r, f, p, s), "array([True, True, False], dtype=bool)");
    IS(mlx_less_equal(&r, f, p, s), "array([True, True, False], dtype=bool)");
    IS(mlx_greater(&r, f, p, s), "array([False, False, True], dtype=bool)");
    IS(mlx_greater_equal(&r, f, p, s), "array([False, False, True], dtype=bool)");
    IS(mlx_maximum(&r, f, p, s), "array([0.5, 1, 3], dtype=float32)");
    IS(mlx_minimum(&r, f, p, s), "array([0.25, -1.5, 2], dtype=float32)");
    IS(mlx_arctan2(&r, f, p, s), "array([0.463648, -0.982794, 0.982794], dtype=float32)");
    IS(mlx_logaddexp(&r, f, p, s), "array([1.07594, 1.07889, 3.31326], dtype=float32)");
    IS(mlx_remainder(&r, f, p, s), "array([0.25, 0.5, 1], dtype=float32)");
    IS(mlx_floor_divide(&r, f, p, s), "array([0, -2, 1], dtype=float32)");
    IS(mlx_power(&r, p, f, s), "array([0.840896, 1, 8], dtype=float32)");
    IS(mlx_bitwise_and(&r, i, k, s), "array([1, 0, 2], dtype=int32)");
    IS(mlx_bitwise_or(&r, i, k, s), "array([5, -1, 3], dtype=int32)");
    IS(mlx_bitwise_xor(&r, i, k, s), "array([4, -1, 1], dtype=int32)");
    IS(mlx_left_shift(&r, i, k, s), "array([10, -12, 16], dtype=int32)");
    IS(mlx_right_shift(&r, i, k, s), "array([2, -1, 0], dtype=int32)");
    IS(mlx_logical_and(&r, b, rows_are_zero, s), "array([False, False, True], dtype=bool)");
    IS(mlx_logical_or(&r, b, rows_are_zero, s), "array([True, False, True], dtype=bool)");
    IS(mlx_isclose(&r, f, f, 1e-5, 1e-8, false, s), "array([True, True, True], dtype=bool)");
    IS(mlx_allclose(&r, f, p, 1e-5, 1e-8, false, s), "array(False, dtype=bool)");
    IS(mlx_where(&r, b, f, p, s), "array([0.25, 1, 3], dtype=float32)");
    IS(mlx_full_like(&r, f, sc, MLX_INT32, s), "array([2, 2, 2], dtype=int32)");
}

static void products(void) {
    IS(mlx_matmul(&r, m, w, s), "array([[4, 5, 10], [10, 9, 20]], dtype=float32)");
    IS(mlx_addmm(&r, sc, m, m, 0.5, 2, s), "array([[7.5, 9], [11.5, 15]], dtype=float32)");
    IS(mlx_inner(&r, f, p, s), "array(4.625, dtype=float32)");
    IS(mlx_outer(&r, f, p, s), "array([[0.125, 0.25, 0.5], [-0.75, -1.5, -3], [1.5, 3, 6]], "
                               "dtype=float32)");
    IS(mlx_kron(&r, k, i, s), "array([5, -3, 2, ..., 15, -9, 6], dtype=int32)");
    IS(mlx_tensordot_axis(&r, m, w, 1, s), "array([[4, 5, 10], [10, 9, 20]], dtype=float32)");
    IS(mlx_tensordot(&r, m, w, L(0), L(0), s), "array([[5, 8, 15], [8, 10, 20]], dtype=float32)");
    IS(mlx_fast_rms_norm(&r, w, p, 1e-5F, s),
       "array([[0.774594, -0.774594, 0], [0.146385, 0.87831, 2.9277]], "
       "dtype=float32)");
    IS(mlx_fast_layer_norm(&r, w, p, f, 1e-2F, s),
       "array([[0.916016, -2.56563, 2.46719], [-0.361227, -1.5, 5.44491]], "
       "dtype=float32)");
    IS(mlx_fast_rope(&r, heads, 4, false, base, 1, 3, none, s),
       "array([[[-0.28224, 0.909564, -1.97998, 3.02865], [1.92624, 4.71607, "
       "-6.94907, 7.19435]]], dtype=float32)");
    IS(mlx_fast_rope_dynamic(&r, heads, 4, true, base, 1, three, none, s),
       "array([[[-0.14112, -0.989992, 1.90911, 3.05864], [1.16944, -6.29543, "
       "5.71528, 7.23434]]], dtype=float32)");
    IS(mlx_fast_scaled_dot_product_attention(&r, queries, queries, queries, 0.5, "causal", none,
                                             none, s),
       "array([[[[0, 0.1, 0.2, 0.3], [0.243304, 0.343304, 0.443304, "
       "0.543304]]]], dtype=float32)");
}

static void reductions(void) {
    IS(mlx_all(&r, b, false, s), "array(False, dtype=bool)");
    IS(mlx_all_axes(&r, w, L(0), true, s), "array([[True, True, False]], dtype=bool)");
    IS(mlx_any_axes(&r, w, L(1), false, s), "array([True, True], dtype=bool)");
    IS(mlx_any_axis(&r, w, 0, false, s), "array([True, True, True], dtype=bool)");
    IS(mlx_argmax(&r, w, false, s), "array(5, dtype=uint32)");
    IS(mlx_argmin_axis(&r, w, 1, true, s), "array([[1], [0]], dtype=uint32)");
    IS(mlx_count_nonzero_axes(&r, w, L(1), false, s), "array([2, 3], dtype=int32)");
    IS(mlx_count_nonzero_axis(&r, w, 0, false, s), "array([2, 2, 1], dtype=int32)");
    IS(mlx_logsumexp(&r, w, false, s), "array(5.19281, dtype=float32)");
    IS(mlx_logsumexp_axes(&r, w, L(0, 1), true, s), "array([[5.19281]], dtype=float32)");
    IS(mlx_logsumexp_axis(&r, w, 1, false, s), "array([2.16985, 5.14293], dtype=float32)");
    IS(mlx_mean(&r, w, false, s), "array(1.66667, dtype=float32)");
    IS(mlx_mean_axes(&r, w, L(1), true, s), "array([[0.333333], [3]], dtype=float32)");
    IS(mlx_max_axes(&r, w, L(1), false, s), "array([2, 5], dtype=float32)");
    IS(mlx_min_axes(&r, w, L(0), false, s), "array([1, -1, 0], dtype=float32)");
    IS(mlx_min_axis(&r, w, 1, false, s), "array([-1, 1], dtype=float32)");
    IS(mlx_prod(&r, i, false, s), "array(-30, dtype=int32)");
    IS(mlx_prod_axis(&r, w, 0, false, s), "array([2, -3, 0], dtype=float32)");
    IS(mlx_std(&r, w, false, 0, s), "array(1.97203, dtype=float32)");
    IS(mlx_std_axes(&r, w, L(1), false, 1, s), "array([1.52753, 2], dtype=float32)");
    IS(mlx_std_axis(&r, w, 0, true, 0, s), "array([[0.5, 2, 2.5]], dtype=float32)");
    IS(mlx_var_axes(&r, w, L(0), false, 0, s), "array([0.25, 4, 6.25], dtype=float32)");
    IS(mlx_var_axis(&r, w, 1, false, 1, s), "array([2.33333, 4], dtype=float32)");
    IS(mlx_softmax(&r, f, true, s), "array([0.0594657, 0.0103336, 0.930201], dtype=float32)");
    IS(mlx_softmax_axes(&r, w, L(0), false, s),
       "array([[0.731059, 0.0179862, 0.00669285], [0.268941, 0.982014, "
       "0.993307]], dtype=float32)");
    IS(mlx_cummax(&r, w, 1, false, true, s), "array([[2, 2, 2], [1, 3, 5]], dtype=float32)");
    IS(mlx_cummin(&r, w, 1, true, true, s), "array([[-1, -1, 0], [1, 3, 5]], dtype=float32)");
    IS(mlx_cumprod(&r, w, 1, false, false, s), "array([[1, 2, -2], [1, 1, 3]], dtype=float32)");
    IS(mlx_cumprod_dtype(&r, i, 0, false, true, MLX_FLOAT32, s),
       "array([5, -15, -30], dtype=float32)");
    IS(mlx_logcumsumexp(&r, f, 0, false, true, s),
       "array([0.25, 0.410224, 3.07236], dtype=float32)");
    IS(mlx_argsort(&r, i, s), "array([1, 2, 0], dtype=uint32)");
    IS(mlx_sort_axis(&r, w, 1, s), "array([[-1, 0, 2], [1, 3, 5]], dtype=float32)");
    IS(mlx_argpartition(&r, i, 0, s), "array([1, 2, 0], dtype=uint32)");
    IS(mlx_argpartition_axis(&r, w, 2, 1, s), "array([[1, 2, 0], [0, 1, 2]], dtype=uint32)");
    IS(mlx_partition_axis(&r, w, 2, 1, s), "array([[-1, 0, 2], [1, 3, 5]], dtype=float32)");
    IS(mlx_topk_axis(&r, w, 1, 1, s), "array([[2], [5]], dtype=float32)");
    IS(mlx_searchsorted(&r, k, i, false, s), "array([3, 0, 1], dtype=uint32)");
}

static void shapes(void) {
    IS(mlx_atleast_1d(&r, sc, s), "array([2], dtype=float32)");
    IS(mlx_atleast_2d(&r, f, s), "array([[0.25, -1.5, 3]], dtype=float32)");
    IS(mlx_atleast_3d(&r, f, s), "array([[[0.25], [-1.5], [3]]], dtype=float32)");
    IS(mlx_broadcast_to(&r, k, L(2, 3), s), "array([[1, 2, 3], [1, 2, 3]], dtype=int32)");
    IS(mlx_contiguous(&r, w, false, s), "array([[2, -1, 0], [1, 3, 5]], dtype=float32)");
    IS(mlx_diag(&r, k, 0, s), "array([[1, 0, 0], [0, 2, 0], [0, 0, 3]], dtype=int32)");
    IS(mlx_diagonal(&r, w, 1, 0, 1, s), "array([-1, 5], dtype=float32)");
    IS(mlx_expand_dims(&r, k, 1, s), "array([[1], [2], [3]], dtype=int32)");
    IS(mlx_flip(&r, w, s), "array([[5, 3, 1], [0, -1, 2]], dtype=float32)");
    IS(mlx_flip_axes(&r, w, L(1), s), "array([[0, -1, 2], [5, 3, 1]], dtype=float32)");
    IS(mlx_moveaxis(&r, w, 0, 1, s), "array([[2, 1], [-1, 3], [0, 5]], dtype=float32)");
    IS(mlx_swapaxes(&r, w, 0, 1, s), "array([[2, 1], [-1, 3], [0, 5]], dtype=float32)");
    IS(mlx_squeeze(&r, heads, s), "array([[0, 1, 2, 3], [4, 5, 6, 7]], dtype=float32)");
    IS(mlx_squeeze_axis(&r, heads, 0, s), "array([[0, 1, 2, 3], [4, 5, 6, 7]], dtype=float32)");
    IS(mlx_unflatten(&r, queries, 3, L(2, -1), s),
       "array([[[[[0, 0.1], [0.2, 0.3]], [[0.4, 0.5], [0.6, 0.7]]]]], "
       "dtype=float32)");
    IS(mlx_trace(&r, m, 0, 0, 1, MLX_FLOAT32, s), "array(5, dtype=float32)");
    IS(mlx_tril(&r, m, 0, s), "array([[1, 0], [3, 4]], dtype=float32)");
    IS(mlx_triu(&r, m, 1, s), "array([[0, 2], [0, 0]], dtype=float32)");
    IS(mlx_repeat(&r, m, 2, s), "array([1, 1, 2, ..., 3, 4, 4], dtype=float32)");
    IS(mlx_repeat_axis(&r, m, 2, 1, s), "array([[1, 1, 2, 2], [3, 3, 4, 4]], dtype=float32)");
    IS(mlx_roll(&r, m, L(1), s), "array([[4, 1], [2, 3]], dtype=float32)");
    IS(mlx_roll_axes(&r, w, L(1), L(1), s), "array([[0, 2, -1], [5, 1, 3]], dtype=float32)");
    IS(mlx_stack(&r, pair, s), "array([[1, 2, 3], [5, -3, 2]], dtype=int32)");
    IS(mlx_concatenate_axis(&r, pair, 0, s), "array([1, 2, 3, 5, -3, 2], dtype=int32)");
}

static void creation(void) {
    IS(mlx_eye(&r, 2, 3, 1, MLX_INT32, s), "array([[0, 1, 0], [0, 0, 1]], dtype=int32)");
    IS(mlx_identity(&r, 2, MLX_FLOAT32, s), "array([[1, 0], [0, 1]], dtype=float32)");
    IS(mlx_tri(&r, 2, 3, 0, MLX_FLOAT32, s), "array([[1, 0, 0], [1, 1, 0]], dtype=float32)");
    IS(mlx_linspace(&r, 0, 1, 3, MLX_FLOAT32, s), "array([0, 0.5, 1], dtype=float32)");
    IS(mlx_linspace_endpoint(&r, 0, 1, 4, false, MLX_FLOAT32, s),
       "array([0, 0.25, 0.5, 0.75], dtype=float32)");
    IS(mlx_bartlett(&r, 4, s), "array([0, 0.666667, 0.666667, 0], dtype=float32)");
    IS(mlx_blackman(&r, 1, s), "array([1], dtype=float32)");
    IS(mlx_hamming(&r, 3, s), "array([0.08, 1, 0.08], dtype=float32)");
    IS(mlx_hanning(&r, 3, s), "array([0, 1, 7.64274e-15], dtype=float32)");
}

static void indexing(void) {
    IS(mlx_gather(&r, w, index_list, L(0), (int[]){1, 3}, 2, s),
       "array([[[1, 3, 5]], [[2, -1, 0]]], dtype=float32)");
    IS(mlx_slice_update(&r, f, two_numbers, L(0), L(2), L(1), s),
       "array([7, 8, 3], dtype=float32)");
    IS(mlx_slice_update_max(&r, f, two_numbers, L(1), L(3), L(1), s),
       "array([0.25, 7, 8], dtype=float32)");
    IS(mlx_slice_update_min(&r, f, two_numbers, L(1), L(3), L(1), s),
       "array([0.25, -1.5, 3], dtype=float32)");
    IS(mlx_slice_update_prod(&r, f, two_numbers, L(1), L(3), L(1), s),
       "array([0.25, -10.5, 24], dtype=float32)");
    IS(mlx_scatter_add(&r, w, index_list, row_updates, L(0), s),
       "array([[6, 4, 6], [2, 5, 8]], dtype=float32)");
    IS(mlx_scatter_max(&r, w, index_list, row_updates, L(0), s),
       "array([[4, 5, 6], [1, 3, 5]], dtype=float32)");
    IS(mlx_scatter_min(&r, w, index_list, row_updates, L(0), s),
       "array([[2, -1, 0], [1, 2, 3]], dtype=float32)");
    IS(mlx_scatter_prod(&r, w, index_list, row_updates, L(0), s),
       "array([[8, -5, 0], [1, 6, 15]], dtype=float32)");
    IS(mlx_scatter_single(&r, w, rows, row_updates, 0, s),
       "array([[4, 5, 6], [1, 2, 3]], dtype=float32)");
    IS(mlx_scatter_max_single(&r, w, rows, row_updates, 0, s),
       "array([[4, 5, 6], [1, 3, 5]], dtype=float32)");
    IS(mlx_scatter_min_single(&r, w, rows, row_updates, 0, s),
       "array([[2, -1, 0], [1, 2, 3]], dtype=float32)");
    IS(mlx_scatter_prod_single(&r, w, rows, row_updates, 0, s),
       "array([[8, -5, 0], [1, 6, 15]], dtype=float32)");
    IS(mlx_scatter_add_axis(&r, f, rows, two_numbers, 0, s),
       "array([8.25, 5.5, 3], dtype=float32)");
    IS(mlx_masked_scatter(&r, f, b, two_numbers, s), "array([7, -1.5, 8], dtype=float32)");
}

static void random_numbers(void) {
    IS(mlx_random_split_num(&r, key, 2, s),
       "array([[966301609, 989289821], [1948237315, 1058547403]], dtype=uint32)");
    IS(mlx_random_bernoulli(&r, q, L(3), key, s), "array([True, False, True], dtype=bool)");
    IS(mlx_random_categorical(&r, w, -1, key, s), "array([0, 2], dtype=uint32)");
    IS(mlx_random_categorical_num_samples(&r, w, -1, 3, key, s),
       "array([[0, 0, 1], [2, 2, 2]], dtype=uint32)");
    IS(mlx_random_categorical_shape(&r, w, -1, L(3, 2), key, s),
       "array([[0, 2], [2, 1], [0, 2]], dtype=uint32)");
    IS(mlx_random_gumbel(&r, L(2), MLX_FLOAT32, key, s),
       "array([-1.12881, 2.88745], dtype=float32)");
    IS(mlx_random_laplace(&r, L(2), MLX_FLOAT32, 1, 2, key, s),
       "array([5.79764, -3.44408], dtype=float32)");
    IS(mlx_random_normal_broadcast(&r, L(3), MLX_FLOAT32, f, p, key, s),
       "array([-0.127733, -1.68616, 2.76691], dtype=float32)");
    IS(mlx_random_permutation(&r, k, 0, key, s), "array([1, 2, 3], dtype=int32)");
    IS(mlx_random_randint(&r, zero, hundred, L(3), MLX_INT32, key, s),
       "array([22, 42, 45], dtype=int32)");
    IS(mlx_random_multivariate_normal(&r, zeros_2, unit, (int[]){0}, 0, MLX_FLOAT32, key, s),
       "array([-1.69106, 1.60548], dtype=float32)");
    IS(mlx_random_truncated_normal(&r, minus_one, one, L(1), MLX_FLOAT32, key, s),
       "array([0.627756], dtype=float32)");
}

int main(void) {
    s = mlx_default_cpu_stream_new();
    make_arguments();
    RUN(unary);
    RUN(binary);
    RUN(products);
    RUN(reductions);
    RUN(shapes);
    RUN(creation);
    RUN(indexing);
    RUN(random_numbers);
    free_arguments();
    mlx_stream_free(s);
    return check_done();
}
