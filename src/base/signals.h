/* Signals and this library's threads. */
#ifndef MX_BASE_SIGNALS_H
#define MX_BASE_SIGNALS_H

#include <pthread.h>
#include <signal.h>

/* Around pthread_create: signals are for the host's threads. But for those that a thread's own
   instructions raise, which nobody else can take; guard.h waits for one of them. */
static inline void mx_signals_hold(sigset_t *former) {
    static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t most;
    sigfillset(&most);
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&most, own[i]);
    pthread_sigmask(SIG_SETMASK, &most, former);
}
static inline void mx_signals_give(const sigset_t *former) {
    pthread_sigmask(SIG_SETMASK, former, NULL);
}

#endif
