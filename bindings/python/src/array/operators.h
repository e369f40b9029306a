/* The slots of the array type that operators.c and item.c fill. */
#ifndef MPY_OPERATORS_H
#define MPY_OPERATORS_H

#include "py.h"

extern PyNumberMethods mpy_array_number;
PyObject *mpy_array_compare(PyObject *x, PyObject *y, int op);
int mpy_array_contains(PyObject *x, PyObject *o);
PyObject *mpy_array_div(PyObject *x, PyObject *y);
PyObject *mpy_array_rdiv(PyObject *x, PyObject *y);

/* --- values (item.c) -------------------------------------------------------------------------- */

int mpy_array_bool(PyObject *o);
PyObject *mpy_array_int(PyObject *o);
PyObject *mpy_array_float(PyObject *o);
PyObject *mpy_array_index(PyObject *o);
PyObject *mpy_array_complex(PyObject *o, PyObject *unused);
PyObject *mpy_array_item(PyObject *o, PyObject *unused);
PyObject *mpy_array_tolist(PyObject *o, PyObject *unused);

#endif
