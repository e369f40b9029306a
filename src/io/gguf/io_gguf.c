/* GGUF files: reading (gguf.h has the layout). Metadata is copied; tensors of plain types are read
 * when they are evaluated, quantized ones are repacked or unpacked at once (gguf_blocks.c). */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "io/gguf/gguf.h"

/* --- a cursor over the bytes ------------------------------------------------------ */

typedef struct reader {
    mx_source *s;
    size_t at;
    mx_map *meta; /* mx_meta by key */
    size_t alignment;
    bool swapped; /* big-endian */
} reader;

static bool read_u32(reader *r, uint32_t *v, const char *what) {
    if (!mx_source_get(r->s, r->at, 4, what))
        return false;
    *v = mx_le32(r->s->data + r->at);
    *v = r->swapped ? __builtin_bswap32(*v) : *v;
    r->at += 4;
    return true;
}

static bool read_u64(reader *r, uint64_t *v, const char *what) {
    if (!mx_source_get(r->s, r->at, 8, what))
        return false;
    *v = mx_le64(r->s->data + r->at);
    *v = r->swapped ? __builtin_bswap64(*v) : *v;
    r->at += 8;
    return true;
}

/* A copy that ends in 0, for mx_free, and has *length bytes before it. */
static char *read_string(reader *r, const char *what, size_t *length) {
    uint64_t n;
    if (!read_u64(r, &n, what) || !mx_source_get(r->s, r->at, n, what))
        return NULL;
    char *text = mx_malloc((size_t)n + 1);
    if (!text)
        return NULL;
    memcpy(text, r->s->data + r->at, (size_t)n);
    text[n] = 0;
    r->at += (size_t)n;
    *length = (size_t)n;
    return text;
}

/* A key or a name: short, not empty, without a 0. */
static char *read_name(reader *r, const char *what) {
    size_t at = r->at, n = 0;
    char *name = read_string(r, what, &n);
    if (!name)
        return NULL;
    if (n > 0 && n <= GGUF_MAX_NAME && strlen(name) == n)
        return name;
    mx_source_fail(r->s, at, "%s of %zu bytes is empty, too long or has a 0 inside", what, n);
    mx_free(name);
    return NULL;
}

/* --- metadata --------------------------------------------------------------------- */

static void swap_each(char *p, size_t n, size_t size) {
    for (size_t i = 0; i < n; i++, p += size)
        for (size_t j = 0; j < size / 2; j++) {
            char c = p[j];
            p[j] = p[size - 1 - j];
            p[size - 1 - j] = c;
        }
}

/* n numbers at the cursor, which there are, to a. */
static bool copy_numbers(reader *r, char *to, mx_dtype t, size_t n) {
    size_t bytes = n * mx_dtype_size(t);
    if (!mx_source_get(r->s, r->at, bytes, "a value of the metadata"))
        return false;
    const unsigned char *from = r->s->data + r->at;
    for (size_t i = 0; t == MX_BOOL && i < n; i++)
        if (from[i] > 1) {
            mx_source_fail(r->s, r->at + i, "%u is not a boolean", from[i]);
            return false;
        }
    r->at += bytes;
    if (bytes)
        memcpy(to, from, bytes);
    if (r->swapped)
        swap_each(to, n, mx_dtype_size(t));
    return true;
}

/* A copy: metadata should not hold the file. */
static mx_array *read_numbers(reader *r, mx_dtype t, const int *count, int ndim) {
    size_t n = (size_t)(ndim ? *count : 1);
    if (!mx_source_get(r->s, r->at, n * mx_dtype_size(t), "a value of the metadata"))
        return NULL;
    mx_array *a = mx_array_empty(count, ndim, t);
    return a && copy_numbers(r, a->data, t, n) ? a : NULL;
}

static mx_meta *read_number(reader *r, mx_dtype t, const int *count, int ndim) {
    mx_scope scope = mx_scope_open();
    mx_array *a = read_numbers(r, t, count, ndim);
    mx_meta *m = a ? mx_meta_of_array(a) : NULL;
    mx_scope_close(scope);
    return m;
}

