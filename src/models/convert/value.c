/* The arrays of an output: see convert.h.
 *
 *     stored arrays ─▶ stack, slice ─▶ rows of heads ─▶ the same numbers packed otherwise,
 *                                                       or numbers ─▶ 1 + w ─▶ new elements
 *
 * GGUF's llama rotates neighbours, (x0, x1), (x2, x3) ..., where the others rotate the two halves
 * of a head, (x0, xn), (x1, xn+1) ...: rows i and n + i of a head are rows 2 i and 2 i + 1 there.
 * Moving rows is the same for plain elements, blocks and words.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/eval/eval.h"
#include "models/convert/convert.h"
#include "models/convert/fused.h"
#include "ops/ops.h"

static const char op[] = "convert";

/* --- what changes between the conventions ---------------------------------------------------- */

/* 1: to GGUF; -1: from it; 0: neither. */
static int direction(const mx_conversion *p) {
    return (p->choice->naming == MX_NAMED_GGUF) - p->model->is_gguf;
}

static int64_t rotated_heads(const mx_conversion *p, const mx_output *o) {
    const mx_tensor_row *r = o->place.row;
    if (!r || !p->model->family->interleaves || !direction(p))
        return 0;
    return r->flags & MX_ROW_QUERY ? mx_dim(&p->model->dims, 'a')
           : r->flags & MX_ROW_KEY ? mx_dim(&p->model->dims, 'k')
                                   : 0;
}

/* What is added: 1, -1 or 0. */
static int addend(const mx_conversion *p, const mx_output *o) {
    const mx_tensor_row *r = o->place.row;
    bool norm = r && p->model->family->adds_one && (r->flags & MX_ROW_NORM);
    return norm && strcmp(o->part, "weight") == 0 ? direction(p) : 0;
}

bool mx_output_is_turned(const mx_conversion *p, const mx_output *o) {
    const mx_tensor_row *r = o->place.row;
    bool bias = o->part && strcmp(o->part, "bias") == 0;
    return r && direction(p) && !bias && !o->fused &&
           ((r->flags & (MX_ROW_TURNED | MX_ROW_NEG_EXP)) || strchr(r->shape, '|'));
}

/* Numbers as the output has them. */
static mx_array *turned(const mx_conversion *p, const mx_output *o, mx_array *v) {
    unsigned flags = o->place.row->flags;
    if (flags & MX_ROW_TURNED)
        return mx_transpose(v);
    if ((flags & MX_ROW_NEG_EXP) && direction(p) > 0)
        v = mx_negative(mx_exp(mx_astype(v, MX_FLOAT32)));
    else if (flags & MX_ROW_NEG_EXP)
        v = mx_log(mx_negative(mx_astype(v, MX_FLOAT32)));
    return mx_reshape(v, o->shape.dim, o->shape.ndim);
}

/* --- rows ------------------------------------------------------------------------------------ */

static mx_array *rotate(mx_array *a, int64_t heads, bool to_gguf) {
    int64_t half = heads && a ? a->shape[0] / heads / 2 : 0;
    if (!half || half * heads * 2 != a->shape[0])
        return a ? mx_fail(MX_FORMAT, "[%s] %d rows are not %d heads of two halves", op,
                           a->shape[0], (int)heads)
                 : NULL;
    int columns = (int)(a->size / a->shape[0]);
    int shape[] = {(int)heads, to_gguf ? 2 : (int)half, to_gguf ? (int)half : 2, columns};
    return mx_reshape(mx_swapaxes(mx_reshape(a, shape, 4), 1, 2), a->shape, a->ndim);
}

static mx_array *slice(mx_array *a, int i) {
    if (!a || a->ndim < 1 || i >= a->shape[0])
        return a ? mx_fail(MX_FORMAT, "[%s] a stack has no expert %d", op, i) : NULL;
    return mx_reshape(mx_slice_axis(a, 0, i, i + 1), a->shape + 1, a->ndim - 1);
}

/* Elements that stay are read as they lie: 8-bit floats too. */
static bool stored(const mx_output *o) {
    return !mx_elements_are_plain(&o->held) || mx_elements_same(&o->held, &o->made);
}

static bool stack(const mx_conversion *p, const mx_output *o, mx_parts *out) {
    mx_parts *each = mx_calloc(o->stack, sizeof *each);
    mx_array **list = mx_calloc(o->stack, sizeof *list);
    bool ok = each && list;
    for (size_t i = 0; ok && i < o->stack; i++)
        ok = mx_model_read(p->model, &p->model->tensor[o->from[i]], stored(o), &each[i]);
    for (int k = 0; ok && k < 3; k++) {
        for (size_t i = 0; i < o->stack; i++)
            list[i] = each[i].part[k];
        out->part[k] = list[0] ? mx_stack(list, (int)o->stack, 0) : NULL;
        ok = !list[0] || out->part[k];
    }
    mx_free(each);
    mx_free(list);
    return ok;
}

