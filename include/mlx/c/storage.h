/* What arrays lie on, and arrays that several processes share. None of this is in mlx-c. */
#ifndef MLX_C_STORAGE_H
#define MLX_C_STORAGE_H

#include "mlx/c/array.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlx_storage_kind_ {
    MLX_STORAGE_NONE = 0, /* nothing yet: the array is not evaluated */
    MLX_STORAGE_POOL,     /* memory of the library's own */
    MLX_STORAGE_MAPPED,   /* pages of a file */
    MLX_STORAGE_SHARED,   /* POSIX shared memory */
    MLX_STORAGE_BORROWED  /* memory that the program lent */
} mlx_storage_kind;

typedef struct mlx_array_place_ {
    mlx_storage_kind kind;
    bool view;       /* not all of its memory in row order: a part of it, or in steps */
    uint64_t offset; /* bytes from where that memory begins to the first element */
    uint64_t bytes;  /* of that memory: the block, the file, the segment */
} mlx_array_place;

/* What an array lies on. Evaluates nothing. */
MLX_API int mlx_array_storage(mlx_array_place *res, const mlx_array a);

/* A copy of an array in shared memory of a name ("/weights": a slash and 1 to 250 other bytes),
   which any process of the same user can open: one copy of the weights for all of them. What had
   the name before is replaced; who has it keeps it. The segment outlives the process, until it is
   removed. Evaluates. Errors: a name that is none, too little shared memory. */
MLX_API int mlx_array_shared_new(mlx_array *res, const char *name, const mlx_array a);
/* The array of a name. Errors: there is none, or what is there is no whole array. Whoever may write
   to the segment is trusted not to cut it short: touching what is no longer there ends the process
   by SIGBUS. */
MLX_API int mlx_array_shared_open(mlx_array *res, const char *name);
/* Take the name away, if it is there; arrays that have the memory keep it. */
MLX_API int mlx_array_shared_remove(const char *name);

#ifdef __cplusplus
}
#endif

#endif
