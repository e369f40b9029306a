/* See conv_winograd.h. A task has one row of the transformed squares, f = 4 row .. 4 row + 3,
 * and a part of the outputs. It takes some squares at a time, transforms the input's patches to
 * v[f] (squares, C) and the cotangents to e[f] (squares, O), which stay in cache, and adds
 *
 *     m[f] (O, C) += e[f]' v[f]
 *
 * tile by tile. In the end m becomes the taps' derivatives.
 */
#include "cpu/conv/conv_winograd.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { BLOCK_FLOATS = 1 << 12, MOST_SQUARES = 24 };
#else
enum { BLOCK_FLOATS = 1 << 18, MOST_SQUARES = 192 };
#endif
enum { SIDE = 4, PLACES = SIDE * SIDE, TAPS = 9, APART = 16, FEWEST_SQUARES = 192 };

typedef struct winograd {
    conv_squares squares;
    const mx_k_gemm *format;
    const mx_k_winograd *maps;
    const float *g;
    float *out;
    int64_t group, channels, outputs; /* the group at hand; C and O of one */
    int64_t down, across, parts;      /* tiles of outputs, of channels; tasks of a row */
    int64_t block;                    /* squares at a time */
    float *m;
    int64_t e_row, v_row, e_step, v_step, m_step; /* floats between rows, between f */
    const float *zeros;
    atomic_bool nomem, odd; /* odd: some result is not finite */
} winograd;

bool conv_weight_can_winograd(const conv *c) {
    return conv_can_winograd(c) && conv_squares_of(c).count >= FEWEST_SQUARES;
}

/* --- squares to e and v --------------------------------------------------------------- */

/* Row by row, the two lines of a square that it is made of (k_winograd.h); NONE stands for
 * zeros. */
enum { NONE = -1 };
typedef struct lines {
    int p, q;
    bool add;
} lines;
static const lines of_patch[SIDE] = {{0, 2, false}, {1, 2, true}, {2, 1, false}, {1, 3, false}};
static const lines of_cotangent[SIDE] = {
    {0, NONE, true}, {0, 1, true}, {0, 1, false}, {NONE, 1, false}};

typedef struct task {
    int row;
    int64_t first, end; /* tiles of outputs */
    float *e, *v;
} task;

static void turn_patch(const winograd *w, const task *t, const conv_square *at, float *v) {
    const float *square[PLACES], *from[2 * SIDE];
    const lines *l = &of_patch[t->row];
    conv_square_patch(&w->squares, at, w->group * w->channels, w->zeros, square);
    memcpy(from, square + SIDE * l->p, SIDE * sizeof *from);
    memcpy(from + SIDE, square + SIDE * l->q, SIDE * sizeof *from);
    w->maps->patch_row(&(mx_k_winograd_args){
        .from = from, .to = v, .step = w->v_step, .n = w->channels, .add = l->add});
}

static void turn_cotangent(const winograd *w, const task *t, const conv_square *at, float *e) {
    const lines *l = &of_cotangent[t->row];
    int64_t first = t->first * w->format->mr, end = t->end * w->format->mr;
    float *square[4], *g = (float *)w->g + w->group * w->outputs + first;
    const float *from[4];
    conv_square_results(&w->squares, at, g, w->squares.c->outputs, square);
    for (int i = 0; i < 4; i++) {
        int line = i < 2 ? l->p : l->q;
        const float *place = line == NONE ? NULL : square[2 * line + i % 2];
        from[i] = place ? place : w->zeros;
    }
    w->maps->cotangent_row(&(mx_k_winograd_args){.from = from,
                                                 .to = e + first,
                                                 .step = w->e_step,
                                                 .n = (end < w->outputs ? end : w->outputs) - first,
                                                 .add = l->add});
}

/* --- products ------------------------------------------------------------------------- */

static void add_tile(const winograd *w, const task *t, int64_t i, int64_t output, int64_t channel,
                     int64_t count) {
    int64_t nr = w->format->nr, left = w->channels - channel;
    const float *e = t->e + i * w->e_step, *v = t->v + i * w->v_step;
    mx_kernels_get()->conv->outer(&(mx_k_conv_outer_args){
        .n = (int)(left < nr ? left : nr),
        .runs = 1,
        .a = &e,
        .b = &v,
        .len = &(ptrdiff_t){count},
        .a_at = output,
        .b_at = channel,
        .a_step = w->e_row,
        .b_step = w->v_row,
        .c = w->m + (SIDE * t->row + i) * w->m_step + output * w->channels + channel,
        .ldc = w->channels});
}

