/* modules.json and the pooling's config.json of sentence-transformers: see pooling.h. */
#include "models/convert/side/pooling.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "models/convert/side/side.h"

static const char modules[] = "modules.json", usual[] = "1_Pooling",
                  limits[] = "sentence_bert_config.json", tokens[] = "tokenizer_config.json";

typedef struct reader {
    const char *op, *folder;
    const mx_archive *kept; /* GGUF that keeps the files; NULL: they lie in the folder */
    json_t *list;           /* of modules.json */
} reader;

static json_t *read_kept(const reader *r, const char *name) {
    char room[96];
    const char *text = mx_meta_text(&r->kept->meta, mx_side_key(name, room, sizeof room));
    return text ? mx_json_parse(r->op, name, text, strlen(text)) : NULL;
}

/* NULL: there is no such file, or with an error, it is broken. */
static json_t *read_json(const reader *r, const char *name) {
    size_t n = 0;
    if (r->kept)
        return read_kept(r, name);
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

/* In the order in which several stand one behind the other. */
static const mode modes[] = {{"cls_token", "cls", MX_POOL_FIRST},
                             {"max_tokens", "max", MX_POOL_MAX},
                             {"mean_tokens", "mean", MX_POOL_MEAN},
                             {"mean_sqrt_len_tokens", "mean_sqrt_len_tokens", MX_POOL_ROOT},
                             {"weightedmean_tokens", "weightedmean", MX_POOL_WEIGHTED},
                             {"lasttoken", "lasttoken", MX_POOL_LAST}};
enum { MODES = MX_MOST_POOLINGS };
_Static_assert(sizeof modes / sizeof *modes == (size_t)MODES, "there is room for each mode");

typedef struct config {
    const reader *r;
    const char *name; /* of the file */
    json_t *v;
} config;

/* The number of a mode; -1 and an error. */
static int find(const config *c, const char *key, const char *name, bool brief) {
    for (int i = 0; i < MODES; i++)
        if (strcmp(brief ? modes[i].brief : modes[i].name, name) == 0)
            return i;
    mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': %s '%s' is not done", c->r->op, c->r->folder, c->name,
            key, name);
    return -1;
}

static bool take_flag(const config *c, const char *key, const json_t *v, bool *asked) {
    static const char start[] = "pooling_mode_";
    if (strncmp(key, start, sizeof start - 1) || json_is_false(v) || json_is_null(v))
        return true;
    if (!json_is_true(v))
        return mx_fail(MX_FORMAT, "[%s] '%s/%s': %s is neither true nor false", c->r->op,
                       c->r->folder, c->name, key);
    int i = find(c, "the pooling", key + sizeof start - 1, false);
    if (i >= 0)
        asked[i] = true;
    return i >= 0;
}

static bool take_flags(const config *c, mx_vectors *out) {
    bool asked[MODES] = {false};
    const char *key;
    json_t *v;
    json_object_foreach(c->v, key, v) {
        if (!take_flag(c, key, v, asked))
            return false;
    }
    for (int i = 0; i < MODES; i++)
        if (asked[i])
            out->pooling[out->poolings++] = modes[i].how;
    return out->poolings ||
           mx_fail(MX_FORMAT, "[%s] '%s/%s' names no pooling", c->r->op, c->r->folder, c->name);
}

static bool take_config(const config *c, mx_vectors *out) {
    json_t *one = json_object_get(c->v, "pooling_mode");
    if (!json_is_object(c->v))
        return mx_fail(MX_FORMAT, "[%s] '%s/%s' is no object", c->r->op, c->r->folder, c->name);
    if (!one || json_is_null(one))
        return take_flags(c, out);
    if (!json_is_string(one))
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': pooling_mode is no text", c->r->op,
                       c->r->folder, c->name);
    int i = find(c, "pooling_mode", json_string_value(one), true);
    if (i >= 0)
        out->pooling[out->poolings++] = modes[i].how;
    return i >= 0;
}

