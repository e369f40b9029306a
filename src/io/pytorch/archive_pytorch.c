/* PyTorch's checkpoints as archives (torch.save; read only).
 *
 *     zip       <name>/data.pkl         the pickle (pickle.h); storages are named by keys
 *               <name>/data/<key>       the bytes of a storage, stored as they are
 *               <name>/byteorder        "little" or "big"; little where it is not there
 *     before    a pickle of 10 bytes' integer 0x1950a86a20f9469cfc6c, one of 1001, one of facts of
 *               the machine, the pickle
 *     1.6       itself, a list of keys, and for each key a count (8 bytes) and the elements
 *
 * Names of nested containers are joined with dots ("model.layers.0.weight"); numbers and texts
 * become metadata. A checkpoint that is one tensor has it as "array".
 */
#include <stdio.h>
#include <string.h>

#include "base/ending.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "io/archive/archive.h"
#include "io/pytorch/pickle.h"
#include "io/numpy/zip_list.h"
#include "ops/ops.h"

/* What `how` says: big-endian, the conjugate or the negative of what is stored, and above that the
   number (from 1) of strides that are not row-major. */
enum { SWAPPED = 1, CONJUGATE = 2, NEGATIVE = 4, LAYOUT = 8, MOST_VISITS = 10 * 1000 * 1000 };

typedef struct layout {
    int64_t stride[MX_MAX_NDIM];
} layout;

typedef struct layouts { /* the archive's state */
    layout *item;
    size_t count;
} layouts;

static const unsigned char magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

static bool is_old(mx_source *s) {
    return s->size > sizeof magic && mx_source_get(s, 0, sizeof magic, "the file") &&
           memcmp(s->data, magic, sizeof magic) == 0;
}

/* --- from the tree of values to tensors ------------------------------------------------------- */

typedef struct flattening {
    mx_archive *a;
    int part;
    mx_source *s;
    bool swapped;
    long visits;
} flattening;

static bool is_row_major(const pk_tensor *t) {
    int64_t row[MX_MAX_NDIM];
    mx_row_strides(t->shape.dim, t->shape.ndim, row);
    for (int i = 0; i < t->shape.ndim; i++)
        if (t->shape.dim[i] == 0)
            return true;
    for (int i = 0; i < t->shape.ndim; i++)
        if (t->shape.dim[i] != 1 && t->stride[i] != row[i])
            return false;
    return true;
}

/* Its number from 1; 0: no memory. */
static size_t keep_layout(mx_archive *a, const pk_tensor *t) {
    layouts *l = a->state;
    layout *more = mx_realloc_array(l->item, l->count + 1, sizeof *more);
    if (!more)
        return 0;
    l->item = more;
    memcpy(l->item[l->count].stride, t->stride, sizeof t->stride);
    return ++l->count;
}

static bool add_tensor(flattening *f, const char *name, const pk_tensor *t) {
    unsigned width = (unsigned)t->type->bits / 8;
    int64_t size = 0;
    size_t how = 0;
    if (!t->storage->found)
        return mx_source_fail(f->s, 0, "the storage '%.100s' of '%.200s' is missing",
                              t->storage->key, name);
    if (!is_row_major(t) && !(how = keep_layout(f->a, t)))
        return false;
    bool wide = mx_archive_widens(t->type->storage);
    mx_shape_size(t->shape.dim, t->shape.ndim, 8, &size);
    return mx_archive_add(
        f->a, (mx_archive_tensor){
                  .name = name,
                  .storage = t->type->storage,
                  .dtype = wide ? MX_BFLOAT16 : t->type->dtype,
                  .ndim = t->shape.ndim,
                  .shape = t->shape.dim,
                  .bytes = (uint64_t)size * width,
                  .offset = size ? t->storage->at + (uint64_t)t->offset * width : t->storage->at,
                  .part = f->part,
                  .how = how * LAYOUT | (f->swapped ? SWAPPED : 0) |
                         (t->conjugate ? CONJUGATE : 0) | (t->negative ? NEGATIVE : 0)});
}

