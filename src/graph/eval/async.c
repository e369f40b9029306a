/* The queue behind async_eval: one thread of the library evaluates what was queued, in order.
 *
 * Evaluations take turns anyway (eval.h), so one queue serves all streams; a stream is empty when
 * no job of its number waits or runs. A job that fails leaves its arrays pending: who asks for them
 * next evaluates again and gets the error; and who next waits for its stream gets it too, once.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/fenv.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"

typedef struct job {
    struct job *next;
    int stream;
    int n;
    mx_array *array[];
} job;

enum { NONE = -1 };

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static job *first, *last;
static int running = NONE; /* the stream whose job runs */
static bool started;

/* Failures that nobody has been told of: the first of each stream, under the lock. */
typedef struct failure {
    int stream;
    mx_status status;
    char text[MX_ERROR_TEXT];
} failure;
enum { FAILURES = 8 };
static failure failures[FAILURES];
static int failed;

/* Of a stream's failures the first is kept. */
static void note_failure(int stream) {
    for (int i = 0; i < failed; i++)
        if (failures[i].stream == stream)
            return;
    if (failed == FAILURES || mx_error_status() == MX_INTERRUPTED)
        return;
    failure *f = &failures[failed++];
    f->stream = stream;
    f->status = mx_error_status();
    snprintf(f->text, sizeof f->text, "%s", mx_error_message());
}

/* Records the failure of a stream (NONE: of any) and forgets it; true when there was none. */
static bool take_failure(int stream) {
    for (int i = 0; i < failed; i++) {
        if (stream != NONE && failures[i].stream != stream)
            continue;
        mx_fail(failures[i].status, "%s", failures[i].text);
        failures[i] = failures[--failed];
        return false;
    }
    return true;
}

static void job_free(job *j) {
    for (int i = 0; i < j->n; i++)
        mx_array_release(j->array[i]);
    mx_free(j);
}

static void *serve(void *unused) {
    (void)unused;
    mx_fenv_default();
    mx_lock(MX_LOCK_QUEUE);
    for (;;) {
        while (!first)
            pthread_cond_wait(&changed, mx_lock_mutex(MX_LOCK_QUEUE));
        job *j = first;
        first = j->next;
        running = j->stream;
        mx_unlock(MX_LOCK_QUEUE);
        bool ok = mx_eval(j->array, j->n);
        job_free(j);
        mx_lock(MX_LOCK_QUEUE);
        if (!ok)
            note_failure(running);
        mx_error_clear();
        running = NONE;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

/* A child of fork has no queue thread and nothing queued. Called with the lock held. */
static void after_fork(void) {
    pthread_cond_init(&changed, NULL);
    first = last = NULL;
    running = NONE;
    failed = 0;
    started = false;
}

/* Start the thread with all signals blocked: they belong to the host. Called under the lock. */
static bool start(void) {
    static bool prepared;
    pthread_t thread;
    sigset_t former;
    if (started)
        return true;
    if (!prepared)
        mx_fork_child(after_fork);
    prepared = true;
    mx_signals_hold(&former);
    started = pthread_create(&thread, NULL, serve, NULL) == 0;
    mx_signals_give(&former);
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
    mx_lock(MX_LOCK_QUEUE);
    bool ok = start();
    if (ok) {
        if (first)
            last->next = j;
        else
            first = j;
        last = j;
        pthread_cond_broadcast(&changed);
    }
    mx_unlock(MX_LOCK_QUEUE);
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
    if (mx_interrupted())
        return false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PATIENCE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&changed, mx_lock_mutex(MX_LOCK_QUEUE), &until);
    return true;
}

bool mx_stream_synchronize(mx_stream s) {
    bool go_on = true;
    mx_lock(MX_LOCK_QUEUE);
    while (go_on && busy(s.index))
        go_on = wait_for_change();
    go_on = go_on && take_failure(s.index);
    mx_unlock(MX_LOCK_QUEUE);
    return go_on;
}

bool mx_streams_synchronize(void) {
    bool go_on = true;
    mx_lock(MX_LOCK_QUEUE);
    while (go_on && (first || running != NONE))
        go_on = wait_for_change();
    go_on = go_on && take_failure(NONE);
    mx_unlock(MX_LOCK_QUEUE);
    return go_on;
}
