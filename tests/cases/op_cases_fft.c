/* Cases: Fourier transforms. a and b are the real and the imaginary part. */
#include "op_cases.h"

#include "ops/fft/fft.h"

static mx_array *joined(mx_array *a, mx_array *b) {
    mx_array *i = mx_scalar_c64((mx_complex64){0, 1});
    return mx_add(mx_astype(a, MX_COMPLEX64), mx_mul(mx_astype(b, MX_COMPLEX64), i));
}
static mx_array *parts(mx_array *z) {
    return mx_concatenate((mx_array *[]){mx_real(z), mx_imag(z)}, 2, -1);
}
static mx_array *along(mx_array *a, int axis, int n, mx_fft_form form, bool inverse) {
    return mx_fftn(a, n ? &n : NULL, n ? 1 : 0, &axis, 1, form, inverse, MX_NORM_BACKWARD);
}

/* exp(-+ 2 pi i j k / n) as a matrix */
static mx_array *matrix(int n, double sign) {
    mx_array *j = mx_arange(0, n, 1, MX_FLOAT64);
    mx_array *w = mx_mul_s(mx_mul(mx_expand_dim(j, 1), j), sign * 6.283185307179586 / n);
    return joined(mx_astype(mx_cos(w), MX_FLOAT32), mx_astype(mx_sin(w), MX_FLOAT32));
}

CASE(fft, parts(along(joined(a, b), -1, 0, MX_FFT_FULL, false)))
CASE(fft_by_matrix, parts(mx_matmul(joined(a, b), matrix(6, -1))))
CASE(ifft, parts(along(joined(a, b), -1, 0, MX_FFT_FULL, true)))
CASE(ifft_by_matrix, mx_mul_s(parts(mx_matmul(joined(a, b), matrix(6, 1))), 1.0 / 6))
CASE(rfft, parts(along(a, -1, 0, MX_FFT_REAL, false)))
CASE(rfft_by_matrix,
     parts(mx_slice_axis(mx_matmul(joined(a, mx_zeros_like(a)), matrix(6, -1)), -1, 0, 4)))
CASE(irfft, along(joined(a, b), -1, 9, MX_FFT_REAL, true))
CASE(fft_padded, parts(along(joined(a, b), -1, 7, MX_FFT_FULL, false)))
CASE(fft_by_padding,
     parts(mx_matmul(mx_pad(joined(a, b), LIST(-1), (int[]){0}, (int[]){1}, NULL, "constant"),
                     matrix(7, -1))))
CASE(fft2, parts(mx_fftn(joined(a, b), NULL, 0, LIST(1, 2), MX_FFT_FULL, false, MX_NORM_ORTHO)))
CASE(fft2_by_matrix,
     mx_mul_s(parts(mx_matmul(mx_swapaxes(mx_matmul(mx_swapaxes(joined(a, b), 1, 2), matrix(3, -1)),
                                          1, 2),
                              matrix(4, -1))),
              0.28867513459481287))
CASE(fftshift, mx_fftshift(a, LIST(1), false))
CASE(by_rolling, mx_roll(a, LIST(3), LIST(1)))

/* Frames of 4, 2 apart, in a window of 3. */
static mx_stft_form frames(void) {
    static const float w[3] = {1, 2, 0.5f};
    return (mx_stft_form){
        4, 2, 0, mx_array_from(w, (int[]){3}, 1, MX_FLOAT32), true, MX_NORM_BACKWARD};
}
static mx_array *stft(mx_array *const *in) {
    mx_stft_form f = frames();
    return parts(mx_stft(in[0], &f, "reflect", NULL));
}
static mx_array *istft(mx_array *const *in) {
    mx_stft_form f = frames();
    return mx_istft(joined(in[0], in[1]), &f, true, NULL);
}
/* In turn: what was cut into frames is put together again. */
static mx_array *stft_and_back(mx_array *const *in) {
    mx_stft_form f = frames();
    return mx_istft(mx_stft(in[0], &f, "reflect", NULL), &f, true, NULL);
}
static mx_array *itself(mx_array *const *in) {
    return mx_astype(in[0], MX_FLOAT32);
}

#define SEQUENCE {2, {N, 6}, -2, 2, false, false}
#define GRID     {3, {N, 3, 4}, -2, 2, false, false}
#define FOURIER  (SINGLE | LOOSE | NO_HALF)

const op_case op_cases_fft[] = {
    {"fft", fft, NULL, fft_by_matrix, FOURIER, {SEQUENCE, SEQUENCE}},
    {"ifft", ifft, NULL, ifft_by_matrix, FOURIER, {SEQUENCE, SEQUENCE}},
    {"rfft", rfft, NULL, rfft_by_matrix, FOURIER, {SEQUENCE}},
    {"irfft", irfft, NULL, NULL, FOURIER, {SEQUENCE, SEQUENCE}},
    {"fft, padded", fft_padded, NULL, fft_by_padding, FOURIER, {SEQUENCE, SEQUENCE}},
    {"fft2", fft2, NULL, fft2_by_matrix, FOURIER, {GRID, GRID}},
    {"fftshift", fftshift, NULL, by_rolling, INTS, {SEQUENCE}},
    {"stft", stft, NULL, NULL, FOURIER, {SEQUENCE}},
    {"istft", istft, NULL, NULL, FOURIER, {GRID, GRID}},
    {"stft and istft", stft_and_back, NULL, itself, FOURIER, {SEQUENCE}},
    {0},
};
