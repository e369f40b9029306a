/* The table of backends. */
#include "graph/eval/backend.h"

#include "base/status.h"

const mx_backend *mx_backend_of(mx_device d) {
    if (mx_device_available(d))
        return &mx_cpu_backend;
    return mx_fail(MX_DEVICE, "[eval] no backend for device %s", d.type == MX_GPU ? "gpu" : "cpu");
}
