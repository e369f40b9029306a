/* Entering Python from the library: see gil.h. */
#include "host/gil.h"

bool mpy_gil_take(PyGILState_STATE *gil) {
    if (!Py_IsInitialized()) {
        mlx_error("[python] the interpreter has ended, and calls no more functions");
        return false;
    }
    *gil = PyGILState_Ensure();
    return true;
}
