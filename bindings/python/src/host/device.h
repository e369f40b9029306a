/* Devices, and what their functions and those of streams share (device.c, stream.c). */
#ifndef MPY_DEVICE_H
#define MPY_DEVICE_H

#include "py.h"

/* A device keeps a handle for its default stream, which is brought up to date each time it is used.
 */
typedef struct mpy_device {
    PyObject_HEAD mlx_device handle;
    mlx_stream stream;
} mpy_device;

PyObject *mpy_device_wrap(mlx_device handle);
/* A device, or the first device of a type, borrowed; NULL without an exception for anything else.
 */
PyObject *mpy_as_device(PyObject *o);
/* The default stream of a device, borrowed from it. */
int mpy_device_stream(mlx_stream *out, PyObject *device);

/* The one argument of a function, which may be given by its name. */
PyObject *mpy_argument(PyObject *args, PyObject *kwargs, const char *format, const char *name);
/* The one argument, a device or a type. */
mpy_device *mpy_device_argument(PyObject *args, PyObject *kwargs, const char *format);
/* TypeError; NULL. */
PyObject *mpy_wrong_type(PyObject *o, const char *expected);
/* The text as a str, which is freed; if status is not 0, the library's error. */
PyObject *mpy_text_of(int status, mlx_string text);

#endif
