/* The slots of the array type that the indexing files fill. */
#ifndef MPY_ARRAY_H
#define MPY_ARRAY_H

#include "py.h"

PyObject *mpy_array_get(PyObject *o, PyObject *index);
int mpy_array_set(PyObject *o, PyObject *index, PyObject *value);
PyObject *mpy_array_at(PyObject *o, Py_ssize_t i);
PyObject *mpy_array_at_property(PyObject *o, void *unused);
PyObject *mpy_array_iter(PyObject *o);

#endif
