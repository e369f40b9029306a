/* Opening files of tensors: see archive.h. */
#include "io/archive/archive.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "io/archive/formats.h"

/* smaller files keep their bytes; of larger ones the headers are let go once they are read */
enum { MOST_HEAD = 1 << 16 };

/* --- opening ---------------------------------------------------------------------------- */

/* The bytes of headers are needed no more; those of small files are all there is. */
static void forget_head(mx_source *s) {
    if (!s->file || s->size <= MOST_HEAD)
        return;
    mx_free(s->head);
    s->head = NULL;
    s->data = NULL;
    s->have = s->room = 0;
}

/* Parts may add parts. */
static bool open_parts(mx_archive *a) {
    for (int i = 0; i < a->parts; i++) {
        if (!a->format->detect(a->format, &a->part[i].source))
            return mx_failed()
                       ? false
                       : (mx_source_fail(&a->part[i].source, 0,
                                         "it is not a %s file, as the others are", a->format->name),
                          false);
        if (!a->format->open(a, i))
            return false;
        forget_head(&a->part[i].source);
    }
    return true;
}

static bool open_all(mx_archive *a, const char *op) {
    mx_shards index = {0};
    bool ok = mx_shards_find(op, a->path, &index);
    a->label = ok ? mx_strdup(index.label) : NULL;
    ok = ok && a->label;
    for (size_t i = 0; ok && i < index.files; i++) {
        ok = mx_archive_add_part(a, op, index.file[i]);
        index.file[i] = NULL;
    }
    a->format = ok ? mx_format_of(&a->part[0].source) : NULL;
    ok = a->format && open_parts(a) && mx_shards_check(op, &index, a);
    mx_shards_free(&index);
    return ok;
}

mx_archive *mx_archive_open(const char *op, const char *path, bool map) {
    if (!path)
        return mx_fail(MX_INVALID, "[%s] the file name is NULL", op);
    mx_archive *a = mx_calloc(1, sizeof *a);
    if (!a)
        return NULL;
    mx_scope scope = mx_scope_open();
    a->map = map;
    a->path = mx_strdup(path);
    bool ok = a->path && open_all(a, op);
    mx_scope_close(scope);
    if (ok)
        return a;
    mx_archive_close(a);
    return NULL;
}

mx_archive *mx_archive_over(mx_source s) {
    mx_archive *a = mx_calloc(1, sizeof *a);
    if (!a) {
        mx_source_close(&s);
        return NULL;
    }
    mx_scope scope = mx_scope_open();
    a->label = mx_strdup(s.name);
    a->path = mx_strdup(s.name);
    bool ok = mx_archive_add_source(a, mx_strdup(s.name), s) && a->label && a->path;
    if (ok)
        a->format = mx_format_of(&a->part[0].source);
    ok = ok && a->format && open_parts(a);
    mx_scope_close(scope);
    if (ok)
        return a;
    mx_archive_close(a);
    return NULL;
}

void mx_archive_close(mx_archive *a) {
    if (!a)
        return;
    if (a->format && a->format->close)
        a->format->close(a);
    for (int i = 0; i < a->parts; i++) {
        mx_source_close(&a->part[i].source);
        mx_free(a->part[i].path);
    }
    for (size_t i = 0; i < a->count; i++)
        mx_free((void *)(uintptr_t)a->tensor[i].shape);
    mx_map_free(&a->place, NULL);
    mx_map_free(&a->meta, mx_meta_free);
    mx_free(a->tensor);
    mx_free(a->part);
    mx_free(a->label);
    mx_free(a->path);
    mx_free(a);
}

/* --- asking ------------------------------------------------------------------------------- */

mx_array *mx_archive_read(mx_archive *a, size_t i, bool stored) {
    if (i >= a->count)
        return mx_fail(MX_RANGE, "[file] '%s' has %zu tensors, there is no number %zu", a->path,
                       a->count, i);
    return a->format->read(a, &a->tensor[i], stored);
}
