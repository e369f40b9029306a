/* mlx perplexity: how well a model foretells a text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lm/lm.h"

/* Of pieces of a text. The first half of a piece is there to be known. */
typedef struct sum {
    int size, counted; /* tokens of a piece, and of these counted: the last */
    double log_p, squares;
    int64_t tokens;
    char error[512];
    cli_progress bar;
} sum;

/* Events of a prompt come in order: the place of the one in hand is behind those before. */
typedef struct piece {
    sum *all;
    int at;
} piece;

static int take(const mlx_lm_event *e, void *payload) {
    piece *p = e->payload;
    sum *s = p->all;
    (void)payload;
    if (e->token >= 0 && p->at++ >= s->size - s->counted) {
        s->log_p += e->log_p;
        s->squares += e->log_p * e->log_p;
        s->tokens++;
    }
    if (e->finish == MLX_LM_FAILED && !*s->error)
        snprintf(s->error, sizeof s->error, "%s", e->text);
    if (e->finish)
        cli_progress_step(&s->bar, 1, NULL);
    return 0;
}

/* --- the text -------------------------------------------------------------------------------- */

static const char *name_of(const cli_call *c) {
    const char *path = cli_text(c, "file", "-");
    return strcmp(path, "-") == 0 ? "stdin" : path;
}

/* What stands before a text of this model: a token, or -1. */
static int beginning(const cli_lm *m) {
    mlx_tokens whole = mlx_tokens_new();
    const int *ids;
    size_t n;
    int first = -1, bos = -1;
    if (mlx_tokenizer_encode(&whole, m->tokenizer, "a", 1, 0) == 0 &&
        mlx_tokens_data(&ids, &n, whole) == 0 && n &&
        mlx_tokenizer_role(&bos, m->tokenizer, MLX_TOKEN_BOS) == 0 && bos >= 0 && ids[0] == bos)
        first = bos;
    mlx_tokens_free(whole);
    return first;
}

/* --- pieces ---------------------------------------------------------------------------------- */

static int add_piece(cli_call *c, cli_lm *m, int *at, int first, piece *p) {
    int64_t id;
    at[0] = first >= 0 ? first : at[0];
    mlx_lm_request r = {.tokens = at,
                        .token_num = (size_t)p->all->size,
                        .most = -1,
                        .echo = true,
                        .log_probabilities = -1,
                        .payload = p};
    return mlx_lm_batch_add(&id, m->batch, &r) ? cli_library(c) : CLI_OK;
}

/* A few at a time: what is read at once needs memory. The first error ends it. */
static int run_pieces(cli_call *c, cli_lm *m, int *ids, size_t count, sum *s) {
    int status = CLI_OK, first = beginning(m);
    piece *pieces = calloc(count, sizeof *pieces);
    size_t next = 0;
    bool busy = true;
    if (!pieces)
        return cli_fail(c, "out of memory");
    while (status == CLI_OK && !*s->error && (busy || next < count)) {
        for (; status == CLI_OK && next < count && next < (size_t)s->bar.done + 4; next++) {
            pieces[next].all = s;
            status = add_piece(c, m, ids + next * (size_t)s->size, first, &pieces[next]);
        }
        if (status == CLI_OK && mlx_lm_batch_step(&busy, m->batch, take, NULL))
            status = cli_library(c);
    }
    free(pieces);
    return status == CLI_OK && *s->error ? cli_library_said(c, NULL, s->error) : status;
}

static json_t *result_of(const sum *s, size_t pieces, double seconds) {
    double mean = -s->log_p / (double)s->tokens;
    double variance = s->squares / (double)s->tokens - mean * mean;
    double deviation = s->tokens > 1 ? sqrt(variance / (double)(s->tokens - 1)) : 0;
    return json_pack("{s:o, s:o, s:f, s:I, s:I, s:i, s:f}", "perplexity", cli_json_real(exp(mean)),
                     "deviation", cli_json_real(deviation * exp(mean)), "mean_log_probability",
                     -mean, "tokens", (json_int_t)s->tokens, "pieces", (json_int_t)pieces,
                     "piece_tokens", s->size, "seconds", seconds);
}

