/* Numbers and their texts: see number.h. */
#include "models/template/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "models/template/text.h"

/* --- in --------------------------------------------------------------------------------------- */

static void strip(const char **p, size_t *n) {
    size_t left = tm_space_left(*p, *n);
    *p += left;
    *n -= left;
    *n -= tm_space_right(*p, *n);
}

/* Digits without '_', which may stand between two of them. False: elsewhere, or too long. */
static bool plain(const char *p, size_t n, char *room, size_t size) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        bool between = i && i + 1 < n && p[i - 1] != '_' && p[i + 1] != '_';
        if (k + 1 >= size || !p[i] || (p[i] == '_' && !between))
            return false;
        if (p[i] != '_')
            room[k++] = p[i];
    }
    room[k] = 0;
    return k;
}

/* The decimal point of the locale that strtod reads. */
static void localize(char *s) {
    char made[8], *at = strchr(s, '.');
    snprintf(made, sizeof made, "%.1f", 0.5);
    if (at && made[0] == '0')
        *at = made[1];
}

static bool is_special(const char *s, double *out) {
    bool minus = *s == '-';
    s += *s == '-' || *s == '+';
    char low[12] = {0};
    for (size_t i = 0; s[i] && i < sizeof low - 1; i++)
        low[i] = (char)(s[i] | 0x20);
    if (!strcmp(low, "inf") || !strcmp(low, "infinity"))
        return *out = minus ? -INFINITY : INFINITY, true;
    return !strcmp(low, "nan") ? (*out = NAN, true) : false;
}

bool tm_read_float(const char *p, size_t n, double *out) {
    char room[400], *end;
    strip(&p, &n);
    if (!plain(p, n, room, sizeof room))
        return false;
    if (is_special(room, out))
        return true;
    if (strspn(room, "0123456789.eE+-") != strlen(room))
        return false;
    localize(room);
    *out = strtod(room, &end);
    return !*end;
}

bool tm_read_int(const char *p, size_t n, int base, int64_t *out, bool *big) {
    char room[400], *end;
    *big = false;
    strip(&p, &n);
    if (!plain(p, n, room, sizeof room))
        return false;
    const char *s = room + (*room == '-' || *room == '+');
    int named = s[0] != '0' || !s[1]   ? 0
                : (s[1] | 0x20) == 'x' ? 16
                : (s[1] | 0x20) == 'o' ? 8
                : (s[1] | 0x20) == 'b' ? 2
                                       : 0;
    bool prefixed = named && (base == 0 || base == named);
    if (!prefixed && base == 0)
        base = 10;
    char signed_digits[400];
    snprintf(signed_digits, sizeof signed_digits, "%s%s", *room == '-' ? "-" : "",
             prefixed ? s + 2 : s);
    const char *digits = signed_digits + (*signed_digits == '-');
    if (*digits == '-' || *digits == '+' || tm_space_left(digits, strlen(digits)))
        return false;
    errno = 0;
    *out = strtoll(signed_digits, &end, prefixed ? named : base);
    *big = errno == ERANGE;
    return !*end && *digits && !*big;
}

/* --- out -------------------------------------------------------------------------------------- */

void tm_put_float(tm_run *r, double x) {
    mx_text t = {0};
    mx_text_f64(&t, x);
    if (isfinite(x) && t.data && !strpbrk(t.data, ".e"))
        mx_text_str(&t, ".0");
    if (t.failed)
        r->failed = true;
    tm_put_text(r, mx_text_view(&t));
    mx_text_free(&t);
}

void tm_put_printf(tm_run *r, char letter, bool alternate, int precision, double x) {
    char format[8] = {'%', 0}, text[512];
    snprintf(format + 1, sizeof format - 1, "%s.*%c", alternate ? "#" : "", letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(text, sizeof text, format, precision, x);
#pragma GCC diagnostic pop
    if (n < 0 || (size_t)n >= sizeof text) {
        tm_fail(r, MX_INVALID, "a number of more than %zu characters", sizeof text - 1);
        return;
    }
    for (char *c = text; *c; c++) // the locale's decimal point
        if (!strchr("0123456789.+-eEinfatyINFATY", *c))
            *c = '.';
    tm_put_text(r, text);
}

/* --- arithmetic ------------------------------------------------------------------------------- */

static bool too_large(tm_run *r) {
    return tm_fail(r, MX_INVALID, "an integer of more than 64 bits");
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static bool int_power(tm_run *r, int64_t a, int64_t b, tm_value *out) {
    int64_t v = 1;
    if (b < 0)
        return *out = tm_float(pow((double)a, (double)b)), true;
    for (; b; b >>= 1) {
        if ((b & 1) && __builtin_mul_overflow(v, a, &v))
            return too_large(r);
        if (b > 1 && __builtin_mul_overflow(a, a, &a))
            return too_large(r);
    }
    *out = tm_int(v);
    return true;
}

static bool of_ints(tm_run *r, char sign, int64_t a, int64_t b, tm_value *out) {
    int64_t v = 0;
    bool over = false;
    switch (sign) {
    case '+': over = __builtin_add_overflow(a, b, &v); break;
    case '-': over = __builtin_sub_overflow(a, b, &v); break;
    case '*': over = __builtin_mul_overflow(a, b, &v); break;
    case '/': return *out = tm_float((double)a / (double)b), true;
    case 'f':
        if (!(over = a == INT64_MIN && b == -1))
            v = floor_div(a, b);
        break;
    case '%': v = b == -1 ? 0 : a - floor_div(a, b) * b; break;
    default: return int_power(r, a, b, out);
    }
    *out = tm_int(v);
    return !over || too_large(r);
}

static double float_mod(double a, double b) {
    double m = fmod(a, b);
    if (m == 0)
        return copysign(0, b);
    return (m < 0) != (b < 0) ? m + b : m;
}

static double float_floor(double a, double b) {
    double m = fmod(a, b), d = (a - m) / b;
    if (m != 0 && (m < 0) != (b < 0))
        d -= 1;
    if (d == 0)
        return copysign(0, a / b);
    double f = floor(d);
    return d - f > 0.5 ? f + 1 : f;
}

static bool of_floats(tm_run *r, char sign, double a, double b, tm_value *out) {
    double v = sign == '+'   ? a + b
               : sign == '-' ? a - b
               : sign == '*' ? a * b
               : sign == '/' ? a / b
               : sign == 'f' ? float_floor(a, b)
               : sign == '%' ? float_mod(a, b)
                             : pow(a, b);
    if (sign == '^' && isnan(v) && !isnan(a) && !isnan(b))
        return tm_fail(r, MX_INVALID, "complex numbers are not supported");
    if (sign == '^' && isinf(v) && isfinite(a) && isfinite(b))
        return tm_fail(r, MX_INVALID, "the result of '**' is too large");
    *out = tm_float(v);
    return true;
}

bool tm_arithmetic(tm_run *r, char sign, const tm_value *a, const tm_value *b, tm_value *out) {
    bool divides = sign == '/' || sign == 'f' || sign == '%';
    bool inverts = sign == '^' && tm_number(a) == 0 && tm_number(b) < 0;
    if ((divides && tm_number(b) == 0) || inverts)
        return tm_fail(r, MX_INVALID, "division by zero");
    if (tm_is_whole(a) && tm_is_whole(b))
        return of_ints(r, sign, a->i, b->i, out);
    return of_floats(r, sign, tm_number(a), tm_number(b), out);
}
