/* Classes of enum.Enum. */
#include "py.h"

PyObject *mpy_enum(PyObject *module, const char *name, PyObject **members, int n,
                   const char *(*member_name)(int)) {
    PyObject *enum_module = PyImport_ImportModule("enum"), *list = PyList_New(n), *cls = NULL;
    for (int i = 0; list && i < n; i++) {
        PyObject *pair = Py_BuildValue("si", member_name(i), i);
        if (pair)
            PyList_SET_ITEM(list, i, pair);
        else
            Py_CLEAR(list);
    }
    PyObject *base = enum_module && list ? PyObject_GetAttrString(enum_module, "Enum") : NULL;
    PyObject *text = base ? PyObject_GetAttrString(base, "__str__") : NULL;
    PyObject *args = text ? Py_BuildValue("sO", name, list) : NULL;
    PyObject *kwargs = args ? Py_BuildValue("{s:s}", "module", "mlx.core") : NULL;
    cls = kwargs ? PyObject_Call(base, args, kwargs) : NULL;
    if (cls && PyObject_SetAttrString(cls, "__repr__", text))
        Py_CLEAR(cls);
    for (int i = 0; cls && i < n; i++)
        if (!(members[i] = PyObject_GetAttrString(cls, member_name(i))) ||
            PyModule_AddObjectRef(module, member_name(i), members[i]))
            Py_CLEAR(cls);
    if (cls && PyModule_AddObjectRef(module, name, cls))
        Py_CLEAR(cls);
    Py_XDECREF(kwargs), Py_XDECREF(args), Py_XDECREF(text), Py_XDECREF(base), Py_XDECREF(list);
    Py_XDECREF(enum_module);
    return cls;
}
