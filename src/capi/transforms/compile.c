/* compile.h: compiled functions. */
#include "transforms/compile.h"

#include "capi/handles/closure.h"

/* Put a new closure (taken over) into the handle and end the call. */
static int end_compiled(mlx_closure *res, mx_closure *f) {
    return capi_done(f && capi_put_closure(res, f));
}

int mlx_compile(mlx_closure *res, const mlx_closure fun, bool shapeless) {
    mx_error_clear();
    mx_closure *f = capi_closure(fun);
    return end_compiled(res, f ? mx_compile(f, shapeless) : NULL);
}

int mlx_detail_compile(mlx_closure *res, const mlx_closure fun, uintptr_t fun_id, bool shapeless,
                       const uint64_t *constants, size_t constants_num) {
    mx_error_clear();
    mx_closure *f = capi_closure(fun);
    if (f && constants_num && !constants)
        f = mx_fail(MX_INVALID, "[compile] constants is NULL");
    return end_compiled(res,
                        f ? mx_compile_id(f, fun_id, shapeless, constants, constants_num) : NULL);
}

int mlx_detail_compile_clear_cache(void) {
    mx_compile_clear_cache();
    return 0;
}

int mlx_detail_compile_erase(uintptr_t fun_id) {
    mx_compile_erase(fun_id);
    return 0;
}

int mlx_disable_compile(void) {
    mx_compile_set_mode(MX_COMPILE_DISABLED);
    return 0;
}

int mlx_enable_compile(void) {
    mx_compile_set_mode(MX_COMPILE_ENABLED);
    return 0;
}

int mlx_set_compile_mode(mlx_compile_mode mode) {
    mx_error_clear();
    if ((unsigned)mode > MLX_COMPILE_MODE_ENABLED) {
        mx_fail(MX_INVALID, "[set_compile_mode] %d is not a mode", (int)mode);
        return capi_report();
    }
    mx_compile_set_mode((mx_compile_mode)mode);
    return 0;
}
