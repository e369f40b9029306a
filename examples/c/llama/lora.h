/* Low-rank adaptation (Hu et al. 2022): beside the matrices of queries and values of the last
 * layers two small ones each are learned with Adam, and written as mlx_lm has them.
 */
#ifndef LLAMA_LORA_H
#define LLAMA_LORA_H

#include <errno.h>
#include <sys/stat.h>

#include "gguf.h"

enum { RANK = 8, MAX_ADAPTERS = 2 * MAX_LAYERS, WINDOW = 64 };

typedef struct adapters {
    model *m;
    int first, count; /* the first layer that has some; arrays of all, A and B in turn */
    matrix *of[MAX_ADAPTERS];
    mlx_array p[2 * MAX_ADAPTERS], moment[2 * MAX_ADAPTERS], square[2 * MAX_ADAPTERS];
} adapters;

static inline mlx_array uniform(int n, int cols, float bound) {
    int shape[2] = {n, cols};
    EXPR(mlx_random_uniform(&r, scalar(-bound), scalar(bound), shape, 2, MLX_FLOAT32,
                            mlx_array_empty, on));
}

static inline mlx_array nothing(int n, int cols) {
    int shape[2] = {n, cols};
    EXPR(mlx_zeros(&r, shape, 2, MLX_FLOAT32, on));
}

static inline void add_adapter(adapters *all, matrix *m, int inputs, int outputs) {
    size_t step = step_begin();
    int i = all->count;
    m->scale = 20.0f;
    m->a = keep(uniform(inputs, RANK, 1 / sqrtf((float)inputs)));
    m->b = keep(nothing(RANK, outputs));
    all->of[i / 2] = m;
    for (int j = 0; j < 2; j++) {
        all->p[i + j] = keep(j ? m->b : m->a);
        all->moment[i + j] = keep(j ? nothing(RANK, outputs) : nothing(inputs, RANK));
        all->square[i + j] = keep(all->moment[i + j]);
    }
    all->count += 2;
    step_end(step);
}

static inline void adapt(adapters *all, model *m, int layers) {
    int d = m->c.dim, k = d / m->c.heads * m->c.kv_heads;
    all->m = m;
    all->first = layers < m->c.layers ? m->c.layers - layers : 0;
    for (int i = all->first; i < m->c.layers; i++) {
        add_adapter(all, &m->layer[i].m[WQ], d, d);
        add_adapter(all, &m->layer[i].m[WV], d, k);
    }
}

/* The mean of -log p of the tokens that follow each of a window's. */
static inline mlx_array window_loss(model *m, mlx_array inputs, mlx_array targets) {
    mlx_array y = logits(m, body(m, inputs, 0, false)), all = mlx_array_new(),
              right = mlx_array_new();
    mlx_array index = reshape3(targets, 1, mlx_array_dim(targets, 0), 1);
    need(mlx_logsumexp_axis(&all, y, -1, true, on));
    need(mlx_take_along_axis(&right, y, index, -1, on));
    return mean(sub(owned(all), owned(right)));
}

/* Let the model compute with these arrays, A and B in turn. */
static inline void use(adapters *all, const mlx_array *p) {
    for (int i = 0; i < all->count; i++)
        need(mlx_array_set(i % 2 ? &all->of[i / 2]->b : &all->of[i / 2]->a, p[i]));
}

/* The closure that is differentiated: (adapters..., inputs, targets) -> (loss) */
static inline int lora_loss(mlx_vector_array *res, const mlx_vector_array in, void *payload) {
    adapters *all = payload;
    mlx_array a[2 * MAX_ADAPTERS + 2];
    size_t step = step_begin();
    for (int i = 0; i < all->count + 2; i++) {
        a[i] = mlx_array_new();
        need(mlx_vector_array_get(&a[i], in, (size_t)i));
        owned(a[i]);
    }
    use(all, a);
    mlx_array loss = window_loss(all->m, a[all->count], a[all->count + 1]);
    int failed = mlx_vector_array_set_value(res, loss);
    use(all, all->p);
    step_end(step);
    return failed;
}

static inline void adam(adapters *all, mlx_vector_array grads, float rate) {
    for (int i = 0; i < all->count; i++) {
        mlx_array g = mlx_array_new();
        need(mlx_vector_array_get(&g, grads, (size_t)i));
        owned(g);
        mlx_array m = add(times(all->moment[i], 0.9f), times(g, 0.1f));
        mlx_array v = add(times(all->square[i], 0.999f), times(squared(g), 0.001f));
        mlx_array change = quot(times(m, rate), add(root(v), scalar(1e-8f)));
        need(mlx_array_set(&all->moment[i], m));
        need(mlx_array_set(&all->square[i], v));
        need(mlx_array_set(&all->p[i], sub(all->p[i], change)));
    }
    use(all, all->p);
}

static inline void evaluate(adapters *all, mlx_array loss) {
    size_t n = (size_t)all->count;
    mlx_vector_array v = mlx_vector_array_new_value(loss);
    need(mlx_vector_array_append_data(v, all->p, n) ||
         mlx_vector_array_append_data(v, all->moment, n) ||
         mlx_vector_array_append_data(v, all->square, n) || mlx_eval(v));
    mlx_vector_array_free(v);
}

