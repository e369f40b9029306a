/* gpt-oss: what Hugging Face has in one tensor, and GGUF in two, or turned.
 *
 *     ..._proj           (e, in, out)          numbers: rows are columns in GGUF
 *     ..._proj_bias      (e, out)
 *     ..._proj_blocks    (e, out, n, 16)       mxfp4: codes of n groups of 32, two a byte
 *     ..._proj_scales    (e, out, n)           and their exponents
 *
 * Of gate_up_proj rows of gate and up take turns along `out`.
 */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/convert/fused.h"
#include "ops/ops.h"

#define OF(name) "model.layers.{n}.mlp.experts." name
#define GATE_UP  {"blk.{n}.ffn_gate_exps", "blk.{n}.ffn_up_exps"}
#define DOWN     {"blk.{n}.ffn_down_exps", NULL}

static const mx_fused rows[] = {
    {OF("gate_up_proj"), GATE_UP, "weight", MX_FUSED_NUMBERS, NULL},
    {OF("gate_up_proj_bias"), GATE_UP, "bias", MX_FUSED_BIASES, NULL},
    {OF("gate_up_proj_blocks"), GATE_UP, "weight", MX_FUSED_BLOCKS, OF("gate_up_proj_scales")},
    {OF("gate_up_proj_scales"), {NULL}, NULL, MX_FUSED_SCALES, NULL},
    {OF("down_proj"), DOWN, "weight", MX_FUSED_NUMBERS, NULL},
    {OF("down_proj_bias"), DOWN, "bias", MX_FUSED_BIASES, NULL},
    {OF("down_proj_blocks"), DOWN, "weight", MX_FUSED_BLOCKS, OF("down_proj_scales")},
    {OF("down_proj_scales"), {NULL}, NULL, MX_FUSED_SCALES, NULL},
};

const mx_fused *mx_fused_of(const mx_tensor_row *r) {
    for (size_t i = 0; !r->gguf && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].hf, r->hf) == 0)
            return &rows[i];
    return NULL;
}

const mx_tensor_row *mx_fused_row(const mx_family *f, const char *name) {
    const mx_tensor_row *r;
    for (size_t i = 0; (r = mx_family_row(f, i)); i++)
        if (strcmp(r->gguf ? r->gguf : r->hf, name) == 0)
            return r;
    return NULL;
}

/* --- shapes ---------------------------------------------------------------------------------- */

static int parts_of(const mx_fused *f) {
    return f->gguf[1] ? 2 : 1;
}

bool mx_fused_shape(const mx_fused *f, const mx_shape *from, mx_shape *to) {
    const int *d = from->dim, n = parts_of(f);
    int axes = f->kind == MX_FUSED_BIASES ? 2 : f->kind == MX_FUSED_NUMBERS ? 3 : 4;
    if (from->ndim != axes || d[f->kind == MX_FUSED_NUMBERS ? 2 : 1] % n ||
        (f->kind == MX_FUSED_BLOCKS && (d[3] != 16 || d[2] > INT32_MAX / 32)))
        return false;
    *to = (mx_shape){.ndim = 3, .dim = {d[0], d[1] / n}};
    if (f->kind == MX_FUSED_NUMBERS) {
        to->dim[1] = d[2] / n;
        to->dim[2] = d[1];
    } else if (f->kind == MX_FUSED_BLOCKS) {
        to->dim[2] = d[2] * 32;
    } else {
        to->ndim = 2;
    }
    return true;
}

/* --- arrays ---------------------------------------------------------------------------------- */

/* Each so many-th along an axis, from `at` on. */
static mx_array *each(mx_array *a, int axis, int n, int at) {
    int shape[MX_MAX_NDIM + 1], k = 0;
    for (int i = 0; a && i < a->ndim; i++) {
        shape[k++] = i == axis ? a->shape[i] / n : a->shape[i];
        if (i == axis)
            shape[k++] = n;
    }
    if (n == 1 || !a)
        return a;
    mx_array *one = mx_slice_axis(mx_reshape(a, shape, k), axis + 1, at, at + 1);
    memmove(&shape[axis + 1], &shape[axis + 2], (size_t)(k - axis - 2) * sizeof *shape);
    return mx_reshape(one, shape, k - 1);
}

static mx_array *source(const mx_conversion *p, const mx_output *o, int i) {
    mx_parts in;
    return mx_model_read(p->model, &p->model->tensor[o->from[i]], true, &in) ? in.part[0] : NULL;
}

bool mx_fused_read(const mx_conversion *p, const mx_output *o, mx_parts *out) {
    int n = parts_of(o->fused);
    mx_array *a = source(p, o, 0);
    *out = (mx_parts){{NULL}};
    if (o->fused->kind == MX_FUSED_NUMBERS)
        out->part[0] = mx_swapaxes(each(a, 2, n, o->pick), 1, 2);
    else
        out->part[0] = each(a, 1, n, o->pick);
    if (o->fused->kind != MX_FUSED_BLOCKS)
        return out->part[0] != NULL;
    mx_array *bytes = mx_flatten(out->part[0], 2, 3);
    out->part[0] = mx_view_as(mx_contiguous(bytes, false), MX_UINT32);
    out->part[1] = each(source(p, o, 1), 1, n, o->pick);
    return out->part[0] && out->part[1];
}
