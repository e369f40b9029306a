/* Arrays: making, keeping, asking. Evaluation's part is in eval.c, freeing of graphs in node.c. */
#include "graph/array.h"

#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/node.h"
#include "graph/scope.h"

/* --- shapes ------------------------------------------------------------------------------------- */

bool mx_shape_is(const mx_array *a, const int *shape, int ndim) {
    return a->ndim == ndim && (ndim == 0 || memcmp(a->shape, shape, (size_t)ndim * sizeof(int)) == 0);
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
    int64_t n = 1, bytes;
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

/* --- making --------------------------------------------------------------------------------------- */

static mx_array *bad_shape(const int *shape, int ndim) {
    char text[256];
    if (ndim < 0 || ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[array] %d dimensions given, 0 to %d are possible", ndim, MX_MAX_NDIM);
    mx_shape_text(text, sizeof text, shape, ndim);
    return mx_fail(MX_INVALID, "[array] shape %s is negative or too large", text);
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

static void make_available(mx_array *a) {
    atomic_store_explicit(&a->state, MX_AVAILABLE, memory_order_release);
}

mx_array *mx_array_empty(const int *shape, int ndim, mx_dtype dtype) {
    mx_array *a = mx_array_shell(shape, ndim, dtype);
    if (!a)
        return NULL;
    if (!mx_array_alloc(a)) {
        mx_array_release(a);
        return NULL;
    }
    make_available(a);
    return mx_own(a);
}

mx_array *mx_array_from(const void *data, const int *shape, int ndim, mx_dtype dtype) {
    mx_array *a = mx_array_empty(shape, ndim, dtype);
    if (a && a->size)
        memcpy(a->data, data, (size_t)a->size * mx_itemsize(a));
    return a;
}

mx_array *mx_array_over(mx_buffer *b, size_t offset, const int *shape, const int64_t *strides, int ndim,
                        mx_dtype dtype) {
    mx_array *a = mx_array_shell(shape, ndim, dtype);
    if (!a)
        return NULL;
    mx_array_place(a, b, (char *)b->ptr + offset, strides);
    make_available(a);
    return mx_own(a);
}

mx_array *mx_placeholder(const int *shape, int ndim, mx_dtype dtype) {
    mx_array *a = mx_array_shell(shape, ndim, dtype);
    if (!a)
        return NULL;
    atomic_store(&a->state, MX_PLACEHOLDER);
    a->tracer = true;
    return mx_own(a);
}

/* The value as stored bytes of the dtype; conversions to integers saturate. */
static int64_t saturate(double v, double lo, double hi) {
    return v != v ? 0 : v <= lo ? (int64_t)lo : v >= hi ? (hi >= 0x1p63 ? INT64_MAX : (int64_t)hi) : (int64_t)v;
}

static void store_double(void *out, double v, mx_dtype t) {
    switch (t) {
    case MX_BOOL: *(uint8_t *)out = v != 0; break;
    case MX_FLOAT16: *(uint16_t *)out = mx_f32_to_f16((float)v); break;
    case MX_BFLOAT16: *(uint16_t *)out = mx_f32_to_bf16((float)v); break;
    case MX_FLOAT32: *(float *)out = (float)v; break;
    case MX_FLOAT64: *(double *)out = v; break;
    case MX_COMPLEX64: *(mx_complex64 *)out = (mx_complex64){(float)v, 0}; break;
    case MX_UINT64: *(uint64_t *)out = v >= 0x1p63 ? (v >= 0x1p64 ? UINT64_MAX : (uint64_t)v)
                                                   : (uint64_t)saturate(v, -0x1p63, 0x1p63); break;
    default: {
        int64_t i = saturate(v, -0x1p63, 0x1p63);
        memcpy(out, &i, mx_dtype_size(t)); /* little-endian: the low bytes */
    }
    }
}

mx_array *mx_scalar(double value, mx_dtype dtype) {
    mx_array *a = mx_array_empty(NULL, 0, dtype);
    if (a)
        store_double(a->data, value, dtype);
    return a;
}

mx_array *mx_scalar_i64(int64_t value, mx_dtype dtype) {
    if (!mx_dtype_is_integer(dtype))
        return mx_scalar((double)value, dtype);
    mx_array *a = mx_array_empty(NULL, 0, dtype);
    if (a)
        memcpy(a->data, &value, mx_itemsize(a));
    return a;
}

mx_array *mx_scalar_c64(mx_complex64 value) {
    return mx_array_from(&value, NULL, 0, MX_COMPLEX64);
}

mx_array *mx_array_retain(mx_array *a) {
    if (a)
        atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

/* --- memory --------------------------------------------------------------------------------------- */

void mx_array_place(mx_array *a, mx_buffer *b, char *data, const int64_t *strides) {
    mx_buffer_retain(b);
    mx_buffer_release(a->buffer);
    a->buffer = b;
    a->data = data;
    if (strides && a->ndim)
        memcpy(a->strides, strides, (size_t)a->ndim * sizeof *strides);
    else
        mx_row_strides(a->shape, a->ndim, a->strides);
    a->row_contiguous = strides ? is_row_contiguous(a) : true;
}

bool mx_array_alloc(mx_array *a) {
    mx_buffer *b = mx_buffer_new((size_t)a->size * mx_itemsize(a));
    if (!b)
        return false;
    mx_array_place(a, b, b->ptr, NULL);
    mx_buffer_release(b);
    return true;
}

void mx_array_view(mx_array *a, mx_array *base, int64_t offset, const int64_t *strides) {
    mx_array_place(a, base->buffer, base->data + offset * (int64_t)mx_itemsize(base), strides);
}

bool mx_array_donatable(const mx_array *in, const mx_array *out) {
    return in->row_contiguous && in->buffer && !in->buffer->borrowed && !out->tracer && !in->tracer &&
           atomic_load_explicit(&in->refs, memory_order_acquire) == 1 &&
           atomic_load_explicit(&in->buffer->refs, memory_order_acquire) == 1;
}

bool mx_array_alloc_or_take(mx_array *out, mx_array *in) {
    size_t bytes = (size_t)out->size * mx_itemsize(out);
    if (in && mx_array_donatable(in, out) && (size_t)in->size * mx_itemsize(in) == bytes) {
        mx_array_place(out, in->buffer, in->data, NULL);
        return true;
    }
    return mx_array_alloc(out);
}
