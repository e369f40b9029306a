/* The C API: binary operations, comparisons, choices. */
#include "capi/ops/op_call.h"

int mlx_add(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_add, a, b, s);
}
int mlx_arctan2(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_arctan2, a, b, s);
}
int mlx_bitwise_and(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_bitwise_and, a, b, s);
}
int mlx_bitwise_or(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_bitwise_or, a, b, s);
}
int mlx_bitwise_xor(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_bitwise_xor, a, b, s);
}
int mlx_divide(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_divide, a, b, s);
}
int mlx_equal(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_equal, a, b, s);
}
int mlx_floor_divide(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_floor_divide, a, b, s);
}
int mlx_greater(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_greater, a, b, s);
}
int mlx_greater_equal(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_greater_equal, a, b, s);
}
int mlx_left_shift(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_left_shift, a, b, s);
}
int mlx_less(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_less, a, b, s);
}
int mlx_less_equal(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_less_equal, a, b, s);
}
int mlx_logaddexp(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_logaddexp, a, b, s);
}
int mlx_logical_and(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_logical_and, a, b, s);
}
int mlx_logical_or(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_logical_or, a, b, s);
}
int mlx_maximum(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_maximum, a, b, s);
}
int mlx_minimum(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_minimum, a, b, s);
}
int mlx_multiply(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_multiply, a, b, s);
}
int mlx_not_equal(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_not_equal, a, b, s);
}
int mlx_power(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_power, a, b, s);
}
int mlx_remainder(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_remainder, a, b, s);
}
int mlx_right_shift(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_right_shift, a, b, s);
}
int mlx_subtract(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    return capi_binary(res, mx_subtract, a, b, s);
}
int mlx_where(mlx_array *res, const mlx_array condition, const mlx_array x, const mlx_array y,
              const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *on = capi_in(condition), *a = capi_in(x), *b = capi_in(y);
    return capi_end(&c, res, mx_where(on, a, b));
}
int mlx_clip(mlx_array *res, const mlx_array a, const mlx_array a_min, const mlx_array a_max,
             const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_clip(capi_in(a), capi_opt(a_min), capi_opt(a_max)));
}
int mlx_divmod(mlx_vector_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *out[2];
    bool ok = mx_divmod(capi_in(a), capi_in(b), out);
    return capi_end_vector(&c, res, ok, out, 2);
}
int mlx_isclose(mlx_array *res, const mlx_array a, const mlx_array b, double rtol, double atol,
                bool equal_nan, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *y = capi_in(b);
    return capi_end(&c, res, mx_isclose(x, y, rtol, atol, equal_nan));
}
int mlx_allclose(mlx_array *res, const mlx_array a, const mlx_array b, double rtol, double atol,
                 bool equal_nan, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *y = capi_in(b);
    return capi_end(&c, res, mx_allclose(x, y, rtol, atol, equal_nan));
}
int mlx_array_equal(mlx_array *res, const mlx_array a, const mlx_array b, bool equal_nan,
                    const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *y = capi_in(b);
    return capi_end(&c, res, mx_array_equal(x, y, equal_nan));
}
