/* load: files of arrays, lazily. */
#include "io/io_load.h"

#include "io/io_files.h"

#include <string.h>

/* --- what the library gives, as Python has it ------------------------------------------------- */

static int put_arrays(PyObject *dict, mlx_map_string_to_array map) {
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(map);
    const char *key;
    mlx_array value = {NULL};
    int status = 0;
    while (!status && mlx_map_string_to_array_iterator_next(&key, &value, it) == 0) {
        PyObject *name = PyUnicode_DecodeUTF8(key, (Py_ssize_t)strlen(key), "surrogateescape");
        PyObject *a = mpy_array_wrap(value);
        value = (mlx_array){NULL};
        status = name && a ? PyDict_SetItem(dict, name, a) : -1;
        Py_XDECREF(name);
        Py_XDECREF(a);
    }
    mlx_map_string_to_array_iterator_free(it);
    return status;
}

static int put_strings(PyObject *dict, mlx_map_string_to_string map) {
    mlx_map_string_to_string_iterator it = mlx_map_string_to_string_iterator_new(map);
    const char *key, *text;
    int status = 0;
    while (!status && mlx_map_string_to_string_iterator_next(&key, &text, it) == 0) {
        PyObject *value = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
        status = value ? PyDict_SetItemString(dict, key, value) : -1;
        Py_XDECREF(value);
    }
    mlx_map_string_to_string_iterator_free(it);
    return status;
}

/* dict, or (dict, metadata) if that is wanted; both are taken over. */
static PyObject *with_metadata(PyObject *dict, PyObject *metadata, int status, int wanted) {
    PyObject *result = NULL;
    if (!status && dict && metadata)
        result = wanted ? PyTuple_Pack(2, dict, metadata) : Py_NewRef(dict);
    Py_XDECREF(dict);
    Py_XDECREF(metadata);
    return result;
}

/* --- formats ---------------------------------------------------------------------------------- */

typedef struct wish {
    int metadata, mmap;
    mlx_stream s;
} wish;

static const char *path_of(const mpy_source *from) {
    return PyBytes_AS_STRING(from->path);
}

static PyObject *load_npy(mpy_source *from, const wish *w) {
    mlx_array a = {NULL};
    int status;
    if (from->path)
        MPY_WAIT(status, (w->mmap ? mlx_load_mapped : mlx_load)(&a, path_of(from), w->s));
    else
        MPY_WAIT(status, mlx_load_reader(&a, from->reader, w->s));
    return mpy_array_result(status, a);
}

static PyObject *load_npz(mpy_source *from, const wish *w) {
    if (mpy_source_copy(from, "load", "PK"))
        return NULL;
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    int status;
    MPY_WAIT(status, mlx_load_npz(&map, path_of(from), w->s));
    PyObject *dict = status ? mpy_raise() : PyDict_New();
    if (dict && put_arrays(dict, map))
        Py_CLEAR(dict);
    mlx_map_string_to_array_free(map);
    return dict;
}

/* Texts with zeros inside are whole in an open file alone. */
static PyObject *metadata_of(const char *path) {
    mlx_file f = mlx_file_new();
    int status;
    MPY_WAIT(status, mlx_file_open(&f, path, 0));
    PyObject *meta = status ? mpy_raise() : mpy_file_metadata(f);
    mlx_file_free(f);
    return meta;
}

static PyObject *load_safetensors(mpy_source *from, const wish *w) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_map_string_to_string texts = mlx_map_string_to_string_new();
    int status;
    if (from->path)
        MPY_WAIT(status, (w->mmap ? mlx_load_safetensors_mapped
                                  : mlx_load_safetensors)(&map, &texts, path_of(from), w->s));
    else
        MPY_WAIT(status, mlx_load_safetensors_reader(&map, &texts, from->reader, w->s));
    bool whole = from->path && w->metadata;
    PyObject *dict = status ? mpy_raise() : PyDict_New(), *meta = !dict ? NULL
                                                                  : whole
                                                                      ? metadata_of(path_of(from))
                                                                      : PyDict_New();
    if (meta)
        status = put_arrays(dict, map) || (!whole && put_strings(meta, texts));
    mlx_map_string_to_string_free(texts);
    mlx_map_string_to_array_free(map);
    return with_metadata(dict, meta, status, w->metadata);
}

