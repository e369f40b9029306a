/* Compiled functions: traced once, simplified, and run without calling the function again.
 */
#ifndef MLX_C_COMPILE_H
#define MLX_C_COMPILE_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlx_compile_mode_ {
    MLX_COMPILE_MODE_DISABLED = 0,
    MLX_COMPILE_MODE_NO_SIMPLIFY = 1,
    MLX_COMPILE_MODE_NO_FUSE = 2,
    MLX_COMPILE_MODE_ENABLED = 3
} mlx_compile_mode;

/* The compiled form of fun: traced at the first call for its arguments' dtypes and
   shapes, then run without a call of fun. shapeless: a trace serves other sizes, too,
   and what cannot be right for them is refused. Errors of fun come from the call. */
MLX_API int mlx_compile(mlx_closure *res, const mlx_closure fun, bool shapeless);
/* Compile in all of the process, as at the start. */
MLX_API int mlx_enable_compile(void);
/* From now on compiled functions are called as they are, in all of the process. */
MLX_API int mlx_disable_compile(void);
/* How much compiling does. Errors: no such mode. */
MLX_API int mlx_set_compile_mode(mlx_compile_mode mode);

/* For bindings: the same with a cache entry of fun's identity and the constants that
   fun depends on. */
MLX_API int mlx_detail_compile(mlx_closure *res, const mlx_closure fun, uintptr_t fun_id,
                               bool shapeless, const uint64_t *constants, size_t constants_num);
/* Forget what was traced for a fun_id. */
MLX_API int mlx_detail_compile_erase(uintptr_t fun_id);
/* Forget all that was traced. */
MLX_API int mlx_detail_compile_clear_cache(void);

#ifdef __cplusplus
}
#endif

#endif
