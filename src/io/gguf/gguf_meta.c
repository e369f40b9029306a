/* The contents of a GGUF file in memory. */
#include "base/mem.h"
#include "io/io.h"

void mx_meta_free(void *meta) {
    mx_meta *m = meta;
    if (!m)
        return;
    mx_array_release(m->array);
    for (size_t i = 0; i < m->count && !m->string; i++)
        mx_free(m->strings[i]);
    mx_free(m->string);
    mx_free(m->strings);
    mx_free(m);
}

static mx_meta *meta_new(mx_meta_kind kind) {
    mx_meta *m = mx_calloc(1, sizeof *m);
    if (m)
        m->kind = kind;
    return m;
}

mx_meta *mx_meta_of_array(mx_array *a) {
    mx_meta *m = meta_new(MX_META_ARRAY);
    if (m)
        m->array = mx_array_retain(a);
    return m;
}

mx_meta *mx_meta_of_string(const char *text) {
    mx_meta *m = meta_new(MX_META_STRING);
    if (m && !(m->string = mx_strdup(text))) {
        mx_meta_free(m);
        return NULL;
    }
    return m;
}

static bool copy_strings(mx_meta *m, const char *const *text, size_t count) {
    m->strings = mx_calloc(count + 1, sizeof *m->strings);
    for (; m->strings && m->count < count; m->count++)
        if (!(m->strings[m->count] = mx_strdup(text[m->count])))
            return false;
    return m->strings != NULL;
}

mx_meta *mx_meta_of_strings(const char *const *text, size_t count) {
    mx_meta *m = meta_new(MX_META_STRINGS);
    if (m && !copy_strings(m, text, count)) {
        mx_meta_free(m);
        return NULL;
    }
    return m;
}

void mx_gguf_free(mx_gguf *g) {
    mx_map_free(&g->arrays, mx_io_drop_array);
    mx_map_free(&g->meta, mx_meta_free);
    *g = (mx_gguf){0};
}
