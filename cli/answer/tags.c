/* Calls that are written as XML, with each value on its own. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

/* What is still to be read. */
typedef struct rest {
    const char *at, *end;
} rest;

static void skip_spaces(rest *r) {
    while (r->at < r->end && isspace((unsigned char)*r->at))
        r->at++;
}

static bool skip(rest *r, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

/* What stands before `word`, which is read; {NULL}: it is not there. */
static rest before(rest *r, const char *word) {
    const char *found = memmem(r->at, (size_t)(r->end - r->at), word, strlen(word));
    rest part = {found ? r->at : NULL, found};
    if (found)
        r->at = found + strlen(word);
    return part;
}

/* A name without the spaces around it, for free; NULL: it is none. */
static char *name_in(rest part) {
    skip_spaces(&part);
    while (part.at < part.end && isspace((unsigned char)part.end[-1]))
        part.end--;
    size_t n = (size_t)(part.end - part.at);
    bool ok = n && !memchr(part.at, '<', n) && !memchr(part.at, '\n', n);
    return ok ? strndup(part.at, n) : NULL;
}

static bool put_value(json_t *arguments, const answer_body *body, const char *name, const char *key,
                      rest value) {
    if (!key || json_object_get(arguments, key))
        return false;
    json_t *made =
        cli_answer_typed(body->tools, name, key, value.at, (size_t)(value.end - value.at));
    return made && json_object_set_new(arguments, key, made) == 0;
}

/* --- <function=NAME> <parameter=KEY> VALUE </parameter> </function> --------------------------- */

/* A parameter ends where another or the call's end follows: its text may be of this kind, too. */
static rest parameter_value(rest *r) {
    static const char close[] = "</parameter>";
    const char *from = r->at;
    for (;;) {
        rest part = before(r, close), next = *r;
        if (!part.at)
            return part;
        skip_spaces(&next);
        if (next.at == next.end || skip(&next, "<parameter=") || skip(&next, "</function>"))
            return (rest){from, part.end};
    }
}

/* One line's end on each side is the template's. */
static rest without_ends(rest value) {
    value.at += value.at < value.end && *value.at == '\n';
    value.end -= value.at < value.end && value.end[-1] == '\n';
    return value;
}

static bool read_parameters(rest *r, const answer_body *body, const char *name, json_t *arguments) {
    for (skip_spaces(r); skip(r, "<parameter="); skip_spaces(r)) {
        rest part = before(r, ">"), value = {NULL, NULL};
        char *key = part.at ? name_in(part) : NULL;
        if (key)
            value = parameter_value(r);
        bool ok = value.at && put_value(arguments, body, name, key, without_ends(value));
        free(key);
        if (!ok)
            return false;
    }
    skip(r, "</function>");
    skip_spaces(r);
    return r->at == r->end;
}

/* --- NAME <arg_key>KEY</arg_key> <arg_value>VALUE</arg_value> --------------------------------- */

static bool read_pairs(rest *r, const answer_body *body, const char *name, json_t *arguments) {
    for (skip_spaces(r); skip(r, "<arg_key>"); skip_spaces(r)) {
        rest part = before(r, "</arg_key>"), value = {NULL, NULL};
        char *key = part.at ? name_in(part) : NULL;
        skip_spaces(r);
        if (key && skip(r, "<arg_value>"))
            value = before(r, "</arg_value>");
        bool ok = value.at && put_value(arguments, body, name, key, value);
        free(key);
        if (!ok)
            return false;
    }
    return r->at == r->end;
}

/* --- both ------------------------------------------------------------------------------------- */

typedef bool arguments_reader(rest *r, const answer_body *body, const char *name,
                              json_t *arguments);

static bool read_arguments(rest *r, const answer_body *body, char *name, arguments_reader *read,
                           answer_call *call, void *to) {
    json_t *arguments = json_object();
    bool ok = name && arguments && read(r, body, name, arguments) &&
              cli_answer_give(call, to, name, NULL, arguments);
    json_decref(arguments);
    free(name);
    return ok;
}

static bool is_json(rest r) {
    return r.at < r.end && strchr("{[", *r.at);
}

bool cli_answer_read_parameters(const answer_body *body, answer_call *call, void *to) {
    static const char opening[] = "<function=";
    rest r = {body->text, body->text + body->n};
    skip_spaces(&r);
    if (is_json(r))
        return cli_answer_read_json(body, call, to);
    if (strcmp(body->lead, opening) != 0 && !skip(&r, opening))
        return false;
    rest name = before(&r, ">");
    return name.at && read_arguments(&r, body, name_in(name), read_parameters, call, to);
}

bool cli_answer_read_pairs(const answer_body *body, answer_call *call, void *to) {
    rest r = {body->text, body->text + body->n};
    skip_spaces(&r);
    if (is_json(r))
        return cli_answer_read_json(body, call, to);
    const char *end = memmem(r.at, (size_t)(r.end - r.at), "<arg_key>", 9);
    rest name = {r.at, end ? end : r.end};
    r.at = name.end;
    return read_arguments(&r, body, name_in(name), read_pairs, call, to);
}
