/* Calls that are written as Python: [name(key="text", other=[1, True, None]), ...]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

/* KEY=VALUE, KEY=VALUE) */
static bool put_arguments(answer_part *r, FILE *to) {
    const char *between = "";
    while (!cli_written_take(r, ')')) {
        if (*between && !cli_written_take(r, ','))
            return false;
        if (*between && cli_written_take(r, ')'))
            return true;
        char *key = cli_answer_take_name(r, ".-");
        bool ok = key && cli_written_take(r, '=') && fprintf(to, "%s\"%s\":", between, key) > 0 &&
                  cli_answer_put_literal(r, to);
        free(key);
        if (!ok)
            return false;
        between = ",";
    }
    return true;
}

/* The arguments as JSON, for free; NULL: they are none. */
static char *arguments_of(answer_part *r, size_t *n) {
    char *text = NULL;
    FILE *to = open_memstream(&text, n);
    bool ok = to && putc('{', to) == '{' && cli_written_take(r, '(') && put_arguments(r, to) &&
              putc('}', to) == '}';
    return cli_written_done(to, &text, ok);
}

static bool read_call(answer_part *r, answer_call *call, void *to) {
    size_t n = 0;
    char *name = cli_answer_take_name(r, ".-"), *text = name ? arguments_of(r, &n) : NULL;
    answer_part made = {text, text ? text + n : NULL}, whole = {NULL, NULL};
    if (text)
        whole = cli_written_value(&made);
    bool ok = whole.at && made.at == made.end && cli_answer_give(call, to, name, NULL, whole);
    free(text);
    free(name);
    return ok;
}

/* f(), g() or [f(), g()]; *r is what follows. */
static bool read_list(answer_part *r, answer_call *call, void *to) {
    bool listed = cli_written_take(r, '[');
    answer_part at = *r;
    bool ok = read_call(&at, call, to);
    for (*r = at; ok; *r = at) {
        if (!cli_written_take(&at, ',') || (listed && cli_written_is_next(&at, "]")))
            break;
        bool more = read_call(&at, call, to);
        if (!more)
            return !listed;
    }
    *r = listed ? at : *r;
    return ok && (!listed || cli_written_take(r, ']'));
}

static bool read_calls(answer_part *r, answer_call *call, void *to) {
    bool any = false;
    for (answer_part at = *r; read_list(&at, call, to); any = true) {
        *r = at;
        if (!cli_written_is_next(&at, "["))
            return true;
    }
    return any;
}

static bool is_json(answer_part r) {
    cli_written_take(&r, '[');
    return cli_written_is_next(&r, "{");
}

bool cli_answer_read_python(const answer_body *body, answer_call *call, void *to,
                            answer_part *rest) {
    answer_part r = {body->text, body->text + body->n};
    if (is_json(r))
        return cli_answer_read_json(body, call, to, rest);
    *rest = r;
    if (!read_calls(rest, NULL, NULL))
        return false;
    r.end = rest->at; // those that were read, and no more
    return !call || read_calls(&r, call, to);
}

/* Calls have their texts within brackets. What has no end on its line has none. */
bool cli_answer_inside_python(answer_part body) {
    int depth = 0;
    if (is_json(body))
        return cli_answer_inside_json(body);
    while (body.at < body.end) {
        char c = *body.at;
        depth += !!memchr("([{", c, 3) - !!memchr(")]}", c, 3);
        if (depth > 0 && !cli_answer_pass_text(&body))
            return body.at == body.end;
        body.at += depth <= 0;
        if (depth <= 0 && memchr(")]}", c, 3) && !cli_written_is_next(&body, ","))
            return false;
    }
    return false;
}
