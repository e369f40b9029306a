/* The blocked product (Goto and van de Geijn 2008): chunks of packed operands, blocks of the result
 * as tasks, steps of k that stay in cache, register tiles.
 *
 *     for each chunk of columns, for each chunk of rows      so that packed panels stay bounded
 *       pack what several tasks share                        all threads
 *       for each block (slice of k, columns, rows)           a task
 *         for each step of k
 *           pack what is not shared; for each panel of A, for each panel of B: one tile
 *         epilogue and store, or leave the slice's sums for later
 *
 * Panels of weights may be kept beside them (base/memory/forms.h): then all of b's are shared,
 * however few rows meet them, and the next call finds them packed.
 *
 * Lengths along k are counted in groups of format->kgroup. complex64 counts twice the rows and
 * twice k (k_matmul_pack.c).
 */
#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/threads/pool.h"
#include "cpu/matmul/matmul_internal.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { STEP_BYTES = 64, BLOCK_M = 16, BLOCK_N = 32, PACK_LIMIT = 16384, SLICE_GROUPS = 24 };
#else
enum {
    STEP_BYTES = 2048, /* of one packed row per step of k: a panel of A stays in L1 */
    BLOCK_M = 192,     /* a block of the result; with a step of B it stays in L2 */
    BLOCK_N = 256,
    PACK_LIMIT = 64 << 20, /* bytes of shared panels per operand */
    SLICE_GROUPS = 1024    /* k is cut in slices of at least this where blocks are few */
};
#endif
enum { SLICE_TASKS = 16 };

/* One operand: how it is packed, and its shared panels if it has some. */
typedef struct side {
    const mx_packer *packer; /* NULL: the strided one */
    mx_matrix mat;
    int64_t row_stride, k_stride;
    mx_k_pack *pack;
    int w;               /* panel width */
    int rows_per, k_per; /* packed rows, and packed k, of one element: 2 for complex64 */
    char *shared;        /* panels of rows `first` .. `first + count` over all of k */
    size_t shared_bytes;
    int64_t first, count;
} side;

typedef struct gemm {
    const gemm_item *item;
    const mx_k_gemm *format;
    int64_t m, n, k;       /* in packed rows and packed k */
    int64_t groups;        /* of k */
    int64_t step;          /* groups per step */
    int64_t slices, slice; /* slices of k; groups in each */
    side a, b;
    mx_form_use kept; /* all of b's panels, where they are kept */
    int64_t block_m, block_n;
    int64_t blocks_m, blocks_n; /* of the current chunk */
    size_t acc_size;
    bool direct;   /* tiles go straight to the output */
    char *partial; /* slices x m x n sums, or NULL */
    atomic_bool nomem;
} gemm;

/* ---- packing ---- */

/* Panels of packed rows i0 .. i0+rows, k0 .. k0+k by the strided packer. */
static void pack_strided(const gemm *g, const side *s, char *dst, size_t panel_bytes, int64_t i0,
                         int64_t rows, int64_t k0, int64_t k) {
    size_t size = mx_dtype_size(g->item->args->dtype);
    size_t line = (size_t)s->w * (size_t)g->format->in_size;
    int group = g->format->kgroup;
    // with adjacent rows, all panels advance together so that lines of memory are read whole
    int64_t strip = s->row_stride == 1 ? gemm_min(k, 16) : k;
    for (int64_t p = 0; p < k; p += strip) {
        int64_t len = gemm_min(strip, k - p);
        for (int64_t i = 0; i < rows; i += s->w) {
            int64_t at = (i0 + i) / s->rows_per * s->row_stride + (k0 + p) / s->k_per * s->k_stride;
            char *d = dst + (size_t)(i / s->w) * panel_bytes + (size_t)(p / group) * line;
            s->pack(d, s->w, gemm_at(s->mat.data, at, size), s->row_stride, s->k_stride,
                    (int)(gemm_min(s->w, rows - i) / s->rows_per), len / s->k_per);
        }
    }
}

