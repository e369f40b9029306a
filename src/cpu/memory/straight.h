/* An array that is read in an order in which its elements lie far apart, copied into that order. */
#ifndef MX_CPU_STRAIGHT_H
#define MX_CPU_STRAIGHT_H

#include "cpu/memory/dense.h"

/* Do neighbours along the last axis of this shape, to which a is broadcast, lie far apart, and what
   is between them at least `apart` elements later in the order of the shape? Each element would be
   a cache line that is asked for again by then. */
bool cpu_is_steep(const mx_array *a, const int *shape, int ndim, int64_t apart);
enum {
#ifdef MX_TORTURE
    CPU_PIECE_APART = 3
#else
    CPU_PIECE_APART = 128 /* of readers that take some thousands of elements at a time */
#endif
};
/* Does no axis run along memory element by element? */
bool cpu_has_gaps(const mx_array *a);

typedef struct cpu_straight {
    mx_array a; /* its elements in row-major order, axes of stride 0 as they were; not counted */
    int64_t strides[MX_MAX_NDIM];
    cpu_dense copy;
} cpu_straight;

/* False: no memory, nothing to close. */
bool cpu_straight_open(cpu_straight *s, const mx_array *a);
void cpu_straight_close(cpu_straight *s);

#endif
