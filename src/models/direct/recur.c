/* Recurrences: rows of a span one after the other, with a state.
 *
 *     mamba2         in  z (H P), x (H P), B (G N), C (G N), dt (H)
 *                        S = exp(A dt) S + (dt x) B'    y = S C + D x
 *     gated delta    in  q (G N), k (G N), v (H P), z (H P); more: b (H), a (H)
 *                        S as k_attention.h has it
 *     short conv     in  B (h), C (h), x (h)            y = C conv(B x)
 *
 * H heads of P values, G groups of N keys. A sequence's state of a layer is what the convolution
 * saw last, (width - 1, channels), then S (H, P, N). A pass reads the state and writes the next
 * one, so that a pass that fails changes nothing.
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "models/direct/direct_parts.h"

enum { CHANNELS = 64, HEAD_ROWS = 16 };

typedef struct recurrence {
    mx_direct *m;
    const mx_recurrence *r;
    const mx_layer_room *room;
    mx_mixer_kind kind;
    mx_rows *in, *more;
    int64_t channels, from;    /* of the convolution: where in a row of x they begin */
    mx_rows *x;                /* what goes into it */
    mx_rows *all;              /* what comes out of it */
    mx_rows *y, *decay, *beta; /* (rows, H P), (rows, H) */
    mx_rows *v;
    int64_t blocks, gate; /* where in a row of `in` the gate begins */
} recurrence;

static const mx_k_decode *kernels(void) {
    return mx_kernels_get()->attention->decode;
}

static const mx_span *span_at(const recurrence *c, int64_t i) {
    return &c->m->machine.pass->span[i];
}
static float *next_state(const recurrence *c, const mx_span *s) {
    return (float *)(void *)(((mx_sequence *)s->sequence)->state[1] + c->room->state);
}
static float *row_of(const mx_rows *x, int64_t i) {
    return x->data + i * x->width;
}
static const float *numbers(const mx_array *a) {
    return a ? (const float *)(const void *)a->data : NULL;
}

/* The next state begins as this one. */
static void copy_states(const recurrence *c) {
    const mx_pass *p = c->m->machine.pass;
    for (int64_t i = 0; i < p->spans; i++) {
        const mx_sequence *q = p->span[i].sequence;
        memcpy(q->state[1] + c->room->state, q->state[0] + c->room->state, c->room->state_size);
    }
}

/* --- convolution ------------------------------------------------------------------------------ */

/* What channel `at` saw `back` positions before row t of a span. */
static float seen(const recurrence *c, const mx_span *s, const float *state, int64_t t,
                  int64_t back, int64_t at) {
    int64_t i = t - back;
    if (i >= 0)
        return row_of(c->x, s->first + i)[c->from + at];
    return state[(c->r->width - 1 + i) * c->channels + at];
}

/* Some channels of a span. */
static void convolve(const recurrence *c, const mx_span *s, int64_t from, int64_t to) {
    float *state = next_state(c, s);
    const float *taps = numbers(c->r->conv), *bias = numbers(c->r->conv_bias);
    int width = c->r->width;
    for (int64_t t = 0; t < s->count; t++)
        for (int64_t at = from; at < to; at++) {
            float sum = bias ? bias[at] : 0.0f;
            for (int i = 0; i < width; i++)
                sum += taps[at * width + i] * seen(c, s, state, t, width - 1 - i, at);
            row_of(c->all, s->first + t)[at] = sum;
        }
    for (int i = 0; i < width - 1; i++)
        for (int64_t at = from; at < to; at++)
            state[i * c->channels + at] = seen(c, s, state, s->count, width - 1 - i, at);
}

static void convolve_body(void *ctx, int64_t begin, int64_t end) {
    const recurrence *c = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t from = i % c->blocks * CHANNELS;
        int64_t to = from + CHANNELS < c->channels ? from + CHANNELS : c->channels;
        convolve(c, span_at(c, i / c->blocks), from, to);
    }
}

static void silu_body(void *ctx, int64_t begin, int64_t end) {
    const recurrence *c = ctx;
    float *x = row_of(c->all, begin);
    kernels()->gate[MX_GATE_silu](x, x, NULL, (size_t)((end - begin) * c->channels));
}

static bool convolve_all(recurrence *c, bool silu) {
    c->all = direct_rows(c->m, c->in->rows, c->channels);
    if (!c->all)
        return false;
    c->blocks = (c->channels + CHANNELS - 1) / CHANNELS;
    if (!direct_all(c->m, c->m->machine.pass->spans * c->blocks, convolve_body, c))
        return false;
    if (silu)
        direct_each(c->m, c->all->rows, 4 * c->channels, silu_body, c);
    return true;
}

/* --- what the states do ----------------------------------------------------------------------- */

static float softplus(float x) {
    return x > 20.0f ? x : log1pf(expf(x));
}

