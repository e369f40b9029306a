/* mlx bench-lm: how fast a model reads and writes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/limits.h"
#include "lm/lm.h"

enum { MOST_TOKENS = 1 << 20, MOST_TESTS = 64, MOST_REPEATS = 1000, MOST_ERROR = 512 };

/* Read so many tokens, or write; of so many requests at once. */
typedef struct test {
    int64_t prompt, generate, requests;
} test;

/* Keeps the first error. */
static int ignore(const mlx_lm_event *e, void *payload) {
    char *error = payload;
    if (e->finish == MLX_LM_FAILED && !*error)
        snprintf(error, MOST_ERROR, "%s", e->text);
    return 0;
}

/* --- one test -------------------------------------------------------------------------------- */

/* Tokens of which no beginning was there before. */
static void make_tokens(int *ids, int64_t n, int64_t vocabulary, uint64_t *state) {
    for (int64_t i = 0; i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ids[i] = (int)((*state >> 33) % (uint64_t)vocabulary);
    }
}

static int add(cli_call *c, cli_lm *m, const test *t, int *ids, uint64_t *state) {
    int64_t n = t->prompt ? t->prompt : 1, id;
    make_tokens(ids, n, m->info.vocabulary, state);
    mlx_lm_request r = {.tokens = ids,
                        .token_num = (size_t)n,
                        .most = t->generate ? (int)t->generate : -1,
                        .ignore_end = true};
    return mlx_lm_batch_add(&id, m->batch, &r) ? cli_library(c) : CLI_OK;
}

/* *rate: tokens a second of all requests together. */
static int run_once(cli_call *c, cli_lm *m, const test *t, uint64_t *state, double *rate) {
    int *ids = malloc((size_t)(t->prompt + 1) * sizeof *ids);
    char error[MOST_ERROR] = "";
    bool busy = true;
    int status = ids ? CLI_OK : cli_fail(c, "out of memory");
    for (int64_t i = 0; i < t->requests && status == CLI_OK; i++)
        status = add(c, m, t, ids, state);
    double began = cli_seconds();
    while (busy && status == CLI_OK)
        if (mlx_lm_batch_step(&busy, m->batch, ignore, error))
            status = cli_library(c);
    *rate = (double)((t->prompt + t->generate) * t->requests) / (cli_seconds() - began);
    free(ids);
    return status == CLI_OK && *error ? cli_library_said(c, NULL, error) : status;
}

static json_t *row_of(const test *t, const double *rate, int64_t n) {
    char name[64];
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += rate[i];
    for (int64_t i = 0; i < n; i++)
        squares += (rate[i] - sum / (double)n) * (rate[i] - sum / (double)n);
    snprintf(name, sizeof name, "%s%lld", t->prompt ? "pp" : "tg",
             (long long)(t->prompt ? t->prompt : t->generate));
    return json_pack("{s:s, s:I, s:f, s:f, s:I}", "test", name, "requests", (json_int_t)t->requests,
                     "tokens_per_second", sum / (double)n, "deviation",
                     n > 1 ? sqrt(squares / (double)(n - 1)) : 0.0, "repeats", (json_int_t)n);
}

/* The first run, which reads the weights from the disk, does not count. */
static int run_test(cli_call *c, cli_lm *m, const test *t, json_t *rows) {
    static uint64_t state = 1;
    int64_t n = cli_int(c, "repeats", 5);
    double rate[MOST_REPEATS], first;
    test little = {t->prompt ? 16 : 0, t->prompt ? 0 : 2, t->requests};
    int status = run_once(c, m, &little, &state, &first);
    for (int64_t i = 0; i < n && status == CLI_OK; i++)
        status = run_once(c, m, t, &state, &rate[i]);
    if (status == CLI_OK)
        json_array_append_new(rows, row_of(t, rate, n));
    return status;
}

/* --- all tests ------------------------------------------------------------------------------- */

/* Numbers with commas between; 0 leaves the test out. */
static int add_tests(cli_call *c, const char *list, bool prompt, test *tests, int *n) {
    for (const char *at = list; *at;) {
        char *end;
        long long value = strtoll(at, &end, 10);
        if (end == at || value < 0 || (*end && *end != ','))
            return cli_usage(c, "'%s' is no list of numbers of tokens", list);
        if (value > MOST_TOKENS)
            return cli_usage(c, "%.*s tokens are too many: %d is the limit", (int)(end - at), at,
                             MOST_TOKENS);
        if (value && *n < MOST_TESTS)
            tests[(*n)++] =
                (test){prompt ? value : 0, prompt ? 0 : value, cli_int(c, "requests", 1)};
        at = *end ? end + 1 : end;
    }
    return CLI_OK;
}

