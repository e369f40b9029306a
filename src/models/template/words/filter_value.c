/* Filters on any value, and on numbers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/template/words/native.h"
#include "models/template/number.h"

static bool give(tm_value *out, tm_value v) {
    *out = v;
    return true;
}

static bool f_default(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    bool lacks = a->kind == TM_UNDEFINED || (tm_want_flag(&a[2], false) && !tm_truth(a));
    return give(out, !lacks ? a[0] : tm_is_given(&a[1]) ? a[1] : tm_str("", 0));
}

static bool f_attr(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value name;
    if (!tm_want_str(r, &a[1], "", &name))
        return false;
    char *word = tm_alloc(r, name.n + 1, 1);
    if (!word)
        return false;
    memcpy(word, name.p, name.n);
    word[name.n] = 0;
    // attributes alone: a dict's keys are none
    if (a->kind == TM_DICT && !tm_table_find(tm_dict_methods, word, name.n))
        return give(out, tm_undefined("the dict has no such attribute"));
    return tm_attribute(r, a, word, out);
}

static bool f_abs(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value zero = tm_int(0);
    if (a->kind == TM_FLOAT)
        return give(out, tm_float(fabs(a->f)));
    if (!tm_is_whole(a))
        return a->kind == TM_UNDEFINED
                   ? tm_fail_undefined(r, a)
                   : tm_fail(r, MX_INVALID, "bad operand type for abs(): '%s'", tm_type(a));
    return a->i < 0 ? tm_arithmetic(r, '-', &zero, a, out) : give(out, tm_int(a->i));
}

static bool int_of_float(tm_run *r, double f, const tm_value *otherwise, tm_value *out) {
    if (!isfinite(f))
        return isnan(f) ? give(out, *otherwise)
                        : tm_fail(r, MX_INVALID, "cannot convert float infinity to integer");
    if (fabs(f) >= 0x1p63)
        return tm_fail(r, MX_INVALID, "an integer of more than 64 bits");
    return give(out, tm_int((int64_t)f));
}

static bool int_of_text(tm_run *r, const tm_value *text, int64_t base, const tm_value *otherwise,
                        tm_value *out) {
    int64_t i;
    double f;
    bool big;
    if (base < 0 || base == 1 || base > 36)
        return give(out, *otherwise);
    if (tm_read_int(text->p, text->n, (int)base, &i, &big))
        return give(out, tm_int(i));
    if (big)
        return tm_fail(r, MX_INVALID, "an integer of more than 64 bits");
    if (tm_read_float(text->p, text->n, &f))
        return isfinite(f) ? int_of_float(r, f, otherwise, out) : give(out, *otherwise);
    return give(out, *otherwise);
}

static bool f_int(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value otherwise = tm_is_given(&a[1]) ? a[1] : tm_int(0);
    int64_t base;
    if (!tm_want_int(r, &a[2], 10, &base))
        return false;
    switch (a->kind) {
    case TM_BOOL:
    case TM_INT: return give(out, tm_int(a->i));
    case TM_FLOAT: return int_of_float(r, a->f, &otherwise, out);
    case TM_STR: return int_of_text(r, a, base, &otherwise, out);
    case TM_UNDEFINED: return tm_fail_undefined(r, a);
    default: return give(out, otherwise);
    }
}

static bool f_float(tm_run *r, const tm_value *a, tm_value *out) {
    double f;
    if (a->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, a);
    if (tm_is_number(a))
        return give(out, tm_float(tm_number(a)));
    if (a->kind == TM_STR && tm_read_float(a->p, a->n, &f))
        return give(out, tm_float(f));
    return give(out, tm_is_given(&a[1]) ? a[1] : tm_float(0));
}

/* Halves go to the even one, of the decimal digits that the number truly has. */
static double rounded(double x, int64_t digits) {
    char text[512];
    double f;
    if (!isfinite(x) || digits > 330)
        return x;
    if (digits < 0) {
        double unit = pow(10, (double)-digits);
        return digits < -308 ? copysign(0, x) : nearbyint(x / unit) * unit;
    }
    int n = snprintf(text, sizeof text, "%.*f", (int)digits, x);
    for (char *c = text; *c; c++)
        if (!strchr("0123456789-", *c))
            *c = '.';
    return n > 0 && (size_t)n < sizeof text && tm_read_float(text, (size_t)n, &f) ? f : x;
}

static bool f_round(tm_run *r, const tm_value *a, tm_value *out) {
    int64_t digits;
    bool up = tm_is_word(&a[2], "ceil"), down = tm_is_word(&a[2], "floor");
    if (tm_is_given(&a[2]) && !up && !down && !tm_is_word(&a[2], "common"))
        return tm_fail(r, MX_INVALID, "method must be common, ceil or floor");
    if (!tm_want_int(r, &a[1], 0, &digits))
        return false;
    if (a->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, a);
    if (!tm_is_number(a))
        return tm_fail(r, MX_INVALID, "type %s doesn't define __round__ method", tm_type(a));
    double x = tm_number(a), unit = pow(10, (double)digits);
    if (!up && !down && tm_is_whole(a))
        return digits >= 0 ? give(out, tm_int(a->i))
                           : give(out, tm_int((int64_t)rounded(x, digits)));
    if (!up && !down)
        return give(out, tm_float(rounded(x, digits)));
    return give(out, tm_float((up ? ceil(x * unit) : floor(x * unit)) / unit));
}

static const tm_native rows[] = {
    {"default", "value default_value= boolean=", f_default},
    {"d", "value default_value= boolean=", f_default},
    {"attr", "value name", f_attr},
    {"abs", "value", f_abs},
    {"int", "value default= base=", f_int},
    {"float", "value default=", f_float},
    {"round", "value precision= method=", f_round},
};
const tm_table tm_value_filters = TM_TABLE(rows);
