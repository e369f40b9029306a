/* x[...] = v, and the combinations of x.at[...]: one slice_update, or one scatter where there are
 * index arrays.
 *
 * The value is broadcast to the shape that x[...] would have and put into the order of the update:
 * for slices, an axis for each of x; for a scatter, the axes of the indices and then those of x (1
 * where an index stands). With index arrays, integers and slices that leave something out become
 * index arrays too:
 *
 *     x (4,5,6), x[[0,2], 1:3] = v    v is (2,2,6): indices [[0],[2]] on axis 0, [1,2] on axis 1;
 *                                     updates (2,2,1,1,6)
 */
#include "index/index_set.h"

#include "array/array.h"
#include "index/index.h"

static const mlx_stream default_stream = {NULL};

/* --- the value -------------------------------------------------------------------------------- */

/* The axes of x[...], their sizes, and which item each comes from (MPY_BLOCK for those of the
   block). */
typedef struct target {
    int shape[MPY_MAX_ITEMS + MPY_MAX_NDIM], item[MPY_MAX_ITEMS + MPY_MAX_NDIM], ndim;
} target;

static void target_of(target *t, const mpy_index *ix, const int *block, int block_ndim) {
    int order[MPY_MAX_ITEMS + 1], n = mpy_index_order(ix, order);
    t->ndim = 0;
    for (int i = 0; i < n; i++) {
        if (order[i] != MPY_BLOCK) {
            t->item[t->ndim] = order[i];
            t->shape[t->ndim++] = ix->item[order[i]].length;
            continue;
        }
        for (int d = 0; d < block_ndim; d++) {
            t->item[t->ndim] = MPY_BLOCK;
            t->shape[t->ndim++] = block[d];
        }
    }
}

/* Axes of size 1 in front that the target does not have are dropped. */
static int drop_leading(mlx_array *v, int ndim) {
    int extra = (int)mlx_array_ndim(*v) - ndim, axes[MPY_MAX_NDIM];
    for (int d = 0; d < extra; d++) {
        if (mlx_array_shape(*v)[d] != 1)
            return 0; // broadcasting says what is wrong
        axes[d] = d;
    }
    return extra > 0 ? mlx_squeeze_axes(v, *v, axes, (size_t)extra, default_stream) : 0;
}

/* v broadcast to the shape of x[...], whatever that is for other shapes of x. */
static int fit_to_read(mlx_array *v, const mpy_index *ix) {
    mlx_array read = {NULL};
    mlx_vector_array both = mlx_vector_array_new();
    int status = mpy_index_get(&read, ix) || mlx_vector_array_append_value(both, *v) ||
                 mlx_vector_array_append_value(both, read) ||
                 mlx_broadcast_arrays(&both, both, default_stream) ||
                 mlx_vector_array_get(v, both, 0);
    mlx_vector_array_free(both);
    mlx_array_free(read);
    return status ? -1 : 0;
}

/* v broadcast to the target, with new axes taken out again. What is left are blocks and slices in
   order. */
static int fit(mlx_array *v, const target *t, const mpy_index *ix) {
    int gone[MPY_MAX_ITEMS], count = 0;
    if (t->ndim > MPY_MAX_NDIM) {
        PyErr_SetString(PyExc_ValueError, "An array has 64 dimensions at most.");
        return -1;
    }
    if (drop_leading(v, t->ndim) || (mpy_shapeless && fit_to_read(v, ix)) ||
        mlx_broadcast_to(v, *v, t->shape, (size_t)t->ndim, default_stream))
        return -1;
    for (int d = 0; d < t->ndim; d++)
        if (t->item[d] != MPY_BLOCK && ix->item[t->item[d]].kind == MPY_NEW)
            gone[count++] = d;
    return count ? mlx_squeeze_axes(v, *v, gone, (size_t)count, default_stream) : 0;
}

/* --- slices only ------------------------------------------------------------------------------ */

typedef int slice_fn(mlx_array *res, const mlx_array src, const mlx_array update, const int *start,
                     size_t start_num, const int *stop, size_t stop_num, const int *strides,
                     size_t strides_num, const mlx_stream s);

