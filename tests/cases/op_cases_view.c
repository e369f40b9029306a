/* Cases: views, shapes, triangles and diagonals. */
#include "op_cases.h"

#define COUNT(...) (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define LIST(...)  (const int[]){__VA_ARGS__}, COUNT(__VA_ARGS__)
#define VIEW(name, expression)                   \
    static mx_array *name(mx_array *const *in) { \
        mx_array *a = in[0];                     \
        return expression;                       \
    }

static int rows(const mx_array *a) {
    return a && a->ndim ? a->shape[0] : 0;
}

/* a (N,3,4) */
VIEW(broadcast_to, mx_broadcast_to(mx_expand_dim(a, 1), (int[]){2, rows(a), 5, 3, 4}, 5))
VIEW(fill, mx_full((int[]){2, rows(a), 5, 3, 4}, 5, mx_expand_dim(a, 1), mx_dtype_of(a)))
VIEW(copy, mx_copy(mx_transpose(a)))
VIEW(by_adding, mx_add(mx_expand_dim(a, 1), mx_zeros((int[]){2, 1, 5, 1, 1}, 5, mx_dtype_of(a))))
VIEW(reshape, mx_reshape(a, LIST(-1, 2, 6)))
VIEW(reshape_columns, mx_reshape(mx_transpose(a), LIST(6, 2, -1)))
VIEW(flatten, mx_flatten(a, 1, -1))
VIEW(unflatten, mx_unflatten(a, 2, LIST(2, -1)))
VIEW(transpose, mx_transpose(a))
VIEW(transpose_axes, mx_transpose_axes(a, LIST(1, 2, 0)))
VIEW(by_moving, mx_moveaxis(a, 0, -1))
VIEW(swapaxes, mx_swapaxes(a, 0, 2))
VIEW(by_transposing, mx_transpose(a))
VIEW(squeeze, mx_squeeze_axis(mx_expand_dims(a, LIST(0, 2)), 2))
VIEW(by_expanding, mx_expand_dim(a, 0))
VIEW(slice, mx_slice(a, (int[]){0, 2, 3}, (int[]){1000000, -4, 0}, (int[]){1, -1, -2}))
VIEW(by_flipping,
     mx_slice(mx_flip(a, LIST(1, 2)), (int[]){0, 0, 0}, (int[]){1000000, 3, 3}, (int[]){1, 1, 2}))
VIEW(flip, mx_flip(a, LIST(-1)))
VIEW(contiguous, mx_contiguous(mx_transpose(a), false))
VIEW(windows, mx_as_strided(a, (int[]){3, 4}, (int64_t[]){2, 1}, 2, 1))
VIEW(tril, mx_tril(a, 1))
VIEW(triu, mx_triu(a, -1))
VIEW(by_removing, mx_sub(a, mx_triu(a, 2)))
VIEW(diagonal, mx_diagonal(a, -1, 1, 2))
VIEW(trace, mx_trace(a, 1, 1, 2, mx_dtype_of(a)))
VIEW(by_summing, mx_sum_axis(mx_diagonal(a, 1, 1, 2), -1, false))
VIEW(diag, mx_diag(a, 2))
VIEW(depends, mx_add(a, mx_stop_gradient(mx_zeros_like(a))))

#define A   {3, {N, 3, 4}, -9, 9, false, false}
#define ROW {1, {5}, -9, 9, false, false}

const op_case op_cases_view[] = {
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
    {0},
};
