/* Elements of any dtype as numbers, random values, for tests of kernels against plain loops. */
#ifndef KERNEL_VALUES_H
#define KERNEL_VALUES_H

#include <math.h>
#include <stdlib.h>

#include "base/dtype.h"
#include "base/half.h"
#include "check.h"
#include "kernels/kernels.h"

#define KV __attribute__((unused)) static

typedef struct value {
    double re, im;
    int64_t i; /* integers exactly */
} value;

KV bool kv_is_int(mx_dtype t) {
    return mx_dtype_category(t) <= MX_CAT_SIGNED;
}

KV value kv_real(double x) {
    return (value){x, 0, 0};
}

/* Integers wrap around. */
KV int64_t kv_plus(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

KV int64_t kv_times(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

KV value kv_get(mx_dtype t, const void *p, ptrdiff_t k) {
    value v = {0, 0, 0};
    switch (t) {
    case MX_BOOL: v.i = ((const uint8_t *)p)[k] != 0; break;
    case MX_UINT8: v.i = ((const uint8_t *)p)[k]; break;
    case MX_UINT16: v.i = ((const uint16_t *)p)[k]; break;
    case MX_UINT32: v.i = ((const uint32_t *)p)[k]; break;
    case MX_UINT64: v.i = (int64_t)((const uint64_t *)p)[k]; break;
    case MX_INT8: v.i = ((const int8_t *)p)[k]; break;
    case MX_INT16: v.i = ((const int16_t *)p)[k]; break;
    case MX_INT32: v.i = ((const int32_t *)p)[k]; break;
    case MX_INT64: v.i = ((const int64_t *)p)[k]; break;
    case MX_FLOAT16: v.re = mx_f16_to_f32(((const uint16_t *)p)[k]); break;
    case MX_BFLOAT16: v.re = mx_bf16_to_f32(((const uint16_t *)p)[k]); break;
    case MX_FLOAT32: v.re = ((const float *)p)[k]; break;
    case MX_FLOAT64: v.re = ((const double *)p)[k]; break;
    default: v.re = ((const mx_complex64 *)p)[k].re; v.im = ((const mx_complex64 *)p)[k].im;
    }
    if (kv_is_int(t))
        v.re = (double)v.i;
    return v;
}

KV void kv_put(mx_dtype t, void *p, ptrdiff_t k, value v) {
    int64_t i = v.i;
    switch (t) {
    case MX_BOOL: ((uint8_t *)p)[k] = i != 0; break;
    case MX_UINT8:
    case MX_INT8: ((uint8_t *)p)[k] = (uint8_t)i; break;
    case MX_UINT16:
    case MX_INT16: ((uint16_t *)p)[k] = (uint16_t)i; break;
    case MX_UINT32:
    case MX_INT32: ((uint32_t *)p)[k] = (uint32_t)i; break;
    case MX_UINT64:
    case MX_INT64: ((int64_t *)p)[k] = i; break;
    case MX_FLOAT16: ((uint16_t *)p)[k] = mx_f32_to_f16((float)v.re); break;
    case MX_BFLOAT16: ((uint16_t *)p)[k] = mx_f32_to_bf16((float)v.re); break;
    case MX_FLOAT32: ((float *)p)[k] = (float)v.re; break;
    case MX_FLOAT64: ((double *)p)[k] = v.re; break;
    default: ((mx_complex64 *)p)[k] = (mx_complex64){(float)v.re, (float)v.im};
    }
}

/* A small generator of its own, so that failures repeat. */
static uint64_t kv_state;
KV uint64_t kv_bits(void) {
    kv_state = kv_state ? kv_state : check_seed(0x9e3779b97f4a7c15u);
    kv_state ^= kv_state << 13;
    kv_state ^= kv_state >> 7;
    return kv_state ^= kv_state << 17;
}
KV size_t kv_below(size_t n) {
    return (size_t)((kv_bits() >> 16) % n);
}
/* Uniform in -1 .. 1. */
KV double kv_unit(void) {
    return (double)(int64_t)(kv_bits() >> 11) / 4503599627370496.0 - 1.0;
}
/* A small whole number -range .. range, in all parts. */
KV value kv_small(int range) {
    value v;
    v.i = (int64_t)kv_below((size_t)(2 * range + 1)) - range;
    v.re = (double)v.i;
    v.im = (double)((int64_t)kv_below((size_t)(2 * range + 1)) - range);
    return v;
}
/* n elements, 64-byte aligned plus one element, so that vectors are not aligned. */
KV void *kv_memory(mx_dtype t, size_t n) {
    char *p = aligned_alloc(64, ((n + 2) * mx_dtype_size(t) + 127) / 64 * 64);
    return p ? p + mx_dtype_size(t) : NULL;
}
KV void kv_free(mx_dtype t, void *p) {
    free((char *)p - mx_dtype_size(t));
}
/* Small whole numbers; uint64 stays below 2^63, so that int64_t orders it. */
KV void *kv_random(mx_dtype t, size_t n, int range) {
    void *p = kv_memory(t, n);
    for (size_t i = 0; p && i < n; i++) {
        value v = kv_small(range);
        v.i = t == MX_UINT64 && v.i < 0 ? -v.i : v.i;
        kv_put(t, p, (ptrdiff_t)i, v);
    }
    return p;
}
/* Equal, NaN to NaN included. */
KV bool kv_same(value a, value b) {
    bool re = a.re == b.re || (isnan(a.re) && isnan(b.re));
    return a.i == b.i && re && (a.im == b.im || (isnan(a.im) && isnan(b.im)));
}

#endif
