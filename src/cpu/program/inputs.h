/* A program that is read piece by piece, of inputs that lie as it is read.
 *
 * A piece has few rows, or a part of one, so that there is no panel to transpose an input in. What
 * is steep (cpu/memory/straight.h) is copied first, without what a broadcast repeats. */
#ifndef MX_CPU_INPUTS_H
#define MX_CPU_INPUTS_H

#include "graph/eval/program.h"

typedef struct cpu_inputs cpu_inputs;

/* *to: NULL where p's inputs lie well. False: no memory, nothing to free. */
bool cpu_inputs_open(cpu_inputs **to, const mx_program *p);
/* p with these inputs. */
const mx_program *cpu_inputs_program(const cpu_inputs *s);
void cpu_inputs_close(cpu_inputs *s); /* NULL: nothing */

#endif
