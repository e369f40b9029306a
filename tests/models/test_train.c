/* Fine-tuning (src/models/train): gradients, losses, and what is learned. */
#include "base/mem.h"
#include "graph/eval/eval.h"
#include "models/train/adapter.h"
#include "models/train/lesson.h"
#include "models/train/optim.h"
#include "train_files.h"

/* --- gradients ------------------------------------------------------------------------------- */

typedef struct tried {
    mx_tune tune;
    mx_lesson lesson;
    mx_array **way; /* of each param */
} tried;

static mx_array *random_like(const mx_array *a, uint64_t seed, double scale) {
    mx_array *key = mx_random_key(check_seed(seed));
    return mx_mul_s(mx_random_normal(a->shape, a->ndim, MX_FLOAT32, NULL, NULL, key), scale);
}

/* The loss at value + by way. */
static double loss_at(const tried *t, double by) {
    mx_array *value[256];
    mx_scope scope = mx_scope_open();
    for (int i = 0; i < t->tune.params; i++)
        value[i] = mx_add(t->tune.param[i].value, mx_mul_s(t->way[i], by));
    mx_array *loss = mx_lesson_loss(&t->tune, &t->lesson, value, (mx_lesson_way){.drop = 5});
    double x = CHECK_MSG(loss && mx_eval1(loss), "%s", mx_error_message())
                   ? *(const float *)(const void *)loss->data
                   : NAN;
    mx_scope_close(scope);
    return x;
}

/* Of the sixth order: what floats of 24 bits leave of it is small beside it. */
static double slope_by_differences(const tried *t, double h) {
    double a = loss_at(t, h) - loss_at(t, -h), b = loss_at(t, 2 * h) - loss_at(t, -2 * h),
           c = loss_at(t, 3 * h) - loss_at(t, -3 * h);
    return (45 * a - 9 * b + c) / (60 * h);
}

static double slope_by_gradients(const tried *t, bool checkpoint) {
    mx_arrays g = {0};
    mx_scope scope = mx_scope_open();
    mx_array *sum = NULL;
    mx_lesson_way way = {checkpoint, 5};
    mx_array *loss = mx_lesson_gradients(&t->tune, &t->lesson, way, &g);
    for (size_t i = 0; loss && i < g.count; i++) {
        mx_array *part = mx_sum_all(mx_mul(g.item[i], t->way[i]));
        sum = sum ? mx_add(sum, part) : part;
    }
    double x = CHECK_MSG(sum && mx_eval1(sum), "%s", mx_error_message())
                   ? *(const float *)(const void *)sum->data
                   : NAN;
    mx_arrays_free(&g);
    mx_scope_close(scope);
    return x;
}

/* A loss of 4 is rounded by 2e-7, which is 1e-4 of a slope, and a few times that in one of
   hundreds. */
static bool agrees(double plain, double wanted, double shorter) {
    return fabs(plain - wanted) < 2e-3 * fabs(wanted) + 6e-4 * shorter;
}

/* Of few numbers each step changes little of the loss, and must be longer; where an expert comes or
   goes within it, shorter. */
static void try_gradients(tried *t, mx_tune_kind kind, const char *what) {
    double step = mx_tune_adds(kind) ? 0.01 : 0.004, wanted = slope_by_differences(t, step),
           plain = slope_by_gradients(t, false), again = slope_by_gradients(t, true);
    bool agreed = agrees(plain, wanted, 1);
    for (int shorter = 4; !agreed && shorter <= 16; shorter *= 4)
        agreed = agrees(plain, slope_by_differences(t, step / shorter), shorter);
    CHECK_MSG(agreed, "%s: %.7g, by differences %.7g", what, plain, wanted);
    CHECK_MSG(fabs(plain - again) < 1e-5 * fabs(plain) + 1e-6, "%s: %.9g, with checkpoints %.9g",
              what, plain, again);
}

/* Two examples, of which one has a prompt. */
static void texts(mx_examples *e, const tiny_model *m) {
    static mx_example items[] = {{0, 9, 0}, {3, 7, 4}};
    *e = (mx_examples){.token = (int *)m->tokens, .item = items, .count = 2};
}

