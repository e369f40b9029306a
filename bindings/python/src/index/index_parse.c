/* What stands between the brackets becomes a list of items: see index.h. */
#include "index/index.h"

#include <string.h>

static int refuse(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return -1;
}

static int too_many(const mpy_index *ix) {
    if (ix->ndim)
        PyErr_Format(mpy_range_error, "Too many indices for array with %d dimensions.", ix->ndim);
    else
        PyErr_SetString(mpy_range_error, "too many indices for array: array is 0-dimensional");
    return -1;
}

/* --- adding items ----------------------------------------------------------------------------- */

static mpy_item *add(mpy_index *ix, mpy_item_kind kind, int *axis) {
    int takes_axis = kind != MPY_NEW;
    if (takes_axis && *axis >= ix->ndim)
        return too_many(ix), NULL;
    if (ix->n == MPY_MAX_ITEMS)
        return refuse("An index can have 128 entries at most."), NULL;
    mpy_item *item = &ix->item[ix->n++];
    *item = (mpy_item){
        .kind = kind, .axis = takes_axis ? *axis : -1, .step = 1, .asked = {0, INT_MAX, 1}};
    *axis += takes_axis;
    return item;
}

static int size_of(const mpy_index *ix, int axis) {
    return mlx_array_shape(ix->x)[axis];
}

static int add_whole(mpy_index *ix, int *axis) {
    mpy_item *item = add(ix, MPY_SLICE, axis);
    if (item)
        item->length = size_of(ix, item->axis);
    return item ? 0 : -1;
}

static int out_of_bounds(const mpy_index *ix, Py_ssize_t i, int axis, int size) {
    PyObject *shape = mpy_shape_tuple(ix->x);
    if (shape)
        PyErr_Format(mpy_range_error,
                     "index %zd is out of bounds for axis %d with size %d of an array of shape %S",
                     i, axis, size, shape);
    Py_XDECREF(shape);
    return -1;
}

static int add_int(mpy_index *ix, PyObject *o, int *axis) {
    Py_ssize_t i = PyNumber_AsSsize_t(o, mpy_range_error);
    if (i == -1 && PyErr_Occurred())
        return -1;
    mpy_item *item = add(ix, MPY_AT, axis);
    if (!item)
        return -1;
    int size = size_of(ix, item->axis);
    if (i < -size || i >= size)
        return out_of_bounds(ix, i, item->axis, size);
    item->start = (int)(i < 0 ? i + size : i);
    item->length = 1;
    item->asked[0] = (int)i;
    item->asked[1] = i == -1 ? INT_MAX : (int)i + 1;
    item->asked[2] = 1;
    // no end that may mean the size: one step back from here
    if (mpy_shapeless && item->asked[1] == size) {
        item->asked[1] = i ? (int)i - 1 : INT_MIN;
        item->asked[2] = -1;
    }
    return 0;
}

static int in_int(Py_ssize_t v) {
    return v > INT_MAX ? INT_MAX : v < INT_MIN ? INT_MIN : (int)v;
}

static int add_slice(mpy_index *ix, PyObject *o, int *axis) {
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(o, &start, &stop, &step)) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            refuse("Slice indices must be integers or None.");
        return -1;
    }
    mpy_item *item = add(ix, MPY_SLICE, axis);
    if (!item)
        return -1;
    item->asked[0] = in_int(start);
    item->asked[1] = in_int(stop);
    item->asked[2] = in_int(step);
    item->length = (int)PySlice_AdjustIndices(size_of(ix, item->axis), &start, &stop, step);
    item->start = item->length ? (int)start : 0;
    item->step = item->length > 1 ? (int)step : 1;
    return 0;
}

static int add_array(mpy_index *ix, mlx_array array, int *axis) {
    mpy_item *item = add(ix, MPY_ARRAY, axis);
    if (!item) {
        mlx_array_free(array);
        return -1;
    }
    item->array = array;
    ix->arrays++;
    return 0;
}

/* --- masks: the places of what is true, as one index array an axis ---------------------------- */

static int count_true(const uint8_t *mask, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += mask[i];
    return count > INT_MAX ? -1 : (int)count;
}

static void places(int64_t *to, const uint8_t *mask, size_t n, size_t below, size_t size) {
    for (size_t i = 0; i < n; i++)
        if (mask[i])
            *to++ = (int64_t)(i / below % size);
}

