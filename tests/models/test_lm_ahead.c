/* Heads that look ahead: what they compute, and that texts with their guesses are those without. */
#include "graph/eval/eval.h"
#include "lm_run.h"
#include "models/direct/direct.h"
#include "train_files.h"

/* --- checkpoints ------------------------------------------------------------------------------ */

/* The last layer of a fixture as the one behind the last: its tensors by their names there, each
   made as the name of the fixture says. */
typedef struct checkpoint {
    tiny_model t;
    int layers; /* without it */
    char path[512];
} checkpoint;

static const char *const joins[][2] = {{"eh_proj.weight", "mtp.fc.weight"},
                                       {"enorm.weight", "mtp.pre_fc_norm_embedding.weight"},
                                       {"hnorm.weight", "mtp.pre_fc_norm_hidden.weight"},
                                       {"shared_head.norm.weight", "mtp.norm.weight"}};

static int join_shape(int i, int *shape) {
    shape[0] = 32, shape[1] = 64;
    return i ? 1 : 2;
}

/* Calls put for each tensor: its name in the file, and that of its numbers. */
typedef void put_fn(void *ctx, const char *name, const char *seed, const int *shape, int n);

static void each_tensor(const checkpoint *c, bool apart, put_fn *put, void *ctx) {
    const char *name;
    json_t *list;
    char last[64], own[300];
    int shape[8];
    size_t n = (size_t)snprintf(last, sizeof last, "model.layers.%d.", c->layers);
    json_object_foreach(json_object_get(c->t.document, "tensors"), name, list) {
        bool moves = apart && strncmp(name, last, n) == 0;
        snprintf(own, sizeof own, "%s%s", moves ? "mtp.layers.0." : "", name + (moves ? n : 0));
        put(ctx, own, name, shape, tiny_shape(list, shape));
    }
    for (int i = 0; i < 4; i++) {
        snprintf(own, sizeof own, "%s%s", last, joins[i][0]);
        put(ctx, apart ? joins[i][1] : own, own, shape, join_shape(i, shape));
    }
}

static void declare(void *ctx, const char *name, const char *seed, const int *shape, int n) {
    (void)seed;
    CHECK(mx_archive_declare(ctx, name, "float32", shape, n));
}

static void put(void *ctx, const char *name, const char *seed, const int *shape, int n) {
    CHECK(mx_archive_put(ctx, name, tiny_tensor(seed, shape, n)));
}

/* Of a model whose next token is always STEP further on: layers add nothing, tokens are unit
   vectors, and the head finds the token behind the next one in the hidden row alone. */
enum { STEP = 5, UNITS = 32 };

static void put_steps(void *ctx, const char *name, const char *seed, const int *shape, int n) {
    mx_array *a = mx_zeros(shape, n, MX_FLOAT32);
    float *v = mx_eval1(a) ? (float *)(void *)a->data : NULL;
    bool head = strstr(seed, "lm_head"), join = strstr(seed, "eh_proj");
    for (int i = 0; v && n == 1 && i < shape[0]; i++)
        v[i] = strstr(seed, "norm") ? 1 : 0;
    for (int i = 0; v && i < UNITS; i++)
        if (strstr(seed, "embed_tokens"))
            v[i * UNITS + i] = 1;
        else if (head)
            v[(i + STEP) % UNITS * UNITS + i] = 1;
        else if (join)
            v[(i + STEP) % UNITS * 2 * UNITS + UNITS + i] = 1;
    CHECK(mx_archive_put(ctx, name, a));
}

