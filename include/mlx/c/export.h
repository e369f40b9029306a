/* Functions in files: export what a closure computes, and call it elsewhere without
 * the closure.
 */
#ifndef MLX_C_EXPORT_H
#define MLX_C_EXPORT_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_function_exporter_ {
    void *ctx;
} mlx_function_exporter;
typedef struct mlx_imported_function_ {
    void *ctx;
} mlx_imported_function;

/* Trace fun on args and write the graph; shapeless: the file may be used with other
   shapes. */
MLX_API int mlx_export_function(const char *file, const mlx_closure fun,
                                const mlx_vector_array args, bool shapeless);
MLX_API int mlx_export_function_kwargs(const char *file, const mlx_closure_kwargs fun,
                                       const mlx_vector_array args,
                                       const mlx_map_string_to_array kwargs,
                                       bool shapeless);
/* A file with several traces of fun: each _apply adds one for the given arguments.
   _free finishes the file. */
MLX_API mlx_function_exporter mlx_function_exporter_new(const char *file,
                                                        const mlx_closure fun,
                                                        bool shapeless);
/* The same for a function that knows the names of its arguments, with a text that the
   file carries along (NULL: none). */
MLX_API mlx_function_exporter mlx_function_exporter_new_kwargs(
    const char *file, const mlx_closure_kwargs fun, bool shapeless, const char *metadata);
MLX_API int mlx_function_exporter_free(mlx_function_exporter xfunc);
MLX_API int mlx_function_exporter_apply(const mlx_function_exporter xfunc,
                                        const mlx_vector_array args);
MLX_API int mlx_function_exporter_apply_kwargs(const mlx_function_exporter xfunc,
                                               const mlx_vector_array args,
                                               const mlx_map_string_to_array kwargs);

/* A function read from a file. An error: arguments that no trace in it fits. */
MLX_API mlx_imported_function mlx_imported_function_new(const char *file);
MLX_API int mlx_imported_function_free(mlx_imported_function xfunc);
/* The text in the file, "" if it has none; NULL on an empty handle. Valid as long as the
   function. */
MLX_API const char *mlx_imported_function_metadata(const mlx_imported_function xfunc);
MLX_API int mlx_imported_function_apply(mlx_vector_array *res,
                                        const mlx_imported_function xfunc,
                                        const mlx_vector_array args);
MLX_API int mlx_imported_function_apply_kwargs(mlx_vector_array *res,
                                               const mlx_imported_function xfunc,
                                               const mlx_vector_array args,
                                               const mlx_map_string_to_array kwargs);

#ifdef __cplusplus
}
#endif

#endif