/* B is moved away from zero, so that A has a gradient. */
static bool prepare(tried *t, mx_decoder *d, const tiny_model *m, const mx_tune_spec *spec) {
    mx_examples e;
    size_t number[] = {0, 1};
    texts(&e, m);
    bool ok = mx_tune_open(&t->tune, d, spec) && mx_tune_begin(&t->tune, 3) &&
              mx_lesson_make(&t->lesson, &e, number, 2);
    t->way = calloc(256, sizeof *t->way);
    for (int i = 0; ok && i < t->tune.params; i++) {
        mx_param *p = &t->tune.param[i];
        mx_scope scope = mx_scope_open();
        if (p->role == MX_ROLE_B)
            ok = mx_param_set(p, random_like(p->value, 20 + (uint64_t)i, 0.1));
        // through the norms of DoRA goes no derivative: only m moves
        double far = spec->kind == MX_TUNE_DORA && p->role != MX_ROLE_M ? 0 : 0.05;
        far = spec->kind == MX_TUNE_SCALES ? 0.005 : far; // codes multiply them
        mx_array *way = random_like(p->value, 100 + (uint64_t)i, far);
        ok = ok && way && mx_eval1(way);
        t->way[i] = ok ? mx_array_retain(way) : NULL;
        mx_scope_close(scope);
    }
    return CHECK_MSG(ok, "%s", mx_error_message());
}

static void let_go(tried *t) {
    for (int i = 0; t->way && i < t->tune.params; i++)
        mx_array_release(t->way[i]);
    free(t->way);
    mx_lesson_free(&t->lesson);
    mx_tune_close(&t->tune);
    mx_error_clear();
}

static void gradients_by(const char *name, const mx_tune_spec *spec) {
    tiny_model m;
    char what[128];
    if (!open_tiny(&m, name))
        return;
    const char *path = spec->kind == MX_TUNE_SCALES ? in_words(m.path, 4) : m.path;
    mx_decoder *d = mx_decoder_open(path);
    tried t = {0};
    snprintf(what, sizeof what, "%s, %s", name, mx_tune_kinds[spec->kind]);
    if (CHECK_MSG(d, "%s", mx_error_message()) && prepare(&t, d, &m, spec))
        try_gradients(&t, spec->kind, what);
    let_go(&t);
    mx_decoder_release(d);
    tiny_close(&m);
}

static void gradients_of(const char *name, mx_tune_kind kind, float dropout) {
    mx_tune_spec spec = {.kind = kind, .layers = -1, .rank = 3, .scale = 1.5f, .dropout = dropout};
    gradients_by(name, &spec);
}

/* Of the last layer's stacks alone: which experts a token has is the same on the whole way. */
static void experts_of(const char *name, const char *mlp, mx_tune_kind kind, float dropout) {
    static const char *const parts[] = {"gate", "up", "down"};
    char key[3][80];
    const char *keys[3];
    for (int i = 0; i < 3; i++) {
        snprintf(key[i], sizeof key[i], "%s.switch_mlp.%s_proj", mlp, parts[i]);
        keys[i] = key[i];
    }
    mx_tune_spec spec = {.kind = kind, .layers = 1, .rank = 3, .scale = 1.5f, .dropout = dropout};
    spec.keys = keys;
    spec.key_num = kind == MX_TUNE_SCALES ? 2 : 3; // 24 numbers are no group of 32
    gradients_by(name, &spec);
}

/* Of the last layer's router, likewise. */
static void routers_of(const char *name, const char *key, mx_tune_kind kind) {
    mx_tune_spec spec = {.kind = kind, .layers = 1, .rank = 3, .scale = 1.5f};
    spec.keys = &key;
    spec.key_num = 1;
    gradients_by(name, &spec);
}

static void gradients(void) {
    for (int kind = MX_TUNE_LORA; kind < MX_TUNE_KINDS; kind++) {
        gradients_of("llama.json", (mx_tune_kind)kind, 0);
        gradients_of("qwen2.json", (mx_tune_kind)kind, 0); // with biases
        gradients_of("phi3.json", (mx_tune_kind)kind, 0);  // matrices in parts
        gradients_of("gemma3.json", (mx_tune_kind)kind, 0);
    }
    gradients_of("llama.json", MX_TUNE_LORA, 0.3f);
    experts_of("qwen3_moe.json", "mlp", MX_TUNE_LORA, 0.2f);
    experts_of("qwen3_moe.json", "mlp", MX_TUNE_FULL, 0);
    experts_of("qwen3_moe.json", "mlp", MX_TUNE_SCALES, 0);
    experts_of("mixtral.json", "block_sparse_moe", MX_TUNE_LORA, 0);
    experts_of("deepseek_v3.json", "mlp", MX_TUNE_LORA, 0);
    routers_of("qwen3_moe.json", "mlp.gate", MX_TUNE_LORA);
    routers_of("mixtral.json", "block_sparse_moe.gate", MX_TUNE_DORA);
    routers_of("qwen2_moe.json", "mlp.shared_expert_gate", MX_TUNE_LORA);
    routers_of("deepseek_v3.json", "mlp.gate", MX_TUNE_FULL);
    gradients_of("mamba2.json", MX_TUNE_LORA, 0);
}

