/* Which packer a module is of, and what it is made of: see packed.h. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "models/convert/packed/parts.h"
#include "ops/ops.h"

static const char op[] = "convert";

/* --- config.json ----------------------------------------------------------------------------- */

/* Nothing, or one of these words. */
static bool is_of(const mx_model *m, const char *key, const char *words) {
    char why[200];
    json_t *v = mx_packed_option(m, NULL, key);
    const char *text = json_string_value(v);
    char small[32];
    snprintf(small, sizeof small, "%s", text ? text : "");
    for (char *p = small; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    if (!v || (text && strlen(text) < sizeof small && mx_name_is_of(small, words)))
        return true;
    snprintf(why, sizeof why, "of those only %s can be read", words);
    return mx_packed_refuse(m, key, why);
}

/* Nothing, or what says as much. */
static bool is_unused(const mx_model *m, const char *key) {
    json_t *v = mx_packed_option(m, NULL, key);
    bool empty = !v || json_is_false(v) || (json_is_array(v) && !json_array_size(v)) ||
                 (json_is_object(v) && !json_object_size(v));
    return empty || mx_packed_refuse(m, key, "numbers would be others, and it is not understood");
}

static bool is_flag(const mx_model *m, const char *key) {
    json_t *v = mx_packed_option(m, NULL, key);
    return !v || json_is_boolean(v) || mx_packed_refuse(m, key, "true or false was expected");
}

/* Columns of a group; -1: all of a row. */
static bool check_group(const mx_model *m, const char *keys) {
    int64_t n = -1;
    return mx_packed_int(m, NULL, keys, &n) &&
           ((n > 0 && n <= INT32_MAX) || n == -1 ||
            mx_packed_refuse(
                m, mx_packed_option(m, NULL, "group_size") ? "group_size" : "q_group_size",
                "columns of a group, or -1 for all, were expected"));
}

/* --- what is said of a method ----------------------------------------------------------------- */

static bool check_gptq(const mx_model *m) {
    int64_t bits = 4;
    const char *format = json_string_value(mx_packed_option(m, NULL, "checkpoint_format")),
               *other = json_string_value(mx_packed_option(m, NULL, "format"));
    if (!is_of(m, "checkpoint_format", "gptq|gptq_v2") || !is_of(m, "format", "gptq|gptq_v2") ||
        !is_unused(m, "is_marlin_format") || !is_unused(m, "adapter") || !is_unused(m, "lora") ||
        !is_unused(m, "rotation") || !is_flag(m, "sym") || !is_flag(m, "desc_act") ||
        !mx_packed_int(m, NULL, "bits", &bits) || !check_group(m, "group_size"))
        return false;
    if (format && other && strcmp(format, other))
        return mx_packed_refuse(m, "format", "checkpoint_format is another");
    return bits == 2 || bits == 3 || bits == 4 || bits == 8 ||
           mx_packed_refuse(m, "bits", "2, 3, 4 or 8 bits were expected");
}

/* Of the versions, gemv and marlin lay words out otherwise. */
static bool check_awq(const mx_model *m) {
    int64_t bits = 4;
    if (!is_of(m, "version", "gemm|exllama") || !is_flag(m, "zero_point") ||
        !mx_packed_int(m, NULL, "bits|w_bit", &bits) || !check_group(m, "group_size|q_group_size"))
        return false;
    if (json_is_false(mx_packed_option(m, NULL, "zero_point")))
        return mx_packed_refuse(m, "zero_point", "zero points were expected");
    return bits == 4 || mx_packed_refuse(m, mx_packed_option(m, NULL, "bits") ? "bits" : "w_bit",
                                         "4 bits were expected");
}

static bool check_float8(const mx_model *m) {
    json_t *size = mx_packed_option(m, NULL, "weight_block_size");
    bool two = json_array_size(size) == 2;
    if (!is_of(m, "fmt", "e4m3|e5m2"))
        return false;
    for (size_t i = 0; two && i < 2; i++) {
        json_int_t n = json_integer_value(json_array_get(size, i));
        two = n > 0 && n <= INT32_MAX;
    }
    return !size || two ||
           mx_packed_refuse(m, "weight_block_size", "rows and columns of a block were expected");
}

static bool check_modelopt(const mx_model *m) {
    int64_t group = 16;
    if (!is_of(m, "quant_algo", "fp8|nvfp4") || !mx_packed_int(m, NULL, "group_size", &group))
        return false;
    return group == 16 || mx_packed_refuse(m, "group_size", "nvfp4 has groups of 16");
}

static bool refuse_weights(const mx_model *m, const char *key, const char *why) {
    return mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s/config.json': quantization_config.config_groups: weights.%s: %s", op,
                   m->folder, key, why);
}

