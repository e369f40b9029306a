/* mlx tokenize: what a model makes of a text, and back. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* --- the text --------------------------------------------------------------------------------- */

/* The arguments behind the model with spaces between; for free, *n bytes. NULL: no memory. */
static char *take_words(const cli_call *c, size_t *n) {
    size_t room = 1;
    for (int i = 1; i < c->count; i++)
        room += strlen(c->args[i]) + 1;
    char *text = malloc(room);
    *n = 0;
    for (int i = 1; text && i < c->count; i++) {
        size_t length = strlen(c->args[i]);
        if (i > 1)
            text[(*n)++] = ' ';
        memcpy(text + *n, c->args[i], length);
        *n += length;
    }
    return text;
}

static bool from_stdin(const cli_call *c) {
    return c->count == 1 || (c->count == 2 && strcmp(c->args[1], "-") == 0);
}

static char *take_text(cli_call *c, size_t *n) {
    return from_stdin(c) ? cli_take(stdin, n) : take_words(c, n);
}

/* --- text to tokens --------------------------------------------------------------------------- */

static json_t *token_row(mlx_tokenizer t, int id) {
    const char *piece = NULL;
    size_t n = 0;
    bool special = false;
    if (mlx_tokenizer_piece(&piece, &n, t, id) || mlx_tokenizer_is_special(&special, t, id))
        return NULL;
    return json_pack("{s:i, s:o, s:b}", "id", id, "piece", cli_json_bytes(piece ? piece : "", n),
                     "special", special);
}

static json_t *token_rows(mlx_tokenizer t, const int *ids, size_t n) {
    json_t *rows = json_array();
    for (size_t i = 0; rows && i < n; i++) {
        json_t *row = token_row(t, ids[i]);
        if (row && json_array_append_new(rows, row) == 0)
            continue;
        json_decref(rows);
        rows = NULL;
    }
    return rows;
}

static void show_ids(const json_t *doc) {
    const json_t *tokens = json_object_get(doc, "tokens");
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *id = json_object_get(json_array_get(tokens, i), "id");
        cli_print(i ? " %d" : "%d", (int)json_integer_value(id));
    }
    cli_print("\n");
}

static void show_tokens(cli_call *c, const json_t *doc) {
    static const cli_column pairs[] = {
        {"kind", "kind", CLI_LOOK_TEXT}, {"count", "tokens", CLI_LOOK_COUNT}, {0}};
    static const cli_column columns[] = {
        {"id", "id", CLI_LOOK_TEXT}, {"piece", "piece", CLI_LOOK_TEXT}, {0}};
    if (cli_flag(c, "ids")) {
        show_ids(doc);
        return;
    }
    cli_table(json_object_get(doc, "tokens"), columns);
    cli_print("\n");
    cli_pairs(doc, pairs);
}

static int flags_of(const cli_call *c) {
    return (cli_flag(c, "bare") ? MLX_ENCODE_BARE : 0) |
           (cli_flag(c, "plain") ? MLX_ENCODE_PLAIN : 0);
}

static int encode(cli_call *c, mlx_tokenizer t) {
    size_t length, n;
    const char *kind;
    const int *ids;
    mlx_tokens tokens = mlx_tokens_new();
    char *text = take_text(c, &length);
    if (!text)
        return cli_fail(c, "the text cannot be read: %s", strerror(errno ? errno : ENOMEM));
    json_t *rows = NULL;
    if (mlx_tokenizer_encode(&tokens, t, text, length, flags_of(c)) == 0 &&
        mlx_tokens_data(&ids, &n, tokens) == 0 && mlx_tokenizer_kind(&kind, t) == 0)
        rows = token_rows(t, ids, n);
    int status = rows ? cli_show(c,
                                 json_pack("{s:s, s:I, s:o}", "kind", kind, "count", (json_int_t)n,
                                           "tokens", rows),
                                 show_tokens)
                      : cli_library(c);
    mlx_tokens_free(tokens);
    free(text);
    return status;
}

