/* What config.json says of packed modules, and their parts: see parts.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/convert/packed/parts.h"
#include "ops/ops.h"

static const char op[] = "convert";

/* --- config.json ----------------------------------------------------------------------------- */

json_t *mx_packed_option(const mx_model *m, const mx_model_tensor *t, const char *keys) {
    json_t *all = json_object_get(m->config, "quantization_config");
    json_t *own = t && t->own ? mx_json_at(t->own, keys) : NULL;
    return own ? own : json_is_object(all) ? mx_json_at(all, keys) : NULL;
}

bool mx_packed_refuse(const mx_model *m, const char *key, const char *why) {
    char path[256];
    snprintf(path, sizeof path, "quantization_config%s%s", key ? "." : "", key ? key : "");
    json_t *v = mx_json_at(m->config, path);
    char *text = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
    mx_fail(MX_UNSUPPORTED, "[%s] '%s/config.json': %s is %.80s: %s", op, m->folder, path,
            text ? text : "not given", why);
    free(text);
    return false;
}

bool mx_packed_int(const mx_model *m, const mx_model_tensor *t, const char *keys, int64_t *out) {
    char key[64];
    for (const char *k = keys; k; k = strchr(k, '|'), k = k ? k + 1 : NULL) {
        snprintf(key, sizeof key, "%.*s", (int)strcspn(k, "|"), k);
        json_t *v = mx_packed_option(m, t, key);
        if (v && !json_is_integer(v))
            return mx_packed_refuse(m, key, "a whole number was expected");
        if (v)
            *out = json_integer_value(v);
    }
    return true;
}

static bool is_of_integers(const json_t *weights) {
    const char *type = json_string_value(json_object_get(weights, "type"));
    return json_is_object(weights) && (!type || strcmp(type, "int") == 0);
}

bool mx_packed_all_say(const mx_model *m, const char *key, json_t **out) {
    json_t *groups = mx_packed_option(m, NULL, "config_groups"), *group;
    const char *name;
    bool found = false;
    *out = NULL;
    json_object_foreach(groups, name, group) {
        json_t *weights = json_object_get(group, "weights"), *v = json_object_get(weights, key);
        v = json_is_null(v) ? NULL : v;
        if (!is_of_integers(weights))
            continue;
        if (found && v != *out && !(v && *out && json_equal(v, *out)))
            return mx_fail(MX_UNSUPPORTED,
                           "[%s] '%s/config.json': groups of quantization_config.config_groups "
                           "say different things of weights.%s, which is not understood",
                           op, m->folder, key);
        found = true;
        *out = v;
    }
    return true;
}

json_t *mx_packed_weights_option(const mx_model *m, const char *key) {
    json_t *v;
    return mx_packed_all_say(m, key, &v) ? v : NULL;
}

bool mx_packed_is_of_inputs(const char *part) {
    return mx_name_is_of(part, "input_scale|input_zero_point|input_global_scale|output_scale|"
                               "output_zero_point|q_scale|k_scale|v_scale|k_zero_point|"
                               "v_zero_point|prob_scale");
}

/* --- tensors --------------------------------------------------------------------------------- */

bool mx_packed_fail(const mx_model *m, const mx_model_tensor *part, const char *format, ...) {
    char text[512];
    va_list list;
    if (!part) // it was looked for without memory
        return false;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s', packed by %s: %s", op, m->label, part->name,
                   m->method, text);
}

const mx_model_tensor *mx_packed_beside(const mx_model *m, const mx_model_tensor *t,
                                        const char *part) {
    return mx_model_find(m, t->place.row, t->place.layer, t->place.expert, part);
}

const mx_model_tensor *mx_packed_need(const mx_model *m, const mx_model_tensor *t,
                                      const char *part) {
    const mx_model_tensor *found = mx_packed_beside(m, t, part);
    if (!found)
        mx_packed_fail(m, t, "the %s beside it is missing", part);
    return found;
}

mx_array *mx_packed_part(const mx_model *m, const mx_model_tensor *t, const char *part,
                         bool stored) {
    const mx_model_tensor *found = mx_packed_need(m, t, part);
    return found ? mx_archive_read(m->archive, (size_t)found->part[0], stored) : NULL;
}

bool mx_packed_has_shape(const mx_model *m, const mx_model_tensor *part, const char *by,
                         int64_t rows, int64_t columns) {
    char is[128];
    const mx_shape *s = &part->shape;
    if (columns ? s->ndim == 2 && s->dim[0] == rows && s->dim[1] == columns
                : s->ndim == 1 && s->dim[0] == rows)
        return true;
    return mx_packed_fail(m, part, "it has shape %s, and (%lld%s%.0lld) was expected by %s",
                          mx_shape_text(is, sizeof is, s->dim, s->ndim), (long long)rows,
                          columns ? "," : "", (long long)columns, by);
}

bool mx_packed_are_words(const mx_model *m, const mx_model_tensor *part) {
    const char *s = part->held.storage;
    return mx_name_is_of(s ? s : "", "int32|uint32") ||
           mx_packed_fail(m, part, "it holds %s: words of 32 bits were expected", s);
}

bool mx_packed_are_floats(const mx_model *m, const mx_model_tensor *part) {
    const char *s = part->held.storage;
    return mx_name_is_of(s ? s : "", "float16|bfloat16|float32") ||
           mx_packed_fail(m, part,
                          "it holds %s: scales of float16, bfloat16 or float32 were "
                          "expected",
                          s);
}

bool mx_packed_check_zeros(const mx_model *m, const mx_model_tensor *zeros, mx_array *zero,
                           float want, const char *why) {
    mx_array *rows = mx_contiguous(zero, false);
    if (!rows || !mx_eval1(rows))
        return false;
    const float *v = (const float *)(const void *)rows->data;
    for (int64_t i = 0; i < rows->size; i++)
        if (v[i] != want)
            return mx_packed_fail(m, zeros, "a zero point is %g, which is %g by %s", (double)v[i],
                                  (double)want, why);
    return true;
}
