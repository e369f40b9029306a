/* The keywords of a schema: which are known, what they want, what types they speak of. */
#include <math.h>
#include <string.h>

#include "models/structure/schema/schema_parts.h"

/* What a keyword's value must be. */
typedef enum wants {
    W_ANYTHING,
    W_TEXT,
    W_FORMAT,
    W_COUNT, /* 0, 1, ... */
    W_NUMBER,
    W_STEP,  /* a number above 0 */
    W_TEXTS, /* a list of strings */
    W_LIST,
    W_SCHEMA,
    W_SCHEMAS, /* a list of them, not an empty one */
    W_NAMED,   /* an object of them */
    W_TYPE,
    W_BOOLEAN,
    W_FALSE, /* a demand that nothing enforces, unless it is false, or true, which demand nothing */
    W_TRUE
} wants;

static const char *const wanted[] = {
    [W_TEXT] = "a string",
    [W_FORMAT] = "a string",
    [W_COUNT] = "a whole number that is not negative",
    [W_NUMBER] = "a number",
    [W_STEP] = "a number above 0",
    [W_TEXTS] = "a list of strings",
    [W_LIST] = "a list",
    [W_SCHEMA] = "a schema",
    [W_SCHEMAS] = "a list of schemas",
    [W_NAMED] = "an object of schemas",
    [W_TYPE] = "a type or a list of types",
    [W_BOOLEAN] = "true or false",
};

static const struct {
    const char *name;
    wants wants;
    unsigned kinds;
} words[] = {
    {"type", W_TYPE, 0},
    {"enum", W_LIST, 0},
    {"const", W_ANYTHING, 0},
    {"nullable", W_BOOLEAN, 0},
    {"properties", W_NAMED, SG_OBJECT},
    {"required", W_TEXTS, SG_OBJECT},
    {"additionalProperties", W_SCHEMA, SG_OBJECT},
    {"patternProperties", W_NAMED, SG_OBJECT},
    {"propertyNames", W_SCHEMA, SG_OBJECT},
    {"minProperties", W_COUNT, SG_OBJECT},
    {"maxProperties", W_COUNT, SG_OBJECT},
    {"unevaluatedProperties", W_TRUE, 0},
    {"items", W_SCHEMA, SG_ARRAY},
    {"prefixItems", W_SCHEMAS, SG_ARRAY},
    {"minItems", W_COUNT, SG_ARRAY},
    {"maxItems", W_COUNT, SG_ARRAY},
    {"uniqueItems", W_FALSE, 0},
    {"unevaluatedItems", W_TRUE, 0},
    {"minLength", W_COUNT, SG_STRING},
    {"maxLength", W_COUNT, SG_STRING},
    {"pattern", W_TEXT, SG_STRING},
    {"format", W_FORMAT, 0}, // which kinds the format says
    {"minimum", W_NUMBER, SG_NUMBER},
    {"maximum", W_NUMBER, SG_NUMBER},
    {"exclusiveMinimum", W_NUMBER, SG_NUMBER},
    {"exclusiveMaximum", W_NUMBER, SG_NUMBER},
    {"multipleOf", W_STEP, SG_NUMBER},
    {"anyOf", W_SCHEMAS, 0},
    {"oneOf", W_SCHEMAS, 0},
    {"allOf", W_SCHEMAS, 0},
    {"not", W_FALSE, 0},
    {"$ref", W_TEXT, 0},
    {"$defs", W_NAMED, 0},
    {"definitions", W_NAMED, 0},
    {"$schema", W_TEXT, 0},
    {"$id", W_TEXT, 0},
    {"$anchor", W_TEXT, 0},
    /* what says something about a document, and demands nothing of it */
    {"$comment", W_ANYTHING, 0},
    {"title", W_ANYTHING, 0},
    {"description", W_ANYTHING, 0},
    {"default", W_ANYTHING, 0},
    {"example", W_ANYTHING, 0},
    {"examples", W_ANYTHING, 0},
    {"deprecated", W_ANYTHING, 0},
    {"readOnly", W_ANYTHING, 0},
    {"writeOnly", W_ANYTHING, 0},
    {"contentEncoding", W_ANYTHING, 0},
    {"contentMediaType", W_ANYTHING, 0},
    {"contentSchema", W_ANYTHING, 0},
    {"discriminator", W_ANYTHING, 0},
};

enum { WORDS = sizeof words / sizeof *words };

static size_t find(const char *key) {
    size_t i = 0;
    while (i < WORDS && strcmp(words[i].name, key) != 0)
        i++;
    return i;
}

/* --- types ------------------------------------------------------------------------------------ */

static unsigned type_of(const char *name) {
    static const struct {
        const char *name;
        unsigned type;
    } types[] = {{"null", SG_NULL},     {"boolean", SG_BOOLEAN}, {"integer", SG_INTEGER},
                 {"number", SG_NUMBER}, {"string", SG_STRING},   {"array", SG_ARRAY},
                 {"object", SG_OBJECT}};
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name))
            return types[i].type;
    return 0;
}

