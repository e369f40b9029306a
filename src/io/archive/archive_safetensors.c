/* Safetensors files as archives. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "io/archive/archive.h"
#include "io/safetensors/safetensors.h"
#include "ops/ops.h"

/* The format has no magic number: a length that fits and a brace. */
static bool detect(const mx_archive_format *self, mx_source *s) {
    (void)self;
    if (s->size < ST_LENGTH + 2 || !mx_source_get(s, 0, ST_LENGTH + 1, "the header"))
        return false;
    return s->data[ST_LENGTH] == '{' && mx_le64(s->data) <= s->size - ST_LENGTH;
}

static mx_dtype values_dtype(const st_type *t) {
    if (mx_archive_widens(t->storage))
        return MX_BFLOAT16;
    return t->dtype == MX_DTYPE_COUNT ? MX_UINT8 : t->dtype;
}

static bool add_tensor(mx_archive *a, int part, const st_file *f, const st_tensor *t) {
    return mx_archive_add(a, (mx_archive_tensor){.name = t->name,
                                                 .storage = t->type->storage,
                                                 .dtype = values_dtype(t->type),
                                                 .ndim = t->shape.ndim,
                                                 .shape = t->shape.dim,
                                                 .bytes = t->end - t->begin,
                                                 .offset = f->data + t->begin,
                                                 .part = part,
                                                 .raw = true});
}

static bool open(mx_archive *a, int part) {
    st_file f;
    bool ok = st_open(&a->part[part].source, &f);
    for (size_t i = 0; ok && i < f.count; i++)
        ok = add_tensor(a, part, &f, &f.tensor[i]);
    for (size_t i = 0; ok && i < f.metadata.count; i++)
        ok = mx_archive_add_meta(a, f.metadata.entry[i].key,
                                 mx_meta_copy(f.metadata.entry[i].value));
    st_close(&f);
    return ok;
}

/* Bytes of packed elements: along the last axis where that is whole, else in a row. */
static mx_array *packed_bytes(mx_archive *a, const mx_archive_tensor *t, int bits) {
    int shape[MX_MAX_NDIM], last = t->ndim ? t->shape[t->ndim - 1] : 1;
    if (t->bytes > INT32_MAX || t->ndim == 0 || last * (int64_t)bits % 8)
        return t->bytes > INT32_MAX
                   ? mx_fail(MX_UNSUPPORTED, "[%s] '%s': '%.200s' has too many bytes",
                             a->part[t->part].source.op, a->label, t->name)
                   : mx_archive_elements(a, t, MX_UINT8, &(int){(int)t->bytes}, 1);
    memcpy(shape, t->shape, (size_t)t->ndim * sizeof *shape);
    shape[t->ndim - 1] = (int)(last * (int64_t)bits / 8);
    return mx_archive_elements(a, t, MX_UINT8, shape, t->ndim);
}

static mx_array *read(mx_archive *a, const mx_archive_tensor *t, bool stored) {
    const st_type *type = st_type_stored(t->storage);
    if (type->dtype == MX_DTYPE_COUNT)
        return stored ? packed_bytes(a, t, type->bits)
                      : mx_fail(
                            MX_UNSUPPORTED,
                            "[%s] '%s': '%.200s' is of %s, of which no values are made: read it as "
                            "it is stored",
                            a->part[t->part].source.op, a->label, t->name, t->storage);
    mx_array *x = mx_archive_elements(a, t, type->dtype, NULL, 0);
    return stored || !mx_archive_widens(t->storage) ? x : mx_archive_widen(t->storage, x);
}

const mx_archive_format mx_archive_safetensors = {"safetensors", detect, open, read, NULL};
