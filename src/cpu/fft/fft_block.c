/* A block of lines: loaded into scratch memory with real and imaginary parts apart, transformed
 * stage by stage, stored. Two real lines make one complex line a + i b; their spectra come
 * apart by symmetry. */
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/fft/fft_internal.h"
#include "kernels/copy/k_copy.h"
#include "kernels/kernels.h"

#define SCRATCH_SLOT 2
#define TILE         64 /* elements of each line that pass through the small buffer at once */

/* Floats between the parts in scratch. Powers of two apart, what a stage reads and what it writes
 * would share sets of the caches, and the low bits of addresses by which loads are held back
 * behind stores: that takes a third of the time. */
enum { APART = 16 * 9 };

/* Lines in scratch, in and out of the next stage, and a tile for interleaved parts. */
typedef struct room {
    size_t lanes, lines; /* complex lanes; lines of the job (twice as many when real) */
    float *re, *im, *re2, *im2;
    mx_complex64 *tile;
} room;

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool room_make(room *w, const mx_fft_block *b, size_t lines) {
    size_t n = b->plan->way == MX_FFT_CHIRP ? b->plan->inner->n : b->plan->n;
    w->lines = lines;
    w->lanes = b->kind == MX_FFT_COMPLEX ? lines : (lines + 1) / 2;
    size_t each = (n * w->lanes + 15) / 16 * 16 + APART;
    float *p =
        mx_scratch(SCRATCH_SLOT, 4 * each * sizeof *p + (TILE * lines + 1) * sizeof *w->tile);
    w->re = p;
    w->im = p + each;
    w->re2 = p + 2 * each;
    w->im2 = p + 3 * each;
    w->tile = (mx_complex64 *)(p + 4 * each);
    if (p)
        w->tile[TILE * lines] = (mx_complex64){0, 0};
    return p != NULL;
}

static const char *in_at(const mx_fft_block *b, int64_t line, size_t t, size_t item) {
    return (const char *)b->x + (line * b->in.lane + (int64_t)t * b->in.stride) * (int64_t)item;
}
static char *out_at(const mx_fft_block *b, int64_t line, size_t t, size_t item) {
    return (char *)b->y + (line * b->out.lane + (int64_t)t * b->out.stride) * (int64_t)item;
}

/* out[t][l] = line l * step of the view, element t, tightly packed. */
static void fetch(void *out, const void *x, mx_fft_view v, int64_t step, size_t n, size_t lines,
                  size_t item) {
    const int64_t shape[2] = {(int64_t)n, (int64_t)lines};
    const int64_t stride[2] = {v.stride, v.lane * step};
    mx_kernels_get()->copy->fetch[item](out, x, 2, shape, stride, 0, shape[0] * shape[1]);
}
/* The way back, from rows of `row` elements. */
static void put(void *y, mx_fft_view v, int64_t step, const void *in, size_t row, size_t n,
                size_t lines, size_t item) {
    int64_t lane = v.lane * step, r = (int64_t)row;
    const int64_t along[2] = {(int64_t)lines, (int64_t)n}, along_out[2] = {lane, v.stride};
    const int64_t across[2] = {(int64_t)n, (int64_t)lines}, across_out[2] = {v.stride, lane};
    const int64_t along_in[2] = {1, r}, across_in[2] = {r, 1};
    bool lines_outside = v.stride * v.stride <= lane * lane;
    const int64_t *shape = lines_outside ? along : across;
    mx_kernels_get()->copy->rows[item](y, lines_outside ? along_out : across_out, in,
                                       lines_outside ? along_in : across_in, 2, shape, 0, shape[0]);
}

/* ---- load ---- */

static void load_complex(const mx_fft_block *b, int64_t first, room *w) {
    size_t n = smaller(b->x_count, b->plan->n), rest = (b->plan->n - n) * w->lanes;
    for (size_t t = 0; t < n; t += TILE) {
        size_t m = smaller(TILE, n - t), at = t * w->lanes;
        fetch(w->tile, in_at(b, first, t, 8), b->in, 1, m, w->lanes, 8);
        mx_kernels_get()->fft->split(w->re + at, w->im + at, w->tile, m * w->lanes);
    }
    memset(w->re + n * w->lanes, 0, rest * sizeof(float));
    memset(w->im + n * w->lanes, 0, rest * sizeof(float));
}

static void load_real(const mx_fft_block *b, int64_t first, room *w) {
    size_t n = smaller(b->x_count, b->plan->n), rest = (b->plan->n - n) * w->lanes;
    fetch(w->re, in_at(b, first, 0, 4), b->in, 2, n, w->lanes, 4);
    if (w->lines % 2 == 0)
        fetch(w->im, in_at(b, first + 1, 0, 4), b->in, 2, n, w->lanes, 4);
    else // the last line stands alone
        for (size_t t = 0; t < n; t++)
            for (size_t l = 0; l < w->lanes; l++) {
                const char *p = in_at(b, first + 2 * (int64_t)l + 1, t, 4);
                w->im[t * w->lanes + l] = l + 1 < w->lanes ? *(const float *)p : 0;
            }
    memset(w->re + n * w->lanes, 0, rest * sizeof(float));
    memset(w->im + n * w->lanes, 0, rest * sizeof(float));
}

