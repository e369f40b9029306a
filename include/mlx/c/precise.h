/* The operations whose numbers MLX takes as float, with numbers in double: what arrays of float64
 * deserve. Apart from that they are those without _f64 in ops.h, fast.h and random.h. A NULL number
 * is one that was not given.
 */
#ifndef MLX_C_PRECISE_H
#define MLX_C_PRECISE_H

#include "mlx/c/array.h"
#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* NaN becomes nan, infinities *posinf and *neginf; NULL: the largest and the least
   number of the dtype. */
MLX_API int mlx_nan_to_num_f64(mlx_array *res, const mlx_array a, double nan, const double *posinf,
                               const double *neginf, const mlx_stream s);
/* alpha a b + beta c, with numbers in double. */
MLX_API int mlx_addmm_f64(mlx_array *res, const mlx_array c, const mlx_array a, const mlx_array b,
                          double alpha, double beta, const mlx_stream s);
/* mlx_hadamard_transform with a scale in double; NULL: 1/sqrt(n). */
MLX_API int mlx_hadamard_transform_f64(mlx_array *res, const mlx_array a, const double *scale,
                                       const mlx_stream s);

/* mlx_fast_rms_norm with eps in double; weight may be empty. */
MLX_API int mlx_fast_rms_norm_f64(mlx_array *res, const mlx_array x, const mlx_array weight,
                                  double eps, const mlx_stream s);
/* mlx_fast_layer_norm with eps in double; weight and bias may be empty. */
MLX_API int mlx_fast_layer_norm_f64(mlx_array *res, const mlx_array x, const mlx_array weight,
                                    const mlx_array bias, double eps, const mlx_stream s);
/* mlx_fast_rope_dynamic with numbers in double. offset: an integer, or one for each of the batch.
   Either base or freqs is given. */
MLX_API int mlx_fast_rope_f64(mlx_array *res, const mlx_array x, int dims, bool traditional,
                              const double *base, double scale, const mlx_array offset,
                              const mlx_array freqs, const mlx_stream s);
/* mlx_fast_scaled_dot_product_attention with scale in double; mask_arr and sinks may be empty. */
MLX_API int mlx_fast_scaled_dot_product_attention_f64(mlx_array *res, const mlx_array queries,
                                                      const mlx_array keys, const mlx_array values,
                                                      double scale, const char *mask_mode,
                                                      const mlx_array mask_arr,
                                                      const mlx_array sinks, const mlx_stream s);

/* mlx_random_laplace with loc and scale in double. */
MLX_API int mlx_random_laplace_f64(mlx_array *res, const int *shape, size_t shape_num,
                                   mlx_dtype dtype, double loc, double scale, const mlx_array key,
                                   const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
