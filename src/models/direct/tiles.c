/* The sums of attention, page by page.
 *
 *     tile   some queries of a span; with the heads that share a head of keys they are rows:
 *            row = head * queries + query
 *
 * Each page of keys gives each row a maximum, a sum and an output of its own (k_attention.h); these
 * are folded in the order of the pages. So a row's result depends on its position alone. Where
 * tiles are many, one task goes through the pages of a tile; where they are few, each page is a
 * task, and what they give is folded afterwards. Where each row is of another text (all answer) it
 * is one more step of what waits for its row: its newest keys are in the thread's own cache.
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "models/direct/direct_parts.h"

enum { TILE_ROWS = 32, KEYS = MX_PAGE, FOLD_WORTH = 32768 };

typedef struct query_tile {
    const mx_span *span;
    int64_t first, count; /* queries: of the span */
    int64_t low, high;    /* pages */
    int64_t part;         /* number of the first page's part */
} query_tile;

typedef struct sums {
    const direct_attention *t;
    query_tile *tile;
    int64_t tiles, group;
    char *rounded;       /* q's heads as codes are multiplied with; NULL: keys are floats */
    ptrdiff_t q_row;     /* bytes of a head of q as it is read */
    float *parts;        /* rows of each page of each head of keys; NULL: folded at once */
    int64_t pages, part; /* in all; numbers of one */
} sums;

/* Of a task. */
typedef struct work {
    const sums *all;
    const query_tile *tile;
    int64_t kv, rows;
    char *q;
    float *s, *mask, *strip;
    float *m, *l, *o;    /* of a page */
    float *tm, *tl, *to; /* of all so far */
} work;

static const mx_k_decode *kernels(void) {
    return mx_kernels_get()->attention->decode;
}

/* --- what a query sees ------------------------------------------------------------------------ */

/* The first key, and the one behind the last. */
static void seen(const direct_attention *t, const mx_span *s, int64_t position, int64_t *from,
                 int64_t *to) {
    int64_t window = t->a->window, all = s->position + s->count;
    *from = 0;
    *to = t->a->causal ? position + 1 : all;
    if (window && t->a->causal)
        *from = position + 1 - window;
    if (window && !t->a->causal) {
        *from = position + 1 - window;
        *to = position + window;
    }
    *from = *from < 0 ? 0 : *from;
    *to = *to > all ? all : *to;
}

/* --- one page --------------------------------------------------------------------------------- */

/* Keys and values of one page for a head. */
typedef struct pair {
    mx_k_cells keys, values;
    int64_t n;
} pair;

static pair of_page(const direct_attention *t, const mx_page *p, int64_t kv, int64_t n) {
    return (pair){mx_part_cells(&t->room->key, mx_page_keys(p, t->room, kv), n, t->dim),
                  mx_part_cells(&t->room->value, mx_page_values(p, t->room, kv), n, t->value_dim),
                  n};
}

/* Without a cache: rows of the pass, of which the keys are turned first. */
static pair of_rows(const work *w, int64_t row, int64_t n) {
    const direct_attention *t = w->all->t;
    int64_t ldk = t->kv_heads * t->dim, ldv = t->kv_heads * t->value_dim;
    const float *k = t->k + row * ldk + w->kv * t->dim;
    const float *v = t->v + row * ldv + w->kv * t->value_dim;
    mx_kernels_get()->matmul->f32->pack[MX_FLOAT32](w->strip, KEYS, k, ldk, 1, (int)n, t->dim);
    return (pair){{.bits = 32, .turned = true, .k = t->dim, .n = n, .ld = KEYS, .cells = w->strip},
                  {.bits = 32, .k = n, .n = t->value_dim, .ld = ldv, .cells = v},
                  n};
}

static pair keys_of(const work *w, int64_t page) {
    const direct_attention *t = w->all->t;
    const mx_span *s = w->tile->span;
    int64_t left = s->position + s->count - page * KEYS, n = left < KEYS ? left : KEYS;
    if (!t->room)
        return of_rows(w, s->first + page * KEYS, n);
    return of_page(t, ((const mx_sequence *)s->sequence)->page[page], w->kv, n);
}

/* Scores of the keys. */
static void score(const work *w, const pair *p) {
    const direct_attention *t = w->all->t;
    if (w->all->rounded)
        mx_cell_codes()->keys(w->s, KEYS, &p->keys, w->q, w->all->q_row, w->rows);
    else
        kernels()->sums(w->s, KEYS, &p->keys, (const float *)(const void *)w->q, t->dim, w->rows);
    for (int64_t r = 0; t->a->softcap != 0 && r < w->rows; r++)
        kernels()->cap(w->s + r * KEYS, t->scale, t->a->softcap, (size_t)p->n);
}

