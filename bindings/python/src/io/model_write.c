/* create_file: a model file, written a tensor at a time, as an object. */
#include <string.h>

#include "io/io_files.h"
#include "io/docs.h"

typedef struct model_writer {
    PyObject_HEAD mlx_file_writer handle; /* NULL: it is finished, or given up */
    int busy;                             /* a thread without the GIL writes */
    PyObject *path;
} model_writer;

static PyTypeObject model_writer_type;

static model_writer *self_of(PyObject *o) {
    return (model_writer *)o;
}

/* Is it open, and no other thread at work with it? -1 and an exception otherwise. */
static int begin(model_writer *w) {
    if (!w->handle.ctx)
        PyErr_SetString(PyExc_ValueError, "[ModelWriter] the file is finished or given up");
    else if (w->busy)
        PyErr_SetString(PyExc_RuntimeError, "[ModelWriter] another thread writes it");
    else
        return 0;
    return -1;
}

static PyObject *done(int status) {
    return status ? mpy_raise() : Py_NewRef(Py_None);
}

static void let_go(model_writer *w) {
    mlx_file_writer_free(w->handle);
    w->handle = (mlx_file_writer){NULL};
}

/* --- metadata --------------------------------------------------------------------------------- */

static int set_texts(mlx_file_writer w, const char *key, PyObject *list) {
    mlx_vector_string texts = mlx_vector_string_new();
    int status = 0;
    for (Py_ssize_t i = 0; !status && i < PySequence_Fast_GET_SIZE(list); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(list, i);
        const char *text = PyUnicode_Check(item) ? mpy_text(item) : NULL;
        if (!text && !PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "[ModelWriter] a list of metadata is one of str");
        status = !text || mlx_vector_string_append_value(texts, text);
    }
    status = status || mlx_file_writer_texts(w, key, texts);
    mlx_vector_string_free(texts);
    return status;
}

static int set_array(mlx_file_writer w, const char *key, PyObject *value) {
    mlx_array a = {NULL};
    int status = mpy_array_from(&a, value, NULL) || mlx_file_writer_array(w, key, a);
    mlx_array_free(a);
    return status;
}

/* A list of str, also an empty one, is texts; other lists are numbers. */
static int are_texts(PyObject *o) {
    return (PyList_Check(o) || PyTuple_Check(o)) &&
           (!PySequence_Fast_GET_SIZE(o) || PyUnicode_Check(PySequence_Fast_GET_ITEM(o, 0)));
}

static PyObject *writer_set(PyObject *o, PyObject *args) {
    PyObject *value;
    const char *key, *text;
    mlx_file_writer w = self_of(o)->handle;
    if (!PyArg_ParseTuple(args, "sO:set", &key, &value) || begin(self_of(o)))
        return NULL;
    if (are_texts(value))
        return done(set_texts(w, key, value));
    if (!PyUnicode_Check(value))
        return done(set_array(w, key, value));
    return (text = mpy_text(value)) ? done(mlx_file_writer_text(w, key, text)) : NULL;
}

/* --- tensors ---------------------------------------------------------------------------------- */

/* "q4_k", or the name of a dtype; a new reference. */
static PyObject *storage_name(PyObject *o) {
    if (PyUnicode_Check(o))
        return Py_NewRef(o);
    mlx_dtype dtype;
    PyObject *text = mpy_dtype_from(&dtype, o) ? NULL : PyObject_Str(o); // "mlx.core.float32"
    if (!text)
        return NULL;
    Py_ssize_t n = PyUnicode_GET_LENGTH(text), dot = PyUnicode_FindChar(text, '.', 0, n, -1);
    Py_SETREF(text, PyUnicode_Substring(text, dot + 1, n));
    return text;
}

static int size_from(PyObject *o) {
    long n = PyLong_AsLong(o);
    if (!PyErr_Occurred() && (n < 0 || n > INT_MAX))
        PyErr_Format(PyExc_ValueError, "[ModelWriter] an axis of %ld elements is not possible", n);
    return (int)n;
}

