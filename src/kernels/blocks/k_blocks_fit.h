/* Scales of groups by least squares, sixteen groups side by side.
 *
 *     panel   element j of group g at [16 j + g]: a lane is a group, so that sums need no order
 *             among lanes and all instruction sets find the same
 *
 * For given codes the best scale is linear algebra; for a given scale the best codes are roundings.
 * Each candidate, a scale a little smaller or larger than the range asks for, is rounded once and
 * then fitted; the one of least squared error stays.
 */
#ifndef MX_KERNELS_K_BLOCKS_FIT_H
#define MX_KERNELS_K_BLOCKS_FIT_H

#include "kernels/blocks/k_blocks.h"

enum { LANES = 16, MOST_GROUP = 32 };

typedef struct fit {
    float scale[LANES], least[LANES]; /* the best */
    float wide[LANES], low[LANES];    /* what the range alone says */
} fit;

/* Four numbers of each of four groups of n elements. */
SV void turn_four(float *panel, const float *x, int n) {
    typedef float four __attribute__((vector_size(16)));
    four r[4];
    for (int i = 0; i < 4; i++)
        memcpy(&r[i], x + n * i, sizeof r[i]);
    four ab0 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    four ab2 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    four cd0 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    four cd2 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    r[0] = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
    r[2] = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    r[3] = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
    for (int i = 0; i < 4; i++)
        memcpy(panel + LANES * i, &r[i], sizeof r[i]);
}

/* `groups` of n elements each that follow one another; the other lanes are zero. */
SV void load_panel(float *panel, const float *x, int n, int groups) {
    int g = 0;
    for (; g + 4 <= groups; g += 4)
        for (int j = 0; j < n; j += 4)
            turn_four(panel + LANES * j + g, x + n * g + j, n);
    for (; g < groups; g++)
        for (int j = 0; j < n; j++)
            panel[LANES * j + g] = x[n * g + j];
    for (int j = 0; j < n && groups < LANES; j++)
        memset(panel + LANES * j + groups, 0, (size_t)(LANES - groups) * sizeof *panel);
}

/* No less than lo; NaN becomes lo. */
SV vf at_least(vf x, float lo) {
#if defined(__SSE2__)
    return vf_max(x, vf_set1(lo)); // of a NaN and a number these processors take the second
#else
    return vf_select(vf_gt(x, vf_set1(lo)), x, vf_set1(lo));
#endif
}

/* To a whole number of lo .. hi; NaN becomes lo. */
SV vf whole_within(vf x, float lo, float hi) {
    return vf_min(at_least(vf_round(x), lo), vf_set1(hi));
}

SV vf quotient(vf a, vf b) { /* 0 where b is */
    return vf_select(vf_eq(b, vf_zero()), vf_zero(), vf_div(a, b));
}

/* --- x = scale q - least, q of 0 .. top, least not negative -------------------------- */

typedef struct line {
    vf scale, above, error; /* y = scale q + above, for y = x - low */
} line;

/* The best line for the codes that `inverse` gives. `most` is what `above` may be, y1 the sum of
   the n vectors of y. */
SV line fit_line(const vf *y, int n, vf y1, vf inverse, float top, vf most) {
    vf q1 = vf_zero(), q2 = vf_zero(), qy = vf_zero(), count = vf_set1((float)n), two = vf_set1(2);
    for (int j = 0; j < n; j++) {
        vf q = whole_within(vf_mul(y[j], inverse), 0, top);
        q1 = vf_add(q1, q);
        q2 = vf_fma(q, q, q2); // whole numbers: exact
        qy = vf_add(qy, vf_mul(q, y[j]));
    }
    line l;
    l.scale = quotient(vf_sub(vf_mul(count, qy), vf_mul(y1, q1)),
                       vf_sub(vf_mul(count, q2), vf_mul(q1, q1)));
    l.above = vf_div(vf_sub(y1, vf_mul(l.scale, q1)), count);
    vm over = vf_gt(l.above, most);
    l.above = vf_select(over, most, l.above);
    l.scale = vf_select(over, quotient(vf_sub(qy, vf_mul(most, q1)), q2), l.scale);
    // the sum of squares of y is the same for all
    vf s = vf_mul(l.scale, vf_sub(vf_add(vf_mul(l.scale, q2), vf_mul(two, vf_mul(l.above, q1))),
                                  vf_mul(two, qy)));
    vf b = vf_mul(l.above, vf_sub(vf_mul(count, l.above), vf_mul(two, y1)));
    l.error = vf_add(s, b);
    return l;
}

SV void fit_lines(fit *f, const float *panel, int n, float top, const float *steps, int count) {
    for (int g = 0; g < LANES; g += VF_LANES) {
        vf lo = vf_zero(), hi = vf_load(panel + g);
        for (int j = 0; j < n; j++) {
            vf x = vf_load(panel + LANES * j + g);
            lo = vf_min(lo, x);
            hi = vf_max(hi, x);
        }
        vf range = vf_max(vf_sub(hi, lo), vf_zero()), most = vf_sub(vf_zero(), lo);
        vf y[MOST_GROUP], y1 = vf_zero();
        for (int j = 0; j < n; j++) {
            y[j] = vf_sub(vf_load(panel + LANES * j + g), lo);
            y1 = vf_add(y1, y[j]);
        }
        line best = {vf_div(range, vf_set1(top)), vf_zero(), vf_zero()};
        vf_store(f->wide + g, best.scale);
        vf_store(f->low + g, most);
        for (int k = 0; k < count; k++) {
            line l = fit_line(y, n, y1, quotient(vf_set1(top + steps[k]), range), top, most);
            vm better = vf_lt(l.error, best.error);
            better = k ? vm_and(better, vf_gt(l.scale, vf_zero())) : vf_gt(l.scale, vf_zero());
            best.scale = vf_select(better, l.scale, best.scale);
            best.above = vf_select(better, l.above, best.above);
            best.error = vf_select(better, l.error, best.error);
        }
        vf_store(f->scale + g, best.scale);
        vf_store(f->least + g, vf_sub(most, best.above));
    }
}

