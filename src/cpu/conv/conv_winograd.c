/* See conv_winograd.h. A task takes a block of squares, transforms what lies under them, and goes
 * through panels of as many outputs as a register tile has columns: 16 products, whose results go
 * back from the second-level cache. The weights are transformed once, before, into panels
 *
 *     u[group][panel][f] (C, nr)
 */
#include "cpu/conv/conv_winograd.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/conv/conv_direct.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { MOST_SQUARES = 16, BLOCK_FLOATS = 1 << 12, CHUNK = 3 };
#else
enum { MOST_SQUARES = 96, BLOCK_FLOATS = 3 << 16, CHUNK = 16 };
#endif
enum {
    PLACES = 16, /* of a transformed square */
    TAPS = 9,
    APART = 16 /* floats between rows that would meet in one set of a cache */
};

typedef struct winograd {
    conv_squares squares;
    const mx_k_gemm *format;
    const mx_k_winograd *maps;
    int64_t group, channels, outputs; /* the group at hand; C and O of one */
    int64_t panels, block, parts;     /* of outputs; squares of a block; tasks of a block */
    float *u, *out;
    const float *zeros;
    atomic_uchar *odd; /* for each image: some result is not finite */
    atomic_bool nomem;
} winograd;

/* --- weights -------------------------------------------------------------------------- */

/* A line of each output's weights, which begin where no processor foresees it. */
static void ask_for(const float *weights, int64_t step, int64_t outputs) {
    for (int64_t o = 0; o < outputs; o++)
        __builtin_prefetch(weights + o * step, 0, 2);
}

/* CHUNK channels of the outputs of one of all panels: g (TAPS, CHUNK, nr), then transformed. */
static void filter_chunk(const winograd *w, int64_t panel, int64_t c, float *g) {
    const conv_weights *from = &w->squares.c->w;
    int64_t nr = w->format->nr, first = panel % w->panels * nr, left = w->outputs - first,
            output = panel / w->panels * w->outputs + first,
            k = w->channels - c < CHUNK ? w->channels - c : CHUNK;
    const float *tap[TAPS];
    for (int64_t t = 0; t < TAPS; t++) {
        const float *weights = conv_weight_at(w->squares.c, output, t);
        if (c + CHUNK < w->channels)
            ask_for(weights + (c + CHUNK) * from->channel, from->output, left < nr ? left : nr);
        tap[t] = g + t * CHUNK * nr;
        w->format->pack[MX_FLOAT32](g + t * CHUNK * nr, (int)nr, weights + c * from->channel,
                                    from->output, from->channel, (int)(left < nr ? left : nr), k);
    }
    w->maps->filter(&(mx_k_winograd_args){.from = tap,
                                          .to = w->u + (panel * PLACES * w->channels + c) * nr,
                                          .step = w->channels * nr,
                                          .n = k * nr});
}

static void filter_body(void *ctx, int64_t begin, int64_t end) {
    winograd *w = ctx;
    int64_t chunks = (w->channels + CHUNK - 1) / CHUNK;
    float *g = mx_scratch(0, (size_t)(TAPS * CHUNK * w->format->nr) * sizeof *g);
    if (!g)
        atomic_store(&w->nomem, true);
    for (int64_t i = begin; g && i < end; i++)
        filter_chunk(w, i / chunks, i % chunks * CHUNK, g);
}

/* --- squares -------------------------------------------------------------------------- */

/* The memory of a task: v[f] has rows of `wide` floats, m[f] of nr. */
typedef struct room {
    float *v, *m;
    int64_t wide, v_step, m_step;
} room;

static bool open_room(const winograd *w, room *r) {
    r->wide = w->channels + APART;
    r->v_step = w->block * r->wide + APART;
    r->m_step = w->block * w->format->nr + APART;
    r->v = mx_scratch(0, (size_t)(PLACES * (r->v_step + r->m_step)) * sizeof *r->v);
    r->m = r->v ? r->v + PLACES * r->v_step : NULL;
    return r->v != NULL;
}

static void transform(const winograd *w, int64_t first, int64_t count, const room *r) {
    for (int64_t i = 0; i < count; i++) {
        const float *from[16];
        conv_square at = conv_square_at(&w->squares, first + i);
        conv_square_patch(&w->squares, &at, w->group * w->channels, w->zeros, from);
        w->maps->patch(&(mx_k_winograd_args){
            .from = from, .to = r->v + i * r->wide, .step = r->v_step, .n = w->channels});
    }
}

enum { MOST_MR = 16 };

/* m[f] of one panel: `count` rows, a tile at a time. */
static void multiply(const winograd *w, int64_t panel, int64_t f, int64_t count, const room *r) {
    const mx_k_gemm *g = w->format;
    const float *row[MOST_MR], *v = r->v + f * r->v_step;
    int64_t n = w->outputs - panel * g->nr, all = w->group * w->panels + panel;
    for (int64_t i = 0; i < count; i += g->mr) {
        int64_t m = count - i < g->mr ? count - i : g->mr;
        for (int64_t k = 0; k < g->mr; k++)
            row[k] = v + (i + (k < m ? k : 0)) * r->wide;
        mx_k_conv_tile_args a = {.m = (int)m,
                                 .n = (int)(n < g->nr ? n : g->nr),
                                 .runs = 1,
                                 .row = row,
                                 .at = &(ptrdiff_t){0},
                                 .len = &(ptrdiff_t){w->channels},
                                 .b = w->u + (all * PLACES + f) * w->channels * g->nr,
                                 .c = r->m + f * r->m_step + i * g->nr,
                                 .ldc = g->nr};
        mx_kernels_get()->conv->tile(&a);
    }
}

