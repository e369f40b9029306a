/* Arrays for others: the buffer protocol and DLPack, without a copy. Each export holds the array's
 * value itself, so that in-place operators on the Python object leave it alone. */
#include "interop/dlpack.h"
#include "interop/export.h"
#include "array/number.h"

#include <string.h>

/* --- values to export ------------------------------------------------------------------------- */

/* The same elements in memory of their own. */
static int own_copy(mlx_array *value) {
    mlx_stream s = {NULL};
    mlx_array copy = {NULL};
    void *data = malloc(mlx_array_nbytes(*value) ? mlx_array_nbytes(*value) : 1);
    int status = !data || mlx_contiguous(value, *value, false, s);
    if (!status)
        MPY_WAIT(status, mlx_array_eval(*value));
    if (!status) {
        memcpy(data, mlx_array_data_uint8(*value), mlx_array_nbytes(*value));
        copy =
            mlx_array_new_data_managed(data, mlx_array_shape(*value), (int)mlx_array_ndim(*value),
                                       mlx_array_dtype(*value), free);
    }
    if (!copy.ctx) {
        data ? mpy_raise() : PyErr_NoMemory();
        free(data);
        return -1;
    }
    mlx_array_free(*value);
    *value = copy;
    return 0;
}

/* The evaluated value, with memory that others may write into. */
static int exportable(mlx_array *out, PyObject *o) {
    if (mpy_array_value(out, o))
        return -1;
    mlx_array_strides(*out); // they are honoured: the memory is shown as it is
    return mpy_is_constant(mlx_array_data_uint8(*out)) ? own_copy(out) : 0;
}

/* --- the buffer protocol ---------------------------------------------------------------------- */

static const char *const formats[] = {
    [MLX_BOOL] = "?",
    [MLX_UINT8] = "B",
    [MLX_UINT16] = "H",
    [MLX_UINT32] = "I",
    [MLX_UINT64] = "Q",
    [MLX_INT8] = "b",
    [MLX_INT16] = "h",
    [MLX_INT32] = "i",
    [MLX_INT64] = "q",
    [MLX_FLOAT16] = "e",
    [MLX_FLOAT32] = "f",
    [MLX_FLOAT64] = "d",
    [MLX_BFLOAT16] = "bfloat16",
    [MLX_COMPLEX64] = "Zf",
};

typedef struct exported {
    mlx_array handle;
    Py_ssize_t shape_and_strides[];
} exported;

static exported *exported_new(mlx_array value) {
    size_t n = mlx_array_ndim(value), size = mlx_array_itemsize(value);
    exported *e = PyMem_Malloc(sizeof *e + 2 * n * sizeof *e->shape_and_strides);
    if (!e)
        return (void *)PyErr_NoMemory();
    e->handle = value;
    for (size_t i = 0; i < n; i++) {
        e->shape_and_strides[i] = mlx_array_shape(value)[i];
        e->shape_and_strides[n + i] = (Py_ssize_t)(mlx_array_strides(value)[i] * size);
    }
    return e;
}

static int has(int flags, int wish) {
    return (flags & wish) == wish;
}

/* Who asks for no strides (PyTorch) may give the buffer back at once and hold view->obj for as long
 * as it reads: each such view has an object of its own, which holds what it shows. */
typedef struct holder {
    PyObject_HEAD mlx_array value;
} holder;

static void holder_dealloc(PyObject *o) {
    mlx_array_free(((holder *)o)->value);
    PyObject_Free(o);
}

static PyBufferProcs held_buffer = {NULL, mpy_array_release_buffer};

static PyTypeObject holder_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.shown",
    .tp_basicsize = sizeof(holder),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = holder_dealloc,
    .tp_as_buffer = &held_buffer,
    .tp_doc = "Holds the memory of an array that a buffer shows.",
};

/* What view->obj is to be, a new reference. */
static PyObject *owner_of(mlx_array value, PyObject *o, int flags) {
    if (has(flags, PyBUF_STRIDES))
        return Py_NewRef(o);
    holder *h = PyType_Ready(&holder_type) ? NULL : PyObject_New(holder, &holder_type);
    if (!h)
        return NULL;
    h->value = (mlx_array){NULL};
    if (!mlx_array_set(&h->value, value))
        return (PyObject *)h;
    Py_DECREF(h);
    return mpy_raise();
}

/* Do several elements lie in one place? Whoever writes must not be surprised. */
static int overlaps(mlx_array value) {
    const int *shape = mlx_array_shape(value);
    const size_t *strides = mlx_array_strides(value);
    for (size_t i = 0; mlx_array_size(value) > 1 && i < mlx_array_ndim(value); i++)
        if (shape[i] > 1 && strides[i] == 0)
            return 1;
    return 0;
}

