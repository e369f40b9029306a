/* Reductions: the tables. The loops are in k_reduce_loops.h (any type) and k_reduce_vec.h
 * (floats), the searches in k_reduce_arg.h. */
#include "kernels/reduce/k_reduce.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/simd/complex.h"
#include "kernels/simd/simd.h"

#define BLOCK     (256 * L) /* elements summed in float32 before float64 adds the blocks */
#define AHEAD     4096      /* bytes that the cache is asked for before they are read */
#define NARROW    64        /* columns that are few enough to be folded to wider rows */
#define ARG_BLOCK 512       /* elements whose best is found at once */
#define ARG_STEP  32        /* elements that are looked at together for one as good */
#define ARG_TILE  256       /* columns searched at once */

#define N_JOIN2(f, type) f##_##type
#define N_JOIN(f, type)  N_JOIN2(f, type)
#define N(f)             N_JOIN(f, TYPE)

/* ---- bool and integers ---- */

#define S_LOAD(x)   ((S)(x))
#define S_ADD(a, b) ((S)((a) + (b)))
#define S_MUL(a, b) ((S)((a) * (b)))
#define S_0         0
#define S_1         1
#define C           T
#define C_LOAD(x)   (x)
#define C_MAX(a, b) ((T)((a) > (b) ? (a) : (b)))
#define C_MIN(a, b) ((T)((a) < (b) ? (a) : (b)))
#define TRUE(x)     ((x) != 0)

#define TYPE   BOOL
#define T      uint8_t
#define S      uint32_t
#define C_LOW  0
#define C_HIGH 1
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   UINT8
#define T      uint8_t
#define S      uint32_t
#define C_LOW  0
#define C_HIGH UINT8_MAX
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   UINT16
#define T      uint16_t
#define S      uint32_t
#define C_LOW  0
#define C_HIGH UINT16_MAX
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   UINT32
#define T      uint32_t
#define S      uint32_t
#define C_LOW  0
#define C_HIGH UINT32_MAX
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   UINT64
#define T      uint64_t
#define S      uint64_t
#define C_LOW  0
#define C_HIGH UINT64_MAX
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   INT8
#define T      int8_t
#define S      uint32_t
#define C_LOW  INT8_MIN
#define C_HIGH INT8_MAX
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   INT16
#define T      int16_t
#define S      uint32_t
#define C_LOW  INT16_MIN
#define C_HIGH INT16_MAX
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   INT32
#define T      int32_t
#define S      uint32_t
#define C_LOW  INT32_MIN
#define C_HIGH INT32_MAX
#include "kernels/reduce/k_reduce_int.h"

#define TYPE   INT64
#define T      int64_t
#define S      uint64_t
#define C_LOW  INT64_MIN
#define C_HIGH INT64_MAX
#include "kernels/reduce/k_reduce_int.h"

#undef S_LOAD
#undef S_ADD
#undef S_MUL
#undef S_0
#undef S_1
#undef C
#undef C_LOAD
#undef C_MAX
#undef C_MIN
#undef TRUE

/* ---- floats ---- */

static inline double vd_hmax(vd v) {
    double t[VD_LANES], m = -INFINITY;
    vd_store(t, v);
    for (int i = 0; i < VD_LANES; i++)
        m = t[i] > m ? t[i] : m;
    return m;
}
static inline double vd_hmin(vd v) {
    return -vd_hmax(vd_neg(v));
}

#define S_ADD(a, b) ((a) + (b))
#define S_MUL(a, b) ((a) * (b))
#define S_0         0
#define S_1         1
#define C           S
#define C_LOAD(x)   S_LOAD(x)
#define C_MAX(a, b) ((b) > (a) || (b) != (b) ? (b) : (a))
#define C_MIN(a, b) ((b) < (a) || (b) != (b) ? (b) : (a))
#define C_LOW       (-INFINITY)
#define C_HIGH      INFINITY

