/* Matrices as other packers have them, made words of ours or dense ones: see build.h.
 *
 *     quant_method         tensors of a module (out, in)
 *     fp8, fbgemm_fp8      weight (float8), weight_scale_inv or weight_scale: one, of rows, of
 *                          blocks
 *     gptq                 qweight (in bits / 32, out) and qzeros (groups, out bits / 32): streams
 *                          of codes down the columns, along the rows; scales (groups, out); g_idx
 *                          (in)
 *     awq                  qweight (in, out / 8), qzeros (groups, out / 8): codes of eight columns
 *                          in the order 0 2 4 6 1 3 5 7; scales (groups, out)
 *     compressed-tensors   weight_packed (out, in bits / 32), weight_scale (out, groups): signed
 *                          codes, the half added; bytes of nvfp4 with weight_global_scale; fp8
 *     modelopt             fp8; weight (out, in / 2) bytes of nvfp4, weight_scale, weight_scale_2
 *
 * Affine words hold all of these numbers exactly: scale code + bias, bias = - scale zero. What was
 * permuted (g_idx) and floats become dense.
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

static bool fail(const dec_build *b, const dec_place *p, const char *what) {
    return mx_fail(MX_FORMAT, "[model] '%s': %s of layer %d, packed by %s: %s", b->name, p->module,
                   p->layer, b->model.method, what);
}

static mx_array *values(dec_build *b, const dec_place *p, const char *part) {
    return mx_astype(dec_part(b, p, part, false), MX_FLOAT32);
}

static int64_t option(dec_build *b, const char *key, int64_t other) {
    json_t *v = mx_json_at(b->model.config, key);
    return json_is_integer(v) ? json_integer_value(v) : other;
}

static bool set_dense(mx_array *a, mx_weight *out) {
    if (!a || a->ndim != 2)
        return false;
    *out = (mx_weight){.kind = MX_WEIGHT_DENSE, .words = a, .out = a->shape[0], .in = a->shape[1]};
    return true;
}

/* --- floats of 8 bits ------------------------------------------------------------------------ */

static bool is_float8(const dec_build *b, const dec_place *p) {
    const mx_model_tensor *t = dec_tensor_of(b, p->module, p->layer, p->expert, "weight");
    return t && t->held.storage && strncmp(t->held.storage, "float8", 6) == 0;
}

/* bfloat16 holds codes times powers of two. */
static bool are_powers(mx_array *scale) {
    mx_array *rows = mx_contiguous(scale, false);
    if (!rows || !mx_eval1(rows))
        return false;
    const float *v = (const float *)(const void *)rows->data;
    bool all = true;
    for (int64_t i = 0; all && i < rows->size; i++) {
        int e;
        all = fabsf(frexpf(v[i], &e)) == 0.5f;
    }
    return all;
}

/* Each of a block's size of rows and columns. */
static mx_array *spread(mx_array *scale, int axis, int64_t each, int n) {
    return mx_slice_axis(mx_repeat(scale, (int)each, axis), axis, 0, n);
}

/* One scale, one a row, or one a block. */
static mx_array *scale_like(dec_build *b, const dec_place *p, mx_array *w, mx_array *scale) {
    int64_t rows = 128, columns = 128;
    json_t *size = mx_json_at(b->model.config, "quantization_config.weight_block_size");
    if (scale->size == 1)
        return mx_reshape(scale, NULL, 0);
    if (scale->size == w->shape[0])
        return mx_reshape(scale, (const int[]){w->shape[0], 1}, 2);
    if (json_array_size(size) == 2) {
        rows = json_integer_value(json_array_get(size, 0));
        columns = json_integer_value(json_array_get(size, 1));
    }
    bool fits = scale->ndim == 2 && rows > 0 && columns > 0 && rows < INT32_MAX &&
                columns < INT32_MAX && scale->shape[0] == (w->shape[0] + rows - 1) / rows &&
                scale->shape[1] == (w->shape[1] + columns - 1) / columns;
    if (!fits) {
        fail(b, p, "its scales have another shape");
        return NULL;
    }
    return spread(spread(scale, 0, rows, w->shape[0]), 1, columns, w->shape[1]);
}

