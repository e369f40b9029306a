/* One element of memory: see read.h. */
#include "graph/array/read.h"

#include <math.h>
#include <string.h>

#include "base/half.h"

#define LOAD(type) (*(const type *)data)

double mx_read_double(const void *data, mx_dtype from) {
    switch (from) {
    case MX_FLOAT16: return (double)mx_f16_to_f32(LOAD(uint16_t));
    case MX_BFLOAT16: return (double)mx_bf16_to_f32(LOAD(uint16_t));
    case MX_FLOAT32: return (double)LOAD(float);
    case MX_FLOAT64: return LOAD(double);
    case MX_COMPLEX64: return (double)LOAD(mx_complex64).re;
    case MX_UINT64: return (double)LOAD(uint64_t);
    default: return (double)mx_read_int64(data, from);
    }
}

static int64_t saturate(double v) {
    return v != v ? 0 : v <= -0x1p63 ? INT64_MIN : v >= 0x1p63 ? INT64_MAX : (int64_t)v;
}

int64_t mx_read_int64(const void *data, mx_dtype from) {
    switch (from) {
    case MX_BOOL: return LOAD(uint8_t) != 0;
    case MX_UINT8: return LOAD(uint8_t);
    case MX_UINT16: return LOAD(uint16_t);
    case MX_UINT32: return LOAD(uint32_t);
    case MX_UINT64: return (int64_t)LOAD(uint64_t);
    case MX_INT8: return LOAD(int8_t);
    case MX_INT16: return LOAD(int16_t);
    case MX_INT32: return LOAD(int32_t);
    case MX_INT64: return LOAD(int64_t);
    default: return saturate(mx_read_double(data, from));
    }
}

void mx_write_double(void *out, mx_dtype to, double v) {
    int64_t i;
    switch (to) {
    case MX_BOOL: *(uint8_t *)out = v != 0; break;
    case MX_FLOAT16: *(uint16_t *)out = mx_f64_to_f16(v); break;
    case MX_BFLOAT16: *(uint16_t *)out = mx_f64_to_bf16(v); break;
    case MX_FLOAT32: *(float *)out = (float)v; break;
    case MX_FLOAT64: *(double *)out = v; break;
    case MX_COMPLEX64: *(mx_complex64 *)out = (mx_complex64){(float)v, 0}; break;
    case MX_UINT64:
        *(uint64_t *)out = v >= 0x1p64   ? UINT64_MAX
                           : v >= 0x1p63 ? (uint64_t)v
                                         : (uint64_t)saturate(v);
        break;
    default: /* little-endian: the low bytes */ i = saturate(v); memcpy(out, &i, mx_dtype_size(to));
    }
}

/* In the range of an integer dtype, fractions aside. Its bounds are powers of two, which doubles
   hold. */
static bool whole_fits(double v, mx_dtype to) {
    int bits = 8 * (int)mx_dtype_size(to);
    bool sign = mx_dtype_category(to) == MX_CAT_SIGNED;
    double above = ldexp(1, sign ? bits - 1 : bits), least = sign ? -above : 0;
    return v < above && (sign && bits == 64 ? v >= least : v > least - 1);
}

static bool integer_fits(const void *data, mx_dtype from, mx_dtype to) {
    int64_t i = mx_read_int64(data, from);
    bool large = from == MX_UINT64 && i < 0; // above INT64_MAX
    if (large || to == MX_UINT64)
        return to == MX_UINT64 && (large || i >= 0);
    return mx_dtype_size(to) == 8 || whole_fits((double)i, to);
}

static bool float_fits(double v, mx_dtype to) {
    uint16_t half = 0;
    switch (to) {
    case MX_FLOAT64: return true;
    case MX_FLOAT16:
        mx_write_double(&half, to, v);
        return !isfinite(v) || (half & 0x7c00) != 0x7c00;
    case MX_BFLOAT16:
        mx_write_double(&half, to, v);
        return !isfinite(v) || (half & 0x7f80) != 0x7f80;
    default: return !isfinite(v) || isfinite((float)v);
    }
}

bool mx_element_fits(mx_dtype to, const void *data, mx_dtype from) {
    if (from == to || to == MX_BOOL)
        return true;
    if (from == MX_COMPLEX64 && LOAD(mx_complex64).im != 0)
        return false;
    if (mx_dtype_is_inexact(to))
        return float_fits(mx_read_double(data, from), to);
    return mx_dtype_is_inexact(from) ? whole_fits(mx_read_double(data, from), to)
                                     : integer_fits(data, from, to);
}

/* For a float of fewer digits: rounded to odd, so that the next rounding is right. */
static double read_odd(const void *data, mx_dtype from) {
    return from == MX_INT64    ? mx_i64_to_f64_odd(LOAD(int64_t))
           : from == MX_UINT64 ? mx_u64_to_f64_odd(LOAD(uint64_t))
                               : mx_read_double(data, from);
}

void mx_read_element(void *out, mx_dtype to, const void *data, mx_dtype from) {
    if (from == to) {
        memcpy(out, data, mx_dtype_size(to));
    } else if (mx_dtype_is_integer(to) && !mx_dtype_is_inexact(from)) {
        int64_t i = mx_read_int64(data, from);
        memcpy(out, &i, mx_dtype_size(to));
    } else {
        bool exact = to == MX_FLOAT64;
        mx_write_double(out, to, exact ? mx_read_double(data, from) : read_odd(data, from));
    }
}
