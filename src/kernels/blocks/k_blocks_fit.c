/* Blocks with quantized scales from float32. Scales of groups are searched (k_blocks_fit.h) and
 * rounded to what the block holds; then each number gets the code that is nearest with the rounded
 * scale. The scales that the range of each group gives are tried as well, so that the search never
 * does worse than they. */
#include <math.h>

#include "kernels/blocks/k_blocks_fit.h"

/* What scales are tried beside that of the range: the codes' top moved by so much. */
static const float few[] = {0, -0.6f, 0.6f, -1.2f, 1.2f},
                   coarse[] = {0, -0.4f, 0.4f, -0.8f, 0.8f, -1.2f};
#define STEPS(list) list, (int)(sizeof(list) / sizeof *(list))

/* --- a scale and a minimum for each group: Q2_K, Q4_K, Q5_K -------------------------- */

typedef struct lines {
    uint8_t d[2], m[2];
    uint8_t scale[16], least[16]; /* of `groups` groups */
    uint8_t code[256];
    float error;
} lines;

/* groups of n elements; codes of 0 .. top, scales of 0 .. most. */
SV void put_lines(lines *b, const float *x, int groups, int n, float top, int most,
                  const float *scale, const float *least) {
    float d = store_half(b->d, largest_of(scale, groups) / (float)most);
    float m = store_half(b->m, largest_of(least, groups) / (float)most);
    float by[LANES], low[LANES], inverse[LANES];
    errors e;
    for (int i = 0; i < LANES / VF_LANES; i++)
        e.lane[i] = vf_zero();
    scale_codes(by, scale, groups, d, 0, most);
    scale_codes(low, least, groups, m, 0, most);
    for (int g = 0; g < groups; g++) {
        b->scale[g] = (uint8_t)by[g];
        b->least[g] = (uint8_t)low[g];
        by[g] *= d;
    }
    inverses(inverse, by, groups);
    for (int g = 0; g < groups; g++, x += n) {
        vf l = vf_set1(m * low[g]), s = vf_set1(by[g]), inv = vf_set1(inverse[g]);
        for (int j = 0; j < n; j += VF_LANES) {
            vf v = vf_load(x + j), q = whole_within(vf_mul(vf_add(v, l), inv), 0, top);
            vi_store_u8(b->code + n * g + j, vi_from_f(q));
            add_error(&e, j, vf_sub(vf_sub(vf_mul(s, q), l), v));
        }
    }
    b->error = sum_errors(&e);
}

SV const lines *best_lines(lines b[2], const float *x, int groups, int n, float top, int most,
                           const fit *f, int at) {
    put_lines(&b[0], x, groups, n, top, most, f->scale + at, f->least + at);
    put_lines(&b[1], x, groups, n, top, most, f->wide + at, f->low + at);
    return &b[b[1].error < b[0].error];
}

/* Two bits of each 32 in a byte (mx_tq2_0). */
SV void put_two_bits(uint8_t *q, const uint8_t *code) {
    for (int h = 0; h < 2; h++)
        for (int j = 0; j < 32; j++) {
            const uint8_t *c = code + 128 * h + j;
            q[32 * h + j] =
                (uint8_t)((c[0] & 3) | (c[32] & 3) << 2 | (c[64] & 3) << 4 | (c[96] & 3) << 6);
        }
}

void K_ENCODE(q2_k)(void *blocks, const float *x, size_t n) {
    mx_q2_k *b = blocks;
    for (size_t i = 0; i < n; i++, x += 256) {
        float panel[16 * LANES];
        lines room[2];
        fit f;
        load_panel(panel, x, 16, 16);
        fit_lines(&f, panel, 16, 3, STEPS(coarse));
        const lines *l = best_lines(room, x, 16, 16, 3, 15, &f, 0);
        memcpy(b[i].d, l->d, 2);
        memcpy(b[i].m, l->m, 2);
        for (int g = 0; g < 16; g++)
            b[i].scales[g] = (uint8_t)(l->scale[g] | l->least[g] << 4);
        put_two_bits(b[i].q, l->code);
    }
}

/* See mx_k_scale_min. */
static void put_scales(uint8_t *to, const lines *l) {
    for (int g = 0; g < 4; g++) {
        to[g] = (uint8_t)(l->scale[g] | l->scale[g + 4] >> 4 << 6);
        to[g + 4] = (uint8_t)(l->least[g] | l->least[g + 4] >> 4 << 6);
        to[g + 8] = (uint8_t)((l->scale[g + 4] & 15) | (l->least[g + 4] & 15) << 4);
    }
}

