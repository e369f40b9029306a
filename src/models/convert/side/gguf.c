/* The metadata of a GGUF file that is written: see side.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "graph/trace/scope.h"
#include "models/convert/side/pooling.h"
#include "models/convert/side/side.h"
#include "models/convert/side/tokens.h"

static const char op[] = "convert";

/* --- from a folder that has none ------------------------------------------------------------- */

/* The last part of a path. */
static bool put_name(const mx_model *m, mx_map *meta) {
    const char *folder = m->folder ? m->folder : "", *slash = strrchr(folder, '/');
    const char *said = mx_json_text_at(m->config, "_name_or_path");
    const char *name = said && *said ? said : slash ? slash + 1 : folder;
    return !*name || strcmp(name, ".") == 0 || mx_meta_put_text(meta, "general.name", name);
}

/* GGUF has no key for it. */
static bool note_limit(const mx_conversion *p) {
    mx_vectors v = {0};
    const char *folder = p->model->folder;
    if (!folder || !mx_vectors_of_folder(op, folder, &v))
        return !folder;
    return !v.most || v.most >= mx_dim(&p->model->dims, 'c') ||
           mx_note(p->choice->o, v.limit, "%lld tokens are kept for mlx: others read longer texts",
                   (long long)v.most);
}

/* How a text's vector is made of its tokens: GGUF has numbers for some ways. */
static bool put_pooling(const mx_conversion *p, mx_map *meta) {
    const mx_model *m = p->model;
    mx_pooling how = MX_POOL_NONE;
    char key[96];
    snprintf(key, sizeof key, "%s.pooling_type", m->family->arch);
    if (!m->folder || !mx_pooling_of_folder(op, m->folder, &how))
        return !m->folder;
    if (how > MX_POOL_LAST)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': GGUF has no word for its pooling", op,
                       m->folder);
    return (how == MX_POOL_NONE || mx_meta_put_number(meta, key, how, MX_UINT32)) && note_limit(p);
}

static bool put_file(const mx_model *m, const char *name, mx_map *meta) {
    char room[96];
    size_t n = 0;
    char *bytes = mx_side_read(m->folder, name, &n);
    const char *key = mx_side_key(name, room, sizeof room);
    bool ok = !mx_failed();
    if (bytes && !memchr(bytes, 0, n))
        ok = mx_meta_put_text(meta, key, bytes);
    else if (bytes && n <= INT32_MAX)
        ok = mx_meta_put(meta, key,
                         mx_meta_of_array(mx_array_from(bytes, &(int){(int)n}, 1, MX_UINT8)));
    mx_free(bytes);
    return ok;
}

static bool put_files(const mx_model *m, mx_map *meta) {
    bool ok = put_file(m, "config.json", meta);
    for (int i = 0; ok && mx_side_names[i]; i++)
        ok = put_file(m, mx_side_names[i], meta);
    return ok;
}

/* But for what conversions put into it. */
static json_t *bare(const json_t *config) {
    static const char *const own[] = {"quantization", "quantization_config", "dtype",
                                      "torch_dtype"};
    json_t *v = json_deep_copy(config);
    for (size_t i = 0; v && i < sizeof own / sizeof *own; i++)
        json_object_del(v, own[i]);
    return v;
}

static bool says(const char *text, const json_t *config) {
    json_t *kept = json_loads(text, 0, NULL), *x = bare(kept), *y = bare(config);
    bool same = x && y && json_equal(x, y);
    json_decref(kept);
    json_decref(x);
    json_decref(y);
    return same;
}

/* Those that a file kept before: they may be others now. */
static bool put_files_again(const mx_model *m, mx_map *meta) {
    char room[96];
    const char *config = mx_meta_text(meta, mx_side_key("config.json", room, sizeof room));
    bool ok = !config || says(config, m->config) || put_file(m, "config.json", meta);
    for (int i = 0; ok && mx_side_names[i]; i++)
        ok = !mx_map_has(meta, mx_side_key(mx_side_names[i], room, sizeof room)) ||
             put_file(m, mx_side_names[i], meta);
    return ok;
}

