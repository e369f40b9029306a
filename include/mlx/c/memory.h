/* memory.h */
#ifndef MLX_C_MEMORY_H
#define MLX_C_MEMORY_H

#include <stddef.h>

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

MLX_API int mlx_clear_cache(void);
MLX_API int mlx_get_active_memory(size_t *res);
MLX_API int mlx_get_cache_memory(size_t *res);
MLX_API int mlx_get_memory_limit(size_t *res);
MLX_API int mlx_get_peak_memory(size_t *res);
MLX_API int mlx_reset_peak_memory(void);
MLX_API int mlx_set_cache_limit(size_t *res, size_t limit);
MLX_API int mlx_set_memory_limit(size_t *res, size_t limit);
MLX_API int mlx_set_wired_limit(size_t *res, size_t limit);

#ifdef __cplusplus
}
#endif

#endif
