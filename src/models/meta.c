/* Values of GGUF's metadata by key: see meta.h. */
#include "models/meta.h"

#include <string.h>

#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "ops/ops.h"

const char *mx_meta_text(const mx_map *meta, const char *key) {
    const mx_meta *m = mx_map_get(meta, key);
    return m && m->kind == MX_META_STRING ? m->string : NULL;
}

bool mx_meta_number(const mx_map *meta, const char *key, double *out) {
    const mx_meta *m = mx_map_get(meta, key);
    if (!m || m->kind != MX_META_ARRAY || m->array->ndim)
        return false;
    mx_scope scope = mx_scope_open();
    mx_array *a = mx_astype(m->array, MX_FLOAT64);
    bool ok = a && mx_eval1(a);
    if (ok)
        memcpy(out, a->data, sizeof *out);
    mx_scope_close(scope);
    return ok;
}

/* The one number that is not 0. */
static bool only_one(const double *v, int64_t n, double *out) {
    *out = 0;
    for (int64_t i = 0; i < n; i++)
        if (v[i] != 0) {
            if (*out != 0 && v[i] != *out)
                return false;
            *out = v[i];
        }
    return *out != 0;
}

bool mx_meta_number_of_all(const mx_map *meta, const char *key, double *out) {
    const mx_meta *m = mx_map_get(meta, key);
    if (!m || m->kind != MX_META_ARRAY || m->array->ndim != 1)
        return mx_meta_number(meta, key, out);
    mx_scope scope = mx_scope_open();
    mx_array *a = mx_contiguous(mx_astype(m->array, MX_FLOAT64), false);
    bool ok = a && mx_eval1(a) && only_one((const double *)(const void *)a->data, a->size, out);
    mx_scope_close(scope);
    return ok;
}

bool mx_meta_numbers(const mx_meta *m, double *out, int64_t n) {
    if (m->kind != MX_META_ARRAY || m->array->ndim != 1 || m->array->size != n)
        return false;
    mx_scope scope = mx_scope_open();
    mx_array *a = mx_contiguous(mx_astype(m->array, MX_FLOAT64), false);
    bool ok = a && mx_eval1(a);
    if (ok && n)
        memcpy(out, a->data, (size_t)n * sizeof *out);
    mx_scope_close(scope);
    return ok;
}

bool mx_meta_put(mx_map *meta, const char *key, mx_meta *m) {
    void *former = NULL;
    bool ok = m && mx_map_set(meta, key, m, &former);
    mx_meta_free(ok ? former : m);
    return ok;
}

bool mx_meta_put_number(mx_map *meta, const char *key, double v, mx_dtype t) {
    mx_scope scope = mx_scope_open();
    bool ok = mx_meta_put(meta, key, mx_meta_of_array(mx_scalar(v, t)));
    mx_scope_close(scope);
    return ok;
}

bool mx_meta_put_text(mx_map *meta, const char *key, const char *text) {
    return mx_meta_put(meta, key, mx_meta_of_string(text));
}
