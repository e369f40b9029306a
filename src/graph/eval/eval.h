/* Evaluation: computing pending arrays.
 *
 *     order     the nodes still needed, an iterative walk (walk.h)
 *     fuse      pointwise nodes of one shape and stage become programs (fuse.c)
 *     run       unit by unit; an array becomes available and lets go of its node
 *
 * Evaluations of several threads run side by side where they share no pending array
 * (evaluation.h). Whoever finds an array available returns at once. When a unit fails, it and
 * what depends on it stay pending, everything else is intact, and the same eval may be tried again.
 */
#ifndef MX_GRAPH_EVAL_H
#define MX_GRAPH_EVAL_H

#include "graph/array/array.h"

bool mx_eval(mx_array *const *arrays, int n);
static inline bool mx_eval1(mx_array *a) {
    return mx_eval(&a, 1);
}
/* The same where they need at most `work` (watch/cost.h: mx_node_work) and no other thread; else
   *done is false and nothing has happened. */
bool mx_eval_small(mx_array *const *arrays, int n, double work, bool *done);
/* Queue them on their stream and return; errors show when the array is next asked for. */
bool mx_async_eval(mx_array *const *arrays, int n);
/* The lock of arrays' nodes, for walks of graphs that others may evaluate (printing, export). */
void mx_eval_lock(void);
void mx_eval_unlock(void);

#endif
