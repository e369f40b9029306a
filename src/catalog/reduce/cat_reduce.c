/* Reductions, running reductions, softmax and sorting: over all elements, one axis or several. */
#include <string.h>

#include "catalog/cat.h"

/* --- reductions ------------------------------------------------------------------------------- */

typedef struct reduction {
    int (*all)(mlx_array *, const mlx_array, bool, const mlx_stream);
    int (*axis)(mlx_array *, const mlx_array, int, bool, const mlx_stream);
    int (*axes)(mlx_array *, const mlx_array, const int *, size_t, bool, const mlx_stream);
} reduction;

/* a, axis, flag (keepdims or precise), stream */
static int call_reduce(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const reduction *f = op->function.family;
    bool flag = FLAG(2);
    mlx_stream s = ON(3);
    if (cat_array(&args[0]))
        return 1;
    mlx_array a = ARRAY(0), *out = OUT;
    if (cat_is_none(&args[1]))
        return f->all(out, a, flag, s);
    if (args[1].kind == MLX_VALUE_INT)
        return f->axis(out, a, INT(1), flag, s);
    return f->axes(out, a, args[1].as.ints, (size_t)args[1].count, flag, s);
}

/* a, axis, keepdims, stream */
static int call_minmax(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_array low = mlx_array_new(), high = mlx_array_new();
    int one;
    cat_list axes = cat_ints(&args[1], &one);
    (void)op;
    int status = cat_array(&args[0]) ||
                 (cat_is_none(&args[1]) ? mlx_minmax(&low, &high, ARRAY(0), FLAG(2), ON(3))
                                        : mlx_minmax_axes(&low, &high, ARRAY(0), axes.ints,
                                                          axes.count, FLAG(2), ON(3)));
    return cat_result_two(res, status, low, high);
}

/* a, axis, keepdims, stream */
static int call_median(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one, all[64];
    cat_list axes = cat_ints(&args[1], &one);
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    if (cat_is_none(&args[1])) {
        axes = (cat_list){all, mlx_array_ndim(ARRAY(0))};
        for (int i = 0; i < 64; i++)
            all[i] = i;
    }
    return mlx_median(OUT, ARRAY(0), axes.ints, axes.count, FLAG(2), ON(3));
}

typedef struct spread {
    int (*all)(mlx_array *, const mlx_array, bool, int, const mlx_stream);
    int (*axis)(mlx_array *, const mlx_array, int, bool, int, const mlx_stream);
    int (*axes)(mlx_array *, const mlx_array, const int *, size_t, bool, int, const mlx_stream);
} spread;

/* a, axis, keepdims, ddof, correction (the same by another name), stream */
static int call_spread(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const spread *f = op->function.family;
    bool keep = FLAG(2);
    int ddof = cat_int_or(&args[4], INT(3));
    mlx_stream s = ON(5);
    if (cat_array(&args[0]))
        return 1;
    mlx_array a = ARRAY(0), *out = OUT;
    if (cat_is_none(&args[1]))
        return f->all(out, a, keep, ddof, s);
    if (args[1].kind == MLX_VALUE_INT)
        return f->axis(out, a, INT(1), keep, ddof, s);
    return f->axes(out, a, args[1].as.ints, (size_t)args[1].count, keep, ddof, s);
}

/* --- running reductions ----------------------------------------------------------------------- */

typedef int scan_function(mlx_array *, const mlx_array, int, bool, bool, const mlx_stream);
typedef int scan_dtype_function(mlx_array *, const mlx_array, int, bool, bool, mlx_dtype,
                                const mlx_stream);
typedef struct scan {
    scan_function *plain;
    scan_dtype_function *dtype;
} scan;

/* Without an axis the array is flattened first. */
static int flatten(mlx_value *a, mlx_value *axis, mlx_stream s) {
    if (!cat_is_none(axis))
        return cat_array(a);
    *axis = (mlx_value){.kind = MLX_VALUE_INT, .as.integer = 0};
    return cat_flatten(a, s);
}

/* a, axis, reverse, inclusive, stream */
static int call_scan(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const scan *f = op->function.family;
    mlx_stream s = ON(4);
    return flatten(&args[0], &args[1], s) || f->plain(OUT, ARRAY(0), INT(1), FLAG(2), FLAG(3), s);
}

/* a, axis, reverse, inclusive, dtype, stream */
static int call_scan_dtype(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const scan *f = op->function.family;
    bool reverse = FLAG(2), inclusive = FLAG(3);
    mlx_stream s = ON(5);
    if (flatten(&args[0], &args[1], s))
        return 1;
    mlx_array a = ARRAY(0), *out = OUT;
    int axis = INT(1);
    return cat_is_none(&args[4]) ? f->plain(out, a, axis, reverse, inclusive, s)
                                 : f->dtype(out, a, axis, reverse, inclusive, args[4].as.dtype, s);
}

/* --- order ------------------------------------------------------------------------------------ */

