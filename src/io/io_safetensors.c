/* Reading safetensors: see safetensors.h for the format. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/scope.h"
#include "io/io.h"
#include "io/safetensors.h"
#include "ops/ops.h"

#define OP "[load_safetensors] "

static const struct {
    const char *name;
    mx_dtype dtype;
} dtypes[] = {
    {"BOOL", MX_BOOL},   {"U8", MX_UINT8},      {"U16", MX_UINT16},    {"U32", MX_UINT32},
    {"U64", MX_UINT64},  {"I8", MX_INT8},       {"I16", MX_INT16},     {"I32", MX_INT32},
    {"I64", MX_INT64},   {"F16", MX_FLOAT16},   {"BF16", MX_BFLOAT16}, {"F32", MX_FLOAT32},
    {"F64", MX_FLOAT64}, {"C64", MX_COMPLEX64}, {"F8_E4M3", MX_UINT8}, {"F8_E8M0", MX_UINT8},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

const char *st_dtype_name(mx_dtype t) {
    for (int i = 0; i < DTYPES; i++)
        if (dtypes[i].dtype == t)
            return dtypes[i].name;
    return NULL;
}

mx_dtype st_dtype_of(const char *name) {
    for (int i = 0; i < DTYPES; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return dtypes[i].dtype;
    return MX_DTYPE_COUNT;
}

void mx_free_arrays(mx_map *arrays) {
    mx_map_free(arrays, mx_io_drop_array);
}

void mx_free_strings(mx_map *strings) {
    mx_map_free(strings, mx_free);
}

/* --- one file being read ---------------------------------------------------------- */

typedef struct reading {
    mx_source *source;
    const char *label;
    uint64_t data, data_size; /* where the data begins, and how much there is */
    struct tensor *tensors;   /* in the header's order */
    size_t count;
    mx_map *arrays, *metadata;
} reading;

/* --- the header's text ------------------------------------------------------------ */

/* The parser recurses; this bounds how deep. */
static bool is_shallow(const char *text, size_t n) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < n && depth <= ST_MOST_DEPTH; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
    }
    return depth <= ST_MOST_DEPTH;
}

static json_t *parse(const reading *r, const char *text, size_t n) {
    json_error_t e;
    if (!is_shallow(text, n))
        return mx_fail(MX_FORMAT, OP "the header of '%s' is nested too deeply", r->label);
    json_t *header = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!header && json_error_code(&e) == json_error_out_of_memory)
        return mx_fail_nomem("load_safetensors", n);
    if (!header)
        return mx_fail(MX_FORMAT, OP "the header of '%s' is not valid JSON: %s (byte %d)", r->label,
                       e.text, e.position);
    if (json_is_object(header))
        return header;
    json_decref(header);
    return mx_fail(MX_FORMAT, OP "the header of '%s' is not a JSON object", r->label);
}

static bool header_length(reading *r, const unsigned char *first, uint64_t size, uint64_t *n) {
    *n = 0;
    for (int i = ST_LENGTH - 1; i >= 0; i--)
        *n = *n << 8 | first[i];
    if (*n > size - ST_LENGTH || *n > ST_MOST_HEADER)
        return mx_fail(MX_FORMAT, OP "Invalid json header length %llu in file '%s' of %llu bytes",
                       (unsigned long long)*n, r->label, (unsigned long long)size);
    r->data = ST_LENGTH + *n;
    r->data_size = size - r->data;
    return true;
}

static json_t *read_header(reading *r) {
    mx_source *s = r->source;
    uint64_t n;
    if (s->size < ST_LENGTH || !mx_source_get(s, 0, ST_LENGTH, "the header's length"))
        return mx_fail(MX_FORMAT, OP "'%s' has %llu bytes, too few for a safetensors file",
                       r->label, (unsigned long long)s->size);
    bool ok = header_length(r, s->data, s->size, &n) && mx_source_get(s, ST_LENGTH, n, "the header");
    return ok ? parse(r, (const char *)s->data + ST_LENGTH, (size_t)n) : NULL;
}

/* --- one tensor ------------------------------------------------------------------- */

