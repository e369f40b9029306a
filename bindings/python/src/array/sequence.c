/* Nested lists and tuples become arrays.
 *
 * A first walk finds the shape, checks that it is regular, and finds the widest kind of number; a
 * second one writes the elements. Where a leaf is no Python number (an array, a NumPy scalar), the
 * leaves are made into arrays and stacked. Lists nest as deep as arrays have axes, which bounds the
 * recursion.
 */
#include "array/convert.h"
#include "array/number.h"

enum { MAX_NDIM = 64 };

typedef struct shape_walk {
    int shape[MAX_NDIM], ndim; /* ndim -1 until the first leaf is met */
    mpy_kind kind;             /* the widest that was met */
    int wide;                  /* integers of 64 bits were met */
    int foreign;               /* leaves that are no Python numbers were met */
} shape_walk;

static int is_sequence(PyObject *o) {
    return PyList_Check(o) || PyTuple_Check(o);
}

static int refuse(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return -1;
}

static int irregular(void) {
    return refuse("Initialization encountered non-uniform length.");
}

static int changed(void) {
    return refuse("[array] the list changed while it was read.");
}

static int visit_leaf(shape_walk *w, PyObject *o, int depth) {
    mpy_number n;
    int is_number = mpy_number_from(&n, o);
    if (is_number < 0)
        return -1;
    if (!is_number) {
        if (!mpy_convertible(o))
            return mpy_refuse_type(o);
        w->foreign = 1;
        return 0;
    }
    if (w->ndim >= 0 && depth != w->ndim)
        return w->foreign ? 0 : irregular();
    w->ndim = depth;
    if (n.kind > w->kind)
        w->kind = n.kind;
    w->wide |= n.kind == MPY_INT && n.i != (int32_t)n.i;
    return 0;
}

static int visit(shape_walk *w, PyObject *list, int depth, int first) {
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list);
    if (depth == MAX_NDIM)
        return refuse("[array] an array has 64 dimensions at most; the list is nested deeper.");
    if (n > INT_MAX)
        return refuse("[array] a dimension is larger than 2147483647.");
    if (w->ndim >= 0 && depth >= w->ndim)
        return w->foreign ? 0 : refuse("Initialization encountered extra dimension.");
    if (first)
        w->shape[depth] = (int)n;
    else if (w->shape[depth] != n)
        return w->foreign ? 0 : irregular();
    if (!n && w->ndim < 0)
        w->ndim = depth + 1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));
        int status = is_sequence(item) ? visit(w, item, depth + 1, first && i == 0)
                                       : visit_leaf(w, item, depth + 1);
        Py_DECREF(item);
        if (status)
            return -1;
    }
    return PySequence_Fast_GET_SIZE(list) == n ? 0 : changed();
}

static mlx_dtype widest(const shape_walk *w) {
    switch (w->kind) {
    case MPY_BOOL: return MLX_BOOL;
    case MPY_INT: return w->wide ? MLX_INT64 : MLX_INT32;
    case MPY_UINT: return MLX_UINT64;
    case MPY_FLOAT: return MLX_FLOAT32;
    default: return MLX_COMPLEX64;
    }
}

/* --- numbers ---------------------------------------------------------------------------------- */

typedef struct writer {
    char *to, *end;
    mlx_dtype dtype;
    size_t step;
} writer;

/* No Python code runs between the walks, so that the second one finds what the first one saw. */
static int write_numbers(writer *w, PyObject *list) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(list, i);
        mpy_number n;
        if (is_sequence(item)) {
            if (write_numbers(w, item))
                return -1;
            continue;
        }
        if (w->to == w->end || mpy_number_from(&n, item) <= 0)
            return changed();
        mpy_number_store(w->to, w->dtype, &n);
        w->to += w->step;
    }
    return 0;
}

static int from_numbers(mlx_array *out, PyObject *list, const shape_walk *s, mlx_dtype dtype) {
    size_t step = mlx_dtype_size(dtype), bytes = step;
    for (int i = 0; i < s->ndim; i++)
        if (__builtin_mul_overflow(bytes, (size_t)s->shape[i], &bytes))
            return refuse("[array] the array is too large.");
    char *data = PyMem_Malloc(bytes ? bytes : 1);
    if (!data)
        return PyErr_NoMemory(), -1;
    writer w = {data, data + bytes, dtype, step};
    int status = write_numbers(&w, list);
    if (!status && w.to != w.end)
        status = changed();
    if (!status) {
        *out = mlx_array_new_data(data, s->shape, s->ndim, dtype);
        status = out->ctx ? 0 : (mpy_raise(), -1);
    }
    PyMem_Free(data);
    return status;
}

/* --- anything else: each item an array, stacked ----------------------------------------------- */

static int same_shape(mlx_array a, mlx_array b) {
    size_t n = mlx_array_ndim(a);
    if (n != mlx_array_ndim(b))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (mlx_array_shape(a)[i] != mlx_array_shape(b)[i])
            return 0;
    return 1;
}

/* The items of a list as arrays of one shape; of dtype unless that is NULL. */
static int items_of(mlx_vector_array out, PyObject *list, const mlx_dtype *dtype) {
    mlx_array first = {NULL}, item = {NULL};
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list);
    int status = 0;
    for (Py_ssize_t i = 0; i < n && !status; i++) {
        mlx_array_free(item);
        item = (mlx_array){NULL};
        PyObject *o = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));
        status = is_sequence(o) ? mpy_array_from_sequence(&item, o, dtype)
                                : mpy_array_from_object(&item, o, dtype);
        Py_DECREF(o);
        if (!status && PySequence_Fast_GET_SIZE(list) != n) // the item's own conversion did that
            status = changed();
        if (!status && !first.ctx && mlx_array_set(&first, item))
            status = (mpy_raise(), -1);
        if (!status && !same_shape(first, item))
            status = irregular();
        if (!status && mlx_vector_array_append_value(out, item))
            status = (mpy_raise(), -1);
    }
    mlx_array_free(first);
    mlx_array_free(item);
    return status;
}

static int common_dtype(mlx_dtype *out, mlx_vector_array items) {
    mlx_array item = {NULL};
    int status = 0;
    for (size_t i = 0; i < mlx_vector_array_size(items) && !status; i++) {
        status = mlx_vector_array_get(&item, items, i);
        mlx_dtype dtype = mlx_array_dtype(item);
        if (i == 0)
            *out = dtype;
        else if (!status)
            status = mlx_result_type(out, *out, dtype);
    }
    mlx_array_free(item);
    return status;
}

static int from_items(mlx_array *out, PyObject *list, const mlx_dtype *wanted) {
    mlx_vector_array items = mlx_vector_array_new();
    mlx_stream s = {NULL};
    mlx_dtype dtype = MLX_FLOAT32;
    int status = items_of(items, list, wanted);
    if (!status && (common_dtype(&dtype, items) || mlx_stack_axis(out, items, 0, s) ||
                    (mlx_array_dtype(*out) != dtype && mlx_astype(out, *out, dtype, s))))
        status = (mpy_raise(), -1);
    mlx_vector_array_free(items);
    return status;
}

int mpy_array_from_sequence(mlx_array *out, PyObject *o, const mlx_dtype *dtype) {
    shape_walk w = {.ndim = -1};
    if (visit(&w, o, 0, 1))
        return -1;
    if (!w.foreign) {
        int empty = 0;
        for (int i = 0; i < w.ndim; i++)
            empty |= w.shape[i] == 0;
        return from_numbers(out, o, &w, dtype ? *dtype : empty ? MLX_FLOAT32 : widest(&w));
    }
    return from_items(out, o, dtype);
}
