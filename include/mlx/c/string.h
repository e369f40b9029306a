/* Strings that the library hands out. The text is copied in and belongs to the handle.
 */
#ifndef MLX_C_STRING_H
#define MLX_C_STRING_H

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_string_ {
    void *ctx;
} mlx_string;

/* An empty handle. */
MLX_API mlx_string mlx_string_new(void);
/* A handle that holds a copy of str. */
MLX_API mlx_string mlx_string_new_data(const char *str);
/* Copy src into str. */
MLX_API int mlx_string_set(mlx_string *str, const mlx_string src);
/* The text, valid until the string is set or freed. Empty handle: an error and NULL. */
MLX_API const char *mlx_string_data(mlx_string str);
/* Let go of it and its text. */
MLX_API int mlx_string_free(mlx_string str);

#ifdef __cplusplus
}
#endif

#endif
