/* Versions. */
#ifndef MLX_C_VERSION_H
#define MLX_C_VERSION_H

#include "mlx/c/features.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the MLX interface that this library answers to, "0.31.2". */
MLX_API int mlx_version(mlx_string *str_);
/* Of this library. */
MLX_API int mlx_library_version(mlx_string *str);

#ifdef __cplusplus
}
#endif

#endif
