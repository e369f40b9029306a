/* Blocks with one scale (or four) from float32. The largest number decides the scale, and codes are
 * rounded: what the gguf package does, byte for byte, where it can. Where a block holds NaN its
 * scale is NaN if there is such a scale. */
#include <math.h>

#include "kernels/blocks/k_blocks.h"

/* --- ranges and codes ------------------------------------------------------------------------- */

typedef struct range {
    float lo, hi;
    bool nan;
} range;

SV range range_of(const float *x, int n) {
    vf lo = vf_load(x), hi = lo;
    vm nan = vf_isnan(lo);
    for (int j = VF_LANES; j < n; j += VF_LANES) {
        vf v = vf_load(x + j);
        lo = vf_min(lo, v);
        hi = vf_max(hi, v);
        nan = vm_or(nan, vf_isnan(v));
    }
    return (range){vf_hmin(lo), vf_hmax(hi), vm_any(nan)};
}

static float first_of_magnitude(const float *x, float magnitude) {
    while (fabsf(*x) != magnitude)
        x++;
    return *x;
}

/* The number of largest magnitude with its sign; of two the first. */
SV float extreme_of(const float *x, int n) {
    range r = range_of(x, n);
    if (r.nan)
        return NAN;
    if (r.hi == -r.lo)
        return first_of_magnitude(x, r.hi);
    return r.hi > -r.lo ? r.hi : r.lo;
}

SV float magnitude_of(const float *x, int n) {
    range r = range_of(x, n);
    return r.nan ? NAN : fmaxf(fabsf(r.lo), fabsf(r.hi));
}

SV float inverse(float d) {
    return d != 0 ? 1 / d : 0;
}

/* (x - m) id + half, cut to a whole number of 0 .. top; NaN becomes 0. */
SV vi cut_codes(vf x, float m, float id, float half, float top) {
    vf q = vf_add(vf_mul(vf_sub(x, vf_set1(m)), vf_set1(id)), vf_set1(half));
    q = vf_select(vf_gt(q, vf_zero()), q, vf_zero());
    return vi_from_f(vf_min(q, vf_set1(top)));
}

/* x id to the nearest whole number, halves away from zero, within -most .. most; NaN becomes
   -most. */
SV vi near_codes(vf x, float id, float most) {
    vf v = vf_mul(x, vf_set1(id)), a = vf_abs(v), whole = vf_trunc(a);
    vf up = vf_select(vf_ge(vf_sub(a, whole), vf_set1(0.5f)), vf_set1(1), vf_zero());
    vf q = vf_copysign(vf_add(whole, up), v);
    q = vf_select(vf_gt(q, vf_set1(-most)), q, vf_set1(-most));
    return vi_from_f(vf_min(q, vf_set1(most)));
}

/* Codes of 32 numbers as pairs, and a fifth bit of each. */
SV uint32_t put_codes(uint8_t *q, const float *x, float m, float id, float half, float top) {
    uint8_t code[32];
    uint32_t high = 0;
    for (int j = 0; j < 32; j += VF_LANES) {
        vi c = cut_codes(vf_load(x + j), m, id, half, top);
        vi_store_u8(code + j, c);
        high |= (uint32_t)vm_bits(vi_gt(c, vi_set1(15))) << j;
    }
    for (int j = 0; j < 16; j++)
        q[j] = (uint8_t)((code[j] & 15) | code[j + 16] << 4);
    return high;
}

static inline void put_u32(uint8_t *p, uint32_t u) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(u >> (8 * i));
}

/* --- formats of 32 ---------------------------------------------------------------------------- */

void K_ENCODE(q4_0)(void *blocks, const float *x, size_t n) {
    mx_q4_0 *b = blocks;
    for (size_t i = 0; i < n; i++, x += 32) {
        float d = extreme_of(x, 32) / -8;
        put_half(b[i].d, d);
        put_codes(b[i].q, x, 0, inverse(d), 8.5f, 15);
    }
}

void K_ENCODE(q4_1)(void *blocks, const float *x, size_t n) {
    mx_q4_1 *b = blocks;
    for (size_t i = 0; i < n; i++, x += 32) {
        range r = range_of(x, 32);
        float d = r.nan ? NAN : (r.hi - r.lo) / 15;
        put_half(b[i].d, d);
        put_half(b[i].m, r.lo);
        put_codes(b[i].q, x, r.lo, inverse(d), 0.5f, 15);
    }
}

void K_ENCODE(q5_0)(void *blocks, const float *x, size_t n) {
    mx_q5_0 *b = blocks;
    for (size_t i = 0; i < n; i++, x += 32) {
        float d = extreme_of(x, 32) / -16;
        put_half(b[i].d, d);
        put_u32(b[i].high, put_codes(b[i].q, x, 0, inverse(d), 16.5f, 31));
    }
}

void K_ENCODE(q5_1)(void *blocks, const float *x, size_t n) {
    mx_q5_1 *b = blocks;
    for (size_t i = 0; i < n; i++, x += 32) {
        range r = range_of(x, 32);
        float d = r.nan ? NAN : (r.hi - r.lo) / 31;
        put_half(b[i].d, d);
        put_half(b[i].m, r.lo);
        put_u32(b[i].high, put_codes(b[i].q, x, r.lo, inverse(d), 0.5f, 31));
    }
}

SV float put_bytes(int8_t *q, const float *x, int n) {
    float d = magnitude_of(x, n) / 127, id = inverse(d);
    for (int j = 0; j < n; j += VF_LANES)
        vi_store_u8((uint8_t *)q + j, vi_and(near_codes(vf_load(x + j), id, 127), vi_set1(255)));
    return d;
}

static int sum_of(const int8_t *q, int n) {
    int sum = 0;
    for (int j = 0; j < n; j++)
        sum += q[j];
    return sum;
}