/* The value, copied into row-major order where strides are not asked for. */
static int value_for(mlx_array *out, PyObject *o, int flags) {
    mlx_stream s = {NULL};
    bool columns = true, rows = true;
    int wants_rows = !has(flags, PyBUF_STRIDES) || has(flags, PyBUF_C_CONTIGUOUS) ||
                     has(flags, PyBUF_ANY_CONTIGUOUS);
    if (exportable(out, o))
        return -1;
    wants_rows |= has(flags, PyBUF_WRITABLE) && overlaps(*out);
    if (has(flags, PyBUF_F_CONTIGUOUS) &&
        (_mlx_array_is_col_contiguous(&columns, *out) || !columns)) {
        PyErr_SetString(PyExc_BufferError, "the array is not in column-major order");
        return -1;
    }
    if (!wants_rows || (!_mlx_array_is_row_contiguous(&rows, *out) && rows))
        return 0;
    int status = mlx_contiguous(out, *out, false, s);
    if (!status)
        MPY_WAIT(status, mlx_array_eval(*out));
    return status ? (mpy_raise(), -1) : 0;
}

static int numpy_takes_bfloat16(void);

int mpy_array_get_buffer(PyObject *o, Py_buffer *view, int flags) {
    mlx_array value = {NULL};
    view->obj = NULL;
    if (mpy_raise_dropped()) { // NumPy asks more than once
        mpy_keep_interrupt();
        return -1;
    }
    mpy_watch();
    // NumPy knows no such format, and asks __array__ only where there is no buffer
    if (has(flags, PyBUF_FORMAT) && mlx_array_dtype(mpy_array_handle(o)) == MLX_BFLOAT16 &&
        numpy_takes_bfloat16()) {
        PyErr_SetString(PyExc_BufferError,
                        "bfloat16 has no format; view it as uint16, or ask NumPy for the array");
        return -1;
    }
    PyObject *owner = value_for(&value, o, flags) ? NULL : owner_of(value, o, flags);
    exported *e = owner ? exported_new(value) : NULL;
    if (!e) {
        Py_XDECREF(owner);
        mlx_array_free(value);
        mpy_keep_interrupt();
        return -1;
    }
    mlx_dtype dtype = mlx_array_dtype(value);
    int ndim = (int)mlx_array_ndim(value);
    *view = (Py_buffer){
        .buf = (void *)mlx_array_data_uint8(value),
        .obj = owner,
        .len = (Py_ssize_t)mlx_array_nbytes(value),
        .itemsize = (Py_ssize_t)mlx_array_itemsize(value),
        .readonly = overlaps(value),
        .ndim = ndim,
        .format = flags & PyBUF_FORMAT ? (char *)formats[dtype] : NULL,
        .shape = flags & PyBUF_ND ? e->shape_and_strides : NULL,
        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? e->shape_and_strides + ndim : NULL,
        .internal = e,
    };
    return 0;
}

void mpy_array_release_buffer(PyObject *o, Py_buffer *view) {
    (void)o;
    exported *e = view->internal;
    mlx_array_free(e->handle);
    PyMem_Free(e);
}

/* --- NumPy's interface ------------------------------------------------------------------------ */

static const char *const typestrs[] = {
    [MLX_BOOL] = "|b1",    [MLX_UINT8] = "|u1",     [MLX_UINT16] = "<u2",  [MLX_UINT32] = "<u4",
    [MLX_UINT64] = "<u8",  [MLX_INT8] = "|i1",      [MLX_INT16] = "<i2",   [MLX_INT32] = "<i4",
    [MLX_INT64] = "<i8",   [MLX_FLOAT16] = "<f2",   [MLX_FLOAT32] = "<f4", [MLX_FLOAT64] = "<f8",
    [MLX_BFLOAT16] = NULL, [MLX_COMPLEX64] = "<c8",
};

/* The elements in row order; the memory is a view of its own, which whoever uses it keeps. */
PyObject *mpy_array_interface(PyObject *o, void *unused) {
    mlx_array rows = {NULL};
    mlx_stream s = {NULL};
    const char *type = typestrs[mlx_array_dtype(mpy_array_handle(o))];
    (void)unused;
    if (!type)
        return PyErr_Format(PyExc_AttributeError, "NumPy has no dtype for bfloat16");
    int status = mlx_contiguous(&rows, mpy_array_handle(o), false, s);
    PyObject *array = mpy_array_result(status, rows),
             *view = array ? PyMemoryView_FromObject(array) : NULL;
    PyObject *dict =
        view ? Py_BuildValue("{s:N,s:s,s:O,s:O,s:i}", "shape", mpy_shape_tuple(mpy_array_handle(o)),
                             "typestr", type, "data", view, "strides", Py_None, "version", 3)
             : NULL;
    Py_XDECREF(view);
    Py_XDECREF(array);
    return dict;
}

