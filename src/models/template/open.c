/* The templates of a model, and the variables that it brings along.
 *
 *     folder   chat_template.jinja                     "default"
 *              additional_chat_templates/NAME.jinja    NAME
 *              tokenizer_config.json: chat_template    a text: "default"; or [{name, template}, ...]
 *              chat_template.json: chat_template       likewise (of processors)
 *     GGUF     tokenizer.chat_template                 "default"
 *              tokenizer.chat_template.NAME            NAME
 *
 * What stands higher goes first. Special tokens (bos_token and its like) are variables, as
 * transformers passes them: of tokenizer_config.json and special_tokens_map.json, or of GGUF's
 * tokens by their numbers.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/vec.h"
#include "io/gguf/gguf.h"
#include "models/json.h"
#include "models/meta.h"
#include "models/template/parse/tree.h"

typedef struct found {
    char *name, *file, *text; /* file: where it stands, without its folder */
    size_t n;
} found;

typedef struct model {
    found *item;
    size_t count, room;
    json_t *variables;
} model;

static void free_found(const found *f) {
    mx_free(f->name);
    mx_free(f->file);
    mx_free(f->text);
}

static void close_model(model *m) {
    for (size_t i = 0; i < m->count; i++)
        free_found(&m->item[i]);
    mx_free(m->item);
    json_decref(m->variables);
}

static bool open_model(model *m) {
    *m = (model){.variables = json_pack("{s:n, s:n, s:b}", "tools", "documents",
                                        "add_generation_prompt", 0)};
    return m->variables || mx_fail_nomem("template", 256);
}

/* The first of a name stays. */
static bool add(model *m, const char *path, const char *name, const char *text, size_t n) {
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < m->count; i++)
        if (!strcmp(m->item[i].name, name))
            return true;
    if (!mx_grow(&m->item, &m->room, m->count + 1, sizeof *m->item))
        return false;
    found f = {mx_strdup(name), mx_strdup(slash ? slash + 1 : path), mx_memdup(text, n), n};
    if (f.name && f.file && f.text)
        return m->item[m->count++] = f, true;
    free_found(&f);
    return false;
}

/* --- variables -------------------------------------------------------------------------------- */

static bool add_variable(model *m, const char *name, const char *text) {
    if (!text || json_object_get(m->variables, name))
        return true;
    json_t *value = json_string(text);
    if (!value)
        return mx_fail(MX_FORMAT, "[template] the %.100s is no UTF-8", name);
    return json_object_set_new(m->variables, name, value) == 0 || mx_fail_nomem("template", 256);
}

/* Members that end in _token: a text, or {"content": text}. */
static bool add_tokens(model *m, const json_t *config) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)config, key, value) {
        size_t n = strlen(key);
        const json_t *text = json_is_object(value) ? json_object_get(value, "content") : value;
        if (n > 6 && !strcmp(key + n - 6, "_token") &&
            !add_variable(m, key, json_string_value(text)))
            return false;
    }
    return true;
}

/* --- folders ---------------------------------------------------------------------------------- */

