/* Adapters' folders: see adapter.h. */
#include "models/train/adapter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "io/io.h"
#include "ops/ops.h"

static const char op[] = "adapter";

/* --- the config ------------------------------------------------------------------------------ */

static bool read_kind(const char *path, const json_t *config, mx_tune_kind *out) {
    json_t *said = mx_json_at(config, "fine_tune_type");
    const char *kind = said ? json_string_value(said) : "lora";
    if (!json_is_object(config))
        return mx_fail(MX_FORMAT, "[%s] '%s' holds no object", op, path);
    if (!kind)
        return mx_fail(MX_FORMAT, "[%s] '%s': fine_tune_type is no text", op, path);
    if (json_object_get(config, "peft_type"))
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s' is PEFT's: adapters as mlx_lm.lora writes them are read", op,
                       path);
    return mx_tune_kind_named(kind, out) ||
           mx_fail(MX_FORMAT,
                   "[%s] '%s': fine_tune_type '%.80s' is none of lora, dora, full, scales", op,
                   path, kind);
}

static bool read_number(const char *path, const json_t *config, const char *key, double *out) {
    json_t *v = mx_json_at(config, key);
    if (!json_is_number(v))
        return mx_fail(MX_FORMAT, "[%s] '%s': %s is no number", op, path, key);
    *out = json_number_value(v);
    return true;
}

static bool read_spec(const char *path, const json_t *config, mx_tune_spec *out) {
    double rank = 1, scale = 1;
    *out = (mx_tune_spec){.layers = -1, .rank = 1};
    if (!read_kind(path, config, &out->kind))
        return false;
    if (mx_tune_adds(out->kind) && (!read_number(path, config, "lora_parameters.rank", &rank) ||
                                    !read_number(path, config, "lora_parameters.scale", &scale)))
        return false;
    if (!(rank >= 1 && rank <= 1 << 16 && rank == (int)rank))
        return mx_fail(MX_FORMAT, "[%s] '%s': a rank of %g", op, path, rank);
    if (!isfinite((float)scale))
        return mx_fail(MX_FORMAT, "[%s] '%s': a scale of %g", op, path, scale);
    out->rank = (int)rank;
    out->scale = (float)scale;
    return true;
}

/* --- tensors --------------------------------------------------------------------------------- */

/* "a.b.lora_a": the role, and where the part begins; false: none. */
static bool role_of(const char *name, mx_tune_kind kind, mx_role *role, size_t *length) {
    const char *dot = strrchr(name, '.');
    mx_role first, last;
    mx_tune_roles(kind, &first, &last);
    *length = dot ? (size_t)(dot - name) : 0;
    for (mx_role r = first; dot && r <= last; r++)
        if (strcmp(dot + 1, mx_role_name(r)) == 0) {
            *role = r;
            return true;
        }
    return false;
}

static bool find_place(const mx_tune *t, const char *module, mx_place *out) {
    const char *before = t->decoder->family->module;
    mx_text name = {0};
    if (before && strncmp(module, before, strlen(before)) == 0)
        module += strlen(before);
    mx_text_add(&name, "%s.weight", module);
    char *full = mx_text_take(&name);
    bool found = full && (mx_family_find(t->decoder->family, MX_NAMED_MLX, full, out) ||
                          mx_family_find(t->decoder->family, MX_NAMED_HF, full, out));
    mx_free(full);
    return found;
}

static mx_tune_module *module_of(mx_tune *t, const mx_place *p, const char *name) {
    for (int i = 0; i < t->modules; i++)
        if (t->module[i].row == p->row && t->module[i].layer == p->layer)
            return &t->module[i];
    return mx_tune_add_module(t, p->row, p->layer, name);
}

static bool add_module(mx_tune *t, const char *path, const char *name, mx_role *role) {
    size_t n;
    mx_place place;
    if (!role_of(name, t->spec.kind, role, &n))
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': '%.200s' is nothing that a %s adapter has", op,
                       path, name, mx_tune_kinds[t->spec.kind]);
    mx_text text = {0};
    mx_text_put(&text, name, n);
    char *module = mx_text_take(&text);
    bool ok = module && (find_place(t, module, &place) ||
                         mx_fail(MX_FORMAT, "[%s] '%s': '%s' has no module '%.200s'", op, path,
                                 t->decoder->name, module));
    ok = ok && module_of(t, &place, module);
    mx_free(module);
    return ok;
}

