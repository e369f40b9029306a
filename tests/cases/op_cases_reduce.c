/* Cases: reductions, statistics, softmax, scans. */
#include <math.h>

#include "op_cases.h"

#include "graph/trace/trace.h"
#include "ops/standard/extra.h"

static int last_of(const mx_array *a, int axis) {
    return a && a->ndim > axis ? a->shape[axis] - 1 : 0;
}

/* The last slice along an axis, which stays. */
static mx_array *end_of(mx_array *a, int axis) {
    return mx_slice_axis(a, axis, last_of(a, axis), last_of(a, axis) + 1);
}

static mx_array *ones_matmul(mx_array *a) { /* sums of (N,3,4) over the last axis, another way */
    return a ? mx_squeeze_axis(mx_matmul(a, mx_ones(LIST(4, 1), mx_dtype_of(a))), -1) : NULL;
}

/* a (N,3,4) */
static mx_array *share(mx_array *a, bool node) {
    bool former = mx_trace_set_shapeless(node);
    mx_array *n = mx_number_of_elements(a, LIST(0, 2), true, MX_FLOAT32);
    mx_trace_set_shapeless(former);
    return mx_mul(a, mx_astype(n, mx_dtype_of(a)));
}
CASE(count_node, share(a, true))
CASE(count_number, share(a, false))
CASE(sum, mx_sum(a, LIST(2), false))
CASE(sum_other, ones_matmul(a))
CASE(sum_columns, mx_sum(a, LIST(1), true))
CASE(sum_all, mx_sum_all(a))
CASE(sum_by_axis, mx_sum_axis(mx_sum_axis(mx_sum_axis(a, 0, false), 0, false), 0, false))
CASE(sum_outer, mx_sum(a, LIST(0, 2), false))
CASE(sum_outer_by_axis, mx_sum_axis(mx_sum_axis(a, 2, false), 0, false))
CASE(sum_program, mx_sum(mx_square(a), LIST(0, 1), true))
CASE(prod, mx_reduce(MX_PROD, a, LIST(1), false))
CASE(prod_by_scan, mx_squeeze_axis(end_of(mx_scan(MX_CUMPROD, a, 1, false, true), 1), 1))
CASE(max, mx_reduce(MX_MAX, a, LIST(1, 2), true))
CASE(max_by_axis, mx_reduce(MX_MAX, mx_reduce(MX_MAX, a, LIST(2), true), LIST(1), true))
CASE(ptp, mx_ptp(a, LIST(1, 2), true))
CASE(ptp_by_axis, mx_sub(mx_reduce(MX_MAX, mx_reduce(MX_MAX, a, LIST(2), true), LIST(1), true),
                         mx_reduce(MX_MIN, mx_reduce(MX_MIN, a, LIST(2), true), LIST(1), true)))
#define HOLES          mx_where(mx_less(a, mx_scalar_like(a, -1)), mx_scalar_like(a, NAN), a)
#define PRESENT        mx_astype(mx_greater_equal(a, mx_scalar_like(a, -1)), mx_dtype_of(a))
#define FILLED(number) mx_where(mx_less(a, mx_scalar_like(a, -1)), mx_scalar_like(a, number), a)
CASE(nansum, mx_nansum(HOLES, LIST(2), false))
CASE(nansum_filled, mx_sum(FILLED(0), LIST(2), false))
CASE(nanprod, mx_nanprod(HOLES, LIST(1), false))
CASE(nanprod_filled, mx_reduce(MX_PROD, FILLED(1), LIST(1), false))
CASE(nanmax, mx_nanmax(HOLES, LIST(1, 2), true))
CASE(nanmax_filled, mx_reduce(MX_MAX, FILLED(-INFINITY), LIST(1, 2), true))
CASE(nanmin, mx_nanmin(HOLES, LIST(1, 2), false))
CASE(nanmin_filled, mx_reduce(MX_MIN, FILLED(INFINITY), LIST(1, 2), false))
CASE(nanmean, mx_nanmean(HOLES, LIST(1, 2), false))
CASE(nanmean_by_sums,
     mx_div(mx_sum(FILLED(0), LIST(1, 2), false), mx_sum(PRESENT, LIST(1, 2), false)))
CASE(nanvar, mx_nanvar(HOLES, LIST(1, 2), false, 0))
CASE(nanvar_by_squares, mx_div(mx_sub(mx_sum(mx_square(FILLED(0)), LIST(1, 2), false),
                                      mx_div(mx_square(mx_sum(FILLED(0), LIST(1, 2), false)),
                                             mx_sum(PRESENT, LIST(1, 2), false))),
                               mx_sum(PRESENT, LIST(1, 2), false)))
