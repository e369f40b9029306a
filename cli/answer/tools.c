/* What the tools of a request say about a call: names, and the types of its values. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"
#include "output/output.h"

static const json_t *function_at(const json_t *tools, size_t i, const char **name) {
    const json_t *f = json_object_get(json_array_get(tools, i), "function");
    *name = json_string_value(json_object_get(f, "name"));
    return f;
}

/* --- lines ------------------------------------------------------------------------------------ */

static answer_line line_of(const char *text, size_t n, const char *name) {
    size_t length = strlen(name);
    if (memcmp(text, name, n < length ? n : length) != 0)
        return LINE_OTHER;
    if (n <= length)
        return LINE_MAY;
    return text[length] == '\n' ? LINE_NAMES : LINE_OTHER;
}

answer_line cli_answer_line(const cli_answer_style *style, const json_t *tools, const char *text,
                            size_t n, const char **name) {
    answer_line most = LINE_OTHER, is;
    *name = style->says;
    if (style->says && (most = line_of(text, n, style->says)) == LINE_NAMES)
        return most;
    for (size_t i = 0; i < json_array_size(tools); i++) {
        function_at(tools, i, name);
        is = *name ? line_of(text, n, *name) : LINE_OTHER;
        if (is == LINE_NAMES)
            return is;
        most = is > most ? is : most;
    }
    return most;
}

/* --- types ------------------------------------------------------------------------------------ */

enum {
    TEXT = 1,
    NUMBER = 2,
    INTEGER = 4,
    BOOLEAN = 8,
    NOTHING = 16,
    OBJECT = 32,
    LIST = 64,
    ANY = 127
};
enum { MOST_DEPTH = 8, MOST_STEPS = 256 };

static unsigned type_named(const char *word) {
    static const struct {
        const char *word;
        unsigned type;
    } rows[] = {
        {"string", TEXT},  {"number", NUMBER | INTEGER}, {"integer", INTEGER}, {"boolean", BOOLEAN},
        {"null", NOTHING}, {"object", OBJECT},           {"array", LIST}};
    for (size_t i = 0; word && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].type;
    return 0;
}

static unsigned type_of_value(const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_STRING: return TEXT;
    case JSON_INTEGER: return INTEGER;
    case JSON_REAL: return json_real_value(v) == floor(json_real_value(v)) ? INTEGER : NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return BOOLEAN;
    case JSON_NULL: return NOTHING;
    case JSON_OBJECT: return OBJECT;
    default: return LIST;
    }
}

static unsigned types_of(const json_t *root, const json_t *schema, int depth, int *steps);

static unsigned types_of_any(const json_t *root, const json_t *list, int depth, int *steps) {
    const json_t *one;
    unsigned types = 0;
    size_t i;
    json_array_foreach(list, i, one) types |= types_of(root, one, depth, steps);
    return types;
}

static unsigned named_types(const json_t *type) {
    unsigned types = type_named(json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        types |= type_named(json_string_value(json_array_get(type, i)));
    return types;
}

static unsigned types_of_enum(const json_t *schema) {
    const json_t *list = json_object_get(schema, "enum"), *one = json_object_get(schema, "const");
    unsigned types = one ? type_of_value(one) : 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        types |= type_of_value(json_array_get(list, i));
    return types;
}

/* Those that a schema allows, as far as it says so at once; 0: it does not. */
static unsigned types_of(const json_t *root, const json_t *schema, int depth, int *steps) {
    static const char *const lists[] = {"anyOf", "oneOf", "allOf"};
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (depth == MOST_DEPTH || ++*steps > MOST_STEPS)
        return 0;
    unsigned types = named_types(json_object_get(schema, "type"));
    if (!types)
        types = types_of_enum(schema);
    for (size_t i = 0; !types && i < 3; i++)
        types = types_of_any(root, json_object_get(schema, lists[i]), depth + 1, steps);
    if (!types && reference)
        types = types_of(root, cli_json_referred(root, reference), depth + 1, steps);
    return types;
}

static unsigned types_of_parameter(const json_t *tools, const char *name, const char *key) {
    const char *found;
    int steps = 0;
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *f = function_at(tools, i, &found), *root = json_object_get(f, "parameters");
        if (!found || strcmp(found, name) != 0)
            continue;
        const json_t *schema = json_object_get(json_object_get(root, "properties"), key);
        return types_of(root, schema ? schema : json_object_get(root, "additionalProperties"), 0,
                        &steps);
    }
    return 0;
}

/* --- values ----------------------------------------------------------------------------------- */

static unsigned type_of_number(answer_part value) {
    char *text = strndup(value.at, (size_t)(value.end - value.at));
    double x = text ? strtod(text, NULL) : 0;
    free(text);
    return x == floor(x) ? INTEGER : NUMBER;
}

static unsigned type_of_written(answer_part value) {
    switch (*value.at) {
    case '"': return TEXT;
    case '{': return OBJECT;
    case '[': return LIST;
    case 't':
    case 'f': return BOOLEAN;
    case 'n': return NOTHING;
    default: return type_of_number(value);
    }
}

/* The value that is the whole text, spaces aside; {NULL}: it is none. */
static answer_part value_of(answer_part text) {
    while (text.at < text.end && isspace((unsigned char)*text.at))
        text.at++;
    while (text.at < text.end && isspace((unsigned char)text.end[-1]))
        text.end--;
    const char *word = cli_answer_word(text); // True, False and None are how templates write them
    text = word ? (answer_part){word, word + strlen(word)} : text;
    answer_part value = cli_written_value(&text);
    return value.at && text.at == text.end ? value : (answer_part){NULL, NULL};
}

char *cli_answer_quoted(const char *text, size_t n) {
    json_t *value = json_stringn(text, n);
    char *quoted = json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    return quoted;
}

char *cli_answer_typed(const json_t *tools, const char *name, const char *key, answer_part text) {
    unsigned types = types_of_parameter(tools, name, key);
    if (!types)
        types = ANY;
    answer_part value = types == TEXT ? (answer_part){NULL, NULL} : value_of(text);
    if (value.at && *value.at != '"' && type_of_written(value) & types)
        return strndup(value.at, (size_t)(value.end - value.at));
    return cli_answer_quoted(text.at, (size_t)(text.end - text.at));
}
