/* Reading safetensors: see safetensors.h for the format. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "io/io.h"
#include "io/safetensors/safetensors.h"
#include "ops/ops.h"

#define FAIL(r, text, ...) mx_fail(MX_FORMAT, "[%s] " text, (r)->op, __VA_ARGS__)

static const st_type types[] = {
    {"BOOL", "bool", MX_BOOL, 8},
    {"U8", "uint8", MX_UINT8, 8},
    {"U16", "uint16", MX_UINT16, 16},
    {"U32", "uint32", MX_UINT32, 32},
    {"U64", "uint64", MX_UINT64, 64},
    {"I8", "int8", MX_INT8, 8},
    {"I16", "int16", MX_INT16, 16},
    {"I32", "int32", MX_INT32, 32},
    {"I64", "int64", MX_INT64, 64},
    {"F16", "float16", MX_FLOAT16, 16},
    {"BF16", "bfloat16", MX_BFLOAT16, 16},
    {"F32", "float32", MX_FLOAT32, 32},
    {"F64", "float64", MX_FLOAT64, 64},
    {"C64", "complex64", MX_COMPLEX64, 64},
    {"F8_E4M3", "float8_e4m3", MX_UINT8, 8},
    {"F8_E5M2", "float8_e5m2", MX_UINT8, 8},
    {"F8_E8M0", "float8_e8m0", MX_UINT8, 8},
    {"F8_E4M3FNUZ", "float8_e4m3fnuz", MX_UINT8, 8},
    {"F8_E5M2FNUZ", "float8_e5m2fnuz", MX_UINT8, 8},
    {"F6_E2M3", "float6_e2m3", MX_DTYPE_COUNT, 6},
    {"F6_E3M2", "float6_e3m2", MX_DTYPE_COUNT, 6},
    {"F4", "float4_e2m1", MX_DTYPE_COUNT, 4},
};
enum { TYPES = sizeof types / sizeof *types };

const st_type *st_type_named(const char *name) {
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

const st_type *st_type_stored(const char *storage) {
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i].storage, storage) == 0)
            return &types[i];
    return NULL;
}

const st_type *st_type_of(mx_dtype t) {
    for (int i = 0; i < TYPES; i++)
        if (types[i].dtype == t)
            return &types[i];
    return NULL;
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
    const char *op, *label;
    uint64_t data_size;
    st_file *file;
} reading;

/* --- the header's text ------------------------------------------------------------ */

/* The parser recurses; this bounds how deep. */
bool st_is_shallow(const char *text, size_t n) {
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
    if (!st_is_shallow(text, n))
        return FAIL(r, "the header of '%s' is nested too deeply", r->label);
    json_t *header = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    if (!header && json_error_code(&e) == json_error_out_of_memory)
        return mx_fail_nomem(r->op, n);
    if (!header)
        return FAIL(r, "the header of '%s' is not valid JSON: %s (byte %d)", r->label, e.text,
                    e.position);
    if (json_is_object(header))
        return header;
    json_decref(header);
    return FAIL(r, "the header of '%s' is not a JSON object", r->label);
}

static bool header_length(reading *r, const unsigned char *first, uint64_t size, uint64_t *n) {
    *n = mx_le64(first);
    if (*n > size - ST_LENGTH || *n > ST_MOST_HEADER)
        return FAIL(r, "Invalid json header length %llu in file '%s' of %llu bytes",
                    (unsigned long long)*n, r->label, (unsigned long long)size);
    r->file->data = ST_LENGTH + *n;
    r->data_size = size - r->file->data;
    return true;
}

static json_t *read_header(reading *r) {
    mx_source *s = r->source;
    uint64_t n;
    if (s->size < ST_LENGTH || !mx_source_get(s, 0, ST_LENGTH, "the header's length"))
        return FAIL(r, "'%s' has %llu bytes, too few for a safetensors file", r->label,
                    (unsigned long long)s->size);
    bool ok =
        header_length(r, s->data, s->size, &n) && mx_source_get(s, ST_LENGTH, n, "the header");
    return ok ? parse(r, (const char *)s->data + ST_LENGTH, (size_t)n) : NULL;
}

/* --- one tensor ------------------------------------------------------------------- */

