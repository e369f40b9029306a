/* Scratch of the sorting kernels: two buffers of keys with indices, and indices. */
#include "base/mem.h"
#include "kernels/sort/k_sort.h"

size_t mx_sort_scratch(mx_dtype t, size_t n) {
    size_t each = mx_dtype_size(t) == 8 ? 2 * 16 + 4 : 2 * 8, bytes;
    if (!mx_mul_size(n, each, &bytes) || !mx_add_size(bytes, 64, &bytes))
        return 0;
    return bytes;
}
