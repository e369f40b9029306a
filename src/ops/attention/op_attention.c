/* Scaled dot product attention, softmax(scale q k' + mask) v, in one primitive.
 *
 *     q (B, H, Lq, D)  k (B, Hk, Lk, D)  v (B, Hk, Lk, Dv)  ->  (B, H, Lq, Dv); H a multiple of Hk
 *     mask    broadcasts to (B, H, Lq, Lk): bool, true takes part; else it is added to the scores
 *     causal  query i sees keys 0 .. i + Lk - Lq
 *     sinks   (H): one more score a row that has no value
 *
 * Where nothing takes part all scores are the least finite number, so the result is the mean of v.
 * The derivative goes through the expansion: the scores are computed again, not kept.
 */
#include <float.h>
#include <string.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

#define NAME "[scaled_dot_product_attention] "
enum { TEXT = 256 };

static const mx_field attention_fields[] = {
    MX_FIELD(mx_p_attention, scale, DOUBLE), MX_FIELD(mx_p_attention, causal, BOOL),
    MX_FIELD(mx_p_attention, mask, BOOL), MX_FIELD(mx_p_attention, sinks, BOOL), MX_FIELD_END};

/* --- shapes ----------------------------------------------------------------------------------- */

static bool check_ranks(mx_array *const *qkv) {
    char a[TEXT], b[TEXT];
    for (int i = 0; i < 3; i++)
        if (qkv[i]->ndim != 4)
            return mx_fail(MX_INVALID, NAME "input with shape %s expected to be rank 4",
                           mx_shape_text(a, TEXT, qkv[i]->shape, qkv[i]->ndim));
    const int *q = qkv[0]->shape, *k = qkv[1]->shape, *v = qkv[2]->shape;
    for (int i = 1; i < 3; i++)
        if (qkv[i]->shape[0] != q[0])
            return mx_fail(MX_INVALID, NAME "mismatching batch dimension for input with shape %s.",
                           mx_shape_text(a, TEXT, qkv[i]->shape, 4));
    if (q[3] != k[3])
        return mx_fail(MX_INVALID,
                       NAME
                       "query, keys expected to have matching last dimension; found query shape "
                       "%s for keys shape %s.",
                       mx_shape_text(a, TEXT, q, 4), mx_shape_text(b, TEXT, k, 4));
    if (k[1] != v[1])
        return mx_fail(MX_INVALID,
                       NAME "keys, values expected to have matching n_kv_heads; found keys with "
                            "n_heads %d for values with n_heads %d.",
                       k[1], v[1]);
    if (k[2] != v[2])
        return mx_fail(MX_INVALID,
                       NAME
                       "keys, values expected to have one length; found keys shape %s for values "
                       "shape %s.",
                       mx_shape_text(a, TEXT, k, 4), mx_shape_text(b, TEXT, v, 4));
    return (k[1] > 0 && q[1] % k[1] == 0) || (k[1] == 0 && q[1] == 0) ||
           mx_fail(MX_INVALID,
                   NAME
                   "n_heads must be a multiple of n_kv_heads, found n_heads %d for n_kv_heads %d.",
                   q[1], k[1]);
}

static bool check_mask(const mx_array *mask, mx_dtype t, const int *scores) {
    char text[TEXT];
    mx_shape s;
    if (mask->ndim > 4)
        return mx_fail(MX_INVALID, NAME "the mask with shape %s expected to have at most rank 4.",
                       mx_shape_text(text, TEXT, mask->shape, mask->ndim));
    if (mask->dtype != MX_BOOL && mx_dtype_promote(mx_dtype_of(mask), t) != t)
        return mx_fail(MX_INVALID, NAME "Mask type must promote to output type %s.",
                       mx_dtype_name(t));
    if (!mx_broadcast_shapes("broadcast_shapes", mask->shape, mask->ndim, scores, 4, &s))
        return false;
    return memcmp(s.dim, scores, 4 * sizeof *scores) == 0 ||
           mx_fail(MX_INVALID, NAME "the mask with shape %s does not broadcast to the scores.",
                   mx_shape_text(text, TEXT, mask->shape, mask->ndim));
}

