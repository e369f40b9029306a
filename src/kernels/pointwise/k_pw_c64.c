/* Pointwise kernels on complex64: one element at a time through C's complex functions, whose
 * special values are Annex G's; what C lacks is spelled out here. Order is by real part, then
 * imaginary.
 */
#include <complex.h>
#include <float.h>
#include <math.h>

#include "kernels/pointwise/k_pw.h"
#include "kernels/simd/special.h"

typedef float _Complex cf;

SV cf c_make(float re, float im) {
    union {
        float part[2];
        cf z;
    } u = {{re, im}};
    return u.z;
}
SV bool c_isnan(cf a) {
    return isnan(crealf(a)) || isnan(cimagf(a));
}
/* In float64 no square overflows; an infinite part makes it infinite, also beside a NaN. */
SV float c_abs(cf a) {
    double x = crealf(a), y = cimagf(a);
    float m = (float)__builtin_sqrt(x * x + y * y);
    return fabs(x) > FLT_MAX || fabs(y) > FLT_MAX ? INFINITY : m;
}
/* a / |a|; 0 stays */
SV cf c_sign(cf a) {
    float m = c_abs(a);
    m = m == 0 ? 1 : m;
    return c_make(crealf(a) / m, cimagf(a) / m);
}
/* e^(x+iy) - 1 = expm1(x) cos y - 2 sin^2(y/2) + i e^x sin y; on the real axis and at infinities as
   C's cexp */
SV cf c_expm1(cf a) {
    double x = crealf(a), y = cimagf(a), s = sin(y / 2);
    if (y == 0)
        return c_make((float)expm1(x), (float)y);
    if (isinf(x) && !isfinite(y))
        return x < 0 ? c_make(-1, 0) : c_make(INFINITY, NAN);
    return c_make((float)(expm1(x) * cos(y) - 2 * s * s), (float)(exp(x) * sin(y)));
}
SV cf c_log_base(cf a, double scale) {
    cf l = clogf(a);
    return c_make((float)(crealf(l) * scale), (float)(cimagf(l) * scale));
}
SV cf c_log2(cf a) {
    return c_log_base(a, 1.4426950408889634074);
}
SV cf c_log10(cf a) {
    return c_log_base(a, 0.43429448190325182765);
}
/* log|1 + a| = log1p(2x + x^2 + y^2) / 2, which in float64 loses nothing that float32 could show */
SV cf c_log1p(cf a) {
    double x = crealf(a), y = cimagf(a), m = fma(x, x + 2, y * y);
    double re = fabs(m) < 0.5 ? 0.5 * log1p(m) : log(d_hypot(1 + x, y));
    return c_make((float)re, (float)atan2(y, 1 + x));
}
/* in float64, for the sake of the poles */
SV cf c_sigmoid(cf a) {
    double _Complex z = a, e = cexp(creal(z) < 0 ? z : -z), s = (creal(z) < 0 ? e : 1) / (1 + e);
    return c_make((float)creal(s), (float)cimag(s));
}
/* In float64 nothing overflows; what is not finite then is Annex G's to decide. */
SV cf c_divide(cf a, cf b) {
    double x = crealf(a), y = cimagf(a), u = crealf(b), v = cimagf(b), d = u * u + v * v;
    cf q = c_make((float)((x * u + y * v) / d), (float)((y * u - x * v) / d));
    return crealf(q) - crealf(q) == 0 && cimagf(q) - cimagf(q) == 0 ? q : a / b;
}
SV cf c_rsqrt(cf a) {
    return c_divide(1.0f, csqrtf(a));
}
SV bool c_equal(cf a, cf b) {
    return crealf(a) == crealf(b) && cimagf(a) == cimagf(b);
}
SV bool c_not_equal(cf a, cf b) {
    return !c_equal(a, b);
}
SV bool c_less(cf a, cf b) {
    return crealf(a) < crealf(b) || (crealf(a) == crealf(b) && cimagf(a) < cimagf(b));
}
SV bool c_less_equal(cf a, cf b) {
    return crealf(a) < crealf(b) || (crealf(a) == crealf(b) && cimagf(a) <= cimagf(b));
}
SV bool c_greater(cf a, cf b) {
    return c_less(b, a);
}
SV bool c_greater_equal(cf a, cf b) {
    return c_less_equal(b, a);
}
/* A NaN in any part wins. */
SV cf c_maximum(cf a, cf b) {
    return c_isnan(a) || (c_greater(a, b) && !c_isnan(b)) ? a : b;
}
SV cf c_minimum(cf a, cf b) {
    return c_isnan(a) || (c_less(a, b) && !c_isnan(b)) ? a : b;
}
/* In float64: the exponent of e loses as many bits as it is large. Anything to the power 0 is 1,
   and 0 to another power is 0 where that has a positive real part, else NaN: NumPy's rules. */