/* --- losses ---------------------------------------------------------------------------------- */

/* -log p(token i + 1 | tokens to i) of one example. */
static double log_loss(const mx_decoder *d, const int *tokens, int64_t n, int64_t from) {
    mx_span span = {0, n, 0, NULL};
    mx_pass pass = {.token = tokens, .rows = n, .span = &span, .spans = 1};
    mx_array *logits = mx_decoder_graph(d, &pass);
    double sum = 0;
    if (!CHECK(logits && mx_eval1(logits)))
        return NAN;
    const float *row = (const float *)(const void *)logits->data;
    int64_t width = logits->shape[1];
    for (int64_t i = from; i + 1 < n; i++) {
        double all = 0;
        for (int64_t k = 0; k < width; k++)
            all += exp((double)row[i * width + k]);
        sum += log(all) - (double)row[i * width + tokens[i + 1]];
    }
    return sum;
}

/* Each example for itself, and what is before the answer is not counted. */
static void masked_prompts(void) {
    tiny_model m;
    if (!open_tiny(&m, "llama.json"))
        return;
    mx_decoder *d = mx_decoder_open(m.path);
    tried t = {0};
    mx_scope scope = mx_scope_open();
    mx_tune_spec spec = {.layers = -1, .rank = 2, .scale = 1};
    if (CHECK(d) && prepare(&t, d, &m, &spec)) {
        for (int i = 0; i < t.tune.params; i++) // no change at first
            if (t.tune.param[i].role == MX_ROLE_B)
                mx_param_set(&t.tune.param[i], mx_zeros_like(t.tune.param[i].value));
        CHECK_EQ_INT(t.lesson.targets, 8 + 3);
        double wanted = (log_loss(d, m.tokens, 9, 0) + log_loss(d, m.tokens + 3, 7, 3)) / (8 + 3);
        CHECK_NEAR(loss_at(&t, 0), wanted, 1e-5);
    }
    mx_scope_close(scope);
    let_go(&t);
    mx_decoder_release(d);
    tiny_close(&m);
}

/* --- what is learned ------------------------------------------------------------------------- */

static void learn(const char *name, const char *kind, double rate, double below) {
    tiny_model m;
    seen s = {0};
    if (!open_tiny(&m, name))
        return;
    mlx_train_options o = quick(150);
    o.fine_tune_type = kind;
    o.learning_rate = rate;
    o.num_layers = -1;
    o.eval_every = 75;
    const char *path = strcmp(kind, "scales") ? m.path : in_words(m.path, 4);
    if (CHECK_MSG(train(path, data_folder("learn", lines, lines, NULL), &o, &s), "%s, %s: %s", name,
                  kind, mlx_last_error_message())) {
        CHECK_EQ_INT(s.losses, 150);
        CHECK_EQ_INT(s.valids, 3);
        CHECK_MSG(s.valid[0] > 3 && s.valid[2] < below, "%s, %s: from %g to %g", name, kind,
                  s.valid[0], s.valid[2]);
    }
    tiny_close(&m);
}

static void texts_are_learned(void) {
    learn("llama.json", "lora", 2e-3, 1.1);
    learn("llama.json", "dora", 2e-3, 1.1);
    learn("llama.json", "full", 2e-3, 1);
    learn("llama.json", "scales", 5e-4, 3.5);
    learn("gemma3.json", "lora", 2e-3, 1.5);
    learn("qwen3_moe.json", "lora", 2e-3, 1.5);
}

