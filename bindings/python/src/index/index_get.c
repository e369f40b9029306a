/* x[...] read: a slice and a change of axes, which are views, and one gather where there are index
   arrays. */
#include "array/array.h"
#include "index/index.h"

static const mlx_stream default_stream = {NULL};

/* --- views ------------------------------------------------------------------------------------ */

/* Slices and integers; the integers' axes are gone. */
static int take_slices(mlx_array *out, const mpy_index *ix) {
    int start[MPY_MAX_NDIM], stop[MPY_MAX_NDIM], step[MPY_MAX_NDIM], gone[MPY_MAX_NDIM];
    size_t n = (size_t)ix->ndim, removed = 0;
    for (int i = 0; i < ix->n; i++)
        if (ix->item[i].kind == MPY_AT)
            gone[removed++] = ix->item[i].axis;
    int partial = mpy_index_words(ix, start, stop, step);
    int status = partial ? mlx_slice(out, ix->x, start, n, stop, n, step, n, default_stream)
                         : mlx_array_set(out, ix->x);
    if (!status && removed)
        status = mlx_squeeze_axes(out, *out, gone, removed, default_stream);
    return status;
}

/* A False among the indices: a new axis without elements. */
static int cut_new_axis(mlx_array *out, int axis) {
    int start[2 * MPY_MAX_NDIM] = {0}, stop[2 * MPY_MAX_NDIM], step[2 * MPY_MAX_NDIM];
    size_t n = mlx_array_ndim(*out);
    for (size_t i = 0; i < n; i++) {
        stop[i] = (int)i == axis ? 0 : mlx_array_shape(*out)[i];
        step[i] = 1;
    }
    return mlx_slice(out, *out, start, n, stop, n, step, n, default_stream);
}

static int add_new_axes(mlx_array *out, const mpy_index *ix, const int *order, int n,
                        int block_ndim) {
    int axes[MPY_MAX_ITEMS], at = 0, none = -1;
    size_t added = 0;
    for (int i = 0; i < n; i++) {
        if (order[i] == MPY_BLOCK) {
            at += block_ndim;
            continue;
        }
        if (ix->item[order[i]].kind == MPY_NEW) {
            none = ix->item[order[i]].length ? none : at;
            axes[added++] = at;
        }
        at++;
    }
    int status = added ? mlx_expand_dims_axes(out, *out, axes, added, default_stream) : 0;
    return status || none < 0 ? status : cut_new_axis(out, none);
}

/* --- gather ----------------------------------------------------------------------------------- */

/* Where things lie after the gather: the first axis of the block, and the axis of each slice. */
typedef struct layout {
    int block, block_ndim, ndim;
    int axis[MPY_MAX_ITEMS];
} layout;

static int take_one(mlx_array *out, const mpy_index *ix, layout *l) {
    int at = 0, which = 0;
    for (int i = 0; i < ix->n; i++) {
        const mpy_item *t = &ix->item[i];
        if (t->kind == MPY_ARRAY) {
            l->block = at, which = i;
            l->block_ndim = (int)mlx_array_ndim(t->array);
            at += l->block_ndim;
        } else if (t->kind == MPY_SLICE) {
            l->axis[i] = at++;
        }
    }
    l->ndim = at;
    return mlx_take_axis(out, *out, ix->item[which].array, l->block, default_stream);
}

/* The gather leaves axes of size 1 where it read; they are dropped. */
static int take_many(mlx_array *out, const mpy_index *ix, layout *l) {
    int axes[MPY_MAX_NDIM], sizes[MPY_MAX_NDIM], gone[MPY_MAX_NDIM], at = 0, count = 0;
    mlx_array arrays[MPY_MAX_NDIM];
    *l = (layout){0};
    for (int i = 0; i < ix->n; i++)
        if (ix->item[i].kind == MPY_ARRAY && (int)mlx_array_ndim(ix->item[i].array) > l->block_ndim)
            l->block_ndim = (int)mlx_array_ndim(ix->item[i].array);
    l->ndim = l->block_ndim;
    for (int i = 0; i < ix->n; i++) {
        const mpy_item *t = &ix->item[i];
        if (t->kind == MPY_ARRAY) {
            arrays[count] = t->array, axes[count] = at, gone[count++] = l->block_ndim + at;
            sizes[at++] = 1;
        } else if (t->kind == MPY_SLICE) {
            l->axis[i] = l->ndim++;
            sizes[at++] = -1; // all that the slice left
        }
    }
    mlx_vector_array list = mlx_vector_array_new_data(arrays, (size_t)count);
    int status =
        mlx_gather(out, *out, list, axes, (size_t)count, sizes, (size_t)at, default_stream) ||
        mlx_squeeze_axes(out, *out, gone, (size_t)count, default_stream);
    mlx_vector_array_free(list);
    return status;
}

static int put_in_order(mlx_array *out, const mpy_index *ix, const layout *l, const int *order,
                        int n) {
    int axes[MPY_MAX_NDIM + MPY_MAX_ITEMS], count = 0, moved = 0;
    for (int i = 0; i < n; i++) {
        if (order[i] == MPY_BLOCK)
            for (int d = 0; d < l->block_ndim; d++)
                axes[count++] = l->block + d;
        else if (ix->item[order[i]].kind == MPY_SLICE)
            axes[count++] = l->axis[order[i]];
    }
    for (int i = 0; i < count; i++)
        moved |= axes[i] != i;
    return moved ? mlx_transpose_axes(out, *out, axes, (size_t)count, default_stream) : 0;
}

int mpy_index_get(mlx_array *out, const mpy_index *ix) {
    int order[MPY_MAX_ITEMS + 1], n = mpy_index_order(ix, order);
    layout l = {0};
    if (take_slices(out, ix))
        return -1;
    if (ix->arrays && (ix->arrays == 1 ? take_one(out, ix, &l) : take_many(out, ix, &l)))
        return -1;
    if (ix->arrays && put_in_order(out, ix, &l, order, n))
        return -1;
    return add_new_axes(out, ix, order, n, l.block_ndim);
}

PyObject *mpy_array_get(PyObject *o, PyObject *key) {
    mpy_index ix;
    mlx_array x = {NULL}, out = {NULL};
    PyObject *result = NULL;
    // reading a key other than an int may run code that gives o another value
    if (!PyLong_CheckExact(key) && mlx_array_set(&x, mpy_array_handle(o)))
        return mpy_raise();
    if (!mpy_index_read(&ix, x.ctx ? x : mpy_array_handle(o), key))
        result = mpy_array_result(mpy_index_get(&out, &ix), out);
    mpy_index_free(&ix);
    mlx_array_free(x);
    return result;
}
