/* The C API's additions to MLX's operations, one call each: values by their definitions. */
#include <math.h>

#include "check.h"
#include "mlx/c/mlx.h"
#include "mlx/c/ops_more.h"

#define L(...)                                                                         \
    (int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int)
#define F(...) made((float[]){__VA_ARGS__}, sizeof((float[]){__VA_ARGS__}) / sizeof(float))

static mlx_stream s;
static mlx_array r, none, key;
static mlx_vector_array list;

static mlx_array made(const float *v, int n) {
    return mlx_array_new_data(v, &n, 1, MLX_FLOAT32);
}

static bool printed(int failed, mlx_array a, const char *want, const char *what, int line) {
    mlx_string text = mlx_string_new();
    bool ok = check_that(!failed && !mlx_array_tostring(&text, a), __FILE__, line, "%s fails: %s", what,
                         mlx_last_error_message()) &&
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
    IS(mlx_hypot(&r, a, b, s), "array([5, 2.23607, 5], dtype=float32)");
    IS(mlx_signbit(&r, b, s), "array([True, False, False], dtype=bool)");
    IS(mlx_isin(&r, a, b, true, s), "array([True, True, True], dtype=bool)");
    CHECK(mlx_nextafter(&r, a, b, s) == 0 && mlx_array_eval(r) == 0);
    CHECK(mlx_array_data_float32(r)[0] == nextafterf(3, -4) && mlx_array_data_float32(r)[2] == nextafterf(0, 5));
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
    mlx_array d = mlx_array_new_data((float[]){4, 0, 0, 2}, (int[]){2, 2}, 2, MLX_FLOAT32), b = F(8, 6);
    IS(mlx_linalg_matrix_power(&r, d, 3, s), "array([[64, 0],\n       [0, 8]], dtype=float32)");
    IS(mlx_linalg_svdvals(&r, d, s), "array([4, 2], dtype=float32)");
    IS(mlx_linalg_cond(&r, d, NULL, s), "array(2, dtype=float32)");
    IS(mlx_linalg_vector_norm(&r, b, 2, L(0), false, s), "array(10, dtype=float32)");
    CHECK(mlx_linalg_matrix_rank(&r, d, none, false, s) == 0 && mlx_astype(&r, r, MLX_INT32, s) == 0);
    IS(0, "array(2, dtype=int32)");
    LISTS(mlx_linalg_lstsq(&list, d, b, 1e-6, s), 0, "array([2, 3], dtype=float32)");
    CHECK(mlx_zeros(&r, (int[]){2, 2}, 2, MLX_FLOAT32, s) == 0);
    IS(mlx_linalg_expm(&r, r, s), "array([[1, 0],\n       [0, 1]], dtype=float32)");
    mlx_array_free(d);
    mlx_array_free(b);
}

/* --- random numbers: within bounds, and near their mean ------------------------------------------ */

enum { MANY = 4000 };

static void distributed(int failed, const char *what, double low, double high, double mean, double tolerance) {
    double sum = 0, least = INFINITY, most = -INFINITY;
    if (!CHECK_MSG(!failed && !mlx_astype(&r, r, MLX_FLOAT32, s) && !mlx_array_eval(r), "%s fails: %s", what,
                   mlx_last_error_message()))
        return;
    CHECK_EQ_INT(mlx_array_size(r), MANY);
    for (int i = 0; i < MANY; i++) {
        double v = mlx_array_data_float32(r)[i];
        sum += v;
        least = fmin(least, v);
        most = fmax(most, v);
    }
    CHECK_MSG(least >= low && most <= high, "%s: from %g to %g", what, least, most);
    CHECK_MSG(fabs(sum / MANY - mean) <= tolerance, "%s: mean %g, expected %g", what, sum / MANY, mean);
}
#define DISTRIBUTED(call, ...) distributed(call, #call, __VA_ARGS__)

static void distributions(void) {
    mlx_array two = mlx_array_new_float(2), three = mlx_array_new_float(3), a = F(10, 20, 30), p = F(0.5F, 0.5F, 0);
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
    mlx_array nan = D(NAN, INFINITY), row = D(1, 3), one = shaped(D(1), L(1, 1)), at = mlx_array_new_int(1);
    mlx_array turned = shaped(D(1, 0), L(1, 1, 2)), q = shaped(D(1), L(1, 1, 1, 1)), k = shaped(D(1, 2), L(1, 1, 2, 1));
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
    mlx_random_key(&key, 3);
    RUN(elements);
    RUN(counts);
    RUN(without_nan);
    RUN(matrices);
    RUN(distributions);
    RUN(precise_numbers);
    mlx_array_free(r);
    mlx_array_free(key);
    mlx_vector_array_free(list);
    mlx_stream_free(s);
    return check_done();
}
