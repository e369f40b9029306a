#include "base/fenv.h"

#include <fenv.h>
#include <pthread.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#include "base/thread_local.h"

/* Processors with SSE: its control and status word, and the x87 control word where long doubles are
   computed. Reading and writing these two takes a few cycles; fegetenv takes a hundred. */
#if defined(__x86_64__) && defined(__GNUC__)
enum { CONTROL = 0x1f80, X87 = 0x037f };

typedef struct environment {
    unsigned control;
    unsigned short x87;
} environment;

static environment current(void) {
    environment e = {_mm_getcsr(), 0};
    __asm__ volatile("fnstcw %0" : "=m"(e.x87));
    return e;
}

static void set_x87(unsigned short word) {
    __asm__ volatile("fldcw %0" : : "m"(word));
}

static void set(const environment *e, const environment *now) {
    if (e->control != now->control)
        _mm_setcsr(e->control);
    if (e->x87 != now->x87)
        set_x87(e->x87);
}

static void restore(const environment *e) {
    environment now = current();
    set(e, &now);
}

static environment hold(void) {
    static const environment plain = {CONTROL, X87};
    environment was = current();
    set(&plain, &was);
    return was;
}
#else
typedef fenv_t environment;

static environment hold(void) {
    environment was;
    fegetenv(&was);
    fesetenv(FE_DFL_ENV);
    return was;
}

static void restore(const environment *e) {
    fesetenv(e);
}
#endif

static MX_THREAD_LOCAL environment hosts;
static MX_THREAD_LOCAL int depth;
/* the host's cancellation state */
static MX_THREAD_LOCAL int cancelled;

static void take(void) {
    hosts = hold();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelled);
}

static void give_back(void) {
    int disabled;
    restore(&hosts);
    pthread_setcancelstate(cancelled, &disabled);
}

void mx_fenv_hold(void) {
    if (depth++ == 0)
        take();
}

void mx_fenv_release(void) {
    if (--depth == 0)
        give_back();
}

int mx_fenv_leave(void) {
    int was = depth;
    if (was)
        give_back();
    depth = 0;
    return was;
}

void mx_fenv_enter(int was) {
    if (was)
        take();
    depth = was;
}

void mx_fenv_default(void) {
    fesetenv(FE_DFL_ENV);
}
