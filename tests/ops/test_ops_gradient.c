/* Derivatives at ties, jumps and edges, of complex functions, and of what has none. The
 * smooth points of every operation are checked by the case table. */
#include "cases/op_check.h"
#include "transforms/transforms.h"

typedef mx_array *function(mx_array *const *x);

static bool call(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    function *f = *(function **)self->payload;
    (void)nin;
    return mx_arrays_add(out, f(in));
}

/* The gradient towards input i for cotangent g (NULL: ones). */
static mx_array *gradient(function *f, mx_array *const *x, int n, int i, mx_array *g) {
    mx_closure k = mx_closure_local(call, &f);
    mx_arrays outs = {0}, grads = {0};
    g = g ? g : mx_ones_like(f(x));
    bool ok = mx_vjp(&k, x, n, &g, 1, &outs, &grads);
    mx_array *r = ok ? mx_own(mx_array_retain(grads.item[i])) : NULL;
    mx_arrays_free(&outs);
    mx_arrays_free(&grads);
    return r;
}
static mx_array *tangent(function *f, mx_array *x, mx_array *t) {
    mx_closure k = mx_closure_local(call, &f);
    mx_arrays outs = {0}, tans = {0};
    bool ok = mx_jvp(&k, &x, 1, &t, 1, &outs, &tans);
    mx_array *r = ok ? mx_own(mx_array_retain(tans.item[0])) : NULL;
    mx_arrays_free(&outs);
    mx_arrays_free(&tans);
    return r;
}

#define FUNCTION(name, expression)              \
    static mx_array *name(mx_array *const *x) { \
        return expression;                      \
    }
FUNCTION(maximum, mx_maximum(x[0], x[1]))
FUNCTION(minimum, mx_minimum(x[0], x[1]))
FUNCTION(remainder_, mx_remainder(x[0], x[1]))
FUNCTION(power, mx_power(x[0], x[1]))
FUNCTION(abs_, mx_abs(x[0]))
FUNCTION(sqrt_, mx_sqrt(x[0]))
FUNCTION(log_, mx_log(x[0]))
FUNCTION(sign, mx_sign(x[0]))
FUNCTION(floor_, mx_floor(x[0]))
FUNCTION(clip, mx_clip(x[0], mx_zero_like(x[0]), mx_one_like(x[0])))
FUNCTION(masked_log,
         mx_where(mx_greater(x[0], mx_zero_like(x[0])),
                  mx_log(mx_maximum(x[0], mx_scalar(1e-30, MX_FLOAT32))), mx_zero_like(x[0])))
FUNCTION(to_complex, mx_astype(x[0], MX_COMPLEX64))
FUNCTION(to_real, mx_astype(x[0], MX_FLOAT32))
FUNCTION(stopped, mx_mul(x[0], mx_stop_gradient(x[0])))
FUNCTION(overlapping, mx_as_strided(x[0], (int[]){2, 2}, (int64_t[]){1, 1}, 2, 0))

static mx_array *d1(function *f, mx_array *x) {
    return gradient(f, &x, 1, 0, NULL);
}
static mx_array *d2(function *f, int i, mx_array *a, mx_array *b) {
    return gradient(f, (mx_array *[]){a, b}, 2, i, NULL);
}

static void ties_and_jumps(void) {
    mx_array *a = VECTOR(FLOAT32, 1, 2, 2), *b = VECTOR(FLOAT32, 2, 2, 1);
    IS(d2(maximum, 0, a, b), "array([0, 0, 1], dtype=float32)");
    IS(d2(maximum, 1, a, b), "array([1, 1, 0], dtype=float32)");
    IS(d2(minimum, 0, a, b), "array([1, 0, 0], dtype=float32)");
    IS(d2(minimum, 1, a, b), "array([0, 1, 1], dtype=float32)");
    IS(d2(remainder_, 1, a, b), "array([-0, -1, -2], dtype=float32)");
    mx_array *x = VECTOR(FLOAT32, 0, 1, -1);
    IS(d1(abs_, x), "array([0, 1, -1], dtype=float32)");
    IS(d1(sign, x), "array([0, 0, 0], dtype=float32)");
    IS(d1(floor_, x), "array([0, 0, 0], dtype=float32)");
    IS(d1(clip, VECTOR(FLOAT32, -1, 0, 0.5, 1, 2)), "array([0, 0, 1, 0, 0], dtype=float32)");
}

