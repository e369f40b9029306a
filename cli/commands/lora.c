/* mlx lora: fine-tuning. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/train.h"

/* --- while it goes on ------------------------------------------------------------------------ */

typedef struct watch {
    cli_call *c;
    json_t *reports, *validations, *notes;
    int64_t iteration;
    const char *adapter; /* the folder that --adapter-path says */
} watch;

static void say_report(const mlx_train_event *e) {
    cli_print("Iter %lld: Train loss %.4f, Learning Rate %.3e, It/sec %.3f, Tokens/sec %.1f, "
              "Trained Tokens %lld, Peak mem %.3f GB\n",
              (long long)e->iteration, e->loss, e->learning_rate, e->iterations_per_second,
              e->tokens_per_second, (long long)e->tokens, (double)e->peak_bytes / 1e9);
}

static void add_report(watch *w, const mlx_train_event *e) {
    json_t *row =
        json_pack("{s:I, s:f, s:f, s:f, s:f, s:I, s:I}", "iteration", (json_int_t)e->iteration,
                  "loss", e->loss, "learning_rate", e->learning_rate, "iterations_per_second",
                  e->iterations_per_second, "tokens_per_second", e->tokens_per_second, "tokens",
                  (json_int_t)e->tokens, "peak_bytes", (json_int_t)e->peak_bytes);
    json_array_append_new(w->reports, row);
}

static void validated(watch *w, const mlx_train_event *e, bool shows) {
    json_array_append_new(w->validations,
                          json_pack("{s:I, s:f, s:f}", "iteration", (json_int_t)e->iteration,
                                    "loss", e->loss, "seconds", e->seconds));
    if (shows)
        cli_print("Iter %lld: Val loss %.4f, Val took %.3fs\n", (long long)e->iteration, e->loss,
                  e->seconds);
}

static int take(const mlx_train_event *e, void *payload) {
    watch *w = payload;
    bool shows = !w->c->json && !w->c->quiet;
    w->iteration = e->iteration;
    if (e->kind == MLX_TRAIN_REPORT)
        add_report(w, e);
    if (e->kind == MLX_TRAIN_REPORT && shows)
        say_report(e);
    if (e->kind == MLX_TRAIN_EVALUATED)
        validated(w, e, shows);
    if (e->kind == MLX_TRAIN_SAVED && shows)
        cli_print("Iter %lld: Saved to %s\n", (long long)e->iteration, e->text);
    if (e->kind == MLX_TRAIN_NOTE) {
        json_array_append_new(w->notes, cli_json_text(e->text));
        cli_note(w->c, "%s", e->text);
    }
    cli_flush();
    return cli_interrupted();
}

/* --- what was done --------------------------------------------------------------------------- */

static json_t *document(const cli_train *t, const watch *w, const mlx_train_info *info) {
    return json_pack("{s:o, s:s?, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:O}", "model",
                     cli_json_text(t->model), "adapter", w->adapter, "iterations",
                     (json_int_t)info->iteration, "trained_parameters", (json_int_t)info->trained,
                     "parameters", (json_int_t)info->parameters, "layers", (json_int_t)info->layers,
                     "examples", (json_int_t)info->train, "reports", w->reports, "validations",
                     w->validations, "notes", w->notes);
}

static void show(cli_call *c, const json_t *doc) {
    json_t *test = json_object_get(doc, "test_loss");
    (void)c;
    if (test)
        cli_print("Test loss %.4f, Test ppl %.3f.\n", json_number_value(test),
                  exp(json_number_value(test)));
}

static void say_beginning(const cli_call *c, const mlx_train_info *info) {
    if (c->json || c->quiet)
        return;
    cli_print("Trainable parameters: %.3f%% (%.3fM/%.3fM)\n",
              100.0 * (double)info->trained / (double)info->parameters, (double)info->trained / 1e6,
              (double)info->parameters / 1e6);
    cli_flush();
}

/* --- training -------------------------------------------------------------------------------- */

/* Control-C lets the iteration end, and what was learned is saved. */
static int train(cli_call *c, mlx_train training, watch *w) {
    bool stopped = false;
    mlx_set_interrupt_check(NULL, NULL);
    mlx_set_interrupt_check_within(NULL, NULL);
    if (mlx_train_run(&stopped, training, take, w))
        return cli_library(c);
    if (!stopped)
        return CLI_OK;
    cli_fail(c, "stopped after iteration %lld; --resume goes on from there",
             (long long)w->iteration);
    return CLI_INTERRUPTED;
}

