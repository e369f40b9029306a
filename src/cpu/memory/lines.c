/* See lines.h. */
#include "cpu/memory/lines.h"

/* The axis goes to the end; the others are joined where they lie evenly. */
static void axis_last(cpu_layout *at, const int *shape, const int64_t *strides, int ndim,
                      int axis) {
    int others[MX_MAX_NDIM], k = 0;
    int64_t moved[MX_MAX_NDIM];
    const int64_t *const all[1] = {moved};
    for (int i = 0; i < ndim; i++)
        if (i != axis) {
            others[k] = shape[i];
            moved[k++] = strides[i];
        }
    cpu_layout_collapse(at, others, k, 1, all);
    at->shape[at->ndim] = shape[axis];
    at->stride[0][at->ndim++] = strides[axis];
}

void cpu_lines_of(cpu_lines *l, const int *shape, const int64_t *strides, int ndim, int axis) {
    axis_last(&l->at, shape, strides, ndim, axis);
    int last = l->at.ndim - 1;
    l->n = shape[axis];
    l->count = 1;
    for (int i = 0; i < last; i++)
        l->count *= l->at.shape[i];
    l->run = last ? l->at.shape[last - 1] : 1;
    l->stride = last ? l->at.stride[0][last - 1] : l->n;
    l->even = last <= 1 && (l->at.stride[0][last] == 1 || l->n == 1);
}

/* Where line i begins. */
static int64_t start_of(const cpu_lines *l, int64_t i) {
    int64_t at = 0;
    for (int k = l->at.ndim - 2; k >= 0; k--) {
        at += i % l->at.shape[k] * l->at.stride[0][k];
        i /= l->at.shape[k];
    }
    return at;
}

void cpu_lines_write(const cpu_lines *l, void *data, const void *from, size_t item, int64_t i,
                     int64_t count) {
    int64_t shape[2] = {count, l->n}, in[2] = {l->n, 1};
    int64_t out[2] = {l->stride, l->at.stride[0][l->at.ndim - 1]};
    char *to = (char *)data + start_of(l, i) * (int64_t)item;
    mx_kernels_get()->copy->rows[item](to, out, from, in, 2, shape, 0, count);
}
