/* What the operations of .mlxfn files mean: each as an expression of ours. See mlxfn.h. A file may
 * say anything: the operations check axes, shapes and dtypes, and what they take on trust is
 * checked here. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/conv/conv.h"
#include "ops/fft/fft.h"
#include "ops/linalg/linalg.h"
#include "ops/rules.h"
#include "transforms/mlxfn/mlxfn.h"

typedef const mx_fn_call call;
typedef mx_array *const *inputs;

#define BUILD(Name) static bool build_##Name(call *c, inputs in, int nin, mx_array **out)
/* One result from one expression. */
#define AS(Name, expression)                    \
    BUILD(Name) {                               \
        (void)c, (void)in, (void)nin;           \
        return (out[0] = (expression)) != NULL; \
    }

static int integer(call *c, int k) {
    return (int)c->arg[k].i;
}

static bool flag(call *c, int k) {
    return c->arg[k].i != 0;
}

static void *refuse(call *c, const char *why) {
    return mx_fail(MX_FORMAT, "[%s] %s", mx_fn_infos[c->op].name, why);
}

/* --- pointwise ---------------------------------------------------------------------- */

/* Of complex numbers the format keeps the dtype; Real follows. */
static mx_array *absolute(call *c, mx_array *a) {
    mx_array *y = mx_abs(a);
    return c->out[0].dtype == MX_COMPLEX64 ? mx_astype(y, MX_COMPLEX64) : y;
}
AS(Abs, absolute(c, in[0]))
AS(Negative, mx_negative(in[0]))
AS(Sign, mx_sign(in[0]))
AS(Square, mx_square(in[0]))
AS(Exp, mx_exp(in[0]))
AS(Expm1, mx_expm1(in[0]))
AS(Log1p, mx_log1p(in[0]))
AS(Sin, mx_sin(in[0]))
AS(Cos, mx_cos(in[0]))
AS(Tan, mx_tan(in[0]))
AS(ArcSin, mx_arcsin(in[0]))
AS(ArcCos, mx_arccos(in[0]))
AS(ArcTan, mx_arctan(in[0]))
AS(Sinh, mx_sinh(in[0]))
AS(Cosh, mx_cosh(in[0]))
AS(Tanh, mx_tanh(in[0]))
AS(ArcSinh, mx_arcsinh(in[0]))
AS(ArcCosh, mx_arccosh(in[0]))
AS(ArcTanh, mx_arctanh(in[0]))
AS(Erf, mx_erf(in[0]))
AS(ErfInv, mx_erfinv(in[0]))
AS(Sigmoid, mx_sigmoid(in[0]))
AS(Floor, mx_floor(in[0]))
AS(Ceil, mx_ceil(in[0]))
AS(Round, mx_round(in[0]))
AS(LogicalNot, mx_logical_not(in[0]))
AS(Real, mx_real(in[0]))
AS(Imag, mx_imag(in[0]))
AS(Conjugate, mx_conjugate(in[0]))
#define OWN(op, Name) AS(Name, mx_##op(in[0]))
#include "transforms/mlxfn/mlxfn_ops.def"
AS(Sqrt, flag(c, 0) ? mx_rsqrt(in[0]) : mx_sqrt(in[0]))

AS(Add, mx_add(in[0], in[1]))
AS(Subtract, mx_subtract(in[0], in[1]))
AS(Multiply, mx_multiply(in[0], in[1]))
AS(Remainder, mx_remainder(in[0], in[1]))
AS(Power, mx_power(in[0], in[1]))
AS(Maximum, mx_maximum(in[0], in[1]))
AS(Minimum, mx_minimum(in[0], in[1]))
AS(ArcTan2, mx_arctan2(in[0], in[1]))
AS(LogAddExp, mx_logaddexp(in[0], in[1]))
AS(NotEqual, mx_not_equal(in[0], in[1]))
AS(Less, mx_less(in[0], in[1]))
AS(LessEqual, mx_less_equal(in[0], in[1]))
AS(Greater, mx_greater(in[0], in[1]))
AS(GreaterEqual, mx_greater_equal(in[0], in[1]))
AS(LogicalAnd, mx_logical_and(in[0], in[1]))
AS(LogicalOr, mx_logical_or(in[0], in[1]))
AS(Select, mx_where(in[0], in[1], in[2]))

