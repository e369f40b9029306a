/* mlx.core.distributed: groups of processes. The operations over them are the catalog's. */
#include "py.h"
#include "host/docs.h"

typedef struct group_object {
    PyObject_HEAD mlx_distributed_group handle;
} group_object;

static PyTypeObject group_type;

static PyObject *wrap(int status, mlx_distributed_group handle) {
    group_object *self = status ? NULL : PyObject_New(group_object, &group_type);
    if (self)
        self->handle = handle;
    else
        mlx_distributed_group_free(handle);
    return status ? mpy_raise() : (PyObject *)self;
}

static mlx_distributed_group handle_of(PyObject *o) {
    return ((group_object *)o)->handle;
}

static void group_dealloc(PyObject *o) {
    mlx_distributed_group_free(handle_of(o));
    PyObject_Free(o);
}

static PyObject *group_rank(PyObject *o, PyObject *unused) {
    (void)unused;
    return PyLong_FromLong(mlx_distributed_group_rank(handle_of(o)));
}

static PyObject *group_size(PyObject *o, PyObject *unused) {
    (void)unused;
    return PyLong_FromLong(mlx_distributed_group_size(handle_of(o)));
}

static PyObject *group_split(PyObject *o, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"color", "key", NULL};
    mlx_distributed_group part = {NULL};
    int color, key = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|i:split", keywords, &color, &key))
        return NULL;
    return wrap(mlx_distributed_group_split(&part, handle_of(o), color, key), part);
}

int mpy_group_from(mlx_distributed_group *out, PyObject *o) {
    if (o != Py_None && !PyObject_TypeCheck(o, &group_type)) {
        PyErr_Format(PyExc_TypeError, "expected an mlx.core.distributed.Group, got %.100s",
                     Py_TYPE(o)->tp_name);
        return -1;
    }
    *out = o == Py_None ? (mlx_distributed_group){NULL} : handle_of(o);
    return 0;
}

static PyObject *init(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"strict", "backend", "all_gather_factory", NULL};
    int strict = 0;
    const char *backend = "any";
    PyObject *factory = Py_None;
    mlx_distributed_group group = mlx_distributed_group_new();
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ps$O:init", keywords, &strict, &backend,
                                     &factory))
        return NULL;
    if (factory != Py_None)
        return PyErr_Format(PyExc_RuntimeError,
                            "[distributed] this build reaches no other processes, and so cannot "
                            "use an all_gather_factory");
    return wrap(mlx_distributed_init(&group, strict, backend), group);
}

static PyMethodDef group_methods[] = {
    {"rank", group_rank, METH_NOARGS, "rank(self) -> int\n\nThis process's number in the group."},
    {"size", group_size, METH_NOARGS,
     "size(self) -> int\n\nHow many processes there are in the group."},
    {"split", (PyCFunction)group_split, METH_VARARGS | METH_KEYWORDS,
     "split(self, color: int, key: int = -1) -> Group\n\n"
     "The group of processes with the same color, ordered by key."},
    {NULL},
};

static PyTypeObject group_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.distributed.Group",
    .tp_basicsize = sizeof(group_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = group_dealloc,
    .tp_methods = group_methods,
    .tp_doc = DOC_GROUP,
};

static PyMethodDef functions[] = {
    {"init", (PyCFunction)init, METH_VARARGS | METH_KEYWORDS, DOC_INIT},
    {NULL},
};

int mpy_init_process(PyObject *module) {
    PyObject *distributed = PyObject_GetAttrString(module, "distributed");
    int status = !distributed || PyType_Ready(&group_type) ||
                         PyModule_AddFunctions(distributed, functions) ||
                         PyModule_AddType(distributed, &group_type)
                     ? -1
                     : 0;
    Py_XDECREF(distributed);
    return status;
}
