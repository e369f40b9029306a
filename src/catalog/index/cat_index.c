/* Elements picked and put by indices. */
#include "capi/capi.h"
#include "catalog/cat.h"

/* a, indices, axis, stream */
static int call_take(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) || cat_array(&args[1]))
        return 1;
    return cat_is_none(&args[2]) ? mlx_take(OUT, ARRAY(0), ARRAY(1), ON(3))
                                 : mlx_take_axis(OUT, ARRAY(0), ARRAY(1), INT(2), ON(3));
}

/* a, indices, axis, stream */
static int call_take_along_axis(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if ((cat_is_none(&args[2]) ? cat_flatten(&args[0], ON(3)) : cat_array(&args[0])) ||
        cat_array(&args[1]))
        return 1;
    return mlx_take_along_axis(OUT, ARRAY(0), ARRAY(1), cat_int_or(&args[2], 0), ON(3));
}

static int put_flat(mlx_array *out, mlx_array a, mlx_array indices, mlx_array values,
                    mlx_stream s) {
    mlx_array flat = mlx_array_new(), put = mlx_array_new();
    if (mlx_array_ndim(a) != 1)
        capi_pins(a, "Reshape");
    int status = mlx_flatten(&flat, a, 0, -1, s) ||
                 mlx_put_along_axis(&put, flat, indices, values, 0, s) ||
                 mlx_reshape(out, put, mlx_array_shape(a), mlx_array_ndim(a), s);
    mlx_array_free(flat);
    mlx_array_free(put);
    return status;
}

/* a, indices, values, axis, stream */
static int call_put_along_axis(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) || cat_array(&args[1]) || cat_pair(&args[0], &args[2]))
        return 1;
    return cat_is_none(&args[3])
               ? put_flat(OUT, ARRAY(0), ARRAY(1), ARRAY(2), ON(4))
               : mlx_put_along_axis(OUT, ARRAY(0), ARRAY(1), ARRAY(2), INT(3), ON(4));
}

/* a, start_indices, axes, slice_size, stream */
static int call_slice(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_slice_dynamic(OUT, ARRAY(0), ARRAY(1), args[2].as.ints, (size_t)args[2].count,
                             args[3].as.ints, (size_t)args[3].count, ON(4));
}

/* a, update, start_indices, axes, stream */
static int call_slice_update(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_pair(&args[0], &args[1]) || cat_array(&args[2]) ||
           mlx_slice_update_dynamic(OUT, ARRAY(0), ARRAY(1), ARRAY(2), args[3].as.ints,
                                    (size_t)args[3].count, ON(4));
}

const mlx_operation cat_index_rows[] = {
    {CORE, "take(a: array, /, indices: int | array, axis: int | None = None, *, " STREAM,
     "The slabs at indices along an axis, or the elements of the flattened array. The axes of "
     "indices take the place "
     "of the axis.",
     call_take},
    {CORE, "take_along_axis(a: array, /, indices: array, axis: int | None = -1, *, " STREAM,
     "The elements at indices along an axis, where indices has the other axes of a; if axis is "
     "None a is flattened.",
     call_take_along_axis},
    {CORE,
     "put_along_axis(a: array, /, indices: array, values: array, axis: int | None = None, *, " STREAM,
     "A copy of a with values at indices along an axis, where indices has the other axes of a; "
     "without an axis they "
     "count in the flattened array.",
     call_put_along_axis},
    {CORE,
     "slice(a: array, start_indices: array, axes: Sequence[int], slice_size: Sequence[int], *, " STREAM,
     "A part of slice_size that starts at start_indices along axes, which is an array and need "
     "not be known before.",
     call_slice},
    {CORE,
     "slice_update(a: array, update: array, start_indices: array, axes: Sequence[int], *, " STREAM,
     "A copy of a with a part replaced by update, which starts at start_indices along axes.",
     call_slice_update},
    {NULL},
};