static mx_place place_of(const mx_output *o) {
    mx_place place = o->place;
    place.part = o->part;
    return place;
}

static bool is_changed(const mx_conversion *p, const mx_output *o) {
    const mx_convert_options *c = p->choice->o;
    mx_place place = place_of(o);
    return c->changes && place.row && place.part && o->stack && !o->fused &&
           c->changes(c->changer, &place);
}

/* Other numbers, as plain elements; or other scales. */
static bool change(const mx_conversion *p, const mx_output *o, mx_parts *parts) {
    const mx_convert_options *c = p->choice->o;
    mx_place place = place_of(o);
    if (c->rescale)
        return c->rescale(c->changer, &place, parts);
    mx_array *v =
        mx_elements_are_plain(&o->held) ? parts->part[0] : mx_elements_values(&o->held, *parts);
    *parts = (mx_parts){{c->change(c->changer, &place, mx_astype(v, MX_FLOAT32))}};
    return parts->part[0] != NULL;
}

/* changes: with those numbers that the options change. */
static bool gathered(const mx_conversion *p, const mx_output *o, bool changes, mx_parts *out) {
    int64_t heads = rotated_heads(p, o);
    *out = (mx_parts){{NULL}};
    if (o->fused)
        return mx_fused_read(p, o, out);
    bool ok = o->stack > 1 || o->shape.ndim > p->model->tensor[o->from[0]].shape.ndim
                  ? stack(p, o, out)
                  : mx_model_read(p->model, &p->model->tensor[o->from[0]], stored(o), out);
    for (int k = 0; ok && o->slice >= 0 && k < 3; k++)
        if (out->part[k] && !(out->part[k] = slice(out->part[k], o->slice)))
            ok = false;
    ok = ok && (!changes || !is_changed(p, o) || change(p, o, out));
    for (int k = 0; ok && k < 3; k++) {
        if (heads && out->part[k])
            out->part[k] = rotate(out->part[k], heads, direction(p) > 0);
        ok = !mx_failed();
    }
    return ok;
}

/* --- numbers --------------------------------------------------------------------------------- */

static bool can_repack(const mx_output *o) {
    mx_elements e;
    if (o->held.block)
        return mx_repack_words_of(o->held.block, &e) && mx_elements_same(&e, &o->made);
    return mx_elements_are_words(&o->held) && o->made.block &&
           mx_repack_words_of(o->made.block, &e) && e.quant.mode == o->held.quant.mode &&
           e.quant.bits == o->held.quant.bits;
}

static mx_array *numbers(const mx_conversion *p, const mx_output *o, mx_parts in, int add) {
    mx_array *v = mx_elements_are_plain(&o->held) ? in.part[0] : mx_elements_values(&o->held, in);
    bool wide = add || (v && mx_dtype_size(mx_dtype_of(v)) > 4 && !mx_elements_are_plain(&o->made));
    v = wide ? mx_astype(v, MX_FLOAT32) : v;
    if (v && mx_output_is_turned(p, o))
        v = turned(p, o, v);
    return add ? mx_add_s(v, add) : v;
}

/* Words whose numbers are exactly those of blocks, as choose.c found, are packed again; where a
   mode was asked for they are numbers. */
static bool changed(const mx_conversion *p, const mx_output *o, mx_parts in, int add,
                    mx_parts *out) {
    mx_elements exact = {0};
    bool stays = !add && !mx_output_is_turned(p, o);
    if (stays && o->held.block && can_repack(o))
        return mx_repack(&o->held, &o->made, in, out);
    if (stays && can_repack(o) && mx_repack_blocks_of(&o->held, in, &exact) &&
        mx_elements_same(&exact, &o->made))
        return mx_repack(&o->held, &o->made, in, out);
    return !mx_failed() && mx_elements_make(&o->made, numbers(p, o, in, add), out);
}

/* --- rope ------------------------------------------------------------------------------------ */

static bool are_near(mx_array *a, mx_array *b) {
    if (a->ndim != 1 || b->ndim != 1 || a->size != b->size || mx_dtype_of(b) != MX_FLOAT32 ||
        !mx_eval1(a) || !mx_eval1(b))
        return false;
    const float *x = (const float *)(const void *)a->data,
                *y = (const float *)(const void *)b->data;
    for (int64_t i = 0; i < a->size; i++)
        if (!(fabsf(x[i] - y[i]) <= 1e-3f * fabsf(x[i])))
            return false;
    return true;
}

