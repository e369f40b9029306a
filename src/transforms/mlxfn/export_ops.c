/* How a node of ours stands in a .mlxfn file: see mlxfn.h. What needs other operations first is in
 * export_lower.c. */
#include <string.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "ops/ops.h"
#include "transforms/mlxfn/mlxfn.h"

typedef const mx_fn_step step;

/* --- words ------------------------------------------------------------------------ */

#define ARGS(...)   ((const mx_fn_arg[]){__VA_ARGS__})
#define INT(x)      {.i = (x)}
#define REAL(x)     {.d = (x)}
#define INTS(list)  {.ints = (list)}
#define LONGS(list) {.longs = (list)}

static mx_fn_out like(const mx_array *a, uint64_t id) {
    return (mx_fn_out){id, a->shape, a->ndim, mx_dtype_of(a)};
}

/* The node as one operation with its own inputs and outputs. */
static bool whole(step *s, mx_fn_op op, const uint64_t *in, const mx_fn_arg *args) {
    mx_fn_out o = like(s->out[0], s->out_id[0]);
    return mx_fn_tape_op(s->tape, op, in, s->node->nin, args, &o, 1) != 0;
}

static bool plain(step *s, mx_fn_op op, const mx_fn_arg *args) {
    return whole(s, op, s->in_id, args);
}

/* One more operation on the way, of one input. */
static uint64_t between(step *s, mx_fn_op op, uint64_t in, const mx_fn_arg *args, const int *shape,
                        int ndim, mx_dtype t) {
    mx_fn_out o = {0, shape, ndim, t};
    return mx_fn_tape_op(s->tape, op, &in, 1, args, &o, 1);
}

/* The last operation of several. */
static bool last(step *s, mx_fn_op op, uint64_t in, const mx_fn_arg *args) {
    mx_fn_out o = like(s->out[0], s->out_id[0]);
    return mx_fn_tape_op(s->tape, op, &in, 1, args, &o, 1) != 0;
}

/* Input i in the shape of all inputs together, also where that will be another one. */
static uint64_t broadcast_together(step *s, int i, mx_ints to) {
    uint64_t in[MX_MAX_NDIM + 2] = {s->in_id[i]};
    for (int k = 0, at = 1; k < s->node->nin; k++)
        if (k != i)
            in[at++] = s->in_id[k];
    mx_fn_out o = {0, to.v, to.n, mx_dtype_of(s->in[i])};
    return mx_fn_tape_op(s->tape, MX_FN_Broadcast, in, s->node->nin, ARGS(INTS(to)), &o, 1);
}

static uint64_t broadcast(step *s, int i, const int *shape, int ndim) {
    const mx_array *a = s->in[i];
    mx_ints to = {ndim, shape};
    if (s->shapeless && s->node->nin > 1)
        return broadcast_together(s, i, to);
    if (mx_shape_is(a, shape, ndim))
        return s->in_id[i];
    return between(s, MX_FN_Broadcast, s->in_id[i], ARGS(INTS(to)), shape, ndim, mx_dtype_of(a));
}

/* --- pointwise: all inputs have the result's shape --------------------------------- */

