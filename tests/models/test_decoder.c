/* Opening models to run them (src/models/decoder): descriptions, what is refused, derivatives. */
#include <errno.h>

#include "graph/eval/eval.h"
#include "models/convert/convert.h"
#include "tiny_models.h"
#include "transforms/transforms.h"

/* --- real files ------------------------------------------------------------------------------ */

static mx_decoder *open_real(const char *name) {
    char path[512];
    const char *models = getenv("MLX_MODELS");
    snprintf(path, sizeof path, "%s/%s", models ? models : "", name);
    if (!models || access(path, R_OK) != 0) {
        SKIP("$MLX_MODELS has no such model");
        return NULL;
    }
    mx_decoder *d = mx_decoder_open(path);
    CHECK_MSG(d, "%s", mx_error_message());
    return d;
}

static void smollm2(void) {
    mx_decoder *d = open_real("SmolLM2-135M-Instruct.Q4_1.gguf");
    if (!d)
        return;
    CHECK_EQ_INT(d->layers, 30);
    CHECK_EQ_INT(d->hidden, 576);
    CHECK_EQ_INT(d->layer[29].attention.kv_heads, 3);
    CHECK(d->layer[3].attention.rope.adjacent && d->layer[3].attention.q.kind == MX_WEIGHT_BLOCKS);
    CHECK(d->head.words == d->embedding.words && d->head.kind == MX_WEIGHT_BLOCKS);
    CHECK_MSG(d->parameters > 134000000 && d->parameters < 135000000, "%llu",
              (unsigned long long)d->parameters);
    mx_decoder_release(mx_decoder_retain(d));
    mx_decoder_release(d);
}

static void gemma3(void) {
    mx_decoder *d = open_real("gemma-3-270m-q4_k_m.gguf");
    if (!d)
        return;
    CHECK(d->layer[0].attention.window == 512 && d->layer[5].attention.window == 0);
    CHECK_NEAR(d->layer[0].attention.rope.frequency[1], pow(1e4, -2.0 / 256), 1e-6);
    CHECK_NEAR(d->layer[5].attention.rope.frequency[1], pow(1e6, -2.0 / 256), 1e-6);
    CHECK(d->layer[0].attention.q_norm.weight && d->layer[0].after_feed.weight);
    mx_decoder_release(d);
}

/* --- encoders -------------------------------------------------------------------------------- */

static mx_pooling pooling_of(const char *path) {
    mx_decoder *d = mx_decoder_open(path);
    mx_pooling how = CHECK_MSG(d, "%s", mx_error_message()) ? d->vector.pooling[0] : MX_POOL_NONE;
    mx_decoder_release(d);
    mx_error_clear();
    return how;
}

static void pooling(void) {
    tiny_model t;
    char path[600];
    if (tiny_open(&t, "bert.json")) {
        CHECK(pooling_of(t.path) == MX_POOL_MEAN);
        snprintf(path, sizeof path, "%s/1_Pooling", t.path);
        CHECK(mkdir(path, 0777) == 0);
        snprintf(path, sizeof path, "%s/1_Pooling/config.json", t.path);
        FILE *f = fopen(path, "w");
        CHECK(f && fputs("{\"pooling_mode_cls_token\": true}", f) >= 0 && fclose(f) == 0);
        CHECK(pooling_of(t.path) == MX_POOL_FIRST);
    }
    tiny_close(&t);
}

static bool refuses(const char *path, const char *word) {
    mx_scope scope = mx_scope_open();
    mx_decoder *d = mx_decoder_open(path);
    bool said = !d && strstr(mx_error_message(), word);
    CHECK_MSG(said, "%s was expected: %s", word, d ? "it was opened" : mx_error_message());
    mx_decoder_release(d);
    mx_error_clear();
    mx_scope_close(scope);
    return said;
}

