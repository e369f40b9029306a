/* Control-C, and what other signals' handlers raise, stops a long evaluation.
 *
 * Python's own handler of a signal only makes a note, which the main thread reads when it runs
 * Python again: too late while it waits for libmlxc, which may not take the GIL between its steps
 * either (who has it may be waiting for the library). So our handler goes in front of Python's: it
 * makes a note of its own and calls on. The library asks for that note on the main thread, the call
 * fails as interrupted, and with the GIL again Python's handlers run: what they raise is raised,
 * and if they raise nothing the call is made again (MPY_WAIT). Within a long step, which is lost
 * when it is stopped, only Control-C counts: a timer's handler that raises nothing would have the
 * step begin for ever.
 */
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "py.h"

enum { SIGNALS = 65 };

static atomic_bool noted, control_c;
static struct sigaction pythons[SIGNALS];
static pthread_t main_thread;

static void take_note(int number) {
    if (number == SIGINT)
        atomic_store(&control_c, true);
    atomic_store(&noted, true);
}

static void note(int number, siginfo_t *info, void *context) {
    const struct sigaction *next = &pythons[number];
    take_note(number);
    if (next->sa_flags & SA_SIGINFO)
        next->sa_sigaction(number, info, context);
    else
        next->sa_handler(number);
}

/* Is there a handler, not ours, to go in front of? */
static bool can_chain(const struct sigaction *now) {
    if (now->sa_flags & SA_SIGINFO)
        return now->sa_sigaction != note;
    return now->sa_handler != SIG_DFL && now->sa_handler != SIG_IGN;
}

/* The signal may have come just before, and Python have made its note where nobody looks: so there
   is one of ours from the start. */
static void go_in_front(int number, const struct sigaction *now) {
    struct sigaction ours = *now;
    ours.sa_flags |= SA_SIGINFO;
    ours.sa_sigaction = note;
    pythons[number] = *now;
    if (!sigaction(number, &ours, NULL))
        take_note(number);
}

/* Python has one handler for all signals that it handles, and that is known from SIGINT, which it
   handles from the start. Handlers of others (a profiler's, faulthandler's) are left alone. */
static void chain(void) {
    static void (*python)(int);
    struct sigaction now;
    if (!sigaction(SIGINT, NULL, &now) && can_chain(&now)) {
        if (!python && !(now.sa_flags & SA_SIGINFO))
            python = now.sa_handler;
        go_in_front(SIGINT, &now);
    }
    for (int number = 1; python && number < SIGNALS; number++)
        if (number != SIGINT && !sigaction(number, NULL, &now) && !(now.sa_flags & SA_SIGINFO) &&
            now.sa_handler == python)
            go_in_front(number, &now);
}

enum { CHAIN_NS = 20 * 1000 * 1000 };

/* To some milliseconds: the exact one takes longer than a small array's sum. */
#ifdef CLOCK_MONOTONIC_COARSE
#define ROUGH_CLOCK CLOCK_MONOTONIC_COARSE
#else
#define ROUGH_CLOCK CLOCK_MONOTONIC
#endif

/* signal.signal puts Python's handler back in front; so look again now and then. */
static void keep_chained(void) {
    static struct timespec last;
    struct timespec now;
    clock_gettime(ROUGH_CLOCK, &now);
    long long passed = (now.tv_sec - last.tv_sec) * 1000000000LL + (now.tv_nsec - last.tv_nsec);
    if (passed < CHAIN_NS && last.tv_sec)
        return;
    last = now;
    chain();
}

void mpy_listen(void) {
    chain();
}

_Thread_local int mpy_unheard;

static bool take_notes(void) {
    if (!atomic_load_explicit(&noted, memory_order_relaxed) || !atomic_exchange(&noted, false))
        return false;
    atomic_store(&control_c, false);
    return true;
}

static int check(void *unused) {
    (void)unused;
    if (mpy_unheard || !pthread_equal(pthread_self(), main_thread))
        return 0;
    keep_chained();
    return take_notes();
}

static int check_within(void *unused) {
    (void)unused;
    if (!pthread_equal(pthread_self(), main_thread))
        return 0;
    keep_chained();
    return atomic_load_explicit(&control_c, memory_order_relaxed) && take_notes();
}

/* Has a handler raised something on this thread since mpy_watch? */
static _Thread_local bool handler_raised;

int mpy_try_again(void) {
    if (mlx_last_error_code() != MLX_ERROR_INTERRUPTED || PyErr_Occurred())
        return 0;
    if (PyErr_CheckSignals()) {
        handler_raised = true;
        return 0;
    }
    mlx_clear_last_error();
    return 1;
}

/* --- interrupts that are dropped -------------------------------------------------------------- */

/* What stopped the thread's last export that was stopped, and its traceback then: further on it has
   another one. */
static _Thread_local struct {
    PyObject *value, *traceback;
} kept;

void mpy_watch(void) {
    Py_CLEAR(kept.value);
    Py_CLEAR(kept.traceback);
    handler_raised = false;
}

/* Some Python function has seen it go by: it was raised. */
static int was_raised(void) {
    PyObject *traceback = PyException_GetTraceback(kept.value);
    Py_XDECREF(traceback);
    return traceback != kept.traceback;
}

int mpy_raise_dropped(void) {
    if (!kept.value)
        return 0;
    if (was_raised())
        mpy_watch();
    else if (Py_REFCNT(kept.value) == 1) { // nobody holds it any more
        PyErr_Restore(Py_NewRef(Py_TYPE(kept.value)), kept.value, kept.traceback);
        kept.value = kept.traceback = NULL;
        return -1;
    }
    return 0;
}

static int raise_later(void *unused) {
    (void)unused;
    return mpy_raise_dropped();
}

void mpy_keep_interrupt(void) {
    PyObject *type, *value, *traceback;
    if (!handler_raised && PyErr_ExceptionMatches(PyExc_Exception))
        return;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback)
        PyException_SetTraceback(value, traceback);
    Py_XSETREF(kept.value, Py_NewRef(value));
    Py_XSETREF(kept.traceback, Py_XNewRef(traceback));
    PyErr_Restore(type, value, traceback);
    Py_AddPendingCall(raise_later, NULL);
}

/* --- the start -------------------------------------------------------------------------------- */

/* In a child of fork the thread that forked is the main one. */
static void after_fork(void) {
    main_thread = pthread_self();
}

static int find_main_thread(void) {
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *thread = threading ? PyObject_CallMethod(threading, "main_thread", NULL) : NULL;
    PyObject *ident = thread ? PyObject_GetAttrString(thread, "ident") : NULL;
    unsigned long id = ident ? PyLong_AsUnsignedLong(ident) : 0;
    Py_XDECREF(threading);
    Py_XDECREF(thread);
    Py_XDECREF(ident);
    main_thread = (pthread_t)id;
    return PyErr_Occurred() ? -1 : 0;
}

int mpy_init_interrupt(PyObject *module) {
    (void)module;
    if (find_main_thread())
        return -1;
    pthread_atfork(NULL, NULL, after_fork);
    // from the start: a signal may come before the first step of all
    if (pthread_equal(pthread_self(), main_thread))
        chain();
    mlx_set_interrupt_check(check, NULL);
    mlx_set_interrupt_check_within(check_within, NULL);
    return 0;
}
