/* The operations on arrays, as the library itself uses them. C expressions:
 *
 *     return mx_mul(g, mx_sub(mx_one_like(y), mx_square(y)));
 *
 * Arguments are borrowed, results belong to the open scope (graph/trace/scope.h), NULL goes in and
 * NULL comes out, the first error sticks. Dtypes are promoted and shapes broadcast as MLX does.
 * Axes may be negative; `axes == NULL` in reductions means all axes. Functions with several
 * results fill `out` and return false on error.
 */
#ifndef MX_OPS_OPS_H
#define MX_OPS_OPS_H

#include "base/text.h"
#include "graph/array/node.h"
#include "graph/trace/scope.h"
#include "kernels/quant/k_quant.h"

/* --- op_unary.c: every UNARY row of kernels/pointwise/pointwise.def ------------------------- */
/* mx_abs(a) mx_negative(a) mx_sin(a) ...; integers become float32 where the domain is INEXACT or
   FLOAT. */
#define UNARY(name, Name, domain, result) mx_array *mx_##name(mx_array *a);
#include "kernels/pointwise/pointwise.def"
mx_array *mx_reciprocal(mx_array *a);
mx_array *mx_degrees(mx_array *a);
mx_array *mx_radians(mx_array *a);
mx_array *mx_positive(mx_array *a);
mx_array *mx_round_decimals(mx_array *a, int decimals);
mx_array *mx_isnan(mx_array *a);
mx_array *mx_isinf(mx_array *a);
mx_array *mx_isfinite(mx_array *a);
mx_array *mx_isposinf(mx_array *a);
mx_array *mx_isneginf(mx_array *a);
mx_array *mx_stop_gradient(mx_array *a);
mx_array *mx_copy(mx_array *a);
mx_array *mx_nan_to_num(mx_array *a, double nan, const double *posinf, const double *neginf);
mx_array *mx_astype(mx_array *a, mx_dtype t);  /* itself when it has that dtype already */
mx_array *mx_view_as(mx_array *a, mx_dtype t); /* the same bytes; the last axis grows or shrinks */

/* --- op_binary.c: every BINARY row ------------------------------------------------ */
#define BINARY(name, Name, domain, result) mx_array *mx_##name(mx_array *a, mx_array *b);
#include "kernels/pointwise/pointwise.def"
static inline mx_array *mx_sub(mx_array *a, mx_array *b) {
    return mx_subtract(a, b);
}
static inline mx_array *mx_mul(mx_array *a, mx_array *b) {
    return mx_multiply(a, b);
}
static inline mx_array *mx_div(mx_array *a, mx_array *b) {
    return mx_divide(a, b);
}
/* With a scalar of a's dtype on the right: mx_mul_s(x, 0.5). */
mx_array *mx_add_s(mx_array *a, double s);
mx_array *mx_mul_s(mx_array *a, double s);
mx_array *mx_pow_s(mx_array *a, double s);
mx_array *mx_rsub_s(double s, mx_array *a);      /* s - a */
mx_array *mx_rdiv_s(double s, mx_array *a);      /* s / a */
mx_array *mx_scalar_like(mx_array *a, double s); /* 0-dimensional, a's dtype */
mx_array *mx_zero_like(mx_array *a);
mx_array *mx_one_like(mx_array *a);
mx_array *mx_where(mx_array *cond, mx_array *x, mx_array *y); /* x and y promoted, cond to bool */
mx_array *mx_clip(mx_array *a, mx_array *lo, mx_array *hi);   /* lo, hi may be NULL, not both */
bool mx_divmod(mx_array *a, mx_array *b, mx_array *out[2]);
mx_array *mx_isclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan);
mx_array *mx_allclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan);
mx_array *mx_array_equal(mx_array *a, mx_array *b, bool equal_nan);

/* --- op_create.c ------------------------------------------------------------------ */
/* The value in every place. Once evaluated and held by somebody, row-contiguous memory of its own;
   within an evaluation only what reads it (graph/eval/plan.h). */
