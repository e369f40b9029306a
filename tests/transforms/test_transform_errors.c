/* What transforms refuse, what they survive: functions that fail, evaluation inside, arguments that
 * do not match, integers, memory that runs out, graphs of a million nodes. Each leaves no level, no
 * error and no memory behind. */
#include "transform_chain.h"

#include "graph/trace/trace.h"

static mx_array *product_of_sines(mx_array *const *in) {
    return mx_mul(mx_sin(in[0]), mx_exp(mx_mul(in[0], in[1])));
}

static const op_case plain = {
    "plain", product_of_sines,
    NULL,    NULL,
    0,       {{1, {4}, -1, 1, false, false}, {1, {4}, -1, 1, false, false}}};

/* --- functions that fail ---------------------------------------------------------------------- */

static int calls_left; /* of failing_at: the call that fails */

static mx_array *failing_at(mx_array *const *in) {
    if (calls_left-- == 0)
        return mx_fail(MX_RANGE, "[mine] the cause");
    return product_of_sines(in);
}

/* Fails without saying why. */
static mx_array *silent(mx_array *const *in) {
    (void)in;
    return NULL;
}

static const op_case failing = {
    "failing", failing_at, NULL,
    NULL,      0,          {{1, {4}, -1, 1, false, false}, {1, {4}, -1, 1, false, false}}};
static const op_case silently = {
    "silently", silent, NULL,
    NULL,       0,      {{1, {4}, -1, 1, false, false}, {1, {4}, -1, 1, false, false}}};

static mx_closure *pair_of(const op_case *c, int i) {
    return transformed((transform)(i % TRANSFORMS),
                       transformed((transform)(i / TRANSFORMS), row_of(c)));
}

static int levels_of(int i) {
    return (i / TRANSFORMS == VMAP) + (i % TRANSFORMS == VMAP);
}

/* The pair called once; its results evaluated. */
static bool run_pair(const op_case *c, int i) {
    mx_scope s = mx_scope_open();
    mx_array *in[CASE_INPUTS];
    mx_closure *f = pair_of(c, i);
    chain_inputs(c, levels_of(i), 3, in);
    results y = call(f, in, inputs_of(c));
    mx_arrays_free(&y.list);
    mx_object_release(&f->object);
    mx_scope_close(s);
    CHECK_EQ_INT(mx_trace_level(), 0);
    CHECK(!mx_trace_active());
    return y.ok;
}

static void functions_that_fail(void) {
    for (int i = 0; i < TRANSFORMS * TRANSFORMS; i++) {
        bool ok = false;
        int64_t live = 0;
        for (int n = 0; !ok && n < 10; n++) {
            calls_left = n;
            ok = run_pair(&failing, i);
            if (!ok)
                CHECK_HAS(mx_error_message(), "[mine] the cause");
            mx_error_clear();
            if (n && i) // the first success of all leaves tables behind
                CHECK_EQ_INT(mx_alloc_live(), live);
            live = mx_alloc_live();
        }
        CHECK(ok);
    }
}

static void functions_that_fail_silently(void) {
    for (int i = 0; i < TRANSFORMS * TRANSFORMS; i++) {
        CHECK(!run_pair(&silently, i));
        CHECK_MSG(mx_failed() && *mx_error_message(), "%s of %s: no error",
                  transform_names[i % TRANSFORMS], transform_names[i / TRANSFORMS]);
        mx_error_clear();
    }
}

/* --- memory runs out -------------------------------------------------------------------------- */

static bool attempt(mx_closure *f, mx_array *const *in, int n) {
    mx_scope s = mx_scope_open();
    results y = call(f, in, n);
    mx_arrays_free(&y.list);
    mx_scope_close(s);
    return y.ok;
}

/* Each allocation of a call fails once; the call after it succeeds. */
static void starve(int i) {
    mx_scope s = mx_scope_open();
    mx_array *in[CASE_INPUTS];
    chain_inputs(&plain, levels_of(i), 3, in);
    mx_closure *f = pair_of(&plain, i);
    bool ok = attempt(f, in, 2) && attempt(f, in, 2);
    CHECK(ok);
    int64_t live = mx_alloc_live();
    uint64_t n = 0;
    for (ok = false; !ok && n < 5000;) {
        mx_alloc_fail_at(++n);
        ok = attempt(f, in, 2);
        mx_alloc_fail_at(0);
        CHECK_MSG(ok || mx_error_status() == MX_NOMEM, "allocation %d: %s", (int)n,
                  mx_error_message());
        mx_error_clear();
        CHECK_MSG(mx_alloc_live() == live, "%s of %s, allocation %d: %lld are lost",
                  transform_names[i % TRANSFORMS], transform_names[i / TRANSFORMS], (int)n,
                  (long long)(mx_alloc_live() - live));
        live = mx_alloc_live();
        CHECK_EQ_INT(mx_trace_level(), 0);
    }
    CHECK(ok);
    mx_object_release(&f->object);
    mx_scope_close(s);
}

