/* Sorting rows: elements become unsigned keys of the same order, keys are sorted byte by byte.
 *
 *     integers   the sign bit flipped
 *     floats     negative: all bits flipped, else the sign bit; NaN: all ones, so last
 */
#include "kernels/sort/k_sort.h"

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/simd/simd.h"

#define N_JOIN2(f, type) f##_##type
#define N_JOIN(f, type)  N_JOIN2(f, type)
#define N(f)             N_JOIN(f, TYPE)

/* ---- keys ---- */

static inline uint16_t half_key(uint16_t b, uint16_t infinity) {
    uint16_t k = (uint16_t)(b ^ (0x8000u | (0u - (b >> 15))));
    return (uint16_t)(k | (0u - ((b & 0x7fffu) > infinity))); // without a branch
}
static inline uint16_t half_back(uint16_t k) {
    return (uint16_t)(k ^ (0x8000u | ((k >> 15) - 1u)));
}
static inline uint32_t float_key(float x) {
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    uint32_t k = b ^ ((uint32_t)((int32_t)b >> 31) | 0x80000000u);
    return k | (0u - (uint32_t)(x != x));
}
static inline float float_back(uint32_t k) {
    uint32_t b = k ^ (0x80000000u | ((k >> 31) - 1u));
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}
static inline uint64_t double_key(double x) {
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    uint64_t k = b ^ ((uint64_t)((int64_t)b >> 63) | 1ull << 63);
    return k | (0u - (uint64_t)(x != x));
}
static inline double double_back(uint64_t k) {
    uint64_t b = k ^ (1ull << 63 | ((k >> 63) - 1u));
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}
/* Adding 0 makes -0 into +0. */
static inline uint64_t complex_key(mx_complex64 x) {
    if (x.re != x.re || x.im != x.im)
        return UINT64_MAX;
    return (uint64_t)float_key(x.re + 0.0f) << 32 | float_key(x.im + 0.0f);
}
static inline uint16_t half_rank(uint16_t b, uint16_t infinity) {
    return half_key((uint16_t)(b & (0u - (b != 0x8000))), infinity);
}

#define RANK_MOST (16 + 16 * BYTES) /* as many are sorted by comparing each with each */

/* ---- sorts of keys, and of keys with their indices ---- */

typedef struct indexed {
    uint64_t key;
    uint32_t index;
} indexed;

#define E      uint8_t
#define KEY(e) (e)
#define BYTES  1
#define FN(f)  f##_keys8
#include "kernels/sort/k_sort_radix.h"
#define E      uint16_t
#define KEY(e) (e)
#define BYTES  2
#define FN(f)  f##_keys16
#include "kernels/sort/k_sort_radix.h"
#define E      uint32_t
#define KEY(e) (e)
#define BYTES  4
#define FN(f)  f##_keys32
#include "kernels/sort/k_sort_radix.h"
#define E      uint64_t
#define KEY(e) (e)
#define BYTES  8
#define FN(f)  f##_keys64
#include "kernels/sort/k_sort_radix.h"

/* Small keys share a word with the index: key << 32 | index. */
#define E      uint64_t
#define KEY(e) ((e) >> 32)
#define BYTES  1
#define FN(f)  f##_pairs8
#include "kernels/sort/k_sort_radix.h"
#define E      uint64_t
#define KEY(e) ((e) >> 32)
#define BYTES  2
#define FN(f)  f##_pairs16
#include "kernels/sort/k_sort_radix.h"
#define E      uint64_t
#define KEY(e) ((e) >> 32)
#define BYTES  4
#define FN(f)  f##_pairs32
#include "kernels/sort/k_sort_radix.h"
#define E      indexed
#define KEY(e) ((e).key)
#define BYTES  8
#define FN(f)  f##_pairs64
#include "kernels/sort/k_sort_radix.h"

/* ---- large keys in vectors ---- */

