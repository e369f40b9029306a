/* Calls out of the texts in which models write them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

static bool is_key(answer_part key, const char *name) {
    size_t n = (size_t)(key.end - key.at) - 2;
    if (!memchr(key.at, '\\', n + 2))
        return n == strlen(name) && memcmp(key.at + 1, name, n) == 0;
    char *text = cli_written_text(key);
    bool is = text && strcmp(text, name) == 0;
    free(text);
    return is;
}

/* The value under the first of `names` that an object has; {NULL}: it has none. False: it has that
   name twice. */
static bool first_of(answer_part object, const char *const *names, answer_part *value) {
    *value = (answer_part){NULL, NULL};
    for (; !value->at && *names; names++) {
        answer_part rest = object, key, item;
        while (cli_written_next(&rest, &key, &item)) {
            bool is = is_key(key, *names);
            if (is && value->at)
                return false;
            if (is)
                *value = item;
        }
    }
    return true;
}

/* The arguments: an object, or a text that is one (*made, for free, then). {NULL}: neither. */
static answer_part arguments_of(answer_part given, char **made) {
    static const char none[] = "{}";
    *made = NULL;
    if (!given.at)
        return (answer_part){none, none + 2};
    if (*given.at == '"') {
        *made = cli_written_text(given);
        answer_part text = {*made, *made ? *made + strlen(*made) : NULL};
        given = cli_written_value(&text);
    }
    return given.at && *given.at == '{' ? given : (answer_part){NULL, NULL};
}

bool cli_answer_give(answer_call *call, void *to, const char *name, const char *id,
                     answer_part arguments) {
    return !call || call(to, name, id, arguments);
}

static bool give(answer_part o, answer_call *call, void *to) {
    static const char *const names[] = {"name", "tool_name", "function", NULL};
    static const char *const ids[] = {"id", NULL}; // "tool_call_id" counts, from 0 on
    static const char *const keys[] = {"arguments", "parameters", "args", NULL};
    answer_part name, id, given;
    if (*o.at != '{' || !first_of(o, names, &name) || !first_of(o, ids, &id) ||
        !first_of(o, keys, &given))
        return false;
    char *made, *named = cli_written_text(name), *identity = cli_written_text(id);
    answer_part value = arguments_of(given, &made);
    bool ok = named && *named && value.at && cli_answer_give(call, to, named, identity, value);
    free(made);
    free(named);
    free(identity);
    return ok;
}

/* One value: a call, or a list of calls. */
static bool give_all(answer_part value, answer_call *call, void *to) {
    answer_part rest = value, key, item;
    bool any = false;
    if (*value.at != '[')
        return give(value, call, to);
    while (cli_written_next(&rest, &key, &item)) {
        if (!give(item, call, to))
            return false;
        any = true;
    }
    return any;
}

static void skip_between(answer_part *r) {
    while (r->at < r->end && (isspace((unsigned char)*r->at) || *r->at == ';' || *r->at == ','))
        r->at++;
}

/* {"name": ..., "arguments": {...}}, one or more, or lists of them. */
bool cli_answer_read_json(const answer_body *body, answer_call *call, void *to, answer_part *rest) {
    answer_part r = {body->text, body->text + body->n}, value;
    bool any = false;
    skip_between(&r);
    while ((value = cli_written_value(&r)).at && give_all(value, NULL, NULL)) {
        if (call && !give_all(value, call, to))
            return false;
        any = true;
        *rest = r;
        skip_between(&r);
    }
    return any;
}

bool cli_answer_inside_json(answer_part body) {
    const char *brace = memchr(body.at, '{', (size_t)(body.end - body.at));
    return brace && cli_written_in_text((answer_part){brace, body.end});
}

/* --- the name before the arguments ------------------------------------------------------------ */

char *cli_answer_take_name(answer_part *rest, const char *more) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    cli_written_skip(rest);
    const char *from = rest->at;
    while (rest->at < rest->end && *rest->at &&
           ((unsigned char)*rest->at >= 0x80 || strchr(letters, *rest->at) ||
            strchr(more, *rest->at)))
        rest->at++;
    return rest->at > from ? strndup(from, (size_t)(rest->at - from)) : NULL;
}

/* A call whose arguments stand at the beginning of what follows. */
static bool give_object(const char *name, const char *id, answer_part *r, answer_call *call,
                        void *to) {
    answer_part value = cli_written_value(r);
    return name && value.at && *value.at == '{' && cli_answer_give(call, to, name, id, value);
}

/* "[CALL_ID]ID"; NULL: there is none. */
static char *take_id(answer_part *r) {
    return cli_written_skip_word(r, "[CALL_ID]") ? cli_answer_take_name(r, "-.") : NULL;
}

/* Words between a name and its arguments. */
static void skip_separator(answer_part *r) {
    static const char *const between[] = {"<｜tool▁sep｜>", "[ARGS]", ">", NULL};
    size_t i = 0;
    cli_written_skip(r);
    while (between[i] && !cli_written_skip_word(r, between[i]))
        i++;
}

static bool skip_fence(answer_part *r) {
    cli_written_skip(r);
    return cli_written_skip_word(r, "```") && (cli_written_skip_word(r, "json") || true);
}

/* The end of a fence, as far as it has come. */
static void skip_fence_end(answer_part *r) {
    answer_part end = *r;
    cli_written_skip(&end);
    for (int i = 0; i < 3 && end.at < end.end && *end.at == '`'; i++)
        end.at++;
    *r = end;
}

/* NAME SEPARATOR {...}, which a fence may be around; or JSON alone. "function<sep>NAME" is the older
   way to begin. */
bool cli_answer_read_named(const answer_body *body, answer_call *call, void *to,
                           answer_part *rest) {
    answer_part r = {body->text, body->text + body->n};
    cli_written_skip(&r);
    cli_written_skip_word(&r, "function<｜tool▁sep｜>");
    char *name = cli_answer_take_name(&r, "-."), *id = take_id(&r);
    skip_separator(&r);
    bool fenced = skip_fence(&r), ok = give_object(name, id, &r, call, to);
    if (ok && fenced)
        skip_fence_end(&r);
    if (ok)
        *rest = r;
    free(id);
    free(name);
    return ok || (!name && cli_answer_read_json(body, call, to, rest));
}

/* {...}: the arguments alone. */
bool cli_answer_read_headed(const answer_body *body, answer_call *call, void *to,
                            answer_part *rest) {
    size_t length = 0;
    const char *at = cli_answer_head_name(body->head, &length);
    char *name = at && length ? strndup(at, length) : NULL;
    *rest = (answer_part){body->text, body->text + body->n};
    bool ok = give_object(name, NULL, rest, call, to);
    free(name);
    return ok;
}
