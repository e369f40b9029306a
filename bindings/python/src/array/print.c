/* How arrays are printed: PrintOptions, set_printoptions, get_printoptions, printoptions. */
#include "py.h"
#include "array/docs.h"

/* --- PrintOptions ----------------------------------------------------------------------------- */

typedef struct print_options {
    PyObject_HEAD int precision;
} print_options;

static int check_precision(int precision) {
    if (precision >= -1)
        return 0;
    PyErr_Format(PyExc_ValueError,
                 "precision is a number of decimals, or -1 for six significant digits, got %d",
                 precision);
    return -1;
}

static int precision_from(int *out, PyObject *args, PyObject *kwargs, const char *format) {
    static char *keywords[] = {"precision", NULL};
    *out = -1;
    return PyArg_ParseTupleAndKeywords(args, kwargs, format, keywords, out) ? check_precision(*out)
                                                                            : -1;
}

static int options_init(PyObject *o, PyObject *args, PyObject *kwargs) {
    int precision;
    if (precision_from(&precision, args, kwargs, "|i:PrintOptions"))
        return -1;
    ((print_options *)o)->precision = precision;
    return 0;
}

static PyObject *options_precision(PyObject *o, void *unused) {
    (void)unused;
    return PyLong_FromLong(((print_options *)o)->precision);
}

static int options_set_precision(PyObject *o, PyObject *value, void *unused) {
    (void)unused;
    int precision;
    if (!value)
        return PyErr_SetString(PyExc_TypeError, "PrintOptions.precision cannot be deleted"), -1;
    if (!PyArg_Parse(value, "i;PrintOptions.precision", &precision) || check_precision(precision))
        return -1;
    ((print_options *)o)->precision = precision;
    return 0;
}

static PyGetSetDef options_getset[] = {
    {"precision", options_precision, options_set_precision,
     "Decimals of floats; -1: six significant digits.", NULL},
    {NULL},
};

static PyTypeObject options_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.PrintOptions",
    .tp_basicsize = sizeof(print_options),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = options_init,
    .tp_getset = options_getset,
    .tp_doc = DOC_PRINT_OPTIONS,
};

/* --- for a while ------------------------------------------------------------------------------ */

typedef struct print_context {
    PyObject_HEAD int precision, former;
} print_context;

static PyObject *context_enter(PyObject *o, PyObject *unused) {
    (void)unused;
    print_context *self = (print_context *)o;
    if (mlx_get_print_precision(&self->former) || mlx_set_print_precision(self->precision))
        return mpy_raise();
    return Py_NewRef(o);
}

static PyObject *context_exit(PyObject *o, PyObject *args) {
    (void)args;
    return mlx_set_print_precision(((print_context *)o)->former) ? mpy_raise() : Py_NewRef(Py_None);
}

static PyMethodDef context_methods[] = {
    {"__enter__", context_enter, METH_NOARGS, "Print so from now on."},
    {"__exit__", context_exit, METH_VARARGS, "Print as before."},
    {NULL},
};

static PyTypeObject context_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core._PrintOptionsContext",
    .tp_basicsize = sizeof(print_context),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = context_methods,
    .tp_doc = "What printoptions() gives to a with statement.",
};

/* --- functions -------------------------------------------------------------------------------- */

static PyObject *set_printoptions(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    int precision;
    if (precision_from(&precision, args, kwargs, "|i:set_printoptions"))
        return NULL;
    return mlx_set_print_precision(precision) ? mpy_raise() : Py_NewRef(Py_None);
}

static PyObject *get_printoptions(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    print_options *options = PyObject_New(print_options, &options_type);
    if (options && mlx_get_print_precision(&options->precision)) {
        Py_DECREF(options);
        return mpy_raise();
    }
    return (PyObject *)options;
}

static PyObject *printoptions(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    int precision;
    if (precision_from(&precision, args, kwargs, "|i:printoptions"))
        return NULL;
    print_context *context = PyObject_New(print_context, &context_type);
    if (context)
        context->precision = precision, context->former = -1;
    return (PyObject *)context;
}

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"set_printoptions", KEYWORDS(set_printoptions), DOC_SET_PRINTOPTIONS},
    {"get_printoptions", get_printoptions, METH_NOARGS, DOC_GET_PRINTOPTIONS},
    {"printoptions", KEYWORDS(printoptions), DOC_PRINTOPTIONS},
    {NULL},
};

int mpy_init_print(PyObject *module) {
    return PyModule_AddType(module, &options_type) || PyModule_AddType(module, &context_type) ||
                   PyModule_AddFunctions(module, functions)
               ? -1
               : 0;
}