static bool check_shape(const mx_tune *t, const char *path, const mx_param *p, const mx_array *a) {
    char got[128], want[128];
    mx_shape s = mx_tune_shape(t, &t->module[p->module], p->role);
    if (!mx_dtype_is_float(mx_dtype_of(a)))
        return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' is %s, and has to be of floating point", op,
                       path, p->name, mx_dtype_name(mx_dtype_of(a)));
    if (mx_shape_is(a, s.dim, s.ndim))
        return true;
    return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' is %s %s, %s was expected", op, path, p->name,
                   mx_dtype_name(mx_dtype_of(a)), mx_shape_text(got, sizeof got, a->shape, a->ndim),
                   mx_shape_text(want, sizeof want, s.dim, s.ndim));
}

/* One that is no number would make all weights it is added to none. */
static bool check_values(const char *path, const mx_param *p) {
    const float *v = (const float *)(const void *)p->value->data;
    for (int64_t i = 0; i < p->value->size; i++)
        if (!isfinite(v[i]))
            return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' has a value that is %s", op, path,
                           p->name, isnan(v[i]) ? "NaN" : "infinite");
    return true;
}

/* Is it a param's, under whatever name its module may have? */
static bool is_named(const mx_tune *t, const mx_param *p, const char *name) {
    const mx_tune_module *m = &t->module[p->module];
    size_t n;
    mx_role role;
    mx_place place;
    mx_text text = {0};
    if (!role_of(name, t->spec.kind, &role, &n) || role != p->role)
        return false;
    mx_text_put(&text, name, n);
    char *module = mx_text_take(&text);
    bool is =
        module && find_place(t, module, &place) && place.row == m->row && place.layer == m->layer;
    mx_free(module);
    return is;
}

static mx_array *array_of(const mx_tune *t, const mx_param *p, const mx_map *arrays) {
    mx_array *a = mx_map_get(arrays, p->name);
    for (size_t i = 0; !a && i < arrays->count; i++)
        if (is_named(t, p, arrays->entry[i].key))
            a = arrays->entry[i].value;
    return a;
}

static bool take_value(mx_tune *t, const char *path, mx_param *p, const mx_map *arrays) {
    mx_array *a = array_of(t, p, arrays);
    bool ok = a ? check_shape(t, path, p, a)
                : mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' is missing", op, path, p->name) != NULL;
    mx_scope scope = mx_scope_open();
    ok = ok && mx_param_set(p, mx_tune_rows(t, p, mx_astype(a, MX_FLOAT32), true)) &&
         check_values(path, p);
    mx_scope_close(scope);
    return ok;
}

static bool take_values(mx_tune *t, const char *path, const mx_map *arrays) {
    bool ok = true;
    for (int i = 0; ok && i < t->params; i++)
        ok = take_value(t, path, &t->param[i], arrays);
    return ok;
}

/* What nobody takes would be lost. */
static bool all_taken(const mx_tune *t, const char *path, const mx_map *arrays) {
    for (size_t i = 0; i < arrays->count; i++) {
        const char *name = arrays->entry[i].key;
        size_t length;
        mx_role role;
        int n = 0;
        if (!role_of(name, t->spec.kind, &role, &length))
            return mx_fail(MX_FORMAT,
                           "[%s] '%s': '%.200s' is nothing that a %s adapter has: fine_tune_type "
                           "was another",
                           op, path, name, mx_tune_kinds[t->spec.kind]);
        while (n < t->params && strcmp(t->param[n].name, name))
            n++;
        for (int k = 0; n == t->params && k < t->params; k++)
            n = is_named(t, &t->param[k], name) ? k : n;
        if (n == t->params)
            return mx_fail(MX_FORMAT,
                           "[%s] '%s': '%.200s' is of a matrix that num_layers and keys leave out",
                           op, path, name);
    }
    return true;
}

