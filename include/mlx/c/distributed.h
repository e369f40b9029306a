/* Operations over all processes of a group (distributed_group.h); an empty group is
 * that of all.
 */
#ifndef MLX_C_DISTRIBUTED_H
#define MLX_C_DISTRIBUTED_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The arrays of all processes, concatenated along the first axis. */
MLX_API int mlx_distributed_all_gather(mlx_array *res, const mlx_array x,
                                       const mlx_distributed_group group, const mlx_stream S);
/* The sums, element by element, over the processes. In a group of one, here and below:
   x itself. */
MLX_API int mlx_distributed_all_sum(mlx_array *res, const mlx_array x,
                                    const mlx_distributed_group group, const mlx_stream s);
/* The largest of each element over the processes. */
MLX_API int mlx_distributed_all_max(mlx_array *res, const mlx_array x,
                                    const mlx_distributed_group group, const mlx_stream s);
/* The smallest of each element over the processes. */
MLX_API int mlx_distributed_all_min(mlx_array *res, const mlx_array x,
                                    const mlx_distributed_group group, const mlx_stream s);
/* The sum, of which each process gets its part along the first axis. */
MLX_API int mlx_distributed_sum_scatter(mlx_array *res, const mlx_array x,
                                        const mlx_distributed_group group, const mlx_stream s);

/* x, to be evaluated for it to be sent to process dst. Errors: a group of one. */
MLX_API int mlx_distributed_send(mlx_array *res, const mlx_array x, int dst,
                                 const mlx_distributed_group group, const mlx_stream s);
/* An array of a shape and dtype from process src. Errors: a group of one. */
MLX_API int mlx_distributed_recv(mlx_array *res, const int *shape, size_t shape_num,
                                 mlx_dtype dtype, int src, const mlx_distributed_group group,
                                 const mlx_stream s);
/* The same with the shape and dtype of x. */
MLX_API int mlx_distributed_recv_like(mlx_array *res, const mlx_array x, int src,
                                      const mlx_distributed_group group, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
