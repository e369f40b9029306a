/* Formats of files and storages of elements that a program or a shared library adds.
 *
 *     program          mlx_format_register(&format), mlx_storage_register(&storage)
 *     shared library   named in MLX_PLUGINS (paths with ':' between them): its function
 *                      mlx_plugin_entry says of which ABI it is and is given the functions to
 *                      register with, so that it need not be linked to this library
 *
 * Plug-ins are looked up when the first model file is opened or written (file.h), after the
 * library's own formats. What is registered stays for the life of the process and may be used from
 * any thread. Plug-ins are code: what MLX_PLUGINS names is trusted as the program itself is.
 *
 * Every struct begins with its size (sizeof), so that later ones may have more members. None of
 * this is in mlx-c.
 */
#ifndef MLX_C_PLUGIN_H
#define MLX_C_PLUGIN_H

#include "mlx/c/array.h"
#include "mlx/c/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MLX_PLUGIN_ABI 1

/* --- formats -------------------------------------------------------------------------- */

/* The bytes of a file, for a plug-in. Both functions return 0, or 1. */
typedef struct mlx_plugin_bytes_ {
    void *ctx;
    uint64_t size;
    /* n bytes at an offset; behind the end is an error. */
    int (*read)(void *ctx, void *to, size_t n, uint64_t at);
    /* Says what is wrong in the file and where; returns 1, which is what to return then. */
    int (*fail)(void *ctx, uint64_t at, const char *why);
} mlx_plugin_bytes;

/* What a plug-in tells of a file, one call each; what they return other than 0 is to be
   returned. */
typedef struct mlx_plugin_list_ {
    void *ctx;
    /* name, storage, shape and ndim are needed. Where the format has no `read`: offset too, at
       which the elements lie little-endian in row order. bytes may be 0: what the storage needs. */
    int (*tensor)(void *ctx, const mlx_file_tensor *t);
    int (*text)(void *ctx, const char *key, const char *text);
} mlx_plugin_list;

/* Where a plug-in writes the head of a file. */
typedef struct mlx_plugin_head_ {
    void *ctx;
    int (*put)(void *ctx, const void *bytes, size_t n);
    int (*fail)(void *ctx, const char *why);
    const mlx_file_tensor *tensors; /* in the order in which they were declared */
    size_t count;
    uint64_t *
        /* to be filled: where each tensor's elements will be, behind the head and apart from each
           other */
        offsets;
    const char *const *keys, *const *texts; /* the metadata */
    size_t pairs;
} mlx_plugin_head;

typedef struct mlx_plugin_format_ {
    size_t size;
    const char *name;   /* "mine" */
    const char *ending; /* of its files, ".mine"; NULL: none */
    /* Is a file with these first bytes (4096, or all) one of this format? */
    bool (*detect)(const void *head, size_t n);
    /* Lists all tensors and metadata. *state is handed to read and close. */
    int (*open)(void **state, const mlx_plugin_bytes *in, const mlx_plugin_list *out);
    /* The elements of the i-th tensor as they are stored, `bytes` of them. NULL: they lie at their
       offsets, and are read when they are evaluated. */
    int (*read)(void *state, const mlx_plugin_bytes *in, size_t i, void *to, size_t bytes);
    void (*close)(void *state); /* may be NULL */
    /* Writes all that precedes the elements. NULL: the format is read only. */
    int (*write)(const mlx_plugin_head *head);
} mlx_plugin_format;

/* Add a format. The struct is copied, its texts too. Errors: a name that is taken, a function that
   is needed and NULL, a size that is not known. */
MLX_API int mlx_format_register(const mlx_plugin_format *format);

/* --- storages ------------------------------------------------------------------------- */

/* How elements may lie: `items` of them, along the last axis, in `bytes` bytes. Both functions work
   on whole blocks, may be called from several threads at once, and return 0, or 1 where a block
   cannot be. */
typedef struct mlx_plugin_storage_ {
    size_t size;
    const char *name; /* "mine6" */
    int items, bytes;
    mlx_dtype dtype; /* of the elements in memory */
    int (*load)(void *elements, const void *blocks, size_t n);
    int (*store)(void *blocks, const void *elements, size_t n); /* NULL: it cannot be written */
} mlx_plugin_storage;

/* Add a storage; formats of plug-ins may name it. Errors as of mlx_format_register. */
MLX_API int mlx_storage_register(const mlx_plugin_storage *storage);
/* The elements of blocks (..., bytes of a row), uint8, in a storage that was registered; evaluates.
   Errors: no such storage, rows that are no whole blocks. */
MLX_API int mlx_storage_load(mlx_array *res, const char *name, const mlx_array blocks,
                             const mlx_stream s);
/* The blocks of elements, uint8; evaluates. Errors likewise, and a storage that cannot be
   written. */
MLX_API int mlx_storage_store(mlx_array *res, const char *name, const mlx_array elements,
                              const mlx_stream s);

/* --- shared libraries ------------------------------------------------------------------- */

/* What a shared library may call while it is loaded. */
typedef struct mlx_plugin_host_ {
    size_t size;
    int (*format_register)(const mlx_plugin_format *format);
    int (*storage_register)(const mlx_plugin_storage *storage);
} mlx_plugin_host;

/* What its function `const mlx_plugin *mlx_plugin_entry(void)` returns. */
typedef struct mlx_plugin_ {
    int abi; /* MLX_PLUGIN_ABI */
    const char *name;
    int (*init)(const mlx_plugin_host *host); /* 0, or what a function of the host returned */
} mlx_plugin;

/* Load what MLX_PLUGINS names, which opening and writing model files does by itself. Errors, at
   each call: a library that cannot be loaded, has no entry, is of another ABI, or fails. */
MLX_API int mlx_plugins_load(void);

#ifdef __cplusplus
}
#endif

#endif
