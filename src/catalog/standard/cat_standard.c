/* What the array API standard (2024.12) adds to the original's functions: second rows of their
 * names, which are tried where the first ones do not fit, so that every call that the original
 * takes is what it was. */
#include "ops/standard/standard.h"

#include <string.h>

#include "capi/ops/op_call.h"
#include "catalog/cat.h"
#include "graph/eval/eval.h"
#include "ops/fft/fft.h"
#include "ops/linalg/linalg.h"

/* An axis, or the flattened array where there is none. */
static mx_array *along(mlx_value *a, const mlx_value *axis, int *at) {
    *at = cat_is_none(axis) ? 0 : cat_int(axis);
    return cat_is_none(axis) ? mx_flatten(capi_in(a->as.array), 0, -1) : capi_in(a->as.array);
}

/* The axes of a reduction; NULL for None. */
static const int *read_axes(const mlx_value *v, int *one, int *n) {
    cat_list list = cat_ints(v, one);
    *n = (int)list.count;
    return cat_is_none(v) ? NULL : capi_list(list.ints);
}

/* --- making arrays ---------------------------------------------------------------------------- */

/* start, stop, num, endpoint, dtype, device */
static int call_linspace(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_linspace_endpoint(OUT, cat_number(&args[0]), cat_number(&args[1]), INT(2), FLAG(3),
                                 cat_dtype_or(&args[4], MLX_FLOAT32), ON(5));
}

typedef struct frequencies {
    mx_array *(*make)(int n, double d, mx_dtype t);
} frequencies;

/* n, d, dtype, device */
static int call_frequencies(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const frequencies *f = op->function.family;
    capi_call c = capi_begin(ON(3));
    return capi_end(&c, OUT,
                    f->make(INT(0), cat_number(&args[1]),
                            capi_dtype(cat_dtype_or(&args[2], MLX_FLOAT32))));
}

/* a, dtype, copy, device */
static int call_astype(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    bool same = mlx_array_dtype(ARRAY(0)) == args[1].as.dtype;
    return same && FLAG(2) ? mlx_copy(OUT, ARRAY(0), ON(3))
                           : mlx_astype(OUT, ARRAY(0), args[1].as.dtype, ON(3));
}

/* --- shapes ----------------------------------------------------------------------------------- */

/* Do two evaluated arrays lie in one place? */
static bool shares(mx_array *a, mx_array *b) {
    return mx_eval1(a) && mx_eval1(b) && (a->data == b->data || a->size == 0);
}

/* a, shape, copy, stream: whether the elements can stay where they are shows when they are there */
static int call_reshape(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(3));
    mx_array *a = capi_in(ARRAY(0)), *b = mx_reshape(a, args[1].as.ints, args[1].count);
    if (b && !cat_is_none(&args[2]))
        b = FLAG(2) ? mx_copy(b)
            : shares(a, b)
                ? b
                : mx_fail(MX_INVALID,
                          "[reshape] Unable to avoid copy while reshaping as requested.");
    return capi_end(&c, OUT, b);
}

/* a, source, destination, stream */
static int call_moveaxis(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one[2];
    cat_list from = cat_ints(&args[1], &one[0]), to = cat_ints(&args[2], &one[1]);
    (void)op;
    if (from.count != to.count || from.count > MX_MAX_NDIM)
        return cat_fail(MX_INVALID, "[moveaxis] %zu axes and %zu places for them were given",
                        from.count, to.count);
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(3));
    return capi_end(&c, OUT, mx_moveaxes(capi_in(ARRAY(0)), from.ints, to.ints, (int)from.count));
}

/* array, repeats, axis, stream */
static int call_repeat(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int axis;
    (void)op;
    if (cat_array(&args[0]) || cat_array(&args[1]))
        return 1;
    capi_call c = capi_begin(ON(3));
    mx_array *a = along(&args[0], &args[2], &axis);
    return capi_end(&c, OUT, mx_repeat_each(a, capi_in(ARRAY(1)), axis));
}

