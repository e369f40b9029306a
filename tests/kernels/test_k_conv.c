/* Depthwise convolution's kernels of every instruction set against the sums in float64. */
#include "kernel_values.h"
#include "kernels/conv/k_conv.h"
#include "kernels/matmul/k_matmul.h"

static const mx_dtype floats[] = {MX_FLOAT16, MX_FLOAT32, MX_BFLOAT16};

/* One case: small whole numbers, so that float32 sums are exact. */
typedef struct shape {
    ptrdiff_t lines, taps, pixels, channels, stride, first, spread, width;
} shape;

enum { LINES = 3, MOST_TAPS = 9, EVERY = LINES * MOST_TAPS + 1, MOST_CHANNELS = 128 };

typedef struct memory {
    void *in[LINES], *out;
    float w[EVERY * MOST_CHANNELS];
    ptrdiff_t at[LINES], out_step;
} memory;

static void make(memory *m, const shape *s, mx_dtype t) {
    for (ptrdiff_t l = 0; l < LINES; l++) {
        m->in[l] = kv_random(t, (size_t)(s->width * s->channels + 1), 2);
        m->at[l] = (LINES - 1 - l) * MOST_TAPS + 1;
    }
    m->out_step = s->channels + s->pixels % 2;
    m->out = kv_random(t, (size_t)((s->pixels + 1) * m->out_step + s->channels), 2);
    for (int i = 0; i < EVERY * MOST_CHANNELS; i++)
        m->w[i] = (float)kv_small(2).re;
}

static void drop(memory *m, mx_dtype t) {
    for (int l = 0; l < LINES; l++)
        kv_free(t, m->in[l]);
    kv_free(t, m->out);
}

static float *weight(memory *m, int nr, ptrdiff_t l, ptrdiff_t tap, ptrdiff_t c) {
    return m->w + (c / nr * EVERY + m->at[l] + tap) * nr + c % nr;
}

static double in_at(const memory *m, const shape *s, mx_dtype t, ptrdiff_t l, ptrdiff_t p,
                    ptrdiff_t tap, ptrdiff_t c) {
    ptrdiff_t q = p * s->stride + s->first + tap * s->spread;
    return q < 0 || q >= s->width ? 0 : kv_get(t, m->in[l], q * s->channels + c).re;
}

static ptrdiff_t wrong_pixels(memory *m, const shape *s, mx_dtype t, int nr) {
    ptrdiff_t bad = 0;
    for (ptrdiff_t p = 0; p < s->pixels; p++)
        for (ptrdiff_t c = 0; c < s->channels; c++) {
            double sum = 0;
            for (ptrdiff_t i = 0; i < s->lines * s->taps; i++)
                sum += in_at(m, s, t, i / s->taps, p, i % s->taps, c) *
                       (double)*weight(m, nr, i / s->taps, i % s->taps, c);
            bad += kv_get(t, m->out, p * m->out_step + c).re != sum;
        }
    return bad;
}

static ptrdiff_t wrong_weights(memory *m, memory *before, const shape *s, mx_dtype t, int nr) {
    ptrdiff_t bad = 0;
    for (ptrdiff_t i = 0; i < s->lines * s->taps; i++)
        for (ptrdiff_t c = 0; c < s->channels; c++) {
            double sum = (double)*weight(before, nr, i / s->taps, i % s->taps, c);
            for (ptrdiff_t p = 0; p < s->pixels; p++)
                sum += in_at(m, s, t, i / s->taps, p, i % s->taps, c) *
                       kv_get(t, m->out, p * m->out_step + c).re;
            bad += (double)*weight(m, nr, i / s->taps, i % s->taps, c) != sum;
        }
    return bad;
}

