/* Rotary position embedding (Su et al. 2021): pairs of the first dims elements of a row are
 * turned by the angle of the row's position; the rest is copied.
 *
 *     angle of pair i at position p   p * scale * inv_freq[i]
 *     inv_freq[i]                     base^(-2 i / dims), or 1 / freqs[i]
 *     pair i                          traditional: (2 i, 2 i + 1); else (i, i + dims / 2)
 *     (a, b)                          -> (a cos - b sin, a sin + b cos)
 *
 * The table of one sequence is made once (float64 inside) and applied to all heads and batches.
 */
#ifndef MX_KERNELS_K_ROPE_H
#define MX_KERNELS_K_ROPE_H

#include "base/dtype.h"

/* inv_freq[half] from the base, or from freqs[half] where it is not NULL. */
void mx_rope_inv_freq(double *inv_freq, size_t half, double base, const float *freqs);
/* cosine[t * half + i], sine[...] for positions first + t, t < count. */
void mx_rope_table(float *cosine, float *sine, const double *inv_freq, size_t half, double first,
                   size_t count, double scale);

/* rows x head_dim, row r at x + r * x_stride; cosine and sine hold rows x dims / 2; out may
   be x. inverse: turn back (the derivative towards x). */
typedef void mx_k_rope_rows(void *out, ptrdiff_t out_stride, const void *x, ptrdiff_t x_stride,
                            const float *cosine, const float *sine, size_t rows, size_t head_dim,
                            size_t dims, bool traditional, bool inverse);

typedef struct mx_k_rope {
    mx_k_rope_rows *rows[MX_DTYPE_COUNT]; /* float16 float32 float64 bfloat16 */
} mx_k_rope;

#endif
