/* cuda.h: no backend of this library uses CUDA yet. */
#include "capi/capi.h"

int mlx_cuda_is_available(bool *res) {
    mx_error_clear();
    if (res)
        *res = false;
    return capi_done(res || mx_fail(MX_INVALID, "[cuda_is_available] the result is NULL"));
}