static PyObject *item_of(mlx_io_gguf file, const char *key, size_t k) {
    const char *text;
    size_t n;
    return mlx_io_gguf_get_metadata_item(&text, &n, file, key, k)
               ? mpy_raise()
               : PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "surrogateescape");
}

static PyObject *text_list(mlx_io_gguf file, const char *key, size_t n) {
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        PyObject *item = item_of(file, key, i);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* An array, a list of strings (the getter of another type gives 3), or a string: that of lists of
   lists in JSON. */
static PyObject *gguf_value(mlx_io_gguf file, const char *key) {
    mlx_array a = {NULL};
    mlx_vector_string texts = mlx_vector_string_new();
    PyObject *value = NULL;
    int status = mlx_io_gguf_get_metadata_array(&a, file, key);
    if (!status)
        value = mpy_array_wrap(a);
    else if (status == 3 &&
             (status = mlx_io_gguf_get_metadata_vector_string(&texts, file, key)) == 0)
        value = text_list(file, key, mlx_vector_string_size(texts));
    else
        value = status == 3 ? item_of(file, key, 0) : mpy_raise();
    mlx_vector_string_free(texts);
    return value;
}

typedef PyObject *value_fn(mlx_io_gguf file, const char *key);

static int put_gguf(PyObject *dict, mlx_io_gguf file, mlx_vector_string keys, value_fn *value_of) {
    for (size_t i = 0; i < mlx_vector_string_size(keys); i++) {
        char *key;
        PyObject *value = mlx_vector_string_get(&key, keys, i) ? mpy_raise() : value_of(file, key);
        int status = value ? PyDict_SetItemString(dict, key, value) : -1;
        Py_XDECREF(value);
        if (status)
            return -1;
    }
    return 0;
}

static PyObject *gguf_array(mlx_io_gguf file, const char *key) {
    mlx_array a = {NULL};
    int status = mlx_io_gguf_get_array(&a, file, key);
    return mpy_array_result(status, a);
}

static PyObject *load_gguf(mpy_source *from, const wish *w) {
    mlx_io_gguf file = {NULL};
    mlx_vector_string keys = mlx_vector_string_new(), meta_keys = mlx_vector_string_new();
    int status;
    if (from->path)
        MPY_WAIT(status,
                 (w->mmap ? mlx_load_gguf_mapped : mlx_load_gguf)(&file, path_of(from), w->s));
    else
        MPY_WAIT(status, mlx_load_gguf_reader(&file, from->reader, w->s));
    status = status || mlx_io_gguf_get_keys(&keys, file) ||
             mlx_io_gguf_get_metadata_keys(&meta_keys, file);
    PyObject *dict = status ? mpy_raise() : PyDict_New(), *meta = dict ? PyDict_New() : NULL;
    if (meta)
        status = put_gguf(dict, file, keys, gguf_array) ||
                 (w->metadata && put_gguf(meta, file, meta_keys, gguf_value));
    mlx_vector_string_free(meta_keys);
    mlx_vector_string_free(keys);
    mlx_io_gguf_free(file);
    return with_metadata(dict, meta, status, w->metadata);
}

/* --- what the name does not tell -------------------------------------------------------------- */

static PyObject *arrays_of(mlx_file f, mlx_stream s) {
    PyObject *dict = PyDict_New();
    size_t n = mlx_file_count(f);
    for (size_t i = 0; dict && i < n; i++) {
        mlx_file_tensor t;
        mlx_array a = {NULL};
        int status = mlx_file_get(&t, f, i) || mlx_file_read(&a, f, i, s);
        PyObject *value = mpy_array_result(status, a), *name = NULL;
        if (value)
            name = PyUnicode_DecodeUTF8(t.name, (Py_ssize_t)strlen(t.name), "surrogateescape");
        if (!name || PyDict_SetItem(dict, name, value))
            Py_CLEAR(dict);
        Py_XDECREF(name), Py_XDECREF(value);
    }
    return dict;
}

/* PyTorch's checkpoints, and the formats of plug-ins. */
static PyObject *load_other(mpy_source *from, const wish *w) {
    mlx_file f = mlx_file_new();
    int status;
    MPY_WAIT(status, mlx_file_open(&f, path_of(from), w->mmap));
    PyObject *dict = status ? mpy_raise() : arrays_of(f, w->s);
    PyObject *meta = dict ? w->metadata ? mpy_file_metadata(f) : PyDict_New() : NULL;
    mlx_file_free(f);
    return with_metadata(dict, meta, 0, w->metadata);
}

/* --- formats ---------------------------------------------------------------------------------- */

static const struct format {
    const char *name;
    PyObject *(*load)(mpy_source *from, const wish *w);
    int has_metadata;
} formats[] =
    {
        {"npy", load_npy, 0},
        {"npz", load_npz, 0},
        {"safetensors", load_safetensors, 1},
        {"gguf", load_gguf, 1},
},
  other = {"other", load_other, 1};

/* NULL without an exception: there is none of this name. */
static const struct format *known(const char *name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

/* As the first bytes of the file say. */
static const struct format *format_within(const mpy_source *s, const char *ending) {
    mlx_file f = mlx_file_new();
    int status;
    MPY_WAIT(status, mlx_file_open(&f, path_of(s), 0));
    const struct format *found = status ? NULL : known(mlx_file_format(f));
    if (status && !PyErr_Occurred() && ending)
        PyErr_Format(PyExc_ValueError, "[load] Unknown file format %s: %s", ending,
                     mlx_last_error_message());
    else if (status && !PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "[load] Could not infer file format from extension: %s",
                     mlx_last_error_message());
    mlx_file_free(f);
    return status ? NULL : found ? found : &other;
}

static const struct format *format_of(const mpy_source *s, const char *given) {
    const char *name = given ? NULL : s->name ? PyBytes_AS_STRING(s->name) : "";
    const char *dot = name ? strrchr(name, '.') : NULL, *slash = dot ? strchr(dot, '/') : NULL;
    const char *ending = given ? given : dot && !slash ? dot + 1 : NULL;
    const struct format *found = ending ? known(ending) : NULL;
    if (found)
        return found;
    if (!given && s->path)
        return format_within(s, ending);
    if (ending)
        PyErr_Format(PyExc_ValueError, "[load] Unknown file format %s", ending);
    else
        PyErr_SetString(PyExc_ValueError, "[load] Could not infer file format from extension");
    return NULL;
}

/* What the name promised is not in the file: as its first bytes say, where they say something else.
   Else the exception stays. */
static PyObject *load_anew(mpy_source *s, const struct format *tried, const wish *w) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    const struct format *found = format_within(s, NULL);
    PyErr_Clear();
    if (!found || found == tried || (w->metadata && !found->has_metadata)) {
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    Py_XDECREF(type), Py_XDECREF(value), Py_XDECREF(traceback);
    return found->load(s, w);
}

PyObject *mpy_load(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"", "format", "return_metadata", "mmap", "stream", NULL};
    PyObject *file, *stream = Py_None, *result = NULL;
    const char *given = NULL;
    wish w = {0};
    mpy_source source;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|zp$pO:load", keywords, &file, &given,
                                     &w.metadata, &w.mmap, &stream) ||
        mpy_stream_from(&w.s, stream))
        return NULL;
    const struct format *format =
        mpy_source_open(&source, file, "load") ? NULL : format_of(&source, given);
    if (format && w.metadata && !format->has_metadata)
        PyErr_Format(PyExc_ValueError, "[load] metadata not supported for format %s", format->name);
    else if (format)
        result = format->load(&source, &w);
    if (format && !result && !given && source.path && PyErr_ExceptionMatches(PyExc_Exception))
        result = load_anew(&source, format, &w);
    mpy_source_close(&source);
    return result;
}
