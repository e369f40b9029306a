/* Products of rows with matrices as they lie, several in one job.
 *
 * A task is some columns of a result times some of its rows. Every element is summed in one order,
 * however many rows there are, and in whatever task it is.
 */
#include <string.h>

#include "base/status.h"
#include "base/vec.h"
#include "models/direct/direct_parts.h"

#ifdef MX_TORTURE
enum { FEW_ROWS = 2, PART_ROWS = 5, STEP_FEW = 256, STEP = 256, LEAST_BYTES = 64 };
#else
enum {
    FEW_ROWS = 32, /* so few that memory sets the pace */
    PART_ROWS = 128,
    STEP_FEW = MX_CODE_CHUNK, /* of k, in a panel */
    STEP = 256,
    LEAST_BYTES = 8192 /* of a matrix, worth a task */
};
#endif
enum { TASKS_EACH = 6, COLUMNS = 64, AHEAD = 1 << 16 /* bytes */ };

typedef struct job {
    direct_product *p;
    int64_t n;
    atomic_bool nomem;
} job;

/* --- codes ------------------------------------------------------------------------------------ */

/* Rows of W from column `from` of the piece on, one for each lane; what is behind the last is read
   as the last. */
typedef struct lane_rows {
    const uint8_t *block[MX_CODE_LANES];
    mx_code_rows groups;
} lane_rows;

static void list_row(lane_rows *l, const direct_matrix *w, int lane, int64_t row) {
    const mx_quant_matrix *g = &w->groups;
    l->block[lane] = (const uint8_t *)w->words + row * w->row;
    l->groups.word[lane] = l->block[lane];
    if (w->block)
        return;
    l->groups.scale[lane] = (const uint8_t *)g->scales + row * g->s_rs;
    l->groups.bias[lane] = (const uint8_t *)g->biases + row * g->s_rs;
}

static void list_rows(lane_rows *l, const direct_piece *t, int64_t from, int count) {
    const direct_matrix *w = &t->p->w;
    for (int i = 0; i < count; i++)
        list_row(l, w, i, t->j0 + (from + i < t->n ? from + i : t->n - 1));
    if (w->block)
        return;
    l->groups.bits = w->groups.format.bits;
    l->groups.group = w->groups.format.group;
    l->groups.kind = w->groups.stype;
    l->groups.groups = w->in / w->groups.format.group;
}

static void codes_of_one(const direct_piece *t) {
    const direct_matrix *w = &t->p->w;
    const mx_k_code_table *table = mx_code_table();
    int count = mx_kernels_get()->codes->lanes;
    lane_rows l;
    float sums[MX_CODE_LANES];
    for (int64_t j = 0; j < t->n; j += count) {
        list_rows(&l, t, j, count);
        if (w->block)
            table->vector[w->block->kind](sums, l.block, direct_piece_x(t, 0), w->in,
                                          DIRECT_DIGITS);
        else
            table->vector_groups(sums, &l.groups, direct_piece_x(t, 0), w->in, DIRECT_DIGITS);
        direct_piece_store(t, 0, j, sums, t->n - j < count ? t->n - j : count);
    }
}

/* The bytes of numbers 0 .. k of a row. */
static int64_t bytes_of(const direct_matrix *w, int64_t k) {
    return w->block ? k / w->block->items * w->block->bytes : k * w->groups.format.bits / 8;
}

static void unpack(const direct_piece *t, char *panels, int count, int64_t k0, int64_t n) {
    const direct_matrix *w = &t->p->w;
    const mx_k_codes *codes = mx_kernels_get()->codes;
    lane_rows l;
    int64_t at = bytes_of(w, k0);
    for (int i = 0; i < count; i++) {
        int64_t first = (int64_t)i * codes->lanes;
        char *to = panels + i * mx_code_panel_bytes(codes->lanes);
        list_rows(&l, t, first, codes->lanes);
        if (w->block)
            codes->unpack[w->block->kind](to, l.block, at, n / w->block->items, NULL);
        else
            codes->unpack_groups(to, &l.groups, k0, n, NULL);
    }
}

/* Where the sums go: to y itself where all lanes have a place there. */
static float *sums_of(const direct_piece *t, int64_t lanes, int64_t *row) {
    bool fits = lanes == t->n;
    *row = fits ? t->p->y_row : lanes;
    return fits ? direct_piece_y(t, 0, 0)
                : mx_scratch(0, (size_t)(t->rows * lanes) * sizeof(float));
}

static void add_bias(const direct_piece *t) {
    for (int64_t i = 0; t->p->w.bias && i < t->rows; i++)
        direct_piece_store(t, i, 0, direct_piece_y(t, i, 0), t->n);
}

/* COLUMNS of a task, or less. What they are multiplied with goes on while the next ones come. */
static bool codes_of_some(const direct_piece *t) {
    const direct_matrix *w = &t->p->w;
    int lanes = mx_kernels_get()->codes->lanes, count = (int)((t->n + lanes - 1) / lanes);
    mx_code_dots_args a = {.acc = NULL,
                           .panel = mx_scratch(1, (size_t)(count * mx_code_panel_bytes(lanes))),
                           .panels = count,
                           .x = direct_piece_x(t, 0),
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
        a.ask = w->words + (t->j0 + t->n) * w->row + bytes_of(w, a.k0) * t->n;
        a.asked = bytes_of(w, a.n) * t->n;
        mx_code_table()->dots[w->code.way](&a);
    }
    if (a.acc == direct_piece_y(t, 0, 0))
        add_bias(t);
    for (int64_t i = 0; a.acc != direct_piece_y(t, 0, 0) && i < t->rows; i++)
        direct_piece_store(t, i, 0, a.acc + i * lda, t->n);
    return true;
}

