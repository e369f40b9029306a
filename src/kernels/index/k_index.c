#include "kernels/index/k_index.h"

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/simd/complex.h"
#include "kernels/simd/simd.h"

/* ---- indices ---- */

#define ALWAYS static inline __attribute__((always_inline))

/* The index at p as int64; a uint64 beyond it becomes INT64_MAX, which no axis has. */
ALWAYS int64_t load_index(const char *p, size_t bytes, bool is_signed) {
    uint64_t word = 0;
    memcpy(&word, p, bytes); // little endian on every architecture that has kernels
    if (!is_signed)
        return word > INT64_MAX ? INT64_MAX : (int64_t)word;
    int shift = 64 - 8 * (int)bytes;
    return (int64_t)(word << shift) >> shift;
}

ALWAYS int64_t wrapped(int64_t i, int64_t size, bool is_signed) {
    return is_signed ? i + (i < 0 ? size : 0) : i;
}

ALWAYS int64_t first_bad(const char *idx, int64_t n, mx_index_axis a, size_t bytes,
                         bool is_signed) {
    for (int64_t i = 0; i < n; i++) {
        int64_t at =
            wrapped(load_index(idx + (size_t)i * bytes, bytes, is_signed), a.size, is_signed);
        if (at < 0 || at >= a.limit)
            return i;
    }
    return -1;
}

/* Which of 0 .. limit-1 it is not shows in the sign: no branch and no narrower type in the loop. */
ALWAYS uint64_t beyond(int64_t at, int64_t limit) {
    return (uint64_t)at | ((uint64_t)limit - 1 - (uint64_t)at);
}

/* ramp, add: whether the axis has any. */
ALWAYS uint64_t resolve_each(int64_t *restrict offset, const char *restrict idx, int64_t n,
                             mx_index_axis a, size_t bytes, bool is_signed, bool ramp, bool add) {
    uint64_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at =
            wrapped(load_index(idx + (size_t)i * bytes, bytes, is_signed), a.size, is_signed);
        bad |= beyond(at, a.limit);
        uint64_t to = (uint64_t)at * (uint64_t)a.step;
        to += ramp ? (uint64_t)i * (uint64_t)a.ramp : 0;
        offset[i] = (int64_t)(add ? to + (uint64_t)offset[i] : to);
    }
    return bad;
}

ALWAYS int64_t resolve_any(int64_t *offset, const char *idx, int64_t n, mx_index_axis a,
                           size_t bytes, bool is_signed) {
    uint64_t bad = a.add    ? resolve_each(offset, idx, n, a, bytes, is_signed, true, true)
                   : a.ramp ? resolve_each(offset, idx, n, a, bytes, is_signed, true, false)
                            : resolve_each(offset, idx, n, a, bytes, is_signed, false, false);
    return bad >> 63 ? first_bad(idx, n, a, bytes, is_signed) : -1;
}

#define RESOLVE(name, type, is_signed)                                     \
    static int64_t resolve_##name(int64_t *to, const void *idx, int64_t n, \
                                  const mx_index_axis *a) {                \
        return resolve_any(to, idx, n, *a, sizeof(type), is_signed);       \
    }
#define INDEX_TYPES(X)      \
    X(u8, uint8_t, false)   \
    X(u16, uint16_t, false) \
    X(u32, uint32_t, false) \
    X(u64, uint64_t, false) \
    X(i8, int8_t, true) X(i16, int16_t, true) X(i32, int32_t, true) X(i64, int64_t, true)
INDEX_TYPES(RESOLVE)

/* Eight indices at once; a uint64 beyond int64 shows as a negative one. */
typedef uint64_t eight __attribute__((vector_size(64)));
typedef int64_t eight_signed __attribute__((vector_size(64)));

#define EIGHT(type)                                                       \
    do {                                                                  \
        typedef type some __attribute__((vector_size(8 * sizeof(type)))); \
        some v;                                                           \
        memcpy(&v, p, sizeof v);                                          \
        *to = __builtin_convertvector(v, eight);                          \
    } while (0)

ALWAYS void load_eight(eight *to, const char *p, size_t bytes, bool is_signed) {
    switch (is_signed ? -(int)bytes : (int)bytes) {
    case -1: EIGHT(int8_t); break;
    case 1: EIGHT(uint8_t); break;
    case -2: EIGHT(int16_t); break;
    case 2: EIGHT(uint16_t); break;
    case -4: EIGHT(int32_t); break;
    case 4: EIGHT(uint32_t); break;
    default: EIGHT(uint64_t);
    }
}
#undef EIGHT

/* ---- walking the outer axes ---- */

/* What a run of rows at one outer position needs. */
typedef struct span {
    int64_t data, rows; /* offsets of the outer position */
    int64_t begin, end; /* rows of it */
} span;