static void memory_that_runs_out(void) {
    for (int i = 0; i < TRANSFORMS * TRANSFORMS; i++)
        starve(i);
}

/* --- evaluation inside ------------------------------------------------------------------------ */

static mx_array *evaluating(mx_array *const *in) {
    mx_array *y = product_of_sines(in);
    return mx_eval1(y) ? mx_mul(y, y) : NULL;
}
static mx_array *evaluating_input(mx_array *const *in) {
    return mx_eval1(in[0]) ? product_of_sines(in) : NULL;
}
static mx_array *queueing(mx_array *const *in) {
    mx_array *y = product_of_sines(in);
    return mx_async_eval(&y, 1) ? y : NULL;
}
static mx_array *evaluating_constant(mx_array *const *in) {
    mx_array *two = mx_mul_s(mx_scalar(1, MX_FLOAT64), 2);
    return mx_eval1(two) ? mx_mul(product_of_sines(in), two) : NULL;
}

#define CASE_OF(f)                           \
    {                                        \
        #f, f, NULL, NULL, 0, {              \
            {1, {4}, -1, 1, false, false}, { \
                1, {4}, -1, 1, false, false  \
            }                                \
        }                                    \
    }

/* Permitted where the inputs have values, an error where they are placeholders, as in MLX. */
static void evaluation_inside(void) {
    static const op_case rows[] = {CASE_OF(evaluating), CASE_OF(evaluating_input),
                                   CASE_OF(queueing), CASE_OF(evaluating_constant)};
    static const char *const messages[] = {
        "[eval] Attempting to eval an array during function transformations like compile or vmap "
        "is not allowed.",
        "[eval] Attempting to eval an array during function transformations like compile or vmap "
        "is not allowed.",
        "[async_eval] Not allowed inside a graph transformation.", NULL};
    for (int r = 0; r < 4; r++)
        for (int i = 0; i < TRANSFORMS * TRANSFORMS; i++) {
            int inner = i / TRANSFORMS, outer = i % TRANSFORMS;
            bool placeholders =
                inner == VMAP || inner == COMPILE || outer == VMAP || outer == COMPILE;
            bool traced = placeholders || inner <= JVP || outer <= JVP;
            bool refused = messages[r] && (r == 2 ? traced : placeholders);
            bool ok = run_pair(&rows[r], i);
            CHECK_MSG(ok == !refused, "%s of %s, %s: %s", transform_names[outer],
                      transform_names[inner], rows[r].name, mx_error_message());
            if (!ok && refused)
                CHECK_HAS(mx_error_message(), messages[r]);
            mx_error_clear();
        }
}

/* --- arguments that do not match -------------------------------------------------------------- */

static bool call_plain(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self, (void)n;
    return mx_arrays_add(out, product_of_sines(in));
}

static mx_array *ones(int n, mx_dtype t) {
    return mx_ones(&n, 1, t);
}

static void failed_with(bool ok, const char *message, mx_arrays *a, mx_arrays *b) {
    CHECK(!ok);
    CHECK_HAS(mx_error_message(), message);
    CHECK_EQ_INT(mx_trace_level(), 0);
    mx_error_clear();
    mx_arrays_free(a);
    mx_arrays_free(b);
}

static void tangents_and_cotangents(void) {
    mx_scope s = mx_scope_open();
    mx_closure f = mx_closure_local(call_plain, NULL);
    mx_array *x[2] = {ones(4, MX_FLOAT64), ones(4, MX_FLOAT64)},
             *t[2] = {x[0], ones(3, MX_FLOAT64)};
    mx_arrays y = {0}, g = {0};
    failed_with(mx_jvp(&f, x, 2, t, 2, &y, &g),
                "[jvp] Input shape does not match shape of tangent.", &y, &g);
    failed_with(mx_jvp(&f, x, 2, t, 1, &y, &g),
                "[jvp] Number of inputs does not match number of tangents.", &y, &g);
    failed_with(mx_vjp(&f, x, 2, t + 1, 1, &y, &g),
                "[vjp] Output shape (4) does not match cotangent shape (3).", &y, &g);
    failed_with(mx_vjp(&f, x, 2, t, 0, &y, &g), "does not match number of cotangents (0)", &y, &g);
    failed_with(mx_value_and_grad(&f, x, 2, (int[]){2}, 1, &y, &g),
                "[grad] Can't compute the gradient of argument index 2", &y, &g);
    failed_with(mx_value_and_grad(&f, x, 2, (int[]){-1}, 1, &y, &g),
                "[grad] Can't compute the gradient of negative argument index -1", &y, &g);
    failed_with(mx_value_and_grad(&f, x, 2, NULL, 0, &y, &g),
                "[grad] Must specify at least one argument.", &y, &g);
    failed_with(mx_value_and_grad(&f, x, 2, (int[]){0}, 1, &y, &g),
                "[vjp] Output shape (4) does not match cotangent shape ().", &y, &g);
    mx_scope_close(s);
}

