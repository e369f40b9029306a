/* fft.h: Fourier transforms. */
#include "ops/fft/fft.h"

#include "capi/ops/op_call.h"

static bool check_norm(mlx_fft_norm norm) {
    return (unsigned)norm <= MLX_FFT_NORM_FORWARD ||
           mx_fail(MX_INVALID, "[fft] %d is not a norm", (int)norm);
}

static int transform(mlx_array *res, mlx_array a, const int *n, size_t n_num, const int *axes,
                     size_t axes_num, mx_fft_form form, bool inverse, mlx_fft_norm norm,
                     mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = check_norm(norm) ? capi_in(a) : NULL;
    return capi_end(&c, res,
                    mx_fftn(x, n, capi_count(n, n_num), axes, capi_count(axes, axes_num), form,
                            inverse, (mx_fft_norm)norm));
}

/* One axis, and the same for two and for any number of axes. */
#define TRANSFORM(name, form, inverse)                                                        \
    int mlx_fft_##name(mlx_array *res, const mlx_array a, int n, int axis, mlx_fft_norm norm, \
                       const mlx_stream s) {                                                  \
        return transform(res, a, &n, 1, &axis, 1, form, inverse, norm, s);                    \
    }                                                                                         \
    int mlx_fft_##name##2(mlx_array * res, const mlx_array a, const int *n, size_t n_num,     \
                          const int *axes, size_t axes_num, mlx_fft_norm norm,                \
                          const mlx_stream s) {                                               \
        return transform(res, a, n, n_num, axes, axes_num, form, inverse, norm, s);           \
    }                                                                                         \
    int mlx_fft_##name##n(mlx_array *res, const mlx_array a, const int *n, size_t n_num,      \
                          const int *axes, size_t axes_num, mlx_fft_norm norm,                \
                          const mlx_stream s) {                                               \
        return transform(res, a, n, n_num, axes, axes_num, form, inverse, norm, s);           \
    }
TRANSFORM(fft, MX_FFT_FULL, false)
TRANSFORM(ifft, MX_FFT_FULL, true)
TRANSFORM(rfft, MX_FFT_REAL, false)
TRANSFORM(irfft, MX_FFT_REAL, true)

int mlx_fft_fftfreq(mlx_array *res, int n, double d, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_fftfreq(n, d, MX_FLOAT32));
}

int mlx_fft_rfftfreq(mlx_array *res, int n, double d, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_rfftfreq(n, d, MX_FLOAT32));
}

int mlx_fft_fftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_fftshift(capi_in(a), axes_num ? axes : NULL, capi_count(axes, axes_num),
                                false));
}

int mlx_fft_ifftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                      const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(
        &c, res, mx_fftshift(capi_in(a), axes_num ? axes : NULL, capi_count(axes, axes_num), true));
}

/* --- short-time ------------------------------------------------------------------------------- */

static mx_stft_form form_of(int n, mlx_optional_int hop, mlx_optional_int length, mlx_array window,
                            bool center, mlx_fft_norm norm) {
    return (mx_stft_form){.n = n,
                          .hop = hop.has_value ? hop.value : n / 4,
                          .window_length = length.has_value ? length.value : n,
                          .window = capi_opt(window),
                          .center = center,
                          .norm = (mx_fft_norm)norm};
}

int mlx_fft_stft(mlx_array *res, const mlx_array x, int n_fft, mlx_optional_int hop_length,
                 mlx_optional_int win_length, const mlx_array window, bool center,
                 const char *pad_mode, mlx_fft_norm norm, const bool *onesided,
                 const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *a = check_norm(norm) ? capi_in(x) : NULL;
    mx_stft_form f = form_of(n_fft, hop_length, win_length, window, center, norm);
    return capi_end(&c, res, mx_stft(a, &f, pad_mode ? pad_mode : "reflect", onesided));
}

/* How long the frames of so many frequencies are. */
static int frame_length(const mx_array *a, bool onesided) {
    int n = a && a->ndim > 1 ? a->shape[a->ndim - 2] : 0;
    return onesided && n < 1 << 30 ? 2 * (n - 1) : n;
}

int mlx_fft_istft(mlx_array *res, const mlx_array stft, mlx_optional_int n_fft,
                  mlx_optional_int hop_length, mlx_optional_int win_length, const mlx_array window,
                  bool center, mlx_fft_norm norm, bool onesided, mlx_optional_int length,
                  const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *a = check_norm(norm) ? capi_in(stft) : NULL;
    int n = n_fft.has_value ? n_fft.value : frame_length(a, onesided);
    mx_stft_form f = form_of(n, hop_length, win_length, window, center, norm);
    return capi_end(&c, res, mx_istft(a, &f, onesided, length.has_value ? &length.value : NULL));
}
