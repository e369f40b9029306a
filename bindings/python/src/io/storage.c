/* What arrays lie on, and arrays in shared memory. */
#include "py.h"
#include "io/docs.h"

static PyObject *array_storage(PyObject *module, PyObject *a) {
    static const char *const kinds[] = {"none", "pool", "mapped", "shared", "borrowed"};
    mlx_array_place p;
    (void)module;
    if (!mpy_array_check(a))
        return PyErr_Format(PyExc_TypeError, "[array_storage] expected an array, got %.100s",
                            Py_TYPE(a)->tp_name);
    if (mlx_array_storage(&p, mpy_array_handle(a)))
        return mpy_raise();
    return Py_BuildValue("{s:s,s:O,s:K,s:K}", "kind", kinds[p.kind], "view",
                         p.view ? Py_True : Py_False, "offset", (unsigned long long)p.offset,
                         "nbytes", (unsigned long long)p.bytes);
}

static PyObject *shared_array(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"name", "a", NULL};
    const char *name;
    PyObject *array = Py_None;
    mlx_array res = {NULL}, value = {NULL};
    int status;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|O:shared_array", keywords, &name, &array))
        return NULL;
    if (array == Py_None)
        return status = mlx_array_shared_open(&res, name), mpy_array_result(status, res);
    if (!mpy_array_check(array))
        return PyErr_Format(PyExc_TypeError, "[shared_array] expected an array, got %.100s",
                            Py_TYPE(array)->tp_name);
    if (mpy_array_value(&value, array))
        return NULL;
    MPY_WAIT(status, mlx_array_shared_new(&res, name, value));
    mlx_array_free(value);
    return mpy_array_result(status, res);
}

static PyObject *remove_shared_array(PyObject *module, PyObject *name) {
    const char *text = PyUnicode_Check(name) ? mpy_text(name) : NULL;
    (void)module;
    if (!text)
        return PyErr_Occurred()
                   ? NULL
                   : PyErr_Format(PyExc_TypeError, "[remove_shared_array] the name must be a str");
    return mlx_array_shared_remove(text) ? mpy_raise() : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"array_storage", array_storage, METH_O, DOC_ARRAY_STORAGE},
    {"shared_array", (PyCFunction)(void *)shared_array, METH_VARARGS | METH_KEYWORDS,
     DOC_SHARED_ARRAY},
    {"remove_shared_array", remove_shared_array, METH_O, DOC_REMOVE_SHARED_ARRAY},
    {NULL},
};

int mpy_init_storage(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
