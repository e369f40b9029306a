/* An array's elements as C arrays have them: where they lie, or a copy for the time of a loop. */
#ifndef MX_CPU_DENSE_H
#define MX_CPU_DENSE_H

#include "graph/array/array.h"

typedef struct cpu_dense {
    const void *data;
    void *copy; /* NULL: the array's own memory */
    size_t bytes;
} cpu_dense;

/* a may be NULL: data is NULL. False: out of memory. Close also after a failure. */
bool cpu_dense_open(cpu_dense *d, const mx_array *a);
void cpu_dense_close(cpu_dense *d);
/* Just memory, in `copy`. */
bool cpu_dense_room(cpu_dense *d, size_t bytes);

#endif
