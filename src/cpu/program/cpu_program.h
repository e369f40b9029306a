/* The interpreter of pointwise programs (graph/eval/program.h).
 *
 *     prepare    a place for every value: the input's or output's own memory where it is
 *                contiguous, else a register (a tile in the thread's scratch)
 *     range      tile by tile: fetch what is strided, run the instructions, store
 *
 * All registers of a tile fit the first-level cache, so a chain of operations reads its inputs once
 * and writes its outputs once. Tiles do not change results: every element is computed by itself.
 */
#ifndef MX_CPU_CPU_PROGRAM_H
#define MX_CPU_CPU_PROGRAM_H

#include "cpu/memory/layout.h"
#include "graph/eval/program.h"
#include "kernels/kernels.h"

typedef struct cpu_program cpu_program;

/* Run the whole program on the pool: mx_backend.run_program. */
bool cpu_program_run(const mx_program *p, const bool *donate);

/* --- as the source of another loop (reductions, softmax) -------------------------------------- */

/* Prepare a program whose single output is read piece by piece. NULL and MX_NOMEM on failure. */
cpu_program *cpu_program_open(const mx_program *p);
/* Elements [begin, end) of the output, in its storage dtype, to `out` (contiguous). Thread-safe:
   uses scratch slot 0 of the calling thread. False: no scratch memory. */
bool cpu_program_read(const cpu_program *c, int64_t begin, int64_t end, void *out);
/* Is it nothing but a product, or a square, of what lies as its output would? Then its factors. */
bool cpu_program_factors(const cpu_program *c, const char *factor[2]);
void cpu_program_close(cpu_program *c);

#endif
