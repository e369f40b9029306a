/* finfo and iinfo: the limits of floating-point and integer dtypes. */
#include "py.h"
#include "array/docs.h"

#include <float.h>
#include <structmember.h>

/* The dtype that is asked about: itself, or an array's. */
static int dtype_asked(mlx_dtype *out, PyObject *o) {
    if (!mpy_array_check(o))
        return mpy_dtype_from(out, o);
    *out = mlx_array_dtype(mpy_array_handle(o));
    return 0;
}

/* --- finfo ------------------------------------------------------------------------------------ */

typedef struct float_info {
    PyObject_HEAD PyObject *dtype;
    double min, max, eps, smallest_normal;
    int bits;
} float_info;

typedef struct float_limits {
    double max, eps, smallest_normal;
} float_limits;

static int float_limits_of(float_limits *out, mlx_dtype dtype) {
    switch (dtype) {
    case MLX_FLOAT16: *out = (float_limits){65504.0, 0x1p-10, 0x1p-14}; return 0;
    case MLX_BFLOAT16: *out = (float_limits){0x1.fep127, 0x1p-7, 0x1p-126}; return 0;
    case MLX_FLOAT32: *out = (float_limits){FLT_MAX, FLT_EPSILON, FLT_MIN}; return 0;
    case MLX_FLOAT64: *out = (float_limits){DBL_MAX, DBL_EPSILON, DBL_MIN}; return 0;
    default:
        PyErr_Format(PyExc_ValueError, "[finfo] dtype %s is not inexact.", mpy_dtype_name(dtype));
        return -1;
    }
}

static PyObject *finfo_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *o;
    mlx_dtype dtype;
    float_limits limits;
    static char *keywords[] = {"", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:finfo", keywords, &o) ||
        dtype_asked(&dtype, o))
        return NULL;
    dtype = dtype == MLX_COMPLEX64 ? MLX_FLOAT32 : dtype;
    if (float_limits_of(&limits, dtype))
        return NULL;
    float_info *self = (float_info *)type->tp_alloc(type, 0);
    if (self) {
        self->dtype = mpy_dtype_object(dtype);
        self->min = -limits.max, self->max = limits.max;
        self->eps = limits.eps, self->smallest_normal = limits.smallest_normal;
        self->bits = 8 * (int)mlx_dtype_size(dtype);
    }
    return (PyObject *)self;
}

static void finfo_dealloc(PyObject *o) {
    Py_XDECREF(((float_info *)o)->dtype);
    Py_TYPE(o)->tp_free(o);
}

/* As %g, whatever the locale. */
static char *text_of(double x) {
    return PyOS_double_to_string(x, 'g', 6, 0, NULL);
}

static PyObject *finfo_repr(PyObject *o) {
    float_info *self = (float_info *)o;
    char *min = text_of(self->min), *max = text_of(self->max);
    PyObject *result = min && max
                           ? PyUnicode_FromFormat("finfo(min=%s, max=%s, dtype=%s)", min, max,
                                                  mpy_dtype_name(mpy_dtype_value(self->dtype)))
                           : PyErr_NoMemory();
    PyMem_Free(min);
    PyMem_Free(max);
    return result;
}

static PyMemberDef finfo_members[] = {
    {"dtype", T_OBJECT, offsetof(float_info, dtype), READONLY, "The dtype."},
    {"min", T_DOUBLE, offsetof(float_info, min), READONLY, "The smallest number."},
    {"max", T_DOUBLE, offsetof(float_info, max), READONLY, "The largest number."},
    {"eps", T_DOUBLE, offsetof(float_info, eps), READONLY,
     "The distance from 1 to the next number."},
    {"smallest_normal", T_DOUBLE, offsetof(float_info, smallest_normal), READONLY,
     "The smallest positive number of full precision."},
    {"bits", T_INT, offsetof(float_info, bits), READONLY, "Bits of one number."},
    {NULL},
};

static PyTypeObject finfo_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.finfo",
    .tp_basicsize = sizeof(float_info),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = finfo_new,
    .tp_dealloc = finfo_dealloc,
    .tp_repr = finfo_repr,
    .tp_members = finfo_members,
    .tp_doc = DOC_FINFO,
};

/* --- iinfo ------------------------------------------------------------------------------------ */

typedef struct int_info {
    PyObject_HEAD PyObject *dtype, *min, *max;
} int_info;

static int is_integer(mlx_dtype dtype) {
    return dtype >= MLX_UINT8 && dtype <= MLX_INT64;
}

static PyObject *iinfo_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *o;
    mlx_dtype dtype;
    static char *keywords[] = {"", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:iinfo", keywords, &o) ||
        dtype_asked(&dtype, o))
        return NULL;
    if (!is_integer(dtype))
        return PyErr_Format(PyExc_ValueError,
                            "[iinfo] Only integer types supported but %s was provided",
                            mpy_dtype_name(dtype));
    int_info *self = (int_info *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    int bits = 8 * (int)mlx_dtype_size(dtype), is_signed = dtype >= MLX_INT8;
    uint64_t top = UINT64_MAX >> (64 - bits + is_signed);
    self->dtype = mpy_dtype_object(dtype);
    self->max = PyLong_FromUnsignedLongLong(top);
    self->min = PyLong_FromLongLong(is_signed ? -(int64_t)top - 1 : 0);
    if (!self->max || !self->min)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void iinfo_dealloc(PyObject *o) {
    int_info *self = (int_info *)o;
    Py_XDECREF(self->dtype);
    Py_XDECREF(self->min);
    Py_XDECREF(self->max);
    Py_TYPE(o)->tp_free(o);
}

static PyObject *iinfo_repr(PyObject *o) {
    int_info *self = (int_info *)o;
    return PyUnicode_FromFormat("iinfo(min=%R, max=%R, dtype=%s)", self->min, self->max,
                                mpy_dtype_name(mpy_dtype_value(self->dtype)));
}

static PyObject *iinfo_bits(PyObject *o, void *closure) {
    (void)closure;
    return PyLong_FromSize_t(8 * mlx_dtype_size(mpy_dtype_value(((int_info *)o)->dtype)));
}

static PyMemberDef iinfo_members[] = {
    {"dtype", T_OBJECT, offsetof(int_info, dtype), READONLY, "The dtype."},
    {"min", T_OBJECT, offsetof(int_info, min), READONLY, "The smallest number."},
    {"max", T_OBJECT, offsetof(int_info, max), READONLY, "The largest number."},
    {NULL},
};
static PyGetSetDef iinfo_getset[] = {
    {"bits", iinfo_bits, NULL, "Bits of one number.", NULL},
    {NULL},
};

static PyTypeObject iinfo_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.iinfo",
    .tp_basicsize = sizeof(int_info),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = iinfo_new,
    .tp_dealloc = iinfo_dealloc,
    .tp_repr = iinfo_repr,
    .tp_members = iinfo_members,
    .tp_getset = iinfo_getset,
    .tp_doc = DOC_IINFO,
};

int mpy_init_numinfo(PyObject *module) {
    return PyModule_AddType(module, &finfo_type) || PyModule_AddType(module, &iinfo_type) ? -1 : 0;
}
