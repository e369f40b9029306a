/* Reductions, running results and order: a part of ops.h, whose conventions hold. */
#ifndef MLX_C_OPS_REDUCE_H
#define MLX_C_OPS_REDUCE_H

#include "mlx/c/array.h"
#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- reductions ------------------------------------------------------------------ */

/* Whether no element is 0, along all axes: bool; true of nothing. */
MLX_API int mlx_all(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_all along one axis. */
MLX_API int mlx_all_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                         const mlx_stream s);
/* mlx_all along several axes; an empty list: along none. */
MLX_API int mlx_all_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         bool keepdims, const mlx_stream s);
/* Whether one element is not 0, along all axes: bool; false of nothing. */
MLX_API int mlx_any(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_any along one axis. */
MLX_API int mlx_any_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                         const mlx_stream s);
/* mlx_any along several axes; an empty list: along none. */
MLX_API int mlx_any_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         bool keepdims, const mlx_stream s);
/* The sum of all elements. bool and small integers are added up as int32 (unsigned:
   uint32), halves in float32 and rounded once. */
MLX_API int mlx_sum(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_sum along one axis. */
MLX_API int mlx_sum_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                         const mlx_stream s);
/* mlx_sum along several axes; an empty list: along none. */
MLX_API int mlx_sum_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         bool keepdims, const mlx_stream s);
/* The product of all elements, in the dtype that mlx_sum has; 1 of nothing. */
MLX_API int mlx_prod(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_prod along one axis. */
MLX_API int mlx_prod_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                          const mlx_stream s);
/* mlx_prod along several axes; an empty list: along none. */
MLX_API int mlx_prod_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                          bool keepdims, const mlx_stream s);
/* The largest element; NaN where there is one. Errors: no elements. */
MLX_API int mlx_max(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_max along one axis. */
MLX_API int mlx_max_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                         const mlx_stream s);
/* mlx_max along several axes; an empty list: along none. */
MLX_API int mlx_max_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         bool keepdims, const mlx_stream s);
/* The smallest element; NaN where there is one. Errors: no elements. */
MLX_API int mlx_min(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_min along one axis. */
MLX_API int mlx_min_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                         const mlx_stream s);
/* mlx_min along several axes; an empty list: along none. */
MLX_API int mlx_min_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         bool keepdims, const mlx_stream s);
/* The place of the largest element in the flattened array, the first where there are
   several: uint32. */
MLX_API int mlx_argmax(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* The places along an axis of the largest elements. */
MLX_API int mlx_argmax_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                            const mlx_stream s);
/* The place of the smallest element in the flattened array, the first where there are
   several: uint32. */
MLX_API int mlx_argmin(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* The places along an axis of the smallest elements. */
MLX_API int mlx_argmin_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                            const mlx_stream s);
/* The mean, of integers in float32; NaN of nothing. */
MLX_API int mlx_mean(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_mean along one axis. */
MLX_API int mlx_mean_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                          const mlx_stream s);
/* mlx_mean along several axes; an empty list: along none. */
MLX_API int mlx_mean_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                          bool keepdims, const mlx_stream s);
/* The middle element of the order along axes, or the mean of the two in the middle.
   Integers become float32. */
MLX_API int mlx_median(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                       bool keepdims, const mlx_stream s);
/* The variance: the sum of squared distances from the mean over their number minus
   ddof. Integers become float32. */
MLX_API int mlx_var(mlx_array *res, const mlx_array a, bool keepdims, int ddof, const mlx_stream s);
/* mlx_var along one axis. */
MLX_API int mlx_var_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims, int ddof,
                         const mlx_stream s);
/* mlx_var along several axes; an empty list: along none. */
MLX_API int mlx_var_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         bool keepdims, int ddof, const mlx_stream s);
/* The standard deviation: the square root of mlx_var. */
MLX_API int mlx_std(mlx_array *res, const mlx_array a, bool keepdims, int ddof, const mlx_stream s);
/* mlx_std along one axis. */
MLX_API int mlx_std_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims, int ddof,
                         const mlx_stream s);
/* mlx_std along several axes; an empty list: along none. */
MLX_API int mlx_std_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         bool keepdims, int ddof, const mlx_stream s);
/* log of the sum of exp(a), safe from overflow. Integers become float32. */
MLX_API int mlx_logsumexp(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s);
/* mlx_logsumexp along one axis. */
MLX_API int mlx_logsumexp_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                               const mlx_stream s);
/* mlx_logsumexp along several axes; an empty list: along none. */
MLX_API int mlx_logsumexp_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                               bool keepdims, const mlx_stream s);
/* exp(a) over its sum along all axes. precise: halves are computed in float32, as they
   are here in any case. */
MLX_API int mlx_softmax(mlx_array *res, const mlx_array a, bool precise, const mlx_stream s);
/* mlx_softmax along one axis. */
MLX_API int mlx_softmax_axis(mlx_array *res, const mlx_array a, int axis, bool precise,
                             const mlx_stream s);
/* mlx_softmax along several axes; an empty list: along none. */
MLX_API int mlx_softmax_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                             bool precise, const mlx_stream s);

/* The sums of the elements up to each place of an axis; reverse: from each place to the
   end; not inclusive: without the element itself. */
MLX_API int mlx_cumsum(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive,
                       const mlx_stream s);
/* The products, as mlx_cumsum. */
MLX_API int mlx_cumprod(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive,
                        const mlx_stream s);
/* The largest element so far, as mlx_cumsum. */
MLX_API int mlx_cummax(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive,
                       const mlx_stream s);
/* The smallest element so far, as mlx_cumsum. */
MLX_API int mlx_cummin(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive,
                       const mlx_stream s);
/* log of the sums of exp(a) so far, as mlx_cumsum; integers become float32. */
MLX_API int mlx_logcumsumexp(mlx_array *res, const mlx_array a, int axis, bool reverse,
                             bool inclusive, const mlx_stream s);

/* --- order ----------------------------------------------------------------------- */

/* All elements, flattened, in ascending order; NaN come last. */
MLX_API int mlx_sort(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Each line along an axis in ascending order. */
MLX_API int mlx_sort_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s);
/* The places that put the flattened elements in ascending order: uint32. Equal ones
   keep their order. */
MLX_API int mlx_argsort(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The same along an axis. */
MLX_API int mlx_argsort_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s);
/* The flattened elements in an order in which the kth stands where sorting puts it,
   none before it is larger and none behind it smaller. */
MLX_API int mlx_partition(mlx_array *res, const mlx_array a, int kth, const mlx_stream s);
/* The same along an axis. */
MLX_API int mlx_partition_axis(mlx_array *res, const mlx_array a, int kth, int axis,
                               const mlx_stream s);
/* The places that give mlx_partition: uint32. */
MLX_API int mlx_argpartition(mlx_array *res, const mlx_array a, int kth, const mlx_stream s);
/* The same along an axis. */
MLX_API int mlx_argpartition_axis(mlx_array *res, const mlx_array a, int kth, int axis,
                                  const mlx_stream s);
/* The k largest of all elements, in no promised order. */
MLX_API int mlx_topk(mlx_array *res, const mlx_array a, int k, const mlx_stream s);
/* The k largest along an axis. */
MLX_API int mlx_topk_axis(mlx_array *res, const mlx_array a, int k, int axis, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
