/* Fine-tuning and files: training that goes on, adapters, fused models, and bad input. */
#include <signal.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "graph/eval/eval.h"
#include "mlx/c/lm.h"
#include "models/direct/direct.h"
#include "models/train/adapter.h"
#include "models/train/data.h"
#include "train_files.h"

/* --- going on -------------------------------------------------------------------------------- */

static mlx_train_options thorough(const char *folder_path) {
    mlx_train_options o = quick(14);
    o.adapter_path = folder_path;
    o.dropout = 0.2;
    o.accumulate = 2;
    o.report_every = 3;
    o.schedule = "cosine_decay";
    o.warmup = 2;
    o.save_every = 5;
    o.seed = 9;
    return o;
}

static bool same_file(const char *a, const char *b, const char *name) {
    char path[2][700];
    size_t n[2];
    snprintf(path[0], sizeof path[0], "%s/%s", a, name);
    snprintf(path[1], sizeof path[1], "%s/%s", b, name);
    char *x = read_file(path[0], &n[0]), *y = read_file(path[1], &n[1]);
    bool same = n[0] && n[0] == n[1] && !memcmp(x, y, n[0]);
    free(x);
    free(y);
    return same;
}

static void goes_on(const char *model, const char *kind, const char *optimizer, int stop,
                    bool pack) {
    char whole[300], parts[300];
    snprintf(whole, sizeof whole, "%s", own_path("whole"));
    snprintf(parts, sizeof parts, "%s", own_path("parts"));
    const char *data = data_folder("data", lines, NULL, NULL);
    mlx_train_options o = thorough(whole), p = thorough(parts);
    o.fine_tune_type = p.fine_tune_type = kind;
    o.optimizer = p.optimizer = optimizer;
    o.pack = p.pack = pack;
    o.max_tokens = p.max_tokens = pack ? 20 : 2048;
    seen a = {0}, b = {.stop_at = stop}, c = {0};
    CHECK_MSG(train(model, data, &o, &a), "%s", mlx_last_error_message());
    CHECK_MSG(train(model, data, &p, &b), "%s", mlx_last_error_message());
    p.resume = true;
    CHECK_MSG(train(model, data, &p, &c), "%s", mlx_last_error_message());
    CHECK_EQ_INT(b.losses + c.losses, a.losses);
    for (int i = 0; i < a.losses && b.losses + c.losses == a.losses; i++) {
        double x = i < b.losses ? b.loss[i] : c.loss[i - b.losses];
        CHECK_MSG(x == a.loss[i], "%s, %s, stopped at %d: report %d is %.17g, not %.17g", kind,
                  optimizer, stop, i, x, a.loss[i]);
    }
    CHECK_MSG(same_file(whole, parts, "adapters.safetensors"), "%s, %s, stopped at %d", kind,
              optimizer, stop);
    CHECK(same_file(whole, parts, "training_state.safetensors"));
    CHECK(same_file(whole, parts, "adapter_config.json"));
}

static void stopped_and_gone_on(void) {
    tiny_model m;
    if (open_tiny(&m, "llama.json")) {
        goes_on(m.path, "lora", "adam", 7, false); // between two updates
        goes_on(m.path, "lora", "muon", 6, true);
        goes_on(m.path, "dora", "adamw", 1, false);
        goes_on(m.path, "full", "lion", 9, true);
    }
    tiny_close(&m);
    if (open_tiny(&m, "gemma3.json"))
        goes_on(m.path, "full", "sgd", 5, false); // norms that files have less one
    tiny_close(&m);
}

static void other_options_are_refused(void) {
    tiny_model m;
    mlx_train t = mlx_train_new();
    if (!open_tiny(&m, "llama.json"))
        return;
    const char *path = own_path("other");
    const char *data = data_folder("data", lines, NULL, NULL);
    mlx_train_options o = thorough(path);
    seen s = {.stop_at = 3};
    CHECK(train(m.path, data, &o, &s));
    o.resume = true;
    o.batch_size = 2;
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "batch_size 3, and now it is 2");
    o.batch_size = 3;
    o.rank = 5;
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "lora_parameters");
    o.rank = 4;
    data = data_folder("data2", "{\"text\": \"abc\"}", NULL, NULL);
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "was made with other data");
    data = data_folder("data", lines, NULL, NULL);
    o.learning_rate = 1;
    CHECK_OK(mlx_train_open(&t, m.path, data, &o));
    mlx_train_info info;
    CHECK_OK(mlx_train_about(&info, t));
    CHECK_EQ_INT(info.iteration, 3);
    CHECK_EQ_INT(info.train, 7);
    mlx_train_free(t);
    tiny_close(&m);
}

/* --- adapters -------------------------------------------------------------------------------- */

