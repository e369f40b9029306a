/* Functions as values: a closure with a payload, its gradient, and it compiled.
 *
 *     f(x) = scale * sum(x^3)
 */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "mlx/c/mlx.h"

static mlx_stream stream;

/* The function: inputs are borrowed, the result handle is filled. Non-zero: it failed. */
static int cubes(mlx_vector_array *res, const mlx_vector_array in, void *payload) {
    const float *scale = payload;
    mlx_array x = mlx_array_new(), y = mlx_array_new(), s = mlx_array_new_float32(*scale);
    int failed = mlx_vector_array_get(&x, in, 0) || mlx_square(&y, x, stream) ||
                 mlx_multiply(&y, y, x, stream) || mlx_sum(&y, y, false, stream) ||
                 mlx_multiply(&y, y, s, stream) || mlx_vector_array_set_value(res, y);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(s);
    return failed;
}

static void forget(void *payload) {
    printf("the payload is freed\n");
    free(payload);
}

static void print(const char *what, const mlx_vector_array v) {
    mlx_array a = mlx_array_new();
    mlx_string text = mlx_string_new();
    mlx_vector_array_get(&a, v, 0);
    mlx_array_tostring(&text, a);
    printf("%s: %s\n", what, mlx_string_data(text));
    mlx_string_free(text);
    mlx_array_free(a);
}

int main(int argc, char **argv) {
    begin_command(argc, argv, "usage: closures\n", 0, 0);
    float data[] = {1, 2, 3}, *scale = malloc(sizeof *scale);
    int shape[] = {3}, first = 0;
    *scale = 0.5f;
    stream = mlx_default_cpu_stream_new();
    mlx_array x = mlx_array_new_data(data, shape, 1, MLX_FLOAT32);
    mlx_vector_array in = mlx_vector_array_new_value(x);
    mlx_vector_array out = mlx_vector_array_new(), grad = mlx_vector_array_new();
    mlx_closure f = mlx_closure_new_func_payload(cubes, scale, forget), fast = mlx_closure_new();
    mlx_closure_value_and_grad slope = mlx_closure_value_and_grad_new();

    int failed = mlx_closure_apply(&out, f, in);
    print("value", out);
    failed = failed || mlx_value_and_grad(&slope, f, &first, 1) ||
             mlx_closure_value_and_grad_apply(&out, &grad, slope, in);
    print("gradient", grad);
    failed = failed || mlx_compile(&fast, f, false) || mlx_closure_apply(&out, fast, in);
    print("compiled", out);

    mlx_closure_value_and_grad_free(slope);
    mlx_closure_free(fast);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(grad);
    mlx_array_free(x);
    mlx_stream_free(stream);
    return failed || printed();
}
