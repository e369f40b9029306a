/* Recurrences as arrays, whole spans at once: see graph_parts.h.
 *
 *     mamba2         in  z (H P), x (H P), B (G N), C (G N), dt (H)      y_t = sum over s <= t of
 *                        (C_t . B_s) exp(A (dt_s+1 + .. + dt_t)) dt_s x_s, + D x_t
 *     gated delta    in  q (G N), k (G N), v (H P), z (H P); more: b (H), a (H)
 *     short conv     in  B (h), C (h), x (h)                             y = C conv(B x)
 *
 * H heads of P values, G groups of N keys. The convolutions see some positions back, channel by
 * channel.
 */
#include <math.h>

#include "base/status.h"
#include "models/decoder/graph_parts.h"

typedef struct input {
    mx_mixer_kind kind;
    const mx_recurrence *r;
    mx_array *in, *more;
} input;

/* --- what they share ------------------------------------------------------------------------- */

/* x (n, L, channels) */
static mx_array *convolved(const mx_recurrence *r, mx_array *x) {
    int n = x ? x->shape[1] : 0, before = r->width - 1;
    mx_array *y = r->conv_bias,
             *padded = mx_pad(x, &(int){1}, 1, &before, &(int){0}, NULL, "constant");
    for (int i = 0; i < r->width; i++) {
        mx_array *tap = mx_squeeze_axis(mx_slice_axis(r->conv, 1, i, i + 1), 1);
        mx_array *part = mx_mul(mx_slice_axis(padded, 1, i, i + n), tap);
        y = y ? mx_add(y, part) : part;
    }
    return y;
}

static mx_array *silu(mx_array *x) {
    return mx_mul(x, mx_sigmoid(x));
}

/* log(1 + exp(x)) */
static mx_array *softplus(mx_array *x) {
    return mx_logaddexp(x, mx_zero_like(x));
}

/* Some features of x, which *at counts. */
static mx_array *next(mx_array *x, int64_t *at, int64_t count) {
    *at += count;
    return dec_columns(x, *at - count, count);
}

/* y and z (n, L, H P) */
static mx_array *gated_norm(const mx_recurrence *r, mx_array *y, mx_array *z) {
    mx_array *gate = silu(z);
    if (!r->gate_after_norm)
        y = mx_mul(y, gate);
    if (r->norm_groups > 1) {
        // the weight is of all groups, or the same for each
        mx_norm plain = r->norm;
        bool each = plain.weight && plain.weight->size * r->norm_groups == y->shape[y->ndim - 1];
        plain.weight = each ? plain.weight : NULL;
        mx_array *all = mx_flatten(dec_normed(&plain, dec_heads(y, r->norm_groups)), -2, -1);
        y = each || !r->norm.weight ? all : mx_mul(all, r->norm.weight);
    } else {
        y = dec_normed(&r->norm, y);
    }
    return r->gate_after_norm ? mx_mul(y, gate) : y;
}

/* --- mamba2 ---------------------------------------------------------------------------------- */

static mx_array *time_steps(const mx_recurrence *r, mx_array *dt) {
    dt = softplus(mx_add(dt, r->dt_bias));
    return mx_clip(dt, mx_scalar(r->dt_least, MX_FLOAT32), mx_scalar(r->dt_most, MX_FLOAT32));
}

/* exp(sum of steps s+1 .. t) below the diagonal, 0 above. steps (n, L, H): (n, H, L, L) */
static mx_array *decays(mx_array *steps) {
    mx_array *sum = mx_swapaxes(mx_scan(MX_CUMSUM, steps, 1, false, true), 1, 2);
    mx_array *between = mx_sub(mx_expand_dim(sum, -1), mx_expand_dim(sum, -2));
    int n = sum ? sum->shape[2] : 0;
    mx_array *past = mx_tri(n, n, 0, MX_BOOL);
    return mx_exp(mx_where(past, between, mx_scalar(-INFINITY, MX_FLOAT32)));
}

/* (n, L, G, N) as (n, H, L, N) */
static mx_array *for_heads(const mx_recurrence *r, mx_array *x) {
    return mx_swapaxes(mx_repeat(dec_heads(x, r->groups), r->heads / r->groups, 2), 1, 2);
}

