/* Questions about dtypes, and replacements of numbers. */
#include "catalog/cat.h"

/* Of an array or a dtype. */
static int dtype_of(mlx_dtype *out, const mlx_value *v) {
    if (v->kind != MLX_VALUE_DTYPE && v->kind != MLX_VALUE_ARRAY)
        return cat_fail(MX_INVALID, "[result_type] arrays and dtypes are needed");
    *out = v->kind == MLX_VALUE_DTYPE ? v->as.dtype : mlx_array_dtype(v->as.array);
    return 0;
}

static bool is_scalar(const mlx_value *v) {
    return v->kind != MLX_VALUE_DTYPE && v->kind != MLX_VALUE_ARRAY;
}

/* Scalars are weak: they count where the other dtypes cannot hold their kind. */
static mlx_dtype beside(mlx_dtype t, const mlx_value *scalar) {
    if (scalar->kind == MLX_VALUE_COMPLEX)
        return MLX_COMPLEX64;
    if (scalar->kind == MLX_VALUE_FLOAT)
        return t < MLX_FLOAT16 ? MLX_FLOAT32 : t;
    return t == MLX_BOOL && scalar->kind != MLX_VALUE_BOOL ? MLX_INT32 : t;
}

/* *arrays_and_dtypes */
static int call_result_type(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const mlx_value *all = args[0].as.items;
    mlx_dtype t = MLX_BOOL, next = MLX_BOOL;
    int strong = 0;
    (void)op;
    for (int i = 0; i < args[0].count; i++)
        if (!is_scalar(&all[i]) &&
            (dtype_of(&next, &all[i]) || mlx_result_type(&t, strong++ ? t : next, next)))
            return 1;
    if (!strong)
        return cat_fail(MX_INVALID, "[result_type] at least one array or dtype is needed");
    for (int i = 0; i < args[0].count; i++)
        if (is_scalar(&all[i]))
            t = beside(t, &all[i]);
    *res = (mlx_value){.kind = MLX_VALUE_DTYPE, .as.dtype = t};
    return 0;
}

/* from_, to */
static int call_can_cast(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_dtype from = MLX_BOOL;
    bool can = false;
    (void)op;
    if (dtype_of(&from, &args[0]) || mlx_can_cast(&can, from, args[1].as.dtype))
        return 1;
    *res = (mlx_value){.kind = MLX_VALUE_BOOL, .as.boolean = can};
    return 0;
}

/* a, nan, posinf, neginf, stream */
static int call_nan_to_num(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    double high = cat_number(&args[2]), low = cat_number(&args[3]);
    (void)op;
    return cat_array(&args[0]) || mlx_nan_to_num_f64(OUT, ARRAY(0), cat_number(&args[1]),
                                                     cat_is_none(&args[2]) ? NULL : &high,
                                                     cat_is_none(&args[3]) ? NULL : &low, ON(4));
}

const mlx_operation cat_dtype_rows[] = {
    {CORE, "result_type(*arrays_and_dtypes: scalar | array | Dtype) -> Dtype",
     "The dtype of an operation on all of them. Numbers count where the others cannot hold their "
     "kind.",
     call_result_type},
    {CORE, "can_cast(from_: array | Dtype, to: Dtype) -> bool",
     "Whether a dtype, or that of an array, becomes another by the rules of promotion.",
     call_can_cast},
    {CORE,
     "nan_to_num(a: scalar | array, nan: float = 0, posinf: float | None = None, neginf: float | "
     "None = None, *, " STREAM,
     "Elements that are not numbers replaced by nan, infinities by posinf and neginf, which by "
     "default are the largest "
     "and the smallest number of the dtype.",
     call_nan_to_num},
    {NULL},
};
