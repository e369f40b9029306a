/* Cases: convolutions. x (N, spatial..., C), w (O, kernel..., C / groups). */
#include "op_cases.h"

#include "ops/conv/conv.h"

#define INTS_OF(...)                                                             \
    (mx_ints) {                                                                  \
        (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), (const int[]) { \
            __VA_ARGS__                                                          \
        }                                                                        \
    }
#define NONE ((mx_ints){0, NULL})

CASE(conv1, mx_conv(a, b, NONE, NONE, NONE, 1))
/* windows side by side: (N,5,3,3) -> (N,5,9) times the kernel as a matrix */
CASE(conv1_by_matmul,
     mx_matmul(mx_concatenate((mx_array *[]){mx_slice_axis(a, 1, 0, 5), mx_slice_axis(a, 1, 1, 6),
                                             mx_slice_axis(a, 1, 2, 7)},
                              3, -1),
               mx_transpose(mx_reshape(b, LIST(4, 9)))))
CASE(conv1_wide, mx_conv(a, b, INTS_OF(2), INTS_OF(2), INTS_OF(2), 1))
CASE(conv2, mx_conv(a, b, INTS_OF(2, 1), INTS_OF(1, 0), NONE, 1))
CASE(conv2_groups, mx_conv(a, b, NONE, INTS_OF(1, 1), NONE, 2))
CASE(conv2_pointwise, mx_conv(a, b, NONE, NONE, NONE, 1))
CASE(conv2_by_matmul, mx_matmul(a, mx_transpose(mx_reshape(b, LIST(4, 2)))))
CASE(conv3, mx_conv(a, b, NONE, INTS_OF(1), NONE, 1))
CASE(transposed1, mx_conv_transpose(a, b, INTS_OF(2), INTS_OF(1), INTS_OF(1), INTS_OF(1), 1))
CASE(transposed2,
     mx_conv_transpose(a, b, INTS_OF(2, 2), INTS_OF(0, 0), INTS_OF(1, 1), INTS_OF(0, 0), 1))
static mx_array *general(mx_array *const *in) {
    mx_p_conv p = {INTS_OF(2), INTS_OF(2), INTS_OF(-1), INTS_OF(2), INTS_OF(2), 1, true};
    return mx_conv_general(in[0], in[1], &p);
}

/* The derivative towards the weight: x a, cotangent b. */
static mx_array *weight_of(mx_array *const *in, mx_p_conv p, mx_ints kernel) {
    mx_p_conv_weight q = {p, kernel};
    return mx_apply2(MX_PRIM_conv_weight, &q, in[0], in[1]);
}
/* (N,7,2) (N,4,3), stride 2, padding 1 */
CASE(weight1,
     weight_of(in,
               (mx_p_conv){INTS_OF(2), INTS_OF(1), INTS_OF(1), INTS_OF(1), INTS_OF(1), 1, false},
               INTS_OF(3)))
static mx_array *weight1_by_product(mx_array *const *in) {
    mx_array *x = mx_pad(in[0], LIST(1), (const int[]){1}, (const int[]){1}, NULL, "constant"),
             *tap[3];
    for (int t = 0; t < 3; t++) {
        mx_array *seen = mx_slice(x, (const int[]){0, t, 0}, (const int[]){1 << 20, t + 7, 2},
                                  (const int[]){1, 2, 1});
        tap[t] = mx_tensordot(in[1], seen, (const int[]){0, 1}, (const int[]){0, 1}, 2);
    }
    return mx_stack(tap, 3, 1);
}
/* the rest of what a convolution can be: flipped, input dilated, groups */
CASE(weight2, weight_of(in,
                        (mx_p_conv){INTS_OF(1, 2), INTS_OF(1, 0), INTS_OF(0, 1), INTS_OF(1, 2),
                                    INTS_OF(2, 1), 2, true},
                        INTS_OF(2, 2)))
CASE(weight_depth,
     weight_of(in, (mx_p_conv){INTS_OF(1), INTS_OF(1), INTS_OF(1), INTS_OF(1), INTS_OF(2), 4, true},
               INTS_OF(3)))

#define IN(nd, ...) {nd, {__VA_ARGS__}, -2, 2, false, false}

const op_case op_cases_conv[] = {
    {"conv1d", conv1, NULL, conv1_by_matmul, LOOSE, {IN(3, N, 7, 3), IN(3, 4, 3, 3)}},
    {"conv1d, dilated", conv1_wide, NULL, NULL, LOOSE, {IN(3, N, 7, 3), IN(3, 4, 3, 3)}},
    {"conv2d", conv2, NULL, NULL, LOOSE, {IN(4, N, 5, 4, 2), IN(4, 3, 3, 2, 2)}},
    {"conv2d, groups", conv2_groups, NULL, NULL, LOOSE, {IN(4, N, 4, 3, 4), IN(4, 4, 3, 2, 2)}},
    {"conv2d, 1x1",
     conv2_pointwise,
     NULL,
     conv2_by_matmul,
     LOOSE,
     {IN(4, N, 4, 3, 2), IN(4, 4, 1, 1, 2)}},
    {"conv3d", conv3, NULL, NULL, LOOSE, {IN(5, N, 3, 2, 3, 2), IN(5, 2, 2, 2, 2, 2)}},
    {"conv_transpose1d", transposed1, NULL, NULL, LOOSE, {IN(3, N, 4, 2), IN(3, 3, 3, 2)}},
    {"conv_transpose2d", transposed2, NULL, NULL, LOOSE, {IN(4, N, 3, 2, 2), IN(4, 3, 2, 2, 2)}},
    {"conv_weight", weight1, NULL, weight1_by_product, LOOSE, {IN(3, N, 7, 2), IN(3, N, 4, 3)}},
    {"conv_weight, groups", weight2, NULL, NULL, LOOSE, {IN(4, N, 3, 5, 4), IN(4, N, 5, 2, 6)}},
    {"conv_weight, depthwise", weight_depth, NULL, NULL, LOOSE, {IN(3, N, 5, 4), IN(3, N, 9, 4)}},
    {"conv_general", general, NULL, NULL, LOOSE, {IN(3, N, 7, 2), IN(3, 3, 3, 2)}},
    {0},
};