static mx_array *logits_of(const mx_decoder *d, const tiny_model *m) {
    mx_span span = {0, m->count, 0, NULL};
    mx_pass pass = {.token = m->tokens, .rows = m->count, .span = &span, .spans = 1};
    mx_array *a = mx_decoder_graph(d, &pass);
    return CHECK_MSG(a && mx_eval1(a), "%s", mx_error_message()) ? a : NULL;
}

static double distance(const mx_array *a, const mx_array *b) {
    double most = 0, largest = 1;
    const float *x = a ? (const float *)(const void *)a->data : NULL,
                *y = b ? (const float *)(const void *)b->data : NULL;
    for (int64_t i = 0; x && y && i < a->size; i++) {
        most = fmax(most, fabs((double)x[i] - (double)y[i]));
        largest = fmax(largest, fabs((double)x[i]));
    }
    return x && y && a->size == b->size ? most / largest : INFINITY;
}

/* The other machine, too. */
static double direct_distance(mx_decoder *d, const tiny_model *m, const mx_array *wanted) {
    mx_direct *machine = mx_direct_new(d);
    mx_cache *c = machine ? mx_cache_new(d, 32, 0) : NULL;
    mx_sequence *s = c ? mx_sequence_begin(c, m->tokens, m->count) : NULL;
    const float *rows, *w = (const float *)(const void *)wanted->data;
    bool full;
    double most = INFINITY;
    mx_span span = {0, m->count, 0, s};
    mx_pass pass = {.token = m->tokens, .rows = m->count, .span = &span, .spans = 1};
    if (CHECK(s && mx_sequence_reserve(s, m->count, &full)) &&
        CHECK_MSG(mx_direct_pass(machine, &pass, &rows), "%s", mx_error_message())) {
        double largest = 1;
        most = 0;
        for (int64_t i = 0; i < wanted->size; i++) {
            most = fmax(most, fabs((double)rows[i] - (double)w[i]));
            largest = fmax(largest, fabs((double)w[i]));
        }
        most /= largest;
    }
    mx_sequence_end(s);
    mx_cache_free(c);
    mx_direct_free(machine);
    return most;
}

/* What the adapter does, and that it does something. */
static mx_array *with_adapter(const char *model, const char *adapter, const tiny_model *m) {
    mx_decoder *d = mx_decoder_open(model);
    mx_decoder *changed = d ? mx_adapter_open(d, adapter) : NULL;
    mx_array *plain = d ? logits_of(d, m) : NULL, *y = NULL;
    if (CHECK_MSG(changed, "%s", mx_error_message()) && (y = logits_of(changed, m))) {
        CHECK(distance(plain, y) > 1e-3);
        double far = direct_distance(changed, m, y);
        // which rounds what meets blocks
        CHECK_MSG(far < 1e-3, "%s: the direct machine is %g away", adapter, far);
    }
    mx_decoder_release(changed);
    mx_decoder_release(d);
    mx_error_clear();
    return y;
}

static mx_array *without(const char *model, const tiny_model *m) {
    mx_decoder *d = mx_decoder_open(model);
    mx_array *y = CHECK_MSG(d, "%s", mx_error_message()) ? logits_of(d, m) : NULL;
    mx_decoder_release(d);
    mx_error_clear();
    return y;
}

static bool learned(const char *model, const char *kind, const char *adapter) {
    const char *data = data_folder("data", lines, NULL, NULL);
    mlx_train_options o = quick(8);
    seen s = {0};
    o.fine_tune_type = kind;
    o.adapter_path = adapter;
    o.learning_rate = 1e-2;
    return CHECK_MSG(train(model, data, &o, &s), "%s", mlx_last_error_message());
}

static void fused(const char *model, const char *adapter, const char *to, const tiny_model *m,
                  const mx_array *wanted, double most, bool dequantize) {
    char out[400];
    snprintf(out, sizeof out, "%s", own_path(to));
    mlx_convert_options o = mlx_convert_options_default();
    o.dequantize = dequantize;
    o.dtype = dequantize ? "float32" : NULL;
    o.overwrite = true;
    if (!CHECK_MSG(mlx_fuse(model, adapter, out, &o, NULL, NULL) == 0, "%s",
                   mlx_last_error_message()))
        return;
    double far = distance(wanted, without(out, m));
    CHECK_MSG(far < most, "%s: %g away", to, far);
}

