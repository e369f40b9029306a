/* How arrays are printed: PrintOptions, set_printoptions, get_printoptions, printoptions. */
#include "py.h"
#include "array/docs.h"

#include <structmember.h>

/* --- PrintOptions ----------------------------------------------------------------------------- */

typedef struct print_options {
    PyObject_HEAD int precision;
} print_options;

static int precision_from(int *out, PyObject *args, PyObject *kwargs, const char *format) {
    static char *keywords[] = {"precision", NULL};
    *out = -1;
    return PyArg_ParseTupleAndKeywords(args, kwargs, format, keywords, out) ? 0 : -1;
}

static int options_init(PyObject *o, PyObject *args, PyObject *kwargs) {
    return precision_from(&((print_options *)o)->precision, args, kwargs, "|i:PrintOptions");
}

static PyMemberDef options_members[] = {
    {"precision", T_INT, offsetof(print_options, precision), 0,
     "Decimals of floats; -1: six significant digits."},
    {NULL},
};

static PyTypeObject options_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.PrintOptions",
    .tp_basicsize = sizeof(print_options),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = options_init,
    .tp_members = options_members,
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
