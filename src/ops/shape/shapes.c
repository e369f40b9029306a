/* Shapes and axes: the checks that operations share. */
#include <string.h>

#include "base/status.h"
#include "ops/rules.h"

enum { TEXT = 256 };

static bool refuse_broadcast(const char *op, const int *a, int na, const int *b, int nb) {
    char ta[TEXT], tb[TEXT];
    mx_fail(MX_INVALID, "[%s] Shapes %s and %s cannot be broadcast.", op,
            mx_shape_text(ta, TEXT, a, na), mx_shape_text(tb, TEXT, b, nb));
    return false;
}

bool mx_broadcast_shapes(const char *op, const int *a, int na, const int *b, int nb,
                         mx_shape *out) {
    mx_shape r;
    r.ndim = na > nb ? na : nb;
    if (r.ndim > MX_MAX_NDIM) // a shape may be a user's, and no array's yet
        return mx_fail(MX_INVALID, "[%s] %d dimensions given, at most %d are possible", op, r.ndim,
                       MX_MAX_NDIM);
    for (int i = 1; i <= r.ndim; i++) {
        int da = i <= na ? a[na - i] : 1, db = i <= nb ? b[nb - i] : 1;
        if (da != db && da != 1 && db != 1)
            return refuse_broadcast(op, a, na, b, nb);
        r.dim[r.ndim - i] = da == 1 ? db : da;
    }
    out->ndim = r.ndim;
    memcpy(out->dim, r.dim, (size_t)r.ndim * sizeof(int));
    return true;
}

bool mx_axis_fits(const char *op, int64_t n) {
    return n <= INT32_MAX ||
           mx_fail(MX_RANGE,
                   "[%s] an axis of %lld elements is too long: at most 2^31 - 1 are possible", op,
                   (long long)n);
}

int mx_axis(const char *op, int axis, int ndim) {
    if (axis < -ndim || axis >= ndim) {
        mx_fail(MX_RANGE, "[%s] Axis %d is out of bounds for array with %d dimensions.", op, axis,
                ndim);
        return -1;
    }
    return axis < 0 ? axis + ndim : axis;
}

bool mx_axes_mask(const char *op, const int *axes, int n, int ndim, bool *mask) {
    for (int i = 0; i < ndim; i++)
        mask[i] = !axes;
    for (int i = 0; axes && i < n; i++) {
        int axis = mx_axis(op, axes[i], ndim);
        if (axis < 0)
            return false;
        if (mask[axis]) {
            mx_fail(MX_INVALID, "[%s] Received duplicate axes.", op);
            return false;
        }
        mask[axis] = true;
    }
    return true;
}

int mx_axes_sorted(const char *op, const int *axes, int n, int ndim, int *out) {
    bool mask[MX_MAX_NDIM];
    int count = 0;
    if (!mx_axes_mask(op, axes, n, ndim, mask))
        return -1;
    for (int i = 0; i < ndim; i++)
        if (mask[i])
            out[count++] = i;
    return count;
}

mx_shape mx_shape_of(const mx_array *a) {
    mx_shape s;
    s.ndim = a->ndim;
    if (a->ndim)
        memcpy(s.dim, a->shape, (size_t)a->ndim * sizeof(int));
    return s;
}
