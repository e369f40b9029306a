/* Codes of integers with scales and zero points, made words or dense numbers: see packed.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/convert/packed_parts.h"
#include "ops/ops.h"

/* --- sizes ----------------------------------------------------------------------------------- */

/* How columns of a row are in groups, as config.json says it or, where it does not, scales do. */
typedef struct grouping {
    int64_t bits, group;
    char by[128]; /* for messages: what says so */
} grouping;

static bool read_grouping(const mx_model *m, const char *bits, const char *group, grouping *g) {
    *g = (grouping){.bits = 4};
    if (!mx_packed_int(m, bits, &g->bits) || !mx_packed_int(m, group, &g->group))
        return false;
    snprintf(g->by, sizeof g->by, "bits %lld%s", (long long)g->bits,
             g->group ? "" : " of quantization_config");
    if (g->group)
        snprintf(g->by, sizeof g->by, "bits %lld and group_size %lld of quantization_config",
                 (long long)g->bits, (long long)g->group);
    return true;
}

static bool read_signed(const mx_model *m, grouping *g) {
    json_t *bits = mx_packed_weights_option(m, "num_bits"),
           *group = mx_packed_weights_option(m, "group_size");
    *g = (grouping){bits ? json_integer_value(bits) : 4, json_integer_value(group), ""};
    snprintf(g->by, sizeof g->by,
             "num_bits %lld and group_size %lld of quantization_config.config_groups",
             (long long)g->bits, (long long)g->group);
    return !mx_failed();
}

static int64_t rows_of(const mx_model_tensor *t) {
    return t->shape.ndim == 2 ? t->shape.dim[0] : 0;
}

static int64_t columns_of(const mx_model_tensor *t) {
    return t->shape.ndim == 2 ? t->shape.dim[1] : 0;
}

/* How many groups a row has; `said`: what scales have. */
static int64_t groups_of(const grouping *g, int64_t in, int64_t said) {
    return g->group > 0 ? (in + g->group - 1) / g->group : g->group < 0 ? 1 : said;
}

static bool check_groups(const mx_model *m, const mx_model_tensor *scales, const grouping *g,
                         int64_t in, int64_t groups) {
    return (groups > 0 && in % groups == 0 && in / groups % 32 == 0) ||
           mx_packed_fail(m, scales,
                          "%lld columns by %s are in %lld groups: groups of 32, or multiples of "
                          "it, were expected",
                          (long long)in, g->by, (long long)groups);
}

/* Words hold whole rows of codes. */
static bool check_codes(const mx_model *m, const mx_model_tensor *codes, const grouping *g,
                        int64_t words) {
    int64_t in = words * 32 / g->bits;
    return (in > 0 && words * 32 % g->bits == 0 && in % 32 == 0 && in <= INT32_MAX) ||
           mx_packed_fail(m, codes, "%lld words are no row of %lld bits a code", (long long)words,
                          (long long)g->bits);
}

static bool check_index(const mx_model *m, const mx_model_tensor *index, int64_t in) {
    const char *s = index ? index->held.storage : "";
    return !index ||
           (mx_packed_has_shape(m, index, "the codes beside it", in, 0) &&
            (mx_name_is_of(s, "int32|int64|uint32") ||
             mx_packed_fail(m, index, "it holds %s: numbers of groups were expected", s)));
}

static mx_dtype usual_of(const mx_model_tensor *scales) {
    return scales->held.dtype;
}

/* --- groups of columns ----------------------------------------------------------------------- */

static bool fail_group(const mx_model *m, const mx_model_tensor *index, int64_t n, int64_t is,
                       int64_t want) {
    return mx_packed_fail(m, index, "%lld columns are of group %lld: %lld were expected",
                          (long long)is, (long long)n, (long long)want);
}

