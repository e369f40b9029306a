#include "graph/array/mapped.h"

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
