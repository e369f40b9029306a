/* Products in integers (kernels/codes): of blocks and of affine groups, strip by strip. */
#include "models/direct/direct_parts.h"

#ifdef MX_TORTURE
enum { STEP_BYTES = 2048 };
#else
enum { STEP_BYTES = 512 * 1024 }; /* of rows of x, which stay in cache while strips meet them */
#endif
enum { STEP = 256 /* numbers: whole blocks */ };

/* A strip in either form. */
typedef struct strip {
    mx_code_strip block;
    mx_code_groups groups;
} strip;

static int64_t lanes(void) {
    return mx_kernels_get()->codes->lanes;
}

/* Bytes that copies of a strip's rows take. */
static size_t copy_bytes(const direct_matrix *w) {
    return (size_t)(lanes() * (w->row + (w->block ? 0 : 2 * w->groups.s_rs)));
}

/* `some` rows of what begins at `from`; room: where copies go if these are fewer than lanes. */
static mx_code_strip rows_of(const char *from, ptrdiff_t apart, int64_t row, int64_t some,
                             char *room) {
    mx_code_strip s = {(const uint8_t *)from + row * apart, apart};
    return some < lanes() ? mx_code_strip_of(room, s, some, apart) : s;
}

/* Rows row .. row+some of W. */
static strip strip_of(const direct_matrix *w, int64_t row, int64_t some, char *room) {
    strip s = {.block = rows_of(w->words, w->row, row, some, room)};
    if (w->block)
        return s;
    const mx_quant_matrix *g = &w->groups;
    room += lanes() * w->row;
    s.groups = (mx_code_groups){.word = s.block,
                                .scale = rows_of(g->scales, g->s_rs, row, some, room),
                                .groups = w->in / g->format.group,
                                .bits = g->format.bits,
                                .group = g->format.group,
                                .kind = g->stype};
    s.groups.bias = rows_of(g->biases, g->s_rs, row, some, room + lanes() * g->s_rs);
    return s;
}

/* How many numbers of x rows have in a step. */
static int64_t step_of(const direct_piece *t) {
    int64_t k = t->p->w.in;
    if (t->rows * t->p->x_row <= STEP_BYTES)
        return k;
    int64_t step = STEP_BYTES * k / (t->rows * t->p->x_row) / STEP * STEP;
    return step < STEP ? STEP : step;
}

typedef struct sums {
    const direct_piece *t;
    char *room;  /* for copies of the last strip's rows, */
    float *last; /* and for its sums; NULL: it is whole */
} sums;

/* Numbers k0 .. k0+n times the strip at column j. */
static void multiply(const sums *s, int64_t j, int64_t k0, int64_t n) {
    const direct_piece *t = s->t;
    const direct_matrix *w = &t->p->w;
    int64_t some = t->n - j < lanes() ? t->n - j : lanes();
    bool whole = some == lanes();
    mx_code_product p = {.y = whole ? direct_piece_y(t, 0, j) : s->last,
                         .ldy = whole ? t->p->y_row : lanes(),
                         .x = direct_piece_x(t, 0),
                         .row_bytes = t->p->x_row,
                         .rows = t->rows,
                         .k = w->in,
                         .k0 = k0,
                         .n = n,
                         .digits = DIRECT_DIGITS};
    strip rows = strip_of(w, t->j0 + j, some, s->room);
    if (w->block)
        mx_code_table()->multiply[w->block->kind](&p, rows.block);
    else
        mx_code_table()->multiply_groups(&p, &rows.groups);
}

static void finish(const sums *s, int64_t whole) {
    const direct_piece *t = s->t;
    for (int64_t i = 0; i < t->rows; i++) {
        if (t->p->w.bias)
            direct_piece_store(t, i, 0, direct_piece_y(t, i, 0), whole);
        if (s->last)
            direct_piece_store(t, i, whole, s->last + i * lanes(), t->n - whole);
    }
}

bool direct_codes(const direct_piece *t) {
    int64_t whole = t->n / lanes() * lanes(), step = step_of(t), k = t->p->w.in;
    size_t last = (size_t)(t->rows * lanes()) * sizeof(float);
    sums s = {.t = t};
    if (whole < t->n) {
        s.last = mx_scratch(0, last + copy_bytes(&t->p->w));
        if (!s.last)
            return false;
        s.room = (char *)s.last + last;
    }
    for (int64_t k0 = 0; k0 < k; k0 += step)
        for (int64_t j = 0; j < t->n; j += lanes())
            multiply(&s, j, k0, k - k0 < step ? k - k0 : step);
    finish(&s, whole);
    return true;
}
