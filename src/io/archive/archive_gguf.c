/* GGUF files as archives, and models that are split into several: the first one's metadata says
 * into how many, their names end in -00001-of-00003.gguf. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "io/archive/archive.h"
#include "io/gguf.h"
#include "ops/ops.h"

static bool detect(const mx_archive_format *self, mx_source *s) {
    (void)self;
    return s->size >= 4 && mx_source_get(s, 0, 4, "the file") && memcmp(s->data, "GGUF", 4) == 0;
}

static bool add_tensor(mx_archive *a, int part, const gguf_info *t) {
    const gguf_type *y = t->type;
    return mx_archive_add(a, (mx_archive_tensor){.name = t->name,
                                                 .storage = y->storage,
                                                 .ndim = t->shape.ndim,
                                                 .dtype = y->items > 1 ? MX_FLOAT16 : y->dtype,
                                                 .shape = t->shape.dim,
                                                 .bytes = t->end - t->start,
                                                 .offset = t->start,
                                                 .part = part,
                                                 .how = y->id});
}

/* --- split models ------------------------------------------------------------------------ */

static uint64_t number_of(const mx_map *meta, const char *key) {
    const mx_meta *m = mx_map_get(meta, key);
    const mx_array *x = m && m->kind == MX_META_ARRAY ? m->array : NULL;
    uint64_t v = 0;
    if (x && x->ndim == 0 && mx_dtype_is_integer(mx_dtype_of(x)))
        memcpy(&v, x->data, mx_itemsize(x));
    return v;
}

/* The path of part i of n, beside that of the first one; NULL where that is named otherwise. */
static char *path_of_part(const char *first, uint64_t i, uint64_t n) {
    char ending[48], next[48];
    snprintf(ending, sizeof ending, "-00001-of-%05u.gguf", (unsigned)n);
    snprintf(next, sizeof next, "-%05u-of-%05u.gguf", (unsigned)i, (unsigned)n);
    size_t length = strlen(first), tail = strlen(ending);
    if (length <= tail || strcmp(first + length - tail, ending) != 0)
        return NULL;
    char *path = mx_strdup(first);
    if (path)
        memcpy(path + length - tail, next, tail);
    return path;
}

static bool add_parts(mx_archive *a, const gguf_head *h) {
    mx_source *s = &a->part[0].source; // moves when parts are added
    const char *op = s->op, *first = a->part[0].path;
    uint64_t n = number_of(&h->meta, "split.count"), number = number_of(&h->meta, "split.no");
    if (n > MX_MOST_PARTS)
        return mx_source_fail(s, 0, "it is split into more than %d files", MX_MOST_PARTS);
    if (n > 1 && number > 0)
        return mx_source_fail(s, 0, "it is part %u of a model of %u: name the first",
                              (unsigned)number + 1, (unsigned)n);
    for (uint64_t i = 2; i <= n; i++) {
        char *path = path_of_part(first, i, n);
        if (!path)
            return mx_failed()
                       ? false
                       : (mx_source_fail(&a->part[0].source, 0,
                                         "it is the first of %u files, whose names should end in "
                                         "-00001-of-%05u.gguf",
                                         (unsigned)n, (unsigned)n),
                          false);
        if (!mx_archive_add_part(a, op, path))
            return false;
    }
    return true;
}

/* --- opening and reading ------------------------------------------------------------------- */

static bool open(mx_archive *a, int part) {
    gguf_head h;
    bool ok = gguf_open(&a->part[part].source, &h) && (part || add_parts(a, &h));
    for (size_t i = 0; ok && i < h.count; i++)
        ok = add_tensor(a, part, &h.tensor[i]);
    for (size_t i = 0; ok && i < h.meta.count; i++) {
        ok = mx_archive_add_meta(a, h.meta.entry[i].key, h.meta.entry[i].value);
        h.meta.entry[i].value = NULL;
    }
    gguf_close(&h);
    return ok;
}

static mx_array *blocks(mx_archive *a, const mx_archive_tensor *t, const gguf_type *y) {
    int shape[MX_MAX_NDIM];
    memcpy(shape, t->shape, (size_t)t->ndim * sizeof *shape);
    int64_t row = (int64_t)(shape[t->ndim - 1] / y->items) * y->bytes;
    if (row > INT32_MAX)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': the rows of '%.80s' have too many bytes",
                       a->part[t->part].source.op, a->label, t->name);
    shape[t->ndim - 1] = (int)row;
    return mx_archive_elements(a, t, MX_UINT8, shape, t->ndim);
}

static mx_array *read(mx_archive *a, const mx_archive_tensor *t, bool stored) {
    const gguf_type *y = gguf_type_by_id((uint32_t)t->how);
    mx_source s = a->part[t->part].source;
    if (y->items == 1)
        return mx_archive_elements(a, t, y->dtype, NULL, 0);
    return stored ? blocks(a, t, y)
                  : gguf_tensor_values(&s, (size_t)t->offset, y, t->shape, t->ndim);
}

const mx_archive_format mx_archive_gguf = {"gguf", detect, open, read, NULL};
