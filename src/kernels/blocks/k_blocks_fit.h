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

/* `groups` of n elements each that follow one another; the other lanes are zero. */
SV void load_panel(float *panel, const float *x, int n, int groups) {
    for (int g = 0; g < groups; g++)
        for (int j = 0; j < n; j++)
            panel[LANES * j + g] = x[n * g + j];
    for (int j = 0; j < n && groups < LANES; j++)
        memset(panel + LANES * j + groups, 0, (size_t)(LANES - groups) * sizeof *panel);
}

/* To a whole number of lo .. hi; NaN becomes lo. */
SV vf whole_within(vf x, float lo, float hi) {
    vf q = vf_round(x);
    q = vf_select(vf_gt(q, vf_set1(lo)), q, vf_set1(lo));
    return vf_min(q, vf_set1(hi));
}

SV vf quotient(vf a, vf b) { /* 0 where b is */
    return vf_select(vf_eq(b, vf_zero()), vf_zero(), vf_div(a, b));
}

/* --- x = scale q - least, q of 0 .. top, least not negative -------------------------- */

typedef struct line {
    vf scale, above, error; /* y = scale q + above, for y = x - low */
} line;

/* The best line for the codes that `inverse` gives. `most` is what `above` may be. */
SV line fit_line(const float *panel, int n, vf low, vf inverse, float top, vf most) {
    vf q1 = vf_zero(), q2 = vf_zero(), qy = vf_zero(), y1 = vf_zero(), count = vf_set1((float)n),
       two = vf_set1(2);
    for (int j = 0; j < n; j++) {
        vf y = vf_sub(vf_load(panel + LANES * j), low),
           q = whole_within(vf_mul(y, inverse), 0, top);
        y1 = vf_add(y1, y);
        q1 = vf_add(q1, q);
        q2 = vf_add(q2, vf_mul(q, q));
        qy = vf_add(qy, vf_mul(q, y));
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
        line best = {vf_div(range, vf_set1(top)), vf_zero(), vf_zero()};
        vf_store(f->wide + g, best.scale);
        vf_store(f->low + g, most);
        for (int k = 0; k < count; k++) {
            line l =
                fit_line(panel + g, n, lo, quotient(vf_set1(top + steps[k]), range), top, most);
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
                q2 = vf_add(q2, vf_mul(q, q));
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

static inline float sum_errors(const errors *e) {
    float lane[LANES];
    for (int i = 0; i < LANES / VF_LANES; i++)
        vf_store(lane + i * VF_LANES, e->lane[i]);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

/* --- scales become small numbers ----------------------------------------------------- */

static inline float largest_of(const float *v, int n) {
    float m = 0;
    for (int i = 0; i < n; i++)
        m = v[i] > m ? v[i] : m;
    return m;
}

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

/* v / d as a whole number of lo .. hi. */
static inline int scale_code(float v, float d, int lo, int hi) {
    float q = d != 0 ? v / d : 0;
    q = q > (float)lo ? q : (float)lo;
    q = q < (float)hi ? q : (float)hi;
    return (int)(q + (q < 0 ? -0.5f : 0.5f));
}

#endif
