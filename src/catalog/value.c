/* Values: what they own, and how scalars become arrays. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/dtype.h"
#include "base/half.h"
#include "base/mem.h"
#include "capi/capi.h"
#include "catalog/cat.h"

int cat_fail(mx_status status, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mx_error_clear();
    mx_fail(status, "%s", text);
    return capi_report();
}

static int own(mlx_value *value, mlx_value_kind kind, size_t n, size_t size) {
    mx_error_clear();
    if (!value)
        mx_fail(MX_INVALID, "[value] the value is NULL");
    void *memory = !value           ? NULL
                   : n <= INT32_MAX ? mx_calloc(n + 1, size)
                                    : mx_fail(MX_RANGE, "[value] %zu entries are too many", n);
    if (!memory)
        return capi_report();
    *value =
        (mlx_value){.kind = (unsigned char)kind, .owned = true, .count = (int)n, .as.ints = memory};
    return 0;
}

int mlx_value_new_ints(mlx_value *value, size_t n) {
    return own(value, MLX_VALUE_INTS, n, sizeof(int));
}
int mlx_value_new_list(mlx_value *value, size_t n) {
    return own(value, MLX_VALUE_LIST, n, sizeof(mlx_value));
}

void mlx_value_free(mlx_value *v) {
    if (!v)
        return;
    if (v->owned)
        switch (v->kind) {
        case MLX_VALUE_ARRAY: mlx_array_free(v->as.array); break;
        case MLX_VALUE_ARRAYS:
        case MLX_VALUE_TUPLE: mlx_vector_array_free(v->as.arrays); break;
        case MLX_VALUE_LIST:
            for (int i = 0; i < v->count; i++)
                mlx_value_free(&v->as.items[i]);
            mx_free(v->as.items);
            break;
        case MLX_VALUE_INTS: mx_free(v->as.ints); break;
        case MLX_VALUE_STRING: mx_free((char *)v->as.string); break;
        default: break;
        }
    *v = (mlx_value){.kind = MLX_VALUE_NONE};
}

/* --- scalars ---------------------------------------------------------------------------------- */

static bool is_scalar(const mlx_value *v) {
    return (v->kind >= MLX_VALUE_BOOL && v->kind <= MLX_VALUE_COMPLEX) || v->kind == MLX_VALUE_UINT;
}

static mx_dtype natural_dtype(const mlx_value *v) {
    int64_t i = v->as.integer;
    switch (v->kind) {
    case MLX_VALUE_BOOL: return MX_BOOL;
    case MLX_VALUE_INT: return i >= INT32_MIN && i <= INT32_MAX ? MX_INT32 : MX_INT64;
    case MLX_VALUE_UINT: return MX_UINT64;
    case MLX_VALUE_FLOAT: return MX_FLOAT32;
    default: return MX_COMPLEX64;
    }
}

/* The dtype of a weak scalar beside an array of dtype t. */
static mx_dtype weak_dtype(const mlx_value *v, mx_dtype t) {
    switch (v->kind) {
    case MLX_VALUE_BOOL: return t;
    case MLX_VALUE_INT:
    case MLX_VALUE_UINT: return t == MX_BOOL ? natural_dtype(v) : t;
    case MLX_VALUE_FLOAT: return mx_dtype_is_inexact(t) ? t : MX_FLOAT32;
    default: return MX_COMPLEX64;
    }
}

static bool fits(const mlx_value *v, mx_dtype t) {
    int64_t i = v->as.integer;
    int bits = 8 * (int)mx_dtype_size(t);
    if (v->kind != MLX_VALUE_INT)
        return v->kind == MLX_VALUE_BOOL || t == MX_UINT64;
    if (mx_dtype_category(t) == MX_CAT_UNSIGNED)
        return i >= 0 && (bits == 64 || i < (int64_t)1 << bits);
    return bits == 64 || (i >= -((int64_t)1 << (bits - 1)) && i < (int64_t)1 << (bits - 1));
}

typedef union element {
    uint64_t bits; /* of integers: little end first, as everywhere that this library runs */
    uint16_t half;
    float f32;
    double f64;
    mx_complex64 complex_number;
} element;

/* For a float of fewer digits: rounded to odd, so that the next rounding is right. */
static double odd_number(const mlx_value *v) {
    return v->kind == MLX_VALUE_INT    ? mx_i64_to_f64_odd(v->as.integer)
           : v->kind == MLX_VALUE_UINT ? mx_u64_to_f64_odd((uint64_t)v->as.integer)
                                       : cat_number(v);
}

static element float_element(const mlx_value *v, mx_dtype t) {
    double x = odd_number(v);
    switch (t) {
    case MX_FLOAT16: return (element){.half = mx_f64_to_f16(x)};
    case MX_BFLOAT16: return (element){.half = mx_f64_to_bf16(x)};
    case MX_FLOAT64: return (element){.f64 = cat_number(v)};
    case MX_COMPLEX64: return (element){.complex_number = {(float)x, 0}};
    default: return (element){.f32 = (float)x};
    }
}

static int overflow(const mlx_value *v, mx_dtype t) {
    const char *name = mx_dtype_name(t);
    if (v->kind == MLX_VALUE_UINT)
        return cat_fail(MX_INVALID, "Converting %llu to %s would result in overflow.",
                        (unsigned long long)v->as.integer, name);
    return cat_fail(MX_INVALID, "Converting %lld to %s would result in overflow.",
                    (long long)v->as.integer, name);
}

