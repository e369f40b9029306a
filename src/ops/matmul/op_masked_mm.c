/* block_masked_mm: a product of which blocks of `size` x `size` elements are left out, or scaled.
 *
 *     a (..., M, K)  b (..., K, N)  masks (..., blocks of rows, blocks of columns) of a, b and the
 *                    result
 *
 * A mask of bool chooses: what it leaves out is zero, whatever stands there. Others are factors.
 */
#include "base/status.h"
#include "ops/matmul/products.h"
#include "ops/rules.h"

enum { TEXT = 256 };

static int blocks(int n, int size) {
    return n / size + (n % size != 0);
}

static bool wrong_mask(const mx_array *mask, const mx_shape *want) {
    char given[TEXT], text[TEXT];
    return mx_fail(MX_INVALID, "[block_masked_mm] a mask of shape %s does not broadcast to %s.",
                   mx_shape_text(given, TEXT, mask->shape, mask->ndim),
                   mx_shape_text(text, TEXT, want->dim, want->ndim));
}

/* The mask with all of its blocks, (..., blocks, blocks) for the batch of the product. */
static mx_array *all_blocks(mx_array *mask, const mx_shape *batch, int rows, int columns) {
    mx_shape want = *batch, full;
    want.dim[want.ndim++] = rows;
    want.dim[want.ndim++] = columns;
    if (!mx_broadcast_shapes("broadcast_shapes", mask->shape, mask->ndim, want.dim, want.ndim,
                             &full))
        return NULL;
    for (int i = 0; i < full.ndim; i++)
        if (full.ndim != want.ndim || full.dim[i] != want.dim[i])
            return wrong_mask(mask, &want), NULL;
    int keep = mask->ndim > 2 ? mask->ndim : 2; // batch axes that it lacks stay away
    return mx_broadcast_to(mask, want.dim + (want.ndim - keep), keep);
}

/* Every entry for size x size elements, cut to rows x columns. */
static mx_array *stretch(mx_array *mask, int size, int rows, int columns) {
    int shape[MX_MAX_NDIM + 2], n = mask->ndim;
    mx_array *a = mx_expand_dims(mask, (int[]){n - 1, n + 1}, 2);
    for (int i = 0; a && i < n + 2; i++)
        shape[i] = i == n - 1 || i == n + 1 ? size : a->shape[i];
    a = mx_flatten(mx_flatten(mx_broadcast_to(a, shape, n + 2), n, n + 1), n - 2, n - 1);
    return mx_slice_axis(mx_slice_axis(a, -2, 0, rows), -1, 0, columns);
}

static mx_array *masked(mx_array *a, mx_array *mask, const mx_shape *batch, int size) {
    if (!a || !mask)
        return a;
    int rows = a->shape[a->ndim - 2], columns = a->shape[a->ndim - 1];
    mask = all_blocks(mask, batch, blocks(rows, size), blocks(columns, size));
    if (!mask)
        return NULL;
    if (mask->ndim + 2 > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[block_masked_mm] more than %d dimensions", MX_MAX_NDIM - 2);
    bool choice = mask->dtype == MX_BOOL;
    mask = stretch(mask, size, rows, columns);
    return choice ? mx_where(mask, a, mx_zero_like(a)) : mx_mul(a, mx_astype(mask, mx_dtype_of(a)));
}

static bool check(int size, const mx_array *a, const mx_array *b, mx_dtype *t) {
    if (size != 32 && size != 64)
        return mx_fail(
            MX_INVALID,
            "[block_masked_mm] Only block_sizes 32, 64 are supported. Got block size %d.", size);
    if (a->ndim == 0 || b->ndim == 0)
        return mx_fail(MX_INVALID, "[block_masked_mm] Got 0 dimension input. Inputs must have at "
                                   "least one dimension.");
    return mx_product_dtype("block_masked_mm", a, b, t);
}

mx_array *mx_block_masked_mm(mx_array *a, mx_array *b, int size, mx_array *mask_out,
                             mx_array *mask_lhs, mx_array *mask_rhs) {
    mx_dtype t;
    mx_shape batch;
    if (!a || !b || !check(size, a, b, &t))
        return NULL;
    bool row = a->ndim == 1, column = b->ndim == 1;
    a = mx_astype(row ? mx_expand_dim(a, 0) : a, t);
    b = mx_astype(column ? mx_expand_dim(b, 1) : b, t);
    if (!a || !b || !mx_product_inner("block_masked_mm", a, b) ||
        !mx_broadcast_shapes("broadcast_shapes", a->shape, a->ndim - 2, b->shape, b->ndim - 2,
                             &batch))
        return NULL;
    if (batch.ndim + 4 > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[block_masked_mm] more than %d dimensions", MX_MAX_NDIM - 2);
    mx_array *y = mx_matmul(masked(a, mask_lhs, &batch, size), masked(b, mask_rhs, &batch, size));
    y = masked(y, mask_out, &batch, size);
    y = column ? mx_squeeze_axis(y, -1) : y;
    return row ? mx_squeeze_axis(y, column ? -1 : -2) : y;
}
