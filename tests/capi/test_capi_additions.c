/* The C API's additions to MLX's operations, one call each: values by their definitions. */
#include <math.h>

#include "check.h"
#include "mlx/c/mlx.h"
#include "mlx/c/ops_more.h"

#define L(...) (int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int)
#define F(...) made((float[]){__VA_ARGS__}, sizeof((float[]){__VA_ARGS__}) / sizeof(float))

static mlx_stream s;
static mlx_array r, none, key;
static mlx_vector_array list;

static mlx_array made(const float *v, int n) {
    return mlx_array_new_data(v, &n, 1, MLX_FLOAT32);
}

static bool printed(int failed, mlx_array a, const char *want, const char *what, int line) {
    mlx_string text = mlx_string_new();
    bool ok = check_that(!failed && !mlx_array_tostring(&text, a), __FILE__, line, "%s fails: %s",
                         what, mlx_last_error_message()) &&
              check_str(mlx_string_data(text), want, what, __FILE__, line);
    mlx_string_free(text);
    return ok;
}
#define IS(call, want) printed(call, r, want, #call, __LINE__)

static bool lists(int failed, size_t i, const char *want, const char *what, int line) {
    mlx_array a = mlx_array_new();
    bool ok = printed(failed || mlx_vector_array_get(&a, list, i), a, want, what, line);
    mlx_array_free(a);
    return ok;
}
#define LISTS(call, i, want) lists(call, i, want, #call, __LINE__)

/* --- elements, counts -------------------------------------------------------------------- */

static void elements(void) {
    mlx_array a = F(3, -1, 0), b = F(-4, 2, 5);
    IS(mlx_copysign(&r, a, b, s), "array([-3, 1, 0], dtype=float32)");
    IS(mlx_fmax(&r, a, b, s), "array([3, 2, 5], dtype=float32)");
    IS(mlx_fmin(&r, a, b, s), "array([-4, -1, 0], dtype=float32)");
    IS(mlx_heaviside(&r, a, b, s), "array([1, 0, 5], dtype=float32)");
    IS(mlx_sinc(&r, a, s), "array([-0, 0, 1], dtype=float32)");
    IS(mlx_hypot(&r, a, b, s), "array([5, 2.23607, 5], dtype=float32)");
    IS(mlx_signbit(&r, b, s), "array([True, False, False], dtype=bool)");
    IS(mlx_isin(&r, a, b, true, s), "array([True, True, True], dtype=bool)");
    CHECK(mlx_nextafter(&r, a, b, s) == 0 && mlx_array_eval(r) == 0);
    CHECK(mlx_array_data_float32(r)[0] == nextafterf(3, -4) &&
          mlx_array_data_float32(r)[2] == nextafterf(0, 5));
    mlx_array_free(a);
    mlx_array_free(b);
}

static void counts(void) {
    double range[2] = {0, 4};
    mlx_array a = F(0, 1, 1, 3), edges = mlx_array_new(), whole = mlx_array_new();
    CHECK(mlx_astype(&whole, a, MLX_INT32, s) == 0);
    CHECK(mlx_bincount(&r, whole, none, 5, s) == 0 && mlx_astype(&r, r, MLX_INT32, s) == 0);
    IS(0, "array([1, 2, 0, 1, 0], dtype=int32)");
    CHECK(mlx_histogram_edges(&edges, a, 2, range, s) == 0);
    CHECK(mlx_astype(&r, edges, MLX_FLOAT32, s) == 0);
    IS(0, "array([0, 2, 4], dtype=float32)");
    CHECK(mlx_histogram(&r, a, edges, none, false, s) == 0 && mlx_astype(&r, r, MLX_INT32, s) == 0);
    IS(0, "array([3, 1], dtype=int32)");
    CHECK(mlx_nonzero(&list, a, s) == 0);
    CHECK_EQ_INT(mlx_vector_array_size(list), 1);
    mlx_array places = mlx_array_new();
    CHECK(mlx_vector_array_get(&places, list, 0) == 0 && mlx_astype(&r, places, MLX_INT32, s) == 0);
    IS(0, "array([1, 2, 3], dtype=int32)");
    LISTS(mlx_unique(&list, a, true, s), 0, "array([0, 1, 3], dtype=float32)");
    mlx_array half = F(0.5F);
    IS(mlx_quantile(&r, a, half, L(0), false, "linear", s), "array([1], dtype=float32)");
    IS(mlx_nanquantile(&r, a, half, L(0), false, "linear", s), "array([1], dtype=float32)");
    mlx_array all[] = {a, edges, whole, places, half};
    for (int i = 0; i < 5; i++)
        mlx_array_free(all[i]);
}

