/* Sweeps of the QR iteration: see k_schur.h. */
#include "kernels/linalg/k_schur.h"

#include <math.h>

#include "kernels/copy/transpose.h"
#include "kernels/simd/simd.h"

#define T        float
#define FN(f)    f##_f
#define V(word)  vf_##word
#define VEC      vf
#define LANES    VF_LANES
#define FIRST(n) vm_first(n)
#if VF_LANES == 16
#define ZIP(word) ZIP_##word##_16
#elif VF_LANES == 8
#define ZIP(word) ZIP_##word##_8
#else
#define ZIP(word) ZIP_##word##_4
#endif
/* Squares of float32 are exact in float64, and neither overflow nor vanish. */
static inline double FN(length)(const T *x) {
    double a = x[0], b = x[1], c = x[2];
    return sqrt(a * a + (b * b + c * c));
}
#define TABLE KN(mx_schur_f32)
#include "kernels/linalg/k_schur_type.h"

#define T        double
#define FN(f)    f##_d
#define V(word)  vd_##word
#define VEC      vd
#define LANES    VD_LANES
#define FIRST(n) vdm_first(n)
#if VD_LANES == 8
#define ZIP(word) ZIP_##word##_8
#elif VD_LANES == 4
#define ZIP(word) ZIP_##word##_4
#else
#define ZIP(word) ZIP_##word##_2
#endif
static inline double FN(length)(const T *x) {
    double sum = x[0] * x[0] + (x[1] * x[1] + x[2] * x[2]);
    if (sum > 1e-280 && sum < 1e300)
        return sqrt(sum);
    double most = fmax(fabs(x[0]), fmax(fabs(x[1]), fabs(x[2])));
    double a = x[0] / most, b = x[1] / most, c = x[2] / most;
    return most > 0 ? most * sqrt(a * a + (b * b + c * c)) : 0;
}
#define TABLE KN(mx_schur_f64)
#include "kernels/linalg/k_schur_type.h"

#include "kernels/linalg/k_schur_complex.h"
