/* Deferred releases: see deferred.h. A list per thread; if it cannot grow the release runs at once,
 * which is right except that the host must then not evaluate from it. */
#include "graph/array/deferred.h"

#include "base/mem.h"
#include "base/thread_local.h"

typedef struct deferred {
    struct deferred *next;
    mx_release_fn *release;
    void *payload;
} deferred;

static MX_THREAD_LOCAL deferred *waiting;
static MX_THREAD_LOCAL int depth;

void mx_deferred_begin(void) {
    depth++;
}

void mx_deferred_end(void) {
    if (--depth > 0)
        return;
    while (waiting) {
        deferred *d = waiting;
        waiting = d->next;
        d->release(d->payload);
        mx_free(d);
    }
}

void mx_deferred_release(mx_release_fn *release, void *payload) {
    deferred *d = depth > 0 ? mx_malloc(sizeof *d) : NULL;
    if (!d) {
        release(payload);
        return;
    }
    *d = (deferred){waiting, release, payload};
    waiting = d;
}
