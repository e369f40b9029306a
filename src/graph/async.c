/* The queue behind async_eval: one thread of the library evaluates what was queued, in order.
 *
 * Evaluations take turns anyway (eval.h), so one queue serves all streams; a stream is empty when no
 * job of its number waits or runs. A job that fails leaves its arrays pending: who asks for them next
 * evaluates again and gets the error.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval.h"
#include "graph/scope.h"
#include "graph/trace.h"

typedef struct job {
    struct job *next;
    int stream;
    int n;
    mx_array *array[];
} job;

enum { NONE = -1 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static job *first, *last;
static int running = NONE; /* the stream whose job runs */
static bool started;

static void job_free(job *j) {
    for (int i = 0; i < j->n; i++)
        mx_array_release(j->array[i]);
    mx_free(j);
}

static void *serve(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!first)
            pthread_cond_wait(&changed, &lock);
        job *j = first;
        first = j->next;
        running = j->stream;
        pthread_mutex_unlock(&lock);
        if (!mx_eval(j->array, j->n))
            mx_error_clear();
        job_free(j);
        pthread_mutex_lock(&lock);
        running = NONE;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

/* A child of fork has no queue thread and nothing queued. */
static void after_fork(void) {
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&changed, NULL);
    first = last = NULL;
    running = NONE;
    started = false;
}

/* Start the thread with all signals blocked: they belong to the host. Called under the lock. */
static bool start(void) {
    static bool prepared;
    pthread_t thread;
    sigset_t all, old;
    if (started)
        return true;
    if (!prepared)
        prepared = pthread_atfork(NULL, NULL, after_fork) == 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    started = pthread_create(&thread, NULL, serve, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (started)
        pthread_detach(thread);
    return started;
}

static job *job_new(mx_array *const *arrays, int n) {
    job *j = mx_malloc(sizeof *j + (size_t)n * sizeof *j->array);
    if (!j)
        return NULL;
    j->next = NULL;
    j->n = n;
    j->stream = mx_scope_stream().index;
    for (int i = 0; i < n; i++)
        j->array[i] = mx_array_retain(arrays[i]);
    return j;
}

static bool enqueue(job *j) {
    pthread_mutex_lock(&lock);
    bool ok = start();
    if (ok) {
        if (first)
            last->next = j;
        else
            first = j;
        last = j;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return ok;
}

bool mx_async_eval(mx_array *const *arrays, int n) {
    bool pending = false;
    for (int i = 0; i < n; i++) {
        if (!arrays[i])
            return false;
        if (!mx_array_available(arrays[i]) && arrays[i]->tracer && mx_trace_active())
            return mx_fail(MX_INVALID, "[async_eval] Not allowed inside a graph transformation.");
        pending |= !mx_array_available(arrays[i]);
    }
    if (!pending)
        return true;
    job *j = job_new(arrays, n);
    if (!j)
        return false;
    if (enqueue(j))
        return true;
    job_free(j); /* no thread to be had: now, then */
    return mx_eval(arrays, n);
}

static bool busy(int stream) {
    bool found = running == stream;
    for (job *j = first; j && !found; j = j->next)
        found = j->stream == stream;
    return found;
}

enum { PATIENCE_NS = 50 * 1000 * 1000 };

/* Wait for a change, under the lock; false: the host has had enough. */
static bool wait_for_change(void) {
    struct timespec until;
    if (mx_eval_interrupted())
        return false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PATIENCE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&changed, &lock, &until);
    return true;
}

bool mx_stream_synchronize(mx_stream s) {
    bool go_on = true;
    pthread_mutex_lock(&lock);
    while (go_on && busy(s.index))
        go_on = wait_for_change();
    pthread_mutex_unlock(&lock);
    return go_on;
}

bool mx_streams_synchronize(void) {
    bool go_on = true;
    pthread_mutex_lock(&lock);
    while (go_on && (first || running != NONE))
        go_on = wait_for_change();
    pthread_mutex_unlock(&lock);
    return go_on;
}
