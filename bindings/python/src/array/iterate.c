/* Going through an array along its first axis. */
#include "array/array.h"
#include "array/docs.h"

PyObject *mpy_array_at(PyObject *o, Py_ssize_t i) {
    mlx_array a = mpy_array_handle(o), out = {NULL};
    int ndim = (int)mlx_array_ndim(a), start[64] = {0}, stop[64], step[64];
    mlx_stream s = {NULL};
    if (!ndim || i < 0 || i >= mlx_array_shape(a)[0])
        return PyErr_Format(PyExc_IndexError, "index %zd is out of range", i);
    for (int d = 0; d < ndim; d++)
        stop[d] = mlx_array_shape(a)[d], step[d] = 1;
    start[0] = (int)i, stop[0] = (int)i + 1;
    size_t n = (size_t)ndim;
    int status =
        mlx_slice(&out, a, start, n, stop, n, step, n, s) || mlx_squeeze_axis(&out, out, 0, s);
    return mpy_array_result(status, out);
}

typedef struct array_iterator {
    PyObject_HEAD PyObject *array;
    Py_ssize_t next;
} array_iterator;

static void iterator_dealloc(PyObject *o) {
    Py_XDECREF(((array_iterator *)o)->array);
    Py_TYPE(o)->tp_free(o);
}

static PyObject *iterator_next(PyObject *o) {
    array_iterator *self = (array_iterator *)o;
    mlx_array a = mpy_array_handle(self->array);
    if (!mlx_array_ndim(a) || self->next >= mlx_array_shape(a)[0])
        return NULL;
    return mpy_array_at(self->array, self->next++);
}

static PyTypeObject iterator_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ArrayIterator",
    .tp_basicsize = sizeof(array_iterator),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = iterator_dealloc,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_doc = DOC_ARRAY_ITERATOR,
};

PyObject *mpy_array_iter(PyObject *o) {
    if (!mlx_array_ndim(mpy_array_handle(o)))
        return PyErr_Format(PyExc_TypeError,
                            "iter() of a 0-dimensional array: it has no first axis to go along");
    array_iterator *self = PyObject_New(array_iterator, &iterator_type);
    if (self) {
        self->array = Py_NewRef(o);
        self->next = 0;
    }
    return (PyObject *)self;
}

int mpy_init_iterate(PyObject *module) {
    return PyModule_AddType(module, &iterator_type);
}