/* Each group has as many columns as the others. */
static bool count_columns(const mx_model *m, const mx_model_tensor *index, const int32_t *v,
                          int64_t in, int64_t groups) {
    int64_t *count = mx_calloc((size_t)groups, sizeof *count);
    bool ok = count;
    for (int64_t i = 0; ok && i < in; i++)
        ok = (v[i] >= 0 && v[i] < groups) ||
             mx_packed_fail(m, index, "column %lld is of group %d, and there are %lld",
                            (long long)i, v[i], (long long)groups);
    for (int64_t i = 0; ok && i < in; i++)
        count[v[i]]++;
    for (int64_t n = 0; ok && n < groups; n++)
        ok = count[n] == in / groups || fail_group(m, index, n, count[n], in / groups);
    mx_free(count);
    return ok;
}

static bool in_order(const int32_t *v, int64_t in, int64_t groups) {
    int64_t i = 0;
    while (i < in && v[i] == i / (in / groups))
        i++;
    return i == in;
}

static bool all_less(const int32_t *v, int64_t in) {
    int64_t i = 0;
    while (i < in && v[i] < 0)
        i++;
    return i == in;
}

/* The groups of columns, int32, where they are not one behind the other; NULL: they are, or with an
   error, they are none. blank: an index that was never filled says nothing. */
static mx_array *permutation(const mx_model *m, const mx_model_tensor *t, const char *part,
                             int64_t groups, bool blank) {
    const mx_model_tensor *index = mx_packed_beside(m, t, part);
    mx_array *raw = index ? mx_packed_part(m, t, part, true) : NULL;
    mx_array *a = raw ? mx_contiguous(mx_astype(raw, MX_INT32), false) : NULL;
    if (!a || !mx_eval1(a))
        return NULL;
    const int32_t *v = (const int32_t *)(const void *)a->data;
    if (blank && all_less(v, a->size))
        return NULL;
    if (!count_columns(m, index, v, a->size, groups) || in_order(v, a->size, groups))
        return NULL;
    return a;
}

/* --- words ----------------------------------------------------------------------------------- */

/* Codes of rows of words as numbers: words of scale 1. */
static mx_array *codes_of(mx_array *words, int bits) {
    mx_dtype t = MX_FLOAT32;
    mx_quant_format f = {MX_AFFINE, bits, 32};
    int shape[2] = {words ? words->shape[0] : 0, 0};
    shape[1] = words ? (int)((int64_t)words->shape[1] * 32 / bits / 32) : 0;
    mx_array *one = mx_ones(shape, 2, t), *zero = mx_zeros(shape, 2, t);
    return mx_dequantize(words, one, zero, f, NULL, &t);
}

/* The largest group of mx.quantize in which `each` columns are whole ones. */
static int group_of(int64_t each) {
    int g = 128;
    while (each % g)
        g /= 2;
    return g;
}

/* words (out, in bits / 32), scale and zero (out, groups) */
static bool set_words(mx_array *words, mx_array *scale, mx_array *zero, int bits, mx_packed *out) {
    if (!words || !scale || !zero)
        return false;
    int64_t each = (int64_t)words->shape[1] * 32 / bits / scale->shape[1];
    int group = group_of(each), times = (int)(each / group);
    mx_array *bias = mx_negative(mx_mul(scale, zero));
    out->held = mx_elements_words((mx_quant_format){MX_AFFINE, bits, group}, MX_FLOAT32);
    out->parts = (mx_parts){{words, mx_repeat(scale, times, 1), mx_repeat(bias, times, 1)}};
    return !mx_failed();
}

static bool set_dense(mx_array *words, mx_array *scale, mx_array *zero, mx_array *index, int bits,
                      mx_packed *out) {
    mx_array *shift = mx_take(zero, index, 1), *by = mx_take(scale, index, 1);
    out->held = mx_elements_plain(MX_FLOAT32);
    out->parts = (mx_parts){{mx_mul(mx_sub(codes_of(words, bits), shift), by)}};
    return !mx_failed();
}

/* --- gptq ------------------------------------------------------------------------------------ */

