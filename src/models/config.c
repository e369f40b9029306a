/* config.json and GGUF's metadata: see config.h. */
#include "models/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "models/particular.h"
#include "ops/ops.h"

static const char op[] = "convert";

enum { MOST_KEY = 160 };

/* "llama.block_count" */
static const char *key_of(char room[MOST_KEY], const mx_family *f, const mx_key_row *r) {
    snprintf(room, MOST_KEY, "%s.%s", f->arch, r->gguf);
    return room;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* The path that is written. */
static const char *first_path(char room[MOST_KEY], const mx_key_row *r) {
    snprintf(room, MOST_KEY, "%.*s", (int)strcspn(r->config, "|"), r->config);
    return room;
}

/* "l=46" */
static bool holds(const mx_key_row *r, const mx_dims *d) {
    return !r->when || mx_dim(d, r->when[0]) == strtoll(r->when + 2, NULL, 10);
}

/* What a row says where a file does not: for json_decref. NULL: nothing. */
static json_t *usual(const mx_key_row *r, const mx_dims *d) {
    if (!r->value)
        return NULL;
    if (*r->value != '=')
        return json_loads(r->value, JSON_DECODE_ANY, NULL);
    int64_t v = mx_dims_formula(d, r->value + 1);
    return v ? json_integer(v) : NULL;
}

static void set_dim(mx_dims *d, const mx_key_row *r, const json_t *v) {
    if (r->dim && json_is_integer(v))
        d->of[r->dim - 'a'] = json_integer_value(v);
}

static bool is_size(const json_t *v) {
    return json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) <= INT32_MAX;
}

static bool dim_of(const char *name, const mx_key_row *r, const json_t *config, mx_dims *out) {
    char path[MOST_KEY];
    json_t *v = mx_json_at(config, r->config), *own = v ? NULL : usual(r, out);
    bool ok = is_size(v ? v : own);
    set_dim(out, r, v ? v : own);
    json_decref(own);
    if (!ok && (v || !r->value))
        return mx_fail(MX_FORMAT,
                       v ? "[%s] '%s': %s is no size, or too large" : "[%s] '%s' has no %s", op,
                       name, first_path(path, r));
    return true;
}

bool mx_config_dims(const char *name, const mx_family *f, const json_t *config, mx_dims *out) {
    const mx_key_row *r;
    *out = (mx_dims){{0}};
    for (size_t i = 0; (r = mx_family_key(f, i)); i++)
        if (r->dim && r->config && !dim_of(name, r, config, out))
            return false;
    return true;
}

static bool is_key(const mx_key_row *r, const char *key) {
    size_t n = strlen(key);
    return r->config && strncmp(r->config, key, n) == 0 && (!r->config[n] || r->config[n] == '|');
}

json_t *mx_config_value(const mx_family *f, const json_t *config, const mx_dims *d,
                        const char *key) {
    const mx_key_row *r;
    for (size_t i = 0; (r = mx_family_key(f, i)); i++)
        if (is_key(r, key) && holds(r, d)) {
            json_t *v = mx_json_at(config, r->config);
            return v ? json_incref(v) : usual(r, d);
        }
    return json_incref(mx_json_at(config, key));
}

/* --- from GGUF ------------------------------------------------------------------------------- */

static json_t *real_of(float x) {
    mx_text t = {0};
    mx_text_f32(&t, x);
    double v = strtod(mx_text_view(&t), NULL);
    mx_text_free(&t);
    return json_real(v);
}

/* A value of the metadata as JSON; NULL and an error: it has another type. */
static json_t *json_of(const char *name, const char *key, const mx_map *meta, mx_key_type type) {
    double v = 0;
    const char *text = mx_meta_text(meta, key);
    if (type == MX_KEY_TEXT && text)
        return json_string(text);
    if (type != MX_KEY_TEXT && mx_meta_number_of_all(meta, key, &v)) {
        if (type == MX_KEY_F32)
            return real_of((float)v);
        if (type == MX_KEY_BOOL)
            return json_boolean(v != 0);
        if (v == floor(v) && fabs(v) < 1e15)
            return json_integer((json_int_t)v);
    }
    return mx_fail(MX_FORMAT, "[%s] '%s': the metadata %s is no %s", op, name, key,
                   type == MX_KEY_TEXT   ? "text"
                   : type == MX_KEY_F32  ? "number"
                   : type == MX_KEY_BOOL ? "boolean"
                                         : "whole number");
}

static bool needed(const char *name, const mx_key_row *r, const char *key) {
    return !r->dim || r->value || !strcmp(r->config, "vocab_size") ||
           mx_fail(MX_FORMAT, "[%s] '%s': the metadata has no %s", op, name, key);
}

