/* Trees of dict, list and tuple: see tree.h. */
#include "transform/tree.h"

static const char too_deep[] = " in a tree of containers";

/* --- walks ------------------------------------------------------------------------------------ */

/* A sequence may change while its leaves are visited: its size is asked for each time, its items
   are held. */
static int visit_items(PyObject *sequence, mpy_tree_visitor *visit, void *state) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(sequence, i));
        int stop = mpy_tree_visit(item, visit, state);
        Py_DECREF(item);
        if (stop)
            return stop;
    }
    return 0;
}

static int visit_values(PyObject *dict, mpy_tree_visitor *visit, void *state) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        Py_INCREF(value);
        int stop = mpy_tree_visit(value, visit, state);
        Py_DECREF(value);
        if (stop)
            return stop;
    }
    return 0;
}

int mpy_tree_visit(PyObject *tree, mpy_tree_visitor *visit, void *state) {
    bool dict = PyDict_Check(tree);
    if (!dict && !PyList_Check(tree) && !PyTuple_Check(tree))
        return visit(tree, state);
    if (Py_EnterRecursiveCall(too_deep))
        return -1;
    int stop = dict ? visit_values(tree, visit, state) : visit_items(tree, visit, state);
    Py_LeaveRecursiveCall();
    return stop;
}

/* A tuple of the type of `like`: plain, named, or a subclass that is made from an iterable. */
static PyObject *tuple_like(PyObject *like, PyObject *items) {
    if (PyTuple_CheckExact(like))
        return Py_NewRef(items);
    bool named = PyObject_HasAttrString(like, "_fields");
    PyObject *type = (PyObject *)Py_TYPE(like);
    return named ? PyObject_CallObject(type, items) : PyObject_CallOneArg(type, items);
}

/* A copy of a dict or list whose values may be exchanged: plain, or of a subclass as copy.copy
   makes it. */
static PyObject *copied(PyObject *o, bool plain) {
    if (PyDict_CheckExact(o) || (plain && PyDict_Check(o)))
        return PyDict_Copy(o);
    if (PyList_CheckExact(o) || plain)
        return PyList_GetSlice(o, 0, PyList_GET_SIZE(o));
    PyObject *copy = PyImport_ImportModule("copy");
    PyObject *made = copy ? PyObject_CallMethod(copy, "copy", "O", o) : NULL;
    Py_XDECREF(copy);
    bool same =
        made && made != o &&
        (PyDict_Check(o) ? PyDict_Check(made) && PyDict_GET_SIZE(made) == PyDict_GET_SIZE(o)
                         : PyList_Check(made) && PyList_GET_SIZE(made) == PyList_GET_SIZE(o));
    if (made && !same)
        Py_SETREF(made, copied(o, true));
    return made;
}

static PyObject *map_tree(PyObject *tree, mpy_tree_mapper *map, void *state, bool plain);

static PyObject *map_list(PyObject *list, mpy_tree_mapper *map, void *state, bool plain) {
    PyObject *made = copied(list, plain);
    for (Py_ssize_t i = 0; made && i < PyList_GET_SIZE(made); i++) {
        PyObject *item = map_tree(PyList_GET_ITEM(made, i), map, state, plain);
        if (!item || PyList_SetItem(made, i, item))
            Py_CLEAR(made);
    }
    return made;
}

static PyObject *map_tuple(PyObject *tuple, mpy_tree_mapper *map, void *state, bool plain) {
    PyObject *items = PyTuple_New(PyTuple_GET_SIZE(tuple));
    for (Py_ssize_t i = 0; items && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *item = map_tree(PyTuple_GET_ITEM(tuple, i), map, state, plain);
        if (item)
            PyTuple_SET_ITEM(items, i, item);
        else
            Py_CLEAR(items);
    }
    PyObject *made = items ? tuple_like(tuple, items) : NULL;
    Py_XDECREF(items);
    return made;
}

static PyObject *map_dict(PyObject *dict, mpy_tree_mapper *map, void *state, bool plain) {
    PyObject *key, *value, *made = copied(dict, plain);
    Py_ssize_t at = 0;
    while (made && PyDict_Next(made, &at, &key, &value)) {
        PyObject *item = map_tree(value, map, state, plain);
        if (!item || PyDict_SetItem(made, key, item))
            Py_CLEAR(made);
        Py_XDECREF(item);
    }
    return made;
}

static PyObject *map_tree(PyObject *tree, mpy_tree_mapper *map, void *state, bool plain) {
    PyObject *made;
    if (!PyDict_Check(tree) && !PyList_Check(tree) && !PyTuple_Check(tree))
        return map(tree, state);
    if (Py_EnterRecursiveCall(too_deep))
        return NULL;
    if (PyDict_Check(tree))
        made = map_dict(tree, map, state, plain);
    else
        made = PyList_Check(tree) ? map_list(tree, map, state, plain)
                                  : map_tuple(tree, map, state, plain);
    Py_LeaveRecursiveCall();
    return made;
}

PyObject *mpy_tree_map(PyObject *tree, mpy_tree_mapper *map, void *state) {
    return map_tree(tree, map, state, false);
}

/* --- in place --------------------------------------------------------------------------------- */

static int place_list(PyObject *list, mpy_tree_mapper *map, void *state) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *was = Py_NewRef(PyList_GET_ITEM(list, i)),
                 *item = mpy_tree_placed(was, map, state);
        int failed = !item || (item != was && PyList_SetItem(list, i, Py_NewRef(item)));
        Py_DECREF(was);
        Py_XDECREF(item);
        if (failed)
            return -1;
    }
    return 0;
}

