/* Numbers of eight and four bits (OCP Microscaling Formats 1.0), as stored codes:
 *
 *     e4m3   sign, 4 bits of exponent, 3 of mantissa; up to 448. The codes 0x7f and 0xff are NaN,
 *            and so is NaN encoded; what is larger than 448, infinities too, becomes 448.
 *     e8m0   2^(code - 127); 255 is read as infinity
 *     e2m1   sign and 0 0.5 1 1.5 2 3 4 6
 */
#ifndef MX_BASE_FP8_H
#define MX_BASE_FP8_H

#include <math.h>
#include <stdbool.h>

#include "base/half.h"

static inline float mx_e4m3_to_f32(uint8_t code) {
    bool nan = (code & 0x7f) == 0x7f;
    float magnitude = nan ? NAN : mx_bits_f32((uint32_t)(code & 0x7fu) << 20) * 0x1p120f;
    return code & 0x80 ? -magnitude : magnitude;
}

/* To nearest, ties to even. */
static inline uint8_t mx_f32_to_e4m3(float x) {
    uint32_t u = mx_f32_bits(x), sign = (u >> 24) & 0x80u, mag = u & 0x7fffffffu;
    if (mag >= 0x43e00000u) /* 448 and more; NaN */
        return (uint8_t)(sign | (mag > 0x7f800000u ? 0x7fu : 0x7eu));
    if (mag < 0x3c800000u) { /* below 2^-6: let the adder round at 2^-9 */
        float m = mx_bits_f32(mag) + 16384.0f;
        return (uint8_t)(sign | (mx_f32_bits(m) - 0x46800000u));
    }
    return (uint8_t)(sign | ((mag - 0x3c000000u + 0x7ffffu + ((mag >> 20) & 1u)) >> 20));
}

static inline float mx_e8m0_to_f32(uint8_t code) {
    return mx_bits_f32(code ? (uint32_t)code << 23 : 0x400000u);
}

/* The exponent of the smallest power of two that is not below x >= 0, kept in range. */
static inline uint8_t mx_f32_to_e8m0_up(float x) {
    if (x == 0)
        return 127;
    float e = ceilf((float)log2(x)) + 127;
    return (uint8_t)(e < 0 ? 0 : e > 254 ? 254 : e);
}

static inline float mx_e2m1_to_f32(unsigned code) {
    static const float magnitude[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    return code & 8 ? -magnitude[code & 7] : magnitude[code & 7];
}

#endif
