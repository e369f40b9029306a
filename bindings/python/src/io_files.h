/* Files and file objects as the library takes them (io_files.c). */
#ifndef MPY_IO_FILES_H
#define MPY_IO_FILES_H

#include "py.h"

/* Where bytes come from: a path, or for a file object a path to its descriptor or to a copy of its bytes. */
typedef struct mpy_source {
    PyObject *path; /* bytes */
    PyObject *name; /* str, whose ending tells the format; may be NULL */
    int copy;       /* descriptor of the copy, or -1 */
} mpy_source;

int mpy_source_open(mpy_source *s, PyObject *file, const char *op);
void mpy_source_close(mpy_source *s);

/* A path as bytes (a new reference), or NULL without an exception where file is a file object, or with one. */
PyObject *mpy_path_of(PyObject *file, const char *op);
/* Writes to file.write, with the GIL while it does. */
mlx_io_writer mpy_writer_of(PyObject *file);

#endif
