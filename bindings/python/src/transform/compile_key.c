/* Keys of traces: see compile_key.h. */
#include "transform/compile_key.h"

void mpy_key_start(mpy_key *key, mlx_vector_array arrays, bool shapeless) {
    key->data = key->few;
    key->size = 0;
    key->room = sizeof key->few;
    key->shapeless = shapeless;
    key->state = false;
    key->arrays = arrays;
}

void mpy_key_free(mpy_key *key) {
    if (key->data != key->few)
        PyMem_Free(key->data);
}

static int grow(mpy_key *key, size_t more) {
    size_t room = 2 * key->room + more;
    char *data = key->data == key->few ? PyMem_Malloc(room) : PyMem_Realloc(key->data, room);
    if (!data)
        return PyErr_NoMemory(), -1;
    if (key->data == key->few)
        memcpy(data, key->few, key->size);
    key->data = data;
    key->room = room;
    return 0;
}

static int put(mpy_key *key, const void *bytes, size_t n) {
    if (key->room - key->size < n && grow(key, n))
        return -1;
    memcpy(key->data + key->size, bytes, n);
    key->size += n;
    return 0;
}

static int put_tagged(mpy_key *key, char tag, const void *bytes, size_t n) {
    return put(key, &tag, 1) || put(key, bytes, n) ? -1 : 0;
}

static int put_count(mpy_key *key, char tag, Py_ssize_t n) {
    return put_tagged(key, tag, &n, sizeof n);
}

int mpy_key_text(mpy_key *key, PyObject *text) {
    Py_ssize_t n;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &n);
    return !utf8 || put_count(key, 's', n) || put(key, utf8, (size_t)n) ? -1 : 0;
}

/* A key that is no text, or a number of any size: what it prints. */
static int put_repr(mpy_key *key, char tag, PyObject *o) {
    PyObject *text = PyObject_Repr(o);
    int failed = !text || put(key, &tag, 1) || mpy_key_text(key, text);
    Py_XDECREF(text);
    return failed ? -1 : 0;
}

static int put_array(mpy_key *key, mlx_array a) {
    int head[2] = {(int)mlx_array_dtype(a), (int)mlx_array_ndim(a)};
    if (put_tagged(key, 'a', head, sizeof head))
        return -1;
    return key->shapeless ? 0 : put(key, mlx_array_shape(a), (size_t)head[1] * sizeof(int));
}

static int put_int(mpy_key *key, PyObject *o) {
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow)
        return put_repr(key, 'I', o);
    return put_tagged(key, PyBool_Check(o) ? 'b' : 'i', &i, sizeof i);
}

static int put_constant(mpy_key *key, PyObject *o) {
    if (o == Py_None)
        return put(key, "n", 1);
    if (PyLong_Check(o))
        return put_int(key, o);
    if (PyFloat_Check(o))
        return put_tagged(key, 'f', &(double){PyFloat_AS_DOUBLE(o)}, sizeof(double));
    if (PyUnicode_Check(o))
        return mpy_key_text(key, o);
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(o), "__name__");
    if (name)
        PyErr_Format(
            PyExc_ValueError,
            "[compile] Function arguments must be trees of arrays or constants (floats, ints, "
            "strings, or "
            "None), but received type %s%S.",
            mpy_random_state_check(o) ? "mlx.core.random."
            : mpy_dtype_check(o)      ? "mlx.core."
                                      : "",
            name);
    Py_XDECREF(name);
    return -1;
}

static int put_leaf(mpy_key *key, PyObject *o) {
    if (mpy_array_check(o))
        return put_array(key, mpy_array_handle(o)) || mpy_vector_add(key->arrays, o) ? -1 : 0;
    if (!key->state)
        return put_constant(key, o);
    return put(key, "r", 1) || mpy_tree_arrays(&key->arrays, o) ? -1 : 0;
}

static int put_items(mpy_key *key, PyObject *sequence) {
    if (put_count(key, PyList_Check(sequence) ? '[' : '(', PySequence_Fast_GET_SIZE(sequence)))
        return -1;
    if (PyTuple_Check(sequence) &&
        put(key, &(PyTypeObject *){Py_TYPE(sequence)}, sizeof(PyTypeObject *)))
        return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(sequence, i));
        int failed = mpy_key_tree(key, item);
        Py_DECREF(item);
        if (failed)
            return -1;
    }
    return 0;
}

static int put_dict(mpy_key *key, PyObject *dict) {
    PyObject *name, *value;
    Py_ssize_t at = 0;
    if (put_count(key, '{', PyDict_GET_SIZE(dict)))
        return -1;
    while (PyDict_Next(dict, &at, &name, &value)) {
        Py_INCREF(name), Py_INCREF(value); // the text of a name may run code
        int failed = PyUnicode_Check(name) ? mpy_key_text(key, name) : put_repr(key, 'k', name);
        failed = failed || mpy_key_tree(key, value);
        Py_DECREF(name), Py_DECREF(value);
        if (failed)
            return -1;
    }
    return 0;
}

int mpy_key_tree(mpy_key *key, PyObject *tree) {
    int failed;
    if (!PyDict_Check(tree) && !PyList_Check(tree) && !PyTuple_Check(tree))
        return put_leaf(key, tree);
    if (Py_EnterRecursiveCall(" in a tree of containers"))
        return -1;
    failed = PyDict_Check(tree) ? put_dict(key, tree) : put_items(key, tree);
    Py_LeaveRecursiveCall();
    return failed;
}
