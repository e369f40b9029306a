/* The vocabulary of simd.h on arm64's NEON. Masks are lanes of all ones or all zeros. */
#ifndef MX_KERNELS_SIMD_NEON_H
#define MX_KERNELS_SIMD_NEON_H

#include <arm_neon.h>

/* A word a line. */
// clang-format off

#define VF_LANES 4
#define VD_LANES 2
#define VF_FMA 1
#define VF_REGS 32
#define VF_LOOKUP 0
#define VD_LOOKUP 0
#define V_COMPRESS 0
#define V_SCALE 0

typedef float32x4_t vf;
typedef int32x4_t vi;
typedef float64x2_t vd;
typedef int64x2_t vl;
typedef uint32x4_t vm;
typedef uint64x2_t vdm;

/* ---- masks ---- */
SV vm vm_first(size_t n) {
    const uint32x4_t lane = {0, 1, 2, 3};
    return vcltq_u32(lane, vdupq_n_u32((uint32_t)n));
}
SV unsigned vm_bits(vm m) {
    const uint32x4_t bit = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, bit));
}
SV vm vm_and(vm a, vm b) { return vandq_u32(a, b); }
SV vm vm_or(vm a, vm b) { return vorrq_u32(a, b); }
SV vm vm_xor(vm a, vm b) { return veorq_u32(a, b); }
SV vm vm_not(vm a) { return vmvnq_u32(a); }
SV vdm vdm_first(size_t n) {
    const uint64x2_t lane = {0, 1};
    return vcltq_u64(lane, vdupq_n_u64((uint64_t)n));
}
SV unsigned vdm_bits(vdm m) {
    const uint64x2_t bit = {1, 2};
    return (unsigned)vaddvq_u64(vandq_u64(m, bit));
}
SV vdm vdm_and(vdm a, vdm b) { return vandq_u64(a, b); }
SV vdm vdm_or(vdm a, vdm b) { return vorrq_u64(a, b); }
SV vdm vdm_xor(vdm a, vdm b) { return veorq_u64(a, b); }
SV vdm vdm_not(vdm a) { return veorq_u64(a, vdupq_n_u64(UINT64_MAX)); }