/* In a folder of the folder. */
static bool pooling_in(const reader *r, const char *where, bool must, mx_vectors *out) {
    mx_text name = {0};
    mx_text_add(&name, "%s/config.json", where);
    config c = {r, mx_text_view(&name), NULL};
    c.v = name.failed ? NULL : read_json(r, c.name);
    bool ok = !name.failed && !mx_failed();
    if (ok && c.v)
        ok = take_config(&c, out);
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

/* What has come so far. */
typedef struct order {
    bool pools, ended;
} order;

static bool take_dense(const char *path, mx_vectors *out) {
    if (out->denses == MX_MOST_DENSE || strlen(path) >= MX_DENSE_NAME || !*path)
        return false;
    strcpy(out->dense[out->denses++], path);
    return true;
}

static bool take_module(const reader *r, json_t *module, order *o, mx_vectors *out) {
    const char *type = json_string_value(json_object_get(module, "type")),
               *path = json_string_value(json_object_get(module, "path"));
    if (!type || !path)
        return mx_fail(MX_FORMAT, "[%s] '%s/%s': a module has no type or no path", r->op, r->folder,
                       modules);
    const char *kind = kind_of(type);
    if (!o->pools && strcmp(kind, "Transformer") == 0 && !*path)
        return true;
    if (o->pools && strcmp(kind, "Normalize") == 0)
        return o->ended = true;
    if (o->pools && !o->ended && strcmp(kind, "Dense") == 0 && take_dense(path, out))
        return true;
    if (strcmp(kind, "Pooling") || o->pools)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': the module %s in '%s' is not done", r->op,
                       r->folder, modules, type, path);
    o->pools = true;
    return pooling_in(r, path, true, out);
}

static bool take_modules(const reader *r, mx_vectors *out) {
    order o = {false, false};
    size_t i;
    json_t *module;
    if (!json_is_array(r->list))
        return mx_fail(MX_FORMAT, "[%s] '%s/%s' is no list", r->op, r->folder, modules);
    json_array_foreach(r->list, i, module) {
        if (!take_module(r, module, &o, out))
            return false;
    }
    return o.pools ||
           mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s' names no Pooling", r->op, r->folder, modules);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* Tokens that transformers' tokenizer cuts texts to, where sentence-transformers says nothing else;
   some 1e30 is no limit. */
static bool take_tokens(const reader *r, mx_vectors *out) {
    json_t *v = read_json(r, tokens), *most = mx_json_at(v, "model_max_length|max_len");
    double n = json_number_value(most);
    bool ok = !mx_failed() && (!most || (n >= 1 && n == floor(n)));
    out->most = ok && n < 1e15 ? (int64_t)n : 0;
    out->limit = tokens;
    json_decref(v);
    if (ok || mx_failed())
        return ok;
    return mx_fail(MX_FORMAT, "[%s] '%s/%s': model_max_length is no whole number above 0", r->op,
                   r->folder, tokens);
}

static bool take_limits(const reader *r, mx_vectors *out) {
    json_t *v = read_json(r, limits), *most = mx_json_at(v, "max_seq_length"),
           *lower = json_object_get(v, "do_lower_case");
    bool ok = !mx_failed() && (!most || json_integer_value(most) > 0) &&
              (!lower || json_is_boolean(lower));
    out->most = json_integer_value(most);
    out->limit = limits;
    out->lower = json_is_true(lower);
    json_decref(v);
    if (ok || mx_failed())
        return ok && (out->most || take_tokens(r, out));
    return mx_fail(MX_FORMAT,
                   "[%s] '%s/%s': max_seq_length is no number above 0, or do_lower_case neither "
                   "true nor false",
                   r->op, r->folder, limits);
}

bool mx_vectors_of_folder(const char *op, const char *folder, mx_vectors *out) {
    reader r = {op, folder, NULL, NULL};
    *out = (mx_vectors){0};
    r.list = read_json(&r, modules);
    bool ok = !mx_failed() &&
              (r.list ? take_modules(&r, out) : pooling_in(&r, usual, false, out)) &&
              take_limits(&r, out);
    json_decref(r.list);
    return ok;
}

bool mx_vectors_limit(const char *op, const mx_archive *a, mx_vectors *out) {
    reader r = {op, a->label, a, NULL};
    *out = (mx_vectors){0};
    return take_limits(&r, out);
}

bool mx_pooling_of_folder(const char *op, const char *folder, mx_pooling *how) {
    mx_vectors v;
    if (!mx_vectors_of_folder(op, folder, &v))
        return false;
    if (v.poolings > 1 || v.denses)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': %s cannot be kept", op, folder,
                       v.denses ? "the matrix behind the pooling (Dense)"
                                : "several poolings together");
    if (v.poolings)
        *how = v.pooling[0] == MX_POOL_ROOT ? MX_POOL_MEAN : v.pooling[0];
    return true;
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
        json_object_set_new(v, key, json_boolean(modes[i].how == how));
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
