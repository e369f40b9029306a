/* The encoder and the decoder. Shapes are (R,L,dims) and (R,heads,L,64): R is 1 in the encoder and
 * the number of rows that are decoded side by side in the decoder. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "whisper.h"

/* The weight whose name is that of a printf. */
static mlx_array weight(const whisper *m, const char *format, ...) {
    char name[160];
    mlx_array a = mlx_array_new();
    va_list list;
    va_start(list, format);
    vsnprintf(name, sizeof name, format, list);
    va_end(list);
    if (mlx_map_string_to_array_get(&a, m->weights, name) != 0)
        die(name, "missing in the weights");
    return owned(a);
}

static mlx_array project(const whisper *m, const char *name, mlx_array x) {
    mlx_array bias = weight(m, "%s.bias", name);
    EXPR(mlx_addmm(&r, bias, x, transposed(weight(m, "%s.weight", name)), 1, 1, on));
}

static mlx_array normalize(const whisper *m, const char *name, mlx_array x) {
    mlx_array w = weight(m, "%s.weight", name), b = weight(m, "%s.bias", name);
    EXPR(mlx_fast_layer_norm(&r, x, w, b, 1e-5f, on));
}

static mlx_array error_function(mlx_array x) {
    EXPR(mlx_erf(&r, x, on));
}

static mlx_array gelu(mlx_array x) {
    mlx_array above = add(error_function(times(x, sqrtf(0.5f))), scalar(1));
    return times(mul(x, above), 0.5f);
}

static mlx_array between(mlx_array x, int begin, int end) {
    int start[2] = {begin, 0}, stop[2] = {end, mlx_array_dim(x, 1)}, one[2] = {1, 1};
    EXPR(mlx_slice(&r, x, start, 2, stop, 2, one, 2, on));
}

/* (R,L,dims) to (R,heads,L,64). */
static mlx_array split_heads(const whisper *m, mlx_array x) {
    int r = mlx_array_dim(x, 0), length = mlx_array_dim(x, 1);
    return swapaxes(reshape4(x, r, length, m->heads, m->dims / m->heads), 1, 2);
}

static void name_of(char *out, size_t n, const char *layer, const char *what) {
    snprintf(out, n, "%s.%s", layer, what);
}

/* --- parts of a layer, whose name is "encoder.layers.0" ---------------------------------------- */

typedef struct pair {
    mlx_array keys, values;
} pair;

static pair keys_values(const whisper *m, const char *attention, mlx_array x) {
    char name[96];
    name_of(name, sizeof name, attention, "v_proj");
    mlx_array keys = linear(x, weight(m, "%s.k_proj.weight", attention));
    return (pair){split_heads(m, keys), split_heads(m, project(m, name, x))};
}

static mlx_array attend(const whisper *m, const char *module, mlx_array x, pair to,
                        const char *mask) {
    char name[96];
    name_of(name, sizeof name, module, "q_proj");
    mlx_array q = split_heads(m, project(m, name, x));
    float scale = 1 / sqrtf((float)(m->dims / m->heads));
    mlx_array y = swapaxes(attention(q, to.keys, to.values, scale, mask), 1, 2);
    name_of(name, sizeof name, module, "out_proj");
    return project(m, name, reshape3(y, mlx_array_dim(x, 0), mlx_array_dim(x, 1), m->dims));
}

static mlx_array feed_forward(const whisper *m, const char *layer, mlx_array x) {
    char norm[96], first[96], second[96];
    name_of(norm, sizeof norm, layer, "final_layer_norm");
    name_of(first, sizeof first, layer, "fc1");
    name_of(second, sizeof second, layer, "fc2");
    return project(m, second, gelu(project(m, first, normalize(m, norm, x))));
}

/* --- the encoder ------------------------------------------------------------------------------ */

static mlx_array convolve(const whisper *m, const char *name, mlx_array x, int stride) {
    mlx_array y = mlx_array_new();
    need(mlx_conv1d(&y, x, weight(m, "%s.weight", name), stride, 1, 1, 1, on));
    return gelu(add(owned(y), weight(m, "%s.bias", name)));
}

static mlx_array encoder_layer(const whisper *m, int i, mlx_array x) {
    char layer[64], norm[96], module[96];
    snprintf(layer, sizeof layer, "encoder.layers.%d", i);
    name_of(norm, sizeof norm, layer, "self_attn_layer_norm");
    name_of(module, sizeof module, layer, "self_attn");
    mlx_array y = normalize(m, norm, x);
    x = add(x, attend(m, module, y, keys_values(m, module, y), ""));
    return add(x, feed_forward(m, layer, x));
}