/* apart: in modules of "mtp", as Qwen3-Next has them. */
static bool make_of(checkpoint *c, const char *fixture, bool apart, put_fn *put_one) {
    char path[600];
    if (!tiny_open(&c->t, fixture))
        return false;
    json_t *config = json_deep_copy(json_object_get(c->t.document, "config"));
    json_t *types = json_object_get(config, "layer_types");
    c->layers = (int)json_integer_value(json_object_get(config, "num_hidden_layers")) - 1;
    json_object_set_new(config, "num_hidden_layers", json_integer(c->layers));
    json_object_set_new(config, "max_position_embeddings", json_integer(256));
    if (types)
        json_array_remove(types, (size_t)c->layers);
    snprintf(c->path, sizeof c->path, "%s", own_path(apart ? "apart" : "behind"));
    mkdir(c->path, 0777);
    snprintf(path, sizeof path, "%s/model.safetensors", c->path);
    bool ok = CHECK(tiny_write_config(config, c->path));
    json_decref(config);
    mx_scope scope = mx_scope_open();
    mx_archive_writer *w = mx_archive_create(path, "safetensors", 0);
    each_tensor(c, apart, declare, w);
    each_tensor(c, apart, put_one, w);
    ok = ok && CHECK_MSG(w && mx_archive_finish(w), "%s", mx_error_message());
    mx_archive_writer_free(w);
    mx_scope_close(scope);
    write_tokenizer(c->path);
    return ok;
}

static bool make(checkpoint *c, const char *fixture, bool apart) {
    return make_of(c, fixture, apart, put);
}

/* --- a head's numbers ------------------------------------------------------------------------- */

enum { TOKENS = 12, HIDDEN = 32, WORDS = 64 };

static void close_to(const float *a, const float *b, int64_t n, const char *what) {
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    CHECK_MSG(most < 1e-4, "%s: %.3g away", what, most);
}

/* All rows of one pass of each machine, which agree: hidden rows that it keeps, and logits. */
static void both_machines(const mx_decoder *d, const int *tokens, int n, const float *given,
                          float *kept, float *logits) {
    bool full = false;
    const float *rows = NULL;
    mx_array *also = NULL;
    mx_direct *m = mx_direct_new(d);
    mx_cache *c = mx_cache_new(d, 32, 0);
    mx_sequence *s = mx_sequence_begin(c, NULL, 0);
    mx_span span = {0, n, 0, s};
    mx_pass pass = {.token = tokens, .rows = n, .span = &span, .spans = 1};
    pass.hidden = given;
    pass.keeps = true;
    CHECK(mx_sequence_reserve(s, n, &full));
    if (CHECK_MSG(mx_direct_pass(m, &pass, &rows), "%s", mx_error_message())) {
        memcpy(logits, rows, (size_t)(n * WORDS) * sizeof *rows);
        memcpy(kept, mx_direct_kept(m), (size_t)(n * HIDDEN) * sizeof *rows);
    }
    mx_scope scope = mx_scope_open();
    mx_array *y = mx_decoder_graph_kept(d, &pass, &also);
    y = mx_contiguous(y, false), also = mx_contiguous(also, false);
    if (CHECK_MSG(y && also && mx_eval1(y) && mx_eval1(also), "%s", mx_error_message())) {
        close_to(logits, (float *)(void *)y->data, n * WORDS, "logits");
        close_to(kept, (float *)(void *)also->data, n * HIDDEN, "hidden rows");
    }
    mx_scope_close(scope);
    mx_sequence_end(s);
    mx_cache_free(c);
    mx_direct_free(m);
}

static void normed(float *x, const float *weight, double eps) {
    double sum = 0;
    for (int i = 0; i < HIDDEN; i++)
        sum += (double)x[i] * (double)x[i];
    for (int i = 0; i < HIDDEN; i++)
        x[i] = (float)(x[i] / sqrt(sum / HIDDEN + eps) * weight[i]);
}

static const float *numbers_of(const char *name, int rows, int columns) {
    mx_array *a = tiny_tensor(name, (int[]){rows, columns}, columns ? 2 : 1);
    return (const float *)(const void *)a->data;
}

/* What the last layer reads: by the definition. */
static void joined(const float *token, const float *hidden, double eps, float *out) {
    const float *both = numbers_of("model.layers.2.eh_proj.weight", HIDDEN, 2 * HIDDEN);
    float x[2 * HIDDEN];
    memcpy(x, token, HIDDEN * sizeof *x);
    memcpy(x + HIDDEN, hidden, HIDDEN * sizeof *x);
    normed(x, numbers_of("model.layers.2.enorm.weight", HIDDEN, 0), eps);
    normed(x + HIDDEN, numbers_of("model.layers.2.hnorm.weight", HIDDEN, 0), eps);
    for (int i = 0; i < HIDDEN; i++) {
        double sum = 0;
        for (int k = 0; k < 2 * HIDDEN; k++)
            sum += (double)both[i * 2 * HIDDEN + k] * (double)x[k];
        out[i] = (float)sum;
    }
}

