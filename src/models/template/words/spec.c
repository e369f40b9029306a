/* Laying out: see spec.h. */
#include "models/template/words/spec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/template/number.h"
#include "models/template/text.h"

static void fill(tm_run *r, uint32_t c, int64_t n) {
    for (int64_t i = 0; i < n && !r->failed; i++)
        tm_put_char(r, c);
}

/* `head` (sign and prefix) and `body`, filled up to the width. */
static bool lay(tm_run *r, const char *head, const tm_value *body, char align, const tm_spec *s) {
    int64_t n = (int64_t)strlen(head) + (int64_t)tm_count(body->p, body->n);
    int64_t lack = s->width > n ? s->width - n : 0;
    int64_t left = align == '<' || align == '=' ? 0 : align == '^' ? lack / 2 : lack;
    int64_t inner = align == '=' ? lack : 0;
    fill(r, s->fill, left);
    tm_put_text(r, head);
    fill(r, s->fill, inner);
    tm_put(r, body->p, body->n);
    fill(r, s->fill, lack - left - inner);
    return tm_spend(r, (uint64_t)lack / 8 + 1);
}

bool tm_put_text_by(tm_run *r, const tm_value *text, const tm_spec *s) {
    tm_value v = *text;
    if (s->precision >= 0)
        v.n = tm_byte_of(v.p, v.n, (size_t)s->precision);
    return lay(r, "", &v, s->align ? s->align : '<', s);
}

static const char *sign_of(bool negative, const tm_spec *s) {
    return negative ? "-" : s->sign == '+' ? "+" : s->sign == ' ' ? " " : "";
}

/* Digits with a mark between each `of`; whole is where they end in body, and the rest follows. */
static bool group(tm_run *r, const tm_value *body, char mark, size_t of, tm_value *out) {
    size_t whole = 0, begin = tm_begin(r);
    while (whole < body->n && ((body->p[whole] >= '0' && body->p[whole] <= '9') ||
                               (of == 4 && body->p[whole] >= 'a' && body->p[whole] <= 'f') ||
                               (of == 4 && body->p[whole] >= 'A' && body->p[whole] <= 'F')))
        whole++;
    for (size_t i = 0; i < whole; i++) {
        if (i && (whole - i) % of == 0)
            tm_put(r, &mark, 1);
        tm_put(r, body->p + i, 1);
    }
    tm_put(r, body->p + whole, body->n - whole);
    return tm_take(r, begin, out);
}

static bool lay_number(tm_run *r, const char *head, tm_value *body, const tm_spec *s, size_t of) {
    if (s->grouping && !group(r, body, s->grouping, of, body))
        return false;
    if (s->grouping && s->fill == '0' && s->align == '=' && s->width)
        return tm_fail(r, MX_UNSUPPORTED, "zeros before a number with marks are not supported");
    return lay(r, head, body, s->align ? s->align : '>', s);
}

bool tm_put_int_by(tm_run *r, int64_t i, const tm_spec *s) {
    char digits[72], head[4];
    size_t at = sizeof digits;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    char type = s->type ? s->type : 'd';
    unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
    const char *letters = type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    do
        digits[--at] = letters[u % base];
    while (u /= base);
    snprintf(head, sizeof head, "%s%s%.1s", sign_of(i < 0, s),
             s->alternate && base != 10 ? "0" : "", s->alternate && base != 10 ? &type : "");
    for (; s->precision > (int64_t)(sizeof digits - at) && at; at--)
        digits[at - 1] = '0';
    tm_value body = tm_str(digits + at, sizeof digits - at);
    return lay_number(r, head, &body, s, base == 10 ? 3 : 4);
}

/* repr, or as many digits as asked, of a float without a type: 1.0, 1e+16. */
static void put_plain(tm_run *r, double x, const tm_spec *s) {
    size_t begin = tm_begin(r);
    if (s->precision < 0) {
        tm_put_float(r, x);
        return;
    }
    tm_put_printf(r, 'g', s->alternate, s->precision ? (int)s->precision : 1, x);
    if (!r->failed && !memchr(r->out + begin, '.', r->out_n - begin) &&
        !memchr(r->out + begin, 'e', r->out_n - begin))
        tm_put_text(r, ".0");
}

bool tm_put_float_by(tm_run *r, double f, const tm_spec *s) {
    size_t begin = tm_begin(r);
    double x = fabs(f);
    tm_value body;
    int precision = s->precision < 0 ? 6 : (int)s->precision;
    bool upper = s->type >= 'A' && s->type <= 'Z';
    if (!isfinite(f))
        tm_put_text(r, isnan(f) ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf");
    else if (s->type == '%')
        tm_put_printf(r, 'f', s->alternate, precision, x * 100);
    else if (s->type)
        tm_put_printf(r, s->type, s->alternate, precision, x);
    else
        put_plain(r, x, s);
    if (s->type == '%')
        tm_put(r, "%", 1);
    if (!tm_take(r, begin, &body))
        return false;
    return lay_number(r, sign_of(signbit(f) && !isnan(f), s), &body, s, 3);
}
