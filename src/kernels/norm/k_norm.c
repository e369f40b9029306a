/* Normalisation of rows, forward and backward. A row stays in the first cache between
 * its passes; the variance is taken from differences to the mean. */
#include "kernels/norm/k_norm.h"

#include <math.h>

#include "kernels/simd/k_lanes.h"
#include "kernels/kernels.h"

#define L VF_LANES

/* ---- sums over a row ---- */

SV float sum_row(const mx_dtype t, const void *x, size_t n) {
    vf s[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    size_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L)
        for (size_t k = 0; k < 4; k++)
            s[k] = vf_add(s[k], lanes_load(t, x, i + k * L));
    for (; i < n; i += L)
        s[0] = vf_add(s[0], lanes_some(t, x, i, n));
    return vf_sum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
}
/* The sum of (x - c)^2. */
SV float sum_squares(const mx_dtype t, const void *x, float c, size_t n) {
    vf s[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()}, m = vf_set1(c);
    size_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L)
        for (size_t k = 0; k < 4; k++) {
            vf d = vf_sub(lanes_load(t, x, i + k * L), m);
            s[k] = vf_fma(d, d, s[k]);
        }
    for (; i < n; i += L) {
        vf d = vf_sub(lanes_some(t, x, i, n), m);
        d = n - i < L ? vf_select(vm_first(n - i), d, vf_zero()) : d;
        s[0] = vf_fma(d, d, s[0]);
    }
    return vf_sum(vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3])));
}

SV float inverse_root(float sum, size_t n, double eps) {
    return (float)(1.0 / sqrt((double)sum / (double)n + eps));
}

/* g w, or g where there is no weight. */
SV vf weighted(const mx_dtype t, const void *g, const void *w, size_t i, size_t n) {
    vf v = lanes_some(t, g, i, n);
    return w ? vf_mul(v, lanes_some(t, w, i, n)) : v;
}

/* ---- forward ---- */

SV void rms_rows(const mx_dtype t, void *out, const void *x, const void *w, double eps, size_t rows,
                 size_t n) {
    for (size_t r = 0; r < rows; r++) {
        const void *p = lanes_row(t, x, r, (ptrdiff_t)n);
        void *o = lanes_row_out(t, out, r, (ptrdiff_t)n);
        vf scale = vf_set1(inverse_root(sum_squares(t, p, 0, n), n, eps));
        for (size_t i = 0; i < n; i += L) {
            vf y = vf_mul(lanes_some(t, p, i, n), scale);
            lanes_put_some(t, o, i, n, w ? vf_mul(y, lanes_some(t, w, i, n)) : y);
        }
    }
}

SV void layer_rows(const mx_dtype t, void *out, const void *x, const void *w, const void *b,
                   double eps, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++) {
        const void *p = lanes_row(t, x, r, (ptrdiff_t)n);
        void *o = lanes_row_out(t, out, r, (ptrdiff_t)n);
        float mean = (float)((double)sum_row(t, p, n) / (double)n);
        vf m = vf_set1(mean), scale = vf_set1(inverse_root(sum_squares(t, p, mean, n), n, eps));
        for (size_t i = 0; i < n; i += L) {
            vf y = vf_mul(vf_sub(lanes_some(t, p, i, n), m), scale);
            y = w ? vf_mul(y, lanes_some(t, w, i, n)) : y;
            y = b ? vf_add(y, lanes_some(t, b, i, n)) : y;
            lanes_put_some(t, o, i, n, y);
        }
    }
}

/* ---- backward ---- */

/* sum[i] += v, float32 */
SV void accumulate(float *sum, size_t i, size_t n, vf v) {
    vf old = lanes_some(MX_FLOAT32, sum, i, n);
    lanes_put_some(MX_FLOAT32, sum, i, n, vf_add(old, v));
}

/* With r = 1 / sqrt(mean(x^2) + eps) and h = g w:  dx = r h - x r^3 mean(h x),  dw += g
 * x r. */
SV void rms_back(const mx_dtype t, void *dx, float *dw, const void *x, const void *w, const void *g,
                 double eps, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++) {
        const void *p = lanes_row(t, x, row, (ptrdiff_t)n);
        const void *q = lanes_row(t, g, row, (ptrdiff_t)n);
        float r = inverse_root(sum_squares(t, p, 0, n), n, eps);
        vf dot = vf_zero(), vr = vf_set1(r);
        for (size_t i = 0; i < n; i += L) {
            vf v = lanes_some(t, p, i, n);
            dot = vf_fma(weighted(t, q, w, i, n), v, dot);
            if (dw)
                accumulate(dw, i, n, vf_mul(lanes_some(t, q, i, n), vf_mul(v, vr)));
        }
        if (!dx)
            continue;
        void *o = lanes_row_out(t, dx, row, (ptrdiff_t)n);
        vf c = vf_set1((float)((double)vf_sum(dot) / (double)n * r * r));
        for (size_t i = 0; i < n; i += L) {
            vf h = vf_fnma(lanes_some(t, p, i, n), c, weighted(t, q, w, i, n));
            lanes_put_some(t, o, i, n, vf_mul(h, vr));
        }
    }
}

/* With z = (x - mean) r and h = g w:  dx = r (h - mean(h) - z mean(h z)),  dw += g z,
 * db += g. */