/* Without training the adapter is what is tested. */
static int prepare(cli_call *c, cli_train *t, char *file, size_t room) {
    if (t->train || t->options.adapter_file || !t->options.adapter_path)
        return CLI_OK;
    int n = snprintf(file, room, "%s/adapters.safetensors", t->options.adapter_path);
    if (n < 0 || (size_t)n >= room)
        return cli_fail(c, "the adapter's path is too long");
    t->options.adapter_file = file;
    t->options.adapter_path = NULL;
    return CLI_OK;
}

static int work(cli_call *c, cli_train *t, mlx_train training, watch *w) {
    mlx_train_info info;
    double loss = NAN;
    if (mlx_train_about(&info, training))
        return cli_library(c);
    say_beginning(c, &info);
    int status = t->train ? train(c, training, w) : CLI_OK;
    if (status == CLI_OK && t->test && mlx_train_test(&loss, training, take, w))
        status = cli_library(c);
    if (status != CLI_OK || mlx_train_about(&info, training))
        return status ? status : cli_library(c);
    json_t *doc = document(t, w, &info);
    if (doc && t->test)
        json_object_set_new(doc, "test_loss", cli_json_real(loss));
    return cli_show(c, doc, show);
}

static int open_and_work(cli_call *c, cli_train *t, watch *w) {
    char *path = NULL, file[4096];
    mlx_train training = mlx_train_new();
    w->adapter = t->options.adapter_path;
    int status = prepare(c, t, file, sizeof file);
    status = status ? status : cli_find(c, &path, t->model);
    if (status == CLI_OK && mlx_train_open(&training, path, t->data, &t->options))
        status = cli_library(c);
    if (status == CLI_OK)
        status = work(c, t, training, w);
    mlx_train_free(training);
    free(path);
    return status;
}

static int run(cli_call *c) {
    cli_train t;
    watch w = {c, json_array(), json_array(), json_array(), 0, NULL};
    int status = cli_train_read(c, &t);
    if (status == CLI_OK && !t.model)
        status = cli_usage(c, "-m MODEL says which model");
    if (status == CLI_OK && !t.train && !t.test)
        status = cli_usage(c, "--train, --test or both say what is to be done");
    if (status == CLI_OK)
        status = open_and_work(c, &t, &w);
    json_decref(w.reports);
    json_decref(w.validations);
    json_decref(w.notes);
    cli_train_close(&t);
    return status;
}

/* --- the command ----------------------------------------------------------------------------- */

#define NEEDING(other, n, k, v, low, high, text) \
    {.name = n, .kind = k, .value = v, .help = text, .least = low, .most = high, .needs = other}
#define NUMBER(n, k, v, low, high, text) NEEDING(NULL, n, k, v, low, high, text)
/* Of learning: -c FILE may ask for it, too. */
#define LEARN                            "train|config"
#define LEARN_COUNT(n, low, text)        NEEDING(LEARN, n, CLI_INT, "N", low, 1 << 30, text)
#define LEARN_REAL(n, text)              NEEDING(LEARN, n, CLI_REAL, "X", 0, 1e6, text)
#define LEARN_FLAG(n, text)              {.name = n, .kind = CLI_FLAG, .help = text, .needs = LEARN}
#define LEARN_CHOICE(n, words, text) \
    {.name = n, .kind = CLI_CHOICE, .value = words, .help = text, .needs = LEARN}
#define COUNT(n, low, text)    NUMBER(n, CLI_INT, "N", low, 1 << 30, text)
#define REAL(n, text)          NUMBER(n, CLI_REAL, "X", 0, 1e6, text)
#define CHOICE(n, words, text) {.name = n, .kind = CLI_CHOICE, .value = words, .help = text}
#define FLAG(n, text)          {.name = n, .kind = CLI_FLAG, .help = text}
#define PATH(n, text)          {.name = n, .kind = CLI_FILE, .value = "PATH", .help = text}

