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
   once with the handle's end.
   A reader is read in order from where it stands, as far as the headers of the file say
   and no further, and stands behind that afterwards. read gives all bytes that it is asked
   for, or good gives false after it; so write takes all, or good gives false.
   A reader needs read, a writer write; a call that uses one without it fails. The others
   may be NULL, tell and seek together: then nobody knows the size before the end. */
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

/* A reader from desc, which the functions of the table get; which of them are needed is said
   above, and missed by the call that reads. The table is copied; its free function is called
   with desc when the reader is freed, or here when that fails. Errors: no memory. */
MLX_API mlx_io_reader mlx_io_reader_new(void *desc, mlx_io_vtable vtable);
/* The desc that it was made with. */
MLX_API int mlx_io_reader_descriptor(void **desc_, mlx_io_reader io);
/* What its label function says, or "reader". */
MLX_API int mlx_io_reader_tostring(mlx_string *str_, mlx_io_reader io);
/* Let go of it: calls the table's free function with desc. */
MLX_API int mlx_io_reader_free(mlx_io_reader io);
/* A writer from desc, which the functions get, and a table as a reader's. Errors: no memory. */
MLX_API mlx_io_writer mlx_io_writer_new(void *desc, mlx_io_vtable vtable);
/* The desc that it was made with. */
MLX_API int mlx_io_writer_descriptor(void **desc_, mlx_io_writer io);
/* What its label function says, or "writer". */
MLX_API int mlx_io_writer_tostring(mlx_string *str_, mlx_io_writer io);
/* Let go of it: calls the table's free function with desc. */
MLX_API int mlx_io_writer_free(mlx_io_writer io);

/* --- GGUF: arrays and metadata by key -------------------------------------------- */

/* Contents without arrays and metadata, to be filled. */
MLX_API mlx_io_gguf mlx_io_gguf_new(void);
/* Let go of them. */
MLX_API int mlx_io_gguf_free(mlx_io_gguf io);
/* The names of the arrays. */
MLX_API int mlx_io_gguf_get_keys(mlx_vector_string *keys, mlx_io_gguf io);
/* The names of the metadata. */
MLX_API int mlx_io_gguf_get_metadata_keys(mlx_vector_string *keys, mlx_io_gguf io);
/* The array of a name. Returns 2, without a call of the error handler, where there is none. */
MLX_API int mlx_io_gguf_get_array(mlx_array *arr, mlx_io_gguf io, const char *key);
/* Metadata that are a number or a list of numbers, as array. Returns 2: no such name,
   3: of another type; without a call of the error handler. */
MLX_API int mlx_io_gguf_get_metadata_array(mlx_array *arr, mlx_io_gguf io, const char *key);
/* Metadata that are a string. Returns 2 and 3 as mlx_io_gguf_get_metadata_array. */
MLX_API int mlx_io_gguf_get_metadata_string(mlx_string *str, mlx_io_gguf io, const char *key);
/* Metadata that are a list of strings. Returns 2 and 3 as mlx_io_gguf_get_metadata_array. */
MLX_API int mlx_io_gguf_get_metadata_vector_string(mlx_vector_string *vstr, mlx_io_gguf io,
                                                   const char *key);
/* The k-th text of metadata that are a string, a list of strings, or lists of lists (their text
   in JSON), and its length: it may have zeros inside. It belongs to io. Returns 2 and 3 as
   mlx_io_gguf_get_metadata_array. Errors: there is no such text. (Not in mlx-c.) */
MLX_API int mlx_io_gguf_get_metadata_item(const char **res, size_t *length, mlx_io_gguf io,
                                          const char *key, size_t k);
/* Whether there is a number or a list of numbers of this name. */
MLX_API int mlx_io_gguf_has_metadata_array(bool *flag, mlx_io_gguf io, const char *key);
/* Whether there is a string of this name. */
MLX_API int mlx_io_gguf_has_metadata_string(bool *flag, mlx_io_gguf io, const char *key);
/* Whether there is a list of strings of this name. */
MLX_API int mlx_io_gguf_has_metadata_vector_string(bool *flag, mlx_io_gguf io, const char *key);
/* Put an array under a name, in place of a former one. */
MLX_API int mlx_io_gguf_set_array(mlx_io_gguf io, const char *key, const mlx_array arr);
/* Put a number or a vector of numbers under a name; saving refuses a dtype that GGUF lacks. */
MLX_API int mlx_io_gguf_set_metadata_array(mlx_io_gguf io, const char *key, const mlx_array marr);
/* Put a copy of a string under a name. */
MLX_API int mlx_io_gguf_set_metadata_string(mlx_io_gguf io, const char *key, const char *mstr);
/* Put copies of strings under a name. */
MLX_API int mlx_io_gguf_set_metadata_vector_string(mlx_io_gguf io, const char *key,
                                                   const mlx_vector_string mvstr);

#ifdef __cplusplus
}
#endif

#endif
