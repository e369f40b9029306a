/* Arrays from binaries and numbers, and back; what can be asked of one; slices. */
#include <limits.h>
#include <math.h>

#include "nif.h"

enum { MAX_NDIM = 64, COPIED = 16 * 1024, QUICK = 64 * 1024 };

/* --- from binaries ---------------------------------------------------------------------------- */

static void free_env(void *env) {
    enif_free_env(env);
}

/* The array borrows what the binary refers to: a copy of the term in an environment of its own
   keeps that where it is. */
static bool borrowed_array(mlx_array *out, term binary, const int *shape, int ndim, mlx_dtype t) {
    ErlNifEnv *keeper = enif_alloc_env();
    ErlNifBinary bin;
    if (!keeper)
        return mex_fail("memory", "no memory for an array");
    if (!enif_inspect_binary(keeper, enif_make_copy(keeper, binary), &bin)) {
        enif_free_env(keeper);
        return mex_fail("memory", "no memory for an array");
    }
    *out = mlx_array_new_data_managed_payload(bin.data, shape, ndim, t, keeper, free_env);
    if (out->ctx)
        return true;
    enif_free_env(keeper);
    return mex_fail_mlx();
}

/* Small ones are copied: that is cheaper, and does not keep a large binary alive for a part. */
static bool can_borrow(const ErlNifBinary *bin, mlx_dtype t) {
    return bin->size > COPIED && (uintptr_t)bin->data % mlx_dtype_size(t) == 0;
}

/* Elements of a shape; -1 with a note. */
static int64_t elements(const int *shape, int ndim) {
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0)
            return mex_fail("invalid", "a size of the shape is negative"), -1;
        if (shape[i] && n > INT64_MAX / 16 / shape[i])
            return mex_fail("range", "the shape is too large"), -1;
        n *= shape[i];
    }
    return n;
}

static bool check_size(size_t bytes, const int *shape, int ndim, mlx_dtype t) {
    int64_t n = elements(shape, ndim);
    if (n < 0)
        return false;
    int64_t wanted = n * (int64_t)mlx_dtype_size(t);
    return wanted == (int64_t)bytes ||
           mex_fail("invalid", "the shape needs %lld bytes of %s, the binary has %zu",
                    (long long)wanted, mex_dtype_name(t), bytes);
}

static bool new_array(mlx_array *out, const void *data, const int *shape, int ndim, mlx_dtype t) {
    *out = mlx_array_new_data(data, shape, ndim, t);
    return out->ctx || mex_fail_mlx();
}