/* Groups g0 .. g0+len of k. */
static void pack_side(const gemm *g, const side *s, char *dst, size_t panel_bytes, int64_t i0,
                      int64_t rows, int64_t g0, int64_t len) {
    int64_t k0 = g0 * g->format->kgroup;
    int64_t k = gemm_min(len * g->format->kgroup, g->k - k0);
    if (s->packer)
        s->packer->pack(s->packer->ctx, g->format, g->item->batch, dst, panel_bytes, s->w, i0, rows,
                        k0, k);
    else
        pack_strided(g, s, dst, panel_bytes, i0, rows, k0, k);
}

static size_t panel_bytes(const gemm *g, const side *s, int64_t groups) {
    return (size_t)groups * (size_t)s->w * (size_t)g->format->in_size;
}

typedef struct share_ctx {
    const gemm *g;
    const side *s;
    int64_t strips; /* of rows */
} share_ctx;

enum { STRIP_PANELS = 8 };

/* One task: some panels over one step of k. */
static void share_body(void *p, int64_t begin, int64_t end) {
    const share_ctx *c = p;
    const gemm *g = c->g;
    const side *s = c->s;
    size_t bytes = panel_bytes(g, s, g->groups);
    for (int64_t t = begin; t < end; t++) {
        int64_t row = t % c->strips * STRIP_PANELS * s->w, g0 = t / c->strips * g->step;
        char *dst = s->shared + (size_t)(row / s->w) * bytes + panel_bytes(g, s, g0);
        pack_side(g, s, dst, bytes, s->first + row, gemm_min(STRIP_PANELS * s->w, s->count - row),
                  g0, gemm_min(g->step, g->groups - g0));
    }
}

static void pack_shared(const gemm *g, const side *s) {
    share_ctx c = {g, s, gemm_ceil_div(s->count, (int64_t)STRIP_PANELS * s->w)};
    mx_parallel_for(c.strips * gemm_ceil_div(g->groups, g->step), 1, share_body, &c);
}

/* Pack rows first .. first+count over all of k for every task to read. */
static bool share(const gemm *g, side *s, int64_t first, int64_t count) {
    s->first = first;
    s->count = count;
    s->shared_bytes = (size_t)gemm_ceil_div(count, s->w) * panel_bytes(g, s, g->groups);
    s->shared = mx_block_alloc(s->shared_bytes);
    if (s->shared)
        pack_shared(g, s);
    return s->shared != NULL;
}

static void unshare(side *s) {
    if (s->shared)
        mx_block_free(s->shared, s->shared_bytes);
    s->shared = NULL;
}

/* Panels of rows i0.. over groups g0..: shared ones, or packed now into scratch. */
static const char *panels(const gemm *g, const side *s, int slot, int64_t i0, int64_t rows,
                          int64_t g0, int64_t len, size_t *stride) {
    if (s->shared) {
        *stride = panel_bytes(g, s, g->groups);
        return s->shared + (size_t)((i0 - s->first) / s->w) * *stride + panel_bytes(g, s, g0);
    }
    *stride = panel_bytes(g, s, len);
    char *dst = mx_scratch(slot, (size_t)gemm_ceil_div(rows, s->w) * *stride + 64);
    if (dst)
        pack_side(g, s, dst, *stride, i0, rows, g0, len);
    return dst;
}

/* ---- one block of the result ---- */

typedef struct block {
    int64_t slice, i0, j0, m, n; /* rows i0.. and columns j0.., packed rows */
    char *acc;
    ptrdiff_t ld;
} block;

static void tiles(const gemm *g, const block *b, const char *pa, size_t stride_a, const char *pb,
                  size_t stride_b, int64_t len, bool add) {
    const mx_k_gemm *f = g->format;
    for (int64_t i = 0; i < b->m; i += f->mr, pa += stride_a) {
        const char *q = pb;
        for (int64_t j = 0; j < b->n; j += f->nr, q += stride_b)
            f->tile((int)gemm_min(f->mr, b->m - i), (int)gemm_min(f->nr, b->n - j), len, pa, q,
                    b->acc + (size_t)(i * b->ld + j) * g->acc_size, b->ld, add);
    }
}

