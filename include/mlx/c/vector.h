/* Vectors of arrays, of vectors of arrays, of integers and of strings.
 *
 * _new gives an empty vector (not an empty handle) that can be appended to. Arrays
 * are kept by reference, integers and strings are copied. _set copies one vector
 * into another. Errors: an index out of range, data NULL with a size, an empty handle.
 */
#ifndef MLX_C_VECTOR_H
#define MLX_C_VECTOR_H

#include "mlx/c/array.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_vector_array_ {
    void *ctx;
} mlx_vector_array;
typedef struct mlx_vector_vector_array_ {
    void *ctx;
} mlx_vector_vector_array;
typedef struct mlx_vector_int_ {
    void *ctx;
} mlx_vector_int;
typedef struct mlx_vector_string_ {
    void *ctx;
} mlx_vector_string;

/* --- of arrays ------------------------------------------------------------------- */

/* A vector of no arrays (not an empty handle). */
MLX_API mlx_vector_array mlx_vector_array_new(void);
/* A vector of size arrays: references to them. */
MLX_API mlx_vector_array mlx_vector_array_new_data(const mlx_array *data, size_t size);
/* A vector of one array. */
MLX_API mlx_vector_array mlx_vector_array_new_value(const mlx_array val);
/* vec becomes a copy of src. */
MLX_API int mlx_vector_array_set(mlx_vector_array *vec, const mlx_vector_array src);
/* vec holds these arrays instead of what it held. */
MLX_API int mlx_vector_array_set_data(mlx_vector_array *vec, const mlx_array *data, size_t size);
/* vec holds this one array instead of what it held. */
MLX_API int mlx_vector_array_set_value(mlx_vector_array *vec, const mlx_array val);
/* Add several arrays at the end. */
MLX_API int mlx_vector_array_append_data(mlx_vector_array vec, const mlx_array *data, size_t size);
/* Add one array at the end. */
MLX_API int mlx_vector_array_append_value(mlx_vector_array vec, const mlx_array val);
/* How many arrays there are; 0 of an empty handle, with an error. */
MLX_API size_t mlx_vector_array_size(mlx_vector_array vec);
/* Another reference to the array at idx. Errors: out of range. */
MLX_API int mlx_vector_array_get(mlx_array *res, const mlx_vector_array vec, size_t idx);
/* Let go of the vector and what it holds. */
MLX_API int mlx_vector_array_free(mlx_vector_array vec);

/* --- of vectors of arrays -------------------------------------------------------- */

/* A vector of no vectors of arrays (not an empty handle). */
MLX_API mlx_vector_vector_array mlx_vector_vector_array_new(void);
/* A vector of size vectors of arrays: copies that refer to the same arrays. */
MLX_API mlx_vector_vector_array mlx_vector_vector_array_new_data(const mlx_vector_array *data,
                                                                 size_t size);
/* A vector of one vector of arrays. */
MLX_API mlx_vector_vector_array mlx_vector_vector_array_new_value(const mlx_vector_array val);
/* vec becomes a copy of src. */
MLX_API int mlx_vector_vector_array_set(mlx_vector_vector_array *vec,
                                        const mlx_vector_vector_array src);
/* vec holds these vectors of arrays instead of what it held. */
MLX_API int mlx_vector_vector_array_set_data(mlx_vector_vector_array *vec,
                                             const mlx_vector_array *data, size_t size);
/* vec holds this one vector of arrays instead of what it held. */
MLX_API int mlx_vector_vector_array_set_value(mlx_vector_vector_array *vec,
                                              const mlx_vector_array val);
/* Add several vectors of arrays at the end. */
MLX_API int mlx_vector_vector_array_append_data(mlx_vector_vector_array vec,
                                                const mlx_vector_array *data, size_t size);
/* Add one vector of arrays at the end. */
MLX_API int mlx_vector_vector_array_append_value(mlx_vector_vector_array vec,
                                                 const mlx_vector_array val);
/* How many vectors of arrays there are; 0 of an empty handle, with an error. */
MLX_API size_t mlx_vector_vector_array_size(mlx_vector_vector_array vec);
/* A copy of the vector at idx. Errors: out of range. */
MLX_API int mlx_vector_vector_array_get(mlx_vector_array *res, const mlx_vector_vector_array vec,
                                        size_t idx);
/* Let go of the vector and what it holds. */
MLX_API int mlx_vector_vector_array_free(mlx_vector_vector_array vec);

/* --- of integers ----------------------------------------------------------------- */

/* A vector of no integers (not an empty handle). */
MLX_API mlx_vector_int mlx_vector_int_new(void);
/* A vector of size integers: copies. */
MLX_API mlx_vector_int mlx_vector_int_new_data(int *data, size_t size);
/* A vector of one integer. */
MLX_API mlx_vector_int mlx_vector_int_new_value(int val);
/* vec becomes a copy of src. */
MLX_API int mlx_vector_int_set(mlx_vector_int *vec, const mlx_vector_int src);
/* vec holds these integers instead of what it held. */
MLX_API int mlx_vector_int_set_data(mlx_vector_int *vec, int *data, size_t size);
/* vec holds this one integer instead of what it held. */
MLX_API int mlx_vector_int_set_value(mlx_vector_int *vec, int val);
/* Add several integers at the end. */
MLX_API int mlx_vector_int_append_data(mlx_vector_int vec, int *data, size_t size);
/* Add one integer at the end. */
MLX_API int mlx_vector_int_append_value(mlx_vector_int vec, int val);
/* How many integers there are; 0 of an empty handle, with an error. */
MLX_API size_t mlx_vector_int_size(mlx_vector_int vec);
/* The integer at idx. Errors: out of range. */
MLX_API int mlx_vector_int_get(int *res, const mlx_vector_int vec, size_t idx);
/* Let go of the vector and what it holds. */
MLX_API int mlx_vector_int_free(mlx_vector_int vec);

/* --- of strings ------------------------------------------------------------------ */

/* A vector of no strings (not an empty handle). */
MLX_API mlx_vector_string mlx_vector_string_new(void);
/* A vector of size strings: copies. */
MLX_API mlx_vector_string mlx_vector_string_new_data(const char **data, size_t size);
/* A vector of one string. */
MLX_API mlx_vector_string mlx_vector_string_new_value(const char *val);
/* vec becomes a copy of src. */
MLX_API int mlx_vector_string_set(mlx_vector_string *vec, const mlx_vector_string src);
/* vec holds these strings instead of what it held. */
MLX_API int mlx_vector_string_set_data(mlx_vector_string *vec, const char **data, size_t size);
/* vec holds this one string instead of what it held. */
MLX_API int mlx_vector_string_set_value(mlx_vector_string *vec, const char *val);
/* Add several strings at the end. */
MLX_API int mlx_vector_string_append_data(mlx_vector_string vec, const char **data, size_t size);
/* Add one string at the end. */
MLX_API int mlx_vector_string_append_value(mlx_vector_string vec, const char *val);
/* How many strings there are; 0 of an empty handle, with an error. */
MLX_API size_t mlx_vector_string_size(mlx_vector_string vec);
/* The string at idx, which belongs to the vector: not to be changed or freed. Errors:
   out of range. */
MLX_API int mlx_vector_string_get(char **res, const mlx_vector_string vec, size_t idx);
/* Let go of the vector and what it holds. */
MLX_API int mlx_vector_string_free(mlx_vector_string vec);

#ifdef __cplusplus
}
#endif

#endif
