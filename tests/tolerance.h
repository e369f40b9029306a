/* How far a value may be from the same in float64: by its dtype and the terms of its sum.
 *
 * A result is rounded once to its dtype; what it is the sum of is added in the dtype that the
 * library adds in (float32 for halves), with an error of a unit of rounding a term (Higham 2002,
 * section 4.2). Twice the unit, since inputs of halves may lie on either side of a tie.
 */
#ifndef TOLERANCE_H
#define TOLERANCE_H

#include <math.h>

#include "base/dtype.h"

/* Half the distance of neighbours at 1. */
static inline double rounding_of(mx_dtype t) {
    return t == MX_BFLOAT16  ? 0x1p-8
           : t == MX_FLOAT16 ? 0x1p-11
           : t == MX_FLOAT64 ? 0x1p-53
                             : 0x1p-24;
}

/* Of a number of size 1. */
static inline double tolerance_of(mx_dtype t, double terms) {
    return 2 * rounding_of(t) + terms * rounding_of(t == MX_FLOAT64 ? t : MX_FLOAT32);
}

/* Of a sum of products of numbers that lie evenly between -1 and 1, whose size grows as the root of
   their count. */
static inline double sum_tolerance(mx_dtype t, double terms) {
    return tolerance_of(t, terms) * (1 + 1.5 * sqrt(terms));
}

#endif
