/* The walk of depthwise convolution and of its weights' derivative: lines of output in runs of
 * pixels that meet the same taps, each run one call of a kernel (k_conv.h). */
#ifndef MX_CPU_CONV_DEPTH_H
#define MX_CPU_CONV_DEPTH_H

#include "cpu/conv/conv_phase.h"
#include "kernels/conv/k_conv.h"

typedef struct conv_depth {
    const conv *c;
    mx_k_depthwise *kernel;
    char *out;           /* the kernel's: (N, P..., C) */
    float *w;            /* (taps of the phase, C) */
    int64_t left, right; /* positions of a line whose taps all meet input */
} conv_depth;

/* One weight a channel and tap, of a dtype that has the kernels? */
bool conv_is_depthwise(const conv *c);
conv_depth conv_depth_of(const conv *c, mx_k_depthwise *kernel, char *out, float *w);

/* Lines begin .. end. False: scratch memory ran out (no error is recorded). */
bool conv_depth_lines(const conv_depth *d, int64_t begin, int64_t end);

#endif
