#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"

enum { MOST = 4096 };

/* end is set last and cleared first: a range whose end is 0 is none. */
static struct range {
    _Atomic uintptr_t begin, end;
    atomic_bool broken;
    char file[256];
} ranges[MOST];
static atomic_int used; /* ranges from here on were never used */
static atomic_uint faults;
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction former;
static uintptr_t page;

/* --- the handler: it uses nothing that a signal may not use ----------------------------------- */

static struct range *range_of(uintptr_t at) {
    for (int i = 0, n = atomic_load(&used); i < n; i++) {
        uintptr_t end = atomic_load(&ranges[i].end);
        if (at < end && at >= atomic_load(&ranges[i].begin))
            return &ranges[i];
    }
    return NULL;
}

static bool mend(uintptr_t at) {
    struct range *r = range_of(at);
    int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    void *from = (void *)(at / page * page); // NOLINT: an address of the system's
    if (!r || mmap(from, page, PROT_READ | PROT_WRITE, how, -1, 0) == MAP_FAILED)
        return false;
    atomic_store(&r->broken, true);
    atomic_fetch_add(&faults, 1);
    return true;
}

/* The instruction is run again when this returns, and with the system's handler ends the
   process. */
static void handle(int number, siginfo_t *info, void *context) {
    if (mend((uintptr_t)info->si_addr))
        return;
    if (former.sa_flags & SA_SIGINFO)
        former.sa_sigaction(number, info, context);
    else if (former.sa_handler != SIG_DFL && former.sa_handler != SIG_IGN)
        former.sa_handler(number);
    else
        sigaction(number, &former, NULL);
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* Once, when the first file is mapped: programs that map none keep their signals. */
static void install(void) {
    struct sigaction ours = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&ours.sa_mask);
    sigaction(SIGBUS, NULL, &former); // before anybody can need it
    sigaction(SIGBUS, &ours, NULL);
}

static int free_range(void) {
    int n = atomic_load(&used);
    for (int i = 0; i < n; i++)
        if (atomic_load(&ranges[i].begin) == 0)
            return i;
    if (n < MOST)
        atomic_store(&used, n + 1);
    return n < MOST ? n : -1;
}

int mx_guard_add(const void *begin, size_t n, const char *file) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!n)
        return -1;
    pthread_once(&once, install);
    pthread_mutex_lock(&changing);
    int i = free_range();
    if (i >= 0) {
        snprintf(ranges[i].file, sizeof ranges[i].file, "%s", file);
        atomic_store(&ranges[i].broken, false);
        atomic_store(&ranges[i].begin, (uintptr_t)begin);
        atomic_store(&ranges[i].end, (uintptr_t)begin + n);
    }
    pthread_mutex_unlock(&changing);
    return i;
}

void mx_guard_remove(int guard) {
    if (guard < 0)
        return;
    pthread_mutex_lock(&changing);
    atomic_store(&ranges[guard].end, 0);
    atomic_store(&ranges[guard].begin, 0);
    pthread_mutex_unlock(&changing);
}

bool mx_guard_check(const char *op, int guard) {
    return guard < 0 || !atomic_load(&ranges[guard].broken) ||
           mx_fail(MX_IO, "[%s] '%s' was cut short while it was mapped", op, ranges[guard].file);
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool is_time(void) {
    static _Atomic int64_t last = INT64_MIN / 2;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = t.tv_sec * (int64_t)1000 + t.tv_nsec / 1000000, then = atomic_load(&last);
    return now - then >= 1000 && atomic_compare_exchange_strong(&last, &then, now);
}

void mx_guard_cool(void) {
#ifdef MADV_PAGEOUT
    if (!atomic_load(&used) || !is_time())
        return;
    pthread_mutex_lock(&changing);
    for (int i = 0, n = atomic_load(&used); i < n; i++) {
        uintptr_t begin = atomic_load(&ranges[i].begin), end = atomic_load(&ranges[i].end);
        if (end)
            madvise((void *)begin, end - begin, MADV_PAGEOUT); // NOLINT: likewise
    }
    pthread_mutex_unlock(&changing);
#endif
}

unsigned mx_guard_faults(void) {
    return atomic_load_explicit(&faults, memory_order_relaxed);
}
