/* mlx docs: the manual of operations, from the catalog. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MOST_NAME = 64, MARGIN = 88 };

/* The name that a signature opens with, of whatever length. */
static int name_length(const mlx_operation *o) {
    return (int)strcspn(o->signature, "( ");
}

static bool has_name(const mlx_operation *o, const char *name, size_t length) {
    return (size_t)name_length(o) == length && strncmp(o->signature, name, length) == 0;
}

/* "linalg.inv", "mx.linalg.inv" and "mlx.core.linalg.inv" name a module, too: `module` is what it
   ends with, "" for any. The result is the last word of the name. */
static const char *cut_name(const char *asked, char module[MOST_NAME]) {
    const char *dot = strrchr(asked, '.');
    size_t length = dot ? (size_t)(dot - asked) : 0;
    // no module has so long a name, and none is called "?"
    snprintf(module, MOST_NAME, "%.*s", length < MOST_NAME ? (int)length : 1,
             length < MOST_NAME ? asked : "?");
    if (strcmp(module, "mx") == 0)
        strcpy(module, "mlx.core");
    else if (strncmp(module, "mx.", 3) == 0)
        memmove(module, module + 3, strlen(module + 3) + 1);
    return dot ? dot + 1 : asked;
}

static bool is_in(const char *module, const char *ending) {
    size_t n = strlen(module), m = strlen(ending);
    return m == 0 ||
           (n >= m && strcmp(module + n - m, ending) == 0 && (n == m || module[n - m - 1] == '.'));
}

/* The catalog's operations, and behind them those of plug-ins. */
static const mlx_operation *operation_at(size_t i) {
    size_t own = mlx_catalog_size();
    return i < own ? mlx_catalog_get(i) : mlx_plugin_operation_get(i - own);
}

/* --- documents -------------------------------------------------------------------------------- */

static json_t *text_of(mlx_text t) {
    return json_stringn(t.start, (size_t)t.length);
}

static json_t *parameters(const char *signature) {
    static mlx_signature parsed; // too large for a stack that is small
    json_t *list = json_array();
    if (mlx_signature_parse(&parsed, signature))
        return list;
    for (int i = 0; i < parsed.count; i++) {
        const mlx_parameter *p = &parsed.parameters[i];
        json_t *row = json_pack("{s:o, s:o}", "name", text_of(p->name), "type", text_of(p->type));
        if (p->fallback.length)
            json_object_set_new(row, "default", text_of(p->fallback));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *manual_of(const mlx_operation *o) {
    mlx_string manual = mlx_string_new();
    json_t *text = json_string(mlx_operation_manual(&manual, o) ? "" : mlx_string_data(manual));
    mlx_string_free(manual);
    return text;
}

static json_t *describe(const mlx_operation *o) {
    return json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", "name",
                     json_stringn(o->signature, (size_t)name_length(o)), "module", o->module,
                     "signature", o->signature, "doc", o->doc ? o->doc : "", "parameters",
                     parameters(o->signature), "manual", manual_of(o));
}

/* All rows of a name, overloads among them. */
static json_t *find_rows(const char *name, const char *module) {
    json_t *rows = json_array();
    const mlx_operation *o;
    for (size_t i = 0; (o = operation_at(i)); i++)
        if (has_name(o, name, strlen(name)) && is_in(o->module, module))
            json_array_append_new(rows, describe(o));
    return rows;
}

/* Those of the operations that have it as their second name. */
static void add_aliased(json_t *rows, const char *name, const char *module) {
    const mlx_operation_alias *a;
    for (size_t i = 0; (a = mlx_catalog_alias(i)); i++) {
        if (strcmp(a->name, name) || !is_in(a->module, module))
            continue;
        json_t *more = find_rows(a->of, a->from ? a->from : a->module);
        json_array_extend(rows, more);
        json_decref(more);
    }
}

static bool contains(const char *text, const char *word) {
    return strcasestr(text, word) != NULL;
}

/* The operations whose text or name has all words. */
static json_t *search(const cli_call *c) {
    json_t *rows = json_array();
    const mlx_operation *o;
    for (size_t i = 0; (o = operation_at(i)); i++) {
        bool all = true;
        for (int k = 0; k < c->count; k++)
            all = all && (contains(o->doc ? o->doc : "", c->args[k]) ||
                          contains(o->signature, c->args[k]));
        if (all)
            json_array_append_new(rows, describe(o));
    }
    return rows;
}

/* --- for people ------------------------------------------------------------------------------- */

static void wrap(const char *text) {
    int column = 0;
    while (*text) {
        int word = (int)strcspn(text, " \n");
        if (column && column + 1 + word > MARGIN)
            column = 0, putchar('\n');
        column += printf("%s%.*s", column ? " " : "    ", word, text);
        text += word;
        text += strspn(text, " \n");
    }
    putchar('\n');
}

static void indent(const char *text) {
    for (const char *end; *text; text = end) {
        end = text + strcspn(text, "\n");
        end += *end == '\n';
        printf("%s%.*s", *text == '\n' ? "" : "    ", (int)(end - text), text);
    }
}

/* Rows of one module share their manual, which stands behind the last one; methods have it of the
   function of their name. */
static const char *manual_behind(const json_t *rows, size_t i) {
    json_t *row = json_array_get(rows, i), *later;
    const char *module = json_string_value(json_object_get(row, "module"));
    bool shown = i && !strcmp(module, "mlx.core.array");
    for (; (later = json_array_get(rows, i + 1)); i++)
        shown = shown || !strcmp(module, json_string_value(json_object_get(later, "module")));
    return shown ? "" : json_string_value(json_object_get(row, "manual"));
}

static void show_pages(const json_t *rows) {
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        printf("%s%s%s.%s%s\n\n", i ? "\n" : "", cli_styled(CLI_BOLD),
               json_string_value(json_object_get(row, "module")),
               json_string_value(json_object_get(row, "signature")), cli_styled(CLI_PLAIN));
        const char *doc = json_string_value(json_object_get(row, "doc"));
        const char *manual = manual_behind(rows, i);
        if (*doc)
            wrap(doc);
        if (*manual) {
            putchar('\n');
            indent(manual);
        }
    }
}

