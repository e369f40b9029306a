/* Versions. */
#ifndef MLX_C_VERSION_H
#define MLX_C_VERSION_H

#include "mlx/c/features.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the MLX interface that this library answers to, "0.31.2". As number:
   MLX_VERSION_NUMERIC. */
MLX_API int mlx_version(mlx_string *str_);
/* The version of this library. As number: MLX_LIBRARY_VERSION_NUMERIC. */
MLX_API int mlx_library_version(mlx_string *str);

#ifdef __cplusplus
}
#endif

#endif