SV void layer_back(const mx_dtype t, void *dx, float *dw, float *db, const void *x, const void *w,
                   const void *g, double eps, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++) {
        const void *p = lanes_row(t, x, row, (ptrdiff_t)n);
        const void *q = lanes_row(t, g, row, (ptrdiff_t)n);
        float mean = (float)((double)sum_row(t, p, n) / (double)n);
        float r = inverse_root(sum_squares(t, p, mean, n), n, eps);
        vf m = vf_set1(mean), vr = vf_set1(r), sum = vf_zero(), dot = vf_zero();
        for (size_t i = 0; i < n; i += L) { // past the end h and g are 0
            vf z = vf_mul(vf_sub(lanes_some(t, p, i, n), m), vr);
            vf h = weighted(t, q, w, i, n);
            sum = vf_add(sum, h);
            dot = vf_fma(h, z, dot);
            if (dw)
                accumulate(dw, i, n, vf_mul(lanes_some(t, q, i, n), z));
            if (db)
                accumulate(db, i, n, lanes_some(t, q, i, n));
        }
        if (!dx)
            continue;
        void *o = lanes_row_out(t, dx, row, (ptrdiff_t)n);
        vf a = vf_set1((float)((double)vf_sum(sum) / (double)n));
        vf c = vf_set1((float)((double)vf_sum(dot) / (double)n));
        for (size_t i = 0; i < n; i += L) {
            vf z = vf_mul(vf_sub(lanes_some(t, p, i, n), m), vr);
            vf h = vf_sub(weighted(t, q, w, i, n), a);
            lanes_put_some(t, o, i, n, vf_mul(vf_fnma(z, c, h), vr));
        }
    }
}

/* ---- float64 ---- */

/* The sum of (x - c)^power, power 1 or 2. */
static double sum_d(const double *x, double c, int power, size_t n) {
    double s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - c;
        s[i & 7] += power == 2 ? d * d : d;
    }
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}
static double inverse_root_d(double sum, size_t n, double eps) {
    return 1.0 / sqrt(sum / (double)n + eps);
}
static void rms_FLOAT64(void *out, const void *xv, const void *wv, double eps, size_t rows,
                        size_t n) {
    const double *x = xv, *w = wv;
    double *o = out;
    for (size_t r = 0; r < rows; r++, x += n, o += n) {
        double scale = inverse_root_d(sum_d(x, 0, 2, n), n, eps);
        for (size_t i = 0; i < n; i++)
            o[i] = x[i] * scale * (w ? w[i] : 1);
    }
}
static void layer_FLOAT64(void *out, const void *xv, const void *wv, const void *bv, double eps,
                          size_t rows, size_t n) {
    const double *x = xv, *w = wv, *b = bv;
    double *o = out;
    for (size_t r = 0; r < rows; r++, x += n, o += n) {
        double mean = sum_d(x, 0, 1, n) / (double)n;
        double scale = inverse_root_d(sum_d(x, mean, 2, n), n, eps);
        for (size_t i = 0; i < n; i++)
            o[i] = (x[i] - mean) * scale * (w ? w[i] : 1) + (b ? b[i] : 0);
    }
}
static void rms_vjp_FLOAT64(void *dxv, void *dwv, const void *xv, const void *wv, const void *gv,
                            double eps, size_t rows, size_t n) {
    const double *x = xv, *w = wv, *g = gv;
    double *dx = dxv, *dw = dwv;
    for (size_t row = 0; row < rows; row++, x += n, g += n) {
        double r = inverse_root_d(sum_d(x, 0, 2, n), n, eps), dot = 0;
        for (size_t i = 0; i < n; i++) {
            dot += g[i] * (w ? w[i] : 1) * x[i];
            if (dw)
                dw[i] += g[i] * x[i] * r;
        }
        double c = dot / (double)n * r * r;
        for (size_t i = 0; dx && i < n; i++)
            dx[row * n + i] = r * (g[i] * (w ? w[i] : 1) - x[i] * c);
    }
}
static void layer_vjp_FLOAT64(void *dxv, void *dwv, void *dbv, const void *xv, const void *wv,
                              const void *gv, double eps, size_t rows, size_t n) {
    const double *x = xv, *w = wv, *g = gv;
    double *dx = dxv, *dw = dwv, *db = dbv;
    for (size_t row = 0; row < rows; row++, x += n, g += n) {
        double mean = sum_d(x, 0, 1, n) / (double)n, sum = 0, dot = 0;
        double r = inverse_root_d(sum_d(x, mean, 2, n), n, eps);
        for (size_t i = 0; i < n; i++) {
            double z = (x[i] - mean) * r, h = g[i] * (w ? w[i] : 1);
            sum += h;
            dot += h * z;
            if (dw)
                dw[i] += g[i] * z;
            if (db)
                db[i] += g[i];
        }
        for (size_t i = 0; dx && i < n; i++) {
            double z = (x[i] - mean) * r, h = g[i] * (w ? w[i] : 1);
            dx[row * n + i] = r * (h - sum / (double)n - z * (dot / (double)n));
        }
    }
}

/* ---- the table ---- */

#define T    MX_FLOAT32
#define N(f) f##_FLOAT32
#include "kernels/norm/k_norm_type.h"
#define T    MX_FLOAT16
#define N(f) f##_FLOAT16
#include "kernels/norm/k_norm_type.h"
#define T    MX_BFLOAT16
#define N(f) f##_BFLOAT16
#include "kernels/norm/k_norm_type.h"

#define FLOATS(f)                \
    {[MX_FLOAT16] = f##_FLOAT16, \
     [MX_FLOAT32] = f##_FLOAT32, \
     [MX_FLOAT64] = f##_FLOAT64, \
     [MX_BFLOAT16] = f##_BFLOAT16}

const mx_k_norm KN(mx_norm) = {
    .rms = FLOATS(rms),
    .layer = FLOATS(layer),
    .rms_vjp = FLOATS(rms_vjp),
    .layer_vjp = FLOATS(layer_vjp),
};