/* Masks where a query does not see all keys from the page's first on. */
static bool mask_low(const work *w, int64_t page, int64_t n) {
    const direct_attention *t = w->all->t;
    const query_tile *tile = w->tile;
    bool any = false;
    for (int64_t i = 0; i < tile->count; i++) {
        int64_t from, to;
        seen(t, tile->span, tile->span->position + tile->first + i, &from, &to);
        from -= page * KEYS;
        to -= page * KEYS;
        any = any || from > 0 || to < n;
        for (int64_t k = 0; k < n; k++)
            w->mask[i * KEYS + k] = k < from || k >= to ? -INFINITY : 0.0f;
    }
    for (int64_t h = 1; any && h < w->all->group; h++)
        memcpy(w->mask + h * tile->count * KEYS, w->mask,
               (size_t)(tile->count * KEYS) * sizeof *w->mask);
    return any;
}

/* Keys and values of a page of a tile, for a head, as codes. NULL: there are none; floats are so
   long that processors see them coming, and asking costs more than it gives. */
static const char *cached(const sums *all, const query_tile *tile, int64_t page, int64_t kv) {
    if (!all->rounded || page >= tile->high)
        return NULL;
    return mx_page_keys(((const mx_sequence *)tile->span->sequence)->page[page], all->t->room, kv);
}

/* What is read soon comes meanwhile: a page is too short for processors to see it coming. */
static void ask(const char *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(p + i, 0, 2);
}

/* Maximum, sum and output of each row over one page, in m, l and o. soon: the page that is likely
   to be read next, or NULL. */
static void one_page(const work *w, int64_t page, const char *soon) {
    const direct_attention *t = w->all->t;
    pair p = keys_of(w, page);
    if (soon)
        ask(soon, t->room->key.bytes);
    bool windowed = t->a->window && mask_low(w, page, p.n);
    int64_t position = w->tile->span->position + w->tile->first;
    for (int64_t r = 0; r < w->rows; r++) {
        w->m[r] = -INFINITY;
        w->l[r] = 0;
    }
    score(w, &p);
    mx_k_att_step step = {.s = w->s,
                          .ld = KEYS,
                          .keys = p.n,
                          .scale = t->a->softcap != 0 ? 1.0f : t->scale,
                          .mask = windowed ? w->mask : NULL,
                          .select = windowed,
                          .limit = t->a->causal ? position - page * KEYS : PTRDIFF_MAX,
                          .m = w->m,
                          .l = w->l,
                          .o = w->o,
                          .o_ld = 0};
    mx_kernels_get()->attention->rows(&step, w->rows, w->tile->count);
    if (soon)
        ask(soon + t->room->key.bytes, t->room->value.bytes);
    if (w->all->rounded)
        mx_cell_codes()->values(w->o, t->value_dim, &p.values, w->s, KEYS, w->rows);
    else
        kernels()->sums(w->o, t->value_dim, &p.values, w->s, KEYS, w->rows);
}

/* --- folding ---------------------------------------------------------------------------------- */

static void fold_page(const work *w, int64_t page, const float *m, const float *l, const float *o) {
    const direct_attention *t = w->all->t;
    for (int64_t r = 0; r < w->rows; r++) {
        int64_t from, to, i = r % w->tile->count;
        seen(t, w->tile->span, w->tile->span->position + w->tile->first + i, &from, &to);
        if (from < (page + 1) * KEYS && to > page * KEYS)
            kernels()->fold(&w->tm[r], &w->tl[r], w->to + r * t->value_dim, m[r], l[r],
                            o + r * t->value_dim, (size_t)t->value_dim);
    }
}

static void begin_rows(const work *w) {
    const direct_attention *t = w->all->t;
    const float *sinks = t->a->sinks ? (const float *)(const void *)t->a->sinks->data : NULL;
    for (int64_t r = 0; r < w->rows; r++) {
        w->tm[r] = sinks ? sinks[w->kv * w->all->group + r / w->tile->count] : -INFINITY;
        w->tl[r] = sinks ? 1.0f : 0.0f;
    }
    memset(w->to, 0, (size_t)(w->rows * t->value_dim) * sizeof *w->to);
}

static void end_rows(const work *w) {
    const direct_attention *t = w->all->t;
    for (int64_t r = 0; r < w->rows; r++) {
        int64_t row = w->tile->span->first + w->tile->first + r % w->tile->count;
        int64_t head = w->kv * w->all->group + r / w->tile->count;
        float *o = w->to + r * t->value_dim;
        kernels()->divide(o, w->tl[r], (size_t)t->value_dim);
        memcpy(t->out + (row * t->heads + head) * t->value_dim, o,
               (size_t)t->value_dim * sizeof *o);
    }
}

