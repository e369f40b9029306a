/* Files of models for the table of all functions: see capi_files.h. */
#include "capi_files.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mlx/c/mlx.h"

/* 1, 2, 3 ...; columns 0: a vector. */
static mlx_array ramp(int rows, int columns) {
    float v[16];
    for (int i = 0; i < 16; i++)
        v[i] = (float)(i + 1);
    return mlx_array_new_data(v, (int[]){rows, columns}, columns ? 2 : 1, MLX_FLOAT32);
}

/* A model of one layer, two features and seven tokens. */
static void set_number(mlx_io_gguf g, const char *name, float value, mlx_dtype dtype) {
    mlx_array a = mlx_array_new_float(value);
    mlx_astype(&a, a, dtype, (mlx_stream){NULL});
    mlx_io_gguf_set_metadata_array(g, name, a);
    mlx_array_free(a);
}

static void set_weights(mlx_io_gguf g, const char *name, int rows) {
    mlx_array a = rows ? ramp(rows, 2) : ramp(2, 0);
    mlx_io_gguf_set_array(g, name, a);
    mlx_array_free(a);
}

static void set_tokens(mlx_io_gguf g) {
    const char *pieces[] = {"<unk>", "<s>", "</s>", "\xE2\x96\x81", "t", "e", "x"};
    mlx_vector_string list = mlx_vector_string_new_data(pieces, 7);
    mlx_array scores = ramp(7, 0);
    mlx_array types = mlx_array_new_data((int[]){2, 3, 3, 1, 1, 1, 1}, (int[]){7}, 1, MLX_INT32);
    mlx_io_gguf_set_metadata_string(g, "tokenizer.ggml.model", "llama");
    mlx_io_gguf_set_metadata_vector_string(g, "tokenizer.ggml.tokens", list);
    mlx_io_gguf_set_metadata_array(g, "tokenizer.ggml.scores", scores);
    mlx_io_gguf_set_metadata_array(g, "tokenizer.ggml.token_type", types);
    mlx_array_free(scores);
    mlx_array_free(types);
    mlx_vector_string_free(list);
}

static bool make_language_model(void) {
    static const char *const sizes[] = {
        "llama.block_count",         "llama.attention.head_count",    "llama.embedding_length",
        "llama.feed_forward_length", "llama.attention.head_count_kv", "llama.context_length"};
    static const float values[] = {1, 1, 2, 2, 1, 64};
    static const char *const square_weights[] = {
        "blk.0.attn_q.weight",   "blk.0.attn_k.weight",      "blk.0.attn_v.weight",
        "blk.0.ffn_gate.weight", "blk.0.attn_output.weight", "blk.0.ffn_up.weight",
        "blk.0.ffn_down.weight"};
    mlx_io_gguf g = mlx_io_gguf_new();
    mlx_io_gguf_set_metadata_string(g, "general.architecture", "llama");
    mlx_io_gguf_set_metadata_string(g, "tokenizer.chat_template", "{{ messages }} text");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        set_number(g, sizes[i], values[i], MLX_UINT32);
    set_number(g, "llama.attention.layer_norm_rms_epsilon", 1e-5F, MLX_FLOAT32);
    set_tokens(g);
    set_weights(g, "token_embd.weight", 7);
    set_weights(g, "output_norm.weight", 0);
    set_weights(g, "blk.0.attn_norm.weight", 0);
    set_weights(g, "blk.0.ffn_norm.weight", 0);
    for (size_t i = 0; i < sizeof square_weights / sizeof *square_weights; i++)
        set_weights(g, square_weights[i], 2);
    bool ok = !mlx_save_gguf(in_folder("lm.gguf"), g);
    mlx_io_gguf_free(g);
    return ok;
}

static bool make_template(void) {
    FILE *f = fopen(in_folder("in.jinja"), "w");
    bool ok = f && fputs("{{ messages }}", f) >= 0;
    return f && fclose(f) == 0 && ok;
}

static bool write_text(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "w");
    bool ok = f && fputs(text, f) >= 0;
    return f && fclose(f) == 0 && ok;
}

/* Texts to learn, and an adapter. */
static bool make_training(void) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_array a = ramp(2, 1), b = ramp(1, 2);
    mlx_map_string_to_array_insert(map, "model.layers.0.mlp.up_proj.lora_a", a);
    mlx_map_string_to_array_insert(map, "model.layers.0.mlp.up_proj.lora_b", b);
    bool ok = !mkdir(in_folder("data"), 0777) && !mkdir(in_folder("adapter"), 0777) &&
              !mkdir(in_folder("learned"), 0777) &&
              write_text("data/train.jsonl", "{\"text\": \"text\"}\n") &&
              write_text("data/test.jsonl", "{\"text\": \"text\"}\n") &&
              write_text("adapter/adapter_config.json",
                         "{\"lora_parameters\": {\"rank\": 1, \"scale\": 1}}") &&
              !mlx_save_safetensors(in_folder("adapter/adapters.safetensors"), map,
                                    (mlx_map_string_to_string){NULL});
    mlx_map_string_to_array_free(map);
    mlx_array_free(a);
    mlx_array_free(b);
    return ok;
}

mlx_train a_training(void) {
    mlx_train t = mlx_train_new();
    mlx_train_options o = mlx_train_options_default();
    o.iters = 1;
    o.rank = 1;
    o.adapter_path = in_folder("learned");
    char data_folder[600];
    snprintf(data_folder, sizeof data_folder, "%s", in_folder("data"));
    mlx_train_open(&t, in_folder("lm.gguf"), data_folder, &o);
    return t;
}

bool make_models(void) {
    return make_template() && make_language_model() && make_training();
}

void remove_models(void) {
    static const char *const names[] = {"data/train.jsonl",
                                        "data/test.jsonl",
                                        "adapter/adapter_config.json",
                                        "adapter/adapters.safetensors",
                                        "learned/adapter_config.json",
                                        "learned/adapters.safetensors",
                                        "learned/training_state.safetensors"};
    static const char *const folders[] = {"data", "adapter", "learned"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_folder(names[i]));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        rmdir(in_folder(folders[i]));
}
