/* Modules of compressed-tensors that hold integers: see packed.h. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/convert/packed/codes.h"
#include "ops/ops.h"

static bool read_signed(const mx_model *m, mx_packed_grouping *g) {
    json_t *bits = mx_packed_weights_option(m, "num_bits"),
           *group = mx_packed_weights_option(m, "group_size");
    *g = (mx_packed_grouping){bits ? json_integer_value(bits) : 4, json_integer_value(group), ""};
    int n = snprintf(g->by, sizeof g->by, "num_bits %lld", (long long)g->bits);
    if (g->group)
        n += snprintf(g->by + n, sizeof g->by - (size_t)n, " and group_size %lld",
                      (long long)g->group);
    snprintf(g->by + n, sizeof g->by - (size_t)n, " of quantization_config.config_groups");
    return !mx_failed();
}

/* --- shapes ---------------------------------------------------------------------------------- */

/* Of strategy "tensor": one number for the whole matrix. */
static bool is_one(const mx_model_tensor *t) {
    bool one = true;
    for (int i = 0; i < t->shape.ndim; i++)
        one = one && t->shape.dim[i] == 1;
    return one;
}

/* Packed down the columns as codes are along the rows, or as they are; beside one scale one. */
static bool zeros_shape(const mx_model *m, const mx_model_tensor *zeros,
                        const mx_packed_grouping *g, int64_t rows, int64_t groups, bool one) {
    const char *s = zeros->held.storage;
    if (s && strcmp(s, "int8") == 0)
        return (one && is_one(zeros)) || mx_packed_has_shape(m, zeros, g->by, rows, groups);
    return mx_packed_are_words(m, zeros) &&
           mx_packed_has_shape(m, zeros, g->by, rows * g->bits / 32, groups) &&
           (rows % 32 == 0 ||
            mx_packed_fail(m, zeros, "it is of %lld rows: a multiple of 32 was expected",
                           (long long)rows));
}

/* `in` columns, whose codes t holds. */
static bool signed_parts(const mx_model *m, const mx_model_tensor *t, const mx_packed_grouping *g,
                         int64_t in, mx_packed_shape *out) {
    const mx_model_tensor *scales = mx_packed_need(m, t, "weight_scale");
    const mx_model_tensor *shape = mx_packed_beside(m, t, "weight_shape"),
                          *zeros = mx_packed_beside(m, t, "weight_zero_point");
    int64_t rows = mx_packed_rows(t);
    if (!scales)
        return false;
    bool one = is_one(scales) && mx_packed_groups(g, in, 1) == 1;
    int64_t groups = one ? 1 : mx_packed_groups(g, in, mx_packed_columns(scales));
    *out = (mx_packed_shape){(int)rows, (int)in, scales->held.dtype};
    if (!zeros && json_is_false(mx_packed_weights_option(m, "symmetric")))
        return mx_packed_need(m, t, "weight_zero_point") != NULL;
    return mx_packed_are_floats(m, scales) &&
           (one || mx_packed_has_shape(m, scales, g->by, rows, groups)) &&
           mx_packed_check_groups(m, scales, g, in, groups) &&
           (!zeros || zeros_shape(m, zeros, g, rows, groups, one)) &&
           (!shape || mx_packed_has_shape(m, shape, "the codes beside it", 2, 0)) &&
           mx_packed_check_index(m, mx_packed_beside(m, t, "weight_g_idx"), in);
}

static bool signed_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    mx_packed_grouping g;
    return read_signed(m, &g) && mx_packed_check_codes(m, t, &g, mx_packed_columns(t)) &&
           mx_packed_are_words(m, t) &&
           signed_parts(m, t, &g, mx_packed_columns(t) * 32 / g.bits, out);
}

/* --- reading --------------------------------------------------------------------------------- */

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

/* One for all rows is one for each. */
static mx_array *for_rows(mx_array *a, int rows) {
    if (!a || a->size != 1)
        return a;
    return mx_broadcast_to(mx_reshape(a, (const int[]){1, 1}, 2), (const int[]){rows, 1}, 2);
}

