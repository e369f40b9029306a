/* Discrete Fourier transforms. */
#include <string.h>

#include "capi/capi.h"
#include "catalog/cat.h"

static int read_norm(mlx_fft_norm *out, const mlx_value *v) {
    static const char *const names[] = {"backward", "ortho", "forward"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(v->as.string, names[i]))
            return *out = (mlx_fft_norm)i, 0;
    return cat_fail(MX_INVALID, "[fft] norm must be 'backward', 'ortho' or 'forward', not '%.100s'",
                    v->as.string);
}

typedef struct transform {
    int (*one)(mlx_array *, const mlx_array, int, int, mlx_fft_norm, const mlx_stream);
    int (*many)(mlx_array *, const mlx_array, const int *, size_t, const int *, size_t,
                mlx_fft_norm, const mlx_stream);
    bool to_real; /* the last axis holds half of the result's */
} transform;

/* The length of the result along an axis whose length was not given. */
static int own_length(mlx_array a, int axis, bool to_real, int *n) {
    int ndim = (int)mlx_array_ndim(a);
    if (axis < -ndim || axis >= ndim)
        return cat_fail(MX_RANGE, "[fft] axis %d is out of bounds for an array with %d dimensions",
                        axis, ndim);
    int64_t length = mlx_array_dim(a, axis);
    capi_pins(a, "FFT");
    length = to_real ? 2 * (length - 1) : length;
    if (length > INT32_MAX)
        return cat_fail(MX_RANGE,
                        "[fft] an axis of %lld elements is too long: at most 2^31 - 1 are possible",
                        (long long)length);
    *n = (int)length;
    return 0;
}

/* a, n, axis, norm, stream */
static int call_one(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const transform *f = op->function.family;
    int n = cat_int_or(&args[1], 0);
    mlx_fft_norm norm = MLX_FFT_NORM_BACKWARD;
    if (read_norm(&norm, &args[3]) || cat_array(&args[0]) ||
        (cat_is_none(&args[1]) && own_length(ARRAY(0), INT(2), f->to_real, &n)))
        return 1;
    return f->one(OUT, ARRAY(0), n, INT(2), norm, ON(4));
}

/* a, s, axes, norm, stream */
static int call_many(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const transform *f = op->function.family;
    int one[2];
    cat_list s = cat_ints(&args[1], &one[0]), axes = cat_ints(&args[2], &one[1]);
    bool no_s = cat_is_none(&args[1]), all = cat_is_none(&args[2]);
    mlx_fft_norm norm = MLX_FFT_NORM_BACKWARD;
    if (all && !no_s)
        return cat_fail(MX_INVALID, "[%.*s] axes must be given where s is",
                        (int)strcspn(op->signature, "("), op->signature);
    return read_norm(&norm, &args[3]) || cat_array(&args[0]) ||
           f->many(OUT, ARRAY(0), no_s ? NULL : s.ints, s.count, all ? NULL : axes.ints, axes.count,
                   norm, ON(4));
}

/* Of a signal with Hermitian symmetry: the other direction of a real transform, with the factor on
   the other side. */
static mlx_fft_norm other_side(mlx_fft_norm norm) {
    return norm == MLX_FFT_NORM_ORTHO      ? norm
           : norm == MLX_FFT_NORM_BACKWARD ? MLX_FFT_NORM_FORWARD
                                           : MLX_FFT_NORM_BACKWARD;
}

/* a, n, axis, norm, stream */
static int call_hermitian(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const transform *f = op->function.family;
    mlx_fft_norm norm = MLX_FFT_NORM_BACKWARD;
    mlx_array half = mlx_array_new();
    int n = cat_int_or(&args[1], 0);
    if (read_norm(&norm, &args[3]) || cat_array(&args[0]) ||
        (cat_is_none(&args[1]) && own_length(ARRAY(0), INT(2), f->to_real, &n)))
        return 1;
    norm = other_side(norm);
    int status =
        f->to_real
            ? mlx_conjugate(&half, ARRAY(0), ON(4)) || f->one(OUT, half, n, INT(2), norm, ON(4))
            : f->one(&half, ARRAY(0), n, INT(2), norm, ON(4)) || mlx_conjugate(OUT, half, ON(4));
    mlx_array_free(half);
    return status;
}

typedef struct frequencies {
    int (*call)(mlx_array *, int, double, const mlx_stream);
} frequencies;

/* n, d, stream */
static int call_frequencies(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const frequencies *f = op->function.family;
    return f->call(OUT, INT(0), cat_number(&args[1]), ON(2));
}

typedef struct shift {
    int (*call)(mlx_array *, const mlx_array, const int *, size_t, const mlx_stream);
} shift;

/* a, axes, stream */
static int call_shift(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const shift *f = op->function.family;
    int one;
    cat_list axes = cat_ints(&args[1], &one);
    return cat_array(&args[0]) ||
           f->call(OUT, ARRAY(0), cat_is_none(&args[1]) ? NULL : axes.ints, axes.count, ON(2));
}

/* --- short-time ------------------------------------------------------------------------------- */

static mlx_optional_int optional_int(const mlx_value *v) {
    return (mlx_optional_int){cat_int_or(v, 0), !cat_is_none(v)};
}

/* x, n_fft, hop_length, win_length, window, center, pad_mode, norm, onesided, stream */
static int call_stft(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_fft_norm norm = MLX_FFT_NORM_BACKWARD;
    bool onesided = !cat_is_none(&args[8]) && FLAG(8);
    (void)op;
    return read_norm(&norm, &args[7]) || cat_array(&args[0]) || cat_optional_array(&args[4]) ||
           mlx_fft_stft(OUT, ARRAY(0), INT(1), optional_int(&args[2]), optional_int(&args[3]),
                        cat_handle(&args[4]), FLAG(5), args[6].as.string, norm,
                        cat_is_none(&args[8]) ? NULL : &onesided, ON(9));
}

