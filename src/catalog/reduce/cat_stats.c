/* Statistics beyond the original's: reductions that pass over NaN, quantiles, histograms. */
#include "catalog/cat.h"

typedef struct reduction {
    int (*call)(mlx_array *, const mlx_array, const int *, size_t, bool, const mlx_stream);
} reduction;
typedef struct spread {
    int (*call)(mlx_array *, const mlx_array, const int *, size_t, bool, int, const mlx_stream);
} spread;

/* The axes of a reduction; NULL for None. */
static const int *read_axes(const mlx_value *v, int *one, size_t *n) {
    cat_list list = cat_ints(v, one);
    *n = list.count;
    return cat_is_none(v) ? NULL : list.ints;
}

/* a, axis, keepdims, stream */
static int call_reduce(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const reduction *f = op->function.family;
    int one;
    size_t n;
    const int *axes = read_axes(&args[1], &one, &n);
    return cat_array(&args[0]) || f->call(OUT, ARRAY(0), axes, n, FLAG(2), ON(3));
}

/* a, axis, keepdims, ddof, stream */
static int call_spread(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const spread *f = op->function.family;
    int one;
    size_t n;
    const int *axes = read_axes(&args[1], &one, &n);
    return cat_array(&args[0]) || f->call(OUT, ARRAY(0), axes, n, FLAG(2), INT(3), ON(4));
}

/* --- quantiles -------------------------------------------------------------------------------- */

typedef struct quantile {
    double unit; /* what q is counted in */
    int (*call)(mlx_array *, const mlx_array, const mlx_array, const int *, size_t, bool,
                const char *, const mlx_stream);
} quantile;

/* q over its unit. */
static int in_units(mlx_value *q, double unit, mlx_stream s) {
    mlx_value by = {.kind = MLX_VALUE_FLOAT, .as.number = unit};
    mlx_array scaled = mlx_array_new();
    if (unit == 1)
        return 0;
    int status = mlx_value_to_pair(q, &by) || mlx_divide(&scaled, q->as.array, by.as.array, s);
    mlx_value_free(&by);
    mlx_value_free(q);
    *q = (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = scaled};
    return status;
}

/* a, q, axis, keepdims, method, stream */
static int call_quantile(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const quantile *f = op->function.family;
    int one;
    size_t n;
    const int *axes = read_axes(&args[2], &one, &n);
    return cat_array(&args[0]) || cat_numbers(&args[1], MLX_FLOAT64) ||
           in_units(&args[1], f->unit, ON(5)) ||
           f->call(OUT, ARRAY(0), ARRAY(1), axes, n, FLAG(3), args[4].as.string, ON(5));
}

/* a, axis, keepdims, stream */
static int call_nanmedian(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_value half = {.kind = MLX_VALUE_FLOAT, .as.number = 0.5};
    int one;
    size_t n;
    const int *axes = read_axes(&args[1], &one, &n);
    (void)op;
    int status = cat_array(&args[0]) || cat_array(&half) ||
                 mlx_nanquantile(OUT, ARRAY(0), half.as.array, axes, n, FLAG(2), "linear", ON(3));
    mlx_value_free(&half);
    return status;
}

/* --- histograms ------------------------------------------------------------------------------- */

/* bins becomes the edges: those given, or as many as it says over the range. */
static int make_edges(mlx_value *bins, mlx_array a, const mlx_value *range, mlx_stream s) {
    double ends[2];
    bool given = range->kind == MLX_VALUE_LIST && range->count == 2;
    if (bins->kind != MLX_VALUE_INT)
        return cat_numbers(bins, mlx_array_dtype(a) == MLX_FLOAT64 ? MLX_FLOAT64 : MLX_FLOAT32);
    if (!cat_is_none(range) && !given)
        return cat_fail(MX_INVALID, "[histogram] the range is two numbers");
    for (int i = 0; given && i < 2; i++)
        ends[i] = cat_number(&range->as.items[i]);
    mlx_array edges = mlx_array_new();
    int status = mlx_histogram_edges(&edges, a, cat_int(bins), given ? ends : NULL, s);
    *bins = (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = edges};
    return status;
}

