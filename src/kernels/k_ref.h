/* The reference for pointwise operations: one element at a time, in the widest type C has,
 * written for the eye. Tests compare every kernel of every instruction set with it; nothing
 * else uses it.
 */
#ifndef MX_KERNELS_K_REF_H
#define MX_KERNELS_K_REF_H

#include "kernels/pointwise/k_pointwise.h"

/* A value of any dtype: integers and bool in `i` (two's complement, uint64 by its bits),
 * others in re, im. */
typedef struct mx_ref {
    mx_dtype type;
    int64_t i;
    long double re, im;
} mx_ref;

mx_ref mx_ref_load(mx_dtype t, const void *p, size_t index);
/* The operation on values of compute dtype a.type (of b and c for select); unused operands are
 * ignored. */
mx_ref mx_ref_pointwise(mx_pointwise op, mx_ref a, mx_ref b, mx_ref c);
mx_ref mx_ref_cast(mx_ref a, mx_dtype to);
/* How far a stored result is from what is wanted, in units of the last place of its type (of
 * the larger part, for complex). 0 when right, a wrong sign of zero included; HUGE_VAL when a
 * NaN, an infinity or an integer is wrong. */
double mx_ref_error(mx_ref want, mx_ref got);

#endif
