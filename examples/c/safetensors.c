/* Safetensors: named arrays and metadata; to a file, and through functions of the program.
 *
 *     safetensors [file.safetensors]
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "mlx/c/mlx.h"

/* --- bytes in memory that are written and read as if they were a file ---------------- */

typedef struct memory {
    char bytes[4096];
    size_t at, size;
} memory;

static bool is_good(void *m) {
    return ((memory *)m)->size <= sizeof((memory *)m)->bytes;
}
static size_t tell(void *m) {
    return ((memory *)m)->at;
}
static void seek(void *desc, int64_t offset, int whence) {
    memory *m = desc;
    m->at = (size_t)(offset + (whence == SEEK_SET   ? 0
                               : whence == SEEK_CUR ? (int64_t)m->at
                                                    : (int64_t)m->size));
}
static void read_at(void *desc, char *to, size_t n, size_t at) {
    memcpy(to, ((memory *)desc)->bytes + at, n);
}
static void read_on(void *desc, char *to, size_t n) {
    memory *m = desc;
    read_at(m, to, n, m->at);
    m->at += n;
}
static void write_on(void *desc, const char *from, size_t n) {
    memory *m = desc;
    memcpy(m->bytes + m->at, from, n);
    m->at += n;
    m->size = m->at > m->size ? m->at : m->size;
}
static const char *label(void *m) {
    (void)m;
    return "memory";
}
static void nothing(void *m) {
    (void)m;
}
static const mlx_io_vtable in_memory = {is_good, is_good,  tell,  seek,   read_on,
                                        read_at, write_on, label, nothing};

/* --- contents ------------------------------------------------------------------------- */

static int print(const mlx_map_string_to_array arrays, const mlx_map_string_to_string metadata) {
    const char *key, *value;
    mlx_array a = mlx_array_new();
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(arrays);
    while (mlx_map_string_to_array_iterator_next(&key, &a, it) == 0) {
        mlx_string text = mlx_string_new();
        mlx_array_tostring(&text, a);
        printf("%s: %s\n", key, mlx_string_data(text));
        mlx_string_free(text);
    }
    mlx_map_string_to_array_iterator_free(it);
    mlx_array_free(a);
    int failed = mlx_map_string_to_string_get(&value, metadata, "made by");
    printf("made by: %s\n", failed ? "?" : value);
    return failed;
}

int main(int argc, char **argv) {
    begin_command(argc, argv, "usage: safetensors [file.safetensors]\n", 0, 1);
    const char *path =
        file_of("arrays are", argc > 1 ? argv[1] : "example.safetensors", ".safetensors");
    static memory m;
    mlx_stream stream = mlx_default_cpu_stream_new();
    mlx_array bias = mlx_array_new(), scale = mlx_array_new_float32(0.5f);
    mlx_map_string_to_array arrays = mlx_map_string_to_array_new();
    mlx_map_string_to_string metadata = mlx_map_string_to_string_new();
    int failed = mlx_arange(&bias, 0, 4, 1, MLX_INT32, stream) ||
                 mlx_map_string_to_array_insert(arrays, "bias", bias) ||
                 mlx_map_string_to_array_insert(arrays, "scale", scale) ||
                 mlx_map_string_to_string_insert(metadata, "made by", "an example") ||
                 mlx_save_safetensors(path, arrays, metadata) ||
                 mlx_load_safetensors(&arrays, &metadata, path, stream) || print(arrays, metadata);

    mlx_io_writer writer = mlx_io_writer_new(&m, in_memory);
    failed = failed || mlx_save_safetensors_writer(writer, arrays, metadata);
    mlx_io_writer_free(writer);
    m.at = 0;
    mlx_io_reader reader = mlx_io_reader_new(&m, in_memory);
    failed = failed || mlx_load_safetensors_reader(&arrays, &metadata, reader, stream) ||
             print(arrays, metadata);
    mlx_io_reader_free(reader);

    mlx_map_string_to_array_free(arrays);
    mlx_map_string_to_string_free(metadata);
    mlx_array_free(bias);
    mlx_array_free(scale);
    mlx_stream_free(stream);
    return failed || printed();
}
