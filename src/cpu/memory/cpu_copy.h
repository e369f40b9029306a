/* Copies of whole strided arrays on the pool. */
#ifndef MX_CPU_CPU_COPY_H
#define MX_CPU_CPU_COPY_H

#include "graph/array/array.h"

/* One array's elements to another place. Strides in elements; those of `in` may be 0 (a
   broadcast, a fill). Nothing overlaps. */
void cpu_copy_strided(void *out, const int64_t *out_strides, const void *in,
                      const int64_t *in_strides, const int *shape, int ndim, size_t itemsize);
/* a's elements in row-major order to out. */
void cpu_copy_dense(void *out, const mx_array *a);
/* out gets in's elements: by taking its memory if nobody else needs it, else a row-
   contiguous copy. */
bool cpu_copy_or_take(mx_array *out, mx_array *in);

#endif
