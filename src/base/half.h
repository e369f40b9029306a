/* float16 and bfloat16 as stored bits; scalar conversions, round to nearest even, NaN stays NaN.
 *
 * What is wider than float32 goes through a float32 that is rounded to odd: where it is not exact,
 * its last bit says so, and the second rounding is right (Boldo and Melquiond, "Emulation of FMA
 * and correctly rounded sums", IEEE Trans. Computers 57, 2008). */
#ifndef MX_BASE_HALF_H
#define MX_BASE_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float mx_bits_f32(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
static inline uint32_t mx_f32_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
static inline float mx_bf16_to_f32(uint16_t h) {
    return mx_bits_f32((uint32_t)h << 16);
}
static inline uint16_t mx_f32_to_bf16(float f) {
    uint32_t u = mx_f32_bits(f);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)((u >> 16) | 0x40u);
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}
static inline float mx_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, mag = h & 0x7fffu;
    if (mag >= 0x7c00u) /* inf, nan */
        return mx_bits_f32(sign | 0x7f800000u | ((mag & 0x3ffu) << 13));
    if (mag >= 0x0400u) /* normal */
        return mx_bits_f32(sign | ((mag << 13) + 0x38000000u));
    float f = (float)mag * 5.9604644775390625e-08f; /* subnormal: mag * 2^-24 */
    return sign ? -f : f;
}
static inline uint16_t mx_f32_to_f16(float f) {
    uint32_t u = mx_f32_bits(f), sign = (u >> 16) & 0x8000u, mag = u & 0x7fffffffu;
    if (mag > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((mag >> 13) & 0x1ffu));
    if (mag >= 0x477ff000u) /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00u);
    if (mag < 0x38800000u) { /* subnormal: let the adder round at 2^-24 */
        float m = mx_bits_f32(mag) + 0.5f;
        return (uint16_t)(sign | (mx_f32_bits(m) - 0x3f000000u));
    }
    return (uint16_t)(sign | ((mag - 0x38000000u + 0xfffu + ((mag >> 13) & 1u)) >> 13));
}

/* Of the two floats around x, the one whose last bit is set; x itself where a float holds it. */
static inline float mx_f64_to_f32_odd(double x) {
    float near = (float)x;
    uint32_t u = mx_f32_bits(near);
    int beyond = (fabs(x) > fabs((double)near)) - (fabs(x) < fabs((double)near));
    return mx_bits_f32(u + (~u & 1u) * (uint32_t)beyond);
}
/* The same from 64 bits to a double: what needs more than 53 digits gives the last eleven of 64
   for one that says whether they were zeros. */
static inline double mx_u64_to_f64_odd(uint64_t x) {
    uint64_t odd = (x & ~UINT64_C(0x7ff)) | (x & 0x7ff ? 0x800 : 0);
    return (double)(x >> 53 ? odd : x);
}
static inline double mx_i64_to_f64_odd(int64_t x) {
    int64_t odd = (x & ~INT64_C(0x7ff)) | (x & 0x7ff ? 0x800 : 0);
    return (double)(((uint64_t)x + (UINT64_C(1) << 53)) >> 54 ? odd : x);
}
static inline uint16_t mx_f64_to_f16(double x) {
    return mx_f32_to_f16(mx_f64_to_f32_odd(x));
}
static inline uint16_t mx_f64_to_bf16(double x) {
    return mx_f32_to_bf16(mx_f64_to_f32_odd(x));
}

#endif
