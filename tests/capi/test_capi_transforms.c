/* The C API's transforms beyond gradients: vmap, compile and its modes, checkpoints, custom
 * functions and the closures of their rules, functions with named arguments. */
#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream s;

static mlx_array at(mlx_vector_array v, size_t i) {
    mlx_array a = mlx_array_new();
    CHECK(mlx_vector_array_get(&a, v, i) == 0);
    return a;
}

/* The sum of the i-th array as a number. */
static float number(mlx_vector_array v, size_t i) {
    mlx_array a = at(v, i);
    float n = NAN;
    CHECK(mlx_sum(&a, a, false, s) == 0 && mlx_array_item_float32(&n, a) == 0);
    mlx_array_free(a);
    return n;
}

static mlx_vector_array vector_of(int n, const float *v) {
    mlx_array a = mlx_array_new_data(v, &n, 1, MLX_FLOAT32);
    mlx_vector_array r = mlx_vector_array_new_value(a);
    mlx_array_free(a);
    return r;
}
#define V(...) vector_of(sizeof((float[]){__VA_ARGS__}) / sizeof(float), (float[]){__VA_ARGS__})

static float called(mlx_closure f, mlx_vector_array in) {
    mlx_vector_array out = mlx_vector_array_new();
    float n = CHECK(mlx_closure_apply(&out, f, in) == 0) ? number(out, 0) : NAN;
    mlx_vector_array_free(out);
    return n;
}

/* The sum of the gradient with a cotangent of ones. */
static float slope(mlx_closure f, mlx_vector_array in) {
    mlx_vector_array out = mlx_vector_array_new(), grads = mlx_vector_array_new();
    mlx_array x = at(in, 0), one = mlx_array_new();
    mlx_ones_like(&one, x, s);
    mlx_vector_array cot = mlx_vector_array_new_value(one);
    float n = CHECK(mlx_vjp(&out, &grads, f, in, cot) == 0) ? number(grads, 0) : NAN;
    mlx_vector_array_free(out);
    mlx_vector_array_free(grads);
    mlx_vector_array_free(cot);
    mlx_array_free(x);
    mlx_array_free(one);
    return n;
}

/* --- functions ------------------------------------------------------------------------ */

static int calls;

/* x^3, counting its calls */
static int cube(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array x = at(in, 0), y = mlx_array_new();
    calls++;
    int failed =
        mlx_square(&y, x, s) || mlx_multiply(&y, y, x, s) || mlx_vector_array_set_value(res, y);
    mlx_array_free(x);
    mlx_array_free(y);
    return failed;
}

/* The given factor times the i-th array. */
static int scaled(mlx_vector_array *res, const mlx_vector_array in, float factor) {
    mlx_array x = at(in, 0), k = mlx_array_new_float(factor), y = mlx_array_new();
    int failed = mlx_multiply(&y, x, k, s) || mlx_vector_array_set_value(res, y);
    mlx_array_free(x);
    mlx_array_free(k);
    mlx_array_free(y);
    return failed;
}

/* --- rules, wrong on purpose, so that their use shows ---------------------------------- */

static int vjp_100(mlx_vector_array *res, const mlx_vector_array primals,
                   const mlx_vector_array cot, const mlx_vector_array outputs) {
    (void)primals, (void)outputs;
    return scaled(res, cot, 100);
}
static int vjp_payload(mlx_vector_array *res, const mlx_vector_array primals,
                       const mlx_vector_array cot, const mlx_vector_array outputs, void *payload) {
    (void)primals, (void)outputs;
    return scaled(res, cot, *(float *)payload);
}
static int jvp_200(mlx_vector_array *res, const mlx_vector_array primals,
                   const mlx_vector_array tangents, const int *argnums, size_t n) {
    (void)primals;
    CHECK(n == 1 && argnums[0] == 0);
    return scaled(res, tangents, 200);
}
static int jvp_payload(mlx_vector_array *res, const mlx_vector_array primals,
                       const mlx_vector_array tangents, const int *argnums, size_t n,
                       void *payload) {
    (void)primals, (void)argnums, (void)n;
    return scaled(res, tangents, *(float *)payload);
}
static int vmap_payload(mlx_vector_array *res, mlx_vector_int *axes, const mlx_vector_array in,
                        const int *in_axes, size_t n, void *payload) {
    CHECK(n == 1 && in_axes[0] == 0);
    return scaled(res, in, *(float *)payload) || mlx_vector_int_set_value(axes, 0);
}

static int freed;
static void count_free(void *payload) {
    freed += payload != NULL;
}