/* --- x = scale level(q) -------------------------------------------------------------- */

/* The number of largest magnitude of each lane. */
SV vf panel_extreme(const float *panel, int n) {
    vf e = vf_load(panel);
    for (int j = 1; j < n; j++) {
        vf x = vf_load(panel + LANES * j);
        e = vf_select(vf_gt(vf_abs(x), vf_abs(e)), x, e);
    }
    return e;
}

/* The nearest of the levels; its number in *code where that is wanted. */
SV vf nearest_level(vf x, const float *levels, vi *code) {
    vf v = vf_set1(levels[0]);
    vi n = vi_set1(0);
    for (int k = 1; k < 16; k++) {
        vm above = vf_gt(x, vf_set1(0.5f * (levels[k - 1] + levels[k])));
        v = vf_select(above, vf_set1(levels[k]), v);
        if (code)
            n = vi_select(above, vi_set1(k), n);
    }
    if (code)
        *code = n;
    return v;
}

/* Codes are whole numbers of -most .. most - 1 where levels is NULL, else levels, of which `most`
   is the magnitude of the first. A candidate has the extreme at -(most + step). */
SV void fit_scales(fit *f, const float *panel, int n, float most, const float *levels,
                   const float *steps, int count) {
    for (int g = 0; g < LANES; g += VF_LANES) {
        vf e = panel_extreme(panel + g, n), scale = vf_div(e, vf_set1(-most)), gain = vf_zero();
        vf_store(f->wide + g, scale);
        for (int k = 0; k < count; k++) {
            vf inverse = quotient(vf_set1(-most - steps[k]), e), qx = vf_zero(), q2 = vf_zero();
            for (int j = 0; j < n; j++) {
                vf x = vf_load(panel + g + LANES * j), v = vf_mul(x, inverse);
                vf q = levels ? nearest_level(v, levels, NULL) : whole_within(v, -most, most - 1);
                qx = vf_add(qx, vf_mul(q, x));
                q2 = vf_fma(q, q, q2); // whole numbers: exact
            }
            vf s = quotient(qx, q2), more = vf_mul(s, qx);
            vm better = vf_gt(more, gain);
            scale = vf_select(better, s, scale);
            gain = vf_select(better, more, gain);
        }
        vf_store(f->scale + g, scale);
    }
}

/* --- squared errors, added up in one order ------------------------------------------- */

typedef struct errors {
    vf lane[LANES / VF_LANES];
} errors;

SV void add_error(errors *e, int j, vf difference) {
    vf *at = &e->lane[j % LANES / VF_LANES];
    *at = vf_add(*at, vf_mul(difference, difference));
}

SV float sum_errors(const errors *e) {
    vf lane[LANES / VF_LANES];
    memcpy(lane, e->lane, sizeof lane);
    for (int half = LANES / VF_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] = vf_add(lane[i], lane[i + half]);
    return vf_sum(lane[0]);
}

/* --- scales become small numbers ----------------------------------------------------- */

/* Of those above 0; 0 where there are none. */
SV float largest_of(const float *v, int n) {
    vf most = vf_zero();
    for (int i = 0; i < n; i += VF_LANES) {
        vf x = vf_loadn(v + i, n - i < VF_LANES ? (size_t)(n - i) : VF_LANES);
        most = vf_select(vf_gt(x, most), x, most);
    }
    return vf_hmax(most);
}

/* The first of largest magnitude. */
static inline float extreme_scale(const float *v, int n) {
    float e = v[0];
    for (int i = 1; i < n; i++)
        if ((v[i] < 0 ? -v[i] : v[i]) > (e < 0 ? -e : e))
            e = v[i];
    return e;
}

/* As a half, within what that holds; what a reader sees is the result. */
static inline float store_half(uint8_t *p, float d) {
    d = d > 65504 ? 65504 : d < -65504 ? -65504 : d;
    put_half(p, d);
    return mx_block_half(p);
}

/* n numbers v / d as whole numbers of lo .. hi, halves away from 0, and room for a vector. */
SV void scale_codes(float *to, const float *v, int n, float d, int lo, int hi) {
    for (int i = 0; i < n; i += VF_LANES) {
        vf q = vf_loadn(v + i, n - i < VF_LANES ? (size_t)(n - i) : VF_LANES);
        q = vf_min(at_least(quotient(q, vf_set1(d)), (float)lo), vf_set1((float)hi));
        q = vf_add(q, vf_select(vf_lt(q, vf_zero()), vf_set1(-0.5f), vf_set1(0.5f)));
        vf_store(to + i, vf_from_i(vi_from_f(q)));
    }
}

/* Of n scales, 0 where a scale is. */
SV void inverses(float *to, const float *scale, int n) {
    for (int i = 0; i < n; i += VF_LANES)
        vf_store(to + i, quotient(vf_set1(1), vf_load(scale + i)));
}

#endif
