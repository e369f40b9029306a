/* Operations that a program registers (mlx/c/plugin.h): values, rules, and what is refused. The
 * plug-in that tests build by itself is registered here in the program. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io_files.h"

#include <dlfcn.h>

#define mlx_plugin_entry operations_entry
#include "plugins/plugin_operations.c"

static mlx_stream cpu = {NULL};

static void *symbol(const char *name) {
    return dlsym(RTLD_DEFAULT, name);
}

static void registers(void) {
    static const mlx_plugin_host host = {sizeof host, mlx_format_register, mlx_storage_register,
                                         mlx_operation_register, symbol};
    CHECK(!mlx_plugin_operation_get(0));
    CHECK_OK(operations_entry()->init(&host));
    CHECK_FAILS(operations_entry()->init(&host), "there is an operation 'softplus' already");
    CHECK(mlx_plugin_operation_get(0) == mlx_plugin_operation_find("softplus"));
    CHECK_STR(mlx_plugin_operation_get(1)->module, "mlx.core.plugins");
    CHECK(!mlx_plugin_operation_get(2) && !mlx_plugin_operation_get(SIZE_MAX));
    CHECK(!mlx_plugin_operation_find("minus"));
    CHECK(!mlx_plugin_operation_find(NULL));
    CHECK_HAS(mlx_last_error_message(), "the name is NULL");
}

static void refuses(void) {
    CHECK_FAILS(mlx_operation_register(NULL), "the plug-in is NULL");
    mlx_plugin_operation o = softplus;
    o.size = 8;
    CHECK_FAILS(mlx_operation_register(&o), "has 8 bytes");
    o = softplus, o.kernel = NULL;
    CHECK_FAILS(mlx_operation_register(&o), "the function kernel is NULL");
    o = softplus, o.signature = NULL;
    CHECK_FAILS(mlx_operation_register(&o), "the signature is NULL");
    o = softplus, o.results = 0;
    CHECK_FAILS(mlx_operation_register(&o), "0 results");
    static const char *const wrong[] = {
        "f(x: array, s: str, *, stream: StreamOrDevice = None)",
        "f(x: array | None, *, stream: StreamOrDevice = None)",
        "f(*x: array, stream: StreamOrDevice = None)",
        "f(stream: StreamOrDevice, x: array)",
        "f(x: array)",
        "f()",
        "f(x: array",
        "",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        o = softplus, o.signature = wrong[i];
        CHECK_FAILS(mlx_operation_register(&o), "");
    }
    CHECK(!mlx_plugin_operation_find("f"));
}

/* softplus(x, beta) by its row; the result is the caller's. */
static int apply(mlx_array *res, mlx_array x, double beta) {
    mlx_value args[3] = {{.kind = MLX_VALUE_ARRAY, .as.array = x},
                         {.kind = MLX_VALUE_FLOAT, .as.number = beta},
                         {.kind = MLX_VALUE_STREAM, .as.stream = cpu}};
    mlx_value value = {.kind = MLX_VALUE_NONE};
    int status = mlx_operation_call(&value, mlx_plugin_operation_find("softplus"), args) ||
                 mlx_array_set(res, value.as.array);
    mlx_value_free(&value);
    return status;
}

static int apply_1(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array x = mlx_array_new(), y = mlx_array_new();
    int status = mlx_vector_array_get(&x, in, 0) || apply(&y, x, 1);
    *res = mlx_vector_array_new();
    status = status || mlx_vector_array_append_value(*res, y);
    mlx_array_free(x), mlx_array_free(y);
    return status;
}

static const float points[6] = {-20, -1.5f, 0, 0.25f, 3, 40};

static void computes(void) {
    mlx_array x = mlx_array_new_data(points, (int[]){2, 3}, 2, MLX_FLOAT32), y = mlx_array_new(),
              t = mlx_array_new();
    CHECK_OK(apply(&y, x, 2));
    CHECK_OK(mlx_array_eval(y));
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(mlx_array_data_float32(y)[i], log1p(exp(2.0 * points[i])) / 2, 1e-6 * 40);
    // a strided operand comes to the kernel in row order
    CHECK_OK(mlx_transpose(&t, x, cpu));
    CHECK_OK(apply(&y, t, 2));
    CHECK_OK(mlx_array_eval(y));
    CHECK_NEAR(mlx_array_data_float32(y)[1], log1p(exp(0.5)) / 2, 1e-6);
    // nothing, and one number
    mlx_array none = mlx_array_new_data(points, (int[]){0, 3}, 2, MLX_FLOAT32),
              one = mlx_array_new_float(0);
    CHECK_OK(apply(&y, none, 1));
    CHECK_OK(mlx_array_eval(y));
    CHECK_EQ_INT(mlx_array_size(y), 0);
    CHECK_OK(apply(&y, one, 1));
    float v = 0;
    CHECK_OK(mlx_array_item_float32(&v, y));
    CHECK_NEAR(v, log(2), 1e-6);
    CHECK_FAILS(apply(&y, x, 0), "[softplus] beta is not positive");
    CHECK_FAILS(apply(&y, mlx_array_empty, 1), "empty handle");
    mlx_array_free(x), mlx_array_free(y), mlx_array_free(t), mlx_array_free(none);
    mlx_array_free(one);
}

