/* Reading .mlxfn files: see mlxfn.h. Every count is checked against the bytes that are left before
 * anything is allocated for it, and the tape is a list: an id that has not come yet is refused, so
 * there are no circles. */
#include "transforms/mlxfn/import_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "graph/trace/scope.h"

enum { MOST_ITEMS = MX_MAX_ARITY }; /* in a list of numbers; inputs or outputs of an operation */

/* --- memory -------------------------------------------------------------------------- */

struct mx_arena_block {
    struct mx_arena_block *next;
    size_t size;
    _Alignas(16) char bytes[];
};

void *mx_arena_alloc(mx_arena *a, size_t count, size_t size) {
    size_t n = 0;
    if (!mx_mul_size(count, size, &n) || n > SIZE_MAX - 64)
        return mx_fail_nomem("import_function", SIZE_MAX);
    n = (n + 15) & ~(size_t)15;
    if (!a->block || a->block->size - a->used < n) {
        size_t room = n > 32768 ? n : 32768;
        struct mx_arena_block *b = mx_calloc(1, sizeof *b + room);
        if (!b)
            return NULL;
        *b = (struct mx_arena_block){a->block, room};
        a->block = b;
        a->used = 0;
    }
    a->used += n;
    return a->block->bytes + a->used - n;
}

void mx_arena_free(mx_arena *a) {
    while (a->block) {
        struct mx_arena_block *next = a->block->next;
        mx_free(a->block);
        a->block = next;
    }
}

/* --- numbers --------------------------------------------------------------------------- */

/* ids to slots: open addressing, slot + 1 in a place that is taken. */
typedef struct ids {
    uint64_t *key;
    int32_t *slot;
    size_t room, count;
} ids;

typedef struct reader {
    mx_source *s;
    size_t at;
    mx_fn_trace *t;
    ids ids;
    ids shared;          /* of the constants of all traces so far, to numbers in this list */
    mx_array **constant; /* which their traces retain */
    int32_t n_constant;
    size_t room_constant;
    long version; /* of 0.32.<version> */
} reader;

enum { WITH_ZEROS = 4 }; /* the first version whose files have them */

static bool has(reader *r, uint64_t n, const char *what) {
    return mx_source_has(r->s, r->at, n, what);
}

static bool get_u64(reader *r, uint64_t *v) {
    if (!has(r, 8, "a number"))
        return false;
    *v = mx_le64(r->s->data + r->at);
    r->at += 8;
    return true;
}

static bool get_i32(reader *r, int64_t *v) {
    if (!has(r, 4, "a number"))
        return false;
    *v = (int32_t)mx_le32(r->s->data + r->at);
    r->at += 4;
    return true;
}

static bool get_flag(reader *r, int64_t *v, const char *what) {
    if (!has(r, 1, what))
        return false;
    *v = r->s->data[r->at];
    if (*v > 1)
        return mx_source_fail(r->s, r->at, "%s is %d, neither 0 nor 1", what, (int)*v);
    r->at++;
    return true;
}

/* The count of a list whose items have at least `unit` bytes each. */
static bool get_count(reader *r, uint64_t unit, uint64_t most, const char *what, uint64_t *n) {
    size_t at = r->at;
    if (!get_u64(r, n))
        return false;
    if (*n > most || *n > (r->s->size - r->at) / unit)
        return mx_source_fail(r->s, at, "a count of %llu for %s is too large",
                              (unsigned long long)*n, what);
    return true;
}

static bool get_string(reader *r, const char **out, const char *what) {
    uint64_t n;
    if (!get_count(r, 1, UINT32_MAX, what, &n))
        return false;
    const char *from = (const char *)r->s->data + r->at;
    char *text = memchr(from, 0, n) ? mx_source_fail(r->s, r->at, "a 0 in %s", what)
                                    : mx_arena_alloc(&r->t->memory, n + 1, 1);
    if (!text)
        return false;
    memcpy(text, from, n);
    r->at += n;
    *out = text;
    return true;
}

