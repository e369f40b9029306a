/* The vocabulary of simd.h on AVX2 with FMA and F16C. Masks are lanes of all ones or all zeros. */
#ifndef MX_KERNELS_SIMD_AVX2_H
#define MX_KERNELS_SIMD_AVX2_H

#include <immintrin.h>

/* A word a line. */
// clang-format off

#define VF_LANES 8
#define VD_LANES 4
#define VF_FMA 1
#define VF_REGS 16
#define VF_LOOKUP 1
#define VD_LOOKUP 0
#define V_COMPRESS 1
#define V_SCALE 0

typedef __m256 vf;
typedef __m256i vi;
typedef __m256d vd;
typedef __m256i vl;
typedef __m256 vm;
typedef __m256d vdm;

/* ---- masks ---- */
SV __m256i simd_first32(size_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}
SV __m256i simd_first64(size_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((int64_t)n), _mm256_setr_epi64x(0, 1, 2, 3));
}
SV vm vm_first(size_t n) { return _mm256_castsi256_ps(simd_first32(n)); }
SV unsigned vm_bits(vm m) { return (unsigned)_mm256_movemask_ps(m); }
SV vm vm_and(vm a, vm b) { return _mm256_and_ps(a, b); }
SV vm vm_or(vm a, vm b) { return _mm256_or_ps(a, b); }
SV vm vm_xor(vm a, vm b) { return _mm256_xor_ps(a, b); }
SV vm vm_not(vm a) {
    return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1)));
}
SV vdm vdm_first(size_t n) { return _mm256_castsi256_pd(simd_first64(n)); }
SV unsigned vdm_bits(vdm m) { return (unsigned)_mm256_movemask_pd(m); }
SV vdm vdm_and(vdm a, vdm b) { return _mm256_and_pd(a, b); }
SV vdm vdm_or(vdm a, vdm b) { return _mm256_or_pd(a, b); }
SV vdm vdm_xor(vdm a, vdm b) { return _mm256_xor_pd(a, b); }
SV vdm vdm_not(vdm a) {
    return _mm256_xor_pd(a, _mm256_castsi256_pd(_mm256_set1_epi32(-1)));
}

/* ---- float32 ---- */
SV vi as_vi(vf a) { return _mm256_castps_si256(a); }
SV vf as_vf(vi a) { return _mm256_castsi256_ps(a); }
SV vf vf_set1(float x) { return _mm256_set1_ps(x); }
SV vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
SV void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
SV vf vf_loadn(const float *p, size_t n) { return _mm256_maskload_ps(p, simd_first32(n)); }
SV void vf_storen(float *p, vf a, size_t n) { _mm256_maskstore_ps(p, simd_first32(n), a); }
SV vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
SV vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
SV vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
SV vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
SV vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
SV vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
SV vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
SV vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
SV vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
SV vf vf_and(vf a, vf b) { return _mm256_and_ps(a, b); }
SV vf vf_or(vf a, vf b) { return _mm256_or_ps(a, b); }
SV vf vf_xor(vf a, vf b) { return _mm256_xor_ps(a, b); }
SV vf vf_floor(vf a) { return _mm256_round_ps(a, 9); }
SV vf vf_ceil(vf a) { return _mm256_round_ps(a, 10); }
SV vf vf_trunc(vf a) { return _mm256_round_ps(a, 11); }
SV vf vf_round(vf a) { return _mm256_round_ps(a, 8); }
SV vm vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
SV vm vf_le(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
SV vm vf_gt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
SV vm vf_ge(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
SV vm vf_eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
SV vm vf_ne(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_NEQ_UQ); }
SV vf vf_select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }
SV float vf_sum(vf a) {
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
SV float vf_hmax(vf a) {
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
SV float vf_hmin(vf a) {
    __m128 q = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    q = _mm_min_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_min_ss(q, _mm_movehdup_ps(q)));
}
SV vf vf_gather(const float *p, vi i) { return _mm256_i32gather_ps(p, i, 4); }

SV vf vf_lookup16(const float *p, vi i) {
    vf low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(p), i);
    vf high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(p + 8), i);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)));
}