static bool check_sinks(const mx_array *sinks, const mx_array *q) {
    char text[TEXT];
    mx_dtype t = mx_dtype_of(q);
    if (mx_dtype_promote(mx_dtype_of(sinks), t) != t)
        return mx_fail(MX_INVALID, NAME "Type of sinks must promote to output type %s.",
                       mx_dtype_name(t));
    return (sinks->ndim == 1 && sinks->shape[0] == q->shape[1]) ||
           mx_fail(MX_INVALID, NAME "Received invalid shape for sinks %s.",
                   mx_shape_text(text, TEXT, sinks->shape, sinks->ndim));
}

static bool infer_attention(const void *params, mx_array *const *in, int nin, mx_out *out,
                            int nout) {
    const mx_p_attention *p = params;
    mx_dtype t = mx_dtype_of(in[0]);
    (void)nout;
    if (nin != 3 + p->mask + p->sinks)
        return mx_fail(MX_INVALID, NAME "%d inputs do not fit the parameters", nin);
    if (!check_ranks(in))
        return false;
    if (!mx_dtype_is_float(t) || in[1]->dtype != t || in[2]->dtype != t)
        return mx_fail(MX_INVALID, NAME "Received unsupported type %s.", mx_dtype_name(t));
    const int scores[4] = {in[0]->shape[0], in[0]->shape[1], in[0]->shape[2], in[1]->shape[2]};
    if ((p->mask && !check_mask(in[3], t, scores)) ||
        (p->sinks && !check_sinks(in[3 + p->mask], in[0])))
        return false;
    out->dtype = t;
    out->shape = (mx_shape){4, {scores[0], scores[1], scores[2], in[2]->shape[3]}};
    return true;
}

/* --- in simpler primitives -------------------------------------------------------------------- */

/* (B, H, ...) with the heads as (groups of one key head, members): (B, Hk, H / Hk, ...) */
static mx_array *grouped(mx_array *a, int key_heads, int members) {
    if (!a)
        return NULL;
    int shape[5] = {a->shape[0], key_heads, members, a->shape[2], a->shape[3]};
    if (a->shape[1] == 1)
        shape[1] = shape[2] = 1;
    return mx_reshape(a, shape, 5);
}

static mx_array *four_axes(mx_array *a) {
    while (a && a->ndim < 4)
        a = mx_expand_dim(a, 0);
    return a;
}

static mx_array *causal_mask(int lq, int lk) {
    mx_array *i = mx_expand_dim(mx_arange(lk - lq, lk, 1, MX_INT32), 1);
    return mx_greater_equal(i, mx_arange(0, lk, 1, MX_INT32));
}

static double least(mx_dtype t) {
    return t == MX_FLOAT64    ? -DBL_MAX
           : t == MX_FLOAT16  ? -65504.0
           : t == MX_BFLOAT16 ? -0x1.fep127
                              : -(double)FLT_MAX;
}

static mx_array *masked(mx_array *scores, mx_array *mask) {
    if (!mask || !scores)
        return NULL;
    if (mask->dtype != MX_BOOL)
        return mx_add(scores, mx_astype(mask, mx_dtype_of(scores)));
    return mx_where(mask, scores, mx_scalar(least(mx_dtype_of(scores)), mx_dtype_of(scores)));
}

/* The softmax of scores (B, Hk, G, Lq, Lk) with one more score in front that is dropped again. */
static mx_array *softmax_with_sinks(mx_array *scores, mx_array *sinks) {
    if (!scores || !sinks)
        return NULL;
    const int *s = scores->shape, one[5] = {s[0], s[1], s[2], s[3], 1}, n = s[4];
    mx_array *column =
        mx_reshape(mx_astype(sinks, mx_dtype_of(scores)), (int[]){1, s[1], s[2], 1, 1}, 5);
    mx_array *all[2] = {mx_broadcast_to(column, one, 5), scores};
    return mx_slice_axis(mx_softmax(mx_concatenate(all, 2, 4), (int[]){-1}, 1, true), 4, 1, n + 1);
}

static mx_array *attention_as_algebra(const mx_p_attention *p, mx_array *const *in) {
    mx_array *q = in[0], *k = in[1], *v = in[2];
    int hk = k->shape[1], members = hk ? q->shape[1] / hk : 1;
    int shape[4] = {q->shape[0], q->shape[1], q->shape[2], v->shape[3]};
    mx_array *keys = mx_swapaxes(mx_expand_dim(k, 2), -1, -2);
    mx_array *scores = mx_matmul(grouped(mx_mul_s(q, p->scale), hk, members), keys);
    if (p->causal)
        scores = masked(scores, causal_mask(q->shape[2], k->shape[2]));
    if (p->mask)
        scores = masked(scores, grouped(four_axes(in[3]), hk, members));
    scores = p->sinks ? softmax_with_sinks(scores, in[3 + p->mask])
                      : mx_softmax(scores, (int[]){-1}, 1, true);
    return mx_reshape(mx_matmul(scores, mx_expand_dim(v, 2)), shape, 4);
}

