/* mlx.core.array: the type and the properties of its objects, whose life is in array.c. Operators
 * are in operators.c, indexing in index_get.c and index_set.c; the catalog adds the methods that
 * are operations. */
#include "array/array.h"

#include "host/device.h"
#include "interop/export.h"
#include "array/operators.h"
#include "array/docs.h"

/* --- making ----------------------------------------------------------------------------------- */

/* An array of an array is a copy: who writes into its buffer leaves the other alone. */
static int handle_from(mlx_array *out, PyObject *val, PyObject *dtype_object) {
    mlx_dtype dtype;
    mlx_stream s = {NULL};
    *out = (mlx_array){NULL};
    if (dtype_object && dtype_object != Py_None && mpy_dtype_from(&dtype, dtype_object))
        return -1;
    int status = mpy_array_from(out, val, dtype_object && dtype_object != Py_None ? &dtype : NULL);
    if (!status && mpy_array_check(val) && mlx_copy(out, *out, s))
        status = (mpy_raise(), -1);
    if (status)
        mlx_array_free(*out);
    return status;
}

static PyObject *array_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args, (void)kwargs;
    return type->tp_alloc(type, 0);
}

static int array_init(PyObject *o, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"val", "dtype", NULL};
    PyObject *val, *dtype = NULL;
    mlx_array handle;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:array", keywords, &val, &dtype) ||
        handle_from(&handle, val, dtype))
        return -1;
    mpy_array_replace(o, handle);
    return 0;
}

/* array(val) and array(val, dtype) without a tuple of arguments. */
static PyObject *array_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf,
                                  PyObject *names) {
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    mlx_array handle;
    if (n >= 1 && n <= 2 && !names && type == (PyObject *)&mpy_array_type)
        return handle_from(&handle, args[0], n == 2 ? args[1] : NULL) ? NULL
                                                                      : mpy_array_wrap(handle);
    PyObject *tuple = PyTuple_New(n), *dict = names ? PyDict_New() : NULL, *self = NULL;
    for (Py_ssize_t i = 0; tuple && i < n; i++)
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; dict && i < PyTuple_GET_SIZE(names); i++)
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(names, i), args[n + i]))
            Py_CLEAR(dict);
    if (tuple && !dict == !names)
        self = array_new((PyTypeObject *)type, tuple, dict);
    if (self && array_init(self, tuple, dict))
        Py_CLEAR(self);
    Py_XDECREF(dict);
    Py_XDECREF(tuple);
    return self;
}

/* --- properties ------------------------------------------------------------------------------- */

static PyObject *get_shape(PyObject *o, void *unused) {
    (void)unused;
    return mpy_shape_tuple(mpy_array_handle(o));
}

static PyObject *get_dtype(PyObject *o, void *unused) {
    (void)unused;
    return mpy_dtype_object(mlx_array_dtype(mpy_array_handle(o)));
}

/* ndim, size, nbytes, itemsize: the function is the getter's closure. */
static PyObject *get_number(PyObject *o, void *ask) {
    size_t (*const *f)(const mlx_array) = ask;
    return PyLong_FromSize_t((*f)(mpy_array_handle(o)));
}

/* T, mT, real, imag: likewise. */
static PyObject *get_array(PyObject *o, void *make) {
    int (*const *f)(mlx_array *, const mlx_array, const mlx_stream) = make;
    mlx_array out = {NULL};
    mlx_stream s = {NULL};
    int status = (*f)(&out, mpy_array_handle(o), s);
    return mpy_array_result(status, out);
}

static size_t (*const asks[])(const mlx_array) = {mlx_array_ndim, mlx_array_size, mlx_array_nbytes,
                                                  mlx_array_itemsize};
static int (*const makes[])(mlx_array *, const mlx_array, const mlx_stream) = {
    mlx_transpose, mlx_real, mlx_imag, mlx_matrix_transpose};

/* Memory is one: an array is where operations run by default. */
static PyObject *get_device(PyObject *o, void *unused) {
    mlx_device device = mlx_device_new();
    (void)o, (void)unused;
    if (mlx_get_default_device(&device))
        return mpy_raise();
    return mpy_device_wrap(device);
}

