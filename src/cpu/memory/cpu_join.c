/* Arrays put together: concatenate, pad, slice_update, dynamic_slice. */
#include <string.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/cpu_copy.h"
#include "cpu/memory/cpu_pad.h"
#include "cpu/memory/straight.h"
#include "graph/array/params.h"

/* Copy a to the region of y that starts `offset` elements in and has these strides. */
static void copy_into(mx_array *y, int64_t offset, const int64_t *strides, const mx_array *a) {
    size_t item = mx_itemsize(y);
    if (a->size)
        cpu_copy_strided(y->data + offset * (int64_t)item, strides, a->data, a->strides, a->shape,
                         a->ndim, item);
}

/* --- concatenate ------------------------------------------------------------------ */

/* Bytes of an input, on average: what is copied at once, and from what length on a row is worth a
   call of memcpy. */
enum { PART = 1 << 15, LINE = 1 << 10 };

typedef struct join {
    mx_array *y, *const *in;
    int n, axis;
    int64_t most; /* rows that are written before the next ones */
} join;

/* A row is a position of the axes before the joined one, and what lies there. */
static int64_t row_size(const mx_array *a, int axis) {
    int64_t n = 1;
    for (int i = axis; i < a->ndim; i++)
        n *= a->shape[i];
    return n;
}

static int64_t row_offset(const mx_array *a, int axis, int64_t row) {
    int64_t at = 0;
    for (int i = axis - 1; i >= 0; i--) {
        at += row % a->shape[i] * a->strides[i];
        row /= a->shape[i];
    }
    return at;
}

/* Rows row .. row + count - 1, neighbours along one axis, of input a, which begins at `at`. */
static void join_part(const join *j, const mx_array *a, int64_t at, int64_t row, int64_t count) {
    int shape[MX_MAX_NDIM];
    int64_t item = (int64_t)mx_itemsize(a);
    for (int i = 0; i < a->ndim; i++)
        shape[i] = i < j->axis - 1 ? 1 : i < j->axis ? (int)count : a->shape[i];
    at = row_offset(j->y, j->axis, row) + at * j->y->strides[j->axis];
    cpu_copy_strided(j->y->data + at * item, j->y->strides,
                     a->data + row_offset(a, j->axis, row) * item, a->strides, shape, a->ndim,
                     (size_t)item);
}

/* The result is written from its start to its end, so that it is read ahead and each page met once,
   with as many rows at once as make the inputs' parts worth a copy. */
static void join_rows(void *ctx, int64_t begin, int64_t end) {
    const join *j = ctx;
    int64_t run = j->y->shape[j->axis - 1], at;
    for (int64_t n; begin < end; begin += n) {
        n = run - begin % run;
        n = n < end - begin ? n : end - begin;
        n = n < j->most ? n : j->most;
        at = 0;
        for (int i = 0; i < j->n; at += j->in[i++]->shape[j->axis])
            join_part(j, j->in[i], at, begin, n);
    }
}

/* A copy for each row of each input: where these are long and lie in a row. */
static void join_lines(void *ctx, int64_t begin, int64_t end) {
    const join *j = ctx;
    size_t item = mx_itemsize(j->y);
    char *to = j->y->data + (size_t)(begin * row_size(j->y, j->axis)) * item;
    for (int64_t row = begin; row < end; row++)
        for (int i = 0; i < j->n; i++) {
            const mx_array *a = j->in[i];
            size_t bytes = (size_t)row_size(a, j->axis) * item;
            memcpy(to, a->data + row_offset(a, j->axis, row) * (int64_t)item, bytes);
            to += bytes;
        }
}

static bool has_lines(const join *j) {
    bool lines = row_size(j->y, j->axis) * (int64_t)mx_itemsize(j->y) >= (int64_t)LINE * j->n;
    for (int i = 0; i < j->n && lines; i++) {
        int64_t step = 1;
        for (int k = j->y->ndim - 1; k >= j->axis; step *= j->in[i]->shape[k--])
            lines = lines && (j->in[i]->shape[k] == 1 || j->in[i]->strides[k] == step);
    }
    return lines;
}

/* Are there inputs of which a part of some rows is no block that could be transposed? */
static bool has_steep(const join *j) {
    bool steep = false;
    for (int i = 0; i < j->n; i++)
        steep |= cpu_is_steep(j->in[i], j->in[i]->shape, j->in[i]->ndim, CPU_PIECE_APART);
    return steep;
}

/* One input after the other. */
static void join_inputs(const join *j) {
    int64_t at = 0;
    for (int i = 0; i < j->n; at += j->in[i++]->shape[j->axis])
        copy_into(j->y, at * j->y->strides[j->axis], j->y->strides, j->in[i]);
}

bool cpu_concatenate(mx_node *n, mx_array **out, const mx_program *feed) {
    mx_array *y = out[0];
    join j = {y, n->in, n->nin, ((const mx_p_axis *)n->params)->axis, 0};
    (void)feed;
    if (!mx_array_alloc(y) || y->size == 0)
        return y->buffer != NULL;
    int64_t rows = y->size / row_size(y, j.axis);
    j.most = (int64_t)PART * n->nin / (row_size(y, j.axis) * (int64_t)mx_itemsize(y));
    if (rows > 1 && j.most > 0 && !has_steep(&j))
        mx_parallel_for(rows, j.most, has_lines(&j) ? join_lines : join_rows, &j);
    else
        join_inputs(&j);
    return true;
}

/* --- pad -------------------------------------------------------------------------- */

static void fill_region(mx_array *y, int64_t offset, const int *shape, const mx_array *value) {
    const int64_t zeros[MX_MAX_NDIM] = {0};
    size_t item = mx_itemsize(y);
    cpu_copy_strided(y->data + offset * (int64_t)item, y->strides, value->data, zeros, shape,
                     y->ndim, item);
}

/* What lies before and behind the copy along each axis, in the middle of the axes before and over
   all of those after. Returns where the copy begins. */
static int64_t fill_around(mx_array *y, const mx_p_pad *p, const mx_array *value) {
    int shape[MX_MAX_NDIM];
    int64_t offset = 0;
    memcpy(shape, y->shape, (size_t)y->ndim * sizeof *shape);
    for (int i = 0; i < y->ndim; i++) {
        int low = p->low.v[i], high = p->high.v[i];
        shape[i] = low;
        fill_region(y, offset, shape, value);
        shape[i] = high;
        fill_region(y, offset + (y->shape[i] - high) * y->strides[i], shape, value);
        shape[i] = y->shape[i] - low - high;
        offset += low * y->strides[i];
    }
    return offset;
}

void cpu_pad_into(mx_array *y, const mx_p_pad *p, const mx_array *value, const mx_array *a) {
    if (y->size)
        copy_into(y, fill_around(y, p, value), y->strides, a);
}

bool cpu_pad(mx_node *n, mx_array **out, const mx_program *feed) {
    mx_array *y = out[0];
    (void)feed;
    if (!mx_array_alloc(y))
        return false;
    cpu_pad_into(y, n->params, n->in[1], n->in[0]);
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