static bool get_dtype(reader *r, int64_t *out) {
    size_t at = r->at;
    if (!get_i32(r, out) || !has(r, 1, "a dtype"))
        return false;
    int size = r->s->data[r->at++];
    if (*out < 0 || *out >= MX_DTYPE_COUNT || size != (int)mx_dtype_size((mx_dtype)*out))
        return mx_source_fail(r->s, at, "%d with %d bytes is no dtype", (int)*out, size);
    return true;
}

static bool get_ints(reader *r, uint64_t most, mx_ints *out) {
    uint64_t n;
    int64_t v;
    int *to;
    if (!get_count(r, 4, most, "numbers", &n) ||
        !(to = mx_arena_alloc(&r->t->memory, n + 1, sizeof *to)))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        if (!get_i32(r, &v))
            return false;
        to[i] = (int)v;
    }
    *out = (mx_ints){(int)n, to};
    return true;
}

static bool get_longs(reader *r, mx_longs *out) {
    uint64_t n, v;
    int64_t *to;
    if (!get_count(r, 8, MOST_ITEMS, "numbers", &n) ||
        !(to = mx_arena_alloc(&r->t->memory, n + 1, sizeof *to)))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        if (!get_u64(r, &v))
            return false;
        to[i] = (int64_t)v;
    }
    *out = (mx_longs){(int)n, to};
    return true;
}

/* --- shapes -------------------------------------------------------------------------------- */

static bool get_shape(reader *r, mx_fn_out *o) {
    mx_ints shape;
    size_t at = r->at;
    int64_t size;
    if (!get_ints(r, MX_MAX_NDIM, &shape))
        return false;
    o->shape = shape.v;
    o->ndim = shape.n;
    return mx_shape_size(o->shape, o->ndim, 8, &size) ||
           mx_source_fail(r->s, at, "a shape is negative or too large");
}

static bool get_out_dtype(reader *r, mx_fn_out *o) {
    int64_t t;
    if (!get_dtype(r, &t))
        return false;
    o->dtype = (mx_dtype)t;
    return true;
}

/* --- ids -------------------------------------------------------------------------------------- */

static size_t place_of(const ids *m, uint64_t id) {
    size_t i = (id * 0x9e3779b97f4a7c15u >> 20) & (m->room - 1);
    while (m->slot[i] && m->key[i] != id)
        i = (i + 1) & (m->room - 1);
    return i;
}

static bool grow_ids(ids *m) {
    ids n = {.room = m->room ? 2 * m->room : 64, .count = m->count};
    n.key = mx_calloc(n.room, sizeof *n.key);
    n.slot = mx_calloc(n.room, sizeof *n.slot);
    bool ok = n.key && n.slot;
    for (size_t i = 0; ok && i < m->room; i++)
        if (m->slot[i]) {
            size_t to = place_of(&n, m->key[i]);
            n.key[to] = m->key[i];
            n.slot[to] = m->slot[i];
        }
    ids former = ok ? *m : n;
    if (ok)
        *m = n;
    mx_free(former.key);
    mx_free(former.slot);
    return ok;
}

static int32_t slot_of(const ids *m, uint64_t id) {
    return m->count ? m->slot[place_of(m, id)] - 1 : -1;
}

/* A number from now on for an id that the map has not. */
static bool put_id(ids *m, uint64_t id, int32_t slot) {
    if (2 * m->count >= m->room && !grow_ids(m))
        return false;
    size_t i = place_of(m, id);
    m->key[i] = id;
    m->slot[i] = slot + 1;
    m->count++;
    return true;
}

/* A new slot for an id. */
static bool add_id(reader *r, size_t at, uint64_t id, int32_t *slot) {
    if (slot_of(&r->ids, id) >= 0)
        return mx_source_fail(r->s, at, "the id %llu is given twice", (unsigned long long)id);
    if (!mx_grow(&r->t->constant, &r->t->room_constant, (size_t)r->t->n_slot + 1,
                 sizeof *r->t->constant) ||
        !put_id(&r->ids, id, r->t->n_slot))
        return false;
    r->t->constant[r->t->n_slot] = NULL;
    *slot = r->t->n_slot++;
    return true;
}

static bool find_id(reader *r, size_t at, uint64_t id, int32_t *slot) {
    *slot = slot_of(&r->ids, id);
    return *slot >= 0 ||
           mx_source_fail(r->s, at, "the id %llu has not come before", (unsigned long long)id);
}

