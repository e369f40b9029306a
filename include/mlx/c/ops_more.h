/* Operations of MLX 0.32 that mlx-c does not have. Conventions as in ops.h. */
#ifndef MLX_C_OPS_MORE_H
#define MLX_C_OPS_MORE_H

#include "mlx/c/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- pointwise --------------------------------------------------------------------------------- */

/* a itself. */
MLX_API int mlx_positive(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Towards zero. */
MLX_API int mlx_trunc(mlx_array *res, const mlx_array a, const mlx_stream s);
MLX_API int mlx_logical_xor(mlx_array *res, const mlx_array a, const mlx_array b,
                            const mlx_stream s);
/* log |gamma(a)| and its derivative. */
MLX_API int mlx_lgamma(mlx_array *res, const mlx_array a, const mlx_stream s);
MLX_API int mlx_digamma(mlx_array *res, const mlx_array a, const mlx_stream s);

/* --- creation and shape -------------------------------------------------------------------------- */

/* num points from start; stop is the last of them if endpoint, else the one that would follow. */
MLX_API int mlx_linspace_endpoint(mlx_array *res, double start, double stop, int num, bool endpoint,
                                  mlx_dtype dtype, const mlx_stream s);
MLX_API int mlx_zeros_like_dtype(mlx_array *res, const mlx_array a, mlx_dtype dtype,
                                 const mlx_stream s);
MLX_API int mlx_ones_like_dtype(mlx_array *res, const mlx_array a, mlx_dtype dtype,
                                const mlx_stream s);
/* The elements in reverse order along all axes, along some. */
MLX_API int mlx_flip(mlx_array *res, const mlx_array a, const mlx_stream s);
MLX_API int mlx_flip_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                          const mlx_stream s);
/* The slabs along an axis, without that axis. */
MLX_API int mlx_unstack(mlx_vector_array *res, const mlx_array a, int axis, const mlx_stream s);

/* --- rules, asked without arrays ------------------------------------------------------------------ */

/* The shape that two shapes broadcast to, into res (room for the longer of both) and *res_num. */
MLX_API int mlx_broadcast_shapes(int *res, size_t *res_num, const int *a, size_t a_num,
                                 const int *b, size_t b_num);
/* The dtype of an operation on both. */
MLX_API int mlx_result_type(mlx_dtype *res, mlx_dtype a, mlx_dtype b);
/* Is the result type of both the second: bool to integers, integers to floats ... */
MLX_API int mlx_can_cast(bool *res, mlx_dtype from, mlx_dtype to);
/* category: "complexfloating" "floating" "inexact" "signedinteger" "unsignedinteger" "integer"
   "number" "generic", or a dtype's own name. */
MLX_API int mlx_issubdtype(bool *res, mlx_dtype dtype, const char *category);

#ifdef __cplusplus
}
#endif

#endif
