/* Cases: matrix products, einsum, products of chosen parts. */
#include "graph/array/params.h"
#include "op_cases.h"

/* a (N,3,4), b (4,5) or (N,4,5): products as sums of broadcast products */
static mx_array *by_sum(mx_array *a, mx_array *b) {
    return mx_sum_axis(mx_mul(mx_expand_dim(a, -1), mx_expand_dim(b, -3)), -2, false);
}
CASE(matmul, mx_matmul(a, b))
CASE(matmul_sum, by_sum(a, b))
CASE(matmul_transposed, mx_matmul(mx_swapaxes(a, -1, -2), mx_swapaxes(b, -1, -2)))
CASE(transposed_sum, by_sum(mx_swapaxes(a, -1, -2), mx_swapaxes(b, -1, -2)))
CASE(addmm, mx_addmm(c, a, b, 0.5, -2))
CASE(addmm_sum, mx_sub(mx_mul_s(by_sum(a, b), 0.5), mx_mul_s(c, 2)))
CASE(inner, mx_inner(a, b))
CASE(inner_sum, by_sum(a, mx_transpose(b)))
CASE(outer, mx_outer(a, b))
CASE(outer_product, mx_mul(mx_reshape(a, LIST(-1, 1)), mx_reshape(b, LIST(1, -1))))
CASE(tensordot, mx_tensordot(a, b, (const int[]){2}, (const int[]){0}, 1))
CASE(kron, mx_kron(a, b))

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
    int n = a->ndim > 1 ? a->shape[1] : 0;
    mx_array *eye = mx_eye(n, n, 0, mx_dtype_of(a));
    return mx_hadamard_transform(eye, NULL); // its rows are columns
}
CASE(hadamard, mx_hadamard_transform(a, NULL))
CASE(hadamard_product, mx_matmul(a, hadamard_matrix(a)))

/* a (3,2,4), b (5,4,3), indices (N) */
CASE(gather_mm, mx_gather_mm(a, b, c, in[3], false))
CASE(gather_by_take, mx_matmul(mx_take(a, c, 0), mx_take(b, in[3], 0)))
CASE(gather_rhs, mx_gather_mm(a, b, NULL, c, false))
CASE(gather_rhs_by_take, mx_matmul(a, mx_take(b, c, 0)))

/* a (N,4), b (4,3): segments that meet, that are empty, that stand alone */
static mx_array *segments(void) {
    const int32_t at[] = {0, 2, 1, 4, 3, 3, 2, 3};
    return mx_array_from(at, LIST(4, 2), MX_INT32);
}
static mx_array *segment(mx_array *a, mx_array *b, int i, int j) {
    return mx_matmul(mx_slice_axis(a, 1, i, j), mx_slice_axis(b, 0, i, j));
}
static mx_array *segments_by_hand(mx_array *const *in) {
    mx_array *each[4] = {segment(in[0], in[1], 0, 2), segment(in[0], in[1], 1, 4),
                         segment(in[0], in[1], 3, 3), segment(in[0], in[1], 2, 3)};
    return mx_stack(each, 4, 0);
}
CASE(segmented_mm, mx_segmented_mm(a, b, segments()))

/* a (N,4,3), b (6,3): the first kind's derivative towards its left operand */
CASE(segmented_spread,
     mx_apply(MX_PRIM_segmented_mm_spread, NULL, (mx_array *[]){a, b, segments()}, 3))
static mx_array *columns(mx_array *a, mx_array *b, int s, int i, int j) {
    mx_array *g = mx_squeeze_axis(mx_slice_axis(a, 0, s, s + 1), 0);
    mx_array *y = mx_matmul(g, mx_transpose(mx_slice_axis(b, 0, i, j)));
    return mx_pad(y, (const int[]){1}, 1, (const int[]){i}, (const int[]){6 - j}, NULL, "constant");
}
CASE(spread_by_hand,
     mx_add(mx_add(columns(a, b, 0, 0, 2), columns(a, b, 1, 1, 4)), columns(a, b, 3, 2, 3)))

