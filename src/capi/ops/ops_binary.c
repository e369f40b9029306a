/* The C API: binary operations, comparisons, choices. */
#include "capi/ops/op_call.h"

BINARY(add)
BINARY(arctan2)
BINARY(bitwise_and)
BINARY(bitwise_or)
BINARY(bitwise_xor)
BINARY(divide)
BINARY(equal)
BINARY(floor_divide)
BINARY(greater)
BINARY(greater_equal)
BINARY(left_shift)
BINARY(less)
BINARY(less_equal)
BINARY(logaddexp)
BINARY(logical_and)
BINARY(logical_or)
BINARY(maximum)
BINARY(minimum)
BINARY(multiply)
BINARY(not_equal)
BINARY(power)
BINARY(remainder)
BINARY(right_shift)
BINARY(subtract)

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
