/* Turns: of threads that compute for long only some do so at a time, each for a little while.
 *
 *     take ──▶ new      ──┐
 *                         ├─▶ a turn: of both lines by turns, the first of the line
 *     pass ──▶ returned ──┘
 *
 * So what takes little is done soon, however many others take long, and the processors are never
 * left to them alone.
 */
#ifndef SERVE_TURNS_H
#define SERVE_TURNS_H

#include <pthread.h>
#include <stdbool.h>

typedef struct srv_turn {
    struct srv_turn *next;
    pthread_cond_t given;
    bool has;
    double since; /* seconds of cli_seconds */
} srv_turn;

typedef struct srv_line {
    srv_turn *first, **end;
} srv_line;

typedef struct srv_turns {
    pthread_mutex_t lock;
    int free; /* turns that nobody has */
    srv_line of_new, returned;
    bool was_new; /* the last that was given */
} srv_turns;

/* For half of the processors. */
void srv_turns_begin(srv_turns *t);
void srv_turns_end(srv_turns *t);

typedef bool srv_stopped(void *data);
/* Wait for a turn. False: there is none, for `stopped` says so, which is asked now and then. */
bool srv_turns_take(srv_turns *t, srv_turn *mine, srv_stopped *stopped, void *data);
/* For who has a turn: when it has taken some time and others wait, it is theirs, until this one's
   comes again. False: it has none any more. */
bool srv_turns_pass(srv_turns *t, srv_turn *mine, srv_stopped *stopped, void *data);
/* Of who has one, or none. */
void srv_turns_give(srv_turns *t, srv_turn *mine);

#endif
