/* file.h: files of tensors, read. */
#include <string.h>

#include "capi/capi.h"
#include "capi/io/io.h"
#include "capi/io/plugin.h"
#include "io/archive/archive.h"

mlx_file mlx_file_new(void) {
    return (mlx_file){NULL};
}

static mx_archive *archive_of(mlx_file f) {
    return capi_object(f.ctx, "file");
}

int mlx_file_open(mlx_file *res, const char *path, bool map) {
    capi_call c = capi_begin_default();
    capi_plugins_use();
    mx_archive **slot = (mx_archive **)capi_slot(res, "file");
    mx_archive *a = slot ? mx_archive_open("open_file", path, map) : NULL;
    if (a) {
        mx_archive_close(*slot);
        *slot = a;
    }
    return capi_end_ok(&c, a);
}

int mlx_file_free(mlx_file f) {
    int status;
    if (capi_frees(f.ctx, "file", &status))
        mx_archive_close(f.ctx);
    return status;
}

/* --- what is in it ---------------------------------------------------------------------- */

/* The archive, and a number below `count`; NULL and an error otherwise. */
static mx_archive *with_number(mlx_file f, size_t i, const char *what) {
    mx_archive *a = archive_of(f);
    size_t n = !a                        ? 0
               : !strcmp(what, "tensor") ? a->count
               : !strcmp(what, "part")   ? (size_t)a->parts
                                         : a->meta.count;
    if (a && i >= n)
        return mx_fail(MX_RANGE, "[file] '%s' has no %s %zu: it has %zu", a->label, what, i, n);
    return a;
}

const char *mlx_file_format(mlx_file f) {
    mx_error_clear();
    mx_archive *a = archive_of(f);
    return capi_done(a != NULL) ? NULL : a->format->name;
}

int mlx_file_part_count(mlx_file f) {
    mx_error_clear();
    mx_archive *a = archive_of(f);
    return capi_done(a != NULL) ? 0 : a->parts;
}

int mlx_file_part(const char **path, uint64_t *bytes, mlx_file f, int part) {
    mx_error_clear();
    mx_archive *a = with_number(f, part < 0 ? SIZE_MAX : (size_t)part, "part");
    bool ok = a && ((path && bytes) || mx_fail(MX_INVALID, "[file_part] the result is NULL"));
    if (ok) {
        *path = a->part[part].path;
        *bytes = a->part[part].size;
    }
    return capi_done(ok);
}

size_t mlx_file_count(mlx_file f) {
    mx_error_clear();
    mx_archive *a = archive_of(f);
    return capi_done(a != NULL) ? 0 : a->count;
}

int mlx_file_get(mlx_file_tensor *res, mlx_file f, size_t i) {
    mx_error_clear();
    mx_archive *a = with_number(f, i, "tensor");
    bool ok = a && (res || mx_fail(MX_INVALID, "[file_get] the result is NULL"));
    if (ok) {
        const mx_archive_tensor *t = &a->tensor[i];
        *res = (mlx_file_tensor){t->name,     t->storage, t->shape,  t->ndim, (mlx_dtype)t->dtype,
                                 t->elements, t->bytes,   t->offset, t->part};
    }
    return capi_done(ok);
}

enum { NOT_FOUND = 2, OTHER_TYPE = 3 };

static bool has_text(const char *op, const void *res, const char *text) {
    return (res || mx_fail(MX_INVALID, "[%s] the result is NULL", op)) &&
           (text || mx_fail(MX_INVALID, "[%s] the name is NULL", op));
}

int mlx_file_find(size_t *res, mlx_file f, const char *name) {
    mx_error_clear();
    mx_archive *a = archive_of(f);
    if (!a || !has_text("file_find", res, name))
        return capi_report();
    int64_t i = mx_archive_find(a, name);
    if (i >= 0)
        *res = (size_t)i;
    return i < 0 ? NOT_FOUND : 0;
}

static int read(mlx_array *res, mlx_file f, size_t i, bool stored, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_archive *a = with_number(f, i, "tensor");
    return capi_end(&c, res, a ? mx_archive_read(a, i, stored) : NULL);
}

int mlx_file_read(mlx_array *res, mlx_file f, size_t i, const mlx_stream s) {
    return read(res, f, i, false, s);
}

int mlx_file_read_stored(mlx_array *res, mlx_file f, size_t i, const mlx_stream s) {
    return read(res, f, i, true, s);
}

