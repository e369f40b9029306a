/* Writing through an index (index_set.c), for assignment and for x.at[...] (at.c). */
#ifndef MPY_INDEX_SET_H
#define MPY_INDEX_SET_H

#include "py.h"

typedef enum mpy_update { MPY_SET, MPY_ADD, MPY_PROD, MPY_MAX, MPY_MIN } mpy_update;

/* The value to be written, in dtype; v is initialised. */
int mpy_index_value(mlx_array *v, PyObject *o, mlx_dtype dtype);
/* x with what lies at key replaced by v or combined with it; v changes. */
int mpy_index_update(mlx_array *out, mlx_array x, PyObject *key, mlx_array *v, mpy_update how);

#endif
