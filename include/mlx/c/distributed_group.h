/* Groups of processes that compute together. */
#ifndef MLX_C_DISTRIBUTED_GROUP_H
#define MLX_C_DISTRIBUTED_GROUP_H

#include <stdbool.h>

#include "mlx/c/api.h"
#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_distributed_group_ {
    void *ctx;
} mlx_distributed_group;

/* An empty handle, which stands for the group of all. */
MLX_API mlx_distributed_group mlx_distributed_group_new(void);
/* Let go of the handle. */
MLX_API int mlx_distributed_group_free(mlx_distributed_group group);
/* Is there a way to reach other processes: bk names it ("mpi", "ring" ...), NULL is any. */
MLX_API bool mlx_distributed_is_available(const char *bk);
/* The group of all processes: a group of one where there is no way and strict is false. bk may
   be NULL. Errors: strict, as no other processes can be reached; a name of bk that is not known. */
MLX_API int mlx_distributed_init(mlx_distributed_group *res, bool strict, const char *bk);
/* This process's number in the group. */
MLX_API int mlx_distributed_group_rank(mlx_distributed_group group);
/* How many processes are in the group. */
MLX_API int mlx_distributed_group_size(mlx_distributed_group group);
/* The processes with the same color, ordered by key. */
MLX_API int mlx_distributed_group_split(mlx_distributed_group *res, mlx_distributed_group group,
                                        int color, int key);

#ifdef __cplusplus
}
#endif

#endif
