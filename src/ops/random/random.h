/* What the distributions share. */
#ifndef MX_OPS_RANDOM_H
#define MX_OPS_RANDOM_H

#include "ops/ops.h"

/* Refuses what is not one key: two uint32. */
bool mx_random_is_key(const mx_array *key);
/* In [0, 1): 32 bits, rounded to the dtype. key NULL: the thread's next. */
mx_array *mx_random_unit(const int *shape, int ndim, mx_dtype t, mx_array *key);
/* The same of bits that are given; and -log(-log(u)) of them, whose largest of several picks one by
   weight. */
mx_array *mx_random_unit_of(mx_array *bits, mx_dtype t);
mx_array *mx_random_gumbel_of(mx_array *bits, mx_dtype t);
/* Programs may keep halves in float32 between operations; here every step is rounded, as MLX
   does. */
mx_array *mx_random_rounded(mx_array *a);
/* Parameters must broadcast to the requested shape, not beyond it. */
bool mx_random_fits(const char *op, const mx_array *a, const int *shape, int ndim);

#endif
