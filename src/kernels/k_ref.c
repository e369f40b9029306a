/* The reference for pointwise operations; see k_ref.h. */
#define _GNU_SOURCE /* lgammal_r, which musl shows to no others */
#include "kernels/k_ref.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "base/half.h"

// clang-format off

typedef long double real;
typedef long double _Complex cplx;

static cplx to_c(mx_ref a) {
    union {
        real part[2];
        cplx z;
    } u = {{a.re, a.im}};
    return u.z;
}
static mx_ref of_c(mx_dtype t, cplx z) {
    return (mx_ref){.type = t, .re = creall(z), .im = cimagl(z)};
}
static mx_ref of_real(mx_dtype t, real x) {
    return (mx_ref){.type = t, .re = x};
}
static mx_ref of_bool(bool x) {
    return (mx_ref){.type = MX_BOOL, .i = x};
}
/* The low bits of x, as type t holds them. */
static mx_ref of_int(mx_dtype t, __int128 x) {
    mx_ref r = {.type = t};
    switch (t) {
    case MX_BOOL:   r.i = x != 0; break;
    case MX_UINT8:  r.i = (uint8_t)x; break;
    case MX_UINT16: r.i = (uint16_t)x; break;
    case MX_UINT32: r.i = (uint32_t)x; break;
    case MX_INT8:   r.i = (int8_t)x; break;
    case MX_INT16:  r.i = (int16_t)x; break;
    case MX_INT32:  r.i = (int32_t)x; break;
    default:        r.i = (int64_t)x; break;
    }
    return r;
}
static __int128 to_int(mx_ref a) {
    return a.type == MX_UINT64 ? (__int128)(uint64_t)a.i : a.i;
}

mx_ref mx_ref_load(mx_dtype t, const void *p, size_t index) {
    unsigned char e[8];
    memcpy(e, (const char *)p + index * mx_dtype_size(t), mx_dtype_size(t));
    union {
        uint8_t u8; uint16_t u16; uint32_t u32; uint64_t u64;
        int8_t i8; int16_t i16; int32_t i32; int64_t i64;
        float f; double d; mx_complex64 c;
    } u;
    memcpy(&u, e, 8);
    switch (t) {
    case MX_BOOL:
    case MX_UINT8:     return of_int(t, u.u8);
    case MX_UINT16:    return of_int(t, u.u16);
    case MX_UINT32:    return of_int(t, u.u32);
    case MX_UINT64:    return of_int(t, u.u64);
    case MX_INT8:      return of_int(t, u.i8);
    case MX_INT16:     return of_int(t, u.i16);
    case MX_INT32:     return of_int(t, u.i32);
    case MX_INT64:     return of_int(t, u.i64);
    case MX_FLOAT16:   return of_real(t, mx_f16_to_f32(u.u16));
    case MX_BFLOAT16:  return of_real(t, mx_bf16_to_f32(u.u16));
    case MX_FLOAT32:   return of_real(t, u.f);
    case MX_FLOAT64:   return of_real(t, u.d);
    case MX_COMPLEX64: return (mx_ref){.type = t, .re = u.c.re, .im = u.c.im};
    default:           return (mx_ref){0};
    }
}

/* ---- integers and bool ---- */

