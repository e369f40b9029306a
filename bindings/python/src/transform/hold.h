/* Containers that are changed while a function runs: one thread has them at a time, others wait.
 *
 *     hold ── the function runs, perhaps holds again ── let go
 *
 * A thread that holds containers does not wait for more, so that no two threads wait for each
 * other: that is an error.
 */
#ifndef MPY_HOLD_H
#define MPY_HOLD_H

#include "py.h"

/* The lists and dicts in the tree, until they are let go. NULL with an exception: they cannot be
   had, or a signal's handler raised. */
PyObject *mpy_hold(PyObject *tree);
/* Takes what mpy_hold gave; NULL is nothing. A pending exception stays. */
void mpy_let_go(PyObject *held);

#endif
