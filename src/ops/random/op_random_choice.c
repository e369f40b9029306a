/* Categorical numbers: which of several things, with the probabilities softmax(logits).
 *
 *     many distributions   the largest of logits plus Gumbel noise, of which there is as much as
 *                          there are logits for every sample; one step makes it and looks at it
 *                          piece by piece
 *     one distribution     the inverse of its cumulative sums, at one uniform number a sample; but
 *                          a single sample without an axis is taken in the other way, as MLX does
 */
#include <math.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "ops/random/random.h"
#include "ops/rules.h"

static bool logits_axis(const mx_array *logits, int *axis) {
    if (!logits)
        return false;
    if (*axis < -logits->ndim || *axis >= logits->ndim)
        return mx_fail(MX_RANGE, "[categorical] Invalid axis %d for logits with %d dimensions.",
                       *axis, logits->ndim);
    *axis += *axis < 0 ? logits->ndim : 0;
    return true;
}

/* --- one distribution ------------------------------------------------------------------------- */

/* exp(x - max), where the largest is infinite 1 for those that are as large. */
static mx_array *weights_of(mx_array *x) {
    mx_array *most = mx_reduce(MX_MAX, x, NULL, 0, false);
    mx_array *endless = mx_isinf(most), *largest = mx_astype(mx_equal(x, most), MX_FLOAT32);
    return mx_where(endless, largest, mx_exp(mx_sub(x, most)));
}

enum { FEW = 8 };

/* How many of the ascending sums are not above each place. Few samples count them, which is one
   pass over the sums; many search. */
static mx_array *count_below(mx_array *sums, mx_array *places) {
    if (places && places->size > FEW)
        return mx_searchsorted(sums, places, true);
    mx_array *below = mx_less_equal(sums, mx_expand_dim(places, -1));
    return mx_astype(mx_sum_axis(below, -1, false), MX_UINT32);
}

static mx_array *by_inverse(mx_array *logits, const int *shape, int ndim, mx_array *key) {
    // a shape in numbers: a trace of one distribution is refused where there are several
    int n = (int)logits->size;
    mx_array *w = weights_of(mx_astype(mx_reshape(logits, &n, 1), MX_FLOAT32));
    mx_array *sums = w ? mx_scan(MX_CUMSUM, w, 0, false, false) : NULL;
    mx_array *places = mx_mul(mx_random_unit(shape, ndim, MX_FLOAT32, key), mx_sum_all(w));
    mx_array *count = sums ? count_below(sums, places) : NULL;
    // NaN are above everything; then there is none below
    return count ? mx_sub(mx_maximum(count, mx_one_like(count)), mx_one_like(count)) : NULL;
}

/* --- many ------------------------------------------------------------------------------------- */

/* With the noise as an array: for logits of 64 bits, and keys of which there are several (...,
   2). */
static mx_array *in_steps(mx_array *logits, const mx_p_categorical *p, mx_array *keys, int axis) {
    mx_p_random_bits words = {p->noise, 4};
    mx_trace_pin("RandomBits");
    mx_array *noise = mx_random_gumbel_of(mx_apply1(MX_PRIM_random_bits, &words, keys), MX_FLOAT32);
    return mx_arg_reduce(true, mx_add(logits, noise), axis, false);
}

static mx_array *by_noise(mx_array *logits, const int *noise, int ndim, int axis, mx_array *key) {
    mx_p_categorical p = {{ndim, noise}, axis};
    mx_dtype t = mx_dtype_of(logits);
    key = key ? key : mx_random_next_key();
    if (!key || !mx_random_is_key(key))
        return NULL;
    if (noise[axis] == 0 || t == MX_FLOAT64 || t == MX_COMPLEX64)
        return in_steps(logits, &p, key, axis);
    return mx_apply2(MX_PRIM_categorical, &p, mx_astype(logits, MX_FLOAT32), key);
}

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)nin, (void)nout;
    const mx_p_categorical *p = params;
    int64_t size;
    if (!mx_random_fits("categorical", in[0], p->noise.v, p->noise.n) ||
        !mx_shape_size(p->noise.v, p->noise.n, sizeof(float), &size))
        return false;
    out->dtype = MX_UINT32;
    for (int i = 0; i < p->noise.n; i++)
        if (i != p->axis)
            out->shape.dim[out->shape.ndim++] = p->noise.v[i];
    return true;
}

