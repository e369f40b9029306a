/* See team.h.
 *
 *     ticket   number of the job (24 bits) | the end of a share (20) | its next piece (20)
 *
 * A job's pieces are dealt out in shares, one for each thread. A thread takes the pieces of its
 * own share one after the other, by raising the ticket, and then those that are left of others':
 * so what it reads goes on where it was. A share has all that is to be known of the job, in one
 * line of the cache; it is written before the ticket appears, and changes only when all pieces of
 * the job are done: whoever got a piece had the right ones. Longer jobs are cut in pieces of
 * several.
 *
 * Lines that several threads write are what such jobs cost. So a thread says once how many pieces
 * it has done, not for each, and looks at the shares of others only when it is done with its own:
 * when it has found nothing it waits for a ticket of the next job.
 */
#define _GNU_SOURCE
#include "base/threads/team.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/thread_local.h"
#include "base/threads/pause.h"

enum {
    FIELD = 20,
    MOST = (1 << FIELD) - 1,
    SPINS = 4000,
    SHARES = 64,
    ASK = 256 /* bytes at a time */
};

typedef struct share {
    _Alignas(64) _Atomic uint64_t ticket;
    _Atomic(mx_range_body *) body;
    _Atomic(void *) ctx;
    _Atomic int64_t n, piece;  /* elements; of a piece */
    _Atomic(const char *) ask; /* what its thread is to ask for */
    atomic_bool over;
} share;

typedef struct asking {
    const char *from;
    size_t done;
} asking;

typedef struct team {
    share share[SHARES];
    _Alignas(64) _Atomic int64_t left; /* pieces that are not done */
    _Alignas(64) mx_team_lead *lead;
    void *lead_ctx;
    int threads, shares;
    atomic_int members;         /* that have begun, the leader among them */
    _Atomic size_t asked_bytes; /* of each */
    uint64_t jobs;
    asking asking; /* of the leader */
    bool led;
} team;

static MX_THREAD_LOCAL team *own;
static MX_THREAD_LOCAL team *starting;

/* Another thread may need this processor to go on. */
static void wait_a_little(int *spins) {
    if (++*spins % SPINS)
        mx_pause();
    else
        sched_yield();
}

/* Asks for some more of what is read soon; false: all was asked for. */
static bool ask_some(team *t, const share *of, asking *a) {
    const char *from = atomic_load_explicit(&of->ask, memory_order_relaxed);
    if (from != a->from)
        *a = (asking){from, 0};
    if (!from || a->done >= atomic_load_explicit(&t->asked_bytes, memory_order_relaxed))
        return false;
    for (int i = 0; i < ASK; i += 64)
        __builtin_prefetch(from + a->done + i, 0, 2);
    a->done += ASK;
    return true;
}