static float jvp_of(mlx_closure f, mlx_vector_array in) {
    mlx_vector_array out = mlx_vector_array_new(), tan = mlx_vector_array_new();
    float n = CHECK(mlx_jvp(&out, &tan, f, in, in) == 0) ? number(tan, 0) : NAN;
    mlx_vector_array_free(out);
    mlx_vector_array_free(tan);
    return n;
}

static float vmap_of(mlx_closure f, mlx_vector_array in) {
    mlx_closure v = mlx_closure_new();
    float n = CHECK(mlx_vmap(&v, f, (int[]){0}, 1, (int[]){0}, 1) == 0) ? called(v, in) : NAN;
    mlx_closure_free(v);
    return n;
}

static void custom_functions(void) {
    float seven = 7, nine = 9, eleven = 11;
    mlx_vector_array in = V(1, 2);
    mlx_closure f = mlx_closure_new_func(cube), g = mlx_closure_new();
    mlx_closure_custom vjp = mlx_closure_custom_new_func_payload(vjp_payload, &seven, count_free),
                       none = mlx_closure_custom_new();
    mlx_closure_custom_jvp jvp =
        mlx_closure_custom_jvp_new_func_payload(jvp_payload, &nine, count_free);
    mlx_closure_custom_vmap vmap =
        mlx_closure_custom_vmap_new_func_payload(vmap_payload, &eleven, count_free);
    CHECK(mlx_custom_function(&g, f, vjp, jvp, vmap) == 0);
    CHECK_NEAR(called(g, in), 9, 0);
    CHECK_NEAR(slope(g, in), 14, 0);
    CHECK_NEAR(jvp_of(g, in), 27, 0);
    CHECK_NEAR(vmap_of(g, in), 33, 0);
    CHECK(mlx_closure_custom_set(&none, vjp) == 0 && mlx_custom_vjp(&g, f, none) == 0);
    CHECK_NEAR(slope(g, in), 14, 0);
    CHECK_NEAR(jvp_of(g, in), 3 + 24, 0);
    mlx_closure_free(g);
    mlx_closure_custom_free(vjp);
    mlx_closure_custom_free(none);
    mlx_closure_custom_jvp_free(jvp);
    mlx_closure_custom_vmap_free(vmap);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
    CHECK_EQ_INT(freed, 3);
}

static void rules_as_closures(void) {
    float five = 5;
    mlx_vector_array in = V(1, 2), out = mlx_vector_array_new();
    mlx_closure_custom vjp = mlx_closure_custom_new_func(vjp_100);
    CHECK(mlx_closure_custom_apply(&out, vjp, in, in, in) == 0);
    CHECK_NEAR(number(out, 0), 300, 0);
    mlx_closure_custom_jvp jvp = mlx_closure_custom_jvp_new_func(jvp_200),
                           copy = mlx_closure_custom_jvp_new();
    CHECK(mlx_closure_custom_jvp_set(&copy, jvp) == 0);
    CHECK(mlx_closure_custom_jvp_apply(&out, copy, in, in, (int[]){0}, 1) == 0);
    CHECK_NEAR(number(out, 0), 600, 0);
    mlx_closure_custom_vmap vmap =
                                mlx_closure_custom_vmap_new_func_payload(vmap_payload, &five, NULL),
                            same = mlx_closure_custom_vmap_new();
    mlx_vector_int axes = mlx_vector_int_new();
    CHECK(mlx_closure_custom_vmap_set(&same, vmap) == 0);
    CHECK(mlx_closure_custom_vmap_apply(&out, &axes, same, in, (int[]){0}, 1) == 0);
    CHECK_NEAR(number(out, 0), 15, 0);
    CHECK_EQ_INT(mlx_vector_int_size(axes), 1);
    mlx_vector_int_free(axes);
    mlx_closure_custom_free(vjp);
    mlx_closure_custom_jvp_free(jvp);
    mlx_closure_custom_jvp_free(copy);
    mlx_closure_custom_vmap_free(vmap);
    mlx_closure_custom_vmap_free(same);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
}

/* --- checkpoints, vmap in two steps ------------------------------------------------------- */

static void checkpoints(void) {
    mlx_vector_array in = V(1, 2);
    mlx_closure f = mlx_closure_new_func(cube), c = mlx_closure_new();
    CHECK(mlx_checkpoint(&c, f) == 0);
    calls = 0;
    CHECK_NEAR(slope(c, in), 15, 0);
    CHECK_EQ_INT(calls, 2); // forth, and again for the gradient
    mlx_closure_free(c);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
}