static bool attention_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    out[0] = attention_as_algebra(y->params, in);
    return out[0] != NULL;
}

/* --- batching --------------------------------------------------------------------------------- */

/* (n, B, ...) as (n B, ...) */
static mx_array *folded(mx_array *a, int axis, int n) {
    a = mx_batch_front_full(a, axis, n);
    return a ? mx_flatten(a, 0, 1) : NULL;
}

/* A mask whose own batch axis is there in full, so that it can be folded. */
static mx_array *folded_mask(mx_array *mask, int axis, int n, int batch) {
    int shape[5];
    mask = mx_batch_front_full(mask, axis, n);
    while (mask && mask->ndim < 5)
        mask = mx_expand_dim(mask, 1);
    if (!mask)
        return NULL;
    memcpy(shape, mask->shape, sizeof shape);
    shape[1] = batch;
    return mx_flatten(mx_broadcast_to(mask, shape, 5), 0, 1);
}

static bool attention_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                           mx_array **out, int *out_axes) {
    const mx_p_attention *p = y->params;
    int batch = y->in[0]->shape[0];
    mx_array *arg[5];
    mx_trace_pin("ScaledDotProductAttention");
    if (p->sinks && axes[3 + p->mask] >= 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    for (int i = 0; i < 3; i++)
        arg[i] = folded(in[i], axes[i], n);
    if (p->mask)
        arg[3] = folded_mask(in[3], axes[3], n, batch);
    if (p->sinks)
        arg[3 + p->mask] = in[3 + p->mask];
    mx_array *r = mx_apply(MX_PRIM_attention, p, arg, y->nin);
    out[0] = r ? mx_unflatten(r, 0, (int[]){n, batch}, 2) : NULL;
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_attention = {
    .name = "ScaledDotProductAttention",
    .fields = attention_fields,
    .param_size = sizeof(mx_p_attention),
    .infer = infer_attention,
    .vmap = attention_vmap,
    .expand = attention_expand,
};

/* --- the operation ---------------------------------------------------------------------------- */

static bool check_mode(const char *mode, const mx_array *mask) {
    bool causal = strcmp(mode, "causal") == 0;
    if (*mode && !causal && strcmp(mode, "array") != 0)
        return mx_fail(MX_INVALID, NAME "invalid mask option '%s'. Must be 'causal', or an array.",
                       mode);
    if (causal && mask)
        return mx_fail(MX_INVALID, NAME "an array mask cannot be given with mask mode 'causal'");
    if (strcmp(mode, "array") == 0 && !mask)
        return mx_fail(MX_INVALID, NAME "mask mode 'array' needs a mask");
    return true;
}

mx_array *mx_attention(mx_array *q, mx_array *k, mx_array *v, double scale, const char *mask_mode,
                       mx_array *mask, mx_array *sinks) {
    mx_out out;
    mask_mode = mask_mode ? mask_mode : "";
    if (!q || !k || !v || !check_mode(mask_mode, mask))
        return NULL;
    mx_dtype t = mx_dtype_promote(mx_dtype_of(q), mx_dtype_promote(mx_dtype_of(k), mx_dtype_of(v)));
    mx_p_attention p = {scale, strcmp(mask_mode, "causal") == 0, mask != NULL, sinks != NULL};
    mx_array *in[5] = {mx_astype(q, t), mx_astype(k, t), mx_astype(v, t)};
    int nin = 3 + p.mask + p.sinks;
    if (p.mask)
        in[3] = mask;
    if (p.sinks)
        in[3 + p.mask] = sinks;
    for (int i = 0; i < nin; i++)
        if (!in[i])
            return NULL;
    if (!infer_attention(&p, in, nin, &out, 1))
        return NULL;
    if (p.mask && mask->dtype != MX_BOOL)
        in[3] = mx_astype(mask, t);
    if (p.sinks)
        in[3 + p.mask] = mx_astype(sinks, t);
    if (t == MX_FLOAT64) /* no backend fuses it */
        return attention_as_algebra(&p, in);
    return mx_apply(MX_PRIM_attention, &p, in, nin);
}
