#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/memory/large.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/machine/cpuinfo.h"
#include "base/threads/pool.h"

#define LARGE ((size_t)2 << 20)
enum { GRAIN = 1 << 18 };

/* --- whether ---------------------------------------------------------------------------------- */

static bool has_large_pages(void) {
    char line[128] = "";
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    bool read = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    return read && !strstr(line, "[never]");
}

/* Bytes that the system can give without taking them from programs; 0: it does not say. */
static size_t free_memory(void) {
    char line[128];
    unsigned long long kilobytes = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f) &&
           sscanf(line, "MemAvailable: %llu kB", &kilobytes) != 1)
        ;
    if (f)
        fclose(f);
    return (size_t)kilobytes << 10;
}

static bool is_wished(void) {
    const char *wish = getenv("MLX_LARGE_PAGES");
    return !(wish && strcmp(wish, "0") == 0);
}

bool mx_large_allowed(size_t bytes) {
    size_t most = free_memory(), limit = mx_cpuinfo_get()->memory;
    most = most < limit ? most : limit;
    return is_wished() && bytes <= most / 4 && has_large_pages();
}

/* --- asking ----------------------------------------------------------------------------------- */

void mx_large_ask(void *p, size_t n) {
    uintptr_t from = ((uintptr_t)p + LARGE - 1) / LARGE * LARGE,
              end = ((uintptr_t)p + n) / LARGE * LARGE;
    if (p && from < end && is_wished())
        madvise((void *)from, end - from, MADV_HUGEPAGE); // NOLINT
}

/* --- copying ---------------------------------------------------------------------------------- */

typedef struct copy {
    char *to;
    const char *from;
} copy;

static void copy_body(void *ctx, int64_t begin, int64_t end) {
    const copy *c = ctx;
    memcpy(c->to + begin, c->from + begin, (size_t)(end - begin));
}

/* `bytes` of memory at a large page; *room: what was mapped for it. */
static char *get(size_t bytes, void **room) {
    *room = mmap(NULL, bytes + LARGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (*room == MAP_FAILED)
        return NULL;
    char *p = (char *)*room + (LARGE - (uintptr_t)*room % LARGE) % LARGE;
    return madvise(p, bytes, MADV_HUGEPAGE) == 0 ? p : NULL;
}

/* Whole large pages. False: they stay as they were. */
static bool replace(char *at, size_t bytes) {
    void *room;
    char *made = get(bytes, &room);
    copy c = {made, at};
    if (made)
        mx_parallel_for((int64_t)bytes, GRAIN, copy_body, &c);
    // the system takes the old pages away and puts the new ones there in one step
    bool moved = made && mremap(made, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at;
    if (room == MAP_FAILED)
        return false;
    if (!moved) {
        munmap(room, bytes + LARGE);
        return false;
    }
    size_t before = (size_t)(made - (char *)room);
    if (before)
        munmap(room, before);
    munmap(made + bytes, LARGE - before);
    return true;
}

void mx_large_copy(const void *mapping, size_t n, size_t *at, size_t most) {
    uintptr_t base = (uintptr_t)mapping, end = (base + n) / LARGE * LARGE;
    uintptr_t from = (base + *at + LARGE - 1) / LARGE * LARGE;
    size_t bytes = (most + LARGE - 1) / LARGE * LARGE;
    if (from < end && bytes > end - from)
        bytes = end - from;
    bool more = from < end && replace((char *)from, bytes) && from + bytes < end; // NOLINT
    *at = more ? from + bytes - base : n;
}