CASE(nanstd, mx_nanstd(HOLES, LIST(1, 2), true, 0))
CASE(nanstd_by_var, mx_sqrt(mx_nanvar(HOLES, LIST(1, 2), true, 0)))
CASE(min, mx_reduce(MX_MIN, a, LIST(-1), false))
CASE(min_by_max, mx_negative(mx_reduce(MX_MAX, mx_negative(a), LIST(-1), false)))
CASE(all_of, mx_reduce(MX_ALL, a, LIST(1), false))
CASE(any_of, mx_reduce(MX_ANY, a, LIST(0), false))
CASE(any_by_all, mx_logical_not(mx_reduce(MX_ALL, mx_logical_not(a), LIST(0), false)))
CASE(argmax, mx_arg_reduce(true, a, 1, false))
CASE(argmin, mx_arg_reduce(false, a, -1, true))
CASE(mean, mx_mean(a, LIST(1, 2), false))
CASE(mean_by_sum, mx_mul_s(mx_sum(a, LIST(1, 2), false), 1.0 / 12))
CASE(var, mx_var(a, LIST(2), false, 1))
CASE(var_by_squares, mx_mul_s(mx_sub(mx_sum(mx_square(a), LIST(2), false),
                                     mx_mul_s(mx_square(mx_sum(a, LIST(2), false)), 0.25)),
                              1.0 / 3))
CASE(std_of, mx_std(a, LIST(1), true, 0))
CASE(softmax, mx_softmax(a, LIST(-1), false))
CASE(softmax_plain, mx_div(mx_exp(a), mx_sum(mx_exp(a), LIST(-1), true)))
CASE(softmax_columns, mx_softmax(a, LIST(0, 1), false))
CASE(softmax_columns_plain, mx_div(mx_exp(a), mx_sum(mx_exp(a), LIST(0, 1), true)))
CASE(logsumexp, mx_logsumexp(a, LIST(1), false))
CASE(logsumexp_plain, mx_log(mx_sum(mx_exp(a), LIST(1), false)))
CASE(logsumexp_all, mx_logsumexp(a, LIST(1, 2), true))
CASE(cumsum, mx_scan(MX_CUMSUM, a, 1, false, true))
CASE(cumsum_product, mx_scan(MX_CUMSUM, mx_mul(a, b), 1, false, true))
CASE(cumsum_reverse, mx_scan(MX_CUMSUM, a, 2, true, false))
CASE(cumsum_flipped, mx_flip(mx_scan(MX_CUMSUM, mx_flip(a, LIST(2)), 2, false, false), LIST(2)))
CASE(cumprod, mx_scan(MX_CUMPROD, a, 2, false, true))
CASE(cumprod_reverse, mx_scan(MX_CUMPROD, a, 1, true, false))
CASE(cummax, mx_scan(MX_CUMMAX, a, 2, false, true))
CASE(cummin, mx_scan(MX_CUMMIN, a, 1, true, true))
CASE(cummin_by_max, mx_negative(mx_scan(MX_CUMMAX, mx_negative(a), 1, true, true)))
CASE(logcumsumexp, mx_scan(MX_CUMLOGSUMEXP, a, 2, false, true))
CASE(logcumsumexp_plain, mx_log(mx_scan(MX_CUMSUM, mx_exp(a), 2, false, true)))

CASE(sort, mx_sort(a, 1))
CASE(sort_by_partition, mx_sort(mx_partition(a, 1, 1), 1))
CASE(argsort, mx_argsort(a, 2))
CASE(second_by_partition,
     mx_slice_axis(mx_take_along_axis(a, mx_argpartition(a, 1, 2), 2), 2, 1, 2))
CASE(second_by_sort, mx_slice_axis(mx_sort(a, 2), 2, 1, 2))
CASE(topk, mx_sort(mx_topk(a, 2, -1), -1))
CASE(topk_by_sort, mx_slice_axis(mx_sort(a, -1), -1, 2, 4))
CASE(median, mx_median(a, LIST(1, 2), false))
CASE(median_by_sort,
     mx_mean(mx_slice_axis(mx_sort(mx_flatten(a, 1, 2), 1), 1, 5, 7), LIST(1), false))
CASE(quantile, mx_quantile(a, mx_scalar(0.25, MX_FLOAT32), LIST(1), false, "linear", false))
CASE(quantile_by_sort, mx_squeeze_axis(mx_add(mx_mul_s(mx_slice_axis(mx_sort(a, 1), 1, 0, 1), 0.5),
                                              mx_mul_s(mx_slice_axis(mx_sort(a, 1), 1, 1, 2), 0.5)),
                                       1))
CASE(diff, mx_diff(a, 1, 2))

static mx_array *cross_entropy(mx_array *const *in) {
    return mx_cross_entropy(in[0], in[1]);
}
static mx_array *cross_entropy_plain(mx_array *const *in) {
    mx_array *at = mx_take_along_axis(in[0], mx_expand_dim(in[1], -1), -1);
    return mx_astype(mx_sub(mx_logsumexp(in[0], LIST(-1), false), mx_squeeze_axis(at, -1)),
                     MX_FLOAT32);
}

