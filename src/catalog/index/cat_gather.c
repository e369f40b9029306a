/* Products of parts: of matrices picked by indices, of segments, of blocks that a mask leaves. */
#include "catalog/cat.h"

static int optional_arrays(mlx_value *args, int from, int to) {
    for (int i = from; i <= to; i++)
        if (cat_optional_array(&args[i]))
            return 1;
    return 0;
}

/* a, b, lhs_indices, rhs_indices, sorted_indices, stream */
static int call_gather_mm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || optional_arrays(args, 2, 3) ||
           mlx_gather_mm(OUT, ARRAY(0), ARRAY(1), cat_handle(&args[2]), cat_handle(&args[3]),
                         FLAG(4), ON(5));
}

/* a, b, block_size, mask_out, mask_lhs, mask_rhs, stream */
static int call_block_masked_mm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || optional_arrays(args, 3, 5) ||
           mlx_block_masked_mm(OUT, ARRAY(0), ARRAY(1), INT(2), cat_handle(&args[3]),
                               cat_handle(&args[4]), cat_handle(&args[5]), ON(6));
}

/* a, b, segments, stream */
static int call_segmented_mm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || cat_array(&args[2]) ||
           mlx_segmented_mm(OUT, ARRAY(0), ARRAY(1), ARRAY(2), ON(3));
}

const mlx_operation cat_gather_rows[] = {
    {CORE,
     "gather_mm(a: array, b: array, /, lhs_indices: array | None = None, rhs_indices: array | "
     "None = None, *, "
     "sorted_indices: bool = False, " STREAM,
     "Matrix products of matrices picked from the batches of a and b by indices, which broadcast; "
     "without indices all are "
     "taken in order. sorted_indices says that rhs_indices ascend, which is faster.",
     call_gather_mm},
    {CORE,
     "block_masked_mm(a: array, b: array, /, block_size: int = 64, mask_out: array | None = None, "
     "mask_lhs: array | "
     "None = None, mask_rhs: array | None = None, *, " STREAM,
     "The matrix product where blocks of a, b and the result are left out if their mask is False, "
     "or scaled if it is a "
     "number.",
     call_block_masked_mm},
    {CORE, "segmented_mm(a: array, b: array, /, segments: array, *, " STREAM,
     "For each pair (from, to) of segments the product of a and b over that range of the inner "
     "axis alone.",
     call_segmented_mm},
    {NULL},
};
