/* Products that read operands where they lie: the rows of one, and of the other either its columns,
 * or panels of nr of them, packed over all of k.
 *
 *     straight   out (m, n) = a b          rows of a; columns of b, which are adjacent or packed
 *     turned     out' (n, m) = b' a'       rows of b', as of weights (n, k); columns of a'; turned
 *                                          back when it is stored
 *
 * A task has some rows. Steps of k and the order of each sum are those of matmul_blocked.c, to the
 * bit.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/matmul/matmul_internal.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { FEWEST_ROWS = 16, FEWEST_K = 8 };
#else
enum { FEWEST_ROWS = 64, FEWEST_K = 8 };
#endif
enum {
    FEWEST_COLUMNS = 9,
    MOST_COLUMNS = 512,
    /* measured, of columns that are not packed: in all they stay near the second-level cache; of
       one k and the next, so that they share not too few of its sets */
    LYING_BYTES = 5 << 19,
    LYING_STEP = 4096,
    CROWDED_STEP = 2048,
    MOST_NR = 64,
    MOST_MR = 16,
    FEW_ROWS = 64, /* measured */
    PARTS = 20,    /* of so many of the work one may be lost */
    TASKS_EACH = 4 /* of a thread */
};

typedef enum way { BLOCKED, STRAIGHT, TURNED, STRAIGHT_PACKED, TURNED_PACKED } way;

/* One operand: n rows, or columns, along k. */
typedef struct side {
    const float *data;
    int64_t n, step, k_step;
} side;

typedef struct product {
    const gemm_item *item;
    const mx_k_gemm *format;
    bool turned, packed;
    side rows, columns;
    int64_t step; /* of k */
    int64_t most; /* rows of a task */
    int64_t panels;
    mx_form_use packing; /* of panels that may stay, as weights' do */
    float *panel;        /* packed: (panels, k, nr) */
    atomic_bool nomem;
} product;

static side rows_of(const gemm_item *item, bool turned) {
    const mx_gemm_args *g = item->args;
    return turned ? (side){item->b.data, g->n, item->b.cs, item->b.rs}
                  : (side){item->a.data, g->m, item->a.rs, item->a.cs};
}

/* --- which way -------------------------------------------------------------------------------- */

/* Lines of one k and the next that want the same places of the first cache, as those of the result
   do, for so many rows that it pays to pack them. */
static bool is_crowded(int64_t step, int64_t rows, int64_t k) {
    return step % CROWDED_STEP == 0 && rows >= FEWEST_ROWS && k >= FEWEST_K;
}

static bool can_lie(const gemm_item *item, bool turned) {
    side rows = rows_of(item, turned), columns = rows_of(item, !turned);
    const int64_t size = sizeof(float);
    int64_t step = columns.k_step * size;
    if (is_crowded(step, rows.n, item->args->k))
        return false;
    return columns.step == 1 && columns.n >= FEWEST_COLUMNS && rows.n >= FEWEST_COLUMNS &&
           columns.n * size <= LYING_STEP && step > 0 && step <= LYING_STEP &&
           step <= LYING_BYTES / item->args->k;
}

/* Rows that are read in a row, and many enough to pay for the packing. */
static bool can_pack(const gemm_item *item, bool turned) {
    side rows = rows_of(item, turned), columns = rows_of(item, !turned);
    return rows.k_step == 1 && item->args->k >= FEWEST_K && rows.n >= FEWEST_ROWS &&
           columns.n >= FEWEST_COLUMNS && columns.n <= MOST_COLUMNS &&
           (turned || columns.n <= rows.n);
}

static way way_of(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    if (g->dtype != MX_FLOAT32 || g->pack_a || g->pack_b || g->k == 0 ||
        gemm_slices(g->m, g->n, g->k) > 1)
        return BLOCKED;
    if (can_lie(item, false))
        return STRAIGHT;
    if (can_lie(item, true))
        return TURNED;
    if (can_pack(item, false))
        return STRAIGHT_PACKED;
    return can_pack(item, true) ? TURNED_PACKED : BLOCKED;
}

bool gemm_can_rows(const gemm_item *item, bool serial) {
    way w = way_of(item);
    return w == STRAIGHT || w == TURNED || (w != BLOCKED && !serial);
}

/* Few rows of a, or a last vector of them that is rather empty. */
bool gemm_rows_waste(const gemm_item *item) {
    int64_t m = item->args->m, lanes = mx_gemm_format(MX_FLOAT32)->nr / 2,
            empty = gemm_ceil_div(m, lanes) * lanes - m;
    return way_of(item) == TURNED_PACKED && (m <= FEW_ROWS || empty * PARTS >= m);
}

/* The last task to begin should not be the last to end by much. */
static int64_t rows_of_task(const mx_k_gemm *f, int64_t rows) {
    int64_t fair = rows / (TASKS_EACH * mx_pool_threads()) / f->mr * f->mr;
    return gemm_max(f->mr, gemm_min(f->nr, fair));
}

static product describe(const gemm_item *item) {
    way w = way_of(item);
    product p = {.item = item, .format = mx_gemm_format(MX_FLOAT32)};
    p.turned = w == TURNED || w == TURNED_PACKED;
    p.packed = w == TURNED_PACKED || w == STRAIGHT_PACKED;
    p.rows = rows_of(item, p.turned);
    p.columns = rows_of(item, !p.turned);
    p.step = gemm_step(item->args->k);
    p.panels = gemm_ceil_div(p.columns.n, p.format->nr);
    p.most = rows_of_task(p.format, p.rows.n);
    return p;
}

