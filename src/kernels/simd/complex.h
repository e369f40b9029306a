/* Complex numbers of two floats: sums, products, and their order, which goes by the real parts and
 * among equal ones by the imaginary parts. */
#ifndef MX_KERNELS_COMPLEX_H
#define MX_KERNELS_COMPLEX_H

#include "base/dtype.h"

typedef mx_complex64 cplx;

static inline cplx c_add(cplx a, cplx b) {
    return (cplx){a.re + b.re, a.im + b.im};
}
static inline cplx c_mul(cplx a, cplx b) {
    return (cplx){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline bool c_nan(cplx a) {
    return a.re != a.re || a.im != a.im;
}
static inline bool c_less(cplx a, cplx b) {
    return a.re < b.re || (a.re == b.re && a.im < b.im);
}

/* a comes before b where the greatest (the least) is looked for; the first NaN wins */
static inline bool c_above(cplx a, cplx b) {
    return !c_nan(b) && (c_less(b, a) || c_nan(a));
}
static inline bool c_below(cplx a, cplx b) {
    return !c_nan(b) && (c_less(a, b) || c_nan(a));
}
static inline cplx c_max(cplx a, cplx b) {
    return c_above(b, a) ? b : a;
}
static inline cplx c_min(cplx a, cplx b) {
    return c_below(b, a) ? b : a;
}

#endif
