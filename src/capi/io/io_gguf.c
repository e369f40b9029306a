/* io_types.h: the contents of a GGUF file. A handle is a box around an mx_gguf. */
#include "base/mem.h"
#include "capi/capi.h"
#include "capi/io/io.h"

enum { NOT_FOUND = 2, OTHER_TYPE = 3 };

mx_gguf *capi_gguf(mlx_io_gguf g) {
    return capi_object(g.ctx, "io_gguf");
}

bool capi_put_gguf(mlx_io_gguf *res, mx_gguf *contents) {
    void **slot = capi_slot(res, "io_gguf");
    mx_gguf *box = slot && *slot ? *slot : slot ? mx_calloc(1, sizeof *box) : NULL;
    if (!box) {
        mx_gguf_free(contents);
        return false;
    }
    mx_gguf former = *box;
    *box = *contents;
    res->ctx = box;
    mx_gguf_free(&former);
    return true;
}

mlx_io_gguf mlx_io_gguf_new(void) {
    mlx_io_gguf res = {NULL};
    mx_gguf empty = {0};
    mx_error_clear();
    capi_done(capi_put_gguf(&res, &empty));
    return res;
}

int mlx_io_gguf_free(mlx_io_gguf io) {
    int status;
    if (capi_frees(io.ctx, "io_gguf", &status)) {
        mx_gguf_free(io.ctx);
        mx_free(io.ctx);
    }
    return status;
}

/* --- getting ---------------------------------------------------------------------- */

static mx_gguf *with_key(const char *op, mlx_io_gguf io, const char *key) {
    if (!key)
        return mx_fail(MX_INVALID, "[%s] the key is NULL", op);
    return capi_gguf(io);
}

static int put_keys(mlx_vector_string *keys, const mx_map *map) {
    size_t n = map ? map->count : 0;
    const char **names = map ? mx_calloc(n + 1, sizeof *names) : NULL;
    for (size_t i = 0; names && i < n; i++)
        names[i] = map->entry[i].key;
    bool ok = names && capi_put_strings(keys, names, n);
    mx_free(names);
    return capi_done(ok);
}

int mlx_io_gguf_get_keys(mlx_vector_string *keys, mlx_io_gguf io) {
    mx_error_clear();
    mx_gguf *g = capi_gguf(io);
    return put_keys(keys, g ? &g->arrays : NULL);
}

int mlx_io_gguf_get_metadata_keys(mlx_vector_string *keys, mlx_io_gguf io) {
    mx_error_clear();
    mx_gguf *g = capi_gguf(io);
    return put_keys(keys, g ? &g->meta : NULL);
}

int mlx_io_gguf_get_array(mlx_array *arr, mlx_io_gguf io, const char *key) {
    mx_error_clear();
    mx_gguf *g = with_key("io_gguf_get_array", io, key);
    mx_array *a = g ? mx_map_get(&g->arrays, key) : NULL;
    if (g && !a)
        return NOT_FOUND;
    return capi_done(a && capi_put(arr, a));
}

/* The value at a key; *code is 0, or what to return where it is not there, or of another kind. */
static mx_meta *meta_at(const char *op, mlx_io_gguf io, const char *key, mx_meta_kind kind,
                        int *code) {
    mx_error_clear();
    mx_gguf *g = with_key(op, io, key);
    mx_meta *m = g ? mx_map_get(&g->meta, key) : NULL;
    *code = g && !m ? NOT_FOUND : m && m->kind != kind ? OTHER_TYPE : 0;
    return *code ? NULL : m;
}

int mlx_io_gguf_get_metadata_array(mlx_array *arr, mlx_io_gguf io, const char *key) {
    int code;
    mx_meta *m = meta_at("io_gguf_get_metadata_array", io, key, MX_META_ARRAY, &code);
    return code ? code : capi_done(m && capi_put(arr, m->array));
}

int mlx_io_gguf_get_metadata_string(mlx_string *str, mlx_io_gguf io, const char *key) {
    int code;
    mx_meta *m = meta_at("io_gguf_get_metadata_string", io, key, MX_META_STRING, &code);
    return code ? code : capi_done(m && capi_put_string(str, m->string));
}

