/* The operations on quantized matrices: dtypes are joined, and each kind of matrix goes to its
 * primitive (op_qmm.c, op_block_matmul.c). */
#include "base/status.h"
#include "kernels/blocks/blocks.h"
#include "ops/quant/quant.h"
#include "ops/rules.h"

enum { TEXT = 256, X = 0, W = 1, S = 2, B = 3 };

/* Affine: the result's dtype is that of all three numbers; scales keep their own where the kernels
   read it. */
static bool join_dtypes(const char *op, mx_quant_format f, mx_array **in) {
    if (f.mode != MX_AFFINE || !in[B])
        return true;
    mx_dtype s = mx_dtype_of(in[S]), b = mx_dtype_of(in[B]), x = mx_dtype_of(in[X]);
    if (!mx_dtype_is_float(s) || !mx_dtype_is_float(b) || x == MX_COMPLEX64)
        return mx_fail(MX_INVALID,
                       "[%s] Only real floating types are supported but x is of type %s, "
                       "scales of %s and biases of %s.",
                       op, mx_dtype_name(x), mx_dtype_name(s), mx_dtype_name(b));
    mx_dtype joined = mx_dtype_promote(s, b), t = mx_dtype_promote(x, joined);
    in[X] = mx_astype(in[X], t);
    in[S] = mx_astype(in[S], t == MX_FLOAT64 ? t : joined);
    in[B] = mx_astype(in[B], t == MX_FLOAT64 ? t : joined);
    return in[X] && in[S] && in[B];
}

/* What infer would not be asked: an operand that must be there, or must not. */
static bool check_biases(const char *op, mx_quant_format f, mx_array *const *in) {
    return (f.mode == MX_AFFINE) == (in[B] != NULL) || mx_quant_check(op, f, in[W], in[S], in[B]);
}

static bool no_scales(const char *op, mx_quant_format f, const mx_array *scales,
                      const mx_array *biases) {
    return (!scales && !biases) ||
           mx_fail(MX_INVALID, "[%s] Blocks of mode '%s' hold their scales: there are no others.",
                   op, mx_quant_block(f)->name);
}

mx_array *mx_quantized_matmul(mx_array *x, mx_array *w, mx_array *scales, mx_array *biases,
                              bool transpose, mx_quant_format f) {
    mx_p_quant p = mx_quant_params(f);
    mx_array *in[4] = {x, w, scales, biases};
    p.transpose = transpose;
    if (mx_quant_block(f))
        return no_scales("quantized_matmul", f, scales, biases)
                   ? mx_block_matmul(x, w, mx_quant_block(f), transpose)
                   : NULL;
    if (!x || !w || !scales || !check_biases("quantized_matmul", f, in) ||
        !join_dtypes("quantized_matmul", f, in))
        return NULL;
    bool row = x->ndim == 1;
    in[X] = row ? mx_expand_dim(in[X], 0) : in[X];
    mx_array *y = mx_apply(MX_PRIM_quantized_matmul, &p, in, biases ? 4 : 3);
    return row ? mx_squeeze_axis(y, -2) : y;
}

mx_array *mx_gather_qmm(mx_array *x, mx_array *w, mx_array *scales, mx_array *biases, mx_array *lhs,
                        mx_array *rhs, bool transpose, mx_quant_format f, bool sorted) {
    mx_p_quant p = mx_quant_params(f);
    mx_array *in[6] = {x, w, scales, biases};
    p.transpose = transpose;
    p.sorted = sorted;
    if (!lhs && !rhs)
        return mx_quantized_matmul(x, w, scales, biases, transpose, f);
    if (mx_quant_block(f))
        return no_scales("gather_qmm", f, scales, biases)
                   ? mx_gather_block_matmul(x, w, mx_quant_block(f), lhs, rhs, transpose, sorted)
                   : NULL;
    if (!x || !w || !scales)
        return NULL;
    if (!check_biases("gather_qmm", f, in) || !join_dtypes("gather_qmm", f, in))
        return NULL;
    mx_array *index[2] = {mx_qmm_indices(lhs, x), mx_qmm_indices(rhs, w)};
    if (!index[0] || !index[1] || !mx_broadcast_arrays(index, 2, index))
        return NULL;
    int n = biases ? 4 : 3;
    in[n] = index[0];
    in[n + 1] = index[1];
    return mx_apply(MX_PRIM_gather_qmm, &p, in, n + 2);
}

/* --- with a global scale for each matrix ------------------------------------------------------ */

static bool check_global(mx_quant_format f, const mx_array *w, const mx_array *global) {
    char has[TEXT], wanted[TEXT];
    if (f.mode != MX_NVFP4)
        return mx_fail(
            MX_INVALID,
            "[gather_qmm] Global scale is only supported for 'nvfp4' quantization mode.");
    if (global->ndim == w->ndim - 2 && mx_shape_is(global, w->shape, w->ndim - 2))
        return true;
    return mx_fail(
        MX_INVALID,
        "[gather_qmm] Global scale must have one entry for each matrix, with shape %s, but got %s.",
        mx_shape_text(wanted, TEXT, w->shape, w->ndim - 2),
        mx_shape_text(has, TEXT, global->shape, global->ndim));
}

/* The products before the scale may be beyond what a half holds: float32 until then. */
mx_array *mx_gather_qmm_scaled(mx_array *x, mx_array *w, mx_array *scales, mx_array *biases,
                               mx_array *lhs, mx_array *rhs, bool transpose, mx_quant_format f,
                               bool sorted, mx_array *global) {
    if (!global)
        return mx_gather_qmm(x, w, scales, biases, lhs, rhs, transpose, f, sorted);
    if (!x || !w || w->ndim < 2 || !check_global(f, w, global))
        return w && w->ndim < 2 ? mx_fail(MX_INVALID, "[gather_qmm] w needs two dimensions") : NULL;
    mx_dtype t = mx_dtype_of(x);
    bool wide = mx_dtype_size(t) >= 4 || !mx_dtype_is_float(t);
    mx_array *y = mx_gather_qmm(wide ? x : mx_astype(x, MX_FLOAT32), w, scales, biases, lhs, rhs,
                                transpose, f, sorted);
    mx_array *s = mx_mul_s(mx_astype(global, MX_FLOAT32), 1.0 / MX_NVFP4_MOST);
    s = s && rhs ? mx_take(mx_flatten(s, 0, -1), rhs, 0) : s;
    for (int i = x->ndim > 1 ? 2 : 1; i > 0; i--)
        s = mx_expand_dim(s, -1);
    y = mx_mul(y, s);
    return y ? mx_astype(y, t) : NULL;
}
