/* mlx.core.plugins: the operations that plug-ins added, looked up when they are asked for. */
#include "function/function.h"

#include <string.h>

/* Names like __path__ are asked of every module, and are no operation's. */
static PyObject *find(const char *name) {
    mlx_clear_last_error();
    const mlx_operation *op = strncmp(name, "__", 2) ? mlx_plugin_operation_find(name) : NULL;
    if (op)
        return (PyObject *)mpy_function_new(op);
    return mlx_last_error_code()
               ? mpy_raise()
               : PyErr_Format(PyExc_AttributeError, "no plug-in has added an operation '%s'", name);
}

/* A function is made once: it stays in the module. */
static PyObject *plugins_getattr(PyObject *module, PyObject *name) {
    const char *text = PyUnicode_Check(name) ? mpy_text(name) : NULL;
    PyObject *f = text ? find(text) : NULL;
    if (f && PyDict_SetItem(PyModule_GetDict(module), name, f))
        Py_CLEAR(f);
    if (!f && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a name is a str");
    return f;
}

static PyObject *plugins_dir(PyObject *module, PyObject *unused) {
    PyObject *list = PyList_New(0);
    (void)module, (void)unused;
    mlx_clear_last_error();
    for (size_t i = 0; list; i++) {
        const mlx_operation *op = mlx_plugin_operation_get(i);
        if (!op)
            break;
        mlx_signature s;
        PyObject *name = mlx_signature_parse(&s, op->signature)
                             ? mpy_raise()
                             : PyUnicode_FromStringAndSize(s.name.start, s.name.length);
        if (!name || PyList_Append(list, name))
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    if (!list || !mlx_last_error_code())
        return list;
    Py_DECREF(list);
    return mpy_raise();
}

static PyMethodDef functions[] = {
    {"__getattr__", plugins_getattr, METH_O, NULL},
    {"__dir__", plugins_dir, METH_NOARGS, NULL},
    {NULL},
};

int mpy_init_plugins(PyObject *core) {
    PyObject *module = PyImport_AddModule("mlx.core.plugins");
    return module && !PyModule_AddFunctions(module, functions) &&
                   !PyModule_SetDocString(module,
                                          "Operations that plug-ins added (mlx/c/plugin.h).")
               ? PyModule_AddObjectRef(core, "plugins", module)
               : -1;
}