static bool mapped_over(mx_array *const *in, int n, const int *in_axes, int out_axis,
                        mx_arrays *out) {
    mx_closure f = mx_closure_local(call_plain, NULL), *v = mx_vmap(&f, in_axes, n, &out_axis, 1);
    bool ok = v->call(v, in, 2, out);
    mx_object_release(&v->object);
    return ok;
}

static void axes_that_do_not_match(void) {
    static const struct {
        int n, axes[2], out;
        const char *message;
    } rows[] = {
        {2, {1, 0}, 0, "[vmap] Invalid vectorization axis 1 for array with shape (4)"},
        {2, {0, -2}, 0, "[vmap] Invalid vectorization axis -2 for array with shape (3)"},
        {2, {0, 0}, 0, "[vmap] Inconsistent axis sizes: 4 and 3."},
        {2, {0, MX_NO_AXIS}, 2, "[vmap] Invalid output vectorization axis 2"},
        {2, {0, MX_NO_AXIS}, MX_NO_AXIS, "[vmap] an output depends on the batch"},
        {1, {0}, 0, "[vmap] the function was given 2 inputs and 1 axes"},
    };
    mx_scope s = mx_scope_open();
    mx_array *in[2] = {ones(4, MX_FLOAT64), ones(3, MX_FLOAT64)},
             *fit[2] = {in[0], mx_scalar(1, MX_FLOAT64)};
    mx_arrays y = {0}, none = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        failed_with(mapped_over(rows[i].axes[1] == MX_NO_AXIS ? fit : in, rows[i].n, rows[i].axes,
                                rows[i].out, &y),
                    rows[i].message, &y, &none);
    CHECK(mapped_over(fit, 2, (int[]){0, MX_NO_AXIS}, -1, &y));
    mx_arrays_free(&y);
    mx_scope_close(s);
}

/* --- integers --------------------------------------------------------------------------------- */

static mx_array *halves(mx_array *const *in) {
    return mx_sum_all(mx_mul_s(mx_astype(in[0], MX_FLOAT32), 3));
}
static mx_array *taken(mx_array *const *in) {
    return mx_sum_all(mx_take(in[0], in[1], 0));
}
static mx_array *taken_along(mx_array *const *in) {
    return mx_sum_all(mx_take_along_axis(in[0], in[1], 0));
}
static mx_array *put_along(mx_array *const *in) {
    return mx_sum_all(mx_scatter_axis(MX_SCATTER_SUM, in[0], in[1], in[0], 0));
}
static mx_array *added_at(mx_array *const *in) {
    return mx_sum_all(mx_scatter(MX_SCATTER_SUM, in[0], in + 1, mx_expand_dim(in[0], 1), (int[]){0},
                                 1));
}
static mx_array *sliced_at(mx_array *const *in) {
    return mx_sum_all(mx_dynamic_slice(in[0], mx_slice_axis(in[1], 0, 0, 1), (int[]){0}, 1,
                                       (int[]){2}));
}
static mx_array *updated_at(mx_array *const *in) {
    return mx_sum_all(mx_dynamic_slice_update(in[0], mx_slice_axis(in[0], 0, 0, 2),
                                              mx_slice_axis(in[1], 0, 0, 1), (int[]){0}, 1));
}
static mx_array *products_at(mx_array *const *in) {
    mx_array *a = mx_reshape(in[0], (int[]){3, 1, 1}, 3);
    return mx_sum_all(mx_gather_mm(a, a, in[1], in[1], false));
}
static mx_array *quantized_at(mx_array *const *in) {
    mx_array *q[3] = {0}, *w = mx_ones((int[]){3, 1, 64}, 3, MX_FLOAT32);
    mx_array *x = mx_mul(w, mx_reshape(in[0], (int[]){3, 1, 1}, 3));
    mx_quant_format f = {MX_AFFINE, 4, 64};
    return mx_quantize(w, f, NULL, q)
               ? mx_sum_all(mx_gather_qmm(x, q[0], q[1], q[2], in[1], in[1], true, f, false))
               : NULL;
}
static mx_array *largest(mx_array *const *in) {
    return mx_sum_all(mx_take(in[0], mx_arg_reduce(true, in[0], 0, false), 0));
}
static mx_array *stopped(mx_array *const *in) {
    return mx_sum_all(mx_take(in[0], mx_stop_gradient(in[1]), 0));
}