static PyGetSetDef array_getset[] = {
    {"shape", get_shape, NULL, "The sizes of the axes.", NULL},
    {"dtype", get_dtype, NULL, "What the elements are.", NULL},
    {"device", get_device, NULL, "The default device: all of them share one memory.", NULL},
    {"__array_interface__", mpy_array_interface, NULL,
     "NumPy's description of the memory, for those who ask for it.", NULL},
    {"ndim", get_number, NULL, "How many axes there are.", (void *)&asks[0]},
    {"size", get_number, NULL, "How many elements there are.", (void *)&asks[1]},
    {"nbytes", get_number, NULL, "Bytes of all elements.", (void *)&asks[2]},
    {"itemsize", get_number, NULL, "Bytes of one element.", (void *)&asks[3]},
    {"T", get_array, NULL, "The array with its axes reversed.", (void *)&makes[0]},
    {"mT", get_array, NULL, "The array with its last two axes exchanged.", (void *)&makes[3]},
    {"real", get_array, NULL, "The real parts.", (void *)&makes[1]},
    {"at", mpy_array_at_property, NULL, "x.at[...].add(v) and its like: updates at an index.",
     NULL},
    {"imag", get_array, NULL, "The imaginary parts.", (void *)&makes[2]},
    {NULL},
};

/* --- printing --------------------------------------------------------------------------------- */

static PyObject *array_repr(PyObject *o) {
    mlx_string text = mlx_string_new();
    mlx_array value;
    int status;
    if (mpy_array_value(&value, o))
        return NULL;
    MPY_WAIT(status, mlx_array_tostring(&text, value));
    PyObject *result = status ? mpy_raise() : PyUnicode_FromString(mlx_string_data(text));
    mlx_string_free(text);
    mlx_array_free(value);
    return result;
}

/* A 0-dimensional array is formatted as its element. */
static PyObject *array_format(PyObject *o, PyObject *spec) {
    if (mlx_array_ndim(mpy_array_handle(o)) == 0) {
        PyObject *item = mpy_array_item(o, NULL), *text = item ? PyObject_Format(item, spec) : NULL;
        Py_XDECREF(item);
        return text;
    }
    if (PyUnicode_Check(spec) && PyUnicode_GET_LENGTH(spec) == 0)
        return PyObject_Str(o);
    return PyErr_Format(PyExc_TypeError, "unsupported format string passed to mx.array.__format__");
}

/* --- copies ----------------------------------------------------------------------------------- */

static PyObject *array_copy(PyObject *o, PyObject *unused) {
    (void)unused;
    mlx_array out = {NULL};
    int status = mlx_array_set(&out, mpy_array_handle(o));
    return mpy_array_result(status, out);
}

/* The state of a pickle: the bytes in row-major order, the dtype's number, the shape. */
static PyObject *array_getstate(PyObject *o, PyObject *unused) {
    (void)unused;
    mlx_array value;
    mlx_stream s = {NULL};
    if (mpy_array_value(&value, o))
        return NULL;
    int status = mlx_contiguous(&value, value, false, s);
    if (!status)
        MPY_WAIT(status, mlx_array_eval(value));
    PyObject *result = NULL;
    if (status)
        mpy_raise();
    else
        result = Py_BuildValue("(y#iN)", (const char *)mlx_array_data_uint8(value),
                               (Py_ssize_t)mlx_array_nbytes(value), (int)mlx_array_dtype(value),
                               mpy_shape_tuple(value));
    mlx_array_free(value);
    return result;
}

static int shape_from(int *shape, int *ndim, PyObject *tuple) {
    Py_ssize_t n = PyTuple_GET_SIZE(tuple);
    for (Py_ssize_t i = 0; i < n && n <= 64; i++) {
        long size = PyLong_AsLong(PyTuple_GET_ITEM(tuple, i));
        if (PyErr_Occurred())
            return -1;
        shape[i] = size < 0 || size > INT_MAX ? -1 : (int)size;
    }
    *ndim = (int)n;
    return n <= 64 ? 0 : -1;
}

