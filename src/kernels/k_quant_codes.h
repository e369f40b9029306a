/* Parts that the quantization kernels share: codes as numbers, scales as float32. */
#ifndef MX_KERNELS_K_QUANT_CODES_H
#define MX_KERNELS_K_QUANT_CODES_H

#include "base/fp8.h"
#include "kernels/k_load.h"
#include "kernels/k_quant.h"

/* What codes stand for before the scale: table[code mod 16] for up to four bits (two bits: repeated, so that
   higher bits do not matter). */
static const float quant_e2m1[16] = {0,  0.5f,  1,  1.5f,  2,  3,  4,  6,
                                     0, -0.5f, -1, -1.5f, -2, -3, -4, -6};
static const float quant_u4[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const float quant_u2[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};

SV bool quant_is_e2m1(mx_quant_mode mode) {
    return mode == MX_MXFP4 || mode == MX_NVFP4;
}

/* e4m3 in the low byte of each lane (base/fp8.h); what stands above it does not matter. */
SV vf quant_from_e4m3(vi code) {
    vf magnitude = as_vf(vi_shl(vi_and(code, vi_set1(0x7f)), 20));
    vf sign = as_vf(vi_shl(vi_and(code, vi_set1(0x80)), 24));
    return vf_or(vf_mul(magnitude, vf_set1(0x1p120f)), sign);
}
SV vi quant_to_e4m3(vf x) {
    vi u = as_vi(x), sign = vi_and(vi_shr(u, 24), vi_set1(0x80));
    vi mag = vi_and(u, vi_set1(0x7fffffff)), odd = vi_and(vi_shr(mag, 20), vi_set1(1));
    vi normal = vi_shr(vi_add(mag, vi_add(odd, vi_set1(0x7ffff - 0x3c000000))), 20);
    vi tiny = vi_sub(as_vi(vf_add(as_vf(mag), vf_set1(16384.0f))), vi_set1(0x46800000));
    vi code = vi_select(vi_lt(mag, vi_set1(0x3c800000)), tiny, normal);
    code = vi_select(vi_lt(mag, vi_set1(0x43e00000)), code, vi_set1(0x7e));
    return vi_or(sign, code);
}

/* Scale or bias number g of a row. */
SV float quant_scale(const mx_quant_matrix *m, const char *row, ptrdiff_t g) {
    if (m->stype != MX_UINT8)
        return kind_get(row, g, m->stype);
    uint8_t code = (uint8_t)row[g];
    return m->format.mode == MX_NVFP4 ? mx_e4m3_to_f32(code) * m->factor : mx_e8m0_to_f32(code);
}

#endif
