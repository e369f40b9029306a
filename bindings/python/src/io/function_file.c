/* mlx.core.export_function, exporter, import_function: functions in files; export_to_dot: graphs as
   pictures. */
#include <errno.h>

#include "io/export_callback.h"
#include "host/gil.h"
#include "io/docs.h"

/* --- arguments: arrays by position and by name ------------------------------------------------ */

typedef struct inputs {
    mlx_vector_array args;
    mlx_map_string_to_array kwargs;
} inputs;

static void inputs_free(inputs *in) {
    mlx_vector_array_free(in->args);
    mlx_map_string_to_array_free(in->kwargs);
}

static int wrong_inputs(const char *op) {
    PyErr_Format(
        PyExc_ValueError,
        "[%s] Inputs can either be a variable number of positional and keyword arrays or a single "
        "tuple "
        "and/or dictionary of arrays.",
        op);
    return -1;
}

/* 1: an item is no array. */
static int add_positional(inputs *in, PyObject *items) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        if (!mpy_array_check(item))
            return 1;
        if (mpy_vector_add(in->args, item))
            return -1;
    }
    return 0;
}

static int add_named(inputs *in, PyObject *dict) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (dict && PyDict_Next(dict, &at, &key, &value)) {
        if (!PyUnicode_Check(key) || !mpy_array_check(value))
            return 1;
        const char *name = mpy_text(key);
        if (!name)
            return -1;
        if (mlx_map_string_to_array_insert(in->kwargs, name, mpy_array_handle(value)))
            return mpy_raise(), -1;
    }
    return 0;
}

static bool is_sequence(PyObject *o) {
    return PyTuple_Check(o) || PyList_Check(o);
}

/* f(x, y, k=z), f((x, y), {"k": z}), f((x, y)), f({"k": z}). Freed with inputs_free in any case. */
static int take_inputs(inputs *in, const char *op, PyObject *args, PyObject *kwargs) {
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    PyObject *first = n ? PyTuple_GET_ITEM(args, 0) : NULL,
             *last = n ? PyTuple_GET_ITEM(args, n - 1) : NULL;
    bool named = kwargs && PyDict_GET_SIZE(kwargs),
         packed = !named && n > 0 && n <= 2 && !mpy_array_check(last);
    *in = (inputs){mlx_vector_array_new(), mlx_map_string_to_array_new()};
    if (!in->args.ctx || !in->kwargs.ctx)
        return mpy_raise(), -1;
    if (packed && ((n == 2 && !is_sequence(first)) || (n == 2 && !PyDict_Check(last)) ||
                   (n == 1 && !is_sequence(first) && !PyDict_Check(first))))
        return wrong_inputs(op);
    int unfit = packed ? is_sequence(first) && add_positional(in, first) : add_positional(in, args);
    unfit = unfit ? unfit : add_named(in, packed ? (PyDict_Check(last) ? last : NULL) : kwargs);
    return unfit && !PyErr_Occurred() ? wrong_inputs(op) : unfit ? -1 : 0;
}

/* --- the function ----------------------------------------------------------------------------- */

static PyObject *named_arrays(mlx_map_string_to_array map) {
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(map);
    PyObject *dict = PyDict_New();
    const char *key;
    mlx_array value = mlx_array_new();
    while (dict && !mlx_map_string_to_array_iterator_next(&key, &value, it)) {
        PyObject *item = mpy_array_wrap(value);
        value = mlx_array_new();
        if (!item || PyDict_SetItemString(dict, key, item))
            Py_CLEAR(dict);
        Py_XDECREF(item);
    }
    mlx_array_free(value);
    mlx_map_string_to_array_iterator_free(it);
    return dict;
}