SV void put_nibbles(uint8_t *q, const uint8_t *code) {
    for (int h = 0; h < 4; h++)
        for (int j = 0; j < 32; j++)
            q[32 * h + j] = (uint8_t)((code[64 * h + j] & 15) | code[64 * h + 32 + j] << 4);
}

SV void put_q4_k(mx_q4_k *b, const lines *l) {
    memcpy(b->d, l->d, 2);
    memcpy(b->m, l->m, 2);
    put_scales(b->scales, l);
    put_nibbles(b->q, l->code);
}

SV void put_q5_k(mx_q5_k *b, const lines *l) {
    memcpy(b->d, l->d, 2);
    memcpy(b->m, l->m, 2);
    put_scales(b->scales, l);
    put_nibbles(b->q, l->code);
    for (int j = 0; j < 32; j++) {
        int high = 0;
        for (int g = 0; g < 8; g++)
            high |= l->code[32 * g + j] >> 4 << g;
        b->high[j] = (uint8_t)high;
    }
}

/* Two blocks fill a panel. */
SV int fit_pair(fit *f, const float *x, size_t left, float top) {
    float panel[32 * LANES];
    int blocks = left > 1 ? 2 : 1;
    load_panel(panel, x, 32, 8 * blocks);
    fit_lines(f, panel, 32, top, STEPS(few));
    return blocks;
}

void K_ENCODE(q4_k)(void *blocks, const float *x, size_t n) {
    mx_q4_k *b = blocks;
    lines room[2];
    fit f;
    for (size_t i = 0; i < n; i += 2) {
        int count = fit_pair(&f, x + 256 * i, n - i, 15);
        for (int k = 0; k < count; k++)
            put_q4_k(&b[i + (size_t)k],
                     best_lines(room, x + 256 * (i + (size_t)k), 8, 32, 15, 63, &f, 8 * k));
    }
}

void K_ENCODE(q5_k)(void *blocks, const float *x, size_t n) {
    mx_q5_k *b = blocks;
    lines room[2];
    fit f;
    for (size_t i = 0; i < n; i += 2) {
        int count = fit_pair(&f, x + 256 * i, n - i, 31);
        for (int k = 0; k < count; k++)
            put_q5_k(&b[i + (size_t)k],
                     best_lines(room, x + 256 * (i + (size_t)k), 8, 32, 31, 63, &f, 8 * k));
    }
}

/* --- a signed scale for each group: Q3_K, Q6_K, IQ4_XS ------------------------------- */

typedef struct scales {
    uint8_t d[2];
    int8_t scale[16];
    uint8_t code[256]; /* from 0 */
    float error;
} scales;

/* Codes of -most .. most - 1, or numbers of levels; scales of -top .. top - 1. */
SV void put_scales_of(scales *b, const float *x, int groups, int n, float most, const float *levels,
                      int top, const float *scale) {
    float d = store_half(b->d, extreme_scale(scale, groups) / (float)-top);
    float by[LANES], inverse[LANES];
    errors e;
    for (int i = 0; i < LANES / VF_LANES; i++)
        e.lane[i] = vf_zero();
    scale_codes(by, scale, groups, d, -top, top - 1);
    for (int g = 0; g < groups; g++) {
        b->scale[g] = (int8_t)by[g];
        by[g] *= d;
    }
    inverses(inverse, by, groups);
    for (int g = 0; g < groups; g++, x += n) {
        vf s = vf_set1(by[g]), inv = vf_set1(inverse[g]);
        for (int j = 0; j < n; j += VF_LANES) {
            vf v = vf_load(x + j), t = vf_mul(v, inv), q;
            vi code;
            if (levels) {
                q = nearest_level(t, levels, &code);
            } else {
                q = whole_within(t, -most, most - 1);
                code = vi_from_f(vf_add(q, vf_set1(most)));
            }
            vi_store_u8(b->code + n * g + j, code);
            add_error(&e, j, vf_sub(vf_mul(s, q), v));
        }
    }
    b->error = sum_errors(&e);
}

SV const scales *best_scales(scales b[2], const float *x, int groups, int n, float most,
                             const float *levels, int top, const fit *f, int at) {
    put_scales_of(&b[0], x, groups, n, most, levels, top, f->scale + at);
    put_scales_of(&b[1], x, groups, n, most, levels, top, f->wide + at);
    return &b[b[1].error < b[0].error];
}

