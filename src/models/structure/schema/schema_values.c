/* enum and const: values that all of them have, and that fit what is demanded besides. */
#include <string.h>

#include "base/mem.h"
#include "models/structure/schema/decimal.h"
#include "models/structure/schema/schema_parts.h"

/* --- what the others demand -------------------------------------------------------------------
 */

typedef struct filter {
    sg_reader *r;
    const sg_items *flat;
    unsigned types;
    sg_dfa *strings; /* or NULL: all */
    size_t source;   /* whose values are asked about */
    sg_set *set;     /* of each of flat */
} filter;

static json_t *word(const filter *f, size_t i, const char *key) {
    return json_object_get(f->flat->item[i].schema, key);
}

static bool has_values(const filter *f, size_t i) {
    return word(f, i, "const") || word(f, i, "enum");
}

/* Steps of an automaton that take as long as one of these. */
enum { HASH_STEPS = 32, FIT_STEPS = 16 };

/* False: no memory, or no steps left. */
static bool open_sets(filter *f) {
    size_t n = f->flat->count;
    f->set = mx_calloc(n ? n : 1, sizeof *f->set);
    while (f->source < n && !has_values(f, f->source))
        f->source++;
    bool ok = f->set;
    for (size_t i = f->source + 1; ok && i < n; i++)
        ok = sg_spend(f->r->b, HASH_STEPS * json_array_size(word(f, i, "enum"))) &&
             sg_set_of(&f->set[i], f->flat->item[i].schema);
    return ok;
}

static void close_sets(filter *f) {
    for (size_t i = 0; f->set && i < f->flat->count; i++)
        sg_set_free(&f->set[i]);
    mx_free(f->set);
}

static bool is_in(json_t *list, json_t *value) {
    size_t i;
    json_t *x;
    json_array_foreach(list, i, x) {
        if (sg_same(x, value))
            return true;
    }
    return false;
}

/* A value of the source: with const and enum, both count. */
static bool all_have(const filter *f, json_t *value) {
    for (size_t i = f->source; i < f->flat->count; i++) {
        json_t *list = word(f, i, "const") ? word(f, i, "enum") : NULL;
        if (list && !is_in(list, value))
            return false;
        if (i != f->source && has_values(f, i) && !sg_set_has(&f->set[i], value))
            return false;
    }
    return true;
}

/* --- other demands ------------------------------------------------------------------------------
 */

static unsigned type_of(json_t *value) {
    sg_decimal d;
    switch (json_typeof(value)) {
    case JSON_NULL: return SG_NULL;
    case JSON_TRUE:
    case JSON_FALSE: return SG_BOOLEAN;
    case JSON_STRING: return SG_STRING;
    case JSON_ARRAY: return SG_ARRAY;
    case JSON_OBJECT: return SG_OBJECT;
    case JSON_INTEGER: return SG_INTEGER;
    case JSON_REAL: return sg_decimal_of(&d, value) && d.part[0] ? SG_REAL : SG_INTEGER;
    }
    return 0;
}

static bool string_fits(const filter *f, json_t *value) {
    mx_text t = {0};
    sg_spell(&t, json_string_value(value), json_string_length(value));
    bool fits = !f->strings || sg_dfa_accepts(f->strings, mx_text_view(&t), t.len);
    f->r->b->failed |= t.failed;
    mx_text_free(&t);
    return fits;
}

/* Of lists and objects only the type is compared. */
static bool composite_fits(const filter *f, unsigned type) {
    for (size_t i = 0; i < f->flat->count; i++)
        if (sg_words_kinds(f->flat->item[i].schema) & type) {
            sg_at(f->r, f->flat->item[i].schema, NULL);
            return sg_schema_refuse(f->r, "what it demands of a value that enum or const gives "
                                          "cannot be enforced");
        }
    return true;
}

static bool fits(const filter *f, json_t *value) {
    unsigned type = type_of(value);
    if (!sg_spend(f->r->b, FIT_STEPS) || !(type & f->types) || !all_have(f, value))
        return false;
    if (type & SG_NUMBER)
        return sg_number_fits(f->r, f->flat, value, f->types);
    if (type == SG_STRING)
        return string_fits(f, value);
    return !(type & (SG_ARRAY | SG_OBJECT)) || composite_fits(f, type);
}

/* --- texts --------------------------------------------------------------------------------------
 */

static sg_expr value_expr(sg_reader *r, json_t *v);

static sg_expr number_expr(sg_reader *r, json_t *v) {
    mx_text t = {0};
    sg_decimal d;
    bool ok = sg_decimal_of(&d, v);
    if (json_is_integer(v) || !d.part[0])
        mx_text_add(&t, "%s%s", d.negative && !sg_decimal_is_zero(&d) ? "-" : "", d.whole);
    else
        mx_text_f64(&t, json_real_value(v));
    r->b->failed |= !ok || t.failed;
    sg_expr x = sg_text(r->b, mx_text_view(&t), t.len);
    mx_text_free(&t);
    return x;
}

static sg_expr list_expr(sg_reader *r, json_t *v) {
    sg_parts all = {0};
    size_t i;
    json_t *x;
    json_array_foreach(v, i, x) {
        if (i)
            sg_parts_add(r->b, &all, sg_comma(r));
        sg_parts_add(r->b, &all, value_expr(r, x));
    }
    return sg_enclosed(r, "[", sg_parts_cat(r->b, &all), "]");
}

static sg_expr object_expr(sg_reader *r, json_t *v) {
    sg_parts all = {0};
    const char *key;
    json_t *x;
    json_object_foreach(v, key, x) {
        if (all.count)
            sg_parts_add(r->b, &all, sg_comma(r));
        sg_parts_add(r->b, &all, sg_spelled(r, "\"", key, strlen(key), "\":"));
        sg_parts_add(r->b, &all, sg_space(r));
        sg_parts_add(r->b, &all, value_expr(r, x));
    }
    return sg_enclosed(r, "{", sg_parts_cat(r->b, &all), "}");
}

static sg_expr value_expr(sg_reader *r, json_t *v) {
    switch (json_typeof(v)) {
    case JSON_NULL: return sg_word(r->b, "null");
    case JSON_TRUE: return sg_word(r->b, "true");
    case JSON_FALSE: return sg_word(r->b, "false");
    case JSON_STRING: return sg_spelled(r, "\"", json_string_value(v), json_string_length(v), "\"");
    case JSON_INTEGER:
    case JSON_REAL: return number_expr(r, v);
    case JSON_ARRAY: return list_expr(r, v);
    case JSON_OBJECT: return object_expr(r, v);
    }
    return SG_NONE;
}

/* --- the list --------------------------------------------------------------------------------- */

static void add(const filter *f, sg_parts *all, json_t *value) {
    if (!sg_stopped(f->r->b) && fits(f, value) && !f->r->b->failed)
        sg_parts_add(f->r->b, all, value_expr(f->r, value));
}

static void add_all(const filter *f, sg_parts *all) {
    json_t *list = word(f, f->source, "enum"), *one = word(f, f->source, "const"), *x;
    size_t k;
    if (one)
        add(f, all, one);
    else
        json_array_foreach(list, k, x) add(f, all, x);
}

sg_expr sg_values(sg_reader *r, const sg_items *flat, unsigned types) {
    sg_parts all = {0};
    filter f = {r, flat, types, sg_string_dfa(r, flat), 0, NULL};
    if (open_sets(&f) && f.source < flat->count)
        add_all(&f, &all);
    close_sets(&f);
    sg_dfa_free(f.strings);
    r->b->failed |= mx_failed();
    return sg_parts_alt(r->b, &all);
}
