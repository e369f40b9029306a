/* JSON Schema (draft 2020-12): which documents a schema allows, as expressions over their text.
 *
 *     {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
 *     rule 0   "{" "\"n\":" REF integer "}"
 *
 * A place of a document is held to a list of schemas at once: $ref and allOf add to it, anyOf and
 * oneOf make a list for each of their branches (schema_meet.c). What a list without these demands
 * of each type is an expression (schema_leaf.c); properties and items ask for lists of their own.
 * Each list is one rule, so that what refers to itself ends, and is found in a queue, so that
 * nothing recurses over it.
 *
 * All that is accepted is valid. What is valid is accepted in these forms: properties in the order
 * of the schema, those it does not name behind them; no spaces, or few; where a string has a
 * pattern or a format, each character spelled as in points.h; numbers that have bounds without an
 * exponent; integers as digits. docs/structure.md says more.
 */
#ifndef MX_MODELS_STRUCTURE_SCHEMA_H
#define MX_MODELS_STRUCTURE_SCHEMA_H

#include "models/structure/automaton/expr.h"

enum {
    SG_SPACED =
        1,      /* a space, or a line's end and up to 32 spaces, inside brackets, after , and : */
    SG_OPEN = 2 /* properties that the schema does not mention may come, where it does not say */
};

/* The rule of the whole document. UINT32_MAX: an error. */
uint32_t sg_schema(sg_builder *b, const char *text, size_t n, int flags);
/* Any value, or any object. */
uint32_t sg_any_json(sg_builder *b, bool object, int flags);

#endif
