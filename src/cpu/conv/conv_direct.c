/* See conv_direct.h. The weights are packed as the matmul engine does, in panels of as many outputs
 * as a tile has columns. A task takes a block of positions and goes through the panels one by one,
 * so that a panel is read from memory once a block; where blocks are few, through a strip of them.
 */
#include "cpu/conv/conv_direct.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/conv/conv_turned.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { BLOCK_TILES = 2, MOST_RUNS = 8 };
#else
enum {
    BLOCK_TILES = 12,
    MOST_RUNS = 512
}; /* tiles of a block; runs that its tables hold, if one tile has less */
#endif
enum { FEWEST_OUTPUTS = 8, FEWEST_TASKS = 16 };

typedef struct direct {
    const conv *c;
    const mx_k_gemm *format;
    const float *x;     /* of the group */
    const float *zeros; /* as many as a group has channels */
    float *panels;      /* (groups, panel, k, nr) */
    const float *b;     /* those of the group */
    float *out;         /* of the group: its first column */
    int64_t k, outputs, rows;
    int64_t each;  /* panels of a group */
    int64_t tiles; /* of a block */
    int64_t blocks, strips;
    atomic_bool nomem;
} direct;

/* What a tile reads: the tables of mx_k_conv_tile_args. */
typedef struct tables {
    const float **row;
    ptrdiff_t *at, *len;
    ptrdiff_t runs;
} tables;

/* What is a product of the input as it lies needs no tables (matmul_rows.c). */
bool conv_can_direct(const conv *c) {
    int64_t outputs = c->outputs / c->groups;
    return c->patches.dtype == MX_FLOAT32 && outputs >= FEWEST_OUTPUTS && !conv_is_pointwise(c);
}

/* --- tables --------------------------------------------------------------------------- */

/* The line of the last axis that a row sees through taps t0, t1; NULL outside the input. */
static const float *line_at(const direct *d, const conv_place *r, int64_t t0, int64_t t1) {
    const conv_axis *a = d->c->patches.axis;
    int64_t q0 = r->at[0] + a[0].offset[t0], q1 = r->at[1] + a[1].offset[t1];
    if (q0 < 0 || q0 >= a[0].in || q1 < 0 || q1 >= a[1].in)
        return NULL;
    int64_t line = (r->image * a[0].in + q0) * a[1].in + q1;
    return d->x + line * a[2].in * d->c->patches.channels;
}

/* Do all rows see the whole line of taps inside the input, as one run? */
static bool sees_all(const direct *d, const conv_place *r, const float *const *line) {
    const conv_axis *a = &d->c->patches.axis[2];
    if (!d->c->patches.runs)
        return false;
    for (int i = 0; i < d->format->mr; i++)
        if (!line[i] || r[i].at[2] + a->offset[0] < 0 ||
            r[i].at[2] + a->offset[a->taps - 1] >= a->in)
            return false;
    return true;
}

/* A run of n numbers from tap t2 on, of `at` in the panel. False: all rows see zeros. */
static bool set_run(const direct *d, const conv_place *r, const float *const *line, int64_t t2,
                    const float **row) {
    const conv_axis *a = &d->c->patches.axis[2];
    bool any = false;
    for (int i = 0; i < d->format->mr; i++) {
        int64_t q = r[i].at[2] + a->offset[t2];
        bool inside = line[i] && q >= 0 && q < a->in;
        row[i] = inside ? line[i] + q * d->c->patches.channels : d->zeros;
        any |= inside;
    }
    return any;
}

static void add_run(const direct *d, const conv_place *r, const float *const *line, int64_t tap,
                    int64_t t2, int64_t taps, tables *t) {
    int64_t group = d->c->patches.group;
    if (!set_run(d, r, line, t2, t->row + t->runs * d->format->mr))
        return;
    t->at[t->runs] = tap * group;
    t->len[t->runs++] = taps * group;
}

enum { MOST_MR = 16 };

/* Are the rows neighbours on one line that see all of its taps inside the input, as one run? */
static bool is_even(const direct *d, const conv_place *r) {
    const conv_axis *a = &d->c->patches.axis[2];
    int last = d->format->mr - 1;
    return d->c->patches.runs && r[last].at[2] == r[0].at[2] + last * a->stride &&
           r[0].at[2] + a->offset[0] >= 0 && r[last].at[2] + a->offset[a->taps - 1] < a->in;
}

