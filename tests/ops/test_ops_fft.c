/* Fourier transforms against the sum they stand for, their inverses, gradients, and the C API. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "mlx/c/mlx.h"
#include "ops/fft/fft.h"
#include "transforms/transforms.h"

static mx_array *noise(int rows, int cols, mx_dtype t) {
    int shape[2] = {rows, cols};
    mx_array *a = mx_random_normal(shape, 2, MX_FLOAT32, NULL, NULL, mx_random_key(check_seed(3)));
    if (t != MX_COMPLEX64)
        return a;
    mx_array *b = mx_random_normal(shape, 2, MX_FLOAT32, NULL, NULL, mx_random_key(check_seed(4)));
    return mx_add(mx_astype(a, t), mx_mul(mx_astype(b, t), mx_scalar_c64((mx_complex64){0, 1})));
}

/* sum over j of x[j] exp(-+ 2 pi i j k / n), x cut or padded to n */
static double complex dft(const mx_array *x, int row, int k, int n, double sign) {
    double complex sum = 0;
    for (int j = 0; j < n && j < x->shape[1]; j++) {
        const mx_complex64 *z =
            (const mx_complex64 *)(const void *)x->data + row * x->strides[0] + j * x->strides[1];
        sum += ((double)z->re + I * (double)z->im) * cexp(sign * 2 * M_PI * I * j * k / n);
    }
    return sum;
}

static void check_length(int have, int n, bool inverse) {
    mx_scope s = mx_scope_open();
    int axis = 1;
    mx_array *x = noise(3, have, MX_COMPLEX64),
             *y = mx_fftn(x, &n, 1, &axis, 1, MX_FFT_FULL, inverse, MX_NORM_ORTHO);
    CHECK(mx_eval1(x) && mx_eval1(y));
    double worst = 0;
    for (int r = 0; r < 3; r++)
        for (int k = 0; k < n; k++) {
            mx_complex64 z = ((mx_complex64 *)(void *)y->data)[r * n + k];
            double complex want = dft(x, r, k, n, inverse ? 1 : -1) / sqrt(n);
            worst = fmax(worst, cabs((double)z.re + I * (double)z.im - want));
        }
    CHECK_NEAR(worst, 0, 2e-5);
    mx_scope_close(s);
}

static void test_lengths(void) {
    static const int lengths[] = {1, 2, 3, 5, 7, 8, 12, 31, 64, 97, 120, 251};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        check_length(lengths[i], lengths[i], false);
        check_length(lengths[i], lengths[i] + 3, true);
        check_length(lengths[i] + 4, lengths[i], false);
    }
}

static double distance(mx_array *a, mx_array *b) {
    mx_array *d = mx_reduce(MX_MAX, mx_abs(mx_sub(a, b)), NULL, 0, false);
    CHECK(mx_eval1(d));
    return (double)*(float *)(void *)d->data;
}

static void test_real_transforms_return(void) {
    static const int both[2] = {0, 1};
    for (int n = 2; n < 12; n++) {
        mx_scope s = mx_scope_open();
        int size[2] = {5, n};
        mx_array *x = noise(5, n, MX_FLOAT32);
        mx_array *half = mx_fftn(x, NULL, 0, both, 2, MX_FFT_REAL, false, MX_NORM_BACKWARD);
        mx_array *full = mx_fftn(x, NULL, 0, NULL, 0, MX_FFT_FULL, false, MX_NORM_BACKWARD);
        CHECK_EQ_INT(half->shape[1], n / 2 + 1);
        CHECK_NEAR(distance(half, mx_slice_axis(full, 1, 0, n / 2 + 1)), 0, 1e-4);
        CHECK_NEAR(distance(x,
                            mx_fftn(half, size, 2, both, 2, MX_FFT_REAL, true, MX_NORM_BACKWARD)),
                   0, 1e-5);
        mx_scope_close(s);
    }
}

/* <g, J t> = <J* g, t> for a real function through both real transforms. */
static bool there_and_back(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const int *len = self->payload;
    int axis = 1;
    (void)n;
    mx_array *y = mx_fftn(in[0], len, 1, &axis, 1, MX_FFT_REAL, false, MX_NORM_BACKWARD);
    mx_array *z =
        mx_mul(y, mx_add_s(mx_astype(mx_arange(0, *len / 2 + 1, 1, MX_FLOAT32), MX_COMPLEX64), 1));
    return mx_arrays_add(out, mx_fftn(z, len, 1, &axis, 1, MX_FFT_REAL, true, MX_NORM_ORTHO));
}