/* The factors as the GGUF file had them, from which they differ by roundings. */
static bool rope(const mx_conversion *p, const mx_output *o, mx_parts *out) {
    const mx_model *m = p->model;
    char name[64];
    mx_array *a = mx_rope_tensor(m->folder, m->config, &m->dims, o->place.row->gguf);
    snprintf(name, sizeof name, "%s.weight", o->place.row->gguf);
    int64_t i = m->side ? mx_archive_find(m->side, name) : -1;
    mx_array *kept = i < 0 ? NULL : mx_archive_read(m->side, (size_t)i, false);
    *out = (mx_parts){{a && kept && are_near(a, kept) ? kept : a}};
    return a && !mx_failed();
}

/* Tells whoever asks what became of changed numbers, that rounding may have undone. */
static bool measure(const mx_conversion *p, const mx_output *o, const mx_output *wanted,
                    mx_parts in, int add, const mx_parts *made) {
    const mx_convert_options *c = p->choice->o;
    bool exact = mx_elements_are_plain(&o->made) && o->made.dtype == MX_FLOAT32;
    mx_parts before;
    if (!c->measure || exact)
        return true;
    if (!gathered(p, o, false, &before))
        return false;
    mx_array *is =
        mx_elements_are_plain(&o->made) ? made->part[0] : mx_elements_values(&o->made, *made);
    return c->measure(c->changer, mx_astype(numbers(p, o, before, add), MX_FLOAT32),
                      numbers(p, wanted, in, add), mx_astype(is, MX_FLOAT32));
}

bool mx_output_parts(const mx_conversion *p, const mx_output *o, mx_parts *out) {
    mx_parts in;
    int add = o->stack ? addend(p, o) : 0;
    if (!o->stack)
        return rope(p, o, out);
    if (!gathered(p, o, true, &in))
        return false;
    if (is_changed(p, o) && !p->choice->o->rescale) {
        mx_output numbers = *o;
        numbers.held = mx_elements_plain(MX_FLOAT32);
        return changed(p, &numbers, in, add, out) && measure(p, o, &numbers, in, add, out);
    }
    if (!add && mx_elements_same(&o->held, &o->made) && !mx_output_is_turned(p, o)) {
        *out = in;
        return true;
    }
    return changed(p, o, in, add, out);
}

bool mx_output_has_rows(const mx_conversion *p, const mx_output *o) {
    const mx_model_tensor *t = o->stack == 1 ? &p->model->tensor[o->from[0]] : NULL;
    return t && o->slice < 0 && !o->fused && !mx_output_is_turned(p, o) &&
           o->shape.ndim == t->shape.ndim && !rotated_heads(p, o) && !is_changed(p, o) &&
           mx_model_has_rows(p->model, t);
}

bool mx_output_rows(const mx_conversion *p, const mx_output *o, int first, int last,
                    mx_parts *out) {
    const mx_model_tensor *t = &p->model->tensor[o->from[0]];
    mx_parts in;
    int add = addend(p, o);
    if (!mx_model_read_rows(p->model, t, stored(o), first, last, &in))
        return false;
    if (add || !mx_elements_same(&o->held, &o->made))
        return changed(p, o, in, add, out);
    *out = in;
    return true;
}

bool mx_output_is_copy(const mx_conversion *p, const mx_output *o) {
    const mx_model_tensor *t = o->stack == 1 ? &p->model->tensor[o->from[0]] : NULL;
    return t && o->slice < 0 && !o->fused && !t->packing && !mx_output_is_turned(p, o) &&
           o->shape.ndim == t->shape.ndim && !rotated_heads(p, o) && !addend(p, o) &&
           !is_changed(p, o) && mx_elements_same(&o->held, &o->made);
}

/* --- as a writer has it ---------------------------------------------------------------------- */

int mx_output_part_count(const mx_output *o) {
    return !mx_elements_are_words(&o->made) ? 1 : o->made.quant.mode == MX_AFFINE ? 3 : 2;
}

static void words_part(const mx_elements *e, int i, mx_output_part *out) {
    int *last = &out->shape.dim[out->shape.ndim - 1];
    *last = i ? *last / e->quant.group : (int)((int64_t)*last * e->quant.bits / 32);
    out->storage = i ? mx_dtype_name(e->dtype) : "uint32";
}

bool mx_output_part_of(const mx_conversion *p, const mx_output *o, int i, mx_output_part *out) {
    static const char *const names[] = {"weight", "scales", "biases"};
    const mx_elements *e = &o->made;
    *out = (mx_output_part){.storage = e->storage, .shape = o->shape};
    const char *part = o->part;
    if (mx_elements_are_words(e)) {
        words_part(e, i, out);
        part = names[i];
    } else if (e->block && p->choice->naming != MX_NAMED_GGUF) {
        int *last = &out->shape.dim[o->shape.ndim - 1];
        *last = *last / e->block->items * e->block->bytes;
        out->storage = "uint8";
    }
    mx_text t = {0};
    mx_text_add(&t, part ? "%s.%s" : "%s", o->name, part);
    out->name = mx_text_take(&t);
    return out->name != NULL;
}
