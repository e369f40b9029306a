/* Reductions, for other files of this room. */
#ifndef MX_CPU_CPU_REDUCE_H
#define MX_CPU_CPU_REDUCE_H

#include "graph/array/params.h"

/* Where the elements of an output are folded run by run, in the order of mx_k_red_runs: how many
   runs. 0: in another order. Of shape and strides alone; `a` need have no data. */
int64_t cpu_reduce_runs(const mx_array *a, const mx_p_reduce *q);
/* An available array to `out`, which has memory. */
bool cpu_reduce_array(const mx_array *a, const mx_p_reduce *q, mx_array *out);

#endif
