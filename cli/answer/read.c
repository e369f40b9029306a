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
    static const char *const ids[] = {"id", "tool_call_id", NULL};
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

static size_t skip_between(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && (isspace((unsigned char)text[i]) || text[i] == ';' || text[i] == ','))
        i++;
    return i;
}

static bool each_value(const char *body, size_t n, answer_call *call, void *to) {
    size_t at = skip_between(body, n);
    bool ok = at < n;
    while (ok && at < n) {
        answer_part rest = {body + at, body + n}, value = cli_written_value(&rest);
        ok = value.at && give_all(value, call, to);
        at = (size_t)(rest.at - body);
        at += skip_between(body + at, n - at);
    }
    return ok;
}

/* {"name": ..., "arguments": {...}}, one or more, or lists of them. */
bool cli_answer_read_json(const answer_body *body, answer_call *call, void *to) {
    return each_value(body->text, body->n, NULL, NULL) && each_value(body->text, body->n, call, to);
}

bool cli_answer_inside_json(answer_part body) {
    const char *brace = memchr(body.at, '{', (size_t)(body.end - body.at));
    return brace && cli_written_in_text((answer_part){brace, body.end});
}

/* --- the name before the arguments ------------------------------------------------------------ */

/* The name that ends at `end`, back to where words of no name begin. */
static char *name_before(const char *begin, const char *end) {
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    const char *at = end;
    while (at > begin && (isalnum((unsigned char)at[-1]) || strchr("_-.", at[-1])))
        at--;
    return at < end ? strndup(at, (size_t)(end - at)) : NULL;
}

/* Words between a name and its arguments. */
static const char *const between[] = {"<｜tool▁sep｜>", "[ARGS]", "[CALL_ID]", ">", NULL};

static const char *end_of_name(const char *body, const char *brace) {
    const char *first = brace;
    for (size_t i = 0; between[i]; i++) {
        const char *found = strstr(body, between[i]);
        if (found && found < first)
            first = found;
    }
    return first;
}

/* "function<sep>name\n```json\n{" has the name behind its separator. */
static const char *begin_of_name(const char *body) {
    static const char old[] = "function<｜tool▁sep｜>";
    size_t n = sizeof old - 1;
    return strncmp(body, old, n) == 0 ? body + n : body;
}

/* A call whose arguments stand at the beginning. */
static bool give_object(const char *name, answer_part rest, answer_call *call, void *to) {
    answer_part value = cli_written_value(&rest);
    return value.at && *value.at == '{' && cli_answer_give(call, to, name, NULL, value);
}

/* name SEPARATOR {...}, with what stands around the JSON; or JSON alone. */
bool cli_answer_read_named(const answer_body *body, answer_call *call, void *to) {
    const char *text = body->text;
    size_t skipped = skip_between(text, body->n);
    if (text[skipped] == '[' && strncmp(text + skipped, "[ARGS]", 6) != 0)
        return cli_answer_read_json(body, call, to);
    const char *begin = begin_of_name(text + skipped), *brace = strchr(begin, '{');
    const char *fence = brace ? strstr(begin, "```") : NULL;
    char *name =
        brace ? name_before(begin, end_of_name(begin, fence && fence < brace ? fence : brace))
              : NULL;
    bool ok = name && give_object(name, (answer_part){brace, text + body->n}, call, to);
    free(name);
    return ok || (!name && cli_answer_read_json(body, call, to));
}

/* --- the name in the words before ------------------------------------------------------------- */

static const char addressed[] = "to=functions.";

const char *cli_answer_head_name(const char *head, size_t *n) {
    if (!head || !*head)
        return NULL;
    const char *at = strstr(head, addressed);
    if (at)
        at += sizeof addressed - 1;
    *n = at ? strcspn(at, " <\n\t") : strlen(head);
    return at ? at : head;
}

/* {...}: the arguments alone. */
bool cli_answer_read_headed(const answer_body *body, answer_call *call, void *to) {
    size_t length = 0;
    const char *at = cli_answer_head_name(body->head, &length);
    char *name = at ? strndup(at, length) : NULL;
    bool ok = name && *name &&
              give_object(name, (answer_part){body->text, body->text + body->n}, call, to);
    free(name);
    return ok;
}

int cli_answer_head_leads(const char *head) {
    if (strstr(head, addressed))
        return IN_CALL;
    return strstr(head, "analysis") ? IN_REASONING : IN_TEXT;
}
