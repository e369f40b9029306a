/* distributed_group.h */
#ifndef MLX_C_DISTRIBUTED_GROUP_H
#define MLX_C_DISTRIBUTED_GROUP_H

#include <stdbool.h>

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_distributed_group_ {
    void *ctx;
} mlx_distributed_group;

MLX_API mlx_distributed_group mlx_distributed_group_new(void);
MLX_API int mlx_distributed_group_free(mlx_distributed_group group);
MLX_API int mlx_distributed_init(mlx_distributed_group *res, bool strict, const char *bk);
MLX_API int mlx_distributed_group_rank(mlx_distributed_group group);
MLX_API int mlx_distributed_group_size(mlx_distributed_group group);
MLX_API int mlx_distributed_group_split(mlx_distributed_group *res, mlx_distributed_group group,
                                        int color, int key);
MLX_API bool mlx_distributed_is_available(const char *bk);

#ifdef __cplusplus
}
#endif

#endif
