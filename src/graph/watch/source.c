/* Places in the program: see source.h. They are few and stay. */
#include "graph/watch/source.h"

#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/thread_local.h"
#include "base/threads/lock.h"

enum { MOST_SOURCES = 65535, TEXT = 1024 };

atomic_uint mx_watching;

static mx_map numbers; /* "file:line" -> number, in the order of the numbers */
static _Atomic(mx_source_hook *) hook;
static _Atomic(void *) hook_data;
static MX_THREAD_LOCAL uint32_t in_use;

void mx_watch(unsigned bits, bool on) {
    if (on)
        atomic_fetch_or(&mx_watching, bits);
    else
        atomic_fetch_and(&mx_watching, ~bits);
}

/* Under the lock. Out of memory there is no number, which is no error. */
static uint32_t number_of(const char *text) {
    bool failed = mx_failed();
    uintptr_t n = (uintptr_t)mx_map_get(&numbers, text);
    if (!n && numbers.count < MOST_SOURCES &&
        mx_map_set(&numbers, text, (void *)(numbers.count + 1), NULL))
        n = numbers.count;
    if (!failed)
        mx_error_clear();
    return (uint32_t)n;
}

uint32_t mx_source_add(const char *file, int line) {
    char text[TEXT];
    snprintf(text, sizeof text, "%.1000s:%d", file, line);
    mx_lock(MX_LOCK_SOURCE);
    uint32_t n = number_of(text);
    mx_unlock(MX_LOCK_SOURCE);
    return n;
}

const char *mx_source_text(uint32_t source) {
    mx_lock(MX_LOCK_SOURCE);
    const char *text = source && source <= numbers.count ? numbers.entry[source - 1].key : NULL;
    mx_unlock(MX_LOCK_SOURCE);
    return text;
}

void mx_source_set_hook(mx_source_hook *where, void *data) {
    atomic_store(&hook, NULL);
    atomic_store(&hook_data, data);
    atomic_store(&hook, where);
}

uint32_t mx_source_find(void) {
    mx_source_hook *where = in_use ? NULL : atomic_load(&hook);
    return where ? where(atomic_load(&hook_data)) : in_use;
}

uint32_t mx_source_set(uint32_t source) {
    uint32_t former = in_use;
    in_use = source;
    return former;
}