static int add_places(mpy_index *ix, mlx_array mask, int count, int *axis) {
    int ndim = (int)mlx_array_ndim(mask);
    const int *shape = mlx_array_shape(mask);
    size_t n = mlx_array_size(mask), below = n;
    for (int d = 0; d < ndim; d++) {
        int64_t *data = malloc(sizeof *data * (count ? (size_t)count : 1));
        if (!data)
            return PyErr_NoMemory(), -1;
        below = shape[d] ? below / (size_t)shape[d] : 0;
        places(data, mlx_array_data_uint8(mask), n, below ? below : 1,
               shape[d] ? (size_t)shape[d] : 1);
        mlx_array index = mlx_array_new_data_managed(data, &count, 1, MLX_INT64, free);
        if (!index.ctx) {
            free(data);
            return mpy_raise(), -1;
        }
        if (add_array(ix, index, axis))
            return -1;
    }
    return 0;
}

static int check_mask(const mpy_index *ix, mlx_array mask, int axis) {
    int ndim = (int)mlx_array_ndim(mask);
    if (axis + ndim > ix->ndim)
        return too_many(ix);
    for (int d = 0; d < ndim; d++)
        if (mlx_array_shape(mask)[d] != size_of(ix, axis + d)) {
            PyErr_Format(mpy_range_error,
                         "a boolean index has size %d where the array's axis %d has size %d",
                         mlx_array_shape(mask)[d], axis + d, size_of(ix, axis + d));
            return -1;
        }
    return 0;
}

/* A mask without axes is a new axis of size 1 or 0, as in NumPy. */
static int add_single_mask(mpy_index *ix, mlx_array mask, int *axis) {
    mpy_item *item = add(ix, MPY_NEW, axis);
    if (item)
        item->length = *mlx_array_data_uint8(mask) ? 1 : 0;
    return item ? 0 : -1;
}

static int add_mask(mpy_index *ix, mlx_array array, int *axis) {
    mlx_array mask = {NULL};
    mlx_stream s = {NULL};
    int status = check_mask(ix, array, *axis) ? -1 : 0;
    if (!status && mlx_contiguous(&mask, array, false, s))
        status = (mpy_raise(), -1);
    if (!status) {
        MPY_WAIT(status, mlx_array_eval(mask));
        status = status ? (mpy_raise(), -1) : 0;
    }
    int count = status ? 0 : count_true(mlx_array_data_uint8(mask), mlx_array_size(mask));
    if (count < 0)
        status = refuse("a boolean index selects too many elements");
    if (!status)
        status = mlx_array_ndim(mask) ? add_places(ix, mask, count, axis)
                                      : add_single_mask(ix, mask, axis);
    mlx_array_free(mask);
    mlx_array_free(array);
    return status;
}

/* --- reading the key -------------------------------------------------------------------------- */

static int wrong_type(PyObject *o) {
    (void)o;
    return refuse("Cannot index mlx array using the given type.");
}

static int is_float_list(mlx_array a) {
    return mlx_array_dtype(a) == MLX_FLOAT32 && mlx_array_size(a) == 0;
}

/* An array, or what becomes one. */
static int add_array_like(mpy_index *ix, PyObject *o, int *axis) {
    mlx_array a = {NULL};
    mlx_stream s = {NULL};
    if (mpy_array_from(&a, o, NULL)) {
        mlx_array_free(a);
        return -1;
    }
    if (!mpy_array_check(o) && is_float_list(a) && mlx_astype(&a, a, MLX_INT32, s)) {
        mlx_array_free(a);
        return mpy_raise(), -1;
    }
    if (mlx_array_dtype(a) == MLX_BOOL)
        return add_mask(ix, a, axis);
    if (mlx_array_dtype(a) >= MLX_FLOAT16) {
        PyErr_Format(PyExc_ValueError,
                     "[gather] Got indices with invalid dtype %s. Indices must be integral.",
                     mpy_dtype_name(mlx_array_dtype(a)));
        mlx_array_free(a);
        return -1;
    }
    return add_array(ix, a, axis);
}

static int add_rest(mpy_index *ix, int *axis, int until) {
    while (*axis < until)
        if (add_whole(ix, axis))
            return -1;
    return 0;
}

