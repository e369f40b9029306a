/* Quantization of the last axis, there and back, and float8.
 *
 *     quantize     w (..., K) -> words (..., K bits / 32), scales (..., K / group), biases like the
 *                  scales
 *     dequantize   the way back
 *
 * What the modes are stands in kernels/quant/k_quant.h.
 */
#include <string.h>

#include "base/status.h"
#include "kernels/blocks/blocks.h"
#include "ops/quant/quant.h"
#include "ops/rules.h"

enum { TEXT = 256 };

/* --- formats ---------------------------------------------------------------------------------- */

static const char *const mode_names[MX_QUANT_MODES] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
static const mx_quant_format usual[MX_QUANT_MODES] = {
    {MX_AFFINE, 4, 64}, {MX_MXFP4, 4, 32}, {MX_MXFP8, 8, 32}, {MX_NVFP4, 4, 16}};

static bool valid_affine(const char *op, int bits, int group) {
    if (group != 32 && group != 64 && group != 128)
        return mx_fail(MX_INVALID,
                       "[%s] The requested group size %d is not supported. The supported group "
                       "sizes are 32, 64, and 128.",
                       op, group);
    if (bits < 2 || bits > 8 || bits == 7)
        return mx_fail(MX_INVALID,
                       "[%s] The requested number of bits %d is not supported. The supported bits "
                       "are 2, 3, 4, 5, 6 and 8.",
                       op, bits);
    return true;
}

static bool valid_float(const char *op, mx_quant_mode mode, int bits, int group) {
    const mx_quant_format *u = &usual[mode];
    if (group != u->group)
        return mx_fail(MX_INVALID, "[%s] %s quantization requires group size %d but got %d.", op,
                       mode_names[mode], u->group, group);
    if (bits != u->bits)
        return mx_fail(MX_INVALID, "[%s] %s quantization requires bits to be %d but got %d.", op,
                       mode_names[mode], u->bits, bits);
    return true;
}

bool mx_quant_valid(const char *op, const mx_p_quant *p) {
    if (p->mode < 0 || p->mode >= MX_QUANT_MODES)
        return mx_fail(MX_INVALID, "[%s] Invalid quantization mode %d.", op, p->mode);
    return p->mode == MX_AFFINE ? valid_affine(op, p->bits, p->group)
                                : valid_float(op, (mx_quant_mode)p->mode, p->bits, p->group);
}

bool mx_quant_format_from(const char *op, const char *mode, const int *group, const int *bits,
                          mx_quant_format *f) {
    int m = 0;
    while (m < MX_QUANT_MODES && strcmp(mode ? mode : "affine", mode_names[m]) != 0)
        m++;
    if (m == MX_QUANT_MODES)
        return mx_fail(MX_INVALID, "[%s] Invalid quantization mode '%s'.", op, mode);
    *f = usual[m];
    f->group = group ? *group : f->group;
    f->bits = bits ? *bits : f->bits;
    mx_p_quant p = mx_quant_params(*f);
    return mx_quant_valid(op, &p);
}

bool mx_quant_mode_from(const char *op, const char *mode, const int *group, const int *bits,
                        mx_quant_format *f) {
    const mx_block_format *b = mx_block_by_name(mode);
    if (!b)
        return mx_quant_format_from(op, mode, group, bits, f);
    *f = (mx_quant_format){(mx_quant_mode)(MX_BLOCK_MODE + b->id), 0, b->items};
    return (!group && !bits) ||
           mx_fail(MX_INVALID,
                   "[%s] mode '%s' has blocks of its own: neither bits nor a group size "
                   "can be chosen.",
                   op, mode);
}

mx_p_quant mx_quant_params(mx_quant_format f) {
    return (mx_p_quant){.mode = (int)f.mode, .bits = f.bits, .group = f.group};
}

const mx_field mx_quant_fields[] = {MX_FIELD(mx_p_quant, mode, INT),
                                    MX_FIELD(mx_p_quant, bits, INT),
                                    MX_FIELD(mx_p_quant, group, INT),
                                    MX_FIELD(mx_p_quant, dtype, INT),
                                    MX_FIELD(mx_p_quant, transpose, BOOL),
                                    MX_FIELD(mx_p_quant, sorted, BOOL),
                                    MX_FIELD_END};

/* --- what belongs together -------------------------------------------------------------------- */

int64_t mx_quant_columns(mx_quant_format f, const mx_array *w) {
    return (int64_t)w->shape[w->ndim - 1] * 32 / f.bits;
}

