/* Logarithm and exponential of float64 by tables (P. T. P. Tang 1989, 1990), between numbers in two
 * parts whose sum is the value: what powers are made of, and exponentials where VD_LOOKUP says that
 * tables are cheap. Sums and products of two parts are Dekker's (1971), with the fused
 * multiply-add.
 */
#ifndef MX_KERNELS_VMATH64_TABLE_H
#define MX_KERNELS_VMATH64_TABLE_H

#include "kernels/simd/simd.h"

/* 1.5 2^52: adding it leaves the nearest integer in the low bits */
#define VD_MAGIC  6755399441055744.0
/* ln 2: 32 bits, so that a whole number times them is exact, and the rest */
#define VD_LN2_HI 0x1.62e42feep-1
#define VD_LN2_LO 0x1.a39ef35793c76p-33

typedef struct vdd {
    vd hi, lo;
} vdd;

/* a + b and what rounding takes from it, for |a| >= |b| or a = 0 */
SV vdd vdd_add(vd a, vd b) {
    vd hi = vd_add(a, b);
    return (vdd){hi, vd_sub(b, vd_sub(hi, a))};
}
/* a b and what rounding takes from it */
SV vdd vdd_mul(vd a, vd b) {
    vd hi = vd_mul(a, b);
    return (vdd){hi, vd_fma(a, b, vd_neg(hi))};
}

/* ---- logarithm ---- */

/* Interval i of 32 has the m from 1 + (i - 5/8) / 32 to 1 + (i + 3/8) / 32; the first has 1 inside
 * (it begins at 1 - 5/512), so that nothing cancels there. c is near 1/m, of so few bits that
 * c m - 1 is exact, and below 0.02 in size. -log c is hi + lo, and hi has 21 bits, so that its sum
 * with a multiple of 32 bits of ln 2 is exact.
 */
#define VD_LOG_FIRST (INT64_C(0x3ff0000000000000) - (INT64_C(5) << 44)) /* the bits of 1 - 5/512 */
static const double vd_log_c[32] = {
    1,         0.96875, 0.9453125, 0.921875, 0.890625,  0.8671875, 0.84375,   0.828125,
    0.8046875, 0.78125, 0.765625,  0.75,     0.7265625, 0.7109375, 0.6953125, 0.6796875,
    0.671875,  0.65625, 0.640625,  0.625,    0.6171875, 0.6015625, 0.59375,   0.5859375,
    0.5703125, 0.5625,  0.5546875, 0.546875, 0.53125,   0.5234375, 0.515625,  0.5078125};
// clang-format off
static const double vd_log_hi[32] = {
    0, 0x1.0415ep-5, 0x1.ccb74p-5, 0x1.4d311p-4, 0x1.da727p-4, 0x1.23d71p-3, 0x1.5bf4p-3,
    0x1.823c1p-3, 0x1.bd087p-3, 0x1.f991cp-3, 0x1.1178fp-2, 0x1.26962p-2, 0x1.4718ep-2,
    0x1.5d5bep-2, 0x1.741d8p-2, 0x1.8b63ap-2, 0x1.973a3p-2, 0x1.af529p-2, 0x1.c7ffap-2,
    0x1.e148ap-2, 0x1.ee2a1p-2, 0x1.04361p-1, 0x1.0ae77p-1, 0x1.11af8p-1, 0x1.1f863p-1,
    0x1.26962p-1, 0x1.2dbf5p-1, 0x1.35029p-1, 0x1.43dap-1, 0x1.4b6fdp-1, 0x1.5322ep-1, 0x1.5af4p-1};
static const double vd_log_lo[32] = {
    0, -0x1.d862eeee3fa31p-27, -0x1.911269a3c91f6p-28, 0x1.7481fab1769f4p-26, 0x1.8e111a89401fap-26,
    0x1.524e100d238fdp-26, 0x1.ad50f6c7ee0a5p-25, 0x1.95468f06edcd3p-25, 0x1.c1dec568774d5p-26,
    0x1.b2cecde5f665p-25, -0x1.f7606e108731dp-24, 0x1.134db92783bebp-26, -0x1.ec71df27ce096p-25,
    -0x1.05350682ca823p-25, 0x1.db19eec584a4fp-24, -0x1.5dd3482d70f2fp-24, 0x1.0c4d5ab73b16cp-24,
    0x1.492337419d56cp-24, -0x1.c5d559b6ddc15p-25, 0x1.a2726cd94df8dp-26, 0x1.5ad04f93fa2d2p-24,
    -0x1.0627f14c45fe8p-23, -0x1.d2fab05bca3bcp-25, 0x1.1e3ad53cdc223p-24, 0x1.7f1859636f4d8p-23,
    0x1.134db92783bebp-25, 0x1.5ec37d0b235f1p-23, -0x1.4989cde8f80d6p-23, -0x1.a0db876613d2p-26,
    0x1.be5c307dc457bp-23, 0x1.3433c2b9988bap-24, 0x1.70d9277e98ebp-23};
// clang-format on

