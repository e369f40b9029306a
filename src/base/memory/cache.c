#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/memory/cache.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/machine/cpuinfo.h"
#include "base/guard.h"
#include "base/threads/lock.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/memory/tray.h"

/* Size classes: every multiple of 64 up to 512 bytes, then eight to the octave (at most 1/8 is
 * lost).
 *
 *     class    0   1 ..  7    8   9 ..  15    16   17
 *     bytes   64 128 .. 512  576 640 .. 1024 1152 1280 ..
 *
 * A free block's first word links to the next one of its class. One lock guards all; it is
 * held for a few instructions, never while the system is asked for memory or given it back.
 * Small blocks lie on their thread's tray first (tray.h): those are counted as in use here, and
 * taken off where somebody asks.
 */
#define LINE    64
#define CLASSES 352
/* More than any machine maps; the last class holds it. */
#define LARGEST ((size_t)((int64_t)PTRDIFF_MAX >> 32 ? INT64_C(1) << 52 : INT64_C(1) << 31))
#define MAP_FROM \
    ((size_t)1 << 20) /* blocks of this size are mapped, smaller ones come from malloc */
#define HUGE_PAGE  ((size_t)2 << 20) /* blocks of this size are aligned for huge pages */
#define PAGE       ((size_t)4096)
#define TRAY_BYTES ((size_t)64 << 10)
#define TRAY_FROM  ((size_t)64 << 20) /* below such a limit every byte counts: no trays */

typedef struct block {
    struct block *next;
    size_t size; /* used on the way back to the system only */
} block;

typedef struct class {
    block *free;
    uint64_t used; /* when the class last gave or took a block */
} class;

static struct {
    bool ready;
    uint64_t clock;
    size_t active, cached, peak; /* active: blocks in use, spare ones, and those on trays */
    size_t spare;
    size_t mapped; /* bytes of mapped files */
    size_t limit, hard_limit, cache_limit, physical;
    class classes[CLASSES];
} cache;

/* ---- size classes ---- */

static int class_of(size_t bytes) {
    if (bytes <= 8 * LINE)
        return bytes ? (int)((bytes - 1) / LINE) : 0;
    int octave = 63 - __builtin_clzll(bytes - 1); /* 9 for 513 .. 1024 */
    return (octave - 8) * 8 + (int)(((bytes - 1) >> (octave - 3)) & 7);
}

static size_t class_size(int c) {
    if (c < 8)
        return (size_t)(c + 1) * LINE;
    return (size_t)(8 + (c & 7) + 1) << (c / 8 + 5);
}

size_t mx_block_size(size_t bytes) {
    return class_size(class_of(bytes));
}

/* ---- the system ---- */

static bool is_mapped(size_t size) {
    return size >= MAP_FROM;
}

/* The length of a mapping: the block and a page to read past its end. */
static size_t map_length(size_t size) {
    return (size + 2 * PAGE - 1) & ~(PAGE - 1);
}

