/* The casts: names and where they stand in the table. A kernel is k_cast_<from>_<to>.
 *
 * An integer's value needs only its size on the way out of a conversion that wraps, so that
 * some kernels serve two types: `8` and `16` are both signs, bool is read as uint8.
 */
#ifndef MX_KERNELS_K_PW_CAST_H
#define MX_KERNELS_K_PW_CAST_H

// clang-format off
/* X(name, index): what a cast can come from. */
#define PW_CAST_SOURCES(X) \
    X(u8, MX_BOOL) X(u8, MX_UINT8) X(u16, MX_UINT16) X(u32, MX_UINT32) X(u64, MX_UINT64) \
    X(i8, MX_INT8) X(i16, MX_INT16) X(i32, MX_INT32) X(i64, MX_INT64) X(f16, MX_FLOAT16) \
    X(f32, MX_FLOAT32) X(f64, MX_FLOAT64) X(bf16, MX_BFLOAT16) X(c64, MX_COMPLEX64)

/* X(from, at, name, index): all kernels of one source, and the entry each one fills. */
#define PW_CAST_TARGETS(X, from, at) \
    X(from, at, bool, MX_BOOL) X(from, at, 8, MX_UINT8) X(from, at, 16, MX_UINT16) \
    X(from, at, u32, MX_UINT32) X(from, at, u64, MX_UINT64) X(from, at, 8, MX_INT8) \
    X(from, at, 16, MX_INT16) X(from, at, i32, MX_INT32) X(from, at, i64, MX_INT64) \
    X(from, at, f16, MX_FLOAT16) X(from, at, f32, MX_FLOAT32) X(from, at, f64, MX_FLOAT64) \
    X(from, at, bf16, MX_BFLOAT16) X(from, at, c64, MX_COMPLEX64)

// clang-format on
#define PW_CAST_DECLARE(from, at, to, index) \
    void KN(k_cast_##from##_##to)(void *out, const void *in, size_t n);
#define X(from, at) PW_CAST_TARGETS(PW_CAST_DECLARE, from, at)
PW_CAST_SOURCES(X)
#undef X

#endif
