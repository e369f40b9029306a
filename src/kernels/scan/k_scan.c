/* Scans: the tables; the loops are in k_scan_loops.h. */
#include "kernels/scan/k_scan.h"

#include <math.h>
#include <string.h>

#include "kernels/simd/complex.h"
#include "kernels/simd/k_lanes.h"
#include "kernels/simd/special.h"
#include "kernels/kernels.h"

#define TILE 64

#define N_JOIN2(f, type) f##_##type
#define N_JOIN(f, type)  N_JOIN2(f, type)
#define N(f)             N_JOIN(f, TYPE)

/* ---- bool and integers ---- */

#define LOGICAL_OR(a, b)  ((uint8_t)((a) | (b)))
#define LOGICAL_AND(a, b) ((uint8_t)((a) & (b)))
#define ADD               LOGICAL_OR
#define MUL               LOGICAL_AND
#define MAX               LOGICAL_OR
#define MIN               LOGICAL_AND
#define ZERO              0
#define ONE               1

#define TYPE     BOOL
#define T        uint8_t
#define A        uint8_t
#define LOAD(x)  ((uint8_t)((x) != 0))
#define STORE(a) (a)
#define LOW      0
#define HIGH     1
#include "kernels/scan/k_scan_type.h"

#undef ADD
#undef MUL
#undef MAX
#undef MIN
/* Wrapping, without overflow of signed types. */
#define ADD(a, b) ((A)((uint64_t)(a) + (uint64_t)(b)))
#define MUL(a, b) ((A)((uint64_t)(a) * (uint64_t)(b)))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))

#define TYPE     UINT8
#define T        uint8_t
#define A        uint8_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      0
#define HIGH     UINT8_MAX
#include "kernels/scan/k_scan_type.h"

#define TYPE     UINT16
#define T        uint16_t
#define A        uint16_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      0
#define HIGH     UINT16_MAX
#include "kernels/scan/k_scan_type.h"

#define TYPE     UINT32
#define T        uint32_t
#define A        uint32_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      0
#define HIGH     UINT32_MAX
#include "kernels/scan/k_scan_type.h"

#define TYPE     UINT64
#define T        uint64_t
#define A        uint64_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      0
#define HIGH     UINT64_MAX
#include "kernels/scan/k_scan_type.h"

#define TYPE     INT8
#define T        int8_t
#define A        int8_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      INT8_MIN
#define HIGH     INT8_MAX
#include "kernels/scan/k_scan_type.h"

#define TYPE     INT16
#define T        int16_t
#define A        int16_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      INT16_MIN
#define HIGH     INT16_MAX
#include "kernels/scan/k_scan_type.h"

#define TYPE     INT32
#define T        int32_t
#define A        int32_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      INT32_MIN
#define HIGH     INT32_MAX
#include "kernels/scan/k_scan_type.h"

#define TYPE     INT64
#define T        int64_t
#define A        int64_t
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      INT64_MIN
#define HIGH     INT64_MAX
#include "kernels/scan/k_scan_type.h"

#undef ADD
#undef MUL
#undef MAX
#undef MIN

/* ---- floats ---- */

static inline float logadd_f(float a, float b) {
    if (a == b) // equal infinities too
        return a + 0.693147180559945f;
    return (a > b ? a : b) + log1pf(expf(-fabsf(a - b)));
}
static inline double logadd_d(double a, double b) {
    if (a == b)
        return a + 0.693147180559945309;
    return (a > b ? a : b) + log1p(exp(-fabs(a - b)));
}

/* The larger, the smaller; without a branch: where b is a NaN all bits are set, which is one
   too, and a NaN in a stays. */
static inline float or_nan(float r, float b) {
    return mx_bits_f32(mx_f32_bits(r) | (0u - (uint32_t)(b != b)));
}
static inline float max_f(float a, float b) {
    return or_nan(b > a ? b : a, b);
}
static inline float min_f(float a, float b) {
    return or_nan(b < a ? b : a, b);
}
static inline double or_nan_d(double r, double b) {
    uint64_t u;
    memcpy(&u, &r, sizeof u);
    u |= 0u - (uint64_t)(b != b);
    memcpy(&r, &u, sizeof u);
    return r;
}
static inline double max_d(double a, double b) {
    return or_nan_d(b > a ? b : a, b);
}
static inline double min_d(double a, double b) {
    return or_nan_d(b < a ? b : a, b);
}

