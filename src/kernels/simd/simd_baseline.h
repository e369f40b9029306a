/* The vocabulary of simd.h on SSE2, which every x86-64 has. Masks are lanes of all ones or all
 * zeros. Missing instructions (rounding, blends, fused products, half conversions) are short
 * sequences.
 */
#ifndef MX_KERNELS_SIMD_BASELINE_H
#define MX_KERNELS_SIMD_BASELINE_H

#include <emmintrin.h>

/* A word a line. */
// clang-format off

#define VF_LANES 4
#define VD_LANES 2
#define VF_FMA 0
#define VF_REGS 16
#define VF_LOOKUP 0
#define VD_LOOKUP 0
#define V_COMPRESS 0
#define V_SCALE 0

typedef __m128 vf;
typedef __m128i vi;
typedef __m128d vd;
typedef __m128i vl;
typedef __m128 vm;
typedef __m128d vdm;

/* ---- masks ---- */
SV vm vm_first(size_t n) {
    const __m128i lane = _mm_setr_epi32(0, 1, 2, 3);
    return _mm_castsi128_ps(_mm_cmpgt_epi32(_mm_set1_epi32((int)n), lane));
}
SV unsigned vm_bits(vm m) { return (unsigned)_mm_movemask_ps(m); }
SV vm vm_and(vm a, vm b) { return _mm_and_ps(a, b); }
SV vm vm_or(vm a, vm b) { return _mm_or_ps(a, b); }
SV vm vm_xor(vm a, vm b) { return _mm_xor_ps(a, b); }
SV vm vm_not(vm a) { return _mm_xor_ps(a, _mm_castsi128_ps(_mm_set1_epi32(-1))); }
SV vdm vdm_first(size_t n) {
    const __m128i lane = _mm_setr_epi32(0, 0, 1, 1);
    return _mm_castsi128_pd(_mm_cmpgt_epi32(_mm_set1_epi32((int)n), lane));
}
SV unsigned vdm_bits(vdm m) { return (unsigned)_mm_movemask_pd(m); }
SV vdm vdm_and(vdm a, vdm b) { return _mm_and_pd(a, b); }
SV vdm vdm_or(vdm a, vdm b) { return _mm_or_pd(a, b); }
SV vdm vdm_xor(vdm a, vdm b) { return _mm_xor_pd(a, b); }
SV vdm vdm_not(vdm a) { return _mm_xor_pd(a, _mm_castsi128_pd(_mm_set1_epi32(-1))); }

