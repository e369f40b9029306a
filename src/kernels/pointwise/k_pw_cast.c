/* Casts between all storage types: k_pw_cast.inc once per source, halves through float32.
 *
 * Floats become integers by truncation. What does not fit is as MLX on x86-64 gives, on every
 * machine: 32 bits give the most negative integer; narrower types take the low bits of that or
 * of the int32; uint32 takes the low bits of an int64; uint64 from 2^63 up to 2^64 is right,
 * beyond it is 0, and below -2^63 or NaN it is 2^63.
 */
#include "base/half.h"
#include "kernels/pointwise/k_pw.h"
#include "kernels/pointwise/k_pw_cast.h"

SV int32_t f32_i32(float x) {
    return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN;
}
SV int64_t f32_i64(float x) {
    return x >= -9223372036854775808.0f && x < 9223372036854775808.0f ? (int64_t)x : INT64_MIN;
}
SV uint64_t f32_u64(float x) {
    if (x >= 9223372036854775808.0f)
        return x < 18446744073709551616.0f ? (uint64_t)x : 0;
    return (uint64_t)f32_i64(x);
}
SV int32_t f64_i32(double x) {
    return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN;
}
SV int64_t f64_i64(double x) {
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}
SV uint64_t f64_u64(double x) {
    if (x >= 9223372036854775808.0)
        return x < 18446744073709551616.0 ? (uint64_t)x : 0;
    return (uint64_t)f64_i64(x);
}
#define INT_i32(v) ((int32_t)(v))
#define INT_i64(v) ((int64_t)(v))
#define INT_u64(v) ((uint64_t)(v))

/* ---- halves and float32 ---- */

static void f16_to_f32(void *out, const void *in, size_t n) {
    float *o = out;
    const uint16_t *x = in;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(o + i, vf_load_f16(x + i));
    if (i < n)
        vf_storen(o + i, vf_loadn_f16(x + i, n - i), n - i);
}
static void bf16_to_f32(void *out, const void *in, size_t n) {
    float *o = out;
    const uint16_t *x = in;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(o + i, vf_load_bf16(x + i));
    if (i < n)
        vf_storen(o + i, vf_loadn_bf16(x + i, n - i), n - i);
}
static void f32_to_f16(void *out, const void *in, size_t n) {
    uint16_t *o = out;
    const float *x = in;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store_f16(o + i, vf_load(x + i));
    if (i < n)
        vf_storen_f16(o + i, vf_loadn(x + i, n - i), n - i);
}
static void f32_to_bf16(void *out, const void *in, size_t n) {
    uint16_t *o = out;
    const float *x = in;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store_bf16(o + i, vf_load(x + i));
    if (i < n)
        vf_storen_bf16(o + i, vf_loadn(x + i, n - i), n - i);
}
/* out = second(first(in)) through a tile of float32, which first writes and second reads. */
static void chain(void *out, const void *in, size_t n, mx_k_unary *first, size_t in_size,
                  mx_k_unary *second, size_t out_size) {
    float tile[512];
    for (size_t i = 0; i < n; i += 512) {
        size_t k = n - i < 512 ? n - i : 512;
        first(tile, (const char *)in + i * in_size, k);
        second((char *)out + i * out_size, tile, k);
    }
}

/* ---- one source after the other ---- */

#define T          uint8_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     ((float)(v))
#define TO(name)   KN(k_cast_u8_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          uint16_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     ((float)(v))
#define TO(name)   KN(k_cast_u16_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          uint32_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     mx_f64_to_f32_odd(v)
#define TO(name)   KN(k_cast_u32_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          uint64_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     mx_f64_to_f32_odd(mx_u64_to_f64_odd(v))
#define TO(name)   KN(k_cast_u64_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          int8_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     ((float)(v))
#define TO(name)   KN(k_cast_i8_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          int16_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     ((float)(v))
#define TO(name)   KN(k_cast_i16_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          int32_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     mx_f64_to_f32_odd(v)
#define TO(name)   KN(k_cast_i32_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          int64_t
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) INT_##to(v)
#define ODD(v)     mx_f64_to_f32_odd(mx_i64_to_f64_odd(v))
#define TO(name)   KN(k_cast_i64_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          float
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) f32_##to(v)
#define TO(name)   KN(k_cast_f32_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          double
#define NUM(x)     (x)
#define TRUE(x)    ((x) != 0)
#define CVT(to, v) f64_##to(v)
#define ODD(v)     mx_f64_to_f32_odd(v)
#define TO(name)   KN(k_cast_f64_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define T          mx_complex64
#define NUM(x)     ((x).re)
#define TRUE(x)    ((x).re != 0 || (x).im != 0)
#define CVT(to, v) f32_##to(v)
#define ODD(v)     ((float)(v))
#define TO(name)   KN(k_cast_c64_##name)
#include "kernels/pointwise/k_pw_cast.inc"

#define TO(name) KN(k_cast_f16_##name)
#define LOAD     f16_to_f32
#include "kernels/pointwise/k_pw_half.inc"

#define TO(name) KN(k_cast_bf16_##name)
#define LOAD     bf16_to_f32
#include "kernels/pointwise/k_pw_half.inc"