/* One step on a window of ids (WINDOW + 1); returns its loss. */
static inline float lora_step(adapters *all, mlx_closure_value_and_grad f, const int *ids,
                              float rate) {
    size_t begin = step_begin();
    float value;
    mlx_array loss = mlx_array_new();
    mlx_vector_array in = mlx_vector_array_new_data(all->p, (size_t)all->count),
                     out = mlx_vector_array_new(), grads = mlx_vector_array_new();
    need(mlx_vector_array_append_value(in, tokens_array(ids, WINDOW)) ||
         mlx_vector_array_append_value(in, tokens_array(ids + 1, WINDOW)) ||
         mlx_closure_value_and_grad_apply(&out, &grads, f, in) ||
         mlx_vector_array_get(&loss, out, 0));
    adam(all, grads, rate);
    evaluate(all, owned(loss));
    need(mlx_array_item_float32(&value, loss));
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(grads);
    step_end(begin);
    return value;
}

/* The mean loss of the first `count` windows. */
static inline float mean_loss(model *m, const int *ids, int count) {
    float sum = 0, value;
    for (int i = 0; i < count; i++) {
        size_t begin = step_begin();
        const int *at = ids + i * WINDOW;
        mlx_array loss = window_loss(m, tokens_array(at, WINDOW), tokens_array(at + 1, WINDOW));
        need(mlx_array_item_float32(&value, loss));
        sum += value;
        step_end(begin);
    }
    return sum / (float)count;
}

/* Learn from windows of a text of n ids, one after the other, and again. */
static inline void learn(adapters *all, const int *ids, int n, int steps, float rate) {
    int argnums[2 * MAX_ADAPTERS], windows = (n - 1) / WINDOW;
    mlx_closure f = mlx_closure_new_func_payload(lora_loss, all, NULL);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    for (int i = 0; i < all->count; i++)
        argnums[i] = i;
    need(mlx_value_and_grad(&vg, f, argnums, (size_t)all->count));
    for (int i = 0; i < steps; i++) {
        float value = lora_step(all, vg, ids + (i % windows) * WINDOW, rate);
        if (!isfinite(value))
            die("the loss is no number: learn more slowly", "lora");
        fprintf(stderr, "\rstep %d/%d  loss %.3f ", i + 1, steps, (double)value);
    }
    fputc('\n', stderr);
    mlx_closure_value_and_grad_free(vg);
    mlx_closure_free(f);
}

/* --- files ------------------------------------------------------------------------------------ */

/* B (R,O) with each head's columns as in Hugging Face's: those of pairs' first numbers first. */
static inline mlx_array halves(mlx_array b, int heads) {
    int d = mlx_array_dim(b, 1) / heads / 2;
    return reshape3(swapaxes(reshape4(b, RANK, heads, d, 2), 2, 3), 1, RANK, 2 * d * heads);
}

static inline void add_named(mlx_map_string_to_array to, int layer_, int which, const char *part,
                             mlx_array a) {
    char name[96];
    snprintf(name, sizeof name, "model.layers.%d.%s.%s", layer_, hf_name[which], part);
    need(mlx_map_string_to_array_insert(to, name, a));
}

enum { MAX_PATH = 4096 };

static inline void file_in(char path[MAX_PATH], const char *folder, const char *name) {
    if (snprintf(path, MAX_PATH, "%s/%s", folder, name) >= MAX_PATH)
        die("the name is too long", folder);
}

/* A file that was there stays until the new one is whole. */
static inline void write_config(const char *folder, int layers) {
    char path[MAX_PATH], partial[MAX_PATH];
    file_in(path, folder, "adapter_config.json");
    file_in(partial, folder, "adapter_config.json.partial");
    FILE *f = fopen(partial, "w");
    if (!f)
        die("cannot be written", path);
    fprintf(
        f,
        "{\"fine_tune_type\": \"lora\", \"num_layers\": %d, \"lora_parameters\": {\"rank\": %d, "
        "\"scale\": 20.0, \"dropout\": 0.0, \"keys\": [\"%s\", \"%s\"]}}\n",
        layers, RANK, hf_name[WQ], hf_name[WV]);
    if (fclose(f) || rename(partial, path)) {
        remove(partial);
        die("cannot be written", path);
    }
}

static inline void save_adapters(const adapters *all, const char *folder) {
    char path[MAX_PATH];
    size_t step = step_begin();
    mlx_map_string_to_array to = mlx_map_string_to_array_new();
    mlx_map_string_to_string about = mlx_map_string_to_string_new();
    const config *c = &all->m->c;
    if (mkdir(folder, 0777) && errno != EEXIST)
        die("no such folder can be made", folder);
    for (int i = all->first; i < c->layers; i++) {
        const matrix *q = &all->m->layer[i].m[WQ], *v = &all->m->layer[i].m[WV];
        int shape[2] = {RANK, c->dim};
        mlx_array b = mlx_array_new();
        need(mlx_reshape(&b, halves(q->b, c->heads), shape, 2, on));
        add_named(to, i, WQ, "lora_a", q->a);
        add_named(to, i, WQ, "lora_b", owned(b));
        add_named(to, i, WV, "lora_a", v->a);
        add_named(to, i, WV, "lora_b", v->b);
    }
    file_in(path, folder, "adapters.safetensors");
    need(mlx_save_safetensors(path, to, about));
    write_config(folder, c->layers - all->first);
    mlx_map_string_to_array_free(to);
    mlx_map_string_to_string_free(about);
    step_end(step);
}

static inline void free_adapters(adapters *all) {
    for (int i = 0; i < all->count; i++) {
        mlx_array_free(all->p[i]);
        mlx_array_free(all->moment[i]);
        mlx_array_free(all->square[i]);
    }
}

#endif
