/* Errors of libmlxc become Python exceptions. */
#include "py.h"

static PyObject *exception_of(int code) {
    switch (code) {
    case MLX_ERROR_INVALID:
    case MLX_ERROR_DEVICE: return PyExc_ValueError;
    case MLX_ERROR_RANGE: return PyExc_IndexError;
    case MLX_ERROR_MEMORY: return PyExc_MemoryError;
    default: return PyExc_RuntimeError;
    }
}

PyObject *mpy_raise(void) {
    if (!PyErr_Occurred())
        PyErr_SetString(exception_of(mlx_last_error_code()), mlx_last_error_message());
    mlx_clear_last_error();
    return NULL;
}