static float *state_of(const recurrence *c, const mx_span *s, int64_t head) {
    const mx_recurrence *r = c->r;
    return next_state(c, s) + (r->width - 1) * c->channels +
           head * (int64_t)r->value_dim * r->key_dim;
}

/* Some values of a head over a span's rows. */
static void mamba2_rows(const recurrence *c, const mx_span *s, int64_t head, int64_t from,
                        int64_t n) {
    const mx_recurrence *r = c->r;
    int64_t inner = (int64_t)r->heads * r->value_dim, keys = (int64_t)r->groups * r->key_dim;
    int64_t group = head / (r->heads / r->groups), at = head * r->value_dim + from;
    float *state = state_of(c, s, head) + from * r->key_dim;
    const float *d = numbers(r->d);
    for (int64_t t = s->first; t < s->first + s->count; t++) {
        const float *all = row_of(c->all, t), *b = all + inner + group * r->key_dim;
        float *y = row_of(c->y, t) + at, dt = row_of(c->beta, t)[head];
        kernels()->scan(state, (size_t)n, (size_t)r->key_dim, row_of(c->decay, t)[head], dt,
                        all + at, b, b + keys, y);
        for (int64_t i = 0; d && i < n; i++)
            y[i] += d[head] * all[at + i];
    }
}

static void delta_rows(const recurrence *c, const mx_span *s, int64_t head, int64_t from,
                       int64_t n) {
    const mx_recurrence *r = c->r;
    int64_t keys = (int64_t)r->groups * r->key_dim, values = (int64_t)r->heads * r->value_dim;
    int64_t group = head / (r->heads / r->groups), at = head * r->value_dim + from;
    const float *q = row_of(c->all, s->first) + group * r->key_dim;
    mx_k_delta a = {.state = state_of(c, s, head) + from * r->key_dim,
                    .rows = n,
                    .columns = r->key_dim,
                    .steps = s->count,
                    .q = q,
                    .k = q + keys,
                    .v = row_of(c->v, s->first) + at,
                    .y = row_of(c->y, s->first) + at,
                    .decay = row_of(c->decay, s->first) + head,
                    .beta = row_of(c->beta, s->first) + head,
                    .q_step = c->all->width,
                    .v_step = values,
                    .decay_step = r->heads,
                    .beta_step = r->heads};
    mx_kernels_get()->attention->delta[0](&a);
}

static void states_body(void *ctx, int64_t begin, int64_t end) {
    const recurrence *c = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t block = i % c->blocks, head = i / c->blocks % c->r->heads;
        const mx_span *s = span_at(c, i / c->blocks / c->r->heads);
        int64_t from = block * HEAD_ROWS, left = c->r->value_dim - from;
        int64_t n = left < HEAD_ROWS ? left : HEAD_ROWS;
        if (c->kind == MX_MIXER_MAMBA2)
            mamba2_rows(c, s, head, from, n);
        else
            delta_rows(c, s, head, from, n);
    }
}

static bool run_states(recurrence *c) {
    const mx_recurrence *r = c->r;
    c->y = direct_rows(c->m, c->in->rows, (int64_t)r->heads * r->value_dim);
    if (!c->y)
        return false;
    c->blocks = (r->value_dim + HEAD_ROWS - 1) / HEAD_ROWS;
    return direct_all(c->m, c->m->machine.pass->spans * r->heads * c->blocks, states_body, c);
}

/* --- gates ------------------------------------------------------------------------------------ */

static void norm_groups(const mx_recurrence *r, float *y, int64_t width) {
    int groups = r->norm_groups > 1 ? r->norm_groups : 1;
    mx_norm n = r->norm;
    // the weight is of all groups, or the same for each
    bool each = !n.weight || n.weight->size * groups == width;
    n.weight = each ? n.weight : NULL;
    direct_norm_row(&n, y, groups, width / groups);
    const float *w = each ? NULL : numbers(r->norm.weight);
    for (int64_t i = 0; w && i < width; i++)
        y[i] *= w[i];
}

static void gate_body(void *ctx, int64_t begin, int64_t end) {
    const recurrence *c = ctx;
    int64_t width = c->y->width;
    for (int64_t i = begin; i < end; i++) {
        float *y = row_of(c->y, i);
        const float *z = row_of(c->in, i) + c->gate;
        if (c->r->gate_after_norm)
            norm_groups(c->r, y, width);
        kernels()->gate[MX_GATE_silu](y, z, y, (size_t)width);
        if (!c->r->gate_after_norm)
            norm_groups(c->r, y, width);
    }
}

/* y, normed, and z (rows of `in` from column `at` on), its gate. */
static mx_rows *gated(recurrence *c, int64_t at) {
    c->gate = at;
    direct_each(c->m, c->y->rows, 4 * c->y->width, gate_body, c);
    return c->y;
}

/* Room for one number of each head and row. */
static bool head_rows(recurrence *c) {
    c->decay = direct_rows(c->m, c->in->rows, c->r->heads);
    c->beta = c->decay ? direct_rows(c->m, c->in->rows, c->r->heads) : NULL;
    return c->beta != NULL;
}

