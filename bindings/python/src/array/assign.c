/* An array object takes over another value: in-place operators, item assignment, unpickling. */
#include "py.h"

/* The handle stays the one that it is: a call whose later arguments run this may hold it. */
void mpy_array_replace(PyObject *o, mlx_array handle) {
    mlx_array former = mlx_array_new();
    mlx_array_set(&former, mpy_array_handle(o));
    mlx_array_set(&((mpy_array *)o)->handle, handle);
    if (o == mpy_random_shown)
        mpy_random_assigned(former, mpy_array_handle(o));
    mlx_array_free(former);
    mlx_array_free(handle);
}
