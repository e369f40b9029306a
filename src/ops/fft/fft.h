/* Discrete Fourier transforms, complex64 (float32 where real): a node transforms one axis, several
 * axes are a chain. norm: where the factor 1/n goes (backward: on the inverse; ortho: 1/sqrt(n) on
 * both; forward). */
#ifndef MX_OPS_FFT_H
#define MX_OPS_FFT_H

#include "ops/ops.h"

typedef enum mx_fft_norm { MX_NORM_BACKWARD, MX_NORM_ORTHO, MX_NORM_FORWARD } mx_fft_norm;
typedef enum mx_fft_form {
    MX_FFT_FULL, /* complex to complex */
    MX_FFT_REAL  /* real to n/2+1 complex, or back: on the last of the axes */
} mx_fft_form;

/* s: the lengths along axes (input is cut or padded with zeros), or NULL for the input's; axes
   NULL: all (s must be NULL too). */
mx_array *mx_fftn(mx_array *a, const int *s, int n_s, const int *axes, int n_axes, mx_fft_form form,
                  bool inverse, mx_fft_norm norm);
mx_array *mx_fftfreq(int n, double d, mx_dtype t); /* [0, 1, .., -1] / (d n) */
mx_array *mx_rfftfreq(int n, double d, mx_dtype t);
mx_array *mx_fftshift(mx_array *a, const int *axes, int n, bool inverse); /* axes NULL: all */

/* Short-time transforms (op_stft.c): n elements in a frame, `hop` apart; the window (1-d), or ones
   where it is NULL, in the middle of a frame; centre: frames stand around their places, with a
   margin of n / 2 at both ends. */
typedef struct mx_stft_form {
    int n, hop, window_length; /* the latter without a window */
    mx_array *window;
    bool center;
    mx_fft_norm norm;
} mx_stft_form;
/* onesided NULL: of real input. */
mx_array *mx_stft(mx_array *x, const mx_stft_form *f, const char *pad_mode, const bool *onesided);
/* NULL: all there is */
mx_array *mx_istft(mx_array *s, const mx_stft_form *f, bool onesided, const int *length);

#endif
