/* Entering Python from the library: from a thread of its own, or from one that let go of the
   GIL. */
#ifndef MPY_GIL_H
#define MPY_GIL_H
#include "py.h"

/* Takes the GIL. False, without it and with the library's error set, once the interpreter has begun
   to end: asking then ends the thread where it stands, or finds the interpreter's memory gone. */
bool mpy_gil_take(PyGILState_STATE *gil);

#endif
