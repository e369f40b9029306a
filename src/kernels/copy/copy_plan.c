/* Axes in the order in which a copy runs fastest: see k_copy.h. */
#include "kernels/copy/k_copy.h"

#define GRAIN_ELEMENTS 32768
#define FEW_ROWS       64

static int64_t magnitude(int64_t x) {
    return x < 0 ? -x : x;
}

static void swap_axes(mx_copy_plan *p, int a, int b) {
    int64_t shape = p->shape[a], out = p->out[a], in = p->in[a];
    p->shape[a] = p->shape[b], p->out[a] = p->out[b], p->in[a] = p->in[b];
    p->shape[b] = shape, p->out[b] = out, p->in[b] = in;
}

/* Axes of size 1 say nothing. False when an axis is empty. */
static bool take_axes(mx_copy_plan *p, int ndim, const int *shape, const int64_t *out,
                      const int64_t *in) {
    p->ndim = 0;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == 0)
            return false;
        if (shape[i] == 1)
            continue;
        p->shape[p->ndim] = shape[i];
        p->out[p->ndim] = out[i];
        p->in[p->ndim++] = in[i];
    }
    return true;
}

/* Output strides descending, so that writes run through memory. */
static void sort_axes(mx_copy_plan *p) {
    for (int i = 1; i < p->ndim; i++)
        for (int k = i; k > 0 && magnitude(p->out[k - 1]) < magnitude(p->out[k]); k--)
            swap_axes(p, k - 1, k);
}

/* Joins neighbours that lie evenly in both. */
static void join_axes(mx_copy_plan *p) {
    int last = 0;
    for (int i = 1; i < p->ndim; i++) {
        bool even =
            p->out[last] == p->out[i] * p->shape[i] && p->in[last] == p->in[i] * p->shape[i];
        int64_t outer = even ? p->shape[last] : 1;
        last += !even;
        p->shape[last] = p->shape[i] * outer;
        p->out[last] = p->out[i];
        p->in[last] = p->in[i];
    }
    p->ndim = last + 1;
}

static void add_axis(mx_copy_plan *p) {
    p->shape[p->ndim] = 1;
    p->out[p->ndim] = p->in[p->ndim] = 1;
    p->ndim++;
}

/* Where reads do not run along the last axis, the axis along which they do becomes the other
   side of the plane. */
static void pair_axes(mx_copy_plan *p) {
    int last = p->ndim - 1, best = last;
    for (int i = 0; i <= last; i++)
        if (p->in[i] && (!p->in[best] || magnitude(p->in[i]) < magnitude(p->in[best])))
            best = i;
    for (int i = best; p->in[last] && i < last - 1; i++)
        swap_axes(p, i, i + 1);
}

static int64_t count_rows(const mx_copy_plan *p) {
    int64_t rows = 1;
    for (int i = 0; i < p->ndim - 1; i++)
        rows *= p->shape[i];
    return rows;
}

void mx_copy_plan_make(mx_copy_plan *p, int ndim, const int *shape, const int64_t *out_stride,
                       const int64_t *in_stride) {
    p->rows = p->grain = 0;
    if (!take_axes(p, ndim, shape, out_stride, in_stride))
        return;
    sort_axes(p);
    if (p->ndim)
        join_axes(p);
    while (p->ndim < 2)
        add_axis(p);
    pair_axes(p);
    int last = p->ndim - 1;
    p->rows = count_rows(p);
    if (p->rows < FEW_ROWS && p->shape[last] > p->shape[last - 1]) { // more to share among threads
        swap_axes(p, last, last - 1);
        p->rows = count_rows(p);
    }
    p->grain = GRAIN_ELEMENTS / p->shape[last] + 1;
}