/* The weights first: the other kernel writes over `out`. */
static void check(const mx_kernels *set, mx_dtype t, const shape *s) {
    static memory m, before;
    make(&m, s, t);
    before = m;
    int nr = set->matmul->f32->nr;
    mx_k_depthwise_args a = {m.out,       (const void *const *)m.in,
                             m.w,         m.at,
                             s->lines,    s->taps,
                             EVERY,       s->pixels,
                             s->channels, s->width,
                             s->stride,   s->first,
                             s->spread,   m.out_step};
    set->conv->depthwise_weight[t](&a);
    ptrdiff_t weights = wrong_weights(&m, &before, s, t, nr);
    memcpy(m.w, before.w, sizeof m.w);
    value guard = kv_get(t, m.out, s->pixels * m.out_step);
    set->conv->depthwise[t](&a);
    ptrdiff_t pixels = wrong_pixels(&m, s, t, nr);
    bool kept = kv_same(guard, kv_get(t, m.out, s->pixels * m.out_step));
    CHECK_MSG(
        weights == 0 && pixels == 0 && kept,
        "%s %s: %td taps, stride %td, spread %td, %td pixels of %td: %td weights and %td sums "
        "are wrong%s",
        set->name, mx_dtype_name(t), s->taps, s->stride, s->spread, s->pixels, s->channels, weights,
        pixels, kept ? "" : ", written past the end");
    drop(&m, t);
}

static void every_channel_count(const mx_kernels *set, mx_dtype t, shape s) {
    static const ptrdiff_t channels[] = {1, 3, 4, 8, 15, 16, 17, 64, 69};
    s.width = (s.pixels > 0 ? s.pixels - 1 : 0) * s.stride + s.taps - s.taps / 2;
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++) {
        s.channels = channels[c];
        check(set, t, &s);
    }
}

static void every_set(void) {
    static const ptrdiff_t taps[] = {1, 2, 3, 5, 7, 9}, pixels[] = {0, 1, 3, 4, 7, 8, 13};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int n = 0; n < count; n++)
        for (int f = 0; f < 3; f++)
            for (size_t i = 0; i < sizeof taps / sizeof *taps; i++)
                for (size_t p = 0; p < sizeof pixels / sizeof *pixels; p++)
                    for (int k = 0; k < 4; k++)
                        every_channel_count(sets[n], floats[f],
                                            (shape){.lines = 1 + (k + (int)p) % LINES,
                                                    .taps = taps[i],
                                                    .pixels = pixels[p],
                                                    .stride = 1 + k % 3,
                                                    .first = -(ptrdiff_t)(taps[i] / 2),
                                                    .spread = 1 + k / 3});
}

/* --- register tiles ------------------------------------------------------------------- */

enum { RUNS = 3, K = 40, MOST_MR = 16, MOST_NR = 64 };

/* Rows anywhere in one array; runs of 5, 1 and 9 numbers from k 0, 7 and 30 of the panel. */
static void check_tile(const mx_kernels *set, int m, int n) {
    static const ptrdiff_t at[RUNS] = {0, 7, 30}, len[RUNS] = {5, 1, 9};
    const mx_k_gemm *f = set->matmul->f32;
    const float *row[RUNS * MOST_MR];
    float *x = kv_random(MX_FLOAT32, 100, 3), *b = kv_random(MX_FLOAT32, (size_t)(K * f->nr), 3),
          c[MOST_MR][MOST_NR + 1];
    ptrdiff_t bad = 0;
    for (int i = 0; i < RUNS * f->mr; i++)
        row[i] = x + kv_below(90);
    for (int i = 0; i < m; i++)
        c[i][n] = 7;
    set->conv->tile(&(mx_k_conv_tile_args){m, n, RUNS, row, at, len, b, c[0], MOST_NR + 1});
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int r = 0; r < RUNS; r++)
                for (ptrdiff_t k = 0; k < len[r]; k++)
                    sum += row[r * f->mr + i][k] * b[(at[r] + k) * f->nr + j];
            bad += c[i][j] != sum;
        }
        bad += c[i][n] != 7;
    }
    CHECK_MSG(bad == 0, "%s tile %d x %d: %td wrong", set->name, m, n, bad);
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, b);
}

