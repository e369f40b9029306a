/* Depthwise convolution, a tile of pixels by lanes of channels, and register tiles (k_conv.h). */
#include "kernels/conv/k_conv.h"

#include "kernels/simd/k_load.h"
#include "kernels/matmul/k_tile.h"
#include "kernels/kernels.h"

#define L VF_LANES
/* Whose sums stay in registers. Images are often 7 pixels wide, or 14, 28, 56. */
enum { MOST_TAPS = 9, MOST_PIXELS = 4, SEVEN = 7 };

// Sums stay in registers where every loop over them is unrolled early.
#define UNROLL SIMD_UNROLL(24)

/* n channels of element i. */
SV vf lanes(const void *p, ptrdiff_t i, size_t n, const mx_dtype t) {
    return n == L ? kind_load(kind_at(p, i, t), t) : kind_loadn(kind_at(p, i, t), n, t);
}

/* One line under `count` pixels, whose taps are neighbours: from q on. inside: all of them see
   input. */
SV void add_window(const mx_k_depthwise_args *a, vf *sum, const void *in, const float *w,
                   ptrdiff_t q, size_t n, const int count, const int taps, const int stride,
                   const bool inside, const mx_dtype t) {
    vf tap[MOST_TAPS];
    UNROLL
    for (int k = 0; k < taps; k++)
        tap[k] = vf_load(w + k * TILE_NV * L);
    UNROLL
    for (int i = 0; i < (count - 1) * stride + taps; i++) {
        if (!inside && (q + i < 0 || q + i >= a->width))
            continue;
        vf x = lanes(in, (q + i) * a->channels, n, t);
        UNROLL
        for (int p = 0; p < count; p++)
            if (i >= p * stride && i < p * stride + taps)
                sum[p] = vf_fma(x, tap[i - p * stride], sum[p]);
    }
}

/* The same for any taps, and for n channels. */
SV void add_taps(const mx_k_depthwise_args *a, vf *sum, const void *in, const float *w, ptrdiff_t p,
                 size_t n, const int count, const mx_dtype t) {
    for (ptrdiff_t k = 0; k < a->taps; k++) {
        vf tap = vf_load(w + k * TILE_NV * L);
        UNROLL
        for (int i = 0; i < count; i++) {
            ptrdiff_t q = (p + i) * a->stride + a->first + k * a->spread;
            if (q >= 0 && q < a->width)
                sum[i] = vf_fma(lanes(in, q * a->channels, n, t), tap, sum[i]);
        }
    }
}

/* n channels from c on of `count` pixels from p on. Where `taps` and `stride` are constants a
 * pixel of
   input is loaded once for all that see it; otherwise they are 0. */
SV void tile(const mx_k_depthwise_args *a, ptrdiff_t p, ptrdiff_t c, size_t n, const int count,
             const int taps, const int stride, const mx_dtype t) {
    enum { NR = TILE_NV * L };
    vf sum[SEVEN];
    UNROLL
    for (int i = 0; i < count; i++)
        sum[i] = vf_zero();
    const float *w = a->w + c / NR * a->all * NR + c % NR;
    const ptrdiff_t q = p * stride + a->first;
    const bool inside = q >= 0 && q + (count - 1) * stride + taps <= a->width;
    for (ptrdiff_t l = 0; l < a->lines; l++) {
        const void *in = kind_at(a->in[l], c, t);
        const float *v = w + a->at[l] * NR;
        if (taps && inside)
            add_window(a, sum, in, v, q, n, count, taps, stride, true, t);
        else if (taps)
            add_window(a, sum, in, v, q, n, count, taps, stride, false, t);
        else
            add_taps(a, sum, in, v, p, n, count, t);
    }
    UNROLL
    for (int i = 0; i < count; i++) {
        void *y = (char *)a->out + ((p + i) * a->out_step + c) * (ptrdiff_t)kind_size(t);
        if (n == L)
            kind_store(y, sum[i], t);
        else
            kind_storen(y, sum[i], n, t);
    }
}

SV void all_channels(const mx_k_depthwise_args *a, ptrdiff_t p, const int count, const int taps,
                     const int stride, const mx_dtype t) {
    ptrdiff_t c = 0;
    for (; c + L <= a->channels; c += L)
        tile(a, p, c, L, count, taps, stride, t);
    if (c < a->channels)
        tile(a, p, c, (size_t)(a->channels - c), count, taps, stride, t);
}

/* The last tile may lie over the one before. */
SV bool all_pixels(const mx_k_depthwise_args *a, const int count, const int taps, const int stride,
                   const mx_dtype t) {
    if (a->pixels < count)
        return false;
    for (ptrdiff_t p = 0; p < a->pixels; p += count)
        all_channels(a, p + count > a->pixels ? a->pixels - count : p, count, taps, stride, t);
    return true;
}

static ptrdiff_t in_tiles(ptrdiff_t pixels, ptrdiff_t count) {
    return (pixels + count - 1) / count * count;
}

SV void depthwise(const mx_k_depthwise_args *a, const mx_dtype t) {
    const bool sevens = in_tiles(a->pixels, SEVEN) <= in_tiles(a->pixels, MOST_PIXELS);
#define WINDOW(k, s)                                          \
    (a->spread == 1 && a->taps == (k) && a->stride == (s) &&  \
     ((sevens && (k) < 7 && all_pixels(a, SEVEN, k, s, t)) || \
      all_pixels(a, MOST_PIXELS, k, s, t)))
    if (WINDOW(3, 1) || WINDOW(3, 2) || WINDOW(5, 1) || WINDOW(5, 2) || WINDOW(7, 1))
        return;
#undef WINDOW
    if (!all_pixels(a, MOST_PIXELS, 0, 0, t))
        all_pixels(a, 1, 0, 0, t);
}

