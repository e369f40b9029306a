/* Diagonals: diagonal, diag, trace. */
#include "base/status.h"
#include "ops/rules.h"

static int axis_of(const char *which, int axis, int ndim) {
    if (axis >= -ndim && axis < ndim)
        return axis < 0 ? axis + ndim : axis;
    mx_fail(MX_RANGE, "[diagonal] Invalid %s %d for array with %d dimensions.", which, axis, ndim);
    return -1;
}

/* Where the diagonal of an (m, n) matrix starts and how long it is. */
typedef struct diagonal {
    int row, column, length;
} diagonal;

static diagonal find(int m, int n, int offset) {
    int row = offset < 0 ? (offset < -m ? m : -offset) : 0,
        column = offset > 0 ? (offset > n ? n : offset) : 0;
    int length = m - row < n - column ? m - row : n - column;
    return (diagonal){row, column, length};
}

/* (..., m, n) -> (..., length): of the m n elements in a row every (n + 1)th is on the
   diagonal. */
static mx_array *every_step(mx_array *a, int m, int n, diagonal d) {
    int shape[MX_MAX_NDIM], start[MX_MAX_NDIM] = {0}, step[MX_MAX_NDIM], axis = a->ndim - 2;
    for (int i = 0; i < axis; i++) {
        shape[i] = a->shape[i];
        step[i] = 1;
    }
    shape[axis] = m * n;
    a = mx_reshape(a, shape, axis + 1);
    start[axis] = d.length ? d.row * n + d.column : 0;
    shape[axis] = d.length ? start[axis] + (d.length - 1) * (n + 1) + 1 : 0;
    step[axis] = n + 1;
    return mx_slice(a, start, shape, step);
}

/* The same where m n is more than an axis can have. */
static mx_array *gathered(mx_array *a, diagonal d) {
    int size[MX_MAX_NDIM], axes[2] = {a->ndim - 2, a->ndim - 1};
    for (int i = 0; i < a->ndim; i++)
        size[i] = i < axes[0] ? a->shape[i] : 1;
    mx_array *index[2] = {mx_arange(d.row, d.row + d.length, 1, MX_INT32),
                          mx_arange(d.column, d.column + d.length, 1, MX_INT32)};
    mx_array *y = mx_gather(a, index, axes, 2, size);
    return mx_moveaxis(mx_squeeze(y, (int[]){-2, -1}, 2), 0, -1);
}

mx_array *mx_diagonal(mx_array *a, int offset, int axis1, int axis2) {
    int order[MX_MAX_NDIM], n = 0;
    if (!a)
        return NULL;
    if (a->ndim < 2)
        return mx_fail(MX_INVALID,
                       "[diagonal] Array must have at least two dimensions, but got %d dimensions.",
                       a->ndim);
    if ((axis1 = axis_of("axis1", axis1, a->ndim)) < 0 ||
        (axis2 = axis_of("axis2", axis2, a->ndim)) < 0)
        return NULL;
    if (axis1 == axis2)
        return mx_fail(MX_INVALID, "[diagonal] axis1 and axis2 cannot be the same axis");
    for (int i = 0; i < a->ndim; i++)
        if (i != axis1 && i != axis2)
            order[n++] = i;
    order[n++] = axis1;
    order[n++] = axis2;
    a = mx_transpose_axes(a, order, n);
    if (!a)
        return NULL;
    int rows = a->shape[n - 2], columns = a->shape[n - 1];
    diagonal d = find(rows, columns, offset);
    return (int64_t)rows * columns < INT32_MAX ? every_step(a, rows, columns, d) : gathered(a, d);
}

/* A square matrix with a (n) on diagonal k, zeros elsewhere: in a row, every (n + 1)th is of a. */
static mx_array *written(mx_array *a, int n, int k) {
    int all = n * n, start = k < 0 ? -k * n : k, step = n + 1;
    int stop = a->size ? start + (a->shape[0] - 1) * step + 1 : start;
    mx_array *zeros = mx_zeros(&all, 1, mx_dtype_of(a));
    zeros = mx_slice_update(MX_SCATTER_NONE, zeros, a, &start, &stop, &step);
    return mx_reshape(zeros, (int[]){n, n}, 2);
}

/* The same of any size: row i shows a[i] if k >= 0, else column j a[j]. */
static mx_array *chosen(mx_array *a, int n, int k) {
    int axis = 0, low = 0, high = n - a->shape[0];
    mx_array *row = mx_pad(a, &axis, 1, &low, &high, NULL, "constant");
    return mx_where(mx_eye(n, n, k, MX_BOOL), k >= 0 ? mx_expand_dim(row, 1) : row,
                    mx_zero_like(a));
}

static mx_array *matrix_of(mx_array *a, int k) {
    int64_t n = (int64_t)a->shape[0] + (k < 0 ? -(int64_t)k : k);
    if (!mx_axis_fits("diag", n))
        return NULL;
    return (n * n < INT32_MAX ? written : chosen)(a, (int)n, k);
}

mx_array *mx_diag(mx_array *a, int k) {
    if (!a)
        return NULL;
    if (a->ndim == 1)
        return matrix_of(a, k);
    if (a->ndim == 2)
        return mx_diagonal(a, k, 0, 1);
    return mx_fail(MX_INVALID, "[diag] array must be 1-D or 2-D, got array with %d dimensions.",
                   a->ndim);
}

mx_array *mx_trace(mx_array *a, int offset, int axis1, int axis2, mx_dtype t) {
    mx_array *d = mx_diagonal(a, offset, axis1, axis2);
    return d ? mx_sum_axis(mx_astype(d, t), -1, false) : NULL;
}
