/* See conv_few.h. */
#include "cpu/conv/conv_few.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { BLOCK = 16, PARTS = 3 };
#else
enum { BLOCK = 64, PARTS = 16 }; /* rows of a block; of the derivative, sums apart */
#endif
enum { MOST_CHANNELS = 8, MOST_K = 512, FEWEST_OUTPUTS = 8 };

typedef struct few {
    const conv *c;
    const mx_k_gemm *format;
    float *x;        /* (N, side[0], side[1], side[2], C) */
    int64_t side[3]; /* of the padded input */
    /* for each line of taps where it begins, from the first; the same in weights; its numbers */
    ptrdiff_t *at, *begin, *length;
    int64_t lines, run; /* of taps; numbers of one */
    int64_t k, wide;    /* numbers of a patch; from one to the next */
    float *sums;        /* weights in panels; of the derivative (parts, O, K) */
    const float *g;
    float *out;
    atomic_bool nomem;
} few;

bool conv_can_few(const conv *c) {
    const conv_patches *p = &c->patches;
    return p->dtype == MX_FLOAT32 && p->runs && c->groups == 1 && p->axis[2].taps > 1 &&
           p->channels <= MOST_CHANNELS && conv_taps(p) * p->channels <= MOST_K &&
           c->outputs >= FEWEST_OUTPUTS;
}

bool conv_weight_can_few(const conv *c) {
    return conv_can_few(c) && c->outputs % mx_gemm_format(MX_FLOAT32)->mr == 0;
}

/* --- padding -------------------------------------------------------------------------- */

/* Line i of the padded input: pixels of x from the first tap's offset on, zeros where there are
   none. */
static void pad_line(const few *f, int64_t i) {
    const conv_patches *p = &f->c->patches;
    const conv_axis *a = p->axis;
    int64_t q1 = i % f->side[1] + a[1].offset[0], first = a[2].offset[0],
            q0 = i / f->side[1] % f->side[0] + a[0].offset[0], image = i / f->side[1] / f->side[0],
            low = first < 0 ? -first : 0, high = a[2].in - first;
    float *out = f->x + i * f->side[2] * p->channels;
    low = low < f->side[2] ? low : f->side[2];
    high = high < f->side[2] ? high : f->side[2];
    if (q0 < 0 || q0 >= a[0].in || q1 < 0 || q1 >= a[1].in || high < low)
        high = low;
    int64_t pixel = ((image * a[0].in + q0) * a[1].in + q1) * a[2].in + first;
    memset(out, 0, (size_t)(low * p->channels) * sizeof *out);
    if (high > low)
        memcpy(out + low * p->channels,
               (const float *)(const void *)p->x + (pixel + low) * p->channels,
               (size_t)((high - low) * p->channels) * sizeof *out);
    memset(out + high * p->channels, 0, (size_t)((f->side[2] - high) * p->channels) * sizeof *out);
}

static void pad_body(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
        pad_line(ctx, i);
}

static size_t padded_bytes(const few *f) {
    int64_t pixels = f->c->patches.batch * f->side[0] * f->side[1] * f->side[2];
    return (size_t)(pixels * f->c->patches.channels) * sizeof(float);
}

static void find_lines(few *f) {
    const conv_axis *a = f->c->patches.axis;
    f->begin = f->at + f->lines;
    f->length = f->begin + f->lines;
    for (int64_t i = 0; i < f->lines; i++) {
        int64_t q0 = a[0].offset[i / a[1].taps] - a[0].offset[0],
                q1 = a[1].offset[i % a[1].taps] - a[1].offset[0];
        f->at[i] = (q0 * f->side[1] + q1) * f->side[2] * f->c->patches.channels;
        f->begin[i] = i * f->run;
        f->length[i] = f->run;
    }
}

/* floats: how many sums. */
static bool open_few(few *f, const conv *c, int64_t floats) {
    const conv_patches *p = &c->patches;
    *f = (few){.c = c, .format = mx_gemm_format(MX_FLOAT32)};
    for (int i = 0; i < 3; i++) {
        const conv_axis *a = &p->axis[i];
        f->side[i] = (a->count - 1) * a->stride + a->offset[a->taps - 1] - a->offset[0] + 1;
    }
    f->lines = p->axis[0].taps * p->axis[1].taps;
    f->run = p->axis[2].taps * p->channels;
    f->k = f->wide = f->lines * f->run;
    f->at = mx_calloc(3 * (size_t)f->lines, sizeof *f->at);
    f->x = f->at ? mx_block_alloc(padded_bytes(f)) : NULL;
    f->sums = f->x ? mx_block_alloc((size_t)floats * sizeof *f->sums) : NULL;
    if (!f->sums)
        return false;
    find_lines(f);
    mx_parallel_for(p->batch * f->side[0] * f->side[1], 1 + 32768 / (f->side[2] * p->channels),
                    pad_body, f);
    return true;
}