/* Profiles and errors call it by its name. */
static void has_a_name(void) {
    mlx_array x = mlx_array_new_data(points, (int[]){2, 3}, 2, MLX_FLOAT32), y = mlx_array_new();
    mlx_profile p = mlx_profile_new();
    mlx_profile_event e = {.name = ""};
    CHECK_OK(apply(&y, x, 2));
    CHECK_OK(mlx_profile_start(p, 0));
    CHECK_OK(mlx_array_eval(y));
    CHECK_OK(mlx_profile_stop(p));
    CHECK_OK(mlx_profile_get(&e, p, 0));
    CHECK_STR(e.name, "softplus");
    CHECK(e.bytes_read == 24 && e.bytes_written == 24);
    mlx_profile_free(p);
    mlx_array_free(x), mlx_array_free(y);
}

static void differentiates(void) {
    mlx_array x = mlx_array_new_data(points, (int[]){6}, 1, MLX_FLOAT32), one = mlx_array_new(),
              g = mlx_array_new();
    CHECK_OK(mlx_ones_like(&one, x, cpu));
    mlx_closure f = mlx_closure_new_func(apply_1), mapped = mlx_closure_new();
    mlx_vector_array in = mlx_vector_array_new_value(x), ones = mlx_vector_array_new_value(one),
                     y = mlx_vector_array_new(), slope = mlx_vector_array_new();
    CHECK_OK(mlx_vjp(&y, &slope, f, in, ones));
    CHECK_OK(mlx_vector_array_get(&g, slope, 0));
    CHECK_OK(mlx_array_eval(g));
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(mlx_array_data_float32(g)[i], 1 / (1 + exp(-points[i])), 1e-6);
    CHECK_OK(mlx_jvp(&y, &slope, f, in, ones));
    CHECK_OK(mlx_vector_array_get(&g, slope, 0));
    CHECK_OK(mlx_array_eval(g));
    CHECK_NEAR(mlx_array_data_float32(g)[1], 1 / (1 + exp(1.5)), 1e-6);
    CHECK_OK(mlx_vmap(&mapped, f, (int[]){0}, 1, (int[]){0}, 1));
    CHECK_OK(mlx_closure_apply(&y, mapped, in));
    CHECK_OK(mlx_vector_array_get(&g, y, 0));
    CHECK_OK(mlx_array_eval(g));
    CHECK_NEAR(mlx_array_data_float32(g)[4], log1p(exp(3)), 1e-5);
    mlx_array_free(x), mlx_array_free(one), mlx_array_free(g);
    mlx_closure_free(f), mlx_closure_free(mapped);
    mlx_vector_array_free(in), mlx_vector_array_free(ones), mlx_vector_array_free(y);
    mlx_vector_array_free(slope);
}

/* Two results, of which one may never be looked at; failures of the kernel. */
static void gives_two(void) {
    int a[3] = {1, 5, -7}, b[3] = {2, 4, -9};
    mlx_array x = mlx_array_new_data(a, (int[]){3}, 1, MLX_INT32),
              y = mlx_array_new_data(b, (int[]){3}, 1, MLX_INT32), r = mlx_array_new();
    for (int wide = 0; wide < 2; wide++) {
        mlx_value args[4] = {{.kind = MLX_VALUE_ARRAY, .as.array = x},
                             {.kind = MLX_VALUE_ARRAY, .as.array = y},
                             {.kind = MLX_VALUE_BOOL, .as.boolean = wide},
                             {.kind = MLX_VALUE_STREAM, .as.stream = cpu}};
        mlx_value value = {.kind = MLX_VALUE_NONE};
        CHECK_OK(mlx_operation_call(&value, mlx_plugin_operation_find("extremes"), args));
        CHECK_EQ_INT(value.kind, MLX_VALUE_TUPLE);
        CHECK_OK(mlx_vector_array_get(&r, value.as.arrays, 1));
        mlx_value_free(&value); // the first result goes before it is computed
        CHECK_OK(mlx_array_eval(r));
        CHECK_EQ_INT(mlx_array_dtype(r), wide ? MLX_INT64 : MLX_INT32);
        CHECK_EQ_INT(wide ? mlx_array_data_int64(r)[2] : mlx_array_data_int32(r)[2], -7);
    }
    mlx_array_free(x), mlx_array_free(y), mlx_array_free(r);
}

