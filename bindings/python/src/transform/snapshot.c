/* Containers as they were: see snapshot.h. A snapshot is a list of (container, its copy) pairs. */
#include "transform/snapshot.h"

static bool is_container(PyObject *o) {
    return PyDict_Check(o) || PyList_Check(o);
}

/* --- walks over containers -------------------------------------------------------------------- */

typedef int container_visitor(PyObject *container, PyObject *state);

static int walk(PyObject *tree, container_visitor *visit, PyObject *state);

static int walk_all(PyObject *tree, container_visitor *visit, PyObject *state) {
    PyObject *items = PyDict_Check(tree) ? PyDict_Values(tree) : PySequence_List(tree);
    int failed = !items;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(items); i++)
        failed = walk(PyList_GET_ITEM(items, i), visit, state);
    Py_XDECREF(items);
    return failed ? -1 : 0;
}

static int walk(PyObject *tree, container_visitor *visit, PyObject *state) {
    if (!is_container(tree) && !PyTuple_Check(tree))
        return 0;
    if (Py_EnterRecursiveCall(" in a tree of containers"))
        return -1;
    int failed = (is_container(tree) && visit(tree, state)) || walk_all(tree, visit, state);
    Py_LeaveRecursiveCall();
    return failed ? -1 : 0;
}

static int keep(PyObject *container, PyObject *snapshot) {
    PyObject *copy = PyDict_Check(container)
                         ? PyDict_New()
                         : PyList_GetSlice(container, 0, PyList_GET_SIZE(container));
    int failed = !copy || (PyDict_Check(container) && PyDict_Update(copy, container));
    PyObject *pair = failed ? NULL : PyTuple_Pack(2, container, copy);
    failed = !pair || PyList_Append(snapshot, pair);
    Py_XDECREF(copy);
    Py_XDECREF(pair);
    return failed ? -1 : 0;
}

PyObject *mpy_snapshot(PyObject *tree, PyObject *other) {
    PyObject *snapshot = PyList_New(0);
    if (snapshot &&
        ((tree && walk(tree, keep, snapshot)) || (other && walk(other, keep, snapshot))))
        Py_CLEAR(snapshot);
    return snapshot;
}

/* --- back ------------------------------------------------------------------------------------- */

static int is_array(PyObject *leaf, void *unused) {
    (void)unused;
    return mpy_array_check(leaf);
}

/* Does a value that was set have to go? -1: an exception. */
static int is_strange(PyObject *now, PyObject *was) {
    return now == was ? 0 : mpy_tree_visit(now, is_array, NULL);
}

static int back_value(PyObject *dict, PyObject *copy, PyObject *key) {
    PyObject *now = Py_XNewRef(PyDict_GetItemWithError(dict, key)),
             *was = now ? PyDict_GetItemWithError(copy, key) : NULL;
    int strange = now && !PyErr_Occurred() ? is_strange(now, was) : 0;
    Py_XDECREF(now);
    if (strange < 0 || PyErr_Occurred())
        return -1;
    if (!strange)
        return 0;
    return was ? PyDict_SetItem(dict, key, was) : PyDict_DelItem(dict, key);
}

static int back_dict(PyObject *dict, PyObject *copy) {
    PyObject *keys = PyDict_Keys(dict);
    int failed = !keys;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(keys); i++)
        failed = back_value(dict, copy, PyList_GET_ITEM(keys, i));
    Py_XDECREF(keys);
    return failed ? -1 : 0;
}

/* Items have no names: the list is as it was, or as the function left it. */
static int back_list(PyObject *list, PyObject *copy) {
    int strange = 0;
    for (Py_ssize_t i = 0; !strange && i < PyList_GET_SIZE(list); i++) {
        PyObject *now = Py_NewRef(PyList_GET_ITEM(list, i));
        strange = is_strange(now, i < PyList_GET_SIZE(copy) ? PyList_GET_ITEM(copy, i) : NULL);
        Py_DECREF(now);
    }
    return strange > 0 ? PyList_SetSlice(list, 0, PyList_GET_SIZE(list), copy) : strange;
}

static int add_address(PyObject *container, PyObject *set) {
    PyObject *address = PyLong_FromVoidPtr(container);
    int failed = !address || PySet_Add(set, address);
    Py_XDECREF(address);
    return failed ? -1 : 0;
}

static int back_pair(PyObject *pair, PyObject *kept) {
    PyObject *container = PyTuple_GET_ITEM(pair, 0), *copy = PyTuple_GET_ITEM(pair, 1);
    PyObject *address = PyLong_FromVoidPtr(container);
    int stays = address ? PySet_Contains(kept, address) : -1;
    Py_XDECREF(address);
    if (stays)
        return stays < 0 ? -1 : 0;
    return PyDict_Check(container) ? back_dict(container, copy) : back_list(container, copy);
}

int mpy_snapshot_back(PyObject *snapshot, PyObject *outputs) {
    PyObject *kept = PySet_New(NULL);
    int failed = !kept || (outputs && walk(outputs, add_address, kept));
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(snapshot); i++)
        failed = back_pair(PyList_GET_ITEM(snapshot, i), kept);
    Py_XDECREF(kept);
    return failed ? -1 : 0;
}
