/* vjp, jvp, value and gradient: rules against differences, nesting, deep graphs, failures. */
#include "ops/gradients.h"

#include "base/mem.h"
#include "graph/trace/trace.h"

/* --- functions -------------------------------------------------------------------------------- */

static mx_array *polynomial(mx_array *const *x) {
    return mx_add(mx_mul(x[0], mx_square(x[0])), mx_mul(x[0], x[1]));
}
static mx_array *waves(mx_array *const *x) {
    return mx_mul(mx_sin(mx_mul(x[0], x[1])), mx_exp(mx_negative(mx_square(x[1]))));
}
static mx_array *broadcasting(mx_array *const *x) { /* (3,1) (4) */
    return mx_tanh(mx_sub(mx_mul(x[0], x[1]), mx_sum_axis(x[0], 0, true)));
}
static mx_array *views(mx_array *const *x) { /* (2,3,4) */
    mx_array *a = mx_transpose_axes(x[0], (int[]){2, 0, 1}, 3);
    return mx_mul(mx_reshape(a, (int[]){4, 6}, 2),
                  mx_slice_axis(mx_reshape(x[0], (int[]){4, 6}, 2), 1, 0, 1));
}
static mx_array *mlp(mx_array *const *x) { /* x (5,3) w1 (3,8) w2 (8,2) */
    mx_array *h = mx_tanh(mx_matmul(x[0], x[1]));
    return mx_logsumexp(mx_matmul(h, x[2]), (int[]){-1}, 1, false);
}
static mx_array *stopped(mx_array *const *x) {
    return mx_mul(x[0], mx_stop_gradient(mx_exp(x[0])));
}
static mx_array *cubes(mx_array *const *x) {
    return mx_mul(mx_square(x[0]), x[0]);
}
static mx_array *slope_of_cubes(mx_array *const *x) {
    return gradient_of(cubes, x, 1);
}
static mx_array *curvature_of_cubes(mx_array *const *x) {
    return gradient_of(slope_of_cubes, x, 1);
}
static mx_array *slope_of_waves(mx_array *const *x) {
    return gradient_of(waves, x, 2);
}
static mx_array *slope_of_mlp(mx_array *const *x) {
    return gradient_of(mlp, x, 3);
}

static void first_derivatives(void) {
    mx_scope s = mx_scope_open();
    check_gradients("polynomial", polynomial, (mx_array *[]){NOISE(1, 3, 4), NOISE(2, 3, 4)}, 2);
    check_gradients("waves", waves, (mx_array *[]){NOISE(1, 7), NOISE(2, 7)}, 2);
    check_gradients("broadcasting", broadcasting, (mx_array *[]){NOISE(1, 3, 1), NOISE(2, 4)}, 2);
    check_gradients("views", views, (mx_array *[]){NOISE(1, 2, 3, 4)}, 1);
    check_gradients("mlp", mlp, (mx_array *[]){NOISE(1, 5, 3), NOISE(2, 3, 8), NOISE(3, 8, 2)}, 3);
    mx_scope_close(s);
}

static void second_derivatives(void) {
    mx_scope s = mx_scope_open();
    check_gradients("slope of cubes", slope_of_cubes, (mx_array *[]){NOISE(1, 5)}, 1);
    check_gradients("curvature of cubes", curvature_of_cubes, (mx_array *[]){NOISE(1, 5)}, 1);
    check_gradients("slope of waves", slope_of_waves, (mx_array *[]){NOISE(1, 5), NOISE(2, 5)}, 2);
    check_gradients("slope of mlp", slope_of_mlp,
                    (mx_array *[]){NOISE(1, 5, 3), NOISE(2, 3, 8), NOISE(3, 8, 2)}, 3);
    mx_array *x = mx_scalar(2, MX_FLOAT64);
    CHECK_NEAR(value_of(curvature_of_cubes(&x)), 12, 1e-9);
    mx_scope_close(s);
}

/* Large enough for several tiles of the fused programs: float32 against float64. */
static mx_array *gated(mx_array *const *x) {
    mx_array *a = mx_matmul(x[0], x[1]);
    return mx_mul(a, mx_sigmoid(a));
}

