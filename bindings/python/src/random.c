/* mlx.core.random.state: a sequence of one array, the key from which the thread's random numbers go on. It is what a
 * compiled function that draws random numbers names among its inputs and outputs: reading item 0 gets the key
 * (mlx_random_get_state), assigning it sets the key. */
#include "py.h"

static Py_ssize_t state_length(PyObject *o) {
    (void)o;
    return 1;
}

static int check_index(Py_ssize_t i) {
    if (i == 0)
        return 0;
    PyErr_SetString(PyExc_IndexError, "the random state has one item");
    return -1;
}

static PyObject *state_get(PyObject *o, Py_ssize_t i) {
    mlx_array key = mlx_array_new();
    (void)o;
    return check_index(i) ? NULL : mpy_array_result(mlx_random_get_state(&key), key);
}

static int state_set(PyObject *o, Py_ssize_t i, PyObject *key) {
    (void)o;
    if (check_index(i))
        return -1;
    if (!key || !mpy_array_check(key)) {
        PyErr_SetString(PyExc_TypeError, "the random state is an array of two uint32");
        return -1;
    }
    return mlx_random_set_state(mpy_array_handle(key)) ? mpy_raise(), -1 : 0;
}

/* There is one; it is pickled by name. */
static PyObject *state_reduce(PyObject *o, PyObject *unused) {
    (void)o, (void)unused;
    return PyUnicode_FromString("state");
}

static PyMethodDef methods[] = {{"__reduce__", state_reduce, METH_NOARGS}, {NULL}};
static PySequenceMethods sequence = {
    .sq_length = state_length, .sq_item = state_get, .sq_ass_item = state_set,
};

PyTypeObject mpy_random_state_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "mlx.core.random._RandomState",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_as_sequence = &sequence,
    .tp_methods = methods,
    .tp_doc = "The state of the thread's random numbers: one key, which can be read and assigned.",
};

int mpy_init_random(PyObject *module) {
    PyObject *random = PyObject_GetAttrString(module, "random"), *state = NULL;
    if (random && !PyType_Ready(&mpy_random_state_type))
        state = PyObject_New(PyObject, &mpy_random_state_type);
    int status = state ? PyModule_AddObjectRef(random, "state", state) : -1;
    Py_XDECREF(state);
    Py_XDECREF(random);
    return status;
}