static void vmap_in_two_steps(void) {
    int shape[2] = {2, 3};
    mlx_array m = mlx_array_new_data((float[]){1, 2, 3, 4, 5, 6}, shape, 2, MLX_FLOAT32);
    mlx_vector_array in = mlx_vector_array_new_value(m), one = mlx_vector_array_new(),
                     out = mlx_vector_array_new(), all = mlx_vector_array_new();
    mlx_closure f = mlx_closure_new_func(cube);
    CHECK(mlx_detail_vmap_trace(&one, &out, f, in, (int[]){1}, 1) == 0);
    mlx_array example = at(one, 0);
    CHECK(mlx_array_ndim(example) == 1 && mlx_array_dim(example, 0) == 2);
    CHECK(mlx_detail_vmap_replace(&all, in, one, out, (int[]){1}, 1, (int[]){0}, 1) == 0);
    mlx_array y = at(all, 0);
    CHECK(mlx_array_dim(y, 0) == 3 && mlx_array_dim(y, 1) == 2);
    CHECK_NEAR(number(all, 0), 1 + 8 + 27 + 64 + 125 + 216, 0);
    mlx_array_free(y);
    mlx_array_free(example);
    mlx_array_free(m);
    mlx_vector_array_free(in);
    mlx_vector_array_free(one);
    mlx_vector_array_free(out);
    mlx_vector_array_free(all);
    mlx_closure_free(f);
}

/* --- compile --------------------------------------------------------------------------------- */

static int calls_for(mlx_closure c, mlx_vector_array in, int times) {
    calls = 0;
    for (int i = 0; i < times; i++)
        CHECK_NEAR(called(c, in), 9, 0);
    return calls;
}

static void compile_modes(void) {
    mlx_vector_array in = V(1, 2);
    mlx_closure f = mlx_closure_new_func(cube), c = mlx_closure_new();
    CHECK(mlx_compile(&c, f, false) == 0);
    CHECK_EQ_INT(calls_for(c, in, 3), 1);
    CHECK(mlx_disable_compile() == 0);
    CHECK_EQ_INT(calls_for(c, in, 3), 3);
    CHECK(mlx_enable_compile() == 0);
    CHECK_EQ_INT(calls_for(c, in, 3), 0);
    CHECK(mlx_set_compile_mode(MLX_COMPILE_MODE_NO_SIMPLIFY) == 0 &&
          mlx_compile(&c, f, false) == 0);
    CHECK_EQ_INT(calls_for(c, in, 2), 1);
    CHECK(mlx_set_compile_mode(MLX_COMPILE_MODE_ENABLED) == 0);
    mlx_closure_free(c);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
}

/* One cache for a number, whatever the closure; other constants are another trace. */
static void compile_by_number(void) {
    mlx_vector_array in = V(1, 2);
    mlx_closure f = mlx_closure_new_func(cube), c = mlx_closure_new();
    uint64_t constants[2] = {1, 2};
    CHECK(mlx_detail_compile(&c, f, 77, false, constants, 1) == 0);
    CHECK_EQ_INT(calls_for(c, in, 2), 1);
    CHECK(mlx_detail_compile(&c, f, 77, false, constants, 1) == 0);
    CHECK_EQ_INT(calls_for(c, in, 2), 0);
    CHECK(mlx_detail_compile(&c, f, 77, false, constants + 1, 1) == 0);
    CHECK_EQ_INT(calls_for(c, in, 2), 1);
    CHECK(mlx_detail_compile_erase(77) == 0 &&
          mlx_detail_compile(&c, f, 77, false, constants, 1) == 0);
    CHECK_EQ_INT(calls_for(c, in, 2), 1);
    CHECK(mlx_detail_compile_clear_cache() == 0 &&
          mlx_detail_compile(&c, f, 77, false, constants, 1) == 0);
    CHECK_EQ_INT(calls_for(c, in, 2), 1);
    CHECK(mlx_detail_compile_erase(77) == 0);
    mlx_closure_free(c);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
}

/* --- other closures --------------------------------------------------------------------------- */

static int by_name(mlx_vector_array *res, const mlx_vector_array in,
                   const mlx_map_string_to_array named, void *payload) {
    mlx_array x = at(in, 0), y = mlx_array_new();
    (*(int *)payload)++;
    int failed = mlx_map_string_to_array_get(&y, named, "y") || mlx_add(&y, x, y, s) ||
                 mlx_vector_array_set_value(res, y);
    mlx_array_free(x);
    mlx_array_free(y);
    return failed;
}