static void ways_to_learn(void) {
    static const struct {
        const char *optimizer, *schedule;
        double rate, momentum;
    } all[] = {{"adamw", "cosine_decay", 2e-3, 0},
               {"sgd", "constant", 0.3, 0.9},
               {"lion", "linear_schedule", 3e-3, 0},
               {"muon", "constant", 1e-2, 0.95}};
    tiny_model m;
    if (!open_tiny(&m, "llama.json"))
        return;
    const char *data = data_folder("ways", lines, NULL, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        seen s = {0};
        mlx_train_options o = quick(120);
        o.optimizer = all[i].optimizer;
        o.schedule = all[i].schedule;
        o.learning_rate = all[i].rate;
        o.momentum = all[i].momentum;
        o.weight_decay = 0;
        o.warmup = 3;
        o.clip_norm = 1;
        o.checkpoint = i % 2;
        o.pack = i == 1;
        o.accumulate = i == 2 ? 2 : 1;
        o.dropout = i == 3 ? 0.05 : 0;
        CHECK_MSG(train(m.path, data, &o, &s), "%s: %s", all[i].optimizer,
                  mlx_last_error_message());
        double last = (s.loss[117] + s.loss[118] + s.loss[119]) / 3;
        CHECK_MSG(last < 0.6 * s.loss[0], "%s: from %g to %g", all[i].optimizer, s.loss[0], last);
    }
    tiny_close(&m);
}

/* What an adapter of all matrices has of a module; how many arrays. */
static int trained_of(const char *name, const char *module) {
    tiny_model m;
    int found = 0;
    if (!open_tiny(&m, name))
        return 0;
    const char *adapter = own_path("all_of_it");
    mlx_train_options o = quick(1);
    seen s = {0};
    o.adapter_path = adapter;
    if (CHECK_MSG(train(m.path, data_folder("data", lines, NULL, NULL), &o, &s), "%s",
                  mlx_last_error_message())) {
        mx_map arrays = arrays_of(adapter);
        for (size_t i = 0; i < arrays.count; i++)
            found += strstr(arrays.entry[i].key, module) != NULL;
        mx_free_arrays(&arrays);
    }
    tiny_close(&m);
    return found;
}

/* Those that are matrices to mlx_lm, which changes them unless it is told otherwise; and those that
   are parts of another kind there. */
static void routers(void) {
    static const char *const keys[] = {"mlp.gate"};
    mlx_train_options o = quick(1);
    mlx_train t = mlx_train_new();
    tiny_model m;
    CHECK_EQ_INT(trained_of("mixtral.json", ".block_sparse_moe.gate.lora_"), 2 * 2);
    CHECK_EQ_INT(trained_of("qwen2_moe.json", ".mlp.gate.lora_"), 2 * 2);
    CHECK_EQ_INT(trained_of("qwen2_moe.json", ".mlp.shared_expert_gate.lora_"), 2 * 2);
    CHECK_EQ_INT(trained_of("gpt_oss.json", ".mlp.router.lora_"), 2 * 2);
    CHECK_EQ_INT(trained_of("deepseek_v3.json", ".mlp.gate."), 0);
    if (!open_tiny(&m, "deepseek_v3.json"))
        return;
    o.keys = keys;
    o.key_num = 1;
    CHECK_FAILS(mlx_train_open(&t, m.path, NULL, &o), "no layer has a matrix 'mlp.gate'");
    o.fine_tune_type = "full";
    CHECK_OK(mlx_train_open(&t, m.path, data_folder("data", lines, NULL, NULL), &o));
    mlx_train_free(t);
    tiny_close(&m);
}

/* An adapter's arrays under other names of modules, beside a config that says only what it must. */
static void rename_modules(const char *adapter, const char *from, const char *to) {
    mx_map arrays = arrays_of(adapter), others = {0};
    for (size_t i = 0; i < arrays.count; i++) {
        const char *name = arrays.entry[i].key, *at = strstr(name, from);
        char other[200];
        snprintf(other, sizeof other, "%.*s%s%s", at ? (int)(at - name) : 0, name, at ? to : "",
                 at ? at + strlen(from) : name);
        CHECK(mx_map_set(&others, other, mx_array_retain(arrays.entry[i].value), NULL));
    }
    put_arrays(adapter, &others);
    mx_free_arrays(&arrays);
    mx_free_arrays(&others);
    write_into(adapter, "adapter_config.json",
               "{\"lora_parameters\": {\"rank\": 4, \"scale\": 2}}");
}

