/* Parts that the quantization kernels share: codes as numbers, scales as float32. */
#ifndef MX_KERNELS_K_QUANT_CODES_H
#define MX_KERNELS_K_QUANT_CODES_H

#include "base/fp8.h"
#include "kernels/simd/k_load.h"
#include "kernels/quant/k_quant.h"

/* What codes stand for before the scale: table[code mod 16] for up to four bits (fewer: repeated,
   so that higher bits do not matter). */
static const float quant_e2m1[16] = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                                     -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
static const float quant_u4[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const float quant_u3[16] = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
static const float quant_u2[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};

SV vf quant_round(vf a, mx_dtype kind) {
    return kind == MX_FLOAT16 ? vf_round_f16(a) : kind == MX_BFLOAT16 ? vf_round_bf16(a) : a;
}

/* e4m3 in the low byte of each lane (base/fp8.h); what stands above it does not matter. */
SV vf quant_from_e4m3(vi code) {
    vi low = vi_and(code, vi_set1(0x7f));
    vf magnitude = vf_mul(as_vf(vi_shl(low, 20)), vf_set1(0x1p120f));
    vf sign = as_vf(vi_shl(vi_and(code, vi_set1(0x80)), 24));
    magnitude = vf_select(vi_eq(low, vi_set1(0x7f)), vf_set1(NAN), magnitude);
    return vf_or(magnitude, sign);
}
SV vi quant_to_e4m3(vf x) {
    vi u = as_vi(x), sign = vi_and(vi_shr(u, 24), vi_set1(0x80));
    vi mag = vi_and(u, vi_set1(0x7fffffff)), odd = vi_and(vi_shr(mag, 20), vi_set1(1));
    vi normal = vi_shr(vi_add(mag, vi_add(odd, vi_set1(0x7ffff - 0x3c000000))), 20);
    vi tiny = vi_sub(as_vi(vf_add(as_vf(mag), vf_set1(16384.0f))), vi_set1(0x46800000));
    vi code = vi_select(vi_lt(mag, vi_set1(0x3c800000)), tiny, normal);
    code = vi_select(vi_lt(mag, vi_set1(0x43e00000)), code, vi_set1(0x7e));
    code = vi_select(vi_lt(vi_set1(0x7f800000), mag), vi_set1(0x7f), code);
    return vi_or(sign, code);
}

/* e2m1 in the low four bits. */
SV vf quant_from_e2m1(vi code) {
    if (VF_LOOKUP)
        return vf_lookup16(quant_e2m1, code);
    // as the top of a float32; 0 and 0.5, which have no exponent, come out as 0.5 and 0.75
    vi low = vi_and(code, vi_set1(7));
    vf v = as_vf(vi_add(vi_shl(low, 22), vi_set1(126 << 23)));
    v = vf_select(vi_lt(low, vi_set1(2)), vf_sub(vf_add(v, v), vf_set1(1)), v);
    return vf_or(v, as_vf(vi_shl(vi_and(code, vi_set1(8)), 28)));
}

/* The numbers before the scale, of codes in the low bits of each lane; what stands above does not
   matter. Where the processor looks up cheaply, that replaces a mask and a conversion. */
SV vf quant_values(vi code, int bits, mx_quant_mode mode) {
    if (mode == MX_MXFP8)
        return quant_from_e4m3(code);
    if (mode != MX_AFFINE)
        return quant_from_e2m1(code);
    if (VF_LANES == 16 && bits <= 4)
        return vf_lookup16(bits == 4 ? quant_u4 : bits == 3 ? quant_u3 : quant_u2, code);
    return vf_from_i(vi_and(code, vi_set1((1 << bits) - 1)));
}

/* ---- scales as float32 ---- */

/* One vector of n numbers from p; what is beyond them is 0. */
SV vf quant_scale_vector(const void *p, size_t n, mx_quant_mode mode, vf factor, mx_dtype kind) {
    uint8_t few[VF_LANES] = {0};
    if (kind != MX_UINT8)
        return n == VF_LANES ? kind_load(p, kind) : kind_loadn(p, n, kind);
    if (n < VF_LANES)
        memcpy(few, p, n);
    vi c = vi_load_u8(n < VF_LANES ? few : p);
    if (mode == MX_NVFP4)
        return vf_mul(quant_from_e4m3(c), factor);
    return as_vf(vi_select(vi_eq(c, vi_set1(0)), vi_set1(0x400000), vi_shl(c, 23)));
}

SV void quant_scale_list(float *dst, const char *p, ptrdiff_t n, mx_quant_mode mode, vf factor,
                         mx_dtype kind) {
    ptrdiff_t size = kind == MX_UINT8 ? 1 : (ptrdiff_t)kind_size(kind), i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(dst + i, quant_scale_vector(p + i * size, VF_LANES, mode, factor, kind));
    size_t rest = (size_t)(n - i);
    vf_store(dst + i,
             rest ? quant_scale_vector(p + i * size, rest, mode, factor, kind) : vf_zero());
}

/* Scales or biases g .. g+n of a row; n + VF_LANES places are written, zeros behind the numbers.
   Not inlined: a copy in every variant of a loop would be most of its code. */
__attribute__((noinline, unused)) static void
quant_scales(float *dst, const mx_quant_matrix *m, const char *row, ptrdiff_t g, ptrdiff_t n) {
    vf factor = vf_set1(m->factor);
    if (m->stype == MX_FLOAT32)
        quant_scale_list(dst, row + g * 4, n, MX_AFFINE, factor, MX_FLOAT32);
    else if (m->stype == MX_FLOAT16)
        quant_scale_list(dst, row + g * 2, n, MX_AFFINE, factor, MX_FLOAT16);
    else if (m->stype == MX_BFLOAT16)
        quant_scale_list(dst, row + g * 2, n, MX_AFFINE, factor, MX_BFLOAT16);
    else if (m->format.mode == MX_NVFP4)
        quant_scale_list(dst, row + g, n, MX_NVFP4, factor, MX_UINT8);
    else
        quant_scale_list(dst, row + g, n, MX_MXFP4, factor, MX_UINT8);
}

#define QUANT_UNROLL    SIMD_UNROLL(16)
#define QUANT_UNROLL_32 SIMD_UNROLL(32)

/* k_quant_pack.c, k_quant_decode.c */
mx_k_quant_pack KN(k_quant_pack);
mx_k_quant_dot KN(k_quant_dot_turned);
mx_k_dequant KN(k_dequant);
mx_k_dequantize KN(k_dequantize_f32), KN(k_dequantize_f16), KN(k_dequantize_bf16);

#endif
