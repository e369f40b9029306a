/* See dense.h. */
#include "cpu/memory/dense.h"

#include "base/memory/cache.h"
#include "cpu/memory/cpu_copy.h"

bool cpu_dense_open(cpu_dense *d, const mx_array *a) {
    *d = (cpu_dense){0};
    if (!a)
        return true;
    d->data = a->data;
    if (a->row_contiguous)
        return true;
    d->bytes = (size_t)a->size * mx_itemsize(a);
    d->copy = mx_block_alloc(d->bytes);
    if (!d->copy)
        return false;
    cpu_copy_dense(d->copy, a);
    d->data = d->copy;
    return true;
}

bool cpu_dense_room(cpu_dense *d, size_t bytes) {
    *d = (cpu_dense){.copy = mx_block_alloc(bytes), .bytes = bytes};
    d->data = d->copy;
    return d->copy != NULL;
}

void cpu_dense_close(cpu_dense *d) {
    if (d->copy)
        mx_block_free(d->copy, d->bytes);
    *d = (cpu_dense){0};
}
