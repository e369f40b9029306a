/* What the ways to run a program share: how an instruction is computed, and where results lie.
 *
 *     cpu_program.c    tiles, registers and fetches: any program
 *     single.c         one instruction over operands that lie as its result does
 *     rows.c           one instruction over operands that lie in rows
 *     outputs.c        memory for the results, and a loop over their elements
 */
#ifndef MX_CPU_PROGRAM_PARTS_H
#define MX_CPU_PROGRAM_PARTS_H

#include "base/threads/pool.h"
#include "graph/eval/program.h"
#include "kernels/kernels.h"

/* Does a lie as the program's values do, element by element? */
static inline bool cpu_is_direct(const mx_program *p, const mx_array *a) {
    return a->row_contiguous && a->size == p->size;
}

static inline int cpu_instr_arity(const mx_instr *in) {
    return in->op < MX_PW_COUNT ? mx_pw_infos[in->op].arity : 1;
}

static inline mx_k_pw cpu_instr_kernel(const mx_kernels *k, const mx_instr *in) {
    return in->op == MX_OPC_CAST ? (mx_k_pw){.unary = k->pointwise->cast[in->dtype][in->to]}
                                 : k->pointwise->op[in->op][in->dtype];
}

enum { CPU_PROGRAM_GRAIN = 1 << 16 }; /* element-instructions worth a wake-up */

/* Memory for the outputs, new or an input's that may be overwritten. */
bool cpu_outputs_give(const mx_program *p, const bool *donate);
/* body over [0, n) on the pool; false where the host wanted to stop, and nothing is lost by it. */
bool cpu_outputs_compute(const mx_program *p, int64_t n, int64_t grain, mx_range_body *body,
                         void *ctx);

bool cpu_is_single(const mx_program *p);
bool cpu_single_run(const mx_program *p); /* its output has its memory */
/* Likewise, where *fits. */
bool cpu_rows_run(const mx_program *p, bool *fits);

#endif
