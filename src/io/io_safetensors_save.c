/* Writing safetensors: the header, then one tensor at a time. Larger elements come first, so
 * that every tensor is aligned; the header is padded with blanks to a multiple of 8. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval.h"
#include "io/io.h"
#include "io/safetensors.h"
#include "ops/ops.h"

#define OP "[save_safetensors] "

typedef struct item {
    const char *name;
    mx_array *a;
    size_t place; /* in the map */
} item;

static int larger_first(const void *a, const void *b) {
    const item *x = a, *y = b;
    size_t sx = mx_itemsize(x->a), sy = mx_itemsize(y->a);
    return sx != sy ? (sx < sy) - (sx > sy) : (x->place > y->place) - (x->place < y->place);
}

static item *sorted_items(const mx_map *arrays) {
    item *items = mx_calloc(arrays->count + 1, sizeof *items);
    for (size_t i = 0; items && i < arrays->count; i++)
        items[i] = (item){arrays->entry[i].key, arrays->entry[i].value, i};
    if (items)
        qsort(items, arrays->count, sizeof *items, larger_first);
    return items;
}

/* --- the header ------------------------------------------------------------------- */

static json_t *shape_of(const mx_array *a) {
    json_t *shape = json_array();
    bool ok = shape;
    for (int i = 0; i < a->ndim && ok; i++)
        ok = json_array_append_new(shape, json_integer(a->shape[i])) == 0;
    if (ok)
        return shape;
    json_decref(shape);
    return NULL;
}

static json_t *entry_of(const mx_array *a, uint64_t begin) {
    uint64_t end = begin + (uint64_t)a->size * mx_itemsize(a);
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", st_dtype_name(mx_dtype_of(a)), "shape",
                     shape_of(a), "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static bool refuse_name(const char *name) {
    return mx_fail(MX_INVALID, OP "the name '%s' cannot be written: it is %s", name,
                   strcmp(name, ST_METADATA) == 0 ? "reserved"
                                                  : "not valid UTF-8, or memory ran out");
}

static bool add_metadata(json_t *header, const mx_map *metadata) {
    if (!metadata || !metadata->count)
        return true;
    json_t *pairs = json_object();
    for (size_t i = 0; pairs && i < metadata->count; i++)
        if (json_object_set_new(pairs, metadata->entry[i].key,
                                json_string(metadata->entry[i].value))) {
            json_decref(pairs);
            return refuse_name(metadata->entry[i].key);
        }
    return (pairs && json_object_set_new(header, ST_METADATA, pairs) == 0) ||
           mx_fail_nomem("save_safetensors", 0);
}

static bool add_entries(json_t *header, const item *items, size_t n) {
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].name, ST_METADATA) == 0 ||
            json_object_set_new(header, items[i].name, entry_of(items[i].a, at)))
            return refuse_name(items[i].name);
        at += (uint64_t)items[i].a->size * mx_itemsize(items[i].a);
    }
    return true;
}

static char *header_text(const item *items, size_t n, const mx_map *metadata) {
    json_t *header = json_object();
    char *text = NULL;
    if (header && add_metadata(header, metadata) && add_entries(header, items, n))
        text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    if (!text)
        mx_fail_nomem("save_safetensors", 0);
    return text;
}

static bool put_header(mx_sink *k, const char *text) {
    static const char blanks[ST_LENGTH] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
    unsigned char first[ST_LENGTH];
    size_t n = strlen(text), pad = -n % ST_LENGTH;
    if (n + pad > ST_MOST_HEADER)
        return mx_fail(MX_RANGE, OP "the header would have %zu bytes, the format allows %d",
                       n + pad, ST_MOST_HEADER);
    for (int i = 0; i < ST_LENGTH; i++)
        first[i] = (unsigned char)((uint64_t)(n + pad) >> 8 * i);
    return mx_sink_put(k, first, ST_LENGTH) && mx_sink_put(k, text, n) &&
           mx_sink_put(k, blanks, pad);
}

/* --- the data --------------------------------------------------------------------- */

/* Evaluation may fail: all of it comes before the first byte is written. */
static bool evaluate(const item *items, size_t n) {
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = mx_eval1(items[i].a);
    return ok;
}

static bool write_all(mx_sink *k, const item *items, size_t n, const mx_map *metadata) {
    char *text = evaluate(items, n) ? header_text(items, n, metadata) : NULL;
    bool ok = text && put_header(k, text);
    free(text);
    for (size_t i = 0; i < n && ok; i++)
        ok = mx_sink_array(k, items[i].a);
    return ok;
}

bool mx_save_safetensors_to(mx_sink *k, const mx_map *arrays, const mx_map *metadata) {
    item *items = sorted_items(arrays);
    bool ok = items && write_all(k, items, arrays->count, metadata);
    mx_free(items);
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
