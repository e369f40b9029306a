/* Matrix products: matmul, addmm, and what reduces to them: inner, outer, tensordot, kron.
 *
 *     matmul     a (..., M, K)  b (..., K, N)  ->  (..., M, N), the leading axes broadcast
 *     addmm      alpha a b + beta c, c broadcast to the product's shape
 */
#include <string.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/rules.h"

enum { TEXT = 256 };

/* --- the shape of a product ------------------------------------------------------------------- */

static bool mismatch(const char *op, const mx_array *a, const mx_array *b) {
    char ta[TEXT], tb[TEXT];
    return mx_fail(MX_INVALID,
                   "[%s] Last dimension of first input with shape %s must match second to last "
                   "dimension of second input with shape %s.",
                   op, mx_shape_text(ta, TEXT, a->shape, a->ndim),
                   mx_shape_text(tb, TEXT, b->shape, b->ndim));
}

static bool product_shape(const char *op, const mx_array *a, const mx_array *b, mx_shape *out) {
    if (a->ndim < 2 || b->ndim < 2)
        return mx_fail(MX_INVALID, "[%s] matrices need at least two dimensions", op);
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 2])
        return mismatch(op, a, b);
    if (!mx_broadcast_shapes("broadcast_shapes", a->shape, a->ndim - 2, b->shape, b->ndim - 2, out))
        return false;
    if (out->ndim + 2 > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[%s] more than %d dimensions", op, MX_MAX_NDIM);
    out->dim[out->ndim++] = a->shape[a->ndim - 2];
    out->dim[out->ndim++] = b->shape[b->ndim - 1];
    return true;
}

static bool infer_matmul(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nout;
    if (nin != 2 || in[0]->dtype != in[1]->dtype)
        return mx_fail(MX_INVALID, "[matmul] two arrays of one dtype are expected");
    out->dtype = mx_dtype_of(in[0]);
    return product_shape("matmul", in[0], in[1], &out->shape);
}

static bool infer_addmm(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    mx_shape full;
    (void)params, (void)nout;
    if (nin != 3 || in[0]->dtype != in[1]->dtype || in[0]->dtype != in[2]->dtype)
        return mx_fail(MX_INVALID, "[addmm] three arrays of one dtype are expected");
    out->dtype = mx_dtype_of(in[0]);
    if (!product_shape("addmm", in[0], in[1], &out->shape) ||
        !mx_broadcast_shapes("broadcast_shapes", in[2]->shape, in[2]->ndim, out->shape.dim,
                             out->shape.ndim, &full))
        return false;
    if (full.ndim == out->shape.ndim &&
        memcmp(full.dim, out->shape.dim, (size_t)full.ndim * sizeof *full.dim) == 0)
        return true;
    return mx_fail(MX_INVALID, "[addmm] input c must broadcast to the output shape");
}

/* --- derivatives ------------------------------------------------------------------------------ */

/* The conjugate transpose of the last two axes. */
static mx_array *adjoint(mx_array *a) {
    mx_array *t = mx_swapaxes(a, -1, -2);
    return t && t->dtype == MX_COMPLEX64 ? mx_conjugate(t) : t;
}

/* dA = g B', dB = A' g */
static mx_array *towards_a(const mx_node *y, mx_array *g) {
    return mx_unbroadcast(mx_matmul(g, adjoint(y->in[1])), y->in[0]);
}
static mx_array *towards_b(const mx_node *y, mx_array *g) {
    return mx_unbroadcast(mx_matmul(adjoint(y->in[0]), g), y->in[1]);
}

static bool matmul_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (need[0])
        grad[0] = towards_a(y, cot[0]);
    if (need[1])
        grad[1] = towards_b(y, cot[0]);
    return !mx_failed();
}

static mx_array *plus(mx_array *a, mx_array *b) {
    return a && b ? mx_add(a, b) : a ? a : b;
}

static mx_array *product_jvp(const mx_node *y, mx_array *const *tan) {
    mx_array *a = tan[0] ? mx_matmul(tan[0], y->in[1]) : NULL;
    mx_array *b = tan[1] ? mx_matmul(y->in[0], tan[1]) : NULL;
    return plus(a, b);
}

static bool matmul_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    out[0] = product_jvp(y, tan);
    return !mx_failed();
}