/* --- its weights' derivative ----------------------------------------------------------- */

/* What `count` pixels from p on give to the taps of a line, as add_window has them. */
SV void add_products(const mx_k_depthwise_args *a, vf *sum, const void *in, const void *out,
                     ptrdiff_t p, size_t n, const int count, const int taps, const int stride,
                     const mx_dtype t) {
    ptrdiff_t q = p * stride + a->first;
    vf y[MOST_PIXELS];
    UNROLL
    for (int i = 0; i < count; i++)
        y[i] = lanes(out, (p + i) * a->out_step, n, t);
    UNROLL
    for (int i = 0; i < (count - 1) * stride + taps; i++) {
        if (q + i < 0 || q + i >= a->width)
            continue;
        vf x = lanes(in, (q + i) * a->channels, n, t);
        UNROLL
        for (int k = 0; k < count; k++)
            if (i >= k * stride && i < k * stride + taps)
                sum[i - k * stride] = vf_fma(x, y[k], sum[i - k * stride]);
    }
}

SV void add_line(const mx_k_depthwise_args *a, float *w, const void *in, const void *out, size_t n,
                 const int taps, const int stride, const mx_dtype t) {
    vf sum[MOST_TAPS];
    ptrdiff_t p = 0;
    UNROLL
    for (int k = 0; k < taps; k++)
        sum[k] = vf_load(w + k * TILE_NV * L);
    for (; p + MOST_PIXELS <= a->pixels; p += MOST_PIXELS)
        add_products(a, sum, in, out, p, n, MOST_PIXELS, taps, stride, t);
    for (; p < a->pixels; p++)
        add_products(a, sum, in, out, p, n, 1, taps, stride, t);
    UNROLL
    for (int k = 0; k < taps; k++)
        vf_store(w + k * TILE_NV * L, sum[k]);
}

/* The same for any taps, and for n channels. */
SV void add_line_by_taps(const mx_k_depthwise_args *a, float *w, const void *in, const void *out,
                         size_t n, const mx_dtype t) {
    for (ptrdiff_t k = 0; k < a->taps; k++) {
        vf sum = vf_load(w + k * TILE_NV * L);
        for (ptrdiff_t p = 0; p < a->pixels; p++) {
            ptrdiff_t q = p * a->stride + a->first + k * a->spread;
            if (q < 0 || q >= a->width)
                continue;
            sum = vf_fma(lanes(in, q * a->channels, n, t), lanes(out, p * a->out_step, n, t), sum);
        }
        vf_store(w + k * TILE_NV * L, sum);
    }
}

SV void some_lanes(const mx_k_depthwise_args *a, ptrdiff_t c, size_t n, const int taps,
                   const int stride, const mx_dtype t) {
    enum { NR = TILE_NV * L };
    for (ptrdiff_t l = 0; l < a->lines; l++) {
        float *w = a->w + (c / NR * a->all + a->at[l]) * NR + c % NR;
        const void *in = kind_at(a->in[l], c, t), *out = kind_at(a->out, c, t);
        if (taps)
            add_line(a, w, in, out, n, taps, stride, t);
        else
            add_line_by_taps(a, w, in, out, n, t);
    }
}

SV void all_lines(const mx_k_depthwise_args *a, const int taps, const int stride,
                  const mx_dtype t) {
    ptrdiff_t c = 0;
    for (; c + L <= a->channels; c += L)
        some_lanes(a, c, L, taps, stride, t);
    if (c < a->channels)
        some_lanes(a, c, (size_t)(a->channels - c), taps, stride, t);
}

SV void depthwise_weight(const mx_k_depthwise_args *a, const mx_dtype t) {
    ptrdiff_t taps = a->spread == 1 ? a->taps : 0;
    if (taps == 3 && a->stride == 1)
        all_lines(a, 3, 1, t);
    else if (taps == 3 && a->stride == 2)
        all_lines(a, 3, 2, t);
    else if (taps == 5 && a->stride == 1)
        all_lines(a, 5, 1, t);
    else if (taps == 5 && a->stride == 2)
        all_lines(a, 5, 2, t);
    else if (taps == 7 && a->stride == 1)
        all_lines(a, 7, 1, t);
    else
        all_lines(a, 0, 0, t);
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
        if (whole || i < a->m) // results often lie in no cache
            __builtin_prefetch(a->c + i * a->ldc, 1);
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
    else if (x->n < L)
        conv_outer(x, 1, false);
    else if (x->n < L)
        conv_outer(x, 1, false);
    else
        conv_outer(x, 2, false);
}

static void KN(k_conv_patches)(const mx_k_conv_patches_args *a) {
    float *to = a->to;
    for (ptrdiff_t p = 0; p < a->count; p++)
        for (ptrdiff_t r = 0; r < a->runs; r++, to += a->run) {
            const float *from = a->from + a->at[r] + p * a->step;
            ptrdiff_t i = 0;
            for (; i + L <= a->run; i += L)
                vf_store(to + i, vf_load(from + i));
            if (i < a->run)
                vf_storen(to + i, vf_loadn(from + i, (size_t)(a->run - i)), (size_t)(a->run - i));
        }
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
    .patches = KN(k_conv_patches),
    .slide = KN(k_conv_slide),
    .winograd = &KN(mx_winograd),
};