/* a (N,40), b (40,33), masks (2,2) */
CASE(block_masked, mx_block_masked_mm(a, b, 32, NULL, NULL, mx_greater(c, mx_zero_like(c))))
CASE(block_scaled, mx_block_masked_mm(a, b, 32, NULL, NULL, c))
static mx_array *blown(mx_array *mask, int rows, int columns) {
    mx_array *all = mx_repeat(mx_repeat(mask, 32, 0), 32, 1);
    return mx_slice_axis(mx_slice_axis(all, 0, 0, rows), 1, 0, columns);
}
CASE(masked_by_hand, mx_matmul(a, mx_mul(b, mx_astype(blown(mx_greater(c, mx_zero_like(c)), 40, 33),
                                                      mx_dtype_of(b)))))
CASE(scaled_by_hand, mx_matmul(a, mx_mul(b, blown(c, 40, 33))))

#define A      {3, {N, 3, 4}, -2, 2, false, false}
#define ROWS   {3, {N, 5, 3}, -2, 2, false, false}
#define B      {2, {4, 5}, -2, 2, false, false}
#define C      {2, {3, 5}, -2, 2, false, false}
#define VEC(n) {1, {n}, 0.5, 2, false, false}

const op_case op_cases_matmul[] = {
    {"matmul", matmul, NULL, matmul_sum, LOOSE, {A, B}},
    {"matmul of transposed", matmul_transposed, NULL, transposed_sum, LOOSE, {A, ROWS}},
    {"matvec", matmul, NULL, NULL, LOOSE, {A, VEC(4)}},
    {"addmm", addmm, NULL, addmm_sum, LOOSE, {A, B, C}},
    {"inner", inner, NULL, inner_sum, LOOSE, {A, {2, {5, 4}, -2, 2, false, false}}},
    {"outer", outer, NULL, outer_product, 0, {VEC(3), VEC(4)}},
    {"tensordot", tensordot, NULL, matmul_sum, LOOSE, {A, B}},
    {"kron", kron, NULL, NULL, 0, {C, B}},
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
    {"gather_mm",
     gather_mm,
     NULL,
     gather_by_take,
     LOOSE,
     {{3, {3, 2, 4}, -2, 2, false, false},
      {3, {5, 4, 3}, -2, 2, false, false},
      {1, {N}, -3, 2, true, false},
      {1, {N}, -5, 4, true, false}}},
    {"gather_mm, all of a",
     gather_rhs,
     NULL,
     gather_rhs_by_take,
     LOOSE,
     {{3, {N, 1, 4}, -2, 2, false, false},
      {3, {5, 4, 3}, -2, 2, false, false},
      {1, {N}, 0, 4, true, false}}},
    {"segmented_mm",
     segmented_mm,
     NULL,
     segments_by_hand,
     LOOSE,
     {{2, {N, 4}, -2, 2, false, false}, {2, {4, 3}, -2, 2, false, false}}},
    {"segmented_mm_spread",
     segmented_spread,
     NULL,
     spread_by_hand,
     LOOSE | NO_EMPTY,
     {{3, {4, 2, 3}, -2, 2, false, false}, {2, {6, 3}, -2, 2, false, false}}},
    {"block_masked_mm",
     block_masked,
     NULL,
     masked_by_hand,
     LOOSE | NO_SECOND,
     {{2, {N, 40}, -2, 2, false, false},
      {2, {40, 33}, -2, 2, false, false},
      {2, {2, 2}, -1, 1, false, false}}},
    {"block_masked_mm, factors",
     block_scaled,
     NULL,
     scaled_by_hand,
     LOOSE,
     {{2, {N, 40}, -2, 2, false, false},
      {2, {40, 33}, -2, 2, false, false},
      {2, {2, 2}, -1, 1, false, false}}},
    {0},
};
