/* Python objects become arrays: which way each of them goes. */
#include "array/convert.h"
#include "array/number.h"

#include <string.h>

int mpy_array_from(mlx_array *out, PyObject *o, const mlx_dtype *dtype) {
    bool sequence = PyList_Check(o) || PyTuple_Check(o);
    return sequence ? mpy_array_from_sequence(out, o, dtype) : mpy_array_from_object(out, o, dtype);
}

/* --- operands --------------------------------------------------------------------------------- */

/* A number beside an array is weak: it takes the array's dtype unless it is of a wider kind. */
static mlx_dtype weak_dtype(const mpy_number *n, mlx_dtype other) {
    int floating = other >= MLX_FLOAT16;
    switch (n->kind) {
    case MPY_BOOL: return other;
    case MPY_INT:
    case MPY_UINT: return other == MLX_BOOL ? MLX_INT32 : other;
    case MPY_FLOAT: return floating ? other : MLX_FLOAT32;
    default: return MLX_COMPLEX64;
    }
}

/* Does an int lie in the range of an integer dtype? */
static int fits(const mpy_number *n, mlx_dtype dtype) {
    if (n->kind < MPY_INT || n->kind > MPY_UINT || dtype == MLX_BOOL || dtype >= MLX_FLOAT16)
        return 1;
    int bits = 8 * (int)mlx_dtype_size(dtype), is_signed = dtype >= MLX_INT8;
    if (n->kind == MPY_UINT)
        return dtype == MLX_UINT64;
    if (is_signed)
        return bits == 64 ||
               (n->i >= -(INT64_C(1) << (bits - 1)) && n->i < INT64_C(1) << (bits - 1));
    return n->i >= 0 && (bits == 64 || n->i < INT64_C(1) << bits);
}

static int overflow(PyObject *o, mlx_dtype dtype) {
    PyErr_Format(PyExc_ValueError, "Converting %S to %s would result in overflow.", o,
                 mpy_dtype_name(dtype));
    return -1;
}

static int weak_number(mlx_array *out, PyObject *o, const mpy_number *n, mlx_dtype other) {
    mlx_dtype dtype = weak_dtype(n, other);
    return fits(n, dtype) ? mpy_number_array(out, n, dtype) : overflow(o, dtype);
}

int mpy_constant_operand(mlx_array *borrowed, PyObject *o, mlx_dtype other) {
    mpy_number n;
    int number = mpy_number_from(&n, o);
    if (number <= 0)
        return number < 0 ? -1 : 1;
    mlx_dtype dtype = weak_dtype(&n, other);
    if (!fits(&n, dtype))
        return overflow(o, dtype);
    *borrowed = mpy_number_constant(&n, dtype);
    return borrowed->ctx ? 0 : -1;
}

/* Are o's elements numbers, and is it one? What has no dtype and kind (all but NumPy's) may be. */
static int is_number(PyObject *o) {
    PyObject *dtype = PyObject_GetAttrString(o, "dtype"), *ndim = PyObject_GetAttrString(o, "ndim");
    PyObject *kind = dtype ? PyObject_GetAttrString(dtype, "kind") : NULL;
    const char *letter = kind && PyUnicode_Check(kind) ? PyUnicode_AsUTF8(kind) : "f";
    int yes = letter && strchr("biuf", *letter) && !(kind && ndim && PyObject_IsTrue(ndim) == 1);
    PyErr_Clear();
    Py_XDECREF(kind), Py_XDECREF(ndim), Py_XDECREF(dtype);
    return yes;
}

/* Objects with __index__ or __float__ count as the number that they give; 1: o has neither. */
static int from_number_like(mpy_number *n, PyObject *o) {
    PyNumberMethods *m = is_number(o) ? Py_TYPE(o)->tp_as_number : NULL;
    PyObject *number = m && m->nb_index   ? PyNumber_Index(o)
                       : m && m->nb_float ? PyNumber_Float(o)
                                          : NULL;
    if (!number)
        return PyErr_Occurred() ? -1 : 1;
    int status = mpy_number_from(n, number) < 0 ? -1 : 0;
    Py_DECREF(number);
    return status;
}

int mpy_operand(mlx_array *out, PyObject *o, mlx_dtype other) {
    mpy_number n;
    int number = mpy_number_from(&n, o);
    if (number)
        return number < 0 ? -1 : weak_number(out, o, &n, other);
    if (o == Py_None || PyList_Check(o) || PyTuple_Check(o))
        return 1;
    int status = mpy_array_from_foreign(out, o, 1);
    if (!status && !mpy_has(o, "__mlx_array__") && mlx_array_dtype(*out) != other) {
        mlx_stream s = {NULL};
        return mlx_astype(out, *out, other, s) ? (mpy_raise(), -1) : 0;
    }
    if (status > 0 && (status = from_number_like(&n, o)) == 0)
        status = weak_number(out, o, &n, other);
    return status;
}

/* One operand beside an array. */
static int beside(mlx_array *out, PyObject *o, PyObject *array) {
    int status = mpy_operand(out, o, mlx_array_dtype(mpy_array_handle(array)));
    return status > 0 ? mpy_refuse_type(o) : status;
}

int mpy_array_pair(mlx_array *a, mlx_array *b, PyObject *x, PyObject *y) {
    int left = mpy_array_check(x), right = mpy_array_check(y);
    if (left && right)
        return mlx_array_set(a, mpy_array_handle(x)) || mlx_array_set(b, mpy_array_handle(y))
                   ? (mpy_raise(), -1)
                   : 0;
    if (left)
        return beside(b, y, x) || mpy_array_from(a, x, NULL) ? -1 : 0;
    if (right)
        return beside(a, x, y) || mpy_array_from(b, y, NULL) ? -1 : 0;
    if (PyList_Check(x) || PyTuple_Check(x))
        return mpy_refuse_type(x);
    if (PyList_Check(y) || PyTuple_Check(y))
        return mpy_refuse_type(y);
    return mpy_array_from(a, x, NULL) || mpy_array_from(b, y, NULL) ? -1 : 0;
}
