/* What a checkpoint's pickle may name, and what calling it makes: the only list. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "io/archive/archive.h"
#include "io/pytorch/pickle.h"

typedef enum action {
    A_DICT,      /* of pairs, or empty */
    A_LIST,      /* of one list, or empty */
    A_FIRST,     /* the first argument */
    A_TENSOR,    /* (storage, offset, size, stride, -, -, what else there is to know) */
    A_TENSOR_V3, /* the same, but a dtype as the seventh and the rest as the eighth */
    A_FROM_TYPE, /* (function, type, arguments, state): the function's result */
    A_NOTHING,   /* of no use here */
    A_STORAGE,   /* a type of storages: not called */
    A_DTYPE      /* not called */
} action;

typedef struct pk_global {
    const char *module, *name;
    action action;
    const char *storage; /* of A_STORAGE and A_DTYPE, NULL: none */
} pk_global;

static const pk_global globals[] = {
    {"collections", "OrderedDict", A_DICT, NULL},
    {"collections", "defaultdict", A_DICT, NULL},
    {"builtins", "dict", A_DICT, NULL},
    {"builtins", "set", A_LIST, NULL},
    {"builtins", "frozenset", A_LIST, NULL},
    {"__builtin__", "set", A_LIST, NULL},
    {"__builtin__", "frozenset", A_LIST, NULL},
    {"builtins", "list", A_NOTHING, NULL},
    {"torch", "Size", A_LIST, NULL},
    {"_codecs", "encode", A_FIRST, NULL},
    {"torch._utils", "_rebuild_tensor", A_TENSOR, NULL},
    {"torch._utils", "_rebuild_tensor_v2", A_TENSOR, NULL},
    {"torch._utils", "_rebuild_tensor_v3", A_TENSOR_V3, NULL},
    {"torch._utils", "_rebuild_parameter", A_FIRST, NULL},
    {"torch._utils", "_rebuild_parameter_with_state", A_FIRST, NULL},
    {"torch._tensor", "_rebuild_from_type_v2", A_FROM_TYPE, NULL},
    {"torch.nn.parameter", "Parameter", A_FIRST, NULL},
    {"torch.nn.parameter", "Buffer", A_FIRST, NULL},
    {"torch", "Tensor", A_NOTHING, NULL},
    {"torch", "device", A_NOTHING, NULL},
    {"torch.serialization", "_get_layout", A_NOTHING, NULL},
    {"numpy", "dtype", A_NOTHING, NULL},
    {"numpy", "ndarray", A_NOTHING, NULL},
    {"numpy.core.multiarray", "scalar", A_NOTHING, NULL},
    {"numpy._core.multiarray", "scalar", A_NOTHING, NULL},
    {"numpy.core.multiarray", "_reconstruct", A_NOTHING, NULL},
    {"numpy._core.multiarray", "_reconstruct", A_NOTHING, NULL},
    {"torch", "FloatStorage", A_STORAGE, "float32"},
    {"torch", "DoubleStorage", A_STORAGE, "float64"},
    {"torch", "HalfStorage", A_STORAGE, "float16"},
    {"torch", "BFloat16Storage", A_STORAGE, "bfloat16"},
    {"torch", "LongStorage", A_STORAGE, "int64"},
    {"torch", "IntStorage", A_STORAGE, "int32"},
    {"torch", "ShortStorage", A_STORAGE, "int16"},
    {"torch", "CharStorage", A_STORAGE, "int8"},
    {"torch", "ByteStorage", A_STORAGE, "uint8"},
    {"torch", "BoolStorage", A_STORAGE, "bool"},
    {"torch", "ComplexFloatStorage", A_STORAGE, "complex64"},
    {"torch", "UntypedStorage", A_STORAGE, NULL},
    {"torch.storage", "UntypedStorage", A_STORAGE, NULL},
    {"torch", "float32", A_DTYPE, "float32"},
    {"torch", "float64", A_DTYPE, "float64"},
    {"torch", "float16", A_DTYPE, "float16"},
    {"torch", "bfloat16", A_DTYPE, "bfloat16"},
    {"torch", "int64", A_DTYPE, "int64"},
    {"torch", "int32", A_DTYPE, "int32"},
    {"torch", "int16", A_DTYPE, "int16"},
    {"torch", "int8", A_DTYPE, "int8"},
    {"torch", "uint8", A_DTYPE, "uint8"},
    {"torch", "uint16", A_DTYPE, "uint16"},
    {"torch", "uint32", A_DTYPE, "uint32"},
    {"torch", "uint64", A_DTYPE, "uint64"},
    {"torch", "bool", A_DTYPE, "bool"},
    {"torch", "complex64", A_DTYPE, "complex64"},
    {"torch", "float8_e4m3fn", A_DTYPE, "float8_e4m3"},
    {"torch", "float8_e5m2", A_DTYPE, "float8_e5m2"},
    {"torch", "float8_e8m0fnu", A_DTYPE, "float8_e8m0"},
    {"torch", "float8_e4m3fnuz", A_DTYPE, "float8_e4m3fnuz"},
    {"torch", "float8_e5m2fnuz", A_DTYPE, "float8_e5m2fnuz"},
};