typedef struct tensor {
    const char *name;
    mx_dtype dtype;
    mx_shape shape;
    uint64_t begin, end; /* in the data */
} tensor;

static bool read_shape(const reading *r, tensor *t, const json_t *shape) {
    size_t n = json_array_size(shape);
    if (!json_is_array(shape) || n > MX_MAX_NDIM)
        return mx_fail(MX_FORMAT, OP "Tensor '%s' of '%s' has no shape of at most %d dimensions",
                       t->name, r->label, MX_MAX_NDIM);
    t->shape.ndim = (int)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(shape, i);
        json_int_t v = json_integer_value(d);
        if (!json_is_integer(d) || v < 0 || v > INT32_MAX)
            return mx_fail(MX_FORMAT, OP "Tensor '%s' of '%s' has dimensions out of range", t->name,
                           r->label);
        t->shape.dim[i] = (int)v;
    }
    return true;
}

static bool read_offsets(const reading *r, tensor *t, const json_t *offsets) {
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return mx_fail(MX_FORMAT, OP "Tensor '%s' of '%s' has no valid data offsets", t->name,
                       r->label);
    t->begin = (uint64_t)json_integer_value(begin);
    t->end = (uint64_t)json_integer_value(end);
    if (t->end <= r->data_size)
        return true;
    return mx_fail(MX_FORMAT,
                   OP
                   "Tensor '%s' invalid data offsets (%llu, %llu) exceeding the size of the file "
                   "'%s'. Perhaps an incomplete download or corrupt file?",
                   t->name, (unsigned long long)t->begin, (unsigned long long)t->end, r->label);
}

static bool check_size(const reading *r, const tensor *t) {
    int64_t count;
    size_t item = mx_dtype_size(t->dtype);
    if (!mx_shape_size(t->shape.dim, t->shape.ndim, item, &count))
        return mx_fail(MX_FORMAT, OP "Tensor '%s' of '%s' has a shape that is too large", t->name,
                       r->label);
    if ((uint64_t)count * item == t->end - t->begin)
        return true;
    return mx_fail(MX_FORMAT,
                   OP "Tensor '%s' invalid data offsets (%llu, %llu). Expecting %llu bytes.",
                   t->name, (unsigned long long)t->begin, (unsigned long long)t->end,
                   (unsigned long long)count * item);
}

static bool read_tensor(const reading *r, tensor *t, const json_t *entry) {
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype)
        return mx_fail(MX_FORMAT, OP "Tensor '%s' of '%s' has no dtype", t->name, r->label);
    t->dtype = st_dtype_of(dtype);
    if (t->dtype == MX_DTYPE_COUNT)
        return mx_fail(MX_FORMAT, OP "Tensor '%s' of '%s' has the unsupported dtype %s", t->name,
                       r->label, dtype);
    return read_shape(r, t, json_object_get(entry, "shape")) &&
           read_offsets(r, t, json_object_get(entry, "data_offsets")) && check_size(r, t);
}

/* Bytes of a bool that are neither 0 nor 1 count as 1. */
static mx_array *clean_bool(mx_array *bytes) {
    return mx_astype(bytes, MX_BOOL);
}

static mx_array *array_of(const reading *r, const tensor *t) {
    bool clean = t->dtype == MX_BOOL;
    mx_array *a = mx_source_array(r->source, (size_t)(r->data + t->begin), t->shape.dim, t->shape.ndim,
                                  clean ? MX_UINT8 : t->dtype, false);
    return clean ? clean_bool(a) : a;
}

static bool note_tensor(reading *r, const char *name, const json_t *entry) {
    tensor *t = &r->tensors[r->count++];
    *t = (tensor){.name = name};
    if (!json_is_object(entry))
        return mx_fail(MX_FORMAT, OP "the entry '%s' of '%s' is not an object", name, r->label);
    return read_tensor(r, t, entry);
}

