#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/threads/pool.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/machine/cpuinfo.h"
#include "base/fenv.h"
#include "base/interrupt.h"
#include "base/thread_local.h"
#include "base/threads/lock.h"
#include "base/mem.h"
#include "base/threads/pause.h"
#include "base/signals.h"
#include "base/system.h"
#include "base/threads/turn.h"

/* A job lies on its caller's stack and is linked into the pool while it has pieces to give:
 *
 *     caller                                   worker
 *     link, raise `epoch`, wake sleepers       sees `epoch` move, enters a job (under the
 * lock): inside + 1
 *     take pieces until none is left           take pieces until none is left
 *     unlink: nobody enters any more           inside - 1; the last one wakes the caller
 *     wait until nobody is inside
 *
 * So the job outlives everyone in it, and a caller never waits for work that nobody has begun.
 *
 * Pieces are dealt out in shares, one for each thread: the same part of [0, n) in every job, so
 * that a thread finds in its own cache what it wrote in the job before. Who is done with its own
 * takes pieces of the others'.
 */
#define MOST_THREADS 1024
#define PIECES_EACH  4 /* pieces per thread, to even out unequal ones */
#define PIECE_MULTIPLE \
    64 /* long ranges are cut at multiples of this, so that lines are not shared */
#define MOST_SHARES 64
#define SPINS       1000 /* pauses before sleeping: a few microseconds to some tens */
#define ASLEEP      (1 << 20)
#define STACK_BYTES ((size_t)2 << 20)

/* Pieces that one thread takes, unless others are done before. */
typedef struct share {
    _Alignas(64) _Atomic int64_t next; /* the first element not yet taken */
    int64_t end;
} share;

typedef struct job {
    mx_range_body *body;
    void *ctx;
    int64_t n, piece;
    int threads;  /* that may work on it at a time, the caller included */
    int ids;      /* workers of a number below this may enter */
    int cpu;      /* where the caller was when it published */
    int priority; /* turn.h */
    int shares;
    struct job *link;
    struct watch *watch; /* NULL: it does not stop */
    /* workers in it, and ASLEEP while the caller waits for them; a futex */
    _Alignas(64) _Atomic int inside;
    share share[MOST_SHARES];
} job;

/* Of a job that may be stopped. */
typedef struct watch {
    int64_t grain;
    atomic_bool stopped;
} watch;

static struct {
    job *jobs;
    bool alive[MOST_THREADS]; /* worker i runs; 0 is every caller */
    int target;               /* threads wanted; 0: not decided */
    _Atomic int ready;        /* target, once the workers for it were started */
    _Atomic int epoch;        /* raised by every new job; a futex */
    _Atomic int sleepers;
} pool;

static MX_THREAD_LOCAL int worker_id;
static MX_THREAD_LOCAL bool in_body;

/* ---- sleeping ---- */

/* Spins while *word == seen; false when it still is after that. */
static bool spin_until_changed(_Atomic int *word, int seen) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != seen)
            return true;
        mx_pause();
    }
    return false;
}

static void wait_for_epoch(int seen) {
    if (spin_until_changed(&pool.epoch, seen))
        return;
    atomic_fetch_add(&pool.sleepers, 1);
    mx_word_wait(&pool.epoch, seen, NULL);
    atomic_fetch_sub(&pool.sleepers, 1);
}

/* ---- taking pieces ---- */

enum { BRIEF_NS = 5 * 1000 * 1000, ASK_NS = 20 * 1000 * 1000, BRIEF_JOBS = 16 };

/* How one thread goes through a job that may be stopped: in steps of some milliseconds. */
typedef struct pace {
    int64_t step, begun;
    bool asks; /* the caller's thread */
} pace;

/* When this thread's host was asked last: long work may be many short jobs. */
static MX_THREAD_LOCAL int64_t last_asked;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool stopped(const job *j) {
    return j->watch && atomic_load_explicit(&j->watch->stopped, memory_order_relaxed);
}

/* Whether the host, asked now unless it was just before, wants to stop. */
static bool asked_to_stop(int64_t now) {
    if (now - last_asked < ASK_NS)
        return false;
    last_asked = now;
    return mx_interrupted_within();
}

