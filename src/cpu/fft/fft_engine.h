/* The fast Fourier transform along one axis of a strided array, any length, on all threads.
 *
 *     complex    n complex64 -> n complex64
 *     to_half    n float32 -> n / 2 + 1 complex64, forward; the rest is the mirror image
 *     from_half  n / 2 + 1 complex64 -> n float32, inverse; imaginary parts that a real line
 *                cannot have (at 0, and at n / 2 for even n) are ignored
 *
 * Lengths are factored in 8, 4, 2, 3, 5 and primes below 64; other lengths go through a
 * convolution of a power of two (Bluestein 1970). Long lines are done in four steps (Bailey
 * 1990): as a matrix, first its columns, then a twist, then its rows. Results do not depend on
 * the number of threads.
 */
#ifndef MX_CPU_FFT_ENGINE_H
#define MX_CPU_FFT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum mx_fft_kind { MX_FFT_COMPLEX, MX_FFT_TO_HALF, MX_FFT_FROM_HALF } mx_fft_kind;

typedef struct mx_fft_job {
    mx_fft_kind kind;
    bool inverse;  /* complex: e^(+2 pi i ...) instead of e^(-...) */
    double scale;  /* every result is multiplied by it */
    int64_t n;     /* length of the transform, > 0 */
    const void *x; /* element with all indices 0 */
    void *y;
    int64_t x_count; /* elements along the axis; missing ones are zeros, more are ignored */
    int64_t x_stride, y_stride; /* along the axis; all strides in elements */
    int ndim;                   /* the other axes */
    const int64_t *shape, *x_strides, *y_strides;
} mx_fft_job;

/* False when memory is short (the error is recorded). x and y do not overlap. */
bool mx_fft_run(const mx_fft_job *job);
/* Frees the plans that are kept for the next call. */
void mx_fft_forget(void);

#endif
