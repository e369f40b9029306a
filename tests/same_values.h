/* Are two arrays the same numbers, bit for bit? */
#ifndef MX_TEST_SAME_VALUES_H
#define MX_TEST_SAME_VALUES_H

#include <math.h>
#include <string.h>

#include "ops/ops.h"

/* A NaN is a NaN whatever its sign, which is that of the first operand of an instruction: compilers
 * choose which operand of a sum or a product that is. */
static mx_array *with_one_nan(mx_array *x) {
    bool can = mx_dtype_is_inexact(mx_dtype_of(x));
    return can ? mx_where(mx_isnan(x), mx_scalar_like(x, NAN), x) : x;
}

static bool same_values(mx_array *a, mx_array *b) {
    mx_array *x = mx_contiguous(with_one_nan(a), false), *y = mx_contiguous(with_one_nan(b), false);
    return mx_eval1(x) && mx_eval1(y) && mx_same_shape(x, y) && x->dtype == y->dtype &&
           memcmp(x->data, y->data, (size_t)x->size * mx_itemsize(x)) == 0;
}

#endif
