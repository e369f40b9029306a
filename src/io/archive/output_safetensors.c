/* Writing safetensors files, and the index of several (model.safetensors.index.json). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "io/archive/archive.h"
#include "io/safetensors/safetensors.h"

static bool storage(const char *name, mx_storage *out) {
    const st_type *t = st_type_stored(name);
    if (!t || t->dtype == MX_DTYPE_COUNT)
        return false;
    *out = (mx_storage){t->storage, t->dtype, 1, t->bits / 8};
    return true;
}

static bool is_text(mx_sink *k, const char *key, const mx_meta *m) {
    return m->kind == MX_META_STRING ||
           mx_fail(
               MX_INVALID,
               "[%s] '%s': the metadata '%.100s' is no text, and safetensors files hold texts alone",
               k->op, k->name, key);
}

static bool put_head(mx_sink *k, st_entry *e, size_t n, const mx_map *meta) {
    bool ok = true;
    for (size_t i = 0; ok && i < meta->count; i++)
        ok = is_text(k, meta->entry[i].key, meta->entry[i].value);
    return ok && st_put_header(k, e, n, meta);
}

static bool head(mx_sink *k, const mx_archive_writer *w, int part, mx_archive_entry **entry,
                 size_t n, uint64_t *size) {
    st_entry *e = mx_calloc(n + 1, sizeof *e);
    (void)part;
    for (size_t i = 0; e && i < n; i++)
        e[i] = (st_entry){.name = entry[i]->name,
                          .type = st_type_stored(entry[i]->storage.name),
                          .shape = entry[i]->shape,
                          .ndim = entry[i]->ndim,
                          .bytes = entry[i]->bytes,
                          .place = i};
    if (e)
        st_arrange(e, n);
    bool ok = e && put_head(k, e, n, &w->meta);
    *size = k->count;
    for (size_t i = 0; ok && i < n; i++) {
        entry[e[i].place]->at = k->count + e[i].begin;
        *size += e[i].bytes;
    }
    mx_free(e);
    return ok;
}

/* --- the index ------------------------------------------------------------------------------ */

static json_t *index_of(const mx_archive_writer *w) {
    json_t *weights = json_object();
    uint64_t total = 0;
    bool ok = weights;
    for (size_t i = 0; ok && i < w->count; i++) {
        const char *path = w->file_path[w->entry[i].part], *slash = strrchr(path, '/');
        ok = json_object_set_new(weights, w->entry[i].name,
                                 json_string(slash ? slash + 1 : path)) == 0;
        total += w->entry[i].bytes;
    }
    if (ok)
        return json_pack("{s:{s:I}, s:o}", "metadata", "total_size", (json_int_t)total,
                         "weight_map", weights);
    json_decref(weights);
    return NULL;
}

static bool put_text(mx_sink *k, void *text) {
    return mx_sink_put(k, text, strlen(text)) && mx_sink_put(k, "\n", 1);
}

static bool write_index(const mx_archive_writer *w) {
    mx_text path = {0};
    json_t *root = index_of(w);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL, *to = NULL;
    json_decref(root);
    mx_text_add(&path, "%s.index.json", w->path);
    to = mx_text_take(&path);
    bool ok = text && to && mx_sink_file("file_writer", to, "", put_text, text);
    if (!ok)
        mx_fail_nomem("file_writer", 0); // unless another reason is known
    mx_free(to);
    free(text);
    return ok;
}

const mx_archive_output mx_output_safetensors = {"safetensors", ".safetensors", storage, head,
                                                 write_index};
