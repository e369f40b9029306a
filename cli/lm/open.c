#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lm/lm.h"

enum { MOST_BIASES = 1024 };

static bool has(const cli_call *c, const char *name) {
    for (const cli_option *o = c->command->options; o && o->name; o++)
        if (!strcmp(o->name, name))
            return true;
    return false;
}

static int open_one(cli_call *c, mlx_lm *lm, char **path, const char *argument,
                    const char *adapter) {
    mlx_lm_options o = {.adapter = adapter};
    int status = cli_find(c, path, argument);
    return status ? status : mlx_lm_open(lm, *path, &o) ? cli_library(c) : CLI_OK;
}

/* -m MODEL, or the argument of a command that has no others. NULL: neither. */
static const char *model_of(const cli_call *c) {
    const char *arguments = c->command->arguments;
    bool has_argument = c->count == 1 && arguments && strcmp(arguments, "[MODEL]") == 0;
    return cli_text(c, "model", has_argument ? c->args[0] : NULL);
}

int cli_lm_open(cli_call *c, cli_lm *m) {
    const char *model = model_of(c);
    memset(m, 0, sizeof *m);
    if (!model)
        return cli_usage(c, "-m MODEL says which model");
    if (c->count == 1 && model != c->args[0] && strcmp(c->command->arguments, "[MODEL]") == 0)
        return cli_usage(c, "the model is '%s' by -m and '%s' by the argument", model, c->args[0]);
    int status = open_one(c, &m->lm, &m->path, model,
                          has(c, "adapter-path") ? cli_text(c, "adapter-path", NULL) : NULL);
    if (status)
        return status;
    return mlx_lm_about(&m->info, m->lm) || mlx_lm_tokenizer(&m->tokenizer, m->lm) ? cli_library(c)
                                                                                   : CLI_OK;
}

static int open_draft(cli_call *c, cli_lm *m) {
    char *path = NULL;
    const char *draft = has(c, "draft") ? cli_text(c, "draft", NULL) : NULL;
    int status = draft ? open_one(c, &m->draft, &path, draft, NULL) : CLI_OK;
    free(path);
    return status;
}

int cli_lm_begin(cli_call *c, cli_lm *m, mlx_lm_batch_options o) {
    int status = open_draft(c, m);
    if (status)
        return status;
    if (has(c, "max-kv")) {
        o.context = (int)cli_int(c, "context", o.context);
        o.chunk = (int)cli_int(c, "chunk", o.chunk);
        o.kv_bytes = cli_bytes(c, "max-kv", 0);
        o.kv_bits = atoi(cli_text(c, "kv-bits", "0"));
    }
    if (has(c, "lookup")) {
        o.lookup = (int)cli_int(c, "lookup", 0);
        o.draft_tokens = (int)cli_int(c, "draft-tokens", 0);
        o.heads = (int)cli_int(c, "heads", 0);
    }
    o.draft = m->draft;
    return mlx_lm_batch_open(&m->batch, m->lm, &o) ? cli_library(c) : CLI_OK;
}

void cli_lm_close(cli_lm *m) {
    mlx_lm_batch_free(m->batch);
    mlx_lm_free(m->draft);
    mlx_tokenizer_free(m->tokenizer);
    mlx_lm_free(m->lm);
    free(m->path);
}

/* "TOKEN=X" */
static bool take_bias(const char *text, int *token, float *bias) {
    char *end;
    long id = strtol(text, &end, 10);
    if (end == text || *end != '=' || id < 0 || id > INT_MAX)
        return false;
    const char *number = end + 1;
    *token = (int)id;
    *bias = strtof(number, &end);
    return end != number && !*end && *bias == *bias;
}

static int take_biases(cli_call *c, mlx_sampler_options *o) {
    static int tokens[MOST_BIASES];
    static float biases[MOST_BIASES];
    size_t n = 0;
    const char *const *texts = cli_texts(c, "logit-bias", &n);
    if (n > MOST_BIASES)
        return cli_usage(c, "--logit-bias: %d at most", MOST_BIASES);
    for (size_t i = 0; i < n; i++) {
        if (!take_bias(texts[i], &tokens[i], &biases[i]))
            return cli_usage(c, "--logit-bias: '%s' is no TOKEN=NUMBER", texts[i]);
        for (size_t k = 0; k < i; k++)
            if (tokens[k] == tokens[i])
                return cli_usage(c, "--logit-bias: token %d is given twice", tokens[i]);
    }
    o->bias_tokens = tokens;
    o->bias = biases;
    o->bias_count = n;
    return CLI_OK;
}

/* At temperature 0 the likeliest token is what is picked, and these keep it the likeliest. */
static int check_drawn(cli_call *c, const mlx_sampler_options *o) {
    static const char *const drawn[] = {"top-k", "top-p", "min-p", "mirostat", "seed"};
    bool given = cli_text(c, "temperature", NULL),
         changes = o->xtc_probability > 0 || (o->typical_p > 0 && o->typical_p < 1);
    for (size_t i = 0; i < 5 && o->temperature == 0 && !changes; i++)
        if (cli_text(c, drawn[i], NULL))
            return cli_usage(c, "--%s has no effect at temperature 0%s", drawn[i],
                             given ? "" : ", which it is without -t");
    return CLI_OK;
}

/* A share of 0 is the least there is, one token; in the library's options it would leave the step
   out, as where none is given. */
static double share(cli_call *c, const char *name, double usual) {
    double given = cli_real(c, name, usual);
    return given == 0 && cli_text(c, name, NULL) ? 1e-300 : given;
}

int cli_lm_sampling(cli_call *c, mlx_sampler_options usual, mlx_sampler_options *o) {
    *o = (mlx_sampler_options){
        .temperature = cli_real(c, "temperature", usual.temperature),
        .top_k = (int)cli_int(c, "top-k", usual.top_k),
        .top_p = share(c, "top-p", usual.top_p),
        .min_p = cli_real(c, "min-p", usual.min_p),
        .typical_p = share(c, "typical-p", 0),
        .xtc_probability = cli_real(c, "xtc-probability", 0),
        .xtc_threshold = cli_real(c, "xtc-threshold", 0),
        .repetition_penalty = cli_real(c, "repetition-penalty", usual.repetition_penalty),
        .presence_penalty = cli_real(c, "presence-penalty", 0),
        .frequency_penalty = cli_real(c, "frequency-penalty", 0),
        .penalty_last = (int)cli_int(c, "penalty-last", 0),
        .dry_multiplier = cli_real(c, "dry", 0),
        .mirostat_tau = cli_real(c, "mirostat", 0),
        .dry_base = cli_real(c, "dry-base", 0),
        .dry_allowed = (int)cli_int(c, "dry-allowed", 0),
        .dry_last = (int)cli_int(c, "dry-last", 0),
        .seed = cli_seed(c, "seed", 0),
    };
    int status = check_drawn(c, o);
    if (status == CLI_OK && o->xtc_threshold == 0 && cli_text(c, "xtc-threshold", NULL))
        status = cli_usage(c, "--xtc-threshold is above 0");
    return status ? status : take_biases(c, o);
}