static void without_nan(void) {
    mlx_array a = F(1, NAN, 3);
    IS(mlx_nansum(&r, a, L(0), false, s), "array(4, dtype=float32)");
    IS(mlx_ptp(&r, a, L(0), false, s), "array(nan, dtype=float32)");
    IS(mlx_nanprod(&r, a, L(0), true, s), "array([3], dtype=float32)");
    IS(mlx_nanmean(&r, a, L(0), false, s), "array(2, dtype=float32)");
    IS(mlx_nanmax(&r, a, L(0), false, s), "array(3, dtype=float32)");
    IS(mlx_nanmin(&r, a, L(0), false, s), "array(1, dtype=float32)");
    IS(mlx_nanvar(&r, a, L(0), false, 0, s), "array(1, dtype=float32)");
    IS(mlx_nanstd(&r, a, L(0), false, 1, s), "array(1.41421, dtype=float32)");
    mlx_array_free(a);
}

/* --- matrices --------------------------------------------------------------------------------- */

static void matrices(void) {
    mlx_array d = mlx_array_new_data((float[]){4, 0, 0, 2}, (int[]){2, 2}, 2, MLX_FLOAT32),
              b = F(8, 6);
    IS(mlx_linalg_matrix_power(&r, d, 3, s), "array([[64, 0],\n       [0, 8]], dtype=float32)");
    IS(mlx_linalg_svdvals(&r, d, s), "array([4, 2], dtype=float32)");
    IS(mlx_linalg_cond(&r, d, NULL, s), "array(2, dtype=float32)");
    IS(mlx_linalg_vector_norm(&r, b, 2, L(0), false, s), "array(10, dtype=float32)");
    CHECK(mlx_linalg_matrix_rank(&r, d, none, false, s) == 0 &&
          mlx_astype(&r, r, MLX_INT32, s) == 0);
    IS(0, "array(2, dtype=int32)");
    LISTS(mlx_linalg_lstsq(&list, d, b, 1e-6, s), 0, "array([2, 3], dtype=float32)");
    CHECK(mlx_zeros(&r, (int[]){2, 2}, 2, MLX_FLOAT32, s) == 0);
    IS(mlx_linalg_expm(&r, r, s), "array([[1, 0],\n       [0, 1]], dtype=float32)");
    mlx_array_free(d);
    mlx_array_free(b);
}

/* --- what MLX has and mlx-c does not ---------------------------------------------------------- */

static void extremes(void) {
    mlx_array a = mlx_array_new_data((float[]){4, 0, -1, 2}, (int[]){2, 2}, 2, MLX_FLOAT32),
              high = mlx_array_new();
    IS(mlx_minmax(&r, &high, a, false, s), "array(-1, dtype=float32)");
    printed(0, high, "array(4, dtype=float32)", "the maximum", __LINE__);
    IS(mlx_minmax_axis(&high, &r, a, 0, false, s), "array([4, 2], dtype=float32)");
    IS(mlx_minmax_axes(&r, &high, a, L(0, 1), true, s), "array([[-1]], dtype=float32)");
    IS(mlx_matrix_transpose(&r, a, s), "array([[4, -1],\n       [0, 2]], dtype=float32)");
    CHECK(mlx_matrix_transpose(&high, high, s) == 0 && mlx_matrix_transpose(&high, key, s) == 1);
    mlx_array_free(a);
    mlx_array_free(high);
}

