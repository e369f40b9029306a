/* A small transformer language model in C, trained on any text, byte by byte.
 *
 *     language_model text.txt [steps] [weights.safetensors]
 *
 * Embedding, blocks of attention (rotary positions) and SwiGLU with RMSNorm before each, cross
 * entropy, AdamW. It prints its progress, writes the weights as safetensors, loads them back, and
 * writes text with them.
 *
 * Shapes: B sequences of L bytes, width D, heads H, vocabulary V (the bytes that occur).
 */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "expr.h"

enum {
    B = 16,
    L = 64,
    D = 128,
    H = 4,
    HIDDEN = 344,
    LAYERS = 3,
    PER_LAYER = 7,
    PARAMS = 2 + PER_LAYER * LAYERS + 1,
    SAMPLE = 400
};
enum { EMBED = 0, FIRST_LAYER = 1, NORM = PARAMS - 2, HEAD = PARAMS - 1 };
enum { MOST_BYTES = 1 << 30 };
enum { NORM1, QKV, OUT, NORM2, GATE, UP, DOWN };

/* --- the text --------------------------------------------------------------------------------- */

typedef struct text {
    uint8_t *id; /* the text as token numbers */
    size_t n;
    int vocab;
    uint8_t byte[256]; /* token number -> byte */
} text;

static uint8_t *read_file(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    long size = ftell(f); /* of a folder it is the largest number */
    uint8_t *data = size < 4 * L || size > MOST_BYTES ? NULL : malloc((size_t)size);
    *n = (size_t)size;
    rewind(f);
    if (!data || fread(data, 1, *n, f) != *n) {
        fprintf(stderr, "%s: a text of %d bytes to %d MB is needed\n", path, 4 * L,
                MOST_BYTES >> 20);
        exit(1);
    }
    fclose(f);
    return data;
}

static text load_text(const char *path) {
    text t = {0};
    int number[256];
    t.id = read_file(path, &t.n);
    memset(number, -1, sizeof number);
    for (size_t i = 0; i < t.n; i++) {
        uint8_t byte = t.id[i];
        if (number[byte] < 0) {
            t.byte[t.vocab] = byte;
            number[byte] = t.vocab++;
        }
        t.id[i] = (uint8_t)number[byte];
    }
    return t;
}

/* B windows at random places: inputs (B,L) and the bytes that follow them (B,L). */
static void batch(const text *t, mlx_array *inputs, mlx_array *targets) {
    static int32_t x[B * L], y[B * L];
    int shape[2] = {B, L};
    for (int b = 0; b < B; b++) {
        size_t at = (size_t)rand() % (t->n - L - 1);
        for (int i = 0; i < L; i++) {
            x[b * L + i] = t->id[at + (size_t)i];
            y[b * L + i] = t->id[at + (size_t)i + 1];
        }
    }
    *inputs = owned(mlx_array_new_data(x, shape, 2, MLX_INT32));
    *targets = owned(mlx_array_new_data(y, shape, 2, MLX_INT32));
}

/* --- the network ------------------------------------------------------------------------------ */

static mlx_array random_weight(int rows_, int cols) {
    int shape[2] = {rows_, cols};
    EXPR(mlx_random_normal(&r, shape, 2, MLX_FLOAT32, 0, 1.0f / sqrtf((float)cols), mlx_array_empty,
                           on));
}

static mlx_array ones(int n) {
    EXPR(mlx_ones(&r, &n, 1, MLX_FLOAT32, on));
}

static void init(mlx_array *p, int vocab) {
    size_t step = step_begin();
    p[EMBED] = keep(random_weight(vocab, D));
    for (int l = 0; l < LAYERS; l++) {
        mlx_array *w = p + FIRST_LAYER + PER_LAYER * l;
        w[NORM1] = keep(ones(D));
        w[QKV] = keep(random_weight(3 * D, D));
        w[OUT] = keep(random_weight(D, D));
        w[NORM2] = keep(ones(D));
        w[GATE] = keep(random_weight(HIDDEN, D));
        w[UP] = keep(random_weight(HIDDEN, D));
        w[DOWN] = keep(random_weight(D, HIDDEN));
    }
    p[NORM] = keep(ones(D));
    p[HEAD] = keep(random_weight(vocab, D));
    step_end(step);
}