static bool float8(dec_build *b, const dec_place *p, mx_weight *out, bool *found) {
    *found = is_float8(b, p);
    if (!*found)
        return true;
    mx_array *w = values(b, p, "weight"), *scale = values(b, p, "weight_scale_inv");
    scale = scale ? scale : values(b, p, "weight_scale");
    if (mx_failed() || !scale || w->ndim != 2)
        return fail(b, p, "its scales are missing");
    bool narrow = are_powers(scale);
    mx_array *all = mx_mul(w, scale_like(b, p, w, scale));
    return set_dense(narrow ? mx_astype(all, MX_BFLOAT16) : all, out);
}

/* --- codes with scales and zeros ------------------------------------------------------------- */

/* Codes of rows of words as numbers: words of scale 1. */
static mx_array *codes(mx_array *words, int bits) {
    mx_dtype t = MX_FLOAT32;
    mx_quant_format f = {MX_AFFINE, bits, 32};
    int shape[2] = {words ? words->shape[0] : 0, 0};
    shape[1] = words ? (int)((int64_t)words->shape[1] * 32 / bits / 32) : 0;
    mx_array *one = mx_ones(shape, 2, t), *zero = mx_zeros(shape, 2, t);
    return mx_dequantize(words, one, zero, f, NULL, &t);
}

/* Groups of `each` columns as groups that words have: scales are repeated. */
static bool regroup(int64_t each, int *group, int *times) {
    for (int g = 128; g >= 32; g /= 2)
        if (each % g == 0) {
            *group = g;
            *times = (int)(each / g);
            return true;
        }
    return false;
}

/* words (out, in bits / 32), scale and zero (out, groups) */
static bool set_affine(dec_build *b, const dec_place *p, mx_array *words, mx_array *scale,
                       mx_array *zero, int bits, mx_weight *out) {
    int group, times;
    if (!words || !scale || !zero)
        return false;
    int64_t in = (int64_t)words->shape[1] * 32 / bits, groups = scale->shape[1];
    if (words->shape[0] != scale->shape[0] || !mx_same_shape(scale, zero) || groups <= 0 ||
        in % groups != 0)
        return fail(b, p, "codes and scales do not belong together");
    if (!regroup(in / groups, &group, &times))
        return fail(b, p, "groups of 32, or multiples of it, were expected");
    mx_array *bias = mx_negative(mx_mul(scale, zero));
    *out = (mx_weight){.kind = MX_WEIGHT_AFFINE,
                       .mode = MX_AFFINE,
                       .bits = bits,
                       .group = group,
                       .out = words->shape[0],
                       .in = in,
                       .words = words,
                       .scales = mx_repeat(scale, times, 1),
                       .biases = mx_repeat(bias, times, 1)};
    return !mx_failed();
}

/* --- gptq ------------------------------------------------------------------------------------ */

/* Column i is of group i / each. */
static bool in_order(mx_array *index, int64_t each) {
    mx_array *rows = mx_contiguous(mx_astype(index, MX_INT32), false);
    if (!rows || !mx_eval1(rows))
        return false;
    const int32_t *v = (const int32_t *)(const void *)rows->data;
    for (int64_t i = 0; i < rows->size; i++)
        if (v[i] != i / each)
            return false;
    return true;
}

static bool permuted(mx_array *words, mx_array *scale, mx_array *zero, mx_array *index, int bits,
                     mx_weight *out) {
    mx_array *shift = mx_take(zero, index, 1), *by = mx_take(scale, index, 1);
    return set_dense(mx_mul(mx_sub(codes(words, bits), shift), by), out);
}

static bool check_gptq(dec_build *b, const dec_place *p, int64_t bits, mx_array *const *in) {
    if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
        return fail(b, p, "2, 3, 4 or 8 bits were expected");
    if (!in[1] || !in[2] || in[0]->ndim != 2 || in[1]->ndim != 2 || in[2]->ndim != 2 ||
        mx_itemsize(in[0]) != 4 || mx_itemsize(in[1]) != 4 || in[0]->shape[1] % 32 ||
        in[0]->shape[1] != in[2]->shape[1] || in[1]->shape[0] != in[2]->shape[0] ||
        in[1]->shape[1] * 32 != in[2]->shape[1] * bits || in[1]->shape[0] <= 0)
        return fail(b, p, "qweight, qzeros and scales do not belong together");
    return true;
}

