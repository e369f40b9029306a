/* Arrays: immutable values of one dtype and shape, available or still to be computed.
 *
 *     mlx_array z = mlx_array_new();       an empty handle
 *     mlx_add(&z, x, y, s);                z will be x + y; nothing is computed
 *     mlx_array_eval(z);                   now it is
 *     mlx_array_free(z);
 *
 * Conventions of the whole API. A handle is a box `{void *ctx}` that whoever made it
 * frees; freeing an empty handle does nothing. Functions return 0, or 1 after the
 * error handler was called (error.h); those that return values give NULL, 0 or an
 * empty handle on error. Getters by key and iterators return 2 where there is nothing
 * (more) and 3 where it is of another type, and do not call the handler. The output
 * comes first and must be initialised: if its ctx is not NULL the object is replaced
 * in place, so that copies of the handle see the new value, and it may be one of the
 * inputs. Inputs are borrowed. Axes may be negative. All functions may be called from
 * any thread.
 *
 * When errors come. Operations make a node and compute nothing; what can be told from
 * shapes, dtypes and other arguments is refused there, and res is as it was. What
 * depends on values (an index in an array, a singular matrix) or on the machine
 * (memory, a file) is an error of whatever evaluates: mlx_eval, mlx_array_eval, item,
 * tostring, save, synchronize. A NULL pointer, an empty handle, a NULL list with a
 * count above 0 and a handle that is none are errors, but where a comment says what
 * they mean; an empty stream is the default one.
 *
 * Copying a result out. Elements of an evaluated array lie mlx_array_strides apart,
 * which may be 0 or negative. For row-major order:
 *
 *     mlx_contiguous(&y, y, false, s);
 *     if (mlx_array_eval(y) == 0)
 *         memcpy(to, mlx_array_data_float32(y), mlx_array_nbytes(y));
 *
 * Environment variables, read when first needed: MLX_NUM_THREADS (threads of the
 * process's pool), MLX_CPU_ISA (baseline, avx2, avx512, neon: force an instruction
 * set), MLX_GPU_ON_CPU=1 (the CPU stands for a GPU), MLX_DISABLE_COMPILE (compiled
 * functions are called as they are).
 */
#ifndef MLX_C_ARRAY_H
#define MLX_C_ARRAY_H

/* All that mlx-c's header includes: programs count on it. */
#ifndef __cplusplus
#include <complex.h>
#endif
#include <float.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "mlx/c/half.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef float _Complex mlx_complex64_t;

/* A counted reference to an array. */
typedef struct mlx_array_ {
    void *ctx;
} mlx_array;

/* An empty handle, ready for use as output or as an argument that is left out. */
static mlx_array mlx_array_empty __attribute__((unused));

typedef enum mlx_dtype_ {
    MLX_BOOL = 0,
    MLX_UINT8 = 1,
    MLX_UINT16 = 2,
    MLX_UINT32 = 3,
    MLX_UINT64 = 4,
    MLX_INT8 = 5,
    MLX_INT16 = 6,
    MLX_INT32 = 7,
    MLX_INT64 = 8,
    MLX_FLOAT16 = 9,
    MLX_FLOAT32 = 10,
    MLX_FLOAT64 = 11,
    MLX_BFLOAT16 = 12,
    MLX_COMPLEX64 = 13
} mlx_dtype;

/* Bytes of one element; 0 of what is no dtype. */
MLX_API size_t mlx_dtype_size(mlx_dtype dtype);

/* --- making and letting go ------------------------------------------------------- */

/* An empty handle: it holds no array. */
MLX_API mlx_array mlx_array_new(void);
/* Let go of the handle and its reference. The array lives as long as something else
   refers to it. */
MLX_API int mlx_array_free(mlx_array arr);
/* arr becomes another reference to src's array. */
MLX_API int mlx_array_set(mlx_array *arr, const mlx_array src);

/* A bool as an array without dimensions. Errors: no memory. */
MLX_API mlx_array mlx_array_new_bool(bool val);
/* An int32 as an array without dimensions. */
MLX_API mlx_array mlx_array_new_int(int val);
/* A float32 as an array without dimensions. */
MLX_API mlx_array mlx_array_new_float32(float val);
/* mlx_array_new_float32. */
MLX_API mlx_array mlx_array_new_float(float val);
/* A float64 as an array without dimensions. */
MLX_API mlx_array mlx_array_new_float64(double val);
/* mlx_array_new_float64. */
MLX_API mlx_array mlx_array_new_double(double val);
/* A complex64 as an array without dimensions. */
MLX_API mlx_array mlx_array_new_complex(float real_val, float imag_val);
/* arr becomes a bool without dimensions. */
MLX_API int mlx_array_set_bool(mlx_array *arr, bool val);
/* arr becomes an int32 without dimensions. */
MLX_API int mlx_array_set_int(mlx_array *arr, int val);
/* arr becomes a float32 without dimensions. */
MLX_API int mlx_array_set_float32(mlx_array *arr, float val);
/* mlx_array_set_float32. */
MLX_API int mlx_array_set_float(mlx_array *arr, float val);
/* arr becomes a float64 without dimensions. */
MLX_API int mlx_array_set_float64(mlx_array *arr, double val);
/* mlx_array_set_float64. */
MLX_API int mlx_array_set_double(mlx_array *arr, double val);
/* arr becomes a complex64 without dimensions. */
MLX_API int mlx_array_set_complex(mlx_array *arr, float real_val, float imag_val);