/* "complex32", "uint4", "bits8": letters and a size. */
static bool is_dtype(const char *name) {
    static const char *const kinds[] = {"float", "complex", "int", "uint", "qint", "quint", "bits"};
    size_t letters = strcspn(name, "0123456789");
    for (size_t i = 0; name[letters] && i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i]) == letters && memcmp(name, kinds[i], letters) == 0)
            return true;
    return false;
}

/* Tensors that PyTorch has and nobody reads here. */
static const char *why_not(const char *module, const char *name) {
    static const char *const known[][2] = {
        {"ComplexDoubleStorage", "a tensor of complex128 is not read:"},
        {"_rebuild_sparse_tensor", "a sparse tensor is not read:"},
        {"_rebuild_nested_tensor", "a nested tensor is not read:"},
        {"_rebuild_meta_tensor_no_storage", "a meta tensor has no numbers:"},
        {"_rebuild_qtensor", "a tensor that PyTorch has quantized is not read:"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], name) == 0)
            return known[i][1];
    if (strcmp(module, "torch") == 0 && is_dtype(name))
        return "a tensor of this dtype is not read:";
    return "the pickle names what is not allowed in checkpoints of tensors:";
}

pk_value *pk_find_global(pk_machine *m, const char *module, const char *name) {
    char full[512];
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (!strcmp(globals[i].module, module) && !strcmp(globals[i].name, name)) {
            pk_value *v = pk_new(m, PK_GLOBAL);
            if (v)
                v->as.global = &globals[i];
            return v;
        }
    snprintf(full, sizeof full, "%.200s.%.200s", module, name);
    return pk_fail(m, why_not(module, name), full);
}

/* --- storages --------------------------------------------------------------------------------- */

static const pk_value *item(const pk_value *list, size_t i, pk_kind kind) {
    bool there = list->kind == PK_LIST && i < list->count && list->as.item[i]->kind == kind;
    return there ? list->as.item[i] : NULL;
}

/* One object a key. */
static pk_storage *storage_of(pk_machine *m, const char *key, const pk_global *g, int64_t count) {
    const st_type *type = g->storage ? st_type_stored(g->storage) : NULL;
    pk_storage *s = mx_map_get(&m->storages, key);
    if (s)
        return s->type == type && s->count == count
                   ? s
                   : pk_fail(m, "two storages have the same key", key);
    s = pk_alloc(m, sizeof *s);
    if (!s || !mx_map_set(&m->storages, key, s, NULL))
        return NULL;
    *s = (pk_storage){.type = type, .key = key, .count = count};
    return s;
}