#define ADD(a, b)    ((a) + (b))
#define MUL(a, b)    ((a) * (b))
#define MAX(a, b)    max_f(a, b)
#define MIN(a, b)    min_f(a, b)
#define LOGADD(a, b) logadd_f(a, b)
#define LSE_LOW      LOW

#define TYPE     FLOAT32
#define T        float
#define A        float
#define LOAD(x)  (x)
#define STORE(a) (a)
#define LOW      (-INFINITY)
#define HIGH     INFINITY
#include "kernels/scan/k_scan_type.h"

#undef LOGADD
#undef MAX
#undef MIN
#define MAX(a, b)    max_d(a, b)
#define MIN(a, b)    min_d(a, b)
#define LOGADD(a, b) logadd_d(a, b)
#define TYPE         FLOAT64
#define T            double
#define A            double
#define LOAD(x)      (x)
#define STORE(a)     (a)
#define LOW          (-(double)INFINITY)
#define HIGH         (double)INFINITY
#include "kernels/scan/k_scan_type.h"

#undef ADD
#undef MUL
#undef MAX
#undef MIN
#undef LOGADD
#undef ZERO
#undef ONE

/* ---- complex64 ---- */

/* log(e^a + e^b) = a + log(1 + e^(b - a)), a the one with the larger real part */
static inline cplx c_logadd(cplx a, cplx b) {
    if (a.re < b.re || a.re == -INFINITY) {
        cplx t = a;
        a = b, b = t;
    }
    if (b.re == -INFINITY)
        return a;
    double e = exp((double)b.re - (double)a.re), im = (double)b.im - (double)a.im;
    double re = 1 + e * cos(im);
    im = e * sin(im);
    return (cplx){(float)((double)a.re + log(d_hypot(re, im))),
                  (float)((double)a.im + atan2(im, re))};
}

#define ADD(a, b)    c_add(a, b)
#define MUL(a, b)    c_mul(a, b)
#define MAX(a, b)    c_max(a, b)
#define MIN(a, b)    c_min(a, b)
#define LOGADD(a, b) c_logadd(a, b)
#define ZERO         ((cplx){0, 0})
#define ONE          ((cplx){1, 0})
#define TYPE         COMPLEX64
#define T            cplx
#define A            cplx
#define LOAD(x)      (x)
#define STORE(a)     (a)
#define LOW          ((cplx){-INFINITY, -INFINITY})
#define HIGH         ((cplx){INFINITY, INFINITY})
#undef LSE_LOW
#define LSE_LOW ((cplx){-INFINITY, 0})
#include "kernels/scan/k_scan_type.h"

/* ---- halves: through float32 in tiles ---- */

#define HALF_TILE 256

SV void lift(const mx_dtype t, float *out, const uint16_t *x, ptrdiff_t stride, size_t n) {
    for (size_t i = 0; stride == 1 && i < n; i += VF_LANES)
        lanes_put_some(MX_FLOAT32, out, i, n, lanes_some(t, x, i, n));
    for (size_t i = 0; stride != 1 && i < n; i++)
        out[i] = lanes_get(t, x + (ptrdiff_t)i * stride, 0);
}
SV void lower(const mx_dtype t, uint16_t *out, ptrdiff_t stride, const float *x, size_t n) {
    for (size_t i = 0; stride == 1 && i < n; i += VF_LANES)
        lanes_put_some(t, out, i, n, lanes_some(MX_FLOAT32, x, i, n));
    for (size_t i = 0; stride != 1 && i < n; i++)
        lanes_put(t, out + (ptrdiff_t)i * stride, 0, x[i]);
}

