/* Loading LAPACK when it is first asked for, and calling it on stacks that are large enough: see lapack.h.
 *
 * OpenBLAS is no guest to have unannounced. Its thread-local storage (60 KB) would break hosts whose threads
 * have small stacks; it starts threads when it is loaded, and raises a signal where it cannot; it asks for
 * buffers of 128 MB until it gets them, for ever. So it is loaded late, and only when a trial says that what it
 * will ask for can be had. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <dlfcn.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cpuinfo.h"
#include "base/status.h"
#include "cpu/lapack.h"

#define MB           ((size_t)1 << 20)
#define STACK_BYTES  (8 * MB)
#define LIBRARY_ROOM (256 * MB) /* the library's files, and its first buffer */
#define THREAD_ROOM  (256 * MB) /* a buffer, a stack and an arena of malloc */
enum { MOST_THREADS = 32 };     /* each keeps a buffer of OpenBLAS's */

static struct {
    void *handle;
    int (*get_threads)(void); /* NULL: not OpenBLAS */
    void (*set_threads)(int);
    bool settled; /* its own threads have had time to take their buffers */
} library;

/* The first is what a wheel carries, under a name that nothing else in the process has. */
static const char *const names[] = {"libmlxc-openblas.so", "libopenblas.so.0", "libopenblas.so", "liblapack.so.3",
                                    "liblapack.so"};

/* Can the process map this much now? */
static bool has_room(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p != MAP_FAILED && munmap(p, bytes) == 0;
}

static bool fail_room(size_t bytes) {
    return mx_fail(MX_NOMEM, "[linalg] out of memory: LAPACK needs %zu MB of address space", bytes / MB);
}

/* --- loading -------------------------------------------------------------------------------------------- */

/* What the threads take that the library starts when it is loaded, one for each processor but the first. */
static size_t workers_room(void) {
    int processors = mx_cpuinfo_get()->processors;
    return (size_t)(processors - 1) * THREAD_ROOM;
}

static bool find_all(void *handle, const lapack_symbol *symbols, int count) {
    for (int i = 0; i < count; i++)
        if (!(*symbols[i].address = dlsym(handle, symbols[i].name)))
            return false;
    return true;
}

static bool try_library(const char *name, const lapack_symbol *symbols, int count) {
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return false;
    if (!find_all(handle, symbols, count)) {
        dlclose(handle);
        return false;
    }
    library.handle = handle;
    *(void **)(void *)&library.get_threads = dlsym(handle, "openblas_get_num_threads");
    *(void **)(void *)&library.set_threads = dlsym(handle, "openblas_set_num_threads");
    return true;
}

/* OpenBLAS goes by a processor's family: it takes some virtual ones, such as qemu64, for an old AMD Opteron, and
   dies of the 3DNow! instructions that those lack. */
static bool suits_processor(void) {
#if defined(__x86_64__)
    char *(*name)(void);
    unsigned a, b, c, d = 0;
    *(void **)(void *)&name = dlsym(library.handle, "openblas_get_corename");
    if (name && (!strncmp(name(), "Opteron", 7) || !strncmp(name(), "Athlon", 6)))
        return __get_cpuid(0x80000001, &a, &b, &c, &d) && (d & 1u << 31);
#endif
    return true;
}

static bool fail_processor(void) {
    return mx_fail(MX_UNSUPPORTED, "[linalg] OpenBLAS takes this processor for another one, whose instructions it "
                                   "lacks; start the program with OPENBLAS_CORETYPE=Prescott in its environment");
}

bool lapack_load(const lapack_symbol *symbols, int count) {
    if (library.handle)
        return suits_processor() || fail_processor();
    size_t room = LIBRARY_ROOM + workers_room() + THREAD_ROOM;
    if (!has_room(room))
        return fail_room(room);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (try_library(names[i], symbols, count))
            return suits_processor() || fail_processor();
    return mx_fail(MX_UNSUPPORTED, "[linalg] singular values and eigenvalues need OpenBLAS or LAPACK (%s ...), which "
                                   "is not installed here",
                   names[1]);
}

/* --- calling -------------------------------------------------------------------------------------------- */

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

/* Starts as many as it can. */
static int start(pthread_t *thread, int threads, call *c) {
    pthread_attr_t attr;
    sigset_t all, former;
    int started = 0;
    if (pthread_attr_init(&attr))
        return 0;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    while (started < threads && pthread_create(&thread[started], &attr, run_call, c) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    pthread_attr_destroy(&attr);
    return started;
}

/* The library's number of threads may be the host's too: it is given back. */
static int take_threads(void) {
    int former = library.get_threads && library.set_threads ? library.get_threads() : 1;
    if (former != 1)
        library.set_threads(1);
    return former;
}

bool lapack_run(int threads, void (*body)(void *), void *ctx) {
    pthread_t thread[MOST_THREADS];
    call c = {body, ctx};
    threads = threads > MOST_THREADS ? MOST_THREADS : threads;
    size_t workers = library.settled ? 0 : workers_room();
    while (threads > 1 && !has_room(workers + (size_t)threads * THREAD_ROOM))
        threads /= 2;
    if (!has_room(workers + THREAD_ROOM))
        return fail_room(workers + THREAD_ROOM);
    int former = take_threads(), started = start(thread, threads, &c);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    if (former != 1)
        library.set_threads(former);
    library.settled = true;
    return started > 0 || mx_fail(MX_NOMEM, "[linalg] no thread can be started for LAPACK");
}