/* A list of ids: known ones, or (made) new ones. */
static bool get_slots(reader *r, uint64_t most, bool made, const int32_t **out, int *count) {
    uint64_t n, id;
    int32_t *to;
    if (!get_count(r, 8, most, "ids", &n) ||
        !(to = mx_arena_alloc(&r->t->memory, n + 1, sizeof *to)))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        size_t at = r->at;
        if (!get_u64(r, &id) || !(made ? add_id(r, at, id, &to[i]) : find_id(r, at, id, &to[i])))
            return false;
    }
    *out = to;
    *count = (int)n;
    return true;
}

/* --- operations ------------------------------------------------------------------------------- */

static bool get_zero(reader *r, int64_t *v) {
    size_t at = r->at;
    return get_flag(r, v, "a flag") &&
           (*v == 0 || mx_source_fail(r->s, at, "a flag is set that has no known meaning"));
}

static bool get_arg(reader *r, char letter, mx_fn_arg *a) {
    uint64_t bits = 0;
    float f;
    switch (letter) {
    case 'i': return get_i32(r, &a->i);
    case 'b': return get_flag(r, &a->i, "a flag");
    case 'z': return r->version < WITH_ZEROS || get_zero(r, &a->i);
    case 't': return get_dtype(r, &a->i);
    case 's': return get_string(r, &a->s, "a text");
    case 'I':
    case 'S': return get_ints(r, MOST_ITEMS, &a->ints);
    case 'f':
        if (!get_i32(r, &a->i))
            return false;
        memcpy(&f, &(uint32_t){(uint32_t)a->i}, sizeof f);
        a->d = f;
        return true;
    case 'q':
    case 'd':
        if (!get_u64(r, &bits))
            return false;
        a->i = (int64_t)bits;
        memcpy(&a->d, &bits, sizeof a->d);
        return true;
    default: return get_longs(r, &a->longs); // L and Q
    }
}

static bool get_op(reader *r, mx_fn_op *op) {
    const char *name;
    size_t at = r->at;
    if (!get_string(r, &name, "the name of an operation"))
        return false;
    for (int i = 0; i < MX_FN_OPS; i++)
        if (strcmp(mx_fn_infos[i].name, name) == 0)
            return *op = (mx_fn_op)i, true;
    mx_fail(MX_UNSUPPORTED, "[%s] '%s' at byte %zu: the operation '%.80s' is not known", r->s->op,
            r->s->name, at, name);
    return false;
}

static bool get_state(reader *r, mx_fn_entry *e) {
    const char *letters = mx_fn_infos[e->op].state;
    if (!(e->arg = mx_arena_alloc(&r->t->memory, strlen(letters) + 1, sizeof *e->arg)))
        return false;
    for (int i = 0; letters[i]; i++)
        if (!get_arg(r, letters[i], &e->arg[i]))
            return false;
    return true;
}

/* Several outputs: their ids, among them the entry's own, then shapes, then dtypes. */
static bool get_outputs(reader *r, mx_fn_entry *e, uint64_t id, uint64_t siblings) {
    uint64_t n = siblings + 1, count = n, own = 0;
    size_t at = r->at;
    bool fits = siblings < MOST_ITEMS && siblings <= (r->s->size - at) / 8;
    mx_fn_out *o = fits ? mx_arena_alloc(&r->t->memory, n, sizeof *o) : NULL;
    if (!o)
        return mx_failed() ? false : mx_source_fail(r->s, at, "too many outputs");
    if (siblings == 0) {
        int32_t *slot = mx_arena_alloc(&r->t->memory, 1, sizeof *slot);
        e->out = slot;
        e->nout = 1;
        e->given = o;
        return slot && add_id(r, at, id, slot) && get_shape(r, o) && get_out_dtype(r, o);
    }
    if (!get_slots(r, MOST_ITEMS, true, &e->out, &e->nout))
        return false;
    for (uint64_t i = 0; i < (uint64_t)e->nout; i++)
        own += mx_le64(r->s->data + at + 8 + 8 * i) == id;
    if ((uint64_t)e->nout != n || own != 1)
        return mx_source_fail(r->s, at, "the list of outputs is wrong");
    bool ok = get_u64(r, &count) && count == n;
    for (uint64_t i = 0; ok && i < n; i++)
        ok = get_shape(r, &o[i]);
    ok = ok && get_u64(r, &count) && count == n;
    for (uint64_t i = 0; ok && i < n; i++)
        ok = get_out_dtype(r, &o[i]);
    e->given = o;
    if (!ok && !mx_failed())
        mx_source_fail(r->s, at, "the numbers of outputs differ");
    return ok;
}