/* Of integers, which only files before 0.32.4 have: rounded towards zero. */
static mx_array *quotient(mx_array *a, mx_array *b) {
    if (mx_dtype_is_inexact(mx_dtype_of(a)))
        return mx_divide(a, b);
    mx_array *down = mx_floor_divide(a, b),
             *rest = mx_not_equal(mx_remainder(a, b), mx_zero_like(a));
    mx_array *negative = mx_not_equal(mx_less(a, mx_zero_like(a)), mx_less(b, mx_zero_like(b)));
    return mx_where(mx_logical_and(rest, negative), mx_add_s(down, 1), down);
}
AS(Divide, quotient(in[0], in[1]))
AS(FloorDivide, mx_floor_divide(in[0], in[1]))

static mx_array *logarithm(mx_array *a, int base) {
    return base == 0 ? mx_log2(a) : base == 1 ? mx_log10(a) : mx_log(a);
}
AS(Log, logarithm(in[0], integer(c, 0)))

static mx_array *equal(mx_array *a, mx_array *b, bool nan) {
    mx_array *y = mx_equal(a, b);
    return nan ? mx_logical_or(y, mx_logical_and(mx_isnan(a), mx_isnan(b))) : y;
}
AS(Equal, equal(in[0], in[1], flag(c, 0)))

static mx_array *bitwise(call *c, mx_array *a, mx_array *b) {
    switch (integer(c, 0)) {
    case 0: return mx_bitwise_and(a, b);
    case 1: return mx_bitwise_or(a, b);
    case 2: return mx_bitwise_xor(a, b);
    case 3: return mx_left_shift(a, b);
    case 4: return mx_right_shift(a, b);
    default: return refuse(c, "an unknown operation on bits");
    }
}
AS(BitwiseBinary, bitwise(c, in[0], in[1]))

BUILD(DivMod) {
    (void)c, (void)nin;
    return mx_divmod(in[0], in[1], out);
}

/* --- views and copies ----------------------------------------------------------------- */

AS(AsType, mx_astype(in[0], (mx_dtype)integer(c, 0)))
AS(View, mx_view_as(in[0], (mx_dtype)integer(c, 0)))
AS(StopGradient, mx_stop_gradient(in[0]))
AS(Full, mx_copy(in[0]))
AS(Reshape, mx_reshape(in[0], c->arg[0].ints.v, c->arg[0].ints.n))
AS(Flatten, mx_flatten(in[0], integer(c, 0), integer(c, 1)))
AS(Unflatten, mx_unflatten(in[0], integer(c, 0), c->arg[1].ints.v, c->arg[1].ints.n))
AS(UnflattenRest, mx_unflatten(in[0], integer(c, 0), c->arg[1].ints.v, c->arg[1].ints.n))
AS(Squeeze, mx_squeeze(in[0], c->arg[0].ints.v, c->arg[0].ints.n))
AS(ExpandDims, mx_expand_dims(in[0], c->arg[0].ints.v, c->arg[0].ints.n))
AS(Transpose, mx_transpose_axes(in[0], c->arg[0].ints.v, c->arg[0].ints.n))
AS(Concatenate, nin == 1 ? mx_contiguous(in[0], false) // MLX copies one, too
                         : mx_concatenate(in, nin, integer(c, 0)))
AS(DynamicSlice,
   c->arg[1].ints.n == in[0]->ndim
       ? mx_dynamic_slice(in[0], in[1], c->arg[0].ints.v, c->arg[0].ints.n, c->arg[1].ints.v)
       : refuse(c, "a size for each axis is needed"))