static const struct {
    mx_prim prim;
    mx_fn_op op;
    int arg; /* of those that have one */
} pointwise[] = {
#define SAME(prim, Name) {MX_PRIM_##prim, MX_FN_##Name, 0}
    SAME(abs, Abs),
    SAME(negative, Negative),
    SAME(sign, Sign),
    SAME(square, Square),
    SAME(exp, Exp),
    SAME(expm1, Expm1),
    SAME(log1p, Log1p),
    SAME(sin, Sin),
    SAME(cos, Cos),
    SAME(tan, Tan),
    SAME(arcsin, ArcSin),
    SAME(arccos, ArcCos),
    SAME(arctan, ArcTan),
    SAME(sinh, Sinh),
    SAME(cosh, Cosh),
    SAME(tanh, Tanh),
    SAME(arcsinh, ArcSinh),
    SAME(arccosh, ArcCosh),
    SAME(arctanh, ArcTanh),
    SAME(erf, Erf),
    SAME(erfinv, ErfInv),
    SAME(sigmoid, Sigmoid),
    SAME(floor, Floor),
    SAME(ceil, Ceil),
    SAME(round, Round),
    SAME(logical_not, LogicalNot),
    SAME(real, Real),
    SAME(imag, Imag),
    SAME(conjugate, Conjugate),
    {MX_PRIM_sqrt, MX_FN_Sqrt, 0},
    {MX_PRIM_rsqrt, MX_FN_Sqrt, 1},
    {MX_PRIM_log2, MX_FN_Log, 0},
    {MX_PRIM_log10, MX_FN_Log, 1},
    {MX_PRIM_log, MX_FN_Log, 2},
    SAME(add, Add),
    SAME(subtract, Subtract),
    SAME(multiply, Multiply),
    SAME(divide, Divide),
    SAME(floor_divide, FloorDivide),
    SAME(remainder, Remainder),
    SAME(power, Power),
    SAME(maximum, Maximum),
    SAME(minimum, Minimum),
    SAME(arctan2, ArcTan2),
    SAME(logaddexp, LogAddExp),
    SAME(equal, Equal),
    SAME(not_equal, NotEqual),
    SAME(less, Less),
    SAME(less_equal, LessEqual),
    SAME(greater, Greater),
    SAME(greater_equal, GreaterEqual),
    SAME(logical_and, LogicalAnd),
    SAME(logical_or, LogicalOr),
    SAME(logical_xor, NotEqual),
    {MX_PRIM_bitwise_and, MX_FN_BitwiseBinary, 0},
    {MX_PRIM_bitwise_or, MX_FN_BitwiseBinary, 1},
    {MX_PRIM_bitwise_xor, MX_FN_BitwiseBinary, 2},
    {MX_PRIM_left_shift, MX_FN_BitwiseBinary, 3},
    {MX_PRIM_right_shift, MX_FN_BitwiseBinary, 4},
    SAME(select, Select),
#define OWN(op, Name) SAME(op, Name),
#include "transforms/mlxfn/mlxfn_ops.def"
};

static bool unknown(step *s) {
    return mx_fail(MX_UNSUPPORTED, "[export_function] %s cannot be written to a file",
                   mx_node_desc(s->node)->name);
}

/* Of complex numbers the format keeps the dtype. */
static bool write_complex_abs(step *s) {
    const mx_array *a = s->in[0];
    uint64_t id = between(s, MX_FN_Abs, s->in_id[0], NULL, a->shape, a->ndim, MX_COMPLEX64);
    return last(s, MX_FN_Real, id, NULL);
}

static bool write_pointwise(step *s) {
    uint64_t in[3];
    if (s->node->prim == MX_PRIM_abs && s->in[0]->dtype == MX_COMPLEX64)
        return write_complex_abs(s);
    for (size_t k = 0; k < sizeof pointwise / sizeof *pointwise; k++) {
        if (pointwise[k].prim != s->node->prim)
            continue;
        for (int i = 0; i < s->node->nin; i++)
            in[i] = broadcast(s, i, s->out[0]->shape, s->out[0]->ndim);
        return whole(s, pointwise[k].op, in, ARGS(INT(pointwise[k].arg)));
    }
    return unknown(s);
}

/* --- views and copies ------------------------------------------------------------- */

/* Where a slice of n elements from start ends, in NumPy's words. */
static int slice_stop(int start, int n, int by, int size) {
    int64_t end = n ? start + (int64_t)(n - 1) * by + (by > 0 ? 1 : -1) : start;
    return (int)(end < 0 ? -size - 1 : end);
}

static mx_ints slice_stops(const mx_ints *start, const int *n, const mx_ints *by, const mx_array *a,
                           int *room) {
    for (int i = 0; i < start->n; i++)
        room[i] = slice_stop(start->v[i], n[i], by->v[i], a->shape[i]);
    return (mx_ints){start->n, room};
}

static bool write_slice(step *s) {
    const mx_p_slice *p = s->node->params;
    int stop[MX_MAX_NDIM];
    mx_ints end = slice_stops(&p->start, p->shape.v, &p->step, s->in[0], stop);
    return plain(s, MX_FN_Slice, ARGS(INTS(p->start), INTS(end), INTS(p->step)));
}

