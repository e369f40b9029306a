/* mlx.core.profile: what runs inside a with statement. */
#include "py.h"
#include "watch/docs.h"

#include <string.h>

typedef struct profile {
    PyObject_HEAD mlx_profile handle;
    Py_ssize_t memory;
    int busy; /* read without the GIL */
} profile;

static PyTypeObject profile_type;

static profile *self_of(PyObject *o) {
    return (profile *)o;
}

static PyObject *text_object(const char *text) {
    if (!text)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

/* --- start and stop --------------------------------------------------------------------------- */

static PyObject *change(profile *p, int status) {
    return status ? mpy_raise() : Py_NewRef((PyObject *)p);
}

static int is_busy(const profile *p) {
    if (p->busy)
        PyErr_SetString(PyExc_ValueError, "[profile] another thread is reading it");
    return p->busy;
}

static PyObject *profile_start(PyObject *o, PyObject *unused) {
    profile *p = self_of(o);
    (void)unused;
    return is_busy(p) ? NULL : change(p, mlx_profile_start(p->handle, (size_t)p->memory));
}

static PyObject *profile_stop(PyObject *o, PyObject *unused) {
    profile *p = self_of(o);
    (void)unused;
    return is_busy(p) ? NULL : change(p, mlx_profile_stop(p->handle));
}

static PyObject *profile_exit(PyObject *o, PyObject *args) {
    (void)args;
    PyObject *done = profile_stop(o, NULL);
    Py_XDECREF(done);
    return done ? Py_NewRef(Py_None) : NULL;
}

/* --- what is in it ---------------------------------------------------------------------------- */

/* A named tuple of mlx._results. */
static PyObject *tuple_type(const char *name) {
    PyObject *results = PyImport_ImportModule("mlx._results");
    PyObject *type = results ? PyObject_GetAttrString(results, name) : NULL;
    Py_XDECREF(results);
    return type;
}

/* (shape, dtype) */
static PyObject *array_object(const mlx_profile_array *a) {
    PyObject *shape = PyTuple_New(a->ndim), *dtype = mpy_dtype_object(a->dtype);
    for (int i = 0; shape && i < a->ndim; i++) {
        PyObject *n = PyLong_FromLong(a->shape[i]);
        if (n)
            PyTuple_SET_ITEM(shape, i, n);
        else
            Py_CLEAR(shape);
    }
    PyObject *pair = shape && dtype ? PyTuple_Pack(2, shape, dtype) : NULL;
    Py_XDECREF(shape), Py_XDECREF(dtype);
    return pair;
}

static PyObject *array_objects(const profile *p, size_t i, bool output, int n) {
    PyObject *all = PyTuple_New(n);
    for (int k = 0; all && k < n; k++) {
        mlx_profile_array a;
        PyObject *item =
            mlx_profile_get_array(&a, p->handle, i, output, k) ? mpy_raise() : array_object(&a);
        if (item)
            PyTuple_SET_ITEM(all, k, item);
        else
            Py_CLEAR(all);
    }
    return all;
}

static PyObject *event_object(const profile *p, PyObject *type, size_t i) {
    mlx_profile_event e;
    if (mlx_profile_get(&e, p->handle, i))
        return mpy_raise();
    PyObject *source = text_object(e.source), *in = array_objects(p, i, false, e.input_count),
             *out = array_objects(p, i, true, e.output_count), *result = NULL;
    if (source && in && out)
        result = PyObject_CallFunction(type, "sOOOLLLKKdKLiiOO", e.name, source, in, out,
                                       (long long)e.start_ns, (long long)e.duration_ns,
                                       (long long)e.self_ns, (unsigned long long)e.bytes_read,
                                       (unsigned long long)e.bytes_written, e.flops,
                                       (unsigned long long)e.active, (long long)e.thread, e.stream,
                                       e.depth, e.fused ? Py_True : Py_False,
                                       e.failed ? Py_True : Py_False);
    Py_XDECREF(source), Py_XDECREF(in), Py_XDECREF(out);
    return result;
}

static PyObject *row_object(const profile *p, PyObject *type, size_t i) {
    mlx_profile_row r;
    if (mlx_profile_get_row(&r, p->handle, i))
        return mpy_raise();
    PyObject *source = text_object(r.source), *result = NULL;
    if (source)
        result = PyObject_CallFunction(type, "sOKLKdd", r.name, source, (unsigned long long)r.calls,
                                       (long long)r.self_ns, (unsigned long long)r.bytes, r.flops,
                                       r.share);
    Py_XDECREF(source);
    return result;
}

typedef PyObject *make_item(const profile *p, PyObject *type, size_t i);

static PyObject *list_of(const profile *p, const char *name, size_t n, make_item *make) {
    PyObject *type = tuple_type(name), *list = type ? PyList_New(0) : NULL;
    for (size_t i = 0; list && i < n; i++) {
        PyObject *item = make(p, type, i);
        if (!item || PyList_Append(list, item))
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    Py_XDECREF(type);
    return list;
}

static PyObject *get_events(PyObject *o, void *unused) {
    size_t n;
    (void)unused;
    if (mlx_profile_count(&n, NULL, self_of(o)->handle))
        return mpy_raise();
    return list_of(self_of(o), "ProfileEvent", n, event_object);
}

/* The machine is measured without the GIL, before the profile is looked at. */
static int measure(void) {
    double bandwidth, flops;
    int status;
    MPY_WAIT(status, mlx_machine_limits(&bandwidth, &flops));
    return status ? mpy_raise(), -1 : 0;
}

static PyObject *get_table(PyObject *o, void *unused) {
    size_t n;
    (void)unused;
    if (measure())
        return NULL;
    if (mlx_profile_row_count(&n, self_of(o)->handle))
        return mpy_raise();
    return list_of(self_of(o), "ProfileRow", n, row_object);
}

static PyObject *get_dropped(PyObject *o, void *unused) {
    uint64_t n;
    (void)unused;
    if (mlx_profile_count(NULL, &n, self_of(o)->handle))
        return mpy_raise();
    return PyLong_FromUnsignedLongLong(n);
}

static PyGetSetDef attributes[] = {
    {"events", get_events, NULL,
     "What ran, in the order of the ends: ProfileEvent(name, source, inputs, outputs, start_ns, "
     "duration_ns, self_ns, bytes_read, bytes_written, flops, active, thread, stream, depth, "
     "fused, failed).",
     NULL},
    {"table", get_table, NULL,
     "The events by name and line: ProfileRow(name, source, calls, self_ns, bytes, flops, share), "
     "the longest first.",
     NULL},
    {"dropped", get_dropped, NULL, "How many of the earliest events had no room.", NULL},
    {NULL},
};

static PyObject *profile_str(PyObject *o) {
    mlx_string text = mlx_string_new();
    PyObject *s = NULL;
    if (!measure())
        s = mlx_profile_text(&text, self_of(o)->handle) ? mpy_raise()
                                                        : text_object(mlx_string_data(text));
    mlx_string_free(text);
    return s;
}

static PyObject *profile_repr(PyObject *o) {
    size_t n;
    if (!mlx_profile_count(&n, NULL, self_of(o)->handle))
        return PyUnicode_FromFormat("<profile, %zu events>", n);
    mlx_clear_last_error();
    return PyUnicode_FromString("<profile, not stopped>");
}

static PyObject *profile_save(PyObject *o, PyObject *file) {
    profile *p = self_of(o);
    PyObject *path;
    int status;
    if (!PyUnicode_FSConverter(file, &path))
        return NULL;
    p->busy++;
    MPY_WAIT(status, mlx_profile_write(p->handle, PyBytes_AS_STRING(path)));
    p->busy--;
    Py_DECREF(path);
    return status ? mpy_raise() : Py_NewRef(Py_None);
}

/* --- its life --------------------------------------------------------------------------------- */

static PyObject *profile_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"memory", NULL};
    Py_ssize_t memory = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$n:profile", keywords, &memory))
        return NULL;
    if (memory < 0)
        return PyErr_SetString(PyExc_ValueError, "[profile] the memory is negative"), NULL;
    profile *p = (profile *)type->tp_alloc(type, 0);
    if (!p)
        return NULL;
    p->memory = memory;
    p->handle = mlx_profile_new();
    if (p->handle.ctx)
        return (PyObject *)p;
    Py_DECREF(p);
    return mpy_raise();
}