static mx_array *times(mx_array *a, double s) {
    return s == 1 ? a : mx_mul_s(a, s);
}

static bool addmm_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_addmm *p = y->params;
    mx_array *g = times(cot[0], p->alpha);
    if (need[0])
        grad[0] = towards_a(y, g);
    if (need[1])
        grad[1] = towards_b(y, g);
    if (need[2])
        grad[2] = mx_unbroadcast(times(cot[0], p->beta), y->in[2]);
    return !mx_failed();
}

static bool addmm_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_p_addmm *p = y->params;
    mx_array *like = mx_node_out(y, 0), *ab = product_jvp(y, tan);
    mx_array *c = tan[2] ? mx_fill_like(times(tan[2], p->beta), like) : NULL;
    out[0] = plus(ab ? times(ab, p->alpha) : NULL, c);
    return !mx_failed();
}

/* --- batching --------------------------------------------------------------------------------- */

/* c alone has a batch: one product, and each of its c. */
static mx_array *many_addends(const mx_node *y, mx_array *const *in, mx_array *c) {
    const mx_p_addmm *p = y->params;
    return mx_add(times(mx_matmul(in[0], in[1]), p->alpha), times(c, p->beta));
}

static bool product_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                         mx_array **out, int *out_axes) {
    mx_array *operand[3];
    int ndim = 0;
    (void)n;
    for (int i = 0; i < y->nin; i++) {
        int own = in[i]->ndim - (axes[i] >= 0);
        ndim = own > ndim ? own : ndim;
    }
    for (int i = 0; i < y->nin; i++)
        operand[i] = mx_batch_aligned(in[i], axes[i], ndim);
    out[0] = axes[0] < 0 && axes[1] < 0 ? many_addends(y, in, operand[2])
                                        : mx_apply((mx_prim)y->prim, y->params, operand, y->nin);
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_matmul = {
    .name = "Matmul",
    .traits = MX_TRAIT_STRIDES,
    .infer = infer_matmul,
    .vjp = matmul_vjp,
    .jvp = matmul_jvp,
    .vmap = product_vmap,
};

static const mx_field addmm_fields[] = {MX_FIELD(mx_p_addmm, alpha, DOUBLE),
                                        MX_FIELD(mx_p_addmm, beta, DOUBLE), MX_FIELD_END};

static bool addmm_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_addmm *p = y->params;
    out[0] = mx_add(times(mx_matmul(in[0], in[1]), p->alpha), times(in[2], p->beta));
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_addmm = {
    .name = "AddMM",
    .traits = MX_TRAIT_STRIDES,
    .fields = addmm_fields,
    .param_size = sizeof(mx_p_addmm),
    .infer = infer_addmm,
    .vjp = addmm_vjp,
    .jvp = addmm_jvp,
    .vmap = product_vmap,
    .expand = addmm_expand,
};

/* --- the operations --------------------------------------------------------------------------- */

static bool have_dimensions(const char *op, const mx_array *a, const mx_array *b) {
    return a && b &&
           ((a->ndim && b->ndim) ||
            mx_fail(MX_INVALID,
                    "[%s] Got 0 dimension input. Inputs must have at least one dimension.", op));
}

/* (..., K) (K, N): one product of all rows. */
static mx_array *flat_matmul(mx_array *a, mx_array *b) {
    int shape[MX_MAX_NDIM], k = a->shape[a->ndim - 1];
    if (k != b->shape[0])
        return mismatch("matmul", a, b), NULL;
    memcpy(shape, a->shape, (size_t)a->ndim * sizeof *shape);
    shape[a->ndim - 1] = b->shape[1];
    mx_array *in[2] = {mx_flatten(a, 0, -2), b};
    return mx_reshape(mx_apply(MX_PRIM_matmul, NULL, in, 2), shape, a->ndim);
}

static mx_array *matrix_product(mx_array *a, mx_array *b) {
    if (a && b && a->ndim > 2 && b->ndim == 2 && !mx_trace_shapeless())
        return flat_matmul(a, b);
    return mx_apply2(MX_PRIM_matmul, NULL, a, b);
}

mx_array *mx_matmul(mx_array *a, mx_array *b) {
    if (!have_dimensions("matmul", a, b) || !mx_promote2(&a, &b))
        return NULL;
    bool row = a->ndim == 1, column = b->ndim == 1;
    mx_array *y = matrix_product(row ? mx_expand_dim(a, 0) : a, column ? mx_expand_dim(b, 1) : b);
    y = column ? mx_squeeze_axis(y, -1) : y;
    return row ? mx_squeeze_axis(y, column ? -1 : -2) : y;
}

static mx_array *general_addmm(mx_array *c, mx_array *a, mx_array *b, double alpha, double beta) {
    mx_array *ab = times(mx_matmul(a, b), alpha);
    if (!ab)
        return NULL;
    return mx_add(ab, mx_broadcast_like(times(c, beta), ab));
}

/* A bias for every row of a (..., K): one product of all rows. */
static mx_array *flat_addmm(const mx_p_addmm *p, mx_array *c, mx_array *a, mx_array *b) {
    int shape[MX_MAX_NDIM];
    memcpy(shape, a->shape, (size_t)a->ndim * sizeof *shape);
    shape[a->ndim - 1] = b->shape[1];
    mx_array *in[3] = {mx_flatten(a, 0, -2), b, c};
    return mx_reshape(mx_apply(MX_PRIM_addmm, p, in, 3), shape, a->ndim);
}

/* What a factor of 0 stands before is not looked at, so that its NaN do not count; its shape must
   still fit. */
static mx_array *without_a_part(mx_array *c, mx_array *a, mx_array *b, double alpha, double beta) {
    mx_array *ab = mx_matmul(a, b), *fitted = ab ? mx_broadcast_like(times(c, beta), ab) : NULL;
    if (!fitted)
        return NULL;
    return alpha != 0 ? times(ab, alpha) : beta != 0 ? fitted : mx_zeros_like(ab);
}

mx_array *mx_addmm(mx_array *c, mx_array *a, mx_array *b, double alpha, double beta) {
    if (!c || !have_dimensions("addmm", a, b))
        return NULL;
    mx_dtype t = mx_dtype_promote(mx_dtype_of(c), mx_dtype_promote(mx_dtype_of(a), mx_dtype_of(b)));
    mx_p_addmm p = {alpha, beta};
    mx_array *in[3] = {mx_astype(a, t), mx_astype(b, t), mx_astype(c, t)};
    if (!in[0] || !in[1] || !in[2])
        return NULL;
    if (alpha == 0 || beta == 0)
        return without_a_part(in[2], in[0], in[1], alpha, beta);
    bool rows = a->ndim > 2 && b->ndim == 2 && c->ndim <= 1;
    if (a->ndim < 2 || b->ndim < 2)
        return general_addmm(in[2], in[0], in[1], alpha, beta);
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 2])
        return mismatch("addmm", a, b), NULL;
    if (rows && !mx_trace_shapeless())
        return flat_addmm(&p, in[2], in[0], in[1]);
    return mx_apply(MX_PRIM_addmm, &p, in, 3);
}

