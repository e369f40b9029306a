/* The SIMD vocabulary: the words that every kernel family writes its loops in.
 *
 * One header per instruction set gives the same words; the compiler's flags choose (a file is built
 * again for each set, see kernels.h), so no kernel names an intrinsic. All are static and
 * forced inline.
 *
 *     type  lanes                       | baseline (SSE2)  avx2  avx512  neon
 *     vf    VF_LANES float32            |        4           8     16      4
 *     vi    VF_LANES int32              |
 *     vm    one bit or lane mask for vf, vi
 *     vd    VD_LANES float64            |        2           4      8      2
 *     vl    VD_LANES int64              |
 *     vdm   mask for vd, vl
 *
 * VF_FMA is 1 where vf_fma rounds once; elsewhere it is a product and a sum. VF_REGS: vector
 * registers.
 *
 *     load store          VF_LANES elements, any alignment of the element
 *     loadn storen(, n)   the first n, 0 <= n <= VF_LANES, nothing beyond; loadn fills with 0
 *     load_f16 load_bf16  from 16-bit storage, as vf; store_* rounds to nearest even, NaN stays NaN
 *     fma(a,b,c)  a b + c        fnma(a,b,c)  c - a b
 *     min max     a NaN as the second operand stays, as the first is unspecified; of equal operands
 *                 (0 and -0) either; vf_min_nan, vf_max_nan give NaN if either is
 *     round       to nearest, ties to even
 *     vi_from_f  vi_round_f  truncate, round; for |x| < 2^31, else any value
 *     scale(a, k)  a 2^k, rounded once, for whole |k| <= 252 (vd: 2044); scale_normal: for 2^k
 *                  that is a normal number
 *     lt le gt ge eq  false with NaN              ne  true with NaN
 *     select(m,a,b)   m ? a : b, lane by lane
 *     vm_bits     lane i's bit is bit i           vm_first(n)  the first n lanes
 *     as_vi as_vf as_vl as_vd   the same bits
 *     vf_sum      always the same tree: halves are added until one lane is left
 *     vd_lo vd_hi halves of a vf as float64; vf_from_d joins them again, rounding
 *     vf_gather(p, i)  p[i[lane]]
 *     vf_lookup16(p, i)  p[i[lane] mod 16]; VF_LOOKUP is 1 where that is cheap
 *     vd_lookup16 vd_lookup32(p, i)  p[i[lane] mod 16], mod 32; likewise VD_LOOKUP
 *     vi_shlv vi_shrv(a, n)  each lane shifted by its own count
 *     vi_load_u8 / vi_store_u8       VF_LANES bytes, 0 .. 255 in each lane
 *     compress(a, m)   the lanes of m first, in order; xor_lanes(a, x): lane i gets a[i ^ x]; lane:
 *                      its number
 *                 (vi and vl, also vl_lt vl_min vl_max: where V_COMPRESS is 1)
 *     vm_load_bool / vm_store_bool   bytes 0 or 1 (any non-zero byte is true on load)
 */
#ifndef MX_KERNELS_SIMD_H
#define MX_KERNELS_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/half.h"

#define SV static inline __attribute__((always_inline, unused))

/* Before a loop: n rounds of it, or all where they are fewer, one after the other. With
   AddressSanitizer GCC keeps some of these loops, and warns of each. */
#define SIMD_PRAGMA_(words) _Pragma(#words)
#if defined(__clang__)
#define SIMD_UNROLL(n) _Pragma("unroll")
#elif defined(__SANITIZE_ADDRESS__)
#define SIMD_UNROLL(n)
#else
#define SIMD_UNROLL(n) SIMD_PRAGMA_(GCC unroll n)
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include "kernels/simd/simd_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "kernels/simd/simd_avx2.h"
#elif defined(__SSE2__)
#include "kernels/simd/simd_baseline.h"
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include "kernels/simd/simd_neon.h"
#else
#error "no SIMD header for this processor"
#endif

/* ---- words made of the others ---- */