/* Trained on the folder, fused into folder and GGUF file; read on a GGUF file of the model. */
static void one_adapter(const char *name, const char *kind, int number, bool gguf) {
    tiny_model m;
    char adapter[400], file[400], to[64];
    if (!open_tiny(&m, name))
        return;
    mx_scope scope = mx_scope_open();
    snprintf(to, sizeof to, "adapter%d", number);
    snprintf(adapter, sizeof adapter, "%s", own_path(to));
    snprintf(to, sizeof to, "model%d.gguf", number);
    snprintf(file, sizeof file, "%s", own_path(to));
    if (learned(m.path, kind, adapter)) {
        mx_array *wanted = with_adapter(m.path, adapter, &m);
        snprintf(to, sizeof to, "fused%d", number);
        fused(m.path, adapter, to, &m, wanted, 1e-5, false);
        snprintf(to, sizeof to, "fused%d.gguf", number);
        if (gguf)
            fused(m.path, adapter, to, &m, wanted, 1e-5, false);
        if (gguf && CHECK_MSG(mlx_convert(m.path, file, NULL, NULL, NULL) == 0, "%s",
                              mlx_last_error_message())) {
            double far = distance(wanted, with_adapter(file, adapter, &m));
            CHECK_MSG(far < 1e-5, "%s on a GGUF file: %g away", name, far);
            snprintf(to, sizeof to, "back%d", number);
            fused(file, adapter, to, &m, wanted, 1e-5, false);
        }
    }
    mx_scope_close(scope);
    tiny_close(&m);
}

static void adapters(void) {
    one_adapter("llama.json", "lora", 1, true);
    one_adapter("llama.json", "dora", 2, true);
    one_adapter("llama.json", "full", 3, true);
    one_adapter("llama_biases.json", "dora", 4, true);
    one_adapter("llama_biases.json", "full", 5, true);
    one_adapter("gemma3.json", "full", 6, false); // GGUF has no word for its scale
    one_adapter("gemma.json", "full", 10, true);
    one_adapter("phi3.json", "dora", 7, true);
    one_adapter("gpt2.json", "lora", 8, false); // columns lie as rows
    one_adapter("gpt2.json", "full", 9, false);
    one_adapter("qwen3_moe.json", "lora", 11, false);
    one_adapter("mixtral.json", "full", 12, true); // experts apart become a stack, and again
    one_adapter("mixtral.json", "lora", 13, true);
    one_adapter("deepseek_v3.json", "lora", 14, false);
    one_adapter("qwen2_moe.json", "lora", 15, false); // a gate of what all tokens share
    one_adapter("qwen2_moe.json", "dora", 16, false);
    one_adapter("qwen2_moe.json", "full", 17, false);
    one_adapter("gpt_oss.json", "dora", 18, false);
}

/* Trained on a GGUF file, which has rows of heads in another order, and read on the folder. */
static void from_gguf(void) {
    tiny_model m;
    char adapter[400], file[400];
    if (!open_tiny(&m, "llama.json"))
        return;
    mx_scope scope = mx_scope_open();
    snprintf(adapter, sizeof adapter, "%s", own_path("from_gguf"));
    snprintf(file, sizeof file, "%s", own_path("from.gguf"));
    CHECK_OK(mlx_convert(m.path, file, NULL, NULL, NULL));
    if (learned(file, "lora", adapter)) {
        double far = distance(with_adapter(file, adapter, &m), with_adapter(m.path, adapter, &m));
        CHECK_MSG(far < 1e-5, "%g away", far);
    }
    mx_scope_close(scope);
    tiny_close(&m);
}

/* Over weights that are quantized, which stay so, or do not. */
static void quantized(void) {
    tiny_model m;
    char words[400], blocks[400], adapter[400];
    if (!open_tiny(&m, "llama.json"))
        return;
    mx_scope scope = mx_scope_open();
    snprintf(words, sizeof words, "%s", own_path("words"));
    snprintf(blocks, sizeof blocks, "%s", own_path("blocks.gguf"));
    snprintf(adapter, sizeof adapter, "%s", own_path("on_words"));
    mlx_convert_options o = {.mode = "affine", .bits = 8, .group_size = 32};
    CHECK_OK(mlx_convert(m.path, words, &o, NULL, NULL));
    o = (mlx_convert_options){.mode = "q8_0"};
    CHECK_OK(mlx_convert(m.path, blocks, &o, NULL, NULL));
    if (learned(words, "dora", adapter)) {
        mx_array *wanted = with_adapter(words, adapter, &m);
        fused(words, adapter, "words_plain", &m, wanted, 1e-4, true);
        fused(words, adapter, "words_again", &m, wanted, 0.05, false);
    }
    snprintf(adapter, sizeof adapter, "%s", own_path("on_blocks"));
    if (learned(blocks, "lora", adapter)) {
        mx_array *wanted = with_adapter(blocks, adapter, &m);
        fused(blocks, adapter, "blocks_plain", &m, wanted, 1e-4, true);
        fused(blocks, adapter, "blocks_again.gguf", &m, wanted, 0.05, false);
    }
    mlx_train_options full = quick(1);
    mlx_train t = mlx_train_new();
    full.fine_tune_type = "full";
    CHECK_FAILS(mlx_train_open(&t, words, NULL, &full), "is quantized");
    mx_scope_close(scope);
    tiny_close(&m);
}

