/* Operations over the processes of a group. Groups are of one process (distributed_group.c):
 * what is gathered or summed over it is the array itself, and there is nobody to send to. */
#include "capi/capi.h"

static int itself(mlx_array *res, mlx_array x, mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, capi_in(x));
}

int mlx_distributed_all_gather(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                               const mlx_stream S) {
    (void)group;
    return itself(res, x, S);
}

int mlx_distributed_all_sum(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                            const mlx_stream s) {
    (void)group;
    return itself(res, x, s);
}

int mlx_distributed_all_max(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                            const mlx_stream s) {
    (void)group;
    return itself(res, x, s);
}

int mlx_distributed_all_min(mlx_array *res, const mlx_array x, const mlx_distributed_group group,
                            const mlx_stream s) {
    (void)group;
    return itself(res, x, s);
}

int mlx_distributed_sum_scatter(mlx_array *res, const mlx_array x,
                                const mlx_distributed_group group, const mlx_stream s) {
    (void)group;
    return itself(res, x, s);
}

static mx_array *alone(const char *op, const char *what, int other) {
    return mx_fail(MX_INVALID, "[%s] Cannot %s a singleton group (process %d was asked for)", op,
                   what, other);
}

int mlx_distributed_send(mlx_array *res, const mlx_array x, int dst,
                         const mlx_distributed_group group, const mlx_stream s) {
    capi_call c = capi_begin(s);
    (void)group;
    return capi_end(&c, res, capi_in(x) ? alone("send", "send to", dst) : NULL);
}

int mlx_distributed_recv(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                         int src, const mlx_distributed_group group, const mlx_stream s) {
    capi_call c = capi_begin(s);
    (void)group;
    bool ok = capi_dtype(dtype) != MX_DTYPE_COUNT;
    if (ok && shape_num && !shape)
        ok = mx_fail(MX_INVALID, "[recv] the shape is NULL");
    return capi_end(&c, res, ok ? alone("recv", "recv from", src) : NULL);
}

int mlx_distributed_recv_like(mlx_array *res, const mlx_array x, int src,
                              const mlx_distributed_group group, const mlx_stream s) {
    capi_call c = capi_begin(s);
    (void)group;
    return capi_end(&c, res, capi_in(x) ? alone("recv", "recv from", src) : NULL);
}
