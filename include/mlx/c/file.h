/* Model files, whatever their format: what is in them, and one tensor at a time.
 *
 *     mlx_file f = mlx_file_new();
 *     mlx_file_open(&f, "model.safetensors", false);
 *     for (size_t i = 0; i < mlx_file_count(f); i++) {
 *         mlx_file_tensor t;
 *         mlx_file_get(&t, f, i);                     name, storage, shape, bytes
 *         mlx_file_read(&a, f, i, s);                 an array, read when it is evaluated
 *     }
 *     mlx_file_free(f);
 *
 * Opening reads headers and nothing else. The format is told by the content: safetensors, GGUF,
 * npy, npz, PyTorch's checkpoints, and those of plug-ins (plugin.h). Arrays of an open file are as
 * those of mlx_load (io.h): read when they are evaluated, into memory of their own, or with `map`
 * pages of the file; they may outlive it. What is wrong in a file is an error that names the file,
 * the byte, and what was expected there.
 *
 * An open file does not change, and any thread may use it. None of this is in mlx-c.
 */
#ifndef MLX_C_FILE_H
#define MLX_C_FILE_H

#include "mlx/c/array.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_file_ {
    void *ctx;
} mlx_file;
typedef struct mlx_file_writer_ {
    void *ctx;
} mlx_file_writer;

/* A tensor of a file. The texts and the shape belong to the file. */
typedef struct mlx_file_tensor_ {
    const char *name;
    const char *storage; /* how it lies: "float32", "bfloat16", "float8_e4m3", "q4_k" ... */
    const int *shape;    /* of elements */
    int ndim;
    mlx_dtype dtype; /* of what mlx_file_read gives */
    uint64_t elements;
    uint64_t bytes;  /* in the file */
    uint64_t offset; /* of the first byte in its part; 0 where it is compressed */
    int part;        /* which file of several */
} mlx_file_tensor;

/* What a value of the metadata is. */
typedef enum mlx_file_kind_ {
    MLX_FILE_NONE = 0,
    MLX_FILE_TEXT,
    MLX_FILE_TEXTS,   /* a list */
    MLX_FILE_NUMBERS, /* an array of the file's own dtype: one number has no axes, a list one */
    MLX_FILE_NESTED   /* lists of lists that are no table of numbers: their text in JSON */
} mlx_file_kind;

/* --- reading ------------------------------------------------------------------------- */

/* A handle of no file. */
MLX_API mlx_file mlx_file_new(void);
/* Open a file; a folder, or the index of one (model.safetensors.index.json), with all its shards;
   the first of the parts of a GGUF model. map: arrays are pages of the file (io.h says at what
   price). Errors: it cannot be read, is of no known format, or is broken. */
MLX_API int mlx_file_open(mlx_file *res, const char *file, bool map);
/* Let go of it. Its arrays stay. */
MLX_API int mlx_file_free(mlx_file f);
/* "safetensors", "gguf", "npy", "npz", "pytorch" or the name of a plug-in's format. NULL: an
   error. */
MLX_API const char *mlx_file_format(mlx_file f);
/* How many parts (files) it has. 0: an error. */
MLX_API int mlx_file_part_count(mlx_file f);
/* The path of a part, which belongs to the file, and its size in bytes. Errors: there is no such
   part. */
MLX_API int mlx_file_part(const char **path, uint64_t *bytes, mlx_file f, int part);
/* How many tensors there are, in all parts. */
MLX_API size_t mlx_file_count(mlx_file f);
/* Describe the i-th tensor; they have the order of the files. Errors: there is no such tensor. */
MLX_API int mlx_file_get(mlx_file_tensor *res, mlx_file f, size_t i);
/* The number of the tensor of a name. Returns 2, without a call of the error handler, where there
   is none. */
MLX_API int mlx_file_find(size_t *res, mlx_file f, const char *name);
/* The values of the i-th tensor: blocks and 8-bit floats are widened to `dtype` of its description.
   Errors: of its storage no values can be made. */
MLX_API int mlx_file_read(mlx_array *res, mlx_file f, size_t i, const mlx_stream s);
/* The same as it lies in the file: blocks (..., rows, bytes of a row) and codes of 8 bits and
   less as uint8. Errors: there is no such tensor. */
