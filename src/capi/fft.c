/* fft.h: Fourier transforms. */
#include "ops/fft.h"

#include "capi/op_call.h"

static bool check_norm(mlx_fft_norm norm) {
    return (unsigned)norm <= MLX_FFT_NORM_FORWARD || mx_fail(MX_INVALID, "[fft] %d is not a norm", (int)norm);
}

static int transform(mlx_array *res, mlx_array a, const int *n, size_t n_num, const int *axes, size_t axes_num,
                     mx_fft_form form, bool inverse, mlx_fft_norm norm, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = check_norm(norm) ? capi_in(a) : NULL;
    return capi_end(&c, res, mx_fftn(x, n, capi_count(n, n_num), axes, capi_count(axes, axes_num), form, inverse,
                                     (mx_fft_norm)norm));
}

/* One axis, and the same for two and for any number of axes. */
#define TRANSFORM(name, form, inverse)                                                                             \
    int mlx_fft_##name(mlx_array *res, const mlx_array a, int n, int axis, mlx_fft_norm norm, const mlx_stream s) { \
        return transform(res, a, &n, 1, &axis, 1, form, inverse, norm, s);                                         \
    }                                                                                                              \
    int mlx_fft_##name##2(mlx_array *res, const mlx_array a, const int *n, size_t n_num, const int *axes,          \
                          size_t axes_num, mlx_fft_norm norm, const mlx_stream s) {                                \
        return transform(res, a, n, n_num, axes, axes_num, form, inverse, norm, s);                                \
    }                                                                                                              \
    int mlx_fft_##name##n(mlx_array *res, const mlx_array a, const int *n, size_t n_num, const int *axes,          \
                          size_t axes_num, mlx_fft_norm norm, const mlx_stream s) {                                \
        return transform(res, a, n, n_num, axes, axes_num, form, inverse, norm, s);                                \
    }
TRANSFORM(fft, MX_FFT_FULL, false)
TRANSFORM(ifft, MX_FFT_FULL, true)
TRANSFORM(rfft, MX_FFT_REAL, false)
TRANSFORM(irfft, MX_FFT_REAL, true)

int mlx_fft_fftfreq(mlx_array *res, int n, double d, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_fftfreq(n, d));
}

int mlx_fft_rfftfreq(mlx_array *res, int n, double d, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_rfftfreq(n, d));
}

int mlx_fft_fftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_fftshift(capi_in(a), axes_num ? axes : NULL, capi_count(axes, axes_num), false));
}

int mlx_fft_ifftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_fftshift(capi_in(a), axes_num ? axes : NULL, capi_count(axes, axes_num), true));
}
