/* A model in llama2.c's .bin layout, and its tokenizer.
 *
 * model.bin: seven little-endian int32 (dim, hidden, layers, heads, kv heads, vocabulary, sequence
 * length), then float32 tensors in this order, (L,...) stacked over the layers:
 *
 *     embedding (V,D)   attention norm (L,D)   wq (L,D,D)   wk, wv (L,K,D)   wo (L,D,D)
 *     ffn norm (L,D)    w1 (L,H,D)   w2 (L,D,H)   w3 (L,H,D)   final norm (D)
 *
 * and perhaps the cosines and sines of the rotations, which are computed here.
 *
 * tokenizer.bin: int32 longest piece, then for each token float32 score, int32 length, bytes.
 */
#ifndef LLAMA_BIN_H
#define LLAMA_BIN_H

#include "model.h"

enum { BOS = 1, MAX_PIECE = 256 };

static inline void read_all(void *to, size_t n, FILE *f, const char *path) {
    if (fread(to, 1, n, f) != n)
        die("the file is too short", path);
}

/* The next float32 tensor (n,cols) of the file; cols 0: a vector. */
static inline mlx_array next_tensor(FILE *f, const char *path, int n, int cols) {
    int shape[2] = {n, cols};
    size_t count = (size_t)n * (size_t)(cols ? cols : 1);
    float *data = malloc(count * sizeof *data);
    if (!data)
        die("out of memory", path);
    read_all(data, count * sizeof *data, f, path);
    mlx_array a = mlx_array_new_data(data, shape, cols ? 2 : 1, MLX_FLOAT32);
    free(data);
    need(!a.ctx);
    return a;
}

#define EACH_LAYER(member, n, cols)       \
    for (int l = 0; l < m->c.layers; l++) \
    m->layer[l].member = next_tensor(f, path, n, cols)

/* What is left of the file is nothing, or tables of cosines and sines. */
static inline void check_rest(FILE *f, const char *path, const config *c) {
    long at = ftell(f), tables = (long)sizeof(float) * c->length * (c->dim / c->heads);
    long rest = at < 0 || fseek(f, 0, SEEK_END) ? -1 : ftell(f) - at;
    if (rest != 0 && rest != tables)
        die("the file is longer than the sizes in its header say", path);
}

static inline void load_bin(model *m, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        die("cannot be opened", path);
    read_all(&m->c, 7 * sizeof(int32_t), f, path);
    m->c.eps = 1e-5f, m->c.base = 10000.0f;
    check_config(&m->c, path);
    int d = m->c.dim, h = m->c.hidden, k = d / m->c.heads * m->c.kv_heads;
    m->embedding.w = next_tensor(f, path, m->c.vocab, d);
    EACH_LAYER(norm1, d, 0);
    EACH_LAYER(m[WQ].w, d, d);
    EACH_LAYER(m[WK].w, k, d);
    EACH_LAYER(m[WV].w, k, d);
    EACH_LAYER(m[WO].w, d, d);
    EACH_LAYER(norm2, d, 0);
    EACH_LAYER(m[GATE].w, h, d);
    EACH_LAYER(m[DOWN].w, d, h);
    EACH_LAYER(m[UP].w, h, d);
    m->norm = next_tensor(f, path, d, 0);
    check_rest(f, path, &m->c);
    fclose(f);
}

/* The n pieces of a model's vocabulary. */
static inline char **load_pieces(const char *path, int n) {
    FILE *f = fopen(path, "rb");
    char **piece = calloc((size_t)n, sizeof *piece);
    int32_t longest, length;
    float score;
    if (!f || !piece)
        die("cannot be opened", path);
    read_all(&longest, sizeof longest, f, path);
    for (int i = 0; i < n; i++) {
        read_all(&score, sizeof score, f, path);
        read_all(&length, sizeof length, f, path);
        if (length < 0 || length > MAX_PIECE || !(piece[i] = calloc((size_t)length + 1, 1)))
            die("not a tokenizer in llama2.c's layout", path);
        read_all(piece[i], (size_t)length, f, path);
    }
    if (fgetc(f) != EOF)
        die("more tokens than the model has: it is the tokenizer of another", path);
    fclose(f);
    return piece;
}

/* Sentences begin without the space that pieces carry; <0x0A> stands for a byte. */
static inline void print_piece(const char *piece, int before) {
    unsigned byte;
    if (before == BOS && piece[0] == ' ')
        piece++;
    if (sscanf(piece, "<0x%02X>", &byte) == 1)
        putchar((int)byte);
    else
        fputs(piece, stdout);
}

#endif
