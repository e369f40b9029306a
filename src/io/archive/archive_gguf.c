/* GGUF files as archives, and models that are split into several: the first one's metadata says
 * into how many, their names end in -00001-of-00003.gguf. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "io/archive/archive.h"
#include "io/gguf/gguf.h"
#include "ops/ops.h"

/* What `how` says: the order of bytes, and the type. */
enum { SWAPPED = 1, TYPE = 2 };

static bool detect(const mx_archive_format *self, mx_source *s) {
    (void)self;
    return mx_source_is_gguf(s);
}

static bool add_tensor(mx_archive *a, int part, const gguf_info *t, bool swapped) {
    const gguf_type *y = t->type;
    return mx_archive_add(a, (mx_archive_tensor){.name = t->name,
                                                 .storage = y->storage,
                                                 .ndim = t->shape.ndim,
                                                 .dtype = y->dtype,
                                                 .shape = t->shape.dim,
                                                 .bytes = t->end - t->start,
                                                 .offset = t->start,
                                                 .part = part,
                                                 .raw = !swapped,
                                                 .how = y->id * TYPE + swapped});
}

/* --- split models ------------------------------------------------------------------------ */

static bool add_parts(mx_archive *a, const gguf_head *h) {
    mx_source *s = &a->part[0].source; // moves when parts are added
    const char *op = s->op, *first = a->part[0].path;
    uint64_t n = gguf_number(&h->meta, "split.count"), number = gguf_number(&h->meta, "split.no");
    if (n > MX_MOST_PARTS)
        return mx_source_fail(s, 0, "it is split into more than %d files", MX_MOST_PARTS);
    if (n > 1 && number > 0)
        return mx_source_fail(s, 0, "it is part %u of a model of %u: name the first",
                              (unsigned)number + 1, (unsigned)n);
    for (uint64_t i = 2; i <= n; i++) {
        char *path = gguf_part_path(first, i, n);
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
        ok = add_tensor(a, part, &h.tensor[i], h.swapped);
    for (size_t i = 0; ok && i < h.meta.count; i++) {
        ok = mx_archive_add_meta(a, h.meta.entry[i].key, h.meta.entry[i].value);
        h.meta.entry[i].value = NULL;
    }
    gguf_close(&h);
    return ok;
}

static mx_array *read(mx_archive *a, const mx_archive_tensor *t, bool stored) {
    mx_source s = a->part[t->part].source;
    gguf_place place = {
        t->name,  &s,      (size_t)t->offset, gguf_type_by_id((uint32_t)(t->how / TYPE)),
        t->shape, t->ndim, t->how & SWAPPED};
    return stored ? gguf_tensor_stored(&place) : gguf_tensor_values(&place, t->dtype);
}

const mx_archive_format mx_archive_gguf = {"gguf", detect, open, read, NULL};