static bool row_from_gguf(const char *name, const mx_family *f, const mx_key_row *r,
                          const mx_map *meta, mx_dims *d, json_t *config) {
    char key[MOST_KEY], path[MOST_KEY];
    first_path(path, r);
    json_t *former = mx_json_at(config, path);
    if (!holds(r, d) || former) {
        if (former && holds(r, d))
            set_dim(d, r, former);
        return true;
    }
    bool has = r->gguf && mx_map_has(meta, key_of(key, f, r));
    json_t *v = has ? json_of(name, key, meta, r->type) : usual(r, d);
    if (!v)
        return !has && (!r->gguf || needed(name, r, key));
    set_dim(d, r, v);
    return mx_json_put(config, path, v);
}

static bool token_ids(const mx_map *meta, json_t *config) {
    static const char *const id[][2] = {{"tokenizer.ggml.bos_token_id", "bos_token_id"},
                                        {"tokenizer.ggml.eos_token_id", "eos_token_id"},
                                        {"tokenizer.ggml.padding_token_id", "pad_token_id"}};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof id / sizeof *id; i++) {
        double v;
        if (mx_meta_number(meta, id[i][0], &v))
            ok = mx_json_put(config, id[i][1], json_integer((json_int_t)v));
    }
    return ok;
}

/* Does GGUF say how many features of a head rotate, by a row that config.json has not? */
static bool counts_rotated(const mx_family *f) {
    const mx_key_row *r;
    for (size_t i = 0; (r = mx_family_key(f, i)); i++)
        if (r->gguf && !r->config && strcmp(r->gguf, "rope.dimension_count") == 0)
            return true;
    return false;
}

static bool part_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                           json_t *config) {
    char key[MOST_KEY];
    double n, head = (double)mx_dim(d, 'd');
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->arch);
    if (!counts_rotated(f) || !mx_meta_number(meta, key, &n) || head <= 0 || n >= head)
        return true;
    return mx_json_put(config, "partial_rotary_factor", json_real(n / head));
}

static bool part_to_gguf(const char *name, const mx_family *f, const json_t *config,
                         const mx_dims *d, mx_map *meta) {
    char key[MOST_KEY];
    json_t *part =
        mx_json_at(config, "partial_rotary_factor|rope_parameters.partial_rotary_factor");
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->arch);
    if (json_is_number(part) && json_number_value(part) != 1 && !f->partial)
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s': partial_rotary_factor is %g, and models of the family '%s' turn "
                       "whole heads",
                       op, name, json_number_value(part), f->name);
    if (!counts_rotated(f) || !json_is_number(part))
        return true;
    return mx_meta_put_number(meta, key, floor((double)mx_dim(d, 'd') * json_number_value(part)),
                              MX_UINT32);
}

/* Which layers have a window some files say of each: a boolean, or a number. */
static bool layers_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                             json_t *config) {
    char key[MOST_KEY];
    int64_t n = mx_dim(d, 'l');
    snprintf(key, sizeof key, "%s.attention.sliding_window_pattern", f->arch);
    const mx_meta *m = f->period ? mx_map_get(meta, key) : NULL;
    double *windows = m ? mx_calloc((size_t)n + 1, sizeof *windows) : NULL;
    json_t *types = json_array();
    bool listed = windows && mx_meta_numbers(m, windows, n);
    for (int64_t i = 0; listed && i < n; i++)
        json_array_append_new(types,
                              json_string(windows[i] ? "sliding_attention" : "full_attention"));
    mx_free(windows);
    if (listed)
        return mx_json_put(config, "layer_types", types);
    json_decref(types);
    return !mx_failed();
}

static bool fill(const char *name, const mx_family *f, const mx_map *meta, int64_t vocab,
                 json_t *config) {
    const mx_key_row *r;
    mx_dims d = {{0}};
    bool ok = mx_json_put(config, "architectures", json_pack("[s]", f->architecture)) &&
              mx_json_put(config, "model_type", json_string(f->model_type));
    for (size_t i = 0; ok && (r = mx_family_key(f, i)); i++)
        ok = !r->config || row_from_gguf(name, f, r, meta, &d, config);
    if (ok && vocab && !mx_json_at(config, "vocab_size"))
        ok = mx_json_put(config, "vocab_size", json_integer(vocab));
    return ok && token_ids(meta, config) && mx_rope_from_gguf(f, meta, config) &&
           part_from_gguf(f, meta, &d, config) && layers_from_gguf(f, meta, &d, config) &&
           mx_particular_from_gguf(f, meta, &d, config);
}

json_t *mx_config_from_gguf(const char *name, const mx_family *f, const mx_map *meta,
                            int64_t vocab) {
    json_t *config = json_object();
    if (config && fill(name, f, meta, vocab, config))
        return config;
    json_decref(config);
    return mx_failed() ? NULL : mx_fail_nomem(op, 0);
}

/* --- to GGUF --------------------------------------------------------------------------------- */

static bool fail_value(const char *name, const mx_key_row *r, const json_t *v, const char *what) {
    char path[MOST_KEY], *text = json_dumps(v, JSON_ENCODE_ANY);
    mx_fail(MX_UNSUPPORTED, "[%s] '%s': %s is %.80s, %s", op, name, first_path(path, r),
            text ? text : "?", what);
    free(text);
    return false;
}