mx_array *mx_full(const int *shape, int ndim, mx_array *value, mx_dtype t);
mx_array *mx_full_like(mx_array *a, mx_array *value, mx_dtype t);
mx_array *mx_full_s(const int *shape, int ndim, double value, mx_dtype t);
mx_array *mx_zeros(const int *shape, int ndim, mx_dtype t);
mx_array *mx_ones(const int *shape, int ndim, mx_dtype t);
mx_array *mx_zeros_like(mx_array *a);
mx_array *mx_ones_like(mx_array *a);
mx_array *mx_arange(double start, double stop, double step, mx_dtype t);
/* The place of the last along the first axis of a line, int32; of any length likewise. */
mx_array *mx_last_place(mx_array *line);
/* 0, 1, 2 ... int32, as many as the line has; of any length where a trace is shapeless. */
mx_array *mx_positions(mx_array *line);
mx_array *mx_linspace(double start, double stop, int num, bool endpoint, mx_dtype t);
mx_array *mx_eye(int n, int m, int k, mx_dtype t);
mx_array *mx_tri(int n, int m, int k, mx_dtype t);
mx_array *mx_tril(mx_array *a, int k);
mx_array *mx_triu(mx_array *a, int k);
mx_array *mx_diag(mx_array *a, int k);
mx_array *mx_diagonal(mx_array *a, int offset, int axis1, int axis2);
mx_array *mx_trace(mx_array *a, int offset, int axis1, int axis2, mx_dtype t);
bool mx_meshgrid(mx_array *const *a, int n, bool sparse, bool xy, mx_array **out);
mx_array *mx_window(const char *name, int m); /* bartlett blackman hamming hanning */

/* --- op_view.c, op_shape.c -------------------------------------------------------- */
mx_array *mx_broadcast_to(mx_array *a, const int *shape, int ndim);
bool mx_broadcast_arrays(mx_array *const *a, int n, mx_array **out);
mx_array *mx_reshape(mx_array *a, const int *shape, int ndim); /* one -1 is allowed */
mx_array *mx_flatten(mx_array *a, int start_axis, int end_axis);
mx_array *mx_unflatten(mx_array *a, int axis, const int *shape, int ndim);
mx_array *mx_transpose(mx_array *a); /* reverses the axes */
mx_array *mx_transpose_axes(mx_array *a, const int *axes, int n);
mx_array *mx_swapaxes(mx_array *a, int axis1, int axis2);
mx_array *mx_moveaxis(mx_array *a, int from, int to);
mx_array *mx_expand_dims(mx_array *a, const int *axes, int n); /* axes of the result */
mx_array *mx_expand_dim(mx_array *a, int axis);
mx_array *mx_squeeze(mx_array *a, const int *axes, int n); /* axes NULL: all of size 1 */
mx_array *mx_squeeze_axis(mx_array *a, int axis);
mx_array *mx_atleast(mx_array *a, int ndim); /* 1, 2 or 3 */
/* ndim of each, NumPy's meaning; step NULL: 1 */
mx_array *mx_slice(mx_array *a, const int *start, const int *stop, const int *step);
/* The same as a user's numbers: in a graph for other shapes they are kept as they were asked
   for. */
mx_array *mx_slice_asked(mx_array *a, const int *start, const int *stop, const int *step);
/* What to record of them for other shapes, in room for three numbers an axis. None: where an end is
   the size of the axis it may mean "to the end" or this number. */
mx_ints mx_slice_words(const mx_array *a, const int *start, const int *stop, const int *step,
                       int *room);
mx_array *mx_slice_axis(mx_array *a, int axis, int start, int stop);
/* The same in words that hold for other sizes: -1 before the last, INT32_MAX the end. */
mx_array *mx_slice_axis_words(mx_array *a, int axis, int start, int stop);
mx_array *mx_as_strided(mx_array *a, const int *shape, const int64_t *strides, int ndim,
                        int64_t offset);
/* The same where the window may reach outside of a, for programs that want nothing but the place of
   the data: such a result can be evaluated, and whatever would read its elements is refused. Not of
   tracers; offset <= a's size. */
mx_array *mx_as_strided_any(mx_array *a, const int *shape, const int64_t *strides, int ndim,
                            int64_t offset);
mx_array *mx_contiguous(mx_array *a, bool allow_col_major);
bool mx_depends(mx_array *const *in, int n, mx_array *const *deps, int ndeps, mx_array **out);
mx_array *mx_flip(mx_array *a, const int *axes, int n);

/* --- op_join.c -------------------------------------------------------------------- */
mx_array *mx_concatenate(mx_array *const *a, int n, int axis);
mx_array *mx_stack(mx_array *const *a, int n, int axis);
/* nat + 1 results */
bool mx_split(mx_array *a, const int *at, int nat, int axis, mx_array **out);
bool mx_split_equal(mx_array *a, int parts, int axis, mx_array **out);
/* mode: "constant" (value NULL: 0), "edge", "reflect" or "symmetric" */
mx_array *mx_pad(mx_array *a, const int *axes, int n, const int *low, const int *high,
                 mx_array *value, const char *mode);
