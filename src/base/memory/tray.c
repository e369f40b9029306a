#include "base/memory/tray.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/thread_local.h"
#include "base/threads/lock.h"
#include "base/threads/pause.h"

enum { LINE = 64 };

typedef struct block {
    struct block *next;
} block;

/* The flag is held for some instructions, nearly always by the owner. */
typedef struct tray {
    _Alignas(LINE) atomic_flag busy;
    size_t bytes, least; /* least: after something was taken, since they were last asked for */
    bool taken;          /* something, since then */
    block *free[MX_TRAY_CLASSES];
    const mx_tray_home *home;
    struct tray *next, **link; /* all trays, under the cache's lock */
} tray;

static tray *all;
static atomic_size_t limit;
static MX_THREAD_LOCAL tray *own;
static pthread_key_t key;
static bool key_made;

static void enter(tray *t) {
    while (atomic_flag_test_and_set_explicit(&t->busy, memory_order_acquire))
        mx_pause();
}

static void leave(tray *t) {
    atomic_flag_clear_explicit(&t->busy, memory_order_release);
}

/* --- the owner -------------------------------------------------------------------------------- */

static void *pop(tray *t, int c) {
    block *b = t->free[c];
    if (b)
        t->free[c] = b->next;
    return b;
}

static void note_taken(tray *t, size_t size) {
    t->bytes -= size;
    t->least = t->taken && t->least < t->bytes ? t->least : t->bytes;
    t->taken = true;
}

void *mx_tray_take(int c, size_t size) {
    tray *t = own;
    if (!t || c >= MX_TRAY_CLASSES)
        return NULL;
    enter(t);
    void *p = pop(t, c);
    if (p)
        note_taken(t, size);
    leave(t);
    return p;
}

static bool put(tray *t, int c, block *b, size_t size) {
    size_t most = atomic_load_explicit(&limit, memory_order_relaxed);
    if (most < size || t->bytes > most - size)
        return false;
    b->next = t->free[c];
    t->free[c] = b;
    t->bytes += size;
    return true;
}

static tray *own_tray(const mx_tray_home *home) {
    tray *t = key_made ? aligned_alloc(LINE, sizeof *t) : NULL;
    if (!t)
        return NULL;
    *t = (tray){.busy = ATOMIC_FLAG_INIT, .home = home};
    if (pthread_setspecific(key, t)) {
        free(t);
        return NULL;
    }
    mx_lock(MX_LOCK_CACHE);
    t->next = all;
    t->link = &all;
    if (all)
        all->link = &t->next;
    all = t;
    mx_unlock(MX_LOCK_CACHE);
    return own = t;
}

bool mx_tray_put(int c, void *p, size_t size, const mx_tray_home *home) {
    if (c >= MX_TRAY_CLASSES || !atomic_load_explicit(&limit, memory_order_relaxed))
        return false;
    tray *t = own ? own : own_tray(home);
    if (!t)
        return false;
    enter(t);
    bool ok = put(t, c, p, size);
    leave(t);
    return ok;
}

/* --- all of them; the cache's lock is held ---------------------------------------------------- */

size_t mx_trays_bytes(size_t *least) {
    size_t sum = 0, low = 0;
    bool taken = false;
    for (tray *t = all; t; t = t->next) {
        enter(t);
        sum += t->bytes;
        low += t->least;
        taken |= t->taken;
        t->least = t->bytes;
        t->taken = false;
        leave(t);
    }
    *least = taken ? low : MX_TRAYS_NONE;
    return sum;
}

/* After what was in use has been noted. */
static void empty(tray *t) {
    for (int c = 0; c < MX_TRAY_CLASSES; c++)
        for (void *p; (p = pop(t, c));)
            t->home->take(c, p);
    t->bytes = t->least = 0;
}

void mx_trays_empty(const mx_tray_home *home) {
    home->note();
    for (tray *t = all; t; t = t->next) {
        enter(t);
        empty(t);
        leave(t);
    }
}

void mx_trays_limit(size_t bytes) {
    atomic_store(&limit, bytes);
}

/* --- threads that end, and a fork's child ----------------------------------------------------- */

static void drop(tray *t) {
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
}

static void at_thread_end(void *arg) {
    tray *t = arg;
    own = NULL;
    mx_lock(MX_LOCK_CACHE);
    t->home->note();
    drop(t);
    empty(t);
    mx_unlock(MX_LOCK_CACHE);
    free(t);
}

/* The threads of other trays are no more. One that was at its tray has left it in an unknown state:
   what lies there is lost. */
static void in_child(void) {
    for (tray *t = all, *next; t; t = next) {
        next = t->next;
        if (t == own)
            continue;
        drop(t);
        if (!atomic_flag_test_and_set(&t->busy)) {
            empty(t);
            free(t);
        }
    }
}

__attribute__((constructor)) static void prepare(void) {
    key_made = pthread_key_create(&key, at_thread_end) == 0;
    mx_fork_child(in_child);
}
