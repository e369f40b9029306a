/* Keys that follow from several of the other side: see particular.h.
 *
 *     deepseek   latent keys and values lie in one matrix: sizes are those of heads; greedy choice
 *                has no groups; expert_gating_func: 1 softmax, 2 sigmoid
 *     mamba2     steps without limits
 *     qwen3_next ssm.inner_size is heads of values times their size
 *     modernbert which layers see all
 *     olmo3      layers with a window turn as they did before the context was made longer
 *     exaone4    no window is said, as the usual one is no answer; so is what has letters
 *     gemma2     caps of all its models, where nothing is said
 *     lfm2       attention.head_count_kv is a list, 0 where a layer has a convolution;
 *                feed_forward_length is what block_auto_adjust_ff_dim makes of intermediate_size
 */
#include "models/particular.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "ops/ops.h"

static const char op[] = "convert";

static const char *key_of(char room[96], const mx_family *f, const char *key) {
    snprintf(room, 96, "%s.%s", f->arch, key);
    return room;
}

static bool put(const mx_family *f, const char *key, int64_t v, mx_map *meta) {
    char room[96];
    return mx_meta_put_number(meta, key_of(room, f, key), (double)v, MX_UINT32);
}

static void take_away(const mx_family *f, const char *key, mx_map *meta) {
    char room[96];
    mx_meta_free(mx_map_remove(meta, key_of(room, f, key)));
}

static double number_at(const json_t *config, const char *key, double other) {
    json_t *v = mx_json_at(config, key);
    return json_is_number(v) ? json_number_value(v) : other;
}

/* --- deepseek -------------------------------------------------------------------------------- */

static bool deepseek_to_gguf(const char *name, const mx_family *f, const json_t *config,
                             const mx_dims *d, mx_map *meta) {
    const char *method = mx_json_text_at(config, "topk_method"),
               *scoring = mx_json_text_at(config, "scoring_func");
    bool third = strcmp(f->name, "deepseek_v3") == 0;
    bool sigmoid = scoring ? strcmp(scoring, "sigmoid") == 0 : third;
    if (json_is_false(mx_json_at(config, "rope_interleave")))
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s': rope_interleave is false, and GGUF has no key "
                       "that says so",
                       op, name);
    take_away(f, "attention.key_length_mla", meta);
    take_away(f, "attention.value_length_mla", meta);
    if (method && strcmp(method, "greedy") == 0) {
        take_away(f, "expert_group_count", meta);
        take_away(f, "expert_group_used_count", meta);
    }
    return put(f, "attention.key_length", mx_dim(d, 'o') + mx_dim(d, 'p'), meta) &&
           put(f, "attention.value_length", mx_dim(d, 'w'), meta) &&
           put(f, "expert_gating_func", sigmoid ? 2 : 1, meta);
}

/* Where keys lie apart from values there is one head of latent rows. */
static bool deepseek_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                               json_t *config) {
    char room[96];
    double groups = 0;
    bool second = strcmp(f->name, "deepseek_v2") == 0;
    if (mx_map_has(meta, key_of(room, f, "attention.key_length_mla")) &&
        !mx_json_put(config, "num_key_value_heads", json_integer(mx_dim(d, 'a'))))
        return false;
    mx_meta_number(meta, key_of(room, f, "expert_group_count"), &groups);
    return !second || mx_json_put(config, "topk_method",
                                  json_string(groups > 1 ? "group_limited_greedy" : "greedy"));
}

/* --- mamba2 ---------------------------------------------------------------------------------- */

/* Whoever writes JSON has no number for infinity. */
static bool mamba2_to_gguf(const char *name, const mx_family *f, const json_t *config,
                           const mx_dims *d, mx_map *meta) {
    const json_t *limit = mx_json_at(config, "time_step_limit"), *least = json_array_get(limit, 0),
                 *most = json_array_get(limit, 1);
    (void)f, (void)d, (void)meta;
    if (limit &&
        (json_number_value(least) > 0 || (json_is_number(most) && json_number_value(most) < 1e30)))
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s': time_step_limit has limits, and GGUF has no key that says so",
                       op, name);
    return true;
}

/* --- qwen3_next, modernbert ------------------------------------------------------------------ */

static bool qwen3_next_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                                 json_t *config) {
    char room[96];
    double inner = 0, heads = (double)mx_dim(d, 'u');
    return !mx_meta_number(meta, key_of(room, f, "ssm.inner_size"), &inner) || heads <= 0 ||
           mx_json_put(config, "linear_value_head_dim", json_integer((json_int_t)(inner / heads)));
}

/* The first of each so many layers sees all. */
static bool modernbert_to_gguf(const char *name, const mx_family *f, const json_t *config,
                               const mx_dims *d, mx_map *meta) {
    const json_t *list = mx_json_at(config, "layer_types");
    int64_t every = (int64_t)number_at(config, "global_attn_every_n_layers", 3);
    (void)f, (void)d, (void)meta;
    for (size_t n = 0; every > 0 && n < json_array_size(list); n++) {
        const char *type = json_string_value(json_array_get(list, n));
        if ((type && strcmp(type, "full_attention") == 0) != (n % (size_t)every == 0))
            return mx_fail(MX_UNSUPPORTED,
                           "[%s] '%s': layer_types differ from those of the family, and GGUF has "
                           "no key that says so",
                           op, name);
    }
    return true;
}

/* --- olmo3, exaone4 -------------------------------------------------------------------------- */

