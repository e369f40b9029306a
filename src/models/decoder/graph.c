/* The machine that makes arrays: see graph.h. */
#include "models/decoder/graph.h"

#include "base/status.h"
#include "kernels/blocks/blocks.h"
#include "models/decoder/graph_parts.h"

/* --- the words ------------------------------------------------------------------------------- */

static mx_rows *begin(mx_machine *m, mx_rows *x) {
    (void)m;
    return x;
}

static mx_array *wide(mx_array *a) {
    return mx_astype(a, MX_FLOAT32);
}

static mx_array *indices(const int *which, int64_t n) {
    return mx_array_from(which, &(int){(int)n}, 1, MX_INT32);
}

static mx_array *word_rows(const mx_weight *w, mx_array *which) {
    mx_quant_format f = dec_format_of(w);
    mx_dtype t = MX_FLOAT32;
    mx_array *words = mx_take(w->words, which, 0), *scales = mx_take(w->scales, which, 0);
    bool affine = w->biases;
    mx_array *biases = affine ? wide(mx_take(w->biases, which, 0)) : NULL;
    return dec_scaled(w, mx_dequantize(words, affine ? wide(scales) : scales, biases, f, NULL, &t));
}

static mx_array *table_rows(const mx_weight *w, mx_array *which) {
    if (w->kind == MX_WEIGHT_DENSE)
        return wide(mx_take(w->words, which, 0));
    if (w->kind == MX_WEIGHT_BLOCKS)
        return mx_dequantize_blocks(mx_take(w->words, which, 0), w->block, MX_FLOAT32);
    return word_rows(w, which);
}

mx_array *mx_decoder_graph_values(const mx_weight *w) {
    mx_quant_format f = dec_format_of(w);
    mx_dtype t = MX_FLOAT32;
    if (w->kind == MX_WEIGHT_DENSE)
        return wide(w->words);
    if (w->kind == MX_WEIGHT_BLOCKS)
        return mx_dequantize_blocks(w->words, w->block, MX_FLOAT32);
    return dec_scaled(w, mx_dequantize(w->words, w->biases ? wide(w->scales) : w->scales,
                                       w->biases ? wide(w->biases) : NULL, f, NULL, &t));
}

static mx_rows *embed(mx_machine *m, const mx_weight *table, const int *which, float scale) {
    mx_array *x = table_rows(table, indices(which, m->pass->rows));
    return dec_as_rows(scale == 1 ? x : mx_mul_s(x, scale));
}

static mx_rows *norm(mx_machine *m, const mx_norm *n, mx_rows *x, int64_t width) {
    mx_array *a = dec_array(x);
    (void)m;
    if (!width)
        return dec_as_rows(dec_normed(n, a));
    mx_array *parts = mx_unflatten(a, -1, (const int[]){-1, (int)width}, 2);
    return dec_as_rows(mx_flatten(dec_normed(n, parts), -2, -1));
}

static bool products(mx_machine *m, mx_rows **out, const mx_weight *const *w, int n, mx_rows *x) {
    (void)m;
    for (int i = 0; i < n; i++)
        if (!(out[i] = dec_as_rows(dec_product(w[i], dec_array(x)))))
            return false;
    return true;
}

static mx_rows *add(mx_machine *m, mx_rows *x, mx_rows *y, float scale) {
    mx_array *a = dec_array(y);
    (void)m;
    return dec_as_rows(mx_add(dec_array(x), scale == 1 ? a : mx_mul_s(a, scale)));
}

static mx_rows *gate(mx_machine *m, mx_activation act, mx_rows *g, mx_rows *up) {
    (void)m;
    return dec_as_rows(dec_act(act, dec_array(g), dec_array(up)));
}

static mx_rows *given(mx_machine *m) {
    int shape[] = {(int)m->pass->rows, (int)m->decoder->hidden};
    return dec_as_rows(mx_array_from(m->pass->hidden, shape, 2, MX_FLOAT32));
}

