/* Operations of one array. */
#include "catalog/cat.h"

static int call_unary(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    return cat_array(&args[0]) || op->function.unary(OUT, ARRAY(0), ON(1));
}

#define ROW(module, signature, f, doc) {module, signature, doc, call_unary, {.unary = f}, false}
#define U(name, f, doc)                ROW(CORE, name "(a: array, /, *, " STREAM, f, doc)
/* Also of one number. */
#define U_SCALAR(name, f, doc)         ROW(CORE, name "(a: scalar | array, /, *, " STREAM, f, doc)
#define U_STREAM(name, f, doc)         ROW(CORE, name "(a: array, " STREAM, f, doc)
#define M(name, f)                     ROW(METHOD, name "(self, *, " STREAM_TYPES, f, NULL)
#define L(name, f, doc)                ROW("mlx.core.linalg", name "(a: array, *, " STREAM, f, doc)

const mlx_operation cat_unary_rows[] = {
    U("abs", mlx_abs, "The absolute value of each element; of a complex number its modulus."),
    U("arccos", mlx_arccos,
      "The inverse cosine of each element, in radians. Integers become float32."),
    U("arccosh", mlx_arccosh, "The inverse hyperbolic cosine of each element."),
    U("arcsin", mlx_arcsin,
      "The inverse sine of each element, in radians. Integers become float32."),
    U("arcsinh", mlx_arcsinh, "The inverse hyperbolic sine of each element."),
    U("arctan", mlx_arctan,
      "The inverse tangent of each element, in radians. Integers become float32."),
    U("arctanh", mlx_arctanh, "The inverse hyperbolic tangent of each element."),
    U("ceil", mlx_ceil, "Each element rounded up to a whole number."),
    U("cos", mlx_cos, "The cosine of each element, given in radians. Integers become float32."),
    U("cosh", mlx_cosh, "The hyperbolic cosine of each element."),
    U_SCALAR("degrees", mlx_degrees, "Angles from radians to degrees."),
    U("erf", mlx_erf,
      "The error function 2/sqrt(pi) times the integral of exp(-t^2) from 0 to each element."),
    U("erfinv", mlx_erfinv,
      "The inverse of the error function; infinite at -1 and 1, NaN outside."),
    U("exp", mlx_exp, "The exponential of each element. Integers become float32."),
    U("expm1", mlx_expm1, "exp(a) - 1, exact also where a is small."),
    U("floor", mlx_floor, "Each element rounded down to a whole number."),
    U("imag", mlx_imag, "The imaginary part of each element."),
    U("log", mlx_log, "The natural logarithm of each element. Integers become float32."),
    U("log10", mlx_log10, "The logarithm to base 10 of each element."),
    U("log1p", mlx_log1p, "log(1 + a), exact also where a is small."),
    U("log2", mlx_log2, "The logarithm to base 2 of each element."),
    U("logical_not", mlx_logical_not, "True where an element is zero or False."),
    U("negative", mlx_negative,
      "Each element with its sign changed. Unsigned integers wrap around."),
    U("positive", mlx_positive, "The array itself; the counterpart of negative."),
    U_SCALAR("radians", mlx_radians, "Angles from degrees to radians."),
    U("real", mlx_real, "The real part of each element."),
    U("reciprocal", mlx_reciprocal, "1 / a for each element. Integers become float32."),
    U("rsqrt", mlx_rsqrt, "1 / sqrt(a) for each element. Integers become float32."),
    U("sigmoid", mlx_sigmoid, "The logistic function 1 / (1 + exp(-a)) of each element."),
    U("sign", mlx_sign, "-1, 0 or 1 for each element; of a complex number a / |a|."),
    U("sin", mlx_sin, "The sine of each element, given in radians. Integers become float32."),
    U("sinh", mlx_sinh, "The hyperbolic sine of each element."),
    U("sqrt", mlx_sqrt,
      "The square root of each element. Integers become float32; negative numbers give NaN."),
    U("square", mlx_square, "Each element times itself."),
    U("stop_gradient", mlx_stop_gradient, "The same values, which derivatives take for constants."),
    U("tan", mlx_tan, "The tangent of each element, given in radians. Integers become float32."),
    U("tanh", mlx_tanh, "The hyperbolic tangent of each element."),
    U("trunc", mlx_trunc, "Each element rounded towards zero to a whole number."),
    U_STREAM("isfinite", mlx_isfinite, "True for each element that is neither infinite nor NaN."),
    U_STREAM("isinf", mlx_isinf, "True for each element that is plus or minus infinity."),
    U_STREAM("isnan", mlx_isnan, "True for each element that is not a number."),
    U_STREAM("isneginf", mlx_isneginf, "True for each element that is minus infinity."),
    U_STREAM("isposinf", mlx_isposinf, "True for each element that is plus infinity."),
    ROW(CORE, "bitwise_invert(a: scalar | array, " STREAM, mlx_bitwise_invert,
        "Every bit of each integer changed; of a bool its negation."),
    ROW(CORE, "conj(a: array, *, " STREAM, mlx_conjugate, "The complex conjugate of each element."),
    ROW(CORE, "conjugate(a: array, *, " STREAM, mlx_conjugate,
        "The complex conjugate of each element."),
    U("lgamma", mlx_lgamma, "log |gamma(a)| for each element. Not in the original."),
    U("digamma", mlx_digamma,
      "The derivative of log gamma(a) for each element. Not in the original."),

    M("abs", mlx_abs),
    M("conj", mlx_conjugate),
    M("cos", mlx_cos),
    M("exp", mlx_exp),
    M("log", mlx_log),
    M("log10", mlx_log10),
    M("log1p", mlx_log1p),
    M("log2", mlx_log2),
    M("reciprocal", mlx_reciprocal),
    M("rsqrt", mlx_rsqrt),
    M("sin", mlx_sin),
    M("sqrt", mlx_sqrt),
    M("square", mlx_square),

    L("det", mlx_linalg_det,
      "The determinant of a square matrix, or of each in a batch (..., N, N)."),
    L("inv", mlx_linalg_inv,
      "The inverse of a square matrix, or of each in a batch. Evaluation fails for a singular "
      "one."),
    L("pinv", mlx_linalg_pinv,
      "The Moore-Penrose inverse of a matrix (..., M, N), by singular values."),
    ROW("mlx.core.linalg", "eigvals(a: array, *, " STREAM_TYPES, mlx_linalg_eigvals,
        "The eigenvalues of a square matrix, complex, in no order."),
    {NULL},
};
