/* What the files of pointwise kernels share: the declarations of all kernels, and the workers,
 * loops over n elements that take the formula as a constant function pointer and are inlined
 * around it.
 */
#ifndef MX_KERNELS_K_PW_H
#define MX_KERNELS_K_PW_H

#include "kernels/pointwise/k_pointwise.h"
#include "kernels/kernels.h"
#include "kernels/pointwise/k_pw_chain.h"
#include "kernels/simd/simd.h"

/* Before a loop whose iterations are independent though pointers may be equal: out[i] from a[i]. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* some loops stay scalar, and may */
#define PW_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define PW_LOOP _Pragma("GCC ivdep")
#endif

/* name, C type, unsigned type of the same size, table index */
#define PW_INTS(X, op)              \
    X(op, u8, uint8_t, MX_UINT8)    \
    X(op, u16, uint16_t, MX_UINT16) \
    X(op, u32, uint32_t, MX_UINT32) \
    X(op, u64, uint64_t, MX_UINT64) \
    X(op, i8, int8_t, MX_INT8)      \
    X(op, i16, int16_t, MX_INT16)   \
    X(op, i32, int32_t, MX_INT32)   \
    X(op, i64, int64_t, MX_INT64)

/* ---- the kernels, from k_pw.def ---- */
#define PW_UNARY(f)  void f(void *out, const void *a, size_t n);
#define PW_BINARY(f) void f(void *out, const void *a, const void *b, size_t n);

#define PW_KERNEL1(op, t)                   PW_UNARY(KN(k_##op##_##t))
#define PW_KERNEL2(op, t)                   PW_BINARY(KN(k_##op##_##t))
#define PW_BOOL_NUMBER(op)                  mx_k_with_number KN(k_##op##_bool_number);
#define PW_NUMBER(op, t)                    mx_k_with_number KN(k_##op##_##t##_number);
#define PW_NUMBERED(op, t)                  PW_KERNEL2(op, t) PW_NUMBER(op, t)
#define PW_INT_KERNEL1(op, t, type, index)  PW_KERNEL1(op, t)
#define PW_INT_KERNEL2(op, t, type, index)  PW_KERNEL2(op, t)
#define PW_INT_NUMBERED(op, t, type, index) PW_NUMBERED(op, t)
#define PW_FLOATS(X, op)                    X(op, f32) X(op, f16) X(op, bf16)
#define F32_1(op, f)                        PW_FLOATS(PW_KERNEL1, op)
#define F32_S1(op, f)                       PW_FLOATS(PW_KERNEL1, op)
#define F32_ALL(op, f)                      PW_FLOATS(PW_KERNEL1, op)
#define F32_2(op, f)                        PW_FLOATS(PW_KERNEL2, op)
#define F32_A2(op, f)                       PW_FLOATS(PW_NUMBERED, op)
#define F32_CMP(op, f)                      PW_FLOATS(PW_NUMBERED, op)
#define F64_1(op, f)                        PW_KERNEL1(op, f64)
#define F64_S1(op, f)                       PW_KERNEL1(op, f64)
#define F64_2(op, f)                        PW_KERNEL2(op, f64)
#define F64_S2(op, f)                       PW_KERNEL2(op, f64)
#define F64_A2(op, f)                       PW_NUMBERED(op, f64)
#define F64_CMP(op, f)                      PW_NUMBERED(op, f64)
#define C64_1(op, f)                        PW_KERNEL1(op, c64)
#define C64_ALL1(op, f)                     PW_KERNEL1(op, c64)
#define C64_2(op, f)                        PW_KERNEL2(op, c64)
#define C64_ALL2(op, f)                     PW_KERNEL2(op, c64)
#define C64_CMP(op, f)                      PW_KERNEL2(op, c64)
#define C64_PART(op, f)                     PW_KERNEL1(op, c64)
#define C64_F32_1(op)                       PW_KERNEL1(op, c64)
#define C64_F32_2(op)                       PW_KERNEL2(op, c64)
#define INT_1(op)                           PW_INTS(PW_INT_KERNEL1, op)
#define INT_2(op)                           PW_INTS(PW_INT_KERNEL2, op)
#define INT_A2(op)                          PW_INTS(PW_INT_NUMBERED, op)
#define INT_DIV(op)                         PW_INTS(PW_INT_NUMBERED, op)
#define INT_CMP(op)                         PW_INTS(PW_INT_NUMBERED, op)
#define BOOL_1(op, f)                       PW_KERNEL1(op, bool)
#define BOOL_2(op, f)                       PW_KERNEL2(op, bool) PW_BOOL_NUMBER(op)
#include "kernels/pointwise/k_pw.def"

