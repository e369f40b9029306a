/* What the transforms of functions share: see transform.h. */
#include "transform/transform.h"
#include "host/gil.h"

/* --- functions in the module ------------------------------------------------------------------ */

/* "list", "mlx.core.array", "__main__.Thing" */
static PyObject *type_name(PyTypeObject *type) {
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return PyUnicode_FromString(type->tp_name);
    PyObject *module = PyObject_GetAttrString((PyObject *)type, "__module__");
    PyObject *name = module ? PyUnicode_FromFormat("%S.%s", module, type->tp_name) : NULL;
    Py_XDECREF(module);
    return name;
}

static int append_types(PyObject *list, const mpy_given *given) {
    for (Py_ssize_t i = 0; i < given->count; i++) {
        PyObject *name = type_name(Py_TYPE(given->args[i]));
        if (!name || PyList_Append(list, name))
            return Py_XDECREF(name), -1;
        Py_DECREF(name);
    }
    return 0;
}

static PyObject *keyword_types(const mpy_given *given) {
    PyObject *list = PyList_New(0), *comma = PyUnicode_FromString(", "), *joined = NULL;
    for (Py_ssize_t i = 0; list && i < PyTuple_GET_SIZE(given->names); i++) {
        PyObject *type = type_name(Py_TYPE(given->args[given->count + i]));
        PyObject *one =
            type ? PyUnicode_FromFormat("%U: %U", PyTuple_GET_ITEM(given->names, i), type) : NULL;
        if (!one || PyList_Append(list, one))
            Py_CLEAR(list);
        Py_XDECREF(type);
        Py_XDECREF(one);
    }
    if (list && comma)
        joined = PyUnicode_Join(comma, list);
    Py_XDECREF(list);
    Py_XDECREF(comma);
    PyObject *text = joined ? PyUnicode_FromFormat("kwargs = { %U }", joined) : NULL;
    Py_XDECREF(joined);
    return text;
}

static PyObject *given_types(const mpy_given *given) {
    PyObject *list = PyList_New(0), *comma = PyUnicode_FromString(", "), *text = NULL;
    if (list && comma && !append_types(list, given)) {
        PyObject *named =
            given->names && PyTuple_GET_SIZE(given->names) ? keyword_types(given) : NULL;
        if (!PyErr_Occurred() && (!named || !PyList_Append(list, named)))
            text = PyUnicode_Join(comma, list);
        Py_XDECREF(named);
    }
    Py_XDECREF(list);
    Py_XDECREF(comma);
    return text;
}

PyObject *mpy_incompatible(const mpy_given *given) {
    PyObject *types = given_types(given);
    if (types)
        PyErr_Format(
            PyExc_TypeError,
            "%s(): incompatible function arguments. The following argument types are supported:\n"
            "    1. %s\n\nInvoked with types: %U",
            given->signature->name, given->signature->text, types);
    Py_XDECREF(types);
    return NULL;
}

static int keyword_index(const mpy_signature *s, PyObject *name) {
    for (int i = 0; s->keywords[i]; i++)
        if (!PyUnicode_CompareWithASCIIString(name, s->keywords[i]))
            return i;
    return -1;
}

int mpy_bind_given(PyObject **values, const mpy_given *given) {
    const mpy_signature *s = given->signature;
    Py_ssize_t named = given->names ? PyTuple_GET_SIZE(given->names) : 0;
    for (int i = 0; s->keywords[i]; i++)
        values[i] = i < given->count ? given->args[i] : NULL;
    bool fits = given->count <= s->positional;
    for (Py_ssize_t k = 0; fits && k < named; k++) {
        int i = keyword_index(s, PyTuple_GET_ITEM(given->names, k));
        fits = i >= 0 && !values[i];
        if (fits)
            values[i] = given->args[given->count + k];
    }
    for (int i = 0; i < s->required; i++)
        fits = fits && values[i];
    if (!fits)
        mpy_incompatible(given);
    return fits ? 0 : -1;
}

