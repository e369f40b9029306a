/* asarray, from_dlpack, ArrayLike. */
#include "array/convert.h"
#include "array/docs.h"

/* --- asarray, from_dlpack --------------------------------------------------------------------- */

/* copy: -1 where it must be, 0 never, 1 always. */
static int copy_wish(PyObject *o) {
    if (o == Py_None)
        return -1;
    return PyObject_IsTrue(o) ? 1 : 0;
}

static int refuse_copy(void) {
    PyErr_SetString(PyExc_ValueError, "Unable to avoid copy while creating an array as requested.");
    return -1;
}

/* The memory of o itself, as it is. */
static int without_copy(mlx_array *out, PyObject *o, const mlx_dtype *dtype) {
    int status = -1;
    if (!mpy_array_check(o) && (PyCapsule_CheckExact(o) || PyObject_HasAttrString(o, "__dlpack__")))
        status = mpy_array_from_dlpack(out, o, 0);
    else
        refuse_copy();
    if (!status && dtype && mlx_array_dtype(*out) != *dtype)
        status = refuse_copy();
    return status;
}

static int asarray_of(mlx_array *out, PyObject *o, const mlx_dtype *dtype, int copy) {
    mlx_stream s = {NULL};
    if (copy == 0)
        return without_copy(out, o, dtype);
    int status = mpy_array_from(out, o, dtype);
    if (!status && copy == 1 && mpy_array_check(o) && mlx_copy(out, *out, s))
        status = (mpy_raise(), -1);
    return status;
}

static PyObject *finish(int status, mlx_array out) {
    if (!status)
        return mpy_array_wrap(out);
    mlx_array_free(out);
    return NULL;
}

static PyObject *asarray(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"a", "dtype", "copy", "device", NULL};
    PyObject *o, *dtype_object = Py_None, *copy = Py_None, *device = Py_None;
    mlx_dtype dtype;
    mlx_array out = {NULL};
    mlx_stream s;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O$OO:asarray", keywords, &o, &dtype_object,
                                     &copy, &device) ||
        (dtype_object != Py_None && mpy_dtype_from(&dtype, dtype_object)) ||
        mpy_stream_from(&s, device))
        return NULL;
    int status = asarray_of(&out, o, dtype_object == Py_None ? NULL : &dtype, copy_wish(copy));
    return finish(status, out);
}

static PyObject *from_dlpack(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *keywords[] = {"", "copy", "device", NULL};
    PyObject *o, *copy = Py_None, *device = Py_None;
    mlx_array out = {NULL};
    mlx_stream s = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$OO:from_dlpack", keywords, &o, &copy,
                                     &device) ||
        mpy_stream_from(&s, device))
        return NULL;
    if (!PyCapsule_CheckExact(o) && !PyObject_HasAttrString(o, "__dlpack__"))
        return PyErr_Format(PyExc_TypeError,
                            "from_dlpack() needs an object with __dlpack__, got %.100s",
                            Py_TYPE(o)->tp_name);
    int wish = copy_wish(copy);
    int status = mpy_array_check(o) ? asarray_of(&out, o, NULL, wish)
                                    : mpy_array_from_dlpack(&out, o, wish != 0);
    if (!status && !mpy_array_check(o) && mlx_array_dtype(out) == MLX_FLOAT64) {
        if (wish == 0)
            status = refuse_copy();
        else if (mlx_astype(&out, out, MLX_FLOAT32, s))
            status = (mpy_raise(), -1);
    }
    return finish(status, out);
}

/* --- ArrayLike: a box that makes anything an operand ------------------------------------------ */

typedef struct array_like {
    PyObject_HEAD PyObject *object;
} array_like;

/* What has __mlx_array__ is asked when the array is needed; what array() does not take never
   becomes one. */
static int check_like(PyObject *o) {
    mlx_array a = {NULL};
    int status = mpy_has(o, "__mlx_array__") ? 0 : mpy_array_from(&a, o, NULL);
    mlx_array_free(a);
    return status;
}

static PyObject *like_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"", NULL};
    PyObject *o;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:ArrayLike", keywords, &o) || check_like(o))
        return NULL;
    array_like *self = (array_like *)type->tp_alloc(type, 0);
    if (self)
        self->object = Py_NewRef(o);
    return (PyObject *)self;
}

static int like_traverse(PyObject *o, visitproc visit, void *arg) {
    Py_VISIT(((array_like *)o)->object);
    return 0;
}

static int like_clear(PyObject *o) {
    Py_CLEAR(((array_like *)o)->object);
    return 0;
}

static void like_dealloc(PyObject *o) {
    PyObject_GC_UnTrack(o);
    like_clear(o);
    Py_TYPE(o)->tp_free(o);
}

static PyObject *like_array(PyObject *o, PyObject *unused) {
    (void)unused;
    mlx_array out = {NULL};
    PyObject *object = ((array_like *)o)->object;
    int status = object ? mpy_array_from(&out, object, NULL) : mpy_refuse_type(Py_None);
    return finish(status, out);
}

static PyMethodDef like_methods[] = {
    {"__mlx_array__", like_array, METH_NOARGS, "The array."},
    {NULL},
};

static PyTypeObject like_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ArrayLike",
    .tp_basicsize = sizeof(array_like),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = like_new,
    .tp_dealloc = like_dealloc,
    .tp_traverse = like_traverse,
    .tp_clear = like_clear,
    .tp_methods = like_methods,
    .tp_doc = DOC_ARRAY_LIKE,
};

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"asarray", KEYWORDS(asarray), DOC_ASARRAY},
    {"from_dlpack", KEYWORDS(from_dlpack), DOC_FROM_DLPACK},
    {NULL},
};

int mpy_init_asarray(PyObject *module) {
    return PyModule_AddType(module, &like_type) || PyModule_AddFunctions(module, functions) ? -1
                                                                                            : 0;
}