/* --- tasks ------------------------------------------------------------------------------------ */

static void read_queries(const work *w) {
    const sums *all = w->all;
    const char *q = all->rounded ? all->rounded : (const char *)all->t->q;
    for (int64_t r = 0; r < w->rows; r++) {
        int64_t row = w->tile->span->first + w->tile->first + r % w->tile->count;
        int64_t head = w->kv * all->group + r / w->tile->count;
        memcpy(w->q + r * all->q_row, q + (row * all->t->heads + head) * all->q_row,
               (size_t)all->q_row);
    }
}

/* Memory for a task. False: there is none. */
static bool open_work(work *w) {
    const direct_attention *t = w->all->t;
    int64_t rows = w->rows, values = rows * t->value_dim;
    int64_t strip = t->room ? 0 : KEYS * t->dim, mask = t->a->window ? rows * KEYS : 0;
    int64_t q = rows * w->all->q_row / (ptrdiff_t)sizeof(float);
    int64_t all = rows * (KEYS + 4) + q + 2 * values + strip + mask;
    float *at = mx_scratch(0, (size_t)(all + 64) * sizeof *at);
    if (!at)
        return false;
    w->s = at;
    w->strip = w->s + rows * KEYS;
    w->q = (char *)(w->strip + strip);
    w->o = w->strip + strip + q;
    w->to = w->o + values;
    w->mask = w->to + values;
    w->m = w->mask + mask;
    w->l = w->m + rows;
    w->tm = w->l + rows;
    w->tl = w->tm + rows;
    return true;
}

static bool start(work *w, const sums *all, const query_tile *tile, int64_t kv) {
    *w = (work){.all = all, .tile = tile, .kv = kv, .rows = all->group * tile->count};
    if (open_work(w))
        return true;
    atomic_store(&all->t->m->nomem, true);
    return false;
}

/* A tile for one head of keys, whole. False: no memory. */
static bool one_tile(const sums *all, const query_tile *tile, int64_t kv) {
    work w;
    if (!start(&w, all, tile, kv))
        return false;
    read_queries(&w);
    begin_rows(&w);
    for (int64_t p = tile->low; p < tile->high; p++) {
        one_page(&w, p, cached(all, tile, p + 1, kv));
        fold_page(&w, p, w.m, w.l, w.o);
    }
    end_rows(&w);
    return true;
}

static void tile_body(void *ctx, int64_t begin, int64_t end) {
    const sums *all = ctx;
    int64_t kv = all->t->kv_heads;
    // the last tiles have the most pages: they come first
    for (int64_t i = begin; i < end; i++)
        if (!one_tile(all, &all->tile[all->tiles - 1 - i / kv], i % kv))
            return;
}

/* Tile i is row i. */
static void row_body(void *ctx, int64_t begin, int64_t end) {
    const sums *all = ctx;
    for (int64_t i = begin; i < end; i++)
        for (int64_t kv = 0; kv < all->t->kv_heads; kv++)
            if (!one_tile(all, &all->tile[i], kv))
                return;
}

static const query_tile *tile_of(const sums *all, int64_t page) {
    const query_tile *t = all->tile;
    while (page >= t->part + t->high - t->low)
        t++;
    return t;
}

/* m and l of the rows, then o: of one page of one head of keys. */
static float *part_at(const sums *all, int64_t page, int64_t kv) {
    return all->parts + (page * all->t->kv_heads + kv) * all->part;
}

/* What this thread is likely to get next: a share's pieces come one after the other. */
static const char *next_task(const sums *all, int64_t task) {
    int64_t next = task + 1, page = next / all->t->kv_heads;
    if (page >= all->pages)
        return NULL;
    const query_tile *tile = tile_of(all, page);
    return cached(all, tile, tile->low + page - tile->part, next % all->t->kv_heads);
}

static void page_body(void *ctx, int64_t begin, int64_t end) {
    sums *all = ctx;
    work w;
    for (int64_t i = begin; i < end; i++) {
        int64_t page = i / all->t->kv_heads, kv = i % all->t->kv_heads;
        const query_tile *tile = tile_of(all, page);
        if (!start(&w, all, tile, kv))
            return;
        w.m = part_at(all, page, kv);
        w.l = w.m + w.rows;
        w.o = w.l + w.rows;
        read_queries(&w);
        one_page(&w, tile->low + page - tile->part, next_task(all, i));
    }
}

static void fold_body(void *ctx, int64_t begin, int64_t end) {
    sums *all = ctx;
    work w;
    for (int64_t i = begin; i < end; i++) {
        const query_tile *tile = &all->tile[i / all->t->kv_heads];
        int64_t kv = i % all->t->kv_heads;
        if (!start(&w, all, tile, kv))
            return;
        begin_rows(&w);
        for (int64_t p = tile->low; p < tile->high; p++) {
            const float *m = part_at(all, tile->part + p - tile->low, kv);
            fold_page(&w, p, m, m + w.rows, m + 2 * w.rows);
        }
        end_rows(&w);
    }
}

