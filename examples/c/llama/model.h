/* LLaMA: matrices that may be quantized and may have an adapter, and the network of them.
 *
 * Shapes: L tokens of one text, width D, H heads over K heads of keys and values, vocabulary V.
 */
#ifndef LLAMA_MODEL_H
#define LLAMA_MODEL_H

#include <math.h>
#include <stdint.h>

#include "../expr.h"

enum { MAX_LAYERS = 128 };

typedef struct config {
    int32_t dim, hidden, layers, heads, kv_heads, vocab, length;
    float eps, base; /* of the norms, and of the rotation's angles */
} config;

/* y = x W' + scale x A B. W (O,I) is of numbers, or of 4-bit or 8-bit words with scales and biases
 * of 32; A (I,R) and B (R,O) are empty, or an adapter. */
typedef struct matrix {
    mlx_array w, scales, biases, a, b;
    int bits;
    float scale;
} matrix;

enum { WQ, WK, WV, WO, GATE, UP, DOWN, MATRICES };

typedef struct layer {
    matrix m[MATRICES];
    mlx_array norm1, norm2;
    mlx_array keys, values; /* (1,K,positions so far,D/H), or empty */
} layer;

typedef struct model {
    config c;
    matrix embedding, head; /* no head: the embedding is used */
    mlx_array norm;
    layer layer[MAX_LAYERS];
} model;

static inline void die(const char *what, const char *where) {
    fprintf(stderr, "%s: %s\n", where, what);
    exit(1);
}

static inline void check_config(const config *c, const char *path) {
    const int32_t *v = &c->dim;
    for (int i = 0; i < 7; i++)
        if (v[i] <= 0 || v[i] > 1 << 24)
            die("not a LLaMA: a size in its header is missing or out of range", path);
    if (c->layers > MAX_LAYERS || c->dim % c->heads || c->heads % c->kv_heads)
        die("the sizes in its header do not fit each other", path);
}

/* --- what layers are made of ------------------------------------------------------------------ */

static inline mlx_array norm_by(mlx_array x, mlx_array w, float eps) {
    EXPR(mlx_fast_rms_norm(&r, x, w, eps, on));
}

/* Neighbouring numbers turn together, as llama2.c's files and GGUF have them. */
static inline mlx_array turned(mlx_array x, int dims, float base, int position) {
    mlx_optional_float by = {base, true};
    EXPR(mlx_fast_rope(&r, x, dims, true, by, 1.0f, position, mlx_array_empty, on));
}

static inline mlx_array quantized_product(mlx_array x, const matrix *m) {
    mlx_optional_int group = {32, true}, bits = {m->bits, true};
    EXPR(mlx_quantized_matmul(&r, x, m->w, m->scales, m->biases, true, group, bits, "affine", on));
}

static inline mlx_array product(mlx_array x, const matrix *m) {
    mlx_array y = m->bits ? quantized_product(x, m) : linear(x, m->w);
    return m->a.ctx ? add(y, times(matmul(matmul(x, m->a), m->b), m->scale)) : y;
}

static inline mlx_array dequantized(const matrix *m, mlx_array w, mlx_array scales,
                                    mlx_array biases) {
    mlx_optional_int group = {32, true}, bits = {m->bits, true};
    mlx_optional_dtype dtype = {MLX_FLOAT32, true};
    EXPR(mlx_dequantize(&r, w, scales, biases, group, bits, "affine", mlx_array_empty, dtype, on));
}

/* The rows of the embedding for ids (L): (L,D) */
static inline mlx_array embedded(const matrix *m, mlx_array ids) {
    if (!m->bits)
        return rows(m->w, ids);
    return dequantized(m, rows(m->w, ids), rows(m->scales, ids), rows(m->biases, ids));
}

/* Append these positions' keys or values (1,K,L,D/H) to those before them. */
static inline mlx_array remember(mlx_array *cache, mlx_array now) {
    mlx_array all = cache->ctx ? join(*cache, now, 2) : now;
    need(mlx_array_set(cache, all));
    return all;
}

/* --- the network ------------------------------------------------------------------------------ */

/* x (1,L,heads*d) -> (1,heads,L,d) */
static inline mlx_array split_heads(mlx_array x, int heads) {
    int length = mlx_array_dim(x, 1), d = mlx_array_dim(x, 2) / heads;
    return swapaxes(reshape4(x, 1, length, heads, d), 1, 2);
}

static inline mlx_array attend(const config *c, layer *l, mlx_array x, int position, bool cached) {
    int d = c->dim / c->heads, length = mlx_array_dim(x, 1);
    mlx_array q = turned(split_heads(product(x, &l->m[WQ]), c->heads), d, c->base, position);
    mlx_array k = turned(split_heads(product(x, &l->m[WK]), c->kv_heads), d, c->base, position);
    mlx_array v = split_heads(product(x, &l->m[WV]), c->kv_heads);
    if (cached) {
        k = remember(&l->keys, k);
        v = remember(&l->values, v);
    }
    mlx_array y = attention(q, k, v, 1.0f / sqrtf((float)d), length > 1 ? "causal" : "");
    return product(reshape3(swapaxes(y, 1, 2), 1, length, c->dim), &l->m[WO]);
}

static inline mlx_array feed_forward(const layer *l, mlx_array x) {
    return product(mul(silu(product(x, &l->m[GATE])), product(x, &l->m[UP])), &l->m[DOWN]);
}

/* What the head reads (1,L,D) for ids (L), of which the first is at `position`. cached: they follow
 * those of earlier calls. */
static inline mlx_array body(model *m, mlx_array ids, int position, bool cached) {
    mlx_array x = reshape3(embedded(&m->embedding, ids), 1, mlx_array_dim(ids, 0), m->c.dim);
    for (int i = 0; i < m->c.layers; i++) {
        layer *l = &m->layer[i];
        x = add(x, attend(&m->c, l, norm_by(x, l->norm1, m->c.eps), position, cached));
        x = add(x, feed_forward(l, norm_by(x, l->norm2, m->c.eps)));
    }
    return norm_by(x, m->norm, m->c.eps);
}

/* Logits (1,L,V) */
static inline mlx_array logits(const model *m, mlx_array x) {
    return product(x, m->head.w.ctx ? &m->head : &m->embedding);
}

static inline mlx_array tokens_array(const int *ids, int n) {
    return owned(mlx_array_new_data(ids, &n, 1, MLX_INT32));
}

/* --- its end ---------------------------------------------------------------------------------- */

static inline void free_matrix(matrix *m) {
    mlx_array *all[] = {&m->w, &m->scales, &m->biases, &m->a, &m->b};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mlx_array_free(*all[i]);
}

static inline void free_model(model *m) {
    free_matrix(&m->embedding);
    free_matrix(&m->head);
    mlx_array_free(m->norm);
    for (int i = 0; i < m->c.layers; i++) {
        layer *l = &m->layer[i];
        for (int j = 0; j < MATRICES; j++)
            free_matrix(&l->m[j]);
        mlx_array_free(l->norm1);
        mlx_array_free(l->norm2);
        mlx_array_free(l->keys);
        mlx_array_free(l->values);
    }
}

#endif