/* --- tokens to text --------------------------------------------------------------------------- */

static void show_text(cli_call *c, const json_t *doc) {
    const json_t *text = json_object_get(doc, "text");
    (void)c;
    cli_print("%s", json_string_value(text));
    cli_print("\n");
}

/* The numbers in a text, spaces or commas between; *n of them, for free. NULL: what is none was
   said, or there is no memory. */
static int *numbers_in(cli_call *c, const char *text, size_t *n) {
    static const char between[] = " ,\t\r\n[]";
    int *ids = malloc((strlen(text) / 2 + 1) * sizeof *ids);
    char *end;
    *n = 0;
    for (const char *at = text; ids; at = end) {
        at += strspn(at, between);
        if (!*at)
            break;
        size_t word = strcspn(at, between);
        errno = 0;
        long id = strtol(at, &end, 10);
        if (end != at + word || errno || id < INT_MIN || id > INT_MAX) {
            cli_fail(c, "'%.*s' is no number of a token", (int)(word < 40 ? word : 40), at);
            free(ids);
            return NULL;
        }
        ids[(*n)++] = (int)id;
    }
    return ids;
}

static int decode(cli_call *c, mlx_tokenizer t) {
    size_t length, n, size;
    mlx_string text = mlx_string_new();
    char *given = take_text(c, &length);
    char *zero = given ? realloc(given, length + 1) : NULL;
    if (!zero) {
        free(given);
        return cli_fail(c, "the tokens cannot be read");
    }
    zero[length] = 0;
    int *ids = numbers_in(c, zero, &n), status = CLI_FAILED;
    if (ids && mlx_tokenizer_decode(&text, &size, t, ids, n, cli_flag(c, "special")))
        status = cli_library(c);
    else if (ids)
        status =
            cli_show(c, json_pack("{s:o}", "text", cli_json_bytes(mlx_string_data(text), size)),
                     show_text);
    mlx_string_free(text);
    free(ids);
    free(zero);
    return status;
}

/* --- the command ------------------------------------------------------------------------------ */

static int run(cli_call *c) {
    mlx_tokenizer t = mlx_tokenizer_new();
    char *path;
    int status = cli_find(c, &path, c->args[0]);
    if (status == CLI_OK && mlx_tokenizer_open(&t, path))
        status = cli_library(c);
    else if (status == CLI_OK)
        status = cli_flag(c, "decode") ? decode(c, t) : encode(c, t);
    mlx_tokenizer_free(t);
    free(path);
    return status;
}

static const cli_option options[] = {
    {.name = "ids", .help = "print the numbers alone", .beside = "decode"},
    {.name = "decode",
     .letter = 'd',
     .help = "the arguments are numbers of tokens: print their text"},
    {.name = "bare", .help = "without what the tokenizer puts around a text", .beside = "decode"},
    {.name = "plain", .help = "special tokens in the text are text", .beside = "decode"},
    {.name = "special",
     .help = "with --decode: special tokens have a text, too",
     .needs = "decode"},
    {0}};

static const cli_example examples[] = {
    {"mlx tokenize model.gguf \"Hello, world\"", "the tokens of a text"},
    {"mlx tokenize org/model --ids < book.txt", "the numbers of a whole file's"},
    {"mlx tokenize tokenizer.json --decode 15496 11 995", "and back"},
    {0}};

const cli_command cli_tokenize = {
    .name = "tokenize",
    .summary = "show the tokens that a model makes of a text",
    .arguments = "MODEL [TEXT...]",
    .least = 1,
    .most = -1,
    .takes = CLI_TAKES_FILES,
    .text =
        "MODEL is a GGUF file, a tokenizer.json, a tokenizer.model, a folder with one of them, or a "
        "model of the hub's cache. Without TEXT, or for -, the text is read from stdin.",
    .options = options,
    .examples = examples,
    .run = run};