static mlx_array part(mlx_array a, int from, int to) {
    int start[3] = {0, 0, from}, stop[3] = {mlx_array_dim(a, 0), mlx_array_dim(a, 1), to},
        one[3] = {1, 1, 1};
    EXPR(mlx_slice(&r, a, start, 3, stop, 3, one, 3, on));
}

/* x (b,l,D) -> (b,H,l,D/H) */
static mlx_array heads(mlx_array x) {
    return swapaxes(reshape4(x, mlx_array_dim(x, 0), mlx_array_dim(x, 1), H, D / H), 1, 2);
}

static mlx_array attend(const mlx_array *w, mlx_array x) {
    mlx_array qkv = linear(x, w[QKV]);
    mlx_array q = rope(heads(part(qkv, 0, D)), D / H, false, 0);
    mlx_array k = rope(heads(part(qkv, D, 2 * D)), D / H, false, 0);
    mlx_array y =
        attention(q, k, heads(part(qkv, 2 * D, 3 * D)), 1.0f / sqrtf((float)D / H), "causal");
    return linear(reshape3(swapaxes(y, 1, 2), mlx_array_dim(x, 0), mlx_array_dim(x, 1), D), w[OUT]);
}

static mlx_array feed_forward(const mlx_array *w, mlx_array x) {
    return linear(mul(silu(linear(x, w[GATE])), linear(x, w[UP])), w[DOWN]);
}

/* Logits (b,l,V) of the byte after each of ids (b,l). */
static mlx_array forward(const mlx_array *p, mlx_array ids) {
    mlx_array x = rows(p[EMBED], ids);
    for (int l = 0; l < LAYERS; l++) {
        const mlx_array *w = p + FIRST_LAYER + PER_LAYER * l;
        x = add(x, attend(w, rms_norm(x, w[NORM1])));
        x = add(x, feed_forward(w, rms_norm(x, w[NORM2])));
    }
    return linear(rms_norm(x, p[NORM]), p[HEAD]);
}

/* Mean over positions of log(sum exp logits) - logit of the right byte. */
static mlx_array cross_entropy(mlx_array logits, mlx_array targets) {
    mlx_array all = mlx_array_new(), right = mlx_array_new();
    mlx_array index = reshape3(targets, mlx_array_dim(targets, 0), mlx_array_dim(targets, 1), 1);
    need(mlx_logsumexp_axis(&all, logits, -1, true, on));
    need(mlx_take_along_axis(&right, logits, index, -1, on));
    return mean(sub(owned(all), owned(right)));
}

/* The closure that is differentiated: (parameters..., inputs, targets) -> (loss) */
static int loss(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array a[PARAMS + 2];
    size_t step = step_begin();
    for (size_t i = 0; i < PARAMS + 2; i++) {
        a[i] = mlx_array_new();
        need(mlx_vector_array_get(&a[i], in, i));
        owned(a[i]);
    }
    int failed =
        mlx_vector_array_set_value(res, cross_entropy(forward(a, a[PARAMS]), a[PARAMS + 1]));
    step_end(step);
    return failed;
}

/* --- AdamW ------------------------------------------------------------------------------------ */

typedef struct adam {
    mlx_array m[PARAMS], v[PARAMS];
} adam;

static void adam_init(adam *s, const mlx_array *p) {
    for (int i = 0; i < PARAMS; i++) {
        s->m[i] = mlx_array_new();
        s->v[i] = mlx_array_new();
        need(mlx_zeros_like(&s->m[i], p[i], on));
        need(mlx_zeros_like(&s->v[i], p[i], on));
    }
}