static int become(mlx_value *v, mx_dtype t) {
    element e;
    int64_t i = v->kind == MLX_VALUE_BOOL ? v->as.boolean : v->as.integer;
    if (v->kind == MLX_VALUE_COMPLEX)
        e.complex_number = (mx_complex64){v->as.complex_number.re, v->as.complex_number.im};
    else if (mx_dtype_is_inexact(t))
        e = float_element(v, t);
    else if (t != MX_BOOL && !fits(v, t))
        return overflow(v, t);
    else
        e.bits = (uint64_t)i;
    *v = (mlx_value){.kind = MLX_VALUE_ARRAY,
                     .owned = true,
                     .as.array = mlx_array_new_data(&e, NULL, 0, (mlx_dtype)t)};
    return !v->as.array.ctx;
}

int mlx_value_to_array(mlx_value *v) {
    if (!v)
        return cat_fail(MX_INVALID, "[value] the value is NULL");
    if (v->kind == MLX_VALUE_ARRAY)
        return 0;
    if (!is_scalar(v))
        return cat_fail(MX_INVALID, "[value] an array or a scalar is needed");
    return become(v, natural_dtype(v));
}

static int cast(mlx_value *a, mlx_dtype t) {
    mlx_array result = mlx_array_new();
    a->weak = false;
    if (mlx_array_dtype(a->as.array) == t)
        return 0;
    if (mlx_astype(&result, a->as.array, t, (mlx_stream){NULL}))
        return 1;
    mlx_value_free(a);
    *a = (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = result};
    return 0;
}

static int pair_arrays(mlx_value *a, mlx_value *b) {
    if (a->weak == b->weak)
        return 0;
    return a->weak ? cast(a, mlx_array_dtype(b->as.array)) : cast(b, mlx_array_dtype(a->as.array));
}

static int beside(mlx_value *scalar, const mlx_value *array) {
    mlx_dtype t = mlx_array_dtype(array->as.array);
    return is_scalar(scalar) ? become(scalar, weak_dtype(scalar, (mx_dtype)t))
                             : mlx_value_to_array(scalar);
}

int mlx_value_to_pair(mlx_value *a, mlx_value *b) {
    if (!a || !b)
        return cat_fail(MX_INVALID, "[value] the value is NULL");
    if (a->kind == MLX_VALUE_ARRAY)
        return b->kind == MLX_VALUE_ARRAY ? pair_arrays(a, b) : beside(b, a);
    if (b->kind == MLX_VALUE_ARRAY)
        return beside(a, b);
    return mlx_value_to_array(a) || mlx_value_to_array(b);
}

int cat_result_two(mlx_value *res, int status, mlx_array a, mlx_array b) {
    mlx_vector_array *list = cat_results(res, MLX_VALUE_TUPLE);
    if (!status) {
        *list = mlx_vector_array_new_data((mlx_array[]){a, b}, 2);
        status = !list->ctx;
    }
    mlx_array_free(a);
    mlx_array_free(b);
    return status;
}

/* --- what adapters share ---------------------------------------------------------------------- */

int cat_each(int *out, int n, const mlx_value *v, const char *what) {
    if (v->kind == MLX_VALUE_INTS && v->count != n)
        return cat_fail(MX_INVALID, "[%s] %d numbers were given for %d axes", what, v->count, n);
    for (int i = 0; i < n; i++)
        out[i] = v->kind == MLX_VALUE_INTS ? v->as.ints[i] : cat_int(v);
    return 0;
}

int cat_flatten(mlx_value *a, mlx_stream s) {
    mlx_array flat = mlx_array_new();
    if (cat_array(a) || mlx_flatten(&flat, a->as.array, 0, -1, s))
        return 1;
    mlx_value_free(a);
    *a = (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = flat};
    return 0;
}

/* The numbers in a list as doubles, owned by the caller. */
static double *doubles_of(const mlx_value *v) {
    mx_error_clear();
    double *data = mx_malloc(((size_t)v->count + 1) * sizeof *data);
    for (int i = 0; data && i < v->count; i++)
        data[i] = cat_number(&v->as.items[i]);
    return data;
}

int cat_numbers(mlx_value *v, mlx_dtype t) {
    if (v->kind != MLX_VALUE_LIST)
        return v->kind == MLX_VALUE_ARRAY ? 0 : cat_scalar_as(v, t);
    double *data = doubles_of(v);
    if (!data)
        return capi_report();
    mlx_value list = {.kind = MLX_VALUE_ARRAY, .owned = true};
    list.as.array = mlx_array_new_data(data, &v->count, 1, MLX_FLOAT64);
    mx_free(data);
    if (!list.as.array.ctx)
        return 1;
    mlx_value_free(v);
    *v = list;
    return cast(v, t);
}

int cat_scalar_as(mlx_value *v, mlx_dtype t) {
    if (!is_scalar(v) || v->kind == MLX_VALUE_COMPLEX ||
        (t == MLX_BOOL && v->kind != MLX_VALUE_BOOL))
        return mlx_value_to_array(v);
    bool fraction = v->kind == MLX_VALUE_FLOAT && !mx_dtype_is_inexact((mx_dtype)t);
    return become(v, fraction ? MX_FLOAT64 : (mx_dtype)t);
}

int cat_precise(mlx_value *v, mlx_dtype t) {
    return t == MLX_FLOAT64 ? cat_scalar_as(v, t) : cat_array(v);
}