/* With the text as t/<name>. */
static void put_beside(const tiny_model *t, const char *name, const char *text) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", t->path, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void poolings(void) {
    static const struct {
        const char *config;
        mx_pooling how;
        const char *word; /* of the error */
    } all[] = {
        {"{\"pooling_mode_mean_tokens\": false, \"pooling_mode_max_tokens\": true}", MX_POOL_MAX,
         0},
        {"{\"pooling_mode_mean_sqrt_len_tokens\": true}", MX_POOL_ROOT, 0},
        {"{\"pooling_mode_weightedmean_tokens\": true}", MX_POOL_WEIGHTED, 0},
        {"{\"pooling_mode_lasttoken\": true, \"include_prompt\": true}", MX_POOL_LAST, 0},
        {"{\"pooling_mode\": \"cls\"}", MX_POOL_FIRST, 0},
        {"{\"pooling_mode\": \"mean\"}", MX_POOL_MEAN, 0},
        {"{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": true}", MX_POOL_FIRST,
         0},
        {"{\"pooling_mode_mean_tokens\": false}", 0, "names no pooling"},
        {"{\"pooling_mode_mean_tokens\": 1}", 0, "neither true nor false"},
        {"{\"pooling_mode_odd\": true}", 0, "'odd'"},
        {"{\"pooling_mode\": \"odd\"}", 0, "'odd'"},
        {"{\"pooling_mode\": [1]}", 0, "no text"},
        {"[]", 0, "no object"},
    };
    tiny_model t;
    char path[600];
    bool open = tiny_open(&t, "bert.json");
    snprintf(path, sizeof path, "%s/1_Pooling", t.path);
    CHECK(open && (mkdir(path, 0777) == 0 || errno == EEXIST));
    for (size_t i = 0; open && i < sizeof all / sizeof *all; i++) {
        put_beside(&t, "1_Pooling/config.json", all[i].config);
        if (all[i].word)
            CHECK_MSG(refuses(t.path, all[i].word), "%s", all[i].config);
        else
            CHECK_MSG(pooling_of(t.path) == all[i].how, "%s", all[i].config);
    }
    tiny_close(&t);
}

#define MODULE(kind, path) "{\"type\": \"" kind "\", \"path\": \"" path "\"}"
#define OWN(kind, path)    MODULE("sentence_transformers.models." kind, path)

static void modules(void) {
    static const struct {
        const char *list, *word;
    } all[] = {
        {"[" OWN("Transformer", "") "," OWN("Pooling", "p") "," OWN("Dense", "2_Dense") "]",
         "2_Dense/config.json' is missing"},
        {"[" OWN("Transformer", "") "," OWN("Dense", "2_Dense") "," OWN("Pooling", "p") "]",
         "Dense"},
        {"[" OWN("Transformer", "") "," OWN("Pooling", "p") "," OWN("Normalize", "n") "," OWN(
             "Dense", "2_Dense") "]",
         "Dense"},
        {"[" OWN("Transformer", "") "," MODULE("odd.Pooling", "p") "]", "odd.Pooling"},
        {"[" OWN("Transformer", "0") "," OWN("Pooling", "p") "]", "Transformer"},
        {"[" OWN("Pooling", "p") "," OWN("Pooling", "p") "]", "Pooling"},
        {"[" OWN("Pooling", "q") "]", "q/config.json' is missing"},
        {"[" OWN("Transformer", "") "]", "no Pooling"},
        {"[1]", "no type"},
        {"{}", "no list"},
    };
    tiny_model t;
    char path[600];
    bool open = tiny_open(&t, "bert.json");
    snprintf(path, sizeof path, "%s/p", t.path);
    CHECK(open && (mkdir(path, 0777) == 0 || errno == EEXIST));
    put_beside(&t, "p/config.json", "{\"pooling_mode_max_tokens\": true}");
    for (size_t i = 0; open && i < sizeof all / sizeof *all; i++) {
        put_beside(&t, "modules.json", all[i].list);
        CHECK_MSG(refuses(t.path, all[i].word), "%s", all[i].list);
    }
    put_beside(&t, "modules.json",
               "[" OWN("Transformer", "") "," OWN("Pooling", "p") "," OWN("Normalize", "n") "]");
    CHECK(pooling_of(t.path) == MX_POOL_MAX);
    snprintf(path, sizeof path, "%s/modules.json", t.path);
    CHECK(remove(path) == 0);
    tiny_close(&t);
}

