/* Operations over the processes of a group. Groups are of one process (distributed_group.c):
 * what is gathered or summed over it is the array itself, and there is nobody to send to. */
#include "capi/capi.h"

static bool is_group(mlx_distributed_group g) {
    return capi_empty_or_object(g.ctx, "distributed_group");
}

static int itself(mlx_array *res, mlx_array x, mlx_distributed_group group, mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, is_group(group) ? capi_in(x) : NULL);
}

int mlx_distributed_all_gather(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                               const mlx_stream S) {
    return itself(res, x, group, S);
}

int mlx_distributed_all_sum(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                            const mlx_stream s) {
    return itself(res, x, group, s);
}

int mlx_distributed_all_max(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                            const mlx_stream s) {
    return itself(res, x, group, s);
}

int mlx_distributed_all_min(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                            const mlx_stream s) {
    return itself(res, x, group, s);
}

int mlx_distributed_sum_scatter(mlx_array *res, const mlx_array x,
                                const mlx_distributed_group group, const mlx_stream s) {
    return itself(res, x, group, s);
}

static mx_array *alone(const char *op, const char *what, int other) {
    return mx_fail(MX_INVALID, "[%s] Cannot %s a singleton group (process %d was asked for)", op,
                   what, other);
}

int mlx_distributed_send(mlx_array *res, const mlx_array x, int dst,
                         const mlx_distributed_group group, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, is_group(group) && capi_in(x) ? alone("send", "send to", dst) : NULL);
}

int mlx_distributed_recv(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                         int src, const mlx_distributed_group group, const mlx_stream s) {
    capi_call c = capi_begin(s);
    capi_count(shape, shape_num);
    bool ok = is_group(group) && capi_dtype(dtype) != MX_DTYPE_COUNT;
    return capi_end(&c, res, ok && !mx_failed() ? alone("recv", "recv from", src) : NULL);
}

int mlx_distributed_recv_like(mlx_array *res, const mlx_array x, int src,
                              const mlx_distributed_group group, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    is_group(group) && capi_in(x) ? alone("recv", "recv from", src) : NULL);
}