/* a, min, max, stream */
static int call_clip(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    if (cat_is_none(&args[1]) && cat_is_none(&args[2]))
        return mlx_copy(OUT, ARRAY(0), ON(3));
    for (int i = 1; i < 3; i++)
        if (!cat_is_none(&args[i]) && cat_pair(&args[0], &args[i]))
            return 1;
    return mlx_clip(OUT, ARRAY(0), cat_handle(&args[1]), cat_handle(&args[2]), ON(3));
}

/* --- reductions, scans, order ----------------------------------------------------------------- */

typedef struct reduction {
    mx_reduce_op op;
} reduction;

/* a, axis, keepdims, dtype, stream */
static int call_reduce(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const reduction *f = op->function.family;
    int one, n;
    const int *axes = read_axes(&args[1], &one, &n);
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(4));
    mx_array *a = capi_in(ARRAY(0));
    return capi_end(&c, OUT,
                    cat_is_none(&args[3])
                        ? mx_reduce(f->op, a, axes, n, FLAG(2))
                        : mx_reduce_as(f->op, a, axes, n, FLAG(2), capi_dtype(args[3].as.dtype)));
}

typedef struct spread {
    bool root;
} spread;

/* a, axis, keepdims, correction, stream */
static int call_spread(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const spread *f = op->function.family;
    int one, n;
    const int *axes = read_axes(&args[1], &one, &n);
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(4));
    mx_array *var = mx_var_corrected(capi_in(ARRAY(0)), axes, n, FLAG(2), cat_number(&args[3]));
    return capi_end(&c, OUT, f->root ? mx_sqrt(var) : var);
}

typedef struct scan {
    mx_scan_op op;
} scan;

/* a, axis, dtype, include_initial, stream */
static int call_scan(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const scan *f = op->function.family;
    int axis;
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(4));
    mx_array *a = along(&args[0], &args[1], &axis);
    if (!cat_is_none(&args[2]))
        a = mx_astype(a, capi_dtype(args[2].as.dtype));
    return capi_end(&c, OUT,
                    FLAG(3) ? mx_scan_from_initial(f->op, a, axis)
                            : mx_scan(f->op, a, axis, false, true));
}

typedef struct order {
    mx_array *(*ascending)(mx_array *a, int axis);
    mx_array *(*descending)(mx_array *a, int axis);
} order;

/* a, axis, descending, stable (always), stream */
static int call_order(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const order *f = op->function.family;
    int axis;
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(4));
    mx_array *a = along(&args[0], &args[1], &axis);
    return capi_end(&c, OUT, (FLAG(2) ? f->descending : f->ascending)(a, axis));
}

/* sorted, values, side, sorter, stream */
static int call_searchsorted(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const char *side = args[2].as.string;
    (void)op;
    if (strcmp(side, "left") && strcmp(side, "right"))
        return cat_fail(MX_INVALID, "[searchsorted] side must be 'left' or 'right', not '%.100s'",
                        side);
    if (cat_pair(&args[0], &args[1]) || cat_optional_array(&args[3]))
        return 1;
    capi_call c = capi_begin(ON(4));
    mx_array *sorted = capi_in(ARRAY(0)), *sorter = capi_opt(cat_handle(&args[3]));
    if (sorter)
        sorted = mx_take(sorted, sorter, 0);
    return capi_end(&c, OUT, mx_searchsorted(sorted, capi_in(ARRAY(1)), side[0] == 'r'));
}

/* a, n, axis, prepend, append, stream */
static int call_diff(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) || cat_optional_array(&args[3]) || cat_optional_array(&args[4]))
        return 1;
    capi_call c = capi_begin(ON(5));
    mx_array *before = capi_opt(cat_handle(&args[3])), *after = capi_opt(cat_handle(&args[4]));
    return capi_end(&c, OUT, mx_diff_between(capi_in(ARRAY(0)), INT(1), INT(2), before, after));
}

/* --- linear algebra --------------------------------------------------------------------------- */

/* a, full_matrices, stream */
static int call_svd(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mx_array *out[3];
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(2));
    bool ok = (FLAG(1) ? mx_svd : mx_svd_thin)(capi_in(ARRAY(0)), out);
    return capi_end_vector(&c, cat_results(res, MLX_VALUE_TUPLE), ok, out, 3);
}

