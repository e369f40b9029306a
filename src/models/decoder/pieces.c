/* Matrices and stacks as tensors have them: see build.h. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/convert/packed/packed.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

static const char op[] = "model";

/* --- one tensor ------------------------------------------------------------------------------ */

static bool fail_elements(const dec_build *b, const mx_model_tensor *t) {
    return mx_fail(MX_UNSUPPORTED, "[%s] '%s': '%.200s' holds %s, which no product takes", op,
                   b->name, t->name, t->held.storage ? t->held.storage : "words");
}

/* kind, mode and bits. */
static bool set_kind(const dec_build *b, const mx_model_tensor *t, mx_weight *w) {
    if (t->held.block) {
        w->kind = MX_WEIGHT_BLOCKS;
        w->block = t->held.block;
        return true;
    }
    if (mx_elements_are_words(&t->held)) {
        w->kind = MX_WEIGHT_AFFINE;
        w->mode = t->held.quant.mode;
        w->bits = t->held.quant.bits;
        w->group = t->held.quant.group;
        return true;
    }
    w->kind = MX_WEIGHT_DENSE;
    return mx_dtype_is_float(t->held.dtype) || fail_elements(b, t);
}

/* Columns lie as rows. */
static bool turns(const dec_build *b, const mx_model_tensor *t) {
    return (t->place.row->flags & MX_ROW_TURNED) && !b->model.is_gguf;
}

static bool set_sizes(const dec_build *b, const mx_model_tensor *t, mx_weight *w) {
    const mx_shape *s = &t->shape;
    if (s->ndim != 2 && s->ndim != 3)
        return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' has %d dimensions, a matrix was expected",
                       op, b->name, t->name, s->ndim);
    w->experts = s->ndim == 3 ? s->dim[0] : 0;
    w->out = s->dim[s->ndim - 2];
    w->in = s->dim[s->ndim - 1];
    if (turns(b, t)) {
        w->in = w->out;
        w->out = s->dim[s->ndim - 1];
    }
    return true;
}

/* 64-bit floats become float32: no product takes them. */
static mx_array *plain(mx_array *a) {
    return a && a->dtype == MX_FLOAT64 ? mx_astype(a, MX_FLOAT32) : a;
}

/* Blocks and words as they lie. */
static bool read_parts(dec_build *b, const mx_model_tensor *t, mx_weight *w) {
    mx_parts p;
    if (!mx_model_read(&b->model, t, t->held.block != NULL, &p))
        return false;
    w->words = plain(p.part[0]);
    if (turns(b, t))
        w->words = mx_transpose(w->words);
    w->scales = p.part[1];
    w->biases = p.part[2];
    return w->words != NULL;
}

/* What others than MLX and GGUF have packed. */
static bool read_packed(dec_build *b, const mx_model_tensor *t, mx_weight *w) {
    mx_packed p;
    if (!mx_packed_read(&b->model, t, &p))
        return false;
    bool words = mx_elements_are_words(&p.held);
    mx_quant_format f = p.held.quant;
    const mx_array *a = p.parts.part[0];
    *w = (mx_weight){.kind = words ? MX_WEIGHT_AFFINE : MX_WEIGHT_DENSE, .factor = p.factor};
    if (words) {
        w->mode = f.mode;
        w->bits = f.bits;
        w->group = f.group;
    }
    w->repacked = true;
    w->out = a->shape[0];
    w->in = words ? (int64_t)a->shape[1] * 32 / f.bits : a->shape[1];
    w->words = p.parts.part[0];
    w->scales = p.parts.part[1];
    w->biases = p.parts.part[2];
    return true;
}

static bool piece_at(dec_build *b, const dec_place *p, mx_weight *out) {
    const mx_model_tensor *t = dec_tensor_of(b, p->module, p->layer, p->expert, "weight");
    *out = (mx_weight){0};
    if (t && t->packing)
        return read_packed(b, t, out);
    return !t || (set_kind(b, t, out) && set_sizes(b, t, out) && read_parts(b, t, out));
}

/* --- stacks of what lies apart --------------------------------------------------------------- */

static bool same_kind(const mx_weight *a, const mx_weight *w) {
    return a->kind == w->kind && a->mode == w->mode && a->block == w->block && a->bits == w->bits &&
           a->group == w->group && a->out == w->out && a->in == w->in && a->factor == w->factor &&
           !w->experts && !a->experts && a->words->dtype == w->words->dtype;
}

static bool fail_expert(const dec_build *b, const dec_place *p, const char *what) {
    return mx_fail(MX_FORMAT, "[%s] '%s': %s of expert %d in layer %d %s", op, b->name, p->module,
                   p->expert, p->layer, what);
}

static bool all_experts(dec_build *b, const char *module, int layer, int n, mx_weight *each) {
    for (int e = 0; e < n; e++) {
        dec_place p = {module, layer, e};
        if (!piece_at(b, &p, &each[e]))
            return false;
        if (each[e].kind == MX_WEIGHT_NONE)
            return fail_expert(b, &p, "is missing");
        if (!same_kind(&each[0], &each[e]))
            return fail_expert(b, &p, "is of another kind than the first");
    }
    return true;
}

/* One array of a part of all of them, (experts, ...). */
static mx_array *stack_of(const mx_weight *each, int n, size_t offset) {
    mx_array **list = mx_calloc((size_t)n, sizeof *list), *all = NULL;
    for (int e = 0; list && e < n; e++)
        list[e] = *(mx_array *const *)(const void *)((const char *)&each[e] + offset);
    if (list && list[0])
        all = mx_stack(list, n, 0);
    mx_free(list);
    return all;
}

static bool stacked(dec_build *b, const char *module, int layer, mx_weight *out) {
    int n = (int)dec_dim(b, 'e');
    mx_weight *each = mx_calloc((size_t)n, sizeof *each);
    bool ok = each && all_experts(b, module, layer, n, each);
    if (ok) {
        *out = each[0];
        out->experts = n;
        out->words = stack_of(each, n, offsetof(mx_weight, words));
        out->scales = stack_of(each, n, offsetof(mx_weight, scales));
        out->biases = stack_of(each, n, offsetof(mx_weight, biases));
    }
    mx_free(each);
    return ok && !mx_failed();
}

bool dec_piece(dec_build *b, const char *module, int layer, mx_weight *out) {
    const mx_tensor_row *r = dec_row_of(b, module);
    dec_place p = {module, layer, -1};
    mx_weight first;
    if (!piece_at(b, &p, out))
        return false;
    if (out->kind != MX_WEIGHT_NONE || !r || !mx_row_has_experts(r, MX_NAMED_HF) ||
        dec_dim(b, 'e') <= 0)
        return true;
    p.expert = 0;
    return piece_at(b, &p, &first) &&
           (first.kind == MX_WEIGHT_NONE || stacked(b, module, layer, out));
}
