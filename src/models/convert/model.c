/* Opening models: see model.h. */
#include "models/convert/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "models/convert/packed/packed.h"
#include "models/convert/tensors.h"
#include "ops/ops.h"

static const char op[] = "convert";

/* --- which family ---------------------------------------------------------------------------- */

/* Is the key there, or is it the number behind "="? */
static bool has_key(const void *archive, const char *key) {
    const mx_archive *a = archive;
    char full[192];
    double v;
    const char *arch = mx_meta_text(&a->meta, "general.architecture"), *is = strchr(key, '=');
    snprintf(full, sizeof full, "%s.%.*s", arch ? arch : "", (int)strcspn(key, "="), key);
    return is ? mx_meta_number(&a->meta, full, &v) && v == atoi(is + 1)
              : mx_map_has(&a->meta, full);
}

static bool fail_family(const char *label, const char *what, const char *name) {
    mx_text t = {0};
    for (size_t i = 0; i < mx_family_count; i++)
        mx_text_add(&t, "%s%s", i ? ", " : "", mx_families[i].name);
    mx_fail(MX_UNSUPPORTED,
            "[%s] '%s': %s '%.80s' is no family that is known (%s); with the family 'none' tensors "
            "keep their names",
            op, label, what, name, mx_text_view(&t));
    mx_text_free(&t);
    return false;
}

static bool family_of_gguf(mx_model *m) {
    const char *arch = mx_meta_text(&m->archive->meta, "general.architecture");
    if (!arch)
        return true;
    m->family = mx_family_of_arch(arch, has_key, m->archive);
    return m->family || fail_family(m->label, "general.architecture", arch);
}

static bool family_of_config(mx_model *m) {
    const char *type = mx_json_text_at(m->config, "model_type");
    if (!type)
        return mx_fail(MX_FORMAT, "[%s] '%s/config.json' has no model_type", op, m->folder);
    m->family = mx_family_of_type(type);
    return m->family || fail_family(m->folder, "model_type", type);
}

static bool family_named(mx_model *m, const char *name) {
    m->family = mx_family_named(name);
    return m->family || fail_family(m->label, "the name", name);
}

/* --- the folder ------------------------------------------------------------------------------ */

/* Also one that cannot be opened, as a link to nowhere: that is to be said. */
static bool is_there(const char *folder, const char *name) {
    struct stat s;
    char *path = mx_text_path(folder, name);
    bool there = path && lstat(path, &s) == 0 && (stat(path, &s) != 0 || S_ISREG(s.st_mode));
    mx_free(path);
    return there;
}

/* Of "a/", "a" and "a/model.safetensors.index.json": "a". NULL: it is another file. */
static char *folder_of(const char *path) {
    struct stat s;
    size_t n = strlen(path);
    const char *slash = strrchr(path, '/');
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) {
        n = mx_path_length(path);
    } else if (n > 5 && strcmp(path + n - 5, ".json") == 0) {
        n = slash ? (size_t)(slash - path) : 0;
    } else {
        return NULL;
    }
    mx_text t = {0};
    mx_text_put(&t, n ? path : ".", n ? n : 1);
    return mx_text_take(&t);
}

static bool load_config(mx_model *m) {
    char *path = mx_text_path(m->folder, "config.json");
    m->config = path ? mx_json_load_config(op, path) : NULL;
    bool ok = m->config && (json_is_object(m->config) ||
                            mx_fail(MX_FORMAT, "[%s] '%s' holds no object", op, path));
    m->method = mx_json_text_at(m->config, "quantization_config.quant_method");
    mx_free(path);
    return ok;
}

static bool load_quantization(mx_model *m) {
    const char *text = mx_meta_text(&m->archive->meta, MX_QUANTIZATION_KEY);
    m->quantization = json_incref(mx_json_at(m->config, "quantization|quantization_config"));
    if (m->quantization || !text)
        return true;
    m->quantization = mx_json_parse(op, m->label, text, strlen(text));
    return m->quantization;
}

static bool load_side(mx_model *m) {
    if (!is_there(m->folder, MX_METADATA_FILE))
        return true;
    char *path = mx_text_path(m->folder, MX_METADATA_FILE);
    m->side = path ? mx_archive_open(op, path, false) : NULL;
    mx_free(path);
    return m->side != NULL;
}

