/* Strings: patterns, formats and lengths meet as automata over the spelled text (points.h). */
#include <stdio.h>
#include <string.h>

#include "models/structure/regex.h"
#include "models/structure/schema/schema_parts.h"

/* How many copies of a character's automaton are better than calls of one. */
enum { FEW_COPIES = 512 };

/* --- texts ------------------------------------------------------------------------------------ */

void sg_spell(mx_text *t, const char *text, size_t n) {
    static const char letters[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        const char *letter = c ? strchr(letters, c) : NULL;
        if (letter)
            mx_text_add(t, "\\%c", names[letter - letters]);
        else if (c < 0x20)
            mx_text_add(t, "\\u%04x", c);
        else
            mx_text_char(t, (char)c);
    }
}

sg_expr sg_spelled(sg_reader *r, const char *before, const char *text, size_t n,
                   const char *after) {
    mx_text t = {0};
    mx_text_str(&t, before);
    sg_spell(&t, text, n);
    mx_text_str(&t, after);
    r->b->failed |= t.failed;
    sg_expr x = sg_text(r->b, mx_text_view(&t), t.len);
    mx_text_free(&t);
    return x;
}

/* --- automata --------------------------------------------------------------------------------- */

/* A builder for one, whose errors are about the same place. */
static bool begin_own(sg_reader *r, sg_builder *own) {
    bool ok = !r->b->failed && sg_begin(own, r->b->where, r->b);
    own->place = r->b->place;
    own->context = r->b->context;
    r->b->failed |= !ok;
    return ok;
}

sg_dfa *sg_pattern_dfa(sg_reader *r, const char *pattern, size_t n, sg_spelling as, bool search) {
    sg_builder own = {0};
    if (!begin_own(r, &own)) {
        sg_end(&own);
        return NULL;
    }
    return sg_dfa_of(r->b, &own, sg_regex(&own, pattern, n, as, search));
}

sg_dfa *sg_length_dfa(sg_reader *r, uint32_t least, uint32_t most) {
    sg_builder own = {0};
    sg_points all = {0};
    if (!begin_own(r, &own)) {
        sg_end(&own);
        return NULL;
    }
    sg_points_close(&own, &all, true);
    sg_expr one = sg_points_expr(&own, &all, SG_JSON);
    return sg_dfa_of(r->b, &own, sg_repeat(&own, one, least, most));
}

/* --- demands ---------------------------------------------------------------------------------- */

typedef struct demands {
    uint32_t least, most;
    bool texts; /* patterns or formats of texts */
} demands;

static demands demands_of(const sg_items *flat) {
    demands d = {0, SG_UNBOUNDED, false};
    for (size_t i = 0; i < flat->count; i++) {
        json_t *s = flat->item[i].schema;
        uint32_t least = sg_words_count(s, "minLength", 0),
                 most = sg_words_count(s, "maxLength", SG_UNBOUNDED);
        d.least = least > d.least ? least : d.least;
        d.most = most < d.most ? most : d.most;
        const char *format = json_string_value(json_object_get(s, "format"));
        d.texts |= json_object_get(s, "pattern") || (format && sg_format(format));
    }
    return d;
}

static void meet_texts(sg_reader *r, json_t *schema, sg_dfa **d) {
    json_t *pattern = json_object_get(schema, "pattern");
    const char *name = json_string_value(json_object_get(schema, "format"));
    if (pattern) {
        sg_at(r, schema, "pattern");
        sg_dfa_meet(r->b, d,
                    sg_pattern_dfa(r, json_string_value(pattern), json_string_length(pattern),
                                   SG_JSON, true));
    }
    sg_at(r, schema, "format");
    const char *format = name && !r->b->failed ? sg_format(name) : NULL;
    if (format)
        sg_dfa_meet(r->b, d, sg_pattern_dfa(r, format, strlen(format), SG_JSON, false));
}

/* No automaton and no error: nothing is demanded. */
static sg_dfa *texts_of(sg_reader *r, const sg_items *flat, const demands *want) {
    sg_dfa *d = NULL;
    for (size_t i = 0; i < flat->count && !r->b->failed; i++)
        meet_texts(r, flat->item[i].schema, &d);
    bool bounded = want->least || want->most != SG_UNBOUNDED;
    if (bounded && !r->b->failed)
        sg_dfa_meet(r->b, &d, sg_length_dfa(r, want->least, want->most));
    if (!r->b->failed)
        return d;
    sg_dfa_free(d);
    return NULL;
}

static bool is_possible(sg_reader *r, const demands *d) {
    if (d->least > SG_MOST_REPEAT || (d->most > SG_MOST_REPEAT && d->most != SG_UNBOUNDED))
        sg_fail(r->b, MX_RANGE, "lengths above %d cannot be enforced", SG_MOST_REPEAT);
    return !r->b->failed && d->least <= d->most;
}

/* Only lengths: any spelling. */
static sg_expr of_length(sg_reader *r, const demands *d) {
    sg_builder *b = r->b;
    sg_expr one = sg_common(r, SG_C_UNIT);
    uint32_t copies = d->most == SG_UNBOUNDED ? d->least : d->most;
    if (b->failed)
        return SG_NONE;
    if (copies <= FEW_COPIES)
        one = b->rule[r->common[SG_C_UNIT] - 1].expr;
    return sg_repeat(b, one, d->least, d->most);
}

/* A rule of its own, so that its states are like those of other strings. */
sg_expr sg_quoted(sg_reader *r, sg_expr x) {
    sg_builder *b = r->b;
    sg_expr quote = sg_word(b, "\"");
    uint32_t rule = sg_rule_new(b, "string", 6);
    if (b->failed)
        return SG_NONE;
    sg_rule_set(b, rule, sg_cat(b, (sg_expr[]){quote, x, quote}, 3));
    b->rule[rule].apart = true;
    return sg_ref(b, rule);
}

sg_dfa *sg_string_dfa(sg_reader *r, const sg_items *flat) {
    demands d = demands_of(flat);
    if (!is_possible(r, &d)) {
        sg_dfa *none = r->b->failed ? NULL : sg_dfa_new(0, 1);
        r->b->failed |= !none;
        return none;
    }
    return texts_of(r, flat, &d);
}

sg_expr sg_string(sg_reader *r, const sg_items *flat) {
    sg_builder *b = r->b;
    demands d = demands_of(flat);
    sg_at(r, flat->item[0].schema, NULL);
    if (!is_possible(r, &d))
        return SG_NONE;
    if (!d.texts && !d.least && d.most == SG_UNBOUNDED)
        return sg_common(r, SG_C_STRING);
    sg_dfa *texts = d.texts ? texts_of(r, flat, &d) : NULL;
    if (b->failed)
        return SG_NONE;
    if (!texts && !d.least && d.most == SG_UNBOUNDED)
        return sg_common(r, SG_C_STRING);
    return sg_quoted(r, texts ? sg_automaton(b, texts) : of_length(r, &d));
}
