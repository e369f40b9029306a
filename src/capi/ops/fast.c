/* The fused operations of transformers. */
#include "capi/ops/op_call.h"

int mlx_fast_rms_norm(mlx_array *res, const mlx_array x, const mlx_array weight, float eps,
                      const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_rms_norm(capi_in(x), capi_opt(weight), (double)eps));
}

int mlx_fast_layer_norm(mlx_array *res, const mlx_array x, const mlx_array weight,
                        const mlx_array bias, float eps, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_layer_norm(capi_in(x), capi_opt(weight), capi_opt(bias), (double)eps));
}

static mx_array *rope(mlx_array x, int dims, bool traditional, mlx_optional_float base, float scale,
                      mx_array *offset, mlx_array freqs) {
    double wide = (double)base.value;
    return mx_rope(capi_in(x), dims, traditional, base.has_value ? &wide : NULL, (double)scale,
                   offset, capi_opt(freqs));
}

int mlx_fast_rope(mlx_array *res, const mlx_array x, int dims, bool traditional,
                  mlx_optional_float base, float scale, int offset, const mlx_array freqs,
                  const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *at = mx_scalar_i64(offset, MX_INT32);
    return capi_end(&c, res, rope(x, dims, traditional, base, scale, at, freqs));
}

int mlx_fast_rope_dynamic(mlx_array *res, const mlx_array x, int dims, bool traditional,
                          mlx_optional_float base, float scale, const mlx_array offset,
                          const mlx_array freqs, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, rope(x, dims, traditional, base, scale, capi_in(offset), freqs));
}

int mlx_fast_scaled_dot_product_attention(mlx_array *res, const mlx_array queries,
                                          const mlx_array keys, const mlx_array values, float scale,
                                          const char *mask_mode, const mlx_array mask_arr,
                                          const mlx_array sinks, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_attention(capi_in(queries), capi_in(keys), capi_in(values), (double)scale,
                                 mask_mode, capi_opt(mask_arr), capi_opt(sinks)));
}

int mlx_fast_cross_entropy(mlx_array *res, const mlx_array logits, const mlx_array targets,
                           const mlx_stream s) {
    return capi_binary(res, mx_cross_entropy, logits, targets, s);
}

int mlx_fast_gated_delta_update(mlx_array *res_y, mlx_array *res_state, const mlx_array q,
                                const mlx_array k, const mlx_array v, const mlx_array gamma,
                                const mlx_array beta, const mlx_array initial_state,
                                const mlx_array mask, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *out[2] = {NULL},
             *a[5] = {capi_in(q), capi_in(k), capi_in(v), capi_in(gamma), capi_in(beta)};
    bool ok = mx_gated_delta_update(a[0], a[1], a[2], a[3], a[4], capi_opt(initial_state),
                                    capi_opt(mask), out);
    return capi_end2(&c, res_y, res_state, ok, out);
}

int mlx_fast_scaled_dot_product_attention_fused(mlx_array *res, const mlx_array queries,
                                                const mlx_array keys, const mlx_array values,
                                                float scale, const char *mask_mode,
                                                const mlx_array mask_arr, const mlx_array sinks,
                                                bool force_fused, const mlx_stream s) {
    (void)force_fused; // it always is
    return mlx_fast_scaled_dot_product_attention(res, queries, keys, values, scale, mask_mode,
                                                 mask_arr, sinks, s);
}