static void load_half(const mx_fft_block *b, int64_t first, room *w) {
    size_t n = b->plan->n, half = n / 2 + 1, have = smaller(b->x_count, half);
    for (size_t t = 0; t < half; t += TILE) {
        size_t m = smaller(TILE, half - t), got = t < have ? smaller(m, have - t) : 0;
        if (got)
            fetch(w->tile, in_at(b, first, t, 8), b->in, 1, got, w->lines, 8);
        memset(w->tile + got * w->lines, 0, (m - got) * w->lines * sizeof *w->tile);
        mx_kernels_get()->fft->pair(w->re, w->im, w->tile, t, m, n, w->lanes, w->lines, b->scale);
    }
}

/* ---- transform ---- */

static void flip(float **a, float **b) {
    float *t = *a;
    *a = *b;
    *b = t;
}

static void run_stages(const mx_fft_plan *p, room *w) {
    for (int i = 0; i < p->stages; i++) {
        mx_kernels_get()->fft->stage_f32(&p->stage[i], w->lanes, w->re, w->im, w->re2, w->im2);
        flip(&w->re, &w->re2);
        flip(&w->im, &w->im2);
    }
}

/* Exchanging the parts makes the inverse. */
static void exchange(room *w) {
    flip(&w->re, &w->im);
    flip(&w->re2, &w->im2);
}

static void run_chirp(const mx_fft_plan *p, room *w) {
    const mx_k_fft *k = mx_kernels_get()->fft;
    size_t m = p->inner->n, rest = (m - p->n) * w->lanes * sizeof(float);
    memset(w->re + p->n * w->lanes, 0, rest);
    memset(w->im + p->n * w->lanes, 0, rest);
    k->scale_lines(w->re, w->im, p->chirp_r, p->chirp_i, p->n, w->lanes);
    run_stages(p->inner, w);
    k->scale_lines(w->re, w->im, p->kernel_r, p->kernel_i, m, w->lanes);
    exchange(w);
    run_stages(p->inner, w);
    exchange(w);
    k->scale_lines(w->re, w->im, p->chirp_r, p->chirp_i, p->n, w->lanes);
}

static void transform(const mx_fft_block *b, int64_t first, room *w) {
    if (b->inverse)
        exchange(w);
    if (b->plan->way == MX_FFT_CHIRP)
        run_chirp(b->plan, w);
    else
        run_stages(b->plan, w);
    const mx_fft_plan *s = b->twist;
    if (s)
        mx_kernels_get()->fft->twist(w->re, w->im, s->coarse_r + first, s->coarse_i + first,
                                     s->fine_r + first, s->fine_i + first, s->fine_n, s->other->n,
                                     b->plan->n, w->lanes);
    if (b->inverse)
        exchange(w);
}

/* ---- store ---- */

static void store_complex(const mx_fft_block *b, int64_t first, room *w) {
    size_t n = b->plan->n;
    for (size_t t = 0; t < n; t += TILE) {
        size_t m = smaller(TILE, n - t), at = t * w->lanes;
        mx_kernels_get()->fft->join(w->tile, w->re + at, w->im + at, m * w->lanes, b->scale);
        put(out_at(b, first, t, 8), b->out, 1, w->tile, w->lanes, m, w->lanes, 8);
    }
}

/* Scaled when they were loaded. */
static void store_real(const mx_fft_block *b, int64_t first, room *w) {
    size_t n = b->plan->n;
    put(out_at(b, first, 0, 4), b->out, 2, w->re, w->lanes, n, w->lanes, 4);
    if (w->lines > 1)
        put(out_at(b, first + 1, 0, 4), b->out, 2, w->im, w->lanes, n, w->lines / 2, 4);
}

static void store_half(const mx_fft_block *b, int64_t first, room *w) {
    size_t n = b->plan->n, half = n / 2 + 1;
    for (size_t t = 0; t < half; t += TILE) {
        size_t m = smaller(TILE, half - t);
        mx_kernels_get()->fft->part(w->tile, w->re, w->im, t, m, n, w->lanes, w->lines, b->scale);
        put(out_at(b, first, t, 8), b->out, 1, w->tile, w->lines, m, w->lines, 8);
    }
}

bool mx_fft_block_run(const mx_fft_block *b, int64_t first, int64_t lanes) {
    room w;
    if (!room_make(&w, b, (size_t)lanes))
        return false;
    switch (b->kind) {
    case MX_FFT_COMPLEX: load_complex(b, first, &w); break;
    case MX_FFT_TO_HALF: load_real(b, first, &w); break;
    case MX_FFT_FROM_HALF: load_half(b, first, &w); break;
    }
    transform(b, first, &w);
    switch (b->kind) {
    case MX_FFT_COMPLEX: store_complex(b, first, &w); break;
    case MX_FFT_TO_HALF: store_half(b, first, &w); break;
    case MX_FFT_FROM_HALF: store_real(b, first, &w); break;
    }
    return true;
}
