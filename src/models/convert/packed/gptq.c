/* Modules of gptq and awq: see packed.h. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "models/convert/packed/codes.h"
#include "ops/ops.h"

/* What config.json says of a module. */
static bool read_grouping(const mx_model *m, const mx_model_tensor *t, const char *bits,
                          const char *group, mx_packed_grouping *g) {
    const char *of = t->own ? "quantization_config and its dynamic" : "quantization_config";
    *g = (mx_packed_grouping){.bits = 4};
    if (!mx_packed_int(m, t, bits, &g->bits) || !mx_packed_int(m, t, group, &g->group))
        return false;
    if (g->group)
        snprintf(g->by, sizeof g->by, "bits %lld and group_size %lld of %s", (long long)g->bits,
                 (long long)g->group, of);
    else
        snprintf(g->by, sizeof g->by, "bits %lld of %s", (long long)g->bits, of);
    return true;
}

/* --- gptq ------------------------------------------------------------------------------------ */

static bool gptq_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    mx_packed_grouping g;
    const mx_model_tensor *zeros = mx_packed_need(m, t, "qzeros");
    const mx_model_tensor *scales = zeros ? mx_packed_need(m, t, "scales") : NULL;
    const mx_model_tensor *index = mx_packed_beside(m, t, "g_idx");
    if (!scales || !read_grouping(m, t, "bits", "group_size", &g) ||
        !mx_packed_check_codes(m, t, &g, mx_packed_rows(t)))
        return false;
    int64_t in = mx_packed_rows(t) * 32 / g.bits, rows = mx_packed_columns(t);
    int64_t groups = mx_packed_groups(&g, in, mx_packed_rows(scales));
    *out = (mx_packed_shape){(int)rows, (int)in, scales->held.dtype};
    if (!index && json_is_true(mx_packed_option(m, t, "desc_act")))
        return mx_packed_need(m, t, "g_idx") != NULL;
    return mx_packed_are_words(m, t) && mx_packed_are_words(m, zeros) &&
           mx_packed_are_floats(m, scales) && mx_packed_has_shape(m, scales, g.by, groups, rows) &&
           mx_packed_has_shape(m, zeros, g.by, groups, rows * g.bits / 32) &&
           (rows % 32 == 0 ||
            mx_packed_fail(m, t, "it has %lld columns: a multiple of 32 was expected",
                           (long long)rows)) &&
           mx_packed_check_groups(m, scales, &g, in, groups) && mx_packed_check_index(m, index, in);
}

/* Symmetric codes have their zero in the middle: what else is there was packed otherwise. */
static bool check_middle(const mx_model *m, const mx_model_tensor *t, mx_array *zero,
                         int64_t bits) {
    char why[120];
    const char *format = json_string_value(mx_packed_option(m, NULL, "checkpoint_format|format"));
    if (!json_is_true(mx_packed_option(m, t, "sym")))
        return !mx_failed();
    snprintf(why, sizeof why, "sym and checkpoint_format '%.20s' of quantization_config",
             format ? format : "gptq");
    return mx_packed_check_zeros(m, mx_packed_beside(m, t, "qzeros"), zero,
                                 (float)(1 << (bits - 1)), why);
}

/* The first version has zero points less one. */
static mx_array *gptq_zeros(const mx_model *m, const mx_model_tensor *t, int64_t bits) {
    const char *format = json_string_value(mx_packed_option(m, NULL, "checkpoint_format|format"));
    mx_array *words = mx_packed_part(m, t, "qzeros", true);
    mx_array *zero = words ? mx_packed_codes(mx_view_as(words, MX_UINT32), (int)bits) : NULL;
    if (zero && (!format || strcmp(format, "gptq_v2")))
        zero = mx_add_s(zero, 1);
    return zero && check_middle(m, t, zero, bits) ? zero : NULL;
}

static bool gptq_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    int64_t bits = 4;
    mx_array *q = mx_packed_part(m, t, "qweight", true);
    mx_array *scale = q ? mx_packed_part(m, t, "scales", false) : NULL;
    if (!scale || !mx_packed_int(m, t, "bits", &bits))
        return false;
    mx_array *zero = mx_transpose(gptq_zeros(m, t, bits));
    mx_array *words = mx_contiguous(mx_transpose(mx_view_as(q, MX_UINT32)), false);
    scale = mx_transpose(mx_astype(scale, MX_FLOAT32));
    mx_array *index =
        mx_failed() ? NULL : mx_packed_permutation(m, t, "g_idx", scale->shape[1], false);
    if (mx_failed())
        return false;
    if (index && json_is_false(mx_packed_option(m, t, "desc_act")))
        return mx_packed_fail(m, mx_packed_beside(m, t, "g_idx"),
                              "its groups are not in order, and desc_act of quantization_config "
                              "is false");
    return index ? mx_packed_set_dense(words, scale, zero, index, (int)bits, out)
                 : mx_packed_set_words(words, scale, zero, (int)bits, out);
}

const mx_packing mx_packing_gptq = {gptq_shape, gptq_read};

/* --- awq ------------------------------------------------------------------------------------- */

static bool awq_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    mx_packed_grouping g;
    const mx_model_tensor *zeros = mx_packed_need(m, t, "qzeros");
    const mx_model_tensor *scales = zeros ? mx_packed_need(m, t, "scales") : NULL;
    if (!scales || !read_grouping(m, t, "bits|w_bit", "group_size|q_group_size", &g))
        return false;
    int64_t in = mx_packed_rows(t), words = mx_packed_columns(t),
            groups = mx_packed_groups(&g, in, mx_packed_rows(scales));
    *out = (mx_packed_shape){(int)(words * 8), (int)in, scales->held.dtype};
    return (words < INT32_MAX / 8 || mx_packed_fail(m, t, "it has too many columns")) &&
           mx_packed_are_words(m, t) && mx_packed_are_words(m, zeros) &&
           mx_packed_are_floats(m, scales) &&
           mx_packed_has_shape(m, scales, g.by, groups, 8 * words) &&
           mx_packed_has_shape(m, zeros, g.by, groups, words) &&
           mx_packed_check_groups(m, scales, &g, in, groups);
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
    return mx_packed_set_words(words, mx_transpose(mx_astype(scale, MX_FLOAT32)), zero, 4, out);
}

const mx_packing mx_packing_awq = {awq_shape, awq_read};
