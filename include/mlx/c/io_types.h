/* Readers and writers made by the program, and GGUF files in memory. */
#ifndef MLX_C_IO_TYPES_H
#define MLX_C_IO_TYPES_H

#include "mlx/c/array.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A source or sink: functions of the program, each with its own desc. seek takes an
   offset and SEEK_SET, SEEK_CUR or SEEK_END; label names it in messages; free is called
   once with the handle's end. */
typedef struct mlx_io_vtable_ {
    bool (*is_open)(void *);
    bool (*good)(void *);
    size_t (*tell)(void *);
    void (*seek)(void *, int64_t, int);
    void (*read)(void *, char *, size_t);
    void (*read_at_offset)(void *, char *, size_t, size_t);
    void (*write)(void *, const char *, size_t);
    const char *(*label)(void *);
    void (*free)(void *);
} mlx_io_vtable;
typedef struct mlx_io_reader_ {
    void *ctx;
} mlx_io_reader;
typedef struct mlx_io_writer_ {
    void *ctx;
} mlx_io_writer;
typedef struct mlx_io_gguf_ {
    void *ctx;
} mlx_io_gguf;

/* desc is what the functions get. */
MLX_API mlx_io_reader mlx_io_reader_new(void *desc, mlx_io_vtable vtable);
MLX_API int mlx_io_reader_descriptor(void **desc_, mlx_io_reader io);
MLX_API int mlx_io_reader_tostring(mlx_string *str_, mlx_io_reader io);
MLX_API int mlx_io_reader_free(mlx_io_reader io);
MLX_API mlx_io_writer mlx_io_writer_new(void *desc, mlx_io_vtable vtable);
MLX_API int mlx_io_writer_descriptor(void **desc_, mlx_io_writer io);
MLX_API int mlx_io_writer_tostring(mlx_string *str_, mlx_io_writer io);
MLX_API int mlx_io_writer_free(mlx_io_writer io);

/* --- GGUF: arrays and metadata by key -------------------------------------------- */

MLX_API mlx_io_gguf mlx_io_gguf_new(void);
MLX_API int mlx_io_gguf_free(mlx_io_gguf io);
/* The keys of arrays; of metadata (which mlx-c does not have). */
MLX_API int mlx_io_gguf_get_keys(mlx_vector_string *keys, mlx_io_gguf io);
MLX_API int mlx_io_gguf_get_metadata_keys(mlx_vector_string *keys, mlx_io_gguf io);
/* 2: there is no such key; 3: it holds another type. */
MLX_API int mlx_io_gguf_get_array(mlx_array *arr, mlx_io_gguf io, const char *key);
MLX_API int mlx_io_gguf_get_metadata_array(mlx_array *arr, mlx_io_gguf io,
                                           const char *key);
MLX_API int mlx_io_gguf_get_metadata_string(mlx_string *str, mlx_io_gguf io,
                                            const char *key);
MLX_API int mlx_io_gguf_get_metadata_vector_string(mlx_vector_string *vstr,
                                                   mlx_io_gguf io, const char *key);
MLX_API int mlx_io_gguf_has_metadata_array(bool *flag, mlx_io_gguf io, const char *key);
MLX_API int mlx_io_gguf_has_metadata_string(bool *flag, mlx_io_gguf io,
                                            const char *key);
MLX_API int mlx_io_gguf_has_metadata_vector_string(bool *flag, mlx_io_gguf io,
                                                   const char *key);
/* Put a value at a key, in place of a former one. */
MLX_API int mlx_io_gguf_set_array(mlx_io_gguf io, const char *key, const mlx_array arr);
MLX_API int mlx_io_gguf_set_metadata_array(mlx_io_gguf io, const char *key,
                                           const mlx_array marr);
MLX_API int mlx_io_gguf_set_metadata_string(mlx_io_gguf io, const char *key,
                                            const char *mstr);
MLX_API int mlx_io_gguf_set_metadata_vector_string(mlx_io_gguf io, const char *key,
                                                   const mlx_vector_string mvstr);

#ifdef __cplusplus
}
#endif

#endif
