/* A LLaMA in C: reads a model in llama2.c's .bin layout and its tokenizer, and writes text
 * greedily.
 *
 *     llama model.bin tokenizer.bin [tokens]
 *
 * model.bin: seven little-endian int32 (dim, hidden, layers, heads, kv heads, vocabulary, sequence
 * length), then float32 tensors in this order, (L,...) stacked over the layers:
 *
 *     embedding (V,D)   attention norm (L,D)   wq (L,D,D)   wk, wv (L,K,D)   wo (L,D,D)
 *     ffn norm (L,D)    w1 (L,H,D)   w2 (L,D,H)   w3 (L,H,D)   final norm (D)
 *
 * tokenizer.bin: int32 longest piece, then for each token float32 score, int32 length, bytes.
 * The text goes to stdout, the speed to stderr.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "expr.h"

enum { BOS = 1, MAX_LAYERS = 64, MAX_PIECE = 256 };

typedef struct config {
    int32_t dim, hidden, layers, heads, kv_heads, vocab, length;
} config;

typedef struct layer {
    mlx_array norm1, wq, wk, wv, wo, norm2, w1, w2, w3;
    mlx_array keys, values; /* (1,K,positions so far,D) */
} layer;

typedef struct model {
    config c;
    mlx_array embedding, norm;
    layer layer[MAX_LAYERS];
} model;

static void die(const char *what, const char *path) {
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

static void read_all(void *to, size_t n, FILE *f, const char *path) {
    if (fread(to, 1, n, f) != n)
        die("the file is too short", path);
}

/* The next float32 tensor (rows,cols) of the file; cols 0: a vector. */
static mlx_array tensor(FILE *f, const char *path, int n, int cols) {
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

static void check_config(const config *c, const char *path) {
    const int32_t *v = &c->dim;
    for (int i = 0; i < 7; i++)
        if (v[i] <= 0 || v[i] > 1 << 20)
            die("not a model in llama2.c's layout with a shared embedding", path);
    if (c->layers > MAX_LAYERS || c->dim % c->heads || c->heads % c->kv_heads)
        die("the sizes in its header do not fit each other", path);
}

#define EACH_LAYER(member, n, cols)       \
    for (int l = 0; l < m->c.layers; l++) \
    m->layer[l].member = tensor(f, path, n, cols)

static void load_model(model *m, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        die("cannot be opened", path);
    read_all(&m->c, sizeof m->c, f, path);
    check_config(&m->c, path);
    int d = m->c.dim, h = m->c.hidden, k = d / m->c.heads * m->c.kv_heads;
    m->embedding = tensor(f, path, m->c.vocab, d);
    EACH_LAYER(norm1, d, 0);
    EACH_LAYER(wq, d, d);
    EACH_LAYER(wk, k, d);
    EACH_LAYER(wv, k, d);
    EACH_LAYER(wo, d, d);
    EACH_LAYER(norm2, d, 0);
    EACH_LAYER(w1, h, d);
    EACH_LAYER(w2, d, h);
    EACH_LAYER(w3, h, d);
    m->norm = tensor(f, path, d, 0);
    fclose(f);
}

static void free_model(model *m) {
    mlx_array_free(m->embedding);
    mlx_array_free(m->norm);
    for (int l = 0; l < m->c.layers; l++) {
        mlx_array *a = (mlx_array *)&m->layer[l];
        for (size_t i = 0; i < sizeof(layer) / sizeof *a; i++)
            mlx_array_free(a[i]);
    }
}

/* --- the network, one token at a time --------------------------------------------------------- */

/* Append this position's keys or values (1,K,1,D) to those before it. */
static mlx_array remember(mlx_array *cache, mlx_array now) {
    mlx_array all = cache->ctx ? join(*cache, now, 2) : now;
    need(mlx_array_set(cache, all));
    return all;
}

static mlx_array attend(const config *c, layer *l, mlx_array x, int position) {
    int d = c->dim / c->heads;
    mlx_array q = rope(reshape4(linear(x, l->wq), 1, c->heads, 1, d), d, true, position);
    mlx_array k = rope(reshape4(linear(x, l->wk), 1, c->kv_heads, 1, d), d, true, position);
    mlx_array v = reshape4(linear(x, l->wv), 1, c->kv_heads, 1, d);
    mlx_array y =
        attention(q, remember(&l->keys, k), remember(&l->values, v), 1.0f / sqrtf((float)d), "");
    return linear(reshape3(y, 1, 1, c->dim), l->wo);
}

static mlx_array feed_forward(const layer *l, mlx_array x) {
    return linear(mul(silu(linear(x, l->w1)), linear(x, l->w3)), l->w2);
}

/* Logits (1,1,V) after `token` at `position`. */
static mlx_array forward(model *m, int token, int position) {
    int one = 1;
    mlx_array id = owned(mlx_array_new_data(&token, &one, 1, MLX_INT32));
    mlx_array x = reshape3(rows(m->embedding, id), 1, 1, m->c.dim);
    for (int i = 0; i < m->c.layers; i++) {
        layer *l = &m->layer[i];
        x = add(x, attend(&m->c, l, rms_norm(x, l->norm1), position));
        x = add(x, feed_forward(l, rms_norm(x, l->norm2)));
    }
    return linear(rms_norm(x, m->norm), m->embedding);
}

static int most_likely(mlx_array logits) {
    mlx_array best = mlx_array_new();
    uint32_t token = 0;
    need(mlx_argmax(&best, logits, false, on));
    need(mlx_array_item_uint32(&token, best));
    mlx_array_free(best);
    return (int)token;
}

/* --- the tokenizer ---------------------------------------------------------------------------- */

static char **load_pieces(const char *path, int n) {
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
    fclose(f);
    return piece;
}

/* Sentences begin without the space that pieces carry; <0x0A> stands for a byte. */
static void print_piece(const char *piece, int before) {
    unsigned byte;
    if (before == BOS && piece[0] == ' ')
        piece++;
    if (sscanf(piece, "<0x%02X>", &byte) == 1)
        putchar((int)byte);
    else
        fputs(piece, stdout);
}

static double seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    static model m;
    if (argc < 3) {
        fprintf(stderr, "usage: llama model.bin tokenizer.bin [tokens]\n");
        return 2;
    }
    on = mlx_default_cpu_stream_new();
    load_model(&m, argv[1]);
    char **piece = load_pieces(argv[2], m.c.vocab);
    int tokens = argc > 3 ? atoi(argv[3]) : 200, token = BOS, position = 0;
    double start = seconds();
    for (; position < tokens && position < m.c.length; position++) {
        size_t step = step_begin();
        int next = most_likely(forward(&m, token, position));
        step_end(step);
        if (next == BOS)
            break;
        print_piece(piece[next], token);
        fflush(stdout);
        token = next;
    }
    fprintf(stderr, "\n%.0f tokens/s\n", position / (seconds() - start));
    for (int i = 0; i < m.c.vocab; i++)
        free(piece[i]);
    free(piece);
    free_model(&m);
    free(step_arrays);
    mlx_stream_free(on);
    return 0;
}
