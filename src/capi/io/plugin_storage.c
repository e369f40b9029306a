/* plugin.h: storages that programs add. A list that grows at its head and never shrinks. */
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"
#include "capi/io/plugin.h"
#include "graph/eval/eval.h"
#include "io/gguf/gguf.h"
#include "io/safetensors/safetensors.h"
#include "ops/ops.h"

typedef struct row {
    struct row *next;
    mlx_plugin_storage storage;
} row;

static _Atomic(row *) added;

void *capi_plugin_copy(const char *op, const void *given, size_t known) {
    size_t size;
    if (!given)
        return mx_fail(MX_INVALID, "[%s] the plug-in is NULL", op);
    memcpy(&size, given, sizeof size);
    if (size != known)
        return mx_fail(
            MX_INVALID,
            "[%s] the plug-in's struct has %zu bytes, %zu are known: it was compiled for another "
            "version",
            op, size, known);
    void *copy = mx_malloc(known);
    if (copy)
        memcpy(copy, given, known);
    return copy;
}

const mlx_plugin_storage *capi_storage(const char *name) {
    for (const row *r = atomic_load(&added); r; r = r->next)
        if (strcmp(r->storage.name, name) == 0)
            return &r->storage;
    return NULL;
}

/* --- adding --------------------------------------------------------------------------- */

static bool is_good(const mlx_plugin_storage *s) {
    static const char op[] = "storage_register";
    if (!s->name || !*s->name || strlen(s->name) > 64)
        return mx_fail(MX_INVALID, "[%s] a storage needs a name of 1 to 64 bytes", op);
    if (s->items < 1 || s->bytes < 1 || s->items > 1 << 16 || s->bytes > 1 << 20)
        return mx_fail(MX_INVALID, "[%s] '%s': blocks of %d elements in %d bytes are not possible",
                       op, s->name, s->items, s->bytes);
    if (capi_dtype(s->dtype) == MX_DTYPE_COUNT)
        return false;
    if (!s->load)
        return mx_fail(MX_INVALID, "[%s] '%s': the function load is NULL", op, s->name);
    if (st_type_stored(s->name) || gguf_type_stored(s->name) || capi_storage(s->name))
        return mx_fail(MX_INVALID, "[%s] there is a storage '%s' already", op, s->name);
    return true;
}

static bool add(row *r) {
    do {
        r->next = atomic_load(&added);
        if (!is_good(&r->storage))
            return false;
    } while (!atomic_compare_exchange_strong(&added, &r->next, r));
    return true;
}

static bool add_copy(const mlx_plugin_storage *given) {
    mlx_plugin_storage *copy = capi_plugin_copy("storage_register", given, sizeof *given);
    row *r = copy && is_good(copy) ? mx_calloc(1, sizeof *r) : NULL;
    if (r) {
        r->storage = *copy;
        r->storage.name = mx_strdup(copy->name);
    }
    bool ok = r && r->storage.name && add(r);
    if (!ok && r) {
        mx_free((void *)(uintptr_t)r->storage.name);
        mx_free(r);
    }
    mx_free(copy);
    return ok;
}

int mlx_storage_register(const mlx_plugin_storage *storage) {
    mx_error_clear();
    return capi_done(add_copy(storage));
}

/* --- using ------------------------------------------------------------------------------ */

/* The other side of a row, empty: *n blocks. */
static mx_array *other_side(const mlx_plugin_storage *s, const mx_array *a, bool loads, size_t *n) {
    int shape[MX_MAX_NDIM], here = loads ? s->bytes : s->items, there = loads ? s->items : s->bytes;
    int last = a->ndim ? a->shape[a->ndim - 1] : 0;
    if (!a->ndim || last % here)
        return mx_fail(MX_INVALID,
                       "[storage] rows of %d are no whole blocks of '%s', which have %d", last,
                       s->name, here);
    int64_t wide = (int64_t)(last / here) * there;
    if (wide > INT32_MAX)
        return mx_fail(MX_RANGE, "[storage] rows of %lld are too long", (long long)wide);
    memcpy(shape, a->shape, (size_t)a->ndim * sizeof *shape);
    shape[a->ndim - 1] = (int)wide;
    *n = (size_t)(a->size / here);
    return mx_array_empty(shape, a->ndim, loads ? (mx_dtype)s->dtype : MX_UINT8);
}

static mx_array *convert(const mlx_plugin_storage *s, mx_array *a, bool loads) {
    size_t n = 0;
    mx_dtype need = loads ? MX_UINT8 : (mx_dtype)s->dtype;
    if (a && mx_dtype_of(a) != need)
        return mx_fail(MX_INVALID, "[storage] '%s' is made of %s, not of %s", s->name,
                       mx_dtype_name(need), mx_dtype_name(mx_dtype_of(a)));
    mx_array *rows = a ? mx_contiguous(a, false) : NULL,
             *out = rows ? other_side(s, rows, loads, &n) : NULL;
    if (!out || !mx_eval1(rows))
        return NULL;
    capi_callback c = capi_callback_begin();
    int status = n ? (loads ? s->load : s->store)(out->data, rows->data, n) : 0;
    return capi_callback_end(c, "storage", status) ? out : NULL;
}

mx_array *capi_storage_load(const mlx_plugin_storage *s, mx_array *blocks) {
    return convert(s, blocks, true);
}

mx_array *capi_storage_store(const mlx_plugin_storage *s, mx_array *elements) {
    return s->store
               ? convert(s, elements, false)
               : mx_fail(MX_UNSUPPORTED,
                         "[storage] '%s' cannot be written: its function store is NULL", s->name);
}

static const mlx_plugin_storage *named(const char *name) {
    const mlx_plugin_storage *s =
        name && !mx_failed() ? capi_storage(name) : NULL; // a bad stream is an error already
    return s ? s
             : mx_fail(MX_INVALID, "[storage] there is no storage '%.100s' of a plug-in",
                       name ? name : "NULL");
}

int mlx_storage_load(mlx_array *res, const char *name, const mlx_array blocks, const mlx_stream s) {
    capi_call c = capi_begin(s);
    const mlx_plugin_storage *how = named(name);
    return capi_end(&c, res, how ? capi_storage_load(how, capi_in(blocks)) : NULL);
}

int mlx_storage_store(mlx_array *res, const char *name, const mlx_array elements,
                      const mlx_stream s) {
    capi_call c = capi_begin(s);
    const mlx_plugin_storage *how = named(name);
    return capi_end(&c, res, how ? capi_storage_store(how, capi_in(elements)) : NULL);
}
