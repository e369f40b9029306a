/* Template: all of one integer type: TYPE, T, S, C_LOW, C_HIGH (see k_reduce_type.h); undefined
 * again at the end. */
#include "kernels/reduce/k_reduce_type.h"

static T N(best_max)(const T *x, size_t n) {
    T a = x[0];
    for (size_t i = 1; i < n; i++)
        a = C_MAX(a, x[i]);
    return a;
}
static T N(best_min)(const T *x, size_t n) {
    T a = x[0];
    for (size_t i = 1; i < n; i++)
        a = C_MIN(a, x[i]);
    return a;
}

#define G_FN(f)        N(argmax_##f)
#define G_BETTER(a, b) ((a) > (b))
#define G_BEST(x, n)   N(best_max)(x, n)
#include "kernels/reduce/k_reduce_arg.h"

#define G_FN(f)        N(argmin_##f)
#define G_BETTER(a, b) ((a) < (b))
#define G_BEST(x, n)   N(best_min)(x, n)
#include "kernels/reduce/k_reduce_arg.h"

#undef TYPE
#undef T
#undef S
#undef C_LOW
#undef C_HIGH
