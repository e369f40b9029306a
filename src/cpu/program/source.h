/* Where a loop reads its input: an array in memory, or a program that computes it while
 * it is read. */
#ifndef MX_CPU_SOURCE_H
#define MX_CPU_SOURCE_H

#include "cpu/memory/dense.h"
#include "cpu/program/cpu_program.h"

typedef struct cpu_source {
    const mx_array *a;    /* shape and dtype; its memory when there is no program */
    cpu_program *program; /* NULL: the array is available */
    cpu_dense copy;       /* what is read instead of the array, if data is not NULL */
    mx_program itself;    /* of cpu_source_in_order */
    mx_array *in;
    uint16_t value;
} cpu_source;

/* Input 0 of a node, or the program that feeds it. */
bool cpu_source_open(cpu_source *s, const mx_node *n, const mx_program *feed);
void cpu_source_close(cpu_source *s);

/* An available array of which no axis runs along memory becomes a program, whose tiles are dense;
 * where the result depends on the order of the elements also one with axes of stride 0, read in the
 * order of its copy: a sum does not depend on whether a fill lies in memory. False: no memory. */
bool cpu_source_in_order(cpu_source *s, bool ordered);

/* Compute the whole program into `out` (contiguous, the input's dtype), on the pool. */
bool cpu_source_compute(const cpu_source *s, void *out);
/* Turn a program into an array, or a copy, that the source owns until it is closed: for loops that
 * read out of order. */
bool cpu_source_settle(cpu_source *s);
/* Strides of the input in elements: its own, or those of C arrays for a program or a copy. */
void cpu_source_strides(const cpu_source *s, int64_t *strides);
/* What has these strides, where there is no program. */
const void *cpu_source_data(const cpu_source *s);

#endif
