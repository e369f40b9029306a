/* Shapes and strides of operands with as few axes as say the same: axes of size 1 are dropped and
 * neighbours that lie evenly in memory are joined, in all operands at once. Loops over memory see
 * two or three axes instead of eight. */
#ifndef MX_CPU_LAYOUT_H
#define MX_CPU_LAYOUT_H

#include "graph/array/array.h"

enum { CPU_MAX_OPERANDS = 4 };

typedef struct cpu_layout {
    int ndim;
    int64_t shape[MX_MAX_NDIM];
    int64_t stride[CPU_MAX_OPERANDS][MX_MAX_NDIM]; /* elements */
} cpu_layout;

/* n operands of one shape; strides[k] has ndim entries. A scalar gives ndim 0. */
void cpu_layout_collapse(cpu_layout *l, const int *shape, int ndim, int n,
                         const int64_t *const *strides);

/* Strides of `a` seen as an array of the broadcast shape: 0 along axes that a lacks or has size 1
   in. */
void cpu_broadcast_strides(const mx_array *a, const int *shape, int ndim, int64_t *strides);

#endif