static bool gptq_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    grouping g;
    const mx_model_tensor *zeros = mx_packed_need(m, t, "qzeros");
    const mx_model_tensor *scales = zeros ? mx_packed_need(m, t, "scales") : NULL;
    const mx_model_tensor *index = mx_packed_beside(m, t, "g_idx");
    if (!scales || !read_grouping(m, "bits", "group_size", &g) ||
        !check_codes(m, t, &g, rows_of(t)))
        return false;
    int64_t in = rows_of(t) * 32 / g.bits, rows = columns_of(t);
    int64_t groups = groups_of(&g, in, rows_of(scales));
    *out = (mx_packed_shape){(int)rows, (int)in, usual_of(scales)};
    if (!index && json_is_true(mx_packed_option(m, "desc_act")))
        return mx_packed_need(m, t, "g_idx") != NULL;
    return mx_packed_are_words(m, t) && mx_packed_are_words(m, zeros) &&
           mx_packed_are_floats(m, scales) && mx_packed_has_shape(m, scales, g.by, groups, rows) &&
           mx_packed_has_shape(m, zeros, g.by, groups, rows * g.bits / 32) &&
           (rows % 32 == 0 ||
            mx_packed_fail(m, t, "it has %lld columns: a multiple of 32 was expected",
                           (long long)rows)) &&
           check_groups(m, scales, &g, in, groups) && check_index(m, index, in);
}

/* Symmetric codes have their zero in the middle: what else is there was packed otherwise. */
static bool check_middle(const mx_model *m, const mx_model_tensor *t, mx_array *zero,
                         int64_t bits) {
    mx_array *rows = mx_contiguous(zero, false);
    float middle = (float)(1 << (bits - 1));
    if (!json_is_true(mx_packed_option(m, "sym")))
        return !mx_failed();
    if (!rows || !mx_eval1(rows))
        return false;
    const float *v = (const float *)(const void *)rows->data;
    const char *format = json_string_value(mx_packed_option(m, "checkpoint_format|format")),
               *usual = "gptq";
    for (int64_t i = 0; i < rows->size; i++)
        if (v[i] != middle)
            return mx_packed_fail(m, mx_packed_beside(m, t, "qzeros"),
                                  "a zero point is %g, which is %g by sym and checkpoint_format "
                                  "'%s' of quantization_config",
                                  (double)v[i], (double)middle, format ? format : usual);
    return true;
}

/* The first version has zero points less one. */
static mx_array *gptq_zeros(const mx_model *m, const mx_model_tensor *t, int64_t bits) {
    const char *format = json_string_value(mx_packed_option(m, "checkpoint_format|format"));
    mx_array *words = mx_packed_part(m, t, "qzeros", true);
    mx_array *zero = words ? codes_of(mx_view_as(words, MX_UINT32), (int)bits) : NULL;
    if (zero && (!format || strcmp(format, "gptq_v2")))
        zero = mx_add_s(zero, 1);
    return zero && check_middle(m, t, zero, bits) ? zero : NULL;
}

static bool gptq_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    int64_t bits = 4;
    mx_array *q = mx_packed_part(m, t, "qweight", true);
    mx_array *scale = q ? mx_packed_part(m, t, "scales", false) : NULL;
    if (!scale || !mx_packed_int(m, "bits", &bits))
        return false;
    mx_array *zero = mx_transpose(gptq_zeros(m, t, bits));
    mx_array *words = mx_contiguous(mx_transpose(mx_view_as(q, MX_UINT32)), false);
    scale = mx_transpose(mx_astype(scale, MX_FLOAT32));
    mx_array *index = mx_failed() ? NULL : permutation(m, t, "g_idx", scale->shape[1], false);
    if (mx_failed())
        return false;
    if (index && json_is_false(mx_packed_option(m, "desc_act")))
        return mx_packed_fail(m, mx_packed_beside(m, t, "g_idx"),
                              "its groups are not in order, and desc_act of quantization_config "
                              "is false");
    return index ? set_dense(words, scale, zero, index, (int)bits, out)
                 : set_words(words, scale, zero, (int)bits, out);
}

const mx_packing mx_packing_gptq = {gptq_shape, gptq_read};

/* --- awq ------------------------------------------------------------------------------------- */

