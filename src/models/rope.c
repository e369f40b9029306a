/* rope_scaling of config.json and what GGUF has of it.
 *
 *     kind               GGUF
 *     linear, yarn       rope.scaling.* of the metadata
 *     llama3             rope_freqs: what each frequency is divided by
 *     longrope (su)      rope_factors_long and _short likewise; rope.scaling.attn_factor
 *
 * llama3 divides by 1 where a rotation's wave is short, by `factor` where it is long, and between
 * them by what lies between (Llama 3.1's model card). longrope (Ding et al. 2024) has its factors
 * from a search, and scales attention by sqrt(1 + ln s / ln c), s being how far the context grew.
 */
#include "models/rope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/meta.h"
#include "ops/ops.h"

static const char op[] = "convert";

/* rope_parameters is what version 5 of transformers writes: of the default kind too. */
static json_t *scaling_of(const json_t *config) {
    return mx_json_at(config, "rope_scaling|rope_parameters.full_attention|rope_parameters");
}

/* NULL: none. */
static const char *kind_of(const json_t *scaling) {
    const char *kind = mx_json_text_at(scaling, "rope_type|type");
    if (!kind || !strcmp(kind, "default") || !strcmp(kind, "none"))
        return NULL;
    return strcmp(kind, "su") == 0 ? "longrope" : kind;
}

static double number_at(const json_t *scaling, const json_t *config, const char *path,
                        double other) {
    json_t *v = mx_json_at(scaling, path);
    v = v ? v : mx_json_at(config, path);
    return json_is_number(v) ? json_number_value(v) : other;
}

/* --- keys of both ---------------------------------------------------------------------------- */

static const struct rope_key {
    const char *config, *gguf;
    mx_dtype type;
} keys[] = {
    {"factor", "rope.scaling.factor", MX_FLOAT32},
    {"original_max_position_embeddings", "rope.scaling.original_context_length", MX_UINT32},
    {"beta_fast", "rope.scaling.yarn_beta_fast", MX_FLOAT32},
    {"beta_slow", "rope.scaling.yarn_beta_slow", MX_FLOAT32},
};
enum { KEYS = sizeof keys / sizeof *keys };

static const char *key_of(char room[128], const mx_family *f, const char *key) {
    snprintf(room, 128, "%s.%s", f->arch, key);
    return room;
}

static bool put_keys(const mx_family *f, const json_t *scaling, const char *kind, mx_map *meta) {
    char key[128];
    bool ok = mx_meta_put_text(meta, key_of(key, f, "rope.scaling.type"), kind);
    for (int i = 0; ok && i < KEYS; i++) {
        json_t *v = mx_json_at(scaling, keys[i].config);
        if (json_is_number(v))
            ok = mx_meta_put_number(meta, key_of(key, f, keys[i].gguf), json_number_value(v),
                                    keys[i].type);
    }
    return ok;
}

static bool put_longrope(const mx_family *f, const json_t *config, const json_t *scaling,
                         mx_map *meta) {
    char key[128];
    double now = number_at(config, NULL, "max_position_embeddings", 0);
    double before = number_at(scaling, config, "original_max_position_embeddings", now);
    double attention = before > 1 && now > before ? sqrt(1 + log(now / before) / log(before)) : 1;
    return mx_meta_put_number(meta, key_of(key, f, "rope.scaling.attn_factor"), attention,
                              MX_FLOAT32);
}

/* What GGUF has no key for would be another rotation. */
/* Attention of deepseek grows by what both of its scales say; gpt-oss has no steps in its ramp. */
static bool is_own(const mx_family *f, const json_t *scaling, const char *key) {
    json_t *v = mx_json_at(scaling, key);
    if (!v)
        return true;
    if (strcmp(f->name, "gpt_oss") == 0)
        return strcmp(key, "truncate") == 0 && json_is_false(v);
    return strcmp(f->arch, "deepseek2") == 0 && strncmp(key, "mscale", 6) == 0 &&
           number_at(scaling, NULL, "mscale", 1) == number_at(scaling, NULL, "mscale_all_dim", 0);
}

