/* Helpers for tests of operations: small arrays from literals, comparisons, derivatives
 * by differences. */
#ifndef OPS_CHECK_H
#define OPS_CHECK_H

#include <stdlib.h>

#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "transforms/transforms.h"

#define OPS_UNUSED __attribute__((unused))

/* F(a, b, ...): a float32 vector. I(...): an int32 one. SHAPE(a, ...): an int list and
 * its length. */
#define F(...) ops_floats((double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double))

#define I(...)    mx_astype(F(__VA_ARGS__), MX_INT32)
#define LIST(...) (int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int))

OPS_UNUSED static mx_array *ops_floats(const double *v, size_t n) {
    int shape = (int)n;
    mx_array *a = mx_array_from(v, &shape, 1, MX_FLOAT64);
    return mx_astype(a, MX_FLOAT32);
}

OPS_UNUSED static mx_array *ops_grid(int rows, int cols) { /* 0, 1, 2 ... (rows, cols), float32 */
    int shape[2] = {rows, cols};
    return mx_reshape(mx_arange(0, rows * cols, 1, MX_FLOAT32), shape, 2);
}

/* Element i in row-major order, as a double; NaN with a failed check when it cannot be had. */
OPS_UNUSED static double ops_at(mx_array *a, int64_t i) {
    mx_array *d = mx_contiguous(mx_astype(a, MX_FLOAT64), false);
    return CHECK_MSG(mx_eval1(d), "eval: %s", mx_error_message()) ? ((double *)d->data)[i] : NAN;
}

OPS_UNUSED static bool ops_equal(mx_array *a, const double *want, int64_t n, double tolerance,
                                 const char *what, const char *file, int line) {
    mx_array *d = a ? mx_contiguous(mx_astype(a, MX_FLOAT64), false) : NULL;
    if (!check_that(mx_eval1(d), file, line, "%s: %s", what, mx_error_message())) {
        mx_error_clear();
        return false;
    }
    if (!check_int(d->size, n, what, file, line))
        return false;
    for (int64_t i = 0; i < n; i++) {
        double got = ((double *)d->data)[i], w = want[i];
        bool ok =
            got == w || (isnan(got) && isnan(w)) || fabs(got - w) <= tolerance * (1 + fabs(w));
        if (!check_that(ok, file, line, "%s[%lld]: %.9g, expected %.9g", what, (long long)i, got,
                        w))
            return false;
    }
    return true;
}

/* VALUES(a, 1e-6, 1, 2, 3): the elements of a, whatever its shape and dtype. */
#define VALUES(a, tolerance, ...)                                                           \
    ops_equal(a, (double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double), \
              tolerance, #a, __FILE__, __LINE__)
#define SAME(a, b, tolerance) ops_same(a, b, tolerance, #a, __FILE__, __LINE__)
#define DTYPE(a, t)           CHECK((a) && (a)->dtype == (t))
#define SHAPE(a, ...)         CHECK((a) && mx_shape_is(a, LIST(__VA_ARGS__)))
/* FAILS(expression, "part of the message"): building or evaluating it is refused. */
#define FAILS(a, part)        ops_fails(a, part, #a, __FILE__, __LINE__)

OPS_UNUSED static bool ops_same(mx_array *a, mx_array *b, double tolerance, const char *what,
                                const char *file, int line) {
    mx_array *d = b ? mx_contiguous(mx_astype(b, MX_FLOAT64), false) : NULL;
    if (!check_that(mx_eval1(d), file, line, "%s: %s", what, mx_error_message()) ||
        !check_that(a && mx_same_shape(a, b), file, line, "%s: another shape", what))
        return false;
    return ops_equal(a, (double *)d->data, d->size, tolerance, what, file, line);
}

OPS_UNUSED static bool ops_fails(mx_array *a, const char *part, const char *what, const char *file,
                                 int line) {
    bool ok = check_that(!mx_eval1(a), file, line, "%s: not refused", what) &&
              check_has(mx_error_message(), part, what, file, line);
    mx_error_clear();
    return ok;
}

/* --- derivatives ------------------------------------------------------------------ */

typedef mx_array *ops_fn(mx_array *const *in);

OPS_UNUSED static bool ops_call(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)nin;
    return mx_arrays_add(out, ((ops_fn *)(uintptr_t)self->payload)(in));
}

OPS_UNUSED static mx_array *ops_direction(mx_array *like,
                                          int seed) { /* some numbers between -1 and 1 */
    mx_array *d =
        mx_sin(mx_add_s(mx_mul_s(mx_arange(0, (double)like->size, 1, MX_FLOAT64), 1.7), seed));
    return mx_astype(mx_reshape(d, like->shape, like->ndim), (mx_dtype)like->dtype);
}

/* f(x + h d) along direction d of every input */
OPS_UNUSED static double ops_moved(ops_fn *f, mx_array *const *in, mx_array *const *dir, int n,
                                   double h, int cot) {
    mx_array *moved[8];
    for (int i = 0; i < n; i++)
        moved[i] = mx_add(in[i], mx_mul_s(dir[i], h));
    mx_array *y = f(moved);
    return y ? ops_at(mx_sum_all(mx_mul(y, ops_direction(y, cot))), 0) : NAN;
}

OPS_UNUSED static double ops_dot(mx_arrays *a, mx_array *const *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a->item[i] ? ops_at(mx_sum_all(mx_mul(a->item[i], b[i])), 0) : 0;
    return sum;
}

/* f of n float64 inputs: vjp and jvp against central differences. */
OPS_UNUSED static bool ops_derivatives(ops_fn *f, mx_array *const *given, int n, const char *what,
                                       const char *file, int line) {
    enum { COT = 5 };
    mx_array *in[8], *dir[8];
    for (int i = 0; i < n; i++) {
        in[i] = mx_astype(given[i], MX_FLOAT64);
        dir[i] = ops_direction(in[i], i);
    }
    mx_array *y = f(in), *cot = y ? ops_direction(y, COT) : NULL;
    double h = 1e-5,
           want = (ops_moved(f, in, dir, n, h, COT) - ops_moved(f, in, dir, n, -h, COT)) / (2 * h);
    mx_closure c = mx_closure_local(ops_call, (void *)(uintptr_t)f);
    mx_arrays out = {0}, grads = {0}, out2 = {0}, tans = {0};
    bool ok = check_that(mx_vjp(&c, in, n, &cot, 1, &out, &grads) &&
                             mx_jvp(&c, in, n, dir, n, &out2, &tans),
                         file, line, "%s: %s", what, mx_error_message());
    if (ok) {
        double tol = 1e-6 * (1 + fabs(want));
        ok = check_near(ops_dot(&grads, dir, n), want, tol, what, file, line);
        ok = check_near(ops_dot(&tans, &cot, 1), want, tol, what, file, line) && ok;
    }
    mx_arrays_free(&out);
    mx_arrays_free(&grads);
    mx_arrays_free(&out2);
    mx_arrays_free(&tans);
    mx_error_clear();
    return ok;
}
#define DERIVATIVES(f, ...)                                                                 \
    ops_derivatives(f, (mx_array *[]){__VA_ARGS__},                                         \
                    sizeof((mx_array *[]){__VA_ARGS__}) / sizeof(mx_array *), #f, __FILE__, \
                    __LINE__)

/* Each test in a scope of its own. */
#define RUN_SCOPED(test)                          \
    do {                                          \
        mx_scope scope_of_test = mx_scope_open(); \
        RUN(test);                                \
        mx_scope_close(scope_of_test);            \
    } while (0)

#endif
