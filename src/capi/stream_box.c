/* Boxes of streams: see stream_box.h. No lock is taken, so that a forked child finds none held. */
#include "capi/stream_box.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "capi/capi.h"

enum { FREE = 0, LIVING = 0x6d6c7873, PER_BLOCK = 64 };

typedef struct box {
    mx_stream stream; /* first: a handle points to it */
    atomic_int state;
} box;

typedef struct block {
    struct block *next;
    box of[PER_BLOCK];
} block;

static _Atomic(block *) newest;  /* blocks stay for good */
static _Atomic(box *) last_free; /* where to look first */

static bool take(box *b) {
    int is = FREE;
    return b && atomic_compare_exchange_strong(&b->state, &is, LIVING);
}

static box *find(block *k) {
    for (int i = 0; k && i < PER_BLOCK; i++)
        if (take(&k->of[i]))
            return &k->of[i];
    return NULL;
}

/* Outside of what leak checks count: blocks are not given back. */
static box *in_new_block(void) {
    block *k = mx_alloc_allowed() ? calloc(1, sizeof *k) : NULL;
    if (!k)
        return mx_fail_nomem("stream", sizeof *k);
    atomic_store(&k->of[0].state, LIVING);
    k->next = atomic_load(&newest);
    while (!atomic_compare_exchange_weak(&newest, &k->next, k)) {
    }
    return &k->of[0];
}

mx_stream *capi_stream_box(mx_stream s) {
    box *b = atomic_load(&last_free);
    if (!take(b) && !(b = find(atomic_load(&newest))) && !(b = in_new_block()))
        return NULL;
    b->stream = s;
    return &b->stream;
}

static box *box_of(void *ctx) {
    box *b = capi_object(ctx, "stream");
    if (b && atomic_load_explicit(&b->state, memory_order_relaxed) != LIVING)
        return mx_fail(MX_INVALID, "[stream] the handle is no stream, or was freed before");
    return b;
}

mx_stream *capi_stream_of(void *ctx) {
    box *b = box_of(ctx);
    return b ? &b->stream : NULL;
}

bool capi_stream_free(void *ctx) {
    box *b = box_of(ctx);
    int is = LIVING;
    if (!b || !atomic_compare_exchange_strong(&b->state, &is, FREE))
        return b && mx_fail(MX_INVALID, "[stream] the handle was freed before");
    atomic_store(&last_free, b);
    return true;
}

bool capi_stream(mlx_stream s, mx_stream *out) {
    mx_stream *in = s.ctx ? capi_stream_of(s.ctx) : NULL;
    if (in)
        *out = *in;
    return in != NULL;
}
