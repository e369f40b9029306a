/* The queues behind async_eval: threads of the library evaluate what was queued, each stream's jobs
 * in order, jobs of different streams side by side.
 *
 * There are LANES queues with a thread each, started when it is first needed; streams whose numbers
 * meet in one share it. A queue holds so many jobs at most: who asks for more waits. A stream is
 * empty when no job of its number waits or runs. A job that fails leaves its arrays pending: who
 * asks for them next evaluates again and gets the error; and who next waits for its stream gets it
 * too, once.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/interrupt.h"
#include "base/fenv.h"
#include "base/thread_local.h"
#include "base/threads/lock.h"
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

enum { LANES = 16, MOST_WAITING = 64 };

/* Under the lock. */
typedef struct lane {
    job *first, *last;
    int waiting; /* jobs */
    int running; /* the stream whose job runs, or NONE */
    bool started;
    pthread_cond_t work;
} lane;
static lane lanes[LANES];

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* a job has begun or ended */
static MX_THREAD_LOCAL bool serving;

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

/* Waits for one. */
static job *next_job(lane *l) {
    while (!l->first)
        pthread_cond_wait(&l->work, mx_lock_mutex(MX_LOCK_QUEUE));
    job *j = l->first;
    l->first = j->next;
    l->waiting--;
    l->running = j->stream;
    pthread_cond_broadcast(&changed);
    return j;
}

static void *serve(void *arg) {
    lane *l = arg;
    serving = true;
    mx_fenv_default();
    mx_lock(MX_LOCK_QUEUE);
    for (;;) {
        job *j = next_job(l);
        mx_unlock(MX_LOCK_QUEUE);
        bool ok = mx_eval(j->array, j->n);
        job_free(j);
        mx_lock(MX_LOCK_QUEUE);
        if (!ok)
            note_failure(l->running);
        mx_error_clear();
        l->running = NONE;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

static void empty_lanes(void) {
    for (int i = 0; i < LANES; i++) {
        lanes[i] = (lane){.running = NONE};
        pthread_cond_init(&lanes[i].work, NULL);
    }
}

/* A child of fork has no threads and nothing queued. Called with the lock held. */
static void after_fork(void) {
    pthread_cond_init(&changed, NULL);
    empty_lanes();
    failed = 0;
}

__attribute__((constructor)) static void prepare(void) {
    empty_lanes();
    mx_fork_child(after_fork);
}

/* Start the thread with all signals blocked: they belong to the host. Called under the lock. */
static bool start(lane *l) {
    pthread_t thread;
    sigset_t former;
    if (l->started)
        return true;
    mx_signals_hold(&former);
    l->started = pthread_create(&thread, NULL, serve, l) == 0;
    mx_signals_give(&former);
    if (l->started)
        pthread_detach(thread);
    return l->started;
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

typedef enum outcome { QUEUED, NO_THREAD, INTERRUPTED } outcome;

static outcome enqueue(job *j) {
    lane *l = &lanes[j->stream % LANES];
    outcome o = QUEUED;
    mx_lock(MX_LOCK_QUEUE);
    while (o == QUEUED && l->waiting >= MOST_WAITING && !serving)
        o = mx_lock_wait(MX_LOCK_QUEUE, &changed) ? QUEUED : INTERRUPTED;
    if (o == QUEUED && !start(l))
        o = NO_THREAD;
    if (o == QUEUED) {
        *(l->first ? &l->last->next : &l->first) = j;
        l->last = j;
        l->waiting++;
        pthread_cond_signal(&l->work);
    }
    mx_unlock(MX_LOCK_QUEUE);
    return o;
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
    outcome o = enqueue(j);
    if (o == QUEUED)
        return true;
    job_free(j);
    return o == NO_THREAD && mx_eval(arrays, n);
}

static bool busy(int stream) {
    const lane *l = &lanes[stream % LANES];
    bool found = l->running == stream;
    for (job *j = l->first; j && !found; j = j->next)
        found = j->stream == stream;
    return found;
}

static bool any_busy(void) {
    bool found = false;
    for (int i = 0; i < LANES; i++)
        found |= lanes[i].first || lanes[i].running != NONE;
    return found;
}

bool mx_stream_synchronize(mx_stream s) {
    bool go_on = true;
    mx_lock(MX_LOCK_QUEUE);
    while (go_on && busy(s.index))
        go_on = mx_lock_wait(MX_LOCK_QUEUE, &changed);
    go_on = go_on && take_failure(s.index);
    mx_unlock(MX_LOCK_QUEUE);
    return go_on;
}

bool mx_streams_synchronize(void) {
    bool go_on = true;
    mx_lock(MX_LOCK_QUEUE);
    while (go_on && any_busy())
        go_on = mx_lock_wait(MX_LOCK_QUEUE, &changed);
    go_on = go_on && take_failure(NONE);
    mx_unlock(MX_LOCK_QUEUE);
    return go_on;
}