#if V_COMPRESS
#define E        int32_t
#define K        uint32_t
#define V        vi
#define M        vm
#define LANES    VF_LANES
#define LARGEST  INT32_MAX
#define W(f)     vi_##f
#define FN(f)    f##_vi
#define FIRST(n) vm_first(n)
#define BITS(m)  vm_bits(m)
#define NOT(m)   vm_not(m)
#include "kernels/sort/k_sort_vector.h"
#define E        int64_t
#define K        uint64_t
#define V        vl
#define M        vdm
#define LANES    VD_LANES
#define LARGEST  INT64_MAX
#define W(f)     vl_##f
#define FN(f)    f##_vl
#define FIRST(n) vdm_first(n)
#define BITS(m)  vdm_bits(m)
#define NOT(m)   vdm_not(m)
#include "kernels/sort/k_sort_vector.h"

#define K              uint32_t
#define FLIP           0x80000000u
#define P              uint64_t
#define P_MAKE(k, i)   ((uint64_t)((k) ^ FLIP) << 32 | (i))
#define P_KEY(p)       ((uint32_t)((p) >> 32) ^ FLIP)
#define P_INDEX(p)     ((uint32_t)(p))
#define V_KEYS(f)      f##_vi
#define PAIRS(a, b, n) (sort_vl(a, b, n, 0), a)
#define FEWEST         MX_SORT_BUCKETS / 16
#define FN(f)          f##_buckets32
#include "kernels/sort/k_sort_buckets.h"
#define K              uint64_t
#define FLIP           (1ull << 63)
#define P              indexed
#define P_MAKE(k, i)   ((indexed){(k), (uint32_t)(i)})
#define P_KEY(p)       ((p).key)
#define P_INDEX(p)     ((p).index)
#define V_KEYS(f)      f##_vl
#define PAIRS(a, b, n) sort_pairs64(a, b, n)
#define FEWEST         MX_SORT_BUCKETS_WIDE
#define FN(f)          f##_buckets64
#include "kernels/sort/k_sort_buckets.h"
#endif

#define K     uint8_t
#define FN(f) f##_keys8
#include "kernels/sort/k_sort_select.h"
#undef K
#define K     uint16_t
#define FN(f) f##_keys16
#include "kernels/sort/k_sort_select.h"
#undef K
#define K     uint32_t
#define FN(f) f##_keys32
#include "kernels/sort/k_sort_select.h"
#undef K
#define K     uint64_t
#define FN(f) f##_keys64
#include "kernels/sort/k_sort_select.h"
#undef K

/* ---- dtypes by the size of their keys ---- */

#define P            uint64_t
#define P_MAKE(k, i) ((uint64_t)((k) ^ FLIP) << 32 | (i))
#define P_INDEX(p)   ((uint32_t)(p))

#define FLIP      0
#define K         uint8_t
#define S(f)      f##_keys8
#define PS(f)     f##_pairs8
#define TYPE      UINT8
#define T         uint8_t
#define ENCODE(x) (x)
#define DECODE(k) (k)
#define RANK(x)   (x)
#include "kernels/sort/k_sort_type.h"
#define TYPE      BOOL
#define T         uint8_t
#define ENCODE(x) ((x) != 0)
#define DECODE(k) (k)
#define RANK(x)   ((x) != 0)
#include "kernels/sort/k_sort_type.h"
#define TYPE      INT8
#define T         int8_t
#define ENCODE(x) ((uint8_t)(x) ^ 0x80u)
#define DECODE(k) ((k) ^ 0x80u)
#define RANK(x)   ((uint8_t)ENCODE(x))
#include "kernels/sort/k_sort_type.h"
#undef K
#undef S
#undef PS

#define K         uint16_t
#define S(f)      f##_keys16
#define PS(f)     f##_pairs16
#define TYPE      UINT16
#define T         uint16_t
#define ENCODE(x) (x)
#define DECODE(k) (k)
#define RANK(x)   (x)
#include "kernels/sort/k_sort_type.h"
#define TYPE      INT16
#define T         int16_t
#define ENCODE(x) ((uint16_t)(x) ^ 0x8000u)
#define DECODE(k) ((k) ^ 0x8000u)
#define RANK(x)   ((uint16_t)ENCODE(x))
#include "kernels/sort/k_sort_type.h"
#define TYPE      FLOAT16
#define T         uint16_t
#define ENCODE(x) half_key(x, 0x7c00)
#define DECODE(k) half_back(k)
#define RANK(x)   half_rank(x, 0x7c00)
#include "kernels/sort/k_sort_type.h"
#define TYPE      BFLOAT16
#define T         uint16_t
#define ENCODE(x) half_key(x, 0x7f80)
#define DECODE(k) half_back(k)
#define RANK(x)   half_rank(x, 0x7f80)
#include "kernels/sort/k_sort_type.h"
#undef K
#undef S
#undef PS