AS(DynamicSliceUpdate,
   mx_dynamic_slice_update(in[0], in[1], in[2], c->arg[0].ints.v, c->arg[0].ints.n))

BUILD(Depends) {
    if (c->nout > nin)
        return refuse(c, "more outputs than inputs");
    return mx_depends(in, c->nout, in + c->nout, nin - c->nout, out);
}

/* in[0] to what the shapes of all give; `skip` axes at the end keep their size. */
static mx_array *broadcast_together(inputs in, int nin, int skip) {
    mx_shape s = {0};
    for (int i = 0; i < nin; i++)
        if (in[i]->ndim < skip || !mx_broadcast_shapes("broadcast_shapes", s.dim, s.ndim,
                                                       in[i]->shape, in[i]->ndim - skip, &s))
            return in[i]->ndim < skip ? mx_fail(MX_FORMAT, "[BroadcastAxes] too few dimensions")
                                      : NULL;
    if (s.ndim + skip > MX_MAX_NDIM)
        return mx_fail(MX_FORMAT, "[BroadcastAxes] too many dimensions");
    for (int i = 0; i < skip; i++)
        s.dim[s.ndim++] = in[0]->shape[in[0]->ndim - skip + i];
    return mx_broadcast_to(in[0], s.dim, s.ndim);
}

static mx_array *broadcast(call *c, inputs in, int nin) {
    const mx_ints to = c->arg[0].ints;
    return nin > 1 ? broadcast_together(in, nin, 0) : mx_broadcast_to(in[0], to.v, to.n);
}
AS(Broadcast, broadcast(c, in, nin))

/* The axes that are left alone are the last ones. */
static mx_array *broadcast_axes(call *c, inputs in, int nin) {
    const mx_ints skip = c->arg[0].ints;
    for (int i = 0; i < skip.n; i++)
        if (skip.v[i] != i - skip.n)
            return mx_fail(MX_UNSUPPORTED, "[BroadcastAxes] only the last axes can be left alone");
    return broadcast_together(in, nin, skip.n);
}
AS(BroadcastAxes, broadcast_axes(c, in, nin))

static mx_array *strided(call *c, mx_array *a) {
    const mx_ints shape = c->arg[0].ints;
    const mx_longs strides = c->arg[1].longs;
    if (shape.n != strides.n)
        return refuse(c, "as many strides as sizes are needed");
    return mx_as_strided(a, shape.v, strides.v, shape.n, c->arg[2].i);
}
AS(AsStrided, strided(c, in[0]))

/* Three lists with an entry an axis, from argument k on. */
static bool lists_fit(call *c, int k, const mx_array *a) {
    for (int i = k; i < k + 3; i++)
        if (c->arg[i].ints.n != a->ndim)
            return refuse(c, "one entry an axis is needed");
    return true;
}
AS(Slice, lists_fit(c, 0, in[0])
              ? mx_slice(in[0], c->arg[0].ints.v, c->arg[1].ints.v, c->arg[2].ints.v)
              : NULL)

static const mx_scatter_op scatter_ops[] = {MX_SCATTER_MAX, MX_SCATTER_MIN, MX_SCATTER_SUM,
                                            MX_SCATTER_PROD, MX_SCATTER_NONE};

static bool scatter_op(call *c, mx_scatter_op *op) {
    if (c->arg[0].i < 0 || c->arg[0].i > 4)
        return refuse(c, "an unknown combination");
    *op = scatter_ops[c->arg[0].i];
    return true;
}

BUILD(SliceUpdate) {
    mx_scatter_op op = MX_SCATTER_NONE;
    (void)nin;
    if (!scatter_op(c, &op) || !lists_fit(c, 1, in[0]))
        return false;
    out[0] =
        mx_slice_update(op, in[0], in[1], c->arg[1].ints.v, c->arg[2].ints.v, c->arg[3].ints.v);
    return out[0] != NULL;
}

