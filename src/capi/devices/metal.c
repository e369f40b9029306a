/* metal.h: there is no Metal here, and so nothing to capture. */
#include "capi/capi.h"

int mlx_metal_is_available(bool *res) {
    mx_error_clear();
    if (res)
        *res = false;
    return capi_done(res || mx_fail(MX_INVALID, "[metal_is_available] the result is NULL"));
}

int mlx_metal_start_capture(const char *path) {
    mx_error_clear();
    return capi_done(path || mx_fail(MX_INVALID, "[metal_start_capture] the path is NULL"));
}

int mlx_metal_stop_capture(void) {
    mx_error_clear();
    return capi_done(true);
}
