/* Indices become element offsets before anything is read or written: shared by gather
 * and scatter. */
#ifndef MX_CPU_CPU_INDEX_H
#define MX_CPU_CPU_INDEX_H

#include "graph/array/array.h"
#include "kernels/index/k_index.h"

/* An index array along one axis of the indexed array. */
typedef struct cpu_index {
    const mx_array *idx;
    int axis, size; /* the axis and its length */
    int slice;      /* elements of a slice along it */
    int64_t step;   /* its stride */
} cpu_index;

/* offset[i] = the sum of wrapped index i times step over the k lists, which have one
   shape. False with
   "[op] index 7 is out of bounds for axis 0 with size 3". */
bool cpu_index_resolve(const char *op, const cpu_index *list, int k, int64_t *offset);
/* The error for flat element i of an index list. Returns false. */
bool cpu_index_refuse(const char *op, const cpu_index *list, int64_t i);

/* One line of indices: element `at`, then n of them `stride` apart, made contiguous in
 * `room`. */
const void *cpu_index_line(const mx_array *idx, int64_t at, int64_t stride, int64_t n, void *room);

#endif
