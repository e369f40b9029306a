/* Values that are free, whose rules all places share; spaces and brackets. */
#include <string.h>

#include "models/structure/regex.h"
#include "models/structure/schema/schema_parts.h"

/* --- spaces ----------------------------------------------------------------------------------- */

sg_expr sg_space(sg_reader *r) {
    return r->flags & SG_SPACED ? sg_common(r, SG_C_SPACE) : SG_EMPTY;
}

sg_expr sg_enclosed(sg_reader *r, const char *open, sg_expr x, const char *close) {
    sg_builder *b = r->b;
    sg_expr part[5] = {sg_word(b, open), sg_space(r), x, sg_space(r), sg_word(b, close)};
    return sg_cat(b, part, 5);
}

sg_expr sg_comma(sg_reader *r) {
    sg_expr part[2] = {sg_word(r->b, ","), sg_space(r)};
    return sg_cat(r->b, part, 2);
}

/* --- free values -------------------------------------------------------------------------------
 */

static sg_expr regex(sg_reader *r, const char *pattern) {
    return sg_regex(r->b, pattern, strlen(pattern), SG_PLAIN, false);
}

/* RFC 8259, section 7, without halves of pairs of surrogates. */
static const char unit[] =
    "[^\\x00-\\x1f\"\\\\]|\\\\(?:[\"\\\\/bfnrt]|u(?:[0-9a-cA-Ce-fE-F][0-9a-fA-F]{3}"
    "|[dD][0-7][0-9a-fA-F]{2}|[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}))";

static sg_expr free_string(sg_reader *r) {
    sg_builder *b = r->b;
    sg_expr quote = sg_word(b, "\"");
    sg_expr part[3] = {quote, sg_repeat(b, regex(r, unit), 0, SG_UNBOUNDED), quote};
    return sg_cat(b, part, 3);
}

static sg_expr free_value(sg_reader *r) {
    sg_builder *b = r->b;
    sg_expr part[7] = {sg_word(b, "null"),        sg_word(b, "true"),
                       sg_word(b, "false"),       sg_common(r, SG_C_NUMBER),
                       sg_common(r, SG_C_STRING), sg_common(r, SG_C_ARRAY),
                       sg_common(r, SG_C_OBJECT)};
    return sg_alt(b, part, 7);
}

/* x, with commas between. */
static sg_expr any_number_of(sg_reader *r, sg_expr x) {
    sg_builder *b = r->b;
    sg_expr more = sg_cat(b, (sg_expr[]){sg_comma(r), x}, 2);
    more = sg_repeat(b, more, 0, SG_UNBOUNDED);
    return sg_optional(b, sg_cat(b, (sg_expr[]){x, more}, 2));
}

static sg_expr free_array(sg_reader *r) {
    return sg_enclosed(r, "[", any_number_of(r, sg_common(r, SG_C_VALUE)), "]");
}

static sg_expr free_object(sg_reader *r) {
    sg_builder *b = r->b;
    sg_expr part[4] = {sg_common(r, SG_C_STRING), sg_word(b, ":"), sg_space(r),
                       sg_common(r, SG_C_VALUE)};
    return sg_enclosed(r, "{", any_number_of(r, sg_cat(b, part, 4)), "}");
}

static sg_expr make_common(sg_reader *r, sg_common_rule which) {
    switch (which) {
    case SG_C_SPACE: return regex(r, "(?: |\\n {0,32})?");
    case SG_C_STRING: return free_string(r);
    case SG_C_UNIT: return regex(r, unit);
    case SG_C_INTEGER: return regex(r, "0|-?[1-9][0-9]*");
    case SG_C_NUMBER: return regex(r, "-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?");
    case SG_C_VALUE: return free_value(r);
    case SG_C_ARRAY: return free_array(r);
    case SG_C_OBJECT: return free_object(r);
    case SG_C_COUNT: break;
    }
    return SG_NONE;
}

/* The number is kept before the rule is made, as values refer to themselves. */
sg_expr sg_common(sg_reader *r, sg_common_rule which) {
    sg_builder *b = r->b;
    if (!r->common[which]) {
        uint32_t rule = sg_rule_new(b, "value", 5);
        if (b->failed)
            return SG_NONE;
        r->common[which] = rule + 1;
        sg_expr x = make_common(r, which);
        if (b->failed)
            return SG_NONE;
        sg_rule_set(b, rule, x);
        b->rule[rule].apart = true;
    }
    return sg_ref(b, r->common[which] - 1);
}