#if V_COMPRESS
#undef FLIP
#define FLIP       0x80000000u
#define V_KEYS(f)  f##_vi
#define V_PAIRS(f) f##_vl
#define V_BUCKETS  order_keys_buckets32
#define MANY       MX_SORT_BUCKETS
#endif
#define K         uint32_t
#define S(f)      f##_keys32
#define PS(f)     f##_pairs32
#define TYPE      UINT32
#define T         uint32_t
#define ENCODE(x) (x)
#define DECODE(k) (k)
#define RANK(x)   (x)
#include "kernels/sort/k_sort_type.h"
#define TYPE      INT32
#define T         int32_t
#define ENCODE(x) ((uint32_t)(x) ^ 0x80000000u)
#define DECODE(k) ((k) ^ 0x80000000u)
#define RANK(x)   ENCODE(x)
#include "kernels/sort/k_sort_type.h"
#define TYPE      FLOAT32
#define T         float
#define ENCODE(x) float_key(x)
#define DECODE(k) float_back(k)
#define RANK(x)   float_key((x) + 0.0f)
#include "kernels/sort/k_sort_type.h"
#undef K
#undef S
#undef PS
#undef P
#undef P_MAKE
#undef P_INDEX

#if V_COMPRESS
#undef V_KEYS
#undef V_PAIRS
#undef V_BUCKETS
#undef MANY
#undef FLIP
#define FLIP      (1ull << 63)
#define V_KEYS(f) f##_vl
#define V_BUCKETS order_keys_buckets64
#define MANY      MX_SORT_BUCKETS_WIDE
#endif
#define P            indexed
#define P_MAKE(k, i) ((indexed){(k), (uint32_t)(i)})
#define P_INDEX(p)   ((p).index)
#define K            uint64_t
#define S(f)         f##_keys64
#define PS(f)        f##_pairs64
#define TYPE         UINT64
#define T            uint64_t
#define ENCODE(x)    (x)
#define DECODE(k)    (k)
#define RANK(x)      (x)
#include "kernels/sort/k_sort_type.h"
#define TYPE      INT64
#define T         int64_t
#define ENCODE(x) ((uint64_t)(x) ^ 1ull << 63)
#define DECODE(k) ((k) ^ 1ull << 63)
#define RANK(x)   ENCODE(x)
#include "kernels/sort/k_sort_type.h"
#define TYPE      FLOAT64
#define T         double
#define ENCODE(x) double_key(x)
#define DECODE(k) double_back(k)
#define RANK(x)   double_key((x) + 0.0)
#include "kernels/sort/k_sort_type.h"
#define TYPE    COMPLEX64
#define T       mx_complex64
#define RANK(x) complex_key(x)
#define NO_DECODE
#include "kernels/sort/k_sort_type.h"

/* ---- the table ---- */

#define ROW(f, name) [MX_##name] = f##_##name,
#define ALL_TYPES(f)                                                                               \
    {ROW(f, BOOL) ROW(f, UINT8) ROW(f, UINT16) ROW(f, UINT32) ROW(f, UINT64) ROW(f, INT8)          \
         ROW(f, INT16) ROW(f, INT32) ROW(f, INT64) ROW(f, FLOAT16) ROW(f, FLOAT32) ROW(f, FLOAT64) \
             ROW(f, BFLOAT16) ROW(f, COMPLEX64)}

const mx_k_sort KN(mx_sort) = {
    .sort = ALL_TYPES(sort),
    .argsort = ALL_TYPES(argsort),
    .partition = ALL_TYPES(partition),
    .argpartition = ALL_TYPES(argpartition),
};
