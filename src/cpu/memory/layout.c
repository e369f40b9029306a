/* See layout.h. */
#include "cpu/memory/layout.h"

static bool joins(const cpu_layout *l, int n, int64_t size, const int64_t *stride) {
    int last = l->ndim - 1;
    for (int k = 0; k < n && last >= 0; k++)
        if (l->stride[k][last] != stride[k] * size)
            return false;
    return last >= 0;
}

void cpu_layout_collapse(cpu_layout *l, const int *shape, int ndim, int n,
                         const int64_t *const *strides) {
    l->ndim = 0;
    for (int i = 0; i < ndim; i++) {
        int64_t stride[CPU_MAX_OPERANDS];
        if (shape[i] == 1)
            continue;
        for (int k = 0; k < n; k++)
            stride[k] = strides[k][i];
        if (joins(l, n, shape[i], stride))
            l->shape[l->ndim - 1] *= shape[i];
        else
            l->shape[l->ndim++] = shape[i];
        for (int k = 0; k < n; k++)
            l->stride[k][l->ndim - 1] = stride[k];
    }
}

void cpu_broadcast_strides(const mx_array *a, const int *shape, int ndim, int64_t *strides) {
    int missing = ndim - a->ndim;
    for (int i = 0; i < ndim; i++) {
        bool same = i >= missing && a->shape[i - missing] == shape[i];
        strides[i] = same && shape[i] != 1 ? a->strides[i - missing] : 0;
    }
}