/* Names of what the format made wider. */
static bool put_widened(const mx_conversion *p, const char *dtype, mx_map *meta) {
    char key[64];
    mx_vec names = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < p->count; i++) {
        const mx_output *o = &p->output[i];
        mx_output_part part;
        if (!o->stack || !mx_elements_are_plain(&o->held) || !mx_elements_are_plain(&o->made) ||
            strcmp(o->held.storage, dtype) || strcmp(o->made.storage, "float32"))
            continue;
        ok = mx_output_part_of(p, o, 0, &part) && mx_vec_add(&names, part.name);
    }
    snprintf(key, sizeof key, "mlx.widened.%s", dtype);
    if (ok && names.count)
        ok = mx_meta_put(meta, key,
                         mx_meta_of_strings((const char *const *)names.item, names.count));
    for (size_t i = 0; i < names.count; i++)
        mx_free(names.item[i]);
    mx_vec_free(&names);
    return ok;
}

static bool is_id(const json_t *v) {
    const json_t *one;
    size_t i;
    json_array_foreach(v, i, one) {
        if (!json_is_integer(one))
            return false;
    }
    return !v || json_is_null(v) || json_is_integer(v) || json_is_array(v);
}

/* Of config.json: numbers, or lists of which the first counts. */
static bool put_ids(const mx_model *m, mx_map *meta) {
    static const char *const ids[][2] = {{"bos_token_id", "tokenizer.ggml.bos_token_id"},
                                         {"eos_token_id", "tokenizer.ggml.eos_token_id"},
                                         {"pad_token_id", "tokenizer.ggml.padding_token_id"}};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof ids / sizeof *ids; i++) {
        json_t *v = mx_json_at(m->config, ids[i][0]);
        if (!is_id(v))
            return mx_fail(MX_FORMAT,
                           "[convert] '%s/config.json': %s is no token and no list of tokens",
                           m->folder, ids[i][0]);
        v = json_is_array(v) ? json_array_get(v, 0) : v;
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id >= 0 && id < mx_dim(&m->dims, 'v') && !mx_map_has(meta, ids[i][1]))
            ok = mx_meta_put_number(meta, ids[i][1], (double)id, MX_UINT32);
    }
    return ok;
}

/* Of some architectures files with windows are rare. */
static bool note_window(const mx_conversion *p, const mx_map *meta) {
    const char *arch = p->model->family->arch;
    char key[96];
    snprintf(key, sizeof key, "%s.attention.sliding_window", arch);
    return !mx_name_is_of(arch, "llama|starcoder2") || !mx_map_has(meta, key) ||
           mx_note(p->choice->o, key, "llama.cpp does not read it: its layers see all tokens");
}

static bool make_all(const mx_conversion *p, mx_map *meta) {
    const mx_model *m = p->model;
    return mx_meta_put_text(meta, "general.architecture", m->family->arch) &&
           mx_meta_put_text(meta, "general.type", "model") && put_name(m, meta) &&
           mx_config_to_gguf(m->folder, m->family, m->config, meta) && note_window(p, meta) &&
           put_pooling(p, meta) && mx_tokens_to_gguf(m, meta) && put_ids(m, meta) &&
           put_widened(p, "bfloat16", meta) && put_widened(p, "float16", meta) &&
           put_files(m, meta);
}

/* --- in any case ----------------------------------------------------------------------------- */

static bool has_blocks(const mx_conversion *p) {
    for (size_t i = 0; i < p->count; i++)
        if (p->output[i].made.block)
            return true;
    return false;
}

static bool put_type(const mx_conversion *p, mx_map *meta) {
    bool ok = mx_map_has(meta, "general.file_type") ||
              mx_meta_put_number(meta, "general.file_type", mx_side_file_type(p), MX_UINT32);
    return ok && (!has_blocks(p) || mx_map_has(meta, "general.quantization_version") ||
                  mx_meta_put_number(meta, "general.quantization_version", 2, MX_UINT32));
}

static int64_t vocab_of(const mx_model *m) {
    const mx_tensor_row *r = mx_family_row(m->family, 0);
    const mx_model_tensor *t = mx_model_find(m, r, -1, -1, "weight");
    return t && t->shape.ndim ? t->shape.dim[0] : 0;
}

bool mx_side_metadata(const mx_conversion *p, mx_map *meta) {
    const mx_model *m = p->model;
    mx_scope scope = mx_scope_open();
    bool ok;
    if (mx_side_base(m))
        ok = mx_side_copy(p, meta) &&
             (m->is_gguf || !m->family ||
              (mx_config_update(m->folder, m->family, m->config, vocab_of(m), meta) &&
               put_files_again(m, meta)));
    else
        ok = !m->family || make_all(p, meta);
    ok = ok && (!m->family || put_type(p, meta));
    mx_scope_close(scope);
    return ok;
}
