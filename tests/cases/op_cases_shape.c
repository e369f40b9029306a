/* Cases: views, shapes, joining, padding, repetition, regions, triangles, creation. */
#include "op_cases.h"

static int rows(const mx_array *a) {
    return a && a->ndim ? a->shape[0] : 0;
}

/* a (N,3,4) */
CASE(broadcast_to, mx_broadcast_to(mx_expand_dim(a, 1), (int[]){2, rows(a), 5, 3, 4}, 5))
CASE(fill, mx_full((int[]){2, rows(a), 5, 3, 4}, 5, mx_expand_dim(a, 1), mx_dtype_of(a)))
CASE(copy, mx_copy(mx_transpose(a)))
CASE(by_adding, mx_add(mx_expand_dim(a, 1), mx_zeros((int[]){2, 1, 5, 1, 1}, 5, mx_dtype_of(a))))
CASE(reshape, mx_reshape(a, LIST(-1, 2, 6)))
CASE(reshape_columns, mx_reshape(mx_transpose(a), LIST(6, 2, -1)))
CASE(flatten, mx_flatten(a, 1, -1))
CASE(unflatten, mx_unflatten(a, 2, LIST(2, -1)))
CASE(transpose, mx_transpose(a))
CASE(transpose_axes, mx_transpose_axes(a, LIST(1, 2, 0)))
CASE(by_moving, mx_moveaxis(a, 0, -1))
CASE(swapaxes, mx_swapaxes(a, 0, 2))
CASE(by_transposing, mx_transpose(a))
CASE(squeeze, mx_squeeze_axis(mx_expand_dims(a, LIST(0, 2)), 2))
CASE(by_expanding, mx_expand_dim(a, 0))
CASE(slice, mx_slice(a, (int[]){0, 2, 3}, (int[]){1000000, -4, 0}, (int[]){1, -1, -2}))
CASE(by_flipping,
     mx_slice(mx_flip(a, LIST(1, 2)), (int[]){0, 0, 0}, (int[]){1000000, 3, 3}, (int[]){1, 1, 2}))
CASE(flip, mx_flip(a, LIST(-1)))
CASE(contiguous, mx_contiguous(mx_transpose(a), false))
CASE(windows, mx_as_strided(a, (int[]){3, 4}, (int64_t[]){2, 1}, 2, 1))
CASE(tril, mx_tril(a, 1))
CASE(triu, mx_triu(a, -1))
CASE(by_removing, mx_sub(a, mx_triu(a, 2)))
CASE(diagonal, mx_diagonal(a, -1, 1, 2))
CASE(trace, mx_trace(a, 1, 1, 2, mx_dtype_of(a)))
CASE(by_summing, mx_sum_axis(mx_diagonal(a, 1, 1, 2), -1, false))
CASE(diag, mx_diag(a, 2))
CASE(depends, mx_add(a, mx_stop_gradient(mx_zeros_like(a))))

/* a (N,3,4), b (N,2,4) or as a */
CASE(concatenate, mx_concatenate((mx_array *[]){a, b, a}, 3, 1))
CASE(by_writing,
     mx_slice_update(MX_SCATTER_NONE, mx_pad(a, LIST(1), (int[]){0}, (int[]){5}, NULL, "constant"),
                     mx_concatenate((mx_array *[]){b, a}, 2, 1), (int[]){0, 3, 0},
                     (int[]){1 << 30, 8, 4}, NULL))
CASE(stack, mx_stack((mx_array *[]){a, mx_mul_s(a, 2)}, 2, -1))
CASE(by_scaling, mx_mul(mx_expand_dim(a, -1), mx_arange(1, 3, 1, mx_dtype_of(a))))
CASE(pad, mx_pad(a, LIST(2, 1), (int[]){1, 0}, (int[]){0, 2}, b, "constant"))
CASE(pad_reflect, mx_pad(a, LIST(2), (int[]){2}, (int[]){1}, NULL, "reflect"))
CASE(by_slices, mx_concatenate((mx_array *[]){mx_flip(mx_slice_axis(a, 2, 1, 3), LIST(2)), a,
                                              mx_slice_axis(a, 2, 2, 3)},
                               3, 2))
CASE(pad_edge, mx_pad(a, LIST(1), (int[]){1}, (int[]){1}, NULL, "edge"))
CASE(by_edges,
     mx_concatenate((mx_array *[]){mx_slice_axis(a, 1, 0, 1), a, mx_slice_axis(a, 1, 2, 3)}, 3, 1))
CASE(tile, mx_tile(a, LIST(2, 1, 1, 3)))
CASE(by_stacking, mx_stack((mx_array *[]){mx_concatenate((mx_array *[]){a, a, a}, 3, -1),
                                          mx_concatenate((mx_array *[]){a, a, a}, 3, -1)},
                           2, 0))
CASE(repeat, mx_repeat(a, 2, 1))
CASE(by_joining, mx_flatten(mx_stack((mx_array *[]){a, a}, 2, 2), 1, 2))
CASE(roll, mx_roll(a, LIST(1, -2), LIST(1, 2)))
CASE(roll_all, mx_roll(a, LIST(-5), NULL, 0))

