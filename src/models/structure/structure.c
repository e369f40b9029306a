/* The ways into structure.h. */
#include "models/structure/structure.h"

#include <string.h>

#include "models/structure/gbnf.h"
#include "models/structure/regex.h"
#include "models/structure/schema/schema.h"

/* The one rule of a structure that needs no more. */
static sg_grammar *compile_one(sg_builder *b, sg_expr x) {
    uint32_t root = sg_rule_new(b, "root", 4);
    sg_rule_set(b, root, x);
    sg_grammar *g = b->failed ? NULL : sg_compile(b, root);
    sg_end(b);
    return g;
}

sg_grammar *mx_structure_regex(const char *pattern) {
    sg_builder b;
    if (!pattern)
        return mx_fail(MX_INVALID, "[structure] no pattern was given");
    bool ok = sg_begin(&b, "regular expression", NULL);
    return compile_one(&b, ok ? sg_regex(&b, pattern, strlen(pattern), SG_PLAIN, false) : SG_NONE);
}

sg_grammar *mx_structure_gbnf(const char *text) {
    sg_builder b;
    if (!text)
        return mx_fail(MX_INVALID, "[structure] no grammar was given");
    uint32_t root = sg_begin(&b, "grammar", NULL) ? sg_gbnf(&b, text, strlen(text)) : UINT32_MAX;
    sg_grammar *g = b.failed ? NULL : sg_compile(&b, root);
    sg_end(&b);
    return g;
}

static sg_expr choice(sg_builder *b, const char *const *text, size_t n) {
    sg_parts all = {0};
    for (size_t i = 0; i < n && !b->failed; i++)
        if (text[i])
            sg_parts_add(b, &all, sg_word(b, text[i]));
        else
            sg_fail(b, MX_INVALID, "text %zu is missing", i);
    return sg_parts_alt(b, &all);
}

sg_grammar *mx_structure_choice(const char *const *text, size_t n) {
    sg_builder b;
    if (n && !text)
        return mx_fail(MX_INVALID, "[structure] no choices were given");
    bool ok = sg_begin(&b, "choice", NULL);
    return compile_one(&b, ok ? choice(&b, text, n) : SG_NONE);
}

sg_grammar *mx_structure_schema(const char *text, size_t n, int flags) {
    sg_builder b;
    if (!text)
        return mx_fail(MX_INVALID, "[structure] no schema was given");
    uint32_t root = sg_begin(&b, "schema", NULL) ? sg_schema(&b, text, n, flags) : UINT32_MAX;
    sg_grammar *g = b.failed ? NULL : sg_compile(&b, root);
    sg_end(&b);
    return g;
}

sg_grammar *mx_structure_json(bool object, int flags) {
    sg_builder b;
    uint32_t root = sg_begin(&b, "JSON", NULL) ? sg_any_json(&b, object, flags) : UINT32_MAX;
    sg_grammar *g = b.failed ? NULL : sg_compile(&b, root);
    sg_end(&b);
    return g;
}
