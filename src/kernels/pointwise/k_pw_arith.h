/* Arithmetic that the pointwise kernels of float32 and of halves share. */
#ifndef MX_KERNELS_K_PW_ARITH_H
#define MX_KERNELS_K_PW_ARITH_H

#include <math.h>

#include "kernels/simd/simd.h"

SV vf vf_none(vf a) {
    (void)a;
    return vf_zero();
}
/* -1, 0 or 1; NaN gives 0, as MLX's (x > 0) - (x < 0) does */
SV vf vf_sign(vf a) {
    vf one = vf_copysign(vf_set1(1.0f), a);
    return vf_select(vm_or(vf_gt(a, vf_zero()), vf_lt(a, vf_zero())), one, vf_zero());
}
SV vf vf_square(vf a) {
    return vf_mul(a, a);
}
SV vf vf_rsqrt(vf a) {
    return vf_div(vf_set1(1.0f), vf_sqrt(a));
}
/* NaN if either is, of two a; of 0 and -0 the second, as MLX. The first line is computed once where
   b is a number for all: then a comparison and a choice are left. */
SV vf vf_maximum(vf a, vf b) {
    vf least = vf_select(vf_isnan(b), vf_set1(INFINITY), b);
    return vf_select(vf_le(a, least), b, a);
}
SV vf vf_minimum(vf a, vf b) {
    vf most = vf_select(vf_isnan(b), vf_set1(-INFINITY), b);
    return vf_select(vf_ge(a, most), b, a);
}

#endif
