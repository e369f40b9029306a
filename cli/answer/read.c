/* Calls out of the texts in which models write them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"
#include "output/output.h"

enum { MOST_DEPTH = 64 };

/* The JSON value at the beginning of n bytes; *used of them. NULL: there is none. */
static json_t *value_at(const char *text, size_t n, size_t *used) {
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
    json_t *value = json_is_string(given)
                        ? value_at(json_string_value(given), json_string_length(given), &used)
                        : json_incref((json_t *)given);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

static bool give(const json_t *o, answer_call *call, void *to) {
    static const char *const names[] = {"name", "tool_name", "function", NULL};
    static const char *const ids[] = {"id", "tool_call_id", NULL};
    static const char *const arguments[] = {"arguments", "parameters", "args", NULL};
    const char *name = json_string_value(first_of(o, names));
    json_t *value = name && *name ? arguments_of(first_of(o, arguments)) : NULL;
    bool ok = value && (!call || call(to, name, json_string_value(first_of(o, ids)), value));
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
        json_t *value = value_at(body + at, n - at, &used);
        ok = value && give_all(value, call, to);
        at += used;
        at += skip_between(body + at, n - at);
        json_decref(value);
    }
    return ok;
}

/* {"name": ..., "arguments": {...}}, one or more, or lists of them. */
bool cli_answer_read_json(const char *body, size_t n, const char *head, answer_call *call,
                          void *to) {
    (void)head;
    return each_value(body, n, NULL, NULL) && each_value(body, n, call, to);
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
bool cli_answer_read_named(const char *body, size_t n, const char *head, answer_call *call,
                           void *to) {
    size_t used, skipped = skip_between(body, n);
    if (body[skipped] == '[' && strncmp(body + skipped, "[ARGS]", 6) != 0)
        return cli_answer_read_json(body, n, head, call, to);
    const char *begin = begin_of_name(body + skipped), *brace = strchr(begin, '{');
    const char *fence = brace ? strstr(begin, "```") : NULL;
    char *name =
        brace ? name_before(begin, end_of_name(begin, fence && fence < brace ? fence : brace))
              : NULL;
    json_t *value = name ? value_at(brace, n - (size_t)(brace - body), &used) : NULL;
    bool ok = json_is_object(value) && call(to, name, NULL, value);
    json_decref(value);
    free(name);
    return ok || (!name && cli_answer_read_json(body, n, head, call, to));
}

/* --- the name in the words before ------------------------------------------------------------- */

const char *cli_answer_head_name(const char *head, size_t *n) {
    static const char word[] = "to=functions.";
    const char *at = head ? strstr(head, word) : NULL;
    if (!at)
        return NULL;
    at += sizeof word - 1;
    *n = strcspn(at, " <\n\t");
    return at;
}

bool cli_answer_read_headed(const char *body, size_t n, const char *head, answer_call *call,
                            void *to) {
    size_t used, length = 0;
    const char *at = cli_answer_head_name(head, &length);
    char *name = at ? strndup(at, length) : NULL;
    json_t *value = name && *name ? value_at(body, n, &used) : NULL;
    bool ok = json_is_object(value) && call(to, name, NULL, value);
    json_decref(value);
    free(name);
    return ok;
}

int cli_answer_head_leads(const char *head) {
    size_t n;
    if (cli_answer_head_name(head, &n))
        return IN_CALL;
    return strstr(head, "analysis") ? IN_REASONING : IN_TEXT;
}