static void outer_offsets(const mx_index_move *m, int64_t position, span *s) {
    s->data = s->rows = 0;
    for (int i = m->ndim - 1; i >= 0; i--) {
        int64_t at = position % m->shape[i];
        position /= m->shape[i];
        s->data += at * m->data_stride[i];
        s->rows += at * m->rows_stride[i];
    }
}

/* The next span of items at..end, and where the one after it begins. */
static int64_t next_span(const mx_index_move *m, int64_t at, int64_t end, span *s) {
    int64_t position = at / m->n, start = position * m->n;
    outer_offsets(m, position, s);
    s->begin = at - start;
    s->end = end - start < m->n ? end - start : m->n;
    return start + s->end;
}

/* ---- gather, plain scatter and masked by element size ---- */

/* to[k] = from[offset[k]], k = 0 .. 7. Eight loads of one instruction and a store that is as long
   leave room for more misses at once than eight stores do. */
#ifdef __AVX2__
ALWAYS void pick_4(uint32_t *to, const uint32_t *from, const int64_t *offset) {
    const int *x = (const int *)from;
    __m128i a = _mm256_i64gather_epi32(x, _mm256_loadu_si256((const __m256i *)offset), 4);
    __m128i b = _mm256_i64gather_epi32(x, _mm256_loadu_si256((const __m256i *)(offset + 4)), 4);
    _mm256_storeu_si256((__m256i *)to, _mm256_set_m128i(b, a));
}
ALWAYS void pick_8(uint64_t *to, const uint64_t *from, const int64_t *offset) {
    const long long *x = (const long long *)from;
    __m256i a = _mm256_i64gather_epi64(x, _mm256_loadu_si256((const __m256i *)offset), 8);
    __m256i b = _mm256_i64gather_epi64(x, _mm256_loadu_si256((const __m256i *)(offset + 4)), 8);
    _mm256_storeu_si256((__m256i *)to, a);
    _mm256_storeu_si256((__m256i *)(to + 4), b);
}
#else
#define pick_4 picked_4
#define pick_8 picked_8
#endif
#define pick_1 picked_1
#define pick_2 picked_2

#define T        uint8_t
#define FN(name) name##_1
#include "kernels/index/k_index_size.h"
#define T        uint16_t
#define FN(name) name##_2
#include "kernels/index/k_index_size.h"
#define T        uint32_t
#define FN(name) name##_4
#include "kernels/index/k_index_size.h"
#define T        uint64_t
#define FN(name) name##_8
#include "kernels/index/k_index_size.h"

static int64_t count_set(const uint8_t *mask, int64_t n) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        count += mask[i] != 0;
    return count;
}

/* ---- combining scatters by dtype ---- */

/* Integers wrap around: sums and products are taken unsigned. */
#define SAME(x)       (x)
#define PLUS(a, b)    ((T)((U)(a) + (U)(b)))
#define TIMES(a, b)   ((T)((U)(a) * (U)(b)))
#define LARGER(a, b)  ((a) > (b) ? (a) : (b))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define LOAD          SAME
#define STORE         SAME
#define T             uint8_t
#define C             T
#define U             uint32_t
#define FN(name)      name##_u8
#include "kernels/index/k_index_dtype.h"
#define T        uint16_t
#define FN(name) name##_u16
#include "kernels/index/k_index_dtype.h"
#define T        uint32_t
#define FN(name) name##_u32
#include "kernels/index/k_index_dtype.h"
#define T        int8_t
#define FN(name) name##_i8
#include "kernels/index/k_index_dtype.h"
#define T        int16_t
#define FN(name) name##_i16
#include "kernels/index/k_index_dtype.h"
#define T        int32_t
#define FN(name) name##_i32
#include "kernels/index/k_index_dtype.h"
#undef U
#define U        uint64_t
#define T        int64_t
#define FN(name) name##_i64
#include "kernels/index/k_index_dtype.h"
#define T        uint64_t
#define FN(name) name##_u64
#include "kernels/index/k_index_dtype.h"
#undef U
#undef PLUS
#undef TIMES
#undef LARGER
#undef SMALLER

#define PLUS(a, b)  ((uint8_t)(((a) | (b)) != 0))
#define TIMES(a, b) ((uint8_t)((a) != 0 && (b) != 0))
#define LARGER      PLUS
#define SMALLER     TIMES
#define T           uint8_t
#define FN(name)    name##_bool
#include "kernels/index/k_index_dtype.h"
#undef PLUS
#undef TIMES
#undef LARGER
#undef SMALLER

#define PLUS(a, b)    ((a) + (b))
#define TIMES(a, b)   ((a) * (b))
#define LARGER(a, b)  ((a) != (a) || (a) > (b) ? (a) : (b))
#define SMALLER(a, b) ((a) != (a) || (a) < (b) ? (a) : (b))
#define T             float
#define FN(name)      name##_f32
#include "kernels/index/k_index_dtype.h"
#define T        double
#define FN(name) name##_f64
#include "kernels/index/k_index_dtype.h"
#undef C
#undef LOAD
#undef STORE