/* Passes over n strings: the bytes that they need with a 0 behind each; 0 and an error: they are
   not all there. */
static size_t pass_strings(reader *r, uint64_t n) {
    static const char what[] = "a string of the metadata";
    size_t bytes = 1;
    uint64_t each;
    for (uint64_t i = 0; i < n; i++) {
        if (!read_u64(r, &each, what) || !mx_source_get(r->s, r->at, each, what))
            return 0;
        r->at += (size_t)each;
        bytes += (size_t)each + 1; // less than the file has
    }
    return bytes;
}

/* Those behind the cursor, which are there, one after the other. */
static void copy_strings(reader *r, mx_meta *m, uint64_t n) {
    char *to = m->string;
    uint64_t each = 0;
    for (; m->count < n; m->count++) {
        read_u64(r, &each, "a string of the metadata");
        memcpy(to, r->s->data + r->at, (size_t)each);
        m->strings[m->count] = to;
        m->length[m->count] = (size_t)each;
        to += each;
        *to++ = 0;
        r->at += (size_t)each;
    }
}

/* Vocabularies have many: all lie in one block. */
static mx_meta *read_strings(reader *r, uint64_t n) {
    size_t at = r->at, bytes = pass_strings(r, n);
    mx_meta *m = bytes ? mx_meta_room(MX_META_STRINGS, (size_t)n) : NULL;
    if (m && !(m->string = mx_malloc(bytes))) {
        mx_meta_free(m);
        return NULL;
    }
    r->at = at;
    if (m)
        copy_strings(r, m, n);
    return m;
}

/* --- arrays of arrays: tables of numbers -------------------------------------------- */

typedef struct table {
    uint32_t type; /* of the numbers */
    int ndim, shape[GGUF_MAX_TABLE];
} table;

static bool read_array_head(reader *r, uint32_t *type, uint64_t *n) {
    size_t at = r->at;
    if (!read_u32(r, type, "the type of an array") || !read_u64(r, n, "the length of an array"))
        return false;
    if (*n <= INT_MAX)
        return true;
    mx_source_fail(r->s, at, "an array of more than %d values", INT_MAX);
    return false;
}

/* The first array of each level says the shape; r stands behind the first head. */
static bool read_table_shape(reader *r, uint64_t n, table *t) {
    reader ahead = *r;
    t->shape[t->ndim++] = (int)n;
    for (t->type = GGUF_ARRAY; t->type == GGUF_ARRAY && n; t->shape[t->ndim++] = (int)n) {
        if (t->ndim == GGUF_MAX_TABLE) {
            mx_source_fail(r->s, ahead.at, "arrays of the metadata are nested more than %d deep",
                           GGUF_MAX_TABLE);
            return false;
        }
        if (!read_array_head(&ahead, &t->type, &n))
            return false;
    }
    if (gguf_value_dtype(t->type) != MX_DTYPE_COUNT)
        return true;
    mx_source_fail(r->s, r->at, "an array of arrays of the metadata is no table of numbers");
    return false;
}

/* The arrays of a level, in order, behind its head. */
static bool read_level(reader *r, const table *t, int level, char **to) {
    mx_dtype d = gguf_value_dtype(t->type);
    if (level >= GGUF_MAX_TABLE - 1 || level == t->ndim - 1) { // the first for gcc 12, which warns
        bool ok = copy_numbers(r, *to, d, (size_t)t->shape[level]);
        *to += (size_t)t->shape[level] * mx_dtype_size(d);
        return ok;
    }
    for (int i = 0; i < t->shape[level]; i++) {
        uint32_t type, want = level + 2 < t->ndim ? GGUF_ARRAY : t->type;
        uint64_t n;
        size_t at = r->at;
        if (!read_array_head(r, &type, &n))
            return false;
        if (type != want || n != (uint64_t)t->shape[level + 1]) {
            mx_source_fail(r->s, at, "an array of arrays of the metadata is no table of numbers");
            return false;
        }
        if (!read_level(r, t, level + 1, to))
            return false;
    }
    return true;
}

