/* Sums and products of halves through indices: several updates of one place are combined in float32
 * and rounded once.
 *
 * Only the places that are written to are widened, so that a few updates of a large array stay as
 * cheap as they are:
 *
 *     offset  40  8  40  16        where the updates go
 *     first    8 16  40            the places, each once, ascending
 *     slot     2  0   2  1         offset[i] == first[slot[i]]
 */
#ifndef MX_CPU_SCATTER_WIDE_H
#define MX_CPU_SCATTER_WIDE_H

#include "graph/array/array.h"

typedef struct cpu_slots {
    int64_t *slot, *first; /* room for n each; what cpu_slots_free frees */
    int64_t count;         /* of first */
} cpu_slots;

/* False: out of memory. */
bool cpu_slots_find(cpu_slots *s, const int64_t *offset, int64_t n);
void cpu_slots_free(cpu_slots *s);

/* n elements in a row, cast on the pool. */
void cpu_cast(void *out, mx_dtype to, const void *in, mx_dtype from, int64_t n);
/* a's elements in row-major order as float32, to be freed; NULL: out of memory. */
float *cpu_widened(const mx_array *a);
/* out gets these elements, rounded to its dtype. */
bool cpu_narrow(mx_array *out, const float *in);

#endif
