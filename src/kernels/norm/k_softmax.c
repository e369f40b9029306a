/* Softmax and its relatives on rows. The row is read once for its maximum and once for the
 * exponentials, which stay in cache: two short passes cost less than one with an online maximum
 * (Milakov and Gimelshein 2018 gives the merging of parts that long rows use). */
#include "kernels/norm/k_softmax.h"

#include <math.h>

#include "kernels/simd/k_lanes.h"
#include "kernels/kernels.h"
#include "kernels/simd/vmath.h"

#define L     VF_LANES
#define BLOCK 2048 /* elements whose exponentials are summed in float32, and kept for halves */

/* e^x for x <= 0, exactly 0 below -87. */
SV vf exp_below(vf x) {
    return vf_select(vf_lt(x, vf_set1(-87.0f)), vf_zero(), vf_exp_negative(x));
}

/* Lanes past n are NaN where they must not win a maximum, so they are filled with the first. */
SV vf tail(const mx_dtype t, const void *x, size_t i, size_t n, vf fill) {
    return vf_select(vm_first(n - i), lanes_loadn(t, x, i, n - i), fill);
}

/* The largest element that is not NaN. */
SV float row_max(const mx_dtype t, const void *x, size_t n) {
    vf low = vf_set1(-INFINITY), m[4] = {low, low, low, low};
    size_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L)
        for (int k = 0; k < 4; k++)
            m[k] = vf_max(lanes_load(t, x, i + (size_t)k * L), m[k]);
    for (; i < n; i += L)
        m[0] = vf_max(i + L <= n ? lanes_load(t, x, i) : tail(t, x, i, n, low), m[0]);
    return vf_hmax(vf_max(vf_max(m[0], m[1]), vf_max(m[2], m[3])));
}

/* The cache fetches 4 vectors from element i of what is read next, whose first pass would wait for
   memory: this one leaves that idle. */
SV void ask(const mx_dtype t, const void *next, size_t i) {
    const char *p = lanes_row(t, next, i, 1);
    for (size_t at = 0; at < 4 * L * (t == MX_FLOAT32 ? 4 : 2); at += 64)
        __builtin_prefetch(p + at, 0, 3);
}

/* The sum of e[i] = exp(x[i] - max) over n <= BLOCK elements; e may be NULL, or x itself. `next` is
   asked for meanwhile. */
SV float exp_block(const mx_dtype t, const void *x, size_t n, float max, float *e,
                   const void *next) {
    vf m = vf_set1(max), s[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    size_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L) {
        ask(t, next, i);
        for (int k = 0; k < 4; k++) {
            size_t j = i + (size_t)k * L;
            vf y = exp_below(vf_sub(lanes_load(t, x, j), m));
            s[k] = vf_add(s[k], y);
            if (e)
                vf_store(e + j, y);
        }
    }
    for (; i + L <= n; i += L) {
        vf y = exp_below(vf_sub(lanes_load(t, x, i), m));
        s[0] = vf_add(s[0], y);
        if (e)
            vf_store(e + i, y);
    }
    if (i < n) {
        vf y = exp_below(vf_sub(lanes_loadn(t, x, i, n - i), m));
        y = vf_select(vm_first(n - i), y, vf_zero());
        s[1] = vf_add(s[1], y);
        if (e)
            vf_storen(e + i, y, n - i);
    }
    return vf_sum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
}

SV double exp_sum(const mx_dtype t, const void *x, size_t n, float max, float *e,
                  const void *next) {
    double sum = 0;
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t m = n - i < BLOCK ? n - i : BLOCK;
        const void *p = lanes_row(t, x, i, 1);
        sum += (double)exp_block(t, p, m, max, e ? e + i : NULL, lanes_row(t, next, i, 1));
    }
    return sum;
}

/* out = e * scale */
SV void scale_row(const mx_dtype t, void *out, const float *e, size_t n, float scale) {
    vf s = vf_set1(scale);
    size_t i = 0;
    for (; i + L <= n; i += L)
        lanes_store(t, out, i, vf_mul(vf_load(e + i), s));
    if (i < n)
        lanes_storen(t, out, i, vf_mul(vf_loadn(e + i, n - i), s), n - i);
}

/* out = exp(x - max) * scale */
SV void exp_row(const mx_dtype t, void *out, const void *x, size_t n, float max, float scale) {
    vf m = vf_set1(max), s = vf_set1(scale);
    size_t i = 0;
    for (; i + L <= n; i += L)
        lanes_store(t, out, i, vf_mul(exp_below(vf_sub(lanes_load(t, x, i), m)), s));
    if (i < n) {
        vf y = vf_mul(exp_below(vf_sub(lanes_loadn(t, x, i, n - i), m)), s);
        lanes_storen(t, out, i, y, n - i);
    }
}

