/* Numbers and their texts, as Python has them. */
#ifndef MX_TEMPLATE_NUMBER_H
#define MX_TEMPLATE_NUMBER_H

#include "models/template/value.h"

/* What float() makes of a text, spaces around it; false: it is no number. */
bool tm_read_float(const char *p, size_t n, double *out);
/* What int() makes of a text in a base (2 to 36, or 0). False: it is no number, or *big. */
bool tm_read_int(const char *p, size_t n, int base, int64_t *out, bool *big);
/* repr of a float: 1.0, 1e-05, inf. */
void tm_put_float(tm_run *r, double x);
/* The parts of x as printf's %.*e, %.*f and %.*g make them, whatever the locale. */
void tm_put_printf(tm_run *r, char letter, bool alternate, int precision, double x);
/* Arithmetic of Python; false and an error: an int beyond 64 bits, a division by zero. */
bool tm_arithmetic(tm_run *r, char sign, const tm_value *a, const tm_value *b, tm_value *out);

#endif
