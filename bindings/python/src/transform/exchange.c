/* Arrays in the place of others: see exchange.h. */
#include "transform/exchange.h"

static int set_random(mlx_array key) {
    if (!mlx_random_set_state(key))
        return 0;
    mpy_raise();
    return -1;
}

static PyObject *put_random(mpy_exchange *x, PyObject *leaf) {
    mlx_array key = mlx_array_new();
    int failed = !x->random.ctx && x->was && mlx_random_get_state(&x->random);
    failed =
        failed || mlx_vector_array_get(&key, x->arrays, x->next++) || mlx_random_set_state(key);
    mlx_array_free(key);
    return failed ? mpy_raise() : Py_NewRef(leaf);
}

static int remember(mpy_exchange *x, PyObject *made, PyObject *leaf) {
    PyObject *address = PyLong_FromVoidPtr(made);
    int failed = !address || PyDict_SetItem(x->was, address, leaf) || PyList_Append(x->held, made);
    Py_XDECREF(address);
    return failed ? -1 : 0;
}

static PyObject *put_leaf(PyObject *leaf, void *state) {
    mpy_exchange *x = state;
    if (mpy_random_state_check(leaf))
        return x->next < mlx_vector_array_size(x->arrays) ? put_random(x, leaf) : Py_NewRef(leaf);
    if (!mpy_array_check(leaf) || x->next >= mlx_vector_array_size(x->arrays))
        return Py_NewRef(leaf);
    PyObject *made = mpy_vector_item(x->arrays, x->next++);
    if (made && x->was && remember(x, made, leaf))
        Py_CLEAR(made);
    return made;
}

/* The array that stood in the place of `leaf`, borrowed; NULL: none did. */
static PyObject *former(const mpy_exchange *x, PyObject *leaf) {
    PyObject *address = PyLong_FromVoidPtr(leaf);
    PyObject *was = address ? PyDict_GetItemWithError(x->was, address) : NULL;
    Py_XDECREF(address);
    return was;
}

/* Where a container stands in two places its arrays were exchanged twice. */
static PyObject *put_back(PyObject *leaf, void *state) {
    const mpy_exchange *x = state;
    for (PyObject *was; mpy_array_check(leaf) && (was = former(x, leaf));)
        leaf = was;
    return PyErr_Occurred() ? NULL : Py_NewRef(leaf);
}

static int is_held(PyObject *leaf, void *state) {
    if (!mpy_array_check(leaf))
        return 0;
    return former(state, leaf) ? 1 : PyErr_Occurred() ? -1 : 0;
}

int mpy_exchange_open(mpy_exchange *x, mlx_vector_array arrays, size_t first) {
    *x = (mpy_exchange){arrays, first, PyDict_New(), {NULL}, PyList_New(0)};
    return x->was && x->held ? 0 : -1;
}

PyObject *mpy_exchange_in(mpy_exchange *x, PyObject *tree) {
    return mpy_tree_placed(tree, put_leaf, x);
}

int mpy_exchange_holds(const mpy_exchange *x, PyObject *tree) {
    return mpy_tree_visit(tree, is_held, (void *)x);
}

int mpy_exchange_back(mpy_exchange *x, PyObject *tree) {
    return x->was && x->held ? mpy_tree_place(tree, put_back, x) : 0;
}

int mpy_exchange_close(mpy_exchange *x) {
    int failed = x->random.ctx && set_random(x->random);
    mlx_array_free(x->random);
    Py_CLEAR(x->was);
    Py_CLEAR(x->held);
    return failed ? -1 : 0;
}
