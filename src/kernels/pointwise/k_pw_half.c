/* Pointwise kernels on float16 and bfloat16: the operation in float32, its result rounded once.
 *
 *     short ones (F32_A1, F32_A2, comparisons)   one pass, converted in registers
 *     the others                                 tile by tile through the float32 kernel
 */
#include "kernels/simd/k_lanes.h"
#include "kernels/pointwise/k_pw.h"
#include "kernels/pointwise/k_pw_arith.h"
#include "kernels/pointwise/k_pw_cast.h"
#include "kernels/pointwise/k_pw_number.h"
#include "kernels/simd/vmath.h"

enum { TILE = 256 };

/* ---- one pass ---- */

SV void map1(const mx_dtype t, void *out, const void *a, size_t n, vf (*f)(vf)) {
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        lanes_store(t, out, i, f(lanes_load(t, a, i)));
    if (i < n)
        lanes_storen(t, out, i, f(lanes_loadn(t, a, i, n - i)), n - i);
}
SV void map2(const mx_dtype t, void *out, const void *a, const void *b, size_t n, vf (*f)(vf, vf)) {
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        lanes_store(t, out, i, f(lanes_load(t, a, i), lanes_load(t, b, i)));
    if (i < n)
        lanes_storen(t, out, i, f(lanes_loadn(t, a, i, n - i), lanes_loadn(t, b, i, n - i)), n - i);
}
SV void compare(const mx_dtype t, void *out, const void *a, const void *b, size_t n,
                vm (*f)(vf, vf)) {
    uint8_t *o = out;
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vm_store_bool(o + i, f(lanes_load(t, a, i), lanes_load(t, b, i)));
    if (i < n)
        vm_storen_bool(o + i, f(lanes_loadn(t, a, i, n - i), lanes_loadn(t, b, i, n - i)), n - i);
}

/* ---- through the float32 kernel ---- */

SV void widen(const mx_dtype t, float *out, const void *a, size_t i, size_t n) {
    const uint16_t *x = (const uint16_t *)a + i;
    t == MX_FLOAT16 ? KN(k_cast_f16_f32)(out, x, n) : KN(k_cast_bf16_f32)(out, x, n);
}
SV void narrow(const mx_dtype t, void *out, size_t i, const float *a, size_t n) {
    uint16_t *o = (uint16_t *)out + i;
    t == MX_FLOAT16 ? KN(k_cast_f32_f16)(o, a, n) : KN(k_cast_f32_bf16)(o, a, n);
}
SV void through1(const mx_dtype t, void *out, const void *a, size_t n, mx_k_unary *f) {
    float x[TILE];
    for (size_t i = 0; i < n; i += TILE) {
        size_t k = n - i < TILE ? n - i : TILE;
        widen(t, x, a, i, k);
        f(x, x, k);
        narrow(t, out, i, x, k);
    }
}
SV void through2(const mx_dtype t, void *out, const void *a, const void *b, size_t n,
                 mx_k_binary *f) {
    float x[TILE], y[TILE];
    for (size_t i = 0; i < n; i += TILE) {
        size_t k = n - i < TILE ? n - i : TILE;
        widen(t, x, a, i, k);
        widen(t, y, b, i, k);
        f(x, x, y, k);
        narrow(t, out, i, x, k);
    }
}

/* ---- the kernels ---- */

#define ONE(op, t, T, how, f)                                   \
    void KN(k_##op##_##t)(void *out, const void *a, size_t n) { \
        how(T, out, a, n, f);                                   \
    }
#define TWO(op, t, T, how, f)                                                  \
    void KN(k_##op##_##t)(void *out, const void *a, const void *b, size_t n) { \
        how(T, out, a, b, n, f);                                               \
    }
#define NUMBER(op, t, T, how, f)                                                      \
    void KN(k_##op##_##t##_number)(void *out, const void *a, const void *b, size_t n, \
                                   bool turned) {                                     \
        how(T, out, a, b, n, turned, f);                                              \
    }
#define HALVES(KIND, op, how, f)      \
    KIND(op, f16, MX_FLOAT16, how, f) \
    KIND(op, bf16, MX_BFLOAT16, how, f)

#define F32_A1(op, f)  HALVES(ONE, op, map1, f)
#define F32_A2(op, f)  HALVES(TWO, op, map2, f) HALVES(NUMBER, op, number_lanes, f)
#define F32_CMP(op, f) HALVES(TWO, op, compare, f) HALVES(NUMBER, op, number_compare_lanes, f)
#define F32_1(op, f)   HALVES(ONE, op, through1, KN(k_##op##_f32))
#define F32_S1(op, f)  HALVES(ONE, op, through1, KN(k_##op##_f32))
#define F32_ALL(op, f) HALVES(ONE, op, through1, KN(k_##op##_f32))
#define F32_2(op, f)   HALVES(TWO, op, through2, KN(k_##op##_f32))
#include "kernels/pointwise/k_pw.def"