static mx_array *table_array(reader *r, uint64_t n) {
    table t = {0};
    int64_t size = 0;
    if (!read_table_shape(r, n, &t))
        return NULL;
    if (!mx_shape_size(t.shape, t.ndim, 8, &size))
        return mx_source_fail(r->s, r->at, "a table of the metadata is too large");
    if (!mx_source_has(r->s, r->at, (uint64_t)size * mx_dtype_size(gguf_value_dtype(t.type)),
                       "a table of the metadata"))
        return NULL;
    mx_array *a = mx_array_empty(t.shape, t.ndim, gguf_value_dtype(t.type));
    char *to = a ? a->data : NULL;
    return a && read_level(r, &t, 0, &to) ? a : NULL;
}

/* What is no table is kept as it lies. */
static mx_meta *read_table(reader *r, uint64_t n) {
    mx_scope scope = mx_scope_open();
    size_t at = r->at;
    mx_array *a = table_array(r, n);
    mx_meta *m = a ? mx_meta_of_array(a) : NULL;
    mx_scope_close(scope);
    if (m || mx_error_status() != MX_FORMAT)
        return m;
    mx_error_clear();
    r->at = at;
    return gguf_nested(r->s, &r->at, n, r->swapped);
}

static mx_meta *read_array(reader *r) {
    uint32_t type;
    uint64_t n;
    size_t at = r->at;
    if (!read_u32(r, &type, "an array of the metadata") ||
        !read_u64(r, &n, "an array of the metadata"))
        return NULL;
    mx_dtype t = gguf_value_dtype(type);
    if (t == MX_DTYPE_COUNT && type != GGUF_STRING && type != GGUF_ARRAY)
        return mx_source_fail(r->s, at, "an array of values of type %u cannot be read", type);
    size_t least = type == GGUF_ARRAY ? 12 : type == GGUF_STRING ? 8 : mx_dtype_size(t);
    if (n > INT_MAX || !mx_source_has(r->s, r->at, n * least, "an array of the metadata"))
        return n > INT_MAX ? mx_source_fail(r->s, at, "an array of more than %d values", INT_MAX)
                           : NULL;
    if (type == GGUF_ARRAY)
        return read_table(r, n);
    return type == GGUF_STRING ? read_strings(r, n) : read_number(r, t, &(int){(int)n}, 1);
}

static mx_meta *read_string_value(reader *r) {
    mx_meta *m = mx_meta_room(MX_META_STRING, 0);
    if (m && !(m->string = read_string(r, "a string of the metadata", m->length))) {
        mx_meta_free(m);
        return NULL;
    }
    return m;
}

static mx_meta *read_value(reader *r) {
    uint32_t type;
    size_t at = r->at;
    if (!read_u32(r, &type, "the type of a value"))
        return NULL;
    if (type == GGUF_STRING)
        return read_string_value(r);
    if (type == GGUF_ARRAY)
        return read_array(r);
    mx_dtype t = gguf_value_dtype(type);
    if (t == MX_DTYPE_COUNT)
        return mx_source_fail(r->s, at, "the metadata has a value of the unknown type %u", type);
    return read_number(r, t, NULL, 0);
}

/* Of two values of one key, which some writers leave behind, the last counts. */
static bool put_meta(reader *r, const char *key, mx_meta *m) {
    void *former = NULL;
    bool ok = m && mx_map_set(r->meta, key, m, &former);
    mx_meta_free(ok ? former : m);
    return ok;
}

static bool read_pair(reader *r) {
    char *key = read_name(r, "a key of the metadata");
    bool ok = key && put_meta(r, key, read_value(r));
    mx_free(key);
    return ok;
}

static bool find_alignment(reader *r) {
    const mx_meta *m = mx_map_get(r->meta, "general.alignment");
    r->alignment = GGUF_ALIGNMENT;
    if (!m)
        return true;
    uint32_t v = 0;
    if (m->kind == MX_META_ARRAY && m->array->ndim == 0 && m->array->dtype == MX_UINT32)
        memcpy(&v, m->array->data, sizeof v);
    r->alignment = v;
    if (v && v <= GGUF_MAX_ALIGNMENT && (v & (v - 1)) == 0)
        return true;
    return mx_source_fail(r->s, r->at, "general.alignment is no power of two up to %u",
                          GGUF_MAX_ALIGNMENT);
}

