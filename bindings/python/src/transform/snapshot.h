/* What stood in the containers of captured state before a function was traced.
 *
 * Arrays that the function sets are made of placeholders: nobody can evaluate them when the trace
 * is done. Where they are outputs too, a call puts their values in; anywhere else what stood there
 * comes back, and new keys go.
 */
#ifndef MPY_SNAPSHOT_H
#define MPY_SNAPSHOT_H

#include "transform/tree.h"

/* A list of what is to be remembered of the containers in a tree or two (NULL: none): a new
   reference. */
PyObject *mpy_snapshot(PyObject *tree, PyObject *other);
/* Puts back, but for the containers that are in the tree `outputs` (NULL: none). Values without
   arrays stay as they are. */
int mpy_snapshot_back(PyObject *snapshot, PyObject *outputs);

#endif
