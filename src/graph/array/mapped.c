#include "graph/array/mapped.h"

#include "base/guard.h"
#include "base/mem.h"

static void unmap(void *mapped) {
    mx_file_unmap(mapped);
    mx_free(mapped);
}

mx_buffer *mx_buffer_over_mapping(mx_mapped *m) {
    mx_mapped *own = mx_malloc(sizeof *own);
    if (!own) {
        mx_file_unmap(m);
        return NULL;
    }
    *own = *m;
    mx_buffer *b = mx_buffer_borrow((void *)(uintptr_t)own->data, own->size, unmap, own);
    if (!b)
        unmap(own);
    return b;
}

static bool is_of(const mx_buffer *b, bool shared) {
    return b->release == unmap && ((const mx_mapped *)b->payload)->shared == shared;
}
bool mx_buffer_is_mapped(const mx_buffer *b) {
    return is_of(b, false);
}
bool mx_buffer_is_shared(const mx_buffer *b) {
    return is_of(b, true);
}

/* --- files that were cut short ---------------------------------------------------------------- */

/* The first and the last byte that it has: a file loses its end. */
static void touch(const mx_array *a) {
    const volatile char *first = a->data, *last = a->data + mx_itemsize(a) - 1;
    for (int i = 0; i < a->ndim; i++) {
        int64_t step = a->strides[i] * (a->shape[i] - 1) * (int64_t)mx_itemsize(a);
        *(step < 0 ? &first : &last) += step;
    }
    (void)*first, (void)*last;
}

mx_mapped *mx_mapped_of(const mx_array *a) {
    const mx_buffer *b = a->buffer;
    return b && b->borrowed && mx_buffer_is_mapped(b) ? b->payload : NULL;
}

bool mx_mapped_check(const mx_array *a) {
    const mx_mapped *m = mx_mapped_of(a);
    if (m && a->size && !a->beyond)
        touch(a);
    return !m || mx_guard_check("eval", m->guard);
}
