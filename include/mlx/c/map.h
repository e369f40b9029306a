/* Maps from strings to arrays and to strings, in order of insertion.
 *
 * Keys and strings are copied, arrays are kept by reference. _get returns 2 for a
 * key that is not there, and an iterator's _next returns 2 at the end; neither calls
 * the error handler. A map must outlive its iterators; what is inserted meanwhile is
 * met later.
 */
#ifndef MLX_C_MAP_H
#define MLX_C_MAP_H

#include "mlx/c/array.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_map_string_to_array_ {
    void *ctx;
} mlx_map_string_to_array;
typedef struct mlx_map_string_to_array_iterator_ {
    void *ctx;
    void *map_ctx;
} mlx_map_string_to_array_iterator;
typedef struct mlx_map_string_to_string_ {
    void *ctx;
} mlx_map_string_to_string;
typedef struct mlx_map_string_to_string_iterator_ {
    void *ctx;
    void *map_ctx;
} mlx_map_string_to_string_iterator;

/* --- to arrays ------------------------------------------------------------------- */

/* An empty map to arrays (not an empty handle). */
MLX_API mlx_map_string_to_array mlx_map_string_to_array_new(void);
/* map becomes a copy of src: the same arrays. */
MLX_API int mlx_map_string_to_array_set(mlx_map_string_to_array *map,
                                        const mlx_map_string_to_array src);
/* Let go of the map and what it holds. */
MLX_API int mlx_map_string_to_array_free(mlx_map_string_to_array map);
/* Put an array (a reference to it) under a copy of key, in place of a former one. */
MLX_API int mlx_map_string_to_array_insert(mlx_map_string_to_array map, const char *key,
                                           const mlx_array value);
/* Another reference to the array at key. Returns 2, without a call of the error
   handler, where there is none. */
MLX_API int mlx_map_string_to_array_get(mlx_array *value, const mlx_map_string_to_array map,
                                        const char *key);
/* Stands before the first pair, in the order of insertion. The map must outlive it. */
MLX_API mlx_map_string_to_array_iterator mlx_map_string_to_array_iterator_new(
    mlx_map_string_to_array map);
/* The next key, which belongs to the map, and its value. Returns 2, without a call of
   the error handler, at the end. */
MLX_API int mlx_map_string_to_array_iterator_next(const char **key, mlx_array *value,
                                                  mlx_map_string_to_array_iterator it);
/* Let go of the iterator. */
MLX_API int mlx_map_string_to_array_iterator_free(mlx_map_string_to_array_iterator it);

/* --- to strings: values that are got belong to the map --------------------------- */

/* An empty map to strings (not an empty handle). */
MLX_API mlx_map_string_to_string mlx_map_string_to_string_new(void);
/* map becomes a copy of src. */
MLX_API int mlx_map_string_to_string_set(mlx_map_string_to_string *map,
                                         const mlx_map_string_to_string src);
/* Let go of the map and what it holds. */
MLX_API int mlx_map_string_to_string_free(mlx_map_string_to_string map);
/* Put a copy of a string under a copy of key, in place of a former one. */
MLX_API int mlx_map_string_to_string_insert(mlx_map_string_to_string map, const char *key,
                                            const char *value);
/* The string, which belongs to the map, at key. Returns 2, without a call of the error
   handler, where there is none. */
MLX_API int mlx_map_string_to_string_get(const char **value, const mlx_map_string_to_string map,
                                         const char *key);
/* Stands before the first pair, in the order of insertion. The map must outlive it. */
MLX_API mlx_map_string_to_string_iterator mlx_map_string_to_string_iterator_new(
    mlx_map_string_to_string map);
/* The next key, which belongs to the map, and its value. Returns 2, without a call of
   the error handler, at the end. */
MLX_API int mlx_map_string_to_string_iterator_next(const char **key, const char **value,
                                                   mlx_map_string_to_string_iterator it);
/* Let go of the iterator. */
MLX_API int mlx_map_string_to_string_iterator_free(mlx_map_string_to_string_iterator it);

#ifdef __cplusplus
}
#endif

#endif
