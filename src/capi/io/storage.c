/* storage.h: what arrays lie on, and shared memory. */
#include "base/shared.h"
#include "capi/capi.h"
#include "graph/array/mapped.h"
#include "graph/array/shared.h"
#include "ops/ops.h"

static mlx_array_place place_of(const mx_array *a) {
    const mx_buffer *b = mx_array_available(a) ? a->buffer : NULL;
    if (!b)
        return (mlx_array_place){MLX_STORAGE_NONE, false, 0, 0};
    mlx_storage_kind kind = mx_buffer_is_mapped(b)   ? MLX_STORAGE_MAPPED
                            : mx_buffer_is_shared(b) ? MLX_STORAGE_SHARED
                            : b->borrowed            ? MLX_STORAGE_BORROWED
                                                     : MLX_STORAGE_POOL;
    uint64_t offset = (uint64_t)(a->data - (const char *)b->ptr);
    bool whole = kind == MLX_STORAGE_MAPPED || kind == MLX_STORAGE_SHARED || offset == 0;
    return (mlx_array_place){kind, !whole || !a->row_contiguous, offset, b->bytes};
}

int mlx_array_storage(mlx_array_place *res, const mlx_array a) {
    mx_error_clear();
    mx_array *x = capi_in(a);
    bool ok = x && (res || mx_fail(MX_INVALID, "[array_storage] the result is NULL"));
    if (ok)
        *res = place_of(x);
    return capi_done(ok);
}

static bool has_name(const char *name) {
    return name || mx_fail(MX_INVALID, "[array_shared] the name is NULL");
}

int mlx_array_shared_new(mlx_array *res, const char *name, const mlx_array a) {
    capi_call c = capi_begin_default();
    mx_array *rows = has_name(name) ? mx_contiguous(capi_in(a), false) : NULL;
    return capi_end(&c, res, rows ? mx_shared_array_new(name, rows) : NULL);
}

int mlx_array_shared_open(mlx_array *res, const char *name) {
    capi_call c = capi_begin_default();
    return capi_end(&c, res, has_name(name) ? mx_shared_array_open(name) : NULL);
}

int mlx_array_shared_remove(const char *name) {
    mx_error_clear();
    return capi_done(has_name(name) && mx_shared_remove("array_shared_remove", name));
}
