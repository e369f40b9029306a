/* Rotary position embedding (Su et al. 2021).
 *
 *     x (B, ..., T, D): pairs of the first `dims` elements of row t are turned by (offset + t)
 *     scale / f[i] pair i            traditional: (2 i, 2 i + 1); else (i, i + dims / 2) f[i]
 *     base^(2 i / dims), or freqs[i]
 *
 * offset is 0-dimensional, or has one entry for each of B. A turn is linear and orthogonal in x:
 * its derivative turns back.
 */
#include <math.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

enum { TEXT = 256 };

static const mx_field rope_fields[] = {MX_FIELD(mx_p_rope, dims, INT),
                                       MX_FIELD(mx_p_rope, traditional, BOOL),
                                       MX_FIELD(mx_p_rope, inverse, BOOL),
                                       MX_FIELD(mx_p_rope, freqs, BOOL),
                                       MX_FIELD(mx_p_rope, base, DOUBLE),
                                       MX_FIELD(mx_p_rope, scale, DOUBLE),
                                       MX_FIELD_END};

/* --- shapes ----------------------------------------------------------------------------------- */

static bool check_x(const mx_array *x, int dims) {
    if (x->ndim < 3)
        return mx_fail(MX_INVALID,
                       "[rope] Input must have at least 3 dimensions but got input with %d "
                       "dimensions.",
                       x->ndim);
    if (!mx_dtype_is_float(mx_dtype_of(x)))
        return mx_fail(MX_INVALID, "[rope] Input must be a floating type but got %s.",
                       mx_dtype_name(mx_dtype_of(x)));
    if (dims <= 0)
        return mx_fail(MX_INVALID, "[rope] dims must be positive but got %d.", dims);
    if (dims % 2)
        return mx_fail(MX_INVALID, "[rope] dims must be even but got %d.", dims);
    return dims <= x->shape[x->ndim - 1] ||
           mx_fail(MX_INVALID,
                   "[rope] dims must not exceed the input's last dimension (%d) but got %d.",
                   x->shape[x->ndim - 1], dims);
}

static bool check_offset(const mx_array *offset, const mx_array *x) {
    char text[TEXT];
    if (offset->ndim > 1)
        return mx_fail(MX_INVALID,
                       "[rope] offset must have at most one dimension but has shape %s.",
                       mx_shape_text(text, TEXT, offset->shape, offset->ndim));
    if (offset->ndim == 1 && offset->shape[0] != 1 && offset->shape[0] != x->shape[0])
        return mx_fail(
            MX_INVALID,
            "[rope] offset must be a scalar or vector with %d elements but has shape %s.",
            x->shape[0], mx_shape_text(text, TEXT, offset->shape, offset->ndim));
    return mx_dtype_is_integer(mx_dtype_of(offset)) ||
           mx_fail(MX_INVALID, "[rope] offset must be an integer but got type %s.",
                   mx_dtype_name(mx_dtype_of(offset)));
}

static bool check_freqs(const mx_array *freqs, int dims) {
    char text[TEXT];
    return (freqs->ndim == 1 && freqs->shape[0] == dims / 2) ||
           mx_fail(MX_INVALID,
                   "[rope] freqs must be one dimensional with size %d but got shape %s.", dims / 2,
                   mx_shape_text(text, TEXT, freqs->shape, freqs->ndim));
}

static bool infer_rope(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_rope *p = params;
    (void)nout;
    if (nin != 2 + p->freqs)
        return mx_fail(MX_INVALID, "[rope] %d inputs do not fit the parameters", nin);
    if (!check_x(in[0], p->dims) || !check_offset(in[1], in[0]) ||
        (p->freqs && !check_freqs(in[2], p->dims)))
        return false;
    *out = (mx_out){mx_dtype_of(in[0]), mx_shape_of(in[0])};
    return true;
}

/* --- in simpler primitives -------------------------------------------------------------------- */

/* 1 / f, (dims / 2) */
static mx_array *inverse_freqs(const mx_p_rope *p, mx_array *freqs) {
    if (freqs)
        return mx_rdiv_s(1, mx_astype(freqs, MX_FLOAT64));
    return mx_exp(mx_mul_s(mx_arange(0, p->dims / 2, 1, MX_FLOAT64),
                           -2.0 / p->dims * log(p->base)));
}

/* The angles, (T, dims / 2) or (B, 1, ..., T, dims / 2), in float64. */
static mx_array *angles(const mx_p_rope *p, const mx_array *x, mx_array *offset, mx_array *freqs) {
    int shape[MX_MAX_NDIM], ndim = x->ndim - (offset->ndim == 0);
    shape[0] = offset->ndim ? offset->shape[0] : 1;
    for (int i = 1; i < x->ndim; i++)
        shape[i] = 1;
    mx_array *t = mx_arange(0, x->shape[x->ndim - 2], 1, MX_FLOAT64);
    mx_array *first = mx_astype(offset, MX_FLOAT64);
    if (offset->ndim)
        first = mx_reshape(first, shape, ndim);
    mx_array *position =
        mx_mul_s(mx_add(mx_expand_dim(t, 1), first), p->inverse ? -p->scale : p->scale);
    return mx_mul(position, inverse_freqs(p, freqs));
}