BUILD(Split) {
    const mx_ints at = c->arg[0].ints;
    (void)nin;
    if (c->nout != at.n + 1)
        return refuse(c, "the number of outputs is wrong");
    return mx_split(in[0], at.v, at.n, integer(c, 1), out);
}

BUILD(Pad) {
    const mx_ints axes = c->arg[0].ints, low = c->arg[1].ints, high = c->arg[2].ints;
    (void)nin;
    if (low.n != axes.n || high.n != axes.n || in[1]->ndim != 0)
        return refuse(c, "two widths an axis and a scalar are needed");
    out[0] = mx_pad(in[0], axes.v, axes.n, low.v, high.v, in[1], "constant");
    return out[0] != NULL;
}

AS(Arange, mx_arange(c->arg[0].d, c->arg[1].d, c->arg[2].d, c->out[0].dtype))
AS(NumberOfElements, mx_number_of_elements(in[0], c->arg[0].ints.v, c->arg[0].ints.n, flag(c, 1),
                                           (mx_dtype)integer(c, 2)))

/* --- reductions ------------------------------------------------------------------------- */

static mx_array *reduce(call *c, mx_array *a) {
    static const mx_reduce_op op[] = {MX_ALL, MX_ANY, MX_SUM, MX_PROD, MX_MIN, MX_MAX};
    if (c->arg[0].i < 0 || c->arg[0].i > 5)
        return refuse(c, "an unknown reduction");
    return mx_reduce(op[c->arg[0].i], a, c->arg[1].ints.v, c->arg[1].ints.n, true);
}
AS(Reduce, reduce(c, in[0]))
AS(ArgReduce, mx_arg_reduce(flag(c, 0), in[0], integer(c, 1), true))

static mx_array *scan(call *c, mx_array *a) {
    static const mx_scan_op op[] = {MX_CUMMAX, MX_CUMMIN, MX_CUMSUM, MX_CUMPROD};
    if (c->arg[0].i < 0 || c->arg[0].i > 3)
        return refuse(c, "an unknown scan");
    return mx_scan(op[c->arg[0].i], a, integer(c, 1), flag(c, 2), flag(c, 3));
}
AS(Scan, scan(c, in[0]))
AS(LogCumSumExp, mx_scan(MX_CUMLOGSUMEXP, in[0], integer(c, 0), flag(c, 1), flag(c, 2)))

static const int last_axis = -1;
AS(Softmax, mx_softmax(in[0], &last_axis, 1, flag(c, 0)))
AS(LogSumExp, mx_logsumexp(in[0], &last_axis, 1, true))
AS(Sort, mx_sort(in[0], integer(c, 0)))
AS(ArgSort, mx_argsort(in[0], integer(c, 0)))
AS(Partition, mx_partition(in[0], integer(c, 0), integer(c, 1)))
AS(ArgPartition, mx_argpartition(in[0], integer(c, 0), integer(c, 1)))
AS(SearchSorted, mx_searchsorted(in[0], in[1], flag(c, 0)))

/* --- indices ------------------------------------------------------------------------------ */

BUILD(Gather) {
    const mx_ints axes = c->arg[0].ints, slice = c->arg[1].ints;
    if (axes.n != nin - 1 || slice.n != in[0]->ndim)
        return refuse(c, "an axis for each index and a size for each axis are needed");
    return (out[0] = mx_gather(in[0], in + 1, axes.v, axes.n, slice.v)) != NULL;
}

BUILD(Scatter) {
    const mx_ints axes = c->arg[1].ints;
    mx_scatter_op op = MX_SCATTER_NONE;
    if (!scatter_op(c, &op))
        return false;
    if (axes.n != nin - 2)
        return refuse(c, "an axis for each index is needed");
    return (out[0] = mx_scatter(op, in[0], in + 1, in[nin - 1], axes.v, axes.n)) != NULL;
}

AS(GatherAxis, mx_take_along_axis(in[0], in[1], integer(c, 0)))