static bool awq_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    grouping g;
    const mx_model_tensor *zeros = mx_packed_need(m, t, "qzeros");
    const mx_model_tensor *scales = zeros ? mx_packed_need(m, t, "scales") : NULL;
    if (!scales || !read_grouping(m, "bits|w_bit", "group_size|q_group_size", &g))
        return false;
    int64_t in = rows_of(t), words = columns_of(t), groups = groups_of(&g, in, rows_of(scales));
    *out = (mx_packed_shape){(int)(words * 8), (int)in, usual_of(scales)};
    return (words < INT32_MAX / 8 || mx_packed_fail(m, t, "it has too many columns")) &&
           mx_packed_are_words(m, t) && mx_packed_are_words(m, zeros) &&
           mx_packed_are_floats(m, scales) &&
           mx_packed_has_shape(m, scales, g.by, groups, 8 * words) &&
           mx_packed_has_shape(m, zeros, g.by, groups, words) &&
           check_groups(m, scales, &g, in, groups);
}

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

static bool awq_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    mx_array *q = mx_packed_part(m, t, "qweight", true);
    mx_array *z = q ? mx_packed_part(m, t, "qzeros", true) : NULL;
    mx_array *scale = z ? mx_packed_part(m, t, "scales", false) : NULL;
    if (!scale)
        return false;
    mx_array *words = words_of(mx_transpose(awq_codes(q)));
    mx_array *zero = mx_transpose(mx_astype(awq_codes(z), MX_FLOAT32));
    return set_words(words, mx_transpose(mx_astype(scale, MX_FLOAT32)), zero, 4, out);
}

const mx_packing mx_packing_awq = {awq_shape, awq_read};

/* --- compressed-tensors ---------------------------------------------------------------------- */

/* Zero points are packed down the columns as codes are along the rows, or lie as they are. */
static bool check_zeros(const mx_model *m, const mx_model_tensor *t, const grouping *g,
                        int64_t rows, int64_t groups) {
    const mx_model_tensor *zeros = mx_packed_beside(m, t, "weight_zero_point");
    json_t *even = mx_packed_weights_option(m, "symmetric");
    const char *s = zeros ? zeros->held.storage : NULL;
    if (!zeros)
        return !json_is_false(even) || mx_packed_need(m, t, "weight_zero_point") != NULL;
    if (json_is_true(even))
        return mx_packed_fail(m, zeros, "symmetric of quantization_config is true");
    if (s && strcmp(s, "int8") == 0)
        return mx_packed_has_shape(m, zeros, g->by, rows, groups);
    return mx_packed_are_words(m, zeros) &&
           mx_packed_has_shape(m, zeros, g->by, rows * g->bits / 32, groups) &&
           (rows % 32 == 0 ||
            mx_packed_fail(m, zeros, "it is of %lld rows: a multiple of 32 was expected",
                           (long long)rows));
}

/* `in` columns, whose codes t holds. */
static bool signed_parts(const mx_model *m, const mx_model_tensor *t, const grouping *g, int64_t in,
                         mx_packed_shape *out) {
    const mx_model_tensor *scales = mx_packed_need(m, t, "weight_scale");
    const mx_model_tensor *shape = mx_packed_beside(m, t, "weight_shape");
    int64_t rows = rows_of(t);
    if (!scales)
        return false;
    bool one = scales->shape.ndim == 0 || (scales->shape.ndim == 1 && scales->shape.dim[0] == 1);
    int64_t groups = one ? 1 : groups_of(g, in, columns_of(scales));
    *out = (mx_packed_shape){(int)rows, (int)in, usual_of(scales)};
    return mx_packed_are_floats(m, scales) &&
           (one ? groups_of(g, in, 1) == 1 : mx_packed_has_shape(m, scales, g->by, rows, groups)) &&
           check_groups(m, scales, g, in, groups) && check_zeros(m, t, g, rows, groups) &&
           (!shape || mx_packed_has_shape(m, shape, "the codes beside it", 2, 0)) &&
           check_index(m, mx_packed_beside(m, t, "weight_g_idx"), in);
}

static bool signed_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    grouping g;
    return read_signed(m, &g) && check_codes(m, t, &g, columns_of(t)) &&
           mx_packed_are_words(m, t) && signed_parts(m, t, &g, columns_of(t) * 32 / g.bits, out);
}

