/* Memory counters and limits: bytes of the caching allocator (base/memory/cache.h). */
#include <stdlib.h>

#include "base/memory/cache.h"
#include "base/mem.h"
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

int mlx_get_memory_hard_limit(size_t *res) {
    return give(res, mx_mem_hard_limit());
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

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)*(mx_buffer *const *)a, y = (uintptr_t)*(mx_buffer *const *)b;
    return (x > y) - (x < y);
}

/* Each buffer once. */
static size_t total_bytes(mx_buffer **buffers, size_t n) {
    size_t sum = 0;
    qsort(buffers, n, sizeof *buffers, by_address);
    for (size_t i = 0; i < n; i++)
        if (buffers[i] && (!i || buffers[i] != buffers[i - 1]))
            sum += buffers[i]->bytes;
    return sum;
}

static bool all_available(mx_array *const *a, int n) {
    for (int i = 0; i < n; i++)
        if (!mx_array_available(a[i]))
            return mx_fail(
                MX_INVALID,
                "[get_array_buffer_size] Arrays must be evaluated before querying buffer size.");
    return true;
}

int mlx_get_array_buffer_size(size_t *res, const mlx_vector_array arrays) {
    int n = 0;
    mx_error_clear();
    mx_array *const *a = capi_arrays(arrays, &n);
    bool ok = !mx_failed() && (res || mx_fail(MX_INVALID, "[memory] the result is NULL")) &&
              all_available(a, n);
    mx_buffer **buffers = ok ? mx_malloc(((size_t)n + 1) * sizeof *buffers) : NULL;
    for (int i = 0; buffers && i < n; i++)
        buffers[i] = a[i]->buffer;
    if (buffers)
        *res = total_bytes(buffers, (size_t)n);
    mx_free(buffers);
    return capi_done(buffers != NULL);
}

int mlx_set_memory_hard_limit(size_t *res, size_t limit) {
    return give(res, mx_mem_set_hard_limit(limit));
}

/* Wired memory is a notion of other systems: the limit is kept and has no effect here. */
int mlx_set_wired_limit(size_t *res, size_t limit) {
    static _Atomic size_t wired;
    size_t old = wired;
    wired = limit;
    return give(res, old);
}