#define TYPE          FLOAT32
#define T             float
#define S             float
#define S_LOAD(x)     (x)
#define TRUE(x)       ((x) != 0)
#define V_LOAD(p)     vf_load(p)
#define V_LOADN(p, n) vf_loadn(p, n)
#include "kernels/reduce/k_reduce_float.h"

#define TYPE          FLOAT16
#define T             uint16_t
#define S             float
#define S_LOAD(x)     mx_f16_to_f32(x)
#define TRUE(x)       (((x) & 0x7fff) != 0)
#define V_LOAD(p)     vf_load_f16(p)
#define V_LOADN(p, n) vf_loadn_f16(p, n)
#include "kernels/reduce/k_reduce_float.h"

#define TYPE          BFLOAT16
#define T             uint16_t
#define S             float
#define S_LOAD(x)     mx_bf16_to_f32(x)
#define TRUE(x)       (((x) & 0x7fff) != 0)
#define V_LOAD(p)     vf_load_bf16(p)
#define V_LOADN(p, n) vf_loadn_bf16(p, n)
#include "kernels/reduce/k_reduce_float.h"

#define TYPE          FLOAT64
#define T             double
#define S             double
#define S_LOAD(x)     (x)
#define TRUE(x)       ((x) != 0)
#define V_LOAD(p)     vd_load(p)
#define V_LOADN(p, n) vd_loadn(p, n)
#define R_DOUBLE
#include "kernels/reduce/k_reduce_float.h"

#undef S_ADD
#undef S_MUL
#undef S_0
#undef S_1
#undef C
#undef C_LOAD
#undef C_MAX
#undef C_MIN
#undef C_LOW
#undef C_HIGH

/* ---- complex64 ---- */

static cplx best_max_COMPLEX64(const cplx *x, size_t n) {
    cplx best = x[0];
    for (size_t i = 1; i < n; i++)
        best = c_max(best, x[i]);
    return best;
}
static cplx best_min_COMPLEX64(const cplx *x, size_t n) {
    cplx best = x[0];
    for (size_t i = 1; i < n; i++)
        best = c_min(best, x[i]);
    return best;
}
/* Sums are two columns of floats. */
static void sum_rows_COMPLEX64(void *acc, const void *x, size_t rows, size_t n, ptrdiff_t s) {
    for (size_t r = 0; r < rows; r++)
        sum_cols_FLOAT32((cplx *)acc + r, (const cplx *)x + (ptrdiff_t)r * s, n, 2, 2);
}
static void sum_cols_COMPLEX64(void *acc, const void *x, size_t rows, size_t cols, ptrdiff_t s) {
    sum_cols_FLOAT32(acc, x, rows, 2 * cols, 2 * s);
}

#define TYPE        COMPLEX64
#define T           cplx
#define S           cplx
#define S_LOAD(x)   (x)
#define S_ADD(a, b) c_add(a, b)
#define S_MUL(a, b) c_mul(a, b)
#define S_0         ((cplx){0, 0})
#define S_1         ((cplx){1, 0})
#define C           cplx
#define C_LOAD(x)   (x)
#define C_MAX(a, b) c_max(a, b)
#define C_MIN(a, b) c_min(a, b)
#define C_LOW       ((cplx){-INFINITY, -INFINITY})
#define C_HIGH      ((cplx){INFINITY, INFINITY})
#define TRUE(x)     ((x).re != 0 || (x).im != 0)
#define R_OWN_SUM
#include "kernels/reduce/k_reduce_type.h"
#define G_FN(f)        N(argmax_##f)
#define G_BETTER(a, b) c_above(a, b)
#define G_BEST(x, n)   best_max_COMPLEX64(x, n)
#include "kernels/reduce/k_reduce_arg.h"
#define G_FN(f)        N(argmin_##f)
#define G_BETTER(a, b) c_below(a, b)
#define G_BEST(x, n)   best_min_COMPLEX64(x, n)
#include "kernels/reduce/k_reduce_arg.h"

/* ---- finish ---- */

