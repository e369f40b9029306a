/* mlx.core.array: the type and the life of its objects. */
#include "py.h"

PyObject *mpy_array_wrap(mlx_array handle) {
    if (!handle.ctx)
        return mpy_raise();
    mpy_array *self = (mpy_array *)mpy_array_type.tp_alloc(&mpy_array_type, 0);
    if (self)
        self->handle = handle;
    else
        mlx_array_free(handle);
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

static PyObject *array_repr(PyObject *o) {
    mlx_string text = mlx_string_new();
    int status;
    MPY_WAIT(status, mlx_array_tostring(&text, mpy_array_handle(o)));
    PyObject *result = status ? mpy_raise() : PyUnicode_FromString(mlx_string_data(text));
    mlx_string_free(text);
    return result;
}

PyTypeObject mpy_array_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "mlx.core.array",
    .tp_basicsize = sizeof(mpy_array),
    .tp_weaklistoffset = offsetof(mpy_array, weakrefs),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = array_dealloc,
    .tp_repr = array_repr,
    .tp_doc = "An N-dimensional array of one dtype. Operations are recorded and run when a value is needed.",
};

int mpy_init_array(PyObject *module) {
    return PyModule_AddType(module, &mpy_array_type);
}
