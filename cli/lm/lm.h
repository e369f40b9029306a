/* Language models as commands use them.
 *
 *     cli_lm_open      the model of -m, and a batch
 *     cli_lm_sampling  options of sampling, which several commands take
 *     cli_lm_run       one request to its end, its text shown as it comes
 */
#ifndef CLI_LM_H
#define CLI_LM_H

#include "model/model.h"

typedef struct cli_lm {
    mlx_lm lm;
    mlx_lm_batch batch;
    mlx_lm draft;
    mlx_lm_info info;
    mlx_tokenizer tokenizer;
    char *path;
} cli_lm;

/* CLI_OK, or what the command returns, after the reason was said. cli_lm_close in any case. */
int cli_lm_open(cli_call *c, cli_lm *m);
/* Its batch; options besides those of the command line may be set in *o. */
int cli_lm_begin(cli_call *c, cli_lm *m, mlx_lm_batch_options o);
void cli_lm_close(cli_lm *m);

/* --- options --------------------------------------------------------------------------------- */

#define CLI_LM_MODEL   \
    {.name = "model",  \
     .letter = 'm',    \
     .kind = CLI_FILE, \
     .value = "MODEL", \
     .help = "a GGUF file, a folder, or a model of the hub's cache"}

#define CLI_LM_ADAPTER       \
    {.name = "adapter-path", \
     .kind = CLI_FILE,       \
     .value = "FOLDER",      \
     .help = "a change of the model, as mlx lora makes it"}

#define CLI_LM_NUMBER(n, k, v, low, high, text) \
    {.name = n, .kind = k, .value = v, .help = text, .least = low, .most = high}
#define CLI_LM_OF(other, n, k, v, low, high, text) \
    {.name = n, .kind = k, .value = v, .help = text, .least = low, .most = high, .needs = other}

/* Of what mlx_sampler_options has. */
#define CLI_LM_SAMPLING                                                                            \
    {.name = "temperature",                                                                        \
     .letter = 't',                                                                                \
     .kind = CLI_REAL,                                                                             \
     .value = "T",                                                                                 \
     .help = "0: the likeliest token",                                                             \
     .least = 0,                                                                                   \
     .most = 1e6},                                                                                 \
        CLI_LM_NUMBER("top-k", CLI_INT, "K", 0, 1 << 30, "of the K likeliest tokens (0: of all)"), \
        CLI_LM_NUMBER("top-p", CLI_REAL, "P", 0, 1,                                                \
                      "of the likeliest that have P together (0: of one)"),                        \
        CLI_LM_NUMBER("min-p", CLI_REAL, "P", 0, 1, "of those that have P times the largest"),     \
        CLI_LM_NUMBER("typical-p", CLI_REAL, "P", 0, 1,                                            \
                      "of those nearest to the entropy (0: of one)"),                              \
        CLI_LM_NUMBER("xtc-probability", CLI_REAL, "P", 0, 1,                                      \
                      "so often only the least likely of "                                         \
                      "those above the threshold"),                                                \
        CLI_LM_OF("xtc-probability", "xtc-threshold", CLI_REAL, "P", 0, 1,                         \
                  "of --xtc-probability (0.1)"),                                                   \
        CLI_LM_NUMBER("repetition-penalty", CLI_REAL, "X", 0.01, 100,                              \
                      "divides logits of what was "                                                \
                      "said (1: as they are)"),                                                    \
        CLI_LM_NUMBER("presence-penalty", CLI_REAL, "X", -1e6, 1e6,                                \
                      "subtracted once for what "                                                  \
                      "was generated"),                                                            \
        CLI_LM_NUMBER("frequency-penalty", CLI_REAL, "X", -1e6, 1e6, "and for each time"),         \
        CLI_LM_OF("repetition-penalty|presence-penalty|frequency-penalty", "penalty-last",         \
                  CLI_INT, "N", 0, 1 << 30, "tokens that penalties look at"),                      \
        CLI_LM_NUMBER("dry", CLI_REAL, "X", 0, 1e6,                                                \
                      "multiplier of the penalty of repeated "                                     \
                      "sequences"),                                                                \
        CLI_LM_OF("dry", "dry-base", CLI_REAL, "X", 1, 1e6, "it grows by X a token (1.75)"),       \
        CLI_LM_OF("dry", "dry-allowed", CLI_INT, "N", 0, 1 << 30, "up to N repeated tokens (2)"),  \
        CLI_LM_OF("dry", "dry-last", CLI_INT, "N", 0, 1 << 30, "tokens that it looks at (all)"),   \
        {.name = "logit-bias",                                                                     \
         .kind = CLI_TEXTS,                                                                        \
         .value = "TOKEN=X",                                                                       \
         .help = "X is added to a token's logit (-inf: never); given several times"},              \
        CLI_LM_NUMBER("mirostat", CLI_REAL, "BITS", 0, 1e6, "the surprise aimed at"),              \
        CLI_LM_NUMBER("seed", CLI_SEED, "N", 0, 0, "of the draws (0)")

