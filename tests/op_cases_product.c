/* Cases: einsum and the products of chosen parts. */
#include "op_cases.h"

#define LIST(...) \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define CASE(name, expression)                          \
    static mx_array *name(mx_array *const *in) {        \
        mx_array *a = in[0], *b = in[1], *c = in[2];    \
        return (void)a, (void)b, (void)c, (expression); \
    }

/* a (N,3,4), b (4,5), c (3,5): every product, then the sums */
static mx_array *product(mx_array *a, mx_array *b) {
    return mx_mul(mx_expand_dim(a, -1), mx_expand_dim(b, -3));
}
CASE(einsum_matmul, mx_einsum("nij,jk->kni", in, 2))
CASE(matmul_by_sum, mx_transpose_axes(mx_sum_axis(product(a, b), -2, false), LIST(2, 0, 1)))
CASE(einsum_three, mx_einsum("nij,jk,ik->nk", in, 3))
CASE(three_by_sum, mx_sum(mx_mul(product(a, b), mx_expand_dim(c, 1)), LIST(1, 2), false))
CASE(einsum_ellipsis, mx_einsum("...j,j...->...", in, 2))
CASE(ellipsis_by_sum, mx_sum_axis(mx_mul(a, mx_transpose(b)), -1, false))
CASE(einsum_diagonal, mx_einsum("nii->ni", in, 1))
CASE(diagonal_by_hand, mx_diagonal(a, 0, 1, 2))
CASE(einsum_batch, mx_einsum("nij,nij->n", in, 2))
CASE(batch_by_sum, mx_sum(mx_mul(a, b), LIST(1, 2), false))
CASE(einsum_outer, mx_einsum("ni,j->ijn", in, 2))
CASE(outer_by_hand, mx_mul(mx_expand_dim(b, 1), mx_expand_dim(mx_transpose(a), 1)))

CASE(vecdot, mx_vecdot(a, b, -1))
CASE(vecdot_by_sum, mx_sum_axis(mx_mul(a, b), -1, false))

/* a (N,8) or (N,12): the matrix itself */
static mx_array *hadamard_matrix(mx_array *a) {
    mx_array *eye = mx_eye(a->shape[1], a->shape[1], 0, mx_dtype_of(a));
    return mx_hadamard_transform(eye, NULL); // its rows are columns
}
CASE(hadamard, mx_hadamard_transform(a, NULL))
CASE(hadamard_product, mx_matmul(a, hadamard_matrix(a)))

#define A {3, {N, 3, 4}, -2, 2, false, false}
#define B {2, {4, 5}, -2, 2, false, false}
#define C {2, {3, 5}, -2, 2, false, false}

const op_case op_cases_product[] = {
    {"einsum, a product", einsum_matmul, NULL, matmul_by_sum, LOOSE, {A, B}},
    {"einsum of three", einsum_three, NULL, three_by_sum, LOOSE, {A, B, C}},
    {"einsum, ellipsis",
     einsum_ellipsis,
     NULL,
     ellipsis_by_sum,
     LOOSE,
     {A, {2, {4, 3}, -2, 2, false, false}}},
    {"einsum, diagonal",
     einsum_diagonal,
     NULL,
     diagonal_by_hand,
     0,
     {{3, {N, 3, 3}, -2, 2, false, false}}},
    {"einsum, batch", einsum_batch, NULL, batch_by_sum, LOOSE, {A, A}},
    {"einsum, outer",
     einsum_outer,
     NULL,
     outer_by_hand,
     0,
     {{2, {N, 3}, -2, 2, false, false}, {1, {4}, -2, 2, false, false}}},
    {"vecdot", vecdot, NULL, vecdot_by_sum, LOOSE, {A, {2, {3, 4}, -2, 2, false, false}}},
    {"hadamard_transform",
     hadamard,
     NULL,
     hadamard_product,
     LOOSE,
     {{2, {N, 8}, -2, 2, false, false}}},
    {"hadamard_transform, 20",
     hadamard,
     NULL,
     hadamard_product,
     LOOSE,
     {{2, {N, 20}, -2, 2, false, false}}},
    {0},
};
