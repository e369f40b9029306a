#include "base/interrupt.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/status.h"
#include "base/thread_local.h"

typedef struct asked {
    _Atomic(mx_host_check *) check;
    _Atomic(void *) data;
} asked;

static asked between, within;
static atomic_bool stop_asked;

void mx_interrupt(void) {
    atomic_store(&stop_asked, true);
}

static void set(asked *a, mx_host_check *check, void *data) {
    atomic_store(&a->check, NULL);
    atomic_store(&a->data, data);
    atomic_store(&a->check, check);
}

void mx_interrupt_set_check(mx_host_check *check, void *data) {
    set(&between, check, data);
}

void mx_interrupt_set_check_within(mx_host_check *check, void *data) {
    set(&within, check, data);
}

static bool ask(asked *a) {
    mx_host_check *check = atomic_load_explicit(&a->check, memory_order_acquire);
    bool stop = atomic_load_explicit(&stop_asked, memory_order_relaxed) &&
                atomic_exchange(&stop_asked, false);
    if (stop || (check && check(atomic_load(&a->data))))
        return mx_fail(MX_INTERRUPTED, "[eval] interrupted") == NULL;
    return false;
}

static MX_THREAD_LOCAL int committed;

void mx_interrupt_commit(int by) {
    committed += by;
}

bool mx_interrupted(void) {
    return ask(committed ? &within : &between);
}

bool mx_interrupted_within(void) {
    return ask(&within);
}