typedef struct order {
    int (*all)(mlx_array *, const mlx_array, const mlx_stream);
    int (*axis)(mlx_array *, const mlx_array, int, const mlx_stream);
} order;
typedef struct order_k {
    int (*all)(mlx_array *, const mlx_array, int, const mlx_stream);
    int (*axis)(mlx_array *, const mlx_array, int, int, const mlx_stream);
} order_k;
typedef struct arg_reduction {
    int (*all)(mlx_array *, const mlx_array, bool, const mlx_stream);
    int (*axis)(mlx_array *, const mlx_array, int, bool, const mlx_stream);
} arg_reduction;

/* a, axis, stream */
static int call_order(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const order *f = op->function.family;
    mlx_stream s = ON(2);
    if (cat_array(&args[0]))
        return 1;
    return cat_is_none(&args[1]) ? f->all(OUT, ARRAY(0), s) : f->axis(OUT, ARRAY(0), INT(1), s);
}

/* a, k, axis, stream */
static int call_order_k(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const order_k *f = op->function.family;
    int k = INT(1);
    mlx_stream s = ON(3);
    if (cat_array(&args[0]))
        return 1;
    return cat_is_none(&args[2]) ? f->all(OUT, ARRAY(0), k, s)
                                 : f->axis(OUT, ARRAY(0), k, INT(2), s);
}

/* a, axis, keepdims, stream */
static int call_arg(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const arg_reduction *f = op->function.family;
    bool keep = FLAG(2);
    mlx_stream s = ON(3);
    if (cat_array(&args[0]))
        return 1;
    return cat_is_none(&args[1]) ? f->all(OUT, ARRAY(0), keep, s)
                                 : f->axis(OUT, ARRAY(0), INT(1), keep, s);
}

/* sorted, values, side, stream */
static int call_searchsorted(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    const char *side = args[2].as.string;
    bool right = side[0] == 'r';
    if (strcmp(side, "left") && strcmp(side, "right"))
        return cat_fail(MX_INVALID, "[searchsorted] side must be 'left' or 'right', not '%.100s'",
                        side);
    return cat_pair(&args[0], &args[1]) || mlx_searchsorted(OUT, ARRAY(0), ARRAY(1), right, ON(3));
}

/* --- rows ------------------------------------------------------------------------------------- */

