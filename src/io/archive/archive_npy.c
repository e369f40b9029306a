/* npy files and npz archives of them as archives: an npy file's only tensor is called "array". */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "io/archive/archive.h"
#include "io/numpy/zip_list.h"
#include "ops/ops.h"

/* What `how` says: bits, and above them the number of a member that is compressed. */
enum { SWAPPED = 1, FORTRAN = 2, PACKED = 4, MEMBER = 8 };

static uint64_t how_of(const mx_npy_head *h) {
    return (h->swapped ? SWAPPED : 0u) | (h->fortran ? FORTRAN : 0u);
}

static bool add(mx_archive *a, int part, const char *name, const mx_npy_head *h, uint64_t offset,
                uint64_t how) {
    int64_t size = 0;
    bool fits = mx_shape_size(h->shape.dim, h->shape.ndim, 8, &size);
    return mx_archive_add(a, (mx_archive_tensor){
                                 .name = name,
                                 .storage = mx_dtype_name(h->dtype),
                                 .dtype = h->dtype,
                                 .ndim = h->shape.ndim,
                                 .shape = h->shape.dim,
                                 .bytes = fits ? (uint64_t)size * mx_dtype_size(h->dtype) : 0,
                                 .offset = offset,
                                 .part = part,
                                 .raw = how == 0,
                                 .how = how});
}

static mx_npy_head head_of(const mx_archive_tensor *t) {
    mx_npy_head h = {
        t->dtype, t->how & SWAPPED, t->how & FORTRAN, {.ndim = t->ndim}, (size_t)t->offset};
    if (t->ndim)
        memcpy(h.shape.dim, t->shape, (size_t)t->ndim * sizeof *t->shape);
    return h;
}

/* Values and what is stored are one. */
static mx_array *read(mx_archive *a, const mx_archive_tensor *t, bool stored) {
    mx_source s = a->part[t->part].source;
    mx_npy_head h = head_of(t);
    (void)stored;
    if (t->how & PACKED)
        return mx_npz_member(&s, t->how / MEMBER);
    return mx_npy_elements(&s, &h, (size_t)t->offset);
}

/* --- npy ------------------------------------------------------------------------------ */

static bool detect_npy(const mx_archive_format *self, mx_source *s) {
    (void)self;
    return s->size >= 10 && mx_source_get(s, 0, 6, "the file") &&
           memcmp(s->data, "\x93NUMPY", 6) == 0;
}

static bool open_npy(mx_archive *a, int part) {
    mx_source *s = &a->part[part].source;
    mx_npy_head h;
    if (!mx_npy_open(s, &h) || !add(a, part, "array", &h, h.data, how_of(&h)))
        return false;
    return mx_source_has(s, h.data, a->tensor[a->count - 1].bytes, "the array");
}

const mx_archive_format mx_archive_npy = {"npy", detect_npy, open_npy, read, NULL};

/* --- npz ------------------------------------------------------------------------------- */

static bool detect_npz(const mx_archive_format *self, mx_source *s) {
    (void)self;
    return mx_zip_looks(s);
}

/* A member that lies in the file as it is, read as a stream. */
typedef struct stored {
    mx_source *s;
    uint64_t at, end;
} stored;

static size_t read_stored(void *from, void *to, size_t n) {
    stored *m = from;
    size_t some = n < m->end - m->at ? n : (size_t)(m->end - m->at);
    if (!mx_source_copy(m->s, to, (size_t)m->at, some))
        return SIZE_MAX;
    m->at += some;
    return some;
}

static bool open_stored(mx_archive *a, int part, const char *key, const mx_zip_member *m,
                        uint64_t at) {
    mx_source *s = &a->part[part].source, member;
    stored from = {s, at, at + m->size};
    mx_npy_head h;
    mx_source_stream(&member, s->op, s->name, read_stored, &from, (size_t)m->size);
    bool ok = mx_npy_open(&member, &h) && add(a, part, key, &h, at + h.data, how_of(&h)) &&
              mx_source_has(&member, h.data, a->tensor[a->count - 1].bytes, key);
    mx_source_close(&member);
    return ok;
}

static bool open_packed(mx_archive *a, int part, const char *key, size_t index) {
    mx_npy_head h;
    return mx_npz_member_head(&a->part[part].source, index, &h) &&
           add(a, part, key, &h, 0, how_of(&h) | PACKED | (uint64_t)index * MEMBER);
}

/* Its name without ".npy". */
static char *key_of(const char *name) {
    size_t n = strlen(name);
    char *key = mx_strdup(name);
    if (key && n >= 4 && strcmp(name + n - 4, ".npy") == 0)
        key[n - 4] = 0;
    return key;
}

static bool open_member(mx_archive *a, int part, const mx_zip_list *z, size_t i) {
    const mx_zip_member *m = &z->member[i];
    uint64_t at = 0;
    char *key = key_of(m->name);
    bool ok = key && mx_zip_place(&a->part[part].source, z, m, &at) &&
              (m->method ? open_packed(a, part, key, i) : open_stored(a, part, key, m, at));
    mx_free(key);
    return ok;
}

static bool open_npz(mx_archive *a, int part) {
    mx_zip_list z;
    bool ok = mx_zip_open(&a->part[part].source, &z);
    for (size_t i = 0; ok && i < z.count; i++)
        ok = open_member(a, part, &z, i);
    mx_zip_close(&z);
    return ok;
}

const mx_archive_format mx_archive_npz = {"npz", detect_npz, open_npz, read, NULL};