static bool write_slice_update(step *s) {
    const mx_p_slice_update *p = s->node->params;
    int stop[MX_MAX_NDIM];
    mx_ints end = slice_stops(&p->start, s->in[1]->shape, &p->step, s->in[0], stop);
    return plain(s, MX_FN_SliceUpdate, ARGS(INT(4), INTS(p->start), INTS(end), INTS(p->step)));
}

/* MLX knows no -1 here when it works out shapes. */
static bool has_gap(mx_ints sizes) {
    for (int i = 0; i < sizes.n; i++)
        if (sizes.v[i] < 0)
            return true;
    return false;
}

/* The last axis is that of features, whose size stays: there, as MLX does, the sizes themselves. */
static bool write_unflatten(step *s, int axis, mx_ints sizes) {
    const mx_array *y = s->out[0];
    mx_ints known = {sizes.n, y->shape + y->ndim - sizes.n};
    if (axis == s->in[0]->ndim - 1)
        return plain(s, MX_FN_Unflatten, ARGS(INT(axis), INTS(known)));
    return plain(s, has_gap(sizes) ? MX_FN_UnflattenRest : MX_FN_Unflatten,
                 ARGS(INT(axis), INTS(sizes)));
}

static bool write_reshape(step *s) {
    const mx_p_reshape *p = s->node->params;
    const mx_ints a = p->asked, rest = {a.n > 0 ? a.n - 1 : 0, a.v + 1};
    if (p->how == MX_TO_SUMMED)
        return plain(s, MX_FN_SumLike, NULL);
    if (s->node->nin > 1)
        return plain(s, MX_FN_ReshapeLike, NULL);
    if (p->how == MX_TO_BARE)
        return plain(s, MX_FN_SqueezeTo, ARGS(INT(s->out[0]->ndim)));
    if (p->how == MX_TO_FLAT && a.n == 2)
        return plain(s, MX_FN_Flatten, ARGS(INT(a.v[0]), INT(a.v[1])));
    if (p->how == MX_TO_PARTS && a.n > 1)
        return write_unflatten(s, a.v[0], rest);
    if (p->how == MX_TO_EXPANDED && a.n)
        return plain(s, MX_FN_ExpandDims, ARGS(INTS(a)));
    if (p->how == MX_TO_SQUEEZED && a.n)
        return plain(s, MX_FN_Squeeze, ARGS(INTS(a)));
    if (p->how == MX_TO_SQUEEZED) { // of no axes: a transform's stand-in
        s->out_id[0] = s->in_id[0];
        return true;
    }
    return plain(s, MX_FN_Reshape, ARGS(INTS(a.n ? a : p->shape)));
}

static bool write_fill(step *s) {
    const mx_array *y = s->out[0];
    return last(s, MX_FN_Full, broadcast(s, 0, y->shape, y->ndim), NULL);
}

/* Input 0 in memory of its own, in row order: a Concatenate of one, for the format has no word for
   Contiguous. */
static uint64_t copied(step *s) {
    const mx_array *a = s->in[0];
    bool fresh = !a->ndim || (a->node && a->node->prim == MX_PRIM_concatenate);
    return fresh ? s->in_id[0]
                 : between(s, MX_FN_Concatenate, s->in_id[0], ARGS(INT(0)), a->shape, a->ndim,
                           mx_dtype_of(a));
}

static bool write_contiguous(step *s) {
    s->out_id[0] = copied(s);
    return true;
}

/* Strides count in row order; MLX refuses to read a view so, and does not copy it. */
static bool write_as_strided(step *s) {
    const mx_p_as_strided *p = s->node->params;
    return last(s, MX_FN_AsStrided, copied(s),
                ARGS(INTS(p->shape), LONGS(p->strides), INT(p->offset)));
}

static bool write_pad(step *s) {
    const mx_p_pad *p = s->node->params;
    int axis[MX_MAX_NDIM];
    for (int i = 0; i < p->low.n; i++)
        axis[i] = i;
    mx_ints axes = {p->low.n, axis};
    return plain(s, MX_FN_Pad, ARGS(INTS(axes), INTS(p->low), INTS(p->high)));
}

