/* Random numbers, the same as MLX's bit for bit: Threefry-2x32 (Salmon et al. 2011),
 * keys that are split.
 *
 * An empty key takes the next one of the calling thread's own sequence, which
 * mlx_random_seed starts (and the clock, where nobody did).
 */
#ifndef MLX_C_RANDOM_H
#define MLX_C_RANDOM_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

MLX_API int mlx_random_seed(uint64_t seed);
/* The key that the thread's sequence goes on from, uint32 (2). A function that draws
   random numbers is compiled with the state as one more input and output: it sets the
   state to the input, draws, and returns what get_state gives; the caller sets that. */
MLX_API int mlx_random_get_state(mlx_array *res);
MLX_API int mlx_random_set_state(const mlx_array state);
/* A key from a seed; two keys from one, or num of them as rows. */
MLX_API int mlx_random_key(mlx_array *res, uint64_t seed);
MLX_API int mlx_random_split(mlx_array *res_0, mlx_array *res_1, const mlx_array key,
                             const mlx_stream s);
MLX_API int mlx_random_split_num(mlx_array *res, const mlx_array key, int num,
                                 const mlx_stream s);

/* width 1, 2 or 4 bytes of unsigned integer. */
MLX_API int mlx_random_bits(mlx_array *res, const int *shape, size_t shape_num,
                            int width, const mlx_array key, const mlx_stream s);
/* In [low, high), which broadcast to the shape. */
MLX_API int mlx_random_uniform(mlx_array *res, const mlx_array low,
                               const mlx_array high, const int *shape, size_t shape_num,
                               mlx_dtype dtype, const mlx_array key,
                               const mlx_stream s);
MLX_API int mlx_random_randint(mlx_array *res, const mlx_array low,
                               const mlx_array high, const int *shape, size_t shape_num,
                               mlx_dtype dtype, const mlx_array key,
                               const mlx_stream s);
/* loc + scale times a standard normal number; _broadcast: loc and scale are arrays or
   empty. */
MLX_API int mlx_random_normal(mlx_array *res, const int *shape, size_t shape_num,
                              mlx_dtype dtype, float loc, float scale,
                              const mlx_array key, const mlx_stream s);
MLX_API int mlx_random_normal_broadcast(mlx_array *res, const int *shape,
                                        size_t shape_num, mlx_dtype dtype,
                                        const mlx_array loc, const mlx_array scale,
                                        const mlx_array key, const mlx_stream s);
/* mean (...,N), cov (...,N,N): shape..., N. */
MLX_API int mlx_random_multivariate_normal(mlx_array *res, const mlx_array mean,
                                           const mlx_array cov, const int *shape,
                                           size_t shape_num, mlx_dtype dtype,
                                           const mlx_array key, const mlx_stream s);
/* Normal, within (lower, upper). */
MLX_API int mlx_random_truncated_normal(mlx_array *res, const mlx_array lower,
                                        const mlx_array upper, const int *shape,
                                        size_t shape_num, mlx_dtype dtype,
                                        const mlx_array key, const mlx_stream s);
MLX_API int mlx_random_gumbel(mlx_array *res, const int *shape, size_t shape_num,
                              mlx_dtype dtype, const mlx_array key, const mlx_stream s);
MLX_API int mlx_random_laplace(mlx_array *res, const int *shape, size_t shape_num,
                               mlx_dtype dtype, float loc, float scale,
                               const mlx_array key, const mlx_stream s);
/* true with probability p. */
MLX_API int mlx_random_bernoulli(mlx_array *res, const mlx_array p, const int *shape,
                                 size_t shape_num, const mlx_array key,
                                 const mlx_stream s);
/* Indices along axis with probabilities softmax(logits): one each, a shape of them,
   num_samples each. */
MLX_API int mlx_random_categorical(mlx_array *res, const mlx_array logits, int axis,
                                   const mlx_array key, const mlx_stream s);
MLX_API int mlx_random_categorical_shape(mlx_array *res, const mlx_array logits,
                                         int axis, const int *shape, size_t shape_num,
                                         const mlx_array key, const mlx_stream s);
MLX_API int mlx_random_categorical_num_samples(mlx_array *res, const mlx_array logits_,
                                               int axis, int num_samples,
                                               const mlx_array key, const mlx_stream s);
/* x in another order along an axis; the integers below x in any order. */
MLX_API int mlx_random_permutation(mlx_array *res, const mlx_array x, int axis,
                                   const mlx_array key, const mlx_stream s);
MLX_API int mlx_random_permutation_arange(mlx_array *res, int x, const mlx_array key,
                                          const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
