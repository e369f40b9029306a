/* A model copied tensor by tensor: cut into shards, or joined. */
#include <string.h>

#include "model/model.h"

/* Written anew by whoever writes several files. */
static bool is_of_parts(const char *key) {
    return strncmp(key, "split.", 6) == 0;
}

static int copy_value(mlx_file_writer w, mlx_file f, size_t i) {
    const char *key = mlx_file_metadata_key(f, i);
    if (!key || is_of_parts(key))
        return !key;
    return mlx_file_writer_metadata(w, f, i);
}

static int declare(mlx_file_writer w, mlx_file f) {
    int status = 0;
    mlx_file_tensor t;
    for (size_t i = 0; status == 0 && i < mlx_file_metadata_count(f); i++)
        status = copy_value(w, f, i);
    for (size_t i = 0; status == 0 && i < mlx_file_count(f); i++)
        status = mlx_file_get(&t, f, i) ||
                 mlx_file_writer_declare(w, t.name, t.storage, t.shape, (size_t)t.ndim);
    return status;
}

static int put(mlx_file_writer w, mlx_file f, size_t i, const char *name) {
    mlx_stream s = mlx_stream_new();
    mlx_array a = mlx_array_new();
    int status = mlx_file_read_stored(&a, f, i, s) || mlx_file_writer_put(w, name, a);
    mlx_array_free(a);
    mlx_stream_free(s);
    return status;
}

static int put_all(cli_call *c, mlx_file_writer w, mlx_file f) {
    cli_progress p = cli_progress_begin("copying", cli_tensor_bytes(f), true, c->quiet);
    int status = 0;
    mlx_file_tensor t;
    for (size_t i = 0; status == 0 && i < mlx_file_count(f); i++) {
        status = cli_interrupted() || mlx_file_get(&t, f, i) || put(w, f, i, t.name);
        cli_progress_step(&p, t.bytes, t.name);
    }
    cli_progress_end(&p);
    return status;
}

int cli_copy(cli_call *c, mlx_file from, const char *to, const char *format, uint64_t most) {
    mlx_file_writer w = mlx_file_writer_new();
    int status = mlx_file_writer_open(&w, to, format, most) || declare(w, from) ||
                 put_all(c, w, from) || mlx_file_writer_finish(w);
    int result = status ? cli_library(c) : CLI_OK;
    mlx_file_writer_free(w);
    return result;
}