static __int128 int_product(__int128 a, __int128 b) {
    return (__int128)((unsigned __int128)a * (unsigned __int128)b);
}
/* Modulo 2^64, of which every type keeps low bits. */
static __int128 int_power(__int128 a, __int128 b) {
    uint64_t r = 1, x = (uint64_t)a;
    for (__int128 e = b; e > 0; e >>= 1) {
        r = e & 1 ? r * x : r;
        x *= x;
    }
    return b < 0 ? 0 : (__int128)r;
}
static __int128 int_remainder(__int128 a, __int128 b) {
    if (b == 0)
        return 0;
    __int128 r = a % b;
    return r == 0 ? copysignl(0, b) : (r < 0) != (b < 0) ? r + b : r;
}
static __int128 shift(mx_ref a, mx_ref b, bool left) {
    __int128 x = to_int(a), n = to_int(b), width = 8 * (__int128)mx_dtype_size(a.type);
    if (n < 0 || n >= width)
        return left || x >= 0 ? 0 : -1;
    return left ? (__int128)((unsigned __int128)x << n) : x >> n;
}
static mx_ref compare(mx_pointwise op, bool less, bool equal) {
    switch (op) {
    case MX_PW_equal:         return of_bool(equal);
    case MX_PW_not_equal:     return of_bool(!equal);
    case MX_PW_less:          return of_bool(less);
    default:                  return of_bool(less || equal);
    }
}
static mx_ref int_op(mx_pointwise op, mx_ref p, mx_ref q) {
    mx_dtype t = p.type;
    __int128 a = to_int(p), b = to_int(q);
    bool logic = t == MX_BOOL;
    switch (op) {
    case MX_PW_abs:            return of_int(t, a < 0 ? -a : a);
    case MX_PW_negative:       return of_int(t, -a);
    case MX_PW_sign:           return of_int(t, (a > 0) - (a < 0));
    case MX_PW_square:         return of_int(t, int_product(a, a));
    case MX_PW_bitwise_invert: return of_int(t, logic ? !a : ~a);
    case MX_PW_logical_not:    return of_bool(!a);
    case MX_PW_imag:           return of_int(t, 0);
    case MX_PW_add:            return of_int(t, a + b);
    case MX_PW_subtract:       return of_int(t, a - b);
    case MX_PW_multiply:       return of_int(t, int_product(a, b));
    case MX_PW_floor_divide:   return of_int(t, b == 0 ? 0 : (a - int_remainder(a, b)) / b);
    case MX_PW_remainder:      return of_int(t, int_remainder(a, b));
    case MX_PW_power:          return of_int(t, int_power(a, b));
    case MX_PW_maximum:        return a > b ? p : q;
    case MX_PW_minimum:        return a < b ? p : q;
    case MX_PW_logical_and:
    case MX_PW_bitwise_and:    return of_int(t, a & b);
    case MX_PW_logical_or:
    case MX_PW_bitwise_or:     return of_int(t, a | b);
    case MX_PW_logical_xor:
    case MX_PW_bitwise_xor:    return of_int(t, a ^ b);
    case MX_PW_left_shift:     return logic ? of_bool(a && !b) : of_int(t, shift(p, q, true));
    case MX_PW_right_shift:    return logic ? of_bool(a && !b) : of_int(t, shift(p, q, false));
    case MX_PW_greater:        return of_bool(a > b);
    case MX_PW_greater_equal:  return of_bool(a >= b);
    case MX_PW_equal:
    case MX_PW_not_equal:
    case MX_PW_less:
    case MX_PW_less_equal:     return compare(op, a < b, a == b);
    default:                   return p; /* floor, ceil, trunc, round, real, conjugate */
    }
}

/* ---- real ---- */

static real remainder_python(real a, real b) {
    real r = fmodl(a, b);
    return r == 0 ? copysignl(0, b) : (r < 0) != (b < 0) ? r + b : r;
}
/* By the remainder, as Python's divmod; quotients that are whole anyway only rounded. */
static real floor_quotient(real a, real b) {
    if (b == 0 || isinf(a) || fabsl(a / b) >= 0x1p53L)
        return isinf(a) && b != 0 ? NAN : a / b;
    if (isinf(b))
        return isnan(a) ? a : a != 0 && (a < 0) != (b < 0) ? -1 : a / b;
    return copysignl(rintl((a - remainder_python(a, b)) / b), a / b);
}
/* By bisection on erf: slow, and nothing to get wrong. */
static real erfinv(real x) {
    real a = fabsl(x), lo = 0, hi = 8;
    if (!(a < 1))
        return a == 1 ? copysignl(INFINITY, x) : NAN;
    if (a < 1e-9L)
        return x * 0.886226925452758013649083741670572591L;
    for (int i = 0; i < 120; i++) {
        real mid = (lo + hi) / 2;
        bool low = a < 0.5L ? erfl(mid) < a : erfcl(mid) > 1 - a;
        *(low ? &lo : &hi) = mid;
    }
    return copysignl((lo + hi) / 2, x);
}
static real digamma(real x) {
    const real pi = 3.14159265358979323846264338327950288L;
    real y = 0;
    if (x == 0)
        return -copysignl(INFINITY, x);
    if (x < 0 && x == floorl(x))
        return NAN;
    if (x < 0)
        return digamma(1 - x) - pi / tanl(pi * (x - rintl(x)));
    for (; x < 40; x++)
        y -= 1 / x;
    real z = 1 / (x * x);
    return y + logl(x) - 0.5L / x
           - z * (1 / 12.0L - z * (1 / 120.0L - z * (1 / 252.0L - z * (1 / 240.0L - z / 132))));
}
static real lgamma_abs(real x) {
    int sign;
    return lgammal_r(x, &sign);
}
static real sign(real x) {
    return (x > 0) - (x < 0);
}
static real logaddexp(real a, real b) {
    real hi = isnan(a) || a > b ? a : b, lo = a > b ? b : a;
    return a == b ? a + logl(2) : hi + log1pl(expl(lo - hi));
}
/* One row an operation: what it is of a real number. Where an operation of pointwise.def lacks one,
 * real_<name> is undeclared below. */
