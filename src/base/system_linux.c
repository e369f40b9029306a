#if defined(__linux__)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/system.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

void mx_word_wait(atomic_int *word, int seen, const struct timespec *most) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, most, NULL, 0);
}

void mx_word_wake(atomic_int *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

int32_t mx_thread_number(void) {
    return (int32_t)syscall(SYS_gettid);
}

bool mx_thread_lives(int32_t number) {
    return syscall(SYS_tgkill, getpid(), number, 0) == 0;
}

int mx_processor(void) {
    return sched_getcpu();
}

int mx_processors_allowed(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < INT_MAX ? (int)n : 1;
}

void mx_processor_leave(int processor) {
    cpu_set_t allowed, others;
    if (processor < 0 || processor >= CPU_SETSIZE || sched_getcpu() != processor ||
        sched_getaffinity(0, sizeof allowed, &allowed))
        return;
    others = allowed;
    CPU_CLR((size_t)processor, &others);
    if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
        sched_setaffinity(0, sizeof allowed, &allowed);
}

void mx_secret(void *to, size_t n) {
    if (getrandom(to, n, GRND_NONBLOCK) == (ssize_t)n)
        return;
    uint64_t word = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)to;
    for (size_t i = 0; i < n; i++, word = word * 6364136223846793005u + 1442695040888963407u)
        ((unsigned char *)to)[i] = (unsigned char)(word >> 56);
}

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1 /* musl names neither the call nor this */
#endif

int mx_rename_new(const char *from, const char *to) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

#else
typedef int mx_system_linux_is_empty;
#endif
