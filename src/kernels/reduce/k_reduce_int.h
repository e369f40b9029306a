/* Template: all of one integer type: TYPE, T, S, C_LOW, C_HIGH (see k_reduce_type.h); undefined
 * again at the end. */
#include "kernels/reduce/k_reduce_type.h"

static T N(best_max)(const T *x, size_t n) {
    T a = x[0];
    for (size_t i = 0; i < n; i++) // all, a whole number of vectors
        a = C_MAX(a, x[i]);
    return a;
}
static T N(best_min)(const T *x, size_t n) {
    T a = x[0];
    for (size_t i = 0; i < n; i++)
        a = C_MIN(a, x[i]);
    return a;
}

/* What is as good as the best is the same. */
SV bool N(among)(const T *x, T best) {
    T found = 0;
    for (int i = 0; i < ARG_STEP; i++)
        found = (T)(found | (x[i] == best));
    return found != 0;
}

#define G_FN(f)        N(argmax_##f)
#define G_BETTER(a, b) ((a) > (b))
#define G_BEST(x, n)   N(best_max)(x, n)
#define G_AMONG(x, c)  N(among)(x, c)
#include "kernels/reduce/k_reduce_arg.h"

#define G_FN(f)        N(argmin_##f)
#define G_BETTER(a, b) ((a) < (b))
#define G_BEST(x, n)   N(best_min)(x, n)
#define G_AMONG(x, c)  N(among)(x, c)
#include "kernels/reduce/k_reduce_arg.h"

#undef TYPE
#undef T
#undef S
#undef C_LOW
#undef C_HIGH
