/* Products with quantized matrices. W stands for what w, scales and biases say:
 *
 *     quantized_matmul  x (..., M, K)  W (..., N, K) if transpose, else (..., K, N) -> (..., M, N)
 *     gather_qmm        x (A..., M, K) W (B..., N, K)  lhs, rhs (I...)              -> (I..., M, N)
 *
 * The leading axes of a plain product broadcast. lhs and rhs pick matrices of x and of W from their
 * leading axes, flattened. Derivatives: x, and scales and biases in affine, in which W is linear.
 */
#include "base/status.h"
#include "graph/trace/trace.h"
#include "kernels/blocks/blocks.h"
#include "ops/quant/quant.h"
#include "ops/rules.h"

enum { TEXT = 256, X = 0, W = 1, S = 2, B = 3 };

/* --- shapes ----------------------------------------------------------------------------------- */

static bool affine(const mx_p_quant *p) {
    return p->mode == MX_AFFINE;
}

/* Rows and columns of W as the product sees it. */
static void expanded(const mx_p_quant *p, const mx_array *w, int64_t *k, int64_t *n) {
    int64_t columns = mx_quant_columns(mx_quant_format_of(p), w), rows = w->shape[w->ndim - 2];
    *k = p->transpose ? columns : rows;
    *n = p->transpose ? rows : columns;
}

bool mx_qmm_check_x(const char *op, const mx_array *x) {
    char text[TEXT];
    if (!mx_dtype_is_float(mx_dtype_of(x)))
        return mx_fail(MX_INVALID,
                       "[%s] Only real floating types are supported but x is of type %s.", op,
                       mx_dtype_name(mx_dtype_of(x)));
    return x->ndim >= 2 ||
           mx_fail(MX_INVALID,
                   "[%s] Input must have at least two dimensions but got input with shape %s.", op,
                   mx_shape_text(text, TEXT, x->shape, x->ndim));
}

static bool check_operands(const char *op, const mx_p_quant *p, mx_array *const *in) {
    char text[TEXT];
    const mx_array *x = in[X], *w = in[W], *biases = affine(p) ? in[B] : NULL;
    int64_t k, n;
    if (!mx_quant_valid(op, p) || !mx_quant_check(op, mx_quant_format_of(p), w, in[S], biases))
        return false;
    if (!mx_qmm_check_x(op, x))
        return false;
    expanded(p, w, &k, &n);
    if (x->shape[x->ndim - 1] == k)
        return true;
    return mx_fail(MX_INVALID,
                   "[%s] Last dimension of first input with shape (..., %d) does not match the "
                   "expanded quantized matrix (%lld, %lld) computed from shape %s with "
                   "group_size=%d, bits=%d and transpose=%s",
                   op, x->shape[x->ndim - 1], (long long)k, (long long)n,
                   mx_shape_text(text, TEXT, w->shape, w->ndim), p->group, p->bits,
                   p->transpose ? "true" : "false");
}

/* The operation sees to this; a node from a file may not have. */
static bool check_dtypes(const char *op, const mx_p_quant *p, mx_array *const *in) {
    if (!affine(p))
        return true;
    bool wide = in[X]->dtype == MX_FLOAT64;
    if (in[S]->dtype == in[B]->dtype && (in[S]->dtype == MX_FLOAT64) == wide)
        return true;
    return mx_fail(MX_INVALID, "[%s] the dtypes of x, scales and biases do not fit", op);
}

