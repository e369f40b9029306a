/* The C API: unary operations. */
#include "capi/ops/op_call.h"

UNARY(abs)
UNARY(arccos)
UNARY(arccosh)
UNARY(arcsin)
UNARY(arcsinh)
UNARY(arctan)
UNARY(arctanh)
UNARY(bitwise_invert)
UNARY(ceil)
UNARY(conjugate)
UNARY(copy)
UNARY(cos)
UNARY(cosh)
UNARY(degrees)
UNARY(erf)
UNARY(erfinv)
UNARY(exp)
UNARY(expm1)
UNARY(floor)
UNARY(imag)
UNARY(isfinite)
UNARY(isinf)
UNARY(isnan)
UNARY(isneginf)
UNARY(isposinf)
UNARY(log)
UNARY(log10)
UNARY(log1p)
UNARY(log2)
UNARY(logical_not)
UNARY(negative)
UNARY(radians)
UNARY(real)
UNARY(reciprocal)
UNARY(rsqrt)
UNARY(sigmoid)
UNARY(sign)
UNARY(sin)
UNARY(sinh)
UNARY(sqrt)
UNARY(square)
UNARY(stop_gradient)
UNARY(tan)
UNARY(tanh)

int mlx_round(mlx_array *res, const mlx_array a, int decimals, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_round_decimals(capi_in(a), decimals));
}
int mlx_nan_to_num(mlx_array *res, const mlx_array a, float nan, mlx_optional_float posinf,
                   mlx_optional_float neginf, const mlx_stream s) {
    capi_call c = capi_begin(s);
    double high = posinf.value, low = neginf.value;
    const double *p = posinf.has_value ? &high : NULL, *n = neginf.has_value ? &low : NULL;
    return capi_end(&c, res, mx_nan_to_num(capi_in(a), nan, p, n));
}
int mlx_astype(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_astype(capi_in(a), t));
}
int mlx_view(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_view_as(capi_in(a), t));
}
