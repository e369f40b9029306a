/* What stands between products: embedding, norms, residuals, activations. */
#include <string.h>

#include "base/status.h"
#include "kernels/norm/k_norm.h"
#include "models/direct/direct_parts.h"

static const mx_k_decode *kernels(void) {
    return mx_kernels_get()->attention->decode;
}

/* Rows with whatever else a body needs. */
typedef struct work {
    mx_rows *x, *y, *out;
    const float *of;
    const mx_norm *norm;
    mx_k_gate *gate;
    int64_t width;
    float scale, cap;
} work;

static float *row_of(const mx_rows *x, int64_t i) {
    return x->data + i * x->width;
}

/* --- embedding -------------------------------------------------------------------------------- */

typedef struct lookup {
    direct_matrix table;
    const int *which;
    mx_rows *out;
    float scale;
} lookup;

static void embed_body(void *ctx, int64_t begin, int64_t end) {
    const lookup *l = ctx;
    for (int64_t i = begin; i < end; i++) {
        direct_decode_row(&l->table, l->which[i], row_of(l->out, i));
        if (l->scale != 1.0f)
            kernels()->cap(row_of(l->out, i), l->scale, 0, (size_t)l->out->width);
    }
}

static bool within(const mx_pass *p, const int *which, const mx_weight *table) {
    for (int64_t i = 0; i < p->rows; i++)
        if (which[i] < 0 || which[i] >= table->out)
            return mx_fail(MX_RANGE, "[language model] row %d of a table of %lld", which[i],
                           (long long)table->out);
    return true;
}

mx_rows *direct_embed(mx_machine *machine, const mx_weight *table, const int *which, float scale) {
    mx_direct *m = direct_of(machine);
    lookup l = {.table = direct_view(table, 0), .which = which, .scale = scale};
    if (!within(machine->pass, which, table))
        return NULL;
    l.out = direct_rows(m, machine->pass->rows, table->in);
    if (l.out)
        direct_each(m, l.out->rows, l.out->width, embed_body, &l);
    return l.out;
}

/* --- norms ------------------------------------------------------------------------------------ */

static void norm_into(const mx_norm *n, float *out, const float *x, int64_t rows, int64_t width) {
    const mx_k_norm *k = mx_kernels_get()->norm;
    const void *w = n->weight ? n->weight->data : NULL, *b = n->bias ? n->bias->data : NULL;
    if (n->kind == MX_NORM_LAYER)
        k->layer[MX_FLOAT32](out, x, w, b, n->eps, (size_t)rows, (size_t)width);
    else
        k->rms[MX_FLOAT32](out, x, w, n->eps, (size_t)rows, (size_t)width);
}

void direct_norm_row(const mx_norm *n, float *x, int64_t rows, int64_t width) {
    if (n->kind != MX_NORM_NONE)
        norm_into(n, x, x, rows, width);
}

static void norm_body(void *ctx, int64_t begin, int64_t end) {
    const work *w = ctx;
    for (int64_t i = begin; i < end; i++)
        norm_into(w->norm, row_of(w->out, i), row_of(w->x, i), w->x->width / w->width, w->width);
}

mx_rows *direct_norm(mx_machine *machine, const mx_norm *n, mx_rows *x, int64_t width) {
    mx_direct *m = direct_of(machine);
    if (!x || n->kind == MX_NORM_NONE)
        return x;
    work w = {.x = x, .norm = n, .width = width ? width : x->width};
    w.out = direct_rows(m, x->rows, x->width);
    bool ok = w.out && direct_later(m, x->rows, x->width, norm_body, &w, sizeof w);
    return ok ? w.out : NULL;
}

/* --- residuals, activations ------------------------------------------------------------------- */

static void add_body(void *ctx, int64_t begin, int64_t end) {
    const work *w = ctx;
    kernels()->add(row_of(w->x, begin), row_of(w->y, begin), w->scale,
                   (size_t)((end - begin) * w->x->width));
}

