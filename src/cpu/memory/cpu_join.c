/* Arrays put together: concatenate, pad, slice_update, dynamic_slice. */
#include "base/status.h"
#include "cpu/cpu.h"
#include "cpu/memory/cpu_copy.h"
#include "graph/array/params.h"

/* Copy a to the region of y that starts `offset` elements in and has these strides. */
static void copy_into(mx_array *y, int64_t offset, const int64_t *strides, const mx_array *a) {
    size_t item = mx_itemsize(y);
    if (a->size)
        cpu_copy_strided(y->data + offset * (int64_t)item, strides, a->data, a->strides, a->shape,
                         a->ndim, item);
}

bool cpu_concatenate(mx_node *n, mx_array **out, const mx_program *feed) {
    int axis = ((const mx_p_axis *)n->params)->axis;
    int64_t at = 0;
    mx_array *y = out[0];
    (void)feed;
    if (!mx_array_alloc(y))
        return false;
    for (int i = 0; i < n->nin; i++) {
        copy_into(y, at * y->strides[axis], y->strides, n->in[i]);
        at += n->in[i]->shape[axis];
    }
    return true;
}

bool cpu_pad(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_pad *p = n->params;
    const int64_t zeros[MX_MAX_NDIM] = {0};
    int64_t offset = 0;
    mx_array *y = out[0];
    (void)feed;
    if (!mx_array_alloc(y))
        return false;
    cpu_copy_strided(y->data, y->strides, n->in[1]->data, zeros, y->shape, y->ndim, mx_itemsize(y));
    for (int i = 0; i < y->ndim; i++)
        offset += p->low.v[i] * y->strides[i];
    copy_into(y, offset, y->strides, n->in[0]);
    return true;
}

bool cpu_slice_update(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_slice_update *p = n->params;
    int64_t offset = 0, strides[MX_MAX_NDIM];
    mx_array *y = out[0];
    (void)feed;
    if (!cpu_copy_or_take(y, n->in[0]))
        return false;
    for (int i = 0; i < y->ndim; i++) {
        offset += p->start.v[i] * y->strides[i];
        strides[i] = p->step.v[i] * y->strides[i];
    }
    copy_into(y, offset, strides, n->in[1]);
    return true;
}

/* --- where an array of integers says ---------------------------------------------- */

/* An integer of any dtype; what does not fit an int64 becomes its largest, which is out
   of range. */
static int64_t integer_at(const mx_array *a, int64_t i) {
    const void *p = a->data + i * (a->ndim ? a->strides[0] : 0) * (int64_t)mx_itemsize(a);
    switch (mx_dtype_of(a)) {
    case MX_INT8: return *(const int8_t *)p;
    case MX_INT16: return *(const int16_t *)p;
    case MX_INT32: return *(const int32_t *)p;
    case MX_INT64: return *(const int64_t *)p;
    case MX_UINT8: return *(const uint8_t *)p;
    case MX_UINT16: return *(const uint16_t *)p;
    case MX_UINT32: return *(const uint32_t *)p;
    default: return *(const uint64_t *)p > INT64_MAX ? INT64_MAX : (int64_t)(*(const uint64_t *)p);
    }
}

/* Elements from a's first to the first of a block of this shape. */
static bool block_offset(const mx_array *a, const mx_array *start, mx_ints axes, const int *shape,
                         const int64_t *strides, int64_t *offset) {
    *offset = 0;
    for (int i = 0; i < axes.n; i++) {
        int axis = axes.v[i];
        int64_t at = integer_at(start, i);
        if (at < 0 || at > a->shape[axis] - shape[axis])
            return mx_fail(MX_RANGE,
                           "[slice] %d elements from %lld on are outside of axis %d of size %d",
                           shape[axis], (long long)at, axis, a->shape[axis]);
        *offset += at * strides[axis];
    }
    return true;
}

static bool slice_at(mx_node *n, mx_array *y) {
    mx_array *a = n->in[0];
    int64_t offset;
    if (!block_offset(a, n->in[1], ((const mx_p_dynamic_slice *)n->params)->axes, y->shape,
                      a->strides, &offset))
        return false;
    mx_array_view(y, a, y->size ? offset : 0, a->strides);
    return true;
}

static bool update_at(mx_node *n, mx_array *y) {
    mx_array *u = n->in[1];
    int64_t offset;
    if (!cpu_copy_or_take(y, n->in[0]) ||
        !block_offset(y, n->in[2], ((const mx_p_dynamic_update *)n->params)->axes, u->shape,
                      y->strides, &offset))
        return false;
    copy_into(y, offset, y->strides, u);
    return true;
}

bool cpu_dynamic_slice(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)feed;
    return (n->prim == MX_PRIM_dynamic_slice ? slice_at : update_at)(n, out[0]);
}