/* out = (x - max) - rest: subtracted apart, so that nothing is lost where max is large. */
SV void shift_row(const mx_dtype t, void *out, const void *x, size_t n, float max, float rest) {
    vf m = vf_set1(max), r = vf_set1(rest);
    size_t i = 0;
    for (; i + L <= n; i += L)
        lanes_store(t, out, i, vf_sub(vf_sub(lanes_load(t, x, i), m), r));
    if (i < n)
        lanes_storen(t, out, i, vf_sub(vf_sub(lanes_loadn(t, x, i, n - i), m), r), n - i);
}

SV void softmax_rows(const mx_dtype t, void *out, ptrdiff_t os, const void *x, ptrdiff_t xs,
                     size_t rows, size_t n) {
    float kept[BLOCK];
    for (size_t r = 0; r < rows; r++) {
        const void *p = lanes_row(t, x, r, xs), *next = lanes_row(t, x, r + (r + 1 < rows), xs);
        void *o = lanes_row_out(t, out, r, os);
        float *e = t == MX_FLOAT32 ? o : n <= BLOCK ? kept : NULL, max = row_max(t, p, n);
        float scale = (float)(1.0 / exp_sum(t, p, n, max, e, next));
        if (e)
            scale_row(t, o, e, n, scale);
        else
            exp_row(t, o, p, n, max, scale);
    }
}

SV void log_softmax_rows(const mx_dtype t, void *out, ptrdiff_t os, const void *x, ptrdiff_t xs,
                         size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++) {
        const void *p = lanes_row(t, x, r, xs), *next = lanes_row(t, x, r + (r + 1 < rows), xs);
        float max = row_max(t, p, n);
        double sum = exp_sum(t, p, n, max, NULL, next);
        shift_row(t, lanes_row_out(t, out, r, os), p, n, max, (float)log(sum));
    }
}

SV bool row_has_nan(const mx_dtype t, const void *x, size_t n) {
    bool nan = false;
    for (size_t i = 0; i < n; i++)
        nan |= isnan(lanes_get(t, x, i));
    return nan;
}

SV void logsumexp_rows(const mx_dtype t, void *out, const void *x, ptrdiff_t xs, size_t rows,
                       size_t n) {
    for (size_t r = 0; r < rows; r++) {
        const void *p = lanes_row(t, x, r, xs), *next = lanes_row(t, x, r + (r + 1 < rows), xs);
        float max = row_max(t, p, n);
        if (isinf(max))
            lanes_put(t, out, r, row_has_nan(t, p, n) ? NAN : max);
        else
            lanes_put(t, out, r, (float)((double)max + log(exp_sum(t, p, n, max, NULL, next))));
    }
}

SV float dot_row(const mx_dtype t, const void *a, const void *b, size_t n) {
    vf s[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    size_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L)
        for (size_t k = 0; k < 4; k++)
            s[k] = vf_fma(lanes_load(t, a, i + k * L), lanes_load(t, b, i + k * L), s[k]);
    for (; i + L <= n; i += L)
        s[0] = vf_fma(lanes_load(t, a, i), lanes_load(t, b, i), s[0]);
    if (i < n)
        s[1] = vf_fma(lanes_loadn(t, a, i, n - i), lanes_loadn(t, b, i, n - i), s[1]);
    return vf_sum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
}

SV void softmax_vjp_rows(const mx_dtype t, void *dx, const void *y, const void *g, size_t rows,
                         size_t n) {
    for (size_t r = 0; r < rows; r++) {
        const void *yr = lanes_row(t, y, r, (ptrdiff_t)n), *gr = lanes_row(t, g, r, (ptrdiff_t)n);
        void *o = lanes_row_out(t, dx, r, (ptrdiff_t)n);
        vf dot = vf_set1(dot_row(t, yr, gr, n));
        size_t i = 0;
        for (; i + L <= n; i += L) {
            vf d = vf_sub(lanes_load(t, gr, i), dot);
            lanes_store(t, o, i, vf_mul(lanes_load(t, yr, i), d));
        }
        if (i < n) {
            vf d = vf_sub(lanes_loadn(t, gr, i, n - i), dot);
            lanes_storen(t, o, i, vf_mul(lanes_loadn(t, yr, i, n - i), d), n - i);
        }
    }
}

SV void part_of(const mx_dtype t, mx_softmax_part *part, const void *x, size_t n) {
    float max = row_max(t, x, n);
    part->max = (double)max;
    // a block of nothing but -inf weighs nothing; NaN and +inf show as NaN
    bool nothing = max == -INFINITY && !row_has_nan(t, x, n);
    part->sum = nothing                                    ? 0
                : max == INFINITY && !row_has_nan(t, x, n) ? 1
                                                           : exp_sum(t, x, n, max, NULL, x);
}