/* An array from dim sizes and elements in row-major order, which are copied. Errors: a
   negative or too large shape, more than 64 dimensions, data NULL with elements to read. */
MLX_API mlx_array mlx_array_new_data(const void *data, const int *shape, int dim, mlx_dtype dtype);
/* mlx_array_new_data, put into a handle. Errors as of mlx_array_new_data. */
MLX_API int mlx_array_set_data(mlx_array *arr, const void *data, const int *shape, int dim,
                               mlx_dtype dtype);
/* mlx_array_new_data without a copy: the memory is borrowed until dtor is called, with data or with
   payload. dtor NULL: the caller keeps the memory alive. On failure the caller keeps ownership
   and dtor is not called. Errors: a negative or too large shape, more than 64 dimensions, data
   NULL with elements to read. */
MLX_API mlx_array mlx_array_new_data_managed(void *data, const int *shape, int dim, mlx_dtype dtype,
                                             void (*dtor)(void *));
/* The same with an argument of its own for dtor: payload. */
MLX_API mlx_array mlx_array_new_data_managed_payload(void *data, const int *shape, int dim,
                                                     mlx_dtype dtype, void *payload,
                                                     void (*dtor)(void *));

/* --- asking: nothing is computed ------------------------------------------------- */

/* Bytes of one element of an array. */
MLX_API size_t mlx_array_itemsize(const mlx_array arr);
/* Elements: the product of the sizes. */
MLX_API size_t mlx_array_size(const mlx_array arr);
/* Bytes of all elements, were they without gaps. */
MLX_API size_t mlx_array_nbytes(const mlx_array arr);
/* How many dimensions it has. */
MLX_API size_t mlx_array_ndim(const mlx_array arr);
/* The sizes of an array, one for each dimension; they belong to the array and are valid as
   long as the handle holds it. */
MLX_API const int *mlx_array_shape(const mlx_array arr);
/* An array's strides, in elements, as long as the shape is valid. They are final once the
   array is evaluated, and may be 0 (a broadcast) or negative (a reversed slice): read
   them as int64_t or ptrdiff_t. */
MLX_API const size_t *mlx_array_strides(const mlx_array arr);
/* The size of one axis; a negative axis counts from the end. Errors: no such axis. */
MLX_API int mlx_array_dim(const mlx_array arr, int dim);
/* An array's dtype; MLX_BOOL of an empty handle, with an error. */
MLX_API mlx_dtype mlx_array_dtype(const mlx_array arr);
/* An array as text, "array([[1, 2], [3, 4]], dtype=int32)"; of large arrays the ends alone.
   Evaluates. Errors: what evaluation meets. */
MLX_API int mlx_array_tostring(mlx_string *str, const mlx_array arr);
/* Decimals of printed floats, for the whole process; -1, the default: six significant
   digits. Errors: less than -1. Not in mlx-c. */
MLX_API int mlx_set_print_precision(int decimals);
/* What mlx_set_print_precision set. */
MLX_API int mlx_get_print_precision(int *decimals);

/* --- evaluating and reading ------------------------------------------------------ */

/* Compute the array and what it needs; it returns when that is done. On failure (memory, a
   singular matrix, a device) the array stays as it was and eval may be tried again. Errors: what
   the computation meets. */
MLX_API int mlx_array_eval(mlx_array arr);

/* The value of an array of one element, whatever its dtype: whether it is not 0.
   Evaluates. Errors: more or fewer elements, what evaluation meets. */
MLX_API int mlx_array_item_bool(bool *res, const mlx_array arr);
/* The value as uint8: floats lose their fraction. Errors: a value outside of its range,
   NaN, an imaginary part. */
MLX_API int mlx_array_item_uint8(uint8_t *res, const mlx_array arr);
/* The value as uint16: floats lose their fraction. Errors: a value outside of its
   range, NaN, an imaginary part. */
MLX_API int mlx_array_item_uint16(uint16_t *res, const mlx_array arr);
/* The value as uint32: floats lose their fraction. Errors: a value outside of its
   range, NaN, an imaginary part. */
MLX_API int mlx_array_item_uint32(uint32_t *res, const mlx_array arr);
/* The value as uint64: floats lose their fraction. Errors: a value outside of its
   range, NaN, an imaginary part. */
MLX_API int mlx_array_item_uint64(uint64_t *res, const mlx_array arr);
/* The value as int8: floats lose their fraction. Errors: a value outside of its range,
   NaN, an imaginary part. */