static bool olmo3_to_gguf(const char *name, const mx_family *f, const json_t *config,
                          const mx_dims *d, mx_map *meta) {
    const json_t *local = mx_json_at(config, "rope_parameters.sliding_attention");
    const char *kind = mx_json_text_at(local, "rope_type");
    double theta = number_at(config, "rope_parameters.full_attention.rope_theta", 0);
    (void)f, (void)d, (void)meta;
    if ((kind && strcmp(kind, "default")) || number_at(local, "rope_theta", theta) != theta)
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s': rope_parameters.sliding_attention turns otherwise than those of "
                       "full_attention did, and GGUF has no key that says so",
                       op, name);
    return true;
}

static bool exaone4_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                              json_t *config) {
    char room[96];
    (void)d;
    return mx_map_has(meta, key_of(room, f, "attention.sliding_window")) ||
           mx_json_put(config, "sliding_window", json_null());
}

/* --- gemma2 ---------------------------------------------------------------------------------- */

/* Those of all published models: the first files of them have no keys for it. */
static bool gemma2_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                             json_t *config) {
    (void)f, (void)meta, (void)d;
    return (mx_json_at(config, "attn_logit_softcapping") ||
            mx_json_put(config, "attn_logit_softcapping", json_real(50))) &&
           (mx_json_at(config, "final_logit_softcapping") ||
            mx_json_put(config, "final_logit_softcapping", json_real(30)));
}

/* --- lfm2 ------------------------------------------------------------------------------------ */

static int64_t adjusted(const json_t *config, int64_t n) {
    int64_t step = (int64_t)number_at(config, "block_multiple_of", 256);
    if (json_is_false(mx_json_at(config, "block_auto_adjust_ff_dim")))
        return n;
    n = (int64_t)(number_at(config, "block_ffn_dim_multiplier", 1) * (double)(2 * n / 3));
    return step > 0 ? (n + step - 1) / step * step : n;
}

/* layer_types, or the numbers of the layers that have attention; else all have it. */
static bool has_attention(const json_t *config, int64_t n) {
    const json_t *types = mx_json_at(config, "layer_types"), *which, *v;
    const char *type = json_string_value(json_array_get(types, (size_t)n));
    size_t i;
    if (types)
        return type && strcmp(type, "full_attention") == 0;
    which = mx_json_at(config, "full_attn_idxs");
    json_array_foreach(which, i, v) {
        if (json_integer_value(v) == n)
            return true;
    }
    return !which;
}

static bool put_heads(const mx_family *f, const int32_t *heads, int n, mx_map *meta) {
    char room[96];
    return mx_meta_put(meta, key_of(room, f, "attention.head_count_kv"),
                       mx_meta_of_array(mx_array_from(heads, &n, 1, MX_INT32)));
}

static bool lfm2_to_gguf(const char *name, const mx_family *f, const json_t *config,
                         const mx_dims *d, mx_map *meta) {
    int64_t n = mx_dim(d, 'l');
    int32_t *heads = mx_calloc((size_t)n + 1, sizeof *heads);
    (void)name;
    for (int64_t i = 0; heads && i < n; i++)
        heads[i] = has_attention(config, i) ? (int32_t)mx_dim(d, 'k') : 0;
    bool ok = heads && put_heads(f, heads, (int)n, meta) &&
              put(f, "feed_forward_length", adjusted(config, mx_dim(d, 'f')), meta);
    mx_free(heads);
    return ok;
}

static bool lfm2_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                           json_t *config) {
    char room[96];
    const mx_meta *m = mx_map_get(meta, key_of(room, f, "attention.head_count_kv"));
    json_t *types = json_array();
    double *heads = mx_calloc((size_t)mx_dim(d, 'l') + 1, sizeof *heads);
    bool listed = heads && m && mx_meta_numbers(m, heads, mx_dim(d, 'l'));
    for (int64_t i = 0; listed && i < mx_dim(d, 'l'); i++)
        json_array_append_new(types, json_string(heads[i] != 0 ? "full_attention" : "conv"));
    mx_free(heads);
    bool ok = mx_json_put(config, "block_auto_adjust_ff_dim", json_false());
    if (ok && listed)
        return mx_json_put(config, "layer_types", types);
    json_decref(types);
    return ok && heads;
}

/* --- all ------------------------------------------------------------------------------------- */

static const struct particular {
    const char *families;
    /* NULL: nothing more */
    bool (*to)(const char *name, const mx_family *f, const json_t *config, const mx_dims *d,
               mx_map *meta);
    bool (*from)(const mx_family *f, const mx_map *meta, const mx_dims *d, json_t *config);
} particulars[] = {{"deepseek_v2|deepseek_v3", deepseek_to_gguf, deepseek_from_gguf},
                   {"mamba2", mamba2_to_gguf, NULL},
                   {"qwen3_next", NULL, qwen3_next_from_gguf},
                   {"modernbert", modernbert_to_gguf, NULL},
                   {"olmo3", olmo3_to_gguf, NULL},
                   {"exaone4", NULL, exaone4_from_gguf},
                   {"gemma2", NULL, gemma2_from_gguf},
                   {"lfm2", lfm2_to_gguf, lfm2_from_gguf}};

static const struct particular *of(const mx_family *f) {
    for (size_t i = 0; i < sizeof particulars / sizeof *particulars; i++)
        if (mx_name_is_of(f->name, particulars[i].families))
            return &particulars[i];
    return NULL;
}

bool mx_particular_to_gguf(const char *name, const mx_family *f, const json_t *config,
                           const mx_dims *d, mx_map *meta) {
    const struct particular *p = of(f);
    return !p || !p->to || p->to(name, f, config, d, meta);
}

bool mx_particular_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                             json_t *config) {
    const struct particular *p = of(f);
    return !p || !p->from || p->from(f, meta, d, config);
}