mx_array *mx_inner(mx_array *a, mx_array *b) {
    if (!a || !b)
        return NULL;
    if (a->ndim == 0 || b->ndim == 0)
        return mx_multiply(a, b);
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 1])
        return mx_fail(MX_INVALID, "[inner] a and b must have the same last dimension.");
    return mx_tensordot(a, b, (int[]){-1}, (int[]){-1}, 1);
}

mx_array *mx_outer(mx_array *a, mx_array *b) {
    mx_array *column = mx_expand_dim(mx_flatten(a, 0, -1), 1);
    return mx_multiply(column, mx_flatten(b, 0, -1));
}

/* --- tensordot -------------------------------------------------------------------------------- */

typedef struct contraction {
    int axes[MX_MAX_NDIM];  /* of the transposed operand */
    int shape[MX_MAX_NDIM]; /* of the axes that stay */
    int n_kept;
    int64_t kept, summed;
} contraction;

/* Kept axes in order, the summed ones (as listed) behind them or before. */
static bool plan(contraction *c, const mx_array *a, const int *axes, int n, bool summed_first) {
    bool is_summed[MX_MAX_NDIM] = {false};
    int at = summed_first ? 0 : a->ndim - n;
    *c = (contraction){.kept = 1, .summed = 1};
    for (int i = 0; i < n; i++) {
        int axis = mx_axis("tensordot", axes[i], a->ndim);
        if (axis < 0)
            return false;
        if (is_summed[axis])
            return mx_fail(MX_INVALID, "[tensordot] axis %d is given twice", axis);
        is_summed[axis] = true;
        c->axes[at++] = axis;
        c->summed *= a->shape[axis];
    }
    at = summed_first ? n : 0;
    for (int i = 0; i < a->ndim; i++)
        if (!is_summed[i]) {
            c->axes[at++] = i;
            c->shape[c->n_kept++] = a->shape[i];
            c->kept *= a->shape[i];
        }
    return true;
}

