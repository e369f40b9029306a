/* Pictures of what is still to be computed. */
#ifndef MLX_C_GRAPH_UTILS_H
#define MLX_C_GRAPH_UTILS_H

#include <stdio.h>

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

typedef struct mlx_node_namer_ {
    void *ctx;
} mlx_node_namer;

/* Names for the arrays of a graph, none yet. */
MLX_API mlx_node_namer mlx_node_namer_new(void);
/* Let go of the names. */
MLX_API int mlx_node_namer_free(mlx_node_namer namer);
/* Name an array; the name is copied. */
MLX_API int mlx_node_namer_set_name(mlx_node_namer namer, const mlx_array arr, const char *name);
/* The name, which belongs to the namer; one is made up where none was set. */
MLX_API int mlx_node_namer_get_name(const char **name, mlx_node_namer namer, const mlx_array arr);

/* The graph of outputs in Graphviz's language, written to os. Errors: os cannot be written to. */
MLX_API int mlx_export_to_dot(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs);
/* The graph of outputs as lines of text, written to os. Errors: os cannot be written to. */
MLX_API int mlx_print_graph(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs);
/* The graph for reading, a line an array: what it is made of with which parameters, its dtype and
   shape, and where it was written if that is known (profile.h). */
MLX_API int mlx_graph_text(mlx_string *res, const mlx_node_namer namer,
                           const mlx_vector_array outputs);

#ifdef __cplusplus
}
#endif

#endif
