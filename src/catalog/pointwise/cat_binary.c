/* Operations of two arrays: shapes broadcast, dtypes are promoted, Python's scalars are weak. */
#include "catalog/cat.h"

static int call_binary(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    return cat_pair(&args[0], &args[1]) || op->function.binary(OUT, ARRAY(0), ARRAY(1), ON(2));
}

/* Each by itself is true or not: a number need not fit into the other's dtype. */
static int call_logical(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           op->function.binary(OUT, ARRAY(0), ARRAY(1), ON(2));
}

static int call_divmod(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_pair(&args[0], &args[1]) ||
           mlx_divmod(cat_results(res, MLX_VALUE_ARRAYS), ARRAY(0), ARRAY(1), ON(2));
}

typedef int close_function(mlx_array *, const mlx_array, const mlx_array, double, double, bool,
                           const mlx_stream);
typedef struct close_family {
    close_function *call;
} close_family;

/* a, b, rtol, atol, equal_nan, stream */
static int call_close(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const close_family *f = op->function.family;
    return cat_pair(&args[0], &args[1]) || f->call(OUT, ARRAY(0), ARRAY(1), cat_number(&args[2]),
                                                   cat_number(&args[3]), FLAG(4), ON(5));
}

/* a, b, equal_nan, stream */
static int call_array_equal(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_pair(&args[0], &args[1]) || mlx_array_equal(OUT, ARRAY(0), ARRAY(1), FLAG(2), ON(3));
}

/* condition, x, y, stream */
static int call_where(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_pair(&args[1], &args[2]) ||
           mlx_where(OUT, ARRAY(0), ARRAY(1), ARRAY(2), ON(3));
}

/* A bound of clip beside a; the bound may be None. */
static int bound(mlx_value *a, mlx_value *b) {
    return cat_is_none(b) ? 0 : cat_pair(a, b);
}

/* a, a_min, a_max, stream */
static int call_clip(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_is_none(&args[1]) && cat_is_none(&args[2]))
        return cat_fail(MX_INVALID, "[clip] at most one of a_min and a_max may be None");
    return cat_array(&args[0]) || bound(&args[0], &args[1]) || bound(&args[0], &args[2]) ||
           mlx_clip(OUT, ARRAY(0), cat_handle(&args[1]), cat_handle(&args[2]), ON(3));
}

#define ROW(signature, f, doc)     {CORE, signature, doc, call_binary, {.binary = f}, false}
#define LOGICAL(signature, f, doc) {CORE, signature STREAM, doc, call_logical, {.binary = f}, false}
#define B(name, f, doc)            ROW(name "(a: scalar | array, b: scalar | array, " STREAM, f, doc)
#define B_POSITION(name, f, doc) \
    ROW(name "(a: scalar | array, b: scalar | array, /, *, " STREAM, f, doc)

/* condition, stream */
static int call_nonzero(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_nonzero(cat_results(res, MLX_VALUE_TUPLE), ARRAY(0), ON(1));
}

const mlx_operation cat_binary_rows[] = {
    B("add", mlx_add,
      "a + b, element by element. Shapes broadcast, dtypes are promoted, integers wrap around."),
    B("subtract", mlx_subtract, "a - b, element by element."),
    B("multiply", mlx_multiply, "a * b, element by element."),
    B("divide", mlx_divide,
      "a / b, element by element, in floating point: integers become float32."),
    B("floor_divide", mlx_floor_divide,
      "a / b rounded down, element by element. Integers stay integers, and give 0 where b is 0."),
    B("remainder", mlx_remainder,
      "What is left of a after whole multiples of b, element by element; it has the sign of b."),
    B_POSITION("power", mlx_power, "a raised to b, element by element."),
    B_POSITION("maximum", mlx_maximum,
               "The larger of a and b, element by element; NaN where either is."),
    B_POSITION("minimum", mlx_minimum,
               "The smaller of a and b, element by element; NaN where either is."),
    B_POSITION("logaddexp", mlx_logaddexp,
               "log(exp(a) + exp(b)), element by element, safe from overflow."),
    B_POSITION("arctan2", mlx_arctan2,
               "The angle of the point (b, a), element by element, from -pi to pi."),
    B("equal", mlx_equal, "a == b, element by element."),
    B("not_equal", mlx_not_equal, "a != b, element by element."),
    B("less", mlx_less, "a < b, element by element."),
    B("less_equal", mlx_less_equal, "a <= b, element by element."),
    B("greater", mlx_greater, "a > b, element by element."),
    B("greater_equal", mlx_greater_equal, "a >= b, element by element."),
    LOGICAL("logical_and(a: array, b: array, /, *, ", mlx_logical_and,
            "True where both a and b are not zero."),
    LOGICAL("logical_or(a: array, b: array, /, *, ", mlx_logical_or,
            "True where a or b is not zero."),
    LOGICAL("logical_xor(a: scalar | array, b: scalar | array, /, *, ", mlx_logical_xor,
            "True where one of a and b is not zero, and not both."),
    B("bitwise_and", mlx_bitwise_and, "The bits set in both integers, element by element."),
    B("bitwise_or", mlx_bitwise_or, "The bits set in either integer, element by element."),
    B("bitwise_xor", mlx_bitwise_xor,
      "The bits set in one integer and not in both, element by element."),
    B("left_shift", mlx_left_shift, "The bits of a moved left by b places, element by element."),
    B("right_shift", mlx_right_shift, "The bits of a moved right by b places, element by element."),
    {CORE, "divmod(a: scalar | array, b: scalar | array, " STREAM,
     "A list of the quotient, rounded down, and the remainder, which has the sign of b.",
     call_divmod},
    {CORE,
     "isclose(a: array, b: array, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool "
     "= False, " STREAM,
     "True where |a - b| <= atol + rtol |b|. Infinities are close to themselves, NaN to NaN if "
     "equal_nan.",
     call_close, FAMILY(close_family, mlx_isclose)},
    {CORE,
     "allclose(a: array, b: array, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: "
     "bool = False, " STREAM,
     "Whether all elements are close (see isclose), as an array of one bool.", call_close,
     FAMILY(close_family, mlx_allclose)},
    {CORE, "array_equal(a: scalar | array, b: scalar | array, equal_nan: bool = False, " STREAM,
     "Whether a and b have the same shape and elements, as an array of one bool.",
     call_array_equal},
    {CORE, "where(condition: scalar | array, x: scalar | array, y: scalar | array, /, *, " STREAM,
     "x where condition holds and y elsewhere. The three shapes broadcast.", call_where},
    {CORE,
     "where(condition: scalar | array, /, *, stream: StreamOrDevice = None) -> tuple[array, ...]",
     "Where the condition holds: its nonzero(), which evaluates it.",
     call_nonzero,
     {NULL},
     true},
    {CORE,
     "clip(a: array, /, a_min: scalar | array | None, a_max: scalar | array | None, *, " STREAM,
     "Elements below a_min become a_min, those above a_max become a_max. One of the two may be "
     "None.",
     call_clip},
    {NULL},
};