static void close_few(few *f, int64_t floats) {
    if (f->sums)
        mx_block_free(f->sums, (size_t)floats * sizeof *f->sums);
    if (f->x)
        mx_block_free(f->x, padded_bytes(f));
    mx_free(f->at);
}

/* --- rows: positions of the result ---------------------------------------------------- */

/* Row `first`: where its first tap lies; how many rows there are from it to the end of its line. */
static const float *first_of(const few *f, int64_t first, int64_t *left) {
    const conv_patches *p = &f->c->patches;
    const conv_axis *a = p->axis;
    int64_t line = first / a[2].count, p2 = first % a[2].count,
            q1 = line % a[1].count * a[1].stride, q0 = line / a[1].count % a[0].count * a[0].stride,
            image = line / a[1].count / a[0].count,
            pixel = ((image * f->side[0] + q0) * f->side[1] + q1) * f->side[2];
    *left = a[2].count - p2;
    return f->x + (pixel + p2 * a[2].stride) * p->channels;
}

/* Patches of rows first .. first+count, line by line. */
static void make_patches(const few *f, int64_t first, int64_t count, float *to) {
    const conv_patches *p = &f->c->patches;
    for (int64_t n; count > 0; first += n, count -= n, to += n * f->k) {
        const float *from = first_of(f, first, &n);
        n = n < count ? n : count;
        mx_kernels_get()->conv->patches(&(mx_k_conv_patches_args){.to = to,
                                                                  .from = from,
                                                                  .at = f->at,
                                                                  .runs = f->lines,
                                                                  .run = f->run,
                                                                  .step = p->axis[2].stride *
                                                                          p->channels,
                                                                  .count = n});
    }
}

/* Where the first taps of these rows lie. */
static void find_rows(const few *f, int64_t first, int64_t count, const float **to) {
    int64_t step = f->c->patches.axis[2].stride * f->c->patches.channels;
    for (int64_t n; count > 0; first += n, count -= n, to += n) {
        const float *from = first_of(f, first, &n);
        n = n < count ? n : count;
        for (int64_t i = 0; i < n; i++)
            to[i] = from + i * step;
    }
}

static void *room_for(few *f, size_t bytes) {
    void *room = mx_scratch(0, bytes);
    if (!room)
        atomic_store(&f->nomem, true);
    return room;
}

/* --- results -------------------------------------------------------------------------- */

enum { MOST_MR = 16 };

/* Rows first .. first + mr - 1 of which `left` are there, to all outputs. */
static void run_tiles(const few *f, const mx_k_conv_tile_args *of, int64_t first, int64_t left) {
    const mx_k_gemm *g = f->format;
    mx_k_conv_tile_args t = *of;
    t.m = (int)(left < g->mr ? left : g->mr);
    for (int64_t column = 0; column < f->c->outputs; column += g->nr) {
        int64_t n = f->c->outputs - column;
        t.n = (int)(n < g->nr ? n : g->nr);
        t.b = f->sums + column * f->k;
        t.c = f->out + first * f->c->outputs + column;
        mx_kernels_get()->conv->tile(&t);
    }
}

/* Rows first .. first + count - 1, over lines of taps where they lie. row: room for lines x mr
   addresses. */
static void run_rows(const few *f, const float **row, int64_t first, int64_t count) {
    const float *x[BLOCK + MOST_MR];
    const mx_k_conv_tile_args t = {
        .runs = f->lines, .row = row, .at = f->begin, .len = f->length, .ldc = f->c->outputs};
    int64_t mr = f->format->mr;
    find_rows(f, first, count, x);
    for (int64_t i = count; i < count + mr; i++)
        x[i] = x[0]; // read, and left out of the results
    for (int64_t i = 0; i < count; i += mr) {
        for (int64_t r = 0; r < f->lines; r++)
            for (int64_t l = 0; l < mr; l++)
                row[r * mr + l] = x[i + l] + f->at[r];
        run_tiles(f, &t, first + i, count - i);
    }
}

