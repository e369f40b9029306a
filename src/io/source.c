/* The bytes of a file, and arrays over them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "io/io.h"

static void unmap(void *mapped) {
    mx_file_unmap(mapped);
    mx_free(mapped);
}

bool mx_source_file(mx_source *s, const char *op, const char *path) {
    *s = (mx_source){.op = op, .name = path};
    mx_mapped *m = mx_malloc(sizeof *m);
    if (!m || !mx_file_map(op, path, m)) {
        mx_free(m);
        return false;
    }
    s->data = m->data;
    s->size = m->size;
    s->buffer = mx_buffer_borrow((void *)(uintptr_t)m->data, m->size, unmap, m);
    if (!s->buffer)
        unmap(m);
    return s->buffer != NULL;
}

void mx_source_memory(mx_source *s, const char *op, const char *name, mx_buffer *b, size_t size) {
    *s = (mx_source){op, name, mx_buffer_retain(b), b->ptr, size};
}

void mx_source_close(mx_source *s) {
    if (s->buffer)
        mx_buffer_release(s->buffer);
    s->buffer = NULL;
}

void *mx_source_fail(const mx_source *s, size_t at, const char *format, ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return mx_fail(MX_FORMAT, "[%s] '%s' at byte %zu: %s", s->op, s->name, at, what);
}

bool mx_source_has(const mx_source *s, size_t at, uint64_t n, const char *what) {
    if (at <= s->size && n <= s->size - at)
        return true;
    mx_source_fail(s, at, "%s needs %llu bytes, %zu are left", what, (unsigned long long)n,
                   at <= s->size ? s->size - at : 0);
    return false;
}

/* --- arrays ----------------------------------------------------------------------- */

/* Bytes of the elements; false and an error where the shape or the file does not allow it. */
static bool extent(const mx_source *s, size_t at, const int *shape, int ndim, mx_dtype t,
                   size_t *bytes) {
    int64_t size = 0;
    char text[128];
    if (ndim > MX_MAX_NDIM)
        return mx_source_fail(s, at, "%d dimensions, more than %d", ndim, MX_MAX_NDIM);
    if (!mx_shape_size(shape, ndim, mx_dtype_size(t), &size))
        return mx_source_fail(s, at, "the shape %s is too large",
                              mx_shape_text(text, sizeof text, shape, ndim));
    *bytes = (size_t)size * mx_dtype_size(t);
    return mx_source_has(s, at, *bytes, "the array");
}

static bool check_bools(const mx_source *s, size_t at, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s->data[at + i] > 1)
            return mx_source_fail(s, at + i, "%u is not a boolean", s->data[at + i]);
    return true;
}

static bool aligned(const void *p, mx_dtype t) {
    size_t unit = t == MX_COMPLEX64 ? sizeof(float) : mx_dtype_size(t);
    return (uintptr_t)p % unit == 0;
}

mx_array *mx_source_array(const mx_source *s, size_t at, const int *shape, int ndim, mx_dtype t) {
    size_t bytes = 0;
    if (!extent(s, at, shape, ndim, t, &bytes) || (t == MX_BOOL && !check_bools(s, at, bytes)))
        return NULL;
    if (bytes == 0 || !aligned(s->data + at, t))
        return mx_array_from(s->data + at, shape, ndim, t);
    return mx_array_over(s->buffer, at, shape, NULL, ndim, t);
}

static void copy_swapped(unsigned char *to, const unsigned char *from, size_t bytes, size_t unit) {
    for (size_t i = 0; i < bytes; i += unit)
        for (size_t j = 0; j < unit; j++)
            to[i + j] = from[i + unit - 1 - j];
}

mx_array *mx_source_array_swapped(const mx_source *s, size_t at, const int *shape, int ndim,
                                  mx_dtype t) {
    size_t bytes = 0, unit = t == MX_COMPLEX64 ? sizeof(float) : mx_dtype_size(t);
    if (unit == 1)
        return mx_source_array(s, at, shape, ndim, t);
    mx_array *a = extent(s, at, shape, ndim, t, &bytes) ? mx_array_empty(shape, ndim, t) : NULL;
    if (a)
        copy_swapped((unsigned char *)a->data, s->data + at, bytes, unit);
    return a;
}

void mx_io_drop_array(void *array) {
    mx_array_release(array);
}
