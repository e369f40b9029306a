/* Derivatives against finite differences, in float64.
 *
 *     static mx_array *f(mx_array *const *x) { return mx_mul(x[0], mx_sin(x[1])); }
 *     check_gradients("x sin y", f, inputs, 2);
 *
 * With y = f(x), random u shaped as y and t shaped as x: the vjp of u times t, the jvp of t times
 * u, and (f(x + h t) - f(x - h t)) / 2h times u are one number.
 */
#ifndef GRADIENTS_H
#define GRADIENTS_H

#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/array/read.h"
#include "ops/ops.h"
#include "transforms/transforms.h"

typedef mx_array *array_fn(mx_array *const *x);

static bool call_array_fn(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)nin;
    return mx_arrays_add(out, (*(array_fn **)self->payload)(in));
}

/* Reproducible numbers in [-1, 1). */
__attribute__((unused)) static mx_array *noise(const int *shape, int ndim, unsigned seed,
                                               mx_dtype t) {
    mx_array *a = mx_array_empty(shape, ndim, MX_FLOAT64);
    unsigned long long s = (unsigned)check_seed(seed) * 2654435761u + 12345u;
    for (int64_t i = 0; a && i < a->size; i++) {
        s = s * 6364136223846793005ull + 1442695040888963407ull;
        ((double *)a->data)[i] = (double)(s >> 33) / 1073741824.0 - 1.0;
    }
    return mx_astype(a, t);
}
#define NOISE(seed, ...) \
    noise((int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), seed, MX_FLOAT64)

__attribute__((unused)) static double value_of(mx_array *a) {
    if (!a || !mx_eval1(a)) {
        fprintf(stderr, "%s\n", mx_error_message());
        return NAN;
    }
    return mx_read_double(a->data, mx_dtype_of(a));
}

static double dot(mx_array *const *a, mx_array *const *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] && b[i] ? value_of(mx_sum_all(mx_mul(a[i], b[i]))) : NAN;
    return sum;
}

static double difference(array_fn *f, mx_array *const *x, mx_array *const *t, int n, mx_array *u) {
    double h = 1e-5;
    mx_array *ahead[8], *behind[8];
    for (int i = 0; i < n; i++) {
        ahead[i] = mx_add(x[i], mx_mul_s(t[i], h));
        behind[i] = mx_sub(x[i], mx_mul_s(t[i], h));
    }
    mx_array *d = mx_mul_s(mx_sub(f(ahead), f(behind)), 0.5 / h);
    return dot(&d, &u, 1);
}

__attribute__((unused)) static void check_gradients(const char *name, array_fn *f,
                                                    mx_array *const *x, int n) {
    mx_scope scope = mx_scope_open();
    mx_closure c = mx_closure_local(call_array_fn, &f);
    mx_arrays y = {0}, grads = {0}, y2 = {0}, tangent = {0};
    mx_array *t[8], *like = f(x), *u = like ? noise(like->shape, like->ndim, 77, MX_FLOAT64) : NULL;
    for (int i = 0; i < n; i++)
        t[i] = noise(x[i]->shape, x[i]->ndim, 100 + (unsigned)i, MX_FLOAT64);
    bool back = u && mx_vjp(&c, x, n, &u, 1, &y, &grads),
         on = back && mx_jvp(&c, x, n, t, n, &y2, &tangent);
    CHECK_MSG(on, "%s: %s", name, mx_error_message());
    if (on && CHECK_EQ_INT(grads.count, n) && CHECK_EQ_INT(tangent.count, 1)) {
        double a = dot(grads.item, t, n), b = dot(tangent.item, &u, 1),
               d = difference(f, x, t, n, u);
        double tolerance = 1e-6 * (1 + fabs(d));
        CHECK_MSG(fabs(a - d) <= tolerance, "%s: vjp %.10g, differences %.10g", name, a, d);
        CHECK_MSG(fabs(b - d) <= tolerance, "%s: jvp %.10g, differences %.10g", name, b, d);
    }
    mx_arrays_free(&y);
    mx_arrays_free(&y2);
    mx_arrays_free(&grads);
    mx_arrays_free(&tangent);
    mx_error_clear();
    mx_scope_close(scope);
}

/* The gradient of the sum of f's result towards its first input, as a function: for second
   derivatives. */
__attribute__((unused)) static mx_array *gradient_of(array_fn *f, mx_array *const *x, int n) {
    mx_closure c = mx_closure_local(call_array_fn, &f);
    mx_arrays y = {0}, grads = {0};
    mx_array *like = f(x), *u = mx_ones_like(like), *g = NULL;
    if (u && mx_vjp(&c, x, n, &u, 1, &y, &grads))
        g = mx_own(mx_array_retain(grads.item[0]));
    mx_arrays_free(&y);
    mx_arrays_free(&grads);
    return g;
}

#endif
