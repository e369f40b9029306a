/* The vocabulary of simd.h on AVX-512 (F, BW, DQ, VL). Masks are mask registers. */
#ifndef MX_KERNELS_SIMD_AVX512_H
#define MX_KERNELS_SIMD_AVX512_H

#include <immintrin.h>

/* A word a line. */
// clang-format off

#define VF_LANES 16
#define VD_LANES 8
#define VF_FMA 1
#define VF_REGS 32
#define VF_LOOKUP 1
#define VD_LOOKUP 1
#define V_COMPRESS 1
#define V_SCALE 1

typedef __m512 vf;
typedef __m512i vi;
typedef __m512d vd;
typedef __m512i vl;
typedef __mmask16 vm;
typedef __mmask8 vdm;

/* ---- masks ---- */
SV vm vm_first(size_t n) { return (vm)((1u << n) - 1u); }
SV unsigned vm_bits(vm m) { return m; }
SV vm vm_and(vm a, vm b) { return (vm)(a & b); }
SV vm vm_or(vm a, vm b) { return (vm)(a | b); }
SV vm vm_xor(vm a, vm b) { return (vm)(a ^ b); }
SV vm vm_not(vm a) { return (vm)~a; }
SV vdm vdm_first(size_t n) { return (vdm)((1u << n) - 1u); }
SV unsigned vdm_bits(vdm m) { return m; }
SV vdm vdm_and(vdm a, vdm b) { return (vdm)(a & b); }
SV vdm vdm_or(vdm a, vdm b) { return (vdm)(a | b); }
SV vdm vdm_xor(vdm a, vdm b) { return (vdm)(a ^ b); }
SV vdm vdm_not(vdm a) { return (vdm)~a; }