bool mx_qmm_add_matrix(const char *op, const mx_array *x, int64_t n, mx_out *out) {
    if (out->shape.ndim + 2 > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[%s] more than %d dimensions", op, MX_MAX_NDIM);
    out->shape.dim[out->shape.ndim++] = x->shape[x->ndim - 2];
    out->shape.dim[out->shape.ndim++] = (int)n;
    out->dtype = mx_dtype_of(x);
    return true;
}

static bool add_matrix(const char *op, const mx_p_quant *p, mx_array *const *in, mx_out *out) {
    int64_t k, n;
    expanded(p, in[W], &k, &n);
    return mx_qmm_add_matrix(op, in[X], n, out);
}

bool mx_qmm_check_indices(const char *op, const mx_array *lhs, const mx_array *rhs) {
    if (!mx_dtype_is_integer(mx_dtype_of(lhs)) || !mx_dtype_is_integer(mx_dtype_of(rhs)))
        return mx_fail(MX_INVALID, "[%s] Got indices with invalid dtype. Indices must be integral.",
                       op);
    return mx_same_shape(lhs, rhs) ||
           mx_fail(MX_INVALID, "[%s] the indices have different shapes", op);
}

static bool infer_qmm(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_quant *p = params;
    const char *op = "quantized_matmul";
    (void)nout;
    if (nin != 3 + affine(p))
        return mx_fail(MX_INVALID, "[%s] %d inputs", op, nin);
    return check_operands(op, p, in) && check_dtypes(op, p, in) &&
           mx_broadcast_shapes("broadcast_shapes", in[X]->shape, in[X]->ndim - 2, in[W]->shape,
                               in[W]->ndim - 2, &out->shape) &&
           add_matrix(op, p, in, out);
}

static bool infer_gather(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_quant *p = params;
    const char *op = "gather_qmm";
    (void)nout;
    if (nin != 5 + affine(p))
        return mx_fail(MX_INVALID, "[%s] %d inputs", op, nin);
    const mx_array *lhs = in[nin - 2], *rhs = in[nin - 1];
    if (!mx_qmm_check_indices(op, lhs, rhs))
        return false;
    out->shape = mx_shape_of(lhs);
    return check_operands(op, p, in) && check_dtypes(op, p, in) && add_matrix(op, p, in, out);
}

/* --- derivatives ------------------------------------------------------------------------------ */

static mx_array *plus(mx_array *a, mx_array *b) {
    return a && b ? mx_add(a, b) : a ? a : b;
}

/* The node with other inputs in place of some. */
static mx_array *again(const mx_node *y, const mx_p_quant *p, mx_array *x, mx_array *s,
                       mx_array *b) {
    mx_array *in[6] = {NULL};
    for (int i = 0; i < y->nin; i++)
        in[i] = y->in[i];
    in[X] = x;
    in[S] = s;
    if (affine(p))
        in[B] = b;
    return mx_apply((mx_prim)y->prim, p, in, y->nin);
}

static mx_array *biases_of(const mx_node *y) {
    return affine(y->params) ? y->in[B] : NULL;
}

/* x' W + x W', where W' is W with the tangents as scales and biases. */
static bool product_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_p_quant *p = y->params;
    mx_array *s = affine(p) ? tan[S] : NULL, *b = affine(p) ? tan[B] : NULL;
    mx_array *first = tan[X] ? again(y, p, tan[X], y->in[S], biases_of(y)) : NULL, *second = NULL;
    if (s || b)
        second =
            again(y, p, y->in[X], s ? s : mx_zeros_like(y->in[S]), b ? b : mx_zeros_like(y->in[B]));
    out[0] = plus(first, second);
    return !mx_failed();
}

/* The cotangent of W (..., rows, columns) of w: g' x, or x' g. */
static mx_array *towards_matrix(const mx_p_quant *p, mx_array *g, mx_array *x) {
    return p->transpose ? mx_matmul(mx_swapaxes(g, -1, -2), x)
                        : mx_matmul(mx_swapaxes(x, -1, -2), g);
}

/* From the cotangent of W to those of scales and biases: W = s code + b. */
static void towards_scales(const mx_node *y, mx_array *dw, const bool *need, mx_array **grad) {
    mx_quant_format f = mx_quant_format_of(y->params);
    if (need[S])
        grad[S] =
            mx_unbroadcast(mx_quant_group_sum(f, mx_mul(dw, mx_quant_codes(f, y->in[W], y->in[S]))),
                           y->in[S]);
    if (need[B])
        grad[B] = mx_unbroadcast(mx_quant_group_sum(f, dw), y->in[B]);
}

bool mx_qmm_refuse_weights(const mx_node *y) {
    return mx_fail(MX_INVALID, "[%s::vjp] no gradient wrt the quantized weights.",
                   mx_node_desc(y)->name);
}

/* The scales of the modes without biases are codes: there is no derivative towards them. */
static bool refuse_codes(const mx_node *y) {
    static const char *const modes[] = {
        [MX_MXFP4] = "mxfp4", [MX_MXFP8] = "mxfp8", [MX_NVFP4] = "nvfp4"};
    const mx_p_quant *p = y->params;
    return mx_fail(MX_INVALID, "[%s::vjp] no gradient wrt scales in %s quantization.",
                   mx_node_desc(y)->name, modes[p->mode]);
}

static bool qmm_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_p_quant p = *(const mx_p_quant *)y->params;
    if (need[W])
        return mx_qmm_refuse_weights(y);
    if (need[S] && !affine(&p))
        return refuse_codes(y);
    mx_array *g = cot[0], *x = y->in[X];
    p.transpose = !p.transpose;
    if (need[X])
        grad[X] = mx_unbroadcast(again(y, &p, g, y->in[S], biases_of(y)), x);
    if (!affine(&p) || (!need[S] && !need[B]))
        return !mx_failed();
    bool flat = y->in[W]->ndim == 2;
    mx_array *dw =
        towards_matrix(y->params, flat ? mx_flatten(g, 0, -2) : g, flat ? mx_flatten(x, 0, -2) : x);
    towards_scales(y, dw, need, grad);
    return !mx_failed();
}

/* a (..., M, N) -> (number, M, N) */
static mx_array *flat_matrices(mx_array *a) {
    if (!a)
        return NULL;
    int64_t count = 1;
    for (int i = 0; i + 2 < a->ndim; i++)
        count *= a->shape[i];
    if (!mx_axis_fits("gather_qmm", count))
        return NULL;
    return mx_reshape(a, (int[]){(int)count, a->shape[a->ndim - 2], a->shape[a->ndim - 1]}, 3);
}

