/* The ways into an array that convert.c chooses from (sequence.c, foreign.c, interop/). */
#ifndef MPY_CONVERT_H
#define MPY_CONVERT_H

#include "py.h"

/* Has o's type an attribute of that name? */
int mpy_has(PyObject *o, const char *name);
/* May o be an array: is it one, or has it __mlx_array__, a buffer, __dlpack__ or __array__? */
int mpy_convertible(PyObject *o);
/* ValueError: o is of no type that arrays are made from. Returns -1. */
int mpy_refuse_type(PyObject *o);

/* What is no sequence. */
int mpy_array_from_object(mlx_array *out, PyObject *o, const mlx_dtype *dtype);
/* What has __mlx_array__, a buffer, __dlpack__ or __array__: the ways in turn; 1 where none leads
   to an array (no exception is set). */
int mpy_array_from_foreign(mlx_array *out, PyObject *o, int keep_float64);
/* A list or a tuple. */
int mpy_array_from_sequence(mlx_array *out, PyObject *o, const mlx_dtype *dtype);
/* What has the buffer protocol, copied, in the dtype that it has (complex128 as complex64); 0, 1
   where the elements are of no dtype (without an exception), or -1. With float64 false, float64
   becomes float32. */
int mpy_array_from_buffer(mlx_array *out, PyObject *o, int keep_float64);
/* Elements copied from memory with strides in bytes. */
int mpy_array_from_memory(mlx_array *out, const void *from, int ndim, const Py_ssize_t *shape,
                          const Py_ssize_t *strides, Py_ssize_t itemsize, mlx_dtype dtype,
                          int complex128);
/* What has __dlpack__, with the dtype that it has. copy: 1 yes, 0 never, -1 where it must be. */
int mpy_array_from_dlpack(mlx_array *out, PyObject *o, int copy);

#endif