static mx_array *as_matrix(mx_array *a, const contraction *c, bool summed_first) {
    if (!mx_axis_fits("tensordot", c->kept) || !mx_axis_fits("tensordot", c->summed))
        return NULL;
    int rows = (int)(summed_first ? c->summed : c->kept),
        columns = (int)(summed_first ? c->kept : c->summed);
    return mx_reshape(mx_transpose_axes(a, c->axes, a->ndim), (int[]){rows, columns}, 2);
}

mx_array *mx_tensordot(mx_array *a, mx_array *b, const int *axes_a, const int *axes_b, int n) {
    contraction ca, cb;
    if (!a || !b || !mx_promote2(&a, &b))
        return NULL;
    if (n < 0 || n > a->ndim || n > b->ndim)
        return mx_fail(MX_INVALID,
                       "[tensordot] axis must be less than the number of dimensions of a and b.");
    if (!plan(&ca, a, axes_a, n, false) || !plan(&cb, b, axes_b, n, true))
        return NULL;
    for (int i = 0; i < n; i++)
        if (a->shape[ca.axes[ca.n_kept + i]] != b->shape[cb.axes[i]])
            return mx_fail(MX_INVALID,
                           "[tensordot] a and b must have the same shape on the contracted axes.");
    if (ca.n_kept + cb.n_kept > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[tensordot] the result would have %d dimensions",
                       ca.n_kept + cb.n_kept);
    for (int i = 0; i < cb.n_kept; i++)
        ca.shape[ca.n_kept + i] = cb.shape[i];
    mx_array *y = mx_matmul(as_matrix(a, &ca, false), as_matrix(b, &cb, true));
    return mx_reshape(y, ca.shape, ca.n_kept + cb.n_kept);
}

mx_array *mx_tensordot_n(mx_array *a, mx_array *b, int n) {
    int axes_a[MX_MAX_NDIM], axes_b[MX_MAX_NDIM];
    if (!a || !b)
        return NULL;
    if (n < 0)
        return mx_fail(MX_INVALID, "[tensordot] axis must be greater or equal to 0.");
    if (n > a->ndim || n > b->ndim)
        return mx_fail(MX_INVALID,
                       "[tensordot] axis must be less than the number of dimensions of a and b.");
    for (int i = 0; i < n; i++) {
        axes_a[i] = a->ndim - n + i;
        axes_b[i] = i;
    }
    return mx_tensordot(a, b, axes_a, axes_b, n);
}

/* --- kron ------------------------------------------------------------------------------------- */

/* Every axis of a (with leading ones up to ndim) beside an axis of size 1: before it, or after. */
static mx_array *spread(mx_array *a, int ndim, bool before) {
    int shape[MX_MAX_NDIM] = {0};
    for (int i = 0; i < ndim; i++) {
        int lead = ndim - a->ndim;
        shape[2 * i + before] = i < lead ? 1 : a->shape[i - lead];
        shape[2 * i + !before] = 1;
    }
    return mx_reshape(a, shape, 2 * ndim);
}

mx_array *mx_kron(mx_array *a, mx_array *b) {
    int shape[MX_MAX_NDIM];
    if (!a || !b)
        return NULL;
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    if (2 * ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[kron] at most %d dimensions are possible", MX_MAX_NDIM / 2);
    mx_array *y = mx_multiply(spread(a, ndim, false), spread(b, ndim, true));
    for (int i = 0; y && i < ndim; i++) {
        int64_t n = (int64_t)y->shape[2 * i] * y->shape[2 * i + 1];
        if (!mx_axis_fits("kron", n))
            return NULL;
        shape[i] = (int)n;
    }
    return mx_reshape(y, shape, ndim);
}