/* ---- float64 ---- */

static double row_max_d(const double *x, size_t n) {
    double m = -INFINITY;
    for (size_t i = 0; i < n; i++)
        m = x[i] > m ? x[i] : m;
    return m;
}
static bool row_has_nan_d(const double *x, size_t n) {
    bool nan = false;
    for (size_t i = 0; i < n; i++)
        nan |= x[i] != x[i];
    return nan;
}
static double exp_sum_d(const double *x, size_t n, double max, double *e) {
    double s[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        double y = exp(x[i] - max);
        s[i & 3] += y;
        if (e)
            e[i] = y;
    }
    return (s[0] + s[1]) + (s[2] + s[3]);
}
static void softmax_FLOAT64(void *out, ptrdiff_t os, const void *xv, ptrdiff_t xs, size_t rows,
                            size_t n) {
    double *o = out;
    const double *x = xv;
    for (size_t r = 0; r < rows; r++, o += os, x += xs) {
        double sum = exp_sum_d(x, n, row_max_d(x, n), o);
        for (size_t i = 0; i < n; i++)
            o[i] /= sum;
    }
}
static void log_softmax_FLOAT64(void *out, ptrdiff_t os, const void *xv, ptrdiff_t xs, size_t rows,
                                size_t n) {
    double *o = out;
    const double *x = xv;
    for (size_t r = 0; r < rows; r++, o += os, x += xs) {
        double max = row_max_d(x, n), rest = log(exp_sum_d(x, n, max, NULL));
        for (size_t i = 0; i < n; i++)
            o[i] = x[i] - max - rest;
    }
}
static void logsumexp_FLOAT64(void *out, const void *xv, ptrdiff_t xs, size_t rows, size_t n) {
    const double *x = xv;
    for (size_t r = 0; r < rows; r++, x += xs) {
        double max = row_max_d(x, n);
        double whole =
            isinf(max) ? row_has_nan_d(x, n) ? NAN : max : max + log(exp_sum_d(x, n, max, NULL));
        ((double *)out)[r] = whole;
    }
}
static void softmax_vjp_FLOAT64(void *dx, const void *yv, const void *gv, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++) {
        const double *y = (const double *)yv + r * n, *g = (const double *)gv + r * n;
        double *o = (double *)dx + r * n, s[4] = {0, 0, 0, 0};
        for (size_t i = 0; i < n; i++)
            s[i & 3] += y[i] * g[i];
        double dot = (s[0] + s[1]) + (s[2] + s[3]);
        for (size_t i = 0; i < n; i++)
            o[i] = y[i] * (g[i] - dot);
    }
}
static void part_FLOAT64(mx_softmax_part *part, const void *x, size_t n) {
    part->max = row_max_d(x, n);
    bool plain = isinf(part->max) && !row_has_nan_d(x, n);
    part->sum = plain ? part->max > 0 : exp_sum_d(x, n, part->max, NULL);
}
static void apply_FLOAT64(void *out, const void *x, const mx_softmax_part *w, size_t n) {
    for (size_t i = 0; i < n; i++)
        ((double *)out)[i] = exp(((const double *)x)[i] - w->max) / w->sum;
}
static void apply_log_FLOAT64(void *out, const void *x, const mx_softmax_part *w, size_t n) {
    double rest = log(w->sum);
    for (size_t i = 0; i < n; i++)
        ((double *)out)[i] = ((const double *)x)[i] - w->max - rest;
}

/* ---- the table ---- */

#define T    MX_FLOAT32
#define N(f) f##_FLOAT32
#include "kernels/norm/k_softmax_type.h"
#define T    MX_FLOAT16
#define N(f) f##_FLOAT16
#include "kernels/norm/k_softmax_type.h"
#define T    MX_BFLOAT16
#define N(f) f##_BFLOAT16
#include "kernels/norm/k_softmax_type.h"

#define FLOATS(f)                \
    {[MX_FLOAT16] = f##_FLOAT16, \
     [MX_FLOAT32] = f##_FLOAT32, \
     [MX_FLOAT64] = f##_FLOAT64, \
     [MX_BFLOAT16] = f##_BFLOAT16}

const mx_k_softmax KN(mx_softmax) = {
    .softmax = FLOATS(softmax),
    .log_softmax = FLOATS(log_softmax),
    .logsumexp = FLOATS(logsumexp),
    .softmax_vjp = FLOATS(softmax_vjp),
    .part = FLOATS(part),
    .apply = FLOATS(apply),
    .apply_log = FLOATS(apply_log),
};
