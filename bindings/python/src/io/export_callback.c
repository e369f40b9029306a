/* export_function with a callback: what an exporter holds, as dicts.
 *
 *     {"type": "inputs", "inputs": [(name, shape, dtype), ...]}
 *     {"type": "keyword_inputs", "keywords": [(keyword, name), ...]}
 *     {"type": "outputs", "outputs": [(name, shape, dtype), ...]}
 *     {"type": "constants", "constants": [(name, array), ...]}
 *     {"type": "primitive", "name": ..., "inputs": [...], "outputs": [...], "arguments": [...]}
 */
#include "io/export_callback.h"

/* Ids as A, ..., Z, AA, AB, ...: digits are 1 to 26. */
static PyObject *name_of(size_t id) {
    char text[16], *at = text + sizeof text;
    size_t n = id + 1;
    do {
        *--at = (char)('A' + (n - 1) % 26);
        n = (n - 1) / 26;
    } while (n);
    return PyUnicode_FromStringAndSize(at, text + sizeof text - at);
}

/* --- values ----------------------------------------------------------------------------------- */

static PyObject *shape_of(const mlx_exported_array *a) {
    PyObject *shape = PyTuple_New((Py_ssize_t)a->ndim);
    for (size_t i = 0; shape && i < a->ndim; i++) {
        PyObject *item = PyLong_FromLong(a->shape[i]);
        if (item)
            PyTuple_SET_ITEM(shape, (Py_ssize_t)i, item);
        else
            Py_CLEAR(shape);
    }
    return shape;
}

/* Either is NULL when an exception is set; both are taken over. */
static PyObject *pair_of(PyObject *a, PyObject *b) {
    PyObject *pair = a && b ? PyTuple_Pack(2, a, b) : NULL;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return pair;
}

static PyObject *described(const mlx_exported_array *a) {
    PyObject *name = name_of(a->id), *shape = name ? shape_of(a) : NULL;
    PyObject *dtype = shape ? mpy_dtype_object(a->dtype) : NULL;
    PyObject *item = dtype ? PyTuple_Pack(3, name, shape, dtype) : NULL;
    Py_XDECREF(name);
    Py_XDECREF(shape);
    Py_XDECREF(dtype);
    return item;
}

static PyObject *constant_of(const mlx_exported_array *a, mlx_array value) {
    mlx_array own = mlx_array_new();
    PyObject *name = name_of(a->id);
    int status = name ? mlx_array_set(&own, value) : 0;
    return name ? pair_of(name, mpy_array_result(status, own)) : NULL;
}

static PyObject *numbers_of(const mlx_exported_argument *a) {
    PyObject *list = PyList_New((Py_ssize_t)a->count);
    for (size_t i = 0; list && i < a->count; i++) {
        PyObject *item = PyLong_FromLongLong(a->list[i]);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *argument_of(const mlx_exported_argument *a) {
    PyObject *list, *shape;
    switch (a->kind) {
    case MLX_EXPORTED_BOOL: return PyBool_FromLong(a->integer != 0);
    case MLX_EXPORTED_INT: return PyLong_FromLongLong(a->integer);
    case MLX_EXPORTED_FLOAT: return PyFloat_FromDouble(a->real);
    case MLX_EXPORTED_DTYPE: return mpy_dtype_object((mlx_dtype)a->integer);
    case MLX_EXPORTED_STRING: return PyUnicode_FromString(a->text);
    case MLX_EXPORTED_LIST: return numbers_of(a);
    case MLX_EXPORTED_SHAPE: break;
    }
    list = numbers_of(a);
    shape = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return shape;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* What the items of a list are made of; what is not used is NULL. */
typedef struct items {
    const mlx_exported_array *array;
    const char *const *keyword;
    const mlx_array *value;
    const mlx_exported_argument *argument;
} items;

static PyObject *item_of(const items *from, size_t i) {
    if (from->argument)
        return argument_of(&from->argument[i]);
    if (from->value)
        return constant_of(&from->array[i], from->value[i]);
    if (from->keyword) {
        PyObject *keyword = PyUnicode_FromString(from->keyword[i]);
        return keyword ? pair_of(keyword, name_of(from->array[i].id)) : NULL;
    }
    return described(&from->array[i]);
}

static PyObject *list_of(items from, size_t n) {
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        PyObject *item = item_of(&from, i);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* --- the visitor ------------------------------------------------------------------------------ */

/* Calls it with the dict, which is NULL when an exception is set and is taken over. */
static int tell(void *callback, PyObject *dict) {
    PyObject *done = dict ? PyObject_CallOneArg(callback, dict) : NULL;
    Py_XDECREF(dict);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int tell_list(void *callback, const char *type, const char *key, items from, size_t n) {
    PyObject *list = list_of(from, n);
    return tell(callback, list ? Py_BuildValue("{sssN}", "type", type, key, list) : NULL);
}

static int visit_inputs(void *callback, const mlx_exported_array *in, size_t n) {
    return tell_list(callback, "inputs", "inputs", (items){.array = in}, n);
}

static int visit_keywords(void *callback, const char *const *names, const mlx_exported_array *in,
                          size_t n) {
    return tell_list(callback, "keyword_inputs", "keywords", (items){.array = in, .keyword = names},
                     n);
}

static int visit_outputs(void *callback, const mlx_exported_array *out, size_t n) {
    return tell_list(callback, "outputs", "outputs", (items){.array = out}, n);
}

static int visit_constants(void *callback, const mlx_exported_array *c, const mlx_array *values,
                           size_t n) {
    return tell_list(callback, "constants", "constants", (items){.array = c, .value = values}, n);
}

static int visit_primitive(void *callback, const mlx_exported_primitive *p) {
    PyObject *in = list_of((items){.array = p->inputs}, p->input_count);
    PyObject *out = in ? list_of((items){.array = p->outputs}, p->output_count) : NULL;
    PyObject *arguments =
        out ? list_of((items){.argument = p->arguments}, p->argument_count) : NULL;
    PyObject *dict = arguments ? Py_BuildValue("{sssssOsOsO}", "type", "primitive", "name", p->name,
                                               "inputs", in, "outputs", out, "arguments", arguments)
                               : NULL;
    Py_XDECREF(in);
    Py_XDECREF(out);
    Py_XDECREF(arguments);
    return tell(callback, dict);
}

int mpy_tell_exported(mlx_function_exporter file, PyObject *callback) {
    mlx_export_visitor visitor = {callback,      visit_inputs,    visit_keywords,
                                  visit_outputs, visit_constants, visit_primitive};
    return mpy_settle(mlx_function_exporter_visit(file, &visitor));
}