static bool read_shape(const reading *r, st_tensor *t, const json_t *shape) {
    size_t n = json_array_size(shape);
    if (!json_is_array(shape) || n > MX_MAX_NDIM)
        return FAIL(r, "Tensor '%s' of '%s' has no shape of at most %d dimensions", t->name,
                    r->label, MX_MAX_NDIM);
    t->shape.ndim = (int)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(shape, i);
        json_int_t v = json_integer_value(d);
        if (!json_is_integer(d) || v < 0 || v > INT32_MAX)
            return FAIL(r, "Tensor '%s' of '%s' has dimensions out of range", t->name, r->label);
        t->shape.dim[i] = (int)v;
    }
    return true;
}

static bool read_offsets(const reading *r, st_tensor *t, const json_t *offsets) {
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return FAIL(r, "Tensor '%s' of '%s' has no valid data offsets", t->name, r->label);
    t->begin = (uint64_t)json_integer_value(begin);
    t->end = (uint64_t)json_integer_value(end);
    if (t->end <= r->data_size)
        return true;
    return FAIL(r,
                "Tensor '%s' invalid data offsets (%llu, %llu) exceeding the size of the file "
                "'%s'. Perhaps an incomplete download or corrupt file?",
                t->name, (unsigned long long)t->begin, (unsigned long long)t->end, r->label);
}

static bool check_size(const reading *r, const st_tensor *t) {
    int64_t count;
    if (!mx_shape_size(t->shape.dim, t->shape.ndim, 8, &count))
        return FAIL(r, "Tensor '%s' of '%s' has a shape that is too large", t->name, r->label);
    uint64_t n = (uint64_t)count, width = (uint64_t)t->type->bits; // n * 8 is no more than 63 bits
    bool whole = width % 8 == 0 || n * width % 8 == 0;
    uint64_t bytes = width % 8 == 0 ? n * (width / 8) : n * width / 8;
    if (whole && bytes == t->end - t->begin)
        return true;
    return FAIL(r, "Tensor '%s' invalid data offsets (%llu, %llu). Expecting %llu bytes.", t->name,
                (unsigned long long)t->begin, (unsigned long long)t->end,
                (unsigned long long)bytes);
}

static bool read_tensor(const reading *r, st_tensor *t, const json_t *entry) {
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype)
        return FAIL(r, "Tensor '%s' of '%s' has no dtype", t->name, r->label);
    t->type = st_type_named(dtype);
    if (!t->type)
        return FAIL(r, "Tensor '%s' of '%s' has the unsupported dtype %s", t->name, r->label,
                    dtype);
    return read_shape(r, t, json_object_get(entry, "shape")) &&
           read_offsets(r, t, json_object_get(entry, "data_offsets")) && check_size(r, t);
}

static bool note_tensor(reading *r, const char *name, const json_t *entry) {
    st_tensor *t = &r->file->tensor[r->file->count++];
    *t = (st_tensor){.name = name};
    if (!json_is_object(entry))
        return FAIL(r, "the entry '%s' of '%s' is not an object", name, r->label);
    return read_tensor(r, t, entry);
}

/* --- all of it -------------------------------------------------------------------- */

static bool add_metadata(reading *r, const json_t *pairs) {
    const char *key;
    json_t *value;
    if (json_is_null(pairs))
        return true;
    if (!json_is_object(pairs))
        return FAIL(r, "the metadata of '%s' is not an object", r->label);
    json_object_foreach((json_t *)pairs, key, value) {
        if (!json_is_string(value))
            return FAIL(r, "the metadata '%s' of '%s' is not a string", key, r->label);
        mx_meta *text = mx_meta_of_text(json_string_value(value), json_string_length(value));
        if (!text || !mx_map_set(&r->file->metadata, key, text, NULL)) {
            mx_meta_free(text);
            return false;
        }
    }
    return true;
}

static int by_begin(const void *a, const void *b) {
    const st_tensor *x = *(const st_tensor *const *)a, *y = *(const st_tensor *const *)b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin)
                                : (x->end > y->end) - (x->end < y->end);
}

static bool fail_place(const reading *r, const st_tensor *before, const st_tensor *t,
                       uint64_t end) {
    if (before && t->begin < end)
        return FAIL(r, "Tensors '%s' and '%s' of '%s' overlap", before->name, t->name, r->label);
    return FAIL(
        r,
        "Tensor '%s' of '%s' begins at %llu of the data, where %llu is expected: the format has "
        "no gaps",
        t->name, r->label, (unsigned long long)t->begin, (unsigned long long)end);
}

