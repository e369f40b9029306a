/* Writing safetensors: the header, then one tensor at a time. Larger elements come first, so
 * that every tensor is aligned; the header is padded with blanks to a multiple of 8. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/array/again.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io/io.h"
#include "io/safetensors/safetensors.h"
#include "ops/ops.h"

/* --- the order of the data ---------------------------------------------------------- */

static int larger_first(const void *a, const void *b) {
    const st_entry *x = a, *y = b;
    int sx = x->type->bits, sy = y->type->bits;
    return sx != sy ? (sx < sy) - (sx > sy) : (x->place > y->place) - (x->place < y->place);
}

void st_arrange(st_entry *entries, size_t n) {
    uint64_t at = 0;
    if (n)
        qsort(entries, n, sizeof *entries, larger_first);
    for (size_t i = 0; i < n; i++) {
        entries[i].begin = at;
        at += entries[i].bytes;
    }
}

/* --- the header ------------------------------------------------------------------- */

static json_t *shape_of(const st_entry *e) {
    json_t *shape = json_array();
    bool ok = shape;
    for (int i = 0; i < e->ndim && ok; i++)
        ok = json_array_append_new(shape, json_integer(e->shape[i])) == 0;
    if (ok)
        return shape;
    json_decref(shape);
    return NULL;
}

static json_t *entry_of(const st_entry *e) {
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", e->type->name, "shape", shape_of(e),
                     "data_offsets", (json_int_t)e->begin, (json_int_t)(e->begin + e->bytes));
}

static bool refuse_name(const mx_sink *k, const char *name) {
    return mx_fail(MX_INVALID, "[%s] the name '%s' cannot be written: it is %s", k->op, name,
                   strcmp(name, ST_METADATA) == 0 ? "reserved"
                                                  : "not valid UTF-8, or memory ran out");
}

static bool add_metadata(const mx_sink *k, json_t *header, const mx_map *metadata) {
    if (!metadata || !metadata->count)
        return true;
    json_t *pairs = json_object();
    for (size_t i = 0; pairs && i < metadata->count; i++) {
        const mx_meta *m = metadata->entry[i].value;
        if (json_object_set_new(pairs, metadata->entry[i].key,
                                json_stringn(m->string, m->length[0]))) {
            json_decref(pairs);
            return refuse_name(k, metadata->entry[i].key);
        }
    }
    return (pairs && json_object_set_new(header, ST_METADATA, pairs) == 0) ||
           mx_fail_nomem(k->op, 0);
}

static bool add_entries(const mx_sink *k, json_t *header, const st_entry *entries, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(entries[i].name, ST_METADATA) == 0 ||
            json_object_set_new(header, entries[i].name, entry_of(&entries[i])))
            return refuse_name(k, entries[i].name);
    return true;
}

static char *header_text(const mx_sink *k, const st_entry *entries, size_t n,
                         const mx_map *metadata) {
    json_t *header = json_object();
    char *text = NULL;
    if (header && add_metadata(k, header, metadata) && add_entries(k, header, entries, n))
        text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    if (!text)
        mx_fail_nomem(k->op, 0);
    return text;
}

static bool put_text(mx_sink *k, const char *text) {
    static const char blanks[ST_LENGTH] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
    unsigned char first[ST_LENGTH];
    size_t n = strlen(text), pad = -n % ST_LENGTH;
    if (n + pad > ST_MOST_HEADER)
        return mx_fail(MX_RANGE, "[%s] the header would have %zu bytes, the format allows %d",
                       k->op, n + pad, ST_MOST_HEADER);
    for (int i = 0; i < ST_LENGTH; i++)
        first[i] = (unsigned char)((uint64_t)(n + pad) >> 8 * i);
    return mx_sink_put(k, first, ST_LENGTH) && mx_sink_put(k, text, n) &&
           mx_sink_put(k, blanks, pad);
}

bool st_put_header(mx_sink *k, const st_entry *entries, size_t n, const mx_map *metadata) {
    char *text = header_text(k, entries, n, metadata);
    bool ok = text && put_text(k, text);
    free(text);
    return ok;
}

/* --- arrays by name ------------------------------------------------------------------ */

static st_entry *entries_of(const mx_map *arrays) {
    st_entry *e = mx_calloc(arrays->count + 1, sizeof *e);
    for (size_t i = 0; e && i < arrays->count; i++) {
        const mx_array *a = arrays->entry[i].value;
        e[i] = (st_entry){.name = arrays->entry[i].key,
                          .type = st_type_of(mx_dtype_of(a)),
                          .shape = a->shape,
                          .ndim = a->ndim,
                          .bytes = (uint64_t)a->size * mx_itemsize(a),
                          .place = i};
    }
    if (e)
        st_arrange(e, arrays->count);
    return e;
}

/* Evaluation may fail: all of it comes before the first byte is written, but what is in files is
   read when its turn comes, and let go. */
static bool evaluate(const mx_map *arrays) {
    bool ok = true;
    for (size_t i = 0; i < arrays->count && ok; i++) {
        mx_scope scope = mx_scope_open();
        if (!mx_again(arrays->entry[i].value))
            ok = !mx_failed() && mx_eval1(arrays->entry[i].value);
        mx_scope_close(scope);
    }
    return ok;
}

/* Strings as texts of metadata. */
static bool texts_of(const mx_map *strings, mx_map *out) {
    for (size_t i = 0; strings && i < strings->count; i++) {
        mx_meta *text = mx_meta_of_string(strings->entry[i].value);
        if (!text || !mx_map_set(out, strings->entry[i].key, text, NULL)) {
            mx_meta_free(text);
            return false;
        }
    }
    return true;
}

static bool write_all(mx_sink *k, const st_entry *entries, const mx_map *arrays,
                      const mx_map *metadata) {
    mx_map texts = {0};
    bool ok = evaluate(arrays) && texts_of(metadata, &texts) &&
              st_put_header(k, entries, arrays->count, &texts);
    mx_map_free(&texts, mx_meta_free);
    for (size_t i = 0; i < arrays->count && ok; i++)
        ok = mx_sink_array(k, arrays->entry[entries[i].place].value);
    return ok;
}

bool mx_save_safetensors_to(mx_sink *k, const mx_map *arrays, const mx_map *metadata) {
    st_entry *entries = entries_of(arrays);
    bool ok = entries && write_all(k, entries, arrays, metadata);
    mx_free(entries);
    return ok;
}

typedef struct contents {
    const mx_map *arrays, *metadata;
} contents;

static bool write_contents(mx_sink *k, void *what) {
    const contents *c = what;
    return mx_save_safetensors_to(k, c->arrays, c->metadata);
}

bool mx_save_safetensors(const char *path, const mx_map *arrays, const mx_map *metadata) {
    return mx_sink_file("save_safetensors", path, "", write_contents,
                        &(contents){arrays, metadata});
}
