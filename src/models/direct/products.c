/* Products of rows with matrices as they lie, several in one job.
 *
 * A task is some columns of a result times some of its rows. Every element is summed in one order,
 * however many rows there are, and in whatever task it is.
 */
#include <string.h>

#include "base/status.h"
#include "kernels/codes/codes.h"
#include "models/direct/direct_parts.h"

#ifdef MX_TORTURE
enum { FEW_ROWS = 2, PART_ROWS = 5, STEP_FEW = 256, STEP = 256, STRETCH = 32, LEAST_BYTES = 64 };
#else
enum {
    FEW_ROWS = 32, /* so few that memory sets the pace */
    PART_ROWS = 128,
    STEP_FEW = MX_CODE_CHUNK, /* of k, in a panel */
    STEP = 256,
    STRETCH = 4096,    /* of k, of floats */
    LEAST_BYTES = 8192 /* of a matrix, worth a task */
};
#endif
enum { TASKS_EACH = 6, COLUMNS = 64, DECODED_ROWS = 4, GROUP_COLUMNS = 32 };

typedef struct job {
    direct_product *p;
    int64_t n;
    atomic_bool nomem;
} job;

/* Some columns and rows of a product. */
typedef struct piece {
    const direct_product *p;
    int64_t j0, n, first, rows;
} piece;

static const char *x_at(const piece *t, int64_t row) {
    return t->p->x + (t->first + row) * t->p->x_row;
}
static float *y_at(const piece *t, int64_t row, int64_t column) {
    return t->p->y + (t->first + row) * t->p->y_row + t->j0 + column;
}

/* n sums of a row. */
static void store(const piece *t, int64_t row, int64_t column, const float *sums, int64_t n) {
    float *y = y_at(t, row, column);
    const float *bias = t->p->w.bias ? t->p->w.bias + t->j0 + column : NULL;
    for (int64_t i = 0; i < n; i++)
        y[i] = sums[i] + (bias ? bias[i] : 0.0f);
}

/* --- blocks as codes -------------------------------------------------------------------------- */

/* Rows of W from column `from` of the piece on; what is behind the last is read as the last. */
static void list_rows(const uint8_t **rows, const piece *t, int64_t from, int lanes) {
    const direct_matrix *w = &t->p->w;
    for (int i = 0; i < lanes; i++) {
        int64_t row = t->j0 + (from + i < t->n ? from + i : t->n - 1);
        rows[i] = (const uint8_t *)w->words + row * w->row;
    }
}

static void codes_of_one(const piece *t) {
    const direct_matrix *w = &t->p->w;
    int lanes = mx_kernels_get()->codes->lanes;
    mx_k_code_vector *vector = mx_code_table()->vector[w->block->kind];
    const uint8_t *rows[MX_CODE_LANES];
    float sums[MX_CODE_LANES];
    for (int64_t j = 0; j < t->n; j += lanes) {
        list_rows(rows, t, j, lanes);
        vector(sums, rows, x_at(t, 0), w->in, DIRECT_DIGITS);
        store(t, 0, j, sums, t->n - j < lanes ? t->n - j : lanes);
    }
}

static void unpack(const piece *t, char *panels, int count, int64_t k0, int64_t n) {
    const direct_matrix *w = &t->p->w;
    const mx_k_codes *codes = mx_kernels_get()->codes;
    const uint8_t *rows[MX_CODE_LANES];
    int64_t at = k0 / w->block->items * w->block->bytes;
    for (int i = 0; i < count; i++) {
        int64_t first = (int64_t)i * codes->lanes;
        const uint8_t *ask = (const uint8_t *)w->words + (t->j0 + t->p->columns + first) * w->row +
                             at * codes->lanes;
        list_rows(rows, t, first, codes->lanes);
        codes->unpack[w->block->kind](panels + i * mx_code_panel_bytes(codes->lanes), rows, at,
                                      n / w->block->items, ask);
    }
}

/* Where the sums go: to y itself where all lanes have a place there. */
static float *sums_of(const piece *t, int64_t lanes, int64_t *row) {
    bool fits = lanes == t->n;
    *row = fits ? t->p->y_row : lanes;
    return fits ? y_at(t, 0, 0) : mx_scratch(0, (size_t)(t->rows * lanes) * sizeof(float));
}

static void add_bias(const piece *t) {
    for (int64_t i = 0; t->p->w.bias && i < t->rows; i++)
        store(t, i, 0, y_at(t, i, 0), t->n);
}

