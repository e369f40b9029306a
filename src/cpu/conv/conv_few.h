/* Convolution of float32 with few channels, as images have them. The input is copied with its
 * padding, so that the taps of a line are one run of numbers under every result, which register
 * tiles read where it lies. Towards the weight some patches at a time, (rows, K) of K = T0 T1 T2 C
 * numbers each, lie dense in cache and are multiplied there.
 */
#ifndef MX_CPU_CONV_FEW_H
#define MX_CPU_CONV_FEW_H

#include "cpu/conv/conv_phase.h"

/* Is it a phase for this? */
bool conv_can_few(const conv *c);
/* The phase's results (rows, O), contiguous. False and an error: out of memory. */
bool conv_few(const conv *c, float *out);

/* The same for the derivative towards the weight: g (rows, O), out (O, K), contiguous. */
bool conv_weight_can_few(const conv *c);
bool conv_weight_few(const conv *c, const float *g, float *out);

#endif
