/* Depthwise convolution: a tile of pixels by lanes of channels, the taps inside. */
#include "kernels/conv/k_conv.h"

#include "kernels/simd/k_load.h"
#include "kernels/matmul/k_tile.h"
#include "kernels/kernels.h"

#define L VF_LANES
enum { MOST_TAPS = 9 }; /* whose sums stay in registers */

/* n channels from c on, of `pixels` pixels (a constant) from `in` to `out`. */
SV void tile(const mx_k_depthwise_args *a, void *out, const void *in, ptrdiff_t c, size_t n,
             const int pixels, const mx_dtype t) {
    vf sum[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    for (ptrdiff_t i = 0; i < a->taps; i++) {
        vf w = n == L ? vf_load(a->w[i] + c) : vf_loadn(a->w[i] + c, n);
        for (int p = 0; p < pixels; p++) {
            const void *x = kind_at(in, a->at[i] + p * a->step + c, t);
            sum[p] = vf_fma(n == L ? kind_load(x, t) : kind_loadn(x, n, t), w, sum[p]);
        }
    }
    for (int p = 0; p < pixels; p++) {
        void *y = (char *)out + (p * a->out_step + c) * (ptrdiff_t)kind_size(t);
        if (n == L)
            kind_store(y, sum[p], t);
        else
            kind_storen(y, sum[p], n, t);
    }
}

SV void pixels(const mx_k_depthwise_args *a, ptrdiff_t p, const int count, const mx_dtype t) {
    void *out = (char *)a->out + p * a->out_step * (ptrdiff_t)kind_size(t);
    const void *in = kind_at(a->in, p * a->step, t);
    ptrdiff_t c = 0;
    for (; c + L <= a->channels; c += L)
        tile(a, out, in, c, L, count, t);
    if (c < a->channels)
        tile(a, out, in, c, (size_t)(a->channels - c), count, t);
}

SV void depthwise(const mx_k_depthwise_args *a, const mx_dtype t) {
    ptrdiff_t p = 0;
    for (; p + 4 <= a->pixels; p += 4)
        pixels(a, p, 4, t);
    for (; p < a->pixels; p++)
        pixels(a, p, 1, t);
}

/* The weights of `count` taps from i on (a constant), for n channels from c on. */
SV void sums(const mx_k_depthwise_args *a, ptrdiff_t i, ptrdiff_t c, size_t n, const int count,
             const mx_dtype t) {
    vf sum[MOST_TAPS];
    for (int k = 0; k < count; k++)
        sum[k] = vf_loadn(a->w[i + k] + c, n);
    for (ptrdiff_t p = 0; p < a->pixels; p++) {
        const void *y = kind_at(a->out, p * a->out_step + c, t);
        vf g = n == L ? kind_load(y, t) : kind_loadn(y, n, t);
        for (int k = 0; k < count; k++) {
            const void *x = kind_at(a->in, a->at[i + k] + p * a->step + c, t);
            sum[k] = vf_fma(n == L ? kind_load(x, t) : kind_loadn(x, n, t), g, sum[k]);
        }
    }
    for (int k = 0; k < count; k++)
        vf_storen(a->w[i + k] + c, sum[k], n);
}

SV void all_taps(const mx_k_depthwise_args *a, ptrdiff_t c, size_t n, const mx_dtype t) {
    ptrdiff_t i = 0;
    for (; i + MOST_TAPS <= a->taps; i += MOST_TAPS)
        sums(a, i, c, n, MOST_TAPS, t);
    for (; i + 3 <= a->taps; i += 3)
        sums(a, i, c, n, 3, t);
    for (; i < a->taps; i++)
        sums(a, i, c, n, 1, t);
}

SV void depthwise_weight(const mx_k_depthwise_args *a, const mx_dtype t) {
    ptrdiff_t c = 0;
    for (; c + L <= a->channels; c += L)
        all_taps(a, c, L, t);
    if (c < a->channels)
        all_taps(a, c, (size_t)(a->channels - c), t);
}

static void KN(k_depthwise_f32)(const mx_k_depthwise_args *a) {
    depthwise(a, MX_FLOAT32);
}
static void KN(k_depthwise_f16)(const mx_k_depthwise_args *a) {
    depthwise(a, MX_FLOAT16);
}
static void KN(k_depthwise_bf16)(const mx_k_depthwise_args *a) {
    depthwise(a, MX_BFLOAT16);
}

static void KN(k_depthwise_weight_f32)(const mx_k_depthwise_args *a) {
    depthwise_weight(a, MX_FLOAT32);
}
static void KN(k_depthwise_weight_f16)(const mx_k_depthwise_args *a) {
    depthwise_weight(a, MX_FLOAT16);
}
static void KN(k_depthwise_weight_bf16)(const mx_k_depthwise_args *a) {
    depthwise_weight(a, MX_BFLOAT16);
}

/* --- register tiles ------------------------------------------------------------------- */

// Sums stay in registers where every loop over them is unrolled early.
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

SV void store_row(float *c, const vf *acc, const int nv, int n) {
    UNROLL
    for (int j = 0; j < nv; j++) {
        int left = n - j * L;
        if (left >= L)
            vf_store(c + j * L, acc[j]);
        else if (left > 0)
            vf_storen(c + j * L, acc[j], (size_t)left);
    }
}

/* One run: its rows in registers, `width` of b's columns a step. */
SV void add_run(vf (*acc)[TILE_NV], const float *const *row, const float *b, ptrdiff_t n,
                const int nv) {
    const float *p[TILE_MR];
    UNROLL
    for (int i = 0; i < TILE_MR; i++)
        p[i] = row[i];
    for (ptrdiff_t k = 0; k < n; k++, b += TILE_NV * L) {
        vf bv[TILE_NV];
        UNROLL
        for (int j = 0; j < nv; j++)
            bv[j] = vf_load(b + j * L);
        UNROLL
        for (int i = 0; i < TILE_MR; i++) {
            vf av = vf_set1(p[i][k]);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = vf_fma(av, bv[j], acc[i][j]);
        }
    }
}

SV void conv_tile(const mx_k_conv_tile_args *a, const int nv, const bool whole) {
    vf acc[TILE_MR][TILE_NV];
    UNROLL
    for (int i = 0; i < TILE_MR; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = vf_zero();
    }
    for (ptrdiff_t r = 0; r < a->runs; r++)
        add_run(acc, a->row + r * TILE_MR, a->b + a->at[r] * TILE_NV * L, a->len[r], nv);
    UNROLL
    for (int i = 0; i < TILE_MR; i++)
        if (whole || i < a->m)
            store_row(a->c + i * a->ldc, acc[i], nv, whole ? nv * L : a->n);
}

static void KN(k_conv_tile)(const mx_k_conv_tile_args *a) {
    if (a->n == 2 * L && a->m == TILE_MR)
        conv_tile(a, 2, true);
    else if (a->n <= L)
        conv_tile(a, 1, false);
    else
        conv_tile(a, 2, false);
}

/* Vector j of n columns. */
SV vf load_part(const float *p, int j, int n, const bool whole) {
    int left = n - j * L;
    if (whole || left >= L)
        return vf_load(p + j * L);
    return left > 0 ? vf_loadn(p + j * L, (size_t)left) : vf_zero();
}

/* One run of positions. whole: n columns are nv whole vectors. */
SV void add_positions(vf (*acc)[TILE_NV], const mx_k_conv_outer_args *x, ptrdiff_t r, const int nv,
                      const bool whole) {
    const float *a = x->a[r] + x->a_at, *b = x->b[r] + x->b_at;
    ptrdiff_t a_step = x->a_step, b_step = x->b_step;
    for (ptrdiff_t p = 0; p < x->len[r]; p++, a += a_step, b += b_step) {
        vf bv[TILE_NV];
        UNROLL
        for (int j = 0; j < nv; j++)
            bv[j] = load_part(b, j, x->n, whole);
        UNROLL
        for (int i = 0; i < TILE_MR; i++) {
            vf av = vf_set1(a[i]);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = vf_fma(av, bv[j], acc[i][j]);
        }
    }
}

SV void conv_outer(const mx_k_conv_outer_args *x, const int nv, const bool whole) {
    vf acc[TILE_MR][TILE_NV];
    UNROLL
    for (int i = 0; i < TILE_MR; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = load_part(x->c + i * x->ldc, j, x->n, whole);
    }
    for (ptrdiff_t r = 0; r < x->runs; r++)
        add_positions(acc, x, r, nv, whole);
    UNROLL
    for (int i = 0; i < TILE_MR; i++)
        store_row(x->c + i * x->ldc, acc[i], nv, whole ? nv * L : x->n);
}

static void KN(k_conv_outer)(const mx_k_conv_outer_args *x) {
    if (x->n == 2 * L)
        conv_outer(x, 2, true);
    else if (x->n == L)
        conv_outer(x, 1, true);
    else
        conv_outer(x, 2, false);
}

const mx_k_conv KN(mx_conv) = {
    .depthwise = {[MX_FLOAT32] = KN(k_depthwise_f32),
                  [MX_FLOAT16] = KN(k_depthwise_f16),
                  [MX_BFLOAT16] = KN(k_depthwise_bf16)},
    .depthwise_weight = {[MX_FLOAT32] = KN(k_depthwise_weight_f32),
                         [MX_FLOAT16] = KN(k_depthwise_weight_f16),
                         [MX_BFLOAT16] = KN(k_depthwise_weight_bf16)},
    .tile = KN(k_conv_tile),
    .outer = KN(k_conv_outer),
    .winograd = &KN(mx_winograd),
};