static bool scale_dtypes(const char *op, mx_quant_format f, const mx_array *scales,
                         const mx_array *biases) {
    if (f.mode != MX_AFFINE && scales->dtype != MX_UINT8)
        return mx_fail(MX_INVALID, "[%s] Scale type must be uint8 but received type %s.", op,
                       mx_dtype_name(mx_dtype_of(scales)));
    if (f.mode != MX_AFFINE && biases)
        return mx_fail(MX_INVALID, "[%s] Biases must be null for quantization mode '%s'.", op,
                       mode_names[f.mode]);
    if (f.mode != MX_AFFINE)
        return true;
    if (!biases)
        return mx_fail(MX_INVALID, "[%s] Biases must be provided for affine quantization.", op);
    if (!mx_dtype_is_float(mx_dtype_of(scales)) || !mx_dtype_is_float(mx_dtype_of(biases)))
        return mx_fail(MX_INVALID,
                       "[%s] Only real floating types are supported but scales are of type %s and "
                       "biases of %s.",
                       op, mx_dtype_name(mx_dtype_of(scales)), mx_dtype_name(mx_dtype_of(biases)));
    return true;
}

static bool scale_shape(const char *op, mx_quant_format f, const mx_array *w, const mx_array *s,
                        const char *what) {
    char tw[TEXT], ts[TEXT];
    bool same = s->ndim == w->ndim;
    for (int i = 0; i + 1 < w->ndim && same; i++)
        same = w->shape[i] == s->shape[i];
    int64_t bits = (int64_t)w->shape[w->ndim - 1] * 32;
    if (same && (int64_t)s->shape[s->ndim - 1] * f.group * f.bits == bits)
        return true;
    return mx_fail(MX_INVALID,
                   "[%s] The shapes of the weight and %s are incompatible based on bits and "
                   "group_size. w.shape() == %s and %s.shape() == %s with group_size=%d and "
                   "bits=%d",
                   op, what, mx_shape_text(tw, TEXT, w->shape, w->ndim), what,
                   mx_shape_text(ts, TEXT, s->shape, s->ndim), f.group, f.bits);
}

bool mx_quant_check(const char *op, mx_quant_format f, const mx_array *w, const mx_array *scales,
                    const mx_array *biases) {
    if (w->dtype != MX_UINT32)
        return mx_fail(MX_INVALID, "[%s] The weight matrix should be uint32 but received %s", op,
                       mx_dtype_name(mx_dtype_of(w)));
    if (w->ndim < 2)
        return mx_fail(MX_INVALID,
                       "[%s] The quantized matrix must have at least 2 dimensions but it has only "
                       "%d.",
                       op, w->ndim);
    if (!mx_axis_fits(op, mx_quant_columns(f, w)))
        return false;
    return scale_dtypes(op, f, scales, biases) && scale_shape(op, f, w, scales, "scales") &&
           (!biases || scale_shape(op, f, w, biases, "biases"));
}

static bool check_global(const char *op, mx_quant_format f, const mx_array *g) {
    char text[TEXT];
    if (f.mode != MX_NVFP4)
        return mx_fail(MX_INVALID,
                       "[%s] Global scale is only supported for 'nvfp4' quantization mode.", op);
    if (g->size != 1)
        return mx_fail(MX_INVALID, "[%s] Global scale must be a scalar but got shape %s.", op,
                       mx_shape_text(text, TEXT, g->shape, g->ndim));
    if (g->dtype != MX_FLOAT32)
        return mx_fail(MX_INVALID, "[%s] Global scale must have dtype float32 but got %s.", op,
                       mx_dtype_name(mx_dtype_of(g)));
    return true;
}

/* --- quantize --------------------------------------------------------------------------------- */

static bool check_numbers(const mx_array *w, mx_quant_format f) {
    char text[TEXT];
    if (!mx_dtype_is_float(mx_dtype_of(w)))
        return mx_fail(MX_INVALID,
                       "[quantize] Only real floating types can be quantized but w has type %s.",
                       mx_dtype_name(mx_dtype_of(w)));
    if (w->ndim < 2)
        return mx_fail(MX_INVALID,
                       "[quantize] The matrix to be quantized must have at least 2 dimension but "
                       "it has only %d.",
                       w->ndim);
    if (w->shape[w->ndim - 1] % f.group != 0)
        return mx_fail(MX_INVALID,
                       "[quantize] The last dimension of the matrix needs to be divisible by the "
                       "quantization group size %d. However the provided matrix has shape %s",
                       f.group, mx_shape_text(text, TEXT, w->shape, w->ndim));
    return true;
}

