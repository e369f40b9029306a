#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/threads/turn.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_NS = 50 * 1000 * 1000 };

atomic_int mx_turn_highest = MX_TURN_ALL;
static _Thread_local int own __attribute__((tls_model("initial-exec")));

/* The word itself is the futex: who waits does so for one value of it. */
bool mx_turn_change(int highest) {
    int former = atomic_load(&mx_turn_highest);
    if (highest == former || highest > (former = atomic_exchange(&mx_turn_highest, highest)))
        return false;
    syscall(SYS_futex, &mx_turn_highest, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    return true;
}

void mx_turn_wait(int priority) {
    const struct timespec most = {0, PATIENCE_NS};
    int now = atomic_load(&mx_turn_highest);
    if (priority < now)
        syscall(SYS_futex, &mx_turn_highest, FUTEX_WAIT_PRIVATE, now, &most, NULL, 0);
}

int mx_turn_priority(void) {
    return own;
}

void mx_turn_set_priority(int priority) {
    own = priority;
}
