/* Numbers within bounds: magnitudes that are not negative, and others behind a minus sign. Where
 * there are bounds or multiples, numbers have no exponent. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "models/structure/schema/decimal.h"
#include "models/structure/schema/schema_parts.h"

typedef struct bound {
    sg_decimal x;
    bool given, open;
} bound;

typedef struct range {
    bound least, most;
    bool demands; /* anything but the type */
} range;

/* --- bounds ----------------------------------------------------------------------------------- */

/* The narrower of the two stays. side: 1 for least, -1 for most. */
static void narrow(bound *b, const sg_decimal *x, bool open, int side) {
    int order = b->given ? side * sg_decimal_compare(x, &b->x) : 1;
    if (order < 0)
        return;
    b->open = open || (order == 0 && b->open);
    b->x = *x;
    b->given = true;
}

static void take_word(sg_reader *r, json_t *schema, const char *key, bound *b, bool open,
                      int side) {
    sg_decimal x;
    json_t *value = json_object_get(schema, key);
    if (!value)
        return;
    if (sg_decimal_of(&x, value))
        narrow(b, &x, open, side);
    else
        r->b->failed = true;
}

/* Magnitudes of the least and of the largest number of each format. */
static const struct {
    const char *name, *least, *most;
} widths[] = {{"int8", "128", "127"},
              {"int16", "32768", "32767"},
              {"int32", "2147483648", "2147483647"},
              {"int64", "9223372036854775808", "9223372036854775807"},
              {"uint8", "0", "255"},
              {"uint16", "0", "65535"},
              {"uint32", "0", "4294967295"},
              {"uint64", "0", "18446744073709551615"}};

/* The digits of a number of a width, "%.0f" of an integer being exact. */
static void take_digits(range *x, const char *least, const char *most) {
    sg_decimal d = {.negative = *least != '0'};
    snprintf(d.whole, sizeof d.whole, "%s", least);
    narrow(&x->least, &d, false, 1);
    d.negative = false;
    snprintf(d.whole, sizeof d.whole, "%s", most);
    narrow(&x->most, &d, false, -1);
}

static void take_width(const char *name, range *x) {
    char digits[SG_MOST_DIGITS];
    if (!name)
        return;
    if (!strcmp(name, "float") || !strcmp(name, "double")) {
        snprintf(digits, sizeof digits, "%.0f", *name == 'f' ? (double)FLT_MAX : DBL_MAX);
        take_digits(x, digits, digits);
    }
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (!strcmp(name, widths[i].name))
            take_digits(x, widths[i].least, widths[i].most);
}

static range range_of(sg_reader *r, const sg_items *flat) {
    range x = {0};
    for (size_t i = 0; i < flat->count; i++) {
        json_t *s = flat->item[i].schema;
        take_word(r, s, "minimum", &x.least, false, 1);
        take_word(r, s, "exclusiveMinimum", &x.least, true, 1);
        take_word(r, s, "maximum", &x.most, false, -1);
        take_word(r, s, "exclusiveMaximum", &x.most, true, -1);
        take_width(json_string_value(json_object_get(s, "format")), &x);
        x.demands |= json_object_get(s, "multipleOf") != NULL;
    }
    x.demands |= x.least.given || x.most.given;
    return x;
}

/* --- multiples -------------------------------------------------------------------------------- */

static void meet(sg_reader *r, sg_dfa **d, sg_dfa *with) {
    r->b->failed |= !with;
    sg_dfa_meet(r->b, d, with);
}

static void meet_multiples(sg_reader *r, json_t *schema, sg_dfa **d) {
    json_t *step = json_object_get(schema, "multipleOf");
    sg_decimal x;
    uint32_t digits = 0;
    if (!step || r->b->failed)
        return;
    sg_at(r, schema, "multipleOf");
    if (!sg_decimal_of(&x, step)) {
        r->b->failed = true;
        return;
    }
    for (int side = 0; side < 2; side++)
        for (const char *s = side ? x.part : x.whole; *s && digits <= SG_MOST_MULTIPLE; s++)
            digits = 10 * digits + (uint32_t)(*s - '0');
    size_t k = strlen(x.part);
    if (!digits || digits > SG_MOST_MULTIPLE || k > 8)
        sg_schema_refuse(r, "multiples can be enforced where the digits make a number up to %d",
                         SG_MOST_MULTIPLE);
    else
        meet(r, d, sg_multiples(digits, (uint32_t)k));
}

