/* Buffers: see buffer.h. */
#include "graph/array/buffer.h"

#include "base/memory/cache.h"
#include "base/mem.h"
#include "graph/array/deferred.h"

static mx_buffer *buffer_make(void *ptr, size_t bytes, bool borrowed) {
    mx_buffer *b = mx_malloc(sizeof *b);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    b->borrowed = borrowed;
    atomic_init(&b->shown, false);
    atomic_init(&b->forms.first, NULL);
    b->ptr = ptr;
    b->bytes = bytes;
    b->release = NULL;
    b->payload = NULL;
    return b;
}

mx_buffer *mx_buffer_new(size_t bytes) {
    void *ptr = mx_block_alloc(bytes);
    mx_buffer *b = ptr ? buffer_make(ptr, bytes, false) : NULL;
    if (!b && ptr)
        mx_block_free(ptr, bytes);
    return b;
}

mx_buffer *mx_buffer_borrow(void *ptr, size_t bytes, mx_release_fn *release, void *payload) {
    mx_buffer *b = buffer_make(ptr, bytes, true);
    if (b) {
        b->release = release;
        b->payload = payload;
    }
    return b;
}

mx_buffer *mx_buffer_retain(mx_buffer *b) {
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

mx_forms *mx_buffer_forms(mx_buffer *b) {
    bool may_change = b->borrowed || atomic_load_explicit(&b->shown, memory_order_relaxed);
    return may_change ? NULL : &b->forms;
}

void mx_buffer_rewrite(mx_buffer *b) {
    mx_forms_drop(&b->forms);
    atomic_store_explicit(&b->shown, false, memory_order_relaxed);
}

void mx_buffer_release(mx_buffer *b) {
    if (!b || (atomic_load_explicit(&b->refs, memory_order_acquire) != 1 &&
               atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1))
        return;
    mx_forms_drop(&b->forms);
    if (!b->borrowed)
        mx_block_free(b->ptr, b->bytes);
    else if (b->release)
        mx_deferred_release(b->release, b->payload);
    mx_free(b);
}