/* a, mode, stream */
static int call_qr(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const char *mode = args[1].as.string;
    mx_array *out[2];
    (void)op;
    if (strcmp(mode, "reduced") && strcmp(mode, "complete"))
        return cat_fail(MX_INVALID,
                        "[linalg::qr] mode must be 'reduced' or 'complete', not '%.100s'", mode);
    if (cat_array(&args[0]))
        return 1;
    capi_call c = capi_begin(ON(2));
    bool ok = (mode[0] == 'c' ? mx_qr_complete : mx_qr)(capi_in(ARRAY(0)), out);
    return capi_end_vector(&c, cat_results(res, MLX_VALUE_TUPLE), ok, out, 2);
}

/* a, rtol, stream */
static int call_pinv(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) ||
        (!cat_is_none(&args[1]) && cat_precise(&args[1], mlx_array_dtype(ARRAY(0)))))
        return 1;
    capi_call c = capi_begin(ON(2));
    mx_array *a = capi_in(ARRAY(0));
    return capi_end(&c, OUT,
                    cat_is_none(&args[1]) ? mx_pinv(a) : mx_pinv_above(a, capi_in(ARRAY(1))));
}

/* --- rows ------------------------------------------------------------------------------------- */

#define LINALG "mlx.core.linalg"
#define DEVICE "device: StreamOrDevice = None) -> array"
#define AXES   "axis: None | int | Sequence[int] = None, keepdims: bool = False, *, "
#define FILLED(name, f, doc)                                                                   \
    {CORE, name "(shape: int | Sequence[int], dtype: Dtype | None = float32, *, " DEVICE, doc, \
     cat_call_filled, FAMILY(cat_filled, f)}
#define LIKE(name, f, doc)                                                                         \
    {CORE, name "(a: array, /, dtype: Dtype | None = None, *, " DEVICE, doc, cat_call_filled_like, \
     FAMILY(cat_filled_like, f)}
#define REDUCE(name, op, doc)                                                                  \
    {CORE, name "(a: array, /, " AXES "dtype: Dtype | None = None, " STREAM, doc, call_reduce, \
     FAMILY(reduction, op)},                                                                   \
    {                                                                                          \
        METHOD, name "(self, " AXES "dtype: Dtype | None = None, " STREAM, NULL, call_reduce,  \
            FAMILY(reduction, op)                                                              \
    }
#define SPREAD(name, root, doc)                                                       \
    {CORE, name "(a: array, /, " AXES "correction: float, " STREAM, doc, call_spread, \
     FAMILY(spread, root)},                                                           \
    {                                                                                 \
        METHOD, name "(self, " AXES "correction: float, " STREAM, NULL, call_spread,  \
            FAMILY(spread, root)                                                      \
    }
#define SCAN(name, op, doc)                                                        \
    {CORE,                                                                         \
     name "(a: array, /, axis: int | None = None, *, dtype: Dtype | None = None, " \
          "include_initial: bool = False, " STREAM,                                \
     doc, call_scan, FAMILY(scan, op)}
#define ORDER(name, up, down, doc)                                             \
    {CORE,                                                                     \
     name "(a: array, /, axis: None | int = -1, *, descending: bool = False, " \
          "stable: bool = True, " STREAM,                                      \
     doc, call_order, FAMILY(order, up, down)}
#define FREQUENCIES(name, f, doc)                                                                 \
    {"mlx.core.fft", name "(n: int, d: float = 1.0, *, dtype: Dtype | None = None, " DEVICE, doc, \
     call_frequencies, FAMILY(frequencies, f)}

