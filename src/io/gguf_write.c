/* Writing GGUF, version 3 (gguf.h has the layout). */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval.h"
#include "graph/scope.h"
#include "io/gguf.h"
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

static bool put_string(mx_sink *k, const char *s) {
    size_t n = strlen(s);
    return put_u64(k, n) && mx_sink_put(k, s, n);
}

static bool put_name(mx_sink *k, const char *s) {
    size_t n = strlen(s);
    if (n == 0 || n > GGUF_MAX_NAME)
        return mx_fail(MX_INVALID, "[%s] a name of %zu bytes: 1 to %d are allowed", k->op, n,
                       GGUF_MAX_NAME);
    return put_string(k, s);
}

/* --- metadata --------------------------------------------------------------------- */

/* A number, or an array of one axis. */
static bool put_numbers(mx_sink *k, const char *key, mx_array *a) {
    gguf_value type = gguf_value_of(mx_dtype_of(a));
    if (type == GGUF_VALUES)
        return mx_fail(MX_INVALID, "[%s] '%.80s': metadata cannot be of dtype %s", k->op, key,
                       mx_dtype_name(mx_dtype_of(a)));
    if (a->ndim > 1)
        return mx_fail(MX_INVALID, "[%s] '%.80s': metadata of %d dimensions, more than 1", k->op,
                       key, a->ndim);
    bool head = a->ndim == 0
                    ? put_u32(k, type)
                    : put_u32(k, GGUF_ARRAY) && put_u32(k, type) && put_u64(k, (uint64_t)a->size);
    return head && mx_sink_array(k, a);
}

static bool put_strings(mx_sink *k, const mx_meta *m) {
    bool ok = put_u32(k, GGUF_ARRAY) && put_u32(k, GGUF_STRING) && put_u64(k, m->count);
    for (size_t i = 0; ok && i < m->count; i++)
        ok = put_string(k, m->strings[i]);
    return ok;
}

static bool put_meta(mx_sink *k, const char *key, const mx_meta *m) {
    if (!put_name(k, key))
        return false;
    switch (m->kind) {
    case MX_META_ARRAY: return put_numbers(k, key, m->array);
    case MX_META_STRING: return put_u32(k, GGUF_STRING) && put_string(k, m->string);
    case MX_META_STRINGS: return put_strings(k, m);
    }
    return false;
}

/* --- tensors ---------------------------------------------------------------------- */

static uint64_t bytes_of(const mx_array *a) {
    return (uint64_t)a->size * mx_itemsize(a);
}

static uint64_t padding(uint64_t at, uint64_t alignment) {
    return (alignment - at % alignment) % alignment;
}

static bool put_info(mx_sink *k, const char *name, const mx_array *a, uint64_t offset) {
    const gguf_type *type = gguf_type_of(mx_dtype_of(a));
    if (!type)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%.80s': dtype %s is not supported", k->op, name,
                       mx_dtype_name(mx_dtype_of(a)));
    bool ok = put_name(k, name) && put_u32(k, (uint32_t)a->ndim);
    for (int i = a->ndim - 1; ok && i >= 0; i--)
        ok = put_u64(k, (uint64_t)a->shape[i]);
    return ok && put_u32(k, type->id) && put_u64(k, offset);
}

static bool put_infos(mx_sink *k, const mx_map *arrays, uint64_t alignment) {
    uint64_t offset = 0;
    for (size_t i = 0; i < arrays->count; i++) {
        const mx_array *a = arrays->entry[i].value;
        if (!put_info(k, arrays->entry[i].key, a, offset))
            return false;
        offset += bytes_of(a) + padding(bytes_of(a), alignment);
    }
    return true;
}

static bool put_data(mx_sink *k, const mx_map *arrays, uint64_t alignment) {
    bool ok = mx_sink_zeros(k, (size_t)padding(k->count, alignment));
    for (size_t i = 0; ok && i < arrays->count; i++) {
        mx_array *a = arrays->entry[i].value;
        ok = mx_sink_array(k, a) && mx_sink_zeros(k, (size_t)padding(bytes_of(a), alignment));
    }
    return ok;
}

/* --- the file --------------------------------------------------------------------- */

/* What the metadata says about it, or 32. */
static bool alignment_of(mx_sink *k, const mx_gguf *g, uint64_t *alignment) {
    const mx_meta *m = mx_map_get(&g->meta, "general.alignment");
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

bool mx_write_gguf(mx_sink *k, void *gguf) {
    const mx_gguf *g = gguf;
    uint64_t alignment;
    bool ok = alignment_of(k, g, &alignment) && mx_sink_put(k, "GGUF", 4) && put_u32(k, 3) &&
              put_u64(k, g->arrays.count) && put_u64(k, g->meta.count);
    for (size_t i = 0; ok && i < g->meta.count; i++)
        ok = put_meta(k, g->meta.entry[i].key, g->meta.entry[i].value);
    return ok && put_infos(k, &g->arrays, alignment) && put_data(k, &g->arrays, alignment);
}