/* from_binary(binary, shape, dtype) */
MEX_NIF(mex_nif_from_binary) {
    int shape[MAX_NDIM], ndim;
    ErlNifBinary bin;
    mlx_dtype t;
    mlx_array a;
    mex_operation("from_binary", 11);
    if (argc != 3 || !enif_inspect_binary(env, argv[0], &bin))
        return mex_expected(env, "the data", "a binary", argv[0]), mex_raise(env);
    if (!mex_ints(env, shape, MAX_NDIM, &ndim, argv[1]) || !mex_dtype(env, &t, argv[2]) ||
        !check_size(bin.size, shape, ndim, t))
        return mex_raise(env);
    bool borrow = can_borrow(&bin, t);
    if (!borrow && bin.size > QUICK && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
        return enif_schedule_nif(env, "from_binary", ERL_NIF_DIRTY_JOB_CPU_BOUND,
                                 mex_nif_from_binary, argc, argv);
    // rows of zero bytes have no address that is worth anything
    const void *data = bin.size ? (const void *)bin.data : "";
    bool fine =
        borrow ? borrowed_array(&a, argv[0], shape, ndim, t) : new_array(&a, data, shape, ndim, t);
    term result = fine ? mex_array_term(env, a) : 0;
    return result ? result : mex_raise(env);
}

/* --- from numbers ----------------------------------------------------------------------------- */

typedef struct number {
    double re, im;
    uint64_t bits; /* of an integer */
    enum { BOOLEAN, WHOLE, LARGE, REAL, COMPLEX } kind;
} number;

static bool read_number(ErlNifEnv *env, number *out, term t) {
    int64_t i;
    uint64_t u;
    *out = (number){.kind = REAL};
    if (t == mex_atom.yes || t == mex_atom.no) {
        *out = (number){.kind = BOOLEAN, .bits = t == mex_atom.yes, .re = t == mex_atom.yes};
        return true;
    }
    if (enif_get_int64(env, t, &i))
        return *out = (number){.kind = WHOLE, .bits = (uint64_t)i, .re = (double)i}, true;
    if (enif_get_uint64(env, t, &u))
        return *out = (number){.kind = LARGE, .bits = u, .re = (double)u}, true;
    if (mex_number(env, &out->re, t))
        return true;
    if (enif_is_number(env, t))
        return mex_fail("range",
                        "an integer is beyond those of 64 bits; as a float it may be larger");
    out->kind = COMPLEX;
    return mex_complex(env, &out->re, &out->im, t) ||
           mex_expected(env, "an element", "a number, true, false or {re, im}", t);
}

/* The dtype that holds all: bool, int32, int64, uint64, float32 or complex64. */
static bool natural_dtype(ErlNifEnv *env, mlx_dtype *out, term list) {
    term item;
    int k = 0, widest = -1;
    bool wide = false, large = false;
    while (mex_next(env, &list, &k, &item)) {
        number x;
        if (!read_number(env, &x, item))
            return false;
        widest = (int)x.kind > widest ? (int)x.kind : widest;
        large |= x.kind == LARGE;
        wide |= x.kind == WHOLE && (int64_t)x.bits != (int32_t)x.bits;
    }
    *out = widest < 0 || widest == REAL ? MLX_FLOAT32 : widest == COMPLEX
    ? MLX_COMPLEX64
    : widest == BOOLEAN ? MLX_BOOL
    : large             ? MLX_UINT64
    : wide              ? MLX_INT64
                        : MLX_INT32;
    return true;
}

static bool fits(const number *x, mlx_dtype t) {
    int bits = 8 * (int)mlx_dtype_size(t);
    int64_t i = (int64_t)x->bits;
    if (x->kind == LARGE)
        return t == MLX_UINT64;
    if (t >= MLX_UINT8 && t <= MLX_UINT64)
        return i >= 0 && (bits == 64 || i < (int64_t)1 << bits);
    return bits == 64 || (i >= -((int64_t)1 << (bits - 1)) && i < (int64_t)1 << (bits - 1));
}

static bool is_half(mlx_dtype t) {
    return t == MLX_FLOAT16 || t == MLX_BFLOAT16;
}

/* The number as a double that is to be rounded to a float or a half. */
static double unrounded(const number *x) {
    return x->kind == WHOLE   ? mex_odd_int((int64_t)x->bits)
           : x->kind == LARGE ? mex_odd_uint(x->bits)
                              : x->re;
}

/* As a float that is to be rounded further: rounded to odd, as mex_odd_int. */
static float odd_float(double x) {
    float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof f);
    if (isnan(x) || f == x)
        return f;
    bits -= fabsf(f) > fabs(x);
    bits |= 1;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static bool write_float(char *to, const number *x, mlx_dtype t) {
    double re = unrounded(x);
    float pair[2] = {is_half(t) ? odd_float(re) : (float)re, (float)x->im};
    if (t == MLX_FLOAT64)
        return memcpy(to, &x->re, sizeof x->re), true;
    return memcpy(to, pair, t == MLX_COMPLEX64 ? sizeof pair : sizeof *pair), true;
}

/* Halves as the floats that the library rounds to them. */
static bool write_number(char *to, const number *x, mlx_dtype t) {
    if (x->kind == COMPLEX && t != MLX_COMPLEX64)
        return mex_fail("invalid", "a complex number is no %s", mex_dtype_name(t));
    if (t >= MLX_FLOAT16)
        return write_float(to, x, t);
    if (x->kind == REAL && (t != MLX_BOOL || !isfinite(x->re)))
        return mex_fail("invalid", "%g is no %s", x->re, mex_dtype_name(t));
    if (t == MLX_BOOL)
        return *to = x->re != 0, true;
    if (!fits(x, t))
        return mex_fail("range", "%g is out of the range of %s", x->re, mex_dtype_name(t));
    memcpy(to, &x->bits, mlx_dtype_size(t)); // little end first
    return true;
}

static bool write_all(ErlNifEnv *env, char *to, size_t size, term list, mlx_dtype t) {
    term item;
    int k = 0;
    for (; mex_next(env, &list, &k, &item); to += size) {
        number x;
        if (!read_number(env, &x, item) || !write_number(to, &x, t))
            return false;
    }
    return true;
}

static bool cast(mlx_array *a, mlx_dtype t) {
    if (mlx_array_dtype(*a) == t || !mlx_astype(a, *a, t, (mlx_stream){NULL}))
        return true;
    mlx_array_free(*a);
    return mex_fail_mlx();
}

static bool from_numbers(ErlNifEnv *env, mlx_array *out, term list, const int *shape, int ndim,
                         mlx_dtype t) {
    mlx_dtype written = is_half(t) ? MLX_FLOAT32 : t;
    size_t n = (size_t)mex_length(env, list) + 1, size = mlx_dtype_size(written);
    char *data = enif_alloc(n * size);
    bool fine =
        data ? write_all(env, data, size, list, t) && new_array(out, data, shape, ndim, written)
             : mex_fail("memory", "no memory for %zu numbers", n);
    if (data)
        enif_free(data);
    return fine && cast(out, t);
}

/* from_numbers(list, shape, dtype or nil) */
MEX_NIF(mex_nif_from_numbers) {
    int shape[MAX_NDIM], ndim;
    mlx_dtype t;
    mlx_array a;
    mex_operation("array", 5);
    long n = argc == 3 ? mex_length(env, argv[0]) : -1;
    if (n < 0)
        return mex_expected(env, "the data", "a list of numbers", argv[0]), mex_raise(env);
    if (n > MEX_LONG && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
        return enif_schedule_nif(env, "from_numbers", ERL_NIF_DIRTY_JOB_CPU_BOUND,
                                 mex_nif_from_numbers, argc, argv);
    if (!mex_ints(env, shape, MAX_NDIM, &ndim, argv[1]) ||
        !(argv[2] == mex_atom.nil ? natural_dtype(env, &t, argv[0]) : mex_dtype(env, &t, argv[2])))
        return mex_raise(env);
    int64_t wanted = elements(shape, ndim);
    if (wanted >= 0 && wanted != n)
        mex_fail("invalid", "the shape has %lld elements, the list %ld", (long long)wanted, n);
    term result =
        wanted == n && from_numbers(env, &a, argv[0], shape, ndim, t) ? mex_array_term(env, a) : 0;
    return result ? result : mex_raise(env);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* info(array): {shape, dtype} */
MEX_NIF(mex_nif_info) {
    term sizes[MAX_NDIM];
    mex_array *a = argc == 1 ? mex_borrow(env, argv[0]) : NULL;
    if (!a)
        return mex_raise_as(env, "");
    unsigned n = (unsigned)mlx_array_ndim(a->handle);
    const int *shape = mlx_array_shape(a->handle);
    for (unsigned i = 0; i < n && i < MAX_NDIM; i++)
        sizes[i] = enif_make_int(env, shape[i]);
    term result = enif_make_tuple2(env, enif_make_tuple_from_array(env, sizes, n),
                                   mex_dtype_term(mlx_array_dtype(a->handle)));
    mex_give_back(a);
    return result;
}

static bool is_available(mlx_array a) {
    bool yes = false;
    return !_mlx_array_is_available(&yes, a) && yes;
}

MEX_NIF(mex_nif_available) {
    mex_array *a = argc == 1 ? mex_borrow(env, argv[0]) : NULL;
    if (!a)
        return mex_raise_as(env, "available?");
    bool yes = is_available(a->handle);
    mex_give_back(a);
    return yes ? mex_atom.yes : mex_atom.no;
}

/* deallocate(array): its memory goes now, as far as nothing else needs it */
MEX_NIF(mex_nif_deallocate) {
    mex_array *a = argc == 1 ? mex_borrow(env, argv[0]) : NULL;
    if (!a)
        return mex_raise_as(env, "deallocate");
    atomic_fetch_or(&a->state, 1);
    mex_give_back(a);
    return mex_atom.ok;
}

/* --- out -------------------------------------------------------------------------------------- */

static const void *data_of(mlx_array a) {
    return mlx_array_data_uint8(a);
}

/* An evaluated array whose elements lie in row-major order. */
static bool is_readable(mlx_array a) {
    bool row = false;
    if (!is_available(a))
        return mex_fail("invalid", "the array is not evaluated");
    return (!_mlx_array_is_row_contiguous(&row, a) && row) ||
           mex_fail("invalid", "the array is not contiguous");
}

void mex_buffer_free(ErlNifEnv *env, void *object) {
    (void)env;
    mex_reap(*(mlx_array *)object);
}

/* A binary that refers to the array's memory and keeps the array. */
static term shared_binary(ErlNifEnv *env, mlx_array a, const void *data, size_t n) {
    mlx_array held = mlx_array_new();
    mlx_array *keeper = enif_alloc_resource(mex_buffer_type, sizeof *keeper);
    if (!keeper)
        return mex_fail("memory", "no memory for a binary"), 0;
    int status = mlx_array_set(&held, a);
    *keeper = held;
    term t = status ? 0 : enif_make_resource_binary(env, keeper, data, n);
    enif_release_resource(keeper);
    return t ? t : (mex_fail_mlx(), 0);
}

/* Memory that others may change, a file or another process, is copied: binaries are constant. */
static bool is_shared(mlx_array a) {
    mlx_array_place place;
    return mlx_array_storage(&place, a) || place.kind == MLX_STORAGE_MAPPED ||
           place.kind == MLX_STORAGE_SHARED;
}

/* binary(array): the elements of an evaluated array in row-major order */
MEX_NIF(mex_nif_binary) {
    mex_array *a = argc == 1 ? mex_borrow(env, argv[0]) : NULL;
    term t = 0;
    mex_operation("to_binary", 9);
    if (a && is_readable(a->handle)) {
        size_t n = mlx_array_nbytes(a->handle);
        const void *data = n ? data_of(a->handle) : "";
        bool copied = n <= 64 || is_shared(a->handle);
        t = !data    ? (mex_fail_mlx(), 0)
            : copied ? mex_text_term(env, data, n)
                     : shared_binary(env, a->handle, data, n);
    }
    if (a)
        mex_give_back(a);
    return t ? t : mex_raise(env);
}

static double half(uint16_t h, bool brain) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, bits;
    uint32_t exponent = h >> 10 & 31, fraction = h & 1023;
    float f;
    if (brain)
        bits = (uint32_t)h << 16;
    else if (exponent == 31)
        bits = sign | 0x7f800000 | fraction << 13;
    else if (exponent)
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    else
        return (sign ? -1 : 1) * (double)fraction / (1 << 24);
    memcpy(&f, &bits, sizeof f);
    return f;
}

static term complex_term(ErlNifEnv *env, const char *at) {
    float pair[2];
    memcpy(pair, at, sizeof pair);
    return enif_make_tuple2(env, mex_double_term(env, pair[0]), mex_double_term(env, pair[1]));
}

static term float_term(ErlNifEnv *env, const char *at, mlx_dtype t) {
    float f;
    double d;
    uint16_t h;
    switch (t) {
    case MLX_FLOAT32: memcpy(&f, at, sizeof f); return mex_double_term(env, f);
    case MLX_FLOAT64: memcpy(&d, at, sizeof d); return mex_double_term(env, d);
    default: memcpy(&h, at, sizeof h); return mex_double_term(env, half(h, t == MLX_BFLOAT16));
    }
}

static term integer_term(ErlNifEnv *env, const char *at, mlx_dtype t) {
    uint64_t u = 0;
    size_t size = mlx_dtype_size(t);
    memcpy(&u, at, size);
    if (t < MLX_INT8)
        return enif_make_uint64(env, u);
    int shift = 64 - 8 * (int)size;
    return enif_make_int64(env, (int64_t)(u << shift) >> shift);
}

static term element_term(ErlNifEnv *env, const char *at, mlx_dtype t) {
    if (t == MLX_BOOL)
        return *at ? mex_atom.yes : mex_atom.no;
    if (t == MLX_COMPLEX64)
        return complex_term(env, at);
    return t >= MLX_FLOAT16 ? float_term(env, at, t) : integer_term(env, at, t);
}

static term numbers(ErlNifEnv *env, mlx_array a) {
    mlx_dtype t = mlx_array_dtype(a);
    size_t n = mlx_array_size(a), size = mlx_dtype_size(t);
    const char *data = n ? data_of(a) : "";
    term list = enif_make_list(env, 0);
    if (!data)
        return mex_fail_mlx(), 0;
    while (n--)
        list = enif_make_list_cell(env, element_term(env, data + n * size, t), list);
    return list;
}

/* numbers(array): the elements of an evaluated array, in row-major order */
MEX_NIF(mex_nif_numbers) {
    mex_array *a = argc == 1 ? mex_borrow(env, argv[0]) : NULL;
    mex_operation("to_list", 7);
    if (a && mlx_array_size(a->handle) > MEX_LONG &&
        enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER) {
        mex_give_back(a);
        return enif_schedule_nif(env, "numbers", ERL_NIF_DIRTY_JOB_CPU_BOUND, mex_nif_numbers, argc,
                                 argv);
    }
    term t = a && is_readable(a->handle) ? numbers(env, a->handle) : 0;
    if (a)
        mex_give_back(a);
    return t ? t : mex_raise(env);
}

/* --- slices ----------------------------------------------------------------------------------- */

typedef struct slice {
    int start[MAX_NDIM], stop[MAX_NDIM], stride[MAX_NDIM], n;
} slice;

static bool read_slice(ErlNifEnv *env, slice *out, const term argv[]) {
    int n[2];
    if (!mex_ints(env, out->start, MAX_NDIM, &out->n, argv[0]) ||
        !mex_ints(env, out->stop, MAX_NDIM, &n[0], argv[1]) ||
        !mex_ints(env, out->stride, MAX_NDIM, &n[1], argv[2]))
        return false;
    return (out->n == n[0] && n[0] == n[1]) ||
           mex_fail("invalid", "%d starts, %d stops and %d strides were given", out->n, n[0], n[1]);
}

/* What the operation that was called (mex_operation) gave. */
static term result_term(ErlNifEnv *env, int status, mlx_array a) {
    return status ? (mex_fail_call(), 0) : mex_array_term(env, a);
}

/* array, starts, stops, strides */
static term slice_of(ErlNifEnv *env, ErlNifEnv *from, const term *args) {
    mlx_array out = mlx_array_new();
    slice s;
    mex_operation("slice", 5);
    mex_array *a = read_slice(from, &s, args + 1) ? mex_borrow(from, args[0]) : NULL;
    if (!a)
        return 0;
    size_t n = (size_t)s.n;
    int status = mlx_slice(&out, a->handle, s.start, n, s.stop, n, s.stride, n, (mlx_stream){NULL});
    mex_give_back(a);
    return result_term(env, status, out);
}

typedef int update(mlx_array *, const mlx_array, const mlx_array, const int *, size_t, const int *,
                   size_t, const int *, size_t, const mlx_stream);

static term updated(ErlNifEnv *env, update *with, const slice *s, mex_array *a, mex_array *b) {
    mlx_array out = mlx_array_new();
    size_t n = (size_t)s->n;
    int status =
        with(&out, a->handle, b->handle, s->start, n, s->stop, n, s->stride, n, (mlx_stream){NULL});
    return result_term(env, status, out);
}

/* array, update, starts, stops, strides */
static term slice_with(ErlNifEnv *env, ErlNifEnv *from, const term *args, update *with) {
    slice s;
    if (!read_slice(from, &s, args + 2))
        return 0;
    mex_array *a = mex_borrow(from, args[0]), *b = a ? mex_borrow(from, args[1]) : NULL;
    term t = b ? updated(env, with, &s, a, b) : 0;
    if (a)
        mex_give_back(a);
    if (b)
        mex_give_back(b);
    return t;
}

static term slice_update(ErlNifEnv *env, ErlNifEnv *from, const term *args) {
    mex_operation("slice_update", 12);
    return slice_with(env, from, args, mlx_slice_update);
}

static term slice_add(ErlNifEnv *env, ErlNifEnv *from, const term *args) {
    mex_operation("slice_add", 9);
    return slice_with(env, from, args, mlx_slice_update_add);
}

/* --- scatters --------------------------------------------------------------------------------- */

typedef int scatter(mlx_array *, const mlx_array, const mlx_vector_array, const mlx_array,
                    const int *, size_t, const mlx_stream);

/* array, [indices], updates, axes */
static term scattered(ErlNifEnv *env, ErlNifEnv *from, const term *args, scatter *with) {
    mlx_vector_array indices = {NULL};
    mlx_array out = mlx_array_new();
    int axes[MAX_NDIM], n;
    mex_operation("scatter", 7);
    mex_array *a =
        mex_arrays(from, &indices, args[1]) && mex_ints(from, axes, MAX_NDIM, &n, args[3])
            ? mex_borrow(from, args[0])
            : NULL;
    mex_array *b = a ? mex_borrow(from, args[2]) : NULL;
    term t = b ? result_term(env,
                             with(&out, a->handle, indices, b->handle, axes, (size_t)n,
                                  (mlx_stream){NULL}),
                             out)
               : 0;
    if (a)
        mex_give_back(a);
    if (b)
        mex_give_back(b);
    mlx_vector_array_free(indices);
    return t;
}

#define SCATTER(name)                                                          \
    static term name##_of(ErlNifEnv *env, ErlNifEnv *from, const term *args) { \
        return scattered(env, from, args, mlx_##name);                         \
    }
SCATTER(scatter)
SCATTER(scatter_add)
SCATTER(scatter_max)
SCATTER(scatter_min)
SCATTER(scatter_prod)

/* --- what the catalog does not have ----------------------------------------------------------- */

term mex_part(ErlNifEnv *env, ErlNifEnv *from, term name_term, term args_term) {
    static const struct {
        const char *name;
        int arity;
        term (*call)(ErlNifEnv *, ErlNifEnv *, const term *);
    } rows[] = {{"slice", 4, slice_of},
                {"slice_update", 5, slice_update},
                {"slice_add", 5, slice_add},
                {"scatter", 4, scatter_of},
                {"scatter_add", 4, scatter_add_of},
                {"scatter_max", 4, scatter_max_of},
                {"scatter_min", 4, scatter_min_of},
                {"scatter_prod", 4, scatter_prod_of}};
    const term *args;
    char name[32];
    int n;
    if (!enif_get_tuple(from, args_term, &n, &args))
        return mex_expected(from, "the arguments", "a tuple", args_term), 0;
    if (enif_get_atom(from, name_term, name, sizeof name, ERL_NIF_LATIN1))
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (rows[i].arity == n && !strcmp(rows[i].name, name))
                return rows[i].call(env, from, args);
    return mex_expected(from, "the operation", ":slice, :scatter or one of their kin", name_term),
           0;
}

/* part(name, arguments): slices and scatters */
MEX_NIF(mex_nif_part) {
    term t = argc == 2 ? mex_part(env, env, argv[0], argv[1]) : 0;
    return t ? t : mex_raise(env);
}
