/* Convolution in which lanes are neighbouring positions (k_conv.h). */
#include "kernels/conv/k_conv.h"

#include "kernels/kernels.h"
#include "kernels/simd/simd.h"

#define L      VF_LANES
#define UNROLL SIMD_UNROLL(8)

/* n positions of `outs` outputs, in nv vectors each, of which the last may be a part. */
SV void slide_tile(const mx_k_conv_slide_args *a, const float *x, const float *w, float *out,
                   ptrdiff_t n, const int outs, const int nv) {
    vf sum[8][8];
    UNROLL
    for (int o = 0; o < outs; o++)
        UNROLL
    for (int v = 0; v < nv; v++)
        sum[o][v] = vf_zero();
    for (ptrdiff_t k = 0; k < a->k; k++) {
        vf seen[8];
        UNROLL
        for (int v = 0; v < nv; v++)
            seen[v] = vf_load(x + a->at[k] + v * L);
        UNROLL
        for (int o = 0; o < outs; o++) {
            vf weight = vf_set1(w[o * a->k + k]);
            UNROLL
            for (int v = 0; v < nv; v++)
                sum[o][v] = vf_fma(seen[v], weight, sum[o][v]);
        }
    }
    UNROLL
    for (int o = 0; o < outs; o++)
        UNROLL
    for (int v = 0; v < nv; v++) {
        float *to = out + o * a->ldo + v * L;
        if (v < nv - 1 || n >= nv * L)
            vf_store(to, sum[o][v]);
        else
            vf_storen(to, sum[o][v], (size_t)(n - v * L));
    }
}

/* Positions of outputs o .. o+outs: as many sums at once as hide the time of one addition. */
SV void slide(const mx_k_conv_slide_args *a, ptrdiff_t o, const int outs) {
    const float *w = a->w + o * a->k;
    float *out = a->out + o * a->ldo;
    for (ptrdiff_t p = 0, step; p < a->count; p += step * L) {
        ptrdiff_t n = a->count - p;
        if (outs < 2 && n > 7 * L)
            slide_tile(a, a->x + p, w, out + p, n, outs, 8), step = 8;
        else if (outs < 4 && n > 3 * L)
            slide_tile(a, a->x + p, w, out + p, n, outs, 4), step = 4;
        else if (outs < 8 && n > L)
            slide_tile(a, a->x + p, w, out + p, n, outs, 2), step = 2;
        else
            slide_tile(a, a->x + p, w, out + p, n, outs, 1), step = 1;
    }
}

void KN(k_conv_slide)(const mx_k_conv_slide_args *a) {
    ptrdiff_t o = 0;
    for (; a->count <= L && o + 8 <= a->outputs; o += 8)
        slide(a, o, 8);
    for (; o + 4 <= a->outputs; o += 4)
        slide(a, o, 4);
    for (; o + 2 <= a->outputs; o += 2)
        slide(a, o, 2);
    if (o < a->outputs)
        slide(a, o, 1);
}