/* Tile by tile in the order of the scan. */
SV void half_row(const mx_dtype t, mx_k_scan_row *row, mx_k_scan_cols *cols, uint16_t *out,
                 ptrdiff_t os, const uint16_t *x, ptrdiff_t xs, size_t n, void *carry,
                 mx_scan_flags f) {
    float tile[HALF_TILE];
    for (size_t done = 0; done < n; done += HALF_TILE) {
        size_t m = n - done < HALF_TILE ? n - done : HALF_TILE;
        ptrdiff_t at = (ptrdiff_t)(f.reverse ? n - done - m : done);
        lift(t, tile, x + at * xs, xs, m);
        if (os == 1 || os == -1)
            row(tile, 1, tile, 1, m, carry, f);
        else
            cols(tile, 1, tile, 1, m, 1, carry, f);
        lower(t, out + at * os, os, tile, m);
    }
}
SV void half_cols(const mx_dtype t, mx_k_scan_cols *cols_f32, uint16_t *out, ptrdiff_t os,
                  const uint16_t *x, ptrdiff_t xs, size_t n, size_t cols, float *carry,
                  mx_scan_flags f) {
    float tile[HALF_TILE];
    for (size_t k = 0; k < n; k++) {
        ptrdiff_t r = (ptrdiff_t)(f.reverse ? n - 1 - k : k);
        for (size_t c = 0; c < cols; c += HALF_TILE) {
            size_t m = cols - c < HALF_TILE ? cols - c : HALF_TILE;
            lift(t, tile, x + r * xs + (ptrdiff_t)c, 1, m);
            cols_f32(tile, 0, tile, 0, 1, m, carry + c, f);
            lower(t, out + r * os + (ptrdiff_t)c, 1, tile, m);
        }
    }
}

#define F32(f)  sum_##f##_FLOAT32
#define N16(f)  sum_##f##_FLOAT16
#define NB16(f) sum_##f##_BFLOAT16
#include "kernels/scan/k_scan_half.h"
#define F32(f)  prod_##f##_FLOAT32
#define N16(f)  prod_##f##_FLOAT16
#define NB16(f) prod_##f##_BFLOAT16
#include "kernels/scan/k_scan_half.h"
#define F32(f)  max_##f##_FLOAT32
#define N16(f)  max_##f##_FLOAT16
#define NB16(f) max_##f##_BFLOAT16
#include "kernels/scan/k_scan_half.h"
#define F32(f)  min_##f##_FLOAT32
#define N16(f)  min_##f##_FLOAT16
#define NB16(f) min_##f##_BFLOAT16
#include "kernels/scan/k_scan_half.h"
#define F32(f)  lse_##f##_FLOAT32
#define N16(f)  lse_##f##_FLOAT16
#define NB16(f) lse_##f##_BFLOAT16
#include "kernels/scan/k_scan_half.h"

/* ---- the tables ---- */

#define ROW(f, name) [MX_##name] = f##_##name,
#define FLOATS(f) \
    {ROW(f, FLOAT16) ROW(f, FLOAT32) ROW(f, FLOAT64) ROW(f, BFLOAT16) ROW(f, COMPLEX64)}
#define ALL_TYPES(f)                                                                               \
    {ROW(f, BOOL) ROW(f, UINT8) ROW(f, UINT16) ROW(f, UINT32) ROW(f, UINT64) ROW(f, INT8)          \
         ROW(f, INT16) ROW(f, INT32) ROW(f, INT64) ROW(f, FLOAT16) ROW(f, FLOAT32) ROW(f, FLOAT64) \
             ROW(f, BFLOAT16) ROW(f, COMPLEX64)}
#define ALL_OPS(f)                                                                    \
    {ALL_TYPES(sum_##f), ALL_TYPES(prod_##f), ALL_TYPES(max_##f), ALL_TYPES(min_##f), \
     FLOATS(lse_##f)}

const mx_k_scan KN(mx_scan) = {
    .row = ALL_OPS(row),
    .cols = ALL_OPS(cols),
    .init = ALL_OPS(init),
};