static bool write_depends(step *s) {
    mx_fn_out out[MX_MAX_NDIM];
    int n = s->node->nout;
    if (n > MX_MAX_NDIM)
        return unknown(s);
    for (int j = 0; j < n; j++)
        out[j] = like(s->in[j], s->out_id[j]);
    return mx_fn_tape_op(s->tape, MX_FN_Depends, s->in_id, s->node->nin, NULL, out, n) != 0;
}

static bool write_arange(step *s) {
    const mx_p_arange *p = s->node->params;
    double stop = p->start + p->n * p->step;
    return plain(s, MX_FN_Arange, ARGS(REAL(p->start), REAL(stop), REAL(p->step)));
}

/* --- reductions: the format keeps the axes, Squeeze drops them --------------------- */

/* The result of `op` over one or more axes of input 0. */
static bool reduced(step *s, mx_fn_op op, const mx_fn_arg *args, mx_ints axes, bool keepdims) {
    int shape[MX_MAX_NDIM];
    const mx_array *a = s->in[0];
    if (keepdims)
        return plain(s, op, args);
    memcpy(shape, a->shape, (size_t)a->ndim * sizeof *shape);
    for (int i = 0; i < axes.n; i++)
        shape[axes.v[i]] = 1;
    uint64_t kept = between(s, op, s->in_id[0], args, shape, a->ndim, mx_dtype_of(s->out[0]));
    return last(s, MX_FN_Squeeze, kept, ARGS(INTS(axes)));
}

static bool write_reduce(step *s) {
    static const int code[] = {
        [MX_SUM] = 2, [MX_PROD] = 3, [MX_MAX] = 5, [MX_MIN] = 4, [MX_ALL] = 0, [MX_ANY] = 1};
    const mx_p_reduce *p = s->node->params;
    return reduced(s, MX_FN_Reduce, ARGS(INT(code[p->op]), INTS(p->axes)), p->axes, p->keepdims);
}

static bool write_arg_reduce(step *s) {
    const mx_p_arg_reduce *p = s->node->params;
    mx_ints axes = {1, &p->axis};
    return reduced(s, MX_FN_ArgReduce, ARGS(INT(p->max), INT(p->axis)), axes, p->keepdims);
}

static bool write_logsumexp(step *s) {
    const mx_p_logsumexp *p = s->node->params;
    mx_ints axes = {1, &p->axis};
    return reduced(s, MX_FN_LogSumExp, NULL, axes, p->keepdims);
}

static bool write_scan(step *s) {
    static const int code[] = {[MX_CUMSUM] = 2, [MX_CUMPROD] = 3, [MX_CUMMAX] = 0, [MX_CUMMIN] = 1};
    const mx_p_scan *p = s->node->params;
    if (p->op == MX_CUMLOGSUMEXP)
        return plain(s, MX_FN_LogCumSumExp, ARGS(INT(p->axis), INT(p->reverse), INT(p->inclusive)));
    return plain(s, MX_FN_Scan,
                 ARGS(INT(code[p->op]), INT(p->axis), INT(p->reverse), INT(p->inclusive)));
}

static bool write_sort(step *s) {
    const mx_p_sort *p = s->node->params;
    bool args = s->node->prim == MX_PRIM_argsort || s->node->prim == MX_PRIM_argpartition;
    if (s->node->prim == MX_PRIM_sort || s->node->prim == MX_PRIM_argsort)
        return plain(s, args ? MX_FN_ArgSort : MX_FN_Sort, ARGS(INT(p->axis)));
    return plain(s, args ? MX_FN_ArgPartition : MX_FN_Partition, ARGS(INT(p->kth), INT(p->axis)));
}

/* --- indices ---------------------------------------------------------------------- */

static const int scatter_code[] = {[MX_SCATTER_NONE] = 4,
                                   [MX_SCATTER_SUM] = 2,
                                   [MX_SCATTER_PROD] = 3,
                                   [MX_SCATTER_MAX] = 0,
                                   [MX_SCATTER_MIN] = 1};