typedef struct plain {
    mx_archive_writer *w;
    mx_array *rows; /* the embedding */
    bool put;
} plain;

/* The last layer as the only one of a model whose embedding has the rows that it reads. */
static void plain_tensor(void *ctx, const char *name, const char *seed, const int *shape, int n) {
    plain *p = ctx;
    char own[300];
    bool embeds = !strcmp(name, "model.embed_tokens.weight");
    if (!strcmp(name, "model.norm.weight"))
        return;
    snprintf(own, sizeof own, "%s", name);
    if (strstr(name, "shared_head.norm"))
        snprintf(own, sizeof own, "model.norm.weight");
    else if (!strncmp(name, "model.layers.2.", 15) && !strstr(name, "eh_proj") &&
             !strstr(name, "enorm") && !strstr(name, "hnorm"))
        snprintf(own, sizeof own, "model.layers.0.%s", name + 15);
    else if (strstr(name, "layers"))
        return;
    if (p->put)
        CHECK(mx_archive_put(p->w, own, embeds ? p->rows : tiny_tensor(seed, shape, n)));
    else
        CHECK(mx_archive_declare(p->w, own, "float32", shape, n));
}

static mx_decoder *only_layer(const checkpoint *c, mx_array *rows) {
    char place[512], path[600];
    json_t *config = json_deep_copy(json_object_get(c->t.document, "config"));
    snprintf(place, sizeof place, "%s", own_path("only"));
    mkdir(place, 0777);
    json_object_set_new(config, "num_hidden_layers", json_integer(1));
    json_object_set_new(config, "first_k_dense_replace", json_integer(0));
    CHECK(tiny_write_config(config, place));
    json_decref(config);
    snprintf(path, sizeof path, "%s/model.safetensors", place);
    plain p = {mx_archive_create(path, "safetensors", 0), rows, false};
    each_tensor(c, false, plain_tensor, &p);
    p.put = true;
    each_tensor(c, false, plain_tensor, &p);
    CHECK_MSG(mx_archive_finish(p.w), "%s", mx_error_message());
    mx_archive_writer_free(p.w);
    return mx_decoder_open(place);
}

static void check_head(const checkpoint *c, const mx_decoder *d, const int *tokens) {
    static float hidden[TOKENS * HIDDEN], kept[TOKENS * HIDDEN], plain_kept[TOKENS * HIDDEN],
        logits[TOKENS * WORDS], main_logits[TOKENS * WORDS], want[TOKENS * WORDS];
    int n = TOKENS - 1, places[TOKENS];
    double eps = json_number_value(mx_json_at(c->t.document, "config.rms_norm_eps"));
    mx_array *rows = mx_array_empty((int[]){WORDS, HIDDEN}, 2, MX_FLOAT32);
    memset(rows->data, 0, WORDS * HIDDEN * sizeof(float));
    const float *table = numbers_of("model.embed_tokens.weight", WORDS, HIDDEN);
    both_machines(d, tokens, TOKENS, NULL, hidden, main_logits);
    both_machines(d->ahead, tokens + 1, n, hidden, kept, logits);
    for (int i = 0; i < n; i++) {
        places[i] = i;
        joined(table + tokens[i + 1] * HIDDEN, hidden + i * HIDDEN, eps,
               (float *)(void *)rows->data + i * HIDDEN);
    }
    mx_decoder *only = only_layer(c, rows);
    if (CHECK_MSG(only, "%s", mx_error_message())) {
        both_machines(only, places, n, NULL, plain_kept, want);
        close_to(logits, want, n * WORDS, "a layer with what is joined");
        close_to(kept, plain_kept, n * HIDDEN, "its rows");
    }
    mx_decoder_release(only);
}

