/* Experts: rows are grouped by the experts that they are sent to, and each expert's matrices meet
 * their rows at once.
 *
 *     entries   the rows of expert 0, those of expert 1, ...: (row, its n-th choice)
 *
 * What a row's experts give is added in the order of its choices.
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "models/direct/direct_parts.h"

typedef struct choice {
    int expert;
    float weight;
    int64_t entry;
} choice;

typedef struct sending {
    mx_direct *m;
    const mx_experts *e;
    mx_rows *x;
    choice *choice; /* (rows, used) */
    int64_t *row;   /* of each entry */
    int64_t *first; /* entry of each expert, and behind the last one */
    int64_t entries;
    const direct_coded *coded; /* rows of x that were gathered last, and these as entries */
    direct_coded gathered;
} sending;

/* --- choosing --------------------------------------------------------------------------------- */

/* The largest of n; of equal ones the first. */
static int largest(const float *x, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best] || (isnan(x[best]) && !isnan(x[i])))
            best = i;
    return best;
}

static void softmax(float *x, int n) {
    float top = x[largest(x, n)], sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] = expf(x[i] - top);
    for (int i = 0; i < n; i++)
        x[i] /= sum;
}

/* What a group counts for: its best, or where routes are sigmoids its two best. */
static float group_score(const mx_experts *e, const float *x, int n) {
    float best = -INFINITY, second = -INFINITY;
    for (int i = 0; i < n; i++) {
        second = x[i] > best ? best : x[i] > second ? x[i] : second;
        best = x[i] > best ? x[i] : best;
    }
    return e->route == MX_ROUTE_SOFTMAX || n < 2 ? best : best + second;
}

/* Experts of other groups than the best ones count 0. groups: room for scores, then for marks. */
static void keep_groups(const mx_experts *e, float *scores, float *groups) {
    int each = e->count / e->groups;
    float *kept = groups + e->groups;
    for (int g = 0; g < e->groups; g++) {
        groups[g] = group_score(e, scores + g * each, each);
        kept[g] = 0;
    }
    for (int i = 0; i < e->used_groups; i++) {
        int g = largest(groups, e->groups);
        groups[g] = -INFINITY;
        kept[g] = 1;
    }
    for (int i = 0; i < e->groups * each; i++)
        if (kept[i / each] == 0)
            scores[i] = 0;
}

static void weigh(const mx_experts *e, float *weight) {
    float sum = 0;
    if (e->after_choice)
        softmax(weight, e->used);
    for (int i = 0; i < e->used; i++)
        sum += weight[i];
    for (int i = 0; i < e->used; i++) {
        if (e->normalized && !e->after_choice)
            weight[i] /= sum + 1e-20f;
        weight[i] *= e->scale;
    }
}

/* The choices of one row. room: 2 for each expert, 2 for each group, 1 for each choice. */
static void choose(const mx_experts *e, float *p, choice *out, float *room) {
    float *scores = room, *groups = room + e->count, *weight = groups + 2 * e->groups;
    if (!e->after_choice && e->route == MX_ROUTE_SOFTMAX)
        softmax(p, e->count);
    for (int i = 0; !e->after_choice && e->route == MX_ROUTE_SIGMOID && i < e->count; i++)
        p[i] = 1.0f / (1.0f + expf(-p[i]));
    const float *bias = e->choice_bias ? (const float *)(const void *)e->choice_bias->data : NULL;
    for (int i = 0; i < e->count; i++)
        scores[i] = p[i] + (bias ? bias[i] : 0.0f);
    if (e->groups > 1 && e->used_groups < e->groups)
        keep_groups(e, scores, groups);
    for (int i = 0; i < e->used; i++) {
        out[i].expert = largest(scores, e->count);
        weight[i] = p[out[i].expert];
        scores[out[i].expert] = -INFINITY;
    }
    weigh(e, weight);
    for (int i = 0; i < e->used; i++)
        out[i].weight = weight[i];
}

