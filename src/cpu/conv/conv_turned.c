/* See conv_turned.h. A task has as many rows of weights as a register tile, and goes through all
 * panels of positions: what is large is read once, and asked for a tile ahead.
 */
#include "cpu/conv/conv_turned.h"

#include "base/memory/cache.h"
#include "base/threads/pool.h"
#include "kernels/kernels.h"

enum {
    FEWER = 2,  /* measured: so many times the positions are at most the outputs */
    STEP = 512, /* of k, that a task packs */
    MOST_MR = 16,
    MOST_NR = 64
};

typedef struct turned {
    const conv *c;
    const mx_k_gemm *format;
    mx_packer packer;
    int64_t k, outputs, rows; /* outputs: of a group */
    int64_t panels, group;
    float *panel; /* (panels, k, nr) */
    float *out;   /* of the group: its first column */
} turned;

bool conv_can_turned(const conv *c) {
    return c->patches.dtype == MX_FLOAT32 && !conv_is_pointwise(c) && conv_weights_are_dense(c) &&
           FEWER * conv_rows(&c->patches) <= c->outputs / c->groups;
}

/* --- packing -------------------------------------------------------------------------- */

static int64_t steps_of(const turned *t) {
    return (t->k + STEP - 1) / STEP;
}

static void pack_body(void *ctx, int64_t begin, int64_t end) {
    const turned *t = ctx;
    int64_t nr = t->format->nr, steps = steps_of(t);
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i / steps * nr, k0 = i % steps * STEP, n = t->rows - first;
        t->packer.pack(t->packer.ctx, t->format, t->group, t->panel + first * t->k + k0 * nr, 0,
                       (int)nr, first, n < nr ? n : nr, k0, t->k - k0 < STEP ? t->k - k0 : STEP);
    }
}

/* --- tiles ---------------------------------------------------------------------------- */

/* Outputs first.. and positions of panel i: sums (mr, nr). */
static void run_tile(const turned *t, int64_t first, int64_t i, float *sums) {
    int64_t mr = t->format->mr, nr = t->format->nr, m = t->outputs - first, n = t->rows - i * nr;
    const float *row[MOST_MR], *w = conv_weight_at(t->c, t->group * t->outputs + first, 0);
    for (int64_t l = 0; l < mr; l++)
        row[l] = w + (l < m ? l : 0) * t->k;
    mx_kernels_get()->matmul->row_tile(&(mx_k_row_tile_args){.m = (int)(m < mr ? m : mr),
                                                             .n = (int)(n < nr ? n : nr),
                                                             .k = t->k,
                                                             .a = row,
                                                             .a_step = 1,
                                                             .b = t->panel + i * nr * t->k,
                                                             .b_step = nr,
                                                             .c = sums,
                                                             .ldc = nr,
                                                             .ahead = i == 0 ? mr * t->k : 0});
}

static void turn_back(const turned *t, int64_t first, int64_t i, const float *sums) {
    int64_t mr = t->format->mr, nr = t->format->nr, m = t->outputs - first, n = t->rows - i * nr;
    float *out = t->out + i * nr * t->c->outputs + first;
    for (int64_t j = 0; j < n && j < nr; j++, out += t->c->outputs)
        for (int64_t l = 0; l < m && l < mr; l++)
            out[l] = sums[l * nr + j];
}

static void tasks_body(void *ctx, int64_t begin, int64_t end) {
    const turned *t = ctx;
    float sums[MOST_MR * MOST_NR];
    for (int64_t task = begin; task < end; task++)
        for (int64_t i = 0; i < t->panels; i++) {
            run_tile(t, task * t->format->mr, i, sums);
            turn_back(t, task * t->format->mr, i, sums);
        }
}

/* --- all ------------------------------------------------------------------------------ */

static bool run_group(turned *t, float *out) {
    int64_t mr = t->format->mr, each = mr * t->rows * t->k;
    t->out = out + t->group * t->outputs;
    mx_parallel_for(t->panels * steps_of(t), 1 + 65536 / (t->format->nr * STEP), pack_body, t);
    return mx_parallel_for_long((t->outputs + mr - 1) / mr, 1 + 262144 / (each + 1), tasks_body, t);
}

bool conv_turned(const conv *c, float *out) {
    turned t = {.c = c,
                .format = mx_gemm_format(MX_FLOAT32),
                .packer = conv_packer(&c->patches),
                .k = conv_taps(&c->patches) * c->patches.group,
                .outputs = c->outputs / c->groups,
                .rows = conv_rows(&c->patches)};
    t.panels = (t.rows + t.format->nr - 1) / t.format->nr;
    size_t bytes = (size_t)(t.panels * t.format->nr * t.k) * sizeof(float);
    t.panel = mx_block_alloc(bytes);
    bool done = t.panel != NULL;
    for (; done && t.group < c->groups; t.group++)
        done = run_group(&t, out);
    if (t.panel)
        mx_block_free(t.panel, bytes);
    return done;
}