static bool add_number(flattening *f, const char *name, const pk_value *v) {
    mx_scope scope = mx_scope_open();
    mx_array *a = v->kind == PK_FLOAT
                      ? mx_scalar(v->as.number, MX_FLOAT64)
                      : mx_scalar_i64(v->as.integer, v->kind == PK_BOOL ? MX_BOOL : MX_INT64);
    bool ok = a && mx_archive_add_meta(f->a, name, mx_meta_of_array(a));
    mx_scope_close(scope);
    return ok;
}

static bool add_value(flattening *f, const char *name, const pk_value *v, int depth);

static bool add_item(flattening *f, const char *name, const char *key, const pk_value *v,
                     int depth) {
    mx_text t = {0};
    mx_text_str(&t, name);
    mx_text_str(&t, *name ? "." : "");
    mx_text_str(&t, key);
    char *full = t.len > MX_MOST_NAME ? mx_source_fail(f->s, 0, "the name of a tensor is too long")
                                      : mx_text_take(&t);
    bool ok = full && add_value(f, full, v, depth + 1);
    mx_text_free(&t);
    mx_free(full);
    return ok;
}

static bool add_list(flattening *f, const char *name, const pk_value *list, int depth) {
    char number[24];
    bool ok = true;
    for (size_t i = 0; ok && i < list->count; i++) {
        snprintf(number, sizeof number, "%zu", i);
        ok = add_item(f, name, number, list->as.item[i], depth);
    }
    return ok;
}

/* Keys that are neither texts nor integers name nothing. */
static bool add_dict(flattening *f, const char *name, const pk_value *dict, int depth) {
    char number[24];
    bool ok = true;
    for (size_t i = 0; ok && i + 1 < dict->count; i += 2) {
        const pk_value *key = dict->as.item[i];
        snprintf(number, sizeof number, "%lld",
                 key->kind == PK_INT ? (long long)key->as.integer : 0);
        if (key->kind == PK_TEXT && strlen(key->as.text) != key->count)
            return mx_source_fail(f->s, 0, "a key has a zero inside");
        if (key->kind == PK_TEXT || key->kind == PK_INT)
            ok = add_item(f, name, key->kind == PK_TEXT ? key->as.text : number,
                          dict->as.item[i + 1], depth);
    }
    return ok;
}

static bool add_value(flattening *f, const char *name, const pk_value *v, int depth) {
    if (depth > PK_MOST_DEPTH)
        return mx_source_fail(f->s, 0, "containers are nested more than %d deep", PK_MOST_DEPTH);
    if (f->visits++ > MOST_VISITS)
        return mx_source_fail(f->s, 0, "the checkpoint has more than ten million values");
    switch (v->kind) {
    case PK_TENSOR: return add_tensor(f, *name ? name : "array", v->as.tensor);
    case PK_LIST: return add_list(f, name, v, depth);
    case PK_DICT: return add_dict(f, name, v, depth);
    case PK_TEXT: // bytes are none
        return !*name || strlen(v->as.text) != v->count ||
               mx_archive_add_meta(f->a, name, mx_meta_of_string(v->as.text));
    case PK_BOOL:
    case PK_INT:
    case PK_FLOAT: return !*name || add_number(f, name, v);
    default: return true;
    }
}

/* --- where the storages are ------------------------------------------------------------------- */

static bool storage_fits(const mx_source *s, const pk_storage *k, uint64_t bytes) {
    uint64_t width = k->type ? (uint64_t)k->type->bits / 8 : 1;
    if ((uint64_t)k->count <= bytes / width)
        return true;
    return mx_source_fail(s, (size_t)k->at,
                          "the storage '%.100s' has %llu bytes, too few for %lld elements", k->key,
                          (unsigned long long)bytes, (long long)k->count);
}

typedef struct zipped {
    mx_zip_list list;
    mx_map place; /* name -> member */
    char prefix[512];
} zipped;

static const mx_zip_member *member_of(const zipped *z, const char *name) {
    char full[1024];
    snprintf(full, sizeof full, "%s%.400s", z->prefix, name);
    return mx_map_get(&z->place, full);
}

static bool place_storage(const mx_source *s, const zipped *z, pk_storage *k) {
    char name[512];
    snprintf(name, sizeof name, "data/%.400s", k->key);
    const mx_zip_member *m = member_of(z, name);
    if (!m)
        return mx_source_fail(s, 0, "it has no member '%s%s'", z->prefix, name);
    if (m->method)
        return mx_source_fail(s, (size_t)m->local, "the member '%.100s' is compressed", m->name);
    k->found = mx_zip_place(s, &z->list, m, &k->at) && storage_fits(s, k, m->size);
    return k->found;
}

