/* What an operation costs by its shapes: bytes that it must read, and operations on numbers.
 *
 * One row for each family of primitives (cost.c). The conventions: an addition, a product, a
 * comparison, an exponential count as one each, a multiplication with an addition as two; bytes are
 * those of the arrays, each once, as if the cache held everything; integers count as floats do,
 * complex products as eight. What only moves or views counts nothing.
 */
#ifndef MX_GRAPH_COST_H
#define MX_GRAPH_COST_H

#include "graph/watch/task.h"

typedef struct mx_cost {
    uint64_t read;
    double flops;
} mx_cost;

/* About how many simple operations on single elements a node that is still to be run takes, by its
   shapes; INFINITY where they do not say, or where it may wait: for a file, for LAPACK, for a
   function of the program. */
double mx_node_work(const mx_node *n);

/* Before it runs, while its inputs have their memory. */
mx_cost mx_task_cost(const mx_task *t);
/* After it has run: bytes of the outputs that it wrote; 0 for those that are views. */
uint64_t mx_task_written(const mx_task *t);
/* Is it more than a view? If not, it has read nothing either. */
bool mx_task_moves(const mx_task *t, uint64_t written);

#endif
