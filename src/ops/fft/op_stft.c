/* Short-time Fourier transforms: frames of n_fft elements, `hop` apart, each times a window.
 *
 *     stft     x (..., L)               ->  (..., frequencies, frames), complex64
 *     istft    S (..., frequencies, F)  ->  (..., length), float32
 *
 * The inverse adds up the frames' inverse transforms times the window, and divides by the sum of
 * the window's squares (Griffin and Lim 1984), which undoes the transform exactly wherever that sum
 * is not tiny.
 */
#include <math.h>

#include "base/status.h"
#include "ops/fft/fft.h"
#include "ops/rules.h"

#define LEAST_ENVELOPE 1e-8

/* --- what both have --------------------------------------------------------------------------- */

static bool check_frames(const char *op, const mx_stft_form *f) {
    if (f->n <= 0)
        return mx_fail(MX_INVALID, "[%s] n_fft must be positive, %d was given", op, f->n);
    if (f->hop <= 0)
        return mx_fail(MX_INVALID, "[%s] hop_length must be positive, %d was given", op, f->hop);
    if (f->window && f->window->ndim != 1)
        return mx_fail(MX_INVALID,
                       "[%s] window must be a one-dimensional array, one of %d axes was given", op,
                       f->window->ndim);
    int length = f->window ? f->window->shape[0] : f->window_length;
    return (length >= 0 && length <= f->n) ||
           mx_fail(MX_INVALID, "[%s] window length must not exceed n_fft: %d for %d", op, length,
                   f->n);
}

/* The window, or ones, in the middle of n elements. */
static mx_array *whole_window(const mx_stft_form *f) {
    mx_array *w = f->window ? f->window : mx_ones(&f->window_length, 1, MX_FLOAT32);
    if (!w)
        return NULL;
    int axis = 0, low = (f->n - w->shape[0]) / 2, high = f->n - w->shape[0] - low;
    w = w->dtype == MX_COMPLEX64 ? w : mx_astype(w, MX_FLOAT32);
    return low || high ? mx_pad(w, &axis, 1, &low, &high, NULL, "constant") : w;
}

static mx_fft_form form_of(bool onesided) {
    return onesided ? MX_FFT_REAL : MX_FFT_FULL;
}

/* --- forward ---------------------------------------------------------------------------------- */

static mx_array *centred(mx_array *x, const mx_stft_form *f, const char *mode) {
    int axis = -1, margin = f->n / 2;
    return f->center && margin ? mx_pad(x, &axis, 1, &margin, &margin, NULL, mode) : x;
}