static const char *const behind[] = {"deepseek_v3.json", "glm4_moe.json"};
enum { BEHIND = sizeof behind / sizeof *behind };

static void numbers_of_head(const char *fixture) {
    checkpoint c;
    if (!make(&c, fixture, false))
        return;
    mx_scope scope = mx_scope_open();
    mx_decoder *d = mx_decoder_open(c.path);
    if (CHECK_MSG(d && d->ahead, "%s", mx_error_message())) {
        CHECK_EQ_INT(d->layers, 2);
        check_head(&c, d, c.t.tokens);
        mx_decoder *head = mx_decoder_retain(d->ahead); // holds the model
        mx_decoder_release(d);
        CHECK_EQ_INT(head->layers, 1);
        d = head;
    }
    mx_decoder_release(d);
    mx_scope_close(scope);
    tiny_close(&c.t);
}

static void numbers(void) {
    for (int i = 0; i < BEHIND; i++)
        numbers_of_head(behind[i]);
}

/* --- texts ------------------------------------------------------------------------------------ */

enum { MANY = 5 };
static const char *const prompts[MANY] = {"abcabcabcabc", "helloworldA", "abcabcabcabx", "q",
                                          "thequickbrownfoxjumpsoverthelazydogandbackagain"};
static mlx_sampler_options sampling[MANY] = {
    {0}, {.temperature = 1, .seed = 3}, {.temperature = 0.8, .seed = 4}, {0}, {0}};
static answer plain_answers[MANY], guessed[MANY];

static mlx_lm_request request(int i) {
    return (mlx_lm_request){.text = prompts[i],
                            .text_num = strlen(prompts[i]),
                            .most = 60 + 10 * i,
                            .ignore_end = true,
                            .sampling = &sampling[i]};
}

static mlx_lm_batch_state all_under(mlx_lm lm, const mlx_lm_batch_options *o, answer *out) {
    mlx_lm_batch_state s = {0};
    mlx_lm_batch b = mlx_lm_batch_new();
    CHECK_MSG(mlx_lm_batch_open(&b, lm, o) == 0, "%s", mlx_last_error_message());
    for (int round = 0; round < 2; round++) { // the second finds the beginnings of the first
        for (int i = 0; i < MANY; i++)
            CHECK(ask(b, request(i), &out[i]));
        CHECK_MSG(run_all(b), "%s", mlx_last_error_message());
    }
    CHECK(mlx_lm_batch_about(&s, b) == 0);
    mlx_lm_batch_free(b);
    return s;
}

/* Do guesses of the head leave all answers as they are? */
static void same_with(mlx_lm lm, mlx_lm_batch_options o, const char *what) {
    mlx_lm_batch_state s = all_under(lm, &o, guessed);
    for (int i = 0; i < MANY; i++)
        CHECK_MSG(same_answer(&plain_answers[i], &guessed[i]), "%s: %d: %s\n---\n%s", what, i,
                  plain_answers[i].text, guessed[i].text);
    CHECK_MSG(s.guessed > 50 || o.lookup, "%s: %lld guesses", what, (long long)s.guessed);
}

static void texts_of(const char *path) {
    mlx_lm lm = mlx_lm_new();
    if (!CHECK_MSG(mlx_lm_open(&lm, path, NULL) == 0, "%s", mlx_last_error_message()))
        return;
    all_under(lm, NULL, plain_answers);
    same_with(lm, (mlx_lm_batch_options){.heads = 1}, "one");
    same_with(lm, (mlx_lm_batch_options){.heads = 4}, "four");
    same_with(lm, (mlx_lm_batch_options){.heads = 2, .chunk = 5}, "small chunks");
    same_with(lm, (mlx_lm_batch_options){.heads = 3, .requests = 2}, "two at a time");
    same_with(lm, (mlx_lm_batch_options){.heads = 2, .lookup = 3}, "with look-up");
    mlx_lm_free(lm);
}

