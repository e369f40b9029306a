/* Python numbers on their way into arrays (number.c). */
#ifndef MPY_NUMBER_H
#define MPY_NUMBER_H

#include "py.h"

typedef enum mpy_kind { MPY_BOOL, MPY_INT, MPY_UINT, MPY_FLOAT, MPY_COMPLEX } mpy_kind;

/* A number of Python's: an int is kept as its 64 bits, MPY_UINT if it needs all of them without a
   sign. */
typedef struct mpy_number {
    mpy_kind kind;
    int64_t i;
    double re, im;
} mpy_number;

/* 1: o is a bool, int, float or complex (or of a subclass) and now in *out; 0: it is something
   else; -1: an int of more than 64 bits, with OverflowError set. */
int mpy_number_from(mpy_number *out, PyObject *o);
/* The dtype that MLX gives a number alone. */
mlx_dtype mpy_number_dtype(const mpy_number *n);
/* Store a number as dtype: integers wrap, floats are cut towards zero for integers. */
void mpy_number_store(void *to, mlx_dtype dtype, const mpy_number *n);
/* A 0-dimensional array of it. */
int mpy_number_array(mlx_array *out, const mpy_number *n, mlx_dtype dtype);
/* The same, borrowed from a cache of the constants that were used last. A result may be the
   constant itself (the derivative of 2x), so exports of its memory are copies: mpy_is_constant.
   NULL ctx and an exception where there is no memory. */
mlx_array mpy_number_constant(const mpy_number *n, mlx_dtype dtype);
/* Is this the memory of a constant in the cache? */
int mpy_is_constant(const void *data);

#endif
