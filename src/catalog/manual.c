/* What the operations' parameters mean, what they give and what they refuse, with an example:
 * manual.txt of each family, which the build puts into one text.
 *
 *     == Reductions                    a title, for readers of the text
 *     @ reduction                      what several entries share
 *     a: The numbers.                  a parameter
 *     -> The array without ...         what the operation gives
 *     ! ValueError: an axis that ...   what it raises
 *     # sum nansum < reduction         an entry of these names
 *     >>> mx.sum(mx.array([1, 2]))     its example, to the end of the entry
 *     array(3, dtype=int32)
 *
 * What an entry does not say it has from the one behind '<', which may have another one, and last
 * from "common"; an example is not passed on. Names outside of mlx.core have their module in front
 * (linalg.inv). But for examples everything stands in one line.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "capi/capi.h"
#include "catalog/cat.h"

enum { WIDTH = 88, MOST_ENTRIES = 8, MOST_NAME = 64 };

extern const char cat_manual_text[];

/* An entry and those that it has the rest from. */
typedef struct manual {
    const char *entries[MOST_ENTRIES];
    int count;
} manual;

static const char *next_line(const char *line) {
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static int length_of(const char *line) {
    return (int)strcspn(line, "\n");
}

/* --- entries ---------------------------------------------------------------------------------- */

/* An entry's head has the name among its words before '<'. */
static bool is_named(const char *head, mlx_text name) {
    for (const char *p = head + 1; *p == ' ' && p[1] != '<';) {
        int n = (int)strcspn(++p, " \n");
        if (n == name.length && !memcmp(p, name.start, (size_t)n))
            return true;
        p += n;
    }
    return false;
}

static const char *find_entry(mlx_text name) {
    for (const char *line = cat_manual_text; *line; line = next_line(line))
        if ((*line == '#' || *line == '@') && is_named(line, name))
            return line;
    return NULL;
}

static void find_entries(manual *m, mlx_text name) {
    const char *entry;
    while (name.length && m->count < MOST_ENTRIES - 1 && (entry = find_entry(name))) {
        m->entries[m->count++] = entry;
        const char *from = memchr(entry, '<', (size_t)length_of(entry));
        name = from ? (mlx_text){from + 2, length_of(from + 2)} : (mlx_text){"", 0};
    }
    if (m->count)
        m->entries[m->count++] = find_entry((mlx_text){"common", 6});
}

static bool is_inside(const char *line) {
    return *line && !strchr("#@=", *line);
}

/* The first line of the entry that begins with key and the character after it. */
static const char *find_in(const char *entry, mlx_text key, char after) {
    for (const char *line = next_line(entry); is_inside(line); line = next_line(line))
        if (!strncmp(line, key.start, (size_t)key.length) && line[key.length] == after)
            return line;
    return NULL;
}

static const char *find_line(const manual *m, mlx_text key, char after) {
    const char *line = NULL;
    for (int i = 0; i < m->count && !line; i++)
        line = find_in(m->entries[i], key, after);
    return line;
}

/* --- what is written -------------------------------------------------------------------------- */

/* Words after a colon, in lines of some width: `column` characters stand before them, and further
   lines are indented. */
static void put_words(mx_text *t, const char *words, size_t column, size_t indent) {
    for (const char *end = words + length_of(words); words < end;) {
        size_t n = strcspn(words, " \n");
        if (column + 1 + n > WIDTH) {
            mx_text_add(t, "\n%*s", (int)indent, "");
            column = indent + n;
        } else {
            mx_text_char(t, ' ');
            column += 1 + n;
        }
        mx_text_put(t, words, n);
        words += n;
        words += *words == ' ';
    }
    mx_text_char(t, '\n');
}

static void put_parameter(mx_text *t, const mlx_parameter *p, const char *line) {
    size_t before = t->len;
    mx_text_add(t, "    %s%.*s", p->place == MLX_PLACE_REST ? "*" : "", p->name.length,
                p->name.start);
    if (p->type.length)
        mx_text_add(t, " (%.*s)", p->type.length, p->type.start);
    mx_text_char(t, ':');
    put_words(t, line + p->name.length + 2, t->len - before, 8);
}

/* Whether a parameter of this name is written already: overloads share most of theirs. */
static bool is_written(const mx_text *t, mlx_text name) {
    const char *at = mx_text_view(t);
    while ((at = strstr(at, "\n    "))) {
        at += 5;
        at += *at == '*';
        if (!strncmp(at, name.start, (size_t)name.length) && strchr(" :", at[name.length]))
            return true;
    }
    return false;
}

static void put_parameters(mx_text *t, const manual *m, const mlx_operation *op) {
    mlx_signature s;
    if (mlx_signature_parse(&s, op->signature))
        return;
    for (int i = 0; i < s.count; i++) {
        const char *line = find_line(m, s.parameters[i].name, ':');
        if (!line || is_written(t, s.parameters[i].name))
            continue;
        if (!t->len)
            mx_text_str(t, "Args:\n");
        put_parameter(t, &s.parameters[i], line);
    }
}

static void put_head(mx_text *t, const char *head) {
    mx_text_add(t, t->len ? "\n%s:\n" : "%s:\n", head);
}

static void put_result(mx_text *t, const manual *m, const mlx_operation *op) {
    mlx_signature s;
    const char *line = find_line(m, (mlx_text){"->", 2}, ' ');
    if (!line || mlx_signature_parse(&s, op->signature))
        return;
    put_head(t, "Returns");
    size_t before = t->len;
    mx_text_add(t, s.result.length ? "    %.*s:" : "   %.*s", s.result.length, s.result.start);
    put_words(t, line + 3, t->len - before, 8);
}

/* All of the entry that has some. */
static void put_errors(mx_text *t, const manual *m) {
    const char *line = find_line(m, (mlx_text){"!", 1}, ' ');
    if (line)
        put_head(t, "Raises");
    for (; line && *line == '!'; line = next_line(line)) {
        int kind = (int)strcspn(line + 2, ":");
        mx_text_add(t, "    %.*s:", kind, line + 2);
        put_words(t, line + 2 + kind + 2, (size_t)kind + 5, 8);
    }
}

static void put_example(mx_text *t, const manual *m) {
    const char *line = find_in(m->entries[0], (mlx_text){">>>", 3}, ' ');
    if (line)
        put_head(t, "Example");
    for (; line && is_inside(line) && *line != '\n'; line = next_line(line))
        mx_text_add(t, "    %.*s\n", length_of(line), line);
}

/* --- operations ------------------------------------------------------------------------------- */

/* How manual.txt calls it: methods as the functions of their names. */
static mlx_text entry_name(char room[MOST_NAME], const mlx_operation *op) {
    const char *module = op->module + sizeof CORE - 1;
    module = !*module || !strcmp(op->module, METHOD) ? "" : module + 1;
    int n = snprintf(room, MOST_NAME, "%s%s%.*s", module, *module ? "." : "",
                     (int)strcspn(op->signature, "( "), op->signature);
    return (mlx_text){room, n < MOST_NAME ? n : 0};
}

static bool is_same_name(const mlx_operation *a, const mlx_operation *b) {
    size_t n = strcspn(a->signature, "( ");
    return !strcmp(a->module, b->module) && n == strcspn(b->signature, "( ") &&
           !memcmp(a->signature, b->signature, n);
}

static void put_all(mx_text *t, const manual *m, const mlx_operation *op) {
    const mlx_operation *row;
    for (size_t i = 0; (row = mlx_catalog_get(i)); i++)
        if (is_same_name(row, op))
            put_parameters(t, m, row);
    put_result(t, m, op);
    put_errors(t, m);
    put_example(t, m);
}

int mlx_operation_manual(mlx_string *res, const mlx_operation *op) {
    mx_error_clear();
    if (!res || !op)
        return cat_fail(MX_INVALID, "[operation_manual] the %s NULL",
                        res ? "operation is" : "result is");
    char room[MOST_NAME];
    manual m = {.count = 0};
    mx_text t = {0};
    if (!strncmp(op->module, CORE, sizeof CORE - 1))
        find_entries(&m, entry_name(room, op));
    if (m.count)
        put_all(&t, &m, op);
    if (!t.failed && !t.len)
        return capi_done(capi_put_string(res, ""));
    return capi_done(capi_take_string(res, mx_text_take(&t)));
}
