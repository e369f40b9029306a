/* mlx.core.debug: the first NaN is an error; mlx.core.show: graphs as text. */
#include "transform/tree.h"
#include "watch/docs.h"

#include <string.h>

/* --- debug ------------------------------------------------------------------------------------ */

typedef struct debug {
    PyObject_HEAD bool nan, infinity; /* what was on before */
} debug;

static PyObject *debug_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"nan", "inf", NULL};
    int nan = 0, infinity = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$pp:debug", keywords, &nan, &infinity))
        return NULL;
    debug *d = (debug *)type->tp_alloc(type, 0);
    if (d) {
        mlx_debug_get(&d->nan, &d->infinity);
        mlx_debug_set(nan, infinity);
    }
    return (PyObject *)d;
}

static PyObject *debug_enter(PyObject *o, PyObject *unused) {
    (void)unused;
    return Py_NewRef(o);
}

static PyObject *debug_exit(PyObject *o, PyObject *args) {
    (void)args;
    mlx_debug_set(((debug *)o)->nan, ((debug *)o)->infinity);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"__enter__", debug_enter, METH_NOARGS, "Itself."},
    {"__exit__", debug_exit, METH_VARARGS, "Back to what was on before."},
    {NULL},
};

static PyTypeObject debug_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.debug",
    .tp_basicsize = sizeof(debug),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = debug_new,
    .tp_methods = methods,
    .tp_doc = DOC_DEBUG,
};

/* --- show ------------------------------------------------------------------------------------- */

static PyObject *graph_text(mlx_vector_array outputs, PyObject *names) {
    mlx_node_namer namer = mlx_node_namer_new();
    mlx_string text = mlx_string_new();
    PyObject *s = NULL;
    int status = namer.ctx ? mpy_name_arrays(namer, names) : (mpy_raise(), -1);
    if (!status) {
        MPY_WAIT(status, mlx_graph_text(&text, namer, outputs));
        const char *t = status ? NULL : mlx_string_data(text);
        s = t ? PyUnicode_DecodeUTF8(t, (Py_ssize_t)strlen(t), "surrogateescape") : mpy_raise();
    }
    mlx_string_free(text);
    mlx_node_namer_free(namer);
    return s;
}

static PyObject *print(PyObject *text) {
    PyObject *out = PySys_GetObject("stdout");
    if (!text)
        return NULL;
    int status = out && out != Py_None ? PyFile_WriteObject(text, out, Py_PRINT_RAW) : 0;
    Py_DECREF(text);
    return status ? NULL : Py_NewRef(Py_None);
}

static PyObject *show(PyObject *self, PyObject *args, PyObject *kwargs) {
    mlx_vector_array outputs = mlx_vector_array_new();
    int status = outputs.ctx ? 0 : (mpy_raise(), -1);
    (void)self;
    for (Py_ssize_t i = 0; !status && i < PyTuple_GET_SIZE(args); i++)
        status = mpy_tree_only_arrays(outputs, PyTuple_GET_ITEM(args, i));
    PyObject *done = status ? NULL : print(graph_text(outputs, kwargs));
    mlx_vector_array_free(outputs);
    return done;
}

static PyMethodDef functions[] = {
    {"show", (PyCFunction)(void (*)(void))show, METH_VARARGS | METH_KEYWORDS, DOC_SHOW},
    {NULL},
};

int mpy_init_debug(PyObject *module) {
    return PyType_Ready(&debug_type) || PyModule_AddType(module, &debug_type) ||
                   PyModule_AddFunctions(module, functions)
               ? -1
               : 0;
}