/* The runs of such a tile: a line of taps each. */
static void fill_even(const direct *d, const conv_place *r, tables *t) {
    const conv_axis *a = d->c->patches.axis;
    int64_t channels = d->c->patches.channels, step = a[2].stride * channels, mr = d->format->mr;
    t->runs = 0;
    for (int64_t i = 0; i < a[0].taps * a[1].taps; i++) {
        const float *line = line_at(d, r, i / a[1].taps, i % a[1].taps);
        if (!line)
            continue;
        const float **row = t->row + t->runs * mr;
        row[0] = line + (r->at[2] + a[2].offset[0]) * channels;
        for (int64_t k = 1; k < mr; k++)
            row[k] = row[0] + k * step;
        t->at[t->runs] = i * a[2].taps * channels;
        t->len[t->runs++] = a[2].taps * channels;
    }
}

/* The runs of any tile, whose rows begin at the places r. */
static void fill(const direct *d, const conv_place *r, tables *t) {
    const conv_axis *a = d->c->patches.axis;
    const float *line[MOST_MR];
    int64_t tap = 0;
    t->runs = 0;
    for (int64_t t0 = 0; t0 < a[0].taps; t0++)
        for (int64_t t1 = 0; t1 < a[1].taps; t1++, tap += a[2].taps) {
            for (int i = 0; i < d->format->mr; i++)
                line[i] = line_at(d, &r[i], t0, t1);
            int64_t together = sees_all(d, r, line) ? a[2].taps : 1;
            for (int64_t t2 = 0; t2 < a[2].taps; t2 += together)
                add_run(d, r, line, tap + t2, t2, together, t);
        }
}

/* The places of a tile's rows from `row` on; missing rows see what the last one sees. */
static void find_places(const direct *d, int64_t row, conv_place *r) {
    r[0] = conv_place_of(&d->c->patches, row);
    for (int i = 1; i < d->format->mr; i++) {
        r[i] = r[i - 1];
        if (row + i < d->rows)
            conv_next_place(&d->c->patches, &r[i]);
    }
}

/* --- tiles ---------------------------------------------------------------------------- */

static void run_tile(const direct *d, const tables *t, int64_t row, int64_t column) {
    const mx_k_gemm *f = d->format;
    int64_t m = d->rows - row, n = d->outputs - column;
    mx_k_conv_tile_args a = {.m = (int)(m < f->mr ? m : f->mr),
                             .n = (int)(n < f->nr ? n : f->nr),
                             .runs = t->runs,
                             .row = t->row,
                             .at = t->at,
                             .len = t->len,
                             .b = d->b + column * d->k,
                             .c = d->out + row * d->c->outputs + column,
                             .ldc = d->c->outputs};
    mx_kernels_get()->conv->tile(&a);
}

static void fill_block(const direct *d, int64_t block, tables *t) {
    conv_place r[MOST_MR];
    int64_t mr = d->format->mr, first = block * d->tiles * mr;
    for (int64_t i = 0; i < d->tiles && first + i * mr < d->rows; i++) {
        find_places(d, first + i * mr, r);
        (is_even(d, r) ? fill_even : fill)(d, r, &t[i]);
    }
}

static void run_strip(const direct *d, int64_t block, int64_t strip, const tables *t) {
    int64_t mr = d->format->mr, first = block * d->tiles * mr;
    int64_t panel = strip * d->each / d->strips, end = (strip + 1) * d->each / d->strips;
    for (; panel < end; panel++)
        for (int64_t i = 0; i < d->tiles && first + i * mr < d->rows; i++)
            run_tile(d, &t[i], first + i * mr, panel * d->format->nr);
}

/* Room for the tables of a block. */
static tables *make_tables(const direct *d) {
    size_t runs = (size_t)conv_taps(&d->c->patches), mr = (size_t)d->format->mr,
           each = runs * (mr * sizeof(float *) + 2 * sizeof(ptrdiff_t)) + sizeof(tables);
    tables *t = mx_scratch(0, (size_t)d->tiles * each);
    char *next = (char *)(t + d->tiles);
    for (int64_t i = 0; t && i < d->tiles; i++) {
        t[i].row = (const float **)(void *)next;
        t[i].at = (ptrdiff_t *)(void *)(next + runs * mr * sizeof(float *));
        t[i].len = t[i].at + runs;
        next += each - sizeof(tables);
    }
    return t;
}

