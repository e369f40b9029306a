/* Kinds of elements and their names: see elements.h. */
#include "models/convert/elements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "ops/ops.h"

/* --- making one ------------------------------------------------------------------------------ */

mx_elements mx_elements_plain(mx_dtype t) {
    return (mx_elements){.storage = mx_dtype_name(t), .dtype = t};
}

mx_elements mx_elements_block(const mx_block_format *f) {
    return (mx_elements){.storage = f->name, .dtype = MX_FLOAT16, .block = f};
}

mx_elements mx_elements_words(mx_quant_format f, mx_dtype scales) {
    return (mx_elements){.quant = f, .dtype = f.mode == MX_AFFINE ? scales : MX_UINT8};
}

bool mx_elements_same(const mx_elements *a, const mx_elements *b) {
    if (mx_elements_are_words(a) != mx_elements_are_words(b))
        return false;
    if (!mx_elements_are_words(a))
        return strcmp(a->storage, b->storage) == 0;
    return a->quant.mode == b->quant.mode && a->quant.bits == b->quant.bits &&
           a->quant.group == b->quant.group && a->dtype == b->dtype;
}

/* --- names ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    mx_dtype dtype;
} plain_names[] = {{"float32", MX_FLOAT32}, {"f32", MX_FLOAT32},       {"float16", MX_FLOAT16},
                   {"f16", MX_FLOAT16},     {"bfloat16", MX_BFLOAT16}, {"bf16", MX_BFLOAT16},
                   {"float64", MX_FLOAT64}, {"f64", MX_FLOAT64}};

bool mx_elements_mode(const char *op, const char *mode, int bits, int group, mx_dtype scales,
                      mx_elements *out) {
    mx_quant_format f;
    if (!mx_quant_mode_from(op, mode, group ? &group : NULL, bits ? &bits : NULL, &f))
        return false;
    const mx_block_format *b = mx_quant_block(f);
    if (b && !b->writes)
        return mx_fail(MX_UNSUPPORTED, "[%s] blocks of %s can be read and not made", op, b->name);
    *out = b ? mx_elements_block(b) : mx_elements_words(f, scales);
    return true;
}

/* ":64" */
static bool number_behind(const char **s, int *out) {
    char *end;
    if (**s != ':')
        return true;
    if ((*s)[1] < '1' || (*s)[1] > '9')
        return false;
    long v = strtol(*s + 1, &end, 10);
    *s = end;
    *out = v < 65536 ? (int)v : 65536;
    return true;
}

bool mx_elements_parse(const char *op, const char *text, mx_dtype scales, mx_elements *out) {
    char mode[32];
    size_t n = strcspn(text, ":");
    for (size_t i = 0; i < sizeof plain_names / sizeof *plain_names; i++)
        if (strcmp(text, plain_names[i].name) == 0) {
            *out = mx_elements_plain(plain_names[i].dtype);
            return true;
        }
    if (n >= sizeof mode)
        return mx_fail(MX_INVALID, "[%s] '%.100s' is no dtype and no mode", op, text);
    snprintf(mode, sizeof mode, "%.*s", (int)n, text);
    const char *end = text + n;
    int bits = 0, group = 0;
    if (!number_behind(&end, &bits) || !number_behind(&end, &group) || *end)
        return mx_fail(MX_INVALID, "[%s] '%.100s': MODE, MODE:BITS or MODE:BITS:GROUP was expected",
                       op, text);
    return mx_elements_mode(op, mode, bits, group, scales, out);
}

const char *mx_elements_name(const mx_elements *e, char *room, size_t n) {
    static const char *const mode[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
    if (!mx_elements_are_words(e))
        return e->storage;
    snprintf(room, n, "%s of %d bits in groups of %d", mode[e->quant.mode], e->quant.bits,
             e->quant.group);
    return room;
}

int mx_elements_unit(const mx_elements *e) {
    return e->block ? e->block->items : mx_elements_are_words(e) ? e->quant.group : 1;
}

/* --- numbers --------------------------------------------------------------------------------- */

mx_dtype mx_elements_usual(const mx_elements *e) {
    if (e->block)
        return mx_block_plain(e->block);
    return e->quant.mode == MX_AFFINE ? e->dtype : MX_BFLOAT16;
}

mx_array *mx_elements_values(const mx_elements *e, mx_parts p) {
    mx_dtype wide = MX_FLOAT32;
    if (e->block)
        return mx_dequantize_blocks(p.part[0], e->block, wide);
    bool affine = e->quant.mode == MX_AFFINE; // computes in the dtype of its scales
    mx_array *scales = affine ? mx_astype(p.part[1], wide) : p.part[1];
    mx_array *biases = affine ? mx_astype(p.part[2], wide) : NULL;
    return mx_dequantize(p.part[0], scales, biases, e->quant, NULL, &wide);
}

bool mx_elements_make(const mx_elements *e, mx_array *values, mx_parts *out) {
    *out = (mx_parts){{NULL}};
    if (!values)
        return false;
    if (e->block)
        out->part[0] = mx_quantize_blocks(values, e->block);
    else if (mx_elements_are_plain(e))
        out->part[0] = mx_astype(values, e->dtype);
    else
        return mx_quantize(e->quant.mode == MX_AFFINE ? mx_astype(values, e->dtype) : values,
                           e->quant, NULL, out->part);
    return out->part[0] != NULL;
}