/* Modules are called as mlx_lm calls them; what was written under other names is read. */
static void named(const char *name, const char *module, const char *former) {
    tiny_model m;
    mlx_train t = mlx_train_new();
    CHECK_MSG(trained_of(name, module) > 0, "%s has no %s", name, module);
    if (!open_tiny(&m, name))
        return;
    const char *adapter = own_path("all_of_it");
    rename_modules(adapter, module, former);
    mx_decoder *d = mx_decoder_open(m.path), *changed = d ? mx_adapter_open(d, adapter) : NULL;
    CHECK_MSG(changed, "%s", mx_error_message());
    char file[600];
    snprintf(file, sizeof file, "%s/adapters.safetensors", adapter);
    mlx_train_options o = quick(1);
    o.adapter_file = file;
    CHECK_OK(mlx_train_open(&t, m.path, data_folder("data", lines, NULL, NULL), &o));
    mlx_train_free(t);
    mx_decoder_release(changed);
    mx_decoder_release(d);
    tiny_close(&m);
}

static void names(void) {
    const mx_family *f = mx_family_named("dots1");
    mx_place a, b;
    named("gpt2.json", "model.h.0.", "h.0.");
    named("dots1.json", ".mlp.experts.", ".mlp.switch_mlp.");
    CHECK(mx_family_find(f, MX_NAMED_MLX, "model.layers.1.mlp.experts.up_proj.weight", &a) &&
          mx_family_find(f, MX_NAMED_MLX, "model.layers.1.mlp.switch_mlp.up_proj.weight", &b) &&
          a.row == b.row && b.layer == 1 && strcmp(b.part, "weight") == 0);
}

/* --- optimizers ------------------------------------------------------------------------------ */

static double updated(const mx_optim *o, double w, const double *g, int steps) {
    mx_scope scope = mx_scope_open();
    mx_array *value = mx_scalar(w, MX_FLOAT32), *state[2] = {NULL};
    for (int i = 0; i < steps; i++)
        value = mx_optim_update(o, 0.1, i + 1, value, mx_scalar(g[i], MX_FLOAT32), state);
    double x = CHECK(value && mx_eval1(value)) ? *(const float *)(const void *)value->data : NAN;
    mx_scope_close(scope);
    return x;
}

static void optimizers(void) {
    mx_optim o = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .decay = 0.5, .momentum = 0.9};
    double g[] = {2, -1}, m = 0.1 * 2, v = 0.01 * 4, w = 3;
    w -= 0.1 * m / (sqrt(v) + 1e-8);
    m = 0.9 * m - 0.1;
    v = 0.99 * v + 0.01;
    w -= 0.1 * m / (sqrt(v) + 1e-8);
    CHECK_NEAR(updated(&o, 3, g, 2), w, 1e-6);
    o.corrected = true; // the first update is as long as the rate
    CHECK_NEAR(updated(&o, 3, g, 1), 2.9, 1e-6);
    o.kind = MX_ADAMW;
    CHECK_NEAR(updated(&o, 3, g, 1), 3 * 0.95 - 0.1, 1e-6);
    o = (mx_optim){.kind = MX_SGD, .decay = 0.5, .momentum = 0.9};
    w = 3 - 0.1 * (2 + 1.5);
    CHECK_NEAR(updated(&o, 3, g, 1), w, 1e-6);
    CHECK_NEAR(updated(&o, 3, g, 2), w - 0.1 * (0.9 * 3.5 - 1 + 0.5 * w), 1e-6);
    o = (mx_optim){.kind = MX_LION, .beta1 = 0.9, .beta2 = 0.99, .decay = 0.5};
    CHECK_NEAR(updated(&o, 3, g, 1), 3 * 0.95 - 0.1, 1e-6);
    o = (mx_optim){.kind = MX_MUON, .momentum = 0.9};
    CHECK_NEAR(updated(&o, 3, g, 1), 3 - 0.1 * (0.9 * 0.2 + 0.1 * 2), 1e-6);
}

