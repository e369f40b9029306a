/* The element types of arrays.
 *
 * DTYPES(X) is the only list. A row: enum suffix, printed name, C storage type, category.
 * The order and the values are those of the public mlx_dtype and never change.
 *
 *     storage type  what lies in memory           mx_dtype_size
 *     compute type  what a kernel computes in     mx_dtype_compute: half types -> float32
 */
#ifndef MX_BASE_DTYPE_H
#define MX_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mx_complex64 {
    float re, im;
} mx_complex64;

#define MX_DTYPES(X)                                \
    X(BOOL, "bool", uint8_t, MX_CAT_BOOL)           \
    X(UINT8, "uint8", uint8_t, MX_CAT_UNSIGNED)     \
    X(UINT16, "uint16", uint16_t, MX_CAT_UNSIGNED)  \
    X(UINT32, "uint32", uint32_t, MX_CAT_UNSIGNED)  \
    X(UINT64, "uint64", uint64_t, MX_CAT_UNSIGNED)  \
    X(INT8, "int8", int8_t, MX_CAT_SIGNED)          \
    X(INT16, "int16", int16_t, MX_CAT_SIGNED)       \
    X(INT32, "int32", int32_t, MX_CAT_SIGNED)       \
    X(INT64, "int64", int64_t, MX_CAT_SIGNED)       \
    X(FLOAT16, "float16", uint16_t, MX_CAT_FLOAT)   \
    X(FLOAT32, "float32", float, MX_CAT_FLOAT)      \
    X(FLOAT64, "float64", double, MX_CAT_FLOAT)     \
    X(BFLOAT16, "bfloat16", uint16_t, MX_CAT_FLOAT) \
    X(COMPLEX64, "complex64", mx_complex64, MX_CAT_COMPLEX)

typedef enum mx_dtype {
#define X(name, text, type, cat) MX_##name,
    MX_DTYPES(X)
#undef X
        MX_DTYPE_COUNT
} mx_dtype;

typedef enum mx_category {
    MX_CAT_BOOL,
    MX_CAT_UNSIGNED,
    MX_CAT_SIGNED,
    MX_CAT_FLOAT,
    MX_CAT_COMPLEX
} mx_category;

static inline bool mx_dtype_valid(mx_dtype t) {
    return (unsigned)t < MX_DTYPE_COUNT;
}
size_t mx_dtype_size(mx_dtype t);      /* bytes of one element: 1 2 4 8 */
const char *mx_dtype_name(mx_dtype t); /* "float32" */
mx_category mx_dtype_category(mx_dtype t);
mx_dtype mx_dtype_compute(mx_dtype t); /* float16, bfloat16 -> float32; else itself */
/* MLX's lattice: float16 + bfloat16 -> float32, int32 + uint32 -> int64, int + half -> half ... */
mx_dtype mx_dtype_promote(mx_dtype a, mx_dtype b);
bool mx_dtype_is_float(mx_dtype t);       /* float16 float32 float64 bfloat16 */
bool mx_dtype_is_inexact(mx_dtype t);     /* floats and complex64 */
bool mx_dtype_is_integer(mx_dtype t);     /* signed or unsigned, not bool */
mx_dtype mx_dtype_to_inexact(mx_dtype t); /* integers and bool -> float32; else itself */

#endif
