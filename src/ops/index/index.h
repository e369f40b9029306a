/* What reading and writing through indices share (op_index.c, op_scatter.c). */
#ifndef MX_OPS_INDEX_H
#define MX_OPS_INDEX_H

#include "ops/rules.h"

/* Integers, not bool. */
bool mx_index_check(const char *op, const mx_array *idx);
/* Checks the n index arrays and their axes; in[0] = a, in[1..n] = the indices broadcast
   together, normal[] = the axes, none negative. */
bool mx_index_lists(const char *op, mx_array *a, mx_array *const *idx, const int *axes, int n,
                    mx_array **in, int *normal);
/* For indices along one axis: checks, and broadcasts everything but the axis. */
bool mx_index_along(const char *op, mx_array **a, mx_array **idx, int *axis);

/* --- batching: axes[i] is the batch axis of idx[i] or -1 -------------------------- */
bool mx_index_batched(const int *axes, int n);
/* out[0] = the number in the batch, out[1..nidx] = the indices, all with the batch in front. */
bool mx_index_batch(mx_array *const *idx, const int *axes, int nidx, int n, mx_array **out);

#endif