/* ---- int32 ---- */
SV vi vi_set1(int32_t x) { return _mm256_set1_epi32(x); }
SV vi vi_load(const int32_t *p) { return _mm256_loadu_si256((const void *)p); }
SV void vi_store(int32_t *p, vi a) { _mm256_storeu_si256((void *)p, a); }
SV vi vi_loadn(const int32_t *p, size_t n) { return _mm256_maskload_epi32(p, simd_first32(n)); }
SV void vi_storen(int32_t *p, vi a, size_t n) { _mm256_maskstore_epi32(p, simd_first32(n), a); }
SV vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
SV vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
SV vi vi_mul(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
SV vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
SV vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
SV vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
SV vi vi_min(vi a, vi b) { return _mm256_min_epi32(a, b); }
SV vi vi_max(vi a, vi b) { return _mm256_max_epi32(a, b); }
SV vm vi_eq(vi a, vi b) { return as_vf(_mm256_cmpeq_epi32(a, b)); }
SV vm vi_gt(vi a, vi b) { return as_vf(_mm256_cmpgt_epi32(a, b)); }
SV vm vi_lt(vi a, vi b) { return as_vf(_mm256_cmpgt_epi32(b, a)); }
SV vi vi_select(vm m, vi a, vi b) { return as_vi(_mm256_blendv_ps(as_vf(b), as_vf(a), m)); }
/* Shifts by 0..31: left, right with zeros, right with the sign. */
SV vi vi_shl(vi a, int n) { return _mm256_slli_epi32(a, n); }
SV vi vi_shr(vi a, int n) { return _mm256_srli_epi32(a, n); }
SV vi vi_sra(vi a, int n) { return _mm256_srai_epi32(a, n); }
/* Each lane by its own count, 0..31, with zeros. */
SV vi vi_shlv(vi a, vi n) { return _mm256_sllv_epi32(a, n); }
SV vi vi_shrv(vi a, vi n) { return _mm256_srlv_epi32(a, n); }
SV vf vf_from_i(vi a) { return _mm256_cvtepi32_ps(a); }
SV vi vi_from_f(vf a) { return _mm256_cvttps_epi32(a); }
SV vi vi_round_f(vf a) { return _mm256_cvtps_epi32(a); }
SV vi vi_gather(const int32_t *p, vi i) { return _mm256_i32gather_epi32(p, i, 4); }
SV vi vi_lane(void) { return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0); }
SV vi vi_xor_lanes(vi a, int x) {
    return _mm256_permutevar8x32_epi32(a, vi_xor(vi_lane(), vi_set1(x)));
}
/* simd_chosen[mask]: the numbers of its bits, the lowest first, four bits each. */
#define SIMD_BIT(m, i, j) ((m) >> (j) & 1 & -((i) > (j)))
#define SIMD_BELOW(m, i) (SIMD_BIT(m, i, 0) + SIMD_BIT(m, i, 1) + SIMD_BIT(m, i, 2) + \
                          SIMD_BIT(m, i, 3) + SIMD_BIT(m, i, 4) + SIMD_BIT(m, i, 5) + \
                          SIMD_BIT(m, i, 6))
#define SIMD_PLACE(m, i) ((uint32_t)((m) >> (i) & 1) * (uint32_t)(i) << 4 * SIMD_BELOW(m, i))
#define SIMD_CHOSEN(m) SIMD_PLACE(m, 1) | SIMD_PLACE(m, 2) | SIMD_PLACE(m, 3) | SIMD_PLACE(m, 4) | \
                       SIMD_PLACE(m, 5) | SIMD_PLACE(m, 6) | SIMD_PLACE(m, 7)
#define SIMD_TWO(m) SIMD_CHOSEN(m), SIMD_CHOSEN((m) + 1)
#define SIMD_FOUR(m) SIMD_TWO(m), SIMD_TWO((m) + 2)
#define SIMD_16(m) SIMD_FOUR(m), SIMD_FOUR((m) + 4), SIMD_FOUR((m) + 8), SIMD_FOUR((m) + 12)
#define SIMD_64(m) SIMD_16(m), SIMD_16((m) + 16), SIMD_16((m) + 32), SIMD_16((m) + 48)
static const uint32_t simd_chosen[256] = {SIMD_64(0), SIMD_64(64), SIMD_64(128), SIMD_64(192)};
SV vi simd_compress(vi a, unsigned mask) {
    vi shift = _mm256_set_epi32(28, 24, 20, 16, 12, 8, 4, 0);
    vi at = _mm256_srlv_epi32(vi_set1((int32_t)simd_chosen[mask]), shift);
    return _mm256_permutevar8x32_epi32(a, at);
}
SV vi vi_compress(vi a, vm m) { return simd_compress(a, vm_bits(m)); }

