/* Containers of one thread at a time: see hold.h. Everything here is under the GIL. */
#define _POSIX_C_SOURCE 200809L
#include "transform/hold.h"

#include <time.h>
#include <unistd.h>

/* a list of all: tuples of a thread, the addresses of containers, and these themselves */
static PyObject *holds;
static pid_t process; /* whose threads they are: after a fork only one of them is there */
static _Thread_local int holding; /* how many this thread has */

/* --- what is in a tree ------------------------------------------------------------------------ */

static int add_containers(PyObject *list, PyObject *tree);

static int add_each(PyObject *list, PyObject *items) {
    int failed = !items;
    for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(items); i++)
        failed = add_containers(list, PyTuple_GET_ITEM(items, i));
    Py_XDECREF(items);
    return failed ? -1 : 0;
}

static PyObject *values_of(PyObject *dict) {
    PyObject *values = PyDict_Values(dict), *items = values ? PyList_AsTuple(values) : NULL;
    Py_XDECREF(values);
    return items;
}

static int add_containers(PyObject *list, PyObject *tree) {
    bool dict = PyDict_Check(tree), own = dict || PyList_Check(tree);
    if (!own && !PyTuple_Check(tree))
        return 0;
    if ((own && PyList_Append(list, tree)) || Py_EnterRecursiveCall(" in a tree of containers"))
        return -1;
    int failed = add_each(list, dict ? values_of(tree) : PySequence_Tuple(tree));
    Py_LeaveRecursiveCall();
    return failed;
}

/* --- who has them ----------------------------------------------------------------------------- */

static PyObject *addresses_of(PyObject *containers) {
    PyObject *set = PySet_New(NULL);
    for (Py_ssize_t i = 0; set && i < PyList_GET_SIZE(containers); i++) {
        PyObject *address = PyLong_FromVoidPtr(PyList_GET_ITEM(containers, i));
        if (!address || PySet_Add(set, address))
            Py_CLEAR(set);
        Py_XDECREF(address);
    }
    return set;
}

/* (thread, addresses, containers) */
static PyObject *new_hold(PyObject *tree) {
    PyObject *containers = PyList_New(0), *made = NULL;
    PyObject *addresses =
        containers && !add_containers(containers, tree) ? addresses_of(containers) : NULL;
    if (addresses)
        made = Py_BuildValue("(kOO)", PyThread_get_thread_ident(), addresses, containers);
    Py_XDECREF(addresses);
    Py_XDECREF(containers);
    return made;
}

/* Do two threads want the same? -1: an exception. */
static int clash(PyObject *a, PyObject *b) {
    int same = PyObject_RichCompareBool(PyTuple_GET_ITEM(a, 0), PyTuple_GET_ITEM(b, 0), Py_EQ);
    PyObject *apart = same ? NULL
                           : PyObject_CallMethod(PyTuple_GET_ITEM(a, 1), "isdisjoint", "O",
                                                 PyTuple_GET_ITEM(b, 1));
    int status = same ? (same < 0 ? -1 : 0) : !apart ? -1 : apart == Py_False;
    Py_XDECREF(apart);
    return status;
}

static int is_taken(PyObject *wanted) {
    int taken = 0;
    for (Py_ssize_t i = 0; !taken && i < PyList_GET_SIZE(holds); i++)
        taken = clash(PyList_GET_ITEM(holds, i), wanted);
    return taken;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static int prepare(void) {
    if (holds && process != getpid() && PyList_SetSlice(holds, 0, PyList_GET_SIZE(holds), NULL))
        return -1;
    process = getpid();
    return holds || (holds = PyList_New(0)) ? 0 : -1;
}

static int wait_for_others(void) {
    struct timespec short_while = {0, 200000};
    if (holding) {
        PyErr_SetString(
            PyExc_RuntimeError,
            "[grad] Another thread is differentiating a function of the same containers.");
        return -1;
    }
    PyThreadState *thread = PyEval_SaveThread();
    nanosleep(&short_while, NULL);
    PyEval_RestoreThread(thread);
    return PyErr_CheckSignals();
}

static int take(PyObject *wanted) {
    int taken;
    while ((taken = is_taken(wanted)) > 0)
        if (wait_for_others())
            return -1;
    return taken || PyList_Append(holds, wanted) ? -1 : 0;
}

PyObject *mpy_hold(PyObject *tree) {
    PyObject *wanted = prepare() ? NULL : new_hold(tree);
    if (wanted && take(wanted))
        Py_CLEAR(wanted);
    holding += wanted != NULL;
    return wanted;
}

/* From the end: the last one is let go first. */
static void remove_hold(PyObject *held) {
    Py_ssize_t i = PyList_GET_SIZE(holds) - 1;
    while (i >= 0 && PyList_GET_ITEM(holds, i) != held)
        i--;
    if (i >= 0 && PySequence_DelItem(holds, i))
        PyErr_Clear();
}

void mpy_let_go(PyObject *held) {
    PyObject *type, *value, *traceback;
    if (!held)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    remove_hold(held);
    holding--;
    Py_DECREF(held);
    PyErr_Restore(type, value, traceback);
}
