/* Entering Python from the library: see gil.h. */
#include "host/gil.h"

bool mpy_gil_take(PyGILState_STATE *gil) {
    if (!Py_IsInitialized()) {
        /* Not mlx_error, which would put the build's folder into the module. */
        _mlx_error("gil.c", __LINE__,
                   "[python] the interpreter has ended, and calls no more functions");
        return false;
    }
    *gil = PyGILState_Ensure();
    return true;
}