/* weight_shape says the same as the codes. */
static bool check_said(const mx_model *m, const mx_model_tensor *t, int64_t rows, int64_t in) {
    const mx_model_tensor *shape = mx_packed_beside(m, t, "weight_shape");
    mx_array *raw = shape ? mx_packed_part(m, t, "weight_shape", true) : NULL;
    mx_array *a = raw ? mx_contiguous(mx_astype(raw, MX_INT64), false) : NULL;
    if (!shape || !a || !mx_eval1(a))
        return !mx_failed();
    const int64_t *v = (const int64_t *)(const void *)a->data;
    return (v[0] == rows && v[1] == in) ||
           mx_packed_fail(m, shape, "it says (%lld,%lld), and the codes are (%lld,%lld)",
                          (long long)v[0], (long long)v[1], (long long)rows, (long long)in);
}

/* (out, groups), the half added. */
static mx_array *signed_zeros(const mx_model *m, const mx_model_tensor *t, const grouping *g,
                              mx_array *scale) {
    const mx_model_tensor *zeros = mx_packed_beside(m, t, "weight_zero_point");
    mx_array *raw = zeros ? mx_packed_part(m, t, "weight_zero_point", true) : NULL;
    double half = 1 << (g->bits - 1);
    if (!zeros)
        return scale ? mx_full_s(scale->shape, 2, half, MX_FLOAT32) : NULL;
    if (raw && strcmp(zeros->held.storage, "int8") == 0)
        return mx_add_s(mx_astype(raw, MX_FLOAT32), half);
    mx_array *turned = mx_contiguous(mx_transpose(mx_view_as(raw, MX_UINT32)), false);
    return mx_transpose(codes_of(turned, (int)g->bits));
}

/* One for all rows is one for each. */
static mx_array *signed_scale(const mx_model *m, const mx_model_tensor *t, int rows) {
    mx_array *scale = mx_astype(mx_packed_part(m, t, "weight_scale", false), MX_FLOAT32);
    if (!scale || scale->ndim == 2)
        return scale;
    return mx_broadcast_to(mx_reshape(scale, (const int[]){1, 1}, 2), (const int[]){rows, 1}, 2);
}

/* words (out, in bits / 32) of codes with the half added */
static bool read_words(const mx_model *m, const mx_model_tensor *t, mx_array *words,
                       const grouping *g, mx_packed *out) {
    int rows = words ? words->shape[0] : 0;
    int64_t in = words ? (int64_t)words->shape[1] * 32 / g->bits : 0;
    mx_array *scale = words ? signed_scale(m, t, rows) : NULL;
    mx_array *zero = scale && check_said(m, t, rows, in) ? signed_zeros(m, t, g, scale) : NULL;
    mx_array *index = zero ? permutation(m, t, "weight_g_idx", scale->shape[1], true) : NULL;
    if (!zero || mx_failed())
        return false;
    return index ? set_dense(words, scale, zero, index, (int)g->bits, out)
                 : set_words(words, scale, zero, (int)g->bits, out);
}

static bool signed_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    grouping g;
    mx_array *q = mx_packed_part(m, t, "weight_packed", true);
    return q && read_signed(m, &g) && read_words(m, t, mx_view_as(q, MX_UINT32), &g, out);
}

const mx_packing mx_packing_signed = {signed_shape, signed_read};

/* Codes that are not packed. */
static bool int8_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    grouping g;
    if (!read_signed(m, &g))
        return false;
    if (g.bits != 8)
        return mx_packed_fail(m, t, "it holds int8, and %s", g.by);
    return check_codes(m, t, &g, columns_of(t) / 4) && signed_parts(m, t, &g, columns_of(t), out);
}

static bool int8_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    grouping g;
    mx_array *q = mx_packed_part(m, t, "weight", true);
    if (!q || !read_signed(m, &g))
        return false;
    mx_array *codes = mx_bitwise_xor(mx_view_as(q, MX_UINT8), mx_scalar(128, MX_UINT8));
    mx_array *words = mx_view_as(mx_contiguous(codes, false), MX_UINT32);
    return read_words(m, t, words, &g, out);
}

const mx_packing mx_packing_int8 = {int8_shape, int8_read};
