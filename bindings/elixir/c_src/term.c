/* What crosses the border: arrays, dtypes, numbers, lists and texts. */
#include <math.h>

#include "nif.h"

atomic_long mex_live_arrays;
static term dtype_atoms[MLX_COMPLEX64 + 1];

static const char *const dtype_names[] = {"bool",    "uint8",   "uint16",   "uint32",   "uint64",
                                          "int8",    "int16",   "int32",    "int64",    "float16",
                                          "float32", "float64", "bfloat16", "complex64"};
enum { DTYPES = sizeof dtype_names / sizeof *dtype_names };

void mex_dtypes_load(ErlNifEnv *env) {
    for (int i = 0; i < DTYPES; i++)
        dtype_atoms[i] = enif_make_atom(env, dtype_names[i]);
}

/* --- structs that hold a resource ------------------------------------------------------------- */

void *mex_held(ErlNifEnv *env, term t, ErlNifResourceType *type) {
    term ref;
    void *object;
    return enif_is_map(env, t) && enif_get_map_value(env, t, mex_atom.ref, &ref) &&
                   enif_get_resource(env, ref, type, &object)
               ? object
               : NULL;
}

term mex_holder_term(ErlNifEnv *env, term module, void *object) {
    term keys[] = {mex_atom.struct_, mex_atom.ref};
    term values[] = {module, enif_make_resource(env, object)}, t = 0;
    enif_release_resource(object);
    enif_make_map_from_arrays(env, keys, values, 2, &t);
    return t;
}

/* --- arrays ----------------------------------------------------------------------------------- */

void mex_array_drop(mex_array *a) {
    if (atomic_exchange(&a->freed, true) || !a->handle.ctx)
        return;
    atomic_fetch_sub(&mex_live_arrays, 1);
    mex_reap(a->handle);
}

bool mex_is_array(ErlNifEnv *env, term t) {
    return mex_held(env, t, mex_array_type);
}

mex_array *mex_borrow(ErlNifEnv *env, term t) {
    mex_array *a = mex_held(env, t, mex_array_type);
    if (!a)
        return mex_expected(env, "the argument", "an array", t), NULL;
    if (!(atomic_fetch_add(&a->state, 2) & 1))
        return a;
    mex_give_back(a);
    return mex_fail("deallocated", "the array was deallocated"), NULL;
}

void mex_give_back(mex_array *a) {
    if (atomic_fetch_sub(&a->state, 2) == 3)
        mex_array_drop(a);
}

term mex_array_term(ErlNifEnv *env, mlx_array handle) {
    mex_array *a = handle.ctx ? enif_alloc_resource(mex_array_type, sizeof *a) : NULL;
    if (!a) {
        mlx_array_free(handle);
        return mex_fail("memory", "no memory for an array"), 0;
    }
    a->handle = handle;
    atomic_init(&a->state, 0);
    atomic_init(&a->freed, false);
    atomic_fetch_add(&mex_live_arrays, 1);
    return mex_holder_term(env, mex_atom.array_module, a);
}

static bool append(ErlNifEnv *env, mlx_vector_array v, term item) {
    mex_array *a = mex_borrow(env, item);
    if (!a)
        return false;
    int status = mlx_vector_array_append_value(v, a->handle);
    mex_give_back(a);
    return status ? mex_fail_mlx() : true;
}

bool mex_arrays(ErlNifEnv *env, mlx_vector_array *out, term list) {
    term item;
    int i = 0;
    *out = mlx_vector_array_new();
    if (!out->ctx)
        return mex_fail_mlx();
    if (mex_length(env, list) < 0)
        return mex_expected(env, "the argument", "a list of arrays", list);
    while (mex_next(env, &list, &i, &item))
        if (!append(env, *out, item))
            return false;
    return true;
}

