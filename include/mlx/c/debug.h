/* Finding the operation that made the first NaN. None of this is in mlx-c. */
#ifndef MLX_C_DEBUG_H
#define MLX_C_DEBUG_H

#include <stdbool.h>

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From now on an operation whose result has a NaN (an infinity) though its inputs have none fails
   with MLX_ERROR_NOT_FINITE: the message names it, its inputs and where it was written, also inside
   fused programs and compiled functions. What failed stays to be computed. For the whole process,
   as MLX_DEBUG=nan, inf or nan,inf in the environment. Every result is read once more, and nothing
   is computed in place. */
MLX_API int mlx_debug_set(bool nan, bool infinity);
/* What mlx_debug_set switched on. Either result may be NULL. */
MLX_API int mlx_debug_get(bool *nan, bool *infinity);

#ifdef __cplusplus
}
#endif

#endif
