/* The bytes of a file, and arrays of them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "io/io.h"

enum {
    FIRST = 1 << 16, /* bytes of a file that are read with its first ones */
    SMALL = FIRST    /* files up to here have nothing left to be read later */
};

bool mx_source_file(mx_source *s, const char *op, const char *path, bool map) {
    *s = (mx_source){.op = op, .name = path};
    s->file = mx_loaded_open(op, path, map);
    s->size = s->file ? (size_t)mx_file_size(s->file->file) : 0;
    return s->file != NULL;
}

bool mx_source_whole(mx_source *s, const char *op, const char *path) {
    *s = (mx_source){.op = op, .name = path};
    mx_file *f = mx_file_open(op, path);
    size_t n = f ? (size_t)mx_file_size(f) : 0;
    mx_buffer *b = f ? mx_buffer_new(n) : NULL;
    bool ok = b && mx_file_read(f, b->ptr, n, 0);
    if (ok)
        mx_source_memory(s, op, path, b, n);
    mx_buffer_release(b);
    mx_file_close(f);
    return ok;
}

void mx_source_memory(mx_source *s, const char *op, const char *name, mx_buffer *b, size_t size) {
    *s = (mx_source){.op = op,
                     .name = name,
                     .buffer = mx_buffer_retain(b),
                     .data = b->ptr,
                     .have = size,
                     .size = size};
}

void mx_source_stream(mx_source *s, const char *op, const char *name, mx_stream_read *read,
                      void *from, size_t size) {
    *s = (mx_source){.op = op, .name = name, .size = size, .read = read, .from = from};
}

void mx_source_close(mx_source *s) {
    mx_buffer_release(s->buffer);
    if (s->file)
        mx_object_release(&s->file->object);
    mx_free(s->head);
    s->buffer = NULL;
    s->file = NULL;
    s->head = NULL;
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

/* --- the beginning that is in memory ---------------------------------------------- */

/* Reads on to `end`; where a stream stops before it, its size is known. */
static bool read_on(mx_source *s, unsigned char *to, size_t end) {
    size_t n = end - s->have;
    if (s->file && !mx_file_read(s->file->file, to, n, s->have))
        return false;
    size_t got = s->file ? n : s->read(s->from, to, n);
    if (got > n)
        return false;
    s->have += got;
    if (got < n)
        s->size = s->have;
    return true;
}

/* A header may lie about its length, so memory grows as bytes come: at most by as much as there
   was. */
static bool grow(mx_source *s, size_t end) {
    while (s->have < end && s->have < s->size) {
        size_t step = s->have > FIRST ? s->have : FIRST,
               next = end - s->have > step ? s->have + step : end;
        if (next > s->room) {
            unsigned char *head = mx_realloc_array(s->head, next, 1);
            if (!head)
                return false;
            s->head = head;
            s->data = head;
            s->room = next;
        }
        if (!read_on(s, s->head + s->have, next))
            return false;
    }
    return true;
}

/* Of a file more than is asked for, so that many small questions are one read. */
static size_t wanted(const mx_source *s, size_t end) {
    size_t more = s->file ? s->have + (s->have > FIRST ? s->have : FIRST) : end;
    more = more < end ? end : more;
    return more < s->size ? more : s->size;
}

bool mx_source_get(mx_source *s, size_t at, uint64_t n, const char *what) {
    if (!mx_source_has(s, at, n, what))
        return false;
    size_t end = at + (size_t)n;
    if (end <= s->have)
        return true;
    return grow(s, wanted(s, end)) && mx_source_has(s, at, n, what);
}

bool mx_source_until(mx_source *s, size_t end) {
    if (!s->read || s->buffer)
        return true;
    mx_buffer *b = mx_source_has(s, 0, end, "the data") ? mx_buffer_new(end) : NULL;
    if (!b)
        return false;
    if (s->have)
        memcpy(b->ptr, s->data, s->have < end ? s->have : end);
    bool ok = s->have >= end || read_on(s, (unsigned char *)b->ptr + s->have, end);
    s->data = b->ptr;
    s->buffer = b;
    return ok && mx_source_has(s, 0, end, "the data");
}

bool mx_source_copy(mx_source *s, void *to, size_t at, size_t n) {
    if (s->file && at + n > s->have)
        return mx_file_read(s->file->file, to, n, at);
    if (n)
        memcpy(to, s->data + at, n);
    return true;
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

static bool check_bools(const mx_source *s, const unsigned char *b, size_t at, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (b[i] > 1)
            return mx_source_fail(s, at + i, "%u is not a boolean", b[i]);
    return true;
}

static size_t unit_of(mx_dtype t) {
    return t == MX_COMPLEX64 ? sizeof(float) : mx_dtype_size(t);
}

static void swap_bytes(unsigned char *p, size_t bytes, size_t unit) {
    for (size_t i = 0; i < bytes; i += unit)
        for (size_t j = 0; j < unit / 2; j++) {
            unsigned char c = p[i + j];
            p[i + j] = p[i + unit - 1 - j];
            p[i + unit - 1 - j] = c;
        }
}

/* A copy that is made now. */
static mx_array *read_now(mx_source *s, size_t at, const int *shape, int ndim, mx_dtype t,
                          bool swapped, size_t bytes) {
    mx_array *a = mx_array_empty(shape, ndim, t);
    if (!a || !mx_source_copy(s, a->data, at, bytes))
        return NULL;
    if (t == MX_BOOL && !check_bools(s, (unsigned char *)a->data, at, bytes))
        return NULL;
    if (swapped)
        swap_bytes((unsigned char *)a->data, bytes, unit_of(t));
    return a;
}

mx_array *mx_source_array(mx_source *s, size_t at, const int *shape, int ndim, mx_dtype t,
                          bool swapped) {
    size_t bytes = 0;
    if (!extent(s, at, shape, ndim, t, &bytes) || !mx_source_until(s, at + bytes))
        return NULL;
    swapped = swapped && unit_of(t) > 1;
    if (s->file && (s->file->mapped || (s->size > SMALL && !mx_files_are_many())))
        return mx_load_array(s->file, at, shape, ndim, t, swapped);
    bool view = s->buffer && bytes && !swapped && (uintptr_t)(s->data + at) % unit_of(t) == 0;
    if (!view)
        return read_now(s, at, shape, ndim, t, swapped, bytes);
    if (t == MX_BOOL && !check_bools(s, s->data + at, at, bytes))
        return NULL;
    return mx_array_over(s->buffer, at, shape, NULL, ndim, t);
}

void mx_io_drop_array(void *array) {
    mx_array_release(array);
}
