/* Memory that arrays lie in: a block of the caching allocator, or borrowed (a mapped file, a NumPy
 * array, DLPack) with its own release. Reference-counted; several views share one buffer. */
#ifndef MX_GRAPH_BUFFER_H
#define MX_GRAPH_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/memory/forms.h"

typedef void mx_release_fn(void *payload);

typedef struct mx_buffer {
    atomic_uint refs;
    bool borrowed;     /* never written to, never donated */
    atomic_bool shown; /* the host has its address and may write there when it likes */
    void *ptr;
    size_t bytes;
    mx_release_fn *release; /* borrowed: called once when the last reference goes; may be NULL */
    void *payload;
    mx_forms forms;
} mx_buffer;

mx_buffer *mx_buffer_new(size_t bytes); /* one reference; NULL and MX_NOMEM on failure */
/* On failure (NULL) release is not called: the caller keeps what it lent. */
mx_buffer *mx_buffer_borrow(void *ptr, size_t bytes, mx_release_fn *release, void *payload);
mx_buffer *mx_buffer_retain(mx_buffer *b);
/* The forms of what lies there; NULL where none are kept, as the host may change it. */
mx_forms *mx_buffer_forms(mx_buffer *b);
/* Its one owner is about to write something else there. */
void mx_buffer_rewrite(mx_buffer *b);
/* While an evaluation runs on this thread, releases of borrowed memory wait until its lock is
   open. */
void mx_buffer_release(mx_buffer *b);

#endif
