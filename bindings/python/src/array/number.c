/* Python numbers become elements: see number.h. */
#include "array/number.h"

#include <math.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------------------- */

static int int_from(mpy_number *out, PyObject *o) {
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(o, &overflow);
    *out = (mpy_number){MPY_INT, i, (double)i, 0};
    if (!overflow)
        return 1;
    unsigned long long u = overflow > 0 ? PyLong_AsUnsignedLongLong(o) : (unsigned long long)-1;
    if (overflow < 0 || PyErr_Occurred()) {
        PyErr_SetString(PyExc_OverflowError, "an array has integers of 64 bits at most");
        return -1;
    }
    *out = (mpy_number){MPY_UINT, (int64_t)u, (double)u, 0};
    return 1;
}

int mpy_number_from(mpy_number *out, PyObject *o) {
    if (PyFloat_Check(o))
        *out = (mpy_number){MPY_FLOAT, 0, PyFloat_AS_DOUBLE(o), 0};
    else if (PyBool_Check(o))
        *out = (mpy_number){MPY_BOOL, o == Py_True, o == Py_True, 0};
    else if (PyLong_Check(o))
        return int_from(out, o);
    else if (PyComplex_Check(o))
        *out = (mpy_number){MPY_COMPLEX, 0, PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)};
    else
        return 0;
    return 1;
}

mlx_dtype mpy_number_dtype(const mpy_number *n) {
    switch (n->kind) {
    case MPY_BOOL: return MLX_BOOL;
    case MPY_INT: return n->i == (int32_t)n->i ? MLX_INT32 : MLX_INT64;
    case MPY_UINT: return MLX_UINT64;
    case MPY_FLOAT: return MLX_FLOAT32;
    default: return MLX_COMPLEX64;
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What has more digits than a float is rounded to odd first: of the two neighbours the one whose
   last bit is set, so that the next rounding is the only one that counts (Boldo and Melquiond,
   IEEE Trans. Computers 57, 2008). */
static float odd_float(double x) {
    float near = (float)x;
    uint32_t bits;
    memcpy(&bits, &near, 4);
    if (!(bits & 1))
        bits += (uint32_t)((fabs(x) > fabs((double)near)) - (fabs(x) < fabs((double)near)));
    memcpy(&near, &bits, 4);
    return near;
}

static double odd_double(const mpy_number *n) {
    int64_t odd = (n->i & ~INT64_C(0x7ff)) | (n->i & 0x7ff ? 0x800 : 0);
    if (n->kind >= MPY_FLOAT || fabs(n->re) < 0x1p53)
        return n->re;
    return n->kind == MPY_UINT ? (double)(uint64_t)odd : (double)odd;
}

/* float to the nearest 16-bit number, ties to even (IEEE 754 binary16). */
static uint16_t half_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) // below 2^-14: counted in steps of 2^-24
        return (uint16_t)(sign | (uint32_t)rint(ldexp(fabs((double)x), 24)));
    uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

/* The upper half of a float, rounded to nearest, ties to even. */
static uint16_t bfloat_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* A float cut to an integer; what no integer of so many bits holds becomes the smallest one. */
static int64_t cut(double x, int bits) {
    double end = ldexp(1, bits - 1);
    return x > -end - 1 && x < end ? (int64_t)x : bits == 32 ? INT32_MIN : INT64_MIN;
}

static int64_t integer_of(const mpy_number *n, mlx_dtype dtype) {
    if (n->kind < MPY_FLOAT)
        return n->i;
    if (dtype == MLX_UINT64 && n->re >= 0x1p63 && n->re < 0x1p64)
        return (int64_t)(uint64_t)n->re;
    return cut(n->re, dtype == MLX_INT64 || dtype == MLX_UINT64 || dtype == MLX_UINT32 ? 64 : 32);
}

void mpy_number_store(void *to, mlx_dtype dtype, const mpy_number *n) {
    double wide = odd_double(n);
    float f = (float)wide, pair[2] = {f, (float)n->im};
    uint16_t half;
    switch (dtype) {
    case MLX_BOOL: *(bool *)to = n->re != 0 || n->im != 0; return;
    case MLX_FLOAT16: half = half_bits(odd_float(wide)), memcpy(to, &half, 2); return;
    case MLX_BFLOAT16: half = bfloat_bits(odd_float(wide)), memcpy(to, &half, 2); return;
    case MLX_FLOAT32: memcpy(to, &f, 4); return;
    case MLX_FLOAT64: memcpy(to, &n->re, 8); return;
    case MLX_COMPLEX64: memcpy(to, pair, 8); return;
    default: break;
    }
    int64_t i = integer_of(n, dtype); // the lower bytes come first
    memcpy(to, &i, mlx_dtype_size(dtype));
}

int mpy_number_array(mlx_array *out, const mpy_number *n, mlx_dtype dtype) {
    uint64_t element = 0;
    mpy_number_store(&element, dtype, n);
    *out = mlx_array_new_data(&element, NULL, 0, dtype);
    return out->ctx ? 0 : (mpy_raise(), -1);
}

/* --- constants -------------------------------------------------------------------------------- */

typedef struct constant {
    mlx_array array; /* its own; empty while the place is free */
    const void *data;
    uint64_t bits;
    mlx_dtype dtype;
} constant;

enum { CONSTANTS = 64 };
static constant cache[CONSTANTS]; /* under the GIL */

mlx_array mpy_number_constant(const mpy_number *n, mlx_dtype dtype) {
    uint64_t bits = 0;
    mpy_number_store(&bits, dtype, n);
    constant *c =
        &cache[((bits ^ bits >> 29 ^ (uint64_t)dtype) * UINT64_C(0x9e3779b97f4a7c15)) >> 58];
    if (c->array.ctx && c->bits == bits && c->dtype == dtype)
        return c->array;
    mlx_array fresh = mlx_array_new_data(&bits, NULL, 0, dtype);
    if (!fresh.ctx)
        return mpy_raise(), fresh;
    mlx_array_free(c->array);
    *c = (constant){fresh, mlx_array_data_uint8(fresh), bits, dtype};
    return fresh;
}

int mpy_is_constant(const void *data) {
    for (int i = 0; i < CONSTANTS; i++)
        if (cache[i].data == data && data)
            return 1;
    return 0;
}