bool mx_adapter_load(mx_tune *t, const char *path) {
    mx_map arrays = {0};
    mx_scope scope = mx_scope_open();
    bool ok = mx_load_safetensors(path, false, &arrays, NULL) && take_values(t, path, &arrays) &&
              all_taken(t, path, &arrays);
    mx_scope_close(scope);
    mx_free_arrays(&arrays);
    return ok;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Every module of the file, each with all of its params. */
static bool add_params(mx_tune *t, const char *path, const mx_map *arrays) {
    bool ok = true, full = t->spec.kind == MX_TUNE_FULL;
    mx_role role, first, last;
    mx_tune_roles(t->spec.kind, &first, &last);
    for (size_t i = 0; ok && i < arrays->count; i++)
        ok = add_module(t, path, arrays->entry[i].key, &role);
    for (int m = 0; ok && m < t->modules; m++)
        for (mx_role r = first; ok && r <= last; r++) {
            mx_text name = {0};
            mx_text_add(&name, "%s.%s", t->module[m].name, mx_role_name(r));
            ok = (full && !mx_map_has(arrays, mx_text_view(&name))) ||
                 mx_tune_add_param(t, &t->module[m], r);
            mx_text_free(&name);
        }
    return ok && (t->modules || mx_fail(MX_FORMAT, "[%s] '%s' has no tensors", op, path));
}

static bool read_tensors(mx_tune *t, const char *path) {
    mx_map arrays = {0};
    mx_scope scope = mx_scope_open();
    bool ok = mx_load_safetensors(path, false, &arrays, NULL) && add_params(t, path, &arrays) &&
              take_values(t, path, &arrays);
    mx_scope_close(scope);
    mx_free_arrays(&arrays);
    return ok;
}

/* Scales are those of words of so many bits. */
static bool check_bits(const mx_tune *t, const char *path, const json_t *config) {
    const json_t *all = json_object_get(config, "bits");
    bool ok = true;
    for (int i = 0; ok && t->spec.kind == MX_TUNE_SCALES && i < t->modules; i++) {
        const mx_tune_module *m = &t->module[i];
        json_int_t bits = json_integer_value(json_object_get(all, m->name));
        ok = bits == m->part[0]->bits ||
             mx_fail(MX_FORMAT, "[%s] '%s': %.200s has scales of %d bits, and in '%s' it has %d",
                     op, path, m->name, (int)bits, t->decoder->name, m->part[0]->bits);
    }
    return ok;
}

/* Is a module one of those that the keys name? Other programs would leave it out. */
static bool check_key(const char *path, const json_t *keys, const mx_tune_module *m) {
    char start[48];
    int n = snprintf(start, sizeof start, ".%d.", m->layer);
    const char *at = strstr(m->name, start), *key = at ? at + n : m->name;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *one = json_string_value(json_array_get(keys, i));
        if (one && strcmp(one, key) == 0)
            return true;
    }
    return mx_fail(MX_FORMAT, "[%s] '%s': %.200s is changed, and lora_parameters.keys lack '%s'",
                   op, path, m->name, key);
}

static bool check_layer(const mx_tune *t, const char *path, json_int_t layers,
                        const mx_tune_module *m) {
    return layers <= 0 || m->layer >= t->decoder->layers - layers ||
           mx_fail(
               MX_FORMAT,
               "[%s] '%s': %.200s is changed, and num_layers %lld is of the last of %lld layers",
               op, path, m->name, (long long)layers, (long long)t->decoder->layers);
}

/* Does the config say of the same modules that they are changed? */
static bool check_modules(const mx_tune *t, const char *path, const json_t *config) {
    json_t *keys = mx_json_at(config, "lora_parameters.keys"),
           *layers = mx_json_at(config, "num_layers");
    bool ok = true;
    if (!mx_tune_adds(t->spec.kind))
        return true;
    if (keys && !json_is_array(keys))
        return mx_fail(MX_FORMAT, "[%s] '%s': lora_parameters.keys is no list", op, path);
    if (layers && !json_is_integer(layers))
        return mx_fail(MX_FORMAT, "[%s] '%s': num_layers is no whole number", op, path);
    for (int i = 0; ok && i < t->modules; i++)
        ok = (!keys || check_key(path, keys, &t->module[i])) &&
             check_layer(t, path, json_integer_value(layers), &t->module[i]);
    return ok;
}

static bool read_both(mx_tune *t, mx_decoder *d, const char *config_path, const char *path) {
    json_t *config = mx_json_load(op, config_path);
    bool ok = config && read_spec(config_path, config, &t->spec) &&
              (t->decoder = mx_decoder_derive(d)) && read_tensors(t, path) &&
              check_bits(t, config_path, config) && check_modules(t, config_path, config);
    json_decref(config);
    return ok;
}

