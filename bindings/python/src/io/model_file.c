/* open_file: a model file, whatever its format, as an object. */

#include "io/io_files.h"
#include "io/docs.h"

#include <string.h>

/* The handle lives while a read without the GIL uses it, though another thread closes the file. */
typedef struct model_file {
    PyObject_HEAD mlx_file handle;
    int users, closed;
    PyObject *path, *tensors, *metadata; /* the last two are made when they are asked for */
} model_file;

static PyTypeObject model_file_type;

static model_file *self_of(PyObject *o) {
    return (model_file *)o;
}

static void let_go(model_file *f) {
    if (!f->closed || f->users)
        return;
    mlx_file_free(f->handle);
    f->handle = (mlx_file){NULL};
}

static int begin(model_file *f) {
    if (f->closed)
        PyErr_SetString(PyExc_ValueError, "[ModelFile] the file is closed");
    else
        f->users++;
    return f->closed ? -1 : 0;
}

static void end(model_file *f) {
    f->users--;
    let_go(f);
}

static PyObject *text_object(const char *text) {
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

/* --- tensors -------------------------------------------------------------------------------- */

static PyObject *shape_object(const mlx_file_tensor *t) {
    PyObject *shape = PyTuple_New(t->ndim);
    for (int i = 0; shape && i < t->ndim; i++) {
        PyObject *n = PyLong_FromLong(t->shape[i]);
        if (n)
            PyTuple_SET_ITEM(shape, i, n);
        else
            Py_CLEAR(shape);
    }
    return shape;
}

static PyObject *describe(PyObject *type, const mlx_file_tensor *t) {
    PyObject *name = text_object(t->name), *shape = shape_object(t),
             *dtype = mpy_dtype_object(t->dtype), *result = NULL;
    if (name && shape && dtype)
        result =
            PyObject_CallFunction(type, "OsOOKKKi", name, t->storage, shape, dtype,
                                  (unsigned long long)t->elements, (unsigned long long)t->bytes,
                                  (unsigned long long)t->offset, t->part);
    Py_XDECREF(name), Py_XDECREF(shape), Py_XDECREF(dtype);
    return result;
}

static int add_tensor(PyObject *dict, PyObject *type, mlx_file f, size_t i) {
    mlx_file_tensor t;
    if (mlx_file_get(&t, f, i))
        return mpy_raise(), -1;
    PyObject *name = text_object(t.name), *value = name ? describe(type, &t) : NULL;
    int status = value ? PyDict_SetItem(dict, name, value) : -1;
    Py_XDECREF(name), Py_XDECREF(value);
    return status;
}

static PyObject *make_tensors(mlx_file f) {
    PyObject *results = PyImport_ImportModule("mlx._results");
    PyObject *type = results ? PyObject_GetAttrString(results, "FileTensor") : NULL;
    PyObject *dict = type ? PyDict_New() : NULL;
    size_t n = mlx_file_count(f);
    for (size_t i = 0; dict && i < n; i++)
        if (add_tensor(dict, type, f, i))
            Py_CLEAR(dict);
    Py_XDECREF(results), Py_XDECREF(type);
    return dict;
}

/* --- metadata ------------------------------------------------------------------------------- */

/* Bytes of a file that are no UTF-8 are replaced; zeros may stand inside. */
static PyObject *item_object(mlx_file f, size_t i, size_t k) {
    const char *text;
    size_t n;
    return mlx_file_metadata_item(&text, &n, f, i, k)
               ? mpy_raise()
               : PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "surrogateescape");
}