static void finish(const winograd *w, int64_t panel, int64_t first, int64_t count, const room *r) {
    const conv *c = w->squares.c;
    int64_t nr = w->format->nr, n = w->outputs - panel * nr;
    float *pixels = w->out + w->group * w->outputs + panel * nr, *out[4];
    for (int64_t i = 0; i < count; i++) {
        conv_square at = conv_square_at(&w->squares, first + i);
        conv_square_results(&w->squares, &at, pixels, c->outputs, out);
        const float *m = r->m + i * nr;
        if (!w->maps->result(&(mx_k_winograd_args){
                .from = &m, .out = out, .step = r->m_step, .n = n < nr ? n : nr}))
            atomic_store(&w->odd[at.image], 1);
    }
}

/* Task i: some of the panels of a block. */
static void run_task(const winograd *w, int64_t i, const room *r) {
    int64_t first = i / w->parts * w->block, part = i % w->parts, left = w->squares.count - first,
            count = left < w->block ? left : w->block;
    transform(w, first, count, r);
    for (int64_t panel = part * w->panels / w->parts; panel < (part + 1) * w->panels / w->parts;
         panel++) {
        for (int64_t f = 0; f < PLACES; f++)
            multiply(w, panel, f, count, r);
        finish(w, panel, first, count, r);
    }
}

static void tasks_body(void *ctx, int64_t begin, int64_t end) {
    winograd *w = ctx;
    room r;
    bool ready = open_room(w, &r);
    if (!ready)
        atomic_store(&w->nomem, true);
    for (int64_t i = begin; ready && i < end; i++)
        run_task(w, i, &r);
}

/* --- all ------------------------------------------------------------------------------ */

static void divide(winograd *w) {
    int64_t mr = w->format->mr, nr = w->format->nr,
            fit = BLOCK_FLOATS / PLACES / (w->channels + APART) / mr * mr;
    fit = fit < mr ? mr : fit > MOST_SQUARES ? MOST_SQUARES : fit;
    int64_t blocks = (w->squares.count + fit - 1) / fit, tasks = 4 * mx_pool_threads();
    w->block = fit;
    w->panels = (w->outputs + nr - 1) / nr;
    w->parts = blocks >= tasks ? 1 : (tasks + blocks - 1) / blocks;
    w->parts = w->parts < w->panels ? w->parts : w->panels;
}

static bool run_group(winograd *w) {
    int64_t blocks = (w->squares.count + w->block - 1) / w->block,
            work = PLACES * w->block * w->channels * w->outputs / w->parts;
    return mx_parallel_for_long(blocks * w->parts, 1 + 262144 / (work + 1), tasks_body, w);
}

/* Images with results that are not finite, by direct sums. */
static bool repair(const winograd *w, const conv *c, float *out) {
    conv one = *c;
    const conv_axis *a = one.patches.axis;
    int64_t in = a[1].in * a[2].in * one.patches.channels,
            results = a[1].count * a[2].count * one.outputs;
    one.patches.batch = 1;
    for (int64_t i = 0; i < c->patches.batch; i++) {
        one.patches.x = c->patches.x + (size_t)(i * in) * sizeof(float);
        if (atomic_load(&w->odd[i]) && !conv_direct(&one, out + i * results))
            return false;
    }
    return true;
}

static bool run_groups(winograd *w) {
    for (w->group = 0; w->group < w->squares.c->groups; w->group++)
        if (!run_group(w))
            return false;
    return true;
}

static size_t marks_bytes(const conv *c) {
    return (size_t)c->patches.group * sizeof(float) + (size_t)c->patches.batch;
}

/* Zeros for a pixel, and the marks of images. */
static char *open_marks(winograd *w, const conv *c) {
    char *marks = mx_block_alloc(marks_bytes(c));
    if (!marks)
        return NULL;
    memset(marks, 0, marks_bytes(c));
    w->zeros = (const float *)(void *)marks;
    w->odd = (atomic_uchar *)(void *)(marks + (size_t)w->channels * sizeof(float));
    return marks;
}

static bool run(winograd *w, const conv *c, mx_form_use *u, float *out) {
    int64_t chunks = (w->channels + CHUNK - 1) / CHUNK;
    w->u = u->data;
    if (!u->ready)
        mx_parallel_for(c->groups * w->panels * chunks, 4, filter_body, w);
    bool made = !atomic_load(&w->nomem), done = !made || (run_groups(w) && repair(w, c, out));
    mx_form_close(u, made);
    return done && (!atomic_load(&w->nomem) || mx_fail_nomem("conv", u->bytes));
}

bool conv_winograd(const conv *c, float *out) {
    winograd w = {.squares = conv_squares_of(c),
                  .format = mx_gemm_format(MX_FLOAT32),
                  .maps = mx_kernels_get()->conv->winograd,
                  .channels = c->patches.group,
                  .outputs = c->outputs / c->groups,
                  .out = out};
    divide(&w);
    int64_t weights = c->groups * w.panels * PLACES * w.channels * w.format->nr;
    char *marks = open_marks(&w, c);
    mx_form_use u;
    bool done =
        marks &&
        conv_form_open(c, w.squares.count, w.maps, (size_t)weights * sizeof(float), true, &u) &&
        run(&w, c, &u, out);
    mx_block_free(marks, marks_bytes(c));
    return done;
}