#define A    {3, {N, 3, 4}, -3, 3, false, false}
#define MASK {3, {N, 3, 4}, -1, 3, false, true}

const op_case op_cases_reduce[] = {
    {"sum", sum, NULL, sum_other, INTS | LOOSE, {A}},
    {"sum of columns", sum_columns, NULL, NULL, INTS | LOOSE, {A}},
    {"sum of all", sum_all, NULL, sum_by_axis, INTS | LOOSE, {A}},
    {"sum of outer axes", sum_outer, NULL, sum_outer_by_axis, INTS | LOOSE, {A}},
    {"sum of a program", sum_program, NULL, NULL, INTS | LOOSE, {A}},
    {"prod", prod, NULL, prod_by_scan, LOOSE, {A}},
    {"max", max, NULL, max_by_axis, INTS, {A}},
    {"min", min, NULL, min_by_max, 0, {A}},
    {"ptp", ptp, NULL, ptp_by_axis, INTS, {A}},
    {"nansum", nansum, NULL, nansum_filled, LOOSE | KINKS, {A}},
    {"nanprod", nanprod, NULL, nanprod_filled, LOOSE | KINKS, {A}},
    {"nanmax", nanmax, NULL, nanmax_filled, KINKS, {A}},
    {"nanmin", nanmin, NULL, nanmin_filled, KINKS, {A}},
    {"nanvar", nanvar, NULL, nanvar_by_squares, LOOSE | KINKS | NO_HALF, {A}},
    {"nanstd", nanstd, NULL, nanstd_by_var, LOOSE | KINKS | NO_HALF, {A}},
    {"nanmean", nanmean, NULL, nanmean_by_sums, LOOSE | KINKS | NO_HALF, {A}},
    {"all", all_of, NULL, NULL, INTS | NO_GRAD, {MASK}},
    {"any", any_of, NULL, any_by_all, INTS | NO_GRAD, {MASK}},
    {"argmax", argmax, NULL, NULL, INTS | NO_GRAD | NO_EMPTY | NO_HALF, {A}},
    {"argmin", argmin, NULL, NULL, INTS | NO_GRAD | NO_EMPTY | NO_HALF, {A}},
    {"number_of_elements", count_node, NULL, count_number, 0, {A}},
    {"mean", mean, NULL, mean_by_sum, LOOSE, {A}},
    {"var", var, NULL, var_by_squares, LOOSE, {A}},
    {"std", std_of, NULL, NULL, LOOSE, {A}},
    {"softmax", softmax, NULL, softmax_plain, LOOSE, {A}},
    {"softmax of columns", softmax_columns, NULL, softmax_columns_plain, LOOSE, {A}},
    {"logsumexp", logsumexp, NULL, logsumexp_plain, LOOSE | NO_EMPTY, {A}},
    {"logsumexp of all", logsumexp_all, NULL, NULL, LOOSE | NO_EMPTY, {A}},
    {"cross_entropy",
     cross_entropy,
     NULL,
     cross_entropy_plain,
     SINGLE | LOOSE | NO_EMPTY | NO_HALF,
     {{2, {N, 5}, -3, 3, false, false}, {1, {N}, 0, 4, true, false}}},
    {"cumsum", cumsum, NULL, NULL, INTS | LOOSE, {A}},
    {"cumsum of a product", cumsum_product, NULL, NULL, LOOSE, {A, {1, {4}, -3, 3, false, false}}},
    {"cumsum reverse", cumsum_reverse, NULL, cumsum_flipped, INTS | LOOSE, {A}},
    {"cumprod", cumprod, NULL, NULL, LOOSE, {A}},
    {"cumprod reverse", cumprod_reverse, NULL, NULL, LOOSE, {A}},
    {"cummax", cummax, NULL, NULL, INTS, {A}},
    {"cummin", cummin, NULL, cummin_by_max, 0, {A}},
    {"logcumsumexp", logcumsumexp, NULL, logcumsumexp_plain, LOOSE, {A}},
    {"sort", sort, NULL, sort_by_partition, INTS, {A}},
    {"argsort", argsort, NULL, NULL, INTS | NO_GRAD | NO_HALF, {A}},
    {"argpartition", second_by_partition, NULL, second_by_sort, INTS, {A}},
    {"topk", topk, NULL, topk_by_sort, INTS, {A}},
    {"median", median, NULL, median_by_sort, 0, {A}},
    {"quantile", quantile, NULL, quantile_by_sort, 0, {A}},
    {"diff", diff, NULL, NULL, INTS | LOOSE, {A}},
    {0},
};