static bool put(const char *name, const mx_key_row *r, const char *key, const json_t *v,
                mx_map *meta) {
    switch (r->type) {
    case MX_KEY_U32:
        if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= UINT32_MAX)
            return mx_meta_put_number(meta, key, (double)json_integer_value(v), MX_UINT32);
        return fail_value(name, r, v, "a whole number was expected");
    case MX_KEY_F32:
        if (json_is_number(v))
            return mx_meta_put_number(meta, key, json_number_value(v), MX_FLOAT32);
        return fail_value(name, r, v, "a number was expected");
    case MX_KEY_BOOL:
        if (json_is_boolean(v))
            return mx_meta_put_number(meta, key, json_is_true(v), MX_BOOL);
        return fail_value(name, r, v, "a boolean was expected");
    case MX_KEY_TEXT:
        if (json_is_string(v))
            return mx_meta_put_text(meta, key, json_string_value(v));
        return fail_value(name, r, v, "a text was expected");
    }
    return false;
}

static bool same(const json_t *a, const json_t *b) {
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

/* What GGUF has no key for is what the family has, or the file would mean another model. */
static bool check_constant(const char *name, const mx_key_row *r, const json_t *config,
                           const json_t *v) {
    json_t *said = mx_json_at(config, r->config);
    if (!said || !v || same(said, v))
        return true;
    return fail_value(name, r, said, "and GGUF has no key that says so");
}

static bool row_to_gguf(const char *name, const mx_family *f, const mx_key_row *r,
                        const json_t *config, const mx_dims *d, mx_map *meta) {
    char key[MOST_KEY];
    json_t *own = usual(r, d), *v = r->config ? mx_json_at(config, r->config) : NULL;
    bool ok = true;
    if (!r->gguf)
        ok = check_constant(name, r, config, own);
    else if (!mx_map_has(meta, key_of(key, f, r)) && (v || (own && !json_is_null(own))))
        ok = put(name, r, key, v ? v : own, meta);
    json_decref(own);
    return ok;
}

/* Rows that no `when` has settled before: the first of a key. */
static bool is_first(const mx_family *f, size_t i, const mx_dims *d) {
    const mx_key_row *r = mx_family_key(f, i), *q;
    for (size_t j = 0; r->config && j < i; j++)
        if ((q = mx_family_key(f, j))->config && holds(q, d) && !strcmp(q->config, r->config))
            return false;
    return true;
}

/* Which layers have a window GGUF files do not say: it is as in all models of the family. */
static bool check_layer_types(const char *name, const mx_family *f, const json_t *config) {
    const json_t *list = mx_json_at(config, "layer_types");
    bool none = json_is_null(json_object_get(config, "sliding_window")); // then all see all
    size_t period = none ? 1 : (size_t)f->period;
    for (size_t n = 0; f->period && n < json_array_size(list); n++) {
        const char *type = json_string_value(json_array_get(list, n));
        bool all = type && strcmp(type, "full_attention") == 0;
        if (all != ((n + 1) % period == 0))
            return mx_fail(MX_UNSUPPORTED,
                           "[%s] '%s': layer_types differ from those of the family, and GGUF has "
                           "no key that says so",
                           op, name);
    }
    return true;
}

bool mx_config_to_gguf(const char *name, const mx_family *f, const json_t *config, mx_map *meta) {
    const mx_key_row *r;
    mx_dims d;
    bool ok = mx_config_dims(name, f, config, &d);
    for (size_t i = 0; ok && (r = mx_family_key(f, i)); i++)
        ok = !holds(r, &d) || !is_first(f, i, &d) || row_to_gguf(name, f, r, config, &d, meta);
    return ok && check_layer_types(name, f, config) && part_to_gguf(name, f, config, &d, meta) &&
           mx_particular_to_gguf(name, f, config, &d, meta) &&
           mx_rope_to_gguf(name, f, config, meta);
}

/* --- what changed ---------------------------------------------------------------------------- */

static bool row_update(const char *name, const mx_family *f, const mx_key_row *r,
                       const json_t *config, const json_t *former, mx_map *meta) {
    char key[MOST_KEY];
    json_t *now = mx_json_at(config, r->config), *then = mx_json_at(former, r->config);
    if (!now || (then && same(now, then)))
        return true;
    return put(name, r, key_of(key, f, r), now, meta);
}

bool mx_config_update(const char *name, const mx_family *f, const json_t *config, int64_t vocab,
                      mx_map *meta) {
    const mx_key_row *r;
    json_t *former = mx_config_from_gguf(name, f, meta, vocab);
    bool ok = former != NULL;
    for (size_t i = 0; ok && (r = mx_family_key(f, i)); i++)
        ok = !r->config || !r->gguf || row_update(name, f, r, config, former, meta);
    json_decref(former);
    return ok;
}