/* Takes a piece of a share and does it, and counts it; false: there was none. */
static bool do_piece(share *of, int64_t *done) {
    uint64_t ticket = atomic_load_explicit(&of->ticket, memory_order_acquire);
    int64_t i = (int64_t)(ticket & MOST), end = (int64_t)(ticket >> FIELD & MOST);
    if (i >= end)
        return false;
    mx_range_body *body = atomic_load_explicit(&of->body, memory_order_relaxed);
    void *ctx = atomic_load_explicit(&of->ctx, memory_order_relaxed);
    int64_t n = atomic_load_explicit(&of->n, memory_order_relaxed);
    int64_t piece = atomic_load_explicit(&of->piece, memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(&of->ticket, &ticket, ticket + 1,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return true;
    int64_t last = (i + 1) * piece < n ? (i + 1) * piece : n;
    for (int64_t at = i * piece; at < last; at++)
        body(ctx, at, at + 1);
    ++*done;
    return true;
}

/* All that is left of its own share, then one piece of another's; false: there was none. */
static bool do_some(team *t, int own_share) {
    int64_t done = 0;
    while (do_piece(&t->share[own_share], &done))
        ;
    bool any = done > 0;
    for (int i = 1; !any && i < t->shares; i++)
        any = do_piece(&t->share[(own_share + i) % t->shares], &done);
    if (done)
        atomic_fetch_sub_explicit(&t->left, done, memory_order_release);
    return any;
}

static void stand_by(team *t) {
    int me = atomic_fetch_add(&t->members, 1) % t->shares, spins = 0;
    share *mine = &t->share[me];
    asking a = {NULL, 0};
    uint64_t seen = 0; // the ticket of the job of which there was nothing left
    while (!atomic_load_explicit(&mine->over, memory_order_acquire)) {
        uint64_t ticket = atomic_load_explicit(&mine->ticket, memory_order_relaxed);
        if (ticket != seen && do_some(t, me)) {
            spins = 0;
            continue;
        }
        seen = ticket;
        if (!ask_some(t, mine, &a))
            wait_a_little(&spins);
    }
}

static void member(void *ctx, int64_t begin, int64_t end) {
    team *t = ctx;
    (void)begin, (void)end;
    if (starting != t) {
        stand_by(t);
        return;
    }
    if (t->led)
        return;
    t->led = true;
    own = t;
    t->lead(t->lead_ctx);
    own = NULL;
    for (int i = 0; i < t->shares; i++)
        atomic_store_explicit(&t->share[i].over, true, memory_order_release);
}

void mx_team_run(mx_team_lead *lead, void *ctx) {
    team t = {.lead = lead, .lead_ctx = ctx, .threads = mx_pool_threads(), .members = 1};
    t.shares = t.threads < SHARES ? t.threads : SHARES;
    team *former = starting, *outer = own;
    starting = &t;
    mx_parallel_for(t.threads, 1, member, &t);
    starting = former;
    own = outer;
}

static void serially(int64_t n, mx_range_body *body, void *ctx) {
    for (int64_t i = 0; i < n; i++)
        body(ctx, i, i + 1);
}

/* A job of `pieces` as shares, the leader's last: others begin meanwhile. */
static void deal_out(team *t, const share *job, int64_t pieces) {
    uint64_t number = ++t->jobs;
    for (int64_t i = t->shares - 1; i >= 0; i--) {
        share *s = &t->share[i];
        uint64_t from = (uint64_t)(i * pieces / t->shares);
        uint64_t end = (uint64_t)((i + 1) * pieces / t->shares);
        atomic_store_explicit(&s->body, job->body, memory_order_relaxed);
        atomic_store_explicit(&s->ctx, job->ctx, memory_order_relaxed);
        atomic_store_explicit(&s->n, job->n, memory_order_relaxed);
        atomic_store_explicit(&s->piece, job->piece, memory_order_relaxed);
        atomic_store_explicit(&s->ticket, number << 2 * FIELD | end << FIELD | from,
                              memory_order_release);
    }
}

void mx_team_for(int64_t n, mx_range_body *body, void *ctx) {
    team *t = own;
    if (!t || t->threads == 1 || n <= 1) {
        own = NULL;
        serially(n, body, ctx);
        own = t;
        return;
    }
    share job = {.body = body, .ctx = ctx, .n = n, .piece = (n + MOST - 1) / MOST};
    int64_t pieces = (n + job.piece - 1) / job.piece;
    atomic_store_explicit(&t->left, pieces, memory_order_relaxed);
    deal_out(t, &job, pieces);
    own = NULL; // what a body starts is a loop
    while (do_some(t, 0))
        ;
    for (int spins = 0; atomic_load_explicit(&t->left, memory_order_acquire) > 0;)
        if (!ask_some(t, &t->share[0], &t->asking))
            wait_a_little(&spins);
    own = t;
}

int mx_team_size(void) {
    return own ? own->threads : 1;
}

int mx_team_shares(void) {
    return own ? own->shares : 1;
}

int64_t mx_team_first(int64_t n, int number) {
    return own ? number * n / own->shares : 0;
}

void mx_team_ask(const char *const *from, int shares, size_t bytes) {
    if (!own)
        return;
    atomic_store_explicit(&own->asked_bytes, bytes, memory_order_relaxed);
    for (int i = 0; i < shares && i < own->shares; i++)
        atomic_store_explicit(&own->share[i].ask, from[i], memory_order_relaxed);
}
