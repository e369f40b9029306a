/* Convolution of float32 by kernels of 3x3 through squares of 2x2 results (k_winograd.h): 16
 * products of matrices, one for each place of a transformed square.
 *
 *     v[f] (squares, C)    u[f] (C, O)    m[f] = v[f] u[f]    f < 16
 *
 * Sums are of C products where direct ones are of 9 C, so that errors are smaller, too. Where a
 * result is infinite or NaN, its image is computed again by direct sums, which say which of the
 * two it is. Which way a convolution goes depends on the sizes of one image and of the weights,
 * so that the bits of an image do not depend on the others.
 */
#ifndef MX_CPU_CONV_WINOGRAD_H
#define MX_CPU_CONV_WINOGRAD_H

#include "cpu/conv/conv_phase.h"

/* Is it a phase for this? */
bool conv_can_winograd(const conv *c);
/* The phase's results (rows, O), contiguous. False and an error: out of memory, or stopped. */
bool conv_winograd(const conv *c, float *out);

/* The same for the derivative towards the weight: g (rows, O), out (O, taps C), contiguous. finite:
   is all of it? If not, nothing is said about what is not. */
bool conv_weight_can_winograd(const conv *c);
bool conv_weight_winograd(const conv *c, const float *g, float *out, bool *finite);

/* The squares of the results of an image, row by row. */
typedef struct conv_squares {
    const conv *c;
    int64_t down, across; /* of an image */
    int64_t count;        /* of all images */
} conv_squares;

/* A square's image, and the place of its first result. */
typedef struct conv_square {
    int64_t image, row, column;
} conv_square;

conv_squares conv_squares_of(const conv *c);
conv_square conv_square_at(const conv_squares *s, int64_t i);
/* Where the 16 pixels of the patch under the square begin, from `channel` on; outside of the
 * image at zeros. */
void conv_square_patch(const conv_squares *s, const conv_square *at, int64_t channel,
                       const float *zeros, const float **from);
/* Where the square's four results lie in an array of pixels of `width` numbers; NULL where it has
   none. */
void conv_square_results(const conv_squares *s, const conv_square *at, float *pixels, int64_t width,
                         float **out);

#endif