/* Scales are learned, words stay: what is exported is a folder quantized as before. */
static void scales(void) {
    tiny_model m;
    char words[400], adapter[400], out[400], path[2][600];
    if (!open_tiny(&m, "llama.json"))
        return;
    mx_scope scope = mx_scope_open();
    snprintf(words, sizeof words, "%s", in_words(m.path, 4));
    snprintf(adapter, sizeof adapter, "%s", own_path("on_scales"));
    snprintf(out, sizeof out, "%s", own_path("rescaled"));
    if (learned(words, "scales", adapter)) {
        mx_array *wanted = with_adapter(words, adapter, &m);
        fused(words, adapter, "rescaled", &m, wanted, 1e-6, false);
        fused(words, adapter, "rescaled_plain", &m, wanted, 1e-5, true);
        mx_map a = {0}, b = {0};
        snprintf(path[0], sizeof path[0], "%s/model.safetensors", words);
        snprintf(path[1], sizeof path[1], "%s/model.safetensors", out);
        CHECK(mx_load_safetensors(path[0], false, &a, NULL));
        CHECK(mx_load_safetensors(path[1], false, &b, NULL));
        CHECK_EQ_INT((int)a.count, (int)b.count);
        for (size_t i = 0; i < a.count; i++) {
            const char *key = a.entry[i].key;
            mx_array *x = mx_map_get(&a, key), *y = mx_map_get(&b, key);
            bool same = x && y && mx_eval1(x) && mx_eval1(y) && x->dtype == y->dtype &&
                        x->size == y->size &&
                        !memcmp(x->data, y->data, (size_t)x->size * mx_itemsize(x));
            bool scaled = strstr(key, "layers.1.self_attn.q_proj.scales") ||
                          strstr(key, "layers.1.self_attn.q_proj.biases");
            bool learns = strstr(key, ".scales") || strstr(key, ".biases");
            CHECK_MSG(scaled ? !same : same || learns, "%s", key);
        }
        mx_free_arrays(&a);
        mx_free_arrays(&b);
    }
    const char *others = in_words(m.path, 8);
    mx_decoder *d = mx_decoder_open(others), *plain = mx_decoder_open(m.path);
    CHECK(!mx_adapter_open(d, adapter) && strstr(mx_error_message(), "has scales of 4 bits"));
    mx_error_clear();
    CHECK(!mx_adapter_open(plain, adapter) && strstr(mx_error_message(), "has no scales"));
    mx_error_clear();
    mx_decoder_release(d);
    mx_decoder_release(plain);
    mlx_train_options o = quick(1);
    mlx_train t = mlx_train_new();
    o.fine_tune_type = "scales";
    CHECK_FAILS(mlx_train_open(&t, m.path, NULL, &o), "has no matrix that");
    mx_scope_close(scope);
    tiny_close(&m);
}

/* As mlx_lm writes and reads them. */
static void layout(void) {
    tiny_model m;
    if (!open_tiny(&m, "llama.json"))
        return;
    const char *adapter = own_path("layout");
    if (learned(m.path, "dora", adapter)) {
        char path[600];
        snprintf(path, sizeof path, "%s/adapter_config.json", adapter);
        json_t *config = json_load_file(path, 0, NULL), *p = mx_json_at(config, "lora_parameters");
        CHECK_STR(mx_json_text_at(config, "fine_tune_type"), "dora");
        CHECK_EQ_INT(json_integer_value(json_object_get(config, "num_layers")), 2);
        CHECK_EQ_INT(json_integer_value(json_object_get(p, "rank")), 4);
        CHECK_NEAR(json_number_value(json_object_get(p, "scale")), 2, 0);
        CHECK_EQ_INT((int)json_array_size(json_object_get(p, "keys")), 7);
        CHECK_STR(json_string_value(json_array_get(json_object_get(p, "keys"), 0)),
                  "self_attn.q_proj");
        mx_map arrays = arrays_of(adapter);
        CHECK_EQ_INT((int)arrays.count, 2 * 7 * 3);
        const mx_array *a = mx_map_get(&arrays, "model.layers.1.mlp.down_proj.lora_a"),
                       *b = mx_map_get(&arrays, "model.layers.1.mlp.down_proj.lora_b"),
                       *n = mx_map_get(&arrays, "model.layers.1.mlp.down_proj.m");
        CHECK(a && mx_shape_is(a, (int[]){48, 4}, 2));
        CHECK(b && mx_shape_is(b, (int[]){4, 32}, 2));
        CHECK(n && mx_shape_is(n, (int[]){32}, 1));
        mx_free_arrays(&arrays);
        json_decref(config);
    }
    tiny_close(&m);
}