static void finish_f16(void *out, const void *acc, size_t n) {
    const float *a = acc;
    for (size_t i = 0; i < n; i++)
        ((uint16_t *)out)[i] = mx_f32_to_f16(a[i]);
}
static void finish_bf16(void *out, const void *acc, size_t n) {
    const float *a = acc;
    for (size_t i = 0; i < n; i++)
        ((uint16_t *)out)[i] = mx_f32_to_bf16(a[i]);
}
static void finish_1(void *out, const void *acc, size_t n) {
    memcpy(out, acc, n);
}
static void finish_2(void *out, const void *acc, size_t n) {
    memcpy(out, acc, 2 * n);
}
static void finish_4(void *out, const void *acc, size_t n) {
    memcpy(out, acc, 4 * n);
}
static void finish_8(void *out, const void *acc, size_t n) {
    memcpy(out, acc, 8 * n);
}

/* ---- the tables ---- */

#define ROW(f, name) [MX_##name] = f##_##name,
#define ALL_TYPES(f)                                                                               \
    {ROW(f, BOOL) ROW(f, UINT8) ROW(f, UINT16) ROW(f, UINT32) ROW(f, UINT64) ROW(f, INT8)          \
         ROW(f, INT16) ROW(f, INT32) ROW(f, INT64) ROW(f, FLOAT16) ROW(f, FLOAT32) ROW(f, FLOAT64) \
             ROW(f, BFLOAT16) ROW(f, COMPLEX64)}
#define ALL_OPS(f)                                                \
    {ALL_TYPES(sum_##f), ALL_TYPES(prod_##f), ALL_TYPES(max_##f), \
     ALL_TYPES(min_##f), ALL_TYPES(all_##f),  ALL_TYPES(any_##f)}
#define FLOATS(f) {ROW(f, FLOAT16) ROW(f, FLOAT32) ROW(f, FLOAT64) ROW(f, BFLOAT16)}
#define BOTH(f)   {ALL_TYPES(argmin_##f), ALL_TYPES(argmax_##f)}
#define FINISH(b, i8, i16)        \
    {[MX_BOOL] = b,               \
     [MX_UINT8] = i8,             \
     [MX_INT8] = i8,              \
     [MX_UINT16] = i16,           \
     [MX_INT16] = i16,            \
     [MX_UINT32] = finish_4,      \
     [MX_INT32] = finish_4,       \
     [MX_UINT64] = finish_8,      \
     [MX_INT64] = finish_8,       \
     [MX_FLOAT16] = finish_f16,   \
     [MX_FLOAT32] = finish_4,     \
     [MX_FLOAT64] = finish_8,     \
     [MX_BFLOAT16] = finish_bf16, \
     [MX_COMPLEX64] = finish_8}
#define FINISH_BOOL                                                        \
    {finish_1, finish_1, finish_1, finish_1, finish_1, finish_1, finish_1, \
     finish_1, finish_1, finish_1, finish_1, finish_1, finish_1, finish_1}

const mx_k_reduce KN(mx_reduce) = {
    .rows = ALL_OPS(rows),
    .cols = ALL_OPS(cols),
    .runs = {FLOATS(sum_runs), FLOATS(prod_runs), FLOATS(max_runs), FLOATS(min_runs)},
    .products = {ROW(products, FLOAT32) ROW(products, FLOAT64)},
    .strided = ALL_OPS(strided),
    .init = ALL_OPS(init),
    .combine = ALL_OPS(combine),
    .finish = {FINISH(finish_4, finish_4, finish_4), FINISH(finish_4, finish_4, finish_4),
               FINISH(finish_1, finish_1, finish_2), FINISH(finish_1, finish_1, finish_2),
               FINISH_BOOL, FINISH_BOOL},
    .arg_rows = BOTH(rows),
    .arg_cols = BOTH(cols),
    .arg_strided = BOTH(strided),
    .arg_block = BOTH(block),
    .arg_pick = BOTH(pick),
};