static void *map_block(size_t size) {
    size_t length = map_length(size), align = size >= HUGE_PAGE ? HUGE_PAGE : 0;
    char *p =
        mmap(NULL, length + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (!align)
        return p;
    size_t before = (align - (uintptr_t)p % align) % align;
    if (before)
        munmap(p, before);
    if (align - before)
        munmap(p + before + length, align - before);
    madvise(p + before, length, MADV_HUGEPAGE);
    return p + before;
}

static void *system_alloc(size_t size) {
    return is_mapped(size) ? map_block(size) : aligned_alloc(LINE, size + LINE);
}

static void system_free(void *p, size_t size) {
    if (is_mapped(size))
        munmap(p, map_length(size));
    else
        free(p);
}

static void system_free_list(block *b) {
    while (b) {
        block *next = b->next;
        system_free(b, b->size);
        b = next;
    }
}

/* ---- the lock ---- */

static void lock_cache(void) {
    mx_lock(MX_LOCK_CACHE);
}

static void unlock_cache(void) {
    mx_unlock(MX_LOCK_CACHE);
}

#if defined(MX_TORTURE) || defined(__SANITIZE_ADDRESS__)
#define CACHE_SHARE 0 /* every block comes from the system, so that a late use of it is seen */
#else
#define CACHE_SHARE 1
#endif

static void limit_trays(void) {
    bool enough =
        cache.cache_limit >= TRAY_FROM && cache.limit >= TRAY_FROM && cache.hard_limit >= TRAY_FROM;
    mx_trays_limit(enough ? TRAY_BYTES : 0);
}

/* Defaults, before the first use: a quarter of the memory may be cached, above four fifths of it
   nothing is, and what is asked for beyond one and a half times of it is refused: that much the
   system cannot give. */
static void set_up(void) {
    if (cache.ready)
        return;
    cache.ready = true;
    cache.physical = mx_cpuinfo_get()->memory;
    cache.limit = cache.physical / 5 * 4;
    cache.hard_limit = cache.physical / 2 * 3;
    cache.cache_limit = cache.physical / 4 * CACHE_SHARE;
    limit_trays();
}

static void enter(void) {
    lock_cache();
    if (!cache.ready)
        set_up();
}

/* ---- free blocks; the lock is held ---- */

static void *pop(int c) {
    block *b = cache.classes[c].free;
    if (!b)
        return NULL;
    cache.classes[c].free = b->next;
    cache.classes[c].used = ++cache.clock;
    cache.cached -= class_size(c);
    return b;
}

static void push(int c, block *b) {
    b->next = cache.classes[c].free;
    cache.classes[c].free = b;
    cache.classes[c].used = ++cache.clock;
    cache.cached += class_size(c);
}

static int oldest_class(void) {
    int oldest = -1;
    for (int c = 0; c < CLASSES; c++)
        if (cache.classes[c].free &&
            (oldest < 0 || cache.classes[c].used < cache.classes[oldest].used))
            oldest = c;
    return oldest;
}

/* Takes blocks out, those of the class longest unused first, until at most `keep` bytes are
   cached. */
static block *evict(size_t keep) {
    block *out = NULL;
    while (cache.cached > keep) {
        int c = oldest_class();
        block *b = cache.classes[c].free;
        cache.classes[c].free = b->next;
        cache.cached -= class_size(c);
        *b = (block){out, class_size(c)};
        out = b;
    }
    return out;
}

static void take_from_tray(int c, void *p) {
    cache.active -= class_size(c);
    push(c, p);
}

/* ---- what is in use; the lock is held ---- */

static void note_peak(size_t used) {
    if (used + cache.mapped > cache.peak)
        cache.peak = used + cache.mapped;
}

/* Asked before `active` changes, so that the peak since then is known. */
static size_t in_use(void) {
    size_t least, on_trays = mx_trays_bytes(&least), taken = cache.active - cache.spare;
    if (least != MX_TRAYS_NONE)
        note_peak(taken - least);
    return taken - on_trays;
}

static void note_use(void) {
    in_use();
}

static const mx_tray_home home = {note_use, take_from_tray};

/* What may be cached beside so many bytes in use: the cache's limit, and less when arrays come near
   the limit on all. */
static size_t cache_room(size_t used) {
    size_t left = used < cache.limit ? cache.limit - used : 0;
    return left < cache.cache_limit ? left : cache.cache_limit;
}

/* Of such room, what is there for free blocks. */
static size_t beside_spare(size_t room) {
    return room > cache.spare ? room - cache.spare : 0;
}

/* ---- spare blocks ---- */

static _Atomic(mx_block_yield *) yield;

/* With no lock held. */
static void shrink_spare(size_t keep) {
    mx_block_yield *call = atomic_load(&yield);
    if (call)
        call(keep);
}

static bool may_spare(size_t size, size_t used) {
    size_t room = cache_room(used) / 2;
    return size <= room && cache.spare <= room - size;
}

bool mx_block_may_spare(size_t bytes) {
    enter();
    bool may = may_spare(mx_block_size(bytes), in_use());
    unlock_cache();
    return may;
}

bool mx_block_spare(size_t bytes, mx_block_yield *call) {
    size_t size = mx_block_size(bytes);
    block *out = NULL;
    atomic_store(&yield, call);
    enter();
    size_t used = in_use() - size;
    bool may = may_spare(size, used);
    if (may) {
        cache.spare += size;
        out = evict(beside_spare(cache_room(used)));
    }
    unlock_cache();
    system_free_list(out);
    return may;
}

void mx_block_unspare(size_t bytes) {
    enter();
    cache.spare -= mx_block_size(bytes);
    unlock_cache();
}

/* ---- allocation ---- */

static size_t left_below(size_t limit, size_t used, size_t size) {
    size_t left = used < limit ? limit - used : 0;
    return left > size ? left - size : 0;
}

/* A free block, or NULL where the system is to be asked: then what may not be cached beside so many
   bytes more is evicted. *out is to be given back. */
static void *take(int c, size_t size, size_t used, block **out) {
    void *p = pop(c);
    size_t least = cache.limit < cache.hard_limit ? cache.limit : cache.hard_limit;
    size_t room = beside_spare(left_below(least, used, size));
    if (!p && cache.cached > room)
        *out = evict(room);
    note_peak(used + size);
    cache.active += size;
    return p;
}

static bool fits(size_t size, size_t used) {
    return used <= cache.hard_limit && size <= cache.hard_limit - used;
}

static void *alloc_fresh(size_t size) {
    void *p = system_alloc(size);
    if (p)
        return p;
    mx_mem_cache_clear();
    p = system_alloc(size);
    if (p)
        return p;
    lock_cache();
    in_use();
    cache.active -= size;
    unlock_cache();
    return mx_fail_nomem("allocate", size);
}

static void *fail_limit(size_t bytes, size_t active) {
    return mx_fail(MX_NOMEM,
                   "[allocate] out of memory: %zu bytes asked for, %zu in use, the limit is %zu",
                   bytes, active, mx_mem_hard_limit());
}

/* The lock is held, but for the time in which spare blocks go where too little is left for `size`
   bytes. */
static size_t make_room(size_t size) {
    size_t used = in_use(), least = cache.limit < cache.hard_limit ? cache.limit : cache.hard_limit,
           room = left_below(least, used, size);
    if (cache.spare <= room)
        return used;
    unlock_cache();
    shrink_spare(room);
    lock_cache();
    return in_use();
}

static void *take_block(size_t bytes, int c) {
    size_t size = class_size(c);
    block *given_back = NULL;
    enter();
    size_t used = make_room(size);
    bool allowed = fits(size, used), beyond = used + cache.mapped > cache.limit;
    void *p = allowed ? take(c, size, used, &given_back) : NULL;
    unlock_cache();
    system_free_list(given_back);
    if (p)
        return p;
    if (beyond)
        mx_guard_cool();
    return allowed ? alloc_fresh(size) : fail_limit(bytes, used);
}

static _Atomic int fill = -1;

void mx_block_fill(int byte) {
    atomic_store(&fill, byte);
}

void *mx_block_alloc(size_t bytes) {
    if (!mx_alloc_allowed() || bytes > LARGEST)
        return mx_fail_nomem("allocate", bytes);
    int c = class_of(bytes);
    void *p = mx_tray_take(c, class_size(c));
    if (!p)
        p = take_block(bytes, c);
    int byte = atomic_load_explicit(&fill, memory_order_relaxed);
    if (p && byte >= 0)
        memset(p, byte, mx_block_size(bytes));
    return p;
}

static void poison(void *p, size_t size) {
#ifdef MX_TORTURE
    memset(p, 0xff, size); /* NaN in every float type */
#else
    (void)p, (void)size;
#endif
}

void mx_block_free(void *p, size_t bytes) {
    if (!p)
        return;
    int c = class_of(bytes);
    size_t size = class_size(c);
    poison(p, size);
    if (mx_tray_put(c, p, size, &home))
        return;
    enter();
    size_t room = beside_spare(cache_room(in_use() - size));
    cache.active -= size;
    bool keep = size <= room;
    block *out = keep && cache.cached <= room - size ? NULL : evict(keep ? room - size : room);
    if (keep)
        push(c, p);
    unlock_cache();
    system_free_list(out);
    if (!keep)
        system_free(p, size);
}

/* ---- limits and counters ---- */

static size_t read_counter(const size_t *counter) {
    enter();
    size_t value = *counter;
    unlock_cache();
    return value;
}

size_t mx_mem_active(void) {
    enter();
    size_t value = in_use() + cache.mapped;
    unlock_cache();
    return value;
}

size_t mx_mem_cached(void) {
    enter();
    size_t value = cache.cached + cache.active - in_use();
    unlock_cache();
    return value;
}

size_t mx_mem_peak(void) {
    enter();
    in_use();
    size_t value = cache.peak;
    unlock_cache();
    return value;
}

size_t mx_mem_limit(void) {
    return read_counter(&cache.limit);
}

size_t mx_mem_hard_limit(void) {
    return read_counter(&cache.hard_limit);
}

void mx_mem_peak_reset(void) {
    enter();
    in_use();
    cache.peak = 0;
    unlock_cache();
}

/* What is cached beyond a new limit goes at once. */
static size_t exchange_limit(size_t *limit, size_t bytes) {
    enter();
    size_t former = *limit;
    *limit = bytes;
    limit_trays();
    size_t room = cache_room(in_use()) / 2;
    unlock_cache();
    shrink_spare(room);
    lock_cache();
    mx_trays_empty(&home);
    block *out = evict(beside_spare(cache_room(in_use())));
    unlock_cache();
    system_free_list(out);
    return former;
}

size_t mx_mem_set_limit(size_t bytes) {
    return exchange_limit(&cache.limit, bytes);
}

size_t mx_mem_set_hard_limit(size_t bytes) {
    return exchange_limit(&cache.hard_limit, bytes);
}

void mx_mem_count_mapped(size_t bytes, bool mapped) {
    enter();
    size_t used = in_use();
    cache.mapped += mapped ? bytes : 0;
    cache.mapped -= mapped ? 0 : bytes;
    note_peak(used);
    unlock_cache();
}

size_t mx_mem_set_cache_limit(size_t bytes) {
    return exchange_limit(&cache.cache_limit, bytes);
}

void mx_mem_cache_clear(void) {
    shrink_spare(0);
    enter();
    mx_trays_empty(&home);
    block *out = evict(0);
    unlock_cache();
    system_free_list(out);
}