/* The first sentence. */
static json_t *brief(const json_t *row) {
    const char *doc = json_string_value(json_object_get(row, "doc"));
    const char *end = strstr(doc, ". "), *colon = strstr(doc, ": ");
    size_t n = end ? (size_t)(end + 1 - doc) : strlen(doc);
    if (colon && (size_t)(colon - doc) < n && n > MARGIN)
        n = (size_t)(colon - doc);
    char name[2 * MOST_NAME];
    snprintf(name, sizeof name, "%s.%s", json_string_value(json_object_get(row, "module")),
             json_string_value(json_object_get(row, "name")));
    return json_pack("{s:s, s:o}", "name", name, "brief", json_stringn(doc, n));
}

static void show_list(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {
        {"name", "Operation", CLI_LOOK_TEXT}, {"brief", "What it is", CLI_LOOK_TEXT}, {0}};
    json_t *list = json_array(), *row;
    size_t i;
    (void)c;
    json_array_foreach(json_object_get(doc, "operations"), i, row)
        json_array_append_new(list, brief(row));
    cli_records(list, columns);
    json_decref(list);
}

static void show(cli_call *c, const json_t *doc) {
    (void)c;
    show_pages(json_object_get(doc, "operations"));
}

/* --- the command ------------------------------------------------------------------------------ */

static const char *word(size_t i) {
    static char name[MOST_NAME];
    const mlx_operation *o = operation_at(i);
    if (!o)
        return NULL;
    snprintf(name, sizeof name, "%.*s", name_length(o), o->signature);
    return name;
}

static const char *next(size_t i, const void *data) {
    (void)data;
    return word(i);
}

static int not_found(cli_call *c, const char *asked, const char *name) {
    const char *near = cli_near(name, next, NULL);
    if (near)
        return cli_fail(c, "there is no operation '%s'; did you mean '%s'?", asked, near);
    return cli_fail(c, "there is no operation '%s'; 'mlx docs --search' looks in the texts", asked);
}

static int page(cli_call *c, const char *asked) {
    char module[MOST_NAME];
    const char *name = cut_name(asked, module);
    json_t *rows = find_rows(name, module);
    add_aliased(rows, name, module);
    if (json_array_size(rows))
        return cli_show(c, json_pack("{s:o}", "operations", rows), show);
    json_decref(rows);
    return not_found(c, asked, name);
}

static int list(cli_call *c) {
    json_t *rows = search(c);
    if (json_array_size(rows))
        return cli_show(c, json_pack("{s:o}", "operations", rows), show_list);
    json_decref(rows);
    return cli_fail(c, "no text has these words");
}

static int run(cli_call *c) {
    if (mlx_plugins_load())
        cli_note(c, "%s", mlx_last_error_message());
    if (c->count == 0 || cli_flag(c, "search"))
        return list(c);
    if (c->count > 1)
        return cli_usage(c, "one operation at a time; --search looks for several words");
    return page(c, c->args[0]);
}

static const cli_option options[] = {
    {.name = "search", .letter = 's', .help = "list the operations whose text has these words"},
    {0}};

static const cli_example examples[] = {
    {"mlx docs softmax", "the page of one operation"},
    {"mlx docs linalg.norm", "of the one in a module"},
    {"mlx docs --search running sum", "the operations whose text has both words"},
    {"mlx docs", "all operations"},
    {0}};

const cli_command cli_docs = {.name = "docs",
                              .summary = "show the manual of an operation",
                              .arguments = "[NAME | WORDS...]",
                              .most = -1,
                              .takes = CLI_TAKES_WORDS,
                              .word = word,
                              .options = options,
                              .examples = examples,
                              .run = run};
