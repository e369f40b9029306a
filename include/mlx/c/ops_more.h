/* Operations of MLX 0.32 that mlx-c does not have. Conventions as in ops.h. */
#ifndef MLX_C_OPS_MORE_H
#define MLX_C_OPS_MORE_H

#include "mlx/c/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- pointwise -------------------------------------------------------------------- */

/* a itself. */
MLX_API int mlx_positive(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Without the fraction: rounded towards 0, in a's dtype. */
MLX_API int mlx_trunc(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Whether exactly one of two elements is not 0: bool. */
MLX_API int mlx_logical_xor(mlx_array *res, const mlx_array a, const mlx_array b,
                            const mlx_stream s);
/* log |Gamma(a)|. Integers become float32. */
MLX_API int mlx_lgamma(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The derivative of log Gamma(a). Integers become float32. */
MLX_API int mlx_digamma(mlx_array *res, const mlx_array a, const mlx_stream s);

/* --- creation and shape ----------------------------------------------------------- */

/* As mlx_linspace, and without stop where endpoint is false. */
MLX_API int mlx_linspace_endpoint(mlx_array *res, double start, double stop, int num, bool endpoint,
                                  mlx_dtype dtype, const mlx_stream s);
/* Zeros of the shape of a, in dtype. */
MLX_API int mlx_zeros_like_dtype(mlx_array *res, const mlx_array a, mlx_dtype dtype,
                                 const mlx_stream s);
/* Ones of the shape of a, in dtype. */
MLX_API int mlx_ones_like_dtype(mlx_array *res, const mlx_array a, mlx_dtype dtype,
                                const mlx_stream s);
/* The elements in reverse order along all axes. */
MLX_API int mlx_flip(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The elements in reverse order along these axes. */
MLX_API int mlx_flip_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                          const mlx_stream s);
/* The slabs along an axis, as many as its size, without that axis. Errors: an axis that a does
   not have. */
MLX_API int mlx_unstack(mlx_vector_array *res, const mlx_array a, int axis, const mlx_stream s);

/* --- counts, order, products ------------------------------------------------------ */

/* How many elements are not 0: int32. */
MLX_API int mlx_count_nonzero(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_count_nonzero along one axis. */
MLX_API int mlx_count_nonzero_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                                   const mlx_stream s);
/* mlx_count_nonzero along several axes; an empty list: along none. */
MLX_API int mlx_count_nonzero_axes(mlx_array *res, const mlx_array a, const int *axes,
                                   size_t axes_num, bool keepdims, const mlx_stream s);
/* mlx_cumsum of a cast to dtype. */
MLX_API int mlx_cumsum_dtype(mlx_array *res, const mlx_array a, int axis, bool reverse,
                             bool inclusive, mlx_dtype dtype, const mlx_stream s);
/* mlx_cumprod of a cast to dtype. */
MLX_API int mlx_cumprod_dtype(mlx_array *res, const mlx_array a, int axis, bool reverse,
                              bool inclusive, mlx_dtype dtype, const mlx_stream s);
/* The differences of neighbours along an axis, each minus the one before it, taken n
   times; the axis becomes shorter by n. */
MLX_API int mlx_diff(mlx_array *res, const mlx_array a, int n, int axis, const mlx_stream s);
/* Where each of values belongs in a sorted vector (uint32): before equal elements; right: after
   them. Errors: sorted is no vector. */
MLX_API int mlx_searchsorted(mlx_array *res, const mlx_array sorted, const mlx_array values,
                             bool right, const mlx_stream s);
/* The sum of conj(a) b along an axis of both. */
MLX_API int mlx_vecdot(mlx_array *res, const mlx_array a, const mlx_array b, int axis,
                       const mlx_stream s);
/* The order in which mlx_einsum takes its operands: two numbers a step (the second -1
   for a step of one operand), counted in the list from which those taken are removed
   and to which the result is appended. */
MLX_API int mlx_einsum_path(mlx_vector_int *res, const char *subscripts,
                            const mlx_vector_array operands);
/* What that order costs, as lines of text: labels that meet at once, and operations. */
MLX_API int mlx_einsum_path_text(mlx_string *res, const char *subscripts,
                                 const mlx_vector_array operands);
/* mlx_qqmm for matrices picked by indices; what is empty is left out. */
MLX_API int mlx_gather_qqmm(mlx_array *res, const mlx_array x, const mlx_array w,
                            const mlx_array w_scales, const mlx_array lhs_indices,
                            const mlx_array rhs_indices, mlx_optional_int group_size,
                            mlx_optional_int bits, const char *mode, const mlx_array global_scale_x,
                            const mlx_array global_scale_w, bool sorted_indices,
                            const mlx_stream s);

/* mlx_gather_qmm of mode nvfp4 with a scale for each matrix of w (float32, in the shape of its
   leading axes); an empty one is none. */
MLX_API int mlx_gather_qmm_scaled(
    mlx_array *res, const mlx_array x, const mlx_array w, const mlx_array scales,
    const mlx_array biases, const mlx_array lhs_indices, const mlx_array rhs_indices,
    bool transpose, mlx_optional_int group_size, mlx_optional_int bits, const char *mode,
    const mlx_array global_scale, bool sorted_indices, const mlx_stream s);
/* The last two axes exchanged; an array of fewer is an error. */
MLX_API int mlx_matrix_transpose(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The smallest and the largest element. */
MLX_API int mlx_minmax(mlx_array *res_min, mlx_array *res_max, const mlx_array a, bool keepdims,
                       const mlx_stream s);
/* mlx_minmax along one axis. */
MLX_API int mlx_minmax_axis(mlx_array *res_min, mlx_array *res_max, const mlx_array a, int axis,
                            bool keepdims, const mlx_stream s);
/* mlx_minmax along several axes. */
MLX_API int mlx_minmax_axes(mlx_array *res_min, mlx_array *res_max, const mlx_array a,
                            const int *axes, size_t axes_num, bool keepdims, const mlx_stream s);
/* Four arrays: the first `size` different values of the flattened array, ascending; where each
   occurs first (uint32); which of them each element is (uint32, in the shape of a); how often
   each occurs (int32). If there are fewer, the rest is fill_value with count 0; an empty one:
   the first value. Nothing is evaluated. NaN differs from NaN. Errors: a negative size. */
MLX_API int mlx_unique_sized(mlx_vector_array *res, const mlx_array a, int size,
                             const mlx_array fill_value, const mlx_stream s);

/* --- rules, asked without arrays -------------------------------------------------- */

/* The shape that two shapes broadcast to, into res (room for the longer of both) and *res_num.
   Errors: they do not broadcast. */
MLX_API int mlx_broadcast_shapes(int *res, size_t *res_num, const int *a, size_t a_num,
                                 const int *b, size_t b_num);
/* The dtype that an operation on both has. */
MLX_API int mlx_result_type(mlx_dtype *res, mlx_dtype a, mlx_dtype b);
/* Whether every number of dtype from promotes to `to` and to nothing larger. */
MLX_API int mlx_can_cast(bool *res, mlx_dtype from, mlx_dtype to);
/* category: "complexfloating" "floating" "inexact" "signedinteger" "unsignedinteger" "integer"
   "number" "generic", or a dtype's own name. */
MLX_API int mlx_issubdtype(bool *res, mlx_dtype dtype, const char *category);

#ifdef __cplusplus
}
#endif

#endif
