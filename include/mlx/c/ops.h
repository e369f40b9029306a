/* Operations on arrays. Each makes a node and computes nothing; errors in shapes and
 * dtypes are found at once.
 *
 * Two dtypes are promoted to one and two shapes are broadcast (trailing axes are
 * matched, size 1 stretches). A name without suffix works on all elements, _axis
 * along one, _axes along several; keepdims leaves the reduced axes with size 1. An
 * empty stream is the default one.
 */
#ifndef MLX_C_OPS_H
#define MLX_C_OPS_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/ops_reduce.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- creation -------------------------------------------------------------------- */

/* start, start + step, ... before stop: a vector, each element computed from its number
   and rounded to dtype once. Errors: step 0, more elements than an int counts. */
MLX_API int mlx_arange(mlx_array *res, double start, double stop, double step, mlx_dtype dtype,
                       const mlx_stream s);
/* num numbers in equal steps from start to stop, both included, in dtype. */
MLX_API int mlx_linspace(mlx_array *res, double start, double stop, int num, mlx_dtype dtype,
                         const mlx_stream s);
/* An array of a shape, filled with vals, which broadcast to it and are cast to dtype. */
MLX_API int mlx_full(mlx_array *res, const int *shape, size_t shape_num, const mlx_array vals,
                     mlx_dtype dtype, const mlx_stream s);
/* The same in the shape of a; dtype is the result's. */
MLX_API int mlx_full_like(mlx_array *res, const mlx_array a, const mlx_array vals, mlx_dtype dtype,
                          const mlx_stream s);
