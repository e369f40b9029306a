/* Shapes of public functions that many operations share, and their arguments made safe. */
#ifndef MX_CAPI_OP_CALL_H
#define MX_CAPI_OP_CALL_H

#include "base/mem.h"
#include "capi/capi.h"
#include "ops/ops.h"

typedef mx_array *capi_unary_fn(mx_array *a);
typedef mx_array *capi_binary_fn(mx_array *a, mx_array *b);

static inline int capi_unary(mlx_array *res, capi_unary_fn *f, mlx_array a, mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, f(capi_in(a)));
}
static inline int capi_binary(mlx_array *res, capi_binary_fn *f, mlx_array a, mlx_array b,
                              mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *y = capi_in(b);
    return capi_end(&c, res, f(x, y));
}

/* The public function of an operation of one array or of two. */
#define UNARY(name)                                                         \
    int mlx_##name(mlx_array *res, const mlx_array a, const mlx_stream s) { \
        return capi_unary(res, mx_##name, a, s);                            \
    }
#define BINARY(name)                                                                           \
    int mlx_##name(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) { \
        return capi_binary(res, mx_##name, a, b, s);                                           \
    }

/* A list that is given even when it is empty (NULL would mean all axes). */
static inline const int *capi_list(const int *list) {
    static const int none[1] = {0};
    return list ? list : none;
}

#endif