static bool expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_categorical *p = y->params;
    return (out[0] = in_steps(in[0], p, in[1], p->axis)) != NULL;
}

/* The batch in front of the noise's axes. */
static mx_array *spread(mx_array *logits, int axis, int ndim) {
    mx_array *x = mx_batch_front(logits, axis);
    while (x && x->ndim < ndim + 1)
        x = mx_expand_dim(x, 1);
    return x;
}

static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    (void)n;
    const mx_p_categorical *p = y->params;
    mx_array *x = axes[0] < 0 ? in[0] : spread(in[0], axes[0], p->noise.n);
    mx_array *keys = axes[1] < 0 ? in[1] : mx_batch_front(in[1], axes[1]);
    out[0] = in_steps(x, p, keys, p->axis + 1);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field fields[] = {MX_FIELD(mx_p_categorical, noise, INTS),
                                  MX_FIELD(mx_p_categorical, axis, INT), MX_FIELD_END};

const mx_prim_desc mx_desc_categorical = {
    .name = "Categorical",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = fields,
    .param_size = sizeof(mx_p_categorical),
    .infer = infer,
    .expand = expand,
    .vmap = vmap,
};

/* Samples of `shape`; noise has logits->shape[axis] more, as axis `at`. */
static mx_array *sample(mx_array *logits, int axis, const int *shape, int ndim, int at,
                        mx_array *key) {
    int noise[MX_MAX_NDIM + 1], n = logits->shape[axis];
    int64_t count = 1;
    bool empty = false;
    for (int i = 0; i < ndim; i++)
        empty |= shape[i] == 0;
    if (n > 0 && empty && mx_shape_size(shape, ndim, 1, &count))
        return mx_zeros(shape, ndim, MX_UINT32);
    if (logits->size == n && ndim > 0 && n > 1)
        return by_inverse(logits, shape, ndim, key);
    for (int i = 0; i <= ndim; i++)
        noise[i] = i < at ? shape[i] : i == at ? n : shape[i - 1];
    return by_noise(logits, noise, ndim + 1, at, key);
}

/* The shape without an axis. */
static int without(const mx_array *logits, int axis, int *rest) {
    int k = 0;
    for (int i = 0; i < logits->ndim; i++)
        if (i != axis)
            rest[k++] = logits->shape[i];
    return k;
}

mx_array *mx_random_categorical(mx_array *logits, int axis, mx_array *key) {
    int rest[MX_MAX_NDIM];
    if (!logits_axis(logits, &axis))
        return NULL;
    return sample(logits, axis, rest, without(logits, axis, rest), axis, key);
}

mx_array *mx_random_categorical_shape(mx_array *logits, int axis, const int *shape, int ndim,
                                      mx_array *key) {
    int rest[MX_MAX_NDIM];
    mx_shape s;
    if (!logits_axis(logits, &axis))
        return NULL;
    int k = without(logits, axis, rest);
    if (!mx_broadcast_shapes("broadcast_shapes", shape, ndim, rest, k, &s))
        return NULL;
    if (ndim < k || ndim >= MX_MAX_NDIM)
        return mx_fail(MX_INVALID,
                       "[categorical] a requested shape of %d dimensions for logits with %d.", ndim,
                       logits->ndim);
    return sample(logits, axis, shape, ndim, axis + ndim - k, key);
}

mx_array *mx_random_categorical_samples(mx_array *logits, int axis, int samples, mx_array *key) {
    int shape[MX_MAX_NDIM + 1];
    if (!logits_axis(logits, &axis))
        return NULL;
    if (samples < 0 || logits->ndim >= MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[categorical] cannot draw %d samples.", samples);
    int k = without(logits, axis, shape);
    shape[k] = samples;
    mx_array *wide = mx_expand_dim(logits, -1);
    return wide ? sample(wide, axis, shape, k + 1, axis, key) : NULL;
}
