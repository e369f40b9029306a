/* modules.json and the pooling's config.json of sentence-transformers: see pooling.h. */
#include "models/convert/pooling.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "models/convert/side.h"

static const char modules[] = "modules.json", usual[] = "1_Pooling";

typedef struct reader {
    const char *op, *folder;
    json_t *list; /* of modules.json */
} reader;

/* NULL: there is no such file, or with an error, it is broken. */
static json_t *read_json(const reader *r, const char *name) {
    size_t n = 0;
    char *text = mx_side_read(r->folder, name, &n);
    json_t *v = text ? mx_json_parse(r->op, name, text, n) : NULL;
    mx_free(text);
    return v;
}

/* --- the pooling ------------------------------------------------------------------------------ */

typedef struct mode {
    const char *name; /* behind "pooling_mode_" */
    const char *brief;
    mx_pooling how;
} mode;

static const mode modes[] = {{"mean_tokens", "mean", MX_POOL_MEAN},
                             {"mean_sqrt_len_tokens", "mean_sqrt_len_tokens", MX_POOL_MEAN},
                             {"cls_token", "cls", MX_POOL_FIRST},
                             {"lasttoken", "lasttoken", MX_POOL_LAST},
                             {"max_tokens", "max", MX_POOL_MAX},
                             {"weightedmean_tokens", "weightedmean", MX_POOL_WEIGHTED}};

static const mode *find(const char *name, bool brief) {
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(brief ? modes[i].brief : modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}

typedef struct config {
    const reader *r;
    const char *name; /* of the file */
    json_t *v;
} config;

static bool take(const config *c, const char *key, const char *name, bool brief, mx_pooling *how) {
    const mode *m = find(name, brief);
    if (!m)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': %s '%s' is not done", c->r->op, c->r->folder,
                       c->name, key, name);
    *how = m->how;
    return true;
}

static bool take_flags(const config *c, mx_pooling *how) {
    static const char start[] = "pooling_mode_";
    const char *key, *first = NULL;
    json_t *v;
    json_object_foreach(c->v, key, v) {
        if (strncmp(key, start, sizeof start - 1) || json_is_false(v) || json_is_null(v))
            continue;
        if (!json_is_true(v))
            return mx_fail(MX_FORMAT, "[%s] '%s/%s': %s is neither true nor false", c->r->op,
                           c->r->folder, c->name, key);
        if (first)
            return mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': %s and %s together are not done",
                           c->r->op, c->r->folder, c->name, first, key);
        if (!take(c, "the pooling", key + sizeof start - 1, false, how))
            return false;
        first = key;
    }
    return first ||
           mx_fail(MX_FORMAT, "[%s] '%s/%s' names no pooling", c->r->op, c->r->folder, c->name);
}

static bool take_config(const config *c, mx_pooling *how) {
    json_t *one = json_object_get(c->v, "pooling_mode");
    if (!json_is_object(c->v))
        return mx_fail(MX_FORMAT, "[%s] '%s/%s' is no object", c->r->op, c->r->folder, c->name);
    if (!one || json_is_null(one))
        return take_flags(c, how);
    if (!json_is_string(one))
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': pooling_mode is no text", c->r->op,
                       c->r->folder, c->name);
    return take(c, "pooling_mode", json_string_value(one), true, how);
}

/* In a folder of the folder. */
static bool pooling_in(const reader *r, const char *where, bool must, mx_pooling *how) {
    mx_text name = {0};
    mx_text_add(&name, "%s/config.json", where);
    config c = {r, mx_text_view(&name), NULL};
    c.v = name.failed ? NULL : read_json(r, c.name);
    bool ok = !name.failed && !mx_failed();
    if (ok && c.v)
        ok = take_config(&c, how);
    else if (ok && must)
        ok = mx_fail(MX_FORMAT, "[%s] '%s/%s' is missing, of which %s speaks", r->op, r->folder,
                     c.name, modules);
    json_decref(c.v);
    mx_text_free(&name);
    return ok;
}

/* --- the modules ------------------------------------------------------------------------------ */

/* Its last word, where the type is one of sentence-transformers' own; else all of it. */
static const char *kind_of(const char *type) {
    static const char own[] = "sentence_transformers.";
    const char *dot = strrchr(type, '.');
    return strncmp(type, own, sizeof own - 1) == 0 && dot ? dot + 1 : type;
}

static bool take_module(const reader *r, json_t *module, bool *pools, mx_pooling *how) {
    const char *type = json_string_value(json_object_get(module, "type")),
               *path = json_string_value(json_object_get(module, "path"));
    if (!type || !path)
        return mx_fail(MX_FORMAT, "[%s] '%s/%s': a module has no type or no path", r->op, r->folder,
                       modules);
    const char *kind = kind_of(type);
    if (strcmp(kind, "Normalize") == 0 || (strcmp(kind, "Transformer") == 0 && !*path))
        return true;
    if (strcmp(kind, "Pooling") || *pools)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': the module %s in '%s' is not done", r->op,
                       r->folder, modules, type, path);
    *pools = true;
    return pooling_in(r, path, true, how);
}

static bool take_modules(const reader *r, mx_pooling *how) {
    bool pools = false;
    size_t i;
    json_t *module;
    if (!json_is_array(r->list))
        return mx_fail(MX_FORMAT, "[%s] '%s/%s' is no list", r->op, r->folder, modules);
    json_array_foreach(r->list, i, module) {
        if (!take_module(r, module, &pools, how))
            return false;
    }
    return pools ||
           mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s' names no Pooling", r->op, r->folder, modules);
}

bool mx_pooling_of_folder(const char *op, const char *folder, mx_pooling *how) {
    reader r = {op, folder, NULL};
    r.list = read_json(&r, modules);
    bool ok = !mx_failed() && (r.list ? take_modules(&r, how) : pooling_in(&r, usual, false, how));
    json_decref(r.list);
    return ok;
}

/* --- the way back ----------------------------------------------------------------------------- */

mx_pooling mx_pooling_of_number(double n) {
    return n == 1 ? MX_POOL_MEAN : n == 2 ? MX_POOL_FIRST : n == 3 ? MX_POOL_LAST : MX_POOL_NONE;
}

static bool write_json(const char *folder, const char *name, json_t *v) {
    char *text = v ? mx_json_text(v) : NULL;
    bool ok = text ? mx_side_write(folder, name, text, strlen(text))
                   : mx_fail_nomem("convert", 0) != NULL;
    mx_free(text);
    json_decref(v);
    return ok;
}

static json_t *flags_of(mx_pooling how, int64_t width) {
    json_t *v = json_pack("{s:I}", "word_embedding_dimension", (json_int_t)width);
    for (size_t i = 0; v && i < sizeof modes / sizeof *modes; i++) {
        char key[64];
        snprintf(key, sizeof key, "pooling_mode_%s", modes[i].name);
        bool is = modes[i].how == how && strcmp(modes[i].brief, "mean_sqrt_len_tokens");
        json_object_set_new(v, key, json_boolean(is));
    }
    return v;
}

bool mx_pooling_to_folder(const char *folder, mx_pooling how, int64_t width) {
    static const char type[] = "sentence_transformers.models.";
    if (how == MX_POOL_NONE)
        return true;
    json_t *list = json_pack("[{s:i, s:s, s:s, s:s+}, {s:i, s:s, s:s, s:s+}]", "idx", 0, "name",
                             "0", "path", "", "type", type, "Transformer", "idx", 1, "name", "1",
                             "path", usual, "type", type, "Pooling");
    return write_json(folder, modules, list) &&
           write_json(folder, "1_Pooling/config.json", flags_of(how, width));
}
