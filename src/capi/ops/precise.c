/* The operations with numbers in double. */
#include "mlx/c/precise.h"

#include "capi/ops/op_call.h"
#include "ops/ops.h"

int mlx_nan_to_num_f64(mlx_array *res, const mlx_array a, double nan, const double *posinf,
                       const double *neginf, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_nan_to_num(capi_in(a), nan, posinf, neginf));
}

int mlx_addmm_f64(mlx_array *res, const mlx_array c, const mlx_array a, const mlx_array b,
                  double alpha, double beta, const mlx_stream s) {
    capi_call call = capi_begin(s);
    return capi_end(&call, res, mx_addmm(capi_in(c), capi_in(a), capi_in(b), alpha, beta));
}

int mlx_hadamard_transform_f64(mlx_array *res, const mlx_array a, const double *scale,
                               const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_hadamard_transform(capi_in(a), scale));
}

int mlx_fast_rms_norm_f64(mlx_array *res, const mlx_array x, const mlx_array weight, double eps,
                          const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_rms_norm(capi_in(x), capi_opt(weight), eps));
}

int mlx_fast_layer_norm_f64(mlx_array *res, const mlx_array x, const mlx_array weight,
                            const mlx_array bias, double eps, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_layer_norm(capi_in(x), capi_opt(weight), capi_opt(bias), eps));
}

int mlx_fast_rope_f64(mlx_array *res, const mlx_array x, int dims, bool traditional,
                      const double *base, double scale, const mlx_array offset,
                      const mlx_array freqs, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *at = capi_in(offset);
    return capi_end(&c, res,
                    mx_rope(capi_in(x), dims, traditional, base, scale, at, capi_opt(freqs)));
}

int mlx_fast_scaled_dot_product_attention_f64(mlx_array *res, const mlx_array queries,
                                              const mlx_array keys, const mlx_array values,
                                              double scale, const char *mask_mode,
                                              const mlx_array mask_arr, const mlx_array sinks,
                                              const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_attention(capi_in(queries), capi_in(keys), capi_in(values), scale, mask_mode,
                                 capi_opt(mask_arr), capi_opt(sinks)));
}

int mlx_random_laplace_f64(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                           double loc, double scale, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    int n = capi_count(shape, shape_num);
    return capi_end(&c, res,
                    t == MX_DTYPE_COUNT
                        ? NULL
                        : mx_random_laplace(shape, n, t, loc, scale, capi_opt(key)));
}
