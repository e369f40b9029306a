/* The schemas of tools' arguments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/messages.h"

/* --- what a call is held to ------------------------------------------------------------------- */

/* The schema as a resource of its own, whose references lead into itself and whose place errors
   tell: it has an $id, the client's or `place`. */
static json_t *resource(const json_t *schema, const char *place) {
    json_t *own = json_copy((json_t *)schema), *id = json_object_get(own, "$id");
    const char *text = json_string_value(id);
    bool named = id && (!text || (*text && *text != '#')); // what is no text is told as it is
    if (named || !own || json_object_set_new(own, "$id", json_string(place)) == 0)
        return own;
    json_decref(own);
    return NULL;
}

json_t *srv_tool_held(const srv_params *p, size_t i) {
    const json_t *f = json_object_get(json_array_get(p->tools, i), "function");
    const json_t *given = json_object_get(f, "parameters");
    char place[64];
    if (!given)
        return json_pack("{s:O}", "name", json_object_get(f, "name"));
    snprintf(place, sizeof place, "tools[%zu].%s", i, p->parameters_at);
    return json_pack("{s:O, s:{s:s, s:[o]}}", "name", json_object_get(f, "name"), "parameters",
                     "type", "object", "allOf", resource(given, place));
}

static bool is_named(const json_t *function, const char *name, size_t n) {
    const char *found = json_string_value(json_object_get(function, "name"));
    return !name || (strlen(found) == n && memcmp(found, name, n) == 0);
}

/* Are its calls held to its parameters? */
static bool is_held(const srv_params *p, const json_t *function) {
    const json_t *name = json_object_get(function, "name"), *other;
    size_t i;
    bool held = p->strict && json_object_get(function, "strict");
    json_array_foreach(p->forced, i, other) held |=
        json_equal(json_object_get(other, "name"), name);
    return held && json_object_get(function, "parameters");
}

srv_schema *srv_tool_schemas(const srv_params *p, const char *name, size_t n) {
    srv_schema *all = calloc(json_array_size(p->tools) + 1, sizeof *all), *s = all;
    const json_t *tool;
    size_t i;
    json_array_foreach(p->tools, i, tool) {
        const json_t *f = json_object_get(tool, "function");
        if (!all || !is_named(f, name, n) || !is_held(p, f))
            continue;
        s->text = json_dumps(json_object_get(f, "parameters"), JSON_COMPACT);
        if (!s->text)
            return srv_schemas_free(all), NULL;
        snprintf(s->field, sizeof s->field, "tools[%zu].%s", i, p->parameters_at);
        s++;
    }
    return all;
}

void srv_schemas_free(srv_schema *all) {
    for (srv_schema *s = all; s && s->text; s++)
        free(s->text);
    free(all);
}

/* --- objects ---------------------------------------------------------------------------------- */

enum { MOST_STEPS = 1000 };

static bool allows(const json_t *root, const json_t *schema, int *steps);

/* A type of JSON Schema's that is none of objects. */
static bool is_other(const json_t *type) {
    static const char *const others[] = {"null", "boolean", "integer", "number", "string", "array"};
    const char *name = json_string_value(type);
    for (size_t i = 0; name && i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i], name) == 0)
            return true;
    return false;
}

static bool is_no_object(const json_t *value) {
    return !json_is_object(value);
}

/* Is it a list, of nothing else? */
static bool all_are(const json_t *list, bool is(const json_t *)) {
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one) if (!is(one)) return false;
    return json_array_size(list) > 0;
}

/* So many branches of the list allow one. */
static size_t allowing(const json_t *root, const json_t *list, int *steps) {
    size_t i, n = 0;
    const json_t *one;
    json_array_foreach(list, i, one) n += allows(root, one, steps);
    return n;
}

static bool is_allowed_by_branches(const json_t *root, const json_t *schema, int *steps) {
    static const char *const lists[] = {"anyOf", "oneOf", "allOf"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *list = json_object_get(schema, lists[i]);
        size_t all = json_array_size(list), n = allowing(root, list, steps);
        if (all && (i < 2 ? !n : n < all))
            return false;
    }
    return true;
}

static bool allows(const json_t *root, const json_t *schema, int *steps) {
    const json_t *type = json_object_get(schema, "type"), *one = json_object_get(schema, "const");
    if (--*steps < 0)
        return true;
    if (json_is_false(schema) || is_other(type) || all_are(type, is_other) ||
        (one && is_no_object(one)) || all_are(json_object_get(schema, "enum"), is_no_object))
        return false;
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    return is_allowed_by_branches(root, schema, steps) &&
           (!reference || allows(root, cli_json_referred(root, reference), steps));
}

bool srv_allows_object(const json_t *schema) {
    return allows(schema, schema, &(int){MOST_STEPS});
}