static int add_outputs(mlx_vector_array out, PyObject *value) {
    if (mpy_array_check(value))
        return mpy_vector_add(out, value);
    bool many = is_sequence(value);
    for (Py_ssize_t i = 0; many && i < PySequence_Fast_GET_SIZE(value); i++) {
        many = mpy_array_check(PySequence_Fast_GET_ITEM(value, i));
        if (many && mpy_vector_add(out, PySequence_Fast_GET_ITEM(value, i)))
            return -1;
    }
    if (!many)
        PyErr_SetString(
            PyExc_ValueError,
            "[export_function] Outputs can be either a single array, a tuple, or a list of "
            "arrays.");
    return many ? 0 : -1;
}

static int run(PyObject *fun, mlx_vector_array out, mlx_vector_array in,
               mlx_map_string_to_array named) {
    PyObject *list = mpy_vector_list(in), *args = list ? PyList_AsTuple(list) : NULL;
    PyObject *kwargs = args ? named_arrays(named) : NULL,
             *value = kwargs ? PyObject_Call(fun, args, kwargs) : NULL;
    int failed = !value || add_outputs(out, value);
    Py_XDECREF(list);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static int enter(mlx_vector_array *out, const mlx_vector_array in,
                 const mlx_map_string_to_array named, void *fun) {
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return -1;
    if (!out->ctx)
        *out = mlx_vector_array_new();
    int status = out->ctx ? run(fun, *out, in, named) : (mpy_raise(), -1);
    PyGILState_Release(gil);
    return status;
}

/* --- exporter --------------------------------------------------------------------------------- */

typedef struct exporter {
    PyObject_HEAD PyObject *fun;
    mlx_function_exporter file; /* empty when closed */
    bool shapeless;
} exporter;

static PyTypeObject exporter_type;

/* path NULL: in memory. */
static PyObject *exporter_open(const char *path, PyObject *fun, bool shapeless,
                               const char *metadata) {
    exporter *e = PyObject_GC_New(exporter, &exporter_type);
    if (!e)
        return NULL;
    e->fun = Py_NewRef(fun);
    e->shapeless = shapeless;
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func_payload(enter, fun, NULL); // e holds fun
    e->file = path ? mlx_function_exporter_new_kwargs(path, f, shapeless, metadata)
                   : mlx_function_exporter_new_memory(f, shapeless);
    mlx_closure_kwargs_free(f);
    PyObject_GC_Track(e);
    if (e->file.ctx)
        return (PyObject *)e;
    Py_DECREF(e);
    return mpy_raise();
}

/* whole: else there is no file, and what is at its place stays. */
static int exporter_close(exporter *e, bool whole) {
    mlx_function_exporter file = e->file;
    int status = 0;
    e->file.ctx = NULL;
    if (file.ctx && !whole)
        mlx_function_exporter_abandon(file);
    if (file.ctx)
        MPY_WAIT_ONCE(status, mlx_function_exporter_free(file));
    return status ? mpy_raise(), -1 : 0;
}

static int exporter_add(exporter *e, PyObject *args, PyObject *kwargs) {
    inputs in;
    int status = take_inputs(&in, "export_function", args, kwargs);
    if (!status) {
        mpy_shapeless += e->shapeless;
        MPY_WAIT(status, mlx_function_exporter_apply_kwargs(e->file, in.args, in.kwargs));
        mpy_shapeless -= e->shapeless;
        status = mpy_settle(status);
    }
    inputs_free(&in);
    return status;
}

static PyObject *exporter_call(PyObject *o, PyObject *args, PyObject *kwargs) {
    exporter *e = (exporter *)o;
    if (!e->file.ctx)
        return PyErr_SetString(PyExc_RuntimeError,
                               "[export_function] Attempting to write after exporting is closed."),
               NULL;
    return exporter_add(e, args, kwargs) ? NULL : Py_NewRef(Py_None);
}

static PyObject *close_method(PyObject *o, PyObject *unused) {
    (void)unused;
    return exporter_close((exporter *)o, true) ? NULL : Py_NewRef(Py_None);
}

static PyObject *enter_method(PyObject *o, PyObject *unused) {
    (void)unused;
    return Py_NewRef(o);
}

static PyObject *exit_method(PyObject *o, PyObject *args) {
    bool raised = PyTuple_GET_SIZE(args) && PyTuple_GET_ITEM(args, 0) != Py_None;
    return exporter_close((exporter *)o, !raised) ? NULL : Py_NewRef(Py_None);
}

static int exporter_traverse(PyObject *o, visitproc visit, void *arg) {
    Py_VISIT(((exporter *)o)->fun);
    return 0;
}

static int exporter_clear(PyObject *o) {
    exporter *e = (exporter *)o;
    mlx_function_exporter_free(e->file);
    e->file.ctx = NULL;
    Py_CLEAR(e->fun);
    return 0;
}

static void exporter_dealloc(PyObject *o) {
    PyObject_GC_UnTrack(o);
    exporter_clear(o);
    PyObject_GC_Del(o);
}

static PyMethodDef exporter_methods[] = {
    {"close", close_method, METH_NOARGS,
     "close(self) -> None\n\nWrite the file. Closing again does nothing."},
    {"__enter__", enter_method, METH_NOARGS,
     "__enter__(self) -> FunctionExporter\n\nThe exporter itself."},
    {"__exit__", exit_method, METH_VARARGS,
     "__exit__($self, exc_type=None, exc_value=None, traceback=None)\n--\n\n"
     "Close it; where something was raised write no file, and leave what is at its place."},
    {NULL},
};

static PyTypeObject exporter_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.FunctionExporter",
    .tp_basicsize = sizeof(exporter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_call = exporter_call,
    .tp_traverse = exporter_traverse,
    .tp_clear = exporter_clear,
    .tp_dealloc = exporter_dealloc,
    .tp_methods = exporter_methods,
    .tp_doc = DOC_FUNCTION_EXPORTER,
};

static PyObject *exporter_function(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"file", "fun", "shapeless", "metadata", NULL};
    const char *metadata = NULL;
    PyObject *file, *fun, *made = NULL;
    int shapeless = 0;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O|$pz:exporter", keywords,
                                     PyUnicode_FSConverter, &file, &fun, &shapeless, &metadata))
        return NULL;
    if (PyCallable_Check(fun))
        made = (PyObject *)exporter_open(PyBytes_AS_STRING(file), fun, shapeless, metadata);
    else
        PyErr_Format(PyExc_TypeError, "exporter(): fun is %s, which cannot be called",
                     Py_TYPE(fun)->tp_name);
    Py_DECREF(file);
    return made;
}

