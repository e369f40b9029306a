/* Arrays of others through DLPack: without a copy where the elements are of a dtype of ours and lie
   forwards. */
#include "array/convert.h"
#include "interop/dlpack.h"
#include "host/release.h"

#include <string.h>

enum { MAX_NDIM = 64 };

/* A capsule that was taken over: exactly one of the two is set. */
typedef struct loan {
    dl_managed *old;
    dl_managed_versioned *versioned;
    const dl_tensor *tensor;
} loan;

static void give_back(void *payload) {
    loan *l = payload;
    if (l->old && l->old->deleter)
        l->old->deleter(l->old);
    if (l->versioned && l->versioned->deleter)
        l->versioned->deleter(l->versioned);
    free(l);
}

static void release_loan(void *payload) {
    mpy_release(give_back, payload);
}

/* --- taking the capsule over ------------------------------------------------------------------ */

static int version_1(const loan *l) {
    if (!l->versioned || l->versioned->major == 1)
        return 0;
    PyErr_Format(PyExc_ValueError, "[dlpack] version %u is not known: 1 is.", l->versioned->major);
    return -1;
}

static PyObject *ask_plain(PyObject *o) {
    PyObject *method = PyObject_GetAttrString(o, "__dlpack__"), *none = PyTuple_New(0),
             *kwargs = NULL;
    PyObject *capsule = NULL;
    if (method && none && (kwargs = Py_BuildValue("{s:(ii)}", "max_version", 1, 0)))
        capsule = PyObject_Call(method, none, kwargs);
    if (!capsule && kwargs && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear(); // a producer from before versions
        capsule = PyObject_CallNoArgs(method);
    }
    Py_XDECREF(kwargs), Py_XDECREF(none), Py_XDECREF(method);
    return capsule;
}

/* What refuses because gradients are recorded for it (PyTorch's tensors and parameters) gives its
   values. */
static PyObject *ask(PyObject *o) {
    PyObject *capsule = PyCapsule_CheckExact(o) ? Py_NewRef(o) : ask_plain(o);
    PyObject *plain, *type, *value, *traceback;
    if (capsule)
        return capsule;
    PyErr_Fetch(&type, &value, &traceback);
    plain = PyObject_HasAttrString(o, "detach") ? PyObject_CallMethod(o, "detach", NULL) : NULL;
    if (plain && plain != o)
        capsule = ask_plain(plain);
    Py_XDECREF(plain);
    if (!capsule) {
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    Py_XDECREF(type), Py_XDECREF(value), Py_XDECREF(traceback);
    return capsule;
}

static int take_over(loan *l, PyObject *capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        l->versioned = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        l->tensor = &l->versioned->tensor;
        return PyCapsule_SetName(capsule, "used_dltensor_versioned");
    }
    if (PyCapsule_IsValid(capsule, "dltensor")) {
        l->old = PyCapsule_GetPointer(capsule, "dltensor");
        l->tensor = &l->old->tensor;
        return PyCapsule_SetName(capsule, "used_dltensor");
    }
    PyErr_SetString(PyExc_ValueError,
                    "[dlpack] __dlpack__ gave no capsule, or a used one: each is taken once.");
    return -1;
}

/* --- what it holds ---------------------------------------------------------------------------- */

static const struct {
    uint8_t code, bits;
    mlx_dtype dtype;
} dtypes[] = {
    {DL_BOOL, 8, MLX_BOOL},        {DL_UINT, 8, MLX_UINT8},         {DL_UINT, 16, MLX_UINT16},
    {DL_UINT, 32, MLX_UINT32},     {DL_UINT, 64, MLX_UINT64},       {DL_INT, 8, MLX_INT8},
    {DL_INT, 16, MLX_INT16},       {DL_INT, 32, MLX_INT32},         {DL_INT, 64, MLX_INT64},
    {DL_FLOAT, 16, MLX_FLOAT16},   {DL_FLOAT, 32, MLX_FLOAT32},     {DL_FLOAT, 64, MLX_FLOAT64},
    {DL_BFLOAT, 16, MLX_BFLOAT16}, {DL_COMPLEX, 64, MLX_COMPLEX64},
};

static int dtype_of(mlx_dtype *out, dl_dtype t) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].code == t.code && dtypes[i].bits == t.bits && t.lanes == 1)
            return *out = dtypes[i].dtype, 1;
    return 0;
}