#define REAL(op, value) static real real_##op(real x) { return (void)x, (value); }
REAL(abs, fabsl(x))
REAL(negative, -x)
REAL(sign, sign(x))
REAL(square, x * x)
REAL(sqrt, sqrtl(x))
REAL(rsqrt, 1 / sqrtl(x))
REAL(exp, expl(x))
REAL(expm1, expm1l(x))
REAL(log, logl(x))
REAL(log2, log2l(x))
REAL(log10, log10l(x))
REAL(log1p, log1pl(x))
REAL(sin, sinl(x))
REAL(cos, cosl(x))
REAL(tan, tanl(x))
REAL(arcsin, asinl(x))
REAL(arccos, acosl(x))
REAL(arctan, atanl(x))
REAL(sinh, sinhl(x))
REAL(cosh, coshl(x))
REAL(tanh, tanhl(x))
REAL(arcsinh, asinhl(x))
REAL(arccosh, acoshl(x))
REAL(arctanh, atanhl(x))
REAL(erf, erfl(x))
REAL(erfinv, erfinv(x))
REAL(sigmoid, 1 / (1 + expl(-x)))
REAL(lgamma, lgamma_abs(x))
REAL(digamma, digamma(x))
REAL(floor, floorl(x))
REAL(ceil, ceill(x))
REAL(trunc, truncl(x))
REAL(round, rintl(x))
REAL(imag, 0)
REAL(real, x)
REAL(conjugate, x)

typedef real real_of(real x);
static real_of *const real_1[] = {
#define REAL_ALL(op)     [MX_PW_##op] = real_##op,
#define REAL_NUMBER(op)  REAL_ALL(op)
#define REAL_REAL(op)    REAL_ALL(op)
#define REAL_ORDERED(op) REAL_ALL(op)
#define REAL_FLOAT(op)   REAL_ALL(op)
#define REAL_INEXACT(op) REAL_ALL(op)
#define REAL_BITS(op)
#define REAL_LOGIC(op)
#define UNARY(name, Name, domain, result) REAL_##domain(name)
#include "kernels/pointwise/pointwise.def"
};
static real real_2(mx_pointwise op, real a, real b) {
    switch (op) {
    case MX_PW_add:          return a + b;
    case MX_PW_subtract:     return a - b;
    case MX_PW_multiply:     return a * b;
    case MX_PW_divide:       return a / b;
    case MX_PW_floor_divide: return floor_quotient(a, b);
    case MX_PW_remainder:    return remainder_python(a, b);
    case MX_PW_power:        return powl(a, b);
    case MX_PW_maximum:      return isnan(a) || a > b ? a : b;
    case MX_PW_minimum:      return isnan(a) || a < b ? a : b;
    case MX_PW_arctan2:      return atan2l(a, b);
    default:                 return logaddexp(a, b);
    }
}

/* ---- complex ---- */

