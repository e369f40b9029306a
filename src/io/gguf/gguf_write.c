/* Writing GGUF, version 3 (gguf.h has the layout). */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io/gguf/gguf.h"
#include "ops/ops.h"

static bool put_u32(mx_sink *k, uint32_t v) {
    unsigned char b[4];
    for (int i = 0; i < 4; i++)
        b[i] = (unsigned char)(v >> (8 * i));
    return mx_sink_put(k, b, 4);
}

static bool put_u64(mx_sink *k, uint64_t v) {
    return put_u32(k, (uint32_t)v) && put_u32(k, (uint32_t)(v >> 32));
}

static bool put_string(mx_sink *k, const char *s, size_t n) {
    return put_u64(k, n) && mx_sink_put(k, s, n);
}

static bool put_name(mx_sink *k, const char *s) {
    size_t n = strlen(s);
    if (n == 0 || n > GGUF_MAX_NAME)
        return mx_fail(MX_INVALID, "[%s] a name of %zu bytes: 1 to %d are allowed", k->op, n,
                       GGUF_MAX_NAME);
    return put_string(k, s, n);
}

/* --- metadata --------------------------------------------------------------------- */

/* The heads of the arrays that begin with row r; those of level l have row[l] rows. */
static bool put_heads(mx_sink *k, gguf_value type, const mx_array *a, const int64_t *row,
                      int64_t r) {
    bool ok = true;
    for (int l = 0; ok && l < a->ndim; l++)
        if (r % row[l] == 0)
            ok = put_u32(k, l < a->ndim - 1 ? GGUF_ARRAY : type) &&
                 put_u64(k, (uint64_t)a->shape[l]);
    return ok;
}

/* A table is an array of arrays. */
static bool put_table(mx_sink *k, gguf_value type, mx_array *a) {
    int64_t row[GGUF_MAX_TABLE], rows = 1;
    for (int l = a->ndim - 1; l >= 0; l--) {
        row[l] = rows;
        rows *= l ? a->shape[l - 1] : 1;
    }
    mx_scope scope = mx_scope_open();
    mx_array *data = mx_sink_rows(a);
    size_t bytes = (size_t)a->shape[a->ndim - 1] * mx_itemsize(a);
    bool ok = data && put_u32(k, GGUF_ARRAY);
    for (int64_t r = 0; ok && r < rows; r++)
        ok = put_heads(k, type, a, row, r) && mx_sink_put(k, data->data + (size_t)r * bytes, bytes);
    mx_scope_close(scope);
    return ok;
}

static bool put_numbers(mx_sink *k, const char *key, mx_array *a) {
    gguf_value type = gguf_value_of(mx_dtype_of(a));
    if (type == GGUF_VALUES)
        return mx_fail(MX_INVALID, "[%s] '%.80s': metadata cannot be of dtype %s", k->op, key,
                       mx_dtype_name(mx_dtype_of(a)));
    if (a->ndim > GGUF_MAX_TABLE || (a->ndim > 1 && !a->size))
        return mx_fail(MX_INVALID, "[%s] '%.80s': metadata of %d dimensions: %s", k->op, key,
                       a->ndim, a->size ? "at most 4 are possible" : "an empty table");
    if (a->ndim == 0)
        return put_u32(k, type) && mx_sink_array(k, a);
    return put_table(k, type, a);
}

static bool put_strings(mx_sink *k, const mx_meta *m) {
    bool ok = put_u32(k, GGUF_ARRAY) && put_u32(k, GGUF_STRING) && put_u64(k, m->count);
    for (size_t i = 0; ok && i < m->count; i++)
        ok = put_string(k, m->strings[i], m->length[i]);
    return ok;
}

static bool put_meta(mx_sink *k, const char *key, const mx_meta *m) {
    if (!put_name(k, key))
        return false;
    switch (m->kind) {
    case MX_META_ARRAY: return put_numbers(k, key, m->array);
    case MX_META_STRING: return put_u32(k, GGUF_STRING) && put_string(k, m->string, m->length[0]);
    case MX_META_STRINGS: return put_strings(k, m);
    case MX_META_NESTED: return put_u32(k, GGUF_ARRAY) && mx_sink_put(k, m->bytes, m->size);
    }
    return false;
}