/* w [, global scale] -> words, scales [, biases] */
static bool infer_quantize(const void *params, mx_array *const *in, int nin, mx_out *out,
                           int nout) {
    const mx_p_quant *p = params;
    mx_quant_format f = mx_quant_format_of(p);
    if (!mx_quant_valid("quantize", p) || !check_numbers(in[0], f))
        return false;
    if (nin > 2 || nout != (f.mode == MX_AFFINE ? 3 : 2))
        return mx_fail(MX_INVALID, "[quantize] %d inputs and %d outputs", nin, nout);
    if (nin == 2 && !check_global("quantize", f, in[1]))
        return false;
    mx_shape s = mx_shape_of(in[0]);
    int *last = &s.dim[s.ndim - 1], k = *last;
    *last = (int)((int64_t)k * f.bits / 32);
    out[0] = (mx_out){MX_UINT32, s};
    *last = k / f.group;
    for (int i = 1; i < nout; i++)
        out[i] = (mx_out){f.mode == MX_AFFINE ? mx_dtype_of(in[0]) : MX_UINT8, s};
    return true;
}

static bool quantize_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                          mx_array **out, int *out_axes) {
    if (axes[0] < 0 || (y->nin == 2 && axes[1] >= 0))
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    mx_array *to[2] = {mx_moveaxis(in[0], axes[0], 0), y->nin == 2 ? in[1] : NULL};
    for (int j = 0; j < y->nout; j++)
        out_axes[j] = 0;
    return mx_apply_multi((mx_prim)y->prim, y->params, to, y->nin, out, y->nout);
}

/* Affine scales and biases of the groups of a (kernels/quant/k_quant.c), for derivatives: the edges
   of a group move them; what is rounded does not. */
static bool scales_of(mx_array *a, mx_quant_format f, mx_array **scale, mx_array **bias) {
    int groups[2] = {a->shape[a->ndim - 1] / f.group, f.group}, last = -1;
    mx_array *g = mx_unflatten(a, -1, groups, 2);
    mx_array *lo = mx_reduce(MX_MIN, g, &last, 1, false),
             *hi = mx_reduce(MX_MAX, g, &last, 1, false);
    mx_array *s = mx_mul_s(mx_sub(hi, lo), 1.0 / ((1 << f.bits) - 1));
    if (!s)
        return false;
    s = mx_maximum(s, mx_scalar_like(s, 1e-7));
    mx_array *low = mx_greater(mx_abs(lo), mx_abs(hi));
    mx_array *edge = mx_where(low, lo, hi);
    s = mx_where(low, s, mx_negative(s));
    mx_array *steps = mx_stop_gradient(mx_round(mx_div(edge, s)));
    if (!steps)
        return false;
    mx_array *some = mx_not_equal(steps, mx_zero_like(steps));
    *scale = mx_where(some, mx_div(edge, mx_where(some, steps, mx_one_like(steps))), s);
    *bias = mx_where(some, edge, mx_zero_like(edge));
    return *scale && *bias;
}

static bool quantize_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_quant *p = y->params;
    mx_array *still[2] = {mx_stop_gradient(in[0]), y->nin == 2 ? mx_stop_gradient(in[1]) : NULL};
    if (!mx_apply_multi(MX_PRIM_quantize, p, still, y->nin, out, y->nout))
        return false;
    return p->mode != MX_AFFINE || scales_of(in[0], mx_quant_format_of(p), &out[1], &out[2]);
}

const mx_prim_desc mx_desc_quantize = {
    .name = "Quantize",
    .fields = mx_quant_fields,
    .param_size = sizeof(mx_p_quant),
    .infer = infer_quantize,
    .expand = quantize_expand,
    .vmap = quantize_vmap,
};

static bool quantize_blocks(mx_array *w, const mx_block_format *b, mx_array *global,
                            mx_array *out[3]) {
    if (global)
        return mx_fail(MX_INVALID,
                       "[quantize] Global scale is only supported for 'nvfp4' quantization mode.");
    out[0] = mx_quantize_blocks(w, b);
    return out[0] != NULL;
}

bool mx_quantize(mx_array *w, mx_quant_format f, mx_array *global, mx_array *out[3]) {
    mx_p_quant p = mx_quant_params(f);
    out[1] = out[2] = NULL;
    if (mx_quant_block(f))
        return quantize_blocks(w, mx_quant_block(f), global, out);
    if (w && f.mode != MX_AFFINE && w->dtype == MX_FLOAT64)
        w = mx_astype(w, MX_FLOAT32);
    mx_array *in[2] = {w, global};
    return w && mx_apply_multi(MX_PRIM_quantize, &p, in, global ? 2 : 1, out,
                               f.mode == MX_AFFINE ? 3 : 2);
}