static void unique_sized(void) {
    mlx_array a = F(3, 1, 3), nine = mlx_array_new_float(9);
    LISTS(mlx_unique_sized(&list, a, 3, nine, s), 0, "array([1, 3, 9], dtype=float32)");
    LISTS(0, 1, "array([1, 0, 1], dtype=uint32)");
    LISTS(0, 2, "array([1, 0, 1], dtype=uint32)");
    LISTS(0, 3, "array([1, 2, 0], dtype=int32)");
    LISTS(mlx_unique_sized(&list, a, 1, none, s), 0, "array([1], dtype=float32)");
    CHECK(mlx_unique_sized(&list, a, -1, none, s) == 1 && mlx_unique_sized(&list, a, 2, a, s) == 1);
    mlx_array_free(a);
    mlx_array_free(nine);
}

static void frames(void) {
    mlx_optional_int no = {0, false}, two = {2, true}, four = {4, true};
    mlx_array a = F(1, 2, 3, 4), window = F(1, 1, 1, 1), y = mlx_array_new();
    bool both = false;
    CHECK(mlx_fft_stft(&y, a, 4, two, no, window, true, "constant", MLX_FFT_NORM_BACKWARD, NULL,
                       s) == 0);
    CHECK(mlx_array_dim(y, 0) == 3 && mlx_array_dim(y, 1) == 3);
    IS(mlx_fft_istft(&r, y, no, two, no, window, true, MLX_FFT_NORM_BACKWARD, true, four, s),
       "array([1, 2, 3, 4], dtype=float32)");
    CHECK(mlx_fft_stft(&y, a, 4, no, four, none, false, NULL, MLX_FFT_NORM_ORTHO, &both, s) == 0);
    CHECK(mlx_array_dim(y, 0) == 4 && mlx_array_dim(y, 1) == 1);
    CHECK(mlx_fft_stft(&y, a, 0, no, no, none, true, NULL, MLX_FFT_NORM_BACKWARD, NULL, s) == 1);
    CHECK(mlx_fft_istft(&y, a, no, no, no, none, true, MLX_FFT_NORM_BACKWARD, true, no, s) == 1);
    mlx_array_free(a);
    mlx_array_free(window);
    mlx_array_free(y);
}

static void losses(void) {
    mlx_array logits = F(0, 0), target = mlx_array_new_int(1), far = mlx_array_new_int(2);
    IS(mlx_fast_cross_entropy(&r, logits, target, s), "array(0.693147, dtype=float32)");
    CHECK(mlx_fast_cross_entropy(&r, logits, far, s) == 0 && mlx_array_eval(r) == 1);
    CHECK(mlx_fast_cross_entropy(&r, target, target, s) == 1);
    mlx_array all[] = {logits, target, far};
    for (int i = 0; i < 3; i++)
        mlx_array_free(all[i]);
}

/* One head with one number in its state: S = 1/2 * 4 + 1/2 * (6 - 2) = 4. */
static void delta(void) {
    float numbers[] = {1, 6, 0.5F, 4};
    mlx_array one = mlx_array_new_data(&numbers[0], (int[]){1, 1, 1, 1}, 4, MLX_FLOAT32);
    mlx_array v = mlx_array_new_data(&numbers[1], (int[]){1, 1, 1, 1}, 4, MLX_FLOAT32);
    mlx_array half = mlx_array_new_data(&numbers[2], (int[]){1, 1, 1}, 3, MLX_FLOAT32);
    mlx_array state = mlx_array_new_data(&numbers[3], (int[]){1, 1, 1, 1}, 4, MLX_FLOAT32),
              y = mlx_array_new();
    IS(mlx_fast_gated_delta_update(&r, &y, one, one, v, half, half, state, none, s),
       "array([[[[4]]]], dtype=float32)");
    printed(0, y, "array([[[[4]]]], dtype=float32)", "the state", __LINE__);
    CHECK(mlx_fast_gated_delta_update(&r, &y, half, one, v, half, half, state, none, s) == 1);
    mlx_array all[] = {one, v, half, state, y};
    for (int i = 0; i < 5; i++)
        mlx_array_free(all[i]);
}