MLX_API int mlx_array_item_int8(int8_t *res, const mlx_array arr);
/* The value as int16: floats lose their fraction. Errors: a value outside of its range,
   NaN, an imaginary part. */
MLX_API int mlx_array_item_int16(int16_t *res, const mlx_array arr);
/* The value as int32: floats lose their fraction. Errors: a value outside of its range,
   NaN, an imaginary part. */
MLX_API int mlx_array_item_int32(int32_t *res, const mlx_array arr);
/* The value as int64: floats lose their fraction. Errors: a value outside of its range,
   NaN, an imaginary part. */
MLX_API int mlx_array_item_int64(int64_t *res, const mlx_array arr);
/* The value as float32. Errors: a value outside of its range (infinities and NaN stay),
   an imaginary part. */
MLX_API int mlx_array_item_float32(float *res, const mlx_array arr);
/* The value as float64. Errors: a value outside of its range (infinities and NaN stay),
   an imaginary part. */
MLX_API int mlx_array_item_float64(double *res, const mlx_array arr);
/* The value as complex64; real ones have the imaginary part 0. Errors: more or fewer elements
   than one. */
MLX_API int mlx_array_item_complex64(mlx_complex64_t *res, const mlx_array arr);
/* The value as float16. Errors: a value outside of its range (infinities and NaN stay),
   an imaginary part. */
MLX_API int mlx_array_item_float16(float16_t *res, const mlx_array arr);
/* The value as bfloat16. Errors: a value outside of its range (infinities and NaN
   stay), an imaginary part. */
MLX_API int mlx_array_item_bfloat16(bfloat16_t *res, const mlx_array arr);

/* The first element of an evaluated array of dtype bool, in memory that is valid while
   a handle holds the array. The others lie mlx_array_strides apart, for which
   mlx_contiguous gives row-major order. `size` elements from here on are always the
   array's own memory: a broadcast or reversed array whose strides were not asked for
   before is shown as a copy in row-major order, of which mlx_array_strides tells from
   then on. NULL: not evaluated. The dtype is not checked, here and below. */
MLX_API const bool *mlx_array_data_bool(const mlx_array arr);
/* The first element, of dtype uint8: see mlx_array_data_bool. */
MLX_API const uint8_t *mlx_array_data_uint8(const mlx_array arr);
/* The first element, of dtype uint16: see mlx_array_data_bool. */
MLX_API const uint16_t *mlx_array_data_uint16(const mlx_array arr);
/* The first element, of dtype uint32: see mlx_array_data_bool. */
MLX_API const uint32_t *mlx_array_data_uint32(const mlx_array arr);
/* The first element, of dtype uint64: see mlx_array_data_bool. */
MLX_API const uint64_t *mlx_array_data_uint64(const mlx_array arr);
/* The first element, of dtype int8: see mlx_array_data_bool. */
MLX_API const int8_t *mlx_array_data_int8(const mlx_array arr);
/* The first element, of dtype int16: see mlx_array_data_bool. */
MLX_API const int16_t *mlx_array_data_int16(const mlx_array arr);
/* The first element, of dtype int32: see mlx_array_data_bool. */
MLX_API const int32_t *mlx_array_data_int32(const mlx_array arr);
/* The first element, of dtype int64: see mlx_array_data_bool. */
MLX_API const int64_t *mlx_array_data_int64(const mlx_array arr);
/* The first element, of dtype float32: see mlx_array_data_bool. */
MLX_API const float *mlx_array_data_float32(const mlx_array arr);
/* The first element, of dtype float64: see mlx_array_data_bool. */
MLX_API const double *mlx_array_data_float64(const mlx_array arr);
/* The first element, of dtype complex64: see mlx_array_data_bool. */
MLX_API const mlx_complex64_t *mlx_array_data_complex64(const mlx_array arr);
/* The first element, of dtype float16: see mlx_array_data_bool. */
MLX_API const float16_t *mlx_array_data_float16(const mlx_array arr);
/* The first element, of dtype bfloat16: see mlx_array_data_bool. */
MLX_API const bfloat16_t *mlx_array_data_bfloat16(const mlx_array arr);

/* Whether it has been evaluated. */
MLX_API int _mlx_array_is_available(bool *res, const mlx_array arr);
/* Evaluate, and return when that is done: mlx_array_eval. Errors: what the computation meets. */
MLX_API int _mlx_array_wait(const mlx_array arr);
/* Whether the elements of an evaluated array lie without gaps, in some order of the
   axes. Errors, as of the next two: not evaluated. */
MLX_API int _mlx_array_is_contiguous(bool *res, const mlx_array arr);
/* Whether they lie in row-major order without gaps, as C arrays do: then mlx_array_size elements
   may be read one after the other. Errors: not evaluated. */
MLX_API int _mlx_array_is_row_contiguous(bool *res, const mlx_array arr);
/* Whether they lie in column-major order without gaps, as Fortran's arrays do. Errors: not
   evaluated. */
MLX_API int _mlx_array_is_col_contiguous(bool *res, const mlx_array arr);

#ifdef __cplusplus
}
#endif

#endif
