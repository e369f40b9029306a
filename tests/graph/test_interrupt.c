/* The host stops an evaluation; what was computed stays, and the same evaluation may be tried
   again. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "check.h"
#include "mlx/c/mlx.h"

static atomic_int calls, stop_at;

static int check_calls(void *data) {
    (void)data;
    return atomic_fetch_add(&calls, 1) + 1 == atomic_load(&stop_at);
}

static void arm(int at) {
    atomic_store(&calls, 0);
    atomic_store(&stop_at, at);
}

/* a times itself, n times: n steps that cannot be joined. */
static int powers(mlx_array *y, mlx_array a, int n) {
    mlx_stream s = mlx_default_cpu_stream_new();
    int failed = mlx_array_set(y, a);
    for (int i = 0; i < n && !failed; i++)
        failed = mlx_matmul(y, *y, a, s);
    return mlx_stream_free(s) || failed;
}

static mlx_array half_identity(void) {
    float data[] = {0.5f, 0, 0, 0.5f};
    return mlx_array_new_data(data, (int[]){2, 2}, 2, MLX_FLOAT32);
}

static void eval_is_stopped_and_tried_again(mlx_array y, int at) {
    float value = 0;
    arm(at);
    CHECK(mlx_array_eval(y) == 1);
    CHECK(mlx_last_error_code() == MLX_ERROR_INTERRUPTED);
    CHECK(atomic_load(&calls) == at);
    arm(0);
    CHECK(mlx_array_eval(y) == 0);
    const float *data = mlx_array_data_float32(y);
    value = data ? data[0] : 0;
    CHECK(value == 0.0625f);
}

static void test_eval(void) {
    for (int at = 1; at <= 3; at++) {
        mlx_array a = half_identity(), y = mlx_array_new();
        CHECK(powers(&y, a, 3) == 0);
        eval_is_stopped_and_tried_again(y, at);
        mlx_array_free(a);
        mlx_array_free(y);
    }
}

static int third_power(mlx_vector_array *out, const mlx_vector_array in) {
    mlx_array a = mlx_array_new(), y = mlx_array_new();
    int failed =
        mlx_vector_array_get(&a, in, 0) || powers(&y, a, 3) || mlx_vector_array_set_value(out, y);
    mlx_array_free(a);
    mlx_array_free(y);
    return failed;
}

static void test_compiled(void) {
    mlx_closure f = mlx_closure_new_func(third_power), c = mlx_closure_new();
    mlx_array a = half_identity(), y = mlx_array_new();
    mlx_vector_array in = mlx_vector_array_new_value(a), out = mlx_vector_array_new();
    CHECK(mlx_compile(&c, f, false) == 0);
    CHECK(mlx_closure_apply(&out, c, in) == 0);
    CHECK(mlx_vector_array_get(&y, out, 0) == 0);
    eval_is_stopped_and_tried_again(y, 3);
    mlx_closure_free(f);
    mlx_closure_free(c);
    mlx_array_free(a);
    mlx_array_free(y);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
}

/* --- within a step ---------------------------------------------------------------------------- */

static int say_stop(void *data) {
    (void)data;
    atomic_fetch_add(&calls, 1);
    return 1;
}

typedef int make_fn(mlx_array *y, mlx_array a, mlx_stream s);

static int make_product(mlx_array *y, mlx_array a, mlx_stream s) {
    return mlx_matmul(y, a, a, s);
}
static int make_sort(mlx_array *y, mlx_array a, mlx_stream s) {
    return mlx_sort_axis(y, a, -1, s);
}
static int make_chain(mlx_array *y, mlx_array a, mlx_stream s) {
    return mlx_sin(y, a, s) || mlx_exp(y, *y, s) || mlx_arctan(y, *y, s) || mlx_erf(y, *y, s) ||
           mlx_log1p(y, *y, s) || mlx_tanh(y, *y, s);
}
static int make_conv(mlx_array *y, mlx_array a, mlx_stream s) {
    mlx_array x = mlx_array_new(), w = mlx_array_new();
    int failed = mlx_reshape(&x, a, (int[]){1, 450, 450, 40}, 4, s) ||
                 mlx_ones(&w, (int[]){40, 9, 9, 40}, 4, MLX_FLOAT32, s) ||
                 mlx_conv2d(y, x, w, 1, 1, 0, 0, 1, 1, 1, s);
    mlx_array_free(x);
    mlx_array_free(w);
    return failed;
}

/* One step that takes longer than it takes to be asked; it fails, and its argument and the next
   call are whole. */
static void long_step_is_stopped(make_fn *make, const int *shape, int ndim) {
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array a = mlx_array_new(), y = mlx_array_new(), key = mlx_array_new();
    mlx_array zero = mlx_array_new_float(0), one = mlx_array_new_float(1);
    CHECK(mlx_random_key(&key, 1) == 0);
    CHECK(mlx_random_uniform(&a, zero, one, shape, (size_t)ndim, MLX_FLOAT32, key, s) == 0);
    CHECK(mlx_array_eval(a) == 0 && make(&y, a, s) == 0);
    mlx_set_interrupt_check_within(say_stop, NULL);
    atomic_store(&calls, 0);
    CHECK(mlx_array_eval(y) == 1);
    CHECK(mlx_last_error_code() == MLX_ERROR_INTERRUPTED);
    CHECK(atomic_load(&calls) == 1);
    mlx_set_interrupt_check_within(NULL, NULL);
    mlx_array_free(y);
    y = mlx_array_new();
    float least = -1;
    CHECK(mlx_min(&y, a, false, s) == 0 && mlx_array_item_float32(&least, y) == 0 && least >= 0);
    mlx_array_free(a);
    mlx_array_free(y);
    mlx_array_free(key);
    mlx_array_free(zero);
    mlx_array_free(one);
    mlx_stream_free(s);
}

static void test_long_steps(void) {
    long_step_is_stopped(make_product, (int[]){3000, 3000}, 2);
    long_step_is_stopped(make_sort, (int[]){20000000}, 1);
    long_step_is_stopped(make_chain, (int[]){40000000}, 1);
    long_step_is_stopped(make_conv, (int[]){450 * 450, 40}, 2);
}

int main(void) {
    setenv("MLX_NUM_THREADS", "2", 1); // so that long steps are long on every machine
    mlx_set_interrupt_check(check_calls, NULL);
    test_eval();
    test_compiled();
    mlx_set_interrupt_check(NULL, NULL);
    test_long_steps();
    mlx_set_interrupt_check(NULL, NULL);
    return check_done();
}