static mx_array *scatter_axis(call *c, inputs in) {
    if (c->arg[0].i != 0 && c->arg[0].i != 1)
        return refuse(c, "an unknown combination");
    return mx_scatter_axis(flag(c, 0) ? MX_SCATTER_NONE : MX_SCATTER_SUM, in[0], in[1], in[2],
                           integer(c, 1));
}
AS(ScatterAxis, scatter_axis(c, in))

/* One example; with several each has elements of its own. */
static mx_array *masked_scatter(call *c, inputs in) {
    for (int i = 0; i < 3; i++)
        if (in[i]->ndim == 0 || in[i]->shape[0] != 1)
            return refuse(c, "one batch axis of one example is expected");
    mx_array *each[3];
    for (int i = 0; i < 3; i++)
        each[i] = mx_squeeze_axis(in[i], 0);
    return mx_expand_dim(mx_masked_scatter(each[0], each[1], each[2]), 0);
}
AS(MaskedScatter, masked_scatter(c, in))

/* --- random ------------------------------------------------------------------------------- */

/* The state has the whole shape, keys (..., 2) give the first axes of it. */
static mx_array *random_bits(call *c, mx_array *key) {
    const mx_ints shape = c->arg[0].ints;
    int batch = key->ndim - 1, width = integer(c, 1);
    if (batch < 0 || key->dtype != MX_UINT32 || key->shape[batch] != 2 || batch > shape.n ||
        memcmp(key->shape, shape.v, (size_t)batch * sizeof *shape.v) != 0)
        return refuse(c, "the keys do not fit the shape");
    if (width != 1 && width != 2 && width != 4)
        return refuse(c, "1, 2 or 4 bytes are expected");
    for (int i = 0; i < shape.n; i++)
        if (shape.v[i] < 0)
            return refuse(c, "a negative dimension");
    mx_p_random_bits p = {{shape.n - batch, shape.v + batch}, width};
    return mx_apply1(MX_PRIM_random_bits, &p, key);
}
AS(RandomBits, random_bits(c, in[0]))

/* --- products and factorisations ------------------------------------------------------------ */

AS(Matmul, mx_matmul(in[0], in[1]))
AS(AddMM, mx_addmm(in[2], in[0], in[1], c->arg[0].d, c->arg[1].d))

static mx_array *block_masked_mm(call *c, inputs in, int nin) {
    bool sides = nin >= 4;
    return mx_block_masked_mm(in[0], in[1], integer(c, 0), nin == 4 ? NULL : in[2],
                              sides ? in[nin - 2] : NULL, sides ? in[nin - 1] : NULL);
}
AS(BlockMaskedMM, block_masked_mm(c, in, nin))

AS(ToFP8, mx_to_fp8(in[0]))
AS(FromFP8, mx_from_fp8(in[0], (mx_dtype)integer(c, 0)))

static mx_array *blocks(call *c, mx_prim prim, mx_array *a, int dtype) {
    return mx_apply1(prim, &(mx_p_blocks){integer(c, 0), dtype}, a);
}
AS(QuantizeBlocks, blocks(c, MX_PRIM_quantize_blocks, in[0], MX_UINT8))
AS(DequantizeBlocks, blocks(c, MX_PRIM_dequantize_blocks, in[0], integer(c, 1)))

static mx_array *block_matmul(call *c, mx_prim prim, inputs in, int nin, bool sorted) {
    mx_p_block_matmul p = {integer(c, 0), flag(c, 1), sorted, flag(c, 2)};
    return mx_apply(prim, &p, in, nin);
}
AS(BlockMatmul, block_matmul(c, MX_PRIM_block_matmul, in, nin, false))
AS(GatherBlockMatmul, block_matmul(c, MX_PRIM_gather_block_matmul, in, nin, flag(c, 3)))

/* group, bits, mode, and what a product has beside them */
static mx_p_quant groups(call *c) {
    return (mx_p_quant){.mode = integer(c, 2), .bits = integer(c, 1), .group = integer(c, 0)};
}