/* The signed number in the upper 12 bits */
SV vd vd_exponent(vl u) {
    vl biased = vl_shr(vl_add(u, vl_set1(INT64_C(0x4000000000000000))), 52);
    return vd_sub(as_vd(vl_or(biased, vl_set1(0x4330000000000000))), vd_set1(4503599627371520.0));
}
/* x = 2^k m; the interval of m is in the low bits of *at */
SV vd vd_split_table(vd x, vd *k, vl *at) {
    vl u = vl_sub(as_vl(x), vl_set1(VD_LOG_FIRST));
    *k = vd_exponent(u);
    *at = vl_shr(u, 47);
    return as_vd(vl_sub(as_vl(x), vl_and(u, vl_set1((int64_t)0xfff0000000000000u))));
}
/* p in log(1 + r) = r + q + q r p, where q = -r^2 / 2 */
SV vd vd_log_rest(vd r, vd q) {
    static const double c[] = {-6.66666666666666630e-01, 5.00000000000000000e-01,
                               8.00000000008173950e-01,  -6.66666666674380570e-01,
                               -1.14285696531765124e+00, 9.99999830006786827e-01,
                               1.77904486041250798e+00,  -1.60118858942350095e+00};
    vd a = vd_fma(vd_set1(c[1]), r, vd_set1(c[0])), b = vd_fma(vd_set1(c[3]), r, vd_set1(c[2]));
    vd d = vd_fma(vd_set1(c[5]), r, vd_set1(c[4])), e = vd_fma(vd_set1(c[7]), r, vd_set1(c[6]));
    return vd_fma(vd_fma(e, q, d), vd_mul(q, q), vd_fma(b, q, a));
}
/* log x for positive normal x: k ln 2 - log c + log(1 + r) */
SV vdd vdd_log(vd x) {
    vl at;
    vd k, m = vd_split_table(x, &k, &at);
    vd r = vd_fma(m, vd_lookup32(vd_log_c, at), vd_set1(-1.0));
    vd hi = vd_fma(k, vd_set1(VD_LN2_HI), vd_lookup32(vd_log_hi, at));
    vd lo = vd_fma(k, vd_set1(VD_LN2_LO), vd_lookup32(vd_log_lo, at));
    vdd s = vdd_add(hi, r), q = vdd_mul(r, vd_mul(r, vd_set1(-0.5))), l = vdd_add(s.hi, q.hi);
    lo = vd_add(vd_add(lo, s.lo), vd_add(q.lo, l.lo));
    return vdd_add(l.hi, vd_fma(vd_mul(q.hi, r), vd_log_rest(r, q.hi), lo));
}

/* ---- exponential ---- */

/* 2^(i/16), and what rounding takes from it as a part of it */
// clang-format off
static const double vd_exp_2[16] = {
    0x1p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0, 0x1.2387a6e756238p+0, 0x1.306fe0a31b715p+0,
    0x1.3dea64c123422p+0, 0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0, 0x1.6a09e667f3bcdp+0,
    0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0, 0x1.9c49182a3f09p+0, 0x1.ae89f995ad3adp+0,
    0x1.c199bdd85529cp+0, 0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0};
static const double vd_exp_2_rest[16] = {
    0, 0x1.79aa65d837b6dp-54, -0x1.01b15eaa59348p-55, 0x1.68efde3a8a894p-54, 0x1.34d754db0abb6p-55,
    0x1.59f48a72a4c6dp-55, 0x1.690cebb7aafbp-56, 0x1.063e1e21c5409p-54, -0x1.3b3efbf5e2228p-54,
    -0x1.b32dcb94da51dp-56, 0x1.db72fc1f0eab4p-55, 0x1.1affc2b91ce27p-56, 0x1.c1a7792cb3387p-55,
    0x1.36eae30af0cb3p-56, 0x1.4a385a63d07a7p-56, -0x1.ff7128fd391fp-55};
// clang-format on

/* 2^(at/16) e^(r + lo), near 1 to 2, of the low four bits of at; |r| <= ln 2 / 32, lo tiny */
SV vd vd_exp_table(vd r, vd lo, vl at) {
    static const double c[] = {1.66666666666666741e-01, 4.16666666634427849e-02,
                               8.33333333252502841e-03, 1.38890719355989141e-03,
                               1.98415371007081356e-04};
    r = vd_add(r, vd_add(lo, vd_lookup16(vd_exp_2_rest, at)));
    vd z = vd_mul(r, r), a = vd_fma(vd_set1(c[0]), r, vd_set1(0.5));
    vd b = vd_fma(vd_set1(c[2]), r, vd_set1(c[1])), d = vd_fma(vd_set1(c[4]), r, vd_set1(c[3]));
    vd s = vd_lookup16(vd_exp_2, at), p = vd_fma(vd_fma(d, z, b), z, a);
    return vd_fma(s, vd_fma(z, p, r), s);
}
/* e^x = y 2^(k/16, rounded down), where *at has k in its low bits */
SV vd vdd_exp_parts(vdd x, vl *at, vd *k) {
    vd t = vd_fma(x.hi, vd_set1(0x1.71547652b82fep+4), vd_set1(VD_MAGIC)); // 16 / ln 2
    *at = as_vl(t);
    *k = vd_sub(t, vd_set1(VD_MAGIC));
    vd r = vd_fnma(*k, vd_set1(VD_LN2_HI / 16), x.hi);
    return vd_exp_table(r, vd_fnma(*k, vd_set1(VD_LN2_LO / 16), x.lo), *at);
}
/* e^x for |x.hi| <= 707, where 2^(k/16) stays an exponent */
SV vd vdd_exp(vdd x) {
    vl at;
    vd k, y = vdd_exp_parts(x, &at, &k);
    return as_vd(vl_add(as_vl(y), vl_shl(vl_shr(at, 4), 52)));
}

#endif
