/* mlx.core._lm: texts and tokens as Python has them. */
#include "lm/lm.h"

#include <string.h>

const char *mpy_lm_text(PyObject *o, size_t *n) {
    Py_ssize_t size = 0;
    char *bytes = NULL;
    const char *text = NULL;
    if (PyBytes_Check(o))
        text = PyBytes_AsStringAndSize(o, &bytes, &size) ? NULL : bytes;
    else if (PyUnicode_Check(o))
        text = PyUnicode_AsUTF8AndSize(o, &size);
    else
        PyErr_Format(PyExc_TypeError, "[tokenizer] a text is str, not %s", Py_TYPE(o)->tp_name);
    if (!text && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        PyErr_SetString(PyExc_ValueError, "[tokenizer] the text has a lone surrogate");
    }
    *n = (size_t)size;
    return text;
}

const char *mpy_lm_word(PyObject *o, const char *argument) {
    Py_ssize_t n = 0;
    if (!PyUnicode_Check(o)) {
        PyErr_Format(PyExc_TypeError, "[lm] %s: a str was expected, not %.100s", argument,
                     Py_TYPE(o)->tp_name);
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(o, &n);
    if (text && strlen(text) == (size_t)n)
        return text;
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "[lm] %s: the text has a %s inside", argument,
                 text ? "zero" : "lone surrogate");
    return NULL;
}

int mpy_lm_flag(PyObject *o, void *flag) {
    if (PyBool_Check(o) || o == Py_None) // None is what is there without it
        return *(int *)flag = o == Py_True, 1;
    PyErr_Format(PyExc_TypeError, "[lm] True or False was expected, not %.100R", o);
    return 0;
}

bool mpy_lm_unsigned(PyObject *o, const char *argument, uint64_t *out) {
    PyObject *number = PyNumber_Index(o);
    if (number)
        *out = PyLong_AsUnsignedLongLong(number);
    if (number && PyErr_Occurred())
        PyErr_Format(PyExc_OverflowError, "[lm] %s is %S, and must be from 0 to 2**64 - 1",
                     argument, number);
    Py_XDECREF(number);
    return !PyErr_Occurred();
}

bool mpy_lm_token(PyObject *item, int *id) {
    int overflow = 0;
    long value = PyLong_AsLongAndOverflow(item, &overflow);
    if (value == -1 && PyErr_Occurred())
        return false;
    if (overflow || value < INT_MIN || value > INT_MAX) {
        PyErr_Format(mpy_range_error, "[lm] %R is no token", item);
        return false;
    }
    *id = (int)value;
    return true;
}

int *mpy_lm_tokens(PyObject *list, size_t *n) {
    PyObject *items = PySequence_Fast(list, "[lm] tokens are a list of int");
    int *ids =
        items ? PyMem_Calloc((size_t)PySequence_Fast_GET_SIZE(items) + 1, sizeof *ids) : NULL;
    if (!ids && items)
        PyErr_NoMemory();
    *n = items ? (size_t)PySequence_Fast_GET_SIZE(items) : 0;
    for (size_t i = 0; ids && i < *n; i++) {
        if (!mpy_lm_token(PySequence_Fast_GET_ITEM(items, (Py_ssize_t)i), &ids[i])) {
            PyMem_Free(ids);
            ids = NULL;
        }
    }
    Py_XDECREF(items);
    return ids;
}

PyObject *mpy_lm_token_list(const int *tokens, size_t n) {
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        PyObject *id = PyLong_FromLong(tokens[i]);
        if (id)
            PyList_SET_ITEM(list, (Py_ssize_t)i, id);
        else
            Py_CLEAR(list);
    }
    return list;
}

int mpy_lm_ready(PyTypeObject *type, destructor dealloc, PyMethodDef *list) {
    type->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
    type->tp_dealloc = dealloc;
    type->tp_methods = list;
    return PyType_Ready(type);
}
