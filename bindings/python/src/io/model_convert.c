/* convert_model: model files into others. */
#include "host/gil.h"
#include "io/io_files.h"
#include "io/docs.h"

#include <string.h>

/* --- progress ------------------------------------------------------------------------------- */

static PyObject *text_or_none(const char *text) {
    if (!text)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

static PyObject *described(const mlx_convert_progress *p) {
    return Py_BuildValue("{s:N,s:n,s:n,s:K,s:K,s:N}", "tensor", text_or_none(p->tensor), "done",
                         (Py_ssize_t)p->done, "count", (Py_ssize_t)p->count, "bytes_done",
                         (unsigned long long)p->bytes_done, "bytes", (unsigned long long)p->bytes,
                         "note", text_or_none(p->note));
}

/* What the function raises stays set, and is what convert_model raises. */
static int progress(const mlx_convert_progress *p, void *function) {
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return -1;
    PyObject *what = described(p);
    PyObject *result = what ? PyObject_CallOneArg(function, what) : NULL;
    Py_XDECREF(what);
    Py_XDECREF(result);
    PyGILState_Release(gil);
    return result ? 0 : -1;
}

/* --- arguments ------------------------------------------------------------------------------ */

/* Rules as text; the list holds them. */
static const char **rules_of(PyObject *list, size_t *count) {
    Py_ssize_t n = list ? PySequence_Fast_GET_SIZE(list) : 0;
    const char **rules = PyMem_Calloc((size_t)n + 1, sizeof *rules);
    for (Py_ssize_t i = 0; rules && i < n; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(list, i);
        rules[i] = PyUnicode_Check(item) ? mpy_text(item) : NULL;
        if (!rules[i]) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_TypeError, "[convert_model] a rule is a str: 'NAME=WHAT'");
            PyMem_Free(rules);
            return NULL;
        }
    }
    *count = (size_t)n;
    return rules ? rules : (const char **)PyErr_NoMemory();
}

/* A Dtype, or its name; None: nothing is asked. For "O&". */
static int name_of_dtype(PyObject *o, void *name) {
    const char **out = name;
    if (o != Py_None)
        *out = mpy_dtype_check(o)   ? mpy_dtype_name(mpy_dtype_value(o))
               : PyUnicode_Check(o) ? mpy_text(o)
                                    : NULL;
    if (o == Py_None || *out)
        return 1;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "[convert_model] dtype is a Dtype or a str, not %.100s",
                     Py_TYPE(o)->tp_name);
    return 0;
}

static PyObject *path_of(PyObject *file) {
    PyObject *path = mpy_path_of(file, "convert_model");
    if (!path && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "[convert_model] files are to be given by their paths");
    return path;
}

static PyObject *run(PyObject *in, PyObject *out, mlx_convert_options o, PyObject *function) {
    PyObject *from = path_of(in), *to = from ? path_of(out) : NULL;
    int status = to ? 0 : -1;
    if (to)
        MPY_WAIT(status, mlx_convert(PyBytes_AS_STRING(from), PyBytes_AS_STRING(to), &o,
                                     function ? progress : NULL, function));
    Py_XDECREF(from);
    Py_XDECREF(to);
    if (status)
        return PyErr_Occurred() ? NULL : mpy_raise();
    Py_RETURN_NONE;
}

static PyObject *convert_model(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"file",       "out",       "format",   "family",     "mode",
                               "group_size", "bits",      "dtype",    "dequantize", "rules",
                               "max_bytes",  "overwrite", "progress", NULL};
    mlx_convert_options o = mlx_convert_options_default();
    PyObject *in, *out, *rules = NULL, *function = NULL;
    int dequantize = 0, overwrite = 0;
    unsigned long long most = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$zzziiO&pOKpO:convert_model", keywords, &in,
                                     &out, &o.format, &o.family, &o.mode, &o.group_size, &o.bits,
                                     name_of_dtype, &o.dtype, &dequantize, &rules, &most,
                                     &overwrite, &function))
        return NULL;
    if (rules && PyUnicode_Check(rules))
        return PyErr_Format(PyExc_TypeError, "[convert_model] rules is a list of str, not one");
    PyObject *list = rules && rules != Py_None
                         ? PySequence_Fast(rules, "[convert_model] rules is a list of str")
                         : NULL;
    if (rules && rules != Py_None && !list)
        return NULL;
    const char **texts = rules_of(list, &o.rule_count);
    o.rules = texts;
    o.dequantize = dequantize;
    o.overwrite = overwrite;
    o.most_bytes = most;
    PyObject *result = texts ? run(in, out, o, function == Py_None ? NULL : function) : NULL;
    PyMem_Free(texts);
    Py_XDECREF(list);
    return result;
}

static PyObject *model_family(PyObject *module, PyObject *file) {
    (void)module;
    mlx_string name = mlx_string_new();
    PyObject *path = path_of(file), *result = NULL;
    int status = path ? 0 : -1;
    if (path)
        MPY_WAIT(status, mlx_convert_family(&name, PyBytes_AS_STRING(path)));
    if (path && !status)
        result = PyUnicode_FromString(mlx_string_data(name));
    else if (path)
        mpy_raise();
    mlx_string_free(name);
    Py_XDECREF(path);
    return result;
}

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"convert_model", KEYWORDS(convert_model), DOC_CONVERT_MODEL},
    {"model_family", model_family, METH_O, DOC_MODEL_FAMILY},
    {NULL},
};

int mpy_init_model_convert(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