static int from_state(mlx_array *out, const char *data, Py_ssize_t length, int dtype,
                      PyObject *shape_object) {
    int shape[64], ndim;
    if (dtype < MLX_BOOL || dtype > MLX_COMPLEX64 || shape_from(shape, &ndim, shape_object))
        return 1;
    size_t bytes = mlx_dtype_size((mlx_dtype)dtype);
    for (int i = 0; i < ndim; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(bytes, (size_t)shape[i], &bytes))
            return 1;
    if (bytes != (size_t)length)
        return 1;
    *out = mlx_array_new_data(data, shape, ndim, (mlx_dtype)dtype);
    return out->ctx ? 0 : (mpy_raise(), -1);
}

/* What MLX itself pickles: a NumPy array, for bfloat16 of its bits, and the dtype's number. */
static int from_mlx_state(mlx_array *out, PyObject *array, int dtype) {
    mlx_stream s = {NULL};
    if (dtype < MLX_BOOL || dtype > MLX_COMPLEX64)
        return 1;
    int status =
        mpy_array_from(out, array, dtype == MLX_FLOAT64 ? &(mlx_dtype){MLX_FLOAT64} : NULL);
    if (!status && dtype == MLX_BFLOAT16 && mlx_array_dtype(*out) == MLX_UINT16)
        status = mlx_view(out, *out, MLX_BFLOAT16, s) ? (mpy_raise(), -1) : 0;
    return status ? status : (int)mlx_array_dtype(*out) != dtype;
}

static PyObject *array_setstate(PyObject *o, PyObject *state) {
    mlx_array out = {NULL};
    PyObject *array, *shape = NULL;
    const char *data;
    Py_ssize_t length;
    int dtype, status = 1;
    if (!PyTuple_Check(state))
        ;
    else if (PyArg_ParseTuple(state, "y#iO!", &data, &length, &dtype, &PyTuple_Type, &shape))
        status = from_state(&out, data, length, dtype, shape);
    else if (PyErr_Clear(), PyArg_ParseTuple(state, "Oi", &array, &dtype))
        status = from_mlx_state(&out, array, dtype);
    if (!status) {
        mpy_array_replace(o, out);
        Py_RETURN_NONE;
    }
    mlx_array_free(out);
    if (status > 0 && (PyErr_Clear(), 1))
        PyErr_SetString(PyExc_ValueError, "[array] the pickled state is not that of an array.");
    return NULL;
}

/* What MLX's own pickles hold, where NumPy is there; else bytes, dtype and shape, which need
   nothing. */
static PyObject *state_for_all(PyObject *o, PyObject *unused) {
    mlx_dtype dtype = mlx_array_dtype(mpy_array_handle(o));
    PyObject *ndarray = mpy_array_bits(o), *copy;
    if (!ndarray && PyErr_ExceptionMatches(PyExc_ImportError)) {
        PyErr_Clear();
        return array_getstate(o, unused);
    }
    copy = ndarray ? PyObject_CallMethod(ndarray, "copy", NULL) : NULL;
    Py_XDECREF(ndarray);
    return copy ? Py_BuildValue("(Ni)", copy, (int)dtype) : NULL;
}

static PyObject *array_reduce(PyObject *o, PyObject *unused) {
    PyObject *copyreg = PyImport_ImportModule("copyreg");
    PyObject *make = copyreg ? PyObject_GetAttrString(copyreg, "__newobj__") : NULL;
    PyObject *state = make ? state_for_all(o, unused) : NULL;
    PyObject *result = state ? Py_BuildValue("O(O)O", make, Py_TYPE(o), state) : NULL;
    Py_XDECREF(state), Py_XDECREF(make), Py_XDECREF(copyreg);
    return result;
}

static int known_version(PyObject *o) {
    static const char *const versions[] = {"2021.12", "2022.12", "2023.12", "2024.12"};
    for (size_t i = 0; PyUnicode_Check(o) && i < sizeof versions / sizeof *versions; i++)
        if (!PyUnicode_CompareWithASCIIString(o, versions[i]))
            return 1;
    return 0;
}

static PyObject *array_namespace(PyObject *o, PyObject *args, PyObject *kwargs) {
    (void)o;
    static char *keywords[] = {"api_version", NULL};
    PyObject *version = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:__array_namespace__", keywords, &version))
        return NULL;
    if (version != Py_None && !known_version(version))
        return PyErr_Format(
            PyExc_ValueError,
            "[array] there is no version %R of the array API here: 2021.12 to 2024.12 are",
            version);
    return PyImport_ImportModule("mlx.core");
}

