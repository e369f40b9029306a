/* Products of matrices. */
#include "catalog/cat.h"

/* a, b, stream */
static int call_product(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    return cat_pair(&args[0], &args[1]) || op->function.binary(OUT, ARRAY(0), ARRAY(1), ON(2));
}

/* c, a, b, alpha, beta, stream */
static int call_addmm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[1]) || cat_array(&args[2]) || cat_pair(&args[1], &args[0]))
        return 1;
    bool wide = false;
    for (int i = 0; i < 3; i++)
        wide |= mlx_array_dtype(ARRAY(i)) == MLX_FLOAT64;
    mlx_dtype t = wide ? MLX_FLOAT64 : MLX_FLOAT32;
    return mlx_addmm_f64(OUT, ARRAY(0), ARRAY(1), ARRAY(2), cat_number_for(&args[3], t),
                         cat_number_for(&args[4], t), ON(5));
}

/* a, b, axes, stream */
static int call_tensordot(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) || cat_array(&args[1]))
        return 1;
    if (args[2].kind == MLX_VALUE_INT)
        return mlx_tensordot_axis(OUT, ARRAY(0), ARRAY(1), INT(2), ON(3));
    if (args[2].kind != MLX_VALUE_LIST || args[2].count != 2)
        return cat_fail(MX_INVALID, "[tensordot] axes must be a number or two lists of axes");
    int one_a, one_b;
    cat_list a = cat_ints(&args[2].as.items[0], &one_a), b = cat_ints(&args[2].as.items[1], &one_b);
    return mlx_tensordot(OUT, ARRAY(0), ARRAY(1), a.ints, a.count, b.ints, b.count, ON(3));
}

/* a, b, axis, stream */
static int call_vecdot(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_vecdot(OUT, ARRAY(0), ARRAY(1), INT(2), ON(3));
}

/* a, scale, stream */
static int call_hadamard(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    double scale = cat_number_for(&args[1], mlx_array_dtype(ARRAY(0)));
    return mlx_hadamard_transform_f64(OUT, ARRAY(0), cat_is_none(&args[1]) ? NULL : &scale, ON(2));
}

const mlx_operation cat_matmul_rows[] = {
    {CORE,
     "matmul(a: array, b: array, /, *, " STREAM,
     "The matrix product of (..., M, K) and (..., K, N). The axes in front broadcast; a vector "
     "stands for a row on the "
     "left and for a column on the right, and its axis is dropped.",
     call_product,
     {.binary = mlx_matmul}},
    {CORE,
     "inner(a: array, b: array, /, *, " STREAM,
     "The sum of products over the last axes of a and b, for all pairs of the other axes.",
     call_product,
     {.binary = mlx_inner}},
    {CORE,
     "outer(a: array, b: array, /, *, " STREAM,
     "The products of all pairs of elements of two flattened arrays.",
     call_product,
     {.binary = mlx_outer}},
    {CORE,
     "kron(a: array, b: array, *, " STREAM,
     "The Kronecker product: each element of a times the whole of b.",
     call_product,
     {.binary = mlx_kron}},
    {CORE,
     "addmm(c: array, a: array, b: array, /, alpha: float = 1.0, beta: float = 1.0,  *, " STREAM,
     "alpha (a @ b) + beta c in one operation.", call_addmm},
    {CORE, "tensordot(a: array, b: array, /, axes: int | list[Sequence[int]] = 2, *, " STREAM,
     "The sum of products over pairs of axes: the last axes of a and the first of b, as many as "
     "the int says, or the "
     "two lists of axes.",
     call_tensordot},
    {CORE, "vecdot(a: array, b: array, /, *, axis: int = -1, " STREAM,
     "sum(conj(a) b) along an axis.", call_vecdot},
    {CORE, "hadamard_transform(a: array, scale: float | None = None, " STREAM,
     "The Walsh-Hadamard transform of the last axis, whose length is m 2^k with m 1, 12, 20 or "
     "28, times scale, by "
     "default 1 / sqrt(length).",
     call_hadamard},
    {NULL},
};
