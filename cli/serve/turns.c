/* Turns: see turns.h. */
#include "serve/turns.h"

#include <stddef.h>
#include <time.h>

#include "bench/limits.h"
#include "output/output.h"

enum { SLICE = 20, ASKED = 20 }; // milliseconds: of a turn; between two questions whether to stop

void srv_turns_begin(srv_turns *t) {
    *t = (srv_turns){.free = (cli_threads() + 1) / 2};
    t->of_new.end = &t->of_new.first;
    t->returned.end = &t->returned.first;
    pthread_mutex_init(&t->lock, NULL);
}

void srv_turns_end(srv_turns *t) {
    pthread_mutex_destroy(&t->lock);
}

/* --- lines, under the lock -------------------------------------------------------------------- */

static void join(srv_line *l, srv_turn *mine) {
    mine->next = NULL;
    *l->end = mine;
    l->end = &mine->next;
}

static void leave(srv_line *l, const srv_turn *mine) {
    srv_turn **at = &l->first;
    while (*at && *at != mine)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = mine->next;
    if (!*at)
        l->end = at;
}

static void begin(srv_turn *mine) {
    mine->has = true;
    mine->since = cli_seconds();
    pthread_cond_signal(&mine->given);
}

/* The turn that has become free is somebody's. */
static void hand_over(srv_turns *t) {
    bool of_new = t->of_new.first && !(t->was_new && t->returned.first);
    srv_line *l = of_new ? &t->of_new : &t->returned;
    srv_turn *next = l->first;
    if (!next) {
        t->free++;
        return;
    }
    t->was_new = of_new;
    leave(l, next);
    begin(next);
}

static void wait_a_while(srv_turns *t, srv_turn *mine) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ASKED * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&mine->given, &t->lock, &until);
}

static bool wait_in(srv_turns *t, srv_line *l, srv_turn *mine, srv_stopped *stopped, void *data) {
    join(l, mine);
    while (!mine->has && !stopped(data))
        wait_a_while(t, mine);
    if (!mine->has)
        leave(l, mine);
    return mine->has;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void make(srv_turn *mine) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    *mine = (srv_turn){0};
    pthread_cond_init(&mine->given, &clock);
    pthread_condattr_destroy(&clock);
}

bool srv_turns_take(srv_turns *t, srv_turn *mine, srv_stopped *stopped, void *data) {
    make(mine);
    pthread_mutex_lock(&t->lock);
    if (t->free) {
        t->free--;
        begin(mine);
    }
    bool ok = mine->has || wait_in(t, &t->of_new, mine, stopped, data);
    pthread_mutex_unlock(&t->lock);
    return ok;
}

bool srv_turns_pass(srv_turns *t, srv_turn *mine, srv_stopped *stopped, void *data) {
    if (!mine->has || cli_seconds() < mine->since + SLICE / 1e3)
        return mine->has;
    pthread_mutex_lock(&t->lock);
    if (t->of_new.first || t->returned.first) {
        mine->has = false;
        hand_over(t);
        wait_in(t, &t->returned, mine, stopped, data);
    }
    pthread_mutex_unlock(&t->lock);
    return mine->has;
}

void srv_turns_give(srv_turns *t, srv_turn *mine) {
    pthread_mutex_lock(&t->lock);
    if (mine->has)
        hand_over(t);
    mine->has = false;
    pthread_mutex_unlock(&t->lock);
    pthread_cond_destroy(&mine->given);
}