mx_rows *direct_add(mx_machine *machine, mx_rows *x, mx_rows *y, float scale) {
    if (!x || !y)
        return NULL;
    work w = {.x = x, .y = y, .scale = scale};
    x->codings = 0;
    bool ok = direct_later(direct_of(machine), x->rows, x->width, add_body, &w, sizeof w);
    return ok ? x : NULL;
}

static void gate_body(void *ctx, int64_t begin, int64_t end) {
    const work *w = ctx;
    const float *up = w->y ? row_of(w->y, begin) : NULL;
    w->gate(row_of(w->x, begin), row_of(w->x, begin), up, (size_t)((end - begin) * w->x->width));
}

mx_rows *direct_gate(mx_machine *machine, mx_activation act, mx_rows *gate, mx_rows *up) {
    static const mx_gate_kind kinds[] = {
        [MX_ACT_SILU] = MX_GATE_silu,           [MX_ACT_GELU] = MX_GATE_gelu,
        [MX_ACT_GELU_TANH] = MX_GATE_gelu_tanh, [MX_ACT_RELU] = MX_GATE_relu,
        [MX_ACT_RELU2] = MX_GATE_relu2,         [MX_ACT_CLAMPED_SWIGLU] = MX_GATE_clamped,
    };
    if (!up)
        return NULL;
    // without a gate what comes up is what is changed
    work w = {.x = gate ? gate : up, .y = gate ? up : NULL, .gate = kernels()->gate[kinds[act]]};
    mx_rows *x = w.x;
    x->codings = 0;
    bool ok = direct_later(direct_of(machine), x->rows, 4 * x->width, gate_body, &w, sizeof w);
    return ok ? x : NULL;
}

/* --- what looks ahead ------------------------------------------------------------------------- */

mx_rows *direct_given(mx_machine *machine) {
    const mx_pass *p = machine->pass;
    mx_rows *out = direct_rows(direct_of(machine), p->rows, machine->decoder->hidden);
    if (out)
        memcpy(out->data, p->hidden, (size_t)(p->rows * out->width) * sizeof(float));
    return out;
}

mx_rows *direct_beside(mx_machine *machine, mx_rows *x, mx_rows *y) {
    mx_direct *m = direct_of(machine);
    mx_rows *out = direct_now(m) ? direct_rows(m, x->rows, x->width + y->width) : NULL;
    for (int64_t i = 0; out && i < out->rows; i++) {
        memcpy(row_of(out, i), row_of(x, i), (size_t)x->width * sizeof(float));
        memcpy(row_of(out, i) + x->width, row_of(y, i), (size_t)y->width * sizeof(float));
    }
    return out;
}

void direct_keep_rows(mx_machine *machine, mx_rows *x) {
    direct_of(machine)->kept = x->data;
}

/* --- the end ---------------------------------------------------------------------------------- */

mx_rows *direct_wanted(mx_machine *machine, mx_rows *x) {
    const mx_pass *p = machine->pass;
    if (!x || !p->wanted)
        return x;
    mx_direct *m = direct_of(machine);
    mx_rows *out = direct_now(m) ? direct_rows(m, p->wanted_rows, x->width) : NULL;
    for (int64_t i = 0; out && i < out->rows; i++)
        memcpy(row_of(out, i), row_of(x, p->wanted[i]), (size_t)x->width * sizeof(float));
    return out;
}

static void finish_body(void *ctx, int64_t begin, int64_t end) {
    const work *w = ctx;
    kernels()->cap(row_of(w->x, begin), w->scale, w->cap, (size_t)((end - begin) * w->x->width));
}

mx_rows *direct_finish(mx_machine *machine, mx_rows *x, float scale, float cap) {
    if (!x || (scale == 1.0f && cap == 0))
        return x;
    work w = {.x = x, .scale = scale, .cap = cap};
    x->codings = 0;
    bool ok = direct_later(direct_of(machine), x->rows, x->width, finish_body, &w, sizeof w);
    return ok ? x : NULL;
}
