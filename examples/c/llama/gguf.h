/* A model of a GGUF file: sizes from its metadata, tensors by name. Blocks of 4 and 8 bits come as
 * words with scales and biases, other blocks as float16.
 */
#ifndef LLAMA_GGUF_H
#define LLAMA_GGUF_H

#include <string.h>

#include "model.h"

/* The names of a layer's matrices in GGUF, and in Hugging Face's files: adapters go by them. */
static const char *const gguf_name[MATRICES] = {"attn_q",   "attn_k", "attn_v",  "attn_output",
                                                "ffn_gate", "ffn_up", "ffn_down"};
static const char *const hf_name[MATRICES] = {
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

/* A number of the metadata; what is given where there is none. */
static inline float number(mlx_io_gguf file, const char *key, float otherwise) {
    bool has = false;
    float value = otherwise;
    mlx_array a = mlx_array_new();
    need(mlx_io_gguf_has_metadata_array(&has, file, key));
    if (has) {
        need(mlx_io_gguf_get_metadata_array(&a, file, key));
        mlx_array as_float = mlx_array_new();
        need(mlx_astype(&as_float, a, MLX_FLOAT32, on) || mlx_array_item_float32(&value, as_float));
        mlx_array_free(as_float);
    }
    mlx_array_free(a);
    return value;
}

/* The array of a name: an empty one where there is none that need be. */
static inline mlx_array tensor_of(mlx_io_gguf file, const char *path, const char *name,
                                  const char *part, bool must) {
    char whole[96];
    mlx_array a = mlx_array_new();
    snprintf(whole, sizeof whole, "%s.%s", name, part);
    int status = mlx_io_gguf_get_array(&a, file, whole);
    if (status == 1 || (status && must)) {
        fprintf(stderr, "%s: the tensor %s is missing\n", path, whole);
        exit(1);
    }
    return a;
}

static inline mlx_array plain_tensor(mlx_io_gguf file, const char *path, const char *name) {
    return tensor_of(file, path, name, "weight", true);
}

/* Numbers in float32, or words. cols: how many numbers a row stands for. */
static inline matrix matrix_of(mlx_io_gguf file, const char *path, const char *name, int n,
                               int cols, bool must) {
    matrix m = {.w = tensor_of(file, path, name, "weight", must)};
    if (!m.w.ctx)
        return m;
    bool words = mlx_array_dtype(m.w) == MLX_UINT32;
    m.scales = tensor_of(file, path, name, "scales", words);
    m.biases = tensor_of(file, path, name, "biases", words);
    m.bits = words ? mlx_array_dim(m.w, 1) * 32 / cols : 0;
    if (mlx_array_ndim(m.w) != 2 || mlx_array_dim(m.w, 0) != n ||
        (words ? (m.bits != 4 && m.bits != 8) || mlx_array_dim(m.w, 1) * 32 != cols * m.bits
               : mlx_array_dim(m.w, 1) != cols))
        die("a tensor is not as large as the sizes in the header say", path);
    if (!words)
        need(mlx_astype(&m.w, m.w, MLX_FLOAT32, on));
    return m;
}

static inline config config_of(mlx_io_gguf file, const char *path, const char *arch) {
    mlx_string name = mlx_string_new();
    if (mlx_io_gguf_get_metadata_string(&name, file, "general.architecture") ||
        strcmp(mlx_string_data(name), arch) != 0)
        die("general.architecture is not llama", path);
    mlx_string_free(name);
    if (number(file, "llama.expert_count", 0) > 0 ||
        number(file, "llama.rope.scaling.factor", 1) != 1)
        die("mixtures of experts and scaled rotations are not understood", path);
    mlx_array e = plain_tensor(file, path, "token_embd");
    config c = {
        .dim = (int32_t)number(file, "llama.embedding_length", 0),
        .hidden = (int32_t)number(file, "llama.feed_forward_length", 0),
        .layers = (int32_t)number(file, "llama.block_count", 0),
        .heads = (int32_t)number(file, "llama.attention.head_count", 0),
        .kv_heads = (int32_t)number(file, "llama.attention.head_count_kv", 0),
        .vocab = mlx_array_dim(e, 0),
        .length = (int32_t)number(file, "llama.context_length", 2048),
        .eps = number(file, "llama.attention.layer_norm_rms_epsilon", 1e-5f),
        .base = number(file, "llama.rope.freq_base", 10000.0f),
    };
    mlx_array_free(e);
    check_config(&c, path);
    return c;
}

static inline void load_layer(model *m, int i, mlx_io_gguf file, const char *path) {
    int d = m->c.dim, h = m->c.hidden, k = d / m->c.heads * m->c.kv_heads;
    const int outputs[MATRICES] = {d, k, k, d, h, h, d}, inputs[MATRICES] = {d, d, d, d, d, d, h};
    char name[64];
    for (int j = 0; j < MATRICES; j++) {
        snprintf(name, sizeof name, "blk.%d.%s", i, gguf_name[j]);
        m->layer[i].m[j] = matrix_of(file, path, name, outputs[j], inputs[j], true);
    }
    snprintf(name, sizeof name, "blk.%d.attn_norm", i);
    m->layer[i].norm1 = plain_tensor(file, path, name);
    snprintf(name, sizeof name, "blk.%d.ffn_norm", i);
    m->layer[i].norm2 = plain_tensor(file, path, name);
}

static inline void load_gguf(model *m, const char *path) {
    mlx_io_gguf file = mlx_io_gguf_new();
    need(mlx_load_gguf(&file, path, on));
    m->c = config_of(file, path, "llama");
    m->embedding = matrix_of(file, path, "token_embd", m->c.vocab, m->c.dim, true);
    m->head = matrix_of(file, path, "output", m->c.vocab, m->c.dim, false);
    m->norm = plain_tensor(file, path, "output_norm");
    for (int i = 0; i < m->c.layers; i++)
        load_layer(m, i, file, path);
    mlx_io_gguf_free(file);
}

#endif
