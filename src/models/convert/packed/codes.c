/* Codes of integers in groups of columns, made words or dense numbers: see codes.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/convert/packed/codes.h"
#include "ops/ops.h"

/* --- sizes ----------------------------------------------------------------------------------- */

int64_t mx_packed_rows(const mx_model_tensor *t) {
    return t->shape.ndim == 2 ? t->shape.dim[0] : 0;
}

int64_t mx_packed_columns(const mx_model_tensor *t) {
    return t->shape.ndim == 2 ? t->shape.dim[1] : 0;
}

int64_t mx_packed_groups(const mx_packed_grouping *g, int64_t in, int64_t said) {
    return g->group > 0 ? (in + g->group - 1) / g->group : g->group < 0 ? 1 : said;
}

bool mx_packed_check_groups(const mx_model *m, const mx_model_tensor *scales,
                            const mx_packed_grouping *g, int64_t in, int64_t groups) {
    return (groups > 0 && in % groups == 0 && in / groups % 32 == 0) ||
           mx_packed_fail(m, scales,
                          "%lld columns by %s are in %lld groups: groups of 32, or multiples of "
                          "it, were expected",
                          (long long)in, g->by, (long long)groups);
}

bool mx_packed_check_codes(const mx_model *m, const mx_model_tensor *codes,
                           const mx_packed_grouping *g, int64_t words) {
    int64_t in = words * 32 / g->bits;
    return (in > 0 && words * 32 % g->bits == 0 && in % 32 == 0 && in <= INT32_MAX) ||
           mx_packed_fail(m, codes, "%lld words are no row of %lld bits a code", (long long)words,
                          (long long)g->bits);
}

bool mx_packed_check_index(const mx_model *m, const mx_model_tensor *index, int64_t in) {
    const char *s = index ? index->held.storage : "";
    return !index ||
           (mx_packed_has_shape(m, index, "the codes beside it", in, 0) &&
            (mx_name_is_of(s, "int32|int64|uint32") ||
             mx_packed_fail(m, index, "it holds %s: numbers of groups were expected", s)));
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

mx_array *mx_packed_permutation(const mx_model *m, const mx_model_tensor *t, const char *part,
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

/* As words of scale 1. */
mx_array *mx_packed_codes(mx_array *words, int bits) {
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

bool mx_packed_set_words(mx_array *words, mx_array *scale, mx_array *zero, int bits,
                         mx_packed *out) {
    if (!words || !scale || !zero)
        return false;
    int64_t each = (int64_t)words->shape[1] * 32 / bits / scale->shape[1];
    int group = group_of(each), times = (int)(each / group);
    mx_array *bias = mx_negative(mx_mul(scale, zero));
    out->held = mx_elements_words((mx_quant_format){MX_AFFINE, bits, group}, MX_FLOAT32);
    out->parts = (mx_parts){{words, mx_repeat(scale, times, 1), mx_repeat(bias, times, 1)}};
    return !mx_failed();
}

bool mx_packed_set_dense(mx_array *words, mx_array *scale, mx_array *zero, mx_array *index,
                         int bits, mx_packed *out) {
    mx_array *shift = mx_take(zero, index, 1), *by = mx_take(scale, index, 1);
    out->held = mx_elements_plain(MX_FLOAT32);
    out->parts = (mx_parts){{mx_mul(mx_sub(mx_packed_codes(words, bits), shift), by)}};
    return !mx_failed();
}
