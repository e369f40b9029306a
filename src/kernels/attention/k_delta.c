/* The gated delta rule on a few rows of one state. */
#include "kernels/attention/k_attention.h"
#include "kernels/simd/k_lanes.h"

#define L VF_LANES
#define T MX_FLOAT32

/* One step of R rows, which wait for each other nowhere: (decayed state) . k, then the update and
   state . q. `decay` points to one number or, if `each`, to one for each column. */
SV void step(const size_t R, const bool each, const mx_k_delta *a, float *s, const float *v,
             float *y, const float *q, const float *k, const float *decay, float beta) {
    size_t n = (size_t)a->columns;
    vf dot[4], g = vf_set1(each ? 0 : *decay);
    for (size_t r = 0; r < R; r++)
        dot[r] = vf_zero();
    for (size_t i = 0; i < n; i += L) {
        vf kk = lanes_some(T, k, i, n), gg = each ? lanes_some(T, decay, i, n) : g;
        for (size_t r = 0; r < R; r++)
            dot[r] = vf_fma(vf_mul(lanes_some(T, s + r * n, i, n), gg), kk, dot[r]);
    }
    vf sum[4];
    for (size_t r = 0; r < R; r++) {
        dot[r] = vf_set1((v[r] - vf_sum(dot[r])) * beta);
        sum[r] = vf_zero();
    }
    for (size_t i = 0; i < n; i += L) {
        vf kk = lanes_some(T, k, i, n), qq = lanes_some(T, q, i, n),
           gg = each ? lanes_some(T, decay, i, n) : g;
        for (size_t r = 0; r < R; r++) {
            vf now = vf_fma(dot[r], kk, vf_mul(lanes_some(T, s + r * n, i, n), gg));
            lanes_put_some(T, s + r * n, i, n, now);
            sum[r] = vf_fma(now, qq, sum[r]);
        }
    }
    for (size_t r = 0; r < R; r++)
        y[r] = vf_sum(sum[r]);
}

SV void step_rows(const bool each, const mx_k_delta *a, size_t t, const float *decay) {
    const float *q = (const float *)a->q + t * (size_t)a->q_step,
                *k = (const float *)a->k + t * (size_t)a->q_step;
    const float *v = (const float *)a->v + t * (size_t)a->v_step;
    float *y = (float *)a->y + t * (size_t)a->v_step, *s = a->state;
    float beta = ((const float *)a->beta)[t * (size_t)a->beta_step];
    size_t r = 0, rows = (size_t)a->rows, n = (size_t)a->columns;
    for (; r + 4 <= rows; r += 4)
        step(4, each, a, s + r * n, v + r, y + r, q, k, decay, beta);
    for (; r < rows; r++)
        step(1, each, a, s + r * n, v + r, y + r, q, k, decay, beta);
}

static void hide(void *y, size_t item, const mx_k_delta *a, size_t t) {
    memset((char *)y + t * (size_t)a->v_step * item, 0, (size_t)a->rows * item);
}

static void delta_FLOAT32(const mx_k_delta *a) {
    for (size_t t = 0; t < (size_t)a->steps; t++) {
        const float *decay = (const float *)a->decay + t * (size_t)a->decay_step;
        if (a->mask && !a->mask[t])
            hide(a->y, sizeof(float), a, t);
        else if (a->decay_each)
            step_rows(true, a, t, decay);
        else
            step_rows(false, a, t, decay);
    }
}

static double step_d(const mx_k_delta *a, double *s, double v, const double *q, const double *k,
                     const double *decay, double beta) {
    double dot = 0, y = 0;
    for (ptrdiff_t i = 0; i < a->columns; i++) {
        s[i] *= decay[a->decay_each ? i : 0];
        dot += s[i] * k[i];
    }
    for (ptrdiff_t i = 0; i < a->columns; i++) {
        s[i] += (v - dot) * beta * k[i];
        y += s[i] * q[i];
    }
    return y;
}

static void delta_FLOAT64(const mx_k_delta *a) {
    for (ptrdiff_t t = 0; t < a->steps; t++) {
        const double *q = (const double *)a->q + t * a->q_step,
                     *k = (const double *)a->k + t * a->q_step;
        const double *decay = (const double *)a->decay + t * a->decay_step,
                     *v = (const double *)a->v + t * a->v_step;
        double *y = (double *)a->y + t * a->v_step, *s = a->state;
        double beta = ((const double *)a->beta)[t * a->beta_step];
        if (a->mask && !a->mask[t])
            hide(a->y, sizeof(double), a, (size_t)t);
        else
            for (ptrdiff_t r = 0; r < a->rows; r++)
                y[r] = step_d(a, s + r * a->columns, v[r], q, k, decay, beta);
    }
}

mx_k_delta_rows *const KN(mx_delta)[2] = {delta_FLOAT32, delta_FLOAT64};
