/* Threads that stand by (base/threads/team.h): every piece once, with any number of threads. */
#include "check.h"
#include "base/threads/team.h"

#include <pthread.h>
#include <stdatomic.h>

enum { JOBS = 3000, MOST = 64 };

typedef struct chain {
    int64_t n;
    int count[MOST];
    int wrong, teams;
} chain;

static void once_more(void *ctx, int64_t begin, int64_t end) {
    chain *c = ctx;
    for (int64_t i = begin; i < end; i++)
        c->count[i]++;
}

/* Jobs that follow each other: each sees all of the one before. */
static void lead(void *ctx) {
    chain *c = ctx;
    c->teams = mx_team_size();
    for (int j = 0; j < JOBS; j++) {
        c->n = 1 + j % MOST;
        mx_team_for(c->n, once_more, c);
        for (int64_t i = 0; i < MOST; i++) {
            c->wrong += c->count[i] != (i < c->n);
            c->count[i] = 0;
        }
    }
}

static void chains(void) {
    for (int threads = 1; threads <= 4; threads++) {
        chain c = {0};
        mx_pool_set_threads(threads);
        mx_team_run(lead, &c);
        CHECK_EQ_INT(c.wrong, 0);
        CHECK_EQ_INT(c.teams, threads);
    }
    mx_pool_set_threads(0);
}

static void add(void *ctx, int64_t begin, int64_t end) {
    atomic_fetch_add((atomic_llong *)ctx, end - begin);
}

/* Within a body jobs are loops, those of the pool too; n may be more than a ticket counts. */
static void nested(void *ctx, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    mx_team_for(10, add, ctx);
    mx_parallel_for(10, 1, add, ctx);
}

static void lead_nested(void *ctx) {
    mx_team_for(8, nested, ctx);
    mx_team_for(3 << 20, add, ctx);
    mx_team_for(0, add, ctx);
}

/* Shares follow each other, and what is asked for need not exist. */
static void lead_shares(void *ctx) {
    const char *from[8] = {NULL, (const char *)(uintptr_t)4096, (const char *)ctx};
    int shares = mx_team_shares();
    for (int64_t n = 0; n < 20; n++) {
        int64_t before = 0;
        for (int i = 0; i <= shares; i++) {
            CHECK(mx_team_first(n, i) >= before);
            before = mx_team_first(n, i);
        }
        CHECK_EQ_INT(mx_team_first(n, 0), 0);
        CHECK_EQ_INT(before, n);
    }
    for (int i = 0; i < 100; i++) {
        mx_team_ask(from + i % 3, shares, 4096);
        mx_team_for(i, add, ctx);
    }
}

static void shares(void) {
    for (int threads = 2; threads <= 4; threads++) {
        atomic_llong sum = 0;
        mx_pool_set_threads(threads);
        mx_team_run(lead_shares, &sum);
        CHECK_EQ_INT(atomic_load(&sum), 99 * 100 / 2);
    }
    mx_pool_set_threads(0);
    CHECK_EQ_INT(mx_team_shares(), 1);
    CHECK_EQ_INT(mx_team_first(7, 0), 0);
}

static void inside(void) {
    atomic_llong sum = 0;
    mx_pool_set_threads(3);
    mx_team_run(lead_nested, &sum);
    CHECK_EQ_INT(atomic_load(&sum), 8 * 20 + (3 << 20));
    mx_team_for(5, add, &sum); // outside of a team
    CHECK_EQ_INT(atomic_load(&sum), 8 * 20 + (3 << 20) + 5);
    CHECK_EQ_INT(mx_team_size(), 1);
    mx_pool_set_threads(0);
}

static void *another(void *ctx) {
    mx_team_run(lead, ctx);
    return NULL;
}

/* Two teams at once share the pool's threads. */
static void side_by_side(void) {
    chain a = {0}, b = {0};
    pthread_t thread;
    mx_pool_set_threads(3);
    bool started = CHECK(pthread_create(&thread, NULL, another, &a) == 0);
    mx_team_run(lead, &b);
    if (started)
        pthread_join(thread, NULL);
    CHECK_EQ_INT(a.wrong + b.wrong, 0);
    mx_pool_set_threads(0);
}

int main(void) {
    RUN(chains);
    RUN(inside);
    RUN(shares);
    RUN(side_by_side);
    return check_done();
}
