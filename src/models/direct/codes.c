/* Products in integers (kernels/codes): of blocks and of affine groups, strip by strip. */
#include "models/direct/direct_parts.h"

#ifdef MX_TORTURE
enum { STEP_BYTES = 2048 };
#else
enum { STEP_BYTES = 512 * 1024 }; /* of rows of x, which stay in cache while strips meet them */
#endif
enum { STEP = 256 /* numbers: whole blocks */ };

/* Of a piece. */
typedef struct sums {
    const direct_piece *t;
    const mx_k_code_table *table;
    int64_t lanes;
    char *room;  /* for copies of the last strip's rows, */
    float *last; /* and for its sums; NULL: it is whole */
} sums;

/* Bytes that copies of a strip's rows take. */
static size_t copy_bytes(const direct_matrix *w, int64_t lanes) {
    return (size_t)(lanes * (w->row + (w->block ? 0 : 2 * w->groups.s_rs)));
}

/* `some` rows of what begins at `from`; room: where copies go if these are fewer than lanes. */
static mx_code_strip rows_of(const sums *s, const char *from, ptrdiff_t apart, int64_t row,
                             int64_t some, ptrdiff_t room) {
    mx_code_strip rows = {(const uint8_t *)from + row * apart, apart};
    return some < s->lanes ? mx_code_strip_of(s->room + room, rows, some, apart) : rows;
}

/* Rows row .. row+some of a matrix of groups. */
static mx_code_groups groups_of(const sums *s, int64_t row, int64_t some) {
    const direct_matrix *w = &s->t->p->w;
    const mx_quant_matrix *g = &w->groups;
    ptrdiff_t scales = s->lanes * w->row, biases = scales + s->lanes * g->s_rs;
    return (mx_code_groups){.word = rows_of(s, w->words, w->row, row, some, 0),
                            .scale = rows_of(s, g->scales, g->s_rs, row, some, scales),
                            .bias = rows_of(s, g->biases, g->s_rs, row, some, biases),
                            .groups = w->in / g->format.group,
                            .bits = g->format.bits,
                            .group = g->format.group,
                            .kind = g->stype};
}

/* How many numbers of x rows have in a step. */
static int64_t step_of(const direct_piece *t) {
    int64_t k = t->p->w.in;
    if (t->rows * t->p->x_row <= STEP_BYTES)
        return k;
    int64_t step = STEP_BYTES * k / (t->rows * t->p->x_row) / STEP * STEP;
    return step < STEP ? STEP : step;
}

/* Numbers k0 .. k0+n times the strip at column j. */
static void multiply(const sums *s, int64_t j, int64_t k0, int64_t n) {
    const direct_piece *t = s->t;
    const direct_matrix *w = &t->p->w;
    int64_t row = t->j0 + j, some = t->n - j < s->lanes ? t->n - j : s->lanes;
    bool whole = some == s->lanes;
    mx_code_product p = {.y = whole ? direct_piece_y(t, 0, j) : s->last,
                         .ldy = whole ? t->p->y_row : s->lanes,
                         .x = direct_piece_x(t, 0),
                         .row_bytes = t->p->x_row,
                         .rows = t->rows,
                         .k = w->in,
                         .k0 = k0,
                         .n = n,
                         .digits = DIRECT_DIGITS};
    if (w->block) {
        s->table->multiply[w->block->kind](&p, rows_of(s, w->words, w->row, row, some, 0));
        return;
    }
    mx_code_groups groups = groups_of(s, row, some);
    s->table->multiply_groups(&p, &groups);
}

static void finish(const sums *s, int64_t whole) {
    const direct_piece *t = s->t;
    for (int64_t i = 0; i < t->rows; i++) {
        if (t->p->w.bias)
            direct_piece_store(t, i, 0, direct_piece_y(t, i, 0), whole);
        if (s->last)
            direct_piece_store(t, i, whole, s->last + i * s->lanes, t->n - whole);
    }
}

bool direct_codes(const direct_piece *t) {
    sums s = {.t = t, .table = mx_code_table(), .lanes = mx_kernels_get()->codes->lanes};
    int64_t whole = t->n / s.lanes * s.lanes, step = step_of(t), k = t->p->w.in;
    size_t last = (size_t)(t->rows * s.lanes) * sizeof(float);
    if (whole < t->n) {
        s.last = mx_scratch(0, last + copy_bytes(&t->p->w, s.lanes));
        if (!s.last)
            return false;
        s.room = (char *)s.last + last;
    }
    for (int64_t k0 = 0; k0 < k; k0 += step)
        for (int64_t j = 0; j < t->n; j += s.lanes)
            multiply(&s, j, k0, k - k0 < step ? k - k0 : step);
    if (t->p->w.bias || s.last)
        finish(&s, whole);
    return true;
}
