/* Arrays joined, split, padded, repeated and rolled. */
#include <string.h>

#include "catalog/cat.h"

enum { MAX_NDIM = 64 };

/* --- join ------------------------------------------------------------------------------------- */

/* The arrays of a list, each flattened. */
static int flatten_all(mlx_value *list, mlx_stream s) {
    mlx_vector_array flat = mlx_vector_array_new();
    size_t n = mlx_vector_array_size(list->as.arrays);
    int status = !flat.ctx;
    for (size_t i = 0; !status && i < n; i++) {
        mlx_array a = mlx_array_new(), b = mlx_array_new();
        status = mlx_vector_array_get(&a, list->as.arrays, i) || mlx_flatten(&b, a, 0, -1, s) ||
                 mlx_vector_array_append_value(flat, b);
        mlx_array_free(a);
        mlx_array_free(b);
    }
    mlx_value_free(list);
    *list = (mlx_value){.kind = MLX_VALUE_ARRAYS, .owned = true, .as.arrays = flat};
    return status;
}

/* arrays, axis, stream */
static int call_concatenate(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return (cat_is_none(&args[1]) && flatten_all(&args[0], ON(2))) ||
           mlx_concatenate_axis(OUT, args[0].as.arrays, cat_int_or(&args[1], 0), ON(2));
}

static int call_stack(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_stack_axis(OUT, args[0].as.arrays, cat_int_or(&args[1], 0), ON(2));
}

/* *arrays, sparse, indexing, stream */
static int call_meshgrid(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    mlx_vector_array *out = cat_results(res, MLX_VALUE_TUPLE);
    if (!mlx_vector_array_size(args[0].as.arrays))
        return *out = mlx_vector_array_new(), !out->ctx;
    return mlx_meshgrid(out, args[0].as.arrays, !cat_is_none(&args[1]) && FLAG(1),
                        cat_is_none(&args[2]) ? "xy" : args[2].as.string, ON(3));
}

/* inputs, dependencies: each one array or several */
static int as_arrays(mlx_value *v) {
    if (v->kind == MLX_VALUE_ARRAYS)
        return 0;
    if (cat_array(v))
        return 1;
    mlx_value list = {.kind = MLX_VALUE_ARRAYS,
                      .owned = true,
                      .as.arrays = mlx_vector_array_new_value(v->as.array)};
    mlx_value_free(v);
    *v = list;
    return !list.as.arrays.ctx;
}

static int call_depends(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    bool several = args[0].kind == MLX_VALUE_ARRAYS;
    mlx_vector_array *out = cat_results(res, MLX_VALUE_ARRAYS);
    if (as_arrays(&args[0]) || as_arrays(&args[1]) ||
        mlx_depends(out, args[0].as.arrays, args[1].as.arrays))
        return 1;
    if (several)
        return 0;
    mlx_array only = mlx_array_new();
    int status = mlx_vector_array_get(&only, *out, 0);
    mlx_value_free(res);
    *OUT = only;
    return status;
}

/* --- split ------------------------------------------------------------------------------------ */

/* a, indices_or_sections, axis, stream */
static int call_split(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    mlx_vector_array *out = cat_results(res, MLX_VALUE_ARRAYS);
    if (cat_array(&args[0]))
        return 1;
    if (args[1].kind == MLX_VALUE_INT)
        return mlx_split(out, ARRAY(0), INT(1), INT(2), ON(3));
    return mlx_split_sections(out, ARRAY(0), args[1].as.ints, (size_t)args[1].count, INT(2), ON(3));
}

/* x, axis, stream */
static int call_unstack(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) ||
           mlx_unstack(cat_results(res, MLX_VALUE_TUPLE), ARRAY(0), INT(1), ON(2));
}

/* --- pad -------------------------------------------------------------------------------------- */

typedef struct widths {
    int axes[MAX_NDIM], low[MAX_NDIM], high[MAX_NDIM];
} widths;

/* Axis i is padded by a pair of ints, or by one on both sides. */
static int set_width(widths *w, int i, const int *pair, int n) {
    if (n != 1 && n != 2)
        return cat_fail(MX_INVALID, "[pad] an axis has two widths, not %d", n);
    w->axes[i] = i;
    w->low[i] = pair[0];
    w->high[i] = pair[n - 1];
    return 0;
}

/* pad_width is an int, (both,), (low, high), [(low, high)] for all axes or [(low, high), ...] for
   each. */
static int all_widths(widths *w, int ndim, const mlx_value *v) {
    int one;
    cat_list plain = cat_ints(v, &one);
    if (ndim > MAX_NDIM)
        return cat_fail(MX_INVALID, "[pad] at most %d axes", MAX_NDIM);
    if (v->kind == MLX_VALUE_LIST && v->count != 1 && v->count != ndim)
        return cat_fail(MX_INVALID, "[pad] widths for %d axes were given, the array has %d",
                        v->count, ndim);
    for (int i = 0; i < ndim; i++) {
        const mlx_value *item = v->kind == MLX_VALUE_LIST ? &v->as.items[v->count == 1 ? 0 : i] : v;
        plain = cat_ints(item, &one);
        if (set_width(w, i, plain.ints, (int)plain.count))
            return 1;
    }
    return 0;
}

