/* See forms.h. A form is found in its memory's list without a lock: it is put there once, whole but
 * for its block, and leaves with the list. Its block comes and goes under the lock; whoever reads
 * it is counted, and who takes it away makes the count negative before, so that later readers find
 * none. */
#include "base/memory/forms.h"

#include <limits.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/threads/lock.h"

enum {
    USES = 3,   /* until it is kept: a step of training uses weights twice, then changes them */
    MOST = 16,  /* of one memory */
    ROUNDS = 4, /* of all others that one may miss */
    AWAY = INT_MIN / 2
};

struct mx_form {
    mx_form *next; /* of the same memory */
    mx_form_key key;
    mx_form *before, *after; /* of all that have blocks; guarded by the lock, as is bytes */
    size_t bytes;
    _Atomic(void *) data; /* the block */
    atomic_int readers;
    atomic_uint uses;
    atomic_ullong when; /* the tick at which it was last read */
};

static struct {
    mx_form *first;
    size_t bytes; /* of their blocks, as the cache counts them */
    unsigned count;
} kept;

static atomic_ullong ticks; /* one for every form that is read */

static void touch(mx_form *f) {
    unsigned long long now = atomic_fetch_add_explicit(&ticks, 1, memory_order_relaxed);
    atomic_store_explicit(&f->when, now, memory_order_relaxed);
}

static unsigned long long age(const mx_form *f) {
    return atomic_load_explicit(&ticks, memory_order_relaxed) -
           atomic_load_explicit(&f->when, memory_order_relaxed);
}

/* --- blocks that come and go; the lock is held ------------------------------------------------ */

static void link_form(mx_form *f) {
    f->before = NULL;
    f->after = kept.first;
    if (kept.first)
        kept.first->before = f;
    kept.first = f;
    kept.bytes += mx_block_size(f->bytes);
    kept.count++;
}

static void unlink_form(mx_form *f) {
    *(f->before ? &f->before->after : &kept.first) = f->after;
    if (f->after)
        f->after->before = f->before;
    kept.bytes -= mx_block_size(f->bytes);
    kept.count--;
}

/* A block on the way back to the cache. */
typedef struct leaving {
    struct leaving *next;
    size_t bytes;
} leaving;

/* Its block, if nobody reads it, goes onto the list. */
static bool withdraw(mx_form *f, leaving **list) {
    int none = 0;
    if (!atomic_compare_exchange_strong(&f->readers, &none, AWAY))
        return false;
    leaving *block = atomic_exchange(&f->data, NULL);
    *block = (leaving){*list, f->bytes};
    *list = block;
    atomic_store(&f->uses, 0);
    unlink_form(f);
    atomic_fetch_sub(&f->readers, AWAY);
    return true;
}

/* The one that was not read for longest, of those not read now. */
static mx_form *oldest(void) {
    mx_form *found = NULL;
    for (mx_form *f = kept.first; f; f = f->after)
        if (!atomic_load(&f->readers) && (!found || age(f) > age(found)))
            found = f;
    return found;
}

static void free_blocks(leaving *list) {
    while (list) {
        leaving *next = list->next;
        size_t bytes = list->bytes;
        mx_block_unspare(bytes);
        mx_block_free(list, bytes);
        list = next;
    }
}

/* --- room, without the lock ------------------------------------------------------------------- */

/* Called by the cache where memory is short. */
static void yield(size_t keep) {
    leaving *list = NULL;
    mx_lock(MX_LOCK_FORMS);
    for (mx_form *f = kept.first, *next; f && kept.bytes > keep; f = next) {
        next = f->after;
        withdraw(f, &list);
    }
    mx_unlock(MX_LOCK_FORMS);
    free_blocks(list);
}

static bool forget_one(void) {
    leaving *list = NULL;
    mx_lock(MX_LOCK_FORMS);
    mx_form *f = oldest();
    bool gone = f && age(f) > (unsigned long long)ROUNDS * kept.count && withdraw(f, &list);
    mx_unlock(MX_LOCK_FORMS);
    free_blocks(list);
    return gone;
}

static bool has_room(size_t bytes) {
    while (!mx_block_may_spare(bytes))
        if (!forget_one())
            return false;
    return true;
}

/* --- the forms of one memory ------------------------------------------------------------------ */