/* --- tensors ---------------------------------------------------------------------- */

static uint64_t padding(uint64_t at, uint64_t alignment) {
    return (alignment - at % alignment) % alignment;
}

static bool put_info(mx_sink *k, const gguf_entry *e) {
    bool ok = put_name(k, e->name) && put_u32(k, (uint32_t)e->ndim);
    for (int i = e->ndim - 1; ok && i >= 0; i--)
        ok = put_u64(k, (uint64_t)e->shape[i]);
    return ok && put_u32(k, e->type->id) && put_u64(k, e->offset);
}

static bool put_infos(mx_sink *k, gguf_entry *e, size_t n, uint64_t alignment) {
    uint64_t offset = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        e[i].offset = offset;
        ok = put_info(k, &e[i]);
        offset += e[i].bytes + padding(e[i].bytes, alignment);
    }
    return ok;
}

/* What the metadata says about it, or 32. */
static bool alignment_of(mx_sink *k, const mx_map *meta, uint64_t *alignment) {
    const mx_meta *m = mx_map_get(meta, "general.alignment");
    uint32_t v = m ? 0 : GGUF_ALIGNMENT;
    mx_array *a = m && m->kind == MX_META_ARRAY ? m->array : NULL;
    if (a && a->ndim == 0 && a->dtype == MX_UINT32 && mx_eval1(a))
        memcpy(&v, a->data, sizeof v);
    *alignment = v;
    if (v && v <= GGUF_MAX_ALIGNMENT && (v & (v - 1)) == 0)
        return true;
    return mx_failed()
               ? false
               : mx_fail(MX_INVALID,
                         "[%s] general.alignment is no uint32 that is a power of two up to %u",
                         k->op, GGUF_MAX_ALIGNMENT);
}

bool gguf_put_head(mx_sink *k, const mx_map *meta, gguf_entry *entries, size_t n,
                   uint64_t *alignment) {
    bool ok = alignment_of(k, meta, alignment) && mx_sink_put(k, "GGUF", 4) && put_u32(k, 3) &&
              put_u64(k, n) && put_u64(k, meta->count);
    for (size_t i = 0; ok && i < meta->count; i++)
        ok = put_meta(k, meta->entry[i].key, meta->entry[i].value);
    return ok && put_infos(k, entries, n, *alignment) &&
           mx_sink_zeros(k, (size_t)padding(k->count, *alignment));
}

/* --- arrays by name --------------------------------------------------------------- */

static bool entry_of(mx_sink *k, const char *name, const mx_array *a, gguf_entry *e) {
    *e = (gguf_entry){.name = name,
                      .type = gguf_type_of(mx_dtype_of(a)),
                      .shape = a->shape,
                      .ndim = a->ndim,
                      .bytes = (uint64_t)a->size * mx_itemsize(a)};
    return e->type || mx_fail(MX_UNSUPPORTED, "[%s] '%.80s': dtype %s is not supported", k->op,
                              name, mx_dtype_name(mx_dtype_of(a)));
}

static bool put_all(mx_sink *k, const mx_gguf *g, gguf_entry *e) {
    const mx_map *arrays = &g->arrays;
    uint64_t alignment;
    bool ok = true;
    for (size_t i = 0; ok && i < arrays->count; i++)
        ok = entry_of(k, arrays->entry[i].key, arrays->entry[i].value, &e[i]);
    ok = ok && gguf_put_head(k, &g->meta, e, arrays->count, &alignment);
    for (size_t i = 0; ok && i < arrays->count; i++)
        ok = mx_sink_array(k, arrays->entry[i].value) &&
             mx_sink_zeros(k, (size_t)padding(e[i].bytes, alignment));
    return ok;
}

bool mx_write_gguf(mx_sink *k, void *gguf) {
    const mx_gguf *g = gguf;
    gguf_entry *e = mx_calloc(g->arrays.count + 1, sizeof *e);
    bool ok = e && put_all(k, g, e);
    mx_free(e);
    return ok;
}
