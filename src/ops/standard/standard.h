/* What the array API standard's functions may be told beyond the original's: where to start, in
 * which order, how wide. All are made of other operations, so that derivatives and batching follow
 * from their parts. */
#ifndef MX_OPS_STANDARD_H
#define MX_OPS_STANDARD_H

#include "ops/ops.h"

/* A sum or product of elements converted to t first, in dtype t. axes NULL: all. */
mx_array *mx_reduce_as(mx_reduce_op op, mx_array *a, const int *axes, int n, bool keepdims,
                       mx_dtype t);
/* The variance with n - correction in place of n, which need not be whole; NaN or infinite where it
   is not positive. */
mx_array *mx_var_corrected(mx_array *a, const int *axes, int n, bool keepdims, double correction);
/* A running sum or product with what it starts from in front: one element more. */
mx_array *mx_scan_from_initial(mx_scan_op op, mx_array *a, int axis);
/* Descending; equal elements keep their order, NaN come first. */
mx_array *mx_sort_descending(mx_array *a, int axis);
mx_array *mx_argsort_descending(mx_array *a, int axis);
/* The differences of a with other slabs before and after it (either may be NULL). */
mx_array *mx_diff_between(mx_array *a, int n, int axis, mx_array *before, mx_array *after);
/* Each slab along the axis as often as repeats says, a vector of one count for each or for all,
   which is evaluated. */
mx_array *mx_repeat_each(mx_array *a, mx_array *repeats, int axis);
/* Axes from[i] moved to to[i]; the others keep their order. */
mx_array *mx_moveaxes(mx_array *a, const int *from, const int *to, int n);

/* --- op_linalg_thin.c ------------------------------------------------------------------------- */

/* U (...,M,K), S (...,K), Vt (...,K,N), K = min(M,N): no square matrix of the larger side is
   made. */
bool mx_svd_thin(mx_array *a, mx_array *out[3]);
/* Q (...,M,M) and R (...,M,N). */
bool mx_qr_complete(mx_array *a, mx_array *out[2]);
/* The inverse over the singular values above rtol, a number or one for each matrix, times the
   largest. */
mx_array *mx_pinv_above(mx_array *a, mx_array *rtol);

#endif