static mx_form *find(mx_forms *of, const mx_form_key *key, int *count) {
    mx_form *f = atomic_load_explicit(&of->first, memory_order_acquire);
    for (*count = 0; f && memcmp(&f->key, key, sizeof *key) != 0; f = f->next)
        ++*count;
    return f;
}

/* Another thread may have been first. */
static mx_form *add(mx_forms *of, mx_form *new) {
    int count;
    mx_lock(MX_LOCK_FORMS);
    mx_form *f = find(of, &new->key, &count);
    if (!f) {
        new->next = atomic_load(&of->first);
        atomic_store_explicit(&of->first, new, memory_order_release);
    }
    mx_unlock(MX_LOCK_FORMS);
    if (f)
        mx_free(new);
    return f ? f : new;
}

/* *form: NULL where there are too many. False: out of memory. */
static bool find_or_add(mx_forms *of, const mx_form_key *key, mx_form **form) {
    int count;
    *form = find(of, key, &count);
    if (*form || count >= MOST)
        return true;
    mx_form *new = mx_calloc(1, sizeof *new);
    if (new) {
        new->key = *key;
        *form = add(of, new);
    }
    return new != NULL;
}

/* --- reading and making ----------------------------------------------------------------------- */

static void let_go(mx_form *f) {
    atomic_fetch_sub_explicit(&f->readers, 1, memory_order_release);
}

/* Its block, which stays until it is let go; NULL: there is none. */
static void *hold(mx_form *f) {
    bool stays = atomic_fetch_add_explicit(&f->readers, 1, memory_order_acquire) >= 0;
    void *data = stays ? atomic_load_explicit(&f->data, memory_order_acquire) : NULL;
    if (data)
        touch(f);
    else
        let_go(f);
    return data;
}

static bool is_worth_keeping(mx_form *f, size_t bytes) {
    return atomic_fetch_add_explicit(&f->uses, 1, memory_order_relaxed) + 1 >= USES &&
           has_room(bytes);
}

bool mx_form_open(mx_form_use *u, mx_forms *of, const mx_form_key *key, size_t bytes, bool always) {
    mx_form *f = NULL;
    *u = (mx_form_use){.bytes = bytes < sizeof(leaving) ? sizeof(leaving) : bytes};
    if (of && !find_or_add(of, key, &f))
        return false;
    u->data = f ? hold(f) : NULL;
    u->ready = u->data != NULL;
    u->form = f && (u->ready || is_worth_keeping(f, u->bytes)) ? f : NULL;
    if (u->ready || (!u->form && !always))
        return true;
    u->data = mx_block_alloc(u->bytes);
    return u->data != NULL;
}

/* Keeps what was made, unless another thread's was kept meanwhile, or there is no room any more. */
static bool keep(const mx_form_use *u) {
    mx_form *f = u->form;
    if (!mx_block_spare(u->bytes, yield))
        return false;
    mx_lock(MX_LOCK_FORMS);
    bool first = !atomic_load(&f->data);
    if (first) {
        f->bytes = u->bytes;
        touch(f);
        link_form(f);
        atomic_store_explicit(&f->data, u->data, memory_order_release);
    }
    mx_unlock(MX_LOCK_FORMS);
    if (!first)
        mx_block_unspare(u->bytes);
    return first;
}

void mx_form_close(mx_form_use *u, bool made) {
    if (u->ready)
        let_go(u->form);
    else if (u->data && !(made && u->form && keep(u)))
        mx_block_free(u->data, u->bytes);
}

size_t mx_forms_bytes(mx_forms *of) {
    size_t bytes = 0;
    mx_lock(MX_LOCK_FORMS);
    for (mx_form *f = atomic_load(&of->first); f; f = f->next)
        bytes += atomic_load(&f->data) ? mx_block_size(f->bytes) : 0;
    mx_unlock(MX_LOCK_FORMS);
    return bytes;
}

/* --- the end ---------------------------------------------------------------------------------- */

void mx_forms_drop_all(mx_forms *of) {
    leaving *list = NULL;
    mx_lock(MX_LOCK_FORMS);
    for (mx_form *f = atomic_exchange(&of->first, NULL), *next; f; f = next) {
        next = f->next;
        if (atomic_load(&f->data))
            withdraw(f, &list);
        mx_free(f);
    }
    mx_unlock(MX_LOCK_FORMS);
    free_blocks(list);
}
