/* Products with matrices of GGUF's blocks, which are used where they lie:
 *
 *     block_matmul         x (..., M, K)  W (..., N, K) if transpose, else (..., K, N)
 *                          -> (..., M, N)
 *     gather_block_matmul  of matrices that indices pick, as gather_qmm
 *
 * Formats that kernels/codes/codes.h lists round x to 8 bits where W is transposed. Derivatives are
 * those of the product as it would be without that, with tangents and cotangents as they are.
 */
#include "base/status.h"
#include "kernels/blocks/blocks.h"
#include "ops/quant/quant.h"
#include "ops/rules.h"

enum { TEXT = 256, X = 0, W = 1, L = 2, R = 3 };

static const mx_field fields[] = {MX_FIELD(mx_p_block_matmul, type, INT),
                                  MX_FIELD(mx_p_block_matmul, transpose, BOOL),
                                  MX_FIELD(mx_p_block_matmul, sorted, BOOL),
                                  MX_FIELD(mx_p_block_matmul, whole, BOOL), MX_FIELD_END};

/* --- shapes ----------------------------------------------------------------------------------- */

/* The columns of the product, or -1 and mx_fail. */
static int64_t columns(const char *op, const mx_p_block_matmul *p, mx_array *const *in) {
    char text[TEXT];
    const mx_array *x = in[X], *w = in[W];
    const mx_block_format *f = mx_block_of_type(op, p->type);
    mx_shape s;
    if (!f || !mx_qmm_check_x(op, x) || !mx_block_numbers(op, w, f, &s))
        return -1;
    if (x->dtype == MX_FLOAT64)
        return mx_fail(MX_INVALID, "[%s] x is of float64, for which blocks have no products", op),
               -1;
    if (w->ndim < 2)
        return mx_fail(MX_INVALID,
                       "[%s] the blocks have shape %s: a matrix of at least two dimensions was "
                       "expected",
                       op, mx_shape_text(text, TEXT, w->shape, w->ndim)),
               -1;
    int rows = s.dim[s.ndim - 2], numbers = s.dim[s.ndim - 1];
    if (x->shape[x->ndim - 1] == (p->transpose ? numbers : rows))
        return p->transpose ? rows : numbers;
    mx_fail(MX_INVALID,
            "[%s] Last dimension of first input with shape (..., %d) does not match the expanded "
            "matrix (%d, %d) of blocks with shape %s, mode '%s' and transpose=%s",
            op, x->shape[x->ndim - 1], rows, numbers, mx_shape_text(text, TEXT, w->shape, w->ndim),
            f->name, p->transpose ? "true" : "false");
    return -1;
}

static bool infer_matmul(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const char *op = "quantized_matmul";
    int64_t n = columns(op, params, in);
    (void)nin, (void)nout;
    return n >= 0 &&
           mx_broadcast_shapes("broadcast_shapes", in[X]->shape, in[X]->ndim - 2, in[W]->shape,
                               in[W]->ndim - 2, &out->shape) &&
           mx_qmm_add_matrix(op, in[X], n, out);
}

static bool infer_gather(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const char *op = "gather_qmm";
    int64_t n = columns(op, params, in);
    (void)nin, (void)nout;
    if (n < 0 || !mx_qmm_check_indices(op, in[L], in[R]))
        return false;
    out->shape = mx_shape_of(in[L]);
    return mx_qmm_add_matrix(op, in[X], n, out);
}

/* --- derivatives ------------------------------------------------------------------------------ */

static bool product_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_p_block_matmul p = *(const mx_p_block_matmul *)y->params;
    mx_array *in[4] = {tan[X], y->in[W], y->nin > L ? y->in[L] : NULL,
                       y->nin > L ? y->in[R] : NULL};
    p.whole = true;
    out[0] = tan[X] ? mx_apply((mx_prim)y->prim, &p, in, y->nin) : NULL;
    return !mx_failed();
}

/* The cotangent times W turned. */
static mx_array *turned(const mx_node *y, mx_array *g, mx_array *lhs) {
    mx_p_block_matmul p = *(const mx_p_block_matmul *)y->params;
    mx_array *in[4] = {g, y->in[W], lhs, lhs ? y->in[R] : NULL};
    p.transpose = !p.transpose;
    p.whole = true;
    return mx_apply((mx_prim)y->prim, &p, in, y->nin);
}

static bool matmul_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (need[W])
        return mx_qmm_refuse_weights(y);
    if (need[X])
        grad[X] = mx_unbroadcast(turned(y, cot[0], NULL), y->in[X]);
    return !mx_failed();
}

static bool gather_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (need[W])
        return mx_qmm_refuse_weights(y);
    if (need[X])
        grad[X] = mx_qmm_gathered_cotangent(turned(y, cot[0], mx_qmm_counted(y->in[L])), y->in[L],
                                            y->in[X]);
    return !mx_failed();
}

const mx_prim_desc mx_desc_block_matmul = {
    .name = "BlockMatmul",
    .fields = fields,
    .param_size = sizeof(mx_p_block_matmul),
    .infer = infer_matmul,
    .vjp = matmul_vjp,
    .jvp = product_jvp,
    .vmap = mx_qmm_vmap,
};
const mx_prim_desc mx_desc_gather_block_matmul = {
    .name = "GatherBlockMatmul",
    .places = {"GatherQMM", -2, 0},
    .fields = fields,
    .param_size = sizeof(mx_p_block_matmul),
    .infer = infer_gather,
    .vjp = gather_vjp,
    .jvp = product_jvp,
    .vmap = mx_loop_vmap,
};

/* --- the operations --------------------------------------------------------------------------- */

/* float64 is computed in float32. */
static mx_array *narrow(mx_array *x) {
    return x && x->dtype == MX_FLOAT64 ? mx_astype(x, MX_FLOAT32) : x;
}
static mx_array *as_given(mx_array *y, const mx_array *x) {
    return y && x->dtype == MX_FLOAT64 ? mx_astype(y, MX_FLOAT64) : y;
}

mx_array *mx_block_matmul(mx_array *x, mx_array *blocks, const mx_block_format *f, bool transpose) {
    mx_p_block_matmul p = {.type = f->id, .transpose = transpose};
    if (!x || !blocks)
        return NULL;
    bool row = x->ndim == 1;
    mx_array *in[2] = {narrow(row ? mx_expand_dim(x, 0) : x), blocks};
    mx_array *y = mx_apply(MX_PRIM_block_matmul, &p, in, 2);
    return as_given(row ? mx_squeeze_axis(y, -2) : y, x);
}

mx_array *mx_gather_block_matmul(mx_array *x, mx_array *blocks, const mx_block_format *f,
                                 mx_array *lhs, mx_array *rhs, bool transpose, bool sorted) {
    mx_p_block_matmul p = {.type = f->id, .transpose = transpose, .sorted = sorted};
    if (!x || !blocks)
        return NULL;
    mx_array *index[2] = {mx_qmm_indices(lhs, x), mx_qmm_indices(rhs, blocks)};
    if (!index[0] || !index[1] || !mx_broadcast_arrays(index, 2, index))
        return NULL;
    mx_array *in[4] = {narrow(x), blocks, index[0], index[1]};
    return as_given(mx_apply(MX_PRIM_gather_block_matmul, &p, in, 4), x);
}
