/* mlx embed: the vectors of texts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lm/lm.h"

/* --- texts ----------------------------------------------------------------------------------- */

typedef struct texts {
    const char **text;
    size_t *length, count;
    char *held; /* what they lie in, of stdin */
} texts;

static bool take_lines(texts *t) {
    size_t n, lines = 1;
    t->held = cli_take(stdin, &n);
    for (size_t i = 0; t->held && i < n; i++)
        lines += t->held[i] == '\n';
    t->text = calloc(lines, sizeof *t->text);
    t->length = calloc(lines, sizeof *t->length);
    if (!t->held || !t->text || !t->length)
        return false;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(t->held + at, '\n', n - at);
        size_t length = end ? (size_t)(end - t->held) - at : n - at;
        if (length) {
            t->text[t->count] = t->held + at;
            t->length[t->count++] = length;
        }
        at += length + 1;
    }
    return true;
}

static bool take_arguments(const cli_call *c, texts *t) {
    t->text = calloc((size_t)c->count, sizeof *t->text);
    t->length = calloc((size_t)c->count, sizeof *t->length);
    for (int i = 0; t->text && t->length && i < c->count; i++) {
        t->text[i] = c->args[i];
        t->length[i] = strlen(c->args[i]);
        t->count++;
    }
    return t->text && t->length;
}

static void let_go(texts *t) {
    free((void *)t->text);
    free(t->length);
    free(t->held);
}

/* --- vectors --------------------------------------------------------------------------------- */

static double product(const float *a, const float *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static json_t *numbers(const float *v, int64_t n) {
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, cli_json_real(v[i]));
    return list;
}

/* {text, tokens, vector, similarities to all} of each. */
static json_t *rows_of(const texts *t, const size_t *ends, const float *v, int64_t h) {
    json_t *rows = json_array();
    for (size_t i = 0; i < t->count; i++) {
        json_t *near = json_array();
        for (size_t j = 0; j < t->count; j++)
            json_array_append_new(near, cli_json_real(product(v + (int64_t)i * h,
                                                              v + (int64_t)j * h, h)));
        json_array_append_new(
            rows, json_pack("{s:o, s:I, s:o, s:o}", "text", cli_json_said(t->text[i], t->length[i]),
                            "tokens", (json_int_t)(ends[i] - (i ? ends[i - 1] : 0)), "vector",
                            numbers(v + (int64_t)i * h, h), "similarities", near));
    }
    return rows;
}

static void show(cli_call *c, const json_t *doc) {
    const json_t *rows = json_object_get(doc, "texts"), *row, *value;
    size_t i, j;
    (void)c;
    json_array_foreach(rows, i, row) {
        json_array_foreach(json_object_get(row, "similarities"), j, value)
            cli_print("%6.3f ", json_number_value(value));
        char *text = cli_cell(json_object_get(row, "text"), CLI_LOOK_TEXT);
        cli_print(" %s\n", text ? text : "");
        free(text);
    }
}

static int embed(cli_call *c, cli_lm *m, const texts *t) {
    const int *ids, *types;
    size_t n, *ends = calloc(t->count, sizeof *ends);
    mlx_tokens tokens = mlx_tokens_new();
    mlx_array vectors = mlx_array_new();
    int status = CLI_OK;
    if (!ends)
        status = cli_fail(c, "out of memory");
    else if (mlx_lm_texts(&tokens, ends, m->lm, t->text, t->length, t->count) ||
             mlx_tokens_data(&ids, &n, tokens) || mlx_tokens_types(&types, &n, tokens) ||
             mlx_lm_embed(&vectors, m->lm, ids, types, ends, t->count))
        status = cli_library(c);
    else
        status =
            cli_show(c,
                     json_pack("{s:I, s:o}", "dimensions", (json_int_t)m->info.vector, "texts",
                               rows_of(t, ends, mlx_array_data_float32(vectors), m->info.vector)),
                     show);
    mlx_array_free(vectors);
    mlx_tokens_free(tokens);
    free(ends);
    return status;
}

/* --- the best answers ------------------------------------------------------------------------ */

typedef struct rank {
    double score;
    size_t text;
} rank;

/* The best first, of equals the first. */
static int by_score(const void *a, const void *b) {
    const rank *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : (x->text < y->text ? -1 : 1);
}