/* --- metadata --------------------------------------------------------------------------- */

static const mx_map_entry *value_at(mlx_file f, size_t i) {
    mx_archive *a = with_number(f, i, "metadata");
    return a ? &a->meta.entry[i] : NULL;
}

size_t mlx_file_metadata_count(mlx_file f) {
    mx_error_clear();
    mx_archive *a = archive_of(f);
    return capi_done(a != NULL) ? 0 : a->meta.count;
}

const char *mlx_file_metadata_key(mlx_file f, size_t i) {
    mx_error_clear();
    const mx_map_entry *e = value_at(f, i);
    return capi_done(e != NULL) ? NULL : e->key;
}

int mlx_file_metadata_find(size_t *res, mlx_file f, const char *key) {
    mx_error_clear();
    mx_archive *a = archive_of(f);
    if (!a || !has_text("file_metadata_find", res, key))
        return capi_report();
    const void *value = mx_map_get(&a->meta, key);
    for (size_t i = 0; value && i < a->meta.count; i++)
        if (a->meta.entry[i].value == value) {
            *res = i;
            return 0;
        }
    return NOT_FOUND;
}

mlx_file_kind mlx_file_metadata_kind(mlx_file f, size_t i) {
    mx_error_clear();
    const mx_map_entry *e = value_at(f, i);
    if (capi_done(e != NULL))
        return MLX_FILE_NONE;
    switch (((const mx_meta *)e->value)->kind) {
    case MX_META_STRING: return MLX_FILE_TEXT;
    case MX_META_STRINGS: return MLX_FILE_TEXTS;
    case MX_META_ARRAY: return MLX_FILE_NUMBERS;
    case MX_META_NESTED: return MLX_FILE_NESTED;
    }
    return MLX_FILE_NONE;
}

/* The i-th value; *code is 0, or what to return. */
static const mx_meta *value_of(mlx_file f, size_t i, mx_meta_kind kind, int *code) {
    mx_error_clear();
    const mx_map_entry *e = value_at(f, i);
    const mx_meta *m = e ? e->value : NULL;
    *code = !m ? capi_report() : m->kind == kind ? 0 : OTHER_TYPE;
    return *code ? NULL : m;
}

bool capi_put_item(const char **res, size_t *length, const mx_meta *m, size_t k) {
    size_t n = m->kind == MX_META_STRINGS ? m->count : 1;
    if (!res || !length)
        return mx_fail(MX_INVALID, "[metadata] the result is NULL");
    if (k >= n)
        return mx_fail(MX_RANGE, "[metadata] there are %zu texts, and no %zu", n, k);
    *res = m->kind == MX_META_STRINGS ? m->strings[k] : m->string;
    *length = m->length[k];
    return true;
}

int mlx_file_metadata_item(const char **res, size_t *length, mlx_file f, size_t i, size_t k) {
    mx_error_clear();
    const mx_map_entry *e = value_at(f, i);
    const mx_meta *m = e ? e->value : NULL;
    if (m && m->kind == MX_META_ARRAY)
        return OTHER_TYPE;
    return capi_done(m && capi_put_item(res, length, m, k));
}

int mlx_file_writer_metadata(mlx_file_writer w, mlx_file f, size_t i) {
    mx_error_clear();
    const mx_map_entry *e = value_at(f, i);
    mx_archive_writer *x = e ? capi_object(w.ctx, "file_writer") : NULL;
    return capi_done(x && mx_archive_set_meta(x, e->key, mx_meta_copy(e->value)));
}

int mlx_file_metadata_text(mlx_string *res, mlx_file f, size_t i) {
    int code;
    const mx_meta *m = value_of(f, i, MX_META_STRING, &code);
    return m ? capi_done(capi_put_string(res, m->string)) : code;
}

int mlx_file_metadata_texts(mlx_vector_string *res, mlx_file f, size_t i) {
    int code;
    const mx_meta *m = value_of(f, i, MX_META_STRINGS, &code);
    return m ? capi_done(capi_put_strings(res, (const char *const *)m->strings, m->count)) : code;
}

int mlx_file_metadata_array(mlx_array *res, mlx_file f, size_t i) {
    int code;
    const mx_meta *m = value_of(f, i, MX_META_ARRAY, &code);
    return m ? capi_done(capi_put(res, m->array)) : code;
}