/* Matrices of a stack, one for each expert, as mlx_lm's switch layers have them. */
static void experts(void) {
    static const char *const keys[] = {"mlp.switch_mlp.up_proj"};
    tiny_model m;
    if (!open_tiny(&m, "qwen3_moe.json"))
        return;
    mx_scope scope = mx_scope_open();
    char adapter[400], hf[400];
    mlx_convert_options apart = {.format = "hf", .overwrite = true};
    snprintf(adapter, sizeof adapter, "%s", own_path("switch"));
    snprintf(hf, sizeof hf, "%s", own_path("switch_hf"));
    mlx_train_options o = quick(6);
    seen s = {0};
    o.keys = keys;
    o.key_num = 1;
    o.adapter_path = adapter;
    o.learning_rate = 1e-2;
    mlx_train t = mlx_train_new();
    if (CHECK_MSG(train(m.path, data_folder("data", lines, NULL, NULL), &o, &s), "%s",
                  mlx_last_error_message())) {
        mx_map arrays = arrays_of(adapter);
        const mx_array *a = mx_map_get(&arrays, "model.layers.2.mlp.switch_mlp.up_proj.lora_a"),
                       *b = mx_map_get(&arrays, "model.layers.2.mlp.switch_mlp.up_proj.lora_b");
        CHECK(a && a->ndim == 3 && a->shape[1] == 4 && b && b->ndim == 3 && b->shape[2] == 4);
        mx_free_arrays(&arrays);
        mx_array *wanted = with_adapter(m.path, adapter, &m);
        if (CHECK_MSG(mlx_fuse(m.path, adapter, hf, &apart, NULL, NULL) == 0, "%s",
                      mlx_last_error_message()))
            CHECK(distance(wanted, without(hf, &m)) < 1e-5);
    }
    o.fine_tune_type = "dora";
    CHECK_FAILS(mlx_train_open(&t, m.path, NULL, &o), "is a stack of experts, which has no DoRA");
    mx_scope_close(scope);
    tiny_close(&m);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void bad_data(void) {
    static const struct {
        const char *train, *message;
    } all[] = {{"{\"text\": \"abc\"}\n{\"text\": \"ab\"", "train.jsonl, line 2' at byte"},
               {"{\"text\": \"abc\"}\n\n[1]", "train.jsonl' line 3: it is no object"},
               {"{\"txt\": \"abc\"}", "train.jsonl' line 1: it has no \"text\""},
               {"{\"text\": 7}", "line 1: \"text\" is no text"},
               {"{\"prompt\": \"a\", \"completion\": [1]}", "are no texts"},
               {"{\"text\": \"abc\"}\n{\"prompt\": \"a\", \"completion\": \"b\"}",
                "line 2: it is of another kind"},
               {"{\"messages\": []}", "line 1: \"messages\" is no list of messages"},
               {"{\"messages\": [{\"content\": \"a\"}]}", "a message is no object with a role"},
               {"\n\n", "has nothing to learn from"},
               {"", "has nothing to learn from"},
               {"{\"text\": \"\"}", "has nothing to learn from"},
               {"{\"text\": \"a\", \"prompt\": \"a\", \"completion\": \"b\"}",
                "line 1: it is of two kinds"},
               {"{\"text\": \"a\", \"messages\": []}", "line 1: it is of two kinds"},
               {"{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tools\": \"no\"}",
                "\"tools\" is no list"},
               {"{\"text\": \"\xff\xfe\"}", "line 1"}};
    tiny_model m;
    mlx_train t = mlx_train_new();
    if (!open_tiny(&m, "llama.json"))
        return;
    mlx_train_options o = quick(1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        CHECK_FAILS(mlx_train_open(&t, m.path, data_folder("bad", all[i].train, NULL, NULL), &o),
                    all[i].message);
    o.mask_prompt = true;
    CHECK_FAILS(mlx_train_open(&t, m.path, data_folder("bad", lines, NULL, NULL), &o),
                "no prompt that could be masked");
    CHECK_FAILS(mlx_train_open(&t, m.path, own_path("nothing"), &o), "neither train.jsonl");
    tiny_close(&m);
}

/* Conversations by the model's template; what is learned of them is the last answer. */
static void conversations(void) {
    static const char evil[] = "{\"prompt\": \"ab\", \"completion\": \"c</s>e\"}\n",
                      chat[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"ab\"},"
                               "{\"role\": \"assistant\", \"content\": \"cde\"}]}\n",
                      pair[] = "{\"prompt\": \"ab\", \"completion\": \"cde\"}\n",
                      config[] = "{\"eos_token\": \"</s>\", \"chat_template\": "
                                 "\"{% for m in messages %}{{ m.role[0] }},{{ m.content }}"
                                 "{{ eos_token }}{% endfor %}{% if tools %}TOOLS{% endif %}"
                                 "{% if add_generation_prompt %}a,{% endif %}\"}";
    tiny_model m;
    mx_tokenizer *t = NULL;
    if (!open_tiny(&m, "llama.json"))
        return;
    mx_data_spec spec = {.model = m.path, .most = 100, .vocabulary = 64, .mask_prompt = true};
    const char *data = data_folder("chats", chat, pair, evil);
    char *train_path = mx_data_file(data, "train.jsonl"),
         *test_path = mx_data_file(data, "test.jsonl"),
         *valid_path = mx_data_file(data, "valid.jsonl");
    mx_examples e, f;
    CHECK((spec.tokenizer = t = mx_tokenizer_open(m.path)));
    CHECK(!mx_examples_read(&e, train_path, &spec));
    CHECK_HAS(mx_error_message(), "no chat template");
    mx_error_clear();
    CHECK(mx_examples_read(&e, valid_path, &spec)); // ab, cde, </s>
    CHECK(e.count == 1 && e.item[0].count == 6 && e.item[0].prompt == 2);
    mx_examples_free(&e);
    write_into(m.path, "tokenizer_config.json", config);
    mx_tokenizer_release(t);
    CHECK((spec.tokenizer = t = mx_tokenizer_open(m.path)));
    if (CHECK_MSG(mx_examples_read(&e, train_path, &spec), "%s", mx_error_message()) &&
        CHECK_MSG(mx_examples_read(&f, valid_path, &spec), "%s", mx_error_message())) {
        // u,ab</s> a,cde</s>
        CHECK(e.count == 1 && e.item[0].count == 5 + 6 && e.item[0].prompt == 5 + 2);
        CHECK(f.print == e.print);
        mx_examples_free(&e);
        mx_examples_free(&f);
    }
    // what somebody wrote ends nothing: only the two ends of the template are tokens
    int ends = 0;
    if (CHECK_MSG(mx_examples_read(&e, test_path, &spec), "%s", mx_error_message()))
        for (size_t i = 0; i < e.tokens; i++)
            ends += e.token[i] == mx_tokenizer_role(t, MX_TOKEN_EOS);
    CHECK_EQ_INT(ends, 2);
    mx_examples_free(&e);
    mx_free(test_path);
    mx_free(train_path);
    mx_free(valid_path);
    mx_tokenizer_release(t);
    tiny_close(&m);
}

static void cut_and_left_out(void) {
    tiny_model m;
    seen s = {0};
    if (!open_tiny(&m, "llama.json"))
        return;
    mlx_train_options o = quick(2);
    o.max_tokens = 6;
    o.mask_prompt = true;
    const char *data = data_folder("long",
                                   "{\"prompt\": \"ab\", \"completion\": \"cd\"}\n"
                                   "{\"prompt\": \"abcdefgh\", \"completion\": \"cd\"}\n"
                                   "{\"prompt\": \"ab\", \"completion\": \"cdefghijk\"}\n",
                                   NULL, NULL);
    CHECK_MSG(train(m.path, data, &o, &s), "%s", mlx_last_error_message());
    CHECK_EQ_INT(s.notes, 2);
    CHECK_HAS(s.note, "in 1 of 3 examples there is nothing to learn");
    mlx_train t = mlx_train_new();
    o.max_tokens = 2;
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "behind max_seq_length, 2 tokens");
    tiny_close(&m);
}

/* Gradients that make no update are told of, and each state is saved once. */
static void iterations_left_over(void) {
    tiny_model m;
    seen s = {0};
    if (!open_tiny(&m, "llama.json"))
        return;
    mlx_train_options o = quick(5);
    o.accumulate = 2;
    const char *data = data_folder("data", lines, NULL, NULL);
    CHECK_MSG(train(m.path, data, &o, &s), "%s", mlx_last_error_message());
    CHECK_EQ_INT(s.notes, 1);
    CHECK_HAS(s.note, "the last 1 of 5 iterations make no update");
    s = (seen){0};
    o.iters = 4;
    CHECK_MSG(train(m.path, data, &o, &s), "%s", mlx_last_error_message());
    CHECK_EQ_INT(s.notes, 0);
    tiny_close(&m);
}

static void bad_options(void) {
    tiny_model m;
    mlx_train t = mlx_train_new();
    bool stopped;
    double loss;
    if (!open_tiny(&m, "llama.json"))
        return;
    const char *data = data_folder("data", lines, NULL, NULL);
    mlx_train_options usual = quick(1), o = usual;
#define REFUSED(member, value, message) \
    (o = usual, o.member = (value), CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), message))
    REFUSED(fine_tune_type, "qlora", "none of lora, dora, full");
    REFUSED(num_layers, 3, "3 layers were to be trained");
    REFUSED(rank, 0, "a rank of 0");
    REFUSED(dropout, 1, "a dropout of 1");
    REFUSED(optimizer, "adafactor", "none of adam");
    REFUSED(schedule, "step", "none of constant");
    REFUSED(batch_size, 0, "batch_size is 0");
    REFUSED(accumulate, 0, "grad_accumulation_steps is 0");
    REFUSED(accumulate, 2, "iters is 1 and grad_accumulation_steps 2: no update");
    REFUSED(max_tokens, 1, "max_seq_length is 1");
    REFUSED(learning_rate, -1, "learning_rate is -1");
    REFUSED(learning_rate, NAN, "learning_rate is");
    REFUSED(resume, true, "folder is needed");
    REFUSED(adapter_file, "no such file", "no such file");
    o = usual;
    o.keys = (const char *[]){"self_attn.q_proj", "self_attn.x_proj"};
    o.key_num = 2;
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "'self_attn.x_proj'; there are self_attn.q");
    o.keys = (const char *[]){"self_attn.q_proj", "self_attn.q_proj"};
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "'self_attn.q_proj' is given twice");
    o.keys = (const char *[]){"self_attn.q_proj", NULL};
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "key 1 is NULL");
    o.keys = NULL;
    CHECK_FAILS(mlx_train_open(&t, m.path, data, &o), "the keys are NULL");
    o.keys = (const char *[]){"self_attn.q_proj"};
    o.key_num = 1;
    CHECK_OK(mlx_train_open(&t, m.path, data, &o));
    CHECK_FAILS(mlx_train_test(&loss, t, NULL, NULL), "no test.jsonl");
    CHECK_FAILS(mlx_train_save(t), "no folder");
    CHECK_OK(mlx_train_open(&t, m.path, NULL, NULL));
    CHECK_FAILS(mlx_train_run(&stopped, t, NULL, NULL), "no train.jsonl");
    CHECK_FAILS(mlx_train_open(&t, own_path("none"), data, &o), "none");
    mlx_train_free(t);
    tiny_close(&m);
    if (open_tiny(&m, "bert.json"))
        CHECK_FAILS(mlx_train_open(&t, m.path, data, &usual), "encoders are not trained");
    tiny_close(&m);
}

