/* See straight.h. */
#include "cpu/memory/straight.h"

#include "cpu/memory/cpu_copy.h"
#include "cpu/memory/layout.h"

enum {
#ifdef MX_TORTURE
    STEEP = 3
#else
    STEEP = 16 /* a stride from which neighbours lie in other cache lines */
#endif
};

static bool is_short(int64_t stride) {
    return stride && stride < STEEP && stride > -STEEP;
}

bool cpu_is_steep(const mx_array *a, const int *shape, int ndim, int64_t apart) {
    int64_t strides[MX_MAX_NDIM];
    const int64_t *all[1] = {strides};
    cpu_layout l;
    if (a->row_contiguous || a->size == 1)
        return false;
    cpu_broadcast_strides(a, shape, ndim, strides);
    cpu_layout_collapse(&l, shape, ndim, 1, all);
    int64_t later = 1;
    for (int i = l.ndim - 1; i >= 0; later *= l.shape[i--])
        if (is_short(l.stride[0][i]))
            return i < l.ndim - 1 && l.stride[0][l.ndim - 1] && later >= apart;
    return false;
}

bool cpu_has_gaps(const mx_array *a) {
    bool unit = a->size <= 1;
    for (int i = 0; i < a->ndim; i++)
        unit |= a->shape[i] != 1 && a->strides[i] == 1;
    return !unit;
}

/* The strides of a copy without what is repeated, and its shape; how many elements it has. */
static int64_t lay_out(const mx_array *a, int64_t *strides, int *shape) {
    int64_t n = 1;
    for (int i = a->ndim - 1; i >= 0; i--) {
        shape[i] = a->strides[i] ? a->shape[i] : 1;
        strides[i] = a->strides[i] ? n : 0;
        n *= shape[i];
    }
    return n;
}

bool cpu_straight_open(cpu_straight *s, const mx_array *a) {
    int shape[MX_MAX_NDIM];
    int64_t n = lay_out(a, s->strides, shape);
    if (!cpu_dense_room(&s->copy, (size_t)n * mx_itemsize(a)))
        return false;
    cpu_copy_strided(s->copy.copy, s->strides, a->data, a->strides, shape, a->ndim, mx_itemsize(a));
    s->a = (mx_array){.state = MX_AVAILABLE,
                      .dtype = a->dtype,
                      .row_contiguous = n == a->size,
                      .ndim = a->ndim,
                      .size = a->size,
                      .buffer = a->buffer,
                      .data = s->copy.copy,
                      .strides = s->strides,
                      .shape = a->shape};
    return true;
}

void cpu_straight_close(cpu_straight *s) {
    cpu_dense_close(&s->copy);
}
