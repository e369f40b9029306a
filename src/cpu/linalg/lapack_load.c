/* Loading LAPACK when it is first asked for, and calling it on stacks that are large enough: see
 * lapack.h.
 *
 * OpenBLAS is no guest to have unannounced. Its thread-local storage (60 KB) would break hosts
 * whose threads have small stacks; it starts threads when it is loaded, and raises a signal where
 * it cannot; it asks for buffers of 128 MB until it gets them, for ever. So it is loaded late, only
 * when a trial says that what it will ask for can be had, and on a thread of ours that no signal
 * reaches: one that it raises all the same, because the host has taken the threads meanwhile, ends
 * with that thread. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <dlfcn.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/status.h"
#include "base/system.h"
#include "base/threads/lock.h"
#include "cpu/linalg/lapack.h"

#define MB           ((size_t)1 << 20)
#define STACK_BYTES  (8 * MB)
#define LIBRARY_ROOM (256 * MB) /* the library's files, and its first buffer */
#define THREAD_ROOM  (256 * MB) /* a buffer, a stack and an arena of malloc */
enum { MOST_THREADS = 32 };     /* each keeps a buffer of OpenBLAS's */
enum { MOST_WORKERS = 1024 };   /* OpenBLAS's own */

static struct {
    void *handle;
    int (*get_threads)(void); /* NULL: not OpenBLAS */
    void (*set_threads)(int);
    bool settled;  /* its own threads have had time to take their buffers */
    char why[256]; /* what went wrong with a library that is there; empty: none is */
} library;

/* The first is what a wheel carries, under a name that nothing else in the process has. */
static const char *const names[] = {"libmlxc-openblas.so", "libopenblas.so.0", "libopenblas.so",
                                    "liblapack.so.3", "liblapack.so"};

/* Can the process map this much now? */
static bool has_room(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p != MAP_FAILED && munmap(p, bytes) == 0;
}

static bool fail_room(size_t bytes) {
    return mx_fail(MX_NOMEM, "[linalg] out of memory: LAPACK needs %zu MB of address space",
                   bytes / MB);
}

static bool fail_threads(void) {
    return mx_fail(MX_NOMEM, "[linalg] no thread can be started for LAPACK");
}

/* --- threads ---------------------------------------------------------------------------------- */

typedef struct call {
    void (*body)(void *);
    void *ctx;
} call;

static void *run_call(void *arg) {
    const call *c = arg;
    fesetenv(FE_DFL_ENV);
    c->body(c->ctx);
    mx_error_clear(); // the body reports through its context
    return NULL;
}

/* Starts as many as it can, with all signals blocked. */
static int start(pthread_t *thread, int threads, call *c) {
    pthread_attr_t attr;
    sigset_t former;
    int started = 0;
    if (pthread_attr_init(&attr))
        return 0;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    mx_signals_hold(&former);
    while (started < threads && pthread_create(&thread[started], &attr, run_call, c) == 0)
        started++;
    mx_signals_give(&former);
    pthread_attr_destroy(&attr);
    return started;
}

static void join(const pthread_t *thread, int threads) {
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

/* --- a trial of threads ----------------------------------------------------------------------- */

/* Threads that stay until the gate opens. */
typedef struct trial {
    pthread_mutex_t gate;
    atomic_int entered;
    int32_t ids[MOST_WORKERS + 1];
} trial;

static void try_thread(void *ctx) {
    trial *t = ctx;
    t->ids[atomic_fetch_add(&t->entered, 1)] = mx_thread_number();
    pthread_mutex_lock(&t->gate);
    pthread_mutex_unlock(&t->gate);
}

/* A thread that was joined counts against the process's limit until the kernel has forgotten it. */
static void wait_gone(int32_t id) {
    const struct timespec moment = {0, 100 * 1000};
    for (int i = 0; i < 10000 && mx_thread_lives(id); i++)
        nanosleep(&moment, NULL);
}

/* Can so many threads more live at once? */
static bool can_start(int threads) {
    pthread_t thread[MOST_WORKERS + 1];
    trial t = {.gate = PTHREAD_MUTEX_INITIALIZER};
    call c = {try_thread, &t};
    pthread_mutex_lock(&t.gate);
    int started = start(thread, threads, &c);
    pthread_mutex_unlock(&t.gate);
    join(thread, started);
    for (int i = 0; i < started; i++)
        wait_gone(t.ids[i]);
    pthread_mutex_destroy(&t.gate);
    return started == threads;
}

/* --- loading ---------------------------------------------------------------------------------- */

/* How many threads the user lets OpenBLAS have; 0: not said. */
static int threads_wished(void) {
    static const char *const variables[] = {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
                                            "OMP_NUM_THREADS"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *text = getenv(variables[i]);
        int wish = text ? atoi(text) : 0;
        if (wish > 0)
            return wish;
    }
    return 0;
}

/* The threads that the library starts when it is loaded: one for each processor that the process
   may run on but the first, whatever its share of their time. */
static int workers(void) {
    int processors = mx_processors_allowed(), wish = threads_wished();
    processors = wish && wish < processors ? wish : processors;
    return processors < 1 ? 0 : processors - 1 > MOST_WORKERS ? MOST_WORKERS : processors - 1;
}

/* What they take. */
static size_t workers_room(void) {
    return (size_t)workers() * THREAD_ROOM;
}

/* Keeps what the loader says, the first time that it is not that there is no such file. */
static void note_failure(void) {
    const char *text = dlerror();
    if (text && !library.why[0] && !strstr(text, "No such file"))
        snprintf(library.why, sizeof library.why, "%s", text);
}

/* SciPy's builds of OpenBLAS, which musl's wheel carries, have a prefix. */
static void *find(void *handle, const char *name) {
    char prefixed[64];
    void *found = dlsym(handle, name);
    snprintf(prefixed, sizeof prefixed, "scipy_%s", name);
    return found ? found : dlsym(handle, prefixed);
}

static bool find_all(void *handle, const lapack_symbol *symbols, int count) {
    for (int i = 0; i < count; i++)
        if (!(*symbols[i].address = find(handle, symbols[i].name))) {
            note_failure();
            return false;
        }
    return true;
}

static void try_library(const char *name, const lapack_symbol *symbols, int count) {
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        note_failure();
        return;
    }
    if (!find_all(handle, symbols, count)) {
        dlclose(handle);
        return;
    }
    library.handle = handle;
    *(void **)(void *)&library.get_threads = find(handle, "openblas_get_num_threads");
    *(void **)(void *)&library.set_threads = find(handle, "openblas_set_num_threads");
}

