/* A program of inputs that lie as it is read: what is steep (cpu/memory/straight.h) is copied
 * first, without what a broadcast repeats, unless it can be transposed panel by panel. A reader
 * that takes it piece by piece has too few rows for that, or a part of one. */
#ifndef MX_CPU_INPUTS_H
#define MX_CPU_INPUTS_H

#include "graph/eval/program.h"

typedef struct cpu_inputs cpu_inputs;

/* *to: NULL where p's inputs lie well. False: no memory, nothing to free. */
bool cpu_inputs_open(cpu_inputs **to, const mx_program *p, bool by_pieces);
/* p with these inputs. */
const mx_program *cpu_inputs_program(const cpu_inputs *s);
void cpu_inputs_close(cpu_inputs *s); /* NULL: nothing */

#endif
