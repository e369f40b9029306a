/* Discrete Fourier transforms. Axes are cut or padded with zeros to n; results are complex64.
 */
#ifndef MLX_C_FFT_H
#define MLX_C_FFT_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the factor goes: 1/n on the inverse, 1/sqrt(n) on both, 1/n on the forward transform. */
typedef enum mlx_fft_norm_ {
    MLX_FFT_NORM_BACKWARD = 0,
    MLX_FFT_NORM_ORTHO = 1,
    MLX_FFT_NORM_FORWARD = 2
} mlx_fft_norm;

/* The transform along one axis, cut or padded with zeros to n. */
MLX_API int mlx_fft_fft(mlx_array *res, const mlx_array a, int n, int axis, mlx_fft_norm norm,
                        const mlx_stream s);
/* Along two axes: axes[i] is cut or padded to n[i]. n and axes may be NULL with a count
   of 0: the last two axes, as they are. */
MLX_API int mlx_fft_fft2(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                         const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);
/* Along any axes; where none are given, all. */
MLX_API int mlx_fft_fftn(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                         const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);
/* The inverse of mlx_fft_fft. */
MLX_API int mlx_fft_ifft(mlx_array *res, const mlx_array a, int n, int axis, mlx_fft_norm norm,
                         const mlx_stream s);
/* The inverse of mlx_fft_fft2. */
MLX_API int mlx_fft_ifft2(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                          const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);
/* The inverse of mlx_fft_fftn. */
MLX_API int mlx_fft_ifftn(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                          const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);
/* The transform of real numbers along an axis of n: n/2 + 1 elements, as the others are
   their conjugates. */
MLX_API int mlx_fft_rfft(mlx_array *res, const mlx_array a, int n, int axis, mlx_fft_norm norm,
                         const mlx_stream s);
/* The same along two axes, of which the last is halved. */
MLX_API int mlx_fft_rfft2(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                          const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);
/* The same along any axes, of which the last is halved. */
MLX_API int mlx_fft_rfftn(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                          const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);
/* The inverse of mlx_fft_rfft: real numbers, n of them along the axis. */
MLX_API int mlx_fft_irfft(mlx_array *res, const mlx_array a, int n, int axis, mlx_fft_norm norm,
                          const mlx_stream s);
/* The inverse of mlx_fft_rfft2; n are the sizes of the result. */
MLX_API int mlx_fft_irfft2(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                           const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);
/* The inverse of mlx_fft_rfftn; n are the sizes of the result. */
MLX_API int mlx_fft_irfftn(mlx_array *res, const mlx_array a, const int *n, size_t n_num,
                           const int *axes, size_t axes_num, mlx_fft_norm norm, const mlx_stream s);

/* The frequencies that belong to the n elements of mlx_fft_fft, for samples d apart, in
   cycles per unit of d: float32. */
MLX_API int mlx_fft_fftfreq(mlx_array *res, int n, double d, const mlx_stream s);
/* The frequencies of the n/2 + 1 elements of mlx_fft_rfft. */
MLX_API int mlx_fft_rfftfreq(mlx_array *res, int n, double d, const mlx_stream s);
/* Frequency zero moved to the middle along axes (a count of 0: all). */
MLX_API int mlx_fft_fftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                             const mlx_stream s);
/* mlx_fft_fftshift undone. */
MLX_API int mlx_fft_ifftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                              const mlx_stream s);

/* Short-time transforms (not in mlx-c): frames of n_fft elements, hop_length apart (none: n_fft /
   4), times the window (1-d, at most n_fft; an empty one: win_length ones), which stands in the
   middle of a frame. center: frames stand around their places, with a margin of n_fft / 2 at both
   ends, made as mlx_pad's mode says.

   x (...,L) -> (...,frequencies,frames), complex64. onesided: the n_fft/2 + 1 frequencies of a real
   input; by default where input and window are real. */
MLX_API int mlx_fft_stft(mlx_array *res, const mlx_array x, int n_fft, mlx_optional_int hop_length,
                         mlx_optional_int win_length, const mlx_array window, bool center,
                         const char *pad_mode, mlx_fft_norm norm, const bool *onesided,
                         const mlx_stream s);
/* The inverse, by adding up the frames: (...,frequencies,frames) -> (...,length), real. n_fft is by
   default what fits to the number of frequencies, even; the length what the frames reach. */
MLX_API int mlx_fft_istft(mlx_array *res, const mlx_array stft, mlx_optional_int n_fft,
                          mlx_optional_int hop_length, mlx_optional_int win_length,
                          const mlx_array window, bool center, mlx_fft_norm norm, bool onesided,
                          mlx_optional_int length, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