/* --- export_function -------------------------------------------------------------------------- */

/* Take a keyword of the function itself out of those meant for fun; borrowed from `kwargs`, or
   NULL. */
static PyObject *option(PyObject *kwargs, PyObject *rest, const char *name) {
    PyObject *value = kwargs ? PyDict_GetItemString(kwargs, name) : NULL;
    if (value && PyDict_DelItemString(rest, name))
        return NULL;
    return value == Py_None ? NULL : value;
}

/* To a file, or to a callback when the path is NULL. */
typedef struct destination {
    PyObject *path; /* bytes, a reference */
    const char *metadata;
    PyObject *callback;
} destination;

static int take_destination(destination *to, PyObject *file, PyObject *fun, PyObject *metadata) {
    bool callback = file && PyCallable_Check(file);
    *to = (destination){.callback = callback ? file : NULL};
    if (callback && metadata)
        return PyErr_SetString(PyExc_ValueError,
                               "[export_function] The metadata argument is only supported when "
                               "exporting to a file, not when using a callback."),
               -1;
    if (!file || !(callback || PyUnicode_Check(file)) || !fun || !PyCallable_Check(fun) ||
        (metadata && !PyUnicode_Check(metadata)))
        return PyErr_SetString(PyExc_TypeError,
                               "export_function(file_or_callback: str | Callable, fun: Callable, "
                               "*args, shapeless: bool = False, metadata: str | None = None, "
                               "**kwargs): the arguments do not fit"),
               -1;
    to->path = callback ? NULL : PyUnicode_EncodeFSDefault(file);
    to->metadata = metadata ? mpy_text(metadata) : NULL;
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *export_to(const destination *to, PyObject *fun, PyObject *args, PyObject *rest,
                           PyObject *shapeless) {
    int flexible = shapeless ? PyObject_IsTrue(shapeless) : 0;
    exporter *e = flexible < 0
                      ? NULL
                      : (exporter *)exporter_open(to->path ? PyBytes_AS_STRING(to->path) : NULL,
                                                  fun, flexible, to->metadata);
    int failed = !e || exporter_add(e, args, rest) ||
                 (to->callback && mpy_tell_exported(e->file, to->callback)) ||
                 exporter_close(e, true);
    Py_XDECREF(e);
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *export_function(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *rest = kwargs ? PyDict_Copy(kwargs) : PyDict_New(), *result = NULL;
    PyObject *shapeless = rest ? option(kwargs, rest, "shapeless") : NULL;
    PyObject *metadata = rest ? option(kwargs, rest, "metadata") : NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    PyObject *file = n > 0  ? PyTuple_GET_ITEM(args, 0)
                     : rest ? option(kwargs, rest, "file_or_callback")
                            : NULL;
    PyObject *fun = n > 1 ? PyTuple_GET_ITEM(args, 1) : rest ? option(kwargs, rest, "fun") : NULL;
    PyObject *inputs_given = n > 2 ? PyTuple_GetSlice(args, 2, n) : PyTuple_New(0);
    destination to = {0};
    (void)self;
    if (!PyErr_Occurred() && !take_destination(&to, file, fun, metadata))
        result = export_to(&to, fun, inputs_given, rest, shapeless);
    Py_XDECREF(to.path);
    Py_XDECREF(rest);
    Py_XDECREF(inputs_given);
    return result;
}

/* --- import_function -------------------------------------------------------------------------- */

typedef struct imported {
    PyObject_HEAD mlx_imported_function f;
} imported;

static PyObject *imported_call(PyObject *o, PyObject *args, PyObject *kwargs) {
    mlx_vector_array out = {NULL};
    PyObject *list = NULL, *result = NULL;
    inputs in;
    int status = take_inputs(&in, "import_function::call", args, kwargs);
    if (!status) {
        MPY_WAIT(status,
                 mlx_imported_function_apply_kwargs(&out, ((imported *)o)->f, in.args, in.kwargs));
        status = mpy_settle(status);
    }
    if (!status && (list = mpy_vector_list(out)))
        result = PyList_AsTuple(list);
    Py_XDECREF(list);
    mlx_vector_array_free(out);
    inputs_free(&in);
    return result;
}

static void imported_dealloc(PyObject *o) {
    mlx_imported_function_free(((imported *)o)->f);
    PyObject_Free(o);
}

static PyTypeObject imported_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ImportedFunction",
    .tp_basicsize = sizeof(imported),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_call = imported_call,
    .tp_dealloc = imported_dealloc,
    .tp_doc = "A function read from a file; it returns a tuple of arrays.",
};

static PyObject *import_function(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"file", "return_metadata", NULL};
    PyObject *file;
    int with_metadata = 0, status;
    mlx_imported_function f;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|p:import_function", keywords,
                                     PyUnicode_FSConverter, &file, &with_metadata))
        return NULL;
    MPY_WAIT(status, (f = mlx_imported_function_new(PyBytes_AS_STRING(file))).ctx ? 0 : 1);
    Py_DECREF(file);
    if (status)
        return mpy_raise();
    imported *made = PyObject_New(imported, &imported_type);
    if (!made)
        return mlx_imported_function_free(f), NULL;
    made->f = f;
    return with_metadata ? Py_BuildValue("(Ns)", made, mlx_imported_function_metadata(f))
                         : (PyObject *)made;
}