static mx_array *update(mx_scatter_op op, mx_array *a, mx_array *b) {
    return mx_slice_update(op, a, b, (int[]){0, 2, 0}, (int[]){1 << 30, -4, 4}, (int[]){1, -2, 1});
}
CASE(update_none, update(MX_SCATTER_NONE, a, b))
CASE(update_sum, update(MX_SCATTER_SUM, a, b))
CASE(update_prod, update(MX_SCATTER_PROD, a, b))
CASE(update_max, update(MX_SCATTER_MAX, a, b))
CASE(update_min, update(MX_SCATTER_MIN, a, b))

/* in[1], in[2]: the place */
static mx_array *moving_slice(mx_array *const *in) {
    return mx_dynamic_slice(in[0], in[1], LIST(1, 2),
                            (int[]){in[0] && in[0]->ndim ? in[0]->shape[0] : 0, 2, 3});
}
static mx_array *moving_update(mx_array *const *in) {
    return mx_dynamic_slice_update(in[0], in[1], in[2], LIST(2));
}

/* a (N,5), b (5) */
static mx_array *row(mx_array *a, mx_array *made) {
    return mx_mul(a, mx_astype(made, a ? mx_dtype_of(a) : MX_FLOAT32));
}
CASE(arange, row(a, mx_arange(1, 6, 1, MX_FLOAT32)))
CASE(linspace, row(a, mx_linspace(1, 5, 5, true, MX_FLOAT32)))
CASE(eye, mx_matmul(a, row(b, mx_eye(5, 5, 1, MX_FLOAT32))))
CASE(shifted, mx_pad(mx_mul(mx_slice_axis(a, 1, 0, 4), mx_slice_axis(b, 0, 1, 5)), LIST(1),
                     (int[]){1}, (int[]){0}, NULL, "constant"))
CASE(tri, mx_matmul(a, mx_transpose(row(b, mx_tri(5, 5, 0, MX_FLOAT32)))))

#define A      {3, {N, 3, 4}, -9, 9, false, false}
#define B      {3, {N, 2, 4}, -9, 9, false, false}
#define C      {3, {N, 3, 2}, -9, 9, false, false}
#define ROW    {1, {5}, -9, 9, false, false}
#define LINES  {2, {N, 5}, -3, 3, false, false}
#define SCALAR {0, {0}, 1, 2, false, false}
#define AT(n)  {1, {n}, 0, 1, true, false}

const op_case op_cases_shape[] = {
    {"broadcast_to", broadcast_to, NULL, by_adding, INTS, {A}},
    {"full", fill, NULL, by_adding, INTS, {A}},
    {"copy", copy, NULL, transpose, INTS, {A}},
    {"reshape", reshape, NULL, NULL, INTS | NO_EMPTY, {A}},
    {"reshape of columns", reshape_columns, NULL, NULL, INTS, {A}},
    {"flatten", flatten, NULL, NULL, INTS, {A}},
    {"unflatten", unflatten, NULL, NULL, INTS, {A}},
    {"transpose", transpose, NULL, swapaxes, INTS, {A}},
    {"transpose_axes", transpose_axes, NULL, by_moving, INTS, {A}},
    {"swapaxes", swapaxes, NULL, by_transposing, INTS, {A}},
    {"squeeze", squeeze, NULL, by_expanding, INTS, {A}},
    {"slice", slice, NULL, by_flipping, INTS, {A}},
    {"flip", flip, NULL, NULL, INTS, {A}},
    {"contiguous", contiguous, NULL, transpose, INTS, {A}},
    {"as_strided", windows, NULL, NULL, INTS | NO_EMPTY, {A}},
    {"tril", tril, NULL, by_removing, INTS, {A}},
    {"triu", triu, NULL, NULL, INTS, {A}},
    {"diagonal", diagonal, NULL, NULL, INTS, {A}},
    {"trace", trace, NULL, by_summing, INTS, {A}},
    {"diag", diag, NULL, NULL, INTS, {ROW}},
    {"stop_gradient", depends, NULL, NULL, INTS, {A}},
    {"concatenate", concatenate, NULL, by_writing, INTS, {A, B}},
    {"stack", stack, NULL, by_scaling, INTS, {A}},
    {"pad", pad, NULL, NULL, INTS, {A, SCALAR}},
    {"pad, reflect", pad_reflect, NULL, by_slices, INTS, {A}},
    {"pad, edge", pad_edge, NULL, by_edges, INTS, {A}},
    {"tile", tile, NULL, by_stacking, INTS, {A}},
    {"repeat", repeat, NULL, by_joining, INTS, {A}},
    {"roll", roll, NULL, NULL, INTS, {A}},
    {"roll, flattened", roll_all, NULL, NULL, INTS, {A}},
    {"slice_update", update_none, NULL, NULL, INTS, {A, B}},
    {"slice_update, sum", update_sum, NULL, NULL, INTS, {A, B}},
    {"slice_update, prod", update_prod, NULL, NULL, INTS | NO_HALF, {A, B}},
    {"slice_update, max", update_max, NULL, NULL, INTS, {A, B}},
    {"slice_update, min", update_min, NULL, NULL, INTS, {A, B}},
    {"dynamic_slice", moving_slice, NULL, NULL, INTS, {A, AT(2)}},
    {"dynamic_slice_update", moving_update, NULL, NULL, INTS, {A, C, AT(1)}},
    {"arange", arange, NULL, linspace, INTS, {LINES}},
    {"linspace", linspace, NULL, arange, INTS, {LINES}},
    {"eye", eye, NULL, shifted, LOOSE, {LINES, ROW}},
    {"tri", tri, NULL, NULL, LOOSE, {LINES, ROW}},
    {0},
};
