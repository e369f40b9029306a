/* Pointwise operations: dtypes of results for every dtype, values, messages, and what
 * is made of them. The kernels' own values are tested in test_k_pointwise.c. */
#include "cases/op_check.h"

typedef mx_array *unary_fn(mx_array *a);
typedef mx_array *binary_fn(mx_array *a, mx_array *b);

/* One letter a dtype in the order of mx_dtype, ! for refused: what the reference gives. */
static const char letters[] = "bBHIQchilefdgz";

typedef struct row {
    const char *name;
    unary_fn *unary;
    binary_fn *binary;
    const char *want;
} row;

#define U(name, want) {#name, mx_##name, NULL, want}
#define B(name, want) {#name, NULL, mx_##name, want}
#define SAME          "bBHIQchilefdgz"
#define REAL          "bBHIQchilefdg!"
#define INEXACT       "fffffffffefdgz"
#define FLOAT         "fffffffffefdg!"
#define PART          "bBHIQchilefdgf"
#define BOOL          "bbbbbbbbbbbbbb"
#define BITS          "bBHIQchil!!!!!"

static const row rows[] = {
    U(abs, PART),
    U(negative, "!BHIQchilefdgz"),
    U(sign, SAME),
    U(square, SAME),
    U(sqrt, INEXACT),
    U(exp, INEXACT),
    U(log1p, INEXACT),
    U(sin, INEXACT),
    U(arctanh, INEXACT),
    U(erf, FLOAT),
    U(erfinv, FLOAT),
    U(floor, REAL),
    U(ceil, REAL),
    U(trunc, REAL),
    U(round, SAME),
    U(bitwise_invert, BITS),
    U(logical_not, BOOL),
    U(real, PART),
    U(imag, PART),
    U(conjugate, SAME),
    U(reciprocal, INEXACT),
    U(degrees, INEXACT),
    U(radians, INEXACT),
    U(isnan, BOOL),
    U(isposinf, BOOL),
    U(isfinite, BOOL),
    U(stop_gradient, SAME),
    U(positive, SAME),
    B(add, SAME),
    B(subtract, SAME),
    B(multiply, SAME),
    B(divide, INEXACT),
    B(floor_divide, REAL),
    B(remainder, REAL),
    B(power, SAME),
    B(maximum, SAME),
    B(minimum, SAME),
    B(arctan2, FLOAT),
    B(logaddexp, INEXACT),
    B(equal, BOOL),
    B(less, BOOL),
    B(logical_and, BOOL),
    B(logical_xor, BOOL),
    B(bitwise_and, BITS),
    B(left_shift, "BBHIQchil!!!!!"),
    B(right_shift, "BBHIQchil!!!!!"),
};

static char letter_of(mx_array *a) {
    return a ? letters[mx_dtype_of(a)] : '!';
}

static void result_dtypes(void) {
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        char got[MX_DTYPE_COUNT + 1] = {0};
        for (int t = 0; t < MX_DTYPE_COUNT; t++) {
            mx_array *one = mx_full_s(SHAPE(3), 1, (mx_dtype)t);
            mx_array *y = rows[r].unary ? rows[r].unary(one) : rows[r].binary(one, one);
            got[t] = letter_of(y);
            CHECK_MSG(!y || mx_eval1(y), "%s of %s: %s", rows[r].name, mx_dtype_name((mx_dtype)t),
                      mx_error_message());
            CHECK_MSG(y || mx_failed(), "%s refuses without a message", rows[r].name);
            mx_error_clear();
        }
        CHECK_MSG(strcmp(got, rows[r].want) == 0, "%s gives %s, expected %s", rows[r].name, got,
                  rows[r].want);
    }
}

static void promotion(void) {
    static const char *const want[] = {
        "bBHIQchilefdgz", "BBHIQhhilefdgz", "HHHIQiiilefdgz", "IIIIQllllefdgz", "QQQQQffffefdgz",
        "chilfchilefdgz", "hhilfhhilefdgz", "iiilfiiilefdgz", "llllfllllefdgz", "eeeeeeeeeefdfz",
        "fffffffffffdfz", "dddddddddddddz", "gggggggggffdgz", "zzzzzzzzzzzzzz"};
    for (int a = 0; a < MX_DTYPE_COUNT; a++) {
        char got[MX_DTYPE_COUNT + 1] = {0};
        for (int b = 0; b < MX_DTYPE_COUNT; b++)
            got[b] = letter_of(mx_add(mx_scalar(1, (mx_dtype)a), mx_scalar(1, (mx_dtype)b)));
        CHECK_MSG(strcmp(got, want[a]) == 0, "%s + ..: %s, expected %s", mx_dtype_name((mx_dtype)a),
                  got, want[a]);
    }
}