#define AXES       "axis: None | int | Sequence[int] = None, "
#define AXES_TYPES "axis: int | collections.abc.Sequence[int] | None = None, "
#define KEEP       "keepdims: bool = False, "
#define R(name, f, doc)                                                    \
    {CORE, name "(a: array, /, " AXES KEEP "*, " STREAM, doc, call_reduce, \
     FAMILY(reduction, f, f##_axis, f##_axes)}
#define R_METHOD(name, f)                                                          \
    {METHOD, name "(self, " AXES_TYPES KEEP "*, " STREAM_TYPES, NULL, call_reduce, \
     FAMILY(reduction, f, f##_axis, f##_axes)}
#define DDOF "ddof: int = 0, *, correction: int | None = None, "
#define SPREAD(name, f, doc)                                                         \
    {CORE, name "(a: array, /, " AXES KEEP DDOF STREAM, doc, call_spread,            \
     FAMILY(spread, f, f##_axis, f##_axes)},                                         \
    {                                                                                \
        METHOD, name "(self, " AXES_TYPES KEEP DDOF STREAM_TYPES, NULL, call_spread, \
            FAMILY(spread, f, f##_axis, f##_axes)                                    \
    }
#define ARG(name, f, doc)                                                                        \
    {CORE, name "(a: array, /, axis: None | int = None, " KEEP "*, " STREAM, doc, call_arg,      \
     FAMILY(arg_reduction, f, f##_axis)},                                                        \
    {                                                                                            \
        METHOD, name "(self, axis: int | None = None, " KEEP "*, " STREAM_TYPES, NULL, call_arg, \
            FAMILY(arg_reduction, f, f##_axis)                                                   \
    }
#define SCAN "axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, "
#define S_METHOD(name, f) \
    {METHOD, name "(self, " SCAN STREAM_TYPES, NULL, call_scan, FAMILY(scan, f)}
#define S(name, f, doc) \
    {CORE, name "(a: array, /, " SCAN STREAM, doc, call_scan, FAMILY(scan, f)}, S_METHOD(name, f)
#define S_DTYPE(name, f, doc)                                                                      \
    {CORE, name "(a: array, /, " SCAN "dtype: Dtype | None = None, " STREAM, doc, call_scan_dtype, \
     FAMILY(scan, f, f##_dtype)},                                                                  \
        S_METHOD(name, f)
#define ORDER(name, f, doc)                                                         \
    {CORE, name "(a: array, /, axis: None | int = -1, *, " STREAM, doc, call_order, \
     FAMILY(order, f, f##_axis)}
#define ORDER_K(name, k, f, doc)                                                                  \
    {CORE, name "(a: array, /, " k ": int, axis: None | int = -1, *, " STREAM, doc, call_order_k, \
     FAMILY(order_k, f, f##_axis)}

const mlx_operation cat_reduce_rows[] = {
    R("sum", mlx_sum,
      "The sum of all elements, or along one axis or several. Small integers are summed in int32; "
      "keepdims leaves the summed axes with size 1."),
    R("prod", mlx_prod, "The product of all elements, or along axes."),
    R("max", mlx_max,
      "The largest element of all, or along axes; NaN where there is one. An error without "
      "elements."),
    R("min", mlx_min,
      "The smallest element of all, or along axes; NaN where there is one. An error without "
      "elements."),
    R("mean", mlx_mean, "The mean of all elements, or along axes. Integers become float32."),
    R("all", mlx_all, "Whether all elements, or all along axes, are not zero."),
    R("any", mlx_any, "Whether any element, or any along axes, is not zero."),
    R("logsumexp", mlx_logsumexp,
      "log(sum(exp(a))) over all elements or along axes, safe from overflow."),
    R_METHOD("sum", mlx_sum),
    R_METHOD("prod", mlx_prod),
    R_METHOD("max", mlx_max),
    R_METHOD("min", mlx_min),
    R_METHOD("mean", mlx_mean),
    R_METHOD("all", mlx_all),
    R_METHOD("any", mlx_any),
    R_METHOD("logsumexp", mlx_logsumexp),
    {CORE,
     "minmax(a: array, /, " AXES KEEP "*, stream: StreamOrDevice = None) -> tuple[array, array]",
     "The smallest and the largest element of all, or along axes; NaN where there is one. An "
     "error without elements.",
     call_minmax},
    {CORE, "median(a: array, /, " AXES KEEP "*, " STREAM,
     "The middle element in order, or the mean of the middle two, of all or along axes.",
     call_median},
    {CORE, "count_nonzero(a: array, /, " AXES KEEP "*, " STREAM,
     "How many elements, of all or along axes, are not zero, as int32.", call_reduce,
     FAMILY(reduction, mlx_count_nonzero, mlx_count_nonzero_axis, mlx_count_nonzero_axes)},
    SPREAD(
        "var", mlx_var,
        "The variance of all elements, or along axes: the mean of the squared distances from the "
        "mean, with n - ddof in place of n. correction is ddof by another name."),
    SPREAD("std", mlx_std,
           "The standard deviation of all elements, or along axes: the square root of var."),
    ARG("argmax", mlx_argmax,
        "The index of the largest element of the flattened array, or along an axis, as uint32; "
        "the first of several."),
    ARG("argmin", mlx_argmin,
        "The index of the smallest element of the flattened array, or along an axis, as uint32; "
        "the first of several."),
    S_DTYPE("cumsum", mlx_cumsum,
            "The running sum along an axis, or of the flattened array; from the end if reverse, "
            "without the element itself if not inclusive."),
    S_DTYPE("cumprod", mlx_cumprod,
            "The running product along an axis, or of the flattened array; from the end if "
            "reverse, without the element itself if not inclusive."),
    S("cummax", mlx_cummax,
      "The running maximum along an axis, or of the flattened array; from the end if reverse, "
      "without the element itself if not inclusive."),
    S("cummin", mlx_cummin,
      "The running minimum along an axis, or of the flattened array; from the end if reverse, "
      "without the element itself if not inclusive."),
    S("logcumsumexp", mlx_logcumsumexp,
      "The running log(sum(exp(a))) along an axis, or of the flattened array; from "
      "the end if reverse, without the element itself if not inclusive."),
    {CORE, "softmax(a: array, /, " AXES "*, precise: bool = False, " STREAM,
     "exp(a) / sum(exp(a)) over all elements or along axes, safe from overflow; precise computes "
     "half types in float32.",
     call_reduce, FAMILY(reduction, mlx_softmax, mlx_softmax_axis, mlx_softmax_axes)},
    ORDER("sort", mlx_sort,
          "The elements in ascending order along an axis, of the flattened array if axis is None; "
          "equal ones keep their order, NaN comes last."),
    ORDER("argsort", mlx_argsort,
          "The indices that sort the array along an axis, or the flattened array if axis is "
          "None, as uint32."),
    ORDER_K("partition", "kth", mlx_partition,
            "The elements with the kth where sorting would put it, smaller ones "
            "before it and larger ones after, along an axis, or of the flattened array if axis is "
            "None."),
    ORDER_K("argpartition", "kth", mlx_argpartition,
            "The indices that partition the array, as uint32."),
    ORDER_K("topk", "k", mlx_topk,
            "The k largest elements along an axis, or of the flattened array if axis is None, "
            "in no particular order."),
    {CORE, "searchsorted(sorted_sequence: array, values: array, /, side: str = 'left', *, " STREAM,
     "Where each of values belongs in an ascending vector: before the elements equal to it, or "
     "after them if side is "
     "'right'.",
     call_searchsorted},
    {NULL},
};
