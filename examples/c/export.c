/* A function in a file: exported with two traces, then loaded and called without the function.
 *
 *     export [file.mlxfn]
 *
 * Python reads the same file: mlx.core.import_function("file.mlxfn").
 */
#include <stdio.h>

#include "command.h"
#include "mlx/c/mlx.h"

static mlx_stream stream;

/* exp(x), or exp(x) * y */
static int function(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array x = mlx_array_new(), y = mlx_array_new(), z = mlx_array_new();
    int failed = mlx_vector_array_get(&x, in, 0) || mlx_exp(&z, x, stream);
    if (!failed && mlx_vector_array_size(in) > 1)
        failed = mlx_vector_array_get(&y, in, 1) || mlx_multiply(&z, z, y, stream);
    failed = failed || mlx_vector_array_set_value(res, z);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(z);
    return failed;
}

static int write_file(const char *path, const mlx_vector_array one, const mlx_vector_array two) {
    mlx_closure f = mlx_closure_new_func(function);
    mlx_function_exporter exporter = mlx_function_exporter_new(path, f, false);
    int failed =
        mlx_function_exporter_apply(exporter, one) || mlx_function_exporter_apply(exporter, two);
    failed = mlx_function_exporter_free(exporter) || failed; // the file is there from now on
    mlx_closure_free(f);
    return failed;
}

static int call(const mlx_imported_function f, const mlx_vector_array in) {
    mlx_vector_array out = mlx_vector_array_new();
    mlx_array y = mlx_array_new();
    mlx_string text = mlx_string_new();
    int failed = mlx_imported_function_apply(&out, f, in) || mlx_vector_array_get(&y, out, 0) ||
                 mlx_array_tostring(&text, y);
    printf("%zu inputs: %s\n", mlx_vector_array_size(in),
           failed ? "no trace fits" : mlx_string_data(text));
    mlx_string_free(text);
    mlx_array_free(y);
    mlx_vector_array_free(out);
    return failed;
}

int main(int argc, char **argv) {
    begin_command(argc, argv, "usage: export [file.mlxfn]\n", 0, 1);
    const char *path = file_of("the function is", argc > 1 ? argv[1] : "function.mlxfn", ".mlxfn");
    stream = mlx_default_cpu_stream_new();
    mlx_array pair[2] = {mlx_array_new_float32(0), mlx_array_new_float32(3)};
    mlx_vector_array one = mlx_vector_array_new_data(pair, 1),
                     two = mlx_vector_array_new_data(pair, 2);
    int failed = write_file(path, one, two);
    mlx_imported_function f = mlx_imported_function_new(path);
    failed = failed || call(f, one) || call(f, two);
    mlx_imported_function_free(f);
    mlx_vector_array_free(one);
    mlx_vector_array_free(two);
    mlx_array_free(pair[0]);
    mlx_array_free(pair[1]);
    mlx_stream_free(stream);
    return failed || printed();
}
