/* The C API: unary operations. */
#include "capi/ops/op_call.h"

int mlx_abs(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_abs, a, s);
}
int mlx_arccos(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_arccos, a, s);
}
int mlx_arccosh(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_arccosh, a, s);
}
int mlx_arcsin(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_arcsin, a, s);
}
int mlx_arcsinh(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_arcsinh, a, s);
}
int mlx_arctan(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_arctan, a, s);
}
int mlx_arctanh(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_arctanh, a, s);
}
int mlx_bitwise_invert(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_bitwise_invert, a, s);
}
int mlx_ceil(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_ceil, a, s);
}
int mlx_conjugate(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_conjugate, a, s);
}
int mlx_copy(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_copy, a, s);
}
int mlx_cos(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_cos, a, s);
}
int mlx_cosh(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_cosh, a, s);
}
int mlx_degrees(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_degrees, a, s);
}
int mlx_erf(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_erf, a, s);
}
int mlx_erfinv(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_erfinv, a, s);
}
int mlx_exp(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_exp, a, s);
}
int mlx_expm1(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_expm1, a, s);
}
int mlx_floor(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_floor, a, s);
}
int mlx_imag(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_imag, a, s);
}
int mlx_isfinite(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_isfinite, a, s);
}
int mlx_isinf(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_isinf, a, s);
}
int mlx_isnan(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_isnan, a, s);
}
int mlx_isneginf(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_isneginf, a, s);
}
int mlx_isposinf(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_isposinf, a, s);
}
int mlx_log(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_log, a, s);
}
int mlx_log10(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_log10, a, s);
}
int mlx_log1p(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_log1p, a, s);
}
int mlx_log2(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_log2, a, s);
}
int mlx_logical_not(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_logical_not, a, s);
}
int mlx_negative(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_negative, a, s);
}
int mlx_radians(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_radians, a, s);
}
int mlx_real(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_real, a, s);
}
int mlx_reciprocal(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_reciprocal, a, s);
}
int mlx_rsqrt(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_rsqrt, a, s);
}
int mlx_sigmoid(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_sigmoid, a, s);
}
int mlx_sign(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_sign, a, s);
}
int mlx_sin(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_sin, a, s);
}
int mlx_sinh(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_sinh, a, s);
}
int mlx_sqrt(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_sqrt, a, s);
}
int mlx_square(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_square, a, s);
}
int mlx_stop_gradient(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_stop_gradient, a, s);
}
int mlx_tan(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_tan, a, s);
}
int mlx_tanh(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_tanh, a, s);
}
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