static void adapter_of(const char *folder_path, const char *config, const char *name,
                       const int *shape, int ndim, mx_dtype dtype) {
    mkdir(folder_path, 0777);
    write_into(folder_path, "adapter_config.json", config);
    mx_map arrays = {0};
    mx_map_set(&arrays, name, mx_array_retain(mx_astype(tiny_tensor(name, shape, ndim), dtype)),
               NULL);
    put_arrays(folder_path, &arrays);
    mx_free_arrays(&arrays);
}

static void bad_adapters(void) {
    static const char good[] = "{\"lora_parameters\": {\"rank\": 2, \"scale\": 1}}";
    static const struct {
        const char *config, *name;
        int shape[2];
        const char *message;
    } all[] = {
        {"{", "x", {2, 2}, "adapter_config.json"},
        {"[]", "x", {2, 2}, "holds no object"},
        {"{\"fine_tune_type\": 3}", "x", {2, 2}, "fine_tune_type is no text"},
        {"{\"peft_type\": \"LORA\"}", "x", {2, 2}, "PEFT"},
        {"{\"fine_tune_type\": \"ia3\"}", "x", {2, 2}, "none of lora, dora, full"},
        {"{\"lora_parameters\": {\"rank\": 2}}", "x", {2, 2}, "scale is no number"},
        {"{\"lora_parameters\": {\"rank\": 0.5, \"scale\": 1}}", "x", {2, 2}, "a rank of 0.5"},
        {good, "model.layers.0.self_attn.q_proj.lora_a", {33, 2}, "(33,2), (32,2) was expected"},
        {good, "model.layers.0.self_attn.q_proj.lora_a", {32, 2}, "lora_b' is missing"},
        {good, "model.layers.7.self_attn.q_proj.lora_a", {32, 2}, "no matrix that can be changed"},
        {good, "model.layers.0.self_attn.z_proj.lora_a", {32, 2}, "has no module"},
        {good, "model.embed_tokens.lora_a", {32, 2}, "no matrix that can be changed"},
        {good, "model.layers.0.self_attn.q_proj.m", {32, 2}, "nothing that a lora adapter has"}};
    tiny_model m;
    if (!open_tiny(&m, "llama.json"))
        return;
    mx_decoder *d = mx_decoder_open(m.path);
    mx_scope scope = mx_scope_open();
    const char *path = own_path("bad_adapter");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        adapter_of(path, all[i].config, all[i].name, all[i].shape, 2, MX_FLOAT32);
        CHECK(!mx_adapter_open(d, path));
        CHECK_HAS(mx_error_message(), all[i].message);
        mx_error_clear();
        mlx_lm lm = mlx_lm_new();
        CHECK_FAILS(mlx_lm_open(&lm, m.path, &(mlx_lm_options){.adapter = path}), all[i].message);
    }
    CHECK_FAILS(mlx_fuse(m.path, path, own_path("bad_out"), NULL, NULL, NULL), "lora adapter has");
    CHECK(access(own_path("bad_out"), F_OK) != 0);
    adapter_of(path, good, all[7].name, (int[]){32, 2}, 2, MX_INT32);
    CHECK(!mx_adapter_open(d, path));
    CHECK_HAS(mx_error_message(), "lora_a' is int32, and has to be of floating point");
    mx_error_clear();
    mx_scope_close(scope);
    mx_decoder_release(d);
    tiny_close(&m);
}

