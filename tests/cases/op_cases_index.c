/* Cases: reading and writing through indices, random bits. */
#include "op_cases.h"

#define INDEX(name, expression)                  \
    static mx_array *name(mx_array *const *in) { \
        mx_array *a = in[0], *i = in[1];         \
        return expression;                       \
    }

/* scatter of u (N,1,3) into a (5,3) at rows i (N) */
static mx_array *put(mx_scatter_op op, mx_array *const *in) {
    mx_array *u = mx_reshape(in[2], LIST(-1, 1, 3));
    return mx_scatter(op, in[0], &in[1], u, LIST(0));
}
static mx_array *scatter_add(mx_array *const *in) {
    return put(MX_SCATTER_SUM, in);
}
static mx_array *scatter_prod(mx_array *const *in) {
    return put(MX_SCATTER_PROD, in);
}
static mx_array *scatter_max(mx_array *const *in) {
    return put(MX_SCATTER_MAX, in);
}
static mx_array *scatter_min(mx_array *const *in) {
    return put(MX_SCATTER_MIN, in);
}

/* Each place once. */
static mx_array *scatter_set(mx_array *const *in) {
    mx_array *rows = mx_arange(3, -1, -1, MX_INT32), *u = mx_reshape(in[1], LIST(4, 1, 3));
    return mx_scatter(MX_SCATTER_NONE, in[0], &rows, u, LIST(0));
}

/* The same as adding by a one-hot product. */
static mx_array *by_matmul(mx_array *const *in) {
    mx_array *wrapped = mx_remainder(in[1], mx_scalar_i64(5, MX_INT32));
    mx_array *hot =
        mx_equal(mx_expand_dim(mx_arange(0, 5, 1, MX_INT32), 1), mx_expand_dim(wrapped, 0));
    return in[0] ? mx_add(in[0], mx_matmul(mx_astype(hot, mx_dtype_of(in[0])), in[2])) : NULL;
}

static mx_array *gather(mx_array *const *in) {
    mx_array *idx[2] = {in[1], mx_expand_dim(mx_arange(0, 2, 1, MX_INT32), 1)};
    return mx_gather(in[0], idx, LIST(0, 1), (int[]){1, 2});
}

static mx_array *along(mx_array *const *in) { /* a (5,3), indices (N) as (N,3) */
    return mx_take_along_axis(in[0], mx_expand_dim(in[1], 1), 0);
}

static mx_array *add_along(mx_array *const *in) {
    mx_array *i = in[2] ? mx_broadcast_to(mx_expand_dim(in[1], 1), in[2]->shape, 2) : NULL;
    return mx_scatter_axis(MX_SCATTER_SUM, in[0], i, in[2], 0);
}

static mx_array *masked(mx_array *const *in) {
    return mx_masked_scatter(in[0], in[1], in[2]);
}

INDEX(take, mx_take(a, i, 0))
INDEX(take_inner, mx_take(mx_transpose(a), i, 1))
INDEX(take_inner_by_moving, mx_transpose(mx_take(a, i, 0)))
INDEX(take_grid, mx_take(a, mx_expand_dim(i, 1), 0))

#define A    {2, {5, 3}, -3, 3, false, false}
#define ROWS {1, {N}, -5, 4, true, false}
#define U    {2, {N, 3}, -3, 3, false, false}

const op_case op_cases_index[] = {
    {"take", take, NULL, along, INTS, {A, ROWS}},
    {"take along columns", take_inner, NULL, take_inner_by_moving, INTS, {A, ROWS}},
    {"take by a grid", take_grid, NULL, NULL, INTS, {A, ROWS}},
    {"gather", gather, NULL, NULL, INTS, {A, ROWS}},
    {"take_along_axis", along, NULL, take, INTS, {A, ROWS}},
    {"scatter", scatter_set, NULL, NULL, INTS, {A, {2, {4, 3}, -3, 3, false, false}}},
    {"scatter_add", scatter_add, NULL, by_matmul, INTS | LOOSE, {A, ROWS, U}},
    {"scatter_prod", scatter_prod, NULL, NULL, LOOSE | NO_HALF, {A, ROWS, U}},
    {"scatter_max", scatter_max, NULL, NULL, INTS, {A, ROWS, U}},
    {"scatter_min", scatter_min, NULL, NULL, INTS, {A, ROWS, U}},
    {"scatter_add_axis", add_along, NULL, scatter_add, INTS | LOOSE, {A, ROWS, U}},
    {"masked_scatter",
     masked,
     NULL,
     NULL,
     0,
     {{2, {5, 3}, -3, 3, false, false},
      {2, {5, 3}, -1, 1, false, true},
      {1, {15}, -3, 3, false, false}}},
    {NULL, NULL, NULL, NULL, 0, {{0}}},
};