static bool gptq(dec_build *b, const dec_place *p, mx_weight *out, bool *found) {
    int64_t bits = option(b, "quantization_config.bits", 4);
    const char *format = mx_json_text_at(b->model.config, "quantization_config.checkpoint_format");
    mx_array *in[] = {dec_part(b, p, "qweight", true), dec_part(b, p, "qzeros", true),
                      values(b, p, "scales")};
    *found = in[0] != NULL;
    if (!*found || !check_gptq(b, p, bits, in))
        return !*found && !mx_failed();
    mx_array *words = mx_contiguous(mx_transpose(mx_view_as(in[0], MX_UINT32)), false);
    mx_array *zero = codes(mx_view_as(in[1], MX_UINT32), (int)bits);
    if (!format || strcmp(format, "gptq_v2")) // the first version has zeros less one
        zero = mx_add_s(zero, 1);
    mx_array *scale = mx_transpose(in[2]), *index = dec_part(b, p, "g_idx", true);
    zero = mx_transpose(zero);
    if (mx_failed())
        return false;
    int64_t columns = (int64_t)words->shape[1] * 32 / bits, groups = scale->shape[1];
    if (index && index->size != columns)
        return fail(b, p, "g_idx has another size");
    if (index && !in_order(index, (columns + groups - 1) / groups))
        return !mx_failed() && permuted(words, scale, zero, index, (int)bits, out);
    return set_affine(b, p, words, scale, zero, (int)bits, out);
}

/* --- awq ------------------------------------------------------------------------------------- */

/* (rows, n) words of eight columns in their order: (rows, 8 n) codes, uint32. */
static mx_array *awq_codes(mx_array *packed) {
    static const uint32_t shifts[] = {0, 16, 4, 20, 8, 24, 12, 28};
    mx_array *by = mx_array_from(shifts, &(int){8}, 1, MX_UINT32);
    mx_array *wide = mx_expand_dim(mx_view_as(packed, MX_UINT32), 2);
    mx_array *all = mx_bitwise_and(mx_right_shift(wide, by), mx_scalar(15, MX_UINT32));
    return mx_flatten(all, 1, 2);
}

/* Codes of four bits in their order. */
static mx_array *words_of(mx_array *all) {
    static const uint32_t shifts[] = {0, 4, 8, 12, 16, 20, 24, 28};
    mx_array *by = mx_array_from(shifts, &(int){8}, 1, MX_UINT32);
    mx_array *eight = mx_unflatten(all, 1, (const int[]){-1, 8}, 2);
    return mx_astype(mx_sum(mx_left_shift(eight, by), &(int){-1}, 1, false), MX_UINT32);
}

static bool awq(dec_build *b, const dec_place *p, mx_weight *out, bool *found) {
    mx_array *q = dec_part(b, p, "qweight", true), *z = dec_part(b, p, "qzeros", true);
    mx_array *scale = values(b, p, "scales");
    *found = q != NULL;
    if (!*found)
        return !mx_failed();
    if (option(b, "quantization_config.bits", 4) != 4)
        return fail(b, p, "4 bits were expected");
    if (!z || !scale || q->ndim != 2 || z->ndim != 2 || scale->ndim != 2 || mx_itemsize(q) != 4 ||
        mx_itemsize(z) != 4 || q->shape[0] % 8 || q->shape[1] != z->shape[1] ||
        scale->shape[1] != 8 * q->shape[1] || z->shape[0] != scale->shape[0])
        return fail(b, p, "qweight, qzeros and scales do not belong together");
    mx_array *words = words_of(mx_transpose(awq_codes(q)));
    mx_array *zero = mx_transpose(mx_astype(awq_codes(z), MX_FLOAT32));
    return set_affine(b, p, words, mx_transpose(scale), zero, 4, out);
}

/* --- nvfp4 ----------------------------------------------------------------------------------- */

