/* Arrays in tests: made from C literals, compared as printed text.
 *
 *     IS(mx_add(ARRAY(INT32, {3}, 1, 2, 3), S(1)), "array([2, 3, 4], dtype=int32)");
 *     FAILS(mx_reshape(a, SHAPE(4)), "[reshape] Cannot reshape array of size 6 into shape (4).");
 */
#ifndef OP_CHECK_H
#define OP_CHECK_H

#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/show/print.h"
#include "ops/ops.h"

#define LIST(...) \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define SHAPE(...) LIST(__VA_ARGS__)

/* Doubles as an array of a dtype and shape. */
__attribute__((unused)) static mx_array *values(mx_dtype t, const int *shape, int ndim,
                                                const double *v) {
    mx_array *a = mx_array_from(v, shape, ndim, MX_FLOAT64);
    return mx_astype(a, t);
}
#define VECTOR(T, ...)                                                                           \
    values(MX_##T, (const int[]){(int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))}, \
           1, (const double[]){__VA_ARGS__})
/* 0 1 2 ... in a shape. */
__attribute__((unused)) static mx_array *ramp(mx_dtype t, const int *shape, int ndim) {
    int n = 1;
    for (int i = 0; i < ndim; i++)
        n *= shape[i];
    return mx_reshape(mx_arange(0, n, 1, t), shape, ndim);
}
__attribute__((unused)) static mx_array *complex_of(float re, float im) {
    return mx_scalar_c64((mx_complex64){re, im});
}

/* Printed and compared without the blanks of indentation. */
__attribute__((unused)) static bool check_array(mx_array *a, const char *want, const char *what,
                                                const char *file, int line) {
    mx_text t = {0};
    bool ok = a && mx_array_print(&t, a);
    char flat[4096];
    size_t n = 0;
    for (const char *p = ok ? t.data : mx_error_message(); *p && n + 1 < sizeof flat; p++)
        if (*p != '\n' && (*p != ' ' || (p[-1] != ' ' && p[-1] != '\n')))
            flat[n++] = *p;
    flat[n] = 0;
    mx_text_free(&t);
    mx_error_clear();
    return check_str(flat, want, what, file, line);
}
#define IS(expression, want) check_array(expression, want, #expression, __FILE__, __LINE__)

__attribute__((unused)) static bool check_fails(mx_array *a, const char *message, const char *what,
                                                const char *file, int line) {
    bool failed = !(a && mx_eval1(a));
    bool ok = check_that(failed, file, line, "%s: no error", what) &&
              check_has(mx_error_message(), message, what, file, line);
    mx_error_clear();
    return ok;
}
#define FAILS(expression, message) check_fails(expression, message, #expression, __FILE__, __LINE__)

/* A test in a scope of its own. */
#define SCOPED(test)                   \
    do {                               \
        mx_scope s_ = mx_scope_open(); \
        RUN(test);                     \
        mx_scope_close(s_);            \
        CHECK(!mx_failed());           \
    } while (0)

#endif
