/* Matrices, norms and vectors of a model's tensors: see build.h. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "graph/eval/eval.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

static const char op[] = "model";

/* --- what is kept ---------------------------------------------------------------------------- */

mx_array *mx_decoder_keep(mx_decoder *d, mx_array *a) {
    dec_held *h = d->held;
    if (!a || !mx_grow(&h->array, &h->array_room, h->arrays + 1, sizeof *h->array))
        return NULL;
    return h->array[h->arrays++] = mx_array_retain(a);
}

mx_array *dec_keep(dec_build *b, mx_array *a) {
    return mx_decoder_keep(b->d, a);
}

void *dec_keep_block(dec_build *b, void *p) {
    dec_held *h = b->held;
    if (p && mx_grow(&h->block, &h->block_room, h->blocks + 1, sizeof *h->block))
        return h->block[h->blocks++] = p;
    mx_free(p);
    return NULL;
}

mx_array *dec_settle(dec_build *b, mx_array *a) {
    mx_array *rows = b->sketch ? NULL : mx_contiguous(a, false);
    if (b->sketch)
        return dec_keep(b, a);
    return rows && mx_eval1(rows) ? dec_keep(b, rows) : NULL;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void add_size(dec_build *b, const mx_weight *w) {
    const mx_array *const part[] = {w->words, w->scales, w->biases, w->bias};
    uint64_t n = (uint64_t)w->out * (uint64_t)w->in;
    b->d->parameters += w->experts ? n * (uint64_t)w->experts : n;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (part[i])
            b->d->bytes += (uint64_t)part[i]->size * mx_itemsize(part[i]);
}

/* The arrays of a piece, kept. */
static bool keep_parts(dec_build *b, mx_weight *w) {
    mx_array **part[] = {&w->words, &w->scales, &w->biases};
    for (int i = 0; i < 3; i++)
        if (*part[i] && !(*part[i] = dec_settle(b, *part[i])))
            return false;
    return true;
}

bool dec_matrix(dec_build *b, const char *module, int layer, mx_weight *out) {
    mx_scope scope = mx_scope_open();
    bool ok = !mx_failed() && dec_piece(b, module, layer, out) && keep_parts(b, out);
    mx_scope_close(scope);
    if (!ok || out->kind == MX_WEIGHT_NONE)
        return ok;
    out->row = dec_row_of(b, module);
    if (!dec_vector(b, module, layer, "bias", &out->bias))
        return false;
    add_size(b, out);
    return true;
}

bool dec_need(dec_build *b, const mx_weight *w, const char *module, int layer) {
    return w->kind != MX_WEIGHT_NONE || mx_failed()
               ? !mx_failed()
               : mx_fail(MX_FORMAT, "[%s] '%s': the matrix %s of layer %d is missing", op, b->name,
                         module, layer) != NULL;
}

bool dec_need_bias(dec_build *b, const char *key, const mx_weight *w, const char *module,
                   int layer) {
    if (mx_failed() || b->model.is_gguf || w->bias || w->kind == MX_WEIGHT_NONE ||
        !json_is_true(dec_at(b, key)))
        return !mx_failed();
    b->refused = true;
    return mx_fail(MX_FORMAT, "[%s] '%s': %s is true, and the bias of %s of layer %d is missing",
                   op, b->name, key, module, layer);
}

/* Numbers of a tensor in float32. */
static mx_array *values_of(dec_build *b, const mx_model_tensor *t) {
    mx_parts p;
    bool plain_ones = mx_elements_are_plain(&t->held);
    if (!mx_model_read(&b->model, t, false, &p))
        return NULL;
    return mx_astype(plain_ones || t->held.block ? p.part[0] : mx_elements_values(&t->held, p),
                     MX_FLOAT32);
}

bool dec_vector(dec_build *b, const char *module, int layer, const char *part, mx_array **out) {
    const mx_model_tensor *t = dec_tensor_of(b, module, layer, -1, part);
    *out = NULL;
    if (!t || mx_failed())
        return !mx_failed();
    mx_scope scope = mx_scope_open();
    *out = dec_settle(b, values_of(b, t));
    mx_scope_close(scope);
    return *out != NULL;
}

/* --- norms ----------------------------------------------------------------------------------- */

/* GGUF has 1 + w already. */
static mx_array *add_one(dec_build *b, mx_array *w) {
    if (!w || !b->d->family->adds_one || b->model.is_gguf || b->ones_added)
        return w;
    mx_scope scope = mx_scope_open();
    w = dec_settle(b, mx_add_s(w, 1));
    mx_scope_close(scope);
    return w;
}

bool dec_norm(dec_build *b, const char *module, int layer, mx_norm_kind kind, mx_norm *out) {
    *out = (mx_norm){0};
    if (!dec_vector(b, module, layer, "weight", &out->weight) ||
        !dec_vector(b, module, layer, "bias", &out->bias))
        return false;
    if (!out->weight && !out->bias)
        return true;
    out->kind = kind;
    out->row = dec_row_of(b, module);
    const char *usual = kind == MX_NORM_LAYER ? "layer_norm_eps" : "rms_norm_eps";
    const char *key = b->trait->eps ? b->trait->eps : usual;
    out->eps = (float)dec_number(b, key, 1e-6);
    out->weight = add_one(b, out->weight);
    if (!(out->eps >= 0))
        return dec_refuse(b, key, "a number of 0 or more was expected");
    return !mx_failed();
}

/* --- views ----------------------------------------------------------------------------------- */

static bool rows_of(dec_build *b, mx_array *a, int axis, int64_t first, int64_t count,
                    mx_array **out) {
    if (a && !(*out = dec_settle(b, mx_slice_axis(a, axis, (int)first, (int)(first + count)))))
        return false;
    return true;
}

bool dec_rows(dec_build *b, const mx_weight *w, int64_t first, int64_t count, mx_weight *out) {
    int axis = w->experts ? 1 : 0;
    *out = *w;
    if (w->kind == MX_WEIGHT_NONE)
        return true;
    out->out = count;
    out->first += first;
    mx_scope scope = mx_scope_open();
    bool ok = rows_of(b, w->words, axis, first, count, &out->words) &&
              rows_of(b, w->scales, axis, first, count, &out->scales) &&
              rows_of(b, w->biases, axis, first, count, &out->biases) &&
              rows_of(b, w->bias, axis, first, count, &out->bias);
    mx_scope_close(scope);
    return ok;
}

/* --- copies ---------------------------------------------------------------------------------- */

static bool picked(dec_build *b, mx_array *a, mx_array *which, int axis, mx_array **out) {
    return !a || (*out = dec_settle(b, mx_take(a, which, axis)));
}

bool dec_pick_rows(dec_build *b, const mx_weight *w, const int *rows, int n, mx_weight *out) {
    int axis = w->experts ? 1 : 0;
    mx_scope scope = mx_scope_open();
    mx_array *which = mx_array_from(rows, &n, 1, MX_INT32);
    mx_weight all = *w;
    *out = all;
    out->out = n;
    out->row = NULL;
    bool ok = which && picked(b, all.words, which, axis, &out->words) &&
              picked(b, all.scales, which, axis, &out->scales) &&
              picked(b, all.biases, which, axis, &out->biases) &&
              picked(b, all.bias, which, axis, &out->bias);
    mx_scope_close(scope);
    return ok;
}

static bool both(dec_build *b, mx_array *x, mx_array *y, mx_array **out) {
    return !x || (*out = dec_settle(b, mx_concatenate((mx_array *[]){x, y}, 2, 0)));
}

bool dec_join_rows(dec_build *b, const mx_weight *x, const mx_weight *y, mx_weight *out) {
    if (x->kind != y->kind || x->block != y->block || x->mode != y->mode || x->bits != y->bits ||
        x->group != y->group || x->in != y->in || x->words->dtype != y->words->dtype)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': attn_qkv and attn_gate are held differently", op,
                       b->name);
    *out = *x;
    out->out = x->out + y->out;
    out->row = NULL;
    mx_scope scope = mx_scope_open();
    bool ok = both(b, x->words, y->words, &out->words) &&
              both(b, x->scales, y->scales, &out->scales) &&
              both(b, x->biases, y->biases, &out->biases);
    mx_scope_close(scope);
    return ok;
}