/* --- dequantize ------------------------------------------------------------------------------- */

static bool dequantize_arity(mx_quant_format f, int nin) {
    return f.mode == MX_AFFINE ? nin == 3 : nin == 2 || (nin == 3 && f.mode == MX_NVFP4);
}

/* words, scales, and biases or the global scale */
static bool infer_dequantize(const void *params, mx_array *const *in, int nin, mx_out *out,
                             int nout) {
    const mx_p_quant *p = params;
    mx_quant_format f = mx_quant_format_of(p);
    (void)nout;
    if (!mx_quant_valid("dequantize", p))
        return false;
    if (!dequantize_arity(f, nin))
        return mx_fail(MX_INVALID, "[dequantize] %d inputs", nin);
    if (!mx_quant_check("dequantize", f, in[0], in[1], f.mode == MX_AFFINE ? in[2] : NULL))
        return false;
    if (nin == 3 && f.mode == MX_NVFP4 && !check_global("dequantize", f, in[2]))
        return false;
    out->dtype = f.mode == MX_AFFINE ? mx_dtype_of(in[1]) : (mx_dtype)p->dtype;
    out->shape = mx_shape_of(in[0]);
    out->shape.dim[out->shape.ndim - 1] = (int)mx_quant_columns(f, in[0]);
    if (f.mode == MX_AFFINE ? in[1]->dtype != in[2]->dtype
                            : !mx_dtype_is_float(out->dtype) || out->dtype == MX_FLOAT64)
        return mx_fail(MX_INVALID, "[dequantize] the dtypes do not fit");
    return true;
}

mx_array *mx_quant_codes(mx_quant_format f, mx_array *w, mx_array *scales) {
    if (!w || !scales)
        return NULL;
    mx_p_quant p = mx_quant_params(f);
    mx_array *in[3] = {w, mx_ones_like(scales), mx_zeros_like(scales)};
    return mx_apply(MX_PRIM_dequantize, &p, in, 3);
}

mx_array *mx_quant_group_sum(mx_quant_format f, mx_array *a) {
    if (!a)
        return NULL;
    int groups[2] = {a->shape[a->ndim - 1] / f.group, f.group};
    return mx_sum_axis(mx_unflatten(a, -1, groups, 2), -1, false);
}

/* y = s code + b in affine; y is linear in the global scale in nvfp4. */
static bool dequantize_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                           mx_array **grad) {
    const mx_p_quant *p = y->params;
    mx_quant_format f = mx_quant_format_of(p);
    mx_array *g = cot[0];
    if (f.mode == MX_AFFINE) {
        if (need[1])
            grad[1] = mx_quant_group_sum(f, mx_mul(g, mx_quant_codes(f, y->in[0], y->in[1])));
        if (need[2])
            grad[2] = mx_quant_group_sum(f, g);
    } else if (y->nin == 3 && need[2]) {
        mx_array *in[3] = {y->in[0], y->in[1], mx_ones_like(y->in[2])};
        mx_array *unit = mx_apply(MX_PRIM_dequantize, p, in, 3);
        grad[2] = mx_unbroadcast(mx_sum_all(mx_astype(mx_mul(g, unit), MX_FLOAT32)), y->in[2]);
    }
    return !mx_failed();
}

