/* Functions as mlx-c 0.7 declares them, under the version MLXC_0_7 of the same names
 * (cmake/exports.map).
 *
 * The default of a name is what the library has always had, mlx-c 0.6's: programs that are linked,
 * or look names up, get that one. A program compiled with MLX_C_INTERFACE >= 700 calls the function
 * of its own by which the newer one is known in a static library, too (fast.h). This file is part
 * of the shared library alone. */
#include "mlx/c/fast.h"

__asm__(".symver mlxc_attention_0_7, mlx_fast_scaled_dot_product_attention@MLXC_0_7");

MLX_API int mlxc_attention_0_7(mlx_array *res, const mlx_array queries, const mlx_array keys,
                               const mlx_array values, float scale, const char *mask_mode,
                               const mlx_array mask_arr, const mlx_array sinks, bool force_fused,
                               const mlx_stream s);

MLX_API int mlxc_attention_0_7(mlx_array *res, const mlx_array queries, const mlx_array keys,
                               const mlx_array values, float scale, const char *mask_mode,
                               const mlx_array mask_arr, const mlx_array sinks, bool force_fused,
                               const mlx_stream s) {
    return mlx_fast_scaled_dot_product_attention_fused(res, queries, keys, values, scale, mask_mode,
                                                       mask_arr, sinks, force_fused, s);
}