pk_value *pk_persistent(pk_machine *m, const pk_value *id) {
    const pk_value *what = item(id, 0, PK_TEXT), *type = item(id, 1, PK_GLOBAL),
                   *key = item(id, 2, PK_TEXT);
    const pk_value *count = item(id, 4, PK_INT);
    if (!what || strcmp(what->as.text, "storage") || !type ||
        type->as.global->action != A_STORAGE || !key || !count || count->as.integer < 0)
        return pk_fail(m, "a persistent id is not that of a storage", NULL);
    pk_value *v = pk_new(m, PK_STORAGE);
    if (v)
        v->as.storage = storage_of(m, key->as.text, type->as.global, count->as.integer);
    return v && v->as.storage ? v : NULL;
}

/* --- tensors ---------------------------------------------------------------------------------- */

/* Sizes and strides: integers that are not negative, as many of both. */
static bool read_layout(pk_machine *m, pk_tensor *t, const pk_value *args) {
    const pk_value *size = item(args, 2, PK_LIST), *stride = item(args, 3, PK_LIST);
    if (!size || !stride || size->count != stride->count || size->count > MX_MAX_NDIM)
        return pk_fail(m, "a tensor has no shape, or too many dimensions", NULL);
    t->shape.ndim = (int)size->count;
    for (size_t i = 0; i < size->count; i++) {
        const pk_value *n = item(size, i, PK_INT), *step = item(stride, i, PK_INT);
        if (!n || !step || n->as.integer < 0 || n->as.integer > INT32_MAX || step->as.integer < 0)
            return pk_fail(m, "a tensor's sizes or strides are out of range", NULL);
        t->shape.dim[i] = (int)n->as.integer;
        t->stride[i] = step->as.integer;
    }
    return true;
}