static bool is_file(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static bool is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

enum { PATH_ROOM = 4096 };

static bool add_file(model *m, const char *path, const char *name) {
    mx_source s;
    bool ok = false;
    if (!mx_source_file(&s, "template", path, false))
        return false;
    if (s.size > TM_MOST_TEXT)
        mx_source_fail(&s, 0, "it has more than %d bytes", TM_MOST_TEXT);
    else if (mx_source_get(&s, 0, s.size, "the template"))
        ok = add(m, path, name, (const char *)s.data, s.size);
    mx_source_close(&s);
    return ok;
}

static bool add_named_file(model *m, const char *folder, const char *file) {
    char name[256];
    size_t n = strlen(file);
    if (n < 7 || n - 6 >= sizeof name || strcmp(file + n - 6, ".jinja") != 0)
        return true;
    memcpy(name, file, n - 6);
    name[n - 6] = 0;
    char *path = mx_text_path(folder, file);
    bool ok = path && add_file(m, path, name);
    mx_free(path);
    return ok;
}

static bool add_more(model *m, const char *folder) {
    char *path = mx_text_path(folder, "additional_chat_templates");
    DIR *d = path ? opendir(path) : NULL;
    bool ok = path;
    for (struct dirent *e; d && ok && (e = readdir(d));)
        ok = add_named_file(m, path, e->d_name);
    if (d)
        closedir(d);
    mx_free(path);
    return ok;
}

static bool add_text(model *m, const char *path, const char *name, const json_t *text) {
    if (json_is_string(text))
        return add(m, path, name, json_string_value(text), json_string_length(text));
    return mx_fail(MX_FORMAT, "[template] '%.300s': the chat_template '%.100s' is no text", path,
                   name);
}

/* A text, or a list of {"name", "template"}. */
static bool add_json(model *m, const char *path, const json_t *j) {
    size_t i;
    json_t *item;
    if (!json_is_array(j))
        return !j || json_is_null(j) || add_text(m, path, "default", j);
    json_array_foreach(j, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (!name)
            return mx_fail(MX_FORMAT, "[template] '%.300s': a chat_template has no name", path);
        if (!add_text(m, path, name, json_object_get(item, "template")))
            return false;
    }
    return true;
}

static bool add_config(model *m, const char *folder, const char *file) {
    char *path = mx_text_path(folder, file);
    bool there = path && is_file(path);
    json_t *j = there ? mx_json_load("template", path) : NULL;
    bool ok = j && add_json(m, path, json_object_get(j, "chat_template")) && add_tokens(m, j);
    json_decref(j);
    ok = ok || (path && !there);
    mx_free(path);
    return ok;
}

static bool read_folder(model *m, const char *folder) {
    char *path = mx_text_path(folder, "chat_template.jinja");
    bool ok = path && (!is_file(path) || add_file(m, path, "default"));
    mx_free(path);
    return ok && add_more(m, folder) && add_config(m, folder, "tokenizer_config.json") &&
           add_config(m, folder, "chat_template.json") &&
           add_config(m, folder, "special_tokens_map.json");
}

/* --- GGUF ------------------------------------------------------------------------------------- */

static bool add_gguf_tokens(model *m, const mx_map *meta) {
    static const char *const keys[][2] = {{"tokenizer.ggml.bos_token_id", "bos_token"},
                                          {"tokenizer.ggml.eos_token_id", "eos_token"},
                                          {"tokenizer.ggml.unknown_token_id", "unk_token"},
                                          {"tokenizer.ggml.padding_token_id", "pad_token"},
                                          {"tokenizer.ggml.seperator_token_id", "sep_token"},
                                          {"tokenizer.ggml.cls_token_id", "cls_token"},
                                          {"tokenizer.ggml.mask_token_id", "mask_token"}};
    const mx_meta *tokens = mx_map_get(meta, "tokenizer.ggml.tokens");
    double id;
    if (!tokens || tokens->kind != MX_META_STRINGS)
        return true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (mx_meta_number(meta, keys[i][0], &id) && id >= 0 && id < (double)tokens->count &&
            !add_variable(m, keys[i][1], tokens->strings[(size_t)id]))
            return false;
    return !mx_failed();
}

static bool add_gguf(model *m, const char *path, const mx_map *meta) {
    static const char prefix[] = "tokenizer.chat_template";
    size_t n = sizeof prefix - 1;
    for (size_t i = 0; i < meta->count; i++) {
        const char *key = meta->entry[i].key, *text = mx_meta_text(meta, key);
        bool ours = text && !strncmp(key, prefix, n) && (!key[n] || (key[n] == '.' && key[n + 1]));
        if (ours && !add(m, path, key[n] ? key + n + 1 : "default", text, strlen(text)))
            return false;
    }
    return add_gguf_tokens(m, meta);
}

static bool read_gguf(model *m, const char *path) {
    mx_source s;
    gguf_head head = {0};
    if (!mx_source_file(&s, "template", path, true))
        return false;
    bool ok = gguf_open(&s, &head) && add_gguf(m, path, &head.meta);
    gguf_close(&head);
    mx_source_close(&s);
    return ok;
}

/* --- any of them ------------------------------------------------------------------------------ */

static bool read_beside(model *m, const char *path) {
    char folder[PATH_ROOM];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder)
        return mx_fail(MX_INVALID, "[template] the path is too long");
    memcpy(folder, path, n);
    folder[n] = 0;
    return read_folder(m, !slash ? "." : n ? folder : "/");
}

static bool read_model(model *m, const char *path) {
    size_t n = strlen(path);
    bool gguf;
    if (is_folder(path))
        return read_folder(m, path);
    if (n > 6 && !strcmp(path + n - 6, ".jinja"))
        return add_file(m, path, "default");
    if (!mx_path_is_gguf("template", path, &gguf))
        return false;
    return gguf ? read_gguf(m, path) : read_beside(m, path);
}

static bool read_some(model *m, const char *path) {
    return open_model(m) && read_model(m, path) &&
           (m->count || mx_fail(MX_INVALID, "[template] '%.500s' has no chat template", path));
}

static const found *choose(const model *m, const char *path, const char *name) {
    char names[400] = "";
    for (size_t i = 0; i < m->count; i++)
        if (!strcmp(m->item[i].name, name ? name : "default"))
            return &m->item[i];
    if (!name && m->count == 1)
        return m->item;
    for (size_t i = 0, at = 0; i < m->count && at < sizeof names; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%.60s", i ? ", " : "",
                               m->item[i].name);
    return mx_fail(MX_INVALID, "[template] '%.300s' has no chat template '%.60s', but %s", path,
                   name ? name : "default", names);
}

/* What a template is called in messages. */
static mx_template *make(const model *m, const found *f) {
    char name[400];
    bool plain = !strcmp(f->name, "default");
    snprintf(name, sizeof name, "chat_template%s%.100s of '%.255s'", plain ? "" : " ",
             plain ? "" : f->name, f->file);
    mx_template *t = mx_template_of(name, f->text, f->n);
    char *text = t ? mx_json_text(m->variables) : NULL;
    if (text)
        return t->defaults = text, t;
    mx_template_release(t);
    return NULL;
}

mx_template *mx_template_open(const char *path, const char *name) {
    model m = {0};
    const found *f = read_some(&m, path) ? choose(&m, path, name) : NULL;
    mx_template *t = f ? make(&m, f) : NULL;
    close_model(&m);
    return t;
}

char **mx_template_names(const char *path, size_t *n) {
    model m = {0};
    char **names = read_some(&m, path) ? mx_calloc(m.count, sizeof *names) : NULL;
    for (size_t i = 0; names && i < m.count; i++) {
        names[i] = m.item[i].name;
        m.item[i].name = NULL;
    }
    *n = m.count;
    close_model(&m);
    return names;
}