/* ---- float32 ---- */
SV vi as_vi(vf a) { return vreinterpretq_s32_f32(a); }
SV vf as_vf(vi a) { return vreinterpretq_f32_s32(a); }
SV vf vf_set1(float x) { return vdupq_n_f32(x); }
SV vf vf_load(const float *p) { return vld1q_f32(p); }
SV void vf_store(float *p, vf a) { vst1q_f32(p, a); }
SV vf vf_loadn(const float *p, size_t n) {
    float t[4] = {0};
    memcpy(t, p, n * sizeof *p);
    return vld1q_f32(t);
}
SV void vf_storen(float *p, vf a, size_t n) {
    float t[4];
    vst1q_f32(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
SV vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
SV vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
SV vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
SV vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
SV vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
SV vf vf_min(vf a, vf b) { return vminq_f32(a, b); }
SV vf vf_max(vf a, vf b) { return vmaxq_f32(a, b); }
SV vf vf_sqrt(vf a) { return vsqrtq_f32(a); }
SV vf vf_and(vf a, vf b) { return as_vf(vandq_s32(as_vi(a), as_vi(b))); }
SV vf vf_or(vf a, vf b) { return as_vf(vorrq_s32(as_vi(a), as_vi(b))); }
SV vf vf_xor(vf a, vf b) { return as_vf(veorq_s32(as_vi(a), as_vi(b))); }
SV vf vf_floor(vf a) { return vrndmq_f32(a); }
SV vf vf_ceil(vf a) { return vrndpq_f32(a); }
SV vf vf_trunc(vf a) { return vrndq_f32(a); }
SV vf vf_round(vf a) { return vrndnq_f32(a); }
SV vm vf_lt(vf a, vf b) { return vcltq_f32(a, b); }
SV vm vf_le(vf a, vf b) { return vcleq_f32(a, b); }
SV vm vf_gt(vf a, vf b) { return vcgtq_f32(a, b); }
SV vm vf_ge(vf a, vf b) { return vcgeq_f32(a, b); }
SV vm vf_eq(vf a, vf b) { return vceqq_f32(a, b); }
SV vm vf_ne(vf a, vf b) { return vmvnq_u32(vceqq_f32(a, b)); }
SV vf vf_select(vm m, vf a, vf b) { return vbslq_f32(m, a, b); }
SV float vf_sum(vf a) {
    float32x2_t h = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
SV float vf_hmax(vf a) { return vmaxvq_f32(a); }
SV float vf_hmin(vf a) { return vminvq_f32(a); }

/* ---- int32 ---- */
SV vi vi_set1(int32_t x) { return vdupq_n_s32(x); }
SV vi vi_load(const int32_t *p) { return vld1q_s32(p); }
SV void vi_store(int32_t *p, vi a) { vst1q_s32(p, a); }
SV vi vi_loadn(const int32_t *p, size_t n) {
    int32_t t[4] = {0};
    memcpy(t, p, n * sizeof *p);
    return vld1q_s32(t);
}
SV void vi_storen(int32_t *p, vi a, size_t n) {
    int32_t t[4];
    vst1q_s32(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
SV vi vi_sub(vi a, vi b) { return vsubq_s32(a, b); }
SV vi vi_mul(vi a, vi b) { return vmulq_s32(a, b); }
SV vi vi_and(vi a, vi b) { return vandq_s32(a, b); }
SV vi vi_or(vi a, vi b) { return vorrq_s32(a, b); }
SV vi vi_xor(vi a, vi b) { return veorq_s32(a, b); }
SV vi vi_min(vi a, vi b) { return vminq_s32(a, b); }
SV vi vi_max(vi a, vi b) { return vmaxq_s32(a, b); }
SV vm vi_eq(vi a, vi b) { return vceqq_s32(a, b); }
SV vm vi_gt(vi a, vi b) { return vcgtq_s32(a, b); }
SV vm vi_lt(vi a, vi b) { return vcltq_s32(a, b); }
SV vi vi_select(vm m, vi a, vi b) { return vbslq_s32(m, a, b); }
/* Shifts by 0..31: left, right with zeros, right with the sign. */
SV vi vi_shl(vi a, int n) { return vshlq_s32(a, vdupq_n_s32(n)); }
SV vi vi_shr(vi a, int n) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-n)));
}
SV vi vi_sra(vi a, int n) { return vshlq_s32(a, vdupq_n_s32(-n)); }
/* Each lane by its own count, 0..31, with zeros. */
SV vi vi_shlv(vi a, vi n) { return vshlq_s32(a, n); }
SV vi vi_shrv(vi a, vi n) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vnegq_s32(n)));
}
SV vf vf_from_i(vi a) { return vcvtq_f32_s32(a); }
SV vi vi_from_f(vf a) { return vcvtq_s32_f32(a); }
SV vi vi_round_f(vf a) { return vcvtnq_s32_f32(a); }
SV vi vi_gather(const int32_t *p, vi i) {
    return (vi){p[i[0]], p[i[1]], p[i[2]], p[i[3]]};
}
SV vf vf_gather(const float *p, vi i) {
    return (vf){p[i[0]], p[i[1]], p[i[2]], p[i[3]]};
}

SV vf vf_lookup16(const float *p, vi i) { return vf_gather(p, vi_and(i, vi_set1(15))); }

