/* The C API: reductions, statistics, softmax, scans. */
#include "capi/ops/op_call.h"
#include "mlx/c/ops_more.h"

/* The axes of a call: all (NULL), or a list as the program gave it. */
typedef struct axis_list {
    bool given;
    const int *list;
    size_t n;
} axis_list;

static const axis_list all = {false, NULL, 0};

static axis_list some(const int *list, size_t n) {
    return (axis_list){true, list, n};
}

/* Inside of a call: what an operation takes. */
typedef struct axes_of_call {
    const int *list;
    int n;
} axes_of_call;

static axes_of_call axes_in(axis_list x) {
    return (axes_of_call){x.given ? capi_list(x.list) : NULL, capi_count(x.list, x.n)};
}

static int reduce(mlx_array *res, mx_reduce_op op, mlx_array a, axis_list x, bool keepdims,
                  mlx_stream s) {
    capi_call c = capi_begin(s);
    axes_of_call of = axes_in(x);
    return capi_end(&c, res, mx_reduce(op, capi_in(a), of.list, of.n, keepdims));
}

typedef mx_array *statistic_fn(mx_array *a, const int *axes, int n, bool keepdims);
static int statistic(mlx_array *res, statistic_fn *f, mlx_array a, axis_list x, bool keepdims,
                     mlx_stream s) {
    capi_call c = capi_begin(s);
    axes_of_call of = axes_in(x);
    return capi_end(&c, res, f(capi_in(a), of.list, of.n, keepdims));
}

typedef mx_array *spread_fn(mx_array *a, const int *axes, int n, bool keepdims, int ddof);
static int spread(mlx_array *res, spread_fn *f, mlx_array a, axis_list x, bool keepdims, int ddof,
                  mlx_stream s) {
    capi_call c = capi_begin(s);
    axes_of_call of = axes_in(x);
    return capi_end(&c, res, f(capi_in(a), of.list, of.n, keepdims, ddof));
}

/* --- reductions ------------------------------------------------------------------- */

/* Of all elements, along an axis, and along axes. */
#define REDUCTION(name, how, what)                                                             \
    int mlx_##name(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s) {     \
        return how(res, what, a, all, keepdims, s);                                            \
    }                                                                                          \
    int mlx_##name##_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,          \
                          const mlx_stream s) {                                                \
        return how(res, what, a, some(&axis, 1), keepdims, s);                                 \
    }                                                                                          \
    int mlx_##name##_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, \
                          bool keepdims, const mlx_stream s) {                                 \
        return how(res, what, a, some(axes, axes_num), keepdims, s);                           \
    }
REDUCTION(sum, reduce, MX_SUM)
REDUCTION(prod, reduce, MX_PROD)
REDUCTION(max, reduce, MX_MAX)
REDUCTION(min, reduce, MX_MIN)
REDUCTION(all, reduce, MX_ALL)
REDUCTION(any, reduce, MX_ANY)

/* --- the index of an extreme ------------------------------------------------------ */

int mlx_argmax(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_arg_reduce_all(true, capi_in(a), keepdims));
}
int mlx_argmax_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                    const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_arg_reduce(true, capi_in(a), axis, keepdims));
}
int mlx_argmin(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_arg_reduce_all(false, capi_in(a), keepdims));
}
int mlx_argmin_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims,
                    const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_arg_reduce(false, capi_in(a), axis, keepdims));
}

/* --- statistics ------------------------------------------------------------------- */

REDUCTION(mean, statistic, mx_mean)
REDUCTION(logsumexp, statistic, mx_logsumexp)
REDUCTION(count_nonzero, statistic, mx_count_nonzero)

#define SPREAD(name)                                                                            \
    int mlx_##name(mlx_array *res, const mlx_array a, bool keepdims, int ddof,                  \
                   const mlx_stream s) {                                                        \
        return spread(res, mx_##name, a, all, keepdims, ddof, s);                               \
    }                                                                                           \
    int mlx_##name##_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims, int ddof, \
                          const mlx_stream s) {                                                 \
        return spread(res, mx_##name, a, some(&axis, 1), keepdims, ddof, s);                    \
    }                                                                                           \
    int mlx_##name##_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,  \
                          bool keepdims, int ddof, const mlx_stream s) {                        \
        return spread(res, mx_##name, a, some(axes, axes_num), keepdims, ddof, s);              \
    }
SPREAD(var)
SPREAD(std)

int mlx_number_of_elements(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                           bool inverted, mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *r = t == MX_DTYPE_COUNT
                      ? NULL
                      : mx_number_of_elements(capi_in(a), capi_list(axes),
                                              capi_count(axes, axes_num), inverted, t);
    return capi_end(&c, res, r);
}

/* --- softmax ---------------------------------------------------------------------- */

static int softmax(mlx_array *res, mlx_array a, axis_list x, bool precise, mlx_stream s) {
    capi_call c = capi_begin(s);
    axes_of_call of = axes_in(x);
    return capi_end(&c, res, mx_softmax(capi_in(a), of.list, of.n, precise));
}
int mlx_softmax(mlx_array *res, const mlx_array a, bool precise, const mlx_stream s) {
    return softmax(res, a, all, precise, s);
}
int mlx_softmax_axis(mlx_array *res, const mlx_array a, int axis, bool precise,
                     const mlx_stream s) {
    return softmax(res, a, some(&axis, 1), precise, s);
}
int mlx_softmax_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                     bool precise, const mlx_stream s) {
    return softmax(res, a, some(axes, axes_num), precise, s);
}

/* --- scans ------------------------------------------------------------------------ */

static int scan(mlx_array *res, mx_scan_op op, mlx_array a, int axis, bool reverse, bool inclusive,
                mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_scan(op, capi_in(a), axis, reverse, inclusive));
}

#define SCAN(name, op)                                                                        \
    int mlx_##name(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive, \
                   const mlx_stream s) {                                                      \
        return scan(res, op, a, axis, reverse, inclusive, s);                                 \
    }
SCAN(cumsum, MX_CUMSUM)
SCAN(cumprod, MX_CUMPROD)
SCAN(cummax, MX_CUMMAX)
SCAN(cummin, MX_CUMMIN)
SCAN(logcumsumexp, MX_CUMLOGSUMEXP)

/* In another dtype: the input is cast first. */
static int scan_as(mlx_array *res, mx_scan_op op, mlx_array a, int axis, bool reverse,
                   bool inclusive, mlx_dtype dtype, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *x = t == MX_DTYPE_COUNT ? NULL : mx_astype(capi_in(a), t);
    return capi_end(&c, res, mx_scan(op, x, axis, reverse, inclusive));
}
int mlx_cumsum_dtype(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive,
                     mlx_dtype dtype, const mlx_stream s) {
    return scan_as(res, MX_CUMSUM, a, axis, reverse, inclusive, dtype, s);
}
int mlx_cumprod_dtype(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive,
                      mlx_dtype dtype, const mlx_stream s) {
    return scan_as(res, MX_CUMPROD, a, axis, reverse, inclusive, dtype, s);
}
