/* save, savez, savez_compressed, save_safetensors, save_gguf; load is in io_load.c. */
#include "io/io_files.h"
#include "io/io_load.h"
#include "io/docs.h"

/* --- one array -------------------------------------------------------------------------------- */

/* A pipe is left half written where Control-C comes: what its handler raises is the reason. */
static PyObject *fail_to_write(void) {
    if (mlx_last_error_code() == MLX_ERROR_IO && !PyErr_Occurred())
        PyErr_CheckSignals();
    return mpy_raise();
}

static int write_npy(PyObject *file, PyObject *array) {
    mlx_array value;
    mlx_io_writer out = mpy_writer_of(file);
    int status = -1;
    if (out.ctx && !mpy_array_value(&value, array)) {
        MPY_WAIT(status, mlx_save_writer(out, value));
        if (status)
            mpy_raise();
        mlx_array_free(value);
    }
    mlx_io_writer_free(out);
    return status || PyErr_Occurred() ? -1 : 0;
}

static PyObject *save(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"file", "arr", NULL};
    PyObject *file, *array;
    mlx_array value = {NULL};
    int status;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!:save", keywords, &file, &mpy_array_type,
                                     &array))
        return NULL;
    PyObject *path = mpy_path_of(file, "save");
    if (!path)
        return PyErr_Occurred() || write_npy(file, array) ? NULL : Py_NewRef(Py_None);
    if (mlx_array_set(&value, mpy_array_handle(array)))
        status = 1;
    else {
        mpy_listen();
        MPY_WAIT(status, mlx_save(PyBytes_AS_STRING(path), value));
    }
    mlx_array_free(value);
    Py_DECREF(path);
    return status ? fail_to_write() : Py_NewRef(Py_None);
}

/* --- maps ------------------------------------------------------------------------------------- */

/* The arrays of a dict with string keys, in order. */
static int arrays_of(mlx_map_string_to_array map, PyObject *dict, const char *op) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        mlx_array a = {NULL};
        const char *name = PyUnicode_Check(key) ? mpy_text(key) : NULL;
        if (!name || !mpy_array_check(value)) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_TypeError,
                             "[%s] arrays must be a dictionary of arrays with string keys", op);
            return -1;
        }
        int status = mlx_array_set(&a, mpy_array_handle(value)) ||
                     mlx_map_string_to_array_insert(map, name, a);
        mlx_array_free(a);
        if (status)
            return mpy_raise(), -1;
    }
    return 0;
}

/* --- npz -------------------------------------------------------------------------------------- */

/* kwargs, and the positional arrays as arr_0, arr_1 ... in a new dict. */
static PyObject *members_of(PyObject *args, PyObject *kwargs, const char *op) {
    PyObject *members = kwargs ? PyDict_Copy(kwargs) : PyDict_New();
    for (Py_ssize_t i = 1; members && i < PyTuple_GET_SIZE(args); i++) {
        PyObject *name = PyUnicode_FromFormat("arr_%zd", i - 1);
        int present = name ? PyDict_Contains(members, name) : -1;
        if (present > 0)
            PyErr_Format(PyExc_ValueError, "[%s] Cannot use un-named variables and keyword %U", op,
                         name);
        if (present || PyDict_SetItem(members, name, PyTuple_GET_ITEM(args, i)))
            Py_CLEAR(members);
        Py_XDECREF(name);
    }
    return members;
}

/* Values that are no arrays yet become arrays. */
static int make_arrays(PyObject *members) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(members, &at, &key, &value)) {
        mlx_array a = {NULL};
        if (mpy_array_check(value))
            continue;
        PyObject *array = mpy_array_from(&a, value, NULL) ? NULL : mpy_array_wrap(a);
        int status = array ? PyDict_SetItem(members, key, array)
                           : -1; // the key is there: the dict keeps its size
        Py_XDECREF(array);
        if (status)
            return -1;
    }
    return 0;
}

static int save_npz_path(PyObject *path, PyObject *members, bool compressed) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    int status = arrays_of(map, members, "savez");
    if (!status) {
        mpy_listen();
        MPY_WAIT(status, mlx_save_npz(PyBytes_AS_STRING(path), map, compressed));
        status = status ? (fail_to_write(), -1) : 0;
    }
    mlx_map_string_to_array_free(map);
    return status;
}

/* o.close(); an earlier failure is the one that is reported. */
static int close_after(PyObject *o, int status) {
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyObject *closed = PyObject_CallMethod(o, "close", NULL);
    if (status) {
        PyErr_Clear();
        PyErr_Restore(type, error, trace);
    }
    Py_XDECREF(closed);
    return status || !closed ? -1 : 0;
}