/* Entries by expert, rows in their order. */
static void group(sending *s) {
    int64_t count = s->e->count, all = s->x->rows * s->e->used;
    memset(s->first, 0, (size_t)(count + 1) * sizeof *s->first);
    for (int64_t i = 0; i < all; i++)
        s->first[s->choice[i].expert + 1]++;
    for (int64_t i = 0; i < count; i++)
        s->first[i + 1] += s->first[i];
    for (int64_t i = 0; i < all; i++) {
        int64_t at = s->first[s->choice[i].expert]++;
        s->choice[i].entry = at;
        s->row[at] = i / s->e->used;
    }
    for (int64_t i = count; i > 0; i--)
        s->first[i] = s->first[i - 1];
    s->first[0] = 0;
}

static bool send(sending *s) {
    const mx_experts *e = s->e;
    direct_arena *a = &s->m->layer;
    mx_rows *logits = direct_multiplied(s->m, &e->router, s->x);
    int groups = e->groups > 0 ? e->groups : 0;
    s->entries = s->x->rows * e->used;
    s->choice = direct_room(a, (size_t)s->entries * sizeof *s->choice);
    s->row = direct_room(a, (size_t)s->entries * sizeof *s->row);
    s->first = direct_room(a, (size_t)(e->count + 1) * sizeof *s->first);
    float *room = direct_room(a, (size_t)(2 * e->count + 2 * groups + e->used) * sizeof *room);
    if (!logits || !s->choice || !s->row || !s->first || !room)
        return false;
    for (int64_t i = 0; i < logits->rows; i++)
        choose(e, logits->data + i * logits->width, s->choice + i * e->used, room);
    group(s);
    return true;
}

/* --- products --------------------------------------------------------------------------------- */

static void gather_body(void *ctx, int64_t begin, int64_t end) {
    const sending *s = ctx;
    for (int64_t i = begin; i < end; i++)
        memcpy(s->gathered.data + i * s->gathered.row, s->coded->data + s->row[i] * s->coded->row,
               (size_t)s->coded->row);
}

/* The pass's rows, coded, as entries: once for stacks that read them the same way. */
static const direct_coded *gathered(sending *s, const direct_coded *c) {
    if (s->coded == c)
        return &s->gathered;
    s->gathered = *c;
    s->gathered.data = direct_room(&s->m->layer, (size_t)(s->entries * c->row));
    s->coded = s->gathered.data ? c : NULL;
    if (!s->coded)
        return NULL;
    direct_each(s->m, s->entries, c->row / (int64_t)sizeof(float), gather_body, s);
    return &s->gathered;
}

/* Adds the products of a stack to a list, which has `count` already. gather: x has the pass's rows,
   else entries. */
static bool add_products(sending *s, const mx_weight *stack, mx_rows *x, bool gather, mx_rows *out,
                         direct_product *p, int64_t *count) {
    direct_matrix any = direct_view(stack, 0);
    const direct_coded *c = out ? direct_code(s->m, &any, x) : NULL;
    if (c && gather)
        c = gathered(s, c);
    for (int64_t e = 0; c && e < s->e->count; e++) {
        int64_t from = s->first[e], n = s->first[e + 1] - from;
        if (n == 0)
            continue;
        p[(*count)++] = (direct_product){.w = direct_view(stack, e),
                                         .x = c->data + from * c->row,
                                         .x_row = c->row,
                                         .rows = n,
                                         .y = out->data + from * out->width,
                                         .y_row = out->width};
    }
    return c != NULL;
}

/* Products of a stack alone, of all entries; NULL and an error. p: room for them. */
static mx_rows *multiplied(sending *s, const mx_weight *stack, mx_rows *x, bool gather,
                           direct_product *p) {
    int64_t n = 0;
    mx_rows *out = x ? direct_rows(s->m, s->entries, stack->out) : NULL;
    return out && add_products(s, stack, x, gather, out, p, &n) && direct_multiply(s->m, p, n)
               ? out
               : NULL;
}

