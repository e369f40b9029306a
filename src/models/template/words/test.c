/* Tests: what stands behind `is`. */
#include "models/template/words/native.h"
#include "models/template/number.h"
#include "models/template/words/text_case.h"
#include "models/tokenizer/text.h"
#include "models/template/show.h"

static bool give(tm_value *out, bool is) {
    *out = tm_bool(is);
    return true;
}

static bool t_defined(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind != TM_UNDEFINED);
}

static bool t_undefined(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_UNDEFINED);
}

static bool t_none(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_NONE);
}

static bool t_boolean(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_BOOL);
}

static bool t_false(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_BOOL && !a->i);
}

static bool t_true(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_BOOL && a->i);
}

static bool t_integer(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_INT);
}

static bool t_float(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_FLOAT);
}

static bool t_number(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, tm_is_number(a));
}

static bool t_string(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_STR);
}

static bool t_mapping(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_DICT);
}

static bool t_escaped(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    (void)a;
    return give(out, false);
}

static bool t_sequence(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out,
                a->kind == TM_STR || a->kind == TM_DICT || a->kind == TM_UNDEFINED ||
                    (a->kind == TM_SEQ && a->seq->look <= TM_RANGE && a->seq->look != TM_ITERATOR));
}

static bool t_iterable(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_STR || a->kind == TM_DICT || a->kind == TM_UNDEFINED ||
                         a->kind == TM_SEQ || a->kind == TM_LOOP);
}

static bool t_callable(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    return give(out, a->kind == TM_MACRO || a->kind == TM_METHOD || a->kind == TM_NATIVE ||
                         a->kind == TM_LOOP || a->kind == TM_JOINER || a->kind == TM_UNDEFINED);
}

static bool can_name(tm_run *r, const tm_value *v) {
    return tm_is_hashable(v) || tm_fail(r, MX_INVALID, "unhashable type: '%s'", tm_type(v));
}

static bool t_filter(tm_run *r, const tm_value *a, tm_value *out) {
    return can_name(r, a) && give(out, a->kind == TM_STR && r->calls->find_filter(a->p, a->n));
}

static bool t_test(tm_run *r, const tm_value *a, tm_value *out) {
    return can_name(r, a) && give(out, a->kind == TM_STR && r->calls->find_test(a->p, a->n));
}

/* The same object: what has no parts is the same where it is equal. */
static bool t_sameas(tm_run *r, const tm_value *a, tm_value *out) {
    bool same = a[0].kind == a[1].kind;
    if (same && (a->kind == TM_SEQ || a->kind == TM_DICT || a->kind >= TM_SPACE))
        return give(out, a[0].p == a[1].p);
    return (!same || tm_equal(r, &a[0], &a[1], &same)) && give(out, same);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool modulo(tm_run *r, const tm_value *a, const tm_value *by, tm_value *out) {
    if (a->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, a);
    if (!tm_is_number(a) || !tm_is_number(by))
        return tm_fail(r, MX_INVALID, "unsupported operand type(s) for %%: '%s' and '%s'",
                       tm_type(a), tm_type(by));
    return tm_arithmetic(r, '%', a, by, out);
}

static bool leaves(tm_run *r, const tm_value *a, const tm_value *by, double rest, tm_value *out) {
    tm_value v;
    return modulo(r, a, by, &v) && give(out, tm_number(&v) == rest);
}

static bool t_odd(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value two = tm_int(2);
    return leaves(r, a, &two, 1, out);
}

static bool t_even(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value two = tm_int(2);
    return leaves(r, a, &two, 0, out);
}

static bool t_divisibleby(tm_run *r, const tm_value *a, tm_value *out) {
    return leaves(r, a, &a[1], 0, out);
}

/* --- comparisons ------------------------------------------------------------------------------ */

static bool t_eq(tm_run *r, const tm_value *a, tm_value *out) {
    bool same;
    return tm_equal(r, &a[0], &a[1], &same) && give(out, same);
}

static bool t_ne(tm_run *r, const tm_value *a, tm_value *out) {
    bool same;
    return tm_equal(r, &a[0], &a[1], &same) && give(out, !same);
}

static bool ordered(tm_run *r, const tm_value *a, const char *sign, int one, int other,
                    tm_value *out) {
    int order;
    return tm_order(r, &a[0], &a[1], sign, &order) && give(out, order == one || order == other);
}

static bool t_lt(tm_run *r, const tm_value *a, tm_value *out) {
    return ordered(r, a, "<", -1, -1, out);
}

static bool t_le(tm_run *r, const tm_value *a, tm_value *out) {
    return ordered(r, a, "<=", -1, 0, out);
}

static bool t_gt(tm_run *r, const tm_value *a, tm_value *out) {
    return ordered(r, a, ">", 1, 1, out);
}

static bool t_ge(tm_run *r, const tm_value *a, tm_value *out) {
    return ordered(r, a, ">=", 1, 0, out);
}

static bool t_in(tm_run *r, const tm_value *a, tm_value *out) {
    bool is;
    return tm_contains(r, &a[1], &a[0], &is) && give(out, is);
}

/* --- case ------------------------------------------------------------------------------------- */

static bool one_case(tm_run *r, const tm_value *a, bool upper, tm_value *out) {
    tm_value text;
    bool some = false, none = true;
    uint32_t c;
    if (!tm_to_str(r, a, &text))
        return false;
    for (const char *p = text.p, *end = p + text.n; p < end && none;) {
        p += tok_step(p, end, &c);
        some = some || (upper ? tm_is_upper(c) : tm_is_lower(c));
        none = !(upper ? tm_is_lower(c) : tm_is_upper(c));
    }
    return give(out, some && none) && tm_spend(r, text.n / 16);
}

static bool t_lower(tm_run *r, const tm_value *a, tm_value *out) {
    return one_case(r, a, false, out);
}

static bool t_upper(tm_run *r, const tm_value *a, tm_value *out) {
    return one_case(r, a, true, out);
}

static const tm_native rows[] = {
    {"defined", "value", t_defined},
    {"undefined", "value", t_undefined},
    {"none", "value", t_none},
    {"boolean", "value", t_boolean},
    {"false", "value", t_false},
    {"true", "value", t_true},
    {"integer", "value", t_integer},
    {"float", "value", t_float},
    {"number", "value", t_number},
    {"string", "value", t_string},
    {"mapping", "value", t_mapping},
    {"sequence", "value", t_sequence},
    {"iterable", "value", t_iterable},
    {"callable", "value", t_callable},
    {"filter", "value", t_filter},
    {"test", "value", t_test},
    {"sameas", "value other", t_sameas},
    {"escaped", "value", t_escaped},
    {"odd", "value", t_odd},
    {"even", "value", t_even},
    {"divisibleby", "value num", t_divisibleby},
    {"eq", "a b", t_eq},
    {"equalto", "a b", t_eq},
    {"==", "a b", t_eq},
    {"ne", "a b", t_ne},
    {"!=", "a b", t_ne},
    {"lt", "a b", t_lt},
    {"lessthan", "a b", t_lt},
    {"<", "a b", t_lt},
    {"le", "a b", t_le},
    {"<=", "a b", t_le},
    {"gt", "a b", t_gt},
    {"greaterthan", "a b", t_gt},
    {">", "a b", t_gt},
    {"ge", "a b", t_ge},
    {">=", "a b", t_ge},
    {"in", "value seq", t_in},
    {"lower", "value", t_lower},
    {"upper", "value", t_upper},
};
const tm_table tm_tests = TM_TABLE(rows);