/* (..., L) -> (..., frames, n), a view of overlapping rows */
static mx_array *framed(mx_array *x, const mx_stft_form *f) {
    int shape[MX_MAX_NDIM], length = x->shape[x->ndim - 1];
    int64_t strides[MX_MAX_NDIM + 1];
    if (length < f->n)
        return mx_fail(MX_INVALID, "[stft] %d elements are too short for an n_fft of %d", length,
                       f->n);
    if (x->ndim == MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[stft] more than %d dimensions", MX_MAX_NDIM - 1);
    mx_row_strides(x->shape, x->ndim, strides);
    for (int i = 0; i < x->ndim; i++)
        shape[i] = x->shape[i];
    shape[x->ndim - 1] = 1 + (length - f->n) / f->hop;
    shape[x->ndim] = f->n;
    strides[x->ndim] = 1;
    strides[x->ndim - 1] = f->hop;
    return mx_as_strided(x, shape, strides, x->ndim + 1, 0);
}

mx_array *mx_stft(mx_array *x, const mx_stft_form *f, const char *pad_mode, const bool *onesided) {
    if (!x || !check_frames("stft", f))
        return NULL;
    if (x->ndim < 1)
        return mx_fail(MX_INVALID, "[stft] Input must have at least one dimension.");
    mx_array *window = whole_window(f);
    bool complex = x->dtype == MX_COMPLEX64 || (window && window->dtype == MX_COMPLEX64);
    bool half = onesided ? *onesided : !complex;
    if (half && complex)
        return mx_fail(MX_INVALID, "[stft] onesided is for a real input and a real window");
    mx_array *padded =
        centred(x->dtype == MX_COMPLEX64 ? x : mx_astype(x, MX_FLOAT32), f, pad_mode);
    mx_array *frames = padded ? framed(padded, f) : NULL;
    int last = -1;
    mx_array *y = mx_fftn(mx_mul(frames, window), NULL, 0, &last, 1, form_of(half), false, f->norm);
    return mx_swapaxes(y, -1, -2);
}

/* --- inverse ---------------------------------------------------------------------------------- */

/* Frames (..., F, n) added up where they overlap: (..., (F - 1) hop + n). Cut into `blocks` pieces
   of `hop`, the pieces b of all frames follow one another without a gap, b hops in. */
static mx_array *overlapped(mx_array *frames, int hop) {
    int axis = -1, count = frames->shape[frames->ndim - 2], n = frames->shape[frames->ndim - 1];
    int blocks = (n + hop - 1) / hop, none = 0, rest = blocks * hop - n;
    mx_array *sum = NULL;
    if (rest)
        frames = mx_pad(frames, &axis, 1, &none, &rest, NULL, "constant");
    for (int b = 0; b < blocks && frames; b++) {
        int low = b * hop, high = (blocks - 1 - b) * hop;
        mx_array *piece =
            mx_flatten(mx_slice_axis(frames, frames->ndim - 1, low, low + hop), -2, -1);
        piece = mx_pad(piece, &axis, 1, &low, &high, NULL, "constant");
        sum = sum ? mx_add(sum, piece) : piece;
        if (!sum)
            return NULL;
    }
    return sum ? mx_slice_axis(sum, sum->ndim - 1, 0, (count - 1) * hop + n) : NULL;
}

/* The sum of the window's squares at each place. */
static mx_array *envelope(mx_array *window, int frames, int hop) {
    if (!window)
        return NULL;
    mx_array *square =
        window->dtype == MX_COMPLEX64 ? mx_square(mx_abs(window)) : mx_square(window);
    mx_array *all = square ? mx_broadcast_to(square, (int[]){frames, square->shape[0]}, 2) : NULL;
    mx_array *sum = all ? overlapped(all, hop) : NULL;
    return mx_maximum(sum, mx_scalar(LEAST_ENVELOPE, MX_FLOAT32));
}

/* Without the margins, or `length` elements from where the signal begins. */
static mx_array *trimmed(mx_array *y, const mx_stft_form *f, const int *length) {
    if (!y)
        return NULL;
    int axis = -1, none = 0, total = y->shape[y->ndim - 1];
    int begin = f->center ? f->n / 2 : 0, end = total - begin;
    if (length && *length < 0)
        return mx_fail(MX_INVALID, "[istft] length must not be negative, %d was given", *length);
    if (length)
        end = *length < total - begin ? begin + *length : total;
    y = mx_slice_axis(y, y->ndim - 1, begin, end > begin ? end : begin);
    int rest = length && end > begin ? *length - (end - begin) : length ? *length : 0;
    return rest > 0 ? mx_pad(y, &axis, 1, &none, &rest, NULL, "constant") : y;
}

static bool check_spectrum(const mx_array *s) {
    if (s->ndim < 2)
        return mx_fail(MX_INVALID,
                       "[istft] Input must have at least two dimensions (freq, frames).");
    return s->shape[s->ndim - 1] > 0 || mx_fail(MX_INVALID, "[istft] the input has no frames");
}

mx_array *mx_istft(mx_array *s, const mx_stft_form *f, bool onesided, const int *length) {
    if (!s || !check_spectrum(s) || !check_frames("istft", f))
        return NULL;
    int last = -1, count = s->shape[s->ndim - 1];
    if (!mx_axis_fits("istft", (int64_t)count * f->hop + f->n))
        return NULL;
    mx_array *window = whole_window(f);
    mx_array *frames =
        mx_fftn(mx_swapaxes(s, -1, -2), &f->n, 1, &last, 1, form_of(onesided), true, f->norm);
    frames = mx_mul(onesided ? frames : mx_real(frames), window);
    mx_array *sum = frames ? overlapped(frames, f->hop) : NULL;
    return trimmed(mx_div(sum, envelope(window, count, f->hop)), f, length);
}
