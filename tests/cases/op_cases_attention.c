/* Cases: norms, rope, attention. */
#include <math.h>

#include "op_cases.h"

/* a (N,3,4), b and c (4) */
static mx_array *mean(mx_array *a) {
    return mx_mean(a, LIST(-1), true);
}
CASE(rms_norm, mx_rms_norm(a, b, 1e-3))
CASE(rms_by_hand, mx_mul(mx_mul(a, mx_rsqrt(mx_add_s(mean(mx_square(a)), 1e-3))), b))
CASE(layer_norm, mx_layer_norm(a, b, c, 1e-3))
static mx_array *centred(mx_array *a) {
    return mx_sub(a, mean(a));
}
CASE(layer_by_hand,
     mx_add(mx_mul(mx_mul(centred(a), mx_rsqrt(mx_add_s(mean(mx_square(centred(a))), 1e-3))), b),
            c))
CASE(plain_norm, mx_layer_norm(a, NULL, NULL, 1e-3))

/* a (N,2,3,4): the first and second half, or even and odd elements, turn by position times
   frequency */
static const double base = 100;
CASE(rope, mx_rope(a, 4, false, &base, 0.5, mx_scalar(2, MX_INT32), NULL))
CASE(rope_traditional, mx_rope(a, 4, true, &base, 0.5, mx_scalar(2, MX_INT32), NULL))
static mx_array *angles(mx_array *a) {
    mx_dtype t = mx_dtype_of(a);
    mx_array *position = mx_mul_s(mx_arange(2, 5, 1, t), 0.5),
             *f = mx_array_from((double[]){1, 0.1}, LIST(2), MX_FLOAT64);
    return mx_mul(mx_expand_dim(position, 1), mx_astype(f, t));
}
static mx_array *turned(mx_array *a, int axis, mx_array *x, mx_array *y) {
    mx_array *c = mx_cos(angles(a)), *s = mx_sin(angles(a));
    mx_array *parts[2] = {mx_sub(mx_mul(x, c), mx_mul(y, s)), mx_add(mx_mul(x, s), mx_mul(y, c))};
    return axis == -1 ? mx_concatenate(parts, 2, -1) : mx_flatten(mx_stack(parts, 2, -1), -2, -1);
}
CASE(rope_by_hand, turned(a, -1, mx_slice_axis(a, -1, 0, 2), mx_slice_axis(a, -1, 2, 4)))
static mx_array *every_second(mx_array *a, int first) {
    return mx_squeeze_axis(mx_slice_axis(mx_unflatten(a, -1, LIST(2, 2)), -1, first, first + 1),
                           -1);
}
CASE(rope_pairs_by_hand, turned(a, -2, every_second(a, 0), every_second(a, 1)))

/* a (N,4,3,6) queries, b and c (N,2,5,6) keys and values */
CASE(attention, mx_attention(a, b, c, 0.4, "", NULL, NULL))
CASE(attention_causal, mx_attention(a, b, c, 0.4, "causal", NULL, NULL))
static mx_array *attended(mx_array *const *in, bool causal) {
    mx_array *k = mx_repeat(in[1], 2, 1), *v = mx_repeat(in[2], 2, 1);
    mx_array *s = mx_mul_s(mx_matmul(in[0], mx_swapaxes(k, -1, -2)), 0.4);
    if (causal)
        s = mx_where(mx_tri(3, 5, 2, MX_BOOL), s, s ? mx_scalar(-INFINITY, mx_dtype_of(s)) : NULL);
    return mx_matmul(mx_softmax(s, LIST(-1), true), v);
}
CASE(attention_by_hand, attended(in, false))
CASE(causal_by_hand, attended(in, true))

#define A      {3, {N, 3, 4}, -2, 2, false, false}
#define VEC(n) {1, {n}, 0.5, 2, false, false}
#define HEADS  {4, {N, 2, 3, 4}, -2, 2, false, false}
#define Q      {4, {N, 4, 3, 6}, -2, 2, false, false}
#define K      {4, {N, 2, 5, 6}, -2, 2, false, false}

const op_case op_cases_attention[] = {
    {"rms_norm", rms_norm, NULL, rms_by_hand, LOOSE, {A, VEC(4)}},
    {"layer_norm", layer_norm, NULL, layer_by_hand, LOOSE, {A, VEC(4), VEC(4)}},
    {"layer_norm, plain", plain_norm, NULL, NULL, LOOSE, {A}},
    {"rope", rope, NULL, rope_by_hand, 0, {HEADS}},
    {"rope, traditional", rope_traditional, NULL, rope_pairs_by_hand, 0, {HEADS}},
    {"attention", attention, NULL, attention_by_hand, LOOSE, {Q, K, K}},
    {"attention, causal", attention_causal, NULL, causal_by_hand, LOOSE, {Q, K, K}},
    {0},
};
