/* CUDA. */
#ifndef MLX_C_CUDA_H
#define MLX_C_CUDA_H

#include <stdbool.h>

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Can this library use a CUDA device here? */
MLX_API int mlx_cuda_is_available(bool *res);

#ifdef __cplusplus
}
#endif

#endif