SV vf vf_zero(void) {
    return vf_set1(0.0f);
}
SV vd vd_zero(void) {
    return vd_set1(0.0);
}
/* The constant with these bits. */
SV vf vf_bits(uint32_t u) {
    return as_vf(vi_set1((int32_t)u));
}
SV vd vd_bits(uint64_t u) {
    return as_vd(vl_set1((int64_t)u));
}
SV vf vf_abs(vf a) {
    return vf_and(a, vf_bits(0x7fffffffu));
}
SV vf vf_neg(vf a) {
    return vf_xor(a, vf_bits(0x80000000u));
}
/* The sign bit alone. */
SV vf vf_signbit(vf a) {
    return vf_and(a, vf_bits(0x80000000u));
}
SV vf vf_copysign(vf magnitude, vf sign) {
    return vf_or(vf_abs(magnitude), vf_signbit(sign));
}
SV vd vd_abs(vd a) {
    return vd_and(a, vd_bits(0x7fffffffffffffffu));
}
SV vd vd_neg(vd a) {
    return vd_xor(a, vd_bits(0x8000000000000000u));
}
SV vd vd_signbit(vd a) {
    return vd_and(a, vd_bits(0x8000000000000000u));
}
SV vd vd_copysign(vd magnitude, vd sign) {
    return vd_or(vd_abs(magnitude), vd_signbit(sign));
}
SV vm vf_isnan(vf a) {
    return vf_ne(a, a);
}
SV vdm vd_isnan(vd a) {
    return vd_ne(a, a);
}
SV vf vf_max_nan(vf a, vf b) {
    return vf_select(vf_isnan(a), a, vf_select(vf_isnan(b), b, vf_max(a, b)));
}
SV vf vf_min_nan(vf a, vf b) {
    return vf_select(vf_isnan(a), a, vf_select(vf_isnan(b), b, vf_min(a, b)));
}
SV vd vd_max_nan(vd a, vd b) {
    return vd_select(vd_isnan(a), a, vd_select(vd_isnan(b), b, vd_max(a, b)));
}
SV vd vd_min_nan(vd a, vd b) {
    return vd_select(vd_isnan(a), a, vd_select(vd_isnan(b), b, vd_min(a, b)));
}
SV bool vm_any(vm m) {
    return vm_bits(m) != 0;
}
SV bool vm_all(vm m) {
    return vm_bits(m) == (1u << VF_LANES) - 1u;
}
SV bool vdm_any(vdm m) {
    return vdm_bits(m) != 0;
}
SV bool vdm_all(vdm m) {
    return vdm_bits(m) == (1u << VD_LANES) - 1u;
}
/* 2^n for -126 <= n <= 127. */
SV vf vf_pow2i(vi n) {
    return as_vf(vi_shl(vi_add(n, vi_set1(127)), 23));
}
/* 2^n for -1022 <= n <= 1023; the low 12 bits count. */
SV vd vd_pow2i(vl n) {
    return as_vd(vl_shl(vl_add(n, vl_set1(1023)), 52));
}
/* x as an integer, rounded to nearest even, for |x| < 2^51; and back. */
SV vl vl_round_d(vd x) {
    vd magic = vd_set1(6755399441055744.0); // 1.5 2^52: the sum's low bits are the integer
    return vl_sub(as_vl(vd_add(x, magic)), as_vl(magic));
}
SV vd vd_from_l(vl n) {
    vd magic = vd_set1(6755399441055744.0);
    return vd_sub(as_vd(vl_add(n, as_vl(magic))), magic);
}
#if !V_SCALE
SV vf vf_scale_normal(vf a, vf k) {
    return vf_mul(a, vf_pow2i(vi_from_f(k)));
}
/* In two steps, so that subnormal results are rounded once. */
SV vf vf_scale(vf a, vf k) {
    vi n = vi_from_f(k), half = vi_sra(n, 1);
    return vf_mul(vf_mul(a, vf_pow2i(half)), vf_pow2i(vi_sub(n, half)));
}
/* The sums have in their low bits what vd_pow2i looks at, as vl_round_d's. */
SV vd vd_scale_normal(vd a, vd k) {
    return vd_mul(a, vd_pow2i(as_vl(vd_add(k, vd_set1(6755399441055744.0)))));
}
SV vd vd_scale(vd a, vd k) {
    vl n = as_vl(vd_add(k, vd_set1(6755399441055744.0 + 4096)));
    vl half = vl_sub(vl_shr(n, 1), vl_set1(2048)), rest = vl_sub(vl_sub(n, vl_set1(4096)), half);
    return vd_mul(vd_mul(a, vd_pow2i(half)), vd_pow2i(rest));
}
#endif
SV vi vi_neg(vi a) {
    return vi_sub(vi_set1(0), a);
}
SV vi vi_not(vi a) {
    return vi_xor(a, vi_set1(-1));
}
/* bfloat16 bits in the high half of each lane, ready to be narrowed: round to nearest even. */
SV vi vi_round_bf16(vf a) {
    vi u = as_vi(a);
    vi odd = vi_and(vi_shr(u, 16), vi_set1(1));
    vi r = vi_add(u, vi_add(odd, vi_set1(0x7fff)));
    return vi_select(vf_isnan(a), vi_or(u, vi_set1(0x400000)), r);
}
SV vf vf_round_bf16(vf a) {
    return vf_and(as_vf(vi_round_bf16(a)), vf_bits(0xffff0000u));
}
SV void vf_store_bf16(uint16_t *p, vf a) {
    vi_store_high16(p, vi_round_bf16(a));
}
SV void vf_storen_bf16(uint16_t *p, vf a, size_t n) {
    uint16_t t[VF_LANES];
    vf_store_bf16(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV void vf_storen_f16(uint16_t *p, vf a, size_t n) {
    uint16_t t[VF_LANES];
    vf_store_f16(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV vf vf_loadn_bf16(const uint16_t *p, size_t n) {
    uint16_t t[VF_LANES] = {0};
    memcpy(t, p, n * sizeof *p);
    return vf_load_bf16(t);
}
SV vf vf_loadn_f16(const uint16_t *p, size_t n) {
    uint16_t t[VF_LANES] = {0};
    memcpy(t, p, n * sizeof *p);
    return vf_load_f16(t);
}
SV vm vm_loadn_bool(const uint8_t *p, size_t n) {
    uint8_t t[VF_LANES] = {0};
    memcpy(t, p, n);
    return vm_load_bool(t);
}
SV void vm_storen_bool(uint8_t *p, vm m, size_t n) {
    uint8_t t[VF_LANES];
    vm_store_bool(t, m);
    memcpy(p, t, n);
}

#endif