/* stft_matrix, n_fft, hop_length, win_length, window, center, norm, onesided, length, stream */
static int call_istft(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_fft_norm norm = MLX_FFT_NORM_BACKWARD;
    bool onesided = cat_is_none(&args[7]) || FLAG(7);
    (void)op;
    return read_norm(&norm, &args[6]) || cat_array(&args[0]) || cat_optional_array(&args[4]) ||
           mlx_fft_istft(OUT, ARRAY(0), optional_int(&args[1]), optional_int(&args[2]),
                         optional_int(&args[3]), cat_handle(&args[4]), FLAG(5), norm, onesided,
                         optional_int(&args[8]), ON(9));
}

#define FFT "mlx.core.fft"
#define ONE "(a: array, n: int | None = None, axis: int = -1, norm: str = 'backward', " STREAM_TYPES
#define MANY \
    "(a: array, s: tuple[int, ...] | None = None, axes: collections.abc.Sequence[int] | None = "
#define MANY_END ", norm: str = 'backward', " STREAM_TYPES
#define TRANSFORM(name, f, real, doc)                                                           \
    {FFT, name ONE,                                                                             \
     doc " along an axis, cut or padded with zeros to n. norm says where the factor 1/n goes: " \
         "'backward' on the inverse, 'forward' on the transform, 'ortho' its root on both.",    \
     call_one, FAMILY(transform, f, f##n, real)},                                               \
        {FFT, name "2" MANY "[-2, -1]" MANY_END,                                                \
         doc " along two axes, cut or padded with zeros to s; as for one axis.", call_many,     \
         FAMILY(transform, f, f##2, real)},                                                     \
    {                                                                                           \
        FFT, name "n" MANY "None" MANY_END,                                                     \
            doc " along several axes, all if None, cut or padded with zeros to s; as "          \
                "for one axis.",                                                                \
            call_many, FAMILY(transform, f, f##n, real)                                         \
    }
#define SHIFT       "(a: array, axes: int | collections.abc.Sequence[int] | None = None, " STREAM_TYPES
#define FREQUENCIES "(n: int, d: float = 1.0, " STREAM_TYPES

const mlx_operation cat_fft_rows[] = {
    TRANSFORM("fft", mlx_fft_fft, false, "The discrete Fourier transform"),
    TRANSFORM("ifft", mlx_fft_ifft, false, "The inverse discrete Fourier transform"),
    TRANSFORM("rfft", mlx_fft_rfft, false,
              "The discrete Fourier transform of real input, of which half, n/2 + 1, is given,"),
    TRANSFORM("irfft", mlx_fft_irfft, true,
              "The inverse of rfft: real output of length n, by default 2 (m - 1),"),
    {FFT, "hfft" ONE,
     "The real transform of length n, by default 2 (m - 1), of a signal with Hermitian symmetry, "
     "of which m "
     "elements are given, along an axis.",
     call_hermitian, FAMILY(transform, mlx_fft_irfft, NULL, true)},
    {FFT, "ihfft" ONE,
     "The inverse of hfft: half of the Hermitian transform of real input along an axis.",
     call_hermitian, FAMILY(transform, mlx_fft_rfft, NULL, false)},
    {FFT, "fftfreq" FREQUENCIES,
     "The frequencies of the elements of fft, for samples at a distance of d.", call_frequencies,
     FAMILY(frequencies, mlx_fft_fftfreq)},
    {FFT, "rfftfreq" FREQUENCIES,
     "The frequencies of the elements of rfft, for samples at a distance of d.", call_frequencies,
     FAMILY(frequencies, mlx_fft_rfftfreq)},
    {FFT, "fftshift" SHIFT,
     "The elements rolled so that frequency zero stands in the middle of the axes.", call_shift,
     FAMILY(shift, mlx_fft_fftshift)},
    {FFT, "ifftshift" SHIFT, "The inverse of fftshift.", call_shift,
     FAMILY(shift, mlx_fft_ifftshift)},
    {FFT,
     "stft(x: array, n_fft: int = 2048, hop_length: int | None = None, win_length: int | None = "
     "None, window: array | "
     "None = None, center: bool = True, pad_mode: str = 'reflect', norm: str = 'backward', "
     "onesided: bool | None = "
     "None, " STREAM_TYPES,
     "The short-time Fourier transform of the last axis, (..., frequencies, frames): transforms "
     "of frames of n_fft "
     "elements, hop_length (n_fft / 4) apart, each times the window (win_length ones), which "
     "stands in the middle of a "
     "frame. center puts frames around their places, with a margin at both ends as pad's mode "
     "says. onesided leaves out "
     "what the input's being real implies, by default where it is.",
     call_stft},
    {FFT,
     "istft(stft_matrix: array, n_fft: int | None = None, hop_length: int | None = None, "
     "win_length: int | None = None, "
     "window: array | None = None, center: bool = True, norm: str = 'backward', onesided: bool | "
     "None = None, length: "
     "int | None = None, " STREAM_TYPES,
     "The real signal of a short-time Fourier transform: the inverse transforms of the frames "
     "times the window, added up "
     "and divided by the sum of the window's squares. n_fft is by default the even length that "
     "fits to the number of "
     "frequencies, onesided True. length cuts the signal or fills it up with zeros.",
     call_istft},
    {NULL},
};
