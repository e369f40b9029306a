/* Calls out of the texts in which models write them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"
#include "output/output.h"

enum { MOST_DEPTH = 64 };

json_t *cli_answer_value(const char *text, size_t n, size_t *used) {
    json_error_t error;
    size_t flags = JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    *used = 0;
    if (!cli_json_is_shallow(text, n, MOST_DEPTH))
        return NULL;
    json_t *value = json_loadb(text, n, flags, &error);
    *used = value ? (size_t)error.position : 0;
    return value;
}

static const json_t *first_of(const json_t *object, const char *const *names) {
    for (; *names; names++)
        if (json_object_get(object, *names))
            return json_object_get(object, *names);
    return NULL;
}

/* The arguments: an object, or a text that is one. For json_decref; NULL: neither. */
static json_t *arguments_of(const json_t *given) {
    size_t used;
    if (!given)
        return json_object();
    json_t *value = json_is_string(given) ? cli_answer_value(json_string_value(given),
                                                             json_string_length(given), &used)
                                          : json_incref((json_t *)given);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

bool cli_answer_give(answer_call *call, void *to, const char *name, const char *id,
                     const json_t *arguments) {
    return !call || call(to, name, id, arguments);
}

static bool give(const json_t *o, answer_call *call, void *to) {
    static const char *const names[] = {"name", "tool_name", "function", NULL};
    static const char *const ids[] = {"id", "tool_call_id", NULL};
    static const char *const arguments[] = {"arguments", "parameters", "args", NULL};
    const char *name = json_string_value(first_of(o, names));
    json_t *value = name && *name ? arguments_of(first_of(o, arguments)) : NULL;
    bool ok = value && cli_answer_give(call, to, name, json_string_value(first_of(o, ids)), value);
    json_decref(value);
    return ok;
}

/* One value: a call, or a list of calls. */
static bool give_all(const json_t *value, answer_call *call, void *to) {
    const json_t *item;
    size_t i;
    if (!json_is_array(value))
        return give(value, call, to);
    json_array_foreach(value, i, item) if (!give(item, call, to)) return false;
    return json_array_size(value) > 0;
}

static size_t skip_between(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && (isspace((unsigned char)text[i]) || text[i] == ';' || text[i] == ','))
        i++;
    return i;
}

static bool each_value(const char *body, size_t n, answer_call *call, void *to) {
    size_t at = skip_between(body, n), used;
    bool ok = at < n;
    while (ok && at < n) {
        json_t *value = cli_answer_value(body + at, n - at, &used);
        ok = value && give_all(value, call, to);
        at += used;
        at += skip_between(body + at, n - at);
        json_decref(value);
    }
    return ok;
}

/* {"name": ..., "arguments": {...}}, one or more, or lists of them. */
bool cli_answer_read_json(const answer_body *body, answer_call *call, void *to) {
    return each_value(body->text, body->n, NULL, NULL) && each_value(body->text, body->n, call, to);
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

/* name SEPARATOR {...}, with what stands around the JSON; or JSON alone. */
bool cli_answer_read_named(const answer_body *body, answer_call *call, void *to) {
    const char *text = body->text;
    size_t used, skipped = skip_between(text, body->n);
    if (text[skipped] == '[' && strncmp(text + skipped, "[ARGS]", 6) != 0)
        return cli_answer_read_json(body, call, to);
    const char *begin = begin_of_name(text + skipped), *brace = strchr(begin, '{');
    const char *fence = brace ? strstr(begin, "```") : NULL;
    char *name =
        brace ? name_before(begin, end_of_name(begin, fence && fence < brace ? fence : brace))
              : NULL;
    json_t *value = name ? cli_answer_value(brace, body->n - (size_t)(brace - text), &used) : NULL;
    bool ok = json_is_object(value) && cli_answer_give(call, to, name, NULL, value);
    json_decref(value);
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
    size_t used, length = 0;
    const char *at = cli_answer_head_name(body->head, &length);
    char *name = at ? strndup(at, length) : NULL;
    json_t *value = name && *name ? cli_answer_value(body->text, body->n, &used) : NULL;
    bool ok = json_is_object(value) && cli_answer_give(call, to, name, NULL, value);
    json_decref(value);
    free(name);
    return ok;
}

int cli_answer_head_leads(const char *head) {
    if (strstr(head, addressed))
        return IN_CALL;
    return strstr(head, "analysis") ? IN_REASONING : IN_TEXT;
}