static slice_fn *const slice_functions[] = {
    [MPY_SET] = mlx_slice_update,       [MPY_ADD] = mlx_slice_update_add,
    [MPY_PROD] = mlx_slice_update_prod, [MPY_MAX] = mlx_slice_update_max,
    [MPY_MIN] = mlx_slice_update_min,
};

/* An axis of size 1 for each integer. */
static int restore_axes(mlx_array *v, const mpy_index *ix) {
    int axes[MPY_MAX_NDIM];
    size_t n = 0;
    for (int i = 0; i < ix->n; i++)
        if (ix->item[i].kind == MPY_AT)
            axes[n++] = ix->item[i].axis;
    return n ? mlx_expand_dims_axes(v, *v, axes, n, default_stream) : 0;
}

static int set_slices(mlx_array *out, const mpy_index *ix, mlx_array *v, mpy_update how) {
    int start[MPY_MAX_NDIM], stop[MPY_MAX_NDIM], step[MPY_MAX_NDIM];
    size_t n = (size_t)ix->ndim;
    target t;
    target_of(&t, ix, NULL, 0);
    if (fit(v, &t, ix) || restore_axes(v, ix))
        return -1;
    mpy_index_words(ix, start, stop, step);
    return slice_functions[how](out, ix->x, *v, start, n, stop, n, step, n, default_stream);
}

/* --- index arrays ----------------------------------------------------------------------------- */

typedef int scatter_fn(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                       const mlx_array updates, const int *axes, size_t axes_num,
                       const mlx_stream s);

static scatter_fn *const scatter_functions[] = {
    [MPY_SET] = mlx_scatter,     [MPY_ADD] = mlx_scatter_add, [MPY_PROD] = mlx_scatter_prod,
    [MPY_MAX] = mlx_scatter_max, [MPY_MIN] = mlx_scatter_min,
};

/* The shape that the index arrays broadcast to. */
static int block_shape(int *shape, size_t *ndim, const mpy_index *ix) {
    int both[MPY_MAX_NDIM];
    *ndim = 0;
    for (int i = 0; i < ix->n; i++) {
        const mpy_item *t = &ix->item[i];
        size_t n;
        if (t->kind != MPY_ARRAY)
            continue;
        if (mlx_broadcast_shapes(both, &n, shape, *ndim, mlx_array_shape(t->array),
                                 mlx_array_ndim(t->array)))
            return -1;
        for (size_t d = 0; d < n; d++)
            shape[d] = both[d];
        *ndim = n;
    }
    return 0;
}

static int is_partial(const mpy_index *ix, const mpy_item *t) {
    return t->kind == MPY_SLICE && !mpy_item_full(ix, t);
}

/* An index array with axes of size 1 behind it, or the numbers of a slice in front of them. */
static int index_array(mlx_array *out, const mpy_item *t, int behind) {
    int shape[MPY_MAX_NDIM], n = 0;
    int status = 0;
    if (t->kind == MPY_ARRAY) {
        n = (int)mlx_array_ndim(t->array);
        if (n + behind > MPY_MAX_NDIM)
            behind = MPY_MAX_NDIM - n;
        for (int d = 0; d < behind; d++)
            shape[d] = n + d;
        return behind ? mlx_expand_dims_axes(out, t->array, shape, (size_t)behind, default_stream)
                      : mlx_array_set(out, t->array);
    }
    // counted from the end it is another element of other sizes
    if (t->kind == MPY_AT && mpy_shapeless) {
        mlx_array_free(*out);
        *out = mlx_array_new_int(t->asked[0]);
        return !out->ctx;
    }
    double end = t->start + (double)t->length * t->step;
    status = mlx_arange(out, t->start, end, t->step, MLX_INT32, default_stream);
    shape[n++] = t->length;
    for (int d = 0; d < behind; d++)
        shape[n++] = 1;
    return status || (t->kind == MPY_AT ? mlx_reshape(out, *out, shape, 0, default_stream)
                                        : mlx_reshape(out, *out, shape, (size_t)n, default_stream));
}

typedef struct indices {
    mlx_vector_array arrays;
    int axes[MPY_MAX_NDIM], count, partial;
} indices;

