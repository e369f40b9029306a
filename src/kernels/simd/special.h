/* Special functions on one double: what the C library lacks, or offers only with global state. */
#ifndef MX_KERNELS_SPECIAL_H
#define MX_KERNELS_SPECIAL_H

#include <math.h>

#define SPECIAL static inline __attribute__((unused))

#define SPECIAL_PI 3.14159265358979323846

/* log |gamma(x)|, without the global sign of lgamma */
SPECIAL double d_lgamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}
/* The derivative of log gamma: reflection to x > 0, recurrence up to 10, the asymptotic series
 * (Abramowitz and Stegun 6.3.7, 6.3.5, 6.3.18). At 0 it is -inf or inf by the sign, at the negative
 * integers NaN. */
SPECIAL double d_digamma(double x) {
    static const double c[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                               1.0 / 132, -691.0 / 32760, 1.0 / 12};
    double y = 0;
    if (x == 0)
        return -copysign(INFINITY, x);
    if (x < 0 && x == floor(x))
        return NAN;
    if (x < 0) {
        y = -SPECIAL_PI / tan(SPECIAL_PI * (x - rint(x)));
        x = 1 - x;
    }
    for (; x < 10; x++)
        y -= 1 / x;
    double z = 1 / (x * x), s = 0;
    for (int i = 6; i >= 0; i--)
        s = (s + c[i]) * z;
    return x < INFINITY ? y + log(x) - 0.5 / x - s : x;
}
/* Two Newton-like steps of third order (Halley) on erf from a rational start value; y = 1 -
 * |x| is kept exact so that the ends keep their accuracy. */
SPECIAL double d_erfinv(double x) {
    double a = fabs(x);
    if (!(a < 1))
        return a == 1 ? copysign(INFINITY, x) : NAN;
    if (a < 1e-8)
        return x * 0.88622692545275801365;                                   // sqrt(pi) / 2
    double l = log((1 - a) * (1 + a)), k = 2 / (SPECIAL_PI * 0.147) + l / 2; // S. Winitzki 2008
    double y = sqrt(sqrt(k * k - l / 0.147) - k);
    for (int i = 0; i < 3; i++) {
        double e = a < 0.5 ? erf(y) - a : (1 - a) - erfc(y);
        double step = e * 0.88622692545275801365 * exp(y * y);
        y -= step / (1 + y * step);
    }
    return copysign(y, x);
}
/* sqrt(x^2 + y^2) at the scale of the larger, so that nothing overflows or is lost on the way;
 * infinite where one of them is, whatever the other (Annex F). The C library's has a symbol of its
 * own since glibc 2.35, which older systems lack. */
SPECIAL double d_hypot(double x, double y) {
    double a = fmax(fabs(x), fabs(y)), b = fmin(fabs(x), fabs(y));
    if (isinf(a))
        return a;
    if (a == 0 || isnan(x) || isnan(y))
        return fabs(x + y);
    int e = ilogb(a);
    a = scalbn(a, -e), b = scalbn(b, -e);
    return scalbn(sqrt(fma(a, a, b * b)), e);
}
/* The sign of the divisor, also of 0, as Python */
SPECIAL double d_remainder(double a, double b) {
    double r = fmod(a, b);
    return r == 0 ? copysign(0, b) : (r < 0) != (b < 0) ? r + b : r;
}

#endif
