/* GGUF: arrays and metadata under names, written and read back.
 *
 *     gguf [file.gguf]
 */
#include <stdio.h>

#include "command.h"
#include "mlx/c/mlx.h"

static int write_file(const char *path) {
    float data[] = {1, 2, 3, 4, 5, 6};
    int shape[] = {2, 3};
    const char *words[] = {"a", "bird", "sings"};
    mlx_io_gguf file = mlx_io_gguf_new();
    mlx_array weight = mlx_array_new_data(data, shape, 2, MLX_FLOAT32);
    mlx_array layers = mlx_array_new_int(4);
    mlx_vector_string tokens = mlx_vector_string_new_data(words, 3);
    int failed = mlx_io_gguf_set_array(file, "weight", weight) ||
                 mlx_io_gguf_set_metadata_string(file, "general.name", "example") ||
                 mlx_io_gguf_set_metadata_array(file, "example.layers", layers) ||
                 mlx_io_gguf_set_metadata_vector_string(file, "example.tokens", tokens) ||
                 mlx_save_gguf(path, file);
    mlx_vector_string_free(tokens);
    mlx_array_free(layers);
    mlx_array_free(weight);
    mlx_io_gguf_free(file);
    return failed;
}

static int print_arrays(const mlx_io_gguf file) {
    mlx_vector_string keys = mlx_vector_string_new();
    int failed = mlx_io_gguf_get_keys(&keys, file);
    for (size_t i = 0; !failed && i < mlx_vector_string_size(keys); i++) {
        char *key;
        mlx_array a = mlx_array_new();
        mlx_string text = mlx_string_new();
        failed = mlx_vector_string_get(&key, keys, i) || mlx_io_gguf_get_array(&a, file, key) ||
                 mlx_array_tostring(&text, a);
        printf("%s: %s\n", key, mlx_string_data(text));
        mlx_string_free(text);
        mlx_array_free(a);
    }
    mlx_vector_string_free(keys);
    return failed;
}

static int print_metadata(const mlx_io_gguf file) {
    mlx_string name = mlx_string_new();
    mlx_vector_string tokens = mlx_vector_string_new();
    bool has = true;
    char *last;
    int failed = mlx_io_gguf_get_metadata_string(&name, file, "general.name") ||
                 mlx_io_gguf_get_metadata_vector_string(&tokens, file, "example.tokens") ||
                 mlx_vector_string_get(&last, tokens, 2) ||
                 mlx_io_gguf_has_metadata_string(&has, file, "example.layers");
    if (!failed)
        printf("name: %s\nlast token: %s\nlayers is a string: %s\n", mlx_string_data(name), last,
               has ? "yes" : "no");
    mlx_string_free(name);
    mlx_vector_string_free(tokens);
    return failed;
}

int main(int argc, char **argv) {
    begin_command(argc, argv, "usage: gguf [file.gguf]\n", 0, 1);
    const char *path = file_of("arrays are", argc > 1 ? argv[1] : "example.gguf", ".gguf");
    mlx_stream stream = mlx_default_cpu_stream_new();
    mlx_io_gguf file = mlx_io_gguf_new();
    int failed = write_file(path) || mlx_load_gguf(&file, path, stream) || print_arrays(file) ||
                 print_metadata(file);
    mlx_io_gguf_free(file);
    mlx_stream_free(stream);
    return failed || printed();
}
