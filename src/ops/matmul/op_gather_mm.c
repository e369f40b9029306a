/* gather_mm: products of matrices that indices pick from two batches.
 *
 *     a (A..., M, K)  b (B..., K, N)  i, j (I...)  ->  (I..., M, N) = a[i] b[j]
 *
 * An index counts along all batch axes at once. Towards a, the products g b[j]' are added up
 * where i says. Towards b, the pairs are put in the order of j: then every matrix of b owns a run
 * of the long inner axis of one segmented product.
 */
#include <string.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/matmul/products.h"
#include "ops/rules.h"

enum { A, B, I, J };

static int rows(const mx_array *a) {
    return a->shape[a->ndim - 2];
}
static int columns(const mx_array *a) {
    return a->shape[a->ndim - 1];
}

/* --- shapes ----------------------------------------------------------------------------- */

static bool check_batch(const mx_array *a) {
    int64_t count = 1;
    for (int i = 0; i < a->ndim - 2; i++)
        count *= a->shape[i];
    return mx_axis_fits("gather_mm", count);
}

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    mx_dtype t;
    (void)params, (void)nout;
    if (nin != 4 || in[A]->dtype != in[B]->dtype || in[A]->ndim < 2 || in[B]->ndim < 2 ||
        !mx_same_shape(in[I], in[J]))
        return mx_fail(MX_INVALID, "[gather_mm] two arrays of one dtype and at least two "
                                   "dimensions, and indices of one shape are expected");
    if (!mx_product_dtype("gather_mm", in[A], in[B], &t) ||
        !mx_product_inner("gather_mm", in[A], in[B]) || !check_batch(in[A]) || !check_batch(in[B]))
        return false;
    if (in[I]->ndim + 2 > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[gather_mm] more than %d dimensions", MX_MAX_NDIM);
    out->dtype = t;
    out->shape = mx_shape_of(in[I]);
    out->shape.dim[out->shape.ndim++] = rows(in[A]);
    out->shape.dim[out->shape.ndim++] = columns(in[B]);
    return true;
}

static mx_array *product(mx_array *a, mx_array *b, mx_array *i, mx_array *j, bool sorted) {
    mx_p_gather_mm p = {sorted};
    mx_array *in[4] = {a, b, i, j};
    return mx_apply(MX_PRIM_gather_mm, &p, in, 4);
}

/* --- derivatives ------------------------------------------------------------------------ */

static mx_array *adjoint(mx_array *a) {
    return mx_swapaxes(a, -1, -2);
}

/* (..., M, N) -> (count, M, N) */
static mx_array *flat_batch(mx_array *a) {
    if (!a)
        return NULL;
    return a->ndim == 2 ? mx_expand_dim(a, 0) : mx_flatten(a, 0, -3);
}

static mx_array *flat(mx_array *a) {
    return mx_reshape(a, (int[]){-1}, 1);
}

/* 0 1 2 ... shaped as the indices. */
static mx_array *positions(mx_array *like) {
    return mx_reshape(mx_arange(0, (double)like->size, 1, MX_INT32), like->shape, like->ndim);
}

static mx_array *towards_a(const mx_node *y, mx_array *g) {
    mx_array *a = y->in[A], *i = y->in[I];
    mx_array *each = product(g, adjoint(y->in[B]), positions(i), y->in[J], false);
    mx_array *sum = mx_zeros_like(flat_batch(a)), *at = flat(i);
    mx_array *updates = mx_expand_dim(flat_batch(each), 1);
    mx_array *d = mx_scatter(MX_SCATTER_SUM, sum, &at, updates, (int[]){0}, 1);
    return mx_reshape(d, a->shape, a->ndim);
}

/* Indices counted from the front. */
static mx_array *from_front(mx_array *j, int count) {
    mx_array *k = mx_astype(flat(j), MX_INT32), *zero = mx_zero_like(k);
    return mx_where(mx_less(k, zero), mx_add_s(k, count), k);
}

/* Row e: where the run of matrix e begins and ends, in rows of M. */
static mx_array *runs(mx_array *sorted, int count, int m) {
    mx_array *which = mx_arange(0, count, 1, MX_INT32);
    mx_array *ends[2] = {mx_searchsorted(sorted, which, false),
                         mx_searchsorted(sorted, which, true)};
    ends[0] = mx_astype(ends[0], MX_INT32);
    ends[1] = mx_astype(ends[1], MX_INT32);
    return mx_mul_s(mx_stack(ends, 2, 1), m);
}

/* (n, M, K) -> (n M, K) */
static mx_array *all_rows(mx_array *a) {
    return mx_flatten(a, 0, 1);
}

static mx_array *towards_b(const mx_node *y, mx_array *g) {
    const mx_p_gather_mm *p = y->params;
    mx_array *b = flat_batch(y->in[B]);
    if (!b)
        return NULL;
    mx_array *j = from_front(y->in[J], b->shape[0]), *i = flat(y->in[I]);
    g = flat_batch(g);
    if (!p->sorted) {
        mx_array *order = mx_argsort(j, 0);
        j = mx_take(j, order, 0);
        i = mx_take(i, order, 0);
        g = mx_take(g, order, 0);
    }
    mx_array *a = all_rows(mx_take(flat_batch(y->in[A]), i, 0));
    mx_array *d =
        mx_segmented_mm(mx_transpose(a), all_rows(g), runs(j, b->shape[0], rows(y->in[A])));
    return mx_reshape(d, y->in[B]->shape, y->in[B]->ndim);
}

