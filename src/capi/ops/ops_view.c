/* The C API: views and shapes. */
#include "capi/ops/op_call.h"

int mlx_broadcast_to(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_broadcast_to(capi_says(capi_in(a)), capi_list(shape),
                                    capi_count(shape, shape_num)));
}
int mlx_reshape(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(
        &c, res, mx_reshape(capi_says(capi_in(a)), capi_list(shape), capi_count(shape, shape_num)));
}
int mlx_flatten(mlx_array *res, const mlx_array a, int start_axis, int end_axis,
                const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_flatten(capi_in(a), start_axis, end_axis));
}
int mlx_unflatten(mlx_array *res, const mlx_array a, int axis, const int *shape, size_t shape_num,
                  const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_unflatten(capi_in(a), axis, shape, capi_count(shape, shape_num)));
}

UNARY(transpose)

int mlx_transpose_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                       const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_transpose_axes(capi_in(a), capi_list(axes), capi_count(axes, axes_num)));
}
int mlx_swapaxes(mlx_array *res, const mlx_array a, int axis1, int axis2, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_swapaxes(capi_in(a), axis1, axis2));
}
int mlx_moveaxis(mlx_array *res, const mlx_array a, int source, int destination,
                 const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_moveaxis(capi_in(a), source, destination));
}
int mlx_expand_dims(mlx_array *res, const mlx_array a, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_expand_dim(capi_in(a), axis));
}
int mlx_expand_dims_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                         const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_expand_dims(capi_in(a), capi_list(axes), capi_count(axes, axes_num)));
}
int mlx_squeeze(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_squeeze(capi_in(a), NULL, 0));
}
int mlx_squeeze_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_squeeze_axis(capi_in(a), axis));
}
int mlx_squeeze_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_squeeze(capi_in(a), capi_list(axes), capi_count(axes, axes_num)));
}
int mlx_atleast_1d(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_atleast(capi_in(a), 1));
}
int mlx_atleast_2d(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_atleast(capi_in(a), 2));
}
int mlx_atleast_3d(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_atleast(capi_in(a), 3));
}
int mlx_contiguous(mlx_array *res, const mlx_array a, bool allow_col_major, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_contiguous(capi_in(a), allow_col_major));
}
int mlx_as_strided(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                   const int64_t *strides, size_t strides_num, size_t offset, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = capi_count(shape, shape_num);
    if (n != capi_count(strides, strides_num))
        mx_fail(MX_INVALID, "[as_strided] %zu sizes and %zu strides given", shape_num, strides_num);
    if ((uint64_t)offset > INT64_MAX)
        mx_fail(MX_RANGE, "[as_strided] offset %zu", offset);
    return capi_end(&c, res,
                    mx_failed()
                        ? NULL
                        : mx_as_strided_any(capi_in(a), shape, strides, n, (int64_t)offset));
}

/* --- slices: a list for every axis ------------------------------------------------ */

static bool one_each(const mx_array *a, const int *list, size_t n) {
    if (a && n != (size_t)a->ndim)
        mx_fail(MX_INVALID,
                "[slice] Invalid number of indices or strides for array with dimension %d.",
                a->ndim);
    capi_count(list, n);
    return !mx_failed();
}

int mlx_slice(mlx_array *res, const mlx_array a, const int *start, size_t start_num,
              const int *stop, size_t stop_num, const int *strides, size_t strides_num,
              const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_says(capi_in(a));
    bool ok = one_each(x, start, start_num) && one_each(x, stop, stop_num) &&
              one_each(x, strides, strides_num);
    return capi_end(&c, res, ok ? mx_slice_asked(x, start, stop, strides) : NULL);
}

static mx_array *updated(mx_scatter_op op, mlx_array src, mlx_array value, const int *start,
                         size_t n_start, const int *stop, size_t n_stop, const int *step,
                         size_t n_step) {
    mx_array *a = capi_in(src), *u = capi_says(capi_in(value));
    bool ok = one_each(a, start, n_start) && one_each(a, stop, n_stop) && one_each(a, step, n_step);
    return ok ? mx_slice_update(op, a, u, start, stop, step) : NULL;
}

int mlx_slice_update(mlx_array *res, const mlx_array src, const mlx_array value, const int *start,
                     size_t start_num, const int *stop, size_t stop_num, const int *strides,
                     size_t strides_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    updated(MX_SCATTER_NONE, src, value, start, start_num, stop, stop_num, strides,
                            strides_num));
}
int mlx_slice_update_add(mlx_array *res, const mlx_array src, const mlx_array value,
                         const int *start, size_t start_num, const int *stop, size_t stop_num,
                         const int *strides, size_t strides_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    updated(MX_SCATTER_SUM, src, value, start, start_num, stop, stop_num, strides,
                            strides_num));
}
int mlx_slice_update_prod(mlx_array *res, const mlx_array src, const mlx_array value,
                          const int *start, size_t start_num, const int *stop, size_t stop_num,
                          const int *strides, size_t strides_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    updated(MX_SCATTER_PROD, src, value, start, start_num, stop, stop_num, strides,
                            strides_num));
}
int mlx_slice_update_max(mlx_array *res, const mlx_array src, const mlx_array value,
                         const int *start, size_t start_num, const int *stop, size_t stop_num,
                         const int *strides, size_t strides_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    updated(MX_SCATTER_MAX, src, value, start, start_num, stop, stop_num, strides,
                            strides_num));
}
int mlx_slice_update_min(mlx_array *res, const mlx_array src, const mlx_array value,
                         const int *start, size_t start_num, const int *stop, size_t stop_num,
                         const int *strides, size_t strides_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    updated(MX_SCATTER_MIN, src, value, start, start_num, stop, stop_num, strides,
                            strides_num));
}
int mlx_slice_dynamic(mlx_array *res, const mlx_array a, const mlx_array start, const int *axes,
                      size_t axes_num, const int *slice_size, size_t slice_size_num,
                      const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *at = capi_in(start);
    bool ok = one_each(x, slice_size, slice_size_num);
    int n = capi_count(axes, axes_num);
    return capi_end(&c, res, ok ? mx_dynamic_slice(x, at, axes, n, slice_size) : NULL);
}
int mlx_slice_update_dynamic(mlx_array *res, const mlx_array src, const mlx_array update,
                             const mlx_array start, const int *axes, size_t axes_num,
                             const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(src), *u = capi_in(update), *at = capi_in(start);
    return capi_end(&c, res, mx_dynamic_slice_update(x, u, at, axes, capi_count(axes, axes_num)));
}

/* --- several arrays --------------------------------------------------------------- */

int mlx_broadcast_arrays(mlx_vector_array *res, const mlx_vector_array inputs, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *a = capi_arrays(inputs, &n);
    mx_array **out = a ? capi_room(&c, (size_t)n + 1, sizeof *out) : NULL;
    return capi_end_vector(&c, res, out && mx_broadcast_arrays(a, n, out), out, (size_t)n);
}
int mlx_depends(mlx_vector_array *res, const mlx_vector_array inputs,
                const mlx_vector_array dependencies) {
    capi_call c = capi_begin_default();
    int n = 0, m = 0;
    mx_array *const *a = capi_arrays(inputs, &n), *const *b = capi_arrays(dependencies, &m);
    mx_array **out = a && b ? capi_room(&c, (size_t)n + 1, sizeof *out) : NULL;
    return capi_end_vector(&c, res, out && mx_depends(a, n, b, m, out), out, (size_t)n);
}