static void several_tiles(void) {
    mx_scope s = mx_scope_open();
    mx_array *x[2] = {NOISE(1, 16, 64), NOISE(2, 64, 172)};
    mx_array *y[2] = {mx_astype(x[0], MX_FLOAT32), mx_astype(x[1], MX_FLOAT32)};
    mx_array *off =
        mx_sub(gradient_of(gated, x, 2), mx_astype(gradient_of(gated, y, 2), MX_FLOAT64));
    CHECK(value_of(mx_reduce(MX_MAX, mx_abs(off), NULL, 0, false)) < 1e-4);
    mx_scope_close(s);
}

/* --- what is left alone ----------------------------------------------------------------------- */

static void stop_gradients(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scalar(0.5, MX_FLOAT64);
    CHECK_NEAR(value_of(gradient_of(stopped, &x, 1)), exp(0.5), 1e-12);
    mx_scope_close(s);
}

static mx_array *constant(mx_array *const *x) {
    (void)x;
    return mx_scalar(3, MX_FLOAT32);
}
static mx_array *itself(mx_array *const *x) {
    return x[0];
}

static void constants_and_identity(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scalar(0.5, MX_FLOAT32);
    CHECK_NEAR(value_of(gradient_of(constant, &x, 1)), 0, 0);
    CHECK_NEAR(value_of(gradient_of(itself, &x, 1)), 1, 0);
    mx_scope_close(s);
}

static mx_array *evaluates(mx_array *const *x) {
    mx_array *y = mx_square(x[0]);
    CHECK(mx_array_available(x[0]));
    CHECK_NEAR(value_of(y), 0.25, 1e-12);
    return mx_mul(y, x[0]);
}

static void evaluation_inside(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scalar(0.5, MX_FLOAT64);
    CHECK_NEAR(value_of(gradient_of(evaluates, &x, 1)), 0.75, 1e-12);
    mx_array *pending = mx_mul_s(mx_scalar(1, MX_FLOAT64), 0.5);
    CHECK_NEAR(value_of(gradient_of(slope_of_cubes, &pending, 1)), 3, 1e-12);
    mx_scope_close(s);
}

/* Results forget the transform: no flag, and no node once they are evaluated. */
static void nothing_piles_up(void) {
    mx_scope s = mx_scope_open();
    array_fn *f = polynomial;
    mx_closure c = mx_closure_local(call_array_fn, &f);
    mx_array *x[2] = {mx_scalar(1, MX_FLOAT32), mx_scalar(2, MX_FLOAT32)};
    mx_arrays y = {0}, g = {0};
    CHECK(mx_value_and_grad(&c, x, 2, (int[]){0, 1}, 2, &y, &g));
    CHECK_EQ_INT(mx_trace_level(), 0);
    CHECK(!mx_trace_active());
    for (int i = 0; i < 2; i++) {
        CHECK(!g.item[i]->tracer);
        CHECK(mx_eval1(g.item[i]));
        CHECK(g.item[i]->node == NULL);
        CHECK(!x[i]->tracer);
    }
    CHECK(mx_eval1(y.item[0]) && y.item[0]->node == NULL);
    CHECK_NEAR(value_of(g.item[0]), 5, 0);
    CHECK_NEAR(value_of(g.item[1]), 1, 0);
    mx_arrays_free(&y);
    mx_arrays_free(&g);
    mx_scope_close(s);
}

static void nothing_leaks(void) {
    int64_t before = 0;
    for (int i = 0; i < 3; i++) {
        nothing_piles_up();
        second_derivatives();
        if (i == 1)
            before = mx_alloc_live();
    }
    CHECK_EQ_INT(mx_alloc_live(), before);
}

/* --- deep ------------------------------------------------------------------------------------- */

/* Fewer where every access is checked. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { DEEP = 100000 };
#else
enum { DEEP = 1000000 };
#endif

static mx_array *chain(mx_array *const *x) {
    mx_array *y = x[0];
    for (int i = 0; i < DEEP; i++) {
        mx_scope s = mx_scope_open();
        y = mx_scope_return(s, i % 2 ? mx_negative(y) : mx_add(y, x[0]));
    }
    return y;
}

static mx_array *negations(mx_array *const *x) {
    mx_array *y = x[0];
    for (int i = 0; i < DEEP; i++)
        y = mx_negative(y);
    return y;
}

static void a_million_nodes(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scalar(0.5, MX_FLOAT32);
    CHECK_NEAR(value_of(gradient_of(chain, &x, 1)), 1,
               0); /* d -> -(d + 1), an even number of times */
    CHECK_NEAR(value_of(gradient_of(negations, &x, 1)), 1, 0);
    mx_scope_close(s);
}