mx_array *mx_tile(mx_array *a, const int *reps, int n);
mx_array *mx_repeat(mx_array *a, int repeats, int axis);
/* axes NULL: flattened */
/* for shapes of any size; 0 <= axis */
mx_array *mx_roll_any(mx_array *a, mx_array *shift, int axis);
mx_array *mx_roll(mx_array *a, const int *shift, int nshift, const int *axes, int naxes);

/* --- op_reduce.c, op_scan.c, op_softmax.c ----------------------------------------- */
typedef enum mx_reduce_op { MX_SUM, MX_PROD, MX_MAX, MX_MIN, MX_ALL, MX_ANY } mx_reduce_op;
mx_array *mx_reduce(mx_reduce_op op, mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_sum(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_sum_axis(mx_array *a, int axis, bool keepdims);
mx_array *mx_sum_all(mx_array *a);
mx_array *mx_mean(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_var(mx_array *a, const int *axes, int n, bool keepdims, int ddof);
mx_array *mx_std(mx_array *a, const int *axes, int n, bool keepdims, int ddof);
mx_array *mx_median(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_count_nonzero(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_logsumexp(mx_array *a, const int *axes, int n, bool keepdims);
mx_array *mx_softmax(mx_array *a, const int *axes, int n, bool precise);
mx_array *mx_arg_reduce(bool max, mx_array *a, int axis, bool keepdims);
mx_array *mx_arg_reduce_all(bool max, mx_array *a, bool keepdims);
mx_array *mx_number_of_elements(mx_array *a, const int *axes, int n, bool inverted, mx_dtype t);
typedef enum mx_scan_op { MX_CUMSUM, MX_CUMPROD, MX_CUMMAX, MX_CUMMIN, MX_CUMLOGSUMEXP } mx_scan_op;
mx_array *mx_scan(mx_scan_op op, mx_array *a, int axis, bool reverse, bool inclusive);

/* --- op_sort.c: ascending, stable, NaN last --------------------------------------------------- */
mx_array *mx_sort(mx_array *a, int axis);
mx_array *mx_argsort(mx_array *a, int axis);
mx_array *mx_partition(mx_array *a, int kth, int axis);
mx_array *mx_argpartition(mx_array *a, int kth, int axis);
mx_array *mx_topk(mx_array *a, int k, int axis); /* the k largest, in no order */
mx_array *mx_searchsorted(mx_array *sorted, mx_array *values, bool right);
mx_array *mx_diff(mx_array *a, int n, int axis);

/* --- op_index.c, op_scatter.c ----------------------------------------------------- */
/* a indexed along axes[i] by idx[i] (broadcast together: shape I); slices of slice_sizes (ndim of
   a): result (I..., slice_sizes...). */
mx_array *mx_gather(mx_array *a, mx_array *const *idx, const int *axes, int n,
                    const int *slice_sizes);
mx_array *mx_take(mx_array *a, mx_array *idx, int axis);
mx_array *mx_take_flat(mx_array *a, mx_array *idx);
mx_array *mx_take_along_axis(mx_array *a, mx_array *idx, int axis);
typedef enum mx_scatter_op {
    MX_SCATTER_NONE,
    MX_SCATTER_SUM,
    MX_SCATTER_PROD,
    MX_SCATTER_MAX,
    MX_SCATTER_MIN
} mx_scatter_op;
/* updates: (I..., slice...) where slice has ndim of a */
mx_array *mx_scatter(mx_scatter_op op, mx_array *a, mx_array *const *idx, mx_array *updates,
                     const int *axes, int n);
/* put_along_axis */
mx_array *mx_scatter_axis(mx_scatter_op op, mx_array *a, mx_array *idx, mx_array *values, int axis);
mx_array *mx_masked_scatter(mx_array *a, mx_array *mask, mx_array *src);
mx_array *mx_slice_update(mx_scatter_op op, mx_array *a, mx_array *update, const int *start,
                          const int *stop, const int *step);
mx_array *mx_dynamic_slice(mx_array *a, mx_array *start, const int *axes, int n, const int *size);
mx_array *mx_dynamic_slice_update(mx_array *a, mx_array *update, mx_array *start, const int *axes,
                                  int n);

/* --- op_random.c, op_random_choice.c, op_random_truncated.c ------------------------- */
mx_array *mx_random_key(uint64_t seed);
/* The thread's own sequence (op_random_state.c): its next key, used where key is NULL; its state,
   uint32 (2). */
mx_array *mx_random_next_key(void);
void mx_random_seed(uint64_t seed);
mx_array *mx_random_get_state(void);
bool mx_random_set_state(mx_array *a);
mx_array *mx_random_split(mx_array *key, int n);
mx_array *mx_random_bits(const int *shape, int ndim, int width, mx_array *key);
mx_array *mx_random_uniform(mx_array *lo, mx_array *hi, const int *shape, int ndim, mx_dtype t,
                            mx_array *key);
mx_array *mx_random_normal(const int *shape, int ndim, mx_dtype t, mx_array *loc, mx_array *scale,
                           mx_array *key);
mx_array *mx_random_randint(mx_array *lo, mx_array *hi, const int *shape, int ndim, mx_dtype t,
                            mx_array *key);
mx_array *mx_random_bernoulli(mx_array *p, const int *shape, int ndim, mx_array *key);
mx_array *mx_random_truncated_normal(mx_array *lo, mx_array *hi, const int *shape, int ndim,
                                     mx_dtype t, mx_array *key);
mx_array *mx_random_gumbel(const int *shape, int ndim, mx_dtype t, mx_array *key);
mx_array *mx_random_laplace(const int *shape, int ndim, mx_dtype t, double loc, double scale,
                            mx_array *key);
mx_array *mx_random_categorical(mx_array *logits, int axis, mx_array *key);
mx_array *mx_random_categorical_shape(mx_array *logits, int axis, const int *shape, int ndim,
                                      mx_array *key);
mx_array *mx_random_categorical_samples(mx_array *logits, int axis, int samples, mx_array *key);
/* mean (...,N), cov (...,N,N): shape..., N */
mx_array *mx_random_multivariate_normal(mx_array *mean, mx_array *cov, const int *shape, int ndim,
                                        mx_dtype t, mx_array *key);
mx_array *mx_random_permutation(mx_array *a, int axis, mx_array *key);
mx_array *mx_random_permutation_n(int n, mx_array *key);

/* --- matmul/, reduce/op_norm.c, attention/ ------------------------------------------ */
/* (...,M,K) (...,K,N) -> (...,M,N); vectors as NumPy */
mx_array *mx_matmul(mx_array *a, mx_array *b);
mx_array *mx_addmm(mx_array *c, mx_array *a, mx_array *b, double alpha, double beta);
mx_array *mx_inner(mx_array *a, mx_array *b);
mx_array *mx_outer(mx_array *a, mx_array *b);
mx_array *mx_tensordot(mx_array *a, mx_array *b, const int *axes_a, const int *axes_b, int n);
mx_array *mx_tensordot_n(mx_array *a, mx_array *b, int n);
mx_array *mx_kron(mx_array *a, mx_array *b);
/* a (A...,M,K), b (B...,K,N): the products of those that the indices (NULL: all) pick.
   (op_gather_mm.c) */
mx_array *mx_gather_mm(mx_array *a, mx_array *b, mx_array *lhs, mx_array *rhs, bool sorted);
/* segments (S...,2) of the inner axis: (S...,M,N). (op_segmented_mm.c) */
mx_array *mx_segmented_mm(mx_array *a, mx_array *b, mx_array *segments);
/* Masks, any of which may be NULL, of size x size blocks. (op_masked_mm.c) */
mx_array *mx_block_masked_mm(mx_array *a, mx_array *b, int size, mx_array *mask_out,
                             mx_array *mask_lhs, mx_array *mask_rhs);
/* scale NULL: 1 / sqrt(n). (op_hadamard.c) */
mx_array *mx_hadamard_transform(mx_array *a, const double *scale);
/* The sum of conj(a) b along an axis of each. (op_einsum.c) */
mx_array *mx_vecdot(mx_array *a, mx_array *b, int axis);
/* "ij,jk->ik", "...i,i", "ii": n >= 1 operands. */
mx_array *mx_einsum(const char *subscripts, mx_array *const *in, int n);
/* In which order its operands meet: path gets n - 1 pairs of positions in the list of operands,
   from which each pair is taken and at whose end its result is put; one operand gives the pair 0
   -1. Either of path and text (what it costs) may be NULL. */
bool mx_einsum_path(const char *subscripts, mx_array *const *in, int n, int *path, mx_text *text);
mx_array *mx_rms_norm(mx_array *x, mx_array *weight, double eps); /* weight may be NULL */
mx_array *mx_layer_norm(mx_array *x, mx_array *weight, mx_array *bias, double eps);
mx_array *mx_rope(mx_array *x, int dims, bool traditional, const double *base, double scale,
                  mx_array *offset, mx_array *freqs);
/* op_gated_delta.c: y, the last state; state and mask may be NULL */
bool mx_gated_delta_update(mx_array *q, mx_array *k, mx_array *v, mx_array *gamma, mx_array *beta,
                           mx_array *state, mx_array *mask, mx_array **out);
/* op_cross_entropy.c: over the last axis, float32 */
mx_array *mx_cross_entropy(mx_array *logits, mx_array *targets);
/* q (B,H,Lq,D), k (B,Hk,Lk,D), v (B,Hk,Lk,Dv); mask_mode "" or "causal" or "array"; sinks (H) or
   NULL */
mx_array *mx_attention(mx_array *q, mx_array *k, mx_array *v, double scale, const char *mask_mode,
                       mx_array *mask, mx_array *sinks);

/* --- op_quant.c, op_blocks.c, op_block_matmul.c, op_qmm.c, op_qqmm.c -------------------------- */
/* A mode by its name (NULL: affine); group and bits NULL: the mode's usual ones. */
bool mx_quant_format_from(const char *op, const char *mode, const int *group, const int *bits,
                          mx_quant_format *f);
/* The same, and the modes of blocks: f->mode is MX_BLOCK_MODE + id, f->group the elements of a
   block. */
bool mx_quant_mode_from(const char *op, const char *mode, const int *group, const int *bits,
                        mx_quant_format *f);
/* The blocks of a mode; NULL: it is another. */
struct mx_block_format;
const struct mx_block_format *mx_quant_block(mx_quant_format f);
/* op_blocks.c: w (..., K) as blocks, uint8 (..., bytes of a row), and back to real numbers. */
mx_array *mx_quantize_blocks(mx_array *w, const struct mx_block_format *f);
mx_array *mx_dequantize_blocks(mx_array *blocks, const struct mx_block_format *f, mx_dtype t);
/* Words, scales, and biases in affine (else NULL); global: nvfp4's scale, or NULL. */
bool mx_quantize(mx_array *w, mx_quant_format f, mx_array *global, mx_array *out[3]);
/* dtype NULL: that of the scales; where they are codes bfloat16, or the global scale's; of blocks
   (which have neither scales nor biases) float16. */
mx_array *mx_dequantize(mx_array *w, mx_array *scales, mx_array *biases, mx_quant_format f,
                        mx_array *global, const mx_dtype *dtype);
mx_array *mx_to_fp8(mx_array *a);
mx_array *mx_from_fp8(mx_array *a, mx_dtype t);
/* x (..., K) times w (..., N, K) if transpose, else (..., K, N); modes of blocks, whose scales and
   biases are NULL, too */
mx_array *mx_quantized_matmul(mx_array *x, mx_array *w, mx_array *scales, mx_array *biases,
                              bool transpose, mx_quant_format f);
/* Matrices of x and w picked by indices into their flattened leading axes; NULL: in order. */
mx_array *mx_gather_qmm(mx_array *x, mx_array *w, mx_array *scales, mx_array *biases, mx_array *lhs,
                        mx_array *rhs, bool transpose, mx_quant_format f, bool sorted);
/* With a scale for each matrix of w (nvfp4): in the shape of its leading axes; NULL: none. */
mx_array *mx_gather_qmm_scaled(mx_array *x, mx_array *w, mx_array *scales, mx_array *biases,
                               mx_array *lhs, mx_array *rhs, bool transpose, mx_quant_format f,
                               bool sorted, mx_array *global);
/* Both sides quantized: x on the way, and w (..., N, K) too where scales is NULL. The global scales
   are nvfp4's, both or NULL. Derivatives are those of the product of what x and w became, straight
   through. */
mx_array *mx_qqmm(mx_array *x, mx_array *w, mx_array *scales, mx_quant_format f, mx_array *global_x,
                  mx_array *global_w);
mx_array *mx_gather_qqmm(mx_array *x, mx_array *w, mx_array *scales, mx_array *lhs, mx_array *rhs,
                         mx_quant_format f, mx_array *global_x, mx_array *global_w, bool sorted);

#endif