static bool is_indexed(const mx_p_gather *p, int axis) {
    for (int i = 0; i < p->axes.n; i++)
        if (p->axes.v[i] == axis)
            return true;
    return false;
}

/* As the format has it: (I..., slice...). Ours may have I further back and no indexed axes. */
typedef struct gathered {
    int full[MX_MAX_NDIM];  /* (I..., slice...) */
    int moved[MX_MAX_NDIM]; /* with I in its place */
    int order[MX_MAX_NDIM]; /* the axes of full that moved has */
    int drop[MX_MAX_NDIM];  /* axes of moved that go */
    int ndim, n_drop;
} gathered;

static gathered gather_shapes(const mx_p_gather *p, const mx_array *index) {
    gathered g = {.ndim = 0};
    int ni = index ? index->ndim : 0, k = 0;
    for (int i = 0; i < ni; i++)
        g.full[g.ndim++] = index->shape[i];
    for (int i = 0; i < p->slice.n; i++)
        g.full[g.ndim++] = p->slice.v[i];
    for (int i = 0; i < p->slice.n + 1; i++) {
        for (int j = 0; j < ni && i == p->place; j++)
            g.order[k++] = j;
        if (i < p->slice.n) {
            if (p->drop && is_indexed(p, i))
                g.drop[g.n_drop++] = k;
            g.order[k++] = ni + i;
        }
    }
    for (int i = 0; i < g.ndim; i++)
        g.moved[i] = g.full[g.order[i]];
    return g;
}

static bool write_gather(step *s) {
    const mx_p_gather *p = s->node->params;
    gathered g = gather_shapes(p, s->node->nin > 1 ? s->in[1] : NULL);
    mx_ints order = {g.ndim, g.order}, drop = {g.n_drop, g.drop};
    bool moves = p->place > 0 && s->node->nin > 1;
    mx_fn_out o = {0, g.full, g.ndim, mx_dtype_of(s->in[0])};
    if (!moves && !g.n_drop)
        o.id = s->out_id[0];
    uint64_t id = mx_fn_tape_op(s->tape, MX_FN_Gather, s->in_id, s->node->nin,
                                ARGS(INTS(p->axes), INTS(p->slice)), &o, 1);
    if (moves && !g.n_drop)
        return last(s, MX_FN_Transpose, id, ARGS(INTS(order)));
    if (moves)
        id = between(s, MX_FN_Transpose, id, ARGS(INTS(order)), g.moved, g.ndim, o.dtype);
    return !g.n_drop || last(s, MX_FN_Squeeze, id, ARGS(INTS(drop)));
}

static bool write_scatter(step *s) {
    const mx_p_scatter *p = s->node->params;
    return plain(s, MX_FN_Scatter, ARGS(INT(scatter_code[p->op]), INTS(p->axes)));
}

static bool write_scatter_axis(step *s) {
    const mx_p_scatter_axis *p = s->node->params;
    if (p->op != MX_SCATTER_NONE && p->op != MX_SCATTER_SUM)
        return unknown(s);
    return plain(s, MX_FN_ScatterAxis, ARGS(INT(p->op == MX_SCATTER_NONE), INT(p->axis)));
}

/* A batch axis in front of everything, and away again. */
static bool write_masked_scatter(step *s) {
    int shape[MX_MAX_NDIM + 1] = {1};
    const int front = 0;
    mx_ints axis = {1, &front};
    uint64_t in[3];
    for (int i = 0; i < 3; i++) {
        const mx_array *a = s->in[i];
        if (a->ndim == MX_MAX_NDIM)
            return unknown(s);
        memcpy(shape + 1, a->shape, (size_t)a->ndim * sizeof *shape);
        in[i] = between(s, MX_FN_ExpandDims, s->in_id[i], ARGS(INTS(axis)), shape, a->ndim + 1,
                        mx_dtype_of(a));
    }
    memcpy(shape + 1, s->in[0]->shape, (size_t)s->in[0]->ndim * sizeof *shape);
    mx_fn_out o = {0, shape, s->in[0]->ndim + 1, mx_dtype_of(s->in[0])};
    uint64_t id = mx_fn_tape_op(s->tape, MX_FN_MaskedScatter, in, 3, NULL, &o, 1);
    return last(s, MX_FN_Squeeze, id, ARGS(INTS(axis)));
}