static void named_arguments(void) {
    int count = 0;
    mlx_vector_array in = V(1, 2), out = mlx_vector_array_new();
    mlx_map_string_to_array named = mlx_map_string_to_array_new();
    mlx_array ten = mlx_array_new_float(10);
    mlx_map_string_to_array_insert(named, "y", ten);
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func_payload(by_name, &count, NULL),
                       g = mlx_closure_kwargs_new();
    CHECK(mlx_closure_kwargs_set(&g, f) == 0 && mlx_closure_kwargs_apply(&out, g, in, named) == 0);
    CHECK_NEAR(number(out, 0), 23, 0);
    CHECK_EQ_INT(count, 1);
    const char *file = "test_capi_transforms.mlxfn";
    mlx_function_exporter e = mlx_function_exporter_new_kwargs(file, f, false, "a note");
    CHECK(mlx_function_exporter_apply_kwargs(e, in, named) == 0 &&
          mlx_function_exporter_free(e) == 0);
    mlx_imported_function read = mlx_imported_function_new(file);
    CHECK_STR(mlx_imported_function_metadata(read), "a note");
    CHECK(mlx_imported_function_apply_kwargs(&out, read, in, named) == 0);
    CHECK_NEAR(number(out, 0), 23, 0);
    mlx_imported_function_free(read);
    remove(file);
    mlx_closure_kwargs_free(f);
    mlx_closure_kwargs_free(g);
    mlx_map_string_to_array_free(named);
    mlx_array_free(ten);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
}

static int values_and_slopes(mlx_vector_array *values, mlx_vector_array *grads,
                             const mlx_vector_array in) {
    return scaled(values, in, 2) || scaled(grads, in, 3);
}
static int with_payload(mlx_vector_array *values, mlx_vector_array *grads,
                        const mlx_vector_array in, void *payload) {
    return scaled(values, in, *(float *)payload) || scaled(grads, in, 1);
}

static void closures_of_values_and_gradients(void) {
    float four = 4;
    mlx_vector_array in = V(1, 2), v = mlx_vector_array_new(), g = mlx_vector_array_new();
    mlx_closure_value_and_grad f = mlx_closure_value_and_grad_new_func(values_and_slopes),
                               h = mlx_closure_value_and_grad_new_func_payload(with_payload, &four,
                                                                               NULL);
    CHECK(mlx_closure_value_and_grad_apply(&v, &g, f, in) == 0);
    CHECK_NEAR(number(v, 0) + 100 * number(g, 0), 6 + 900, 0);
    CHECK(mlx_closure_value_and_grad_set(&f, h) == 0 &&
          mlx_closure_value_and_grad_apply(&v, &g, f, in) == 0);
    CHECK_NEAR(number(v, 0) + 100 * number(g, 0), 12 + 300, 0);
    mlx_closure_value_and_grad_free(f);
    mlx_closure_value_and_grad_free(h);
    mlx_vector_array_free(in);
    mlx_vector_array_free(v);
    mlx_vector_array_free(g);
}

static int one_and_a_half(mlx_vector_array *res, const mlx_vector_array in) {
    return scaled(res, in, 1.5f);
}

/* A gradient has its argument's dtype, and an integer no fraction. */
static void gradients_towards_integers(void) {
    const mlx_dtype types[] = {MLX_FLOAT32, MLX_INT32, MLX_UINT8, MLX_BOOL};
    const float wanted[] = {1.5f, 1, 1, 1};
    mlx_closure f = mlx_closure_new_func(one_and_a_half);
    mlx_closure_value_and_grad slope_of = mlx_closure_value_and_grad_new();
    CHECK(mlx_value_and_grad(&slope_of, f, (int[]){0}, 1) == 0);
    for (int k = 0; k < 4; k++) {
        mlx_array x = mlx_array_new_float(1);
        CHECK(mlx_astype(&x, x, types[k], s) == 0);
        mlx_vector_array in = mlx_vector_array_new_value(x), v = mlx_vector_array_new(),
                         g = mlx_vector_array_new();
        CHECK(mlx_closure_value_and_grad_apply(&v, &g, slope_of, in) == 0);
        mlx_array d = at(g, 0);
        CHECK(mlx_array_dtype(d) == types[k]);
        CHECK(mlx_astype(&d, d, MLX_FLOAT32, s) == 0);
        float n = NAN;
        CHECK(mlx_array_item_float32(&n, d) == 0);
        CHECK_NEAR(n, wanted[k], 0);
        CHECK_NEAR(number(v, 0), 1.5, 0);
        mlx_array_free(d);
        mlx_array_free(x);
        mlx_vector_array_free(in);
        mlx_vector_array_free(v);
        mlx_vector_array_free(g);
    }
    mlx_closure_value_and_grad_free(slope_of);
    mlx_closure_free(f);
}

int main(void) {
    s = mlx_default_cpu_stream_new();
    RUN(custom_functions);
    RUN(rules_as_closures);
    RUN(checkpoints);
    RUN(vmap_in_two_steps);
    RUN(compile_modes);
    RUN(compile_by_number);
    RUN(named_arguments);
    RUN(closures_of_values_and_gradients);
    RUN(gradients_towards_integers);
    mlx_stream_free(s);
    return check_done();
}