/* The one memory is every device's. */
static PyObject *to_device(PyObject *o, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"", "stream", NULL};
    PyObject *device, *stream = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$O:to_device", keywords, &device, &stream))
        return NULL;
    return mpy_as_device(device) ? Py_NewRef(o) : mpy_wrong_type(device, "a Device");
}

/* --- as a sequence ---------------------------------------------------------------------------- */

static Py_ssize_t array_length(PyObject *o) {
    mlx_array a = mpy_array_handle(o);
    if (mlx_array_ndim(a))
        return mlx_array_shape(a)[0];
    PyErr_SetString(PyExc_TypeError, "len() 0-dimensional array.");
    return -1;
}

/* --- the type --------------------------------------------------------------------------------- */

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef array_methods[] = {
    {"item", mpy_array_item, METH_NOARGS,
     "item(self) -> scalar\n\nThe value of an array of one element."},
    {"tolist", mpy_array_tolist, METH_NOARGS,
     "tolist(self) -> list_or_scalar\n\nThe elements in nested lists."},
    {"__array__", KEYWORDS(mpy_array_numpy),
     "The array for NumPy, without a copy unless the dtype changes."},
    {"__dlpack__", KEYWORDS(mpy_array_dlpack), "A DLPack capsule of the array, without a copy."},
    {"__arrow_c_array__", KEYWORDS(mpy_array_arrow),
     "The array for Arrow: capsules of a schema and of an array."},
    {"__dlpack_device__", mpy_array_dlpack_device, METH_NOARGS,
     "Where the memory is: (1, 0), the CPU."},
    {"to_device", KEYWORDS(to_device),
     "to_device(self, device: Device | DeviceType, /, *, stream: object | None = None) -> array\n\n"
     "The array itself: all devices share one memory."},
    {"__array_namespace__", KEYWORDS(array_namespace), "The module of the operations: mlx.core."},
    {"__complex__", mpy_array_complex, METH_NOARGS,
     "The value of an array of one element as a complex."},
    {"__div__", mpy_array_div, METH_O, "self / other."},
    {"__rdiv__", mpy_array_rdiv, METH_O, "other / self."},
    {"__format__", array_format, METH_O, "A 0-dimensional array is formatted as its element."},
    {"__copy__", array_copy, METH_NOARGS, "Another object of the same value."},
    {"__deepcopy__", array_copy, METH_O, "Another object of the same value."},
    {"__getstate__", state_for_all, METH_NOARGS, "What is pickled."},
    {"__setstate__", array_setstate, METH_O, "Take over what was pickled."},
    {"__reduce__", array_reduce, METH_NOARGS, "How the array is made again from a pickle."},
    {NULL},
};

static PySequenceMethods array_sequence = {
    .sq_length = array_length,
    .sq_item = mpy_array_at,
    .sq_contains = mpy_array_contains,
};

static PyMappingMethods array_mapping = {
    .mp_length = array_length,
    .mp_subscript = mpy_array_get,
    .mp_ass_subscript = mpy_array_set,
};

static PyBufferProcs array_buffer = {mpy_array_get_buffer, mpy_array_release_buffer};

static const char array_doc[] = DOC_ARRAY;

/* The slots of an object's life are set in array.c. */
static void fill_slots(PyTypeObject *t) {
    t->tp_new = array_new;
    t->tp_init = array_init;
    t->tp_vectorcall = array_vectorcall;
    t->tp_repr = array_repr;
    t->tp_richcompare = mpy_array_compare;
    t->tp_hash = PyBaseObject_Type.tp_hash; // by identity, although == compares elements
    t->tp_iter = mpy_array_iter;
    t->tp_as_number = &mpy_array_number;
    t->tp_as_sequence = &array_sequence;
    t->tp_as_mapping = &array_mapping;
    t->tp_as_buffer = &array_buffer;
    t->tp_getset = array_getset;
    t->tp_methods = array_methods;
    t->tp_doc = array_doc;
}

int mpy_init_array(PyObject *module) {
    fill_slots(&mpy_array_type);
    PyObject *printing = PyImport_ImportModule("mlx._reprlib_fix");
    Py_XDECREF(printing);
    return printing ? PyModule_AddType(module, &mpy_array_type) : -1;
}
