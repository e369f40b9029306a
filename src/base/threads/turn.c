#include "base/threads/turn.h"

#include <limits.h>
#include <stddef.h>
#include <time.h>

#include "base/system.h"
#include "base/thread_local.h"

enum { PATIENCE_NS = 50 * 1000 * 1000 };

atomic_int mx_turn_highest = MX_TURN_ALL;
static MX_THREAD_LOCAL int own;
static MX_THREAD_LOCAL int own_threads;

/* The word itself is the futex: who waits does so for one value of it. */
bool mx_turn_change(int highest) {
    int former = atomic_load(&mx_turn_highest);
    if (highest == former || highest > (former = atomic_exchange(&mx_turn_highest, highest)))
        return false;
    mx_word_wake(&mx_turn_highest, INT_MAX);
    return true;
}

void mx_turn_wait(int priority) {
    const struct timespec most = {0, PATIENCE_NS};
    int now = atomic_load(&mx_turn_highest);
    if (priority < now)
        mx_word_wait(&mx_turn_highest, now, &most);
}

int mx_turn_priority(void) {
    return own;
}

void mx_turn_set_priority(int priority) {
    own = priority;
}

int mx_turn_threads(void) {
    return own_threads;
}

void mx_turn_set_threads(int most) {
    own_threads = most;
}