static bool check_keys(const char *name, const mx_family *f, const json_t *scaling) {
    static const char *const none[] = {"mscale", "mscale_all_dim", "attention_factor", "truncate"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (!is_own(f, scaling, none[i]))
            return mx_fail(MX_UNSUPPORTED,
                           "[%s] '%s': rope_scaling has %s, which GGUF has no key for", op, name,
                           none[i]);
    return true;
}

bool mx_rope_to_gguf(const char *name, const mx_family *f, const json_t *config, mx_map *meta) {
    const json_t *scaling = scaling_of(config);
    const char *kind = kind_of(scaling);
    if (!kind || strcmp(kind, "llama3") == 0)
        return true;
    if (strcmp(kind, "longrope") == 0)
        return put_longrope(f, config, scaling, meta);
    if (strcmp(kind, "linear") && strcmp(kind, "yarn"))
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s': rope_scaling is of the kind '%.80s', which GGUF "
                       "has no key for",
                       op, name, kind);
    double all = number_at(scaling, NULL, "mscale_all_dim", 0);
    char key[128];
    return check_keys(name, f, scaling) && put_keys(f, scaling, kind, meta) &&
           (all == 0 || mx_meta_put_number(meta, key_of(key, f, "rope.scaling.yarn_log_multiplier"),
                                           0.1 * all, MX_FLOAT32));
}

bool mx_rope_from_gguf(const mx_family *f, const mx_map *meta, json_t *config) {
    char key[128];
    const char *kind = mx_meta_text(meta, key_of(key, f, "rope.scaling.type"));
    bool ok = true;
    double v;
    if (!kind || (strcmp(kind, "linear") && strcmp(kind, "yarn")))
        return true;
    json_t *scaling = json_pack("{s:s}", "rope_type", kind);
    for (int i = 0; ok && i < KEYS; i++)
        if (mx_meta_number(meta, key_of(key, f, keys[i].gguf), &v))
            ok =
                mx_json_put(scaling, keys[i].config,
                            keys[i].type == MX_UINT32 ? json_integer((json_int_t)v) : json_real(v));
    if (ok && mx_meta_number(meta, key_of(key, f, "rope.scaling.yarn_log_multiplier"), &v))
        ok = mx_json_put(scaling, "mscale", json_real(v * 10)) &&
             mx_json_put(scaling, "mscale_all_dim", json_real(v * 10));
    if (ok && strcmp(f->name, "gpt_oss") == 0)
        ok = mx_json_put(scaling, "truncate", json_false());
    if (ok)
        return mx_json_put(config, "rope_scaling", scaling);
    json_decref(scaling);
    return false;
}

/* --- tensors --------------------------------------------------------------------------------- */

typedef struct llama3 {
    double factor, low, high, context, theta;
} llama3;

static float divisor(const llama3 *p, int64_t i, int64_t head) {
    double wave = 2 * 3.14159265358979323846 * pow(p->theta, 2.0 * (double)i / (double)head);
    if (wave < p->context / p->high)
        return 1;
    if (wave > p->context / p->low)
        return (float)p->factor;
    double s = (p->context / wave - p->low) / (p->high - p->low);
    return (float)(1 / ((1 - s) / p->factor + s));
}

static double theta_of(const json_t *config) {
    return number_at(
        config, NULL,
        "rope_theta|rope_parameters.rope_theta|rope_parameters.full_attention.rope_theta", 10000);
}

enum { MOST_FREQS = 4096 };

static mx_array *llama3_tensor(const json_t *config, const json_t *scaling, const mx_dims *d) {
    llama3 p = {
        number_at(scaling, NULL, "factor", 8), number_at(scaling, NULL, "low_freq_factor", 1),
        number_at(scaling, NULL, "high_freq_factor", 4),
        number_at(scaling, config, "original_max_position_embeddings", 8192), theta_of(config)};
    float v[MOST_FREQS];
    int64_t head = mx_dim(d, 'd'), n = head / 2;
    for (int64_t i = 0; i < n && i < MOST_FREQS; i++)
        v[i] = divisor(&p, i, head);
    return n > 0 && n <= MOST_FREQS ? mx_array_from(v, &(int){(int)n}, 1, MX_FLOAT32) : NULL;
}

