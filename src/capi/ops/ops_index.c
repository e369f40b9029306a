/* The C API: reading and writing through indices. */
#include "capi/ops/op_call.h"

/* Index arrays of a vector handle, one for each of the axes. */
static mx_array *const *indices_of(mlx_vector_array v, const int *axes, size_t axes_num, int *n) {
    mx_array *const *idx = capi_arrays(v, n);
    capi_count(axes, axes_num);
    if (*n != 0 && idx && (size_t)*n != axes_num)
        return mx_fail(MX_INVALID, "[gather, scatter] %d index arrays for %zu axes.", *n, axes_num);
    return mx_failed() ? NULL : idx;
}

int mlx_take(mlx_array *res, const mlx_array a, const mlx_array indices, const mlx_stream s) {
    return capi_binary(res, mx_take_flat, a, indices, s);
}
int mlx_take_axis(mlx_array *res, const mlx_array a, const mlx_array indices, int axis,
                  const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_take(capi_in(a), capi_in(indices), axis));
}
int mlx_take_along_axis(mlx_array *res, const mlx_array a, const mlx_array indices, int axis,
                        const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_take_along_axis(capi_in(a), capi_in(indices), axis));
}
int mlx_put_along_axis(mlx_array *res, const mlx_array a, const mlx_array indices,
                       const mlx_array values, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *i = capi_in(indices), *v = capi_in(values);
    return capi_end(&c, res, mx_scatter_axis(MX_SCATTER_NONE, x, i, v, axis));
}
int mlx_scatter_add_axis(mlx_array *res, const mlx_array a, const mlx_array indices,
                         const mlx_array values, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *i = capi_in(indices), *v = capi_in(values);
    return capi_end(&c, res, mx_scatter_axis(MX_SCATTER_SUM, x, i, v, axis));
}
int mlx_masked_scatter(mlx_array *res, const mlx_array a, const mlx_array mask, const mlx_array src,
                       const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *m = capi_in(mask), *v = capi_in(src);
    return capi_end(&c, res, mx_masked_scatter(x, m, v));
}

/* --- gather ----------------------------------------------------------------------- */

static mx_array *gather(mx_array *a, mx_array *const *idx, int n, const int *axes, const int *sizes,
                        size_t sizes_num) {
    if (!a || (n && !idx))
        return NULL;
    if (capi_count(sizes, sizes_num) != a->ndim)
        return mx_fail(MX_INVALID,
                       "[gather] Got slice_sizes with size %zu for array with %d dimensions.",
                       sizes_num, a->ndim);
    return mx_gather(a, idx, axes, n, sizes);
}
int mlx_gather(mlx_array *res, const mlx_array a, const mlx_vector_array indices, const int *axes,
               size_t axes_num, const int *slice_sizes, size_t slice_sizes_num,
               const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *idx = indices_of(indices, axes, axes_num, &n);
    mx_array *r =
        idx || !mx_failed() ? gather(capi_in(a), idx, n, axes, slice_sizes, slice_sizes_num) : NULL;
    return capi_end(&c, res, r);
}
int mlx_gather_single(mlx_array *res, const mlx_array a, const mlx_array indices, int axis,
                      const int *slice_sizes, size_t slice_sizes_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *i = capi_in(indices);
    return capi_end(&c, res, i ? gather(x, &i, 1, &axis, slice_sizes, slice_sizes_num) : NULL);
}

/* --- scatter ---------------------------------------------------------------------- */

static int scatter(mlx_array *res, mx_scatter_op op, mlx_array a, mlx_vector_array indices,
                   mlx_array updates, const int *axes, size_t axes_num, mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *x = capi_in(a), *u = capi_in(updates);
    mx_array *const *idx = indices_of(indices, axes, axes_num, &n);
    return capi_end(&c, res, idx || !mx_failed() ? mx_scatter(op, x, idx, u, axes, n) : NULL);
}
static int scatter_single(mlx_array *res, mx_scatter_op op, mlx_array a, mlx_array indices,
                          mlx_array updates, int axis, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *i = capi_in(indices), *u = capi_in(updates);
    return capi_end(&c, res, i ? mx_scatter(op, x, &i, u, &axis, 1) : NULL);
}

int mlx_scatter(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                const mlx_array updates, const int *axes, size_t axes_num, const mlx_stream s) {
    return scatter(res, MX_SCATTER_NONE, a, indices, updates, axes, axes_num, s);
}
int mlx_scatter_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                       const mlx_array updates, int axis, const mlx_stream s) {
    return scatter_single(res, MX_SCATTER_NONE, a, indices, updates, axis, s);
}
int mlx_scatter_add(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                    const mlx_array updates, const int *axes, size_t axes_num, const mlx_stream s) {
    return scatter(res, MX_SCATTER_SUM, a, indices, updates, axes, axes_num, s);
}
int mlx_scatter_add_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                           const mlx_array updates, int axis, const mlx_stream s) {
    return scatter_single(res, MX_SCATTER_SUM, a, indices, updates, axis, s);
}
int mlx_scatter_prod(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                     const mlx_array updates, const int *axes, size_t axes_num,
                     const mlx_stream s) {
    return scatter(res, MX_SCATTER_PROD, a, indices, updates, axes, axes_num, s);
}
int mlx_scatter_prod_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                            const mlx_array updates, int axis, const mlx_stream s) {
    return scatter_single(res, MX_SCATTER_PROD, a, indices, updates, axis, s);
}
int mlx_scatter_max(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                    const mlx_array updates, const int *axes, size_t axes_num, const mlx_stream s) {
    return scatter(res, MX_SCATTER_MAX, a, indices, updates, axes, axes_num, s);
}
int mlx_scatter_max_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                           const mlx_array updates, int axis, const mlx_stream s) {
    return scatter_single(res, MX_SCATTER_MAX, a, indices, updates, axis, s);
}
int mlx_scatter_min(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                    const mlx_array updates, const int *axes, size_t axes_num, const mlx_stream s) {
    return scatter(res, MX_SCATTER_MIN, a, indices, updates, axes, axes_num, s);
}
int mlx_scatter_min_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                           const mlx_array updates, int axis, const mlx_stream s) {
    return scatter_single(res, MX_SCATTER_MIN, a, indices, updates, axis, s);
}