/* Three runs of positions; a and b have steps of their own. */
static void check_outer(const mx_kernels *set, int n) {
    static const ptrdiff_t len[RUNS] = {1, 6, 3};
    enum { A_STEP = 19, B_STEP = 70, A_AT = 2, B_AT = 3 };
    int mr = set->matmul->f32->mr;
    float *x = kv_random(MX_FLOAT32, 40 * A_STEP, 3), *y = kv_random(MX_FLOAT32, 40 * B_STEP, 3),
          c[MOST_MR][MOST_NR + 1];
    const float *a[RUNS], *b[RUNS];
    ptrdiff_t bad = 0;
    for (int r = 0; r < RUNS; r++) {
        a[r] = x + 9 * r * A_STEP;
        b[r] = y + (20 - 9 * r) * B_STEP;
    }
    for (int i = 0; i < mr; i++)
        for (int j = 0; j <= n; j++)
            c[i][j] = (float)(i + j);
    set->conv->outer(&(mx_k_conv_outer_args){n, RUNS, a, b, len, A_AT, B_AT, A_STEP, B_STEP, c[0],
                                             MOST_NR + 1});
    for (int i = 0; i < mr; i++) {
        for (int j = 0; j < n; j++) {
            float sum = (float)(i + j);
            for (int r = 0; r < RUNS; r++)
                for (ptrdiff_t p = 0; p < len[r]; p++)
                    sum += a[r][p * A_STEP + A_AT + i] * b[r][p * B_STEP + B_AT + j];
            bad += c[i][j] != sum;
        }
        bad += c[i][n] != (float)(i + n);
    }
    CHECK_MSG(bad == 0, "%s outer, %d columns: %td wrong", set->name, n, bad);
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, y);
}

/* Small whole numbers from anywhere in one array. */
static void check_slide(const mx_kernels *set, ptrdiff_t outputs, ptrdiff_t count) {
    enum { NUMBERS = 7, MOST = 300 };
    ptrdiff_t at[NUMBERS], bad = 0, ldo = count + 1;
    float *x = kv_random(MX_FLOAT32, 2 * MOST + 64, 3), *w = kv_random(MX_FLOAT32, 20 * NUMBERS, 3),
          *out = kv_random(MX_FLOAT32, (size_t)(outputs * ldo), 3);
    for (int k = 0; k < NUMBERS; k++)
        at[k] = kv_below(MOST);
    for (ptrdiff_t o = 0; o < outputs; o++)
        out[o * ldo + count] = 7;
    set->conv->slide(&(mx_k_conv_slide_args){x, at, NUMBERS, outputs, count, w, out, ldo});
    for (ptrdiff_t o = 0; o < outputs; o++) {
        for (ptrdiff_t p = 0; p < count; p++) {
            float sum = 0;
            for (int k = 0; k < NUMBERS; k++)
                sum += x[at[k] + p] * w[o * NUMBERS + k];
            bad += out[o * ldo + p] != sum;
        }
        bad += out[o * ldo + count] != 7;
    }
    CHECK_MSG(bad == 0, "%s: %td outputs at %td positions: %td wrong", set->name, outputs, count,
              bad);
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, w);
    kv_free(MX_FLOAT32, out);
}

static void slides(void) {
    static const ptrdiff_t counts[] = {1, 3, 4, 7, 8, 15, 16, 17, 40, 63, 64, 100, 129, 300};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (ptrdiff_t outputs = 1; outputs <= 17; outputs++)
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
                check_slide(sets[s], outputs, counts[i]);
}

static void tiles(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int m = 1; m <= sets[s]->matmul->f32->mr; m++)
            for (int n = 1; n <= sets[s]->matmul->f32->nr; n++)
                check_tile(sets[s], m, n);
    for (int s = 0; s < count; s++)
        for (int n = 1; n <= sets[s]->matmul->f32->nr; n++)
            check_outer(sets[s], n);
}

static void patches(void) {
    static const ptrdiff_t at[RUNS] = {40, 0, 77};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    float *x = kv_random(MX_FLOAT32, 200, 3), y[5 * RUNS * 40 + 1];
    for (int s = 0; s < count; s++)
        for (ptrdiff_t run = 1; run <= 40; run++) {
            ptrdiff_t bad = 0, n = 5 * RUNS * run;
            y[n] = 7;
            sets[s]->conv->patches(&(mx_k_conv_patches_args){y, x, at, RUNS, run, 11, 5});
            for (ptrdiff_t i = 0; i < n; i++)
                bad += y[i] != x[i / run / RUNS * 11 + at[i / run % RUNS] + i % run];
            CHECK_MSG(bad == 0 && y[n] == 7, "%s: runs of %td: %td wrong", sets[s]->name, run, bad);
        }
    kv_free(MX_FLOAT32, x);
}

int main(void) {
    RUN(every_set);
    RUN(tiles);
    RUN(slides);
    RUN(patches);
    return check_done();
}
