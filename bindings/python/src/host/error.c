/* Errors of libmlxc become Python exceptions. */
#include "py.h"
#include "host/docs.h"

#include <string.h>

/* What is out of range, an axis, an index or a size: MLX raises ValueError, IndexError or
   OverflowError, and this class is all of them. */
PyObject *mpy_range_error;

int mpy_init_error(PyObject *module) {
    PyObject *bases = PyTuple_Pack(3, PyExc_IndexError, PyExc_ValueError, PyExc_OverflowError);
    if (!bases)
        return -1;
    mpy_range_error =
        PyErr_NewExceptionWithDoc("mlx.core.RangeError", DOC_RANGE_ERROR, bases, NULL);
    Py_DECREF(bases);
    return mpy_range_error ? PyModule_AddObjectRef(module, "RangeError", mpy_range_error) : -1;
}

static PyObject *exception_of(int code) {
    switch (code) {
    case MLX_ERROR_INVALID:
    case MLX_ERROR_DEVICE: return PyExc_ValueError;
    case MLX_ERROR_RANGE: return mpy_range_error;
    case MLX_ERROR_MEMORY: return PyExc_MemoryError;
    case MLX_ERROR_NOT_FINITE: return PyExc_FloatingPointError;
    default: return PyExc_RuntimeError;
    }
}

const char *mpy_text(PyObject *o) {
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(o, &n);
    if (!text || strlen(text) == (size_t)n)
        return text;
    PyErr_SetString(PyExc_ValueError, "embedded null character");
    return NULL;
}

PyObject *mpy_raise(void) {
    // what stopped the call is what its handler raises, if it raises something
    if (mlx_last_error_code() == MLX_ERROR_INTERRUPTED && !PyErr_Occurred())
        PyErr_CheckSignals();
    // a message may hold a path that is no UTF-8
    const char *text = mlx_last_error_message();
    PyObject *message =
        PyErr_Occurred() ? NULL
                         : PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
    if (message)
        PyErr_SetObject(exception_of(mlx_last_error_code()), message);
    Py_XDECREF(message);
    mlx_clear_last_error();
    return NULL;
}
