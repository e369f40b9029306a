/* Pointwise kernels on bool (bytes 0 or 1), and those that only know an element's size: copy, fill,
 * select. */
#include <string.h>

#include "kernels/pointwise/k_pw.h"

SV uint8_t b_none(uint8_t a) {
    (void)a;
    return 0;
}
SV uint8_t b_not(uint8_t a) {
    return a ^ 1;
}
SV uint8_t b_or(uint8_t a, uint8_t b) {
    return a | b;
}
SV uint8_t b_and(uint8_t a, uint8_t b) {
    return a & b;
}
SV uint8_t b_xor(uint8_t a, uint8_t b) {
    return a ^ b;
}
SV uint8_t b_xnor(uint8_t a, uint8_t b) {
    return a ^ b ^ 1;
}
SV uint8_t b_less(uint8_t a, uint8_t b) {
    return (a ^ 1) & b;
}
SV uint8_t b_less_equal(uint8_t a, uint8_t b) {
    return (a ^ 1) | b;
}
SV uint8_t b_greater(uint8_t a, uint8_t b) {
    return a & (b ^ 1);
}
/* a^b is 1 unless a is 0 and b is 1: a >= b */
SV uint8_t b_power(uint8_t a, uint8_t b) {
    return a | (b ^ 1);
}

SV void map1_bool(void *out, const void *a, size_t n, uint8_t (*f)(uint8_t)) {
    uint8_t *o = out;
    const uint8_t *x = a;
    PW_LOOP
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i]);
}
SV void map2_bool(void *out, const void *a, const void *b, size_t n,
                  uint8_t (*f)(uint8_t, uint8_t)) {
    uint8_t *o = out;
    const uint8_t *x = a, *y = b;
    PW_LOOP
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i], y[i]);
}

SV void number_bool(void *out, const void *a, const void *number, size_t n, bool turned,
                    uint8_t (*f)(uint8_t, uint8_t)) {
    uint8_t *o = out, y = *(const uint8_t *)number;
    const uint8_t *x = a;
    PW_LOOP
    for (size_t i = 0; i < n; i++)
        o[i] = turned ? f(y, x[i]) : f(x[i], y);
}

#define BOOL_1(op, f)                                            \
    void KN(k_##op##_bool)(void *out, const void *a, size_t n) { \
        map1_bool(out, a, n, f);                                 \
    }
#define BOOL_2(op, f)                                                                \
    void KN(k_##op##_bool)(void *out, const void *a, const void *b, size_t n) {      \
        map2_bool(out, a, b, n, f);                                                  \
    }                                                                                \
    void KN(k_##op##_bool_number)(void *out, const void *a, const void *b, size_t n, \
                                  bool turned) {                                     \
        number_bool(out, a, b, n, turned, f);                                        \
    }
#include "kernels/pointwise/k_pw.def"

SV void copy(void *out, const void *a, size_t bytes) {
    if (out != a)
        memcpy(out, a, bytes);
}
#define X(size, type)                                            \
    void KN(k_copy_##size)(void *out, const void *a, size_t n) { \
        copy(out, a, n *size);                                   \
    }
PW_SIZES(X)
#undef X

#define T    uint8_t
#define SIZE 1
#include "kernels/pointwise/k_pw_size.inc"
#define T    uint16_t
#define SIZE 2
#include "kernels/pointwise/k_pw_size.inc"
#define T    uint32_t
#define SIZE 4
#include "kernels/pointwise/k_pw_size.inc"
#define T    uint64_t
#define SIZE 8
#include "kernels/pointwise/k_pw_size.inc"
