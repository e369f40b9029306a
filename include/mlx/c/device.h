/* Devices: where operations run. An array belongs to no device; any operation may
 * run on any.
 */
#ifndef MLX_C_DEVICE_H
#define MLX_C_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_device_ {
    void *ctx;
} mlx_device;
typedef struct mlx_device_info_ {
    void *ctx;
} mlx_device_info;
typedef enum mlx_device_type_ {
    MLX_CPU = 0,
    MLX_GPU = 1
} mlx_device_type;

/* A handle for the default device, or for the index-th of a type (which need not
   exist). */
MLX_API mlx_device mlx_device_new(void);
MLX_API mlx_device mlx_device_new_type(mlx_device_type type, int index);
MLX_API int mlx_device_set(mlx_device *dev, const mlx_device src);
MLX_API int mlx_device_free(mlx_device dev);
/* As Device(cpu, 0). */
MLX_API int mlx_device_tostring(mlx_string *str, mlx_device dev);
MLX_API bool mlx_device_equal(mlx_device lhs, mlx_device rhs);
MLX_API int mlx_device_get_index(int *index, mlx_device dev);
MLX_API int mlx_device_get_type(mlx_device_type *type, mlx_device dev);

/* The device of operations on an empty stream. Setting one that is not available is an
   error. */
MLX_API int mlx_get_default_device(mlx_device *dev);
MLX_API int mlx_set_default_device(mlx_device dev);
MLX_API int mlx_device_is_available(bool *avail, mlx_device dev);
MLX_API int mlx_device_count(int *count, mlx_device_type type);

/* --- what is known about a device: keys with a string or a number ---------------- */

MLX_API mlx_device_info mlx_device_info_new(void);
MLX_API int mlx_device_info_get(mlx_device_info *info, mlx_device dev);
MLX_API int mlx_device_info_free(mlx_device_info info);
MLX_API int mlx_device_info_has_key(bool *exists, mlx_device_info info,
                                    const char *key);
MLX_API int mlx_device_info_is_string(bool *is_string, mlx_device_info info,
                                      const char *key);
/* The value of a key. 2: there is no such key. Strings belong to info. */
MLX_API int mlx_device_info_get_string(const char **value, mlx_device_info info,
                                       const char *key);
MLX_API int mlx_device_info_get_size(size_t *value, mlx_device_info info,
                                     const char *key);
MLX_API int mlx_device_info_get_keys(mlx_vector_string *keys, mlx_device_info info);

#ifdef __cplusplus
}
#endif

#endif