/* --- config of GGUF -------------------------------------------------------------------------- */

static int64_t vocab_of(const mx_model *m) {
    int64_t i = mx_archive_find(m->archive, "token_embd.weight");
    return i < 0 || m->archive->tensor[i].ndim < 1 ? 0 : m->archive->tensor[i].shape[0];
}

static mx_array *rope_array(const mx_model *m, const char *name) {
    int64_t i = mx_archive_find(m->archive, name);
    return i < 0 ? NULL : mx_archive_read(m->archive, (size_t)i, false);
}

static bool rope_of_gguf(mx_model *m) {
    mx_array *freqs = rope_array(m, "rope_freqs.weight");
    mx_array *far = rope_array(m, "rope_factors_long.weight");
    mx_array *near = rope_array(m, "rope_factors_short.weight");
    return !mx_failed() && mx_rope_from_tensors(m->label, &m->dims, freqs, far, near, m->config);
}

static const char kept_config[] = "mlx.file.config.json";

/* The config.json that the file was made from, where it kept it (side/side.h). */
static bool config_kept(mx_model *m) {
    const char *text = mx_meta_text(&m->archive->meta, kept_config);
    m->config = text ? mx_json_parse(op, m->label, text, strlen(text)) : NULL;
    return !text || (m->config &&
                     (json_is_object(m->config) ||
                      mx_fail(MX_FORMAT, "[%s] '%s': its config.json is no object", op, m->label)));
}

static bool config_of_gguf(mx_model *m) {
    if (!config_kept(m))
        return false;
    bool kept = m->config;
    if (!kept)
        m->config = mx_config_from_gguf(m->label, m->family, &m->archive->meta, vocab_of(m));
    return m->config && mx_config_dims(m->label, m->family, m->config, &m->dims) &&
           (kept || rope_of_gguf(m));
}

/* With what only the tensors say. */
static bool complete(mx_model *m) {
    return !m->family || !m->is_gguf || mx_meta_text(&m->archive->meta, kept_config) ||
           mx_model_tell(m, m->config);
}

/* --- opening --------------------------------------------------------------------------------- */

static bool recognise(mx_model *m, const char *family) {
    bool none = family && strcmp(family, "none") == 0;
    m->is_gguf = strcmp(m->archive->format->name, "gguf") == 0;
    if (!m->is_gguf && m->folder &&
        ((is_there(m->folder, "config.json") && !load_config(m)) || !load_side(m)))
        return false;
    if (!m->is_gguf && !load_quantization(m))
        return false;
    if (none)
        return true;
    if (family)
        return family_named(m, family);
    if (m->is_gguf)
        return family_of_gguf(m);
    return !m->config || family_of_config(m);
}

static bool describe(mx_model *m) {
    if (!m->family)
        return true;
    if (m->is_gguf)
        return config_of_gguf(m);
    if (!m->config)
        return mx_fail(MX_IO, "[%s] '%s' has no config.json beside it, which a family needs", op,
                       m->label);
    return mx_config_dims(m->folder, m->family, m->config, &m->dims);
}

static bool open_as(mx_model *m, const char *path, const char *family, bool map) {
    *m = (mx_model){0};
    m->archive = mx_archive_open(op, path, map);
    if (!m->archive)
        return false;
    m->label = m->archive->label;
    m->folder = folder_of(path);
    return !mx_failed() && recognise(m, family);
}

bool mx_model_recognise(mx_model *m, const char *path) {
    return open_as(m, path, NULL, false);
}

bool mx_model_open(mx_model *m, const char *path, const char *family, bool map) {
    return open_as(m, path, family, map) && (!m->family || mx_packed_check(m)) && describe(m) &&
           mx_model_list(m) && complete(m);
}

void mx_model_close(mx_model *m) {
    mx_archive_close(m->archive);
    mx_archive_close(m->side);
    json_decref(m->config);
    json_decref(m->quantization);
    mx_map_free(&m->at, NULL);
    mx_free(m->folder);
    mx_free(m->tensor);
    *m = (mx_model){0};
}
