/* Arrays: shapes, keeping, memory. What holds data from the start is made in constant.c, what a
 * node computes in node.c; release.c lets go. */
#include "graph/array/array.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"

/* --- shapes ----------------------------------------------------------------------------------- */

bool mx_shape_is(const mx_array *a, const int *shape, int ndim) {
    return a->ndim == ndim &&
           (ndim == 0 || memcmp(a->shape, shape, (size_t)ndim * sizeof(int)) == 0);
}

bool mx_same_shape(const mx_array *a, const mx_array *b) {
    return mx_shape_is(a, b->shape, b->ndim);
}

void mx_row_strides(const int *shape, int ndim, int64_t *strides) {
    int64_t step = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = step;
        step *= shape[i] > 0 ? shape[i] : 1;
    }
}

char *mx_shape_text(char *out, size_t n, const int *shape, int ndim) {
    size_t used = (size_t)snprintf(out, n, "(");
    for (int i = 0; i < ndim && used < n; i++)
        used += (size_t)snprintf(out + used, n - used, i ? ",%d" : "%d", shape[i]);
    if (used < n)
        snprintf(out + used, n - used, ")");
    else if (n > 4)
        memcpy(out + n - 4, "...", 4);
    return out;
}

bool mx_shape_size(const int *shape, int ndim, size_t itemsize, int64_t *size) {
    int64_t n = 1;
    ptrdiff_t bytes; // what pointers reach
    bool empty = false, fits = true;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0)
            return false;
        if (shape[i] == 0)
            empty = true;
        else
            fits &= !__builtin_mul_overflow(n, (int64_t)shape[i], &n);
    }
    fits = fits && !__builtin_mul_overflow(n, (int64_t)itemsize, &bytes);
    *size = empty ? 0 : n;
    return fits;
}

static bool is_row_contiguous(const mx_array *a) {
    int64_t step = 1;
    for (int i = a->ndim - 1; i >= 0; i--) {
        if (a->shape[i] != 1 && a->strides[i] != step)
            return a->size <= 1;
        step *= a->shape[i];
    }
    return true;
}

/* Axes of size 1 aside, are the strides a permutation of row-major ones? */
bool mx_array_dense(const mx_array *a) {
    bool used[MX_MAX_NDIM] = {false};
    int64_t step = 1;
    for (int done = 0; done < a->ndim && a->size > 1;) {
        int found = -1;
        for (int i = 0; i < a->ndim && found < 0; i++)
            if (!used[i] && (a->shape[i] == 1 || a->strides[i] == step))
                found = i;
        if (found < 0)
            return false;
        used[found] = true;
        step *= a->shape[found];
        done++;
    }
    return true;
}

bool mx_array_column_major(const mx_array *a) {
    int64_t step = 1;
    for (int i = 0; i < a->ndim && a->size > 1; i++) {
        if (a->shape[i] != 1 && a->strides[i] != step)
            return false;
        step *= a->shape[i];
    }
    return true;
}

/* --- making ----------------------------------------------------------------------------------- */

static mx_array *bad_shape(const int *shape, int ndim) {
    char text[256];
    if (ndim < 0 || ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[array] %d dimensions given, 0 to %d are possible", ndim,
                       MX_MAX_NDIM);
    bool negative = false;
    for (int i = 0; shape && i < ndim; i++)
        negative |= shape[i] < 0;
    mx_shape_text(text, sizeof text, shape, ndim);
    return mx_fail(negative || !shape ? MX_INVALID : MX_RANGE,
                   "[array] shape %s is negative or too large", text);
}

mx_array *mx_array_shell(const int *shape, int ndim, mx_dtype dtype) {
    int64_t size;
    if (ndim < 0 || ndim > MX_MAX_NDIM || (ndim > 0 && !shape) ||
        !mx_shape_size(shape, ndim, mx_dtype_size(dtype), &size))
        return bad_shape(shape, ndim);
    mx_array *a = mx_malloc(sizeof *a + (size_t)ndim * (sizeof(int64_t) + sizeof(int)));
    if (!a)
        return NULL;
    memset(a, 0, sizeof *a);
    atomic_init(&a->refs, 1);
    atomic_init(&a->state, MX_PENDING);
    a->dtype = (uint8_t)dtype;
    a->ndim = ndim;
    a->size = size;
    a->strides = (int64_t *)(a + 1);
    a->shape = (int *)(a->strides + ndim);
    if (ndim)
        memcpy(a->shape, shape, (size_t)ndim * sizeof(int));
    mx_row_strides(a->shape, ndim, a->strides);
    return a;
}

mx_array *mx_array_retain(mx_array *a) {
    if (a)
        atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

/* --- memory ----------------------------------------------------------------------------------- */

void mx_array_place(mx_array *a, mx_buffer *b, char *data, const int64_t *strides) {
    mx_buffer_retain(b);
    mx_buffer_release(a->buffer);
    a->buffer = b;
    a->data = data;
    if (strides && a->ndim)
        memcpy(a->strides, strides, (size_t)a->ndim * sizeof *strides);
    else
        mx_row_strides(a->shape, a->ndim, a->strides);
    a->row_contiguous = !a->beyond && (strides ? is_row_contiguous(a) : true);
}

bool mx_readable(const mx_array *a) {
    return !a->beyond ||
           mx_fail(MX_RANGE,
                   "[as_strided] shape, strides and offset reach outside of the array's memory");
}

bool mx_array_alloc(mx_array *a) {
    mx_buffer *b = mx_buffer_new((size_t)a->size * mx_itemsize(a));
    if (!b)
        return false;
    mx_buffer_release(a->buffer);
    a->buffer = b;
    a->data = b->ptr;
    mx_row_strides(a->shape, a->ndim, a->strides);
    a->row_contiguous = true;
    return true;
}

void mx_array_view(mx_array *a, mx_array *base, int64_t offset, const int64_t *strides) {
    mx_array_place(a, base->buffer, base->data + offset * (int64_t)mx_itemsize(base), strides);
}

bool mx_array_donatable(const mx_array *in, const mx_array *out) {
    return in->row_contiguous && in->buffer && !in->buffer->borrowed && !out->tracer &&
           !in->tracer && atomic_load_explicit(&in->refs, memory_order_acquire) == 1 &&
           atomic_load_explicit(&in->buffer->refs, memory_order_acquire) == 1;
}

void mx_array_take(mx_array *a, mx_array *in) {
    mx_buffer_rewrite(in->buffer);
    mx_array_place(a, in->buffer, in->data, NULL);
}

bool mx_array_alloc_or_take(mx_array *out, mx_array *in) {
    size_t bytes = (size_t)out->size * mx_itemsize(out);
    if (in && mx_array_donatable(in, out) && (size_t)in->size * mx_itemsize(in) == bytes) {
        mx_array_take(out, in);
        return true;
    }
    return mx_array_alloc(out);
}
