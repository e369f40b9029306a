/* Comparisons of one row of integers with number after number, as where a column meets a row.
 *
 * What the row's elements differ by often fits fewer bytes than they have: numbers of classes, of
 * places, years. The row is copied once as differences from its least element, in the narrowest
 * unsigned dtype that holds them, of which up to eight times as many fit a vector. The order is the
 * same.
 */
#ifndef MX_CPU_PROGRAM_NARROW_H
#define MX_CPU_PROGRAM_NARROW_H

#include "cpu/memory/dense.h"
#include "cpu/program/parts.h"
#include "kernels/pointwise/k_pw_chain.h"

typedef struct cpu_narrow {
    mx_k_with_number *wide, *narrow; /* the comparison in both dtypes */
    mx_dtype from, to;
    uint64_t low, high; /* the row's ends, as unsigned numbers of the same order */
    const void *row;
    cpu_dense room; /* the differences */
} cpu_narrow;

/* For row[n], n > 0, of instruction `in`, which has a kernel with a number and meets `rows` of
   them.
   w->narrow is NULL where nothing is gained. False: no memory. */
bool cpu_narrow_open(cpu_narrow *w, const mx_instr *in, const void *row, int64_t n, int64_t rows);
/* out[n], bools: elements i .. i + n - 1 of the row compared with a number, which is on the left
   where `turned`. */
void cpu_narrow_compare(const cpu_narrow *w, char *out, const void *number, int64_t i, size_t n,
                        bool turned);
void cpu_narrow_close(cpu_narrow *w);

#endif
