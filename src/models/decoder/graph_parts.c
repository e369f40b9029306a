/* What the files of the machine that makes arrays share: see graph_parts.h. */
#include "models/decoder/graph_parts.h"

#include "base/mem.h"
#include "base/status.h"
#include "graph/array/params.h"
#include "kernels/blocks/blocks.h"

/* --- shapes ---------------------------------------------------------------------------------- */

mx_array *dec_columns(mx_array *x, int64_t first, int64_t count) {
    return mx_slice_axis(x, -1, (int)first, (int)(first + count));
}

mx_array *dec_heads(mx_array *x, int64_t n) {
    return mx_unflatten(x, -1, (const int[]){(int)n, -1}, 2);
}

bool dec_next_batch(const mx_pass *p, dec_batch *out) {
    dec_batch b = {.first = out->first + out->n};
    if (b.first >= p->spans)
        return false;
    b.row = p->span[b.first].first;
    b.count = p->span[b.first].count;
    while (b.first + b.n < p->spans && p->span[b.first + b.n].count == b.count)
        b.n++;
    *out = b;
    return true;
}

mx_array *dec_batch_of(const dec_batch *b, mx_array *x) {
    mx_array *rows = mx_slice_axis(x, 0, (int)b->row, (int)(b->row + b->n * b->count));
    return mx_unflatten(rows, 0, (const int[]){(int)b->n, (int)b->count}, 2);
}

mx_array *dec_each_batch(const mx_pass *p, dec_batch_function *f, void *payload) {
    mx_array **part = mx_calloc((size_t)p->spans, sizeof *part), *all = NULL;
    int n = 0;
    for (dec_batch b = {0}; part && dec_next_batch(p, &b) && !mx_failed();)
        part[n++] = mx_flatten(f(payload, &b), 0, 1);
    if (part && !mx_failed())
        all = n == 1 ? part[0] : mx_concatenate(part, n, 0);
    mx_free(part);
    return all;
}

/* --- products -------------------------------------------------------------------------------- */

static mx_array *wide(mx_array *a) {
    return mx_astype(a, MX_FLOAT32);
}

mx_quant_format dec_format_of(const mx_weight *w) {
    return (mx_quant_format){w->mode, w->bits, w->group};
}

/* Blocks times x as it is, not rounded to codes. */
static mx_array *block_product(const mx_weight *w, mx_array *x) {
    mx_p_block_matmul p = {.type = w->block->id, .transpose = true, .whole = true};
    return mx_apply(MX_PRIM_block_matmul, &p, (mx_array *[]){x, w->words}, 2);
}

mx_array *dec_scaled(const mx_weight *w, mx_array *y) {
    return w->factor == 0 || w->factor == 1 ? y : mx_mul_s(y, w->factor);
}

static mx_array *word_product(const mx_weight *w, mx_array *x) {
    mx_array *y = mx_quantized_matmul(x, w->words, w->scales, w->biases, true, dec_format_of(w));
    return dec_scaled(w, wide(y));
}

static mx_array *plain_product(const mx_weight *w, mx_array *x) {
    switch (w->kind) {
    case MX_WEIGHT_DENSE: return mx_matmul(x, mx_transpose(wide(w->words)));
    case MX_WEIGHT_AFFINE: return wide(word_product(w, x));
    case MX_WEIGHT_BLOCKS: return wide(block_product(w, x));
    case MX_WEIGHT_NONE: break;
    }
    return mx_fail(MX_INTERNAL, "[model] a product with a matrix that is not there");
}

mx_array *mx_decoder_graph_product(const mx_weight *w, mx_array *x) {
    return plain_product(w, x);
}

static mx_array *dropped(const mx_weight *w, mx_array *x) {
    mx_array *rest = mx_scalar(1 - (double)w->dropout, MX_FLOAT32);
    mx_array *kept = x ? mx_random_bernoulli(rest, x->shape, x->ndim, w->drop) : NULL;
    return mx_where(kept, mx_div(x, rest), mx_zero_like(x));
}

static mx_array *change_of(const mx_weight *w, mx_array *x) {
    mx_array *low = mx_matmul(w->drop ? dropped(w, x) : x, mx_transpose(w->down));
    return mx_mul_s(mx_matmul(low, mx_transpose(w->up)), w->change);
}

mx_array *dec_product(const mx_weight *w, mx_array *x) {
    mx_array *y = plain_product(w, x);
    if (w->down)
        y = mx_add(y, change_of(w, x));
    if (w->gain)
        y = mx_mul(y, w->gain);
    return w->bias ? mx_add(y, w->bias) : y;
}