void K_ENCODE(q8_0)(void *blocks, const float *x, size_t n) {
    mx_q8_0 *b = blocks;
    for (size_t i = 0; i < n; i++)
        put_half(b[i].d, put_bytes(b[i].q, x + 32 * i, 32));
}

void K_ENCODE(q8_1)(void *blocks, const float *x, size_t n) {
    mx_q8_1 *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = put_bytes(b[i].q, x + 32 * i, 32);
        put_half(b[i].d, d);
        put_half(b[i].sum, d * (float)sum_of(b[i].q, 32));
    }
}

void K_ENCODE(q8_k)(void *blocks, const float *x, size_t n) {
    mx_q8_k *b = blocks;
    for (size_t i = 0; i < n; i++) {
        put_u32(b[i].d, mx_f32_bits(put_bytes(b[i].q, x + 256 * i, 256)));
        for (int g = 0; g < 16; g++) {
            int sum = sum_of(b[i].q + 16 * g, 16);
            b[i].sums[2 * g] = (uint8_t)sum;
            b[i].sums[2 * g + 1] = (uint8_t)(sum >> 8);
        }
    }
}

/* --- small floats ----------------------------------------------------------------------------- */

/* The nearest of the levels times d, of two the smaller; nothing becomes -0. */
SV vi e2m1_codes(vf x, float d) {
    static const float half_way[7] = {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10};
    vf a = vf_abs(x);
    vi code = vi_set1(0), one = vi_set1(1);
    for (int k = 0; k < 7; k++)
        code = vi_add(code, vi_select(vf_gt(a, vf_set1(half_way[k] * d)), one, vi_set1(0)));
    vi sign = vi_and(vi_shr(as_vi(x), 28), vi_set1(8));
    return vi_select(vi_eq(code, vi_set1(0)), code, vi_or(code, sign));
}

SV void put_pairs(uint8_t *q, const uint8_t *code, int n) {
    for (int j = 0; j < n; j++)
        q[j] = (uint8_t)(code[j] | code[j + n] << 4);
}

/* The largest magnitude is between 4 and 8 times the scale. */
static uint8_t scale_e8m0(float magnitude) {
    int e = (int)(mx_f32_bits(magnitude) >> 23 & 255) - 2;
    return (uint8_t)(e < 0 ? 0 : e);
}

void K_ENCODE(mxfp4_gguf)(void *blocks, const float *x, size_t n) {
    mx_mxfp4 *b = blocks;
    for (size_t i = 0; i < n; i++, x += 32) {
        uint8_t code[32];
        b[i].e = scale_e8m0(magnitude_of(x, 32));
        for (int j = 0; j < 32; j += VF_LANES)
            vi_store_u8(code + j, e2m1_codes(vf_load(x + j), mx_mxfp4_half_scale(b[i].e)));
        put_pairs(b[i].q, code, 16);
    }
}

/* --- ternary and binary ----------------------------------------------------------------------- */

/* Digits 0, 1, 2 of 256 numbers; the largest magnitude. */
SV float ternary_codes(uint8_t *digit, const float *x) {
    float d = magnitude_of(x, 256), id = inverse(d);
    for (int j = 0; j < 256; j += VF_LANES)
        vi_store_u8(digit + j, vi_add(near_codes(vf_load(x + j), id, 1), vi_set1(1)));
    return d;
}

/* The first of five is worth most; the fraction of 256 is rounded up, so that it can be read by
   multiplying. */
SV void put_digits(uint8_t *q, const uint8_t *digit, int n, int count) {
    for (int j = 0; j < n; j++) {
        int v = 0;
        for (int k = 0; k < 5; k++)
            v = 3 * v + (k < count ? digit[k * n + j] : 0);
        q[j] = (uint8_t)((v * 256 + 242) / 243);
    }
}

void K_ENCODE(tq1_0)(void *blocks, const float *x, size_t n) {
    mx_tq1_0 *b = blocks;
    for (size_t i = 0; i < n; i++) {
        uint8_t digit[256];
        put_half(b[i].d, ternary_codes(digit, x + 256 * i));
        put_digits(b[i].q, digit, 32, 5);
        put_digits(b[i].q + 32, digit + 160, 16, 5);
        put_digits(b[i].high, digit + 240, 4, 4);
    }
}

void K_ENCODE(tq2_0)(void *blocks, const float *x, size_t n) {
    mx_tq2_0 *b = blocks;
    for (size_t i = 0; i < n; i++) {
        uint8_t digit[256];
        put_half(b[i].d, ternary_codes(digit, x + 256 * i));
        for (int j = 0; j < 64; j++) {
            const uint8_t *t = digit + j / 32 * 128 + j % 32;
            b[i].q[j] = (uint8_t)(t[0] | t[32] << 2 | t[64] << 4 | t[96] << 6);
        }
    }
}

/* In one order on every instruction set. */
static float sum_of_magnitudes(const float *x, int n) {
    float lane[16] = {0};
    for (int j = 0; j < n; j++)
        lane[j % 16] += fabsf(x[j]);
    for (int half = 8; half; half /= 2)
        for (int j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

/* Signs; the mean magnitude has the least squared error. */
void K_ENCODE(q1_0)(void *blocks, const float *x, size_t n) {
    mx_q1_0 *b = blocks;
    for (size_t i = 0; i < n; i++, x += 128) {
        put_half(b[i].d, sum_of_magnitudes(x, 128) / 128);
        for (int k = 0; k < 16; k++) {
            int byte = 0;
            for (int j = 0; j < 8; j++)
                byte |= (x[8 * k + j] >= 0) << j;
            b[i].q[k] = (uint8_t)byte;
        }
    }
}