/* Guesses that are right all come true: the head reads the hidden rows of its tokens. */
static void steps_of(const char *fixture) {
    checkpoint c;
    mlx_lm lm = mlx_lm_new();
    if (!make_of(&c, fixture, false, put_steps) ||
        !CHECK_MSG(mlx_lm_open(&lm, c.path, NULL) == 0, "%s", mlx_last_error_message()))
        return;
    sampling[1].temperature = sampling[2].temperature = 0;
    for (int heads = 1; heads < 4; heads++) {
        mlx_lm_batch_options o = {.heads = heads};
        mlx_lm_batch_state s = all_under(lm, &o, guessed);
        CHECK(s.guessed > 100);
        CHECK_EQ_INT(s.accepted, s.guessed);
        for (int i = 1; i < guessed[0].n; i++)
            CHECK_EQ_INT(guessed[0].token[i], (guessed[0].token[i - 1] + STEP) % UNITS);
        o.context = 56, o.shift = true; // it guesses on when half of the text was forgotten
        int64_t accepted = all_under(lm, &o, guessed).accepted;
        CHECK_MSG(accepted > s.accepted * 9 / 10, "%lld of %lld guesses came true",
                  (long long)accepted, (long long)s.accepted);
    }
    sampling[1].temperature = 1, sampling[2].temperature = 0.8f;
    mlx_lm_free(lm);
    tiny_close(&c.t);
}

static void steps(void) {
    for (int i = 0; i < BEHIND; i++)
        steps_of(behind[i]);
}

static void texts(void) {
    checkpoint c;
    for (int i = 0; i < BEHIND; i++) {
        if (make(&c, behind[i], false))
            texts_of(c.path);
        tiny_close(&c.t);
    }
}

static void texts_apart(void) {
    checkpoint c;
    if (make(&c, "qwen3_next.json", true))
        texts_of(c.path);
    tiny_close(&c.t);
}

/* --- GGUF ------------------------------------------------------------------------------------- */

static mx_meta *copy_of(const mx_meta *m) {
    return m->kind == MX_META_ARRAY ? mx_meta_of_array(m->array)
           : m->kind == MX_META_STRING
               ? mx_meta_of_string(m->string)
               : mx_meta_of_strings((const char *const *)m->strings, m->count);
}

static const char *const gguf_joins[] = {"eh_proj", "enorm", "hnorm", "shared_head_norm"};

/* The fixture's file, where the last layer is said to be behind the last. */
static bool add_join(const char *from, const char *to) {
    char name[100], seed[100];
    int shape[2];
    mx_archive *a = mx_archive_open("test", from, false);
    mx_archive_writer *w = a ? mx_archive_create(to, "gguf", 0) : NULL;
    for (size_t i = 0; w && i < a->meta.count; i++)
        if (strncmp(a->meta.entry[i].key, "mlx.file.config", 15) != 0)
            mx_archive_set_meta(w, a->meta.entry[i].key, copy_of(a->meta.entry[i].value));
    for (size_t i = 0; w && i < a->count; i++)
        mx_archive_declare(w, a->tensor[i].name, a->tensor[i].storage, a->tensor[i].shape,
                           a->tensor[i].ndim);
    for (int i = 0; w && i < 4; i++) {
        snprintf(name, sizeof name, "blk.2.nextn.%s.weight", gguf_joins[i]);
        mx_archive_declare(w, name, "float32", shape, join_shape(i, shape));
    }
    for (size_t i = 0; w && i < a->count; i++)
        mx_archive_put_raw(w, a->tensor[i].name, a, i);
    for (int i = 0; w && i < 4; i++) {
        snprintf(name, sizeof name, "blk.2.nextn.%s.weight", gguf_joins[i]);
        snprintf(seed, sizeof seed, "model.layers.2.%s", joins[i][0]);
        int n = join_shape(i, shape);
        mx_archive_put(w, name, tiny_tensor(seed, shape, n));
    }
    bool ok = w && mx_archive_finish(w);
    mx_archive_writer_free(w);
    mx_archive_close(a);
    return CHECK_MSG(ok, "%s", mx_error_message());
}