static bool c_nan(mx_ref a) {
    return isnan(a.re) || isnan(a.im);
}
static bool c_less(mx_ref a, mx_ref b) {
    return a.re < b.re || (a.re == b.re && a.im < b.im);
}
/* And of a complex number: complex_<name>. */
#define COMPLEX(op, value) static cplx complex_##op(cplx z) { return value; }
COMPLEX(negative, -z)
COMPLEX(sign, z == 0 ? z : z / cabsl(z))
COMPLEX(square, z * z)
COMPLEX(sqrt, csqrtl(z))
COMPLEX(rsqrt, 1 / csqrtl(z))
COMPLEX(exp, cexpl(z))
COMPLEX(expm1, cexpl(z) - 1)
COMPLEX(log, clogl(z))
COMPLEX(log2, clogl(z) / logl(2))
COMPLEX(log10, clogl(z) / logl(10))
COMPLEX(log1p, clogl(1 + z))
COMPLEX(sin, csinl(z))
COMPLEX(cos, ccosl(z))
COMPLEX(tan, ctanl(z))
COMPLEX(arcsin, casinl(z))
COMPLEX(arccos, cacosl(z))
COMPLEX(arctan, catanl(z))
COMPLEX(sinh, csinhl(z))
COMPLEX(cosh, ccoshl(z))
COMPLEX(tanh, ctanhl(z))
COMPLEX(arcsinh, casinhl(z))
COMPLEX(arccosh, cacoshl(z))
COMPLEX(arctanh, catanhl(z))
COMPLEX(sigmoid, 1 / (1 + cexpl(-z)))
COMPLEX(round, rintl(creall(z)) + I * rintl(cimagl(z)))
COMPLEX(conjugate, conjl(z))

typedef cplx complex_of(cplx z);
static complex_of *const complex_1[] = {
#define COMPLEX_ALL_SAME(op)     [MX_PW_##op] = complex_##op,
#define COMPLEX_NUMBER_SAME(op)  COMPLEX_ALL_SAME(op)
#define COMPLEX_INEXACT_SAME(op) COMPLEX_ALL_SAME(op)
#define COMPLEX_ALL_PART(op)
#define COMPLEX_REAL_SAME(op)
#define COMPLEX_FLOAT_SAME(op)
#define COMPLEX_BITS_SAME(op)
#define COMPLEX_LOGIC_BOOL(op)
#define UNARY(name, Name, domain, result) COMPLEX_##domain##_##result(name)
#include "kernels/pointwise/pointwise.def"
};
static cplx c_2(mx_pointwise op, mx_ref p, mx_ref q) {
    cplx a = to_c(p), b = to_c(q);
    switch (op) {
    case MX_PW_add:      return a + b;
    case MX_PW_subtract: return a - b;
    case MX_PW_multiply: return a * b;
    case MX_PW_divide:   return a / b;
    case MX_PW_power:
        return b == 0 ? 1 : a == 0 ? (creall(b) > 0 ? 0 : NAN + I * (real)NAN) : cpowl(a, b);
    case MX_PW_maximum:  return c_nan(p) || (c_less(q, p) && !c_nan(q)) ? a : b;
    case MX_PW_minimum:  return c_nan(p) || (c_less(p, q) && !c_nan(q)) ? a : b;
    default:             break; /* logaddexp */
    }
    return c_less(p, q) ? b + clogl(1 + cexpl(a - b)) : a + clogl(1 + cexpl(b - a));
}
static mx_ref c_op(mx_pointwise op, mx_ref a, mx_ref b) {
    bool equal = a.re == b.re && a.im == b.im, one = mx_pw_infos[op].arity == 1;
    switch (op) {
    case MX_PW_abs:           return of_real(MX_FLOAT32, cabsl(to_c(a)));
    case MX_PW_real:          return of_real(MX_FLOAT32, a.re);
    case MX_PW_imag:          return of_real(MX_FLOAT32, a.im);
    case MX_PW_greater:       return of_bool(c_less(b, a));
    case MX_PW_greater_equal: return of_bool(c_less(b, a) || equal);
    case MX_PW_equal:
    case MX_PW_not_equal:
    case MX_PW_less:
    case MX_PW_less_equal:    return compare(op, c_less(a, b), equal);
    default:                  return of_c(a.type, one ? complex_1[op](to_c(a)) : c_2(op, a, b));
    }
}