/* --- what fails on the way ------------------------------------------------------------------- */

static void not_a_number(void) {
    tiny_model m;
    seen s = {0};
    if (!open_tiny(&m, "llama.json"))
        return;
    mlx_train_options o = quick(50);
    o.optimizer = "sgd";
    o.momentum = 0;
    o.learning_rate = 1e6;
    CHECK(!train(m.path, data_folder("data", lines, NULL, NULL), &o, &s));
    CHECK_HAS(mlx_last_error_message(), "the loss of iteration");
    CHECK(s.losses < 50);
    tiny_close(&m);
}

/* No file may have more than so many bytes: what was saved before stays whole. */
static void disk_full(void) {
    tiny_model m;
    if (!open_tiny(&m, "llama.json"))
        return;
    const char *path = own_path("full"), *data = data_folder("data", lines, NULL, NULL);
    mlx_train_options o = thorough(path);
    seen s = {.stop_at = 5}, rest = {0};
    CHECK(train(m.path, data, &o, &s));
    struct rlimit former, small = {4096, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &former);
    small.rlim_max = former.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    o.resume = true;
    CHECK(!train(m.path, data, &o, &rest));
    CHECK_HAS(mlx_last_error_message(), "cannot write");
    setrlimit(RLIMIT_FSIZE, &former);
    mlx_train t = mlx_train_new();
    mlx_train_info info = {0};
    CHECK_OK(mlx_train_open(&t, m.path, data, &o));
    CHECK_OK(mlx_train_about(&info, t));
    CHECK_EQ_INT(info.iteration, 5);
    mlx_train_free(t);
    tiny_close(&m);
}

