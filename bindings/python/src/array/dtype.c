/* Dtype, one object for each dtype; DtypeCategory, the sets that they belong to; and what can be
   asked of both. */
#include "py.h"
#include "array/docs.h"

#include <string.h>

typedef struct mpy_dtype {
    PyObject_HEAD mlx_dtype value;
} mpy_dtype;

enum { DTYPES = MLX_COMPLEX64 + 1 };

static const char *const names[DTYPES] = {
    [MLX_BOOL] = "bool",         [MLX_UINT8] = "uint8",         [MLX_UINT16] = "uint16",
    [MLX_UINT32] = "uint32",     [MLX_UINT64] = "uint64",       [MLX_INT8] = "int8",
    [MLX_INT16] = "int16",       [MLX_INT32] = "int32",         [MLX_INT64] = "int64",
    [MLX_FLOAT16] = "float16",   [MLX_FLOAT32] = "float32",     [MLX_FLOAT64] = "float64",
    [MLX_BFLOAT16] = "bfloat16", [MLX_COMPLEX64] = "complex64",
};

/* --- the type --------------------------------------------------------------------------------- */

static PyObject *dtype_repr(PyObject *o) {
    return PyUnicode_FromFormat("mlx.core.%s", names[((mpy_dtype *)o)->value]);
}

static Py_hash_t dtype_hash(PyObject *o) {
    return ((mpy_dtype *)o)->value;
}

static PyObject *dtype_size(PyObject *o, void *closure) {
    (void)closure;
    return PyLong_FromSize_t(mlx_dtype_size(((mpy_dtype *)o)->value));
}

/* Where pickle looks for it. */
static PyObject *dtype_module(PyObject *o, void *closure) {
    (void)o, (void)closure;
    return PyUnicode_FromString("mlx.core");
}

/* By name: the object is found again as an attribute of mlx.core. */
static PyObject *dtype_reduce(PyObject *o, PyObject *unused) {
    (void)unused;
    mlx_dtype value = ((mpy_dtype *)o)->value;
    return PyUnicode_FromString(value == MLX_BOOL ? "bool_" : names[value]);
}

static PyGetSetDef dtype_getset[] = {
    {"size", dtype_size, NULL, "Bytes of one element.", NULL},
    {"__module__", dtype_module, NULL, NULL, NULL},
    {NULL},
};
static PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, "The name under which mlx.core has this dtype."},
    {NULL},
};

PyTypeObject mpy_dtype_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.Dtype",
    .tp_basicsize = sizeof(mpy_dtype),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_repr = dtype_repr,
    .tp_hash = dtype_hash,
    .tp_getset = dtype_getset,
    .tp_methods = dtype_methods,
    .tp_doc = DOC_DTYPE,
};

static mpy_dtype dtypes[DTYPES];

int mpy_dtype_check(PyObject *o) {
    return Py_IS_TYPE(o, &mpy_dtype_type);
}

mlx_dtype mpy_dtype_value(PyObject *o) {
    return ((mpy_dtype *)o)->value;
}

const char *mpy_dtype_name(mlx_dtype dtype) {
    return names[dtype];
}

PyObject *mpy_dtype_object(mlx_dtype dtype) {
    PyObject *o = (PyObject *)&dtypes[dtype];
    Py_INCREF(o);
    return o;
}

/* What o calls itself: a text, a class, NumPy's or PyTorch's dtype ("torch.float32"); NULL without
   an exception. */
static PyObject *name_of(PyObject *o) {
    PyObject *name = PyUnicode_Check(o)
                         ? Py_NewRef(o)
                         : PyObject_GetAttrString(o, PyType_Check(o) ? "__name__" : "name");
    PyErr_Clear();
    name = name ? name : PyObject_Str(o);
    PyErr_Clear();
    return name;
}

PyObject *mpy_dtype_hint(PyObject *o) {
    PyObject *name = name_of(o), *hint = NULL;
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL,
               *dot = text ? strrchr(text, '.') : NULL;
    PyErr_Clear();
    for (int i = 0; text && i < DTYPES && !hint; i++)
        if (!strcmp(dot ? dot + 1 : text, names[i]))
            hint = PyUnicode_FromFormat(": write mlx.core.%s", i == MLX_BOOL ? "bool_" : names[i]);
    Py_XDECREF(name);
    return hint || PyErr_Occurred() ? hint : PyUnicode_FromString("");
}

int mpy_dtype_from(mlx_dtype *out, PyObject *o) {
    if (!mpy_dtype_check(o)) {
        PyObject *hint = mpy_dtype_hint(o);
        if (hint)
            PyErr_Format(PyExc_TypeError, "expected a Dtype such as mlx.core.float32, got %.100s%U",
                         Py_TYPE(o)->tp_name, hint);
        Py_XDECREF(hint);
        return -1;
    }
    *out = mpy_dtype_value(o);
    return 0;
}

/* --- categories: sets of dtypes, as bits ------------------------------------------------------ */