/* --- tensors ---------------------------------------------------------------------- */

/* The file has the fastest axis first. */
static bool read_sizes(reader *r, gguf_info *t) {
    uint32_t n;
    if (!read_u32(r, &n, "a tensor's dimensions"))
        return false;
    if (n > MX_MAX_NDIM)
        return mx_source_fail(r->s, r->at - 4, "'%.80s' has %u dimensions, more than %d", t->name,
                              n, MX_MAX_NDIM);
    t->shape.ndim = (int)n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t size;
        if (!read_u64(r, &size, "a tensor's sizes"))
            return false;
        if (size > INT_MAX)
            return mx_source_fail(r->s, r->at - 8, "a size of '%.80s' is larger than %d", t->name,
                                  INT_MAX);
        t->shape.dim[n - 1 - i] = (int)size;
    }
    return true;
}

static bool read_type(reader *r, gguf_info *t) {
    uint32_t id;
    if (!read_u32(r, &id, "a tensor's type"))
        return false;
    t->type = gguf_type_by_id(id);
    const char *name = gguf_type_name(id);
    if (!t->type)
        return mx_fail(MX_UNSUPPORTED,
                       "[%s] '%s' at byte %zu: '%.80s' is of type %u%s%s%s, which cannot be read",
                       r->s->op, r->s->name, r->at - 4, t->name, id, name ? " (" : "",
                       name ? name : "", name ? ")" : "");
    int last = t->shape.ndim ? t->shape.dim[t->shape.ndim - 1] : 1;
    if (last % t->type->items == 0)
        return true;
    return mx_source_fail(r->s, r->at - 4,
                          "rows of %d elements of '%.80s' are no multiple of %s's %d", last,
                          t->name, t->type->name, t->type->items);
}

static bool read_info(reader *r, gguf_info *t) {
    t->at = r->at;
    t->name = read_name(r, "a tensor's name");
    return t->name && read_sizes(r, t) && read_type(r, t) &&
           read_u64(r, &t->offset, "a tensor's offset");
}

/* Finds its bytes. */
static bool place_tensor(reader *r, gguf_info *t) {
    int64_t size = 0;
    if (!mx_shape_size(t->shape.dim, t->shape.ndim, 8, &size))
        return mx_source_fail(r->s, t->at, "the shape of '%.80s' is too large", t->name);
    uint64_t bytes = (uint64_t)size / t->type->items * t->type->bytes;
    if (t->offset % r->alignment)
        return mx_source_fail(r->s, t->at, "the offset of '%.80s' is no multiple of %zu", t->name,
                              r->alignment);
    if (bytes && (r->at > r->s->size || t->offset > r->s->size - r->at))
        return mx_source_fail(r->s, t->at, "'%.80s' begins behind the end of the file", t->name);
    t->start = bytes ? r->at + (size_t)t->offset : 0;
    t->end = t->start + (size_t)bytes;
    return mx_source_has(r->s, t->start, bytes, t->name);
}

static int by_start(const void *a, const void *b) {
    const gguf_info *x = *(const gguf_info *const *)a, *y = *(const gguf_info *const *)b;
    return x->start != y->start ? (x->start > y->start ? 1 : -1)
                                : (x->end > y->end) - (x->end < y->end);
}

/* One behind the other, without more between them than the alignment asks for: what lies otherwise
   says of a tensor that it is elsewhere, larger or smaller than it is. */
static bool follows(reader *r, const gguf_info *before, const gguf_info *t) {
    size_t end = before ? before->end : r->at;
    if (t->start < end)
        return mx_source_fail(r->s, t->at,
                              "'%.80s' lies over '%.80s': it begins at byte %zu, and "
                              "that ends at %zu",
                              t->name, before->name, t->start, end);
    return t->start - end < r->alignment ||
           mx_source_fail(r->s, t->at,
                          "between '%.80s' and what is before it are %zu bytes that "
                          "are no tensor's",
                          t->name, t->start - end);
}

