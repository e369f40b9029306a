/* Objects that are no sequences become arrays: arrays, numbers, and what another library made. */
#include "array/convert.h"
#include "array/number.h"

/* --- asking ----------------------------------------------------------------------------------- */

int mpy_has(PyObject *o, const char *name) {
    PyObject *attribute = PyObject_GetAttrString((PyObject *)Py_TYPE(o), name);
    PyErr_Clear();
    Py_XDECREF(attribute);
    return attribute != NULL;
}

/* DLPack's capsules count as what made them. */
static int lends_dlpack(PyObject *o) {
    return PyCapsule_CheckExact(o) || mpy_has(o, "__dlpack__");
}

int mpy_array_like(PyObject *o) {
    return mpy_array_check(o) || mpy_has(o, "__mlx_array__") || lends_dlpack(o);
}

int mpy_convertible(PyObject *o) {
    return PyObject_CheckBuffer(o) || mpy_array_like(o) || mpy_has(o, "__array__");
}

/* What has elements, but of no dtype that arrays have; or what gives them one by one. */
int mpy_refuse_type(PyObject *o) {
    PyObject *dtype = PyObject_GetAttrString(o, "dtype");
    bool items =
        Py_TYPE(o)->tp_iter && !PyUnicode_Check(o) && !PyBytes_Check(o) && !PyDict_Check(o);
    PyErr_Clear();
    if (dtype)
        PyErr_Format(
            PyExc_ValueError,
            "Invalid type %.200s received in array initialization: arrays have no dtype %S.",
            Py_TYPE(o)->tp_name, dtype);
    else
        PyErr_Format(PyExc_ValueError, "Invalid type %.200s received in array initialization.%s",
                     Py_TYPE(o)->tp_name, items ? " Make a list of it: list(...)." : "");
    Py_XDECREF(dtype);
    return -1;
}

/* --- objects that know how to become an array ------------------------------------------------- */

static int from_mlx_array(mlx_array *out, PyObject *o) {
    PyObject *a = PyObject_CallMethod(o, "__mlx_array__", NULL);
    int status = -1;
    if (a && mpy_array_check(a))
        status = mlx_array_set(out, mpy_array_handle(a)) ? (mpy_raise(), -1) : 0;
    else if (a)
        PyErr_SetString(PyExc_TypeError, "__mlx_array__ must return an mlx.core.array");
    Py_XDECREF(a);
    return status;
}

/* A bfloat16 array of NumPy's (ml_dtypes) has no buffer; seen as uint16 it has. */
static int from_bfloat16(mlx_array *out, PyObject *ndarray) {
    PyObject *dtype = PyObject_GetAttrString(ndarray, "dtype");
    PyObject *name = dtype ? PyObject_GetAttrString(dtype, "name") : NULL, *bits = NULL;
    mlx_stream s = {NULL};
    int status = 1;
    if (name && PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "bfloat16") == 0)
        bits = PyObject_CallMethod(ndarray, "view", "s", "uint16");
    PyErr_Clear();
    if (bits && (status = mpy_array_from_buffer(out, bits, 1)) == 0 &&
        mlx_view(out, *out, MLX_BFLOAT16, s))
        status = (mpy_raise(), -1);
    Py_XDECREF(bits), Py_XDECREF(name), Py_XDECREF(dtype);
    return status;
}

static int from_array_method(mlx_array *out, PyObject *o, int keep_float64) {
    PyObject *ndarray = PyObject_CallMethod(o, "__array__", NULL);
    if (!ndarray)
        return -1;
    int status = mpy_array_from_buffer(out, ndarray, keep_float64);
    if (status > 0)
        status = from_bfloat16(out, ndarray);
    Py_DECREF(ndarray);
    return status;
}

/* A tensor that takes part in another library's differentiation is lent without that. */
static int from_detached(mlx_array *out, PyObject *o) {
    PyErr_Clear();
    PyObject *values = PyObject_CallMethod(o, "detach", NULL);
    int status = values ? mpy_array_from_dlpack(out, values, 1) : -1;
    Py_XDECREF(values);
    return status;
}

static int from_dlpack(mlx_array *out, PyObject *o, int keep_float64) {
    mlx_stream s = {NULL};
    int status = mpy_array_from_dlpack(out, o, 1);
    if (status && PyErr_ExceptionMatches(PyExc_BufferError) && mpy_has(o, "detach"))
        status = from_detached(out, o);
    if (!status && !keep_float64 && mlx_array_dtype(*out) == MLX_FLOAT64 &&
        mlx_astype(out, *out, MLX_FLOAT32, s))
        status = (mpy_raise(), -1);
    return status;
}

int mpy_array_from_foreign(mlx_array *out, PyObject *o, int keep_float64) {
    int status = 1;
    if (mpy_has(o, "__mlx_array__"))
        return from_mlx_array(out, o);
    if (PyObject_CheckBuffer(o))
        status = mpy_array_from_buffer(out, o, keep_float64);
    if (status > 0 && !PyObject_CheckBuffer(o) && lends_dlpack(o))
        status = from_dlpack(out, o, keep_float64);
    if (status > 0 && mpy_has(o, "__array__"))
        status = from_array_method(out, o, keep_float64);
    return status;
}

/* --- any of them ------------------------------------------------------------------------------ */

int mpy_array_from_object(mlx_array *out, PyObject *o, const mlx_dtype *dtype) {
    mpy_number n;
    mlx_stream s = {NULL};
    if (mpy_array_check(o)) {
        mlx_array a = mpy_array_handle(o);
        int convert = dtype && mlx_array_dtype(a) != *dtype;
        int status = convert ? mlx_astype(out, a, *dtype, s) : mlx_array_set(out, a);
        return status ? (mpy_raise(), -1) : 0;
    }
    int number = mpy_number_from(&n, o);
    if (number)
        return number < 0 ? -1 : mpy_number_array(out, &n, dtype ? *dtype : mpy_number_dtype(&n));
    int status = o == Py_None ? 1 : mpy_array_from_foreign(out, o, dtype != NULL);
    if (o == Py_None)
        PyErr_SetString(PyExc_TypeError,
                        "expected an array or something that can become one, got None"),
            status = -1;
    else if (status > 0)
        status = mpy_refuse_type(o);
    if (!status && dtype && mlx_array_dtype(*out) != *dtype && mlx_astype(out, *out, *dtype, s))
        status = (mpy_raise(), -1);
    return status;
}