static int collect(indices *in, const mpy_index *ix) {
    mlx_array a = {NULL};
    int behind = 0, status = 0;
    in->arrays = mlx_vector_array_new();
    in->count = in->partial = 0;
    for (int i = 0; i < ix->n; i++)
        in->partial += is_partial(ix, &ix->item[i]);
    if (in->partial && mpy_shapeless) {
        PyErr_SetString(
            PyExc_ValueError,
            "[Primitive::output_shapes] Scatter cannot infer output shapes: slices beside "
            "index arrays are written for one shape only.");
        return -1;
    }
    for (int i = 0; i < ix->n && !status; i++) {
        const mpy_item *t = &ix->item[i];
        if (t->kind == MPY_NEW || mpy_item_full(ix, t))
            continue;
        int after = t->kind == MPY_ARRAY   ? in->partial
                    : t->kind == MPY_SLICE ? in->partial - 1 - behind++
                                           : 0;
        status = index_array(&a, t, after) || mlx_vector_array_append_value(in->arrays, a);
        in->axes[in->count++] = t->axis;
    }
    mlx_array_free(a);
    return status;
}

/* v has blocks and slices in the order of the target: block, partial slices, full slices; then 1
   for each index. */
static int order_updates(mlx_array *v, const target *t, const mpy_index *ix, const indices *in) {
    int axes[MPY_MAX_NDIM], place[MPY_MAX_NDIM], n = 0, at = 0;
    for (int pass = 0; pass < 3; pass++) {
        at = 0;
        for (int d = 0; d < t->ndim; d++) {
            const mpy_item *item = t->item[d] == MPY_BLOCK ? NULL : &ix->item[t->item[d]];
            if (item && item->kind == MPY_NEW)
                continue;
            if (pass == (!item ? 0 : is_partial(ix, item) ? 1 : 2))
                axes[n++] = at;
            at++;
        }
    }
    int before = n - (ix->ndim - in->count);
    for (int i = 0; i < in->count; i++)
        place[i] = before + in->axes[i];
    return mlx_transpose_axes(v, *v, axes, (size_t)n, default_stream) ||
           mlx_expand_dims_axes(v, *v, place, (size_t)in->count, default_stream);
}

static int set_arrays(mlx_array *out, const mpy_index *ix, mlx_array *v, mpy_update how) {
    int shape[MPY_MAX_NDIM];
    size_t ndim;
    target t;
    indices in = {.arrays = {NULL}};
    if (block_shape(shape, &ndim, ix))
        return -1;
    target_of(&t, ix, shape, (int)ndim);
    int status = fit(v, &t, ix) || collect(&in, ix) || order_updates(v, &t, ix, &in) ||
                 scatter_functions[how](out, ix->x, in.arrays, *v, in.axes, (size_t)in.count,
                                        default_stream);
    mlx_vector_array_free(in.arrays);
    return status;
}

/* Is a False among the indices? */
static int selects_nothing(const mpy_index *ix) {
    for (int i = 0; i < ix->n; i++)
        if (ix->item[i].kind == MPY_NEW && !ix->item[i].length)
            return 1;
    return 0;
}

int mpy_index_update(mlx_array *out, mlx_array x, PyObject *key, mlx_array *v, mpy_update how) {
    mpy_index ix;
    int status = mpy_index_read(&ix, x, key);
    if (!status) {
        status = selects_nothing(&ix) ? mlx_array_set(out, x)
                 : ix.arrays          ? set_arrays(out, &ix, v, how)
                                      : set_slices(out, &ix, v, how);
        if (status)
            status = (mpy_raise(), -1);
    }
    mpy_index_free(&ix);
    return status;
}

/* --- masks ------------------------------------------------------------------------------------ */

static int mask_shape_error(mlx_array mask, mlx_array x) {
    PyObject *m = mpy_shape_tuple(mask), *a = mpy_shape_tuple(x);
    if (m && a)
        PyErr_Format(PyExc_ValueError,
                     "the boolean mask has shape %R, which is not the beginning of the shape %R of "
                     "the array",
                     m, a);
    Py_XDECREF(m);
    Py_XDECREF(a);
    return -1;
}

static int check_mask(mlx_array mask, mlx_array x) {
    size_t n = mlx_array_ndim(mask);
    if (n > mlx_array_ndim(x))
        return mask_shape_error(mask, x);
    for (size_t d = 0; d < n; d++)
        if (mlx_array_shape(mask)[d] != mlx_array_shape(x)[d])
            return mask_shape_error(mask, x);
    return 0;
}

