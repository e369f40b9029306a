/* Convolution with few outputs a group, as of one channel by one filter: lanes are neighbouring
 * positions of a line. The input is copied with its padding as float32, each channel by itself, and
 * each phase of the stride: the numbers that neighbouring positions see through one tap lie side
 * by side. Large inputs are done in bands of lines.
 *
 *     x (N, I0, I1, I2, C)    planes (N, side0, side1, phase, C, width)
 */
#ifndef MX_CPU_CONV_SLIDE_H
#define MX_CPU_CONV_SLIDE_H

#include "cpu/conv/conv_phase.h"

/* Is it a phase for this? float16, float32, bfloat16. */
bool conv_can_slide(const conv *c);
/* The phase's results (rows, O), contiguous. False and an error: out of memory. */
bool conv_slide(const conv *c, void *out);

#endif
