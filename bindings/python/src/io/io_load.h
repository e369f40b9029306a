#ifndef MPY_IO_LOAD_H
#define MPY_IO_LOAD_H

#include "py.h"

PyObject *mpy_load(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
