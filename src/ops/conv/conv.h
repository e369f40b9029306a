/* Convolutions, channels last: x (N, spatial..., C), weight (O, kernel..., C / groups), one
 * to three spatial axes. Dtypes are promoted and must be inexact.
 */
#ifndef MX_OPS_CONV_H
#define MX_OPS_CONV_H

#include "graph/array/params.h"
#include "ops/ops.h"

/* Lists have one entry a spatial axis, or one for all of them, or none (0 for padding, else
   1). A negative padding cuts elements off the input, before it is dilated. */
mx_array *mx_conv_general(mx_array *x, mx_array *w, const mx_p_conv *p);

/* The usual one: equal padding on both sides. Lists as above. */
mx_array *mx_conv(mx_array *x, mx_array *w, mx_ints stride, mx_ints padding, mx_ints dilation,
                  int groups);
/* Its transpose: the stride dilates the input; output_padding adds positions at the end. */
mx_array *mx_conv_transpose(mx_array *x, mx_array *w, mx_ints stride, mx_ints padding,
                            mx_ints dilation, mx_ints output_padding, int groups);

/* --- for its rules -------------------------------------------------------------------- */

/* The size of n elements `dilation` apart. */
static inline int64_t mx_conv_dilated(int64_t n, int64_t dilation) {
    return n ? (n - 1) * dilation + 1 : 0;
}

/* The cotangent of the input, shaped as x: that of the result, dilated by the stride, under the
   kernel turned round. */
mx_array *mx_conv_towards_input(const mx_p_conv *p, const mx_array *x, mx_array *w, mx_array *g);

/* The derivative towards the weight by a convolution: the input under the cotangent as a kernel,
   images as channels. Slow; for complex numbers, and for files that know no other way. */
mx_array *mx_conv_weight_by_conv(const mx_p_conv_weight *w, mx_array *x, mx_array *g);

#endif
