/* Products with a b whose k are adjacent, as weights (n, k) are, and of some rows: the transposed
 * result is computed, so that the rows of b are read where they lie, once, and only a is packed.
 *
 *     out' (n, m) = b' (n, k) a' (k, m)      a' in panels of nr rows of a over all of k
 *
 * A task has `nr` rows of b'. Steps of k and the order of each sum are those of
 * matmul_blocked.c, to the bit.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/cache.h"
#include "base/threads/pool.h"
#include "cpu/matmul/matmul_internal.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { FEWEST_COLUMNS = 16, FEWEST_K = 8 };
#else
enum { FEWEST_COLUMNS = 64, FEWEST_K = 64 };
#endif
enum { FEWEST_ROWS = 9, MOST_ROWS = 512, MOST_NR = 64, MOST_MR = 16 };

typedef struct turned {
    const gemm_item *item;
    const mx_k_gemm *format;
    int64_t step, panels; /* of k; of rows of a */
    float *a;             /* (panels, k, nr) */
    atomic_bool nomem;
} turned;

bool gemm_can_turn(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    return g->dtype == MX_FLOAT32 && !g->pack_a && !g->pack_b && item->b.rs == 1 &&
           g->m >= FEWEST_ROWS && g->m <= MOST_ROWS && g->n >= FEWEST_COLUMNS && g->k >= FEWEST_K &&
           gemm_slices(g->m, g->n, g->k) == 1;
}

static void pack_body(void *ctx, int64_t begin, int64_t end) {
    const turned *t = ctx;
    const mx_gemm_args *g = t->item->args;
    const mx_matrix *a = &t->item->a;
    int64_t nr = t->format->nr;
    for (int64_t panel = begin; panel < end; panel++)
        t->format->pack[MX_FLOAT32](t->a + panel * nr * g->k, (int)nr,
                                    (const float *)a->data + panel * nr * a->rs, a->rs, a->cs,
                                    (int)gemm_min(nr, g->m - panel * nr), g->k);
}

/* Rows j.. of b' under one panel: k0 .. k0+len to sums (rows, nr). */
static void run_tiles(const turned *t, int64_t j, int64_t rows, int64_t panel, int64_t k0,
                      int64_t len, float *sums) {
    const mx_gemm_args *g = t->item->args;
    int64_t nr = t->format->nr, mr = t->format->mr;
    for (int64_t i = 0; i < rows; i += mr) {
        const float *row[MOST_MR], *b = (const float *)t->item->b.data + k0;
        int64_t m = gemm_min(mr, rows - i);
        for (int64_t r = 0; r < mr; r++)
            row[r] = b + (j + i + (r < m ? r : 0)) * t->item->b.cs;
        mx_kernels_get()->conv->tile(&(mx_k_conv_tile_args){
            .m = (int)m,
            .n = (int)gemm_min(nr, g->m - panel * nr),
            .runs = 1,
            .row = row,
            .at = &(ptrdiff_t){0},
            .len = &(ptrdiff_t){len},
            .b = t->a + (panel * g->k + k0) * nr,
            .c = sums + i * nr,
            .ldc = nr});
    }
}

/* One step of k for all panels, added to sums (panels, nr, nr) from the second on. */
static void run_step(const turned *t, int64_t j, int64_t rows, int64_t k0, float *sums) {
    int64_t nr = t->format->nr, len = gemm_min(t->step, t->item->args->k - k0);
    float more[MOST_NR * MOST_NR];
    for (int64_t panel = 0; panel < t->panels; panel++, sums += nr * nr) {
        run_tiles(t, j, rows, panel, k0, len, k0 ? more : sums);
        for (int64_t i = 0; k0 && i < rows * nr; i++)
            sums[i] += more[i];
    }
}

/* The sums back in the result's order, and stored. */
static void store(const turned *t, int64_t j, int64_t rows, const float *sums) {
    const mx_gemm_args *g = t->item->args;
    int64_t nr = t->format->nr;
    float acc[MOST_NR * MOST_NR];
    for (int64_t panel = 0; panel < t->panels; panel++) {
        int64_t i = panel * nr, m = gemm_min(nr, g->m - i);
        t->format->pack[MX_FLOAT32](acc, (int)nr, sums + panel * nr * nr, nr, 1, (int)rows, m);
        gemm_finish(t->item, acc, nr, i, j, m, rows);
    }
}

static void tasks_body(void *ctx, int64_t begin, int64_t end) {
    turned *t = ctx;
    const mx_gemm_args *g = t->item->args;
    int64_t nr = t->format->nr;
    float *sums = mx_scratch(0, (size_t)(t->panels * nr * nr) * sizeof *sums);
    if (!sums)
        atomic_store(&t->nomem, true);
    for (int64_t task = begin; sums && task < end; task++) {
        int64_t j = task * nr, rows = gemm_min(nr, g->n - j);
        for (int64_t k0 = 0; k0 < g->k; k0 += t->step)
            run_step(t, j, rows, k0, sums);
        store(t, j, rows, sums);
    }
}

bool gemm_turned(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    turned t = {.item = item, .format = mx_gemm_format(MX_FLOAT32), .step = gemm_step(g->k)};
    int64_t nr = t.format->nr;
    t.panels = gemm_ceil_div(g->m, nr);
    size_t bytes = (size_t)(t.panels * nr * g->k) * sizeof(float);
    t.a = mx_block_alloc(bytes);
    if (!t.a)
        return false;
    mx_parallel_for(t.panels, 1 + 32768 / (nr * g->k), pack_body, &t);
    bool done = mx_parallel_for_long(gemm_ceil_div(g->n, nr), 1 + 262144 / (g->m * nr * g->k),
                                     tasks_body, &t);
    mx_block_free(t.a, bytes);
    return done && !atomic_load(&t.nomem);
}