/* --- products and factorisations --------------------------------------------------- */

/* Input i of a product with the batch axes of both, whatever they will be. */
static uint64_t batched_together(step *s, int i, const int *shape, int n) {
    static const int last_two[2] = {-2, -1};
    uint64_t in[2] = {s->in_id[i], s->in_id[1 - i]};
    mx_ints keep = {2, last_two};
    mx_fn_out o = {0, shape, n, mx_dtype_of(s->in[i])};
    return mx_fn_tape_op(s->tape, MX_FN_BroadcastAxes, in, 2, ARGS(INTS(keep)), &o, 1);
}

/* Input i with the batch axes of the result. */
static uint64_t batched(step *s, int i) {
    int shape[MX_MAX_NDIM], n = s->out[0]->ndim;
    const mx_array *a = s->in[i];
    mx_ints to = {n, shape};
    if (n <= 2)
        return s->in_id[i];
    memcpy(shape, s->out[0]->shape, (size_t)(n - 2) * sizeof *shape);
    memcpy(shape + n - 2, a->shape + a->ndim - 2, 2 * sizeof *shape);
    if (s->shapeless)
        return batched_together(s, i, shape, n);
    if (mx_shape_is(a, shape, n))
        return s->in_id[i];
    return between(s, MX_FN_Broadcast, s->in_id[i], ARGS(INTS(to)), shape, n, mx_dtype_of(a));
}

static bool write_matmul(step *s) {
    uint64_t in[3] = {batched(s, 0), batched(s, 1)};
    if (s->node->prim == MX_PRIM_matmul)
        return whole(s, MX_FN_Matmul, in, NULL);
    const mx_p_addmm *p = s->node->params;
    in[2] = broadcast(s, 2, s->out[0]->shape, s->out[0]->ndim);
    return whole(s, MX_FN_AddMM, in, ARGS(REAL(p->alpha), REAL(p->beta)));
}

/* Where the shapes are not known their expansions are not either: operations of our own. */
static bool write_rope(step *s) {
    const mx_p_rope *p = s->node->params;
    return plain(s, MX_FN_RoPE,
                 ARGS(INT(p->dims), INT(p->traditional), INT(p->inverse), INT(p->freqs),
                      REAL(p->base), REAL(p->scale)));
}

static bool write_attention(step *s) {
    const mx_p_attention *p = s->node->params;
    return plain(s, MX_FN_Attention,
                 ARGS(REAL(p->scale), INT(p->causal), INT(p->mask), INT(p->sinks)));
}

static bool write_conv(step *s) {
    const mx_p_conv *p = s->node->params;
    return plain(s, MX_FN_Convolution,
                 ARGS(INTS(p->stride), INTS(p->pad_low), INTS(p->pad_high),
                      INTS(p->kernel_dilation), INTS(p->input_dilation), INT(p->groups),
                      INT(p->flip)));
}

static bool write_fft(step *s) {
    const mx_p_fft *p = s->node->params;
    mx_longs axes = {1, (const int64_t[]){p->axis}};
    return plain(s, MX_FN_FFT,
                 ARGS(LONGS(axes), INT(p->inverse), INT(p->kind != MX_P_FFT_FULL), INT(0)));
}

/* All outputs of a factorisation; those that are gone get numbers too. */
static bool factors(step *s, mx_fn_op op, const mx_fn_arg *args) {
    mx_fn_out out[3];
    mx_out inferred[3] = {{.dtype = MX_BOOL}};
    int n = s->node->nout;
    if (!mx_node_desc(s->node)->infer(s->node->params, s->in, s->node->nin, inferred, n))
        return false;
    for (int j = 0; j < n; j++)
        out[j] = (mx_fn_out){s->out_id[j], inferred[j].shape.dim, inferred[j].shape.ndim,
                             inferred[j].dtype};
    return mx_fn_tape_op(s->tape, op, s->in_id, s->node->nin, args, out, n) != 0;
}

