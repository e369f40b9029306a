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

/* Bytes that arrays hold now, files that are mapped included. */
MLX_API int mlx_get_active_memory(size_t *res);
/* Bytes that are kept for arrays to come, or as packed weights beside arrays. */
MLX_API int mlx_get_cache_memory(size_t *res);
/* The most that arrays held at once since the start or the last reset. */
MLX_API int mlx_get_peak_memory(size_t *res);
/* Start the peak anew: it is 0 until memory is next asked for. */
MLX_API int mlx_reset_peak_memory(void);
/* Give kept memory back to the system. */
MLX_API int mlx_clear_cache(void);

/* The bytes of the buffers that evaluated arrays lie in, each counted once; an array that waits for
   its evaluation is an error. (Not in mlx-c.) */
MLX_API int mlx_get_array_buffer_size(size_t *res, const mlx_vector_array arrays);

/* Keep at most limit bytes, half of them as packed weights; *res: the former limit. */
MLX_API int mlx_set_cache_limit(size_t *res, size_t limit);
/* What mlx_set_memory_limit set, in bytes. */
MLX_API int mlx_get_memory_limit(size_t *res);
/* Set the memory limit; *res: the former one. It is a guideline: above it nothing is kept
   for reuse, and allocation goes on. Four fifths of what the machine has, or of what the
   process's control group may use, unless it is set. */
MLX_API int mlx_set_memory_limit(size_t *res, size_t limit);
/* The hard limit in bytes: beyond it an allocation is an error, and what asked for it
   fails with MLX_ERROR_MEMORY; what was computed stays. Files that are mapped do not count
   here: their pages can go. One and a half times the machine's memory unless it is set. (Not in
   mlx-c.) */
MLX_API int mlx_get_memory_hard_limit(size_t *res);
/* Set the hard limit; *res: the former one. (Not in mlx-c.) */
MLX_API int mlx_set_memory_hard_limit(size_t *res, size_t limit);
/* For devices that pin memory: recorded, and without effect here; *res: the former limit. */
MLX_API int mlx_set_wired_limit(size_t *res, size_t limit);

#ifdef __cplusplus
}
#endif

#endif