static bool codes_of_many(const piece *t) {
    const direct_matrix *w = &t->p->w;
    int lanes = mx_kernels_get()->codes->lanes, count = (int)((t->n + lanes - 1) / lanes);
    mx_code_dots_args a = {.acc = NULL,
                           .panel = mx_scratch(1, (size_t)(count * mx_code_panel_bytes(lanes))),
                           .panels = count,
                           .x = x_at(t, 0),
                           .row_bytes = t->p->x_row,
                           .rows = t->rows,
                           .k = w->in,
                           .digits = DIRECT_DIGITS};
    int64_t lda, step = t->p->rows <= FEW_ROWS ? STEP_FEW : STEP;
    a.acc = sums_of(t, count * lanes, &lda);
    a.lda = lda;
    if (!a.acc || !a.panel)
        return false;
    for (int64_t i = 0; i < t->rows; i++)
        memset(a.acc + i * lda, 0, (size_t)(count * lanes) * sizeof *a.acc);
    for (; a.k0 < w->in; a.k0 += a.n) {
        a.n = w->in - a.k0 < step ? w->in - a.k0 : step;
        unpack(t, (char *)(uintptr_t)a.panel, count, a.k0, a.n);
        mx_code_table()->dots[mx_code_formats[w->block->kind].way](&a);
    }
    if (a.acc == y_at(t, 0, 0))
        add_bias(t);
    for (int64_t i = 0; a.acc != y_at(t, 0, 0) && i < t->rows; i++)
        store(t, i, 0, a.acc + i * lda, t->n);
    return true;
}

/* --- floats ----------------------------------------------------------------------------------- */

/* Rows w of W, from column `at` of the piece on, times all rows: k in stretches, which are added up
   one after the other. */
static void float_rows(const piece *t, mx_dtype type, const char *w, ptrdiff_t w_rs, int64_t at,
                       int64_t n) {
    float sums[MX_K_SKINNY * COLUMNS], more[MX_K_SKINNY * COLUMNS];
    mx_k_skinny_dot *dot = mx_kernels_get()->matmul->skinny_dot[type];
    ptrdiff_t ldx = t->p->x_row / (ptrdiff_t)sizeof(float);
    int64_t k = t->p->w.in;
    for (int64_t i = 0; i < t->rows; i += MX_K_SKINNY) {
        int s = (int)(t->rows - i < MX_K_SKINNY ? t->rows - i : MX_K_SKINNY);
        const float *x = (const float *)(const void *)x_at(t, i);
        for (int64_t k0 = 0; k0 < k; k0 += STRETCH) {
            dot(k0 ? more : sums, 1, n, w + k0 * (int64_t)mx_dtype_size(type), w_rs, n, x + k0, ldx,
                s, k - k0 < STRETCH ? k - k0 : STRETCH);
            for (int64_t c = 0; k0 && c < s * n; c++)
                sums[c] += more[c];
        }
        for (int r = 0; r < s; r++)
            store(t, i + r, at, sums + r * n, n);
    }
}

static void floats(const piece *t) {
    const direct_matrix *w = &t->p->w;
    ptrdiff_t rs = w->row / (ptrdiff_t)mx_dtype_size(w->dtype);
    for (int64_t j = 0; j < t->n; j += COLUMNS)
        float_rows(t, w->dtype, w->words + (t->j0 + j) * w->row, rs, j,
                   t->n - j < COLUMNS ? t->n - j : COLUMNS);
}

static bool decoded(const piece *t) {
    int64_t k = t->p->w.in;
    float *room = mx_scratch(0, (size_t)(DECODED_ROWS * k) * sizeof *room);
    for (int64_t j = 0; room && j < t->n; j += DECODED_ROWS) {
        int64_t n = t->n - j < DECODED_ROWS ? t->n - j : DECODED_ROWS;
        for (int64_t r = 0; r < n; r++)
            direct_decode_row(&t->p->w, t->j0 + j + r, room + r * k);
        float_rows(t, MX_FLOAT32, (const char *)room, k, j, n);
    }
    return room != NULL;
}

/* --- groups ----------------------------------------------------------------------------------- */

static void groups(const piece *t) {
    float sums[MX_K_SKINNY * GROUP_COLUMNS];
    const direct_matrix *w = &t->p->w;
    const mx_k_quant_dots *dots = mx_kernels_get()->quant->dots;
    ptrdiff_t ldx = t->p->x_row / (ptrdiff_t)sizeof(float);
    for (int64_t j = 0; j < t->n; j += GROUP_COLUMNS) {
        int64_t n = t->n - j < GROUP_COLUMNS ? t->n - j : GROUP_COLUMNS;
        for (int64_t i = 0; i < t->rows; i += MX_K_SKINNY) {
            int s = (int)(t->rows - i < MX_K_SKINNY ? t->rows - i : MX_K_SKINNY);
            memset(sums, 0, sizeof sums);
            dots->dot(sums, n, &w->groups, t->j0 + j, n, (const float *)(const void *)x_at(t, i),
                      ldx, s, w->in);
            for (int r = 0; r < s; r++)
                store(t, i + r, j, sums + r * n, n);
        }
    }
}

/* --- tasks ------------------------------------------------------------------------------------ */

static bool do_piece(const piece *t) {
    switch (t->p->w.way) {
    case DIRECT_CODES:
        if (t->rows > 1)
            return codes_of_many(t);
        codes_of_one(t);
        return true;
    case DIRECT_DECODED: return decoded(t);
    case DIRECT_GROUPS: groups(t); return true;
    default: floats(t); return true;
    }
}

static const direct_product *owner(const job *j, int64_t task) {
    int64_t low = 0, high = j->n - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (j->p[middle].first <= task)
            low = middle;
        else
            high = middle - 1;
    }
    return &j->p[low];
}