/* Does its format leave of numbers only the whole ones? */
static bool is_whole(json_t *schema) {
    const char *format = json_string_value(json_object_get(schema, "format"));
    return format && sg_format_kinds(format) == SG_INTEGER;
}

unsigned sg_words_types(json_t *schema) {
    json_t *type = json_object_get(schema, "type"), *x;
    unsigned all = type_of(json_string_value(type));
    size_t i;
    json_array_foreach(type, i, x) all |= type_of(json_string_value(x));
    if (type && json_is_true(json_object_get(schema, "nullable")))
        all |= SG_NULL;
    all = type ? all : SG_ANY;
    return is_whole(schema) ? all & ~(unsigned)SG_REAL : all;
}

unsigned sg_words_kinds(json_t *schema) {
    const char *key;
    json_t *x;
    unsigned all = 0;
    json_object_foreach(schema, key, x) {
        size_t i = find(key);
        all |= i == WORDS                   ? 0
               : strcmp(key, "format") == 0 ? sg_format_kinds(json_string_value(x))
                                            : words[i].kinds;
    }
    return all;
}

/* --- what is wrong with one ------------------------------------------------------------------- */

static bool is_schema(json_t *x) {
    return json_is_object(x) || json_is_boolean(x);
}

static bool all_are(json_t *list, bool (*is)(json_t *)) {
    const char *key;
    size_t i;
    json_t *x;
    json_array_foreach(list, i, x) {
        if (!is(x))
            return false;
    }
    json_object_foreach(list, key, x) {
        if (!is(x))
            return false;
    }
    return true;
}

static bool is_text(json_t *x) {
    return json_is_string(x);
}

static bool is_type(json_t *x) {
    return type_of(json_string_value(x));
}

/* 2.0 is an integer as well. */
static bool is_integral(json_t *x) {
    return json_is_integer(x) ||
           (json_is_real(x) && json_real_value(x) == floor(json_real_value(x)));
}

/* Is the value what the keyword wants? */
static bool is_right(wants w, json_t *x) {
    switch (w) {
    case W_TEXT:
    case W_FORMAT: return json_is_string(x);
    case W_COUNT: return json_number_value(x) >= 0 && is_integral(x);
    case W_NUMBER: return json_is_number(x);
    case W_STEP: return json_is_number(x) && json_number_value(x) > 0;
    case W_TEXTS: return json_is_array(x) && all_are(x, is_text);
    case W_LIST: return json_is_array(x);
    case W_SCHEMA: return is_schema(x);
    case W_SCHEMAS: return json_is_array(x) && json_array_size(x) && all_are(x, is_schema);
    case W_NAMED: return json_is_object(x) && all_are(x, is_schema);
    case W_TYPE: return is_type(x) || (json_is_array(x) && all_are(x, is_type));
    case W_BOOLEAN: return json_is_boolean(x);
    default: return true;
    }
}

/* A program's own notes, as OpenAPI has them. */
static bool is_note(const char *key) {
    return key[0] == 'x' && key[1] == '-';
}

static bool check(sg_reader *r, json_t *schema, const char *key, json_t *value) {
    size_t i = find(key);
    if (i == WORDS && is_note(key))
        return true;
    sg_at(r, schema, key);
    if (i == WORDS)
        return sg_schema_refuse(r, "this keyword cannot be enforced");
    wants w = words[i].wants;
    if ((w == W_FALSE && !json_is_false(value)) ||
        (w == W_TRUE && !json_is_true(value) &&
         !(json_is_object(value) && !json_object_size(value))))
        return sg_schema_refuse(r, "this keyword cannot be enforced");
    if (!is_right(w, value))
        return sg_schema_wrong(r, "%s is expected", wanted[w]);
    return w != W_FORMAT || sg_format_kinds(json_string_value(value)) ||
           sg_schema_refuse(r, "the format '%.100s' cannot be enforced", json_string_value(value));
}

bool sg_words_check(sg_reader *r, json_t *schema) {
    const char *key;
    json_t *x;
    json_object_foreach(schema, key, x) {
        if (!check(r, schema, key, x))
            return false;
    }
    sg_at(r, schema, "$id");
    if (schema != r->root && json_object_get(schema, "$id") && !sg_is_resource(schema))
        return sg_schema_refuse(r, "an $id that names no schema, inside of another");
    sg_at(r, schema, NULL);
    return true;
}

uint32_t sg_words_count(json_t *schema, const char *key, uint32_t otherwise) {
    json_t *x = json_object_get(schema, key);
    double n = x ? json_number_value(x) : -1;
    return n < 0 ? otherwise : n <= SG_MOST_REPEAT ? (uint32_t)n : SG_MOST_REPEAT + 1;
}
