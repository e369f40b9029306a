/* transforms.h */
#ifndef MLX_C_TRANSFORMS_H
#define MLX_C_TRANSFORMS_H

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

MLX_API int mlx_async_eval(const mlx_vector_array outputs);
MLX_API int mlx_checkpoint(mlx_closure *res, const mlx_closure fun);
MLX_API int mlx_custom_function(mlx_closure *res, const mlx_closure fun,
                                const mlx_closure_custom fun_vjp,
                                const mlx_closure_custom_jvp fun_jvp,
                                const mlx_closure_custom_vmap fun_vmap);
MLX_API int mlx_custom_vjp(mlx_closure *res, const mlx_closure fun,
                           const mlx_closure_custom fun_vjp);
MLX_API int mlx_eval(const mlx_vector_array outputs);
MLX_API int mlx_jvp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
                    const mlx_vector_array primals, const mlx_vector_array tangents);
MLX_API int mlx_value_and_grad(mlx_closure_value_and_grad *res, const mlx_closure fun,
                               const int *argnums, size_t argnums_num);
MLX_API int mlx_vjp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
                    const mlx_vector_array primals, const mlx_vector_array cotangents);

#ifdef __cplusplus
}
#endif

#endif