typedef struct layout {
    int shape[MAX_NDIM];
    int64_t strides[MAX_NDIM];
    int64_t size, span; /* elements, and elements from the first to after the last */
    int row_major, backwards;
} layout;

static int refuse(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return -1;
}

static int layout_of(layout *l, const dl_tensor *t) {
    int64_t next = 1;
    *l = (layout){.size = 1, .span = 1, .row_major = 1};
    for (int i = t->ndim - 1; i >= 0; i--) {
        int64_t n = t->shape[i], stride = t->strides ? t->strides[i] : next, reach;
        if (n < 0 || n > INT_MAX || __builtin_mul_overflow(l->size, n, &l->size) ||
            __builtin_mul_overflow(n - (n > 0), stride, &reach) ||
            __builtin_add_overflow(l->span, reach, &l->span))
            return refuse("[dlpack] the shape is too large.");
        l->shape[i] = (int)n;
        l->strides[i] = stride;
        l->row_major &= n <= 1 || stride == next;
        l->backwards |= n > 1 && stride < 0;
        next = l->size;
    }
    l->row_major |= l->size == 0;
    return 0;
}

static int check(const dl_tensor *t) {
    if (t->device.type != DL_CPU && t->device.type != DL_CUDA_HOST)
        return refuse("[dlpack] the memory is on a device; copy it to the CPU first.");
    return t->ndim < 0 || t->ndim > MAX_NDIM
               ? refuse("[dlpack] an array has 64 dimensions at most.")
               : 0;
}

/* --- making the array ------------------------------------------------------------------------- */

static const void *first_element(const dl_tensor *t) {
    return (const char *)t->data + t->byte_offset;
}

static int borrow(mlx_array *out, loan *l, const layout *y, mlx_dtype dtype) {
    const dl_tensor *t = l->tensor;
    int span = (int)y->span;
    mlx_stream s = {NULL};
    if (y->span > INT_MAX && !y->row_major)
        return refuse("[dlpack] the memory spans too much.");
    *out = mlx_array_new_data_managed_payload((void *)first_element(t),
                                              y->row_major ? y->shape : &span,
                                              y->row_major ? t->ndim : 1, dtype, l, release_loan);
    if (!out->ctx)
        return mpy_raise(), -1;
    if (!y->row_major &&
        mlx_as_strided(out, *out, y->shape, (size_t)t->ndim, y->strides, (size_t)t->ndim, 0, s))
        mpy_raise();
    return 1; // from here on the array gives the loan back
}

static int copy_of(mlx_array *out, const dl_tensor *t, const layout *y, mlx_dtype dtype,
                   int complex128) {
    Py_ssize_t shape[MAX_NDIM], strides[MAX_NDIM];
    Py_ssize_t size = complex128 ? 16 : (Py_ssize_t)mlx_dtype_size(dtype);
    for (int i = 0; i < t->ndim; i++)
        shape[i] = y->shape[i], strides[i] = y->strides[i] * size;
    return mpy_array_from_memory(out, first_element(t), t->ndim, shape, strides, size, dtype,
                                 complex128);
}

/* 1: the array owns the loan now. */
static int from_loan(mlx_array *out, loan *l, int copy) {
    const dl_tensor *t = l->tensor;
    layout y;
    mlx_dtype dtype;
    int complex128 = t->dtype.code == DL_COMPLEX && t->dtype.bits == 128 && t->dtype.lanes == 1;
    if (check(t) || layout_of(&y, t))
        return -1;
    if (complex128)
        dtype = MLX_COMPLEX64;
    else if (!dtype_of(&dtype, t->dtype))
        return refuse("[dlpack] there is no dtype for these elements.");
    int must_copy = complex128 || y.backwards || y.size == 0;
    if (!copy && must_copy && y.size)
        return refuse("Unable to avoid copy while creating an array as requested.");
    return must_copy || copy == 1 ? copy_of(out, t, &y, dtype, complex128)
                                  : borrow(out, l, &y, dtype);
}

int mpy_array_from_dlpack(mlx_array *out, PyObject *o, int copy) {
    PyObject *capsule = ask(o);
    loan *l = capsule ? calloc(1, sizeof *l) : NULL;
    int status = -1;
    if (capsule && !l)
        PyErr_NoMemory();
    if (l && take_over(l, capsule) == 0 && version_1(l) == 0)
        status = from_loan(out, l, copy);
    if (status != 1 && l)
        give_back(l);
    Py_XDECREF(capsule);
    return status == 1 && PyErr_Occurred() ? -1 : status < 0 ? -1 : 0;
}
