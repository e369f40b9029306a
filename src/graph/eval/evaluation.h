/* Evaluations under way, any number at once.
 *
 *     begin    under the lock: the walk from the arrays (order.c), and a claim on each node of the
 *              plan. Where another evaluation has claimed one, it is waited for, with nothing
 *              claimed, and the walk is made again
 *     run      without the lock. What walks of others read, an array's state and its node, changes
 *              under it (settle)
 *     turn     between units: an evaluation of a higher priority goes first
 *     end      whoever waits is told; under the lock, as it is when the last array becomes
 *              available
 *
 * So evaluations that share no pending array run side by side, and no node is ever computed by
 * two. Nobody who has claimed something waits for a claim, but one that is made by a function of
 * the host from within another of the same thread.
 */
#ifndef MX_GRAPH_EVALUATION_H
#define MX_GRAPH_EVALUATION_H

#include "graph/eval/beside.h"
#include "graph/eval/plan.h"

typedef struct mx_evaluation {
    struct mx_evaluation *next;  /* under way, or kept for later */
    struct mx_evaluation *outer; /* of this thread, around it */
    uint16_t number;             /* what the claims on its nodes say */
    int priority, threads;       /* its stream's */
    mx_plan plan;
    mx_builder builder[MX_CREW]; /* one for each unit that runs at a time */
} mx_evaluation;

/* NULL and an error: a placeholder was reached, no memory, or the host wants to stop. */
mx_evaluation *mx_evaluation_begin(mx_array *const *arrays, int n);
/* Likewise, but NULL and no error where the plan has more work (mx_node_work), or where it would
   wait: for a lock, a rival, a turn. */
mx_evaluation *mx_evaluation_begin_small(mx_array *const *arrays, int n, double work);
/* Waits while one of a higher priority is under way; false: the host wants to stop. */
bool mx_evaluation_turn(const mx_evaluation *e);
/* Under the lock (mx_eval_lock); e is gone then. */
void mx_evaluation_end(mx_evaluation *e);

#endif
