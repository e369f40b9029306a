/* The catalog: the tables of all families, one after the other, and second names. */
#include "capi/capi.h"
#include "catalog/cat.h"

static const mlx_operation *const tables[] = {
    cat_unary_rows,  cat_binary_rows, cat_reduce_rows,   cat_shape_rows, cat_join_rows,
    cat_index_rows,  cat_create_rows, cat_matmul_rows,   cat_conv_rows,  cat_random_rows,
    cat_linalg_rows, cat_fft_rows,    cat_fast_rows,     cat_dtype_rows, cat_process_rows,
    cat_einsum_rows, cat_memory_rows, cat_gather_rows,   cat_quant_rows, cat_stats_rows,
    cat_set_rows,    cat_extra_rows,  cat_standard_rows, // second rows come last
};

/* The adapter calls public functions and lets go of values between them; an error waits until it
   has come back. */
int mlx_operation_call(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    if (!res || !op || !args)
        return cat_fail(MX_INVALID, "[operation_call] the %s NULL",
                        !res  ? "result is"
                        : !op ? "operation is"
                              : "arguments are");
    capi_callback c = capi_callback_begin();
    int status = op->adapter(res, op, args);
    if (capi_callback_end(c, "operation_call", status))
        return 0;
    mlx_value_free(res);
    return capi_report();
}

const mlx_operation *mlx_catalog_get(size_t i) {
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const mlx_operation *row = tables[t]; row->module; row++)
            if (i-- == 0)
                return row;
    return NULL;
}

size_t mlx_catalog_size(void) {
    size_t n = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const mlx_operation *row = tables[t]; row->module; row++)
            n++;
    return n;
}

static const mlx_operation_alias aliases[] = {
    {CORE, "absolute", "abs"},
    {CORE, "acos", "arccos"},
    {CORE, "acosh", "arccosh"},
    {CORE, "asin", "arcsin"},
    {CORE, "asinh", "arcsinh"},
    {CORE, "atan", "arctan"},
    {CORE, "atan2", "arctan2"},
    {CORE, "atanh", "arctanh"},
    {CORE, "bitwise_left_shift", "left_shift"},
    {CORE, "bitwise_right_shift", "right_shift"},
    {CORE, "bitwise_not", "bitwise_invert"},
    {CORE, "cumulative_prod", "cumprod"},
    {CORE, "cumulative_sum", "cumsum"},
    {CORE, "deg2rad", "radians"},
    {CORE, "empty", "zeros"},
    {CORE, "empty_like", "zeros_like"},
    {CORE, "matrix_norm", "norm", "mlx.core.linalg"},
    {CORE, "mod", "remainder"},
    {CORE, "permute_dims", "transpose"},
    {CORE, "pow", "power"},
    {CORE, "rad2deg", "degrees"},
    {CORE, "true_divide", "divide"},
    {"mlx.core.linalg", "matmul", "matmul", CORE},
    {"mlx.core.linalg", "outer", "outer", CORE},
    {"mlx.core.linalg", "tensordot", "tensordot", CORE},
    {"mlx.core.linalg", "vecdot", "vecdot", CORE},
};

const mlx_operation_alias *mlx_catalog_alias(size_t i) {
    return i < sizeof aliases / sizeof *aliases ? &aliases[i] : NULL;
}