static void blocks_body(void *ctx, int64_t begin, int64_t end) {
    few *f = ctx;
    const float **row = room_for(f, (size_t)(f->lines * f->format->mr) * sizeof *row);
    int64_t rows = conv_rows(&f->c->patches);
    for (int64_t block = begin; row && block < end; block++)
        run_rows(f, row, block * BLOCK,
                 rows - block * BLOCK < BLOCK ? rows - block * BLOCK : BLOCK);
}

static void pack_weights(const few *f) {
    const conv *c = f->c;
    int64_t nr = f->format->nr;
    for (int64_t first = 0; first < c->outputs; first += nr)
        for (int64_t tap = 0; tap < conv_taps(&c->patches); tap++) {
            int64_t n = c->outputs - first, channels = c->patches.channels;
            f->format->pack[MX_FLOAT32](f->sums + first * f->k + tap * channels * nr, (int)nr,
                                        conv_weight_at(c, first, tap), c->w.output, c->w.channel,
                                        (int)(n < nr ? n : nr), channels);
        }
}

bool conv_few(const conv *c, float *out) {
    few f;
    int64_t nr = mx_gemm_format(MX_FLOAT32)->nr, k = conv_taps(&c->patches) * c->patches.channels,
            floats = (c->outputs + nr - 1) / nr * nr * k, rows = conv_rows(&c->patches);
    bool done = open_few(&f, c, floats);
    f.out = out;
    if (done) {
        pack_weights(&f);
        done = mx_parallel_for_long((rows + BLOCK - 1) / BLOCK,
                                    1 + 262144 / (BLOCK * k * c->outputs), blocks_body, &f);
    }
    close_few(&f, floats);
    return done && (!atomic_load(&f.nomem) || mx_fail_nomem("conv", 0));
}

/* --- towards the weight --------------------------------------------------------------- */

/* What some rows give to all tiles of a part's sums. */
static void add_block(const few *f, const float *patches, int64_t first, int64_t count,
                      float *sums) {
    const mx_k_gemm *format = f->format;
    const float *g = f->g + first * f->c->outputs;
    for (int64_t column = 0; column < f->k; column += format->nr)
        for (int64_t output = 0; output < f->c->outputs; output += format->mr) {
            int64_t n = f->k - column;
            mx_kernels_get()->conv->outer(&(mx_k_conv_outer_args){
                .n = (int)(n < format->nr ? n : format->nr),
                .runs = 1,
                .a = &g,
                .b = &patches,
                .len = &(ptrdiff_t){count},
                .a_at = output,
                .b_at = column,
                .a_step = f->c->outputs,
                .b_step = f->k,
                .c = sums + output * f->k + column,
                .ldc = f->k});
        }
}

static void parts_body(void *ctx, int64_t begin, int64_t end) {
    few *f = ctx;
    float *patches = room_for(f, (size_t)(BLOCK * f->k) * sizeof *patches);
    int64_t rows = conv_rows(&f->c->patches), each = (rows + PARTS - 1) / PARTS,
            size = f->c->outputs * f->k;
    for (int64_t part = begin; patches && part < end; part++) {
        int64_t last = (part + 1) * each < rows ? (part + 1) * each : rows;
        memset(f->sums + part * size, 0, (size_t)size * sizeof *f->sums);
        for (int64_t first = part * each; first < last; first += BLOCK) {
            int64_t count = last - first < BLOCK ? last - first : BLOCK;
            make_patches(f, first, count, patches);
            add_block(f, patches, first, count, f->sums + part * size);
        }
    }
}

bool conv_weight_few(const conv *c, const float *g, float *out) {
    few f;
    int64_t size = c->outputs * conv_taps(&c->patches) * c->patches.channels;
    bool done = open_few(&f, c, PARTS * size);
    f.g = g;
    done = done && mx_parallel_for_long(PARTS, 1, parts_body, &f);
    for (int64_t i = 0; done && i < size; i++) {
        float sum = f.sums[i];
        for (int64_t part = 1; part < PARTS; part++)
            sum += f.sums[part * size + i];
        out[i] = sum;
    }
    close_few(&f, PARTS * size);
    return done && (!atomic_load(&f.nomem) || mx_fail_nomem("conv", (size_t)size));
}