/* Zeros of a shape and dtype. shape_num 0: one element without dimensions. */
MLX_API int mlx_zeros(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                      const mlx_stream s);
/* Zeros of the shape and dtype of a. */
MLX_API int mlx_zeros_like(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Ones of a shape and dtype. */
MLX_API int mlx_ones(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                     const mlx_stream s);
/* Ones of the shape and dtype of a. */
MLX_API int mlx_ones_like(mlx_array *res, const mlx_array a, const mlx_stream s);
/* n rows and m columns with ones on diagonal k (0: the main one, positive: above it)
   and zeros elsewhere. */
MLX_API int mlx_eye(mlx_array *res, int n, int m, int k, mlx_dtype dtype, const mlx_stream s);
/* The n x n identity matrix. */
MLX_API int mlx_identity(mlx_array *res, int n, mlx_dtype dtype, const mlx_stream s);
/* n rows and m columns with ones on and below diagonal k, zeros above. */
MLX_API int mlx_tri(mlx_array *res, int n, int m, int k, mlx_dtype type, const mlx_stream s);
/* Each matrix of x with zeros above diagonal k. x has at least two axes. */
MLX_API int mlx_tril(mlx_array *res, const mlx_array x, int k, const mlx_stream s);
/* Each matrix of x with zeros below diagonal k. x has at least two axes. */
MLX_API int mlx_triu(mlx_array *res, const mlx_array x, int k, const mlx_stream s);
/* Of a vector: the square matrix that has it on diagonal k. Of a matrix: its diagonal k. */
MLX_API int mlx_diag(mlx_array *res, const mlx_array a, int k, const mlx_stream s);
/* The diagonals of the matrices that lie in axis1 and axis2, as the last axis of the
   result; offset as k of mlx_eye. */
MLX_API int mlx_diagonal(mlx_array *res, const mlx_array a, int offset, int axis1, int axis2,
                         const mlx_stream s);
/* One array of coordinates for each vector of arrays. indexing "ij": axis i belongs to
   vector i; "xy": the first two change places. sparse: the other axes have size 1
   instead of being repeated. */
MLX_API int mlx_meshgrid(mlx_vector_array *res, const mlx_vector_array arrays, bool sparse,
                         const char *indexing, const mlx_stream s);
/* The Bartlett window: M points of a triangle that is 0 at both ends, float32. */
MLX_API int mlx_bartlett(mlx_array *res, int M, const mlx_stream s);
/* The Blackman window of M points, 0.42 - 0.5 cos + 0.08 cos twice as fast, float32. */
MLX_API int mlx_blackman(mlx_array *res, int M, const mlx_stream s);
/* The Hamming window of M points, 0.54 - 0.46 cos, float32. */
MLX_API int mlx_hamming(mlx_array *res, int M, const mlx_stream s);
/* The Hann window of M points, 0.5 - 0.5 cos, float32. */
MLX_API int mlx_hanning(mlx_array *res, int M, const mlx_stream s);

/* --- dtype and identity ---------------------------------------------------------- */

/* a in another dtype. Floats to integers lose their fraction; integers wrap; whatever
   is not 0 is true; of complex numbers the real part stays. */
MLX_API int mlx_astype(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s);
/* The same bytes read as another dtype. Where its elements are of another size the last
   axis grows or shrinks; that its bytes do not divide is an error. */
MLX_API int mlx_view(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s);
/* The same values as an array of its own: no later donation of a's memory changes it. */
MLX_API int mlx_copy(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The same values in memory of row-major order without gaps, a itself where it lies so;
   allow_col_major: or of column-major order. */
MLX_API int mlx_contiguous(mlx_array *res, const mlx_array a, bool allow_col_major,
                           const mlx_stream s);
/* a, constant to derivatives: gradients behind it are 0. */
MLX_API int mlx_stop_gradient(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The inputs, which will not be available before the dependencies are. */
MLX_API int mlx_depends(mlx_vector_array *res, const mlx_vector_array inputs,
                        const mlx_vector_array dependencies);
/* Each element rounded to float8 (E4M3, largest 448), as the byte that stands for it:
   uint8. */
MLX_API int mlx_to_fp8(mlx_array *res, const mlx_array x, const mlx_stream s);
/* The numbers that float8 bytes (uint8) stand for, in dtype, a float. */
MLX_API int mlx_from_fp8(mlx_array *res, const mlx_array x, mlx_dtype dtype, const mlx_stream s);
/* How many elements a has along axes, as one element of dtype that is found when evaluated, so
   that shapeless functions stay right; inverted: 1 over it. Errors: an axis that a does not
   have. */
MLX_API int mlx_number_of_elements(mlx_array *res, const mlx_array a, const int *axes,
                                   size_t axes_num, bool inverted, mlx_dtype dtype,
                                   const mlx_stream s);

/* --- arithmetic ------------------------------------------------------------------ */

/* a + b, element by element. Here and below two dtypes are promoted to one and shapes
   broadcast; integers wrap around, + of bool is or. */
MLX_API int mlx_add(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* a - b. */
MLX_API int mlx_subtract(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* a times b; of bool: and. */
MLX_API int mlx_multiply(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* a / b in floating point: integers become float32. */
MLX_API int mlx_divide(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The quotient rounded down, to minus infinity; of integers 0 where b is 0. */
MLX_API int mlx_floor_divide(mlx_array *res, const mlx_array a, const mlx_array b,
                             const mlx_stream s);
/* What the quotient rounded down leaves: it has the sign of b. Of integers 0 where b is
   0. */
MLX_API int mlx_remainder(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* Two arrays: mlx_floor_divide and mlx_remainder. */
MLX_API int mlx_divmod(mlx_vector_array *res, const mlx_array a, const mlx_array b,
                       const mlx_stream s);
/* a to the power b. Integers stay integers and wrap; x^0 is 1. */
MLX_API int mlx_power(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* -a, element by element. Unsigned integers wrap. Errors: bool. */
MLX_API int mlx_negative(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The absolute value; of complex numbers their modulus, as float32. */
MLX_API int mlx_abs(mlx_array *res, const mlx_array a, const mlx_stream s);
/* -1, 0 or 1 in a's dtype; 0 of NaN; of complex numbers z / |z|. */
MLX_API int mlx_sign(mlx_array *res, const mlx_array a, const mlx_stream s);
/* a times a. */
MLX_API int mlx_square(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The square root; NaN of what is negative. Halves, floats and complex numbers keep
   their dtype, others become float32. */
MLX_API int mlx_sqrt(mlx_array *res, const mlx_array a, const mlx_stream s);
/* 1 over the square root. Halves, floats and complex numbers keep their dtype, others
   become float32. */
MLX_API int mlx_rsqrt(mlx_array *res, const mlx_array a, const mlx_stream s);
/* 1 / a. Halves, floats and complex numbers keep their dtype, others become float32. */
MLX_API int mlx_reciprocal(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The larger of two elements; NaN where one of them is. */
MLX_API int mlx_maximum(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The smaller of two elements; NaN where one of them is. */
MLX_API int mlx_minimum(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The elements held between a_min and a_max, of which one may be empty. */
MLX_API int mlx_clip(mlx_array *res, const mlx_array a, const mlx_array a_min,
                     const mlx_array a_max, const mlx_stream s);
/* The next whole number below, in a's dtype. */
MLX_API int mlx_floor(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The next whole number above, in a's dtype. */
MLX_API int mlx_ceil(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Rounded to decimals digits behind the point (negative: before it), halves to the even
   neighbour. */
MLX_API int mlx_round(mlx_array *res, const mlx_array a, int decimals, const mlx_stream s);
/* NaN becomes nan, infinities posinf and neginf; where those are not given, the largest
   and the least number of the dtype. */
MLX_API int mlx_nan_to_num(mlx_array *res, const mlx_array a, float nan, mlx_optional_float posinf,
                           mlx_optional_float neginf, const mlx_stream s);
/* The real part, float32 of complex64; real arrays as they are. */
MLX_API int mlx_real(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The imaginary part, float32 of complex64; of real arrays zeros of their dtype. */
MLX_API int mlx_imag(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The complex conjugate; real arrays as they are. */
MLX_API int mlx_conjugate(mlx_array *res, const mlx_array a, const mlx_stream s);

/* --- exponential, trigonometric and others: integers become float32 -------------- */

/* e to the power a. Halves, floats and complex numbers keep their dtype, others become
   float32. */
MLX_API int mlx_exp(mlx_array *res, const mlx_array a, const mlx_stream s);
/* exp(a) - 1 without loss of digits near 0. */
MLX_API int mlx_expm1(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The natural logarithm; -inf of 0, NaN of what is negative. */
MLX_API int mlx_log(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The logarithm to the base 2. */
MLX_API int mlx_log2(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The logarithm to the base 10. */
MLX_API int mlx_log10(mlx_array *res, const mlx_array a, const mlx_stream s);
/* log(1 + a) without loss of digits near 0. */
MLX_API int mlx_log1p(mlx_array *res, const mlx_array a, const mlx_stream s);
/* log(exp(a) + exp(b)), safe from overflow. */
MLX_API int mlx_logaddexp(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The sine of an angle in radians. */
MLX_API int mlx_sin(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The cosine of an angle in radians. */
MLX_API int mlx_cos(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The tangent of an angle in radians. */
MLX_API int mlx_tan(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The angle, from -pi/2 to pi/2, whose sine is a; NaN outside of [-1, 1]. */
MLX_API int mlx_arcsin(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The angle, from 0 to pi, whose cosine is a; NaN outside of [-1, 1]. */
MLX_API int mlx_arccos(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The angle, from -pi/2 to pi/2, whose tangent is a. */
MLX_API int mlx_arctan(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The angle of the point (b, a), from -pi to pi: that of a / b in the right quadrant. */
MLX_API int mlx_arctan2(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The hyperbolic sine. */
MLX_API int mlx_sinh(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The hyperbolic cosine. */
MLX_API int mlx_cosh(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The hyperbolic tangent. */
MLX_API int mlx_tanh(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The inverse of the hyperbolic sine. */
MLX_API int mlx_arcsinh(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The inverse of the hyperbolic cosine, not negative; NaN below 1. */
MLX_API int mlx_arccosh(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The inverse of the hyperbolic tangent; NaN outside of [-1, 1]. */
MLX_API int mlx_arctanh(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Radians as degrees: a 180 / pi. */
MLX_API int mlx_degrees(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Degrees as radians: a pi / 180. */
MLX_API int mlx_radians(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to a. */
MLX_API int mlx_erf(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The number whose error function is a; NaN outside of [-1, 1]. */
MLX_API int mlx_erfinv(mlx_array *res, const mlx_array a, const mlx_stream s);
/* 1 / (1 + exp(-a)). */
MLX_API int mlx_sigmoid(mlx_array *res, const mlx_array a, const mlx_stream s);

/* --- comparison and logic: results are bool -------------------------------------- */

/* a == b; NaN equals nothing. */
MLX_API int mlx_equal(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* a != b. */
MLX_API int mlx_not_equal(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* a < b. Complex numbers are compared by their real part, then by their imaginary part. */
MLX_API int mlx_less(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* a <= b. */
MLX_API int mlx_less_equal(mlx_array *res, const mlx_array a, const mlx_array b,
                           const mlx_stream s);
/* a > b. */
MLX_API int mlx_greater(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* a >= b. */
MLX_API int mlx_greater_equal(mlx_array *res, const mlx_array a, const mlx_array b,
                              const mlx_stream s);
/* Whether |a - b| <= atol + rtol |b|, for each element. Equal infinities are close;
   equal_nan: so are two NaN. */
MLX_API int mlx_isclose(mlx_array *res, const mlx_array a, const mlx_array b, double rtol,
                        double atol, bool equal_nan, const mlx_stream s);
/* Whether all elements are close (mlx_isclose): one bool. */
MLX_API int mlx_allclose(mlx_array *res, const mlx_array a, const mlx_array b, double rtol,
                         double atol, bool equal_nan, const mlx_stream s);
/* Whether a and b have the same shape and equal elements: one bool. equal_nan: two NaN
   are equal. */
MLX_API int mlx_array_equal(mlx_array *res, const mlx_array a, const mlx_array b, bool equal_nan,
                            const mlx_stream s);
/* Whether an element is NaN. */
MLX_API int mlx_isnan(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Whether an element is an infinity. */
MLX_API int mlx_isinf(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Whether an element is plus infinity. */
MLX_API int mlx_isposinf(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Whether an element is minus infinity. */
MLX_API int mlx_isneginf(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Whether an element is neither NaN nor an infinity. */
MLX_API int mlx_isfinite(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Whether neither of two elements is 0. */
MLX_API int mlx_logical_and(mlx_array *res, const mlx_array a, const mlx_array b,
                            const mlx_stream s);
/* Whether one of two elements is not 0. */
MLX_API int mlx_logical_or(mlx_array *res, const mlx_array a, const mlx_array b,
                           const mlx_stream s);
/* Whether an element is 0. */
MLX_API int mlx_logical_not(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Bit by bit and, of integers or bool. */
MLX_API int mlx_bitwise_and(mlx_array *res, const mlx_array a, const mlx_array b,
                            const mlx_stream s);
/* Bit by bit or, of integers or bool. */
MLX_API int mlx_bitwise_or(mlx_array *res, const mlx_array a, const mlx_array b,
                           const mlx_stream s);
/* Bit by bit exclusive or, of integers or bool. */
MLX_API int mlx_bitwise_xor(mlx_array *res, const mlx_array a, const mlx_array b,
                            const mlx_stream s);
/* All bits inverted, of integers or bool. */
MLX_API int mlx_bitwise_invert(mlx_array *res, const mlx_array a, const mlx_stream s);
/* a 2^b of integers; 0 where b is the width or more. */
MLX_API int mlx_left_shift(mlx_array *res, const mlx_array a, const mlx_array b,
                           const mlx_stream s);
/* a / 2^b of integers, rounded down; where b is the width or more, 0 or the sign. */
MLX_API int mlx_right_shift(mlx_array *res, const mlx_array a, const mlx_array b,
                            const mlx_stream s);
/* x where condition is not 0, else y; the three broadcast. Errors: shapes that do not broadcast. */
MLX_API int mlx_where(mlx_array *res, const mlx_array condition, const mlx_array x,
                      const mlx_array y, const mlx_stream s);

/* --- shape ----------------------------------------------------------------------- */

/* The elements, in row-major order, in another shape of as many; one size may be -1,
   and is found. */
MLX_API int mlx_reshape(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                        const mlx_stream s);
/* Axes start_axis to end_axis, both included, joined to one. */
MLX_API int mlx_flatten(mlx_array *res, const mlx_array a, int start_axis, int end_axis,
                        const mlx_stream s);
/* One axis replaced by several, whose sizes (one may be -1) multiply to its size. */
MLX_API int mlx_unflatten(mlx_array *res, const mlx_array a, int axis, const int *shape,
                          size_t shape_num, const mlx_stream s);
/* Without all axes of size 1. */
MLX_API int mlx_squeeze(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Without one axis, whose size must be 1. */
MLX_API int mlx_squeeze_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s);
/* Without these axes, whose sizes must be 1. */
MLX_API int mlx_squeeze_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                             const mlx_stream s);
/* With a new axis of size 1 at that place of the result. */
MLX_API int mlx_expand_dims(mlx_array *res, const mlx_array a, int axis, const mlx_stream s);
/* With new axes of size 1 at these places of the result. */
MLX_API int mlx_expand_dims_axes(mlx_array *res, const mlx_array a, const int *axes,
                                 size_t axes_num, const mlx_stream s);
/* a, with one axis if it has none. */
MLX_API int mlx_atleast_1d(mlx_array *res, const mlx_array a, const mlx_stream s);
/* a, with axes of size 1 in front up to two. */
MLX_API int mlx_atleast_2d(mlx_array *res, const mlx_array a, const mlx_stream s);
/* a, with axes of size 1 up to three: of a vector (n) it is (1,n,1), of a matrix (m,n)
   it is (m,n,1). */
MLX_API int mlx_atleast_3d(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The axes in reverse order. */
MLX_API int mlx_transpose(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Axis i of the result is axis axes[i] of a; each is named once. */
MLX_API int mlx_transpose_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                               const mlx_stream s);
/* Two axes change places. */
MLX_API int mlx_swapaxes(mlx_array *res, const mlx_array a, int axis1, int axis2,
                         const mlx_stream s);
/* Axis source comes to the place destination; the others keep their order. */
MLX_API int mlx_moveaxis(mlx_array *res, const mlx_array a, int source, int destination,
                         const mlx_stream s);
/* a, repeated along its axes of size 1 and along new axes in front. No copy: the result
   has strides of 0. */
MLX_API int mlx_broadcast_to(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                             const mlx_stream s);
/* The inputs, each broadcast to the shape of all together. Errors: shapes that do not broadcast. */
MLX_API int mlx_broadcast_arrays(mlx_vector_array *res, const mlx_vector_array inputs,
                                 const mlx_stream s);
/* A view of the row-major elements of a: element (i, j, ...) is the one at offset + i
   strides[0] + j strides[1] + ...; strides may be negative or 0, and count elements. A
   window that reaches outside of a has a shape, strides and a data pointer, can be
   evaluated, and is refused by everything that would read it; offset beyond the end is
   an error at once. */
MLX_API int mlx_as_strided(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                           const int64_t *strides, size_t strides_num, size_t offset,
                           const mlx_stream s);

/* --- join and split -------------------------------------------------------------- */

/* The arrays, each flattened, one behind the other. */
MLX_API int mlx_concatenate(mlx_array *res, const mlx_vector_array arrays, const mlx_stream s);
/* The arrays joined along an axis; their other sizes are equal. Dtypes are promoted. */
MLX_API int mlx_concatenate_axis(mlx_array *res, const mlx_vector_array arrays, int axis,
                                 const mlx_stream s);
/* Arrays of one shape as the rows of a new first axis. */
MLX_API int mlx_stack(mlx_array *res, const mlx_vector_array arrays, const mlx_stream s);
/* The same with the new axis at a place of the result. */
MLX_API int mlx_stack_axis(mlx_array *res, const mlx_vector_array arrays, int axis,
                           const mlx_stream s);
/* num_splits equal parts along an axis; that its size does not divide is an error. */
MLX_API int mlx_split(mlx_vector_array *res, const mlx_array a, int num_splits, int axis,
                      const mlx_stream s);
/* The parts between indices along an axis: before the first, between neighbours, behind the
   last. One more than there are indices. Errors: an axis that a does not have. */
MLX_API int mlx_split_sections(mlx_vector_array *res, const mlx_array a, const int *indices,
                               size_t indices_num, int axis, const mlx_stream s);
/* low_pad_size[i] elements before and high_pad_size[i] behind axis axes[i]. mode:
   "constant" (or NULL) with pad_value, one element, or 0 where that is empty; "edge":
   the last element again; "reflect", "symmetric": mirrored without and
   with the last element. */
MLX_API int mlx_pad(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                    const int *low_pad_size, size_t low_pad_size_num, const int *high_pad_size,
                    size_t high_pad_size_num, const mlx_array pad_value, const char *mode,
                    const mlx_stream s);
/* The same with pad_width elements at both ends of every axis. */
MLX_API int mlx_pad_symmetric(mlx_array *res, const mlx_array a, int pad_width,
                              const mlx_array pad_value, const char *mode, const mlx_stream s);
/* The whole array again, reps[i] times along axis i; where reps are more than axes, along new
   axes in front. Errors: a negative number. */
MLX_API int mlx_tile(mlx_array *res, const mlx_array arr, const int *reps, size_t reps_num,
                     const mlx_stream s);
/* Each element of the flattened array repeats times. Errors: a negative number. */
MLX_API int mlx_repeat(mlx_array *res, const mlx_array arr, int repeats, const mlx_stream s);
/* Each element, or slab, repeats times along an axis. Errors: a negative number, an axis that
   arr does not have. */
MLX_API int mlx_repeat_axis(mlx_array *res, const mlx_array arr, int repeats, int axis,
                            const mlx_stream s);
/* The flattened elements moved by the sum of shift; what leaves at one end enters at
   the other. */
MLX_API int mlx_roll(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num,
                     const mlx_stream s);
/* The same along one axis. */
MLX_API int mlx_roll_axis(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num,
                          int axis, const mlx_stream s);
/* The same along several axes: by shift[i] along axes[i]. */
MLX_API int mlx_roll_axes(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num,
                          const int *axes, size_t axes_num, const mlx_stream s);

/* --- slices and indices ---------------------------------------------------------- */

/* Along each axis the elements from start before stop, in steps of strides, as in Python:
   negative numbers count from the end, steps may be negative, what is outside is cut. One number
   for every axis of a. Errors: step 0, another number of starts, stops or strides than a has
   axes. */
MLX_API int mlx_slice(mlx_array *res, const mlx_array a, const int *start, size_t start_num,
                      const int *stop, size_t stop_num, const int *strides, size_t strides_num,
                      const mlx_stream s);
/* A copy of src in which the slice (see mlx_slice) is update, which broadcasts to it. Errors:
   step 0, another number of starts, stops or strides than axes, an update that does not
   broadcast to the slice. */
MLX_API int mlx_slice_update(mlx_array *res, const mlx_array src, const mlx_array update,
                             const int *start, size_t start_num, const int *stop, size_t stop_num,
                             const int *strides, size_t strides_num, const mlx_stream s);
/* The same with update added to the slice. */
MLX_API int mlx_slice_update_add(mlx_array *res, const mlx_array src, const mlx_array update,
                                 const int *start, size_t start_num, const int *stop,
                                 size_t stop_num, const int *strides, size_t strides_num,
                                 const mlx_stream s);
/* The same with the slice multiplied by update. */
MLX_API int mlx_slice_update_prod(mlx_array *res, const mlx_array src, const mlx_array update,
                                  const int *start, size_t start_num, const int *stop,
                                  size_t stop_num, const int *strides, size_t strides_num,
                                  const mlx_stream s);
/* The same with the larger of slice and update. */
MLX_API int mlx_slice_update_max(mlx_array *res, const mlx_array src, const mlx_array update,
                                 const int *start, size_t start_num, const int *stop,
                                 size_t stop_num, const int *strides, size_t strides_num,
                                 const mlx_stream s);
/* The same with the smaller of slice and update. */
MLX_API int mlx_slice_update_min(mlx_array *res, const mlx_array src, const mlx_array update,
                                 const int *start, size_t start_num, const int *stop,
                                 size_t stop_num, const int *strides, size_t strides_num,
                                 const mlx_stream s);
/* slice_size elements along each axis, from start along axes and from 0 along the others. start:
   one integer for each of axes, known when evaluated; what reaches outside is an error then.
   Errors: another number of starts or sizes, an axis that a does not have. */
MLX_API int mlx_slice_dynamic(mlx_array *res, const mlx_array a, const mlx_array start,
                              const int *axes, size_t axes_num, const int *slice_size,
                              size_t slice_size_num, const mlx_stream s);
/* A copy of src with update written at start (see mlx_slice_dynamic). Errors: another number of
   starts, an axis that src does not have. */
MLX_API int mlx_slice_update_dynamic(mlx_array *res, const mlx_array src, const mlx_array update,
                                     const mlx_array start, const int *axes, size_t axes_num,
                                     const mlx_stream s);

/* Elements of the flattened a at indices (integers; negative ones count from the end;
   out of range: an error when evaluated). The shape is that of indices. */
MLX_API int mlx_take(mlx_array *res, const mlx_array a, const mlx_array indices,
                     const mlx_stream s);
/* Slabs of a at indices along an axis: the axes of indices stand in its place. */
MLX_API int mlx_take_axis(mlx_array *res, const mlx_array a, const mlx_array indices, int axis,
                          const mlx_stream s);
/* Along an axis, for each place of indices the element of the same place of the other
   axes. indices has as many axes as a, and broadcasts. */
MLX_API int mlx_take_along_axis(mlx_array *res, const mlx_array a, const mlx_array indices,
                                int axis, const mlx_stream s);
/* A copy of a with values written where mlx_take_along_axis would read. */
MLX_API int mlx_put_along_axis(mlx_array *res, const mlx_array a, const mlx_array indices,
                               const mlx_array values, int axis, const mlx_stream s);
/* Slices of slice_sizes (one for each axis of a), the i-th index array along axes[i], 0 along
   the others: shape (indices' common shape..., slice_sizes...). A size of -1 is all of the axis.
   Errors: indices that are no integers, another number of index arrays than axes, a slice larger
   than a. */
MLX_API int mlx_gather(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                       const int *axes, size_t axes_num, const int *slice_sizes,
                       size_t slice_sizes_num, const mlx_stream s);
/* The same with one index array along one axis. */
MLX_API int mlx_gather_single(mlx_array *res, const mlx_array a, const mlx_array indices, int axis,
                              const int *slice_sizes, size_t slice_sizes_num, const mlx_stream s);
/* A copy of a in which slices at indices (see mlx_gather) are replaced by updates, of shape
   (indices' shape..., slice...). Where places coincide, which one stays is not said. Errors:
   indices that are no integers, another number of index arrays than axes, updates of another
   shape. */
MLX_API int mlx_scatter(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                        const mlx_array updates, const int *axes, size_t axes_num,
                        const mlx_stream s);
/* The same with one index array along one axis. */
MLX_API int mlx_scatter_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                               const mlx_array updates, int axis, const mlx_stream s);
/* The same with updates added to what is there. */
MLX_API int mlx_scatter_add(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                            const mlx_array updates, const int *axes, size_t axes_num,
                            const mlx_stream s);
/* mlx_scatter_add with one index array along one axis. */
MLX_API int mlx_scatter_add_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                                   const mlx_array updates, int axis, const mlx_stream s);
/* A copy of a with values added where mlx_take_along_axis would read. */
MLX_API int mlx_scatter_add_axis(mlx_array *res, const mlx_array a, const mlx_array indices,
                                 const mlx_array values, int axis, const mlx_stream s);
/* mlx_scatter with what is there multiplied by updates. */
MLX_API int mlx_scatter_prod(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                             const mlx_array updates, const int *axes, size_t axes_num,
                             const mlx_stream s);
/* mlx_scatter_prod with one index array along one axis. */
MLX_API int mlx_scatter_prod_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                                    const mlx_array updates, int axis, const mlx_stream s);
/* mlx_scatter with the larger of what is there and of updates. */
MLX_API int mlx_scatter_max(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                            const mlx_array updates, const int *axes, size_t axes_num,
                            const mlx_stream s);
/* mlx_scatter_max with one index array along one axis. */
MLX_API int mlx_scatter_max_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                                   const mlx_array updates, int axis, const mlx_stream s);
/* mlx_scatter with the smaller of what is there and of updates. */
MLX_API int mlx_scatter_min(mlx_array *res, const mlx_array a, const mlx_vector_array indices,
                            const mlx_array updates, const int *axes, size_t axes_num,
                            const mlx_stream s);
/* mlx_scatter_min with one index array along one axis. */
MLX_API int mlx_scatter_min_single(mlx_array *res, const mlx_array a, const mlx_array indices,
                                   const mlx_array updates, int axis, const mlx_stream s);
/* A copy of a whose elements where mask (bool; of leading axes of a) holds are those of
   src, in order. Errors when evaluated: src has fewer. */
MLX_API int mlx_masked_scatter(mlx_array *res, const mlx_array a, const mlx_array mask,
                               const mlx_array src, const mlx_stream s);

/* --- products -------------------------------------------------------------------- */

/* Matrix products: a (...,M,K) and b (...,K,N) to (...,M,N); batches broadcast, a
   vector stands for a row or a column, and its axis goes. Integers stay integers. */
MLX_API int mlx_matmul(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* alpha a b + beta c, with c broadcast to the product. */
MLX_API int mlx_addmm(mlx_array *res, const mlx_array c, const mlx_array a, const mlx_array b,
                      float alpha, float beta, const mlx_stream s);
/* The sums of products over the last axes of a and b, for all pairs of their other
   axes; of scalars the product. */
MLX_API int mlx_inner(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The products of all pairs of elements of the flattened arrays: a matrix. */
MLX_API int mlx_outer(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The Kronecker product: each element of a times the whole of b. */
MLX_API int mlx_kron(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
/* The sums of products over pairs of axes: axes_a[i] of a with axes_b[i] of b. The
   other axes of a come first, then those of b. */
MLX_API int mlx_tensordot(mlx_array *res, const mlx_array a, const mlx_array b, const int *axes_a,
                          size_t axes_a_num, const int *axes_b, size_t axes_b_num,
                          const mlx_stream s);
/* The same over the last axis axes of a and the first axis axes of b (0: all pairs of
   elements). */
MLX_API int mlx_tensordot_axis(mlx_array *res, const mlx_array a, const mlx_array b, int axis,
                               const mlx_stream s);
/* The sum of products that subscripts say, as "ij,jk->ik": a letter for each axis;
   those that the result does not name are summed over. Without "->" the result names,
   in alphabetical order, those that occur once. */
MLX_API int mlx_einsum(mlx_array *res, const char *subscripts, const mlx_vector_array operands,
                       const mlx_stream s);
/* The sums of the diagonals that lie in axis1 and axis2, in dtype. */
MLX_API int mlx_trace(mlx_array *res, const mlx_array a, int offset, int axis1, int axis2,
                      mlx_dtype dtype, const mlx_stream s);
/* Matrix products of a[lhs_indices[i]] and b[rhs_indices[i]], of the flattened batches
   of a (...,M,K) and b (...,K,N). The two index arrays broadcast; an empty one stands
   for all. sorted_indices says that the second is ascending, which is faster. */
MLX_API int mlx_gather_mm(mlx_array *res, const mlx_array a, const mlx_array b,
                          const mlx_array lhs_indices, const mlx_array rhs_indices,
                          bool sorted_indices, const mlx_stream s);
/* A matrix product whose blocks of block_size (32 or 64) are left out where a mask of
   bool is false, or multiplied where it has numbers: mask_lhs for blocks of a, mask_rhs
   of b, mask_out of the result. Any may be empty. */
MLX_API int mlx_block_masked_mm(mlx_array *res, const mlx_array a, const mlx_array b,
                                int block_size, const mlx_array mask_out, const mlx_array mask_lhs,
                                const mlx_array mask_rhs, const mlx_stream s);
/* For each pair (from, to) of segments (...,2) the product of a (M,K) and b (K,N) over
   that range of K alone: (...,M,N). */
MLX_API int mlx_segmented_mm(mlx_array *res, const mlx_array a, const mlx_array b,
                             const mlx_array segments, const mlx_stream s);
/* The last axis times the Hadamard matrix of its size n = m 2^k, m 1, 12, 20 or 28,
   times scale, 1/sqrt(n) unless given. */
MLX_API int mlx_hadamard_transform(mlx_array *res, const mlx_array a, mlx_optional_float scale,
                                   const mlx_stream s);

/* --- quantized ------------------------------------------------------------------- */

/* A matrix w (...,K) in few bits: words (uint32, (...,K bits/32)), scales
   (...,K/group_size) and, in mode "affine", biases like the scales: element = scale
   code + bias. "affine" (NULL means it): 2, 3, 4, 5, 6 or 8 bits, groups of 32, 64 or
   128, by default 4 and 64; "mxfp4", "mxfp8", "nvfp4": floats of 4, 8, 4 bits in groups
   of 32, 32, 16, whose scales are bytes. The block types of GGUF files are modes as well
   ("q4_0", "q4_k", "iq4_nl" ..., the names of their specification in lower case, and
   "mxfp4_gguf", "nvfp4_gguf"): res has one array then, uint8 (...,bytes of a row), and
   neither group_size nor bits may be given.
   Errors: a mode that can be read only ("iq1_s" to "iq3_s"), a last axis of no whole
   groups. (mlx-c has the first four modes.) */
MLX_API int mlx_quantize(mlx_vector_array *res, const mlx_array w, mlx_optional_int group_size,
                         mlx_optional_int bits, const char *mode, const mlx_array global_scale,
                         const mlx_stream s);
/* The matrix that mlx_quantize was given, as far as it was kept: from w, scales and, in
   mode "affine", biases. In dtype; where that is not given, in that of the scales
   ("affine") or bfloat16. Blocks of GGUF have no scales and biases (NULL handles) and
   become float16. */
MLX_API int mlx_dequantize(mlx_array *res, const mlx_array w, const mlx_array scales,
                           const mlx_array biases, mlx_optional_int group_size,
                           mlx_optional_int bits, const char *mode, const mlx_array global_scale,
                           mlx_optional_dtype dtype, const mlx_stream s);
/* x (...,M,K) times a quantized matrix (see mlx_quantize): w of K columns where
   transpose, else of K rows. The result has the dtype of x. biases in mode "affine"
   alone. Blocks of GGUF, w uint8 of mlx_quantize or of an open file, are multiplied where
   they lie and have no scales (NULL handle); docs/differences.md says how x is rounded. */
MLX_API int mlx_quantized_matmul(mlx_array *res, const mlx_array x, const mlx_array w,
                                 const mlx_array scales, const mlx_array biases, bool transpose,
                                 mlx_optional_int group_size, mlx_optional_int bits,
                                 const char *mode, const mlx_stream s);
/* The same for matrices picked by indices, as in mlx_gather_mm; an empty index array
   stands for all. */
MLX_API int mlx_gather_qmm(mlx_array *res, const mlx_array x, const mlx_array w,
                           const mlx_array scales, const mlx_array biases,
                           const mlx_array lhs_indices, const mlx_array rhs_indices, bool transpose,
                           mlx_optional_int group_size, mlx_optional_int bits, const char *mode,
                           bool sorted_indices, const mlx_stream s);
/* x, quantized on the way, times the transpose of w: packed with w_scales, or, where
   these are empty, as floats that are quantized, too. Modes other than "affine". */
MLX_API int mlx_qqmm(mlx_array *res, const mlx_array x, const mlx_array w, const mlx_array w_scales,
                     mlx_optional_int group_size, mlx_optional_int bits, const char *mode,
                     const mlx_array global_scale_x, const mlx_array global_scale_w,
                     const mlx_stream s);

/* --- convolution: channels last -------------------------------------------------- */

/* Convolution (without turning the kernel over) of input (N,L,C) with weight
   (O,K,C/groups): (N,L',O). Floats; padding on both sides. */
MLX_API int mlx_conv1d(mlx_array *res, const mlx_array input, const mlx_array weight, int stride,
                       int padding, int dilation, int groups, const mlx_stream s);
/* Of input (N,H,W,C) with weight (O,KH,KW,C/groups): (N,H',W',O). _0 is for the first axis. */
MLX_API int mlx_conv2d(mlx_array *res, const mlx_array input, const mlx_array weight, int stride_0,
                       int stride_1, int padding_0, int padding_1, int dilation_0, int dilation_1,
                       int groups, const mlx_stream s);
/* Of input (N,D,H,W,C) with weight (O,KD,KH,KW,C/groups). */
MLX_API int mlx_conv3d(mlx_array *res, const mlx_array input, const mlx_array weight, int stride_0,
                       int stride_1, int stride_2, int padding_0, int padding_1, int padding_2,
                       int dilation_0, int dilation_1, int dilation_2, int groups,
                       const mlx_stream s);
/* The transpose of mlx_conv1d as a linear map, as gradients need it: (N,L,C) becomes
   longer by stride; output_padding adds to one side. */
MLX_API int mlx_conv_transpose1d(mlx_array *res, const mlx_array input, const mlx_array weight,
                                 int stride, int padding, int dilation, int output_padding,
                                 int groups, const mlx_stream s);
/* The transpose of mlx_conv2d. */
MLX_API int mlx_conv_transpose2d(mlx_array *res, const mlx_array input, const mlx_array weight,
                                 int stride_0, int stride_1, int padding_0, int padding_1,
                                 int dilation_0, int dilation_1, int output_padding_0,
                                 int output_padding_1, int groups, const mlx_stream s);
/* The transpose of mlx_conv3d. */
MLX_API int mlx_conv_transpose3d(mlx_array *res, const mlx_array input, const mlx_array weight,
                                 int stride_0, int stride_1, int stride_2, int padding_0,
                                 int padding_1, int padding_2, int dilation_0, int dilation_1,
                                 int dilation_2, int output_padding_0, int output_padding_1,
                                 int output_padding_2, int groups, const mlx_stream s);
/* Convolution over any number of axes, with padding of its own at either end,
   input_dilation (zeros between the input's elements) and, where flip, the kernel
   turned over. A list of one entry stands for all axes, an empty one for 1 (padding:
   0). */
MLX_API int mlx_conv_general(mlx_array *res, const mlx_array input, const mlx_array weight,
                             const int *stride, size_t stride_num, const int *padding_lo,
                             size_t padding_lo_num, const int *padding_hi, size_t padding_hi_num,
                             const int *kernel_dilation, size_t kernel_dilation_num,
                             const int *input_dilation, size_t input_dilation_num, int groups,
                             bool flip, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