bool mx_adapter_read(mx_tune *t, mx_decoder *d, const char *folder) {
    char *config = mx_text_path(folder, MX_ADAPTER_CONFIG);
    char *path = mx_text_path(folder, MX_ADAPTER_FILE);
    *t = (mx_tune){0};
    bool ok = config && path && read_both(t, d, config, path);
    mx_free(config);
    mx_free(path);
    return ok;
}

mx_decoder *mx_adapter_open(mx_decoder *d, const char *folder) {
    mx_tune t;
    bool ok = mx_adapter_read(&t, d, folder) && mx_tune_settle(&t);
    mx_decoder *made = ok ? mx_decoder_retain(t.decoder) : NULL;
    mx_tune_close(&t);
    return made;
}

/* --- writing --------------------------------------------------------------------------------- */

static bool put_values(const mx_tune *t, mx_map *arrays) {
    bool ok = true;
    for (int i = 0; ok && i < t->params; i++) {
        const mx_param *p = &t->param[i];
        void *former = NULL;
        mx_array *a = mx_astype(mx_tune_rows(t, p, p->value, false), p->kept);
        ok = a && mx_map_set(arrays, p->name, mx_array_retain(a), &former);
        if (!ok)
            mx_array_release(a);
        mx_array_release(former);
    }
    return ok;
}

bool mx_adapter_save(const mx_tune *t, const char *path) {
    mx_map arrays = {0};
    mx_scope scope = mx_scope_open();
    bool ok = put_values(t, &arrays) && mx_save_safetensors(path, &arrays, NULL);
    mx_scope_close(scope);
    mx_free_arrays(&arrays);
    return ok;
}

static bool add_key(const mx_tune *t, json_t *keys, int module) {
    const char *name = t->module[module].name;
    const char *pattern = mx_row_pattern(t->module[module].row, MX_NAMED_MLX);
    const char *layer = strstr(pattern, "{n}.");
    size_t n = strlen(name), m = layer ? strlen(layer + 4) : n;
    const char *key = n >= m ? name + n - m : name;
    for (size_t i = 0; i < json_array_size(keys); i++)
        if (strcmp(json_string_value(json_array_get(keys, i)), key) == 0)
            return true;
    return json_array_append_new(keys, json_string(key)) == 0;
}

static json_t *parameters_of(const mx_tune *t) {
    json_t *keys = json_array();
    for (int i = 0; keys && i < t->modules; i++)
        if (!add_key(t, keys, i)) {
            json_decref(keys);
            return NULL;
        }
    return json_pack("{s:i, s:f, s:f, s:o}", "rank", t->spec.rank, "scale", (double)t->spec.scale,
                     "dropout", (double)t->spec.dropout, "keys", keys);
}

static json_t *bits_of(const mx_tune *t) {
    json_t *all = json_object();
    for (int i = 0; all && i < t->modules; i++)
        if (json_object_set_new(all, t->module[i].name, json_integer(t->module[i].part[0]->bits))) {
            json_decref(all);
            return NULL;
        }
    return all;
}

json_t *mx_adapter_config(const mx_tune *t, const json_t *more) {
    json_t *all = more ? json_copy((json_t *)(uintptr_t)more) : json_object();
    bool ok =
        json_object_set_new(all, "fine_tune_type", json_string(mx_tune_kinds[t->spec.kind])) == 0 &&
        json_object_set_new(all, "num_layers", json_integer(t->spec.layers)) == 0 &&
        (t->spec.kind != MX_TUNE_SCALES || json_object_set_new(all, "bits", bits_of(t)) == 0) &&
        (!mx_tune_adds(t->spec.kind) ||
         json_object_set_new(all, "lora_parameters", parameters_of(t)) == 0);
    if (ok)
        return all;
    json_decref(all);
    return mx_fail_nomem(op, 0);
}

static bool write_text(const char *path, const char *text) {
    mx_writer *w = mx_writer_open(op, path);
    if (!w)
        return false;
    if (mx_writer_put(w, text, strlen(text)))
        return mx_writer_commit(w);
    mx_writer_abandon(w);
    return false;
}

bool mx_adapter_save_config(const json_t *config, const char *folder) {
    char *text = mx_json_text(config), *path = mx_text_path(folder, MX_ADAPTER_CONFIG);
    bool ok = text && path && write_text(path, text);
    mx_free(path);
    mx_free(text);
    return ok;
}
