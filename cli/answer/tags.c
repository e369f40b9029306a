/* Calls that are written as XML, with each value on its own. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

/* A name without the spaces around it, for free; NULL: it is none. */
static char *name_in(answer_part part) {
    cli_written_skip(&part);
    while (part.at < part.end && isspace((unsigned char)part.end[-1]))
        part.end--;
    size_t n = (size_t)(part.end - part.at);
    bool ok = n && !memchr(part.at, '<', n) && !memchr(part.at, '\n', n);
    return ok ? strndup(part.at, n) : NULL;
}

/* Arguments in the making: an object. */
typedef struct made {
    FILE *to;
    const char *between;
} made;

static bool put_value(made *m, const answer_body *body, const char *name, const char *key,
                      answer_part text) {
    char *quoted = cli_answer_quoted(key, strlen(key));
    char *value = cli_answer_typed(body->tools, name, key, text);
    bool ok = quoted && value && fprintf(m->to, "%s%s:%s", m->between, quoted, value) > 0;
    m->between = ",";
    free(quoted);
    free(value);
    return ok;
}

/* --- <function=NAME> <parameter=KEY> VALUE </parameter> </function> --------------------------- */
/* Between values nothing tells a call that was cut from a whole one, but its end. */

/* A parameter ends where another or the call's end follows: its text may be of this kind, too. */
static answer_part parameter_value(answer_part *r) {
    static const char close[] = "</parameter>";
    const char *from = r->at;
    for (;;) {
        answer_part part = cli_written_before(r, close), next = *r;
        if (!part.at)
            return part;
        cli_written_skip(&next);
        if (next.at == next.end || cli_written_skip_word(&next, "<parameter=") ||
            cli_written_skip_word(&next, "</function>"))
            return (answer_part){from, part.end};
    }
}

/* One line's end on each side is the template's. */
static answer_part without_ends(answer_part value) {
    value.at += value.at < value.end && *value.at == '\n';
    value.end -= value.at < value.end && value.end[-1] == '\n';
    return value;
}

static bool read_parameters(answer_part *r, const answer_body *body, const char *name,
                            made *arguments) {
    for (cli_written_skip(r); cli_written_skip_word(r, "<parameter="); cli_written_skip(r)) {
        answer_part part = cli_written_before(r, ">"), value = {NULL, NULL};
        char *key = part.at ? name_in(part) : NULL;
        if (key)
            value = parameter_value(r);
        bool ok = value.at && put_value(arguments, body, name, key, without_ends(value));
        free(key);
        if (!ok)
            return false;
    }
    bool ended = cli_written_skip_word(r, "</function>") || !body->cut;
    cli_written_skip(r);
    return ended && r->at == r->end;
}

/* --- NAME <arg_key>KEY</arg_key> <arg_value>VALUE</arg_value> --------------------------------- */

static bool read_pairs(answer_part *r, const answer_body *body, const char *name, made *arguments) {
    for (cli_written_skip(r); cli_written_skip_word(r, "<arg_key>"); cli_written_skip(r)) {
        answer_part part = cli_written_before(r, "</arg_key>"), value = {NULL, NULL};
        char *key = part.at ? name_in(part) : NULL;
        cli_written_skip(r);
        if (key && cli_written_skip_word(r, "<arg_value>"))
            value = cli_written_before(r, "</arg_value>");
        bool ok = value.at && put_value(arguments, body, name, key, value);
        free(key);
        if (!ok)
            return false;
    }
    return !body->cut && r->at == r->end;
}

/* --- both ------------------------------------------------------------------------------------- */

typedef bool arguments_reader(answer_part *r, const answer_body *body, const char *name,
                              made *arguments);

/* The arguments as JSON, for free; NULL: they are none. */
static char *make_arguments(answer_part *r, const answer_body *body, const char *name,
                            arguments_reader *read, size_t *n) {
    char *text = NULL;
    made m = {open_memstream(&text, n), ""};
    bool ok = m.to && putc('{', m.to) == '{' && read(r, body, name, &m) && putc('}', m.to) == '}';
    return cli_written_done(m.to, &text, ok);
}

/* All of the body is of the call. */
static bool read_arguments(answer_part *r, const answer_body *body, char *name,
                           arguments_reader *read, answer_call *call, void *to) {
    size_t n;
    char *text = name ? make_arguments(r, body, name, read, &n) : NULL;
    bool ok = text && cli_answer_give(call, to, name, NULL, (answer_part){text, text + n});
    free(text);
    free(name);
    return ok;
}

static bool is_json(answer_part r) {
    return r.at < r.end && strchr("{[", *r.at);
}

bool cli_answer_read_parameters(const answer_body *body, answer_call *call, void *to,
                                answer_part *rest) {
    static const char opening[] = "<function=";
    answer_part r = {body->text, body->text + body->n};
    cli_written_skip(&r);
    if (is_json(r))
        return cli_answer_read_json(body, call, to, rest);
    if (strcmp(body->lead, opening) != 0 && !cli_written_skip_word(&r, opening))
        return false;
    *rest = (answer_part){r.end, r.end};
    answer_part name = cli_written_before(&r, ">");
    return name.at && read_arguments(&r, body, name_in(name), read_parameters, call, to);
}

bool cli_answer_read_pairs(const answer_body *body, answer_call *call, void *to,
                           answer_part *rest) {
    answer_part r = {body->text, body->text + body->n};
    cli_written_skip(&r);
    if (is_json(r))
        return cli_answer_read_json(body, call, to, rest);
    const char *end = memmem(r.at, (size_t)(r.end - r.at), "<arg_key>", 9);
    answer_part name = {r.at, end ? end : r.end};
    *rest = (answer_part){r.end, r.end};
    r.at = name.end;
    return read_arguments(&r, body, name_in(name), read_pairs, call, to);
}

/* The last opening of `word` in a text; NULL: there is none. */
static const char *last_of(answer_part text, const char *word) {
    const char *last = NULL;
    for (answer_part part; (part = cli_written_before(&text, word)).at;)
        last = part.end;
    return last;
}

bool cli_answer_inside_pair(answer_part body) {
    answer_part start = body;
    cli_written_skip(&start);
    if (is_json(start))
        return cli_answer_inside_json(body);
    const char *opened = last_of(body, "<arg_value>"), *closed = last_of(body, "</arg_value>");
    return opened && (!closed || closed < opened);
}
