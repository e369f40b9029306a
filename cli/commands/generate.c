/* mlx generate: go on with a text, or answer it. */
#include <stdlib.h>
#include <string.h>

#include "lm/lm.h"

/* --- the prompt ---------------------------------------------------------------------- */

/* What -p or the file has; for free. NULL: the reason was said. */
static char *take_prompt(cli_call *c, size_t *n) {
    const char *text = cli_text(c, "prompt", NULL), *path = cli_text(c, "file", NULL);
    if (text && strcmp(text, "-") != 0) {
        *n = strlen(text);
        return strdup(text);
    }
    return cli_take_file(c, path && !text ? path : "-", n);
}

/* --- what is shown ------------------------------------------------------------------- */

/* The text was shown as it came. */
static void show(cli_call *c, const json_t *doc) {
    (void)c, (void)doc;
    cli_print("\n");
}

static json_t *document(const cli_lm_answer *a) {
    json_t *doc = cli_lm_numbers(a);
    if (doc)
        json_object_set_new(doc, "text", cli_json_said(a->text, a->text_num));
    return doc;
}

static int answer(cli_call *c, cli_lm *m, mlx_lm_request r) {
    cli_lm_answer a = {.silent = c->json};
    int status = cli_lm_run(c, m, r, &a);
    if (status == CLI_OK)
        status = cli_show(c, document(&a), show);
    if (status == CLI_OK)
        cli_lm_summary(c, &a);
    free(a.text);
    return status == CLI_OK && a.interrupted ? CLI_INTERRUPTED : status;
}

/* --- questions -------------------------------------------------------------------------- */

/* The prompt as a message to the model, which its template makes tokens of. */
static int make_question(cli_call *c, cli_lm *m, mlx_lm_request *r, mlx_tokens *prompt) {
    const char *system = cli_text(c, "system", NULL);
    json_t *messages = json_array();
    if (system)
        json_array_append_new(messages, json_pack("{s:s, s:o}", "role", "system", "content",
                                                  cli_json_text(system)));
    json_array_append_new(messages, json_pack("{s:s, s:o}", "role", "user", "content",
                                              cli_json_said(r->text, r->text_num)));
    int status = cli_lm_prompt(c, m, messages, prompt);
    if (status == CLI_OK && mlx_tokens_data(&r->tokens, &r->token_num, *prompt))
        status = cli_library(c);
    r->text = NULL;
    json_decref(messages);
    return status;
}

static int ask(cli_call *c, cli_lm *m, mlx_lm_request r) {
    mlx_tokens prompt = mlx_tokens_new();
    bool has = false;
    int status = cli_flag(c, "raw") ? CLI_OK : cli_lm_has_template(c, m, &has);
    if (status == CLI_OK && has)
        status = make_question(c, m, &r, &prompt);
    if (status == CLI_OK && !has && cli_text(c, "system", NULL))
        status = cli_usage(c, "--system needs a chat template");
    if (status == CLI_OK)
        status = answer(c, m, r);
    mlx_tokens_free(prompt);
    return status;
}

/* --- the command --------------------------------------------------------------------- */

static int run_prompt(cli_call *c, cli_lm *m) {
    mlx_sampler_options sampling;
    mlx_lm_request r = {.most = cli_flag(c, "no-answer") ? -1 : (int)cli_int(c, "tokens", 0),
                        .sampling = &sampling,
                        .ignore_end = cli_flag(c, "ignore-end"),
                        .load_cache = cli_text(c, "load-cache", NULL),
                        .save_cache = cli_text(c, "save-cache", NULL),
                        .stop = cli_texts(c, "stop", &r.stop_num)};
    int status = cli_lm_sampling(c, (mlx_sampler_options){0}, &sampling);
    if (status == CLI_OK)
        status = cli_lm_structure(c, &r.structure);
    char *text = status == CLI_OK ? take_prompt(c, &r.text_num) : NULL;
    r.text = text;
    if (status == CLI_OK)
        status = text ? ask(c, m, r) : CLI_FAILED;
    mlx_structure_free(r.structure);
    free(text);
    return status;
}

/* What a prompt is read with. */
static const char reading[] = "model|adapter-path|prompt|file|raw|system|save-cache|load-cache|"
                              "shift|context|max-kv|kv-bits|chunk|json|quiet|color";

static int run(cli_call *c) {
    cli_lm m = {0};
    if (cli_text(c, "prompt", NULL) && cli_text(c, "file", NULL))
        return cli_usage(c, "--prompt and --file are two prompts");
    int status = cli_flag(c, "no-answer") ? cli_check_only(c, "no-answer", reading) : CLI_OK;
    if (status == CLI_OK)
        status = cli_lm_open(c, &m);
    if (status == CLI_OK)
        status = cli_lm_begin(c, &m, (mlx_lm_batch_options){.shift = cli_flag(c, "shift")});
    if (status == CLI_OK)
        status = run_prompt(c, &m);
    cli_lm_close(&m);
    return status;
}

static const cli_option options[] = {
    CLI_LM_MODEL,
    CLI_LM_ADAPTER,
    {.name = "prompt",
     .letter = 'p',
     .kind = CLI_TEXT,
     .value = "TEXT",
     .help = "the prompt; - is stdin, as where there is none"},
    {.name = "file", .letter = 'f', .kind = CLI_FILE, .value = "FILE", .help = "a file with it"},
    {.name = "raw", .help = "go on with the prompt, without the model's chat template"},
    {.name = "system",
     .kind = CLI_TEXT,
     .value = "TEXT",
     .help = "what the model is told first",
     .beside = "raw"},
    CLI_LM_TOKENS,
    {.name = "stop",
     .kind = CLI_TEXTS,
     .value = "TEXT",
     .help = "ends the answer before this text; may be given several times"},
    {.name = "ignore-end",
     .help = "go on where the model would end",
     .beside = "schema|regex|grammar|choice"},
    CLI_LM_FILES,
    {.name = "no-answer", .help = "the prompt is read alone, as for --save-cache"},
    {.name = "shift", .help = "beyond the context forget the oldest half of the text"},
    CLI_LM_STRUCTURE,
    CLI_LM_SAMPLING,
    CLI_LM_CACHE,
    CLI_LM_GUESSES,
    {0}};

static const cli_example examples[] = {
    {"mlx generate -m model.gguf -p \"What is the capital of France?\"", "ask a model"},
    {"mlx generate -m org/model -p \"Once upon a time\" --raw -t 0.8 --seed 1",
     "go on with a text"},
    {"mlx generate -m model.gguf -p \"Anna, 31\" --regex '[0-9]+'", "numbers and nothing else"},
    {"mlx generate -m model.gguf -f book.txt --raw --no-answer --save-cache book.kv",
     "read a long text once; --load-cache book.kv goes on from there"},
    {"git diff | mlx generate -m model.gguf -p - -n 200", "a prompt from stdin"},
    {0}};

const cli_command cli_generate = {
    .name = "generate",
    .summary = "let a language model answer a prompt",
    .arguments = "[MODEL]",
    .most = 1,
    .takes = CLI_TAKES_FILES,
    .text = "A model with a chat template is asked, any other goes on with the text. The answer is "
            "printed as it comes; a line about it goes to stderr.",
    .options = options,
    .examples = examples,
    .run = run};