static bool call_row_fn(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    return mx_arrays_add(out, ((const op_case *)self->payload)->f(in));
}

/* The derivative towards places is refused in both modes; towards the array it is not. */
static void indices(void) {
    static const op_case rows[] = {CASE_OF(taken),       CASE_OF(taken_along), CASE_OF(put_along),
                                   CASE_OF(added_at),    CASE_OF(sliced_at),   CASE_OF(updated_at),
                                   CASE_OF(products_at), CASE_OF(quantized_at)};
    mx_scope s = mx_scope_open();
    mx_array *x = ones(3, MX_FLOAT32), *i = mx_arange(0, 3, 1, MX_INT32), *in[2] = {x, i},
             *t[2] = {x, i};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        mx_closure f = mx_closure_local(call_row_fn, (void *)(uintptr_t)&rows[r]);
        mx_arrays y = {0}, g = {0};
        failed_with(mx_value_and_grad(&f, in, 2, (int[]){0, 1}, 2, &y, &g),
                    "Cannot calculate VJP with respect to indices. Use stop_gradient on indices",
                    &y, &g);
        failed_with(mx_jvp(&f, in, 2, t, 2, &y, &g),
                    "Cannot calculate JVP with respect to indices.", &y, &g);
        CHECK(mx_value_and_grad(&f, in, 2, (int[]){0}, 1, &y, &g));
        mx_arrays_free(&y);
        mx_arrays_free(&g);
    }
    mx_scope_close(s);
}

static void gradient_is(const op_case *c, mx_array *const *in, int n, mx_dtype t,
                        const double *want) {
    static const int both[2] = {0, 1};
    mx_closure f = mx_closure_local(call_row_fn, (void *)(uintptr_t)c);
    mx_arrays y = {0}, g = {0};
    if (CHECK_MSG(mx_value_and_grad(&f, in, n, both, n, &y, &g), "%s: %s", c->name,
                  mx_error_message())) {
        mx_array *d = doubles(g.item[0]);
        CHECK_EQ_INT(mx_dtype_of(g.item[0]), t);
        for (int i = 0; i < 3; i++)
            CHECK_NEAR(at(d, i), want[i], 0);
    }
    mx_arrays_free(&y);
    mx_arrays_free(&g);
}

/* An integer input has a gradient of its own dtype; places that jump have the derivative zero. */
static void integers(void) {
    static const op_case rows[] = {CASE_OF(halves), CASE_OF(largest), CASE_OF(stopped)};
    mx_scope s = mx_scope_open();
    mx_array *i = mx_arange(0, 3, 1, MX_INT32), *x = mx_astype(i, MX_FLOAT32);
    gradient_is(&rows[0], &i, 1, MX_INT32, (double[]){3, 3, 3});
    gradient_is(&rows[1], &x, 1, MX_FLOAT32, (double[]){0, 0, 1});
    gradient_is(&rows[2], (mx_array *[]){x, i}, 2, MX_FLOAT32, (double[]){1, 1, 1});
    mx_scope_close(s);
}

/* --- a million nodes -------------------------------------------------------------------------- */

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { DEEP = 20000 };
#else
enum { DEEP = 1000000 };
#endif

static mx_array *deep(mx_array *const *in) {
    mx_array *y = in[0];
    for (int i = 0; i < DEEP; i++) {
        mx_scope s = mx_scope_open();
        y = mx_scope_return(s, i % 2 ? mx_negative(y) : mx_add(y, in[1]));
    }
    return y;
}
static const op_case deep_case = CASE_OF(deep);

static void a_million_nodes(void) {
    for (int t = 0; t < TRANSFORMS; t++) {
        mx_scope s = mx_scope_open();
        mx_array *in[CASE_INPUTS];
        mx_closure *f = transformed((transform)t, row_of(&deep_case));
        chain_inputs(&deep_case, t == VMAP, 3, in);
        results y = call(f, in, 2);
        CHECK_MSG(y.ok, "%s: %s", transform_names[t], mx_error_message());
        mx_arrays_free(&y.list);
        mx_object_release(&f->object);
        mx_scope_close(s);
    }
}

int main(void) {
    RUN(functions_that_fail);
    RUN(functions_that_fail_silently);
    RUN(memory_that_runs_out);
    RUN(evaluation_inside);
    RUN(tangents_and_cotangents);
    RUN(axes_that_do_not_match);
    RUN(indices);
    RUN(integers);
    RUN(a_million_nodes);
    return check_done();
}