/* Of what mlx_lm_batch_options has. */
#define CLI_LM_CACHE                                                      \
    {.name = "context",                                                   \
     .letter = 'c',                                                       \
     .kind = CLI_INT,                                                     \
     .value = "N",                                                        \
     .help = "tokens of prompt and answer (what the model was made for)", \
     .least = 2,                                                          \
     .most = 1 << 30},                                                    \
        {.name = "max-kv",                                                \
         .kind = CLI_BYTES,                                               \
         .value = "SIZE",                                                 \
         .help = "most of keys and values (0: as many as are needed)"},   \
        {.name = "kv-bits",                                               \
         .kind = CLI_CHOICE,                                              \
         .value = "32|16|8|4",                                            \
         .help = "of a number of keys and values (16)"},                  \
        CLI_LM_NUMBER("chunk", CLI_INT, "N", 1, 1 << 16,                  \
                      "tokens of a prompt read at a time (512)")

/* What was computed, in files. */
#define CLI_LM_FILES                                                   \
    {.name = "save-cache",                                             \
     .kind = CLI_FILE,                                                 \
     .value = "FILE",                                                  \
     .help = "keep what was computed of prompt and answer in a file"}, \
        {.name = "load-cache",                                         \
         .kind = CLI_FILE,                                             \
         .value = "FILE",                                              \
         .help = "what the prompt begins with as the text of such a file is not computed again"}

/* Of guesses. */
#define CLI_LM_GUESSES                                                                          \
    CLI_LM_NUMBER("lookup", CLI_INT, "N", 0, 64, "guess N tokens from what was said before"),   \
        {.name = "draft",                                                                       \
         .kind = CLI_FILE,                                                                      \
         .value = "MODEL",                                                                      \
         .help = "a smaller model of the same tokens that guesses"},                            \
        CLI_LM_OF("draft", "draft-tokens", CLI_INT, "N", 1, 64, "guessed by it at a time (4)"), \
        CLI_LM_NUMBER("heads", CLI_INT, "N", 0, 64, "guess N tokens by the model's own head")

#define CLI_LM_TOKENS                                            \
    {.name = "tokens",                                           \
     .letter = 'n',                                              \
     .kind = CLI_INT,                                            \
     .value = "N",                                               \
     .help = "at most N of an answer (0: to the context's end)", \
     .least = 0,                                                 \
     .most = 1 << 30}

/* What an answer is held to. */
#define CLI_LM_STRUCTURE                                        \
    {.name = "schema",                                          \
     .kind = CLI_TEXT,                                          \
     .value = "JSON",                                           \
     .help = "the answer is JSON of a schema; @FILE reads it"}, \
        {.name = "regex",                                       \
         .kind = CLI_TEXT,                                      \
         .value = "RE",                                         \
         .help = "it matches a regular expression"},            \
        {.name = "grammar",                                     \
         .kind = CLI_TEXT,                                      \
         .value = "GBNF",                                       \
         .help = "it is what a grammar makes; @FILE reads it"}, \
        {.name = "choice",                                      \
         .kind = CLI_TEXTS,                                     \
         .value = "TEXT",                                       \
         .help = "it is one of these; given several times"}

/* CLI_OK, or what the command returns; where none is asked for the handle stays empty. */
int cli_lm_structure(cli_call *c, mlx_structure *s);
/* What the options say, and `usual` where they do not; the lists in it are there until the next
   call. CLI_OK, or what the command returns. */
int cli_lm_sampling(cli_call *c, mlx_sampler_options usual, mlx_sampler_options *o);

/* --- a request ------------------------------------------------------------------------------- */

/* What came of it. */
typedef struct cli_lm_answer {
    char *text; /* all of it, for free */
    size_t text_num;
    mlx_lm_event end;
    char error[1024];                /* of MLX_LM_FAILED */
    double began, first, ended;      /* seconds: first: of the first token, 0: there was none */
    bool shown, silent, interrupted; /* text was shown; none is to be */
    double log_p;                    /* of all tokens of the prompt, where they are asked for */
    int64_t log_ps;
} cli_lm_answer;

/* The tokens of a conversation by the model's chat template, where the model is to answer. CLI_OK,
   or what the command returns. */
int cli_lm_prompt(cli_call *c, cli_lm *m, json_t *messages, mlx_tokens *prompt);
/* Has the model a chat template? CLI_OK, or what the command returns: it has one that is wrong. */
int cli_lm_has_template(cli_call *c, const cli_lm *m, bool *has);
/* Steps until the request has ended. CLI_OK, or what the command returns. */
int cli_lm_run(cli_call *c, cli_lm *m, mlx_lm_request r, cli_lm_answer *a);
/* "end", "stop", "length", "cancelled", "failed" */
const char *cli_lm_finish(mlx_lm_finish finish);
/* Numbers of an answer: {prompt_tokens, cached_tokens, generated_tokens, finish, ...} */
json_t *cli_lm_numbers(const cli_lm_answer *a);
/* The line about it to stderr. */
void cli_lm_summary(cli_call *c, const cli_lm_answer *a);
/* Most bytes of memory that the process had. */
uint64_t cli_lm_memory(void);

#endif