static bool arity_fits(reader *r, const mx_fn_entry *e) {
    const mx_fn_info *i = &mx_fn_infos[e->op];
    if (e->nin < i->least || (i->most >= 0 && e->nin > i->most) ||
        (i->outputs && e->nout != i->outputs))
        return mx_source_fail(r->s, e->at, "%s has %d inputs and %d outputs", i->name, e->nin,
                              e->nout);
    return true;
}

static bool get_operation(reader *r, size_t at, uint64_t id) {
    mx_fn_trace *t = r->t;
    uint64_t siblings;
    if (!mx_grow(&t->entry, &t->room_entry, (size_t)t->n_entry + 1, sizeof *t->entry))
        return false;
    mx_fn_entry *e = &t->entry[t->n_entry++];
    *e = (mx_fn_entry){.at = at};
    if (!get_slots(r, MOST_ITEMS, false, &e->in, &e->nin) || !has(r, 12, "a stream"))
        return false;
    r->at += 12;
    return get_op(r, &e->op) && get_state(r, e) && get_u64(r, &siblings) &&
           get_outputs(r, e, id, siblings) && arity_fits(r, e);
}

/* --- the tape --------------------------------------------------------------------------------- */

static bool share_constant(reader *r, uint64_t id, mx_array *a) {
    if (!mx_grow(&r->constant, &r->room_constant, (size_t)r->n_constant + 1, sizeof *r->constant) ||
        !put_id(&r->shared, id, r->n_constant))
        return false;
    r->constant[r->n_constant++] = a;
    return true;
}

static bool get_constant(reader *r, size_t at, uint64_t id) {
    mx_fn_out o;
    int32_t slot, shared = slot_of(&r->shared, id);
    if (!add_id(r, at, id, &slot))
        return false;
    if (shared >= 0) {
        r->t->constant[slot] = mx_array_retain(r->constant[shared]);
        return true;
    }
    if (!get_shape(r, &o) || !get_out_dtype(r, &o))
        return false;
    mx_array *a = mx_source_array(r->s, r->at, o.shape, o.ndim, o.dtype, false);
    if (!a)
        return false;
    r->at += (size_t)a->size * mx_itemsize(a);
    r->t->constant[slot] = mx_array_retain(a);
    return share_constant(r, id, a);
}

static bool get_entry(reader *r) {
    uint64_t id;
    int64_t operation, constant;
    int32_t slot;
    size_t at = r->at;
    if (!get_u64(r, &id) || !get_flag(r, &operation, "the kind of an entry"))
        return false;
    if (operation)
        return get_operation(r, at, id);
    if (!get_flag(r, &constant, "the kind of an entry"))
        return false;
    if (constant)
        return get_constant(r, at, id);
    return find_id(r, at, id, &slot) &&
           (slot < r->t->n_in || mx_source_fail(r->s, at, "an input that is not among the inputs"));
}

static bool get_tape(reader *r) {
    uint64_t n;
    mx_scope s = mx_scope_open();
    bool ok = get_count(r, 10, INT32_MAX, "entries", &n);
    for (uint64_t i = 0; ok && i < n; i++)
        ok = get_entry(r);
    mx_scope_close(s);
    return ok;
}

/* --- a trace ---------------------------------------------------------------------------------- */

static bool get_keys(reader *r) {
    uint64_t n;
    mx_fn_trace *t = r->t;
    if (!get_count(r, 8, MOST_ITEMS, "names of inputs", &n) ||
        !(t->key = mx_arena_alloc(&t->memory, n + 1, sizeof *t->key)))
        return false;
    for (t->n_keys = 0; t->n_keys < (int)n; t->n_keys++)
        if (!get_string(r, &t->key[t->n_keys], "the name of an input"))
            return false;
    return true;
}

