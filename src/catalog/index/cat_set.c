/* Operations whose shapes depend on values, which evaluate their argument, and membership. */
#include "catalog/cat.h"

/* a, stream */
static int call_nonzero(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    if (!mlx_array_ndim(ARRAY(0)))
        return cat_fail(MX_INVALID, "[nonzero] an array without axes has no indices");
    return mlx_nonzero(cat_results(res, MLX_VALUE_TUPLE), ARRAY(0), ON(1));
}

/* x, weights, minlength, stream */
static int call_bincount(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_optional_array(&args[1]) ||
           mlx_bincount(OUT, ARRAY(0), cat_handle(&args[1]), INT(2), ON(3));
}

/* Keep those of a list's arrays that are wanted; one alone is an array, several are a tuple. */
static int choose(mlx_value *res, mlx_vector_array all, const bool *wanted, int n) {
    mlx_array one = mlx_array_new();
    mlx_vector_array some = mlx_vector_array_new();
    int count = 0, status = !some.ctx;
    for (int i = 0; i < n && !status; i++)
        if (wanted[i] && ++count)
            status = mlx_vector_array_get(&one, all, (size_t)i) ||
                     mlx_vector_array_append_value(some, one);
    if (!status && count == 1) {
        mlx_vector_array_free(some);
        *OUT = one;
        return 0;
    }
    mlx_array_free(one);
    *cat_results(res, MLX_VALUE_TUPLE) = some;
    return status;
}

static int unique(mlx_value *res, mlx_value *a, bool same_nan, const bool *wanted, mlx_stream s) {
    mlx_vector_array all = {NULL};
    int status =
        cat_array(a) || mlx_unique(&all, a->as.array, same_nan, s) || choose(res, all, wanted, 4);
    mlx_vector_array_free(all);
    return status;
}

/* As `unique`, of so many values; fill is None, a number or an array. */
static int unique_sized(mlx_value *res, mlx_value *a, int size, mlx_value *fill, const bool *wanted,
                        mlx_stream s) {
    mlx_vector_array all = {NULL};
    int status = cat_array(a) || (!cat_is_none(fill) && cat_pair(a, fill)) ||
                 mlx_unique_sized(&all, a->as.array, size, cat_handle(fill), s) ||
                 choose(res, all, wanted, 4);
    mlx_vector_array_free(all);
    return status;
}

/* a, size, return_index, return_inverse, return_counts, fill_value, equal_nan, stream */
static int call_unique(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    bool wanted[4] = {true, FLAG(2), FLAG(3), FLAG(4)}, sized = !cat_is_none(&args[1]);
    (void)op;
    if (sized && args[6].kind == MLX_VALUE_BOOL && FLAG(6))
        return cat_fail(MX_INVALID,
                        "[unique] with a size NaN differs from NaN: equal_nan is for all values");
    if (!sized && !cat_is_none(&args[5]))
        return cat_fail(MX_INVALID, "[unique] a fill_value is for a size");
    return sized ? unique_sized(res, &args[0], INT(1), &args[5], wanted, ON(7))
                 : unique(res, &args[0], cat_is_none(&args[6]) || FLAG(6), wanted, ON(7));
}

typedef struct parts {
    bool wanted[4];
} parts;

/* x, stream */
static int call_unique_parts(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const parts *p = op->function.family;
    return unique(res, &args[0], false, p->wanted, ON(1));
}

/* x1, x2, invert, stream */
static int call_isin(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_pair(&args[0], &args[1]) || mlx_isin(OUT, ARRAY(0), ARRAY(1), FLAG(2), ON(3));
}

#define TUPLE(n)  "stream: StreamOrDevice = None) -> tuple[" n "]"
#define EVALUATES " The array is evaluated."

const mlx_operation cat_set_rows[] = {
    {CORE,
     "nonzero(a: array, /, *, " TUPLE("array, ..."),
     "The indices of the elements that are not zero, one vector of int32 for each axis." EVALUATES,
     call_nonzero,
     {NULL},
     true},
    {CORE,
     "bincount(x: array, /, weights: array | None = None, minlength: int = 0, *, " STREAM,
     "How often each whole number from 0 occurs in a vector, or the sum of its weights; at least "
     "minlength numbers." EVALUATES,
     call_bincount,
     {NULL},
     true},
    {CORE,
     "unique(a: array, /, size: int | None = None, return_index: bool = False, return_inverse: "
     "bool = False, "
     "return_counts: bool = False, fill_value: scalar | array | None = None, *, equal_nan: bool | "
     "None = None, "
     "stream: StreamOrDevice = None) -> array | tuple[array, ...]",
     "The different values of the flattened array, ascending; if asked for, also where each "
     "occurs first, which of them "
     "each element is, and how often each occurs. With a size nothing is evaluated: the result is "
     "cut to that many "
     "values, or filled with fill_value (by default the first value) and count 0, and NaN differs "
     "from NaN. Without one "
     "the array is evaluated, and all NaN count as one value unless equal_nan is False.",
     call_unique,
     {NULL},
     true},
    {CORE, "unique_all(x: array, /, *, " TUPLE("array, array, array, array"),
     "Values, first indices, inverse indices and counts of the array API standard; NaN differs "
     "from NaN." EVALUATES,
     call_unique_parts, FAMILY(parts, {true, true, true, true}), true},
    {CORE, "unique_counts(x: array, /, *, " TUPLE("array, array"),
     "Values and counts of the array API standard; NaN differs from NaN." EVALUATES,
     call_unique_parts, FAMILY(parts, {true, false, false, true}), true},
    {CORE, "unique_inverse(x: array, /, *, " TUPLE("array, array"),
     "Values and inverse indices of the array API standard; NaN differs from NaN." EVALUATES,
     call_unique_parts, FAMILY(parts, {true, false, true, false}), true},
    {CORE, "unique_values(x: array, /, *, " STREAM,
     "The different values; NaN differs from NaN." EVALUATES, call_unique_parts,
     FAMILY(parts, {true, false, false, false}), true},
    {CORE, "isin(x1: scalar | array, x2: scalar | array, /, *, invert: bool = False, " STREAM,
     "Whether each element of x1 is among those of x2, or is not if invert.", call_isin},
    {NULL},
};