/* The mask with an axis of size 1 for each further axis of x. */
static int widen(mlx_array *mask, int ndim) {
    int axes[MPY_MAX_NDIM], n = 0;
    for (int d = (int)mlx_array_ndim(*mask); d < ndim; d++)
        axes[n++] = d;
    return n ? mlx_expand_dims_axes(mask, *mask, axes, (size_t)n, default_stream) : 0;
}

/* One row of v for each place, or the same for all of them. */
static int set_masked(mlx_array *out, mlx_array x, mlx_array *mask, mlx_array *v) {
    int ndim = (int)mlx_array_ndim(x), trailing = ndim - (int)mlx_array_ndim(*mask);
    int rows = (int)mlx_array_ndim(*v), shape[MPY_MAX_NDIM + 1];
    if (rows > trailing + 1) {
        PyErr_Format(PyExc_ValueError,
                     "[masked_scatter] Value array shape must be broadcastable with the last %d "
                     "dimensions of the input.",
                     trailing);
        return -1;
    }
    if (mpy_shapeless && rows > trailing) {
        PyErr_SetString(PyExc_ValueError,
                        "[Primitive::output_shapes] MaskedScatter cannot infer output shapes.");
        return -1;
    }
    shape[0] = rows > trailing ? mlx_array_shape(*v)[0] : 1;
    for (int d = 0; d < trailing; d++)
        shape[1 + d] = mlx_array_shape(x)[ndim - trailing + d];
    if (mpy_shapeless)
        return widen(mask, ndim) || mlx_where(out, *mask, *v, x, default_stream) ? (mpy_raise(), -1)
                                                                                 : 0;
    int status = mlx_broadcast_to(v, *v, shape, (size_t)trailing + 1, default_stream);
    if (!status && shape[0] != 1)
        status = mlx_masked_scatter(out, x, *mask, *v, default_stream);
    else if (!status)
        status = mlx_squeeze_axis(v, *v, 0, default_stream) || widen(mask, ndim) ||
                 mlx_where(out, *mask, *v, x, default_stream);
    return status ? (mpy_raise(), -1) : 0;
}

static int set_mask(mlx_array *out, mlx_array x, PyObject *key, mlx_array *v) {
    mlx_array mask = {NULL};
    int status = mpy_array_from(&mask, key, NULL);
    if (!status && mlx_array_dtype(mask) != MLX_BOOL)
        PyErr_SetString(PyExc_ValueError, "a list index has booleans and other numbers"),
            status = -1;
    if (!status)
        status = check_mask(mask, x) || set_masked(out, x, &mask, v) ? -1 : 0;
    mlx_array_free(mask);
    return status;
}

/* --- assignment ------------------------------------------------------------------------------- */

int mpy_index_value(mlx_array *v, PyObject *o, mlx_dtype dtype) {
    mlx_stream s = {NULL};
    int status = mpy_array_check(o) ? mpy_array_from(v, o, &dtype) : mpy_operand(v, o, dtype);
    if (status > 0) {
        PyErr_Format(o == Py_None ? PyExc_TypeError : PyExc_ValueError,
                     "Invalid type %.200s received in array initialization.", Py_TYPE(o)->tp_name);
        return -1;
    }
    if (!status && mlx_array_dtype(*v) != dtype && mlx_astype(v, *v, dtype, s))
        status = (mpy_raise(), -1);
    return status;
}

int mpy_array_set(PyObject *o, PyObject *key, PyObject *value) {
    mlx_array x = {NULL}, v = {NULL}, out = {NULL};
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "__delitem__");
        return -1;
    }
    // o keeps x alive, but converting the key or the value may run code that replaces it
    int status = mlx_array_set(&x, mpy_array_handle(o)) ? (mpy_raise(), -1) : 0;
    if (!status)
        status = mpy_index_value(&v, value, mlx_array_dtype(x));
    if (!status)
        status = mpy_is_mask(key) ? set_mask(&out, x, key, &v)
                                  : mpy_index_update(&out, x, key, &v, MPY_SET);
    if (!status)
        mpy_array_replace(o, out);
    else
        mlx_array_free(out);
    mlx_array_free(v);
    mlx_array_free(x);
    return status;
}