static void buffer_size(void) {
    size_t one = 0, both = 0;
    mlx_array a = F(1, 2, 3);
    mlx_vector_array arrays = mlx_vector_array_new_value(a);
    CHECK(mlx_get_array_buffer_size(&one, arrays) == 0 && one >= 12);
    mlx_vector_array_append_value(arrays, a);
    CHECK(mlx_get_array_buffer_size(&both, arrays) == 0 && both == one);
    CHECK(mlx_square(&r, a, s) == 0 && mlx_vector_array_append_value(arrays, r) == 0);
    CHECK(mlx_get_array_buffer_size(&both, arrays) == 1 &&
          mlx_get_array_buffer_size(NULL, arrays) == 1);
    mlx_vector_array_free(arrays);
    mlx_array_free(a);
}

/* Two matrices, each with a scale of its own; the second is taken. */
static void scaled(void) {
    mlx_optional_int no = {0, false};
    mlx_array w = mlx_array_new(), q = mlx_array_new(), scales = mlx_array_new(),
              x = mlx_array_new();
    mlx_array six = mlx_array_new_float(6), global = F(1344, 5376),
              second = mlx_array_new_data((int[]){1}, (int[]){1}, 1, MLX_INT32);
    CHECK(mlx_full(&w, (int[]){2, 1, 16}, 3, six, MLX_FLOAT32, s) == 0 &&
          mlx_ones(&x, (int[]){1, 1, 16}, 3, MLX_FLOAT32, s) == 0);
    CHECK(mlx_quantize(&list, w, no, no, "nvfp4", none, s) == 0 &&
          mlx_vector_array_get(&q, list, 0) == 0 && mlx_vector_array_get(&scales, list, 1) == 0);
    IS(mlx_gather_qmm_scaled(&r, x, q, scales, none, none, second, true, no, no, "nvfp4", global,
                             false, s),
       "array([[[192]]], dtype=float32)");
    CHECK(mlx_gather_qmm_scaled(&r, x, q, scales, none, none, second, true, no, no, "nvfp4", second,
                                false, s) == 1);
    mlx_array all[] = {w, q, scales, x, six, global, second};
    for (int i = 0; i < 7; i++)
        mlx_array_free(all[i]);
}

/* --- random numbers: within bounds, and near their mean --------------------------------------- */

enum { MANY = 4000 };

static void distributed(int failed, const char *what, double low, double high, double mean,
                        double tolerance) {
    double sum = 0, least = INFINITY, most = -INFINITY;
    if (!CHECK_MSG(!failed && !mlx_astype(&r, r, MLX_FLOAT32, s) && !mlx_array_eval(r),
                   "%s fails: %s", what, mlx_last_error_message()))
        return;
    CHECK_EQ_INT(mlx_array_size(r), MANY);
    for (int i = 0; i < MANY; i++) {
        double v = mlx_array_data_float32(r)[i];
        sum += v;
        least = fmin(least, v);
        most = fmax(most, v);
    }
    CHECK_MSG(least >= low && most <= high, "%s: from %g to %g", what, least, most);
    CHECK_MSG(fabs(sum / MANY - mean) <= tolerance, "%s: mean %g, expected %g", what, sum / MANY,
              mean);
}
#define DISTRIBUTED(call, ...) distributed(call, #call, __VA_ARGS__)

static void distributions(void) {
    mlx_array two = mlx_array_new_float(2), three = mlx_array_new_float(3), a = F(10, 20, 30),
              p = F(0.5F, 0.5F, 0);
    DISTRIBUTED(mlx_random_exponential(&r, two, L(MANY), MLX_FLOAT32, key, s), 0, 100, 2, 0.2);
    DISTRIBUTED(mlx_random_gamma(&r, three, L(MANY), MLX_FLOAT32, key, s), 0, 100, 3, 0.2);
    DISTRIBUTED(mlx_random_beta(&r, two, two, L(MANY), MLX_FLOAT32, key, s), 0, 1, 0.5, 0.05);
    DISTRIBUTED(mlx_random_poisson(&r, three, L(MANY), MLX_INT32, key, s), 0, 30, 3, 0.2);
    DISTRIBUTED(mlx_random_choice(&r, a, L(MANY), true, p, 0, key, s), 10, 20, 15, 0.5);
    mlx_array all[] = {two, three, a, p};
    for (int i = 0; i < 4; i++)
        mlx_array_free(all[i]);
}