static int add_member(PyObject *archive, PyObject *key, PyObject *array) {
    PyObject *name = PyUnicode_FromFormat("%U.npy", key);
    PyObject *member = name ? PyObject_CallMethod(archive, "open", "Os", name, "w") : NULL;
    int status = member ? close_after(member, write_npy(member, array)) : -1;
    Py_XDECREF(member), Py_XDECREF(name);
    return status;
}

/* To a file object by way of the zipfile module, which does not ask how much was written. */
static int save_npz_object(PyObject *object, PyObject *members, int compressed) {
    PyObject *key, *value, *file = mpy_whole_writer(object),
                           *zipfile = file ? PyImport_ImportModule("zipfile") : NULL;
    PyObject *method =
        zipfile ? PyObject_GetAttrString(zipfile, compressed ? "ZIP_DEFLATED" : "ZIP_STORED")
                : NULL;
    PyObject *archive =
        method ? PyObject_CallMethod(zipfile, "ZipFile", "OsO", file, "w", method) : NULL;
    Py_ssize_t at = 0;
    int status = archive ? 0 : -1;
    while (!status && PyDict_Next(members, &at, &key, &value))
        status = add_member(archive, key, value);
    if (archive)
        status = close_after(archive, status);
    Py_XDECREF(archive), Py_XDECREF(method), Py_XDECREF(zipfile), Py_XDECREF(file);
    return status;
}

static PyObject *save_members(PyObject *args, PyObject *kwargs, bool compressed, const char *op) {
    if (!PyTuple_GET_SIZE(args))
        return PyErr_Format(PyExc_TypeError, "%s() needs a file", op);
    PyObject *file = PyTuple_GET_ITEM(args, 0), *members = members_of(args, kwargs, op);
    PyObject *path = members && !make_arrays(members) ? mpy_path_of(file, op) : NULL;
    int status = -1;
    if (path)
        status = save_npz_path(path, members, compressed);
    else if (members && !PyErr_Occurred())
        status = save_npz_object(file, members, compressed);
    Py_XDECREF(path);
    Py_XDECREF(members);
    return status ? NULL : Py_NewRef(Py_None);
}

static PyObject *savez(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    return save_members(args, kwargs, false, "savez");
}

static PyObject *savez_compressed(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    return save_members(args, kwargs, true, "savez_compressed");
}

/* --- safetensors ------------------------------------------------------------------------------ */

static int texts_of(mlx_map_string_to_string map, PyObject *dict) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (dict != Py_None && PyDict_Next(dict, &at, &key, &value)) {
        if (!PyUnicode_Check(key) || !PyUnicode_Check(value)) {
            PyErr_SetString(PyExc_ValueError,
                            "[save_safetensors] Metadata must be a dictionary with string keys and "
                            "values");
            return -1;
        }
        const char *name = mpy_text(key), *text = name ? mpy_text(value) : NULL;
        if (!text)
            return -1;
        if (mlx_map_string_to_string_insert(map, name, text))
            return mpy_raise(), -1;
    }
    return 0;
}

static int write_safetensors(PyObject *file, mlx_map_string_to_array map,
                             mlx_map_string_to_string texts) {
    PyObject *path = mpy_path_of(file, "save_safetensors");
    mlx_io_writer out = {NULL};
    int status = -1;
    mpy_listen();
    if (path)
        MPY_WAIT(status, mlx_save_safetensors(PyBytes_AS_STRING(path), map, texts));
    else if (!PyErr_Occurred() && (out = mpy_writer_of(file)).ctx)
        MPY_WAIT(status, mlx_save_safetensors_writer(out, map, texts));
    if (status && (path || out.ctx))
        fail_to_write();
    mlx_io_writer_free(out);
    Py_XDECREF(path);
    return status || PyErr_Occurred() ? -1 : 0;
}

static int is_dict(PyObject *o, const char *what) {
    if (!PyDict_Check(o))
        PyErr_Format(PyExc_TypeError, "%s must be a dictionary, not %.100s", what,
                     Py_TYPE(o)->tp_name);
    return PyDict_Check(o);
}

static PyObject *save_safetensors(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"file", "arrays", "metadata", NULL};
    PyObject *file, *arrays, *metadata = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:save_safetensors", keywords, &file,
                                     &arrays, &metadata) ||
        !is_dict(arrays, "arrays") || (metadata != Py_None && !is_dict(metadata, "metadata")))
        return NULL;
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_map_string_to_string texts = mlx_map_string_to_string_new();
    int status = arrays_of(map, arrays, "save_safetensors") || texts_of(texts, metadata) ||
                 write_safetensors(file, map, texts);
    mlx_map_string_to_string_free(texts);
    mlx_map_string_to_array_free(map);
    return status ? NULL : Py_NewRef(Py_None);
}