/* Does it lie inside of its storage? In bytes, as storages may have no type. */
static bool is_inside(pk_machine *m, const pk_tensor *t) {
    int64_t size = 0, last = t->offset, width = t->type->bits / 8;
    if (!mx_shape_size(t->shape.dim, t->shape.ndim, 8, &size))
        return pk_fail(m, "a tensor's shape is too large", NULL);
    for (int i = 0; size && i < t->shape.ndim; i++) {
        int64_t reach;
        if (__builtin_mul_overflow((int64_t)t->shape.dim[i] - 1, t->stride[i], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return pk_fail(m, "a tensor's strides are too large", NULL);
    }
    int64_t room = t->storage->type ? t->storage->count : t->storage->count / width;
    if (!size || last < room)
        return true;
    return pk_fail(m, "a tensor reaches beyond its storage", t->storage->key);
}

/* Marks of views whose values are computed when they are used: {"conj": True, "neg": True}. Others
   are of a device, and say what cannot be known here. */
static bool read_marks(pk_machine *m, pk_tensor *t, const pk_value *args, size_t at) {
    const pk_value *marks = item(args, at, PK_DICT);
    for (size_t i = 0; marks && i + 1 < marks->count; i += 2) {
        const pk_value *key = marks->as.item[i], *value = marks->as.item[i + 1];
        const char *name = key->kind == PK_TEXT ? key->as.text : "";
        bool *mark = !strcmp(name, "conj")  ? &t->conjugate
                     : !strcmp(name, "neg") ? &t->negative
                                            : NULL;
        if (!mark || value->kind != PK_BOOL)
            return pk_fail(m, "a tensor has a mark that is not known:", name);
        *mark = value->as.integer;
    }
    bool numbers = mx_dtype_is_float(t->type->dtype) || t->type->dtype == MX_COMPLEX64;
    if (t->negative && (!numbers || mx_archive_widens(t->type->storage)))
        return pk_fail(m, "a tensor of this dtype cannot be a negative:", t->type->storage);
    bool other = args->count > at && !marks && args->as.item[at]->kind != PK_NONE;
    return !other || pk_fail(m, "a tensor's marks are no dict", NULL);
}

static pk_value *tensor_of(pk_machine *m, const pk_value *args, bool has_dtype) {
    const pk_value *storage = item(args, 0, PK_STORAGE), *offset = item(args, 1, PK_INT);
    const pk_value *dtype = has_dtype ? item(args, 6, PK_GLOBAL) : NULL;
    pk_tensor *t = pk_alloc(m, sizeof *t);
    pk_value *v = t ? pk_new(m, PK_TENSOR) : NULL;
    if (!v)
        return NULL;
    if (m->tensors++ == PK_MOST_TENSORS)
        return pk_fail(m, "the pickle has more than a million tensors", NULL);
    if (!storage || !offset || offset->as.integer < 0 ||
        (has_dtype && (!dtype || dtype->as.global->action != A_DTYPE)))
        return pk_fail(m, "a tensor is made of something else than a storage", NULL);
    t->storage = storage->as.storage;
    t->type = dtype ? st_type_stored(dtype->as.global->storage) : t->storage->type;
    t->offset = offset->as.integer;
    v->as.tensor = t;
    if (!t->type)
        return pk_fail(m, "a tensor has no dtype", NULL);
    if (dtype && t->storage->type && t->storage->type != t->type)
        return pk_fail(m, "a tensor has another dtype than its storage", t->storage->key);
    bool ok = read_layout(m, t, args) && is_inside(m, t) && read_marks(m, t, args, 6 + has_dtype);
    return ok ? v : NULL;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* A dict of pairs, which protocol 2 gives as a list. */
static pk_value *dict_of(pk_machine *m, const pk_value *args) {
    pk_value *dict = pk_new(m, PK_DICT);
    const pk_value *pairs = item(args, 0, PK_LIST);
    for (size_t i = 0; dict && pairs && i < pairs->count; i++) {
        const pk_value *pair = pairs->as.item[i];
        if (pair->kind != PK_LIST || pair->count != 2)
            return pk_fail(m, "a dict is made of something else than pairs", NULL);
        if (!pk_append(m, dict, pair->as.item[0]) || !pk_append(m, dict, pair->as.item[1]))
            return NULL;
    }
    return dict;
}

static pk_value *list_of(pk_machine *m, const pk_value *args) {
    const pk_value *from = item(args, 0, PK_LIST);
    pk_value *list = pk_new(m, PK_LIST);
    for (size_t i = 0; list && from && i < from->count; i++)
        if (!pk_append(m, list, from->as.item[i]))
            return NULL;
    return list;
}

static pk_value *from_type(pk_machine *m, const pk_value *args) {
    const pk_value *function = item(args, 0, PK_GLOBAL);
    pk_value *inner = args->count > 2 ? args->as.item[2] : NULL;
    if (!function || function->as.global->action == A_FROM_TYPE || !inner)
        return pk_fail(m, "a tensor of another type cannot be made", NULL);
    return pk_call(m, function, inner);
}

pk_value *pk_call(pk_machine *m, const pk_value *callable, pk_value *args) {
    if (callable->kind != PK_GLOBAL || args->kind != PK_LIST)
        return pk_fail(m, "the pickle calls what is no function", NULL);
    switch (callable->as.global->action) {
    case A_DICT: return dict_of(m, args);
    case A_LIST: return list_of(m, args);
    case A_FIRST:
        return args->count ? args->as.item[0] : pk_fail(m, "a call lacks its argument", NULL);
    case A_TENSOR: return tensor_of(m, args, false);
    case A_TENSOR_V3: return tensor_of(m, args, true);
    case A_FROM_TYPE: return from_type(m, args);
    case A_NOTHING: return pk_new(m, PK_OPAQUE);
    case A_STORAGE:
    case A_DTYPE: break;
    }
    return pk_fail(m, "the pickle calls what is no function", NULL);
}