/* By element size 1 2 4 8: copies, fills, selects. */
#define PW_SIZES(X) X(1, uint8_t) X(2, uint16_t) X(4, uint32_t) X(8, uint64_t)
#define X(size, type)                                           \
    void KN(k_copy_##size)(void *out, const void *a, size_t n); \
    void KN(k_fill_##size)(void *out, const void *a, size_t n); \
    void KN(k_select_##size)(void *out, const void *m, const void *a, const void *b, size_t n);
PW_SIZES(X)
#undef X

/* ---- workers ---- */

SV void map1_f32(void *out, const void *a, size_t n, vf (*f)(vf)) {
    float *o = out;
    const float *x = a;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(o + i, f(vf_load(x + i)));
    if (i < n)
        vf_storen(o + i, f(vf_loadn(x + i, n - i)), n - i);
}
SV void map2_f32(void *out, const void *a, const void *b, size_t n, vf (*f)(vf, vf)) {
    float *o = out;
    const float *x = a, *y = b;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(o + i, f(vf_load(x + i), vf_load(y + i)));
    if (i < n)
        vf_storen(o + i, f(vf_loadn(x + i, n - i), vf_loadn(y + i, n - i)), n - i);
}
SV void compare_f32(void *out, const void *a, const void *b, size_t n, vm (*f)(vf, vf)) {
    uint8_t *o = out;
    const float *x = a, *y = b;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vm_store_bool(o + i, f(vf_load(x + i), vf_load(y + i)));
    if (i < n)
        vm_storen_bool(o + i, f(vf_loadn(x + i, n - i), vf_loadn(y + i, n - i)), n - i);
}
SV void each1_f32(void *out, const void *a, size_t n, float (*f)(float)) {
    float *o = out;
    const float *x = a;
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i]);
}
SV void map1_f64(void *out, const void *a, size_t n, vd (*f)(vd)) {
    double *o = out;
    const double *x = a;
    size_t i = 0;
    for (; i + VD_LANES <= n; i += VD_LANES)
        vd_store(o + i, f(vd_load(x + i)));
    if (i < n)
        vd_storen(o + i, f(vd_loadn(x + i, n - i)), n - i);
}
SV void map2_f64(void *out, const void *a, const void *b, size_t n, vd (*f)(vd, vd)) {
    double *o = out;
    const double *x = a, *y = b;
    size_t i = 0;
    for (; i + VD_LANES <= n; i += VD_LANES)
        vd_store(o + i, f(vd_load(x + i), vd_load(y + i)));
    if (i < n)
        vd_storen(o + i, f(vd_loadn(x + i, n - i), vd_loadn(y + i, n - i)), n - i);
}
SV void compare_f64(void *out, const void *a, const void *b, size_t n, bool (*f)(double, double)) {
    uint8_t *o = out;
    const double *x = a, *y = b;
    PW_LOOP
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i], y[i]);
}
SV void each1_f64(void *out, const void *a, size_t n, double (*f)(double)) {
    double *o = out;
    const double *x = a;
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i]);
}
SV void each2_f64(void *out, const void *a, const void *b, size_t n, double (*f)(double, double)) {
    double *o = out;
    const double *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i], y[i]);
}

#endif