/* Matrices (I, M, N) added up into `number` of them by index. */
static mx_array *added_up(mx_array *a, mx_array *index, int number) {
    int axis = 0;
    if (!a || !index)
        return NULL;
    mx_array *zeros = mx_zeros((int[]){number, a->shape[1], a->shape[2]}, 3, mx_dtype_of(a));
    mx_array *flat = mx_flatten(index, 0, -1);
    return mx_scatter(MX_SCATTER_SUM, zeros, &flat, mx_expand_dim(a, 1), &axis, 1);
}

mx_array *mx_qmm_gathered_cotangent(mx_array *products, mx_array *lhs, const mx_array *x) {
    int64_t count = 1;
    for (int i = 0; i + 2 < x->ndim; i++)
        count *= x->shape[i];
    if (!mx_axis_fits("gather_qmm", count))
        return NULL;
    return mx_reshape(added_up(flat_matrices(products), lhs, (int)count), x->shape, x->ndim);
}

mx_array *mx_qmm_counted(mx_array *like) {
    return mx_reshape(mx_arange(0, (double)like->size, 1, MX_UINT32), like->shape, like->ndim);
}

mx_array *mx_qmm_indices(mx_array *index, mx_array *a) {
    if (index)
        return index;
    if (mx_trace_shapeless()) {
        mx_array *like = mx_reduce(MX_SUM, mx_astype(mx_stop_gradient(a), MX_INT32),
                                   (const int[]){-2, -1}, 2, false);
        return mx_astype(mx_reshape_like(mx_positions(mx_flatten(like, 0, -1)), like), MX_UINT32);
    }
    int64_t count = 1;
    for (int i = 0; i + 2 < a->ndim; i++)
        count *= a->shape[i];
    mx_array *flat = mx_arange(0, (double)count, 1, MX_UINT32);
    return mx_reshape(flat, a->shape, a->ndim > 2 ? a->ndim - 2 : 0);
}

static bool gather_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_p_quant p = *(const mx_p_quant *)y->params;
    mx_array *lhs = y->in[y->nin - 2], *rhs = y->in[y->nin - 1];
    mx_array *g = cot[0], *x = flat_matrices(y->in[X]);
    if (need[W])
        return mx_qmm_refuse_weights(y);
    if (need[S] && !affine(&p))
        return refuse_codes(y);
    if (!x)
        return false;
    p.transpose = !p.transpose;
    if (need[X]) {
        mx_array *in[6] = {g, y->in[W], y->in[S], y->in[B]};
        in[y->nin - 2] = mx_qmm_counted(lhs);
        in[y->nin - 1] = rhs;
        grad[X] =
            mx_qmm_gathered_cotangent(mx_apply(MX_PRIM_gather_qmm, &p, in, y->nin), lhs, y->in[X]);
    }
    if (!affine(&p) || (!need[S] && !need[B]))
        return !mx_failed();
    mx_array *w = flat_matrices(y->in[S]), *picked = mx_take(x, mx_flatten(lhs, 0, -1), 0);
    mx_array *dw = towards_matrix(y->params, flat_matrices(g), picked);
    dw = w ? added_up(dw, rhs, w->shape[0]) : NULL;
    mx_shape full = mx_shape_of(y->in[W]);
    full.dim[full.ndim - 1] = (int)mx_quant_columns(mx_quant_format_of(&p), y->in[W]);
    towards_scales(y, mx_reshape(dw, full.dim, full.ndim), need, grad);
    return !mx_failed();
}

/* --- batching --------------------------------------------------------------------------------- */

/* W's parts stay together: with a batch axis all or none. */
bool mx_qmm_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    mx_array *to[4];
    bool batched = false;
    int ndim = 0;
    for (int i = 0; i < y->nin; i++) {
        int own = in[i]->ndim - (axes[i] >= 0);
        ndim = own > ndim ? own : ndim;
        batched = batched || (i >= W && axes[i] >= 0);
    }
    for (int i = 0; i < y->nin; i++)
        to[i] = i >= W && batched
                    ? mx_batch_aligned(mx_batch_front_full(in[i], axes[i], n), 0, ndim)
                    : mx_batch_aligned(in[i], axes[i], ndim);
    if (axes[X] < 0 && batched)
        to[X] = mx_batch_aligned(mx_expand_dim(in[X], 0), 0, ndim);
    out[0] = mx_apply((mx_prim)y->prim, y->params, to, y->nin);
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_quantized_matmul = {
    .name = "QuantizedMatmul",
    .fields = mx_quant_fields,
    .param_size = sizeof(mx_p_quant),
    .infer = infer_qmm,
    .vjp = qmm_vjp,
    .jvp = product_jvp,
    .vmap = mx_qmm_vmap,
};
const mx_prim_desc mx_desc_gather_qmm = {
    .name = "GatherQMM",
    .places = {"GatherQMM", -2, 0},
    .fields = mx_quant_fields,
    .param_size = sizeof(mx_p_quant),
    .infer = infer_gather,
    .vjp = gather_vjp,
    .jvp = product_jvp,
    .vmap = mx_loop_vmap,
};
