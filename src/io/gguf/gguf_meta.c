/* The contents of a GGUF file in memory. */
#include <string.h>

#include "base/mem.h"
#include "io/gguf/gguf.h"

static const mx_dtype value_dtypes[GGUF_VALUES] = {
    MX_UINT8, MX_INT8,        MX_UINT16,      MX_INT16,  MX_UINT32, MX_INT32,   MX_FLOAT32,
    MX_BOOL,  MX_DTYPE_COUNT, MX_DTYPE_COUNT, MX_UINT64, MX_INT64,  MX_FLOAT64,
};

mx_dtype gguf_value_dtype(uint32_t type) {
    return type < GGUF_VALUES ? value_dtypes[type] : MX_DTYPE_COUNT;
}

gguf_value gguf_value_of(mx_dtype t) {
    for (int i = 0; i < GGUF_VALUES; i++)
        if (value_dtypes[i] == t)
            return (gguf_value)i;
    return GGUF_VALUES;
}

void mx_meta_free(void *meta) {
    mx_meta *m = meta;
    if (!m)
        return;
    mx_array_release(m->array);
    for (size_t i = 0; i < m->count && !m->string; i++)
        mx_free(m->strings[i]);
    mx_free(m->string);
    mx_free(m->strings);
    mx_free(m->length);
    mx_free(m->bytes);
    mx_free(m);
}

mx_meta *mx_meta_room(mx_meta_kind kind, size_t count) {
    mx_meta *m = mx_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->kind = kind;
    m->length = mx_calloc(count + 1, sizeof *m->length);
    m->strings = kind == MX_META_STRINGS ? mx_calloc(count + 1, sizeof *m->strings) : NULL;
    if (m->length && (kind != MX_META_STRINGS || m->strings))
        return m;
    mx_meta_free(m);
    return NULL;
}

mx_meta *mx_meta_of_array(mx_array *a) {
    mx_meta *m = a ? mx_calloc(1, sizeof *m) : NULL;
    if (m)
        m->array = mx_array_retain(a);
    return m;
}

/* A zero behind it. */
static char *copy_text(const char *text, size_t n) {
    char *copy = mx_malloc(n + 1);
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}

mx_meta *mx_meta_of_text(const char *text, size_t n) {
    mx_meta *m = mx_meta_room(MX_META_STRING, 0);
    if (m && !(m->string = copy_text(text, n))) {
        mx_meta_free(m);
        return NULL;
    }
    if (m)
        m->length[0] = n;
    return m;
}

mx_meta *mx_meta_of_string(const char *text) {
    return mx_meta_of_text(text, strlen(text));
}

/* length NULL: they end at their zeros. */
static mx_meta *of_strings(const char *const *text, const size_t *length, size_t count) {
    mx_meta *m = mx_meta_room(MX_META_STRINGS, count);
    for (; m && m->count < count; m->count++) {
        size_t i = m->count;
        m->length[i] = length ? length[i] : strlen(text[i]);
        if (!(m->strings[i] = copy_text(text[i], m->length[i]))) {
            mx_meta_free(m);
            return NULL;
        }
    }
    return m;
}

mx_meta *mx_meta_of_strings(const char *const *text, size_t count) {
    return of_strings(text, NULL, count);
}

static mx_meta *copy_nested(const mx_meta *from) {
    mx_meta *m = mx_meta_of_text(from->string, from->length[0]);
    if (m && !(m->bytes = mx_memdup(from->bytes, from->size))) {
        mx_meta_free(m);
        return NULL;
    }
    if (m) {
        m->kind = MX_META_NESTED;
        m->size = from->size;
    }
    return m;
}

mx_meta *mx_meta_copy(const mx_meta *m) {
    switch (m->kind) {
    case MX_META_ARRAY: return mx_meta_of_array(m->array);
    case MX_META_STRING: return mx_meta_of_text(m->string, m->length[0]);
    case MX_META_STRINGS: return of_strings((const char *const *)m->strings, m->length, m->count);
    case MX_META_NESTED: return copy_nested(m);
    }
    return NULL;
}

void mx_gguf_free(mx_gguf *g) {
    mx_map_free(&g->arrays, mx_io_drop_array);
    mx_map_free(&g->meta, mx_meta_free);
    *g = (mx_gguf){0};
}