static PyObject *texts_object(mlx_file f, size_t i) {
    mlx_vector_string texts = mlx_vector_string_new();
    PyObject *list = mlx_file_metadata_texts(&texts, f, i) ? mpy_raise() : PyList_New(0);
    for (size_t k = 0; list && k < mlx_vector_string_size(texts); k++) {
        PyObject *item = item_object(f, i, k);
        if (!item || PyList_Append(list, item))
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    mlx_vector_string_free(texts);
    return list;
}

/* Lists of lists, by json.loads; infinities and NaN are texts. */
static PyObject *nested_value(mlx_file f, size_t i) {
    PyObject *text = item_object(f, i, 0), *json = text ? PyImport_ImportModule("json") : NULL;
    PyObject *value = json ? PyObject_CallMethod(json, "loads", "O", text) : NULL;
    Py_XDECREF(text), Py_XDECREF(json);
    return value;
}

static PyObject *array_value(mlx_file f, size_t i) {
    mlx_array a = {NULL};
    int status = mlx_file_metadata_array(&a, f, i);
    return mpy_array_result(status, a);
}

static PyObject *value_object(mlx_file f, size_t i) {
    mlx_file_kind kind = mlx_file_metadata_kind(f, i);
    return kind == MLX_FILE_TEXT     ? item_object(f, i, 0)
           : kind == MLX_FILE_TEXTS  ? texts_object(f, i)
           : kind == MLX_FILE_NESTED ? nested_value(f, i)
                                     : array_value(f, i);
}

PyObject *mpy_file_metadata(mlx_file f) {
    PyObject *dict = PyDict_New();
    size_t n = mlx_file_metadata_count(f);
    for (size_t i = 0; dict && i < n; i++) {
        PyObject *key = text_object(mlx_file_metadata_key(f, i)),
                 *value = key ? value_object(f, i) : NULL;
        if (!value || PyDict_SetItem(dict, key, value))
            Py_CLEAR(dict);
        Py_XDECREF(key), Py_XDECREF(value);
    }
    return dict;
}

/* --- attributes ------------------------------------------------------------------------------- */

/* What is made once and then shown read-only. */
static PyObject *shown(model_file *f, PyObject **kept, PyObject *(*make)(mlx_file)) {
    if (!*kept) {
        if (begin(f))
            return NULL;
        *kept = make(f->handle);
        end(f);
    }
    return *kept ? PyDictProxy_New(*kept) : NULL;
}

static PyObject *get_tensors(PyObject *o, void *unused) {
    (void)unused;
    return shown(self_of(o), &self_of(o)->tensors, make_tensors);
}

static PyObject *get_metadata(PyObject *o, void *unused) {
    (void)unused;
    return shown(self_of(o), &self_of(o)->metadata, mpy_file_metadata);
}

static PyObject *get_format(PyObject *o, void *unused) {
    (void)unused;
    if (begin(self_of(o)))
        return NULL;
    PyObject *name = PyUnicode_FromString(mlx_file_format(self_of(o)->handle));
    end(self_of(o));
    return name;
}

static PyObject *get_parts(PyObject *o, void *unused) {
    model_file *f = self_of(o);
    (void)unused;
    if (begin(f))
        return NULL;
    int n = mlx_file_part_count(f->handle);
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++) {
        const char *path = "";
        uint64_t bytes;
        PyObject *item = mlx_file_part(&path, &bytes, f->handle, i)
                             ? mpy_raise()
                             : PyUnicode_DecodeFSDefault(path);
        if (item)
            PyList_SET_ITEM(list, i, item);
        else
            Py_CLEAR(list);
    }
    end(f);
    return list;
}

static PyGetSetDef attributes[] = {
    {"format", get_format, NULL,
     "Its format: \"safetensors\", \"gguf\", \"npy\", \"npz\", \"pytorch\", or a plug-in's.", NULL},
    {"parts", get_parts, NULL, "The paths of its files: several where it is sharded or split.",
     NULL},
    {"tensors", get_tensors, NULL,
     "Its tensors by name: FileTensor(name, storage, shape, dtype, size, nbytes, offset, part).",
     NULL},
    {"metadata", get_metadata, NULL,
     "Its metadata by key: texts, lists of texts, and arrays of numbers.", NULL},
    {NULL},
};

/* --- reading ---------------------------------------------------------------------------------- */

/* By name; a KeyError where there is none. */
static PyObject *read_named(model_file *f, PyObject *key, int stored, mlx_stream s) {
    const char *name = PyUnicode_Check(key) ? mpy_text(key) : NULL;
    mlx_array a = {NULL};
    size_t i = 0;
    if (!name || begin(f)) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "[ModelFile] a tensor's name is a str, not %.100s",
                         Py_TYPE(key)->tp_name);
        return NULL;
    }
    int status = mlx_file_find(&i, f->handle, name), found = !status;
    if (found)
        MPY_WAIT(status, (stored ? mlx_file_read_stored : mlx_file_read)(&a, f->handle, i, s));
    end(f);
    if (found || status == 1)
        return mpy_array_result(status, a);
    PyErr_SetObject(PyExc_KeyError, key);
    return NULL;
}

static PyObject *file_read(PyObject *o, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"name", "stored", "stream", NULL};
    PyObject *name, *stream = Py_None;
    int stored = 0;
    mlx_stream s;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$pO:read", keywords, &name, &stored,
                                     &stream) ||
        mpy_stream_from(&s, stream))
        return NULL;
    return read_named(self_of(o), name, stored, s);
}

static PyObject *file_item(PyObject *o, PyObject *key) {
    return read_named(self_of(o), key, 0, (mlx_stream){NULL});
}

