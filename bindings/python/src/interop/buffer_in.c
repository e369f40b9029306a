/* Memory of others, by the buffer protocol: NumPy arrays and scalars, bytes, memoryviews,
   array.array. */
#include "array/convert.h"

#include <string.h>

/* --- formats: struct's letters, in the machine's own byte order ------------------------------- */

static const struct {
    char letter;
    mlx_dtype by_size[9];
} integers[] = {
    {'b', {[1] = MLX_INT8}},
    {'B', {[1] = MLX_UINT8}},
    {'c', {[1] = MLX_UINT8}},
    {'h', {[2] = MLX_INT16}},
    {'H', {[2] = MLX_UINT16}},
    {'i', {[4] = MLX_INT32}},
    {'I', {[4] = MLX_UINT32}},
    {'l', {[4] = MLX_INT32, [8] = MLX_INT64}},
    {'L', {[4] = MLX_UINT32, [8] = MLX_UINT64}},
    {'q', {[8] = MLX_INT64}},
    {'Q', {[8] = MLX_UINT64}},
    {'n', {[8] = MLX_INT64}},
    {'N', {[8] = MLX_UINT64}},
    {'e', {[2] = MLX_FLOAT16}},
    {'f', {[4] = MLX_FLOAT32}},
    {'d', {[8] = MLX_FLOAT64}},
};

/* What the elements are, 0 if arrays have no such dtype. complex128 is told by *complex128. */
static int dtype_of(mlx_dtype *out, const Py_buffer *b, int *complex128) {
    const char *f = b->format ? b->format : "B";
    *complex128 = 0;
    if (*f == '@' || *f == '=' || *f == '<')
        f++;
    if (!strcmp(f, "?"))
        return *out = MLX_BOOL, b->itemsize == 1;
    if (!strcmp(f, "Zf") || !strcmp(f, "Zd")) {
        *complex128 = f[1] == 'd';
        return *out = MLX_COMPLEX64, b->itemsize == (*complex128 ? 16 : 8);
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers && f[0] && !f[1]; i++)
        if (integers[i].letter == *f && b->itemsize <= 8)
            return *out = integers[i].by_size[b->itemsize], *out != MLX_BOOL;
    return 0;
}

/* --- copying ---------------------------------------------------------------------------------- */

static void copy_row(char *to, const char *from, Py_ssize_t n, Py_ssize_t stride, size_t size) {
    if (stride == (Py_ssize_t)size)
        memcpy(to, from, (size_t)n * size);
    else
        for (Py_ssize_t i = 0; i < n; i++)
            memcpy(to + (size_t)i * size, from + i * stride, size);
}

static int step_to_next(Py_ssize_t *at, const Py_buffer *b, const char **from) {
    for (int d = b->ndim - 2; d >= 0; d--) {
        *from += b->strides[d];
        if (++at[d] < b->shape[d])
            return 1;
        *from -= at[d] * b->strides[d];
        at[d] = 0;
    }
    return 0;
}

/* All elements in row-major order, whatever the strides. */
static void copy_all(char *to, const Py_buffer *b) {
    Py_ssize_t at[PyBUF_MAX_NDIM] = {0};
    const char *from = b->buf;
    size_t size = (size_t)b->itemsize;
    if (!b->ndim || !b->strides) {
        memcpy(to, from, (size_t)b->len);
        return;
    }
    Py_ssize_t n = b->shape[b->ndim - 1];
    do {
        copy_row(to, from, n, b->strides[b->ndim - 1], size);
        to += (size_t)n * size;
    } while (step_to_next(at, b, &from));
}

static void narrow_complex(char *data, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double wide[2];
        memcpy(wide, data + 16 * i, 16);
        float pair[2] = {(float)wide[0], (float)wide[1]};
        memcpy(data + 8 * i, pair, 8);
    }
}

static int shape_of(int *shape, const Py_buffer *b) {
    for (int i = 0; i < b->ndim; i++) {
        Py_ssize_t n = b->shape ? b->shape[i] : b->len / (b->itemsize ? b->itemsize : 1);
        if (n > INT_MAX) {
            PyErr_Format(
                PyExc_OverflowError,
                "Shape dimension %zd is outside the supported range [-2147483648, 2147483647]. "
                "MLX currently "
                "uses 32-bit integers for shape dimensions.",
                n);
            return -1;
        }
        shape[i] = (int)n;
    }
    return 0;
}

/* An array of memory that it then owns. */
static int owned(mlx_array *out, char *data, const int *shape, int ndim, mlx_dtype dtype) {
    *out = mlx_array_new_data_managed_payload(data, shape, ndim, dtype, data, free);
    if (out->ctx)
        return 0;
    free(data);
    mpy_raise();
    return -1;
}

static int copy_buffer(mlx_array *out, const Py_buffer *b, mlx_dtype dtype, int complex128) {
    int shape[PyBUF_MAX_NDIM];
    if (shape_of(shape, b))
        return -1;
    if (!complex128 && PyBuffer_IsContiguous(b, 'C')) {
        *out = mlx_array_new_data(b->buf, shape, b->ndim, dtype);
        return out->ctx ? 0 : (mpy_raise(), -1);
    }
    char *data = malloc(b->len ? (size_t)b->len : 1);
    if (!data)
        return PyErr_NoMemory(), -1;
    if (b->len)
        copy_all(data, b);
    if (complex128)
        narrow_complex(data, (size_t)b->len / 16);
    return owned(out, data, shape, b->ndim, dtype);
}

int mpy_array_from_memory(mlx_array *out, const void *from, int ndim, const Py_ssize_t *shape,
                          const Py_ssize_t *strides, Py_ssize_t itemsize, mlx_dtype dtype,
                          int complex128) {
    Py_buffer b = {.buf = (void *)from,
                   .itemsize = itemsize,
                   .len = itemsize,
                   .ndim = ndim,
                   .shape = (Py_ssize_t *)shape,
                   .strides = (Py_ssize_t *)strides};
    for (int i = 0; i < ndim; i++)
        b.len *= shape[i];
    return copy_buffer(out, &b, dtype, complex128);
}

static int from_view(mlx_array *out, const Py_buffer *b, int keep_float64) {
    mlx_dtype dtype;
    mlx_stream s = {NULL};
    int complex128;
    if (!dtype_of(&dtype, b, &complex128))
        return 1;
    if (copy_buffer(out, b, dtype, complex128))
        return -1;
    if (dtype == MLX_FLOAT64 && !keep_float64 && mlx_astype(out, *out, MLX_FLOAT32, s))
        return mpy_raise(), -1;
    return 0;
}

/* NumPy's scalars that have no letter (datetime64, bytes_) lend their bytes, as a vector: such an
   owner says itself that it has no axes. */
static int bytes_of_scalar(PyObject *o, const Py_buffer *b) {
    if (b->ndim != 1 || b->itemsize != 1)
        return 0;
    PyObject *ndim = PyObject_GetAttrString(o, "ndim");
    int scalar = ndim && PyLong_Check(ndim) && PyLong_AsLong(ndim) == 0;
    PyErr_Clear();
    Py_XDECREF(ndim);
    return scalar;
}

int mpy_array_from_buffer(mlx_array *out, PyObject *o, int keep_float64) {
    Py_buffer b;
    if (PyObject_GetBuffer(o, &b, PyBUF_FULL_RO)) {
        PyErr_Clear();
        return 1;
    }
    int status = b.suboffsets || bytes_of_scalar(o, &b) ? 1 : from_view(out, &b, keep_float64);
    PyBuffer_Release(&b);
    return status;
}