/* What a wheel carries lies in a folder beside this library; musl's loader does not look there. */
static void try_carried(const lapack_symbol *symbols, int count) {
    Dl_info own;
    char path[4096];
    const char *end = dladdr(names, &own) && own.dli_fname ? strrchr(own.dli_fname, '/') : NULL;
    int length = end ? (int)(end - own.dli_fname) : 0;
    if (end && snprintf(path, sizeof path, "%.*s/libs/%s", length, own.dli_fname, names[0]) <
                   (int)sizeof path)
        try_library(path, symbols, count);
}

/* OpenBLAS goes by a processor's family: it takes some virtual ones, such as qemu64, for an old AMD
   Opteron, and dies of the 3DNow! instructions that those lack. */
static bool suits_processor(void) {
#if defined(__x86_64__)
    char *(*name)(void);
    unsigned a, b, c, d = 0;
    *(void **)(void *)&name = find(library.handle, "openblas_get_corename");
    if (name && (!strncmp(name(), "Opteron", 7) || !strncmp(name(), "Athlon", 6)))
        return __get_cpuid(0x80000001, &a, &b, &c, &d) && (d & 1u << 31);
#endif
    return true;
}

static bool fail_processor(void) {
    return mx_fail(MX_UNSUPPORTED,
                   "[linalg] OpenBLAS takes this processor for another one, whose instructions it "
                   "lacks; start the program with OPENBLAS_CORETYPE=Prescott in its environment");
}

typedef struct loading {
    const lapack_symbol *symbols;
    int count;
    bool has_threads;
} loading;

/* On a thread of its own; one thread more than OpenBLAS's is for the calls. */
static void load(void *ctx) {
    loading *l = ctx;
    l->has_threads = can_start(workers() + 1);
    library.why[0] = 0;
    if (l->has_threads)
        try_carried(l->symbols, l->count);
    for (size_t i = 0; l->has_threads && !library.handle && i < sizeof names / sizeof *names; i++)
        try_library(names[i], l->symbols, l->count);
}

static bool load_apart(const lapack_symbol *symbols, int count) {
    pthread_t thread;
    loading l = {symbols, count, false};
    call c = {load, &l};
    if (start(&thread, 1, &c))
        join(&thread, 1);
    return l.has_threads || fail_threads();
}

static bool fail_missing(void) {
    if (library.why[0])
        return mx_fail(
            MX_UNSUPPORTED,
            "[linalg] singular values and eigenvalues need OpenBLAS or LAPACK, which cannot be "
            "loaded: %s",
            library.why);
    return mx_fail(
        MX_UNSUPPORTED,
        "[linalg] singular values and eigenvalues need OpenBLAS or LAPACK (%s ...), which "
        "is not installed here",
        names[1]);
}

static bool load_locked(const lapack_symbol *symbols, int count) {
    size_t room = LIBRARY_ROOM + workers_room() + THREAD_ROOM;
    if (!library.handle && !has_room(room))
        return fail_room(room);
    if (!library.handle && !load_apart(symbols, count))
        return false;
    if (library.handle)
        return suits_processor() || fail_processor();
    return fail_missing();
}

bool lapack_load(const lapack_symbol *symbols, int count) {
    mx_lock(MX_LOCK_LAPACK);
    bool ok = load_locked(symbols, count);
    mx_unlock(MX_LOCK_LAPACK);
    return ok;
}

/* --- calling ---------------------------------------------------------------------------------- */

/* The library's number of threads may be the host's too: it is given back. */
static int take_threads(void) {
    int former = library.get_threads && library.set_threads ? library.get_threads() : 1;
    if (former != 1)
        library.set_threads(1);
    return former;
}

static bool run_locked(int threads, void (*body)(void *), void *ctx) {
    pthread_t thread[MOST_THREADS];
    call c = {body, ctx};
    threads = threads > MOST_THREADS ? MOST_THREADS : threads;
    size_t workers = library.settled ? 0 : workers_room();
    while (threads > 1 && !has_room(workers + (size_t)threads * THREAD_ROOM))
        threads /= 2;
    if (!has_room(workers + THREAD_ROOM))
        return fail_room(workers + THREAD_ROOM);
    int former = take_threads(), started = start(thread, threads, &c);
    join(thread, started);
    if (former != 1)
        library.set_threads(former);
    library.settled = true;
    return started > 0 || fail_threads();
}

bool lapack_run(int threads, void (*body)(void *), void *ctx) {
    mx_lock(MX_LOCK_LAPACK);
    bool ok = run_locked(threads, body, ctx);
    mx_unlock(MX_LOCK_LAPACK);
    return ok;
}