/* bytes (out, in / 2), scales (out, in / 16) float8, times a factor. */
static bool nvfp4(dec_build *b, const dec_place *p, mx_array *bytes, mx_array *factor, bool divides,
                  mx_weight *out) {
    mx_array *scale = dec_part(b, p, "weight_scale", true);
    if (!scale || !factor || factor->size != 1 || bytes->ndim != 2 || scale->ndim != 2 ||
        bytes->dtype != MX_UINT8 || scale->dtype != MX_UINT8 || bytes->shape[1] % 8 ||
        scale->shape[0] != bytes->shape[0] || scale->shape[1] * 8 != bytes->shape[1])
        return fail(b, p, "bytes and scales of nvfp4 do not belong together");
    mx_array *one = mx_contiguous(mx_reshape(factor, NULL, 0), false);
    if (!one || !mx_eval1(one))
        return false;
    float by = *(const float *)(const void *)one->data;
    *out = (mx_weight){.kind = MX_WEIGHT_AFFINE,
                       .mode = MX_NVFP4,
                       .bits = 4,
                       .group = 16,
                       .out = bytes->shape[0],
                       .in = 2 * (int64_t)bytes->shape[1],
                       .words = mx_view_as(mx_contiguous(bytes, false), MX_UINT32),
                       .scales = scale,
                       .factor = divides ? 1 / by : by};
    return (isfinite(out->factor) && out->factor != 0) || fail(b, p, "its factor is no number");
}

static bool modelopt(dec_build *b, const dec_place *p, mx_weight *out, bool *found) {
    const mx_model_tensor *t = dec_tensor_of(b, p->module, p->layer, p->expert, "weight");
    if (!t || !t->held.storage || strcmp(t->held.storage, "uint8"))
        return float8(b, p, out, found);
    *found = true;
    mx_array *bytes = dec_part(b, p, "weight", true);
    return bytes && nvfp4(b, p, bytes, values(b, p, "weight_scale_2"), false, out);
}

/* --- compressed-tensors ---------------------------------------------------------------------- */

static bool compressed(dec_build *b, const dec_place *p, mx_weight *out, bool *found) {
    mx_array *packed = dec_part(b, p, "weight_packed", true);
    int64_t bits = option(b, "quantization_config.config_groups.group_0.weights.num_bits", 4);
    if (!packed)
        return !mx_failed() && float8(b, p, out, found);
    *found = true;
    if (packed->dtype == MX_UINT8)
        return nvfp4(b, p, packed, values(b, p, "weight_global_scale"), true, out);
    mx_array *scale = values(b, p, "weight_scale");
    if (dec_tensor_of(b, p->module, p->layer, p->expert, "weight_zero_point"))
        return fail(b, p, "zero points are not understood");
    if (!scale || packed->ndim != 2 || scale->ndim != 2 || mx_itemsize(packed) != 4 ||
        (bits != 4 && bits != 8))
        return fail(b, p, "4 or 8 bits with scales were expected");
    mx_array *zero = mx_full_s(scale->shape, 2, bits == 4 ? 8 : 128, MX_FLOAT32);
    return set_affine(b, p, mx_view_as(packed, MX_UINT32), scale, zero, (int)bits, out);
}

/* --- all ------------------------------------------------------------------------------------- */

/* gpt-oss: its experts are read where they are looked for. */
static bool nothing(dec_build *b, const dec_place *p, mx_weight *out, bool *found) {
    (void)b, (void)p, (void)out, (void)found;
    return true;
}

static const struct packer {
    const char *name;
    bool (*read)(dec_build *b, const dec_place *p, mx_weight *out, bool *found);
} packers[] = {{"fp8", float8},
               {"fbgemm_fp8", float8},
               {"gptq", gptq},
               {"awq", awq},
               {"modelopt", modelopt},
               {"mxfp4", nothing},
               {"compressed-tensors", compressed}};

bool dec_foreign(dec_build *b, const dec_place *p, mx_weight *out, bool *found) {
    const char *method = b->model.method;
    *found = false;
    if (!method)
        return true;
    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++)
        if (strcmp(packers[i].name, method) == 0)
            return packers[i].read(b, p, out, found);
    return mx_fail(MX_UNSUPPORTED,
                   "[model] '%s/config.json': weights quantized by '%.80s' are not understood",
                   b->name, method);
}