mlx_array encode(const whisper *m, mlx_array features) {
    mlx_array x = convolve(m, "encoder.conv1", features, 1);
    x = convolve(m, "encoder.conv2", x, 2);
    x = add(x, weight(m, "encoder.embed_positions.weight"));
    for (int i = 0; i < m->encoder_layers; i++)
        x = encoder_layer(m, i, x);
    return normalize(m, "encoder.layer_norm", x);
}

/* --- the decoder ------------------------------------------------------------------------------ */

void cache_begin(const whisper *m, cache *c, mlx_array encoded) {
    char module[64];
    memset(c, 0, sizeof *c);
    c->layers = m->decoder_layers;
    for (int i = 0; i < c->layers; i++) {
        snprintf(module, sizeof module, "decoder.layers.%d.encoder_attn", i);
        pair sound = keys_values(m, module, encoded);
        c->sound_keys[i] = keep(sound.keys);
        c->sound_values[i] = keep(sound.values);
    }
}

void cache_forget(cache *c) {
    for (int i = 0; i < c->layers; i++) {
        mlx_array_free(c->keys[i]);
        mlx_array_free(c->values[i]);
        c->keys[i] = c->values[i] = (mlx_array){NULL};
    }
    c->length = 0;
}

void cache_free(cache *c) {
    cache_forget(c);
    for (int i = 0; i < c->layers; i++) {
        mlx_array_free(c->sound_keys[i]);
        mlx_array_free(c->sound_values[i]);
    }
}

void cache_take(cache *c, const int *parents, int n) {
    size_t step = step_begin();
    mlx_array ids = owned(mlx_array_new_data(parents, &n, 1, MLX_INT32));
    for (int i = 0; i < c->layers; i++) {
        need(mlx_array_set(&c->keys[i], rows(c->keys[i], ids)));
        need(mlx_array_set(&c->values[i], rows(c->values[i], ids)));
    }
    step_end(step);
}

/* Append what belongs to new tokens; all of it. */
static mlx_array remember(mlx_array *before, mlx_array now) {
    mlx_array all = before->ctx ? join(*before, now, 2) : now;
    need(mlx_array_set(before, all));
    return all;
}

static mlx_array decoder_layer(const whisper *m, cache *c, int i, mlx_array x) {
    char layer[64], norm[96], module[96];
    snprintf(layer, sizeof layer, "decoder.layers.%d", i);
    name_of(norm, sizeof norm, layer, "self_attn_layer_norm");
    name_of(module, sizeof module, layer, "self_attn");
    mlx_array y = normalize(m, norm, x);
    pair now = keys_values(m, module, y);
    pair all = {remember(&c->keys[i], now.keys), remember(&c->values[i], now.values)};
    x = add(x, attend(m, module, y, all, mlx_array_dim(x, 1) > 1 ? "causal" : ""));
    name_of(norm, sizeof norm, layer, "encoder_attn_layer_norm");
    name_of(module, sizeof module, layer, "encoder_attn");
    pair sound = {c->sound_keys[i], c->sound_values[i]};
    // All rows hear the same sound: they are queries of one attention.
    int r = mlx_array_dim(x, 0), n = mlx_array_dim(x, 1);
    y = attend(m, module, reshape3(normalize(m, norm, x), 1, r * n, m->dims), sound, "");
    x = add(x, reshape3(y, r, n, m->dims));
    return add(x, feed_forward(m, layer, x));
}

mlx_array logits_after(const whisper *m, cache *c, const int *tokens, int r, int n) {
    int shape[2] = {r, n}, flat[2] = {r * n, m->dims};
    mlx_array table = weight(m, "decoder.embed_tokens.weight");
    mlx_array ids = owned(mlx_array_new_data(tokens, shape, 2, MLX_INT32));
    mlx_array places = weight(m, "decoder.embed_positions.weight");
    mlx_array x = add(rows(table, ids), between(places, c->length, c->length + n));
    for (int i = 0; i < m->decoder_layers; i++)
        x = decoder_layer(m, c, i, x);
    c->length += n;
    mlx_array states = mlx_array_new();
    need(mlx_reshape(&states, normalize(m, "decoder.layer_norm", x), flat, 2, on));
    owned(states);
    return linear(r == 1 ? between(states, n - 1, n) : states, table);
}
