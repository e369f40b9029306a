/* Evaluations under way: see evaluation.h. */
#include "graph/eval/evaluation.h"

#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/thread_local.h"
#include "base/threads/lock.h"
#include "base/threads/pool.h"
#include "base/threads/turn.h"
#include "graph/array/deferred.h"
#include "graph/array/node.h"
#include "graph/eval/eval.h"
#include "graph/eval/share.h"
#include "graph/profile/trace_file.h"

enum { MOST_KEPT = 8 };

/* Under the lock. */
static struct {
    mx_evaluation *active;
    mx_evaluation *idle; /* their rooms are used again */
    int n_idle;
    uint16_t last_number;
    int waiting; /* threads */
    bool closed; /* a fork waits for those under way */
} all;

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static MX_THREAD_LOCAL mx_evaluation *inner;

/* --- the lock --------------------------------------------------------------------------------- */

void mx_eval_lock(void) {
    mx_lock(MX_LOCK_EVAL);
    mx_deferred_begin();
}

void mx_eval_unlock(void) {
    mx_unlock(MX_LOCK_EVAL);
    mx_deferred_end();
}

/* False: the host has had enough. */
static bool wait_for_change(void) {
    all.waiting++;
    bool go_on = mx_lock_wait(MX_LOCK_EVAL, &changed);
    all.waiting--;
    return go_on;
}

/* --- claims ----------------------------------------------------------------------------------- */

static mx_evaluation *numbered(uint16_t number) {
    mx_evaluation *e = all.active;
    while (e && e->number != number)
        e = e->next;
    return e;
}

/* Numbers come again after 65,535 evaluations: what a failed one has left claimed may then be
   waited for once without need. */
static uint16_t new_number(void) {
    do
        all.last_number++;
    while (!all.last_number || numbered(all.last_number));
    return all.last_number;
}

/* Who computes some node of the plan already; NULL: nobody. */
static const mx_evaluation *rival(const mx_plan *p) {
    const mx_evaluation *found = NULL;
    for (int32_t i = 0; all.active && i < p->n_step && !found; i++)
        if (p->step[i].node->claim)
            found = numbered(p->step[i].node->claim);
    return found;
}

static bool is_around(const mx_evaluation *e) {
    const mx_evaluation *at = inner;
    while (at && at != e)
        at = at->outer;
    return at != NULL;
}

/* Until it has ended. */
static bool wait_for(const mx_evaluation *e) {
    uint16_t number = e->number;
    if (is_around(e))
        return mx_fail(MX_INVALID, "[eval] a function that is called to compute an array asks for "
                                   "that array, or for one that is computed with it.");
    bool ok = true;
    while (ok && numbered(number))
        ok = wait_for_change();
    return ok;
}

/* A plan of nodes that nobody else has claimed. */
static bool plan_alone(mx_plan *p, mx_array *const *arrays, int n) {
    const mx_evaluation *other;
    bool ok = mx_plan_order(p, arrays, n);
    while (ok && (other = rival(p)))
        ok = wait_for(other) && mx_plan_order(p, arrays, n);
    return ok;
}

static void claim(const mx_evaluation *e) {
    for (int32_t i = 0; i < e->plan.n_step; i++)
        e->plan.step[i].node->claim = e->number;
}

/* --- turns ------------------------------------------------------------------------------------ */

/* With none under way it stays where it is, or falls to 0: nothing changes where all have 0. */
static void update_turn(void) {
    int now = atomic_load(&mx_turn_highest), most = now > 0 ? 0 : now;
    if (all.active)
        most = all.active->priority;
    for (const mx_evaluation *e = all.active; e; e = e->next)
        most = e->priority > most ? e->priority : most;
    if (mx_turn_change(most))
        mx_pool_wake();
}

/* --- fork: a child has none ------------------------------------------------------------------- */

static bool others_run(void) {
    for (const mx_evaluation *e = all.active; e; e = e->next)
        if (!is_around(e))
            return true;
    return false;
}

static void before_fork(void) {
    all.closed = true;
    mx_turn_change(MX_TURN_ALL);
    all.waiting++;
    while (others_run())
        pthread_cond_wait(&changed, mx_lock_mutex(MX_LOCK_EVAL));
    all.waiting--;
}

