/* Memory counters and limits: bytes of the caching allocator (base/cache.h). */
#include "base/cache.h"
#include "capi/capi.h"

static int give(size_t *res, size_t value) {
    mx_error_clear();
    if (res) {
        *res = value;
        return 0;
    }
    mx_fail(MX_INVALID, "[memory] the result is NULL");
    return capi_report();
}

int mlx_clear_cache(void) {
    mx_mem_cache_clear();
    return 0;
}

int mlx_get_active_memory(size_t *res) {
    return give(res, mx_mem_active());
}

int mlx_get_cache_memory(size_t *res) {
    return give(res, mx_mem_cached());
}

int mlx_get_memory_limit(size_t *res) {
    return give(res, mx_mem_limit());
}

int mlx_get_peak_memory(size_t *res) {
    return give(res, mx_mem_peak());
}

int mlx_reset_peak_memory(void) {
    mx_mem_peak_reset();
    return 0;
}

int mlx_set_cache_limit(size_t *res, size_t limit) {
    return give(res, mx_mem_set_cache_limit(limit));
}

int mlx_set_memory_limit(size_t *res, size_t limit) {
    return give(res, mx_mem_set_limit(limit));
}

/* Wired memory is a notion of other systems: the limit is kept and has no effect here. */
int mlx_set_wired_limit(size_t *res, size_t limit) {
    static _Atomic size_t wired;
    size_t old = wired;
    wired = limit;
    return give(res, old);
}
