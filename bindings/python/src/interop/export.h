/* Arrays for others (dlpack_out.c), called by the array type (array_type.c). */
#ifndef MPY_EXPORT_H
#define MPY_EXPORT_H

#include "py.h"

int mpy_array_get_buffer(PyObject *o, Py_buffer *view, int flags);
void mpy_array_release_buffer(PyObject *o, Py_buffer *view);
PyObject *mpy_array_dlpack(PyObject *o, PyObject *args, PyObject *kwargs);
PyObject *mpy_array_dlpack_device(PyObject *o, PyObject *unused);
/* __array_interface__; AttributeError for bfloat16. */
PyObject *mpy_array_interface(PyObject *o, void *unused);
/* A NumPy array over the memory, of bfloat16's bits as uint16; ImportError without NumPy. */
PyObject *mpy_array_bits(PyObject *o);
PyObject *mpy_array_numpy(PyObject *o, PyObject *args, PyObject *kwargs);

/* __arrow_c_array__ (arrow_out.c). */
PyObject *mpy_array_arrow(PyObject *o, PyObject *args, PyObject *kwargs);

#endif