static void show_ranks(cli_call *c, const json_t *doc) {
    const json_t *row;
    size_t i;
    (void)c;
    json_array_foreach(json_object_get(doc, "texts"), i, row) {
        char *text = cli_cell(json_object_get(row, "text"), CLI_LOOK_TEXT);
        cli_print("%9.4f  %s\n", json_number_value(json_object_get(row, "score")),
                  text ? text : "");
        free(text);
    }
}

static json_t *ranked(const texts *t, rank *ranks) {
    json_t *rows = json_array();
    qsort(ranks, t->count, sizeof *ranks, by_score);
    for (size_t i = 0; i < t->count; i++)
        json_array_append_new(rows, json_pack("{s:I, s:f, s:o}", "index", (json_int_t)ranks[i].text,
                                              "score", ranks[i].score, "text",
                                              cli_json_said(t->text[ranks[i].text],
                                                            t->length[ranks[i].text])));
    return json_pack("{s:o}", "texts", rows);
}

/* What the classifier of a cross-encoder says of the query with each text. */
static int classify(cli_call *c, cli_lm *m, const texts *t, const char *query, size_t *ends,
                    rank *ranks) {
    const int *ids, *types;
    size_t n;
    mlx_tokens tokens = mlx_tokens_new();
    mlx_array v = mlx_array_new();
    int status = CLI_OK;
    if (mlx_lm_pairs(&tokens, ends, m->lm, query, strlen(query), t->text, t->length, t->count) ||
        mlx_tokens_data(&ids, &n, tokens) || mlx_tokens_types(&types, &n, tokens) ||
        mlx_lm_classify(&v, m->lm, ids, types, ends, t->count))
        status = cli_library(c);
    for (size_t i = 0; status == CLI_OK && i < t->count; i++)
        ranks[i] = (rank){mlx_array_data_float32(v)[i], i};
    mlx_array_free(v);
    mlx_tokens_free(tokens);
    return status;
}

static int rank_all(cli_call *c, cli_lm *m, const texts *t, const char *query) {
    size_t *ends = calloc(t->count, sizeof *ends);
    rank *ranks = calloc(t->count, sizeof *ranks);
    int status = CLI_FAILED;
    if (m->info.classes != 1)
        cli_fail(c, "--query needs a model whose classifier has one class (a cross-encoder)");
    else
        status =
            ends && ranks ? classify(c, m, t, query, ends, ranks) : cli_fail(c, "out of memory");
    if (status == CLI_OK)
        status = cli_show(c, ranked(t, ranks), show_ranks);
    free(ends);
    free(ranks);
    return status;
}

/* --- the command ----------------------------------------------------------------------------- */

static int run(cli_call *c) {
    cli_lm m;
    texts t = {0};
    int status = cli_lm_open(c, &m);
    bool ok = status || (c->count ? take_arguments(c, &t) : take_lines(&t));
    if (!ok)
        status = cli_fail(c, "the texts cannot be read: %s", strerror(errno ? errno : ENOMEM));
    else if (status == CLI_OK && !t.count)
        status = cli_fail(c, "there is no text");
    if (status == CLI_OK)
        status = cli_text(c, "query", NULL) ? rank_all(c, &m, &t, cli_text(c, "query", NULL))
                                            : embed(c, &m, &t);
    let_go(&t);
    cli_lm_close(&m);
    return status;
}

static const cli_option options[] = {
    CLI_LM_MODEL,
    {.name = "query",
     .kind = CLI_TEXT,
     .value = "TEXT",
     .help = "how well each text answers it, by the classifier of a cross-encoder"},
    {0}};

static const cli_example examples[] = {
    {"mlx embed -m model.gguf \"a cat\" \"a dog\" \"a car\"", "how similar they are"},
    {"mlx embed -m ms-marco-MiniLM-L6-v2 --query \"What do cats eat?\" < lines.txt",
     "the best answer first"},
    {"mlx embed -m model.gguf --json < lines.txt | jq -c '.texts[].vector'", "a vector a line"},
    {0}};

const cli_command cli_embed = {
    .name = "embed",
    .summary = "make vectors of texts, and compare them",
    .arguments = "[TEXT...]",
    .least = 0,
    .most = -1,
    .takes = CLI_TAKES_WORDS,
    .text =
        "MODEL is one that makes vectors of texts (BERT and its kin). They have length 1: their "
        "products, which are printed, are 1 where two say the same. Without TEXT each line of stdin "
        "is one. --json has the vectors.",
    .options = options,
    .examples = examples,
    .run = run};
