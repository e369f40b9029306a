/* The lines of an array along one axis: what softmax, sorting and the like work on one
 * by one. A line that is not contiguous is copied out, and back, together with its neighbours. */
#ifndef MX_CPU_LINES_H
#define MX_CPU_LINES_H

#include "cpu/memory/fetch.h"

typedef struct cpu_lines {
    int64_t count, n; /* lines, elements of each */
    int64_t run;      /* lines i .. i + run - 1 lie evenly in memory, i a multiple of run */
    int64_t stride;   /* between lines, where they are even */
    bool even;        /* contiguous lines at one distance */
    cpu_layout at;    /* the other axes, then this one */
} cpu_lines;

void cpu_lines_of(cpu_lines *l, const int *shape, const int64_t *strides, int ndim, int axis);

/* Lines i .. i + count - 1 to `out`, one after the other. */
static inline void cpu_lines_read(const cpu_lines *l, void *out, const void *data, size_t item,
                                  int64_t i, int64_t count) {
    cpu_fetch(out, data, item, &l->at, i * l->n, (size_t)(count * l->n));
}
/* And back; they are of one run. */
void cpu_lines_write(const cpu_lines *l, void *data, const void *from, size_t item, int64_t i,
                     int64_t count);

#endif
