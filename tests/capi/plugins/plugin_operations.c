/* A plug-in with two operations: softplus, log(1 + exp(beta x)) / beta, with all rules, and
 * extremes, the smaller and the larger of two arrays of integers, with none.
 *
 * It is built against the public headers alone; what its rules call is looked up by name.
 */
#include <math.h>
#include <string.h>

#include "mlx/c/mlx.h"

#ifndef BROKEN
#define BROKEN 0
#endif
#if BROKEN == 2
#define NAME "soft-plus"
#else
#define NAME "softplus"
#endif

#define CALLED(X)                    \
    X(mlx_multiply)                  \
    X(mlx_sigmoid)                   \
    X(mlx_array_new_float)           \
    X(mlx_array_new)                 \
    X(mlx_array_free)                \
    X(mlx_vector_array_get)          \
    X(mlx_vector_array_append_value) \
    X(mlx_operation_call) X(mlx_vector_array_new) X(mlx_plugin_operation_find)
#define DECLARE(name) static __typeof__(name) *p_##name;
CALLED(DECLARE)

/* --- softplus --------------------------------------------------------------------------------- */

static int softplus_shape(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                          mlx_plugin_shape *out) {
    if (n != 1 || in->dtype != MLX_FLOAT32)
        return call->fail(call->ctx, "x is not float32");
    if (!(call->numbers[0].number > 0))
        return call->fail(call->ctx, "beta is not positive");
    out->dtype = in->dtype;
    out->ndim = in->ndim;
    memcpy(out->shape, in->shape, (size_t)in->ndim * sizeof(int));
    return 0;
}

typedef struct piece {
    const float *x;
    float *y;
    double beta;
} piece;

static void softplus_range(void *arg, int64_t begin, int64_t end) {
    const piece *p = arg;
    for (int64_t i = begin; i < end; i++)
        p->y[i] = (float)(fmax(p->x[i], 0) + log1p(exp(-p->beta * fabs(p->x[i]))) / p->beta);
}

static int softplus_kernel(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                           const mlx_plugin_array *out) {
    piece p = {in->data, out->data, call->numbers[0].number};
    (void)n;
    call->parallel((int64_t)in->size, 4096, softplus_range, &p);
    return 0;
}

/* d / dx = sigmoid(beta x), which goes with the cotangent or the tangent, g. */
static int softplus_slope(mlx_vector_array *res, const mlx_plugin_call *call,
                          const mlx_vector_array primals, const mlx_vector_array g,
                          const mlx_stream s) {
    mlx_array x = p_mlx_array_new(), y = p_mlx_array_new(), c = p_mlx_array_new();
    mlx_array beta = p_mlx_array_new_float((float)call->numbers[0].number);
    if (BROKEN != 1)
        *res = p_mlx_vector_array_new();
    int status = p_mlx_vector_array_get(&x, primals, 0) || p_mlx_vector_array_get(&c, g, 0) ||
                 p_mlx_multiply(&y, x, beta, s) || p_mlx_sigmoid(&x, y, s) ||
                 p_mlx_multiply(&y, x, c, s) || p_mlx_vector_array_append_value(*res, y);
    p_mlx_array_free(x), p_mlx_array_free(y), p_mlx_array_free(c), p_mlx_array_free(beta);
    return status;
}

static int softplus_vjp(mlx_vector_array *res, const mlx_plugin_call *call,
                        const mlx_vector_array primals, const mlx_vector_array cotangents,
                        const mlx_vector_array outputs, const mlx_stream s) {
    (void)outputs;
    return softplus_slope(res, call, primals, cotangents, s);
}

/* Element by element: the batch is one more axis. */
static int softplus_vmap(mlx_vector_array *res, int *out_axes, const mlx_plugin_call *call,
                         const mlx_vector_array inputs, const int *axes, const mlx_stream s) {
    mlx_value args[3] = {{.kind = MLX_VALUE_ARRAY},
                         {.kind = MLX_VALUE_FLOAT, .as.number = call->numbers[0].number},
                         {.kind = MLX_VALUE_STREAM, .as.stream = s}};
    mlx_value value = {.kind = MLX_VALUE_NONE};
    args[0].as.array = p_mlx_array_new();
    *res = p_mlx_vector_array_new();
    int status = p_mlx_vector_array_get(&args[0].as.array, inputs, 0) ||
                 p_mlx_operation_call(&value, p_mlx_plugin_operation_find("softplus"), args) ||
                 p_mlx_vector_array_append_value(*res, value.as.array);
    if (value.kind == MLX_VALUE_ARRAY)
        p_mlx_array_free(value.as.array);
    p_mlx_array_free(args[0].as.array);
    *out_axes = *axes;
    return status;
}

/* --- extremes --------------------------------------------------------------------------------- */

static int extremes_shape(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                          mlx_plugin_shape *out) {
    if (n != 2 || in[0].dtype != MLX_INT32 || in[1].dtype != MLX_INT32 || in[0].size != in[1].size)
        return call->fail(call->ctx, "two arrays of int32 of one size are needed");
    for (int j = 0; j < 2; j++) {
        out[j] = (mlx_plugin_shape){MLX_INT32, 1, {(int)in[0].size}};
        if (j && call->numbers[0].integer)
            out[j].dtype = MLX_INT64;
    }
    return 0;
}

static int extremes_kernel(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n,
                           const mlx_plugin_array *out) {
    const int32_t *a = in[0].data, *b = in[1].data;
    (void)n;
    for (size_t i = 0; i < in->size; i++) {
        if (a[i] == 666)
            return call->fail(call->ctx, "666 cannot be compared");
        ((int32_t *)out[0].data)[i] = a[i] < b[i] ? a[i] : b[i];
        int32_t more = a[i] < b[i] ? b[i] : a[i];
        if (call->numbers[0].integer)
            ((int64_t *)out[1].data)[i] = more;
        else
            ((int32_t *)out[1].data)[i] = more;
    }
    return 0;
}

/* --- the entry -------------------------------------------------------------------------------- */

static const mlx_plugin_operation softplus = {
    .size = sizeof softplus,
    .signature = NAME "(x: array, /, beta: float = 1.0, *, stream: StreamOrDevice = None) -> "
                      "array",
    .doc = "log(1 + exp(beta x)) / beta of float32.",
    .results = 1,
    .shape = softplus_shape,
    .kernel = softplus_kernel,
    .vjp = softplus_vjp,
    .jvp = softplus_slope,
    .vmap = softplus_vmap,
};
static const mlx_plugin_operation extremes = {
    .size = sizeof extremes,
    .signature = "extremes(a: array, b: array, wide: bool = False, *, stream: StreamOrDevice = "
                 "None) -> tuple[array, array]",
    .results = 2,
    .shape = extremes_shape,
    .kernel = extremes_kernel,
};

static int operations_init(const mlx_plugin_host *host) {
#define FIND(name)                                               \
    if (!(p_##name = (__typeof__(p_##name))host->symbol(#name))) \
        return 1;
    CALLED(FIND)
    return host->operation_register(&softplus) || host->operation_register(&extremes);
}

const mlx_plugin *mlx_plugin_entry(void) {
    static const mlx_plugin plugin = {MLX_PLUGIN_ABI, "operations", operations_init};
    return &plugin;
}