static bool place_storages(const mx_source *s, const zipped *z, const pk_machine *m) {
    bool ok = true;
    for (size_t i = 0; ok && i < m->storages.count; i++)
        ok = place_storage(s, z, m->storages.entry[i].value);
    return ok;
}

/* --- the zip ---------------------------------------------------------------------------------- */

/* The member data.pkl, in a folder or alone, and what stands before its name. */
static const mx_zip_member *find_pickle(const mx_zip_list *list, char prefix[512]) {
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->member[i].name;
        size_t n = strlen(name) - strlen("data.pkl");
        if (strcmp(name, "data.pkl") && !(mx_ends_with(name, "/data.pkl") && n < 512))
            continue;
        memcpy(prefix, name, n);
        prefix[n] = 0;
        return &list->member[i];
    }
    return NULL;
}

static bool index_members(zipped *z) {
    bool ok = true;
    for (size_t i = 0; ok && i < z->list.count; i++)
        ok = mx_map_set(&z->place, z->list.member[i].name, &z->list.member[i], NULL);
    return ok;
}

/* A member that is stored as it is, in memory. */
static bool read_member(const mx_source *s, const zipped *z, const mx_zip_member *m,
                        mx_source *out) {
    uint64_t at;
    if (m->method || m->size > PK_MOST_BYTES)
        return mx_source_fail(s, (size_t)m->local,
                              "the member '%.100s' is compressed or larger than 100 MB", m->name);
    mx_buffer *b = mx_zip_place(s, &z->list, m, &at) ? mx_buffer_new((size_t)m->size + 1) : NULL;
    bool ok = b && mx_source_copy((mx_source *)s, b->ptr, (size_t)at, (size_t)m->size);
    if (ok)
        mx_source_memory(out, s->op, s->name, b, (size_t)m->size);
    mx_buffer_release(b);
    return ok;
}

static bool read_order(const mx_source *s, const zipped *z, bool *swapped) {
    const mx_zip_member *m = member_of(z, "byteorder");
    mx_source text;
    *swapped = false;
    if (!m)
        return true;
    if (!read_member(s, z, m, &text))
        return false;
    *swapped = text.size == 3 && memcmp(text.data, "big", 3) == 0;
    bool known = *swapped || (text.size == 6 && memcmp(text.data, "little", 6) == 0);
    mx_source_close(&text);
    return known || mx_source_fail(s, (size_t)m->local, "its byte order is neither little nor big");
}

static bool run_zipped(flattening *f, const zipped *z, const mx_zip_member *pickle) {
    mx_source text;
    if (!read_member(f->s, z, pickle, &text))
        return false;
    char label[1024];
    snprintf(label, sizeof label, "%.600s:%.300s", f->s->name, pickle->name);
    text.name = label;
    pk_machine m = {.s = &text, .end = text.size};
    pk_value *root = pk_run(&m);
    bool ok = root && place_storages(f->s, z, &m) && add_value(f, "", root, 0);
    pk_free(&m);
    mx_source_close(&text);
    return ok;
}

static bool open_zipped(flattening *f) {
    zipped z = {0};
    const mx_zip_member *pickle =
        mx_zip_open(f->s, &z.list) ? find_pickle(&z.list, z.prefix) : NULL;
    bool ok = pickle && index_members(&z) && read_order(f->s, &z, &f->swapped) &&
              run_zipped(f, &z, pickle);
    mx_map_free(&z.place, NULL);
    mx_zip_close(&z.list);
    return ok;
}

/* --- before 1.6 ------------------------------------------------------------------------------- */

static bool place_next(pk_machine *m, const char *key) {
    pk_storage *k = mx_map_get(&m->storages, key);
    if (!k || !k->type || k->found)
        return pk_fail(m, "the list of storages has a key that is not known:", key);
    if (!mx_source_get(m->s, m->at, 8, "a storage"))
        return false;
    if (mx_le64(m->s->data + m->at) != (uint64_t)k->count)
        return pk_fail(m, "a storage has another length than its tensors say:", key);
    k->at = m->at + 8;
    k->bytes = (uint64_t)k->count * ((uint64_t)k->type->bits / 8);
    k->found = mx_source_has(m->s, (size_t)k->at, k->bytes, "a storage") &&
               storage_fits(m->s, k, k->bytes);
    m->at = (size_t)(k->at + k->bytes);
    return k->found;
}