/* --- gguf ------------------------------------------------------------------------------------- */

static int set_strings(mlx_io_gguf out, const char *key, PyObject *list) {
    mlx_vector_string texts = mlx_vector_string_new();
    int status = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list) && !status; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        const char *text = PyUnicode_Check(item) ? mpy_text(item) : NULL;
        if (!text && !PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError,
                            "[save_gguf] a list in the metadata must hold strings");
        status = text ? mlx_vector_string_append_value(texts, text) ? (mpy_raise(), -1) : 0 : -1;
    }
    if (!status && mlx_io_gguf_set_metadata_vector_string(out, key, texts))
        status = (mpy_raise(), -1);
    mlx_vector_string_free(texts);
    return status;
}

/* A string, a list of strings, or what becomes an array. */
static int set_metadata(mlx_io_gguf out, const char *key, PyObject *value) {
    mlx_array a = {NULL};
    if (PyUnicode_Check(value)) {
        const char *text = mpy_text(value);
        return !text ? -1 : mlx_io_gguf_set_metadata_string(out, key, text) ? (mpy_raise(), -1) : 0;
    }
    if (PyList_Check(value) && PyList_GET_SIZE(value) && PyUnicode_Check(PyList_GET_ITEM(value, 0)))
        return set_strings(out, key, value);
    int status = mpy_array_from(&a, value, NULL);
    if (!status && mlx_io_gguf_set_metadata_array(out, key, a))
        status = (mpy_raise(), -1);
    mlx_array_free(a);
    return status;
}

/* The metadata is a dict of our own: making an array of a value may run code. */
static int fill_gguf(mlx_io_gguf out, PyObject *arrays, PyObject *metadata) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(arrays, &at, &key, &value)) {
        const char *name = PyUnicode_Check(key) ? mpy_text(key) : NULL;
        if (!name || !mpy_array_check(value)) {
            if (!PyErr_Occurred())
                PyErr_SetString(
                    PyExc_TypeError,
                    "[save_gguf] arrays must be a dictionary of arrays with string keys");
            return -1;
        }
        if (mlx_io_gguf_set_array(out, name, mpy_array_handle(value)))
            return mpy_raise(), -1;
    }
    for (at = 0; metadata != Py_None && PyDict_Next(metadata, &at, &key, &value);) {
        const char *name = PyUnicode_Check(key) ? mpy_text(key) : NULL;
        if (!name && !PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "[save_gguf] the metadata's keys must be strings");
        if (!name || set_metadata(out, name, value))
            return -1;
    }
    return 0;
}

static PyObject *save_gguf(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"file", "arrays", "metadata", NULL};
    PyObject *file, *arrays, *metadata = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:save_gguf", keywords, &file, &arrays,
                                     &metadata) ||
        !is_dict(arrays, "arrays") || (metadata != Py_None && !is_dict(metadata, "metadata")))
        return NULL;
    PyObject *path = mpy_path_of(file, "save_gguf");
    if (!path)
        return PyErr_Occurred()
                   ? NULL
                   : PyErr_Format(PyExc_ValueError, "[save_gguf] Input must be a string");
    mlx_io_gguf out = mlx_io_gguf_new();
    PyObject *own = metadata == Py_None ? Py_NewRef(metadata) : PyDict_Copy(metadata);
    int status = own ? fill_gguf(out, arrays, own) : -1;
    if (!status) {
        mpy_listen();
        MPY_WAIT(status, mlx_save_gguf(PyBytes_AS_STRING(path), out));
        if (status)
            fail_to_write();
    }
    mlx_io_gguf_free(out);
    Py_XDECREF(own);
    Py_DECREF(path);
    return status ? NULL : Py_NewRef(Py_None);
}

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"save", KEYWORDS(save), DOC_SAVE},
    {"savez", KEYWORDS(savez), DOC_SAVEZ},
    {"savez_compressed", KEYWORDS(savez_compressed), DOC_SAVEZ_COMPRESSED},
    {"save_safetensors", KEYWORDS(save_safetensors), DOC_SAVE_SAFETENSORS},
    {"save_gguf", KEYWORDS(save_gguf), DOC_SAVE_GGUF},
    {"load", KEYWORDS(mpy_load), DOC_LOAD},
    {NULL},
};

int mpy_init_io(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