static void put_scale6(uint8_t *to, const int8_t *scale) {
    memset(to, 0, 12);
    for (int g = 0; g < 16; g++) {
        int s = scale[g] + 32;
        to[g % 8] = (uint8_t)(to[g % 8] | (s & 15) << (g / 8 * 4));
        to[8 + g % 4] = (uint8_t)(to[8 + g % 4] | s >> 4 << (g / 4 * 2));
    }
}

void K_ENCODE(q3_k)(void *blocks, const float *x, size_t n) {
    mx_q3_k *b = blocks;
    for (size_t i = 0; i < n; i++, x += 256) {
        float panel[16 * LANES];
        scales room[2];
        fit f;
        load_panel(panel, x, 16, 16);
        fit_scales(&f, panel, 16, 4, NULL, STEPS(coarse));
        const scales *s = best_scales(room, x, 16, 16, 4, NULL, 32, &f, 0);
        memcpy(b[i].d, s->d, 2);
        put_scale6(b[i].scales, s->scale);
        put_two_bits(b[i].q, s->code);
        for (int j = 0; j < 32; j++) {
            int high = 0;
            for (int k = 0; k < 8; k++)
                high |= s->code[32 * k + j] >> 2 << k;
            b[i].high[j] = (uint8_t)high;
        }
    }
}

void K_ENCODE(q6_k)(void *blocks, const float *x, size_t n) {
    mx_q6_k *b = blocks;
    for (size_t i = 0; i < n; i++, x += 256) {
        float panel[16 * LANES];
        scales room[2];
        fit f;
        load_panel(panel, x, 16, 16);
        fit_scales(&f, panel, 16, 32, NULL, STEPS(few));
        const scales *s = best_scales(room, x, 16, 16, 32, NULL, 128, &f, 0);
        memcpy(b[i].d, s->d, 2);
        memcpy(b[i].scales, s->scale, 16);
        for (int h = 0; h < 2; h++) {
            const uint8_t *c = s->code + 128 * h;
            for (int j = 0; j < 64; j++)
                b[i].q[64 * h + j] = (uint8_t)((c[j] & 15) | c[64 + j] << 4);
            for (int j = 0; j < 32; j++)
                b[i].high[32 * h + j] = (uint8_t)(c[j] >> 4 | c[32 + j] >> 4 << 2 |
                                                  c[64 + j] >> 4 << 4 | c[96 + j] >> 4 << 6);
        }
    }
}

/* --- levels -------------------------------------------------------------------------- */

/* The extreme at another place among the levels: at the first, beyond it, or at the last. */
static const float level_steps[] = {0, -14, -7, 7, -30, -238};

static void widen_levels(float *to) {
    for (int i = 0; i < 16; i++)
        to[i] = mx_iq4_levels[i];
}

static void put_iq4_xs(mx_iq4_xs *b, const scales *s) {
    int high = 0;
    memcpy(b->d, s->d, 2);
    memset(b->low, 0, sizeof b->low);
    for (int g = 0; g < 8; g++) {
        int scale = s->scale[g] + 32;
        b->low[g / 2] = (uint8_t)(b->low[g / 2] | (scale & 15) << (g % 2 * 4));
        high |= scale >> 4 << (2 * g);
        for (int j = 0; j < 16; j++)
            b->q[16 * g + j] = (uint8_t)(s->code[32 * g + j] | s->code[32 * g + 16 + j] << 4);
    }
    b->high[0] = (uint8_t)high;
    b->high[1] = (uint8_t)(high >> 8);
}

void K_ENCODE(iq4_xs)(void *blocks, const float *x, size_t n) {
    mx_iq4_xs *b = blocks;
    float levels[16], panel[32 * LANES];
    scales room[2];
    fit f;
    widen_levels(levels);
    for (size_t i = 0; i < n; i += 2) {
        size_t count = n - i > 1 ? 2 : 1;
        load_panel(panel, x + 256 * i, 32, 8 * (int)count);
        fit_scales(&f, panel, 32, 127, levels, STEPS(level_steps));
        for (size_t k = 0; k < count; k++)
            put_iq4_xs(&b[i + k], best_scales(room, x + 256 * (i + k), 8, 32, 127, levels, 32, &f,
                                              8 * (int)k));
    }
}