/* --- functions made from functions ------------------------------------------------------------ */

static PyTypeObject transform_type;

PyObject *mpy_transform_new(PyObject *fun, vectorcallfunc call, PyObject *first, PyObject *second,
                            bool flag) {
    mpy_transform *t = PyObject_GC_New(mpy_transform, &transform_type);
    if (!t)
        return NULL;
    t->call = call;
    t->fun = Py_NewRef(fun);
    t->first = Py_XNewRef(first);
    t->second = Py_XNewRef(second);
    t->cache = NULL;
    t->flag = flag;
    PyObject_GC_Track(t);
    return (PyObject *)t;
}

static int transform_traverse(PyObject *o, visitproc visit, void *arg) {
    mpy_transform *t = (mpy_transform *)o;
    Py_VISIT(t->fun);
    Py_VISIT(t->first);
    Py_VISIT(t->second);
    Py_VISIT(t->cache);
    return 0;
}

static int transform_clear(PyObject *o) {
    mpy_transform *t = (mpy_transform *)o;
    Py_CLEAR(t->fun);
    Py_CLEAR(t->first);
    Py_CLEAR(t->second);
    Py_CLEAR(t->cache);
    return 0;
}

static void transform_dealloc(PyObject *o) {
    PyObject_GC_UnTrack(o);
    Py_TRASHCAN_BEGIN(o, transform_dealloc) transform_clear(o);
    PyObject_GC_Del(o);
    Py_TRASHCAN_END
}

/* It passes for the function that it was made from: name, documentation, signature. */
static PyObject *transform_getattro(PyObject *o, PyObject *name) {
    mpy_transform *t = (mpy_transform *)o;
    return t->fun ? PyObject_GetAttr(t->fun, name) : PyObject_GenericGetAttr(o, name);
}

static PyTypeObject transform_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.gc_func",
    .tp_basicsize = sizeof(mpy_transform),
    .tp_vectorcall_offset = offsetof(mpy_transform, call),
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_traverse = transform_traverse,
    .tp_clear = transform_clear,
    .tp_dealloc = transform_dealloc,
    .tp_getattro = transform_getattro,
    .tp_doc = "A function made from a function.",
};

int mpy_pack(PyObject **args, PyObject **kwargs, PyObject *const *given, size_t nargsf,
             PyObject *names) {
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    *kwargs = NULL;
    if (!(*args = PyTuple_New(n)))
        return -1;
    for (Py_ssize_t i = 0; i < n; i++)
        PyTuple_SET_ITEM(*args, i, Py_NewRef(given[i]));
    if (!names || !PyTuple_GET_SIZE(names))
        return 0;
    *kwargs = PyDict_New();
    for (Py_ssize_t i = 0; *kwargs && i < PyTuple_GET_SIZE(names); i++)
        if (PyDict_SetItem(*kwargs, PyTuple_GET_ITEM(names, i), given[n + i]))
            Py_CLEAR(*kwargs);
    if (!*kwargs)
        Py_CLEAR(*args);
    return *kwargs ? 0 : -1;
}

/* --- closures --------------------------------------------------------------------------------- */

static int run_body(mlx_vector_array *out, const mlx_vector_array in, void *payload) {
    mpy_body *body = payload;
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return -1;
    if (!out->ctx)
        *out = mlx_vector_array_new();
    int status = out->ctx ? body->run(body, *out, in) : (mpy_raise(), -1);
    PyGILState_Release(gil);
    return status;
}

mlx_closure mpy_closure_over(mpy_body *body) {
    return mlx_closure_new_func_payload(run_body, body, NULL);
}

int mpy_settle(int status) {
    if (!status && !PyErr_Occurred())
        return 0;
    mpy_raise();
    return -1;
}

int mpy_init_transform(PyObject *module) {
    (void)module;
    return PyType_Ready(&transform_type);
}