/* --- DLPack ----------------------------------------------------------------------------------- */

static const struct {
    uint8_t code, bits;
} dl_types[] = {
    [MLX_BOOL] = {DL_BOOL, 8},        [MLX_UINT8] = {DL_UINT, 8},
    [MLX_UINT16] = {DL_UINT, 16},     [MLX_UINT32] = {DL_UINT, 32},
    [MLX_UINT64] = {DL_UINT, 64},     [MLX_INT8] = {DL_INT, 8},
    [MLX_INT16] = {DL_INT, 16},       [MLX_INT32] = {DL_INT, 32},
    [MLX_INT64] = {DL_INT, 64},       [MLX_FLOAT16] = {DL_FLOAT, 16},
    [MLX_FLOAT32] = {DL_FLOAT, 32},   [MLX_FLOAT64] = {DL_FLOAT, 64},
    [MLX_BFLOAT16] = {DL_BFLOAT, 16}, [MLX_COMPLEX64] = {DL_COMPLEX, 64},
};

/* What a capsule points to: one of the two structures, the value, and its shape. Freed without
   Python. */
typedef struct lent {
    union {
        dl_managed old;
        dl_managed_versioned versioned;
    } as;
    mlx_array value;
    int64_t shape_and_strides[];
} lent;

static void lent_free(lent *l) {
    mlx_array_free(l->value);
    free(l);
}

static void delete_old(dl_managed *m) {
    lent_free(m->context);
}

static void delete_versioned(dl_managed_versioned *m) {
    lent_free(m->context);
}

static lent *lent_new(mlx_array value) {
    size_t n = mlx_array_ndim(value);
    lent *l = calloc(1, sizeof *l + 2 * n * sizeof *l->shape_and_strides);
    if (!l)
        return (void *)PyErr_NoMemory();
    l->value = value;
    for (size_t i = 0; i < n; i++) {
        l->shape_and_strides[i] = mlx_array_shape(value)[i];
        l->shape_and_strides[n + i] = (int64_t)mlx_array_strides(value)[i];
    }
    return l;
}

static dl_tensor tensor_of(lent *l) {
    mlx_dtype dtype = mlx_array_dtype(l->value);
    int n = (int)mlx_array_ndim(l->value);
    return (dl_tensor){(void *)mlx_array_data_uint8(l->value),
                       {DL_CPU, 0},
                       n,
                       {dl_types[dtype].code, dl_types[dtype].bits, 1},
                       l->shape_and_strides,
                       l->shape_and_strides + n,
                       0};
}

/* A capsule that nobody took over. */
static void capsule_free(PyObject *capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor_versioned"))
        lent_free(
            ((dl_managed_versioned *)PyCapsule_GetPointer(capsule, "dltensor_versioned"))->context);
    else if (PyCapsule_IsValid(capsule, "dltensor"))
        lent_free(((dl_managed *)PyCapsule_GetPointer(capsule, "dltensor"))->context);
}

static PyObject *capsule_of(lent *l, int versioned, int copied) {
    PyObject *capsule;
    if (versioned) {
        l->as.versioned = (dl_managed_versioned){
            1, 0, l, delete_versioned, copied ? DL_IS_COPIED : DL_READ_ONLY, tensor_of(l)};
        capsule = PyCapsule_New(&l->as.versioned, "dltensor_versioned", capsule_free);
    } else {
        l->as.old = (dl_managed){tensor_of(l), l, delete_old};
        capsule = PyCapsule_New(&l->as.old, "dltensor", capsule_free);
    }
    if (!capsule)
        lent_free(l);
    return capsule;
}

/* A tuple of two ints. */
static int pair_from(PyObject *o, int *first, int *second, const char *name) {
    if (PyTuple_Check(o))
        return PyArg_ParseTuple(o, "ii:__dlpack__", first, second) ? 0 : -1;
    PyErr_Format(PyExc_TypeError, "__dlpack__() %s must be a tuple of two integers", name);
    return -1;
}