static bool dequantize_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                            mx_array **out, int *out_axes) {
    const mx_p_quant *p = y->params;
    bool global = y->nin == 3 && p->mode != MX_AFFINE;
    if (global && axes[2] >= 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    mx_array *to[3];
    for (int i = 0; i < y->nin; i++)
        to[i] = i == 2 && global ? in[i] : mx_batch_front_full(in[i], axes[i], n);
    out[0] = mx_apply(MX_PRIM_dequantize, p, to, y->nin);
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_dequantize = {
    .name = "Dequantize",
    .fields = mx_quant_fields,
    .param_size = sizeof(mx_p_quant),
    .infer = infer_dequantize,
    .vjp = dequantize_vjp,
    .jvp = mx_linear_jvp,
    .vmap = dequantize_vmap,
};

static bool float_result(const char *op, mx_dtype t) {
    return mx_dtype_is_float(t) ||
           mx_fail(MX_INVALID, "[%s] Only real floating types are supported but dtype == %s.", op,
                   mx_dtype_name(t));
}

/* Scales and biases in one dtype, once both are known to be floats. */
static bool join_scales(const char *op, mx_quant_format f, mx_array **scales, mx_array **biases) {
    if (f.mode != MX_AFFINE || !*biases)
        return true;
    return scale_dtypes(op, f, *scales, *biases) && mx_promote2(scales, biases);
}

static mx_array *dequantize_blocks(mx_array *w, const mx_block_format *b, mx_array *const *others,
                                   const mx_dtype *dtype) {
    for (int i = 0; i < 3; i++)
        if (others[i])
            return mx_fail(
                MX_INVALID,
                "[dequantize] Blocks of mode '%s' hold their scales: there are no others.",
                b->name);
    mx_dtype t = dtype ? *dtype : MX_FLOAT16;
    return float_result("dequantize", t) ? mx_dequantize_blocks(w, b, t) : NULL;
}

mx_array *mx_dequantize(mx_array *w, mx_array *scales, mx_array *biases, mx_quant_format f,
                        mx_array *global, const mx_dtype *dtype) {
    mx_p_quant p = mx_quant_params(f);
    mx_dtype t = dtype ? *dtype : global ? MX_FLOAT32 : MX_BFLOAT16;
    if (mx_quant_block(f))
        return dequantize_blocks(w, mx_quant_block(f), (mx_array *[]){scales, biases, global},
                                 dtype);
    if (!w || !scales || !float_result("dequantize", t) ||
        !join_scales("dequantize", f, &scales, &biases) ||
        (w->ndim < 2 && !mx_quant_check("dequantize", f, w, scales, biases)) ||
        !scale_dtypes("dequantize", f, scales, biases) ||
        (global && !check_global("dequantize", f, global)))
        return NULL;
    p.dtype = f.mode == MX_AFFINE ? 0 : t == MX_FLOAT64 ? MX_FLOAT32 : (int)t;
    mx_array *in[3] = {w, scales, f.mode == MX_AFFINE ? biases : global};
    mx_array *y = mx_apply(MX_PRIM_dequantize, &p, in, in[2] ? 3 : 2);
    return y && (dtype || f.mode != MX_AFFINE) ? mx_astype(y, t) : y;
}

/* --- float8 ----------------------------------------------------------------------------------- */

static bool infer_to_fp8(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nin, (void)nout;
    if (!mx_dtype_is_float(mx_dtype_of(in[0])) || in[0]->dtype == MX_FLOAT64)
        return mx_fail(MX_INVALID,
                       "[to_fp8] Only real floating types are supported but x is of type %s.",
                       mx_dtype_name(mx_dtype_of(in[0])));
    *out = (mx_out){MX_UINT8, mx_shape_of(in[0])};
    return true;
}

static bool infer_from_fp8(const void *params, mx_array *const *in, int nin, mx_out *out,
                           int nout) {
    const mx_p_dtype *p = params;
    (void)nin, (void)nout;
    if (in[0]->dtype != MX_UINT8)
        return mx_fail(MX_INVALID, "[from_fp8] Input must have type uint8 but x is of type %s.",
                       mx_dtype_name(mx_dtype_of(in[0])));
    if (!mx_dtype_valid((mx_dtype)p->dtype) || !float_result("from_fp8", (mx_dtype)p->dtype))
        return false;
    *out = (mx_out){(mx_dtype)p->dtype, mx_shape_of(in[0])};
    return true;
}

/* Element by element: the batch axis stays where it is. */
static bool same_axis_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                           mx_array **out, int *out_axes) {
    (void)n;
    out[0] = mx_apply1((mx_prim)y->prim, y->params, in[0]);
    out_axes[0] = axes[0];
    return out[0] != NULL;
}

static const mx_field dtype_fields[] = {MX_FIELD(mx_p_dtype, dtype, DTYPE), MX_FIELD_END};

const mx_prim_desc mx_desc_to_fp8 = {
    .name = "ToFP8",
    .traits = MX_TRAIT_NO_GRAD,
    .infer = infer_to_fp8,
    .vmap = same_axis_vmap,
};
const mx_prim_desc mx_desc_from_fp8 = {
    .name = "FromFP8",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = dtype_fields,
    .param_size = sizeof(mx_p_dtype),
    .infer = infer_from_fp8,
    .vmap = same_axis_vmap,
};

mx_array *mx_to_fp8(mx_array *a) {
    if (a && a->dtype == MX_FLOAT64)
        a = mx_astype(a, MX_FLOAT32);
    return mx_apply1(MX_PRIM_to_fp8, NULL, a);
}

mx_array *mx_from_fp8(mx_array *a, mx_dtype t) {
    mx_p_dtype p = {t == MX_FLOAT64 ? MX_FLOAT32 : (int)t};
    mx_array *y = mx_apply1(MX_PRIM_from_fp8, &p, a);
    return y ? mx_astype(y, t) : NULL;
}
