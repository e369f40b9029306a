/* The callback of export_function. */
#ifndef MPY_EXPORT_CALLBACK_H
#define MPY_EXPORT_CALLBACK_H

#include "transform/transform.h"

/* Calls it with a dict for each part of what was added to the exporter. -1: an exception is set. */
int mpy_tell_exported(mlx_function_exporter file, PyObject *callback);

#endif
