/* Arrays that hold data from the start, and placeholders: temporaries of the open scope. */
#include <string.h>

#include "graph/array/array.h"
#include "graph/array/read.h"
#include "graph/trace/scope.h"

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

mx_array *mx_array_over(mx_buffer *b, size_t offset, const int *shape, const int64_t *strides,
                        int ndim, mx_dtype dtype) {
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

mx_array *mx_scalar(double value, mx_dtype dtype) {
    mx_array *a = mx_array_empty(NULL, 0, dtype);
    if (a)
        mx_write_double(a->data, dtype, value);
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
