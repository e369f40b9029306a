#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Room for n more bytes and the final 0. */
static bool reserve(mx_text *t, size_t n) {
    size_t want;
    if (t->failed)
        return false;
    if (mx_add_size(t->len, n, &want) && want < t->room)
        return true;
    size_t room = want < SIZE_MAX / 2 ? want + want / 2 + 64 : SIZE_MAX;
    char *bigger = mx_realloc_array(t->data, room, 1);
    t->failed = !bigger;
    if (bigger) {
        t->data = bigger;
        t->room = room;
    }
    return bigger;
}

void mx_text_put(mx_text *t, const char *bytes, size_t n) {
    if (!reserve(t, n))
        return;
    if (n)
        memcpy(t->data + t->len, bytes, n);
    t->len += n;
    t->data[t->len] = 0;
}

void mx_text_str(mx_text *t, const char *s) {
    mx_text_put(t, s, strlen(s));
}

void mx_text_char(mx_text *t, char c) {
    mx_text_put(t, &c, 1);
}

void mx_text_add(mx_text *t, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n > 0 && reserve(t, (size_t)n)) {
        vsnprintf(t->data + t->len, (size_t)n + 1, format, again);
        t->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

/* ---- numbers ---- */

/* The significant digits of a number and the power of ten of the first. */
typedef struct decimal {
    char digit[20];
    int count, exponent;
} decimal;

/* Reads what "%.*e" printed, whatever the locale puts between the first two digits. */
static decimal parse(const char *text) {
    decimal d = {.count = 0};
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            d.digit[d.count++] = *p;
    while (d.count > 1 && d.digit[d.count - 1] == '0')
        d.count--;
    d.exponent = *p ? (int)strtol(p + 1, NULL, 10) : 0;
    return d;
}

static void put_fixed(mx_text *t, const decimal *d) {
    if (d->exponent < 0) {
        mx_text_put(t, "0.0000", (size_t)(1 - d->exponent));
        mx_text_put(t, d->digit, (size_t)d->count);
        return;
    }
    for (int i = 0; i < d->count || i <= d->exponent; i++) {
        if (i == d->exponent + 1)
            mx_text_char(t, '.');
        mx_text_char(t, i < d->count ? d->digit[i] : '0');
    }
}

static void put_scientific(mx_text *t, const decimal *d) {
    mx_text_char(t, d->digit[0]);
    if (d->count > 1) {
        mx_text_char(t, '.');
        mx_text_put(t, d->digit + 1, (size_t)d->count - 1);
    }
    mx_text_add(t, "e%c%02d", d->exponent < 0 ? '-' : '+', abs(d->exponent));
}

/* Fixed from 0.0001 up to `most` digits before the point, as %g chooses. */
static void put_decimal(mx_text *t, const decimal *d, int most) {
    if (d->exponent < -4 || d->exponent >= most)
        put_scientific(t, d);
    else
        put_fixed(t, d);
}

/* inf and nan; and the sign of everything else. */
static bool put_special(mx_text *t, double x) {
    if (isnan(x)) {
        mx_text_str(t, "nan");
        return true;
    }
    if (signbit(x))
        mx_text_char(t, '-');
    if (isinf(x))
        mx_text_str(t, "inf");
    return isinf(x);
}

void mx_text_num(mx_text *t, double x, int digits) {
    if (put_special(t, x))
        return;
    char text[48];
    snprintf(text, sizeof text, "%.*e", digits - 1, fabs(x));
    decimal d = parse(text);
    put_decimal(t, &d, digits);
}

void mx_text_fixed(mx_text *t, double x, int decimals) {
    if (put_special(t, x))
        return;
    char text[512];
    snprintf(text, sizeof text, "%.*f", decimals < 100 ? decimals : 100, fabs(x));
    const char *whole = text + strspn(text, "0123456789");
    const char *fraction = whole + strcspn(whole, "0123456789"); // behind the locale's point
    mx_text_add(t, "%.*s", (int)(whole - text), text);
    if (*fraction)
        mx_text_add(t, ".%s", fraction);
}

/* A decimal of at most `safe` digits survives the way through a normal number, so that fewer
   need not be tried there; subnormal numbers hold less. */
static int first_try(bool normal, int safe) {
    return normal ? safe : 1;
}

void mx_text_f32(mx_text *t, float x) {
    if (put_special(t, (double)x))
        return;
    char text[48];
    x = fabsf(x);
    for (int n = first_try(x >= FLT_MIN, FLT_DIG); n <= 9; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, (double)x);
        if (strtof(text, NULL) == x)
            break;
    }
    decimal d = parse(text);
    put_decimal(t, &d, 16);
}

void mx_text_f64(mx_text *t, double x) {
    if (put_special(t, x))
        return;
    char text[48];
    x = fabs(x);
    for (int n = first_try(x >= DBL_MIN, DBL_DIG); n <= 17; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, x);
        if (strtod(text, NULL) == x)
            break;
    }
    decimal d = parse(text);
    put_decimal(t, &d, 16);
}

/* ---- the end ---- */

size_t mx_path_length(const char *path) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return n;
}

char *mx_text_path(const char *folder, const char *name) {
    mx_text t = {0};
    size_t n = strlen(folder);
    mx_text_add(&t, "%s%s%s", folder, n && folder[n - 1] != '/' ? "/" : "", name);
    return mx_text_take(&t);
}

const char *mx_text_view(const mx_text *t) {
    return t->data ? t->data : "";
}

char *mx_text_take(mx_text *t) {
    mx_text_put(t, "", 0);
    char *s = t->failed ? NULL : t->data;
    if (!s)
        mx_free(t->data);
    *t = (mx_text){0};
    return s;
}

void mx_text_free(mx_text *t) {
    mx_free(t->data);
    *t = (mx_text){0};
}