static void adam_update(adam *s, mlx_array *p, mlx_vector_array grads, int t, float rate) {
    const float b1 = 0.9f, b2 = 0.95f, eps = 1e-8f, decay = 0.01f;
    float fix1 = 1 / (1 - powf(b1, (float)t)), fix2 = 1 / (1 - powf(b2, (float)t));
    for (int i = 0; i < PARAMS; i++) {
        mlx_array g = mlx_array_new();
        need(mlx_vector_array_get(&g, grads, (size_t)i));
        owned(g);
        mlx_array m = add(times(s->m[i], b1), times(g, 1 - b1));
        mlx_array v = add(times(s->v[i], b2), times(squared(g), 1 - b2));
        mlx_array change = quot(times(m, fix1), add(root(times(v, fix2)), scalar(eps)));
        mlx_array next = sub(times(p[i], 1 - rate * decay), times(change, rate));
        need(mlx_array_set(&s->m[i], m));
        need(mlx_array_set(&s->v[i], v));
        need(mlx_array_set(&p[i], next));
    }
}

/* --- training --------------------------------------------------------------------------------- */

static double seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Warm up, then fall along a cosine. */
static float rate_at(int step, int steps) {
    float peak = 3e-3f, warm = 20;
    if (step < warm)
        return peak * (float)(step + 1) / warm;
    return peak * (0.05f + 0.475f * (1 + cosf(3.14159265f * (float)step / (float)steps)));
}

static void evaluate(mlx_array loss_value, const mlx_array *p, const adam *s) {
    mlx_vector_array all = mlx_vector_array_new_value(loss_value);
    need(mlx_vector_array_append_data(all, p, PARAMS));
    need(mlx_vector_array_append_data(all, s->m, PARAMS));
    need(mlx_vector_array_append_data(all, s->v, PARAMS));
    need(mlx_eval(all));
    mlx_vector_array_free(all);
}

static float train_step(mlx_closure_value_and_grad f, mlx_array *p, adam *s, const text *t,
                        int step, int steps) {
    size_t begin = step_begin();
    mlx_array inputs, targets, value = mlx_array_new();
    float result;
    batch(t, &inputs, &targets);
    mlx_vector_array in = mlx_vector_array_new_data(p, PARAMS), out = mlx_vector_array_new(),
                     grads = mlx_vector_array_new();
    need(mlx_vector_array_append_value(in, inputs));
    need(mlx_vector_array_append_value(in, targets));
    need(mlx_closure_value_and_grad_apply(&out, &grads, f, in));
    mlx_vector_array_free(in); /* so that the update may reuse the parameters' memory */
    adam_update(s, p, grads, step + 1, rate_at(step, steps));
    mlx_vector_array_free(grads);
    need(mlx_vector_array_get(&value, out, 0));
    mlx_vector_array_free(out);
    step_end(begin);
    evaluate(value, p, s);
    need(mlx_array_item_float32(&result, value));
    mlx_array_free(value);
    return result;
}

static void train(mlx_array *p, const text *t, int steps) {
    int argnums[PARAMS];
    static adam state;
    mlx_closure f = mlx_closure_new_func(loss);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    for (int i = 0; i < PARAMS; i++)
        argnums[i] = i;
    need(mlx_value_and_grad(&vg, f, argnums, PARAMS));
    adam_init(&state, p);
    double start = seconds(), shown = start;
    for (int step = 0; step < steps; step++) {
        float value = train_step(vg, p, &state, t, step, steps);
        size_t peak = 0;
        if (step % 10 && step != steps - 1)
            continue;
        mlx_get_peak_memory(&peak);
        double now = seconds();
        printf("step %4d/%d   loss %.3f   %7.0f tokens/s   %zu MB\n", step + 1, steps,
               (double)value,
               (step ? (step % 10 ? step % 10 : 10) : 1) * (double)(B * L) / (now - shown),
               peak >> 20);
        fflush(stdout);
        shown = now;
    }
    printf("%d steps in %.1f s\n", steps, seconds() - start);
    for (int i = 0; i < PARAMS; i++) {
        mlx_array_free(state.m[i]);
        mlx_array_free(state.v[i]);
    }
    mlx_closure_value_and_grad_free(vg);
    mlx_closure_free(f);
}

/* --- files ------------------------------------------------------------------------------------ */

