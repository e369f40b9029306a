/* Lists without $ref, allOf, anyOf and oneOf: an alternative for each type. */
#include "models/structure/schema/schema_parts.h"

static bool has_values(json_t *schema) {
    return json_object_get(schema, "enum") || json_object_get(schema, "const");
}

/* Where no schema has a type, its keywords say which types are meant. */
static unsigned types_of(const sg_items *flat, bool *valued, bool *demands) {
    unsigned types = SG_ANY, kinds = 0;
    bool typed = false;
    *valued = false;
    for (size_t i = 0; i < flat->count; i++) {
        json_t *x = flat->item[i].schema;
        typed |= json_object_get(x, "type") != NULL;
        *valued |= has_values(x);
        types &= sg_words_types(x);
        kinds |= sg_words_kinds(x);
    }
    *demands = typed || kinds;
    return typed || *valued || !kinds ? types : types & kinds;
}

sg_expr sg_leaf(sg_reader *r, const sg_items *flat) {
    sg_builder *b = r->b;
    sg_parts all = {0};
    bool valued, demands;
    unsigned types = types_of(flat, &valued, &demands);
    if (valued)
        return sg_values(r, flat, types);
    if (!demands)
        return sg_common(r, SG_C_VALUE);
    if (types & SG_NULL)
        sg_parts_add(b, &all, sg_word(b, "null"));
    if (types & SG_BOOLEAN)
        sg_parts_add(b, &all, sg_alt(b, (sg_expr[]){sg_word(b, "true"), sg_word(b, "false")}, 2));
    if (types & SG_NUMBER)
        sg_parts_add(b, &all, sg_number(r, flat, types));
    if (types & SG_STRING)
        sg_parts_add(b, &all, sg_string(r, flat));
    if (types & SG_ARRAY)
        sg_parts_add(b, &all, sg_array(r, flat));
    if (types & SG_OBJECT)
        sg_parts_add(b, &all, sg_object(r, flat));
    return sg_parts_alt(b, &all);
}