/* --- failures --------------------------------------------------------------------------------- */

static mx_array *fails(mx_array *const *x) {
    (void)x;
    return mx_fail(MX_RANGE, "[mine] the cause");
}
static mx_array *nests_a_failure(mx_array *const *x) {
    return gradient_of(fails, x, 1);
}

static void check_failure(array_fn *f, mx_array *x, mx_array *cot, const char *part) {
    mx_closure c = mx_closure_local(call_array_fn, &f);
    mx_arrays y = {0}, g = {0};
    CHECK(!mx_vjp(&c, &x, 1, &cot, cot ? 1 : 0, &y, &g));
    CHECK_HAS(mx_error_message(), part);
    CHECK_EQ_INT(mx_trace_level(), 0);
    mx_error_clear();
    mx_arrays_free(&y);
    mx_arrays_free(&g);
}

static void failures(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = NOISE(1, 3), *two = NOISE(2, 2);
    array_fn *f = cubes;
    mx_closure c = mx_closure_local(call_array_fn, &f);
    mx_arrays y = {0}, g = {0};
    check_failure(fails, x, x, "[mine] the cause");
    check_failure(nests_a_failure, x, x, "[mine] the cause");
    check_failure(cubes, x, two, "[vjp] Output shape (3) does not match cotangent shape (2).");
    check_failure(cubes, x, NULL, "[vjp] Number of outputs to compute gradients for (1)");
    CHECK(!mx_value_and_grad(&c, &x, 1, (int[]){0}, 1, &y, &g));
    CHECK_HAS(mx_error_message(), "[vjp] Output shape (3) does not match cotangent shape ().");
    mx_error_clear();
    CHECK(!mx_value_and_grad(&c, &x, 1, (int[]){1}, 1, &y, &g));
    CHECK_HAS(mx_error_message(), "[grad] Can't compute the gradient of argument index 1");
    mx_error_clear();
    CHECK(!mx_jvp(&c, &x, 1, &two, 1, &y, &g));
    CHECK_HAS(mx_error_message(), "[jvp] Input shape");
    mx_error_clear();
    CHECK_NEAR(value_of(mx_sum_all(gradient_of(itself, &x, 1))), 3, 0);
    mx_arrays_free(&y);
    mx_arrays_free(&g);
    mx_scope_close(s);
}

/* Every allocation of a small gradient fails once: an error, nothing lost, and it works
   afterwards. */
static void out_of_memory(void) {
    mx_scope s = mx_scope_open();
    mx_array *x[2] = {NOISE(1, 4), NOISE(2, 4)};
    array_fn *f = waves;
    mx_closure c = mx_closure_local(call_array_fn, &f);
    mx_array *u = mx_ones_like(f(x));
    bool done = false;
    CHECK(mx_eval1(u));
    int64_t live = 0;
    for (unsigned n = 1; n < 1000 && !done; n++) {
        mx_scope inner = mx_scope_open();
        mx_arrays y = {0}, g = {0};
        mx_alloc_fail_at(n);
        bool ok = mx_vjp(&c, x, 2, &u, 1, &y, &g);
        done = mx_alloc_count() < n;
        mx_alloc_fail_at(0);
        CHECK_MSG(ok == done, "allocation %u: %s", n, mx_error_message());
        CHECK(done || mx_error_status() == MX_NOMEM);
        mx_error_clear();
        mx_arrays_free(&y);
        mx_arrays_free(&g);
        mx_scope_close(inner);
        if (n == 1)
            live = mx_alloc_live();
    }
    CHECK(done);
    CHECK(mx_alloc_live() <= live + 2); /* tables that grew */
    CHECK_EQ_INT(mx_trace_level(), 0);
    mx_scope_close(s);
}

int main(void) {
    RUN(first_derivatives);
    RUN(second_derivatives);
    RUN(several_tiles);
    RUN(stop_gradients);
    RUN(constants_and_identity);
    RUN(evaluation_inside);
    RUN(nothing_piles_up);
    RUN(nothing_leaks);
    RUN(a_million_nodes);
    RUN(failures);
    RUN(out_of_memory);
    return check_done();
}