static mx_array *list_tensor(const char *name, const json_t *list, const char *key) {
    float v[MOST_FREQS];
    size_t n = json_array_size(list);
    bool ok = n && n <= MOST_FREQS;
    for (size_t i = 0; ok && i < n; i++) {
        ok = json_is_number(json_array_get(list, i));
        v[i] = ok ? (float)json_number_value(json_array_get(list, i)) : 0;
    }
    if (!ok)
        return mx_fail(MX_FORMAT, "[%s] '%s': rope_scaling's %s is no list of numbers", op, name,
                       key);
    return mx_array_from(v, &(int){(int)n}, 1, MX_FLOAT32);
}

mx_array *mx_rope_tensor(const char *name, const json_t *config, const mx_dims *d,
                         const char *row) {
    const json_t *scaling = scaling_of(config);
    const char *kind = kind_of(scaling);
    if (kind && strcmp(row, "rope_freqs") == 0 && strcmp(kind, "llama3") == 0)
        return llama3_tensor(config, scaling, d);
    if (!kind || strcmp(kind, "longrope") || strncmp(row, "rope_factors_", 13))
        return NULL;
    const char *key = strcmp(row + 13, "long") == 0 ? "long_factor" : "short_factor";
    return list_tensor(name, mx_json_at(scaling, key), key);
}

/* --- tensors back ---------------------------------------------------------------------------- */

static const float *numbers(mx_array *a) {
    mx_array *rows = mx_contiguous(mx_astype(a, MX_FLOAT32), false);
    return rows && mx_eval1(rows) ? (const float *)(const void *)rows->data : NULL;
}

static json_t *list_of(mx_array *a);

/* What config.json has no name for, under one that only we know (MX_ROPE_FACTORS). */
static bool as_factors(const char *name, const mx_dims *d, mx_array *freqs, json_t *config) {
    if (freqs->ndim != 1 || freqs->size != mx_dim(d, 'd') / 2)
        return mx_fail(MX_FORMAT, "[%s] '%s': rope_freqs.weight has %lld numbers", op, name,
                       (long long)freqs->size);
    json_t *list = list_of(freqs);
    return list &&
           mx_json_put(config, "rope_scaling",
                       json_pack("{s:s,s:o}", "rope_type", MX_ROPE_FACTORS, "factors", list));
}

/* The published models: 8192 tokens, factors 1 and 4. */
static bool from_freqs(const char *name, const mx_dims *d, mx_array *freqs, json_t *config) {
    const float *v = numbers(freqs);
    llama3 p = {1, 1, 4, 8192, theta_of(config)};
    bool same = v && freqs->ndim == 1 && freqs->size == mx_dim(d, 'd') / 2;
    for (int64_t i = 0; same && i < freqs->size; i++)
        p.factor = fmax(p.factor, v[i]);
    for (int64_t i = 0; same && i < freqs->size; i++)
        same = fabs(v[i] - divisor(&p, i, mx_dim(d, 'd'))) <= 1e-3 * v[i];
    if (!same)
        return !mx_failed() && as_factors(name, d, freqs, config);
    return mx_json_put(config, "rope_scaling",
                       json_pack("{s:s,s:f,s:f,s:f,s:i}", "rope_type", "llama3", "factor", p.factor,
                                 "low_freq_factor", p.low, "high_freq_factor", p.high,
                                 "original_max_position_embeddings", 8192));
}

static json_t *list_of(mx_array *a) {
    const float *v = numbers(a);
    json_t *list = v ? json_array() : NULL;
    for (int64_t i = 0; list && i < a->size; i++)
        json_array_append_new(list, json_real(v[i]));
    return list;
}

bool mx_rope_from_tensors(const char *name, const mx_dims *d, mx_array *freqs, mx_array *far,
                          mx_array *near, json_t *config) {
    if (freqs)
        return from_freqs(name, d, freqs, config);
    if (!far || !near)
        return true;
    json_t *a = list_of(far), *b = list_of(near);
    if (a && b)
        return mx_json_put(config, "rope_scaling",
                           json_pack("{s:s,s:o,s:o}", "type", "longrope", "long_factor", a,
                                     "short_factor", b));
    json_decref(a);
    json_decref(b);
    return false;
}
