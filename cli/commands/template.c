/* mlx template: the text that a model is given for a conversation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* --- the template ----------------------------------------------------------------------------- */

static void show_text(cli_call *c, const json_t *doc) {
    (void)c;
    const json_t *text = json_object_get(doc, "text");
    cli_say(json_string_value(text), json_string_length(text));
    cli_print("\n");
}

static int show_template(cli_call *c, mlx_template t) {
    const char *text;
    size_t n;
    if (mlx_template_text(&text, &n, t))
        return cli_library(c);
    return cli_show(c, json_pack("{s:o}", "text", cli_json_bytes(text, n)), show_text);
}

static void show_names(cli_call *c, const json_t *doc) {
    const json_t *names = json_object_get(doc, "names");
    (void)c;
    for (size_t i = 0; i < json_array_size(names); i++)
        cli_print("%s\n", json_string_value(json_array_get(names, i)));
}

static json_t *names_of(mlx_vector_string names) {
    json_t *list = json_array();
    char *name;
    for (size_t i = 0; list && i < mlx_vector_string_size(names); i++)
        if (mlx_vector_string_get(&name, names, i) == 0)
            json_array_append_new(list, cli_json_bytes(name, strlen(name)));
    return list;
}

static int list_names(cli_call *c, const char *path) {
    mlx_vector_string names = mlx_vector_string_new();
    int status = mlx_template_names(&names, path)
                     ? cli_library(c)
                     : cli_show(c, json_pack("{s:o}", "names", names_of(names)), show_names);
    mlx_vector_string_free(names);
    return status;
}

/* --- a conversation --------------------------------------------------------------------------- */

/* The variables as a text, for free: an object, or a list of messages, which is wrapped. */
static char *variables_of(cli_call *c, const char *path) {
    json_error_t e;
    size_t n;
    char *text = cli_take_file(c, path, &n), *made = NULL;
    json_t *j = text ? json_loadb(text, n, JSON_ALLOW_NUL, &e) : NULL;
    if (text && !j)
        cli_fail(c, "%s: %s at line %d", path, e.text, e.line);
    if (json_is_array(j))
        j = json_pack("{s:o, s:b}", "messages", j, "add_generation_prompt", !cli_flag(c, "done"));
    if (j)
        made = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    free(text);
    return made;
}

static int render(cli_call *c, mlx_template t) {
    mlx_string text = mlx_string_new();
    size_t n = 0;
    char *variables = variables_of(c, c->args[1]);
    int status = CLI_FAILED;
    if (variables && mlx_template_render(&text, &n, t, variables, strlen(variables), NULL))
        status = cli_library(c);
    else if (variables)
        status = cli_show(c, json_pack("{s:o}", "text", cli_json_bytes(mlx_string_data(text), n)),
                          show_text);
    mlx_string_free(text);
    free(variables);
    return status;
}

/* --- its tokens ------------------------------------------------------------------------------- */

static json_t *token_row(mlx_tokenizer k, int id, int type) {
    const char *piece = NULL;
    size_t n = 0;
    mlx_tokenizer_piece(&piece, &n, k, id);
    return json_pack("{s:i, s:o, s:b}", "token", id, "piece", cli_json_bytes(piece ? piece : "", n),
                     "answer", type);
}

static json_t *token_rows(mlx_tokenizer k, mlx_tokens tokens) {
    json_t *rows = json_array();
    const int *ids, *types;
    size_t n = 0;
    if (mlx_tokens_data(&ids, &n, tokens) || mlx_tokens_types(&types, &n, tokens))
        n = 0;
    for (size_t i = 0; rows && i < n; i++)
        json_array_append_new(rows, token_row(k, ids[i], types[i]));
    return json_pack("{s:o}", "tokens", rows);
}

static void show_tokens(cli_call *c, const json_t *doc) {
    const json_t *row;
    size_t i;
    (void)c;
    json_array_foreach(json_object_get(doc, "tokens"), i, row) {
        const json_t *piece = json_object_get(row, "piece");
        cli_print("%7d%s ", (int)json_integer_value(json_object_get(row, "token")),
                  json_is_true(json_object_get(row, "answer")) ? " *" : "  ");
        cli_say(json_string_value(piece), json_string_length(piece));
        cli_print("\n");
    }
}

static int encode(cli_call *c, const char *path, mlx_template t) {
    mlx_tokenizer k = mlx_tokenizer_new();
    mlx_tokens tokens = mlx_tokens_new();
    char *variables = variables_of(c, c->args[1]);
    int status = CLI_FAILED;
    if (variables && (mlx_tokenizer_open(&k, path) ||
                      mlx_chat_answers(&tokens, t, k, variables, strlen(variables))))
        status = cli_library(c);
    else if (variables)
        status = cli_show(c, token_rows(k, tokens), show_tokens);
    mlx_tokens_free(tokens);
    mlx_tokenizer_free(k);
    free(variables);
    return status;
}

/* --- the command ------------------------------------------------------------------------------ */

static int run_on(cli_call *c, const char *path) {
    mlx_template t = mlx_template_new();
    if (cli_flag(c, "names"))
        return list_names(c, path);
    int status = mlx_template_open(&t, path, cli_text(c, "name", NULL)) ? cli_library(c)
                 : c->count < 2                                         ? show_template(c, t)
                 : cli_flag(c, "tokens")                                ? encode(c, path, t)
                                                                        : render(c, t);
    mlx_template_free(t);
    return status;
}

static int run(cli_call *c) {
    char *path;
    int status = cli_find(c, &path, c->args[0]);
    if (status == CLI_OK)
        status = run_on(c, path);
    free(path);
    return status;
}

static const cli_option options[] = {
    {.name = "name", .kind = CLI_TEXT, .value = "NAME", .help = "one of several, as tool_use"},
    {.name = "names", .help = "list them", .beside = "name|tokens|done"},
    {.name = "tokens", .help = "its tokens; * are the assistant's, which training learns"},
    {.name = "done", .help = "of a list of messages: no answer is to follow"},
    {0}};

static const cli_example examples[] = {
    {"mlx template model.gguf messages.json", "the text for a conversation"},
    {"mlx template model.gguf messages.json --tokens", "its tokens, and which are answers"},
    {"mlx template org/model", "the template itself"},
    {"mlx template model --name tool_use -", "a named one, with the messages from stdin"},
    {0}};

const cli_command cli_template = {
    .name = "template",
    .summary = "show the text that a model is given for a conversation",
    .arguments = "MODEL [MESSAGES]",
    .least = 1,
    .most = 2,
    .takes = CLI_TAKES_FILES,
    .text =
        "MODEL is a GGUF file, a folder, a file in it, or a model of the hub's cache. MESSAGES is a "
        "file of JSON, - for stdin: a list of messages, or an object of all variables of the "
        "template. Without it the template is shown.",
    .options = options,
    .examples = examples,
    .run = run};
