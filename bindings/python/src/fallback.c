/* Stands in for parts of py.h until convert.c, dtype.c and device.c are there. */
#include "py.h"

#define WEAK __attribute__((weak))

WEAK int mpy_array_from(mlx_array *out, PyObject *o, const mlx_dtype *dtype) {
    (void)dtype;
    PyObject *fast = PySequence_Fast(o, "an array is needed");
    if (!fast)
        return -1;
    int n = (int)PySequence_Fast_GET_SIZE(fast);
    float *data = PyMem_Calloc((size_t)n + 1, sizeof *data);
    for (int i = 0; data && i < n; i++)
        data[i] = (float)PyFloat_AsDouble(PySequence_Fast_GET_ITEM(fast, i));
    Py_DECREF(fast);
    *out = mlx_array_new_data(data, &n, 1, MLX_FLOAT32);
    PyMem_Free(data);
    return PyErr_Occurred() ? -1 : 0;
}
WEAK int mpy_dtype_from(mlx_dtype *out, PyObject *o) {
    *out = (mlx_dtype)PyLong_AsLong(o);
    return PyErr_Occurred() ? -1 : 0;
}
WEAK PyObject *mpy_dtype_object(mlx_dtype dtype) {
    return PyLong_FromLong(dtype);
}
WEAK int mpy_stream_from(mlx_stream *out, PyObject *o) {
    *out = (mlx_stream){NULL};
    return o == Py_None ? 0 : (PyErr_SetString(PyExc_TypeError, "no stream"), -1);
}