static const cli_option options[] = {
    {.name = "model",
     .letter = 'm',
     .kind = CLI_FILE,
     .value = "MODEL",
     .help = "a GGUF file, a folder, or a model of the hub's cache"},
    FLAG("train", "learn train.jsonl"),
    FLAG("test", "say the loss of test.jsonl, of what was learned or of --adapter-path"),
    PATH("data", "the folder of train.jsonl, valid.jsonl, test.jsonl (data)"),
    PATH("adapter-path", "the folder for what is learned (adapters)"),
    LEARN_FLAG("resume", "go on from the state in --adapter-path"),
    {.name = "resume-adapter-file",
     .kind = CLI_FILE,
     .value = "PATH",
     .help = "begin with the weights of an adapters.safetensors",
     .beside = "resume"},
    {.name = "config",
     .letter = 'c',
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "JSON or YAML of options"},
    CHOICE("fine-tune-type", "lora|dora|full|scales",
           "low-rank changes, whole layers, or scales of quantized weights (lora)"),
    COUNT("num-layers", -1, "the last N layers, -1: all (16)"),
    COUNT("rank", 1, "of low-rank changes (8)"),
    NUMBER("scale", CLI_REAL, "X", -1e6, 1e6, "of them (20)"),
    NUMBER("dropout", CLI_REAL, "P", 0, 1, "of what goes into them (0)"),
    {.name = "key",
     .kind = CLI_TEXTS,
     .value = "NAME",
     .help = "a matrix to change, self_attn.q_proj; several times (all)"},
    LEARN_COUNT("iters", 1, "iterations (1000)"),
    COUNT("batch-size", 1, "examples of an iteration (4)"),
    LEARN_COUNT("grad-accumulation-steps", 1, "iterations of one update (1)"),
    COUNT("max-seq-length", 2, "tokens of an example (2048)"),
    FLAG("mask-prompt", "learn the last answer alone"),
    FLAG("pack", "as many examples in a batch as have its tokens"),
    LEARN_FLAG("grad-checkpoint", "compute layers twice, for less memory"),
    LEARN_CHOICE("optimizer", "adam|adamw|sgd|lion|muon", "(adam)"),
    LEARN_REAL("learning-rate", "(1e-5)"),
    LEARN_CHOICE("lr-schedule", "constant|cosine_decay|linear_schedule",
                 "of the learning rate (constant)"),
    NEEDING("lr-schedule|config", "lr-end", CLI_REAL, "X", 0, 1e6, "where it ends (0)"),
    NEEDING("lr-schedule|config", "lr-steps", CLI_INT, "N", 0, 1 << 30, "updates until then (all)"),
    LEARN_COUNT("warmup", 0, "updates in which it rises (0)"),
    NEEDING("warmup|config", "warmup-init", CLI_REAL, "X", 0, 1e6, "from here (0)"),
    LEARN_REAL("weight-decay", "of adamw, sgd, lion, muon (0.01)"),
    NEEDING(LEARN, "momentum", CLI_REAL, "X", 0, 1, "of sgd, muon (0.95)"),
    LEARN_FLAG("bias-correction", "of adam, adamw"),
    LEARN_REAL("clip-norm", "the most length of all gradients (any)"),
    LEARN_COUNT("val-batches", -1, "of valid.jsonl, -1: all (25)"),
    NEEDING("test|config", "test-batches", CLI_INT, "N", -1, 1 << 30,
            "of test.jsonl, -1: all (500)"),
    LEARN_COUNT("steps-per-report", 1, "iterations between lines (10)"),
    LEARN_COUNT("steps-per-eval", 1, "iterations between losses of valid.jsonl (200)"),
    LEARN_COUNT("save-every", 1, "iterations between checkpoints (100)"),
    NUMBER("seed", CLI_SEED, "N", 0, 0, "of what is drawn (0)"),
    {0}};

static const cli_example examples[] = {
    {"mlx lora -m model --train --data data --iters 600", "learn the texts of data/train.jsonl"},
    {"mlx lora -m model --train --data data --iters 600 --resume", "go on after a stop"},
    {"mlx lora -m model --test --data data", "how well the adapter does"},
    {"mlx generate -m model --adapter-path adapters -p Hello", "what it says now"},
    {0}};

const cli_command cli_lora = {
    .name = "lora",
    .summary = "fine-tune a language model",
    .arguments = NULL,
    .takes = CLI_TAKES_NOTHING,
    .text =
        "Learns changes of a model's matrices from lines of JSON: {\"text\": ..}, {\"prompt\": .., "
        "\"completion\": ..} or {\"messages\": [..]}. Names and files are those of "
        "mlx_lm.lora.\n\n"
        "Control-C ends the iteration, saves, and ends; --resume learns on as if nothing had "
        "happened, also after a kill.",
    .options = options,
    .examples = examples,
    .run = run};
