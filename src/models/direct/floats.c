/* Products in float32: of floats as they lie, groups, and blocks that are no codes.
 *
 * A few rows of x meet W as it lies, more of them meet some rows of it as float32 in cache. Both
 * ways add up stretches of k in the same order.
 */
#include <string.h>

#include "models/direct/direct_parts.h"

#ifdef MX_TORTURE
enum { FLOAT_STRETCH = 256 }; /* whole blocks */
#else
enum { FLOAT_STRETCH = 1024 };
#endif
enum {
    FEW = 4,                  /* rows that meet W as it lies; */
    FEW_FLOATS = MX_K_SKINNY, /* where it is floats */
    FEW_COLUMNS = 8,          /* of W as float32, for so few rows that these stay in L1; */
    COLUMNS = 64,             /* for many, in L2 */
    SOME = 32,                /* rows: what is few there */
    PAD = 16                  /* rows do not begin in the same set of the cache */
};

static bool is_arranged(const direct_matrix *w) {
    return w->way == DIRECT_GROUPS && 32 % w->groups.format.bits == 0;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static const float *x_at(const direct_piece *t, int64_t row) {
    return (const float *)(const void *)direct_piece_x(t, row);
}

/* --- few rows --------------------------------------------------------------------------------- */

/* Rows of W as floats, from column `at` of the piece on, times all rows. */
static void float_rows(const direct_piece *t, mx_dtype type, const char *w, ptrdiff_t w_rs,
                       int64_t at, int64_t n) {
    float sums[FEW_FLOATS * COLUMNS], more[FEW_FLOATS * COLUMNS];
    mx_k_skinny_dot *dot = mx_kernels_get()->matmul->skinny_dot[type];
    ptrdiff_t ldx = t->p->x_row / (ptrdiff_t)sizeof(float);
    int64_t k = t->p->w.in;
    for (int64_t k0 = 0; k0 < k; k0 += FLOAT_STRETCH) {
        dot(k0 ? more : sums, 1, n, w + k0 * (int64_t)mx_dtype_size(type), w_rs, n, x_at(t, 0) + k0,
            ldx, (int)t->rows, least(k - k0, FLOAT_STRETCH));
        for (int64_t c = 0; k0 && c < t->rows * n; c++)
            sums[c] += more[c];
    }
    for (int64_t r = 0; r < t->rows; r++)
        direct_piece_store(t, r, at, sums + r * n, n);
}

static void few_floats(const direct_piece *t) {
    const direct_matrix *w = &t->p->w;
    ptrdiff_t rs = w->row / (ptrdiff_t)mx_dtype_size(w->dtype);
    const char *at = w->words + t->j0 * w->row;
    if (t->rows == 1) {
        float *y = direct_piece_y(t, 0, 0);
        mx_kernels_get()->matmul->stretched_dot[w->dtype](y, at, rs, t->n, x_at(t, 0), w->in,
                                                          FLOAT_STRETCH);
        direct_piece_store(t, 0, 0, y, t->n);
        return;
    }
    for (int64_t j = 0; j < t->n; j += COLUMNS)
        float_rows(t, w->dtype, at + j * w->row, rs, j, least(t->n - j, COLUMNS));
}

static bool few_decoded(const direct_piece *t) {
    enum { ROWS = 4 };
    int64_t k = t->p->w.in;
    float *room = mx_scratch(0, (size_t)(ROWS * k) * sizeof *room);
    for (int64_t j = 0; room && j < t->n; j += ROWS) {
        int64_t n = least(t->n - j, ROWS);
        for (int64_t r = 0; r < n; r++)
            direct_decode_row(&t->p->w, t->j0 + j + r, room + r * k);
        float_rows(t, MX_FLOAT32, (const char *)room, k, j, n);
    }
    return room != NULL;
}

/* Any number of rows. */
static void few_groups(const direct_piece *t) {
    enum { NUMBER = 32 };
    float sums[MX_K_SKINNY * NUMBER];
    const direct_matrix *w = &t->p->w;
    ptrdiff_t ldx = t->p->x_row / (ptrdiff_t)sizeof(float);
    for (int64_t j = 0; j < t->n; j += NUMBER) {
        int64_t n = least(t->n - j, NUMBER);
        for (int64_t i = 0; i < t->rows; i += MX_K_SKINNY) {
            int s = (int)least(t->rows - i, MX_K_SKINNY);
            memset(sums, 0, sizeof sums);
            mx_kernels_get()->quant->dots->dot(sums, n, &w->groups, t->j0 + j, n, x_at(t, i), ldx,
                                               s, w->in);
            for (int r = 0; r < s; r++)
                direct_piece_store(t, i + r, j, sums + r * n, n);
        }
    }
}

/* --- many rows -------------------------------------------------------------------------------- */

/* n numbers of a row of W from k0 on, in the order of x. */
static void read_stretch(const direct_matrix *w, int64_t row, int64_t k0, int64_t n, float *to) {
    const mx_kernels *k = mx_kernels_get();
    const char *at = w->words + row * w->row;
    if (w->way == DIRECT_GROUPS)
        k->quant->dots->arranged(to, &w->groups, row, k0, n);
    else if (w->way == DIRECT_FLOATS)
        k->pointwise->cast[w->dtype][MX_FLOAT32](to, at + k0 * (int64_t)mx_dtype_size(w->dtype),
                                                 (size_t)n);
    else
        mx_blocks_decode(w->block, to, at + k0 / w->block->items * w->block->bytes,
                         (size_t)(n / w->block->items));
}

/* Columns j .. j+n of the piece. */
static void many_columns(const direct_piece *t, float *panel, int64_t stretch, int64_t j,
                         int64_t n) {
    const direct_matrix *w = &t->p->w;
    bool turns = is_arranged(w);
    int64_t chunk = turns ? mx_kernels_get()->quant->dots->lanes * 32 / w->groups.format.bits : 1;
    mx_row_dots_args a = {.y = direct_piece_y(t, 0, j),
                          .w = panel,
                          .ldy = t->p->y_row,
                          .ldw = stretch + PAD,
                          .ldx = t->p->x_row / (ptrdiff_t)sizeof(float),
                          .columns = n,
                          .rows = t->rows,
                          .parts = turns ? 2 : 1};
    for (int64_t k0 = 0; k0 < w->in; k0 += stretch) {
        int64_t k = least(w->in - k0, stretch);
        for (int64_t i = 0; i < n; i++)
            read_stretch(w, t->j0 + j + i, k0, k, panel + i * a.ldw);
        a.x = x_at(t, 0) + k0;
        a.k = (k + chunk - 1) / chunk * chunk;
        a.add = k0 > 0;
        mx_kernels_get()->matmul->row_dots(&a);
    }
    for (int64_t i = 0; w->bias && i < t->rows; i++)
        direct_piece_store(t, i, j, direct_piece_y(t, i, j), n);
}

static bool many(const direct_piece *t) {
    int64_t stretch = t->p->w.way == DIRECT_GROUPS ? MX_K_QUANT_STRETCH : FLOAT_STRETCH;
    int64_t columns = t->p->rows <= SOME ? FEW_COLUMNS : COLUMNS;
    float *panel = mx_scratch(0, (size_t)(columns * (stretch + PAD)) * sizeof *panel);
    for (int64_t j = 0; panel && j < t->n; j += columns)
        many_columns(t, panel, stretch, j, least(t->n - j, columns));
    return panel != NULL;
}

/* --- all -------------------------------------------------------------------------------------- */

bool direct_floats(const direct_piece *t) {
    const direct_matrix *w = &t->p->w;
    if (w->way == DIRECT_GROUPS && !is_arranged(w)) {
        few_groups(t);
        return true;
    }
    if (t->rows > (w->way == DIRECT_FLOATS ? FEW_FLOATS : FEW))
        return many(t);
    if (w->way == DIRECT_DECODED)
        return few_decoded(t);
    if (w->way == DIRECT_GROUPS)
        few_groups(t);
    else
        few_floats(t);
    return true;
}
