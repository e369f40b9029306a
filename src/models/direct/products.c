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
enum { FEW_ROWS = 2, PART_ROWS = 5, LEAST_BYTES = 64 };
#else
enum {
    FEW_ROWS = 32,     /* so few that memory sets the pace */
    PART_ROWS = 64,    /* of x, which stay in cache */
    LEAST_BYTES = 8192 /* of a matrix, worth a task */
};
#endif
enum { TASKS_EACH = 6, COLUMNS = 64, AHEAD = 1 << 16 /* bytes */ };

typedef struct job {
    mx_direct *m;
    direct_product *p;
    int64_t n;
} job;

/* --- tasks ------------------------------------------------------------------------------------ */

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
        if (!(p->w.way == DIRECT_CODES ? direct_codes(&t) : direct_floats(&t)))
            atomic_store(&j->m->nomem, true);
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
    job j = {.m = m, .p = p, .n = n};
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
    return direct_all(m, all, tasks, &j);
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
