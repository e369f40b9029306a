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

/* Start the calling thread's sequence of keys from a seed. */
MLX_API int mlx_random_seed(uint64_t seed);
/* The key that the thread's sequence goes on from, uint32 (2). A function that draws
   random numbers is compiled with the state as one more input and output: it sets the
   state to the input, draws, and returns what get_state gives; the caller sets that. */
MLX_API int mlx_random_get_state(mlx_array *res);
/* Go on from a key, uint32 (2). Errors: another dtype or shape. */
MLX_API int mlx_random_set_state(const mlx_array state);
/* The key of a seed: uint32 (2). */
MLX_API int mlx_random_key(mlx_array *res, uint64_t seed);
/* Two keys that are independent of each other and of key. */
MLX_API int mlx_random_split(mlx_array *res_0, mlx_array *res_1, const mlx_array key,
                             const mlx_stream s);
/* num such keys: uint32 (num,2). Errors: another dtype or shape of the key, a negative num. */
MLX_API int mlx_random_split_num(mlx_array *res, const mlx_array key, int num, const mlx_stream s);

/* Random unsigned integers of width bytes (1, 2 or 4). Errors: another width, a negative or too
   large shape. */
MLX_API int mlx_random_bits(mlx_array *res, const int *shape, size_t shape_num, int width,
                            const mlx_array key, const mlx_stream s);
/* In [low, high), which broadcast to the shape; a float dtype. */
MLX_API int mlx_random_uniform(mlx_array *res, const mlx_array low, const mlx_array high,
                               const int *shape, size_t shape_num, mlx_dtype dtype,
                               const mlx_array key, const mlx_stream s);
/* Integers in [low, high), which broadcast to the shape. */
MLX_API int mlx_random_randint(mlx_array *res, const mlx_array low, const mlx_array high,
                               const int *shape, size_t shape_num, mlx_dtype dtype,
                               const mlx_array key, const mlx_stream s);
/* Normal with mean loc and standard deviation scale (not variance). */
MLX_API int mlx_random_normal(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                              float loc, float scale, const mlx_array key, const mlx_stream s);
/* The same with loc and scale as arrays, which broadcast to the shape; empty: 0 and
   1. */
MLX_API int mlx_random_normal_broadcast(mlx_array *res, const int *shape, size_t shape_num,
                                        mlx_dtype dtype, const mlx_array loc, const mlx_array scale,
                                        const mlx_array key, const mlx_stream s);
/* Normal vectors of mean (...,N) and covariance cov (...,N,N), which broadcast to the
   shape: (shape...,N). float32. */
MLX_API int mlx_random_multivariate_normal(mlx_array *res, const mlx_array mean,
                                           const mlx_array cov, const int *shape, size_t shape_num,
                                           mlx_dtype dtype, const mlx_array key,
                                           const mlx_stream s);
/* Standard normal numbers, given that they lie within (lower, upper), which broadcast
   to the shape. */
MLX_API int mlx_random_truncated_normal(mlx_array *res, const mlx_array lower,
                                        const mlx_array upper, const int *shape, size_t shape_num,
                                        mlx_dtype dtype, const mlx_array key, const mlx_stream s);
/* Standard Gumbel: -log(-log u). */
MLX_API int mlx_random_gumbel(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                              const mlx_array key, const mlx_stream s);
/* Laplace with mean loc and scale b = scale: density exp(-|x - loc| / b) / 2b. */
MLX_API int mlx_random_laplace(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                               float loc, float scale, const mlx_array key, const mlx_stream s);
/* Booleans that are true with probability p, which broadcasts to the shape. */
MLX_API int mlx_random_bernoulli(mlx_array *res, const mlx_array p, const int *shape,
                                 size_t shape_num, const mlx_array key, const mlx_stream s);
/* Indices (uint32) along axis with probabilities softmax(logits), one for each line:
   the shape without that axis. */
MLX_API int mlx_random_categorical(mlx_array *res, const mlx_array logits, int axis,
                                   const mlx_array key, const mlx_stream s);
/* The same in a shape to which the one without the axis broadcasts. */
MLX_API int mlx_random_categorical_shape(mlx_array *res, const mlx_array logits, int axis,
                                         const int *shape, size_t shape_num, const mlx_array key,
                                         const mlx_stream s);
/* num_samples for each line, along a new last axis. */
MLX_API int mlx_random_categorical_num_samples(mlx_array *res, const mlx_array logits_, int axis,
                                               int num_samples, const mlx_array key,
                                               const mlx_stream s);
/* The slabs of x along an axis in random order. */
MLX_API int mlx_random_permutation(mlx_array *res, const mlx_array x, int axis, const mlx_array key,
                                   const mlx_stream s);
/* The integers 0 to x - 1 in random order: uint32. Errors: a negative x. */
MLX_API int mlx_random_permutation_arange(mlx_array *res, int x, const mlx_array key,
                                          const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
