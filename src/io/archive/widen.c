/* 8-bit floats as bfloat16, exactly: a table of what the 256 codes mean.
 *
 * OCP 8-bit Floating Point Specification 1.0: e4m3 has no infinities and two NaNs (the largest
 * codes), e5m2 is what IEEE 754 would make of it. OCP Microscaling Formats 1.0: e8m0 is 2^(code -
 * 127), 255 is NaN. The fnuz kinds (Noune et al. 2022) have a bias that is larger by one, no
 * infinities, and NaN where a negative zero would be.
 */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "io/archive/archive.h"
#include "ops/ops.h"

typedef struct kind {
    const char *storage;
    int exponent, mantissa, bias; /* bits; exponent 8: e8m0, which has no sign */
    enum { LAST_IS_NAN, IEEE, ZERO_IS_NAN } nan;
} kind;

static const kind kinds[] = {
    {"float8_e4m3", 4, 3, 7, LAST_IS_NAN},      {"float8_e5m2", 5, 2, 15, IEEE},
    {"float8_e8m0", 8, 0, 127, LAST_IS_NAN},    {"float8_e4m3fnuz", 4, 3, 8, ZERO_IS_NAN},
    {"float8_e5m2fnuz", 5, 2, 16, ZERO_IS_NAN},
};

static const kind *kind_of(const char *storage) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].storage, storage) == 0)
            return &kinds[i];
    return NULL;
}

static float magnitude(const kind *k, int code) {
    int e = code >> k->mantissa, m = code & ((1 << k->mantissa) - 1),
        last = (1 << (k->exponent + k->mantissa)) - 1;
    if ((k->nan == LAST_IS_NAN && code == last))
        return NAN;
    if (k->exponent == 8)
        return ldexpf(1, e - k->bias);
    if (k->nan == IEEE && e == (1 << k->exponent) - 1)
        return m ? NAN : INFINITY;
    return e ? ldexpf((float)(m + (1 << k->mantissa)), e - k->bias - k->mantissa)
             : ldexpf((float)m, 1 - k->bias - k->mantissa);
}

static float value_of(const kind *k, int code) {
    if (k->exponent == 8)
        return magnitude(k, code);
    if (k->nan == ZERO_IS_NAN && code == 128)
        return NAN;
    float x = magnitude(k, code & 127);
    return code & 128 ? -x : x;
}

bool mx_archive_widens(const char *storage) {
    return kind_of(storage) != NULL;
}

mx_array *mx_archive_widen(const char *storage, mx_array *codes) {
    const kind *k = kind_of(storage);
    float table[256];
    if (!k || !codes)
        return NULL;
    for (int i = 0; i < 256; i++)
        table[i] = value_of(k, i);
    mx_array *values = mx_astype(mx_array_from(table, (int[]){256}, 1, MX_FLOAT32), MX_BFLOAT16);
    return mx_take(values, codes, 0);
}