int mlx_io_gguf_get_metadata_vector_string(mlx_vector_string *vstr, mlx_io_gguf io,
                                           const char *key) {
    int code;
    mx_meta *m = meta_at("io_gguf_get_metadata_vector_string", io, key, MX_META_STRINGS, &code);
    return code ? code
                : capi_done(m && capi_put_strings(vstr, (const char *const *)m->strings, m->count));
}

int mlx_io_gguf_get_metadata_item(const char **res, size_t *length, mlx_io_gguf io, const char *key,
                                  size_t k) {
    mx_error_clear();
    mx_gguf *g = with_key("io_gguf_get_metadata_item", io, key);
    mx_meta *m = g ? mx_map_get(&g->meta, key) : NULL;
    if (!g)
        return capi_report();
    if (!m || m->kind == MX_META_ARRAY)
        return m ? OTHER_TYPE : NOT_FOUND;
    return capi_done(capi_put_item(res, length, m, k));
}

static int has_kind(const char *op, bool *flag, mlx_io_gguf io, const char *key,
                    mx_meta_kind kind) {
    mx_error_clear();
    mx_gguf *g = with_key(op, io, key);
    mx_meta *m = g ? mx_map_get(&g->meta, key) : NULL;
    if (g && flag)
        *flag = m && m->kind == kind;
    return capi_done(g && (flag || mx_fail(MX_INVALID, "[%s] the result is NULL", op)));
}

int mlx_io_gguf_has_metadata_array(bool *flag, mlx_io_gguf io, const char *key) {
    return has_kind("io_gguf_has_metadata_array", flag, io, key, MX_META_ARRAY);
}

int mlx_io_gguf_has_metadata_string(bool *flag, mlx_io_gguf io, const char *key) {
    return has_kind("io_gguf_has_metadata_string", flag, io, key, MX_META_STRING);
}

int mlx_io_gguf_has_metadata_vector_string(bool *flag, mlx_io_gguf io, const char *key) {
    return has_kind("io_gguf_has_metadata_vector_string", flag, io, key, MX_META_STRINGS);
}

/* --- setting: values are taken over, also on failure ------------------------------ */

static int set(mx_map *map, const char *key, void *value, void (*drop)(void *)) {
    void *former = NULL;
    bool ok = value && mx_map_set(map, key, value, &former);
    drop(ok ? former : value);
    return capi_done(ok);
}

int mlx_io_gguf_set_array(mlx_io_gguf io, const char *key, const mlx_array arr) {
    mx_error_clear();
    mx_gguf *g = with_key("io_gguf_set_array", io, key);
    return g ? set(&g->arrays, key, mx_array_retain(capi_in(arr)), mx_io_drop_array)
             : capi_report();
}

int mlx_io_gguf_set_metadata_array(mlx_io_gguf io, const char *key, const mlx_array marr) {
    mx_error_clear();
    mx_gguf *g = with_key("io_gguf_set_metadata_array", io, key);
    mx_array *a = g ? capi_in(marr) : NULL;
    return a ? set(&g->meta, key, mx_meta_of_array(a), mx_meta_free) : capi_report();
}

int mlx_io_gguf_set_metadata_string(mlx_io_gguf io, const char *key, const char *mstr) {
    mx_error_clear();
    mx_gguf *g = with_key("io_gguf_set_metadata_string", io, key);
    if (g && !mstr)
        g = mx_fail(MX_INVALID, "[io_gguf_set_metadata_string] the string is NULL");
    return g ? set(&g->meta, key, mx_meta_of_string(mstr), mx_meta_free) : capi_report();
}

int mlx_io_gguf_set_metadata_vector_string(mlx_io_gguf io, const char *key,
                                           const mlx_vector_string mvstr) {
    mx_error_clear();
    size_t n = 0;
    mx_gguf *g = with_key("io_gguf_set_metadata_vector_string", io, key);
    const char *const *text = g ? capi_strings(mvstr, &n) : NULL;
    if (mx_failed())
        return capi_report();
    return set(&g->meta, key, mx_meta_of_strings(text, n), mx_meta_free);
}