static double dot(mx_array *a, mx_array *b) {
    mx_array *d = mx_sum_all(mx_mul(a, b));
    CHECK(mx_eval1(d));
    return (double)*(float *)(void *)d->data;
}

static void test_gradients(void) {
    for (int n = 4; n < 9; n++) {
        mx_scope s = mx_scope_open();
        mx_closure f = mx_closure_local(there_and_back, &n);
        mx_arrays y = {0}, grads = {0}, y2 = {0}, tangents = {0};
        mx_array *x = noise(2, 6, MX_FLOAT32), *t = mx_sin(mx_mul_s(x, 3)),
                 *g = mx_cos(noise(2, n, MX_FLOAT32));
        CHECK(mx_vjp(&f, &x, 1, &g, 1, &y, &grads));
        CHECK(mx_jvp(&f, &x, 1, &t, 1, &y2, &tangents));
        CHECK_NEAR(dot(g, tangents.item[0]), dot(grads.item[0], t), 1e-3);
        mx_arrays_free(&y);
        mx_arrays_free(&grads);
        mx_arrays_free(&y2);
        mx_arrays_free(&tangents);
        mx_scope_close(s);
    }
}

static int silent;
static void on_error(const char *message, void *data) {
    (void)data;
    silent += message[0] == '[';
}

static void test_c_api(void) {
    float data[4] = {1, 2, 3, 4};
    int shape[1] = {4}, zero[1] = {0}, axes[2] = {0, 0};
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array x = mlx_array_new_data(data, shape, 1, MLX_FLOAT32), y = mlx_array_new();
    CHECK(mlx_fft_rfft(&y, x, 4, 0, MLX_FFT_NORM_BACKWARD, s) == 0);
    CHECK(mlx_fft_irfft(&y, y, 4, 0, MLX_FFT_NORM_BACKWARD, s) == 0 && mlx_array_eval(y) == 0);
    CHECK_NEAR(mlx_array_data_float32(y)[2], 3, 1e-6);
    CHECK(mlx_fft_fft(&y, x, 4, 0, MLX_FFT_NORM_FORWARD, s) == 0 &&
          mlx_fft_ifft(&y, y, 4, 0, MLX_FFT_NORM_FORWARD, s) == 0);
    CHECK(mlx_fft_fftn(&y, x, NULL, 0, NULL, 0, MLX_FFT_NORM_ORTHO, s) == 0);
    CHECK(mlx_fft_ifftn(&y, y, NULL, 0, NULL, 0, MLX_FFT_NORM_ORTHO, s) == 0);
    CHECK(mlx_fft_rfftn(&y, x, NULL, 0, axes, 1, MLX_FFT_NORM_ORTHO, s) == 0);
    CHECK(mlx_fft_irfftn(&y, y, NULL, 0, axes, 1, MLX_FFT_NORM_ORTHO, s) == 0);
    CHECK(mlx_fft_fftshift(&y, x, NULL, 0, s) == 0 && mlx_array_eval(y) == 0);
    CHECK(mlx_fft_ifftshift(&y, y, NULL, 0, s) == 0 && mlx_fft_fftfreq(&y, 5, 0.5, s) == 0);
    CHECK(mlx_array_eval(y) == 0);
    CHECK_NEAR(mlx_array_data_float32(y)[3], -0.8, 1e-6);
    CHECK(mlx_fft_rfftfreq(&y, 6, 1, s) == 0);
    mlx_set_error_handler(on_error, NULL, NULL);
    CHECK(mlx_fft_fft(&y, x, 0, 0, MLX_FFT_NORM_BACKWARD, s) == 1);
    CHECK(mlx_fft_fft(&y, x, 4, 1, MLX_FFT_NORM_BACKWARD, s) == 1);
    CHECK(mlx_fft_fft2(&y, x, NULL, 0, axes, 2, MLX_FFT_NORM_BACKWARD, s) == 1);
    CHECK(mlx_fft_ifft2(&y, x, zero, 1, axes, 1, MLX_FFT_NORM_BACKWARD, s) == 1);
    CHECK(mlx_fft_rfft2(&y, mlx_array_empty, NULL, 0, axes, 1, MLX_FFT_NORM_BACKWARD, s) == 1);
    CHECK(mlx_fft_irfft2(&y, x, NULL, 0, axes, 1, (mlx_fft_norm)9, s) == 1);
    CHECK_EQ_INT(silent, 6);
    mlx_set_error_handler(NULL, NULL, NULL);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_stream_free(s);
}

int main(void) {
    RUN(test_lengths);
    RUN(test_real_transforms_return);
    RUN(test_gradients);
    RUN(test_c_api);
    return check_done();
}
