/* Scratch of the sorting kernels: two buffers of keys with indices, indices, and room for
 * buckets. */
#include "base/mem.h"
#include "kernels/sort/k_sort.h"

size_t mx_sort_scratch(mx_dtype t, size_t n) {
    size_t each = mx_dtype_size(t) == 8 ? 2 * 16 + 4 : 2 * 8 + 4, bytes;
    size_t room = n < MX_SORT_BUCKETS_WIDE ? 0 : MX_SORT_BUCKET_ROOM;
    if (!mx_mul_size(n, each, &bytes) || !mx_add_size(bytes, room + 64, &bytes))
        return 0;
    return bytes;
}
