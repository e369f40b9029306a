/* The two halves of vmap, for bindings. */
#ifndef MLX_C_TRANSFORMS_IMPL_H
#define MLX_C_TRANSFORMS_IMPL_H

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

/* Trace fun on inputs with a batch axis each (-1: none): res_0 stands for the inputs, res_1 for
   the outputs. Errors: those of fun, another number of axes, an axis that there is not. */
MLX_API int mlx_detail_vmap_trace(mlx_vector_array *res_0, mlx_vector_array *res_1,
                                  const mlx_closure fun, const mlx_vector_array inputs,
                                  const int *in_axes, size_t in_axes_num);
/* Rewrite such a trace for real inputs, with the batch at out_axes of the outputs. Errors:
   another number of arrays or axes. */
MLX_API int mlx_detail_vmap_replace(mlx_vector_array *res, const mlx_vector_array inputs,
                                    const mlx_vector_array s_inputs,
                                    const mlx_vector_array s_outputs, const int *in_axes,
                                    size_t in_axes_num, const int *out_axes, size_t out_axes_num);

#ifdef __cplusplus
}
#endif

#endif
