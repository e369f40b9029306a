/* Cases: small networks. They go through every check of a row and every triple of transforms. */
#include "op_cases.h"

#include "ops/conv/conv.h"

#define INTS_OF(n) ((mx_ints){1, (const int[]){n}})

static mx_array *linear(mx_array *x, mx_array *w) { /* w (out, in) */
    return mx_matmul(x, mx_transpose(w));
}
static mx_array *part(mx_array *a, int i, int n) { /* the i-th n of the last axis */
    return mx_slice_axis(a, -1, i * n, (i + 1) * n);
}
static mx_array *gelu(mx_array *x) {
    return mx_mul(mx_mul_s(x, 0.5), mx_add_s(mx_erf(mx_mul_s(x, 0.70710678118654752)), 1));
}

/* Cross entropy of an MLP: x (N,4), w1 (6,4), w2 (3,6), classes (N). */
static mx_array *mlp_loss(mx_array *const *in) {
    mx_array *h = mx_tanh(linear(in[0], in[1])), *logits = linear(h, in[2]);
    mx_array *score = mx_take_along_axis(logits, mx_expand_dim(in[3], -1), -1);
    return mx_sub(mx_logsumexp(logits, LIST(-1), false), mx_squeeze_axis(score, -1));
}

/* A layer with dropout's mask: x (N,4), w (5,4), bias (5), mask (N,5). */
static mx_array *masked_layer(mx_array *const *in) {
    mx_array *y =
        mx_maximum(mx_addmm(in[2], in[0], mx_transpose(in[1]), 1, 1), mx_zero_like(in[0]));
    return mx_where(in[3], mx_mul_s(y, 2), mx_zero_like(y));
}

/* Self-attention by hand: x (N,3,4), qkv (12,4), out (4,4), the norm's weight (4). */
static mx_array *attention_block(mx_array *const *in) {
    mx_array *p = linear(mx_layer_norm(in[0], in[3], NULL, 1e-5), in[1]);
    mx_array *s = mx_mul_s(mx_matmul(part(p, 0, 4), mx_swapaxes(part(p, 1, 4), -1, -2)), 0.5);
    s = mx_where(mx_tri(3, 3, 0, MX_BOOL), s, mx_mul_s(mx_one_like(s), -1e9));
    return mx_add(in[0], linear(mx_matmul(mx_softmax(s, LIST(-1), true), part(p, 2, 4)), in[2]));
}

static mx_array *heads(mx_array *a) { /* (N,3,8) -> (N,2,3,4) */
    return mx_swapaxes(mx_unflatten(a, -1, LIST(2, 4)), 1, 2);
}

/* A transformer's block with rope and fused attention: x (N,3,8), qkv (24,8), w (8,8), weight
   (8). */
static mx_array *transformer_block(mx_array *const *in) {
    static const double base = 100;
    mx_array *p = linear(mx_rms_norm(in[0], in[3], 1e-5), in[1]), *zero = mx_scalar(0, MX_INT32);
    mx_array *q = mx_rope(heads(part(p, 0, 8)), 4, false, &base, 1, zero, NULL);
    mx_array *k = mx_rope(heads(part(p, 1, 8)), 4, false, &base, 1, zero, NULL);
    mx_array *y = mx_attention(q, k, heads(part(p, 2, 8)), 0.5, "causal", NULL, NULL);
    return mx_add(in[0], gelu(linear(mx_flatten(mx_swapaxes(y, 1, 2), -2, -1), in[2])));
}

/* x (N,3,2), wx (12,2), wh (12,3), bias (12): three steps, the last state. */
static mx_array *lstm(mx_array *const *in) {
    mx_array *x = in[0],
             *h = mx_zeros_like(mx_slice_axis(linear(mx_slice_axis(x, 1, 0, 1), in[1]), -1, 0, 3));
    mx_array *c = h = mx_squeeze_axis(h, 1);
    for (int t = 0; t < 3; t++) {
        mx_array *xt = mx_squeeze_axis(mx_slice_axis(x, 1, t, t + 1), 1);
        mx_array *g = mx_add(mx_add(linear(xt, in[1]), linear(h, in[2])), in[3]);
        mx_array *i = mx_sigmoid(part(g, 0, 3)), *f = mx_sigmoid(part(g, 1, 3));
        c = mx_add(mx_mul(f, c), mx_mul(i, mx_tanh(part(g, 2, 3))));
        h = mx_mul(mx_sigmoid(part(g, 3, 3)), mx_tanh(c));
    }
    return mx_concatenate((mx_array *[]){h, c}, 2, -1);
}

/* x (N,6,6,2), kernel (3,3,3,2), w (4,27), bias (3): convolution, mean pooling by 2 with an edge,
   dense. */
static mx_array *convolutional(mx_array *const *in) {
    mx_array *y = mx_add(mx_conv(in[0], in[1], INTS_OF(1), INTS_OF(1), INTS_OF(1), 1), in[3]);
    y = mx_mul(y, mx_sigmoid(y));
    y = mx_mean(mx_unflatten(mx_unflatten(y, 1, LIST(3, 2)), 3, LIST(3, 2)), LIST(2, 4), false);
    return linear(mx_flatten(y, 1, -1), in[2]);
}