/* After a job too short to be shared: one of many is asked for all. */
static bool brief_job_stops(void) {
    static MX_THREAD_LOCAL unsigned jobs;
    return ++jobs % BRIEF_JOBS == 0 && asked_to_stop(now_ns());
}

static void look_up(job *j, pace *p) {
    int64_t now = now_ns(), took = now - p->begun;
    if (took < BRIEF_NS && p->step <= j->n / 2)
        p->step *= 2;
    else if (took > 4 * BRIEF_NS && p->step / 2 >= j->watch->grain)
        p->step /= 2;
    p->begun = now;
    if (p->asks && asked_to_stop(now))
        atomic_store(&j->watch->stopped, true);
}

static void run_in_steps(job *j, pace *p, int64_t begin, int64_t end) {
    while (begin < end && !stopped(j)) {
        int64_t most = p->step < end - begin ? p->step : end - begin;
        j->body(j->ctx, begin, begin + most);
        begin += most;
        look_up(j, p);
    }
}

/* A worker leaves a job that is to pause; its caller waits. False: leave it. */
static bool take_turn(const job *j, bool caller) {
    while (caller && !mx_turn_is_mine(j->priority))
        mx_turn_wait(j->priority);
    return caller || mx_turn_is_mine(j->priority);
}

/* A piece's begin and end, from this thread's share or the next one that has any; false: none. */
static bool take_piece(job *j, int *own_share, int64_t *begin, int64_t *end) {
    for (int tried = 0; tried < j->shares; tried++) {
        share *s = &j->share[*own_share];
        if (atomic_load_explicit(&s->next, memory_order_relaxed) < s->end) {
            *begin = atomic_fetch_add_explicit(&s->next, j->piece, memory_order_relaxed);
            *end = s->end - *begin < j->piece ? s->end : *begin + j->piece;
            if (*begin < s->end)
                return true;
        }
        *own_share = (*own_share + 1) % j->shares;
    }
    return false;
}

static void work_on(job *j, bool caller) {
    pace p = {.asks = caller};
    int own_share = caller ? 0 : worker_id % j->shares;
    int64_t begin, end;
    if (j->watch) {
        p.step = j->watch->grain;
        p.begun = now_ns();
    }
    in_body = true;
    while (!stopped(j) && take_turn(j, caller) && take_piece(j, &own_share, &begin, &end)) {
        if (j->watch)
            run_in_steps(j, &p, begin, end);
        else
            j->body(j->ctx, begin, end);
    }
    in_body = false;
}

static bool has_pieces(job *j) {
    for (int i = 0; i < j->shares; i++)
        if (atomic_load_explicit(&j->share[i].next, memory_order_relaxed) < j->share[i].end)
            return true;
    return false;
}

/* ---- workers ---- */

static bool has_room(job *j) {
    return (atomic_load_explicit(&j->inside, memory_order_relaxed) & ~ASLEEP) < j->threads - 1;
}

/* A job with pieces left for this worker, entered; or NULL. */
static job *enter_job(int id) {
    mx_lock(MX_LOCK_POOL);
    job *j = pool.jobs;
    while (j && !(id < j->ids && has_pieces(j) && has_room(j) && mx_turn_is_mine(j->priority)))
        j = j->link;
    if (j)
        atomic_fetch_add_explicit(&j->inside, 1, memory_order_relaxed);
    mx_unlock(MX_LOCK_POOL);
    return j;
}

/* After this the job may be gone. */
static void leave_job(job *j) {
    if (atomic_fetch_sub_explicit(&j->inside, 1, memory_order_acq_rel) == (ASLEEP | 1))
        mx_word_wake(&j->inside, 1);
}

/* True when the pool has shrunk below this worker, which then counts as ended. */
static bool retire(int id) {
    mx_lock(MX_LOCK_POOL);
    bool end = id >= pool.target;
    if (end)
        pool.alive[id] = false;
    mx_unlock(MX_LOCK_POOL);
    return end;
}

static void *run_worker(void *arg) {
    int id = (int)(intptr_t)arg;
    worker_id = id;
    mx_fenv_default();
    for (;;) {
        int seen = atomic_load_explicit(&pool.epoch, memory_order_acquire);
        job *j;
        while ((j = enter_job(id))) {
            mx_processor_leave(j->cpu);
            work_on(j, false);
            leave_job(j);
        }
        if (retire(id))
            return NULL;
        wait_for_epoch(seen);
    }
}