static bool quantize(call *c, inputs in, int nin, mx_array **out) {
    mx_p_quant p = groups(c);
    return mx_apply_multi(MX_PRIM_quantize, &p, in, nin, out, c->nout);
}

static bool dequantize(call *c, inputs in, int nin, mx_array **out) {
    mx_p_quant p = groups(c);
    p.dtype = (int)c->out[0].dtype;
    return mx_apply_multi(MX_PRIM_dequantize, &p, in, nin, out, 1);
}

BUILD(Quantize) {
    bool back = flag(c, 3);
    if (back ? c->nout != 1 : nin != 1)
        return refuse(c, "the numbers of inputs and outputs do not fit");
    return back ? dequantize(c, in, nin, out) : quantize(c, in, 1, out);
}

BUILD(QuantizeGroups) {
    return quantize(c, in, nin, out);
}

BUILD(DequantizeGroups) {
    return dequantize(c, in, nin, out);
}

static mx_array *quantized(call *c, mx_prim prim, inputs in, int nin, bool sorted) {
    mx_p_quant p = groups(c);
    p.transpose = flag(c, 3);
    p.sorted = sorted;
    return mx_apply(prim, &p, in, nin);
}
AS(QuantizedMatmul, quantized(c, MX_PRIM_quantized_matmul, in, nin, false))
AS(GatherQMM, quantized(c, MX_PRIM_gather_qmm, in, nin, flag(c, 5)))

static mx_array *convolution(call *c, inputs in) {
    mx_p_conv p = {c->arg[0].ints, c->arg[1].ints, c->arg[2].ints, c->arg[3].ints,
                   c->arg[4].ints, integer(c, 5),  flag(c, 6)};
    return mx_conv_general(in[0], in[1], &p);
}
AS(Convolution, convolution(c, in))

AS(GatherMM, mx_gather_mm(in[0], in[1], in[2], in[3], flag(c, 1)))
AS(SegmentedMM, mx_segmented_mm(in[0], in[1], in[2]))
AS(SegmentedMMSpread, mx_apply(MX_PRIM_segmented_mm_spread, NULL, in, 3))
AS(Hadamard, mx_hadamard_transform(in[0], &c->arg[0].d))

/* The last axis of a real transform back has the length that the file says. */
static mx_array *fft(call *c, mx_array *a) {
    const mx_longs list = c->arg[0].longs;
    bool inverse = flag(c, 1), real = flag(c, 2);
    int axes[MX_MAX_NDIM], length[MX_MAX_NDIM];
    if (list.n < 1 || list.n > a->ndim)
        return refuse(c, "the number of axes is wrong");
    for (int i = 0; i < list.n; i++) {
        if (list.v[i] < 0 || list.v[i] >= a->ndim)
            return refuse(c, "an axis is out of range");
        axes[i] = (int)list.v[i];
        length[i] = a->shape[axes[i]];
    }
    int end = axes[list.n - 1];
    if (real && inverse && c->out[0].ndim == a->ndim)
        length[list.n - 1] = c->out[0].shape[end];
    return mx_fftn(a, length, list.n, axes, list.n, real ? MX_FFT_REAL : MX_FFT_FULL, inverse,
                   MX_NORM_BACKWARD);
}
AS(FFT, fft(c, in[0]))

static mx_array *inverse(mx_array *a, bool triangular, bool upper) {
    return triangular ? mx_tri_inv(a, upper) : mx_inv(a);
}
AS(Inverse, inverse(in[0], flag(c, 0), flag(c, 1)))
AS(Cholesky, mx_cholesky(in[0], flag(c, 0)))

BUILD(QRF) {
    (void)c, (void)nin;
    return mx_qr(in[0], out);
}

/* All of them, or the first alone. */
static bool outputs_fit(call *c, bool all, int n) {
    return c->nout == (all ? n : 1) || refuse(c, "the number of outputs is wrong");
}