/* Neighbours are tasks of one strip. */
static void tasks_body(void *ctx, int64_t begin, int64_t end) {
    direct *d = ctx;
    tables *t = make_tables(d);
    if (!t)
        atomic_store(&d->nomem, true);
    for (int64_t task = begin; t && task < end; task++) {
        int64_t block = task % d->blocks;
        if (task == begin || d->blocks > 1)
            fill_block(d, block, t);
        run_strip(d, block, task / d->blocks, t);
    }
}

/* --- weights -------------------------------------------------------------------------- */

/* Panel `panel` of all. */
static void pack_taps(const direct *d, int64_t panel, int64_t tap, int64_t taps) {
    const conv *c = d->c;
    int64_t nr = d->format->nr, first = panel % d->each * nr, n = d->outputs - first,
            group = panel / d->each, channels = c->patches.group;
    d->format->pack[MX_FLOAT32](d->panels + (panel * d->k + tap * channels) * nr, (int)nr,
                                conv_weight_at(c, group * d->outputs + first, tap), c->w.output,
                                c->w.channel, (int)(n < nr ? n : nr), taps * channels);
}

static void pack_body(void *ctx, int64_t begin, int64_t end) {
    const direct *d = ctx;
    int64_t all = conv_taps(&d->c->patches), together = conv_weights_are_dense(d->c) ? all : 1;
    for (int64_t panel = begin; panel < end; panel++)
        for (int64_t tap = 0; tap < all; tap += together)
            pack_taps(d, panel, tap, together);
}

static bool run_group(direct *d, int64_t group, float *out) {
    const conv *c = d->c;
    int64_t each = d->tiles * d->format->mr, work = each * d->outputs * d->k / d->strips;
    d->x = (const float *)(const void *)c->patches.x + group * c->patches.group;
    d->b = d->panels + group * d->each * d->format->nr * d->k;
    d->out = out + group * d->outputs;
    return mx_parallel_for_long(d->blocks * d->strips, 1 + 262144 / (work + 1), tasks_body, d);
}

static bool run_groups(direct *d, bool packed, float *out) {
    int64_t groups = d->c->groups, numbers = d->format->nr * d->k;
    if (!packed)
        mx_parallel_for(groups * d->each, 1 + 65536 / numbers, pack_body, d);
    for (int64_t g = 0; g < groups; g++)
        if (!run_group(d, g, out))
            return false;
    return true;
}

static direct describe(const conv *c) {
    const conv_patches *p = &c->patches;
    direct d = {.c = c, .format = mx_gemm_format(MX_FLOAT32), .rows = conv_rows(p)};
    int64_t taps = conv_taps(p), most = MOST_RUNS / taps;
    d.k = taps * p->group;
    d.outputs = c->outputs / c->groups;
    d.each = (d.outputs + d.format->nr - 1) / d.format->nr;
    d.tiles = most < 1 ? 1 : most < BLOCK_TILES ? most : BLOCK_TILES;
    d.blocks = (d.rows + d.tiles * d.format->mr - 1) / (d.tiles * d.format->mr);
    d.strips = d.blocks ? (FEWEST_TASKS + d.blocks - 1) / d.blocks : 1;
    d.strips = d.strips < d.each ? d.strips : d.each;
    return d;
}

/* Where positions are few, weights are packed only if they stay so. */
bool conv_direct(const conv *c, float *out) {
    direct d = describe(c);
    size_t channels = (size_t)c->patches.group * sizeof(float),
           bytes = (size_t)(c->groups * d.each * d.format->nr * d.k) * sizeof(float);
    float *zeros = mx_block_alloc(channels);
    mx_form_use panels;
    bool done = false;
    if (zeros && conv_form_open(c, d.rows, d.format, bytes, !conv_can_turned(c), &panels)) {
        d.zeros = memset(zeros, 0, channels);
        d.panels = panels.data;
        done = panels.data ? run_groups(&d, panels.ready, out) : conv_turned(c, out);
        mx_form_close(&panels, true);
    }
    mx_block_free(zeros, channels);
    return done && (!atomic_load(&d.nomem) || mx_fail_nomem("conv", bytes));
}
