/* The table of pointwise kernels of one instruction set, put together from k_pw.def and
 * k_pw_cast.h. */
#include "kernels/pointwise/k_pw.h"
#include "kernels/pointwise/k_pw_cast.h"

// clang-format off
#define AT1(op, t, index) [MX_PW_##op][index] = {.unary = KN(k_##op##_##t)},
#define AT2(op, t, index) [MX_PW_##op][index] = {.binary = KN(k_##op##_##t)},
#define INT_AT1(op, t, type, index) AT1(op, t, index)
#define INT_AT2(op, t, type, index) AT2(op, t, index)
#define SAME_AT(op, index, size) [MX_PW_##op][index] = {.unary = KN(k_copy_##size)},
#define SELECT_AT(index, size) [MX_PW_select][index] = {.ternary = KN(k_select_##size)},
#define CAST_AT(from, at, to, index) [at][index] = KN(k_cast_##from##_##to),
#define CAST_SAME(index, size) [index][index] = KN(k_copy_##size),

#define FLOATS_AT(AT, op) AT(op, f32, MX_FLOAT32) AT(op, f16, MX_FLOAT16) AT(op, bf16, MX_BFLOAT16)
#define F32_1(op, f) FLOATS_AT(AT1, op)
#define F32_S1(op, f) FLOATS_AT(AT1, op)
#define F32_ALL(op, f) FLOATS_AT(AT1, op)
#define F32_2(op, f) FLOATS_AT(AT2, op)
#define F32_CMP(op, f) FLOATS_AT(AT2, op)
#define F64_1(op, f) AT1(op, f64, MX_FLOAT64)
#define F64_S1(op, f) AT1(op, f64, MX_FLOAT64)
#define F64_2(op, f) AT2(op, f64, MX_FLOAT64)
#define F64_S2(op, f) AT2(op, f64, MX_FLOAT64)
#define F64_CMP(op, f) AT2(op, f64, MX_FLOAT64)
#define C64_1(op, f) AT1(op, c64, MX_COMPLEX64)
#define C64_ALL1(op, f) AT1(op, c64, MX_COMPLEX64)
#define C64_PART(op, f) AT1(op, c64, MX_COMPLEX64)
#define C64_F32_1(op) AT1(op, c64, MX_COMPLEX64)
#define C64_F32_2(op) AT2(op, c64, MX_COMPLEX64)
#define C64_2(op, f) AT2(op, c64, MX_COMPLEX64)
#define C64_ALL2(op, f) AT2(op, c64, MX_COMPLEX64)
#define C64_CMP(op, f) AT2(op, c64, MX_COMPLEX64)
#define INT_1(op) PW_INTS(INT_AT1, op)
#define INT_2(op) PW_INTS(INT_AT2, op)
#define INT_CMP(op) PW_INTS(INT_AT2, op)
#define BOOL_1(op, f) AT1(op, bool, MX_BOOL)
#define BOOL_2(op, f) AT2(op, bool, MX_BOOL)

#define SAME(op, types) SAME_##types(op)
#define SAME_BOOL(op) SAME_AT(op, MX_BOOL, 1)
#define SAME_F32(op) \
    SAME_AT(op, MX_FLOAT32, 4) SAME_AT(op, MX_FLOAT16, 2) SAME_AT(op, MX_BFLOAT16, 2)
#define SAME_F64(op) SAME_AT(op, MX_FLOAT64, 8)
#define SAME_INT(op)                                                                \
    SAME_AT(op, MX_UINT8, 1) SAME_AT(op, MX_UINT16, 2) SAME_AT(op, MX_UINT32, 4)    \
    SAME_AT(op, MX_UINT64, 8) SAME_AT(op, MX_INT8, 1) SAME_AT(op, MX_INT16, 2)      \
    SAME_AT(op, MX_INT32, 4) SAME_AT(op, MX_INT64, 8)

/* X(index, size): what select and copies need to know of a type */
#define SIZES(X)                                                              \
    X(MX_BOOL, 1) X(MX_UINT8, 1) X(MX_UINT16, 2) X(MX_UINT32, 4) X(MX_UINT64, 8)      \
    X(MX_INT8, 1) X(MX_INT16, 2) X(MX_INT32, 4) X(MX_INT64, 8) X(MX_FLOAT16, 2)       \
    X(MX_BFLOAT16, 2) X(MX_FLOAT32, 4) X(MX_FLOAT64, 8) X(MX_COMPLEX64, 8)

/* Equal types are set a second time, to a copy: meant. */
#pragma GCC diagnostic ignored "-Woverride-init"
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

const mx_k_pointwise KN(mx_pointwise) = {
    .op = {
#include "kernels/pointwise/k_pw.def"
        SIZES(SELECT_AT)
    },
    .cast = {
#define X(from, at) PW_CAST_TARGETS(CAST_AT, from, at)
        PW_CAST_SOURCES(X)
#undef X
        SIZES(CAST_SAME)
    },
    .fill = {[1] = KN(k_fill_1), [2] = KN(k_fill_2), [4] = KN(k_fill_4), [8] = KN(k_fill_8)},
};