static bool write_quantized(step *s) {
    const mx_p_quant *p = s->node->params;
    bool affine = p->mode == MX_AFFINE;
    switch (s->node->prim) {
    case MX_PRIM_quantize:
        return factors(s, affine ? MX_FN_Quantize : MX_FN_QuantizeGroups,
                       ARGS(INT(p->group), INT(p->bits), INT(p->mode), INT(0)));
    case MX_PRIM_dequantize:
        return plain(s, MX_FN_DequantizeGroups,
                     ARGS(INT(p->group), INT(p->bits), INT(p->mode), INT(s->out[0]->dtype)));
    case MX_PRIM_quantized_matmul:
        return plain(s, MX_FN_QuantizedMatmul,
                     ARGS(INT(p->group), INT(p->bits), INT(p->mode), INT(p->transpose)));
    default:
        return plain(s, MX_FN_GatherQMM,
                     ARGS(INT(p->group), INT(p->bits), INT(p->mode), INT(p->transpose), INT(0),
                          INT(p->sorted)));
    }
}

static bool write_block_matmul(step *s) {
    const mx_p_block_matmul *p = s->node->params;
    bool gathers = s->node->prim == MX_PRIM_gather_block_matmul;
    return plain(s, gathers ? MX_FN_GatherBlockMatmul : MX_FN_BlockMatmul,
                 ARGS(INT(p->type), INT(p->transpose), INT(p->whole), INT(p->sorted)));
}

static bool write_triangle(step *s) {
    const mx_p_triangle *p = s->node->params;
    switch (s->node->prim) {
    case MX_PRIM_inverse:
        return plain(s, MX_FN_Inverse, ARGS(INT(p->triangular), INT(p->upper || !p->triangular)));
    case MX_PRIM_cholesky: return plain(s, MX_FN_Cholesky, ARGS(INT(p->upper)));
    case MX_PRIM_eigh:
        return factors(s, MX_FN_Eigh, ARGS({.s = p->upper ? "U" : "L"}, INT(s->node->nout == 2)));
    default: return plain(s, MX_FN_Solve, ARGS(INT(p->upper), INT(p->triangular)));
    }
}

/* --- the table of rules ------------------------------------------------------------ */

#define PARAM(type) ((const type *)s->node->params)

