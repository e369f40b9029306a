/* Metal, which this library does not have: is_available gives false, captures are an error.
 */
#ifndef MLX_C_METAL_H
#define MLX_C_METAL_H

#include <stdbool.h>

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

/* Whether there is Metal here: false. */
MLX_API int mlx_metal_is_available(bool *res);
/* Starts to record what the Metal device does: nothing where there is none, as in MLX. A NULL path
   is an error. */
MLX_API int mlx_metal_start_capture(const char *path);
/* Ends the recording, also one that never began. */
MLX_API int mlx_metal_stop_capture(void);

#ifdef __cplusplus
}
#endif

#endif
