/* What the files of the catalog share.
 *
 * Each cat_<family>.c holds adapters, which turn values into the arguments of public functions, and
 * the family's rows. To add an operation, add a row; the tables are listed in catalog.c. An adapter
 * knows the signature of its rows: args[i] is the i-th parameter, and the stream is usually the
 * last.
 */
#ifndef MX_CATALOG_CAT_H
#define MX_CATALOG_CAT_H

#include "base/status.h"
#include "mlx/c/mlx.h"

// Rows leave out what they do not need.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define CORE   "mlx.core"
#define METHOD "mlx.core.array"

/* The tail of most signatures. */
#define STREAM "stream: StreamOrDevice = None) -> array"
/* The same where the original spells the types out. */
#define STREAM_TYPES \
    "stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array"

/* Rows end with a row without module. */
extern const mlx_operation cat_unary_rows[], cat_binary_rows[], cat_reduce_rows[], cat_shape_rows[],
    cat_join_rows[], cat_index_rows[], cat_create_rows[], cat_matmul_rows[], cat_conv_rows[],
    cat_random_rows[], cat_linalg_rows[], cat_fft_rows[], cat_fast_rows[], cat_dtype_rows[],
    cat_process_rows[], cat_einsum_rows[], cat_memory_rows[], cat_gather_rows[], cat_quant_rows[],
    cat_stats_rows[], cat_set_rows[], cat_extra_rows[], cat_standard_rows[];

#define FAMILY(type, ...)         \
    {                             \
        .family = &(const type) { \
            __VA_ARGS__           \
        }                         \
    }
/* The array, int, flag and stream in args[i]. */
#define ARRAY(i) args[i].as.array
#define INT(i)   cat_int(&args[i])
#define FLAG(i)  args[i].as.boolean
#define ON(i)    args[i].as.stream
#define OUT      cat_result(res)

/* Record an error as the library does, and return 1. */
int cat_fail(mx_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- arguments -------------------------------------------------------------------------------- */

static inline int cat_array(mlx_value *v) {
    return v->kind == MLX_VALUE_ARRAY ? 0 : mlx_value_to_array(v);
}
static inline int cat_pair(mlx_value *a, mlx_value *b) {
    bool arrays = a->kind == MLX_VALUE_ARRAY && b->kind == MLX_VALUE_ARRAY;
    return arrays && !a->weak && !b->weak ? 0 : mlx_value_to_pair(a, b);
}
static inline bool cat_is_none(const mlx_value *v) {
    return v->kind == MLX_VALUE_NONE;
}
/* An array or, for None, an empty handle. */
static inline int cat_optional_array(mlx_value *v) {
    return cat_is_none(v) ? 0 : cat_array(v);
}
static inline mlx_array cat_handle(const mlx_value *v) {
    return v->kind == MLX_VALUE_ARRAY ? v->as.array : mlx_array_empty;
}
/* Integers outside int are refused where values are made; here they only must not wrap. */
static inline int cat_int(const mlx_value *v) {
    int64_t i = v->as.integer;
    return i > INT32_MAX ? INT32_MAX : i < INT32_MIN ? INT32_MIN : (int)i;
}
static inline int cat_int_or(const mlx_value *v, int fallback) {
    return cat_is_none(v) ? fallback : cat_int(v);
}
static inline double cat_number(const mlx_value *v) {
    return v->kind == MLX_VALUE_FLOAT  ? v->as.number
           : v->kind == MLX_VALUE_BOOL ? v->as.boolean
           : v->kind == MLX_VALUE_UINT ? (double)(uint64_t)v->as.integer
                                       : (double)v->as.integer;
}
/* A number as an operation on elements of dtype t takes it: as float, unless they are float64. */
static inline double cat_number_for(const mlx_value *v, mlx_dtype t) {
    return t == MLX_FLOAT64 ? cat_number(v) : (double)(float)cat_number(v);
}
static inline mlx_dtype cat_dtype_or(const mlx_value *v, mlx_dtype fallback) {
    return cat_is_none(v) ? fallback : v->as.dtype;
}

/* A list of ints, or one int as a list of one; for None an empty list. `one` is where an int is
   put. */
typedef struct cat_list {
    const int *ints;
    size_t count;
} cat_list;
static inline cat_list cat_ints(const mlx_value *v, int *one) {
    *one = v->kind == MLX_VALUE_INT ? cat_int(v) : 0;
    if (v->kind == MLX_VALUE_INTS)
        return (cat_list){v->as.ints, (size_t)v->count};
    return (cat_list){one, v->kind == MLX_VALUE_INT};
}
/* One int for each of n axes from one for all or a list of n; `what` is for the message. */
int cat_each(int *out, int n, const mlx_value *v, const char *what);

/* A list of numbers becomes a vector of dtype t, a scalar as cat_scalar_as says; arrays stay. */
int cat_numbers(mlx_value *v, mlx_dtype t);

/* A scalar becomes an array of the values it has in dtype t, as exact as they are there: an integer
   that t cannot hold is an error, fractions are left to astype. Arrays stay. */
int cat_scalar_as(mlx_value *v, mlx_dtype t);
/* The same where t is float64; for all else cat_array. */
int cat_precise(mlx_value *v, mlx_dtype t);

/* Flatten an array in place. */
int cat_flatten(mlx_value *a, mlx_stream s);

/* --- results ---------------------------------------------------------------------------------- */

/* Where a function is to put its array, or its arrays (the kind says how they are shown). */
static inline mlx_array *cat_result(mlx_value *res) {
    res->kind = MLX_VALUE_ARRAY;
    res->owned = true;
    res->as.array = mlx_array_empty;
    return &res->as.array;
}
static inline mlx_vector_array *cat_results(mlx_value *res, mlx_value_kind kind) {
    res->kind = (unsigned char)kind;
    res->owned = true;
    res->as.arrays = (mlx_vector_array){NULL};
    return &res->as.arrays;
}
/* Two arrays (which are let go) as the tuple of a result. */
int cat_result_two(mlx_value *res, int status, mlx_array a, mlx_array b);

/* --- adapters of rows in more than one file --------------------------------------------------- */

/* cat_create.c. The stream of these may be a device: */
typedef struct cat_filled {
    int (*call)(mlx_array *, const int *, size_t, mlx_dtype, const mlx_stream);
} cat_filled;
typedef struct cat_filled_like {
    int (*call)(mlx_array *, const mlx_array, mlx_dtype, const mlx_stream);
} cat_filled_like;
typedef struct cat_diagonal_ones {
    int (*call)(mlx_array *, int, int, int, mlx_dtype, const mlx_stream);
} cat_diagonal_ones;
/* shape, dtype, stream */
int cat_call_filled(mlx_value *res, const mlx_operation *op, mlx_value *args);
/* a, dtype, stream */
int cat_call_filled_like(mlx_value *res, const mlx_operation *op, mlx_value *args);
/* shape, vals, dtype, stream */
int cat_call_full(mlx_value *res, const mlx_operation *op, mlx_value *args);
/* a, vals, dtype, stream */
int cat_call_full_like(mlx_value *res, const mlx_operation *op, mlx_value *args);
/* n, m, k, dtype, stream */
int cat_call_diagonal_ones(mlx_value *res, const mlx_operation *op, mlx_value *args);

#endif