/* Where the sums of a block are kept. */
static bool block_sums(const gemm *g, block *b) {
    const mx_gemm_args *args = g->item->args;
    if (g->direct) {
        b->ld = args->out_rs;
        b->acc = g->item->out + (b->i0 * b->ld + b->j0) * (int64_t)g->acc_size;
    } else if (g->partial) {
        b->ld = g->n;
        b->acc = g->partial + (size_t)((b->slice * g->m + b->i0) * g->n + b->j0) * g->acc_size;
    } else {
        b->ld = g->block_n;
        b->acc = mx_scratch(0, (size_t)(g->block_m * g->block_n) * g->acc_size);
    }
    return b->acc != NULL;
}

static bool run_block(const gemm *g, block b) {
    int64_t p = b.slice * g->slice, end = gemm_min(p + g->slice, g->groups);
    bool add = false;
    if (!block_sums(g, &b))
        return false;
    do {
        int64_t len = gemm_min(g->step, end - p);
        size_t stride_a, stride_b;
        const char *pa = panels(g, &g->a, 1, b.i0, b.m, p, len, &stride_a);
        const char *pb = panels(g, &g->b, 2, b.j0, b.n, p, len, &stride_b);
        if (!pa || !pb)
            return false;
        tiles(g, &b, pa, stride_a, pb, stride_b, len, add);
        add = true;
        p += len;
    } while (p < end);
    if (!g->direct && !g->partial)
        gemm_finish(g->item, b.acc, b.ld, b.i0 / g->a.rows_per, b.j0, b.m / g->a.rows_per, b.n);
    return true;
}

typedef struct chunk {
    gemm *g;
    int64_t i0, j0, m, n;
} chunk;

static void block_body(void *p, int64_t begin, int64_t end) {
    const chunk *c = p;
    gemm *g = c->g;
    for (int64_t t = begin; t < end; t++) {
        int64_t i = t % g->blocks_m * g->block_m, rest = t / g->blocks_m;
        int64_t j = rest % g->blocks_n * g->block_n;
        block b = {.slice = rest / g->blocks_n,
                   .i0 = c->i0 + i,
                   .j0 = c->j0 + j,
                   .m = gemm_min(g->block_m, c->m - i),
                   .n = gemm_min(g->block_n, c->n - j)};
        if (!run_block(g, b))
            atomic_store(&g->nomem, true);
    }
}

/* ---- chunks ---- */

/* Blocks of one size, as nearly as whole tiles allow, so that threads end together. */
static void even_out(int64_t n, int64_t unit, int64_t *size, int64_t *blocks) {
    *size = gemm_ceil_div(gemm_ceil_div(n, *blocks), unit) * unit;
    *blocks = gemm_ceil_div(n, *size);
}

/* Smaller blocks where there are too few to keep the threads busy. */
static void choose_blocks(gemm *g, const chunk *c, bool serial) {
    int64_t want = serial ? 1 : 3 * (int64_t)mx_pool_threads();
    g->block_m = gemm_ceil_div(BLOCK_M, g->format->mr) * g->format->mr;
    g->block_n = gemm_ceil_div(BLOCK_N, g->format->nr) * g->format->nr;
    for (int tries = 0;; tries++) {
        g->blocks_m = gemm_ceil_div(c->m, g->block_m);
        g->blocks_n = gemm_ceil_div(c->n, g->block_n);
        bool small = (double)c->m * (double)c->n * (double)g->groups < 131072.0;
        if (tries == 4 || small || mx_pool_threads() == 1 ||
            g->blocks_m * g->blocks_n * g->slices >= want)
            break;
        bool cut_m = gemm_min(g->block_m, c->m) > gemm_min(g->block_n, c->n) / 2;
        int64_t *size = cut_m ? &g->block_m : &g->block_n;
        int unit = cut_m ? g->format->mr : g->format->nr;
        *size = gemm_ceil_div(gemm_min(*size, cut_m ? c->m : c->n), 2 * unit) * unit;
    }
    even_out(c->m, g->format->mr, &g->block_m, &g->blocks_m);
    even_out(c->n, g->format->nr, &g->block_n, &g->blocks_n);
}