/* ---- float32 ---- */
SV vi as_vi(vf a) { return _mm_castps_si128(a); }
SV vf as_vf(vi a) { return _mm_castsi128_ps(a); }
SV vf vf_set1(float x) { return _mm_set1_ps(x); }
SV vf vf_load(const float *p) { return _mm_loadu_ps(p); }
SV void vf_store(float *p, vf a) { _mm_storeu_ps(p, a); }
SV vf vf_loadn(const float *p, size_t n) {
    float t[4] = {0};
    memcpy(t, p, n * sizeof *p);
    return _mm_loadu_ps(t);
}
SV void vf_storen(float *p, vf a, size_t n) {
    float t[4];
    _mm_storeu_ps(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV vf vf_add(vf a, vf b) { return _mm_add_ps(a, b); }
SV vf vf_sub(vf a, vf b) { return _mm_sub_ps(a, b); }
SV vf vf_mul(vf a, vf b) { return _mm_mul_ps(a, b); }
SV vf vf_div(vf a, vf b) { return _mm_div_ps(a, b); }
SV vf vf_fma(vf a, vf b, vf c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
SV vf vf_fnma(vf a, vf b, vf c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }
SV vf vf_min(vf a, vf b) { return _mm_min_ps(a, b); }
SV vf vf_max(vf a, vf b) { return _mm_max_ps(a, b); }
SV vf vf_sqrt(vf a) { return _mm_sqrt_ps(a); }
SV vf vf_and(vf a, vf b) { return _mm_and_ps(a, b); }
SV vf vf_or(vf a, vf b) { return _mm_or_ps(a, b); }
SV vf vf_xor(vf a, vf b) { return _mm_xor_ps(a, b); }
SV vm vf_lt(vf a, vf b) { return _mm_cmplt_ps(a, b); }
SV vm vf_le(vf a, vf b) { return _mm_cmple_ps(a, b); }
SV vm vf_gt(vf a, vf b) { return _mm_cmpgt_ps(a, b); }
SV vm vf_ge(vf a, vf b) { return _mm_cmpge_ps(a, b); }
SV vm vf_eq(vf a, vf b) { return _mm_cmpeq_ps(a, b); }
SV vm vf_ne(vf a, vf b) { return _mm_cmpneq_ps(a, b); }
SV vf vf_select(vm m, vf a, vf b) { return _mm_or_ps(_mm_and_ps(m, a), _mm_andnot_ps(m, b)); }
SV float vf_sum(vf a) {
    __m128 q = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
SV float vf_hmax(vf a) {
    __m128 q = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}
SV float vf_hmin(vf a) {
    __m128 q = _mm_min_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_min_ss(q, _mm_shuffle_ps(q, q, 1)));
}
/* Magnitudes of 2^23 and more, inf and NaN are whole already; below, int32 holds the integer.
 * The sign is put back so that -0.3 gives -0. */
SV vf simd_whole(vf a, vf rounded) {
    const vf sign = _mm_castsi128_ps(_mm_set1_epi32((int)0x80000000u));
    vm small = _mm_cmplt_ps(_mm_andnot_ps(sign, a), _mm_set1_ps(8388608.0f));
    return vf_select(small, _mm_or_ps(_mm_andnot_ps(sign, rounded), _mm_and_ps(sign, a)), a);
}
SV vf vf_trunc(vf a) { return simd_whole(a, _mm_cvtepi32_ps(_mm_cvttps_epi32(a))); }
SV vf vf_round(vf a) { return simd_whole(a, _mm_cvtepi32_ps(_mm_cvtps_epi32(a))); }
SV vf vf_floor(vf a) {
    vf t = _mm_cvtepi32_ps(_mm_cvttps_epi32(a));
    return simd_whole(a, _mm_sub_ps(t, _mm_and_ps(_mm_cmpgt_ps(t, a), _mm_set1_ps(1.0f))));
}
SV vf vf_ceil(vf a) {
    vf t = _mm_cvtepi32_ps(_mm_cvttps_epi32(a));
    return simd_whole(a, _mm_add_ps(t, _mm_and_ps(_mm_cmplt_ps(t, a), _mm_set1_ps(1.0f))));
}

/* ---- int32 ---- */
SV vi vi_set1(int32_t x) { return _mm_set1_epi32(x); }
SV vi vi_load(const int32_t *p) { return _mm_loadu_si128((const void *)p); }
SV void vi_store(int32_t *p, vi a) { _mm_storeu_si128((void *)p, a); }
SV vi vi_loadn(const int32_t *p, size_t n) {
    int32_t t[4] = {0};
    memcpy(t, p, n * sizeof *p);
    return vi_load(t);
}
SV void vi_storen(int32_t *p, vi a, size_t n) {
    int32_t t[4];
    vi_store(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV vi vi_add(vi a, vi b) { return _mm_add_epi32(a, b); }
SV vi vi_sub(vi a, vi b) { return _mm_sub_epi32(a, b); }
SV vi vi_mul(vi a, vi b) {
    __m128i even = _mm_mul_epu32(a, b);
    __m128i odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
    return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, 8), _mm_shuffle_epi32(odd, 8));
}
SV vi vi_and(vi a, vi b) { return _mm_and_si128(a, b); }
SV vi vi_or(vi a, vi b) { return _mm_or_si128(a, b); }
SV vi vi_xor(vi a, vi b) { return _mm_xor_si128(a, b); }
SV vm vi_eq(vi a, vi b) { return as_vf(_mm_cmpeq_epi32(a, b)); }
SV vm vi_gt(vi a, vi b) { return as_vf(_mm_cmpgt_epi32(a, b)); }
SV vm vi_lt(vi a, vi b) { return as_vf(_mm_cmplt_epi32(a, b)); }
SV vi vi_select(vm m, vi a, vi b) { return as_vi(vf_select(m, as_vf(a), as_vf(b))); }
SV vi vi_min(vi a, vi b) { return vi_select(vi_lt(a, b), a, b); }
SV vi vi_max(vi a, vi b) { return vi_select(vi_gt(a, b), a, b); }
/* Shifts by 0..31: left, right with zeros, right with the sign. */
SV vi vi_shl(vi a, int n) { return _mm_slli_epi32(a, n); }
SV vi vi_shr(vi a, int n) { return _mm_srli_epi32(a, n); }
SV vi vi_sra(vi a, int n) { return _mm_srai_epi32(a, n); }
/* Each lane by its own count, 0..31, with zeros. */
SV vi vi_shlv(vi a, vi n) {
    int32_t v[4], k[4];
    vi_store(v, a);
    vi_store(k, n);
    for (int i = 0; i < 4; i++)
        v[i] = (int32_t)((uint32_t)v[i] << k[i]);
    return vi_load(v);
}
SV vi vi_shrv(vi a, vi n) {
    int32_t v[4], k[4];
    vi_store(v, a);
    vi_store(k, n);
    for (int i = 0; i < 4; i++)
        v[i] = (int32_t)((uint32_t)v[i] >> k[i]);
    return vi_load(v);
}
SV vf vf_from_i(vi a) { return _mm_cvtepi32_ps(a); }
SV vi vi_from_f(vf a) { return _mm_cvttps_epi32(a); }
SV vi vi_round_f(vf a) { return _mm_cvtps_epi32(a); }
SV vi vi_gather(const int32_t *p, vi i) {
    int32_t k[4];
    vi_store(k, i);
    return _mm_setr_epi32(p[k[0]], p[k[1]], p[k[2]], p[k[3]]);
}
SV vf vf_gather(const float *p, vi i) {
    int32_t k[4];
    vi_store(k, i);
    return _mm_setr_ps(p[k[0]], p[k[1]], p[k[2]], p[k[3]]);
}

SV vf vf_lookup16(const float *p, vi i) { return vf_gather(p, vi_and(i, vi_set1(15))); }

/* ---- float64, int64 ---- */
SV vl as_vl(vd a) { return _mm_castpd_si128(a); }
SV vd as_vd(vl a) { return _mm_castsi128_pd(a); }
SV vd vd_set1(double x) { return _mm_set1_pd(x); }
SV vd vd_load(const double *p) { return _mm_loadu_pd(p); }
SV void vd_store(double *p, vd a) { _mm_storeu_pd(p, a); }
SV vd vd_loadn(const double *p, size_t n) {
    double t[2] = {0};
    memcpy(t, p, n * sizeof *p);
    return _mm_loadu_pd(t);
}
SV void vd_storen(double *p, vd a, size_t n) {
    double t[2];
    _mm_storeu_pd(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV vd vd_add(vd a, vd b) { return _mm_add_pd(a, b); }
SV vd vd_sub(vd a, vd b) { return _mm_sub_pd(a, b); }
SV vd vd_mul(vd a, vd b) { return _mm_mul_pd(a, b); }
SV vd vd_div(vd a, vd b) { return _mm_div_pd(a, b); }
SV vd vd_fma(vd a, vd b, vd c) { return _mm_add_pd(_mm_mul_pd(a, b), c); }
SV vd vd_fnma(vd a, vd b, vd c) { return _mm_sub_pd(c, _mm_mul_pd(a, b)); }
SV vd vd_min(vd a, vd b) { return _mm_min_pd(a, b); }
SV vd vd_max(vd a, vd b) { return _mm_max_pd(a, b); }
SV vd vd_sqrt(vd a) { return _mm_sqrt_pd(a); }
SV vd vd_and(vd a, vd b) { return _mm_and_pd(a, b); }
SV vd vd_or(vd a, vd b) { return _mm_or_pd(a, b); }
SV vd vd_xor(vd a, vd b) { return _mm_xor_pd(a, b); }
SV vdm vd_lt(vd a, vd b) { return _mm_cmplt_pd(a, b); }
SV vdm vd_le(vd a, vd b) { return _mm_cmple_pd(a, b); }
SV vdm vd_gt(vd a, vd b) { return _mm_cmpgt_pd(a, b); }
SV vdm vd_ge(vd a, vd b) { return _mm_cmpge_pd(a, b); }
SV vdm vd_eq(vd a, vd b) { return _mm_cmpeq_pd(a, b); }
SV vdm vd_ne(vd a, vd b) { return _mm_cmpneq_pd(a, b); }
SV vd vd_select(vdm m, vd a, vd b) { return _mm_or_pd(_mm_and_pd(m, a), _mm_andnot_pd(m, b)); }
SV double vd_sum(vd a) { return _mm_cvtsd_f64(_mm_add_sd(a, _mm_unpackhi_pd(a, a))); }
SV vl vl_set1(int64_t x) { return _mm_set1_epi64x(x); }
SV vl vl_load(const int64_t *p) { return _mm_loadu_si128((const void *)p); }
SV void vl_store(int64_t *p, vl a) { _mm_storeu_si128((void *)p, a); }
SV vl vl_add(vl a, vl b) { return _mm_add_epi64(a, b); }
SV vl vl_sub(vl a, vl b) { return _mm_sub_epi64(a, b); }
SV vl vl_and(vl a, vl b) { return _mm_and_si128(a, b); }
SV vl vl_or(vl a, vl b) { return _mm_or_si128(a, b); }
SV vl vl_xor(vl a, vl b) { return _mm_xor_si128(a, b); }
SV vl vl_shl(vl a, int n) { return _mm_slli_epi64(a, n); }
SV vl vl_shr(vl a, int n) { return _mm_srli_epi64(a, n); }
SV vdm vl_eq(vl a, vl b) {
    __m128i half = _mm_cmpeq_epi32(a, b); // both halves of a lane must agree
    return as_vd(_mm_and_si128(half, _mm_shuffle_epi32(half, 0xb1)));
}
SV vd vd_lookup16(const double *p, vl i) {
    int64_t k[2];
    vl_store(k, i);
    return _mm_setr_pd(p[k[0] & 15], p[k[1] & 15]);
}
SV vd vd_lookup32(const double *p, vl i) {
    int64_t k[2];
    vl_store(k, i);
    return _mm_setr_pd(p[k[0] & 31], p[k[1] & 31]);
}
SV vl vl_select(vdm m, vl a, vl b) { return as_vl(vd_select(m, as_vd(a), as_vd(b))); }
/* Adding and taking away 2^52 rounds to whole numbers; above that everything is whole. */
SV vd vd_round(vd a) {
    const vd sign = as_vd(vl_set1(INT64_MIN)), big = _mm_set1_pd(4503599627370496.0);
    vd m = _mm_andnot_pd(sign, a);
    vd r = _mm_sub_pd(_mm_add_pd(m, big), big);
    return _mm_or_pd(vd_select(vd_lt(m, big), r, m), _mm_and_pd(sign, a));
}
SV vd vd_floor(vd a) {
    vd r = vd_round(a);
    vd f = _mm_sub_pd(r, _mm_and_pd(_mm_cmpgt_pd(r, a), _mm_set1_pd(1.0)));
    return vd_select(_mm_cmpeq_pd(r, a), a, f); // keeps the sign of -0
}
SV vd vd_ceil(vd a) {
    const vd sign = as_vd(vl_set1(INT64_MIN));
    return _mm_xor_pd(vd_floor(_mm_xor_pd(a, sign)), sign);
}
SV vd vd_trunc(vd a) {
    const vd sign = as_vd(vl_set1(INT64_MIN));
    return _mm_or_pd(vd_floor(_mm_andnot_pd(sign, a)), _mm_and_pd(sign, a));
}

/* ---- between widths ---- */
SV vd vd_lo(vf a) { return _mm_cvtps_pd(a); }
SV vd vd_hi(vf a) { return _mm_cvtps_pd(_mm_movehl_ps(a, a)); }
SV vf vf_from_d(vd lo, vd hi) { return _mm_movelh_ps(_mm_cvtpd_ps(lo), _mm_cvtpd_ps(hi)); }
SV vi simd_load_u16(const uint16_t *p) {
    return _mm_unpacklo_epi16(_mm_loadl_epi64((const void *)p), _mm_setzero_si128());
}
SV vf vf_load_bf16(const uint16_t *p) { return as_vf(vi_shl(simd_load_u16(p), 16)); }
/* The upper 16 bits of each lane, to VF_LANES consecutive 16-bit places. */
SV void vi_store_high16(uint16_t *p, vi a) {
    __m128i h = _mm_srai_epi32(a, 16); // signed, so that the saturating pack keeps every bit
    _mm_storel_epi64((void *)p, _mm_packs_epi32(h, h));
}
/* The exponent is rebiased by a multiplication with 2^112, which also makes subnormals right. */
SV vf vf_load_f16(const uint16_t *p) {
    vi h = simd_load_u16(p), mag = vi_and(h, vi_set1(0x7fff));
    vi sign = vi_shl(vi_xor(h, mag), 16);
    vf x = vf_mul(as_vf(vi_shl(mag, 13)), as_vf(vi_set1(0x77800000)));
    vi special = as_vi(vi_gt(mag, vi_set1(0x7bff))); // inf and NaN keep all exponent bits
    vi quiet = vi_and(as_vi(vi_gt(mag, vi_set1(0x7c00))), vi_set1(0x400000));
    vi extra = vi_or(vi_and(special, vi_set1(0x7f800000)), quiet);
    return as_vf(vi_or(vi_or(as_vi(x), sign), extra));
}
/* The same cases as mx_f32_to_f16, all computed and then chosen. */
SV vi simd_to_f16(vf a) {
    vi u = as_vi(a), mag = vi_and(u, vi_set1(0x7fffffff));
    vi sign = vi_shl(vi_sra(vi_xor(u, mag), 31), 15);
    vi tiny = vi_sub(as_vi(vf_add(as_vf(mag), vf_set1(0.5f))), vi_set1(0x3f000000));
    vi odd = vi_and(vi_shr(mag, 13), vi_set1(1));
    vi normal = vi_shr(vi_add(vi_sub(mag, vi_set1(0x38000000 - 0xfff)), odd), 13);
    vi h = vi_select(vi_lt(mag, vi_set1(0x38800000)), tiny, normal);
    h = vi_select(vi_gt(mag, vi_set1(0x477fefff)), vi_set1(0x7c00), h);
    vi nan = vi_or(vi_set1(0x7e00), vi_and(vi_shr(mag, 13), vi_set1(0x1ff)));
    return vi_or(vi_select(vi_gt(mag, vi_set1(0x7f800000)), nan, h), sign);
}
SV void vf_store_f16(uint16_t *p, vf a) {
    __m128i h = _mm_srai_epi32(_mm_slli_epi32(simd_to_f16(a), 16), 16);
    _mm_storel_epi64((void *)p, _mm_packs_epi32(h, h));
}
SV vf vf_round_f16(vf a) {
    uint16_t t[4];
    vf_store_f16(t, a);
    return vf_load_f16(t);
}
SV vi vi_load_u8(const uint8_t *p) {
    return _mm_setr_epi32(p[0], p[1], p[2], p[3]);
}
SV void vi_store_u8(uint8_t *p, vi a) {
    __m128i h = _mm_packs_epi32(a, a);
    int32_t low = _mm_cvtsi128_si32(_mm_packus_epi16(h, h));
    memcpy(p, &low, sizeof low);
}
SV vm vm_load_bool(const uint8_t *p) {
    int32_t four;
    memcpy(&four, p, 4);
    __m128i zero = _mm_setzero_si128();
    __m128i b = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero);
    return vi_gt(_mm_unpacklo_epi16(b, zero), zero);
}
SV void vm_store_bool(uint8_t *p, vm m) {
    __m128i h = _mm_packs_epi32(_mm_srli_epi32(as_vi(m), 31), _mm_setzero_si128());
    int32_t four = _mm_cvtsi128_si32(_mm_packs_epi16(h, h));
    memcpy(p, &four, 4);
}

#endif
