/* Numbers as decimal digits, and the automata that compare digits with them. */
#ifndef MX_MODELS_STRUCTURE_DECIMAL_H
#define MX_MODELS_STRUCTURE_DECIMAL_H

#include <jansson.h>

#include "models/structure/automaton/expr.h"

/* The largest double has 309 digits, the smallest 324 zeros before its own. */
enum { SG_MOST_DIGITS = 400 };

/* whole.part; whole without zeros before, "0" where there is nothing, part without zeros behind. */
typedef struct sg_decimal {
    bool negative;
    char whole[SG_MOST_DIGITS], part[SG_MOST_DIGITS];
} sg_decimal;

/* The number as JSON writes it, shortest digits. False and an error: no memory. */
bool sg_decimal_of(sg_decimal *d, json_t *number);
bool sg_decimal_is_zero(const sg_decimal *d);
/* -1, 0, 1 */
int sg_decimal_compare(const sg_decimal *a, const sg_decimal *b);

/* Automata over magnitudes, "12", "0.50": those that are at least or at most |x|; open: and not x
   itself. NULL: no memory. */
sg_dfa *sg_magnitudes(const sg_decimal *x, bool most, bool open);
/* The multiples of |x|, whose digits are `digits` as a number, k of them behind the point. */
sg_dfa *sg_multiples(uint32_t digits, uint32_t k);

#endif
