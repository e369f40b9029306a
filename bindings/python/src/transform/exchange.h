/* Arrays that take the place of others in containers, and go away again.
 *
 *     in      {"w": x, "b": y}   becomes   {"w": p, "b": q}, the same dict; x and y are remembered
 *     back    {"w": z, "b": q}   becomes   {"w": z, "b": y}: what was set in between stays
 *
 * Lists and dicts keep their identity; a tuple that changes is replaced in what holds it. The
 * random state counts as a list of one array.
 */
#ifndef MPY_EXCHANGE_H
#define MPY_EXCHANGE_H

#include "transform/tree.h"

typedef struct mpy_exchange {
    mlx_vector_array arrays; /* what is put in, in order; borrowed */
    size_t next;
    /* a dict: address of the array that was put in -> the one that was there; NULL: nothing is
       kept */
    PyObject *was;
    mlx_array random; /* the random state that was there */
    PyObject *held;   /* a list of what was put in, so that addresses stay theirs */
} mpy_exchange;

/* To put in the arrays from `first` on, and to take them back. Closed in any case. */
int mpy_exchange_open(mpy_exchange *x, mlx_vector_array arrays, size_t first);
/* What stands for `tree` now: itself, unless it is an array or a tuple with arrays. */
PyObject *mpy_exchange_in(mpy_exchange *x, PyObject *tree);
/* Is one of the arrays of the tree one that was put in? */
int mpy_exchange_holds(const mpy_exchange *x, PyObject *tree);
int mpy_exchange_back(mpy_exchange *x, PyObject *tree);
/* Gives the random state back, and lets go of what was kept. -1 with an exception: it could not be
   set. */
int mpy_exchange_close(mpy_exchange *x);

#endif