/* Singular values from 0.68 to 1.13 (Jordan 2024), in either form: the mean of their squares. */
static void muon_is_orthogonal(void) {
    mx_optim o = {.kind = MX_MUON};
    mx_scope scope = mx_scope_open();
    for (int turn = 0; turn < 2; turn++) {
        int shape[] = {turn ? 12 : 5, turn ? 5 : 12};
        mx_array *zero = mx_zeros(shape, 2, MX_FLOAT32), *state[2] = {NULL};
        mx_array *g = random_like(zero, 7, 1);
        mx_array *w = mx_optim_update(&o, -1, 1, zero, g, state);
        mx_array *gram = mx_matmul(turn ? mx_transpose(w) : w, turn ? w : mx_transpose(w));
        mx_array *trace = mx_trace(gram, 0, 0, 1, MX_FLOAT32);
        if (!CHECK(trace && mx_eval1(trace)))
            break;
        double mean = *(const float *)(const void *)trace->data / 5 / (turn ? 12.0 / 5 : 1);
        CHECK_MSG(mean > 0.45 && mean < 1.3, "%g", mean);
    }
    mx_scope_close(scope);
}

static void learning_rates(void) {
    mx_rate r = {.kind = MX_RATE_COSINE, .rate = 1, .end = 0.2, .steps = 10};
    CHECK_NEAR(mx_rate_at(&r, 0), 1, 1e-12);
    CHECK_NEAR(mx_rate_at(&r, 5), 0.6, 1e-12);
    CHECK_NEAR(mx_rate_at(&r, 10), 0.2, 1e-12);
    CHECK_NEAR(mx_rate_at(&r, 99), 0.2, 1e-12);
    r.kind = MX_RATE_LINEAR;
    CHECK_NEAR(mx_rate_at(&r, 5), 0.6, 1e-12);
    r.warmup = 4;
    r.warmup_rate = 0.5;
    CHECK_NEAR(mx_rate_at(&r, 0), 0.5, 1e-12);
    CHECK_NEAR(mx_rate_at(&r, 2), 0.75, 1e-12);
    CHECK_NEAR(mx_rate_at(&r, 4), 1, 1e-12);
    CHECK_NEAR(mx_rate_at(&r, 5), 1, 1e-12);
    CHECK_NEAR(mx_rate_at(&r, 10), 0.6, 1e-12);
    r.kind = MX_RATE_CONSTANT;
    CHECK_NEAR(mx_rate_at(&r, 50), 1, 1e-12);
}

/* --- batches --------------------------------------------------------------------------------- */

enum { EXAMPLES = 103 };

static void check_batches(const mx_batches *b, const mx_examples *e, const mx_batch_spec *s) {
    int found[EXAMPLES] = {0};
    for (size_t i = 0; i < b->count; i++) {
        int64_t tokens = 0;
        for (size_t k = b->start[i]; k < b->start[i + 1]; k++) {
            found[b->item[k]]++;
            tokens += e->item[b->item[k]].count;
        }
        size_t n = b->start[i + 1] - b->start[i];
        CHECK(s->tokens ? tokens <= s->tokens || n == 1 : n <= s->size);
    }
    for (int i = 0; i < EXAMPLES; i++)
        CHECK_EQ_INT(found[i], 1);
}

static void batches(void) {
    mx_example item[EXAMPLES];
    mx_examples e = {.item = item, .count = EXAMPLES};
    for (int i = 0; i < EXAMPLES; i++)
        item[i] = (mx_example){0, 2 + i * 37 % 50, 0};
    for (int packed = 0; packed < 2; packed++) {
        mx_batch_spec s = {.size = 4, .tokens = packed ? 120 : 0, .seed = 3};
        mx_batches a, again, other;
        CHECK(mx_batches_make(&a, &e, &s, 1) && mx_batches_make(&again, &e, &s, 1) &&
              mx_batches_make(&other, &e, &s, 2));
        check_batches(&a, &e, &s);
        check_batches(&other, &e, &s);
        CHECK(!memcmp(a.item, again.item, EXAMPLES * sizeof *a.item));
        CHECK(memcmp(a.item, other.item, EXAMPLES * sizeof *a.item));
        mx_batches_free(&a);
        mx_batches_free(&again);
        mx_batches_free(&other);
    }
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(gradients);
    RUN(masked_prompts);
    RUN(texts_are_learned);
    RUN(ways_to_learn);
    RUN(routers);
    RUN(names);
    RUN(optimizers);
    RUN(muon_is_orthogonal);
    RUN(learning_rates);
    RUN(batches);
    files_done();
    return check_done();
}