#define BIT(name) (1u << MLX_##name)
enum {
    SIGNED = BIT(INT8) | BIT(INT16) | BIT(INT32) | BIT(INT64),
    UNSIGNED = BIT(UINT8) | BIT(UINT16) | BIT(UINT32) | BIT(UINT64),
    FLOATING = BIT(FLOAT16) | BIT(BFLOAT16) | BIT(FLOAT32) | BIT(FLOAT64),
    COMPLEX = BIT(COMPLEX64),
    NUMBER = SIGNED | UNSIGNED | FLOATING | COMPLEX,
};

static const struct {
    const char *name;
    unsigned set;
} categories[] = {
    {"complexfloating", COMPLEX}, {"floating", FLOATING},          {"inexact", FLOATING | COMPLEX},
    {"signedinteger", SIGNED},    {"unsignedinteger", UNSIGNED},   {"integer", SIGNED | UNSIGNED},
    {"number", NUMBER},           {"generic", NUMBER | BIT(BOOL)},
};
enum { CATEGORIES = sizeof categories / sizeof *categories };

static PyObject *category_objects[CATEGORIES];

static int category_index(PyObject *o) {
    for (int i = 0; i < CATEGORIES; i++)
        if (o == category_objects[i])
            return i;
    return -1;
}

/* The set of a dtype or category; 0 and an exception for anything else. */
static unsigned set_of(PyObject *o, const char *which) {
    if (mpy_dtype_check(o))
        return 1u << mpy_dtype_value(o);
    int i = category_index(o);
    if (i >= 0)
        return categories[i].set;
    PyErr_Format(PyExc_ValueError, "[issubdtype] Received invalid type for %s input.", which);
    return 0;
}

static PyObject *issubdtype(PyObject *module, PyObject *const *args, Py_ssize_t n) {
    (void)module;
    if (n != 2)
        return PyErr_Format(PyExc_TypeError, "issubdtype() takes 2 arguments, got %zd", n);
    unsigned a = set_of(args[0], "first"), b = a ? set_of(args[1], "second") : 0;
    if (!a || !b)
        return NULL;
    if (mpy_dtype_check(args[1]))
        return PyBool_FromLong(args[0] == args[1]);
    return PyBool_FromLong((a & ~b) == 0);
}

/* --- isdtype: the array API's kinds ----------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned set;
} kinds[] = {
    {"bool", BIT(BOOL)},
    {"signed integer", SIGNED},
    {"unsigned integer", UNSIGNED},
    {"integral", SIGNED | UNSIGNED},
    {"real floating", FLOATING},
    {"complex floating", COMPLEX},
    {"numeric", NUMBER},
};

/* 1, 0, or -1 and an exception. */
static int is_kind(mlx_dtype dtype, PyObject *kind, int nested) {
    if (mpy_dtype_check(kind))
        return mpy_dtype_value(kind) == dtype;
    if (PyUnicode_Check(kind)) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (PyUnicode_CompareWithASCIIString(kind, kinds[i].name) == 0)
                return kinds[i].set >> dtype & 1;
        PyErr_Format(PyExc_ValueError, "[isdtype] Unknown data type kind: %R.", kind);
        return -1;
    }
    if (!nested && PyTuple_Check(kind)) {
        int found = 0;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kind) && !found; i++)
            found = is_kind(dtype, PyTuple_GET_ITEM(kind, i), 1);
        return found;
    }
    PyErr_SetString(
        PyExc_ValueError,
        "[isdtype] `kind` must be a dtype, a string, or a tuple of dtypes and strings.");
    return -1;
}

static PyObject *isdtype(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"dtype", "kind", NULL};
    PyObject *o, *kind;
    mlx_dtype dtype;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:isdtype", keywords, &o, &kind) ||
        mpy_dtype_from(&dtype, o))
        return NULL;
    int yes = is_kind(dtype, kind, 0);
    return yes < 0 ? NULL : PyBool_FromLong(yes);
}

/* --- the module's part ------------------------------------------------------------------------ */

static PyMethodDef functions[] = {
    {"issubdtype", (PyCFunction)(void *)issubdtype, METH_FASTCALL, DOC_ISSUBDTYPE},
    {"isdtype", (PyCFunction)(void *)isdtype, METH_VARARGS | METH_KEYWORDS, DOC_ISDTYPE},
    {NULL},
};

static const char *category_name(int i) {
    return categories[i].name;
}

int mpy_init_dtype(PyObject *module) {
    if (PyType_Ready(&mpy_dtype_type) || PyModule_AddType(module, &mpy_dtype_type) ||
        PyModule_AddFunctions(module, functions))
        return -1;
    for (int i = 0; i < DTYPES; i++) {
        if (!Py_TYPE(&dtypes[i])) // a module that is loaded again keeps its dtypes
            (void)PyObject_Init((PyObject *)&dtypes[i], &mpy_dtype_type);
        dtypes[i].value = (mlx_dtype)i;
        const char *name = i == MLX_BOOL ? "bool_" : names[i];
        if (PyModule_AddObjectRef(module, name, (PyObject *)&dtypes[i]))
            return -1;
    }
    PyObject *cls = mpy_enum(module, "DtypeCategory", category_objects, CATEGORIES, category_name);
    Py_XDECREF(cls);
    return cls ? 0 : -1;
}