static mx_rows *beside(mx_machine *m, mx_rows *x, mx_rows *y) {
    (void)m;
    return dec_as_rows(mx_concatenate((mx_array *[]){dec_array(x), dec_array(y)}, 2, -1));
}

static void keep(mx_machine *m, mx_rows *x) {
    ((dec_graph *)(void *)m)->kept = dec_array(x);
}

/* Rows are numbered in 64 bits, and arrays hold 2^31 at most. */
static mx_rows *wanted(mx_machine *m, mx_rows *x) {
    const mx_pass *p = m->pass;
    mx_array *which = mx_array_from(p->wanted, &(int){(int)p->wanted_rows}, 1, MX_INT64);
    return dec_as_rows(mx_take(dec_array(x), which, 0));
}

static mx_rows *finish(mx_machine *m, mx_rows *x, float scale, float cap) {
    mx_array *a = scale == 1 ? dec_array(x) : mx_mul_s(dec_array(x), scale);
    (void)m;
    return dec_as_rows(cap == 0 ? a : mx_mul_s(mx_tanh(mx_mul_s(a, 1 / cap)), cap));
}

static const mx_machine_words words = {
    .begin = begin,
    .embed = embed,
    .norm = norm,
    .products = products,
    .add = add,
    .gate = gate,
    .attend = dec_graph_attend,
    .recur = dec_graph_recur,
    .experts = dec_graph_experts,
    .given = given,
    .beside = beside,
    .keep = keep,
    .wanted = wanted,
    .finish = finish,
};

/* --- a pass ---------------------------------------------------------------------------------- */

/* Spans one after the other over all rows. */
static bool check_spans(const mx_pass *p) {
    int64_t row = 0;
    bool ok = p->rows > 0 && p->rows <= INT32_MAX;
    for (int64_t i = 0; ok && i < p->spans; i++) {
        ok = p->span[i].first == row && p->span[i].count > 0 && p->span[i].position >= 0 &&
             p->span[i].count <= p->rows - row;
        row += p->span[i].count;
    }
    for (int64_t i = 0; ok && p->wanted && i < p->wanted_rows; i++)
        ok = p->wanted[i] >= 0 && p->wanted[i] < p->rows;
    return (ok && row == p->rows) ||
           mx_fail(MX_INVALID, "[model] the spans of a pass do not cover its %lld rows in order",
                   (long long)p->rows);
}

static dec_graph machine(const mx_decoder *d, const mx_pass *pass) {
    return (dec_graph){.base = {.words = &words, .decoder = d, .pass = pass}};
}

mx_array *mx_decoder_graph(const mx_decoder *d, const mx_pass *pass) {
    dec_graph g = machine(d, pass);
    return check_spans(pass) ? dec_array(mx_walk(&g.base)) : NULL;
}

mx_array *mx_decoder_graph_kept(const mx_decoder *d, const mx_pass *pass, mx_array **kept) {
    dec_graph g = machine(d, pass);
    mx_array *y = check_spans(pass) ? dec_array(mx_walk(&g.base)) : NULL;
    *kept = g.kept;
    return y;
}

mx_array *mx_decoder_graph_embed(const mx_decoder *d, const mx_pass *pass) {
    dec_graph g = machine(d, pass);
    return check_spans(pass) ? dec_array(mx_walk_embed(&g.base)) : NULL;
}

mx_array *mx_decoder_graph_layer(const mx_decoder *d, const mx_pass *pass, int64_t n, mx_array *x) {
    dec_graph g = machine(d, pass);
    return x ? dec_array(mx_walk_layer(&g.base, n, dec_as_rows(x))) : NULL;
}

mx_array *mx_decoder_graph_finish(const mx_decoder *d, const mx_pass *pass, mx_array *x) {
    dec_graph g = machine(d, pass);
    return x ? dec_array(mx_walk_finish(&g.base, dec_as_rows(x))) : NULL;
}