static bool check_compressed(const mx_model *m) {
    json_t *bits, *even, *group, *all = mx_packed_option(m, NULL, "config_groups");
    if (all && !json_is_object(all))
        return mx_packed_refuse(m, "config_groups", "an object of groups was expected");
    if (!is_of(m, "format",
               "pack-quantized|int-quantized|float-quantized|naive-quantized|"
               "nvfp4-pack-quantized|mixed-precision|dense") ||
        !is_unused(m, "sparsity_config") || !is_unused(m, "transform_config") ||
        !mx_packed_all_say(m, "num_bits", &bits) || !mx_packed_all_say(m, "symmetric", &even) ||
        !mx_packed_all_say(m, "group_size", &group))
        return false;
    json_int_t n = json_integer_value(bits);
    if (bits && n != 4 && n != 8)
        return refuse_weights(m, "num_bits", "4 or 8 bits were expected");
    json_int_t columns = group ? json_integer_value(group) : -1;
    if (columns != -1 && (columns < 1 || columns > INT32_MAX))
        return refuse_weights(m, "group_size", "columns of a group were expected");
    return !even || json_is_boolean(even) ||
           refuse_weights(m, "symmetric", "true or false was expected");
}

static bool check_nothing(const mx_model *m) {
    (void)m;
    return true;
}

/* --- packers --------------------------------------------------------------------------------- */

static const struct packer {
    const char *name;
    bool (*check)(const mx_model *m);
    const char *codes;  /* the part that stands for a module, besides weights of float8 */
    const char *beside; /* parts that belong to it */
} packers[] = {
    {"fp8", check_float8, "", "weight_scale_inv|weight_scale"},
    {"fbgemm_fp8", check_float8, "", "weight_scale"},
    {"gptq", check_gptq, "qweight", "qzeros|scales|g_idx"},
    {"awq", check_awq, "qweight", "qzeros|scales"},
    {"modelopt", check_modelopt, "", "weight_scale|weight_scale_2"},
    {"mxfp4", check_nothing, "", ""},
    {"compressed-tensors", check_compressed, "weight_packed",
     "weight_scale|weight_zero_point|weight_global_scale|weight_shape|weight_g_idx"},
};

static const struct packer *packer_of(const mx_model *m) {
    for (size_t i = 0; m->method && i < sizeof packers / sizeof *packers; i++)
        if (strcmp(packers[i].name, m->method) == 0)
            return &packers[i];
    return NULL;
}

/* What mx.quantize's words say is no packer's. */
static bool is_ours(const json_t *all) {
    return json_object_get(all, "bits") || json_object_get(all, "mode");
}

bool mx_packed_check(const mx_model *m) {
    json_t *all = json_object_get(m->config, "quantization_config");
    json_t *method = json_object_get(all, "quant_method");
    const struct packer *p = packer_of(m);
    if (!all || json_is_null(all))
        return true;
    if (!json_is_object(all))
        return mx_packed_refuse(m, NULL, "an object was expected");
    if (!method && is_ours(all))
        return true;
    if (!json_is_string(method))
        return mx_packed_refuse(m, "quant_method", "the name of a method was expected");
    if (p)
        return p->check(m);
    return mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s/config.json': quantization_config.quant_method: weights quantized by "
                   "'%.80s' are not understood",
                   op, m->folder, m->method);
}

