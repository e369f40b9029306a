/* version.h */
#ifndef MLX_C_VERSION_H
#define MLX_C_VERSION_H

#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

MLX_API int mlx_version(mlx_string *str_);
MLX_API int mlx_library_version(mlx_string *str);

#ifdef __cplusplus
}
#endif

#endif