static int shape_from(int *shape, size_t *n, PyObject *o) {
    PyObject *list = PySequence_Fast(o, "[ModelWriter] a shape is a sequence of int");
    if (!list)
        return -1;
    *n = (size_t)PySequence_Fast_GET_SIZE(list);
    for (size_t i = 0; i < *n && i < MLX_PLUGIN_NDIM && !PyErr_Occurred(); i++)
        shape[i] = size_from(PySequence_Fast_GET_ITEM(list, i));
    if (!PyErr_Occurred() && *n > MLX_PLUGIN_NDIM)
        PyErr_Format(PyExc_ValueError, "[ModelWriter] %zu dimensions are too many", *n);
    Py_DECREF(list);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *writer_declare(PyObject *o, PyObject *args) {
    int shape[MLX_PLUGIN_NDIM];
    size_t n;
    PyObject *of, *storage;
    const char *name;
    if (!PyArg_ParseTuple(args, "sOO:declare", &name, &of, &storage) || begin(self_of(o)) ||
        shape_from(shape, &n, of) || !(storage = storage_name(storage)))
        return NULL;
    const char *text = mpy_text(storage);
    PyObject *result =
        text ? done(mlx_file_writer_declare(self_of(o)->handle, name, text, shape, n)) : NULL;
    Py_DECREF(storage);
    return result;
}

static PyObject *writer_put(PyObject *o, PyObject *args) {
    model_writer *w = self_of(o);
    PyObject *value;
    const char *name;
    mlx_array a = {NULL};
    int status;
    if (!PyArg_ParseTuple(args, "sO:put", &name, &value) || begin(w) ||
        mpy_array_from(&a, value, NULL))
        return NULL;
    w->busy = 1;
    MPY_WAIT(status, mlx_file_writer_put(w->handle, name, a));
    w->busy = 0;
    mlx_array_free(a);
    return done(status);
}

/* --- its life --------------------------------------------------------------------------------- */

static PyObject *writer_finish(PyObject *o, PyObject *unused) {
    model_writer *w = self_of(o);
    int status;
    (void)unused;
    if (begin(w))
        return NULL;
    w->busy = 1;
    MPY_WAIT_ONCE(status, mlx_file_writer_finish(w->handle));
    w->busy = 0;
    PyObject *result = done(status);
    let_go(w);
    return result;
}

static PyObject *writer_enter(PyObject *o, PyObject *unused) {
    (void)unused;
    return Py_NewRef(o);
}

/* Finished where all went well, given up where something was raised. */
static PyObject *writer_exit(PyObject *o, PyObject *args) {
    PyObject *type, *value, *traceback;
    if (!PyArg_ParseTuple(args, "OOO:__exit__", &type, &value, &traceback))
        return NULL;
    if (type == Py_None && self_of(o)->handle.ctx)
        return writer_finish(o, NULL);
    if (!self_of(o)->busy)
        let_go(self_of(o));
    Py_RETURN_NONE;
}

static void writer_dealloc(PyObject *o) {
    let_go(self_of(o));
    Py_XDECREF(self_of(o)->path);
    PyObject_Free(o);
}

static PyObject *writer_repr(PyObject *o) {
    model_writer *w = self_of(o);
    return PyUnicode_FromFormat("<ModelWriter %R%s>", w->path, w->handle.ctx ? "" : ", done");
}

static PyMethodDef methods[] = {
    {"set", writer_set, METH_VARARGS,
     "set(self, key: str, value: str | Sequence[str] | array | scalar, /) -> None\n\n"
     "Metadata, before the first tensor: a text, and in GGUF a list of texts or numbers, which have "
     "the array's dtype."},
    {"declare", writer_declare, METH_VARARGS,
     "declare(self, name: str, shape: Sequence[int], storage: str | Dtype, /) -> None\n\n"
     "Announce a tensor, before the first is put: its shape of elements, and how it is stored: a "
     "dtype, or \"float8_e4m3\", \"q4_k\" ... as ModelFile.tensors says."},
    {"put", writer_put, METH_VARARGS,
     "put(self, name: str, a: array, /) -> None\n\n"
     "The elements of a tensor that was announced, in any order, as ModelFile.read gives them with "
     "stored=True. They are evaluated, written and let go."},
    {"finish", writer_finish, METH_NOARGS,
     "finish(self) -> None\n\nAll are put: the file gets its name. A with statement does so at its "
     "end, unless something was raised: then what was there before stays."},
    {"__enter__", writer_enter, METH_NOARGS, "The writer itself."},
    {"__exit__", writer_exit, METH_VARARGS, "Finishes the file, or gives it up."},
    {NULL},
};

static PyTypeObject model_writer_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ModelWriter",
    .tp_basicsize = sizeof(model_writer),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = writer_dealloc,
    .tp_repr = writer_repr,
    .tp_methods = methods,
    .tp_doc = DOC_MODEL_WRITER,
};

static PyObject *new_writer(const char *path, const char *format, unsigned long long most) {
    mlx_file_writer handle = mlx_file_writer_new();
    int status;
    MPY_WAIT(status, mlx_file_writer_open(&handle, path, format, most));
    model_writer *w = status ? mpy_raise() : (void *)PyObject_New(model_writer, &model_writer_type);
    if (!w) {
        mlx_file_writer_free(handle);
        return NULL;
    }
    *w = (model_writer){
        .ob_base = w->ob_base, .handle = handle, .path = PyUnicode_DecodeFSDefault(path)};
    if (!w->path)
        Py_CLEAR(w);
    return (PyObject *)w;
}

/* Bytes of one file; 0 for None. -1 and an exception: no such number. */
static int most_from(unsigned long long *most, PyObject *o) {
    *most = 0;
    if (o == Py_None)
        return 0;
    *most = PyLong_AsUnsignedLongLong(o);
    if (!PyErr_Occurred() && !*most)
        PyErr_SetString(PyExc_ValueError, "[create_file] shard_bytes is not positive");
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *create_file(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"file", "format", "shard_bytes", NULL};
    PyObject *file, *shard = Py_None;
    const char *format = NULL;
    unsigned long long most;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$zO:create_file", keywords, &file, &format,
                                     &shard) ||
        most_from(&most, shard))
        return NULL;
    PyObject *path = mpy_path_of(file, "create_file");
    if (!path)
        return PyErr_Occurred() ? NULL
                                : PyErr_Format(PyExc_TypeError,
                                               "[create_file] the file is to be given by its path");
    PyObject *w = new_writer(PyBytes_AS_STRING(path), format, most);
    Py_DECREF(path);
    return w;
}

static PyMethodDef functions[] = {
    {"create_file", (PyCFunction)(void *)create_file, METH_VARARGS | METH_KEYWORDS,
     DOC_CREATE_FILE},
    {NULL},
};

int mpy_init_model_write(PyObject *module) {
    return PyType_Ready(&model_writer_type) || PyModule_AddFunctions(module, functions) ||
                   PyModule_AddType(module, &model_writer_type)
               ? -1
               : 0;
}
