/* Operations that MLX does not have, composed of those in ops.h; conventions as there. */
#ifndef MX_OPS_EXTRA_H
#define MX_OPS_EXTRA_H

#include "ops/ops.h"

/* --- op_extra.c: pointwise ---------------------------------------------------------- */
mx_array *mx_cbrt(mx_array *a);
mx_array *mx_exp2(mx_array *a);
mx_array *mx_sinc(mx_array *a);
mx_array *mx_fmax(mx_array *a, mx_array *b);
mx_array *mx_fmin(mx_array *a, mx_array *b);
mx_array *mx_heaviside(mx_array *a, mx_array *b);
mx_array *mx_hypot(mx_array *a, mx_array *b);
mx_array *mx_copysign(mx_array *a, mx_array *b);
mx_array *mx_signbit(mx_array *a);
mx_array *mx_nextafter(mx_array *a, mx_array *b);
mx_array *mx_isin(mx_array *a, mx_array *of, bool invert);

/* Largest less smallest along axes. */
mx_array *mx_ptp(mx_array *a, const int *axes, int n, bool keepdims);

/* --- op_nan.c: reductions that pass over NaN ----------------------------------------- */
mx_array *mx_nansum(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_nanprod(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_nanmax(mx_array *a, const int *axes, int n, bool keepdims); /* all NaN: NaN */
mx_array *mx_nanmin(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_nanmean(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_nanvar(mx_array *a, const int *axes, int n, bool keepdims, int ddof);
mx_array *mx_nanstd(mx_array *a, const int *axes, int n, bool keepdims, int ddof);

/* --- op_quantile.c ------------------------------------------------------------------- */
/* q's axes stand first. method: linear, lower, higher, midpoint, nearest. NaN gives NaN or, if
   skip_nan, is passed over. */
mx_array *mx_quantile(mx_array *a, mx_array *q, const int *axes, int n, bool keepdims,
                      const char *method, bool skip_nan);
/* Counts (weights NULL: int32) between edges (N+1), the last included. */
mx_array *mx_histogram(mx_array *a, mx_array *edges, mx_array *weights, bool density);
/* n + 1 edges from range[0] to range[1], or from the smallest to the largest element. */
mx_array *mx_histogram_edges(mx_array *a, int n, const double *range);

/* --- op_set.c: their shapes depend on values, so they evaluate ------------------------- */
bool mx_nonzero(mx_array *a, mx_array **out); /* ndim (0-d: 1) vectors of int32 */
/* values ascending, where each occurs first, which of them each element is, how often; same_nan:
   all NaN are one */
bool mx_unique(mx_array *a, bool same_nan, mx_array *out[4]);
/* The same of the first `size` values; what is behind the last value is fill (NULL: the first
   value) with count 0. Nothing is evaluated, and NaN differs from NaN. */
bool mx_unique_sized(mx_array *a, int size, mx_array *fill, mx_array *out[4]);
mx_array *mx_bincount(mx_array *a, mx_array *weights, int minlength);

/* --- op_linalg_extra.c, op_linalg_more.c ----------------------------------------------- */
/* Of all elements along the axes as one vector. */
mx_array *mx_vector_norm(mx_array *a, double ord, const int *axes, int n, bool keepdims);
mx_array *mx_matrix_power(mx_array *a, int n);
mx_array *mx_matrix_rank(mx_array *a, mx_array *rtol, bool hermitian); /* rtol NULL: max(M,N) eps */
mx_array *mx_cond(mx_array *a, const double *ord);                     /* NULL: 2 */
mx_array *mx_expm(mx_array *a);
/* x, residuals, rank, singular values; rcond < 0: max(M,N) eps */
bool mx_lstsq(mx_array *a, mx_array *b, double rcond, mx_array *out[4]);

/* --- op_random_extra.c: key NULL: the thread's next ------------------------------------- */
mx_array *mx_random_exponential(mx_array *scale, const int *shape, int ndim, mx_dtype t,
                                mx_array *key);
mx_array *mx_random_gamma(mx_array *alpha, const int *shape, int ndim, mx_dtype t, mx_array *key);
mx_array *mx_random_beta(mx_array *a, mx_array *b, const int *shape, int ndim, mx_dtype t,
                         mx_array *key);
mx_array *mx_random_poisson(mx_array *lam, const int *shape, int ndim, mx_dtype t, mx_array *key);
/* Slabs of a along axis, with probabilities p (NULL: equal). */
mx_array *mx_random_choice(mx_array *a, const int *shape, int ndim, bool replace, mx_array *p,
                           int axis, mx_array *key);

#endif