static mx_array *read_zeros(const mx_model *m, const mx_model_tensor *zeros,
                            const mx_model_tensor *t, const mx_packed_grouping *g) {
    mx_array *raw = mx_packed_part(m, t, "weight_zero_point", true);
    if (raw && strcmp(zeros->held.storage, "int8") == 0)
        return mx_add_s(mx_astype(raw, MX_FLOAT32), 1 << (g->bits - 1));
    mx_array *turned = mx_contiguous(mx_transpose(mx_view_as(raw, MX_UINT32)), false);
    return mx_transpose(mx_packed_codes(turned, (int)g->bits));
}

/* (out, groups), the half added; beside `symmetric` all may be 0. */
static mx_array *signed_zeros(const mx_model *m, const mx_model_tensor *t,
                              const mx_packed_grouping *g, mx_array *scale) {
    const mx_model_tensor *zeros = mx_packed_beside(m, t, "weight_zero_point");
    float half = (float)(1 << (g->bits - 1));
    if (!zeros)
        return scale ? mx_full_s(scale->shape, 2, (double)half, MX_FLOAT32) : NULL;
    mx_array *zero = read_zeros(m, zeros, t, g);
    if (json_is_true(mx_packed_weights_option(m, "symmetric")) &&
        !mx_packed_check_zeros(m, zeros, mx_add_s(zero, (double)-half), 0,
                               "symmetric of quantization_config.config_groups"))
        return NULL;
    return scale ? for_rows(zero, scale->shape[0]) : NULL;
}

/* words (out, in bits / 32) of codes with the half added */
static bool read_words(const mx_model *m, const mx_model_tensor *t, mx_array *words,
                       const mx_packed_grouping *g, mx_packed *out) {
    int rows = words ? words->shape[0] : 0;
    int64_t in = words ? (int64_t)words->shape[1] * 32 / g->bits : 0;
    mx_array *all = words ? mx_packed_part(m, t, "weight_scale", false) : NULL;
    mx_array *scale = all ? for_rows(mx_astype(all, MX_FLOAT32), rows) : NULL;
    mx_array *zero = scale && check_said(m, t, rows, in) ? signed_zeros(m, t, g, scale) : NULL;
    mx_array *index =
        zero ? mx_packed_permutation(m, t, "weight_g_idx", scale->shape[1], true) : NULL;
    if (!zero || mx_failed())
        return false;
    return index ? mx_packed_set_dense(words, scale, zero, index, (int)g->bits, out)
                 : mx_packed_set_words(words, scale, zero, (int)g->bits, out);
}

static bool signed_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    mx_packed_grouping g;
    mx_array *q = mx_packed_part(m, t, "weight_packed", true);
    return q && read_signed(m, &g) && read_words(m, t, mx_view_as(q, MX_UINT32), &g, out);
}

const mx_packing mx_packing_signed = {signed_shape, signed_read};

/* Codes that are not packed. */
static bool int8_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    mx_packed_grouping g;
    if (!read_signed(m, &g))
        return false;
    if (g.bits != 8)
        return mx_packed_fail(m, t, "it holds int8, and %s", g.by);
    return mx_packed_check_codes(m, t, &g, mx_packed_columns(t) / 4) &&
           signed_parts(m, t, &g, mx_packed_columns(t), out);
}

static bool int8_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    mx_packed_grouping g;
    mx_array *q = mx_packed_part(m, t, "weight", true);
    if (!q || !read_signed(m, &g))
        return false;
    mx_array *codes = mx_bitwise_xor(mx_view_as(q, MX_UINT8), mx_scalar(128, MX_UINT8));
    mx_array *words = mx_view_as(mx_contiguous(codes, false), MX_UINT32);
    return read_words(m, t, words, &g, out);
}

const mx_packing mx_packing_int8 = {int8_shape, int8_read};