/* --- magnitudes ------------------------------------------------------------------------------- */

/* Those between the two, each where it is given. */
static sg_dfa *magnitudes(sg_reader *r, const sg_items *flat, const bound *least, const bound *most,
                          bool whole) {
    const char *form = whole ? "0|[1-9][0-9]*" : "(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?";
    sg_dfa *d = sg_pattern_dfa(r, form, strlen(form), SG_PLAIN, false);
    if (least->given && d)
        meet(r, &d, sg_magnitudes(&least->x, false, least->open));
    if (most->given && d)
        meet(r, &d, sg_magnitudes(&most->x, true, most->open));
    for (size_t i = 0; i < flat->count && d; i++)
        meet_multiples(r, flat->item[i].schema, &d);
    if (!r->b->failed)
        return d;
    sg_dfa_free(d);
    return NULL;
}

static int sign_of(const bound *b) {
    return !b->given || sg_decimal_is_zero(&b->x) ? 0 : b->x.negative ? -1 : 1;
}

/* Of numbers without a sign; NULL without an error: there are none. */
static sg_dfa *upper_half(sg_reader *r, const sg_items *flat, const range *x, bool whole) {
    bound least = x->least;
    if (sign_of(&x->most) < 0)
        return NULL;
    least.given = least.given && sign_of(&least) >= 0;
    return magnitudes(r, flat, &least, &x->most, whole);
}

/* Of numbers with a minus sign, which zero has not where numbers are whole. */
static sg_dfa *lower_half(sg_reader *r, const sg_items *flat, const range *x, bool whole) {
    static const bound zero = {{false, "0", ""}, true, true};
    bound least = x->most, most = x->least;
    if (most.given && sign_of(&most) >= 0)
        return NULL;
    if (!least.given || sign_of(&least) > 0 || (sign_of(&least) == 0 && whole))
        least = whole ? zero : (bound){0};
    return magnitudes(r, flat, &least, &most, whole);
}

/* --- expressions ------------------------------------------------------------------------------ */

sg_expr sg_number(sg_reader *r, const sg_items *flat, unsigned types) {
    sg_builder *b = r->b;
    bool whole = !(types & SG_REAL);
    range x = range_of(r, flat);
    sg_parts all = {0};
    if (b->failed || !x.demands)
        return b->failed ? SG_NONE : sg_common(r, whole ? SG_C_INTEGER : SG_C_NUMBER);
    sg_dfa *upper = upper_half(r, flat, &x, whole);
    if (upper)
        sg_parts_add(b, &all, sg_automaton(b, upper));
    sg_dfa *lower = b->failed ? NULL : lower_half(r, flat, &x, whole);
    if (lower) {
        sg_expr part[2] = {sg_word(b, "-"), sg_automaton(b, lower)};
        sg_parts_add(b, &all, sg_cat(b, part, 2));
    }
    return sg_parts_alt(b, &all);
}

/* Is the number's magnitude in the half where it belongs? */
bool sg_number_fits(sg_reader *r, const sg_items *flat, json_t *value, unsigned types) {
    sg_decimal v;
    mx_text t = {0};
    range x = range_of(r, flat);
    if (!sg_decimal_of(&v, value)) {
        r->b->failed = true;
        return false;
    }
    bool whole = !(types & SG_REAL), lower = v.negative && !sg_decimal_is_zero(&v);
    sg_dfa *d = (lower ? lower_half : upper_half)(r, flat, &x, whole);
    mx_text_add(&t, v.part[0] ? "%s.%s" : "%s", v.whole, v.part);
    bool fits = d && sg_dfa_accepts(d, mx_text_view(&t), t.len);
    r->b->failed |= t.failed;
    mx_text_free(&t);
    sg_dfa_free(d);
    return fits;
}
