/* How a value is laid out in a formatted text: what "%-8.3f" and "{:>8.3f}" say. */
#ifndef MX_TEMPLATE_SPEC_H
#define MX_TEMPLATE_SPEC_H

#include "models/template/value.h"

typedef struct tm_spec {
    uint32_t fill;     /* a character */
    char align;        /* '<', '>', '^', '=', 0: the type's */
    char sign;         /* '+', ' ', 0 or '-' */
    bool alternate;    /* '#' */
    int64_t width;     /* 0: as wide as it is */
    char grouping;     /* ',', '_', 0 */
    int64_t precision; /* -1: none */
    char type;         /* 0: none */
} tm_spec;

enum { TM_MOST_WIDTH = 1000000, TM_MOST_PRECISION = 400 };

/* A text; a whole number by type d, x, X, o, b, n or c; a float by e, E, f, F, g, G, % or 0. */
bool tm_put_text_by(tm_run *r, const tm_value *text, const tm_spec *s);
bool tm_put_int_by(tm_run *r, int64_t i, const tm_spec *s);
bool tm_put_float_by(tm_run *r, double f, const tm_spec *s);

#endif