/* Adds the low-rank change of a stack, if it has one. */
static bool add_change(sending *s, const mx_weight *stack, mx_rows *x, bool gather, mx_rows *out,
                       direct_product *p) {
    if (!stack->down)
        return true;
    mx_weight down = direct_change_down(stack), up = direct_change_up(stack);
    mx_rows *high = multiplied(s, &up, multiplied(s, &down, x, gather, p), false, p);
    if (high)
        direct_add_change(stack, high, out);
    return high != NULL;
}

/* What each entry's expert gives; NULL and an error. */
static mx_rows *entries(sending *s) {
    const mx_feed *f = &s->e->feed;
    mx_direct *m = s->m;
    int64_t n = 0, most = s->entries < s->e->count ? s->entries : s->e->count;
    direct_product *p = direct_room(&m->layer, (size_t)(2 * most) * sizeof *p);
    bool gated = f->gate.kind != MX_WEIGHT_NONE;
    mx_rows *up = direct_rows(m, s->entries, f->up.out);
    mx_rows *gate = gated && up ? direct_rows(m, s->entries, f->gate.out) : NULL;
    if (!p || !up || (gated && !gate) ||
        (gated && !add_products(s, &f->gate, s->x, true, gate, p, &n)) ||
        !add_products(s, &f->up, s->x, true, up, p, &n) || !direct_multiply(m, p, n) ||
        (gated && !add_change(s, &f->gate, s->x, true, gate, p)) ||
        !add_change(s, &f->up, s->x, true, up, p))
        return NULL;
    mx_rows *inner = direct_gate(&m->machine, f->act, gate, up);
    mx_rows *out = multiplied(s, &f->down, inner, false, p);
    return out && add_change(s, &f->down, inner, false, out, p) ? out : NULL;
}

static mx_rows *shared(mx_direct *m, const mx_feed *f, mx_rows *x) {
    bool gated = f->gate.kind != MX_WEIGHT_NONE;
    const mx_weight *w[] = {gated ? &f->gate : &f->up, &f->up};
    mx_rows *y[2] = {NULL};
    if (!direct_products(&m->machine, y, w, gated ? 2 : 1, x))
        return NULL;
    mx_rows *inner = direct_gate(&m->machine, f->act, gated ? y[0] : NULL, gated ? y[1] : y[0]);
    return inner ? direct_multiplied(m, &f->down, inner) : NULL;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void add_row(const float *x, float weight, float *out, int64_t n) {
    mx_kernels_get()->attention->decode->add(out, x, weight, (size_t)n);
}

static void add_entries(const sending *s, const mx_rows *y, mx_rows *out) {
    for (int64_t i = 0; i < out->rows; i++) {
        float *row = out->data + i * out->width;
        memset(row, 0, (size_t)out->width * sizeof *row);
        for (int c = 0; c < s->e->used; c++) {
            const choice *k = &s->choice[i * s->e->used + c];
            add_row(y->data + k->entry * y->width, k->weight, row, out->width);
        }
    }
}

static bool add_shared(const sending *s, mx_rows *out) {
    const mx_experts *e = s->e;
    mx_rows *y = shared(s->m, &e->shared, s->x), *gate = NULL;
    if (y && e->shared_gate.kind != MX_WEIGHT_NONE &&
        !(gate = direct_multiplied(s->m, &e->shared_gate, s->x)))
        return false;
    for (int64_t i = 0; y && i < out->rows; i++) {
        float by = gate ? 1.0f / (1.0f + expf(-gate->data[i])) : 1.0f;
        add_row(y->data + i * y->width, by, out->data + i * out->width, out->width);
    }
    return y != NULL;
}

mx_rows *direct_experts(mx_machine *machine, const mx_experts *e, mx_rows *x) {
    mx_direct *m = direct_of(machine);
    sending s = {.m = m, .e = e, .x = x};
    if (!x || !send(&s))
        return NULL;
    mx_rows *y = entries(&s), *out = y ? direct_rows(m, x->rows, y->width) : NULL;
    if (!out)
        return NULL;
    add_entries(&s, y, out);
    bool more = e->shared.down.kind != MX_WEIGHT_NONE;
    return !more || add_shared(&s, out) ? out : NULL;
}