static Py_ssize_t file_length(PyObject *o) {
    if (begin(self_of(o)))
        return -1;
    Py_ssize_t n = (Py_ssize_t)mlx_file_count(self_of(o)->handle);
    end(self_of(o));
    return n;
}

static int file_contains(PyObject *o, PyObject *key) {
    PyObject *tensors = get_tensors(o, NULL);
    int found = tensors ? PySequence_Contains(tensors, key) : -1;
    Py_XDECREF(tensors);
    return found;
}

static PyObject *file_iterate(PyObject *o) {
    PyObject *tensors = get_tensors(o, NULL), *it = tensors ? PyObject_GetIter(tensors) : NULL;
    Py_XDECREF(tensors);
    return it;
}

static PyObject *file_keys(PyObject *o, PyObject *unused) {
    (void)unused;
    PyObject *tensors = get_tensors(o, NULL), *keys = tensors ? PySequence_List(tensors) : NULL;
    Py_XDECREF(tensors);
    return keys;
}

/* --- its life --------------------------------------------------------------------------------- */

static PyObject *file_close(PyObject *o, PyObject *unused) {
    (void)unused;
    self_of(o)->closed = 1;
    let_go(self_of(o));
    Py_RETURN_NONE;
}

static PyObject *file_enter(PyObject *o, PyObject *unused) {
    (void)unused;
    return Py_NewRef(o);
}

static PyObject *file_exit(PyObject *o, PyObject *args) {
    (void)args;
    return file_close(o, NULL);
}

static void file_dealloc(PyObject *o) {
    model_file *f = self_of(o);
    f->closed = 1;
    let_go(f);
    Py_XDECREF(f->path), Py_XDECREF(f->tensors), Py_XDECREF(f->metadata);
    PyObject_Free(o);
}

static PyObject *file_repr(PyObject *o) {
    model_file *f = self_of(o);
    if (f->closed)
        return PyUnicode_FromFormat("<ModelFile %R, closed>", f->path);
    return PyUnicode_FromFormat("<ModelFile %R, %s, %zu tensors>", f->path,
                                mlx_file_format(f->handle), mlx_file_count(f->handle));
}

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef methods[] = {
    {"read", KEYWORDS(file_read),
     "read(self, name: str, *, stored: bool = False, stream: StreamOrDevice = None) -> array\n\n"
     "The tensor of a name, read when it is evaluated: its values, or as it is stored (blocks and "
     "8-bit floats as uint8)."},
    {"keys", file_keys, METH_NOARGS, "keys(self) -> list[str]\n\nThe names of its tensors."},
    {"close", file_close, METH_NOARGS,
     "close(self) -> None\n\nLet go of the file. Arrays that were read from it stay."},
    {"__enter__", file_enter, METH_NOARGS, "The file itself."},
    {"__exit__", file_exit, METH_VARARGS, "Closes it."},
    {NULL},
};

static PyMappingMethods mapping = {.mp_length = file_length, .mp_subscript = file_item};
static PySequenceMethods sequence = {.sq_contains = file_contains};

static PyTypeObject model_file_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ModelFile",
    .tp_basicsize = sizeof(model_file),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = file_dealloc,
    .tp_repr = file_repr,
    .tp_iter = file_iterate,
    .tp_methods = methods,
    .tp_getset = attributes,
    .tp_as_mapping = &mapping,
    .tp_as_sequence = &sequence,
    .tp_doc = DOC_MODEL_FILE,
};

static PyObject *open_file(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"file", "mmap", NULL};
    PyObject *file;
    int map = 0, status;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$p:open_file", keywords, &file, &map))
        return NULL;
    PyObject *path = mpy_path_of(file, "open_file");
    if (!path)
        return PyErr_Occurred() ? NULL
                                : PyErr_Format(PyExc_TypeError,
                                               "[open_file] the file is to be given by its path");
    mlx_file handle = mlx_file_new();
    MPY_WAIT(status, mlx_file_open(&handle, PyBytes_AS_STRING(path), map));
    model_file *f = status ? mpy_raise() : (void *)PyObject_New(model_file, &model_file_type);
    if (f)
        *f = (model_file){.ob_base = f->ob_base,
                          .handle = handle,
                          .path = PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(path))};
    else
        mlx_file_free(handle);
    Py_DECREF(path);
    if (f && !f->path)
        Py_CLEAR(f);
    return (PyObject *)f;
}

static PyMethodDef functions[] = {
    {"open_file", KEYWORDS(open_file), DOC_OPEN_FILE},
    {NULL},
};

int mpy_init_model_file(PyObject *module) {
    return PyType_Ready(&model_file_type) || PyModule_AddFunctions(module, functions) ||
                   PyModule_AddType(module, &model_file_type)
               ? -1
               : 0;
}