static bool place_all(pk_machine *m, const pk_value *keys) {
    if (keys->kind != PK_LIST)
        return pk_fail(m, "the list of storages is missing", NULL);
    for (size_t i = 0; i < keys->count; i++) {
        const pk_value *key = keys->as.item[i];
        if (key->kind != PK_TEXT)
            return pk_fail(m, "a storage's key is no text", NULL);
        if (!place_next(m, key->as.text))
            return false;
    }
    return true;
}

/* The count of a storage may be anything: its bytes must not wrap around. */
static bool counts_are_sane(pk_machine *m) {
    for (size_t i = 0; i < m->storages.count; i++) {
        const pk_storage *k = m->storages.entry[i].value;
        if ((uint64_t)k->count > m->s->size)
            return pk_fail(m, "a storage has more elements than the file has bytes:", k->key);
    }
    return true;
}

static bool open_old(flattening *f) {
    pk_machine m = {.s = f->s, .at = sizeof magic, .end = f->s->size};
    pk_value *version = pk_run(&m), *system = version ? pk_run(&m) : NULL,
             *root = system ? pk_run(&m) : NULL;
    pk_value *keys = root ? pk_run(&m) : NULL;
    bool ok = keys && counts_are_sane(&m) && place_all(&m, keys) && add_value(f, "", root, 0);
    pk_free(&m);
    return ok;
}

/* --- the format ------------------------------------------------------------------------------- */

static bool detect(const mx_archive_format *self, mx_source *s) {
    (void)self;
    char prefix[512];
    mx_zip_list list;
    if (is_old(s))
        return true;
    if (mx_failed() || !mx_zip_looks(s))
        return false;
    bool found = mx_zip_open(s, &list) && find_pickle(&list, prefix);
    mx_zip_close(&list);
    return found;
}

static bool open(mx_archive *a, int part) {
    flattening f = {.a = a, .part = part, .s = &a->part[part].source};
    if (!a->state && !(a->state = mx_calloc(1, sizeof(layouts))))
        return false;
    return is_old(f.s) ? open_old(&f) : !mx_failed() && open_zipped(&f);
}

/* Strided elements as a view of all that lies between the first and the last. */
static mx_array *strided(const mx_source *from, const mx_archive_tensor *t, const layout *l,
                         mx_dtype dtype, bool swapped) {
    mx_source s = *from;
    int64_t reach = 1;
    for (int i = 0; i < t->ndim; i++)
        reach += (t->shape[i] - 1) * l->stride[i];
    if (reach > INT32_MAX)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': '%.200s' lies in steps too far apart", s.op,
                       s.name, t->name);
    mx_array *line = mx_source_array(&s, (size_t)t->offset, (int[]){(int)reach}, 1, dtype, swapped);
    return mx_as_strided(line, t->shape, l->stride, t->ndim, 0);
}

static mx_array *read(mx_archive *a, const mx_archive_tensor *t, bool stored) {
    const st_type *type = st_type_stored(t->storage);
    const layouts *l = a->state;
    mx_source s = a->part[t->part].source;
    bool swapped = t->how & SWAPPED;
    size_t number = (size_t)(t->how / LAYOUT);
    mx_array *x =
        number ? strided(&s, t, &l->item[number - 1], type->dtype, swapped)
               : mx_source_array(&s, (size_t)t->offset, t->shape, t->ndim, type->dtype, swapped);
    if (t->how & CONJUGATE)
        x = mx_conjugate(x);
    if (t->how & NEGATIVE)
        x = mx_negative(x);
    return stored || !mx_archive_widens(t->storage) ? x : mx_archive_widen(t->storage, x);
}

static void let_go(mx_archive *a) {
    layouts *l = a->state;
    if (l)
        mx_free(l->item);
    mx_free(l);
}

const mx_archive_format mx_archive_pytorch = {"pytorch", detect, open, read, let_go};