static void test_loss(void) {
    tiny_model m;
    mlx_train t = mlx_train_new();
    double loss = 0;
    if (!open_tiny(&m, "llama.json"))
        return;
    CHECK_OK(mlx_train_open(&t, m.path, data_folder("tests", NULL, NULL, lines), NULL));
    CHECK_OK(mlx_train_test(&loss, t, NULL, NULL));
    CHECK(loss > 2 && loss < 8);
    mlx_train_free(t);
    tiny_close(&m);
}

/* Every so many-th allocation fails: an error, nothing is left, and what was there stays whole. */
static void no_memory(void) {
    tiny_model m;
    if (!open_tiny(&m, "llama.json"))
        return;
    const char *path = own_path("memory"), *data = data_folder("data", lines, lines, NULL);
    mlx_train_options o = thorough(path);
    o.iters = 2;
    o.fine_tune_type = "dora";
    o.checkpoint = true;
    bool done = false;
    for (uint64_t at = 1; !done && at < 1 << 20; at += 1 + at / 12) {
        seen s = {0};
        int64_t live = mx_alloc_live();
        mx_alloc_fail_at(at);
        done = train(m.path, data, &o, &s);
        bool failed = mx_alloc_count() >= at;
        mx_alloc_fail_at(0);
        done = done && !failed;
        CHECK_MSG(mx_alloc_live() <= live + 64, "allocation %llu: %lld are left",
                  (unsigned long long)at, (long long)(mx_alloc_live() - live));
        mx_error_clear();
    }
    CHECK(done);
    tiny_close(&m);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(stopped_and_gone_on);
    RUN(other_options_are_refused);
    RUN(adapters);
    RUN(from_gguf);
    RUN(quantized);
    RUN(scales);
    RUN(layout);
    RUN(experts);
    RUN(bad_data);
    RUN(conversations);
    RUN(cut_and_left_out);
    RUN(iterations_left_over);
    RUN(bad_options);
    RUN(bad_adapters);
    RUN(not_a_number);
    RUN(disk_full);
    RUN(test_loss);
    RUN(no_memory);
    files_done();
    return check_done();
}