static void edges(void) {
    IS(d1(sqrt_, VECTOR(FLOAT32, 0, 1)), "array([inf, 0.5], dtype=float32)");
    IS(d1(log_, VECTOR(FLOAT32, 0, 1)), "array([inf, 1], dtype=float32)");
    mx_array *base = VECTOR(FLOAT32, 0, 0, 0, 2, -2), *to = VECTOR(FLOAT32, 2, 1, 0, 0, 2);
    IS(d2(power, 0, base, to), "array([0, 1, 0, 0, -4], dtype=float32)");
    IS(mx_slice_axis(d2(power, 1, base, to), 0, 0, 4), "array([0, 0, 0, 0.693147], dtype=float32)");
    IS(d1(masked_log, VECTOR(FLOAT32, 0, 2)),
       "array([0, 0.5], dtype=float32)"); /* selected: no inf * 0 */
    IS(d1(stopped, VECTOR(FLOAT32, 3)), "array([3], dtype=float32)");
    IS(d1(overlapping, VECTOR(FLOAT32, 1, 2, 3)), "array([1, 2, 1], dtype=float32)");
}

static void between_real_and_complex(void) {
    mx_array *g = complex_of(2, 3), *x = mx_scalar(1, MX_FLOAT32), *z = complex_of(1, 2);
    IS(gradient(to_complex, &x, 1, 0, g), "array(2, dtype=float32)");
    IS(gradient(to_real, &z, 1, 0, x), "array(1+0j, dtype=complex64)");
    IS(gradient(abs_, &z, 1, 0, x), "array(0.447214+0.894427j, dtype=complex64)");
    IS(tangent(abs_, z, complex_of(1, 1)), "array(1.34164, dtype=float32)");
}

/* vjp: g conj(f'(z)); jvp: t f'(z). Against differences along 1 in the complex plane. */
#define ANALYTIC(name) FUNCTION(z_##name, mx_##name(x[0]))
ANALYTIC(square)
ANALYTIC(sqrt)
ANALYTIC(rsqrt)
ANALYTIC(exp)
ANALYTIC(log)
ANALYTIC(log2)
ANALYTIC(log10)
ANALYTIC(log1p)
ANALYTIC(sin)
ANALYTIC(cos)
ANALYTIC(tan)
ANALYTIC(arcsin)
ANALYTIC(arccos)
ANALYTIC(arctan)
ANALYTIC(sinh)
ANALYTIC(cosh)
ANALYTIC(tanh)
ANALYTIC(arcsinh)
ANALYTIC(arccosh)
ANALYTIC(arctanh)
ANALYTIC(reciprocal)
FUNCTION(z_product, mx_mul(x[0], mx_add(x[0], complex_of(1, -2))))
FUNCTION(z_quotient, mx_div(complex_of(1, -2), x[0]))
FUNCTION(z_power, mx_power(x[0], complex_of(0.5, -1)))
FUNCTION(z_exponent, mx_power(complex_of(0.5, -1), x[0]))

static const struct {
    const char *name;
    function *f;
} analytic[] = {
    {"square", z_square},     {"sqrt", z_sqrt},         {"rsqrt", z_rsqrt},
    {"exp", z_exp},           {"log", z_log},           {"log2", z_log2},
    {"log10", z_log10},       {"log1p", z_log1p},       {"sin", z_sin},
    {"cos", z_cos},           {"tan", z_tan},           {"arcsin", z_arcsin},
    {"arccos", z_arccos},     {"arctan", z_arctan},     {"sinh", z_sinh},
    {"cosh", z_cosh},         {"tanh", z_tanh},         {"arcsinh", z_arcsinh},
    {"arccosh", z_arccosh},   {"arctanh", z_arctanh},   {"1/z", z_reciprocal},
    {"product", z_product},   {"quotient", z_quotient}, {"power", z_power},
    {"exponent", z_exponent},
};

static void analytic_functions(void) {
    for (size_t i = 0; i < sizeof analytic / sizeof *analytic; i++) {
        function *f = analytic[i].f;
        mx_array *z = complex_of(0.7f, 0.4f), *h = mx_scalar(0.02, MX_FLOAT32),
                 *t = complex_of(1, 1);
        mx_array *up = mx_add(z, h), *down = mx_sub(z, h), *g = complex_of(1, -2);
        mx_array *slope = mx_div(mx_sub(f(&up), f(&down)), mx_mul_s(h, 2));
        mx_array *back = gradient(f, &z, 1, 0, g), *forth = tangent(f, z, t);
        mx_array *close = mx_allclose(back, mx_mul(g, mx_conjugate(slope)), 5e-3, 5e-3, false);
        mx_array *close2 = mx_allclose(forth, mx_mul(t, slope), 5e-3, 5e-3, false);
        CHECK_MSG(mx_eval1(close) && *close->data, "%s, vjp %s", analytic[i].name,
                  mx_error_message());
        CHECK_MSG(mx_eval1(close2) && *close2->data, "%s, jvp %s", analytic[i].name,
                  mx_error_message());
        mx_error_clear();
    }
}

int main(void) {
    SCOPED(ties_and_jumps);
    SCOPED(edges);
    SCOPED(between_real_and_complex);
    SCOPED(analytic_functions);
    return check_done();
}