mx_ref mx_ref_pointwise(mx_pointwise op, mx_ref a, mx_ref b, mx_ref c) {
    if (op == MX_PW_select)
        return a.i ? b : c;
    if (a.type == MX_COMPLEX64)
        return c_op(op, a, b);
    if (a.type != MX_FLOAT32 && a.type != MX_FLOAT64)
        return int_op(op, a, b);
    if (op == MX_PW_greater || op == MX_PW_greater_equal)
        return of_bool(op == MX_PW_greater ? a.re > b.re : a.re >= b.re);
    if (mx_pw_infos[op].result == MX_PWR_BOOL)
        return compare(op, a.re < b.re, a.re == b.re);
    bool one = mx_pw_infos[op].arity == 1;
    return of_real(a.type, one ? real_1[op](a.re) : real_2(op, a.re, b.re));
}

/* ---- casts ---- */

/* Truncated; what does not fit is the most negative value. */
static __int128 whole(real x, int bits) {
    real limit = ldexpl(1, bits - 1);
    bool fits = truncl(x) >= -limit && x < limit;
    return fits ? (__int128)x : -((__int128)1 << (bits - 1));
}
static mx_ref real_to_int(real x, mx_dtype to) {
    if (to == MX_BOOL)
        return of_bool(x != 0);
    if (to == MX_UINT64 && x >= 0x1p63L)
        return of_int(to, x < 0x1p64L ? (__int128)x : 0);
    bool wide = mx_dtype_size(to) == 8 || to == MX_UINT32;
    return of_int(to, whole(x, wide ? 64 : 32));
}
/* The nearest number of so many digits that is a multiple of 2^least; infinite from limit on. */
static real nearest(real x, int digits, int least, real limit) {
    int e;
    if (x == 0 || !isfinite(x))
        return x;
    frexpl(x, &e);
    int unit = e - digits > least ? e - digits : least;
    real r = ldexpl(rintl(ldexpl(x, -unit)), unit);
    return fabsl(r) < limit ? r : copysignl(INFINITY, x);
}
mx_ref mx_ref_cast(mx_ref a, mx_dtype to) {
    bool from_int = mx_dtype_category(a.type) <= MX_CAT_SIGNED;
    bool to_int_type = mx_dtype_category(to) <= MX_CAT_SIGNED;
    if (a.type == to)
        return a;
    if (from_int && to_int_type)
        return of_int(to, to_int(a));
    if (to == MX_BOOL)
        return of_bool(a.re != 0 || a.im != 0);
    if (to_int_type)
        return real_to_int(a.re, to);
    real x = from_int ? (real)to_int(a) : a.re;
    switch (to) {
    case MX_FLOAT64:  return of_real(to, (double)x);
    case MX_FLOAT16:  return of_real(to, nearest(x, 11, -24, 0x1p16L));
    case MX_BFLOAT16: return of_real(to, nearest(x, 8, -133, 0x1p128L));
    default:          return of_real(to, (float)x);
    }
}

/* ---- how far apart ---- */

static double real_error(real want, real got, int digits, int least, real scale) {
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : HUGE_VAL;
    real top = ldexpl(1, digits == 24 ? 128 : 1024); /* what an infinity stands for */
    if (isinf(want) && want == got)
        return 0;
    got = isinf(got) ? copysignl(top, got) : got;
    want = fabsl(want) > top ? copysignl(top, want) : want;
    scale = fabsl(scale) > top ? top : scale;
    int e;
    frexpl(scale, &e);
    real unit = ldexpl(1, (e < least ? least : e) - digits);
    return (double)(fabsl(want - got) / unit);
}
double mx_ref_error(mx_ref want, mx_ref got) {
    if (mx_dtype_category(want.type) <= MX_CAT_SIGNED)
        return want.i == got.i ? 0 : HUGE_VAL;
    bool f64 = want.type == MX_FLOAT64;
    int digits = f64 ? 53 : 24, least = f64 ? -1021 : -125;
    if (want.type != MX_COMPLEX64)
        return want.re == 0 && got.re == 0 && !signbit(want.re) != !signbit(got.re)
                   ? HUGE_VAL
                   : real_error(want.re, got.re, digits, least, want.re);
    real a = fabsl(want.re), b = fabsl(want.im), scale = a > b || isnan(b) ? a : b;
    double x = real_error(want.re, got.re, digits, least, scale);
    double y = real_error(want.im, got.im, digits, least, scale);
    return x > y ? x : y;
}