/* --- export_to_dot ---------------------------------------------------------------------------- */

int mpy_name_arrays(mlx_node_namer namer, PyObject *names) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (names && PyDict_Next(names, &at, &key, &value)) {
        const char *name = mpy_text(key);
        if (!mpy_array_check(value))
            PyErr_SetString(PyExc_ValueError,
                            "[tree_flatten] The argument should contain only arrays");
        if (PyErr_Occurred())
            return -1;
        if (mlx_node_namer_set_name(namer, mpy_array_handle(value), name))
            return mpy_raise(), -1;
    }
    return 0;
}

static int draw(FILE *file, PyObject *names, mlx_vector_array outputs) {
    mlx_node_namer namer = mlx_node_namer_new();
    int status = namer.ctx ? mpy_name_arrays(namer, names) : (mpy_raise(), -1);
    if (!status) {
        MPY_WAIT(status, mlx_export_to_dot(file, namer, outputs));
        status = mpy_settle(status);
    }
    mlx_node_namer_free(namer);
    return status;
}

/* Write the text to an object, or as a whole file. */
static PyObject *put_text(PyObject *target, const char *text, Py_ssize_t size) {
    if (!PyUnicode_Check(target))
        return PyObject_CallMethod(target, "write", "s#", text, size);
    PyObject *saved = PyImport_ImportModule("mlx._saved");
    PyObject *done =
        saved ? PyObject_CallMethod(saved, "write_file", "Oy#", target, text, size) : NULL;
    Py_XDECREF(saved);
    return done;
}