MLX_API int mlx_file_read_stored(mlx_array *res, mlx_file f, size_t i, const mlx_stream s);

/* How many values the metadata has; of several parts, the first that has a key counts. */
MLX_API size_t mlx_file_metadata_count(mlx_file f);
/* The i-th key, of the file. NULL: an error. Errors: there is no such value. */
MLX_API const char *mlx_file_metadata_key(mlx_file f, size_t i);
/* The number of the value of a key. Returns 2, without a call of the error handler, where there is
   none. */
MLX_API int mlx_file_metadata_find(size_t *res, mlx_file f, const char *key);
/* What the i-th value is. MLX_FILE_NONE: an error. Errors: there is no such value. */
MLX_API mlx_file_kind mlx_file_metadata_kind(mlx_file f, size_t i);
/* The i-th value where it is a text. Returns 3, without a call of the error handler, where it is
   something else. Errors: there is no such value. */
MLX_API int mlx_file_metadata_text(mlx_string *res, mlx_file f, size_t i);
/* The i-th value where it is a list of texts. Returns 3, without a call of the error handler,
   where it is something else. Errors: there is no such value. */
MLX_API int mlx_file_metadata_texts(mlx_vector_string *res, mlx_file f, size_t i);
/* The i-th value where it is a number or a list of numbers. Returns 3, without a call of the
   error handler, where it is something else. Errors: there is no such value. */
MLX_API int mlx_file_metadata_array(mlx_array *res, mlx_file f, size_t i);
/* The k-th text of the i-th value, a text, a list of them or nested, and its length: it may have
   zeros inside, where the functions above see its end. It belongs to the file. Returns 3,
   without a call of the error handler, where it is something else. Errors: there is no such
   value, or no such text. */
MLX_API int mlx_file_metadata_item(const char **res, size_t *length, mlx_file f, size_t i,
                                   size_t k);

/* --- writing -------------------------------------------------------------------------- */

/* A handle of no writer. */
MLX_API mlx_file_writer mlx_file_writer_new(void);
/* Begin a file: "safetensors" or "gguf", NULL: by the path's ending. Metadata and declarations
   come first, then each tensor once, in any order, which is evaluated, written and let go, so
   that one is in memory at a time. most_bytes: of the tensors in one file; more begin another
   one ("model-00002-of-00003.safetensors", and "model.safetensors.index.json" beside them). 0:
   one file. Errors: another format, an ending that says none. */
MLX_API int mlx_file_writer_open(mlx_file_writer *res, const char *file, const char *format,
                                 uint64_t most_bytes);
/* Let go of it. What was not finished leaves no file behind, and what was there before as it
   was. */
MLX_API int mlx_file_writer_free(mlx_file_writer w);
/* The i-th value of f's metadata under its key, as it is. Errors: a tensor was put already; i is
   out of range. */
MLX_API int mlx_file_writer_metadata(mlx_file_writer w, mlx_file f, size_t i);
/* A text of the metadata. Errors: a tensor was put already. */
MLX_API int mlx_file_writer_text(mlx_file_writer w, const char *key, const char *text);
/* A list of texts, which GGUF has. Errors: a tensor was put already. */
MLX_API int mlx_file_writer_texts(mlx_file_writer w, const char *key,
                                  const mlx_vector_string texts);
/* A number or a vector of numbers, which GGUF has, of the array's dtype. Errors: a tensor was
   put already. */
MLX_API int mlx_file_writer_array(mlx_file_writer w, const char *key, const mlx_array numbers);
/* Announce a tensor, of a storage as mlx_file_tensor has it and a shape of elements. Errors: a
   storage that the format does not have, a name that was announced before, rows that are no whole
   blocks. */
MLX_API int mlx_file_writer_declare(mlx_file_writer w, const char *name, const char *storage,
                                    const int *shape, size_t shape_num);
/* The elements of a tensor, as mlx_file_read_stored gives them. Errors: it was not announced, or is
   of another shape or dtype. A failure of writing is final: begin anew. */
MLX_API int mlx_file_writer_put(mlx_file_writer w, const char *name, const mlx_array a);
/* All are put: the files are flushed to the disk and get their names. Errors: one was announced and
   not put. */
MLX_API int mlx_file_writer_finish(mlx_file_writer w);

#ifdef __cplusplus
}
#endif

#endif
