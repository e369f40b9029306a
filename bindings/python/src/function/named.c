/* Operations whose results have names: a named tuple is a tuple of the original's kind and what the
 * array API standard asks for. The types are those of mlx/_results.py, so that they can be
 * pickled. */
#include "function/function.h"

static const struct {
    const char *module, *function, *type;
} rows[] = {
    {"mlx.core", "unique_all", "UniqueAllResult"},
    {"mlx.core", "unique_counts", "UniqueCountsResult"},
    {"mlx.core", "unique_inverse", "UniqueInverseResult"},
    {"mlx.core.linalg", "eigh", "EighResult"},
    {"mlx.core.linalg", "qr", "QRResult"},
    {"mlx.core.linalg", "slogdet", "SlogdetResult"},
    {"mlx.core.linalg", "svd", "SVDResult"},
};

static bool is_of(const mlx_operation *op, const char *module, const char *function) {
    size_t n = strlen(function);
    return !strcmp(op->module, module) && !strncmp(op->signature, function, n) &&
           op->signature[n] == '(';
}

int mpy_named_type(PyObject **out, const mlx_operation *op) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!is_of(op, rows[i].module, rows[i].function))
            continue;
        PyObject *file = PyImport_ImportModule("mlx._results");
        *out = file ? PyObject_GetAttrString(file, rows[i].type) : NULL;
        Py_XDECREF(file);
        return *out ? 0 : -1;
    }
    return 0;
}

PyObject *mpy_named_object(PyObject *type, PyObject *tuple) {
    if (!tuple || !PyTuple_Check(tuple))
        return tuple;
    PyObject *named = PyObject_CallObject(type, tuple);
    Py_DECREF(tuple);
    return named;
}
