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

/* Trace fun on args and write the graph; shapeless: the file may be used with other shapes.
   Errors: those of fun, what cannot be exported, a file that cannot be written. */
MLX_API int mlx_export_function(const char *file, const mlx_closure fun,
                                const mlx_vector_array args, bool shapeless);
/* The same of a function with named arguments. */
MLX_API int mlx_export_function_kwargs(const char *file, const mlx_closure_kwargs fun,
                                       const mlx_vector_array args,
                                       const mlx_map_string_to_array kwargs, bool shapeless);
/* A file with several traces of fun: each _apply adds one for the given arguments. _free
   finishes the file. Errors: a file that cannot be written. */
MLX_API mlx_function_exporter mlx_function_exporter_new(const char *file, const mlx_closure fun,
                                                        bool shapeless);
/* The same for a function that knows the names of its arguments, with a text that the
   file carries along (NULL: none). */
MLX_API mlx_function_exporter mlx_function_exporter_new_kwargs(
    const char *file, const mlx_closure_kwargs fun, bool shapeless, const char *metadata);
/* Finish the file, which appears now, complete or not at all, and let go of the
   exporter. Errors: what writing meets. */
MLX_API int mlx_function_exporter_free(mlx_function_exporter xfunc);
/* Write no file: what is at its place stays, and the exporter goes on as one in memory. */
MLX_API int mlx_function_exporter_abandon(const mlx_function_exporter xfunc);
/* Trace the function with these arguments and add the trace. Errors: those of the function. */
MLX_API int mlx_function_exporter_apply(const mlx_function_exporter xfunc,
                                        const mlx_vector_array args);
/* The same with named arguments, which only a function that takes them sees. */
MLX_API int mlx_function_exporter_apply_kwargs(const mlx_function_exporter xfunc,
                                               const mlx_vector_array args,
                                               const mlx_map_string_to_array kwargs);

/* --- what was exported, without a file ---------------------------------------------- */

/* An array of a trace. Ids count from 0 in the order in which a visitor is first told of
   the arrays. What pointers lead to is valid during the call alone. */
typedef struct mlx_exported_array_ {
    size_t id;
    const int *shape;
    size_t ndim;
    mlx_dtype dtype;
} mlx_exported_array;

typedef enum mlx_exported_kind_ {
    MLX_EXPORTED_BOOL,   /* integer: 0 or 1 */
    MLX_EXPORTED_INT,    /* integer */
    MLX_EXPORTED_FLOAT,  /* real */
    MLX_EXPORTED_DTYPE,  /* integer: an mlx_dtype */
    MLX_EXPORTED_STRING, /* text */
    MLX_EXPORTED_LIST,   /* list of count numbers */
    MLX_EXPORTED_SHAPE   /* the same: a shape, strides, or starts and stops along axes */
} mlx_exported_kind;

/* What a primitive is given beside arrays. */
typedef struct mlx_exported_argument_ {
    mlx_exported_kind kind;
    int64_t integer;
    double real;
    const char *text;
    const int64_t *list;
    size_t count;
} mlx_exported_argument;

typedef struct mlx_exported_primitive_ {
    const char *name; /* as in files: "Add" */
    const mlx_exported_array *inputs, *outputs;
    size_t input_count, output_count;
    const mlx_exported_argument *arguments;
    size_t argument_count;
} mlx_exported_primitive;

/* For each trace, all but the last are called once in this order, then primitive for each
   operation, after those whose results it needs. The keyword inputs are among the inputs,
   too; values are the constants' arrays, borrowed. A function may be NULL; one that returns
   non-zero ends the visit, which fails. */
typedef struct mlx_export_visitor_ {
    void *payload;
    int (*inputs)(void *payload, const mlx_exported_array *inputs, size_t count);
    int (*keyword_inputs)(void *payload, const char *const *names, const mlx_exported_array *inputs,
                          size_t count);
    int (*outputs)(void *payload, const mlx_exported_array *outputs, size_t count);
    int (*constants)(void *payload, const mlx_exported_array *constants, const mlx_array *values,
                     size_t count);
    int (*primitive)(void *payload, const mlx_exported_primitive *primitive);
} mlx_export_visitor;

/* An exporter that writes no file: its traces are there to be visited. */
MLX_API mlx_function_exporter mlx_function_exporter_new_memory(const mlx_closure_kwargs fun,
                                                               bool shapeless);
/* Walk what was added to an exporter of either sort so far. Errors: what a function of the
   visitor returns other than 0. */
MLX_API int mlx_function_exporter_visit(const mlx_function_exporter xfunc,
                                        const mlx_export_visitor *visitor);

/* --- import -------------------------------------------------------------------------- */

/* A function read from a file. Errors: what is wrong with the file, at once. It may
   hold several traces. */
MLX_API mlx_imported_function mlx_imported_function_new(const char *file);
/* Let go of it. */
MLX_API int mlx_imported_function_free(mlx_imported_function xfunc);
/* The text in the file, "" if it has none; NULL on an empty handle. Valid as long as the
   function. */
MLX_API const char *mlx_imported_function_metadata(const mlx_imported_function xfunc);
/* Call an imported function: the trace that fits shapes and dtypes. Errors: none does. */
MLX_API int mlx_imported_function_apply(mlx_vector_array *res, const mlx_imported_function xfunc,
                                        const mlx_vector_array args);
/* The same with named arguments. */
MLX_API int mlx_imported_function_apply_kwargs(mlx_vector_array *res,
                                               const mlx_imported_function xfunc,
                                               const mlx_vector_array args,
                                               const mlx_map_string_to_array kwargs);

#ifdef __cplusplus
}
#endif

#endif