static void after_fork(void) {
    all.closed = false;
    update_turn();
    pthread_cond_broadcast(&changed);
}

static void in_child(void) {
    pthread_cond_init(&changed, NULL);
    all.waiting = 0;
}

__attribute__((constructor)) static void prepare(void) {
    mx_fork_quiet(before_fork, after_fork);
    mx_fork_child(in_child);
}

/* --- begin and end ---------------------------------------------------------------------------- */

static mx_evaluation *take_room(void) {
    mx_evaluation *e = all.idle;
    if (!e)
        return mx_calloc(1, sizeof *e);
    all.idle = e->next;
    all.n_idle--;
    return e;
}

static void give_room(mx_evaluation *e) {
    if (all.n_idle == MOST_KEPT) {
        mx_plan_free(&e->plan);
        for (int i = 0; i < MX_CREW; i++)
            mx_builder_free(&e->builder[i]);
        mx_free(e);
        return;
    }
    e->next = all.idle;
    all.idle = e;
    all.n_idle++;
}

/* Of the last array that is asked for. */
static mx_stream stream_of(const mx_plan *p) {
    return p->n_step ? p->step[p->n_step - 1].node->stream : (mx_stream){.index = -1};
}

/* e is what this thread computes from now on; NULL: nothing. */
static void turn_to(mx_evaluation *e) {
    inner = e;
    mx_turn_set_priority(e ? e->priority : 0);
    mx_turn_set_threads(e ? e->threads : 0);
}

static void enter(mx_evaluation *e) {
    mx_stream s = stream_of(&e->plan);
    e->number = new_number();
    e->priority = mx_stream_priority(s);
    e->threads = mx_stream_threads(s);
    claim(e);
    e->outer = inner;
    turn_to(e);
    e->next = all.active;
    all.active = e;
    update_turn();
}

static bool wait_open(void) {
    bool ok = true;
    while (ok && all.closed && !inner)
        ok = wait_for_change();
    return ok;
}

mx_evaluation *mx_evaluation_begin(mx_array *const *arrays, int n) {
    if (!mx_lock_patiently(MX_LOCK_EVAL))
        return NULL;
    mx_evaluation *e = take_room();
    bool ok = e && wait_open() && plan_alone(&e->plan, arrays, n);
    if (ok)
        enter(e);
    else if (e)
        give_room(e);
    mx_unlock(MX_LOCK_EVAL);
    return ok ? e : NULL;
}

static bool is_free(const mx_evaluation *e) {
    const mx_plan *p = &e->plan;
    return !rival(p) && (!p->n_step || mx_turn_is_mine(mx_stream_priority(stream_of(p))));
}

static bool plan_small(mx_plan *p, mx_array *const *arrays, int n, double work) {
    p->small = true;
    p->left = work;
    bool ok = mx_plan_order(p, arrays, n);
    p->small = false;
    return ok;
}

mx_evaluation *mx_evaluation_begin_small(mx_array *const *arrays, int n, double work) {
    if (!mx_lock_try(MX_LOCK_EVAL))
        return NULL;
    mx_deferred_begin();
    mx_evaluation *e = take_room();
    bool ok = e && !all.closed && plan_small(&e->plan, arrays, n, work) && is_free(e);
    if (ok)
        enter(e);
    else if (e)
        give_room(e);
    mx_unlock(MX_LOCK_EVAL);
    mx_deferred_end();
    return ok ? e : NULL;
}

void mx_evaluation_end(mx_evaluation *e) {
    mx_evaluation **at = &all.active;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    turn_to(e->outer);
    update_turn();
    give_room(e);
    if (all.waiting)
        pthread_cond_broadcast(&changed);
}

bool mx_evaluation_turn(const mx_evaluation *e) {
    while (!mx_turn_is_mine(e->priority)) {
        mx_turn_wait(e->priority);
        if (mx_interrupted())
            return false;
    }
    return true;
}

/* --- MLX_TRACE: of a static library a file that nothing calls is left out ---------------- */

__attribute__((constructor)) static void begin_trace(void) {
    mx_trace_env_begin();
}
__attribute__((destructor)) static void end_trace(void) {
    mx_trace_env_end();
}