static void kernels_fail(void) {
    mlx_array x = mlx_array_new_int(666), r = mlx_array_new();
    mlx_value args[4] = {{.kind = MLX_VALUE_ARRAY, .as.array = x},
                         {.kind = MLX_VALUE_ARRAY, .as.array = x},
                         {.kind = MLX_VALUE_BOOL},
                         {.kind = MLX_VALUE_STREAM, .as.stream = cpu}};
    mlx_value value = {.kind = MLX_VALUE_NONE};
    CHECK_OK(mlx_operation_call(&value, mlx_plugin_operation_find("extremes"), args));
    CHECK_OK(mlx_vector_array_get(&r, value.as.arrays, 0));
    CHECK_FAILS(mlx_array_eval(r), "[extremes] 666 cannot be compared");
    CHECK_FAILS(mlx_array_eval(r), "[extremes] 666 cannot be compared");
    mlx_value_free(&value);
    mlx_array_free(x), mlx_array_free(r);
}

/* Rules that give what does not fit are refused by the name of the operation. */
static int gives_nothing(mlx_vector_array *res, const mlx_plugin_call *call,
                         const mlx_vector_array primals, const mlx_vector_array cotangents,
                         const mlx_vector_array outputs, const mlx_stream s) {
    (void)call, (void)primals, (void)cotangents, (void)outputs, (void)s;
    *res = mlx_vector_array_new();
    return 0;
}
static int apply_wrong(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_value args[2] = {{.kind = MLX_VALUE_ARRAY}, {.kind = MLX_VALUE_STREAM, .as.stream = cpu}};
    mlx_value value = {.kind = MLX_VALUE_NONE};
    args[0].as.array = mlx_array_new();
    *res = mlx_vector_array_new();
    int status = mlx_vector_array_get(&args[0].as.array, in, 0) ||
                 mlx_operation_call(&value, mlx_plugin_operation_find("wrong"), args) ||
                 mlx_vector_array_append_value(*res, value.as.array);
    mlx_value_free(&value);
    mlx_array_free(args[0].as.array);
    return status;
}
static int same_shape(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                      mlx_plugin_shape *out) {
    (void)call, (void)n;
    *out = (mlx_plugin_shape){in->dtype, in->size == 3 ? 77 : 0, {0}};
    return 0;
}
static int does_nothing(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                        const mlx_plugin_array *out) {
    (void)call, (void)in, (void)n;
    memset(out->data, 0, 4);
    return 0;
}

static void rules_that_are_wrong(void) {
    mlx_plugin_operation o = {.size = sizeof o,
                              .signature = "wrong(x: array, *, stream: StreamOrDevice = None)",
                              .results = 1,
                              .shape = same_shape,
                              .kernel = does_nothing,
                              .vjp = gives_nothing};
    CHECK_OK(mlx_operation_register(&o));
    mlx_array three = mlx_array_new_data(points, (int[]){3}, 1, MLX_FLOAT32),
              one = mlx_array_new_float(1);
    mlx_closure f = mlx_closure_new_func(apply_wrong);
    mlx_vector_array in = mlx_vector_array_new_value(one), y = mlx_vector_array_new(),
                     slope = mlx_vector_array_new(), bad = mlx_vector_array_new_value(three);
    CHECK_FAILS(mlx_vjp(&y, &slope, f, in, in), "[wrong] its rule gave 0 arrays, 1 are needed");
    CHECK_FAILS(mlx_jvp(&y, &slope, f, in, in), "registered without a jvp rule");
    CHECK_FAILS(mlx_closure_apply(&y, f, bad), "[wrong] its shape rule gave a shape");
    mlx_array_free(three), mlx_array_free(one);
    mlx_closure_free(f);
    mlx_vector_array_free(in), mlx_vector_array_free(y), mlx_vector_array_free(slope);
    mlx_vector_array_free(bad);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(registers);
    RUN(refuses);
    RUN(computes);
    RUN(has_a_name);
    RUN(differentiates);
    RUN(gives_two);
    RUN(kernels_fail);
    RUN(rules_that_are_wrong);
    return check_done();
}