const mlx_operation cat_standard_rows[] = {
    FILLED("zeros", mlx_zeros, "Zeros on a device."),
    FILLED("ones", mlx_ones, "Ones on a device."),
    LIKE("zeros_like", mlx_zeros_like_dtype, "Zeros in the shape of a, on a device."),
    LIKE("ones_like", mlx_ones_like_dtype, "Ones in the shape of a, on a device."),
    {CORE,
     "full(shape: int | Sequence[int], fill_value: scalar | array, dtype: Dtype | None = None, *, " DEVICE,
     "fill_value broadcast to a shape, in its own dtype unless another is given.", cat_call_full},
    {CORE,
     "full_like(a: array, /, fill_value: scalar | array, dtype: Dtype | None = None, *, " DEVICE,
     "fill_value broadcast to the shape of a, in the dtype of a unless another is given.",
     cat_call_full_like},
    {CORE,
     "eye(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = float32, *, " DEVICE,
     "A matrix with ones on diagonal k, on a device.", cat_call_diagonal_ones,
     FAMILY(cat_diagonal_ones, mlx_eye)},
    {CORE,
     "linspace(start: int | float, stop: int | float, num: int, endpoint: bool = True, dtype: "
     "Dtype | None = float32, *, " DEVICE,
     "num numbers at equal distances, on a device.", call_linspace},
    FREQUENCIES("fftfreq", mx_fftfreq, "The frequencies of the elements of fft, in a dtype."),
    FREQUENCIES("rfftfreq", mx_rfftfreq, "The frequencies of the elements of rfft, in a dtype."),
    {CORE, "astype(a: array, dtype: Dtype, /, *, copy: bool = True, " DEVICE,
     "The elements converted to dtype; the array itself where they have it already and no copy is "
     "asked for.",
     call_astype},

    {CORE,
     "reshape(a: array, /, shape: Sequence[int], *, copy: bool | None = None, " STREAM,
     "The elements in another shape: copied, or, with False, where they lie, which evaluates the "
     "array.",
     call_reshape,
     {NULL},
     true},
    {CORE,
     "moveaxis(a: array, /, source: int | Sequence[int], destination: int | Sequence[int], *, " STREAM,
     "Axes moved to other places; the others keep their order.", call_moveaxis},
    {CORE,
     "repeat(array: array, repeats: array, axis: int | None = None, *, " STREAM,
     "Each slab along an axis, or each element, as often as repeats, which is evaluated, says for "
     "it.",
     call_repeat,
     {NULL},
     true},
    {CORE,
     "clip(a: array, /, min: scalar | array | None = None, max: scalar | array | None = None, *, " STREAM,
     "Elements below min become min, those above max become max; without both a copy.", call_clip},

    REDUCE("sum", MX_SUM, "The sum of the elements as dtype."),
    REDUCE("prod", MX_PROD, "The product of the elements as dtype."),
    SPREAD("var", false,
           "The variance with n - correction, which need not be whole, in place of n."),
    SPREAD("std", true,
           "The root of the variance with n - correction, which need not be whole, in place of n."),
    SCAN("cumsum", MX_CUMSUM, "The running sum, with 0 in front if include_initial."),
    SCAN("cumprod", MX_CUMPROD, "The running product, with 1 in front if include_initial."),
    ORDER("sort", mx_sort, mx_sort_descending,
          "The elements in ascending or descending order; equal ones keep theirs."),
    ORDER("argsort", mx_argsort, mx_argsort_descending,
          "The indices that sort the array, ascending or descending; of equal elements the first "
          "comes first."),
    {CORE,
     "searchsorted(sorted_sequence: array, values: array, /, side: str = 'left', sorter: array | "
     "None = None, *, " STREAM,
     "Where each of values belongs in the vector that sorter puts in order.", call_searchsorted},
    {CORE,
     "diff(a: array, /, n: int = 1, axis: int = -1, *, prepend: array | None = None, append: "
     "array | None = None, " STREAM,
     "The differences of neighbours along an axis, with other slabs before and after.", call_diff},

    {LINALG,
     "svd(a: array, /, *, full_matrices: bool, stream: StreamOrDevice = None) -> tuple[array, "
     "array, array]",
     "U, S and V^T; without full_matrices as many columns and rows as there are singular values.",
     call_svd},
    {LINALG, "qr(a: array, /, *, mode: str, stream: StreamOrDevice = None) -> tuple[array, array]",
     "Q and R; all columns of Q where mode is 'complete'.", call_qr},
    {LINALG, "pinv(a: array, /, *, rtol: scalar | array | None, " STREAM,
     "The Moore-Penrose inverse over the singular values above rtol times the largest.", call_pinv},
    {NULL},
};