static bool add_tensor(reading *r, const tensor *t) {
    mx_scope scope = mx_scope_open();
    mx_array *a = mx_array_retain(array_of(r, t));
    mx_scope_close(scope);
    bool ok = a && mx_map_set(r->arrays, t->name, a, NULL);
    if (a && !ok)
        mx_array_release(a);
    return ok;
}

/* --- all of it -------------------------------------------------------------------- */

static bool add_metadata(reading *r, const json_t *pairs) {
    const char *key;
    json_t *value;
    if (json_is_null(pairs))
        return true;
    if (!json_is_object(pairs))
        return mx_fail(MX_FORMAT, OP "the metadata of '%s' is not an object", r->label);
    json_object_foreach((json_t *)pairs, key, value) {
        if (!json_is_string(value))
            return mx_fail(MX_FORMAT, OP "the metadata '%s' of '%s' is not a string", key,
                           r->label);
        char *copy = mx_strdup(json_string_value(value));
        if (!copy || !mx_map_set(r->metadata, key, copy, NULL)) {
            mx_free(copy);
            return false;
        }
    }
    return true;
}

static int by_begin(const void *a, const void *b) {
    const tensor *x = *(const tensor *const *)a, *y = *(const tensor *const *)b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

static bool fail_place(const reading *r, const tensor *before, const tensor *t, uint64_t end) {
    if (before && t->begin < end)
        return mx_fail(MX_FORMAT, OP "Tensors '%s' and '%s' of '%s' overlap", before->name, t->name, r->label);
    return mx_fail(MX_FORMAT, OP "Tensor '%s' of '%s' begins at %llu of the data, where %llu is expected: the format "
                   "has no gaps", t->name, r->label, (unsigned long long)t->begin, (unsigned long long)end);
}

/* One tensor begins where another one ends, and the last one ends with the file. */
static bool check_places(const reading *r, const tensor **sorted) {
    const tensor *before = NULL;
    uint64_t end = 0;
    for (size_t i = 0; i < r->count; i++)
        sorted[i] = &r->tensors[i];
    if (r->count)
        qsort(sorted, r->count, sizeof *sorted, by_begin);
    for (size_t i = 0; i < r->count; before = sorted[i++]) {
        if (sorted[i]->begin != end)
            return fail_place(r, before, sorted[i], end);
        end = sorted[i]->end;
    }
    if (end == r->data_size || r->source->size == MX_SIZE_UNKNOWN)
        return mx_source_until(r->source, (size_t)(r->data + end));
    return mx_fail(MX_FORMAT, OP "'%s' has %llu bytes behind its last tensor", r->label,
                   (unsigned long long)(r->data_size - end));
}

static bool note_all(reading *r, json_t *header) {
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry) {
        if (!(strcmp(name, ST_METADATA) == 0 ? add_metadata(r, entry) : note_tensor(r, name, entry)))
            return false;
    }
    return true;
}

static bool add_all(reading *r, json_t *header) {
    size_t n = json_object_size(header) + 1;
    r->tensors = mx_calloc(n, sizeof *r->tensors);
    const tensor **sorted = mx_calloc(n, sizeof *sorted);
    bool ok = r->tensors && sorted && note_all(r, header) && check_places(r, sorted);
    for (size_t i = 0; ok && i < r->count; i++)
        ok = add_tensor(r, &r->tensors[i]);
    mx_free(sorted);
    mx_free(r->tensors);
    return ok;
}

static bool load(reading *r) {
    json_t *header = read_header(r);
    bool ok = header && add_all(r, header);
    json_decref(header);
    if (!ok) {
        mx_free_arrays(r->arrays);
        mx_free_strings(r->metadata);
    }
    return ok;
}

bool mx_load_safetensors_from(mx_source *source, mx_map *arrays, mx_map *metadata) {
    reading r = {.source = source, .label = source->name, .arrays = arrays, .metadata = metadata};
    return load(&r);
}

bool mx_load_safetensors(const char *path, bool map, mx_map *arrays, mx_map *metadata) {
    mx_source s;
    bool ok = mx_source_file(&s, "load_safetensors", path, map) &&
              mx_load_safetensors_from(&s, arrays, metadata);
    mx_source_close(&s);
    return ok;
}