static void refusals(void) {
    mx_array *f = VECTOR(FLOAT32, 1), *z = mx_full_s(SHAPE(1), 1, MX_COMPLEX64),
             *b = VECTOR(BOOL, 1);
    FAILS(mx_negative(b), "[negative] Not supported for bool, use logical_not instead.");
    FAILS(mx_bitwise_invert(f), "[bitwise_invert] Bitwise inverse only allowed on integer types.");
    FAILS(mx_bitwise_and(f, f),
          "[bitwise_and] Only allowed on integer or boolean types but got types float32 and "
          "float32.");
    FAILS(mx_erf(z), "[erf] Not supported for complex64.");
    FAILS(mx_arctan2(z, z), "[arctan2] Not supported for complex64.");
    FAILS(mx_nan_to_num(z, 0, NULL, NULL),
          "[nan_to_num] Does not yet support given type: complex64.");
    FAILS(mx_clip(f, NULL, NULL), "At most one of a_min and a_max may be None");
    FAILS(mx_where(b, mx_zeros(SHAPE(3), MX_INT8), mx_zeros(SHAPE(2), MX_INT8)),
          "Shapes (3) and (2) cannot be broadcast.");
}

static void arithmetic(void) {
    mx_array *out[2], *a = VECTOR(INT32, 7, -7), *two = VECTOR(INT32, 2, 2);
    CHECK(mx_divmod(a, two, out));
    IS(out[0], "array([3, -4], dtype=int32)");
    IS(out[1], "array([1, 1], dtype=int32)");
    IS(mx_subtract(VECTOR(BOOL, 1, 0, 1), VECTOR(BOOL, 1, 1, 0)),
       "array([False, True, True], dtype=bool)");
    IS(mx_floor_divide(VECTOR(BOOL, 1), VECTOR(BOOL, 1)), "array([True], dtype=bool)");
    IS(mx_left_shift(VECTOR(BOOL, 1), VECTOR(BOOL, 1)), "array([2], dtype=uint8)");
    IS(mx_round_decimals(VECTOR(INT32, 125, 135, -15), -1), "array([120, 140, -20], dtype=int32)");
    IS(mx_round_decimals(VECTOR(INT32, 125), 2), "array([125], dtype=int32)");
    IS(mx_round_decimals(VECTOR(FLOAT32, 1.555), 2), "array([1.56], dtype=float32)");
    IS(mx_clip(VECTOR(INT32, 1, 2, 3), mx_scalar(1.5, MX_FLOAT32), mx_scalar(2.5, MX_FLOAT32)),
       "array([1.5, 2, 2.5], dtype=float32)");
    IS(mx_where(VECTOR(FLOAT32, 2.5, 0), VECTOR(INT32, 1), VECTOR(FLOAT32, 2.5)),
       "array([1, 2.5], dtype=float32)");
    IS(mx_logical_xor(VECTOR(INT32, 2, 0), VECTOR(INT32, 1, 5)),
       "array([False, True], dtype=bool)");
    IS(mx_power(VECTOR(INT32, 2), VECTOR(INT32, 3)), "array([8], dtype=int32)");
    IS(mx_degrees(VECTOR(INT32, 1)), "array([57.2958], dtype=float32)");
}

static void special_values(void) {
    mx_array *x = VECTOR(FLOAT32, NAN, INFINITY, -INFINITY, 1);
    IS(mx_isnan(x), "array([True, False, False, False], dtype=bool)");
    IS(mx_isinf(x), "array([False, True, True, False], dtype=bool)");
    IS(mx_isneginf(x), "array([False, False, True, False], dtype=bool)");
    IS(mx_isfinite(x), "array([False, False, False, True], dtype=bool)");
    IS(mx_nan_to_num(x, 1, (double[]){2}, (double[]){3}), "array([1, 2, 3, 1], dtype=float32)");
    IS(mx_nan_to_num(mx_astype(x, MX_FLOAT16), 0, NULL, NULL),
       "array([0, 65504, -65504, 1], dtype=float16)");
    IS(mx_nan_to_num(mx_astype(x, MX_BFLOAT16), 0, NULL, NULL),
       "array([0, 3.38953e+38, -3.38953e+38, 1], dtype=bfloat16)");
    IS(mx_isinf(complex_of(1, INFINITY)), "array(True, dtype=bool)");
    IS(mx_isclose(VECTOR(FLOAT32, INFINITY, NAN, 1), VECTOR(FLOAT32, INFINITY, NAN, INFINITY), 1e-5,
                  1e-8, false),
       "array([True, False, False], dtype=bool)");
    IS(mx_isclose(x, x, 1e-5, 1e-8, true), "array([True, True, True, True], dtype=bool)");
    IS(mx_allclose(VECTOR(FLOAT32, 1, 2), VECTOR(FLOAT64, 1, 2.00001), 1e-5, 1e-8, false),
       "array(True, dtype=bool)");
    IS(mx_array_equal(VECTOR(INT32, 1, 2), VECTOR(FLOAT32, 1, 2), false),
       "array(True, dtype=bool)");
    IS(mx_array_equal(VECTOR(INT32, 1, 2), VECTOR(FLOAT32, 1, 2, 3), false),
       "array(False, dtype=bool)");
    IS(mx_array_equal(x, x, true), "array(True, dtype=bool)");
}