#define T        uint16_t
#define C        float
#define LOAD     mx_bf16_to_f32
#define STORE    mx_f32_to_bf16
#define VLOAD    vf_load_bf16
#define VSTORE   vf_store_bf16
#define FN(name) name##_bf16
#include "kernels/index/k_index_dtype.h"
#undef LOAD
#undef STORE
#undef VLOAD
#undef VSTORE
#define T        uint16_t
#define LOAD     mx_f16_to_f32
#define STORE    mx_f32_to_f16
#define VLOAD    vf_load_f16
#define VSTORE   vf_store_f16
#define FN(name) name##_f16
#include "kernels/index/k_index_dtype.h"
#undef C
#undef LOAD
#undef STORE
#undef VLOAD
#undef VSTORE
#undef PLUS
#undef TIMES
#undef LARGER
#undef SMALLER

/* Of two that are equal, which zeros of other signs are, the second. */
static inline mx_complex64 complex_larger(mx_complex64 a, mx_complex64 b) {
    return c_nan(a) || c_less(b, a) ? a : b;
}
static inline mx_complex64 complex_smaller(mx_complex64 a, mx_complex64 b) {
    return c_nan(a) || c_less(a, b) ? a : b;
}
#define PLUS     c_add
#define TIMES    c_mul
#define LARGER   complex_larger
#define SMALLER  complex_smaller
#define LOAD     SAME
#define STORE    SAME
#define T        mx_complex64
#define C        T
#define FN(name) name##_c64
#include "kernels/index/k_index_dtype.h"

/* ---- the table ---- */

#define BY_KIND(name)                                                                    \
    {[MX_BOOL] = name##_bool,     [MX_UINT8] = name##_u8,     [MX_UINT16] = name##_u16,  \
     [MX_UINT32] = name##_u32,    [MX_UINT64] = name##_u64,   [MX_INT8] = name##_i8,     \
     [MX_INT16] = name##_i16,     [MX_INT32] = name##_i32,    [MX_INT64] = name##_i64,   \
     [MX_FLOAT16] = name##_f16,   [MX_FLOAT32] = name##_f32,  [MX_FLOAT64] = name##_f64, \
     [MX_BFLOAT16] = name##_bf16, [MX_COMPLEX64] = name##_c64}

#define LINES(size)                                                                               \
    {[MX_BOOL] = line_u8_##size,    [MX_UINT8] = line_u8_##size,   [MX_UINT16] = line_u16_##size, \
     [MX_UINT32] = line_u32_##size, [MX_UINT64] = line_u64_##size, [MX_INT8] = line_i8_##size,    \
     [MX_INT16] = line_i16_##size,  [MX_INT32] = line_i32_##size,  [MX_INT64] = line_i64_##size}

const mx_k_index KN(mx_index) = {
    .resolve = {[MX_BOOL] = resolve_u8,
                [MX_UINT8] = resolve_u8,
                [MX_UINT16] = resolve_u16,
                [MX_UINT32] = resolve_u32,
                [MX_UINT64] = resolve_u64,
                [MX_INT8] = resolve_i8,
                [MX_INT16] = resolve_i16,
                [MX_INT32] = resolve_i32,
                [MX_INT64] = resolve_i64},
    .line = {[1] = LINES(1), [2] = LINES(2), [4] = LINES(4), [8] = LINES(8)},
    .gather = {[1] = gather_1, [2] = gather_2, [4] = gather_4, [8] = gather_8},
    .scatter = {[MX_SCATTER_SET] = {[MX_BOOL] = set_1,
                                    [MX_UINT8] = set_1,
                                    [MX_UINT16] = set_2,
                                    [MX_UINT32] = set_4,
                                    [MX_UINT64] = set_8,
                                    [MX_INT8] = set_1,
                                    [MX_INT16] = set_2,
                                    [MX_INT32] = set_4,
                                    [MX_INT64] = set_8,
                                    [MX_FLOAT16] = set_2,
                                    [MX_FLOAT32] = set_4,
                                    [MX_FLOAT64] = set_8,
                                    [MX_BFLOAT16] = set_2,
                                    [MX_COMPLEX64] = set_8},
                [MX_SCATTER_ADD] = BY_KIND(add),
                [MX_SCATTER_MUL] = BY_KIND(mul),
                [MX_SCATTER_MAXIMUM] = BY_KIND(max),
                [MX_SCATTER_MINIMUM] = BY_KIND(min)},
    .masked = {[1] = masked_1, [2] = masked_2, [4] = masked_4, [8] = masked_8},
    .count_set = count_set,
};