BUILD(SVD) {
    (void)nin;
    if (!outputs_fit(c, flag(c, 0), 3))
        return false;
    return c->nout == 3 ? mx_svd(in[0], out) : (out[0] = mx_svdvals(in[0])) != NULL;
}

BUILD(Eigh) {
    bool upper = strcmp(c->arg[0].s, "U") == 0;
    (void)nin;
    if (!outputs_fit(c, flag(c, 1), 2))
        return false;
    return c->nout == 2 ? mx_eigh(in[0], upper, out) : (out[0] = mx_eigvalsh(in[0], upper)) != NULL;
}

BUILD(Eig) {
    (void)nin;
    if (!outputs_fit(c, flag(c, 0), 2))
        return false;
    return c->nout == 2 ? mx_eig(in[0], out) : (out[0] = mx_eigvals(in[0])) != NULL;
}

static bool is_matrix(call *c, const mx_array *a) {
    mx_dtype t = mx_dtype_of(a);
    bool computed = t == MX_FLOAT32 || t == MX_FLOAT64 || t == MX_COMPLEX64;
    return (a->ndim >= 2 && computed) ||
           refuse(c, "a matrix of float32, float64 or complex64 is needed");
}

static mx_array *sum_like(call *c, mx_array *a, mx_array *like) {
    mx_array *y = mx_unbroadcast(a, like);
    return y && !mx_same_shape(y, like) ? refuse(c, "a gradient has another shape than its input")
                                        : y;
}
AS(SumLike, sum_like(c, in[0], in[1]))

static mx_array *squeeze_to(call *c, mx_array *a) {
    mx_array *y = mx_squeeze(a, NULL, 0);
    return y && y->ndim != integer(c, 0) ? refuse(c, "other axes are of size 1 than in the trace")
                                         : y;
}
AS(SqueezeTo, squeeze_to(c, in[0]))

AS(ReshapeLike, mx_reshape_like(in[0], in[1]))

/* What the fused kernels compute, and tables and scores beside it. */
static bool is_fused(call *c, inputs in, int nin, mx_dtype beside) {
    mx_dtype t = mx_dtype_of(in[0]);
    bool ok = t == MX_FLOAT16 || t == MX_BFLOAT16 || t == MX_FLOAT32;
    for (int i = c->op == MX_FN_RoPE ? 2 : 3; i < nin; i++)
        ok &= mx_dtype_of(in[i]) == beside ||
              (c->op == MX_FN_Attention && i == 3 && in[i]->dtype == MX_BOOL);
    return ok || refuse(c, "the dtypes do not fit");
}

BUILD(RoPE) {
    mx_p_rope p = {integer(c, 0), flag(c, 1), flag(c, 2), flag(c, 3), c->arg[4].d, c->arg[5].d};
    return is_fused(c, in, nin, MX_FLOAT32) &&
           (out[0] = mx_apply(MX_PRIM_rope, &p, in, nin)) != NULL;
}

BUILD(Attention) {
    mx_p_attention p = {c->arg[0].d, flag(c, 1), flag(c, 2), flag(c, 3)};
    return is_fused(c, in, nin, mx_dtype_of(in[0])) &&
           (out[0] = mx_apply(MX_PRIM_attention, &p, in, nin)) != NULL;
}

BUILD(LUF) {
    (void)nin;
    return is_matrix(c, in[0]) && mx_apply_multi(MX_PRIM_lu, NULL, in, 1, out, 3);
}

AS(Solve, !flag(c, 1) ? mx_solve(in[0], in[1]) : mx_solve_triangular(in[0], in[1], flag(c, 0)))

/* --- the table -------------------------------------------------------------------------------- */

static bool (*const builders[MX_FN_OPS])(call *c, inputs in, int nin, mx_array **out) = {
#define OP(Name, text, state, least, most, outputs) build_##Name,
#include "transforms/mlxfn/mlxfn_ops.def"
};

bool mx_fn_build(const mx_fn_call *c, mx_array *const *in, int nin, mx_array **out) {
    return builders[c->op](c, in, nin, out) && !mx_failed();
}