static int draw_to(PyObject *target, PyObject *names, mlx_vector_array outputs) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return PyErr_NoMemory(), -1;
    int status = draw(file, names, outputs), closed = fclose(file);
    if (!status && closed)
        PyErr_NoMemory();
    PyObject *done = status || closed ? NULL : put_text(target, text, (Py_ssize_t)size);
    free(text);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static PyObject *export_to_dot(PyObject *self, PyObject *args, PyObject *kwargs) {
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    PyObject *names = kwargs ? PyDict_Copy(kwargs) : PyDict_New();
    PyObject *file = n ? PyTuple_GET_ITEM(args, 0) : names ? option(kwargs, names, "file") : NULL;
    mlx_vector_array outputs = mlx_vector_array_new();
    int status = names && outputs.ctx ? 0 : (mpy_raise(), -1);
    (void)self;
    for (Py_ssize_t i = 1; !status && i < n; i++)
        status = mpy_tree_only_arrays(outputs, PyTuple_GET_ITEM(args, i));
    if (!status && file && (PyUnicode_Check(file) || PyObject_HasAttrString(file, "write")))
        status = draw_to(file, names, outputs);
    else if (!status) {
        PyErr_SetString(
            PyExc_ValueError,
            "[export_to_dot] Accepts file-like objects or strings to be used as filenames.");
        status = -1;
    }
    mlx_vector_array_free(outputs);
    Py_XDECREF(names);
    return status ? NULL : Py_NewRef(Py_None);
}

/* --- the module's functions ------------------------------------------------------------------- */

#define FUNCTION(name, function, doc) \
    {name, (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS, doc}

static PyMethodDef functions[] = {
    FUNCTION("export_function", export_function, DOC_EXPORT_FUNCTION),
    FUNCTION("exporter", exporter_function, DOC_EXPORTER),
    FUNCTION("import_function", import_function, DOC_IMPORT_FUNCTION),
    FUNCTION("export_to_dot", export_to_dot, DOC_EXPORT_TO_DOT),
    {NULL},
};

int mpy_init_function_file(PyObject *module) {
    return PyModule_AddFunctions(module, functions) || PyModule_AddType(module, &exporter_type) ||
                   PyType_Ready(&imported_type)
               ? -1
               : 0;
}
