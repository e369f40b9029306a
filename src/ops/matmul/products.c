/* What the products of chosen parts share. */
#include "ops/matmul/products.h"

#include "base/status.h"
#include "ops/rules.h"

bool mx_product_dtype(const char *op, const mx_array *a, const mx_array *b, mx_dtype *t) {
    *t = mx_dtype_promote(mx_dtype_of(a), mx_dtype_of(b));
    return mx_dtype_is_float(*t) ||
           mx_fail(MX_INVALID,
                   "[%s] Only real floating point types are supported but %s and %s were provided "
                   "which results in %s, which is not a real floating point type.",
                   op, mx_dtype_name(mx_dtype_of(a)), mx_dtype_name(mx_dtype_of(b)),
                   mx_dtype_name(*t));
}

bool mx_product_inner(const char *op, const mx_array *a, const mx_array *b) {
    char ta[256], tb[256];
    return a->shape[a->ndim - 1] == b->shape[b->ndim - 2] ||
           mx_fail(MX_INVALID,
                   "[%s] Last dimension of first input with shape %s must match second to last "
                   "dimension of second input with shape %s.",
                   op, mx_shape_text(ta, sizeof ta, a->shape, a->ndim),
                   mx_shape_text(tb, sizeof tb, b->shape, b->ndim));
}
