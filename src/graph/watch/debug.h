/* The first NaN, or the first infinity, as an error that names the operation.
 *
 *     outputs of a task have one, its inputs have none
 *         a node        it is the one
 *         a program     run again an operation at a time, until a result has one and its operands
 *                       have none; values do not depend on fusion
 *
 * While this is on inputs are not overwritten. What a program makes and throws away itself (the
 * branch that `where` does not take) is in no array, and is not looked at.
 */
#ifndef MX_GRAPH_DEBUG_H
#define MX_GRAPH_DEBUG_H

#include "graph/watch/task.h"

/* watched: bits of source.h. False: the task failed, or made one (MX_NOT_FINITE). */
bool mx_debug_run(const mx_task *t, unsigned watched);

#endif
