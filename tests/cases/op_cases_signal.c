/* Cases: Fourier transforms, convolutions. */
#include "op_cases.h"

#include "ops/conv/conv.h"
#include "ops/fft/fft.h"

#define LIST(...) \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define INTS_OF(...)                                                             \
    (mx_ints) {                                                                  \
        (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), (const int[]) { \
            __VA_ARGS__                                                          \
        }                                                                        \
    }
#define NONE ((mx_ints){0, NULL})
#define CASE(name, expression)                   \
    static mx_array *name(mx_array *const *in) { \
        mx_array *a = in[0], *b = in[1];         \
        return (void)a, (void)b, (expression);   \
    }

/* --- Fourier: a and b are the real and the imaginary part ---------------------------- */

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

/* --- convolution: x (N, spatial..., C), w (O, kernel..., C / groups) ------------------ */

CASE(conv1, mx_conv(a, b, NONE, NONE, NONE, 1))
/* windows side by side: (N,5,3,3) -> (N,5,9) times the kernel as a matrix */
CASE(conv1_by_matmul,
     mx_matmul(mx_concatenate((mx_array *[]){mx_slice_axis(a, 1, 0, 5), mx_slice_axis(a, 1, 1, 6),
                                             mx_slice_axis(a, 1, 2, 7)},
                              3, -1),
               mx_transpose(mx_reshape(b, LIST(4, 9)))))
CASE(conv1_wide, mx_conv(a, b, INTS_OF(2), INTS_OF(2), INTS_OF(2), 1))
CASE(conv2, mx_conv(a, b, INTS_OF(2, 1), INTS_OF(1, 0), NONE, 1))
CASE(conv2_groups, mx_conv(a, b, NONE, INTS_OF(1, 1), NONE, 2))
CASE(conv2_pointwise, mx_conv(a, b, NONE, NONE, NONE, 1))
CASE(conv2_by_matmul, mx_matmul(a, mx_transpose(mx_reshape(b, LIST(4, 2)))))
CASE(conv3, mx_conv(a, b, NONE, INTS_OF(1), NONE, 1))
CASE(transposed1, mx_conv_transpose(a, b, INTS_OF(2), INTS_OF(1), INTS_OF(1), INTS_OF(1), 1))
CASE(transposed2,
     mx_conv_transpose(a, b, INTS_OF(2, 2), INTS_OF(0, 0), INTS_OF(1, 1), INTS_OF(0, 0), 1))
static mx_array *general(mx_array *const *in) {
    mx_p_conv p = {INTS_OF(2), INTS_OF(2), INTS_OF(-1), INTS_OF(2), INTS_OF(2), 1, true};
    return mx_conv_general(in[0], in[1], &p);
}

/* The derivative towards the weight: x a, cotangent b. */
static mx_array *weight_of(mx_array *const *in, mx_p_conv p, mx_ints kernel) {
    mx_p_conv_weight q = {p, kernel};
    return mx_apply2(MX_PRIM_conv_weight, &q, in[0], in[1]);
}
/* (N,7,2) (N,4,3), stride 2, padding 1 */
CASE(weight1,
     weight_of(in,
               (mx_p_conv){INTS_OF(2), INTS_OF(1), INTS_OF(1), INTS_OF(1), INTS_OF(1), 1, false},
               INTS_OF(3)))
static mx_array *weight1_by_product(mx_array *const *in) {
    mx_array *x = mx_pad(in[0], LIST(1), (const int[]){1}, (const int[]){1}, NULL, "constant"),
             *tap[3];
    for (int t = 0; t < 3; t++) {
        mx_array *seen = mx_slice(x, (const int[]){0, t, 0}, (const int[]){1 << 20, t + 7, 2},
                                  (const int[]){1, 2, 1});
        tap[t] = mx_tensordot(in[1], seen, (const int[]){0, 1}, (const int[]){0, 1}, 2);
    }
    return mx_stack(tap, 3, 1);
}
/* the rest of what a convolution can be: flipped, input dilated, groups */
CASE(weight2, weight_of(in,
                        (mx_p_conv){INTS_OF(1, 2), INTS_OF(1, 0), INTS_OF(0, 1), INTS_OF(1, 2),
                                    INTS_OF(2, 1), 2, true},
                        INTS_OF(2, 2)))
CASE(weight_depth,
     weight_of(in, (mx_p_conv){INTS_OF(1), INTS_OF(1), INTS_OF(1), INTS_OF(1), INTS_OF(2), 4, true},
               INTS_OF(3)))

#define SEQUENCE    {2, {N, 6}, -2, 2, false, false}
#define GRID        {3, {N, 3, 4}, -2, 2, false, false}
#define IN(nd, ...) {nd, {__VA_ARGS__}, -2, 2, false, false}
#define FOURIER     (SINGLE | LOOSE | NO_HALF)

const op_case op_cases_signal[] = {
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
    {"conv1d", conv1, NULL, conv1_by_matmul, LOOSE, {IN(3, N, 7, 3), IN(3, 4, 3, 3)}},
    {"conv1d, dilated", conv1_wide, NULL, NULL, LOOSE, {IN(3, N, 7, 3), IN(3, 4, 3, 3)}},
    {"conv2d", conv2, NULL, NULL, LOOSE, {IN(4, N, 5, 4, 2), IN(4, 3, 3, 2, 2)}},
    {"conv2d, groups", conv2_groups, NULL, NULL, LOOSE, {IN(4, N, 4, 3, 4), IN(4, 4, 3, 2, 2)}},
    {"conv2d, 1x1",
     conv2_pointwise,
     NULL,
     conv2_by_matmul,
     LOOSE,
     {IN(4, N, 4, 3, 2), IN(4, 4, 1, 1, 2)}},
    {"conv3d", conv3, NULL, NULL, LOOSE, {IN(5, N, 3, 2, 3, 2), IN(5, 2, 2, 2, 2, 2)}},
    {"conv_transpose1d", transposed1, NULL, NULL, LOOSE, {IN(3, N, 4, 2), IN(3, 3, 3, 2)}},
    {"conv_transpose2d", transposed2, NULL, NULL, LOOSE, {IN(4, N, 3, 2, 2), IN(4, 3, 2, 2, 2)}},
    {"conv_weight", weight1, NULL, weight1_by_product, LOOSE, {IN(3, N, 7, 2), IN(3, N, 4, 3)}},
    {"conv_weight, groups", weight2, NULL, NULL, LOOSE, {IN(4, N, 3, 5, 4), IN(4, N, 5, 2, 6)}},
    {"conv_weight, depthwise", weight_depth, NULL, NULL, LOOSE, {IN(3, N, 5, 4), IN(3, N, 9, 4)}},
    {"conv_general", general, NULL, NULL, LOOSE, {IN(3, N, 7, 2), IN(3, 3, 3, 2)}},
    {0},
};