static int check_device(PyObject *device) {
    int type, id;
    if (device == Py_None)
        return 0;
    if (pair_from(device, &type, &id, "dl_device"))
        return -1;
    if (type == DL_CPU)
        return 0;
    PyErr_SetString(PyExc_BufferError, "[dlpack] arrays are exported to the CPU (1, 0) only.");
    return -1;
}

static int wants_version(PyObject *version) {
    int major, minor;
    if (version == Py_None)
        return 0;
    return pair_from(version, &major, &minor, "max_version") ? -1 : major >= 1;
}

/* Consumers take strides for sizes of memory; some abort at a negative one. */
static int lies_backwards(mlx_array value) {
    const size_t *strides = mlx_array_strides(value);
    for (size_t i = 0; i < mlx_array_ndim(value); i++)
        if ((int64_t)strides[i] < 0 && mlx_array_shape(value)[i] > 1)
            return 1;
    return 0;
}

PyObject *mpy_array_dlpack(PyObject *o, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    mlx_array value = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOO:__dlpack__", keywords, &stream, &version,
                                     &device, &copy))
        return NULL;
    int versioned = wants_version(version);
    if (versioned < 0 || check_device(device) || exportable(&value, o))
        return NULL;
    int copied = copy == Py_True || lies_backwards(value);
    if (copied && copy == Py_False) {
        mlx_array_free(value);
        PyErr_SetString(PyExc_BufferError,
                        "[dlpack] an array that lies backwards is exported as a copy.");
        return NULL;
    }
    lent *l = copied && own_copy(&value) ? NULL : lent_new(value);
    if (!l) {
        mlx_array_free(value);
        return NULL;
    }
    return capsule_of(l, versioned, copied);
}

PyObject *mpy_array_dlpack_device(PyObject *o, PyObject *unused) {
    (void)o, (void)unused;
    return Py_BuildValue("(ii)", DL_CPU, 0);
}

/* --- NumPy ------------------------------------------------------------------------------------ */

static PyObject *numpy_array(PyObject *o) {
    PyObject *numpy = PyImport_ImportModule("numpy"), *view = NULL, *array = NULL;
    if (numpy && (view = PyMemoryView_FromObject(o)))
        array = PyObject_CallMethod(numpy, "asarray", "O", view);
    Py_XDECREF(view);
    Py_XDECREF(numpy);
    return array;
}

PyObject *mpy_array_bits(PyObject *o) {
    mlx_array bits = {NULL};
    mlx_stream s = {NULL};
    if (mlx_array_dtype(mpy_array_handle(o)) != MLX_BFLOAT16)
        return numpy_array(o);
    int status = mlx_view(&bits, mpy_array_handle(o), MLX_UINT16, s);
    PyObject *view = mpy_array_result(status, bits), *array = view ? numpy_array(view) : NULL;
    Py_XDECREF(view);
    return array;
}

/* The type that ml_dtypes, where it is installed, gives NumPy for bfloat16; NULL without an
   exception. */
static PyObject *numpy_bfloat16(void) {
    PyObject *module = PyImport_ImportModule("ml_dtypes");
    PyObject *type = module ? PyObject_GetAttrString(module, "bfloat16") : NULL;
    Py_XDECREF(module);
    PyErr_Clear();
    return type;
}

static int numpy_takes_bfloat16(void) {
    PyObject *type = numpy_bfloat16();
    Py_XDECREF(type);
    return type != NULL;
}

static PyObject *numpy_of(PyObject *o) {
    PyObject *type, *bits, *array;
    if (mlx_array_dtype(mpy_array_handle(o)) != MLX_BFLOAT16)
        return numpy_array(o);
    if (!(type = numpy_bfloat16()))
        return PyErr_Format(PyExc_TypeError, "bfloat16 arrays cannot be converted to NumPy.");
    bits = mpy_array_bits(o);
    array = bits ? PyObject_CallMethod(bits, "view", "O", type) : NULL;
    Py_XDECREF(bits);
    Py_DECREF(type);
    return array;
}

PyObject *mpy_array_numpy(PyObject *o, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"dtype", "copy", NULL};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:__array__", keywords, &dtype, &copy))
        return NULL;
    if (mpy_raise_dropped())
        return NULL;
    PyObject *array = numpy_of(o), *result = array;
    if (array && (dtype != Py_None || copy == Py_True)) {
        PyObject *target =
            dtype != Py_None ? Py_NewRef(dtype) : PyObject_GetAttrString(array, "dtype");
        result = target ? PyObject_CallMethod(array, "astype", "O", target) : NULL;
        Py_XDECREF(target);
        Py_DECREF(array);
    }
    return result;
}
