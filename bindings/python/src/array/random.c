/* mlx.core.random.state: a sequence of one array, the key from which the thread's random numbers go
 * on. It is what a compiled function that draws random numbers names among its inputs and outputs:
 * reading item 0 gets the key (mlx_random_get_state), assigning it sets the key. The array that is
 * read is the state itself until random numbers are drawn: state[0][:] = key sets it too. */
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

/* --- the array that was shown last ------------------------------------------------------------ */

_Thread_local PyObject *mpy_random_shown;

static const char shown_name[] = "mlx.core.random.state";

/* The thread keeps it, so that its address stays its own. */
static int show(PyObject *array) {
    PyObject *names = PyThreadState_GetDict();
    mpy_random_shown = array;
    return !names ? PyErr_NoMemory(), -1 : PyDict_SetItemString(names, shown_name, array);
}

/* Is `o` still what the thread keeps? The address may have outlived a state of the thread. */
static bool is_shown(PyObject *o) {
    PyObject *names = PyThreadState_GetDict();
    return o && names && PyDict_GetItemString(names, shown_name) == o;
}

/* Computed by now? What a transform traces never is. */
static bool is_known(mlx_array a) {
    bool available = false;
    int status = _mlx_array_is_available(&available, a);
    if (!status && !available)
        MPY_WAIT(status, mlx_array_eval(a));
    mlx_clear_last_error();
    PyErr_Clear();
    return !status;
}

/* Are both keys, and known? 1: the same, 0: others, -1: one of them is traced. */
static int same_key(mlx_array a, mlx_array b) {
    if (mlx_array_dtype(a) != MLX_UINT32 || mlx_array_ndim(a) != 1 || mlx_array_size(a) != 2)
        return 0;
    if (!is_known(a) || !is_known(b))
        return -1;
    const uint32_t *x = mlx_array_data_uint32(a), *y = mlx_array_data_uint32(b);
    return x && y && x[0] == y[0] && x[mlx_array_strides(a)[0]] == y[mlx_array_strides(b)[0]];
}

void mpy_random_assigned(mlx_array from, mlx_array to) {
    mlx_array now = mlx_array_new();
    if (is_shown(mpy_random_shown) && !mlx_random_get_state(&now) && same_key(from, now))
        mlx_random_set_state(to); // what is no key is the array's alone
    mlx_array_free(now);
    mlx_clear_last_error();
}

static PyObject *state_get(PyObject *o, Py_ssize_t i) {
    mlx_array key = mlx_array_new();
    (void)o;
    if (check_index(i))
        return NULL;
    int status = mlx_random_get_state(&key);
    if (!status && is_shown(mpy_random_shown) &&
        same_key(mpy_array_handle(mpy_random_shown), key) == 1) {
        mlx_array_free(key);
        return Py_NewRef(mpy_random_shown);
    }
    PyObject *array = mpy_array_result(status, key);
    if (array && show(array))
        Py_CLEAR(array);
    return array;
}

/* --- the sequence ----------------------------------------------------------------------------- */

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
    .sq_length = state_length,
    .sq_item = state_get,
    .sq_ass_item = state_set,
};

PyTypeObject mpy_random_state_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.random._RandomState",
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