static void add_about(json_t *rows, const cli_lm *m) {
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        json_object_set_new(row, "model", cli_json_text(m->info.name));
        json_object_set_new(row, "bytes", json_integer((json_int_t)m->info.bytes));
        json_object_set_new(row, "parameters", json_integer((json_int_t)m->info.parameters));
        json_object_set_new(row, "threads", json_integer(cli_threads()));
    }
}

/* llama-bench's table is Markdown, which pastes well. */
static void show(cli_call *c, const json_t *doc) {
    json_t *row;
    size_t i;
    (void)c;
    cli_print("| model | size | params | threads | test | t/s |\n|---|---:|---:|---:|---:|---:|\n");
    json_array_foreach(json_object_get(doc, "tests"), i, row) {
        double bytes = json_number_value(json_object_get(row, "bytes"));
        double parameters = json_number_value(json_object_get(row, "parameters"));
        long long requests = json_integer_value(json_object_get(row, "requests"));
        cli_print("| %s | %.2f MiB | %.2f M | %d | %s",
                  json_string_value(json_object_get(row, "model")), bytes / (1 << 20),
                  parameters / 1e6, (int)json_integer_value(json_object_get(row, "threads")),
                  json_string_value(json_object_get(row, "test")));
        if (requests > 1)
            cli_print(" x %lld", requests);
        cli_print(" | %.2f ± %.2f |\n",
                  json_number_value(json_object_get(row, "tokens_per_second")),
                  json_number_value(json_object_get(row, "deviation")));
    }
}

static int run_all(cli_call *c, cli_lm *m) {
    test tests[MOST_TESTS];
    int n = 0, status = add_tests(c, cli_text(c, "prompt", "512"), true, tests, &n);
    if (status == CLI_OK)
        status = add_tests(c, cli_text(c, "generate", "128"), false, tests, &n);
    if (status == CLI_OK && n == 0)
        status = cli_usage(c, "-p 0 and -n 0 leave nothing to measure");
    json_t *rows = json_array();
    for (int i = 0; i < n && status == CLI_OK; i++)
        status = run_test(c, m, &tests[i], rows);
    if (status != CLI_OK) {
        json_decref(rows);
        return status;
    }
    add_about(rows, m);
    return cli_show(
        c, json_pack("{s:o, s:I}", "tests", rows, "memory_bytes", (json_int_t)cli_lm_memory()),
        show);
}

static int run(cli_call *c) {
    cli_lm m;
    int status = cli_lm_open(c, &m);
    if (status == CLI_OK)
        status =
            cli_lm_begin(c, &m, (mlx_lm_batch_options){.requests = (int)cli_int(c, "requests", 1)});
    if (status == CLI_OK)
        status = run_all(c, &m);
    cli_lm_close(&m);
    return status;
}

static const cli_option options[] = {CLI_LM_MODEL,
                                     {.name = "prompt",
                                      .letter = 'p',
                                      .kind = CLI_TEXT,
                                      .value = "N,...",
                                      .help = "tokens of prompts that are read (512)"},
                                     {.name = "generate",
                                      .letter = 'n',
                                      .kind = CLI_TEXT,
                                      .value = "N,...",
                                      .help = "tokens that are generated (128)"},
                                     {.name = "repeats",
                                      .letter = 'r',
                                      .kind = CLI_INT,
                                      .value = "N",
                                      .help = "of each test (5)",
                                      .least = 1,
                                      .most = MOST_REPEATS},
                                     {.name = "requests",
                                      .letter = 'b',
                                      .kind = CLI_INT,
                                      .value = "N",
                                      .help = "at once (1); rates are those of all together",
                                      .least = 1,
                                      .most = 4096},
                                     CLI_LM_CACHE,
                                     {0}};

static const cli_example examples[] = {
    {"mlx bench-lm -m model.gguf", "512 tokens read, 128 generated"},
    {"mlx bench-lm -m model.gguf -p 0 -n 128 -b 8", "eight answers at once"},
    {0}};

const cli_command cli_bench_lm = {
    .name = "bench-lm",
    .summary = "measure how fast a language model reads and writes",
    .arguments = "[MODEL]",
    .most = 1,
    .takes = CLI_TAKES_FILES,
    .text =
        "As llama-bench: pp512 is a prompt of 512 tokens, drawn at random, tg128 are 128 tokens "
        "generated one after the other behind one; tokens a second, mean and standard deviation "
        "of the repeats, behind one short run that does not count. MLX_NUM_THREADS sets the "
        "threads.",
    .options = options,
    .examples = examples,
    .run = run};