static void add_squares(const winograd *w, const task *t, int64_t first) {
    int64_t left = w->squares.count - first, count = left < w->block ? left : w->block;
    for (int64_t i = 0; i < count; i++) {
        conv_square at = conv_square_at(&w->squares, first + i);
        turn_patch(w, t, &at, t->v + i * w->v_row);
        turn_cotangent(w, t, &at, t->e + i * w->e_row);
    }
    for (int64_t i = 0; i < SIDE; i++)
        for (int64_t channel = 0; channel < w->channels; channel += w->format->nr)
            for (int64_t tile = t->first; tile < t->end; tile++)
                add_tile(w, t, i, tile * w->format->mr, channel, count);
}

static void run_task(const winograd *w, int64_t i, float *room) {
    int64_t part = i % w->parts;
    task t = {.row = (int)(i / w->parts),
              .first = part * w->down / w->parts,
              .end = (part + 1) * w->down / w->parts,
              .e = room,
              .v = room + SIDE * w->e_step};
    // columns behind the outputs
    memset(t.e, 0, (size_t)(SIDE * w->e_step) * sizeof *t.e);
    for (int64_t first = 0; first < w->squares.count; first += w->block)
        add_squares(w, &t, first);
}

static void tasks_body(void *ctx, int64_t begin, int64_t end) {
    winograd *w = ctx;
    float *room = mx_scratch(0, (size_t)(SIDE * (w->e_step + w->v_step)) * sizeof *room);
    if (!room)
        atomic_store(&w->nomem, true);
    for (int64_t i = begin; room && i < end; i++)
        run_task(w, i, room);
}

/* --- m to the taps -------------------------------------------------------------------- */

static void taps_body(void *ctx, int64_t begin, int64_t end) {
    winograd *w = ctx;
    for (int64_t o = begin; o < end; o++) {
        float *out[TAPS];
        const float *m = w->m + o * w->channels;
        for (int64_t t = 0; t < TAPS; t++)
            out[t] = w->out + ((w->group * w->outputs + o) * TAPS + t) * w->channels;
        if (!w->maps->gradient(&(mx_k_winograd_args){
                .from = &m, .out = out, .step = w->m_step, .n = w->channels}))
            atomic_store(&w->odd, true);
    }
}

static bool run_group(winograd *w) {
    memset(w->m, 0, (size_t)(PLACES * w->m_step) * sizeof *w->m);
    if (!mx_parallel_for_long(SIDE * w->parts, 1, tasks_body, w))
        return false;
    mx_parallel_for(w->outputs, 1 + 2048 / w->channels, taps_body, w);
    return true;
}

/* --- all ------------------------------------------------------------------------------ */

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Sizes; how many floats m and zeros take. Rows of e are whole tiles. */
static int64_t divide(winograd *w) {
    int64_t mr = w->format->mr, nr = w->format->nr, threads = mx_pool_threads();
    w->down = (w->outputs + mr - 1) / mr;
    w->across = (w->channels + nr - 1) / nr;
    w->parts = least((threads + SIDE - 1) / SIDE, w->down);
    w->e_row = w->down * mr + APART;
    w->v_row = w->channels + APART;
    w->block = BLOCK_FLOATS / SIDE / (w->e_row + w->v_row);
    w->block = least(least(w->block < 8 ? 8 : w->block, MOST_SQUARES), w->squares.count);
    w->e_step = w->block * w->e_row + APART;
    w->v_step = w->block * w->v_row + APART;
    w->m_step = w->down * mr * w->channels + APART;
    return PLACES * w->m_step + w->channels + w->outputs;
}

static bool run_groups(winograd *w) {
    for (; w->group < w->squares.c->groups; w->group++)
        if (!run_group(w))
            return false;
    return true;
}

bool conv_weight_winograd(const conv *c, const float *g, float *out, bool *finite) {
    winograd w = {.squares = conv_squares_of(c),
                  .format = mx_gemm_format(MX_FLOAT32),
                  .maps = mx_kernels_get()->conv->winograd,
                  .g = g,
                  .out = out,
                  .channels = c->patches.group,
                  .outputs = c->outputs / c->groups};
    int64_t floats = divide(&w), zeros = w.channels + w.outputs;
    size_t bytes = (size_t)floats * sizeof(float);
    w.m = mx_block_alloc(bytes);
    if (!w.m)
        return false;
    w.zeros = memset(w.m + floats - zeros, 0, (size_t)zeros * sizeof(float));
    bool done = run_groups(&w);
    mx_block_free(w.m, bytes);
    *finite = !atomic_load(&w.odd);
    return done && (!atomic_load(&w.nomem) || mx_fail_nomem("conv", bytes));
}
