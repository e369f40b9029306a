/* Depthwise convolution, one weight a channel and tap, and its weights' derivative (k_conv.h). */
#ifndef MX_CPU_CONV_DEPTH_H
#define MX_CPU_CONV_DEPTH_H

#include "cpu/conv/conv_phase.h"

/* One weight a channel and tap, of a dtype that has the kernels? */
bool conv_is_depthwise(const conv *c);

/* The phase's results to c->out. False and an error: out of memory. */
bool conv_depthwise(const conv *c);
/* Towards the weight: g (N, P..., C), out (C, K..., 1), of which the phase's taps are written. */
bool conv_weight_depthwise(const conv *c, const char *g, char *out);

#endif