static void show(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {{"perplexity", "perplexity", CLI_LOOK_REAL},
                                         {"deviation", "+-", CLI_LOOK_REAL},
                                         {"tokens", "tokens counted", CLI_LOOK_COUNT},
                                         {"pieces", "pieces", CLI_LOOK_COUNT},
                                         {"piece_tokens", "tokens of a piece", CLI_LOOK_COUNT},
                                         {"seconds", "time", CLI_LOOK_SECONDS},
                                         {0}};
    (void)c;
    cli_pairs(doc, columns);
}

/* --- the command ----------------------------------------------------------------------------- */

static int measure(cli_call *c, cli_lm *m, mlx_tokens tokens) {
    const int *ids;
    size_t n;
    sum s = {.size = (int)cli_int(c, "size", 512)};
    double began = cli_seconds();
    s.counted = s.size - s.size / 2 - 1;
    if (mlx_tokens_data(&ids, &n, tokens))
        return cli_library(c);
    size_t pieces = n / (size_t)s.size, most = (size_t)cli_int(c, "pieces", 0);
    pieces = most && most < pieces ? most : pieces;
    if (!pieces)
        return cli_fail(c, "%s has %zu tokens, and a piece %d (--size)", name_of(c), n, s.size);
    int *copy = malloc(pieces * (size_t)s.size * sizeof *copy);
    if (!copy)
        return cli_fail(c, "out of memory");
    memcpy(copy, ids, pieces * (size_t)s.size * sizeof *copy);
    s.bar = cli_progress_begin("perplexity", pieces, false, c->quiet);
    s.bar.done = 0;
    int status = run_pieces(c, m, copy, pieces, &s);
    cli_progress_end(&s.bar);
    free(copy);
    return status ? status : cli_show(c, result_of(&s, pieces, cli_seconds() - began), show);
}

static int run_text(cli_call *c, cli_lm *m) {
    size_t n;
    char *text = cli_take_file(c, cli_text(c, "file", "-"), &n);
    mlx_tokens tokens = mlx_tokens_new();
    int status = text ? CLI_OK : CLI_FAILED;
    if (status == CLI_OK && mlx_tokenizer_encode(&tokens, m->tokenizer, text, n, 0))
        status = cli_library(c);
    if (status == CLI_OK)
        status = measure(c, m, tokens);
    mlx_tokens_free(tokens);
    free(text);
    return status;
}

static int run(cli_call *c) {
    cli_lm m;
    int status = cli_lm_open(c, &m);
    if (status == CLI_OK)
        status = cli_lm_begin(c, &m, (mlx_lm_batch_options){0});
    if (status == CLI_OK)
        status = run_text(c, &m);
    cli_lm_close(&m);
    return status;
}

static const cli_option options[] = {
    CLI_LM_MODEL,
    CLI_LM_ADAPTER,
    {.name = "file", .letter = 'f', .kind = CLI_FILE, .value = "FILE", .help = "the text (stdin)"},
    CLI_LM_NUMBER("size", CLI_INT, "N", 8, 1 << 20, "tokens of a piece (512)"),
    CLI_LM_NUMBER("pieces", CLI_INT, "N", 1, 1 << 30, "the first N pieces (all)"),
    CLI_LM_CACHE,
    {0}};

static const cli_example examples[] = {
    {"mlx perplexity -m model.gguf -f wiki.test.raw", "of a whole text"},
    {"mlx perplexity -m model.gguf -f wiki.test.raw --size 2048 --pieces 4", "of its beginning"},
    {0}};

const cli_command cli_perplexity = {
    .name = "perplexity",
    .summary = "measure how well a model foretells a text",
    .arguments = "[MODEL]",
    .most = 1,
    .takes = CLI_TAKES_FILES,
    .text =
        "The text's tokens are divided into pieces of --size tokens; what is left at the end does "
        "not count. A piece is read from its beginning, its first token replaced by the one that "
        "begins a text where the model has such. Of its second half (tokens size/2 + 1 to "
        "size - 1, counted from 0) the probabilities count, each by all that stands before "
        "in the piece: the perplexity is exp of the mean of -log p. So does llama.cpp.",
    .options = options,
    .examples = examples,
    .run = run};