/* Layer norm by hand and its own primitive, one over the other: x (N,5), weight, bias. */
static mx_array *norms(mx_array *const *in) {
    mx_array *x = in[0], *m = mx_sub(x, mx_mean(x, LIST(-1), true));
    mx_array *y = mx_mul(m, mx_rsqrt(mx_add_s(mx_var(x, LIST(-1), true, 0), 1e-5)));
    return mx_layer_norm(mx_add(mx_mul(y, in[1]), in[2]), in[1], in[2], 1e-5);
}

/* The mean of the words of each row, weighed by a softmax: tokens (N,4), table (7,3), query (3). */
static mx_array *bag_of_words(mx_array *const *in) {
    mx_array *e = mx_take(in[1], in[0], 0),
             *score = mx_softmax(mx_matmul(e, in[2]), LIST(-1), true);
    return mx_squeeze_axis(mx_matmul(mx_expand_dim(score, -2), e), -2);
}

/* A mixture of two experts, the better one taken: x (N,3), gate (2,3), experts (2,3,3). */
static mx_array *mixture(mx_array *const *in) {
    mx_array *p = mx_softmax(linear(in[0], in[1]), LIST(-1), true);
    mx_array *best = mx_stop_gradient(mx_arg_reduce(true, p, -1, false));
    mx_array *w = mx_take(in[2], best, 0), *y = mx_matmul(w, mx_expand_dim(in[0], -1));
    return mx_mul(mx_squeeze_axis(y, -1), mx_take_along_axis(p, mx_expand_dim(best, -1), -1));
}

/* The gated delta rule: q and k (N,3,1,6), v (N,3,2,2), gates (N,3,2,2), the first state
   (N,2,2,3). */
static mx_array *delta(mx_array *const *in, mx_array *mask, int which) {
    mx_array *gates = mx_sigmoid(in[2]), *out[2] = {NULL};
    mx_array *gamma = mx_squeeze_axis(part(gates, 0, 1), -1),
             *beta = mx_squeeze_axis(part(gates, 1, 1), -1);
    bool ok = mx_gated_delta_update(part(in[0], 0, 3), part(in[0], 1, 3), in[1], gamma, beta, in[3],
                                    mask, out);
    return ok ? out[which] : NULL;
}
static mx_array *delta_output(mx_array *const *in) {
    return delta(in, NULL, 0);
}
static mx_array *delta_masked_state(mx_array *const *in) {
    return delta(in, mx_less(mx_arange(0, 3, 1, MX_INT32), mx_scalar(2, MX_INT32)), 1);
}
/* The same state without the masked step. */
static mx_array *delta_shorter(mx_array *const *in) {
    mx_array *less[4] = {mx_slice_axis(in[0], 1, 0, 2), mx_slice_axis(in[1], 1, 0, 2),
                         mx_slice_axis(in[2], 1, 0, 2), in[3]};
    return less[0] && less[1] && less[2] ? delta(less, NULL, 1) : NULL;
}

#define IN(nd, ...)        {nd, {__VA_ARGS__}, -1, 1, false, false}
#define POSITIVE(n)        {1, {n}, 0.5, 1.5, false, false}
#define INDEX(nd, hi, ...) {nd, {__VA_ARGS__}, 0, hi, true, false}
#define MASK(nd, ...)      {nd, {__VA_ARGS__}, -1, 1, false, true}
#define NET(name, f, flags, ...)                          \
    {                                                     \
        name, f, NULL, NULL, LOOSE | NO_HALF | (flags), { \
            __VA_ARGS__                                   \
        }                                                 \
    }

const op_case op_cases_composite[] = {
    NET("mlp", mlp_loss, NO_EMPTY, IN(2, N, 4), IN(2, 6, 4), IN(2, 3, 6), INDEX(1, 2, N)),
    NET("masked layer", masked_layer, 0, IN(2, N, 4), IN(2, 5, 4), IN(1, 5), MASK(2, N, 5)),
    NET("attention block", attention_block, 0, IN(3, N, 3, 4), IN(2, 12, 4), IN(2, 4, 4),
        POSITIVE(4)),
    NET("transformer block", transformer_block, 0, IN(3, N, 3, 8), IN(2, 24, 8), IN(2, 8, 8),
        POSITIVE(8)),
    NET("lstm", lstm, 0, IN(3, N, 3, 2), IN(2, 12, 2), IN(2, 12, 3), IN(1, 12)),
    NET("convolutional", convolutional, 0, IN(4, N, 6, 6, 2), IN(4, 3, 3, 3, 2), IN(2, 4, 27),
        IN(1, 3)),
    NET("norms", norms, 0, IN(2, N, 5), POSITIVE(5), IN(1, 5)),
    NET("bag of words", bag_of_words, 0, INDEX(2, 6, N, 4), IN(2, 7, 3), IN(1, 3)),
    NET("mixture", mixture, NO_EMPTY, IN(2, N, 3), IN(2, 2, 3), IN(3, 2, 3, 3)),
    NET("gated delta", delta_output, 0, IN(4, N, 3, 1, 6), IN(4, N, 3, 2, 2), IN(4, N, 3, 2, 2),
        IN(4, N, 2, 2, 3)),
    {"gated delta, masked",
     delta_masked_state,
     NULL,
     delta_shorter,
     LOOSE | NO_HALF,
     {IN(4, N, 3, 1, 6), IN(4, N, 3, 2, 2), IN(4, N, 3, 2, 2), IN(4, N, 2, 2, 3)}},
    {0},
};
