#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/threads/lock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/thread_local.h"
#include "base/threads/pause.h"

enum { LINE = 64, HOOKS = 12, MOST_PAUSES = 128, PATIENCE_NS = 50 * 1000 * 1000 };

/* Each on a cache line of its own. */
typedef struct padded {
    _Alignas(LINE) pthread_mutex_t mutex;
} padded;

static padded locks[MX_LOCK_COUNT] = {
#define LOCK(name) {PTHREAD_MUTEX_INITIALIZER},
#include "base/threads/locks.def"
};

/* What this thread holds, a bit each: a fork from where a lock is held must not wait for itself. */
static MX_THREAD_LOCAL unsigned held;
static unsigned taken; /* by the fork that is under way, which holds them all */

static void (*_Atomic hooks[HOOKS])(void);
static atomic_int hook_count;
static void (*quiet_before)(void), (*quiet_after)(void);

/* Most are held for less time than it takes to fall asleep. */
static void lock_awake(pthread_mutex_t *m) {
    for (int pauses = 8; pauses <= MOST_PAUSES; pauses *= 2) {
        for (int i = 0; i < pauses; i++)
            mx_pause();
        if (pthread_mutex_trylock(m) == 0)
            return;
    }
    pthread_mutex_lock(m);
}

void mx_lock(mx_lock_id id) {
    if (pthread_mutex_trylock(&locks[id].mutex))
        lock_awake(&locks[id].mutex);
    held |= 1u << id;
}

bool mx_lock_try(mx_lock_id id) {
    bool got = pthread_mutex_trylock(&locks[id].mutex) == 0;
    if (got)
        held |= 1u << id;
    return got;
}

void mx_unlock(mx_lock_id id) {
    held &= ~(1u << id);
    pthread_mutex_unlock(&locks[id].mutex);
}

static struct timespec soon(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += PATIENCE_NS;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

bool mx_lock_patiently(mx_lock_id id) {
    bool got = pthread_mutex_trylock(&locks[id].mutex) == 0;
    while (!got) {
        struct timespec until = soon();
        if (mx_interrupted())
            return false;
        got = pthread_mutex_timedlock(&locks[id].mutex, &until) == 0;
    }
    held |= 1u << id;
    return true;
}

bool mx_lock_wait(mx_lock_id id, pthread_cond_t *changed) {
    struct timespec until = soon();
    pthread_cond_timedwait(changed, &locks[id].mutex, &until);
    mx_unlock(id);
    bool go_on = !mx_interrupted();
    mx_lock(id);
    return go_on;
}

pthread_mutex_t *mx_lock_mutex(mx_lock_id id) {
    return &locks[id].mutex;
}

/* --- fork ------------------------------------------------------------------------------------- */

static void before_fork(void) {
    unsigned missing = ~held;
    for (int i = 0; i < MX_LOCK_COUNT; i++) {
        if (missing >> i & 1)
            mx_lock((mx_lock_id)i);
        if (i == 0 && quiet_before)
            quiet_before();
    }
    taken = missing;
}

static void after_fork(void) {
    unsigned mine = taken;
    if (quiet_after)
        quiet_after();
    for (int i = MX_LOCK_COUNT - 1; i >= 0; i--)
        if (mine >> i & 1)
            mx_unlock((mx_lock_id)i);
}

static void in_child(void) {
    int n = atomic_load(&hook_count);
    for (int i = 0; i < n && i < HOOKS; i++) {
        void (*hook)(void) = atomic_load(&hooks[i]);
        if (hook)
            hook();
    }
    after_fork();
}

/* With the library: whoever forks first must find it done. */
__attribute__((constructor)) static void handle_forks(void) {
    pthread_atfork(before_fork, after_fork, in_child);
}

void mx_fork_quiet(void (*before)(void), void (*after)(void)) {
    quiet_before = before;
    quiet_after = after;
}

void mx_fork_child(void (*hook)(void)) {
    int at = atomic_fetch_add(&hook_count, 1);
    if (at < HOOKS)
        atomic_store(&hooks[at], hook);
}
