/* Operations, formats of files and storages of elements that a program or a shared library adds.
 *
 *     program          mlx_operation_register(&operation), mlx_format_register(&format) ...
 *     shared library   named in MLX_PLUGINS (paths with ':' between them): its function
 *                      mlx_plugin_entry says of which ABI it is and is given the functions to
 *                      register with, so that it need not be linked to this library
 *
 * Plug-ins are looked up when the first model file is opened or written (file.h), after the
 * library's own formats, and when one of these operations is looked for. What is registered stays
 * for the life of the process and may be used from any thread. Plug-ins are code: what MLX_PLUGINS
 * names is trusted as the program itself is.
 *
 * Every struct begins with its size (sizeof), so that later ones may have more members. None of
 * this is in mlx-c.
 */
#ifndef MLX_C_PLUGIN_H
#define MLX_C_PLUGIN_H

#include "mlx/c/array.h"
#include "mlx/c/catalog.h"
#include "mlx/c/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MLX_PLUGIN_ABI 1

/* --- formats ---------------------------------------------------------------------------------- */

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

/* --- storages --------------------------------------------------------------------------------- */

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
/* The blocks of elements, uint8; evaluates. Errors: no such storage, rows that are no whole blocks,
   a storage that cannot be written. */
MLX_API int mlx_storage_store(mlx_array *res, const char *name, const mlx_array elements,
                              const mlx_stream s);

/* --- operations ------------------------------------------------------------------------------- */

#define MLX_PLUGIN_NDIM 64

/* An argument that is no array: of int and bool the integer, of float the number. */
typedef union mlx_plugin_number_ {
    int64_t integer;
    double number;
} mlx_plugin_number;

/* One call of an operation, for its functions. */
typedef struct mlx_plugin_call_ {
    void *ctx;
    void *payload;                    /* the operation's */
    const mlx_plugin_number *numbers; /* in the order of the signature */
    /* Says what is wrong; returns 1, which is what to return then. */
    int (*fail)(void *ctx, const char *why);
    /* Runs body on ranges that make 0 .. n together, on the threads of the library, ranges of at
       least `grain`. The body calls nothing of this library. */
    void (*parallel)(int64_t n, int64_t grain, void (*body)(void *arg, int64_t begin, int64_t end),
                     void *arg);
} mlx_plugin_call;

/* An operand: its elements in row order. */
typedef struct mlx_plugin_array_ {
    mlx_dtype dtype;
    int ndim;
    const int *shape;
    size_t size; /* elements */
    void *data;  /* NULL where only shapes are known, or size is 0 */
} mlx_plugin_array;

typedef struct mlx_plugin_shape_ {
    mlx_dtype dtype;
    int ndim;
    int shape[MLX_PLUGIN_NDIM];
} mlx_plugin_shape;

/* An operation. All functions return 0, or 1; they may run on any thread, several at once. */
typedef struct mlx_plugin_operation_ {
    size_t size;
    /* As in catalog.h: "softplus(x: array, /, beta: float = 1.0, *, stream: StreamOrDevice = None)
       -> array". Parameters are arrays, ints, floats and bools, and the stream at the end. */
    const char *signature;
    const char *doc; /* one paragraph; may be NULL */
    int results;     /* how many arrays it gives; several are a tuple */
    void *payload;
    /* dtype and shape of each result from those of the operands */
    int (*shape)(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                 mlx_plugin_shape *out);
    /* The results' elements. Runs while an evaluation waits: it may call no function of this
       library but `parallel`. */
    int (*kernel)(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                  const mlx_plugin_array *out);
    /* One gradient for each primal, of its shape and dtype; cotangents and outputs are one for each
       result. NULL: asking for a derivative is an error. Rules are written in public functions. In
       all three *res is an empty handle: the rule puts mlx_vector_array_new() there and fills
       that. */
    int (*vjp)(mlx_vector_array *res, const mlx_plugin_call *call, const mlx_vector_array primals,
               const mlx_vector_array cotangents, const mlx_vector_array outputs,
               const mlx_stream s);
    /* One tangent for each result from one for each primal. NULL: an error likewise. */
    int (*jvp)(mlx_vector_array *res, const mlx_plugin_call *call, const mlx_vector_array primals,
               const mlx_vector_array tangents, const mlx_stream s);
    /* The results for inputs of which input i has a batch along axes[i] (-1: it has none), and
       along which axis each result has it. NULL: one after the other. */
    int (*vmap)(mlx_vector_array *res, int *out_axes, const mlx_plugin_call *call,
                const mlx_vector_array inputs, const int *axes, const mlx_stream s);
} mlx_plugin_operation;

/* Add an operation. The struct is copied, its texts too; Python sees it as mx.plugins.<name>.
   Errors: a name that is taken or is no identifier, a signature with other parameters, a function
   that is needed and NULL, a size that is not known. */
MLX_API int mlx_operation_register(const mlx_plugin_operation *operation);
/* The i-th operation that was added, as a row of the catalog ("mlx.core.plugins"), for
   mlx_operation_call; it lives for ever. NULL: i is too large. Loads what MLX_PLUGINS names.
   Errors: those of mlx_plugins_load. */
MLX_API const mlx_operation *mlx_plugin_operation_get(size_t i);
/* The operation that was added under a name, as a row of the catalog. NULL: there is none. */
MLX_API const mlx_operation *mlx_plugin_operation_find(const char *name);

/* --- shared libraries ------------------------------------------------------------------------- */

/* What a shared library may call while it is loaded. */
typedef struct mlx_plugin_host_ {
    size_t size;
    int (*format_register)(const mlx_plugin_format *format);
    int (*storage_register)(const mlx_plugin_storage *storage);
    int (*operation_register)(const mlx_plugin_operation *operation);
    /* A public function of this library, for rules; NULL: there is none of this name. */
    void *(*symbol)(const char *name);
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