/* A dict is walked by a list of its keys: what is set may belong to a subclass that minds. */
static int place_dict(PyObject *dict, mpy_tree_mapper *map, void *state) {
    PyObject *keys = PyDict_Keys(dict);
    int failed = !keys;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = PyList_GET_ITEM(keys, i),
                 *was = Py_XNewRef(PyDict_GetItemWithError(dict, key));
        PyObject *item = was ? mpy_tree_placed(was, map, state) : NULL;
        failed = was ? !item || (item != was && PyDict_SetItem(dict, key, item))
                     : PyErr_Occurred() != NULL;
        Py_XDECREF(was);
        Py_XDECREF(item);
    }
    Py_XDECREF(keys);
    return failed ? -1 : 0;
}

static PyObject *place_tuple(PyObject *tuple, mpy_tree_mapper *map, void *state) {
    bool changed = false;
    PyObject *items = PyTuple_New(PyTuple_GET_SIZE(tuple)), *made = NULL;
    for (Py_ssize_t i = 0; items && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *item = mpy_tree_placed(PyTuple_GET_ITEM(tuple, i), map, state);
        if (!item) {
            Py_CLEAR(items);
            break;
        }
        changed |= item != PyTuple_GET_ITEM(tuple, i);
        PyTuple_SET_ITEM(items, i, item);
    }
    if (items)
        made = changed ? tuple_like(tuple, items) : Py_NewRef(tuple);
    Py_XDECREF(items);
    return made;
}

PyObject *mpy_tree_placed(PyObject *tree, mpy_tree_mapper *map, void *state) {
    PyObject *made = NULL;
    if (!PyDict_Check(tree) && !PyList_Check(tree) && !PyTuple_Check(tree))
        return map(tree, state);
    if (Py_EnterRecursiveCall(too_deep))
        return NULL;
    if (PyTuple_Check(tree))
        made = place_tuple(tree, map, state);
    else if (!(PyDict_Check(tree) ? place_dict(tree, map, state) : place_list(tree, map, state)))
        made = Py_NewRef(tree);
    Py_LeaveRecursiveCall();
    return made;
}

int mpy_tree_place(PyObject *tree, mpy_tree_mapper *map, void *state) {
    PyObject *made = mpy_tree_placed(tree, map, state);
    Py_XDECREF(made);
    return made ? 0 : -1;
}

/* --- arrays ----------------------------------------------------------------------------------- */

PyObject *mpy_vector_item(mlx_vector_array arrays, size_t i) {
    mlx_array a = mlx_array_new();
    return mpy_array_result(mlx_vector_array_get(&a, arrays, i), a);
}

PyObject *mpy_vector_list(mlx_vector_array arrays) {
    size_t n = mlx_vector_array_size(arrays);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        PyObject *item = mpy_vector_item(arrays, i);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

int mpy_vector_add(mlx_vector_array arrays, PyObject *array) {
    if (!mlx_vector_array_append_value(arrays, mpy_array_handle(array)))
        return 0;
    mpy_raise();
    return -1;
}

static int add_random_state(mlx_vector_array out) {
    mlx_array state = mlx_array_new();
    int failed = mlx_random_get_state(&state) || mlx_vector_array_append_value(out, state);
    mlx_array_free(state);
    if (failed)
        mpy_raise();
    return failed ? -1 : 0;
}

static int add_array(PyObject *leaf, void *state) {
    mlx_vector_array *out = state;
    if (mpy_array_check(leaf))
        return mpy_vector_add(*out, leaf);
    return mpy_random_state_check(leaf) ? add_random_state(*out) : 0;
}

int mpy_tree_arrays(mlx_vector_array *out, PyObject *tree) {
    return mpy_tree_visit(tree, add_array, out);
}

static int add_only_array(PyObject *leaf, void *state) {
    mlx_vector_array *out = state;
    if (mpy_array_check(leaf))
        return mpy_vector_add(*out, leaf);
    PyErr_SetString(PyExc_ValueError, "[tree_flatten] The argument should contain only arrays");
    return -1;
}

int mpy_tree_only_arrays(mlx_vector_array out, PyObject *tree) {
    return mpy_tree_visit(tree, add_only_array, &out);
}

typedef struct filling {
    mlx_vector_array arrays;
    size_t next;
} filling;

static PyObject *fill_leaf(PyObject *leaf, void *state) {
    filling *f = state;
    if (leaf != mpy_hole && !mpy_array_check(leaf))
        return Py_NewRef(leaf);
    return mpy_vector_item(f->arrays, f->next++);
}

PyObject *mpy_tree_fill(PyObject *tree, mlx_vector_array arrays, size_t *next) {
    filling f = {arrays, *next};
    PyObject *made = mpy_tree_map(tree, fill_leaf, &f);
    *next = f.next;
    return made;
}

/* --- templates -------------------------------------------------------------------------------- */

static PyTypeObject hole_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.hole",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Stands for an array in a template.",
};

PyObject *mpy_hole;

int mpy_init_tree(PyObject *module) {
    (void)module;
    if (PyType_Ready(&hole_type))
        return -1;
    mpy_hole = hole_type.tp_alloc(&hole_type, 0);
    return mpy_hole ? 0 : -1;
}

static PyObject *make_hole(PyObject *leaf, void *unused) {
    (void)unused;
    return Py_NewRef(mpy_array_check(leaf) ? mpy_hole : leaf);
}

PyObject *mpy_tree_template(PyObject *tree) {
    return mpy_tree_map(tree, make_hole, NULL);
}

PyObject *mpy_tree_plain_template(PyObject *tree) {
    return map_tree(tree, make_hole, NULL, true);
}
