/* A program that is read piece by piece, of inputs that lie as it is read.
 *
 * A piece has few rows, or a part of one, so that there is no panel to transpose an input in: each
 * of its elements would be a cache line that the next piece asks for again. Such inputs are copied
 * first, without what a broadcast repeats. */
#ifndef MX_CPU_STRAIGHT_H
#define MX_CPU_STRAIGHT_H

#include "graph/eval/program.h"

typedef struct cpu_straight cpu_straight;

/* *to: NULL where p's inputs lie well. False: no memory, nothing to free. */
bool cpu_straight_open(cpu_straight **to, const mx_program *p);
/* p with these inputs. */
const mx_program *cpu_straight_program(const cpu_straight *s);
void cpu_straight_close(cpu_straight *s); /* NULL: nothing */

#endif
