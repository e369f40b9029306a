/* The CPU backend: one function per family of primitives, over the kernels of the chosen
 * instruction set.
 *
 * A family function gets a node whose inputs are available (unless `feed` stands for input 0),
 * gives the outputs memory and computes them. out[j] is NULL where output j is not wanted. It fails
 * with mx_fail and false; whatever it allocated is withdrawn by the caller.
 */
#ifndef MX_CPU_CPU_H
#define MX_CPU_CPU_H

#include "graph/eval/backend.h"

typedef bool cpu_run_fn(mx_node *n, mx_array **out, const mx_program *feed);

/* cpu_view, cpu_copy, ...: one for each family named in prims.def. */
#define PRIM(name, Name, family) cpu_run_fn cpu_##family;
#include "graph/array/prims.def"

/* Does this node gain by reading input 0 as a program? (cpu_feed.c) */
bool cpu_can_feed(const mx_node *n);

#endif