static bool vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (need[A])
        grad[A] = towards_a(y, cot[0]);
    if (need[B])
        grad[B] = towards_b(y, cot[0]);
    return !mx_failed();
}

static bool jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_p_gather_mm *p = y->params;
    mx_array *const *x = y->in;
    mx_array *a = tan[A] ? product(tan[A], x[B], x[I], x[J], p->sorted) : NULL;
    mx_array *b = tan[B] ? product(x[A], tan[B], x[I], x[J], p->sorted) : NULL;
    out[0] = a && b ? mx_add(a, b) : a ? a : b;
    return !mx_failed();
}

/* --- batching --------------------------------------------------------------------------- */

/* The indices of every example, shaped (n, I...); each counts in its own part of the batch. */
static mx_array *own_part(mx_array *idx, int axis, const mx_array *a, int n, bool batched) {
    int shape[MX_MAX_NDIM];
    idx = mx_batch_front_full(idx, axis, n);
    if (!idx || !batched)
        return idx;
    int count = (int)(a->size / ((int64_t)n * rows(a) * columns(a)));
    mx_array *part = mx_mul_s(mx_arange(0, n, 1, MX_INT32), count);
    for (int k = 0; k < idx->ndim; k++)
        shape[k] = k ? 1 : n;
    mx_array *local = mx_reshape(from_front(idx, count), idx->shape, idx->ndim);
    return mx_add(local, mx_reshape(part, shape, idx->ndim));
}

static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    mx_array *x[4];
    out_axes[0] = 0;
    if (n == 0 || y->in[A]->size == 0 || y->in[B]->size == 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    for (int k = A; k <= B; k++) {
        x[k] = axes[k] < 0 ? in[k] : mx_moveaxis(in[k], axes[k], 0);
        x[k + 2] = own_part(in[k + 2], axes[k + 2], x[k], n, axes[k] >= 0);
    }
    out[0] = product(x[A], x[B], x[I], x[J], false);
    return out[0] != NULL;
}

static const mx_field fields[] = {MX_FIELD(mx_p_gather_mm, sorted, BOOL), MX_FIELD_END};

const mx_prim_desc mx_desc_gather_mm = {
    .name = "GatherMM",
    .traits = MX_TRAIT_STRIDES,
    .places = {"GatherMM", 2, 0},
    .fields = fields,
    .param_size = sizeof(mx_p_gather_mm),
    .infer = infer,
    .vjp = vjp,
    .jvp = jvp,
    .vmap = vmap,
};

/* --- the operation ---------------------------------------------------------------------- */

static bool check_index(const mx_array *idx) {
    return !idx || mx_dtype_is_integer(mx_dtype_of(idx)) ||
           mx_fail(MX_INVALID,
                   "[gather_mm] Got indices with invalid dtype. Indices must be integral.");
}

/* No indices: every matrix once, in the shape of the batch. */
static mx_array *every(mx_array *a) {
    int64_t count = 1;
    for (int i = 0; i < a->ndim - 2; i++)
        count *= a->shape[i];
    if (!check_batch(a))
        return NULL;
    if (mx_trace_shapeless()) {
        mx_array *like = mx_reduce(MX_SUM, mx_stop_gradient(a), (const int[]){-2, -1}, 2, false);
        return mx_reshape_like(mx_positions(mx_flatten(like, 0, -1)), like);
    }
    mx_array *all = mx_arange(0, (double)count, 1, MX_INT32);
    return mx_reshape(all, a->shape, a->ndim - 2);
}

static mx_array *without_vectors(mx_array *y, bool row, bool column) {
    y = column ? mx_squeeze_axis(y, -1) : y;
    return row ? mx_squeeze_axis(y, column ? -1 : -2) : y;
}

mx_array *mx_gather_mm(mx_array *a, mx_array *b, mx_array *lhs, mx_array *rhs, bool sorted) {
    mx_dtype t;
    mx_array *idx[2];
    if (!a || !b)
        return NULL;
    if (!lhs && !rhs)
        return mx_matmul(a, b);
    if (a->ndim == 0 || b->ndim == 0)
        return mx_fail(MX_INVALID, "[gather_mm] Got 0 dimension input. Inputs must have at least "
                                   "one dimension.");
    bool row = a->ndim == 1, column = b->ndim == 1;
    a = row ? mx_expand_dim(a, 0) : a;
    b = column ? mx_expand_dim(b, 1) : b;
    if (!a || !b || !mx_product_inner("gather_mm", a, b) ||
        !mx_product_dtype("gather_mm", a, b, &t) || !check_index(lhs) || !check_index(rhs))
        return NULL;
    idx[0] = lhs ? lhs : every(a);
    idx[1] = rhs ? rhs : every(b);
    if (!idx[0] || !idx[1] || !mx_broadcast_arrays(idx, 2, idx))
        return NULL;
    mx_array *y = product(mx_astype(a, t), mx_astype(b, t), idx[0], idx[1], sorted);
    return without_vectors(y, row, column);
}