static void tasks(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    for (int64_t i = begin; i < end; i++) {
        const direct_product *p = owner(j, i);
        int64_t at = i - p->first, per = (p->rows + p->parts - 1) / p->parts;
        piece t = {.p = p, .j0 = at / p->parts * p->columns, .first = at % p->parts * per};
        t.n = p->w.out - t.j0 < p->columns ? p->w.out - t.j0 : p->columns;
        t.rows = p->rows - t.first < per ? p->rows - t.first : per;
        if (!do_piece(&t))
            atomic_store(&j->nomem, true);
    }
}

/* Few rows: tasks by bytes, so that there are some for each thread. Many: as much as stays in
   cache. */
static void cut(direct_product *p, int64_t bytes) {
    int64_t lanes = mx_kernels_get()->codes->lanes, most = COLUMNS;
    p->parts = p->rows <= FEW_ROWS ? 1 : (p->rows + PART_ROWS - 1) / PART_ROWS;
    int64_t some = bytes / (p->w.row * TASKS_EACH * mx_team_size() + 1);
    int64_t least = LEAST_BYTES / (p->w.row + 1) + 1;
    some = some < least ? least : some;
    if (p->w.way == DIRECT_CODES && p->rows > 1)
        lanes *= mx_kernels_get()->codes->panels;
    if (p->rows > 1 && some > most)
        some = most;
    p->columns = (some + lanes - 1) / lanes * lanes;
    if (p->rows > FEW_ROWS && p->w.way == DIRECT_CODES)
        p->columns = most;
}

bool direct_multiply(mx_direct *m, direct_product *p, int64_t n) {
    job j = {.p = p, .n = n};
    int64_t bytes = 0, all = 0;
    (void)m;
    for (int64_t i = 0; i < n; i++)
        bytes += p[i].w.out * p[i].w.row;
    for (int64_t i = 0; i < n; i++) {
        cut(&p[i], bytes);
        p[i].first = all;
        all += p[i].rows ? (p[i].w.out + p[i].columns - 1) / p[i].columns * p[i].parts : 0;
    }
    mx_team_for(all, tasks, &j);
    if (atomic_load(&j.nomem))
        mx_fail_nomem("language model", 0);
    return !atomic_load(&j.nomem);
}

/* --- the word --------------------------------------------------------------------------------- */

static bool plan(mx_direct *m, direct_product *p, const mx_weight *w, mx_rows *x, mx_rows **out) {
    *out = direct_rows(m, x->rows, w->out);
    p->w = direct_view(w, 0);
    const direct_coded *c = *out ? direct_code(m, &p->w, x) : NULL;
    if (!c)
        return false;
    p->x = c->data;
    p->x_row = c->row;
    p->rows = x->rows;
    p->y = (*out)->data;
    p->y_row = w->out;
    return true;
}

/* out *= gain, but for the bias, which is in it already. */
static void scale_columns(const mx_weight *w, mx_rows *out) {
    const float *gain = (const float *)(const void *)w->gain->data;
    const float *bias = w->bias ? (const float *)(const void *)w->bias->data : NULL;
    for (int64_t r = 0; r < out->rows; r++) {
        float *y = out->data + r * out->width;
        for (int64_t i = 0; i < out->width; i++)
            y[i] = bias ? (y[i] - bias[i]) * gain[i] + bias[i] : y[i] * gain[i];
    }
}

/* out += change * (x down') up' */
static bool add_change(mx_direct *m, const mx_weight *w, mx_rows *x, mx_rows *out) {
    mx_weight down = {.kind = MX_WEIGHT_DENSE, .words = w->down, .in = w->in};
    down.out = w->down->shape[0];
    mx_weight up = {.kind = MX_WEIGHT_DENSE, .words = w->up, .out = w->out, .in = down.out};
    direct_product p;
    mx_rows *low, *high;
    bool ok = plan(m, &p, &down, x, &low) && direct_multiply(m, &p, 1) &&
              plan(m, &p, &up, low, &high) && direct_multiply(m, &p, 1);
    if (ok)
        mx_kernels_get()->attention->decode->add(out->data, high->data, w->change,
                                                 (size_t)(out->rows * out->width));
    return ok;
}

bool direct_products(mx_machine *machine, mx_rows **out, const mx_weight *const *w, int n,
                     mx_rows *x) {
    mx_direct *m = direct_of(machine);
    direct_product p[4];
    if (!x)
        return false;
    for (int i = 0; i < n; i++)
        if (!plan(m, &p[i], w[i], x, &out[i]))
            return false;
    if (!direct_multiply(m, p, n))
        return false;
    for (int i = 0; i < n; i++)
        if (w[i]->down && !add_change(m, w[i], x, out[i]))
            return false;
        else if (w[i]->gain)
            scale_columns(w[i], out[i]);
    return true;
}

mx_rows *direct_multiplied(mx_direct *m, const mx_weight *w, mx_rows *x) {
    mx_rows *out = NULL;
    return direct_products(&m->machine, &out, &w, 1, x) ? out : NULL;
}