/* The pairs' first or second members, (..., T, dims / 2). */
static mx_array *members(const mx_p_rope *p, mx_array *x, int which) {
    int half = p->dims / 2, last = x->ndim - 1, shape[MX_MAX_NDIM];
    if (!p->traditional)
        return mx_slice_axis(x, last, which * half, (which + 1) * half);
    mx_shape s = mx_shape_of(x);
    for (int i = 0; i < last; i++)
        shape[i] = s.dim[i];
    shape[last] = half;
    shape[last + 1] = 2;
    mx_array *pairs = mx_reshape(mx_slice_axis(x, last, 0, p->dims), shape, x->ndim + 1);
    return mx_squeeze_axis(mx_slice_axis(pairs, last + 1, which, which + 1), last + 1);
}

static mx_array *joined(const mx_p_rope *p, mx_array *a, mx_array *b, mx_array *x) {
    int last = x->ndim - 1, n = x->shape[last];
    mx_array *y = p->traditional
                      ? mx_flatten(mx_stack((mx_array *[]){a, b}, 2, last + 1), last, last + 1)
                      : mx_concatenate((mx_array *[]){a, b}, 2, last);
    if (p->dims == n)
        return y;
    return mx_concatenate((mx_array *[]){y, mx_slice_axis(x, last, p->dims, n)}, 2, last);
}

static mx_array *rope_as_algebra(const mx_p_rope *p, mx_array *x, mx_array *offset,
                                 mx_array *freqs) {
    mx_dtype t = mx_dtype_of(x), wide = mx_dtype_compute(t);
    mx_array *angle = angles(p, x, offset, freqs);
    mx_array *c = mx_astype(mx_cos(angle), wide), *s = mx_astype(mx_sin(angle), wide);
    mx_array *a = mx_astype(members(p, x, 0), wide), *b = mx_astype(members(p, x, 1), wide);
    mx_array *turned_a = mx_sub(mx_mul(a, c), mx_mul(b, s));
    mx_array *turned_b = mx_add(mx_mul(a, s), mx_mul(b, c));
    if (!turned_a || !turned_b)
        return NULL;
    return joined(p, mx_astype(turned_a, t), mx_astype(turned_b, t), x);
}

static bool rope_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_rope *p = y->params;
    out[0] = rope_as_algebra(p, in[0], in[1], p->freqs ? in[2] : NULL);
    return out[0] != NULL;
}

/* --- derivatives ------------------------------------------------------------------------------ */

static mx_array *turn(const mx_node *y, mx_array *x, bool back) {
    mx_p_rope p = *(const mx_p_rope *)y->params;
    mx_array *in[3] = {x, y->in[1], p.freqs ? y->in[2] : NULL};
    p.inverse ^= back;
    return mx_apply(MX_PRIM_rope, &p, in, y->nin);
}

/* freqs that a transform watches never get here: mx_rope writes them out. */
static bool rope_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (need[0])
        grad[0] = turn(y, cot[0], true);
    return !mx_failed();
}
static bool rope_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    out[0] = tan[0] ? turn(y, tan[0], false) : NULL;
    return !mx_failed();
}

/* A batch behind axis 0 is one more axis between B and T. */
static bool rope_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                      int *out_axes) {
    for (int i = 1; i < y->nin; i++)
        if (axes[i] >= 0)
            return mx_loop_vmap(y, in, axes, n, out, out_axes);
    out[0] = turn(y, mx_moveaxis(in[0], axes[0], 1), false);
    out_axes[0] = 1;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_rope = {
    .name = "RoPE",
    .fields = rope_fields,
    .param_size = sizeof(mx_p_rope),
    .infer = infer_rope,
    .vjp = rope_vjp,
    .jvp = rope_jvp,
    .vmap = rope_vmap,
    .expand = rope_expand,
};

mx_array *mx_rope(mx_array *x, int dims, bool traditional, const double *base, double scale,
                  mx_array *offset, mx_array *freqs) {
    if (!x || !offset)
        return NULL;
    if (!base && !freqs)
        return mx_fail(MX_INVALID, "[rope] Neither base nor freqs has a value.");
    if (base && freqs)
        return mx_fail(MX_INVALID, "[rope] Only one of base or freqs can have a value.");
    mx_p_rope p = {dims, traditional, false, freqs != NULL, base ? *base : 0, scale};
    mx_array *in[3] = {x, offset, freqs ? mx_astype(freqs, MX_FLOAT32) : NULL};
    mx_out out;
    bool fused = x->dtype != MX_FLOAT64 && !(freqs && freqs->tracer); /* tables are float32 */
    if (fused || (freqs && !in[2]))
        return mx_apply(MX_PRIM_rope, &p, in, 2 + p.freqs);
    return infer_rope(&p, in, 2 + p.freqs, &out, 1) ? rope_as_algebra(&p, x, offset, in[2]) : NULL;
}