static float step_of(const mx_recurrence *r, float dt, int head) {
    const float *bias = numbers(r->dt_bias);
    return softplus(dt + (bias ? bias[head] : 0.0f));
}

/* --- the kinds -------------------------------------------------------------------------------- */

static void mamba2_row(const recurrence *c, int64_t i) {
    const mx_recurrence *r = c->r;
    const float *dts = row_of(c->in, i) + c->from + c->channels, *a = numbers(r->a_log);
    for (int h = 0; h < r->heads; h++) {
        float dt = fminf(fmaxf(step_of(r, dts[h], h), r->dt_least), r->dt_most);
        row_of(c->beta, i)[h] = dt;
        row_of(c->decay, i)[h] = expf(dt * -expf(a[h]));
    }
}

static void mamba2_body(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
        mamba2_row(ctx, i);
}

static mx_rows *mamba2(recurrence *c) {
    c->x = c->in;
    c->from = (int64_t)c->r->heads * c->r->value_dim;
    if (!convolve_all(c, true) || !head_rows(c))
        return NULL;
    direct_each(c->m, c->in->rows, 64 * c->r->heads, mamba2_body, c);
    return run_states(c) ? gated(c, 0) : NULL;
}

static void unit(float *x, int n, float scale) {
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * x[i];
    float by = scale / sqrtf(sum + 1e-6f);
    for (int i = 0; i < n; i++)
        x[i] *= by;
}

static void delta_row(const recurrence *c, int64_t i) {
    const mx_recurrence *r = c->r;
    int64_t keys = (int64_t)r->groups * r->key_dim;
    float *all = row_of(c->all, i), scale = 1.0f / sqrtf((float)r->key_dim);
    const float *more = row_of(c->more, i), *a = numbers(r->a_log);
    for (int g = 0; g < r->groups; g++) {
        unit(all + g * r->key_dim, r->key_dim, scale);
        unit(all + keys + g * r->key_dim, r->key_dim, 1.0f);
    }
    for (int h = 0; h < r->heads; h++) {
        row_of(c->beta, i)[h] = 1.0f / (1.0f + expf(-more[h]));
        row_of(c->decay, i)[h] = expf(step_of(r, more[r->heads + h], h) * -expf(a[h]));
    }
    memcpy(row_of(c->v, i), all + 2 * keys, (size_t)c->v->width * sizeof(float));
}

static void delta_body(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
        delta_row(ctx, i);
}

static mx_rows *gated_delta(recurrence *c) {
    const mx_recurrence *r = c->r;
    c->x = c->in;
    c->from = 0;
    c->v = direct_rows(c->m, c->in->rows, (int64_t)r->heads * r->value_dim);
    if (!c->v || !convolve_all(c, true) || !head_rows(c))
        return NULL;
    direct_each(c->m, c->in->rows, 2 * c->all->width, delta_body, c);
    return run_states(c) ? gated(c, c->channels) : NULL;
}

static void multiply(float *out, const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] * b[i];
}

static void before_body(void *ctx, int64_t begin, int64_t end) {
    const recurrence *c = ctx;
    for (int64_t i = begin; i < end; i++)
        multiply(row_of(c->x, i), row_of(c->in, i), row_of(c->in, i) + 2 * c->x->width,
                 c->x->width);
}

static void behind_body(void *ctx, int64_t begin, int64_t end) {
    const recurrence *c = ctx;
    for (int64_t i = begin; i < end; i++)
        multiply(row_of(c->all, i), row_of(c->all, i), row_of(c->in, i) + c->x->width, c->x->width);
}

static mx_rows *short_conv(recurrence *c) {
    c->x = direct_rows(c->m, c->in->rows, c->in->width / 3);
    if (!c->x)
        return NULL;
    direct_each(c->m, c->in->rows, c->x->width, before_body, c);
    if (!convolve_all(c, false))
        return NULL;
    direct_each(c->m, c->in->rows, c->x->width, behind_body, c);
    return c->all;
}

mx_rows *direct_recur(mx_machine *machine, mx_mixer_kind kind, const mx_recurrence *r,
                      int64_t layer, mx_rows *in, mx_rows *more) {
    mx_direct *m = direct_of(machine);
    recurrence c = {.m = m, .r = r, .kind = kind, .in = in, .more = more};
    if (!in || !m->room)
        return NULL;
    c.room = &m->room[layer];
    c.channels = r->conv->shape[0];
    copy_states(&c);
    switch (kind) {
    case MX_MIXER_MAMBA2: return mamba2(&c);
    case MX_MIXER_GATED_DELTA: return gated_delta(&c);
    case MX_MIXER_SHORT_CONV: return short_conv(&c);
    case MX_MIXER_ATTENTION: break;
    }
    return mx_fail(MX_INTERNAL, "[language model] a recurrence that is none");
}