static bool run_chunk(gemm *g, int64_t i0, int64_t m, bool serial) {
    chunk c = {g, i0, g->b.first, m, g->b.count};
    choose_blocks(g, &c, serial);
    bool ok = g->blocks_n * (g->groups > 0) <= 1 || share(g, &g->a, i0, m);
    if (ok && g->blocks_m > 1 && g->groups > 0 && !g->b.shared)
        ok = share(g, &g->b, g->b.first, g->b.count);
    if (ok)
        ok = mx_parallel_for_long(g->slices * g->blocks_m * g->blocks_n, 1, block_body, &c);
    unshare(&g->a);
    return ok && !atomic_load(&g->nomem);
}

/* Rows (or columns) whose panels over all of k stay within PACK_LIMIT, in whole blocks. */
static int64_t chunk_rows(const gemm *g, const side *s, int64_t unit) {
    int64_t fit = (int64_t)((size_t)PACK_LIMIT / (panel_bytes(g, s, g->groups) + 1)) * s->w;
    return fit >= unit ? fit / unit * unit : gemm_max(fit, s->w);
}

/* Of a complex number two are packed. */
static int64_t numbers_of(const mx_gemm_args *a) {
    return a->dtype == MX_COMPLEX64 ? 2 : 1;
}

mx_forms *gemm_keeping(const gemm_item *item) {
    const mx_gemm_args *a = item->args;
    int64_t per = numbers_of(a);
    return !a->pack_b && mx_gemm_keeps(a->m * per, a->n * a->k * per) ? item->b_forms : NULL;
}

mx_form_key gemm_panels_key(const gemm_item *item, const mx_k_gemm *format) {
    const mx_gemm_args *a = item->args;
    mx_form_key key = {.maker = format, .from = item->b.data};
    const int64_t numbers[] = {a->dtype, a->n, a->k * numbers_of(a), item->b.cs, item->b.rs};
    memcpy(key.number, numbers, sizeof numbers);
    return key;
}

/* All of b's panels where they are kept, or will be from now on. */
static bool open_kept(gemm *g) {
    side *s = &g->b;
    mx_forms *forms = gemm_keeping(g->item);
    if (!forms)
        return true;
    mx_form_key key = gemm_panels_key(g->item, g->format);
    size_t bytes = (size_t)gemm_ceil_div(g->n, s->w) * panel_bytes(g, s, g->groups);
    if (!mx_form_open(&g->kept, forms, &key, bytes, false))
        return false;
    s->shared = g->kept.data;
    s->count = g->n;
    if (s->shared && !g->kept.ready)
        pack_shared(g, s);
    return true;
}

static bool run_chunks(gemm *g, bool serial) {
    bool ok = true;
    int64_t rows = chunk_rows(g, &g->a, BLOCK_M),
            columns = g->kept.data ? g->n : chunk_rows(g, &g->b, BLOCK_N);
    for (int64_t j = 0; j < g->n && ok; j += columns) {
        g->b.first = j;
        g->b.count = gemm_min(columns, g->n - j);
        for (int64_t i = 0; i < g->m && ok; i += rows)
            ok = run_chunk(g, i, gemm_min(rows, g->m - i), serial);
        if (!g->kept.data)
            unshare(&g->b);
    }
    return ok;
}

/* ---- slices of k ---- */

static void add_sums(void *sum, const void *part, int64_t n, mx_dtype acc) {
    if (acc == MX_FLOAT64)
        for (int64_t i = 0; i < n; i++)
            ((double *)sum)[i] += ((const double *)part)[i];
    else
        for (int64_t i = 0; i < n; i++)
            ((float *)sum)[i] += ((const float *)part)[i];
}

/* Add the slices in their order, then store; units of rows_per packed rows. */
static void merge_body(void *p, int64_t begin, int64_t end) {
    gemm *g = p;
    int64_t per = g->a.rows_per, row = begin * per, rows = (end - begin) * per;
    char *sum = g->partial + (size_t)(row * g->n) * g->acc_size;
    for (int64_t s = 1; s < g->slices; s++)
        add_sums(sum, sum + (size_t)(s * g->m * g->n) * g->acc_size, rows * g->n, g->format->acc);
    gemm_finish(g->item, sum, g->n, begin, 0, end - begin, g->n);
}