/* ---- float64, int64 ---- */
SV vl as_vl(vd a) { return vreinterpretq_s64_f64(a); }
SV vd as_vd(vl a) { return vreinterpretq_f64_s64(a); }
SV vd vd_set1(double x) { return vdupq_n_f64(x); }
SV vd vd_load(const double *p) { return vld1q_f64(p); }
SV void vd_store(double *p, vd a) { vst1q_f64(p, a); }
SV vd vd_loadn(const double *p, size_t n) {
    double t[2] = {0};
    memcpy(t, p, n * sizeof *p);
    return vld1q_f64(t);
}
SV void vd_storen(double *p, vd a, size_t n) {
    double t[2];
    vst1q_f64(t, a);
    memcpy(p, t, n * sizeof *p);
}
SV vd vd_add(vd a, vd b) { return vaddq_f64(a, b); }
SV vd vd_sub(vd a, vd b) { return vsubq_f64(a, b); }
SV vd vd_mul(vd a, vd b) { return vmulq_f64(a, b); }
SV vd vd_div(vd a, vd b) { return vdivq_f64(a, b); }
SV vd vd_fma(vd a, vd b, vd c) { return vfmaq_f64(c, a, b); }
SV vd vd_fnma(vd a, vd b, vd c) { return vfmsq_f64(c, a, b); }
SV vd vd_min(vd a, vd b) { return vminq_f64(a, b); }
SV vd vd_max(vd a, vd b) { return vmaxq_f64(a, b); }
SV vd vd_sqrt(vd a) { return vsqrtq_f64(a); }
SV vd vd_and(vd a, vd b) { return as_vd(vandq_s64(as_vl(a), as_vl(b))); }
SV vd vd_or(vd a, vd b) { return as_vd(vorrq_s64(as_vl(a), as_vl(b))); }
SV vd vd_xor(vd a, vd b) { return as_vd(veorq_s64(as_vl(a), as_vl(b))); }
SV vd vd_floor(vd a) { return vrndmq_f64(a); }
SV vd vd_ceil(vd a) { return vrndpq_f64(a); }
SV vd vd_trunc(vd a) { return vrndq_f64(a); }
SV vd vd_round(vd a) { return vrndnq_f64(a); }
SV vdm vd_lt(vd a, vd b) { return vcltq_f64(a, b); }
SV vdm vd_le(vd a, vd b) { return vcleq_f64(a, b); }
SV vdm vd_gt(vd a, vd b) { return vcgtq_f64(a, b); }
SV vdm vd_ge(vd a, vd b) { return vcgeq_f64(a, b); }
SV vdm vd_eq(vd a, vd b) { return vceqq_f64(a, b); }
SV vdm vd_ne(vd a, vd b) { return vdm_not(vceqq_f64(a, b)); }
SV vd vd_select(vdm m, vd a, vd b) { return vbslq_f64(m, a, b); }
SV double vd_sum(vd a) { return vaddvq_f64(a); }
SV vl vl_set1(int64_t x) { return vdupq_n_s64(x); }
SV vl vl_load(const int64_t *p) { return vld1q_s64(p); }
SV void vl_store(int64_t *p, vl a) { vst1q_s64(p, a); }
SV vl vl_add(vl a, vl b) { return vaddq_s64(a, b); }
SV vl vl_sub(vl a, vl b) { return vsubq_s64(a, b); }
SV vl vl_and(vl a, vl b) { return vandq_s64(a, b); }
SV vl vl_or(vl a, vl b) { return vorrq_s64(a, b); }
SV vl vl_xor(vl a, vl b) { return veorq_s64(a, b); }
SV vl vl_shl(vl a, int n) { return vshlq_s64(a, vdupq_n_s64(n)); }
SV vl vl_shr(vl a, int n) {
    return vreinterpretq_s64_u64(vshlq_u64(vreinterpretq_u64_s64(a), vdupq_n_s64(-n)));
}
SV vdm vl_eq(vl a, vl b) { return vceqq_s64(a, b); }
SV vd vd_lookup16(const double *p, vl i) { return (vd){p[i[0] & 15], p[i[1] & 15]}; }
SV vd vd_lookup32(const double *p, vl i) { return (vd){p[i[0] & 31], p[i[1] & 31]}; }
SV vl vl_select(vdm m, vl a, vl b) { return vbslq_s64(m, a, b); }

/* ---- between widths ---- */
SV vd vd_lo(vf a) { return vcvt_f64_f32(vget_low_f32(a)); }
SV vd vd_hi(vf a) { return vcvt_high_f64_f32(a); }
SV vf vf_from_d(vd lo, vd hi) { return vcombine_f32(vcvt_f32_f64(lo), vcvt_f32_f64(hi)); }
SV vf vf_load_bf16(const uint16_t *p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}
/* The upper 16 bits of each lane, to VF_LANES consecutive 16-bit places. */
SV void vi_store_high16(uint16_t *p, vi a) {
    vst1_u16(p, vshrn_n_u32(vreinterpretq_u32_s32(a), 16));
}
SV vf vf_load_f16(const uint16_t *p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
SV void vf_store_f16(uint16_t *p, vf a) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a))); }
SV vf vf_round_f16(vf a) { return vcvt_f32_f16(vcvt_f16_f32(a)); }
SV vi vi_load_u8(const uint8_t *p) {
    return (vi){p[0], p[1], p[2], p[3]};
}
SV void vi_store_u8(uint8_t *p, vi a) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)a[i];
}
SV vm vm_load_bool(const uint8_t *p) {
    uint32_t four;
    memcpy(&four, p, 4);
    uint16x8_t b = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
    uint32x4_t w = vmovl_u16(vget_low_u16(b));
    return vtstq_u32(w, w);
}
SV void vm_store_bool(uint8_t *p, vm m) {
    uint16x4_t h = vmovn_u32(vshrq_n_u32(m, 31));
    uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(h, h))), 0);
    memcpy(p, &four, 4);
}

#endif