/* --- numbers in double --------------------------------------------------------------------- */

static mlx_array doubles(const double *v, int n) {
    return mlx_array_new_data(v, &n, 1, MLX_FLOAT64);
}
#define D(...) doubles((double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double))

static void is_double(int failed, double want, const char *what) {
    double got = NAN;
    CHECK(failed == 0 && mlx_array_eval(r) == 0 && mlx_array_dtype(r) == MLX_FLOAT64);
    got = mlx_array_data_float64(r) ? mlx_array_data_float64(r)[0] : got;
    CHECK_MSG(fabs(got - want) <= 1e-15 * fabs(want), "%s: %.17g, expected %.17g", what, got, want);
}
#define IS_DOUBLE(call, want) is_double(call, want, #call)

static mlx_array shaped(mlx_array a, const int *shape, size_t n) {
    mlx_array out = mlx_array_new();
    CHECK(mlx_reshape(&out, a, shape, n, s) == 0);
    mlx_array_free(a);
    return out;
}

static void precise_numbers(void) {
    double tenth = 0.1, base = 1e4;
    mlx_array nan = D(NAN, INFINITY), row = D(1, 3), one = shaped(D(1), L(1, 1)),
              at = mlx_array_new_int(1);
    mlx_array turned = shaped(D(1, 0), L(1, 1, 2)), q = shaped(D(1), L(1, 1, 1, 1)),
              k = shaped(D(1, 2), L(1, 1, 2, 1));
    IS_DOUBLE(mlx_nan_to_num_f64(&r, nan, 0.1, NULL, &tenth, s), 0.1);
    IS_DOUBLE(mlx_addmm_f64(&r, one, one, one, 0.1, 0.2, s), 0.1 + 0.2);
    IS_DOUBLE(mlx_hadamard_transform_f64(&r, row, &tenth, s), 0.1 * 4);
    IS_DOUBLE(mlx_hadamard_transform_f64(&r, row, NULL, s), 4 / sqrt(2));
    IS_DOUBLE(mlx_fast_rms_norm_f64(&r, row, none, 0.1, s), 1 / sqrt(5.1));
    IS_DOUBLE(mlx_fast_layer_norm_f64(&r, row, none, none, 0.1, s), -1 / sqrt(1.1));
    IS_DOUBLE(mlx_fast_rope_f64(&r, turned, 2, false, &base, 0.1, at, none, s), cos(0.1));
    IS_DOUBLE(mlx_fast_scaled_dot_product_attention_f64(&r, q, k, k, 0.1, "", none, none, s),
              (exp(0.1) + 2 * exp(0.2)) / (exp(0.1) + exp(0.2)));
    IS_DOUBLE(mlx_random_laplace_f64(&r, L(2), MLX_FLOAT64, 0.1, 0, key, s), 0.1);
    mlx_array all[] = {nan, row, one, at, turned, q, k};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mlx_array_free(all[i]);
}

int main(void) {
    s = mlx_default_cpu_stream_new();
    r = mlx_array_new();
    key = mlx_array_new();
    list = mlx_vector_array_new();
    mlx_set_error_handler(NULL, NULL, NULL);
    mlx_random_key(&key, check_seed(3));
    RUN(elements);
    RUN(counts);
    RUN(without_nan);
    RUN(matrices);
    RUN(extremes);
    RUN(unique_sized);
    RUN(frames);
    RUN(losses);
    RUN(delta);
    RUN(buffer_size);
    RUN(scaled);
    RUN(distributions);
    RUN(precise_numbers);
    mlx_array_free(r);
    mlx_array_free(key);
    mlx_vector_array_free(list);
    mlx_stream_free(s);
    return check_done();
}