static term item_term(ErlNifEnv *env, mlx_vector_array v, size_t i) {
    mlx_array a = mlx_array_new();
    if (mlx_vector_array_get(&a, v, i))
        return mex_fail_mlx(), 0;
    return mex_array_term(env, a);
}

/* Many: a list is made from its end, so that no room for all is needed. */
static term list_term(ErlNifEnv *env, mlx_vector_array v, size_t n) {
    term list = enif_make_list(env, 0);
    while (n--) {
        term item = item_term(env, v, n);
        if (!item)
            return 0;
        list = enif_make_list_cell(env, item, list);
    }
    return list;
}

term mex_arrays_term(ErlNifEnv *env, mlx_vector_array v, bool tuple) {
    size_t n = v.ctx ? mlx_vector_array_size(v) : 0;
    term items[64];
    if (!tuple || n > 64)
        return list_term(env, v, n);
    for (size_t i = 0; i < n; i++)
        if (!(items[i] = item_term(env, v, i)))
            return 0;
    return enif_make_tuple_from_array(env, items, (unsigned)n);
}

/* --- dtypes ----------------------------------------------------------------------------------- */

const char *mex_dtype_name(mlx_dtype t) {
    return (unsigned)t < DTYPES ? dtype_names[t] : "?";
}

term mex_dtype_term(mlx_dtype t) {
    return (unsigned)t < DTYPES ? dtype_atoms[t] : mex_atom.nil;
}

/* {:f, 32} and the like, as Nx writes dtypes. */
static bool pair_dtype(ErlNifEnv *env, mlx_dtype *out, term t) {
    static const struct {
        const char *kind;
        int bits;
        mlx_dtype dtype;
    } rows[] = {{"u", 8, MLX_UINT8},     {"u", 16, MLX_UINT16},  {"u", 32, MLX_UINT32},
                {"u", 64, MLX_UINT64},   {"s", 8, MLX_INT8},     {"s", 16, MLX_INT16},
                {"s", 32, MLX_INT32},    {"s", 64, MLX_INT64},   {"f", 16, MLX_FLOAT16},
                {"f", 32, MLX_FLOAT32},  {"f", 64, MLX_FLOAT64}, {"bf", 16, MLX_BFLOAT16},
                {"c", 64, MLX_COMPLEX64}};
    const term *pair;
    char kind[4];
    int n, bits;
    if (!enif_get_tuple(env, t, &n, &pair) || n != 2 || !enif_get_int(env, pair[1], &bits) ||
        !enif_get_atom(env, pair[0], kind, sizeof kind, ERL_NIF_LATIN1))
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].bits == bits && !strcmp(rows[i].kind, kind))
            return *out = rows[i].dtype, true;
    return false;
}

bool mex_dtype(ErlNifEnv *env, mlx_dtype *out, term t) {
    for (int i = 0; i < DTYPES; i++)
        if (dtype_atoms[i] == t)
            return *out = (mlx_dtype)i, true;
    return pair_dtype(env, out, t) ||
           mex_expected(env, "a dtype", "an atom as :float32 or a tuple as {:f, 32}", t);
}

/* --- numbers ---------------------------------------------------------------------------------- */

bool mex_bool(ErlNifEnv *env, bool *out, term t) {
    *out = t == mex_atom.yes;
    return *out || t == mex_atom.no || mex_expected(env, "the argument", "true or false", t);
}

bool mex_int(ErlNifEnv *env, int *out, term t) {
    return enif_get_int(env, t, out) ||
           mex_expected(env, "the argument", "an integer of 32 bits", t);
}

bool mex_ints(ErlNifEnv *env, int *out, int max, int *count, term t) {
    term item;
    int i = 0;
    if (mex_length(env, t) < 0)
        return mex_expected(env, "the argument", "a list or tuple of integers", t);
    *count = 0;
    while (mex_next(env, &t, &i, &item)) {
        if (*count == max)
            return mex_fail("range", "more than %d integers were given", max);
        if (!mex_int(env, &out[(*count)++], item))
            return false;
    }
    return true;
}

