/* Memory of arrays: counters and limits, in bytes. */
#ifndef MLX_C_MEMORY_H
#define MLX_C_MEMORY_H

#include <stddef.h>

#include "mlx/c/api.h"
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

/* In use by arrays; kept for reuse; the most that was ever in use. */
MLX_API int mlx_get_active_memory(size_t *res);
MLX_API int mlx_get_cache_memory(size_t *res);
MLX_API int mlx_get_peak_memory(size_t *res);
MLX_API int mlx_reset_peak_memory(void);
/* Give kept memory back to the system. */
MLX_API int mlx_clear_cache(void);

/* The bytes of the buffers that evaluated arrays lie in, each counted once; an array that waits for its evaluation is an
   error. (Not in mlx-c.) */
MLX_API int mlx_get_array_buffer_size(size_t *res, const mlx_vector_array arrays);

/* Each setter gives the former limit in *res. Beyond the memory limit an allocation is
   an error. */
MLX_API int mlx_set_cache_limit(size_t *res, size_t limit);
MLX_API int mlx_get_memory_limit(size_t *res);
MLX_API int mlx_set_memory_limit(size_t *res, size_t limit);
/* For devices that pin memory; recorded only. */
MLX_API int mlx_set_wired_limit(size_t *res, size_t limit);

#ifdef __cplusplus
}
#endif

#endif
