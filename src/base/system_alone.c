#if !defined(__linux__)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void mx_word_wait(atomic_int *word, int seen, const struct timespec *most) {
    (void)word, (void)seen, (void)most;
}

void mx_word_wake(atomic_int *word, int count) {
    (void)word, (void)count;
}

int32_t mx_thread_number(void) {
    return 1;
}

bool mx_thread_lives(int32_t number) {
    return number == mx_thread_number();
}

int mx_processor(void) {
    return -1;
}

int mx_processors_allowed(void) {
    return 1;
}

void mx_processor_leave(int processor) {
    (void)processor;
}

void mx_secret(void *to, size_t n) {
    if (getentropy(to, n))
        memset(to, (int)time(NULL) & 0xff, n);
}

int mx_rename_new(const char *from, const char *to) {
    (void)from, (void)to;
    errno = ENOSYS;
    return -1;
}

#else
typedef int mx_system_alone_is_empty;
#endif