/* --- all -------------------------------------------------------------------------------------- */

static int64_t queries_of_tile(const sums *all) {
    int64_t n = TILE_ROWS / all->group;
    return n < 1 ? 1 : n;
}

static void add_tiles(sums *all, const mx_span *s, int64_t most) {
    const direct_attention *t = all->t;
    for (int64_t i = 0; i < s->count; i += most) {
        query_tile *tile = &all->tile[all->tiles++];
        int64_t n = s->count - i < most ? s->count - i : most, from, to, last, none;
        seen(t, s, s->position + i, &from, &none);
        seen(t, s, s->position + i + n - 1, &none, &last);
        to = (last + KEYS - 1) / KEYS;
        *tile = (query_tile){s, i, n, from / KEYS, to, all->pages};
        all->pages += to - tile->low;
    }
}

static bool plan(sums *all) {
    const direct_attention *t = all->t;
    const mx_pass *p = t->m->machine.pass;
    int64_t most = queries_of_tile(all), tiles = 0;
    for (int64_t i = 0; i < p->spans; i++)
        tiles += (p->span[i].count + most - 1) / most;
    all->tile = direct_room(&t->m->layer, (size_t)tiles * sizeof *all->tile);
    for (int64_t i = 0; all->tile && i < p->spans; i++)
        add_tiles(all, &p->span[i], most);
    return all->tile != NULL;
}

static bool fold_later(sums *all) {
    const direct_attention *t = all->t;
    int64_t rows = all->group * all->tile[0].count;
    for (int64_t i = 1; i < all->tiles; i++)
        rows = all->group * all->tile[i].count > rows ? all->group * all->tile[i].count : rows;
    all->part = (rows * (t->value_dim + 2) + 15) / 16 * 16;
    all->parts =
        direct_room(&t->m->layer, (size_t)(all->pages * t->kv_heads * all->part) * sizeof(float));
    if (!all->parts)
        return false;
    if (!direct_all(t->m, all->pages * t->kv_heads, page_body, all))
        return false;
    if (all->pages * t->kv_heads * all->part >= FOLD_WORTH)
        return direct_all(t->m, all->tiles * t->kv_heads, fold_body, all);
    fold_body(all, 0, all->tiles * t->kv_heads);
    return direct_now(t->m);
}

static void round_body(void *ctx, int64_t begin, int64_t end) {
    const sums *all = ctx;
    const mx_k_cell_codes *codes = mx_cell_codes();
    for (int64_t i = begin * all->t->heads; i < end * all->t->heads; i++)
        codes->round(all->rounded + i * all->q_row, all->t->q + i * all->t->dim, all->t->dim);
}

/* q as kernels read it. False: no memory. */
static bool prepare(sums *all) {
    const direct_attention *t = all->t;
    int64_t rows = t->m->machine.pass->rows;
    all->q_row = t->dim * (ptrdiff_t)sizeof(float);
    if (!t->room || t->room->key.bits >= 16)
        return true;
    all->q_row = mx_k_cell_row(t->dim);
    all->rounded = direct_room(&t->m->layer, (size_t)(rows * t->heads * all->q_row));
    return all->rounded &&
           direct_later(t->m, rows, t->heads * t->dim, round_body, all, sizeof *all);
}

/* Rows of different texts, enough for all threads, none of which is much longer than the rest. */
static bool by_rows(const sums *all) {
    int64_t longest = 0, team = mx_team_size();
    for (int64_t i = 0; i < all->tiles; i++) {
        const query_tile *t = &all->tile[i];
        longest = t->high - t->low > longest ? t->high - t->low : longest;
        if (t->span->count > 1)
            return false;
    }
    return all->tiles >= team && longest * team <= all->pages + team;
}

bool direct_attend_all(direct_attention *t) {
    direct_attention *kept = direct_room(&t->m->layer, sizeof *kept);
    if (!kept)
        return false;
    *kept = *t;
    sums all = {.t = kept, .group = t->heads / t->kv_heads};
    if (!prepare(&all) || !plan(&all))
        return false;
    if (by_rows(&all))
        return direct_later(t->m, all.tiles, all.pages * KEYS * t->heads, row_body, &all,
                            sizeof all);
    if (all.tiles * t->kv_heads >= 4 * mx_team_size() || all.pages == all.tiles)
        return direct_all(t->m, all.tiles * t->kv_heads, tile_body, &all);
    return fold_later(&all);
}
