/* Objects of mlx.core.array: a handle each. What else the type can do is in array_type.c. */
#include "py.h"

PyObject *mpy_array_wrap(mlx_array handle) {
    if (!handle.ctx)
        return mpy_raise();
    mpy_array *self = PyObject_New(mpy_array, &mpy_array_type);
    if (self) {
        self->handle = handle;
        self->weakrefs = NULL;
    } else {
        mlx_array_free(handle);
    }
    return (PyObject *)self;
}

PyObject *mpy_array_result(int status, mlx_array handle) {
    if (!status)
        return mpy_array_wrap(handle);
    mlx_array_free(handle);
    return mpy_raise();
}

static void array_dealloc(PyObject *o) {
    mpy_array *self = (mpy_array *)o;
    if (self->weakrefs)
        PyObject_ClearWeakRefs(o);
    mlx_array_free(self->handle);
    Py_TYPE(o)->tp_free(o);
}

PyTypeObject mpy_array_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.array",
    .tp_basicsize = sizeof(mpy_array),
    .tp_weaklistoffset = offsetof(mpy_array, weakrefs),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_dealloc = array_dealloc,
};

int mpy_array_value(mlx_array *out, PyObject *o) {
    bool available = false;
    *out = (mlx_array){NULL};
    int status =
        mlx_array_set(out, mpy_array_handle(o)) || _mlx_array_is_available(&available, *out);
    if (!status && !available)
        MPY_WAIT(status, mlx_array_eval(*out));
    else if (!status)
        status = mlx_array_eval(*out); // nothing to wait for; is its file still whole?
    if (!status)
        return 0;
    mpy_raise();
    mlx_array_free(*out);
    *out = (mlx_array){NULL};
    return -1;
}

PyObject *mpy_shape_tuple(mlx_array a) {
    size_t n = mlx_array_ndim(a);
    const int *shape = mlx_array_shape(a);
    PyObject *tuple = PyTuple_New((Py_ssize_t)n);
    for (size_t i = 0; tuple && i < n; i++) {
        PyObject *size = PyLong_FromLong(shape[i]);
        if (size)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, size);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}