/* A detached thread with all signals blocked. */
static bool start_worker(int id) {
    pthread_attr_t attr;
    if (pthread_attr_init(&attr))
        return false;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigset_t former;
    mx_signals_hold(&former);
    pthread_t thread;
    int failed = pthread_create(&thread, &attr, run_worker, (void *)(intptr_t)id);
    mx_signals_give(&former);
    pthread_attr_destroy(&attr);
    return !failed;
}

/* ---- size ---- */

static int default_threads(void) {
    const char *text = getenv("MLX_NUM_THREADS");
    long n = text ? strtol(text, NULL, 10) : 0;
    if (n <= 0)
        n = mx_cpuinfo_get()->processors;
    return n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : (int)n;
}

static void lock_pool(void) {
    mx_lock(MX_LOCK_POOL);
}

static void unlock_pool(void) {
    mx_unlock(MX_LOCK_POOL);
}

/* The child has one thread: the pool starts again at its next use. */
static void reset_in_child(void) {
    pool.jobs = NULL;
    memset(pool.alive, 0, sizeof pool.alive);
    atomic_store(&pool.ready, 0);
    atomic_store(&pool.sleepers, 0);
}

static void handle_forks(void) {
    mx_fork_child(reset_in_child);
}

/* Decides the size and starts what is missing. Where threads are refused the rest do the work.
   */
static int start_pool(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, handle_forks);
    lock_pool();
    if (!pool.target)
        pool.target = default_threads();
    for (int i = 1; i < pool.target; i++)
        if (!pool.alive[i])
            pool.alive[i] = start_worker(i);
    int n = pool.target;
    atomic_store_explicit(&pool.ready, n, memory_order_release);
    unlock_pool();
    return n;
}

int mx_pool_threads(void) {
    int n = atomic_load_explicit(&pool.ready, memory_order_acquire);
    return n ? n : start_pool();
}

void mx_pool_set_threads(int n) {
    lock_pool();
    pool.target = n <= 0 ? default_threads() : n > MOST_THREADS ? MOST_THREADS : n;
    atomic_store(&pool.ready, 0);
    atomic_fetch_add(&pool.epoch, 1);
    unlock_pool();
    mx_word_wake(&pool.epoch, INT_MAX);
}

void mx_pool_wake(void) {
    atomic_fetch_add(&pool.epoch, 1);
    mx_word_wake(&pool.epoch, INT_MAX);
}

int mx_pool_worker_id(void) {
    return worker_id;
}

/* ---- callers ---- */

static void publish(job *j) {
    lock_pool();
    j->link = pool.jobs;
    pool.jobs = j;
    atomic_fetch_add(&pool.epoch, 1);
    unlock_pool();
    int64_t helpers = (j->n - 1) / j->piece;
    if (atomic_load(&pool.sleepers) > 0)
        mx_word_wake(&pool.epoch, helpers < j->threads - 1 ? (int)helpers : j->threads - 1);
}

static void withdraw(job *j) {
    lock_pool();
    job **at = &pool.jobs;
    while (*at != j)
        at = &(*at)->link;
    *at = j->link;
    unlock_pool();
}

static void wait_until_left(job *j) {
    int inside;
    while ((inside = atomic_load_explicit(&j->inside, memory_order_acquire)) & ~ASLEEP)
        if (!spin_until_changed(&j->inside, inside)) {
            atomic_fetch_or(&j->inside, ASLEEP);
            mx_word_wait(&j->inside, inside | ASLEEP, NULL);
        }
}

static int64_t whole_lines(int64_t piece) {
    bool small = piece < 4 * PIECE_MULTIPLE || piece > INT64_MAX - PIECE_MULTIPLE;
    return small ? piece : (piece + PIECE_MULTIPLE - 1) / PIECE_MULTIPLE * PIECE_MULTIPLE;
}

static int64_t piece_of(int64_t n, int64_t grain, int threads) {
    int64_t pieces = (int64_t)threads * PIECES_EACH;
    int64_t piece = n / pieces + (n % pieces != 0);
    return whole_lines(piece < grain ? grain : piece);
}

