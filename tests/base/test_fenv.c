/* A host's floating-point environment neither changes results nor is changed. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fenv.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream none;
enum { N = 257 };

/* Values that rounding shows in, and an invalid operation: of few elements, so that this thread
   computes. */
static int compute(float *to) {
    mlx_array x = mlx_array_new(), y = mlx_array_new(), third = mlx_array_new_float32(1.0f / 3);
    mlx_array wide = mlx_array_new_float64(0.1);
    int status = mlx_arange(&x, -3, N - 3, 1, MLX_FLOAT32, none) ||
                 mlx_multiply(&y, x, third, none) || mlx_astype(&wide, wide, MLX_FLOAT32, none) ||
                 mlx_add(&y, y, wide, none) || mlx_sqrt(&y, y, none) || mlx_exp(&x, x, none) ||
                 mlx_divide(&y, y, x, none) || mlx_softmax(&x, x, false, none) ||
                 mlx_add(&y, y, x, none) || mlx_array_eval(y);
    if (!status)
        memcpy(to, mlx_array_data_float32(y), N * sizeof *to);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(third);
    mlx_array_free(wide);
    return status;
}

static void *compute_elsewhere(void *to) {
    return compute(to) ? NULL : to;
}

static bool same(const float *a, const float *b) {
    return memcmp(a, b, N * sizeof *a) == 0;
}

static void test_rounding(void) {
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    float plain[N], other[N];
    CHECK_EQ_INT(compute(plain), 0);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *done = NULL;
        fesetround(modes[i]);
        CHECK_EQ_INT(compute(other), 0);
        CHECK(same(plain, other));
        CHECK_EQ_INT(fegetround(), modes[i]);
        memset(other, 0, sizeof other);
        // it inherits the mode
        CHECK_EQ_INT(pthread_create(&thread, NULL, compute_elsewhere, other), 0);
        pthread_join(thread, &done);
        CHECK(done && same(plain, other));
        fesetround(FE_TONEAREST);
    }
}

/* The queue's thread begins while the host rounds upward. */
static void test_queue(void) {
    mlx_array x = mlx_array_new_float32(1), y = mlx_array_new(), three = mlx_array_new_float32(3);
    float value = 0;
    fesetround(FE_UPWARD);
    CHECK_EQ_INT(mlx_divide(&y, x, three, none), 0);
    mlx_vector_array later = mlx_vector_array_new_value(y);
    CHECK_EQ_INT(mlx_async_eval(later), 0);
    CHECK_EQ_INT(mlx_synchronize(none), 0);
    fesetround(FE_TONEAREST);
    CHECK_EQ_INT(mlx_array_item_float32(&value, y), 0);
    CHECK(value == 1.0f / 3);
    mlx_vector_array_free(later);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(three);
}

static void test_traps(void) {
    float plain[N], other[N];
    CHECK_EQ_INT(compute(plain), 0);
    feclearexcept(FE_ALL_EXCEPT);
    if (feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) < 0) {
        SKIP("no traps");
        return;
    }
    CHECK_EQ_INT(compute(other), 0);
    CHECK_EQ_INT(fegetexcept(), FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
    CHECK_EQ_INT(fetestexcept(FE_ALL_EXCEPT), 0); // the library's flags are not the host's
    fedisableexcept(FE_ALL_EXCEPT);
    CHECK(same(plain, other));
}

/* A function of the host runs in the host's environment, what it calls does not, and an error
   inside leaves it too. */
static int body(mlx_vector_array *out, const mlx_vector_array in, void *payload) {
    mlx_array x = mlx_array_new();
    int *seen = payload;
    *seen = fegetround();
    int status = mlx_vector_array_get(&x, in, 0) || mlx_square(&x, x, none) ||
                 mlx_vector_array_set_value(out, x);
    *seen = fegetround() == *seen ? *seen : -1;
    mlx_array_free(x);
    return status;
}

static void test_callbacks(void) {
    int seen = 0;
    mlx_closure f = mlx_closure_new_func_payload(body, &seen, NULL);
    mlx_array x = mlx_array_new_float32(3);
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new(),
                     grads = mlx_vector_array_new();
    fesetround(FE_UPWARD);
    CHECK_EQ_INT(mlx_vjp(&out, &grads, f, in, in), 0);
    CHECK_EQ_INT(fegetround(), FE_UPWARD);
    CHECK_EQ_INT(seen, FE_UPWARD);
    CHECK_EQ_INT(mlx_vjp(&out, &grads, (mlx_closure){NULL}, in, in), 1);
    CHECK_EQ_INT(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(grads);
    mlx_array_free(x);
    mlx_closure_free(f);
}

/* Computes until it is cancelled. */
static void *compute_for_ever(void *unused) {
    (void)unused;
    for (;;) {
        int shape[] = {64, 64};
        mlx_array x = mlx_array_new();
        mlx_vector_array parts = mlx_vector_array_new();
        mlx_random_normal(&x, shape, 2, MLX_FLOAT32, 0, 1, (mlx_array){NULL}, none);
        mlx_linalg_svd(&parts, x, true, none);
        mlx_matmul(&x, x, x, none);
        mlx_vector_array_append_value(parts, x);
        mlx_async_eval(parts);
        mlx_synchronize(none);
        mlx_eval(parts);
        mlx_vector_array_free(parts);
        mlx_array_free(x);
        pthread_testcancel();
    }
    return NULL;
}

/* A thread that is cancelled leaves no lock behind. */
static void test_cancellation(void) {
#ifdef __SANITIZE_ADDRESS__
    SKIP("AddressSanitizer takes the end of a cancelled thread for an overflow of its stack");
    return;
#endif
    float result[N];
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        CHECK_EQ_INT(pthread_create(&thread, NULL, compute_for_ever, NULL), 0);
        usleep(1000 + 3000 * (unsigned)i);
        CHECK_EQ_INT(pthread_cancel(thread), 0);
        CHECK_EQ_INT(pthread_join(thread, NULL), 0);
        CHECK_EQ_INT(compute(result), 0);
    }
}

static void ignore(const char *message, void *data) {
    (void)message, (void)data;
}

int main(void) {
    mlx_set_error_handler(ignore, NULL, NULL);
    RUN(test_queue);
    RUN(test_rounding);
    RUN(test_traps);
    RUN(test_callbacks);
    RUN(test_cancellation);
    return check_done();
}
