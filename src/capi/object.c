/* What handles point to, or do not: see capi.h. */
#include "capi/capi.h"

void *capi_no_object(const char *kind, const void *ctx) {
    if (!ctx)
        return mx_fail(MX_INVALID, "[%s] an empty handle was given", kind);
    return mx_fail(MX_INVALID, "[%s] %p was given, which is not a handle", kind, ctx);
}

bool capi_frees(const void *ctx, const char *kind, int *status) {
    *status = 0;
    if (!ctx || capi_is_object(ctx))
        return ctx != NULL;
    mx_error_clear();
    capi_no_object(kind, ctx);
    *status = capi_report();
    return false;
}

void **capi_slot(void *res, const char *kind) {
    if (!capi_is_object(res))
        return mx_fail(MX_INVALID, "[%s] the result handle is NULL", kind);
    return capi_empty_or_object(*(void **)res, kind) ? res : NULL;
}