SV cf c_power(cf a, cf b) {
    if (b == 0)
        return c_make(1, 0);
    if (a == 0)
        return crealf(b) > 0 ? c_make(0, 0) : c_make(NAN, NAN);
    double _Complex z = cpow(a, b);
    return c_make((float)creal(z), (float)cimag(z));
}
/* hi + log(1 + e^(lo - hi)), in float64 for the sake of its zeros */
SV cf c_logaddexp(cf a, cf b) {
    if (c_isnan(a) || c_isnan(b))
        return c_make(NAN, NAN);
    cf hi = c_maximum(a, b), lo = c_minimum(a, b);
    if (crealf(lo) == -INFINITY || crealf(hi) == INFINITY)
        return hi;
    double _Complex z = hi + clog(1 + cexp((double _Complex)lo - hi));
    return c_make((float)creal(z), (float)cimag(z));
}

SV void map1_c64(void *out, const void *a, size_t n, cf (*f)(cf)) {
    cf *o = out;
    const cf *x = a;
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i]);
}
SV void map2_c64(void *out, const void *a, const void *b, size_t n, cf (*f)(cf, cf)) {
    cf *o = out;
    const cf *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i], y[i]);
}
/* Products in vectors that have real and imaginary parts by turns; where both parts are NaN, Annex
   G may want an infinity, one by one. A sum with a changed sign is the difference, and nothing that
   gcc 12 contracts in vectors although it is told not to. */
#if VF_LANES == 16
#define C_FOURS(X) X(0), X(4), X(8), X(12)
#elif VF_LANES == 8
#define C_FOURS(X) X(0), X(4)
#else
#define C_FOURS(X) X(0)
#endif
#define C_REAL(k)      k, k, k + 2, k + 2
#define C_IMAG(k)      k + 1, k + 1, k + 3, k + 3
#define C_TURNED(k)    k + 1, k, k + 3, k + 2
#define C_MOVED(a, to) __builtin_shufflevector(a, a, C_FOURS(to))

static __attribute__((noinline, cold)) vf c_product_mend(vf a, vf b, vf r) {
    cf x[VF_LANES / 2], y[VF_LANES / 2], z[VF_LANES / 2];
    vf_store((float *)x, a);
    vf_store((float *)y, b);
    vf_store((float *)z, r);
    for (int i = 0; i < VF_LANES / 2; i++)
        if (isnan(crealf(z[i])) && isnan(cimagf(z[i])))
            z[i] = x[i] * y[i];
    return vf_load((const float *)z);
}
SV vf c_product(vf a, vf b) {
    static const float minus[16] = {-0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f, 0,
                                    -0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f, 0};
    vf crossed = vf_mul(C_MOVED(a, C_IMAG), C_MOVED(b, C_TURNED));
    vf r = vf_add(vf_mul(C_MOVED(a, C_REAL), b), vf_xor(crossed, vf_load(minus)));
    return vm_any(vf_isnan(r)) ? c_product_mend(a, b, r) : r;
}
SV void c_multiply_all(void *out, const void *a, const void *b, size_t n) {
    map2_f32(out, a, b, 2 * n, c_product);
}
SV void c_square_all(void *out, const void *a, size_t n) {
    c_multiply_all(out, a, a, n);
}

SV void compare_c64(void *out, const void *a, const void *b, size_t n, bool (*f)(cf, cf)) {
    uint8_t *o = out;
    const cf *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i], y[i]);
}
SV void part_c64(void *out, const void *a, size_t n, float (*f)(cf)) {
    float *o = out;
    const cf *x = a;
    for (size_t i = 0; i < n; i++)
        o[i] = f(x[i]);
}

#define C64_1(op, f)                                            \
    void KN(k_##op##_c64)(void *out, const void *a, size_t n) { \
        map1_c64(out, a, n, f);                                 \
    }
#define C64_ALL1(op, f)                                         \
    void KN(k_##op##_c64)(void *out, const void *a, size_t n) { \
        f(out, a, n);                                           \
    }
#define C64_ALL2(op, f)                                                        \
    void KN(k_##op##_c64)(void *out, const void *a, const void *b, size_t n) { \
        f(out, a, b, n);                                                       \
    }
#define C64_PART(op, f)                                         \
    void KN(k_##op##_c64)(void *out, const void *a, size_t n) { \
        part_c64(out, a, n, f);                                 \
    }
#define C64_F32_1(op)                                           \
    void KN(k_##op##_c64)(void *out, const void *a, size_t n) { \
        KN(k_##op##_f32)(out, a, 2 * n);                        \
    }
#define C64_F32_2(op)                                                          \
    void KN(k_##op##_c64)(void *out, const void *a, const void *b, size_t n) { \
        KN(k_##op##_f32)(out, a, b, 2 * n);                                    \
    }
#define C64_2(op, f)                                                           \
    void KN(k_##op##_c64)(void *out, const void *a, const void *b, size_t n) { \
        map2_c64(out, a, b, n, f);                                             \
    }
#define C64_CMP(op, f)                                                         \
    void KN(k_##op##_c64)(void *out, const void *a, const void *b, size_t n) { \
        compare_c64(out, a, b, n, f);                                          \
    }
#include "kernels/pointwise/k_pw.def"
