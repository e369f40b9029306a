/* Operations that MLX does not have: those of NumPy and of the Python array API standard that
 * programs ask for. Conventions as in ops.h; axes NULL means all of them. */
#ifndef MLX_C_EXTRA_H
#define MLX_C_EXTRA_H

#include "mlx/c/array.h"
#include "mlx/c/stream.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- pointwise -------------------------------------------------------------------- */

/* The real cube root, of negative numbers too. Integers become float32, complex numbers are
   refused. Errors: complex numbers. */
MLX_API int mlx_cbrt(mlx_array *res, const mlx_array a, const mlx_stream s);
/* 2 to the power a. */
MLX_API int mlx_exp2(mlx_array *res, const mlx_array a, const mlx_stream s);
/* sin(pi a) / (pi a), and 1 where a is 0. */
MLX_API int mlx_sinc(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The larger of a and b; where one is NaN, the other. Errors: shapes that do not broadcast. */
MLX_API int mlx_fmax(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The smaller of a and b; where one is NaN, the other. Errors: shapes that do not broadcast. */
MLX_API int mlx_fmin(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* 0 where a is negative, b where it is 0, else 1; NaN stays. Errors: shapes that do not
   broadcast, complex numbers. */
MLX_API int mlx_heaviside(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* sqrt(a^2 + b^2), safe from overflow. Errors: shapes that do not broadcast, complex numbers. */
MLX_API int mlx_hypot(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* |a| with the sign of b, also of -0.0. Errors: shapes that do not broadcast, complex numbers. */
MLX_API int mlx_copysign(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* Whether the sign is minus, also of -0.0 and NaN: bool. Errors: complex numbers. */
MLX_API int mlx_signbit(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The float next to a in the direction of b. Errors: shapes that do not broadcast, complex
   numbers. */
MLX_API int mlx_nextafter(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* Whether each element is (invert: is not) among those of `of`. */
MLX_API int mlx_isin(mlx_array *res, const mlx_array a, const mlx_array of, bool invert,
                     const mlx_stream s);

/* The distance between the smallest and the largest along axes (NULL: all); NaN where one is. */
MLX_API int mlx_ptp(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                    bool keepdims, const mlx_stream s);

/* --- reductions that pass over NaN ------------------------------------------------ */

/* The sum along axes (NULL: all) of what is not NaN. */
MLX_API int mlx_nansum(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                       bool keepdims, const mlx_stream s);
/* The product of what is not NaN. */
MLX_API int mlx_nanprod(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                        bool keepdims, const mlx_stream s);
/* The largest of what is not NaN; NaN where nothing is left. */
MLX_API int mlx_nanmax(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                       bool keepdims, const mlx_stream s);
/* The smallest of what is not NaN; NaN where nothing is left. */
MLX_API int mlx_nanmin(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                       bool keepdims, const mlx_stream s);
/* The mean of what is not NaN. */
MLX_API int mlx_nanmean(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                        bool keepdims, const mlx_stream s);
/* The variance of what is not NaN, over its number minus ddof. */
MLX_API int mlx_nanvar(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                       bool keepdims, int ddof, const mlx_stream s);
/* The square root of mlx_nanvar. */
MLX_API int mlx_nanstd(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                       bool keepdims, int ddof, const mlx_stream s);

/* --- quantiles and histograms ----------------------------------------------------- */

/* The elements at the places q of their order, 0 to 1, along axes (NULL: all), with the
   axes of q in front. method: "linear", "lower", "higher", "midpoint" or "nearest". A
   NaN among the elements gives NaN. */
MLX_API int mlx_quantile(mlx_array *res, const mlx_array a, const mlx_array q, const int *axes,
                         size_t axes_num, bool keepdims, const char *method, const mlx_stream s);
/* The same of what is not NaN. */
MLX_API int mlx_nanquantile(mlx_array *res, const mlx_array a, const mlx_array q, const int *axes,
                            size_t axes_num, bool keepdims, const char *method, const mlx_stream s);
/* How many elements, or what weights (may be empty), lie between edges, the last included; density:
   over the sum and the widths. */
MLX_API int mlx_histogram(mlx_array *res, const mlx_array a, const mlx_array edges,
                          const mlx_array weights, bool density, const mlx_stream s);
/* bins + 1 edges from the smallest to the largest element, or, if range is not NULL, from range[0]
   to range[1]. */
MLX_API int mlx_histogram_edges(mlx_array *res, const mlx_array a, int bins, const double *range,
                                const mlx_stream s);

/* --- shapes that depend on values: these evaluate --------------------------------- */

/* The indices of what is not zero: a vector of int32 for each axis. */
MLX_API int mlx_nonzero(mlx_vector_array *res, const mlx_array a, const mlx_stream s);
/* Four arrays: values, ascending; where each occurs first; which of them each element of a is; how
   often. same_nan: all NaN count as one value. */
MLX_API int mlx_unique(mlx_vector_array *res, const mlx_array a, bool same_nan, const mlx_stream s);
/* How often each whole number occurs in a vector, or the sum of its weights (may be empty); at
   least minlength. */
MLX_API int mlx_bincount(mlx_array *res, const mlx_array a, const mlx_array weights, int minlength,
                         const mlx_stream s);

/* --- linear algebra ----------------------------------------------------------------- */

/* The norm of all elements along axes (NULL: all of them) as one vector; ord as of
   mlx_linalg_norm. */
MLX_API int mlx_linalg_vector_norm(mlx_array *res, const mlx_array a, double ord, const int *axes,
                                   size_t axes_num, bool keepdims, const mlx_stream s);
/* The singular values (...,min(M,N)), descending. */
MLX_API int mlx_linalg_svdvals(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Square matrices to the power n; below 0: of their inverse. */
MLX_API int mlx_linalg_matrix_power(mlx_array *res, const mlx_array a, int n, const mlx_stream s);
/* How many singular values (hermitian: eigenvalues) are above rtol (empty: the larger
   side times the dtype's precision) times the largest. */
MLX_API int mlx_linalg_matrix_rank(mlx_array *res, const mlx_array a, const mlx_array rtol,
                                   bool hermitian, const mlx_stream s);
/* The norm of the matrix times that of its inverse; ord NULL: 2. */
MLX_API int mlx_linalg_cond(mlx_array *res, const mlx_array a, const double *ord,
                            const mlx_stream s);
/* The exponential of square matrices: the sum of a^k / k!. */
MLX_API int mlx_linalg_expm(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Four arrays: x with the least |a x - b|, |a x - b|^2 of each column, the rank, the singular
   values. rcond < 0: as for matrix_rank. */
MLX_API int mlx_linalg_lstsq(mlx_vector_array *res, const mlx_array a, const mlx_array b,
                             double rcond, const mlx_stream s);

/* --- random numbers ------------------------------------------------------------------ */

/* Exponential, of mean scale (not rate), which broadcasts to the shape. */
MLX_API int mlx_random_exponential(mlx_array *res, const mlx_array scale, const int *shape,
                                   size_t shape_num, mlx_dtype dtype, const mlx_array key,
                                   const mlx_stream s);
/* Gamma of shape alpha and scale 1: multiply by a scale, or divide by a rate. alpha
   broadcasts to the shape. */
MLX_API int mlx_random_gamma(mlx_array *res, const mlx_array alpha, const int *shape,
                             size_t shape_num, mlx_dtype dtype, const mlx_array key,
                             const mlx_stream s);
/* Beta with exponents a - 1 of x and b - 1 of 1 - x; both broadcast to the shape. */
MLX_API int mlx_random_beta(mlx_array *res, const mlx_array a, const mlx_array b, const int *shape,
                            size_t shape_num, mlx_dtype dtype, const mlx_array key,
                            const mlx_stream s);
/* Poisson of mean lam, which broadcasts to the shape, in dtype. lam negative or NaN: NaN, of
   integers -1; beyond an integer dtype: its largest number that float32 has. */
MLX_API int mlx_random_poisson(mlx_array *res, const mlx_array lam, const int *shape,
                               size_t shape_num, mlx_dtype dtype, const mlx_array key,
                               const mlx_stream s);
/* Slabs of a along axis, in the shape given, with probabilities p (empty: equal);
   replace: the same may come again. Errors: more than there are without it. */
MLX_API int mlx_random_choice(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                              bool replace, const mlx_array p, int axis, const mlx_array key,
                              const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
