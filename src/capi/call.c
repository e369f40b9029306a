/* The frame of every public function: see capi.h. */
#include "base/mem.h"
#include "capi/capi.h"

capi_call capi_begin(mlx_stream s) {
    mx_stream on;
    mx_error_clear();
    return (capi_call){capi_stream(s, &on) ? mx_scope_open_on(on) : mx_scope_open(), true};
}

capi_call capi_begin_default(void) {
    mx_error_clear();
    return (capi_call){mx_scope_open(), true};
}

int capi_end_ok(capi_call *c, bool ok) {
    mx_scope_close(c->scope);
    if (ok && !mx_failed())
        return 0;
    if (!mx_failed())
        mx_fail(MX_INTERNAL, "[mlx] a call failed without saying why");
    return capi_report();
}

int capi_end(capi_call *c, mlx_array *res, mx_array *result) {
    return capi_end_ok(c, result && !mx_failed() && capi_put(res, result));
}

int capi_end2(capi_call *c, mlx_array *res0, mlx_array *res1, bool ok, mx_array *const *result) {
    ok = ok && !mx_failed();
    return capi_end_ok(c, ok && capi_put(res0, result[0]) && capi_put(res1, result[1]));
}

mx_array *capi_in(mlx_array a) {
    if (!a.ctx)
        return mx_fail(MX_INVALID, "[array] an empty array handle was given");
    return *(mx_array **)a.ctx;
}

mlx_array capi_new(mx_array *a) {
    mx_array **box = a ? mx_malloc(sizeof *box) : NULL;
    if (box)
        *box = mx_array_retain(a);
    return (mlx_array){box};
}

bool capi_put(mlx_array *res, mx_array *a) {
    if (!res)
        return mx_fail(MX_INVALID, "[array] the result handle is NULL");
    if (!res->ctx) {
        *res = capi_new(a);
        return res->ctx != NULL;
    }
    mx_array **box = res->ctx, *old = *box;
    *box = mx_array_retain(a);
    mx_array_release(old);
    return true;
}

mx_dtype capi_dtype(mlx_dtype t) {
    if (mx_dtype_valid((mx_dtype)t))
        return (mx_dtype)t;
    mx_fail(MX_INVALID, "[dtype] %d is not a dtype", (int)t);
    return MX_DTYPE_COUNT;
}