/* ---- float64, int64 ---- */
SV vl as_vl(vd a) { return _mm256_castpd_si256(a); }
SV vd as_vd(vl a) { return _mm256_castsi256_pd(a); }
SV vd vd_set1(double x) { return _mm256_set1_pd(x); }
SV vd vd_load(const double *p) { return _mm256_loadu_pd(p); }
SV void vd_store(double *p, vd a) { _mm256_storeu_pd(p, a); }
SV vd vd_loadn(const double *p, size_t n) { return _mm256_maskload_pd(p, simd_first64(n)); }
SV void vd_storen(double *p, vd a, size_t n) { _mm256_maskstore_pd(p, simd_first64(n), a); }
SV vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
SV vd vd_sub(vd a, vd b) { return _mm256_sub_pd(a, b); }
SV vd vd_mul(vd a, vd b) { return _mm256_mul_pd(a, b); }
SV vd vd_div(vd a, vd b) { return _mm256_div_pd(a, b); }
SV vd vd_fma(vd a, vd b, vd c) { return _mm256_fmadd_pd(a, b, c); }
SV vd vd_fnma(vd a, vd b, vd c) { return _mm256_fnmadd_pd(a, b, c); }
SV vd vd_min(vd a, vd b) { return _mm256_min_pd(a, b); }
SV vd vd_max(vd a, vd b) { return _mm256_max_pd(a, b); }
SV vd vd_sqrt(vd a) { return _mm256_sqrt_pd(a); }
SV vd vd_and(vd a, vd b) { return _mm256_and_pd(a, b); }
SV vd vd_or(vd a, vd b) { return _mm256_or_pd(a, b); }
SV vd vd_xor(vd a, vd b) { return _mm256_xor_pd(a, b); }
SV vd vd_floor(vd a) { return _mm256_round_pd(a, 9); }
SV vd vd_ceil(vd a) { return _mm256_round_pd(a, 10); }
SV vd vd_trunc(vd a) { return _mm256_round_pd(a, 11); }
SV vd vd_round(vd a) { return _mm256_round_pd(a, 8); }
SV vdm vd_lt(vd a, vd b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
SV vdm vd_le(vd a, vd b) { return _mm256_cmp_pd(a, b, _CMP_LE_OQ); }
SV vdm vd_gt(vd a, vd b) { return _mm256_cmp_pd(a, b, _CMP_GT_OQ); }
SV vdm vd_ge(vd a, vd b) { return _mm256_cmp_pd(a, b, _CMP_GE_OQ); }
SV vdm vd_eq(vd a, vd b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
SV vdm vd_ne(vd a, vd b) { return _mm256_cmp_pd(a, b, _CMP_NEQ_UQ); }
SV vd vd_select(vdm m, vd a, vd b) { return _mm256_blendv_pd(b, a, m); }
SV double vd_sum(vd a) {
    __m128d q = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}
SV vl vl_set1(int64_t x) { return _mm256_set1_epi64x(x); }
SV vl vl_load(const int64_t *p) { return _mm256_loadu_si256((const void *)p); }
SV void vl_store(int64_t *p, vl a) { _mm256_storeu_si256((void *)p, a); }
SV vl vl_loadn(const int64_t *p, size_t n) {
    return _mm256_maskload_epi64((const long long *)p, simd_first64(n));
}
SV void vl_storen(int64_t *p, vl a, size_t n) {
    _mm256_maskstore_epi64((long long *)p, simd_first64(n), a);
}
SV vl vl_add(vl a, vl b) { return _mm256_add_epi64(a, b); }
SV vl vl_sub(vl a, vl b) { return _mm256_sub_epi64(a, b); }
SV vl vl_and(vl a, vl b) { return _mm256_and_si256(a, b); }
SV vl vl_or(vl a, vl b) { return _mm256_or_si256(a, b); }
SV vl vl_xor(vl a, vl b) { return _mm256_xor_si256(a, b); }
SV vl vl_shl(vl a, int n) { return _mm256_slli_epi64(a, n); }
SV vl vl_shr(vl a, int n) { return _mm256_srli_epi64(a, n); }
SV vdm vl_eq(vl a, vl b) { return as_vd(_mm256_cmpeq_epi64(a, b)); }
SV vdm vl_lt(vl a, vl b) { return _mm256_castsi256_pd(_mm256_cmpgt_epi64(b, a)); }
SV vl vl_min(vl a, vl b) {
    vd x = _mm256_castsi256_pd(a), y = _mm256_castsi256_pd(b);
    return _mm256_castpd_si256(_mm256_blendv_pd(y, x, vl_lt(a, b)));
}
SV vl vl_max(vl a, vl b) {
    vd x = _mm256_castsi256_pd(a), y = _mm256_castsi256_pd(b);
    return _mm256_castpd_si256(_mm256_blendv_pd(x, y, vl_lt(a, b)));
}
/* Four loads: faster than the instruction that gathers. */
SV vd simd_lookup(const double *p, vl i) {
    return _mm256_setr_pd(p[_mm256_extract_epi64(i, 0)], p[_mm256_extract_epi64(i, 1)],
                          p[_mm256_extract_epi64(i, 2)], p[_mm256_extract_epi64(i, 3)]);
}
SV vd vd_lookup16(const double *p, vl i) { return simd_lookup(p, vl_and(i, vl_set1(15))); }
SV vd vd_lookup32(const double *p, vl i) { return simd_lookup(p, vl_and(i, vl_set1(31))); }
/* As 32-bit lanes, two bits of the mask for each. */
SV vl vl_compress(vl a, vdm m) {
    unsigned b = vdm_bits(m);
    return simd_compress(a, (b & 1) * 3 | (b & 2) * 6 | (b & 4) * 12 | (b & 8) * 24);
}
SV vl vl_lane(void) { return _mm256_set_epi64x(3, 2, 1, 0); }
SV vl vl_xor_lanes(vl a, int x) { return vi_xor_lanes(a, 2 * x); }
SV vl vl_select(vdm m, vl a, vl b) { return as_vl(_mm256_blendv_pd(as_vd(b), as_vd(a), m)); }

/* ---- between widths ---- */
SV vd vd_lo(vf a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
SV vd vd_hi(vf a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
SV vf vf_from_d(vd lo, vd hi) {
    __m256 low = _mm256_castps128_ps256(_mm256_cvtpd_ps(lo));
    return _mm256_insertf128_ps(low, _mm256_cvtpd_ps(hi), 1);
}
SV vf vf_load_bf16(const uint16_t *p) {
    return as_vf(vi_shl(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p)), 16));
}
/* The upper 16 bits of each lane, to VF_LANES consecutive 16-bit places. */
SV void vi_store_high16(uint16_t *p, vi a) {
    vi h = vi_shr(a, 16);
    __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    _mm_storeu_si128((void *)p, packed);
}
SV vf vf_load_f16(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}
SV void vf_store_f16(uint16_t *p, vf a) {
    _mm_storeu_si128((void *)p, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
SV vf vf_round_f16(vf a) {
    return _mm256_cvtph_ps(_mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
SV vi vi_load_u8(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p));
}
SV void vi_store_u8(uint8_t *p, vi a) {
    __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64((void *)p, _mm_packus_epi16(h, h));
}
SV vm vm_load_bool(const uint8_t *p) {
    __m256i b = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p));
    return vi_gt(b, _mm256_setzero_si256());
}
SV void vm_store_bool(uint8_t *p, vm m) {
    __m256i ones = _mm256_srli_epi32(as_vi(m), 31);
    __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(ones), _mm256_extracti128_si256(ones, 1));
    _mm_storel_epi64((void *)p, _mm_packs_epi16(h, h));
}

#endif
