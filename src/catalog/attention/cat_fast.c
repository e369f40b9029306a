/* Operations that networks spend their time in. */
#include "catalog/cat.h"

/* x, weight, eps, stream */
static int call_rms_norm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_optional_array(&args[1]) ||
           mlx_fast_rms_norm_f64(OUT, ARRAY(0), cat_handle(&args[1]),
                                 cat_number_for(&args[2], mlx_array_dtype(ARRAY(0))), ON(3));
}

/* x, weight, bias, eps, stream */
static int call_layer_norm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_optional_array(&args[1]) || cat_optional_array(&args[2]) ||
           mlx_fast_layer_norm_f64(OUT, ARRAY(0), cat_handle(&args[1]), cat_handle(&args[2]),
                                   cat_number_for(&args[3], mlx_array_dtype(ARRAY(0))), ON(4));
}

/* a, dims, traditional, base, scale, offset, freqs, stream */
static int call_rope(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) || cat_array(&args[5]) || cat_optional_array(&args[6]))
        return 1;
    mlx_dtype t = mlx_array_dtype(ARRAY(0));
    double base = cat_number_for(&args[3], t);
    return mlx_fast_rope_f64(OUT, ARRAY(0), INT(1), FLAG(2), cat_is_none(&args[3]) ? NULL : &base,
                             cat_number_for(&args[4], t), ARRAY(5), cat_handle(&args[6]), ON(7));
}

/* q, k, v, scale, mask, sinks, force_fused, stream */
static int call_attention(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    const char *mode = args[4].kind == MLX_VALUE_STRING ? args[4].as.string
                       : cat_is_none(&args[4])          ? ""
                                                        : "array";
    if (cat_array(&args[0]) || cat_array(&args[1]) || cat_array(&args[2]) ||
        cat_optional_array(&args[5]))
        return 1;
    return mlx_fast_scaled_dot_product_attention_f64(
        OUT, ARRAY(0), ARRAY(1), ARRAY(2), cat_number_for(&args[3], mlx_array_dtype(ARRAY(0))),
        mode, cat_handle(&args[4]), cat_handle(&args[5]), ON(7));
}

/* logits, targets, stream */
static int call_cross_entropy(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_fast_cross_entropy(OUT, ARRAY(0), ARRAY(1), ON(2));
}

/* q, k, v, gamma, beta, initial_state, mask, stream */
static int call_gated_delta_update(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_array y = mlx_array_new(), state = mlx_array_new();
    int status = cat_optional_array(&args[5]) || cat_optional_array(&args[6]);
    (void)op;
    for (int i = 0; i < 5 && !status; i++)
        status = cat_array(&args[i]);
    status = status || mlx_fast_gated_delta_update(&y, &state, ARRAY(0), ARRAY(1), ARRAY(2),
                                                   ARRAY(3), ARRAY(4), cat_handle(&args[5]),
                                                   cat_handle(&args[6]), ON(7));
    status = cat_result_two(res, status, y, state);
    res->kind = MLX_VALUE_ARRAYS;
    return status;
}

#define FAST "mlx.core.fast"

const mlx_operation cat_fast_rows[] = {
    {FAST, "rms_norm(x: array, weight: array | None, eps: float, *, " STREAM,
     "x / sqrt(mean(x^2) + eps) * weight over the last axis. Sums are in float32 at least.",
     call_rms_norm},
    {FAST, "layer_norm(x: array, weight: array | None, bias: array | None, eps: float, *, " STREAM,
     "(x - mean) / sqrt(var + eps) * weight + bias over the last axis. Sums are in float32 at "
     "least.",
     call_layer_norm},
    {FAST,
     "rope(a: array, dims: int, *, traditional: bool, base: float | None, scale: float, offset: "
     "int | array, "
     "freqs: array | None = None, " STREAM,
     "Rotary positions (Su et al. 2021) on the first dims elements of the last axis of (..., L, "
     "D). Pairs are neighbours "
     "if traditional, else halves apart. Either base or freqs (dims / 2) is given. Positions "
     "start at offset, which may "
     "be an array of one for each of the batch.",
     call_rope},
    {FAST,
     "scaled_dot_product_attention(q: array, k: array, v: array, *, scale: float,  mask: None | "
     "str | array = None, "
     "sinks: array | None = None, force_fused: bool = False, " STREAM,
     "softmax(scale q k^T + mask) v. q is (B, H, Lq, D), k (B, Hk, Lk, D) and v (B, Hk, Lk, Dv), "
     "with H a multiple of Hk. "
     "mask is 'causal' or an array that broadcasts to (B, H, Lq, Lk): bool, or added. sinks (H) "
     "are logits that take part "
     "in the softmax alone. It is computed without the matrix of scores whether force_fused or "
     "not.",
     call_attention},
    {FAST, "cross_entropy(logits: array, targets: array, *, " STREAM,
     "The loss of class indices over the last axis, log(sum(exp(logits))) - logits[target], in "
     "float32. Neither it nor its "
     "gradient makes another array of the logits' size but the gradient itself. An index out of "
     "range fails.",
     call_cross_entropy},
    {FAST,
     "gated_delta_update(q: array, k: array, v: array, gamma: array, beta: array, initial_state: "
     "array | None = None, "
     "mask: array | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None "
     "= None) -> "
     "list[array]",
     "Linear attention by the gated delta rule (Yang et al. 2024): for each head S' = gamma_t S, "
     "S = S' + beta_t (v_t - S' "
     "k_t) k_t^T, y_t = S q_t. q and k are (B, T, Hk, Dk), v is (B, T, H, Dv) with H a multiple "
     "of Hk, gamma (B, T, H) or "
     "(B, T, H, Dk), beta (B, T, H), initial_state (B, H, Dv, Dk) or zeros. Where the mask (B, T) "
     "is False the state stays "
     "and y is 0. Gives a list of y and the state after the last step, which is float32 at least.",
     call_gated_delta_update},
    {NULL},
};