/* Behind the last of them the file ends, after padding: writers differ in whether there is any. A
   stream may end anywhere: nobody knows before. */
static bool ends(reader *r, const gguf_info *last) {
    size_t end = last ? last->end : r->at;
    if (r->s->size == MX_SIZE_UNKNOWN || r->s->size < end || r->s->size - end < r->alignment)
        return true;
    return mx_source_fail(r->s, last ? last->at : end,
                          "behind %s%.80s%s are %zu bytes that are no tensor's",
                          last ? "the last tensor, '" : "the metadata", last ? last->name : "",
                          last ? "'," : "", r->s->size - end);
}

static bool lie_well(reader *r, const gguf_info *t, uint64_t n) {
    size_t count = 0;
    const gguf_info **list = mx_malloc(((size_t)n + 1) * sizeof *list);
    bool ok = list;
    for (uint64_t i = 0; ok && i < n; i++)
        if (t[i].end > t[i].start)
            list[count++] = &t[i];
    if (ok)
        qsort(list, count, sizeof *list, by_start);
    for (size_t i = 0; ok && i < count; i++)
        ok = follows(r, i ? list[i - 1] : NULL, list[i]);
    ok = ok && ends(r, count ? list[count - 1] : NULL);
    mx_free(list);
    return ok;
}

static bool place_tensors(reader *r, gguf_info *t, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        if (!read_info(r, &t[i]))
            return false;
    if (!find_alignment(r))
        return false;
    r->at += (r->alignment - r->at % r->alignment) % r->alignment;
    size_t end = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (!place_tensor(r, &t[i]))
            return false;
        end = t[i].end > end ? t[i].end : end;
    }
    return lie_well(r, t, n) && (end <= r->at || mx_source_until(r->s, end));
}

/* --- the file --------------------------------------------------------------------- */

bool mx_source_is_gguf(mx_source *s) {
    return s->size >= 4 && mx_source_get(s, 0, 4, "the file") && !memcmp(s->data, "GGUF", 4);
}

bool mx_path_is_gguf(const char *op, const char *path, bool *out) {
    mx_source s;
    if (!mx_source_file(&s, op, path, false))
        return false;
    *out = mx_source_is_gguf(&s);
    mx_source_close(&s);
    return !mx_failed();
}

static bool read_version(reader *r) {
    uint32_t version = 0;
    if (!mx_source_is_gguf(r->s))
        return mx_source_fail(r->s, 0, "it is not a GGUF file");
    r->at = 4;
    if (!read_u32(r, &version, "the version"))
        return false;
    if (version == 2 || version == 3)
        return true;
    r->swapped = version == 2u << 24 || version == 3u << 24;
    if (r->swapped)
        return true;
    return mx_source_fail(r->s, 4, "version %u is not known (2 and 3 are)", version);
}

/* Each needs some bytes at least, so that a count cannot ask for more memory than the file is
   worth. */
static bool read_count(reader *r, uint64_t *n, uint64_t least, const char *what) {
    if (!read_u64(r, n, what))
        return false;
    if (*n <= (r->s->size - r->at) / least)
        return true;
    return mx_source_fail(r->s, r->at - 8, "%s: there is no room for %llu", what,
                          (unsigned long long)*n);
}

static bool read_head(reader *r, gguf_head *h) {
    uint64_t tensors, pairs;
    bool ok = read_version(r) && read_count(r, &tensors, 24, "the count of tensors") &&
              read_count(r, &pairs, 13, "the count of metadata");
    for (uint64_t i = 0; ok && i < pairs; i++)
        ok = read_pair(r);
    h->tensor = ok ? mx_calloc((size_t)tensors + 1, sizeof *h->tensor) : NULL;
    h->count = h->tensor ? (size_t)tensors : 0;
    return h->tensor && place_tensors(r, h->tensor, h->count);
}