static bool get_inputs(reader *r) {
    uint64_t n;
    const int32_t *slots;
    mx_fn_trace *t = r->t;
    size_t at = r->at;
    if (!get_slots(r, MOST_ITEMS, true, &slots, &t->n_in) || !get_u64(r, &n))
        return false;
    if (n != (uint64_t)t->n_in || t->n_in < t->n_keys)
        return mx_source_fail(r->s, at, "the numbers of inputs differ");
    mx_fn_out *in = mx_arena_alloc(&t->memory, n + 1, sizeof *in);
    t->in = in;
    for (int i = 0; in && i < t->n_in; i++)
        if (!get_shape(r, &in[i]) || !get_out_dtype(r, &in[i]))
            return false;
    return in != NULL;
}

/* Outputs stand before the tape that makes them: their ids are looked up when it has been read. */
static bool get_trace(reader *r) {
    uint64_t n, id;
    mx_fn_trace *t = r->t;
    if (!get_keys(r) || !get_inputs(r) || !get_count(r, 8, MOST_ITEMS, "outputs", &n))
        return false;
    size_t at = r->at;
    r->at += 8 * n;
    if (!(t->out = mx_arena_alloc(&t->memory, n + 1, sizeof *t->out)) || !get_tape(r))
        return false;
    t->n_out = (int)n;
    for (uint64_t i = 0; i < n; i++) {
        id = mx_le64(r->s->data + at + 8 * i);
        if (!find_id(r, at + 8 * i, id, &t->out[i]))
            return false;
    }
    return true;
}

static void close_ids(ids *m) {
    mx_free(m->key);
    mx_free(m->slot);
    *m = (ids){0};
}

/* --- a file ----------------------------------------------------------------------------------- */

static bool get_version(reader *r) {
    const char *version;
    if (!get_string(r, &version, "the version"))
        return false;
    bool known = strncmp(version, MX_FN_READS, strlen(MX_FN_READS)) == 0;
    r->version = known ? strtol(version + strlen(MX_FN_READS), NULL, 10) : 0;
    return known ||
           mx_source_fail(r->s, 0, "version '%.32s' is not known (%sx is)", version, MX_FN_READS);
}

static bool get_file(reader *r, mx_fn_file *f) {
    int64_t count, shapeless;
    const char *metadata;
    if (!get_version(r) || !get_i32(r, &count) || !get_flag(r, &shapeless, "shapeless"))
        return false;
    f->shapeless = shapeless != 0;
    if (!get_string(r, &metadata, "the metadata") || !(f->metadata = mx_strdup(metadata)))
        return false;
    if (count < 0 || (uint64_t)count > (r->s->size - r->at) / 40)
        return mx_source_fail(r->s, 0, "%d traces are too many", (int)count);
    return (f->trace = mx_calloc((size_t)count + 1, sizeof *f->trace)) &&
           (f->n_trace = (int32_t)count, true);
}

bool mx_fn_read(mx_source *s, mx_fn_file *f) {
    mx_fn_trace head = {0}; // its memory holds the head's texts
    reader r = {.s = s, .t = &head};
    bool ok = get_file(&r, f);
    for (int32_t i = 0; ok && i < f->n_trace; i++) {
        r.t = &f->trace[i];
        ok = get_trace(&r);
        close_ids(&r.ids);
    }
    mx_arena_free(&head.memory);
    close_ids(&r.shared);
    mx_free(r.constant);
    return ok && (r.at == s->size || mx_source_fail(s, r.at, "something follows the last trace"));
}

void mx_fn_file_free(mx_fn_file *f) {
    for (int32_t i = 0; i < f->n_trace; i++) {
        mx_fn_trace *t = &f->trace[i];
        for (int32_t k = 0; k < t->n_slot; k++)
            mx_array_release(t->constant[k]);
        mx_free(t->constant);
        mx_free(t->entry);
        mx_arena_free(&t->memory);
    }
    mx_free(f->trace);
    mx_free(f->metadata);
    *f = (mx_fn_file){0};
}