/* --- what has no part ------------------------------------------------------------------------ */

static const mx_model_tensor *bare_tensor(const dec_build *b, const char *module, int layer) {
    static const char *const parts[] = {"", "weight", "bias"};
    const mx_model_tensor *t = NULL;
    for (int i = 0; !t && i < 3; i++)
        t = dec_tensor_of(b, module, layer, -1, parts[i]);
    return t;
}

bool dec_bare(dec_build *b, const char *module, int layer, mx_array **out) {
    const mx_model_tensor *t = bare_tensor(b, module, layer);
    *out = NULL;
    if (!t || mx_failed())
        return !mx_failed();
    mx_scope scope = mx_scope_open();
    *out = dec_settle(b, values_of(b, t));
    mx_scope_close(scope);
    return *out != NULL;
}

mx_array *dec_raw(dec_build *b, const char *module, int layer) {
    const mx_model_tensor *t = bare_tensor(b, module, layer);
    mx_parts p;
    return t && !mx_failed() && mx_model_read(&b->model, t, true, &p) ? p.part[0] : NULL;
}

static bool of_array(dec_build *b, mx_array *a, mx_weight *out) {
    if (!a || !(out->words = dec_settle(b, a)) || a->ndim < 2)
        return false;
    out->experts = a->ndim == 3 ? a->shape[0] : 0;
    out->out = a->shape[a->ndim - 2];
    out->in = a->shape[a->ndim - 1];
    return true;
}

bool dec_dense(dec_build *b, mx_array *a, mx_weight *out) {
    *out = (mx_weight){.kind = MX_WEIGHT_DENSE};
    if (!of_array(b, a, out))
        return false;
    add_size(b, out);
    return true;
}

bool dec_words(dec_build *b, mx_array *words, mx_array *scales, mx_array *biases, mx_quant_format f,
               mx_weight *out) {
    *out = (mx_weight){.kind = MX_WEIGHT_AFFINE, .mode = f.mode};
    out->bits = f.bits;
    out->group = f.group;
    if (!of_array(b, words, out) || !(out->scales = dec_settle(b, scales)) ||
        (biases && !(out->biases = dec_settle(b, biases))))
        return false;
    out->in = out->in * 32 / f.bits;
    add_size(b, out);
    return true;
}