bool mx_fn_write(const mx_fn_step *s) {
    const mx_node *n = s->node;
    switch (n->prim) {
    case MX_PRIM_astype: return plain(s, MX_FN_AsType, ARGS(INT(PARAM(mx_p_dtype)->dtype)));
    case MX_PRIM_view: return plain(s, MX_FN_View, ARGS(INT(PARAM(mx_p_dtype)->dtype)));
    case MX_PRIM_broadcast: return plain(s, MX_FN_Broadcast, ARGS(INTS(PARAM(mx_p_shape)->shape)));
    case MX_PRIM_full: return write_fill(s);
    case MX_PRIM_reshape: return write_reshape(s);
    case MX_PRIM_transpose:
        return plain(s, MX_FN_Transpose, ARGS(INTS(PARAM(mx_p_transpose)->axes)));
    case MX_PRIM_slice: return write_slice(s);
    case MX_PRIM_as_strided: return write_as_strided(s);
    case MX_PRIM_stop_gradient: return plain(s, MX_FN_StopGradient, NULL);
    case MX_PRIM_depends: return write_depends(s);
    case MX_PRIM_contiguous: return write_contiguous(s);
    case MX_PRIM_concatenate: return plain(s, MX_FN_Concatenate, ARGS(INT(PARAM(mx_p_axis)->axis)));
    case MX_PRIM_pad: return write_pad(s);
    case MX_PRIM_slice_update: return write_slice_update(s);
    case MX_PRIM_dynamic_slice:
        return plain(s, MX_FN_DynamicSlice,
                     ARGS(INTS(PARAM(mx_p_dynamic_slice)->axes),
                          INTS(PARAM(mx_p_dynamic_slice)->shape)));
    case MX_PRIM_dynamic_slice_update:
        return plain(s, MX_FN_DynamicSliceUpdate, ARGS(INTS(PARAM(mx_p_dynamic_update)->axes)));
    case MX_PRIM_arange: return write_arange(s);
    case MX_PRIM_number_of_elements:
        return plain(s, MX_FN_NumberOfElements,
                     ARGS(INTS(PARAM(mx_p_count)->axes), INT(PARAM(mx_p_count)->inverted),
                          INT(PARAM(mx_p_count)->dtype)));
    case MX_PRIM_reduce: return write_reduce(s);
    case MX_PRIM_arg_reduce: return write_arg_reduce(s);
    case MX_PRIM_scan: return write_scan(s);
    case MX_PRIM_softmax: return plain(s, MX_FN_Softmax, ARGS(INT(1)));
    case MX_PRIM_logsumexp: return write_logsumexp(s);
    case MX_PRIM_sort:
    case MX_PRIM_argsort:
    case MX_PRIM_partition:
    case MX_PRIM_argpartition: return write_sort(s);
    case MX_PRIM_gather: return write_gather(s);
    case MX_PRIM_gather_axis: return plain(s, MX_FN_GatherAxis, ARGS(INT(PARAM(mx_p_axis)->axis)));
    case MX_PRIM_scatter: return write_scatter(s);
    case MX_PRIM_scatter_axis: return write_scatter_axis(s);
    case MX_PRIM_masked_scatter: return write_masked_scatter(s);
    case MX_PRIM_random_bits: {
        mx_ints shape = {s->out[0]->ndim, s->out[0]->shape};
        return plain(s, MX_FN_RandomBits, ARGS(INTS(shape), INT(PARAM(mx_p_random_bits)->width)));
    }
    case MX_PRIM_matmul:
    case MX_PRIM_addmm: return write_matmul(s);
    case MX_PRIM_gather_mm: // of the indices of b we know, of those of a not
        return plain(s, MX_FN_GatherMM, ARGS(INT(0), INT(PARAM(mx_p_gather_mm)->sorted)));
    case MX_PRIM_segmented_mm: return plain(s, MX_FN_SegmentedMM, NULL);
    case MX_PRIM_segmented_mm_spread: return plain(s, MX_FN_SegmentedMMSpread, NULL);
    case MX_PRIM_quantize:
    case MX_PRIM_dequantize:
    case MX_PRIM_quantized_matmul:
    case MX_PRIM_gather_qmm: return write_quantized(s);
    case MX_PRIM_quantize_blocks:
        return plain(s, MX_FN_QuantizeBlocks, ARGS(INT(PARAM(mx_p_blocks)->type)));
    case MX_PRIM_dequantize_blocks:
        return plain(s, MX_FN_DequantizeBlocks,
                     ARGS(INT(PARAM(mx_p_blocks)->type), INT(PARAM(mx_p_blocks)->dtype)));
    case MX_PRIM_block_matmul:
    case MX_PRIM_gather_block_matmul: return write_block_matmul(s);
    case MX_PRIM_to_fp8: return plain(s, MX_FN_ToFP8, NULL);
    case MX_PRIM_from_fp8: return plain(s, MX_FN_FromFP8, ARGS(INT(PARAM(mx_p_dtype)->dtype)));
    case MX_PRIM_rope: return write_rope(s);
    case MX_PRIM_attention: return write_attention(s);
    case MX_PRIM_conv: return write_conv(s);
    case MX_PRIM_fft: return write_fft(s);
    case MX_PRIM_hadamard: return plain(s, MX_FN_Hadamard, ARGS(REAL(PARAM(mx_p_hadamard)->scale)));
    case MX_PRIM_inverse:
    case MX_PRIM_cholesky:
    case MX_PRIM_eigh:
    case MX_PRIM_solve: return write_triangle(s);
    case MX_PRIM_qr: return factors(s, MX_FN_QRF, NULL);
    case MX_PRIM_svd: return factors(s, MX_FN_SVD, ARGS(INT(n->nout == 3)));
    case MX_PRIM_eig: return factors(s, MX_FN_Eig, ARGS(INT(n->nout == 2)));
    case MX_PRIM_lu: return factors(s, MX_FN_LUF, NULL);
    default: return n->prim < MX_PRIM_astype ? write_pointwise(s) : unknown(s);
    }
}