/* One tensor begins where another one ends, and the last one ends with the file. */
static bool check_places(const reading *r, const st_tensor **sorted) {
    const st_file *f = r->file;
    const st_tensor *before = NULL;
    uint64_t end = 0;
    for (size_t i = 0; i < f->count; i++)
        sorted[i] = &f->tensor[i];
    if (f->count)
        qsort(sorted, f->count, sizeof *sorted, by_begin);
    for (size_t i = 0; i < f->count; before = sorted[i++]) {
        if (sorted[i]->begin != end)
            return fail_place(r, before, sorted[i], end);
        end = sorted[i]->end;
    }
    if (end == r->data_size || r->source->size == MX_SIZE_UNKNOWN)
        return mx_source_until(r->source, (size_t)(f->data + end));
    return FAIL(r, "'%s' has %llu bytes behind its last tensor", r->label,
                (unsigned long long)(r->data_size - end));
}

static bool note_all(reading *r, json_t *header) {
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry) {
        if (!(strcmp(name, ST_METADATA) == 0 ? add_metadata(r, entry)
                                             : note_tensor(r, name, entry)))
            return false;
    }
    return true;
}

static bool list(reading *r) {
    json_t *header = read_header(r);
    r->file->header = header;
    size_t n = header ? json_object_size(header) + 1 : 0;
    r->file->tensor = header ? mx_calloc(n, sizeof *r->file->tensor) : NULL;
    const st_tensor **sorted = r->file->tensor ? mx_calloc(n, sizeof *sorted) : NULL;
    bool ok = sorted && note_all(r, header) && check_places(r, sorted);
    mx_free(sorted);
    return ok;
}

bool st_open(mx_source *s, st_file *f) {
    *f = (st_file){0};
    return list(&(reading){.source = s, .op = s->op, .label = s->name, .file = f});
}

void st_close(st_file *f) {
    mx_map_free(&f->metadata, mx_meta_free);
    mx_free(f->tensor);
    json_decref(f->header);
    *f = (st_file){0};
}

/* --- as arrays by name -------------------------------------------------------------- */

static mx_array *array_of(mx_source *s, const st_file *f, const st_tensor *t) {
    if (t->type->dtype == MX_DTYPE_COUNT)
        return mx_fail(
            MX_UNSUPPORTED,
            "[%s] Tensor '%s' of '%s' has the dtype %s, which arrays do not have (an open file "
            "gives its bytes)",
            s->op, t->name, s->name, t->type->name);
    return mx_source_array(s, (size_t)(f->data + t->begin), t->shape.dim, t->shape.ndim,
                           t->type->dtype, false);
}

static bool add_tensor(mx_source *s, const st_file *f, const st_tensor *t, mx_map *arrays) {
    mx_scope scope = mx_scope_open();
    mx_array *a = mx_array_retain(array_of(s, f, t));
    mx_scope_close(scope);
    bool ok = a && mx_map_set(arrays, t->name, a, NULL);
    if (a && !ok)
        mx_array_release(a);
    return ok;
}

/* A string ends where its first zero is. */
static bool copy_strings(const mx_map *from, mx_map *to) {
    for (size_t i = 0; i < from->count; i++) {
        char *copy = mx_strdup(((const mx_meta *)from->entry[i].value)->string);
        if (!copy || !mx_map_set(to, from->entry[i].key, copy, NULL)) {
            mx_free(copy);
            return false;
        }
    }
    return true;
}

bool mx_load_safetensors_from(mx_source *source, mx_map *arrays, mx_map *metadata) {
    st_file f;
    bool ok = st_open(source, &f);
    for (size_t i = 0; ok && i < f.count; i++)
        ok = add_tensor(source, &f, &f.tensor[i], arrays);
    ok = ok && (!metadata || copy_strings(&f.metadata, metadata));
    if (!ok)
        mx_free_arrays(arrays);
    st_close(&f);
    return ok;
}

bool mx_load_safetensors(const char *path, bool map, mx_map *arrays, mx_map *metadata) {
    mx_source s;
    bool ok = mx_source_file(&s, "load_safetensors", path, map) &&
              mx_load_safetensors_from(&s, arrays, metadata);
    mx_source_close(&s);
    return ok;
}