/* The scale is the block's own half. */
SV float put_iq4_nl(mx_q4_0 *b, const float *x, float scale, const float *levels) {
    uint8_t code[32];
    float d = store_half(b->d, scale), inverse = d != 0 ? 1 / d : 0;
    errors e;
    for (int i = 0; i < LANES / VF_LANES; i++)
        e.lane[i] = vf_zero();
    for (int j = 0; j < 32; j += VF_LANES) {
        vf v = vf_load(x + j);
        vi c;
        vf q = nearest_level(vf_mul(v, vf_set1(inverse)), levels, &c);
        vi_store_u8(code + j, c);
        add_error(&e, j, vf_sub(vf_mul(vf_set1(d), q), v));
    }
    for (int j = 0; j < 16; j++)
        b->q[j] = (uint8_t)(code[j] | code[j + 16] << 4);
    return sum_errors(&e);
}

void K_ENCODE(iq4_nl)(void *blocks, const float *x, size_t n) {
    mx_q4_0 *b = blocks, other;
    float levels[16], panel[32 * LANES];
    fit f;
    widen_levels(levels);
    for (size_t i = 0; i < n; i += LANES) {
        int count = n - i > LANES ? LANES : (int)(n - i);
        load_panel(panel, x + 32 * i, 32, count);
        fit_scales(&f, panel, 32, 127, levels, STEPS(level_steps));
        for (int k = 0; k < count; k++) {
            const float *from = x + 32 * (i + (size_t)k);
            float error = put_iq4_nl(&b[i + (size_t)k], from, f.scale[k], levels);
            if (put_iq4_nl(&other, from, f.wide[k], levels) < error)
                b[i + (size_t)k] = other;
        }
    }
}

/* --- NVFP4: a scale of eight bits for each 16 ---------------------------------------- */

/* The codes with half the scale d and their error. */
SV float put_nvfp4(uint8_t *code, const float *x, float d) {
    static const float levels[8] = {0, 1, 2, 3, 4, 6, 8, 12};
    vf inverse = vf_set1(d != 0 ? 1 / d : 0);
    errors e;
    for (int j = 0; j < 16; j += VF_LANES) {
        vf v = vf_load(x + j), a = vf_mul(vf_abs(v), inverse), level = vf_zero();
        vi c = vi_set1(0);
        for (int k = 1; k < 8; k++) {
            vm above = vf_gt(a, vf_set1(0.5f * (levels[k - 1] + levels[k])));
            level = vf_select(above, vf_set1(levels[k]), level);
            c = vi_select(above, vi_set1(k), c);
        }
        vi sign = vi_and(vi_shr(as_vi(v), 28), vi_set1(8));
        vi_store_u8(code + j, vi_select(vi_eq(c, vi_set1(0)), c, vi_or(c, sign)));
        vf difference = vf_sub(vf_mul(vf_set1(d), level), vf_abs(v));
        e.lane[j / VF_LANES] = vf_mul(difference, difference);
    }
    return sum_errors(&e);
}

/* The e4m3 code at or below x >= 0. */
static int e4m3_below(float x) {
    int code = (int)(mx_f32_bits(x * 0x1p-120f) >> 20);
    return x > 0 ? (code < 0x7e ? code : 0x7e) : 0;
}

/* Scales around that which has the largest number at 6. */
SV void put_nvfp4_group(uint8_t *scale, uint8_t *q, const float *x) {
    uint8_t code[16], best_code[16];
    float best = INFINITY, magnitude = 0;
    for (int j = 0; j < 16; j++)
        magnitude = fabsf(x[j]) > magnitude ? fabsf(x[j]) : magnitude;
    int first = e4m3_below(magnitude / 6);
    memset(best_code, 0, sizeof best_code);
    *scale = 0;
    for (int k = first > 0 ? first - 1 : 0; k <= first + 2 && k < 0x7f; k++) {
        float error = put_nvfp4(code, x, mx_nvfp4_half_scale((uint8_t)k));
        if (error < best) {
            best = error;
            *scale = (uint8_t)k;
            memcpy(best_code, code, sizeof code);
        }
    }
    for (int j = 0; j < 8; j++)
        q[j] = (uint8_t)(best_code[j] | best_code[j + 8] << 4);
}

void K_ENCODE(nvfp4_gguf)(void *blocks, const float *x, size_t n) {
    mx_nvfp4 *b = blocks;
    for (size_t i = 0; i < n; i++)
        for (int g = 0; g < 4; g++, x += 16)
            put_nvfp4_group(&b[i].e4m3[g], b[i].q + 8 * g, x);
}