/* a, bins, range, weights, density, stream */
static int call_histogram(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_array counts = mlx_array_new(), edges = mlx_array_new();
    (void)op;
    int status = cat_array(&args[0]) || cat_optional_array(&args[3]) ||
                 make_edges(&args[1], ARRAY(0), &args[2], ON(5)) ||
                 mlx_histogram(&counts, ARRAY(0), ARRAY(1), cat_handle(&args[3]), FLAG(4), ON(5)) ||
                 mlx_array_set(&edges, ARRAY(1));
    return cat_result_two(res, status, counts, edges);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define AXES            "(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, "
#define R(name, f, doc) {CORE, name AXES "*, " STREAM, doc, call_reduce, FAMILY(reduction, f)}
#define S(name, f, doc) \
    {CORE, name AXES "ddof: int = 0, *, " STREAM, doc, call_spread, FAMILY(spread, f)}
#define QUANTILE \
    "axis: None | int | Sequence[int] = None, keepdims: bool = False, method: str = 'linear', *, " STREAM
#define METHODS \
    "Between two elements method decides: 'linear', 'lower', 'higher', 'midpoint' or 'nearest'."

const mlx_operation cat_stats_rows[] = {
    R("ptp", mlx_ptp,
      "The distance between the smallest and the largest of all elements, or along axes."),
    R("nansum", mlx_nansum, "The sum of all elements that are numbers, or along axes."),
    R("nanprod", mlx_nanprod, "The product of all elements that are numbers, or along axes."),
    R("nanmax", mlx_nanmax,
      "The largest of all elements that are numbers, or along axes; NaN where there is none."),
    R("nanmin", mlx_nanmin,
      "The smallest of all elements that are numbers, or along axes; NaN where there is none."),
    R("nanmean", mlx_nanmean, "The mean of all elements that are numbers, or along axes."),
    S("nanvar", mlx_nanvar,
      "The variance of all elements that are numbers, or along axes, over their number less ddof."),
    S("nanstd", mlx_nanstd,
      "The standard deviation of all elements that are numbers, or along axes."),
    {CORE, "quantile(a: array, q: scalar | array | Sequence[float], " QUANTILE,
     "The elements at the places q, from 0 to 1, of the order of all or along axes. The axes of q "
     "stand first; NaN where "
     "there is one. " METHODS,
     call_quantile, FAMILY(quantile, 1, mlx_quantile)},
    {CORE, "percentile(a: array, q: scalar | array | Sequence[float], " QUANTILE,
     "quantile with q from 0 to 100. " METHODS, call_quantile, FAMILY(quantile, 100, mlx_quantile)},
    {CORE, "nanquantile(a: array, q: scalar | array | Sequence[float], " QUANTILE,
     "quantile of the elements that are numbers; NaN where there are none. " METHODS, call_quantile,
     FAMILY(quantile, 1, mlx_nanquantile)},
    {CORE, "nanpercentile(a: array, q: scalar | array | Sequence[float], " QUANTILE,
     "percentile of the elements that are numbers; NaN where there are none. " METHODS,
     call_quantile, FAMILY(quantile, 100, mlx_nanquantile)},
    {CORE, "nanmedian" AXES "*, " STREAM,
     "The median of all elements that are numbers, or along axes.", call_nanmedian},
    {CORE,
     "histogram(a: array, bins: int | array | Sequence[float] = 10, range: Sequence[float] | None "
     "= None, weights: "
     "array | None = None, density: bool = False, *, stream: StreamOrDevice = None) -> "
     "tuple[array, array]",
     "How many elements, or what weights, lie in each bin, and the edges of the bins: those "
     "given, or as many bins of one "
     "width over the range, by default from the smallest to the largest element. The last edge is "
     "included. density "
     "divides by the sum and the widths.",
     call_histogram},
    {NULL},
};
