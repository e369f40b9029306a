/* Convolution of float32 without packing its operands: every register tile gets, for each tap or
 * line of taps, the places in the input that its output positions see; outside of it they see
 * zeros. */
#ifndef MX_CPU_CONV_DIRECT_H
#define MX_CPU_CONV_DIRECT_H

#include "cpu/conv/conv_phase.h"

/* Is it a phase for this? */
bool conv_can_direct(const conv *c);
/* The phase's results (rows, O), contiguous. False and an error: out of memory. */
bool conv_direct(const conv *c, float *out);

/* The same for the derivative towards the weight: g (rows, O), out (O, taps Cg), contiguous. */
bool conv_weight_can_direct(const conv *c);
void conv_weight_direct(const conv *c, const float *g, float *out);

#endif