/* --- what is refused ------------------------------------------------------------------------- */

/* A config that says something else. */
static void refuses_config(const char *name, const char *change, const char *word) {
    tiny_model t;
    if (tiny_open(&t, name)) {
        json_t *more = json_loads(change, 0, NULL), *config = json_object_get(t.document, "config");
        CHECK_MSG(more && json_object_update(config, more) == 0, "%s", change);
        tiny_write_config(config, t.path);
        refuses(t.path, word);
        json_decref(more);
    }
    tiny_close(&t);
}

static void configs(void) {
    static const char *const bad[][3] = {
        {"llama.json", "{\"secret_scale\": 3}", "secret_scale is 3"},
        {"llama.json", "{\"model_type\": \"lama\"}", "lama"},
        {"llama.json", "{\"hidden_act\": \"mish\"}", "mish"},
        {"llama.json", "{\"hidden_act\": 3}", "hidden_act"},
        {"llama.json", "{\"rope_parameters\": {\"rope_type\": \"spiral\"}}", "spiral"},
        {"llama.json", "{\"rope_parameters\": {\"rope_theta\": -1}}", "no frequencies"},
        {"llama.json", "{\"rope_theta\": 0, \"rope_parameters\": null}", "rope_theta is 0"},
        {"llama.json", "{\"rope_parameters\": 5}", "rope_parameters is 5"},
        {"llama.json", "{\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}}",
         "rope_parameters says something else"},
        {"llama.json", "{\"rope_parameters\": {\"rope_type\": \"llama3\"}}",
         "rope_parameters.factor is missing"},
        {"llama.json", "{\"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8}}",
         "low_freq_factor is missing"},
        {"llama.json", "{\"rope_parameters\": null, \"rope_scaling\": {\"rope_type\": \"linear\"}}",
         "rope_scaling.factor is missing"},
        {"llama.json", "{\"partial_rotary_factor\": 0.5}", "partial_rotary_factor is 0.5"},
        {"llama.json", "{\"attention_bias\": true}", "bias of attn_q of layer 0"},
        {"llama.json", "{\"mlp_bias\": true}", "bias of ffn_gate of layer 0"},
        {"llama.json", "{\"num_key_value_heads\": 3}", "shape"},
        {"llama.json", "{\"num_attention_heads\": 0}", "num_attention_heads"},
        {"llama.json", "{\"num_hidden_layers\": 3}", "missing"},
        {"llama.json", "{\"num_hidden_layers\": 1}", "layer 1"},
        {"llama.json", "{\"num_hidden_layers\": 2147483647}", "missing"},
        {"llama.json", "{\"head_dim\": 7}", "shape"},
        {"llama.json", "{\"hidden_size\": 1e99}", "hidden_size"},
        {"llama.json", "{\"rms_norm_eps\": \"small\"}", "rms_norm_eps"},
        {"llama.json", "{\"tie_word_embeddings\": 1}", "tie_word_embeddings"},
        {"llama.json", "{\"layer_types\": [\"full_attention\"]}", "layer_types"},
        {"llama.json", "{\"layer_types\": [\"odd\", \"odd\"]}", "layer_types"},
        {"llama.json", "{\"quantization_config\": {\"quant_method\": \"hqq\"}}", "hqq"},
        {"mixtral.json", "{\"num_experts_per_tok\": 5}", "num_experts_per_tok"},
        {"mixtral.json", "{\"num_local_experts\": 5}", "num_local_experts|4"},
        {"deepseek_v3.json", "{\"n_group\": 3}", "n_group"},
        {"deepseek_v3.json", "{\"scoring_func\": \"odd\"}", "scoring_func"},
        {"deepseek_v3.json", "{\"qk_rope_head_dim\": 3}", "shape"},
        {"gpt_oss.json", "{\"swiglu_limit\": 6}", "swiglu_limit"},
        {"bert.json", "{\"position_embedding_type\": \"relative_key\"}", "position_embedding_type"},
        {"qwen3_next.json", "{\"linear_num_key_heads\": 3}", "shape"},
        {"mamba2.json", "{\"hidden_act\": \"gelu\"}", "hidden_act"},
        {"rope_longrope.json", "{\"rope_scaling\": {\"rope_type\": \"longrope\"}}", "factor"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *word = strchr(bad[i][2], '|');
        refuses_config(bad[i][0], bad[i][1], word ? word + 1 : bad[i][2]);
    }
}

/* Keys that published models have besides. */
static void published(void) {
    static const char *const good[][2] = {
        {"gemma2.json", "{\"cache_implementation\": \"hybrid\", \"_name_or_path\": \"x\"}"},
        {"llama.json", "{\"rope_interleaved\": false, \"is_llama_config\": true, "
                       "\"transformers.js_config\": {\"dtype\": \"q4\"}, \"rope_theta\": 10000, "
                       "\"rope_scaling\": null, \"pretraining_tp\": 1}"},
        {"cohere2.json", "{\"order_of_interleaved_layers\": \"local_attn_first\", "
                         "\"position_embedding_type\": \"rope_gptj\", \"rotary_pct\": 1.0, "
                         "\"use_embedding_sharing\": true, \"use_gated_activation\": true, "
                         "\"use_parallel_block\": true, \"layer_switch\": 4}"},
        {"gpt_oss.json", "{\"experts_per_token\": 2, \"initial_context_length\": 4096}"},
        {"starcoder2.json", "{\"mlp_type\": \"default\", \"norm_type\": \"layer_norm\"}"},
        {"modernbert.json", "{\"layer_norm_eps\": 1e-5, \"position_embedding_type\": "
                            "\"absolute\", \"reference_compile\": true}"},
        {"phi3.json", "{\"full_attn_mod\": 1, \"interpolate_factor\": 1, "
                      "\"lm_head_bias\": false}"},
        {"mamba2.json", "{\"rms_norm\": true, \"norm_before_gate\": true, \"chunk_size\": 256}"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        tiny_model t;
        if (tiny_open(&t, good[i][0])) {
            json_t *more = json_loads(good[i][1], 0, NULL),
                   *config = json_object_get(t.document, "config");
            CHECK_MSG(more && json_object_update(config, more) == 0, "%s", good[i][1]);
            tiny_write_config(config, t.path);
            mx_decoder *d = mx_decoder_open(t.path);
            CHECK_MSG(d, "%s: %s", good[i][0], mx_error_message());
            mx_decoder_release(d);
            mx_error_clear();
            json_decref(more);
        }
        tiny_close(&t);
    }
}

/* A head of its own counts although the config says that it is the embedding. */
static void own_head(void) {
    tiny_model t;
    if (tiny_open(&t, "llama.json")) {
        json_object_set_new(json_object_get(t.document, "config"), "tie_word_embeddings",
                            json_true());
        tiny_write_config(json_object_get(t.document, "config"), t.path);
        mx_decoder *d = mx_decoder_open(t.path);
        CHECK_MSG(d && d->head.words != d->embedding.words, "%s", mx_error_message());
        mx_decoder_release(d);
        mx_error_clear();
    }
    tiny_close(&t);
}

/* As Python writes it, which is no JSON. */
static void infinite_limits(void) {
    tiny_model t;
    char path[600];
    if (tiny_open(&t, "mamba2.json")) {
        json_t *config = json_object_get(t.document, "config");
        json_object_set_new(config, "time_step_limit", json_pack("[f,s]", 0.0, "LIMIT_"));
        json_object_set_new(config, "_comment", json_string("\\\"Infinity"));
        char *text = json_dumps(config, 0), *at = strstr(text, "\"LIMIT_\"");
        memcpy(at, "Infinity", 8);
        snprintf(path, sizeof path, "%s/config.json", t.path);
        FILE *f = fopen(path, "w");
        CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
        mx_decoder *d = mx_decoder_open(t.path);
        CHECK_MSG(d && isinf(d->layer[0].recurrence.dt_most), "%s", mx_error_message());
        mx_decoder_release(d);
        mx_error_clear();
        free(text);
    }
    tiny_close(&t);
}

/* 0 and a failure: it cannot be opened. */
static int64_t context_of(const char *path) {
    mx_decoder *d = mx_decoder_open(path);
    int64_t context = CHECK_MSG(d, "%s", mx_error_message()) ? d->context : 0;
    mx_decoder_release(d);
    mx_error_clear();
    return context;
}

/* What recurs has no positions that end: config.json says no context, GGUF's metadata may. */
static void endless(void) {
    tiny_model t;
    char file[700];
    static const int64_t said[] = {0, 256};
    mx_convert_options o = {.overwrite = true};
    bool open = tiny_open(&t, "mamba2.json");
    snprintf(file, sizeof file, "%s.gguf", t.path);
    for (int i = 0; open && i < 2; i++) {
        json_t *config = json_object_get(t.document, "config");
        CHECK(i || !json_object_get(config, "max_position_embeddings"));
        if (said[i])
            json_object_set_new(config, "max_position_embeddings", json_integer(said[i]));
        tiny_write_config(config, t.path);
        int64_t want = said[i] ? said[i] : 1048576;
        CHECK_EQ_INT(context_of(t.path), want);
        CHECK_MSG(mx_convert(t.path, file, &o), "%s", mx_error_message());
        CHECK_EQ_INT(context_of(file), want);
    }
    tiny_close(&t);
}

/* Cut anywhere, tensors are missing or their places lie outside of the file. */
static void cut_files(void) {
    tiny_model t;
    char path[600];
    size_t n;
    if (tiny_open(&t, "qwen2.json")) {
        snprintf(path, sizeof path, "%s/model.safetensors", t.path);
        char *bytes = read_file(path, &n);
        for (size_t at = 0; at < n; at += n / 23) {
            FILE *f = fopen(path, "wb");
            CHECK(f && fwrite(bytes, 1, at, f) == at && fclose(f) == 0);
            refuses(t.path, "model.safetensors");
        }
        free(bytes);
    }
    tiny_close(&t);
}

static void no_models(void) {
    refuses("/nowhere/model.gguf", "/nowhere/model.gguf");
    refuses(write_file("none.safetensors", "\2\0\0\0\0\0\0\0{}", 10), "none.safetensors");
    CHECK(!mx_decoder_open(NULL));
    mx_error_clear();
}

/* --- no memory ------------------------------------------------------------------------------- */

/* Whatever allocation fails: an error, and nothing is left. */
static void no_memory(void) {
    static const char *const names[] = {"rope_longrope.json", "mixtral.json", "gpt_oss.json",
                                        "qwen3_next.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tiny_model t;
        if (!tiny_open(&t, names[i]))
            continue;
        mx_decoder_release(mx_decoder_open(t.path));
        mx_decoder *d = NULL;
        uint64_t step = 0;
        while (!d && step < 30000) {
            int64_t live = mx_alloc_live();
            mx_alloc_fail_at(step += 1 + step / 50);
            d = mx_decoder_open(t.path);
            mx_alloc_fail_at(0);
            if (d)
                break;
            CHECK_MSG(mx_failed(), "%s: allocation %llu fails and nobody says so", names[i],
                      (unsigned long long)step);
            mx_error_clear();
            CHECK_MSG(mx_alloc_live() <= live + 8, "%s: %lld are left", names[i],
                      (long long)(mx_alloc_live() - live));
        }
        CHECK(d && step > 100);
        mx_decoder_release(d);
        tiny_close(&t);
    }
}

/* --- derivatives ----------------------------------------------------------------------------- */

typedef struct tuned {
    mx_decoder *d;
    mx_weight *weight;
    const tiny_model *t;
} tuned;

/* A number of all logits, by a matrix of low rank in one place. */
static mx_array *score(const tuned *u, mx_array *down, mx_array *up) {
    mx_span span = {0, u->t->count, 0, NULL};
    mx_pass pass = {.token = u->t->tokens, .rows = u->t->count, .span = &span, .spans = 1};
    u->weight->down = down;
    u->weight->up = up;
    u->weight->change = 0.5f;
    mx_array *logits = mx_decoder_graph(u->d, &pass);
    u->weight->down = u->weight->up = NULL;
    int shape[] = {u->t->count, (int)u->t->width};
    return mx_sum_all(mx_mul(logits, tiny_tensor("score", shape, 2)));
}

static bool body(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)nin;
    return mx_arrays_add(out, score(self->payload, in[0], in[1]));
}

static double value(const tuned *u, mx_array *down, mx_array *up) {
    mx_array *y = score(u, down, up);
    return y && mx_eval1(y) ? (double)*(const float *)(const void *)y->data : NAN;
}

/* The derivative in a direction, and what two values near each other say. */
static void check_derivative(tuned *u, const char *name, const char *what) {
    int rank = 2, down_shape[] = {rank, (int)u->weight->in},
        up_shape[] = {(int)u->weight->out, rank};
    mx_array *down = tiny_tensor("down", down_shape, 2), *up = tiny_tensor("up", up_shape, 2);
    mx_array *way = tiny_tensor("way", up_shape, 2), *in[] = {down, up};
    mx_closure f = mx_closure_local(body, u);
    mx_arrays outputs = {0}, grads = {0};
    bool ok = mx_value_and_grad(&f, in, 2, (const int[]){0, 1}, 2, &outputs, &grads);
    if (CHECK_MSG(ok && grads.count == 2, "%s: %s: %s", name, what, mx_error_message())) {
        mx_array *along = mx_sum_all(mx_mul(grads.item[1], way));
        double h = 1e-3, most = value(u, down, mx_add(up, mx_mul_s(way, h)));
        double slope = (most - value(u, down, mx_sub(up, mx_mul_s(way, h)))) / (2 * h);
        CHECK(mx_eval1(along));
        double found = (double)*(const float *)(const void *)along->data;
        CHECK_MSG(fabs(found - slope) <= 0.02 * (fabs(slope) + 0.5),
                  "%s: %s: %g, and values say %g", name, what, found, slope);
    }
    mx_arrays_free(&outputs);
    mx_arrays_free(&grads);
    mx_error_clear();
}

static void check_derivatives(const char *name) {
    tiny_model t;
    mx_scope scope = mx_scope_open();
    mx_decoder *d = tiny_open(&t, name) ? mx_decoder_open(t.path) : NULL;
    if (CHECK_MSG(d, "%s: %s", name, mx_error_message())) {
        mx_layer *l = &d->layer[0];
        bool attends = l->mixer == MX_MIXER_ATTENTION;
        tuned u = {d, attends ? &l->attention.q : &l->recurrence.in, &t};
        check_derivative(&u, name, attends ? "q" : "in");
        u.weight = attends ? &l->attention.output : &l->recurrence.output;
        check_derivative(&u, name, "output");
    }
    mx_decoder_release(d);
    mx_scope_close(scope);
    tiny_close(&t);
}

static void derivatives(void) {
    static const char *const names[] = {"llama.json",       "gemma2.json",     "mixtral.json",
                                        "gpt_oss.json",     "qwen3_next.json", "mamba2.json",
                                        "deepseek_v3.json", "lfm2.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_derivatives(names[i]);
}

int main(void) {
    mx_scope scope = mx_scope_open();
    RUN(smollm2);
    RUN(gemma3);
    RUN(pooling);
    RUN(poolings);
    RUN(modules);
    RUN(configs);
    RUN(published);
    RUN(own_head);
    RUN(infinite_limits);
    RUN(endless);
    RUN(cut_files);
    RUN(no_models);
    RUN(no_memory);
    RUN(derivatives);
    mx_scope_close(scope);
    files_done();
    return check_done();
}
