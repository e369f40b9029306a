#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef MX_TORTURE
#include <malloc.h>
#endif

#include "base/status.h"
#include "base/thread_local.h"

/* Live allocations are counted in a few cache lines: each of the first threads has its own, which
   nobody else writes, the others share the last one. A line alone may be negative. */
#define LINES 64
typedef struct line {
    _Alignas(64) _Atomic int64_t live;
} line;
static line lines[LINES];

/* The test hook: armed by its first use, and then every request is numbered. */
static atomic_bool armed;
static _Atomic uint64_t fail_at, asked;

static void count(int64_t change) {
    static _Atomic unsigned threads;
    static MX_THREAD_LOCAL unsigned mine;
    if (!mine)
        mine = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
    if (mine >= LINES) {
        atomic_fetch_add_explicit(&lines[LINES - 1].live, change, memory_order_relaxed);
        return;
    }
    _Atomic int64_t *own = &lines[mine - 1].live;
    atomic_store_explicit(own, atomic_load_explicit(own, memory_order_relaxed) + change,
                          memory_order_relaxed);
}

int64_t mx_alloc_live(void) {
    int64_t sum = 0;
    for (int i = 0; i < LINES; i++)
        sum += atomic_load_explicit(&lines[i].live, memory_order_relaxed);
    return sum;
}

void mx_alloc_fail_at(uint64_t n) {
    atomic_store(&asked, 0);
    atomic_store(&fail_at, n);
    atomic_store(&armed, true);
}

uint64_t mx_alloc_count(void) {
    return atomic_load(&asked);
}

bool mx_alloc_allowed(void) {
    if (!atomic_load_explicit(&armed, memory_order_relaxed))
        return true;
    return atomic_fetch_add(&asked, 1) + 1 != atomic_load(&fail_at);
}

static void *counted(void *p, size_t bytes) {
    if (!p)
        return mx_fail_nomem("malloc", bytes);
    count(1);
    return p;
}

void *mx_malloc(size_t bytes) {
    return counted(mx_alloc_allowed() ? malloc(bytes ? bytes : 1) : NULL, bytes);
}

void *mx_calloc(size_t n, size_t size) {
    size_t bytes;
    if (!mx_mul_size(n, size, &bytes))
        return mx_fail_nomem("calloc", SIZE_MAX);
    return counted(mx_alloc_allowed() ? calloc(bytes ? bytes : 1, 1) : NULL, bytes);
}

void *mx_realloc_array(void *p, size_t n, size_t size) {
    size_t bytes;
    if (!mx_mul_size(n, size, &bytes))
        return mx_fail_nomem("realloc", SIZE_MAX);
    void *bigger = mx_alloc_allowed() ? realloc(p, bytes ? bytes : 1) : NULL;
    if (!bigger)
        return mx_fail_nomem("realloc", bytes);
    if (!p)
        count(1);
    return bigger;
}

void mx_free(void *p) {
    if (!p)
        return;
    count(-1);
#ifdef MX_TORTURE
    memset(p, 0xff, malloc_usable_size(p));
#endif
    free(p);
}

void *mx_memdup(const void *p, size_t bytes) {
    void *copy = mx_malloc(bytes);
    if (copy && bytes)
        memcpy(copy, p, bytes);
    return copy;
}

char *mx_strdup(const char *s) {
    return s ? mx_memdup(s, strlen(s) + 1) : NULL;
}