static void profile_dealloc(PyObject *o) {
    mlx_profile_free(self_of(o)->handle);
    Py_TYPE(o)->tp_free(o);
}

static PyMethodDef methods[] = {
    {"start", profile_start, METH_NOARGS,
     "start(self) -> profile\n\nRecord from now on; what it has from before is forgotten."},
    {"stop", profile_stop, METH_NOARGS, "stop(self) -> profile\n\nRecord no longer."},
    {"save", profile_save, METH_O,
     "save(self, path: str | pathlib.Path) -> None\n\n"
     "Write a trace that ui.perfetto.dev, Chrome and `mlx trace` show."},
    {"__enter__", profile_start, METH_NOARGS, "Starts it."},
    {"__exit__", profile_exit, METH_VARARGS, "Stops it."},
    {NULL},
};

static PyTypeObject profile_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.profile",
    .tp_basicsize = sizeof(profile),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = profile_new,
    .tp_dealloc = profile_dealloc,
    .tp_repr = profile_repr,
    .tp_str = profile_str,
    .tp_methods = methods,
    .tp_getset = attributes,
    .tp_doc = DOC_PROFILE,
};

int mpy_init_profile(PyObject *module) {
    return PyType_Ready(&profile_type) || PyModule_AddType(module, &profile_type) ? -1 : 0;
}
