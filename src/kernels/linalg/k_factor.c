/* Factorisations of small blocks: see k_factor.h. */
#include "kernels/linalg/k_factor.h"

#include <math.h>

#include "kernels/simd/simd.h"
#include "kernels/simd/special.h"

enum { SHORT = 16 }; /* elements of a line */

/* --- the real types --------------------------------------------------------------------------- */

/* The Euclidean norm of values whose squares may not be float64s: relative to the largest. */
static double scaled_norm(const double *x, ptrdiff_t n) {
    double most = 0, sum = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    if (most == INFINITY) {
        for (ptrdiff_t i = 0; i < n; i++)
            sum += fabs(x[i]);
        return sum;
    }
    for (ptrdiff_t i = 0; i < n; i++)
        sum += most > 0 ? (x[i] / most) * (x[i] / most) : x[i];
    return most > 0 ? most * sqrt(sum) : sum;
}

/* Squares of float32 are exact in float64, and neither overflow nor vanish. */
static double norm_of_floats(const float *x, ptrdiff_t n) {
    double sum[4] = {0, 0, 0, 0};
    ptrdiff_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += (double)x[i + k] * (double)x[i + k];
    for (; i < n; i++)
        sum[0] += (double)x[i] * (double)x[i];
    return sqrt(sum[0] + sum[1] + (sum[2] + sum[3]));
}

#define T       float
#define R       float
#define FN(f)   f##_f
#define V(word) vf_##word
#define VEC     vf
#define LANES   VF_LANES
#include "kernels/linalg/k_factor_lines.h"
static double FN(norm)(const T *x, ptrdiff_t n) {
    return norm_of_floats(x, n);
}
#define SQRT(x)  sqrtf(x)
#define FIRST(n) vm_first(n)
#include "kernels/linalg/k_factor_short.h"
#define CONJUGATE NULL
#define TABLE     KN(mx_factor_f32)
#include "kernels/linalg/k_factor_type.h"

#define T       double
#define R       double
#define FN(f)   f##_d
#define V(word) vd_##word
#define VEC     vd
#define LANES   VD_LANES
#include "kernels/linalg/k_factor_lines.h"
static double FN(norm)(const T *x, ptrdiff_t n) {
    double sum = FN(dot1)(x, x, n);
    return sum > 1e-280 && sum < 1e300 ? sqrt(sum) : scaled_norm(x, n);
}
#define SQRT(x)  sqrt(x)
#define FIRST(n) vdm_first(n)
#include "kernels/linalg/k_factor_short.h"
#define CONJUGATE NULL
#define TABLE     KN(mx_factor_f64)
#include "kernels/linalg/k_factor_type.h"

/* --- complex64 -------------------------------------------------------------------------------- */

#define T     mx_complex64
#define R     float
#define FN(f) f##_c
static inline R FN(size)(T a) {
    return fabsf(a.re) + fabsf(a.im);
}
static inline T FN(conj)(T a) {
    return (T){a.re, -a.im};
}
static inline R FN(real)(T a) {
    return a.re;
}
static inline R FN(imag)(T a) {
    return a.im;
}
static inline T FN(from)(R a) {
    return (T){a, 0};
}
static inline T FN(pair)(double re, double im) {
    return (T){(float)re, (float)im};
}
static inline T FN(add)(T a, T b) {
    return (T){a.re + b.re, a.im + b.im};
}
static inline T FN(sub)(T a, T b) {
    return (T){a.re - b.re, a.im - b.im};
}
static inline T FN(mul)(T a, T b) {
    return (T){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
/* In float64, where no square of a float32 overflows or vanishes. */
static inline T FN(div)(T a, T b) {
    double re = b.re, im = b.im, square = re * re + im * im;
    return (T){(float)((a.re * re + a.im * im) / square),
               (float)((a.im * re - a.re * im) / square)};
}
static double FN(norm)(const T *x, ptrdiff_t n) {
    return norm_of_floats((const float *)x, 2 * n);
}
static void FN(conjugate)(ptrdiff_t n, void *out, const void *in) {
    const T *x = in;
    T *y = out;
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] = FN(conj)(x[i]);
}
#include "kernels/linalg/k_factor_complex.h"
#define SQRT(x)   sqrtf(x)
#define CONJUGATE FN(conjugate)
#define TABLE     KN(mx_factor_c64)
#include "kernels/linalg/k_factor_type.h"