static void texts_of_file(const char *fixture) {
    tiny_model t;
    char from[600], to[600];
    if (!open_tiny(&t, fixture))
        return;
    json_t *config = json_object_get(t.document, "config");
    json_object_set_new(config, "max_position_embeddings", json_integer(256));
    CHECK(tiny_write_config(config, t.path));
    snprintf(from, sizeof from, "%s.gguf", t.path);
    snprintf(to, sizeof to, "%s.ahead.gguf", t.path);
    mlx_convert_options o = {.overwrite = true};
    mx_scope scope = mx_scope_open();
    if (CHECK_MSG(mlx_convert(t.path, from, &o, NULL, NULL) == 0, "%s", mlx_last_error_message()) &&
        add_join(from, to))
        texts_of(to);
    mx_scope_close(scope);
    tiny_close(&t);
}

static void texts_of_gguf(void) {
    for (int i = 0; i < BEHIND; i++)
        texts_of_file(behind[i]);
}

/* --- errors ----------------------------------------------------------------------------------- */

/* One text with guesses, model and all; the steps that failed are tried again. */
static int everything(const char *path) {
    mlx_lm lm = mlx_lm_new();
    mlx_lm_batch b = mlx_lm_batch_new();
    static answer a;
    bool busy = true;
    mlx_lm_batch_options o = {.heads = 2};
    int status = mlx_lm_open(&lm, path, NULL) || mlx_lm_batch_open(&b, lm, &o);
    mlx_lm_request r = request(0);
    r.payload = &a;
    a = (answer){0};
    status = status || mlx_lm_batch_add(&a.id, b, &r);
    for (int i = 0; !status && busy && i < 100; i++)
        status = mlx_lm_batch_step(&busy, b, take_event, NULL);
    status = status || a.last.finish == MLX_LM_FAILED;
    CHECK_MSG(status || same_answer(&plain_answers[0], &a), "%s", a.text);
    mlx_lm_batch_free(b);
    mlx_lm_free(lm);
    return status;
}

/* Each allocation fails once: an error, and nothing is lost. */
static void no_memory(void) {
    checkpoint c;
    mlx_lm lm = mlx_lm_new();
    if (!make(&c, "deepseek_v3.json", false) || !CHECK(mlx_lm_open(&lm, c.path, NULL) == 0))
        return;
    all_under(lm, NULL, plain_answers);
    mlx_lm_free(lm);
    CHECK(everything(c.path) == 0);
    int64_t live = mx_alloc_live();
    uint64_t steps = 0, each = 7; // some of the thousands, others with each run of the loop
    for (int status = 1; status && steps < 100000; each = each % 23 + 7) {
        mx_alloc_fail_at(steps += each);
        status = everything(c.path);
        mx_alloc_fail_at(0);
        if (!CHECK_MSG(mx_alloc_live() <= live, "%d allocations lost without number %d",
                       (int)(mx_alloc_live() - live), (int)steps))
            break;
    }
    CHECK(steps > 100 && steps < 100000);
    tiny_close(&c.t);
}

static void keep_silent(const char *message, void *data) {
    (void)message, (void)data;
}

static void refuses(void) {
    tiny_model t;
    mlx_lm lm = mlx_lm_new();
    mlx_lm_batch b = mlx_lm_batch_new();
    if (!open_tiny(&t, "llama.json"))
        return;
    CHECK(mlx_lm_open(&lm, t.path, NULL) == 0);
    CHECK(mlx_lm_batch_open(&b, lm, &(mlx_lm_batch_options){.heads = 1}) == 1);
    CHECK_HAS(mlx_last_error_message(), "no head");
    CHECK(mlx_lm_batch_open(&b, lm, &(mlx_lm_batch_options){.heads = 1, .draft = lm}) == 1);
    CHECK_HAS(mlx_last_error_message(), "either");
    CHECK(mlx_lm_batch_open(&b, lm, &(mlx_lm_batch_options){.heads = 65}) == 1);
    mlx_lm_batch_free(b);
    mlx_lm_free(lm);
    tiny_close(&t);
}

int main(void) {
    mlx_set_error_handler(keep_silent, NULL, NULL);
    RUN(numbers);
    RUN(steps);
    RUN(texts);
    RUN(texts_apart);
    RUN(texts_of_gguf);
    RUN(no_memory);
    RUN(refuses);
    files_done();
    return check_done();
}
