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
typedef enum mlx_device_type_ { MLX_CPU = 0, MLX_GPU = 1 } mlx_device_type;

/* A handle for the default device. */
MLX_API mlx_device mlx_device_new(void);
/* A handle for the index-th device of a type, which need not be there. */
MLX_API mlx_device mlx_device_new_type(mlx_device_type type, int index);
/* Copy src into dev. */
MLX_API int mlx_device_set(mlx_device *dev, const mlx_device src);
/* Let go of the handle. */
MLX_API int mlx_device_free(mlx_device dev);
/* A device as text, "Device(cpu, 0)". */
MLX_API int mlx_device_tostring(mlx_string *str, mlx_device dev);
/* Whether both name the same device; two empty handles are equal. */
MLX_API bool mlx_device_equal(mlx_device lhs, mlx_device rhs);
/* A device's number among those of its type. */
MLX_API int mlx_device_get_index(int *index, mlx_device dev);
/* A device's type: MLX_CPU or MLX_GPU. */
MLX_API int mlx_device_get_type(mlx_device_type *type, mlx_device dev);

/* The device of operations on an empty stream. */
MLX_API int mlx_get_default_device(mlx_device *dev);
/* Choose the device of operations on an empty stream, for the process. Errors: not available. */
MLX_API int mlx_set_default_device(mlx_device dev);
/* The device of the calling thread's operations on an empty stream, whatever the process's: empty
   takes the choice back. former, which may be NULL, receives what was chosen before (empty:
   nothing), to be given back in the end. Errors: not available. */
MLX_API int mlx_set_thread_device(mlx_device *former, mlx_device dev);
/* Whether a device is there. With MLX_GPU_ON_CPU=1 in the environment the CPU counts as a
   GPU. */
MLX_API int mlx_device_is_available(bool *avail, mlx_device dev);
/* How many devices of a type there are. */
MLX_API int mlx_device_count(int *count, mlx_device_type type);

/* --- what is known about a device: keys with a string or a number ---------------- */

/* An empty handle. */
MLX_API mlx_device_info mlx_device_info_new(void);
/* What is known about a device (empty: the default one): of the CPU "architecture",
   "device_name", "memory_size" (bytes). Errors: not available. */
MLX_API int mlx_device_info_get(mlx_device_info *info, mlx_device dev);
/* Let go of the handle, and of the strings that came from it. */
MLX_API int mlx_device_info_free(mlx_device_info info);
/* Whether it has a value for key. */
MLX_API int mlx_device_info_has_key(bool *exists, mlx_device_info info, const char *key);
/* Whether the value is a string (else a number). Returns 2 where there is no such key. */
MLX_API int mlx_device_info_is_string(bool *is_string, mlx_device_info info, const char *key);
/* The string at key, which belongs to info. Returns 2: no such key, 3: it is a number;
   without a call of the error handler. */
MLX_API int mlx_device_info_get_string(const char **value, mlx_device_info info, const char *key);
/* The number at key. Returns 2: no such key, 3: it is a string. */
MLX_API int mlx_device_info_get_size(size_t *value, mlx_device_info info, const char *key);
/* The keys of all that is known. */
MLX_API int mlx_device_info_get_keys(mlx_vector_string *keys, mlx_device_info info);

#ifdef __cplusplus
}
#endif

#endif
