/* Elements of arrays as Python's numbers: item, tolist, bool, int, float, complex. */
#include "array/operators.h"

#include <string.h>

/* --- halves ----------------------------------------------------------------------------------- */

static double float_of_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static double half_value(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 0)
        return (sign ? -1.0 : 1.0) * fraction * 0x1p-24;
    return float_of_bits(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
}

/* --- one element ------------------------------------------------------------------------------ */

static PyObject *halves(const void *at, mlx_dtype dtype) {
    uint16_t bits;
    memcpy(&bits, at, 2);
    return PyFloat_FromDouble(dtype == MLX_FLOAT16 ? half_value(bits)
                                                   : float_of_bits((uint32_t)bits << 16));
}

static PyObject *element(const void *at, mlx_dtype dtype) {
    const float *f = at;
    switch (dtype) {
    case MLX_BOOL: return PyBool_FromLong(*(const uint8_t *)at);
    case MLX_UINT8: return PyLong_FromLong(*(const uint8_t *)at);
    case MLX_UINT16: return PyLong_FromLong(*(const uint16_t *)at);
    case MLX_UINT32: return PyLong_FromUnsignedLong(*(const uint32_t *)at);
    case MLX_UINT64: return PyLong_FromUnsignedLongLong(*(const uint64_t *)at);
    case MLX_INT8: return PyLong_FromLong(*(const int8_t *)at);
    case MLX_INT16: return PyLong_FromLong(*(const int16_t *)at);
    case MLX_INT32: return PyLong_FromLong(*(const int32_t *)at);
    case MLX_INT64: return PyLong_FromLongLong(*(const int64_t *)at);
    case MLX_FLOAT32: return PyFloat_FromDouble(*f);
    case MLX_FLOAT64: return PyFloat_FromDouble(*(const double *)at);
    case MLX_COMPLEX64: return PyComplex_FromDoubles(f[0], f[1]);
    default: return halves(at, dtype);
    }
}

static PyObject *only_element(PyObject *o) {
    mlx_array value = {NULL};
    if (mlx_array_size(mpy_array_handle(o)) != 1)
        return PyErr_Format(PyExc_ValueError,
                            "[convert] Only length-1 arrays can be converted to Python scalars.");
    if (mpy_array_value(&value, o))
        return NULL;
    uint64_t bits = 0; // files may hold elements that are not aligned
    memcpy(&bits, mlx_array_data_uint8(value), mlx_array_itemsize(value));
    PyObject *result = element(&bits, mlx_array_dtype(value));
    mlx_array_free(value);
    return result;
}

PyObject *mpy_array_item(PyObject *o, PyObject *unused) {
    (void)unused;
    return only_element(o);
}

/* The element, passed on to f. */
static PyObject *through(PyObject *o, PyObject *(*f)(PyObject *)) {
    PyObject *item = only_element(o), *result = item ? f(item) : NULL;
    Py_XDECREF(item);
    return result;
}

int mpy_array_bool(PyObject *o) {
    PyObject *item = only_element(o);
    int result = item ? PyObject_IsTrue(item) : -1;
    Py_XDECREF(item);
    return result;
}

PyObject *mpy_array_int(PyObject *o) {
    return through(o, PyNumber_Long);
}

/* An integer without axes; what else can be a number is refused, so that x[1.0] and [a] * b stay
   errors. */
PyObject *mpy_array_index(PyObject *o) {
    mlx_array a = mpy_array_handle(o);
    mlx_dtype t = mlx_array_dtype(a);
    if (mlx_array_ndim(a) == 0 && t >= MLX_UINT8 && t <= MLX_INT64)
        return only_element(o);
    return PyErr_Format(
        PyExc_TypeError,
        "only an integer array without axes can be used as an index, not %s with %zu",
        mpy_dtype_name(t), mlx_array_ndim(a));
}

PyObject *mpy_array_float(PyObject *o) {
    return through(o, PyNumber_Float);
}

static PyObject *to_complex(PyObject *item) {
    return PyObject_CallOneArg((PyObject *)&PyComplex_Type, item);
}

PyObject *mpy_array_complex(PyObject *o, PyObject *unused) {
    (void)unused;
    return through(o, to_complex);
}

/* --- all elements: lists in lists, at most 64 deep -------------------------------------------- */

typedef struct reader {
    const int *shape;
    const size_t *strides;
    size_t size;
    int ndim;
    mlx_dtype dtype;
} reader;

static PyObject *list_of(const reader *r, const char *at, int axis) {
    if (axis == r->ndim) {
        uint64_t bits = 0;
        memcpy(&bits, at, r->size);
        return element(&bits, r->dtype);
    }
    PyObject *list = PyList_New(r->shape[axis]);
    for (int i = 0; list && i < r->shape[axis]; i++) {
        PyObject *item =
            list_of(r, at + (int64_t)r->strides[axis] * i * (int64_t)r->size, axis + 1);
        if (item)
            PyList_SET_ITEM(list, i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

PyObject *mpy_array_tolist(PyObject *o, PyObject *unused) {
    (void)unused;
    mlx_array v = {NULL};
    if (mpy_array_value(&v, o))
        return NULL;
    reader r = {.shape = mlx_array_shape(v),
                .strides = mlx_array_strides(v),
                .size = mlx_array_itemsize(v),
                .ndim = (int)mlx_array_ndim(v),
                .dtype = mlx_array_dtype(v)};
    // after the strides, which are honoured: no copy is made then
    PyObject *result = list_of(&r, (const char *)mlx_array_data_uint8(v), 0);
    mlx_array_free(v);
    return result;
}