/* --- tensors --------------------------------------------------------------------------------- */

static bool is_stored(const mx_model_tensor *t, const char *start) {
    return t && t->held.storage && strncmp(t->held.storage, start, strlen(start)) == 0;
}

/* How a module is packed, by its codes; NULL: it is plain. */
static const mx_packing *packing_of(const mx_model *m, const mx_model_tensor *t) {
    const char *part = t->place.part, *method = m->method;
    const struct packer *p = t->place.row && part ? packer_of(m) : NULL;
    if (!p || strcmp(method, "mxfp4") == 0)
        return NULL;
    if (strcmp(part, "weight") == 0 && is_stored(t, "float8"))
        return strcmp(method, "gptq") && strcmp(method, "awq") ? &mx_packing_float8 : NULL;
    if (strcmp(part, "weight") == 0 && is_stored(t, "uint8") && !strcmp(method, "modelopt"))
        return &mx_packing_nvfp4;
    if (strcmp(part, "weight") == 0 && is_stored(t, "int8") &&
        !strcmp(method, "compressed-tensors"))
        return &mx_packing_int8;
    if (!*p->codes || strcmp(part, p->codes))
        return NULL;
    if (strcmp(method, "compressed-tensors") == 0)
        return is_stored(t, "uint8") ? &mx_packing_nvfp4 : &mx_packing_signed;
    return strcmp(method, "awq") ? &mx_packing_gptq : &mx_packing_awq;
}

bool mx_packed_is_main(const mx_model *m, const mx_model_tensor *t) {
    return packing_of(m, t) != NULL;
}

bool mx_packed_check_beside(const mx_model *m, const mx_model_tensor *t) {
    static const char *const mains[] = {"qweight", "weight_packed", "weight"};
    const struct packer *p = packer_of(m);
    const mx_model_tensor *codes = NULL;
    if (!p || packing_of(m, t) || mx_packed_is_of_inputs(t->place.part))
        return true;
    if (!mx_name_is_of(t->place.part, p->beside))
        return mx_packed_fail(m, t, "it is not understood");
    for (int i = 0; !codes && i < 3; i++) {
        codes = mx_packed_beside(m, t, mains[i]);
        codes = codes && (codes->packing || packing_of(m, codes)) ? codes : NULL;
    }
    return codes || mx_packed_fail(m, t, "there are no codes beside it");
}

static bool is_turned(const mx_model_tensor *t) {
    return t->place.row->flags & MX_ROW_TURNED;
}

bool mx_packed_describe(const mx_model *m, mx_model_tensor *t) {
    const mx_packing *p = packing_of(m, t);
    mx_packed_shape s = {0};
    if (!p->shape(m, t, &s) || mx_failed())
        return false;
    t->packing = p;
    t->place.part = "weight";
    t->held = mx_elements_plain(MX_FLOAT32);
    t->usual = s.usual;
    t->shape = (mx_shape){.ndim = 2, .dim = {s.out, s.in}};
    if (is_turned(t))
        t->shape = (mx_shape){.ndim = 2, .dim = {s.in, s.out}};
    return true;
}

/* --- reading --------------------------------------------------------------------------------- */

bool mx_packed_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out) {
    *out = (mx_packed){0};
    return t->packing->read(m, t, out) && !mx_failed();
}

mx_array *mx_packed_values(const mx_model *m, const mx_model_tensor *t) {
    mx_packed p;
    if (!mx_packed_read(m, t, &p))
        return NULL;
    mx_array *v = mx_elements_are_plain(&p.held) ? mx_astype(p.parts.part[0], MX_FLOAT32)
                                                 : mx_elements_values(&p.held, p.parts);
    v = p.factor != 0 ? mx_mul_s(v, p.factor) : v;
    return is_turned(t) ? mx_transpose(v) : v;
}