/* a, pad_width, mode, constant_values, stream */
static int call_pad(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    widths w;
    (void)op;
    if (cat_array(&args[0]) || cat_pair(&args[0], &args[3]))
        return 1;
    int ndim = (int)mlx_array_ndim(ARRAY(0));
    size_t n = (size_t)ndim;
    return all_widths(&w, ndim, &args[1]) || mlx_pad(OUT, ARRAY(0), w.axes, n, w.low, n, w.high, n,
                                                     ARRAY(3), args[2].as.string, ON(4));
}

/* --- repeat ----------------------------------------------------------------------------------- */

/* a, reps, stream */
static int call_tile(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one;
    cat_list reps = cat_ints(&args[1], &one);
    (void)op;
    return cat_array(&args[0]) || mlx_tile(OUT, ARRAY(0), reps.ints, reps.count, ON(2));
}

/* array, repeats, axis, stream */
static int call_repeat(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    return cat_is_none(&args[2]) ? mlx_repeat(OUT, ARRAY(0), INT(1), ON(3))
                                 : mlx_repeat_axis(OUT, ARRAY(0), INT(1), INT(2), ON(3));
}

/* a, shift, axis, stream: one shift goes for all axes, several shifts of one axis add up */
static int call_roll(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one, one_axis, same[MAX_NDIM];
    cat_list shift = cat_ints(&args[1], &one), axes = cat_ints(&args[2], &one_axis);
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    if (cat_is_none(&args[2]))
        return mlx_roll(OUT, ARRAY(0), shift.ints, shift.count, ON(3));
    if (args[2].kind == MLX_VALUE_INT)
        return mlx_roll_axis(OUT, ARRAY(0), shift.ints, shift.count, one_axis, ON(3));
    if (args[1].kind == MLX_VALUE_INT && axes.count <= MAX_NDIM) {
        for (size_t i = 0; i < axes.count; i++)
            same[i] = one;
        shift = (cat_list){same, axes.count};
    }
    return mlx_roll_axes(OUT, ARRAY(0), shift.ints, shift.count, axes.ints, axes.count, ON(3));
}

/* --- rows ------------------------------------------------------------------------------------- */

#define CONCATENATE "(arrays: list[array], axis: int | None = 0, *, " STREAM
#define CONCATENATE_DOC \
    "The arrays one after the other along an axis; flattened first if axis is None."

const mlx_operation cat_join_rows[] = {
    {CORE, "concatenate" CONCATENATE, CONCATENATE_DOC, call_concatenate},
    {CORE, "concat" CONCATENATE, CONCATENATE_DOC, call_concatenate},
    {CORE, "stack" CONCATENATE, "The arrays, all of one shape, along a new axis.", call_stack},
    {CORE,
     "meshgrid(*arrays: array, sparse: bool | None = False, indexing: str | None = 'xy', stream: "
     "StreamOrDevice = "
     "None) -> tuple[array, ...]",
     "One array of coordinates for each vector. indexing 'ij': axis i belongs to vector i; 'xy': "
     "the first two are "
     "exchanged. sparse leaves the other axes with size 1.",
     call_meshgrid},
    {CORE, "depends(inputs: array | Sequence[array], dependencies: array | Sequence[array])",
     "The inputs, which will not be available before the dependencies are.", call_depends},
    {CORE,
     "split(a: array, /, indices_or_sections: int | Sequence[int], axis: int = 0, *, "
     "stream: StreamOrDevice = None) -> array",
     "A list of equal parts along an axis, or of the parts between indices.", call_split},
    {METHOD,
     "split(self, indices_or_sections: int | tuple[int, ...], axis: int = 0, *, stream: Stream | "
     "ThreadLocalStream | Device | DeviceType | None = None) -> list[array]",
     NULL, call_split},
    {CORE,
     "unstack(x: array, /, *, axis: int = 0, stream: StreamOrDevice = None) -> tuple[array, ...]",
     "The slabs along an axis, without that axis.", call_unstack},
    {CORE,
     "pad(a: array, pad_width: int | tuple[int] | tuple[int, int] | list[tuple[int, int]], mode: "
     "Literal['constant', 'edge', 'reflect', 'symmetric'] = 'constant', constant_values: scalar | "
     "array = 0, *, " STREAM,
     "The array with a margin: one width for all sides, (before, after) for all axes, or a pair "
     "for each. The margin "
     "is a constant, the nearest element ('edge'), or the array mirrored without ('reflect') or "
     "with its last element "
     "('symmetric').",
     call_pad},
    {CORE, "tile(a: array, reps: int | Sequence[int], /, *, " STREAM,
     "The whole array repeated along its axes, and along new ones in front where reps are more.",
     call_tile},
    {CORE, "repeat(array: array, repeats: int, axis: int | None = None, *, " STREAM,
     "Each element repeated, along an axis or, if it is None, of the flattened array.",
     call_repeat},
    {CORE,
     "roll(a: array, shift: int | tuple[int], axis: None | int | tuple[int] = None, /, *, " STREAM,
     "The elements moved along axes, or of the flattened array; what leaves at one end enters at "
     "the other.",
     call_roll},
    {NULL},
};