/* Each thread's share, in pieces. */
static void deal_out(job *j, int shares) {
    int64_t pieces = (j->n - 1) / j->piece + 1, dealt = 0;
    j->shares = shares;
    for (int i = 0; i < shares; i++) {
        int64_t end = dealt + (pieces - dealt) / (shares - i);
        atomic_init(&j->share[i].next, dealt * j->piece);
        j->share[i].end = end == pieces ? j->n : end * j->piece;
        dealt = end;
    }
}

static void run_shared(job *j, int64_t grain) {
    j->piece = piece_of(j->n, grain, j->threads);
    deal_out(j, j->threads < MOST_SHARES ? j->threads : MOST_SHARES);
    publish(j);
    work_on(j, true);
    withdraw(j);
    wait_until_left(j);
}

static void run_alone(job *j) {
    j->piece = j->n;
    deal_out(j, 1);
    work_on(j, true);
}

/* All but its pieces and shares, most of which are never written. */
static void begin_job(job *j, int64_t n, int threads, mx_range_body *body, void *ctx) {
    j->body = body;
    j->ctx = ctx;
    j->n = n;
    j->threads = threads;
    j->ids = mx_pool_threads();
    j->cpu = mx_processor();
    j->priority = mx_turn_priority();
    j->watch = NULL;
    j->link = NULL;
    atomic_init(&j->inside, 0);
}

static int threads_for(int64_t n, int64_t grain) {
    int most = mx_turn_threads();
    if (in_body || n / 2 < grain || most == 1)
        return 1;
    int all = mx_pool_threads();
    return most && most < all ? most : all;
}

void mx_parallel_for(int64_t n, int64_t grain, mx_range_body *body, void *ctx) {
    if (n <= 0)
        return;
    if (grain < 1)
        grain = 1;
    int threads = threads_for(n, grain);
    if (threads == 1) {
        body(ctx, 0, n);
        return;
    }
    job j;
    begin_job(&j, n, threads, body, ctx);
    run_shared(&j, grain);
}

bool mx_parallel_for_long(int64_t n, int64_t grain, mx_range_body *body, void *ctx) {
    watch w = {.grain = whole_lines(grain < 1 ? 1 : grain)};
    if (n <= 0)
        return true;
    if (in_body || n / 2 < w.grain) {
        body(ctx, 0, n);
        return in_body || !brief_job_stops();
    }
    job j;
    begin_job(&j, n, threads_for(n, w.grain), body, ctx);
    j.watch = &w;
    if (j.threads == 1)
        run_alone(&j);
    else
        run_shared(&j, w.grain);
    return !atomic_load(&w.stopped);
}

/* ---- scratch ---- */

typedef struct scratch {
    void *slot[MX_SCRATCH_SLOTS];
    size_t room[MX_SCRATCH_SLOTS];
} scratch;

static pthread_key_t scratch_key;
static bool scratch_key_made;
static MX_THREAD_LOCAL scratch *own;

static void free_scratch(void *arg) {
    scratch *s = arg;
    for (int i = 0; i < MX_SCRATCH_SLOTS; i++)
        free(s->slot[i]);
    free(s);
    own = NULL;
}

static void make_scratch_key(void) {
    scratch_key_made = pthread_key_create(&scratch_key, free_scratch) == 0;
}

static scratch *own_scratch(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_scratch_key);
    scratch *s = scratch_key_made ? calloc(1, sizeof *s) : NULL;
    if (s && pthread_setspecific(scratch_key, s)) {
        free(s);
        s = NULL;
    }
    return own = s;
}

static void *grow_scratch(scratch *s, int slot, size_t bytes) {
    size_t room = (bytes + bytes / 4 + 4095) & ~(size_t)4095;
    void *p = room > bytes && mx_alloc_allowed() ? aligned_alloc(64, room) : NULL;
    if (!p)
        return NULL;
    free(s->slot[slot]);
    s->slot[slot] = p;
    s->room[slot] = room;
    return p;
}

void *mx_scratch(int slot, size_t bytes) {
    scratch *s = own ? own : own_scratch();
    if (!s)
        return NULL;
    return s->slot[slot] && bytes <= s->room[slot] ? s->slot[slot] : grow_scratch(s, slot, bytes);
}