static int add_one(mpy_index *ix, PyObject *o, int *axis) {
    if (PyLong_CheckExact(o))
        return add_int(ix, o, axis);
    if (PySlice_Check(o))
        return add_slice(ix, o, axis);
    if (o == Py_None) {
        mpy_item *item = add(ix, MPY_NEW, axis);
        if (item)
            item->length = 1;
        return item ? 0 : -1;
    }
    if (mpy_array_check(o) || PyList_Check(o) || PyTuple_Check(o) || PyBool_Check(o))
        return add_array_like(ix, o, axis);
    bool array = mpy_array_like(o);
    if (PyIndex_Check(o) && !array && !(PyObject_CheckBuffer(o) && PySequence_Check(o)))
        return add_int(ix, o, axis);
    return array || (PyObject_CheckBuffer(o) && !PyBytes_Check(o) && !PyByteArray_Check(o))
               ? add_array_like(ix, o, axis)
               : wrong_type(o);
}

/* Axes that the entries of a tuple after the ellipsis take. */
static int axes_after(PyObject *tuple, Py_ssize_t from) {
    int axes = 0;
    for (Py_ssize_t i = from; i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *o = PyTuple_GET_ITEM(tuple, i);
        int mask = mpy_array_check(o) && mlx_array_dtype(mpy_array_handle(o)) == MLX_BOOL;
        axes += mask ? (int)mlx_array_ndim(mpy_array_handle(o)) : o != Py_None && !PyBool_Check(o);
    }
    return axes;
}

static int add_tuple(mpy_index *ix, PyObject *tuple, int *axis) {
    int ellipsis = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *o = PyTuple_GET_ITEM(tuple, i);
        if (o == Py_Ellipsis && ellipsis++)
            return refuse("An index can only have a single ellipsis (...)");
        int status = o == Py_Ellipsis ? add_rest(ix, axis, ix->ndim - axes_after(tuple, i + 1))
                                      : add_one(ix, o, axis);
        if (status)
            return -1;
    }
    return 0;
}

int mpy_index_read(mpy_index *ix, mlx_array x, PyObject *key) {
    int axis = 0, status = 0;
    ix->x = x;
    ix->ndim = (int)mlx_array_ndim(x);
    ix->n = ix->arrays = 0;
    if (PyTuple_Check(key))
        status = add_tuple(ix, key, &axis);
    else if (key != Py_Ellipsis)
        status = add_one(ix, key, &axis);
    return status ? status : add_rest(ix, &axis, ix->ndim);
}

void mpy_index_free(mpy_index *ix) {
    for (int i = 0; i < ix->n && ix->arrays; i++)
        if (ix->item[i].kind == MPY_ARRAY)
            mlx_array_free(ix->item[i].array);
}

int mpy_is_mask(PyObject *key) {
    if (PyBool_Check(key))
        return 1;
    if (mpy_array_check(key))
        return mlx_array_dtype(mpy_array_handle(key)) == MLX_BOOL;
    return PyList_Check(key) && PyList_GET_SIZE(key) && PyBool_Check(PyList_GET_ITEM(key, 0));
}

/* --- what both directions ask ----------------------------------------------------------------- */

int mpy_item_full(const mpy_index *ix, const mpy_item *item) {
    return item->kind == MPY_SLICE && item->length == size_of(ix, item->axis) && item->step == 1;
}

int mpy_index_words(const mpy_index *ix, int *start, int *stop, int *step) {
    int partial = 0;
    for (int i = 0; i < ix->n; i++) {
        const mpy_item *t = &ix->item[i];
        if (t->kind == MPY_NEW)
            continue;
        int whole = t->kind == MPY_ARRAY;
        start[t->axis] = whole ? 0 : t->asked[0];
        stop[t->axis] = whole ? INT_MAX : t->asked[1];
        step[t->axis] = whole ? 1 : t->asked[2];
        partial |= start[t->axis] != 0 || stop[t->axis] != INT_MAX || step[t->axis] != 1;
    }
    return partial;
}

/* Beside arrays integers count as such. */
static int joins(const mpy_item *t) {
    return t->kind == MPY_ARRAY || t->kind == MPY_AT;
}

/* Where the block goes: at the first item that joins it, or in front (0) where they do not stand
   side by side. */
static int block_place(const mpy_index *ix) {
    int first = -1, gap = 0;
    for (int i = 0; i < ix->n; i++) {
        if (!joins(&ix->item[i]))
            gap |= first >= 0;
        else if (first < 0)
            first = i;
        else if (gap)
            return 0;
    }
    return first;
}

int mpy_index_order(const mpy_index *ix, int *order) {
    int n = 0, place = ix->arrays ? block_place(ix) : -1;
    for (int i = 0; i < ix->n; i++) {
        if (i == place)
            order[n++] = MPY_BLOCK;
        if (ix->item[i].kind == MPY_SLICE || ix->item[i].kind == MPY_NEW)
            order[n++] = i;
    }
    return n;
}
