/* The graph behind an array that has not been computed: as lines, and in Graphviz' language.
 *
 *     graph | sed -n '/digraph/,$p' | dot -Tsvg > graph.svg
 */
#include <stdio.h>

#include "command.h"
#include "mlx/c/mlx.h"

/* sigmoid(x w + b), with y the product by the way */
static int layer(mlx_array *res, mlx_array *y, const mlx_array x, const mlx_array w,
                 const mlx_array b, const mlx_stream s) {
    return mlx_matmul(y, x, w, s) || mlx_add(res, *y, b, s) || mlx_sigmoid(res, *res, s);
}

int main(int argc, char **argv) {
    begin_command(argc, argv, "usage: graph\n", 0, 0);
    int shape[] = {2, 2}, line[] = {2};
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array x = mlx_array_new(), w = mlx_array_new(), b = mlx_array_new();
    mlx_array y = mlx_array_new(), z = mlx_array_new();
    int failed = mlx_ones(&x, shape, 2, MLX_FLOAT32, s) || mlx_ones(&w, shape, 2, MLX_FLOAT32, s) ||
                 mlx_zeros(&b, line, 1, MLX_FLOAT32, s) || mlx_array_eval(x) || mlx_array_eval(w) ||
                 mlx_array_eval(b) || layer(&z, &y, x, w, b, s);

    mlx_node_namer names = mlx_node_namer_new();
    mlx_vector_array outputs = mlx_vector_array_new_value(z);
    failed = failed || mlx_node_namer_set_name(names, x, "x") ||
             mlx_node_namer_set_name(names, w, "weight") ||
             mlx_node_namer_set_name(names, b, "bias") || mlx_node_namer_set_name(names, z, "z") ||
             mlx_print_graph(stdout, names, outputs) || mlx_export_to_dot(stdout, names, outputs);

    // Once it has been computed there is no graph any more.
    failed = failed || mlx_array_eval(z) || mlx_print_graph(stdout, names, outputs);

    mlx_vector_array_free(outputs);
    mlx_node_namer_free(names);
    mlx_array_free(x);
    mlx_array_free(w);
    mlx_array_free(b);
    mlx_array_free(y);
    mlx_array_free(z);
    mlx_stream_free(s);
    return failed || printed();
}
