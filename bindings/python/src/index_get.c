/* x[...]: reading. */
#include "array.h"

PyObject *mpy_array_get(PyObject *o, PyObject *index) {
    Py_ssize_t i = PyNumber_AsSsize_t(index, PyExc_IndexError);
    if (i == -1 && PyErr_Occurred())
        return NULL;
    return mpy_array_at(o, i < 0 ? i + PyObject_Size(o) : i);
}
