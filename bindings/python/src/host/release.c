/* Letting go of Python's things from any thread.
 *
 * The library releases borrowed memory on whichever thread drops the last reference, which may not
 * hold the GIL and must not wait for it: the thread that holds it may be waiting for this one, and
 * at exit nobody ever gets it again. So a thread with the GIL releases at once, and any other puts
 * the release on a list that the main thread works through at its next chance (a pending call).
 * What is left when the interpreter ends stays.
 */
#include "host/release.h"

#include <stdatomic.h>

typedef struct release {
    void (*call)(void *payload);
    void *payload;
    struct release *next;
} release;

static _Atomic(release *) waiting;
static atomic_bool asked;

static int work_through(void *unused) {
    (void)unused;
    atomic_store(&asked, false);
    release *r = atomic_exchange(&waiting, NULL);
    while (r) {
        release *next = r->next;
        r->call(r->payload);
        free(r);
        r = next;
    }
    return 0;
}

static void put_off(void (*call)(void *), void *payload) {
    release *r = malloc(sizeof *r);
    if (!r)
        return; // the memory stays with its owner, who stays
    *r = (release){call, payload, atomic_load(&waiting)};
    while (!atomic_compare_exchange_weak(&waiting, &r->next, r))
        ;
    if (!atomic_exchange(&asked, true) && Py_AddPendingCall(work_through, NULL))
        atomic_store(&asked, false); // the queue is full: the next release asks again
}

void mpy_release(void (*call)(void *payload), void *payload) {
    if (!Py_IsInitialized())
        return;
    if (PyGILState_Check())
        call(payload);
    else
        put_off(call, payload);
}