/* --- packing ---------------------------------------------------------------------------------- */

static void pack_body(void *ctx, int64_t begin, int64_t end) {
    const product *p = ctx;
    const side *s = &p->columns;
    int64_t nr = p->format->nr, k = p->item->args->k;
    for (int64_t i = begin; i < end; i++)
        p->format->pack[MX_FLOAT32](p->panel + i * nr * k, (int)nr, s->data + i * nr * s->step,
                                    s->step, s->k_step, (int)gemm_min(nr, s->n - i * nr), k);
}

static size_t panel_bytes(const product *p) {
    return (size_t)(p->panels * p->format->nr * p->item->args->k) * sizeof(float);
}

/* Panels of b, which may be kept, are those of the blocked way. */
static bool pack(product *p) {
    const gemm_item *item = p->item;
    int64_t numbers = p->format->nr * item->args->k;
    mx_form_key key = gemm_panels_key(item, p->format);
    if (!mx_form_open(&p->packing, p->turned ? NULL : gemm_keeping(item), &key, panel_bytes(p),
                      true))
        return false;
    p->panel = p->packing.data;
    if (!p->packing.ready)
        mx_parallel_for(p->panels, 1 + 32768 / numbers, pack_body, p);
    return true;
}

/* --- tasks ------------------------------------------------------------------------------------ */

/* Some rows of the result. */
typedef struct strip {
    int64_t j, rows;
    float *sums;
    int64_t ld;
} strip;

/* Columns i.. of a step of k: k0 .. k0+len. */
static void run_tiles(const product *p, const strip *s, int64_t i, int64_t k0, int64_t len) {
    int64_t nr = p->format->nr, mr = p->format->mr, k = p->item->args->k;
    const float *row[MOST_MR], *data = p->rows.data + k0 * p->rows.k_step;
    mx_k_row_tile_args t = {.n = (int)gemm_min(nr, p->columns.n - i),
                            .add = k0 > 0,
                            .k = len,
                            .a = row,
                            .a_step = p->rows.k_step,
                            .b = p->columns.data + i + k0 * p->columns.k_step,
                            .b_step = p->columns.k_step,
                            .ldc = s->ld,
                            .ahead = i == 0 && p->rows.k_step == 1 ? mr * p->rows.step : 0};
    if (p->packed) {
        t.b = p->panel + i * k + k0 * nr;
        t.b_step = nr;
    }
    for (int64_t r = 0; r < s->rows; r += mr) {
        t.m = (int)gemm_min(mr, s->rows - r);
        for (int64_t l = 0; l < mr; l++)
            row[l] = data + (s->j + r + (l < t.m ? l : 0)) * p->rows.step;
        t.c = s->sums + r * s->ld + i;
        mx_kernels_get()->matmul->row_tile(&t);
    }
}

/* The sums, back in the result's order, stored. */
static void store(const product *p, const strip *s) {
    int64_t nr = p->format->nr;
    float acc[MOST_NR * MOST_NR];
    if (!p->turned) {
        gemm_finish(p->item, s->sums, s->ld, s->j, 0, s->rows, p->columns.n);
        return;
    }
    for (int64_t i = 0; i < p->columns.n; i += nr) {
        int64_t m = gemm_min(nr, p->columns.n - i);
        p->format->pack[MX_FLOAT32](acc, (int)nr, s->sums + i, s->ld, 1, (int)s->rows, m);
        gemm_finish(p->item, acc, nr, i, s->j, m, s->rows);
    }
}

/* Are sums the result as they are? */
static bool is_direct(const product *p) {
    const mx_gemm_args *g = p->item->args;
    return !p->turned && g->alpha == 1.0 && !p->item->cin.data && !g->epilogue;
}

static void run_strip(const product *p, int64_t task, float *sums) {
    strip s = {.j = task * p->most, .sums = sums, .ld = p->panels * p->format->nr};
    int64_t k = p->item->args->k;
    s.rows = gemm_min(p->most, p->rows.n - s.j);
    if (!sums) {
        s.ld = p->item->args->out_rs;
        s.sums = (float *)p->item->out + s.j * s.ld;
    }
    for (int64_t k0 = 0; k0 < k; k0 += p->step)
        for (int64_t i = 0; i < p->columns.n; i += p->format->nr)
            run_tiles(p, &s, i, k0, gemm_min(p->step, k - k0));
    if (sums)
        store(p, &s);
}

static void tasks_body(void *ctx, int64_t begin, int64_t end) {
    product *p = ctx;
    float *sums = NULL;
    size_t numbers = (size_t)(p->most * p->panels * p->format->nr);
    if (!is_direct(p) && !(sums = mx_scratch(0, numbers * sizeof *sums))) {
        atomic_store(&p->nomem, true);
        return;
    }
    for (int64_t task = begin; task < end; task++)
        run_strip(p, task, sums);
}

bool gemm_rows(const gemm_item *item) {
    product p = describe(item);
    if (p.packed && !pack(&p))
        return false;
    bool done =
        mx_parallel_for_long(gemm_ceil_div(p.rows.n, p.most),
                             1 + 262144 / (p.columns.n * p.most * item->args->k), tasks_body, &p);
    if (p.packed)
        mx_form_close(&p.packing, true);
    return done && !atomic_load(&p.nomem);
}
