/* The C API: order along an axis. Without an axis: of all elements, flat. */
#include "capi/ops/op_call.h"
#include "mlx/c/ops_more.h"

static mx_array *flat(mlx_array a) {
    return mx_flatten(capi_in(a), 0, -1);
}

int mlx_sort(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_sort(flat(a), 0));
}
int mlx_sort_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_sort(capi_in(a), axis));
}
int mlx_argsort(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_argsort(flat(a), 0));
}
int mlx_argsort_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_argsort(capi_in(a), axis));
}
int mlx_partition(mlx_array *res, const mlx_array a, int kth, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_partition(flat(a), kth, 0));
}
int mlx_partition_axis(mlx_array *res, const mlx_array a, int kth, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_partition(capi_in(a), kth, axis));
}
int mlx_argpartition(mlx_array *res, const mlx_array a, int kth, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_argpartition(flat(a), kth, 0));
}
int mlx_argpartition_axis(mlx_array *res, const mlx_array a, int kth, int axis,
                          const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_argpartition(capi_in(a), kth, axis));
}
int mlx_topk(mlx_array *res, const mlx_array a, int k, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_topk(flat(a), k, 0));
}
int mlx_topk_axis(mlx_array *res, const mlx_array a, int k, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_topk(capi_in(a), k, axis));
}
int mlx_median(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, bool keepdims,
               const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r = mx_median(capi_in(a), capi_list(axes), capi_count(axes, axes_num), keepdims);
    return capi_end(&c, res, r);
}
int mlx_searchsorted(mlx_array *res, const mlx_array sorted, const mlx_array values, bool right,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(sorted), *v = capi_in(values);
    return capi_end(&c, res, mx_searchsorted(x, v, right));
}
int mlx_diff(mlx_array *res, const mlx_array a, int n, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_diff(capi_in(a), n, axis));
}