bool gguf_open(mx_source *s, gguf_head *h) {
    *h = (gguf_head){0};
    reader r = {.s = s, .meta = &h->meta};
    bool ok = read_head(&r, h);
    h->swapped = r.swapped;
    return ok;
}

void gguf_close(gguf_head *h) {
    for (size_t i = 0; i < h->count; i++)
        mx_free(h->tensor[i].name);
    mx_free(h->tensor);
    mx_map_free(&h->meta, mx_meta_free);
    *h = (gguf_head){0};
}

/* --- arrays by name, of one file or all of a split model ------------------------------ */

static bool read_tensors(mx_source *s, const gguf_head *h, mx_gguf *g) {
    bool ok = true;
    for (size_t i = 0; ok && i < h->count; i++) {
        const gguf_info *t = &h->tensor[i];
        gguf_place place = {t->name, s, t->start, t->type, t->shape.dim, t->shape.ndim, h->swapped};
        ok = gguf_tensor_arrays(&g->arrays, &place);
    }
    return ok;
}

/* Of two values of one key that of the earlier file counts. */
static bool add_meta(gguf_head *h, mx_gguf *g) {
    bool ok = true;
    for (size_t i = 0; ok && i < h->meta.count; i++) {
        if (mx_map_has(&g->meta, h->meta.entry[i].key))
            continue;
        ok = mx_map_set(&g->meta, h->meta.entry[i].key, h->meta.entry[i].value, NULL);
        if (ok)
            h->meta.entry[i].value = NULL;
    }
    return ok;
}

bool mx_read_gguf(mx_source *s, mx_gguf *g) {
    gguf_head h;
    bool ok = gguf_open(s, &h) && read_tensors(s, &h, g) && add_meta(&h, g);
    gguf_close(&h);
    return ok;
}

uint64_t gguf_number(const mx_map *meta, const char *key) {
    const mx_meta *m = mx_map_get(meta, key);
    const mx_array *x = m && m->kind == MX_META_ARRAY ? m->array : NULL;
    uint64_t v = 0;
    if (x && x->ndim == 0 && mx_dtype_is_integer(mx_dtype_of(x)))
        memcpy(&v, x->data, mx_itemsize(x));
    return v;
}

char *gguf_part_path(const char *first, uint64_t i, uint64_t n) {
    char ending[48], next[48];
    snprintf(ending, sizeof ending, "-00001-of-%05u.gguf", (unsigned)n);
    snprintf(next, sizeof next, "-%05u-of-%05u.gguf", (unsigned)i, (unsigned)n);
    size_t length = strlen(first), tail = strlen(ending);
    if (length <= tail || strcmp(first + length - tail, ending) != 0)
        return NULL;
    char *path = mx_strdup(first);
    if (path)
        memcpy(path + length - tail, next, tail);
    return path;
}

static bool read_file(const char *op, const char *path, bool map, mx_gguf *g) {
    mx_source s = {0};
    bool ok = mx_source_file(&s, op, path, map) && mx_read_gguf(&s, g);
    mx_source_close(&s);
    return ok;
}

static bool read_part(const char *op, const char *first, uint64_t i, uint64_t n, bool map,
                      mx_gguf *g) {
    char *path = gguf_part_path(first, i, n);
    if (!path && !mx_failed())
        return mx_fail(
            MX_FORMAT,
            "[%s] '%s' is the first of %u files, whose names should end in -00001-of-%05u.gguf", op,
            first, (unsigned)n, (unsigned)n);
    bool ok = path && read_file(op, path, map, g);
    mx_free(path);
    return ok;
}

bool mx_read_gguf_file(const char *op, const char *path, bool map, mx_gguf *g) {
    bool ok = read_file(op, path, map, g);
    uint64_t n =
        ok && gguf_number(&g->meta, "split.no") == 0 ? gguf_number(&g->meta, "split.count") : 0;
    if (n > GGUF_MAX_PARTS)
        return mx_fail(MX_FORMAT, "[%s] '%s' is split into more than %d files", op, path,
                       GGUF_MAX_PARTS);
    for (uint64_t i = 2; ok && i <= n; i++)
        ok = read_part(op, path, i, n, map, g);
    return ok;
}