static mx_array *mamba2(const mx_recurrence *r, mx_array *in) {
    int64_t inner = (int64_t)r->heads * r->value_dim, keys = (int64_t)r->groups * r->key_dim,
            at = 0;
    mx_array *z = next(in, &at, inner);
    mx_array *all = silu(convolved(r, next(in, &at, inner + 2 * keys)));
    mx_array *dt = time_steps(r, next(in, &at, r->heads));
    at = 0;
    mx_array *x = dec_heads(next(all, &at, inner), r->heads);
    mx_array *b = for_heads(r, next(all, &at, keys)), *c = for_heads(r, next(all, &at, keys));
    mx_array *decay = decays(mx_mul(dt, mx_negative(mx_exp(r->a_log))));
    mx_array *weight = mx_mul(mx_matmul(c, mx_swapaxes(b, -1, -2)), decay);
    mx_array *moved = mx_swapaxes(mx_mul(x, mx_expand_dim(dt, -1)), 1, 2);
    mx_array *y = mx_swapaxes(mx_matmul(weight, moved), 1, 2);
    if (r->d)
        y = mx_add(y, mx_mul(x, mx_expand_dim(r->d, -1)));
    return gated_norm(r, mx_flatten(y, -2, -1), z);
}

/* --- gated delta ----------------------------------------------------------------------------- */

static mx_array *unit(mx_array *x) {
    mx_array *sum = mx_sum(mx_square(x), &(int){-1}, 1, true);
    return mx_mul(x, mx_rsqrt(mx_add_s(sum, 1e-6)));
}

static mx_array *gated_delta(const mx_recurrence *r, mx_array *in, mx_array *more) {
    int64_t keys = (int64_t)r->groups * r->key_dim, values = (int64_t)r->heads * r->value_dim,
            at = 0;
    mx_array *all = silu(convolved(r, next(in, &at, 2 * keys + values))),
             *z = next(in, &at, values);
    at = 0;
    mx_array *q = unit(dec_heads(next(all, &at, keys), r->groups));
    mx_array *k = unit(dec_heads(next(all, &at, keys), r->groups));
    mx_array *v = dec_heads(next(all, &at, values), r->heads), *y[2];
    mx_array *beta = mx_sigmoid(dec_columns(more, 0, r->heads));
    mx_array *rate = softplus(mx_add(dec_columns(more, r->heads, r->heads), r->dt_bias));
    mx_array *gamma = mx_exp(mx_mul(rate, mx_negative(mx_exp(r->a_log))));
    q = mx_mul_s(q, 1 / sqrt((double)r->key_dim));
    return mx_gated_delta_update(q, k, v, gamma, beta, NULL, NULL, y)
               ? gated_norm(r, mx_flatten(y[0], -2, -1), z)
               : NULL;
}

/* --- short convolutions ---------------------------------------------------------------------- */

static mx_array *short_conv(const mx_recurrence *r, mx_array *in) {
    int64_t h = in ? in->shape[in->ndim - 1] / 3 : 0;
    mx_array *x = mx_mul(dec_columns(in, 0, h), dec_columns(in, 2 * h, h));
    return mx_mul(dec_columns(in, h, h), convolved(r, x));
}

/* --- the whole ------------------------------------------------------------------------------- */

static mx_array *one_batch(void *payload, const dec_batch *b) {
    const input *i = payload;
    mx_array *in = dec_batch_of(b, i->in), *more = i->more ? dec_batch_of(b, i->more) : NULL;
    switch (i->kind) {
    case MX_MIXER_MAMBA2: return mamba2(i->r, in);
    case MX_MIXER_GATED_DELTA: return gated_delta(i->r, in, more);
    case MX_MIXER_SHORT_CONV: return short_conv(i->r, in);
    case MX_MIXER_ATTENTION: break;
    }
    return mx_fail(MX_INTERNAL, "[model] a recurrence that is none");
}

mx_rows *dec_graph_recur(mx_machine *m, mx_mixer_kind kind, const mx_recurrence *r, int64_t layer,
                         mx_rows *in, mx_rows *more) {
    input i = {kind, r, dec_array(in), dec_array(more)};
    (void)layer;
    return dec_as_rows(dec_each_batch(m->pass, one_batch, &i));
}