static bool codes_of_many(const direct_piece *t) {
    bool ok = true;
    direct_piece some = *t;
    for (int64_t j = 0; ok && j < t->n; j += COLUMNS) {
        some.j0 = t->j0 + j;
        some.n = t->n - j < COLUMNS ? t->n - j : COLUMNS;
        ok = codes_of_some(&some);
    }
    return ok;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static bool do_piece(const direct_piece *t) {
    if (t->p->w.way != DIRECT_CODES)
        return direct_floats(t);
    if (t->rows > 1)
        return codes_of_many(t);
    codes_of_one(t);
    return true;
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
        direct_piece t = {.p = p, .j0 = at / p->parts * p->columns, .first = at % p->parts * per};
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
    if (p->rows > 1 && p->w.way != DIRECT_CODES && some > most)
        some = most;
    p->columns = (some + lanes - 1) / lanes * lanes;
    if (p->rows > FEW_ROWS)
        p->columns = most;
}

static const char *begins_at(const job *j, int64_t task) {
    const direct_product *p = owner(j, task);
    return p->w.words + (task - p->first) / p->parts * p->columns * p->w.row;
}

/* Notes where this job's shares begin, and has those of the next asked for. */
static bool look_ahead(mx_direct *m, const job *j, int64_t all) {
    direct_ahead *a = &m->ahead;
    int shares = mx_team_shares();
    if (shares == 1 || j->p->rows > FEW_ROWS || !all)
        return true;
    if (a->shares != shares)
        *a = (direct_ahead){.from = a->from, .room = a->room, .shares = shares};
    if (!mx_grow(&a->from, &a->room, (size_t)((a->at + 1) * shares), sizeof *a->from))
        return false;
    for (int i = 0; i < shares; i++)
        a->from[a->at * shares + i] = begins_at(j, mx_team_first(all, i));
    a->at++;
    if (a->at < a->jobs)
        mx_team_ask(a->from + a->at * shares, shares, AHEAD);
    else
        a->jobs = a->at;
    return true;
}

static bool multiply(mx_direct *m, direct_product *p, int64_t n, bool foreseen) {
    job j = {.p = p, .n = n};
    int64_t bytes = 0, all = 0;
    for (int64_t i = 0; i < n; i++)
        bytes += p[i].w.out * p[i].w.row;
    for (int64_t i = 0; i < n; i++) {
        cut(&p[i], bytes);
        p[i].first = all;
        all += p[i].rows ? (p[i].w.out + p[i].columns - 1) / p[i].columns * p[i].parts : 0;
    }
    if (foreseen && !look_ahead(m, &j, all))
        return false;
    mx_team_for(all, tasks, &j);
    if (atomic_load(&j.nomem))
        mx_fail_nomem("language model", 0);
    return !atomic_load(&j.nomem);
}

bool direct_multiply(mx_direct *m, direct_product *p, int64_t n) {
    return multiply(m, p, n, false);
}

/* --- the word --------------------------------------------------------------------------------- */

static bool plan(mx_direct *m, direct_product *p, const mx_weight *w, mx_rows *x, mx_rows **out) {
    *out = direct_rows(m, x->rows, w->out);
    p->w = direct_view(w, 0);
    if (w->gain)
        p->w.bias = NULL; // it comes behind the gain
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

/* out = out * gain + bias */
static void scale_columns(const mx_weight *w, mx_rows *out) {
    const float *gain = (const float *)(const void *)w->gain->data;
    const float *bias = w->bias ? (const float *)(const void *)w->bias->data : NULL;
    for (int64_t r = 0; r < out->rows; r++) {
        float *y = out->data + r * out->width;
        for (int64_t i = 0; i < out->width; i++)
            y[i] = y[i] * gain[i] + (bias ? bias[i] : 0.0f);
    }
}

mx_weight direct_change_down(const mx_weight *w) {
    return (mx_weight){.kind = MX_WEIGHT_DENSE,
                       .words = w->down,
                       .experts = w->experts,
                       .in = w->in,
                       .out = w->down->shape[w->down->ndim - 2]};
}

mx_weight direct_change_up(const mx_weight *w) {
    return (mx_weight){.kind = MX_WEIGHT_DENSE,
                       .words = w->up,
                       .experts = w->experts,
                       .in = w->up->shape[w->up->ndim - 1],
                       .out = w->out};
}

void direct_add_change(const mx_weight *w, const mx_rows *high, mx_rows *out) {
    mx_kernels_get()->attention->decode->add(out->data, high->data, w->change,
                                             (size_t)(out->rows * out->width));
}

/* out += change * (x down') up' */
static bool add_change(mx_direct *m, const mx_weight *w, mx_rows *x, mx_rows *out) {
    mx_weight down = direct_change_down(w), up = direct_change_up(w);
    direct_product p;
    mx_rows *low, *high;
    bool ok = plan(m, &p, &down, x, &low) && direct_multiply(m, &p, 1) &&
              plan(m, &p, &up, low, &high) && direct_multiply(m, &p, 1);
    if (ok)
        direct_add_change(w, high, out);
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
    if (!multiply(m, p, n, true))
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
