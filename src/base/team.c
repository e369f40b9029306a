/* See team.h.
 *
 *     ticket   number of the job (24 bits) | its pieces (20) | the next piece (20)
 *
 * A thread takes a piece by raising the ticket. The job's body and context are written before its
 * ticket appears, and change only when all its pieces are done: whoever got a piece had the right
 * ones. Longer jobs are cut in pieces of several.
 */
#define _GNU_SOURCE
#include "base/team.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/pause.h"

enum { FIELD = 20, MOST = (1 << FIELD) - 1, SPINS = 4000 };

typedef struct team {
    _Atomic uint64_t ticket;
    char apart[56];       /* the leader waits on another line than the others */
    _Atomic int64_t left; /* pieces that are not done */
    _Atomic(mx_range_body *) body;
    _Atomic(void *) ctx;
    _Atomic int64_t n, piece; /* elements; of a piece */
    atomic_bool over;
    mx_team_lead *lead;
    void *lead_ctx;
    int threads;
    bool led;
} team;

static _Thread_local team *own __attribute__((tls_model("initial-exec")));
static _Thread_local team *starting __attribute__((tls_model("initial-exec")));

/* Another thread may need this processor to go on. */
static void wait_a_little(int *spins) {
    if (++*spins % SPINS)
        mx_pause();
    else
        sched_yield();
}

/* Takes a piece and does it; false: there was none. */
static bool do_piece(team *t) {
    uint64_t ticket = atomic_load_explicit(&t->ticket, memory_order_acquire);
    int64_t i = (int64_t)(ticket & MOST), pieces = (int64_t)(ticket >> FIELD & MOST);
    if (i >= pieces)
        return false;
    mx_range_body *body = atomic_load_explicit(&t->body, memory_order_relaxed);
    void *ctx = atomic_load_explicit(&t->ctx, memory_order_relaxed);
    int64_t n = atomic_load_explicit(&t->n, memory_order_relaxed);
    int64_t piece = atomic_load_explicit(&t->piece, memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(&t->ticket, &ticket, ticket + 1,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return true;
    int64_t end = (i + 1) * piece < n ? (i + 1) * piece : n;
    for (int64_t at = i * piece; at < end; at++)
        body(ctx, at, at + 1);
    atomic_fetch_sub_explicit(&t->left, 1, memory_order_release);
    return true;
}

static void stand_by(team *t) {
    for (int spins = 0; !atomic_load_explicit(&t->over, memory_order_acquire);)
        if (do_piece(t))
            spins = 0;
        else
            wait_a_little(&spins);
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
    atomic_store_explicit(&t->over, true, memory_order_release);
}

void mx_team_run(mx_team_lead *lead, void *ctx) {
    team t = {.lead = lead, .lead_ctx = ctx, .threads = mx_pool_threads()};
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

void mx_team_for(int64_t n, mx_range_body *body, void *ctx) {
    team *t = own;
    if (!t || t->threads == 1 || n <= 1) {
        own = NULL;
        serially(n, body, ctx);
        own = t;
        return;
    }
    int64_t piece = (n + MOST - 1) / MOST, pieces = (n + piece - 1) / piece;
    atomic_store_explicit(&t->body, body, memory_order_relaxed);
    atomic_store_explicit(&t->ctx, ctx, memory_order_relaxed);
    atomic_store_explicit(&t->n, n, memory_order_relaxed);
    atomic_store_explicit(&t->piece, piece, memory_order_relaxed);
    atomic_store_explicit(&t->left, pieces, memory_order_relaxed);
    uint64_t job = (atomic_load_explicit(&t->ticket, memory_order_relaxed) >> 2 * FIELD) + 1;
    uint64_t ticket = job << 2 * FIELD | (uint64_t)pieces << FIELD;
    atomic_store_explicit(&t->ticket, ticket, memory_order_release);
    own = NULL; // what a body starts is a loop
    while (do_piece(t))
        ;
    for (int spins = 0; atomic_load_explicit(&t->left, memory_order_acquire) > 0;)
        wait_a_little(&spins);
    own = t;
}

int mx_team_size(void) {
    return own ? own->threads : 1;
}
