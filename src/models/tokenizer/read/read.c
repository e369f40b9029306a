/* What the readers of descriptions share. */
#include "models/tokenizer/read/read.h"

#include <string.h>

#include "base/status.h"

bool tok_read_kind(mx_tokenizer *t, const json_t *j, const char *what, const tok_kind *kinds,
                   size_t n) {
    if (!j || json_is_null(j))
        return true;
    const char *type = json_string_value(json_object_get(j, "type"));
    for (size_t i = 0; type && i < n; i++)
        if (!strcmp(type, kinds[i].type))
            return kinds[i].read(t, j);
    mx_fail(MX_UNSUPPORTED, "[tokenizer] '%s': the %s '%.100s' is not understood", t->name, what,
            type ? type : "without a type");
    return false;
}

bool tok_read_each(mx_tokenizer *t, const json_t *j, const char *key, tok_read *read) {
    json_t *item, *list = json_object_get(j, key);
    size_t i;
    if (!json_is_array(list))
        return tok_fail(t, "a Sequence without '%s'", key);
    json_array_foreach(list, i, item) {
        if (!read(t, item))
            return false;
    }
    return true;
}

bool tok_flag(const json_t *j, const char *key, bool otherwise) {
    const json_t *v = json_object_get(j, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

tok_text tok_text_of(const json_t *j, const char *key) {
    const json_t *v = json_object_get(j, key);
    return json_is_string(v) ? (tok_text){json_string_value(v), json_string_length(v)}
                             : (tok_text){"", 0};
}

tok_pattern *tok_read_pattern(const mx_tokenizer *t, const json_t *j) {
    const json_t *p = json_object_get(j, "pattern");
    tok_text text = tok_text_of(p, "String"), regex = tok_text_of(p, "Regex");
    if (json_is_string(json_object_get(p, "Regex")))
        return tok_pattern_regex(regex.p, regex.n);
    if (json_is_string(json_object_get(p, "String")))
        return tok_pattern_text(text.p, text.n);
    tok_fail(t, "a pattern is {\"String\": ...} or {\"Regex\": ...}");
    return NULL;
}

bool tok_read_scheme(const mx_tokenizer *t, const json_t *j, tok_scheme *out) {
    static const char *const names[] = {"always", "first", "never"};
    const char *name = json_string_value(json_object_get(j, "prepend_scheme"));
    *out = tok_flag(j, "add_prefix_space", true) ? TOK_ALWAYS : TOK_NEVER;
    for (int i = 0; name && i < 3; i++)
        if (!strcmp(name, names[i]))
            return *out = (tok_scheme)i, true;
    return !name || tok_fail(t, "the prepend_scheme '%.50s' is not understood", name);
}
