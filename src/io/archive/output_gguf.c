/* Writing GGUF files, also as several: each has its tensors, the first one all metadata, and all of
 * them split.no, split.count and split.tensors.count. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "io/archive/archive.h"
#include "io/gguf/gguf.h"

static bool storage(const char *name, mx_storage *out) {
    const gguf_type *t = gguf_type_stored(name);
    if (!t)
        return false;
    *out = (mx_storage){t->storage, t->block ? MX_UINT8 : t->dtype, t->items, t->bytes};
    return true;
}

static bool put_head(mx_sink *k, gguf_entry *e, mx_archive_entry **entry, size_t n,
                     const mx_map *meta, uint64_t *size) {
    uint64_t alignment;
    for (size_t i = 0; i < n; i++)
        e[i] = (gguf_entry){.name = entry[i]->name,
                            .type = gguf_type_stored(entry[i]->storage.name),
                            .shape = entry[i]->shape,
                            .ndim = entry[i]->ndim,
                            .bytes = entry[i]->bytes};
    if (!gguf_put_head(k, meta, e, n, &alignment))
        return false;
    *size = k->count;
    for (size_t i = 0; i < n; i++) {
        entry[i]->at = k->count + e[i].offset;
        *size = entry[i]->at + (e[i].bytes + alignment - 1) / alignment * alignment;
    }
    return true;
}

/* --- the metadata of a part ------------------------------------------------------------------ */

static bool set_number(mx_map *meta, const char *key, int64_t v, mx_dtype t, mx_map *own) {
    mx_meta *m = mx_meta_of_array(mx_scalar_i64(v, t));
    if (m && mx_map_set(own, key, m, NULL))
        return mx_map_set(meta, key, m, NULL);
    mx_meta_free(m);
    return false;
}

/* own: what was made here. */
static bool meta_of_part(const mx_archive_writer *w, int part, mx_map *out, mx_map *own) {
    const mx_map *all = &w->meta;
    bool ok = true;
    for (size_t i = 0; ok && part == 0 && i < all->count; i++)
        ok = mx_map_set(out, all->entry[i].key, all->entry[i].value, NULL);
    mx_meta *alignment = mx_map_get(all, "general.alignment");
    if (ok && alignment)
        ok = mx_map_set(out, "general.alignment", alignment, NULL);
    return ok && (w->parts == 1 ||
                  (set_number(out, "split.no", part, MX_UINT16, own) &&
                   set_number(out, "split.count", w->parts, MX_UINT16, own) &&
                   set_number(out, "split.tensors.count", (int64_t)w->count, MX_INT32, own)));
}

static bool head(mx_sink *k, const mx_archive_writer *w, int part, mx_archive_entry **entry,
                 size_t n, uint64_t *size) {
    mx_map meta = {0}, own = {0};
    mx_scope scope = mx_scope_open();
    gguf_entry *e = mx_calloc(n + 1, sizeof *e);
    bool ok = e && meta_of_part(w, part, &meta, &own) && put_head(k, e, entry, n, &meta, size);
    mx_free(e);
    mx_map_free(&meta, NULL);
    mx_map_free(&own, mx_meta_free);
    mx_scope_close(scope);
    return ok;
}

const mx_archive_output mx_output_gguf = {"gguf", ".gguf", storage, head, NULL};