/* ---- float32 ---- */
SV vi as_vi(vf a) { return _mm512_castps_si512(a); }
SV vf as_vf(vi a) { return _mm512_castsi512_ps(a); }
SV vf vf_set1(float x) { return _mm512_set1_ps(x); }
SV vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
SV void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
SV vf vf_loadn(const float *p, size_t n) { return _mm512_maskz_loadu_ps(vm_first(n), p); }
SV void vf_storen(float *p, vf a, size_t n) { _mm512_mask_storeu_ps(p, vm_first(n), a); }
SV vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
SV vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
SV vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
SV vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
SV vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
SV vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
SV vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
SV vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
SV vf vf_scale(vf a, vf k) { return _mm512_scalef_ps(a, k); }
SV vf vf_scale_normal(vf a, vf k) { return _mm512_scalef_ps(a, k); }
SV vf vf_sqrt(vf a) { return _mm512_sqrt_ps(a); }
SV vf vf_and(vf a, vf b) { return _mm512_and_ps(a, b); }
SV vf vf_or(vf a, vf b) { return _mm512_or_ps(a, b); }
SV vf vf_xor(vf a, vf b) { return _mm512_xor_ps(a, b); }
SV vf vf_floor(vf a) { return _mm512_roundscale_ps(a, 9); }
SV vf vf_ceil(vf a) { return _mm512_roundscale_ps(a, 10); }
SV vf vf_trunc(vf a) { return _mm512_roundscale_ps(a, 11); }
SV vf vf_round(vf a) { return _mm512_roundscale_ps(a, 8); }
SV vm vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
SV vm vf_le(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
SV vm vf_gt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
SV vm vf_ge(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
SV vm vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
SV vm vf_ne(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
SV vf vf_select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }
SV float vf_sum(vf a) {
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
SV float vf_hmax(vf a) { return _mm512_reduce_max_ps(a); }
SV float vf_hmin(vf a) { return _mm512_reduce_min_ps(a); }
SV vf vf_lookup16(const float *p, vi i) { return _mm512_permutexvar_ps(i, _mm512_loadu_ps(p)); }
SV vf vf_gather(const float *p, vi i) { return _mm512_i32gather_ps(i, p, 4); }

/* ---- int32 ---- */
SV vi vi_set1(int32_t x) { return _mm512_set1_epi32(x); }
SV vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
SV void vi_store(int32_t *p, vi a) { _mm512_storeu_si512(p, a); }
SV vi vi_loadn(const int32_t *p, size_t n) { return _mm512_maskz_loadu_epi32(vm_first(n), p); }
SV void vi_storen(int32_t *p, vi a, size_t n) { _mm512_mask_storeu_epi32(p, vm_first(n), a); }
SV vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
SV vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
SV vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
SV vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
SV vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
SV vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
SV vi vi_min(vi a, vi b) { return _mm512_min_epi32(a, b); }
SV vi vi_max(vi a, vi b) { return _mm512_max_epi32(a, b); }
SV vm vi_eq(vi a, vi b) { return _mm512_cmpeq_epi32_mask(a, b); }
SV vm vi_gt(vi a, vi b) { return _mm512_cmpgt_epi32_mask(a, b); }
SV vm vi_lt(vi a, vi b) { return _mm512_cmplt_epi32_mask(a, b); }
SV vi vi_select(vm m, vi a, vi b) { return _mm512_mask_blend_epi32(m, b, a); }
/* Shifts by 0..31: left, right with zeros, right with the sign. */
SV vi vi_shl(vi a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
SV vi vi_shr(vi a, int n) { return _mm512_srli_epi32(a, (unsigned)n); }
SV vi vi_sra(vi a, int n) { return _mm512_srai_epi32(a, (unsigned)n); }
/* Each lane by its own count, 0..31, with zeros. */
SV vi vi_shlv(vi a, vi n) { return _mm512_sllv_epi32(a, n); }
SV vi vi_shrv(vi a, vi n) { return _mm512_srlv_epi32(a, n); }
SV vf vf_from_i(vi a) { return _mm512_cvtepi32_ps(a); }
SV vi vi_from_f(vf a) { return _mm512_cvttps_epi32(a); }
SV vi vi_round_f(vf a) { return _mm512_cvtps_epi32(a); }
SV vi vi_gather(const int32_t *p, vi i) { return _mm512_i32gather_epi32(i, p, 4); }
SV vi vi_compress(vi a, vm m) { return _mm512_maskz_compress_epi32(m, a); }
SV vi vi_lane(void) {
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}
SV vi vi_xor_lanes(vi a, int x) {
    return _mm512_permutexvar_epi32(vi_xor(vi_lane(), vi_set1(x)), a);
}

/* ---- float64, int64 ---- */
SV vl as_vl(vd a) { return _mm512_castpd_si512(a); }
SV vd as_vd(vl a) { return _mm512_castsi512_pd(a); }
SV vd vd_set1(double x) { return _mm512_set1_pd(x); }
SV vd vd_load(const double *p) { return _mm512_loadu_pd(p); }
SV void vd_store(double *p, vd a) { _mm512_storeu_pd(p, a); }
SV vd vd_loadn(const double *p, size_t n) { return _mm512_maskz_loadu_pd(vdm_first(n), p); }
SV void vd_storen(double *p, vd a, size_t n) { _mm512_mask_storeu_pd(p, vdm_first(n), a); }
SV vd vd_add(vd a, vd b) { return _mm512_add_pd(a, b); }
SV vd vd_sub(vd a, vd b) { return _mm512_sub_pd(a, b); }
SV vd vd_mul(vd a, vd b) { return _mm512_mul_pd(a, b); }
SV vd vd_div(vd a, vd b) { return _mm512_div_pd(a, b); }
SV vd vd_fma(vd a, vd b, vd c) { return _mm512_fmadd_pd(a, b, c); }
SV vd vd_fnma(vd a, vd b, vd c) { return _mm512_fnmadd_pd(a, b, c); }
SV vd vd_min(vd a, vd b) { return _mm512_min_pd(a, b); }
SV vd vd_max(vd a, vd b) { return _mm512_max_pd(a, b); }
SV vd vd_scale(vd a, vd k) { return _mm512_scalef_pd(a, k); }
SV vd vd_scale_normal(vd a, vd k) { return _mm512_scalef_pd(a, k); }
SV vd vd_sqrt(vd a) { return _mm512_sqrt_pd(a); }
SV vd vd_and(vd a, vd b) { return _mm512_and_pd(a, b); }
SV vd vd_or(vd a, vd b) { return _mm512_or_pd(a, b); }
SV vd vd_xor(vd a, vd b) { return _mm512_xor_pd(a, b); }
SV vd vd_floor(vd a) { return _mm512_roundscale_pd(a, 9); }
SV vd vd_ceil(vd a) { return _mm512_roundscale_pd(a, 10); }
SV vd vd_trunc(vd a) { return _mm512_roundscale_pd(a, 11); }
SV vd vd_round(vd a) { return _mm512_roundscale_pd(a, 8); }
SV vdm vd_lt(vd a, vd b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
SV vdm vd_le(vd a, vd b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
SV vdm vd_gt(vd a, vd b) { return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ); }
SV vdm vd_ge(vd a, vd b) { return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ); }
SV vdm vd_eq(vd a, vd b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
SV vdm vd_ne(vd a, vd b) { return _mm512_cmp_pd_mask(a, b, _CMP_NEQ_UQ); }
SV vd vd_select(vdm m, vd a, vd b) { return _mm512_mask_blend_pd(m, b, a); }
SV double vd_sum(vd a) {
    __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}
SV vl vl_set1(int64_t x) { return _mm512_set1_epi64(x); }
SV vl vl_load(const int64_t *p) { return _mm512_loadu_si512(p); }
SV void vl_store(int64_t *p, vl a) { _mm512_storeu_si512(p, a); }
SV vl vl_loadn(const int64_t *p, size_t n) { return _mm512_maskz_loadu_epi64(vdm_first(n), p); }
SV void vl_storen(int64_t *p, vl a, size_t n) { _mm512_mask_storeu_epi64(p, vdm_first(n), a); }
SV vl vl_add(vl a, vl b) { return _mm512_add_epi64(a, b); }
SV vl vl_sub(vl a, vl b) { return _mm512_sub_epi64(a, b); }
SV vl vl_and(vl a, vl b) { return _mm512_and_si512(a, b); }
SV vl vl_or(vl a, vl b) { return _mm512_or_si512(a, b); }
SV vl vl_xor(vl a, vl b) { return _mm512_xor_si512(a, b); }
SV vl vl_shl(vl a, int n) { return _mm512_slli_epi64(a, (unsigned)n); }
SV vl vl_shr(vl a, int n) { return _mm512_srli_epi64(a, (unsigned)n); }
SV vdm vl_eq(vl a, vl b) { return _mm512_cmpeq_epi64_mask(a, b); }
SV vdm vl_lt(vl a, vl b) { return _mm512_cmplt_epi64_mask(a, b); }
SV vl vl_min(vl a, vl b) { return _mm512_min_epi64(a, b); }
SV vl vl_max(vl a, vl b) { return _mm512_max_epi64(a, b); }
SV vd vd_lookup16(const double *p, vl i) {
    return _mm512_permutex2var_pd(_mm512_loadu_pd(p), i, _mm512_loadu_pd(p + 8));
}
SV vd vd_lookup32(const double *p, vl i) {
    vdm high = _mm512_test_epi64_mask(i, _mm512_set1_epi64(16));
    return vd_select(high, vd_lookup16(p + 16, i), vd_lookup16(p, i));
}
SV vl vl_compress(vl a, vdm m) { return _mm512_maskz_compress_epi64(m, a); }
SV vl vl_lane(void) { return _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0); }
SV vl vl_xor_lanes(vl a, int x) {
    return _mm512_permutexvar_epi64(vl_xor(vl_lane(), vl_set1(x)), a);
}
SV vl vl_select(vdm m, vl a, vl b) { return _mm512_mask_blend_epi64(m, b, a); }

/* ---- between widths ---- */
SV vd vd_lo(vf a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
SV vd vd_hi(vf a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }
SV vf vf_from_d(vd lo, vd hi) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(lo)), _mm512_cvtpd_ps(hi), 1);
}
SV vf vf_load_bf16(const uint16_t *p) {
    return as_vf(vi_shl(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)), 16));
}
/* The upper 16 bits of each lane, to VF_LANES consecutive 16-bit places. */
SV void vi_store_high16(uint16_t *p, vi a) {
    _mm256_storeu_si256((void *)p, _mm512_cvtepi32_epi16(vi_shr(a, 16)));
}
SV vf vf_load_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}
SV void vf_store_f16(uint16_t *p, vf a) {
    _mm256_storeu_si256((void *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
SV vf vf_round_f16(vf a) {
    return _mm512_cvtph_ps(_mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
SV vi vi_load_u8(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)p));
}
SV void vi_store_u8(uint8_t *p, vi a) {
    _mm_storeu_si128((void *)p, _mm512_cvtepi32_epi8(a));
}
SV vm vm_load_bool(const uint8_t *p) {
    __m128i b = _mm_loadu_si128((const void *)p);
    return _mm_test_epi8_mask(b, b);
}
SV void vm_store_bool(uint8_t *p, vm m) {
    _mm_storeu_si128((void *)p, _mm_maskz_set1_epi8(m, 1));
}

#endif
