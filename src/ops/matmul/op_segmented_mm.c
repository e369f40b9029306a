/* segmented_mm: one product for every segment of the inner axis.
 *
 *     a (M, K)  b (K, N)  segments (S..., 2)  ->  (S..., M, N): a[:, i:j] b[i:j] for each (i, j)
 *
 * Its derivatives are the other kind of product, whose results are added up along K:
 *
 *     g (S..., M, N)  b (K, N)  segments  ->  (M, K): y[:, i:j] += g[s] b[i:j]'
 *
 * whose own derivatives are of these two kinds again.
 */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/matmul/products.h"
#include "ops/rules.h"

enum { TEXT = 256 };

static bool check_segments(const mx_array *s) {
    char text[TEXT];
    if (!mx_dtype_is_integer(mx_dtype_of(s)))
        return mx_fail(MX_INVALID, "[segmented_mm] Got segments with invalid dtype. Segments must "
                                   "be integral.");
    return (s->ndim > 0 && s->shape[s->ndim - 1] == 2) ||
           mx_fail(MX_INVALID,
                   "[segmented_mm] The segments should have shape (..., 2) but %s was provided.",
                   mx_shape_text(text, TEXT, s->shape, s->ndim));
}

static bool infer_segmented(const void *params, mx_array *const *in, int nin, mx_out *out,
                            int nout) {
    mx_dtype t;
    (void)params, (void)nout;
    if (nin != 3 || in[0]->dtype != in[1]->dtype)
        return mx_fail(MX_INVALID, "[segmented_mm] two arrays of one dtype are expected");
    if (in[0]->ndim != 2 || in[1]->ndim != 2)
        return mx_fail(MX_INVALID, "[segmented_mm] Batched matmul not supported");
    if (!mx_product_dtype("segmented_mm", in[0], in[1], &t) ||
        !mx_product_inner("segmented_mm", in[0], in[1]) || !check_segments(in[2]))
        return false;
    out->dtype = t;
    out->shape = mx_shape_of(in[2]);
    if (out->shape.ndim >= MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[segmented_mm] more than %d dimensions", MX_MAX_NDIM);
    out->shape.dim[out->shape.ndim - 1] = in[0]->shape[0];
    out->shape.dim[out->shape.ndim++] = in[1]->shape[1];
    return true;
}

static bool infer_spread(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nout;
    const mx_array *g = in[0], *b = in[1], *s = in[2];
    if (nin != 3 || g->dtype != b->dtype || b->ndim != 2 || !check_segments(s) ||
        g->ndim != s->ndim + 1 || g->shape[g->ndim - 1] != b->shape[1])
        return mx_fail(MX_INVALID, "[segmented_mm] matrices for each segment, and one whose rows "
                                   "have as many elements, are expected");
    for (int i = 0; i < s->ndim - 1; i++)
        if (g->shape[i] != s->shape[i])
            return mx_fail(MX_INVALID, "[segmented_mm] one matrix a segment is expected");
    out->dtype = mx_dtype_of(g);
    out->shape = (mx_shape){2, {g->shape[g->ndim - 2], b->shape[0]}};
    return true;
}

/* --- derivatives ------------------------------------------------------------------------ */

static mx_array *apply(mx_prim p, mx_array *a, mx_array *b, mx_array *segments) {
    mx_array *in[3] = {a, b, segments};
    return mx_apply(p, NULL, in, 3);
}

static mx_array *segmented(mx_array *a, mx_array *b, mx_array *s) {
    return apply(MX_PRIM_segmented_mm, a, b, s);
}

static mx_array *spread(mx_array *g, mx_array *b, mx_array *s) {
    return apply(MX_PRIM_segmented_mm_spread, g, b, s);
}

/* Rows i:j of (K, N) += a[:, i:j]' g[s]. */
static mx_array *spread_rows(mx_array *a, mx_array *g, mx_array *s) {
    return mx_transpose(spread(mx_swapaxes(g, -1, -2), mx_transpose(a), s));
}

static bool segmented_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                          mx_array **grad) {
    if (need[0])
        grad[0] = spread(cot[0], y->in[1], y->in[2]);
    if (need[1])
        grad[1] = spread_rows(y->in[0], cot[0], y->in[2]);
    return !mx_failed();
}

static bool spread_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (need[0])
        grad[0] = segmented(cot[0], y->in[1], y->in[2]);
    if (need[1])
        grad[1] = spread_rows(cot[0], y->in[0], y->in[2]);
    return !mx_failed();
}

static bool product_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_prim p = (mx_prim)y->prim;
    mx_array *a = tan[0] ? apply(p, tan[0], y->in[1], y->in[2]) : NULL;
    mx_array *b = tan[1] ? apply(p, y->in[0], tan[1], y->in[2]) : NULL;
    out[0] = a && b ? mx_add(a, b) : a ? a : b;
    return !mx_failed();
}

/* A batch of a alone is more rows. */
static bool segmented_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                           mx_array **out, int *out_axes) {
    mx_trace_pin("SegmentedMM");
    if (n == 0 || axes[0] < 0 || axes[1] >= 0 || axes[2] >= 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    mx_array *rows = mx_flatten(mx_moveaxis(in[0], axes[0], 0), 0, 1);
    mx_array *all = segmented(rows, in[1], in[2]);
    if (!all)
        return false;
    int at = all->ndim - 2;
    out[0] = mx_unflatten(all, at, (int[]){n, all->shape[at] / n}, 2);
    out_axes[0] = at;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_segmented_mm = {
    .name = "SegmentedMM",
    .traits = MX_TRAIT_STRIDES,
    .infer = infer_segmented,
    .vjp = segmented_vjp,
    .jvp = product_jvp,
    .vmap = segmented_vmap,
};

const mx_prim_desc mx_desc_segmented_mm_spread = {
    .name = "SegmentedMMSpread",
    .traits = MX_TRAIT_STRIDES,
    .infer = infer_spread,
    .vjp = spread_vjp,
    .jvp = product_jvp,
    .vmap = mx_loop_vmap,
};

mx_array *mx_segmented_mm(mx_array *a, mx_array *b, mx_array *segments) {
    if (!a || !b || !segments || !mx_promote2(&a, &b))
        return NULL;
    return segmented(a, b, segments);
}
