/* Branches of a oneOf that cannot hold at once by what is seen at a glance: their types, their
 * values, or the values of one property that both demand of an object.
 *
 *     {"required": ["kind"], "properties": {"kind": {"const": "cat"}, ...}}
 *     {"required": ["kind"], "properties": {"kind": {"const": "dog"}, ...}}
 */
#include <string.h>

#include "base/mem.h"
#include "models/structure/schema/schema_parts.h"

/* What `schema` refers to, which holds where it does; NULL: nothing, or an error. */
static json_t *next(sg_reader *r, json_t *schema) {
    return json_is_string(json_object_get(schema, "$ref")) ? sg_ref_target(r, schema) : NULL;
}

/* The first with values on the way of references; NULL: none has. */
static json_t *with_values(sg_reader *r, json_t *schema) {
    for (int i = 0; schema && i < SG_MOST_NESTING; i++, schema = next(r, schema))
        if (json_object_get(schema, "const") || json_object_get(schema, "enum"))
            return schema;
    return NULL;
}

static bool demands(json_t *schema, const char *name) {
    size_t i;
    json_t *x;
    json_array_foreach(json_object_get(schema, "required"), i, x) {
        if (json_is_string(x) && !strcmp(json_string_value(x), name))
            return true;
    }
    return false;
}

/* The schema with the values of a property that objects must have; NULL: there are none. */
static json_t *demanded(sg_reader *r, json_t *schema, const char *name) {
    for (int i = 0; schema && i < SG_MOST_NESTING; i++, schema = next(r, schema)) {
        json_t *x = json_object_get(json_object_get(schema, "properties"), name);
        if (x && demands(schema, name))
            return with_values(r, x);
    }
    return NULL;
}

/* --- which property tells them apart ---------------------------------------------------------- */

/* Do the first two branches that demand values of the property demand different ones? */
static bool tells(sg_reader *r, json_t *branches, size_t i, const char *name) {
    json_t *own = demanded(r, json_array_get(branches, i), name), *other = NULL;
    for (i++; own && !other && i < json_array_size(branches); i++)
        other = demanded(r, json_array_get(branches, i), name);
    sg_set a = {0}, b = {0};
    bool ok =
        own && other && sg_set_of(&a, own) && sg_set_of(&b, other) && sg_sets_are_apart(&a, &b);
    sg_set_free(&a);
    sg_set_free(&b);
    return ok;
}

static const char *telling_of(sg_reader *r, json_t *branches, size_t i) {
    json_t *schema = json_array_get(branches, i), *x;
    const char *name;
    for (int k = 0; schema && k < SG_MOST_NESTING; k++, schema = next(r, schema)) {
        json_object_foreach(json_object_get(schema, "properties"), name, x) {
            if (demands(schema, name) && tells(r, branches, i, name))
                return name;
        }
    }
    return NULL;
}

/* Asked of the first branches only, as one with very many properties may follow. */
static const char *telling(sg_reader *r, json_t *branches) {
    const char *name = NULL;
    for (size_t i = 0; !name && i < 4 && i < json_array_size(branches); i++)
        name = telling_of(r, branches, i);
    return name;
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool has_one(json_t *schema, const char *const words[3]) {
    return json_object_get(schema, words[0]) || json_object_get(schema, words[1]) ||
           json_object_get(schema, words[2]);
}

void sg_glance_at(sg_glance *g, json_t *schema) {
    g->types &= sg_words_types(schema);
    g->kinds |= sg_words_kinds(schema);
    g->typed |= has_one(schema, (const char *[]){"type", "const", "enum"});
}

static bool look(sg_reader *r, json_t *schema, const char *name, sg_glance *g) {
    json_t *own = with_values(r, schema), *tag = name ? demanded(r, schema, name) : NULL;
    g->types = SG_ANY;
    for (int i = 0; schema && i < SG_MOST_NESTING; i++, schema = next(r, schema)) {
        sg_glance_at(g, schema);
        g->typed |= has_one(schema, (const char *[]){"allOf", "anyOf", "oneOf"});
    }
    g->typed |= schema != NULL;
    return (!own || sg_set_of(&g->own, own)) && (!tag || sg_set_of(&g->tag, tag));
}

sg_glance *sg_glances(sg_reader *r, json_t *branches) {
    size_t n = json_array_size(branches);
    sg_glance *all = mx_calloc(n ? n : 1, sizeof *all);
    const char *name = all ? telling(r, branches) : NULL;
    bool ok = all && !r->b->failed;
    for (size_t i = 0; ok && i < n; i++)
        ok = look(r, json_array_get(branches, i), name, &all[i]);
    r->b->failed |= !ok || mx_failed();
    return all;
}

void sg_glances_free(sg_glance *all, size_t n) {
    for (size_t i = 0; all && i < n; i++) {
        sg_set_free(&all[i].own);
        sg_set_free(&all[i].tag);
    }
    mx_free(all);
}

bool sg_glances_are_apart(const sg_glance *a, const sg_glance *b, const sg_glance *both) {
    unsigned types = both->types & a->types & b->types, kinds = both->kinds | a->kinds | b->kinds;
    if (kinds && !both->typed && !a->typed && !b->typed)
        types &= kinds;
    return !types || sg_sets_are_apart(&a->own, &b->own) ||
           (types == SG_OBJECT && sg_sets_are_apart(&a->tag, &b->tag));
}