static void complex_parts(void) {
    mx_array *z = complex_of(3, -4);
    IS(mx_abs(z), "array(5, dtype=float32)");
    IS(mx_real(z), "array(3, dtype=float32)");
    IS(mx_imag(z), "array(-4, dtype=float32)");
    IS(mx_conjugate(z), "array(3+4j, dtype=complex64)");
    IS(mx_sign(z), "array(0.6-0.8j, dtype=complex64)");
    IS(mx_astype(z, MX_FLOAT32), "array(3, dtype=float32)");
    IS(mx_imag(VECTOR(INT32, 5)), "array([0], dtype=int32)");
    IS(mx_mul(z, mx_scalar(2, MX_INT32)), "array(6-8j, dtype=complex64)");
}

/* Empty, scalar, strided, reversed and broadcast operands through one program. */
static void layouts(void) {
    mx_array *e = mx_zeros(SHAPE(0, 3), MX_FLOAT32);
    CHECK(mx_shape_is(mx_add(e, mx_scalar(1, MX_FLOAT32)), SHAPE(0, 3)));
    IS(mx_add(e, mx_scalar(1, MX_FLOAT32)), "array([], dtype=float32)");
    mx_array *a = ramp(MX_FLOAT16, SHAPE(3, 2)),
             *t = mx_transpose(mx_flip(ramp(MX_FLOAT16, SHAPE(2, 3)), NULL, 0));
    IS(mx_sub(a, t), "array([[-5, -1],[-2, 2],[1, 5]], dtype=float16)");
    IS(mx_add(mx_reshape(VECTOR(INT8, 1, 2), SHAPE(2, 1)), VECTOR(INT8, 10, 20)),
       "array([[11, 21],[12, 22]], dtype=int8)");
    CHECK(mx_add(NULL, a) == NULL && mx_sin(NULL) == NULL && mx_where(NULL, a, a) == NULL);
}

/* Transposed inputs too large for the cache, alone, broadcast, as halves, and read by a
   reduction. */
static void large_transposed(void) {
    mx_array *a = ramp(MX_FLOAT32, SHAPE(300, 200)), *column = ramp(MX_FLOAT32, SHAPE(200, 1));
    mx_array *both[2] = {a, column};
    CHECK(mx_eval(both, 2));
    mx_array *t = mx_transpose(a), *plain = mx_contiguous(t, false);
    IS(mx_array_equal(mx_add(t, column), mx_add(plain, column), false), "array(True, dtype=bool)");
    mx_array *h = mx_astype(a, MX_BFLOAT16);
    CHECK(mx_eval1(h));
    IS(mx_array_equal(mx_square(mx_transpose(h)), mx_square(mx_astype(plain, MX_BFLOAT16)), false),
       "array(True, dtype=bool)");
    mx_array *wide = mx_broadcast_to(mx_expand_dim(t, 0), SHAPE(3, 200, 300));
    IS(mx_array_equal(mx_negative(wide), mx_negative(mx_contiguous(wide, false)), false),
       "array(True, dtype=bool)");
    IS(mx_array_equal(mx_sum_axis(mx_square(t), 1, false), mx_sum_axis(mx_square(plain), 1, false),
                      false),
       "array(True, dtype=bool)");
}

int main(void) {
    SCOPED(result_dtypes);
    SCOPED(promotion);
    SCOPED(refusals);
    SCOPED(arithmetic);
    SCOPED(special_values);
    SCOPED(complex_parts);
    SCOPED(layouts);
    SCOPED(large_transposed);
    return check_done();
}
