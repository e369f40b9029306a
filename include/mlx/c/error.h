/* error.h */
#ifndef MLX_C_ERROR_H
#define MLX_C_ERROR_H

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*mlx_error_handler_func)(const char *msg, void *data);
#define mlx_error(...) _mlx_error(__FILE__, __LINE__, __VA_ARGS__)

MLX_API void mlx_set_error_handler(mlx_error_handler_func handler, void *data,
                                   void (*dtor)(void *));
MLX_API void _mlx_error(const char *file, const int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
MLX_API const char *mlx_last_error_message(void);
MLX_API int mlx_last_error_code(void);
MLX_API void mlx_clear_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
