/* Floats of 8 and 4 bits with scales: see packed.h. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/convert/packed/parts.h"
#include "ops/ops.h"

/* compressed-tensors writes zero points beside floats, too, which say nothing. */
static bool check_blank(const mx_model *m, const mx_model_tensor *t) {
    const mx_model_tensor *zeros = mx_packed_beside(m, t, "weight_zero_point");
    return !zeros ||
           mx_packed_check_zeros(
               m, zeros, mx_astype(mx_packed_part(m, t, "weight_zero_point", false), MX_FLOAT32), 0,
               "the format of quantization_config");
}

/* --- floats of 8 bits ------------------------------------------------------------------------ */

static const char *scale_part(const mx_model *m, const mx_model_tensor *t) {
    return mx_packed_beside(m, t, "weight_scale_inv") ? "weight_scale_inv" : "weight_scale";
}

/* Of what a scale is: `rows` and `columns` of a block; 0: of all. */
typedef struct blocking {
    int64_t rows, columns;
} blocking;

/* Where config.json says nothing, one scale or one a row is that; else blocks are of the usual
   size. */
static blocking blocking_of(const mx_model *m, const mx_shape *w, const mx_shape *s) {
    json_t *size = mx_packed_option(m, NULL, "weight_block_size");
    bool one = s->ndim == 0 || (s->ndim == 1 && s->dim[0] == 1) ||
               (s->ndim == 2 && s->dim[0] == 1 && s->dim[1] == 1);
    bool each = (s->ndim == 1 || (s->ndim == 2 && s->dim[1] == 1)) && s->dim[0] == w->dim[0];
    if (size)
        return (blocking){json_integer_value(json_array_get(size, 0)),
                          json_integer_value(json_array_get(size, 1))};
    return one ? (blocking){0, 0} : each ? (blocking){1, 0} : (blocking){128, 128};
}

static int64_t parts_of(int64_t n, int64_t each) {
    return each ? (n + each - 1) / each : 1;
}

/* "e4m3" of "float8_e4m3" */
static bool is_as_said(const mx_model *m, const mx_model_tensor *t) {
    const char *said = json_string_value(mx_packed_option(m, NULL, "fmt")), *s = t->held.storage;
    size_t n = said ? strlen(said) : 0, k = strlen(s);
    return !said || (n < k && strcmp(s + k - n, said) == 0) ||
           mx_packed_fail(m, t, "it holds %s, and fmt of quantization_config is '%s'", s, said);
}

static bool float8_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    const mx_model_tensor *s = mx_packed_need(m, t, scale_part(m, t));
    if (!s)
        return false;
    if (t->shape.ndim != 2)
        return mx_packed_fail(m, t, "it has %d dimensions: a matrix was expected", t->shape.ndim);
    int64_t rows = t->shape.dim[0], columns = t->shape.dim[1];
    blocking b = blocking_of(m, &t->shape, &s->shape);
    *out = (mx_packed_shape){(int)rows, (int)columns, MX_BFLOAT16};
    return is_as_said(m, t) && mx_packed_are_floats(m, s) &&
           (!b.columns ||
            mx_packed_has_shape(m, s, "weight_block_size of quantization_config",
                                parts_of(rows, b.rows), parts_of(columns, b.columns)));
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
    int times = each < n ? (int)each : n;
    return mx_slice_axis(mx_repeat(scale, times, axis), axis, 0, n);
}

static mx_array *scale_like(mx_array *w, mx_array *scale, blocking b) {
    if (!b.rows)
        return mx_reshape(scale, NULL, 0);
    if (!b.columns)
        return mx_reshape(scale, (const int[]){w->shape[0], 1}, 2);
    return spread(spread(scale, 0, b.rows, w->shape[0]), 1, b.columns, w->shape[1]);
}

static bool float8_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    const mx_model_tensor *s = mx_packed_beside(m, t, scale_part(m, t));
    mx_array *w = mx_astype(mx_packed_part(m, t, "weight", false), MX_FLOAT32);
    mx_array *scale = s && w ? mx_packed_part(m, t, scale_part(m, t), false) : NULL;
    if (!scale || !check_blank(m, t))
        return false;
    scale = mx_astype(scale, MX_FLOAT32);
    bool narrow = scale && are_powers(scale);
    mx_shape shape = {.ndim = 2, .dim = {w->shape[0], w->shape[1]}};
    mx_array *all = mx_mul(w, scale_like(w, scale, blocking_of(m, &shape, &s->shape)));
    out->held = mx_elements_plain(narrow ? MX_BFLOAT16 : MX_FLOAT32);
    out->parts = (mx_parts){{mx_astype(all, out->held.dtype)}};
    return !mx_failed();
}

const mx_packing mx_packing_float8 = {float8_shape, float8_read};

/* --- nvfp4 ----------------------------------------------------------------------------------- */

static bool is_modelopt(const mx_model *m) {
    return strcmp(m->method, "modelopt") == 0;
}

/* modelopt multiplies by it, compressed-tensors divides. */
static const char *factor_part(const mx_model *m) {
    return is_modelopt(m) ? "weight_scale_2" : "weight_global_scale";
}

static bool check_factor(const mx_model *m, const mx_model_tensor *f) {
    bool one = f && (f->shape.ndim == 0 || (f->shape.ndim == 1 && f->shape.dim[0] == 1));
    return f && mx_packed_are_floats(m, f) && (one || mx_packed_fail(m, f, "one was expected"));
}

/* bytes (out, in / 2), scales (out, in / 16) float8, times a factor. */
static bool nvfp4_shape(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out) {
    const mx_model_tensor *s = mx_packed_need(m, t, "weight_scale");
    const mx_model_tensor *f = s ? mx_packed_need(m, t, factor_part(m)) : NULL;
    const mx_shape *w = &t->shape;
    if (!f)
        return false;
    if (w->ndim != 2 || w->dim[1] % 8 || w->dim[1] > INT32_MAX / 2)
        return mx_packed_fail(m, t, "rows of bytes of whole groups of 16 were expected");
    if (!s->held.storage || strcmp(s->held.storage, "float8_e4m3"))
        return mx_packed_fail(m, s, "it holds %s: scales of float8_e4m3 were expected",
                              s->held.storage);
    *out = (mx_packed_shape){w->dim[0], 2 * w->dim[1], MX_BFLOAT16};
    return mx_packed_has_shape(m, s, "the groups of 16 of nvfp4", w->dim[0], w->dim[1] / 8) &&
           check_factor(m, f);
}

static bool nvfp4_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    mx_array *bytes = mx_packed_part(m, t, is_modelopt(m) ? "weight" : "weight_packed", true);
    mx_array *scale = bytes ? mx_packed_part(m, t, "weight_scale", true) : NULL;
    mx_array *factor = scale ? mx_packed_part(m, t, factor_part(m), false) : NULL;
    mx_array *one = factor ? mx_contiguous(mx_astype(factor, MX_FLOAT32), false) : NULL;
    if (!one || !check_blank(m, t) || !mx_eval1(one))
        return false;
    float by = *(const float *)(const void *)one->data;
    out->factor = is_modelopt(m) ? by : 1 / by;
    out->held = mx_elements_words((mx_quant_format){MX_NVFP4, 4, 16}, MX_UINT8);
    out->parts = (mx_parts){{mx_view_as(mx_contiguous(bytes, false), MX_UINT32), scale}};
    return (isfinite(out->factor) && out->factor != 0) ||
           mx_packed_fail(m, mx_packed_beside(m, t, factor_part(m)), "it is no number but 0");
}

const mx_packing mx_packing_nvfp4 = {nvfp4_shape, nvfp4_read};