static const char *name_of(int i, char *out, size_t n) {
    static const char *const part_name[] = {"norm1", "qkv", "out", "norm2", "gate", "up", "down"};
    int l = (i - FIRST_LAYER) / PER_LAYER, k = (i - FIRST_LAYER) % PER_LAYER;
    if (i == EMBED)
        snprintf(out, n, "embed");
    else if (i == NORM || i == HEAD)
        snprintf(out, n, i == NORM ? "norm" : "head");
    else
        snprintf(out, n, "layers.%d.%s", l, part_name[k]);
    return out;
}

static void save(const char *path, const mlx_array *p) {
    mlx_map_string_to_array weights = mlx_map_string_to_array_new();
    mlx_map_string_to_string about = mlx_map_string_to_string_new();
    char name[64];
    for (int i = 0; i < PARAMS; i++)
        need(mlx_map_string_to_array_insert(weights, name_of(i, name, sizeof name), p[i]));
    need(mlx_map_string_to_string_insert(about, "format", "mlx"));
    need(mlx_save_safetensors(path, weights, about));
    mlx_map_string_to_array_free(weights);
    mlx_map_string_to_string_free(about);
}

static void load(const char *path, mlx_array *p) {
    mlx_map_string_to_array weights = mlx_map_string_to_array_new();
    mlx_map_string_to_string about = mlx_map_string_to_string_new();
    char name[64];
    need(mlx_load_safetensors(&weights, &about, path, on));
    for (int i = 0; i < PARAMS; i++)
        need(mlx_map_string_to_array_get(&p[i], weights, name_of(i, name, sizeof name)));
    mlx_map_string_to_array_free(weights);
    mlx_map_string_to_string_free(about);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Draw the next byte from the softmax of the last position's logits, sharpened a little. */
static int draw(const mlx_array *p, const int32_t *ids, int n) {
    size_t step = step_begin();
    int shape[2] = {1, n};
    mlx_array logits = forward(p, owned(mlx_array_new_data(ids, shape, 2, MLX_INT32)));
    int start[3] = {0, n - 1, 0}, stop[3] = {1, n, mlx_array_dim(logits, 2)}, one[3] = {1, 1, 1};
    mlx_array last = mlx_array_new(), token = mlx_array_new();
    uint32_t next = 0;
    need(mlx_slice(&last, logits, start, 3, stop, 3, one, 3, on));
    need(mlx_random_categorical(&token, times(owned(last), 1 / 0.6f), -1, mlx_array_empty, on));
    need(mlx_array_item_uint32(&next, owned(token)));
    step_end(step);
    return (int)next;
}

static void write_text(const mlx_array *p, const text *t, int n) {
    int32_t ids[L];
    int have = 8;
    for (int i = 0; i < have; i++)
        ids[i] = t->id[i];
    for (int i = 0; i < n; i++) {
        int next = draw(p, ids, have);
        putchar(t->byte[next]);
        fflush(stdout);
        if (have == L)
            memmove(ids, ids + 1, sizeof *ids * (L - 1));
        else
            have++;
        ids[have - 1] = next;
    }
    putchar('\n');
}

static const char usage[] = "usage: language_model text.txt [steps] [weights.safetensors]\n";

int main(int argc, char **argv) {
    begin_command(argc, argv, usage, 1, 3);
    int steps = argc > 2 ? count_of("steps", argv[2]) : 600;
    const char *path =
        file_of("weights are", argc > 3 ? argv[3] : "language_model.safetensors", ".safetensors");
    mlx_array p[PARAMS], q[PARAMS];
    text t = load_text(argv[1]);
    on = mlx_default_cpu_stream_new();
    mlx_random_seed(1);
    srand(1);
    init(p, t.vocab);
    printf("%s: %zu bytes, %d different\n", argv[1], t.n, t.vocab);
    train(p, &t, steps);
    save(path, p);
    for (int i = 0; i < PARAMS; i++)
        q[i] = mlx_array_new();
    load(path, q);
    printf("weights written to %s and read back; what it writes now:\n\n", path);
    write_text(q, &t, SAMPLE);
    for (int i = 0; i < PARAMS; i++) {
        mlx_array_free(p[i]);
        mlx_array_free(q[i]);
    }
    free(t.id);
    free(step_arrays);
    mlx_stream_free(on);
    return printed();
}
