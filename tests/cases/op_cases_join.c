/* Cases: joining, padding, repetition, regions. */
#include "op_cases.h"

#define COUNT(...) (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define LIST(...)  (const int[]){__VA_ARGS__}, COUNT(__VA_ARGS__)
#define JOIN(name, expression)                   \
    static mx_array *name(mx_array *const *in) { \
        mx_array *a = in[0], *b = in[1];         \
        return (void)a, (void)b, (expression);   \
    }

/* a (N,3,4), b (N,2,4) or as a */
JOIN(concatenate, mx_concatenate((mx_array *[]){a, b, a}, 3, 1))
JOIN(by_writing,
     mx_slice_update(MX_SCATTER_NONE, mx_pad(a, LIST(1), (int[]){0}, (int[]){5}, NULL, "constant"),
                     mx_concatenate((mx_array *[]){b, a}, 2, 1), (int[]){0, 3, 0},
                     (int[]){1 << 30, 8, 4}, NULL))
JOIN(stack, mx_stack((mx_array *[]){a, mx_mul_s(a, 2)}, 2, -1))
JOIN(by_scaling, mx_mul(mx_expand_dim(a, -1), mx_arange(1, 3, 1, mx_dtype_of(a))))
JOIN(pad, mx_pad(a, LIST(2, 1), (int[]){1, 0}, (int[]){0, 2}, b, "constant"))
JOIN(pad_reflect, mx_pad(a, LIST(2), (int[]){2}, (int[]){1}, NULL, "reflect"))
JOIN(by_slices, mx_concatenate((mx_array *[]){mx_flip(mx_slice_axis(a, 2, 1, 3), LIST(2)), a,
                                              mx_slice_axis(a, 2, 2, 3)},
                               3, 2))
JOIN(pad_edge, mx_pad(a, LIST(1), (int[]){1}, (int[]){1}, NULL, "edge"))
JOIN(by_edges,
     mx_concatenate((mx_array *[]){mx_slice_axis(a, 1, 0, 1), a, mx_slice_axis(a, 1, 2, 3)}, 3, 1))
JOIN(tile, mx_tile(a, LIST(2, 1, 1, 3)))
JOIN(by_stacking, mx_stack((mx_array *[]){mx_concatenate((mx_array *[]){a, a, a}, 3, -1),
                                          mx_concatenate((mx_array *[]){a, a, a}, 3, -1)},
                           2, 0))
JOIN(repeat, mx_repeat(a, 2, 1))
JOIN(by_joining, mx_flatten(mx_stack((mx_array *[]){a, a}, 2, 2), 1, 2))
JOIN(roll, mx_roll(a, LIST(1, -2), LIST(1, 2)))
JOIN(roll_all, mx_roll(a, LIST(-5), NULL, 0))

static mx_array *update(mx_scatter_op op, mx_array *a, mx_array *b) {
    return mx_slice_update(op, a, b, (int[]){0, 2, 0}, (int[]){1 << 30, -4, 4}, (int[]){1, -2, 1});
}
JOIN(update_none, update(MX_SCATTER_NONE, a, b))
JOIN(update_sum, update(MX_SCATTER_SUM, a, b))
JOIN(update_prod, update(MX_SCATTER_PROD, a, b))
JOIN(update_max, update(MX_SCATTER_MAX, a, b))
JOIN(update_min, update(MX_SCATTER_MIN, a, b))

/* in[1], in[2]: the place */
static mx_array *moving_slice(mx_array *const *in) {
    return mx_dynamic_slice(in[0], in[1], LIST(1, 2),
                            (int[]){in[0] && in[0]->ndim ? in[0]->shape[0] : 0, 2, 3});
}
static mx_array *moving_update(mx_array *const *in) {
    return mx_dynamic_slice_update(in[0], in[1], in[2], LIST(2));
}

#define A      {3, {N, 3, 4}, -9, 9, false, false}
#define B      {3, {N, 2, 4}, -9, 9, false, false}
#define C      {3, {N, 3, 2}, -9, 9, false, false}
#define SCALAR {0, {0}, 1, 2, false, false}
#define AT(n)  {1, {n}, 0, 1, true, false}

const op_case op_cases_join[] = {
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
    {0},
};