static bool run_slices(gemm *g, bool serial) {
    size_t bytes = (size_t)(g->slices * g->m * g->n) * g->acc_size;
    g->partial = mx_block_alloc(bytes);
    if (!g->partial)
        return false;
    bool ok = run_chunks(g, serial);
    if (ok)
        mx_parallel_for(g->m / g->a.rows_per, 1 + 4096 / g->n, merge_body, g);
    mx_block_free(g->partial, bytes);
    return ok;
}

/* ---- setting up ---- */

static int64_t step_of(int64_t groups, int in_size) {
    int64_t most = STEP_BYTES / in_size, steps = gemm_max(1, gemm_ceil_div(groups, most));
    return gemm_max(8, gemm_ceil_div(gemm_ceil_div(groups, steps), 8) * 8);
}

int64_t gemm_step(int64_t k) {
    return step_of(k, sizeof(float));
}

int64_t gemm_slices(int64_t m, int64_t n, int64_t groups) {
    int64_t blocks = gemm_ceil_div(m, 64) * gemm_ceil_div(n, 128);
    return gemm_max(1, gemm_min(SLICE_TASKS / blocks, groups / SLICE_GROUPS));
}

/* Lengths of steps and slices; they decide the order of sums, so they depend on sizes only. */
static void choose_steps(gemm *g) {
    g->groups = gemm_ceil_div(g->k, g->format->kgroup);
    g->step = step_of(g->groups, g->format->in_size);
    g->slices = gemm_slices(g->m, g->n, g->groups);
    g->slice = g->groups;
    if (g->slices > 1) {
        g->slice = gemm_ceil_div(gemm_ceil_div(g->groups, g->slices), g->step) * g->step;
        g->slices = gemm_ceil_div(g->groups, g->slice);
    }
}

static void set_sides(gemm *g) {
    const gemm_item *item = g->item;
    const mx_k_gemm *f = g->format;
    mx_dtype t = item->args->dtype;
    bool z = t == MX_COMPLEX64;
    int per = z ? 2 : 1;
    g->a = (side){.packer = item->args->pack_a,
                  .mat = item->a,
                  .row_stride = item->a.rs,
                  .k_stride = item->a.cs,
                  .pack = z ? f->pack_a_complex : f->pack[t],
                  .w = f->mr,
                  .rows_per = per,
                  .k_per = per};
    g->b = (side){.packer = item->args->pack_b,
                  .mat = item->b,
                  .row_stride = item->b.cs,
                  .k_stride = item->b.rs,
                  .pack = z ? f->pack_b_complex : f->pack[t],
                  .w = f->nr,
                  .rows_per = 1,
                  .k_per = per};
    g->m = item->args->m * per;
    g->n = item->args->n;
    g->k = item->args->k * per;
}

static gemm describe(const gemm_item *item) {
    const mx_gemm_args *args = item->args;
    gemm g = {.item = item, .format = mx_gemm_format(args->dtype)};
    g.acc_size = mx_dtype_size(g.format->acc);
    set_sides(&g);
    choose_steps(&g);
    g.direct = g.slices == 1 && args->dtype == g.format->acc && args->alpha == 1.0 &&
               !item->cin.data && !args->epilogue;
    return g;
}

static bool run(gemm *g, bool serial) {
    bool ok = g->slices > 1 ? run_slices(g, serial) : run_chunks(g, serial);
    mx_form_close(&g->kept, true);
    return ok;
}

bool gemm_blocked(const gemm_item *item, bool serial) {
    gemm g = describe(item);
    return open_kept(&g) && run(&g, serial);
}

bool gemm_kept(const gemm_item *item, bool serial, bool *kept) {
    gemm g = describe(item);
    bool ok = open_kept(&g);
    *kept = g.kept.data != NULL;
    return ok && (!*kept || run(&g, serial));
}