long mex_length(ErlNifEnv *env, term t) {
    const term *items;
    unsigned n;
    int arity;
    if (enif_get_list_length(env, t, &n))
        return n;
    return enif_get_tuple(env, t, &arity, &items) ? arity : -1;
}

bool mex_next(ErlNifEnv *env, term *rest, int *i, term *item) {
    const term *items;
    int arity;
    if (enif_get_tuple(env, *rest, &arity, &items))
        return *i < arity && (*item = items[(*i)++], true);
    return enif_get_list_cell(env, *rest, item, rest);
}

term mex_double_term(ErlNifEnv *env, double x) {
    if (isnan(x))
        return mex_atom.nan;
    if (isinf(x))
        return x > 0 ? mex_atom.infinity : mex_atom.neg_infinity;
    return enif_make_double(env, x);
}

bool mex_number(ErlNifEnv *env, double *out, term t) {
    int64_t i;
    uint64_t u;
    if (enif_get_double(env, t, out))
        return true;
    if (enif_get_int64(env, t, &i))
        return *out = (double)i, true;
    if (enif_get_uint64(env, t, &u))
        return *out = (double)u, true;
    *out = t == mex_atom.nan ? NAN : t == mex_atom.infinity ? INFINITY : -INFINITY;
    return t == mex_atom.nan || t == mex_atom.infinity || t == mex_atom.neg_infinity;
}

/* The upper 53 of 64 bits, of which the last one says whether there were more. */
static uint64_t odd(uint64_t bits) {
    uint64_t kept = bits >> 11 << 11;
    return kept == bits ? bits : kept | 1 << 11;
}

double mex_odd_int(int64_t i) {
    return i >> 53 == 0 || i >> 53 == -1 ? (double)i : (double)(int64_t)odd((uint64_t)i);
}

double mex_odd_uint(uint64_t u) {
    return u >> 53 ? (double)odd(u) : (double)u;
}

static bool odd_number(ErlNifEnv *env, double *out, term t) {
    int64_t i;
    uint64_t u;
    if (enif_get_int64(env, t, &i))
        return *out = mex_odd_int(i), true;
    return enif_get_uint64(env, t, &u) ? (*out = mex_odd_uint(u), true) : mex_number(env, out, t);
}

bool mex_complex(ErlNifEnv *env, double *re, double *im, term t) {
    const term *pair;
    term a, b;
    int n;
    if (enif_get_tuple(env, t, &n, &pair) && n == 2)
        return odd_number(env, re, pair[0]) && odd_number(env, im, pair[1]);
    return enif_is_map(env, t) && enif_get_map_value(env, t, mex_atom.re, &a) &&
           enif_get_map_value(env, t, mex_atom.im, &b) && odd_number(env, re, a) &&
           odd_number(env, im, b);
}

/* --- texts ------------------------------------------------------------------------------------ */

static char *copy(const char *text, size_t n) {
    char *s = enif_alloc(n + 1);
    if (!s)
        return mex_fail("memory", "no memory for a text"), NULL;
    if (n)
        memcpy(s, text, n);
    s[n] = 0;
    return s;
}

char *mex_text(ErlNifEnv *env, term t) {
    ErlNifBinary bin;
    char atom[256];
    int n = t == mex_atom.nil || t == mex_atom.yes || t == mex_atom.no
                ? 0
                : enif_get_atom(env, t, atom, sizeof atom, ERL_NIF_LATIN1);
    if (n > 0)
        return copy(atom, (size_t)n - 1);
    if (!enif_inspect_binary(env, t, &bin))
        return mex_expected(env, "the argument", "a string or an atom", t), NULL;
    if (memchr(bin.data, 0, bin.size))
        return mex_fail("invalid", "a string must not have a zero byte"), NULL;
    return copy((const char *)bin.data, bin.size);
}