static mx_array *picked_blocks(const mx_weight *w, mx_array *x, mx_array *which) {
    mx_p_block_matmul p = {.type = w->block->id, .transpose = true, .whole = true};
    int rows = which->shape[0], each = x->shape[1];
    mx_array *lhs =
        mx_reshape(mx_arange(0, (double)rows * each, 1, MX_UINT32), (const int[]){rows, each}, 2);
    mx_array *index[2] = {lhs, which};
    if (!mx_broadcast_arrays(index, 2, index))
        return NULL;
    return mx_apply(MX_PRIM_gather_block_matmul, &p,
                    (mx_array *[]){x, w->words, index[0], index[1]}, 4);
}

static mx_array *picked_plain(const mx_weight *w, mx_array *x, mx_array *which) {
    if (w->kind == MX_WEIGHT_BLOCKS)
        return picked_blocks(w, x, which);
    if (w->kind == MX_WEIGHT_DENSE)
        return mx_gather_mm(x, mx_swapaxes(wide(w->words), -1, -2), NULL, which, false);
    return mx_gather_qmm(x, w->words, w->scales, w->biases, NULL, which, true, dec_format_of(w),
                         false);
}

static mx_array *picked_change(const mx_weight *w, mx_array *x, mx_array *which) {
    mx_array *down = mx_swapaxes(w->down, -1, -2), *up = mx_swapaxes(w->up, -1, -2);
    mx_array *low = mx_gather_mm(w->drop ? dropped(w, x) : x, down, NULL, which, false);
    return mx_mul_s(mx_gather_mm(low, up, NULL, which, false), w->change);
}

mx_array *dec_picked_product(const mx_weight *w, mx_array *x, mx_array *which) {
    if (!x || !which)
        return NULL;
    mx_array *y = dec_scaled(w, wide(picked_plain(w, x, which)));
    if (w->down)
        y = mx_add(y, picked_change(w, x, which));
    return w->bias ? mx_add(y, mx_expand_dim(mx_take(w->bias, which, 0), 2)) : y;
}

/* --- norms and activations ------------------------------------------------------------------- */

mx_array *dec_normed(const mx_norm *n, mx_array *x) {
    if (n->kind == MX_NORM_NONE)
        return x;
    if (n->kind == MX_NORM_RMS)
        return mx_rms_norm(x, n->weight, n->eps);
    return mx_layer_norm(x, n->weight, n->bias, n->eps);
}

static mx_array *gelu(mx_array *x) {
    return mx_mul(mx_mul_s(x, 0.5), mx_add_s(mx_erf(mx_mul_s(x, 0.70710678118654752440)), 1));
}

/* Hendrycks and Gimpel 2016. */
static mx_array *gelu_tanh(mx_array *x) {
    mx_array *cubic = mx_add(x, mx_mul_s(mx_mul(x, mx_square(x)), 0.044715));
    return mx_mul(mx_mul_s(x, 0.5), mx_add_s(mx_tanh(mx_mul_s(cubic, 0.79788456080286535588)), 1));
}

static mx_array *simple_act(mx_activation act, mx_array *x) {
    switch (act) {
    case MX_ACT_SILU: return mx_mul(x, mx_sigmoid(x));
    case MX_ACT_GELU: return gelu(x);
    case MX_ACT_GELU_TANH: return gelu_tanh(x);
    case MX_ACT_RELU: return mx_maximum(x, mx_zero_like(x));
    case MX_ACT_RELU2: return mx_square(mx_maximum(x, mx_zero_like(x)));
    case MX_ACT_CLAMPED_SWIGLU: break;
    }
    return mx_fail(MX_INTERNAL, "[model] a clamped activation without a gate");
}

/* The model card of gpt-oss. */
static mx_array *clamped(mx_array *gate, mx_array *up) {
    gate = mx_minimum(gate, mx_scalar_like(gate, 7));
    up = mx_clip(up, mx_scalar_like(up, -7), mx_scalar_like(up, 7));
    return mx_mul(mx_mul(gate, mx_sigmoid(mx_mul_s(gate, 1.702))), mx_add_s(up, 1));
}

mx_array *dec_act(mx_activation act, mx_array *gate, mx_array *up) {
    if (gate && act == MX_ACT_CLAMPED_SWIGLU)
        return clamped(gate, up);
    return gate ? mx_mul(simple_act(act, gate), up) : simple_act(act, up);
}
