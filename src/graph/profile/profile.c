/* Running profiles: see profile.h. */
#include "graph/profile/profile.h"

#include <pthread.h>
#include <time.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/system.h"
#include "base/threads/lock.h"
#include "graph/profile/table.h"
#include "graph/watch/cost.h"
#include "graph/watch/source.h"

static mx_profile *running; /* under the lock */

/* Of the event that runs on this thread: how many are around it, the time of those inside it, and
   the place of the innermost that has one. */
static _Thread_local struct {
    int64_t inside;
    uint32_t source;
    uint8_t depth;
} frame;
static _Thread_local int32_t thread;

/* In a child of fork the thread has another number. */
static void after_fork(void) {
    thread = 0;
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- start and stop --------------------------------------------------------------------------- */

static void forget(mx_profile *p) {
    mx_ring_close(&p->ring);
    mx_table_free(p);
}

static void prepare(void) {
    mx_fork_child(after_fork);
}

bool mx_profile_start(mx_profile *p, size_t bytes) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (p->state == MX_PROFILE_RUNS)
        return mx_fail(MX_INVALID, "[profile] it runs already");
    forget(p);
    p->state = MX_PROFILE_NEW;
    bytes = bytes ? bytes : MX_PROFILE_MEMORY;
    if (!mx_ring_open(&p->ring, bytes > MX_PROFILE_LEAST ? bytes : MX_PROFILE_LEAST))
        return false;
    pthread_once(&once, prepare);
    p->state = MX_PROFILE_RUNS;
    mx_lock(MX_LOCK_PROFILE);
    p->next = running;
    p->began = now();
    running = p;
    mx_watch(MX_WATCH_EVENTS, true);
    mx_unlock(MX_LOCK_PROFILE);
    return true;
}

static void unlink_profile(mx_profile *p) {
    mx_lock(MX_LOCK_PROFILE);
    mx_profile **at = &running;
    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
    if (!running)
        mx_watch(MX_WATCH_EVENTS, false);
    p->ended = now();
    mx_unlock(MX_LOCK_PROFILE);
}

bool mx_profile_halt(mx_profile *p) {
    if (p->state != MX_PROFILE_RUNS)
        return mx_fail(MX_INVALID, "[profile] it does not run: start it first");
    unlink_profile(p);
    p->state = MX_PROFILE_DONE;
    return true;
}

bool mx_profile_stop(mx_profile *p) {
    if (!mx_profile_halt(p))
        return false;
    if (mx_table_make(p))
        return true;
    mx_profile_clear(p);
    return false;
}

void mx_profile_clear(mx_profile *p) {
    if (p->state == MX_PROFILE_RUNS)
        unlink_profile(p);
    forget(p);
    p->state = MX_PROFILE_NEW;
}

bool mx_profile_done(const mx_profile *p) {
    return p->state == MX_PROFILE_DONE ||
           mx_fail(MX_INVALID, p->state == MX_PROFILE_RUNS
                                   ? "[profile] it still runs: stop it before it is read"
                                   : "[profile] there is nothing in it: it has not run");
}

/* --- events ----------------------------------------------------------------------------------- */

static int32_t thread_number(void) {
    return thread ? thread : (thread = mx_thread_number());
}

/* While the event runs its fields keep those of the frame around it. */
void mx_profile_begin(mx_event_room *room, const mx_task *t) {
    mx_event *e = mx_event_describe(room, t);
    uint32_t around = frame.source;
    e->source = e->source ? e->source : around;
    frame.source = e->source;
    room->around = around;
    e->self = frame.inside;
    e->depth = frame.depth++;
    frame.inside = 0;
    e->start = now();
}

void mx_profile_end(mx_event_room *room, const mx_task *t, bool ok) {
    mx_event *e = (mx_event *)room->bytes;
    e->duration = now() - e->start;
    int64_t outer = e->self;
    e->self = e->duration - frame.inside;
    frame.inside = outer + e->duration;
    frame.depth--;
    frame.source = room->around;
    e->failed = !ok;
    e->written = ok ? mx_task_written(t) : 0;
    e->read = mx_task_moves(t, e->written) ? e->read : 0;
    e->active = mx_mem_active();
    e->thread = thread_number();
    mx_lock(MX_LOCK_PROFILE);
    for (mx_profile *p = running; p; p = p->next)
        mx_ring_put(&p->ring, e, e->size);
    mx_unlock(MX_LOCK_PROFILE);
}
